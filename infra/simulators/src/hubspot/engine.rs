//! The workflow engine: enrolls a record into an action, has the execution delivered as often as was asked for, and tells
//! what the workflow's history shows of it (hubspot.md §2, §11.1–§11.3).

use super::HubSpot;
use super::delivery::Call;
use super::history::{Execution, History, judge};
use super::object_type::ObjectType;
use super::signature::Signing;
use super::wire::{Source, wire_body};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
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
    /// Runs the action in a workflow that cannot hold it.
    #[serde(default)]
    any_object_type: bool,
    /// Who runs the action.
    #[serde(default)]
    pub(super) source: Source,
    /// The same id in the same portal is the same execution; without one there is a new execution.
    callback_id: Option<String>,
    /// Makes the new execution's id a UUID, as the editor's own test runs have it.
    #[serde(default)]
    uuid_callback_id: bool,
    /// How often the same body is sent, each time after the previous answer.
    #[serde(default = "once")]
    deliveries: NonZeroU32,
    /// How many of the same are sent at once, each time.
    #[serde(default = "once")]
    concurrent: NonZeroU32,
    #[serde(default)]
    pub(super) signature: Signing,
    #[serde(default)]
    pub(super) drop_typed_inputs: bool,
    #[serde(default)]
    pub(super) drop_execution_index: bool,
    /// How far the signed time is off the simulator's clock.
    #[serde(default)]
    pub(super) timestamp_offset_ms: i64,
    /// HubSpot's patience with one attempt, as it says in a header; the switch `patience_ms` where this is left out.
    timeout_ms: Option<u64>,
    /// How much of that patience is really waited; the rest passes as the waits between attempts do.
    pub(super) real_timeout_ms: Option<u64>,
    /// Waits as long as HubSpot does, without letting the time pass.
    #[serde(default)]
    pub(super) virtual_time: bool,
    /// Waits as long as HubSpot does by the simulator's clock, which others move.
    #[serde(default)]
    pub(super) clock_time: bool,
    /// Attempts of one delivery: five, and as many as three days allow when waits are as long as HubSpot's.
    pub(super) max_attempts: Option<NonZeroU32>,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
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

fn prepare(hubspot: &HubSpot, enrollment: Enrollment) -> Result<Call, String> {
    let action =
        hubspot.action(&enrollment.action).ok_or_else(|| format!("no action {}", enrollment.action))?;
    let kind = ObjectType::from_workflow(&enrollment.object_type);
    if !enrollment.any_object_type && !kind.is_some_and(|kind| action.is_offered_for(kind)) {
        return Err(format!("the action is not offered in {} workflows", enrollment.object_type));
    }
    if let (false, Some(problem)) = (enrollment.any_inputs, action.input_problem(&enrollment.inputs)) {
        return Err(problem);
    }
    if enrollment.virtual_time && enrollment.clock_time {
        return Err("virtual_time moves the clock that clock_time waits for: one of them".to_owned());
    }
    let url = hubspot.local_url(&action.action_url).ok_or("no action_base_url is set: seed one")?;
    let is_uuid = enrollment.uuid_callback_id || enrollment.source == Source::Test;
    let made_up = is_uuid.then(|| Uuid::new_v4().to_string());
    let given = enrollment.callback_id.clone().or(made_up);
    let (callback_id, enrollment_id) = hubspot.identify(enrollment.portal_id, given.as_deref());
    let execution = wire_body(hubspot, action, &enrollment, &callback_id, enrollment_id);
    let body = serde_json::to_string(&execution).map_err(|error| error.to_string())?;
    let patience_ms = enrollment.timeout_ms.unwrap_or_else(|| hubspot.state().switches.patience_ms);
    Ok(Call { enrollment, callback_id, url, body, patience_ms })
}

impl Call {
    async fn run(self, hubspot: HubSpot) -> History {
        self.begin(&hubspot);
        let mut deliveries = Vec::new();
        let mut verdicts = Vec::new();
        let Some(action) = hubspot.action(&self.enrollment.action) else { return History::default() };
        let switches = hubspot.state().switches.clone();
        for _ in 0..self.enrollment.deliveries.get() {
            let mut at_once = JoinSet::new();
            for _ in 0..self.enrollment.concurrent.get() {
                at_once.spawn(self.clone().deliver(hubspot.clone()));
            }
            for attempts in at_once.join_all().await {
                verdicts.extend(attempts.last().map(|answer| judge(action, &switches, answer)));
                deliveries.extend(attempts);
            }
        }
        History::of_deliveries(action, &switches, &self.callback_id, verdicts, deliveries)
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
                retry_callback_ids: Vec::new(),
                history: History::running(&self.callback_id),
            });
        }
    }
}
