//! Every failure: its code, its sentence, and what the workflow sees. All sentences stand here, so that they sound alike.
//!
//! A sentence names the record, says what is wrong, and where to mend it. It never holds an upstream's own words, a host
//! name, a body or a debug form: those are for the log.

use jiff::civil::Date;
use mapping::hubspot::RecordKind;
use mapping::money::Currency;
use mapping::problem::{AdjustmentFault, Figure, Lack, LineFault, NumberFault, Problem, Unusable};
use mapping::quickbooks::{Document, DocumentKind};
use quickbooks::fault::{Fault, Meaning};

/// The stable name of a failure. None is ever renamed: execution rules, labels and workflows of users rest on them
/// (contract §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The portal has no QuickBooks company, or lost its HubSpot connection.
    NotConnected,
    /// The grant for the company ended or was refused.
    ConnectionExpired,
    /// The chosen company is not linked to this portal.
    CompanyNotLinked,
    /// The company's subscription ended: it can be read, not written.
    CompanyReadOnly,
    /// The enrolled record is gone.
    RecordNotFound,
    /// The action does not work on this kind of record.
    RecordTypeUnsupported,
    /// An input of the action cannot be used.
    InputInvalid,
    /// The record has no contact.
    NoContact,
    /// The contact lacks an e-mail address or a name.
    ContactIncomplete,
    /// Several customers fit the contact.
    CustomerAmbiguous,
    /// The customer was made inactive.
    CustomerInactive,
    /// The customer's name is taken, also in its second form.
    NameTaken,
    /// The record has no line items.
    NoLineItems,
    /// A line's figures cannot be billed.
    LineInvalid,
    /// No item fits a line.
    ItemNotFound,
    /// Several items fit a line.
    ItemAmbiguous,
    /// The item of a line is inactive or a category.
    ItemInactive,
    /// A tax code is needed that was not given.
    TaxUnmapped,
    /// The record's currency is not the customer's.
    CurrencyMismatch,
    /// The totals of both sides differ.
    TotalMismatch,
    /// The date lies in closed books.
    PeriodClosed,
    /// The document number is taken.
    DuplicateNumber,
    /// The company's plan lacks what the document needs.
    FeatureOff,
    /// The record has such a document already.
    AlreadyCreated,
    /// The document exists, its payment was refused.
    PaymentRefused,
    /// The app lacks a permission in HubSpot.
    PermissionMissing,
    /// QuickBooks refused the document for another reason.
    QuickBooksRefused,
    /// A limit of HubSpot or QuickBooks is reached.
    Throttled,
    /// HubSpot or QuickBooks does not answer.
    UpstreamDown,
    /// The same execution is being worked on, or its outcome is being found out.
    InProgress,
    /// What happened cannot be proven; a person decides.
    NeedsReview,
    /// Our own trouble.
    Internal,
}

impl Code {
    /// Every code, in the contract's order.
    pub const ALL: [Self; 32] = [
        Self::NotConnected,
        Self::ConnectionExpired,
        Self::CompanyNotLinked,
        Self::CompanyReadOnly,
        Self::RecordNotFound,
        Self::RecordTypeUnsupported,
        Self::InputInvalid,
        Self::NoContact,
        Self::ContactIncomplete,
        Self::CustomerAmbiguous,
        Self::CustomerInactive,
        Self::NameTaken,
        Self::NoLineItems,
        Self::LineInvalid,
        Self::ItemNotFound,
        Self::ItemAmbiguous,
        Self::ItemInactive,
        Self::TaxUnmapped,
        Self::CurrencyMismatch,
        Self::TotalMismatch,
        Self::PeriodClosed,
        Self::DuplicateNumber,
        Self::FeatureOff,
        Self::AlreadyCreated,
        Self::PaymentRefused,
        Self::PermissionMissing,
        Self::QuickBooksRefused,
        Self::Throttled,
        Self::UpstreamDown,
        Self::InProgress,
        Self::NeedsReview,
        Self::Internal,
    ];

