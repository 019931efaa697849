//! The discount line of a document (quickbooks.md §2.2, §2.4): positive, subtracted from the subtotal, one per document.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fault::{Fault, Reason};
use super::json::{Object, at, decimal, fill, money, plain, text, to_cents};
use super::state::Company;
use super::{fields, plan};

/// Checks and completes it, and answers the line, which has no `Id`, and its amount; `None` when there is none.
///
/// # Errors
/// 2150, 2290, 5020, 5030, 6000, 6090.
pub(super) fn settle(
    company: &Company,
    lines: Vec<Object>,
    subtotal: Decimal,
) -> Result<Option<(Value, Decimal)>, Fault> {
    let mut lines = lines.into_iter();
    let Some(mut line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Reason::business("a document has at most one discount").at("Line").into());
    }
    if !company.prefers(&["SalesFormsPrefs", "AllowDiscount"]) {
        let detail = "Discounts are switched off in this company's settings";
        plan::refuse(company.switches.discounts_off, detail)?;
    }
    let amount = amount(&line, subtotal)?;
    complete(company, &mut line, amount);
    Ok(Some((Value::Object(line), amount)))
}

/// By percent, half-up to cents, or as given.
fn amount(line: &Object, subtotal: Decimal) -> Result<Decimal, Fault> {
    let given = line.get("Amount").and_then(decimal);
    let percent = percent(line);
    if given.is_some_and(|given| given < Decimal::ZERO) {
        return Err(Reason::new(2290, "The amount of a discount is positive").at("Line.Amount").into());
    }
    if percent.is_some_and(|percent| percent < Decimal::ZERO) {
        let path = "Line.DiscountLineDetail.DiscountPercent";
        return Err(Reason::new(2150, "The percentage of a discount is positive").at(path).into());
    }
    if percent.is_some_and(|percent| percent > Decimal::ONE_HUNDRED) {
        return Err(too_much());
    }
    let computed = percent.map(|percent| to_cents(subtotal * percent / Decimal::ONE_HUNDRED));
    let by_percent = at(line, &["DiscountLineDetail", "PercentBased"]) == Some(&Value::Bool(true));
    let amount = match (by_percent, computed, given) {
        (_, Some(computed), Some(given)) if computed != given => {
            let why = "You can't set both an amount and a discount percentage if the amount is not the sum";
            return Err(Reason::business(why).at("Line.Amount").into());
        }
        (true, Some(computed), _) => computed,
        (false, _, Some(given)) => given,
        _ => {
            return Err(Fault::new(6090, "A discount line needs a percentage, PercentBased, or an amount"));
        }
    };
    if amount > subtotal { Err(too_much()) } else { Ok(amount) }
}

fn percent(line: &Object) -> Option<Decimal> {
    at(line, &["DiscountLineDetail", "DiscountPercent"]).and_then(decimal)
}

fn too_much() -> Fault {
    Reason::business("discount amount can't be greater than the subtotal").at("Line.Amount").into()
}

fn complete(company: &Company, line: &mut Object, amount: Decimal) {
    let percent = percent(line);
    line.insert("Amount".into(), money(amount));
    let Some(Value::Object(detail)) = line.get_mut("DiscountLineDetail") else { return };
    detail.extend(percent.map(|percent| ("DiscountPercent".to_owned(), plain(percent))));
    // A bare id, not a reference (§2.9).
    let account = company.preference_text(&["SalesFormsPrefs", "DefaultDiscountAccount"]);
    if let Some(account) = company.row("Account", account)
        && text(detail, &["DiscountAccountRef", "value"]).is_empty()
    {
        detail.insert("DiscountAccountRef".into(), fields::reference_to(account));
    }
    fill(detail, json!({"PercentBased": false}));
}
