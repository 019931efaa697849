//! What a workflow's history shows of an execution, and how answers, completions and time change it (hubspot.md §2.2).
//!
//! ```text
//! RUNNING ── an answer ──> SUCCESS · FAIL_CONTINUE · ASYNC
//!    │                                ^
//!    │                                │ a completion, or the answer to another delivery
//!    ├── an answer ──────────────> BLOCK ── its end by the clock ──> EXPIRED
//!    │
//!    └── a 4xx, no usable answer, or three days of retries ──> FAILED
//! ```
//!
//! What HubSpot would do with an answer it cannot use is mostly undocumented. Here such an answer makes the execution
//! `FAILED` and says why under `problems`, so that a test sees it. Of what a blocked execution answered nothing stays when
//! it is completed: its outputs and its sentence are those of the completion.

use super::definition::Action;
use super::switches::{AsyncState, BlockIn4xx, DefaultExpiration, RulesOn4xx, Switches};
use jiff::Timestamp;
use jiff::fmt::temporal::SpanParser;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One execution, with everything that was sent and answered.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Execution {
    pub(super) action: String,
    pub(super) portal_id: u64,
    pub(super) object_type: String,
    pub(super) object_id: u64,
    pub(super) request_body: String,
    /// The ids of retries that have one of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) retry_callback_ids: Vec<String>,
    #[serde(flatten)]
    pub(super) history: History,
}

/// What the history shows, of an execution or of the deliveries of one enrollment.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct History {
    pub(super) callback_id: String,
    /// `hs_execution_state`, or `RUNNING` before there is one, `FAILED` when there was no usable answer, `EXPIRED` when a
    /// block ended without completion and the workflow went on.
    pub(super) state: String,
    outputs: BTreeMap<String, String>,
    /// The English sentence.
    label: Option<String>,
    labels: BTreeMap<String, String>,
    rule: Option<String>,
    pub(super) deliveries: Vec<Attempt>,
    /// Of any answer, not only the deciding one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    /// When the block ends, or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_until: Option<Timestamp>,
    /// Every call to complete it that named it in its own portal, refused ones too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) completions: Vec<Completion>,
}

/// One HTTP exchange.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Attempt {
    /// The simulator's clock when it was sent.
    pub(super) at: Timestamp,
    /// `null` when there was no answer.
    pub(super) status: Option<u16>,
    pub(super) body: String,
    pub(super) duration_ms: u128,
    /// The v3 signature sent, else the v2 one, else empty.
    pub(super) signature: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip)]
    pub(super) timed_out: bool,
    #[serde(skip)]
    pub(super) retry_after: Option<u64>,
}

/// One call that wanted to complete an execution.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Completion {
    pub(super) at: Timestamp,
    /// What it was answered.
    pub(super) status: u16,
    pub(super) body: Value,
}

/// What one answer, or a completion, means.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    state: String,
    outputs: BTreeMap<String, String>,
    problems: Vec<String>,
    blocked_until: Option<Timestamp>,
}

impl Execution {
    /// Whether this is the portal's execution of that callback id, of its first attempt's or of a retry's.
    pub(super) fn is(&self, portal_id: u64, callback_id: &str) -> bool {
        self.portal_id == portal_id && self.answers_to(callback_id)
    }

    /// Whether the callback id is its own, in whatever portal.
    pub(super) fn answers_to(&self, callback_id: &str) -> bool {
        self.retry_callback_ids.iter().chain([&self.history.callback_id]).any(|id| id == callback_id)
    }
}

impl History {
    /// Of an execution that is being sent.
    pub(super) fn running(callback_id: &str) -> Self {
        Self { callback_id: callback_id.to_owned(), state: "RUNNING".to_owned(), ..Self::default() }
    }

    /// Of the deliveries of one enrollment, by themselves.
    pub(super) fn of_deliveries(
        action: &Action,
        switches: &Switches,
        callback_id: &str,
        verdicts: Vec<Verdict>,
        deliveries: Vec<Attempt>,
    ) -> Self {
        let problems = verdicts.iter().flat_map(|verdict| verdict.problems.clone()).collect();
        let mut history = Self { deliveries, problems, ..Self::running(callback_id) };
        history.take(action, switches, deciding(verdicts));
        history
    }

