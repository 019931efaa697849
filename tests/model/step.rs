//! The names of the steps: for traces, and to count that each of them was taken.

use crate::state::{Answer, Change};

/// What happened between two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    Deliver,
    DeliverBusy,
    DeliverDone,
    Resume,
    ResumeDone,
    ClaimReplyLost,
    Plan,
    NotPossible,
    TimeUp,
    Freeze,
    Intend,
    Unsend,
    Replan,
    Record,
    Complete,
    RefusePayment,
    Fail,
    Review,
    WriteRefused,
    WriteAgain,
    WriteLost,
    WriteReplyLost,
    Send,
    NotSent,
    Land,
    NoReply,
    Throttled,
    Unauthorized,
    Refuse,
    Outdate,
    Made,
    Refused,
    Outdated,
    ReplyLost,
    LookAbsent,
    LookFound,
    LookSuspect,
    LookSeveral,
    NotSeen,
    Judge,
    Promise,
    PromiseDone,
    PromiseReplyLost,
    CannotBlock,
    CallBack,
    CallBackRefused,
    CallBackLost,
    CallBackReplyLost,
    Settle,
    SettleRefused,
    SettleLost,
    Crash,
    StrayLands,
    StrayVanishes,
    QuietEnds,
    WaitNearlyOver,
    HubSpotGivesUp,
    WeekPasses,
    DealEdited,
    RecordExpires,
}

/// Each step in words, and whether it is one that a run without faults may take: what an attempt does when all goes well,
/// what is under way comes to an end, and the quiet period with it.
const STEPS: [(Step, bool, &str); 60] = [
    (Step::Deliver, false, "HubSpot delivers; the record is claimed"),
    (Step::DeliverBusy, false, "HubSpot delivers while the lease runs"),
    (Step::DeliverDone, false, "HubSpot delivers again and is given the stored answer"),
    (Step::Resume, true, "the reconciler claims the record"),
    (Step::ResumeDone, true, "the reconciler finds the record done, and a callback owed"),
    (Step::ClaimReplyLost, false, "a claim takes place, its reply is lost"),
    (Step::Plan, true, "the deal is read and a plan made"),
    (Step::NotPossible, false, "the deal is read and cannot become a document"),
    (Step::TimeUp, false, "the attempt may begin nothing more"),
    (Step::Freeze, true, "the plan is frozen"),
    (Step::Intend, true, "the intent is written"),
    (Step::Unsend, true, "the intent is taken back"),
    (Step::Replan, true, "the plan is thrown away"),
    (Step::Record, true, "what was made is recorded"),
    (Step::Complete, true, "the record is completed"),
    (Step::RefusePayment, true, "the payment's refusal is recorded"),
    (Step::Fail, true, "the record is failed"),
    (Step::Review, true, "the record is handed to a person"),
    (Step::WriteRefused, true, "a write is refused"),
    (Step::WriteAgain, true, "a final write finds a promise made or kept since"),
    (Step::WriteLost, false, "a write is lost"),
    (Step::WriteReplyLost, false, "a write takes place, its reply is lost"),
    (Step::Send, true, "a POST leaves"),
    (Step::NotSent, false, "nothing is sent: no time, or no connection"),
    (Step::Land, true, "QuickBooks takes the POST"),
    (Step::NoReply, false, "no reply; the POST is still under way"),
    (Step::Throttled, false, "429"),
    (Step::Unauthorized, false, "401, and the same request again"),
    (Step::Refuse, false, "QuickBooks refuses for good"),
    (Step::Outdate, false, "QuickBooks refuses what a new plan may mend"),
    (Step::Made, true, "the reply arrives: made"),
    (Step::Refused, true, "the reply arrives: refused"),
    (Step::Outdated, true, "the reply arrives: outdated"),
    (Step::ReplyLost, false, "QuickBooks' reply is lost"),
    (Step::LookAbsent, true, "the books are searched: nothing"),
    (Step::LookFound, true, "the books are searched: found"),
    (Step::LookSuspect, false, "the books are searched: one that may be ours"),
    (Step::LookSeveral, false, "the books are searched: more than one of ours"),
    (Step::NotSeen, false, "the books cannot be searched"),
    (Step::Judge, true, "the clock is read after the search"),
    (Step::Promise, true, "a callback is promised; BLOCK"),
    (Step::PromiseDone, true, "too late to promise: the stored answer"),
    (Step::PromiseReplyLost, false, "a callback is promised, the reply is lost; 503"),
    (Step::CannotBlock, false, "HubSpot cannot be asked to wait; 503"),
    (Step::CallBack, true, "HubSpot is called back"),
    (Step::CallBackRefused, false, "somebody has taken the record up: HubSpot is not told early"),
    (Step::CallBackLost, false, "HubSpot does not hear the callback"),
    (Step::CallBackReplyLost, false, "HubSpot hears the callback, its reply is lost"),
    (Step::Settle, true, "the debt is settled"),
    (Step::SettleRefused, true, "the settlement is refused"),
    (Step::SettleLost, false, "the settlement is lost"),
    (Step::Crash, false, "an attempt crashes"),
    (Step::StrayLands, true, "a POST without a sender takes effect"),
    (Step::StrayVanishes, true, "a POST without a sender is lost"),
    (Step::QuietEnds, true, "the quiet period ends"),
    (Step::WaitNearlyOver, false, "HubSpot's wait is nearly over"),
    (Step::HubSpotGivesUp, false, "HubSpot delivers it no more"),
    (Step::WeekPasses, false, "a week passes"),
    (Step::DealEdited, false, "the deal is edited"),
    (Step::RecordExpires, false, "the record expires"),
];

impl Step {
    /// Steps that only a mutant takes.
    pub(crate) const MUTANTS_ONLY: [Self; 2] = [Self::Judge, Self::RecordExpires];

    /// All of them, in the order of their numbers.
    pub(crate) fn all() -> impl ExactSizeIterator<Item = Self> {
        STEPS.into_iter().map(|(step, ..)| step)
    }

    /// Whether a run without faults may take it.
    pub(crate) fn is_fair(self) -> bool {
        STEPS[self as usize].1
    }

    /// What happened, in words.
    pub(crate) fn words(self) -> &'static str {
        STEPS[self as usize].2
    }

    pub(crate) fn written(change: Change) -> Self {
        match change {
            Change::Freeze => Self::Freeze,
            Change::Intend => Self::Intend,
            Change::Unsend => Self::Unsend,
            Change::Replan => Self::Replan,
            Change::Record => Self::Record,
            Change::Complete => Self::Complete,
            Change::RefusePayment => Self::RefusePayment,
            Change::Fail => Self::Fail,
            Change::Review => Self::Review,
        }
    }

    pub(crate) fn arrived(answer: Answer) -> Self {
        match answer {
            Answer::Made => Self::Made,
            Answer::Refused => Self::Refused,
            Answer::Outdated => Self::Outdated,
        }
    }
}
