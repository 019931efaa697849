//! The table as the world sees it: conditional writes arrive, at once or late, and what they change is checked and kept.

use jiff::Timestamp;
use store::record::{Claim, Claimed, Mail, Nonce, Owed, Record, State, Transition, Written};

use crate::history::Wrote;
use crate::mutant::Mutant;
use crate::rare::Rare;
use crate::register::promised_since;
use crate::world::{AHEAD_AT_MOST, Task, World, timestamp};

/// A promise to call back that a clock further behind wrote looks old at once, and the callback may come, be refused and be
/// settled before HubSpot knows of the wait (`app::attempt`, 5 minutes). Nothing is sent for it, so it is a limit, and known.
const BEHIND_WHILE_PROMISING: i64 = 240_000;

/// A conditional write, as it travels.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Claim(Claim),
    Write { held: Box<Record>, transition: Transition, id: Nonce, now: Timestamp },
    Promise { until: Timestamp },
    Postpone { read: Box<Record>, until: Timestamp },
    TakeCallback { read: Box<Record>, now: Timestamp, until: Timestamp },
}

/// What the table says to one.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Claimed(Claimed),
    Written(Written),
    Owed(Option<Owed>),
    Taken(bool),
    Nothing,
}

impl World {
    /// A conditional write arrives.
    pub(crate) fn store(&mut self, task: usize, request: &Request) -> Stored {
        if !self.tasks[task].alive {
            self.hit(Rare::WriteAfterDeath);
        }
        if self.tasks[task].before_restore {
            return self.store_in_the_old(task, request);
        }
        let stored = self.store_in_the_new(task, request);
        self.remember_table();
        stored
    }

    /// Nothing of it counts any more.
    fn store_in_the_old(&mut self, task: usize, request: &Request) -> Stored {
        let key = self.key.clone();
        let table = self.table(task);
        match request {
            Request::Claim(claim) => Stored::Claimed(table.claim(claim)),
            Request::Write { held, transition, id, now } => {
                Stored::Written(table.write(held, transition, id, *now))
            }
            Request::Promise { until } => Stored::Owed(table.owe_callback(&key, *until)),
            Request::Postpone { read, until } => {
                table.postpone(&key, Some(read), *until);
                Stored::Nothing
            }
            Request::TakeCallback { read, now, until } => {
                Stored::Taken(table.take_callback(read, *now, *until))
            }
        }
    }

    fn store_in_the_new(&mut self, task: usize, request: &Request) -> Stored {
        match request {
            Request::Claim(claim) => Stored::Claimed(self.claim(task, claim)),
            Request::Write { held, transition, id, now } => {
                Stored::Written(self.write(task, held, transition, id, *now))
            }
            Request::Promise { until } => Stored::Owed(self.promise(task, *until)),
            Request::Postpone { read, until } => {
                let key = self.key.clone();
                self.register.postpone(&key, Some(read), *until);
                Stored::Nothing
            }
            Request::TakeCallback { read, now, until } => {
                Stored::Taken(self.register.take_callback(read, *now, *until))
            }
        }
    }

    fn claim(&mut self, task: usize, claim: &Claim) -> Claimed {
        let before = self.record().map(|record| (record.state, record.fence));
        let claimed = self.register.claim(claim);
        match (&claimed, before) {
            (Claimed::Ours(record), before) => {
                let fence = record.fence;
                self.note(|| format!("{task}:   holds fence {fence}, {:?}", before.map(|(state, _)| state)));
                if before.is_some_and(|(_, before)| before == fence) {
                    self.hit(Rare::OwnAck);
                } else {
                    self.history.claimed(fence);
                    self.tasks[task].holds = true;
                    self.taken_over(task, before.map(|(state, _)| state));
                }
            }
            (Claimed::Running, _) => self.hit(Rare::Running),
            (Claimed::Done(_), _) if self.tasks[task].delivers => self.hit(Rare::Replayed),
            (Claimed::Done(_), _) => {}
        }
        claimed
    }

    fn taken_over(&mut self, task: usize, state: Option<State>) {
        let rare = match state {
            None => return,
            Some(State::Claimed) => Rare::TakenOverClaimed,
            Some(State::Planned) => Rare::TakenOverPlanned,
            Some(State::Sent) => Rare::TakenOverSent,
            Some(State::DocDone) => Rare::TakenOverDocDone,
            Some(_) => Rare::TakenOverPaySent,
        };
        self.hit(rare);
        let quiet = self.record().and_then(|record| record.quiet_until.max(record.safe_until));
        let loud = quiet.is_none_or(|quiet| quiet < timestamp(self.now - AHEAD_AT_MOST));
        let Task { skew, delivers, .. } = self.tasks[task];
        if self.is_calm() && loud && skew == 0 && !delivers {
            self.history.calm_rounds += 1;
        }
    }

    /// No fault has happened for a while, and none is still at work.
    fn is_calm(&self) -> bool {
        let flying = !self.books.flights.is_empty() || !self.late.is_empty();
        self.now > self.calm_since && !flying && self.portal.linked == [true, true]
    }

