//! What came of a run, as text that a person can review: the answer, the sentence of the workflow's history, and every
//! write that QuickBooks got.

use std::fmt::Write;

use mapping::hubspot::PortalId;
use serde_json::Value;
use simulators::control::Call;

use crate::support::Shown;

/// What is the same in every run that ends well, or new in each.
const UNTOLD: [&str; 3] = ["execution_id", "hs_execution_state", "document_url"];

/// Lines of a document, and characters of a text, beyond which a snapshot says how many there are.
const MOST_ITEMS: usize = 12;
const LONGEST: usize = 400;

/// One enrollment.
pub(super) struct Told<'a> {
    /// What the history shows in the end.
    pub(super) shown: &'a Shown,
    /// How the workflow was answered at first, where that matters.
    pub(super) wait: Option<Wait>,
    /// What the company was asked.
    pub(super) calls: &'a [Call],
}

/// How HubSpot was answered at first.
pub(super) struct Wait {
    /// Of the deliveries.
    pub(super) statuses: Vec<u64>,
    /// Whether the workflow had to wait.
    pub(super) blocked: bool,
}

impl Told<'_> {
    pub(super) fn text(&self, portal: PortalId, realm: &str) -> String {
        let mut text = String::new();
        let blocked = self.wait.as_ref().is_some_and(|wait| wait.blocked);
        let waited = if blocked { ", after a wait" } else { "" };
        writeln!(text, "{}{waited}: {}", self.shown.state(), self.shown.label()).unwrap();
        if let Some(wait) = self.wait.as_ref().filter(|wait| wait.statuses != [200]) {
            writeln!(text, "deliveries answered: {:?}", wait.statuses).unwrap();
        }
        let outputs = self.shown.0["outputs"].as_object().cloned().unwrap_or_default();
        for (name, value) in outputs.iter().filter(|(name, _)| !UNTOLD.contains(&name.as_str())) {
            writeln!(text, "  {name}: {}", value.as_str().unwrap_or_default()).unwrap();
        }
        let writes: Vec<_> = self.calls.iter().filter(|call| is_write(call)).collect();
        let alike = |one: &&Call, other: &&Call| told_of(one) == told_of(other);
        for same in writes.chunk_by(alike) {
            write_call(&mut text, same[0], same.len());
        }
        let text = text.replace(realm, "<realm>").replace(&portal.to_string(), "<portal>");
        without_markers(&text)
    }
}

/// Whether it asks for more than an answer.
pub(super) fn is_write(call: &Call) -> bool {
    let last = call.path.rsplit('/').next().unwrap_or_default();
    call.method == "POST" && !["batch", "query"].contains(&last)
}

/// What a snapshot tells of a call.
fn told_of(call: &Call) -> (&str, Option<u16>, &str) {
    (&call.path, call.status, &call.request_body)
}

/// A line for each member, and one for each line of the document.
fn write_call(text: &mut String, call: &Call, times: usize) {
    let (_, what) = call.path.split_once("/v3/company/").unwrap_or_default();
    let (_, what) = what.split_once('/').unwrap_or_default();
    let status = call.status.map_or("no answer".to_owned(), |status| status.to_string());
    // How often something is tried for hours is chance.
    let again = match times {
        1 => String::new(),
        2..=5 => format!(", {times} times"),
        _ => ", again and again".to_owned(),
    };
    writeln!(text, "POST {what}: {status}{again}").unwrap();
    let body: Value = serde_json::from_str(&call.request_body).unwrap_or_default();
    for (name, value) in body.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => write_items(text, name, items),
            value => writeln!(text, "  {name}: {}", shortened(value)).unwrap(),
        }
    }
}

/// Of very many the first ones, and how many there are.
fn write_items(text: &mut String, name: &str, items: &[Value]) {
    for item in items.iter().take(MOST_ITEMS) {
        writeln!(text, "  {name}: {}", shortened(item)).unwrap();
    }
    if items.len() > MOST_ITEMS {
        writeln!(text, "  {name}: … {} in all", items.len()).unwrap();
    }
}

/// Texts that nobody reads to the end are told by their beginning, their end and their length.
fn shortened(value: &Value) -> Value {
    match value {
        Value::String(long) if long.chars().count() > LONGEST => {
            let count = long.chars().count();
            let begin: String = long.chars().take(40).collect();
            let end: String = long.chars().skip(count - 20).collect();
            Value::String(format!("{begin} … {end} ({count} characters)"))
        }
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shortened(value))).collect())
        }
        value => value.clone(),
    }
}

/// The marker is another one of each execution.
pub(super) fn without_markers(text: &str) -> String {
    let mut parts = text.split("[hs ");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once(']').map_or("", |(_, rest)| rest);
        clean.push_str("[hs <marker>]");
        clean.push_str(rest);
    }
    clean
}

/// The runs of a case: the first in full, each other one by what differs from it.
pub(super) fn together(runs: &[(String, String)]) -> String {
    let mut text = String::new();
    let Some((first, whole)) = runs.first() else { return text };
    writeln!(text, "{first}\n{whole}").unwrap();
    for (action, run) in &runs[1..] {
        if run == whole {
            writeln!(text, "{action}: the same\n").unwrap();
            continue;
        }
        writeln!(text, "{action}, where it differs from the {first}").unwrap();
        for change in similar::TextDiff::from_lines(whole, run).iter_all_changes() {
            let sign = match change.tag() {
                similar::ChangeTag::Equal => continue,
                similar::ChangeTag::Delete => '-',
                similar::ChangeTag::Insert => '+',
            };
            write!(text, "{sign} {change}").unwrap();
        }
        text.push('\n');
    }
    text
}
