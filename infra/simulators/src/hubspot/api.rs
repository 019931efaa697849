//! What every call of HubSpot's API has in common: the bearer, its scopes, the burst limit, the errors (hubspot.md §8).

use super::HubSpot;
use super::limiter;
use super::object_type::ObjectType;
use super::switches::ECommerce;
use crate::control::unexpected;
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Whose token a call carries, and what it may read.
pub(super) struct Caller {
    pub(super) portal_id: u64,
    scopes: Vec<String>,
    e_commerce: ECommerce,
}

const E_COMMERCE: &str = "e-commerce";

impl Caller {
    /// Passes who may read records of all these types.
    pub(super) fn needs(&self, kinds: &[ObjectType]) -> Result<(), Refusal> {
        let has_e_commerce = self.scopes.iter().any(|granted| granted == E_COMMERCE);
        let needed = kinds.iter().flat_map(|kind| match self.e_commerce {
            ECommerce::Substitute if kind.is_commerce() && has_e_commerce => vec![],
            ECommerce::NeededToo if kind.is_commerce() => vec![kind.read_scope(), E_COMMERCE],
            _ => vec![kind.read_scope()],
        });
        self.needs_scopes(needed)
    }

    /// Passes who was granted all these scopes.
    pub(super) fn needs_scopes(&self, scopes: impl IntoIterator<Item = &'static str>) -> Result<(), Refusal> {
        let needed: BTreeSet<&'static str> = scopes.into_iter().collect();
        let missing: Vec<&'static str> =
            needed.into_iter().filter(|scope| !self.scopes.iter().any(|granted| granted == scope)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::MissingScopes(missing)) }
    }
}

/// Why a call does not get what it asked for.
#[derive(Debug)]
pub(super) enum Refusal {
    NoCredentials,
    ExpiredCredentials,
    TooManyRequests,
    MissingScopes(Vec<&'static str>),
    Invalid(String),
    /// A write to a property the portal does not have.
    NoProperty(String),
    NotFound,
    /// A refusal HubSpot does not document, with the status a switch gave it.
    Undocumented(StatusCode, String),
    /// HubSpot may well answer this; the simulator does not.
    NotSimulated(String),
}

/// The request is not as HubSpot wants it: 400.
pub(super) fn invalid(message: &str) -> Refusal {
    Refusal::Invalid(message.to_owned())
}

/// Checks bearer and burst limit, lets `work` answer, and adds the headers every answer has.
pub(super) fn answer<A: IntoResponse>(
    hubspot: &HubSpot,
    headers: &HeaderMap,
    work: impl FnOnce(Caller) -> Result<A, Refusal>,
) -> Response {
    let caller = match caller(hubspot, headers) {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    let remaining = hubspot.admit(caller.portal_id);
    let answered = if remaining.is_some() { work(caller) } else { Err(Refusal::TooManyRequests) };
    let mut response = match answered {
        Ok(answer) => answer.into_response(),
        Err(refusal) => refusal.into_response(),
    };
    let interval_ms = limiter::INTERVAL.as_secs() * 1000;
    let limits = [
        ("x-hubspot-ratelimit-max", HeaderValue::from(limiter::MAX)),
        ("x-hubspot-ratelimit-remaining", HeaderValue::from(remaining.unwrap_or(0))),
        ("x-hubspot-ratelimit-interval-milliseconds", HeaderValue::from(interval_ms)),
    ];
    response.headers_mut().extend(limits.map(|(name, value)| (header::HeaderName::from_static(name), value)));
    response
}

fn caller(hubspot: &HubSpot, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = value.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refusal::NoCredentials)?;
    let now = hubspot.control().now();
    let state = hubspot.state();
    let token = state.access_tokens.get(bearer).ok_or(Refusal::NoCredentials)?;
    if state.account(token.portal_id).deleted {
        return Err(Refusal::NoCredentials);
    }
    if token.is_expired(now) {
        return Err(Refusal::ExpiredCredentials);
    }
    let e_commerce = state.switches.e_commerce;
    Ok(Caller { portal_id: token.portal_id, scopes: token.scopes.clone(), e_commerce })
}

impl Refusal {
    /// The status it is answered with.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::ExpiredCredentials => StatusCode::UNAUTHORIZED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::MissingScopes(_) => StatusCode::FORBIDDEN,
            Self::Invalid(_) | Self::NoProperty(_) | Self::NotSimulated(_) => StatusCode::BAD_REQUEST,
            Self::Undocumented(status, _) => *status,
            Self::NotFound => StatusCode::NOT_FOUND,
        }
    }

    fn category(&self) -> &'static str {
        match self {
            Self::NoCredentials => "INVALID_AUTHENTICATION",
            Self::ExpiredCredentials => "EXPIRED_AUTHENTICATION",
            Self::TooManyRequests => "RATE_LIMITS",
            Self::MissingScopes(_) => "MISSING_SCOPES",
            Self::NotFound => "OBJECT_NOT_FOUND",
            Self::Undocumented(StatusCode::NOT_FOUND, _) => "OBJECT_NOT_FOUND",
            Self::Undocumented(StatusCode::CONFLICT, _) => "CONFLICT",
            Self::Invalid(_) | Self::NoProperty(_) | Self::NotSimulated(_) | Self::Undocumented(..) => {
                "VALIDATION_ERROR"
            }
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NoCredentials => "Authentication credentials not found.".to_owned(),
            Self::ExpiredCredentials => "The OAuth token used has expired.".to_owned(),
            Self::TooManyRequests => "You have reached your ten_secondly_rolling limit.".to_owned(),
            Self::MissingScopes(_) => "The app has not been granted all required scopes.".to_owned(),
            Self::Invalid(message) | Self::Undocumented(_, message) => message.clone(),
            Self::NoProperty(_) => "Property values were not valid".to_owned(),
            Self::NotFound => "resource not found".to_owned(),
            Self::NotSimulated(what) => format!("the HubSpot simulator does not know {what}"),
        }
    }

    /// The standard error body of hubspot.md §8; that of a 429 differs.
    fn body(&self) -> Value {
        let mut body = json!({
            "status": "error", "message": self.message(), "correlationId": Uuid::new_v4().to_string()
        });
        if let Self::TooManyRequests = self {
            body["errorType"] = json!("RATE_LIMIT");
            body["policyName"] = json!("TEN_SECONDLY_ROLLING");
            body["requestId"] = json!(Uuid::new_v4().to_string());
            body["groupName"] = json!("publicapi:oauth");
            return body;
        }
        body["category"] = json!(self.category());
        if let Self::MissingScopes(scopes) = self {
            body["errors"] = json!([{
                "message": "One or more of the following scopes are required.",
                "context": { "requiredGranularScopes": scopes },
            }]);
        }
        if let Self::NoProperty(name) = self {
            body["errors"] = json!([{
                "message": format!("Property \"{name}\" does not exist"),
                "code": "PROPERTY_DOESNT_EXIST",
                "in": name,
                "context": { "propertyName": [name] },
            }]);
        }
        body
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let answer = (self.status(), Json(self.body()));
        match self {
            Self::NotSimulated(_) => unexpected(answer),
            _ => answer.into_response(),
        }
    }
}
