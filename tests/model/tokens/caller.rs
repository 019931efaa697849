//! One caller: runs the steps of `app::renewal`, one atomic action at a time, as `app::grant` does, and may die.

use app::renewal::{Event, Left, Renewal, Step, Token};

use super::world::{Pair, World};
use super::{Rotation, Variant};

/// One caller that needs a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Caller {
    renewal: Renewal,
    pub(crate) doing: Doing,
    /// The connection as it last saw it.
    seen: Pair,
    /// It took the lease last: its fence is the connection's.
    pub(crate) holds: bool,
    /// Newer tokens, from the vendor or from the journal.
    pub(crate) new: Option<Pair>,
    /// It was refused before: for mistakes that look only then.
    refused: bool,
    /// How often it has bought since it was last overtaken.
    pub(crate) in_a_row: u8,
}

/// What it is about to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Doing {
    /// It needs nothing.
    #[default]
    Nothing,
    /// The next step, by its number in [`STEPS`].
    Next(u8),
    /// Its POST is under way.
    Sent,
    /// The vendor has answered, with tokens or with a refusal; the answer is under way.
    Answered(bool),
}

const STEPS: [Step; 9] = [
    Step::Lease,
    Step::LookAgain(0),
    Step::Read,
    Step::ReadJournal,
    Step::Buy,
    Step::Pause,
    Step::Keep,
    Step::Commit,
    Step::GiveUp,
];
const RELEASE: u8 = 9;

impl Doing {
    fn of(step: Step) -> Self {
        match step {
            Step::Use | Step::End(_) => Self::Nothing,
            Step::Release => Self::Next(RELEASE),
            Step::LookAgain(_) => Self::Next(1),
            step => {
                let number = STEPS.iter().position(|known| *known == step);
                Self::Next(number.expect("every step is in the list") as u8)
            }
        }
    }
}

impl Caller {
    /// What must have happened at least once for the exploration to prove anything.
    pub(crate) const KINDS: [&'static str; 23] = [
        "needs a token",
        "takes the lease",
        "is too late for the lease",
        "looks again",
        "waits in vain",
        "reads again",
        "finds nothing in the journal",
        "finds tokens in the journal",
        "sends the purchase",
        "has no time to buy",
        "has bought",
        "is refused",
        "hears of it",
        "its request is lost",
        "its reply is lost",
        "waits",
        "writes the journal",
        "commits",
        "is overtaken",
        "gives the lease back",
        "ends the connection",
        "dies",
        "the lease ends",
    ];

    pub(crate) fn is_buying(&self) -> bool {
        matches!(self.doing, Doing::Sent | Doing::Answered(_))
    }

    /// From the first byte of a purchase until what was bought is in the journal: the lease may not end there.
    pub(crate) fn is_in_window(&self) -> bool {
        self.is_buying() || self.doing == Doing::of(Step::Keep)
    }

