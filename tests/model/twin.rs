//! The model's register beside the simulation's, which passes the suite of the embedded DynamoDB: the same writes, by the
//! holder and by the one before, from every record that writes can lead to, are taken and refused alike.

use std::collections::{HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::{DocumentKind, RealmId};
use store::record::{self, Claim, Key, Nonce, Owed, Transition, Written};

use crate::register;
use crate::simulated::Register;
use crate::state::{Change, Debt, Plan, Quiet, Record, Sent};

/// One thing done to both registers; by the last who claimed, or by the one before.
#[derive(Clone, Copy, Debug)]
enum Act {
    Claim,
    Write(Change, bool),
    Promise,
    Settle(bool),
    QuietEnds,
}

const CHANGES: [Change; 9] = [
    Change::Freeze,
    Change::Intend,
    Change::Unsend,
    Change::Replan,
    Change::Record,
    Change::Complete,
    Change::RefusePayment,
    Change::Fail,
    Change::Review,
];

/// How many writes were compared, in how many situations: a record, and what its last two claimants hold. Panics where the
/// registers differ.
pub(crate) fn compare() -> (usize, usize) {
    let acts: Vec<Act> = [Act::Claim, Act::Promise, Act::QuietEnds]
        .into_iter()
        .chain([true, false].into_iter().flat_map(|last| {
            CHANGES.map(|change| Act::Write(change, last)).into_iter().chain([Act::Settle(last)])
        }))
        .collect();
    let (mut seen, mut open, mut compared) = (HashSet::new(), VecDeque::from([Vec::new()]), 0);
    while let Some(path) = open.pop_front() {
        for act in &acts {
            let mut both = Both::after(&path);
            let changed = both.act(*act);
            compared += 1;
            if changed && seen.insert(both.bits()) {
                open.push_back(path.iter().copied().chain([*act]).collect());
            }
        }
    }
    (compared, seen.len())
}

/// Both registers, and what the last two claimants hold of each.
struct Both {
    real: Register,
    now: Timestamp,
    stored: Option<Record>,
    due: bool,
    last: Option<(record::Record, Record)>,
    before: Option<(record::Record, Record)>,
}

impl Both {
    fn after(path: &[Act]) -> Self {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let mut both =
            Self { real: Register::default(), now, stored: None, due: false, last: None, before: None };
        for act in path {
            both.act(*act);
        }
        both
    }

    /// Does it to both, and compares; whether anything changed.
    fn act(&mut self, act: Act) -> bool {
        self.now += SignedDuration::from_secs(1);
        let changed = match act {
            Act::Claim => self.claim(),
            Act::Write(change, last) => self.write(change, last),
            Act::Promise => self.promise(),
            Act::Settle(last) => self.settle(last),
            Act::QuietEnds => self.quiet_ends(),
        };
        let real =
            self.real.record(&key()).map(|real| (self.seen(real), self.real.next_at(&key()).is_some()));
        assert_eq!(real, self.stored.map(|stored| (stored, self.due)), "after {act:?}");
        changed
    }

    fn claim(&mut self) -> bool {
        let claim = Claim {
            action: Some(DocumentKind::Invoice),
            realm: Some(realm()),
            ..Claim::new(key(), self.now, self.now)
        };
        let real = self.real.claim(&claim);
        match (register::claim(self.stored.as_ref(), 0), real) {
            (register::Claimed::Ours(model), record::Claimed::Ours(real)) => {
                self.before = self.last.take();
                self.last = Some((*real, model));
                (self.stored, self.due) = (Some(model), true);
                true
            }
            (register::Claimed::Done(_), record::Claimed::Done(_)) => false,
            (model, real) => panic!("claim: {model:?}, {real:?}"),
        }
    }

    fn write(&mut self, change: Change, last: bool) -> bool {
        let holder = if last { &mut self.last } else { &mut self.before };
        let (Some((held, model)), Some(stored)) = (holder, &mut self.stored) else { return false };
        // What the machine never asks for in such a state has no counterpart.
        let Some(transition) = transition(held, change, self.now) else { return false };
        if change == Change::Freeze {
            model.plan = Some(Plan { company: 0, deal: 0 });
        }
        let mut wrote = register::write(stored, model, last, change, None);
        if wrote.is_none() && change.is_final() && register::promised_since(stored, model, last) {
            wrote = register::write(stored, stored, last, change, None);
        }
        match (wrote, self.real.write(held, &transition, &Nonce::new(), self.now)) {
            (Some((record, due)), Written::Done(real)) => {
                (*stored, self.due, *held, *model) = (record, due, *real, record);
                true
            }
            (None, Written::Refused) => false,
            (model, real) => panic!("{change:?} by the last: {last}; {model:?}, {real:?}"),
        }
    }

    fn promise(&mut self) -> bool {
        let Some(stored) = &mut self.stored else { return false };
        let owed = self.real.owe_callback(&key(), self.now + SignedDuration::from_hours(6));
        match (register::promise(stored), owed) {
            (Some(record), Some(Owed::Yes)) => {
                let changed = *stored != record;
                *stored = record;
                changed
            }
            (None, Some(Owed::Done(_))) => false,
            (model, real) => panic!("promise: {model:?}, {real:?}"),
        }
    }

    fn settle(&mut self, last: bool) -> bool {
        let holder = if last { &self.last } else { &self.before };
        let (Some((held, model)), Some(stored)) = (holder, &mut self.stored) else { return false };
        let written = self.real.write(held, &Transition::Settle, &Nonce::new(), self.now);
        match (register::settle(stored, model, last, None), written) {
            (Some((record, due)), Written::Done(_)) => {
                (*stored, self.due) = (record, due);
                true
            }
            (None, Written::Refused) => false,
            (model, real) => panic!("settle by the last: {last}; {model:?}, {real:?}"),
        }
    }

    fn quiet_ends(&mut self) -> bool {
        self.now += SignedDuration::from_secs(200);
        let held = [&mut self.last, &mut self.before].into_iter().flatten().map(|(_, model)| model);
        let mut changed = false;
        for record in self.stored.iter_mut().chain(held).filter(|record| record.quiet == Quiet::Running) {
            record.quiet = Quiet::Over;
            changed = true;
        }
        changed
    }

    fn bits(&self) -> (Option<u32>, bool, [Option<u32>; 2]) {
        let held = [&self.last, &self.before].map(|held| held.as_ref().map(|(_, model)| model.bits()));
        (self.stored.map(|stored| stored.bits()), self.due, held)
    }

    /// A real record as the model sees it.
    fn seen(&self, real: &record::Record) -> Record {
        let paying = real.made_id.is_some();
        let sent_at = if paying { real.pay_first_sent_at } else { real.first_sent_at };
        Record {
            state: real.state,
            realm: 0,
            plan: real.plan.as_ref().map(|_| Plan { company: 0, deal: 0 }),
            plan_version: real.plan_version as u8,
            pay_plan: real.pay_plan.is_some(),
            pay_id: real.pay_id.is_some(),
            pay_refused: real.pay_refused.is_some(),
            made: paying,
            debt: real.callback_due.map_or(Debt::None, |_| Debt::Far),
            quiet: match real.quiet_until {
                None => Quiet::None,
                Some(until) if until < self.now => Quiet::Over,
                Some(_) => Quiet::Running,
            },
            sent: sent_at.map_or(Sent::Never, |_| Sent::Lately),
            told: real.told_at.is_some(),
        }
    }
}

fn key() -> Key {
    Key::execution(PortalId(1), "ap-1-2-3-0")
}

fn realm() -> RealmId {
    RealmId::try_from("1".to_owned()).unwrap()
}

/// As `app::effects` and `app::execution` translate it.
fn transition(held: &record::Record, change: Change, now: Timestamp) -> Option<Transition> {
    let paying = matches!(held.state, record::State::DocDone | record::State::PaySent);
    let plan = || record::Plan {
        realm: realm(),
        request_id: "hqd0".into(),
        body: "{}".into(),
        notes: serde_json::Value::Null,
        emailed: false,
    };
    let (quiet_until, trouble) = (now + SignedDuration::from_secs(180), String::new);
    Some(match change {
        Change::Freeze if !paying => Transition::Freeze(plan()),
        Change::Intend if paying => Transition::PayIntent { quiet_until },
        Change::Intend => Transition::Intent { quiet_until },
        Change::Unsend if paying => Transition::PayUnsend { trouble: trouble() },
        Change::Unsend => Transition::Unsend { trouble: trouble() },
        Change::Replan if !paying => Transition::Replan { trouble: trouble() },
        Change::Record if paying => Transition::PayRecord { id: "413".into() },
        Change::Record => {
            Transition::Record { id: "412".into(), made: serde_json::Value::Null, pay_plan: Some(plan()) }
        }
        Change::RefusePayment if paying => {
            Transition::PayRefuse { trouble: trouble(), why: "Refused.".into() }
        }
        Change::Complete => Transition::Complete { answer: "{}".into() },
        Change::Fail => Transition::Fail { answer: "{}".into(), trouble: trouble() },
        Change::Review => Transition::Review { answer: "{}".into(), trouble: trouble() },
        Change::Freeze | Change::Replan | Change::RefusePayment => return None,
    })
}
