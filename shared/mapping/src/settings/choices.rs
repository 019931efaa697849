//! Every setting of a company: its name, its values, what holds while nobody chose.
//!
//! One table names them all: the file, the stored form and the differences a person is shown are read off it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::Why;
use crate::quickbooks::{AccountId, ClassId, DepartmentId, ItemId, TaxCodeId, TermId};
use crate::template::{self, Template};

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
    /// Outside the United States: the tax code of every line.
    pub default_tax_code: Option<TaxCodeId>,
    /// Outside the United States: what HubSpot's amounts are.
    pub amounts: Amounts,
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
        /// Nobody: documents are not taxed.
        None = "none",
    }
}

words! {
    /// What HubSpot's amounts are where each line has a tax code.
    Amounts {
        /// Net: tax comes on top.
        Net = "net",
        /// Gross: they hold the tax of the default tax code.
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
}

impl Field {
    pub(super) fn get(&self, choices: &Choices) -> Option<String> {
        (self.get)(choices)
    }

    pub(super) fn set(&self, choices: &mut Choices, value: &Value) -> Result<(), Why> {
        (self.set)(choices, value)
    }
}

/// All settings, in the order of a file.
pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "fee_item",
        get: |choices| choices.fee_item.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.fee_item = id.map(ItemId)),
    },
    Field {
        name: "default_item",
        get: |choices| choices.default_item.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.default_item = id.map(ItemId)),
    },
    Field {
        name: "income_account",
        get: |choices| choices.income_account.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.income_account = id.map(AccountId)),
    },
    Field {
        name: "no_line_items",
        get: |choices| Some(choices.no_line_items.as_str().to_owned()),
        set: |choices, value| NoLineItems::read(value).map(|word| choices.no_line_items = word),
    },
    Field {
        name: "totals",
        get: |choices| Some(choices.totals.as_str().to_owned()),
        set: |choices, value| Totals::read(value).map(|totals| choices.totals = totals),
    },
    Field {
        name: "tax",
        get: |choices| Some(choices.tax.as_str().to_owned()),
        set: |choices, value| Tax::read(value).map(|tax| choices.tax = tax),
    },
    Field {
        name: "default_tax_code",
        get: |choices| choices.default_tax_code.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.default_tax_code = id.map(TaxCodeId)),
    },
    Field {
        name: "amounts",
        get: |choices| Some(choices.amounts.as_str().to_owned()),
        set: |choices, value| Amounts::read(value).map(|amounts| choices.amounts = amounts),
    },
    Field {
        name: "document_number",
        get: |choices| Some(choices.document_number.to_string()),
        set: |choices, value| DocumentNumber::read(value).map(|rule| choices.document_number = rule),
    },
    Field {
        name: "memo",
        get: |choices| choices.memo.as_ref().map(|memo| memo.as_str().to_owned()),
        set: |choices, value| template(value).map(|memo| choices.memo = memo),
    },
    Field {
        name: "terms",
        get: |choices| choices.terms.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.terms = id.map(TermId)),
    },
    Field {
        name: "class",
        get: |choices| choices.class.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.class = id.map(ClassId)),
    },
    Field {
        name: "location",
        get: |choices| choices.location.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.location = id.map(DepartmentId)),
    },
    Field {
        name: "bill",
        get: |choices| Some(choices.bill.as_str().to_owned()),
        set: |choices, value| Bill::read(value).map(|bill| choices.bill = bill),
    },
];

/// The most digits of an id in QuickBooks.
const ID_DIGITS: usize = 20;

fn id(value: &Value) -> Result<Option<String>, Why> {
    let is_id =
        |text: &&str| (1..=ID_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match value {
        Value::Null => Ok(None),
        value => value.as_str().filter(is_id).map(|id| Some(id.to_owned())).ok_or(Why::NotAnId),
    }
}

impl Choices {
    /// The tax code whose rate has to be known: gross amounts are split by it.
    pub fn tax_code_to_know(&self) -> Option<&TaxCodeId> {
        self.default_tax_code
            .as_ref()
            .filter(|_| (self.tax, self.amounts) == (Tax::QuickBooks, Amounts::Gross))
    }

    /// The properties of a record that documents are made with, besides those every record is read with.
    pub fn properties(&self) -> BTreeSet<String> {
        let number = match &self.document_number {
            DocumentNumber::Property(name) => Some(name.as_str()),
            DocumentNumber::QuickBooks | DocumentNumber::Prefix(_) => None,
        };
        let memo = self.memo.iter().flat_map(Template::names);
        number.into_iter().chain(memo).map(str::to_owned).collect()
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
                field.set(&mut choices, &Value::String(text)).map_err(|_| field.name)?;
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
        let chosen =
            Choices { fee_item: Some(ItemId("31".into())), totals: Totals::Refuse, ..Choices::default() };
        for (choices, count) in [(Choices::default(), 0), (chosen, 2)] {
            let stored: Vec<_> = choices.stored().filter_map(|(name, text)| Some((name, text?))).collect();
            assert_eq!(stored.len(), count, "{stored:?}");
            let kept = |name: &str| Some(stored.iter().find(|(stored, _)| *stored == name)?.1.clone());
            assert_eq!(Choices::from_stored(kept), Ok(choices));
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
    }
}
