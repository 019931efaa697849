//! The world around the machine: attempts that interleave, crash and are taken over, QuickBooks' books, HubSpot's wait, time.
//!
//! What `drive`, `deliver` and `resume` of [`app`] do between two decisions is transcribed here, one atomic step at a time; the
//! simulation of `tests/sim` runs them themselves.

use store::record::State;

use crate::check::Check;
use crate::machine::{Decided, Happened, Machine};
use crate::mutant::Mutant;
use crate::register::{self, Claimed};
use crate::state::{Attempt, Change, Debt, Doing, Packed, Plan, Record, World};
use crate::step::Step;

/// What QuickBooks makes of request ids, and what can be seen of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Semantics {
    /// A second POST with the same id is given the first answer, and nothing else happens.
    Honoured,
    /// Honoured, but only what was made is remembered: after a 400 the same id is a new request.
    Forgetful,
    /// Request ids are ignored: every POST has its own effect.
    Ignored,
    /// Honoured, but the search for the marker finds nothing: one defence alone.
    Blind,
}

impl Semantics {
    pub(crate) const ALL: [Self; 4] = [Self::Honoured, Self::Forgetful, Self::Ignored, Self::Blind];
}

/// How much may happen in one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// HubSpot's deliveries, the first included.
    pub(crate) deliveries: u8,
    /// Attempts alive at once, up to [`crate::state::SLOTS`].
    pub(crate) attempts: usize,
    /// Attempts that end between two steps.
    pub(crate) crashes: u8,
    /// Faults of a message, to QuickBooks, HubSpot or the table.
    pub(crate) faults: u8,
    /// An attempt that lost the record ends at once instead of going on until its next write is refused. The register
    /// refuses whatever it writes, so that the rest of its way changes nothing that is checked: far fewer states.
    pub(crate) losers_end: bool,
}

/// One step to another state.
pub(crate) struct Edge {
    pub(crate) to: Packed,
    pub(crate) step: Step,
    /// A rule that the step itself breaks.
    pub(crate) broken: Option<Check>,
}

/// All steps from a state.
pub(crate) struct Steps {
    pub(crate) machine: Machine,
    pub(crate) edges: Vec<Edge>,
    pub(crate) semantics: Semantics,
    pub(crate) bounds: Bounds,
    pub(crate) mutant: Option<Mutant>,
}

impl Steps {
    pub(crate) fn new(semantics: Semantics, bounds: Bounds, mutant: Option<Mutant>) -> Self {
        Self { machine: Machine::new(mutant), edges: Vec::new(), semantics, bounds, mutant }
    }

    /// Fills [`Steps::edges`] with what can happen next.
    pub(crate) fn from(&mut self, world: &World) {
        self.edges.clear();
        self.arrivals(world);
        for (slot, attempt) in world.attempts.iter().enumerate() {
            if let Some(attempt) = attempt {
                self.attempt(world, slot, attempt);
                self.crash(world, slot, attempt);
            }
        }
        self.strays(world);
        self.time(world);
        self.people(world);
    }

    pub(crate) fn emit(&mut self, world: &World, step: Step, broken: Option<Check>) {
        let mut world = *world;
        let unfenced = matches!(self.mutant, Some(Mutant::LikePowertools | Mutant::NoFence));
        world.forget(self.bounds.losers_end && !unfenced);
        self.edges.push(Edge { to: world.pack(), step, broken });
    }

    /// HubSpot delivers, or the reconciler finds it due.
    fn arrivals(&mut self, world: &World) {
        let alive = world.attempts.iter().flatten().count();
        let Some(slot) = world.attempts.iter().position(Option::is_none) else { return };
        if alive == self.bounds.attempts {
            return;
        }
        if world.deliveries < self.bounds.deliveries {
            let world = World { deliveries: world.deliveries + 1, ..*world };
            self.claim(&world, slot, true);
        }
        if world.due {
            self.claim(world, slot, false);
        }
    }

