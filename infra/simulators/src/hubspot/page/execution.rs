//! The page of an execution: what the workflow's history shows of it, and every request and answer behind that.

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::super::HubSpot;
use super::super::history::Execution;
use super::{gone, portal_address, record_link, state_badge, to_the_second};
use crate::page::{Column, Page, Site, facts, number, plain, status, table, text, unfold};

/// The page; `place` counts all executions of the simulator from 1.
pub(super) async fn show(Shared(hubspot): Shared<HubSpot>, Path(place): Path<usize>) -> Response {
    let execution =
        place.checked_sub(1).and_then(|place| hubspot.current_state().executions.get(place).cloned());
    let Some(execution) = execution else {
        return gone(&hubspot, &format!("There is no execution {place}."));
    };
    let portal = execution.portal_id;
    let page = Page {
        site: Site::HubSpot,
        title: &format!("Execution {place}: {}", execution.action),
        badge: state_badge(&execution.history.state),
        trail: &[
            ("/".to_owned(), "Portals".to_owned()),
            (portal_address(portal), format!("Portal {portal}")),
        ],
        content: content(&execution),
    };
    page.show(hubspot.control())
}

fn content(execution: &Execution) -> Markup {
    let all = json!(execution);
    let list = |name: &str| all[name].as_array().map(Vec::as_slice).unwrap_or_default().to_vec();
    let outputs: Vec<_> = all["outputs"].as_object().into_iter().flatten().map(output).collect();
    let deliveries: Vec<_> = list("deliveries").iter().enumerate().map(delivery).collect();
    let completions: Vec<_> = list("completions").iter().map(completion).collect();
    html! {
        @if let Some(label) = all["label"].as_str() { p.sentence { (label) } }
        (about(execution, &all))
        (problems(&list("problems")))
        (table("Deliveries", DELIVERIES, &deliveries))
        @if !completions.is_empty() { (table("Completions asked for", COMPLETIONS, &completions)) }
        (table("Outputs", OUTPUTS, &outputs))
        @if all["labels"].as_object().is_some_and(|labels| labels.len() > 1) {
            (unfold("The sentence in every language", &all["labels"].to_string()))
        }
        (unfold("The request", &execution.request_body))
    }
}

fn about(execution: &Execution, all: &Value) -> Markup {
    let request: Value = serde_json::from_str(&execution.request_body).unwrap_or_default();
    let own = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let known = |value: &Value| if value.is_null() { String::new() } else { value.to_string() };
    facts([
        ("Record", record_link(execution)),
        ("Source", plain(own(&request["context"]["source"]))),
        ("Workflow", plain(known(&request["context"]["workflowId"]))),
        ("Callback id", html! { code { (execution.history.callback_id) } }),
        ("Execution rule", plain(own(&all["rule"]))),
        ("Block ends", plain(to_the_second(&own(&all["blocked_until"])))),
    ])
}

fn problems(problems: &[Value]) -> Markup {
    html! {
        @if !problems.is_empty() {
            h2 { "What HubSpot could not use" }
            ul { @for problem in problems { li { (problem.as_str().unwrap_or_default()) } } }
        }
    }
}

const DELIVERIES: &[Column] = &[number("No."), text("Sent"), text("Status"), number("Took"), text("Answer")];

fn delivery((place, attempt): (usize, &Value)) -> Vec<Markup> {
    let answered = attempt["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    vec![
        plain((place + 1).to_string()),
        html! { span.whole { (to_the_second(attempt["at"].as_str().unwrap_or_default())) } },
        status(answered),
        html! { (attempt["duration_ms"].to_string()) " ms" },
        html! {
            (attempt["error"].as_str().unwrap_or_default())
            (unfold("Body", attempt["body"].as_str().unwrap_or_default()))
        },
    ]
}

const COMPLETIONS: &[Column] = &[text("At"), text("Answered"), text("Asked")];

fn completion(completion: &Value) -> Vec<Markup> {
    let answered = completion["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    vec![
        html! { span.whole { (to_the_second(completion["at"].as_str().unwrap_or_default())) } },
        status(answered),
        unfold("Body", &completion["body"].to_string()),
    ]
}

const OUTPUTS: &[Column] = &[text("Output"), text("Value")];

/// An output; one that is an address on this machine or the web can be followed.
fn output((name, value): (&String, &Value)) -> Vec<Markup> {
    let value = value.as_str().unwrap_or_default();
    let is_address = value.starts_with("http://") || value.starts_with("https://");
    let shown = html! { @if is_address { a href=(value) { (value) } } @else { (value) } };
    vec![html! { code { (name) } }, shown]
}
