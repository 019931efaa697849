//! What a person can fix before a document can be made: one variant each, with the names a sentence needs. The
//! sentences themselves are `app`'s.
//!
//! Why does nothing stop at the first problem? Somebody has to open the deal, mend it and enroll it again: once is enough.

use crate::money::Currency;
use crate::payment::{Standing, Uncounted};
use crate::sale::AmountDiffers;
use jiff::civil::Date;
use std::fmt;

/// Something a person can fix in HubSpot or QuickBooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The record has no contact to bill.
    NoContact {
        /// The record's name.
        record: String,
    },
    /// A company is to be billed, and the record does not say which.
    NoCompany {
        /// The record's name.
        record: String,
        /// The names of its companies, of which none is the primary one; none when it has none.
        companies: Vec<String>,
    },
    /// The company to bill has no name.
    CompanyNameless {
        /// The record's name.
        record: String,
        /// The company's id.
        company: String,
    },
    /// Several customers have the company's name.
    CompanyAmbiguous {
        /// The company's name.
        company: String,
        /// Their display names.
        candidates: Vec<String>,
    },
    /// The contact lacks what finding or creating its customer needs.
    ContactIncomplete {
        /// The contact's name, e-mail or id.
        contact: String,
        /// Each once, at least one.
        lacks: Vec<Lack>,
    },
    /// Several customers fit the contact equally well.
    CustomerAmbiguous {
        /// The contact's name, e-mail or id.
        contact: String,
        /// Their display names.
        candidates: Vec<String>,
    },
    /// The record has no line items.
    NoLineItems {
        /// The record's name.
        record: String,
    },
    /// The record's own amount is not what its lines come to, and the settings refuse that.
    TotalDiffers {
        /// The record's name.
        record: String,
        /// How.
        differs: AmountDiffers,
    },
    /// A line's figures cannot be billed.
    LineInvalid {
        /// The line.
        line: LineLabel,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// A line has neither a name nor a SKU, and its product is not linked to an item: there is nothing to look for.
    LineNameless {
        /// The line.
        line: LineLabel,
    },
    /// No item in QuickBooks fits a line.
    ItemNotFound {
        /// The line.
        line: LineLabel,
        /// Its SKU, when it has one.
        sku: Option<String>,
    },
    /// Several items fit a line equally well.
    ItemAmbiguous {
        /// The line.
        line: LineLabel,
        /// Their full names.
        candidates: Vec<String>,
    },
    /// The only item that fits a line cannot be sold.
    ItemUnusable {
        /// The line.
        line: LineLabel,
        /// The item's full name.
        item: String,
        /// Why not.
        reason: Unusable,
    },
    /// What has no item of its own is to stand on the default item, and none is chosen in the settings.
    DefaultItemMissing {
        /// The line's name, or the record's when it has no lines.
        subject: String,
    },
    /// A product is to be created for a line, and no income account is chosen in the settings.
    IncomeAccountMissing {
        /// The line.
        line: LineLabel,
    },
    /// A deal without lines is to be billed by its amount, and has none above zero.
    NoAmount {
        /// The record's name.
        record: String,
    },
    /// The company is taxed by codes, and none is chosen in the settings.
    TaxCodeMissing {
        /// The record's name.
        record: String,
    },
    /// HubSpot shows a tax that the settings map to no tax code.
    TaxUnmapped {
        /// The line's name, or what the quote's own tax is called.
        subject: String,
        /// HubSpot's rate, for a person; none of a line that has no tax, and no code is chosen for those.
        rate: Option<String>,
    },
    /// HubSpot reckoned a tax by itself, and names no rate that a tax code could stand for.
    TaxWithoutRate {
        /// The line's name.
        subject: String,
    },
    /// A quote's own taxes that no tax code stands for: one is a fixed amount, or lines are taxed beside them.
    QuoteTaxUncoded {
        /// What they are called.
        taxes: String,
    },
    /// Sales tax of a whole document is one code's, and HubSpot's rates are mapped to several.
    TaxCodesMixed {
        /// The record's name.
        record: String,
        /// The codes, each once.
        codes: Vec<String>,
    },
    /// HubSpot shows tax, and the company keeps no sales tax.
    TaxOff {
        /// The record's name.
        record: String,
    },
    /// The record comes to more than QuickBooks' 15 digits hold.
    TotalTooLarge {
        /// The record's name.
        record: String,
    },
    /// More lines than a taxed document may have.
    TooManyLines {
        /// The record's name.
        record: String,
        /// How many there are, with fees and the line of a discount.
        count: usize,
    },
    /// Whether the buyer chose a quote's optional lines cannot be told by its amount.
    OptionalUnclear {
        /// The lines.
        lines: Vec<LineLabel>,
    },
    /// The record has a discount, and the company has none on its documents.
    DiscountsOff {
        /// The record's name.
        record: String,
    },
    /// The day of the document, or of the payment that follows it, lies in closed books.
    BooksClosed {
        /// The record's name.
        record: String,
        /// Whether it is the payment's.
        of_payment: bool,
        /// The day.
        day: Date,
        /// The last day of closed books.
        closed_until: Date,
    },
    /// Amounts hold the tax of a code whose rate QuickBooks does not say.
    TaxRateUnknown {
        /// The record's name.
        record: String,
        /// The tax code's id.
        code: String,
    },
    /// A quote's own discount or fee cannot be reckoned.
    AdjustmentInvalid {
        /// Its label, or “Discount” or “Fee” when it has none.
        label: String,
        /// What is wrong with it.
        fault: AdjustmentFault,
    },
    /// A quote has a fee, and no item is chosen in the settings to put it on.
    FeeItemMissing {
        /// The fee's label.
        fee: String,
    },
    /// A payment's amounts cannot be reckoned.
    PaymentInvalid {
        /// The payment's reference, else its id; the quote's name when only the quote says that it was paid.
        payment: String,
        /// What is wrong with one of them.
        fault: NumberFault,
    },
    /// A payment was made in another currency than the record's, or the other payments'.
    PaymentCurrency {
        /// The payment's reference, else its id.
        payment: String,
        /// The payment's currency.
        currency: Currency,
        /// The record's name.
        record: String,
        /// The currency it should be in.
        expected: Currency,
    },
    /// A sales receipt is to be made, and none of the record's payments counts as money received.
    NotPaid {
        /// The record's name.
        record: String,
        /// What HubSpot says of a quote as a whole.
        standing: Standing,
        /// All of them.
        payments: Vec<Uncounted>,
    },
    /// A currency that is not an ISO 4217 code.
    CurrencyUnreadable {
        /// The record's, line's or payment's name.
        subject: String,
        /// What stands there.
        text: String,
    },
    /// The record and its lines do not share one currency.
    CurrenciesMixed {
        /// The record's name.
        record: String,
        /// All that occur, in alphabetical order.
        currencies: Vec<Currency>,
    },
    /// The record is in another currency than the company's books, and the company has no other.
    CurrencyForeign {
        /// The record's name.
        record: String,
        /// The record's currency.
        currency: Currency,
        /// The company's home currency.
        home: Currency,
    },
    /// The customer is kept in another currency than the record's; QuickBooks never changes a customer's.
    CurrencyMismatch {
        /// The record's name.
        record: String,
        /// The record's currency.
        currency: Currency,
        /// The customer's display name.
        customer: String,
        /// The customer's currency, as QuickBooks writes it.
        customer_currency: String,
    },
}

