//! What must hold in every state and at every step.

use store::record::State;

use crate::state::World;

/// A rule, named by how it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Check {
    /// Two documents, or two payments, in the books.
    Duplicate,
    /// A document in another company than the record's, which its plan is frozen for.
    AnotherCompany,
    /// COMPLETED, and there is no document; or its payment is not as the answer says.
    CompletedWithout,
    /// FAILED, and the document exists or came later.
    FailedButExists,
    /// HubSpot was told two different final answers.
    AnswersDiffer,
    /// A POST while another one may still take effect.
    AnotherSendAlive,
    /// A POST without an intent of the same attempt before it.
    NoIntent,
    /// A POST of other bytes than the frozen plan's.
    NotTheFrozenBytes,
    /// QuickBooks answered a POST with the stored answer of another one.
    AnswerOfOtherBytes,
    /// A document was sent after HubSpot was told that a person must look.
    SentAfterTold,
    /// HubSpot was told to wait and nobody owes it a callback.
    LeftWaiting,
    /// A debt that no due record holds.
    DebtNotDue,
    /// No run without faults leads from here to an end without debt.
    DeadEnd,
}

/// What can be seen of one state.
pub(crate) fn broken(world: &World) -> impl Iterator<Item = Check> {
    let record = world.record.as_ref();
    let state = record.map(|record| record.state);
    let owed = record.is_some_and(|record| record.debt.is_owed());
    let as_told = record.is_none_or(|record| {
        world.document.is_some() && (world.payment == record.pay_id && record.pay_id != record.pay_refused)
    });
    [
        (Check::CompletedWithout, state == Some(State::Completed) && !as_told),
        (Check::FailedButExists, state == Some(State::Failed) && world.document.is_some()),
        (Check::LeftWaiting, world.waits && !owed),
        (Check::DebtNotDue, owed && !world.due),
    ]
    .into_iter()
    .filter_map(|(check, broken)| broken.then_some(check))
}

/// The end that every run must be able to reach.
pub(crate) fn is_end(world: &World) -> bool {
    let done = world.record.is_some_and(|record| record.state.is_terminal() && !record.debt.is_owed());
    done && !world.waits
}
