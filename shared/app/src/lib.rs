//! The flows: what happens between a request and its reply. The only crate that knows all the others.
//!
//! One execution, in one breath: check the signature, parse the execution, claim the idempotency key, open the portal's
//! connections, read the deal, find customer and items, write the document, freeze it, write the intent, create it, record
//! it, reply. [`action`] is that path; [`protocol`] decides each step of it.

pub mod action;
mod answer;
pub mod attempt;
pub mod budget;
pub mod clock;
pub mod config;
pub mod connect;
mod connection;
pub mod console;
mod customer;
mod delivery;
mod effects;
mod execution;
pub mod failure;
mod gate;
mod grant;
pub mod ids;
mod inputs;
mod item;
pub mod metered;
pub mod options;
mod order;
pub mod preview;
pub mod protocol;
pub mod reconcile;
pub mod refresh;
pub mod renewal;
pub mod schedule;
mod session;
pub mod telemetry;
mod web;

use config::Config;
use connection::Vendors;
use gate::Gate;
use store::{Names, Store};

/// Built once per cold start: configuration, clients and the app's credentials outlive a request.
pub struct App {
    config: Config,
    store: Store,
    gate: Gate,
    vendors: Vendors,
}

impl App {
    /// Reads the environment and the app secret, and builds the clients.
    ///
    /// # Errors
    /// What stops a cold start, as one line: a variable that is missing or malformed, or an app secret that cannot be read.
    pub async fn from_env() -> Result<Self, lambda_http::Error> {
        // A function that cannot start prints its error's debug form, and the SDK's would hold what it read.
        Self::build().await.map_err(|error| telemetry::chain(error.as_ref()).into())
    }

    async fn build() -> Result<Self, lambda_http::Error> {
        let config = Config::from_env()?;
        telemetry::begin(config.environment);
        let names = Names {
            table: config.table_name.clone(),
            app_secret: config.app_secret_id.clone(),
            token_prefix: config.token_secret_prefix.clone(),
            token_key: config.kms_key_id.clone(),
        };
        let store = Store::from_env(names).await;
        Self::over(config, store).await
    }

    /// The same over a store that somebody else has built: how one process plays many.
    ///
    /// # Errors
    /// As for [`App::from_env`].
    pub async fn over(config: Config, store: Store) -> Result<Self, lambda_http::Error> {
        let secret = store.app_secret().await?;
        Ok(Self {
            gate: Gate::new(secret.hubspot.secrets()),
            vendors: Vendors::new(&config, secret)?,
            store,
            config,
        })
    }
}
