//! Breadth first over all states, each once; then, backwards, from which of them a good end can be reached.

use std::time::{Duration, Instant};

use crate::check::{self, Check};
use crate::mutant::Mutant;
use crate::state::{Packed, World};
use crate::step::Step;
use crate::world::{Bounds, Semantics, Steps};

/// One exploration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) semantics: Semantics,
    pub(crate) bounds: Bounds,
    /// A seeded mistake, and the only check that is then on.
    pub(crate) mutant: Option<(Mutant, Check)>,
}

/// What it found.
pub(crate) struct Found {
    pub(crate) states: usize,
    pub(crate) transitions: u64,
    pub(crate) ends: usize,
    pub(crate) dead_ends: usize,
    /// The questions that were put to the machine.
    pub(crate) questions: usize,
    /// How often each step was taken, by its number.
    pub(crate) taken: Vec<u64>,
    /// The first rule that was broken, and the shortest way there.
    pub(crate) broken: Option<(Check, Vec<(Step, World)>)>,
    pub(crate) time: Duration,
}

/// Explores until nothing is left, or a rule is broken.
pub(crate) fn explore(run: Run) -> Found {
    let started = Instant::now();
    let mut explorer = Explorer::new(run);
    let mut broken = explorer.forward();
    let (mut ends, mut dead_ends) = (0, 0);
    if broken.is_none() {
        let good = explorer.backward();
        ends = explorer.ends.iter().filter(|end| **end).count();
        dead_ends = good.iter().filter(|good| !**good).count();
        broken = good.iter().position(|good| !good).filter(|_| explorer.minds(Check::DeadEnd)).map(|state| {
            let way = explorer.way(state, None);
            (Check::DeadEnd, way)
        });
    }
    Found {
        states: explorer.states.len(),
        transitions: explorer.taken.iter().sum(),
        ends,
        dead_ends,
        questions: explorer.steps.machine.questions(),
        taken: explorer.taken,
        broken,
        time: started.elapsed(),
    }
}

struct Explorer {
    run: Run,
    steps: Steps,
    states: Vec<Packed>,
    index: Index,
    /// The state that each was first reached from.
    from: Vec<u32>,
    ends: Vec<bool>,
    /// The steps of a run without faults: those of state `s` are `fair[fair_from[s]..fair_from[s + 1]]`.
    fair: Vec<u32>,
    fair_from: Vec<usize>,
    taken: Vec<u64>,
}

impl Explorer {
    fn new(run: Run) -> Self {
        let mut explorer = Self {
            run,
            steps: Steps::new(run.semantics, run.bounds, run.mutant.map(|(mutant, _)| mutant)),
            states: Vec::new(),
            index: Index::new(),
            from: Vec::new(),
            ends: Vec::new(),
            fair: Vec::new(),
            fair_from: vec![0],
            taken: vec![0; Step::all().len()],
        };
        explorer.visit(World::START.pack(), 0);
        explorer
    }

    /// The state's number.
    fn visit(&mut self, state: Packed, from: usize) -> usize {
        let (number, is_new) = self.index.place(&self.states, &state);
        if is_new {
            self.states.push(state);
            self.from.push(from as u32);
        }
        number
    }

    /// Whether this check is on.
    fn minds(&self, check: Check) -> bool {
        match self.run.mutant {
            Some((_, only)) => only == check,
            // Who cannot see the books may say "failed" of what exists: what they hold is right all the same.
            None => self.run.semantics != Semantics::Blind || check != Check::FailedButExists,
        }
    }

    fn forward(&mut self) -> Option<(Check, Vec<(Step, World)>)> {
        let mut state = 0;
        while state < self.states.len() {
            let world = self.states[state].unpack();
            if let Some(check) = check::broken(&world).find(|check| self.minds(*check)) {
                return Some((check, self.way(state, None)));
            }
            self.ends.push(check::is_end(&world));
            self.steps.from(&world);
            for edge in std::mem::take(&mut self.steps.edges) {
                if let Some(check) = edge.broken.filter(|check| self.minds(*check)) {
                    return Some((check, self.way(state, Some((edge.step, edge.to)))));
                }
                let to = self.visit(edge.to, state);
                self.taken[edge.step as usize] += 1;
                // Before the first claim, HubSpot's delivery is what gets things going.
                let first = edge.step == Step::Deliver && world.record.is_none();
                if to != state && (edge.step.is_fair() || first) {
                    self.fair.push(to as u32);
                }
            }
            self.fair_from.push(self.fair.len());
            state += 1;
        }
        None
    }

    /// From which states an end can be reached without faults. Most steps lead to a state found later, so going from the last
    /// to the first settles nearly all at once.
    fn backward(&self) -> Vec<bool> {
        let mut good = self.ends.clone();
        loop {
            let mut changed = false;
            for state in (0..good.len()).rev() {
                if !good[state] {
                    let next = &self.fair[self.fair_from[state]..self.fair_from[state + 1]];
                    good[state] = next.iter().any(|next| good[*next as usize]);
                    changed |= good[state];
                }
            }
            if !changed {
                return good;
            }
        }
    }

    /// The shortest way to a state, and one step further.
    fn way(&mut self, state: usize, further: Option<(Step, Packed)>) -> Vec<(Step, World)> {
        let mut way: Vec<(Step, World)> = further.iter().map(|(step, to)| (*step, to.unpack())).collect();
        let mut at = state;
        while at != 0 {
            let (from, to) = (self.from[at] as usize, self.states[at]);
            self.steps.from(&self.states[from].unpack());
            let step = self.steps.edges.iter().find(|edge| edge.to == to).map(|edge| edge.step);
            way.extend(step.map(|step| (step, to.unpack())));
            at = from;
        }
        way.reverse();
        way
    }
}

/// Finds a state's number: open addressing over the numbers themselves.
struct Index {
    places: Vec<u32>,
    used: usize,
}

const FREE: u32 = u32::MAX;

impl Index {
    fn new() -> Self {
        Self { places: vec![FREE; 1 << 16], used: 0 }
    }

    /// The number of a state among those known, or the next one; whether it is new.
    fn place(&mut self, states: &[Packed], state: &Packed) -> (usize, bool) {
        if self.used * 2 >= self.places.len() {
            self.grow(states);
        }
        let mask = self.places.len() - 1;
        let mut at = state.hash() as usize & mask;
        loop {
            match self.places[at] {
                FREE => {
                    self.places[at] = self.used as u32;
                    self.used += 1;
                    return (self.used - 1, true);
                }
                number if states[number as usize] == *state => return (number as usize, false),
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn grow(&mut self, states: &[Packed]) {
        let mask = self.places.len() * 2 - 1;
        self.places = vec![FREE; mask + 1];
        for (number, state) in states.iter().enumerate() {
            let mut at = state.hash() as usize & mask;
            while self.places[at] != FREE {
                at = (at + 1) & mask;
            }
            self.places[at] = number as u32;
        }
    }
}
