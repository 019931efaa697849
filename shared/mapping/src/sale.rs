//! The first step: an enrolled deal or quote read into types.
//!
//! A [`Reading`] is not yet a [`Sale`]: it knows what has to be looked up even when something on the record is wrong, so
//! that the record's problems and those of the look-up are told together. [`Reading::settle`] makes the sale of it.

use crate::adjustment::{self, Adjustments, Applied, Fee};
use crate::books::Books;
use crate::hubspot::{
    Company, Contact, Enrolled, LineItem, LineItemProperties, Record, RecordId, RecordKind,
};
use crate::line::{self, Article, Figures, SaleLine};
use crate::money::{self, Currency};
use crate::optional::{self, Chosen};
use crate::problem::{Lack, LineFault, LineLabel, Problem};
use crate::quickbooks::Address;
use crate::rate::{self, Library, LineTax, QuoteTaxes};
use crate::tax::Taxation;
use crate::text::{cut, is_refused, is_whole, length, seen, single_line, writable_line};
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::{BTreeMap, BTreeSet};

/// A deal or quote of which every figure can be billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The deal or quote.
    pub record: RecordRef,
    /// Whom it is billed to.
    pub buyer: Buyer,
    /// The currency of record and lines, or the portal's; none when HubSpot names none of them.
    pub currency: Option<Currency>,
    /// The decimals of its amounts: those of the currency, or of the books' where there is none.
    pub decimals: u32,
    /// The record's own amount. It may differ from [`Sale::total`]: people type it. A deal without lines may be billed by it.
    pub amount: Option<Decimal>,
    /// At least one, in HubSpot's order.
    pub lines: Vec<SaleLine>,
    /// A quote's own discounts, in HubSpot's order: together never more than the subtotal.
    pub discounts: Vec<Applied>,
    /// A quote's own fees, in HubSpot's order.
    pub fees: Vec<Fee>,
    /// A quote's optional lines that its buyer did not choose: they are not billed.
    pub left_out: Vec<LineLabel>,
    /// What of its texts was left out or cut, as QuickBooks would refuse it.
    pub altered: Altered,
    /// The tax HubSpot shows, of the lines and of the quote; none where it does not say what that comes to.
    pub tax: Option<Decimal>,
}

impl Sale {
    /// What the lines add up to, before the quote's own discounts and fees, and before tax.
    pub fn subtotal(&self) -> Decimal {
        self.lines.iter().map(|line| line.figures.amount).sum()
    }

    /// What the quote's own discounts take off together.
    pub fn discount(&self) -> Decimal {
        self.discounts.iter().map(|discount| discount.amount).sum()
    }

    /// What is to be paid, before tax.
    pub fn total(&self) -> Decimal {
        let fees: Decimal = self.fees.iter().map(|fee| fee.charge.amount).sum();
        self.subtotal() - self.discount() + fees
    }

    /// The record's own amount and what the document comes to, where they differ: what a person should be told. None when the
    /// record has no amount, and where what the document comes to with its tax is not known before ([`Sale::amount_with_tax`]).
    /// Whether HubSpot's amount holds the tax it shows depends on the kind of quote: either will do, if the document has that tax.
    pub fn amount_differs(&self, tax: &Taxation) -> Option<AmountDiffers> {
        let (amount, total) = (self.in_its_decimals(self.amount?), self.total());
        if amount == total {
            return None;
        }
        let held = self.amount_with_tax().and(self.tax);
        let comes_to = match (held, tax.carried()) {
            (None, _) => total,
            (Some(_), carried) => total + carried?,
        };
        (amount != comes_to).then_some(AmountDiffers { amount, comes_to, held })
    }

    /// The record's own amount, where it holds the tax that HubSpot shows.
    pub fn amount_with_tax(&self) -> Option<Decimal> {
        let amount = self.in_its_decimals(self.amount?);
        let tax = self.tax.filter(|tax| !tax.is_zero())?;
        (amount == self.total() + tax).then_some(amount)
    }

