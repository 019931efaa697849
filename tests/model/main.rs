//! The model: every state that one execution can get into, with `app::protocol::next` as its transition function.
//!
//! One execution, a document and then its payment; deliveries and reconciler runs that interleave step by step; crashes,
//! lost and late messages, take-overs at any moment, an edited deal, a switched company; BLOCK and the callback that it owes.
//! In every state the rules of `check` hold, and from every state a run without faults reaches an end. The same exploration
//! must find each of the seeded mistakes of `mutant`.
//!
//! `cargo test -p tests --test model` explores the bounds of reliability.md §c.9; with `-- --full` larger ones;
//! with `-- --mutant=M7` it prints the shortest way to what that mistake does. Then [`mail`] and [`tokens`], models of
//! their own; `-- --tokens` or `-- --mail` explores nothing else.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

mod alter;
mod around;
mod check;
mod explore;
mod machine;
mod mail;
mod mutant;
mod quickbooks;
mod register;
#[path = "../sim/register.rs"]
#[expect(dead_code, reason = "the simulation needs more of it")]
mod simulated;
mod state;
mod step;
mod tokens;
mod twin;
mod world;

use std::process::ExitCode;

use check::Check;
use explore::{Found, Run, explore};
use mutant::Mutant;
use state::World;
use step::Step;
use world::{Bounds, Semantics};

/// Those of reliability.md §c.9.
const BOUNDS: Bounds = Bounds { deliveries: 3, attempts: 3, crashes: 2, faults: 2, losers_end: true };

/// Smaller, and nothing is cut short: what [`Bounds::losers_end`] leaves out is tried here.
const UNCUT: Bounds = Bounds { deliveries: 2, attempts: 2, crashes: 1, faults: 1, losers_end: false };

/// With `--full`.
const FULL: [Bounds; 2] = [
    Bounds { deliveries: 3, attempts: 3, crashes: 3, faults: 3, losers_end: true },
    Bounds { deliveries: 2, attempts: 2, crashes: 1, faults: 2, losers_end: false },
];

