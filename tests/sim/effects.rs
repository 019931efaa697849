//! The effects of an attempt on the simulated world, as `app::execution` and `app::delivery` have them on the real one.

use app::attempt::{Attempt, LEASE_MARGIN, QUIET, Times, Told, WAIT, back_off, is_pressing};
use app::failure::{Code, Trouble};
use app::protocol::{CALLBACK_BEFORE, Change, Effects, Event, Made, Outcome, Sighting};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::record::{Claim, Claimed, Mail, Nonce, Owed, Plan, Record, State, Transition, Written};

use crate::attempt::{Sim, failure, millis};
use crate::fault::{Call, Fault};
use crate::history::{MAIL, answer_of};
use crate::mutant::Mutant;
use crate::rare::Rare;
use crate::table::{Request, Stored};
use crate::world::{World, timestamp};

/// How far before the first send the books are searched, in milliseconds (`app::execution`).
const LOOK_BACK: i64 = 600_000;

/// Between two tries of a pressing write, in milliseconds (`app::effects`).
const RETRY_PAUSE: i64 = 200;

impl Effects for Sim<'_> {
    fn now(&self) -> Timestamp {
        self.lock().clock(self.task)
    }

    fn in_time(&self) -> bool {
        let mut world = self.lock();
        let in_time = world.now < self.begin_until;
        if !in_time {
            world.hit(Rare::OutOfTime);
        }
        in_time
    }

    async fn plan(&self, record: &Record) -> Event {
        self.make_plan(record).await.unwrap_or_else(|stop| match stop {
            Some(trouble) => Event::NotPlanned(trouble),
            None if self.lock().setup.preview => Event::NotPreviewed(failure(Code::CompanyNotLinked)),
            None => Event::NotPossible(failure(Code::CompanyNotLinked)),
        })
    }

    async fn write(&self, record: &Record, change: &Change) -> Result<Written, store::Error> {
        let transition = self.transition(record, change);
        let call = Call::Write(transition.doing());
        if self.lock().is(Mutant::NoIntent) && matches!(change, Change::Intend) {
            let paying = record.state == State::DocDone || record.state == State::PaySent;
            let state = if paying { State::PaySent } else { State::Sent };
            return Ok(Written::Done(Box::new(Record { state, ..record.clone() })));
        }
        if self.lock().is(Mutant::NoMailMark) && matches!(change, Change::IntendMail) {
            return Ok(Written::Done(Box::new(Record { mail: Some(Mail::Tried), ..record.clone() })));
        }
        // One id for all tries, as in production.
        let id = Nonce::new();
        loop {
            let request = Request::Write {
                held: Box::new(record.clone()),
                transition: transition.clone(),
                id: id.clone(),
                now: self.now(),
            };
            match self.store(call, request).await {
                Ok(Stored::Written(written)) => return Ok(written),
                Ok(_) => return Ok(Written::Refused),
                Err(error) => {
                    if !is_pressing(&transition) || self.lives_until - self.lock().now <= RETRY_PAUSE * 20 {
                        return Err(error);
                    }
                    self.pause(RETRY_PAUSE).await;
                }
            }
        }
    }

    async fn send(&self, record: &Record) -> Outcome {
        let paying = record.state == State::PaySent;
        let sent = self.send_to_books(record, paying).await;
        sent.unwrap_or_else(|stop| match stop {
            Some(trouble) => Outcome::NoEffect(trouble),
            None if paying => Outcome::NoEffect(Trouble::Disconnected),
            None => Outcome::Refused(failure(Code::ConnectionExpired)),
        })
    }

    async fn mail(&self, record: &Record) -> Outcome {
        let mailed = self.mail_from_books(record).await;
        mailed.unwrap_or_else(|stop| match stop {
            Some(trouble) => Outcome::NoEffect(trouble),
            None => Outcome::Refused(failure(Code::ConnectionExpired)),
        })
    }

    async fn look(&self, record: &Record) -> Sighting {
        let seen = self.look_in_books(record).await;
        seen.unwrap_or_else(|stop| Sighting::NotSeen(stop.unwrap_or(Trouble::OutcomeUnknown)))
    }
}

