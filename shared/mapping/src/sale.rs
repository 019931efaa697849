//! The first step: an enrolled deal or quote read into types.
//!
//! A [`Reading`] is not yet a [`Sale`]: it knows what has to be looked up even when something on the record is wrong, so
//! that the record's problems and those of the look-up are told together. [`Reading::settle`] makes the sale of it.

use crate::hubspot::{Contact, Enrolled, LineItem, LineItemProperties, Record, RecordId, RecordKind};
use crate::line::{self, Article, Figures, SaleLine};
use crate::money::{self, Currency};
use crate::problem::{LineFault, Problem};
use crate::quickbooks::Address;
use crate::text::{cut, length, single_line};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// A deal or quote of which every figure can be billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The deal or quote.
    pub record: RecordRef,
    /// Whom it is billed to.
    pub buyer: Buyer,
    /// The currency of record and lines; none when HubSpot names none, as in portals with a single currency.
    pub currency: Option<Currency>,
    /// The record's own amount. It may differ from [`Sale::subtotal`]: people type it.
    pub amount: Option<Decimal>,
    /// At least one, in HubSpot's order.
    pub lines: Vec<SaleLine>,
}

impl Sale {
    /// What the document's lines add up to, before tax.
    pub fn subtotal(&self) -> Decimal {
        self.lines.iter().map(|line| line.figures.amount).sum()
    }
}

/// The deal or quote by id and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRef {
    /// Deal or quote.
    pub kind: RecordKind,
    /// Its id.
    pub id: RecordId,
    /// Its name, or its id when it has none.
    pub name: String,
}

/// The contact a sale is billed to. Texts are on one line and fit QuickBooks' fields (quickbooks.md §2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// The contact.
    pub contact_id: RecordId,
    /// Given name, ≤ 100 characters, without `:`.
    pub first_name: Option<String>,
    /// Family name, ≤ 100 characters, without `:`.
    pub last_name: Option<String>,
    /// E-mail address, ≤ 100 characters.
    pub email: Option<String>,
    /// Phone number, ≤ 30 characters.
    pub phone: Option<String>,
    /// Postal address; every part may be missing.
    pub address: Address,
}

impl Buyer {
    /// How a person finds the contact: by name, else by e-mail, else by id.
    pub fn label(&self) -> String {
        self.full_name().or_else(|| self.email.clone()).unwrap_or_else(|| self.contact_id.to_string())
    }

    /// “First Last”, or the one there is; not cut to any length.
    pub(crate) fn full_name(&self) -> Option<String> {
        let parts: Vec<&str> =
            [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        if parts.is_empty() { None } else { Some(parts.join(" ")) }
    }
}

/// A record as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub(crate) record: RecordRef,
    pub(crate) buyer: Option<Buyer>,
    /// An e-mail address QuickBooks would refuse.
    pub(crate) refused_email: Option<String>,
    pub(crate) currency: Option<Currency>,
    pub(crate) amount: Option<Decimal>,
    pub(crate) lines: Vec<LineReading>,
    /// Of the record as a whole; the contact's and the lines' are in their places.
    pub(crate) problems: Vec<Problem>,
}

/// A line as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineReading {
    pub(crate) article: Article,
    pub(crate) figures: Result<Figures, Vec<LineFault>>,
}

/// Reads an enrolled record. Never fails: what is wrong is told by [`Reading::settle`].
pub fn read(enrolled: &Enrolled) -> Reading {
    let Summary { record, amount, currency } = summary(&enrolled.record);
    let items = in_order(&enrolled.line_items);
    let mut problems = Vec::new();
    let currency = common_currency(&record, currency, &items, &mut problems);
    let (buyer, refused_email) = enrolled.contact.as_ref().map(buyer).unzip();
    if buyer.is_none() {
        problems.push(Problem::NoContact { record: record.name.clone() });
    }
    if items.is_empty() {
        problems.push(Problem::NoLineItems { record: record.name.clone() });
    }
    let lines = items.into_iter().zip(1..).map(|(item, number)| line_reading(number, item)).collect();
    Reading { record, buyer, refused_email: refused_email.flatten(), currency, amount, lines, problems }
}

struct Summary<'a> {
    record: RecordRef,
    amount: Option<Decimal>,
    currency: Option<&'a str>,
}

