//! The record of one effect in QuickBooks: an execution's document, or a customer or item we create. Its states, and every way it
//! may change, each one conditional write.
//!
//! ```text
//! (absent) --claim--> CLAIMED --freeze--> PLANNED --intent--> SENT --record--> DOC_DONE --complete--> COMPLETED
//!                      |  ^ ^               |  ^               | |
//!                      |  | +----replan-----|--|---------------+ +--review--> NEEDS_REVIEW   (a person decides)
//!                      |  |                 |  +---- unsend -----+
//!                      +--+---- fail -------+------- fail -------+----------> FAILED
//! ```
//!
//! A payment follows DOC_DONE, by the same rules:
//!
//! ```text
//! DOC_DONE --pay intent--> PAY_SENT --pay record--> PAY_SENT with its id --complete--> COMPLETED
//!    ^  ^                   |   |
//!    |  +--- pay unsend ----+   |
//!    +------ pay refuse --------+   the document stands, its payment is refused: completed all the same
//! ```
//!
//! A document that is to be e-mailed is, once nothing else is left to do: a mark is written, the mail is asked for, and what came
//! of it is written down. A mark that stands alone says that it may have been mailed; nobody asks again (rulings.md 10).
//!
//! What each failure leaves behind:
//!
//! ```text
//! crash before the claim      nothing                       HubSpot delivers again
//! crash while CLAIMED         nothing outside               taken over when the lease ends; the deal is read anew
//! crash while PLANNED         the plan, nothing outside     taken over; the same bytes are sent
//! crash while SENT            perhaps a document            nothing is sent before `quiet_until`; then the marker is
//!                                                           looked for, and only if it is absent the same bytes go out
//! crash while DOC_DONE        the document, and its id      taken over; its payment is sent, or the answer is built
//! crash while PAY_SENT        perhaps a payment             as SENT: quiet period, then a look at the invoice's payments
//! crash while marked          perhaps a mail                none is asked for again, and the answer says so
//! reply of a write lost       the write, perhaps            told from another's by the id each write leaves in `w`
//! ```
//!
//! What failed, or met a refusal of its payment, a person may have tried again: a record of its own that starts at CLAIMED, or
//! at DOC_DONE with the old document. The old record only learns that it was retried (rulings.md 13).
//!
//! HubSpot may wait for a callback meanwhile. The promise is written down before the answer that makes it, by whoever
//! answers, holder of the record or not; a final write keeps the record among the due work while the promise stands
//! (rulings.md 3).
//!
//! Why does every write carry the fence? A lease only saves work. Two attempts may believe that they hold a record; the
//! older one's writes then fail, whatever it still does (reliability.md §c).
//!
//! Why does nothing here expire? `ttl` is set on terminal states only, 400 days ahead: a key must outlive every retry.

use std::fmt;

use jiff::Timestamp;
use mapping::hubspot::PortalId;
use mapping::quickbooks::{DocumentKind, RealmId};
use mapping::sale::BuyerId;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The record of one execution: the idempotency key is the portal and HubSpot's callback id (rulings.md 1).
    Execution {
        /// The portal whose workflow runs.
        portal: PortalId,
        /// HubSpot's callback id, opaque.
        callback_id: String,
        /// 0 for what HubSpot asked for, and one more with each retry by a person: every retry is a record of its own
        /// (rulings.md 13).
        retry: u32,
    },
    /// The claim on a customer to be created: a hash of environment, realm and identity (rulings.md 8).
    Customer {
        /// 64 hexadecimal digits.
        identity: String,
    },
    /// The claim on an item to be created, likewise.
    Item {
        /// 64 hexadecimal digits.
        identity: String,
    },
}

/// Kept out of keys, so that one part cannot pass for two.
const KEY_ESCAPES: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'/').add(b'~');

impl Key {
    /// The record of what HubSpot asked for under this callback id.
    pub fn execution(portal: PortalId, callback_id: impl Into<String>) -> Self {
        Self::Execution { portal, callback_id: callback_id.into(), retry: 0 }
    }

