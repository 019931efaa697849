//! What a run is made of, and what happens in it whatever attempts do.

use mapping::quickbooks::DocumentKind;

use crate::books::RequestIds;
use crate::fault::Faults;
use crate::mutant::Mutant;
use crate::retry::Retry;

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) kind: DocumentKind,
    /// An invoice that is to be paid.
    pub(crate) paid: bool,
    /// What is made is to be e-mailed.
    pub(crate) mailed: bool,
    pub(crate) request_ids: RequestIds,
    /// How long after an effect queries may not show it.
    pub(crate) lag: i64,
    /// A workflow asked.
    pub(crate) workflow: bool,
    /// HubSpot can be called back.
    pub(crate) may_block: bool,
    pub(crate) agenda: Vec<(i64, Happening)>,
    /// The first of the reconciler's rounds, one a minute.
    pub(crate) first_round: i64,
    /// From when to when QuickBooks does not answer.
    pub(crate) books_down: Option<(i64, i64)>,
    /// From when to when HubSpot does not answer.
    pub(crate) hubspot_down: Option<(i64, i64)>,
    pub(crate) faults: Faults,
    /// Calls take all kinds of time.
    pub(crate) rough: bool,
    pub(crate) clocks_differ: bool,
    /// HubSpot delivers again what it was answered 5xx or nothing about.
    pub(crate) redelivers: bool,
    /// The table was restored, and safe mode is on: what was sent meanwhile is forgotten.
    pub(crate) restored: Option<Restored>,
    /// The table will be restored to an earlier moment of the run.
    pub(crate) restores: bool,
    /// The document is only to be shown.
    pub(crate) preview: bool,
    /// The execution is a retry: HubSpot delivers nothing.
    pub(crate) retry: Option<Retry>,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) trace: bool,
}

/// What an execution had sent before the table was restored to a time without it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restored {
    /// When the document takes effect; none: it has already.
    pub(crate) landing: Option<i64>,
    /// Its payment was made too.
    pub(crate) paid: bool,
}

/// What happens at its time, whatever attempts do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// HubSpot delivers.
    Delivery,
    /// HubSpot delivers again, unless it was answered meanwhile.
    Redelivery,
    /// The reconciler's round begins.
    Round,
    EditDeal,
    SwitchCompany,
    /// Another version of the code makes other plans.
    Deploy,
    /// The first company is disconnected, or connected again.
    Disconnect,
    Reconnect,
    /// A person removes the marker of what was made.
    RemoveMarker,
    /// All clocks are moved by chance.
    MoveClocks,
    /// The table is restored to an earlier moment, and safe mode begins.
    Restore,
}
