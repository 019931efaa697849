//! The second model: every state that the tokens of one connection can get into, with `app::renewal` itself as what each
//! caller does (reliability.md §d.6).
//!
//! Three callers that renew, two expiries, one crash, one lost reply, and a vendor that changes the refresh token with each
//! purchase: the old one then lives on (grace), is dead (strict), or its use ends the whole grant (family). In every state
//! the rules of [`Rule`] hold; and for each seeded mistake of [`Variant`] exactly those are broken that must be.

mod caller;
mod world;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use caller::Caller;
use world::World;

/// How many callers there are.
pub(crate) const CALLERS: usize = 3;

/// What an old refresh token does once it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// The one before the current one is taken as well.
    Grace,
    /// It is refused.
    Strict,
    /// It is refused, and the grant ends.
    Family,
}

/// The protocol, or a way to get it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    Right,
    /// The journal is read only once the vendor has refused.
    JournalLate,
    /// A purchase may outlive its lease.
    LeaseEndsDuringCall,
    /// Whoever wants to buy buys, and commits if the generation still stands; a refusal is believed at once.
    NoLease,
    /// The same, and who writes last wins.
    LastWriteWins,
    /// Whoever has bought a token that does not live long buys again.
    BuysOn,
}

impl Variant {
    /// It knows neither lease nor journal.
    fn is_unleased(self) -> bool {
        matches!(self, Self::NoLease | Self::LastWriteWins)
    }
}

/// What must hold in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// No connection is ended while somebody of us has a refresh token that the vendor takes.
    FalseReauth,
    /// The grant lives, and its newest refresh token is kept or under way to us, unless a reply was lost, or a process died
    /// between the vendor's change and the journal.
    GrantLost,
    /// No two purchases are under way at once.
    TwoBuy,
    /// Nobody buys again what he has just bought, unless somebody else has overtaken him.
    BuysOn,
}

const ROTATIONS: [Rotation; 3] = [Rotation::Grace, Rotation::Strict, Rotation::Family];

/// Each variant, and under which rotations it ends a connection that lives and loses a grant: the table of §d.6. With one
/// difference: the journal is one label here and not a row per purchase, so that a purchase that outlived its lease can write
/// over a newer one, and lose it, in grace too.
const VERDICTS: [(Variant, [bool; 3], [bool; 3]); 5] = [
    (Variant::Right, [false; 3], [false; 3]),
    (Variant::JournalLate, [false; 3], [false, false, true]),
    (Variant::LeaseEndsDuringCall, [true, true, false], [true, false, true]),
    (Variant::NoLease, [true, true, false], [true, false, true]),
    (Variant::LastWriteWins, [true, true, false], [true, false, true]),
];

/// The mistake that shows only with tokens that live briefly; under any rotation.
const BUYS_ON: [(Variant, Rotation); 1] = [(Variant::BuysOn, Rotation::Grace)];

/// How long the access tokens are good that the vendor gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lives {
    /// Until they end, they need no renewal.
    Long,
    /// They are good, and at once so near their end that whoever wants one would rather have another.
    Briefly,
}

/// Explores all variants and rotations, and prints the counts; whether each verdict is as it must be.
pub(crate) fn prove() -> bool {
    println!(
        "model: tokens of one connection, {CALLERS} callers, {} expiries, one crash, one lost reply",
        world::EXPIRIES
    );
    let (mut sound, mut taken) = (true, BTreeSet::new());
    for (variant, reauth, lost) in VERDICTS {
        for (at, rotation) in ROTATIONS.into_iter().enumerate() {
            let started = Instant::now();
            let found = explore(variant, rotation, Lives::Long);
            let right = found.is_broken(Rule::FalseReauth) == reauth[at]
                && found.is_broken(Rule::GrantLost) == lost[at]
                && (variant != Variant::Right || !found.is_broken(Rule::TwoBuy));
            found.report(variant, rotation, right, started.elapsed());
            sound &= right;
            if variant == Variant::Right {
                taken.extend(found.taken);
            }
        }
    }
    println!("  with access tokens that are about to end as soon as they are bought:");
    for (variant, rotation) in ROTATIONS.map(|rotation| (Variant::Right, rotation)).into_iter().chain(BUYS_ON)
    {
        let started = Instant::now();
        let found = explore(variant, rotation, Lives::Briefly);
        let right = match variant {
            Variant::BuysOn => found.is_broken(Rule::BuysOn),
            _ => found.broken.is_empty(),
        };
        found.report(variant, rotation, right, started.elapsed());
        sound &= right;
    }
    let never: Vec<_> = Caller::KINDS.into_iter().filter(|kind| !taken.contains(kind)).collect();
    if !never.is_empty() {
        // What never happens proves nothing.
        println!("  never taken: {never:?}");
    }
    sound && never.is_empty()
}

