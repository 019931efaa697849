//! The transition function: [`app::protocol::next`] itself, on real records and events.
//!
//! It is pure, so each pair of (what it can see of the record, event) is asked once and remembered. What a command carries is
//! compared with what the event brought: a plan or an id that changed on its way would be a defect.

use app::failure::{Failure, Trouble};
use app::protocol::{self, Command, Event, Made, Outcome, Sighting};
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::{DocumentKind, RealmId};
use store::record::{self, Key, State};

use crate::mutant::Mutant;
use crate::state::{Change, Debt, Quiet, Record, Sent};

/// What just happened to a record that an attempt holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Claimed,
    Planned,
    NotPossible,
    /// Stands for all that ends an attempt before it sends: no time, a vendor that does not answer, an empty budget.
    TimeUp,
    Wrote(Change),
    Lost,
    StoreDown,
    Made,
    NoEffect,
    Refused,
    Outdated,
    Unknown,
    Absent,
    Found,
    /// Not ours by its marker, and perhaps ours.
    Suspect,
    /// More than one of ours.
    Several,
    /// The books cannot be searched.
    NotSeen,
}

/// What [`protocol::next`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    Plan,
    Write(Change),
    Send,
    Look,
    Done,
    Later,
}

/// [`protocol::next`], remembered, with at most one seeded mistake around it.
pub(crate) struct Machine {
    mutant: Option<Mutant>,
    known: Vec<Option<Decided>>,
}

/// Bits of [`Happened::number`].
const EVENT_BITS: u32 = 5;

impl Machine {
    pub(crate) fn new(mutant: Option<Mutant>) -> Self {
        Self { mutant, known: vec![None; 1 << (17 + EVENT_BITS)] }
    }

    /// What is done next.
    pub(crate) fn next(&mut self, seen: &Record, happened: Happened) -> Decided {
        let (mut seen, mut happened) = (*seen, happened);
        match (self.mutant, happened) {
            (Some(Mutant::QueryWithoutQuietPeriod), Happened::Absent) if seen.quiet == Quiet::Running => {
                seen.quiet = Quiet::Over;
            }
            (Some(Mutant::ReplayAtOnce | Mutant::ReplayAtOnceWithId), Happened::Unknown) => {
                return Decided::Send;
            }
            (Some(Mutant::OutageMeansNotDone), Happened::Unknown) => happened = Happened::NoEffect,
            (Some(Mutant::OutageMeansFailed), Happened::Unknown) => happened = Happened::Refused,
            (Some(Mutant::ReplanWithSendAlive), Happened::Unknown) => happened = Happened::Outdated,
            _ => {}
        }
        match (self.mutant, self.remembered(&seen, happened)) {
            (Some(Mutant::NoIntent), Decided::Write(Change::Intend)) => Decided::Send,
            (_, decided) => decided,
        }
    }

    fn remembered(&mut self, seen: &Record, happened: Happened) -> Decided {
        let at = (seen.face() << EVENT_BITS | happened.number()) as usize;
        *self.known[at].get_or_insert_with(|| ask(seen, happened))
    }

    /// How many different questions were asked.
    pub(crate) fn questions(&self) -> usize {
        self.known.iter().flatten().count()
    }
}

impl Happened {
    fn number(self) -> u32 {
        match self {
            Self::Wrote(change) => change as u32,
            Self::Claimed => 9,
            Self::Planned => 10,
            Self::NotPossible => 11,
            Self::TimeUp => 12,
            Self::Lost => 13,
            Self::StoreDown => 14,
            Self::Made => 15,
            Self::NoEffect => 16,
            Self::Refused => 17,
            Self::Outdated => 18,
            Self::Unknown => 19,
            Self::Absent => 20,
            Self::Found => 21,
            Self::NotSeen => 22,
            Self::Suspect => 23,
            Self::Several => 24,
        }
    }

    fn event(self) -> Event {
        match self {
            Self::Claimed => Event::Claimed,
            Self::Planned => Event::Planned(plan()),
            Self::NotPossible => Event::NotPossible(failure()),
            Self::TimeUp => Event::TimeUp,
            Self::Wrote(change) => Event::Wrote(wrote(change)),
            Self::Lost => Event::Lost,
            Self::StoreDown => Event::StoreDown,
            Self::Made => Event::Sent(Outcome::Made(made())),
            Self::NoEffect => Event::Sent(Outcome::NoEffect(Trouble::QuickBooksThrottled)),
            Self::Refused => Event::Sent(Outcome::Refused(failure())),
            Self::Outdated => Event::Sent(Outcome::Outdated(failure())),
            Self::Unknown => Event::Sent(Outcome::Unknown),
            Self::Absent => Event::Looked(Sighting::Absent),
            Self::Found => Event::Looked(Sighting::Found(made())),
            Self::Suspect => Event::Looked(Sighting::Suspect),
            Self::Several => Event::Looked(Sighting::Several),
            Self::NotSeen => Event::Looked(Sighting::NotSeen(Trouble::QuickBooksDown)),
        }
    }
}

