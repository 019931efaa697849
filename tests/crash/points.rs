//! A process is killed with SIGKILL at each request it makes: before it is sent, after it was sent without effect, after its
//! effect, after its reply. HubSpot delivers again, the reconciler goes on, and exactly one document is there.

use futures::StreamExt;
use jiff::SignedDuration;
use local::proxy::Moment;
use serde_json::Value;

use crate::bench::{Bench, Point, RequestIds};
use crate::case::{ACTIONS, Case, Execution, Scenario};
use crate::{full, say};

const SCENARIOS: [Scenario; 5] = [
    Scenario::NewCustomer,
    Scenario::KnownCustomer,
    Scenario::Paid,
    Scenario::LostReply,
    Scenario::NewItemMailed,
];

/// What the reconciler goes on with. The first two were answered `BLOCK`: one is found, one is sent again and then paid; the third
/// is the retry of a refused payment.
const LEFT: [Scenario; 3] = [Scenario::LostReply, Scenario::NothingMade, Scenario::RefusedPayment];

/// Without `PROOF=full` each point is run with request ids either honoured or ignored, not with both; and of the other actions
/// than the invoice, of a retried payment, and of the reconciler with an invoice, only every so many-th. Odd, so that all moments
/// take turns.
const OTHERS_SHARE: usize = 9;
const RECONCILER_S_SHARE: usize = 3;

/// So many runs share a stack: what it holds grows with each.
const RUNS_OF_A_STACK: usize = 40;

/// Stacks at a time: a part of a run is waiting.
const STACKS_AT_ONCE: usize = 3;

/// Until no lease holds and no quiet period lasts.
const QUIET: SignedDuration = SignedDuration::from_mins(5);

/// More than one point of so many may never be come to: how often a record is tried to be written is left to chance.
const MISSED_ONE_IN: usize = 20;

/// Whose process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// The action's, when HubSpot delivers.
    Action,
    /// The reconciler's, when it goes on with an execution that was answered `BLOCK`, or with a retry.
    Reconciler,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    victim: Victim,
    case: Case,
}

/// A trial with a point, what QuickBooks makes of request ids, and a number that no other run has.
struct Run {
    serial: usize,
    trial: Trial,
    point: Point,
    request_ids: RequestIds,
}