struct Found {
    states: usize,
    transitions: usize,
    /// Each rule that was broken, and a shortest way there.
    broken: Vec<(Rule, Vec<String>)>,
    /// What happened at all.
    taken: BTreeSet<&'static str>,
}

impl Found {
    fn is_broken(&self, rule: Rule) -> bool {
        self.broken.iter().any(|(broken, _)| *broken == rule)
    }

    fn report(&self, variant: Variant, rotation: Rotation, right: bool, time: Duration) {
        let told = |rule: Rule| if self.is_broken(rule) { "yes" } else { "none" };
        println!(
            "  {variant:?}, {rotation:?}: {} states, {} transitions; ended in error: {}, grant lost: {}, bought on: {}; {time:.1?}{}",
            self.states,
            self.transitions,
            told(Rule::FalseReauth),
            told(Rule::GrantLost),
            told(Rule::BuysOn),
            if right { "" } else { " — NOT as it must be" },
        );
        for (rule, way) in self.broken.iter().filter(|_| !right) {
            println!("  {rule:?}");
            way.iter().for_each(|step| println!("    {step}"));
        }
    }
}

/// Breadth first over all states, each once.
fn explore(variant: Variant, rotation: Rotation, lives: Lives) -> Found {
    let start = World::start(lives);
    let mut from: From = HashMap::from([(start.clone(), None)]);
    let (mut open, mut transitions, mut broken) =
        (VecDeque::from([start]), 0, Vec::<(Rule, Vec<String>)>::new());
    let mut taken = BTreeSet::new();
    // Once a mistake has done all that it can, there is nothing more to see.
    let is_seen = |broken: &[(Rule, Vec<String>)]| {
        let seen = |rule| broken.iter().any(|(known, _)| *known == rule);
        match variant {
            Variant::Right => false,
            Variant::BuysOn => seen(Rule::BuysOn),
            _ => seen(Rule::FalseReauth) && seen(Rule::GrantLost),
        }
    };
    while let Some(world) = open.pop_front().filter(|_| !is_seen(&broken)) {
        for (step, next) in world.steps(variant, rotation) {
            transitions += 1;
            taken.insert(step);
            let next = next.ordered();
            if from.contains_key(&next) {
                continue;
            }
            from.insert(next.clone(), Some((world.clone(), step)));
            for rule in next.broken(rotation) {
                if !broken.iter().any(|(known, _)| *known == rule) {
                    broken.push((rule, way(&from, &next)));
                }
            }
            open.push_back(next);
        }
    }
    Found { states: from.len(), transitions, broken, taken }
}

/// Each state, and from where and how it was first reached.
type From = HashMap<World, Option<(World, &'static str)>>;

/// What happened up to a state, and what was kept after it.
fn way(from: &From, to: &World) -> Vec<String> {
    let (mut way, mut at) = (Vec::new(), to);
    while let Some(Some((before, step))) = from.get(at) {
        let World { committed, journal, newest, .. } = at;
        way.push(format!(
            "{step}: committed {committed:?}, journal {journal:?}, the vendor's newest {newest}"
        ));
        at = before;
    }
    way.reverse();
    way
}
