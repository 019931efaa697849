//! HubSpot on this machine: the CRM reads our client makes and the workflow engine that runs our actions, over HTTP,
//! with state that can be seeded and looked at.
//!
//! It runs the actions of an app project as its files define them: adding a file to `workflow-actions/` adds an action
//! here. Beside the routes of [`crate::control`] it has
//!
//! | route | what |
//! | --- | --- |
//! | `GET /` | pages: the portals, their records and workflows' history, the calls and faults; a record also stands at `/contacts/{portal}/record/{type id}/{id}` |
//! | `GET /_sim/state` | everything it holds: tokens, records, definitions, executions with their history |
//! | `POST /_sim/seed` | adds tokens, clients, grants, accounts and records, replacing those with the same id |
//! | `POST /_sim/executions` | enrolls a record into an action; answers the workflow's history of these deliveries |
//! | `GET /_sim/executions` | `{"executions": […]}`: what became of each, with its deliveries and completions |
//! | `GET /_sim/executions/{callback_id}` | one of them; `?portal_id=` when several portals have the id |
//! | `POST /_sim/options` | opens a drop-down of the workflow editor; answers what it would show |
//! | `POST /_sim/payments` | a buyer begins to pay; answers `{"payment_id": …}` |
//! | `POST /_sim/payments/{id}` | the payment succeeds, fails or is given back |
//!
//! A deal with its contact and one line item, then its enrollment:
//!
//! ```json
//! {"access_tokens": [{"token": "t", "portal_id": 1000001, "scopes": ["crm.objects.deals.read"]}],
//!  "portals": [{"portal_id": 1000001, "objects": {
//!    "deals": [{"id": "8800000001", "properties": {"dealname": "Acme renewal"},
//!               "associations": {"contacts": ["501"], "line_items": ["601"]}}],
//!    "contacts": [{"id": "501", "properties": {"email": "ann@acme.example"}}],
//!    "line_items": [{"id": "601", "properties": {"name": "Setup fee", "quantity": "1", "price": "100"}}]}}]}
//! ```
//! ```json
//! {"action": "invoice", "portal_id": 1000001, "object_type": "DEAL", "object_id": 8800000001,
//!  "inputs": {"quickbooks_account": "default", "due_days": "30"}}
//! ```
//!
//! An associated record is its id, or `{"id": "501", "type_ids": [69, 1226]}` when its association types matter. With
//! `"clients": [{"client_id": …, "client_secret": …}]` and `"grants": [{"portal_id": …, "refresh_token": …, "scopes": […]}]`
//! seeded, the token endpoint gives out access tokens that end after 30 minutes by the simulator's clock. The app can be
//! installed as well: the consent page is `/oauth/authorize`, a client's `redirect_urls` stand beside those of the project,
//! and `"accounts": [{"portal_id": …, "time_zone": "Europe/Berlin", "company_currency": "EUR", "lacks_scopes": […]}]` says
//! what there is to know about a portal; `"tax_rates": [{"id": "4711", "percentageRate": 20}]` beside its objects is its
//! library of taxes.
//!
//! Many deals need not be written down: a portal with `"random_deals": {"count": 100}` has as many, each with a contact and up to
//! eight lines. They are drawn from `"seed"` (1), the same ones each time, in one `"currency"` (`"USD"`), sell `"products"` by these
//! names, and, with `"tax_percents": ["20", "5"]`, have one of these rates on each line; their ids count up from 1000.
//!
//! An execution whose answer says `BLOCK` waits until it is completed or its time is over by the simulator's clock. Retries
//! are shortened; `"virtual_time": true` in an enrollment lets three days of them pass at once, and `"clock_time": true`
//! leaves that to `POST /_sim/clock`. Further variations of an enrollment:
//!
//! | enrollment | what it changes |
//! | --- | --- |
//! | `"source": "TEST"` | who runs the action: `WORKFLOWS`, `AGENTS`, `COPILOT`, `STANDALONE`, `TEST` |
//! | `"callback_id": "…"`, `"uuid_callback_id": true` | the execution's id |
//! | `"drop_typed_inputs": true`, `"drop_execution_index": true` | leaves out what is not documented |
//! | `"signature": "v2"` | which signatures: `both`, `v2`, `v3`, `wrong`, `none` |
//! | `"timestamp_offset_ms": -300001` | a signed time that is off the simulator's clock |
//! | `"timeout_ms": 20000`, `"real_timeout_ms": 100` | the patience HubSpot names, and how much of it is really waited |
//! | `"deliveries": 2`, `"concurrent": 2` | the same execution again, in a row or at once |
//! | `"max_attempts": 1` | when a delivery gives up |
//! | `"any_inputs": true` | passes inputs that the workflow editor would refuse |
//! | `"any_object_type": true` | runs the action in a workflow that cannot hold it |
//!
//! What HubSpot leaves open (hubspot.md §13) are switches, set by a seed as `{"switches": {"retry_after": "seconds"}}`; those
//! left out of a seed go back to their defaults:
//!
//! | switch | default | else | what |
//! | --- | --- | --- | --- |
//! | `patience_ms` | `10000` | any | how long an action has for its answer |
//! | `retry_after` | `milliseconds` | `seconds` | how `Retry-After` on a 429 is read |
//! | `async` | `refused` | `accepted` | an answer that says `ASYNC` |
//! | `default_expiration` | `unknown` | `honoured` | the output `hs_default_expiration` |
//! | `rules_on_4xx` | `ignored` | `evaluated` | whether a 4xx's outputs choose a sentence |
//! | `block_in_4xx` | `fails` | `blocks` | a `BLOCK` in the body of a 4xx |
//! | `retry_callback_id` | `same` | `new` | what a retry calls the execution; each of its ids completes it |
//! | `empty_conditions` | `fit_nothing` | `fit_everything` | a rule without conditions |
//! | `empty_inputs` | `as_given` | `null`, `blank` | how inputs left empty arrive |
//! | `callback_unknown`, `callback_foreign` | `404` | a 4xx, 204 | completing nobody's, or another portal's, execution |
//! | `callback_completed`, `callback_expired`, `callback_not_blocked` | `400` | a 4xx, 204 | completing what is over, or does not wait |
//! | `callback_batch_max` | `100` | any | completions in one batch |
//! | `typed_outputs` | `required` | `optional` | `typedOutputs` of a completion |
//! | `line_items_key` | `line items` | `line_items`, `0-8` | the key of line items inside a record |
//! | `embedded_page` | `100` | 1 or more | associations inside a record |
//! | `association_order` | `as_made` | `reversed` | the order of a record's associations |
//! | `to_object_id` | `string` | `number` | how the associations endpoints write it |
//! | `e_commerce` | `no_substitute` | `substitute`, `needed_too` | what that scope is worth for quotes, line items and products |
//! | `locked_quote` | `refuses` | `takes_own_properties` | writing the portal's own properties on a published quote |
//! | `refresh_token` | `kept` | `rotated` | whether a refresh gives out a new refresh token |
//! | `uninstalled_access_token` | `dies` | `lives` | access tokens after an uninstall |
//!
//! Fixed on the strict side, without a switch: every type in `typedInputs` is `STRING` (§13.9), an input that depends on
//! another must be left out (§13.10), properties that `objectRequestOptions` names and a record lacks are left out (§13.11),
//! the options endpoint has ten seconds and what it does wrong empties the drop-down (§13.12), `hs_payment_status` has no
//! further values (§13.17), connecting counts towards the patience, and a redirect is not followed (§2.4).
//!
//! A bank debit for a published quote, which then is `PROCESSING`, and its end. `deal_id` and `contact_id` can stand beside
//! or in place of `quote_id`; events are `succeed`, `fail` and `refund`, the last with an `amount` or over all that is left:
//!
//! ```json
//! {"portal_id": 1000001, "quote_id": "9900000001", "amount": "120.10", "method": "ach"}
//! ```
//! ```json
//! {"portal_id": 1000001, "event": "succeed"}
//! ```
//!
//! A drop-down, opened:
//!
//! ```json
//! {"action": "invoice", "field": "payment_method", "portal_id": 1000001, "object_type_id": "0-14",
//!  "inputs": {"quickbooks_account": "9130350000000001"}, "q": "card"}
//! ```
//!
//! An input that is taken from the record is `{"property_name": "…"}` there.
//!
//! The secrets and tokens in it are stand-ins, seeded or made up here: `GET /_sim/state` shows them, since what it shows can
//! be seeded again. The pages and `GET /_sim/calls` hide them, and no secret of a real app belongs in a seed.
//!
//! It promises nothing HubSpot does not document, and is strict where HubSpot is silent.

