//! The second step, around the only look-up: what a record needs found in QuickBooks, and what becomes of the answers.
//!
//! QuickBooks is asked broadly (it compares by rules of its own) and the answers are compared again here.

use crate::adjustment::{Applied, Fee};
use crate::books::Books;
use crate::customer::{self, CustomerFound, Sought};
use crate::hubspot::RecordKind;
use crate::item::{self, Catalog, ItemFound, MissingItem};
use crate::line::{Article, SaleLine};
use crate::money::{self, Currency};
use crate::problem::{LineLabel, Problem, keep};
use crate::quickbooks::{Customer, CustomerId, Item, ItemId};
use crate::rate::{LineTax, QuoteTaxes};
use crate::sale::{BuyerId, LineReading, Reading, RecordRef, Sale};
use crate::settings::{Discounts, NoLineItems, Settings, Tax, Totals};
use crate::tax::{self, CustomerTax, Shown, Taxable, Taxation};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What earlier executions matched: used without asking QuickBooks again. Should a link have died meanwhile, QuickBooks
/// says so (610, 2500) and the caller starts again without it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The contact's or company's customer.
    pub customer: Option<LinkedCustomer>,
    /// Items by what their lines are [known as](crate::item::known_as).
    pub items: BTreeMap<String, ItemId>,
}

/// A customer matched before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedCustomer {
    /// Its id.
    pub id: CustomerId,
    /// Its display name then.
    pub name: String,
    /// The currency of the document then; none when the record named none.
    pub currency: Option<Currency>,
}

/// What to ask QuickBooks for, each value once. All empty: nothing to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Customers by `PrimaryEmailAddr`.
    pub emails: BTreeSet<String>,
    /// Customers by `DisplayName`.
    pub display_names: BTreeSet<String>,
    /// Customers by `CompanyName`.
    pub company_names: BTreeSet<String>,
    /// Items by `Sku`, inactive ones too.
    pub skus: BTreeSet<String>,
    /// Items by `Name`, inactive ones too.
    pub item_names: BTreeSet<String>,
}

/// What QuickBooks answered, in any order and with repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// To [`Wanted::emails`].
    pub customers_by_email: Vec<Customer>,
    /// To [`Wanted::display_names`] and [`Wanted::company_names`].
    pub customers_by_name: Vec<Customer>,
    /// To [`Wanted::skus`] and [`Wanted::item_names`].
    pub items: Vec<Item>,
    /// To [`Reading::untold`]: the customer that is remembered.
    pub customers_by_id: Vec<Customer>,
    /// To [`Reading::untold`]: items of which only the id was known.
    pub items_by_id: Vec<Item>,
    /// What is remembered of [`Reading::untold`].
    pub taxable: Taxable,
}

/// What has to be known by its id alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    /// The customer.
    pub customer: Option<CustomerId>,
    /// Items.
    pub items: BTreeSet<ItemId>,
}

impl Untold {
    /// What is left of it to ask.
    pub fn besides(&self, known: &Taxable) -> Self {
        Self {
            customer: self.customer.clone().filter(|id| !known.customers.contains_key(id)),
            items: self.items.iter().filter(|id| !known.items.contains_key(*id)).cloned().collect(),
        }
    }
}

impl Answers {
    fn customers(&self) -> impl Iterator<Item = &Customer> {
        self.customers_by_id.iter().chain(&self.customers_by_email).chain(&self.customers_by_name)
    }

    fn all_items(&self) -> impl Iterator<Item = &Item> {
        self.items_by_id.iter().chain(&self.items)
    }

    /// Nothing is known of one that is to be created: it has no code of its own then, and is not exempt.
    fn customer_tax(&self, found: Option<&CustomerFound>) -> CustomerTax {
        let Some(CustomerFound::Existing { id, .. }) = found else { return CustomerTax::default() };
        let told = self.customers().find(|customer| customer.id == *id).map(CustomerTax::of);
        told.or_else(|| self.taxable.customers.get(id).cloned()).unwrap_or_default()
    }

    /// Whether sales tax is due on it; none when nothing is known of it.
    fn is_taxed(&self, id: &ItemId) -> Option<bool> {
        let told = self.all_items().find(|item| item.id == *id).map(|item| item.taxable.unwrap_or_default());
        told.or_else(|| self.taxable.items.get(id).copied())
    }

    /// Whom and what sales tax is due of, as QuickBooks has just said: of what the document stands on, and of all that was asked
    /// by its id. Not what was remembered: that would grow no younger by being used.
    pub fn taxable(&self, matched: &Matched) -> Taxable {
        let stands_on = |id: &ItemId| {
            let fees = matched.sale.fees.iter().map(|fee| &fee.item);
            let items = matched.items.iter().filter_map(|item| Some(&item.existing()?.id));
            items.chain(fees).any(|item| item == id)
        };
        let is_buyer = |customer: &&Customer| matches!(&matched.customer, CustomerFound::Existing { id, .. } if *id == customer.id);
        let items = self.items.iter().filter(|item| stands_on(&item.id)).chain(&self.items_by_id);
        Taxable {
            customers: self
                .customers()
                .filter(is_buyer)
                .map(|customer| (customer.id.clone(), CustomerTax::of(customer)))
                .collect(),
            items: items.map(|item| (item.id.clone(), item.taxable.unwrap_or_default())).collect(),
        }
    }
}

