//! What is known of one QuickBooks company, what was chosen for it, and the choices as a file.
//!
//! A file that is taken in changes the settings it names and leaves the others alone, so that one written before a setting
//! existed still does what it did. Everything wrong with it is told at once, each with the field's name.

mod choices;
mod maps;
mod tax_codes;

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

pub use self::choices::{
    Addresses, Amounts, Bill, Choices, Discounts, DocumentNumber, NoLineItems, Online, ServiceDates, Tax,
    Totals,
};
pub use self::maps::{CustomFields, PaymentMethods};
pub use self::tax_codes::TaxCodes;

use self::choices::FIELDS;
use crate::books::{Books, SalesTax};

/// The settings of one company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What QuickBooks says of it.
    pub books: Books,
    /// What people chose.
    pub choices: Choices,
}

impl Settings {
    /// Whether items and customers say what is taxed: sales tax is kept by hand, in the United States, and QuickBooks decides on it.
    pub fn items_say_what_is_taxed(&self) -> bool {
        let Self { books, choices } = self;
        books.is_american() && books.sales_tax == SalesTax::Manual && choices.tax == Tax::QuickBooks
    }
}

/// The form of the file that this release writes and reads.
pub const FILE_VERSION: u64 = 1;

/// The largest file that is read, in bytes.
pub const FILE_LIMIT: usize = 64 * 1024;

const VERSION: &str = "version";

/// What a file can say, in its order.
pub const NAMES: [&str; FIELDS.len() + 1] = {
    let mut names = [VERSION; FIELDS.len() + 1];
    let mut at = 0;
    while at < FIELDS.len() {
        names[at + 1] = FIELDS[at].name;
        at += 1;
    }
    names
};

/// Something wrong with a file of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field, as it is named in the file; none when the whole file cannot be read.
    pub field: Option<String>,
    /// Why.
    pub why: Why,
}

/// Why a field or a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// More than [`FILE_LIMIT`].
    TooLarge,
    /// No JSON.
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON, but no object.
    NotAnObject,
    /// The object has it twice: which one is meant is not for us to guess.
    Twice,
    /// There is no such setting.
    Unknown {
        /// Those there are.
        known: &'static [&'static str],
    },
    /// The file does not say which form it has.
    NoVersion,
    /// It must be an id of QuickBooks, as text, or null.
    NotAnId,
    /// It must be one of a few words.
    NotOneOf {
        /// These.
        words: &'static [&'static str],
    },
    /// It must say where numbers come from.
    NotANumberRule,
    /// It must be a text with names of properties in braces, or null.
    NotATemplate,
    /// It must be e-mail addresses, separated by commas and at most 100 characters together, or null.
    NotAddresses,
    /// It must be the name of a property in HubSpot, or null.
    NotAProperty,
    /// It must be an object of at most three names of custom fields, each with a text as of a template.
    NotCustomFields,
    /// It must be an object of HubSpot's words for ways of paying, each with an id of QuickBooks.
    NotPaymentMethods,
    /// It must be an object of rates and tax codes.
    NotRates,
    /// A key of it must be a percentage, or `id` and the id of a rate.
    NotARate {
        /// The key.
        key: String,
    },
    /// The value of a key must be the id of a tax code, as text.
    NotATaxCode {
        /// The key.
        key: String,
    },
    /// A key stands there twice, in the same or another form.
    KeyTwice {
        /// The key.
        key: String,
    },
}

/// One setting before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name in the file.
    pub field: &'static str,
    /// What is chosen today.
    pub before: Option<String>,
    /// What would be.
    pub after: Option<String>,
}

impl Choices {
    /// The file that holds these choices, to be kept, changed and taken in again.
    pub fn to_file(&self) -> String {
        let mut text = serde_json::to_string_pretty(&File(self)).unwrap_or_default();
        text.push('\n');
        text
    }

