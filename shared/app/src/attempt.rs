//! One attempt at an execution, whoever makes it: HubSpot by delivering it, or the reconciler because it is due.
//!
//! A delivery that cannot end now promises to call HubSpot back: the promise is written down first, then `BLOCK` is
//! answered, and from then on the reconciler alone brings the execution to its end (rulings.md 3, 4).

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::record::{Claimed, Owed, Record, State, Transition, Written};

pub use crate::effects::{Times, is_pressing};

use crate::effects::later;
use crate::failure::Trouble;
use crate::protocol::{self, CALLBACK_BEFORE, Effects, End, HUBSPOT_RETRIES};
use crate::telemetry::chain;

/// How long HubSpot is asked to wait for a callback.
pub const WAIT: SignedDuration = SignedDuration::from_hours(6);

/// [`WAIT`] as HubSpot reads it: an ISO 8601 duration.
pub const WAIT_ISO: &str = "PT6H";

/// A `BLOCK` answer has reached HubSpot so long after its promise was written: the gateway waits no longer for it.
const BLOCK_ARRIVES: SignedDuration = SignedDuration::from_secs(30);

/// A callback that is refused earlier than this after its promise is tried again: HubSpot may not have known of the wait.
const REFUSAL_COUNTS: SignedDuration = SignedDuration::from_mins(5);

/// Between two callbacks that HubSpot does not hear: half of the time since the promise, within these.
const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// After an invocation's end, a send of it may still take effect: QuickBooks works on a request for up to 120 s, and 60 s
/// are for clocks and late kills (reliability.md §c.3).
pub const QUIET: SignedDuration = SignedDuration::from_secs(180);

/// A send is started only with this much time left: QuickBooks' time limit of 25 s, and 3 s to record what came of it.
pub const SEND_NEEDS: Duration = Duration::from_secs(28);

/// A lease outlives the invocation that holds it by this much.
pub const LEASE_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Once HubSpot has waited for so long, nothing new is begun.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// Between two attempts that nobody waits for: 1, 2, 4, 8, then 15 minutes, of which up to half is left to `chance`, any
/// number, so that what failed together does not come again together (rulings.md 11). What only met a limit comes again
/// soon: the limit is one of calls in a minute.
pub fn back_off(record: &Record, trouble: &Trouble, chance: u64) -> SignedDuration {
    // Each claim raises the fence, and HubSpot's are counted.
    let tries = match trouble {
        Trouble::HubSpotThrottled
        | Trouble::QuickBooksThrottled
        | Trouble::InProgress
        | Trouble::TokensBusy => 1,
        // Only a person can connect the company again.
        Trouble::Disconnected => return SignedDuration::from_hours(1),
        _ => record.fence.saturating_sub(record.deliveries).clamp(1, 5),
    };
    let longest = (60_000_u64 << (tries - 1)).min(15 * 60_000);
    SignedDuration::from_millis((longest - chance % (longest / 2)).cast_signed())
}

/// What an execution needs beside the effects of its record: the second half of the one seam (rulings.md 25).
pub trait Attempt: Effects {
    /// Takes the record, or says who has it or how it ended.
    fn claim(&self) -> impl Future<Output = Result<Claimed, store::Error>> + Send;

    /// Whether HubSpot can be asked to wait: a workflow runs, and we may call it back.
    fn may_block(&self) -> impl Future<Output = bool> + Send;

    /// Writes down that HubSpot will be called back.
    fn promise(&self) -> impl Future<Output = Result<Owed, store::Error>> + Send;

    /// Whether a workflow asked: HubSpot then delivers again for three days.
    fn is_from_a_workflow(&self) -> bool;

    /// Calls HubSpot back with the record's answer, or that a person must look when there is none.
    fn call_back(&self, record: &Record) -> impl Future<Output = Told> + Send;

    /// Writes down what HubSpot is told, before, and that it no longer waits, after. It takes no lease.
    fn note(
        &self,
        record: &Record,
        what: &Transition,
    ) -> impl Future<Output = Result<Written, store::Error>> + Send;

    /// Takes a callback that is due, until then; false when somebody else has.
    fn take_callback(
        &self,
        record: &Record,
        until: Timestamp,
    ) -> impl Future<Output = Result<bool, store::Error>> + Send;

    /// Leaves what is due for later, unless somebody took it up meanwhile.
    fn postpone(
        &self,
        record: &Record,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), store::Error>> + Send;
}

/// How HubSpot took a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The workflow goes on.
    Heard,
    /// With a 4xx: HubSpot does not wait for it, or not yet.
    Refused,
    /// No usable answer: HubSpot waits still.
    NotHeard,
    /// Not called for want of a turn or of time, or turned away by a limit: HubSpot waits still, and nothing is wrong with it.
    NotCalled,
}

/// What HubSpot is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The record's answer.
    Stored(Box<Record>),
    /// Wait: we call back.
    Wait,
    /// Deliver it again.
    Again(Trouble),
}

