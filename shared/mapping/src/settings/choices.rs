//! Every setting of a company: its name, its values, what holds while nobody chose.
//!
//! One table names them all: the file, the stored form and the differences a person is shown are read off it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

use super::Why;
use super::maps::{CustomFields, PaymentMethods};
use super::tax_codes::TaxCodes;
use crate::quickbooks::{AccountId, ClassId, DepartmentId, ItemId, TaxCodeId, TermId};
use crate::sale;
use crate::template::{self, Template};
use crate::text::length;

/// What people choose for a company; what QuickBooks says of it is not among it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The item a quote's own fees are put on.
    pub fee_item: Option<ItemId>,
    /// The item for what has none of its own.
    pub default_item: Option<ItemId>,
    /// Where products that are created book what they bring in.
    pub income_account: Option<AccountId>,
    /// What to do with a deal that has no lines.
    pub no_line_items: NoLineItems,
    /// What to do when a record's amount is not what its lines come to.
    pub totals: Totals,
    /// Who decides on tax.
    pub tax: Tax,
    /// The tax code of what has none of its own: of every line outside the United States, of the document where sales tax
    /// is kept by hand.
    pub default_tax_code: Option<TaxCodeId>,
    /// Where HubSpot decides on tax: the tax codes its rates mean.
    pub tax_codes: TaxCodes,
    /// Outside the United States: what HubSpot's amounts are.
    pub amounts: Amounts,
    /// What becomes of the discounts of lines.
    pub discounts: Discounts,
    /// Where a document's number comes from.
    pub document_number: DocumentNumber,
    /// What the customer reads on a document, below its lines.
    pub memo: Option<Template>,
    /// The terms of an invoice whose action names no number of days.
    pub terms: Option<TermId>,
    /// The class of a document or of its lines, as the company tracks them.
    pub class: Option<ClassId>,
    /// The location of a document, where the company tracks locations.
    pub location: Option<DepartmentId>,
    /// Who is billed.
    pub bill: Bill,
    /// Who gets a copy of a document that is e-mailed.
    pub cc: Option<Addresses>,
    /// Who gets one that the others do not know of.
    pub bcc: Option<Addresses>,
    /// Whether an invoice can be paid online by card.
    pub card_payment: Online,
    /// Whether an invoice can be paid online from a bank account.
    pub bank_payment: Online,
    /// Whether lines say when what they sell begins.
    pub service_dates: ServiceDates,
    /// The property of the record that says when it is shipped.
    pub ship_date: Option<String>,
    /// What stands in the company's own fields.
    pub custom_fields: CustomFields,
    /// What HubSpot's ways of paying are called.
    pub payment_methods: PaymentMethods,
}

/// Declares a setting that is one of a few words; the first holds while nobody chose.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident = $first_word:literal, $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            const WORDS: &[&str] = &[$first_word, $($word),*];

            /// Its word in a file.
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)*
                }
            }

            fn read(value: &Value) -> Result<Self, Why> {
                match value.as_str() {
                    Some($first_word) => Ok(Self::$first),
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err(Why::NotOneOf { words: Self::WORDS }),
                }
            }
        }
    };
}

words! {
    /// What to do with a deal that has no lines.
    NoLineItems {
        /// Create nothing.
        Refuse = "refuse",
        /// Put the deal's amount on one line, with the default item.
        DealAmount = "deal_amount",
    }
}

words! {
    /// What to do when a record's own amount is not what its lines come to.
    Totals {
        /// Create the document, and say so.
        Warn = "warn",
        /// Create nothing.
        Refuse = "refuse",
    }
}

words! {
    /// Who decides on tax.
    Tax {
        /// QuickBooks: by the company's sales tax, or by the default tax code.
        QuickBooks = "quickbooks",
        /// HubSpot: by the rates of the lines, and what they come to.
        HubSpot = "hubspot",
        /// Nobody: documents are not taxed.
        None = "none",
    }
}

words! {
    /// What becomes of the discounts of lines.
    Discounts {
        /// Each is taken off its line, which says so.
        Net = "net",
        /// Lines cost what they would without, and all discounts are one line of the document.
        Document = "document",
    }
}

words! {
    /// What HubSpot's amounts are where each line has a tax code.
    Amounts {
        /// Net: tax comes on top.
        Net = "net",
        /// Gross: they hold the tax of their tax code.
        Gross = "gross",
    }
}

