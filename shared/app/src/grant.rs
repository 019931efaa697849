//! The grant in force for a call: runs the steps of [`crate::renewal`] against the store and the vendors' token endpoints.
//!
//! The guard is monotonic: the wall clock, by which leases are compared, may be set back.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use store::connection::{Connection, Lease, Leased, Status};
use store::tokens::{Grant, Journal, Keys, Owner};
use uuid::Uuid;

use crate::App;
use crate::clock;
use crate::connection::{Stop, Vendors};
use crate::effects::{Deadline, later};
use crate::failure::Trouble;
use crate::renewal::{
    ASK_AGAIN_AFTER, CHANCE, End, Event, LEASE, LOOKS_MS, Left, PURCHASE_NEEDS, RENEWED_BEFORE, Renewal,
    Seen, Step, Token, USABLE,
};
use crate::telemetry::{self, Metric, chain};

/// The longest that one try to write into the journal takes (`Store::from_env`): the last must end before the lease does.
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// Whose token is wanted, and how good it must be.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) owner: &'a Owner,
    /// The app's own credentials there.
    pub(crate) keys: &'a Keys,
    /// A token with less time left is renewed.
    pub(crate) fresh_for: SignedDuration,
    /// The generation whose access token the vendor refused before its time.
    pub(crate) refused: Option<u64>,
    pub(crate) deadline: &'a Deadline,
}

impl<'a> Wanted<'a> {
    /// For a call now.
    pub(crate) fn for_a_call(owner: &'a Owner, keys: &'a Keys, deadline: &'a Deadline) -> Self {
        let chance = Uuid::new_v4().as_u64_pair().0 % CHANCE.as_millis().unsigned_abs() as u64;
        let fresh_for = RENEWED_BEFORE + SignedDuration::from_millis(chance.cast_signed());
        Self { owner, keys, fresh_for, refused: None, deadline }
    }

    /// Because the vendor refused this one before its time.
    pub(crate) fn instead_of(self, refused: &Grant) -> Self {
        Self { refused: Some(refused.generation), ..self }
    }

    /// Whether it is in vain to buy another: the refused token had only just been bought, too. What is wrong then is not the
    /// token, and a thousand executions would buy a thousand. The next renewal in time is the next try.
    fn is_in_vain(&self, connection: &Connection) -> bool {
        connection.refused_at.is_some() && self.refused == Some(connection.generation)
    }

    fn token(&self, grant: &Grant) -> Token {
        let left = grant.access_expires_at.duration_since(clock::now());
        if left <= USABLE || self.refused == Some(grant.generation) {
            Token::Over
        } else if left > self.fresh_for {
            Token::Fresh
        } else {
            Token::Ending
        }
    }
}

/// What a caller has in hand between two steps.
struct Hand {
    connection: Connection,
    grant: Grant,
    held: Option<Held>,
    /// Newer tokens, and the version that holds them once they are in the journal.
    new: Option<(Grant, Option<String>)>,
    /// Why nothing was bought.
    trouble: Option<Trouble>,
}

struct Held {
    lease: Lease,
    ends: Instant,
}

impl App {
    /// The grant that this connection names, renewed if need be. None: a person must connect again.
    pub(crate) async fn grant(
        &self,
        wanted: Wanted<'_>,
        connection: &Connection,
    ) -> Result<Option<Grant>, Stop> {
        if connection.status == Status::ReauthRequired || wanted.is_in_vain(connection) {
            return Ok(None);
        }
        let grant = self.store.grant(wanted.owner, connection).await?;
        let mut hand = Hand { connection: connection.clone(), grant, held: None, new: None, trouble: None };
        let mut renewal = Renewal::default();
        let mut event = Event::Read(self.seen(&wanted, &hand));
        loop {
            let step = renewal.next(event);
            tracing::debug!(?event, ?step, "renewal");
            event = match step {
                Step::Use => return Ok(Some(hand.grant)),
                Step::End(End::Disconnected) => return Ok(None),
                Step::End(end) => return Err(Stop::Trouble(hand.trouble_at(end))),
                step => self.renewal_step(&wanted, &mut hand, step).await?,
            };
        }
    }