impl Problem {
    /// The record, contact, company, line, discount, fee or payment concerned, by name and nothing else: it is put into a label of any language.
    pub fn subject(&self) -> String {
        match self {
            Self::NoContact { record }
            | Self::NoCompany { record, .. }
            | Self::CompanyNameless { record, .. }
            | Self::NoLineItems { record }
            | Self::NoAmount { record }
            | Self::TaxCodeMissing { record }
            | Self::TaxRateUnknown { record, .. }
            | Self::TaxCodesMixed { record, .. }
            | Self::TaxOff { record }
            | Self::DiscountsOff { record }
            | Self::BooksClosed { record, .. }
            | Self::TooManyLines { record, .. }
            | Self::TotalTooLarge { record }
            | Self::TotalDiffers { record, .. }
            | Self::CurrenciesMixed { record, .. }
            | Self::CurrencyForeign { record, .. }
            | Self::CurrencyMismatch { record, .. } => record.clone(),
            Self::ContactIncomplete { contact, .. } | Self::CustomerAmbiguous { contact, .. } => {
                contact.clone()
            }
            Self::CompanyAmbiguous { company, .. } => company.clone(),
            Self::AdjustmentInvalid { label, .. } => label.clone(),
            Self::FeeItemMissing { fee } => fee.clone(),
            Self::QuoteTaxUncoded { taxes } => taxes.clone(),
            Self::PaymentInvalid { payment, .. } | Self::PaymentCurrency { payment, .. } => payment.clone(),
            Self::NotPaid { record, payments, .. } if payments.is_empty() => record.clone(),
            Self::NotPaid { payments, .. } => {
                payments.iter().map(|one| one.payment.as_str()).collect::<Vec<_>>().join(", ")
            }
            Self::CurrencyUnreadable { subject, .. }
            | Self::DefaultItemMissing { subject }
            | Self::TaxWithoutRate { subject }
            | Self::TaxUnmapped { subject, .. } => subject.clone(),
            Self::OptionalUnclear { lines } => {
                lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            Self::LineInvalid { line, .. }
            | Self::LineNameless { line }
            | Self::ItemNotFound { line, .. }
            | Self::ItemAmbiguous { line, .. }
            | Self::ItemUnusable { line, .. }
            | Self::IncomeAccountMissing { line } => line.to_string(),
        }
    }
}

/// How a person finds a line: by its name, else its SKU, else its place: `#3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineLabel {
    /// Place among the lines, from 1, in the order HubSpot shows them.
    pub number: usize,
    /// The line's name, or its SKU when it has no name.
    pub name: Option<String>,
}

