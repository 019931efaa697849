//! Settings that are several texts by their names: objects in a file, JSON where they are kept as text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Why;
use crate::quickbooks::PaymentMethodId;
use crate::template::Template;
use crate::text::length;

/// QuickBooks shows at most three fields of a company's own on sales forms (quickbooks.md §2.1).
const MOST_CUSTOM_FIELDS: usize = 3;

/// The longest name of one.
const NAME_LIMIT: usize = 30;

/// What stands in a company's own fields on its documents, by the fields' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomFields(BTreeMap<String, Template>);

impl CustomFields {
    /// Each field's name, and what is written into it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Template)> {
        self.0.iter().map(|(name, template)| (name.as_str(), template))
    }

    pub(super) fn read(value: &Value) -> Result<Self, Why> {
        let fields = members(value).ok_or(Why::NotCustomFields)?;
        let field = |(name, text): (String, Value)| {
            let name = name.trim().to_owned();
            let fits = !name.is_empty() && length(&name) <= NAME_LIMIT;
            Some((name, Template::read(text.as_str()?)?)).filter(|_| fits)
        };
        let count = fields.len();
        let read: Option<BTreeMap<_, _>> = fields.into_iter().map(field).collect();
        // Names that differ in white space only are one name.
        let whole = read.filter(|read| read.len() == count && count <= MOST_CUSTOM_FIELDS);
        whole.map(Self).ok_or(Why::NotCustomFields)
    }

    pub(super) fn to_text(&self) -> Option<String> {
        as_text(self.iter().map(|(name, template)| (name, template.as_str())))
    }
}

/// Which payment method of the company is meant by HubSpot's words for one, such as `card`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentMethods(BTreeMap<String, PaymentMethodId>);

impl PaymentMethods {
    /// What HubSpot's word means here, if that was chosen.
    pub fn get(&self, word: &str) -> Option<&PaymentMethodId> {
        self.0.get(word)
    }

    /// Whether some word means this method.
    pub fn means(&self, method: &str) -> bool {
        self.0.values().any(|known| known.0 == method)
    }

    pub(super) fn read(value: &Value) -> Result<Self, Why> {
        let is_word = |text: &str| {
            (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        let is_id =
            |text: &str| (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let method = |(word, id): (String, Value)| {
            let id = id.as_str().filter(|id| is_id(id) && is_word(&word))?.to_owned();
            Some((word, PaymentMethodId(id)))
        };
        let methods = members(value).ok_or(Why::NotPaymentMethods)?.into_iter();
        let methods: Option<BTreeMap<_, _>> = methods.map(method).collect();
        methods.map(Self).ok_or(Why::NotPaymentMethods)
    }

    pub(super) fn to_text(&self) -> Option<String> {
        as_text(self.0.iter().map(|(word, id)| (word.as_str(), id.0.as_str())))
    }
}

/// The object; null is an empty one.
fn members(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Null => Some(Map::new()),
        Value::Object(members) => Some(members.clone()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

/// None of nothing: then nothing is kept.
fn as_text<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let members: Map<String, Value> = members.map(|(name, text)| (name.to_owned(), text.into())).collect();
    (!members.is_empty()).then(|| Value::Object(members).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn custom_fields_are_at_most_three_names_with_a_template_each() {
        let read = |value: Value| CustomFields::read(&value);
        let fields = read(json!({"PO #": "{po_number}", " Region ": "West"})).unwrap();
        let shown: Vec<_> = fields.iter().map(|(name, template)| (name, template.as_str())).collect();
        assert_eq!(shown, [("PO #", "{po_number}"), ("Region", "West")]);
        assert_eq!(read(serde_json::from_str(&fields.to_text().unwrap()).unwrap()), Ok(fields));
        for nothing in [json!({}), json!(null)] {
            assert_eq!(read(nothing).unwrap().to_text(), None);
        }
        for wrong in [
            json!("PO #"),
            json!(["PO #"]),
            json!({"PO #": 7}),
            json!({"PO #": "{"}),
            json!({" ": "x"}),
            json!({"a": "x", "a ": "y"}),
            json!({"x".repeat(31): "x"}),
            json!({"a": "1", "b": "2", "c": "3", "d": "4"}),
        ] {
            assert_eq!(read(wrong.clone()), Err(Why::NotCustomFields), "{wrong}");
        }
    }

    #[test]
    fn payment_methods_are_hubspots_words_with_an_id_each() {
        let read = |value: Value| PaymentMethods::read(&value);
        let methods = read(json!({"card": "4", "wire_transfer": "5"})).unwrap();
        assert_eq!(methods.get("card"), Some(&PaymentMethodId("4".into())));
        assert_eq!(methods.get("ach"), None);
        assert_eq!(read(serde_json::from_str(&methods.to_text().unwrap()).unwrap()), Ok(methods));
        for wrong in [json!("card"), json!({"card": 4}), json!({"card": "Visa"}), json!({"Credit card": "4"})]
        {
            assert_eq!(read(wrong.clone()), Err(Why::NotPaymentMethods), "{wrong}");
        }
    }
}
