//! A portal's live connection to HubSpot and to one QuickBooks company, or the reason why there is none; and what each
//! error of the two vendors means for an execution.
//!
//! An access token about to end is renewed before it is used, and one that is refused is renewed once, then the same call is
//! made again: a 401 proves that it had no effect. Renewed tokens are stored before they are used.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use mapping::hubspot::{RecordId, RecordKind};
use mapping::quickbooks::{DocumentKind, RealmId};
use mapping::settings::Settings;
use quickbooks::Rows;
use quickbooks::fault::Meaning;
use quickbooks::query::Query;
use secrecy::SecretString;
use store::budget::Budget;
use store::portal::{Connection, Portal, Status};
use store::tokens::{AppSecret, Grant, Keys, Owner};
use tokio::sync::OnceCell;

use crate::App;
use crate::clock;
use crate::config::Config;
use crate::effects::Deadline;
use crate::failure::{Failure, Trouble};
use crate::protocol::Event;
use crate::telemetry::chain;

/// Between two looks at whether another process has renewed what the vendor no longer takes from us, and how many.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
const LOOKS: usize = 6;

/// Buying tokens is started only with this much time left: Intuit's endpoints have 26 s, and storing takes some.
const RENEWAL_NEEDS: Duration = Duration::from_secs(30);

/// A token with less time left is renewed before it is used.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// A record that HubSpot does not give out whole for so long is told instead of tried again (reliability.md §b, malformed
/// bodies).
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// The clients, and what proves to the vendors who we are.
pub(crate) struct Vendors {
    pub(crate) hubspot: hubspot::Client,
    quickbooks: quickbooks::Client,
    quickbooks_sandbox: quickbooks::Client,
    keys: AppSecret,
    discovery_url: String,
    /// Intuit's endpoints, read when a token is first renewed; they change rarely.
    discovery: OnceCell<Arc<quickbooks::oauth::Discovery>>,
}

impl Vendors {
    pub(crate) fn new(config: &Config, keys: AppSecret) -> Result<Self, lambda_http::Error> {
        let quickbooks = quickbooks::Client::new(&config.quickbooks_api_url)?;
        Ok(Self {
            hubspot: hubspot::Client::new(quickbooks.http(), &config.hubspot_api_url)?,
            quickbooks_sandbox: quickbooks.at(&config.quickbooks_sandbox_api_url)?,
            quickbooks,
            keys,
            discovery_url: config.intuit_discovery_url.clone(),
            discovery: OnceCell::new(),
        })
    }
}

/// Why an attempt cannot go on.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// A person must mend something.
    Failure(Failure),
    /// Later.
    Trouble(Trouble),
}

impl Stop {
    /// One word, for logs: a failure's sentence holds names.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Failure(failure) => failure.code.as_str(),
            Self::Trouble(trouble) => trouble.as_str(),
        }
    }
}

impl From<Stop> for Event {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failure(failure) => Self::NotPossible(failure),
            Stop::Trouble(trouble) => Self::NotPlanned(trouble),
        }
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        tracing::error!(error = chain(&error), "the store failed");
        Self::Trouble(Trouble::StoreDown)
    }
}

/// The company that an input names. `default` is what the portal says today.
pub(crate) fn chosen_company(chosen: Option<&str>, portal: Option<&Portal>) -> Result<RealmId, Failure> {
    let wrong = || Failure::input_invalid("quickbooks_account", "one of the connected QuickBooks companies");
    let portal = portal.ok_or_else(Failure::not_connected)?;
    if portal.companies.is_empty() {
        return Err(Failure::not_connected());
    }
    let realm = match chosen.ok_or_else(wrong)? {
        "default" => portal.default_realm.clone().ok_or_else(Failure::no_default_company)?,
        id => RealmId::try_from(id.to_owned()).map_err(|_| wrong())?,
    };
    let linked = portal.company(&realm).is_some();
    if linked { Ok(realm) } else { Err(Failure::company_not_linked(realm.as_str())) }
}

/// A portal's HubSpot account, ready to be called.
pub(crate) struct Account {
    owner: Owner,
    grant: Grant,
    deadline: Deadline,
}

impl Account {
    /// Payments are behind an optional scope (rulings.md 29).
    pub(crate) fn may_read_payments(&self) -> bool {
        self.grant.scopes.iter().any(|scope| scope == "crm.objects.commercepayments.read")
    }
}

/// One QuickBooks company, ready to be called.
pub(crate) struct Company {
    /// Its name, for sentences.
    pub(crate) name: String,
    /// What is known of it and chosen for it.
    pub(crate) settings: Settings,
    /// The client, which holds realm and token together.
    pub(crate) client: quickbooks::Company,
    realm: RealmId,
    owner: Owner,
    sandbox: bool,
    grant: Grant,
    deadline: Deadline,
}

