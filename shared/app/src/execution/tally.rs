//! What is counted of an execution: documents, ends, attempts that our own trouble ended, and what must never be.

use jiff::SignedDuration;
use store::record::{Record, State, Written};

use crate::clock;
use crate::failure::Code;
use crate::protocol::{Change, Sighting};
use crate::telemetry::{self, Ending, Metric};

/// Within this time an execution ends, or we have missed the objective (reliability.md §g.1).
const PROMISED: SignedDuration = SignedDuration::from_mins(5);

/// The marker of one execution stands on several: the promise is broken.
pub(super) fn several() -> Sighting {
    tracing::error!("the marker of one execution is in the books more than once");
    telemetry::count(Metric::Violations);
    Sighting::Several
}

/// Counts a change of the record that was tried, by what came of it.
pub(super) fn count(before: &Record, change: &Change, written: &Result<Written, store::Error>) {
    match (written, change) {
        // What could not be built is given back as our own trouble, and counted then.
        (Err(store::Error::Corrupt { .. }), change)
            if !matches!(change, Change::Fail(_) | Change::Review) => {}
        // That ended for another reason.
        (Err(_), Change::Release(trouble)) if trouble.code() != Code::Internal => {}
        (Err(_), _) => telemetry::count(Metric::OwnFailures),
        (Ok(Written::Done(_)), Change::Release(trouble)) if trouble.code() == Code::Internal => {
            telemetry::count(Metric::OwnFailures);
        }
        (Ok(Written::Done(record)), Change::Record(_))
            if matches!(before.state, State::Planned | State::Sent) =>
        {
            record.realm.iter().for_each(telemetry::made_in);
        }
        (Ok(Written::Done(record)), change) => {
            if let Some(ending) = ending(record.state, change) {
                ended(record, ending);
            }
        }
        (Ok(Written::Refused), _) => {}
    }
}

fn ended(record: &Record, ending: Ending) {
    let time = clock::now().duration_since(record.created_at).max(SignedDuration::ZERO);
    let kept = matches!(ending, Ending::Made | Ending::Refused) && time <= PROMISED;
    telemetry::measure(&[
        (Metric::Ended(ending), 1),
        (Metric::TimeToEnd, telemetry::millis(time.unsigned_abs())),
        (Metric::Missed, (!kept).into()),
    ]);
}

/// How an execution ended; none while it goes on.
fn ending(state: State, change: &Change) -> Option<Ending> {
    match (state, change) {
        (State::Completed, _) => Some(Ending::Made),
        (State::Failed, Change::Fail(failure)) => Some(of_code(failure.code)),
        (State::NeedsReview, _) => Some(Ending::Review),
        _ => None,
    }
}

/// A person at the customer's can mend what is neither the vendors' fault nor ours.
fn of_code(code: Code) -> Ending {
    match code {
        Code::Internal | Code::InProgress | Code::NeedsReview => Ending::Ours,
        Code::UpstreamDown | Code::Throttled => Ending::Vendors,
        _ => Ending::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_a_failure_is_is_told_by_its_code() {
        assert_eq!(of_code(Code::Internal), Ending::Ours);
        assert_eq!(of_code(Code::UpstreamDown), Ending::Vendors);
        for code in [Code::NoLineItems, Code::ConnectionExpired, Code::PeriodClosed, Code::QuickBooksRefused]
        {
            assert_eq!(of_code(code), Ending::Refused, "{code:?}");
        }
    }
}
