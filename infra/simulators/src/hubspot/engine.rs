//! The workflow engine: sends the request of an execution, signed, until there is an answer (hubspot.md §2.4), and tells
//! the history what came of it.
//!
//! Waiting is short: a minute of HubSpot's is 50 ms here. With `"virtual_time": true` it is HubSpot's own, up to three
//! days, and takes no time: the simulator's clock moves to when the next attempt is due, and tokens and blocks end on the
//! way. Deliveries that wait at once wait together.

use super::HubSpot;
use super::history::{Attempt, Execution, History, judge};
use super::object_type::ObjectType;
use super::signature::{self, Signing};
use super::switches::RetryAfter;
use super::wire::wire_body;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Body of `POST /_sim/executions`: a record enrolled into an action, and how its deliveries go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enrollment {
    pub(super) action: String,
    pub(super) portal_id: u64,
    /// Sent as it stands here: `DEAL` or `QUOTE`, or their type ids `0-3` and `0-14`, which HubSpot may send instead.
    pub(super) object_type: String,
    pub(super) object_id: u64,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, Option<String>>,
    /// Passes inputs the workflow editor would refuse.
    #[serde(default)]
    any_inputs: bool,
    callback_id: Option<String>,
    /// How often the same body is sent, each time after the previous answer.
    #[serde(default = "once")]
    deliveries: NonZeroU32,
    /// How many of the same are sent at once, each time.
    #[serde(default = "once")]
    concurrent: NonZeroU32,
    #[serde(default)]
    signature: Signing,
    #[serde(default)]
    pub(super) drop_typed_inputs: bool,
    #[serde(default)]
    pub(super) drop_execution_index: bool,
    #[serde(default)]
    timestamp_offset_ms: i64,
    #[serde(default = "twenty_seconds_ms")]
    timeout_ms: u64,
    /// Waits as long as HubSpot does, without letting the time pass.
    #[serde(default)]
    virtual_time: bool,
    /// Attempts of one delivery: five, and in virtual time as many as three days allow.
    max_attempts: Option<NonZeroU32>,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// The longest of the documented guesses that a synchronous answer should meet (hubspot.md §2.4).
fn twenty_seconds_ms() -> u64 {
    20_000
}

/// `POST /_sim/executions`: runs an execution to its end and answers its history.
pub(super) async fn execute(State(hubspot): State<HubSpot>, body: String) -> Response {
    let refused = |why: String| (StatusCode::BAD_REQUEST, why).into_response();
    let enrollment: Enrollment = match serde_json::from_str(&body) {
        Ok(enrollment) => enrollment,
        Err(error) => return refused(error.to_string()),
    };
    let call = match prepare(&hubspot, enrollment) {
        Ok(call) => call,
        Err(why) => return refused(why),
    };
    // A task of its own: the execution goes on, and is recorded, when the caller hangs up.
    match tokio::spawn(call.run(hubspot)).await {
        Ok(history) => Json(history).into_response(),
        Err(panic) => (StatusCode::INTERNAL_SERVER_ERROR, panic.to_string()).into_response(),
    }
}

/// A request ready to be sent, as often as needed.
#[derive(Clone)]
struct Call {
    enrollment: Enrollment,
    callback_id: String,
    url: String,
    body: String,
}

fn prepare(hubspot: &HubSpot, enrollment: Enrollment) -> Result<Call, String> {
    let action =
        hubspot.action(&enrollment.action).ok_or_else(|| format!("no action {}", enrollment.action))?;
    let kind = ObjectType::from_workflow(&enrollment.object_type);
    if !kind.is_some_and(|kind| action.is_offered_for(kind)) {
        return Err(format!("the action is not offered in {} workflows", enrollment.object_type));
    }
    if let (false, Some(problem)) = (enrollment.any_inputs, action.input_problem(&enrollment.inputs)) {
        return Err(problem);
    }
    let url = hubspot.local_url(&action.action_url).ok_or("no action_base_url is set: seed one")?;
    let (callback_id, enrollment_id) =
        hubspot.identify(enrollment.portal_id, enrollment.callback_id.as_deref());
    let execution = wire_body(hubspot, action, &enrollment, &callback_id, enrollment_id);
    let body = serde_json::to_string(&execution).map_err(|error| error.to_string())?;
    Ok(Call { enrollment, callback_id, url, body })
}

impl Call {
    async fn run(self, hubspot: HubSpot) -> History {
        self.begin(&hubspot);
        let mut deliveries = Vec::new();
        let mut verdicts = Vec::new();
        let Some(action) = hubspot.action(&self.enrollment.action) else { return History::default() };
        for _ in 0..self.enrollment.deliveries.get() {
            let mut at_once = JoinSet::new();
            for _ in 0..self.enrollment.concurrent.get() {
                at_once.spawn(self.clone().deliver(hubspot.clone()));
            }
            for attempts in at_once.join_all().await {
                verdicts.extend(attempts.last().map(|answer| judge(action, answer)));
                deliveries.extend(attempts);
            }
        }
        History::of_deliveries(action, &self.callback_id, verdicts, deliveries)
    }

    /// Notes the execution before anything is sent; the same callback id in the same portal is the same execution.
    fn begin(&self, hubspot: &HubSpot) {
        let mut state = hubspot.current_state();
        let portal_id = self.enrollment.portal_id;
        if !state.executions.iter().any(|execution| execution.is(portal_id, &self.callback_id)) {
            state.executions.push(Execution {
                action: self.enrollment.action.clone(),
                portal_id,
                object_type: self.enrollment.object_type.clone(),
                object_id: self.enrollment.object_id,
                request_body: self.body.clone(),
                history: History::running(&self.callback_id),
            });
        }
    }

    fn note(&self, hubspot: &HubSpot, change: impl FnOnce(&mut History)) {
        let mut state = hubspot.current_state();
        let is_meant =
            |execution: &&mut Execution| execution.is(self.enrollment.portal_id, &self.callback_id);
        if let Some(execution) = state.executions.iter_mut().find(is_meant) {
            change(&mut execution.history);
        }
    }

    /// Sends until an answer is final: 5xx and silence are tried again, 429 after its `Retry-After`, other 4xx never.
    async fn deliver(self, hubspot: HubSpot) -> Vec<Attempt> {
        let pace = if self.enrollment.virtual_time { &HUBSPOTS_PACE } else { &SHORT_PACE };
        let max_attempts = self.enrollment.max_attempts.map_or(pace.max_attempts, NonZeroU32::get);
        let mut attempts = Vec::new();
        let mut waited_ms = 0;
        let mut back_off_ms = pace.first_ms;
        loop {
            let attempt = self.attempt(&hubspot).await;
            self.note(&hubspot, |history| history.deliveries.push(attempt.clone()));
            let wait_ms = retry_after_ms(&hubspot, &attempt).unwrap_or(back_off_ms);
            waited_ms = wait_ms.saturating_add(waited_ms);
            let is_last = attempt.is_final()
                || attempts.len() + 1 == max_attempts as usize
                || waited_ms > LONGEST_RETRYING_MS;
            attempts.push(attempt.clone());
            if is_last {
                if let Some(action) = hubspot.action(&self.enrollment.action) {
                    self.note(&hubspot, |history| history.answered(action, judge(action, &attempt)));
                }
                return attempts;
            }
            self.wait(&hubspot, attempt.at, wait_ms).await;
            back_off_ms = (back_off_ms * 2).min(pace.longest_ms);
        }
    }

    /// Lets the time pass after an attempt: really, or by the clock, which another delivery may have moved already.
    async fn wait(&self, hubspot: &HubSpot, last: Timestamp, wait_ms: u64) {
        if !self.enrollment.virtual_time {
            return tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
        let waited = SignedDuration::from_millis(i64::try_from(wait_ms).unwrap_or(i64::MAX));
        // Looking at the clock and moving it is one step: the lock is held over both.
        let _state = hubspot.state();
        let missing = waited.saturating_sub(hubspot.control().now().duration_since(last));
        if missing.is_positive() {
            hubspot.control().advance(missing);
        }
    }

    async fn attempt(&self, hubspot: &HubSpot) -> Attempt {
        let at = hubspot.control().now();
        // The time is the real one, however the simulator's clock was moved: the receiver compares it with its own.
        let timestamp_ms = Timestamp::now().as_millisecond() + self.enrollment.timestamp_offset_ms;
        let body = self.body.as_bytes();
        let signed = signature::sign(
            self.enrollment.signature,
            hubspot.client_secret(),
            &self.url,
            body,
            timestamp_ms,
        );
        let mut request = hubspot
            .http()
            .post(&self.url)
            .timeout(Duration::from_millis(self.enrollment.timeout_ms))
            .header("Content-Type", "application/json")
            .header("User-Agent", USER_AGENT)
            .header("X-HubSpot-Timeout-Millis", self.enrollment.timeout_ms)
            .header("X-HubSpot-Correlation-Id", Uuid::new_v4().to_string())
            .header("X-HubSpot-Origin-Hublet", "na1")
            .body(self.body.clone());
        for (name, value) in signed.headers {
            request = request.header(name, value);
        }
        let started = Instant::now();
        let mut attempt = match request.send().await {
            Ok(answer) => Attempt::read(at, answer).await,
            Err(error) => Attempt::unanswered(at, &error),
        };
        attempt.duration_ms = started.elapsed().as_millis();
        attempt.signature = signed.signature;
        attempt
    }
}

/// How a delivery waits.
struct Pace {
    first_ms: u64,
    longest_ms: u64,
    max_attempts: u32,
}

/// A minute at first and eight hours at most (hubspot.md §2.4).
const HUBSPOTS_PACE: Pace = Pace { first_ms: 60_000, longest_ms: 8 * 3_600_000, max_attempts: u32::MAX };
const SHORT_PACE: Pace = Pace { first_ms: 50, longest_ms: 1000, max_attempts: 5 };
/// HubSpot gives up after three days (hubspot.md §2.4).
const LONGEST_RETRYING_MS: u64 = 3 * 24 * 3_600_000;

/// How long a 429 asks to wait: milliseconds, as HubSpot documents for calls it makes, unless switched (hubspot.md §2.4).
fn retry_after_ms(hubspot: &HubSpot, attempt: &Attempt) -> Option<u64> {
    let asked = attempt.retry_after.filter(|_| attempt.status == Some(429))?;
    match hubspot.state().switches.retry_after {
        RetryAfter::Milliseconds => Some(asked),
        RetryAfter::Seconds => Some(asked.saturating_mul(1000)),
    }
}

impl Attempt {
    async fn read(at: Timestamp, answer: reqwest::Response) -> Self {
        let status = answer.status().as_u16();
        let retry_after =
            answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        match answer.text().await {
            Ok(body) => Self { status: Some(status), body, retry_after, ..Self::sent(at) },
            Err(error) => Self::unanswered(at, &error),
        }
    }

    fn unanswered(at: Timestamp, error: &reqwest::Error) -> Self {
        let error = if error.is_timeout() { "timed out".to_owned() } else { error.to_string() };
        Self { error: Some(error), ..Self::sent(at) }
    }

    fn sent(at: Timestamp) -> Self {
        Self {
            at,
            status: None,
            body: String::new(),
            duration_ms: 0,
            signature: String::new(),
            error: None,
            retry_after: None,
        }
    }

    fn is_final(&self) -> bool {
        self.status.is_some_and(|status| status < 500 && status != 429)
    }
}

/// Who HubSpot says is calling.
pub(super) const USER_AGENT: &str =
    "HubSpot Connect 2.0 (http://dev.hubspot.com/) - AutomationActionsExecutionService";
