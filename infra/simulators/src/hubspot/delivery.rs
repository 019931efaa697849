//! One delivery of an execution: the signed request, sent until there is an answer (hubspot.md §2.4).
//!
//! Three clocks can measure the waits between attempts:
//!
//! | enrollment | a wait of HubSpot's |
//! | --- | --- |
//! | neither of these | passes 1,200 times as fast, in a second at most; the simulator's clock is left alone |
//! | `"virtual_time": true` | takes no time: it moves the simulator's clock to when the next attempt is due |
//! | `"clock_time": true` | is over when the simulator's clock says so: `POST /_sim/clock` lets it pass |

use super::HubSpot;
use super::engine::Enrollment;
use super::history::{Attempt, Execution, judge};
use super::signature;
use super::switches::{RetryAfter, RetryCallbackId};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A request ready to be sent, as often as needed.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) enrollment: Enrollment,
    pub(super) callback_id: String,
    pub(super) url: String,
    pub(super) body: String,
    /// How long HubSpot waits for an answer.
    pub(super) patience_ms: u64,
}

/// Who HubSpot says is calling.
pub(super) const USER_AGENT: &str =
    "HubSpot Connect 2.0 (http://dev.hubspot.com/) - AutomationActionsExecutionService";

/// The first wait, and the longest (hubspot.md §2.4).
const FIRST_WAIT_MS: u64 = 60_000;
const LONGEST_WAIT_MS: u64 = 8 * 3_600_000;
/// HubSpot gives up after three days (hubspot.md §2.4).
const LONGEST_RETRYING_MS: u64 = 3 * 24 * 3_600_000;

/// A minute of HubSpot's is 50 ms of ours.
const SHORTENED_BY: u64 = 1200;
const LONGEST_SHORTENED_MS: u64 = 1000;

const ATTEMPTS_IN_SHORT: u32 = 5;
/// As many as three days of back-off never take: an action that asks to be called again at once is not called for ever.
const ATTEMPTS_BY_THE_CLOCK: u32 = 300;

impl Call {
    /// Sends until an answer is final: 5xx and silence are tried again, 429 after its `Retry-After`, other 4xx never.
    pub(super) async fn deliver(mut self, hubspot: HubSpot) -> Vec<Attempt> {
        let mut attempts: Vec<Attempt> = Vec::new();
        let (mut waited_ms, mut back_off_ms) = (0_u64, FIRST_WAIT_MS);
        loop {
            let attempt = self.attempt(&hubspot).await;
            let ended = self.end_of(&attempt);
            let wait_ms = retry_after_ms(&hubspot, &attempt).unwrap_or(back_off_ms);
            let first = attempts.first().map_or(attempt.at, |first| first.at);
            let spent_ms =
                if self.is_by_the_clock() { millis(ended.duration_since(first)) } else { waited_ms };
            waited_ms = waited_ms.saturating_add(wait_ms);
            attempts.push(attempt.clone());
            let is_last = attempt.is_final()
                || attempts.len() >= self.max_attempts()
                || spent_ms.saturating_add(wait_ms) > LONGEST_RETRYING_MS;
            self.note(&hubspot, attempt, is_last);
            if is_last {
                return attempts;
            }
            self.wait(&hubspot, ended, wait_ms).await;
            back_off_ms = (back_off_ms * 2).min(LONGEST_WAIT_MS);
            self.rename(&hubspot);
        }
    }

    /// Gives the next attempt a callback id of its own where the switch says so. Each of them completes the execution.
    fn rename(&mut self, hubspot: &HubSpot) {
        let mut state = hubspot.state();
        if state.switches.retry_callback_id == RetryCallbackId::Same {
            return;
        }
        let (portal_id, old, new) =
            (self.enrollment.portal_id, &self.callback_id, Uuid::new_v4().to_string());
        if let Some(execution) = state.executions.iter_mut().find(|execution| execution.is(portal_id, old)) {
            execution.retry_callback_ids.push(new.clone());
        }
        // The first key of the body.
        self.body = self.body.replacen(&json!(old).to_string(), &json!(new).to_string(), 1);
        self.callback_id = new;
    }

    fn is_by_the_clock(&self) -> bool {
        self.enrollment.virtual_time || self.enrollment.clock_time
    }

