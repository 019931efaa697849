//! What both simulators share: a clock that can be moved, a log of every call, faults, and serving on this machine.
//!
//! A vendor's simulator hands its routes to [`Control::mount`] and asks [`Control::now`] for the time; everything under
//! `/_sim` belongs to the test or the person at the keyboard and is never logged or disturbed.
//!
//! | route | what |
//! | --- | --- |
//! | `GET /_sim/calls` | `{"calls": [Call, …]}` in order of arrival |
//! | `DELETE /_sim/calls` | forgets them |
//! | `GET /_sim/faults` | `{"faults": [Fault and "seen", "applied", …]}` |
//! | `POST /_sim/faults` | `{"faults": [Fault, …]}` replaces the list; an empty list calls them all off |
//! | `POST /_sim/clock` | `{"advance_seconds": 3600}` or `{"now": "2026-03-02T17:15:30Z"}`; answers `{"now": …}` |
//!
//! A call nobody simulates is answered with 404 and stands in the log as `unexpected`: tests assert that there is none.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header, request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Clock, call log and faults of one simulator. Clones share them.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Mutex<Shared>>,
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
    /// What a fault did to the call: `delay`, `answer`, `answer_after_effect`, `drop` or `drop_after_effect`.
    pub fault: Option<String>,
    /// Whether an `Authorization` header came along; its content is never kept.
    pub authorization_present: bool,
    /// The body, bytes that are not UTF-8 replaced.
    pub request_body: String,
    /// Nobody simulates this call: the test or the client under test is wrong.
    pub unexpected: bool,
}

/// Disturbs calls that match. The first fault of the list that matches, has skipped enough and is not used up applies.
///
/// How QuickBooks' gateway throttles (quickbooks.md §4.1; XML whatever `Accept` says):
///
/// ```json
/// {"path": "/query", "status": 429, "content_type": "application/xml", "body": "<?xml version=\"1.0\" encoding=\"UTF-8\"?><IntuitResponse xmlns=\"http://schema.intuit.com/finance/v3\" time=\"2026-03-02T09:15:30.512-08:00\"><Fault type=\"SERVICE\"><Error code=\"3001\"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message><Detail>Too many requests for now</Detail></Error></Fault></IntuitResponse>"}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Only calls with this method; `None` for any.
    pub method: Option<String>,
    /// Only calls whose path contains this.
    pub path: String,
    /// Matching calls to leave alone first.
    pub skip: u32,
    /// Matching calls to disturb after that.
    pub times: u32,
    /// Answer this status; `None` leaves the answer to the simulator.
    pub status: Option<u16>,
    /// The body answered with `status`.
    pub body: String,
    /// The content type answered with `status`.
    pub content_type: Option<String>,
    /// Further headers answered with `status`.
    pub headers: BTreeMap<String, String>,
    /// Do what was asked first, then fail: the caller cannot know that it happened.
    pub after_effect: bool,
    /// Milliseconds to wait: before the effect, or between effect and answer with `after_effect`.
    pub delay_ms: u64,
    /// Close the connection without a complete answer.
    pub drop: bool,
}

impl Default for Fault {
    fn default() -> Self {
        Fault {
            method: None,
            path: String::new(),
            skip: 0,
            times: 1,
            status: None,
            body: String::new(),
            content_type: None,
            headers: BTreeMap::new(),
            after_effect: false,
            delay_ms: 0,
            drop: false,
        }
    }
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
        Control { shared: Arc::default(), started: Instant::now() }
    }

    /// Real time, moved by what `POST /_sim/clock` asked for.
    pub fn now(&self) -> Timestamp {
        moved(self.lock().offset)
    }

    /// The calls so far, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Replaces the faults; their counts start again.
    ///
    /// # Errors
    /// A status or header that no HTTP answer can carry, in words.
    pub fn set_faults(&self, faults: Vec<Fault>) -> Result<(), String> {
        faults.iter().try_for_each(|fault| fault.answer().map(drop))?;
        self.lock().faults = faults.into_iter().map(Planned::new).collect();
        Ok(())
    }

    /// The vendor's routes with log and faults around them, and the `/_sim` routes of this module beside them.
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
        let fault = shared.next_fault(&parts.method, parts.uri.path());
        let seq = shared.arrivals;
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
        call.unexpected = response.extensions().get::<Unexpected>().is_some();
        let dropped = response.extensions().get::<Dropped>().is_some();
        call.status = (!dropped).then(|| response.status().as_u16());
    }
}

