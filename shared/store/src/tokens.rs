//! OAuth tokens and the app's own credentials, in Secrets Manager.
//!
//! One secret per connection, `<prefix>hubspot/<portal>` and `<prefix>quickbooks/<portal>/<realm>`. The connection item in
//! the table names the version in force (rulings.md 20), and only that version is read: it never changes, so it is kept in
//! memory once read. Renewed tokens are kept before they are used, by a conditional write on the connection's generation;
//! one refresher at a time, and what a crash in between leaves behind, are not handled yet. A secret names its portal and realm, and is refused when they are not the ones asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::portal::{Connection, Portal};
use crate::record::Nonce;
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
    /// The portal.
    pub fn portal(&self) -> PortalId {
        match self {
            Self::HubSpot(portal) | Self::QuickBooks(portal, _) => *portal,
        }
    }

    /// The connection that names the tokens' version.
    pub fn connection<'a>(&self, portal: &'a Portal) -> Option<&'a Connection> {
        match self {
            Self::HubSpot(_) => portal.hubspot.as_ref(),
            Self::QuickBooks(_, realm) => portal.company(realm).map(|company| &company.connection),
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
#[derive(Clone, Debug, Deserialize)]
pub struct AppSecret {
    /// At HubSpot.
    pub hubspot: Keys,
    /// At Intuit, for production companies.
    pub intuit: Keys,
    /// At Intuit, for sandbox companies.
    pub intuit_sandbox: Option<Keys>,
}

/// What an app is called at a vendor, and what proves it.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// The one before, accepted while a change of secrets is under way.
    pub client_secret_previous: Option<SecretString>,
}

impl Keys {
    /// The current secret, then the previous one.
    pub fn secrets(&self) -> Vec<SecretString> {
        [Some(&self.client_secret), self.client_secret_previous.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
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

/// The newest grant of each owner that this process has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache(Arc<Mutex<HashMap<Owner, Grant>>>);

impl Cache {
    /// The grant, if it is of this generation or newer: the one that a connection names may have been renewed since.
    fn get(&self, owner: &Owner, generation: u64) -> Option<Grant> {
        let grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.get(owner).filter(|grant| grant.generation >= generation).cloned()
    }

    fn put(&self, owner: &Owner, grant: &Grant) {
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.insert(owner.clone(), grant.clone());
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
        let secret: AppSecret = parse(WHAT, &json)?;
        if secret.hubspot.client_secret.expose_secret().is_empty() {
            // As deployed, before anybody filled it in: our trouble, which must not look like a wrong signature.
            return Err(Error::corrupt(WHAT, "hubspot.client_secret is empty"));
        }
        Ok(secret)
    }

    /// The grant in force: in the version of the secret that the connection names, or renewed by this process since.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such version, [`Error::Corrupt`] when it belongs to another portal or company.
    pub async fn grant(&self, owner: &Owner, connection: &Connection) -> Result<Grant, Error> {
        if let Some(grant) = self.tokens.get(owner, connection.generation) {
            return Ok(grant);
        }
        const WHAT: &str = "token secret";
        let name = owner.secret_name(&self.names.token_prefix);
        let json = self.secret_value(WHAT, &name, Some(&connection.version_id)).await?;
        let grant = read(owner, &json)?;
        self.tokens.put(owner, &grant);
        Ok(grant)
    }

    /// Keeps a renewed grant before anybody uses it: the tokens as a new version of the secret, then the connection that
    /// names that version. False when another process has renewed the connection meanwhile: its grant is the one in force.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it is kept is not known.
    pub async fn keep_grant(&self, owner: &Owner, grant: &Grant) -> Result<bool, Error> {
        let json = to_json(owner, grant).map_err(Error::unavailable("keeping renewed tokens"))?;
        let request_token = Nonce::new().to_string();
        let put = insist(|| self.put_tokens(owner, &json, &request_token)).await?;
        let version_id = put.ok_or_else(|| Error::corrupt("token secret", "version id"))?;
        let kept = insist(|| self.move_connection(owner, grant.generation, &version_id)).await?;
        if kept {
            self.tokens.put(owner, grant);
        }
        Ok(kept)
    }

    /// The id of the new version. Sent again with the same token, it is the same version.
    async fn put_tokens(
        &self,
        owner: &Owner,
        json: &str,
        request_token: &str,
    ) -> Result<Option<String>, Error> {
        let put = self
            .secrets
            .put_secret_value()
            .secret_id(owner.secret_name(&self.names.token_prefix))
            .client_request_token(request_token)
            .secret_string(json)
            .send()
            .await
            .map_err(Error::unavailable("keeping renewed tokens"))?;
        Ok(put.version_id)
    }

    /// Creates the token secret of a new connection; the id of its first version.
    pub(crate) async fn create_tokens(&self, owner: &Owner, grant: &Grant) -> Result<String, Error> {
        const DOING: &str = "creating the token secret";
        let json = to_json(owner, grant).map_err(Error::unavailable(DOING))?;
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

/// Tries for some seconds: the vendor may already have forgotten the old tokens.
async fn insist<T, W: Future<Output = Result<T, Error>>>(write: impl Fn() -> W) -> Result<T, Error> {
    const PAUSES_MS: [u64; 4] = [200, 400, 800, 1600];
    for pause_ms in PAUSES_MS {
        match write().await {
            Err(error @ Error::Unavailable { .. }) => {
                tracing::warn!(doing = %error, "again, for the old tokens may be spent");
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
            other => return other,
        }
    }
    write().await
}

/// The grant in a secret, which must be this owner's.
pub(crate) fn read(owner: &Owner, json: &SecretString) -> Result<Grant, Error> {
    const WHAT: &str = "token secret";
    let stored: Stored = parse(WHAT, json)?;
    if stored.portal_id != owner.portal() || stored.realm_id.as_ref() != owner.realm() {
        return Err(Error::corrupt(WHAT, "it names another portal or company"));
    }
    Ok(Grant {
        generation: stored.generation,
        access_token: stored.access_token.into(),
        access_expires_at: stored.access_expires_at,
        refresh_token: stored.refresh_token.into(),
        refresh_expires_at: stored.refresh_expires_at,
        hard_expires_at: stored.hard_expires_at,
        scopes: stored.scopes,
    })
}

pub(crate) fn to_json(owner: &Owner, grant: &Grant) -> serde_json::Result<String> {
    serde_json::to_string(&Stored {
        portal_id: owner.portal(),
        realm_id: owner.realm().cloned(),
        access_token: grant.access_token.expose_secret().to_owned(),
        access_expires_at: grant.access_expires_at,
        refresh_token: grant.refresh_token.expose_secret().to_owned(),
        refresh_expires_at: grant.refresh_expires_at,
        hard_expires_at: grant.hard_expires_at,
        scopes: grant.scopes.clone(),
        generation: grant.generation,
    })
}

/// The cause of a failure may quote the secret, so only its place is told.
fn parse<T: serde::de::DeserializeOwned>(what: &'static str, json: &SecretString) -> Result<T, Error> {
    serde_json::from_str(json.expose_secret())
        .map_err(|error| Error::corrupt(what, format!("line {}, column {}", error.line(), error.column())))
}
