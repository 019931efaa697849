//! The state machine of an execution: a pure function from the record and what just happened to what is done next.
//!
//! It knows no clock, no network and no table; [`drive`] runs its commands through [`Effects`]. All that must survive a
//! crash is in the [`Record`]: between two commands nothing is remembered but the event, so any attempt can go on where
//! another stopped. The rules (reliability.md §c, rulings.md 1–12):
//!
//! - Nothing is sent without a durable intent, and only the frozen bytes are sent.
//! - After a send whose outcome is unknown, nothing is sent before the quiet period is over and the marker was looked for.
//! - A send is taken back only when it is proven to have had no effect. A refusal is final: by the two rules above no other
//!   send of this record can still be alive.
//! - What cannot be proven goes to a person.
//!
//! A payment follows its document by the same rules: DOC_DONE stands for PLANNED and PAY_SENT for SENT, and a refusal does
//! not undo the document but is part of the answer.
//!
//! What is to be e-mailed is mailed last, so that a customer reads that it was paid, and is tried once: a mark is written before,
//! and what finds the mark without an outcome never tries again. Nothing that goes wrong with a mail is a failure; it is part of
//! the answer (rulings.md 10).
//!
//! HubSpot waits only so long, for a callback or with its own retries. Once its wait is about to end, an execution that has
//! sent nothing begins nothing any more and is failed with the cause of its last trouble. One that has sent is looked for
//! still, and HubSpot is told to have a person look (rulings.md 4); from then on nothing is sent for it but the payment of a
//! document that exists: whoever found nothing may have enrolled the record again.
//!
//! After a restore, what we sent meanwhile is forgotten, and the documents are there. So the books are searched before the
//! first send as after a lost one, and what would fail goes to a person instead (rulings.md 17).
//!
//! What failed, a person may have tried again: an execution of its own. When only the payment of a document was refused, the
//! retry starts at DOC_DONE without a plan, plans the payment from what is owed now, and never comes near sending a document
//! (rulings.md 13).
//!
//! A customer or item that we create is a record of its own with the same states; [`next_for_order`] differs only in that a
//! refusal never ends the record: the next execution that needs it may succeed.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use store::record::{Mail, Plan, REPLANS, Record, State, Written};

use crate::failure::{Failure, Trouble};
use crate::telemetry::chain;

/// So long before HubSpot stops waiting it is told how things stand: at the latest 15 minutes before (rulings.md 4), and 5 for
/// tries.
pub const CALLBACK_BEFORE: SignedDuration = SignedDuration::from_mins(20);

/// So long after our first claim HubSpot surely delivers an execution again: for 3 days, of which its last retry may come a
/// whole gap of 8 hours early (hubspot.md §2.4), and less an hour in which its first deliveries may not have reached the table.
/// Longer than that we may be out of reach and not know it: then an execution that HubSpot gave up may still be made. Nothing
/// that HubSpot sends says when it first did.
pub const HUBSPOT_RETRIES: SignedDuration = SignedDuration::from_hours(3 * 24 - 8 - 1);

/// An attempt that our own mistake ended is repeated; after so many, a person must look (rulings.md 11).
const OWN_MISTAKES: u64 = 50;

/// What cannot be found out in this time, a person decides (reliability.md §c.2).
const RESOLVE_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What just happened to a record we hold.
#[derive(Clone, Debug)]
pub enum Event {
    /// We took the record, new or half done.
    Claimed,
    /// The plan is made: what to send.
    Planned(Plan),
    /// The payment of a document that exists is planned: a retry's plan.
    PaymentPlanned(Box<PaymentPlan>),
    /// Nothing is to be made: the record has such a document, and that is the answer.
    Exists(Made),
    /// Nothing is to be made: somebody wants to see what would be.
    Previewed(Plan),
    /// The same, and a person must mend something first. Whatever was forgotten in a restore, nothing was ever sent.
    NotPreviewed(Failure),
    /// A person must mend something first: the record, the settings or the connection.
    NotPossible(Failure),
    /// Planning met an outage or a limit. Nothing was sent.
    NotPlanned(Trouble),
    /// A write went through; the record is as it is now.
    Wrote(Change),
    /// A write was refused: another attempt holds the record now.
    Lost,
    /// Whether a write went through is not known.
    StoreDown,
    /// A send came to an end.
    Sent(Outcome),
    /// QuickBooks was asked to e-mail what it made.
    Mailed(Outcome),
    /// We looked for what an earlier send may have made.
    Looked(Sighting),
    /// This attempt's time is up, before it began something new.
    TimeUp,
    /// What is to be written cannot be built from what is kept.
    Unwritable,
}

/// What a retry of a payment sends, and what its answer will need.
#[derive(Clone, Debug)]
pub struct PaymentPlan {
    /// The answer's notes; no body.
    pub plan: Plan,
    /// The document as QuickBooks has it now.
    pub made: Made,
    /// The payment; none when nothing is owed any more.
    pub pay_plan: Option<Plan>,
}

/// How a send came to an end.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It exists.
    Made(Made),
    /// Proven to have had no effect: not sent at all, or turned away at the door.
    NoEffect(Trouble),
    /// QuickBooks refused these bytes for good: a person must act.
    Refused(Failure),
    /// QuickBooks refused these bytes for a reason that a new plan may mend; the failure to give when it does not.
    Outdated(Failure),
    /// It may or may not exist.
    Unknown,
}