    /// Takes an answer for what it is worth after those before: what is settled stays so, and who waits waits until an
    /// answer settles it. HubSpot documents nothing about a second answer.
    pub(super) fn answered(&mut self, action: &Action, switches: &Switches, verdict: Verdict) {
        self.problems.extend(verdict.problems.iter().cloned());
        let counts = match self.state.as_str() {
            "SUCCESS" | "FAIL_CONTINUE" | "EXPIRED" => false,
            "BLOCK" => verdict.settles(),
            _ => true,
        };
        if counts {
            self.take(action, switches, verdict);
        }
    }

    /// Ends the execution with the outputs and the state of a completion.
    pub(super) fn completed(
        &mut self,
        action: &Action,
        switches: &Switches,
        state: FinalState,
        outputs: BTreeMap<String, String>,
    ) {
        let verdict = Verdict { state: state.name().to_owned(), outputs, ..Verdict::default() };
        self.take(action, switches, verdict);
    }

    /// Moves on an execution whose block has ended.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if self.state == "BLOCK" && self.blocked_until.is_some_and(|end| end <= now) {
            self.state = "EXPIRED".to_owned();
        }
    }

    fn take(&mut self, action: &Action, switches: &Switches, verdict: Verdict) {
        // Without outputs there is nothing to translate: HubSpot shows a text of its own. While it waits, nothing is over.
        let is_told = verdict.state != "BLOCK" && !verdict.outputs.is_empty();
        let rule = if is_told { action.rule(&verdict.outputs, switches.empty_conditions) } else { None };
        self.labels = rule.map(|rule| action.sentences(rule, &verdict.outputs)).unwrap_or_default();
        self.label = self.labels.get("en").cloned();
        self.rule = rule.map(|rule| rule.label_name.clone());
        self.state = verdict.state;
        self.outputs = verdict.outputs;
        self.blocked_until = verdict.blocked_until.or(self.blocked_until);
    }
}

/// How a completion may end an execution (hubspot.md §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FinalState {
    Success,
    FailContinue,
}

impl FinalState {
    /// The state of that name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Success, Self::FailContinue].into_iter().find(|state| state.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::FailContinue => "FAIL_CONTINUE",
        }
    }
}

/// The first answer that settles the execution decides; else the first that makes it wait, else the last.
fn deciding(mut verdicts: Vec<Verdict>) -> Verdict {
    let settled = verdicts.iter().position(Verdict::settles);
    match settled.or_else(|| verdicts.iter().position(|verdict| verdict.state == "BLOCK")) {
        Some(place) => verdicts.swap_remove(place),
        None => verdicts.pop().unwrap_or_default(),
    }
}

impl Verdict {
    fn failed(problems: Vec<String>) -> Self {
        Self { state: "FAILED".to_owned(), problems, ..Self::default() }
    }

    fn settles(&self) -> bool {
        FinalState::parse(&self.state).is_some()
    }
}

/// What an answer means to HubSpot. A block is counted from when its attempt was sent.
pub(super) fn judge(action: &Action, switches: &Switches, answer: &Attempt) -> Verdict {
    let status = answer.status.unwrap_or_default();
    match status {
        200..300 => accepted(action, switches, answer).unwrap_or_else(Verdict::failed),
        400..429 | 430..500 if switches.block_in_4xx == BlockIn4xx::Blocks && says_block(&answer.body) => {
            accepted(action, switches, answer).unwrap_or_else(Verdict::failed)
        }
        400..500 if switches.rules_on_4xx == RulesOn4xx::Evaluated => {
            let fields = output_fields(&answer.body).unwrap_or_default();
            let (outputs, problems) = outputs(action, &fields);
            Verdict { outputs, ..Verdict::failed(problems) }
        }
        _ => Verdict::failed(Vec::new()),
    }
}

