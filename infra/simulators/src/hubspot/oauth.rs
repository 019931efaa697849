//! The token endpoint, as far as a refresh takes it, and the access tokens it gives out (hubspot.md §5.2).
//!
//! Credentials that HubSpot does not know are answered 400 like a dead refresh token, as seen there: a client that takes
//! every 400 for the end of a grant would disconnect all its portals over a wrong secret of its own.

use super::HubSpot;
use crate::control::unexpected;
use axum::extract::rejection::FormRejection;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// An access token the CRM accepts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessToken {
    pub(super) token: String,
    pub(super) portal_id: u64,
    pub(super) scopes: Vec<String>,
    /// When it ends by the simulator's clock; `None` for a token that does not.
    #[serde(default)]
    expires_at: Option<Timestamp>,
    /// Ended whatever the clock says.
    #[serde(default)]
    expired: bool,
}

/// The app, as the token endpoint knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) client_id: String,
    client_secret: String,
}

/// A portal's installation of the app.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    portal_id: u64,
    pub(super) refresh_token: String,
    scopes: Vec<String>,
    /// The app was uninstalled: nothing is given out on this grant any more.
    #[serde(default)]
    revoked: bool,
}

/// The routes, of every version that still answers.
pub(super) fn router(hubspot: HubSpot) -> Router {
    Router::new()
        .route("/oauth/2026-03/token", post(token))
        .route("/oauth/v3/token", post(token))
        .route("/oauth/v1/token", post(token))
        .with_state(hubspot)
}

const ACCESS_TOKEN_LIFETIME: SignedDuration = SignedDuration::from_mins(30);

impl AccessToken {
    /// Whether HubSpot answers it with 401 `EXPIRED_AUTHENTICATION`.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expired || self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The form of a refresh; HubSpot knows no further field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    grant_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    refresh_token: String,
}

async fn token(
    State(hubspot): State<HubSpot>,
    RawQuery(query): RawQuery,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    let asked = match form {
        Ok(Form(asked)) => asked,
        Err(rejection) => return not_simulated(&rejection.body_text()),
    };
    if query.is_some() {
        return not_simulated("a query string here: credentials belong in the body");
    }
    if asked.grant_type != "refresh_token" {
        return not_simulated(&format!("the grant type {}", asked.grant_type));
    }
    match refresh(&hubspot, &asked) {
        Ok(tokens) => Json(tokens).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn refresh(hubspot: &HubSpot, asked: &TokenRequest) -> Result<Value, Refusal> {
    let now = hubspot.control().now();
    let mut state = hubspot.state();
    let client = state.clients.get(&asked.client_id).ok_or(Refusal::ClientId)?;
    if client.client_secret != asked.client_secret {
        return Err(Refusal::ClientSecret);
    }
    let grant = state.grants.get(&asked.refresh_token).filter(|grant| !grant.revoked);
    let Grant { portal_id, refresh_token, scopes, .. } = grant.cloned().ok_or(Refusal::RefreshToken)?;
    let access_token = AccessToken {
        token: format!("access-{}", Uuid::new_v4()),
        portal_id,
        scopes: scopes.clone(),
        expires_at: now.checked_add(ACCESS_TOKEN_LIFETIME).ok(),
        expired: false,
    };
    let answer = json!({
        "token_type": "bearer",
        "token_use": "access_token",
        "access_token": access_token.token,
        "refresh_token": refresh_token,
        "expires_in": ACCESS_TOKEN_LIFETIME.as_secs(),
        "hub_id": portal_id,
        "scopes": scopes,
    });
    state.access_tokens.insert(access_token.token.clone(), access_token);
    state.refreshes += 1;
    Ok(answer)
}

/// Why no token is given out.
enum Refusal {
    ClientId,
    ClientSecret,
    RefreshToken,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (error, status, message) = match self {
            Self::ClientId => ("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id"),
            Self::ClientSecret => ("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret"),
            Self::RefreshToken => {
                ("invalid_grant", "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked")
            }
        };
        let body = json!({
            "error": error, "error_description": message, "status": status, "message": message
        });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

fn not_simulated(what: &str) -> Response {
    let text = format!("the HubSpot simulator does not know {what}");
    unexpected((StatusCode::BAD_REQUEST, Json(json!({ "status": "error", "message": text }))))
}
