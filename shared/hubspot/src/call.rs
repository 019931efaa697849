//! One call of the CRM API: sent, repeated if that can help, logged, and its answer sorted by what the caller does next.

use crate::client::{CALL_LIMIT, Called, Client, Ending};
use crate::error::{Cause, Doing, Error};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::{Duration, Instant};

/// The API's version, part of every path (hubspot.md §0).
pub(crate) const VERSION: &str = "2026-03";

/// Before the one repeat.
const PAUSE: Duration = Duration::from_millis(200);
/// Of a body, after decompression, in bytes.
const BODY_CAP: usize = 2_000_000;

/// One call.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Option<String>,
}

impl Call {
    /// `path` is what follows the version.
    pub(crate) fn get(path: &str, query: Vec<(&'static str, String)>) -> Self {
        Self { method: Method::GET, path: objects(path), query, body: None }
    }

    /// A batch read of objects of the type `name`.
    pub(crate) fn batch_read(name: &str, body: Value) -> Self {
        let query = vec![("archived", "false".into())];
        Self {
            method: Method::POST,
            path: objects(&format!("{name}/batch/read")),
            query,
            body: Some(body.to_string()),
        }
    }
}

fn objects(rest: &str) -> String {
    format!("/crm/objects/{VERSION}/{rest}")
}

impl Client {
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        doing: Doing,
        call: &Call,
    ) -> Result<T, Error> {
        let mut outcome = self.send(token, call).await;
        let mut attempt = 1;
        while may_retry(&call.method, &call.path, &outcome, attempt) {
            tokio::time::sleep(PAUSE).await;
            outcome = self.send(token, call).await;
            attempt += 1;
        }
        let unavailable = |cause| Error::Unavailable { doing, cause };
        let body = sort(doing, outcome.map_err(unavailable)?)?;
        serde_json::from_slice(&body).map_err(|error| unavailable(error.into()))
    }

    /// A call with an effect that may happen twice, and an answer without a body that matters.
    pub(crate) async fn perform(&self, token: &SecretString, doing: Doing, call: &Call) -> Result<(), Error> {
        let outcome = self.send(token, call).await;
        sort(doing, outcome.map_err(|cause| Error::Unavailable { doing, cause })?).map(drop)
    }

    async fn send(&self, token: &SecretString, call: &Call) -> Outcome {
        let started = Instant::now();
        let outcome = self.exchange(token, call).await;
        let (method, path) = (call.method.as_str(), call.path.as_str());
        let duration = started.elapsed();
        (self.observer)(Called { ending: ending(&outcome), duration });
        let duration_ms = duration.as_millis() as u64;
        match &outcome {
            Ok(Answer { status, problem, .. }) => {
                let correlation_id = problem.correlation_id.as_deref();
                tracing::info!(method, path, status, duration_ms, correlation_id, "HubSpot answered");
            }
            Err(cause) => tracing::info!(method, path, duration_ms, %cause, "HubSpot did not answer"),
        }
        outcome
    }

    async fn exchange(&self, token: &SecretString, call: &Call) -> Outcome {
        let mut request = self
            .http
            .request(call.method.clone(), format!("{}{}", self.base_url, call.path))
            .timeout(CALL_LIMIT)
            .query(&call.query)
            .bearer_auth(token.expose_secret());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let body = read_capped(response).await?;
        let problem = if status < 300 { Problem::default() } else { Problem::read(&body) };
        Ok(Answer { status, body, problem })
    }
}

