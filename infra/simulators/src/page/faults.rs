//! The faults in force, and what they did.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{Column, Page, Site, Tone, badge, moment, number, plain, status, table, text};
use crate::control::Control;

/// The page.
pub(super) fn show(site: Site, control: &Control) -> Response {
    let plan = control.plan();
    let rows = |name: &str, row: fn(&Value) -> Vec<Markup>| -> Vec<_> {
        plan[name].as_array().into_iter().flatten().map(row).collect()
    };
    let content = html! {
        p.faint { "Set by " code { "POST /_sim/faults" } "; for each call, the first fault that fits is applied." }
        (table("Faults in force", FAULTS, &rows("faults", fault)))
        (table("Effects that land later", EFFECTS, &rows("late_effects", effect)))
    };
    Page { site, title: "Faults", badge: Markup::default(), trail: &[], content }.show(control)
}

const FAULTS: &[Column] = &[
    text("Calls"),
    text("What happens to them"),
    number("Skipped first"),
    number("At most"),
    number("Seen"),
    number("Applied"),
    text("To call"),
];

const EFFECTS: &[Column] = &[number("Of call"), text("Lands at"), text("Vendor's own status")];

/// Fields that say which calls, or what was done, rather than how.
const NOT_HOW: [&str; 8] = ["method", "path", "skip", "times", "seen", "applied", "applied_to", "seed"];

fn fault(fault: &Value) -> Vec<Markup> {
    let method = fault["method"].as_str().unwrap_or("any method");
    let path = fault["path"].as_str().filter(|path| !path.is_empty());
    vec![
        html! { (method) @if let Some(path) = path { " …" code { (path) } "…" } },
        how(fault.as_object()),
        plain(fault["skip"].to_string()),
        plain(fault["times"].to_string()),
        plain(fault["seen"].to_string()),
        plain(fault["applied"].to_string()),
        plain(numbers(&fault["applied_to"])),
    ]
}

fn how(fault: Option<&Map<String, Value>>) -> Markup {
    let set = fault
        .into_iter()
        .flatten()
        .filter(|(name, value)| !NOT_HOW.contains(&name.as_str()) && !is_unset(value));
    html! { @for (name, value) in set { div { (name.replace('_', " ")) ": " code { (value) } } } }
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn numbers(list: &Value) -> String {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}

fn effect(effect: &Value) -> Vec<Markup> {
    let landed = effect["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let due = effect["due"].as_str().and_then(|due| due.parse().ok());
    vec![
        plain(effect["seq"].to_string()),
        plain(due.map(moment).unwrap_or_default()),
        html! { @if landed.is_some() { (status(landed)) } @else { (badge(Tone::Plain, "not yet")) } },
    ]
}
