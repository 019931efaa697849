//! What the effects of documents and of customers have in common: how a change becomes a write, and how much time there is.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use store::Store;
use store::record::{Nonce, Record, State, Transition, Written};
use uuid::Uuid;

use crate::clock;
use crate::failure::{Failure, Trouble};
use crate::protocol::{Change, Outcome};
use crate::telemetry::chain;

/// After an invocation's end, a send of it may still take effect: QuickBooks works on a request for up to 120 s, and 60 s
/// are for clocks and late kills (reliability.md §c.3).
const QUIET: SignedDuration = SignedDuration::from_secs(180);

/// A send is started only with this much time left: QuickBooks' time limit of 25 s, and 3 s to record what came of it.
const SEND_NEEDS: Duration = Duration::from_secs(28);

/// A lease outlives the invocation that holds it by this much.
const LEASE_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Between two tries to write down what exists in QuickBooks.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// The time of one invocation. Its end is kept on the wall clock, for what others read, and on the monotonic one, for what
/// we ourselves still start: the wall clock may be set back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    wall: Timestamp,
    monotonic: Instant,
    /// Until when something new may be begun.
    begin_until: Instant,
    asked_by: AskedBy,
}

/// Who waits for this attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedBy {
    /// HubSpot, which asks again or is called back.
    HubSpot,
    /// Nobody: the record is due.
    Schedule,
}

impl Deadline {
    /// The end that Lambda names. An attempt that HubSpot waits for begins nothing new once HubSpot has waited for `patience`;
    /// any other as long as it can still send and record.
    pub(crate) fn at(wall: Timestamp, patience: Option<Duration>) -> Self {
        let (now, left) = (Instant::now(), Duration::try_from(wall.duration_since(clock::now())));
        let left = left.unwrap_or_default();
        let begin_for = patience.unwrap_or(left.saturating_sub(SEND_NEEDS * 2));
        Self {
            wall,
            monotonic: now + left,
            begin_until: now + begin_for,
            asked_by: if patience.is_some() { AskedBy::HubSpot } else { AskedBy::Schedule },
        }
    }

    pub(crate) fn asked_by(&self) -> AskedBy {
        self.asked_by
    }

    pub(crate) fn allows_a_beginning(&self) -> bool {
        Instant::now() < self.begin_until
    }

    /// When whoever takes up due work shall take up this record, given back now.
    fn next_at(&self, record: &Record) -> Timestamp {
        match self.asked_by {
            AskedBy::HubSpot => clock::now(),
            AskedBy::Schedule => later(clock::now(), back_off(record)),
        }
    }

    pub(crate) fn lease_until(&self) -> Timestamp {
        later(self.wall, LEASE_MARGIN)
    }

    pub(crate) fn left(&self) -> Duration {
        self.monotonic.saturating_duration_since(Instant::now())
    }

    pub(crate) fn allows_a_send(&self) -> bool {
        self.left() >= SEND_NEEDS
    }
}

/// The transition of a change that keeps no answer and freezes no payment; none for those that do. In DOC_DONE and PAY_SENT
/// it is the payment's.
pub(crate) fn transition(record: &Record, change: &Change, deadline: &Deadline) -> Option<Transition> {
    let paying = matches!(record.state, State::DocDone | State::PaySent);
    let quiet_until = later(deadline.wall, QUIET);
    Some(match change {
        Change::Freeze(plan) => Transition::Freeze(plan.clone()),
        Change::Intend if paying => Transition::PayIntent { quiet_until },
        Change::Intend => Transition::Intent { quiet_until },
        Change::Unsend(trouble) if paying => Transition::PayUnsend { trouble: trouble.as_str().to_owned() },
        Change::Unsend(trouble) => Transition::Unsend { trouble: trouble.as_str().to_owned() },
        Change::Replan(failure) | Change::Withdraw(failure) => {
            Transition::Replan { trouble: failure.code.as_str().to_owned() }
        }
        Change::Record(made) if paying => Transition::PayRecord { id: made.id.clone() },
        Change::Record(made) => {
            Transition::Record { id: made.id.clone(), made: made.json.clone(), pay_plan: None }
        }
        Change::RefusePayment(failure) => Transition::PayRefuse { trouble: failure.code.as_str().to_owned() },
        Change::Release(trouble) => Transition::Release {
            trouble: trouble.as_str().to_owned(),
            own_mistake: *trouble == Trouble::Internal,
            next_at: deadline.next_at(record),
        },
        Change::Complete | Change::Fail(_) | Change::Review => return None,
    })
}

/// Between two attempts that nobody waits for: 1, 2, 4, 8, then 15 minutes, of which up to half is left to chance, so that
/// what failed together does not come again together (rulings.md 11).
fn back_off(record: &Record) -> SignedDuration {
    // Each claim raises the fence, and HubSpot's are counted.
    let tries = record.fence.saturating_sub(record.deliveries).clamp(1, 5);
    let longest = (60_000_u64 << (tries - 1)).min(15 * 60_000);
    let chance = Uuid::new_v4().as_u64_pair().0 % (longest / 2);
    SignedDuration::from_millis((longest - chance).cast_signed())
}

/// Writes a transition. What exists in QuickBooks is written down with all the time there is: until then only the quiet
/// period and the marker protect it.
pub(crate) async fn write(
    store: &Store,
    record: &Record,
    transition: &Transition,
    deadline: &Deadline,
) -> Result<Written, store::Error> {
    let matters = matches!(
        transition,
        Transition::Record { .. } | Transition::PayRecord { .. } | Transition::Complete { .. }
    );
    // One id for all tries: the first may have taken place although its reply was lost.
    let id = Nonce::new();
    loop {
        match store.write(record, transition, &id, clock::now()).await {
            Err(error @ store::Error::Unavailable { .. })
                if matters && deadline.left() > RETRY_PAUSE * 20 =>
            {
                tracing::warn!(error = chain(&error), "writing down what exists failed; again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            other => return other,
        }
    }
}

/// A claim that this invocation makes now.
pub(crate) fn claim(key: store::record::Key, deadline: &Deadline) -> store::record::Claim {
    store::record::Claim {
        key,
        action: None,
        realm: None,
        input_hash: None,
        subject: None,
        request: None,
        delivered: deadline.asked_by() == AskedBy::HubSpot,
        safe_since: None,
        nonce: Nonce::new(),
        now: clock::now(),
        lease_until: deadline.lease_until(),
    }
}

/// What an error of QuickBooks means for a send, when it is not a refusal.
pub(crate) fn send_outcome(error: &quickbooks::Error, company: &str) -> Outcome {
    tracing::warn!(error = chain(error), "QuickBooks did not say that it was made");
    match error {
        quickbooks::Error::NotSent(_) => Outcome::NoEffect(Trouble::QuickBooksDown),
        quickbooks::Error::Throttled => Outcome::NoEffect(Trouble::QuickBooksThrottled),
        // Whoever sends renews the token first; what is left is a token that was refused twice.
        quickbooks::Error::Unauthorized => Outcome::Refused(Failure::connection_expired(company)),
        // A 403 proves nothing (reliability.md §c.2).
        quickbooks::Error::Forbidden(_) | quickbooks::Error::Rejected(_) | quickbooks::Error::Unknown(_) => {
            Outcome::Unknown
        }
    }
}

pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
