//! Why an attempt stopped short, and what HubSpot is told when its wait ends with that.

use mapping::quickbooks::DocumentKind;

use super::{Code, Failure};

/// Why an attempt ended without an end: the next one goes on where it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another attempt works on the same record, or on a customer it needs.
    InProgress,
    /// Another attempt took the record from us.
    TakenOver,
    /// Our table or secrets do not answer.
    StoreDown,
    /// Whether our last write to the record took place is not known.
    Unwritten,
    /// A request of ours was refused, or what we kept cannot be read: our own mistake.
    Internal,
    /// HubSpot does not answer.
    HubSpotDown,
    /// HubSpot's limit is reached.
    HubSpotThrottled,
    /// QuickBooks does not answer.
    QuickBooksDown,
    /// QuickBooks' limit is reached.
    QuickBooksThrottled,
    /// The company is not connected any more; the document exists, and its payment waits.
    Disconnected,
    /// A send may or may not have had an effect; nothing more is sent before that is known.
    OutcomeUnknown,
    /// Too little of the function's time is left to send and to record.
    OutOfTime,
    /// Another attempt is renewing the tokens that this one needs.
    TokensBusy,
}

impl Trouble {
    /// The code in the answer's body.
    pub fn code(&self) -> Code {
        match self {
            Self::InProgress
            | Self::TakenOver
            | Self::OutcomeUnknown
            | Self::OutOfTime
            | Self::TokensBusy => Code::InProgress,
            Self::StoreDown | Self::Unwritten | Self::Internal => Code::Internal,
            Self::Disconnected => Code::ConnectionExpired,
            Self::HubSpotDown | Self::QuickBooksDown => Code::UpstreamDown,
            Self::HubSpotThrottled | Self::QuickBooksThrottled => Code::Throttled,
        }
    }

    /// What HubSpot is told when its wait ends and nothing was sent.
    pub fn failure(&self, what: DocumentKind) -> Failure {
        let what = what.noun();
        let (subject, cause) = match self {
            Self::HubSpotDown => ("HubSpot", "HubSpot could not be read for hours"),
            Self::HubSpotThrottled => ("HubSpot", "HubSpot's limit of calls was used up for hours"),
            Self::QuickBooksDown => ("QuickBooks", "QuickBooks did not answer for hours"),
            Self::QuickBooksThrottled => ("QuickBooks", "QuickBooks' limit of calls was used up for hours"),
            Self::Disconnected => ("QuickBooks", "the company is not connected any more"),
            Self::InProgress
            | Self::TakenOver
            | Self::OutcomeUnknown
            | Self::OutOfTime
            | Self::TokensBusy => ("QuickBooks", "it took too long"),
            Self::StoreDown | Self::Unwritten | Self::Internal => {
                ("QuickBooks workflow actions", "this app made a mistake that its developers must mend")
            }
        };
        let message = format!("The {what} was not created: {cause}. Enroll the record again.");
        Failure::new(self.code(), subject, message)
    }

    /// All of them.
    const ALL: [Self; 13] = [
        Self::InProgress,
        Self::TakenOver,
        Self::StoreDown,
        Self::Unwritten,
        Self::Internal,
        Self::HubSpotDown,
        Self::HubSpotThrottled,
        Self::QuickBooksDown,
        Self::QuickBooksThrottled,
        Self::Disconnected,
        Self::OutcomeUnknown,
        Self::OutOfTime,
        Self::TokensBusy,
    ];

    /// The trouble that a record keeps, if it keeps one and not a failure's code.
    pub(crate) fn read(kept: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trouble| trouble.as_str() == kept)
    }

    /// What is kept on the record, for the log and for people.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::TakenOver => "TAKEN_OVER",
            Self::StoreDown => "STORE_DOWN",
            Self::Unwritten => "UNWRITTEN",
            Self::Internal => "INTERNAL",
            Self::HubSpotDown => "HUBSPOT_DOWN",
            Self::HubSpotThrottled => "HUBSPOT_THROTTLED",
            Self::QuickBooksDown => "QUICKBOOKS_DOWN",
            Self::QuickBooksThrottled => "QUICKBOOKS_THROTTLED",
            Self::Disconnected => "DISCONNECTED",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::OutOfTime => "OUT_OF_TIME",
            Self::TokensBusy => "TOKENS_BUSY",
        }
    }
}
