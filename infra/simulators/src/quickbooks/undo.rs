//! Taking transactions back: delete and void (quickbooks.md §1.1, §8). Both release what paid an invoice.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::change::current;
use super::create::{self, Moment};
use super::fault::Fault;
use super::json::{Object, decimal, money, text};
use super::state::Company;
use super::{currency, customer, link};

/// The name of an entity that can be deleted; lists have inactive rows instead.
pub(super) fn transaction(entity: &str) -> Option<&'static str> {
    ["Invoice", "Estimate", "SalesReceipt", "Payment"].into_iter().find(|name| *name == entity)
}

/// Deletes one and answers its trace.
///
/// # Errors
/// 500 for what is no transaction, 6210, and those of [`current`].
pub(super) fn delete(
    company: &mut Company,
    entity: &str,
    body: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    let Some(entity) = transaction(entity) else {
        return Err(Fault::new(500, format!("Operation delete of {entity} is not supported")));
    };
    let old = taken_back(company, entity, body, moment)?;
    match entity {
        "Payment" => reopen(company, &old, moment),
        "Estimate" => link::orphan(company, &old, moment.now),
        _ => {}
    }
    // The times of the trace are told by change data capture only.
    let mut trace = company.remove(entity, text(&old, &["Id"]), moment.now);
    trace.remove("MetaData");
    Ok(trace)
}

/// Voids an invoice, sales receipt or payment: it stays, with nothing in it. A payment loses its lines too, as Intuit says.
///
/// # Errors
/// 6210, and those of [`current`].
pub(super) fn void(
    company: &mut Company,
    entity: &str,
    body: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    let mut row = taken_back(company, entity, body, moment)?;
    if entity == "Payment" {
        reopen(company, &row, moment);
        row.extend([("Line".to_owned(), json!([])), ("UnappliedAmt".to_owned(), json!(0))]);
    } else {
        // Nothing is added by a void that the document did not have (recorded).
        for (name, nothing) in [("TxnTaxDetail", json!({"TotalTax": 0})), ("LinkedTxn", json!([]))] {
            if let Some(value) = row.get_mut(name) {
                *value = nothing;
            }
        }
    }
    let lines = row.get_mut("Line").and_then(Value::as_array_mut).into_iter().flatten();
    for line in lines.filter_map(Value::as_object_mut) {
        if line.contains_key("Amount") {
            line.insert("Amount".into(), json!(0));
        }
        if let Some(Value::Object(detail)) = line.get_mut("SalesItemLineDetail") {
            // The price stays (recorded).
            if let Some(quantity) = detail.get_mut("Qty") {
                *quantity = json!(0);
            }
        }
    }
    for name in ["TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance"] {
        if let Some(amount) = row.get_mut(name) {
            *amount = json!(0);
        }
    }
    row.insert("PrivateNote".into(), json!("Voided"));
    let id = text(&row, &["Id"]).to_owned();
    Ok(company.replace(entity, &id, row, moment.now))
}

/// The row as it was; what it did to others is undone. Voided already, nobody owes it, and nothing more is undone.
fn taken_back(company: &mut Company, entity: &str, body: &Object, moment: Moment) -> Result<Object, Fault> {
    let row = current(company, entity, body, moment.horizon)?;
    if let Ok(day) = text(&row, &["TxnDate"]).parse() {
        create::open(company, day)?;
    }
    let total = row.get("TotalAmt").and_then(decimal).unwrap_or_default();
    let owed = match entity {
        "Invoice" => total,
        "Payment" => -total,
        _ => Decimal::ZERO,
    };
    if entity == "Invoice" {
        release(company, text(&row, &["Id"]), moment);
        link::reopen(company, &row, moment.now);
    }
    customer::owe(company, text(&row, &["CustomerRef", "value"]), -owed);
    Ok(row)
}

/// What was paid on an invoice is unapplied again.
fn release(company: &mut Company, invoice_id: &str, moment: Moment) {
    let pays = |line: &Value| line["LinkedTxn"][0]["TxnId"] == invoice_id;
    let payments = company.rows("Payment").iter().filter(|row| lines(row).iter().any(pays));
    let ids: Vec<_> = payments.map(|row| text(row, &["Id"]).to_owned()).collect();
    for id in ids {
        company.change("Payment", &id, moment.now, |payment| {
            let freed: Decimal = lines(payment)
                .iter()
                .filter(|line| pays(line))
                .filter_map(|line| decimal(&line["Amount"]))
                .sum();
            let rest: Vec<_> = lines(payment).iter().filter(|line| !pays(line)).cloned().collect();
            let unapplied = payment.get("UnappliedAmt").and_then(decimal).unwrap_or_default();
            payment.insert("Line".into(), Value::Array(rest));
            payment.insert("UnappliedAmt".into(), money(unapplied + freed));
        });
    }
}

/// What a payment paid is owed again.
fn reopen(company: &mut Company, payment: &Object, moment: Moment) {
    for line in lines(payment) {
        let invoice_id = line["LinkedTxn"][0]["TxnId"].as_str().unwrap_or_default();
        company.change("Invoice", invoice_id, moment.now, |invoice| {
            let balance = invoice.get("Balance").and_then(decimal).unwrap_or_default();
            let share = decimal(&line["Amount"]).unwrap_or_default();
            invoice.insert("Balance".into(), money(balance + share));
            currency::home_amounts(invoice);
            if let Some(Value::Array(linked)) = invoice.get_mut("LinkedTxn") {
                linked.retain(|link| link["TxnId"] != payment["Id"]);
            }
        });
    }
}

fn lines(row: &Object) -> &[Value] {
    row.get("Line").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
