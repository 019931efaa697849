//! What QuickBooks refuses, or could only take wrongly.

use jiff::civil::Date;
use mapping::hubspot::RecordKind;
use mapping::money::Currency;
use mapping::quickbooks::{Document, DocumentKind};
use mapping::sale::RecordRef;
use quickbooks::fault::{Fault, Meaning};

use super::{Code, Failure, called, document_of, noun, subject};

/// What a person chose for a document by its id in QuickBooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What QuickBooks calls such a thing.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// What it is, its id, and where it was chosen: “class 31 of the app's settings (“class”)”.
    pub text: String,
}

/// The kind of addresses that get a copy: `id` is the field they stand in.
pub(crate) const COPY: &str = "copy";

impl Failure {
    /// QuickBooks refused a document of this record and customer, for good. What people `chose` for it may be gone.
    pub fn document_refused(
        what: DocumentKind,
        of: &RecordRef,
        realm_name: &str,
        customer: &str,
        chosen: &[Chosen],
        fault: &Fault,
    ) -> Self {
        let (noun, called) = (of.kind.noun(), called(of));
        match fault.meaning() {
            Meaning::CustomerGone => Self::new(
                Code::CustomerInactive,
                customer,
                format!(
                    "QuickBooks does not let the customer “{customer}” of the {called} be billed: it is inactive, or was deleted or \
                     merged. Make it active again in QuickBooks, then enroll the {noun} again."
                ),
            ),
            Meaning::Email => Self::address_refused(of, customer, chosen, fault),
            Meaning::ObjectGone => {
                let (document, codes) = (document_of(what, Some(of)), fault.codes());
                let gone = gone(chosen, fault);
                Self::new(
                    Code::QuickBooksRefused,
                    subject(of),
                    format!(
                        "QuickBooks refused the {document} in “{realm_name}” (QuickBooks error {codes}). {gone}, then enroll the \
                         {noun} again."
                    ),
                )
            }
            _ => Self::refused(what, Some(of), realm_name, fault),
        }
    }

    /// QuickBooks refused an address on a document: the contact's, unless it says that it is one of a setting; where it does not
    /// say and there are such, it may be either.
    fn address_refused(of: &RecordRef, customer: &str, chosen: &[Chosen], fault: &Fault) -> Self {
        let (noun, called) = (of.kind.noun(), called(of));
        let copies: Vec<&Chosen> = chosen.iter().filter(|chosen| chosen.kind == COPY).collect();
        if let Some(Chosen { text, .. }) = copies.iter().find(|copy| fault.is_about(&copy.id)) {
            let message = format!(
                "QuickBooks does not accept the {text} on the document of the {called}. Correct it there, then enroll the {noun} again."
            );
            return Self::new(Code::QuickBooksRefused, subject(of), message);
        }
        if copies.is_empty() || fault.is_about("BillEmail") {
            let message = format!(
                "QuickBooks does not accept the e-mail address of “{customer}”. Correct it on the contact of the {called} in HubSpot, \
                 then enroll the {noun} again."
            );
            return Self::new(Code::ContactIncomplete, customer, message);
        }
        let copies: String = copies.iter().map(|copy| format!(", or the {}", copy.text)).collect();
        let message = format!(
            "QuickBooks does not accept the e-mail address of “{customer}”{copies}. Correct it on the contact of the {called} in \
             HubSpot or in the app's settings, then enroll the {noun} again."
        );
        Self::new(Code::QuickBooksRefused, subject(of), message)
    }

