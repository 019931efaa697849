//! `POST /batch` (quickbooks.md §1.6): independent items, each with its own answer or fault.
//!
//! Made to catch hasty clients: answers come in the opposite order, and no item sees what another one creates.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::create::{self, Moment};
use super::fault::{Fault, Reason};
use super::json::{Object, text};
use super::select;
use super::state::Company;

/// The API reference's limit; other pages name 10 or 50.
const MOST_ITEMS: usize = 30;

/// What a `bId` may have beside a request id, so that both together stay within 50.
const LONGEST_ITEM_ID: usize = 10;

/// The `bId`s of a batch in their order: with others, the same request id is a new request.
pub(super) fn scope(body: &Object) -> String {
    items(body).unwrap_or_default().iter().map(|item| text(item, &["bId"])).collect::<Vec<_>>().join(" ")
}

/// Runs a batch and answers `{"BatchItemResponse": […]}`.
///
/// # Errors
/// 1040 for too many items, 2020 and 2130 for their ids, 500 for what is not simulated; nothing is done then.
pub(super) fn run(
    company: &mut Company,
    body: &Object,
    request_id: Option<&str>,
    now: Timestamp,
) -> Result<Value, Fault> {
    let items = items(body)?;
    if items.len() > MOST_ITEMS {
        return Err(Fault::new(1040, format!("A batch has at most {MOST_ITEMS} items, not {}", items.len())));
    }
    items.iter().try_for_each(|item| checked(item, request_id))?;
    let moment = Moment { now, horizon: company.last_id() };
    let mut answers = Vec::new();
    // Queries first: they see the books as they were.
    for queries in [true, false] {
        let turn = items.iter().enumerate().filter(|(_, item)| item.contains_key("Query") == queries);
        for (index, item) in turn {
            answers.push((index, answered(company, item, request_id, moment)));
        }
    }
    answers.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
    let answers: Vec<_> = answers.into_iter().map(|(_, answer)| answer).collect();
    Ok(json!({"BatchItemResponse": answers}))
}

fn items(body: &Object) -> Result<Vec<&Object>, Fault> {
    let items = body.get("BatchItemRequest").and_then(Value::as_array).filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| Reason::missing("BatchItemRequest"))?;
    let objects = items.iter().map(|item| item.as_object().ok_or_else(|| Reason::missing("bId").into()));
    objects.collect()
}

fn checked(item: &Object, request_id: Option<&str>) -> Result<(), Fault> {
    let id = text(item, &["bId"]);
    if id.is_empty() {
        return Err(Reason::missing("bId").into());
    }
    if request_id.is_some() && id.len() > LONGEST_ITEM_ID {
        return Err(Fault::new(
            2130,
            format!("With a requestid, bId has at most 10 characters, unlike {id}"),
        ));
    }
    if item.contains_key("Query") {
        return Ok(());
    }
    let operation = text(item, &["operation"]);
    match payload(item) {
        Some((entity, body))
            if operation == "create" && create::can_make(entity) && !body.contains_key("Id") =>
        {
            Ok(())
        }
        payload => {
            let entity = payload.map_or("nothing", |(entity, _)| entity);
            Err(Fault::unsimulated(&format!("{operation} {entity} in a batch")))
        }
    }
}

/// The one field named after an entity.
fn payload(item: &Object) -> Option<(&str, &Object)> {
    let (name, value) = item.iter().find(|(name, _)| !matches!(name.as_str(), "bId" | "operation"))?;
    Some((name, value.as_object()?))
}

/// One item's answer: remembered under request id and `bId` together, or worked out now.
fn answered(company: &mut Company, item: &Object, request_id: Option<&str>, moment: Moment) -> Value {
    let id = text(item, &["bId"]);
    let key = request_id.map(|request_id| format!("{request_id}{id}"));
    let kept = key.as_ref().and_then(|key| company.requests.recall(key, ""));
    if let Some(answer) = kept.and_then(|kept| serde_json::from_slice(&kept).ok()) {
        return answer;
    }
    let outcome = worked_out(company, item, moment);
    let fine = outcome.is_ok();
    let mut answer = outcome.unwrap_or_else(|fault| fault.item());
    answer["bId"] = json!(id);
    if let Some(key) = key.filter(|_| fine) {
        company.requests.keep(&key, "", answer.to_string().into_bytes());
    }
    answer
}

fn worked_out(company: &mut Company, item: &Object, moment: Moment) -> Result<Value, Fault> {
    if item.contains_key("Query") {
        return select::run(company, text(item, &["Query"]), moment.now);
    }
    let (entity, body) = payload(item).ok_or_else(|| Reason::missing("operation"))?;
    create::create(company, entity, body, moment)
}
