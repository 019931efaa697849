//! What of a document people chose by its id, and where: QuickBooks may not have it any more, and says so of the document.

use std::collections::{BTreeMap, BTreeSet};

use mapping::settings::Choices;
use serde_json::Value;

use crate::failure::Chosen;

/// The choices that stand in the body of a document, each once.
pub(super) fn chosen(body: &str, choices: &Choices, inputs: &BTreeMap<String, String>) -> Vec<Chosen> {
    let mut named = BTreeSet::new();
    references(&serde_json::from_str(body).unwrap_or_default(), &mut named);
    let settings = |kind, noun, setting: &str, id: &str| Chosen {
        kind,
        id: id.to_owned(),
        text: format!("{noun} {id} of the app's settings (“{setting}”)"),
    };
    let action =
        |kind, noun, id: &str| Chosen { kind, id: id.to_owned(), text: format!("{noun} {id} of the action") };
    let is_item =
        |item: &Option<mapping::quickbooks::ItemId>, id: &str| item.as_ref().is_some_and(|item| item.0 == id);
    let of = |(reference, id): &(String, String)| match reference.as_str() {
        "ClassRef" => Some(settings("Class", "class", "class", id)),
        "DepartmentRef" => Some(settings("Department", "location", "location", id)),
        "SalesTermRef" => Some(settings("Term", "terms", "terms", id)),
        "PaymentMethodRef" if inputs.contains_key("payment_method") => {
            Some(action("PaymentMethod", "payment method", id))
        }
        "PaymentMethodRef" => Some(settings("PaymentMethod", "payment method", "payment_methods", id)),
        "DepositToAccountRef" => Some(action("Account", "deposit account", id)),
        "ItemRef" if is_item(&choices.fee_item, id) => Some(settings("Item", "product", "fee_item", id)),
        "ItemRef" if is_item(&choices.default_item, id) => {
            Some(settings("Item", "product", "default_item", id))
        }
        _ => None,
    };
    named.iter().filter_map(of).collect()
}

/// What a body refers to: under which name, and the id.
fn references(body: &Value, named: &mut BTreeSet<(String, String)>) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value["value"].as_str() {
                    Some(id) => drop(named.insert((name.clone(), id.to_owned()))),
                    None => references(value, named),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mapping::quickbooks::ItemId;
    use serde_json::json;

    #[test]
    fn what_was_chosen_is_told_from_what_was_found() {
        let line = |item: &str| json!({"SalesItemLineDetail": {"ItemRef": {"value": item}, "ClassRef": {"value": "31"}}});
        let body = json!({
            "CustomerRef": {"value": "15"}, "CurrencyRef": {"value": "USD"}, "DepartmentRef": {"value": "41"},
            "PaymentMethodRef": {"value": "5"}, "DepositToAccountRef": {"value": "35"},
            "Line": [line("11"), line("12"), line("13")],
        });
        let item = |id: &str| Some(ItemId(id.to_owned()));
        let choices = Choices { fee_item: item("12"), default_item: item("14"), ..Choices::default() };
        let texts = |inputs: &[(&str, &str)]| -> Vec<String> {
            let inputs = inputs.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
            chosen(&body.to_string(), &choices, &inputs).into_iter().map(|chosen| chosen.text).collect()
        };
        let expected = [
            "class 31 of the app's settings (“class”)",
            "location 41 of the app's settings (“location”)",
            "deposit account 35 of the action",
            "product 12 of the app's settings (“fee_item”)",
            "payment method 5 of the app's settings (“payment_methods”)",
        ];
        assert_eq!(texts(&[]), expected);
        assert_eq!(texts(&[("payment_method", "5")])[4], "payment method 5 of the action");
    }
}
