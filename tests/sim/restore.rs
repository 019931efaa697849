//! The table is restored to an earlier moment of a run: what was written since is forgotten, what was sent is not, and those
//! who work on the old table go on with it for as long as their processes live (reliability.md §c.8, rulings.md 17).

use store::record::{Record, State};

use crate::attempt::ROUND_LIMIT;
use crate::history::Answered;
use crate::rare::Rare;
use crate::register::Register;
use crate::vendors::EFFECT_WITHIN;
use crate::world::World;

/// The table as it was at a moment.
pub(crate) struct Snapshot {
    at: i64,
    register: Register,
}

impl World {
    /// The table that a task works on.
    pub(crate) fn table(&mut self, task: usize) -> &mut Register {
        match &mut self.old_table {
            Some(old) if self.tasks[task].before_restore => old,
            _ => &mut self.register,
        }
    }

    /// The record as a task finds it.
    pub(crate) fn stored(&mut self, task: usize) -> Option<Record> {
        let key = self.key.clone();
        self.table(task).record(&key).cloned()
    }

    /// Something may have been written.
    pub(crate) fn remember_table(&mut self) {
        if self.setup.restores && self.old_table.is_none() {
            let (at, register) = (self.now, self.register.clone());
            self.snapshots.push(Snapshot { at, register });
        }
    }

    /// From here on, the table as it was at a moment by chance; before the first write too.
    pub(crate) fn restore(&mut self) {
        let chosen = self.chance.below(self.snapshots.len() as u64 + 1);
        let until = self.snapshots.get(usize::try_from(chosen).unwrap()).map_or(self.now, |next| next.at);
        let snapshot = usize::try_from(chosen).unwrap().checked_sub(1).map(|index| &self.snapshots[index]);
        let (from, register) =
            snapshot.map_or((until - 1, Register::default()), |known| (known.at, known.register.clone()));
        let restored_to = from + self.chance.span(until - from);
        self.old_table = Some(std::mem::replace(&mut self.register, register));
        self.safe_since = Some(restored_to);
        for task in 0..self.tasks.len() {
            self.tasks[task].before_restore = true;
            if self.tasks[task].alive && self.chance.one_in(2) {
                self.kill(task);
            }
        }
        self.trouble_until(self.now + ROUND_LIMIT + EFFECT_WITHIN);
        self.forget_since();
    }

    /// What the checks may still ask of the record.
    fn forget_since(&mut self) {
        let record = self.record().cloned();
        let state = record.as_ref().map(|record| record.state);
        self.note(|| format!("  the table is as it was, {state:?}"));
        self.hit(match state {
            None => Rare::RestoredToNone,
            Some(State::Claimed) => Rare::RestoredToClaimed,
            Some(State::Planned) => Rare::RestoredToPlanned,
            Some(State::Sent) => Rare::RestoredToSent,
            Some(State::DocDone) => Rare::RestoredToDocDone,
            Some(State::PaySent) => Rare::RestoredToPaySent,
            Some(_) => Rare::RestoredToTheEnd,
        });
        let history = &mut self.history;
        history.fence = record.as_ref().map_or(0, |record| record.fence);
        history.plan = record.as_ref().and_then(|record| record.plan.clone());
        history.pay_plan = record.as_ref().and_then(|record| record.pay_plan.clone());
        history.last_write = None;
        history.restored = true;
        history.person_meddled = true;
        // With the record its promise is gone, and nobody knows that HubSpot waits.
        history.promise_forgotten |= record.is_none();
        let said = std::mem::take(&mut history.answers).into_iter().filter_map(|answer| match answer {
            Answered::Stored(answer) => Some(answer),
            Answered::Wait | Answered::Again => None,
        });
        history.before.extend(said.chain(history.heard.take()));
    }
}