#[derive(Debug, Default)]
struct Shared {
    offset: SignedDuration,
    arrivals: u64,
    calls: Vec<Call>,
    faults: Vec<Planned>,
}

impl Shared {
    fn next_fault(&mut self, method: &Method, path: &str) -> Option<Fault> {
        self.faults.iter_mut().filter(|planned| planned.fault.matches(method, path)).find_map(Planned::strike)
    }
}

#[derive(Debug, Serialize)]
struct Planned {
    #[serde(flatten)]
    fault: Fault,
    seen: u32,
    applied: u32,
}

impl Planned {
    fn new(fault: Fault) -> Planned {
        Planned { fault, seen: 0, applied: 0 }
    }

    fn strike(&mut self) -> Option<Fault> {
        self.seen += 1;
        let strikes = self.seen > self.fault.skip && self.applied < self.fault.times;
        self.applied += u32::from(strikes);
        strikes.then(|| self.fault.clone())
    }
}

impl Fault {
    fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && path.contains(&self.path)
    }

    fn kind(&self) -> &'static str {
        match (self.drop, self.status, self.after_effect) {
            (true, _, false) => "drop",
            (true, _, true) => "drop_after_effect",
            (false, Some(_), false) => "answer",
            (false, Some(_), true) => "answer_after_effect",
            (false, None, _) => "delay",
        }
    }

    /// What is answered in place of the vendor's own answer; `None` for a fault that only delays.
    fn answer(&self) -> Result<Option<Response>, String> {
        if self.drop {
            return Ok(Some(dropped()));
        }
        let Some(status) = self.status else { return Ok(None) };
        let status = StatusCode::from_u16(status).map_err(|_| format!("{status} is no HTTP status"))?;
        let mut response = (status, self.body.clone()).into_response();
        let content_type = self.content_type.iter().map(|value| ("content-type", value));
        for (name, value) in content_type.chain(self.headers.iter().map(|(k, v)| (k.as_str(), v))) {
            let name = name.parse::<HeaderName>().map_err(|_| format!("{name} is no header name"))?;
            let value = value.parse::<HeaderValue>().map_err(|_| format!("{value:?} is no header value"))?;
            response.headers_mut().insert(name, value);
        }
        Ok(Some(response))
    }
}

#[derive(Clone)]
struct Unexpected;

#[derive(Clone)]
struct Dropped;

/// An answer whose body breaks at once: the server closes the connection before it has written a byte.
fn dropped() -> Response {
    let broken =
        futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("dropped by a fault")) });
    let mut response = Response::new(Body::from_stream(broken));
    response.extensions_mut().insert(Dropped);
    response
}

async fn observe(State(control): State<Control>, request: Request, next: Next) -> Response {
    let started_us = control.elapsed_us();
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return (StatusCode::BAD_REQUEST, "the request's body broke off").into_response();
    };
    let (seq, fault) = control.arrived(&parts, &bytes, started_us);
    let request = Request::from_parts(parts, Body::from(bytes));
    // A task of its own: a vendor finishes what it began even when its caller hangs up.
    let work = tokio::spawn(async move {
        let response = disturbed(fault, request, next).await;
        control.answered(seq, &response);
        response
    });
    work.await.unwrap_or_else(|panic| {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("the simulator failed: {panic}")).into_response()
    })
}

