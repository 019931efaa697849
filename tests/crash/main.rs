//! The real binaries, killed and crowded: one document for each execution all the same (reliability.md §c, rulings.md 25, 26).
//!
//! - [`points`]: the process of an action, and the reconciler's, is killed at each request it makes, before and after.
//! - [`companies`]: the process that connects a company, or takes one away, is killed at each request it makes.
//! - [`refresh`]: the process that renews tokens is killed at each request it makes, under three ways to rotate.
//! - [`rounds`]: sixty-four deliveries of one execution at once, and hundreds of deals of one new contact.
//! - [`seen`]: that the checks would see a second document.
//!
//! `cargo test -p tests --test crash` runs a part of it in about two minutes, and `PROOF=full` before it runs all of it. Each
//! test prints what it did, whether it passes or not.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

mod bench;
#[path = "../suite/canaries.rs"]
mod canaries;
mod case;
mod companies;
mod points;
mod refresh;
mod rounds;
mod seen;

/// Whether all of it is wanted.
fn full() -> bool {
    std::env::var("PROOF").is_ok_and(|proof| proof == "full")
}

/// Past the test harness, which shows what a test prints only when it fails.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