/// A sale with its customer and items: all a document needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The sale.
    pub sale: Sale,
    /// Its customer, found or to be created.
    pub customer: CustomerFound,
    /// What each line stands on, in the lines' order.
    pub items: Vec<ItemFound>,
    /// How it is taxed.
    pub tax: Taxation,
}

impl Matched {
    /// What the lines add up to, before the quote's own discounts and fees, and before tax.
    pub fn subtotal(&self) -> Decimal {
        let lines = self.sale.lines.iter().enumerate();
        lines.map(|(at, line)| self.tax.line(at).net(line.figures.amount)).sum()
    }

    /// What the document comes to before tax.
    pub fn total(&self) -> Decimal {
        self.subtotal() + self.fees() - self.discount()
    }

    /// What the document comes to with its tax, as far as HubSpot says what that is: amounts that hold their tax do, tax that
    /// HubSpot decides on, and none. What QuickBooks decides on is not known before.
    pub fn expected(&self) -> Option<Decimal> {
        match self.tax.is_inclusive() {
            true => Some(self.sale.total()),
            false => self.tax.expected.map(|tax| self.total() + tax),
        }
    }

    fn fees(&self) -> Decimal {
        self.sale.fees.iter().map(|fee| self.tax.fee.net(fee.charge.amount)).sum()
    }

    /// What all discounts take off, without tax: of amounts that hold tax, the same part as of them.
    pub(crate) fn discount(&self) -> Decimal {
        let discount = self.sale.discount();
        let gross = self.sale.total() + discount;
        if !self.tax.is_inclusive() || gross.is_zero() {
            return discount;
        }
        let net = self.subtotal() + self.fees();
        let part = discount.checked_mul(net).and_then(|product| product.checked_div(gross));
        money::round_to(part.unwrap_or(discount), self.sale.decimals).min(net)
    }
}

impl Reading {
    /// The contact or company whose customer may be remembered.
    pub fn buyer_id(&self) -> Option<BuyerId> {
        self.buyer.as_ref().map(|buyer| buyer.id)
    }

    /// What the items of its lines may be remembered by.
    pub fn known_lines(&self) -> BTreeSet<String> {
        self.lines.iter().filter_map(|line| item::known_as(&line.article)).collect()
    }

    /// Whether these books would refuse the record for its currency or its discounts: a person may have switched on more since.
    pub fn is_refused_by(&self, settings: &Settings) -> bool {
        let books = &settings.books;
        !books.several_currencies && self.is_foreign(books) || self.has_a_discount_too_many(settings)
    }

    /// Whether its currency is certainly not the home currency.
    pub fn is_foreign(&self, books: &Books) -> bool {
        books.foreign(self.currency.as_ref()).is_some()
    }

    fn has_a_discount_too_many(&self, Settings { books, choices }: &Settings) -> bool {
        let reduced =
            |line: &LineReading| line.figures.as_ref().is_ok_and(|figures| figures.gross != figures.amount);
        let apart = choices.discounts == Discounts::Document;
        let has_one = !self.adjustments.discounts.is_empty() || apart && self.lines.iter().any(reduced);
        books.no_discounts && has_one
    }

    /// What is remembered, as far as it fits: a contact has another customer for each currency it is billed in, as a
    /// customer's never changes (quickbooks.md §2.6).
    pub fn fitting(&self, links: Links, books: &Books) -> Links {
        let home = books.home_currency.as_ref();
        let wanted = self.currency.as_ref().or(home);
        let fits = |link: &LinkedCustomer| match (wanted, link.currency.as_ref().or(home)) {
            (Some(wanted), Some(linked)) => wanted == linked,
            _ => true,
        };
        Links { customer: links.customer.filter(fits), ..links }
    }

    /// What has to be asked, given what is remembered.
    pub fn wanted(&self, links: &Links) -> Wanted {
        let mut wanted = Wanted::default();
        if links.customer.is_none()
            && let Some(buyer) = &self.buyer
        {
            let of_person = buyer.email.clone().filter(|_| buyer.company_name.is_none());
            wanted.emails.extend(of_person);
            wanted.company_names.extend(buyer.company_name.clone());
            wanted.display_names.extend(customer::display_name(buyer));
        }
        let articles = self.lines.iter().map(|line| &line.article);
        for article in articles.filter(|article| item::linked(article, links).is_none()) {
            wanted.skus.extend(item::sku_to_ask(article));
            wanted.item_names.extend(item::names_to_ask(article));
        }
        wanted
    }

    /// Whether the rate of any line is to be looked up in HubSpot's library of taxes.
    pub fn needs_library(&self, settings: &Settings) -> bool {
        let taxes = self.lines.iter().filter_map(|line| line.tax.as_ref().ok());
        taxes.filter(|tax| tax.rate_id.is_some()).any(|tax| tax::needs_library(tax, settings))
    }

