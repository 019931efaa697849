//! The token endpoint, for a code and for a refresh, and the tokens it gives out (hubspot.md §5.2).
//!
//! Credentials that HubSpot does not know are answered 400 like a dead refresh token, as seen there: a client that takes
//! every 400 for the end of a grant would disconnect all its portals over a wrong secret of its own.
//!
//! Nothing here that holds a token or secret derives `Debug`.

use super::HubSpot;
use super::authorize::Code;
use super::switches::RefreshToken;
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
use std::iter;
use uuid::Uuid;

/// An access token the CRM accepts.
#[derive(Clone, Serialize, Deserialize)]
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
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) client_id: String,
    client_secret: String,
    /// Where people may be sent back to, besides what the app project says: an app that runs on this machine.
    #[serde(default)]
    pub(super) redirect_urls: Vec<String>,
}

/// A portal's installation of the app.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    pub(super) portal_id: u64,
    pub(super) refresh_token: String,
    pub(super) scopes: Vec<String>,
    /// The app was uninstalled, or the token revoked: nothing is given out on this grant any more.
    #[serde(default)]
    pub(super) revoked: bool,
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

/// Who installed the app.
pub(super) const USER_ID: u64 = 42;

impl AccessToken {
    /// How many seconds it has left; all of them if it never ends.
    pub(super) fn expires_in_s(&self, now: Timestamp) -> i64 {
        self.expires_at.map_or(ACCESS_TOKEN_LIFETIME.as_secs(), |end| end.duration_since(now).as_secs())
    }

    /// Whether HubSpot answers it with 401 `EXPIRED_AUTHENTICATION`.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expired || self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The form; the undocumented fields are not simulated.
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
    #[serde(default)]
    code: String,
    #[serde(default)]
    redirect_uri: String,
    code_verifier: Option<String>,
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
    let given = match asked.grant_type.as_str() {
        "authorization_code" => exchange(&hubspot, &asked),
        "refresh_token" => refresh(&hubspot, &asked),
        other => return not_simulated(&format!("the grant type {other}")),
    };
    match given {
        Ok(tokens) => Json(tokens).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Whether the app says who it is.
pub(super) fn authenticated(
    state: &super::State,
    client_id: &str,
    client_secret: &str,
) -> Result<(), Refusal> {
    let client = state.clients.get(client_id).ok_or(Refusal::ClientId)?;
    if client.client_secret == client_secret { Ok(()) } else { Err(Refusal::ClientSecret) }
}

/// The first tokens for a code. Whoever shows a code has used it up, also with the wrong address.
fn exchange(hubspot: &HubSpot, asked: &TokenRequest) -> Result<Value, Refusal> {
    let now = hubspot.control().now();
    let mut state = hubspot.state();
    authenticated(&state, &asked.client_id, &asked.client_secret)?;
    let code = state.codes.remove(&asked.code);
    let is_good = |code: &Code| code.expires_at > now && code.client_id == asked.client_id;
    let code = code.filter(is_good).ok_or(Refusal::Code)?;
    if code.redirect_uri != asked.redirect_uri {
        return Err(Refusal::RedirectUri);
    }
    if !code.is_proven_by(asked.code_verifier.as_deref()) {
        return Err(Refusal::CodeVerifier);
    }
    if state.account(code.portal_id).deleted {
        return Err(Refusal::Hub);
    }
    let grant = Grant {
        portal_id: code.portal_id,
        refresh_token: new_refresh_token(),
        scopes: code.scopes,
        revoked: false,
    };
    let tokens = give_out(&mut state, &grant, now);
    state.grants.insert(grant.refresh_token.clone(), grant);
    Ok(tokens)
}

fn refresh(hubspot: &HubSpot, asked: &TokenRequest) -> Result<Value, Refusal> {
    let now = hubspot.control().now();
    let mut state = hubspot.state();
    authenticated(&state, &asked.client_id, &asked.client_secret)?;
    let grant = state.grants.get(&asked.refresh_token).filter(|grant| !grant.revoked);
    let mut grant = grant.cloned().ok_or(Refusal::RefreshToken)?;
    if state.account(grant.portal_id).deleted {
        return Err(Refusal::Hub);
    }
    if state.switches.refresh_token == RefreshToken::Rotated {
        state.grants.remove(&grant.refresh_token);
        grant.refresh_token = new_refresh_token();
        state.grants.insert(grant.refresh_token.clone(), grant.clone());
    }
    state.refreshes += 1;
    Ok(give_out(&mut state, &grant, now))
}

fn new_refresh_token() -> String {
    format!("na1-{}", Uuid::new_v4())
}

/// As long as HubSpot tells apps to leave room for at least (hubspot.md §5.2): who keeps tokens in shorter fields loses it.
const ACCESS_TOKEN_LENGTH: usize = 512;

fn new_access_token() -> String {
    let random = iter::repeat_with(|| Uuid::new_v4().simple().to_string()).flat_map(String::into_bytes);
    let random = random.map(char::from).take(ACCESS_TOKEN_LENGTH - ACCESS_TOKEN_PREFIX.len());
    ACCESS_TOKEN_PREFIX.chars().chain(random).collect()
}

const ACCESS_TOKEN_PREFIX: &str = "access-";

/// A fresh access token on a grant, as the endpoint answers it.
fn give_out(state: &mut super::State, grant: &Grant, now: Timestamp) -> Value {
    let token = AccessToken {
        token: new_access_token(),
        portal_id: grant.portal_id,
        scopes: grant.scopes.clone(),
        expires_at: now.checked_add(ACCESS_TOKEN_LIFETIME).ok(),
        expired: false,
    };
    let answer = json!({
        "token_type": "bearer",
        "token_use": "access_token",
        "access_token": token.token,
        "refresh_token": grant.refresh_token,
        "expires_in": ACCESS_TOKEN_LIFETIME.as_secs(),
        "hub_id": grant.portal_id,
        "user_id": USER_ID,
        "scopes": grant.scopes,
    });
    state.access_tokens.insert(token.token.clone(), token);
    answer
}

/// Why no token is given out.
#[derive(Debug)]
pub(super) enum Refusal {
    ClientId,
    ClientSecret,
    RefreshToken,
    Code,
    RedirectUri,
    CodeVerifier,
    Hub,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (error, status, message) = match self {
            Self::ClientId => ("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id"),
            Self::ClientSecret => ("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret"),
            Self::RefreshToken => {
                ("invalid_grant", "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked")
            }
            Self::Code => ("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code"),
            Self::RedirectUri => {
                ("invalid_grant", "BAD_REDIRECT_URI", "redirect_uri does not match that of the auth code")
            }
            Self::CodeVerifier => ("invalid_grant", "BAD_CODE_VERIFIER", "missing or invalid code verifier"),
            Self::Hub => ("access_denied", "BAD_HUB", "the account does not exist any more"),
        };
        let body = json!({
            "error": error, "error_description": message, "status": status, "message": message
        });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

/// HubSpot may well answer this; the simulator does not.
pub(super) fn not_simulated(what: &str) -> Response {
    let text = format!("the HubSpot simulator does not know {what}");
    unexpected((StatusCode::BAD_REQUEST, Json(json!({ "status": "error", "message": text }))))
}
