//! Everything outside an attempt: time, the record, the books, HubSpot, and chance. One lock guards it, and only one attempt
//! runs at any moment.

use jiff::Timestamp;
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use simulators::chance::Chance;
use store::record::{Key, Record, State};

use crate::books::Books;
use crate::fault::{Call, Fault};
use crate::history::History;
use crate::mutant::Mutant;
use crate::rare::Rare;
use crate::redelivery::Retries;
use crate::register::Register;
use crate::restore::Snapshot;
use crate::retry::Retry;
use crate::setup::{Happening, Setup};
use crate::table::Request;

/// When every run begins: 2026-03-02T09:00:00Z, in milliseconds.
const BEGINNING: i64 = 1_772_442_000_000;

/// A clock may be ahead by less than the quiet period's margin of 60 s, and behind by any time (reliability.md §c.3).
pub(crate) const AHEAD_AT_MOST: i64 = 55_000;

/// What was not found out in this time, in milliseconds, is for a person (reliability.md §c.2).
const GIVEN_UP_AFTER: i64 = 7 * 24 * 3_600_000;

/// To what time before a run the table is restored, in milliseconds.
const RESTORED_TO: i64 = 3_600_000;

/// Who sent what was sent before a run.
pub(crate) const NOBODY: usize = usize::MAX;

/// One attempt, as the world sees it.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) wakes: i64,
    pub(crate) alive: bool,
    pub(crate) delivers: bool,
    /// Its process is dead then (A2).
    pub(crate) ends: i64,
    pub(crate) began: i64,
    /// Its clock's error.
    pub(crate) skew: i64,
    /// It has held the record.
    pub(crate) holds: bool,
    /// It began before the table was restored, and works on the old one.
    pub(crate) before_restore: bool,
}

/// The deal, and the settings around it.
#[derive(Clone, Debug)]
pub(crate) struct Portal {
    pub(crate) deal: u64,
    pub(crate) code: u64,
    pub(crate) default_realm: usize,
    pub(crate) linked: [bool; 2],
}

pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) now: i64,
    pub(crate) chance: Chance,
    pub(crate) key: Key,
    pub(crate) realms: [RealmId; 2],
    pub(crate) register: Register,
    /// What the table was at each write, if it will be restored; and the one that it was restored from.
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) old_table: Option<Register>,
    /// Safe mode, and since when the books are searched.
    pub(crate) safe_since: Option<i64>,
    pub(crate) books: Books,
    pub(crate) portal: Portal,
    /// HubSpot's own.
    pub(crate) retries: Retries,
    pub(crate) tasks: Vec<Task>,
    /// Writes that land later, and whose they are.
    pub(crate) late: Vec<(i64, usize, Request)>,
    pub(crate) history: History,
    pub(crate) rare: Vec<Rare>,
    /// How many calls were made.
    pub(crate) calls: usize,
    /// Which, and by which attempt; kept in scripted runs only.
    pub(crate) made_calls: Vec<(Call, usize)>,
    /// The numbers of the calls that met a fault.
    pub(crate) met: Vec<usize>,
    /// When the last fault ended.
    pub(crate) calm_since: i64,
    pub(crate) trace: Vec<String>,
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let realm = |id: &str| RealmId::try_from(id.to_owned()).unwrap();
        let ends = |down: Option<(i64, i64)>| down.map_or(0, |(_, end)| end);
        let given_up = setup.first_round > GIVEN_UP_AFTER || setup.restored.is_some();
        let mut world = Self {
            now: 0,
            chance: Chance::new(setup.seed),
            key: Key::execution(PortalId(1), "ap-1-2-3-0"),
            realms: [realm("9341450000000001"), realm("9341450000000002")],
            register: Register::default(),
            snapshots: Vec::new(),
            old_table: None,
            safe_since: setup.restored.map(|_| -RESTORED_TO),
            retries: Retries::default(),
            books: Books::new(setup.request_ids, setup.lag),
            portal: Portal { deal: 1, code: 1, default_realm: 0, linked: [true, true] },
            tasks: Vec::new(),
            late: Vec::new(),
            history: History {
                person_meddled: given_up,
                restored: setup.restored.is_some(),
                retries_payment: setup.retry == Some(Retry::Payment),
                previews: setup.preview,
                ..History::default()
            },
            rare: Vec::new(),
            calls: 0,
            made_calls: Vec::new(),
            met: Vec::new(),
            calm_since: ends(setup.books_down).max(ends(setup.hubspot_down)),
            trace: Vec::new(),
            setup,
        };
        if let Some(restored) = world.setup.restored {
            world.remember_only_in_the_books(restored);
        }
        if let Some(retry) = world.setup.retry {
            world.begin_as_retry(retry);
        }
        world
    }

    pub(crate) fn hit(&mut self, rare: Rare) {
        self.rare.push(rare);
        self.note(|| format!("  ~ {rare:?}"));
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if self.setup.trace {
            let (minutes, rest) = (self.now / 60_000, self.now % 60_000);
            self.trace.push(format!("{minutes:>4}:{:02}.{:03} {}", rest / 1000, rest % 1000, line()));
        }
    }

    pub(crate) fn wrong(&mut self, what: &str) {
        self.note(|| format!("  ! {what}"));
        self.history.wrong.push(what.to_owned());
    }

    /// The record; none before the first claim.
    pub(crate) fn record(&self) -> Option<&Record> {
        self.register.record(&self.key)
    }

    /// A moment as an attempt's own clock shows it.
    pub(crate) fn clock(&self, task: usize) -> Timestamp {
        timestamp(self.now + self.tasks[task].skew)
    }

    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.setup.mutant == Some(mutant)
    }

    pub(crate) fn is_down(&self, call: Call) -> bool {
        let down = match call {
            Call::Find | Call::Look | Call::Document | Call::Payment | Call::Mail => self.setup.books_down,
            Call::Deal | Call::Callback => self.setup.hubspot_down,
            _ => None,
        };
        down.is_some_and(|(from, to)| (from..to).contains(&self.now))
    }

    /// A call begins: when it has come through, and what befalls it.
    pub(crate) fn begin(&mut self, task: usize, call: Call) -> (i64, Option<Fault>) {
        let number = self.calls;
        self.calls += 1;
        if !self.setup.rough {
            self.made_calls.push((call, task));
        }
        let mut fault = self.setup.faults.pick(call, number, &mut self.chance);
        if fault.is_none() && self.is_down(call) {
            fault = Some(if matches!(call, Call::Document | Call::Payment) {
                self.chance.pick(&[Fault::NotConnected, Fault::Unavailable, Fault::ServerBefore])
            } else {
                Fault::Unavailable
            });
        }
        if let Some(fault) = fault {
            self.met.push(number);
            self.trouble_until(self.now);
            self.note(|| format!("{task}: #{number} {call:?} meets {fault:?}"));
        } else {
            self.note(|| format!("{task}: #{number} {call:?}"));
        }
        let takes = if fault == Some(Fault::Stall) {
            let left = (self.tasks[task].ends - self.now).max(1);
            let takes = if self.setup.rough { self.chance.span(left * 5 / 4) } else { left - 1000 };
            self.trouble_until(self.now + takes);
            takes
        } else {
            self.latency()
        };
        (self.now + takes, fault)
    }

    /// A fault is at work until then.
    pub(crate) fn trouble_until(&mut self, at: i64) {
        self.calm_since = self.calm_since.max(at);
        self.history.calm_rounds = 0;
    }

    /// How long a call or its reply is under way, in milliseconds.
    pub(crate) fn latency(&mut self) -> i64 {
        if !self.setup.rough {
            return 20;
        }
        match self.chance.below(40) {
            0 => self.chance.span(9000),
            1..=4 => self.chance.span(1500),
            _ => 1 + self.chance.span(120),
        }
    }

    pub(crate) fn kill(&mut self, task: usize) {
        self.tasks[task].alive = false;
        self.trouble_until(self.now);
        self.note(|| format!("{task}: dies"));
        if !matches!(self.key, Key::Execution { .. }) {
            self.deliver_again(task);
        } else if self.tasks[task].delivers {
            self.deliver_again_later();
        }
    }

    /// Something happens beside all attempts; deliveries and rounds are not this one's business.
    pub(crate) fn happen(&mut self, happening: Happening) {
        let unfinished = self.record().filter(|record| !record.state.is_terminal());
        let frozen = unfinished.map(|record| record.plan.is_some() || record.state != State::Claimed);
        let rare = |before, after| frozen.map(|frozen| if frozen { after } else { before });
        let rare = match happening {
            Happening::EditDeal => rare(Rare::DealEditedBefore, Rare::DealEditedAfter),
            Happening::SwitchCompany => rare(Rare::CompanySwitchedBefore, Rare::CompanySwitchedAfter),
            Happening::Deploy => rare(Rare::DeployedBetween, Rare::DeployedBetween),
            Happening::Disconnect => frozen.filter(|frozen| *frozen).map(|_| Rare::Disconnected),
            _ => None,
        };
        self.note(|| format!("{happening:?}"));
        match happening {
            Happening::EditDeal => self.portal.deal += 1,
            Happening::SwitchCompany => self.portal.default_realm = 1 - self.portal.default_realm,
            Happening::Deploy => self.portal.code += 1,
            Happening::Disconnect => self.portal.linked[0] = false,
            Happening::Reconnect => {
                self.portal.linked[0] = true;
                self.trouble_until(self.now);
            }
            Happening::RemoveMarker => {
                self.books.made.iter_mut().for_each(|made| made.marked = false);
                self.history.person_meddled = true;
            }
            Happening::MoveClocks => self.move_clocks(),
            Happening::Restore => self.restore(),
            Happening::Delivery | Happening::Redelivery | Happening::Round => {}
        }
        if let Some(rare) = rare {
            self.hit(rare);
        }
    }

    fn move_clocks(&mut self) {
        for index in 0..self.tasks.len() {
            self.tasks[index].skew = self.skew();
        }
        self.trouble_until(self.now);
    }

    /// How far a clock may be off.
    pub(crate) fn skew(&mut self) -> i64 {
        if !self.setup.clocks_differ {
            return 0;
        }
        // Safe mode waits by the clock of whoever claims first, with 2 minutes to spare (rulings.md 17).
        let most = if self.setup.restored.is_some() || self.setup.restores { 3 } else { 4 };
        match self.chance.below(2 + most) {
            0 | 1 => self.chance.span(AHEAD_AT_MOST),
            2 => -self.chance.span(AHEAD_AT_MOST),
            5 => -self.chance.span(600_000),
            _ => 0,
        }
    }
}

/// A moment of a run as a timestamp.
pub(crate) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(BEGINNING + millis).unwrap()
}
