//! OAuth tokens and the app's own credentials, in Secrets Manager.
//!
//! One secret per connection, `<prefix>hubspot/<portal>` and `<prefix>quickbooks/<portal>/<realm>`. The connection item in
//! the table names the version in force (rulings.md 20), and only that version is read: it never changes, so it is kept in
//! memory once read. A secret names its portal and realm, and is refused when they are not the ones asked for.
//!
//! The journal is the version under the label `AWSPENDING`, if its generation is the connection's and one: tokens that were
//! bought and not committed, because whoever bought them died, or the table was out of reach. A label that moves on leaves a
//! version without any, which AWS may delete after a day; so before anything is written into the journal, `AWSCURRENT`
//! stands on the version that the connection names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::connection::{Connection, Lease};
use crate::portal::Portal;
use crate::record::Nonce;
use crate::{Error, Store};

const WHAT: &str = "token secret";

/// The label of the version in force.
const CURRENT: &str = "AWSCURRENT";

/// The label of the journal.
const PENDING: &str = "AWSPENDING";

/// What a renewal before has left.
#[derive(Debug)]
pub enum Journal {
    /// Nothing: the connection's tokens are the newest.
    Empty,
    /// Tokens that follow the connection's, and the version that holds them.
    Stored(Grant, String),
    /// The same, in the memory of this process only.
    InMemory(Grant),
}

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

/// What this process knows of tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache(Arc<Mutex<HashMap<Owner, Cached>>>);

#[derive(Debug, Default)]
struct Cached {
    in_force: Option<Kept>,
    /// Bought, and neither in the journal nor committed: nobody else has them.
    unkept: Option<Grant>,
}

#[derive(Debug)]
struct Kept {
    grant: Grant,
    version_id: String,
    /// The version before, if this process has renewed it: who read the connection earlier still asks for that one.
    replaced: Option<String>,
}

impl Cache {
    fn with<T>(&self, owner: &Owner, what: impl FnOnce(&mut Cached) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        what(all.entry(owner.clone()).or_default())
    }

    /// The grant of this version, or the one that this process has renewed it to.
    fn get(&self, owner: &Owner, version_id: &str) -> Option<Grant> {
        self.with(owner, |cached| {
            let kept = cached.in_force.as_ref()?;
            let fits = kept.version_id == version_id || kept.replaced.as_deref() == Some(version_id);
            fits.then(|| kept.grant.clone())
        })
    }

    pub(crate) fn put(&self, owner: &Owner, grant: &Grant, version_id: &str, replaced: Option<String>) {
        let kept = Kept { grant: grant.clone(), version_id: version_id.to_owned(), replaced };
        self.with(owner, |cached| *cached = Cached { in_force: Some(kept), unkept: None });
    }

    fn forget(&self, owner: &Owner) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(owner);
    }
}