/// For the mutants: in these all of them do harm.
const SMALL: Bounds = Bounds { deliveries: 2, attempts: 2, crashes: 1, faults: 2, losers_end: true };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let value = |flag: &str| arguments.iter().find_map(|argument| argument.strip_prefix(flag));
    if let Some(name) = value("--mutant=") {
        return trace(name);
    }
    if asked("--tokens") {
        return if tokens::prove() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if asked("--mail") {
        return if mail::prove() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    // What the usual harness understands: a filter for names of tests, and a wish to see them.
    let filtered = |argument: &String| !argument.starts_with('-') && !"model".contains(argument.as_str());
    if asked("--list") || arguments.iter().any(filtered) {
        return ExitCode::SUCCESS;
    }
    let all = match value("--bounds=") {
        Some(text) => vec![read(text)],
        None if asked("--full") => FULL.to_vec(),
        None => vec![BOUNDS, UNCUT],
    };
    let (compared, records) = twin::compare();
    println!(
        "model: its register takes and refuses like the simulation's: {compared} writes in {records} situations"
    );
    let proved = prove(&all);
    let caught = mutants();
    let kept = mail::prove() & tokens::prove();
    if proved && caught && kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Deliveries, attempts at once, crashes, faults; and a fifth, any, for losers that do not end at once.
fn read(text: &str) -> Bounds {
    let numbers: Vec<u8> = text.split(',').map(|number| number.parse().unwrap()).collect();
    let [deliveries, attempts, crashes, faults, ref rest @ ..] = *numbers else {
        panic!("--bounds=<deliveries>,<attempts>,<crashes>,<faults>");
    };
    Bounds { deliveries, attempts: attempts.into(), crashes, faults, losers_end: rest.is_empty() }
}

/// Explores all bounds in all four semantics; whether nothing was found and no step was left out.
fn prove(all: &[Bounds]) -> bool {
    let (mut sound, mut taken) = (true, vec![0; Step::all().len()]);
    for bounds in all {
        let Bounds { deliveries, attempts, crashes, faults, losers_end } = bounds;
        println!(
            "model: {deliveries} deliveries and any number of reconciler runs, {attempts} attempts at once, {crashes} \
             crashes, {faults} message faults, one deal edit, one company switch{}",
            if *losers_end { "" } else { "; attempts that lost the record go on" }
        );
        for semantics in Semantics::ALL {
            let found = explore(Run { semantics, bounds: *bounds, mutant: None });
            report(semantics, &found);
            sound &= found.broken.is_none();
            taken.iter_mut().zip(&found.taken).for_each(|(sum, taken)| *sum += taken);
        }
    }
    let never = Step::all().filter(|step| taken[*step as usize] == 0);
    let never: Vec<Step> = never.filter(|step| !Step::MUTANTS_ONLY.contains(step)).collect();
    if !never.is_empty() {
        // What never happens proves nothing.
        println!("  never taken: {never:?}");
    }
    sound && never.is_empty()
}

fn report(semantics: Semantics, found: &Found) {
    let Found { states, transitions, ends, dead_ends, questions, .. } = found;
    println!(
        "  {}: {states} states, {transitions} transitions, {} violations, {dead_ends} dead ends; {ends} states are ends; \
         {questions} different questions to protocol::next; {}.{} s",
        words(semantics),
        u8::from(found.broken.is_some()),
        found.time.as_secs(),
        found.time.subsec_millis() / 100,
    );
    if let Some((check, way)) = &found.broken {
        println!("  {check:?}");
        print(way);
    }
}

fn words(semantics: Semantics) -> &'static str {
    match semantics {
        Semantics::Honoured => "request ids honoured",
        Semantics::Forgetful => "request ids honoured, refusals not remembered",
        Semantics::Ignored => "request ids ignored",
        Semantics::Blind => "request ids honoured, marker never found",
    }
}

/// Whether each mistake is found by the checks that must find it.
fn mutants() -> bool {
    let caught = Mutant::ALL.into_iter().filter(|mutant| {
        let ways: Vec<String> = seen(*mutant).map(|(check, found)| summary(check, &found)).collect();
        println!("  {} {mutant:?}: {}", mutant.name(), ways.join("; "));
        !ways.iter().any(|way| way.contains(SURVIVES))
    });
    let caught = caught.count();
    println!("  {caught} of {} mutants caught", Mutant::ALL.len());
    caught == Mutant::ALL.len()
}

const SURVIVES: &str = "survives";

/// One exploration for each check that must see the mistake.
fn seen(mutant: Mutant) -> impl Iterator<Item = (Check, Found)> {
    let (semantics, checks) = mutant.caught();
    checks
        .iter()
        .map(move |check| (*check, explore(Run { semantics, bounds: SMALL, mutant: Some((mutant, *check)) })))
}

fn summary(check: Check, found: &Found) -> String {
    match &found.broken {
        Some((_, way)) => format!("{check:?} after {} steps, {} states", way.len(), found.states),
        None => format!("{SURVIVES} {check:?} in {} states", found.states),
    }
}

/// Prints the shortest ways to what a mistake does.
fn trace(name: &str) -> ExitCode {
    let Some(mutant) = Mutant::ALL.into_iter().find(|mutant| mutant.name() == name) else {
        println!("no mutant is called {name}");
        return ExitCode::FAILURE;
    };
    for (check, found) in seen(mutant) {
        println!("{name} {mutant:?}, {}: {}", words(mutant.caught().0), summary(check, &found));
        print(found.broken.as_ref().map_or(&[], |(_, way)| way));
    }
    ExitCode::SUCCESS
}

fn print(way: &[(Step, World)]) {
    for (number, (step, world)) in way.iter().enumerate() {
        let record = world.record.map_or("no record".to_owned(), |record| {
            format!("{} quiet {:?}, debt {:?}", record.state.as_str(), record.quiet, record.debt)
        });
        let doing: Vec<String> =
            world.attempts.iter().flatten().map(|attempt| format!("{:?}", attempt.doing)).collect();
        println!("{:>3} {:<60} {record}; {}", number + 1, step.words(), doing.join(" | "));
    }
}
