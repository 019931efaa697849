//! How a document is taxed: by the company's country and sales tax, and by what was chosen (quickbooks.md §2.5).
//!
//! No tax is ever computed here: QuickBooks does that from the codes, and says what came of it; or HubSpot did, and says so.
//! Only amounts that hold tax are split, as QuickBooks takes them in two.
//!
//! | company | QuickBooks decides | HubSpot decides |
//! | --- | --- | --- |
//! | United States, no sales tax | nothing is said | the same; HubSpot's tax, if there is any, has no place |
//! | United States, automated | nothing is said | each line `TAX` or `NON`, and what HubSpot's tax comes to |
//! | United States, by hand | each line as its item is, one code for the document | each line `TAX` or `NON`, the one code of HubSpot's rates |
//! | elsewhere | each line has the default code | each line has its rate's code, the default one where there is no rate |

use crate::books::SalesTax;
use crate::money;
use crate::problem::{Figure, LineFault, LineLabel, Problem};
use crate::quickbooks::{Customer, CustomerId, GlobalTax, ItemId, Ref, TaxCodeId, TaxSaid};
use crate::rate::{LineTax, QuoteTaxes};
use crate::sale::Sale;
use crate::settings::{Amounts, Settings, Tax};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What a document says of tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taxation {
    /// What amounts are, outside the United States.
    pub(crate) global: Option<GlobalTax>,
    /// Of each line, in the lines' order.
    pub(crate) lines: Vec<Rated>,
    /// Of every fee.
    pub(crate) fee: Rated,
    /// Of the whole.
    pub(crate) said: Option<TaxSaid>,
    /// What the tax comes to, where that is HubSpot's to say or there is none.
    pub(crate) expected: Option<Decimal>,
}

/// The tax of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rated {
    /// Its code.
    pub(crate) code: Option<TaxCodeId>,
    /// The tax that its amount holds.
    pub(crate) held: Option<Held>,
}

/// The tax that an amount holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// So many percent.
    pub(crate) percent: Decimal,
    /// The decimals of what is left without it: the currency's.
    pub(crate) decimals: u32,
}

/// The codes of a line in the United States.
const TAX: &str = "TAX";
const NON: &str = "NON";

/// The most lines of a document that is taxed (quickbooks.md §1.4).
const MOST_LINES: usize = 750;

impl Rated {
    fn coded(code: &str) -> Self {
        Self { code: Some(TaxCodeId(code.to_owned())), held: None }
    }

    /// What is left of an amount of HubSpot's without tax: QuickBooks' `Amount` is net in any case.
    pub(crate) fn net(&self, amount: Decimal) -> Decimal {
        match self.held {
            Some(Held { percent, decimals }) => {
                let whole = Decimal::ONE_HUNDRED;
                money::round_to(amount * whole / (whole + percent), decimals)
            }
            None => amount,
        }
    }

    /// What a line comes to with its tax, where amounts hold it.
    pub(crate) fn gross(&self, amount: Decimal) -> Option<Decimal> {
        self.held.map(|_| amount)
    }
}

impl Taxation {
    /// The tax of the line at this place.
    pub(crate) fn line(&self, at: usize) -> &Rated {
        self.lines.get(at).unwrap_or(&self.fee)
    }

    /// What tax there is beside the amounts, where that is known before QuickBooks computes it.
    pub(crate) fn carried(&self) -> Option<Decimal> {
        if self.is_inclusive() { Some(Decimal::ZERO) } else { self.expected }
    }

    /// Whether all lines of a sale and its fees are taxed alike, as far as we say.
    pub fn is_uniform(&self, sale: &Sale) -> bool {
        let fee = (!sale.fees.is_empty()).then_some(&self.fee);
        let mut codes = self.lines.iter().chain(fee).map(|rated| &rated.code);
        codes.next().is_none_or(|first| codes.all(|code| code == first))
    }

    /// Whether amounts hold their tax.
    pub(crate) fn is_inclusive(&self) -> bool {
        self.global == Some(GlobalTax::TaxInclusive)
    }

    /// Whether QuickBooks may tax any line.
    fn may_tax(&self, settings: &Settings) -> bool {
        let coded = || {
            self.lines
                .iter()
                .chain([&self.fee])
                .any(|rated| rated.code.as_ref().is_none_or(|code| code.0 != NON))
        };
        match (self.global, settings.books.sales_tax) {
            (Some(GlobalTax::NotApplicable), _) | (None, SalesTax::Off) => false,
            (Some(_), _) => true,
            (None, _) => coded(),
        }
    }
}

/// Whom and what sales tax is due of, where it is kept by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taxable {
    /// Customers.
    pub customers: BTreeMap<CustomerId, CustomerTax>,
    /// Whether tax is due on each of these items.
    pub items: BTreeMap<ItemId, bool>,
}

