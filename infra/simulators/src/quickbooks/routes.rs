//! Intuit's routes: who may ask, what was asked, and the answer in Intuit's envelope (quickbooks.md §1).

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::create::{self, MAKERS, Moment};
use super::fault::{Fault, Reason};
use super::json::Object;
use super::state::Company;
use super::{QuickBooks, batch, oauth, select, time};
use crate::control;

/// Every route of Intuit's that is simulated.
pub(super) fn vendor(quickbooks: QuickBooks) -> Router {
    let fixed = Router::new()
        .route("/v3/company/{realm}/query", get(query).post(query))
        .route("/v3/company/{realm}/batch", post(run_batch))
        .route("/v3/company/{realm}/companyinfo/{id}", get(read_company_info))
        .route("/v3/company/{realm}/preferences", get(read_preferences));
    let creating = MAKERS.iter().fold(fixed, |router, (entity, _)| {
        let path = format!("/v3/company/{{realm}}/{}", entity.to_lowercase());
        router.route(&path, post(async |State(quickbooks), call| create(&quickbooks, &call, entity)))
    });
    let reading = READABLE.iter().fold(creating, |router, entity| {
        let path = format!("/v3/company/{{realm}}/{}/{{id}}", entity.to_lowercase());
        router.route(&path, get(async |State(quickbooks), call| read(&quickbooks, &call, entity)))
    });
    reading.with_state(quickbooks.clone()).merge(oauth::routes(quickbooks))
}

/// What can be read by its `Id`.
const READABLE: [&str; 4] = ["Invoice", "Estimate", "SalesReceipt", "Payment"];

async fn query(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    quickbooks.answer(&call, "", |company, now| select::run(company, &call.statement()?, now))
}

async fn run_batch(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    let body = call.object();
    let scope = body.as_ref().map(batch::scope).unwrap_or_default();
    quickbooks.answer(&call, &scope, |company, now| batch::run(company, &body?, call.request_id(), now))
}

fn create(quickbooks: &QuickBooks, call: &Call, entity: &str) -> Response {
    quickbooks.answer(call, "", |company, now| {
        if let Some(name) = ["operation", "include"].iter().find(|name| call.params.contains_key(**name)) {
            return Err(Fault::unsimulated(&format!("{name}={} on {entity}", call.params[*name])));
        }
        create::create(company, entity, &call.object()?, Moment { now, horizon: u64::MAX })
    })
}

fn read(quickbooks: &QuickBooks, call: &Call, entity: &str) -> Response {
    quickbooks.answer(call, "", |company, _| {
        if call.id.parse::<u64>().is_err() {
            let detail = format!("Id should be a valid number. Supplied value:{}", call.id);
            return Err(Reason::new(2030, detail).at("Id").into());
        }
        let row = company.row(entity, &call.id).ok_or_else(Reason::gone)?;
        Ok(json!({entity: row}))
    })
}

async fn read_company_info(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    quickbooks.answer(&call, "", |company, _| {
        if call.id != company.realm_id {
            return Err(Reason::gone().into());
        }
        Ok(json!({"CompanyInfo": company.rows("CompanyInfo").first()}))
    })
}

async fn read_preferences(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    quickbooks.answer(&call, "", |company, _| Ok(json!({"Preferences": company.rows("Preferences").first()})))
}

impl QuickBooks {
    /// Lets the call in, does the work unless its request id has been answered already, and writes the answer.
    fn answer(
        &self,
        call: &Call,
        scope: &str,
        work: impl FnOnce(&mut Company, Timestamp) -> Result<Value, Fault>,
    ) -> Response {
        let now = self.control.now();
        let mut books = self.books();
        let answered = admitted(&mut books.companies, call, now)
            .and_then(|company| once(company, call.request_id(), scope, |company| work(company, now), now));
        match answered {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response(),
            Err(fault) => refusal(&fault, call.accepts_json(), now),
        }
    }
}