    /// The code as `errorCode` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotConnected => "NOT_CONNECTED",
            Self::ConnectionExpired => "CONNECTION_EXPIRED",
            Self::CompanyNotLinked => "COMPANY_NOT_LINKED",
            Self::CompanyReadOnly => "COMPANY_READ_ONLY",
            Self::RecordNotFound => "RECORD_NOT_FOUND",
            Self::RecordTypeUnsupported => "RECORD_TYPE_UNSUPPORTED",
            Self::InputInvalid => "INPUT_INVALID",
            Self::NoContact => "NO_CONTACT",
            Self::ContactIncomplete => "CONTACT_INCOMPLETE",
            Self::CustomerAmbiguous => "CUSTOMER_AMBIGUOUS",
            Self::CustomerInactive => "CUSTOMER_INACTIVE",
            Self::NameTaken => "NAME_TAKEN",
            Self::NoLineItems => "NO_LINE_ITEMS",
            Self::LineInvalid => "LINE_INVALID",
            Self::ItemNotFound => "ITEM_NOT_FOUND",
            Self::ItemAmbiguous => "ITEM_AMBIGUOUS",
            Self::ItemInactive => "ITEM_INACTIVE",
            Self::TaxUnmapped => "TAX_UNMAPPED",
            Self::CurrencyMismatch => "CURRENCY_MISMATCH",
            Self::TotalMismatch => "TOTAL_MISMATCH",
            Self::PeriodClosed => "PERIOD_CLOSED",
            Self::DuplicateNumber => "DUPLICATE_NUMBER",
            Self::FeatureOff => "FEATURE_OFF",
            Self::AlreadyCreated => "ALREADY_CREATED",
            Self::PaymentRefused => "PAYMENT_REFUSED",
            Self::PermissionMissing => "PERMISSION_MISSING",
            Self::QuickBooksRefused => "QUICKBOOKS_REFUSED",
            Self::Throttled => "THROTTLED",
            Self::UpstreamDown => "UPSTREAM_DOWN",
            Self::InProgress => "IN_PROGRESS",
            Self::NeedsReview => "NEEDS_REVIEW",
            Self::Internal => "INTERNAL",
        }
    }
}

/// What a person must mend before the action can succeed. It is kept as the execution's answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its stable name.
    pub code: Code,
    /// The sentence, in English.
    pub message: String,
    /// Names only, of the records or lines concerned: labels of every language interpolate it.
    pub subject: String,
}

/// Without the sentence: it holds names.
impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Failure").field(&self.code).finish()
    }
}

