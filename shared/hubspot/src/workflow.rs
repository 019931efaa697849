//! The workflow engine's side: the execution request of a custom action, and the reply to it (hubspot.md §2.1, §2.2). And
//! the workflow editor's: the options of an action's drop-downs (§3).
//!
//! What the inputs mean and which outputs are written is the application's business.

use mapping::hubspot::{PortalId, RecordId};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

mod options;

pub use options::{Choice, OptionsReply, OptionsRequest};

/// HubSpot's id of one execution, repeated with every delivery of it. Opaque (rulings.md 1): 1–200 printable ASCII
/// characters, not all of them spaces; test runs carry a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallbackId(String);

impl CallbackId {
    /// The id as text. It can hold any printable character: escape it in keys and paths.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CallbackId {
    type Error = Unreadable;

    fn try_from(text: String) -> Result<Self, Unreadable> {
        let printable = text.bytes().all(|b| matches!(b, 0x20..=0x7e));
        let fits = text.len() <= 200 && printable && !text.trim().is_empty();
        if fits { Ok(Self(text)) } else { Err(Unreadable::CallbackId) }
    }
}

impl fmt::Display for CallbackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One run of a workflow action, as HubSpot asks for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Execution {
    /// Which execution this is.
    pub callback_id: CallbackId,
    /// Whose: the tenant.
    pub portal_id: PortalId,
    /// `DEAL`, `0-3`, …: see [`mapping::hubspot::RecordKind::from_object_type`].
    pub object_type: String,
    /// The enrolled record.
    pub object_id: RecordId,
    /// The workflow, when one is named.
    pub workflow_id: Option<u64>,
    /// `WORKFLOWS`, or `AGENTS`, `COPILOT`, `STANDALONE`, `TEST`.
    pub source: Option<String>,
    /// The action's inputs that have a value: an absent, `null` or empty one is not here. Values that are not text are
    /// here as their JSON text.
    pub inputs: BTreeMap<String, String>,
}

/// Ids only: input values are the customer's.
impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("callback_id", &self.callback_id)
            .field("portal_id", &self.portal_id)
            .field("object_id", &self.object_id)
            .finish_non_exhaustive()
    }
}

/// A body that is not the request it should be. It quotes nothing of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON, something after it, or a key that is missing, twice there or of another type.
    #[error("the request is not of the documented form: line {line}, column {column}")]
    Json {
        /// From 1; 0 when there is no place to name.
        line: usize,
        /// From 1; 0 when there is no place to name.
        column: usize,
    },
    /// `callbackId` is not 1–200 printable ASCII characters.
    #[error("the request's callbackId is not 1 to 200 printable ASCII characters")]
    CallbackId,
}

