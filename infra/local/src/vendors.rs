//! HubSpot and QuickBooks on this machine: both simulators, served, and what a person at the keyboard does to them.

use std::io;

use serde_json::Value;
use simulators::control::{self, Call, Clock, Control, Fault, Serving};
use simulators::hubspot::{HubSpot, HubSpotOptions};
use simulators::quickbooks::{QuickBooks, conformance};

use crate::{paths, world};

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Sends executions, holds deals.
    HubSpot,
    /// Keeps the books.
    QuickBooks,
}

impl std::fmt::Display for Vendor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HubSpot => "HubSpot",
            Self::QuickBooks => "QuickBooks",
        })
    }
}

/// A simulator could not be reached, or answered something else than it should.
#[derive(Debug, thiserror::Error)]
#[error("the {vendor} simulator: {problem}")]
pub struct Error {
    /// Which simulator.
    pub vendor: Vendor,
    /// What it said.
    pub problem: String,
}

/// Both simulators, on one clock; they stop when dropped.
pub struct Vendors {
    /// The HubSpot simulator.
    pub hubspot: HubSpot,
    /// The QuickBooks simulator.
    pub quickbooks: QuickBooks,
    /// Where HubSpot answers, without a slash at the end.
    pub hubspot_url: String,
    /// Where QuickBooks answers, without a slash at the end.
    pub quickbooks_url: String,
    /// A client for them, and for whatever else is on this machine.
    pub http: reqwest::Client,
    _servers: (Serving, Serving),
}

impl Vendors {
    /// Serves both on free loopback ports, HubSpot with the app project of this checkout. They know nothing yet but
    /// what HubSpot signs executions with. Where Intuit's XSDs stand beside the checkout, QuickBooks holds all bodies against them.
    ///
    /// # Errors
    /// When the app project cannot be read or there is no port to listen on.
    pub async fn start(app_secret: &Value) -> io::Result<Self> {
        let http = loopback_client().map_err(io::Error::other)?;
        let hubspot = HubSpot::new(HubSpotOptions {
            app: paths::workspace().join("infra/hubspot"),
            action_base_url: None,
            client_secret: world::key(app_secret, "hubspot", "client_secret").to_owned(),
        })?;
        let quickbooks = QuickBooks::with_clock(hubspot.control().clock().clone());
        let quickbooks = match conformance::beside_the_checkout()? {
            Some(schemas) => quickbooks.checked(schemas),
            None => quickbooks,
        };
        let servers =
            (control::serve(hubspot.router(), 0).await?, control::serve(quickbooks.router(), 0).await?);
        Ok(Self {
            hubspot,
            quickbooks,
            hubspot_url: servers.0.url.clone(),
            quickbooks_url: servers.1.url.clone(),
            http,
            _servers: servers,
        })
    }

    /// Intuit's discovery document, which names its token endpoints (quickbooks.md §5.1).
    pub fn discovery_url(&self) -> String {
        discovery_url(&self.quickbooks_url)
    }

    /// Says where the actions run, without a slash at the end; until then nothing can be enrolled.
    pub fn set_action_base_url(&self, url: &str) {
        self.hubspot.set_action_base_url(url.to_owned());
    }

    /// Seeds what is there before anybody installs the app, which runs at `public_base_url`: the portal, the company, and
    /// the app's own keys; then [`world`]'s records, if wanted.
    ///
    /// # Errors
    /// [`Error`] when a simulator refuses its seed.
    pub async fn seed(
        &self,
        public_base_url: &str,
        app_secret: &Value,
        with_records: bool,
    ) -> Result<(), Error> {
        self.seed_hubspot(&world::hubspot_app(public_base_url, app_secret)).await?;
        self.seed_quickbooks(&world::quickbooks_app(public_base_url, app_secret))?;
        if with_records {
            self.seed_hubspot(&world::hubspot()).await?;
            self.seed_quickbooks(&world::quickbooks())?;
        }
        Ok(())
    }

    /// Seeds the grants that an install and a connect would have left.
    ///
    /// # Errors
    /// [`Error`] when a simulator refuses its seed.
    pub async fn seed_grants(&self) -> Result<(), Error> {
        self.seed_hubspot(&world::hubspot_access()).await?;
        self.seed_quickbooks(&world::quickbooks_access())
    }

