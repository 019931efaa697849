//! A portal's page: its workflows' history, newest first, and its records by type, a hundred at a time.

use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::json;

use super::super::object_type::ObjectType;
use super::super::records::{Record, Records};
use super::super::{HubSpot, State};
use super::{EXECUTIONS, execution_row, gone, portal_address, record_address, spoken};
use crate::page::{Column, Page, Paging, Site, Visit, facts, link, number, plain, table, tabs, text};

/// Columns of [`row`].
pub(super) const PORTALS: &[Column] = &[
    text("Portal"),
    text("Time zone"),
    text("Currency"),
    number("Deals"),
    number("Quotes"),
    number("Contacts"),
    number("Executions"),
    number("Installations"),
];

/// A portal in the list of all.
pub(super) fn row(state: &State, portal_id: u64) -> Vec<Markup> {
    let account = json!(state.account(portal_id));
    let count = |kind: ObjectType| {
        let records = state.portals.get(&portal_id);
        plain(records.map_or(0, |records| records.all(kind).count()).to_string())
    };
    let executions = state.executions.iter().filter(|execution| execution.portal_id == portal_id).count();
    let grants = state.grants.values().filter(|grant| grant.portal_id == portal_id && !grant.revoked).count();
    vec![
        link(&portal_address(portal_id), &portal_id.to_string()),
        plain(account["time_zone"].as_str().unwrap_or_default()),
        plain(account["company_currency"].as_str().unwrap_or_default()),
        count(ObjectType::Deals),
        count(ObjectType::Quotes),
        count(ObjectType::Contacts),
        plain(executions.to_string()),
        plain(grants.to_string()),
    ]
}

/// The page of one portal.
pub(super) async fn show(
    Shared(hubspot): Shared<HubSpot>,
    Path(portal_id): Path<u64>,
    Query(visit): Query<Visit>,
) -> Response {
    let content = {
        let state = hubspot.current_state();
        if !state.knows_portal(portal_id) {
            drop(state);
            return gone(&hubspot, &format!("There is no portal {portal_id}."));
        }
        content(&state, portal_id, &visit)
    };
    let page = Page {
        site: Site::HubSpot,
        title: &format!("Portal {portal_id}"),
        badge: Markup::default(),
        trail: &[("/".to_owned(), "Portals".to_owned())],
        content,
    };
    page.show(hubspot.control())
}

fn content(state: &State, portal_id: u64, visit: &Visit) -> Markup {
    let nothing = Records::default();
    let records = state.portals.get(&portal_id).unwrap_or(&nothing);
    let account = json!(state.account(portal_id));
    let fact = |name: &str| plain(account[name].as_str().unwrap_or_default());
    html! {
        (facts([
            ("Account", fact("account_type")),
            ("Time zone", fact("time_zone")),
            ("Currency", fact("company_currency")),
        ]))
        (choices(state, portal_id, records, &visit.show))
        @match ObjectType::parse(&visit.show) {
            Some(kind) => (list(portal_id, records, kind, visit)),
            None => (history(state, portal_id, visit)),
        }
    }
}

fn choices(state: &State, portal_id: u64, records: &Records, shown: &str) -> Markup {
    let executions = state.executions.iter().filter(|execution| execution.portal_id == portal_id).count();
    let is_history = ObjectType::parse(shown).is_none();
    let mut choices = vec![("Workflow history".to_owned(), executions, "?show=".to_owned(), is_history)];
    choices.extend(records.kinds().map(|(kind, count)| {
        (spoken(kind.name()), count, format!("?show={}", kind.name()), ObjectType::parse(shown) == Some(kind))
    }));
    tabs("What the portal has", &choices)
}

fn history(state: &State, portal_id: u64, visit: &Visit) -> Markup {
    let own: Vec<_> =
        state.executions.iter().enumerate().rev().filter(|(_, one)| one.portal_id == portal_id).collect();
    let paging = Paging::new(visit, own.len());
    let rows: Vec<_> = own[paging.rows()].iter().map(|(place, one)| execution_row(*place, one)).collect();
    html! { (paging.links("")) (table("Workflow history, newest first", EXECUTIONS, &rows)) (paging.links("")) }
}

fn list(portal_id: u64, records: &Records, kind: ObjectType, visit: &Visit) -> Markup {
    let paging = Paging::new(visit, records.all(kind).count());
    let names = telling(kind);
    let columns: Vec<_> = [text("Id")].into_iter().chain(names.iter().map(|name| text(name))).collect();
    let shown = records.all(kind).skip(paging.rows().start).take(paging.rows().len());
    let rows: Vec<_> = shown.map(|record| cells(portal_id, kind, record, names)).collect();
    let show = kind.name();
    html! { (paging.links(show)) (table(&spoken(kind.name()), &columns, &rows)) (paging.links(show)) }
}

fn cells(portal_id: u64, kind: ObjectType, record: &Record, names: &[&str]) -> Vec<Markup> {
    let id = link(&record_address(portal_id, kind, &record.id), &record.id);
    let value = |name: &&str| plain(record.properties.get(*name).cloned().flatten().unwrap_or_default());
    [id].into_iter().chain(names.iter().map(value)).collect()
}

/// The properties people know a record by.
fn telling(kind: ObjectType) -> &'static [&'static str] {
    match kind {
        ObjectType::CommercePayments => {
            &["hs_latest_status", "hs_initial_amount", "hs_currency_code", "hs_initiated_date"]
        }
        ObjectType::Companies => &["name", "domain"],
        ObjectType::Contacts => &["firstname", "lastname", "email"],
        ObjectType::Deals => &["dealname", "amount", "deal_currency_code", "dealstage"],
        ObjectType::Discounts | ObjectType::Fees | ObjectType::Taxes => &["hs_label", "hs_type", "hs_value"],
        ObjectType::LineItems => &["name", "hs_sku", "quantity", "price", "amount"],
        ObjectType::Products => &["name", "hs_sku", "price"],
        ObjectType::Quotes => &["hs_title", "hs_quote_amount", "hs_currency", "hs_status"],
    }
}