impl Failure {
    fn new(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, subject: subject.into(), message: message.into() }
    }

    /// Everything wrong with a record, in one failure. Its code is the first problem's, and its subject names what has
    /// problems of that code: a label says only what is wrong with those.
    pub fn problems(kind: RecordKind, problems: &[Problem]) -> Self {
        let noun = kind.noun();
        let first = problems.first().map_or(Code::Internal, code);
        let mut sentences: Vec<String> = problems.iter().map(|problem| sentence(noun, problem)).collect();
        sentences.push(format!("Then enroll the {noun} again."));
        let alike = problems.iter().filter(|problem| code(problem) == first);
        let mut subjects: Vec<String> = alike.map(Problem::subject).collect();
        subjects.dedup();
        Self::new(first, subjects.join(", "), sentences.join(" "))
    }

    /// QuickBooks refused what we sent, for good.
    pub fn refused(what: DocumentKind, realm_name: &str, fault: &Fault) -> Self {
        let what = what.noun();
        match fault.meaning() {
            Meaning::PeriodClosed => Self::new(
                Code::PeriodClosed,
                realm_name,
                format!(
                    "The books of “{realm_name}” are closed for the {what}'s date. Change the closing date in QuickBooks \
                     (Account and settings, Advanced), then enroll the record again."
                ),
            ),
            Meaning::FeatureOff => Self::new(
                Code::FeatureOff,
                realm_name,
                format!(
                    "The QuickBooks plan or settings of “{realm_name}” do not allow this {what}. Switch the feature on in \
                     QuickBooks (Account and settings) or change the plan, then enroll the record again."
                ),
            ),
            Meaning::ReadOnly => Self::new(
                Code::CompanyReadOnly,
                realm_name,
                format!(
                    "“{realm_name}” is read-only: its QuickBooks subscription has ended or has a billing problem. Mend it \
                     in QuickBooks, then enroll the record again."
                ),
            ),
            Meaning::TaxCode => Self::new(
                Code::TaxUnmapped,
                realm_name,
                format!(
                    "“{realm_name}” needs another tax code on the lines of this {what}. Check the sales tax settings in \
                     QuickBooks and in the app's settings (“tax”, “default_tax_code”, “tax_codes”), then enroll the record again."
                ),
            ),
            Meaning::DuplicateNumber(_) => Self::new(
                Code::DuplicateNumber,
                realm_name,
                format!(
                    "“{realm_name}” already has a document with this {what}'s number. Change the numbering in QuickBooks \
                     (Account and settings, Sales), then enroll the record again."
                ),
            ),
            _ => {
                let codes = fault.codes();
                Self::new(
                    Code::QuickBooksRefused,
                    realm_name,
                    format!(
                        "QuickBooks refused the {what} for “{realm_name}” (QuickBooks error {codes}). Check the record's \
                         contact and line items, and the company's settings in QuickBooks, then enroll the record again."
                    ),
                )
            }
        }
    }

    /// QuickBooks refused to create the customer.
    pub fn customer_refused(contact: &str, fault: &Fault) -> Self {
        match fault.meaning() {
            Meaning::DuplicateName => Self::new(
                Code::NameTaken,
                contact,
                format!(
                    "QuickBooks already uses the name of “{contact}” for someone else, also with the contact's id behind \
                     it. Rename one of them in QuickBooks, then enroll the record again."
                ),
            ),
            _ => {
                let codes = fault.codes();
                Self::new(
                    Code::QuickBooksRefused,
                    contact,
                    format!(
                        "QuickBooks refused “{contact}” as a customer (QuickBooks error {codes}). Check the contact's \
                         name, e-mail and address in HubSpot, then enroll the record again."
                    ),
                )
            }
        }
    }

    /// The document exists, and QuickBooks refused its payment; `cause` is the refusal's code.
    pub fn payment_refused(what: DocumentKind, document: &Document, cause: &str) -> Self {
        let number = document.doc_number.as_ref().unwrap_or(&document.id.0);
        let what = what.noun();
        let because = match cause {
            "PERIOD_CLOSED" => ": the books are closed for its date",
            "COMPANY_READ_ONLY" => ": the company is read-only",
            _ => "",
        };
        Self::new(
            Code::PaymentRefused,
            number,
            format!(
                "The {what} {number} was created, but QuickBooks refused its payment{because}. Record the payment in QuickBooks; do not \
                 enroll the record again, or a second {what} is created."
            ),
        )
    }

    /// The record has such a document, and the action is told to refuse a second one.
    pub fn already_created(record: RecordKind, id: &str, what: DocumentKind, document: &Document) -> Self {
        let number = document.doc_number.as_ref().unwrap_or(&document.id.0);
        let (noun, what) = (record.noun(), what.noun());
        Self::new(
            Code::AlreadyCreated,
            format!("{noun} {id}"),
            format!(
                "The {noun} {id} already has the {what} {number} in QuickBooks, and the action is set to refuse another one. Void or \
                 delete that {what}, or change the action's setting, then enroll the {noun} again."
            ),
        )
    }

    /// Whether the record has such a document only a person can find out.
    pub fn earlier_in_review(what: DocumentKind) -> Self {
        let what = what.noun();
        Self::new(
            Code::InProgress,
            "QuickBooks",
            format!(
                "Whether an earlier run of this record made its {what} is not known: that waits for a person's decision. Look at it \
                 in the app's activity, then enroll the record again."
            ),
        )
    }

    /// The document whose payment was to be tried again is not there any more.
    pub fn document_gone(what: DocumentKind, id: &str) -> Self {
        let what = what.noun();
        Self::new(
            Code::PaymentRefused,
            id,
            format!(
                "The {what} {id} whose payment was to be tried again was deleted or voided in QuickBooks. Enroll the record again \
                 to create a new one."
            ),
        )
    }

    /// The portal has no company to create documents in.
    pub fn not_connected() -> Self {
        Self::new(
            Code::NotConnected,
            "QuickBooks",
            "HubSpot is not connected to a QuickBooks company. Connect one in the app's settings, then enroll the record \
             again.",
        )
    }

    /// The action names the default company, and none is the default.
    pub fn no_default_company() -> Self {
        Self::new(
            Code::NotConnected,
            "QuickBooks",
            "No QuickBooks company is the default. Choose a company in the workflow's action, or a default in the app's settings, \
             then enroll the record again.",
        )
    }

    /// A list depends on the company, and none is chosen yet.
    pub fn no_company_chosen() -> Self {
        Self::new(
            Code::InputInvalid,
            "quickbooks_account",
            "Choose the QuickBooks company first, from its list.",
        )
    }

    /// The grant for the company is refused.
    pub fn connection_expired(realm_name: &str) -> Self {
        Self::new(
            Code::ConnectionExpired,
            realm_name,
            format!(
                "The connection to “{realm_name}” has ended. Connect it again in the app's settings, then enroll the record \
                 again."
            ),
        )
    }

    /// The portal's own grant is refused.
    pub fn hubspot_connection_expired() -> Self {
        Self::new(
            Code::ConnectionExpired,
            "HubSpot",
            "The app's connection to HubSpot has ended. Install the app again in HubSpot, then enroll the record again.",
        )
    }

    /// The chosen company is not one of the portal's.
    pub fn company_not_linked(realm: &str) -> Self {
        Self::new(
            Code::CompanyNotLinked,
            realm,
            format!(
                "The QuickBooks company {realm} is not connected to this HubSpot account. Choose a connected company in the \
                 workflow's action, then enroll the record again."
            ),
        )
    }

    /// The enrolled record could not be found.
    pub fn record_not_found(kind: RecordKind, id: &str) -> Self {
        let noun = kind.noun();
        Self::new(
            Code::RecordNotFound,
            format!("{noun} {id}"),
            format!(
                "The {noun} {id} was not found in HubSpot. It may have been deleted or merged; restore it, then enroll it again."
            ),
        )
    }

    /// The action was placed on a record it does not work on.
    pub fn record_type_unsupported(object_type: &str) -> Self {
        Self::new(
            Code::RecordTypeUnsupported,
            object_type,
            format!(
                "This action works on deals and quotes, not on {object_type} records. Use it in a deal-based or quote-based \
                 workflow."
            ),
        )
    }

    /// An input of the action cannot be used.
    pub fn input_invalid(input: &str, must_be: &str) -> Self {
        Self::new(
            Code::InputInvalid,
            input,
            format!(
                "The action's input “{input}” must be {must_be}. Correct it in the workflow's action, then enroll the record again."
            ),
        )
    }

    /// The app was not granted what reading the record takes.
    pub fn permission_missing(scopes: &[String]) -> Self {
        let scopes = scopes.join(", ");
        Self::new(
            Code::PermissionMissing,
            scopes.clone(),
            format!(
                "The app lacks a permission in HubSpot ({scopes}). Install it again and grant it, then enroll the record again."
            ),
        )
    }

    /// Something that belongs to the record is named by HubSpot and cannot be read, again and again.
    pub fn record_incomplete(kind: RecordKind, id: &str) -> Self {
        let noun = kind.noun();
        Self::new(
            Code::RecordNotFound,
            format!("{noun} {id}"),
            format!(
                "HubSpot does not give out the {noun} {id} whole: one of its contacts or line items may have been deleted. \
                 Check what is associated with it, then enroll it again."
            ),
        )
    }

    /// The number that stands on the record is another document's.
    pub fn number_taken(what: DocumentKind, kind: RecordKind, name: &str, number: &str) -> Self {
        let (what, noun) = (what.noun(), kind.noun());
        Self::new(
            Code::DuplicateNumber,
            name,
            format!(
                "The {noun} “{name}” gives its {what} the number {number}, which another document in QuickBooks has. Change the \
                 number on the {noun}, then enroll it again."
            ),
        )
    }

    /// QuickBooks knows no exchange rate for the record's currency: it would book at one to one.
    pub fn no_exchange_rate(kind: RecordKind, name: &str, currency: &Currency, day: Date) -> Self {
        let noun = kind.noun();
        Self::new(
            Code::CurrencyMismatch,
            name,
            format!(
                "The {noun} “{name}” is in {currency}, and QuickBooks has no exchange rate for it on {day}. Enter one in QuickBooks \
                 (Currencies), then enroll the {noun} again."
            ),
        )
    }

    /// The document is larger than can be kept until it is sent.
    pub fn too_large(kind: RecordKind, name: &str) -> Self {
        let noun = kind.noun();
        Self::new(
            Code::LineInvalid,
            name,
            format!(
                "The line items of the {noun} “{name}” hold more text than fits on one document. Shorten their descriptions \
                 or split the {noun}, then enroll it again."
            ),
        )
    }

    /// More than one payment of ours is on the document, or none can be told from others.
    pub fn payment_needs_review(what: DocumentKind, number: &str) -> Self {
        let what = what.noun();
        Self::new(
            Code::NeedsReview,
            number,
            format!(
                "The {what} {number} was created. It cannot be proven how often its payment was, so nothing more was sent. Check \
                 the {what}'s payments in QuickBooks; do not enroll the record again."
            ),
        )
    }

    /// The document is there, and its payment is not yet.
    pub fn payment_pending(what: DocumentKind, number: &str) -> Self {
        let what = what.noun();
        Self::new(
            Code::NeedsReview,
            number,
            format!(
                "The {what} {number} was created; its payment could not be recorded in time and is still tried. Check the {what}'s \
                 payments in QuickBooks; do not enroll the record again."
            ),
        )
    }

    /// Books and record disagree in a way a person must judge.
    pub fn needs_review(what: DocumentKind, realm_name: &str) -> Self {
        let what = what.noun();
        Self::new(
            Code::NeedsReview,
            realm_name,
            format!(
                "It cannot be proven whether the {what} was created in “{realm_name}”, so nothing more was sent. Look for it \
                 in QuickBooks before you enroll the record again."
            ),
        )
    }
}

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
                ("this app", "this app made a mistake that its developers must mend")
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