/// HubSpot delivered it.
pub async fn deliver(attempt: &impl Attempt) -> Reply {
    let trouble = match attempt.claim().await {
        Ok(Claimed::Ours(record)) => match go_on(attempt, record).await {
            Ok(End::Done(record)) => return Reply::Stored(record),
            Ok(End::Later { trouble, .. }) => trouble,
            Ok(End::GaveUp(_)) => Trouble::Internal,
            Err(error) => {
                tracing::error!(error = chain(&error), "what was promised before the restore could not be");
                return Reply::Again(Trouble::StoreDown);
            }
        },
        Ok(Claimed::Done(record)) => return Reply::Stored(record),
        Ok(Claimed::Running) => Trouble::InProgress,
        Err(error) => {
            tracing::error!(error = chain(&error), "the record could not be claimed");
            return Reply::Again(Trouble::StoreDown);
        }
    };
    if !attempt.may_block().await {
        return Reply::Again(trouble);
    }
    match attempt.promise().await {
        Ok(Owed::Yes) => Reply::Wait,
        Ok(Owed::Done(record)) => Reply::Stored(record),
        Err(error) => {
            tracing::error!(error = chain(&error), "no callback could be promised");
            Reply::Again(trouble)
        }
    }
}

/// It is due: goes on with it if it is not done, and calls HubSpot back if that was promised and it is time.
///
/// # Errors
/// [`store::Error`]: it stays due.
pub async fn resume(attempt: &impl Attempt, record: Box<Record>) -> Result<State, store::Error> {
    let state = record.state;
    if state.is_terminal() {
        tell(attempt, &record).await?;
        return Ok(state);
    }
    if let Some(until) = hubspot_s_turn(attempt, &record) {
        attempt.postpone(&record, until).await?;
        return Ok(state);
    }
    let record = match attempt.claim().await? {
        Claimed::Ours(record) => match go_on(attempt, record).await? {
            // What became of the record is not known here: its next holder tells.
            End::Later { trouble: Trouble::TakenOver | Trouble::Unwritten, .. } | End::GaveUp(_) => {
                return Ok(state);
            }
            End::Done(record) | End::Later { record, .. } => record,
        },
        Claimed::Done(record) => record,
        Claimed::Running => return Ok(state),
    };
    tell(attempt, &record).await?;
    Ok(record.state)
}

/// After a restore, what HubSpot was promised since is forgotten: it is called back whether it waits or not.
async fn go_on(attempt: &impl Attempt, record: Box<Record>) -> Result<End, store::Error> {
    let is_restored = record.safe_since.is_some();
    if is_restored && record.callback_due.is_none() && attempt.is_from_a_workflow() {
        attempt.promise().await?;
    }
    Ok(protocol::drive(attempt, protocol::next, record).await)
}

/// Until when only HubSpot may go on: nothing was sent, nobody was promised anything, and whoever asked may have taken the
/// 503 for the end. A workflow has not: it delivers for three days.
fn hubspot_s_turn(attempt: &impl Attempt, record: &Record) -> Option<Timestamp> {
    let ends = record.created_at.checked_add(HUBSPOT_RETRIES).unwrap_or(Timestamp::MAX);
    let waits = record.state.is_unsent() && record.callback_due.is_none() && !attempt.is_from_a_workflow();
    // HubSpot knows nothing of a retry.
    let waits = waits && !record.key.is_retry();
    (waits && attempt.now() < ends).then_some(ends)
}

/// Calls HubSpot back if that was promised and it is time.
async fn tell(attempt: &impl Attempt, record: &Record) -> Result<(), store::Error> {
    let Some(due) = record.callback_due else { return Ok(()) };
    let (now, promised_at) = (attempt.now(), later(due, -WAIT));
    if record.state.is_terminal() {
        // Until its answer `BLOCK` has arrived, HubSpot knows of no wait.
        let known_at = later(promised_at, BLOCK_ARRIVES);
        if now < known_at {
            return attempt.postpone(record, known_at).await;
        }
        // Two runs may have found it due, and whoever has just ended it may be waiting for a turn to call.
        if !attempt.take_callback(record, later(now, SHORTEST_PAUSE)).await? {
            return Ok(());
        }
        let pause = now.duration_since(promised_at) / 2;
        return call(attempt, record, due, pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
    let is_time = !record.state.is_unsent() && due.duration_since(now) <= CALLBACK_BEFORE;
    // From there on nothing new is sent for it; and if somebody has taken it up, they tell.
    if is_time && let Written::Done(record) = attempt.note(record, &Transition::Tell).await? {
        return call(attempt, &record, due, SHORTEST_PAUSE).await;
    }
    Ok(())
}

/// Calls back once, and leaves it for later if HubSpot did not hear.
async fn call(
    attempt: &impl Attempt,
    record: &Record,
    due: Timestamp,
    pause: SignedDuration,
) -> Result<(), store::Error> {
    let now = attempt.now();
    let told = attempt.call_back(record).await;
    let pause = if told == Told::NotCalled { SHORTEST_PAUSE } else { pause };
    let is_over = match told {
        Told::Heard => true,
        Told::Refused => now >= later(later(due, -WAIT), REFUSAL_COUNTS),
        // After its time HubSpot does not wait any more, heard or not.
        Told::NotHeard | Told::NotCalled => now > due,
    };
    match is_over {
        true => attempt.note(record, &Transition::Settle).await.map(drop),
        false => attempt.postpone(record, later(now, pause)).await,
    }
}
