//! Writing properties of a record (hubspot.md §6.6): all that is named, or nothing. Standard properties that hold numbers
//! or dates take nothing else.

use super::HubSpot;
use super::api::{Refusal, answer, invalid};
use super::crm::object_type;
use super::object_type::{ObjectType, ValueType};
use super::quote::{self, Properties};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    properties: Properties,
}

/// What HubSpot alone writes.
const READ_ONLY: [&str; 4] = ["hs_object_id", "hs_locked", "hs_payment_status", "hs_payment_date"];

/// Why a standard property cannot hold a value; an empty one clears it.
fn misfit(kind: ObjectType, name: &str, value: Option<&str>) -> Option<String> {
    let value = value.filter(|value| !value.is_empty())?;
    let is_millis = || value.parse::<i64>().is_ok();
    let is_moment = || value.parse::<Timestamp>().is_ok() || is_millis();
    let (fits, what) = match kind.value_type(name) {
        ValueType::Any => return None,
        ValueType::Number => (value.parse::<Decimal>().is_ok(), "a valid number"),
        ValueType::Day => (value.parse::<Date>().is_ok() || is_millis(), "a valid date"),
        ValueType::Moment => (is_moment() || value.parse::<Date>().is_ok(), "a valid point in time"),
    };
    (!fits).then(|| format!("Property values were not valid: {value} of {name} is not {what}"))
}

/// `PATCH /crm/objects/2026-03/{kind}/{id}` and its v3 twin.
pub(super) async fn write(
    State(hubspot): State<HubSpot>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&hubspot, &headers, |caller| {
        let kind = object_type(&kind)?;
        caller.needs_scopes([kind.write_scope()])?;
        let asked: Body = serde_json::from_slice(&body).map_err(|error| invalid(&error.to_string()))?;
        let now = hubspot.control().now();
        let mut state = hubspot.state();
        let switch = state.switches.clone();
        let records = state.portals.get_mut(&caller.portal_id).ok_or(Refusal::NotFound)?;
        let record = records.get(kind, &id).ok_or(Refusal::NotFound)?;
        if kind == ObjectType::CommercePayments {
            return Err(invalid("payments made by HubSpot are read-only"));
        }
        for name in asked.properties.keys() {
            if READ_ONLY.contains(&name.as_str()) || kind.date_properties().contains(&name.as_str()) {
                return Err(invalid(&format!("{name} is a read only property")));
            }
            if !records.knows(kind, name) {
                return Err(Refusal::NoProperty(name.clone()));
            }
        }
        if let Some(why) =
            asked.properties.iter().find_map(|(name, value)| misfit(kind, name, value.as_deref()))
        {
            return Err(invalid(&why));
        }
        let is_own = |name: &str| !kind.has_standard_property(name);
        if kind == ObjectType::Quotes
            && let Some(why) =
                quote::refusal(&record.properties, &asked.properties, is_own, switch.locked_quote)
        {
            return Err(invalid(&why));
        }
        let names: Vec<String> = asked.properties.keys().cloned().collect();
        let record = records.get_mut(kind, &id).ok_or(Refusal::NotFound)?;
        let [_, updated] = kind.date_properties();
        match kind {
            ObjectType::Quotes => quote::change(&mut record.properties, asked.properties),
            _ => record.properties.extend(asked.properties),
        }
        record.properties.insert(updated.to_owned(), Some(format!("{now:.3}")));
        let record = records.get(kind, &id).ok_or(Refusal::NotFound)?;
        Ok(Json(records.view(kind, record, &names, &[], &switch)))
    })
}
