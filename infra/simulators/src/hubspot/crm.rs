//! The CRM reads our client makes, on the dated paths and their legacy twins, with the traps of hubspot.md §6 and §11.8.
//!
//! What HubSpot leaves open is strict here: an option this simulator does not know is refused with 400 and logged as
//! unexpected, so that a client does not come to rely on it.

use super::HubSpot;
use super::associations;
use super::limiter;
use super::object_type::ObjectType;
use crate::control::unexpected;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The routes; each answers on its dated path and on the legacy one that clients may still use (hubspot.md §0).
pub(super) fn router(hubspot: HubSpot) -> Router {
    Router::new()
        .route("/crm/objects/2026-03/{kind}/{id}", get(read))
        .route("/crm/v3/objects/{kind}/{id}", get(read))
        .route("/crm/objects/2026-03/{kind}/batch/read", post(batch_read))
        .route("/crm/v3/objects/{kind}/batch/read", post(batch_read))
        .route("/crm/objects/2026-03/{kind}/{id}/associations/{to}", get(associations))
        .route("/crm/v4/objects/{kind}/{id}/associations/{to}", get(associations))
        .with_state(hubspot)
}

/// Ids in one batch read (hubspot.md §6.4).
const BATCH_MAX: usize = 100;
/// Associations on one page: HubSpot's default and maximum (hubspot.md §6.3).
const ASSOCIATIONS_PAGE: usize = 500;

type Pairs = Query<Vec<(String, String)>>;

async fn read(
    State(hubspot): State<HubSpot>,
    Path((kind, id)): Path<(String, String)>,
    Query(pairs): Pairs,
    headers: HeaderMap,
) -> Response {
    answer(&hubspot, &headers, |caller| {
        let kind = object_type(&kind)?;
        let mut properties = Vec::new();
        let mut embed = Vec::new();
        for (name, value) in &pairs {
            match name.as_str() {
                "properties" => properties.extend(value.split(',').map(str::to_owned)),
                // Names HubSpot does not know are ignored (hubspot.md §6.2).
                "associations" => embed.extend(value.split(',').filter_map(ObjectType::parse)),
                "archived" if value == "false" => {}
                _ => return Err(Refusal::NotSimulated(format!("the query {name}={value}"))),
            }
        }
        caller.needs(&[&[kind], embed.as_slice()].concat())?;
        let state = hubspot.state();
        let records = state.portals.get(&caller.portal_id).ok_or(Refusal::NotFound)?;
        let record = records.get(kind, &id).ok_or(Refusal::NotFound)?;
        Ok((StatusCode::OK, records.view(kind, record, &properties, &embed)))
    })
}

