//! What each request id did (quickbooks.md §1.5), and which are being worked on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Fault;
use super::switches::{OtherBody, RequestIds, Switches};

/// What a call is answered: a body, or a refusal with the time it was made.
pub(super) type Outcome = Result<Vec<u8>, (Fault, Timestamp)>;

/// The request ids a company has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    seen: BTreeMap<String, Remembered>,
    running: BTreeSet<(String, String)>,
}

#[derive(Clone, Debug, Default)]
struct Remembered {
    times: u64,
    answer: Option<Answer>,
}

#[derive(Clone, Debug)]
struct Answer {
    scope: String,
    body: Vec<u8>,
    outcome: Outcome,
    at: Timestamp,
}

/// One request under an id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) id: &'a str,
    /// The `bId`s of a batch: with others, the same id is a new request. Anything else has the empty scope.
    pub(super) scope: &'a str,
    /// What was sent, to tell another body from the same.
    pub(super) body: &'a [u8],
}

impl Requests {
    /// Counts another sight of the id.
    pub(super) fn sight(&mut self, id: &str) {
        self.seen.entry(id.to_owned()).or_default().times += 1;
    }

    /// What the request was answered before, byte for byte, as far as the switches let it be remembered.
    pub(super) fn recall(
        &self,
        request: Request<'_>,
        switches: &Switches,
        now: Timestamp,
    ) -> Option<Outcome> {
        let answer = self.seen.get(request.id)?.answer.as_ref()?;
        let age = now.as_second() - answer.at.as_second();
        let forgotten = match switches.request_ids {
            RequestIds::Honour => false,
            RequestIds::Ignore => true,
            RequestIds::ForgetAfter(seconds) => u64::try_from(age).is_ok_and(|age| age >= seconds),
        };
        if forgotten || answer.scope != request.scope {
            return None;
        }
        if matches!(switches.other_body, OtherBody::DuplicateId) && answer.body != request.body {
            return Some(Err((Fault::duplicate_request(request.id, switches), now)));
        }
        Some(answer.outcome.clone())
    }

    /// Keeps an answer for the next time.
    pub(super) fn keep(&mut self, request: Request<'_>, outcome: Outcome, at: Timestamp) {
        let answer = Answer { scope: request.scope.to_owned(), body: request.body.to_owned(), outcome, at };
        self.seen.entry(request.id.to_owned()).or_default().answer = Some(answer);
    }

    /// Whether the first request under the id is still being worked on.
    pub(super) fn is_running(&self, request: Request<'_>) -> bool {
        self.running.contains(&key(request))
    }

    /// Work on it begins.
    pub(super) fn start(&mut self, request: Request<'_>) {
        self.running.insert(key(request));
    }

    /// Work on it is over.
    pub(super) fn stop(&mut self, request: Request<'_>) {
        self.running.remove(&key(request));
    }

    /// How often each id was seen, and whether an answer is kept.
    pub(super) fn snapshot(&self) -> Value {
        let entries = self.seen.iter().map(|(id, remembered)| {
            (id.clone(), json!({"seen": remembered.times, "stored": remembered.answer.is_some()}))
        });
        Value::Object(entries.collect())
    }
}

fn key(request: Request<'_>) -> (String, String) {
    (request.id.to_owned(), request.scope.to_owned())
}