fn code(problem: &Problem) -> Code {
    match problem {
        Problem::NoContact { .. } => Code::NoContact,
        Problem::ContactIncomplete { .. } => Code::ContactIncomplete,
        Problem::CustomerAmbiguous { .. } => Code::CustomerAmbiguous,
        Problem::NoLineItems { .. } => Code::NoLineItems,
        Problem::TotalDiffers { .. } => Code::TotalMismatch,
        Problem::LineInvalid { .. } | Problem::LineNameless { .. } => Code::LineInvalid,
        Problem::ItemNotFound { .. } => Code::ItemNotFound,
        Problem::ItemAmbiguous { .. } => Code::ItemAmbiguous,
        Problem::ItemUnusable { .. } => Code::ItemInactive,
        Problem::AdjustmentInvalid { .. } | Problem::PaymentInvalid { .. } => Code::LineInvalid,
        Problem::NoAmount { .. } => Code::NoLineItems,
        Problem::FeeItemMissing { .. } | Problem::DefaultItemMissing { .. } => Code::ItemNotFound,
        Problem::TaxCodeMissing { .. }
        | Problem::TaxRateUnknown { .. }
        | Problem::TaxUnmapped { .. }
        | Problem::TaxCodesMixed { .. }
        | Problem::TaxOff { .. } => Code::TaxUnmapped,
        Problem::TooManyLines { .. } | Problem::TotalTooLarge { .. } | Problem::OptionalUnclear { .. } => {
            Code::LineInvalid
        }
        Problem::PaymentCurrency { .. }
        | Problem::CurrencyForeign { .. }
        | Problem::CurrencyUnreadable { .. }
        | Problem::CurrenciesMixed { .. }
        | Problem::CurrencyMismatch { .. } => Code::CurrencyMismatch,
    }
}

