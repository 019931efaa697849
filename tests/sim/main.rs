//! The deterministic simulation (reliability.md §e, rulings.md 25): the real attempts and the real machine on a simulated
//! world, in one thread, with all chance from seeds.
//!
//! `cargo test -p tests --test sim` is the run of CI, `-- --full` the long one. `-- --seed N` replays one seed and shows what
//! happened, with `--mutant NAME` with a mistake switched on.

#![expect(clippy::unwrap_used, reason = "what a proof cannot go on without is its failure")]

mod attempt;
mod books;
mod effects;
mod exhaustive;
mod fault;
mod history;
mod matrix;
mod mutant;
mod orders;
mod proof;
mod random;
mod rare;
mod redelivery;
mod register;
mod restore;
mod retry;
mod run;
mod send;
mod setup;
mod table;
mod vendors;
mod world;

use std::process::ExitCode;
use std::time::Instant;

use mutant::Mutant;
use proof::Proof;

/// How many seeds CI runs, and the long run.
const SEEDS: u64 = 100_000;
const SEEDS_IN_FULL: u64 = 1_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    if let Some(seed) = after("--seed").and_then(|seed| seed.parse().ok()) {
        let named = |mutant: &Mutant| after("--mutant").is_some_and(|name| *name == format!("{mutant:?}"));
        return exit(replay(seed, Mutant::ALL.into_iter().find(named)));
    }
    let full = arguments.iter().any(|argument| argument == "--full");
    let began = Instant::now();
    let mut random = Proof::default();
    random.seeds(if full { SEEDS_IN_FULL } else { SEEDS });
    random.met_all();
    let mut scripted = Proof::default();
    scripted.mutants();
    exhaustive::single_crashes(&mut scripted);
    exhaustive::double_crashes(&mut scripted);
    exhaustive::retries(&mut scripted);
    exhaustive::fault_pairs(&mut scripted);
    exhaustive::previews(&mut scripted);
    matrix::cells(&mut scripted);
    orders::crowds(&mut scripted);
    println!("simulated in {:.1} s", began.elapsed().as_secs_f32());
    // Both are to be seen.
    exit(random.holds() & scripted.holds())
}

/// Shows what happens in the run of a seed; whether it is right.
fn replay(seed: u64, mutant: Option<Mutant>) -> bool {
    let mut setup = random::setup(seed, mutant);
    setup.trace = true;
    println!("{setup:#?}");
    let run = run::run(setup);
    for line in &run.trace {
        println!("{line}");
    }
    println!("{:?} after {} calls", run.state, run.calls);
    for wrong in &run.wrong {
        println!("WRONG {wrong}");
    }
    run.wrong.is_empty()
}

fn exit(right: bool) -> ExitCode {
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
