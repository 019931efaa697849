//! What of a document people chose by its id, and where: QuickBooks may not have it any more, and says so of the document.

use std::collections::{BTreeMap, BTreeSet};

use mapping::quickbooks::ItemId;
use mapping::settings::Choices;
use serde_json::Value;

use crate::failure::{COPY, Chosen};

/// The choices that stand in the body of a document, each once.
pub(super) fn chosen(body: &str, choices: &Choices, inputs: &BTreeMap<String, String>) -> Vec<Chosen> {
    let mut named = BTreeSet::new();
    let body = serde_json::from_str(body).unwrap_or_default();
    references(&body, &mut named);
    let copies = [("BillEmailCc", "cc"), ("BillEmailBcc", "bcc")];
    let copies = copies.into_iter().filter(|(field, _)| !body[field].is_null()).map(|(field, setting)| {
        let text = format!("copy address of the app's settings (“{setting}”)");
        Chosen { kind: COPY, id: field.to_owned(), text }
    });
    let settings = |kind, noun, setting: &str, id: &str| Chosen {
        kind,
        id: id.to_owned(),
        text: format!("{noun} {id} of the app's settings (“{setting}”)"),
    };
    let action =
        |kind, noun, id: &str| Chosen { kind, id: id.to_owned(), text: format!("{noun} {id} of the action") };
    let is_item = |item: &Option<ItemId>, id: &str| item.as_ref().is_some_and(|item| item.0 == id);
    let is_mapped = |id: &str| choices.tax_codes.codes().any(|code| code.0 == id);
    let is_default = |id: &str| choices.default_tax_code.as_ref().is_some_and(|code| code.0 == id);
    let of = |(reference, id): &(String, String)| match reference.as_str() {
        "ClassRef" => Some(settings("Class", "class", "class", id)),
        "DepartmentRef" => Some(settings("Department", "location", "location", id)),
        "SalesTermRef" => Some(settings("Term", "terms", "terms", id)),
        "PaymentMethodRef" if inputs.contains_key("payment_method") => {
            Some(action("PaymentMethod", "payment method", id))
        }
        // Found by its name, most are.
        "PaymentMethodRef" if choices.payment_methods.means(id) => {
            Some(settings("PaymentMethod", "payment method", "payment_methods", id))
        }
        "TaxCodeRef" | "TxnTaxCodeRef" if is_default(id) => {
            Some(settings("TaxCode", "tax code", "default_tax_code", id))
        }
        "TaxCodeRef" | "TxnTaxCodeRef" if is_mapped(id) => {
            Some(settings("TaxCode", "tax code", "tax_codes", id))
        }
        "DepositToAccountRef" => Some(action("Account", "deposit account", id)),
        "ItemRef" if is_item(&choices.fee_item, id) => Some(settings("Item", "product", "fee_item", id)),
        "ItemRef" if is_item(&choices.default_item, id) => {
            Some(settings("Item", "product", "default_item", id))
        }
        _ => None,
    };
    named.iter().filter_map(of).chain(copies).collect()
}

/// What a body refers to: under which name, and the id.
fn references(body: &Value, named: &mut BTreeSet<(String, String)>) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value["value"].as_str() {
                    Some(id) => {
                        named.insert((name.clone(), id.to_owned()));
                    }
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
    use mapping::quickbooks::{ItemId, TaxCodeId};
    use serde_json::json;

    #[test]
    fn what_was_chosen_is_told_from_what_was_found() {
        let line = |item: &str| json!({"SalesItemLineDetail": {"ItemRef": {"value": item}, "ClassRef": {"value": "31"}}});
        let body = json!({
            "CustomerRef": {"value": "15"}, "CurrencyRef": {"value": "USD"}, "DepartmentRef": {"value": "41"},
            "PaymentMethodRef": {"value": "5"}, "DepositToAccountRef": {"value": "35"},
            "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "7"}}, "Line": [line("11"), line("12"), line("13")],
        });
        let item = |id: &str| Some(ItemId(id.to_owned()));
        let default_tax_code = Some(TaxCodeId("7".to_owned()));
        let choices = Choices {
            fee_item: item("12"),
            default_item: item("14"),
            default_tax_code,
            ..Choices::default()
        };
        let choices = choices.changed_by(r#"{"version": 1, "payment_methods": {"card": "5"}}"#).unwrap();
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
            "tax code 7 of the app's settings (“default_tax_code”)",
        ];
        assert_eq!(texts(&[]), expected);
        assert_eq!(texts(&[("payment_method", "5")])[4], "payment method 5 of the action");
        let by_name = chosen(&body.to_string(), &Choices::default(), &BTreeMap::new());
        assert!(
            by_name.iter().all(|chosen| chosen.kind != "PaymentMethod"),
            "nobody chose what was found by its name"
        );
    }
}