    fn max_attempts(&self) -> usize {
        let usual = if self.is_by_the_clock() { ATTEMPTS_BY_THE_CLOCK } else { ATTEMPTS_IN_SHORT };
        let attempts = self.enrollment.max_attempts.map_or(usual, NonZeroU32::get);
        usize::try_from(attempts).unwrap_or(usize::MAX)
    }

    /// When an attempt was over by HubSpot's own time, of which a patience that was cut short is a part.
    fn end_of(&self, attempt: &Attempt) -> Timestamp {
        let took_ms = u64::try_from(attempt.duration_ms).unwrap_or(u64::MAX);
        later(attempt.at, if attempt.timed_out { took_ms.max(self.patience_ms) } else { took_ms })
    }

    /// Writes an attempt into the history, and what it means when no other follows.
    fn note(&self, hubspot: &HubSpot, attempt: Attempt, is_last: bool) {
        let mut state = hubspot.current_state();
        let switches = state.switches.clone();
        let is_meant =
            |execution: &&mut Execution| execution.is(self.enrollment.portal_id, &self.callback_id);
        let Some(execution) = state.executions.iter_mut().find(is_meant) else { return };
        execution.history.deliveries.push(attempt.clone());
        if let (true, Some(action)) = (is_last, hubspot.action(&self.enrollment.action)) {
            execution.history.answered(action, &switches, judge(action, &switches, &attempt));
        }
    }

    /// Lets the time pass after an attempt.
    async fn wait(&self, hubspot: &HubSpot, ended: Timestamp, wait_ms: u64) {
        let due = later(ended, wait_ms);
        if self.enrollment.clock_time {
            return hubspot.control().sleep_until(due).await;
        }
        if !self.enrollment.virtual_time {
            let shortened_ms = (wait_ms / SHORTENED_BY).min(LONGEST_SHORTENED_MS);
            return tokio::time::sleep(Duration::from_millis(shortened_ms)).await;
        }
        // Another delivery may have moved the clock already. Looking at it and moving it is one step: the lock is held
        // over both.
        let _state = hubspot.state();
        let missing = due.duration_since(hubspot.control().now());
        if missing.is_positive() {
            hubspot.control().advance(missing);
        }
    }

    async fn attempt(&self, hubspot: &HubSpot) -> Attempt {
        let at = hubspot.control().now();
        let timestamp_ms = at.as_millisecond().saturating_add(self.enrollment.timestamp_offset_ms);
        let body = self.body.as_bytes();
        let signed = signature::sign(
            self.enrollment.signature,
            hubspot.client_secret(),
            &self.url,
            body,
            timestamp_ms,
        );
        let waited_for_ms = self.enrollment.real_timeout_ms.unwrap_or(self.patience_ms);
        let mut request = hubspot
            .http()
            .post(&self.url)
            .timeout(Duration::from_millis(waited_for_ms))
            .header("Content-Type", "application/json")
            .header("User-Agent", USER_AGENT)
            .header("X-HubSpot-Timeout-Millis", self.patience_ms)
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

/// How long a 429 asks to wait: milliseconds, as HubSpot documents for calls it makes, unless switched (hubspot.md §2.4).
fn retry_after_ms(hubspot: &HubSpot, attempt: &Attempt) -> Option<u64> {
    let asked = attempt.retry_after.filter(|_| attempt.status == Some(429))?;
    let unit = hubspot.state().switches.retry_after;
    match unit {
        RetryAfter::Milliseconds => Some(asked),
        RetryAfter::Seconds => Some(asked.saturating_mul(1000)),
    }
}

fn later(from: Timestamp, ms: u64) -> Timestamp {
    let span = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    from.checked_add(span).unwrap_or(Timestamp::MAX)
}

fn millis(span: SignedDuration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or_default()
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
        let timed_out = error.is_timeout();
        let error = if timed_out { "timed out".to_owned() } else { error.to_string() };
        Self { error: Some(error), timed_out, ..Self::sent(at) }
    }

    fn sent(at: Timestamp) -> Self {
        Self {
            at,
            status: None,
            body: String::new(),
            duration_ms: 0,
            signature: String::new(),
            error: None,
            timed_out: false,
            retry_after: None,
        }
    }

    fn is_final(&self) -> bool {
        self.status.is_some_and(|status| status < 500 && status != 429)
    }
}
