//! Intuit's OAuth as far as refreshing goes (quickbooks.md §5): where the endpoints are, and fresh tokens for a grant.
//!
//! A grant keeps its refresh token for 24 hours after the last change; the first refresh after that changes it, and the
//! old one is dead at once (§5.4: disputed, and the stricter of two readings). Authorising, revoking and userinfo are
//! named by the discovery document and not simulated.

use std::collections::BTreeMap;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Books, QuickBooks};
use crate::control;

const TOKEN_PATH: &str = "/oauth2/v1/tokens/bearer";

/// Life of an access token (§5.3).
const ACCESS_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Life of a refresh token that is not used: about 101 days (§5.3).
const REFRESH_LIFE: SignedDuration = SignedDuration::from_secs(8_726_400);

/// Life of a grant, however often it is refreshed: five years (§5.3).
const GRANT_LIFE: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

/// How long a refresh token stays the same (§5.4).
const ROTATION: SignedDuration = SignedDuration::from_hours(24);

/// The body, or why it is none.
type Asked = Result<Form<BTreeMap<String, String>>, FormRejection>;

/// The apps that may refresh, and what companies granted them.
#[derive(Clone, Debug, Default)]
pub(super) struct Oauth {
    /// Secrets by client id.
    clients: BTreeMap<String, String>,
    grants: Vec<Grant>,
}

/// One company's consent. It dies with its refresh token, or when it is too old.
#[derive(Clone, Debug, Serialize)]
struct Grant {
    realm_id: String,
    refresh_token: String,
    /// How often fresh tokens were given out.
    refreshed: u64,
    rotated_at: Timestamp,
    expires_at: Timestamp,
    hard_expires_at: Timestamp,
}

/// The routes, on the same address as the API.
pub(super) fn routes(quickbooks: QuickBooks) -> Router {
    Router::new()
        .route("/.well-known/openid_configuration", get(discovery))
        .route(TOKEN_PATH, post(token))
        .with_state(quickbooks)
}

impl Oauth {
    /// Lets an app in, or gives it another secret.
    pub(super) fn add_client(&mut self, client_id: String, client_secret: String) {
        self.clients.insert(client_id, client_secret);
    }

    /// A grant given now; a refresh token known already stays as it is.
    pub(super) fn add_grant(&mut self, realm_id: String, refresh_token: String, now: Timestamp) {
        if self.grants.iter().any(|grant| grant.refresh_token == refresh_token) {
            return;
        }
        self.grants.push(Grant {
            realm_id,
            refresh_token,
            refreshed: 0,
            rotated_at: now,
            expires_at: later(now, REFRESH_LIFE),
            hard_expires_at: later(now, GRANT_LIFE),
        });
    }

    /// The grants for `GET /_sim/state`, tokens included: nothing here is secret.
    pub(super) fn snapshot(&self) -> Value {
        json!(self.grants)
    }

    /// By Basic authentication only (§5.3); the secret in the body, which the discovery document lists too, is not simulated.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let pair = basic.and_then(|basic| BASE64_STANDARD.decode(basic.strip_prefix("Basic ")?).ok());
        let pair = pair.and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
        let Some((id, secret)) = pair.split_once(':') else { return false };
        self.clients.get(id).is_some_and(|known| known == secret)
    }
}

impl Grant {
    fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at.min(self.hard_expires_at)
    }

    fn refresh(&mut self, now: Timestamp) {
        if now.duration_since(self.rotated_at) >= ROTATION {
            self.refresh_token = new_token("refresh");
            self.rotated_at = now;
        }
        self.refreshed += 1;
        self.expires_at = later(now, REFRESH_LIFE).min(self.hard_expires_at);
    }
}

fn later(now: Timestamp, life: SignedDuration) -> Timestamp {
    now.checked_add(life).unwrap_or(Timestamp::MAX)
}

fn new_token(kind: &str) -> String {
    format!("{kind}-{}", Uuid::new_v4().simple())
}

/// Every endpoint on this server, as it was addressed.
async fn discovery(headers: HeaderMap) -> Json<Value> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let at = |path: &str| format!("http://{host}{path}");
    Json(json!({
        "issuer": at("/op/v1"),
        "authorization_endpoint": at("/connect/oauth2"),
        "token_endpoint": at(TOKEN_PATH),
        "userinfo_endpoint": at("/v1/openid_connect/userinfo"),
        "revocation_endpoint": at("/v2/oauth2/tokens/revoke"),
        "jwks_uri": at("/op/v1/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile", "address", "phone"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
    }))
}

async fn token(State(quickbooks): State<QuickBooks>, headers: HeaderMap, form: Asked) -> Response {
    let now = quickbooks.control.now();
    let answered = refreshed(&mut quickbooks.books(), &headers, form, now);
    let answer = answered.map_or_else(IntoResponse::into_response, |tokens| Json(tokens).into_response());
    ([(header::CACHE_CONTROL, "no-cache, no-store")], answer).into_response()
}

/// Fresh tokens, once the caller, what it asks and the grant are in order.
fn refreshed(books: &mut Books, headers: &HeaderMap, form: Asked, now: Timestamp) -> Result<Value, Refusal> {
    if !books.oauth.knows(headers) {
        return Err(Refusal::InvalidClient);
    }
    let Form(form) = form.map_err(|_| Refusal::InvalidRequest)?;
    let field = |name: &str| form.get(name).filter(|value| !value.is_empty());
    if field("grant_type").ok_or(Refusal::InvalidRequest)? != "refresh_token" {
        return Err(Refusal::UnsupportedGrantType);
    }
    let presented = field("refresh_token").ok_or(Refusal::InvalidRequest)?;
    let mut grants = books.oauth.grants.iter_mut();
    let grant = grants.find(|grant| grant.refresh_token == *presented && grant.is_alive(now));
    let grant = grant.ok_or(Refusal::InvalidGrant)?;
    let company = books.companies.get_mut(&grant.realm_id).ok_or(Refusal::InvalidGrant)?;
    grant.refresh(now);
    let access_token = new_token("access");
    company.tokens.insert(access_token.clone(), Some(later(now, ACCESS_LIFE)));
    let mut tokens = json!({
        "token_type": "bearer",
        "access_token": access_token,
        "expires_in": ACCESS_LIFE.as_secs(),
        "refresh_token": grant.refresh_token,
        "x_refresh_token_expires_in": grant.expires_at.duration_since(now).as_secs(),
    });
    if headers.get("x-include-refresh-token-hard-expires-in").is_some_and(|value| value == "true") {
        let left = grant.hard_expires_at.duration_since(now).as_secs();
        tokens["x_refresh_token_hard_expires_in"] = json!(left);
    }
    Ok(tokens)
}

/// Why there are no tokens (§5.5).
enum Refusal {
    InvalidClient,
    InvalidRequest,
    InvalidGrant,
    UnsupportedGrantType,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let bad = |body: Value| (StatusCode::BAD_REQUEST, Json(body)).into_response();
        match self {
            Refusal::InvalidClient => {
                (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response()
            }
            Refusal::InvalidRequest => bad(json!({"error": "invalid_request"})),
            Refusal::InvalidGrant => bad(
                json!({"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"}),
            ),
            // The service knows another one, for the code of a new connection, which is not simulated.
            Refusal::UnsupportedGrantType => {
                control::unexpected(bad(json!({"error": "unsupported_grant_type"})))
            }
        }
    }
}
