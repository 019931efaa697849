//! What can go wrong when HubSpot is called, by what the caller does next. No variant carries a body, a URL or a token.

use mapping::hubspot::RecordKind;
use std::fmt;

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The enrolled record does not exist (any more): a person has to know.
    #[error("reading the enrolled record: HubSpot does not have it")]
    NotFound,
    /// 401: the access token is to be refreshed.
    #[error("HubSpot refused the access token")]
    Unauthorized,
    /// 403: the portal has to grant these scopes, of which there is one at least: where HubSpot names none, what the call takes.
    #[error("HubSpot wants scopes the portal has not granted: {}", .0.join(" "))]
    MissingScopes(Vec<String>),
    /// 429: later (hubspot.md §8).
    #[error("HubSpot's rate limit is reached")]
    RateLimited,
    /// No usable answer: down, too slow, out of reach, locked (423), moving (477), unreadable or incomplete. Later.
    #[error("{doing}: no usable answer from HubSpot")]
    Unavailable {
        /// What was being read.
        doing: Doing,
        /// What was wrong with the answer, for the log.
        #[source]
        cause: Cause,
    },
    /// Any other 4xx: our request is wrong, and repeating it does not help.
    #[error("{doing}: HubSpot answered {status}{}", .category.as_deref().map(|c| format!(" {c}")).unwrap_or_default())]
    Refused {
        /// What was being read.
        doing: Doing,
        /// The HTTP status.
        status: u16,
        /// HubSpot's category, such as `VALIDATION_ERROR`.
        category: Option<String>,
    },
}

/// What a call was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The deal or quote, with its associations.
    ReadingRecord(RecordKind),
    /// The ids of what hangs on the record, where the record itself does not give all that is needed.
    Listing(Associated),
    /// The records that hang on it.
    Reading(Associated),
    /// An execution that HubSpot waits for.
    Completing,
    /// The portal's library of tax rates.
    ReadingTaxRates,
    /// The account the app is installed in.
    ReadingAccount,
    /// Taking the app out of an account.
    Uninstalling,
}

impl Doing {
    /// The scope it takes (hubspot.md §5.5). A record is read with what hangs on it: then its own.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::ReadingRecord(RecordKind::Deal) => "crm.objects.deals.read",
            Self::ReadingRecord(RecordKind::Quote) => "crm.objects.quotes.read",
            Self::Listing(what) | Self::Reading(what) => what.scope(),
            Self::Completing => "automation",
            Self::ReadingTaxRates => "tax_rates.read",
            Self::ReadingAccount | Self::Uninstalling => "oauth",
        }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadingRecord(_) => f.write_str("reading the enrolled record"),
            Self::Listing(what) => write!(f, "listing the record's {what}"),
            Self::Reading(what) => write!(f, "reading the record's {what}"),
            Self::Completing => f.write_str("completing the execution"),
            Self::ReadingTaxRates => f.write_str("reading the portal's tax rates"),
            Self::ReadingAccount => f.write_str("reading the account"),
            Self::Uninstalling => f.write_str("uninstalling the app"),
        }
    }
}

/// What hangs on a deal or quote and is read with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Associated {
    /// `0-1`: whom the document may be for.
    Contacts,
    /// `0-2`: likewise.
    Companies,
    /// `0-8`: what is sold.
    LineItems,
    /// `0-84`: a quote's own discounts.
    Discounts,
    /// `0-85`: a quote's own fees.
    Fees,
    /// `0-86`: a quote's own taxes.
    Taxes,
    /// `0-101`: what was paid through HubSpot.
    Payments,
}

impl Associated {
    fn scope(self) -> &'static str {
        match self {
            Self::Contacts => "crm.objects.contacts.read",
            Self::Companies => "crm.objects.companies.read",
            Self::LineItems => "crm.objects.line_items.read",
            Self::Discounts | Self::Fees | Self::Taxes => "crm.objects.quotes.read",
            Self::Payments => "crm.objects.commercepayments.read",
        }
    }
}

impl fmt::Display for Associated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contacts => "contacts",
            Self::Companies => "companies",
            Self::LineItems => "line items",
            Self::Discounts => "discounts",
            Self::Fees => "fees",
            Self::Taxes => "taxes",
            Self::Payments => "payments",
        })
    }
}

/// Why an answer is not usable.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The status says so.
    #[error("HTTP status {0}")]
    Status(u16),
    /// Nothing was sent.
    #[error("no connection")]
    NotConnected(#[source] reqwest::Error),
    /// A time limit passed.
    #[error("no complete answer in time")]
    TimedOut,
    /// The connection broke, or what came is not HTTP.
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
    /// More than the client is willing to hold.
    #[error("the answer is too large")]
    TooLarge,
    /// Not JSON, or not of the documented form. Only the place is kept: serde's own text can quote the body.
    #[error("the answer cannot be read at line {line}, column {column}")]
    Unreadable {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A record that was asked for is not in the answer: a 207, or one that vanished between two calls.
    #[error("a record that was asked for is missing from the answer")]
    Incomplete,
}

impl From<reqwest::Error> for Cause {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_connect() || error.is_builder() {
            Self::NotConnected(error)
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Broken(error)
        }
    }
}

impl From<serde_json::Error> for Cause {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable { line: error.line(), column: error.column() }
    }
}
