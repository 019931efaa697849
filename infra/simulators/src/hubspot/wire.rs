//! The request of an execution, as HubSpot writes it (hubspot.md §2.1).

use super::HubSpot;
use super::definition::Action;
use super::engine::Enrollment;
use super::object_type::ObjectType;
use super::switches::EmptyInputs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who runs an action (hubspot.md §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Source {
    #[default]
    Workflows,
    /// No workflow stands behind this one and the next two: what only a workflow has is missing.
    Agents,
    Copilot,
    Standalone,
    /// Somebody tries the action in the editor: a UUID as callback id, version 0 and no place in an enrollment.
    Test,
}

/// The body of hubspot.md §2.1, its keys in the order shown there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireBody<'a> {
    callback_id: &'a str,
    origin: Origin,
    context: Context,
    object: Object<'a>,
    /// The old name of `input_fields`, still sent.
    fields: BTreeMap<&'a str, Option<&'a str>>,
    input_fields: BTreeMap<&'a str, Option<&'a str>>,
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
    action_execution_index_identifier: Option<Option<ExecutionIndex>>,
    extension_definition_version_id: u32,
    extension_definition_id: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_execution_index_identifier: Option<Option<ExecutionIndex>>,
    source: Source,
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
    action: &'a Action,
    enrollment: &'a Enrollment,
    callback_id: &'a str,
    enrollment_id: u64,
) -> WireBody<'a> {
    let definition_id = hubspot.definition_ids().get(&enrollment.action).copied().unwrap_or_default();
    let version = if enrollment.source == Source::Test { 0 } else { DEFINITION_VERSION };
    let index = execution_index(enrollment, enrollment_id);
    let in_workflow = matches!(enrollment.source, Source::Workflows | Source::Test);
    let inputs = inputs(hubspot, action, enrollment);
    let typed =
        |(name, value): (&&'a str, &Option<&'a str>)| (*name, TypedInput { value: *value, r#type: "STRING" });
    WireBody {
        callback_id,
        origin: Origin {
            portal_id: enrollment.portal_id,
            user_id: None,
            action_definition_id: definition_id,
            action_definition_version: version,
            action_execution_index_identifier: index.clone(),
            extension_definition_version_id: version,
            extension_definition_id: definition_id,
        },
        context: Context {
            workflow_id: in_workflow.then_some(WORKFLOW_ID),
            action_id: in_workflow.then_some(ACTION_ID),
            action_execution_index_identifier: index,
            source: enrollment.source,
        },
        object: Object {
            object_id: enrollment.object_id,
            object_type: &enrollment.object_type,
            properties: enrolled_properties(hubspot, action, enrollment),
        },
        typed_inputs: (!enrollment.drop_typed_inputs).then(|| inputs.iter().map(typed).collect()),
        fields: inputs.clone(),
        input_fields: inputs,
    }
}

/// The place in the enrollment: there, `null`, or no key at all.
fn execution_index(enrollment: &Enrollment, enrollment_id: u64) -> Option<Option<ExecutionIndex>> {
    match enrollment.source {
        _ if enrollment.drop_execution_index => None,
        Source::Workflows => Some(Some(ExecutionIndex { enrollment_id, action_execution_index: 0 })),
        Source::Test => Some(None),
        Source::Agents | Source::Copilot | Source::Standalone => None,
    }
}

/// The inputs as they arrive; those the enrollment leaves out as the switch says.
fn inputs<'a>(
    hubspot: &HubSpot,
    action: &'a Action,
    enrollment: &'a Enrollment,
) -> BTreeMap<&'a str, Option<&'a str>> {
    let given = enrollment.inputs.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
    let empty = match hubspot.state().switches.empty_inputs {
        EmptyInputs::AsGiven => return given.collect(),
        EmptyInputs::Null => None,
        EmptyInputs::Blank => Some(""),
    };
    action.input_names().map(|name| (name, empty)).chain(given).collect()
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
