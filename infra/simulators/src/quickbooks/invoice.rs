//! Creating invoices (quickbooks.md §2.1–§2.4, §12.3–§12.6). There is no tax engine yet: tax is always 0.

use jiff::Span;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::create::Moment;
use super::fault::{Fault, Reason};
use super::fields::{self, INVOICE};
use super::json::{Object, at, decimal, fill, money, plain, text, to_cents};
use super::state::Company;
use super::time;

/// The company's default term, Net 30 (recorded).
const DEFAULT_TERM_DAYS: i64 = 30;

/// Creates one and answers it as kept.
///
/// # Errors
/// 2010, 2020, what the table of fields refuses, 6000, 6070, 6100, 6210, 6420.
pub(super) fn create(company: &mut Company, body: &Object, moment: Moment) -> Result<Object, Fault> {
    fields::known("Invoice", INVOICE, body)?;
    required(body)?;
    let mut invoice = fields::read(INVOICE, body, company, moment.horizon)?;
    dates(company, &mut invoice, moment)?;
    currency_of_customer(company, &mut invoice)?;
    if text(&invoice, &["EmailStatus"]) == "NeedToSend" && at(&invoice, &["BillEmail", "Address"]).is_none() {
        return Err(Reason::new(6420, "BillEmail is needed to send the document").at("BillEmail").into());
    }
    let total = lines(company, &mut invoice)?;
    complete(company, &mut invoice, total);
    owe(company, text(&invoice, &["CustomerRef", "value"]), total);
    Ok(company.insert("Invoice", invoice, moment.now))
}

/// A currency reference with its English name.
pub(super) fn currency(code: &str) -> Value {
    let name = match code {
        "USD" => "United States Dollar",
        "CAD" => "Canadian Dollar",
        "EUR" => "Euro",
        "GBP" => "British Pound Sterling",
        other => other,
    };
    json!({"value": code, "name": name})
}

fn required(body: &Object) -> Result<(), Fault> {
    let mut reasons = Vec::new();
    let lines = body.get("Line").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if lines.is_empty() {
        reasons.push(Reason::missing("Line"));
    }
    if text(body, &["CustomerRef", "value"]).is_empty() {
        reasons.push(Reason::missing("CustomerRef"));
    }
    for line in lines {
        reasons.extend(missing_in_line(line).map(Reason::missing));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Fault::validation(reasons)) }
}

/// A product line needs an item: what happens without one is disputed (§2.2), so that here it is refused.
fn missing_in_line(line: &Value) -> Option<&'static str> {
    let detail = &line["SalesItemLineDetail"];
    match line["DetailType"].as_str() {
        None => Some("Line.DetailType"),
        Some("SalesItemLineDetail") if !detail.is_object() => Some("Line.SalesItemLineDetail"),
        Some("SalesItemLineDetail") if line["Amount"].is_null() => Some("Line.Amount"),
        Some("SalesItemLineDetail") if detail["ItemRef"]["value"].is_null() => {
            Some("Line.SalesItemLineDetail.ItemRef")
        }
        Some(_) => None,
    }
}

fn dates(company: &Company, invoice: &mut Object, moment: Moment) -> Result<(), Fault> {
    let date = |text: &str| text.parse::<Date>().ok();
    let day = date(text(invoice, &["TxnDate"])).unwrap_or_else(|| time::today(moment.now));
    let closed = company.preference_text(&["AccountingInfoPrefs", "BookCloseDate"]);
    if date(closed).is_some_and(|closed| day <= closed) {
        let detail = format!("The books are closed up to {closed} and a password is needed to change them");
        return Err(Reason::new(6210, detail).at("").into());
    }
    let due = day.saturating_add(Span::new().days(DEFAULT_TERM_DAYS));
    fill(invoice, json!({"TxnDate": day, "DueDate": due}));
    Ok(())
}

fn currency_of_customer(company: &Company, invoice: &mut Object) -> Result<(), Fault> {
    let customer = company.row("Customer", text(invoice, &["CustomerRef", "value"]));
    let expected = customer.map(|row| text(row, &["CurrencyRef", "value"])).unwrap_or_default();
    let given = text(invoice, &["CurrencyRef", "value"]);
    let may_be_missing = !company.prefers(&["CurrencyPrefs", "MultiCurrencyEnabled"]);
    if given != expected && !(given.is_empty() && may_be_missing) {
        let detail = format!("Business Validation Error: the currency must be {expected}, the customer's");
        return Err(Reason::new(6000, detail).at("CurrencyRef").into());
    }
    invoice.insert("CurrencyRef".into(), currency(expected));
    Ok(())
}

/// Checks and completes the lines, appends the subtotal, and answers it.
fn lines(company: &Company, invoice: &mut Object) -> Result<Decimal, Fault> {
    let Some(Value::Array(given)) = invoice.remove("Line") else {
        return Err(Reason::missing("Line").into());
    };
    let mut kept = Vec::new();
    let mut total = Decimal::ZERO;
    for line in given {
        let Value::Object(mut line) = line else { continue };
        match text(&line, &["DetailType"]) {
            "SalesItemLineDetail" => total += item_line(company, &mut line)?,
            "DescriptionOnly" => fill(&mut line, json!({"DescriptionLineDetail": {}})),
            // Written by the service itself, whatever the caller sends.
            _ => continue,
        }
        let number = kept.len() + 1;
        fill(&mut line, json!({"Id": number.to_string(), "LineNum": number}));
        kept.push(Value::Object(line));
    }
    if total < Decimal::ZERO {
        return Err(Fault::new(
            6000,
            "Business Validation Error: the transaction amount must be 0 or greater",
        ));
    }
    kept.push(json!({"Amount": money(total), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}));
    invoice.insert("Line".into(), Value::Array(kept));
    Ok(total)
}

