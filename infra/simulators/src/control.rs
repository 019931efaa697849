//! What both simulators share: a clock that can be moved, a log of every call, faults, and serving on this machine.
//!
//! A vendor's simulator hands its routes to [`Control::mount`] and asks [`Control::now`] for the time; everything under
//! `/_sim` belongs to the test or the person at the keyboard and is never logged or disturbed; so do the pages at `/`.
//!
//! | route | what |
//! | --- | --- |
//! | `GET /_sim/calls` | `{"calls": [Call, …]}` in order of arrival; without the tokens, codes and secrets in queries and in bodies of OAuth calls |
//! | `DELETE /_sim/calls` | forgets them |
//! | `GET /_sim/faults` | the plan and what it did, as below |
//! | `POST /_sim/faults` | `{"faults": [Fault, …]}` replaces the list; an empty list calls them all off |
//! | `POST /_sim/clock` | `{"advance_seconds": 3600}` or `{"now": "2026-03-02T17:15:30Z"}`; answers `{"now": …}` |
//!
//! A call nobody simulates is answered with 404 and stands in the log as `unexpected`: tests assert that there is none.
//!
//! # Faults
//!
//! A [`Fault`] says which calls it disturbs (`method`, `path`, `skip`, `times`, `probability` with `seed`) and how. The
//! kinds can be mixed; what cannot be carried out is refused with 400 and the reason.
//!
//! | kind | example |
//! | --- | --- |
//! | refuse | `{"path": "/invoice", "status": 400, "body": "{}", "content_type": "application/json"}` |
//! | 401 | `{"preset": "quickbooks_401"}` |
//! | 403 | `{"preset": "hubspot_403"}` |
//! | 429 in XML | `{"path": "/query", "preset": "quickbooks_429_xml"}` |
//! | 429 in JSON | `{"preset": "quickbooks_429_json"}` |
//! | 429 with `Retry-After` | `{"preset": "hubspot_429", "headers": {"retry-after": "10"}}` |
//! | 5xx before the effect | `{"method": "POST", "status": 503}` |
//! | 5xx after the effect | `{"method": "POST", "status": 504, "after_effect": true}` |
//! | drop before the effect | `{"method": "POST", "drop": true}` |
//! | drop after the effect | `{"method": "POST", "drop": true, "after_effect": true}` |
//! | effect that lands later, answered now | `{"method": "POST", "status": 504, "effect_after_seconds": 90}` |
//! | effect that lands later, dropped now | `{"method": "POST", "drop": true, "effect_after_seconds": 90}` |
//! | delay | `{"delay_ms": 1500}` |
//! | slow drip | `{"drip": {"piece_bytes": 16, "pause_ms": 50}}` |
//! | truncated body | `{"truncate_to": 20}` |
//! | wrong content type | `{"content_type": "text/plain"}` |
//! | HTML page | `{"preset": "html_page", "status": 502}` |
//! | gzip | `{"gzip": true}` |
//! | huge body | `{"pad_to_bytes": 50000000}` |
//! | redirect | `{"redirect": "/elsewhere", "status": 307}` |
//! | the third call only | `{"skip": 2, "times": 1, "status": 500}` |
//! | one call in four, the same ones every run | `{"probability": 0.25, "seed": 7, "times": 1000, "status": 500}` |
//!
//! [`Preset`] lists the refusals that come ready-made. `GET /_sim/faults` answers
//! `{"faults": [Fault and "seen", "applied", "applied_to": [seq, …]], "late_effects": [{"seq", "due", "status"}]}`: a late
//! effect has a status, the vendor's own, once it has landed, which it does also when the plan was replaced meanwhile.

mod clock;
mod disturb;
mod fault;
mod plan;
mod preset;
mod shape;

pub use clock::Clock;
pub use fault::{Drip, Fault, MAX_PADDED_BYTES};
pub use preset::Preset;

use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{Method, StatusCode, Uri, header, request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::page::redact;
use disturb::disturbed;
use plan::Plan;

/// Clock, call log and faults of one simulator. Clones share them.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Mutex<Shared>>,
    clock: Clock,
    started: Instant,
}

