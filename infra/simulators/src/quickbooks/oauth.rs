//! Intuit's OAuth (quickbooks.md §5): a person lets an app into a company, and the app keeps itself let in.
//!
//! The discovery document says where everything is; `authorize` asks the person and gives out a code, `token` takes codes
//! and refresh tokens, `revoke` ends a grant. Signing in with Intuit (`openid`: id token, keys, userinfo) is named by the
//! discovery document and not simulated.

mod authorize;
mod client;
mod code;
mod discovery;
mod grant;
mod page;
mod revoke;
mod token;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::QuickBooks;

pub(super) use client::Client;
pub(super) use grant::GrantSeed;

/// The apps that may be connected, and what companies granted them.
#[derive(Clone, Debug, Default)]
pub(super) struct Oauth {
    clients: BTreeMap<String, Client>,
    codes: BTreeMap<String, code::Code>,
    /// Ended ones stay: their tokens are refused for being theirs.
    grants: Vec<grant::Grant>,
}

/// Intuit's routes, on the same address as the API.
pub(super) fn routes(quickbooks: QuickBooks) -> Router {
    discovery::router()
        .merge(authorize::router(quickbooks.clone()))
        .merge(token::router(quickbooks.clone()))
        .merge(revoke::router(quickbooks))
}

/// The control route: what a person does inside QuickBooks.
pub(super) fn control_routes(quickbooks: QuickBooks) -> Router {
    revoke::control_router(quickbooks)
}

impl Oauth {
    /// Lets an app in; one that is known already is what it is now, and keeps its grants.
    pub(super) fn add_client(&mut self, client: Client) {
        self.clients.insert(client.client_id.clone(), client);
    }

    /// The app that was given this access token.
    pub(super) fn client_of(&self, access_token: &str) -> Option<&str> {
        self.grants.iter().find_map(|grant| grant.holder_of(access_token))
    }

    /// The grants for `GET /_sim/state`, refresh tokens included: nothing here is secret.
    pub(super) fn snapshot(&self) -> Value {
        json!(self.grants)
    }
}

fn later(now: Timestamp, life: SignedDuration) -> Timestamp {
    now.checked_add(life).unwrap_or(Timestamp::MAX)
}

/// A text nobody guesses: `head`, and then as much chance as makes it so many characters long.
fn new_token(head: &str, length: usize) -> String {
    let missing = length.saturating_sub(head.len());
    // Sixteen bytes are more than 21 characters.
    let chance: Vec<_> = (0..=missing / 21).flat_map(|_| Uuid::new_v4().into_bytes()).collect();
    let mut token = head.to_owned() + &BASE64_URL_SAFE_NO_PAD.encode(chance);
    token.truncate(length.max(head.len()));
    token
}

/// Why there are no tokens, or none is revoked (§5.5).
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// `invalid_client`: keys unknown, or of the other environment.
    Client,
    /// `invalid_request`: something is missing, or the body is of the wrong type.
    Request,
    /// `invalid_grant`: a code, or a token to revoke, that is unknown or no longer good.
    Token,
    /// 400 and nothing else: a token to revoke that is no longer good.
    Wordless,
    /// `invalid_grant`: the same for a refresh token.
    RefreshToken,
    /// `invalid_grant`: good, but another app's.
    OtherClient,
    /// `unsupported_grant_type`.
    GrantType,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let grant = |why: &str| json!({"error": "invalid_grant", "error_description": why});
        let (status, body) = match self {
            Refusal::Wordless => return StatusCode::BAD_REQUEST.into_response(),
            Refusal::Client => (StatusCode::UNAUTHORIZED, json!({"error": "invalid_client"})),
            Refusal::Request => (StatusCode::BAD_REQUEST, json!({"error": "invalid_request"})),
            Refusal::Token => (StatusCode::BAD_REQUEST, grant("Token invalid")),
            Refusal::RefreshToken => (StatusCode::BAD_REQUEST, grant("Incorrect or invalid refresh token")),
            Refusal::OtherClient => (StatusCode::BAD_REQUEST, grant("Incorrect Token type or clientID")),
            Refusal::GrantType => (StatusCode::BAD_REQUEST, json!({"error": "unsupported_grant_type"})),
        };
        (status, Json(body)).into_response()
    }
}