/// What QuickBooks made.
#[derive(Clone)]
pub struct Made {
    /// Its id.
    pub id: String,
    /// QuickBooks' own words, as far as we keep them.
    pub json: serde_json::Value,
}

/// Without the JSON: it holds names and sums.
impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Made").field(&self.id).finish()
    }
}

/// What the books show of an earlier send.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// Nothing of ours.
    Absent,
    /// Exactly one, ours.
    Found(Made),
    /// One that may be ours, though our marker is not on it.
    Suspect,
    /// More than one of ours.
    Several,
    /// We could not look.
    NotSeen(Trouble),
}

/// What is done next.
#[derive(Clone, Debug)]
pub enum Command {
    /// Read the record's sources and make a plan.
    Plan,
    /// Change the record.
    Write(Change),
    /// Send the frozen bytes, once.
    Send,
    /// Look for what an earlier send may have made.
    Look,
    /// Have what was made e-mailed, once.
    Mail,
    /// End: the record holds what was made, or the answer.
    Done,
    /// End for now: nothing more can be done in this attempt.
    Later(Trouble),
    /// End, customers and items only: QuickBooks refused it, and whoever asked for it must be told.
    GiveUp(Failure),
}

/// A change of the record. [`Effects::write`] adds what the machine does not decide: times, and the words of an answer. What
/// is sent, taken back and recorded is the payment in DOC_DONE and PAY_SENT, and the document before.
#[derive(Clone, Debug)]
pub enum Change {
    /// Freeze the plan.
    Freeze(Plan),
    /// Freeze the plan of a payment alone.
    PlanPayment(Box<PaymentPlan>),
    /// Keep an answer that names what exists already.
    Exists(Made),
    /// Keep an answer that tells what would be made, and show that.
    Preview(Plan),
    /// Write the intent to send.
    Intend,
    /// Take the intent back.
    Unsend(Trouble),
    /// Throw the plan away, to plan anew.
    Replan(Failure),
    /// Throw the plan away, for a later execution to plan anew. Customers and items only.
    Withdraw(Failure),
    /// Record what was made.
    Record(Made),
    /// Mark that a mail is asked for now.
    IntendMail,
    /// Take the mark back.
    UnsendMail(Trouble),
    /// Record what became of the mail.
    RecordMail(Mail),
    /// Keep the success as the answer.
    Complete,
    /// Keep that the payment was refused; the document stands.
    RefusePayment(Failure),
    /// Keep the failure as the answer.
    Fail(Failure),
    /// Hand it to a person.
    Review,
    /// Give it back unchanged.
    Release(Trouble),
}

/// What is done next for an execution.
pub fn next(record: &Record, event: Event, now: Timestamp) -> Command {
    match event {
        Event::Claimed => resume(record, now),
        Event::Planned(plan) => Command::Write(Change::Freeze(plan)),
        Event::PaymentPlanned(plan) => Command::Write(Change::PlanPayment(plan)),
        Event::Exists(made) => Command::Write(Change::Exists(made)),
        Event::Previewed(plan) => Command::Write(Change::Preview(plan)),
        Event::NotPreviewed(failure) => Command::Write(Change::Fail(failure)),
        Event::NotPossible(failure) => refuse(record, failure),
        Event::NotPlanned(trouble) => later(record, trouble, now),
        Event::Wrote(change) => after_write(record, change, now),
        Event::Lost => Command::Later(Trouble::TakenOver),
        Event::StoreDown => Command::Later(Trouble::Unwritten),
        Event::Sent(outcome) => after_send(record, outcome, now),
        Event::Mailed(outcome) => after_mail(outcome),
        Event::Looked(sighting) => after_look(record, sighting, now),
        Event::TimeUp => later(record, Trouble::OutOfTime, now),
        Event::Unwritable => later(record, Trouble::Internal, now),
    }
}

/// What is done next for a customer or item we create.
pub fn next_for_order(record: &Record, event: Event, now: Timestamp) -> Command {
    match event {
        Event::Wrote(Change::Record(_)) => Command::Done,
        Event::Wrote(Change::Withdraw(failure)) | Event::NotPossible(failure) => Command::GiveUp(failure),
        Event::Sent(Outcome::Refused(failure)) => Command::Write(Change::Withdraw(failure)),
        Event::Sent(Outcome::Outdated(failure)) => Command::Write(Change::Replan(failure)),
        other => next(record, other, now),
    }
}

fn resume(record: &Record, now: Timestamp) -> Command {
    match record.state {
        State::Claimed => begin(record, Command::Plan, now),
        State::Planned => begin(record, first_send(record), now),
        State::Sent => Command::Look,
        State::DocDone if record.is_payment_to_plan() => begin(record, Command::Plan, now),
        State::DocDone if record.pay_plan.is_some() => first_send(record),
        State::PaySent if record.pay_id.is_none() => Command::Look,
        State::DocDone | State::PaySent => finish(record, now),
        State::Completed | State::Failed | State::NeedsReview | State::Closed => Command::Done,
    }
}

/// All that was to be made is made.
fn finish(record: &Record, now: Timestamp) -> Command {
    Command::Write(if is_to_be_mailed(record, now) { Change::IntendMail } else { Change::Complete })
}

