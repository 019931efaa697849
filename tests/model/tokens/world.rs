//! The connection, the journal, the vendor, and the callers between them.

use app::renewal::{Seen, Token};

use super::caller::{Caller, Doing};
use super::{CALLERS, Lives, Rotation, Rule, Variant};

/// How often the access token ends.
pub(crate) const EXPIRIES: u8 = 2;

/// A pair of tokens: the generation it was bought as, and the number of its refresh token.
pub(crate) type Pair = (u8, u8);

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// What the connection names.
    pub(crate) committed: Pair,
    pub(crate) reauth_required: bool,
    /// Whether the lease stands: of the caller that holds.
    pub(crate) leased: bool,
    /// What is labelled as the journal.
    pub(crate) journal: Option<Pair>,
    /// Access tokens of generations up to this one have ended.
    pub(crate) over: u8,
    /// The vendor's newest refresh token, and whether the grant lives.
    pub(crate) newest: u8,
    pub(crate) alive: bool,
    pub(crate) callers: [Caller; CALLERS],
    expiries: u8,
    pub(crate) crashes: u8,
    pub(crate) lost_replies: u8,
    /// A loss that nobody can prevent.
    pub(crate) excused: bool,
    lives: Lives,
}

impl World {
    pub(crate) fn start(lives: Lives) -> Self {
        Self {
            committed: (1, 1),
            reauth_required: false,
            leased: false,
            journal: None,
            over: 0,
            newest: 1,
            alive: true,
            callers: [Caller::default(); CALLERS],
            expiries: 0,
            crashes: 0,
            lost_replies: 0,
            excused: false,
            lives,
        }
    }

    /// Which caller is which makes no difference.
    pub(crate) fn ordered(mut self) -> Self {
        self.callers.sort_unstable();
        self
    }

    /// What a strongly consistent read shows.
    pub(crate) fn seen(&self) -> Seen {
        let (generation, _) = self.committed;
        match self.reauth_required {
            true => Seen::Ended,
            false => Seen::Standing { generation: generation.into(), token: self.token(generation) },
        }
    }

    pub(crate) fn token(&self, generation: u8) -> Token {
        match self.lives {
            _ if generation <= self.over => Token::Over,
            Lives::Long => Token::Fresh,
            Lives::Briefly => Token::Ending,
        }
    }

    /// The vendor's answer to a refresh token: the new one, if it takes it.
    pub(crate) fn purchase(&mut self, token: u8, rotation: Rotation) -> Option<u8> {
        if self.takes(token, rotation) {
            self.newest += 1;
            return Some(self.newest);
        }
        if rotation == Rotation::Family && token < self.newest {
            self.alive = false;
        }
        None
    }

    fn takes(&self, token: u8, rotation: Rotation) -> bool {
        self.alive && (token == self.newest || rotation == Rotation::Grace && token + 1 == self.newest)
    }

    /// The refresh tokens that are kept, in somebody's hand, or under way to us.
    fn known(&self) -> impl Iterator<Item = u8> + '_ {
        let kept = [Some(self.committed), self.journal].into_iter().flatten();
        let in_hands = self.callers.iter().filter_map(|caller| caller.new);
        kept.chain(in_hands).map(|(_, token)| token)
    }

    pub(crate) fn broken(&self, rotation: Rotation) -> impl Iterator<Item = Rule> {
        let reauth = self.reauth_required && self.known().any(|token| self.takes(token, rotation));
        let is_held = self.alive && self.known().any(|token| token == self.newest);
        let lost = !self.excused && !is_held;
        let buying = self.callers.iter().filter(|caller| caller.is_buying()).count();
        let buys_on = self.callers.iter().any(|caller| caller.in_a_row > 1);
        [
            reauth.then_some(Rule::FalseReauth),
            lost.then_some(Rule::GrantLost),
            (buying > 1).then_some(Rule::TwoBuy),
            buys_on.then_some(Rule::BuysOn),
        ]
        .into_iter()
        .flatten()
    }

    /// Everything that may happen next, and what it is called.
    pub(crate) fn steps(&self, variant: Variant, rotation: Rotation) -> Vec<(&'static str, World)> {
        let mut steps = Vec::new();
        for at in 0..CALLERS {
            Caller::steps(self, at, variant, rotation, &mut steps);
        }
        let mut other = |kind: &'static str, change: &dyn Fn(&mut World)| {
            let mut next = self.clone();
            change(&mut next);
            steps.push((kind, next));
        };
        if self.expiries < EXPIRIES && self.token(self.committed.0) != Token::Over {
            other("the access token ends", &|next| {
                next.over = next.committed.0;
                next.expiries += 1;
            });
            if self.journal.is_some_and(|(generation, _)| generation > self.committed.0) {
                other("the access tokens end, that in the journal too", &|next| {
                    next.over = next.committed.0 + 1;
                    next.expiries += 1;
                });
            }
        }
        let in_window = |caller: &Caller| caller.holds && caller.is_in_window();
        let guarded = variant != Variant::LeaseEndsDuringCall && self.callers.iter().any(in_window);
        if self.leased && !guarded {
            other("the lease ends", &|next| next.leased = false);
        }
        steps
    }

    /// A caller's next state in this one.
    pub(crate) fn with(&self, at: usize, change: impl FnOnce(&mut World, &mut Caller)) -> World {
        let mut next = self.clone();
        let mut caller = next.callers[at];
        change(&mut next, &mut caller);
        if caller.doing == Doing::Nothing {
            caller = Caller::default();
        }
        next.callers[at] = caller;
        next
    }
}