    async fn renewal_step(&self, wanted: &Wanted<'_>, hand: &mut Hand, step: Step) -> Result<Event, Stop> {
        Ok(match step {
            Step::Lease => self.lease(wanted, hand).await?,
            Step::LookAgain(look) => {
                let pause_ms = LOOKS_MS[usize::from(look) % LOOKS_MS.len()];
                let chance = Uuid::new_v4().as_u64_pair().0 % (pause_ms / 2);
                tokio::time::sleep(Duration::from_millis(pause_ms - chance)).await;
                Event::Read(self.read_again(wanted, hand).await?)
            }
            Step::Read => Event::Read(self.read_again(wanted, hand).await?),
            Step::ReadJournal => Event::Journal(self.read_journal(wanted, hand).await?),
            Step::Buy if !hand.has_time(wanted.deadline) => Event::NoTime,
            Step::Buy => self.bought(wanted, hand).await,
            Step::Pause => {
                tokio::time::sleep(ASK_AGAIN_AFTER.unsigned_abs()).await;
                Event::Paused
            }
            Step::Keep => self.keep(wanted, hand).await,
            Step::Commit => self.commit(wanted, hand).await?,
            Step::GiveUp => match self.store.require_reauth(wanted.owner, &hand.held()?.lease).await? {
                true => {
                    tracing::error!("the vendor ended the grant: a person must connect again");
                    // HubSpot's end when somebody uninstalls the app.
                    if let Owner::QuickBooks(..) = wanted.owner {
                        telemetry::count(Metric::GrantsEnded);
                    }
                    Event::GivenUp
                }
                false => Event::Overtaken,
            },
            Step::Release => {
                if let Err(error) = self.store.release(wanted.owner, &hand.held()?.lease).await {
                    tracing::warn!(error = chain(&error), "the lease ends by itself");
                }
                Event::Released
            }
            Step::Use | Step::End(_) => return Err(Stop::Trouble(Trouble::Internal)),
        })
    }

    fn seen(&self, wanted: &Wanted<'_>, hand: &Hand) -> Seen {
        let token = match wanted.token(&hand.grant) {
            // Tokens that only this process has are brought to safety first.
            Token::Fresh if self.store.has_unkept(wanted.owner, &hand.connection) => Token::Ending,
            token => token,
        };
        Seen::Standing { generation: hand.connection.generation, token }
    }

    /// The connection as it stands, into the caller's hand.
    async fn taken(
        &self,
        wanted: &Wanted<'_>,
        hand: &mut Hand,
        connection: Option<Connection>,
    ) -> Result<Seen, Stop> {
        let is_good =
            |connection: &Connection| connection.status == Status::Ok && !wanted.is_in_vain(connection);
        let Some(connection) = connection.filter(is_good) else { return Ok(Seen::Ended) };
        hand.grant = self.store.grant(wanted.owner, &connection).await?;
        hand.connection = connection;
        Ok(self.seen(wanted, hand))
    }

    async fn read_again(&self, wanted: &Wanted<'_>, hand: &mut Hand) -> Result<Seen, Stop> {
        let connection = self.store.connection(wanted.owner).await?;
        self.taken(wanted, hand, connection).await
    }