/// Asks the real thing.
fn ask(seen: &Record, happened: Happened) -> Decided {
    match protocol::next(&real(seen), happened.event(), now()) {
        Command::Plan => Decided::Plan,
        Command::Send => Decided::Send,
        Command::Look => Decided::Look,
        Command::Done => Decided::Done,
        Command::Later(_) => Decided::Later,
        Command::Mail => panic!("what is not to be mailed is mailed"),
        Command::GiveUp(failure) => panic!("an execution gave up: {failure:?}"),
        Command::Write(change) => Decided::Write(read(change)),
    }
}

fn read(change: protocol::Change) -> Change {
    match change {
        protocol::Change::Freeze(frozen) => {
            assert!(frozen == plan(), "another plan is frozen than was made");
            Change::Freeze
        }
        protocol::Change::Record(recorded) => {
            assert_eq!(recorded.id, made().id, "another id is recorded than was made");
            Change::Record
        }
        protocol::Change::Intend => Change::Intend,
        protocol::Change::Unsend(_) => Change::Unsend,
        protocol::Change::Replan(_) => Change::Replan,
        protocol::Change::Complete => Change::Complete,
        protocol::Change::RefusePayment(_) => Change::RefusePayment,
        protocol::Change::Fail(_) => Change::Fail,
        protocol::Change::Review => Change::Review,
        // The mail's model begins where this one ends.
        other @ (protocol::Change::IntendMail
        | protocol::Change::UnsendMail(_)
        | protocol::Change::RecordMail(_)
        | protocol::Change::PlanPayment(_)
        | protocol::Change::Exists(_)
        | protocol::Change::Preview(_)
        | protocol::Change::Withdraw(_)
        | protocol::Change::Release(_)) => {
            panic!("next never asks for {other:?} of an execution")
        }
    }
}

fn wrote(change: Change) -> protocol::Change {
    match change {
        Change::Freeze => protocol::Change::Freeze(plan()),
        Change::Intend => protocol::Change::Intend,
        Change::Unsend => protocol::Change::Unsend(Trouble::QuickBooksThrottled),
        Change::Replan => protocol::Change::Replan(failure()),
        Change::Record => protocol::Change::Record(made()),
        Change::Complete => protocol::Change::Complete,
        Change::RefusePayment => protocol::Change::RefusePayment(failure()),
        Change::Fail => protocol::Change::Fail(failure()),
        Change::Review => protocol::Change::Review,
    }
}

pub(crate) fn real(seen: &Record) -> record::Record {
    let ago = |minutes: i64| now() - SignedDuration::from_mins(minutes);
    let sent_at = match seen.sent {
        Sent::Never => None,
        Sent::Lately => Some(ago(5)),
        Sent::LongAgo => Some(ago(8 * 24 * 60)),
    };
    let paying = matches!(seen.state, State::DocDone | State::PaySent);
    record::Record {
        key: Key::execution(PortalId(1), "ap-1-2-3-0"),
        state: seen.state,
        action: Some(DocumentKind::Invoice),
        realm: Some(plan().realm),
        fence: 1,
        lease_owner: None,
        deliveries: 1,
        input_hash: None,
        plan: seen.plan.map(|_| plan()),
        plan_version: seen.plan_version.into(),
        sends: u64::from(seen.sent != Sent::Never),
        first_sent_at: if paying { Some(ago(5)) } else { sent_at },
        pay_first_sent_at: sent_at.filter(|_| paying),
        quiet_until: match seen.quiet {
            Quiet::None => None,
            Quiet::Running => Some(ago(-2)),
            Quiet::Over => Some(ago(1)),
        },
        made_id: seen.made.then(|| made().id),
        made: seen.made.then(|| made().json),
        pay_plan: seen.pay_plan.then(plan),
        pay_id: seen.pay_id.then(|| "413".into()),
        pay_refused: seen.pay_refused.then(|| "PAYMENT_REFUSED".into()),
        mail: None,
        answer: seen.state.is_terminal().then(|| "{}".into()),
        preview: None,
        trouble: None,
        replanned_for: None,
        request: None,
        callback_due: match seen.debt {
            Debt::None | Debt::TooLate => None,
            Debt::Far => Some(now() + protocol::CALLBACK_BEFORE * 2),
            Debt::Near => Some(now() + protocol::CALLBACK_BEFORE),
        },
        told_at: seen.told.then(|| ago(3)),
        safe_since: None,
        safe_until: None,
        own_mistakes: 0,
        intuit_tids: Vec::new(),
        created_items: Vec::new(),
        buyer: None,
        metered: 0,
        retried: false,
        created_at: match seen.debt {
            Debt::TooLate => now() - protocol::HUBSPOT_RETRIES,
            _ => ago(10),
        },
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365)
}

fn plan() -> record::Plan {
    let realm = RealmId::try_from("1".to_owned()).unwrap();
    record::Plan {
        realm,
        request_id: "hqd0".into(),
        body: "{}".into(),
        notes: serde_json::Value::Null,
        emailed: false,
    }
}

pub(crate) fn made() -> Made {
    Made { id: "412".into(), json: serde_json::json!({}) }
}

pub(crate) fn failure() -> Failure {
    Failure::not_connected()
}
