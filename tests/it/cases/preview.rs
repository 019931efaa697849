//! A preview is what creating sends, but for the marker and what is made on the way (rulings.md 36).

use app::preview::TO_BE_CREATED;
use serde_json::Value;
use simulators::control::Call;

use super::told::{is_write, without_markers};
use crate::support::Shown;

/// What a preview said.
pub(super) enum Previewed {
    /// There was none.
    Not,
    /// This document.
    Document(Value),
    /// Something else, with code and sentence: what would fail, or the document that is there already.
    Answer(String, String),
}

impl Previewed {
    /// Holds it against what creating did then.
    pub(super) fn compare(&self, shown: &Shown, calls: &[Call]) -> Result<(), String> {
        let sent = calls.iter().find(|call| is_write(call) && is_document(call));
        let sent: Option<Value> =
            sent.map(|call| serde_json::from_str(&call.request_body).unwrap_or_default());
        match (self, sent) {
            (Self::Not, _) => Ok(()),
            (Self::Document(previewed), Some(sent)) if is_same(previewed, &sent) => Ok(()),
            (Self::Document(previewed), Some(sent)) => Err(format!("previewed {previewed}, sent {sent}")),
            // QuickBooks itself refused something that comes before the document.
            (Self::Document(_), None) if shown.state() == "FAIL_CONTINUE" && calls.iter().any(is_write) => {
                Ok(())
            }
            (Self::Answer(code, sentence), None)
                if *code == shown.output("errorCode") && *sentence == shown.output("errorMessage") =>
            {
                Ok(())
            }
            (Self::Document(_), None) => Err(format!("a document was previewed, and none sent: {}", shown.0)),
            (Self::Answer(code, sentence), _) => {
                Err(format!("the preview said {code} {sentence}, creating {}", shown.0))
            }
        }
    }
}

fn is_document(call: &Call) -> bool {
    ["/invoice", "/estimate", "/salesreceipt"].iter().any(|end| call.path.ends_with(end))
}

/// Alike up to the marker, and with any id where something is made first.
fn is_same(previewed: &Value, sent: &Value) -> bool {
    match (previewed, sent) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::String(one), Value::String(other)) => {
            one == TO_BE_CREATED || without_markers(one) == without_markers(other)
        }
        (one, other) => one == other,
    }
}