/// One call as the vendor saw it. Times are microseconds since the simulator started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// Rises by one per call, also across `DELETE /_sim/calls`.
    pub seq: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as sent, percent-encoding included.
    pub path: String,
    /// The query string, decoded; empty when there is none.
    pub query: String,
    /// When the call's head had arrived.
    pub started_us: u64,
    /// When the answer was ready to be sent; `None` while the call is being worked on.
    pub ended_us: Option<u64>,
    /// The status sent; `None` while the call runs, and for ever when the connection was dropped instead.
    pub status: Option<u16>,
    /// What a fault did to the call: `delay`; `altered`, the vendor's own answer sent in another way; `answer` or `drop`,
    /// alone before the effect, and with `_after_effect` or `_effect_later` behind it.
    pub fault: Option<String>,
    /// Whether an `Authorization` header came along; its content is never kept.
    pub authorization_present: bool,
    /// The body, bytes that are not UTF-8 replaced.
    pub request_body: String,
    /// Nobody simulates this call: the test or the client under test is wrong.
    pub unexpected: bool,
}

/// A running server. Dropping it stops accepting and closes idle connections.
#[derive(Debug)]
pub struct Serving {
    /// `http://127.0.0.1:<port>`, no trailing slash.
    pub url: String,
    _stop: oneshot::Sender<()>,
}

/// Serves `router` on 127.0.0.1 only; port 0 takes any free one.
///
/// # Errors
/// The port is taken or may not be bound.
pub async fn serve(router: Router, port: u16) -> std::io::Result<Serving> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        stopped.await.ok();
    });
    tokio::spawn(server.into_future());
    Ok(Serving { url, _stop: stop })
}

/// How many round trips a caller waited for: calls that overlap in time count as one.
pub fn round_trips(calls: &[Call]) -> usize {
    let mut spans: Vec<_> =
        calls.iter().map(|call| (call.started_us, call.ended_us.unwrap_or(u64::MAX))).collect();
    spans.sort_unstable();
    let mut trips = 0;
    let mut busy_until = None;
    for (start, end) in spans {
        if busy_until.is_none_or(|until| start > until) {
            trips += 1;
        }
        busy_until = busy_until.max(Some(end));
    }
    trips
}

/// Marks an answer so that its call is logged as unexpected: the simulator has the route, but not what was asked of it.
pub fn unexpected(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.extensions_mut().insert(Unexpected);
    response
}

impl Default for Control {
    fn default() -> Self {
        Control::new()
    }
}

impl Control {
    /// Real time, no faults, no calls.
    pub fn new() -> Control {
        Control::with_clock(Clock::default())
    }

    /// No faults, no calls, and a clock that others may share: whoever moves it moves it for all.
    pub fn with_clock(clock: Clock) -> Control {
        Control { shared: Arc::default(), clock, started: Instant::now() }
    }

    /// The clock, to share.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Real time, moved by what [`Control::advance`] or `POST /_sim/clock` asked for.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock on, wakes who waits for a time that has come by that, and says what time it is.
    pub fn advance(&self, by: SignedDuration) -> Timestamp {
        self.clock.advance(by)
    }

    /// Returns when the clock shows `due` or later: by real time, or because the clock was moved.
    pub async fn sleep_until(&self, due: Timestamp) {
        self.clock.sleep_until(due).await;
    }

    /// The calls so far, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Those whose path contains this; the others are not copied.
    pub fn calls_to(&self, path: &str) -> Vec<Call> {
        self.lock().calls.iter().filter(|call| call.path.contains(path)).cloned().collect()
    }

    /// Replaces the faults; their counts start again.
    ///
    /// # Errors
    /// What cannot be carried out, in words; then nothing is replaced.
    pub fn set_faults(&self, faults: Vec<Fault>) -> Result<(), String> {
        faults.iter().try_for_each(Fault::check)?;
        self.lock().plan.replace(faults);
        Ok(())
    }

    /// How many calls are in the log.
    pub(crate) fn count_calls(&self) -> usize {
        self.lock().calls.len()
    }

    /// Some calls of the log, counted from the newest.
    pub(crate) fn newest_calls(&self, range: Range<usize>) -> Vec<Call> {
        self.lock().calls.iter().rev().skip(range.start).take(range.len()).cloned().collect()
    }

    /// How many faults are in force.
    pub(crate) fn count_faults(&self) -> usize {
        self.lock().plan.len()
    }

    /// The answer of `GET /_sim/faults`.
    pub(crate) fn plan(&self) -> Value {
        json!(self.lock().plan)
    }