/// A customer, as far as sales tax by hand depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerTax {
    /// Whether no tax is due of it.
    pub is_exempt: bool,
    /// The tax code of its documents, where it has one of its own.
    pub code: Option<TaxCodeId>,
}

impl CustomerTax {
    /// As QuickBooks says it of a customer.
    pub fn of(customer: &Customer) -> Self {
        Self {
            is_exempt: customer.taxable == Some(false),
            code: customer.default_tax_code_ref.clone().map(|code| code.value),
        }
    }
}

/// What is known of a record's tax before it is decided.
pub(crate) struct Shown<'a> {
    /// The record's name.
    pub(crate) record: &'a str,
    /// The decimals of its amounts.
    pub(crate) decimals: u32,
    /// Each line, its tax in HubSpot, and whether its item is taxed in QuickBooks, if that was asked.
    pub(crate) lines: Vec<(LineLabel, LineTax, Option<bool>)>,
    /// Of the item of fees, where there are any.
    pub(crate) fee: Option<Option<bool>>,
    /// The quote's own.
    pub(crate) taxes: &'a QuoteTaxes,
    /// What HubSpot's tax comes to.
    pub(crate) amount: Option<Decimal>,
    /// The customer, as far as it was asked.
    pub(crate) customer: CustomerTax,
}

