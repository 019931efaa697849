//! The third model: every state that the mail of one document can get into, with [`app::protocol::next`] itself as what each
//! attempt does (rulings.md 10). The first model ends where a document and its payment exist; this one begins there.
//!
//! Attempts that take each other over at any moment, crashes, lost and late messages, and HubSpot told meanwhile that a
//! person must look. In every state the rules of [`Rule`] hold, and from each a run without faults reaches the answer; and
//! each seeded mistake of [`Variant`] breaks the rule that it must.

use std::collections::{BTreeSet, HashMap, VecDeque};

use app::failure::Trouble;
use app::protocol::{self, Change, Command, Event, Outcome};
use store::record::{self, State};

use crate::machine;
use crate::state;

/// Attempts at once; claims beside those of a reconciler that finds nobody at work; crashes; faults of a message.
const ATTEMPTS: usize = 3;
const CLAIMS: u8 = 4;
const CRASHES: u8 = 2;
const FAULTS: u8 = 2;

/// The protocol, or a way to get it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    Right,
    /// The mark is not stored.
    NoMark,
    /// Writes carry no fence, and the mark is written over.
    NoFence,
    /// No clear answer is taken for "not mailed".
    UnclearNotMailed,
    /// No clear answer is taken for "mailed".
    UnclearMailed,
}

/// What must hold in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// A document is mailed once at most.
    MailedTwice,
    /// Nobody is told that it was mailed when it was not.
    ToldMailed,
    /// Nobody is told that it was not mailed when it was.
    ToldNotMailed,
    /// A run without faults leads to an answer.
    DeadEnd,
}

/// Each variant, and what it breaks.
const VERDICTS: [(Variant, Option<Rule>); 5] = [
    (Variant::Right, None),
    (Variant::NoMark, Some(Rule::MailedTwice)),
    (Variant::NoFence, Some(Rule::MailedTwice)),
    (Variant::UnclearNotMailed, Some(Rule::MailedTwice)),
    (Variant::UnclearMailed, Some(Rule::ToldMailed)),
];

/// Steps that only a fault, an outage or a person takes.
const UNFAIR: [&str; 9] = [
    "claim",
    "time up",
    "write lost",
    "reply lost",
    "not sent",
    "not connected",
    "crash",
    "told",
    "no reply",
];