    /// QuickBooks refused what we sent, for good. When it refuses a question, the record may not be known by its name.
    pub fn refused(what: DocumentKind, of: Option<&RecordRef>, realm_name: &str, fault: &Fault) -> Self {
        let (noun, document) = (noun(of), document_of(what, of));
        let (code, message) = match fault.meaning() {
            Meaning::Access => return Self::connection_expired(realm_name),
            Meaning::PeriodClosed => (
                Code::PeriodClosed,
                format!(
                    "The books of “{realm_name}” are closed for the date of the {document}. Change the closing date in \
                     QuickBooks (Account and settings, Advanced)"
                ),
            ),
            Meaning::FeatureOff => (
                Code::FeatureOff,
                format!(
                    "The QuickBooks plan or settings of “{realm_name}” do not allow the {document}. Switch the feature on in \
                     QuickBooks (Account and settings) or change the plan"
                ),
            ),
            Meaning::ReadOnly => (
                Code::CompanyReadOnly,
                format!(
                    "“{realm_name}” does not take the {document}: it is read-only, because its QuickBooks subscription has ended or \
                     has a billing problem, or it is locked. Mend it in QuickBooks"
                ),
            ),
            Meaning::TaxCode => (
                Code::TaxUnmapped,
                format!(
                    "“{realm_name}” needs another tax code on the lines of the {document}. Check the sales tax settings in \
                     QuickBooks and in the app's settings (“tax”, “default_tax_code”, “tax_codes”)"
                ),
            ),
            Meaning::Tax => (
                Code::TaxUnmapped,
                format!(
                    "“{realm_name}” does not take the tax of the {document}. Check the sales tax settings in QuickBooks and in the app's \
                     settings (“tax”, “default_tax_code”)"
                ),
            ),
            Meaning::Currency => (
                Code::CurrencyMismatch,
                format!(
                    "“{realm_name}” does not take the currency of the {document}. Add it in QuickBooks (Currencies), or change the \
                     {noun}'s currency"
                ),
            ),
            Meaning::DuplicateNumber(_) => (
                Code::DuplicateNumber,
                format!(
                    "“{realm_name}” already has a document with the number of the {document}. Change the numbering in \
                     QuickBooks (Account and settings, Sales)"
                ),
            ),
            meaning => {
                let codes = fault.codes();
                let mend = mend(&meaning);
                let message = format!(
                    "QuickBooks refused the {document} in “{realm_name}” (QuickBooks error {codes}). {mend}"
                );
                (Code::QuickBooksRefused, message)
            }
        };
        let subject = match of {
            Some(of) if !code.is_of_the_company() => subject(of),
            _ => realm_name.to_owned(),
        };
        Self::new(code, subject, format!("{message}, then enroll the {noun} again."))
    }

    /// QuickBooks refused to create the customer.
    pub fn customer_refused(contact: &str, fault: &Fault) -> Self {
        let codes = fault.codes();
        let (code, message) = match fault.meaning() {
            Meaning::DuplicateName => (
                Code::NameTaken,
                format!(
                    "QuickBooks already uses the name of “{contact}” for someone else, also with HubSpot's id behind \
                     it. Rename one of them in QuickBooks"
                ),
            ),
            Meaning::Email => (
                Code::ContactIncomplete,
                format!(
                    "QuickBooks does not accept the e-mail address, or the website, of “{contact}”. Correct it in HubSpot"
                ),
            ),
            _ => (
                Code::QuickBooksRefused,
                format!(
                    "QuickBooks refused “{contact}” as a customer (QuickBooks error {codes}). Check its name, e-mail \
                     and address in HubSpot"
                ),
            ),
        };
        Self::new(code, contact, format!("{message}, then enroll the record again."))
    }

    /// QuickBooks refused to create the product.
    pub fn item_refused(name: &str, fault: &Fault) -> Self {
        match fault.meaning() {
            Meaning::DuplicateName => Self::new(
                Code::ItemNotFound,
                name,
                format!(
                    "QuickBooks already uses the name “{name}” and does not show for which product. Look for it under Products and \
                     services, or give the line item another name, then enroll the record again."
                ),
            ),
            _ => {
                let codes = fault.codes();
                Self::new(
                    Code::QuickBooksRefused,
                    name,
                    format!(
                        "QuickBooks refused “{name}” as a new product (QuickBooks error {codes}). Check the line item's name and SKU \
                         in HubSpot and the income account in the app's settings (“income_account”), then enroll the record again."
                    ),
                )
            }
        }
    }

    /// The same, and what was done all the same.
    #[must_use]
    pub fn besides(mut self, done: impl Iterator<Item = String>) -> Self {
        for sentence in done {
            self.message.push(' ');
            self.message.push_str(&sentence);
        }
        self
    }

    /// The customer that has the name is the same one, and inactive.
    pub fn customer_inactive(buyer: &str, customer: &str) -> Self {
        Self::new(
            Code::CustomerInactive,
            buyer,
            format!(
                "The QuickBooks customer “{customer}” of “{buyer}” is inactive and keeps the name. Make it active in QuickBooks, or \
                 give it another name, then enroll the record again."
            ),
        )
    }

    /// QuickBooks refused the payment of a document, for good. The sentence names nobody, as it is kept when the plan is not
    /// (rulings.md 18); the whole one is [`Failure::payment_refused`]'s.
    pub fn of_payment(what: DocumentKind, of: Option<&RecordRef>, realm_name: &str, fault: &Fault) -> Self {
        let (meaning, codes) = (fault.meaning(), fault.codes());
        let then = match mend_payment(&meaning) {
            Some(mend) => format!("{mend}, or record it in QuickBooks"),
            None if meaning == Meaning::Account => {
                format!("{} and record this payment in QuickBooks", mend(&meaning))
            }
            None => "Record it in QuickBooks".to_owned(),
        };
        Self {
            message: format!("QuickBooks refused the payment (QuickBooks error {codes}). {then}."),
            ..Self::refused(what, of, realm_name, fault)
        }
    }

