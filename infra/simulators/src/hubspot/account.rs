//! The account behind a portal: its facts, and taking the app out of it (hubspot.md §5.3, §5.4).

use super::HubSpot;
use super::api;
use super::switches::UninstalledAccessToken;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{delete, get};
use axum::{Json, Router};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The facts of an account; a portal that is not seeded has those of [`Account::of`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) portal_id: u64,
    #[serde(default = "standard")]
    account_type: String,
    /// An IANA name.
    #[serde(default = "new_york")]
    time_zone: String,
    #[serde(default = "us_dollars")]
    company_currency: String,
    #[serde(default)]
    additional_currencies: Vec<String>,
    /// Scopes its subscription does not have.
    #[serde(default)]
    lacks_scopes: Vec<String>,
    /// The portal was deleted: no token works, none is given out (hubspot.md §5.2).
    #[serde(default)]
    pub(super) deleted: bool,
}

fn standard() -> String {
    "STANDARD".to_owned()
}

/// Not UTC: whoever takes the account's day for the world's is found out.
fn new_york() -> String {
    "America/New_York".to_owned()
}

fn us_dollars() -> String {
    "USD".to_owned()
}

/// The routes; each answers on its dated path and on the legacy one (hubspot.md §0).
pub(super) fn router(hubspot: HubSpot) -> Router {
    Router::new()
        .route("/account-info/2026-03/details", get(details))
        .route("/account-info/v3/details", get(details))
        .route("/appinstalls/2026-03/external-install", delete(uninstall))
        .route("/appinstalls/v3/external-install", delete(uninstall))
        .with_state(hubspot)
}

impl Account {
    /// An ordinary account.
    pub(super) fn of(portal_id: u64) -> Self {
        Self {
            portal_id,
            account_type: standard(),
            time_zone: new_york(),
            company_currency: us_dollars(),
            additional_currencies: Vec::new(),
            lacks_scopes: Vec::new(),
            deleted: false,
        }
    }

    /// Whether its subscription has what the scope is about.
    pub(super) fn has(&self, scope: &str) -> bool {
        !self.lacks_scopes.iter().any(|lacking| lacking == scope)
    }

    /// The customer's own web domain.
    pub(super) fn domain(&self) -> String {
        format!("portal-{}.example", self.portal_id)
    }

    /// What keeps the account from being seeded.
    pub(super) fn problem(&self) -> Option<String> {
        let unknown = TimeZone::get(&self.time_zone).is_err();
        unknown.then(|| format!("account {}: no time zone {}", self.portal_id, self.time_zone))
    }

    fn details(&self, now: Timestamp) -> Value {
        json!({
            "portalId": self.portal_id,
            "accountType": self.account_type,
            "timeZone": self.time_zone,
            "companyCurrency": self.company_currency,
            "additionalCurrencies": self.additional_currencies,
            "utcOffset": utc_offset(&self.time_zone, now),
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        })
    }
}

/// `-05:00` and the like; summer time counts.
fn utc_offset(time_zone: &str, now: Timestamp) -> String {
    let seconds = TimeZone::get(time_zone).map_or(0, |zone| zone.to_offset(now).seconds());
    let minutes = seconds.abs() / 60;
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

async fn details(State(hubspot): State<HubSpot>, headers: HeaderMap) -> Response {
    api::answer(&hubspot, &headers, |caller| {
        caller.needs_scopes(["oauth"])?;
        let now = hubspot.control().now();
        Ok(Json(hubspot.state().account(caller.portal_id).details(now)))
    })
}

async fn uninstall(State(hubspot): State<HubSpot>, headers: HeaderMap) -> Response {
    api::answer(&hubspot, &headers, |caller| {
        caller.needs_scopes(["oauth"])?;
        let mut state = hubspot.state();
        state.codes.retain(|_, code| code.portal_id != caller.portal_id);
        let grants = state.grants.values_mut().filter(|grant| grant.portal_id == caller.portal_id);
        grants.for_each(|grant| grant.revoked = true);
        if state.switches.uninstalled_access_token == UninstalledAccessToken::Dies {
            state.access_tokens.retain(|_, token| token.portal_id != caller.portal_id);
        }
        Ok(StatusCode::NO_CONTENT)
    })
}