async fn disturbed(fault: Option<Fault>, request: Request, next: Next) -> Response {
    let Some(fault) = fault else { return next.run(request).await };
    let answer = fault.answer().ok().flatten();
    let pause = tokio::time::sleep(Duration::from_millis(fault.delay_ms));
    if fault.after_effect {
        let response = next.run(request).await;
        pause.await;
        return answer.unwrap_or(response);
    }
    pause.await;
    match answer {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}

async fn unknown_route(method: Method, uri: Uri) -> Response {
    unexpected((StatusCode::NOT_FOUND, format!("the simulator has no route for {method} {}", uri.path())))
}

async fn list_calls(State(control): State<Control>) -> Json<Value> {
    Json(json!({"calls": control.calls()}))
}

async fn clear_calls(State(control): State<Control>) -> StatusCode {
    control.lock().calls.clear();
    StatusCode::NO_CONTENT
}

async fn list_faults(State(control): State<Control>) -> Json<Value> {
    Json(json!({"faults": control.lock().faults}))
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
    let mut shared = control.lock();
    shared.offset = match asked {
        ClockMove::AdvanceSeconds(seconds) => {
            shared.offset.saturating_add(SignedDuration::from_secs(seconds))
        }
        ClockMove::Now(wanted) => wanted.duration_since(Timestamp::now()),
    };
    Json(json!({"now": moved(shared.offset)}))
}

fn moved(offset: SignedDuration) -> Timestamp {
    let now = Timestamp::now();
    now.checked_add(offset).unwrap_or(now)
}

fn decoded_query(uri: &Uri) -> String {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return uri.query().unwrap_or_default().to_owned();
    };
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    /// A vendor with one effect: `POST /effect` counts, `GET /effect` tells the count.
    async fn vendor() -> (Control, Serving) {
        let control = Control::new();
        let count = Arc::new(Mutex::new(0));
        let seen = count.clone();
        let effect = get(async move || seen.lock().unwrap().to_string()).post(async move || {
            *count.lock().unwrap() += 1;
            "done"
        });
        let serving = serve(control.mount(Router::new().route("/effect", effect)), 0).await.unwrap();
        (control, serving)
    }

    async fn get_text(url: &str) -> (u16, String) {
        let answer = reqwest::get(url).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post_effect(serving: &Serving) -> reqwest::Result<reqwest::Response> {
        reqwest::Client::new().post(format!("{}/effect?a=b%20c", serving.url)).body("hello").send().await
    }

    async fn effects(serving: &Serving) -> String {
        get_text(&format!("{}/effect", serving.url)).await.1
    }

    fn fault(set: impl FnOnce(&mut Fault)) -> Fault {
        let mut fault = Fault { method: Some("POST".into()), path: "/eff".into(), ..Fault::default() };
        set(&mut fault);
        fault
    }

    /// Waits for what must come about, however busy the machine is.
    async fn until(holds: impl AsyncFn() -> bool) {
        let limit = Instant::now() + Duration::from_secs(30);
        while !holds().await {
            assert!(Instant::now() < limit, "did not come about in half a minute");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn span(started_us: u64, ended_us: u64) -> Call {
        Call {
            seq: 0,
            method: "GET".into(),
            path: "/".into(),
            query: String::new(),
            started_us,
            ended_us: Some(ended_us),
            status: Some(200),
            fault: None,
            authorization_present: false,
            request_body: String::new(),
            unexpected: false,
        }
    }

    #[tokio::test]
    async fn a_call_is_logged_with_query_body_and_status() {
        let (control, serving) = vendor().await;
        post_effect(&serving).await.unwrap();
        let call = control.calls().remove(0);
        assert_eq!(
            (call.method.as_str(), call.path.as_str(), call.query.as_str()),
            ("POST", "/effect", "a=b c")
        );
        assert_eq!((call.request_body.as_str(), call.status, call.unexpected), ("hello", Some(200), false));
        assert!(call.ended_us.unwrap() >= call.started_us);
    }

    #[tokio::test]
    async fn control_routes_are_not_logged_and_the_log_can_be_cleared() {
        let (control, serving) = vendor().await;
        post_effect(&serving).await.unwrap();
        let (_, log) = get_text(&format!("{}/_sim/calls", serving.url)).await;
        assert_eq!(serde_json::from_str::<Value>(&log).unwrap()["calls"].as_array().unwrap().len(), 1);
        reqwest::Client::new().delete(format!("{}/_sim/calls", serving.url)).send().await.unwrap();
        assert!(control.calls().is_empty());
    }

    #[tokio::test]
    async fn an_unknown_route_and_a_wrong_method_say_what_was_asked_and_are_unexpected() {
        let (control, serving) = vendor().await;
        let (status, text) = get_text(&format!("{}/nowhere", serving.url)).await;
        assert_eq!((status, text.contains("GET /nowhere")), (404, true));
        let wrong = reqwest::Client::new().put(format!("{}/effect", serving.url)).send().await.unwrap();
        assert_eq!(wrong.status().as_u16(), 404);
        assert!(control.calls().iter().all(|call| call.unexpected));
    }

    #[tokio::test]
    async fn a_fault_before_the_effect_prevents_it_and_one_after_hides_it() {
        let (control, serving) = vendor().await;
        control.set_faults(vec![fault(|f| f.status = Some(503))]).unwrap();
        assert_eq!(post_effect(&serving).await.unwrap().status().as_u16(), 503);
        assert_eq!(effects(&serving).await, "0");
        let after = fault(|f| (f.status, f.after_effect) = (Some(503), true));
        control.set_faults(vec![after]).unwrap();
        assert_eq!(post_effect(&serving).await.unwrap().status().as_u16(), 503);
        assert_eq!(effects(&serving).await, "1");
        let kinds: Vec<_> = control.calls().into_iter().filter_map(|call| call.fault).collect();
        assert_eq!(kinds, ["answer", "answer_after_effect"]);
    }

    #[tokio::test]
    async fn a_dropped_connection_gives_the_caller_no_answer_at_all() {
        let (control, serving) = vendor().await;
        control.set_faults(vec![fault(|f| (f.drop, f.after_effect) = (true, true))]).unwrap();
        assert!(post_effect(&serving).await.unwrap_err().is_request());
        assert_eq!(effects(&serving).await, "1");
        let call = control.calls().remove(0);
        assert_eq!((call.status, call.ended_us.is_some()), (None, true));
    }

    #[tokio::test]
    async fn faults_skip_strike_and_run_out() {
        let (control, serving) = vendor().await;
        control.set_faults(vec![fault(|f| (f.skip, f.times, f.status) = (1, 2, Some(500)))]).unwrap();
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(post_effect(&serving).await.unwrap().status().as_u16());
        }
        assert_eq!(statuses, [200, 500, 500, 200]);
        let (_, list) = get_text(&format!("{}/_sim/faults", serving.url)).await;
        assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["faults"][0]["applied"], 2);
    }

    #[tokio::test]
    async fn a_fault_can_answer_any_body_and_headers() {
        let (_, serving) = vendor().await;
        let faults = json!({"faults": [{"path": "/effect", "status": 429, "body": "<slow/>",
            "content_type": "application/xml", "headers": {"retry-after": "60"}}]});
        let client = reqwest::Client::new();
        client.post(format!("{}/_sim/faults", serving.url)).json(&faults).send().await.unwrap();
        let answer = post_effect(&serving).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/xml");
        assert_eq!(answer.headers()["retry-after"], "60");
        assert_eq!(answer.text().await.unwrap(), "<slow/>");
    }

    #[tokio::test]
    async fn a_fault_no_answer_can_carry_is_refused() {
        let (control, _serving) = vendor().await;
        assert!(control.set_faults(vec![fault(|f| f.status = Some(99))]).is_err());
    }

    #[tokio::test]
    async fn an_effect_happens_even_when_the_caller_has_given_up() {
        let (control, gate) = (Control::new(), Arc::new(Semaphore::new(0)));
        let closed = gate.clone();
        let effect = post(async move || closed.acquire().await.map(drop).is_ok().to_string());
        let serving = serve(control.mount(Router::new().route("/effect", effect)), 0).await.unwrap();
        let url = format!("{}/effect", serving.url);
        let caller = tokio::spawn(async move { reqwest::Client::new().post(url).send().await });
        until(async || control.calls().len() == 1).await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        // Long enough for the server to notice that nobody listens; when it is not, the test proves less but holds.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(control.calls()[0].ended_us, None);
        gate.add_permits(1);
        until(async || control.calls()[0].status == Some(200)).await;
    }

    #[tokio::test]
    async fn the_clock_can_be_advanced_and_set() {
        let (control, serving) = vendor().await;
        let clock = format!("{}/_sim/clock", serving.url);
        let client = reqwest::Client::new();
        let before = control.now();
        client.post(&clock).json(&json!({"advance_seconds": 3600})).send().await.unwrap();
        assert!(control.now().duration_since(before).as_secs() >= 3600);
        client.post(&clock).json(&json!({"now": "2026-03-02T17:15:30Z"})).send().await.unwrap();
        assert!(control.now().to_string().starts_with("2026-03-02T17:15:3"));
    }

    #[tokio::test]
    async fn a_dropped_server_takes_no_more_calls() {
        let (_, serving) = vendor().await;
        let url = format!("{}/effect", serving.url);
        drop(serving);
        until(async || reqwest::get(&url).await.is_err()).await;
    }

    #[test]
    fn overlapping_calls_are_one_round_trip() {
        let calls = [span(0, 10), span(5, 20), span(15, 18), span(30, 40), span(41, 50)];
        assert_eq!(round_trips(&calls), 3);
        assert_eq!(round_trips(&[]), 0);
    }
}