impl fmt::Display for LineLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "#{}", self.number),
        }
    }
}

/// What a contact lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It has no e-mail address.
    Email,
    /// QuickBooks would refuse its e-mail address (2210, 2040): no `@`, a space or an emoji inside, or over 100 characters.
    UsableEmail(String),
    /// It has neither first nor last name.
    Name,
}

/// What is wrong with a line's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// The figure is missing.
    Missing(Figure),
    /// The figure is not a number.
    Unreadable(Figure, String),
    /// The figure is below zero.
    Negative(Figure),
    /// The figure has more digits than QuickBooks takes.
    TooLarge(Figure),
    /// The quantity is zero. A gift has a price of zero; a line without a quantity sells nothing, and whether it should
    /// be on the document is not ours to guess.
    ZeroQuantity,
}

/// The figures of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Units.
    Quantity,
    /// Price per unit before discount.
    Price,
    /// Discount, per unit or as a percentage.
    Discount,
    /// Net price of the line.
    Amount,
    /// The percentage of its tax.
    TaxRate,
    /// What its tax comes to.
    Tax,
}

/// What is wrong with a quote's own discount or fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdjustmentFault {
    /// Its value.
    Value(NumberFault),
    /// It is neither `PERCENT` nor `FIXED`; what stands there instead, if anything.
    Kind(Option<String>),
    /// The discount takes off more than there is: QuickBooks refuses a discount above the subtotal (6000).
    MoreThanSubtotal,
}

/// What is wrong with a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// It is missing.
    Missing,
    /// It is not a number.
    Unreadable(String),
    /// It is below zero.
    Negative,
    /// It has more digits than QuickBooks takes.
    TooLarge,
}

/// Why an item cannot stand on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It was made inactive.
    Inactive,
    /// It is a category (quickbooks.md §2.7).
    Category,
    /// It is a bundle, which needs a line of another kind (quickbooks.md §2.2).
    Bundle,
}

/// Keeps a value, or notes what is wrong and carries on: how everything is told at once.
pub(crate) fn keep<T, E>(result: Result<T, E>, errors: &mut Vec<E>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}