    /// An execution by its [`Key::id`]. None when it is no such id.
    pub fn of_id(portal: PortalId, id: &str) -> Option<Self> {
        let (callback_id, retry) = match id.split_once('~') {
            // Only as we write it: one execution has one id.
            Some((callback_id, retry)) if !retry.starts_with(['0', '+']) => {
                (callback_id, retry.parse().ok()?)
            }
            Some(_) => return None,
            None => (id, 0),
        };
        let callback_id = percent_decode_str(callback_id).decode_utf8().ok()?.into_owned();
        (!callback_id.is_empty()).then_some(Self::Execution { portal, callback_id, retry })
    }

    /// The execution's id within its portal: the callback id with what is special in keys and URLs escaped, and for a retry
    /// `~` and its number. A claim's is its identity.
    pub fn id(&self) -> String {
        match self {
            Self::Execution { callback_id, retry, .. } => {
                let callback_id = utf8_percent_encode(callback_id, KEY_ESCAPES);
                if *retry == 0 { callback_id.to_string() } else { format!("{callback_id}~{retry}") }
            }
            Self::Customer { identity } | Self::Item { identity } => identity.clone(),
        }
    }

    /// Whether a person asked for it, after another execution had failed.
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Execution { retry: 1.., .. })
    }

    /// The retry of this execution; none for a claim.
    pub fn successor(&self) -> Option<Self> {
        let Self::Execution { portal, callback_id, retry } = self else { return None };
        let (portal, callback_id) = (*portal, callback_id.clone());
        Some(Self::Execution { portal, callback_id, retry: retry.checked_add(1)? })
    }

    /// The execution that this one retries.
    pub fn predecessor(&self) -> Option<Self> {
        let Self::Execution { portal, callback_id, retry } = self else { return None };
        let (portal, callback_id) = (*portal, callback_id.clone());
        Some(Self::Execution { portal, callback_id, retry: retry.checked_sub(1)? })
    }

    pub(crate) fn partition(&self) -> String {
        match self {
            Self::Execution { portal, .. } => format!("E#{portal}#{}", self.id()),
            Self::Customer { identity } => format!("C#{identity}"),
            Self::Item { identity } => format!("I#{identity}"),
        }
    }

    /// The key of an execution's record in the table; none for any other item.
    pub(crate) fn of_execution(partition: &str, sort: &str) -> Option<Self> {
        let (portal, id) = partition.strip_prefix("E#")?.split_once('#')?;
        let portal = PortalId(portal.parse().ok()?);
        if sort == "EXECUTION" { Self::of_id(portal, id) } else { None }
    }

    pub(crate) fn sort(&self) -> &'static str {
        match self {
            Self::Execution { .. } => "EXECUTION",
            Self::Customer { .. } | Self::Item { .. } => "CLAIM",
        }
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Somebody works on it; nothing was sent.
    Claimed,
    /// The bytes to send are frozen; nothing was sent.
    Planned,
    /// It may or may not exist in QuickBooks.
    Sent,
    /// It exists; its id is recorded.
    DocDone,
    /// Its payment may or may not exist.
    PaySent,
    /// Done; the answer is kept.
    Completed,
    /// Refused; nothing exists, and the answer is kept.
    Failed,
    /// What happened cannot be proven: a person decides.
    NeedsReview,
    /// Closed by a person.
    Closed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Claimed,
        Self::Planned,
        Self::Sent,
        Self::DocDone,
        Self::PaySent,
        Self::Completed,
        Self::Failed,
        Self::NeedsReview,
        Self::Closed,
    ];

    /// The state's name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "CLAIMED",
            Self::Planned => "PLANNED",
            Self::Sent => "SENT",
            Self::DocDone => "DOC_DONE",
            Self::PaySent => "PAY_SENT",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::NeedsReview => "NEEDS_REVIEW",
            Self::Closed => "CLOSED",
        }
    }

    /// Whether nothing was sent by this record, as far as it knows, or all of it was taken back.
    pub fn is_unsent(self) -> bool {
        matches!(self, Self::Claimed | Self::Planned)
    }

    /// Whether nothing more will be done by a machine.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::NeedsReview | Self::Closed)
    }
}

/// A number drawn for one attempt or one write, so that we know our own again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// 122 random bits.
    pub fn new() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    pub(crate) fn read(text: String) -> Self {
        Self(text)
    }
}

