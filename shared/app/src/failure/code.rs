//! The stable names of failures.

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
    /// The record has no company to bill.
    NoCompany,
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
    /// A discount, fee or tax of the whole record cannot be reckoned.
    AdjustmentInvalid,
    /// A payment's figures or its currency cannot be used.
    PaymentInvalid,
    /// There are too many lines for one document, too much text, or too large a sum.
    RecordTooLarge,
    /// No item fits a line.
    ItemNotFound,
    /// Several items fit a line.
    ItemAmbiguous,
    /// The item of a line is inactive or a category.
    ItemInactive,
    /// The settings lack a product or an account that the record needs.
    SettingMissing,
    /// A tax code is needed that was not given.
    TaxUnmapped,
    /// The record's currency is not the customer's.
    CurrencyMismatch,
    /// QuickBooks has no exchange rate for the record's currency.
    ExchangeRateMissing,
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
    /// No payment of the record counts as money received.
    NotPaid,
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
    pub const ALL: [Self; 39] = [
        Self::NotConnected,
        Self::ConnectionExpired,
        Self::CompanyNotLinked,
        Self::CompanyReadOnly,
        Self::RecordNotFound,
        Self::RecordTypeUnsupported,
        Self::InputInvalid,
        Self::NoContact,
        Self::NoCompany,
        Self::ContactIncomplete,
        Self::CustomerAmbiguous,
        Self::CustomerInactive,
        Self::NameTaken,
        Self::NoLineItems,
        Self::LineInvalid,
        Self::AdjustmentInvalid,
        Self::PaymentInvalid,
        Self::RecordTooLarge,
        Self::ItemNotFound,
        Self::ItemAmbiguous,
        Self::ItemInactive,
        Self::SettingMissing,
        Self::TaxUnmapped,
        Self::CurrencyMismatch,
        Self::ExchangeRateMissing,
        Self::TotalMismatch,
        Self::PeriodClosed,
        Self::DuplicateNumber,
        Self::FeatureOff,
        Self::AlreadyCreated,
        Self::PaymentRefused,
        Self::NotPaid,
        Self::PermissionMissing,
        Self::QuickBooksRefused,
        Self::Throttled,
        Self::UpstreamDown,
        Self::InProgress,
        Self::NeedsReview,
        Self::Internal,
    ];

    /// Whether it is about the QuickBooks company, whatever was to be created: so are its labels.
    pub(super) fn is_of_the_company(self) -> bool {
        matches!(self, Self::PeriodClosed | Self::FeatureOff | Self::CompanyReadOnly)
    }

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
            Self::NoCompany => "NO_COMPANY",
            Self::ContactIncomplete => "CONTACT_INCOMPLETE",
            Self::CustomerAmbiguous => "CUSTOMER_AMBIGUOUS",
            Self::CustomerInactive => "CUSTOMER_INACTIVE",
            Self::NameTaken => "NAME_TAKEN",
            Self::NoLineItems => "NO_LINE_ITEMS",
            Self::LineInvalid => "LINE_INVALID",
            Self::AdjustmentInvalid => "ADJUSTMENT_INVALID",
            Self::PaymentInvalid => "PAYMENT_INVALID",
            Self::RecordTooLarge => "RECORD_TOO_LARGE",
            Self::ItemNotFound => "ITEM_NOT_FOUND",
            Self::ItemAmbiguous => "ITEM_AMBIGUOUS",
            Self::ItemInactive => "ITEM_INACTIVE",
            Self::SettingMissing => "SETTING_MISSING",
            Self::TaxUnmapped => "TAX_UNMAPPED",
            Self::CurrencyMismatch => "CURRENCY_MISMATCH",
            Self::ExchangeRateMissing => "EXCHANGE_RATE_MISSING",
            Self::TotalMismatch => "TOTAL_MISMATCH",
            Self::PeriodClosed => "PERIOD_CLOSED",
            Self::DuplicateNumber => "DUPLICATE_NUMBER",
            Self::FeatureOff => "FEATURE_OFF",
            Self::AlreadyCreated => "ALREADY_CREATED",
            Self::PaymentRefused => "PAYMENT_REFUSED",
            Self::NotPaid => "NOT_PAID",
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