fn says_block(body: &str) -> bool {
    output_fields(body)
        .is_ok_and(|fields| fields.get("hs_execution_state").is_some_and(|state| state == "BLOCK"))
}

/// What a 2xx means, or what HubSpot could not use about it.
fn accepted(action: &Action, switches: &Switches, answer: &Attempt) -> Result<Verdict, Vec<String>> {
    let mut fields = output_fields(&answer.body).map_err(|problem| vec![problem])?;
    if switches.default_expiration == DefaultExpiration::Honoured
        && let Some(duration) = fields.remove("hs_default_expiration")
    {
        fields.entry("hs_expiration_duration").or_insert(duration);
    }
    let (outputs, mut problems) = outputs(action, &fields);
    // Without a state of its own, a 2xx is a success.
    let state = outputs.get("hs_execution_state").map_or("SUCCESS", String::as_str);
    let mut blocked_until = None;
    match state {
        "SUCCESS" | "FAIL_CONTINUE" => {}
        "BLOCK" => {
            let duration = outputs.get("hs_expiration_duration").map_or(ONE_WEEK, String::as_str);
            match end_of_block(answer.at, duration) {
                Ok(end) => blocked_until = Some(end),
                Err(problem) => problems.push(problem),
            }
        }
        "ASYNC" if switches.async_state == AsyncState::Accepted => {}
        "ASYNC" => problems.push("nobody says what ASYNC does".to_owned()),
        other => problems.push(format!("{other} is no hs_execution_state")),
    }
    if problems.is_empty() {
        Ok(Verdict { state: state.to_owned(), outputs, problems, blocked_until })
    } else {
        Err(problems)
    }
}

/// How long a block lasts that does not say (hubspot.md §2.2).
const ONE_WEEK: &str = "P1W";

/// When a block of this ISO 8601 duration ends; weeks may stand beside other units, as in HubSpot's own example.
fn end_of_block(start: Timestamp, duration: &str) -> Result<Timestamp, String> {
    let span = SpanParser::new().parse_span(duration).ok();
    let end = span.and_then(|span| start.to_zoned_datetime(TimeZone::UTC).checked_add(span).ok());
    end.map(|end| end.timestamp())
        .filter(|end| *end > start)
        .ok_or_else(|| format!("{duration} is no ISO 8601 duration a block can have"))
}

fn output_fields(body: &str) -> Result<Map<String, Value>, String> {
    let answer: Value =
        serde_json::from_str(body).map_err(|error| format!("the answer is not JSON: {error}"))?;
    let fields = answer.get("outputFields").and_then(Value::as_object);
    fields.cloned().ok_or_else(|| "the answer has no outputFields".to_owned())
}

/// The outputs among these fields, and what HubSpot would choke on or silently lose.
pub(super) fn outputs(
    action: &Action,
    fields: &Map<String, Value>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let mut outputs = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, value) in fields {
        match value {
            Value::String(text) => outputs.extend([(name.clone(), text.clone())]),
            _ => problems.push(format!("output {name} is not a string")),
        }
        if !action.has_output(name) {
            problems.push(format!("the action has no output {name}"));
        }
    }
    (outputs, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(duration: &str, end: Option<&str>) {
        let start: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let end = end.map(|end| end.parse().unwrap());
        assert_eq!(end_of_block(start, duration).ok(), end, "{duration}");
    }

    #[test]
    fn the_duration_of_a_block_is_iso_8601_and_weeks_may_stand_beside_other_units() {
        check("PT15M", Some("2026-03-02T10:15:00Z"));
        check("PT6H", Some("2026-03-02T16:00:00Z"));
        check("P1D", Some("2026-03-03T10:00:00Z"));
        check("P1WT1H", Some("2026-03-09T11:00:00Z"));
        check("P1M", Some("2026-04-02T10:00:00Z"));
        check("P1W2DT3H4M5S", Some("2026-03-11T13:04:05Z"));
        for none in ["", "15", "1 hour", "P", "PT", "-PT1H", "PT0S", "P9999999W"] {
            check(none, None);
        }
    }
}
