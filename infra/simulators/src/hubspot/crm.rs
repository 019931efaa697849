//! The CRM reads and writes our client may make, on the dated paths and their legacy twins, with the traps of hubspot.md §6 and §11.8.
//!
//! What HubSpot leaves open is strict here: an option this simulator does not know is refused with 400 and logged as
//! unexpected, so that a client does not come to rely on it.

use super::HubSpot;
use super::api::{Caller, Refusal, answer, invalid};
use super::association_batch;
use super::associations;
use super::object_type::ObjectType;
use super::write_back;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

/// The routes; each answers on its dated path and on the legacy one that clients may still use (hubspot.md §0).
pub(super) fn router(hubspot: HubSpot) -> Router {
    Router::new()
        .route("/crm/objects/2026-03/{kind}/{id}", get(read).patch(write_back::write))
        .route("/crm/v3/objects/{kind}/{id}", get(read).patch(write_back::write))
        .route("/crm/objects/2026-03/{kind}/batch/read", post(batch_read))
        .route("/crm/v3/objects/{kind}/batch/read", post(batch_read))
        .route("/crm/objects/2026-03/{kind}/{id}/associations/{to}", get(associations))
        .route("/crm/v4/objects/{kind}/{id}/associations/{to}", get(associations))
        .route("/crm/associations/2026-03/{from}/{to}/batch/read", post(association_batch::read))
        .route("/crm/v4/associations/{from}/{to}/batch/read", post(association_batch::read))
        .with_state(hubspot)
}

/// Ids in one batch read (hubspot.md §6.4).
const BATCH_MAX: usize = 100;
/// Associations on one page: HubSpot's default and maximum (hubspot.md §6.3).
pub(super) const ASSOCIATIONS_PAGE: usize = 500;

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
        Ok(Json(records.view(kind, record, &properties, &embed, &state.switches)))
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
                "after" => after = Some(cursor(value)?),
                _ => return Err(Refusal::NotSimulated(format!("the query {name}={value}"))),
            }
        }
        caller.needs(&[kind, to])?;
        let state = hubspot.state();
        let record = state.portals.get(&caller.portal_id).and_then(|records| records.get(kind, &id));
        let page =
            record.ok_or(Refusal::NotFound)?.side(kind).page(to, limit, after.as_deref(), &state.switches);
        page.map(Json).ok_or_else(no_such_cursor)
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
fn found(
    hubspot: &HubSpot,
    caller: &Caller,
    kind: ObjectType,
    asked: BatchRead,
) -> (StatusCode, Json<Value>) {
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
            Some((records, record)) => {
                results.push(records.view(kind, record, &asked.properties, &[], &state.switches))
            }
            None => missing.push(id),
        }
    }
    let now = format!("{:.3}", hubspot.control().now());
    let mut body = json!({ "status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now });
    if missing.is_empty() {
        return (StatusCode::OK, Json(body));
    }
    body["numErrors"] = json!(1);
    body["errors"] = json!([{
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": format!("Could not get some {} objects, they may be deleted or not exist.", kind.name()),
        "context": { "ids": missing },
    }]);
    (StatusCode::MULTI_STATUS, Json(body))
}

/// The record id behind a cursor.
pub(super) fn cursor(after: &str) -> Result<String, Refusal> {
    associations::cursor(after).ok_or_else(no_such_cursor)
}

/// A cursor that ends no page of this list: HubSpot documents no answer, and starting over would go on for ever.
pub(super) fn no_such_cursor() -> Refusal {
    invalid("after is no cursor of ours")
}

/// The type a path names.
pub(super) fn object_type(text: &str) -> Result<ObjectType, Refusal> {
    ObjectType::parse(text).ok_or_else(|| Refusal::NotSimulated(format!("objects of type {text}")))
}

fn page_size(text: &str) -> Result<usize, Refusal> {
    let limit = text.parse().ok().filter(|limit| (1..=ASSOCIATIONS_PAGE).contains(limit));
    limit.ok_or_else(|| invalid(&format!("limit {text}, 1 to {ASSOCIATIONS_PAGE} is allowed")))
}