fn sentence(noun: &str, problem: &Problem) -> String {
    match problem {
        Problem::NoContact { record } => {
            format!("The {noun} “{record}” has no contact. Associate the contact to bill with it.")
        }
        Problem::ContactIncomplete { contact, lacks } => {
            let lacks = lacks.iter().map(lack).collect::<Vec<_>>().join(" and ");
            format!("The contact “{contact}” has {lacks}. Complete the contact in HubSpot.")
        }
        Problem::CustomerAmbiguous { contact, candidates } => format!(
            "Several QuickBooks customers have the e-mail address of “{contact}”: {}. Give them different addresses, or \
             merge them in QuickBooks.",
            quoted(candidates)
        ),
        Problem::NoLineItems { record } => {
            format!("The {noun} “{record}” has no line items. Add what is sold.")
        }
        Problem::TotalDiffers { record, amount, total } => format!(
            "The {noun} “{record}” has the amount {amount}, but its line items come to {total}. Correct one of them in HubSpot, \
             or let the app's settings only warn (“totals”)."
        ),
        Problem::LineInvalid { line, fault } => line_fault(noun, &line.to_string(), fault),
        Problem::LineNameless { line } => format!(
            "Line item “{line}” has neither a name nor a SKU. Give it the name or SKU of a QuickBooks product in the {noun}'s \
             line items."
        ),
        Problem::ItemNotFound { line, sku } => {
            let sku = sku.as_ref().map(|sku| format!(" (SKU {sku})")).unwrap_or_default();
            format!(
                "Line item “{line}”{sku} matches no QuickBooks product. Create the product in QuickBooks with the same SKU or \
                 name, or change the line item in the {noun}."
            )
        }
        Problem::ItemAmbiguous { line, candidates } => format!(
            "Line item “{line}” matches several QuickBooks products: {}. Give them different SKUs or names in QuickBooks.",
            quoted(candidates)
        ),
        Problem::ItemUnusable { line, item, reason: Unusable::Inactive } => format!(
            "Line item “{line}” matches only the QuickBooks product “{item}”, which is inactive. Make it active in \
             QuickBooks, or change the line item in the {noun}."
        ),
        Problem::ItemUnusable { line, item, reason: Unusable::Category } => format!(
            "Line item “{line}” matches only the QuickBooks category “{item}”, and a category cannot be sold. Change the line \
             item in the {noun} to a product."
        ),
        Problem::ItemUnusable { line, item, reason: Unusable::Bundle } => format!(
            "Line item “{line}” matches only the QuickBooks bundle “{item}”, and a bundle cannot be sold here. Change the line \
             item in the {noun} to a single product."
        ),
        Problem::DefaultItemMissing { subject } => format!(
            "“{subject}” has no QuickBooks product, and there is no default product to put it on. Choose one in the app's settings \
             (“default_item”), or add what is sold with the SKU or name of a product."
        ),
        Problem::TaxCodeMissing { record } => format!(
            "The {noun} “{record}” needs a tax code on every line: the QuickBooks company taxes by codes, and none is chosen. Choose \
             one in the app's settings (“default_tax_code”), or set “tax” to “none”."
        ),
        Problem::TaxRateUnknown { record, code } => format!(
            "The amounts of the {noun} “{record}” hold the tax of the QuickBooks tax code {code}, and its rate is not known. Choose a tax \
             code with simple rates for sales in the app's settings (“default_tax_code”), or set “amounts” to “net”."
        ),
        Problem::TaxUnmapped { subject, rate: Some(rate) } => format!(
            "“{subject}” on the {noun} is taxed with {rate}, which is mapped to no tax code of QuickBooks. Map the rate to a tax code in \
             the app's settings (“tax_codes”), or change it in HubSpot."
        ),
        Problem::TaxUnmapped { subject, rate: None } => format!(
            "“{subject}” on the {noun} has no tax rate of its own that a tax code could stand for. Give each line item one tax rate in \
             HubSpot, or choose the tax code of line items without one in the app's settings (“default_tax_code”)."
        ),
        Problem::TaxCodesMixed { record, codes } => format!(
            "The {noun} “{record}” has tax rates that are mapped to several tax codes ({}), and sales tax kept by hand has one for a \
             document. Use one rate on the {noun}, or map its rates to one tax code in the app's settings (“tax_codes”).",
            codes.join(", ")
        ),
        Problem::TaxOff { record } => format!(
            "The {noun} “{record}” is taxed in HubSpot, but the QuickBooks company keeps no sales tax. Set sales tax up in QuickBooks \
             (Taxes), or remove the tax in HubSpot."
        ),
        Problem::TooManyLines { record, count } => format!(
            "The {noun} “{record}” needs {count} lines, fees and a discount included, and QuickBooks takes at most 750 on a taxed \
             document. Split the {noun}, or set “tax” to “none” in the app's settings."
        ),
        Problem::TotalTooLarge { record } => format!(
            "The line items of the {noun} “{record}” come to more than the 15 digits QuickBooks takes. Correct them, or split the {noun}."
        ),
        Problem::OptionalUnclear { lines } => {
            let names: Vec<String> = lines.iter().map(ToString::to_string).collect();
            format!(
                "The {noun}'s amount does not tell whether the buyer chose its optional line items {}. Make them part of the {noun}, or \
                 remove them.",
                quoted(&names)
            )
        }
        Problem::NoAmount { record } => format!(
            "The {noun} “{record}” has neither line items nor an amount above zero. Add what is sold, or the {noun}'s amount."
        ),
        Problem::AdjustmentInvalid { label, fault } => adjustment_fault(noun, label, fault),
        Problem::FeeItemMissing { fee } => format!(
            "The fee “{fee}” of the {noun} has no QuickBooks product. Choose a product for fees in the app's settings, or remove \
             the fee."
        ),
        Problem::PaymentInvalid { payment, fault } => format!(
            "The payment “{payment}” {}. Check it in HubSpot, or create the document without its payment.",
            number_fault("amount", fault)
        ),
        Problem::PaymentCurrency { payment, currency, record, expected } => format!(
            "The payment “{payment}” is in {currency}, but “{record}” is in {expected}. Create the document without its payment, \
             and record the payment in QuickBooks."
        ),
        Problem::CurrencyForeign { record, currency, home } => format!(
            "The {noun} “{record}” is in {currency}, but the QuickBooks company has {home} only. Switch on Multicurrency in \
             QuickBooks (Account and settings, Advanced), or change the {noun}'s currency."
        ),
        Problem::CurrencyUnreadable { subject, text } => format!(
            "The currency “{text}” of “{subject}” is not a currency code. Choose the {noun}'s currency anew in HubSpot."
        ),
        Problem::CurrenciesMixed { record, currencies } => {
            let currencies = currencies.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!(
                "The {noun} “{record}” mixes currencies: {currencies}. Use one currency on the {noun} and all its line items."
            )
        }
        Problem::CurrencyMismatch { record, currency, customer, customer_currency } => format!(
            "The {noun} “{record}” is in {currency}, but the QuickBooks customer “{customer}” is kept in \
             {customer_currency}, which never changes. Use a customer in {currency}, or change the {noun}'s currency."
        ),
    }
}

