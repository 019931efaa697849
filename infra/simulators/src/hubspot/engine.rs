//! The workflow engine: builds the request of an execution, signs it, sends it until there is an answer, and reads
//! from the answer what a workflow's history would show (hubspot.md §2).
//!
//! What HubSpot would do with an answer it cannot use is mostly undocumented. Here such an answer makes the execution
//! `FAILED` and says why under `problems`, so that a test sees it.

use super::HubSpot;
use super::definition::Action;
use super::object_type::ObjectType;
use super::signature::{self, Signing};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Body of `POST /_sim/executions`: a record enrolled into an action, and how its deliveries go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrollment {
    action: String,
    portal_id: u64,
    /// Sent as it stands here: `DEAL` or `QUOTE`, or their type ids `0-3` and `0-14`, which HubSpot may send instead.
    object_type: String,
    object_id: u64,
    #[serde(default)]
    inputs: BTreeMap<String, Option<String>>,
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
    drop_typed_inputs: bool,
    #[serde(default)]
    drop_execution_index: bool,
    #[serde(default)]
    timestamp_offset_ms: i64,
    #[serde(default = "twenty_seconds_ms")]
    timeout_ms: u64,
    /// Attempts of one delivery; HubSpot gives up after three days.
    #[serde(default = "five")]
    max_attempts: NonZeroU32,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn five() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(4)
}

/// The longest of the documented guesses that a synchronous answer should meet (hubspot.md §2.4).
fn twenty_seconds_ms() -> u64 {
    20_000
}

/// What a workflow's history would show of one execution, with everything that was sent and answered.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Execution {
    action: String,
    portal_id: u64,
    object_type: String,
    object_id: u64,
    request_body: String,
    #[serde(flatten)]
    history: History,
}

#[derive(Clone, Debug, Default, Serialize)]
struct History {
    callback_id: String,
    /// `hs_execution_state`, or `FAILED` when there was no usable answer.
    state: String,
    outputs: BTreeMap<String, String>,
    /// The English sentence.
    label: Option<String>,
    labels: BTreeMap<String, String>,
    rule: Option<String>,
    deliveries: Vec<Attempt>,
    /// Of any answer, not only the deciding one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

/// One HTTP exchange.
#[derive(Clone, Debug, Serialize)]
struct Attempt {
    /// `null` when there was no answer.
    status: Option<u16>,
    body: String,
    duration_ms: u128,
    /// The v3 signature sent, else the v2 one, else empty.
    signature: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    retry_after_ms: Option<u64>,
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
        let mut deliveries = Vec::new();
        let mut answers = Vec::new();
        for _ in 0..self.enrollment.deliveries.get() {
            let mut at_once = JoinSet::new();
            for _ in 0..self.enrollment.concurrent.get() {
                at_once.spawn(self.clone().deliver(hubspot.clone()));
            }
            for attempts in at_once.join_all().await {
                answers.extend(attempts.last().cloned());
                deliveries.extend(attempts);
            }
        }
        let history = self.history(&hubspot, &answers, deliveries);
        hubspot.state().executions.push(Execution {
            action: self.enrollment.action,
            portal_id: self.enrollment.portal_id,
            object_type: self.enrollment.object_type,
            object_id: self.enrollment.object_id,
            request_body: self.body,
            history: history.clone(),
        });
        history
    }

