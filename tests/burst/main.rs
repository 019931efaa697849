//! A burst: thousands of deals enrolled at once for one company, against the vendors' limits, in virtual time. All end, none
//! is lost, none is made twice, no call meets a limit, and it takes little more than the tightest limit allows.
//!
//! The attempts are the real ones (`app::attempt`) over the register of the simulation; the buckets are the real rates
//! (`store::budget`); HubSpot and QuickBooks count as they say they do (hubspot.md §8, quickbooks.md §6.1).

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

mod limits;
#[path = "../sim/register.rs"]
#[expect(dead_code, reason = "the simulation asks it for more")]
mod register;
mod run;
mod world;

use std::sync::Arc;
use std::time::Duration;

use app::attempt::{self, Reply};
use futures::StreamExt;
use store::record::{Key, State};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::run::Run;
use crate::world::{Latency, World};

/// How many deals are enrolled.
const EXECUTIONS: usize = 5_000;

/// HubSpot delivers at most so many a second (hubspot.md §2.4).
const DELIVERIES_A_SECOND: u32 = 20;

/// Lambda's time limits (`template.yaml`), and how many executions a run of the reconciler works on at once
/// (`app::reconcile`).
const ACTION_LIMIT: Duration = Duration::from_secs(60);
const RUN_LIMIT: Duration = Duration::from_secs(300);
const AT_ONCE: usize = 8;

/// HubSpot's answers. Its limit is kept with five calls to spare in ten seconds, for those that come later than their turn: the
/// second step of reading a record. Were its answers more uneven, a few calls would be refused and made again later.
const HUBSPOT: Latency = Latency { mostly: (100, 400), at_times: (500, 1_000) };

/// QuickBooks' as they are mostly; and so slow that more than ten calls would be under way at once.
const USUAL: Latency = Latency { mostly: (150, 600), at_times: (1_000, 2_500) };
const SLOW: Latency = Latency { mostly: (1_000, 3_000), at_times: (4_000, 7_000) };

#[tokio::test(start_paused = true)]
async fn a_burst_of_five_thousand_ends_within_a_tenth_of_what_the_tightest_limit_allows() {
    let (world, took) = burst(EXECUTIONS, USUAL).await;
    assert_eq!(world.refused(), 0, "no limit of the vendors was met");
    let least = world.least_time();
    assert!(took <= least * 11 / 10, "{took:?} instead of {least:?}");
}

/// What is refused because ten calls are under way had no effect, and comes again later (`app::budget`).
#[tokio::test(start_paused = true)]
async fn a_slow_company_refuses_calls_and_nothing_is_lost_or_made_twice() {
    let (world, _) = burst(EXECUTIONS / 5, SLOW).await;
    assert!(world.refused() > 0, "it was not slow enough");
}

/// Enrolls so many at once, and waits until all are done: none lost, none twice, and HubSpot has all answers.
async fn burst(executions: usize, latency: Latency) -> (Arc<World>, Duration) {
    let world = Arc::new(World::new(HUBSPOT, latency));
    let began = Instant::now();
    let keys: Vec<Key> = (0..executions).map(world::key).collect();
    let mut tasks = JoinSet::new();
    for (nth, key) in keys.iter().enumerate() {
        let (world, key) = (world.clone(), key.clone());
        let at = began + Duration::from_secs(1) / DELIVERIES_A_SECOND * u32::try_from(nth).unwrap();
        tasks.spawn(async move {
            tokio::time::sleep_until(at).await;
            deliver(&world, &key).await;
        });
    }
    let reconciler = tokio::spawn(reconcile(world.clone()));
    while !world.is_over(&keys) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_secs(6 * 3600), "{}", world.report(began.elapsed()));
    }
    reconciler.abort();
    while tasks.join_next().await.is_some() {}
    let took = began.elapsed();
    writeln(&world.report(took));
    assert!(keys.iter().all(|key| world.state(key) == Some(State::Completed)), "0 lost");
    let new = keys.iter().filter_map(world::customer_key).count();
    assert_eq!(world.made(), (executions, new), "0 twice");
    assert_eq!(world.unheard(&keys), 0, "every workflow has its answer");
    (world, took)
}

/// HubSpot delivers it, again a minute later when it was told to.
async fn deliver(world: &World, key: &Key) {
    loop {
        let run = Run::delivered(world, key, ACTION_LIMIT);
        match attempt::deliver(&run).await {
            Reply::Stored(record) => return world.hear(key, record.answer.as_deref().unwrap()),
            Reply::Wait => return,
            Reply::Again(_) => tokio::time::sleep(Duration::from_secs(60)).await,
        }
    }
}

/// The reconciler's runs, one a minute, each as long as Lambda lets it.
async fn reconcile(world: Arc<World>) {
    let mut runs = JoinSet::new();
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let world = world.clone();
        runs.spawn(async move {
            let ends = Instant::now() + RUN_LIMIT;
            let mut seen = std::collections::HashSet::new();
            loop {
                let fresh: Vec<Key> =
                    world.due().into_iter().filter(|key| seen.insert(key.clone())).collect();
                if fresh.is_empty() || !Run::can_begin(ends) {
                    return;
                }
                let world = &world;
                let resumed = futures::stream::iter(fresh).map(|key| async move {
                    let Some(record) = world.record(&key).filter(|_| Run::can_begin(ends)) else { return };
                    attempt::resume(&Run::scheduled(world, &key, ends), Box::new(record)).await.unwrap();
                });
                resumed.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
            }
        });
        while runs.try_join_next().is_some() {}
    }
}

/// Past what the test harness captures: a proof shows its counts.
fn writeln(text: &str) {
    use std::io::Write;
    writeln!(std::io::stderr().lock(), "{text}").unwrap();
}
