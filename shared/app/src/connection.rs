//! A portal's live connection to HubSpot and to one QuickBooks company, or the reason why there is none; and what each
//! error of the two vendors means for an execution.
//!
//! An access token about to end is renewed before it is used (`grant`), and one that is refused is renewed once, then the same
//! call is made again: a 401 proves that it had no effect. If the new one is refused as well, that is noted, and nobody buys
//! another before its time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use mapping::books::Books;
use mapping::hubspot::{RecordId, RecordKind};
use mapping::money::Currency;
use mapping::quickbooks::{DocumentKind, RealmId};
use mapping::settings::Settings;
use quickbooks::Rows;
use quickbooks::fault::Meaning;
use quickbooks::query::Query;
use rust_decimal::Decimal;
use secrecy::SecretString;
use store::budget::Budget;
use store::connection::{Connection, NOTED_EVERY};
use store::portal::{Portal, Rate};
use store::tokens::{AppSecret, Grant, Keys, Owner};
use tokio::sync::OnceCell;

use crate::App;
use crate::clock;
use crate::config::Config;
use crate::effects::Deadline;
use crate::failure::{Failure, Trouble};
use crate::grant::{Wanted, our_keys};
use crate::protocol::Event;
use crate::telemetry::{self, Metric, chain};

/// A record that HubSpot does not give out whole for so long is told instead of tried again (reliability.md §b, malformed
/// bodies).
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// The clients, and what proves to the vendors who we are.
pub(crate) struct Vendors {
    pub(crate) hubspot: hubspot::Client,
    pub(crate) quickbooks: quickbooks::Client,
    quickbooks_sandbox: quickbooks::Client,
    pub(crate) keys: AppSecret,
    discovery_url: String,
    /// Read when a token is first renewed; they change rarely.
    discovery: OnceCell<Arc<quickbooks::oauth::Discovery>>,
}

impl Vendors {
    pub(crate) fn new(config: &Config, keys: AppSecret) -> Result<Self, lambda_http::Error> {
        let quickbooks =
            quickbooks::Client::new(&config.quickbooks_api_url)?.told_to(telemetry::quickbooks_called);
        let hubspot = hubspot::Client::new(quickbooks.http(), &config.hubspot_api_url)?;
        Ok(Self {
            hubspot: hubspot.told_to(telemetry::hubspot_called),
            quickbooks_sandbox: quickbooks.at(&config.quickbooks_sandbox_api_url)?,
            quickbooks,
            keys,
            discovery_url: config.intuit_discovery_url.clone(),
            discovery: OnceCell::new(),
        })
    }

    /// The app's keys for companies of this kind (rulings.md 24), as far as somebody has entered them: a new app secret has
    /// blank ones.
    fn intuit_keys(&self, sandbox: bool) -> Option<&Keys> {
        let keys = if sandbox { self.keys.intuit_sandbox.as_ref() } else { Some(&self.keys.intuit) };
        keys.filter(|keys| !keys.client_id.trim().is_empty())
    }

    /// Whether both kinds of companies can be connected, so that a person must say which.
    pub(crate) fn has_both_kinds(&self) -> bool {
        self.intuit_keys(false).is_some() && self.intuit_keys(true).is_some()
    }

