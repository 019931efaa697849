//! Random deals by the hundred, in companies of every tax regime and currency, created through the real functions and read back
//! over QuickBooks' API: the books are the sum of the deals, to the cent. What tax a document must have is reckoned here anew, but
//! where amounts hold it.

use std::collections::BTreeMap;

use futures::StreamExt;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::bench::{Bench, Place};
use super::case::{Case, Properties, priced};

use crate::twins::chance::Chance;

/// Deals of one company.
const DEALS: usize = 30;

/// Companies of each kind: a company's budget for look-ups would not last for all deals at once.
const COMPANIES: u64 = 4;

const CONTACTS: u64 = 6;

/// What is sold, by HubSpot's product: the items of `companies/catalogue.toml`.
const PRODUCTS: [(&str, &str); 4] =
    [("7001", "Widget"), ("7002", "Setup fee"), ("7003", "Delivery"), ("7004", "Miscellaneous")];

/// How a company is taxed.
#[derive(Clone, Copy)]
enum Tax {
    /// Not at all.
    None,
    /// These percentages, each on the sum of what is taxed: of all lines, or of widgets alone.
    OnTop { percents: &'static [&'static str], widgets_only: bool },
    /// Amounts hold it.
    Within,
}

struct Kind {
    name: &'static str,
    /// The company and its settings, as a case has them.
    case: &'static str,
    currency: &'static str,
    tax: Tax,
}

const fn on_top(percents: &'static [&'static str]) -> Tax {
    Tax::OnTop { percents, widgets_only: false }
}

const KINDS: [Kind; 10] = [
    Kind { name: "US, untaxed", case: "books = 'us'", currency: "USD", tax: Tax::None },
    Kind {
        name: "US, automated tax",
        case: "books = 'us-automated'",
        currency: "USD",
        tax: Tax::OnTop { percents: &["8"], widgets_only: true },
    },
    Kind {
        name: "US, tax by hand",
        case: "books = 'us-manual'",
        currency: "USD",
        tax: Tax::OnTop { percents: &["8.875"], widgets_only: true },
    },
    Kind {
        name: "UK, net",
        case: "books = 'uk'\nsettings.default_tax_code = '5'",
        currency: "GBP",
        tax: on_top(&["20"]),
    },
    Kind {
        name: "UK, gross",
        case: "books = 'uk'\nsettings = { default_tax_code = '5', amounts = 'gross', totals = 'refuse' }",
        currency: "GBP",
        tax: Tax::Within,
    },
    Kind {
        name: "Australia, net",
        case: "books = 'au'\nsettings.default_tax_code = '4'",
        currency: "AUD",
        tax: on_top(&["10"]),
    },
    Kind {
        name: "Australia, gross",
        case: "books = 'au'\nsettings = { default_tax_code = '4', amounts = 'gross', totals = 'refuse' }",
        currency: "AUD",
        tax: Tax::Within,
    },
    Kind {
        name: "Canada, two rates",
        case: "books = 'ca'\nsettings.default_tax_code = '9'",
        currency: "CAD",
        tax: on_top(&["5", "7"]),
    },
    Kind {
        name: "Japan",
        case: "books = 'jp'\nsettings.default_tax_code = '3'",
        currency: "JPY",
        tax: on_top(&["10"]),
    },
    Kind {
        name: "Kuwait",
        case: "books = 'kw'\nsettings.default_tax_code = '3'",
        currency: "KWD",
        tax: on_top(&["0"]),
    },
];

/// A deal, and what must come of it.
struct Deal {
    id: u64,
    action: &'static str,
    record: Value,
    lines: Vec<Properties>,
    /// Before tax, or with it where amounts hold it.
    amount: Decimal,
    tax: Option<Decimal>,
}

/// What a kind of company comes to.
#[derive(Default)]
struct Sum {
    documents: usize,
    deals: Decimal,
    tax: Decimal,
    books: Decimal,
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
            "{name:<20} {:>4} documents, {:>14.2} {currency} and {:>12.2} tax",
            sum.documents, sum.deals, sum.tax
        );
        assert_eq!(sum.books, sum.deals + sum.tax, "{name}");
    }
    let documents: usize = sums.values().map(|sum| sum.documents).sum();
    println!("{documents} deals, seed {seed}, {:.1?}", began.elapsed());
    assert_eq!(documents, DEALS * KINDS.len() * usize::try_from(COMPANIES).unwrap());
}

/// Creates a company's deals and holds each against its document.
async fn company<'a>(bench: &Bench, kind: &'a Kind, number: u64, seed: u64) -> (&'a Kind, Sum) {
    let case = Case::read(&format!("about = 'Random deals.'\n{}", kind.case)).unwrap();
    let place = bench.place(&case, "invoice", number).unwrap();
    place.install().await.unwrap();
    let mut chance = Chance::new(seed.wrapping_mul(1000) + number);
    let deals: Vec<Deal> = (0..DEALS as u64).map(|at| deal(&mut chance, kind, at)).collect();
    place.seed(&objects(&deals)).await.unwrap();
    let totals = futures::stream::iter(&deals).map(async |deal| {
        let history = place.settle_deal(deal.action, deal.id).await.unwrap();
        assert_eq!(history["outputs"]["errorCode"], "NONE", "{}: {history}", kind.name);
        decimal(&history["outputs"]["total"])
    });
    let told: Decimal = totals.buffer_unordered(3).collect::<Vec<_>>().await.into_iter().sum();
    let sum = read_back(&place, kind, &deals).await;
    assert_eq!(told, sum.books, "{}: the outputs say something else than the books", kind.name);
    (kind, sum)
}

