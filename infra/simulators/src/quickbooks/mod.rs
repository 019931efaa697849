//! A stateful stand-in for the QuickBooks Online Accounting API.
//!
//! It holds companies with customers, vendors, employees, items, the small lists, tax and exchange rates; makes, changes,
//! voids, deletes and sends invoices, estimates, sales receipts and takes payments for them; refreshes tokens, throttles and
//! meters; and answers as quickbooks.md §1–§8 and §12 describe. Beside the routes of [`crate::control`]
//! (`/_sim/calls`, `/_sim/faults`, `/_sim/clock`):
//!
//! | route | what |
//! | --- | --- |
//! | `GET /` | pages: the companies, their books, the calls and faults; a document also stands at `/app/invoice?txnId=…&companyId=…` and the like |
//! | `GET /_sim/state` | `{"companies": […], "grants": [{"realm_id", "refresh_token", "refreshed", …}]}`: everything, amounts exact; `calls` of a company counts Core and CorePlus calls |
//! | `GET /_sim/nonconforming` | `{"checked": …, "nonconforming": [{"side", "outcome", "method", "path", "at", "rule"}]}`: what in bodies, accepted or refused, and in answers Intuit's XSDs do not allow, where it was given them (`--xsd <folder>`) |
//! | `POST /_sim/seed` | `{"companies": [{"realm_id", "name", "legal_name", "country", "sandbox", "access_tokens", "preferences", "customers", "vendors", "employees", "items", "accounts", "payment_methods", "terms", "classes", "departments", "currencies", "tax_rates", "tax_codes", "exchange_rates", "numbers", "switches"}], "clients": [{"client_id", "client_secret", "environment", "redirect_uris", "localhost_redirects", "disconnect_url"}], "grants": [{"realm_id", "refresh_token", "client_id"}]}` adds; answers these companies |
//! | `POST /_sim/disconnect` | `{"realm_id", "client_id"}`, JSON or a form: a person disconnects that app, or all, inside QuickBooks; answers `{"ended", "disconnect_url"}`, or to a form sends the browser there |
//!
//! An access token is a string, or `{"token", "expires_at"}`; seeded ones end with the last grant of their company.
//! A grant is of a company seeded before or beside it. A client's `environment` is `"production"`, the default, or
//! `"development"`, whose keys are for companies with `"sandbox": true` and for no others; where it may send people, its
//! `redirect_uris` say: HTTPS on a domain, with development keys or `"localhost_redirects": true` also localhost.
//! `GET /connect/oauth2` connects at once when `realm_id`, or `refuse=true`, stands in its query beside what the app asks.
//! Every company begins with a few accounts, payment methods, terms and tax codes, whose ids stand in `lists`. What Intuit
//! can do and this stand-in cannot is refused and logged as unexpected: an operation with code 500, a field of Intuit's
//! with 2010. A field Intuit does not know either gets 2010 as from Intuit.
//!
//! `switches` replaces all of them; the first value is the default:
//!
//! | switch | values |
//! | --- | --- |
//! | `query_lag_seconds` | 0: for how long by the simulator's clock what was written does not show in queries and change data capture, though it can be read by its `Id`. That it shows after a quiet period is assumption A4 of the product's protocol; how long it takes is for proofs to choose |
//! | `request_id_alphabet` | `"with_hyphens"` (a UUID was taken, recorded), `"letters_and_digits"`: of what a request id may consist (2130) |
//! | `duplicate_request_status` | `"bad_request"`, `"server_error"`, `"ok"`: the HTTP status of 600 |
//! | `request_ids` | `"honour"`, `"ignore"`, `{"forget_after": seconds}` by the simulator's clock |
//! | `cache_faults` | `false`, `true` |
//! | `other_body` | `"first_answer"`, `"duplicate_id"` (600) |
//! | `in_progress` | `"duplicate_id"` (600), `"wait"`; needs `handling_ms`, how long each call is worked on by the simulator's clock, 0 by default |
//! | `duplicate_name` | `"sentence"`, `"null"`, `"id"`, `"localised"` |
//! | `missing_tax_code` | `"sentence"`, `"localised"` |
//! | `warn_duplicate_number` | `false`, `true`: 6140 where people number documents |
//! | `duplicate_number` | `"sentence"`, `"localised"` |
//! | `number_family` | `"sales_documents"`, `"type"`: which documents must not share a number |
//! | `estimates_off`, `discounts_off`, `tracking_off` | `"permission_denied"` (5020), `"not_supported"` (5030), `"allowed"`: what the company switched off |
//! | `plan` | `"plus"`, `"essentials"`, `"simple_start"`: 5030 for inventory, classes, locations; for the last also currencies |
//! | `subscription` | `"paid"`, `"ended"` (writes get 6190), `"ended_forbidden"` (the same with 403) |
//! | `negative_lines` | `"refused"` (2290), `"accepted"` |
//! | `zero_invoices` | `"allowed"`, `"refused"` (6000): invoices that come to 0 |
//! | `converted_status` | `"refused"` (2170), `"accepted"`: estimates that say `Converted` |
//! | `payment_void` | `"update_include_void"`, `"operation_void"`: the URL that voids a payment; the other form gets 500 |
//! | `kept_decimals` | of quantities and prices, 7 |
//! | `amount_tolerance` | how far an amount may be from quantity times price, 0 |
//! | `amount_decimals` | `"of_currency"` (6000 for hundredths of a yen), `"two"`: of lines, and of tax that is in them |
//! | `inclusive_tax` | `"gross_fixed"`, `"on_net"`: what is rounded where amounts include tax |
//! | `omitted_item_type` | `"refused"` (2020), `"service"` |
//! | `display_name_length` | 100 |
//! | `beyond_bmp` | `"refused"` (2040), `"kept"`: emoji |
//! | `batch_order` | `"shuffled"`, `"asked"` |
//! | `batch_items` | 30 |
//! | `batch_objects` | `"refused"` (10100), `"truncated"`: the query whose rows would make more than 1,000 objects in a batch's answer |
//! | `tax_percent` | the rate of automated sales tax, 8 |
//! | `omitted_rate` | `"one"`, `"looked_up"`: the exchange rate of a foreign document that names none |
//! | `quoted_numbers` | `"refused"` (2010), `"read"`: amounts and quantities written as texts |
//! | `query` | `{"exact_case", "any_entity_case", "clips_max_results", "order_by_in_two_words", "email_like", "doubtful_attributes"}`: `false`, `true` each; `{"most_values", "longest_statement"}`: `null` or a number |
//! | `rotated_token` | `"dies"`, `"lives_a_day"`, `"kills_grant"`: what a refresh token does after it was changed |
//! | `earlier_access_tokens` | `"die"`, `"live"`: after a refresh gave out another |
//! | `concurrent_refreshes` | `"invalid_grant"`, `"same_tokens"`: what the second of two refreshes at the same time gets; needs `handling_ms` |
//! | `foreign_keys` | `"invalid_client"`, `"invalid_grant"`: what a refresh token gets that is shown with keys of the other environment |
//! | `ended_grant` | `"wordless"` (400 without a body), `"invalid_grant"`: what the app hears that gives back a grant which has ended |
//! | `second_grant` | `"replaces"`, `"stands_beside"` the first one of the same app on the same company |
//! | `code_seconds` | how long the code of a new connection waits, 300 |
//! | `limits` | `{"per_minute", "per_second", "at_once", "batches_per_minute"}`: 500, `null`, 10 and 40 where left out; `null` for none |
//! | `quota` | `null`, or CorePlus calls a month, of all companies of the app together; sandboxes are not metered |
//! | `send_is_metered` | `true`, `false` |
//!
//! Fixed strict, no switch: whether `DueDate` or `SalesTermRef` wins (the former), the zone of the `TxnDate` nobody gave
//! (Pacific), currencies without decimals (two as everywhere), a line without `ItemRef` (2020), a colon in a name (2040), a
//! `CustomField` of more than 31 characters (2050), one counter of `Id`s for all types, and 800 calls a minute (500 are the
//! limit). Not simulated: a country told as three letters (§1.4).
//!
//! One file, one thing: `query` is the grammar, `select` its meaning over the attributes in `entities`, `dialect` what of
//! both is disputed; `fields` and `list_fields` say what a body may hold; `change` is create, update, delete and void:
//! `create` says what can be created, `customer`, `sales` (with `line`, `number`, `custom`, `discount` and `tax`) and
//! `payment` how, `roster` does it for the lists, `link` makes an invoice of an estimate, `inactive` retires a name, `undo`
//! takes transactions back, `plan` says what the company may use; `send` e-mails documents; `lists`, `currency` and
//! `exchange` are what they take from their company; `cdc` is what changed; `conformance` holds bodies against Intuit's
//! XSDs; `batch` does several at once; `oauth` lets apps in; `call` is what was asked, `answer` the way to its answer (by
//! `xml` for who did not ask for JSON), on which `requests` remembers and `traffic` counts; `state` is the books: a
//! `ledger`, which knows its past, of a `table` for each entity, whose indexes hold what is in `value`.

