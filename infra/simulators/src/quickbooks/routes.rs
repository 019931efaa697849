//! Intuit's routes, and what each does (quickbooks.md §1.1).

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get, post};
use serde_json::json;

use super::call::Call;
use super::change;
use super::create::{self, Moment};
use super::fault::{Fault, Reason};
use super::sales::Kind;
use super::state::Company;
use super::{QuickBooks, batch, cdc, exchange, oauth, select, send};

/// Every route of Intuit's that is simulated.
pub(super) fn vendor(quickbooks: QuickBooks) -> Router {
    let fixed = Router::new()
        .route("/v3/company/{realm}/query", get(query).post(query))
        .route("/v3/company/{realm}/batch", post(run_batch))
        .route("/v3/company/{realm}/cdc", get(changes))
        .route("/v3/company/{realm}/exchangerate", get(exchange_rate))
        .route("/v3/company/{realm}/companyinfo/{id}", get(read_company_info))
        .route("/v3/company/{realm}/preferences", get(read_preferences));
    let writing = create::makeable().fold(fixed, |router, entity| {
        let path = format!("/v3/company/{{realm}}/{}", entity.to_lowercase());
        router.route(&path, post(async move |State(quickbooks), call| write(quickbooks, call, entity).await))
    });
    let reading = create::makeable().chain(ONLY_READABLE).fold(writing, |router, entity| {
        let path = format!("/v3/company/{{realm}}/{}/{{id}}", entity.to_lowercase());
        router.route(&path, get(async move |State(quickbooks), call| read(quickbooks, call, entity).await))
    });
    let sending = Kind::ALL.into_iter().fold(reading, |router, kind| {
        let path = format!("/v3/company/{{realm}}/{}/{{id}}/send", kind.entity().to_lowercase());
        router.route(&path, post(async move |State(quickbooks), call| send(quickbooks, call, kind).await))
    });
    let anything_else = sending.route("/v3/company/{realm}/{*rest}", any(no_such_path));
    anything_else.with_state(quickbooks.clone()).merge(oauth::routes(quickbooks))
}

/// What can be read by its `Id`, beside what can be written.
const ONLY_READABLE: [&str; 3] = ["CompanyCurrency", "TaxCode", "TaxRate"];

async fn query(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    quickbooks.answer(&call, "", |company, now| select::run(company, &call.statement()?, now)).await
}

async fn run_batch(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    let body = call.object();
    let scope = body.as_ref().map(batch::scope).unwrap_or_default();
    quickbooks.answer(&call, &scope, |company, now| batch::run(company, &body?, call.request_id(), now)).await
}

async fn write(quickbooks: QuickBooks, call: Call, entity: &'static str) -> Response {
    let work = |company: &mut Company, now| {
        let (operation, any_number) = call.operation(entity, company.switches.payment_void)?;
        let body = call.object()?;
        let moment = Moment { now, horizon: u64::MAX, any_number };
        change::run(company, entity, operation, &body, moment)
    };
    quickbooks.answer(&call, "", work).await
}

async fn send(quickbooks: QuickBooks, call: Call, kind: Kind) -> Response {
    let work = |company: &mut Company, now| {
        // Intuit asks for this type and an empty body; that it refuses others is our expectation.
        call.text("application/octet-stream")?;
        let recipient = Some(call.param("sendTo")).filter(|recipient| !recipient.is_empty());
        send::run(company, kind, &call.id, recipient, now)
    };
    quickbooks.answer(&call, "", work).await
}

async fn changes(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    let work = |company: &mut Company, now| {
        cdc::run(company, call.param("entities"), call.param("changedSince"), now)
    };
    quickbooks.answer(&call, "", work).await
}

async fn exchange_rate(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    let work = |company: &mut Company, now| {
        exchange::read(company, call.param("sourcecurrencycode"), call.param("asofdate"), now)
    };
    quickbooks.answer(&call, "", work).await
}

async fn read(quickbooks: QuickBooks, call: Call, entity: &'static str) -> Response {
    let work = |company: &mut Company, _| {
        // Only pseudo tax codes have no number (§1.4).
        if entity != "TaxCode" {
            change::numeric(&call.id)?;
        }
        let row = company.row(entity, &call.id).ok_or_else(Reason::gone)?;
        Ok(json!({entity: row}))
    };
    quickbooks.answer(&call, "", work).await
}

async fn no_such_path(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    quickbooks.answer(&call, "", |_, _| Err(Fault::no_such_path(&call.path))).await
}

async fn read_company_info(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    let work = |company: &mut Company, _| {
        if call.id != company.realm_id {
            return Err(Reason::gone().into());
        }
        Ok(json!({"CompanyInfo": company.rows("CompanyInfo").first()}))
    };
    quickbooks.answer(&call, "", work).await
}

async fn read_preferences(State(quickbooks): State<QuickBooks>, call: Call) -> Response {
    let work = |company: &mut Company, _| Ok(json!({"Preferences": company.rows("Preferences").first()}));
    quickbooks.answer(&call, "", work).await
}