/// Not once a person may have mailed it, who was told to look; not an invoice whose payment was refused, which would ask for
/// money that was paid; and not after a restore, when a mail may be forgotten.
fn is_to_be_mailed(record: &Record, now: Timestamp) -> bool {
    let wanted = record.plan.as_ref().is_some_and(|plan| plan.emailed);
    let tried = record.mail.is_some() || record.safe_since.is_some();
    wanted && !tried && record.pay_refused.is_none() && !is_too_late(record, now)
}

fn first_send(record: &Record) -> Command {
    if record.safe_since.is_some() { Command::Look } else { Command::Write(Change::Intend) }
}

/// Goes on towards a first send, unless it is too late: whoever enrolled the record has read by then that it failed, and may
/// have enrolled it again.
fn begin(record: &Record, command: Command, now: Timestamp) -> Command {
    match record.action {
        Some(kind) if is_too_late(record, now) => refuse(record, last_trouble(record).failure(kind)),
        _ => command,
    }
}

/// Whether HubSpot's wait is about to end: for a callback, or, where none was promised, with its own retries.
pub(crate) fn is_too_late(record: &Record, now: Timestamp) -> bool {
    match record.callback_due {
        _ if record.told_at.is_some() => true,
        Some(due) => due.duration_since(now) <= CALLBACK_BEFORE,
        None => is_given_up(record, now),
    }
}

/// Whether HubSpot, which waits for no callback, may deliver it no more.
fn is_given_up(record: &Record, now: Timestamp) -> bool {
    record.callback_due.is_none() && now.duration_since(record.created_at) >= HUBSPOT_RETRIES
}

/// Nothing of ours was sent as far as the record knows: after a restore it may not know.
fn refuse(record: &Record, failure: Failure) -> Command {
    if record.safe_since.is_some() {
        Command::Write(Change::Review)
    } else {
        Command::Write(Change::Fail(failure))
    }
}

/// Nothing more can be done in this attempt; whether another one follows.
fn later(record: &Record, trouble: Trouble, now: Timestamp) -> Command {
    let hopeless = trouble == Trouble::Internal && record.own_mistakes + 1 >= OWN_MISTAKES;
    // A customer or item is nobody's answer.
    let Some(kind) = record.action else { return Command::Later(trouble) };
    match record.state {
        _ if is_unsent(record) && (hopeless || is_too_late(record, now)) => {
            refuse(record, trouble.failure(kind))
        }
        State::Sent | State::DocDone | State::PaySent if hopeless => Command::Write(Change::Review),
        // Its payment cannot even be sent.
        State::DocDone if is_unresolvable(record, now) => Command::Write(Change::Review),
        _ => Command::Later(trouble),
    }
}

/// Whether this record has sent nothing, as far as it knows.
fn is_unsent(record: &Record) -> bool {
    record.state.is_unsent() || record.is_payment_to_plan()
}

/// Sent so long ago that nobody believes any more that it can be found out.
fn is_unresolvable(record: &Record, now: Timestamp) -> bool {
    let sent_at = match record.state {
        State::Sent | State::DocDone => Some(record.first_sent_at.unwrap_or(record.created_at)),
        State::PaySent => record.pay_first_sent_at,
        _ => None,
    };
    sent_at.is_some_and(|sent_at| now.duration_since(sent_at) > RESOLVE_WITHIN)
}

fn after_write(record: &Record, change: Change, now: Timestamp) -> Command {
    match change {
        Change::Freeze(_) => begin(record, first_send(record), now),
        Change::Intend => Command::Send,
        Change::Replan(_) => begin(record, Command::Plan, now),
        Change::Record(_) | Change::RefusePayment(_) | Change::PlanPayment(_) => resume(record, now),
        Change::IntendMail => Command::Mail,
        Change::RecordMail(_) => Command::Write(Change::Complete),
        Change::Unsend(trouble) | Change::UnsendMail(trouble) | Change::Release(trouble) => {
            later(record, trouble, now)
        }
        Change::Withdraw(failure) => Command::GiveUp(failure),
        Change::Complete | Change::Exists(_) | Change::Preview(_) | Change::Fail(_) | Change::Review => {
            Command::Done
        }
    }
}

fn after_send(record: &Record, outcome: Outcome, now: Timestamp) -> Command {
    match outcome {
        Outcome::Made(made) => Command::Write(Change::Record(made)),
        Outcome::NoEffect(trouble) => Command::Write(Change::Unsend(trouble)),
        Outcome::Outdated(failure) | Outcome::Refused(failure) if record.state == State::PaySent => {
            Command::Write(Change::RefusePayment(failure))
        }
        Outcome::Outdated(failure) if record.plan_version < REPLANS => {
            Command::Write(Change::Replan(failure))
        }
        Outcome::Outdated(failure) | Outcome::Refused(failure) => Command::Write(Change::Fail(failure)),
        Outcome::Unknown => later(record, Trouble::OutcomeUnknown, now),
    }
}

/// Only for its turn is a mail worth waiting: the document is there, and the workflow waits for its number.
fn after_mail(outcome: Outcome) -> Command {
    Command::Write(match outcome {
        Outcome::Made(_) => Change::RecordMail(Mail::Sent),
        Outcome::NoEffect(Trouble::QuickBooksDown) | Outcome::Refused(_) | Outcome::Outdated(_) => {
            Change::RecordMail(Mail::Failed)
        }
        Outcome::NoEffect(trouble) => Change::UnsendMail(trouble),
        // The mark stays as it is.
        Outcome::Unknown => Change::Complete,
    })
}

