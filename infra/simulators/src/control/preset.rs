//! The vendors' own ways to refuse, ready-made: status, headers and body as each vendor sends them, whatever was asked.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A refusal by its name. Status, body, content type and headers can be changed by the fields of the fault beside it:
/// `retry-after` is one header more, and the 403 with which QuickBooks once throttled is a 429 with another status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// 401/3200, the gateway's lower-case JSON, with `WWW-Authenticate` (quickbooks.md §1.3, §4.1): the token is not accepted.
    #[serde(rename = "quickbooks_401")]
    QuickBooks401,
    /// 403/3100, the gateway's lower-case JSON (quickbooks.md §4.1): the token is for another company, or lacks a scope.
    #[serde(rename = "quickbooks_403")]
    QuickBooks403,
    /// 429/3001 as XML, whatever `Accept` says (quickbooks.md §4.1), and no `Retry-After` (§6.1).
    #[serde(rename = "quickbooks_429_xml")]
    QuickBooks429Xml,
    /// 429/3001 as the gateway's lower-case JSON (quickbooks.md §4.1), and no `Retry-After` (§6.1).
    #[serde(rename = "quickbooks_429_json")]
    QuickBooks429Json,
    /// 500 with a `SystemFault` of code 10000 (quickbooks.md §4.2).
    #[serde(rename = "quickbooks_500")]
    QuickBooks500,
    /// 401 `EXPIRED_AUTHENTICATION` (hubspot.md §8).
    #[serde(rename = "hubspot_401")]
    HubSpot401,
    /// 403 `MISSING_SCOPES`, with the scopes that would do (hubspot.md §5.5, §8).
    #[serde(rename = "hubspot_403")]
    HubSpot403,
    /// 423 (hubspot.md §8): locked, to be tried again after 2 seconds or more.
    #[serde(rename = "hubspot_423")]
    HubSpot423,
    /// 429 of the limit over ten seconds (hubspot.md §8); no `Retry-After` is documented.
    #[serde(rename = "hubspot_429")]
    HubSpot429,
    /// 429 of the limit over a day (hubspot.md §8).
    #[serde(rename = "hubspot_429_daily")]
    HubSpot429Daily,
    /// 429 of the search limit, with the words it alone has (hubspot.md §8).
    #[serde(rename = "hubspot_429_search")]
    HubSpot429Search,
    /// 477 with `Retry-After` in seconds (hubspot.md §8): the portal is being moved to another data centre.
    #[serde(rename = "hubspot_477")]
    HubSpot477,
    /// 500 with HubSpot's standard error body (hubspot.md §8).
    #[serde(rename = "hubspot_500")]
    HubSpot500,
    /// A page for people, answered with 200. With `status` 502, 503 or 504: what a vendor's edge says (quickbooks.md §4.1).
    HtmlPage,
}

impl Preset {
    pub(super) fn answer(self, now: Timestamp) -> Response {
        match self {
            Self::QuickBooks401 => with_header(
                GATEWAY_401.json(now),
                header::WWW_AUTHENTICATE,
                r#"Bearer realm="Intuit", error="invalid_token""#,
            ),
            Self::QuickBooks403 => GATEWAY_403.json(now),
            Self::QuickBooks429Xml => GATEWAY_429.xml(now),
            Self::QuickBooks429Json => GATEWAY_429.json(now),
            Self::QuickBooks500 => system_fault(now),
            Self::HubSpot401 => {
                hubspot(401, Some("EXPIRED_AUTHENTICATION"), "The OAuth token used has expired.")
            }
            Self::HubSpot403 => missing_scopes(),
            Self::HubSpot423 => hubspot(423, None, "This resource is locked for the moment."),
            Self::HubSpot429 => over_limit("ten_secondly_rolling", Some("TEN_SECONDLY_ROLLING")),
            Self::HubSpot429Daily => over_limit("daily", Some("DAILY")),
            Self::HubSpot429Search => over_limit("secondly", None),
            Self::HubSpot477 => {
                with_header(hubspot(477, None, "This account is being moved."), header::RETRY_AFTER, "3600")
            }
            Self::HubSpot500 => hubspot(500, None, "An internal error has occurred."),
            Self::HtmlPage => Html(PAGE).into_response(),
        }
    }
}

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>We'll be right back</title></head>\
                    <body><h1>We'll be right back</h1><p>Scheduled maintenance.</p></body></html>\n";

