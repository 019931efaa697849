//! Situations that a run of the suite must have met often, or it proves little.

macro_rules! situations {
    ($($name:ident: $words:literal),* $(,)?) => {
        /// A named situation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Rare {
            $(#[doc = $words] $name),*
        }

        impl Rare {
            /// All of them, with their words.
            pub(crate) const ALL: &[(Self, &str)] = &[$((Self::$name, $words)),*];
        }
    };
}

situations! {
    TakenOverClaimed: "taken over while CLAIMED",
    TakenOverPlanned: "taken over while PLANNED",
    TakenOverSent: "taken over while SENT",
    TakenOverDocDone: "taken over while DOC_DONE",
    TakenOverPaySent: "taken over while PAY_SENT",
    Adopted: "document adopted by its marker",
    AdoptedEarly: "document adopted before the quiet period ended",
    PaymentAdopted: "payment adopted",
    AdoptedRestored: "adopted what a restored table had forgotten",
    Resent: "document sent again after the quiet period",
    PaymentResent: "payment sent again after the quiet period",
    LookedTooEarly: "marker absent within the quiet period",
    LandedAfterLook: "document appeared after a look had not found it",
    Unsend: "intent taken back",
    PaymentUnsend: "payment's intent taken back",
    ReplannedOnce: "planned anew once",
    ReplannedTwice: "planned anew twice",
    PaymentRefused: "payment refused, document kept",
    PromisedByOther: "callback promised by a delivery that did not hold the record",
    PromiseFoundDone: "promise came too late: the record was done",
    FinalRepeated: "final write repeated because of a promise",
    EffectAfterDeath: "effect landed after its attempt's death",
    WriteAfterDeath: "write landed after its attempt's death",
    TwoBlocked: "two deliveries told to wait",
    EarlyReview: "HubSpot told to have a person look, record unfinished",
    WaitOver: "failed because HubSpot's wait ended and nothing was sent",
    Unresolved: "unresolved for seven days",
    Suspect: "a suspect document put up for review",
    DealEditedBefore: "deal edited before the freeze",
    DealEditedAfter: "deal edited after the freeze",
    CompanySwitchedBefore: "company switched before the freeze",
    CompanySwitchedAfter: "company switched after the freeze",
    DeployedBetween: "plan maker changed while unfinished",
    StaleRefused: "stale writer refused by the fence",
    OwnAck: "own write with a lost reply recognised",
    Killed: "attempt killed at its time limit",
    OutOfTime: "given back because the time was up",
    Running: "claim met a holder",
    Replayed: "stored answer given to a later delivery",
    Renewed: "token renewed and the same document sent again",
    Disconnected: "company disconnected while sent",
    CalledBackTwice: "called back again because the first reply was lost",
    CallbackOvertook: "callback came before the answer that announced it",
    RestoredToNone: "table restored to before the record",
    RestoredToClaimed: "table restored, record CLAIMED again",
    RestoredToPlanned: "table restored, record PLANNED again",
    RestoredToSent: "table restored, record SENT again",
    RestoredToDocDone: "table restored, record DOC_DONE again",
    RestoredToPaySent: "table restored, record PAY_SENT again",
    RestoredToTheEnd: "table restored, record at its end already",
    Redelivered: "HubSpot delivered again, after a 503 or no answer",
    GaveUp: "HubSpot's own three days of retries ended",
    PaymentPlannedAgain: "a refused payment planned again by a retry",
    RetryDone: "a retry completed",
    RetryFailed: "a retry failed in its turn",
    Mailed: "document e-mailed",
    MailUnsend: "mail's mark taken back",
    MailUnclear: "answered that it may have been mailed",
    MailUntried: "completed without the mail, by choice",
    MailRefused: "mail refused, or not asked for",
    AnsweredTooLate: "answered after the gateway had given up",
}