fn after_look(record: &Record, sighting: Sighting, now: Timestamp) -> Command {
    match sighting {
        Sighting::Found(made) => Command::Write(Change::Record(made)),
        Sighting::Several => Command::Write(Change::Review),
        Sighting::NotSeen(_) if is_unresolvable(record, now) => Command::Write(Change::Review),
        Sighting::NotSeen(trouble) => later(record, trouble, now),
        // Before the quiet period is over, ours may still appear.
        Sighting::Absent | Sighting::Suspect if is_quiet(record, now) => {
            later(record, Trouble::OutcomeUnknown, now)
        }
        Sighting::Absent => again(record, now),
        Sighting::Suspect => Command::Write(Change::Review),
    }
}

/// Nothing of ours exists, and nothing can come of what was sent: it is sent again, unless a person was told to look, HubSpot
/// gave it up, or it has been for a week without anything coming of it.
fn again(record: &Record, now: Timestamp) -> Command {
    let is_over = record.told_at.is_some() || is_given_up(record, now) || is_unresolvable(record, now);
    match record.action {
        Some(kind) if record.state == State::Sent && is_over => {
            refuse(record, last_trouble(record).failure(kind))
        }
        _ => Command::Write(Change::Intend),
    }
}

fn last_trouble(record: &Record) -> Trouble {
    record.trouble.as_deref().and_then(Trouble::read).unwrap_or(Trouble::OutOfTime)
}

/// Whether an earlier send may still take effect: ours, or after a restore one that is forgotten.
fn is_quiet(record: &Record, now: Timestamp) -> bool {
    let may_be_alive = matches!(record.state, State::Sent | State::PaySent);
    let forgotten = record.safe_until.is_some_and(|safe_until| safe_until >= now);
    forgotten || record.quiet_until.map_or(may_be_alive, |quiet_until| quiet_until >= now)
}

/// The world as the machine sees it. Two implementations: production, and the deterministic simulation of the proofs; it
/// is the only trait that exists for a test (rulings.md 25).
pub trait Effects: Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Whether this attempt may begin something new: HubSpot waits only so long.
    fn in_time(&self) -> bool;

    /// Reads the sources and makes a plan, or finds that none is needed: [`Event::Planned`], [`Event::PaymentPlanned`],
    /// [`Event::Exists`], [`Event::Previewed`], [`Event::NotPreviewed`], [`Event::NotPossible`] or [`Event::NotPlanned`].
    fn plan(&self, record: &Record) -> impl Future<Output = Event> + Send;

    /// Makes one conditional write.
    fn write(
        &self,
        record: &Record,
        change: &Change,
    ) -> impl Future<Output = Result<Written, store::Error>> + Send;

    /// Sends the frozen bytes once, or proves that it did not.
    fn send(&self, record: &Record) -> impl Future<Output = Outcome> + Send;

    /// Asks QuickBooks once to e-mail what it made, or proves that it did not. Nothing but documents is ever mailed.
    fn mail(&self, _record: &Record) -> impl Future<Output = Outcome> + Send {
        std::future::ready(Outcome::NoEffect(Trouble::Internal))
    }

    /// Looks for what an earlier send may have made.
    fn look(&self, record: &Record) -> impl Future<Output = Sighting> + Send;
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum End {
    /// The record is done.
    Done(Box<Record>),
    /// Another attempt must go on.
    Later {
        /// Why.
        trouble: Trouble,
        /// The record as this attempt last saw it.
        record: Box<Record>,
    },
    /// QuickBooks refused a customer or item.
    GaveUp(Failure),
}

/// A machine: [`next`] or [`next_for_order`].
pub type Next = fn(&Record, Event, Timestamp) -> Command;

/// Runs a machine on a record we hold until the attempt ends. An attempt that ends early gives the record back, so that
/// the next one need not wait for the lease.
pub async fn drive(effects: &impl Effects, next: Next, mut record: Box<Record>) -> End {
    let (mut event, mut now) = (Event::Claimed, effects.now());
    loop {
        let command = next(&record, event, now);
        // What is found out is judged by the clock before it: a search of the books that began within the quiet period may
        // have missed what took effect before its end.
        now = effects.now();
        let begins = matches!(
            command,
            Command::Plan | Command::Look | Command::Write(Change::Intend | Change::IntendMail)
        );
        event = match command {
            _ if begins && !effects.in_time() => Event::TimeUp,
            Command::Plan => effects.plan(&record).await,
            Command::Send => Event::Sent(effects.send(&record).await),
            Command::Look => Event::Looked(effects.look(&record).await),
            Command::Mail => Event::Mailed(effects.mail(&record).await),
            Command::Write(change) => match effects.write(&record, &change).await {
                Ok(Written::Done(written)) => {
                    record = written;
                    Event::Wrote(change)
                }
                Ok(Written::Refused) => Event::Lost,
                Err(error) => {
                    tracing::error!(error = chain(&error), "the record could not be written");
                    let ends = matches!(change, Change::Fail(_) | Change::Review);
                    match error {
                        store::Error::Corrupt { .. } if !ends => Event::Unwritable,
                        _ => Event::StoreDown,
                    }
                }
            },
            Command::Done => return End::Done(record),
            Command::GiveUp(failure) => {
                release(effects, &record, Trouble::InProgress).await;
                return End::GaveUp(failure);
            }
            Command::Later(trouble) => {
                if !matches!(trouble, Trouble::TakenOver | Trouble::Unwritten) {
                    release(effects, &record, trouble.clone()).await;
                }
                return End::Later { trouble, record };
            }
        }
    }
}

