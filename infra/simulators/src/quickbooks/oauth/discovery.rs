//! The discovery documents, which say where everything else is (quickbooks.md §5.1).

use axum::http::{HeaderMap, header};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{authorize, revoke, token};

/// The routes: production and sandbox, each also with the slash that Intuit's Python client puts behind it.
pub(super) fn router() -> Router {
    ["openid_configuration", "openid_sandbox_configuration"].iter().fold(Router::new(), |router, name| {
        router
            .route(&format!("/.well-known/{name}"), get(discovery))
            .route(&format!("/.well-known/{name}/"), get(discovery))
    })
}

/// Every endpoint on this server, as it was addressed. Userinfo and keys are named as Intuit names them, and not simulated.
async fn discovery(headers: HeaderMap) -> Json<Value> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let at = |path: &str| format!("http://{host}{path}");
    Json(json!({
        "issuer": at("/op/v1"),
        "authorization_endpoint": at(authorize::PATH),
        "token_endpoint": at(token::PATH),
        "userinfo_endpoint": at("/v1/openid_connect/userinfo"),
        "revocation_endpoint": at(revoke::PATH),
        "jwks_uri": at("/op/v1/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile", "address", "phone"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
    }))
}
