//! HubSpot's wait and what is promised for it; time; people.

use crate::mutant::Mutant;
use crate::register;
use crate::state::{Attempt, Debt, Doing, Quiet, Record, STRAYS, Sent, World};
use crate::step::Step;
use crate::world::Steps;

impl Steps {
    /// HubSpot is told to wait, if it can be called back, and after that was written down.
    pub(crate) fn promise(&mut self, world: &World, slot: usize) {
        let mut world = *world;
        world.attempts[slot] = None;
        self.emit(&world, Step::CannotBlock, None);
        let Some(stored) = world.record else { return };
        match register::promise(&stored) {
            None => {
                let broken = world.tell(&stored);
                self.emit(&world, Step::PromiseDone, broken);
            }
            Some(_) if self.mutant == Some(Mutant::BlockWithoutPromise) => {
                self.emit(&World { waits: true, ..world }, Step::Promise, None);
            }
            Some(record) => {
                let world = World { record: Some(record), ..world };
                self.emit(&World { waits: true, ..world }, Step::Promise, None);
                if let Some(world) = self.fault(&world) {
                    self.emit(&world, Step::PromiseReplyLost, None);
                }
            }
        }
    }

    pub(crate) fn call_back(&mut self, world: &World, slot: usize, attempt: &Attempt) {
        // Of an unfinished record HubSpot is told that a person must look: not the stored answer (rulings.md 4). `Tell` is
        // written before, in the same step here: whoever lost the record tells nothing.
        let terminal = attempt.seen.state.is_terminal();
        let (mut world, mut attempt) = (*world, *attempt);
        if !terminal {
            if !attempt.holds {
                world.attempts[slot] = None;
                self.emit(&world, Step::CallBackRefused, None);
                return;
            }
            attempt.seen.told = true;
            world.record = world.record.map(|record| Record { told: true, ..record });
        }
        let (world, attempt) = (&world, &attempt);
        let mut heard = World { waits: false, ..*world };
        let broken = if terminal { heard.tell(&attempt.seen) } else { None };
        self.emit(&heard.with(slot, Attempt { doing: Doing::Settle, ..*attempt }), Step::CallBack, broken);
        let lost = [(*world, Step::CallBackLost, None), (heard, Step::CallBackReplyLost, broken)];
        for (world, step, broken) in lost {
            if let Some(mut world) = self.fault(&world) {
                world.attempts[slot] = None;
                self.emit(&world, step, broken);
            }
        }
    }

    pub(crate) fn settle(&mut self, world: &World, slot: usize, attempt: &Attempt) {
        let mut world = *world;
        world.attempts[slot] = None;
        if let Some(world) = self.fault(&world) {
            self.emit(&world, Step::SettleLost, None);
        }
        match world
            .record
            .and_then(|stored| register::settle(&stored, &attempt.seen, attempt.holds, self.mutant))
        {
            Some((record, due)) => {
                self.emit(&World { record: Some(record), due, ..world }, Step::Settle, None)
            }
            None => self.emit(&world, Step::SettleRefused, None),
        }
    }

    pub(crate) fn time(&mut self, world: &World) {
        let Some(record) = world.record else { return };
        let sends = |attempt: &Attempt| matches!(attempt.doing, Doing::Await(_));
        let under_way = world.strays != [None; STRAYS] || world.attempts.iter().flatten().any(sends);
        // A2 and A3: the invocation that wrote the intent is over, and nothing of it is under way.
        if record.quiet == Quiet::Running && !under_way {
            let mut world = *world;
            for attempt in &mut world.attempts {
                *attempt = attempt.filter(|attempt| !attempt.quiet_is_its);
            }
            world.each_record(|record| {
                if record.quiet == Quiet::Running {
                    record.quiet = Quiet::Over;
                }
            });
            self.emit(&world, Step::QuietEnds, None);
        }
        // A send may have begun shortly before the wait ends; a week is longer than any.
        let calm = !under_way && record.quiet != Quiet::Running;
        if record.debt == Debt::Far {
            let mut world = *world;
            // Nobody lives as long as a promise stands: whoever saw the record before it is over (A2).
            let lives = |attempt: &Attempt| attempt.doing == Doing::Promise || attempt.seen.debt == Debt::Far;
            world.attempts = world.attempts.map(|attempt| attempt.filter(lives));
            world.each_record(|record| record.debt = Debt::Near);
            self.emit(&world, Step::WaitNearlyOver, None);
        }
        if record.debt == Debt::None && !record.state.is_terminal() {
            let mut world = *world;
            world.each_record(|record| record.debt = Debt::TooLate);
            self.emit(&world, Step::HubSpotGivesUp, None);
        }
        if calm && record.sent == Sent::Lately && !record.state.is_terminal() {
            let mut world = *world;
            world.each_record(|record| record.sent = Sent::LongAgo);
            self.emit(&world, Step::WeekPasses, None);
        }
    }

    pub(crate) fn people(&mut self, world: &World) {
        // Before it is read next: earlier makes no difference.
        let is_read = |attempt: &Attempt| match attempt.doing {
            Doing::Plan => true,
            Doing::Send => self.mutant == Some(Mutant::DealReadAnew),
            _ => false,
        };
        if world.deal == 0 && world.attempts.iter().flatten().any(is_read) {
            self.emit(&World { deal: 1, ..*world }, Step::DealEdited, None);
        }
        if self.mutant == Some(Mutant::RecordExpires) && world.record.is_some() {
            let mut world = *world;
            world.delete();
            self.emit(&world, Step::RecordExpires, None);
        }
    }
}
