//! Answers in XML, which is what Intuit writes for whoever does not ask for JSON (quickbooks.md §1.3): the same content in
//! other clothes. What JSON names in lower case is an attribute; a reference is its `value`, with its `name` as an attribute.

use serde_json::Value;

use super::json::Object;

/// An answer that was written as JSON.
pub(super) fn of_json(body: &[u8]) -> String {
    let answer = serde_json::from_slice(body).unwrap_or_default();
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n".to_owned();
    element(&mut xml, "IntuitResponse xmlns=\"http://schema.intuit.com/finance/v3\"", &answer);
    xml
}

/// Text inside XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn element(xml: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| element(xml, name, item)),
        Value::Object(object) => {
            let content = content(object);
            let attributes: String = attributes(object).collect();
            enclosed(xml, name, &attributes, &content);
        }
        scalar => enclosed(xml, name, "", &escaped(&plain(scalar))),
    }
}

fn enclosed(xml: &mut String, name: &str, attributes: &str, content: &str) {
    let bare = name.split(' ').next().unwrap_or(name);
    if content.is_empty() {
        xml.push_str(&format!("<{name}{attributes}/>"));
    } else {
        xml.push_str(&format!("<{name}{attributes}>{content}</{bare}>"));
    }
}

fn content(object: &Object) -> String {
    if let Some(value) = object.get("value") {
        return escaped(&plain(value));
    }
    let mut xml = String::new();
    for (name, value) in object.iter().filter(|(name, _)| !is_attribute(name)) {
        element(&mut xml, name, value);
    }
    xml
}

fn attributes(object: &Object) -> impl Iterator<Item = String> {
    let named =
        object.iter().filter(|(name, value)| is_attribute(name) && *name != "value" && !value.is_null());
    named.map(|(name, value)| format!(" {name}=\"{}\"", escaped(&plain(value))))
}

fn is_attribute(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_attributes_lists_and_empty_parts_are_written_as_intuit_does() {
        let body = r#"{"Invoice":{"CustomerRef":{"value":"1","name":"A & B"},"Line":[{"Amount":1.50},{"SubTotalLineDetail":{}}],
            "LinkedTxn":[],"domain":"QBO","sparse":false},"time":"t"}"#;
        let xml = of_json(body.as_bytes());
        let (_, xml) = xml.split_once('\n').unwrap();
        assert_eq!(
            xml,
            "<IntuitResponse xmlns=\"http://schema.intuit.com/finance/v3\" time=\"t\"><Invoice domain=\"QBO\" sparse=\"false\">\
             <CustomerRef name=\"A &amp; B\">1</CustomerRef><Line><Amount>1.50</Amount></Line>\
             <Line><SubTotalLineDetail/></Line></Invoice></IntuitResponse>"
        );
    }
}