impl Default for Nonce {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How often the plan of an execution may be thrown away (rulings.md 7). A claim's may be as often as its name is taken or
/// what it made is gone.
pub const REPLANS: u64 = 2;

/// What will be sent, frozen before the first byte goes out: every attempt sends exactly this to exactly this company.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The company.
    pub realm: RealmId,
    /// QuickBooks' idempotency key: the same in every send of this plan.
    pub request_id: String,
    /// The exact bytes of the body.
    pub body: String,
    /// What the answer will need and QuickBooks does not say; the writer's own JSON.
    pub notes: serde_json::Value,
    /// Whether QuickBooks is to e-mail what it made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emailed: bool,
}

/// What became of the one try to have a document e-mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mail {
    /// It may have been mailed: somebody was about to ask for it.
    Tried,
    /// It was mailed.
    Sent,
    /// It was not.
    Failed,
}

impl Mail {
    /// Its name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tried => "TRIED",
            Self::Sent => "SENT",
            Self::Failed => "FAILED",
        }
    }

    /// What a later release calls otherwise may have been mailed, as far as this one knows.
    pub(crate) fn read(text: &str) -> Self {
        [Self::Sent, Self::Failed].into_iter().find(|mail| mail.as_str() == text).unwrap_or(Self::Tried)
    }
}

/// Without the body: it holds names and sums.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({} for {})", self.request_id, self.realm)
    }
}

/// One record, as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Which one.
    pub key: Key,
    /// Where it stands.
    pub state: State,
    /// The document asked for; none for a claim.
    pub action: Option<DocumentKind>,
    /// The company, fixed when the record was first claimed with one (rulings.md 2).
    pub realm: Option<RealmId>,
    /// Rises with every claim: an older holder's writes are refused.
    pub fence: u64,
    /// Who holds it.
    pub lease_owner: Option<Nonce>,
    /// How often HubSpot delivered it while it was free.
    pub deliveries: u64,
    /// The hash of HubSpot's inputs at the first delivery.
    pub input_hash: Option<String>,
    /// What will be or was sent.
    pub plan: Option<Plan>,
    /// How often the plan was thrown away after a definite refusal.
    pub plan_version: u64,
    /// How often it was sent.
    pub sends: u64,
    /// When it was first sent.
    pub first_sent_at: Option<Timestamp>,
    /// When its payment was first sent.
    pub pay_first_sent_at: Option<Timestamp>,
    /// Before this moment an earlier send may still take effect.
    pub quiet_until: Option<Timestamp>,
    /// The id of what QuickBooks made.
    pub made_id: Option<String>,
    /// What QuickBooks made, as JSON.
    pub made: Option<serde_json::Value>,
    /// The payment that will be or was sent; none when there is nothing to pay, or it was refused.
    pub pay_plan: Option<Plan>,
    /// The id of the payment QuickBooks made.
    pub pay_id: Option<String>,
    /// Why the payment was refused, as the answer says it. An earlier release kept the failure's code.
    pub pay_refused: Option<String>,
    /// Whether it was e-mailed; none as long as nobody was about to.
    pub mail: Option<Mail>,
    /// The stored answer, byte for byte.
    pub answer: Option<String>,
    /// What would have been sent, of an execution that was to show it only.
    pub preview: Option<Plan>,
    /// Why the last attempt did not finish.
    pub trouble: Option<String>,
    /// Why the plan was last thrown away.
    pub replanned_for: Option<String>,
    /// What HubSpot asked for, in the writer's own JSON; of a claim, the execution that asked first.
    pub request: Option<String>,
    /// HubSpot waits for a callback until then.
    pub callback_due: Option<Timestamp>,
    /// When HubSpot was told, although this was not done, that a person must look.
    pub told_at: Option<Timestamp>,
    /// After a restore: the books are searched from this moment on before anything is sent.
    pub safe_since: Option<Timestamp>,
    /// After a restore: before this moment what was sent and forgotten may still take effect.
    pub safe_until: Option<Timestamp>,
    /// How many attempts ended by a mistake of our own.
    pub own_mistakes: u64,
    /// Intuit's ids of the calls that made something or were refused, the oldest first: its support asks for them.
    pub intuit_tids: Vec<String>,
    /// The names of the items that were created for it, by whichever attempt, until its answer tells them.
    pub created_items: Vec<String>,
    /// The contact or company of HubSpot that its document was planned for, by its id alone: it stays when names leave
    /// (rulings.md 18).
    pub buyer: Option<BuyerId>,
    /// How many of Intuit's metered reads it took.
    pub metered: u64,
    /// Whether a person has asked for a retry: there is one at most.
    pub retried: bool,
    /// When it was first claimed.
    pub created_at: Timestamp,
}