    fn claim(&mut self, world: &World, slot: usize, delivery: bool) {
        let step = if delivery { Step::Deliver } else { Step::Resume };
        match register::claim(world.record.as_ref(), world.company) {
            Claimed::Ours(record) => {
                let mut world = *world;
                assert!(
                    world.record.is_none()
                        || register::claim(world.record.as_ref(), 1) == Claimed::Ours(record),
                    "a later claim reads the portal's choice"
                );
                world.take(slot, record, delivery);
                let (after, broken) = self.go(&world, slot, Happened::Claimed);
                self.emit(&after, step, broken);
                if world.faults < self.bounds.faults {
                    let mut world = World { faults: world.faults + 1, ..world };
                    world.attempts[slot] = None;
                    self.emit(&world, Step::ClaimReplyLost, None);
                }
            }
            // HubSpot's answer is the stored one.
            Claimed::Done(record) if delivery => {
                let mut world = *world;
                let broken = world.tell(&record);
                self.emit(&world, Step::DeliverDone, broken);
            }
            Claimed::Done(record) => {
                let mut world = *world;
                if record.debt.is_owed() {
                    let attempt = Attempt::new(Doing::CallBack, record, false);
                    world.attempts[slot] = Some(Attempt { holds: true, ..attempt });
                    self.emit(&world, Step::ResumeDone, None);
                }
            }
        }
        // The lease may as well not be over. The reconciler then ends; a delivery promises to call back.
        if let Some(record) = world.record.filter(|record| delivery && !record.state.is_terminal()) {
            let mut world = *world;
            world.attempts[slot] = Some(Attempt::new(Doing::Promise, record, true));
            self.emit(&world, Step::DeliverBusy, None);
        }
    }

    /// Something happened to an attempt: the machine decides what it does next.
    pub(crate) fn go(&mut self, world: &World, slot: usize, happened: Happened) -> (World, Option<Check>) {
        let mut world = *world;
        let Some(mut attempt) = world.attempts[slot] else { return (world, None) };
        if self.mutant == Some(Mutant::LikePowertools) && happened == Happened::Unknown {
            world.delete();
        }
        let sent = !matches!(attempt.seen.state, State::Claimed | State::Planned);
        let may_tell = sent && !matches!(happened, Happened::Lost | Happened::StoreDown);
        let doing = match self.machine.next(&attempt.seen, happened) {
            Decided::Plan => Doing::Plan,
            Decided::Write(change) => Doing::Write(change),
            Decided::Send => Doing::Send,
            Decided::Look => Doing::Look,
            Decided::Done if attempt.delivery => {
                world.attempts[slot] = None;
                let broken = world.tell(&attempt.seen);
                return (world, broken);
            }
            Decided::Later if attempt.delivery => Doing::Promise,
            // `resume` and `tell`: HubSpot is called back when it is done, or about what was sent when the wait nearly ends;
            // not when the record may have changed unseen.
            Decided::Done if attempt.seen.debt.is_owed() => Doing::CallBack,
            Decided::Later if attempt.seen.debt == Debt::Near && may_tell => Doing::CallBack,
            Decided::Done | Decided::Later => {
                world.attempts[slot] = None;
                return (world, None);
            }
        };
        attempt.doing = doing;
        attempt.again = false;
        world.attempts[slot] = Some(attempt);
        (world, None)
    }

    /// Goes on, and that is the whole step.
    pub(crate) fn then(&mut self, world: &World, slot: usize, happened: Happened, step: Step) {
        let (after, broken) = self.go(world, slot, happened);
        self.emit(&after, step, broken);
    }

    /// The world with one message fault more, if there may be one.
    pub(crate) fn fault(&self, world: &World) -> Option<World> {
        (world.faults < self.bounds.faults).then_some(World { faults: world.faults + 1, ..*world })
    }

