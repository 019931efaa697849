//! The Runtime API, version 2018-06-01: what a function's runtime asks of Lambda, for one instance.
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>)

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::json;
use simulators::control::Clock;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::{Failure, Function};
use crate::aws;

/// The result of an invocation, as the function sent it.
pub(super) type Outcome = Result<Bytes, Failure>;

/// Lambda's limit for the payload of a synchronous answer, with room for what JSON escapes.
const LARGEST_ANSWER_BYTES: usize = 12 * 1024 * 1024;

/// One event on its way to an instance.
pub(super) struct Invocation {
    request_id: String,
    arn: String,
    clock: Clock,
    timeout: Duration,
    event: Bytes,
    seen: oneshot::Sender<()>,
    outcome: oneshot::Sender<Outcome>,
}

/// What comes back: first that the function has the event, then how it ended.
pub(super) struct Reply {
    pub(super) seen: oneshot::Receiver<()>,
    pub(super) outcome: oneshot::Receiver<Outcome>,
}

impl Invocation {
    pub(super) fn new(function: &Function, request_id: &str, event: Bytes) -> (Self, Reply) {
        let (seen_sender, seen) = oneshot::channel();
        let (outcome_sender, outcome) = oneshot::channel();
        let invocation = Self {
            request_id: request_id.to_owned(),
            arn: format!("arn:aws:lambda:{}:{}:function:{}", aws::REGION, aws::ACCOUNT, function.name),
            clock: function.clock.clone(),
            timeout: function.timeout,
            event,
            seen: seen_sender,
            outcome: outcome_sender,
        };
        (invocation, Reply { seen, outcome })
    }
}

/// How far an instance has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The process runs, and has not asked for work yet.
    Starting,
    /// It has asked for work.
    Ready,
    /// It has said why it cannot work.
    Failed(String),
}

/// Where an instance gets its work from and leaves its answers.
pub(super) struct Desk {
    work: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    current: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    phase: watch::Sender<Phase>,
}

impl Desk {
    pub(super) fn new(work: mpsc::Receiver<Invocation>) -> (Arc<Self>, watch::Receiver<Phase>) {
        let (phase, observed) = watch::channel(Phase::Starting);
        let desk = Self { work: tokio::sync::Mutex::new(work), current: Mutex::default(), phase };
        (Arc::new(desk), observed)
    }

    /// Hands over the outcome of the current invocation, if this is its id.
    fn finish(&self, request_id: &str, outcome: Outcome) -> bool {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match current.take_if(|(id, _)| id == request_id) {
            // Nobody may be waiting any more; the function is told all the same that it was heard.
            Some((_, sender)) => {
                let _ = sender.send(outcome);
                true
            }
            None => false,
        }
    }
}

/// The endpoints that `AWS_LAMBDA_RUNTIME_API` points at.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{request_id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{request_id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(LARGEST_ANSWER_BYTES))
        .with_state(desk)
}

async fn next(State(desk): State<Arc<Desk>>) -> Response {
    desk.phase.send_if_modified(|phase| std::mem::replace(phase, Phase::Ready) != Phase::Ready);
    let Some(invocation) = desk.work.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let headers = headers(&invocation);
    *desk.current.lock().unwrap_or_else(PoisonError::into_inner) =
        Some((invocation.request_id, invocation.outcome));
    let _ = invocation.seen.send(());
    (headers, invocation.event).into_response()
}

async fn response(State(desk): State<Arc<Desk>>, Path(request_id): Path<String>, body: Bytes) -> Response {
    accept(desk.finish(&request_id, Ok(body)))
}

async fn error(State(desk): State<Arc<Desk>>, Path(request_id): Path<String>, body: Bytes) -> Response {
    accept(desk.finish(&request_id, Err(Failure::Function(text(&body)))))
}

async fn init_error(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    desk.phase.send_replace(Phase::Failed(text(&body)));
    accept(true)
}

fn headers(invocation: &Invocation) -> HeaderMap {
    let now = invocation.clock.now().as_millisecond();
    let deadline_ms = now.saturating_add_unsigned(millis(invocation.timeout));
    let values = [
        ("lambda-runtime-aws-request-id", invocation.request_id.clone()),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", invocation.arn.clone()),
        ("lambda-runtime-trace-id", format!("{};Parent={};Sampled=0", trace_root(), &hex_id()[..16])),
        ("content-type", "application/json".to_owned()),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect()
}

fn accept(known: bool) -> Response {
    match known {
        true => (StatusCode::ACCEPTED, Json(json!({"status": "OK"}))).into_response(),
        false => {
            let problem = json!({"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"});
            (StatusCode::BAD_REQUEST, Json(problem)).into_response()
        }
    }
}

/// The first part of an X-Ray trace header: version, seconds in hex, 96 random bits.
pub(crate) fn trace_root() -> String {
    format!("Root=1-{:08x}-{}", Timestamp::now().as_second(), &hex_id()[..24])
}

fn hex_id() -> String {
    Uuid::new_v4().simple().to_string()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn text(body: &Bytes) -> String {
    String::from_utf8_lossy(body).into_owned()
}