    /// The same sale, its lines at what they cost without their discounts, and these among the discounts of the whole: before
    /// the quote's own, which were reckoned on what they left.
    pub(crate) fn with_discounts_apart(mut self) -> Self {
        let mut discounts = Vec::new();
        for line in &mut self.lines {
            let figures = &mut line.figures;
            let off = figures.gross - figures.amount;
            if !off.is_zero() {
                discounts.push(Applied { label: line.article.label().to_string(), amount: off });
                figures.amount = figures.gross;
                figures.discount = None;
            }
        }
        discounts.append(&mut self.discounts);
        Self { discounts, ..self }
    }

    /// In the decimals of the currency, cents at least: what QuickBooks cannot keep is seen to differ.
    fn in_its_decimals(&self, amount: Decimal) -> Decimal {
        if self.decimals <= money::CENTS {
            return money::round_half_up(amount);
        }
        let mut rounded =
            amount.round_dp_with_strategy(self.decimals, RoundingStrategy::MidpointAwayFromZero);
        rounded.rescale(self.decimals);
        rounded
    }
}

/// How a record's own amount and its document differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountDiffers {
    /// The record's own amount.
    pub amount: Decimal,
    /// What the document comes to: before tax, unless the amount holds some.
    pub comes_to: Decimal,
    /// The tax in the amount.
    pub held: Option<Decimal>,
}

/// Which texts of a record cannot be written whole. The descriptions of lines are cut where they are written: what has to fit
/// beside them is known there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Altered {
    /// The buyer's names or phone number: a customer that is there already keeps its own.
    pub customer: bool,
    /// The buyer's address: it stands on new customers, and on documents if it has a street.
    pub address: bool,
    /// The names of lines and adjustments.
    pub others: Vec<String>,
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

/// Which record of HubSpot is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuyerId {
    /// A contact.
    Contact(RecordId),
    /// A company.
    Company(RecordId),
}

impl BuyerId {
    /// The record's id.
    pub fn record(self) -> RecordId {
        match self {
            Self::Contact(id) | Self::Company(id) => id,
        }
    }
}

/// The contact or company a sale is billed to. Texts are on one line and fit QuickBooks' fields (quickbooks.md §2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// The contact or company.
    pub id: BuyerId,
    /// A contact's given name, ≤ 100 characters, without `:`.
    pub first_name: Option<String>,
    /// A contact's family name, ≤ 100 characters, without `:`.
    pub last_name: Option<String>,
    /// A company's name, ≤ 100 characters.
    pub company_name: Option<String>,
    /// The contact's e-mail address, ≤ 100 characters; that of a company's contact is for its documents only.
    pub email: Option<String>,
    /// Whether the contact's field holds further addresses: one is for the customer to be found by, and the first it is.
    pub has_more_emails: bool,
    /// Phone number, ≤ 30 characters.
    pub phone: Option<String>,
    /// A company's website, ≤ 1000 characters, with its scheme.
    pub website: Option<String>,
    /// Postal address; every part may be missing.
    pub address: Address,
}

impl Buyer {
    /// How a person finds it: by name, else by e-mail, else by id.
    pub fn label(&self) -> String {
        self.full_name().or_else(|| self.email.clone()).unwrap_or_else(|| self.id.record().to_string())
    }

    /// “First Last”, or the one there is, or the company's name without `:`; not cut to any length.
    pub(crate) fn full_name(&self) -> Option<String> {
        if let Some(name) = &self.company_name {
            return Some(single_line(&without_colons(name))).filter(|name| !name.is_empty());
        }
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
    /// A quote's optional lines that its buyer did not choose.
    pub(crate) left_out: Vec<LineLabel>,
    pub(crate) adjustments: Adjustments,
    /// The taxes of a whole quote.
    pub(crate) taxes: QuoteTaxes,
    /// As [`Sale::altered`].
    pub(crate) altered: Altered,
    /// Of the record as a whole and its adjustments; the contact's and the lines' are in their places.
    pub(crate) problems: Vec<Problem>,
}

/// A line as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineReading {
    pub(crate) article: Article,
    pub(crate) figures: Result<Figures, Vec<LineFault>>,
    /// A fault in it counts only where HubSpot decides on tax.
    pub(crate) tax: Result<LineTax, LineFault>,
    /// The buyer of a quote may leave it out.
    pub(crate) optional: bool,
}

