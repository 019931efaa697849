//! Behaviour the vendor's notes leave open or show in several forms, and limits a test may set: one switch each.

use axum::http::StatusCode;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::dialect::Dialect;

/// All switches of a company; those a seed leaves out have their default, the strict choice.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Switches {
    /// How the fault 6240 tells who holds the name.
    pub(super) duplicate_name: DuplicateName,
    /// How the fault 6000 tells that a line lacks its tax code.
    pub(super) missing_tax_code: MissingTaxCode,
    /// What becomes of an estimate in a company that switched them off; whether Intuit refuses them at all is not known
    /// (quickbooks.md §2.1).
    pub(super) estimates_off: SwitchedOff,
    /// The same of a discount: several preferences steer the user interface only (§2.9).
    pub(super) discounts_off: SwitchedOff,
    /// The same of a class or location.
    pub(super) tracking_off: SwitchedOff,
    /// What the company may use at all.
    pub(super) plan: Plan,
    /// Whether the company's subscription goes on.
    pub(super) subscription: Subscription,
    /// What a product line with a negative amount gets.
    pub(super) negative_lines: NegativeLines,
    /// Decimals kept of quantities and prices, before they are multiplied too (§2.2).
    pub(super) kept_decimals: u32,
    /// How far a line's amount may be from quantity times price (§2.2).
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub(super) amount_tolerance: Decimal,
    /// Which decimals amounts have (§2.4: of currencies without any that is not known).
    pub(super) amount_decimals: AmountDecimals,
    /// How tax comes out of amounts that include it.
    pub(super) inclusive_tax: InclusiveTax,
    /// What an item gets that does not say its type.
    pub(super) omitted_item_type: OmittedItemType,
    /// The most characters of a `DisplayName`: 100 by the product, 500 by the reference (§2.6).
    pub(super) display_name_length: usize,
    /// What characters beyond Unicode's first plane get, emoji for one.
    pub(super) beyond_bmp: BeyondBmp,
    /// In which order a batch is worked on and answered.
    pub(super) batch_order: BatchOrder,
    /// The most items of a batch: 30, 10 or 50, depending on Intuit's page (§1.6).
    pub(super) batch_items: usize,
    /// The rate of automated sales tax, in percent.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub(super) tax_percent: Decimal,
    /// What a total of 0 on an invoice gets.
    pub(super) zero_invoices: ZeroInvoices,
    /// What an estimate gets that says it is `Converted`.
    pub(super) converted_status: ConvertedStatus,
    /// The form of the URL that voids a payment.
    pub(super) payment_void: PaymentVoid,
    /// What becomes of a batch whose answer would hold more than 1,000 objects.
    pub(super) batch_objects: BatchObjects,
    /// For how many seconds of the simulator's clock queries and change data capture lag behind the books. Not by default:
    /// that what was written shows after a quiet period is what whoever asks again leans on (reliability.md §e.1, A4), and
    /// how long that is, a proof chooses.
    pub(super) query_lag_seconds: u32,
    /// Of what a request id may consist.
    pub(super) request_id_alphabet: RequestIdAlphabet,
    /// The HTTP status of the fault 600.
    pub(super) duplicate_request_status: DuplicateRequestStatus,
    /// Whether a request id is remembered, and how long.
    pub(super) request_ids: RequestIds,
    /// Whether a refusal is remembered under its request id too. Not by default: whoever sends it again may then have
    /// an effect after all.
    pub(super) cache_faults: bool,
    /// What another body under a known request id gets.
    pub(super) other_body: OtherBody,
    /// What a request id gets whose first request is still being worked on.
    pub(super) in_progress: InProgress,
    /// How long each call is worked on before it has its effect, in milliseconds of the simulator's clock.
    pub(super) handling_ms: u64,
    /// Whether the company's people switched on the warning about document numbers used twice (quickbooks.md §2.3).
    pub(super) warn_duplicate_number: bool,
    /// How the fault 6140 tells which document has the number.
    pub(super) duplicate_number: DuplicateNumber,
    /// Which documents must not share a number.
    pub(super) number_family: NumberFamily,
    /// The rate of a document in a foreign currency that names none.
    pub(super) omitted_rate: OmittedRate,
    /// Whether amounts and quantities may come as texts.
    pub(super) quoted_numbers: QuotedNumbers,
    /// The language of queries.
    pub(super) query: Dialect,
    /// What a refresh token does after it was changed.
    pub(super) rotated_token: RotatedToken,
    /// What the second of two refreshes of one grant at the same time gets.
    pub(super) concurrent_refreshes: ConcurrentRefreshes,
    /// What access tokens do after a refresh gave out another.
    pub(super) earlier_access_tokens: EarlierAccessTokens,
    /// What a refresh token gets that is shown with keys of the other environment.
    pub(super) foreign_keys: ForeignKeys,
    /// What the app hears that gives back a grant which has ended.
    pub(super) ended_grant: EndedGrant,
    /// What becomes of a grant when its app is connected to the company again.
    pub(super) second_grant: SecondGrant,
    /// How long the code of a new connection waits, in seconds: 5 to 10 minutes, it is said (§5.2).
    pub(super) code_seconds: u32,
    /// The throttles of quickbooks.md §6.1; `null` for none.
    pub(super) limits: Option<Limits>,
    /// CorePlus calls a month, of all companies of the app together, until further ones are blocked (§6.2).
    pub(super) quota: Option<u64>,
    /// Whether sending a document is a CorePlus call; its class is not known (§13.12).
    pub(super) send_is_metered: bool,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            duplicate_name: DuplicateName::default(),
            missing_tax_code: MissingTaxCode::default(),
            estimates_off: SwitchedOff::default(),
            discounts_off: SwitchedOff::default(),
            tracking_off: SwitchedOff::default(),
            plan: Plan::default(),
            subscription: Subscription::default(),
            negative_lines: NegativeLines::default(),
            kept_decimals: 7,
            amount_tolerance: Decimal::ZERO,
            amount_decimals: AmountDecimals::default(),
            inclusive_tax: InclusiveTax::default(),
            omitted_item_type: OmittedItemType::default(),
            display_name_length: 100,
            beyond_bmp: BeyondBmp::default(),
            batch_order: BatchOrder::default(),
            batch_items: 30,
            tax_percent: Decimal::from(8),
            zero_invoices: ZeroInvoices::default(),
            converted_status: ConvertedStatus::default(),
            payment_void: PaymentVoid::default(),
            batch_objects: BatchObjects::default(),
            query_lag_seconds: 0,
            request_id_alphabet: RequestIdAlphabet::default(),
            duplicate_request_status: DuplicateRequestStatus::default(),
            request_ids: RequestIds::default(),
            cache_faults: false,
            other_body: OtherBody::default(),
            in_progress: InProgress::default(),
            handling_ms: 0,
            warn_duplicate_number: false,
            duplicate_number: DuplicateNumber::default(),
            number_family: NumberFamily::default(),
            omitted_rate: OmittedRate::default(),
            quoted_numbers: QuotedNumbers::default(),
            query: Dialect::default(),
            rotated_token: RotatedToken::default(),
            concurrent_refreshes: ConcurrentRefreshes::default(),
            earlier_access_tokens: EarlierAccessTokens::default(),
            foreign_keys: ForeignKeys::default(),
            ended_grant: EndedGrant::default(),
            second_grant: SecondGrant::default(),
            code_seconds: 300,
            limits: Some(Limits::default()),
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

