//! What buyers do: payments that are begun, go through, fail and are given back (hubspot.md §7).
//!
//! ```text
//! payment  processing ── succeed ──> succeeded ── refund ──> partially_refunded ── refund ──> refunded
//!              └──────── fail ─────> failed
//! quote    PENDING ── a bank debit begins ──> PROCESSING ── it succeeds ──> PAID
//!             └──────────── a card payment succeeds ────────────────────────^
//! ```
//!
//! A quote whose payment fails waits for another, and a refund leaves its status alone: HubSpot documents nothing else. The
//! payment hangs on what was paid from its first moment, so that whoever takes an associated payment for money is found out.

use super::HubSpot;
use super::object_type::ObjectType;
use super::quote::text;
use super::records::{Record, Records};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Body of `POST /_sim/payments`: a buyer begins to pay a quote, a deal's payment link, or neither.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginning {
    portal_id: u64,
    quote_id: Option<String>,
    deal_id: Option<String>,
    contact_id: Option<String>,
    amount: Decimal,
    #[serde(default = "us_dollars")]
    currency: String,
    #[serde(default)]
    method: Method,
}

fn us_dollars() -> String {
    "USD".to_owned()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    #[default]
    Card,
    /// A bank debit takes days.
    Ach,
}

/// Body of `POST /_sim/payments/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    portal_id: u64,
    event: Event,
    /// Of a refund; all that is left when it is not named.
    amount: Option<Decimal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Succeed,
    Fail,
    Refund,
}

const PAYMENTS: ObjectType = ObjectType::CommercePayments;