impl Reading {
    /// The same record in these books: amounts that name no currency, in a portal that has none either, are taken to be in the
    /// home currency, and have its decimals.
    pub fn in_books(self, books: &Books, enrolled: &Enrolled) -> Self {
        match (&self.currency, books.decimals(None)) {
            (None, decimals) if decimals != money::CENTS => read_in(enrolled, decimals),
            _ => self,
        }
    }

    /// The same record, knowing what these rates of HubSpot's library are.
    pub fn with_rates(mut self, library: &Library) -> Self {
        for tax in self.lines.iter_mut().filter_map(|line| line.tax.as_mut().ok()) {
            let known = tax.rate_id.as_ref().and_then(|id| library.get(id).copied());
            tax.percent = tax.percent.or(known);
        }
        self
    }
}

/// Reads an enrolled record. Never fails: what is wrong is told by [`Reading::settle`].
pub fn read(enrolled: &Enrolled) -> Reading {
    read_in(enrolled, money::CENTS)
}

/// So many decimals have amounts in no currency that is known.
fn read_in(enrolled: &Enrolled, unnamed: u32) -> Reading {
    let Summary { record, amount, .. } = summary(&enrolled.record);
    let mut problems = Vec::new();
    let currency = common_currency(enrolled, &mut problems);
    let decimals = currency.as_ref().map_or(unnamed, Currency::decimals);
    let contact = enrolled.contact.as_ref().map(buyer).unzip();
    let (buyer, refused_email) = match &enrolled.companies {
        None => contact,
        Some(companies) => {
            let company = company_buyer(&record, companies, contact, &mut problems);
            (company, None)
        }
    };
    if buyer.is_none() && enrolled.companies.is_none() {
        problems.push(Problem::NoContact { record: record.name.clone() });
    }
    let lines: Vec<LineReading> =
        numbered(enrolled).map(|(number, item)| line_reading(number, item, decimals)).collect();
    let Chosen { lines, left_out } = optional::choose(enrolled, lines, amount, decimals, &mut problems);
    let amounts = lines.iter().map(|line| Some(line.figures.as_ref().ok()?.amount));
    let subtotal = amounts.sum::<Option<Decimal>>().filter(|_| !lines.is_empty());
    let adjustments = adjustment::apply(enrolled, subtotal, decimals, &mut problems);
    let taxes = rate::of_quote(enrolled, adjustments.standing, decimals);
    let refused_email = refused_email.flatten();
    let altered = altered(enrolled);
    Reading {
        record,
        buyer,
        refused_email,
        currency,
        amount,
        lines,
        left_out,
        adjustments,
        taxes,
        altered,
        problems,
    }
}