async fn associations(
    State(hubspot): State<HubSpot>,
    Path((kind, id, to)): Path<(String, String, String)>,
    Query(pairs): Pairs,
    headers: HeaderMap,
) -> Response {
    answer(&hubspot, &headers, |caller| {
        let (kind, to) = (object_type(&kind)?, object_type(&to)?);
        let (mut limit, mut after) = (ASSOCIATIONS_PAGE, None);
        for (name, value) in &pairs {
            match name.as_str() {
                "limit" => limit = page_size(value)?,
                "after" => {
                    after = Some(
                        associations::cursor(value).ok_or_else(|| invalid("after is no cursor of ours"))?,
                    )
                }
                _ => return Err(Refusal::NotSimulated(format!("the query {name}={value}"))),
            }
        }
        caller.needs(&[kind, to])?;
        let state = hubspot.state();
        let record = state.portals.get(&caller.portal_id).and_then(|records| records.get(kind, &id));
        let page = record.ok_or(Refusal::NotFound)?.side(kind).page(to, limit, after.as_deref());
        Ok((StatusCode::OK, page))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct BatchRead {
    inputs: Vec<Input>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    properties_with_history: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    id: String,
}

async fn batch_read(
    State(hubspot): State<HubSpot>,
    Path(kind): Path<String>,
    Query(pairs): Pairs,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&hubspot, &headers, |caller| {
        let kind = object_type(&kind)?;
        caller.needs(&[kind])?;
        if let Some((name, value)) =
            pairs.iter().find(|pair| **pair != ("archived".to_owned(), "false".to_owned()))
        {
            return Err(Refusal::NotSimulated(format!("the query {name}={value}")));
        }
        let asked: BatchRead = serde_json::from_slice(&body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Refusal::NotSimulated(format!("this batch read: {error}")),
            _ => invalid("Invalid input JSON"),
        })?;
        if !asked.properties_with_history.is_empty() {
            return Err(Refusal::NotSimulated("propertiesWithHistory".to_owned()));
        }
        if asked.inputs.is_empty() || asked.inputs.len() > BATCH_MAX {
            return Err(invalid(&format!("{} inputs, 1 to {BATCH_MAX} are allowed", asked.inputs.len())));
        }
        Ok(found(&hubspot, &caller, kind, asked))
    })
}

/// The batch in an order of its own: HubSpot promises none, and a reversed one is seen by a client that assumes it.
fn found(hubspot: &HubSpot, caller: &Caller, kind: ObjectType, asked: BatchRead) -> (StatusCode, Value) {
    let mut ids: Vec<String> = Vec::new();
    for Input { id } in asked.inputs.into_iter().rev() {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let state = hubspot.state();
    let records = state.portals.get(&caller.portal_id);
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match records.and_then(|records| Some((records, records.get(kind, &id)?))) {
            Some((records, record)) => results.push(records.view(kind, record, &asked.properties, &[])),
            None => missing.push(id),
        }
    }
    let now = format!("{:.3}", hubspot.control().now());
    let mut body = json!({ "status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now });
    if missing.is_empty() {
        return (StatusCode::OK, body);
    }
    body["numErrors"] = json!(1);
    body["errors"] = json!([{
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": format!("Could not get some {} objects, they may be deleted or not exist.", kind.name()),
        "context": { "ids": missing },
    }]);
    (StatusCode::MULTI_STATUS, body)
}

/// Whose token a call carries, and what it may read.
struct Caller {
    portal_id: u64,
    scopes: Vec<String>,
}

impl Caller {
    fn needs(&self, kinds: &[ObjectType]) -> Result<(), Refusal> {
        let needed: BTreeSet<&'static str> = kinds.iter().map(|kind| kind.read_scope()).collect();
        let missing: Vec<&'static str> =
            needed.into_iter().filter(|scope| !self.scopes.iter().any(|granted| granted == scope)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::MissingScopes(missing)) }
    }
}

/// Why a call gets no record.
enum Refusal {
    NoCredentials,
    ExpiredCredentials,
    TooManyRequests,
    MissingScopes(Vec<&'static str>),
    Invalid(String),
    NotFound,
    /// HubSpot may well answer this; the simulator does not.
    NotSimulated(String),
}

fn invalid(message: &str) -> Refusal {
    Refusal::Invalid(message.to_owned())
}

fn object_type(text: &str) -> Result<ObjectType, Refusal> {
    ObjectType::parse(text).ok_or_else(|| Refusal::NotSimulated(format!("objects of type {text}")))
}

fn page_size(text: &str) -> Result<usize, Refusal> {
    let limit = text.parse().ok().filter(|limit| (1..=ASSOCIATIONS_PAGE).contains(limit));
    limit.ok_or_else(|| invalid(&format!("limit {text}, 1 to {ASSOCIATIONS_PAGE} is allowed")))
}

/// Checks bearer and burst limit, lets `work` answer, and adds the headers every answer has.
fn answer(
    hubspot: &HubSpot,
    headers: &HeaderMap,
    work: impl FnOnce(Caller) -> Result<(StatusCode, Value), Refusal>,
) -> Response {
    let caller = match caller(hubspot, headers) {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    let remaining = hubspot.admit(caller.portal_id);
    let answered = if remaining.is_some() { work(caller) } else { Err(Refusal::TooManyRequests) };
    let mut response = match answered {
        Ok((status, body)) => (status, Json(body)).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    let interval_ms = limiter::INTERVAL.as_secs() * 1000;
    let limits = [
        ("x-hubspot-ratelimit-max", HeaderValue::from(limiter::MAX)),
        ("x-hubspot-ratelimit-remaining", HeaderValue::from(remaining.unwrap_or(0))),
        ("x-hubspot-ratelimit-interval-milliseconds", HeaderValue::from(interval_ms)),
    ];
    response.headers_mut().extend(limits.map(|(name, value)| (header::HeaderName::from_static(name), value)));
    response
}

fn caller(hubspot: &HubSpot, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = value.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refusal::NoCredentials)?;
    let now = hubspot.control().now();
    let state = hubspot.state();
    let token = state.access_tokens.get(bearer).ok_or(Refusal::NoCredentials)?;
    if token.is_expired(now) {
        return Err(Refusal::ExpiredCredentials);
    }
    Ok(Caller { portal_id: token.portal_id, scopes: token.scopes.clone() })
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, category, message) = match &self {
            Self::NoCredentials => (401, "INVALID_AUTHENTICATION", "Authentication credentials not found."),
            Self::ExpiredCredentials => (401, "EXPIRED_AUTHENTICATION", "The OAuth token used has expired."),
            Self::TooManyRequests => return too_many_requests(),
            Self::MissingScopes(_) => {
                (403, "MISSING_SCOPES", "The app has not been granted all required scopes.")
            }
            Self::Invalid(message) => (400, "VALIDATION_ERROR", message.as_str()),
            Self::NotFound => (404, "OBJECT_NOT_FOUND", "resource not found"),
            Self::NotSimulated(what) => {
                let text = format!("the HubSpot simulator does not know {what}");
                return unexpected((StatusCode::BAD_REQUEST, Json(error_body("VALIDATION_ERROR", &text))));
            }
        };
        let mut body = error_body(category, message);
        if let Self::MissingScopes(scopes) = &self {
            body["errors"] = json!([{
                "message": "One or more of the following scopes are required.",
                "context": { "requiredGranularScopes": scopes },
            }]);
        }
        (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(body))
            .into_response()
    }
}

fn error_body(category: &str, message: &str) -> Value {
    json!({ "status": "error", "message": message, "correlationId": Uuid::new_v4().to_string(), "category": category })
}

/// The 429 of hubspot.md §8, which differs from the standard error body.
fn too_many_requests() -> Response {
    let body = json!({
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": Uuid::new_v4().to_string(),
        "policyName": "TEN_SECONDLY_ROLLING",
        "requestId": Uuid::new_v4().to_string(),
        "groupName": "publicapi:oauth",
    });
    (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response()
}
