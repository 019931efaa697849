//! Deals by the hundred, drawn from a seed: each with a contact and line items, and with what HubSpot would reckon of them.
//!
//! The same wish gives the same deals again, so that whoever had them seeded knows what they come to.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chance::Chance;

/// Which deals are wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomDeals {
    /// How many; their ids count up from 1000.
    pub count: u64,
    /// What they are drawn from.
    pub seed: u64,
    /// The currency of deals and lines.
    pub currency: String,
    /// What is sold, by name: HubSpot's products from 7001 on.
    pub products: Vec<String>,
    /// Rates of tax in percent, one for each line; without any, HubSpot says nothing of tax.
    pub tax_percents: Vec<Decimal>,
}

/// A deal that was drawn.
#[derive(Clone, Debug)]
pub struct Deal {
    /// Its id.
    pub id: u64,
    /// The id of its contact.
    pub contact: u64,
    /// What its lines come to in the currency's precision, before tax.
    pub amount: Decimal,
    /// Its lines, as HubSpot has them.
    pub lines: Vec<Properties>,
}

/// A record's properties, by HubSpot's names.
pub type Properties = BTreeMap<String, String>;

const FIRST_DEAL: u64 = 1_000;
const FIRST_PRODUCT: u64 = 7_001;
const FIRST_CONTACT: u64 = 501;
const CONTACTS: u64 = 6;

/// Their lines' ids have two digits more than the deals'.
const LINES: u64 = 8;

/// The simulator holds all of them in memory.
const MOST: u64 = 100_000;

impl Default for RandomDeals {
    fn default() -> Self {
        let products = ["Widget", "Setup fee", "Delivery", "Miscellaneous"].map(str::to_owned).to_vec();
        Self { count: 100, seed: 1, currency: "USD".to_owned(), products, tax_percents: Vec::new() }
    }
}

impl RandomDeals {
    /// What keeps them from being drawn.
    pub(super) fn problem(&self) -> Option<String> {
        match self {
            Self { count, .. } if *count > MOST => {
                Some(format!("random_deals: {MOST} at once are the most, not {count}"))
            }
            Self { products, .. } if products.is_empty() => {
                Some("random_deals: nothing is sold: name products".to_owned())
            }
            Self { tax_percents, .. } if tax_percents.iter().any(|percent| !is_percentage(*percent)) => {
                Some("random_deals: tax_percents are from 0 to 100".to_owned())
            }
            _ => None,
        }
    }

    /// The deals.
    pub fn drawn(&self) -> Vec<Deal> {
        let mut chance = Chance::new(self.seed);
        (FIRST_DEAL..FIRST_DEAL + self.count).map(|id| self.deal(id, &mut chance)).collect()
    }

    /// The same as a seed has the objects of a portal: with lines and contacts.
    pub(super) fn objects(&self) -> Value {
        let (mut deals, mut lines) = (Vec::new(), Vec::new());
        for Deal { id, contact, amount, lines: own } in self.drawn() {
            let ids: Vec<String> = (id * 100..).zip(&own).map(|(id, _)| id.to_string()).collect();
            let own = ids.iter().zip(own).map(|(id, line)| json!({"id": id, "properties": line}));
            lines.extend(own);
            deals.push(json!({
                "id": id.to_string(),
                "properties": {
                    "dealname": format!("Deal {id}"), "amount": amount.to_string(), "deal_currency_code": self.currency,
                },
                "associations": {"contacts": [contact.to_string()], "line_items": ids},
            }));
        }
        let contacts = (FIRST_CONTACT..FIRST_CONTACT + CONTACTS).map(|id| {
            json!({"id": id.to_string(), "properties": {
                "firstname": "Contact", "lastname": format!("No. {id}"), "email": format!("contact-{id}@acme.example"),
            }})
        });
        json!({"deals": deals, "contacts": contacts.collect::<Vec<_>>(), "line_items": lines})
    }

