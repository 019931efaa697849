//! Staying below the vendors' limits: every call to a company or a portal is taken from its bucket first, and one that must
//! wait waits here as long as its caller can.
//!
//! The limits are of calls in a time. Older pages of Intuit's also speak of ten calls at once, which a bucket does not know: at
//! eight a second there are more when answers take longer than a second and a quarter. Such a call is answered 429, which
//! proves that it had no effect: what was asked is asked again half a minute later, and what was sent is taken back. Each costs
//! the bucket some calls more, so that a slow company is called less often; nothing is lost or made twice. The burst of
//! `tests/burst` shows it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::RecordKind;
use mapping::quickbooks::RealmId;
use quickbooks::Rows;
use quickbooks::query::Query;
use store::budget::{Budget, Taken};

use crate::App;
use crate::clock;
use crate::connection::Stop;
use crate::failure::Trouble;

/// Whoever is turned away by a limit takes so many calls more from the bucket, so that it fills as slowly as the vendor answers.
pub const TURNED_AWAY: u32 = 8;

/// Reading a record, looking up and freezing the plan take so long, a turn at the company included.
const PLANNING_TAKES: Duration = Duration::from_secs(4);

/// How long an attempt that may begin something for so long may wait for its turn to read the record: one that comes when there
/// is no time left for a plan would be in vain, and another attempt would read all of it again.
pub fn patience_to_read(left_to_begin: Duration) -> Duration {
    left_to_begin.saturating_sub(PLANNING_TAKES)
}

/// How many calls to HubSpot it takes to read a record with a contact and up to a hundred lines, payments apart: the record,
/// the contact and the lines; of a quote also its billing contact, discounts, fees and taxes.
pub fn calls_to_read(kind: RecordKind) -> u32 {
    match kind {
        RecordKind::Deal => 3,
        RecordKind::Quote => 7,
    }
}

/// Where a HubSpot company is billed: the record's list of them, and the company.
pub(crate) const CALLS_TO_READ_A_COMPANY: u32 = 2;

/// When several questions may be asked of a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// All as one batch, then.
    Batch(Timestamp),
    /// Each as a call: as many as there would have been batches first, then the others.
    Apart {
        /// The first ones' turn.
        first: Timestamp,
        /// The others'.
        others: Timestamp,
    },
}

/// Takes the turns of so many questions, which so many batches could hold: as batches while there are any, whose limit is much
/// the tighter one, and else side by side. None: not in time. A batch is taken for the moment at which it will be sent: were it
/// taken before its call has waited for its turn, batches could come too close together.
///
/// # Errors
/// What `take` met, which is [`store::Store::take`].
pub async fn turns_to_ask<F: Future<Output = Result<Taken, store::Error>>>(
    realm: &RealmId,
    (questions, batches): (u32, u32),
    (now, patience): (Timestamp, SignedDuration),
    take: impl Fn(Budget, u32, Timestamp, SignedDuration) -> F,
) -> Result<Option<Turns>, store::Error> {
    let calls = || Budget::QuickBooks(realm.clone());
    let Taken::At(first) = take(calls(), batches, now, patience).await? else { return Ok(None) };
    if questions <= batches {
        return Ok(Some(Turns::Apart { first, others: first }));
    }
    let as_batch = Budget::QuickBooksBatches(realm.clone());
    if let Taken::At(_) = take(as_batch, batches, first, SignedDuration::ZERO).await? {
        return Ok(Some(Turns::Batch(first)));
    }
    Ok(match take(calls(), questions - batches, now, patience).await? {
        Taken::At(others) => Some(Turns::Apart { first, others }),
        Taken::NotBefore(_) => None,
    })
}

/// Sleeps until somebody's turn.
async fn wait_until(turn: Timestamp) {
    tokio::time::sleep(Duration::try_from(turn.duration_since(clock::now())).unwrap_or_default()).await;
}

impl App {
    /// Takes calls, waiting for them if need be.
    ///
    /// # Errors
    /// [`Stop::Trouble`]: they may not be made in this attempt.
    pub(crate) async fn spend(&self, budget: &Budget, calls: u32, patience: Duration) -> Result<(), Stop> {
        let now = clock::now();
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        match self.store.take(budget, calls, now, patience).await? {
            Taken::At(moment) => {
                wait_until(moment).await;
                Ok(())
            }
            Taken::NotBefore(_) => {
                tracing::info!(?budget, "the vendor's limit leaves nothing for this attempt");
                Err(Stop::Trouble(throttled(budget)))
            }
        }
    }

    /// A vendor's limit has turned us away all the same. Best effort: whoever comes next is turned away too.
    pub(crate) async fn slow_down(&self, budget: &Budget) {
        let taken = self.store.take(budget, TURNED_AWAY, clock::now(), SignedDuration::from_mins(5)).await;
        tracing::warn!(?budget, noted = taken.is_ok(), "turned away by the vendor's limit");
    }

    /// Asks a company several questions when their turns come: as one batch, or side by side.
    ///
    /// # Errors
    /// [`Stop::Trouble`]: they may not be asked in this attempt.
    pub(crate) async fn ask_in_turn(
        &self,
        client: &quickbooks::Company,
        realm: &RealmId,
        queries: &[Query],
        patience: Duration,
    ) -> Result<Result<Vec<Rows>, quickbooks::Error>, Stop> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let batches = queries.len().div_ceil(quickbooks::BATCH);
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        let take = |budget: Budget, calls, at, patience| async move {
            self.store.take(&budget, calls, at, patience).await
        };
        let questions = (count(queries.len()), count(batches));
        match turns_to_ask(realm, questions, (clock::now(), patience), take).await? {
            Some(Turns::Batch(turn)) => {
                wait_until(turn).await;
                Ok(client.query(queries).await)
            }
            Some(Turns::Apart { first, others }) => {
                let (early, late) = queries.split_at(batches.min(queries.len()));
                let ask = |turn, queries| async move {
                    wait_until(turn).await;
                    client.query_apart(queries).await
                };
                let (early, late) = tokio::join!(ask(first, early), ask(others, late));
                Ok(early.and_then(|early| Ok([early, late?].concat())))
            }
            None => Err(Stop::Trouble(Trouble::QuickBooksThrottled)),
        }
    }
}

fn throttled(budget: &Budget) -> Trouble {
    match budget {
        Budget::QuickBooks(_) | Budget::QuickBooksBatches(_) => Trouble::QuickBooksThrottled,
        Budget::HubSpot(_) => Trouble::HubSpotThrottled,
    }
}
