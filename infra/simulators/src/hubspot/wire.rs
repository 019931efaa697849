//! The request of an execution, as HubSpot writes it (hubspot.md §2.1).

use super::HubSpot;
use super::definition::Action;
use super::engine::Enrollment;
use super::object_type::ObjectType;
use serde::Serialize;
use std::collections::BTreeMap;

/// The body of hubspot.md §2.1, its keys in the order shown there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireBody<'a> {
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

/// The place of our action in its workflow.
pub(super) const ACTION_ID: u32 = 3;
const WORKFLOW_ID: u64 = 55_000_001;
/// The version of every action's definition.
pub(super) const DEFINITION_VERSION: u32 = 4;

/// What is sent for an enrollment under these ids.
pub(super) fn wire_body<'a>(
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