/// The texts of 6000 for a line without a tax code (quickbooks.md §2.5, §4.1).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MissingTaxCode {
    /// In English.
    #[default]
    Sentence,
    /// The same in French.
    Localised,
}

/// Which decimals the amounts of lines have, and the tax that is in them; tax on top of them has two.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AmountDecimals {
    /// Those of the currency: others get 6000.
    #[default]
    OfCurrency,
    /// Two, whatever the currency.
    Two,
}

/// What use of a feature gets that the company's people switched off.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SwitchedOff {
    /// 5020.
    #[default]
    PermissionDenied,
    /// 5030.
    NotSupported,
    /// Done all the same: the preference steers the user interface only.
    Allowed,
}

/// The plan a company pays for, as far as it says what the API refuses (quickbooks.md §4.2, §9).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Plan {
    /// Everything that is simulated, and so has Advanced.
    #[default]
    Plus,
    /// No classes, locations and inventory.
    Essentials,
    /// No other currencies either.
    SimpleStart,
}

/// Status and body of a write without a subscription are not confirmed (quickbooks.md §4.2, §13.11).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subscription {
    /// Paid for.
    #[default]
    Paid,
    /// Writes get 6190 with 400.
    Ended,
    /// Writes get 6190 with 403.
    EndedForbidden,
}

/// A code for them exists, and yet the field reports that they are accepted (quickbooks.md §2.2).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NegativeLines {
    /// 2290.
    #[default]
    Refused,
    /// Accepted while the total is not negative.
    Accepted,
}

/// How amounts that include tax are rounded is not known (quickbooks.md §2.5).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InclusiveTax {
    /// Tax is what is left of the gross amounts without the net ones (recorded, §2.4).
    #[default]
    GrossFixed,
    /// Tax is computed on the net amounts, and the gross ones may not come out.
    OnNet,
}

/// What an item's type is that does not say it is not known (quickbooks.md §2.7).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum OmittedItemType {
    /// 2020.
    #[default]
    Refused,
    /// `Service`.
    Service,
}

