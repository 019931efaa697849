//! A drop-down of an action, filled while somebody edits the workflow (hubspot.md §3). Never called by an execution.

use super::{Unreadable, text};
use mapping::hubspot::PortalId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// A request for the options of one input.
#[derive(Clone, PartialEq, Eq)]
pub struct OptionsRequest {
    /// Whose workflow: the tenant.
    pub portal_id: PortalId,
    /// The workflow's object type, `0-3` or `0-14`.
    pub object_type_id: Option<String>,
    /// The input whose options are asked for.
    pub input_field_name: Option<String>,
    /// The inputs that were given a fixed value, which is not empty. Only those the input depends on are reliable.
    pub inputs: BTreeMap<String, String>,
    /// What was typed into the search box.
    pub q: Option<String>,
    /// The cursor of our last reply, when more is asked for.
    pub after: Option<String>,
}

/// What is asked for, not what was typed.
impl fmt::Debug for OptionsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptionsRequest")
            .field("portal_id", &self.portal_id)
            .field("input_field_name", &self.input_field_name)
            .finish_non_exhaustive()
    }
}

impl OptionsRequest {
    /// Reads a request body, whose signature has been verified. Only the portal must be there; unknown keys are ignored.
    ///
    /// # Errors
    /// [`Unreadable::Json`], when the body is not a request for options.
    pub fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let request: Request = serde_json::from_slice(body)
            .map_err(|error| Unreadable::Json { line: error.line(), column: error.column() })?;
        let fetch = request.fetch_options.unwrap_or_default();
        let fields = request.input_fields.unwrap_or_default();
        Ok(Self {
            portal_id: request.origin.portal_id,
            object_type_id: request.object_type_id,
            input_field_name: request.input_field_name,
            inputs: fields.into_iter().filter_map(|(name, field)| Some((name, fixed(field)?))).collect(),
            q: fetch.q.and_then(text),
            after: fetch.after.and_then(text),
        })
    }
}

/// A field can also be filled from a property, whose value nobody knows before an execution.
fn fixed(mut field: Value) -> Option<String> {
    let is_fixed = field.get("type").and_then(Value::as_str) == Some("STATIC_VALUE");
    text(field.get_mut("value").filter(|_| is_fixed)?.take())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    origin: super::Origin,
    object_type_id: Option<String>,
    input_field_name: Option<String>,
    input_fields: Option<BTreeMap<String, Value>>,
    fetch_options: Option<FetchOptions>,
}

#[derive(Default, Deserialize)]
struct FetchOptions {
    q: Option<Value>,
    after: Option<Value>,
}

/// The reply to a request for options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsReply {
    /// In the order they are shown.
    pub options: Vec<Choice>,
    /// Where the next reply goes on; with it, HubSpot offers to load more.
    pub after: Option<String>,
    /// Shows a search box; what is typed comes as [`OptionsRequest::q`].
    pub searchable: bool,
}

/// One entry of a drop-down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is shown.
    pub label: String,
    /// A second line; may be empty.
    pub description: String,
    /// What an execution gets.
    pub value: String,
}

impl OptionsReply {
    /// The JSON to send with status 200.
    pub fn to_bytes(&self) -> Vec<u8> {
        let option = |choice: &Choice| {
            let Choice { label, description, value } = choice;
            json!({"label": label, "description": description, "value": value})
        };
        let options: Vec<Value> = self.options.iter().map(option).collect();
        let mut reply = json!({"options": options, "searchable": self.searchable});
        if let Some(after) = &self.after {
            reply["after"] = after.as_str().into();
        }
        reply.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = include_bytes!("../../../../tests/fixtures/hubspot/options_of_a_drop_down.json");

    fn parse(json: &str) -> OptionsRequest {
        OptionsRequest::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_request_is_read_with_its_fixed_inputs_only() {
        let request = OptionsRequest::parse(REQUEST).unwrap();
        assert_eq!(request.portal_id, PortalId(1_000_001));
        assert_eq!(request.object_type_id.as_deref(), Some("0-3"));
        assert_eq!(request.input_field_name.as_deref(), Some("deposit_account"));
        let inputs = [("quickbooks_account".to_owned(), "9341450000000001".to_owned())];
        assert_eq!(request.inputs, inputs.into());
        assert_eq!((request.q.as_deref(), request.after.as_deref()), (Some("check"), Some("100")));
    }

    #[test]
    fn everything_but_the_portal_may_be_missing_or_null() {
        let bare = parse(r#"{"origin": {"portalId": 7}}"#);
        assert_eq!((bare.portal_id, bare.inputs.len(), &bare.q, &bare.after), (PortalId(7), 0, &None, &None));
        for more in [
            r#""objectTypeId": null, "inputFieldName": null, "inputFields": null, "fetchOptions": null"#,
            r#""inputFields": {}, "fetchOptions": {}"#,
            r#""fetchOptions": {"q": null, "after": ""}"#,
            r#""inputFields": {"a": null, "b": "x", "c": {"type": "STATIC_VALUE"}, "d": {"type": "STATIC_VALUE", "value": null}}"#,
            r#""inputFields": {"a": {"type": null, "value": "x"}, "b": {"type": "OBJECT_PROPERTY", "value": "x"}}"#,
        ] {
            assert_eq!(parse(&format!(r#"{{"origin": {{"portalId": 7}}, {more}}}"#)), bare, "{more}");
        }
    }

    #[test]
    fn a_cursor_that_came_back_as_a_number_is_text() {
        assert_eq!(
            parse(r#"{"origin": {"portalId": 7}, "fetchOptions": {"after": 100}}"#).after.unwrap(),
            "100"
        );
    }

    #[test]
    fn what_is_no_request_for_options_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"origin": {}}"#,
            r#"{"origin": {"portalId": "7"}}"#,
            r#"{"origin": {"portalId": 7}}x"#,
        ] {
            assert!(OptionsRequest::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn debug_shows_nothing_that_was_typed() {
        let shown = format!("{:?}", OptionsRequest::parse(REQUEST).unwrap());
        assert!(
            shown.contains("deposit_account") && !shown.contains("check") && !shown.contains("93414"),
            "{shown}"
        );
    }

    #[track_caller]
    fn check_reply(reply: OptionsReply, expected: Value) {
        assert_eq!(serde_json::from_slice::<Value>(&reply.to_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_reply_is_its_options_in_order() {
        let choice = |label: &str, value: &str| Choice {
            label: label.into(),
            description: "Bank".into(),
            value: value.into(),
        };
        check_reply(
            OptionsReply {
                options: vec![choice(r#"Søn "Checking""#, "35"), choice("Savings", "4")],
                after: Some("200".into()),
                searchable: true,
            },
            json!({
                "options": [
                    {"label": "Søn \"Checking\"", "description": "Bank", "value": "35"},
                    {"label": "Savings", "description": "Bank", "value": "4"},
                ],
                "after": "200",
                "searchable": true,
            }),
        );
        check_reply(
            OptionsReply { options: Vec::new(), after: None, searchable: false },
            json!({"options": [], "searchable": false}),
        );
    }
}