impl App {
    /// The portal's HubSpot account with a token that is good for a while.
    pub(crate) async fn account(&self, portal: Option<&Portal>, deadline: Deadline) -> Result<Account, Stop> {
        let expired = || Stop::Failure(Failure::hubspot_connection_expired());
        let portal = portal.ok_or_else(|| Stop::Failure(Failure::not_connected()))?;
        let connection = portal.hubspot.as_ref().ok_or_else(expired)?;
        let owner = Owner::HubSpot(portal.id);
        let grant = self.grant(&owner, connection, &self.vendors.keys.hubspot, &deadline).await?;
        Ok(Account { owner, grant: grant.ok_or_else(expired)?, deadline })
    }

    /// Calls HubSpot, once more with a renewed token if its token is refused. `Err`: there is no other token.
    pub(crate) async fn call_hubspot<T, C: Future<Output = Result<T, hubspot::Error>>>(
        &self,
        account: Account,
        call: impl Fn(SecretString) -> C,
    ) -> Result<Result<T, hubspot::Error>, Stop> {
        let Account { owner, grant, deadline } = account;
        let called = call(grant.access_token.clone()).await;
        let Err(hubspot::Error::Unauthorized) = called else { return Ok(called) };
        let renewed = self.renew(&owner, &grant, &self.vendors.keys.hubspot, &deadline).await?;
        let grant = renewed.ok_or_else(|| Stop::Failure(Failure::hubspot_connection_expired()))?;
        Ok(call(grant.access_token).await)
    }

    /// The company with a token that is good for a while.
    pub(crate) async fn company(
        &self,
        portal: Option<&Portal>,
        realm: &RealmId,
        deadline: Deadline,
    ) -> Result<Company, Stop> {
        let portal = portal.ok_or_else(|| Stop::Failure(Failure::not_connected()))?;
        let company = portal
            .company(realm)
            .ok_or_else(|| Stop::Failure(Failure::company_not_linked(realm.as_str())))?;
        let owner = Owner::QuickBooks(portal.id, realm.clone());
        let keys = self.intuit_keys(company.sandbox);
        let grant = self.grant(&owner, &company.connection, keys, &deadline).await?;
        let grant = grant.ok_or_else(|| Stop::Failure(Failure::connection_expired(&company.name)))?;
        Ok(Company {
            name: company.name.clone(),
            settings: Settings {
                home_currency: company.home_currency.clone(),
                fee_item: company.fee_item.clone(),
            },
            client: self.quickbooks(company.sandbox).company(realm.clone(), grant.access_token.clone()),
            realm: realm.clone(),
            owner,
            sandbox: company.sandbox,
            grant,
            deadline,
        })
    }

    /// The same company after QuickBooks refused its token.
    async fn renewed_company(&self, refused: &Company) -> Result<quickbooks::Company, Stop> {
        let Company { owner, grant, sandbox, deadline, .. } = refused;
        let renewed = self.renew(owner, grant, self.intuit_keys(*sandbox), deadline).await?;
        let grant = renewed.ok_or_else(|| Stop::Failure(Failure::connection_expired(&refused.name)))?;
        Ok(self.quickbooks(*sandbox).company(refused.realm.clone(), grant.access_token))
    }

    /// Asks a company, once more with a renewed token if its token is refused.
    pub(crate) async fn ask(
        &self,
        company: &Company,
        what: DocumentKind,
        queries: &[Query],
    ) -> Result<Vec<Rows>, Stop> {
        let patience = || company.deadline.left_to_begin();
        let mut asked = self.ask_in_turn(&company.client, &company.realm, queries, patience()).await?;
        if let Err(quickbooks::Error::Unauthorized) = asked {
            let renewed = self.renewed_company(company).await?;
            asked = self.ask_in_turn(&renewed, &company.realm, queries, patience()).await?;
        }
        self.mind_the_limit(company, &asked).await;
        asked.map_err(|error| read_stop(what, &company.name, &error))
    }

    /// Sends to a company, once more with a renewed token if its token is refused: that refusal proves that nothing
    /// happened, and the request id stays the same. `Err` is a proof that nothing was made: there is no other token, or no
    /// time left for a second send.
    pub(crate) async fn send<T, S: Future<Output = Result<T, quickbooks::Error>>>(
        &self,
        company: &Company,
        send: impl Fn(quickbooks::Company) -> S,
    ) -> Result<Result<T, quickbooks::Error>, Stop> {
        self.turn_to_send(company).await?;
        let sent = send(company.client.clone()).await;
        self.mind_the_limit(company, &sent).await;
        let Err(quickbooks::Error::Unauthorized) = sent else { return Ok(sent) };
        let renewed = self.renewed_company(company).await?;
        self.turn_to_send(company).await?;
        match send(renewed).await {
            Err(quickbooks::Error::Unauthorized) => {
                Err(Stop::Failure(Failure::connection_expired(&company.name)))
            }
            sent => Ok(sent),
        }
    }