impl Shown<'_> {
    /// Decides for a record. Which code a tax has is not ours to guess.
    ///
    /// # Errors
    /// Every line without a code that needs one.
    pub(crate) fn taxation(&self, settings: &Settings) -> Result<Taxation, Vec<Problem>> {
        let one = |problem: Problem| vec![problem];
        match (settings.books.is_american(), settings.choices.tax) {
            (true, Tax::None) => Ok(self.all(None, Rated::coded(NON), Some(Decimal::ZERO))),
            (false, Tax::None) => {
                Ok(self.all(Some(GlobalTax::NotApplicable), Rated::default(), Some(Decimal::ZERO)))
            }
            (true, Tax::QuickBooks) => match settings.books.sales_tax {
                SalesTax::Manual => self.by_items(settings).map_err(one),
                SalesTax::Off => Ok(self.all(None, Rated::default(), Some(Decimal::ZERO))),
                SalesTax::Automated | SalesTax::Unknown => Ok(self.all(None, Rated::default(), None)),
            },
            (true, Tax::HubSpot) => match settings.books.sales_tax {
                SalesTax::Manual => self.by_hand(settings),
                SalesTax::Off => self.without_sales_tax().map_err(one),
                SalesTax::Automated | SalesTax::Unknown => self.automated(),
            },
            (false, Tax::QuickBooks) => {
                let code = self.default_code(settings).map_err(one)?;
                let rated = self.rated(code, settings).map_err(one)?;
                Ok(self.all(Some(amounts(settings)), rated, None))
            }
            (false, Tax::HubSpot) => self.by_code(settings),
        }
    }

    /// The same for every line.
    fn all(&self, global: Option<GlobalTax>, rated: Rated, expected: Option<Decimal>) -> Taxation {
        let lines = vec![rated.clone(); self.lines.len()];
        Taxation { global, lines, fee: rated, said: None, expected }
    }

    fn default_code(&self, settings: &Settings) -> Result<TaxCodeId, Problem> {
        let code = settings.choices.default_tax_code.clone();
        code.ok_or_else(|| Problem::TaxCodeMissing { record: self.record.to_owned() })
    }

    /// Sales tax kept by hand: what the items say, as when a person writes the document; who is exempt pays none.
    fn by_items(&self, settings: &Settings) -> Result<Taxation, Problem> {
        let of = |taxable: &Option<bool>| {
            let is_taxed = taxable.unwrap_or_default() && !self.customer.is_exempt;
            Rated::coded(if is_taxed { TAX } else { NON })
        };
        let lines: Vec<Rated> = self.lines.iter().map(|(_, _, taxable)| of(taxable)).collect();
        let fee = of(&self.fee.flatten());
        let is_taxed =
            lines.iter().chain([&fee]).any(|rated| rated.code.as_ref().is_some_and(|code| code.0 == TAX));
        let code = || {
            let of_company =
                settings.choices.default_tax_code.clone().or_else(|| settings.books.sales_tax_code.clone());
            // QuickBooks gives each new customer the company's code: that is no choice of anybody's.
            let own =
                self.customer.code.clone().filter(|own| settings.books.sales_tax_code.as_ref() != Some(own));
            let code = own.or(of_company);
            code.ok_or_else(|| Problem::TaxCodeMissing { record: self.record.to_owned() })
        };
        let said = if is_taxed { Some(of_code(code()?)) } else { None };
        let expected = if is_taxed { None } else { Some(Decimal::ZERO) };
        Ok(Taxation { global: None, lines, fee, said, expected })
    }

    /// `TAX` or `NON` for each line. A tax of the whole quote is on all of them.
    fn american(&self) -> (Vec<Rated>, Rated) {
        let by_quote = self.taxes.are_due();
        let of = |taxed: bool| Rated::coded(if taxed || by_quote { TAX } else { NON });
        (self.lines.iter().map(|(_, tax, _)| of(tax.is_taxed())).collect(), of(false))
    }

    fn automated(&self) -> Result<Taxation, Vec<Problem>> {
        let (lines, fee) = self.american();
        let Some(amount) = self.amount else {
            let unknown = self.lines.iter().filter(|(_, tax, _)| tax.on(Decimal::ZERO, 0).is_none());
            let fault = || LineFault::Missing(Figure::Tax);
            let unknown =
                unknown.map(|(line, ..)| Problem::LineInvalid { line: line.clone(), fault: fault() });
            return Err(unknown.collect());
        };
        let said = TaxSaid { txn_tax_code_ref: None, total_tax: Some(amount) };
        let said = Some(said).filter(|_| self.is_taxed());
        Ok(Taxation { global: None, lines, fee, said, expected: Some(amount) })
    }

    fn without_sales_tax(&self) -> Result<Taxation, Problem> {
        match self.is_taxed() {
            true => Err(Problem::TaxOff { record: self.record.to_owned() }),
            false => Ok(self.all(None, Rated::default(), Some(Decimal::ZERO))),
        }
    }

    fn is_taxed(&self) -> bool {
        self.taxes.are_due() || self.lines.iter().any(|(_, tax, _)| tax.is_taxed())
    }

    /// Sales tax kept by hand, by HubSpot's rates: a document has one code.
    fn by_hand(&self, settings: &Settings) -> Result<Taxation, Vec<Problem>> {
        let (lines, fee) = self.american();
        if !self.is_taxed() {
            return Ok(Taxation { global: None, lines, fee, said: None, expected: self.amount });
        }
        let taxed = self.lines.iter().filter(|(_, tax, _)| tax.is_taxed());
        let codes = match self.code_of_quote(settings) {
            Some(code) => code.map(|code| BTreeSet::from([code])).map_err(|problem| vec![problem])?,
            None => all(taxed.map(|(line, tax, _)| mapped(line, tax, settings)))?.into_iter().collect(),
        };
        let mut codes: Vec<TaxCodeId> = codes.into_iter().collect();
        match (codes.pop(), codes.as_slice()) {
            (Some(code), []) => {
                Ok(Taxation { global: None, lines, fee, said: Some(of_code(code)), expected: self.amount })
            }
            (last, others) => {
                let codes = others.iter().chain(&last).map(ToString::to_string).collect();
                Err(vec![Problem::TaxCodesMixed { record: self.record.to_owned(), codes }])
            }
        }
    }

    /// Outside the United States, by HubSpot's rates.
    fn by_code(&self, settings: &Settings) -> Result<Taxation, Vec<Problem>> {
        let of_quote = self.code_of_quote(settings).transpose().map_err(|problem| vec![problem])?;
        let code = |line: &LineLabel, tax: &LineTax| match &of_quote {
            Some(code) => Ok(code.clone()),
            None if tax.is_none() => settings
                .choices
                .default_tax_code
                .clone()
                .ok_or_else(|| Problem::TaxUnmapped { subject: line.to_string(), rate: None }),
            None => mapped(line, tax, settings),
        };
        let codes = all(self.lines.iter().map(|(line, tax, _)| code(line, tax)));
        let fee = match (self.fee, &of_quote) {
            (None, _) => Ok(None),
            (Some(_), Some(code)) => Ok(Some(code.clone())),
            (Some(_), None) => self.default_code(settings).map(Some),
        };
        let (codes, fee) = match (codes, fee) {
            (Ok(codes), Ok(fee)) => (codes, fee),
            (codes, fee) => return Err(codes.err().into_iter().flatten().chain(fee.err()).collect()),
        };
        let lines = all(codes.into_iter().map(|code| self.rated(code, settings)));
        let fee = fee.map(|fee| self.rated(fee, settings)).transpose();
        let (lines, fee) = match (lines, fee) {
            (Ok(lines), Ok(fee)) => (lines, fee.unwrap_or_default()),
            (lines, fee) => {
                let mut problems: Vec<_> = lines.err().into_iter().flatten().chain(fee.err()).collect();
                problems.dedup();
                return Err(problems);
            }
        };
        // Of amounts that hold their tax, what HubSpot shows beside them is no more to pay; and what the default code stands for
        // HubSpot shows nothing of.
        let by_default = self.fee.is_some() || self.lines.iter().any(|(_, tax, _)| tax.is_none());
        let is_shown = settings.choices.amounts == Amounts::Net && (of_quote.is_some() || !by_default);
        let expected = self.amount.filter(|_| is_shown);
        Ok(Taxation { global: Some(amounts(settings)), lines, fee, said: None, expected })
    }

    /// The code of the quote's own taxes, if it has any: of what they come to together, as they are all on the same amount.
    /// What lines are taxed with beside them, no code stands for.
    fn code_of_quote(&self, settings: &Settings) -> Option<Result<TaxCodeId, Problem>> {
        if self.taxes.applied.is_empty() {
            return None;
        }
        let alone = self.lines.iter().all(|(_, tax, _)| !tax.is_taxed());
        if !alone && !self.taxes.are_due() {
            return None;
        }
        let Some(percent) = self.taxes.percent.filter(|_| alone) else {
            return Some(Err(Problem::QuoteTaxUncoded { taxes: self.taxes.label() }));
        };
        let code = settings.choices.tax_codes.of_percent(percent).cloned();
        let rate = Some(format!("{} %", percent.normalize()));
        Some(code.ok_or_else(|| Problem::TaxUnmapped { subject: self.taxes.label(), rate }))
    }

    /// A line with this code. Of amounts that hold tax, it must be known how much.
    fn rated(&self, code: TaxCodeId, settings: &Settings) -> Result<Rated, Problem> {
        let held = match settings.choices.amounts {
            Amounts::Net => None,
            Amounts::Gross => {
                let percent = settings.books.tax_percents.get(&code.0).copied();
                let unknown =
                    || Problem::TaxRateUnknown { record: self.record.to_owned(), code: code.to_string() };
                Some(Held { percent: percent.ok_or_else(unknown)?, decimals: self.decimals })
            }
        };
        Ok(Rated { code: Some(code), held })
    }
}