    /// The document exists, and QuickBooks refused its payment; `why` is [`Failure::of_payment`]'s sentence.
    pub fn payment_refused(what: DocumentKind, document: &Document, why: &str) -> Self {
        let number = document.doc_number.as_ref().unwrap_or(&document.id.0);
        let what = what.noun();
        // An earlier release kept a code.
        let is_sentence = why.ends_with('.');
        let why = if is_sentence { why } else { "QuickBooks refused the payment. Record it in QuickBooks." };
        Self::new(
            Code::PaymentRefused,
            number,
            format!(
                "The {what} {number} was created without its payment. {why} Do not enroll the record again, or a second {what} is \
                 created."
            ),
        )
    }

    /// The number that stands on the record is another document's.
    pub fn number_taken(what: DocumentKind, of: &RecordRef, number: &str) -> Self {
        let (what, noun, name) = (what.noun(), of.kind.noun(), &of.name);
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
            Code::ExchangeRateMissing,
            name,
            format!(
                "The {noun} “{name}” is in {currency}, and QuickBooks has no exchange rate for it on {day}. Enter one in QuickBooks \
                 (Currencies), then enroll the {noun} again."
            ),
        )
    }
}

/// What is not there any more, or, where QuickBooks does not name it, what it may be.
fn gone(chosen: &[Chosen], fault: &Fault) -> String {
    let gone = "was deleted or made inactive in QuickBooks";
    let missing = fault.missing_row();
    let is_missing = |chosen: &&Chosen| {
        // QuickBooks writes of `Accounts`.
        missing.is_some_and(|(kind, id)| kind.starts_with(chosen.kind) && id == chosen.id)
    };
    match (chosen.iter().find(is_missing), missing) {
        (Some(Chosen { text, .. }), _) => format!("The {text} {gone}: choose another one"),
        (None, Some((kind, _))) if kind.starts_with("Customer") => {
            format!("The customer {gone}: make it active again")
        }
        (None, Some((kind, _))) if kind.starts_with("Item") => {
            format!("A product of its lines {gone}: make it active again, or change the line item")
        }
        (None, _) => {
            let chosen = chosen.iter().filter(|chosen| chosen.kind != COPY);
            let chosen: String = chosen.map(|chosen| format!(" and the {}", chosen.text)).collect();
            format!("Something that it names {gone}: check the customer and the products{chosen}")
        }
    }
}

/// What can be mended so that the same payment is taken when it is tried again.
fn mend_payment(meaning: &Meaning) -> Option<&'static str> {
    Some(match meaning {
        Meaning::ObjectGone | Meaning::CustomerGone => {
            "Its customer, its payment method or the account for the money was deleted or made inactive in QuickBooks: make it active \
             again and retry the payment in the app's console"
        }
        Meaning::PeriodClosed => {
            "The books are closed for its date: change the closing date in QuickBooks (Account and settings, Advanced) and retry the \
             payment in the app's console"
        }
        Meaning::ReadOnly => {
            "The company is read-only, as its subscription has ended or has a billing problem, or it is locked: mend that in \
             QuickBooks and retry the payment in the app's console"
        }
        Meaning::FeatureOff | Meaning::Access => {
            "The QuickBooks plan or settings, or the rights of whoever connected the company, do not allow it: change that and retry \
             the payment in the app's console"
        }
        Meaning::Currency => {
            "The company does not take its currency: add it in QuickBooks (Currencies) and retry the payment in the app's console"
        }
        _ => return None,
    })
}

/// Where to look, for what has no code of its own.
fn mend(meaning: &Meaning) -> &'static str {
    match meaning {
        Meaning::Figure => "Check quantities, prices and discounts of the record's line items",
        Meaning::Text => {
            "Shorten the names and descriptions of the record's line items, and take unusual characters out of them"
        }
        Meaning::Account => "Choose another account for the money in the action",
        Meaning::Inventory => {
            "A product is counted in QuickBooks from a later day on: change its inventory start date in QuickBooks, or the product of \
             the line item"
        }
        Meaning::CustomField => "Check the custom fields that are chosen in the app's settings",
        _ => "Check the record's contact and line items, and the company's settings in QuickBooks",
    }
}
