//! How a state is altered.

use store::record::State;

use crate::check::Check;
use crate::state::{Attempt, Change, Doing, Post, Quiet, Record, Told, World};

impl World {
    pub(crate) fn with(&self, slot: usize, attempt: Attempt) -> Self {
        let mut world = *self;
        world.attempts[slot] = Some(attempt);
        world
    }

    /// The fence rises: whoever held the record holds it no longer.
    pub(crate) fn take(&mut self, slot: usize, record: Record, delivery: bool) {
        for attempt in self.attempts.iter_mut().flatten() {
            attempt.holds = false;
        }
        let attempt = Attempt { holds: true, ..Attempt::new(Doing::Plan, record, delivery) };
        self.attempts[slot] = Some(attempt);
        (self.record, self.due) = (Some(record), true);
        // The portal chooses another company as soon as one is fixed: later makes no difference, for only a first claim reads
        // its choice.
        self.company = 1;
    }

    /// Whose the quiet period is after a write.
    pub(crate) fn quiet_is(&mut self, quiet: Quiet, change: Change, writer: usize) {
        for (slot, attempt) in self.attempts.iter_mut().enumerate() {
            if let Some(attempt) = attempt {
                let kept = attempt.quiet_is_its && change != Change::Intend;
                attempt.quiet_is_its =
                    quiet == Quiet::Running && (kept || (change == Change::Intend && slot == writer));
            }
        }
    }

    /// Forgets what makes no difference any more.
    pub(crate) fn forget(&mut self, losers_end: bool) {
        for attempt in &mut self.attempts {
            *attempt = attempt.and_then(|attempt| match attempt.doing {
                Doing::Promise => Some(attempt.promising()),
                Doing::Send | Doing::Await(_) => Some(attempt),
                _ if attempt.holds || !losers_end => Some(attempt),
                _ => attempt.delivery.then(|| attempt.promising()),
            });
        }
    }

    pub(crate) fn delete(&mut self) {
        (self.record, self.due) = (None, false);
        for attempt in self.attempts.iter_mut().flatten() {
            (attempt.holds, attempt.quiet_is_its) = (false, false);
        }
    }

    pub(crate) fn stray(&mut self, post: Post) {
        if let Some(place) = self.strays.iter_mut().find(|place| place.is_none()) {
            *place = Some(post);
        }
    }

    /// Time passes for the record and for what attempts saw of it.
    pub(crate) fn each_record(&mut self, change: impl Fn(&mut Record)) {
        self.record.iter_mut().for_each(&change);
        self.attempts.iter_mut().flatten().for_each(|attempt| change(&mut attempt.seen));
    }

    /// HubSpot is given the final answer.
    pub(crate) fn tell(&mut self, record: &Record) -> Option<Check> {
        let now = match record.state {
            State::Failed => Told::Failed,
            State::NeedsReview => Told::Review,
            _ if record.pay_refused => Told::PaymentRefused,
            _ => Told::Paid,
        };
        let differs = self.told != Told::Nothing && self.told != now;
        self.told = now;
        differs.then_some(Check::AnswersDiffer)
    }
}

impl Attempt {
    /// A promise does not ask what its maker last saw.
    fn promising(self) -> Self {
        let quiet_is_its = self.quiet_is_its;
        Self { quiet_is_its, ..Self::new(Doing::Promise, Record::claimed(0), true) }
    }

    pub(crate) fn new(doing: Doing, seen: Record, delivery: bool) -> Self {
        Self { doing, delivery, holds: false, quiet_is_its: false, intends: false, again: false, seen }
    }
}
