//! Seeded mistakes: the model must find each of them, or it proves nothing. Chosen at run time; each changes one decision
//! around [`app::protocol::next`], one condition of the register or one habit of the world.

use crate::check::Check;
use crate::world::Semantics;

/// A mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// M1: writes carry no fence, an unclear outcome deletes the record, and each attempt draws a new request id.
    LikePowertools,
    /// M2: each attempt draws a new request id.
    FreshRequestId,
    /// M3: the marker is looked for, but nobody waits for the quiet period.
    QueryWithoutQuietPeriod,
    /// M4: a POST without an answer is sent again at once, and QuickBooks ignores request ids.
    ReplayAtOnce,
    /// M5: the bytes are not frozen: each send reads the deal anew.
    DealReadAnew,
    /// M6: no intent is written before a POST.
    NoIntent,
    /// M7: as M4, with an honoured id: a 400 comes while another send is under way.
    ReplayAtOnceWithId,
    /// M8: a record expires while HubSpot may still deliver.
    RecordExpires,
    /// M9: writes carry no fence.
    NoFence,
    /// M10: the company is not frozen: each send goes to the portal's present choice.
    CompanyChosenAnew,
    /// M11: a 5xx or a time-out is taken as "not done".
    OutageMeansNotDone,
    /// M12: a 5xx or a time-out is taken as "failed".
    OutageMeansFailed,
    /// M13: a new plan is made while a send of the old one may still take effect.
    ReplanWithSendAlive,
    /// M14: the request id does not change with the plan.
    RequestIdKeptOverReplan,
    /// M15: a final write takes the record out of the due work although HubSpot waits.
    FinalWriteDropsDue,
    /// M16: a final write does not ask whether a promise was made meanwhile.
    FinalWriteBlind,
    /// M17: BLOCK is answered and nothing is written down.
    BlockWithoutPromise,
    /// M18: whether the quiet period is over is judged by the clock after the books were searched, not before.
    ClockReadAfterLook,
    /// M19: a settlement does not ask whether the promise was renewed meanwhile.
    SettleBlind,
}

impl Mutant {
    /// All of them.
    pub(crate) const ALL: [Self; 19] = [
        Self::LikePowertools,
        Self::FreshRequestId,
        Self::QueryWithoutQuietPeriod,
        Self::ReplayAtOnce,
        Self::DealReadAnew,
        Self::NoIntent,
        Self::ReplayAtOnceWithId,
        Self::RecordExpires,
        Self::NoFence,
        Self::CompanyChosenAnew,
        Self::OutageMeansNotDone,
        Self::OutageMeansFailed,
        Self::ReplanWithSendAlive,
        Self::RequestIdKeptOverReplan,
        Self::FinalWriteDropsDue,
        Self::FinalWriteBlind,
        Self::BlockWithoutPromise,
        Self::ClockReadAfterLook,
        Self::SettleBlind,
    ];

    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        let number = Self::ALL.iter().position(|known| *known == self).unwrap_or_default() + 1;
        format!("M{number}")
    }

    /// The world in which it does harm, and the checks that must each see it. All other checks are off meanwhile, so that a
    /// mistake is caught by its consequence and not by the first rule that it breaks.
    pub(crate) fn caught(self) -> (Semantics, &'static [Check]) {
        use Check::*;
        use Semantics::*;
        match self {
            Self::LikePowertools => (Honoured, &[Duplicate]),
            Self::FreshRequestId => (Blind, &[Duplicate]),
            Self::QueryWithoutQuietPeriod => (Ignored, &[Duplicate]),
            Self::ReplayAtOnce => (Ignored, &[Duplicate, AnotherSendAlive]),
            Self::DealReadAnew => (Ignored, &[NotTheFrozenBytes]),
            Self::NoIntent => (Ignored, &[Duplicate, Check::NoIntent]),
            Self::ReplayAtOnceWithId => (Honoured, &[FailedButExists]),
            Self::RecordExpires => (Ignored, &[Duplicate, AnswersDiffer]),
            Self::NoFence => (Honoured, &[FailedButExists]),
            Self::CompanyChosenAnew => (Honoured, &[AnotherCompany]),
            Self::OutageMeansNotDone => (Ignored, &[Duplicate]),
            Self::OutageMeansFailed => (Honoured, &[FailedButExists, CompletedWithout]),
            Self::ReplanWithSendAlive => (Honoured, &[Duplicate]),
            Self::RequestIdKeptOverReplan => (Honoured, &[AnswerOfOtherBytes]),
            Self::FinalWriteDropsDue => (Honoured, &[DebtNotDue, DeadEnd]),
            Self::FinalWriteBlind => (Honoured, &[DebtNotDue]),
            Self::BlockWithoutPromise => (Honoured, &[LeftWaiting]),
            Self::ClockReadAfterLook => (Ignored, &[Duplicate]),
            Self::SettleBlind => (Honoured, &[LeftWaiting]),
        }
    }
}
