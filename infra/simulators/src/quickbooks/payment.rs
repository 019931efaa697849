//! Creating payments, which settle invoices (quickbooks.md §2.8, §8, §12.10).

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::create::{self, Moment};
use super::fault::{Fault, Reason};
use super::fields::{self, PAYMENT};
use super::json::{Object, decimal, fill, money, text};
use super::state::Company;
use super::{currency, customer, lists};

/// Creates one, lowers the balances it is for, and answers it as kept.
///
/// # Errors
/// 2010, 2020, what the table of fields refuses, 620, 6000, 6210, 6430.
pub(super) fn create(company: &mut Company, body: &Object, moment: Moment) -> Result<Object, Fault> {
    fields::known("Payment", PAYMENT, body)?;
    required(body)?;
    let mut payment = fields::read(PAYMENT, body, company, moment.horizon)?;
    if payment.get("ProcessPayment") == Some(&Value::Bool(true)) {
        return Err(Fault::unsimulated("create Payment that charges a card"));
    }
    let day = create::dated(company, &mut payment, moment)?;
    currency::settle(company, &mut payment, day)?;
    lists::deposit(company, &mut payment)?;
    let total = total(&payment)?;
    let shares = shares(company, &payment, moment.horizon)?;
    let applied: Decimal = shares.values().sum();
    if applied > total {
        return Err(Reason::business("more is applied than was paid").at("Line.Amount").into());
    }
    complete(&mut payment, total, total - applied);
    let payment = company.insert("Payment", payment, moment.now);
    for (invoice_id, share) in shares {
        settle(company, &invoice_id, text(&payment, &["Id"]), share, moment.now);
    }
    customer::owe(company, text(&payment, &["CustomerRef", "value"]), -total);
    Ok(payment)
}

fn required(body: &Object) -> Result<(), Fault> {
    if body.get("TotalAmt").is_none_or(Value::is_null) {
        return Err(Reason::business("You must set a transaction amount.").at("TotalAmt").into());
    }
    let lines = body.get("Line").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let customer = text(body, &["CustomerRef", "value"]).is_empty().then_some("CustomerRef");
    let missing: Vec<_> = customer.into_iter().chain(lines.iter().filter_map(missing_in_line)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Fault::validation(missing.into_iter().map(Reason::missing).collect()))
}

fn missing_in_line(line: &Value) -> Option<&'static str> {
    let linked = &line["LinkedTxn"][0];
    let needed = [
        ("Line.Amount", &line["Amount"]),
        ("Line.LinkedTxn.TxnId", &linked["TxnId"]),
        ("Line.LinkedTxn.TxnType", &linked["TxnType"]),
    ];
    needed.into_iter().find(|(_, value)| value.is_null()).map(|(name, _)| name)
}

fn total(payment: &Object) -> Result<Decimal, Fault> {
    let total = payment.get("TotalAmt").and_then(decimal).unwrap_or_default();
    if total > Decimal::ZERO {
        return Ok(total);
    }
    // Nothing but credits could make a payment of 0 sensible, and there are none here.
    Err(Reason::business("the transaction amount must be greater than 0").at("TotalAmt").into())
}

/// How much of each invoice is paid, by its `Id`.
fn shares(company: &Company, payment: &Object, horizon: u64) -> Result<BTreeMap<String, Decimal>, Fault> {
    let lines = payment.get("Line").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut shares = BTreeMap::new();
    for line in lines {
        let invoice = linked_invoice(company, line, horizon)?;
        let amount = decimal(&line["Amount"]).unwrap_or_default();
        let share: &mut Decimal = shares.entry(text(invoice, &["Id"]).to_owned()).or_default();
        *share += amount;
        let why = if text(invoice, &["CustomerRef", "value"]) != text(payment, &["CustomerRef", "value"]) {
            "the payment's customer is not the invoice's"
        } else if amount <= Decimal::ZERO {
            "the amount applied must be greater than 0"
        } else if *share > balance(invoice) {
            "the amount applied is more than the invoice's open balance"
        } else {
            continue;
        };
        return Err(Reason::business(why).at("Line").into());
    }
    Ok(shares)
}

/// The one invoice a line is for: 620 for anything else.
fn linked_invoice<'a>(company: &'a Company, line: &Value, horizon: u64) -> Result<&'a Object, Fault> {
    let linked = line["LinkedTxn"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [linked] = linked else {
        return Err(Reason::business("a line pays one transaction").at("Line.LinkedTxn").into());
    };
    let (id, kind) = (linked["TxnId"].as_str().unwrap_or_default(), &linked["TxnType"]);
    let visible = kind == "Invoice" && id.parse::<u64>().is_ok_and(|number| number <= horizon);
    company.row("Invoice", id).filter(|_| visible).ok_or_else(|| {
        let detail = format!("Txn ID Cannot Be Linked : {kind} {id} cannot be paid");
        Reason::new(620, detail).at("Line.LinkedTxn").into()
    })
}

fn balance(invoice: &Object) -> Decimal {
    invoice.get("Balance").and_then(decimal).unwrap_or_default()
}

fn complete(payment: &mut Object, total: Decimal, unapplied: Decimal) {
    payment.insert("TotalAmt".into(), money(total));
    if let Some(Value::Array(lines)) = payment.get_mut("Line") {
        for line in lines {
            let amount = decimal(&line["Amount"]).unwrap_or_default();
            line["Amount"] = money(amount);
        }
    }
    fill(payment, json!({"UnappliedAmt": money(unapplied), "ProcessPayment": false, "Line": []}));
}

/// What a payment does to an invoice.
fn settle(company: &mut Company, invoice_id: &str, payment_id: &str, share: Decimal, now: Timestamp) {
    company.change("Invoice", invoice_id, now, |invoice| {
        let left = balance(invoice) - share;
        invoice.insert("Balance".into(), money(left));
        currency::home_amounts(invoice);
        if let Some(Value::Array(linked)) = invoice.get_mut("LinkedTxn") {
            linked.push(json!({"TxnId": payment_id, "TxnType": "Payment"}));
        }
    });
}