impl Execution {
    /// Reads a request body, whose signature has been verified. Unknown keys are ignored; anything after the JSON value is
    /// refused (see [`crate::signature`] for why that matters).
    ///
    /// # Errors
    /// [`Unreadable`], when the body is not an execution request.
    pub fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let request: Request = serde_json::from_slice(body)
            .map_err(|error| Unreadable::Json { line: error.line(), column: error.column() })?;
        let context = request.context.unwrap_or_default();
        Ok(Self {
            callback_id: request.callback_id.try_into()?,
            portal_id: request.origin.portal_id,
            object_type: request.object.object_type,
            object_id: request.object.object_id,
            workflow_id: context.workflow_id,
            source: context.source,
            inputs: with_a_value(request.input_fields.or(request.fields).unwrap_or_default()),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    callback_id: String,
    origin: Origin,
    object: Object,
    context: Option<Context>,
    input_fields: Option<BTreeMap<String, Value>>,
    /// The old name of the same map, sent beside it.
    fields: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Origin {
    portal_id: PortalId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    object_id: RecordId,
    object_type: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    workflow_id: Option<u64>,
    source: Option<String>,
}

fn with_a_value(fields: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    fields.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect()
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

/// What HubSpot does after our reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionState {
    /// The action succeeded; the workflow goes on.
    Success,
    /// The action failed for good; the workflow goes on, and its history says why.
    FailContinue,
    /// The enrolment waits until the execution is completed by a call of ours, or `hs_expiration_duration` has passed.
    Block,
}

impl ExecutionState {
    /// HubSpot's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::FailContinue => "FAIL_CONTINUE",
            Self::Block => "BLOCK",
        }
    }
}

/// The reply to an execution. The same reply is always the same bytes: the state first, then the outputs as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What HubSpot shall do; written as the output `hs_execution_state`.
    pub state: ExecutionState,
    /// Names and values, each name once. HubSpot expects every value as a string (hubspot.md §2.2).
    pub outputs: Vec<(&'static str, String)>,
}

impl Reply {
    /// The JSON to send with status 200.
    pub fn to_bytes(&self) -> Vec<u8> {
        let state = ("hs_execution_state", self.state.as_str());
        let outputs = self.outputs.iter().map(|(name, value)| (*name, value.as_str()));
        let members: Vec<String> = std::iter::once(state).chain(outputs).map(member).collect();
        format!(r#"{{"outputFields":{{{}}}}}"#, members.join(",")).into_bytes()
    }
}

/// Written member by member: a JSON map of `serde_json` would sort or keep the names depending on a feature that any other
/// crate can switch on.
fn member((name, value): (&str, &str)) -> String {
    format!("{}:{}", Value::from(name), Value::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const EXECUTION: &[u8] = include_bytes!("../../../tests/fixtures/hubspot/execution_of_a_deal.json");

    fn body(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut body: Value = serde_json::from_slice(EXECUTION).unwrap();
        change(&mut body);
        body.to_string().into_bytes()
    }

    fn inputs(fields: Value) -> Vec<(String, String)> {
        let body = body(|body| body["inputFields"] = fields);
        Execution::parse(&body).unwrap().inputs.into_iter().collect()
    }

    #[track_caller]
    fn check_refused(body: &[u8]) {
        assert!(Execution::parse(body).is_err(), "{}", String::from_utf8_lossy(body));
    }

    #[test]
    fn an_execution_is_read() {
        let execution = Execution::parse(EXECUTION).unwrap();
        assert_eq!(execution.callback_id.as_str(), "ap-1000001-900000000001-3-0");
        assert_eq!(execution.portal_id, PortalId(1_000_001));
        assert_eq!(execution.object_type, "DEAL");
        assert_eq!(execution.object_id, RecordId(8_800_000_001));
        assert_eq!(execution.workflow_id, Some(55_000_001));
        assert_eq!(execution.source.as_deref(), Some("WORKFLOWS"));
        let expected = [("due_days", "30"), ("quickbooks_account", "default")];
        assert_eq!(execution.inputs, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn a_bare_execution_is_enough() {
        let bare = br#"{"callbackId":"1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed","origin":{"portalId":7},"object":{"objectId":"12","objectType":"0-14"}}"#;
        let execution = Execution::parse(bare).unwrap();
        assert_eq!((execution.object_id, execution.source, execution.inputs.len()), (RecordId(12), None, 0));
    }

    #[test]
    fn absent_null_and_empty_inputs_are_the_same() {
        assert_eq!(inputs(json!({"due_days": null, "mode": ""})), inputs(json!({})));
    }

    #[test]
    fn numbers_and_booleans_are_text() {
        let expected = [("a", "30"), ("b", "true"), ("c", "1.50")].map(|(k, v)| (k.into(), v.into()));
        let read: Value = serde_json::from_str(r#"{"a": 30, "b": true, "c": 1.50}"#).unwrap();
        assert_eq!(inputs(read), expected);
    }

    #[test]
    fn the_old_name_of_the_inputs_is_read_when_the_new_one_is_missing() {
        for missing in [
            body(|body| drop(body.as_object_mut().unwrap().remove("inputFields"))),
            body(|body| body["inputFields"] = Value::Null),
        ] {
            assert_eq!(Execution::parse(&missing).unwrap(), Execution::parse(EXECUTION).unwrap());
        }
    }

    #[test]
    fn the_new_name_of_the_inputs_wins() {
        let body = body(|body| body["fields"]["due_days"] = "99".into());
        assert_eq!(Execution::parse(&body).unwrap().inputs["due_days"], "30");
    }

    #[test]
    fn a_callback_id_is_printable_ascii() {
        for id in ["x", "a b", "ap-1-2-3-4", "#/%~", &"x".repeat(200)] {
            let body = body(|body| body["callbackId"] = id.into());
            assert_eq!(Execution::parse(&body).unwrap().callback_id.as_str(), id);
        }
        for id in ["", "   ", "a\nb", "a\0", "é", "\u{7f}", &"x".repeat(201)] {
            let body = body(|body| body["callbackId"] = id.into());
            assert_eq!(Execution::parse(&body), Err(Unreadable::CallbackId), "{id:?}");
        }
    }

    #[test]
    fn the_portal_is_a_whole_number() {
        for portal in [json!("1000001"), json!(-1), json!(1.5), json!(null), json!([1])] {
            check_refused(&body(|body| body["origin"]["portalId"] = portal));
        }
    }

    #[test]
    fn nothing_may_follow_the_json() {
        // What a length extension of the v2 hash appends: padding first, then the attacker's text.
        for appended in [&b"\x80\0\0\0\x13\x20{}"[..], b"{}", b"\0", b"x", b","] {
            check_refused(&[EXECUTION, appended].concat());
        }
        check_refused(&[b"\xef\xbb\xbf", EXECUTION].concat());
        check_refused(b"");
        check_refused(br#"{"callbackId":"a","callbackId":"b","origin":{"portalId":7},"object":{"objectId":1,"objectType":"DEAL"}}"#);
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let id = EXECUTION.windows(4).position(|part| part == b"\"ap-").unwrap();
        let mut body = EXECUTION.to_vec();
        body[id + 1] = 0x80;
        check_refused(&body);
    }

    #[test]
    fn deep_nesting_is_no_harm() {
        let deep = format!(r#"{{"inputFields":{{"a":{}1{}}}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        check_refused(deep.as_bytes());
    }

    #[test]
    fn debug_shows_no_input_values() {
        let body = body(|body| body["inputFields"]["note"] = "O'Brien".into());
        assert!(!format!("{:?}", Execution::parse(&body).unwrap()).contains("O'Brien"));
    }

    #[test]
    fn a_reply_is_its_outputs_in_order() {
        let reply = |state| Reply {
            state,
            outputs: vec![("status", "created".into()), ("customer_name", "O'Brien & Søn \"Ltd\"".into())],
        };
        for (state, word) in [
            (ExecutionState::Success, "SUCCESS"),
            (ExecutionState::FailContinue, "FAIL_CONTINUE"),
            (ExecutionState::Block, "BLOCK"),
        ] {
            let expected = format!(
                r#"{{"outputFields":{{"hs_execution_state":"{word}","status":"created","customer_name":"O'Brien & Søn \"Ltd\""}}}}"#
            );
            assert_eq!(String::from_utf8(reply(state).to_bytes()).unwrap(), expected);
        }
    }
}
