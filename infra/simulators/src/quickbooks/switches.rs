//! Behaviour the vendor's notes leave open or show in several forms, and limits a test may set: one switch each.

use rust_decimal::Decimal;
use serde::Deserialize;

/// All switches of a company; those a seed leaves out have their default, the strict choice.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Switches {
    /// How the fault 6240 tells who holds the name.
    pub(super) duplicate_name: DuplicateName,
    /// What becomes of an estimate in a company that switched them off.
    pub(super) estimates_off: EstimatesOff,
    /// The rate of automated sales tax, in percent.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub(super) tax_percent: Decimal,
    /// Whether a request id is remembered, and how long.
    pub(super) request_ids: RequestIds,
    /// Whether a refusal is remembered under its request id too. Not by default: whoever sends it again may then have
    /// an effect after all.
    pub(super) cache_faults: bool,
    /// What another body under a known request id gets.
    pub(super) other_body: OtherBody,
    /// What a request id gets whose first request is still being worked on.
    pub(super) in_progress: InProgress,
    /// How long each call is worked on before it has its effect, in real milliseconds.
    pub(super) handling_ms: u64,
    /// Whether the company's people switched on the warning about document numbers used twice (quickbooks.md §2.3).
    pub(super) warn_duplicate_number: bool,
    /// How the fault 6140 tells which document has the number.
    pub(super) duplicate_number: DuplicateNumber,
    /// Which documents must not share a number.
    pub(super) number_family: NumberFamily,
    /// The rate of a document in a foreign currency that names none.
    pub(super) omitted_rate: OmittedRate,
    /// The throttles of quickbooks.md §6.1; without them nothing is throttled.
    pub(super) limits: Option<Limits>,
    /// CorePlus calls a month until further ones are blocked (§6.2).
    pub(super) quota: Option<u64>,
    /// Whether sending a document is a CorePlus call; its class is not known (§13.12).
    pub(super) send_is_metered: bool,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            duplicate_name: DuplicateName::default(),
            estimates_off: EstimatesOff::default(),
            tax_percent: Decimal::from(8),
            request_ids: RequestIds::default(),
            cache_faults: false,
            other_body: OtherBody::default(),
            in_progress: InProgress::default(),
            handling_ms: 0,
            warn_duplicate_number: false,
            duplicate_number: DuplicateNumber::default(),
            number_family: NumberFamily::default(),
            omitted_rate: OmittedRate::default(),
            limits: None,
            quota: None,
            send_is_metered: true,
        }
    }
}

/// The Detail variants of 6240 (quickbooks.md §2.6).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DuplicateName {
    /// "Another customer, vendor or employee …".
    #[default]
    Sentence,
    /// A bare `null`.
    Null,
    /// `Id=…` of the holder, be it customer, vendor or employee.
    Id,
    /// The same in French.
    Localised,
}

/// Whether the service refuses such estimates at all is not known (quickbooks.md §2.1).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EstimatesOff {
    /// 5020.
    #[default]
    PermissionDenied,
    /// 5030.
    NotSupported,
    /// Created all the same: the preference steers the user interface only.
    Allowed,
}

/// How long the service remembers a request id is not known (quickbooks.md §1.5).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RequestIds {
    /// For ever.
    #[default]
    Honour,
    /// Not at all: every request has its effect.
    Ignore,
    /// For so many seconds of the simulator's clock.
    ForgetAfter(u64),
}

/// What the service does then is not known (quickbooks.md §1.5).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OtherBody {
    /// The first answer again; the new body is lost in silence.
    #[default]
    FirstAnswer,
    /// 600.
    DuplicateId,
}

/// What the service does then is not known (quickbooks.md §1.5).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InProgress {
    /// 600.
    #[default]
    DuplicateId,
    /// The first answer, once there is one.
    Wait,
}

/// The Detail variants of 6140 (quickbooks.md §2.3).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DuplicateNumber {
    /// In English, with `TxnType=Sales Receipt`.
    #[default]
    Sentence,
    /// In French, the type too.
    Localised,
}

/// Whether documents of different types may share a number is not known (quickbooks.md §2.3).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NumberFamily {
    /// They may not.
    #[default]
    SalesDocuments,
    /// They may.
    Type,
}

/// By the docs it is 1; the user interface looks one up (quickbooks.md §2.1).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OmittedRate {
    /// 1, however wrong that is.
    #[default]
    One,
    /// The company's rate of that day.
    LookedUp,
}

/// The throttles of one company (quickbooks.md §6.1). Two pages disagree whether the ten are a second's or at once: both.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) per_minute: usize,
    pub(super) per_second: usize,
    pub(super) at_once: usize,
    pub(super) batches_per_minute: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { per_minute: 500, per_second: 10, at_once: 10, batches_per_minute: 40 }
    }
}
