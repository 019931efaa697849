//! Random deals by the hundred, of the simulators' seed generator, in companies of every tax regime and currency, created through
//! the real functions and read back over QuickBooks' API: the books are the sum of the deals, to the cent. What tax a document must
//! have is reckoned here anew, from the deals alone.

use std::collections::BTreeMap;

use futures::StreamExt;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use simulators::hubspot::random_deals::{Deal, Properties, RandomDeals};

use super::bench::{Bench, Place};
use super::case::Case;

/// Deals of one company.
const DEALS: u64 = 29;

/// Companies of each kind: a company's budget for look-ups would not last for all deals at once.
const COMPANIES: u64 = 3;

/// What is made of a deal, in turn.
const ACTIONS: [(&str, &str); 3] =
    [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")];

/// The rates of a tax code, in percent.
type Rates = &'static [&'static str];

/// How a company is taxed.
#[derive(Clone, Copy)]
enum Tax {
    /// Not at all.
    None,
    /// Each of these rates on the sum of all lines.
    OnTop(Rates),
    /// The same on the sum of the widgets, the only product that is taxed.
    OnWidgets(Rates),
    /// Amounts hold it at this rate.
    Within(&'static str),
    /// Each line has one of these percentages in HubSpot, for which a code with these rates stands.
    ByLine(&'static [(&'static str, Rates)]),
    /// What HubSpot reckoned of each line, at one of these percentages.
    AsTold(Rates),
}

struct Kind {
    name: &'static str,
    /// The company and its settings, as a case has them.
    case: &'static str,
    /// Of the deals.
    currency: &'static str,
    tax: Tax,
    /// What one unit of that currency is in the company's own, where it has several.
    exchange_rate: Option<&'static str>,
}

impl Kind {
    const fn new(name: &'static str, currency: &'static str, case: &'static str, tax: Tax) -> Self {
        Self { name, case, currency, tax, exchange_rate: None }
    }
}

const KINDS: [Kind; 14] = [
    Kind::new("US, untaxed", "USD", "books = 'us'", Tax::None),
    Kind::new("US, automated tax", "USD", "books = 'us-automated'", Tax::OnWidgets(&["8"])),
    Kind::new(
        "US, HubSpot's tax",
        "USD",
        "books = 'us-automated'\nsettings = { tax = 'hubspot', totals = 'refuse' }",
        Tax::AsTold(&["8.875", "6.25", "0"]),
    ),
    Kind::new("US, tax by hand", "USD", "books = 'us-manual'", Tax::OnWidgets(&["8.875"])),
    Kind {
        exchange_rate: Some("1.0842"),
        ..Kind::new(
            "US, in euros",
            "EUR",
            "books = 'several-currencies'
            quickbooks.exchange_rates = [{ SourceCurrencyCode = 'EUR', Rate = 1.0842, AsOfDate = '2020-01-01' }]",
            Tax::None,
        )
    },
    Kind::new("UK, net", "GBP", "books = 'uk'\nsettings.default_tax_code = '5'", Tax::OnTop(&["20"])),
    Kind::new(
        "UK, gross",
        "GBP",
        "books = 'uk'\nsettings = { default_tax_code = '5', amounts = 'gross', totals = 'refuse' }",
        Tax::Within("20"),
    ),
    Kind::new(
        "UK, HubSpot's rates",
        "GBP",
        "books = 'uk'\nsettings = { tax = 'hubspot', tax_codes = { 20 = '5', 5 = '6', 0 = '7' }, totals = 'refuse' }",
        Tax::ByLine(&[("20", &["20"]), ("5", &["5"]), ("0", &["0"])]),
    ),
    Kind::new("Australia, net", "AUD", "books = 'au'\nsettings.default_tax_code = '4'", Tax::OnTop(&["10"])),
    Kind::new(
        "Australia, gross",
        "AUD",
        "books = 'au'\nsettings = { default_tax_code = '4', amounts = 'gross', totals = 'refuse' }",
        Tax::Within("10"),
    ),
    Kind::new("Canada", "CAD", "books = 'ca'\nsettings.default_tax_code = '9'", Tax::OnTop(&["5", "7"])),
    Kind::new(
        "Canada, HubSpot's rates",
        "CAD",
        "books = 'ca'\nsettings = { tax = 'hubspot', tax_codes = { 12 = '9', 13 = '10' }, totals = 'refuse' }",
        Tax::ByLine(&[("12", &["5", "7"]), ("13", &["13"])]),
    ),
    Kind::new("Japan", "JPY", "books = 'jp'\nsettings.default_tax_code = '3'", Tax::OnTop(&["10"])),
    Kind::new("Kuwait", "KWD", "books = 'kw'\nsettings.default_tax_code = '3'", Tax::OnTop(&["0"])),
];

