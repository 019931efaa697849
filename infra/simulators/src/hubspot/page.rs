//! Pages to look into the portals: what they hold, and what their workflows' histories show. What they share with
//! QuickBooks' is in [`crate::page`].

mod execution;
mod portal;
mod record;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::HubSpot;
use super::history::Execution;
use super::object_type::ObjectType;
use crate::page::{Column, Page, Site, Tone, badge, calls, link, missing, number, plain, table, text};

/// The pages; none of them is a call to HubSpot.
pub(super) fn router(hubspot: &HubSpot) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/_sim/pages/portals/{portal}", get(portal::show))
        .route("/_sim/pages/portals/{portal}/{kind}/{id}", get(record::show))
        .route("/_sim/pages/executions/{place}", get(execution::show))
        .route("/contacts/{portal}/record/{kind}/{id}", get(record::show))
        .with_state(hubspot.clone())
        .merge(calls::router(Site::HubSpot, hubspot.control()))
}

fn portal_address(portal_id: u64) -> String {
    format!("/_sim/pages/portals/{portal_id}")
}

fn record_address(portal_id: u64, kind: ObjectType, id: &str) -> String {
    format!("{}/{}/{id}", portal_address(portal_id), kind.name())
}

/// `Line items`, as people write it.
fn spoken(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn gone(hubspot: &HubSpot, why: &str) -> Response {
    missing(Site::HubSpot, hubspot.control(), why)
}

async fn home(State(hubspot): State<HubSpot>) -> Response {
    let content = {
        let state = hubspot.current_state();
        let portals: Vec<_> = state.known_portals().into_iter().map(|id| portal::row(&state, id)).collect();
        let url = state.action_base_url.as_deref().unwrap_or("nowhere yet");
        html! {
            @if portals.is_empty() {
                p { "There is no portal yet: seed one." }
                pre { "POST /_sim/seed  {\"portals\": [{\"portal_id\": 1, \"objects\": {\"deals\": [{\"id\": \"7\"}]}}]}" }
            } @else {
                (table("Portals", portal::PORTALS, &portals))
            }
            (table("Actions of the app", ACTIONS, &actions(&hubspot)))
            p.faint {
                "They run at " code { (url) } ". Everything as JSON: " a href="/_sim/executions" { "/_sim/executions" }
                "; " code { "/_sim/state" } " has tokens too."
            }
        }
    };
    let page = Page {
        site: Site::HubSpot,
        title: "What HubSpot holds",
        badge: Markup::default(),
        trail: &[],
        content,
    };
    page.show(hubspot.control())
}

const ACTIONS: &[Column] = &[text("Action"), number("Definition id")];

fn actions(hubspot: &HubSpot) -> Vec<Vec<Markup>> {
    let ids = hubspot.definition_ids();
    ids.iter().map(|(name, id)| vec![plain(name), plain(id.to_string())]).collect()
}

/// Columns of [`execution_row`].
const EXECUTIONS: &[Column] = &[
    number("No."),
    text("State"),
    text("What the history says"),
    text("Record"),
    text("Action"),
    text("First sent"),
    number("Deliveries"),
];

/// An execution in a list; `place` is its place among all of them, from 0.
fn execution_row(place: usize, execution: &Execution) -> Vec<Markup> {
    let all = json!(execution);
    let first = all["deliveries"][0]["at"].as_str().unwrap_or_default();
    let number = (place + 1).to_string();
    vec![
        link(&format!("/_sim/pages/executions/{number}"), &number),
        state_badge(&execution.history.state),
        html! { div.told { (sentence(&all)) } },
        record_link(execution),
        plain(&execution.action),
        html! { span.whole { (to_the_second(first)) } },
        plain(execution.history.deliveries.len().to_string()),
    ]
}

/// The sentence people see. HubSpot's own wording, where it has none to translate, is not known: then what happened.
fn sentence(execution: &Value) -> Markup {
    let last = execution["deliveries"].as_array().and_then(|all| all.last()).unwrap_or(&Value::Null);
    let told = ["/label", "/problems/0"].iter().find_map(|path| execution.pointer(path)?.as_str());
    let happened = match (told, execution["state"].as_str(), execution["blocked_until"].as_str()) {
        (Some(told), _, _) => return plain(told),
        (None, Some("BLOCK"), Some(end)) => format!("waits until {}", to_the_second(end)),
        (None, Some("EXPIRED"), Some(end)) => format!("waited until {}", to_the_second(end)),
        (None, Some("FAILED"), _) if last["status"].is_null() => "no answer".to_owned(),
        (None, Some("FAILED"), _) => format!("answered {}", last["status"]),
        _ => String::new(),
    };
    html! { span.faint { (happened) } }
}

fn record_link(execution: &Execution) -> Markup {
    let id = execution.object_id.to_string();
    match ObjectType::from_workflow(&execution.object_type) {
        Some(kind) => {
            let name = format!("{} {id}", spoken(kind.singular()));
            html! { span.whole { (link(&record_address(execution.portal_id, kind, &id), &name)) } }
        }
        None => plain(format!("{} {id}", execution.object_type)),
    }
}

fn state_badge(state: &str) -> Markup {
    let (tone, words) = match state {
        "SUCCESS" => (Tone::Good, "success"),
        "FAIL_CONTINUE" => (Tone::Bad, "failed, went on"),
        "FAILED" => (Tone::Bad, "failed"),
        "BLOCK" => (Tone::Waits, "blocked"),
        "EXPIRED" => (Tone::Bad, "block expired"),
        "RUNNING" => (Tone::Plain, "running"),
        other => (Tone::Plain, other),
    };
    badge(tone, words)
}

/// The simulator's time stamps without their fractions.
fn to_the_second(stamp: &str) -> String {
    stamp.parse().map(crate::page::moment).unwrap_or_default()
}

/// What an address names: a portal, a type and a record.
type Named = Path<(u64, String, String)>;
