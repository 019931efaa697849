//! The workflow editor at a drop-down: asks the field's `optionsUrl` for choices, and says what an editor could not show
//! of the answer (hubspot.md §3).
//!
//! Of the inputs already filled in, only those that control the field are sent: no others are promised. What was observed
//! besides the documented body comes with `"observed_keys": true`, and `"null_fetch_options": true` writes `null` where
//! there is neither search nor cursor.

use super::HubSpot;
use super::definition::Action;
use super::delivery::USER_AGENT;
use super::object_type::ObjectType;
use super::signature::{self, Signing};
use super::wire::DEFINITION_VERSION;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Body of `POST /_sim/options`: whose drop-down is opened, searched or scrolled.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    action: String,
    field: String,
    portal_id: u64,
    #[serde(default = "deals")]
    object_type_id: String,
    /// What the editor's other fields hold.
    #[serde(default)]
    inputs: BTreeMap<String, Option<Filled>>,
    /// Typed into the search box.
    q: Option<String>,
    /// The cursor of the previous answer.
    after: Option<String>,
    #[serde(default)]
    signature: Signing,
    #[serde(default)]
    observed_keys: bool,
    #[serde(default)]
    null_fetch_options: bool,
}

/// What a field of the editor holds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Filled {
    /// Typed or picked.
    Value(String),
    /// Taken from the enrolled record at execution.
    Property { property_name: String },
}

/// What the last answer for a drop-down offers: a search, more options.
#[derive(Clone, Debug, Default)]
pub(super) struct Offered {
    searchable: bool,
    after: Option<String>,
}

fn deals() -> String {
    "0-3".to_owned()
}

/// HubSpot documents no time limit; people do not wait longer than this for a drop-down.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Shown {
    /// `null` when there was no answer.
    status: Option<u16>,
    body: String,
    options: Vec<Value>,
    after: Option<String>,
    searchable: bool,
    /// Whatever an editor could not show, or would not have asked.
    problems: Vec<String>,
}

/// `POST /_sim/options`.
pub(super) async fn open(State(hubspot): State<HubSpot>, body: String) -> Response {
    let refused = |why: String| (StatusCode::BAD_REQUEST, why).into_response();
    let opening: Opening = match serde_json::from_str(&body) {
        Ok(opening) => opening,
        Err(error) => return refused(error.to_string()),
    };
    match prepare(&hubspot, &opening) {
        Ok((url, body)) => Json(show(&hubspot, opening, &url, body).await).into_response(),
        Err(why) => refused(why),
    }
}

/// Where to ask, and the body to ask with.
fn prepare(hubspot: &HubSpot, opening: &Opening) -> Result<(String, String), String> {
    let action = hubspot.action(&opening.action).ok_or_else(|| format!("no action {}", opening.action))?;
    if !ObjectType::parse(&opening.object_type_id).is_some_and(|kind| action.is_offered_for(kind)) {
        return Err(format!("the action is not offered in {} workflows", opening.object_type_id));
    }
    if let Some(unknown) = opening.inputs.keys().find(|name| !action.has_input(name)) {
        return Err(format!("the action has no input {unknown}"));
    }
    let options_url = action.options_url(&opening.field)?;
    let url = hubspot.local_url(options_url).ok_or("no action_base_url is set: seed one")?;
    let body = serde_json::to_string(&wire_body(hubspot, action, opening));
    Ok((url, body.map_err(|error| error.to_string())?))
}

async fn show(hubspot: &HubSpot, opening: Opening, url: &str, body: String) -> Shown {
    let place = (opening.portal_id, opening.action, opening.field);
    let offered = hubspot.state().offered.get(&place).cloned().unwrap_or_default();
    let mut shown = fetch(hubspot, opening.signature, url, body).await;
    if opening.q.is_some() && !offered.searchable {
        shown.problems.push("q is sent only after an answer that was searchable".to_owned());
    }
    if opening.after.is_some() && opening.after != offered.after {
        shown.problems.push("after is sent only as the last answer gave it".to_owned());
    }
    if shown.status == Some(200) {
        let offered = Offered { searchable: shown.searchable, after: shown.after.clone() };
        hubspot.state().offered.insert(place, offered);
    }
    shown
}

async fn fetch(hubspot: &HubSpot, signing: Signing, url: &str, body: String) -> Shown {
    let now_ms = hubspot.control().now().as_millisecond();
    let signed = signature::sign(signing, hubspot.client_secret(), url, body.as_bytes(), now_ms);
    let mut request = hubspot
        .http()
        .post(url)
        .timeout(TIMEOUT)
        .header("Content-Type", "application/json")
        .header("User-Agent", USER_AGENT);
    for (name, value) in signed.headers {
        request = request.header(name, value);
    }
    match request.body(body).send().await {
        Ok(answer) => {
            let status = answer.status().as_u16();
            match answer.text().await {
                Ok(body) => read(status, body),
                Err(error) => unanswered(&error),
            }
        }
        Err(error) => unanswered(&error),
    }
}

