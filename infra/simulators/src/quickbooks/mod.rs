//! A stateful stand-in for the QuickBooks Online Accounting API.
//!
//! It holds companies with customers, vendors, employees, items, the small lists, tax and exchange rates; makes, changes,
//! voids, deletes and sends invoices, estimates, sales receipts and takes payments for them; refreshes tokens, throttles and
//! meters; and answers as quickbooks.md §1–§8 and §12 describe. Beside the routes of [`crate::control`]:
//!
//! | route | what |
//! | --- | --- |
//! | `GET /_sim/state` | `{"companies": […], "grants": [{"realm_id", "refresh_token", "refreshed", …}]}`: everything, amounts exact; `calls` of a company counts Core and CorePlus calls |
//! | `POST /_sim/seed` | `{"companies": [{"realm_id", "name", "country", "access_tokens", "preferences", "customers", "vendors", "employees", "items", "accounts", "payment_methods", "terms", "classes", "departments", "currencies", "tax_rates", "tax_codes", "exchange_rates", "numbers", "switches"}], "clients": [{"client_id", "client_secret"}], "grants": [{"realm_id", "refresh_token"}]}` adds; answers these companies |
//!
//! An access token is a string, or `{"token", "expires_at"}`. A grant is of a company seeded before or beside it.
//! Every company begins with a few accounts, payment methods, terms and tax codes, whose ids stand in `lists`. What Intuit
//! can do and this stand-in cannot is refused with code 500 and logged as unexpected.
//!
//! `switches` replaces all of them; the first value is the default:
//!
//! | switch | values |
//! | --- | --- |
//! | `request_ids` | `"honour"`, `"ignore"`, `{"forget_after": seconds}` by the simulator's clock |
//! | `cache_faults` | `false`, `true` |
//! | `other_body` | `"first_answer"`, `"duplicate_id"` (600) |
//! | `in_progress` | `"duplicate_id"` (600), `"wait"`; needs `handling_ms`, how long each call is worked on, 0 by default |
//! | `duplicate_name` | `"sentence"`, `"null"`, `"id"`, `"localised"` |
//! | `warn_duplicate_number` | `false`, `true`: 6140 where people number documents |
//! | `duplicate_number` | `"sentence"`, `"localised"` |
//! | `number_family` | `"sales_documents"`, `"type"`: which documents must not share a number |
//! | `estimates_off` | `"permission_denied"`, `"not_supported"`, `"allowed"` |
//! | `tax_percent` | the rate of automated sales tax, 8 |
//! | `omitted_rate` | `"one"`, `"looked_up"`: the exchange rate of a foreign document that names none |
//! | `limits` | `null`, or `{"per_minute", "per_second", "at_once", "batches_per_minute"}`: 500, 10, 10 and 40 where left out |
//! | `quota` | `null`, or CorePlus calls a month |
//! | `send_is_metered` | `true`, `false` |
//!
//! One file, one thing: `query` is the grammar, `select` its meaning over the table in `entities`; `fields` says what a
//! body may hold; `change` is create, update, delete and void: `create` says what can be created, `customer`, `sales` (with
//! `line`, `number`, `discount` and `tax`) and `payment` how, `roster` changes the other lists, `inactive` retires a name,
//! `undo` takes transactions back; `send` e-mails them; `lists`, `currency` and `exchange` are what documents take from
//! their company; `cdc` is what changed; `batch` does several at once; `oauth` refreshes tokens; `call` is
//! what was asked, `answer` the way to its answer, on which `requests` remembers and `traffic` counts; `state` is the books.

mod answer;
mod batch;
mod call;
mod cdc;
mod change;
mod create;
mod currency;
mod customer;
mod discount;
mod entities;
mod exchange;
mod fault;
mod fields;
mod inactive;
mod json;
mod line;
mod lists;
mod number;
mod oauth;
mod payment;
mod query;
mod requests;
mod roster;
mod routes;
mod sales;
mod seed;
mod select;
mod send;
mod state;
mod switches;
mod tax;
#[cfg(test)]
mod tests;
mod time;
mod traffic;
mod undo;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::control::Control;
use oauth::Oauth;
use state::Company;

/// The stand-in. Clones share their books.
#[derive(Clone, Debug, Default)]
pub struct QuickBooks {
    control: Control,
    books: Arc<Mutex<Books>>,
    answers: Arc<AtomicU64>,
}

/// The companies by realm id, and who may open them.
#[derive(Clone, Debug, Default)]
struct Books {
    companies: BTreeMap<String, Company>,
    oauth: Oauth,
}

impl QuickBooks {
    /// No companies yet: every token is unknown until one is seeded.
    pub fn new() -> QuickBooks {
        QuickBooks::default()
    }

    /// Clock, call log and faults.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Everything under one address: Intuit's routes, observed, and the control routes.
    pub fn router(&self) -> Router {
        let control_routes = Router::new()
            .route("/_sim/state", get(show_state))
            .route("/_sim/seed", post(take_seed))
            .with_state(self.clone());
        self.control
            .mount(routes::vendor(self.clone()))
            // Around the faults too: Intuit's gateway puts its id on what it answers itself.
            .layer(map_response_with_state(self.clone(), with_tid))
            .merge(control_routes)
    }

    /// The answer of `GET /_sim/state`.
    pub fn state(&self) -> Value {
        let books = self.books();
        let companies: Vec<_> = books.companies.values().map(Company::snapshot).collect();
        json!({"companies": companies, "grants": books.oauth.snapshot()})
    }

    /// What `POST /_sim/seed` does; answers these companies as they are now. A refused seed changes nothing.
    ///
    /// # Errors
    /// What is wrong with the seed, in words.
    pub fn seed(&self, seed: Value) -> Result<Value, String> {
        let seed = serde_json::from_value(seed).map_err(|error| error.to_string())?;
        let mut books = self.books();
        let realm_ids = seed::apply(&mut books, seed, self.control.now())?;
        let companies: Vec<_> =
            realm_ids.iter().filter_map(|id| books.companies.get(id)).map(Company::snapshot).collect();
        Ok(json!({"companies": companies}))
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn show_state(State(quickbooks): State<QuickBooks>) -> Json<Value> {
    Json(quickbooks.state())
}

async fn take_seed(State(quickbooks): State<QuickBooks>, Json(seed): Json<Value>) -> Response {
    match quickbooks.seed(seed) {
        Ok(companies) => Json(companies).into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

/// Every answer carries an `intuit_tid`, which support asks for (quickbooks.md §1.3).
async fn with_tid(State(quickbooks): State<QuickBooks>, mut response: Response) -> Response {
    let count = quickbooks.answers.fetch_add(1, Ordering::Relaxed);
    let tid = format!("1-{:08x}-{count:024x}", quickbooks.control.now().as_second());
    if let Ok(tid) = HeaderValue::try_from(tid) {
        response.headers_mut().insert("intuit_tid", tid);
    }
    response
}