words! {
    /// Who is billed.
    Bill {
        /// The record's contact.
        Contact = "contact",
        /// The record's HubSpot company.
        Company = "company",
    }
}

words! {
    /// Whether an invoice can be paid online, which takes QuickBooks Payments.
    Online {
        /// As the company's settings in QuickBooks say.
        QuickBooks = "quickbooks",
        /// It can.
        Yes = "yes",
        /// It cannot.
        No = "no",
    }
}

impl Online {
    /// What a document says; none leaves it to QuickBooks.
    pub fn flag(self) -> Option<bool> {
        match self {
            Self::QuickBooks => None,
            Self::Yes => Some(true),
            Self::No => Some(false),
        }
    }
}

words! {
    /// Whether lines say when what they sell begins.
    ServiceDates {
        /// They do not.
        None = "none",
        /// On the day their billing starts in HubSpot.
        BillingStart = "billing_start",
    }
}

/// One or more e-mail addresses, as they stand in a field of QuickBooks: separated by commas, ≤ 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(String);

impl Addresses {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether they are all addresses by RFC 822, which QuickBooks goes by (2210). Whoever writes them is told; those of an earlier
    /// release are sent all the same.
    pub(super) fn are_plain(&self) -> bool {
        sale::emails(&self.0).all(is_plain_address)
    }

    fn read(value: &Value) -> Result<Option<Self>, Why> {
        if value.is_null() {
            return Ok(None);
        }
        let text = value.as_str().ok_or(Why::NotAddresses)?;
        let all: Vec<&str> = sale::emails(text).collect();
        let joined = all.join(", ");
        let fit = !all.is_empty() && all.iter().all(|email| sale::is_usable_email(email));
        if fit && length(&joined) <= 100 { Ok(Some(Self(joined))) } else { Err(Why::NotAddresses) }
    }
}

/// Of letters that RFC 822 knew, at a host.
fn is_plain_address(email: &str) -> bool {
    let host = email.rsplit_once('@').map_or("", |(_, host)| host);
    let is_host = host.contains('.') && host.split('.').all(|label| !label.is_empty());
    sale::is_usable_email(email) && email.is_ascii() && is_host && !email.starts_with('@')
}

fn property(value: &Value) -> Result<Option<String>, Why> {
    match value {
        Value::Null => Ok(None),
        value => {
            let name = value.as_str().filter(|name| template::is_property_name(name));
            name.map(|name| Some(name.to_owned())).ok_or(Why::NotAProperty)
        }
    }
}

/// Where a document's number comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DocumentNumber {
    /// QuickBooks; where people number documents there, the record's id behind `HS-`.
    #[default]
    QuickBooks,
    /// The record's id behind this text.
    Prefix(String),
    /// The HubSpot property of this name.
    Property(String),
}

/// The longest prefix: it leaves room for the ids of HubSpot.
const PREFIX_LIMIT: usize = 8;

impl DocumentNumber {
    fn read(value: &Value) -> Result<Self, Why> {
        let text = value.as_str().ok_or(Why::NotANumberRule)?;
        let is_prefix = |text: &str| {
            (1..=PREFIX_LIMIT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match text.split_once(' ') {
            None if text == "quickbooks" => Ok(Self::QuickBooks),
            Some(("prefix", prefix)) if is_prefix(prefix) => Ok(Self::Prefix(prefix.to_owned())),
            Some(("property", name)) if template::is_property_name(name) => {
                Ok(Self::Property(name.to_owned()))
            }
            _ => Err(Why::NotANumberRule),
        }
    }
}

impl fmt::Display for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QuickBooks => f.write_str("quickbooks"),
            Self::Prefix(prefix) => write!(f, "prefix {prefix}"),
            Self::Property(name) => write!(f, "property {name}"),
        }
    }
}

fn template(value: &Value) -> Result<Option<Template>, Why> {
    match value {
        Value::Null => Ok(None),
        value => value.as_str().and_then(Template::read).map(Some).ok_or(Why::NotATemplate),
    }
}

/// One setting.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// As text; none when nothing is chosen.
    get: fn(&Choices) -> Option<String>,
    set: fn(&mut Choices, &Value) -> Result<(), Why>,
    form: Form,
}

/// What a setting is in a file.
#[derive(Clone, Copy)]
enum Form {
    /// A text, or null.
    Text,
    /// An object of texts; as text `key=value, key=value`, neither of which can hold those characters.
    Map,
    /// An object of any texts; as text, JSON.
    Json,
}

