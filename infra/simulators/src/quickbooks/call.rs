//! A call to Intuit's API, taken apart.

use std::collections::BTreeMap;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Path, Query, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::batch;
use super::change::Operation;
use super::fault::Fault;
use super::json::Object;
use super::state::Company;
use super::switches::PaymentVoid;

/// A request to `/v3/company/{realm}/…`, taken apart.
pub(super) struct Call {
    method: Method,
    pub(super) path: String,
    pub(super) realm: String,
    /// The last part of the path where it names a row, else empty.
    pub(super) id: String,
    params: BTreeMap<String, String>,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What most gateways take of path and query; Intuit does not publish its own limit. Longer statements are POSTed (§3.2).
const LONGEST_URL: usize = 8192;

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Call, Response> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        if request.uri().path_and_query().is_some_and(|asked| asked.as_str().len() > LONGEST_URL) {
            return Err((StatusCode::URI_TOO_LONG, "the URL is too long").into_response());
        }
        let bad =
            |error: &dyn std::fmt::Display| (StatusCode::BAD_REQUEST, error.to_string()).into_response();
        let Query(params) = Query::try_from_uri(request.uri()).map_err(|error| bad(&error))?;
        let (mut parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|error| bad(&error))?;
        let Path(mut names) =
            <Path<BTreeMap<String, String>> as axum::extract::FromRequestParts<S>>::from_request_parts(
                &mut parts, state,
            )
            .await
            .map_err(IntoResponse::into_response)?;
        let mut name = |name: &str| names.remove(name).unwrap_or_default();
        Ok(Call { method, path, realm: name("realm"), id: name("id"), params, headers: parts.headers, body })
    }
}

impl Call {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The access token.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION).strip_prefix("Bearer ").filter(|token| !token.is_empty())
    }

    /// Whether the caller asks for JSON.
    pub(super) fn accepts_json(&self) -> bool {
        self.header(header::ACCEPT).contains("application/json")
    }

    /// The `requestid`, if it has one.
    pub(super) fn request_id(&self) -> Option<&str> {
        self.params.get("requestid").map(String::as_str).filter(|id| !id.is_empty())
    }

    /// A parameter of the URL, `""` when there is none.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether it is a batch.
    pub(super) fn is_batch(&self) -> bool {
        self.path.ends_with("/batch")
    }

    /// What a write asks for, and whether its document may have any number (§1.1, §2.3).
    pub(super) fn operation(
        &self,
        entity: &str,
        payment_void: PaymentVoid,
    ) -> Result<(Operation, bool), Fault> {
        let mut operation = Operation::named(entity, self.param("operation"), payment_void)?;
        let mut any_number = false;
        for include in self.param("include").split(',').filter(|include| !include.is_empty()) {
            match include {
                "void" if operation == Operation::Update => {
                    operation = Operation::included_void(entity, payment_void)?;
                }
                "allowduplicatedocnum" => any_number = true,
                _ => return Err(Fault::unsimulated(&format!("include={include} on {entity}"))),
            }
        }
        Ok((operation, any_number))
    }

    /// Whether it would be a CorePlus call: one that gets data out (§6.2).
    pub(super) fn is_metered(&self, company: &Company) -> bool {
        let asks = || self.object().is_ok_and(|body| batch::asks(&body));
        (self.is_batch() && asks()) || (!self.is_batch() && self.gets(company))
    }

    /// Core and CorePlus calls a successful call was.
    pub(super) fn counts(&self, company: &Company, answer: &Value) -> (u64, u64) {
        match &answer["BatchItemResponse"] {
            Value::Array(items) => batch::counts(items),
            _ if self.gets(company) => (0, 1),
            _ => (1, 0),
        }
    }

    fn gets(&self, company: &Company) -> bool {
        self.method == Method::GET
            || self.path.ends_with("/query")
            || (self.path.ends_with("/send") && company.switches.send_is_metered)
    }

    /// The body of a write or batch.
    pub(super) fn object(&self) -> Result<Object, Fault> {
        let text = self.text("application/json")?;
        serde_json::from_str(text).map_err(|error| Fault::new(2010, format!("Property Name:{error}")))
    }

    /// The statement of a query: in the URL, or as the body of a POST.
    pub(super) fn statement(&self) -> Result<String, Fault> {
        if self.method == Method::GET {
            return Ok(self.params.get("query").cloned().unwrap_or_default());
        }
        self.text("application/text").map(str::to_owned)
    }

    /// The body as text, of this content type only (1050).
    pub(super) fn text(&self, content_type: &str) -> Result<&str, Fault> {
        let given = self.header(header::CONTENT_TYPE);
        if !given.starts_with(content_type) {
            return Err(Fault::new(1050, format!("Content-Type is {content_type}. Supplied value:{given}")));
        }
        let malformed =
            |_| Fault::new(500, "Operation MalformedByteSequenceException: invalid UTF-8 is not supported");
        std::str::from_utf8(&self.body).map_err(malformed)
    }
}