    /// What has to be known by its id: where sales tax is kept by hand and QuickBooks decides on it, its items say what is
    /// taxed, and its customer may have a code of its own or be exempt; of what was matched before only ids are known.
    pub fn untold(&self, links: &Links, settings: &Settings) -> Untold {
        let choices = &settings.choices;
        if !settings.items_say_what_is_taxed() {
            return Untold::default();
        }
        let articles = self.lines.iter().map(|line| &line.article);
        let items = articles.filter_map(|article| item::linked(article, links));
        let fee = choices.fee_item.as_ref().filter(|_| !self.adjustments.fees.is_empty());
        let items = items.chain(fee).chain(&choices.default_item).cloned().collect();
        Untold { customer: links.customer.as_ref().map(|customer| customer.id.clone()), items }
    }

    /// Decides on the customer, every line's item and every fee's.
    ///
    /// # Errors
    /// Everything that is wrong with the record, its contact, its lines and their matches; never empty.
    pub fn settle(
        self,
        links: &Links,
        answers: &Answers,
        settings: &Settings,
        missing_item: MissingItem,
    ) -> Result<Matched, Vec<Problem>> {
        let no_discounts = self.has_a_discount_too_many(settings);
        let Self {
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
            mut problems,
        } = self;
        let (lines, shown) = taxes_apart(lines, settings, &mut problems);
        problems.extend(taxes.problems.iter().filter(|_| settings.choices.tax == Tax::HubSpot).cloned());
        // With several currencies a document must name its own (quickbooks.md §2.1).
        let home = settings.books.home_currency.clone().filter(|_| settings.books.several_currencies);
        let currency = currency.or(home);
        let decimals = settings.books.decimals(currency.as_ref());
        problems.extend(foreign_currency(&record, currency.as_ref(), settings));
        problems.extend(no_discounts.then(|| Problem::DiscountsOff { record: record.name.clone() }));
        let customer = buyer.as_ref().and_then(|buyer| {
            let sought = Sought { record: &record, buyer, refused_email, currency: currency.as_ref() };
            keep(sought.find(links.customer.as_ref(), answers), &mut problems)
        });
        let settled = match lines.is_empty() {
            true => keep(line_of_record(&record, amount, decimals, settings), &mut problems)
                .map(|line| vec![line]),
            false => {
                let items = Items { catalog: Catalog::new(&answers.items), links, settings, missing_item };
                let settled: Vec<Option<_>> =
                    lines.into_iter().map(|line| settle_line(line, &items, &mut problems)).collect();
                settled.into_iter().collect()
            }
        };
        let fees = adjustments.fees.into_iter();
        let fees: Vec<Fee> = fees.filter_map(|fee| keep(settle_fee(fee, settings), &mut problems)).collect();
        let shown = Taxed {
            record: &record,
            decimals,
            lines: shown,
            settled: settled.as_deref(),
            fees: &fees,
            taxes: &taxes,
        };
        let hubspots = shown.amount();
        let shown = shown.beside(customer.as_ref(), answers, hubspots);
        let tax = shown.taxation(settings).map_err(|wrong| problems.extend(wrong)).ok();
        match (buyer, customer, settled, tax) {
            (Some(buyer), Some(customer), Some(settled), Some(tax)) if problems.is_empty() => {
                let (lines, mut items): (Vec<_>, Vec<_>) = settled.into_iter().unzip();
                item::each_once(&mut items);
                let discounts = adjustments.discounts;
                let sale = Sale {
                    record,
                    buyer,
                    currency,
                    decimals,
                    amount,
                    lines,
                    discounts,
                    fees,
                    left_out,
                    tax: hubspots,
                    altered,
                };
                check_total(&sale, &tax, settings)?;
                let sale = match settings.choices.discounts {
                    // QuickBooks spreads one over all lines, and with it over each tax.
                    Discounts::Document if tax.is_uniform(&sale) => sale.with_discounts_apart(),
                    Discounts::Document | Discounts::Net => sale,
                };
                check_size(&sale, &tax, settings)?;
                Ok(Matched { sale, customer, items, tax })
            }
            _ => Err(problems),
        }
    }
}

/// The lines, and of each the tax HubSpot shows. Where it does not decide, what is wrong with it is no problem.
fn taxes_apart(
    lines: Vec<LineReading>,
    settings: &Settings,
    problems: &mut Vec<Problem>,
) -> (Vec<LineReading>, Vec<(LineLabel, LineTax)>) {
    let mut shown = Vec::new();
    for line in &lines {
        let label = line.article.label();
        let tax = match &line.tax {
            Ok(tax) => tax.clone(),
            Err(fault) => {
                let problem = Problem::LineInvalid { line: label.clone(), fault: fault.clone() };
                problems.extend(Some(problem).filter(|_| settings.choices.tax == Tax::HubSpot));
                LineTax::default()
            }
        };
        shown.push((label, tax));
    }
    (lines, shown)
}

