//! The table of cases: each file of `tests/fixtures/cases` is a deal or quote, a company and what is asked for, run end to end
//! through the real functions; the snapshot beside it says what came of it. Before it is created, each is previewed. `CASE=amounts/a-discount` runs one of them, or all
//! whose names begin so.

#[path = "../suite/alike.rs"]
mod alike;
mod bench;
mod case;
mod preview;
mod previewed;
mod refusals;
mod sums;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt;
use jiff::Timestamp;

use bench::Bench;
use case::Case;

/// Runs at once on one stack: each of them waits mostly for itself.
const AT_ONCE: usize = 4;

/// Runs that share a stack. The simulators copy all they hold when something is seeded.
const ON_A_STACK: usize = 60;

/// One action of a case.
type Run = (String, Case, String);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_the_table_comes_out_as_its_snapshot_says() {
    let began = std::time::Instant::now();
    let cases = chosen();
    let mut told: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let (alone, shared): (Vec<Run>, Vec<Run>) =
        runs(&cases).into_iter().partition(|(_, case, _)| case.is_alone());
    let mut by_moment: BTreeMap<Timestamp, Vec<Run>> = BTreeMap::new();
    for run in shared {
        by_moment.entry(run.1.at).or_default().push(run);
    }
    let groups: Vec<Vec<Run>> =
        by_moment.into_values().flat_map(in_groups).chain(alone.into_iter().map(|run| vec![run])).collect();
    let stacks = groups.len();
    let mut ended = futures::stream::iter(groups).map(on_one_stack).buffer_unordered(2);
    while let Some(group) = ended.next().await {
        for (name, action, text) in group {
            told.entry(name).or_default().insert(action, text);
        }
    }
    let runs: usize = told.values().map(BTreeMap::len).sum();
    println!("{} cases, {runs} runs on {stacks} stacks, {:.1?}", cases.len(), began.elapsed());
    compare(&cases, &told);
}

fn chosen() -> BTreeMap<String, Case> {
    let wanted = std::env::var("CASE").unwrap_or_default();
    let mut cases = case::all().unwrap_or_else(|why| panic!("{why}"));
    cases.retain(|name, _| name.starts_with(&wanted));
    assert!(!cases.is_empty(), "there is no case {wanted}");
    cases
}

fn runs(cases: &BTreeMap<String, Case>) -> Vec<Run> {
    let actions = |(name, case): (&String, &Case)| {
        case.actions.iter().map(|action| (name.clone(), case.clone(), action.clone())).collect::<Vec<_>>()
    };
    cases.iter().flat_map(actions).collect()
}

fn in_groups(runs: Vec<Run>) -> Vec<Vec<Run>> {
    runs.chunks(ON_A_STACK).map(<[_]>::to_vec).collect()
}

/// Case, action and what came of it, of each run.
async fn on_one_stack(runs: Vec<Run>) -> Vec<(String, String, String)> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let moment = runs[0].1.at;
    let bench = Bench::at(moment).await;
    let run = async |(name, case, action): Run| {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let told = bench.run(&case, &action, number).await;
        // It differs from every snapshot, and the others are still looked at.
        let told = told.unwrap_or_else(|why| format!("did not run: {why}"));
        (name, action, told)
    };
    futures::stream::iter(runs).map(run).buffer_unordered(AT_ONCE).collect().await
}

/// All snapshots are looked at before the test fails, and all are named that differ.
fn compare(cases: &BTreeMap<String, Case>, told: &BTreeMap<String, BTreeMap<String, String>>) {
    let mut different = Vec::new();
    for (name, runs) in told {
        let case = &cases[name];
        let ordered: Vec<_> =
            case.actions.iter().map(|action| (action.clone(), runs[action].clone())).collect();
        let text = told::together(&ordered);
        if text.contains("did not run: ") {
            println!("{name}: {text}");
            different.push(name.as_str());
            continue;
        }
        let (folder, file) = name.rsplit_once('/').unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(case::folder().join(folder));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(case.about.clone());
        let same = || settings.bind(|| insta::assert_snapshot!(file, text));
        if catch_unwind(AssertUnwindSafe(same)).is_err() {
            different.push(name.as_str());
        }
    }
    assert!(different.is_empty(), "{} cases came out otherwise: {}", different.len(), different.join(", "));
}

fn snapshots() -> impl Iterator<Item = std::path::PathBuf> {
    let folders = case::files(&case::folder()).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| case::files(&folder));
    files.filter(|file| file.extension().is_some_and(|extension| extension == "snap"))
}

/// A snapshot whose case is gone would say for ever what nobody checks.
#[test]
fn each_snapshot_of_the_table_has_its_case() {
    let cases = case::all().unwrap_or_else(|why| panic!("{why}"));
    let names: BTreeSet<String> = snapshots()
        .map(|file| {
            file.strip_prefix(case::folder()).unwrap().with_extension("").to_string_lossy().into_owned()
        })
        .collect();
    let left: Vec<_> = names.iter().filter(|name| !cases.contains_key(*name)).collect();
    assert!(left.is_empty(), "no case of the table has these snapshots any more: {left:?}");
    // It is shown beside what came of it, and not compared with it.
    for (name, case) in &cases {
        let snapshot =
            std::fs::read_to_string(case::folder().join(format!("{name}.snap"))).unwrap_or_default();
        let quoted = serde_json::to_string(&case.about).unwrap();
        let says = [&case.about, &quoted].map(|about| format!("\ndescription: {about}\n"));
        assert!(
            says.iter().any(|says| snapshot.contains(says)),
            "{name}: its snapshot has another description"
        );
    }
}

/// The contract's codes, each shown by the table as the workflow sees it.
#[test]
fn every_failure_code_has_a_case() {
    let told: String = snapshots().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let missing: Vec<_> = app::failure::Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !told.contains(&format!("\n  errorCode: {code}\n")))
        .collect();
    assert!(missing.is_empty(), "no case ends with {missing:?}");
}

#[test]
fn a_case_that_says_what_nobody_reads_is_refused() {
    for (text, complaint) in [
        ("about = 'A typo.'\nsetings = {}", "setings"),
        ("about = 'A typo.'\n[[line]]\nquantitty = '1'", "quantitty"),
        ("about = 'A typo.'\n[deal]\nhs_title = 'no such thing'", "hs_title"),
        ("about = 'A typo.'\n[connection]\nwithout_scope = ['oauth']", "without_scope"),
        ("about = 'A typo.'\n[deal]\n[quote]", "a deal or a quote"),
        ("about = 'A typo.'\n[[then]]\nminuets = 5", "minuets"),
        ("about = 'A typo.'\n[inputs]\ndue_day = '5'", "due_day"),
        ("about = 'It is another action.'\nactions = ['estimate']\n[inputs]\ndue_days = '5'", "due_days"),
        ("about = 'A typo.'\nactions = ['invoise']", "invoise"),
        ("about = 'Nothing to run.'\nactions = []", "nothing would run"),
        ("about = 'Once is enough.'\nactions = ['invoice', 'invoice']", "twice"),
        ("about = 'A deal has none.'\n[[discount]]\nhs_value = '5'", "only a quote"),
        ("about = 'A deal has none.'\n[[tax]]\nhs_value = '5'", "only a quote"),
        ("about = 'A quote is no deal.'\n[quote]\n[[then]]\ndeal.amount = '5'", "no deal"),
        ("about = 'No sentence'", "sentence"),
    ] {
        let refused = Case::read(text).unwrap_err();
        assert!(refused.contains(complaint), "{refused}");
    }
}