/// `POST /_sim/payments`: answers `{"payment_id": …}`, or 400 and nothing has changed.
pub(super) async fn begin(State(hubspot): State<HubSpot>, body: String) -> Response {
    let now = hubspot.control().now();
    let begun =
        serde_json::from_str::<Beginning>(&body).map_err(|error| error.to_string()).and_then(|asked| {
            let mut state = hubspot.state();
            let records = state.portals.get_mut(&asked.portal_id).ok_or("there is no such portal")?;
            asked.begin(records, now)
        });
    match begun {
        Ok(payment_id) => Json(json!({ "payment_id": payment_id })).into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

/// `POST /_sim/payments/{id}`: 204, or 400 and nothing has changed.
pub(super) async fn step(State(hubspot): State<HubSpot>, Path(id): Path<String>, body: String) -> Response {
    let now = hubspot.control().now();
    let taken = serde_json::from_str::<Step>(&body).map_err(|error| error.to_string()).and_then(|step| {
        let mut state = hubspot.state();
        let records = state.portals.get_mut(&step.portal_id).ok_or("there is no such portal")?;
        step.take(records, &id, now)
    });
    match taken {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

impl Beginning {
    fn begin(&self, records: &mut Records, now: Timestamp) -> Result<String, String> {
        let ends = [
            (ObjectType::Quotes, &self.quote_id),
            (ObjectType::Deals, &self.deal_id),
            (ObjectType::Contacts, &self.contact_id),
        ];
        let ends: Vec<(ObjectType, &str)> =
            ends.iter().filter_map(|(kind, id)| Some((*kind, id.as_deref()?))).collect();
        if let Some((kind, id)) = ends.iter().find(|(kind, id)| records.get(*kind, id).is_none()) {
            return Err(format!("there is no {} {id}", kind.name()));
        }
        if self.amount <= Decimal::ZERO {
            return Err("a payment is over more than nothing".to_owned());
        }
        if let Some(quote) = self.quote_id.as_deref().and_then(|id| records.get_mut(ObjectType::Quotes, id)) {
            if text(&quote.properties, "hs_payment_status") != Some("PENDING") {
                return Err("the quote does not wait for a payment".to_owned());
            }
            if self.method == Method::Ach {
                set(quote, [("hs_payment_status", "PROCESSING".to_owned())], now);
            }
        }
        let payment_id = records.unused_id(PAYMENTS);
        records.put(PAYMENTS, self.payment(&payment_id, now), now);
        for (kind, id) in ends {
            records.link((PAYMENTS, &payment_id), (kind, id));
        }
        Ok(payment_id)
    }

    fn payment(&self, id: &str, now: Timestamp) -> Record {
        let source = if self.quote_id.is_some() { "QUOTE" } else { "SALES_CHECKOUT" };
        let method = if self.method == Method::Ach { "ach" } else { "card" };
        let properties = [
            ("hs_latest_status", "processing".to_owned()),
            ("hs_initial_amount", self.amount.to_string()),
            ("hs_net_amount", self.amount.to_string()),
            ("hs_refunds_amount", "0".to_owned()),
            ("hs_currency_code", self.currency.clone()),
            ("hs_initiated_date", format!("{now:.3}")),
            ("hs_payment_method_type", method.to_owned()),
            ("hs_processor_type", "hs_payments".to_owned()),
            ("hs_payment_source_app", source.to_owned()),
            ("hs_payment_type", "one_time_or_initial".to_owned()),
        ];
        Record::new(id, properties.map(|(name, value)| (name.to_owned(), Some(value))).into())
    }
}

impl Step {
    fn take(&self, records: &mut Records, id: &str, now: Timestamp) -> Result<(), String> {
        let payment = records.get_mut(PAYMENTS, id).ok_or_else(|| format!("there is no payment {id}"))?;
        let status = text(&payment.properties, "hs_latest_status").unwrap_or_default().to_owned();
        match (self.event, status.as_str()) {
            (Event::Succeed, "processing") => {
                set(payment, [("hs_latest_status", "succeeded".to_owned())], now)
            }
            (Event::Fail, "processing") => set(payment, [("hs_latest_status", "failed".to_owned())], now),
            (Event::Refund, "succeeded" | "partially_refunded") => return self.refund(payment, now),
            (event, status) => {
                return Err(format!("a payment that is {status} cannot {event:?}").to_lowercase());
            }
        }
        let is_paid = self.event == Event::Succeed;
        let quotes = payment.associated(ObjectType::Quotes);
        for quote_id in quotes {
            let Some(quote) = records.get_mut(ObjectType::Quotes, &quote_id) else { continue };
            let status = if is_paid { "PAID" } else { "PENDING" };
            set(quote, [("hs_payment_status", status.to_owned())], now);
            if is_paid {
                set(quote, [("hs_payment_date", format!("{now:.3}"))], now);
            }
        }
        Ok(())
    }

    fn refund(&self, payment: &mut Record, now: Timestamp) -> Result<(), String> {
        let amount = |name| text(&payment.properties, name).and_then(|text| text.parse::<Decimal>().ok());
        let initial = amount("hs_initial_amount").ok_or("the payment has no hs_initial_amount")?;
        let before = amount("hs_refunds_amount").unwrap_or_default();
        let left = initial.checked_sub(before).ok_or("hs_refunds_amount is no such amount")?;
        let asked = self.amount.unwrap_or(left);
        let refunded =
            before.checked_add(asked).filter(|refunded| asked > Decimal::ZERO && *refunded <= initial);
        let refunded = refunded.ok_or_else(|| format!("{asked} of {left} cannot be refunded"))?;
        let status = if refunded == initial { "refunded" } else { "partially_refunded" };
        let changes = [
            ("hs_latest_status", status.to_owned()),
            ("hs_refunds_amount", refunded.to_string()),
            ("hs_net_amount", (initial - refunded).to_string()),
        ];
        set(payment, changes, now);
        Ok(())
    }
}

fn set<const N: usize>(record: &mut Record, changes: [(&str, String); N], now: Timestamp) {
    let dated = changes.into_iter().chain([("hs_lastmodifieddate", format!("{now:.3}"))]);
    let dated: BTreeMap<_, _> = dated.map(|(name, value)| (name.to_owned(), Some(value))).collect();
    record.properties.extend(dated);
}
