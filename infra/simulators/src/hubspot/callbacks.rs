//! Completing blocked executions (hubspot.md §2.3), and looking at all of them.
//!
//! A batch with one completion that cannot happen completes nothing: HubSpot says nothing about it, and a client that
//! counts on half of it would be wrong half of the time.

use super::HubSpot;
use super::api::{self, Caller, Refusal, invalid};
use super::definition::Action;
use super::history::{self, Completion, Execution, FinalState};
use super::switches::{NotCompletable, Switches, TypedOutputs};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The routes; each answers on its dated path and on the legacy one (hubspot.md §0).
pub(super) fn router(hubspot: HubSpot) -> Router {
    Router::new()
        .route("/automation/actions/callbacks/2026-03/{callback_id}/complete", post(complete))
        .route("/automation/v4/actions/callbacks/{callback_id}/complete", post(complete))
        .route("/automation/actions/callbacks/2026-03/complete", post(complete_batch))
        .route("/automation/v4/actions/callbacks/complete", post(complete_batch))
        .with_state(hubspot)
}

/// `GET /_sim/executions`.
pub(super) async fn list(State(hubspot): State<HubSpot>) -> Json<Value> {
    Json(json!({ "executions": hubspot.current_state().executions }))
}

/// Which portal's execution is meant, when several have the same callback id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    portal_id: Option<u64>,
}

/// `GET /_sim/executions/{callback_id}`.
pub(super) async fn show(
    State(hubspot): State<HubSpot>,
    Path(callback_id): Path<String>,
    Query(whose): Query<Whose>,
) -> Response {
    let state = hubspot.current_state();
    let is_meant = |execution: &&Execution| {
        execution.answers_to(&callback_id)
            && whose.portal_id.is_none_or(|portal_id| execution.portal_id == portal_id)
    };
    match state.executions.iter().find(is_meant) {
        Some(execution) => Json(execution).into_response(),
        None => (StatusCode::NOT_FOUND, format!("no execution {callback_id}")).into_response(),
    }
}

async fn complete(
    State(hubspot): State<HubSpot>,
    Path(callback_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    api::answer(&hubspot, &headers, |caller| {
        caller.needs_scopes(["automation"])?;
        let body = object(&body)?;
        complete_all(&hubspot, &caller, vec![Asked { callback_id, body }])
    })
}

async fn complete_batch(State(hubspot): State<HubSpot>, headers: HeaderMap, body: Bytes) -> Response {
    api::answer(&hubspot, &headers, |caller| {
        caller.needs_scopes(["automation"])?;
        let mut body = object(&body)?;
        let Some(Value::Array(inputs)) = body.remove("inputs") else {
            return Err(invalid("inputs is not a list"));
        };
        if let Some(stray) = body.keys().next() {
            return Err(invalid(&format!("a batch of completions has no {stray}")));
        }
        let max = hubspot.state().switches.callback_batch_max;
        if inputs.is_empty() || inputs.len() > max {
            return Err(invalid(&format!("{} inputs, 1 to {max} are allowed", inputs.len())));
        }
        let asked = inputs.into_iter().map(batch_input).collect::<Result<_, _>>()?;
        complete_all(&hubspot, &caller, asked)
    })
}

/// One completion as it was asked for.
struct Asked {
    callback_id: String,
    body: Map<String, Value>,
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body).map_err(|_| invalid("Invalid input JSON"))
}

fn batch_input(input: Value) -> Result<Asked, Refusal> {
    let Value::Object(mut body) = input else { return Err(invalid("an input is not an object")) };
    match body.remove("callbackId") {
        Some(Value::String(callback_id)) => Ok(Asked { callback_id, body }),
        _ => Err(invalid("an input has no callbackId")),
    }
}