    /// Whether only sandbox companies can be connected: an environment that is not production has no other keys.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.intuit_keys(false).is_none() && self.intuit_keys(true).is_some()
    }

    /// Whichever client: a grant says for which company it is.
    pub(crate) fn intuit(&self) -> &quickbooks::Client {
        &self.quickbooks
    }

    /// Intuit's endpoints.
    pub(crate) async fn discovery(
        &self,
    ) -> Result<Arc<quickbooks::oauth::Discovery>, quickbooks::oauth::Error> {
        let Self { quickbooks, discovery_url, .. } = self;
        let read = || async { Ok(Arc::new(quickbooks::oauth::discover(quickbooks, discovery_url).await?)) };
        self.discovery.get_or_try_init(read).await.cloned()
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
        if let store::Error::Misplaced { .. } = error {
            telemetry::count(Metric::Violations);
        }
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

/// What is known of a company's books: before QuickBooks was asked, what it said when it was connected.
fn known_books(company: &store::portal::Company) -> Books {
    let at_connect = || Books {
        country: company.country.clone(),
        home_currency: company.home_currency.clone(),
        ..Books::default()
    };
    company.books.as_ref().map_or_else(at_connect, |(books, _)| books.clone())
}

/// A portal's HubSpot account, ready to be called.
pub(crate) struct Account {
    owner: Owner,
    connection: Connection,
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
    /// When QuickBooks last said how it keeps its books.
    pub(crate) books_read_at: Option<Timestamp>,
    /// The exchange rates that QuickBooks said last, by currency.
    pub(crate) rates: BTreeMap<String, Rate>,
    /// The client, which holds realm and token together.
    pub(crate) client: quickbooks::Company,
    realm: RealmId,
    owner: Owner,
    connection: Connection,
    /// Whether that it is used was written down, or need not be.
    use_noted: AtomicBool,
    pub(crate) sandbox: bool,
    grant: Grant,
    deadline: Deadline,
}

/// The client with a token that stands in for a refused one, and the grant that is of.
struct Renewed {
    client: quickbooks::Company,
    grant: Grant,
}

impl Company {
    pub(crate) fn realm(&self) -> &RealmId {
        &self.realm
    }
}

impl App {
    /// The grant of a connection, renewed if need be, for whoever is no execution and may work until then. None: it is not
    /// connected, or a person must connect again.
    ///
    /// # Errors
    /// [`Trouble`]: not now.
    pub async fn grant_in_force(&self, owner: &Owner, until: Timestamp) -> Result<Option<Grant>, Trouble> {
        let found = async {
            let portal = self.store.portal(owner.portal()).await?;
            let connection = portal.as_ref().and_then(|portal| owner.connection(portal));
            let (Some(portal), Some(connection)) = (&portal, connection) else { return Ok(None) };
            let keys = match owner {
                Owner::HubSpot(_) => &self.vendors.keys.hubspot,
                Owner::QuickBooks(_, realm) => {
                    self.needed_intuit_keys(portal.company(realm).is_some_and(|company| company.sandbox))?
                }
            };
            let deadline = Deadline::at(until, None);
            self.grant(Wanted::for_a_call(owner, keys, &deadline), connection).await
        };
        found.await.map_err(|stop| match stop {
            Stop::Trouble(trouble) => trouble,
            Stop::Failure(_) => Trouble::Disconnected,
        })
    }

    /// The portal's HubSpot account with a token that is good for a while.
    pub(crate) async fn account(&self, portal: Option<&Portal>, deadline: Deadline) -> Result<Account, Stop> {
        let expired = || Stop::Failure(Failure::hubspot_connection_expired());
        let portal = portal.ok_or_else(|| Stop::Failure(Failure::not_connected()))?;
        let connection = portal.hubspot.as_ref().ok_or_else(expired)?;
        let owner = Owner::HubSpot(portal.id);
        let wanted = Wanted::for_a_call(&owner, &self.vendors.keys.hubspot, &deadline);
        let grant = self.grant(wanted, connection).await?;
        let grant = grant.ok_or_else(expired)?;
        Ok(Account { connection: connection.clone(), owner, grant, deadline })
    }

    /// Calls HubSpot, once more with a renewed token if its token is refused. `Err`: there is no other token.
    pub(crate) async fn call_hubspot<T, C: Future<Output = Result<T, hubspot::Error>>>(
        &self,
        account: Account,
        call: impl Fn(SecretString) -> C,
    ) -> Result<Result<T, hubspot::Error>, Stop> {
        let Account { owner, connection, grant, deadline } = account;
        let called = call(grant.access_token.clone()).await;
        let Err(hubspot::Error::Unauthorized) = called else { return Ok(called) };
        let wanted = Wanted::for_a_call(&owner, &self.vendors.keys.hubspot, &deadline);
        let renewed = self.grant(wanted.instead_of(&grant), &connection).await?;
        let grant = renewed.ok_or_else(|| Stop::Failure(Failure::hubspot_connection_expired()))?;
        let called = call(grant.access_token.clone()).await;
        if let Err(hubspot::Error::Unauthorized) = called {
            self.note_refused(&owner, &grant).await;
        }
        Ok(called)
    }

    /// Notes that a token was refused which stands in for a refused one. The grant is not given up for it: its refresh token
    /// is as good as ever, and it may be the vendor's trouble.
    async fn note_refused(&self, owner: &Owner, grant: &Grant) {
        tracing::error!("a new access token was refused at once: nobody buys another before its time");
        if let Err(error) = self.store.note_refused(owner, grant.generation, clock::now()).await {
            tracing::warn!(error = chain(&error), "the refusal was not noted");
        }
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
        let wanted = Wanted::for_a_call(&owner, self.needed_intuit_keys(company.sandbox)?, &deadline);
        let grant = self.grant(wanted, &company.connection).await?;
        let grant = grant.ok_or_else(|| Stop::Failure(Failure::connection_expired(&company.name)))?;
        Ok(Company {
            name: company.name.clone(),
            settings: Settings { books: known_books(company), choices: company.choices.clone() },
            books_read_at: company.books.as_ref().map(|(_, read_at)| *read_at),
            rates: company.rates.clone(),
            client: self.quickbooks(company.sandbox).company(realm.clone(), grant.access_token.clone()),
            realm: realm.clone(),
            owner,
            connection: company.connection.clone(),
            use_noted: AtomicBool::new(false),
            sandbox: company.sandbox,
            grant,
            deadline,
        })
    }

    /// The same company with another token, after QuickBooks refused its own.
    async fn renewed_company(&self, refused: &Company) -> Result<Renewed, Stop> {
        let Company { owner, connection, grant, sandbox, deadline, .. } = refused;
        let wanted = Wanted::for_a_call(owner, self.needed_intuit_keys(*sandbox)?, deadline);
        let renewed = self.grant(wanted.instead_of(grant), connection).await?;
        let grant = renewed.ok_or_else(|| Stop::Failure(Failure::connection_expired(&refused.name)))?;
        let client = self.quickbooks(*sandbox).company(refused.realm.clone(), grant.access_token.clone());
        Ok(Renewed { client: client.metered_by(refused.client.meter()), grant })
    }

    /// Looks at what the renewed company answered.
    async fn mind_a_refusal<T>(
        &self,
        company: &Company,
        renewed: &Renewed,
        called: &Result<T, quickbooks::Error>,
    ) {
        if let Err(quickbooks::Error::Unauthorized) = called {
            self.note_refused(&company.owner, &renewed.grant).await;
        }
    }

    /// Asks a company, once more with a renewed token if its token is refused.
    pub(crate) async fn ask(
        &self,
        company: &Company,
        what: DocumentKind,
        queries: &[Query],
    ) -> Result<Vec<Rows>, Stop> {
        let patience = || company.deadline.left_to_begin();
        let asking = self.ask_in_turn(&company.client, &company.realm, queries, patience());
        // Beside the question, which takes longer.
        let (asked, ()) = futures::future::join(asking, self.note_use(company)).await;
        let mut asked = asked?;
        if let Err(quickbooks::Error::Unauthorized) = asked {
            let renewed = self.renewed_company(company).await?;
            asked = self.ask_in_turn(&renewed.client, &company.realm, queries, patience()).await?;
            self.mind_a_refusal(company, &renewed, &asked).await;
        }
        self.mind_the_limit(company, &asked).await;
        asked.map_err(|error| read_stop(what, &company.name, &error))
    }

    /// The exchange rate of a day, asked once more with a renewed token if the token is refused.
    pub(crate) async fn exchange_rate(
        &self,
        company: &Company,
        what: DocumentKind,
        currency: &Currency,
        day: Date,
    ) -> Result<Option<Decimal>, Stop> {
        let calls = Budget::QuickBooks(company.realm.clone());
        let patience = || company.deadline.left_to_begin();
        self.spend(&calls, 1, patience()).await?;
        let mut read = company.client.exchange_rate(currency, day).await;
        if let Err(quickbooks::Error::Unauthorized) = read {
            let renewed = self.renewed_company(company).await?;
            self.spend(&calls, 1, patience()).await?;
            read = renewed.client.exchange_rate(currency, day).await;
            self.mind_a_refusal(company, &renewed, &read).await;
        }
        self.mind_the_limit(company, &read).await;
        read.map_err(|error| read_stop(what, &company.name, &error))
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
        let sent = send(renewed.client.clone()).await;
        self.mind_a_refusal(company, &renewed, &sent).await;
        match sent {
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

    /// Writes down, once an hour, that the company is used: the schedule keeps its tokens fresh then.
    async fn note_use(&self, company: &Company) {
        let now = clock::now();
        let lately =
            company.connection.last_used_at.is_some_and(|used| now.duration_since(used) < NOTED_EVERY);
        if lately || company.use_noted.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.store.note_use(&company.owner, &company.connection, now).await {
            tracing::warn!(error = chain(&error), "that the company is used was not noted");
        }
    }

    pub(crate) fn quickbooks(&self, sandbox: bool) -> &quickbooks::Client {
        if sandbox { &self.vendors.quickbooks_sandbox } else { &self.vendors.quickbooks }
    }

    /// The app's keys for companies of this kind. None: nobody has entered any, and those for the other kind would be refused
    /// as if the grant had ended.
    pub(crate) fn intuit_keys(&self, sandbox: bool) -> Option<&Keys> {
        self.vendors.intuit_keys(sandbox)
    }

    /// The same for whoever cannot do without: it is our own trouble, and ends nobody's connection.
    pub(crate) fn needed_intuit_keys(&self, sandbox: bool) -> Result<&Keys, Stop> {
        self.intuit_keys(sandbox).ok_or_else(|| Stop::Trouble(our_keys("Intuit")))
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
            Meaning::Access | Meaning::ReadOnly | Meaning::FeatureOff => {
                Stop::Failure(Failure::refused(what, None, company, fault))
            }
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