impl Sim<'_> {
    /// No trouble given: a person must act.
    async fn make_plan(&self, record: &Record) -> Result<Event, Option<Trouble>> {
        let realm = self.realm_of(record);
        self.connection(realm).await?;
        let deal = match self.ask(Call::Deal, |world| (world.portal.deal, world.portal.code)).await {
            Ok(deal) => deal,
            Err(Fault::Gone) => return Ok(Event::NotPossible(failure(Code::RecordNotFound))),
            Err(Fault::Throttled) => return Err(Some(Trouble::HubSpotThrottled)),
            Err(_) => return Err(Some(Trouble::HubSpotDown)),
        };
        self.query(Call::Find, |_| ()).await?;
        if record.is_payment_to_plan() {
            return Ok(self.lock().payment_plan(record, realm));
        }
        let (total, body) = body_of(deal);
        let realm = self.lock().realms[realm].clone();
        let request_id = format!("hqd-{}", record.plan_version);
        let (previews, emailed) = {
            let world = self.lock();
            (world.setup.preview, world.setup.mailed)
        };
        let plan = Plan { realm, request_id, body, notes: Value::from(total), emailed };
        Ok(if previews { Event::Previewed(plan) } else { Event::Planned(plan) })
    }

    fn transition(&self, record: &Record, change: &Change) -> Transition {
        match change {
            Change::Complete => {
                if mail_word(record) == Some("untried") {
                    self.lock().hit(Rare::MailUntried);
                }
                Transition::Complete { answer: completed(record) }
            }
            Change::Preview(plan) => {
                let answer = format!("PREVIEW {}", plan.body);
                Transition::Answer { answer, outcome: "preview", preview: Some(plan.clone()) }
            }
            Change::Record(made) if matches!(record.state, State::Planned | State::Sent) => {
                Transition::Record {
                    id: made.id.clone(),
                    made: made.json.clone(),
                    pay_plan: self.pay_plan(record, made),
                }
            }
            Change::Fail(failure) => {
                let trouble = failure.code.as_str().to_owned();
                if self.waited_in_vain(record) {
                    self.lock().hit(Rare::WaitOver);
                }
                Transition::Fail { answer: format!("FAILED {trouble}"), trouble }
            }
            Change::Review => {
                let answer = "NEEDS_REVIEW".to_owned();
                Transition::Review { answer, trouble: "NEEDS_REVIEW".into() }
            }
            other => other.transition(record, self.times(record, other)).unwrap(),
        }
    }

    fn times(&self, record: &Record, change: &Change) -> Times {
        let mut world = self.lock();
        let now = world.clock(self.task);
        let next_at = match change {
            Change::Release(trouble) if !self.delivers => {
                let next_at = now + back_off(record, trouble, world.chance.number());
                let told_at = record.callback_due.map(|due| due - CALLBACK_BEFORE);
                told_at.filter(|told_at| *told_at > now).map_or(next_at, |told_at| next_at.min(told_at))
            }
            _ => now,
        };
        if world.is(Mutant::NoQuietPeriod) {
            return Times { quiet_until: now - SignedDuration::from_millis(1), next_at };
        }
        Times { quiet_until: timestamp(self.ends) + QUIET, next_at }
    }

    fn waited_in_vain(&self, record: &Record) -> bool {
        let nothing_sent = matches!(record.state, State::Claimed | State::Planned);
        let left = record.callback_due.map(|due| due.duration_since(self.now()));
        nothing_sent && left.is_some_and(|left| left <= CALLBACK_BEFORE)
    }

    /// The payment of an invoice that is to be paid: over what QuickBooks made of it.
    fn pay_plan(&self, record: &Record, made: &Made) -> Option<Plan> {
        let world = self.lock();
        if !world.setup.paid {
            return None;
        }
        let realm = record.plan.as_ref()?.realm.clone();
        let body = format!("pays {} with {}", made.id, made.json);
        let request_id = format!("hqp-{}", record.plan_version);
        Some(Plan { realm, request_id, body, notes: made.json.clone(), emailed: false })
    }

    async fn look_in_books(&self, record: &Record) -> Result<Sighting, Option<Trouble>> {
        let paying = matches!(record.state, State::DocDone | State::PaySent);
        let plan = record.plan.as_ref().ok_or(Some(Trouble::Internal))?;
        let realm = self.lock().realms.iter().position(|realm| *realm == plan.realm).unwrap_or_default();
        self.connection(realm).await?;
        let what = if paying { Call::Payment } else { Call::Document };
        self.query(Call::Look, |world| sight(world, record, what, realm)).await
    }
}

/// What the books show of an earlier send.
fn sight(world: &mut World, record: &Record, what: Call, realm: usize) -> Sighting {
    let sent = record.first_sent_at.unwrap_or(record.created_at);
    let sent = record.safe_since.map_or(sent, |restored| restored.min(sent));
    let since = millis(sent.duration_since(timestamp(0))) - LOOK_BACK;
    let ours = |pays: Option<u64>| pays.is_none() || pays.map(|id| id.to_string()) == record.made_id;
    let shown: Vec<(u64, u64, bool)> = world
        .books
        .shown(what, realm, since, world.now)
        .filter(|made| ours(made.post.pays))
        .map(|made| (made.id, made.post.total, made.marked))
        .collect();
    let marked: Vec<_> = shown.iter().filter(|(.., marked)| *marked).collect();
    let now = timestamp(world.now);
    let quiet = record.quiet_until.max(record.safe_until).is_some_and(|quiet| quiet >= now);
    match marked.as_slice() {
        [(id, total, _)] => {
            let rare = if what == Call::Payment { Rare::PaymentAdopted } else { Rare::Adopted };
            world.hit(rare);
            if quiet {
                world.hit(Rare::AdoptedEarly);
            }
            if world.history.not_seen {
                world.hit(Rare::LandedAfterLook);
            }
            if matches!(record.state, State::Planned | State::DocDone) {
                world.hit(Rare::AdoptedRestored);
            }
            Sighting::Found(Made { id: id.to_string(), json: Value::from(*total) })
        }
        [] if !shown.is_empty() => Sighting::Suspect,
        [] => {
            if quiet {
                world.hit(Rare::LookedTooEarly);
                world.history.not_seen = true;
            }
            Sighting::Absent
        }
        _ => Sighting::Several,
    }
}