    fn deal(&self, id: u64, chance: &mut Chance) -> Deal {
        let count = 1 + chance.below(LINES);
        let lines: Vec<_> = (0..count).map(|at| self.line(at, chance)).collect();
        let amount = lines.iter().filter_map(|line| figure(line, "amount")).sum();
        Deal { id, contact: FIRST_CONTACT + chance.below(CONTACTS), amount, lines }
    }

    /// Quantities with and without fractions, prices of up to four decimals, either kind of discount.
    fn line(&self, at: u64, chance: &mut Chance) -> Properties {
        let products: Vec<(u64, &String)> = (FIRST_PRODUCT..).zip(&self.products).collect();
        let (product, name) = chance.pick(&products);
        let quantity = match chance.below(4) {
            0 => Decimal::from(chance.below(9)) + thousandths(1 + chance.below(999)),
            _ => Decimal::from(1 + chance.below(20)),
        };
        let whole = Decimal::from(chance.below(400));
        let price = match (decimals(&self.currency), chance.below(3)) {
            (0, _) => Decimal::from(1 + chance.below(20_000)),
            (_, 0) => whole + thousandths(chance.below(10_000)) / Decimal::TEN,
            _ => whole + thousandths(chance.below(100)) * Decimal::TEN,
        };
        let discount = match chance.below(5) {
            0 => Some(("hs_discount_percentage", thousandths(chance.below(600)) * Decimal::ONE_HUNDRED)),
            1 => Some(("discount", (price / Decimal::from(3)).trunc())),
            _ => None,
        };
        let percent = (!self.tax_percents.is_empty()).then(|| chance.pick(&self.tax_percents));
        let figures = [("quantity", quantity), ("price", price)].into_iter().chain(discount);
        let figures = figures.chain(percent.map(|percent| ("hs_tax_rate", percent)));
        let texts = [("hs_product_id", product.to_string()), ("name", name.clone())];
        let line =
            texts.into_iter().chain(figures.map(|(name, figure)| (name, figure.normalize().to_string())));
        priced(line.map(|(name, text)| (name.to_owned(), text)).collect(), at, &self.currency)
    }
}

/// A line with its place, its currency and what HubSpot reckons (hubspot.md §6.5): quantity times price less discount, a percentage
/// being of the line and an amount of each unit; and the tax of its rate. What it says itself stands.
pub fn priced(mut line: Properties, at: u64, currency: &str) -> Properties {
    let figure = |name: &str| figure(&line, name);
    let reckoned = figure("quantity").zip(figure("price")).map(|(quantity, price)| {
        let gross = quantity * price;
        let percent = gross * figure("hs_discount_percentage").unwrap_or_default() / Decimal::ONE_HUNDRED;
        let off = if percent.is_zero() { quantity * figure("discount").unwrap_or_default() } else { percent };
        in_precision(gross - off, currency)
    });
    let amount = figure("amount").or(reckoned);
    let tax = figure("hs_tax_rate").zip(amount);
    let tax = tax.map(|(percent, amount)| in_precision(amount * percent / Decimal::ONE_HUNDRED, currency));
    let figures = [("amount", reckoned), ("hs_tax_amount", tax)];
    let figures = figures.into_iter().filter_map(|(name, figure)| Some((name, figure?.to_string())));
    let texts =
        [("hs_position_on_quote", at.to_string()), ("hs_line_item_currency_code", currency.to_owned())];
    for (name, text) in figures.chain(texts) {
        line.entry(name.to_owned()).or_insert(text);
    }
    line
}

fn figure(line: &Properties, name: &str) -> Option<Decimal> {
    line.get(name)?.parse().ok()
}

fn is_percentage(percent: Decimal) -> bool {
    (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent)
}

fn thousandths(count: u64) -> Decimal {
    Decimal::from(count) / Decimal::ONE_THOUSAND
}

/// A half away from zero.
fn in_precision(amount: Decimal, currency: &str) -> Decimal {
    let decimals = decimals(currency);
    let mut rounded = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(decimals);
    rounded
}

/// Those of a currency's amounts (ISO 4217).
fn decimals(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "VND" | "CLP" => 0,
        "KWD" | "BHD" | "TND" => 3,
        _ => 2,
    }
}
