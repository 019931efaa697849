//! The reconciler: every minute it goes on with each execution that is due, and calls HubSpot back about those that it was
//! promised. So an execution's end does not depend on HubSpot delivering it again.

use std::collections::HashSet;
use std::convert::Infallible;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use lambda_http::LambdaEvent;
use mapping::hubspot::PortalId;
use mapping::quickbooks::DocumentKind;
use serde::Serialize;
use store::connection::Status;
use store::record::{Key, Record, State};
use tracing::Instrument;

use crate::App;
use crate::attempt;
use crate::clock;
use crate::delivery;
use crate::effects::{Deadline, later};
use crate::execution::Execution;
use crate::schedule::{self, Tick, fairly};
use crate::telemetry::{self, Metric, chain};

/// How many executions are worked on at once: an invocation's memory and a company's limit are small.
const AT_ONCE: usize = 8;

/// How many are read from each shard of the index in a run: keys only.
const AT_MOST: usize = 5_000;

/// What cannot be worked on comes again after this.
const PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// What one run did, for its log and for tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Executions that are done, with their answers.
    pub ended: u32,
    /// Executions that somebody else works on, or that must wait.
    pub waiting: u32,
    /// Executions that could not be worked on: see the log.
    pub failed: u32,
}

/// One run.
///
/// # Errors
/// None: what could not be done is due again.
pub async fn handle(app: &App, event: LambdaEvent<Tick>) -> Result<Summary, Infallible> {
    let summary = run(app, schedule::begin(&event)).await;
    tracing::info!(summary.ended, summary.waiting, summary.failed, "reconciled");
    Ok(summary)
}

/// Takes up what is due until nothing is, or the time is over. Whatever was taken up once is left alone for the rest of the
/// run: the index lags. With the kill switch on nothing is begun, but HubSpot is told what there is to tell.
async fn run(app: &App, deadline: Deadline) -> Summary {
    let (mut summary, mut seen) = (Summary::default(), HashSet::new());
    let mut oldest = None;
    while deadline.allows_a_beginning() {
        let due = match app.store.due(clock::now(), AT_MOST).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(error = chain(&error), "what is due could not be read");
                break;
            }
        };
        let fresh: Vec<Key> = due.into_iter().filter(|key| seen.insert(key.clone())).collect();
        // The first look, and the sign that the reconciler lives.
        if fresh.len() == seen.len() {
            telemetry::measure(&[(Metric::Backlog, fresh.len() as u64)]);
        }
        if fresh.is_empty() {
            break;
        }
        let mut ends = futures::stream::iter(fairly(fresh, portal))
            .map(|key| async move { resume(app, &key, deadline).await })
            .buffer_unordered(AT_ONCE);
        while let Some(end) = ends.next().await {
            match end {
                Some(left) if left.state.is_terminal() => summary.ended += 1,
                Some(left) => {
                    summary.waiting += 1;
                    oldest = oldest.into_iter().chain(left.unresolved_since).min();
                }
                None => summary.failed += 1,
            }
        }
    }
    telemetry::measure(&[(Metric::UnresolvedAge, age_s(oldest))]);
    summary
}

/// In seconds; of nothing none.
fn age_s(since: Option<Timestamp>) -> u64 {
    let age = since.map_or(SignedDuration::ZERO, |since| clock::now().duration_since(since));
    age.max(SignedDuration::ZERO).unsigned_abs().as_secs()
}

fn portal(key: &Key) -> u64 {
    match key {
        Key::Execution { portal: PortalId(portal), .. } => *portal,
        _ => 0,
    }
}

/// An execution after this attempt.
struct Left {
    state: State,
    /// Since when nobody knows whether what was sent exists.
    unresolved_since: Option<Timestamp>,
}

/// How this attempt left one execution; none when it could not be worked on.
async fn resume(app: &App, key: &Key, deadline: Deadline) -> Option<Left> {
    let Key::Execution { portal, .. } = key else { return None };
    if !deadline.allows_a_beginning() {
        return Some(Left { state: State::Claimed, unresolved_since: None });
    }
    let span = tracing::info_span!("execution", portal.id = %portal, execution.id = key.id());
    let attempt = async {
        match take_up(app, key, deadline).await {
            Ok(Some(left)) => return Some(left),
            Ok(None) => tracing::error!("the record does not say what was asked for"),
            Err(error @ store::Error::Corrupt { .. }) => {
                tracing::error!(error = chain(&error), "the record cannot be read");
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "the execution could not be resumed");
                return None;
            }
        }
        // It must not stand in the way of others.
        if let Err(error) = app.store.postpone(key, None, later(clock::now(), PAUSE)).await {
            tracing::warn!(error = chain(&error), "the execution could not be left for later");
        }
        None
    };
    attempt.instrument(span).await
}

/// None when a plan is to be made and the record does not say of what.
async fn take_up(app: &App, key: &Key, deadline: Deadline) -> Result<Option<Left>, store::Error> {
    let Some(record) = app.store.record(key).await? else { return Ok(None) };
    let Some(request) = delivery::asked_before(&record, clock::now()) else { return Ok(None) };
    let known = app.store.portal(request.portal_id).await?;
    let kind = record.action.unwrap_or(DocumentKind::Invoice);
    let execution = Execution::new(app, kind, key, &request, known.as_ref(), deadline);
    let is_connected =
        known.as_ref().zip(record.realm.as_ref()).and_then(|(portal, realm)| portal.company(realm));
    let is_connected = is_connected.is_some_and(|company| company.connection.status == Status::Ok);
    // What waits for its company to be connected again nobody here can find out.
    let sent_at = unresolved_since(&record).filter(|_| is_connected);
    let state = attempt::resume(&execution, Box::new(record)).await?;
    let is_unresolved = matches!(state, State::Sent | State::PaySent);
    Ok(Some(Left { state, unresolved_since: sent_at.filter(|_| is_unresolved) }))
}

/// Since when it may or may not exist; what this attempt sends is not old.
fn unresolved_since(record: &Record) -> Option<Timestamp> {
    match record.state {
        State::Sent => record.first_sent_at,
        State::PaySent => record.pay_first_sent_at,
        _ => None,
    }
}