    /// Adds access tokens and records to HubSpot (`POST /_sim/seed`).
    ///
    /// # Errors
    /// [`Error`] when it refuses the seed.
    pub async fn seed_hubspot(&self, seed: &Value) -> Result<(), Error> {
        self.tell(Vendor::HubSpot, "seed", seed).await.map(drop)
    }

    /// Adds companies, items and customers to QuickBooks, and changes preferences (`POST /_sim/seed`).
    ///
    /// # Errors
    /// [`Error`] when it refuses the seed.
    pub fn seed_quickbooks(&self, seed: &Value) -> Result<(), Error> {
        let refused = |problem| Error { vendor: Vendor::QuickBooks, problem };
        self.quickbooks.seed(seed.clone()).map(drop).map_err(refused)
    }

    /// Asks a control route of a simulator: `POST /_sim/<what>`.
    ///
    /// # Errors
    /// [`Error`] when it cannot be reached, refuses, or does not answer JSON; no answer at all is null.
    pub async fn tell(&self, vendor: Vendor, what: &str, body: &Value) -> Result<Value, Error> {
        self.control_route(vendor, self.http.post(self.url(vendor, what)).json(body)).await
    }

    /// Reads a control route of a simulator.
    ///
    /// # Errors
    /// [`Error`] when it cannot be reached or refuses.
    pub async fn read(&self, vendor: Vendor, what: &str) -> Result<Value, Error> {
        self.control_route(vendor, self.http.get(self.url(vendor, what))).await
    }

    fn url(&self, vendor: Vendor, what: &str) -> String {
        let url = match vendor {
            Vendor::HubSpot => &self.hubspot_url,
            Vendor::QuickBooks => &self.quickbooks_url,
        };
        format!("{url}/_sim/{what}")
    }

    async fn control_route(&self, vendor: Vendor, request: reqwest::RequestBuilder) -> Result<Value, Error> {
        let failed = |problem| Error { vendor, problem };
        let answer = request.send().await.map_err(|error| failed(error.to_string()))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| failed(error.to_string()))?;
        match status.is_success() {
            true if text.is_empty() => Ok(Value::Null),
            true => serde_json::from_str(&text).map_err(|error| failed(error.to_string())),
            false => Err(failed(text)),
        }
    }

    /// The books of a company: `Invoice`, `Customer`, `Item` and more, each a list; null if there is no such company.
    pub fn books(&self, realm: &str) -> Value {
        let mut state = self.quickbooks.state();
        let companies = state["companies"].as_array_mut();
        let found =
            companies.and_then(|companies| companies.iter_mut().find(|company| company["realm_id"] == realm));
        found.map(Value::take).unwrap_or_default()
    }

    /// The calls a vendor has had so far, in order of arrival.
    pub fn calls(&self, vendor: Vendor) -> Vec<Call> {
        self.control(vendor).calls()
    }

    /// Replaces the disturbances of a vendor: a list of [`Fault`]s as JSON.
    ///
    /// # Errors
    /// [`Error`] when they are not faults.
    pub fn faults(&self, vendor: Vendor, faults: &Value) -> Result<(), Error> {
        let refused = |problem| Error { vendor, problem };
        let faults: Vec<Fault> =
            serde_json::from_value(faults.clone()).map_err(|error| refused(error.to_string()))?;
        self.control(vendor).set_faults(faults).map_err(refused)
    }

    /// The clock of both: whoever moves it, at either of their control routes too, moves it for both.
    pub fn clock(&self) -> &Clock {
        self.hubspot.control().clock()
    }

    fn control(&self, vendor: Vendor) -> &Control {
        match vendor {
            Vendor::HubSpot => self.hubspot.control(),
            Vendor::QuickBooks => self.quickbooks.control(),
        }
    }
}

/// Where a QuickBooks at this address has its discovery document.
pub(crate) fn discovery_url(quickbooks_url: &str) -> String {
    format!("{quickbooks_url}/.well-known/openid_configuration")
}

/// For this machine only: no proxy, and no certificates, which take 24 ms to read. No idle connections either: with many
/// stacks in a process they would use up the 1024 files it may usually have open.
fn loopback_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().tls_certs_only([]).pool_max_idle_per_host(0).build()
}