    /// The vendor's routes with log and faults around them, and the `/_sim` routes of this module beside them. What is
    /// merged into the answer is the person's own as well: the vendor's control routes and pages.
    pub fn mount(&self, vendor: Router) -> Router {
        let observed = vendor
            .fallback(unknown_route)
            .method_not_allowed_fallback(unknown_route)
            .layer(middleware::from_fn_with_state(self.clone(), observe));
        Router::new()
            .route("/_sim/calls", get(list_calls).delete(clear_calls))
            .route("/_sim/faults", get(list_faults).post(replace_faults))
            .route("/_sim/clock", post(move_clock))
            .with_state(self.clone())
            .merge(observed)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn arrived(&self, parts: &request::Parts, body: &[u8], started_us: u64) -> (u64, Option<Fault>) {
        let mut shared = self.lock();
        let seq = shared.arrivals;
        let fault = shared.plan.strike(seq, &parts.method, parts.uri.path());
        shared.arrivals += 1;
        shared.calls.push(Call {
            seq,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: decoded_query(&parts.uri),
            started_us,
            ended_us: None,
            status: None,
            fault: fault.as_ref().map(|fault| fault.kind().to_owned()),
            authorization_present: parts.headers.contains_key(header::AUTHORIZATION),
            request_body: String::from_utf8_lossy(body).into_owned(),
            unexpected: false,
        });
        (seq, fault)
    }

    fn answered(&self, seq: u64, response: &Response) {
        let ended_us = self.elapsed_us();
        let mut shared = self.lock();
        // Gone when the log was cleared while the call ran.
        let Some(call) = shared.calls.iter_mut().rev().find(|call| call.seq == seq) else { return };
        call.ended_us = Some(ended_us);
        call.unexpected |= response.extensions().get::<Unexpected>().is_some();
        let dropped = response.extensions().get::<Dropped>().is_some();
        call.status = (!dropped).then(|| response.status().as_u16());
    }

    /// A late effect has come about; no response is a handler that failed.
    fn landed(&self, seq: u64, response: Option<&Response>) {
        let is_unexpected = response.is_some_and(|own| own.extensions().get::<Unexpected>().is_some());
        let mut shared = self.lock();
        shared.plan.landed(seq, response.map_or(500, |own| own.status().as_u16()));
        if let Some(call) = shared.calls.iter_mut().rev().find(|call| call.seq == seq) {
            call.unexpected |= is_unexpected;
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    arrivals: u64,
    calls: Vec<Call>,
    plan: Plan,
}

#[derive(Clone)]
struct Unexpected;

#[derive(Clone)]
struct Dropped;

async fn observe(State(control): State<Control>, request: Request, next: Next) -> Response {
    let started_us = control.elapsed_us();
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return (StatusCode::BAD_REQUEST, "the request's body broke off").into_response();
    };
    let (seq, fault) = control.arrived(&parts, &bytes, started_us);
    let request = Request::from_parts(parts, Body::from(bytes));
    // A task of its own: a vendor finishes what it began even when its caller hangs up.
    let worker = control.clone();
    let work = tokio::spawn(async move {
        let response = match fault {
            Some(fault) => disturbed(&worker, seq, fault, request, next).await,
            None => next.run(request).await,
        };
        worker.answered(seq, &response);
        response
    });
    work.await.unwrap_or_else(|panic| {
        let text = format!("the simulator failed: {panic}");
        let response = unexpected((StatusCode::INTERNAL_SERVER_ERROR, text));
        control.answered(seq, &response);
        response
    })
}

async fn unknown_route(method: Method, uri: Uri) -> Response {
    unexpected((StatusCode::NOT_FOUND, format!("the simulator has no route for {method} {}", uri.path())))
}

async fn list_calls(State(control): State<Control>) -> Json<Value> {
    let calls: Vec<_> = control.calls().iter().map(redact::call).collect();
    Json(json!({ "calls": calls }))
}

async fn clear_calls(State(control): State<Control>) -> StatusCode {
    control.lock().calls.clear();
    StatusCode::NO_CONTENT
}

async fn list_faults(State(control): State<Control>) -> Json<Value> {
    Json(control.plan())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultList {
    faults: Vec<Fault>,
}

async fn replace_faults(State(control): State<Control>, Json(list): Json<FaultList>) -> Response {
    match control.set_faults(list.faults) {
        Ok(()) => list_faults(State(control)).await.into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClockMove {
    AdvanceSeconds(i64),
    Now(Timestamp),
}

async fn move_clock(State(control): State<Control>, Json(asked): Json<ClockMove>) -> Json<Value> {
    let now = match asked {
        ClockMove::AdvanceSeconds(seconds) => control.clock.advance(SignedDuration::from_secs(seconds)),
        ClockMove::Now(wanted) => control.clock.set(wanted),
    };
    Json(json!({"now": now}))
}

fn decoded_query(uri: &Uri) -> String {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return uri.query().unwrap_or_default().to_owned();
    };
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests;