/// How a run ended.
enum End {
    /// As it must.
    Well,
    /// As it must, and nobody was killed.
    Missed,
    Badly(String),
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_an_action_is_killed_there_is_one_document() {
    prove(Victim::Action, &SCENARIOS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_reconciler_is_killed_there_is_one_document() {
    prove(Victim::Reconciler, &LEFT).await;
}

async fn prove(victim: Victim, scenarios: &[Scenario]) {
    let started = std::time::Instant::now();
    let (mut runs, mut points) = (Vec::new(), 0);
    let bench = Bench::start(RequestIds::Honoured).await;
    let cases =
        ACTIONS.iter().flat_map(|action| scenarios.iter().map(|scenario| Case::new(*action, *scenario)));
    for case in cases.filter(|case| case.is_possible()) {
        let trial = Trial { victim, case };
        let all = trial.points(&bench, points).await;
        points += all.len();
        for (nth, point) in all.into_iter().enumerate().step_by(trial.share()) {
            for request_ids in trial.semantics(nth) {
                let serial = 10_000 + runs.len();
                runs.push(Run { serial, trial, point: point.clone(), request_ids: *request_ids });
            }
        }
    }
    drop(bench);
    let count = runs.len();
    let ignored = runs.iter().filter(|run| run.request_ids == RequestIds::Ignored).count();
    let ends = all_of(runs).await;
    let missed = ends.iter().filter(|end| matches!(end, End::Missed)).count();
    let bad: Vec<_> =
        ends.into_iter().filter_map(|end| if let End::Badly(why) = end { Some(why) } else { None }).collect();
    let took = started.elapsed();
    say(&format!(
        "{victim:?} killed: {points} crash points, {count} runs of them, {ignored} with request ids ignored; {missed} never \
         came to theirs; {took:.0?}"
    ));
    assert!(bad.is_empty(), "{} of {count}:\n{}", bad.len(), bad.join("\n\n"));
    say(
        "    … one document, one payment where one is due, one customer, one product, one mail at most, and nothing left to do, each time",
    );
    assert!(missed * MISSED_ONE_IN <= count, "too many were not killed");
}

async fn all_of(mut runs: Vec<Run>) -> Vec<End> {
    let mut stacks = Vec::new();
    for request_ids in RequestIds::BOTH {
        let mut same: Vec<Run> = runs.extract_if(.., |run| run.request_ids == request_ids).collect();
        while !same.is_empty() {
            stacks.push((request_ids, same.split_off(same.len().saturating_sub(RUNS_OF_A_STACK))));
        }
    }
    let ends = futures::stream::iter(stacks).map(|(request_ids, runs)| async move {
        let bench = Bench::start(request_ids).await;
        let mut ends = Vec::new();
        for run in runs {
            ends.push(run.end(&bench).await);
        }
        ends
    });
    ends.buffer_unordered(STACKS_AT_ONCE).collect::<Vec<_>>().await.into_iter().flatten().collect()
}

/// # Errors
/// What is wrong in the end.
pub(crate) async fn settled_well(bench: &Bench, execution: &Execution) -> Result<Value, String> {
    let shown = bench.settled(&execution.callback_id).await?;
    let shown = execution.told(bench, shown).await;
    execution.verify(bench, &shown).await?;
    Ok(shown)
}

impl Trial {
    fn function(self) -> &'static str {
        match self.victim {
            Victim::Action => self.case.action,
            Victim::Reconciler => "reconcile",
        }
    }

    /// One in so many of its points is run.
    fn share(self) -> usize {
        match (self.victim, self.case.action) {
            _ if full() => 1,
            (Victim::Action, "invoice") => 1,
            _ if self.case.scenario == Scenario::RefusedPayment => OTHERS_SHARE,
            (Victim::Reconciler, "invoice") => RECONCILER_S_SHARE,
            _ => OTHERS_SHARE,
        }
    }

    /// What QuickBooks makes of request ids when it is killed at its `nth` point. In turns, and the other way round at the next
    /// request: so each request dies under both.
    fn semantics(self, nth: usize) -> &'static [RequestIds] {
        let (request, moment) = (nth / Moment::ALL.len(), nth % Moment::ALL.len());
        match (full(), (request + moment) % 2) {
            (true, _) => &RequestIds::BOTH,
            (false, turn) => &RequestIds::BOTH[turn..=turn],
        }
    }

    /// Brings an execution to where the victim begins.
    async fn begin(self, bench: &Bench, execution: &Execution) {
        if self.victim == Victim::Reconciler {
            let shown = bench.stack.execute(&execution.enrollment).await.unwrap();
            if self.case.scenario == Scenario::RefusedPayment {
                assert_eq!(shown["outputs"]["status"], "partly_paid", "{shown:#}");
                execution.retry(bench).await;
            } else {
                assert_eq!(shown["state"], "BLOCK");
            }
            bench.stack.advance_clock(QUIET);
        }
    }

    /// What the victim is killed in: HubSpot's delivery, repeated as HubSpot does, or one tick of the schedule.
    async fn work(self, bench: &Bench, execution: &Execution) {
        match self.victim {
            Victim::Action => drop(bench.stack.execute(&execution.enrollment).await.unwrap()),
            Victim::Reconciler => drop(bench.stack.tick("reconcile").await),
        }
    }

    /// Lets it run undisturbed, and answers each moment of each of its requests.
    async fn points(self, bench: &Bench, serial: usize) -> Vec<Point> {
        let execution = self.case.prepared(bench, serial).await;
        self.begin(bench, &execution).await;
        let ((), requests) = bench.watched(self.function(), self.work(bench, &execution)).await;
        if let Err(why) = settled_well(bench, &execution).await {
            panic!("{self:?}, undisturbed: {why}\n{}", bench.trace(&execution.callback_id).await);
        }
        let (action, scenario) = (self.case.action, format!("{:?}", self.case.scenario));
        say(&format!("{action:<8} {scenario:<13} {:>2} requests of {}", requests.len(), self.function()));
        requests.into_iter().flat_map(|request| Moment::ALL.map(|moment| (request.clone(), moment))).collect()
    }
}

impl Run {
    async fn end(self, bench: &Bench) -> End {
        let Self { serial, trial, point, request_ids } = self;
        let execution = trial.case.prepared(bench, serial).await;
        trial.begin(bench, &execution).await;
        let ((), reached) = bench.killed(trial.function(), &point, trial.work(bench, &execution)).await;
        match (settled_well(bench, &execution).await, reached) {
            (Ok(_), true) => End::Well,
            (Ok(_), false) => End::Missed,
            (Err(why), _) => {
                let trace = bench.trace(&execution.callback_id).await;
                End::Badly(format!("{trial:?} at {point:?}, request ids {request_ids:?}: {why}\n{trace}"))
            }
        }
    }
}
