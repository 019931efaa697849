//! The register: the conditions and effects of `store::execution`, once more, as a pure function on the model's record.
//!
//! `held` is the record as the writer last saw it, `fenced` whether its fence and nonce are still the record's. A release is
//! not here: it changes only the lease, which the model does not have.

use store::record::{REPLANS, State};

use crate::mutant::Mutant;
use crate::state::{Change, Debt, Plan, Quiet, Record, Sent, Version};

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Ours, and the record as it is now.
    Ours(Record),
    /// Terminal.
    Done(Record),
}

/// `claim()`: `attribute_not_exists(pk) OR (UNFINISHED AND lease_until < :now)`. The lease counts as over; that it may as
/// well not be is the world's other choice.
pub(crate) fn claim(stored: Option<&Record>, company_now: Version) -> Claimed {
    match stored {
        // SET st = if_not_exists(st, CLAIMED), realm = if_not_exists(realm, :realm)
        None => Claimed::Ours(Record::claimed(company_now)),
        Some(record) if record.state.is_terminal() => Claimed::Done(*record),
        Some(record) => Claimed::Ours(*record),
    }
}

/// `owe_callback()`, unfenced: `attribute_exists(pk) AND UNFINISHED AND (attribute_not_exists(callback_due) OR callback_due <
/// :soon)`. Refused while unfinished, a promise stands. None: it is done.
pub(crate) fn promise(stored: &Record) -> Option<Record> {
    // SET callback_due = :until, due = :due
    (!stored.state.is_terminal()).then_some(Record { debt: Debt::Far, ..*stored })
}

/// `Settle`: `fence = :fence AND st = :was AND callback_due = :due`. The record, and whether it stays due. None: refused.
pub(crate) fn settle(
    stored: &Record,
    held: &Record,
    fenced: bool,
    mutant: Option<Mutant>,
) -> Option<(Record, bool)> {
    let the_same = fenced && stored.debt == held.debt || mutant == Some(Mutant::SettleBlind);
    let may = the_same && stored.state == held.state && stored.debt.is_owed();
    // REMOVE callback_due; and due, next_at when the held state is terminal
    may.then_some((Record { debt: Debt::None, ..*stored }, !held.state.is_terminal()))
}

/// `describe()`: one change by the holder. The record, and whether it stays due. None: refused.
pub(crate) fn write(
    stored: &Record,
    held: &Record,
    fenced: bool,
    change: Change,
    mutant: Option<Mutant>,
) -> Option<(Record, bool)> {
    // Every condition of a holder's write begins with "fence = :fence", most with "AND lease_owner = :nonce" too.
    if !fenced && !matches!(mutant, Some(Mutant::LikePowertools | Mutant::NoFence)) {
        return None;
    }
    let next = if change.is_final() {
        return finish(stored, held, change, mutant);
    } else if matches!(held.state, State::DocDone | State::PaySent) {
        pay(stored, change)
    } else {
        document(stored, held, change, mutant)
    };
    next.map(|record| (record, true))
}

/// The writes of the document.
fn document(stored: &Record, held: &Record, change: Change, mutant: Option<Mutant>) -> Option<Record> {
    let is_quiet = stored.quiet == Quiet::Running && mutant != Some(Mutant::QueryWithoutQuietPeriod);
    match (change, stored.state) {
        // st = CLAIMED AND attribute_not_exists(plan) AND realm = :realm
        (Change::Freeze, State::Claimed) => {
            let plan =
                held.plan.filter(|plan: &Plan| plan.company == stored.realm && stored.plan.is_none())?;
            Some(Record { state: State::Planned, plan: Some(plan), ..*stored })
        }
        // (st = PLANNED AND no quiet period or one that is over) OR (st = SENT AND quiet_until < :now)
        (Change::Intend, State::Planned | State::Sent) if !is_quiet => {
            (stored.state == State::Planned || stored.quiet != Quiet::None).then_some(Record {
                state: State::Sent,
                quiet: Quiet::Running,
                // first_sent_at = if_not_exists(first_sent_at, :now)
                sent: if stored.sent == Sent::Never { Sent::Lately } else { stored.sent },
                ..*stored
            })
        }
        // st = SENT; REMOVE quiet_until
        (Change::Unsend, State::Sent) => {
            Some(Record { state: State::Planned, quiet: Quiet::None, ..*stored })
        }
        // st = SENT AND plan_v < REPLANS; REMOVE plan, quiet_until
        (Change::Replan, State::Sent) if u64::from(stored.plan_version) < REPLANS => Some(Record {
            state: State::Claimed,
            plan: None,
            plan_version: stored.plan_version + 1,
            quiet: Quiet::None,
            ..*stored
        }),
        // st = SENT; SET doc_id, pay_plan; REMOVE quiet_until. There is always something to pay here.
        (Change::Record, State::Sent) => Some(recorded(stored)),
        (Change::Record, State::Planned) if mutant == Some(Mutant::NoIntent) => Some(recorded(stored)),
        _ => None,
    }
}