fn altered(enrolled: &Enrolled) -> Altered {
    let is_cut = |text: &Option<String>, limit| text.as_deref().is_some_and(|text| !is_whole(text, limit));
    // A colon between two words is missed where a space is not.
    let is_name_cut =
        |name| is_cut(name, NAME_LIMIT) || name.as_deref().is_some_and(|name| name.contains(':'));
    let is_address_cut = |[street, more, city, state, zip, country]: [&Option<String>; 6]| {
        [street, more].into_iter().any(|line| is_cut(line, STREET_LIMIT))
            || [city, state, country].into_iter().any(|place| is_cut(place, PLACE_LIMIT))
            || is_cut(zip, CODE_LIMIT)
    };
    let (customer, address) = match (enrolled.companies.as_deref(), &enrolled.contact) {
        (Some([Company { properties: of, .. }]), _) => (
            is_name_cut(&of.name) || is_cut(&of.phone, PHONE_LIMIT),
            is_address_cut([&of.address, &of.address2, &of.city, &of.state, &of.zip, &of.country]),
        ),
        (None, Some(Contact { properties: of, .. })) => (
            is_name_cut(&of.firstname) || is_name_cut(&of.lastname) || is_cut(&of.phone, PHONE_LIMIT),
            is_address_cut([&of.address, &None, &of.city, &of.state, &of.zip, &of.country]),
        ),
        _ => (false, false),
    };
    let lines = numbered(enrolled).filter(|(_, item)| {
        let of = &item.properties;
        [&of.name, &of.description].into_iter().any(|text| is_cut(text, usize::MAX))
    });
    let lines = lines.map(|(number, item)| line::article(number, item).label().to_string());
    let labels = enrolled.discounts.iter().chain(&enrolled.fees).map(|one| &one.properties.hs_label);
    let labels = labels.filter(|label| is_cut(label, usize::MAX));
    let labels = labels.filter_map(|label| writable_line(label.as_deref()?));
    Altered { customer, address, others: lines.chain(labels).collect() }
}

/// The longest texts of a customer in QuickBooks (quickbooks.md §2.6).
const NAME_LIMIT: usize = 100;
const PHONE_LIMIT: usize = 30;
const STREET_LIMIT: usize = 500;
const PLACE_LIMIT: usize = 255;
const CODE_LIMIT: usize = 30;

/// The record by id and name.
pub fn record_ref(record: &Record) -> RecordRef {
    summary(record).record
}

/// The one currency of the record and its lines. HubSpot fills in the record's in portals with several currencies only,
/// the lines' more often (hubspot.md §6.5); where they differ nobody but a person knows what the amounts mean. Where nothing
/// names one, it is the portal's.
pub(crate) fn common_currency(enrolled: &Enrolled, problems: &mut Vec<Problem>) -> Option<Currency> {
    let Summary { record, currency, .. } = summary(&enrolled.record);
    let of_record = currency.map(|text| (record.name.clone(), text.to_owned()));
    let of_line = |line: &LineItemProperties| line.hs_line_item_currency_code.clone();
    let of_lines = numbered(enrolled).filter_map(|(number, item)| {
        Some((line::article(number, item).label().to_string(), of_line(&item.properties)?))
    });
    let mut named = of_record.into_iter().chain(of_lines).peekable();
    if named.peek().is_none() {
        return enrolled.portal_currency.clone();
    }
    let mut currencies = BTreeSet::new();
    for (subject, text) in named {
        match text.parse::<Currency>() {
            Ok(currency) => {
                currencies.insert(currency);
            }
            Err(_) => problems.push(Problem::CurrencyUnreadable { subject, text }),
        }
    }
    if currencies.len() > 1 {
        let currencies = currencies.into_iter().collect();
        problems.push(Problem::CurrenciesMixed { record: record.name, currencies });
        return None;
    }
    currencies.pop_first()
}

/// Each record once, by its place among its kind, then by id; what has no place comes last.
pub(crate) fn in_order<T>(
    records: &[T],
    id: impl Fn(&T) -> RecordId,
    place: impl Fn(&T) -> Option<&str>,
) -> Vec<&T> {
    let by_id: BTreeMap<RecordId, &T> = records.iter().rev().map(|record| (id(record), record)).collect();
    let mut records: Vec<&T> = by_id.into_values().collect();
    records.sort_by_key(|record| {
        let place = place(record).and_then(|text| money::parse(text).ok());
        (place.is_none(), place)
    });
    records
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
        // One that cannot be read is as good as none: where it is to be billed, that is told.
        amount: amount.as_deref().and_then(|text| money::parse(text).ok()),
        currency: currency.as_deref(),
    }
}

/// The line items in order (deals' have a place on the quote too), counted from 1.
fn numbered(enrolled: &Enrolled) -> impl Iterator<Item = (usize, &LineItem)> {
    let items = in_order(
        &enrolled.line_items,
        |item| item.id,
        |item| item.properties.hs_position_on_quote.as_deref(),
    );
    (1..).zip(items)
}