impl Record {
    /// Whether a person may ask for a retry: nothing was made, or a document whose payment was refused, and nobody has asked
    /// yet (rulings.md 13).
    pub fn may_be_retried(&self) -> bool {
        let lacks = match self.state {
            State::Failed => true,
            State::Completed => self.pay_refused.is_some(),
            _ => false,
        };
        lacks && !self.retried && matches!(self.key, Key::Execution { .. })
    }

    /// Whether it retries the payment of a document that exists: until its payment is planned, it has sent nothing.
    pub fn is_payment_to_plan(&self) -> bool {
        self.state == State::DocDone && self.plan.is_none()
    }
}

/// Without plan, preview and answer: they hold names and sums.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, fence, sends, plan_version, made_id, trouble, .. } = self;
        f.debug_struct("Record")
            .field("state", state)
            .field("fence", fence)
            .field("sends", sends)
            .field("plan_version", plan_version)
            .field("made_id", made_id)
            .field("trouble", trouble)
            .finish_non_exhaustive()
    }
}

/// Asks for a record: the first time, or to go on where another attempt stopped.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which one.
    pub key: Key,
    /// The document asked for; none for a customer or item.
    pub action: Option<DocumentKind>,
    /// The company, when it is known.
    pub realm: Option<RealmId>,
    /// Hash of HubSpot's inputs; none for a customer or item.
    pub input_hash: Option<String>,
    /// What was enrolled, for people: `deal 8800000001`.
    pub subject: Option<String>,
    /// What HubSpot asked for, in the writer's own JSON: whoever goes on without HubSpot needs it. For a customer or item, the
    /// execution that needs it.
    pub request: Option<String>,
    /// Whether HubSpot asks: only its deliveries are counted.
    pub delivered: bool,
    /// After a restore (rulings.md 17): the books are searched from this moment on before the first send.
    pub safe_since: Option<Timestamp>,
    /// Drawn for this attempt.
    pub nonce: Nonce,
    /// Now.
    pub now: Timestamp,
    /// Until when this attempt holds it: its time limit plus a margin.
    pub lease_until: Timestamp,
}

impl Claim {
    /// A delivery's, of this record until then, with a nonce of its own; everything else is unsaid.
    pub fn new(key: Key, now: Timestamp, lease_until: Timestamp) -> Self {
        Self {
            key,
            action: None,
            realm: None,
            input_hash: None,
            subject: None,
            request: None,
            delivered: true,
            safe_since: None,
            nonce: Nonce::new(),
            now,
            lease_until,
        }
    }
}

/// What became of a [`Claim`].
#[derive(Clone, Debug)]
pub enum Claimed {
    /// We hold it. Continue from its state.
    Ours(Box<Record>),
    /// Nothing is left to do: a terminal execution with its answer, or a customer or item with its id.
    Done(Box<Record>),
    /// Another attempt holds it.
    Running,
}