fn recorded(stored: &Record) -> Record {
    Record {
        state: State::DocDone,
        made: true,
        pay_plan: true,
        quiet: Quiet::None,
        sent: Sent::Never,
        ..*stored
    }
}

/// The writes of the payment.
fn pay(stored: &Record, change: Change) -> Option<Record> {
    let is_quiet = stored.quiet == Quiet::Running;
    match (change, stored.state) {
        // attribute_exists(pay_plan) AND attribute_not_exists(pay_id)
        // AND ((st = DOC_DONE AND no quiet period or one that is over) OR (st = PAY_SENT AND quiet_until < :now))
        (Change::Intend, State::DocDone | State::PaySent)
            if !is_quiet && stored.pay_plan && !stored.pay_id =>
        {
            (stored.state == State::DocDone || stored.quiet != Quiet::None).then_some(Record {
                state: State::PaySent,
                quiet: Quiet::Running,
                // pay_first_sent_at = if_not_exists(pay_first_sent_at, :now)
                sent: if stored.sent == Sent::Never { Sent::Lately } else { stored.sent },
                ..*stored
            })
        }
        // st = PAY_SENT AND attribute_not_exists(pay_id); REMOVE quiet_until
        (Change::Unsend, State::PaySent) if !stored.pay_id => {
            Some(Record { state: State::DocDone, quiet: Quiet::None, ..*stored })
        }
        // st = PAY_SENT AND attribute_not_exists(pay_id); SET pay_id; REMOVE quiet_until
        (Change::Record, State::PaySent) if !stored.pay_id => {
            Some(Record { pay_id: true, quiet: Quiet::None, ..*stored })
        }
        // st = PAY_SENT AND attribute_not_exists(pay_id); SET pay_refused; REMOVE pay_plan, quiet_until
        (Change::RefusePayment, State::PaySent) if !stored.pay_id => Some(Record {
            state: State::DocDone,
            pay_refused: true,
            pay_plan: false,
            quiet: Quiet::None,
            ..*stored
        }),
        _ => None,
    }
}

/// The final writes, and what they do about a promise (`keep_promise`).
fn finish(stored: &Record, held: &Record, change: Change, mutant: Option<Mutant>) -> Option<(Record, bool)> {
    // callback_due exists if and only if the writer knows of it: the debt keeps the record due.
    let promise_as_held = stored.debt.is_owed() == held.debt.is_owed();
    if !promise_as_held && mutant != Some(Mutant::FinalWriteBlind) {
        return None;
    }
    let due = held.debt.is_owed() && mutant != Some(Mutant::FinalWriteDropsDue);
    let (may, state) = match change {
        // (st = DOC_DONE AND attribute_not_exists(pay_plan)) OR (st = PAY_SENT AND attribute_exists(pay_id))
        Change::Complete => {
            let nothing_to_pay = stored.state == State::DocDone && !stored.pay_plan;
            let paid = stored.state == State::PaySent && stored.pay_id;
            (nothing_to_pay || paid, State::Completed)
        }
        // st IN (CLAIMED, PLANNED, SENT)
        Change::Fail => {
            (matches!(stored.state, State::Claimed | State::Planned | State::Sent), State::Failed)
        }
        // st IN (SENT, DOC_DONE, PAY_SENT)
        _ => (matches!(stored.state, State::Sent | State::DocDone | State::PaySent), State::NeedsReview),
    };
    // REMOVE plan, pay_plan, doc, quiet_until: all but a review leave with their personal data.
    let ended = match state {
        State::NeedsReview => Record { state, ..*stored },
        _ => Record { state, plan: None, pay_plan: false, quiet: Quiet::None, ..*stored },
    };
    may.then_some((ended, due))
}

/// `promised_since()`: a final write was refused only because of what HubSpot was promised meanwhile, or no longer waits for.
pub(crate) fn promised_since(stored: &Record, held: &Record, fenced: bool) -> bool {
    fenced && held.state == stored.state && held.debt.is_owed() != stored.debt.is_owed()
}