mod account;
mod api;
mod app;
mod association_batch;
mod associations;
mod authorize;
mod callbacks;
mod crm;
mod definition;
mod delivery;
mod engine;
mod history;
mod limiter;
mod oauth;
mod object_type;
mod options;
mod page;
mod payments;
mod quote;
pub mod random_deals;
mod records;
mod seed;
mod signature;
mod switches;
mod tax_rates;
mod token_metadata;
mod wire;
mod write_back;

use crate::control::Control;
use account::Account;
use app::Auth;
use authorize::Code;
use axum::Router;
use axum::routing::{get, post};
use definition::Action;
use history::Execution;
use limiter::Limiter;
use oauth::{AccessToken, Client, Grant};
use options::Offered;
use records::Records;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};
use switches::Switches;
use tax_rates::TaxRate;

/// What a simulated HubSpot is started with.
#[derive(Clone)]
pub struct HubSpotOptions {
    /// The app project: the folder with `hsproject.json`.
    pub app: PathBuf,
    /// Replaces scheme and host of every `actionUrl` and `optionsUrl`, without a trailing slash. Until there is one, nothing can be
    /// executed: the simulator never calls the addresses of the project's files.
    pub action_base_url: Option<String>,
    /// The app's client secret; signs executions.
    pub client_secret: String,
}