fn lack(lack: &Lack) -> String {
    match lack {
        Lack::Email => "no e-mail address".to_owned(),
        Lack::UsableEmail(address) => format!("an e-mail address QuickBooks does not accept ({address})"),
        Lack::Name => "neither a first nor a last name".to_owned(),
    }
}

fn line_fault(noun: &str, line: &str, fault: &LineFault) -> String {
    let wrong = match fault {
        LineFault::Missing(figure) => format!("has no {}. Add one", figure_noun(*figure)),
        LineFault::Unreadable(figure, text) => {
            format!("has “{text}” as its {}, which is not a number. Correct it", figure_noun(*figure))
        }
        LineFault::Negative(figure) => {
            format!("has a {} below zero, which QuickBooks does not take. Correct it", figure_noun(*figure))
        }
        LineFault::TooLarge(figure) => {
            format!("has a {} with more digits than QuickBooks takes. Correct it", figure_noun(*figure))
        }
        LineFault::ZeroQuantity => "has a quantity of zero. Set the quantity or remove the line".to_owned(),
    };
    format!("Line item “{line}” {wrong} in the {noun}'s line items.")
}

fn adjustment_fault(noun: &str, label: &str, fault: &AdjustmentFault) -> String {
    let wrong = match fault {
        AdjustmentFault::Value(fault) => number_fault("value", fault),
        AdjustmentFault::Kind(_) => "is neither a percentage nor a fixed amount".to_owned(),
        AdjustmentFault::MoreThanSubtotal => "takes off more than there is to pay".to_owned(),
    };
    format!("“{label}” on the {noun} {wrong}. Correct it in the {noun}'s summary.")
}