/// `mail`, as stored, as seen, or in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Mail {
    None,
    Tried,
    Sent,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Write {
    Intend,
    Unsend,
    Record(Mail),
    Complete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Reply {
    Mailed,
    Refused,
    Throttled,
}

/// What an attempt does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Doing {
    Write(Write),
    Ask,
    Await,
    Receive(Reply),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Attempt {
    doing: Doing,
    /// Its fence is the record's.
    holds: bool,
    /// The mark and the telling as it last saw them.
    seen: Mail,
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct World {
    mark: Mail,
    told: bool,
    answer: Option<Mail>,
    attempts: [Option<Attempt>; ATTEMPTS],
    mails: u8,
    /// Requests whose sender is gone, and that may still take effect.
    strays: u8,
    claims: u8,
    crashes: u8,
    faults: u8,
}

/// Explores all variants; whether each verdict is as it must be.
pub(crate) fn prove() -> bool {
    println!(
        "model: the mail of a document, {ATTEMPTS} attempts at once, {CRASHES} crashes, {FAULTS} message faults, a person told"
    );
    let mut sound = true;
    for (variant, expected) in VERDICTS {
        let found = explore(variant);
        let right = match expected {
            None => found.broken.is_empty(),
            Some(rule) => found.broken.contains(&rule),
        };
        println!(
            "  {variant:?}: {} states, {} transitions, {} kinds of steps; broken: {:?}{}",
            found.states,
            found.transitions,
            found.taken.len(),
            found.broken,
            if right { "" } else { " — NOT as it must be" }
        );
        sound &= right;
    }
    sound
}

struct Found {
    states: usize,
    transitions: usize,
    taken: BTreeSet<&'static str>,
    broken: Vec<Rule>,
}

/// Breadth first over all states, each once; then, backwards, from which of them an answer can be reached.
fn explore(variant: Variant) -> Found {
    let mut known = HashMap::from([(World::START, 0)]);
    let (mut worlds, mut from) = (vec![World::START], vec![Vec::new()]);
    let (mut open, mut transitions) = (VecDeque::from([0]), 0);
    let (mut taken, mut broken) = (BTreeSet::new(), Vec::new());
    while let Some(at) = open.pop_front() {
        let world: World = worlds[at];
        broken.extend(world.broken());
        for (step, next) in world.steps(variant) {
            transitions += 1;
            taken.insert(step);
            let next = next.ordered();
            let to = *known.entry(next).or_insert_with(|| {
                worlds.push(next);
                from.push(Vec::new());
                open.push_back(worlds.len() - 1);
                worlds.len() - 1
            });
            if !UNFAIR.contains(&step) {
                from[to].push(at);
            }
        }
    }
    let mut good: Vec<bool> = worlds.iter().map(|world| world.answer.is_some()).collect();
    let mut open: Vec<usize> = (0..worlds.len()).filter(|at| good[*at]).collect();
    while let Some(at) = open.pop() {
        for before in &from[at] {
            if !good[*before] {
                good[*before] = true;
                open.push(*before);
            }
        }
    }
    broken.extend(good.contains(&false).then_some(Rule::DeadEnd));
    broken.sort_by_key(|rule| *rule as u8);
    broken.dedup();
    Found { states: worlds.len(), transitions, taken, broken }
}

impl World {
    /// The document is there, its payment is recorded, and nobody is at work.
    const START: Self = Self {
        mark: Mail::None,
        told: false,
        answer: None,
        attempts: [None; ATTEMPTS],
        mails: 0,
        strays: 0,
        claims: 0,
        crashes: 0,
        faults: 0,
    };

    fn broken(&self) -> impl Iterator<Item = Rule> {
        let told_mailed = self.answer == Some(Mail::Sent) && self.mails == 0;
        let told_not = matches!(self.answer, Some(Mail::None | Mail::Failed)) && self.mails > 0;
        let rules = [
            (Rule::MailedTwice, self.mails > 1),
            (Rule::ToldMailed, told_mailed),
            (Rule::ToldNotMailed, told_not),
        ];
        rules.into_iter().filter_map(|(rule, broken)| broken.then_some(rule))
    }

    /// Which attempt is which makes no difference, nor how often more than twice it was mailed.
    fn ordered(mut self) -> Self {
        self.attempts.sort_unstable();
        self.mails = self.mails.min(2);
        self
    }

    fn steps(&self, variant: Variant) -> Vec<(&'static str, Self)> {
        let mut steps = Vec::new();
        self.claim(&mut steps);
        for (slot, attempt) in self.attempts.iter().enumerate() {
            let Some(attempt) = attempt else { continue };
            match attempt.doing {
                Doing::Write(write) => self.write(slot, attempt, write, variant, &mut steps),
                Doing::Ask => self.ask(slot, attempt, &mut steps),
                Doing::Await => self.wait(slot, attempt, variant, &mut steps),
                Doing::Receive(reply) => self.receive(slot, attempt, reply, variant, &mut steps),
            }
            if self.crashes < CRASHES {
                // What it asked for lives on.
                let strays = self.strays + u8::from(attempt.doing == Doing::Await);
                let world = Self { crashes: self.crashes + 1, strays, ..*self };
                steps.push(("crash", world.with(slot, None)));
            }
        }
        if self.strays > 0 {
            let world = Self { strays: self.strays - 1, ..*self };
            steps.push(("a stray is mailed", Self { mails: world.mails + 1, ..world }));
            steps.push(("a stray is lost", world));
        }
        if !self.told && self.answer.is_none() {
            steps.push(("told", Self { told: true, ..*self }));
        }
        steps
    }

    /// The record is taken over at any moment; by the reconciler at the latest when nobody is at work.
    fn claim(&self, steps: &mut Vec<(&'static str, Self)>) {
        let Some(slot) = self.attempts.iter().position(Option::is_none) else { return };
        let idle = self.attempts.iter().all(Option::is_none);
        if self.answer.is_some() || (!idle && self.claims == CLAIMS) {
            return;
        }
        let mut world = Self { claims: self.claims + u8::from(!idle), ..*self };
        for attempt in world.attempts.iter_mut().flatten() {
            attempt.holds = false;
        }
        let fresh = Attempt { doing: Doing::Ask, holds: true, seen: self.mark, told: self.told };
        let step = if idle { "resume" } else { "claim" };
        steps.push((step, world.with(slot, fresh.after(Event::Claimed))));
    }

    fn write(
        &self,
        slot: usize,
        attempt: &Attempt,
        write: Write,
        variant: Variant,
        steps: &mut Vec<(&'static str, Self)>,
    ) {
        if write == Write::Intend {
            steps.push(("time up", self.with(slot, attempt.after(Event::TimeUp))));
        }
        if let Some(world) = self.fault() {
            steps.push(("write lost", world.with(slot, attempt.after(Event::StoreDown))));
        }
        let unfenced = variant == Variant::NoFence;
        // The conditions of `store::execution`.
        let may = match write {
            Write::Intend => unfenced || (self.mark == Mail::None && !self.told),
            Write::Unsend | Write::Record(_) => self.mark == Mail::Tried,
            Write::Complete => true,
        };
        if self.answer.is_some() || !may || !(attempt.holds || unfenced) {
            steps.push(("write refused", self.with(slot, attempt.after(Event::Lost))));
            return;
        }
        let mut world = *self;
        match write {
            Write::Intend if variant == Variant::NoMark => {}
            Write::Intend => world.mark = Mail::Tried,
            Write::Unsend => world.mark = Mail::None,
            Write::Record(mail) => world.mark = mail,
            Write::Complete => world.answer = Some(attempt.seen),
        }
        if let Some(world) = world.fault() {
            steps.push(("reply lost", world.with(slot, attempt.after(Event::StoreDown))));
        }
        let seen = if write == Write::Intend { Mail::Tried } else { world.mark };
        let attempt = Attempt { seen, told: self.told, ..*attempt };
        let change = match write {
            Write::Intend => Change::IntendMail,
            Write::Unsend => Change::UnsendMail(Trouble::QuickBooksThrottled),
            Write::Record(mail) => Change::RecordMail(mail.real().unwrap()),
            Write::Complete => Change::Complete,
        };
        steps.push(("write", world.with(slot, attempt.after(Event::Wrote(change)))));
    }

    fn ask(&self, slot: usize, attempt: &Attempt, steps: &mut Vec<(&'static str, Self)>) {
        let unsent = |trouble| Event::Mailed(Outcome::NoEffect(trouble));
        steps.push(("not sent", self.with(slot, attempt.after(unsent(Trouble::OutOfTime)))));
        steps.push(("not connected", self.with(slot, attempt.after(unsent(Trouble::QuickBooksDown)))));
        steps.push(("asked", self.with(slot, Some(Attempt { doing: Doing::Await, ..*attempt }))));
    }

    fn wait(&self, slot: usize, attempt: &Attempt, variant: Variant, steps: &mut Vec<(&'static str, Self)>) {
        let answered =
            |world: Self, reply| world.with(slot, Some(Attempt { doing: Doing::Receive(reply), ..*attempt }));
        steps.push(("mailed", answered(Self { mails: self.mails + 1, ..*self }, Reply::Mailed)));
        steps.push(("refused", answered(*self, Reply::Refused)));
        steps.push(("throttled", answered(*self, Reply::Throttled)));
        if let Some(world) = self.fault() {
            let world = Self { strays: world.strays + 1, ..world };
            steps.push(("no reply", world.with(slot, attempt.after(unclear(variant)))));
        }
    }

    fn receive(
        &self,
        slot: usize,
        attempt: &Attempt,
        reply: Reply,
        variant: Variant,
        steps: &mut Vec<(&'static str, Self)>,
    ) {
        if let Some(world) = self.fault() {
            steps.push(("no reply", world.with(slot, attempt.after(unclear(variant)))));
        }
        let outcome = match reply {
            Reply::Mailed => Outcome::Made(machine::made()),
            Reply::Refused => Outcome::Refused(machine::failure()),
            Reply::Throttled => Outcome::NoEffect(Trouble::QuickBooksThrottled),
        };
        steps.push(("reply", self.with(slot, attempt.after(Event::Mailed(outcome)))));
    }

    fn with(&self, slot: usize, attempt: Option<Attempt>) -> Self {
        let mut world = *self;
        world.attempts[slot] = attempt;
        world
    }

    fn fault(&self) -> Option<Self> {
        (self.faults < FAULTS).then_some(Self { faults: self.faults + 1, ..*self })
    }
}

fn unclear(variant: Variant) -> Event {
    Event::Mailed(match variant {
        Variant::UnclearNotMailed => Outcome::NoEffect(Trouble::QuickBooksThrottled),
        Variant::UnclearMailed => Outcome::Made(machine::made()),
        _ => Outcome::Unknown,
    })
}

impl Attempt {
    /// Something happened to it: the real machine decides what it does next; none: it ends.
    fn after(&self, event: Event) -> Option<Self> {
        let doing = match protocol::next(&self.record(), event, machine::now()) {
            Command::Write(Change::IntendMail) => Doing::Write(Write::Intend),
            Command::Write(Change::UnsendMail(_)) => Doing::Write(Write::Unsend),
            Command::Write(Change::RecordMail(mail)) => Doing::Write(Write::Record(Mail::read(mail))),
            Command::Write(Change::Complete) => Doing::Write(Write::Complete),
            Command::Mail => Doing::Ask,
            Command::Done | Command::Later(_) => return None,
            other => panic!("next asks for {other:?} when only the mail is left"),
        };
        Some(Self { doing, ..*self })
    }

    fn record(&self) -> record::Record {
        let paid = state::Record {
            state: State::PaySent,
            plan: Some(state::Plan { company: 0, deal: 0 }),
            made: true,
            pay_plan: true,
            pay_id: true,
            told: self.told,
            ..state::Record::claimed(0)
        };
        let mut record = machine::real(&paid);
        record.mail = self.seen.real();
        if let Some(plan) = &mut record.plan {
            plan.emailed = true;
        }
        record
    }
}

impl Mail {
    fn real(self) -> Option<record::Mail> {
        match self {
            Self::None => None,
            Self::Tried => Some(record::Mail::Tried),
            Self::Sent => Some(record::Mail::Sent),
            Self::Failed => Some(record::Mail::Failed),
        }
    }

    fn read(mail: record::Mail) -> Self {
        match mail {
            record::Mail::Tried => Self::Tried,
            record::Mail::Sent => Self::Sent,
            record::Mail::Failed => Self::Failed,
        }
    }
}