impl Store {
    /// The app's own credentials, read anew each time.
    ///
    /// # Errors
    /// [`Error::Missing`] when the secret does not exist, [`Error::Corrupt`] when it is not the JSON of the README.
    pub async fn app_secret(&self) -> Result<AppSecret, Error> {
        const WHAT: &str = "app secret";
        let json = self.secret_value(WHAT, &self.names.app_secret, Version::Label(CURRENT)).await?.text()?;
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
    /// [`Error::Missing`] when there is no such version, [`Error::Misplaced`] when it belongs to another portal or company.
    pub async fn grant(&self, owner: &Owner, connection: &Connection) -> Result<Grant, Error> {
        if let Some(grant) = self.tokens.get(owner, &connection.version_id) {
            return Ok(grant);
        }
        let id = owner.secret_name(&self.names.token_prefix);
        let version = Version::Id(&connection.version_id);
        let json = self.secret_value(WHAT, &id, version).await?.text()?;
        let grant = read(owner, &json)?;
        self.tokens.put(owner, &grant, &connection.version_id, None);
        Ok(grant)
    }

    /// What a renewal before has left: tokens that follow those of the connection. Makes the journal ready to be written: it
    /// is the holder of a lease who asks.
    ///
    /// # Errors
    /// [`Error`] of every kind.
    pub async fn journal(&self, owner: &Owner, connection: &Connection) -> Result<Journal, Error> {
        if let Some(grant) = self.unkept(owner, connection) {
            return Ok(Journal::InMemory(grant));
        }
        let id = owner.secret_name(&self.names.token_prefix);
        let pending = match self.secret_value(WHAT, &id, Version::Label(PENDING)).await {
            Ok(pending) => Some(pending),
            Err(Error::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        let (mut found, mut is_settled) = (None, false);
        if let Some(Value { version_id, labels, text }) = &pending {
            let grant = read(owner, text.as_ref().ok_or_else(no_text)?)?;
            is_settled = *version_id == connection.version_id && labels.iter().any(|label| label == CURRENT);
            found = (grant.generation == connection.generation + 1).then(|| (grant, version_id.clone()));
        }
        if !is_settled {
            self.settle(owner, &id, &connection.version_id).await?;
        }
        Ok(match found {
            Some((grant, version_id)) => Journal::Stored(grant, version_id),
            None => Journal::Empty,
        })
    }

    /// Whether this process holds tokens that follow those of the connection and nobody else has.
    pub fn has_unkept(&self, owner: &Owner, connection: &Connection) -> bool {
        self.unkept(owner, connection).is_some()
    }

    fn unkept(&self, owner: &Owner, connection: &Connection) -> Option<Grant> {
        let unkept = self.tokens.with(owner, |cached| cached.unkept.clone());
        unkept.filter(|grant| grant.generation == connection.generation + 1)
    }

    /// Writes bought tokens into the journal, again and again until `until`: the vendor may already have forgotten the old
    /// ones. The id of their version.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: they are kept in the memory of this process, which writes them at its next chance.
    pub async fn keep(&self, owner: &Owner, grant: &Grant, until: Instant) -> Result<String, Error> {
        let request_token = Nonce::new().to_string();
        let put = insist(until, || self.put_version(owner, grant, &request_token)).await;
        if put.is_err() {
            self.tokens.with(owner, |cached| cached.unkept = Some(grant.clone()));
        }
        put
    }

    /// Puts what the holder of a lease committed in force: for this process at once, and under the label that people look at.
    pub async fn put_in_force(&self, owner: &Owner, lease: &Lease, grant: &Grant, version_id: &str) {
        let replaced = &lease.connection.version_id;
        self.tokens.put(owner, grant, version_id, Some(replaced.clone()));
        if let Err(error) = self.move_current(owner, replaced, version_id).await {
            // Whoever renews next does it first.
            tracing::warn!(doing = %error, "the label of the committed tokens stays behind");
        }
    }

    /// Writes the tokens of a consent into the journal.
    pub(crate) async fn put_tokens(&self, owner: &Owner, grant: &Grant) -> Result<String, Error> {
        self.put_version(owner, grant, &Nonce::new().to_string()).await
    }

    /// The id of the new version under `AWSPENDING`. Sent again with the same token, it is the same version.
    async fn put_version(&self, owner: &Owner, grant: &Grant, request_token: &str) -> Result<String, Error> {
        const DOING: &str = "keeping tokens";
        let put = self
            .secrets
            .put_secret_value()
            .secret_id(owner.secret_name(&self.names.token_prefix))
            .client_request_token(request_token)
            .secret_string(to_json(owner, grant).map_err(Error::unavailable(DOING))?)
            .version_stages(PENDING)
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                // Disconnected meanwhile: to try again is in vain.
                Some(refused) if refused.is_resource_not_found_exception() => Error::Missing { what: WHAT },
                _ => Error::unavailable(DOING)(error),
            })?;
        put.version_id.ok_or_else(|| Error::corrupt(WHAT, "version id"))
    }

    /// Lets `AWSCURRENT` stand on this version, wherever it is.
    pub(crate) async fn make_current(&self, owner: &Owner, version_id: &str) {
        let id = owner.secret_name(&self.names.token_prefix);
        if let Err(error) = self.settle(owner, &id, version_id).await {
            tracing::warn!(doing = %error, "the label of the committed tokens stays behind");
        }
    }

    async fn settle(&self, owner: &Owner, id: &str, version_id: &str) -> Result<(), Error> {
        let current = self.secret_value(WHAT, id, Version::Label(CURRENT)).await?;
        if current.version_id == version_id {
            return Ok(());
        }
        self.move_current(owner, &current.version_id, version_id).await
    }

    async fn move_current(&self, owner: &Owner, from: &str, to: &str) -> Result<(), Error> {
        self.secrets
            .update_secret_version_stage()
            .secret_id(owner.secret_name(&self.names.token_prefix))
            .version_stage(CURRENT)
            .remove_from_version_id(from)
            .move_to_version_id(to)
            .send()
            .await
            .map_err(Error::unavailable("moving the label of the committed tokens"))
            .map(drop)
    }

    /// Creates the token secret of a new connection; the id of its first version. A secret that a connect left which did not
    /// finish is taken over.
    pub(crate) async fn create_tokens(&self, owner: &Owner, grant: &Grant) -> Result<String, Error> {
        const DOING: &str = "creating the token secret";
        let created = self
            .secrets
            .create_secret()
            .name(owner.secret_name(&self.names.token_prefix))
            .set_kms_key_id(self.names.token_key.clone())
            .set_tags(self.names.tags())
            .secret_string(to_json(owner, grant).map_err(Error::unavailable(DOING))?)
            .send()
            .await;
        match created {
            Ok(created) => created.version_id.ok_or_else(|| Error::corrupt(WHAT, "version id")),
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_resource_exists_exception() => {
                    self.put_tokens(owner, grant).await
                }
                _ => Err(Error::unavailable(DOING)(error)),
            },
        }
    }