fn summary(record: &Record) -> Summary<'_> {
    let (kind, id, name, amount, currency) = match record {
        Record::Deal(deal) => {
            let properties = &deal.properties;
            let (name, currency) = (&properties.dealname, &properties.deal_currency_code);
            (RecordKind::Deal, deal.id, name, &properties.amount, currency)
        }
        Record::Quote(quote) => {
            let properties = &quote.properties;
            let (name, currency) = (&properties.hs_title, &properties.hs_currency);
            (RecordKind::Quote, quote.id, name, &properties.hs_quote_amount, currency)
        }
    };
    let name = name.as_deref().map(single_line).filter(|name| !name.is_empty());
    Summary {
        record: RecordRef { kind, id, name: name.unwrap_or_else(|| id.to_string()) },
        // Only ever compared, never billed: one that cannot be read is as good as none.
        amount: amount.as_deref().and_then(|text| money::parse(text).ok()),
        currency: currency.as_deref(),
    }
}

/// Each line item once, by its place on the quote (deals have one too), then by id.
fn in_order(line_items: &[LineItem]) -> Vec<&LineItem> {
    let by_id: BTreeMap<RecordId, &LineItem> = line_items.iter().rev().map(|line| (line.id, line)).collect();
    let mut lines: Vec<&LineItem> = by_id.into_values().collect();
    lines.sort_by_key(|line| {
        let place = line.properties.hs_position_on_quote.as_deref().and_then(|text| money::parse(text).ok());
        (place.is_none(), place)
    });
    lines
}

fn line_reading(number: usize, item: &LineItem) -> LineReading {
    LineReading { article: line::article(number, item), figures: line::figures(&item.properties) }
}

/// The one currency of the record and its lines. HubSpot fills in the record's in portals with several currencies only,
/// the lines' more often (hubspot.md §6.5); where they differ nobody but a person knows what the amounts mean.
fn common_currency(
    record: &RecordRef,
    of_record: Option<&str>,
    items: &[&LineItem],
    problems: &mut Vec<Problem>,
) -> Option<Currency> {
    let of_line = |line: &LineItemProperties| line.hs_line_item_currency_code.clone();
    let of_lines = items.iter().zip(1..).filter_map(|(item, number)| {
        Some((line::article(number, item).label().to_string(), of_line(&item.properties)?))
    });
    let mut currencies = BTreeSet::new();
    for (subject, text) in
        of_record.map(|text| (record.name.clone(), text.to_owned())).into_iter().chain(of_lines)
    {
        match text.parse::<Currency>() {
            Ok(currency) => {
                currencies.insert(currency);
            }
            Err(_) => problems.push(Problem::CurrencyUnreadable { subject, text }),
        }
    }
    if currencies.len() > 1 {
        let currencies = currencies.into_iter().collect();
        problems.push(Problem::CurrenciesMixed { record: record.name.clone(), currencies });
        return None;
    }
    currencies.pop_first()
}

/// The buyer, and the e-mail address it had to be read without.
fn buyer(contact: &Contact) -> (Buyer, Option<String>) {
    let properties = &contact.properties;
    let (email, refused_email) = match properties.email.as_deref().map(str::trim) {
        Some(email) if is_usable_email(email) => (Some(email.to_owned()), None),
        other => (None, other.filter(|email| !email.is_empty()).map(single_line)),
    };
    let buyer = Buyer {
        contact_id: contact.id,
        first_name: field(&properties.firstname.as_deref().map(without_colons), 100),
        last_name: field(&properties.lastname.as_deref().map(without_colons), 100),
        email,
        phone: field(&properties.phone, 30),
        address: Address {
            line1: field(&properties.address, 500),
            city: field(&properties.city, 255),
            country_sub_division_code: field(&properties.state, 255),
            postal_code: field(&properties.zip, 30),
            country: field(&properties.country, 255),
        },
    };
    (buyer, refused_email)
}

/// What QuickBooks surely refuses (2210) is stopped here, where it can be said of which contact; whether an address is
/// well-formed otherwise is HubSpot's and QuickBooks' business.
fn is_usable_email(email: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    email.contains('@') && !email.contains(odd) && length(email) <= 100
}

fn field(text: &Option<String>, limit: usize) -> Option<String> {
    let text = single_line(text.as_deref()?);
    let text = cut(&text, limit);
    if text.is_empty() { None } else { Some(text.to_owned()) }
}

