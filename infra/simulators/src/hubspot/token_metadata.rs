//! Looking at a token, and taking it back (hubspot.md §5.3).

use super::HubSpot;
use super::oauth::{AccessToken, Grant, Refusal, USER_ID, authenticated, not_simulated};
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// The routes, of every version that still answers.
pub(super) fn router(hubspot: HubSpot) -> Router {
    Router::new()
        .route("/oauth/2026-03/token/introspect", post(introspect))
        .route("/oauth/v3/token/introspect", post(introspect))
        .route("/oauth/2026-03/token/revoke", post(revoke))
        .route("/oauth/v3/token/revoke", post(revoke))
        .with_state(hubspot)
}

/// Both take the same form. The hint is one: a token is found without it, or despite it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    token: String,
    token_type_hint: Option<Hint>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hint {
    AccessToken,
    RefreshToken,
}

type Asking = Result<Form<Asked>, FormRejection>;

async fn introspect(State(hubspot): State<HubSpot>, form: Asking) -> Response {
    answer(&hubspot, form, |asked| {
        let now = hubspot.control().now();
        let state = hubspot.state();
        let is_alive =
            |token: &&AccessToken| !token.is_expired(now) && !state.account(token.portal_id).deleted;
        let access_token = state.access_tokens.get(&asked.token).filter(is_alive);
        if let Some(token) = access_token {
            return Json(described(&state, token, &asked.client_id, now)).into_response();
        }
        let is_alive = |grant: &&Grant| !grant.revoked && !state.account(grant.portal_id).deleted;
        match state.grants.get(&asked.token).filter(is_alive) {
            Some(grant) => Json(described_grant(&state, grant, &asked.client_id)).into_response(),
            None => Json(json!({ "active": false })).into_response(),
        }
    })
}

/// Ends the refresh token; access tokens it gave out go on working until they end.
async fn revoke(State(hubspot): State<HubSpot>, form: Asking) -> Response {
    answer(&hubspot, form, |asked| {
        let mut state = hubspot.state();
        let names_access_token = asked.token_type_hint == Some(Hint::AccessToken);
        if names_access_token || state.access_tokens.contains_key(&asked.token) {
            return not_simulated("revoking an access token");
        }
        if let Some(grant) = state.grants.get_mut(&asked.token) {
            grant.revoked = true;
        }
        StatusCode::OK.into_response()
    })
}

fn answer(hubspot: &HubSpot, form: Asking, work: impl FnOnce(Asked) -> Response) -> Response {
    let asked = match form {
        Ok(Form(asked)) => asked,
        Err(rejection) => return not_simulated(&rejection.body_text()),
    };
    let checked: Result<(), Refusal> =
        authenticated(&hubspot.state(), &asked.client_id, &asked.client_secret);
    match checked {
        Ok(()) => work(asked),
        Err(refusal) => refusal.into_response(),
    }
}

const APP_ID: u64 = 7_000_001;

fn described(state: &super::State, token: &AccessToken, client_id: &str, now: Timestamp) -> Value {
    let mut answer = common(state, token.portal_id, &token.scopes, client_id);
    answer["token_use"] = json!("access_token");
    answer["token"] = json!(token.token);
    answer["expires_in"] = json!(token.expires_in_s(now));
    answer["signed_access_token"] = json!({
        "hubId": token.portal_id,
        "userId": USER_ID,
        "appId": APP_ID,
        "hublet": "na1",
        "expiresAt": now.as_millisecond() + token.expires_in_s(now) * 1000,
    });
    answer
}

fn described_grant(state: &super::State, grant: &Grant, client_id: &str) -> Value {
    let mut answer = common(state, grant.portal_id, &grant.scopes, client_id);
    answer["token_use"] = json!("refresh_token");
    answer["token"] = json!(grant.refresh_token);
    answer
}

fn common(state: &super::State, portal_id: u64, scopes: &[String], client_id: &str) -> Value {
    let domain = state.account(portal_id).domain();
    json!({
        "active": true,
        "token_type": "Bearer",
        "hub_id": portal_id,
        "user": format!("owner@{domain}"),
        "hub_domain": domain,
        "user_id": USER_ID,
        "app_id": APP_ID,
        "client_id": client_id,
        "scopes": scopes,
        "is_private_distribution": false,
    })
}