/// Completes all of them or none. What is asked for is noted at each execution of the caller's portal, with the answer.
fn complete_all(hubspot: &HubSpot, caller: &Caller, asked: Vec<Asked>) -> Result<StatusCode, Refusal> {
    let now = hubspot.control().now();
    let mut state = hubspot.current_state();
    let switches = state.switches.clone();
    let mut seen = BTreeSet::new();
    let decided: Result<Vec<_>, Refusal> = asked
        .iter()
        .map(|one| {
            let is_repeated = !seen.insert(&one.callback_id);
            decide(hubspot, &state.executions, &switches, caller.portal_id, one, is_repeated)
        })
        .collect();
    let status = decided.as_ref().map_or_else(Refusal::status, |_| StatusCode::NO_CONTENT);
    for Asked { callback_id, body } in &asked {
        let completion = Completion { at: now, status: status.as_u16(), body: Value::Object(body.clone()) };
        let own = own(&state.executions, caller.portal_id, callback_id);
        if let Some(execution) = own.and_then(|place| state.executions.get_mut(place)) {
            execution.history.completions.push(completion);
        }
    }
    for ending in decided?.into_iter().flatten() {
        let execution = &mut state.executions[ending.place];
        execution.history.completed(ending.action, &switches, ending.state, ending.outputs);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// How an execution is about to end.
struct Ending<'a> {
    place: usize,
    action: &'a Action,
    state: FinalState,
    outputs: BTreeMap<String, String>,
}

/// What becomes of one completion; nothing, when a switch says that one which cannot happen is accepted.
fn decide<'a>(
    hubspot: &'a HubSpot,
    executions: &[Execution],
    switches: &Switches,
    portal_id: u64,
    asked: &Asked,
    is_repeated: bool,
) -> Result<Option<Ending<'a>>, Refusal> {
    check_shape(&asked.body, switches.typed_outputs)?;
    let place = match completable(executions, portal_id, &asked.callback_id, is_repeated) {
        Ok(place) => place,
        Err(why) => return refused(switches.status(why), why, &asked.callback_id).map(|()| None),
    };
    let action = hubspot.action(&executions[place].action).ok_or(Refusal::NotFound)?;
    let (state, outputs) = final_outputs(action, &asked.body)?;
    Ok(Some(Ending { place, action, state, outputs }))
}

fn refused(status: StatusCode, why: NotCompletable, callback_id: &str) -> Result<(), Refusal> {
    let message = match why {
        NotCompletable::Unknown | NotCompletable::Foreign => "does not exist",
        NotCompletable::Completed => "is already completed",
        NotCompletable::Expired => "has expired",
        NotCompletable::NotBlocked => "is not blocked",
    };
    match status {
        StatusCode::NO_CONTENT => Ok(()),
        _ => Err(Refusal::Undocumented(status, format!("callback {callback_id} {message}"))),
    }
}

fn own(executions: &[Execution], portal_id: u64, callback_id: &str) -> Option<usize> {
    executions.iter().position(|execution| execution.is(portal_id, callback_id))
}

/// The place of the blocked execution the portal may complete.
fn completable(
    executions: &[Execution],
    portal_id: u64,
    callback_id: &str,
    is_repeated: bool,
) -> Result<usize, NotCompletable> {
    let Some(place) = own(executions, portal_id, callback_id) else {
        let is_foreign = executions.iter().any(|execution| execution.answers_to(callback_id));
        return Err(if is_foreign { NotCompletable::Foreign } else { NotCompletable::Unknown });
    };
    match executions[place].history.state.as_str() {
        "BLOCK" if !is_repeated => Ok(place),
        "BLOCK" | "SUCCESS" | "FAIL_CONTINUE" => Err(NotCompletable::Completed),
        "EXPIRED" => Err(NotCompletable::Expired),
        _ => Err(NotCompletable::NotBlocked),
    }
}

/// The fields of a completion and their types; what they say is checked against the action.
fn check_shape(body: &Map<String, Value>, typed_outputs: TypedOutputs) -> Result<(), Refusal> {
    for (name, value) in body {
        let fits = match name.as_str() {
            "outputFields" | "typedOutputs" | "requestContext" => value.is_object(),
            "failureReasonType" => value.is_string(),
            _ => return Err(invalid(&format!("a completion has no {name}"))),
        };
        if !fits {
            return Err(invalid(&format!("{name} is of the wrong type")));
        }
    }
    if !body.contains_key("outputFields") {
        return Err(invalid("outputFields is required"));
    }
    if typed_outputs == TypedOutputs::Required && !body.contains_key("typedOutputs") {
        return Err(invalid("typedOutputs is required"));
    }
    Ok(())
}

fn final_outputs(
    action: &Action,
    body: &Map<String, Value>,
) -> Result<(FinalState, BTreeMap<String, String>), Refusal> {
    let fields = body.get("outputFields").and_then(Value::as_object).cloned().unwrap_or_default();
    let (outputs, problems) = history::outputs(action, &fields);
    if let Some(problem) = problems.first() {
        return Err(invalid(problem));
    }
    let state = outputs.get("hs_execution_state").and_then(|state| FinalState::parse(state));
    let state = state.ok_or_else(|| invalid("hs_execution_state is neither SUCCESS nor FAIL_CONTINUE"))?;
    Ok((state, outputs))
}