/// The company, if the token opens it and the call is one that can be answered.
fn admitted<'a>(
    books: &'a mut BTreeMap<String, Company>,
    call: &Call,
    now: Timestamp,
) -> Result<&'a mut Company, Fault> {
    let token = call.bearer().ok_or_else(|| Fault::unauthenticated(3202, "EmptyField", "No bearer token"))?;
    let mut grants =
        books.values().filter_map(|company| Some((&company.realm_id, company.tokens.get(token)?)));
    let valid = |ends: &Option<Timestamp>| ends.is_none_or(|ends| now < ends);
    let realms: Vec<_> =
        grants.by_ref().filter(|(_, ends)| valid(ends)).map(|(realm_id, _)| realm_id.clone()).collect();
    if realms.is_empty() {
        return Err(Fault::unauthenticated(3200, "AuthenticationFailed", "Token expired or unknown"));
    }
    if !realms.contains(&call.realm) {
        return Err(Fault::unauthorized());
    }
    if !call.accepts_json() {
        return Err(Fault::unsimulated("without Accept: application/json (an answer in XML)"));
    }
    check_request_id(call)?;
    books.get_mut(&call.realm).ok_or_else(Fault::unauthorized)
}

/// Intuit does not publish the alphabet; letters, digits and hyphens are what a UUID has (quickbooks.md §1.5).
fn check_request_id(call: &Call) -> Result<(), Fault> {
    let Some(id) = call.request_id() else { return Ok(()) };
    let longest = if call.path.ends_with("/batch") { 36 } else { 50 };
    if id.len() <= longest && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Ok(());
    }
    let detail = format!("requestid has at most {longest} letters, digits and hyphens. Supplied value:{id}");
    Err(Fault::new(2130, detail))
}

/// Does the work and keeps its answer under the request id; the same id again gets that answer and nothing is done.
fn once(
    company: &mut Company,
    request_id: Option<&str>,
    scope: &str,
    work: impl FnOnce(&mut Company) -> Result<Value, Fault>,
    now: Timestamp,
) -> Result<Vec<u8>, Fault> {
    if let Some(answer) = request_id.and_then(|id| company.requests.recall(id, scope)) {
        return Ok(answer);
    }
    let mut answer = work(company)?;
    answer["time"] = json!(time::envelope(now));
    let body = answer.to_string().into_bytes();
    if let Some(id) = request_id.filter(|_| !holds_fault(&answer)) {
        company.requests.keep(id, scope, body.clone());
    }
    Ok(body)
}

/// A batch with a refused item is not kept as a whole; its other items are, each by itself.
fn holds_fault(answer: &Value) -> bool {
    answer["BatchItemResponse"]
        .as_array()
        .is_some_and(|items| items.iter().any(|item| item.get("Fault").is_some()))
}

fn refusal(fault: &Fault, json: bool, now: Timestamp) -> Response {
    let (content_type, body) = if json {
        ("application/json", fault.json(now).to_string())
    } else {
        ("application/xml", fault.xml(now))
    };
    let mut response = (fault.status, [(header::CONTENT_TYPE, content_type)], body).into_response();
    if fault.status == StatusCode::UNAUTHORIZED {
        let challenge = "Bearer realm=\"Intuit\", error=\"invalid_token\"";
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(challenge));
    }
    if fault.unsimulated { control::unexpected(response) } else { response }
}

/// A request to `/v3/company/{realm}/…`, taken apart.
struct Call {
    method: Method,
    path: String,
    realm: String,
    /// The last part of the path where it names a row, else empty.
    id: String,
    params: BTreeMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Call, Response> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
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

    fn bearer(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION).strip_prefix("Bearer ").filter(|token| !token.is_empty())
    }

    fn accepts_json(&self) -> bool {
        self.header(header::ACCEPT).contains("application/json")
    }

    fn request_id(&self) -> Option<&str> {
        self.params.get("requestid").map(String::as_str).filter(|id| !id.is_empty())
    }

    /// The body of a create or batch.
    fn object(&self) -> Result<Object, Fault> {
        let text = self.text("application/json")?;
        serde_json::from_str(text).map_err(|error| Fault::new(2010, format!("Property Name:{error}")))
    }

    /// The statement of a query: in the URL, or as the body of a POST.
    fn statement(&self) -> Result<String, Fault> {
        if self.method == Method::GET {
            return Ok(self.params.get("query").cloned().unwrap_or_default());
        }
        self.text("application/text").map(str::to_owned)
    }

    fn text(&self, content_type: &str) -> Result<&str, Fault> {
        let given = self.header(header::CONTENT_TYPE);
        if !given.starts_with(content_type) {
            return Err(Fault::new(1050, format!("Content-Type is {content_type}. Supplied value:{given}")));
        }
        let malformed =
            |_| Fault::new(500, "Operation MalformedByteSequenceException: invalid UTF-8 is not supported");
        std::str::from_utf8(&self.body).map_err(malformed)
    }
}