fn line_reading(number: usize, item: &LineItem, decimals: u32) -> LineReading {
    LineReading {
        article: line::article(number, item),
        figures: line::figures(&item.properties, decimals),
        tax: rate::read(&item.properties, decimals),
        optional: item.properties.hs_is_optional.as_deref().is_some_and(|text| text.trim() == "true"),
    }
}

/// The buyer, and the e-mail address it had to be read without.
fn buyer(contact: &Contact) -> (Buyer, Option<String>) {
    let properties = &contact.properties;
    let field_of_emails = properties.email.as_deref().map(seen).unwrap_or_default();
    let mut emails = emails(&field_of_emails);
    let (email, refused_email) = match emails.next() {
        Some(email) if is_usable_email(email) => (Some(email.to_owned()), None),
        other => (None, other.map(|_| single_line(&field_of_emails))),
    };
    let has_more_emails = email.is_some() && emails.next().is_some();
    let buyer = Buyer {
        id: BuyerId::Contact(contact.id),
        company_name: None,
        website: None,
        first_name: name(&properties.firstname.as_deref().map(without_colons)),
        last_name: name(&properties.lastname.as_deref().map(without_colons)),
        email,
        has_more_emails,
        phone: field(&properties.phone, PHONE_LIMIT),
        address: Address {
            line1: field(&properties.address, STREET_LIMIT),
            line2: None,
            line3: None,
            city: field(&properties.city, PLACE_LIMIT),
            country_sub_division_code: field(&properties.state, PLACE_LIMIT),
            postal_code: field(&properties.zip, CODE_LIMIT),
            country: field(&properties.country, PLACE_LIMIT),
        },
    };
    (buyer, refused_email)
}

/// The company to bill, with its contact's e-mail address for the document; a contact is not needed.
fn company_buyer(
    record: &RecordRef,
    companies: &[Company],
    (contact, refused_email): (Option<Buyer>, Option<Option<String>>),
    problems: &mut Vec<Problem>,
) -> Option<Buyer> {
    if let (Some(contact), Some(refused)) = (&contact, refused_email.flatten()) {
        let lacks = vec![Lack::UsableEmail(refused)];
        problems.push(Problem::ContactIncomplete { contact: contact.label(), lacks });
    }
    let [Company { id, properties }] = companies else {
        let named = |company: &Company| company.properties.name.as_deref().map(single_line);
        let names = companies.iter().map(|company| named(company).unwrap_or_else(|| company.id.to_string()));
        problems.push(Problem::NoCompany { record: record.name.clone(), companies: names.collect() });
        return None;
    };
    let buyer = Buyer {
        id: BuyerId::Company(*id),
        first_name: None,
        last_name: None,
        company_name: name(&properties.name),
        has_more_emails: contact.as_ref().is_some_and(|contact| contact.has_more_emails),
        email: contact.and_then(|contact| contact.email),
        phone: field(&properties.phone, PHONE_LIMIT),
        website: properties.domain.as_deref().and_then(website),
        address: Address {
            line1: field(&properties.address, STREET_LIMIT),
            line2: field(&properties.address2, STREET_LIMIT),
            line3: None,
            city: field(&properties.city, PLACE_LIMIT),
            country_sub_division_code: field(&properties.state, PLACE_LIMIT),
            postal_code: field(&properties.zip, CODE_LIMIT),
            country: field(&properties.country, PLACE_LIMIT),
        },
    };
    if buyer.company_name.is_none() || buyer.full_name().is_none() {
        let (record, company) = (record.name.clone(), id.to_string());
        problems.push(Problem::CompanyNameless { record, company });
        return None;
    }
    Some(buyer)
}

/// A domain as a web address; QuickBooks refuses what is none (2200), and a document does not depend on it.
fn website(domain: &str) -> Option<String> {
    let domain = domain.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let has_labels = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    let is_host = has_labels && domain.len() <= 253 && domain.bytes().all(plain);
    is_host.then(|| format!("https://{domain}"))
}

