//! Mistakes that the checks must see: each is switched on at run time (rulings.md 27).

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// M2: a fresh request id for every send.
    FreshRequestId,
    /// M3: no quiet period.
    NoQuietPeriod,
    /// M4: an unclear send is repeated at once, and QuickBooks ignores request ids.
    ReplayAtOnceIgnored,
    /// M5: what is sent is planned anew, not frozen.
    PlanNotFrozen,
    /// M6: the intent is not stored.
    NoIntent,
    /// M7: an unclear send is repeated at once, and QuickBooks honours request ids.
    ReplayAtOnceHonoured,
    /// M9: writes do not carry the fence.
    NoFence,
    /// M11: a 5xx counts as "not done".
    ServerErrorNotDone,
    /// M12: a 5xx counts as "failed".
    ServerErrorFailed,
    /// An unclear send counts as outdated: planned anew under another request id (rulings.md 7).
    ReplanUnclear,
    /// The end of the record forgets that HubSpot waits.
    DebtDropped,
    /// HubSpot is told to wait before that is written down.
    PromiseUnwritten,
    /// The mark that a mail is asked for is not stored.
    NoMailMark,
    /// A mail whose outcome is not known counts as sent.
    UnclearMailSent,
}

impl Mutant {
    pub(crate) const ALL: [Self; 14] = [
        Self::FreshRequestId,
        Self::NoQuietPeriod,
        Self::ReplayAtOnceIgnored,
        Self::PlanNotFrozen,
        Self::NoIntent,
        Self::ReplayAtOnceHonoured,
        Self::NoFence,
        Self::ServerErrorNotDone,
        Self::ServerErrorFailed,
        Self::ReplanUnclear,
        Self::DebtDropped,
        Self::PromiseUnwritten,
        Self::NoMailMark,
        Self::UnclearMailSent,
    ];
}