    /// Deletes the token secret at once: what waits to be deleted would keep the company from being connected again.
    pub(crate) async fn delete_tokens(&self, owner: &Owner) -> Result<(), Error> {
        self.tokens.forget(owner);
        self.secrets
            .delete_secret()
            .secret_id(owner.secret_name(&self.names.token_prefix))
            .force_delete_without_recovery(true)
            .send()
            .await
            .map_err(Error::unavailable("deleting the token secret"))
            .map(drop)
    }

    async fn secret_value(&self, what: &'static str, id: &str, version: Version<'_>) -> Result<Value, Error> {
        let get = self.secrets.get_secret_value().secret_id(id);
        let answer = match version {
            Version::Id(version_id) => get.version_id(version_id),
            Version::Label(label) => get.version_stage(label),
        };
        let value = answer.send().await.map_err(|error| match error.as_service_error() {
            Some(refused) if refused.is_resource_not_found_exception() => Error::Missing { what },
            _ => Error::unavailable("reading a secret")(error),
        })?;
        Ok(Value {
            version_id: value.version_id.unwrap_or_default(),
            labels: value.version_stages.unwrap_or_default(),
            text: value.secret_string.map(SecretString::from),
        })
    }
}

/// Which version of a secret is asked for.
enum Version<'a> {
    Id(&'a str),
    Label(&'a str),
}

struct Value {
    version_id: String,
    labels: Vec<String>,
    text: Option<SecretString>,
}

impl Value {
    fn text(self) -> Result<SecretString, Error> {
        self.text.ok_or_else(no_text)
    }
}

fn no_text() -> Error {
    Error::corrupt(WHAT, "no text")
}

/// Tries until then; each try has the SDK's own limit of two seconds.
async fn insist<T, W: Future<Output = Result<T, Error>>>(
    until: Instant,
    write: impl Fn() -> W,
) -> Result<T, Error> {
    let mut pause = Duration::from_millis(200);
    loop {
        match write().await {
            Err(error @ Error::Unavailable { .. }) if Instant::now() + pause < until => {
                tracing::warn!(doing = %error, "again, for the old tokens may be spent");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            other => return other,
        }
    }
}

/// The grant in a secret, which must be this owner's.
pub(crate) fn read(owner: &Owner, json: &SecretString) -> Result<Grant, Error> {
    let stored: Stored = parse(WHAT, json)?;
    if stored.portal_id != owner.portal() || stored.realm_id.as_ref() != owner.realm() {
        return Err(Error::Misplaced { what: WHAT });
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