/// What tax is decided by.
struct Taxed<'a> {
    record: &'a RecordRef,
    decimals: u32,
    /// None for a deal that is billed by its amount.
    lines: Vec<(LineLabel, LineTax)>,
    /// None when something is wrong with a line.
    settled: Option<&'a [(SaleLine, ItemFound)]>,
    fees: &'a [Fee],
    taxes: &'a QuoteTaxes,
}

impl<'a> Taxed<'a> {
    /// What HubSpot's tax comes to, where it says.
    fn amount(&self) -> Option<Decimal> {
        let amounts = self.settled?.iter().map(|(line, _)| line.figures.amount);
        let of_lines = self.lines.iter().zip(amounts).map(|((_, tax), amount)| tax.on(amount, self.decimals));
        Some(of_lines.sum::<Option<Decimal>>()? + self.taxes.amount()?)
    }

    fn beside(
        self,
        customer: Option<&CustomerFound>,
        answers: &Answers,
        amount: Option<Decimal>,
    ) -> Shown<'a> {
        let settled = self.settled.unwrap_or_default();
        // A deal that is billed by its amount has a line of its own.
        let mut lines = self.lines;
        lines.resize_with(lines.len().max(settled.len()), || {
            (LineLabel { number: 1, name: Some(self.record.name.clone()) }, LineTax::default())
        });
        let of_item = |found: &ItemFound| match found {
            ItemFound::Existing(item) => answers.is_taxed(&item.id),
            ItemFound::Missing(new) => new.taxable,
        };
        let of_items = settled.iter().map(|(_, item)| of_item(item)).chain(std::iter::repeat(None));
        let lines = lines.into_iter().zip(of_items).map(|((line, tax), taxable)| (line, tax, taxable));
        Shown {
            record: &self.record.name,
            decimals: self.decimals,
            lines: lines.collect(),
            fee: self.fees.first().map(|fee| answers.is_taxed(&fee.item)),
            taxes: self.taxes,
            amount,
            customer: answers.customer_tax(customer),
        }
    }
}

/// Told once all else is well: only then is it known how many lines there are, and what they add up to.
fn check_size(sale: &Sale, tax: &Taxation, settings: &Settings) -> Result<(), Vec<Problem>> {
    if sale.total() + sale.discount() + tax.expected.unwrap_or_default() > money::LARGEST {
        return Err(vec![Problem::TotalTooLarge { record: sale.record.name.clone() }]);
    }
    let count = sale.lines.len() + sale.fees.len() + usize::from(!sale.discounts.is_empty());
    tax::too_many(&sale.record.name, count, tax, settings).map_or(Ok(()), |problem| Err(vec![problem]))
}

fn foreign_currency(record: &RecordRef, currency: Option<&Currency>, settings: &Settings) -> Option<Problem> {
    let foreign = settings.books.foreign(currency).filter(|_| !settings.books.several_currencies);
    let (currency, home) = foreign.zip(settings.books.home_currency.as_ref())?;
    Some(Problem::CurrencyForeign {
        record: record.name.clone(),
        currency: currency.clone(),
        home: home.clone(),
    })
}

/// Told once all else is well: only then is it known what the lines come to.
fn check_total(sale: &Sale, tax: &Taxation, settings: &Settings) -> Result<(), Vec<Problem>> {
    match (settings.choices.totals, sale.amount_differs(tax)) {
        (Totals::Refuse, Some(differs)) => {
            Err(vec![Problem::TotalDiffers { record: sale.record.name.clone(), differs }])
        }
        (Totals::Refuse | Totals::Warn, _) => Ok(()),
    }
}

fn settle_fee(charge: Applied, settings: &Settings) -> Result<Fee, Problem> {
    match settings.choices.fee_item.clone() {
        Some(item) => Ok(Fee { charge, item }),
        None => Err(Problem::FeeItemMissing { fee: charge.label }),
    }
}

/// Where the items of lines come from.
struct Items<'a> {
    catalog: Catalog<'a>,
    links: &'a Links,
    settings: &'a Settings,
    missing_item: MissingItem,
}

impl Items<'_> {
    fn of(&self, article: &Article) -> Result<ItemFound, Problem> {
        match (self.catalog.find(article, self.links), self.missing_item) {
            (Err(Problem::ItemNotFound { line, .. }), MissingItem::DefaultItem) => {
                item::default_item(line.to_string(), self.settings).map(ItemFound::Existing)
            }
            (Err(Problem::ItemNotFound { .. }), MissingItem::Create) => {
                item::to_create(article, self.settings).map(ItemFound::Missing)
            }
            (found, _) => found.map(ItemFound::Existing),
        }
    }
}