    /// These choices as a file changes them.
    ///
    /// # Errors
    /// Everything that is wrong with the file; none of it is taken then.
    pub fn changed_by(&self, file: &str) -> Result<Self, Vec<Wrong>> {
        let fields = read(file)?;
        let mut changed = self.clone();
        let mut wrong: Vec<Wrong> = Vec::new();
        if !fields.iter().any(|(name, _)| name == VERSION) {
            wrong.push(Wrong::of(VERSION, Why::NoVersion));
        }
        for (at, (name, text)) in fields.iter().enumerate() {
            if fields[..at].iter().any(|(earlier, _)| earlier == name) {
                wrong.push(Wrong::of(name, Why::Twice));
            } else if let Err(why) = whole(text).and_then(|value| changed.take(name, &value)) {
                wrong.push(Wrong::of(name, why));
            }
        }
        if wrong.is_empty() { Ok(changed) } else { Err(wrong) }
    }

    /// What differs in `new`.
    pub fn differences(&self, new: &Self) -> Vec<Difference> {
        let fields = FIELDS.iter().map(|field| Difference {
            field: field.name,
            before: field.get(self),
            after: field.get(new),
        });
        fields.filter(|difference| difference.before != difference.after).collect()
    }

    /// What a person writes must be taken by QuickBooks.
    fn check_copies(&self, name: &str) -> Result<(), Why> {
        let addresses = match name {
            "cc" => self.cc.as_ref(),
            "bcc" => self.bcc.as_ref(),
            _ => None,
        };
        if addresses.is_none_or(Addresses::are_plain) { Ok(()) } else { Err(Why::NotAddresses) }
    }

    fn take(&mut self, name: &str, value: &Value) -> Result<(), Why> {
        match FIELDS.iter().find(|field| field.name == name) {
            Some(field) => field.set(self, value).and_then(|()| self.check_copies(name)),
            None if name != VERSION => Err(Why::Unknown { known: &NAMES }),
            None if value.as_u64() == Some(FILE_VERSION) => Ok(()),
            None => Err(Why::NoVersion),
        }
    }
}

/// The choices as they stand in a file, all of them, so that a person sees what there is to choose.
struct File<'a>(&'a Choices);

impl Serialize for File<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(VERSION, &FILE_VERSION)?;
        for field in FIELDS {
            map.serialize_entry(field.name, &field.in_file(self.0))?;
        }
        map.end()
    }
}

impl Wrong {
    fn of(field: &str, why: Why) -> Self {
        Self { field: Some(field.to_owned()), why }
    }

    fn whole(why: Why) -> Vec<Self> {
        vec![Self { field: None, why }]
    }
}

fn read(file: &str) -> Result<Vec<(String, Box<RawValue>)>, Vec<Wrong>> {
    if file.len() > FILE_LIMIT {
        return Err(Wrong::whole(Why::TooLarge));
    }
    // Editors of some systems put a mark before the text.
    let file = file.trim_start_matches('\u{feff}');
    if !file.trim_start().starts_with('{') && serde_json::from_str::<Value>(file).is_ok() {
        return Err(Wrong::whole(Why::NotAnObject));
    }
    let fields: Fields = serde_json::from_str(file)
        .map_err(|error| Wrong::whole(Why::NotJson { line: error.line(), column: error.column() }))?;
    Ok(fields.0)
}

/// A field's value, in which no key stands twice: which one is meant is not for us to guess either.
fn whole(text: &RawValue) -> Result<Value, Why> {
    let text = text.get();
    let members: Option<Fields> = serde_json::from_str(text).ok();
    let keys: Vec<String> = members.into_iter().flat_map(|members| members.0).map(|(key, _)| key).collect();
    let twice = keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key));
    match twice {
        Some((_, key)) => Err(Why::KeyTwice { key: key.clone() }),
        // It was read once already.
        None => Ok(serde_json::from_str(text).unwrap_or_default()),
    }
}