/// Holds every document against its deal.
async fn read_back(place: &Place<'_>, kind: &Kind, deals: &[Deal]) -> Sum {
    let mut sum = Sum::default();
    for (action, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        let documents = place.query(&format!("select * from {entity} maxresults 1000")).await.unwrap();
        let documents: BTreeMap<u64, &Value> =
            documents.iter().map(|document| (deal_of(document), document)).collect();
        let expected: Vec<_> = deals.iter().filter(|deal| deal.action == action).collect();
        assert_eq!(documents.len(), expected.len(), "{}: one {entity} for each deal", kind.name);
        for deal in expected {
            let document = documents[&deal.id];
            let tax = decimal(&document["TxnTaxDetail"]["TotalTax"]);
            let total = decimal(&document["TotalAmt"]);
            let within = matches!(kind.tax, Tax::Within);
            assert_eq!(
                total,
                if within { deal.amount } else { deal.amount + tax },
                "{}: {document}",
                kind.name
            );
            assert_eq!(tax, deal.tax.unwrap_or(tax), "{}: {document}", kind.name);
            assert_eq!(lines(document), total - tax, "{}: {document}", kind.name);
            sum.documents += 1;
            sum.deals += if within { deal.amount - tax } else { deal.amount };
            sum.tax += tax;
            sum.books += total;
        }
    }
    sum
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

fn decimal(value: &Value) -> Decimal {
    let text = value.to_string();
    text.trim_matches('"').parse().unwrap_or_default()
}

fn deal(chance: &mut Chance, kind: &Kind, at: u64) -> Deal {
    let id = 1_000 + at;
    let count = 1 + usize::try_from(chance.below(8)).unwrap();
    let lines: Vec<_> = (0..count).map(|at| priced(line(chance, kind.currency), at, kind.currency)).collect();
    let in_cents = |line: &Properties| half_up(line["amount"].parse().unwrap());
    let amount: Decimal = lines.iter().map(in_cents).sum();
    let of_widgets: Decimal = lines.iter().filter(|line| line["name"] == "Widget").map(in_cents).sum();
    let tax = match kind.tax {
        Tax::None => Some(Decimal::ZERO),
        Tax::Within => None,
        Tax::OnTop { percents, widgets_only } => {
            let taxed = if widgets_only { of_widgets } else { amount };
            let of =
                |percent: &&str| half_up(taxed * percent.parse::<Decimal>().unwrap() / Decimal::ONE_HUNDRED);
            Some(percents.iter().map(of).sum())
        }
    };
    let ids: Vec<_> = (0..count as u64).map(|line| (id * 100 + line).to_string()).collect();
    let record = json!({
        "id": id.to_string(),
        "properties": {"dealname": format!("Deal {id}"), "amount": amount.to_string(), "deal_currency_code": kind.currency},
        "associations": {"contacts": [(501 + chance.below(CONTACTS)).to_string()], "line_items": ids},
    });
    Deal { id, action: chance.pick(&["invoice", "estimate", "receipt"]), record, lines, amount, tax }
}

/// Quantities with and without fractions, prices of up to four decimals, either kind of discount.
fn line(chance: &mut Chance, currency: &str) -> Properties {
    let (product, name) = chance.pick(&PRODUCTS);
    let quantity = match chance.below(4) {
        0 => format!("{}.{:03}", chance.below(9), 1 + chance.below(999)),
        _ => (1 + chance.below(20)).to_string(),
    };
    let price = match (currency, chance.below(3)) {
        ("JPY", _) => (1 + chance.below(20_000)).to_string(),
        (_, 0) => format!("{}.{:04}", chance.below(400), chance.below(10_000)),
        _ => format!("{}.{:02}", chance.below(400), chance.below(100)),
    };
    let mut line =
        vec![("hs_product_id", product.to_owned()), ("name", name.to_owned()), ("quantity", quantity)];
    match chance.below(5) {
        0 => line.push(("hs_discount_percentage", format!("{}.{}", chance.below(60), chance.below(10)))),
        1 => line.push((
            "discount",
            price.split('.').next().unwrap().parse::<u64>().map_or(0, |whole| whole / 3).to_string(),
        )),
        _ => {}
    }
    line.push(("price", price));
    line.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn half_up(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn objects(deals: &[Deal]) -> Value {
    let contact = |id: u64| {
        json!({"id": id.to_string(), "properties": {
            "firstname": "Contact", "lastname": format!("No. {id}"), "email": format!("contact-{id}@acme.example"),
        }})
    };
    let lines = deals.iter().flat_map(|deal| {
        deal.lines
            .iter()
            .enumerate()
            .map(|(at, line)| json!({"id": (deal.id * 100 + at as u64).to_string(), "properties": line}))
    });
    json!({
        "deals": deals.iter().map(|deal| &deal.record).collect::<Vec<_>>(),
        "contacts": (501..501 + CONTACTS).map(contact).collect::<Vec<_>>(),
        "line_items": lines.collect::<Vec<_>>(),
    })
}