    fn write(
        &mut self,
        task: usize,
        held: &Record,
        transition: &Transition,
        id: &Nonce,
        now: Timestamp,
    ) -> Written {
        let carried = held.fence;
        let mut held = held.clone();
        if self.is(Mutant::NoFence)
            && let Some(current) = self.record()
        {
            (held.fence, held.lease_owner) = (current.fence, current.lease_owner.clone());
        }
        let Some(before) = self.record().cloned() else { return Written::Refused };
        let known = self.history.last_write.as_ref() == Some(id);
        let written = self.register.write(&held, transition, id, now);
        let doing = transition.doing();
        match &written {
            Written::Done(_) if known => self.hit(Rare::OwnAck),
            Written::Done(after) => {
                let (from, to) = (before.state, after.state);
                self.note(|| format!("{task}:   {doing}: {} -> {}", from.as_str(), to.as_str()));
                if transition.is_final() && promised_since(&held, &before) {
                    self.hit(Rare::FinalRepeated);
                }
                self.wrote(task, carried, &before, after, transition, now);
                // Whoever tells or settles leaves the id of the holder's last write alone.
                if !matches!(transition, Transition::Tell | Transition::Settle) {
                    self.history.last_write = Some(id.clone());
                }
            }
            Written::Refused => {
                self.note(|| format!("{task}:   {doing}: refused"));
                if before.fence > held.fence {
                    self.hit(Rare::StaleRefused);
                }
            }
        }
        if self.is(Mutant::DebtDropped)
            && transition.is_final()
            && let Written::Done(record) = &written
        {
            self.register.write(record, &Transition::Settle, &Nonce::new(), now);
        }
        written
    }

    fn wrote(
        &mut self,
        task: usize,
        fence: u64,
        before: &Record,
        after: &Record,
        transition: &Transition,
        now: Timestamp,
    ) {
        let wrote = Wrote {
            task,
            by_clock: now,
            fence,
            doing: transition.doing(),
            from: before.state,
            to: after.state,
            fence_before: before.fence,
            quiet_before: before.quiet_until.max(before.safe_until),
        };
        if let Err(wrong) = self.history.wrote(wrote) {
            self.wrong(&wrong);
        }
        match transition {
            Transition::Freeze(plan) => self.history.plan = Some(plan.clone()),
            Transition::Replan { .. } if after.plan_version == 1 => self.hit(Rare::ReplannedOnce),
            Transition::Replan { .. } => self.hit(Rare::ReplannedTwice),
            Transition::Intent { .. } if before.state == State::Sent => self.hit(Rare::Resent),
            Transition::PayIntent { .. } if before.state == State::PaySent => self.hit(Rare::PaymentResent),
            Transition::Unsend { .. } => self.hit(Rare::Unsend),
            Transition::PayUnsend { .. } => self.hit(Rare::PaymentUnsend),
            Transition::PayRefuse { .. } => self.hit(Rare::PaymentRefused),
            Transition::MailUnsend { .. } => self.hit(Rare::MailUnsend),
            Transition::MailRecord { mail: Mail::Sent } => self.hit(Rare::Mailed),
            Transition::MailRecord { .. } => self.hit(Rare::MailRefused),
            Transition::Complete { .. } if before.mail == Some(Mail::Tried) => self.hit(Rare::MailUnclear),
            Transition::Settle => {
                let by_any_clock = timestamp(self.now + AHEAD_AT_MOST);
                let over = before.callback_due.is_some_and(|due| due <= by_any_clock);
                self.history.given_up |= over;
            }
            Transition::Review { .. } if self.history.person_meddled => {
                let shown = self.books.made.iter().any(|made| !made.marked);
                self.hit(if shown { Rare::Suspect } else { Rare::Unresolved });
            }
            Transition::Record { pay_plan, .. } => self.history.pay_plan.clone_from(pay_plan),
            Transition::PlanPayment { plan, pay_plan, .. } => {
                self.history.plan = Some(plan.clone());
                self.history.pay_plan.clone_from(pay_plan);
                self.hit(Rare::PaymentPlannedAgain);
            }
            Transition::Complete { .. } if self.key.is_retry() => self.hit(Rare::RetryDone),
            Transition::Fail { .. } if self.key.is_retry() => self.hit(Rare::RetryFailed),
            _ => {}
        }
    }

    fn promise(&mut self, task: usize, until: Timestamp) -> Option<Owed> {
        let key = self.key.clone();
        let owed = self.register.owe_callback(&key, until);
        match owed {
            Some(Owed::Yes) => {
                self.note(|| format!("{task}:   a callback is promised"));
                let Task { holds, skew, .. } = self.tasks[task];
                if !holds {
                    self.hit(Rare::PromisedByOther);
                }
                self.history.promised_by_a_late_clock |= skew < -BEHIND_WHILE_PROMISING;
            }
            Some(Owed::Done(_)) => self.hit(Rare::PromiseFoundDone),
            None => {}
        }
        owed
    }

    /// A write lands later: within seconds.
    pub(crate) fn land_later(&mut self, task: usize, request: Request) {
        let at = self.now + if self.setup.rough { 1 + self.chance.span(3000) } else { 2000 };
        self.trouble_until(at);
        self.late.push((at, task, request));
    }
}
