//! An estimate that becomes an invoice (quickbooks.md §2.1): the invoice names it when it is created, and closes it.
//! One estimate, one invoice; an invoice over a part of it is not possible over the API.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::create::Moment;
use super::fault::{Fault, Reason};
use super::fields::{self, LINKS};
use super::json::{Object, text};
use super::sales::Kind;
use super::state::Company;

/// Takes the estimate out of the body of a new invoice: its `Id`, if it names one.
///
/// # Errors
/// 2010 for what is no list of links, 620 for what is no open estimate, 6000 for another customer's.
pub(super) fn take(
    company: &Company,
    kind: Kind,
    body: &mut Object,
    moment: Moment,
) -> Result<Option<String>, Fault> {
    if kind != Kind::Invoice {
        return Ok(None);
    }
    let Some(links) = body.remove("LinkedTxn") else { return Ok(None) };
    let given = Object::from_iter([("LinkedTxn".to_owned(), links)]);
    fields::known("LinkedTxn", LINKS, &given)?;
    let read = fields::read(LINKS, &given, company, moment.horizon)?;
    let links = read.get("LinkedTxn").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match links {
        [] => Ok(None),
        [link] => open_estimate(company, link, body, moment.horizon).map(Some),
        _ => Err(refused("an invoice comes from one estimate")),
    }
}

fn open_estimate(company: &Company, link: &Value, invoice: &Object, horizon: u64) -> Result<String, Fault> {
    let id = link["TxnId"].as_str().unwrap_or_default();
    let visible = link["TxnType"] == "Estimate" && id.parse::<u64>().is_ok_and(|number| number <= horizon);
    let estimate = company.row("Estimate", id).filter(|_| visible);
    let estimate = estimate.ok_or_else(|| refused("only an estimate can become an invoice"))?;
    if ["Closed", "Converted"].contains(&text(estimate, &["TxnStatus"])) {
        return Err(refused("the estimate is closed"));
    }
    if text(estimate, &["CustomerRef", "value"]) != text(invoice, &["CustomerRef", "value"]) {
        return Err(Reason::business("the estimate is another customer's").at("LinkedTxn").into());
    }
    Ok(id.to_owned())
}

fn refused(why: &str) -> Fault {
    Reason::new(620, format!("Txn ID Cannot Be Linked : {why}")).at("LinkedTxn").into()
}

/// Closes an estimate that became an invoice. That is no save of the estimate (recorded).
pub(super) fn close(company: &mut Company, estimate_id: &str, invoice_id: &str, now: Timestamp) {
    company.touch("Estimate", estimate_id, now, |estimate| {
        estimate.insert("TxnStatus".into(), json!("Closed"));
        estimate.insert("LinkedTxn".into(), json!([{"TxnId": invoice_id, "TxnType": "Invoice"}]));
    });
}

/// The estimate of an invoice that is taken back is open again; that it is, and `Pending`, is our expectation.
pub(super) fn reopen(company: &mut Company, invoice: &Object, now: Timestamp) {
    let links = invoice.get("LinkedTxn").and_then(Value::as_array).into_iter().flatten();
    let estimate = links.filter(|link| link["TxnType"] == "Estimate").find_map(|link| link["TxnId"].as_str());
    company.change("Estimate", estimate.unwrap_or_default(), now, |estimate| {
        estimate.insert("TxnStatus".into(), json!("Pending"));
        estimate.insert("LinkedTxn".into(), json!([]));
    });
}

/// An invoice whose estimate is deleted stands alone.
pub(super) fn orphan(company: &mut Company, estimate: &Object, now: Timestamp) {
    let links = estimate.get("LinkedTxn").and_then(Value::as_array).into_iter().flatten();
    let ids: Vec<_> = links.filter_map(|link| link["TxnId"].as_str()).collect();
    for id in ids {
        company.change("Invoice", id, now, |invoice| {
            if let Some(Value::Array(linked)) = invoice.get_mut("LinkedTxn") {
                linked.retain(|link| link["TxnType"] != "Estimate");
            }
        });
    }
}