/// A change of a record we hold. Each is one conditional write that also carries the fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// CLAIMED → PLANNED, once per plan version: the plan's company must be the record's.
    Freeze(Plan),
    /// PLANNED or (SENT after the quiet period) → SENT, before each POST.
    Intent {
        /// Until when a send of this attempt may still take effect: its time limit plus 180 s.
        quiet_until: Timestamp,
    },
    /// SENT → PLANNED: this send is proven to have had no effect.
    Unsend {
        /// Why.
        trouble: String,
    },
    /// SENT → CLAIMED: refused for a reason that a new plan may mend, with no other send alive (rulings.md 7).
    Replan {
        /// Why.
        trouble: String,
    },
    /// SENT → DOC_DONE: it exists. After a restore from PLANNED too: it was found.
    Record {
        /// Its id in QuickBooks.
        id: String,
        /// What QuickBooks made, as JSON; nothing is kept of a customer or item but its id.
        made: serde_json::Value,
        /// The payment to send next: its body needs the document's id and total, so it is frozen here.
        pay_plan: Option<Plan>,
    },
    /// DOC_DONE with a payment to send, or (PAY_SENT after the quiet period) → PAY_SENT, before each POST of the payment.
    PayIntent {
        /// Until when a send of this attempt may still take effect.
        quiet_until: Timestamp,
    },
    /// PAY_SENT → DOC_DONE: this send of the payment is proven to have had no effect.
    PayUnsend {
        /// Why.
        trouble: String,
    },
    /// PAY_SENT stays, with the payment's id: it exists. After a restore from DOC_DONE too: it was found.
    PayRecord {
        /// Its id in QuickBooks.
        id: String,
    },
    /// PAY_SENT → DOC_DONE without a payment to send: it was refused for good.
    PayRefuse {
        /// The failure's code.
        trouble: String,
        /// The failure's sentence, which names nobody: it outlives the plan.
        why: String,
    },
    /// DOC_DONE with nothing to pay, or PAY_SENT with the payment's id, stays with the mark that a mail is asked for now: once.
    MailIntent,
    /// The mark is taken back: the mail is proven not to have been asked for.
    MailUnsend {
        /// Why.
        trouble: String,
    },
    /// What became of the mail.
    MailRecord {
        /// Sent, or not.
        mail: Mail,
    },
    /// DOC_DONE with nothing to pay, or PAY_SENT with the payment's id → COMPLETED.
    Complete {
        /// The answer to keep.
        answer: String,
    },
    /// DOC_DONE of a retry stays, with its plan: the payment to send now for the document that exists.
    PlanPayment {
        /// What the answer will need; it has no body to send.
        plan: Plan,
        /// The document as QuickBooks has it now, as JSON.
        made: serde_json::Value,
        /// The payment to send next; none when nothing is owed any more.
        pay_plan: Option<Plan>,
    },
    /// CLAIMED → COMPLETED: answered without making anything.
    Answer {
        /// The answer to keep.
        answer: String,
        /// `existing`: of a document that was there. `preview`: of one that is only shown.
        outcome: &'static str,
        /// What is shown.
        preview: Option<Plan>,
    },
    /// CLAIMED, PLANNED or SENT → FAILED: nothing exists and nothing will. A retry of a payment from DOC_DONE too, as long as
    /// it has planned none.
    Fail {
        /// The answer to keep.
        answer: String,
        /// The failure's code.
        trouble: String,
    },
    /// SENT, DOC_DONE or PAY_SENT → NEEDS_REVIEW: what happened cannot be proven, or is not for us to mend. After a restore
    /// from CLAIMED and PLANNED too: what was sent is forgotten.
    Review {
        /// The answer to keep.
        answer: String,
        /// The failure's code.
        trouble: String,
    },
    /// Gives the record back, its state unchanged: the next attempt need not wait for the lease to end.
    Release {
        /// Why.
        trouble: String,
        /// Whether it was a mistake of our own, which is counted (rulings.md 11).
        own_mistake: bool,
        /// When whoever takes up due work takes it up.
        next_at: Timestamp,
    },
    /// HubSpot is about to be told, before this is done, that a person must look. Written before it is.
    Tell,
    /// The callback was taken or refused for good: HubSpot no longer waits.
    Settle,
    /// DOC_DONE → CLAIMED, claims only: what is recorded here is proven gone, or another's by now (rulings.md 8).
    Forget {
        /// The id that is gone.
        gone: String,
    },
}

impl Transition {
    /// Whether it ends an execution.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Complete { .. } | Self::Answer { .. } | Self::Fail { .. } | Self::Review { .. })
    }
}

/// What led to a change, noted with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noted<'a> {
    /// Intuit's ids of the calls that made something or were refused.
    pub calls: &'a [String],
    /// The names of the items that were created for it. Not of a final change: its answer tells them.
    pub created_items: &'a [String],
    /// How many of Intuit's metered reads it took.
    pub metered: u64,
    /// Whose document was planned by it.
    pub buyer: Option<BuyerId>,
}

/// What became of a promise to call HubSpot back.
#[derive(Clone, Debug)]
pub enum Owed {
    /// It is written down: the answer may say so.
    Yes,
    /// The record is done already: here is its answer.
    Done(Box<Record>),
}

/// What became of a [`Transition`].
#[derive(Clone, Debug)]
pub enum Written {
    /// It took place; the record as it is now.
    Done(Box<Record>),
    /// Its condition does not hold: another attempt has taken the record over, or the step was not allowed.
    Refused,
}