pub(crate) async fn read_capped(mut response: Response) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY_CAP {
            return Err(Cause::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// May the call be made again? Once, if it only reads, and only when a moment's wait can help: a time-out has used up its
/// time, 423 wants two seconds, 429 and 477 want longer (hubspot.md §8). `attempt` counts from 1.
fn may_retry(method: &Method, path: &str, outcome: &Outcome, attempt: u32) -> bool {
    // A batch read is a POST, but has no effect.
    let reads = *method == Method::GET || (*method == Method::POST && path.ends_with("/batch/read"));
    let passing = match outcome {
        Ok(answer) => (500..=599).contains(&answer.status),
        Err(cause) => matches!(cause, Cause::NotConnected(_) | Cause::Broken(_)),
    };
    reads && passing && attempt < 2
}

/// The body of a success, or the error by what the caller does next. A 207 passes here: whether a record is missing is
/// seen from the records.
fn sort(doing: Doing, answer: Answer) -> Result<Vec<u8>, Error> {
    let Answer { status, body, problem } = answer;
    match status {
        200..=299 => Ok(body),
        401 => Err(Error::Unauthorized),
        // HubSpot has no other 403, and does not always say which scopes it wants (hubspot.md §8).
        403 if problem.scopes.is_empty() => Err(Error::MissingScopes(vec![doing.scope().to_owned()])),
        403 => Err(Error::MissingScopes(problem.scopes)),
        // Whatever else is gone was there a moment ago: the next attempt sees the associations without it.
        404 if matches!(doing, Doing::ReadingRecord(_) | Doing::Completing) => Err(Error::NotFound),
        404 => Err(Error::Unavailable { doing, cause: Cause::Incomplete }),
        429 => Err(Error::RateLimited),
        408 | 423 | 477 => Err(Error::Unavailable { doing, cause: Cause::Status(status) }),
        400..=499 => Err(Error::Refused { doing, status, category: problem.category }),
        _ => Err(Error::Unavailable { doing, cause: Cause::Status(status) }),
    }
}

fn ending(outcome: &Outcome) -> Ending {
    match outcome {
        Ok(Answer { status: 429, .. }) => Ending::Throttled,
        Ok(Answer { status: ..500, .. }) => Ending::Answered,
        Ok(_) | Err(_) => Ending::Failed,
    }
}

type Outcome = Result<Answer, Cause>;

struct Answer {
    status: u16,
    body: Vec<u8>,
    problem: Problem,
}

/// HubSpot's standard error body, of which every part may be missing (hubspot.md §8). Words only, as they end up in
/// sentences and logs.
#[derive(Default)]
struct Problem {
    category: Option<String>,
    correlation_id: Option<String>,
    /// Each once.
    scopes: Vec<String>,
}

impl Problem {
    fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let word = |key: &str| body[key].as_str().filter(|text| is_word(text)).map(str::to_owned);
        Self { category: word("category"), correlation_id: word("correlationId"), scopes: scopes(&body) }
    }
}

/// Scopes are named in one of two places, under one of two names (hubspot.md §5.5, §8).
fn scopes(body: &Value) -> Vec<String> {
    let errors = body["errors"].as_array().into_iter().flatten().map(|error| &error["context"]);
    let contexts = std::iter::once(&body["context"]).chain(errors);
    let lists = contexts.flat_map(|context| [&context["missingScopes"], &context["requiredGranularScopes"]]);
    let named = lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    let mut scopes: Vec<String> = Vec::new();
    for scope in named.filter(|scope| is_word(scope)) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

/// Fit for sentences and logs.
pub(crate) fn is_word(text: &str) -> bool {
    text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Associated;
    use mapping::hubspot::RecordKind;

    #[test]
    fn a_read_may_be_repeated_once_when_a_moment_can_help() {
        let status = |status| Ok(Answer { status, body: Vec::new(), problem: Problem::default() });
        let batch_read = objects("line_items/batch/read");
        for (method, path, outcome, attempt, expected) in [
            (Method::GET, "/", status(503), 1, true),
            (Method::GET, "/", status(500), 1, true),
            (Method::GET, "/", status(524), 1, true),
            (Method::POST, batch_read.as_str(), status(502), 1, true),
            (Method::GET, "/", status(503), 2, false),
            (Method::POST, "/", status(503), 1, false),
            (Method::PATCH, batch_read.as_str(), status(503), 1, false),
            (Method::GET, "/", status(200), 1, false),
            (Method::GET, "/", status(401), 1, false),
            (Method::GET, "/", status(404), 1, false),
            (Method::GET, "/", status(423), 1, false),
            (Method::GET, "/", status(429), 1, false),
            (Method::GET, "/", status(477), 1, false),
            (Method::GET, "/", Err(Cause::TimedOut), 1, false),
            (Method::GET, "/", Err(Cause::TooLarge), 1, false),
        ] {
            assert_eq!(may_retry(&method, path, &outcome, attempt), expected, "{method} {path} {attempt}");
        }
    }

    #[track_caller]
    fn check_scopes(doing: Doing, body: &str, expected: &[&str]) {
        let answer = Answer { status: 403, body: Vec::new(), problem: Problem::read(body.as_bytes()) };
        let Err(Error::MissingScopes(scopes)) = sort(doing, answer) else { panic!("{body}") };
        assert_eq!(scopes, expected, "{body}");
    }

    #[test]
    fn missing_scopes_are_named_wherever_hubspot_names_them() {
        let record = Doing::ReadingRecord(RecordKind::Deal);
        check_scopes(
            record,
            r#"{"category": "MISSING_SCOPES", "context": {"missingScopes": ["a", "b"]}}"#,
            &["a", "b"],
        );
        let twice = r#"{"category": "MISSING_SCOPES", "context": {"missingScopes": ["a"]},
            "errors": [{"message": "x", "context": {"requiredGranularScopes": ["a", "b"]}}, {"message": "y"}]}"#;
        check_scopes(record, twice, &["a", "b"]);
        let odd = r#"{"category": "MISSING_SCOPES", "context": {"missingScopes": ["<script>"]}}"#;
        check_scopes(record, odd, &["crm.objects.deals.read"]);
    }

    #[test]
    fn whatever_is_not_permitted_a_scope_is_named() {
        for body in [r#"{"category": "MISSING_SCOPES"}"#, r#"{"category": "FORBIDDEN"}"#, "", "<html>"] {
            check_scopes(Doing::Reading(Associated::Payments), body, &["crm.objects.commercepayments.read"]);
            check_scopes(Doing::Listing(Associated::LineItems), body, &["crm.objects.line_items.read"]);
            check_scopes(Doing::ReadingRecord(RecordKind::Quote), body, &["crm.objects.quotes.read"]);
            check_scopes(Doing::ReadingTaxRates, body, &["tax_rates.read"]);
            check_scopes(Doing::Completing, body, &["automation"]);
        }
    }
}
