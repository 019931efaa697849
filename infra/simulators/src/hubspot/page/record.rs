//! The page of a record: its properties, what hangs on it, and the executions it was enrolled into. It also stands where
//! HubSpot has it: `/contacts/{portal}/record/{type id}/{id}`.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::super::object_type::ObjectType;
use super::super::records::Record;
use super::super::{HubSpot, State};
use super::{EXECUTIONS, Named, execution_row, gone, portal_address, record_address, spoken};
use crate::page::{Column, Page, Site, Tone, badge, link, plain, table, text};

/// The page.
pub(super) async fn show(Shared(hubspot): Shared<HubSpot>, Path((portal_id, kind, id)): Named) -> Response {
    let found = {
        let state = hubspot.current_state();
        ObjectType::parse(&kind).and_then(|kind| {
            let record = state.portals.get(&portal_id)?.all(kind).find(|record| record.id == id)?;
            Some((kind, is_archived(record), content(&state, portal_id, kind, record)))
        })
    };
    let Some((kind, archived, content)) = found else {
        return gone(&hubspot, &format!("Portal {portal_id} has no {kind} {id}."));
    };
    let list = format!("{}?show={}", portal_address(portal_id), kind.name());
    let page = Page {
        site: Site::HubSpot,
        title: &format!("{} {id}", spoken(kind.singular())),
        badge: if archived { badge(Tone::Plain, "archived") } else { Markup::default() },
        trail: &[
            ("/".to_owned(), "Portals".to_owned()),
            (portal_address(portal_id), format!("Portal {portal_id}")),
            (list, spoken(kind.name())),
        ],
        content,
    };
    page.show(hubspot.control())
}

fn is_archived(record: &Record) -> bool {
    json!(record)["archived"] == true
}

fn content(state: &State, portal_id: u64, kind: ObjectType, record: &Record) -> Markup {
    let properties: Vec<_> = record.properties.iter().map(property).collect();
    let executions = state.executions.iter().enumerate().rev().filter(|(_, one)| {
        one.portal_id == portal_id
            && one.object_id.to_string() == record.id
            && ObjectType::from_workflow(&one.object_type) == Some(kind)
    });
    let executions: Vec<_> = executions.map(|(place, one)| execution_row(place, one)).collect();
    html! {
        @if !executions.is_empty() { (table("Workflow history, newest first", EXECUTIONS, &executions)) }
        (table("Properties", PROPERTIES, &properties))
        (table("Associated records", ASSOCIATIONS, &associations(portal_id, record)))
    }
}

const PROPERTIES: &[Column] = &[text("Property"), text("Value")];

fn property((name, value): (&String, &Option<String>)) -> Vec<Markup> {
    let value = match value {
        Some(value) => plain(value),
        None => html! { span.faint { "null" } },
    };
    vec![html! { code { (name) } }, value]
}

const ASSOCIATIONS: &[Column] = &[text("Type"), text("Record"), text("Association types")];

fn associations(portal_id: u64, record: &Record) -> Vec<Vec<Markup>> {
    let all = json!(record);
    let lists = all["associations"].as_object().into_iter().flatten();
    let rows = lists.filter_map(|(to, list)| Some((ObjectType::parse(to)?, list.as_array()?)));
    rows.flat_map(|(to, list)| list.iter().map(move |one| association(portal_id, to, one))).collect()
}

/// An id alone, or with its association types.
fn association(portal_id: u64, to: ObjectType, one: &Value) -> Vec<Markup> {
    let id = one.as_str().or_else(|| one["id"].as_str()).unwrap_or_default();
    let types: Vec<_> = one["type_ids"].as_array().into_iter().flatten().map(Value::to_string).collect();
    vec![plain(spoken(to.name())), link(&record_address(portal_id, to, id), id), plain(types.join(", "))]
}