/// A deal without lines, as one line over its amount, where the settings say so.
fn line_of_record(
    record: &RecordRef,
    amount: Option<Decimal>,
    decimals: u32,
    settings: &Settings,
) -> Result<(SaleLine, ItemFound), Problem> {
    let name = || record.name.clone();
    if (record.kind, settings.choices.no_line_items) != (RecordKind::Deal, NoLineItems::DealAmount) {
        return Err(Problem::NoLineItems { record: name() });
    }
    let amount = amount.map(|amount| money::round_to(amount, decimals));
    let amount = amount.filter(|amount| *amount > Decimal::ZERO);
    let amount = amount.ok_or_else(|| Problem::NoAmount { record: name() })?;
    let item = item::default_item(name(), settings)?;
    Ok((SaleLine::over(record, amount), ItemFound::Existing(item)))
}

/// Both halves of a line are tried before either is given up.
fn settle_line(
    line: LineReading,
    items: &Items<'_>,
    problems: &mut Vec<Problem>,
) -> Option<(SaleLine, ItemFound)> {
    let LineReading { article, figures, .. } = line;
    let faulty = |fault| Problem::LineInvalid { line: article.label(), fault };
    let figures = figures.map_err(|faults| problems.extend(faults.into_iter().map(faulty))).ok();
    let item = keep(items.of(&article), problems);
    let (figures, item) = figures.zip(item)?;
    Some((SaleLine { article, figures }, item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::SalesTax;
    use crate::hubspot::{Enrolled, Record, RecordId};
    use crate::item::ItemMatch;
    use crate::problem::{AdjustmentFault, Figure, Lack, LineFault, NumberFault};
    use crate::quickbooks::AccountId;
    use crate::sale::{self, AmountDiffers};
    use crate::settings::Choices;
    use crate::testing::{
        adjusted, adjustment, companies, contact_with, customer, deal, item, over, quote, quote_with,
        settings, settled, widget, widget_line,
    };
    use serde_json::json;
    use std::slice::from_ref;

    fn set(values: &[&str]) -> BTreeSet<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn each_value_is_asked_for_once() {
        let reading = sale::read(&deal([widget_line(), widget_line(), json!({"name": "Installation"})]));
        let wanted = Wanted {
            emails: set(&["ana@harbour.example"]),
            display_names: set(&["Ana Trujillo"]),
            company_names: set(&[]),
            skus: set(&["WID-1"]),
            item_names: set(&["Installation", "Installation (deleted)", "Widget"]),
        };
        assert_eq!(reading.wanted(&Links::default()), wanted);
    }

    #[test]
    fn a_company_is_asked_for_by_its_names_and_not_by_its_contacts_address() {
        let companies = companies(&[json!({"name": "Northwind: Traders"})]);
        let reading = sale::read(&Enrolled { companies, ..deal([]) });
        let wanted = Wanted {
            display_names: set(&["Northwind Traders"]),
            company_names: set(&["Northwind: Traders"]),
            ..Wanted::default()
        };
        assert_eq!(reading.buyer_id(), Some(BuyerId::Company(RecordId(701))));
        assert_eq!(reading.wanted(&Links::default()), wanted);
    }

    #[test]
    fn what_is_remembered_is_not_asked_for() {
        let reading = sale::read(&deal([over(widget_line(), json!({"hs_product_id": "9001"}))]));
        assert_eq!(reading.buyer_id(), Some(BuyerId::Contact(RecordId(501))));
        assert_eq!(reading.known_lines(), set(&["9001"]));
        let customer =
            LinkedCustomer { id: CustomerId("58".into()), name: "Ana Trujillo".into(), currency: None };
        let links = Links { customer: Some(customer), items: [("9001".into(), ItemId("21".into()))].into() };
        assert_eq!(reading.wanted(&links), Wanted::default());
        assert!(
            reading.settle(&links, &Answers::default(), &Settings::default(), MissingItem::Refuse).is_ok()
        );
    }

    #[test]
    fn a_line_without_a_price_is_named() {
        let unpriced = over(widget_line(), json!({"name": "Setup fee", "price": null}));
        let problems = settled(&deal([widget_line(), unpriced])).unwrap_err();
        let line = LineLabel { number: 2, name: Some("Setup fee".into()) };
        assert_eq!(problems, [Problem::LineInvalid { line, fault: LineFault::Missing(Figure::Price) }]);
        assert_eq!(problems[0].subject(), "Setup fee");
    }

    #[test]
    fn all_problems_of_a_deal_are_told_at_once() {
        let lines = [
            json!({"name": "Setup fee", "quantity": "1", "price": null, "hs_line_item_currency_code": "USD"}),
            json!({"name": "Widget", "hs_sku": "WID-1", "quantity": "0", "price": "5", "hs_line_item_currency_code": "EUR"}),
            json!({"quantity": "1", "price": "5"}),
        ];
        let enrolled = Enrolled { contact: Some(contact_with(json!({"firstname": "Ana"}))), ..quote(lines) };
        let discounts = [adjustment("Spring", "PERCENT", "ten")];
        let problems = settled(&adjusted(enrolled, &discounts, &[])).unwrap_err();
        let label = |number, name: Option<&str>| LineLabel { number, name: name.map(str::to_owned) };
        let (setup, widget, third) = (label(1, Some("Setup fee")), label(2, Some("Widget")), label(3, None));
        let currencies = ["EUR", "USD"].map(|code| code.parse().unwrap()).to_vec();
        let expected = [
            Problem::CurrenciesMixed { record: "Harbour kiosk".into(), currencies },
            Problem::AdjustmentInvalid {
                label: "Spring".into(),
                fault: AdjustmentFault::Value(NumberFault::Unreadable("ten".into())),
            },
            Problem::ContactIncomplete { contact: "Ana".into(), lacks: vec![Lack::Email] },
            Problem::LineInvalid { line: setup.clone(), fault: LineFault::Missing(Figure::Price) },
            Problem::ItemNotFound { line: setup, sku: None },
            Problem::LineInvalid { line: widget, fault: LineFault::ZeroQuantity },
            Problem::LineNameless { line: third },
        ];
        assert_eq!(problems, expected);
        let subjects: Vec<String> = problems.iter().map(Problem::subject).collect();
        assert_eq!(subjects, ["Harbour kiosk", "Spring", "Ana", "Setup fee", "Setup fee", "Widget", "#3"]);
    }

    #[test]
    fn a_company_without_discounts_takes_none_and_the_books_are_asked_first() {
        let off = over(widget_line(), json!({"hs_discount_percentage": "10", "amount": "134.97"}));
        let spring = [adjustment("Spring", "PERCENT", "10")];
        let check = |enrolled: &Enrolled, discounts, refused: bool| {
            let books = Books { no_discounts: true, ..settings().books };
            let settings = Settings { books, choices: Choices { discounts, ..settings().choices } };
            let answers = Answers { items: vec![widget()], ..Answers::default() };
            let reading = sale::read(enrolled);
            assert_eq!(reading.is_refused_by(&settings), refused);
            let settled = reading.settle(&Links::default(), &answers, &settings, MissingItem::Refuse);
            let problem = refused.then(|| vec![Problem::DiscountsOff { record: "Harbour kiosk".into() }]);
            assert_eq!(settled.err(), problem);
        };
        check(&quote([widget_line()]), Discounts::Document, false);
        check(&quote([off.clone()]), Discounts::Net, false);
        check(&quote([off]), Discounts::Document, true);
        check(&adjusted(quote([widget_line()]), &spring, &[]), Discounts::Net, true);
    }

    fn chosen(choices: Choices) -> Settings {
        Settings { choices, ..settings() }
    }

    fn default_item() -> Option<ItemId> {
        Some(ItemId("99".into()))
    }

    #[test]
    fn a_line_that_no_item_fits_stands_on_the_default_item_where_the_action_says_so() {
        let lines = [widget_line(), over(widget_line(), json!({"name": "Lettering", "hs_sku": null}))];
        let found = |missing_item, default_item| {
            let answers = Answers { items: vec![widget()], ..Answers::default() };
            let settings = chosen(Choices { default_item, ..Choices::default() });
            let settled =
                sale::read(&deal(lines.clone())).settle(&Links::default(), &answers, &settings, missing_item);
            let of = |item: ItemFound| match item {
                ItemFound::Existing(item) => (item.id.0, item.matched),
                ItemFound::Missing(new) => panic!("{new:?}"),
            };
            settled.map(|matched| matched.items.into_iter().map(of).collect())
        };
        let items = vec![("21".to_owned(), ItemMatch::Sku), ("99".to_owned(), ItemMatch::Default)];
        assert_eq!(found(MissingItem::DefaultItem, default_item()), Ok(items));
        let line = LineLabel { number: 2, name: Some("Lettering".into()) };
        let refused: Result<Vec<_>, _> = Err(vec![Problem::ItemNotFound { line, sku: None }]);
        assert_eq!(found(MissingItem::Refuse, default_item()), refused);
        let missing = Problem::DefaultItemMissing { subject: "Lettering".into() };
        assert_eq!(found(MissingItem::DefaultItem, None), Err(vec![missing]));
    }

    #[test]
    fn a_line_that_no_item_fits_gets_a_new_one_where_the_action_says_so() {
        let lettering = || over(widget_line(), json!({"name": "Lettering", "hs_sku": null}));
        let found = |income_account: Option<&str>| {
            let answers = Answers { items: vec![widget()], ..Answers::default() };
            let income_account = income_account.map(|id| AccountId(id.into()));
            let settings = chosen(Choices { income_account, ..Choices::default() });
            let reading = sale::read(&deal([widget_line(), lettering(), lettering()]));
            reading.settle(&Links::default(), &answers, &settings, MissingItem::Create)
        };
        let items = found(Some("79")).unwrap().items;
        assert_eq!(items[0].existing().unwrap().id, ItemId("21".into()));
        let ItemFound::Missing(new) = &items[1] else { panic!("{items:?}") };
        assert_eq!((new.name.as_str(), &items[1]), ("Lettering", &items[2]));
        let missing = |number| {
            let line = LineLabel { number, name: Some("Lettering".into()) };
            Problem::IncomeAccountMissing { line }
        };
        assert_eq!(found(None).unwrap_err(), [missing(2), missing(3)]);
    }

    #[test]
    fn an_item_that_cannot_be_sold_is_named_whatever_the_action_says() {
        let answers = Answers {
            items: vec![item(json!({"Id": "22", "Name": "Widget", "Type": "Category"}))],
            ..Answers::default()
        };
        let settings = chosen(Choices { default_item: default_item(), ..Choices::default() });
        for missing_item in [MissingItem::DefaultItem, MissingItem::Create] {
            let reading = sale::read(&deal([widget_line()]));
            let settled = reading.settle(&Links::default(), &answers, &settings, missing_item);
            assert!(matches!(settled.unwrap_err().as_slice(), [Problem::ItemUnusable { .. }]));
        }
    }

    #[test]
    fn a_deal_without_lines_is_billed_by_its_amount_where_the_settings_say_so() {
        let found = |enrolled: &Enrolled, no_line_items, default_item| {
            let settings = chosen(Choices { no_line_items, default_item, ..Choices::default() });
            let reading = sale::read(enrolled);
            let settled =
                reading.settle(&Links::default(), &Answers::default(), &settings, MissingItem::Refuse);
            settled.map(|Matched { sale, items, .. }| {
                let [SaleLine { article, figures }] = sale.lines.as_slice() else { panic!("one line") };
                let name = article.name.clone().unwrap_or_default();
                format!(
                    "{name}: {} x {} = {} on {}",
                    figures.quantity,
                    figures.price,
                    figures.amount,
                    items[0].existing().unwrap().id
                )
            })
        };
        let of_amount = |amount: &str| {
            let mut enrolled = deal([]);
            if let Record::Deal(deal) = &mut enrolled.record {
                deal.properties.amount = Some(amount.to_owned());
            }
            enrolled
        };
        let by_amount = NoLineItems::DealAmount;
        let expected = |amount: &str| Ok(format!("Harbour kiosk: 1 x {amount} = {amount} on 99"));
        assert_eq!(found(&deal([]), by_amount, default_item()), expected("134.97"));
        assert_eq!(found(&of_amount("10.005"), by_amount, default_item()), expected("10.01"));
        let record = || "Harbour kiosk".to_owned();
        let none = || Err(vec![Problem::NoLineItems { record: record() }]);
        assert_eq!(found(&deal([]), NoLineItems::Refuse, default_item()), none());
        // A quote's amount holds its discounts and fees already.
        assert_eq!(found(&quote([]), by_amount, default_item()), none());
        let missing = Problem::DefaultItemMissing { subject: record() };
        assert_eq!(found(&deal([]), by_amount, None), Err(vec![missing]));
        for amount in ["0", "0.004", "-5", "much"] {
            let none = Problem::NoAmount { record: record() };
            assert_eq!(found(&of_amount(amount), by_amount, default_item()), Err(vec![none]), "{amount}");
        }
    }

    #[test]
    fn a_fee_without_an_item_is_named() {
        let fees = [adjustment("Freight", "FIXED", "12"), adjustment("Rush", "PERCENT", "5")];
        let enrolled = adjusted(quote([widget_line()]), &[], &fees);
        assert_eq!(settled(&enrolled).unwrap().sale.fees.len(), 2);
        let answers = Answers { items: vec![widget()], ..Answers::default() };
        let settings = Settings { choices: Choices::default(), ..settings() };
        let problems = sale::read(&enrolled)
            .settle(&Links::default(), &answers, &settings, MissingItem::Refuse)
            .unwrap_err();
        let missing = ["Freight", "Rush"].map(|fee| Problem::FeeItemMissing { fee: fee.into() });
        assert_eq!(problems, missing);
    }

    #[test]
    fn what_comes_to_more_than_15_digits_is_told_before_anything_is_sent() {
        let found = |amount: &str| {
            let line = over(widget_line(), json!({"quantity": "1", "price": amount, "amount": amount}));
            settled(&deal([line.clone(), line])).err().unwrap_or_default()
        };
        let too_large = Problem::TotalTooLarge { record: "Harbour kiosk".into() };
        assert_eq!(found("4999999999999.99"), []);
        assert_eq!(found("5000000000000.00"), from_ref(&too_large));
        assert_eq!(found("9999999999999.99"), from_ref(&too_large));
        let taxed = over(widget_line(), json!({"hs_tax_rate": "99999999", "amount": "9999999.00"}));
        let choices = Choices { tax: Tax::HubSpot, ..Choices::default() };
        let books = Books { sales_tax: SalesTax::Automated, ..Books::default() };
        let reading = sale::read(&deal([taxed]));
        let answers = Answers { items: vec![widget()], ..Answers::default() };
        let settings = Settings { books, choices };
        let found = reading.settle(&Links::default(), &answers, &settings, MissingItem::Refuse);
        assert_eq!(found.unwrap_err(), [too_large]);
    }

    #[test]
    fn an_amount_that_differs_is_refused_where_the_settings_say_so() {
        let found = |totals, amount: &str| {
            let enrolled =
                quote_with(json!({"hs_title": "Offer 7", "hs_quote_amount": amount}), deal([widget_line()]));
            let answers = Answers { items: vec![widget()], ..Answers::default() };
            let settings =
                Settings { choices: Choices { totals, ..Choices::default() }, ..Settings::default() };
            sale::read(&enrolled)
                .settle(&Links::default(), &answers, &settings, MissingItem::Refuse)
                .err()
                .unwrap_or_default()
        };
        let differs = Problem::TotalDiffers {
            record: "Offer 7".into(),
            differs: AmountDiffers {
                amount: "150.00".parse().unwrap(),
                comes_to: "149.97".parse().unwrap(),
                held: None,
            },
        };
        assert_eq!(found(Totals::Warn, "150"), []);
        assert_eq!(found(Totals::Refuse, "149.97"), []);
        assert_eq!(found(Totals::Refuse, ""), []);
        assert_eq!(found(Totals::Refuse, "150"), [differs]);
    }

    #[test]
    fn nothing_is_created_in_a_foreign_currency() {
        let found = |of_line: &str, of_customer: &str, home: Option<&str>, several_currencies| {
            let line = over(widget_line(), json!({"hs_line_item_currency_code": of_line}));
            let known = json!({
                "Id": "58", "DisplayName": "Harbour Ltd", "CurrencyRef": {"value": of_customer},
                "PrimaryEmailAddr": {"Address": "ana@harbour.example"}
            });
            let answers = Answers {
                customers_by_email: vec![customer(known)],
                items: vec![widget()],
                ..Answers::default()
            };
            let home_currency = home.map(|code| code.parse().unwrap());
            let books = Books { home_currency, several_currencies, ..Books::default() };
            let settings = Settings { books, ..Settings::default() };
            sale::read(&deal([line]))
                .settle(&Links::default(), &answers, &settings, MissingItem::Refuse)
                .err()
                .unwrap_or_default()
        };
        let problems = |of_line, of_customer, home| found(of_line, of_customer, home, false);
        let euro = || "EUR".parse::<Currency>().unwrap();
        let record = || "Harbour kiosk".to_owned();
        let home = "USD".parse().unwrap();
        let foreign = Problem::CurrencyForeign { record: record(), currency: euro(), home };
        assert_eq!(foreign.subject(), record());
        let mismatch = Problem::CurrencyMismatch {
            record: record(),
            currency: euro(),
            customer: "Harbour Ltd".into(),
            customer_currency: "USD".into(),
        };
        assert_eq!(problems("EUR", "EUR", Some("EUR")), []);
        assert_eq!(problems("EUR", "EUR", None), []);
        assert_eq!(problems("EUR", "EUR", Some("USD")), from_ref(&foreign));
        assert_eq!(problems("EUR", "USD", Some("USD")), [foreign, mismatch.clone()]);
        assert_eq!(problems("EUR", "USD", Some("EUR")), from_ref(&mismatch));
        // With several currencies the customer's decides.
        assert_eq!(found("EUR", "EUR", Some("USD"), true), []);
        assert_eq!(found("EUR", "USD", Some("USD"), true), [mismatch]);
    }

    #[test]
    fn with_several_currencies_a_document_names_its_own() {
        let named = |several_currencies| {
            let books =
                Books { home_currency: Some("USD".parse().unwrap()), several_currencies, ..Books::default() };
            let answers = Answers { items: vec![widget()], ..Answers::default() };
            let settings = Settings { books, ..Settings::default() };
            let reading = sale::read(&deal([widget_line()]));
            let matched =
                reading.settle(&Links::default(), &answers, &settings, MissingItem::Refuse).unwrap();
            matched.sale.currency.map(|currency| currency.to_string())
        };
        assert_eq!(named(true).as_deref(), Some("USD"));
        assert_eq!(named(false), None);
    }

    #[test]
    fn a_contact_is_remembered_with_a_customer_for_one_currency() {
        let fits = |of_line: Option<&str>, remembered: Option<&str>, home: Option<&str>| {
            let parsed = |code: Option<&str>| code.map(|code| code.parse().unwrap());
            let line = over(widget_line(), json!({"hs_line_item_currency_code": of_line}));
            let (id, name) = (CustomerId("58".into()), "Ana Trujillo".into());
            let customer = Some(LinkedCustomer { id, name, currency: parsed(remembered) });
            let links = Links { customer, ..Links::default() };
            let books = Books { home_currency: parsed(home), ..Books::default() };
            sale::read(&deal([line])).fitting(links, &books).customer.is_some()
        };
        assert!(fits(Some("EUR"), Some("EUR"), Some("USD")));
        assert!(!fits(Some("EUR"), Some("USD"), Some("USD")));
        // What was remembered without a currency was billed in the home currency, as what names none is.
        assert!(!fits(Some("EUR"), None, Some("USD")));
        assert!(!fits(None, Some("EUR"), Some("USD")));
        assert!(fits(None, None, Some("USD")));
        assert!(fits(Some("EUR"), None, None));
    }
}
