//! OAuth tokens and the app's own credentials, in Secrets Manager.
//!
//! One secret per connection, `<prefix>hubspot/<portal>` and `<prefix>quickbooks/<portal>/<realm>`. The connection item in
//! the table names the version in force (rulings.md 20), and only that version is read: it never changes, so it is kept in
//! memory once read. A secret names its portal and realm, and is refused when they are not the ones asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Error, Store};

/// Whose tokens a secret holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A portal's tokens for HubSpot.
    HubSpot(PortalId),
    /// A portal's tokens for one QuickBooks company.
    QuickBooks(PortalId, RealmId),
}

impl Owner {
    fn portal(&self) -> PortalId {
        match self {
            Self::HubSpot(portal) | Self::QuickBooks(portal, _) => *portal,
        }
    }

    fn realm(&self) -> Option<&RealmId> {
        match self {
            Self::HubSpot(_) => None,
            Self::QuickBooks(_, realm) => Some(realm),
        }
    }

    fn secret_name(&self, prefix: &str) -> String {
        match self {
            Self::HubSpot(portal) => format!("{prefix}hubspot/{portal}"),
            Self::QuickBooks(portal, realm) => format!("{prefix}quickbooks/{portal}/{realm}"),
        }
    }
}

/// What a vendor granted: a pair of tokens, when they end, and what they allow.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Rises by one with every new pair.
    pub generation: u64,
    /// Sent with every call.
    pub access_token: SecretString,
    /// When the access token ends.
    pub access_expires_at: Timestamp,
    /// Buys the next pair.
    pub refresh_token: SecretString,
    /// When the refresh token ends if it is not used; HubSpot's does not.
    pub refresh_expires_at: Option<Timestamp>,
    /// When the grant ends whatever is done: Intuit's five years.
    pub hard_expires_at: Option<Timestamp>,
    /// What was granted.
    pub scopes: Vec<String>,
}

/// The app's own credentials (contract §5).
#[derive(Clone, Debug)]
pub struct AppSecret {
    /// What HubSpot signs its requests with: the current client secret, then the previous one.
    pub hubspot_client_secrets: Vec<SecretString>,
}

/// The JSON of a token secret, as contract §5 has it.
#[derive(Serialize, Deserialize)]
struct Stored {
    portal_id: PortalId,
    realm_id: Option<RealmId>,
    access_token: String,
    access_expires_at: Timestamp,
    refresh_token: String,
    refresh_expires_at: Option<Timestamp>,
    hard_expires_at: Option<Timestamp>,
    scopes: Vec<String>,
    generation: u64,
}

#[derive(Deserialize)]
struct StoredApp {
    hubspot: StoredHubSpotApp,
}

#[derive(Deserialize)]
struct StoredHubSpotApp {
    client_secret: SecretString,
    client_secret_previous: Option<SecretString>,
}

/// Grants by secret version. A version never changes, so nothing here can be stale; superseded ones are few and die with
/// the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache(Arc<Mutex<HashMap<(Owner, String), Grant>>>);

impl Cache {
    fn get(&self, owner: &Owner, version_id: &str) -> Option<Grant> {
        let grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.get(&(owner.clone(), version_id.to_owned())).cloned()
    }

    fn put(&self, owner: &Owner, version_id: &str, grant: &Grant) {
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.retain(|(other, _), _| other != owner);
        grants.insert((owner.clone(), version_id.to_owned()), grant.clone());
    }
}

impl Store {
    /// The app's own credentials, read anew each time.
    ///
    /// # Errors
    /// [`Error::Missing`] when the secret does not exist, [`Error::Corrupt`] when it is not the JSON of the README.
    pub async fn app_secret(&self) -> Result<AppSecret, Error> {
        const WHAT: &str = "app secret";
        let json = self.secret_value(WHAT, &self.names.app_secret, None).await?;
        // The cause of a parse failure may quote the secret, so only its place is told.
        let stored: StoredApp = serde_json::from_str(json.expose_secret()).map_err(|error| {
            Error::corrupt(WHAT, format!("line {}, column {}", error.line(), error.column()))
        })?;
        let StoredHubSpotApp { client_secret, client_secret_previous } = stored.hubspot;
        if client_secret.expose_secret().is_empty() {
            // As deployed, before anybody filled it in: our trouble, which must not look like a wrong signature.
            return Err(Error::corrupt(WHAT, "hubspot.client_secret is empty"));
        }
        Ok(AppSecret {
            hubspot_client_secrets: [Some(client_secret), client_secret_previous]
                .into_iter()
                .flatten()
                .collect(),
        })
    }

    /// The grant in the version of the secret that the connection names.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such version, [`Error::Corrupt`] when it belongs to another portal or company.
    pub async fn grant(&self, owner: &Owner, version_id: &str) -> Result<Grant, Error> {
        if let Some(grant) = self.tokens.get(owner, version_id) {
            return Ok(grant);
        }
        const WHAT: &str = "token secret";
        let name = owner.secret_name(&self.names.token_prefix);
        let json = self.secret_value(WHAT, &name, Some(version_id)).await?;
        let stored: Stored = serde_json::from_str(json.expose_secret()).map_err(|error| {
            Error::corrupt(WHAT, format!("line {}, column {}", error.line(), error.column()))
        })?;
        if stored.portal_id != owner.portal() || stored.realm_id.as_ref() != owner.realm() {
            return Err(Error::corrupt(WHAT, "it names another portal or company"));
        }
        let grant = Grant {
            generation: stored.generation,
            access_token: stored.access_token.into(),
            access_expires_at: stored.access_expires_at,
            refresh_token: stored.refresh_token.into(),
            refresh_expires_at: stored.refresh_expires_at,
            hard_expires_at: stored.hard_expires_at,
            scopes: stored.scopes,
        };
        self.tokens.put(owner, version_id, &grant);
        Ok(grant)
    }

    /// Creates the token secret of a new connection; the id of its first version.
    pub(crate) async fn create_tokens(&self, owner: &Owner, grant: &Grant) -> Result<String, Error> {
        const DOING: &str = "creating the token secret";
        let stored = Stored {
            portal_id: owner.portal(),
            realm_id: owner.realm().cloned(),
            access_token: grant.access_token.expose_secret().to_owned(),
            access_expires_at: grant.access_expires_at,
            refresh_token: grant.refresh_token.expose_secret().to_owned(),
            refresh_expires_at: grant.refresh_expires_at,
            hard_expires_at: grant.hard_expires_at,
            scopes: grant.scopes.clone(),
            generation: grant.generation,
        };
        let json = serde_json::to_string(&stored).map_err(Error::unavailable(DOING))?;
        let created = self
            .secrets
            .create_secret()
            .name(owner.secret_name(&self.names.token_prefix))
            .secret_string(json)
            .send()
            .await
            .map_err(Error::unavailable(DOING))?;
        created.version_id.ok_or_else(|| Error::corrupt("token secret", "version id"))
    }

    async fn secret_value(
        &self,
        what: &'static str,
        id: &str,
        version_id: Option<&str>,
    ) -> Result<SecretString, Error> {
        let answer = self
            .secrets
            .get_secret_value()
            .secret_id(id)
            .set_version_id(version_id.map(str::to_owned))
            .send()
            .await;
        let value = answer.map_err(|error| match error.as_service_error() {
            Some(refused) if refused.is_resource_not_found_exception() => Error::Missing { what },
            _ => Error::unavailable("reading a secret")(error),
        })?;
        value.secret_string.map(SecretString::from).ok_or_else(|| Error::corrupt(what, "no text"))
    }
}