impl Field {
    pub(super) fn get(&self, choices: &Choices) -> Option<String> {
        (self.get)(choices)
    }

    pub(super) fn set(&self, choices: &mut Choices, value: &Value) -> Result<(), Why> {
        (self.set)(choices, value)
    }

    /// As a file has it.
    pub(super) fn in_file(&self, choices: &Choices) -> Value {
        let text = self.get(choices);
        match self.form {
            Form::Text => text.map_or(Value::Null, Value::String),
            Form::Map => text.map_or_else(|| Value::Object(Map::new()), |text| members(&text)),
            Form::Json => text.map_or_else(|| json!({}), parsed),
        }
    }

    /// What is kept as text, as a file has it.
    fn restored(&self, text: String) -> Value {
        match self.form {
            Form::Text => Value::String(text),
            Form::Map => members(&text),
            Form::Json => parsed(text),
        }
    }
}

fn as_text(pairs: impl Iterator<Item = (String, String)>) -> Option<String> {
    let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { None } else { Some(pairs.join(", ")) }
}

/// A text that is no JSON stays one, which no map takes.
fn parsed(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// A text that is no such map stays one, which no map takes.
fn members(text: &str) -> Value {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        Some((key.to_owned(), Value::String(value.to_owned())))
    };
    let pairs: Option<Map<String, Value>> = text.split(", ").map(pair).collect();
    pairs.map_or_else(|| Value::String(text.to_owned()), Value::Object)
}

/// All settings, in the order of a file.
pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "fee_item",
        get: |choices| choices.fee_item.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.fee_item = id.map(ItemId)),
        form: Form::Text,
    },
    Field {
        name: "default_item",
        get: |choices| choices.default_item.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.default_item = id.map(ItemId)),
        form: Form::Text,
    },
    Field {
        name: "income_account",
        get: |choices| choices.income_account.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.income_account = id.map(AccountId)),
        form: Form::Text,
    },
    Field {
        name: "no_line_items",
        get: |choices| Some(choices.no_line_items.as_str().to_owned()),
        set: |choices, value| NoLineItems::read(value).map(|word| choices.no_line_items = word),
        form: Form::Text,
    },
    Field {
        name: "totals",
        get: |choices| Some(choices.totals.as_str().to_owned()),
        set: |choices, value| Totals::read(value).map(|totals| choices.totals = totals),
        form: Form::Text,
    },
    Field {
        name: "tax",
        get: |choices| Some(choices.tax.as_str().to_owned()),
        set: |choices, value| Tax::read(value).map(|tax| choices.tax = tax),
        form: Form::Text,
    },
    Field {
        name: "default_tax_code",
        get: |choices| choices.default_tax_code.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.default_tax_code = id.map(TaxCodeId)),
        form: Form::Text,
    },
    Field {
        name: "tax_codes",
        get: |choices| as_text(choices.tax_codes.pairs()),
        set: |choices, value| TaxCodes::read(value).map(|codes| choices.tax_codes = codes),
        form: Form::Map,
    },
    Field {
        name: "discounts",
        get: |choices| Some(choices.discounts.as_str().to_owned()),
        set: |choices, value| Discounts::read(value).map(|word| choices.discounts = word),
        form: Form::Text,
    },
    Field {
        name: "amounts",
        get: |choices| Some(choices.amounts.as_str().to_owned()),
        set: |choices, value| Amounts::read(value).map(|amounts| choices.amounts = amounts),
        form: Form::Text,
    },
    Field {
        name: "document_number",
        get: |choices| Some(choices.document_number.to_string()),
        set: |choices, value| DocumentNumber::read(value).map(|rule| choices.document_number = rule),
        form: Form::Text,
    },
    Field {
        name: "memo",
        get: |choices| choices.memo.as_ref().map(|memo| memo.as_str().to_owned()),
        set: |choices, value| template(value).map(|memo| choices.memo = memo),
        form: Form::Text,
    },
    Field {
        name: "terms",
        get: |choices| choices.terms.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.terms = id.map(TermId)),
        form: Form::Text,
    },
    Field {
        name: "class",
        get: |choices| choices.class.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.class = id.map(ClassId)),
        form: Form::Text,
    },
    Field {
        name: "location",
        get: |choices| choices.location.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.location = id.map(DepartmentId)),
        form: Form::Text,
    },
    Field {
        name: "bill",
        get: |choices| Some(choices.bill.as_str().to_owned()),
        set: |choices, value| Bill::read(value).map(|bill| choices.bill = bill),
        form: Form::Text,
    },
    Field {
        name: "cc",
        get: |choices| choices.cc.as_ref().map(|cc| cc.as_str().to_owned()),
        set: |choices, value| Addresses::read(value).map(|cc| choices.cc = cc),
        form: Form::Text,
    },
    Field {
        name: "bcc",
        get: |choices| choices.bcc.as_ref().map(|bcc| bcc.as_str().to_owned()),
        set: |choices, value| Addresses::read(value).map(|bcc| choices.bcc = bcc),
        form: Form::Text,
    },
    Field {
        name: "card_payment",
        get: |choices| Some(choices.card_payment.as_str().to_owned()),
        set: |choices, value| Online::read(value).map(|word| choices.card_payment = word),
        form: Form::Text,
    },
    Field {
        name: "bank_payment",
        get: |choices| Some(choices.bank_payment.as_str().to_owned()),
        set: |choices, value| Online::read(value).map(|word| choices.bank_payment = word),
        form: Form::Text,
    },
    Field {
        name: "service_dates",
        get: |choices| Some(choices.service_dates.as_str().to_owned()),
        set: |choices, value| ServiceDates::read(value).map(|word| choices.service_dates = word),
        form: Form::Text,
    },
    Field {
        name: "ship_date",
        get: |choices| choices.ship_date.clone(),
        set: |choices, value| property(value).map(|name| choices.ship_date = name),
        form: Form::Text,
    },
    Field {
        name: "custom_fields",
        get: |choices| choices.custom_fields.to_text(),
        set: |choices, value| CustomFields::read(value).map(|fields| choices.custom_fields = fields),
        form: Form::Json,
    },
    Field {
        name: "payment_methods",
        get: |choices| choices.payment_methods.to_text(),
        set: |choices, value| PaymentMethods::read(value).map(|methods| choices.payment_methods = methods),
        form: Form::Json,
    },
];