    /// Everything that this caller may do next, or that may happen to it.
    pub(crate) fn steps(
        world: &World,
        at: usize,
        variant: Variant,
        rotation: Rotation,
        steps: &mut Vec<(&'static str, World)>,
    ) {
        let caller = world.callers[at];
        let mut take = |kind: &'static str, next: World| steps.push((kind, next));
        match caller.doing {
            Doing::Nothing => {
                if !world.reauth_required && world.token(world.committed.0) == Token::Over {
                    take("needs a token", world.with(at, |world, caller| caller.reads(world, variant)));
                }
                return;
            }
            Doing::Next(number) => caller.next(world, at, number, variant, &mut take),
            Doing::Sent => {
                let mut bought = false;
                let next = world.with(at, |world, caller| {
                    if let Some(token) = world.purchase(caller.seen.1, rotation) {
                        caller.new = Some((caller.seen.0 + 1, token));
                        bought = true;
                    }
                    caller.doing = Doing::Answered(bought);
                });
                take(if bought { "has bought" } else { "is refused" }, next);
                if world.lost_replies == 0 {
                    let lost = world.with(at, |world, caller| {
                        world.lost_replies += 1;
                        caller.on(Event::NoAnswer, variant);
                    });
                    take("its request is lost", lost);
                }
            }
            Doing::Answered(bought) => {
                let event = if bought { Event::Bought } else { Event::Refused };
                take("hears of it", world.with(at, |_, caller| caller.on(event, variant)));
                if world.lost_replies == 0 {
                    let lost = world.with(at, |world, caller| {
                        world.lost_replies += 1;
                        world.excused |= bought;
                        caller.new = None;
                        caller.on(Event::NoAnswer, variant);
                    });
                    take("its reply is lost", lost);
                }
            }
        }
        if world.crashes == 0 {
            take("dies", world.with(at, |world, caller| caller.dies(world, variant)));
        }
    }

    /// The vendor's change is lost with it, if only it knew of it; without a journal that lasts until the commit. What is
    /// under way to the vendor may still be taken: that is the same as to die a little later.
    fn dies(&mut self, world: &mut World, variant: Variant) {
        let in_window =
            self.is_in_window() || (variant.is_unleased() && self.doing == Doing::of(Step::Commit));
        world.excused |= in_window && self.new.is_some();
        world.crashes += 1;
        *self = Self::default();
    }

    /// The next step follows on what happened.
    fn on(&mut self, event: Event, variant: Variant) {
        self.refused |= event == Event::Refused && variant == Variant::JournalLate;
        self.in_a_row = match event {
            Event::Bought => self.in_a_row + 1,
            Event::Overtaken => 0,
            _ => self.in_a_row,
        };
        self.doing = match event {
            // The mistake: only a token that lives long is good enough.
            Event::Committed(Token::Ending) if variant == Variant::BuysOn => {
                self.renewal = Renewal::default();
                Doing::of(Step::Lease)
            }
            // The mistake: no second look, no second question.
            Event::Refused if variant.is_unleased() => Doing::of(Step::GiveUp),
            event => Doing::of(self.renewal.next(event)),
        };
    }

    fn reads(&mut self, world: &World, variant: Variant) {
        self.seen = world.committed;
        self.on(Event::Read(world.seen()), variant);
    }

    fn next(
        self,
        world: &World,
        at: usize,
        number: u8,
        variant: Variant,
        take: &mut impl FnMut(&'static str, World),
    ) {
        let Some(step) = STEPS.get(usize::from(number)) else {
            let released = world.with(at, |world, caller| {
                world.leased &= !caller.holds;
                caller.on(Event::Released, variant);
            });
            return take("gives the lease back", released);
        };
        match step {
            Step::Lease => self.leases(world, at, variant, take),
            // It waits until there are new tokens, or gives up: all its looks before make no difference.
            Step::LookAgain(_) => match world.token(world.committed.0) {
                Token::Over if !world.reauth_required => {
                    take("waits in vain", world.with(at, |_, caller| caller.doing = Doing::Nothing));
                }
                _ => take("looks again", world.with(at, |world, caller| caller.reads(world, variant))),
            },
            Step::Read => take("reads again", world.with(at, |world, caller| caller.reads(world, variant))),
            Step::ReadJournal => self.reads_journal(world, at, variant, take),
            Step::Buy => {
                let may_buy = variant.is_unleased() || (world.leased && self.holds);
                if !may_buy {
                    take("has no time to buy", world.with(at, |_, caller| caller.on(Event::NoTime, variant)));
                } else {
                    take("sends the purchase", world.with(at, |_, caller| caller.doing = Doing::Sent));
                }
            }
            Step::Pause => take("waits", world.with(at, |_, caller| caller.on(Event::Paused, variant))),
            Step::Keep => {
                let kept = world.with(at, |world, caller| {
                    if !variant.is_unleased() {
                        world.journal = caller.new;
                    }
                    caller.on(Event::Kept, variant);
                });
                take("writes the journal", kept);
            }
            Step::Commit => self.commits(world, at, variant, take),
            _ => self.gives_up(world, at, variant, take),
        }
    }

    fn leases(self, world: &World, at: usize, variant: Variant, take: &mut impl FnMut(&'static str, World)) {
        let is_free = !world.leased && !world.reauth_required && world.committed.0 == self.seen.0;
        if is_free || variant.is_unleased() {
            let leased = world.with(at, |world, caller| {
                if !variant.is_unleased() {
                    world.leased = true;
                    world.callers.iter_mut().for_each(|other| other.holds = false);
                    caller.holds = true;
                }
                caller.on(Event::Leased(caller.seen.0.into()), variant);
            });
            take("takes the lease", leased);
        } else {
            let refused = world.with(at, |world, caller| {
                caller.seen = world.committed;
                caller.on(Event::NotLeased(world.seen()), variant);
            });
            take("is too late for the lease", refused);
        }
    }

    fn reads_journal(
        self,
        world: &World,
        at: usize,
        variant: Variant,
        take: &mut impl FnMut(&'static str, World),
    ) {
        let looks = match variant {
            Variant::NoLease | Variant::LastWriteWins => false,
            // The mistake: the older refresh token first.
            Variant::JournalLate => self.refused,
            Variant::Right | Variant::LeaseEndsDuringCall | Variant::BuysOn => true,
        };
        let newer = world.journal.filter(|(generation, _)| looks && *generation == self.seen.0 + 1);
        let (kind, left) = match newer {
            Some(_) => ("finds tokens in the journal", Left::InJournal),
            None => ("finds nothing in the journal", Left::Nothing),
        };
        take(
            kind,
            world.with(at, |_, caller| {
                caller.new = newer;
                caller.on(Event::Journal(left), variant);
            }),
        );
    }

    /// Whether a write on the connection goes through.
    fn may_write(self, world: &World, variant: Variant) -> bool {
        match variant {
            Variant::LastWriteWins => true,
            Variant::NoLease => world.committed.0 == self.seen.0,
            _ => world.committed.0 == self.seen.0 && self.holds,
        }
    }

    fn commits(self, world: &World, at: usize, variant: Variant, take: &mut impl FnMut(&'static str, World)) {
        if self.may_write(world, variant) {
            let committed = world.with(at, |world, caller| {
                world.committed = caller.new.take().unwrap_or(world.committed);
                world.leased = false;
                world.reauth_required = false;
                caller.seen = world.committed;
                caller.on(Event::Committed(world.token(world.committed.0)), variant);
            });
            take("commits", committed);
        } else {
            let overtaken = world.with(at, |_, caller| {
                caller.new = None;
                caller.on(Event::Overtaken, variant);
            });
            take("is overtaken", overtaken);
        }
    }

    fn gives_up(
        self,
        world: &World,
        at: usize,
        variant: Variant,
        take: &mut impl FnMut(&'static str, World),
    ) {
        if self.may_write(world, variant) {
            let ended = world.with(at, |world, caller| {
                world.reauth_required = true;
                world.leased = false;
                caller.on(Event::GivenUp, variant);
            });
            take("ends the connection", ended);
        } else {
            take("is overtaken", world.with(at, |_, caller| caller.on(Event::Overtaken, variant)));
        }
    }
}
