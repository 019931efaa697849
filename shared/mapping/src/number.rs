//! A document's number: QuickBooks' own, a prefix with the record's id, or what stands in a property of the record.

use std::collections::{BTreeMap, BTreeSet};

use crate::sale::RecordRef;
use crate::settings::{DocumentNumber, Settings};
use crate::text::{length, writable_line};

/// The longest `DocNumber` (quickbooks.md §2.3).
const LIMIT: usize = 21;

/// What stands before the record's id where the company gives no numbers itself and nobody chose a prefix.
const PREFIX: &str = "HS-";

/// What a document's number is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// QuickBooks gives one.
    OfQuickBooks,
    /// Made of the record's id: another one can be made if it is taken.
    OfRecord(String),
    /// Somebody wrote it into the record: it is that one or none.
    OfProperty(String),
}

/// Why a property's text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Nothing stands there.
    Blank,
    /// It is longer than QuickBooks takes.
    TooLong,
}

impl Number {
    /// The number to send.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::OfQuickBooks => None,
            Self::OfRecord(text) | Self::OfProperty(text) => Some(text),
        }
    }
}

/// How many numbers one record's documents can have.
pub const MOST: usize = 30;

/// Numbers that cannot be had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// So many of the record's first ones were refused.
    pub refused: usize,
    /// The books have these.
    pub in_books: BTreeSet<String>,
}

/// All numbers that are made of the record's id, in the order they are used in.
pub fn of_record(record: &RecordRef, settings: &Settings) -> Vec<String> {
    let prefix = match &settings.choices.document_number {
        DocumentNumber::Prefix(prefix) => prefix.as_str(),
        DocumentNumber::QuickBooks | DocumentNumber::Property(_) => PREFIX,
    };
    (0..MOST).map(|earlier| numbered(prefix, record, earlier)).collect()
}

/// The number of a record's document, and why it is not the one the settings ask for.
pub fn number(
    record: &RecordRef,
    properties: &BTreeMap<String, String>,
    settings: &Settings,
    taken: &Taken,
) -> (Number, Option<Unfit>) {
    let of_record = || {
        let all = of_record(record, settings);
        let is_free = |text: &&String| !taken.in_books.iter().any(|other| other.eq_ignore_ascii_case(text));
        // When none is free, QuickBooks says so.
        let free = all.iter().skip(taken.refused).find(is_free).or(all.last());
        Number::OfRecord(free.cloned().unwrap_or_default())
    };
    // Where people number documents, one without a number would have none (quickbooks.md §2.3).
    let unchosen = || match settings.books.custom_numbers {
        true => of_record(),
        false => Number::OfQuickBooks,
    };
    match &settings.choices.document_number {
        DocumentNumber::QuickBooks => (unchosen(), None),
        DocumentNumber::Prefix(_) => (of_record(), None),
        DocumentNumber::Property(name) => match properties.get(name).and_then(|text| writable_line(text)) {
            None => (unchosen(), Some(Unfit::Blank)),
            Some(text) if length(&text) > LIMIT => (unchosen(), Some(Unfit::TooLong)),
            Some(text) => (Number::OfProperty(text), None),
        },
    }
}

/// Ids tell records apart by their last digits, so that those stay.
fn numbered(prefix: &str, record: &RecordRef, earlier: usize) -> String {
    let id = record.id.to_string();
    let suffix = if earlier == 0 { String::new() } else { format!("-{}", earlier + 1) };
    let room = LIMIT.saturating_sub(prefix.len() + suffix.len());
    format!("{prefix}{}{suffix}", &id[id.len().saturating_sub(room)..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Books;
    use crate::hubspot::{RecordId, RecordKind};
    use crate::settings::Choices;

    fn found(
        rule: DocumentNumber,
        custom_numbers: bool,
        property: &str,
        refused: usize,
    ) -> (Number, Option<Unfit>) {
        let record = RecordRef { kind: RecordKind::Deal, id: RecordId(4821), name: "Harbour kiosk".into() };
        let taken = Taken { refused, ..Taken::default() };
        let settings = Settings {
            books: Books { custom_numbers, ..Books::default() },
            choices: Choices { document_number: rule, ..Choices::default() },
        };
        number(&record, &[("po_number".to_owned(), property.to_owned())].into(), &settings, &taken)
    }

    #[test]
    fn the_settings_decide_and_where_people_number_documents_each_gets_one() {
        let record = |text: &str| (Number::OfRecord(text.into()), None);
        let quickbooks = || DocumentNumber::QuickBooks;
        assert_eq!(found(quickbooks(), false, "", 0), (Number::OfQuickBooks, None));
        assert_eq!(found(quickbooks(), true, "", 0), record("HS-4821"));
        assert_eq!(found(quickbooks(), true, "", 2), record("HS-4821-3"));
        assert_eq!(found(DocumentNumber::Prefix("R".into()), false, "", 0), record("R4821"));
        let property = || DocumentNumber::Property("po_number".into());
        assert_eq!(found(property(), false, " PO 7\t", 0), (Number::OfProperty("PO 7".into()), None));
        assert_eq!(found(property(), false, "🎁", 0), (Number::OfQuickBooks, Some(Unfit::Blank)));
        let long = "9".repeat(22);
        assert_eq!(
            found(property(), true, &long, 0),
            (Number::OfRecord("HS-4821".into()), Some(Unfit::TooLong))
        );
        assert_eq!(found(property(), true, &long[1..], 0).0.text(), Some(&long[1..]));
    }

    #[test]
    fn the_first_number_that_the_books_do_not_have_is_used() {
        let record = RecordRef { kind: RecordKind::Deal, id: RecordId(4821), name: "Harbour kiosk".into() };
        let books = Books { custom_numbers: true, ..Books::default() };
        let settings = Settings { books, ..Settings::default() };
        let found = |refused, in_books: &[&str]| {
            let in_books = in_books.iter().map(|text| (*text).to_owned()).collect();
            number(&record, &BTreeMap::new(), &settings, &Taken { refused, in_books }).0
        };
        let expected = |text: &str| Number::OfRecord(text.to_owned());
        assert_eq!(found(0, &["HS-4821", "hs-4821-2", "HS-4821-4"]), expected("HS-4821-3"));
        // What was refused is not tried again, even if the books do not show who has it.
        assert_eq!(found(1, &[]), expected("HS-4821-2"));
        assert_eq!(found(2, &["HS-4821-3"]), expected("HS-4821-4"));
        let all = of_record(&record, &settings);
        assert_eq!((all.len(), all[MOST - 1].as_str()), (30, "HS-4821-30"));
        assert_eq!(found(1, &all.iter().map(String::as_str).collect::<Vec<_>>()), expected("HS-4821-30"));
    }

    #[test]
    fn a_number_fits_whatever_the_id() {
        let record = RecordRef { kind: RecordKind::Deal, id: RecordId(u64::MAX), name: String::new() };
        assert_eq!(numbered("HS-", &record, 0), "HS-446744073709551615");
        for earlier in [0, 1, 9, 10, MOST] {
            assert!(numbered("12345678", &record, earlier).len() <= LIMIT);
        }
    }
}