mod answer;
mod batch;
mod call;
mod cdc;
mod change;
pub mod conformance;
mod create;
mod currency;
mod custom;
mod customer;
mod dialect;
mod discount;
mod entities;
mod exchange;
mod fault;
mod fields;
mod inactive;
mod json;
mod ledger;
mod line;
mod link;
mod list_fields;
mod lists;
mod number;
mod oauth;
mod page;
mod payment;
mod plan;
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
mod table;
mod tax;
#[cfg(test)]
mod tests;
mod time;
mod traffic;
mod undo;
mod value;
mod xml;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn_with_state, map_response_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::control::{Clock, Control};
use conformance::{Nonconforming, Record, Schemas, observed};
use oauth::Oauth;
use state::Company;
use traffic::Meter;

/// The stand-in. Clones share their books.
#[derive(Clone, Debug, Default)]
pub struct QuickBooks {
    control: Control,
    books: Arc<Mutex<Books>>,
    answers: Arc<AtomicU64>,
    record: Option<Arc<Record>>,
}

/// The companies by realm id, and who may open them.
#[derive(Clone, Debug, Default)]
struct Books {
    companies: BTreeMap<String, Company>,
    oauth: Oauth,
    meter: Meter,
}

impl QuickBooks {
    /// No companies yet: every token is unknown until one is seeded.
    pub fn new() -> QuickBooks {
        QuickBooks::default()
    }