/// More lines than QuickBooks takes of a document that it taxes (quickbooks.md §1.4); `lines` with fees and discount.
pub(crate) fn too_many(record: &str, lines: usize, tax: &Taxation, settings: &Settings) -> Option<Problem> {
    (lines > MOST_LINES && tax.may_tax(settings))
        .then(|| Problem::TooManyLines { record: record.to_owned(), count: lines })
}

/// Whether the rates of lines are to be looked up in HubSpot's library: by the id alone, neither a code nor a sum is known.
pub(crate) fn needs_library(tax: &LineTax, settings: &Settings) -> bool {
    let Settings { books, choices } = settings;
    let by_amount = books.is_american() && books.sales_tax != SalesTax::Manual;
    let is_told = tax.amount.is_some() && (by_amount || choices.tax_codes.of(tax).is_some());
    choices.tax == Tax::HubSpot && tax.percent.is_none() && !is_told
}

fn mapped(line: &LineLabel, tax: &LineTax, settings: &Settings) -> Result<TaxCodeId, Problem> {
    let code = settings.choices.tax_codes.of(tax).cloned();
    code.ok_or_else(|| match tax.rate() {
        Some(rate) => Problem::TaxUnmapped { subject: line.to_string(), rate: Some(rate) },
        None => Problem::TaxWithoutRate { subject: line.to_string() },
    })
}

fn of_code(code: TaxCodeId) -> TaxSaid {
    TaxSaid { txn_tax_code_ref: Some(Ref::to(code)), total_tax: None }
}

fn amounts(settings: &Settings) -> GlobalTax {
    match settings.choices.amounts {
        Amounts::Net => GlobalTax::TaxExcluded,
        Amounts::Gross => GlobalTax::TaxInclusive,
    }
}

