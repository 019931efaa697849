//! Amounts, tax and texts of records of chance: read, matched and written by the real rules, and created in a copy of the
//! stand-in's books, in companies of every kind of tax and currency. Each record comes from a number: `AMOUNTS_SEED=7` tries one
//! alone, in every company.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

#[path = "../suite/alike.rs"]
mod alike;
mod company;
mod record;
mod rules;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mapping::books::SalesTax;
use mapping::lookup::Links;
use mapping::problem::Problem;
use mapping::settings::{Amounts, Tax};
use rust_decimal::Decimal;
use serde_json::json;

use company::Company;
use simulators::chance::Chance;
use world::{Made, Order, World};

/// Records for each test.
const RECORDS: u64 = 20_000;

/// Each record in one of the companies in turn, or one record in all of them; `check` answers what was made of it. At least as
/// many of each must be made as `least` says.
fn each_record(check: impl Fn(&World, &mut Chance) -> Option<Made>, least: &[(&'static str, u64)]) {
    let worlds: Vec<World> = Company::all().into_iter().map(World::new).collect();
    let one = std::env::var("AMOUNTS_SEED").ok();
    let one = one.map(|seed| seed.parse::<u64>().expect("AMOUNTS_SEED is a number"));
    let mut made: BTreeMap<&str, u64> = BTreeMap::new();
    let seeds = one.map_or(0..RECORDS, |seed| seed..seed + 1);
    for seed in seeds {
        let turn = seed % worlds.len() as u64;
        let worlds = (0_u64..).zip(&worlds).filter(|(at, _)| one.is_some() || *at == turn);
        for (_, world) in worlds {
            let tried = catch_unwind(AssertUnwindSafe(|| check(world, &mut Chance::new(seed))));
            let tried = tried.unwrap_or_else(|panic| {
                eprintln!("AMOUNTS_SEED={seed}, {}", world.company.name());
                resume_unwind(panic)
            });
            let Some(Made { tax, beside, .. }) = tried else { continue };
            let taxed = (!tax.is_zero()).then_some("taxed");
            for what in ["document"].into_iter().chain(taxed).chain(beside) {
                *made.entry(what).or_default() += 1;
            }
        }
    }
    println!("in {} companies: {made:?}", worlds.len());
    let short = least.iter().filter(|(what, least)| made.get(what).copied().unwrap_or_default() < *least);
    assert!(one.is_some() || short.clone().count() == 0, "too few: {:?}", short.collect::<Vec<_>>());
}

#[test]
fn every_sound_record_becomes_a_document_that_keeps_all_rules_and_totals_in_quickbooks_as_in_ours() {
    let check = |world: &World, chance: &mut Chance| {
        let drawn = record::sound(chance, &world.company);
        let order = world.ordered(&drawn, chance, world::known());
        let order = order.unwrap_or_else(|problems| panic!("{problems:?}\n{drawn:?}"));
        let made = world.made(&order, false).unwrap_or_else(|refused| panic!("{refused}\n{drawn:?}"));
        assert_eq!(made.total, order.matched.total() + made.tax, "{}", made.document);
        if let Some(expected) = order.matched.expected() {
            let off = (made.total - expected).abs();
            let decimals = world.company.currency.decimals;
            assert!(off <= tolerance(&order, decimals), "{off} off {expected}: {}", made.document);
        }
        assert_eq!(made.document["CurrencyRef"]["value"], world.company.currency.code, "{}", made.document);
        if let Some(rate) = world.company.rate() {
            assert_eq!(made.document["ExchangeRate"].to_string(), rate.to_string(), "{}", made.document);
        }
        Some(made)
    };
    each_record(check, &[("document", RECORDS), ("taxed", 4_000)]);
}

/// Where QuickBooks computes the tax of HubSpot's rates anew, on sums instead of lines, cents may differ, a discount that is
/// spread over the rates moves more, and a discount of gross amounts has to be split: that is told. Everywhere else each
/// cent is as in HubSpot.
fn tolerance(Order { settings, matched, .. }: &Order, decimals: u32) -> Decimal {
    let american = settings.books.is_american();
    let by_hand = settings.books.sales_tax == SalesTax::Manual;
    let sale = &matched.sale;
    // One code stands for all rates there, whatever HubSpot made of them.
    if american && by_hand && settings.choices.tax == Tax::HubSpot {
        return Decimal::MAX;
    }
    let computed_anew = settings.choices.tax == Tax::HubSpot && !american;
    let gross = !american && settings.choices.amounts == Amounts::Gross && settings.choices.tax != Tax::None;
    match (gross, computed_anew, sale.discounts.is_empty()) {
        (true, _, true) | (false, false, _) => Decimal::ZERO,
        (true, _, false) => Decimal::new(5, decimals.min(2)),
        // Half of the smallest coin for each line, and for each rate; a line in dinars is rounded twice.
        (false, true, true) => {
            let roundings = sale.lines.len() * if decimals > 2 { 2 } else { 1 } + 6;
            Decimal::new(5, decimals.min(2) + 1) * Decimal::from(roundings)
        }
        (false, true, false) => sale.discount() + Decimal::ONE,
    }
}

#[test]
fn whoever_is_billed_and_whatever_is_sold_and_paid_is_created_whatever_it_is_called() {
    let check = |world: &World, chance: &mut Chance| {
        let drawn = record::unknown(chance, &world.company);
        let name_is_taken = chance.one_in(4);
        match world.ordered(&drawn, chance, Links::default()) {
            Ok(order) => {
                let made = world.made(&order, name_is_taken);
                Some(made.unwrap_or_else(|refused| panic!("{refused}\n{drawn:?}")))
            }
            Err(problems) => {
                let nothing_left = |problem: &Problem| {
                    use Problem::{CompanyNameless, ContactIncomplete, LineNameless};
                    matches!(problem, CompanyNameless { .. } | ContactIncomplete { .. } | LineNameless { .. })
                };
                assert!(problems.iter().all(nothing_left), "{problems:?}\n{drawn:?}");
                None
            }
        }
    };
    each_record(check, &[("document", 14_000), ("Customer", 14_000), ("Item", 14_000), ("Payment", 2_000)]);
}

#[test]
fn no_record_makes_the_rules_panic_or_writes_what_quickbooks_refuses() {
    let check = |world: &World, chance: &mut Chance| {
        let drawn = record::any(chance, &world.company);
        let links = if chance.one_in(2) { world::known() } else { Links::default() };
        match world.ordered(&drawn, chance, links) {
            Ok(order) => {
                Some(world.made(&order, false).unwrap_or_else(|refused| panic!("{refused}\n{drawn:?}")))
            }
            Err(problems) => {
                assert!(!problems.is_empty(), "{}", json!(drawn.lines));
                None
            }
        }
    };
    each_record(check, &[("document", 3_000)]);
}
