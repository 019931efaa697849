//! Which currency a customer and its documents have (quickbooks.md §2.1, §2.6, §12.14).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fault::{Fault, Reason};
use super::json::{Object, decimal, money, plain, text};
use super::state::Company;
use super::switches::{AmountDecimals, OmittedRate};
use super::{exchange, plan};

/// A reference to a currency, with its English name.
pub(super) fn named(code: &str) -> Value {
    let name = match code {
        "USD" => "United States Dollar",
        "CAD" => "Canadian Dollar",
        "EUR" => "Euro",
        "GBP" => "British Pound Sterling",
        other => other,
    };
    json!({"value": code, "name": name})
}

/// The decimals of a document's amounts, those of its currency: QuickBooks keeps two at most.
pub(super) fn decimals(company: &Company, document: &Object) -> u32 {
    let code = text(document, &["CurrencyRef", "value"]);
    let whole = [
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF",
        "XOF", "XPF",
    ];
    match company.switches.amount_decimals {
        AmountDecimals::OfCurrency if whole.contains(&code) => 0,
        AmountDecimals::OfCurrency | AmountDecimals::Two => 2,
    }
}

/// The company's own.
pub(super) fn home(company: &Company) -> &str {
    company.preference_text(&["CurrencyPrefs", "HomeCurrency", "value"])
}

/// 6000: a company with one currency knows no other, and one with a list of currencies none outside it. The refusals
/// are our expectation; Intuit documents only a currency that is missing with several.
pub(super) fn permitted(company: &Company, row: &Object) -> Result<(), Fault> {
    let given = text(row, &["CurrencyRef", "value"]);
    if given.is_empty() || given == home(company) {
        return Ok(());
    }
    plan::needs_essentials(company, "Multicurrency")?;
    if !has_several(company) {
        return Err(refused(format!("multicurrency is off, so that the currency cannot be {given}")));
    }
    let listed = company.rows("CompanyCurrency");
    let active = |row: &&Object| row.get("Active") != Some(&Value::Bool(false));
    if listed.is_empty() || listed.iter().filter(active).any(|row| text(row, &["Code"]) == given) {
        return Ok(());
    }
    Err(refused(format!("{given} is no currency of the company")))
}

/// Gives a document or payment the currency of its customer, and with several currencies, when it must have come along,
/// the rate of the day.
///
/// # Errors
/// 6000.
pub(super) fn settle(company: &Company, row: &mut Object, day: Date) -> Result<(), Fault> {
    permitted(company, row)?;
    let customer = company.row("Customer", text(row, &["CustomerRef", "value"]));
    let expected = customer.map_or(home(company), |customer| text(customer, &["CurrencyRef", "value"]));
    let given = text(row, &["CurrencyRef", "value"]);
    if given != expected && (!given.is_empty() || has_several(company)) {
        return Err(refused(format!("the currency must be {expected}, the customer's")));
    }
    row.insert("CurrencyRef".into(), named(expected));
    settle_rate(company, row, expected, day)
}

/// A rate belongs to foreign documents only (§2.1); that another is refused is our expectation.
fn settle_rate(company: &Company, row: &mut Object, code: &str, day: Date) -> Result<(), Fault> {
    let given = row.remove("ExchangeRate").as_ref().and_then(decimal);
    let foreign = code != home(company);
    let most = Decimal::from(MOST_FOR_ONE);
    if given.is_some_and(|rate| rate <= Decimal::ZERO || rate > most || (!foreign && rate != Decimal::ONE)) {
        let why = "the exchange rate must be greater than 0, and 1 in the home currency";
        return Err(Reason::business(why).at("ExchangeRate").into());
    }
    if !has_several(company) {
        return Ok(());
    }
    let looked_up = || match company.switches.omitted_rate {
        OmittedRate::LookedUp if foreign => exchange::rate(company, code, day),
        _ => None,
    };
    let rate = given.or_else(looked_up).unwrap_or(Decimal::ONE);
    row.insert("ExchangeRate".into(), plain(rate));
    Ok(())
}

/// No currency is worth more of another; beyond, home amounts could not be told.
const MOST_FOR_ONE: i64 = 1_000_000_000;

/// Writes what a document comes to in the home currency, half-up, where it has a rate.
pub(super) fn home_amounts(document: &mut Object) {
    let Some(rate) = document.get("ExchangeRate").and_then(decimal) else { return };
    for (foreign, home) in [("TotalAmt", "HomeTotalAmt"), ("Balance", "HomeBalance")] {
        if let Some(amount) = document.get(foreign).and_then(decimal) {
            document.insert(home.into(), money(amount * rate));
        }
    }
}

/// Whether the company has several currencies.
pub(super) fn has_several(company: &Company) -> bool {
    company.prefers(&["CurrencyPrefs", "MultiCurrencyEnabled"])
}

fn refused(why: String) -> Fault {
    Reason::business(&why).at("CurrencyRef").into()
}