/// What a kind of company comes to.
#[derive(Default)]
struct Sum {
    documents: usize,
    deals: Decimal,
    tax: Decimal,
    books: Decimal,
}

/// What must come of a deal.
struct Expected {
    net: Decimal,
    tax: Decimal,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_hundred_random_deals_are_in_the_books_to_the_cent() {
    let began = std::time::Instant::now();
    let seed = std::env::var("DEALS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let bench = Bench::at(jiff::Timestamp::now()).await;
    let mut sums: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
    let companies =
        (0..COMPANIES).flat_map(|copy| KINDS.iter().zip(1..).map(move |(kind, of)| (kind, copy * 100 + of)));
    let filled = futures::stream::iter(companies).map(|(kind, number)| company(&bench, kind, number, seed));
    let mut filled = filled.buffer_unordered(2);
    while let Some((kind, sum)) = filled.next().await {
        let all = sums.entry((kind.name, kind.currency)).or_default();
        all.documents += sum.documents;
        all.deals += sum.deals;
        all.tax += sum.tax;
        all.books += sum.books;
    }
    for ((name, currency), sum) in &sums {
        println!(
            "{name:<24} {:>4} documents, {:>14.2} {currency} and {:>12.2} tax",
            sum.documents, sum.deals, sum.tax
        );
        assert_eq!(sum.books, sum.deals + sum.tax, "{name}");
    }
    let documents: usize = sums.values().map(|sum| sum.documents).sum();
    println!("{documents} deals, seed {seed}, {:.1?}", began.elapsed());
    assert_eq!(documents as u64, DEALS * KINDS.len() as u64 * COMPANIES);
}

/// Creates a company's deals and holds each against its document.
async fn company<'a>(bench: &Bench, kind: &'a Kind, number: u64, seed: u64) -> (&'a Kind, Sum) {
    let case = Case::read(&format!("about = 'Random deals.'\n{}", kind.case)).unwrap();
    let place = bench.place(&case, "invoice", number).unwrap();
    place.install().await.unwrap();
    let wanted = RandomDeals {
        count: DEALS,
        seed: seed.wrapping_mul(1000) + number,
        currency: kind.currency.to_owned(),
        tax_percents: kind.tax.of_lines().into_iter().map(figure).collect(),
        ..RandomDeals::default()
    };
    place.seed_deals(&wanted).await.unwrap();
    let deals = wanted.drawn();
    let totals = futures::stream::iter(&deals).map(async |deal| {
        let history = place.settle_deal(action(deal).0, deal.id).await.unwrap();
        assert_eq!(history["outputs"]["errorCode"], "NONE", "{}: {history}", kind.name);
        decimal(&history["outputs"]["total"])
    });
    let told: Decimal = totals.buffer_unordered(3).collect::<Vec<_>>().await.into_iter().sum();
    let sum = read_back(&place, kind, &deals).await;
    assert_eq!(told, sum.books, "{}: the outputs say something else than the books", kind.name);
    (kind, sum)
}

fn action(deal: &Deal) -> (&'static str, &'static str) {
    ACTIONS[usize::try_from(deal.id).unwrap() % ACTIONS.len()]
}

/// Holds every document against its deal.
async fn read_back(place: &Place<'_>, kind: &Kind, deals: &[Deal]) -> Sum {
    let mut sum = Sum::default();
    for (action_of, entity) in ACTIONS {
        let documents = place.query(&format!("select * from {entity} maxresults 1000")).await.unwrap();
        let documents: BTreeMap<u64, &Value> =
            documents.iter().map(|document| (deal_of(document), document)).collect();
        let expected: Vec<_> = deals.iter().filter(|deal| action(deal).0 == action_of).collect();
        assert_eq!(documents.len(), expected.len(), "{}: one {entity} for each deal", kind.name);
        for deal in expected {
            let document = documents[&deal.id];
            let Expected { net, tax } = kind.tax.expected(&deal.lines);
            let total = decimal(&document["TotalAmt"]);
            assert_eq!(total, net + tax, "{}: {document}", kind.name);
            assert_eq!(decimal(&document["TxnTaxDetail"]["TotalTax"]), tax, "{}: {document}", kind.name);
            assert_eq!(lines(document), net, "{}: {document}", kind.name);
            kind.is_in_its_currency(document, total);
            sum.documents += 1;
            sum.deals += net;
            sum.tax += tax;
            sum.books += total;
        }
    }
    sum
}

impl Kind {
    /// What is not in the company's own currency names its own, and what it comes to at the day's rate.
    fn is_in_its_currency(&self, document: &Value, total: Decimal) {
        let Some(rate) = self.exchange_rate.map(figure) else { return };
        assert_eq!(document["CurrencyRef"]["value"], self.currency, "{}: {document}", self.name);
        assert_eq!(decimal(&document["ExchangeRate"]), rate, "{}: {document}", self.name);
        assert_eq!(decimal(&document["HomeTotalAmt"]), half_up(total * rate), "{}: {document}", self.name);
    }
}

impl Tax {
    /// The percentages that HubSpot's lines have.
    fn of_lines(self) -> Vec<&'static str> {
        match self {
            Self::None | Self::OnTop(_) | Self::OnWidgets(_) | Self::Within(_) => Vec::new(),
            Self::ByLine(codes) => codes.iter().map(|(percent, _)| *percent).collect(),
            Self::AsTold(percents) => percents.to_vec(),
        }
    }