    async fn lease(&self, wanted: &Wanted<'_>, hand: &mut Hand) -> Result<Event, Stop> {
        if let Owner::QuickBooks(..) = wanted.owner {
            // Where to buy is found out before the lease runs.
            let found = self.vendors.discovery().await;
            found.map_err(|error| {
                telemetry::measure(&[(Metric::RenewalFailed, 1)]);
                Stop::Trouble(trouble_of_intuit(&error))
            })?;
        }
        let (now, ends) = (clock::now(), Instant::now() + LEASE.unsigned_abs());
        let leased = self.store.lease(wanted.owner, &hand.connection, now, later(now, LEASE)).await?;
        match leased {
            // Noted since this caller read the connection.
            Leased::Ours(lease) if wanted.is_in_vain(&lease.connection) => {
                self.store.release(wanted.owner, &lease).await?;
                Ok(Event::NotLeased(Seen::Ended))
            }
            Leased::Ours(lease) => {
                let generation = lease.connection.generation;
                hand.held = Some(Held { lease, ends });
                Ok(Event::Leased(generation))
            }
            Leased::Not(connection) => Ok(Event::NotLeased(self.taken(wanted, hand, connection).await?)),
        }
    }

    async fn read_journal(&self, wanted: &Wanted<'_>, hand: &mut Hand) -> Result<Left, Stop> {
        let (left, new) = match self.store.journal(wanted.owner, &hand.connection).await? {
            Journal::Empty => (Left::Nothing, None),
            Journal::InMemory(grant) => (Left::InMemory, Some((grant, None))),
            Journal::Stored(grant, version_id) => {
                tracing::info!(generation = grant.generation, "bought before and not committed");
                (Left::InJournal, Some((grant, Some(version_id))))
            }
        };
        hand.new = new;
        Ok(left)
    }

    async fn bought(&self, wanted: &Wanted<'_>, hand: &mut Hand) -> Event {
        match self.vendors.buy(wanted.owner, &hand.grant, wanted.keys).await {
            Ok(grant) => {
                telemetry::measure(&[(Metric::RenewalFailed, 0)]);
                hand.new = Some((grant, None));
                Event::Bought
            }
            Err(Refresh::Revoked) => Event::Refused,
            Err(Refresh::Later(trouble)) => {
                telemetry::measure(&[(Metric::RenewalFailed, 1)]);
                hand.trouble = Some(trouble);
                Event::NoAnswer
            }
        }
    }

    async fn keep(&self, wanted: &Wanted<'_>, hand: &mut Hand) -> Event {
        let until = hand.held.as_ref().map_or_else(Instant::now, |held| held.ends);
        let until = until.min(Instant::now() + wanted.deadline.left());
        let Some((grant, version)) = &mut hand.new else { return Event::NotKept };
        match self.store.keep(wanted.owner, grant, until.checked_sub(WRITE_LIMIT).unwrap_or(until)).await {
            Ok(version_id) => {
                *version = Some(version_id);
                Event::Kept
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "token_unpersisted: new tokens are in memory only");
                telemetry::count(Metric::TokensUnpersisted);
                Event::NotKept
            }
        }
    }

    async fn commit(&self, wanted: &Wanted<'_>, hand: &mut Hand) -> Result<Event, Stop> {
        let (Some((grant, Some(version_id))), Some(held)) = (hand.new.take(), hand.held.take()) else {
            return Err(Stop::Trouble(Trouble::Internal));
        };
        // Whether it took place may stay unknown: the journal has the tokens, and whoever has the next lease commits them.
        if !self.store.commit(wanted.owner, &held.lease, &grant, &version_id).await? {
            return Ok(Event::Overtaken);
        }
        tracing::info!(generation = grant.generation, "tokens renewed");
        self.store.put_in_force(wanted.owner, &held.lease, &grant, &version_id).await;
        let token = wanted.token(&grant);
        hand.connection = Connection { generation: grant.generation, version_id, ..held.lease.connection };
        hand.grant = grant;
        Ok(Event::Committed(token))
    }
}

impl Hand {
    fn held(&self) -> Result<&Held, Stop> {
        self.held.as_ref().ok_or(Stop::Trouble(Trouble::Internal))
    }

    fn trouble_at(self, end: End) -> Trouble {
        match end {
            End::Busy => Trouble::TokensBusy,
            End::NoTime => Trouble::OutOfTime,
            End::NotKept => Trouble::StoreDown,
            End::Disconnected => Trouble::Disconnected,
            End::NoAnswer => self.trouble.unwrap_or(Trouble::Internal),
        }
    }

