//! What the runs together have shown.

use crate::mutant::Mutant;
use crate::random;
use crate::rare::Rare;
use crate::run::{Run, run};

/// So often each rare situation must be met in the seeds of CI.
const OFTEN: usize = 100;

/// A mistake must be seen within so many seeds.
const MUTANT_SEEDS: u64 = 20_000;

/// So many failures are shown.
const SHOWN: usize = 10;

/// Counts, and what was wrong.
#[derive(Default)]
pub(crate) struct Proof {
    runs: usize,
    calls: usize,
    met: Vec<usize>,
    pub(crate) wrong: Vec<String>,
}

impl Proof {
    /// A run has ended.
    pub(crate) fn saw(&mut self, run: &Run, name: impl FnOnce() -> String) {
        self.runs += 1;
        self.calls += run.calls;
        self.met.resize(Rare::ALL.len(), 0);
        for rare in &run.rare {
            self.met[*rare as usize] += 1;
        }
        if !run.wrong.is_empty() {
            self.wrong.push(format!("{}: {}", name(), run.wrong.join("; ")));
        }
    }

    /// Seeds from 0 on.
    pub(crate) fn seeds(&mut self, count: u64) {
        for seed in 0..count {
            self.saw(&run(random::setup(seed, None)), || {
                format!("seed {seed} (cargo test -p tests --test sim -- --seed {seed})")
            });
        }
        println!("random: {} seeds, {} calls", self.runs, self.calls);
    }

    /// Each rare situation was met often.
    pub(crate) fn met_all(&mut self) {
        println!("rare situations, {} of them:", Rare::ALL.len());
        for (rare, words) in Rare::ALL {
            let met = self.met[*rare as usize];
            println!("  {met:>9}  {words}");
            if met < OFTEN {
                self.wrong.push(format!("met only {met} times: {words}"));
            }
        }
    }

    /// Each mistake is seen; where it does harm that a user would see, that too is shown.
    pub(crate) fn mutants(&mut self) {
        println!(
            "mutants: {} mistakes switched on, each over at most {MUTANT_SEEDS} seeds",
            Mutant::ALL.len()
        );
        for mutant in Mutant::ALL {
            let wrong = |seed| run(random::setup(seed, Some(mutant))).wrong;
            let first = |seen: fn(&str) -> bool| {
                (0..MUTANT_SEEDS).find_map(|seed| Some((seed, wrong(seed).into_iter().find(|it| seen(it))?)))
            };
            let Some((seed, rule)) = first(|_| true) else {
                self.wrong.push(format!("{mutant:?} is not seen in {MUTANT_SEEDS} seeds"));
                continue;
            };
            let harm =
                first(|wrong| !["H6", "H7", "H8", "H2: what"].iter().any(|rule| wrong.starts_with(rule)));
            let harm = harm.map_or("no harm done".into(), |(seed, harm)| format!("harm at {seed}: {harm}"));
            println!("  {mutant:?}: seed {seed}: {rule}; {harm}");
        }
    }

    /// Whether all was right; what was not is shown.
    pub(crate) fn holds(&self) -> bool {
        for wrong in self.wrong.iter().take(SHOWN) {
            println!("WRONG {wrong}");
        }
        if self.wrong.len() > SHOWN {
            println!("WRONG and {} more", self.wrong.len() - SHOWN);
        }
        self.wrong.is_empty()
    }
}