impl fmt::Debug for HubSpotOptions {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app, action_base_url, .. } = self;
        let mut shown = f.debug_struct("HubSpotOptions");
        shown.field("app", app).field("action_base_url", action_base_url).finish_non_exhaustive()
    }
}

/// A simulated HubSpot. Clones share everything.
#[derive(Clone)]
pub struct HubSpot {
    shared: Arc<Shared>,
}

struct Shared {
    auth: Auth,
    actions: BTreeMap<String, Action>,
    client_secret: String,
    http: reqwest::Client,
    control: Control,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    switches: Switches,
    action_base_url: Option<String>,
    access_tokens: BTreeMap<String, AccessToken>,
    clients: BTreeMap<String, Client>,
    accounts: BTreeMap<u64, Account>,
    /// By the code itself; a used one is gone.
    codes: BTreeMap<String, Code>,
    grants: BTreeMap<String, Grant>,
    /// Access tokens given out for refresh tokens so far.
    refreshes: u64,
    /// What the last answer for a drop-down offers, by portal, action and field.
    offered: BTreeMap<(u64, String, String), Offered>,
    portals: BTreeMap<u64, Records>,
    /// By portal.
    tax_rates: BTreeMap<u64, Vec<TaxRate>>,
    limiters: BTreeMap<u64, Limiter>,
    /// Enrollment ids by callback id.
    enrollments: BTreeMap<String, u64>,
    executions: Vec<Execution>,
}

/// Definition ids are counted up from here, in the order of the actions' names.
const FIRST_DEFINITION_ID: u64 = 77_000_001;
const FIRST_ENROLLMENT_ID: u64 = 900_000_000_001;

impl HubSpot {
    /// Reads the app project and starts with an empty CRM.
    ///
    /// # Errors
    /// A file of the project cannot be read, or HubSpot would refuse or misread it: the message names file and reason.
    pub fn new(options: HubSpotOptions) -> io::Result<Self> {
        // No proxy: the actions under test run on this machine.
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let state = State { action_base_url: options.action_base_url, ..State::default() };
        Ok(Self {
            shared: Arc::new(Shared {
                actions: definition::load(&options.app)?,
                auth: app::load(&options.app)?,
                client_secret: options.client_secret,
                http: http.map_err(io::Error::other)?,
                control: Control::new(),
                state: Mutex::new(state),
            }),
        })
    }

