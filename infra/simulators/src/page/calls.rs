//! The call log: what the vendor was asked, newest first.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};

use super::{
    Column, Page, Paging, Site, Tone, Visit, badge, faults, number, plain, redact, status, table, text,
    unfold,
};
use crate::control::{Call, Control};

/// The pages that both simulators have: the log and the faults.
pub(crate) fn router(site: Site, control: &Control) -> Router {
    let (of_calls, of_faults) = (control.clone(), control.clone());
    Router::new()
        .route("/_sim/pages/calls", get(async move |visit| show(site, &of_calls, &visit)))
        .route("/_sim/pages/faults", get(async move || faults::show(site, &of_faults)))
}

fn show(site: Site, control: &Control, Query(visit): &Query<Visit>) -> Response {
    let paging = Paging::new(visit, control.count_calls());
    let calls = control.newest_calls(paging.rows());
    let rows: Vec<_> = calls.iter().map(row).collect();
    let content = html! {
        p.faint {
            "Every call of a client. What is under " code { "/_sim" } " and these pages do not count. "
            "Times are seconds since the start."
        }
        (paging.links(""))
        (table("Calls, newest first", COLUMNS, &rows))
        (paging.links(""))
    };
    Page { site, title: "Calls", badge: Markup::default(), trail: &[], content }.show(control)
}

const COLUMNS: &[Column] = &[
    number("Call"),
    text("Method"),
    text("Path, query and body"),
    text("Status"),
    text("Fault"),
    number("At"),
    number("Took"),
];

fn row(call: &Call) -> Vec<Markup> {
    let took = call.ended_us.map(|ended_us| ended_us.saturating_sub(call.started_us));
    vec![
        html! { (call.seq) },
        plain(&call.method),
        asked(call),
        answered(call),
        html! { @if let Some(fault) = &call.fault { (badge(Tone::Waits, &fault.replace('_', " "))) } },
        html! { (call.started_us / 1_000_000) "." (format!("{:03}", call.started_us / 1000 % 1000)) " s" },
        html! { @if let Some(us) = took { (us / 1000) "." (us / 100 % 10) " ms" } },
    ]
}

fn asked(call: &Call) -> Markup {
    let query = redact::query(call);
    html! {
        code { (redact::path(call)) }
        @if !query.is_empty() { div.faint { code { (query) } } }
        (unfold("Body", redact::body(call)))
    }
}

fn answered(call: &Call) -> Markup {
    html! {
        @match (call.ended_us, call.status) {
            (None, _) => (badge(Tone::Plain, "running")),
            (Some(_), None) => (badge(Tone::Bad, "dropped")),
            (Some(_), sent) => (status(sent)),
        }
        @if call.unexpected { " " (badge(Tone::Bad, "unexpected")) }
    }
}