/// Whether such characters arrive is not known (quickbooks.md §1.4).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum BeyondBmp {
    /// 2040.
    #[default]
    Refused,
    /// Kept as they are.
    Kept,
}

/// The order must not be relied on (quickbooks.md §1.6); an old page says that items are done one after the other.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum BatchOrder {
    /// Another than that of the request, depending on its content only: no item stands where it was asked.
    #[default]
    Shuffled,
    /// As asked.
    Asked,
}

/// The notes allow a total of 0, and yet it is recorded for sales receipts only (quickbooks.md §2.2, §13.6).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum ZeroInvoices {
    /// As the notes have it.
    #[default]
    Allowed,
    /// 6000.
    Refused,
}

/// Newer docs have the status, the XSD has not (quickbooks.md §2.1, §13.10).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConvertedStatus {
    /// 2170.
    #[default]
    Refused,
    /// Kept; such an estimate becomes no invoice any more.
    Accepted,
}

/// Two documentations dispute it (quickbooks.md §1.1); the other form than the one chosen is refused with 500.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum PaymentVoid {
    /// `operation=update&include=void`, as python-quickbooks and other published clients do it.
    #[default]
    UpdateIncludeVoid,
    /// `operation=void`, as for invoices.
    OperationVoid,
}

/// That there are at most 1,000 is documented, what happens else is not (quickbooks.md §1.6, §6.1).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum BatchObjects {
    /// The query that would be too much gets 10100, which is our expectation.
    #[default]
    Refused,
    /// That query answers the rows there is room for.
    Truncated,
}

/// Intuit does not publish it (quickbooks.md §1.5). What is not in it gets 2130.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RequestIdAlphabet {
    /// Letters, digits and hyphens: a UUID as it is mostly written was taken (recorded).
    #[default]
    WithHyphens,
    /// No hyphens.
    LettersAndDigits,
}

/// It is not confirmed (quickbooks.md §4.2, §13.11).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DuplicateRequestStatus {
    /// 400, as nearly all faults.
    #[default]
    BadRequest,
    /// 500: only the code tells it from an outage.
    ServerError,
    /// 200: only the body tells it from success.
    Ok,
}

impl DuplicateRequestStatus {
    /// As HTTP has it.
    pub(super) fn code(self) -> StatusCode {
        match self {
            DuplicateRequestStatus::BadRequest => StatusCode::BAD_REQUEST,
            DuplicateRequestStatus::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            DuplicateRequestStatus::Ok => StatusCode::OK,
        }
    }
}

/// Both are reported (quickbooks.md §5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConcurrentRefreshes {
    /// `invalid_grant`, though the grant is none the worse.
    #[default]
    InvalidGrant,
    /// The same new tokens as the first.
    SameTokens,
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

/// Money is JSON numbers (quickbooks.md §1.4); that Intuit reads texts as well is guessed from python-quickbooks, which
/// writes every `Decimal` as one.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum QuotedNumbers {
    /// 2010.
    #[default]
    Refused,
    /// `"12.50"` is 12.50.
    Read,
}

/// Intuit's own pages disagree (quickbooks.md §5.4).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RotatedToken {
    /// It is dead at once.
    #[default]
    Dies,
    /// It is good for 24 hours more, and buys the new one.
    LivesADay,
    /// It is dead at once, and whoever shows it ends the grant.
    KillsGrant,
}

/// In the field they go on working; Intuit does not promise it (quickbooks.md §5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EarlierAccessTokens {
    /// They are dead at once.
    #[default]
    Die,
    /// They live out their hour.
    Live,
}

/// By the notes such keys are unknown; another app's of the same environment are told what follows (quickbooks.md §5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ForeignKeys {
    /// 401 with `invalid_client`.
    #[default]
    InvalidClient,
    /// 400 with `invalid_grant`, as if the token were to blame.
    InvalidGrant,
}

/// Only the status is reported for sure (quickbooks.md §5.6; intuit/oauth-jsclient, issues 18 and 71).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndedGrant {
    /// 400, and not a word why.
    #[default]
    Wordless,
    /// 400 with `invalid_grant`.
    InvalidGrant,
}

/// Whether two grants of one app on one company live side by side is not known (reliability.md §h, experiment 13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecondGrant {
    /// The new one ends the old one.
    #[default]
    Replaces,
    /// They do.
    StandsBeside,
}

/// The throttles of one company (quickbooks.md §6.1). Two pages disagree whether the ten are at once or a second's. At once is
/// the default; ten a second would measure how fast a test is, not what it does, and is for tests that ask for it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) per_minute: usize,
    pub(super) per_second: Option<usize>,
    pub(super) at_once: usize,
    pub(super) batches_per_minute: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { per_minute: 500, per_second: None, at_once: 10, batches_per_minute: 40 }
    }
}