    /// All routes: HubSpot's own, logged and open to faults, and those under `/_sim`.
    pub fn router(&self) -> Router {
        let simulator = Router::new()
            .route("/_sim/state", get(seed::show))
            .route("/_sim/seed", post(seed::plant))
            .route("/_sim/executions", get(callbacks::list).post(engine::execute))
            .route("/_sim/executions/{callback_id}", get(callbacks::show))
            .route("/_sim/options", post(options::open))
            .route("/_sim/payments", post(payments::begin))
            .route("/_sim/payments/{id}", post(payments::step))
            .with_state(self.clone())
            .merge(page::router(self));
        self.shared
            .control
            .mount(
                crm::router(self.clone())
                    .merge(oauth::router(self.clone()))
                    .merge(authorize::router(self.clone()))
                    .merge(token_metadata::router(self.clone()))
                    .merge(account::router(self.clone()))
                    .merge(tax_rates::router(self.clone()))
                    .merge(callbacks::router(self.clone())),
            )
            .merge(simulator)
    }

    /// Clock, call log and faults.
    pub fn control(&self) -> &Control {
        &self.shared.control
    }

    /// Says where the actions run now, e.g. `http://127.0.0.1:3000`.
    pub fn set_action_base_url(&self, url: String) {
        self.state().action_base_url = Some(url);
    }

    /// The definition id of each action, as `origin.actionDefinitionId` carries it.
    pub fn definition_ids(&self) -> BTreeMap<String, u64> {
        self.shared.actions.keys().cloned().zip(FIRST_DEFINITION_ID..).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, after what the clock has brought about since somebody last looked.
    fn current_state(&self) -> MutexGuard<'_, State> {
        let now = self.control().now();
        let mut state = self.state();
        state.executions.iter_mut().for_each(|execution| execution.history.expire(now));
        state
    }

    fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    fn client_secret(&self) -> &str {
        &self.shared.client_secret
    }

    fn auth(&self) -> &Auth {
        &self.shared.auth
    }

    fn action(&self, name: &str) -> Option<&Action> {
        self.shared.actions.get(name)
    }

    /// Where an address of the project's files is called; `None` as long as nobody said where actions run.
    fn local_url(&self, url: &str) -> Option<String> {
        let base = self.state().action_base_url.clone()?;
        let (_, after_scheme) = url.split_once("://")?;
        let path = after_scheme.find('/').map_or("", |start| &after_scheme[start..]);
        Some(format!("{base}{path}"))
    }

    /// Callback and enrollment id of an execution: the same enrollment for the same callback id, else a new one.
    fn identify(&self, portal_id: u64, callback_id: Option<&str>) -> (String, u64) {
        let mut state = self.state();
        let mut next = FIRST_ENROLLMENT_ID + state.enrollments.len() as u64;
        let generated = |enrollment_id: u64| format!("ap-{portal_id}-{enrollment_id}-{}-0", wire::ACTION_ID);
        // An id that was given may be one of those that are generated.
        while callback_id.is_none() && state.enrollments.contains_key(&generated(next)) {
            next += 1;
        }
        let callback_id = callback_id.map_or_else(|| generated(next), str::to_owned);
        let enrollment_id = *state.enrollments.entry(callback_id.clone()).or_insert(next);
        (callback_id, enrollment_id)
    }

    /// Counts a request against the portal's burst limit: how many are left, `None` if there was none.
    fn admit(&self, portal_id: u64) -> Option<usize> {
        let now = self.shared.control.now();
        self.state().limiters.entry(portal_id).or_default().admit(now)
    }
}

impl State {
    /// The facts of a portal's account.
    fn account(&self, portal_id: u64) -> Account {
        self.accounts.get(&portal_id).cloned().unwrap_or_else(|| Account::of(portal_id))
    }

    /// Every portal the seeds have named so far.
    fn known_portals(&self) -> BTreeSet<u64> {
        let tokens = self.access_tokens.values().map(|token| token.portal_id);
        let grants = self.grants.values().map(|grant| grant.portal_id);
        self.accounts.keys().chain(self.portals.keys()).copied().chain(tokens).chain(grants).collect()
    }

    fn knows_portal(&self, portal_id: u64) -> bool {
        self.known_portals().contains(&portal_id)
    }
}

#[cfg(test)]
mod tests;
