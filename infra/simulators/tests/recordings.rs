//! What QuickBooks Online once answered, asked again of the simulator.
//!
//! The recordings stand beside the checkout and are read in place; without them the test says so and passes. Each one is
//! replayed on a company of its own, seeded with what people must have entered for the recorded answer to come about:
//! what the service adds by itself, the simulator has to add by itself. Status, content type and body are compared in
//! both directions. What may differ, and why, stands in `DIFFERENCES`; which file is not replayed, and why, in `LEFT_OUT`.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

#[path = "recordings/cases.rs"]
mod cases;
#[path = "recordings/compare.rs"]
mod compare;
#[path = "recordings/documents.rs"]
mod documents;
#[path = "recordings/entered.rs"]
mod entered;
#[path = "recordings/library.rs"]
mod library;
#[path = "recordings/lists.rs"]
mod lists;
#[path = "recordings/refusals.rs"]
mod refusals;
#[path = "recordings/replay.rs"]
mod replay;

use std::collections::BTreeSet;
use std::io::Write as _;

use cases::{CASES, Case, DIFFERENCES, LEFT_OUT};
use library::Library;

#[tokio::test]
async fn the_simulator_answers_what_was_recorded() {
    let Some(library) = Library::open() else {
        say("skipped: there are no recordings beside the checkout");
        return;
    };
    let mut complaints = unclaimed(&library);
    let (mut needed, mut lines) = (BTreeSet::new(), Vec::new());
    for case in CASES {
        let replay = (case.prepare)(&library, case.recording);
        lines.push(format!("covered   {:<58} {}", case.title(), replay.request()));
        for found in replay.differences().await {
            match DIFFERENCES.iter().position(|known| known.explains(case, &found)) {
                Some(index) => drop(needed.insert(index)),
                None => complaints.push(format!("{}: {found}", case.title())),
            }
        }
    }
    lines.extend(LEFT_OUT.iter().map(|(file, reason)| format!("left out  {file:<58} {reason}")));
    for (index, known) in DIFFERENCES.iter().enumerate() {
        lines.push(format!("differs   {:<58} {}: {}", known.case, known.path, known.reason));
        if !needed.contains(&index) {
            complaints.push(format!("{}: nothing differs at {} any more", known.case, known.path));
        }
    }
    lines.push(format!(
        "recordings: {} replays, {} known differences, {} files or folders left out",
        CASES.len(),
        DIFFERENCES.len(),
        LEFT_OUT.len()
    ));
    say(&lines.join("\n"));
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Shown also of a test that passes, whose output `cargo test` catches only when a print macro wrote it.
fn say(lines: &str) {
    writeln!(std::io::stderr().lock(), "{lines}").unwrap();
}

/// Files that no case replays and no reason leaves out, and reasons for files there are none of.
fn unclaimed(library: &Library) -> Vec<String> {
    let left_out = |file: &str| LEFT_OUT.iter().any(|(pattern, _)| matches_file(pattern, file));
    let covered = |file: &str| CASES.iter().any(|case| case.recording == file);
    let new = library.files().iter().filter(|file| !covered(file) && !left_out(file));
    let new = new.map(|file| format!("{file}: neither replayed nor left out with a reason"));
    let gone =
        LEFT_OUT.iter().filter(|(pattern, _)| !library.files().iter().any(|f| matches_file(pattern, f)));
    new.chain(gone.map(|(pattern, _)| format!("{pattern}: left out, but there is no such file"))).collect()
}

/// A file, or a folder with a slash at its end.
fn matches_file(pattern: &str, file: &str) -> bool {
    pattern == file || (pattern.ends_with('/') && file.starts_with(pattern))
}

impl Case {
    /// The file, and what sets this replay of it apart.
    fn title(&self) -> String {
        match self.variant {
            "" => self.recording.to_owned(),
            variant => format!("{} ({variant})", self.recording),
        }
    }
}