    /// Whether a purchase begun now ends, and is written down, while the lease lasts and this process may run.
    fn has_time(&self, deadline: &Deadline) -> bool {
        let lease = self.held.as_ref().map(|held| held.ends.saturating_duration_since(Instant::now()));
        lease.is_some_and(|left| left >= PURCHASE_NEEDS.unsigned_abs()) && deadline.allows_a_purchase()
    }
}

/// Why there are no new tokens.
enum Refresh {
    /// The vendor no longer takes the old ones.
    Revoked,
    /// No usable answer, or our own credentials are wrong: nobody's connection suffers from it.
    Later(Trouble),
}

impl Vendors {
    /// Buys new tokens, once.
    async fn buy(&self, owner: &Owner, old: &Grant, keys: &Keys) -> Result<Grant, Refresh> {
        let Keys { client_id, client_secret, .. } = keys;
        let old_token = &old.refresh_token;
        let now = || clock::now();
        match owner {
            Owner::HubSpot(_) => {
                let bought = hubspot::oauth::refresh(&self.hubspot, client_id, client_secret, old_token);
                let tokens = bought.await.map_err(|error| Refresh::of_hubspot(&error))?;
                Ok(Grant {
                    generation: old.generation + 1,
                    access_token: tokens.access_token,
                    access_expires_at: now() + tokens.expires_in,
                    refresh_token: tokens.refresh_token.unwrap_or_else(|| old_token.clone()),
                    ..old.clone()
                })
            }
            Owner::QuickBooks(..) => {
                let discovery = self.discovery().await.map_err(|error| Refresh::of_intuit(&error))?;
                let client = self.intuit();
                let bought =
                    quickbooks::oauth::refresh(client, &discovery, client_id, client_secret, old_token);
                let tokens = bought.await.map_err(|error| Refresh::of_intuit(&error))?;
                Ok(of_intuit(old, &tokens, now()))
            }
        }
    }
}

fn of_intuit(old: &Grant, tokens: &quickbooks::oauth::Tokens, now: Timestamp) -> Grant {
    Grant {
        generation: old.generation + 1,
        access_token: tokens.access_token.clone(),
        access_expires_at: now + tokens.expires_in,
        refresh_token: tokens.refresh_token.clone(),
        refresh_expires_at: Some(now + tokens.refresh_expires_in),
        hard_expires_at: tokens.hard_expires_in.map(|left| now + left).or(old.hard_expires_at),
        scopes: old.scopes.clone(),
    }
}

impl Refresh {
    fn of_hubspot(error: &hubspot::oauth::Error) -> Self {
        tracing::warn!(error = chain(error), "HubSpot did not renew the tokens");
        match error {
            hubspot::oauth::Error::Revoked => Self::Revoked,
            hubspot::oauth::Error::Misconfigured => Self::Later(our_keys("HubSpot")),
            hubspot::oauth::Error::Unavailable(_) => Self::Later(Trouble::HubSpotDown),
        }
    }

    fn of_intuit(error: &quickbooks::oauth::Error) -> Self {
        match error {
            quickbooks::oauth::Error::Revoked => Self::Revoked,
            error => Self::Later(trouble_of_intuit(error)),
        }
    }
}

fn trouble_of_intuit(error: &quickbooks::oauth::Error) -> Trouble {
    tracing::warn!(error = chain(error), "Intuit did not renew the tokens");
    match error {
        quickbooks::oauth::Error::Misconfigured => our_keys("Intuit"),
        _ => Trouble::QuickBooksDown,
    }
}

/// Ours to mend: no connection suffers from it.
pub(crate) fn our_keys(vendor: &'static str) -> Trouble {
    tracing::error!(vendor, "the app's own credentials are not accepted, missing, or an address is wrong");
    telemetry::count(Metric::KeysRefused);
    Trouble::Internal
}
