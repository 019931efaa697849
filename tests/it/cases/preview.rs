//! A preview is what creating sends, but for the marker and what is made on the way (rulings.md 36).

use serde_json::Value;
use simulators::control::Call;

use super::alike::is_same;
use super::told::{is_write, without_markers};
use crate::support::Shown;

/// What a preview said.
pub(super) enum Previewed {
    /// There was none.
    Not,
    /// This document, beside these outputs.
    Document(Value, Shown),
    /// Something else, with code and sentence: what would fail, or the document that is there already.
    Answer(String, String),
}

impl Previewed {
    /// Holds it against what creating did then.
    pub(super) fn compare(&self, shown: &Shown, calls: &[Call]) -> Result<(), String> {
        let mut documents = calls.iter().filter(|call| is_write(call) && is_document(call));
        let sent: Option<Value> =
            documents.next().map(|call| serde_json::from_str(&call.request_body).unwrap_or_default());
        // What QuickBooks refused first, a customer that is gone for one, was planned anew.
        let was_replanned = documents.next().is_some();
        match (self, sent) {
            (Self::Not, _) => Ok(()),
            (Self::Document(previewed, outputs), Some(sent))
                if is_same(previewed, &sent, without_markers) =>
            {
                if was_replanned {
                    Ok(())
                } else {
                    tells_the_same(outputs, shown)
                }
            }
            (Self::Document(previewed, _), Some(sent)) => Err(format!("previewed {previewed}, sent {sent}")),
            // QuickBooks itself refused something that comes before the document.
            (Self::Document(..), None) if shown.state() == "FAIL_CONTINUE" && calls.iter().any(is_write) => {
                Ok(())
            }
            (Self::Answer(code, sentence), None)
                if *code == shown.output("errorCode") && *sentence == shown.output("errorMessage") =>
            {
                Ok(())
            }
            (Self::Document(..), None) => {
                Err(format!("a document was previewed, and none sent: {}", shown.0))
            }
            (Self::Answer(code, sentence), _) => {
                Err(format!("the preview said {code} {sentence}, creating {}", shown.0))
            }
        }
    }
}

fn is_document(call: &Call) -> bool {
    ["/invoice", "/estimate", "/salesreceipt"].iter().any(|end| call.path.ends_with(end))
}

/// What a preview tells, creating tells too; but the name of a new customer, which somebody else may have in QuickBooks.
fn tells_the_same(previewed: &Shown, created: &Shown) -> Result<(), String> {
    let is_new = previewed.output("customer_match") == "created";
    let names = ["document_date", "due_date", "currency", "subtotal", "customer_match", "customer_name"];
    let told = names.into_iter().filter(|name| *name != "customer_name" || !is_new);
    let mut told = told.filter(|name| !previewed.output(name).is_empty());
    match told.find(|name| previewed.output(name) != created.output(name)) {
        Some(name) if created.state() == "SUCCESS" => {
            Err(format!("{name}: previewed {}, created {}", previewed.0, created.0))
        }
        _ => Ok(()),
    }
}
