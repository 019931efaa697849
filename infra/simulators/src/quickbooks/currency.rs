//! Which currency a customer and its documents have (quickbooks.md §2.1, §2.6, §12.14).

use serde_json::{Value, json};

use super::fault::{Fault, Reason};
use super::json::{Object, text};
use super::state::Company;

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

/// The company's own.
pub(super) fn home(company: &Company) -> &str {
    company.preference_text(&["CurrencyPrefs", "HomeCurrency", "value"])
}

/// 6000: a company with one currency knows no other. The refusal is our expectation; Intuit documents only the opposite
/// case, a currency that is missing with several.
pub(super) fn permitted(company: &Company, row: &Object) -> Result<(), Fault> {
    let given = text(row, &["CurrencyRef", "value"]);
    let several = has_several(company);
    if several || given.is_empty() || given == home(company) {
        return Ok(());
    }
    Err(refused(format!("multicurrency is off, so that the currency cannot be {given}")))
}

/// Gives a document or payment the currency of its customer; with several currencies it must have come along.
///
/// # Errors
/// 6000.
pub(super) fn settle(company: &Company, row: &mut Object) -> Result<(), Fault> {
    permitted(company, row)?;
    let customer = company.row("Customer", text(row, &["CustomerRef", "value"]));
    let expected = customer.map_or(home(company), |customer| text(customer, &["CurrencyRef", "value"]));
    let given = text(row, &["CurrencyRef", "value"]);
    if given != expected && (!given.is_empty() || has_several(company)) {
        return Err(refused(format!("the currency must be {expected}, the customer's")));
    }
    row.insert("CurrencyRef".into(), named(expected));
    Ok(())
}

fn has_several(company: &Company) -> bool {
    company.prefers(&["CurrencyPrefs", "MultiCurrencyEnabled"])
}

fn refused(why: String) -> Fault {
    Reason::business(&why).at("CurrencyRef").into()
}