fn number_fault(figure: &str, fault: &NumberFault) -> String {
    match fault {
        NumberFault::Missing => format!("has no {figure}"),
        NumberFault::Unreadable(text) => format!("has “{text}” as its {figure}, which is not a number"),
        NumberFault::Negative => format!("has a {figure} below zero"),
        NumberFault::TooLarge => format!("has a {figure} with more digits than QuickBooks takes"),
    }
}

fn figure_noun(figure: Figure) -> &'static str {
    match figure {
        Figure::Quantity => "quantity",
        Figure::Price => "price",
        Figure::Discount => "discount",
        Figure::Amount => "net price",
        Figure::TaxRate => "tax rate",
        Figure::Tax => "tax amount",
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use mapping::problem::LineLabel;

    use super::*;

    fn line(number: usize, name: &str) -> LineLabel {
        LineLabel { number, name: Some(name.to_owned()) }
    }

    fn fault(code: &str) -> Fault {
        let error = quickbooks::fault::FaultError {
            code: code.to_owned(),
            message: "upstream message".to_owned(),
            detail: Some("upstream detail".to_owned()),
            element: None,
        };
        Fault { errors: vec![error], kind: "ValidationFault".to_owned(), intuit_tid: None }
    }

    fn problems() -> Vec<Problem> {
        let (record, contact) = ("Acme renewal".to_owned(), "Ana Trujillo".to_owned());
        let usd = || "USD".parse().unwrap();
        let faults = [
            LineFault::Missing(Figure::Price),
            LineFault::Unreadable(Figure::Quantity, "a dozen".into()),
            LineFault::Negative(Figure::Discount),
            LineFault::TooLarge(Figure::Amount),
            LineFault::ZeroQuantity,
        ];
        let faults = faults.map(|fault| Problem::LineInvalid { line: line(2, "Setup fee"), fault });
        let lacks = vec![Lack::Email, Lack::Name];
        let unusable = vec![Lack::UsableEmail("ana at northwind".into())];
        let candidates = vec!["Northwind Traders".to_owned(), "Northwind (old)".to_owned()];
        let others = [
            Problem::NoContact { record: record.clone() },
            Problem::ContactIncomplete { contact: contact.clone(), lacks },
            Problem::ContactIncomplete { contact: contact.clone(), lacks: unusable },
            Problem::CustomerAmbiguous { contact, candidates: candidates.clone() },
            Problem::NoLineItems { record: record.clone() },
            Problem::TotalDiffers {
                record: record.clone(),
                amount: "150.00".parse().unwrap(),
                total: "149.97".parse().unwrap(),
            },
            Problem::LineNameless { line: LineLabel { number: 3, name: None } },
            Problem::ItemNotFound { line: line(1, "Widget"), sku: Some("WID-1".into()) },
            Problem::ItemNotFound { line: line(1, "Widget"), sku: None },
            Problem::ItemAmbiguous { line: line(1, "Widget"), candidates },
            Problem::ItemUnusable {
                line: line(1, "Widget"),
                item: "Old:Widget".into(),
                reason: Unusable::Inactive,
            },
            Problem::ItemUnusable {
                line: line(1, "Widget"),
                item: "Widgets".into(),
                reason: Unusable::Category,
            },
            Problem::ItemUnusable { line: line(1, "Widget"), item: "Kit".into(), reason: Unusable::Bundle },
            Problem::AdjustmentInvalid {
                label: "Loyalty".into(),
                fault: AdjustmentFault::Value(NumberFault::Missing),
            },
            Problem::AdjustmentInvalid { label: "Loyalty".into(), fault: AdjustmentFault::Kind(None) },
            Problem::AdjustmentInvalid { label: "Loyalty".into(), fault: AdjustmentFault::MoreThanSubtotal },
            Problem::FeeItemMissing { fee: "Delivery".into() },
            Problem::DefaultItemMissing { subject: "Window lettering".into() },
            Problem::NoAmount { record: record.clone() },
            Problem::TaxCodeMissing { record: record.clone() },
            Problem::TaxRateUnknown { record: record.clone(), code: "5".into() },
            Problem::TaxUnmapped { subject: "Setup fee".into(), rate: Some("19 %".into()) },
            Problem::TaxUnmapped { subject: "Setup fee".into(), rate: None },
            Problem::TaxCodesMixed { record: record.clone(), codes: vec!["5".into(), "6".into()] },
            Problem::TaxOff { record: record.clone() },
            Problem::TooManyLines { record: record.clone(), count: 812 },
            Problem::TotalTooLarge { record: record.clone() },
            Problem::OptionalUnclear { lines: vec![line(2, "Setup fee"), line(3, "Support")] },
            Problem::PaymentInvalid {
                payment: "ch_3PqX21".into(),
                fault: NumberFault::Unreadable("much".into()),
            },
            Problem::PaymentCurrency {
                payment: "ch_3PqX21".into(),
                currency: usd(),
                record: record.clone(),
                expected: "EUR".parse().unwrap(),
            },
            Problem::CurrencyForeign {
                record: record.clone(),
                currency: "EUR".parse().unwrap(),
                home: usd(),
            },
            Problem::CurrencyUnreadable { subject: record.clone(), text: "euro".into() },
            Problem::CurrenciesMixed {
                record: record.clone(),
                currencies: vec!["EUR".parse().unwrap(), usd()],
            },
            Problem::CurrencyMismatch {
                record,
                currency: usd(),
                customer: "Northwind Traders".into(),
                customer_currency: "EUR".into(),
            },
        ];
        faults.into_iter().chain(others).collect()
    }

    fn document() -> Document {
        serde_json::from_value(serde_json::json!({"Id": "412", "DocNumber": "1001", "TotalAmt": 10})).unwrap()
    }

    fn catalogue() -> Vec<Failure> {
        let mut failures: Vec<Failure> =
            problems().into_iter().map(|problem| Failure::problems(RecordKind::Deal, &[problem])).collect();
        let refusals = ["6210", "5030", "6190", "6100", "6140", "2010"];
        failures.extend(
            refusals.map(|code| Failure::refused(DocumentKind::Invoice, "Sandbox Company", &fault(code))),
        );
        failures.extend(["6240", "2040"].map(|code| Failure::customer_refused("Ana Trujillo", &fault(code))));
        failures.extend([
            Failure::not_connected(),
            Failure::connection_expired("Sandbox Company"),
            Failure::hubspot_connection_expired(),
            Failure::company_not_linked("42"),
            Failure::record_not_found(RecordKind::Deal, "8800000001"),
            Failure::record_type_unsupported("TICKET"),
            Failure::input_invalid("due_days", "a whole number from 0 to 3650"),
            Failure::permission_missing(&["crm.objects.line_items.read".into()]),
            Failure::record_incomplete(RecordKind::Deal, "8800000001"),
            Failure::too_large(RecordKind::Deal, "Acme renewal"),
            Failure::number_taken(DocumentKind::Invoice, RecordKind::Deal, "Acme renewal", "PO 7"),
            Failure::no_exchange_rate(
                RecordKind::Deal,
                "Acme renewal",
                &"EUR".parse().unwrap(),
                Date::constant(2026, 3, 2),
            ),
            Failure::no_default_company(),
            Failure::no_company_chosen(),
            Failure::needs_review(DocumentKind::Invoice, "Sandbox Company"),
            Failure::payment_needs_review(DocumentKind::Invoice, "1001"),
            Failure::already_created(RecordKind::Deal, "8800000001", DocumentKind::Invoice, &document()),
            Failure::earlier_in_review(DocumentKind::Invoice),
            Failure::document_gone(DocumentKind::Invoice, "412"),
        ]);
        failures
    }

    #[test]
    fn all_sentences_sound_alike() {
        let mut sentences = String::new();
        for Failure { code, message, subject } in catalogue() {
            writeln!(sentences, "{} [{subject}]\n    {message}", code.as_str()).unwrap();
        }
        insta::assert_snapshot!(sentences);
    }

    #[test]
    fn no_sentence_passes_on_what_an_upstream_said() {
        for failure in catalogue() {
            assert!(!failure.message.contains("upstream"), "{}", failure.message);
            assert!(failure.message.ends_with('.'), "{}", failure.message);
            assert!(!failure.subject.is_empty(), "{}", failure.message);
        }
    }

    #[test]
    fn all_problems_are_told_at_once_and_the_first_gives_the_code() {
        let problems = problems();
        let failure = Failure::problems(RecordKind::Deal, &problems);
        assert_eq!(failure.code, Code::LineInvalid);
        for problem in &problems {
            assert!(failure.message.contains(&sentence("deal", problem)));
        }
    }

    #[test]
    fn codes_are_unique() {
        let codes: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