/// An object's members in their order; a map would keep one of two with the same name and not say so.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> serde::de::Visitor<'de> for Members {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(member) = map.next_entry()? {
                    fields.push(member);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quickbooks::ItemId;

    fn chosen(item: &str) -> Choices {
        Choices { fee_item: Some(ItemId(item.to_owned())), ..Choices::default() }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let fields = r#"{"version": 1, "custom_fields": {"PO #": "{po}"}, "payment_methods": {"card": "4"}, "cc": "a@b.example"}"#;
        let with_maps = chosen("31").changed_by(fields).unwrap();
        let tax_codes = TaxCodes::read(&serde_json::json!({"20": "5", "id 4711": "6"})).unwrap();
        let mapped = Choices { tax_codes, ..chosen("31") };
        for choices in [Choices::default(), chosen("31"), with_maps, mapped.clone()] {
            assert_eq!(chosen("7").changed_by(&choices.to_file()), Ok(choices));
        }
        insta::assert_snapshot!(mapped.to_file());
    }

    #[test]
    fn what_a_file_does_not_name_stays() {
        assert_eq!(chosen("31").changed_by(r#"{"version": 1}"#), Ok(chosen("31")));
        assert_eq!(
            chosen("31").changed_by("\u{feff}{\"version\": 1, \"fee_item\": null}"),
            Ok(Choices::default())
        );
    }

    #[test]
    fn a_wrong_file_says_which_field_and_why() {
        let wrong = |file: &str| Choices::default().changed_by(file).unwrap_err();
        let of = |field: &str, why| Wrong { field: Some(field.to_owned()), why };
        let unknown = || Why::Unknown { known: &NAMES };
        for (file, expected) in [
            (r#"{"fee_item": "31"}"#, of("version", Why::NoVersion)),
            (r#"{"version": 2}"#, of("version", Why::NoVersion)),
            (r#"{"version": "1"}"#, of("version", Why::NoVersion)),
            (r#"{"version": 1, "fee_itm": "31"}"#, of("fee_itm", unknown())),
            (r#"{"version": 1, "fee_item": 31}"#, of("fee_item", Why::NotAnId)),
            (r#"{"version": 1, "fee_item": "31 or 32"}"#, of("fee_item", Why::NotAnId)),
            (r#"{"version": 1, "fee_item": ""}"#, of("fee_item", Why::NotAnId)),
            (r#"{"version": 1, "document_number": 7}"#, of("document_number", Why::NotANumberRule)),
            (r#"{"version": 1, "memo": "{"}"#, of("memo", Why::NotATemplate)),
            (
                r#"{"version": 1, "totals": "maybe"}"#,
                of("totals", Why::NotOneOf { words: &["warn", "refuse"] }),
            ),
            (r#"{"version": 1, "totals": null}"#, of("totals", Why::NotOneOf { words: &["warn", "refuse"] })),
            (r#"{"version": 1, "fee_item": "1", "fee_item": "2"}"#, of("fee_item", Why::Twice)),
            (
                r#"{"version": 1, "tax_codes": {"20": "5", "20": "6"}}"#,
                of("tax_codes", Why::KeyTwice { key: "20".to_owned() }),
            ),
            (
                r#"{"version": 1, "tax_codes": {"20": "5", "VAT": "6"}}"#,
                of("tax_codes", Why::NotARate { key: "VAT".to_owned() }),
            ),
            (r#"{"version": 1, "tax_codes": "20=5"}"#, of("tax_codes", Why::NotRates)),
        ] {
            assert_eq!(wrong(file), [expected], "{file}");
        }
        for (file, why) in [
            ("", Why::NotJson { line: 1, column: 0 }),
            ("{\n\"version\": 1,\n}", Why::NotJson { line: 3, column: 1 }),
            ("[]", Why::NotAnObject),
            ("\"text\"", Why::NotAnObject),
            (&" ".repeat(FILE_LIMIT + 1), Why::TooLarge),
        ] {
            assert_eq!(wrong(file), [Wrong { field: None, why }], "{file}");
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let wrong = Choices::default().changed_by(r#"{"fee_item": 1, "color": "blue"}"#).unwrap_err();
        let fields: Vec<_> = wrong.iter().filter_map(|wrong| wrong.field.as_deref()).collect();
        assert_eq!(fields, ["version", "fee_item", "color"]);
    }

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(chosen("31").differences(&chosen("31")), []);
        let difference = Difference { field: "fee_item", before: Some("31".to_owned()), after: None };
        assert_eq!(chosen("31").differences(&Choices::default()), [difference]);
        let mapped = r#"{"version": 1, "tax_codes": {"id 4711": "6", "20.0": "5"}}"#;
        let mapped = Choices::default().changed_by(mapped).unwrap();
        let after = Some("20=5, id 4711=6".to_owned());
        let difference = Difference { field: "tax_codes", before: None, after };
        assert_eq!(Choices::default().differences(&mapped), [difference]);
    }
}