/// All values, or all errors.
fn all<T, E>(results: impl Iterator<Item = Result<T, E>>) -> Result<Vec<T>, Vec<E>> {
    let mut errors = Vec::new();
    let values = results.filter_map(|result| crate::problem::keep(result, &mut errors)).collect();
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Books;
    use crate::hubspot::Enrolled;
    use crate::item::MissingItem;
    use crate::lookup::{Answers, LinkedCustomer, Links, Matched};
    use crate::quickbooks::Item;
    use crate::sale;
    use crate::settings::{Choices, TaxCodes};
    use crate::testing::{
        adjusted, adjustment, customer, deal, item, over, quote, settings, taxed, widget, widget_line,
    };
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn books(country: &str, sales_tax: SalesTax) -> Books {
        let tax_percents = [("5", 20), ("6", 7)].map(|(code, percent)| (code.to_owned(), percent.into()));
        Books {
            country: Some(country.to_owned()),
            sales_tax,
            tax_percents: tax_percents.into(),
            ..Books::default()
        }
    }

    fn chosen(tax: Tax, default_code: Option<&str>) -> Choices {
        Choices {
            tax,
            default_tax_code: default_code.map(|code| TaxCodeId(code.into())),
            tax_codes: TaxCodes::default(),
            ..settings().choices
        }
    }

    fn by_hubspot(default_code: Option<&str>) -> Choices {
        let codes = r#"{"version": 1, "tax_codes": {"20": "5", "7": "6", "14.975": "7", "id 4711": "8"}}"#;
        chosen(Tax::HubSpot, default_code).changed_by(codes).unwrap()
    }

    fn settle(enrolled: &Enrolled, books: Books, choices: Choices) -> Result<Matched, Vec<Problem>> {
        let answers = Answers { items: vec![widget()], ..Answers::default() };
        let settings = Settings { books, choices };
        sale::read(enrolled).settle(&Links::default(), &answers, &settings, MissingItem::Refuse)
    }

    /// The codes of lines and fees, then what is said of the whole: a code, or an amount.
    fn shown(matched: &Matched) -> String {
        let fees = matched.sale.fees.iter().map(|_| &matched.tax.fee);
        let codes = matched.tax.lines.iter().chain(fees);
        let codes = codes.map(|rated| rated.code.as_ref().map_or("-", |code| code.0.as_str()).to_owned());
        let said = matched.tax.said.iter().map(|said| match (&said.txn_tax_code_ref, said.total_tax) {
            (Some(code), None) => format!("code {}", code.value),
            (None, Some(amount)) => format!("tax {amount}"),
            _ => panic!("{said:?}"),
        });
        codes.chain(said).collect::<Vec<_>>().join(" ")
    }

    fn check(enrolled: &Enrolled, books: Books, choices: Choices, expected: Result<&str, &str>) {
        let found = settle(enrolled, books, choices);
        let found = found.as_ref().map(shown).map_err(|problems| format!("{problems:?}"));
        match (&found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            _ => panic!("{found:?}, not {expected:?}"),
        }
    }

    /// A line of 149.97 with what HubSpot says of its tax.
    fn line(fields: Value) -> Value {
        over(widget_line(), fields)
    }

    fn at(percent: &str) -> Value {
        line(json!({"hs_tax_rate": percent}))
    }

    #[test]
    fn where_quickbooks_decides_country_and_sales_tax_do() {
        use SalesTax::{Automated, Manual, Off, Unknown};
        let deal = deal([widget_line()]);
        for sales_tax in [Off, Automated, Unknown] {
            check(&deal, books("US", sales_tax), chosen(Tax::QuickBooks, Some("5")), Ok("-"));
        }
        for sales_tax in [Off, Manual, Automated, Unknown] {
            check(&deal, books("US", sales_tax), chosen(Tax::None, Some("5")), Ok("NON"));
        }
        check(&deal, books("GB", Off), chosen(Tax::QuickBooks, Some("5")), Ok("5"));
        check(&deal, books("GB", Off), chosen(Tax::None, Some("5")), Ok("-"));
        check(&deal, books("GB", Off), chosen(Tax::QuickBooks, None), Err("TaxCodeMissing"));
    }

    #[test]
    fn sales_tax_by_hand_is_what_items_customer_and_company_say() {
        let check = |taxable: Option<bool>,
                     customers: Option<&str>,
                     default: Option<&str>,
                     company: Option<&str>,
                     expected: Result<&str, &str>| {
            let id = |code: &str| TaxCodeId(code.into());
            let books = Books { sales_tax_code: company.map(id), ..books("US", SalesTax::Manual) };
            let settings = Settings { books, choices: chosen(Tax::QuickBooks, default) };
            let linked = LinkedCustomer { id: CustomerId("58".into()), name: "Ana".into(), currency: None };
            let links =
                Links { customer: Some(linked), items: [("9001".into(), ItemId("21".into()))].into() };
            let reading = sale::read(&deal([line(json!({"hs_product_id": "9001"}))]));
            let untold = reading.untold(&links, &settings);
            assert_eq!(untold.customer, Some(CustomerId("58".into())));
            assert_eq!(untold.items, [ItemId("21".into())].into());
            let code = customers.filter(|code| *code != "exempt").map(|code| json!({"value": code}));
            let of_customer =
                json!({"Id": "58", "DefaultTaxCodeRef": code, "Taxable": customers != Some("exempt")});
            let answers = Answers {
                customers_by_id: vec![customer(of_customer)],
                items_by_id: vec![item(json!({"Id": "21", "Name": "Widget", "Taxable": taxable}))],
                ..Answers::default()
            };
            let settled = reading.settle(&links, &answers, &settings, MissingItem::Refuse);
            let found = settled.as_ref().map(shown).map_err(|problems| format!("{problems:?}"));
            match expected {
                Ok(expected) => assert_eq!(found.as_deref(), Ok(expected)),
                Err(expected) => {
                    assert!(found.clone().is_err_and(|found| found.contains(expected)), "{found:?}")
                }
            }
        };
        check(Some(true), Some("4"), Some("3"), Some("2"), Ok("TAX code 4"));
        check(Some(true), None, Some("3"), Some("2"), Ok("TAX code 3"));
        check(Some(true), None, None, Some("2"), Ok("TAX code 2"));
        check(Some(true), None, None, None, Err("TaxCodeMissing"));
        check(Some(true), Some("exempt"), Some("3"), Some("2"), Ok("NON"));
        check(Some(true), Some("exempt"), None, None, Ok("NON"));
        check(Some(false), None, None, None, Ok("NON"));
        check(None, None, None, Some("2"), Ok("NON"));
    }

    #[test]
    fn what_is_remembered_of_sales_tax_by_hand_is_as_good_as_asked_and_not_kept_anew() {
        let (customer_id, item_id) = (CustomerId("58".into()), ItemId("21".into()));
        let linked = LinkedCustomer { id: customer_id.clone(), name: "Ana".into(), currency: None };
        let links = Links { customer: Some(linked), items: [("9001".into(), item_id.clone())].into() };
        let settings =
            Settings { books: books("US", SalesTax::Manual), choices: chosen(Tax::QuickBooks, None) };
        let row = item(json!({"Id": "21", "Name": "Widget", "Taxable": false}));
        let check = |is_exempt, row: Option<&Item>, expected: &str| {
            let enrolled = deal([line(json!({"hs_product_id": "9001"}))]);
            let reading = sale::read(&enrolled);
            let buyer = CustomerTax { is_exempt, code: Some(TaxCodeId("4".into())) };
            let taxable = Taxable {
                customers: [(customer_id.clone(), buyer)].into(),
                items: [(item_id.clone(), true)].into(),
            };
            let untold = reading.untold(&links, &settings);
            assert_eq!(untold.besides(&taxable), Default::default());
            assert_eq!(untold.besides(&Taxable::default()), untold);
            let answers =
                Answers { taxable, items_by_id: row.into_iter().cloned().collect(), ..Answers::default() };
            let matched = reading.settle(&links, &answers, &settings, MissingItem::Refuse).unwrap();
            assert_eq!(shown(&matched), expected);
            let said = row.map(|_| (item_id.clone(), false)).into_iter().collect();
            assert_eq!(answers.taxable(&matched), Taxable { customers: [].into(), items: said });
        };
        check(false, None, "TAX code 4");
        check(true, None, "NON");
        check(false, Some(&row), "NON");
    }

    #[test]
    fn only_sales_tax_by_hand_asks_what_is_remembered() {
        let links = Links { items: [("9001".into(), ItemId("21".into()))].into(), ..Links::default() };
        let reading = sale::read(&deal([line(json!({"hs_product_id": "9001"}))]));
        let untold = |country, sales_tax, tax| {
            reading.untold(&links, &Settings { books: books(country, sales_tax), choices: chosen(tax, None) })
        };
        assert_eq!(untold("US", SalesTax::Manual, Tax::QuickBooks).items.len(), 1);
        for (country, sales_tax, tax) in [
            ("US", SalesTax::Automated, Tax::QuickBooks),
            ("US", SalesTax::Manual, Tax::HubSpot),
            ("US", SalesTax::Manual, Tax::None),
            ("GB", SalesTax::Manual, Tax::QuickBooks),
        ] {
            assert_eq!(untold(country, sales_tax, tax), Default::default());
        }
    }

    #[test]
    fn automated_sales_tax_takes_hubspot_s_amount() {
        let automated = |enrolled: &Enrolled, expected| {
            check(enrolled, books("US", SalesTax::Automated), by_hubspot(None), expected);
        };
        automated(&deal([at("20"), widget_line(), at("0")]), Ok("TAX NON NON tax 29.99"));
        automated(&deal([line(json!({"hs_auto_tax_amount": "12.3"}))]), Ok("TAX tax 12.30"));
        automated(&deal([widget_line()]), Ok("NON"));
        let exact = line(json!({"hs_tax_rate_group_id": "1", "hs_tax_amount": "30.01"}));
        automated(&deal([exact]), Ok("TAX tax 30.01"));
        let unknown = line(json!({"hs_tax_rate_group_id": "1"}));
        automated(&deal([unknown]), Err("Missing(Tax)"));
        let unreadable = line(json!({"hs_tax_rate": "a fifth"}));
        automated(&deal([unreadable.clone()]), Err("Unreadable(TaxRate"));
        check(&deal([unreadable]), books("US", SalesTax::Automated), chosen(Tax::QuickBooks, None), Ok("-"));
        let fees = [adjustment("Freight", "FIXED", "10")];
        let quote = adjusted(quote([widget_line()]), &[], &fees);
        let quote = taxed(quote, &[adjustment("State", "PERCENT", "10"), adjustment("Bag", "FIXED", "1")]);
        automated(&quote, Ok("TAX TAX tax 17.00"));
    }

    #[test]
    fn sales_tax_by_hand_has_one_code_for_hubspot_s_rates() {
        let by_hand = |enrolled: &Enrolled, expected| {
            check(enrolled, books("US", SalesTax::Manual), by_hubspot(Some("9")), expected);
        };
        by_hand(&deal([at("20"), widget_line(), at("20.0")]), Ok("TAX NON TAX code 5"));
        by_hand(&deal([widget_line()]), Ok("NON"));
        by_hand(
            &deal([at("20"), at("7")]),
            Err(r#"TaxCodesMixed { record: "Harbour kiosk", codes: ["5", "6"] }"#),
        );
        by_hand(&deal([at("8")]), Err(r#"TaxUnmapped { subject: "Widget", rate: Some("8 %") }"#));
        let quote = taxed(quote([widget_line()]), &[adjustment("VAT", "PERCENT", "7")]);
        by_hand(&quote, Ok("TAX code 6"));
    }

    #[test]
    fn without_sales_tax_hubspot_s_has_no_place() {
        let off = books("US", SalesTax::Off);
        check(&deal([at("20")]), off.clone(), by_hubspot(None), Err("TaxOff"));
        check(&deal([widget_line(), at("0")]), off, by_hubspot(None), Ok("- -"));
    }

    #[test]
    fn elsewhere_each_line_has_the_code_of_its_rate() {
        let british = |enrolled: &Enrolled, default, expected: Result<&str, String>| {
            let expected = expected.as_ref().map(|codes| *codes).map_err(String::as_str);
            check(enrolled, books("GB", SalesTax::Off), by_hubspot(default), expected);
        };
        let by_id = line(json!({"hs_tax_rate_group_id": "4711", "hs_tax_rate": "20"}));
        british(&deal([at("20"), at("7"), by_id, widget_line()]), Some("9"), Ok("5 6 8 9"));
        let unmapped = |rate: &str| format!("TaxUnmapped {{ subject: \"Widget\", rate: {rate} }}");
        british(&deal([at("20"), at("19")]), Some("9"), Err(unmapped("Some(\"19 %\")")));
        british(&deal([at("0")]), Some("9"), Err(unmapped("Some(\"0 %\")")));
        british(&deal([widget_line()]), None, Err(unmapped("None")));
        let automatic = line(json!({"hs_auto_tax_amount": "3"}));
        british(&deal([automatic]), Some("9"), Err(r#"TaxWithoutRate { subject: "Widget" }"#.to_owned()));
        let unknown = line(json!({"hs_tax_rate_group_id": "1"}));
        british(&deal([unknown]), Some("9"), Err(unmapped("Some(\"rate 1\")")));
    }

    #[test]
    fn a_quote_s_own_taxes_are_one_code_on_everything() {
        let british = |lines: &[Value], taxes: &[Value], expected| {
            let fees = [adjustment("Freight", "FIXED", "10")];
            let enrolled = taxed(adjusted(quote(lines.iter().cloned()), &[], &fees), taxes);
            check(&enrolled, books("CA", SalesTax::Off), by_hubspot(Some("9")), expected);
        };
        let (gst, qst) = (adjustment("GST", "PERCENT", "5"), adjustment("QST", "PERCENT", "9.975"));
        british(&[widget_line()], &[gst.clone(), qst.clone()], Ok("7 7"));
        british(&[widget_line()], &[], Ok("9 9"));
        british(
            &[widget_line()],
            std::slice::from_ref(&gst),
            Err(r#"TaxUnmapped { subject: "GST", rate: Some("5 %") }"#),
        );
        british(&[at("20")], &[gst, qst], Err(r#"QuoteTaxUncoded { taxes: "GST, QST" }"#));
        british(
            &[widget_line()],
            &[adjustment("Eco", "FIXED", "1")],
            Err(r#"QuoteTaxUncoded { taxes: "Eco" }"#),
        );
    }

    #[test]
    fn gross_amounts_need_the_rate_of_each_code() {
        let gross = |choices: Choices| Choices { amounts: Amounts::Gross, ..choices };
        let nets = |enrolled: &Enrolled, choices| {
            let matched = settle(enrolled, books("GB", SalesTax::Off), gross(choices));
            let net = |at: usize, matched: &Matched| matched.tax.line(at).net("107.00".parse().unwrap());
            matched.map(|matched| [0, 1].map(|at| net(at, &matched).to_string()))
        };
        let two = |net: &str, other: &str| Ok([net.to_owned(), other.to_owned()]);
        let deal = deal([at("20"), at("7")]);
        assert_eq!(nets(&deal, chosen(Tax::QuickBooks, Some("5"))), two("89.17", "89.17"));
        assert_eq!(nets(&deal, by_hubspot(None)), two("89.17", "100.00"));
        let unknown = Problem::TaxRateUnknown { record: "Harbour kiosk".into(), code: "7".into() };
        assert_eq!(nets(&deal, chosen(Tax::QuickBooks, Some("7"))), Err(vec![unknown]));
    }

    #[test]
    fn what_hubspot_shows_is_expected_where_it_is_known() {
        let expected = |country, sales_tax, choices: Choices| {
            let matched = settle(&deal([at("20")]), books(country, sales_tax), choices).unwrap();
            matched.expected().map(|total| total.to_string())
        };
        let (net, taxed) = (Some("149.97".to_owned()), Some("179.96".to_owned()));
        assert_eq!(expected("US", SalesTax::Automated, by_hubspot(None)), taxed);
        assert_eq!(expected("GB", SalesTax::Off, by_hubspot(None)), taxed);
        assert_eq!(expected("GB", SalesTax::Off, chosen(Tax::QuickBooks, Some("5"))), None);
        assert_eq!(expected("US", SalesTax::Automated, chosen(Tax::QuickBooks, None)), None);
        assert_eq!(expected("US", SalesTax::Off, chosen(Tax::QuickBooks, None)), net);
        assert_eq!(expected("US", SalesTax::Automated, chosen(Tax::None, None)), net);
        let gross = |choices: Choices| Choices { amounts: Amounts::Gross, ..choices };
        assert_eq!(expected("GB", SalesTax::Off, gross(by_hubspot(None))), net);
    }

    #[test]
    fn the_library_is_asked_only_for_a_rate_that_says_nothing() {
        let needs = |country: &str, sales_tax, choices: Choices, fields: Value| {
            let reading = sale::read(&deal([line(fields)]));
            let settings = Settings { books: books(country, sales_tax), choices };
            reading.needs_library(&settings)
        };
        let silent = || json!({"hs_tax_rate_group_id": "1"});
        let with_amount = || json!({"hs_tax_rate_group_id": "1", "hs_tax_amount": "3"});
        let mapped = || json!({"hs_tax_rate_group_id": "4711", "hs_tax_amount": "3"});
        let (us, gb) = (("US", SalesTax::Automated), ("GB", SalesTax::Off));
        assert!(needs(us.0, us.1, by_hubspot(None), silent()));
        assert!(!needs(us.0, us.1, by_hubspot(None), with_amount()));
        assert!(needs("US", SalesTax::Manual, by_hubspot(None), with_amount()));
        assert!(needs(gb.0, gb.1, by_hubspot(None), with_amount()));
        assert!(!needs(gb.0, gb.1, by_hubspot(None), mapped()));
        assert!(!needs(
            gb.0,
            gb.1,
            by_hubspot(None),
            json!({"hs_tax_rate_group_id": "1", "hs_tax_rate": "20"})
        ));
        assert!(!needs(gb.0, gb.1, chosen(Tax::QuickBooks, None), silent()));
        let reading = sale::read(&deal([line(silent())]));
        let reading = reading.with_rates(&[("1".to_owned(), Decimal::from(20))].into());
        assert!(!reading.needs_library(&Settings { books: books(gb.0, gb.1), choices: by_hubspot(None) }));
    }

    #[test]
    fn a_taxed_document_has_at_most_750_lines() {
        let found = |count: usize, books: Books, choices: Choices| {
            let settled = settle(&deal(std::iter::repeat_n(widget_line(), count)), books, choices);
            settled.err().unwrap_or_default()
        };
        let automated = || books("US", SalesTax::Automated);
        let quickbooks = || chosen(Tax::QuickBooks, Some("5"));
        let many = vec![Problem::TooManyLines { record: "Harbour kiosk".into(), count: 751 }];
        assert_eq!(found(750, automated(), quickbooks()), []);
        assert_eq!(found(751, automated(), quickbooks()), many);
        assert_eq!(found(751, books("GB", SalesTax::Off), quickbooks()), many);
        assert_eq!(found(751, automated(), chosen(Tax::None, None)), []);
        assert_eq!(found(751, automated(), by_hubspot(None)), []);
        assert_eq!(found(751, books("US", SalesTax::Off), quickbooks()), []);
        assert_eq!(found(751, books("GB", SalesTax::Off), chosen(Tax::None, None)), []);
    }

    proptest! {
        /// As the simulator has it: a gross amount is its net one with tax, to a cent.
        #[test]
        fn a_gross_amount_is_its_net_one_with_tax(cents in 0..=99_999_999_999_999_i64, rate in 0..=10_000_i64) {
            let (gross, percent) = (Decimal::new(cents, 2), Decimal::new(rate, 2));
            let net = Rated { code: Some(TaxCodeId("5".into())), held: Some(Held { percent, decimals: 2 }) }.net(gross);
            let again = net + money::round_half_up(net * percent / Decimal::ONE_HUNDRED);
            prop_assert!((again - gross).abs() <= Decimal::new(1, 2), "{} of {}", net, gross);
            prop_assert!(net.scale() == 2 && net <= gross);
        }
    }
}