    /// Sends until an answer is final: 5xx and silence are tried again, 429 after its `Retry-After`, other 4xx never.
    async fn deliver(self, hubspot: HubSpot) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        let mut back_off_ms = FIRST_BACK_OFF_MS;
        loop {
            let attempt = self.attempt(&hubspot).await;
            let is_final = attempt.is_final();
            let wait_ms = attempt.retry_after_ms.unwrap_or(back_off_ms);
            attempts.push(attempt);
            if is_final || attempts.len() == self.enrollment.max_attempts.get() as usize {
                return attempts;
            }
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            back_off_ms = (back_off_ms * 2).min(LONGEST_BACK_OFF_MS);
        }
    }

    async fn attempt(&self, hubspot: &HubSpot) -> Attempt {
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
            Ok(answer) => Attempt::read(answer).await,
            Err(error) => Attempt::unanswered(&error),
        };
        attempt.duration_ms = started.elapsed().as_millis();
        attempt.signature = signed.signature;
        attempt
    }

    fn history(&self, hubspot: &HubSpot, answers: &[Attempt], deliveries: Vec<Attempt>) -> History {
        let Some(action) = hubspot.action(&self.enrollment.action) else { return History::default() };
        let verdicts: Vec<Verdict> = answers.iter().map(|answer| judge(action, answer)).collect();
        let problems = verdicts.iter().flat_map(|verdict| verdict.problems.clone()).collect();
        let Verdict { state, outputs, .. } = deciding(verdicts);
        // Without outputs there is nothing to translate: HubSpot shows a text of its own.
        let rule = if outputs.is_empty() { None } else { action.rule(&outputs) };
        let labels = rule.map(|rule| action.sentences(rule, &outputs)).unwrap_or_default();
        History {
            callback_id: self.callback_id.clone(),
            state,
            outputs,
            label: labels.get("en").cloned(),
            labels,
            rule: rule.map(|rule| rule.label_name.clone()),
            deliveries,
            problems,
        }
    }
}

/// The first answer that settles the execution decides; without one, the last answer does.
fn deciding(mut verdicts: Vec<Verdict>) -> Verdict {
    let settles = |verdict: &Verdict| ["SUCCESS", "FAIL_CONTINUE"].contains(&verdict.state.as_str());
    match verdicts.iter().position(settles) {
        Some(place) => verdicts.swap_remove(place),
        None => verdicts.pop().unwrap_or_default(),
    }
}

// HubSpot waits a minute at first and eight hours at most (hubspot.md §2.4).
const FIRST_BACK_OFF_MS: u64 = 50;
const LONGEST_BACK_OFF_MS: u64 = 1000;

impl Attempt {
    async fn read(answer: reqwest::Response) -> Self {
        let status = answer.status().as_u16();
        // Milliseconds, as HubSpot documents for calls it makes (hubspot.md §2.4).
        let retry_after =
            answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        match answer.text().await {
            Ok(body) => Self {
                status: Some(status),
                body,
                duration_ms: 0,
                signature: String::new(),
                error: None,
                retry_after_ms: retry_after.filter(|_| status == 429),
            },
            Err(error) => Self::unanswered(&error),
        }
    }

    fn unanswered(error: &reqwest::Error) -> Self {
        let error = if error.is_timeout() { "timed out".to_owned() } else { error.to_string() };
        Self {
            status: None,
            body: String::new(),
            duration_ms: 0,
            signature: String::new(),
            error: Some(error),
            retry_after_ms: None,
        }
    }

    fn is_final(&self) -> bool {
        self.status.is_some_and(|status| status < 500 && status != 429)
    }
}

/// What one answer means.
#[derive(Clone, Debug, Default)]
struct Verdict {
    state: String,
    outputs: BTreeMap<String, String>,
    problems: Vec<String>,
}

fn judge(action: &Action, answer: &Attempt) -> Verdict {
    if !answer.status.is_some_and(|status| (200..300).contains(&status)) {
        return Verdict { state: "FAILED".to_owned(), ..Verdict::default() };
    }
    let (outputs, mut problems) = outputs(action, &answer.body);
    // Without a state of its own, a 2xx is a success.
    let state = outputs.get("hs_execution_state").map_or("SUCCESS", String::as_str);
    if !["SUCCESS", "FAIL_CONTINUE", "BLOCK", "ASYNC"].contains(&state) {
        problems.push(format!("{state} is no hs_execution_state"));
    }
    let state = if problems.is_empty() { state } else { "FAILED" }.to_owned();
    Verdict { state, outputs, problems }
}