    /// The same, by a clock that others may share.
    pub fn with_clock(clock: Clock) -> QuickBooks {
        QuickBooks { control: Control::with_clock(clock), ..QuickBooks::default() }
    }

    /// The same, holding every accepted body and every answer against Intuit's XSDs from now on.
    pub fn checked(self, schemas: Arc<Schemas>) -> QuickBooks {
        QuickBooks { record: Some(Arc::new(Record::new(schemas))), ..self }
    }

    /// Clock, call log and faults.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Everything under one address: Intuit's routes, observed, and the control routes.
    pub fn router(&self) -> Router {
        let control_routes = Router::new()
            .route("/_sim/state", get(show_state))
            .route("/_sim/nonconforming", get(show_nonconforming))
            .route("/_sim/seed", post(take_seed))
            .with_state(self.clone())
            .merge(oauth::control_routes(self.clone()))
            .merge(page::router(self));
        self.control
            .mount(routes::vendor(self.clone()).layer(from_fn_with_state(self.clone(), observed)))
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

    /// What in accepted bodies and in answers was not as Intuit's XSDs say; nothing while they are not looked at.
    pub fn nonconforming(&self) -> Vec<Nonconforming> {
        self.record.as_ref().map(|record| record.found()).unwrap_or_default()
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

    /// A copy of a company's books, for tests that try thousands of creates.
    pub fn rehearsal(&self, realm_id: &str) -> Option<Rehearsal> {
        let company = self.books().companies.get(realm_id)?.clone();
        Some(Rehearsal { company, now: self.control.now() })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A company's books, in which things are created as by a call, and which nobody else sees. A copy takes next to nothing.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    company: Company,
    now: Timestamp,
}

impl Rehearsal {
    /// Creates an entity and answers it as kept.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn create(&mut self, entity: &str, body: &Value) -> Result<Value, String> {
        let Value::Object(body) = body else { return Err("no object".to_owned()) };
        let horizon = self.company.last_id();
        let moment = create::Moment { now: self.now, horizon, any_number: false };
        let made = create::create(&mut self.company, entity, body, moment);
        made.map(Value::Object).map_err(|fault| format!("{fault:?}"))
    }
}

async fn show_state(State(quickbooks): State<QuickBooks>) -> Json<Value> {
    Json(quickbooks.state())
}

async fn show_nonconforming(State(quickbooks): State<QuickBooks>) -> Json<Value> {
    Json(json!({"checked": quickbooks.record.is_some(), "nonconforming": quickbooks.nonconforming()}))
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
