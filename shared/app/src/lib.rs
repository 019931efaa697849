//! The flows: what happens between a request and its reply. The only crate that knows all the others.
//!
//! One execution, in one breath: check the signature, parse the execution, claim the idempotency key, open the portal's
//! connections, read the deal, find customer and items, write the document, freeze it, write the intent, create it, record
//! it, reply. [`action`] is that path; [`protocol`] decides each step of it.

pub mod action;
mod answer;
pub mod config;
mod connection;
mod customer;
mod effects;
mod execution;
pub mod failure;
pub mod ids;
pub mod protocol;
pub mod telemetry;

use std::sync::{Arc, Mutex, PoisonError};

use config::Config;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use store::{Names, Store};

/// Built once per cold start: configuration, clients and the app's credentials outlive a request.
pub struct App {
    config: Config,
    store: Store,
    hubspot: hubspot::Client,
    quickbooks: quickbooks::Client,
    quickbooks_sandbox: quickbooks::Client,
    signing_secrets: Mutex<SigningSecrets>,
}

/// What HubSpot signs with, and when we read it.
#[derive(Clone)]
struct SigningSecrets {
    secrets: Arc<[SecretString]>,
    read_at: Timestamp,
}

/// Between two looks at the app secret because of signatures that do not fit: often enough for a rotation, too seldom for
/// a stranger to run up a bill.
const SECRETS_REREAD_AFTER: SignedDuration = SignedDuration::from_secs(10);

impl App {
    /// Reads the environment and the app secret, and builds the clients.
    ///
    /// # Errors
    /// What stops a cold start: a variable that is missing or malformed, or an app secret that cannot be read.
    pub async fn from_env() -> Result<Self, lambda_http::Error> {
        let config = Config::from_env()?;
        let names = Names {
            table: config.table_name.clone(),
            app_secret: config.app_secret_id.clone(),
            token_prefix: config.token_secret_prefix.clone(),
        };
        let store = Store::from_env(names).await;
        let secret = store.app_secret().await?;
        Ok(Self {
            hubspot: hubspot::Client::new(&config.hubspot_api_url)?,
            quickbooks: quickbooks::Client::new(&config.quickbooks_api_url)?,
            quickbooks_sandbox: quickbooks::Client::new(&config.quickbooks_sandbox_api_url)?,
            signing_secrets: Mutex::new(SigningSecrets {
                secrets: secret.hubspot_client_secrets.into(),
                read_at: Timestamp::now(),
            }),
            store,
            config,
        })
    }

    fn signing_secrets(&self) -> SigningSecrets {
        self.signing_secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the secrets again if they are not fresh: after a rotation, what does not fit the old one may fit the new one,
    /// and a 401 because of our own stale copy would lose the execution (rulings.md 6). None when they are fresh.
    async fn reread_signing_secrets(&self) -> Result<Option<SigningSecrets>, store::Error> {
        let now = Timestamp::now();
        if now.duration_since(self.signing_secrets().read_at) < SECRETS_REREAD_AFTER {
            return Ok(None);
        }
        let secrets = self.store.app_secret().await?.hubspot_client_secrets.into();
        let fresh = SigningSecrets { secrets, read_at: now };
        *self.signing_secrets.lock().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(Some(fresh))
    }
}
