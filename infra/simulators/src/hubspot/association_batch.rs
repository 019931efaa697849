//! The associations of many records in one call (hubspot.md §6.3).

use super::HubSpot;
use super::api::{answer, invalid};
use super::crm::{ASSOCIATIONS_PAGE, cursor, no_such_cursor, object_type};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

/// Inputs in one call (hubspot.md §6.3).
const MAX: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    id: String,
    /// Where this record's previous page ended.
    after: Option<String>,
}

/// `POST /crm/associations/2026-03/{from}/{to}/batch/read` and its v4 twin. Records that are missing and records without
/// such associations are errors, and make the answer a 207; the order is no promise of HubSpot's, and reversed.
pub(super) async fn read(
    State(hubspot): State<HubSpot>,
    Path((from, to)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&hubspot, &headers, |caller| {
        let (from, to) = (object_type(&from)?, object_type(&to)?);
        caller.needs(&[from, to])?;
        let Batch { inputs } = serde_json::from_slice(&body).map_err(|error| invalid(&error.to_string()))?;
        if inputs.is_empty() || inputs.len() > MAX {
            return Err(invalid(&format!("{} inputs, 1 to {MAX} are allowed", inputs.len())));
        }
        let now = format!("{:.3}", hubspot.control().now());
        let state = hubspot.state();
        let records = state.portals.get(&caller.portal_id);
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for Input { id, after } in inputs.into_iter().rev() {
            let after = after.as_deref().map(cursor).transpose()?;
            let record = records.and_then(|records| records.get(from, &id));
            let page = record.map(|record| {
                let page = record.side(from).page(to, ASSOCIATIONS_PAGE, after.as_deref(), &state.switches);
                page.ok_or_else(no_such_cursor)
            });
            match page.transpose()? {
                Some(page) if page["results"] != json!([]) => results.push(result(&id, page)),
                _ => missing.push(id),
            }
        }
        let mut body =
            json!({ "status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now });
        if missing.is_empty() {
            return Ok(Json(body).into_response());
        }
        let errors: Vec<Value> = missing.iter().map(|id| no_association(id, to.name())).collect();
        body["numErrors"] = json!(errors.len());
        body["errors"] = json!(errors);
        Ok((StatusCode::MULTI_STATUS, Json(body)).into_response())
    })
}

fn result(id: &str, mut page: Value) -> Value {
    let mut result = json!({ "from": { "id": id }, "to": page["results"].take() });
    if let Some(paging) = page.get_mut("paging") {
        result["paging"] = paging.take();
    }
    result
}

fn no_association(id: &str, to: &str) -> Value {
    json!({
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": format!("{id} has no {to}, or does not exist"),
        "context": { "fromObjectId": [id] },
    })
}