/// The outputs of an answer, and what HubSpot would choke on or silently lose.
fn outputs(action: &Action, body: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let answer: Value = match serde_json::from_str(body) {
        Ok(answer) => answer,
        Err(error) => return (BTreeMap::new(), vec![format!("the answer is not JSON: {error}")]),
    };
    let Some(fields) = answer.get("outputFields").and_then(Value::as_object) else {
        return (BTreeMap::new(), vec!["the answer has no outputFields".to_owned()]);
    };
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

/// The body of hubspot.md §2.1, its keys in the order shown there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireBody<'a> {
    callback_id: &'a str,
    origin: Origin,
    context: Context,
    object: Object<'a>,
    /// The old name of `input_fields`, still sent.
    fields: &'a BTreeMap<String, Option<String>>,
    input_fields: &'a BTreeMap<String, Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typed_inputs: Option<BTreeMap<&'a str, TypedInput<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Origin {
    portal_id: u64,
    user_id: Option<u64>,
    action_definition_id: u64,
    action_definition_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_execution_index_identifier: Option<ExecutionIndex>,
    extension_definition_version_id: u32,
    extension_definition_id: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    workflow_id: u64,
    action_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_execution_index_identifier: Option<ExecutionIndex>,
    source: &'static str,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecutionIndex {
    enrollment_id: u64,
    action_execution_index: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    object_id: u64,
    object_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct TypedInput<'a> {
    value: Option<&'a str>,
    r#type: &'static str,
}

pub(super) const USER_AGENT: &str =
    "HubSpot Connect 2.0 (http://dev.hubspot.com/) - AutomationActionsExecutionService";
/// The place of our action in its workflow.
pub(super) const ACTION_ID: u32 = 3;
const WORKFLOW_ID: u64 = 55_000_001;
pub(super) const DEFINITION_VERSION: u32 = 4;

fn wire_body<'a>(
    hubspot: &HubSpot,
    action: &Action,
    enrollment: &'a Enrollment,
    callback_id: &'a str,
    enrollment_id: u64,
) -> WireBody<'a> {
    let definition_id = hubspot.definition_ids().get(&enrollment.action).copied().unwrap_or_default();
    let index = (!enrollment.drop_execution_index)
        .then_some(ExecutionIndex { enrollment_id, action_execution_index: 0 });
    let typed = |(name, value): (&'a String, &'a Option<String>)| {
        (name.as_str(), TypedInput { value: value.as_deref(), r#type: "STRING" })
    };
    WireBody {
        callback_id,
        origin: Origin {
            portal_id: enrollment.portal_id,
            user_id: None,
            action_definition_id: definition_id,
            action_definition_version: DEFINITION_VERSION,
            action_execution_index_identifier: index.clone(),
            extension_definition_version_id: DEFINITION_VERSION,
            extension_definition_id: definition_id,
        },
        context: Context {
            workflow_id: WORKFLOW_ID,
            action_id: ACTION_ID,
            action_execution_index_identifier: index,
            source: "WORKFLOWS",
        },
        object: Object {
            object_id: enrollment.object_id,
            object_type: &enrollment.object_type,
            properties: enrolled_properties(hubspot, action, enrollment),
        },
        fields: &enrollment.inputs,
        input_fields: &enrollment.inputs,
        typed_inputs: (!enrollment.drop_typed_inputs).then(|| enrollment.inputs.iter().map(typed).collect()),
    }
}

/// The record's properties the definition asks for; unset ones are missing, and so is all of a record that is gone.
fn enrolled_properties(
    hubspot: &HubSpot,
    action: &Action,
    enrollment: &Enrollment,
) -> Option<BTreeMap<String, String>> {
    let asked = &action.object_request_options.as_ref()?.properties;
    let kind = ObjectType::from_workflow(&enrollment.object_type)?;
    let state = hubspot.state();
    let record = state.portals.get(&enrollment.portal_id)?.get(kind, &enrollment.object_id.to_string())?;
    let set = asked.iter().filter_map(|name| Some((name.clone(), record.properties.get(name)?.clone()?)));
    Some(set.collect())
}