/// A colon separates a customer from its jobs: QuickBooks refuses it in names (2040).
fn without_colons(name: &str) -> String {
    name.replace(':', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hubspot::{Quote, QuoteProperties};
    use crate::testing::{contact_with, deal, over, widget_line};
    use serde_json::{Value, from_value, json};

    fn names(reading: &Reading) -> Vec<String> {
        reading.lines.iter().map(|line| line.article.label().to_string()).collect()
    }

    #[test]
    fn lines_stand_in_hubspots_order() {
        let line = |name: &str, place: Value| json!({"name": name, "hs_position_on_quote": place});
        let reading = read(&deal([
            line("without a place", json!(null)),
            line("eleventh", json!("10")),
            line("third, first id", json!("2")),
            line("third, second id", json!("2.0")),
            line("first", json!("0")),
        ]));
        let expected = ["first", "third, first id", "third, second id", "eleventh", "without a place"];
        assert_eq!(names(&reading), expected);
    }

    #[test]
    fn a_line_listed_twice_is_one_line() {
        let mut enrolled = deal([widget_line(), json!({"name": "Installation"})]);
        enrolled.line_items.extend(enrolled.line_items.clone());
        assert_eq!(names(&read(&enrolled)), ["Widget", "Installation"]);
    }

    #[test]
    fn a_record_without_contact_and_lines_is_named_for_both() {
        let enrolled = Enrolled { contact: None, ..deal([]) };
        let record = || "Harbour kiosk".to_owned();
        let expected = [Problem::NoContact { record: record() }, Problem::NoLineItems { record: record() }];
        assert_eq!(read(&enrolled).problems, expected);
    }

    #[test]
    fn a_quote_is_read_as_a_deal_is() {
        let properties: QuoteProperties =
            from_value(json!({"hs_title": "Offer 7", "hs_quote_amount": "149.97", "hs_currency": "EUR"}))
                .unwrap();
        let record = Record::Quote(Quote { id: RecordId(77), properties });
        let reading = read(&Enrolled { record, ..deal([widget_line()]) });
        let name = "Offer 7".to_owned();
        assert_eq!(reading.record, RecordRef { kind: RecordKind::Quote, id: RecordId(77), name });
        assert_eq!(reading.amount, Some("149.97".parse().unwrap()));
        assert_eq!(reading.currency, Some("EUR".parse().unwrap()));
    }

    #[test]
    fn record_and_lines_share_one_currency() {
        let check = |of_record: Value, of_lines: &[Value], expected: Result<Option<&str>, Problem>| {
            let line = |code: &Value| over(widget_line(), json!({"hs_line_item_currency_code": code}));
            let mut enrolled = deal(of_lines.iter().map(line));
            if let Record::Deal(deal) = &mut enrolled.record {
                deal.properties.deal_currency_code = from_value(of_record).unwrap();
            }
            let reading = read(&enrolled);
            let found = match reading.problems.as_slice() {
                [] => Ok(reading.currency.as_ref().map(Currency::as_str)),
                [problem] => Err(problem.clone()),
                several => panic!("{several:?}"),
            };
            assert_eq!(found, expected);
        };
        let mixed = || {
            let currencies = ["EUR", "USD"].map(|code| code.parse().unwrap()).to_vec();
            Err(Problem::CurrenciesMixed { record: "Harbour kiosk".into(), currencies })
        };
        check(json!("EUR"), &[json!(null)], Ok(Some("EUR")));
        check(json!(null), &[json!("EUR"), json!(null), json!("EUR")], Ok(Some("EUR")));
        check(json!(null), &[json!(null)], Ok(None));
        check(json!(null), &[json!("USD"), json!("EUR")], mixed());
        check(json!("EUR"), &[json!("USD")], mixed());
        let unreadable = Problem::CurrencyUnreadable { subject: "Widget".into(), text: "euro".into() };
        check(json!("EUR"), &[json!("euro")], Err(unreadable));
    }

    #[test]
    fn a_buyer_fits_quickbooks_fields() {
        let enrolled = Enrolled {
            contact: Some(contact_with(json!({
                "firstname": " Ana:\tMaria ", "lastname": "T".repeat(120), "email": " ana@harbour.example ",
                "phone": "+1 510 555 0142 extension 12345", "address": "12 Harbour Rd\nUnit 4", "country": " "
            }))),
            ..deal([])
        };
        let buyer = read(&enrolled).buyer.unwrap();
        assert_eq!(buyer.first_name.as_deref(), Some("Ana Maria"));
        assert_eq!(buyer.last_name, Some("T".repeat(100)));
        assert_eq!(buyer.email.as_deref(), Some("ana@harbour.example"));
        assert_eq!(buyer.phone.as_deref(), Some("+1 510 555 0142 extension 1234"));
        assert_eq!(
            buyer.address,
            Address { line1: Some("12 Harbour Rd Unit 4".into()), ..Address::default() }
        );
    }
}
