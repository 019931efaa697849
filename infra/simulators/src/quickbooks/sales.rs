//! Creating the three sales documents: invoices, estimates and sales receipts (quickbooks.md §2.1–§2.4, §12.3–§12.6).
//! One way for all of them; what sets each apart is asked of its [`Kind`].

use jiff::Span;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::create::{self, Moment};
use super::fault::{Fault, Reason};
use super::fields::{self, ESTIMATE, Field, INVOICE, SALES_RECEIPT};
use super::json::{Object, at, fill, money, text};
use super::state::{Company, EstimatesOff};
use super::{currency, customer, line, lists};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Owed until it is paid.
    Invoice,
    /// An offer; nobody owes anything.
    Estimate,
    /// Paid at once.
    SalesReceipt,
}

/// Creates one and answers it as kept.
///
/// # Errors
/// 2010, 2020, what the table of fields refuses, 5020, 6000, 6070, 6090, 6100, 6210, 6420, 6430.
pub(super) fn create(
    kind: Kind,
    company: &mut Company,
    body: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    fields::known(kind.entity(), kind.fields(), body)?;
    offered(kind, company)?;
    required(kind, body)?;
    let mut document = fields::read(kind.fields(), body, company, moment.horizon)?;
    let day = create::dated(company, &mut document, moment)?;
    currency::settle(company, &mut document)?;
    sendable(&document)?;
    let total = line::settle(company, &mut document)?;
    fill(&mut document, json!({"TotalAmt": money(total)}));
    match kind {
        Kind::Invoice => complete_invoice(company, &mut document, day, total),
        Kind::Estimate => fill(&mut document, json!({"TxnStatus": "Pending", "LinkedTxn": []})),
        Kind::SalesReceipt => {
            lists::deposit(company, &mut document)?;
            fill(&mut document, json!({"Balance": 0}));
        }
    }
    complete(company, kind, &mut document);
    if kind == Kind::Invoice {
        customer::owe(company, text(&document, &["CustomerRef", "value"]), total);
    }
    Ok(company.insert(kind.entity(), document, moment.now))
}

impl Kind {
    fn entity(self) -> &'static str {
        match self {
            Kind::Invoice => "Invoice",
            Kind::Estimate => "Estimate",
            Kind::SalesReceipt => "SalesReceipt",
        }
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Kind::Invoice => INVOICE,
            Kind::Estimate => ESTIMATE,
            Kind::SalesReceipt => SALES_RECEIPT,
        }
    }
}

/// Estimates can be switched off; which fault the service has for that is not known (§2.1).
fn offered(kind: Kind, company: &Company) -> Result<(), Fault> {
    if kind != Kind::Estimate || company.prefers(&["SalesFormsPrefs", "AllowEstimates"]) {
        return Ok(());
    }
    let detail = "Estimates are switched off in this company's settings";
    match company.switches.estimates_off {
        EstimatesOff::PermissionDenied => Err(Fault::new(5020, detail)),
        EstimatesOff::NotSupported => Err(Fault::new(5030, detail)),
        EstimatesOff::Allowed => Ok(()),
    }
}

fn required(kind: Kind, body: &Object) -> Result<(), Fault> {
    let mut reasons = Vec::new();
    let lines = body.get("Line").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if lines.is_empty() {
        reasons.push(Reason::missing("Line"));
    }
    // Who buys at the counter may stay unnamed.
    if kind != Kind::SalesReceipt && text(body, &["CustomerRef", "value"]).is_empty() {
        reasons.push(Reason::missing("CustomerRef"));
    }
    reasons.extend(lines.iter().filter_map(line::missing).map(Reason::missing));
    if reasons.is_empty() { Ok(()) } else { Err(Fault::validation(reasons)) }
}

fn sendable(document: &Object) -> Result<(), Fault> {
    if text(document, &["EmailStatus"]) == "NeedToSend" && at(document, &["BillEmail", "Address"]).is_none() {
        return Err(Reason::new(6420, "BillEmail is needed to send the document").at("BillEmail").into());
    }
    Ok(())
}

fn complete_invoice(company: &Company, invoice: &mut Object, day: Date, total: Decimal) {
    let due = day.saturating_add(Span::new().days(lists::days_due(company, invoice)));
    fill(
        invoice,
        json!({
            "DueDate": due, "Balance": money(total), "LinkedTxn": [], "AllowIPNPayment": false,
            "AllowOnlinePayment": false, "AllowOnlineCreditCardPayment": false, "AllowOnlineACHPayment": false,
        }),
    );
}

/// Adds what the service adds to all three. Nothing is refused any more: a number is used up here.
fn complete(company: &mut Company, kind: Kind, document: &mut Object) {
    let customer =
        company.row("Customer", text(document, &["CustomerRef", "value"])).cloned().unwrap_or_default();
    for name in ["BillAddr", "ShipAddr"] {
        if let Some(address) = customer.get(name) {
            fill(document, json!({name: address}));
        }
    }
    company.number_addresses(document);
    // With numbers of their own, people give them; a document without one has none.
    if !company.prefers(&["SalesFormsPrefs", "CustomTxnNumbers"]) && !document.contains_key("DocNumber") {
        document.insert("DocNumber".into(), Value::String(company.take_number(kind.entity())));
    }
    fill(
        document,
        json!({"ApplyTaxAfterDiscount": false, "CustomField": [], "PrintStatus": "NeedToPrint", "EmailStatus": "NotSet"}),
    );
}
