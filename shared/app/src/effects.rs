//! What the effects of documents and of customers have in common: how a change becomes a write, and how much time there is.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use store::Store;
use store::record::{Key, Nonce, Noted, Record, State, Transition, Written};
use uuid::Uuid;

use crate::attempt::{LEASE_MARGIN, QUIET, SEND_NEEDS, back_off};
use crate::clock;
use crate::failure::{Failure, Trouble};
use crate::protocol::{CALLBACK_BEFORE, Change, Outcome};
use crate::renewal::PURCHASE_NEEDS;
use crate::telemetry::{self, Metric, chain};

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
        !self.left_to_begin().is_zero()
    }

    pub(crate) fn left_to_begin(&self) -> Duration {
        self.begin_until.saturating_duration_since(Instant::now())
    }

    /// When whoever takes up due work shall take up this record, given back now.
    fn next_at(&self, record: &Record, trouble: &Trouble) -> Timestamp {
        let now = clock::now();
        match self.asked_by {
            AskedBy::HubSpot => now,
            AskedBy::Schedule => {
                let next_at = later(now, back_off(record, trouble, Uuid::new_v4().as_u64_pair().0));
                // HubSpot is told in time how things stand.
                let told_at = record.callback_due.map(|due| later(due, -CALLBACK_BEFORE));
                told_at.filter(|told_at| *told_at > now).map_or(next_at, |told_at| next_at.min(told_at))
            }
        }
    }

    /// What the write of this change says of time.
    pub(crate) fn times(&self, record: &Record, change: &Change) -> Times {
        let next_at = match change {
            Change::Release(trouble) => self.next_at(record, trouble),
            _ => clock::now(),
        };
        Times { quiet_until: later(self.wall, QUIET), next_at }
    }

    pub(crate) fn lease_until(&self) -> Timestamp {
        later(self.wall, LEASE_MARGIN)
    }

    pub(crate) fn left(&self) -> Duration {
        self.monotonic.saturating_duration_since(Instant::now())
    }

    pub(crate) fn allows_a_purchase(&self) -> bool {
        self.left() >= PURCHASE_NEEDS.unsigned_abs()
    }

    pub(crate) fn allows_a_send(&self) -> bool {
        self.left() >= SEND_NEEDS
    }
}

/// What a change's write says of time: the machine knows no clock.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Until when a send of this attempt may still take effect.
    pub quiet_until: Timestamp,
    /// When whoever takes up due work takes up what is given back now.
    pub next_at: Timestamp,
}

impl Change {
    /// The transition of a change that keeps no answer and freezes no payment; none for those that keep an answer. In
    /// DOC_DONE and PAY_SENT it is the payment's.
    pub fn transition(&self, record: &Record, times: Times) -> Option<Transition> {
        let paying = matches!(record.state, State::DocDone | State::PaySent);
        let Times { quiet_until, next_at } = times;
        Some(match self {
            Self::Freeze(plan) => Transition::Freeze(plan.clone()),
            Self::PlanPayment(payment) => Transition::PlanPayment {
                plan: payment.plan.clone(),
                made: payment.made.json.clone(),
                pay_plan: payment.pay_plan.clone(),
            },
            Self::Intend if paying => Transition::PayIntent { quiet_until },
            Self::Intend => Transition::Intent { quiet_until },
            Self::Unsend(trouble) if paying => Transition::PayUnsend { trouble: trouble.as_str().to_owned() },
            Self::Unsend(trouble) => Transition::Unsend { trouble: trouble.as_str().to_owned() },
            Self::Replan(failure) | Self::Withdraw(failure) => {
                Transition::Replan { trouble: failure.code.as_str().to_owned() }
            }
            Self::Record(made) if paying => Transition::PayRecord { id: made.id.clone() },
            Self::Record(made) => {
                Transition::Record { id: made.id.clone(), made: made.json.clone(), pay_plan: None }
            }
            Self::IntendMail => Transition::MailIntent,
            Self::UnsendMail(trouble) => Transition::MailUnsend { trouble: trouble.as_str().to_owned() },
            Self::RecordMail(mail) => Transition::MailRecord { mail: *mail },
            Self::RefusePayment(failure) => Transition::PayRefuse {
                trouble: failure.code.as_str().to_owned(),
                why: failure.message.clone(),
            },
            Self::Release(trouble) => Transition::Release {
                trouble: trouble.as_str().to_owned(),
                own_mistake: *trouble == Trouble::Internal,
                next_at,
            },
            Self::Complete | Self::Exists(_) | Self::Preview(_) | Self::Fail(_) | Self::Review => {
                return None;
            }
        })
    }
}

/// Whether a write is repeated as long as there is time: it writes down what exists in QuickBooks.
pub fn is_pressing(transition: &Transition) -> bool {
    matches!(
        transition,
        Transition::Record { .. }
            | Transition::PayRecord { .. }
            | Transition::MailRecord { .. }
            | Transition::Complete { .. }
    )
}

/// Writes a transition, with what led to it. What exists in QuickBooks is written down with all the time there is: until then only the quiet
/// period and the marker protect it.
pub(crate) async fn write(
    store: &Store,
    record: &Record,
    transition: &Transition,
    noted: &Noted<'_>,
    deadline: &Deadline,
) -> Result<Written, store::Error> {
    let pressing = is_pressing(transition);
    // One id for all tries: the first may have taken place although its reply was lost.
    let id = Nonce::new();
    loop {
        match store.write_noting(record, transition, noted, &id, clock::now()).await {
            Err(error @ store::Error::Unavailable { .. })
                if pressing && deadline.left() > RETRY_PAUSE * 20 =>
            {
                tracing::warn!(error = chain(&error), "writing down what exists failed; again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            Ok(Written::Refused) => {
                note_loss(store, record).await;
                return Ok(Written::Refused);
            }
            other => return other,
        }
    }
}

/// Another attempt was faster. Its fence is above ours, or something has changed the record that is not of this program. Claims are
/// not looked at again: no role may read a customer's.
async fn note_loss(store: &Store, held: &Record) {
    telemetry::count(Metric::WritesLost);
    if let Key::Execution { .. } = held.key
        && let Ok(Some(stands)) = store.record(&held.key).await
        && stands.fence < held.fence
    {
        tracing::error!(held = held.fence, stands = stands.fence, "the record's fence went back");
        telemetry::count(Metric::Violations);
    }
}

/// A claim that this invocation makes now.
pub(crate) fn claim(key: store::record::Key, deadline: &Deadline) -> store::record::Claim {
    store::record::Claim {
        delivered: deadline.asked_by() == AskedBy::HubSpot,
        ..store::record::Claim::new(key, clock::now(), deadline.lease_until())
    }
}

impl Outcome {
    /// What an error of QuickBooks means for a send, when it is not a refusal. `company` is its name, for a sentence.
    pub fn of_error(error: &quickbooks::Error, company: &str) -> Self {
        tracing::warn!(error = chain(error), "QuickBooks did not say that it was made");
        match error {
            quickbooks::Error::NotSent(_) => Self::NoEffect(Trouble::QuickBooksDown),
            quickbooks::Error::Throttled => Self::NoEffect(Trouble::QuickBooksThrottled),
            // Whoever sends renews the token first; what is left is a token that was refused twice.
            quickbooks::Error::Unauthorized => Self::Refused(Failure::connection_expired(company)),
            // A 403 proves nothing (reliability.md §c.2).
            quickbooks::Error::Forbidden(_)
            | quickbooks::Error::Rejected(_)
            | quickbooks::Error::Unknown(_) => Self::Unknown,
        }
    }
}

pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