/// The most digits of an id in QuickBooks.
const ID_DIGITS: usize = 20;

fn id(value: &Value) -> Result<Option<String>, Why> {
    match value {
        Value::Null => Ok(None),
        value => value.as_str().filter(|text| is_id(text)).map(|id| Some(id.to_owned())).ok_or(Why::NotAnId),
    }
}

pub(super) fn is_id(text: &str) -> bool {
    (1..=ID_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Choices {
    /// The tax codes whose rates have to be known: gross amounts are split by them.
    pub fn tax_codes_to_know(&self) -> BTreeSet<&TaxCodeId> {
        match (self.amounts, self.tax) {
            (Amounts::Net, _) | (Amounts::Gross, Tax::None) => BTreeSet::new(),
            (Amounts::Gross, Tax::QuickBooks) => self.default_tax_code.iter().collect(),
            (Amounts::Gross, Tax::HubSpot) => {
                self.default_tax_code.iter().chain(self.tax_codes.codes()).collect()
            }
        }
    }

    /// The properties of a record that documents are made with, besides those every record is read with.
    pub fn properties(&self) -> BTreeSet<String> {
        let number = match &self.document_number {
            DocumentNumber::Property(name) => Some(name.as_str()),
            DocumentNumber::QuickBooks | DocumentNumber::Prefix(_) => None,
        };
        let memo = self.memo.iter().flat_map(Template::names);
        let custom = self.custom_fields.iter().flat_map(|(_, template)| template.names());
        let ship_date = self.ship_date.as_deref();
        number.into_iter().chain(memo).chain(custom).chain(ship_date).map(str::to_owned).collect()
    }

    /// Each setting by its name and as text, for what keeps them; none where nothing is chosen, or what holds anyway.
    pub fn stored(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let unchosen = Self::default();
        FIELDS.iter().map(move |field| {
            (field.name, field.get(self).filter(|value| Some(value) != field.get(&unchosen).as_ref()))
        })
    }

    /// The settings that were [`Choices::stored`], each asked for by its name.
    ///
    /// # Errors
    /// The name of one whose value this release does not know: it was chosen in a later one, and guessing would bill.
    pub fn from_stored(kept: impl Fn(&str) -> Option<String>) -> Result<Self, &'static str> {
        let mut choices = Self::default();
        for field in FIELDS {
            if let Some(text) = kept(field.name) {
                field.set(&mut choices, &field.restored(text)).map_err(|_| field.name)?;
            }
        }
        Ok(choices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again_and_what_holds_anyway_is_not_stored() {
        let tax_codes = TaxCodes::read(&serde_json::json!({"20": "5", "id 4711": "6"})).unwrap();
        let chosen = Choices {
            fee_item: Some(ItemId("31".into())),
            totals: Totals::Refuse,
            tax_codes,
            ..Choices::default()
        };
        for (choices, count) in [(Choices::default(), 0), (chosen, 3)] {
            let stored: Vec<_> = choices.stored().filter_map(|(name, text)| Some((name, text?))).collect();
            assert_eq!(stored.len(), count, "{stored:?}");
            let kept = |name: &str| Some(stored.iter().find(|(stored, _)| *stored == name)?.1.clone());
            assert_eq!(Choices::from_stored(kept), Ok(choices));
        }
    }

    #[test]
    fn copies_go_to_plain_addresses_and_what_was_kept_is_read_all_the_same() {
        for (address, is_plain) in [
            ("books@harbor.example, b@c.example", true),
            ("books@harbor", false),
            ("büro@harbor.example", false),
            ("books@harbor..example", false),
            ("@harbor.example", false),
        ] {
            let file = serde_json::json!({"version": 1, "cc": address}).to_string();
            assert_eq!(Choices::default().changed_by(&file).is_ok(), is_plain, "{address}");
            let kept = Choices::from_stored(|name| (name == "cc").then(|| address.to_owned())).unwrap();
            assert_eq!(kept.cc.unwrap().as_str(), address);
        }
    }

    #[test]
    fn where_numbers_come_from_is_one_word_with_what_it_needs() {
        for text in ["quickbooks", "prefix INV-", "prefix :", "property po_number"] {
            let rule = DocumentNumber::read(&Value::String(text.to_owned())).unwrap();
            assert_eq!(rule.to_string(), text);
        }
        for text in
            ["", "prefix", "prefix ", "prefix 123456789", "prefix a b", "property ", "property PO", "deal"]
        {
            let read = DocumentNumber::read(&Value::String(text.to_owned()));
            assert_eq!(read, Err(Why::NotANumberRule), "{text}");
        }
    }

    #[test]
    fn addresses_are_read_one_by_one() {
        let read = |text: &str| Addresses::read(&Value::String(text.to_owned()));
        let kept = |text: &str| read(text).unwrap().map(|addresses| addresses.as_str().to_owned());
        assert_eq!(kept("books@alder.example").as_deref(), Some("books@alder.example"));
        assert_eq!(kept(" a@b.example;c@d.example,").as_deref(), Some("a@b.example, c@d.example"));
        for text in ["", " ; ", "books", "a@b.example, c", "a b@c.example", &format!("a@{}", "b".repeat(99))]
        {
            assert_eq!(read(text), Err(Why::NotAddresses), "{text}");
        }
        assert_eq!(Addresses::read(&Value::Null), Ok(None));
        assert_eq!(Addresses::read(&Value::from(7)), Err(Why::NotAddresses));
        assert_eq!(property(&Value::from("closedate")), Ok(Some("closedate".to_owned())));
        assert_eq!(property(&Value::from("Close date")), Err(Why::NotAProperty));
    }

    #[test]
    fn only_the_properties_that_are_needed_are_named() {
        let names = |number: &str, memo: Option<&str>| {
            let document_number = DocumentNumber::read(&Value::String(number.to_owned())).unwrap();
            let memo = memo.and_then(Template::read);
            Choices { document_number, memo, ..Choices::default() }
                .properties()
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(names("prefix R", None), [""; 0]);
        assert_eq!(names("property po", Some("{dealname}, {po}")), ["dealname", "po"]);
    }

    #[test]
    fn a_word_of_a_later_release_is_not_guessed_at() {
        let kept = |name: &str| (name == "totals").then(|| "ask".to_owned());
        assert_eq!(Choices::from_stored(kept), Err("totals"));
        for text in ["20", "20=5,30=6", "20=five", ""] {
            let kept = |name: &str| (name == "tax_codes").then(|| text.to_owned());
            assert_eq!(Choices::from_stored(kept), Err("tax_codes"), "{text}");
        }
    }
}