    async fn mind_the_limit<T>(&self, company: &Company, called: &Result<T, quickbooks::Error>) {
        if let Err(quickbooks::Error::Throttled) = called {
            self.slow_down(&Budget::QuickBooks(company.realm.clone())).await;
        }
    }

    /// Waits for a send's turn, and looks whether there is time for it then.
    async fn turn_to_send(&self, company: &Company) -> Result<(), Stop> {
        self.spend(&Budget::QuickBooks(company.realm.clone()), 1, company.deadline.left_to_begin()).await?;
        match company.deadline.allows_a_send() {
            true => Ok(()),
            false => Err(Stop::Trouble(Trouble::OutOfTime)),
        }
    }

    fn quickbooks(&self, sandbox: bool) -> &quickbooks::Client {
        if sandbox { &self.vendors.quickbooks_sandbox } else { &self.vendors.quickbooks }
    }

    fn intuit_keys(&self, sandbox: bool) -> &Keys {
        let keys = &self.vendors.keys;
        keys.intuit_sandbox.as_ref().filter(|_| sandbox).unwrap_or(&keys.intuit)
    }

    /// The grant in force, renewed when it is about to end. None: a person must connect again.
    async fn grant(
        &self,
        owner: &Owner,
        connection: &Connection,
        keys: &Keys,
        deadline: &Deadline,
    ) -> Result<Option<Grant>, Stop> {
        if connection.status == Status::ReauthRequired {
            return Ok(None);
        }
        let grant = self.store.grant(owner, connection).await?;
        if grant.access_expires_at.duration_since(clock::now()) > RENEW_BEFORE {
            return Ok(Some(grant));
        }
        self.renew(owner, &grant, keys, deadline).await
    }