/// Best effort: without it, the next attempt waits for the lease to end.
async fn release(effects: &impl Effects, record: &Record, trouble: Trouble) {
    if let Err(error) = effects.write(record, &Change::Release(trouble)).await {
        tracing::warn!(error = chain(&error), "the record could not be released");
    }
}

#[cfg(test)]
mod tests {
    use mapping::hubspot::PortalId;
    use mapping::quickbooks::{DocumentKind, RealmId};
    use serde_json::json;
    use store::record::Key;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T09:15:30Z".parse().unwrap()
    }

    fn record(state: State) -> Record {
        Record {
            key: Key::execution(PortalId(1), "ap-1-2-3-0"),
            state,
            action: None,
            realm: None,
            fence: 1,
            lease_owner: None,
            deliveries: 1,
            input_hash: None,
            plan: matches!(state, State::DocDone | State::PaySent).then(plan),
            plan_version: 0,
            sends: 1,
            first_sent_at: Some(now()),
            pay_first_sent_at: None,
            quiet_until: Some(now() + SignedDuration::from_mins(4)),
            made_id: None,
            made: None,
            pay_plan: None,
            pay_id: None,
            pay_refused: None,
            mail: None,
            answer: None,
            preview: None,
            trouble: None,
            replanned_for: None,
            request: None,
            callback_due: None,
            told_at: None,
            safe_since: None,
            safe_until: None,
            own_mistakes: 0,
            intuit_tids: Vec::new(),
            created_items: Vec::new(),
            buyer: None,
            metered: 0,
            retried: false,
            created_at: now(),
        }
    }

    fn plan() -> Plan {
        let realm = RealmId::try_from("1".to_owned()).unwrap();
        let (request_id, body) = ("hqd0".into(), "{}".into());
        Plan { realm, request_id, body, notes: json!(null), emailed: false }
    }

    fn made() -> Made {
        Made { id: "412".into(), json: json!({}) }
    }

    fn failure() -> Failure {
        Failure::not_connected()
    }

    /// The command as a word, or as words for a write.
    fn word(command: &Command) -> String {
        let text = format!("{command:?}");
        let name = |text: &str| text.split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
        match text.strip_prefix("Write(") {
            Some(change) => format!("write {}", name(change.trim_end_matches(')'))),
            None => name(&text),
        }
    }

    #[track_caller]
    fn check(machine: Next, record: &Record, event: Event, at: Timestamp, expected: &str) {
        let name = format!("{event:?} in {}", record.state.as_str());
        assert_eq!(word(&machine(record, event, at)), expected, "{name}");
    }

    #[test]
    fn an_attempt_goes_on_where_another_stopped() {
        for (state, expected) in [
            (State::Claimed, "Plan"),
            (State::Planned, "write Intend"),
            (State::Sent, "Look"),
            (State::DocDone, "write Complete"),
            (State::Completed, "Done"),
            (State::Failed, "Done"),
            (State::NeedsReview, "Done"),
            (State::Closed, "Done"),
        ] {
            check(next, &record(state), Event::Claimed, now(), expected);
        }
    }

    #[test]
    fn nothing_is_sent_but_after_a_written_intent() {
        let sends = |event| matches!(next(&record(State::Sent), event, now()), Command::Send);
        assert!(sends(Event::Wrote(Change::Intend)));
        let others = [
            Event::Claimed,
            Event::Planned(plan()),
            Event::NotPossible(failure()),
            Event::NotPlanned(Trouble::HubSpotDown),
            Event::Wrote(Change::Freeze(plan())),
            Event::Wrote(Change::Unsend(Trouble::OutOfTime)),
            Event::Wrote(Change::Replan(failure())),
            Event::Lost,
            Event::StoreDown,
            Event::Sent(Outcome::Unknown),
            Event::Sent(Outcome::NoEffect(Trouble::QuickBooksThrottled)),
            Event::Looked(Sighting::Absent),
            Event::Looked(Sighting::NotSeen(Trouble::QuickBooksDown)),
        ];
        for event in others {
            assert!(!sends(event.clone()), "{event:?}");
        }
    }

    #[test]
    fn an_unknown_outcome_is_neither_a_failure_nor_sent_again() {
        let sent = record(State::Sent);
        check(next, &sent, Event::Sent(Outcome::Unknown), now(), "Later");
        check(next, &sent, Event::Looked(Sighting::Absent), now(), "Later");
        let quiet_until = sent.quiet_until.unwrap();
        check(next, &sent, Event::Looked(Sighting::Absent), quiet_until, "Later");
        let after = quiet_until + SignedDuration::from_millis(1);
        check(next, &sent, Event::Looked(Sighting::Absent), after, "write Intend");
        check(next, &sent, Event::Looked(Sighting::Found(made())), now(), "write Record");
        check(next, &sent, Event::Looked(Sighting::Suspect), now(), "Later");
        check(next, &sent, Event::Looked(Sighting::Suspect), after, "write Review");
        check(next, &sent, Event::Looked(Sighting::Several), now(), "write Review");
        let unseen = Sighting::NotSeen(Trouble::QuickBooksDown);
        check(next, &sent, Event::Looked(unseen), after, "Later");
    }

    #[test]
    fn a_send_ends_as_its_outcome_says() {
        let sent = record(State::Sent);
        check(next, &sent, Event::Sent(Outcome::Made(made())), now(), "write Record");
        let turned_away = Outcome::NoEffect(Trouble::QuickBooksThrottled);
        check(next, &sent, Event::Sent(turned_away), now(), "write Unsend");
        check(next, &sent, Event::Sent(Outcome::Refused(failure())), now(), "write Fail");
        check(next, &sent, Event::Sent(Outcome::Outdated(failure())), now(), "write Replan");
        let twice = Record { plan_version: 2, ..sent };
        check(next, &twice, Event::Sent(Outcome::Outdated(failure())), now(), "write Fail");
    }

    #[test]
    fn a_payment_follows_its_document_by_the_same_rules() {
        let done = Record { pay_plan: Some(plan()), ..record(State::DocDone) };
        check(next, &done, Event::Wrote(Change::Record(made())), now(), "write Intend");
        check(next, &done, Event::Claimed, now(), "write Intend");
        let sent = Record { pay_plan: Some(plan()), ..record(State::PaySent) };
        check(next, &sent, Event::Wrote(Change::Intend), now(), "Send");
        check(next, &sent, Event::Claimed, now(), "Look");
        check(next, &sent, Event::Sent(Outcome::Unknown), now(), "Later");
        check(
            next,
            &sent,
            Event::Sent(Outcome::NoEffect(Trouble::QuickBooksThrottled)),
            now(),
            "write Unsend",
        );
        check(next, &sent, Event::Sent(Outcome::Refused(failure())), now(), "write RefusePayment");
        check(next, &sent, Event::Sent(Outcome::Outdated(failure())), now(), "write RefusePayment");
        check(next, &sent, Event::Looked(Sighting::Absent), now(), "Later");
        let after = sent.quiet_until.unwrap() + SignedDuration::from_millis(1);
        check(next, &sent, Event::Looked(Sighting::Absent), after, "write Intend");
        check(next, &sent, Event::Looked(Sighting::Found(made())), now(), "write Record");
        let paid = Record { pay_id: Some("413".into()), ..sent };
        check(next, &paid, Event::Wrote(Change::Record(made())), now(), "write Complete");
        check(next, &paid, Event::Claimed, now(), "write Complete");
        let refused = Record { pay_refused: Some("6000".into()), ..record(State::DocDone) };
        check(next, &refused, Event::Wrote(Change::RefusePayment(failure())), now(), "write Complete");
    }

    /// An execution's record; the others here are nobody's.
    fn execution(state: State) -> Record {
        Record { action: Some(DocumentKind::Invoice), ..record(state) }
    }

    #[test]
    fn what_has_sent_nothing_ends_before_hubspot_stops_waiting() {
        let late = now() + CALLBACK_BEFORE;
        let soon = late + SignedDuration::from_millis(1);
        for (callback_due, created_at, expected) in [
            (Some(soon), now(), None),
            (Some(late), now(), Some("write Fail")),
            (Some(now() - SignedDuration::from_hours(1)), now(), Some("write Fail")),
            (None, now() - SignedDuration::from_hours(62), None),
            (None, now() - HUBSPOT_RETRIES, Some("write Fail")),
            // Its wait counts, not its age.
            (Some(soon), now() - SignedDuration::from_hours(100), None),
        ] {
            let of = |state| Record { callback_due, created_at, ..execution(state) };
            let (claimed, planned) = (of(State::Claimed), of(State::Planned));
            check(next, &claimed, Event::Claimed, now(), expected.unwrap_or("Plan"));
            check(next, &planned, Event::Claimed, now(), expected.unwrap_or("write Intend"));
            check(
                next,
                &planned,
                Event::Wrote(Change::Freeze(plan())),
                now(),
                expected.unwrap_or("write Intend"),
            );
            let down = Event::NotPlanned(Trouble::QuickBooksDown);
            check(next, &claimed, down, now(), expected.unwrap_or("Later"));
            check(next, &planned, Event::TimeUp, now(), expected.unwrap_or("Later"));
            // What was sent goes on.
            check(next, &of(State::Sent), Event::Claimed, now(), "Look");
            check(next, &of(State::Sent), Event::Sent(Outcome::Unknown), now(), "Later");
            check(next, &of(State::DocDone), Event::Claimed, now(), "write Complete");
        }
    }

    #[test]
    fn the_cause_that_hubspot_is_told_is_that_of_the_last_trouble() {
        let kept = Some(Trouble::HubSpotDown.as_str().to_owned());
        let late = Record { callback_due: Some(now()), trouble: kept, ..execution(State::Claimed) };
        let Command::Write(Change::Fail(failure)) = next(&late, Event::Claimed, now()) else {
            panic!("no failure")
        };
        assert_eq!(failure.code, Trouble::HubSpotDown.code());
    }

    #[test]
    fn fifty_mistakes_of_our_own_are_enough() {
        for (own_mistakes, unsent, sent) in [(48, "Later", "Later"), (49, "write Fail", "write Review")] {
            let of = |state| Record { own_mistakes, ..execution(state) };
            check(next, &of(State::Claimed), Event::NotPlanned(Trouble::Internal), now(), unsent);
            for state in [State::Sent, State::DocDone, State::PaySent] {
                check(next, &of(state), Event::Unwritable, now(), sent);
            }
            // Outages and limits never count.
            check(next, &of(State::Claimed), Event::NotPlanned(Trouble::QuickBooksDown), now(), "Later");
        }
    }

    #[test]
    fn what_cannot_be_looked_for_in_a_week_goes_to_a_person() {
        let week = SignedDuration::from_hours(7 * 24);
        let unseen = || Event::Looked(Sighting::NotSeen(Trouble::QuickBooksDown));
        let sent = execution(State::Sent);
        check(next, &sent, unseen(), now() + week, "Later");
        check(next, &sent, unseen(), now() + week + SignedDuration::from_secs(1), "write Review");
        // A payment's week is its own.
        let paying = Record { pay_plan: Some(plan()), ..execution(State::PaySent) };
        check(next, &paying, unseen(), now() + week * 2, "Later");
        let paying = Record { pay_first_sent_at: Some(now()), ..paying };
        check(next, &paying, unseen(), now() + week * 2, "write Review");
        // Only a look decides: the books may be readable again.
        check(next, &sent, Event::Claimed, now() + week * 2, "Look");
        check(next, &sent, Event::TimeUp, now() + week * 2, "Later");
    }

    #[test]
    fn once_a_person_was_told_to_look_nothing_is_sent_but_a_payment() {
        let after = now() + SignedDuration::from_mins(5);
        let told = |state| Record { told_at: Some(now()), pay_plan: Some(plan()), ..execution(state) };
        check(next, &told(State::Sent), Event::Looked(Sighting::Absent), after, "write Fail");
        check(next, &told(State::Sent), Event::Looked(Sighting::Found(made())), after, "write Record");
        check(next, &told(State::Planned), Event::Claimed, after, "write Fail");
        check(next, &told(State::Claimed), Event::Claimed, after, "write Fail");
        check(next, &told(State::PaySent), Event::Looked(Sighting::Absent), after, "write Intend");
        check(next, &told(State::DocDone), Event::Claimed, after, "write Intend");
    }

    #[test]
    fn what_hubspot_gave_up_is_looked_for_and_not_sent_again() {
        let over = now() + HUBSPOT_RETRIES;
        let gone = Record { created_at: now(), pay_plan: Some(plan()), ..execution(State::Sent) };
        let absent = || Event::Looked(Sighting::Absent);
        check(next, &gone, Event::Claimed, over, "Look");
        check(next, &gone, absent(), over - SignedDuration::from_secs(1), "write Intend");
        check(next, &gone, absent(), over, "write Fail");
        check(next, &gone, Event::Looked(Sighting::Found(made())), over, "write Record");
        // It waits for a callback: then its own retries are nothing.
        let waits = Record { callback_due: Some(over + CALLBACK_BEFORE * 2), ..gone.clone() };
        check(next, &waits, absent(), over, "write Intend");
        check(next, &Record { state: State::PaySent, ..gone }, absent(), over, "write Intend");
    }

    #[test]
    fn what_comes_to_nothing_for_a_week_is_not_sent_for_ever() {
        let week = now() + SignedDuration::from_hours(7 * 24 + 1);
        let sent = execution(State::Sent);
        check(next, &sent, Event::Looked(Sighting::Absent), week, "write Fail");
        let parked = Record { pay_plan: Some(plan()), ..execution(State::DocDone) };
        check(next, &parked, Event::Wrote(Change::Unsend(Trouble::Disconnected)), now(), "Later");
        check(next, &parked, Event::Wrote(Change::Unsend(Trouble::Disconnected)), week, "write Review");
    }

    #[test]
    fn after_a_restore_nothing_is_sent_before_a_look_and_nothing_is_called_a_failure() {
        let of = |state| Record { safe_since: Some(now()), quiet_until: None, ..execution(state) };
        let planned = of(State::Planned);
        check(next, &planned, Event::Claimed, now(), "Look");
        check(next, &planned, Event::Wrote(Change::Freeze(plan())), now(), "Look");
        check(next, &planned, Event::Looked(Sighting::Found(made())), now(), "write Record");
        check(next, &planned, Event::Looked(Sighting::Absent), now(), "write Intend");
        let waiting = Record { safe_until: Some(now()), ..planned.clone() };
        check(next, &waiting, Event::Looked(Sighting::Absent), now(), "Later");
        let to_pay = Record { pay_plan: Some(plan()), ..of(State::DocDone) };
        check(next, &to_pay, Event::Claimed, now(), "Look");
        check(next, &of(State::Claimed), Event::NotPossible(failure()), now(), "write Review");
        let late = Record { callback_due: Some(now()), ..planned };
        check(next, &late, Event::Claimed, now(), "write Review");
    }

    #[test]
    fn a_refused_customer_or_item_frees_its_record() {
        let sent = record(State::Sent);
        check(next_for_order, &sent, Event::Sent(Outcome::Refused(failure())), now(), "write Withdraw");
        check(next_for_order, &sent, Event::Wrote(Change::Withdraw(failure())), now(), "GiveUp");
        let often = Record { plan_version: 7, ..sent };
        check(next_for_order, &often, Event::Sent(Outcome::Outdated(failure())), now(), "write Replan");
        check(next_for_order, &often, Event::Wrote(Change::Record(made())), now(), "Done");
    }

    #[test]
    fn a_retried_payment_is_planned_first_and_its_document_is_never_sent() {
        let made_id = Some("412".into());
        let retry = Record { made_id, first_sent_at: None, plan: None, ..execution(State::DocDone) };
        check(next, &retry, Event::Claimed, now(), "Plan");
        let planned = |pay_plan| {
            let (plan, made) = (plan(), made());
            Event::PaymentPlanned(Box::new(PaymentPlan { plan, made, pay_plan }))
        };
        check(next, &retry, planned(Some(plan())), now(), "write PlanPayment");
        let Event::PaymentPlanned(payment) = planned(None) else { unreachable!() };
        let to_send = Record { plan: Some(plan()), pay_plan: Some(plan()), ..retry.clone() };
        check(next, &to_send, Event::Wrote(Change::PlanPayment(payment.clone())), now(), "write Intend");
        // Nothing is owed any more.
        let settled = Record { plan: Some(plan()), ..retry.clone() };
        check(next, &settled, Event::Wrote(Change::PlanPayment(payment)), now(), "write Complete");
        // Until it is planned, nothing was sent, and it may fail.
        check(next, &retry, Event::NotPossible(failure()), now(), "write Fail");
        check(next, &retry, Event::NotPlanned(Trouble::QuickBooksDown), now(), "Later");
        let late = now() + HUBSPOT_RETRIES;
        check(next, &retry, Event::NotPlanned(Trouble::QuickBooksDown), late, "write Fail");
        // Planned, it is parked while the company is disconnected, a week at most.
        let week = now() + SignedDuration::from_hours(7 * 24 + 1);
        let turned_away = || Event::Wrote(Change::Unsend(Trouble::Disconnected));
        check(next, &to_send, turned_away(), late, "Later");
        check(next, &to_send, turned_away(), week, "write Review");
    }

    #[test]
    fn a_preview_is_answered_and_never_sent() {
        let restored = Record { safe_since: Some(now()), ..execution(State::Claimed) };
        for claimed in [execution(State::Claimed), restored] {
            check(next, &claimed, Event::Previewed(plan()), now(), "write Preview");
            check(next, &claimed, Event::Wrote(Change::Preview(plan())), now(), "Done");
            // Nothing of it can be in the books: it has failed, and nobody need look.
            check(next, &claimed, Event::NotPreviewed(failure()), now(), "write Fail");
            check(next, &claimed, Event::NotPlanned(Trouble::QuickBooksDown), now(), "Later");
        }
    }

    #[test]
    fn what_is_to_be_mailed_is_mailed_last_and_once() {
        let plan = || Some(Plan { emailed: true, ..plan() });
        let done = Record { plan: plan(), ..execution(State::DocDone) };
        check(next, &done, Event::Wrote(Change::Record(made())), now(), "write IntendMail");
        check(next, &done, Event::Claimed, now(), "write IntendMail");
        let to_pay = Record { pay_plan: Some(super::tests::plan()), ..done.clone() };
        check(next, &to_pay, Event::Claimed, now(), "write Intend");
        let paid = Record { plan: plan(), pay_id: Some("413".into()), ..execution(State::PaySent) };
        check(next, &paid, Event::Wrote(Change::Record(made())), now(), "write IntendMail");
        let marked = Record { mail: Some(Mail::Tried), ..done.clone() };
        check(next, &marked, Event::Wrote(Change::IntendMail), now(), "Mail");
        for (outcome, expected) in [
            (Outcome::Made(made()), "write RecordMail"),
            (Outcome::Refused(failure()), "write RecordMail"),
            (Outcome::NoEffect(Trouble::QuickBooksDown), "write RecordMail"),
            (Outcome::NoEffect(Trouble::QuickBooksThrottled), "write UnsendMail"),
            (Outcome::Unknown, "write Complete"),
        ] {
            check(next, &marked, Event::Mailed(outcome), now(), expected);
        }
        for mail in [Mail::Tried, Mail::Sent, Mail::Failed] {
            let tried = Record { mail: Some(mail), ..done.clone() };
            check(next, &tried, Event::Claimed, now(), "write Complete");
            check(next, &tried, Event::Wrote(Change::RecordMail(mail)), now(), "write Complete");
        }
        let turned_away = Event::Wrote(Change::UnsendMail(Trouble::QuickBooksThrottled));
        check(next, &done, turned_away, now(), "Later");
        // Whom a mail would mislead, or a person may have sent it to, gets none.
        let refused = Record { pay_refused: Some("6000".into()), ..done.clone() };
        check(next, &refused, Event::Wrote(Change::RefusePayment(failure())), now(), "write Complete");
        let told = Record { told_at: Some(now()), ..done.clone() };
        check(next, &told, Event::Claimed, now(), "write Complete");
        let late = Record { callback_due: Some(now() + CALLBACK_BEFORE), ..done.clone() };
        check(next, &late, Event::Claimed, now(), "write Complete");
        let restored = Record { safe_since: Some(now()), ..done };
        check(next, &restored, Event::Claimed, now(), "write Complete");
    }

    #[test]
    fn what_exists_already_is_the_answer() {
        let claimed = execution(State::Claimed);
        check(next, &claimed, Event::Exists(made()), now(), "write Exists");
        check(next, &claimed, Event::Wrote(Change::Exists(made())), now(), "Done");
    }
}