fn unanswered(error: &reqwest::Error) -> Shown {
    let problem = if error.is_timeout() { "timed out".to_owned() } else { error.to_string() };
    Shown { problems: vec![problem], ..Shown::default() }
}

fn read(status: u16, body: String) -> Shown {
    let mut shown = Shown { status: Some(status), body, ..Shown::default() };
    if status != 200 {
        shown.problems.push(format!("{status}: the drop-down does not load"));
        return shown;
    }
    match serde_json::from_str(&shown.body) {
        Ok(Value::Object(answer)) => shown.take(answer),
        Ok(_) => shown.problems.push("the answer is no object".to_owned()),
        Err(error) => shown.problems.push(format!("the answer is not JSON: {error}")),
    }
    shown
}

impl Shown {
    fn take(&mut self, answer: Map<String, Value>) {
        if !answer.contains_key("options") {
            self.problems.push("the answer has no options".to_owned());
        }
        for (key, value) in answer {
            match (key.as_str(), value) {
                ("options", Value::Array(options)) => self.options = options,
                ("after", Value::String(after)) => self.after = Some(after),
                ("searchable", Value::Bool(searchable)) => self.searchable = searchable,
                ("options", _) => self.problems.push("options is no list".to_owned()),
                ("after", _) => self.problems.push("after is not a string".to_owned()),
                ("searchable", _) => self.problems.push("searchable is neither true nor false".to_owned()),
                (key, _) => self.problems.push(format!("{key} is not known to HubSpot")),
            }
        }
        let mut values = BTreeSet::new();
        for (place, option) in self.options.iter().enumerate() {
            let problem = option_problem(option, &mut values);
            self.problems.extend(problem.map(|problem| format!("option {place}: {problem}")));
        }
    }
}

/// What is wrong with one option; `values` are those of the options before it.
fn option_problem(option: &Value, values: &mut BTreeSet<String>) -> Option<String> {
    let Some(fields) = option.as_object() else { return Some("it is no object".to_owned()) };
    if let Some(stray) = fields.keys().find(|key| !["label", "value", "description"].contains(&key.as_str()))
    {
        return Some(format!("{stray} is not known to HubSpot"));
    }
    if fields.get("label").and_then(Value::as_str).is_none_or(|label| label.trim().is_empty()) {
        return Some("the label is empty or not a string".to_owned());
    }
    if fields.get("description").is_some_and(|description| !description.is_string()) {
        return Some("the description is not a string".to_owned());
    }
    let Some(value) = fields.get("value").and_then(Value::as_str) else {
        return Some("the value is not a string".to_owned());
    };
    (!values.insert(value.to_owned())).then(|| format!("the value {value} is there already"))
}

/// The body of hubspot.md §3, its keys in the order shown there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireBody<'a> {
    origin: Origin,
    object_type_id: &'a str,
    input_field_name: &'a str,
    input_fields: BTreeMap<&'a str, InputField<'a>>,
    /// HubSpot leaves it out, or sends null, when there is nothing in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fetch_options: Option<Option<FetchOptions<'a>>>,
    #[serde(flatten)]
    observed: Option<Observed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Origin {
    portal_id: u64,
    action_definition_id: u64,
    action_definition_version: u32,
}

/// Keys seen and not documented.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Observed {
    portal_id: u64,
    extension_definition_id: u64,
    extension_definition_version: u32,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
enum InputField<'a> {
    StaticValue { value: &'a str },
    ObjectProperty { property_name: &'a str },
}

#[derive(Serialize)]
struct FetchOptions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a str>,
}

fn wire_body<'a>(hubspot: &HubSpot, action: &Action, opening: &'a Opening) -> WireBody<'a> {
    let portal_id = opening.portal_id;
    let definition_id = hubspot.definition_ids().get(&opening.action).copied().unwrap_or_default();
    let controlling = action.controlling(&opening.field);
    let filled = opening.inputs.iter().filter(|(name, _)| controlling.contains(name.as_str()));
    let (q, after) = (opening.q.as_deref(), opening.after.as_deref());
    let fetch_options = (q.is_some() || after.is_some()).then_some(FetchOptions { q, after });
    WireBody {
        origin: Origin {
            portal_id,
            action_definition_id: definition_id,
            action_definition_version: DEFINITION_VERSION,
        },
        object_type_id: &opening.object_type_id,
        input_field_name: &opening.field,
        input_fields: filled
            .filter_map(|(name, held)| Some((name.as_str(), field(held.as_ref()?)?)))
            .collect(),
        fetch_options: (fetch_options.is_some() || opening.null_fetch_options).then_some(fetch_options),
        observed: opening.observed_keys.then_some(Observed {
            portal_id,
            extension_definition_id: definition_id,
            extension_definition_version: DEFINITION_VERSION,
        }),
    }
}

/// The field as the body has it; one that holds nothing is not there.
fn field(held: &Filled) -> Option<InputField<'_>> {
    match held {
        Filled::Value(value) => (!value.is_empty()).then_some(InputField::StaticValue { value }),
        Filled::Property { property_name } => Some(InputField::ObjectProperty { property_name }),
    }
}