    /// Buys new tokens and keeps them, unless another process has done so meanwhile: a refresh token that was rotated away
    /// is never spent knowingly. When the vendor no longer takes ours, another process may be about to store the newer
    /// ones, so we look for a while and ask once more before a person is told. None: a person must connect again.
    async fn renew(
        &self,
        owner: &Owner,
        old: &Grant,
        keys: &Keys,
        deadline: &Deadline,
    ) -> Result<Option<Grant>, Stop> {
        for last in [false, true] {
            if let Some(stored) = self.stored_meanwhile(owner, old).await? {
                return Ok(Some(stored));
            }
            if deadline.left() < RENEWAL_NEEDS {
                return Err(Stop::Trouble(Trouble::OutOfTime));
            }
            match self.buy(owner, old, keys).await {
                Ok(grant) if self.store.keep_grant(owner, &grant).await? => {
                    tracing::info!(generation = grant.generation, "tokens renewed");
                    return Ok(Some(grant));
                }
                Ok(_) => return self.stored_meanwhile(owner, old).await,
                Err(Refresh::Later(trouble)) => return Err(Stop::Trouble(trouble)),
                Err(Refresh::Revoked) if last => {}
                Err(Refresh::Revoked) => {
                    for _ in 0..LOOKS {
                        tokio::time::sleep(LOOK_AGAIN).await;
                        if let Some(stored) = self.stored_meanwhile(owner, old).await? {
                            return Ok(Some(stored));
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    /// The grant that was stored since ours was read, if any.
    async fn stored_meanwhile(&self, owner: &Owner, old: &Grant) -> Result<Option<Grant>, Stop> {
        let portal = self.store.portal(owner.portal()).await?;
        let connection = portal.as_ref().and_then(|portal| owner.connection(portal));
        match connection {
            Some(newer) if newer.generation > old.generation => {
                Ok(Some(self.store.grant(owner, newer).await?))
            }
            _ => Ok(None),
        }
    }

    async fn buy(&self, owner: &Owner, old: &Grant, keys: &Keys) -> Result<Grant, Refresh> {
        match owner {
            Owner::HubSpot(_) => {
                let Keys { client_id, client_secret, .. } = keys;
                let client = &self.vendors.hubspot;
                let bought = hubspot::oauth::refresh(client, client_id, client_secret, &old.refresh_token);
                let tokens = bought.await.map_err(|error| Refresh::of_hubspot(&error))?;
                Ok(Grant {
                    generation: old.generation + 1,
                    access_token: tokens.access_token,
                    access_expires_at: clock::now() + tokens.expires_in,
                    refresh_token: tokens.refresh_token.unwrap_or_else(|| old.refresh_token.clone()),
                    ..old.clone()
                })
            }
            Owner::QuickBooks(..) => {
                let discovery = self.discovery().await.map_err(|error| Refresh::of_intuit(&error))?;
                let Keys { client_id, client_secret, .. } = keys;
                let client = &self.vendors.quickbooks;
                let bought = quickbooks::oauth::refresh(
                    client,
                    &discovery,
                    client_id,
                    client_secret,
                    &old.refresh_token,
                );
                let tokens = bought.await.map_err(|error| Refresh::of_intuit(&error))?;
                let now = clock::now();
                Ok(Grant {
                    generation: old.generation + 1,
                    access_token: tokens.access_token,
                    access_expires_at: now + tokens.expires_in,
                    refresh_token: tokens.refresh_token,
                    refresh_expires_at: Some(now + tokens.refresh_expires_in),
                    hard_expires_at: tokens.hard_expires_in.map(|left| now + left).or(old.hard_expires_at),
                    scopes: old.scopes.clone(),
                })
            }
        }
    }

    async fn discovery(&self) -> Result<Arc<quickbooks::oauth::Discovery>, quickbooks::oauth::Error> {
        let Vendors { quickbooks, discovery_url, .. } = &self.vendors;
        let read = || async { Ok(Arc::new(quickbooks::oauth::discover(quickbooks, discovery_url).await?)) };
        self.vendors.discovery.get_or_try_init(read).await.cloned()
    }
}

/// Why there are no new tokens.
enum Refresh {
    /// The vendor no longer takes the old ones.
    Revoked,
    /// Later.
    Later(Trouble),
}

impl Refresh {
    fn of_hubspot(error: &hubspot::oauth::Error) -> Self {
        tracing::warn!(error = chain(error), "HubSpot did not renew the tokens");
        match error {
            hubspot::oauth::Error::Revoked => Self::Revoked,
            hubspot::oauth::Error::Misconfigured => Self::Later(Trouble::Internal),
            hubspot::oauth::Error::Unavailable(_) => Self::Later(Trouble::HubSpotDown),
        }
    }

    fn of_intuit(error: &quickbooks::oauth::Error) -> Self {
        tracing::warn!(error = chain(error), "Intuit did not renew the tokens");
        match error {
            quickbooks::oauth::Error::Revoked => Self::Revoked,
            quickbooks::oauth::Error::Misconfigured => Self::Later(Trouble::Internal),
            quickbooks::oauth::Error::Unavailable(_) => Self::Later(Trouble::QuickBooksDown),
        }
    }
}

/// What an error of HubSpot means for an execution that has tried to read a record for so long.
pub(crate) fn hubspot_stop(
    kind: RecordKind,
    id: RecordId,
    tried_for: SignedDuration,
    error: &hubspot::Error,
) -> Stop {
    tracing::warn!(error = chain(error), "the record could not be read");
    let id = id.to_string();
    match error {
        hubspot::Error::NotFound => Stop::Failure(Failure::record_not_found(kind, &id)),
        hubspot::Error::Unauthorized => Stop::Failure(Failure::hubspot_connection_expired()),
        hubspot::Error::MissingScopes(scopes) => Stop::Failure(Failure::permission_missing(scopes)),
        hubspot::Error::Refused { .. } => Stop::Trouble(Trouble::Internal),
        hubspot::Error::RateLimited => Stop::Trouble(Trouble::HubSpotThrottled),
        hubspot::Error::Unavailable { cause: hubspot::error::Cause::Incomplete, .. }
            if tried_for >= PATIENCE =>
        {
            Stop::Failure(Failure::record_incomplete(kind, &id))
        }
        hubspot::Error::Unavailable { .. } => Stop::Trouble(Trouble::HubSpotDown),
    }
}

/// What an error of QuickBooks means when we only read: nothing was sent, so nothing is unknown.
fn read_stop(what: DocumentKind, company: &str, error: &quickbooks::Error) -> Stop {
    tracing::warn!(error = chain(error), "QuickBooks could not be read");
    match error {
        quickbooks::Error::Unauthorized | quickbooks::Error::Forbidden(_) => {
            Stop::Failure(Failure::connection_expired(company))
        }
        quickbooks::Error::Rejected(fault) => match fault.meaning() {
            Meaning::ReadOnly | Meaning::FeatureOff => Stop::Failure(Failure::refused(what, company, fault)),
            // A refused question is our mistake: nothing a person can mend.
            _ => Stop::Trouble(Trouble::Internal),
        },
        quickbooks::Error::Throttled => Stop::Trouble(Trouble::QuickBooksThrottled),
        quickbooks::Error::NotSent(_) | quickbooks::Error::Unknown(_) => {
            Stop::Trouble(Trouble::QuickBooksDown)
        }
    }
}

/// What an answer of QuickBooks that cannot be read means.
pub(crate) fn unreadable(what: DocumentKind, company: &str) -> impl Fn(quickbooks::Error) -> Stop {
    move |error| read_stop(what, company, &error)
}
