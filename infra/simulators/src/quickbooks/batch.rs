//! `POST /batch` (quickbooks.md §1.6): independent items, each with its own answer or fault.
//!
//! Made to catch hasty clients: items are worked on and answered in another order, and none sees what another one creates.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::change::{self, Operation};
use super::create::Moment;
use super::fault::{Fault, Reason};
use super::json::{Object, text};
use super::requests::Request;
use super::select;
use super::state::Company;
use super::switches::{BatchObjects, BatchOrder};

/// What a `bId` may have beside a request id, so that both together stay within 50.
const LONGEST_ITEM_ID: usize = 10;

/// The `bId`s of a batch in their order: with others, the same request id is a new request.
pub(super) fn scope(body: &Object) -> String {
    items(body).unwrap_or_default().iter().map(|item| text(item, &["bId"])).collect::<Vec<_>>().join(" ")
}

/// Runs a batch and answers `{"BatchItemResponse": […]}`.
///
/// # Errors
/// 1040 for too many items, 2020 and 2130 for their ids, 500 and 2010 for what is not simulated; nothing is done then.
pub(super) fn run(
    company: &mut Company,
    body: &Object,
    request_id: Option<&str>,
    now: Timestamp,
) -> Result<Value, Fault> {
    let items = items(body)?;
    let most = company.switches.batch_items;
    if items.len() > most {
        return Err(Fault::new(1040, format!("A batch has at most {most} items, not {}", items.len())));
    }
    items.iter().try_for_each(|item| checked(item, request_id))?;
    let moment = Moment { now, horizon: company.last_id(), any_number: false };
    let mut order: Vec<_> = (0..items.len()).collect();
    if company.switches.batch_order == BatchOrder::Shuffled {
        shuffle(&mut order, &json!(body).to_string());
    }
    let asks = |index: &usize| items[*index].contains_key("Query");
    let (queries, writes): (Vec<usize>, Vec<usize>) = order.iter().copied().partition(asks);
    let mut room = MOST_OBJECTS.saturating_sub(writes.len());
    let mut answers = BTreeMap::new();
    // Queries first: they see the books as they were.
    for index in queries {
        let mut answer = answered(company, items[index], request_id, moment);
        fit(&mut answer, &mut room, company.switches.batch_objects);
        answers.insert(index, answer);
    }
    for index in writes {
        answers.insert(index, answered(company, items[index], request_id, moment));
    }
    let answers: Vec<_> = order.iter().filter_map(|index| answers.remove(index)).collect();
    Ok(json!({"BatchItemResponse": answers}))
}

/// Objects in one answer, all items together (quickbooks.md §1.6). What is written takes its room before what is asked.
const MOST_OBJECTS: usize = 1000;

/// Makes the answer of a query fit into the room that is left, as the switch has it, and takes it.
fn fit(answer: &mut Value, room: &mut usize, how: BatchObjects) {
    let Some(Value::Object(found)) = answer.get_mut("QueryResponse") else { return };
    let Some(rows) = found.values_mut().find_map(Value::as_array_mut) else { return };
    let asked = rows.len();
    if asked > *room && how == BatchObjects::Refused {
        let fault = Fault::new(10100, format!("A batch answers at most {MOST_OBJECTS} objects"));
        let id = answer["bId"].take();
        *answer = fault.item();
        answer["bId"] = id;
        return;
    }
    rows.truncate(*room);
    let left = rows.len();
    *room -= left;
    if left < asked {
        found.insert("maxResults".into(), json!(left));
    }
}

/// Another order, the same for the same seed, in which nothing stays where it was (Sattolo's shuffle).
fn shuffle(order: &mut [usize], seed: &str) {
    for last in (1..order.len()).rev() {
        let digest = Sha256::digest(format!("{last} {seed}"));
        let roll = usize::from(u16::from_be_bytes([digest[0], digest[1]]));
        order.swap(last, roll % last);
    }
}

/// Whether a batch holds a query, which is metered (quickbooks.md §6.2).
pub(super) fn asks(body: &Object) -> bool {
    items(body).unwrap_or_default().iter().any(|item| item.contains_key("Query"))
}

/// Core and CorePlus calls among the answers of a batch: every item counts as if sent alone, refused ones not at all.
pub(super) fn counts(answers: &[Value]) -> (u64, u64) {
    answers.iter().filter(|answer| answer.get("Fault").is_none()).fold((0, 0), |(core, plus), answer| {
        if answer.get("QueryResponse").is_some() { (core, plus + 1) } else { (core + 1, plus) }
    })
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
    let supported = payload(item).is_some_and(|(entity, body)| {
        operation(item, entity).is_ok_and(|operation| change::is_simulated(entity, operation, body))
    });
    if supported {
        return payload(item).map_or(Ok(()), |(entity, body)| change::only_simulated(entity, body));
    }
    let entity = payload(item).map_or("nothing", |(entity, _)| entity);
    Err(Fault::unsimulated(&format!("{} {entity} in a batch", text(item, &["operation"]))))
}

/// What an item asks for; in a batch every void is an update with an option (§1.6).
fn operation(item: &Object, entity: &str) -> Result<Operation, Fault> {
    match (text(item, &["operation"]), text(item, &["optionsData"])) {
        ("create", "") => Ok(Operation::Create),
        ("update", "") => Ok(Operation::Update),
        ("delete", "") => Ok(Operation::Delete),
        ("update", "void") => Operation::void(entity),
        (operation, _) => Err(Fault::unsimulated(&format!("{operation} {entity} in a batch"))),
    }
}

/// The one field named after an entity.
fn payload(item: &Object) -> Option<(&str, &Object)> {
    let (name, value) =
        item.iter().find(|(name, _)| !matches!(name.as_str(), "bId" | "operation" | "optionsData"))?;
    Some((name, value.as_object()?))
}

/// One item's answer: remembered under request id and `bId` together, or worked out now.
fn answered(company: &mut Company, item: &Object, request_id: Option<&str>, moment: Moment) -> Value {
    let id = text(item, &["bId"]);
    let key = request_id.map(|request_id| format!("{request_id}{id}"));
    let body = json!(item).to_string().into_bytes();
    let request = key.as_ref().map(|key| Request { id: key, scope: "", body: &body });
    if let Some(request) = request {
        company.requests.sight(request.id);
        let kept = company.requests.recall(request, &company.switches, moment.now);
        let mut kept = kept.and_then(|kept| match kept {
            Ok(kept) => serde_json::from_slice::<Value>(&kept).ok(),
            Err((fault, _)) => Some(fault.item()),
        });
        if let Some(kept) = &mut kept {
            kept["bId"] = json!(id);
            return kept.take();
        }
    }
    let outcome = worked_out(company, item, moment);
    let keeps = outcome.is_ok() || company.switches.cache_faults;
    let mut answer = outcome.unwrap_or_else(|fault| fault.item());
    answer["bId"] = json!(id);
    if let Some(request) = request.filter(|_| keeps) {
        company.requests.keep(request, Ok(answer.to_string().into_bytes()), moment.now);
    }
    answer
}

fn worked_out(company: &mut Company, item: &Object, moment: Moment) -> Result<Value, Fault> {
    if item.contains_key("Query") {
        return select::run(company, text(item, &["Query"]), moment.now);
    }
    let (entity, body) = payload(item).ok_or_else(|| Reason::missing("operation"))?;
    change::run(company, entity, operation(item, entity)?, body, moment)
}
