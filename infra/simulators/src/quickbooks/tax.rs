//! Sales tax. The automated one of US companies in its simplest form: one rate, a switch, on the lines that are taxed
//! (quickbooks.md §2.5, §12.12). Manual tax and that of other countries is not computed: it is always 0.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fault::{Fault, Reason};
use super::json::{Object, at, decimal, fill, money, text, to_cents};
use super::state::Company;

/// What tax is computed from.
pub(super) struct Taxable {
    /// The taxed lines together.
    pub(super) amount: Decimal,
    /// All product lines together.
    pub(super) subtotal: Decimal,
    /// What is taken off the subtotal.
    pub(super) discount: Decimal,
}

/// Checks a line's tax code and fills it in. US: `TAX` or `NON`; left out, automated tax asks the item. Elsewhere every
/// line needs one.
///
/// # Errors
/// 6000 without one outside the US, 6100 for another one in the US.
pub(super) fn code(company: &Company, item: &Object, detail: &mut Object) -> Result<(), Fault> {
    let given = text(detail, &["TaxCodeRef", "value"]);
    let american = company.country() == "US";
    if given.is_empty() && !american {
        let why = "Make sure all your transactions have a VAT rate before you save.";
        return Err(Reason::business(why).into());
    }
    if american && !["", "TAX", "NON"].contains(&given) {
        let detail = format!("Tax code {given} is neither TAX nor NON");
        return Err(Reason::new(6100, detail).at("Line.SalesItemLineDetail.TaxCodeRef").into());
    }
    let taxed = is_automated(company) && item.get("Taxable") == Some(&Value::Bool(true));
    fill(detail, json!({"TaxCodeRef": {"value": if taxed { "TAX" } else { "NON" }}}));
    Ok(())
}

/// Writes `TxnTaxDetail` and answers the tax. A `TotalTax` that was sent replaces what would be computed; any rate that
/// was sent is ignored.
pub(super) fn settle(company: &Company, document: &mut Object, taxable: Taxable) -> Decimal {
    let wanted = at(document, &["TxnTaxDetail", "TotalTax"]).and_then(decimal);
    let tax = if !is_automated(company) || is_exempt(company, document) || taxable.amount <= Decimal::ZERO {
        Decimal::ZERO
    } else {
        wanted.unwrap_or_else(|| computed(company, document, &taxable))
    };
    document.insert("TxnTaxDetail".into(), json!({"TotalTax": money(tax)}));
    tax
}

fn is_automated(company: &Company) -> bool {
    company.country() == "US"
        && ["UsingSalesTax", "PartnerTaxEnabled"].iter().all(|name| company.prefers(&["TaxPrefs", name]))
}

fn is_exempt(company: &Company, document: &Object) -> bool {
    let customer = company.row("Customer", text(document, &["CustomerRef", "value"]));
    customer.is_some_and(|customer| customer.get("Taxable") == Some(&Value::Bool(false)))
}

/// Half-up on the sum, not line by line (§2.4).
fn computed(company: &Company, document: &Object, taxable: &Taxable) -> Decimal {
    let after_discount = document.get("ApplyTaxAfterDiscount") == Some(&Value::Bool(true));
    let share = if after_discount && !taxable.subtotal.is_zero() {
        taxable.discount * taxable.amount / taxable.subtotal
    } else {
        Decimal::ZERO
    };
    to_cents((taxable.amount - share) * company.switches.tax_percent / Decimal::ONE_HUNDRED)
}