    fn attempt(&mut self, world: &World, slot: usize, attempt: &Attempt) {
        match attempt.doing {
            Doing::Plan => self.plan(world, slot, attempt),
            Doing::Write(change) => self.write(world, slot, attempt, change),
            Doing::Send => self.send(world, slot, attempt),
            Doing::Await(company) => self.wait(world, slot, attempt, company),
            Doing::Receive(answer) => self.receive(world, slot, answer),
            Doing::Look => self.look(world, slot, attempt),
            Doing::Judge { found } => {
                let happened = if found { Happened::Found } else { Happened::Absent };
                self.then(world, slot, happened, Step::Judge);
            }
            Doing::Promise => self.promise(world, slot),
            Doing::CallBack => self.call_back(world, slot, attempt),
            Doing::Settle => self.settle(world, slot, attempt),
        }
    }

    fn plan(&mut self, world: &World, slot: usize, attempt: &Attempt) {
        let plan = Some(Plan { company: attempt.seen.realm, deal: world.deal });
        let planned = world.with(slot, Attempt { seen: Record { plan, ..attempt.seen }, ..*attempt });
        self.then(&planned, slot, Happened::Planned, Step::Plan);
        self.then(world, slot, Happened::NotPossible, Step::NotPossible);
        self.then(world, slot, Happened::TimeUp, Step::TimeUp);
    }

    fn write(&mut self, world: &World, slot: usize, attempt: &Attempt, change: Change) {
        if change == Change::Intend {
            self.then(world, slot, Happened::TimeUp, Step::TimeUp);
        }
        let Some(stored) = world.record else {
            self.then(world, slot, Happened::StoreDown, Step::WriteRefused);
            return;
        };
        if let Some(world) = self.fault(world) {
            self.then(&world, slot, Happened::StoreDown, Step::WriteLost);
        }
        let written = register::write(&stored, &attempt.seen, attempt.holds, change, self.mutant);
        let Some((record, due)) = written else {
            let since = register::promised_since(&stored, &attempt.seen, attempt.holds);
            if change.is_final() && !attempt.again && since {
                let world = world.with(slot, Attempt { seen: stored, again: true, ..*attempt });
                self.emit(&world, Step::WriteAgain, None);
            } else {
                self.then(world, slot, Happened::Lost, Step::WriteRefused);
            }
            return;
        };
        let mut world = World { record: Some(record), due, ..*world };
        world.quiet_is(record.quiet, change, slot);
        if let Some(world) = self.fault(&world) {
            self.then(&world, slot, Happened::StoreDown, Step::WriteReplyLost);
        }
        if let Some(attempt) = &mut world.attempts[slot] {
            attempt.seen = record;
            attempt.intends = change == Change::Intend;
        }
        self.then(&world, slot, Happened::Wrote(change), Step::written(change));
    }

    fn look(&mut self, world: &World, slot: usize, attempt: &Attempt) {
        self.then(world, slot, Happened::TimeUp, Step::TimeUp);
        self.then(world, slot, Happened::NotSeen, Step::NotSeen);
        let there = if attempt.pays() {
            world.payment
        } else {
            world.document.is_some() && world.document == attempt.seen.plan.map(|plan| plan.company)
        };
        let found = there && self.semantics != Semantics::Blind;
        if found {
            // Somebody has made a copy of it.
            self.then(world, slot, Happened::Several, Step::LookSeveral);
        } else {
            // Somebody has booked the same by hand.
            self.then(world, slot, Happened::Suspect, Step::LookSuspect);
        }
        let step = if found { Step::LookFound } else { Step::LookAbsent };
        if self.mutant == Some(Mutant::ClockReadAfterLook) {
            let world = world.with(slot, Attempt { doing: Doing::Judge { found }, ..*attempt });
            return self.emit(&world, step, None);
        }
        // The clock is read before the books are.
        let happened = if found { Happened::Found } else { Happened::Absent };
        self.then(world, slot, happened, step);
    }

    /// An attempt ends between two steps; what it sent lives on.
    fn crash(&mut self, world: &World, slot: usize, attempt: &Attempt) {
        if world.crashes == self.bounds.crashes {
            return;
        }
        let mut world = World { crashes: world.crashes + 1, ..*world };
        world.attempts[slot] = None;
        if let Doing::Await(company) = attempt.doing {
            world.stray(self.post(attempt, company));
        }
        self.emit(&world, Step::Crash, None);
    }
}