/// A deal's total and document, as this version of the code makes it.
pub(crate) fn body_of((deal, code): (u64, u64)) -> (u64, String) {
    let total = 100 * deal;
    (total, format!("{total}, made by version {code} [hs marker]"))
}

fn completed(record: &Record) -> String {
    let id = |id: &Option<String>| id.as_ref().and_then(|id| id.parse().ok()).unwrap_or_default();
    let answer = answer_of(id(&record.made_id), id(&record.pay_id));
    match mail_word(record) {
        Some(word) => format!("{answer}{MAIL}{word}"),
        None => answer,
    }
}

/// What the answer says of the mail, as in `app::execution::mail`.
fn mail_word(record: &Record) -> Option<&'static str> {
    record.plan.as_ref().filter(|plan| plan.emailed)?;
    Some(match record.mail {
        Some(Mail::Sent) => "sent",
        Some(Mail::Failed) => "failed",
        Some(Mail::Tried) => "unclear",
        None if record.safe_since.is_some() => "unclear",
        None => "untried",
    })
}

impl Attempt for Sim<'_> {
    async fn claim(&self) -> Result<Claimed, store::Error> {
        let claim = {
            let world = self.lock();
            let realm = self.portal.default_realm;
            Claim {
                action: Some(world.setup.kind),
                realm: self.portal.linked[realm].then(|| world.realms[realm].clone()),
                delivered: self.delivers,
                safe_since: self.safe_since.map(timestamp),
                ..Claim::new(world.key.clone(), world.clock(self.task), timestamp(self.ends) + LEASE_MARGIN)
            }
        };
        match self.store(Call::Claim, Request::Claim(claim)).await? {
            Stored::Claimed(claimed) => Ok(claimed),
            _ => Ok(Claimed::Running),
        }
    }

    async fn may_block(&self) -> bool {
        self.is_from_a_workflow()
            && self.ask(Call::MayBlock, |world| world.setup.may_block).await.unwrap_or(false)
    }

    async fn promise(&self) -> Result<Owed, store::Error> {
        if self.lock().is(Mutant::PromiseUnwritten) {
            return Ok(Owed::Yes);
        }
        let until = self.now() + WAIT;
        let missing = store::Error::Missing { what: "the record" };
        match self.store(Call::Promise, Request::Promise { until }).await? {
            Stored::Owed(owed) => owed.ok_or(missing),
            _ => Err(missing),
        }
    }

    fn is_from_a_workflow(&self) -> bool {
        let world = self.lock();
        world.setup.workflow && !world.key.is_retry()
    }

    async fn call_back(&self, record: &Record) -> Told {
        let answer = record.answer.clone();
        let fault = self.call(Call::Callback).await;
        match fault {
            None | Some(Fault::Stall | Fault::DiesWithReply) => {
                let told = if self.lock().hears(answer) { Told::Heard } else { Told::Refused };
                self.reply(fault, told).await
            }
            Some(Fault::ReplyLost | Fault::DiesAfterEffect) => {
                self.lock().hears(answer);
                if fault == Some(Fault::ReplyLost) {
                    self.reply(None, Told::NotHeard).await
                } else {
                    self.die().await
                }
            }
            Some(fault) if fault.kills() => self.die().await,
            Some(_) => self.reply(None, Told::NotHeard).await,
        }
    }

    async fn take_callback(&self, record: &Record, until: Timestamp) -> Result<bool, store::Error> {
        let request = Request::TakeCallback { read: Box::new(record.clone()), now: self.now(), until };
        Ok(matches!(self.store(Call::Write("taking the callback"), request).await?, Stored::Taken(true)))
    }

    async fn postpone(&self, record: &Record, until: Timestamp) -> Result<(), store::Error> {
        let request = Request::Postpone { read: Box::new(record.clone()), until };
        self.store(Call::Write("postponing"), request).await.map(drop)
    }

    async fn note(&self, record: &Record, what: &Transition) -> Result<Written, store::Error> {
        let request = Request::Write {
            held: Box::new(record.clone()),
            transition: what.clone(),
            id: Nonce::new(),
            now: self.now(),
        };
        match self.store(Call::Write(what.doing()), request).await? {
            Stored::Written(written) => Ok(written),
            _ => unreachable!("a write is answered as one"),
        }
    }
}
