//! Creating and changing payments, which settle invoices (quickbooks.md §2.8, §8, §12.10).

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::create::{self, Moment};
use super::fault::{Fault, Reason};
use super::fields::{self, PAYMENT};
use super::json::{Object, decimal, fill, is_absent, money, text};
use super::state::Company;
use super::{currency, customer, lists};

/// Creates one, lowers the balances it is for, and answers it as kept.
///
/// # Errors
/// 2010, 2020, what the table of fields refuses, 620, 6000, 6210, 6430.
pub(super) fn create(company: &mut Company, body: &Object, moment: Moment) -> Result<Object, Fault> {
    fields::known("Payment", PAYMENT, body)?;
    let (payment, shares) = written(company, body, &Shares::new(), moment)?;
    let payment = company.insert("Payment", payment, moment.now);
    apply(company, text(&payment, &["Id"]), &Shares::new(), &shares, moment.now);
    customer::owe(company, text(&payment, &["CustomerRef", "value"]), -total_of(&payment));
    Ok(payment)
}

/// Saves a payment whose body is `wanted` from now on, and answers it as kept. Without lines, it pays nothing any more.
///
/// # Errors
/// The same.
pub(super) fn update(
    company: &mut Company,
    old: &Object,
    wanted: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    if let Ok(day) = text(old, &["TxnDate"]).parse() {
        create::open(company, day)?;
    }
    let before = applied_by(old);
    let (payment, shares) = written(company, wanted, &before, moment)?;
    let id = text(old, &["Id"]);
    apply(company, id, &before, &shares, moment.now);
    customer::owe(company, text(old, &["CustomerRef", "value"]), total_of(old));
    customer::owe(company, text(&payment, &["CustomerRef", "value"]), -total_of(&payment));
    Ok(company.replace("Payment", id, payment, moment.now))
}

/// How much of each invoice is paid, by its `Id`.
type Shares = BTreeMap<String, Decimal>;

/// The payment a body means, checked and completed, and what it pays; `before` is what it paid until now.
fn written(
    company: &Company,
    body: &Object,
    before: &Shares,
    moment: Moment,
) -> Result<(Object, Shares), Fault> {
    required(body)?;
    let mut payment = fields::read(PAYMENT, body, company, moment.horizon)?;
    if payment.get("ProcessPayment") == Some(&Value::Bool(true)) {
        return Err(Fault::unsimulated("create Payment that charges a card"));
    }
    let day = create::dated(company, &mut payment, moment)?;
    currency::settle(company, &mut payment, day)?;
    lists::deposit(company, &mut payment)?;
    let total = total(&payment)?;
    let shares = shares(company, &payment, before, moment.horizon)?;
    let applied: Decimal = shares.values().sum();
    if applied > total {
        return Err(Reason::business("more is applied than was paid").at("Line.Amount").into());
    }
    complete(&mut payment, total, total - applied);
    Ok((payment, shares))
}

fn applied_by(payment: &Object) -> Shares {
    let lines = payment.get("Line").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut shares = Shares::new();
    for line in lines {
        let invoice = line["LinkedTxn"][0]["TxnId"].as_str().unwrap_or_default();
        *shares.entry(invoice.to_owned()).or_default() += decimal(&line["Amount"]).unwrap_or_default();
    }
    shares
}

fn total_of(payment: &Object) -> Decimal {
    payment.get("TotalAmt").and_then(decimal).unwrap_or_default()
}

fn required(body: &Object) -> Result<(), Fault> {
    if body.get("TotalAmt").is_none_or(is_absent) {
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
    needed.into_iter().find(|(_, value)| is_absent(value)).map(|(name, _)| name)
}

fn total(payment: &Object) -> Result<Decimal, Fault> {
    let total = total_of(payment);
    if total > Decimal::ZERO {
        return Ok(total);
    }
    // Nothing but credits could make a payment of 0 sensible, and there are none here.
    Err(Reason::business("the transaction amount must be greater than 0").at("TotalAmt").into())
}

/// What the lines of a payment pay, when what it paid before is owed again.
fn shares(company: &Company, payment: &Object, before: &Shares, horizon: u64) -> Result<Shares, Fault> {
    let lines = payment.get("Line").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut shares = Shares::new();
    for line in lines {
        let invoice = linked_invoice(company, line, horizon)?;
        let amount = decimal(&line["Amount"]).unwrap_or_default();
        let share: &mut Decimal = shares.entry(text(invoice, &["Id"]).to_owned()).or_default();
        *share += amount;
        let open = balance(invoice) + before.get(text(invoice, &["Id"])).copied().unwrap_or_default();
        let why = if !may_pay(company, text(payment, &["CustomerRef", "value"]), invoice) {
            "the payment's customer is not the invoice's"
        } else if amount <= Decimal::ZERO {
            "the amount applied must be greater than 0"
        } else if *share > open {
            "the amount applied is more than the invoice's open balance"
        } else {
            continue;
        };
        return Err(Reason::business(why).at("Line").into());
    }
    Ok(shares)
}

/// The invoice's customer may, and its parent if that is who is billed.
fn may_pay(company: &Company, customer_id: &str, invoice: &Object) -> bool {
    let owing = text(invoice, &["CustomerRef", "value"]);
    let parent_pays = |row: &Object| {
        row.get("BillWithParent") == Some(&Value::Bool(true))
            && text(row, &["ParentRef", "value"]) == customer_id
    };
    owing == customer_id || company.row("Customer", owing).is_some_and(parent_pays)
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

/// Pays every invoice so much instead of what was paid before.
fn apply(company: &mut Company, payment_id: &str, before: &Shares, after: &Shares, now: Timestamp) {
    let share = |shares: &Shares, id: &String| shares.get(id).copied().unwrap_or_default();
    for id in before.keys().chain(after.keys().filter(|id| !before.contains_key(*id))) {
        let (old, new) = (share(before, id), share(after, id));
        if old != new {
            company
                .change("Invoice", id, now, |invoice| settle(invoice, payment_id, new - old, !new.is_zero()));
        }
    }
}

/// What a payment does to an invoice.
fn settle(invoice: &mut Object, payment_id: &str, more: Decimal, stays_linked: bool) {
    let left = balance(invoice) - more;
    invoice.insert("Balance".into(), money(left));
    currency::home_amounts(invoice);
    if let Some(Value::Array(linked)) = invoice.get_mut("LinkedTxn") {
        linked.retain(|link| link["TxnId"] != payment_id);
        linked.extend(stays_linked.then(|| json!({"TxnId": payment_id, "TxnType": "Payment"})));
    }
}
