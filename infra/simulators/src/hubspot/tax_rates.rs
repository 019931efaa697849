//! The portal's library of tax rates (hubspot.md §6.5). Which scope it takes is told in two ways, `tax_rates.read` and
//! `crm.objects.quotes.read` (§5.5): strict here, the first.

use super::HubSpot;
use super::api::answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// One rate; the portal's seed gives each.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TaxRate {
    id: String,
    #[serde(default)]
    name: String,
    /// Percent.
    percentage_rate: serde_json::Number,
    #[serde(default)]
    label: String,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

/// The route.
pub(super) fn router(hubspot: HubSpot) -> Router {
    Router::new().route("/tax-rates/2026-03/tax-rates", get(list)).with_state(hubspot)
}

async fn list(State(hubspot): State<HubSpot>, headers: HeaderMap) -> Response {
    answer(&hubspot, &headers, |caller| {
        caller.needs_scopes(["tax_rates.read"])?;
        let state = hubspot.state();
        let rates = state.tax_rates.get(&caller.portal_id).cloned().unwrap_or_default();
        Ok(Json(json!({ "results": rates })))
    })
}