/// Checks and completes one product line, and answers its amount.
fn item_line(company: &Company, line: &mut Object) -> Result<Decimal, Fault> {
    let amount = line.get("Amount").and_then(decimal).unwrap_or_default();
    line.insert("Amount".into(), money(amount));
    let Some(Value::Object(detail)) = line.get_mut("SalesItemLineDetail") else { return Ok(amount) };
    let factor = |name: &str| detail.get(name).and_then(decimal);
    let (quantity, price) = (factor("Qty"), factor("UnitPrice"));
    if let (Some(quantity), Some(price)) = (quantity, price) {
        multiplies(quantity, price, amount)?;
    }
    for (name, factor) in [("Qty", quantity), ("UnitPrice", price)] {
        detail.extend(factor.map(|factor| (name.to_owned(), plain(factor))));
    }
    let item = company.row("Item", text(detail, &["ItemRef", "value"]));
    if item.is_some_and(|item| text(item, &["Type"]) == "Category") {
        return Err(Fault::new(6000, "Business Validation Error: a category cannot be sold"));
    }
    tax_code(company, detail)?;
    Ok(amount)
}

/// 6070: quantity times price, half-up to cents, must be the amount exactly.
fn multiplies(quantity: Decimal, price: Decimal, amount: Decimal) -> Result<(), Fault> {
    if quantity.checked_mul(price).map(to_cents) == Some(amount) {
        return Ok(());
    }
    let supplied = grouped(amount);
    let detail = format!("Amount is not equal to UnitPrice * Qty. Supplied value:{supplied}");
    Err(Reason::new(6070, detail).at("Line.Amount").into())
}

/// As Java prints it: `1,861.07`.
fn grouped(amount: Decimal) -> String {
    let text = amount.normalize().abs().to_string();
    let (whole, cents) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, cents)| (whole, Some(cents)));
    let mut grouped = String::new();
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if amount < Decimal::ZERO { "-" } else { "" };
    let cents = cents.map(|cents| format!(".{cents}")).unwrap_or_default();
    format!("{sign}{grouped}{cents}")
}

/// US: `TAX` or `NON`, filled in when left out. Elsewhere every line needs one (§2.5).
fn tax_code(company: &Company, detail: &mut Object) -> Result<(), Fault> {
    let given = text(detail, &["TaxCodeRef", "value"]);
    let american = company.country() == "US";
    if given.is_empty() && !american {
        let detail =
            "Business Validation Error: Make sure all your transactions have a VAT rate before you save.";
        return Err(Fault::new(6000, detail));
    }
    if american && !["", "TAX", "NON"].contains(&given) {
        let detail = format!("Tax code {given} is neither TAX nor NON");
        return Err(Reason::new(6100, detail).at("Line.SalesItemLineDetail.TaxCodeRef").into());
    }
    let automated = company.prefers(&["TaxPrefs", "PartnerTaxEnabled"]);
    fill(detail, json!({"TaxCodeRef": {"value": if automated { "TAX" } else { "NON" }}}));
    Ok(())
}

fn complete(company: &mut Company, invoice: &mut Object, total: Decimal) {
    let customer =
        company.row("Customer", text(invoice, &["CustomerRef", "value"])).cloned().unwrap_or_default();
    for name in ["BillAddr", "ShipAddr"] {
        if let Some(address) = customer.get(name) {
            fill(invoice, json!({name: address}));
        }
    }
    company.number_addresses(invoice);
    // With numbers of their own, people give them; a document without one has none.
    if !company.prefers(&["SalesFormsPrefs", "CustomTxnNumbers"]) && !invoice.contains_key("DocNumber") {
        invoice.insert("DocNumber".into(), Value::String(company.take_number("Invoice")));
    }
    fill(
        invoice,
        json!({
            "AllowIPNPayment": false, "AllowOnlinePayment": false, "AllowOnlineCreditCardPayment": false,
            "AllowOnlineACHPayment": false, "ApplyTaxAfterDiscount": false, "CustomField": [], "LinkedTxn": [],
            "PrintStatus": "NeedToPrint", "EmailStatus": "NotSet", "TxnTaxDetail": {"TotalTax": 0},
            "TotalAmt": money(total), "Balance": money(total),
        }),
    );
}

/// The customer owes that much more.
fn owe(company: &mut Company, customer_id: &str, total: Decimal) {
    let Some(row) = company.row_mut("Customer", customer_id) else { return };
    for name in ["Balance", "BalanceWithJobs"] {
        let owed = row.get(name).and_then(decimal).unwrap_or_default();
        row.insert(name.to_owned(), money(owed + total));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(quantity: &str, price: &str, amount: &str) -> bool {
        multiplies(quantity.parse().unwrap(), price.parse().unwrap(), amount.parse().unwrap()).is_err()
    }

    #[test]
    fn the_product_is_rounded_half_up() {
        assert!(!refuses("14.50", "128.350", "1861.08"));
        assert!(refuses("14.50", "128.350", "1861.07"));
        assert!(!refuses("3", "49.99", "149.97"));
        assert!(!refuses("-1", "0.125", "-0.13"));
    }

    #[test]
    fn a_supplied_amount_is_printed_with_commas() {
        let printed = |text: &str| grouped(text.parse().unwrap());
        assert_eq!(
            [printed("1861.07"), printed("-1234567"), printed("99.9")],
            ["1,861.07", "-1,234,567", "99.9"]
        );
    }
}
