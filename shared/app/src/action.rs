//! One execution from request to reply.
//!
//! Every outcome is an answer for HubSpot, which repeats a 5xx for up to three days and never a 4xx (hubspot.md §2.4). So a
//! 401 is given for a wrong signature only, a failure that a person must mend is 200 with `FAIL_CONTINUE`, and what is our
//! own or an upstream's trouble is 200 with `BLOCK` where HubSpot can be called back, and 503 elsewhere (rulings.md 4–6).

use std::convert::Infallible;
use std::time::Duration;

use hubspot::workflow;
use jiff::Timestamp;
use lambda_http::{Request, RequestExt, Response};
use store::record::{Key, Record};
use tracing::Instrument;

pub use mapping::quickbooks::DocumentKind;

use crate::App;
use crate::answer;
use crate::attempt::{self, PATIENCE, Reply};
use crate::clock;
use crate::effects::Deadline;
use crate::execution::Execution;
use crate::failure::Code;
use crate::gate::{BODY_LIMIT, Unproven};
use crate::telemetry::{self, Metric, chain};

/// Lambda's time limit for this function, when a request does not name its own end.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// An answer is ready so long before HubSpot gives up.
const REPLY_NEEDS: Duration = Duration::from_secs(2);

/// Answers one delivery of a workflow action. It cannot fail: whatever happens is an answer.
///
/// # Errors
/// None.
pub async fn handle(app: &App, kind: DocumentKind, request: Request) -> Result<Response<String>, Infallible> {
    clock::follow(&request);
    let started = std::time::Instant::now();
    let answer = answer(app, kind, &request).await;
    let duration_ms = telemetry::millis(started.elapsed());
    tracing::info!(status = answer.status, outcome = answer.outcome, duration_ms, "answered");
    if answer.status == 200 {
        telemetry::measure(&[(Metric::AnswerTime, duration_ms)]);
    }
    Ok(json(answer.status, answer.body))
}

/// What is sent back, and a word for the log.
struct Answer {
    status: u16,
    body: String,
    outcome: &'static str,
}

impl Answer {
    fn refused() -> Self {
        Self { status: 401, body: String::new(), outcome: "signature refused" }
    }

    fn later(code: Code) -> Self {
        let body = serde_json::json!({ "errorCode": code.as_str() }).to_string();
        Self { status: 503, body, outcome: code.as_str() }
    }

    /// Our own trouble, before anything is known of an execution.
    fn not_now() -> Self {
        telemetry::count(Metric::OwnFailures);
        Self::later(Code::Internal)
    }

    fn wait(execution_id: &str) -> Self {
        Self { status: 200, body: answer::accepted(execution_id), outcome: "accepted" }
    }

    fn stored(record: &Record) -> Self {
        match &record.answer {
            Some(answer) => {
                if answer::lacks_its_document(answer) {
                    tracing::error!("the answer says that there is a document and does not name it");
                    telemetry::count(Metric::Violations);
                }
                Self { status: 200, body: answer.clone(), outcome: record.state.as_str() }
            }
            None => Self::not_now(),
        }
    }
}

/// A JSON response; an empty body with it.
pub(crate) fn json(status: u16, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = lambda_http::http::StatusCode::from_u16(status).unwrap_or_default();
    let json = lambda_http::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(lambda_http::http::header::CONTENT_TYPE, json);
    response
}

async fn answer(app: &App, kind: DocumentKind, request: &Request) -> Answer {
    if app.config.actions_paused {
        return Answer::later(Code::InProgress);
    }
    let body = request.body().as_ref();
    if body.len() > BODY_LIMIT {
        return Answer { status: 413, body: String::new(), outcome: "body too large" };
    }
    match app.gate.check(&app.config, &app.store, path(kind), request).await {
        Ok(()) => {}
        Err(Unproven::Wrong) => return Answer::refused(),
        Err(Unproven::Later) => return Answer::not_now(),
    }
    let execution = match workflow::Execution::parse(body) {
        Ok(execution) => execution,
        Err(error) => {
            tracing::error!(error = chain(&error), "a signed request could not be read");
            return Answer::not_now();
        }
    };
    let span = tracing::info_span!(
        "execution",
        portal.id = %execution.portal_id,
        execution.id = execution.callback_id.as_str(),
        record.id = %execution.object_id,
    );
    let deadline = Deadline::at(ends_at(request), Some(patience(request)));
    run(app, kind, &execution, deadline).instrument(span).await
}

/// Makes one attempt at the execution, with what is known of its portal.
async fn run(app: &App, kind: DocumentKind, request: &workflow::Execution, deadline: Deadline) -> Answer {
    let portal = match app.store.portal(request.portal_id).await {
        Ok(portal) => portal,
        Err(error) => {
            tracing::error!(error = chain(&error), "the portal could not be read");
            return Answer::not_now();
        }
    };
    let key = Key::execution(request.portal_id, request.callback_id.as_str());
    let execution = Execution::new(app, kind, &key, request, portal.as_ref(), deadline);
    match attempt::deliver(&execution).await {
        Reply::Stored(record) => Answer::stored(&record),
        Reply::Wait => Answer::wait(&key.id()),
        Reply::Again(trouble) => Answer::later(trouble.code()),
    }
}

fn path(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Invoice => "/actions/invoice",
        DocumentKind::Estimate => "/actions/estimate",
        DocumentKind::SalesReceipt => "/actions/receipt",
    }
}

/// How much longer HubSpot is made to wait for something new to begin. It gives up after a time it may name; ours is less
/// than the shortest that was seen (rulings.md 15).
fn patience(request: &Request) -> Duration {
    let named = request.headers().get("x-hubspot-timeout-millis").and_then(|value| value.to_str().ok());
    let named = named.and_then(|millis| millis.parse().ok()).map(Duration::from_millis);
    let patience = named.map_or(PATIENCE, |named| PATIENCE.min(named.saturating_sub(REPLY_NEEDS)));
    patience.saturating_sub(clock::under_way(request))
}

pub(crate) fn ends_at(request: &Request) -> Timestamp {
    let named = request.lambda_context_ref().and_then(|context| i64::try_from(context.deadline).ok());
    let named = named.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    named.unwrap_or_else(|| clock::now() + TIME_LIMIT)
}