/// What QuickBooks surely refuses (2210, 2040) is stopped here, where it can be said of which contact; whether an address is
/// well-formed otherwise is HubSpot's and QuickBooks' business.
pub(crate) fn is_usable_email(email: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || is_refused(c);
    email.contains('@') && !email.contains(odd) && length(email) <= 100
}

/// The addresses in a field: people write several, separated by commas or semicolons.
pub fn emails(field: &str) -> impl Iterator<Item = &str> {
    field.split([',', ';']).map(str::trim).filter(|email| !email.is_empty())
}

/// Customers are searched for by their names.
fn name(text: &Option<String>) -> Option<String> {
    field(&text.as_deref().map(seen), NAME_LIMIT)
}

/// A text as a field of QuickBooks takes it; none when nothing is left.
pub(crate) fn field(text: &Option<String>, limit: usize) -> Option<String> {
    let text = writable_line(text.as_deref()?)?;
    Some(cut(&text, limit).to_owned())
}

/// A colon separates a customer from its jobs: QuickBooks refuses it in names (2040).
fn without_colons(name: &str) -> String {
    name.replace(':', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Books;
    use crate::item::MissingItem;
    use crate::lookup::{Answers, Links};
    use crate::settings::{Choices, Settings};
    use crate::testing::{
        adjusted, adjustment, contact_with, deal, over, quote, quote_with, settled, widget, widget_line,
    };
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
        // A discount is not held against lines that are not there.
        let discounts = [adjustment("Loyal", "FIXED", "5")];
        let enrolled = Enrolled { contact: None, ..adjusted(quote([]), &discounts, &[]) };
        let record = || "Harbour kiosk".to_owned();
        let expected = [Problem::NoContact { record: record() }, Problem::NoLineItems { record: record() }];
        assert_eq!(settled(&enrolled).unwrap_err(), expected);
    }

    #[test]
    fn a_quote_is_read_as_a_deal_is() {
        let properties = json!({"hs_title": "Offer 7", "hs_quote_amount": "149.97", "hs_currency": "EUR"});
        let reading = read(&quote_with(properties, deal([widget_line()])));
        let name = "Offer 7".to_owned();
        assert_eq!(reading.record, RecordRef { kind: RecordKind::Quote, id: RecordId(7701), name });
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
    fn what_names_no_currency_is_in_the_portal_s() {
        let read = |of_record: Option<&str>, of_line: Option<&str>| {
            let line = over(widget_line(), json!({"hs_line_item_currency_code": of_line}));
            let quote = json!({"hs_title": "Offer 7", "hs_quote_amount": "149.97", "hs_currency": of_record});
            let portal_currency = Some("CHF".parse().unwrap());
            read(&Enrolled { portal_currency, ..quote_with(quote, deal([line])) })
        };
        let found =
            |of_record, of_line| read(of_record, of_line).currency.map(|currency| currency.to_string());
        assert_eq!(found(None, None).as_deref(), Some("CHF"));
        assert_eq!(found(None, Some("EUR")).as_deref(), Some("EUR"));
        assert_eq!(found(Some("EUR"), None).as_deref(), Some("EUR"));
        assert_eq!(found(Some("Euro"), None), None);
    }

    #[test]
    fn what_is_in_no_currency_that_is_known_has_the_decimals_of_the_books() {
        let amount = |of_portal: Option<&str>, home: Option<&str>| {
            let parsed = |code: Option<&str>| code.map(|code| code.parse().unwrap());
            let line = over(widget_line(), json!({"price": "333.4", "amount": null}));
            let enrolled = Enrolled { portal_currency: parsed(of_portal), ..deal([line]) };
            let books = Books { home_currency: parsed(home), ..Books::default() };
            let reading = read(&enrolled).in_books(&books, &enrolled);
            reading.lines[0].figures.as_ref().unwrap().amount.to_string()
        };
        assert_eq!(amount(None, None), "1000.20");
        assert_eq!(amount(None, Some("USD")), "1000.20");
        assert_eq!(amount(None, Some("JPY")), "1000.00");
        assert_eq!(amount(Some("USD"), Some("JPY")), "1000.20");
        assert_eq!(amount(Some("JPY"), Some("USD")), "1000.00");
    }

    #[test]
    fn the_total_is_what_lines_discounts_and_fees_make() {
        let discounts = [adjustment("Spring", "PERCENT", "10"), adjustment("Loyal", "FIXED", "4.97")];
        let fees = [adjustment("Freight", "PERCENT", "5")];
        let sale = settled(&adjusted(quote([widget_line()]), &discounts, &fees)).unwrap().sale;
        let figures = [sale.subtotal(), sale.discount(), sale.total()].map(|amount| amount.to_string());
        assert_eq!(figures, ["149.97", "19.97", "136.50"]); // 5 % of 130.00
    }

    #[test]
    fn a_record_with_another_amount_than_its_lines_is_told_of() {
        let check = |amount: Value, expected: Option<(&str, &str)>| {
            let lines = deal([widget_line()]);
            let enrolled = quote_with(json!({"hs_quote_amount": amount}), lines);
            let found = settled(&enrolled).unwrap();
            let found = found.sale.amount_differs(&found.tax).map(|found| (found.amount, found.comes_to));
            let expected = expected.map(|(record, total)| (record.parse().unwrap(), total.parse().unwrap()));
            assert_eq!(found, expected);
        };
        check(json!("149.97"), None);
        check(json!("149.970000"), None);
        check(json!("149.9749"), None);
        check(json!(null), None);
        check(json!("about 150"), None);
        check(json!("150"), Some(("150.00", "149.97")));
    }

    #[test]
    fn an_amount_may_hold_the_tax_that_hubspot_shows_and_has_its_currency_s_decimals() {
        let differs = |amount: &str, currency: &str, fields: Value| {
            let line = over(widget_line(), fields);
            let properties = json!({"hs_quote_amount": amount, "hs_currency": currency});
            let books = Books { several_currencies: true, ..Books::default() };
            let settings = Settings { books, choices: Choices::default() };
            let answers = Answers { items: vec![widget()], ..Answers::default() };
            let reading = read(&quote_with(properties, deal([line])));
            let matched =
                reading.settle(&Links::default(), &answers, &settings, MissingItem::Refuse).unwrap();
            let differs = matched.sale.amount_differs(&matched.tax);
            differs.map(|AmountDiffers { amount, comes_to, .. }| format!("{amount} {comes_to}"))
        };
        let taxed = || json!({"hs_tax_rate": "20"});
        assert_eq!(differs("149.97", "USD", taxed()), None);
        assert_eq!(differs("179.96", "USD", taxed()), None);
        assert_eq!(differs("179.96", "USD", json!({})).as_deref(), Some("179.96 149.97"));
        let fils = || json!({"amount": "10.125"});
        assert_eq!(differs("10.125", "KWD", fils()).as_deref(), Some("10.125 10.13"));
        assert_eq!(differs("10.125", "USD", fils()), None);
        assert_eq!(differs("10.4", "JPY", json!({"amount": "10"})).as_deref(), Some("10.40 10.00"));
    }

    #[test]
    fn a_buyers_texts_can_be_written() {
        let contact = json!({
            "firstname": "🎉 Ana", "lastname": "🎁", "email": "ana🎁@harbour.example", "city": "Oakland 🌉"
        });
        let reading = read(&Enrolled { contact: Some(contact_with(contact)), ..deal([]) });
        let buyer = reading.buyer.unwrap();
        assert_eq!((buyer.first_name.as_deref(), buyer.last_name), (Some("Ana"), None));
        assert_eq!(buyer.address.city.as_deref(), Some("Oakland"));
        assert_eq!(buyer.email, None);
        assert_eq!(reading.refused_email.as_deref(), Some("ana🎁@harbour.example"));
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