    fn expected(self, lines: &[Properties]) -> Expected {
        let amounts = || lines.iter().map(in_cents);
        let net = amounts().sum();
        // Computed on the summed net amount of a rate, not per line (quickbooks.md §2.4).
        let of = |rates: Rates, taxed: Decimal| rates.iter().map(|rate| share(taxed, figure(rate))).sum();
        let tax = match self {
            Self::None => Decimal::ZERO,
            Self::OnTop(rates) => of(rates, net),
            Self::OnWidgets(rates) => {
                of(rates, lines.iter().filter(|line| line["name"] == "Widget").map(in_cents).sum())
            }
            Self::ByLine(codes) => {
                let taxed = |percent| lines.iter().filter(move |line| line["hs_tax_rate"] == percent);
                codes.iter().map(|(percent, rates)| of(rates, taxed(*percent).map(in_cents).sum())).sum()
            }
            Self::AsTold(_) => lines.iter().map(|line| half_up(figure(&line["hs_tax_amount"]))).sum(),
            Self::Within(rate) => return within(&amounts().collect::<Vec<_>>(), figure(rate)),
        };
        Expected { net, tax }
    }
}

/// Of amounts that hold their tax. The law has tax = gross − gross ÷ (1 + rate), of the whole. QuickBooks takes of each line its net
/// amount, in cents, and its gross one; the gross ones are fixed, and the tax is what is left of them (§2.4: 1.11 and not 13 % of
/// 8.49; §2.5). So each line is rounded for itself, the document comes to what the customer was told, to the cent, and its tax is
/// the law's but for half a cent a line at most.
fn within(gross: &[Decimal], rate: Decimal) -> Expected {
    let exact = |gross: Decimal| gross / (Decimal::ONE + rate / Decimal::ONE_HUNDRED);
    let net: Decimal = gross.iter().map(|gross| half_up(exact(*gross))).sum();
    let whole: Decimal = gross.iter().sum();
    let tax = whole - net;
    let off = (tax - (whole - exact(whole))).abs();
    assert!(off <= Decimal::new(5, 3) * Decimal::from(gross.len()), "{tax} of {gross:?}");
    Expected { net, tax }
}

/// The deal of a document, which its note links.
fn deal_of(document: &Value) -> u64 {
    let note = document["PrivateNote"].as_str().unwrap_or_default();
    let (_, id) = note.split_once("/record/0-3/").unwrap();
    id.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

fn lines(document: &Value) -> Decimal {
    let lines = document["Line"].as_array().into_iter().flatten();
    lines
        .filter(|line| line["DetailType"] == "SalesItemLineDetail")
        .map(|line| decimal(&line["Amount"]))
        .sum()
}

/// None is nothing.
fn decimal(value: &Value) -> Decimal {
    if value.is_null() { Decimal::ZERO } else { figure(value.to_string().trim_matches('"')) }
}

fn figure(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// As QuickBooks keeps a line: of dinars, two decimals of three.
fn in_cents(line: &Properties) -> Decimal {
    half_up(figure(&line["amount"]))
}

fn share(amount: Decimal, percent: Decimal) -> Decimal {
    half_up(amount * percent / Decimal::ONE_HUNDRED)
}

fn half_up(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}
