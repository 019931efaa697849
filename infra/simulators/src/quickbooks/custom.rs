//! The custom fields of sales forms (quickbooks.md §2.1, §2.9): up to three, named in the company's preferences.

use serde_json::{Value, json};

use super::json::{Object, text};
use super::state::Company;

/// Every field the company uses stands on each document, with a value or without (recorded). Fields it does not use stay
/// as they were sent.
pub(super) fn complete(company: &Company, document: &mut Object) {
    let sent = match document.remove("CustomField") {
        Some(Value::Array(sent)) => sent,
        _ => Vec::new(),
    };
    let mut fields = in_use(company);
    for field in sent.into_iter().filter_map(as_object) {
        let id = text(&field, &["DefinitionId"]);
        match fields.iter_mut().find(|known| text(known, &["DefinitionId"]) == id) {
            Some(known) => known.extend(field.into_iter().filter(|(name, _)| name == "StringValue")),
            None => fields.push(field),
        }
    }
    document.insert("CustomField".into(), json!(fields));
}

/// The fields that are switched on, without values.
fn in_use(company: &Company) -> Vec<Object> {
    let settings = settings(company);
    let setting = |name: &str, value: &str| {
        settings.iter().find(|setting| setting["Name"] == format!("SalesFormsPrefs.{name}"))?.get(value)
    };
    let field = |number: u8| {
        let on = setting(&format!("UseSalesCustom{number}"), "BooleanValue") == Some(&Value::Bool(true));
        let name = setting(&format!("SalesCustomName{number}"), "StringValue").filter(|_| on)?;
        as_object(json!({"DefinitionId": number.to_string(), "Name": name, "Type": "StringType"}))
    };
    (1..=3).filter_map(field).collect()
}

/// Preferences keep them in lists of lists.
fn settings(company: &Company) -> Vec<&Value> {
    let groups = company.preference(&["SalesFormsPrefs", "CustomField"]).and_then(Value::as_array);
    groups.into_iter().flatten().filter_map(|group| group["CustomField"].as_array()).flatten().collect()
}

fn as_object(value: Value) -> Option<Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