/// A refusal of Intuit's gateway, which has JSON of its own, in lower case (quickbooks.md §4.1).
struct Gateway {
    status: u16,
    code: u16,
    name: &'static str,
    detail: &'static str,
    kind: &'static str,
}

const GATEWAY_401: Gateway = Gateway {
    status: 401,
    code: 3200,
    name: "AuthenticationFailed",
    detail: "Token expired",
    kind: "AUTHENTICATION",
};

const GATEWAY_403: Gateway = Gateway {
    status: 403,
    code: 3100,
    name: "AuthorizationFailed",
    detail: "The token was not issued for this company",
    kind: "AUTHORIZATION",
};

const GATEWAY_429: Gateway = Gateway {
    status: 429,
    code: 3001,
    name: "ThrottleExceeded",
    detail: "Too many requests for now",
    kind: "SERVICE",
};

impl Gateway {
    fn json(&self, now: Timestamp) -> Response {
        let error = json!({"message": self.message(), "detail": self.detail, "code": self.code.to_string(), "element": null});
        let body = json!({
            "warnings": null, "intuitObject": null, "fault": {"error": [error], "type": self.kind}, "report": null,
            "queryResponse": null, "batchItemResponse": [], "attachableResponse": [], "syncErrorResponse": null,
            "requestId": null, "time": now.as_millisecond(), "status": null, "cdcresponse": []
        });
        answer(self.status, Json(body))
    }

    fn xml(&self, now: Timestamp) -> Response {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
             <IntuitResponse time=\"{}\" xmlns=\"http://schema.intuit.com/finance/v3\"><Fault type=\"{}\">\
             <Error code=\"{}\"><Message>{}</Message><Detail>{}</Detail></Error></Fault></IntuitResponse>",
            pacific(now),
            self.kind,
            self.code,
            self.message(),
            self.detail,
        );
        answer(self.status, ([(header::CONTENT_TYPE, "application/xml")], body))
    }

    fn message(&self) -> String {
        format!("message={}; errorCode={:06}; statusCode={}", self.name, self.code, self.status)
    }
}

fn system_fault(now: Timestamp) -> Response {
    let error = json!({
        "Message": "An application error has occurred while processing your request",
        "Detail": "System Failure Error: the request could not be processed", "code": "10000"
    });
    answer(500, Json(json!({"Fault": {"Error": [error], "type": "SystemFault"}, "time": pacific(now)})))
}

/// Envelopes tell the time of the US Pacific coast (quickbooks.md §1.4).
fn pacific(now: Timestamp) -> String {
    let zone = TimeZone::get("America/Los_Angeles").expect("the time zone database is bundled");
    now.to_zoned_datetime(zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

fn hubspot(status: u16, category: Option<&str>, message: &str) -> Response {
    answer(status, Json(standard_error(category, message)))
}

/// HubSpot's error body; the category is left out where none is known.
fn standard_error(category: Option<&str>, message: &str) -> Value {
    let mut body = json!({"status": "error", "message": message, "correlationId": CORRELATION_ID});
    if let Some(category) = category {
        body["category"] = json!(category);
    }
    body
}

const CORRELATION_ID: &str = "5f0e9a3c-2d41-4b7e-9c86-0a1b2c3d4e5f";

fn missing_scopes() -> Response {
    let mut body =
        standard_error(Some("MISSING_SCOPES"), "The app has not been granted all required scopes.");
    body["errors"] = json!([{
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": ["crm.objects.deals.read"]}
    }]);
    answer(403, Json(body))
}

fn over_limit(limit: &str, policy: Option<&str>) -> Response {
    let mut body = json!({
        "status": "error", "message": format!("You have reached your {limit} limit."), "errorType": "RATE_LIMIT",
        "correlationId": CORRELATION_ID
    });
    if let Some(policy) = policy {
        body["policyName"] = json!(policy);
    }
    answer(429, Json(body))
}

fn with_header(mut response: Response, name: header::HeaderName, value: &'static str) -> Response {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

fn answer(status: u16, body: impl IntoResponse) -> Response {
    let status = StatusCode::from_u16(status).expect("the statuses above are HTTP's");
    (status, body).into_response()
}
