//! Creating and changing the three sales documents: invoices, estimates and sales receipts (quickbooks.md §2.1–§2.4, §12.3–§12.6).
//! One way for all of them; what sets each apart is asked of its [`Kind`].

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::create::{self, Moment};
use super::fault::{Fault, Reason};
use super::fields::{self, ESTIMATE, Field, INVOICE, SALES_RECEIPT};
use super::json::{Object, at, decimal, fill, money, say_the_same, text};
use super::state::Company;
use super::switches::ZeroInvoices;
use super::{currency, custom, customer, line, link, lists, number, plan};

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
/// 620, 2010, 2020, what the table of fields refuses, 5020, 5030, 6000, 6070, 6090, 6100, 6140, 6170, 6210, 6420, 6430, 6470.
pub(super) fn create(
    kind: Kind,
    company: &mut Company,
    body: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    let mut body = body.clone();
    let estimate = link::take(company, kind, &mut body, moment)?;
    fields::known(kind.entity(), kind.fields(), &body)?;
    let mut document = written(kind, company, &body, None, moment)?;
    if let Some(estimate) = &estimate {
        document.insert("LinkedTxn".into(), json!([{"TxnId": estimate, "TxnType": "Estimate"}]));
    }
    // Nothing is refused after it: a number is used up here.
    number::give(company, kind, &mut document)?;
    company.number_addresses(&mut document);
    if kind == Kind::Invoice {
        customer::owe(company, text(&document, &["CustomerRef", "value"]), amount(&document, "Balance"));
    }
    let document = company.insert(kind.entity(), document, moment.now);
    if let Some(estimate) = estimate {
        link::close(company, &estimate, text(&document, &["Id"]), moment.now);
    }
    Ok(document)
}

/// Saves a document whose body is `wanted` from now on, and answers it as kept. What was paid stays paid.
///
/// # Errors
/// The same, and 6000 for a total below what is paid, or another customer than paid, which are our expectations.
pub(super) fn update(
    kind: Kind,
    company: &mut Company,
    old: &Object,
    wanted: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    if let Ok(day) = text(old, &["TxnDate"]).parse() {
        create::open(company, day)?;
    }
    let mut wanted = wanted.clone();
    forget_computed_tax(old, &mut wanted);
    let mut document = written(kind, company, &wanted, Some(old), moment)?;
    if kind == Kind::Invoice {
        let paid = amount(old, "TotalAmt") - amount(old, "Balance");
        if !paid.is_zero() && !same_customer(old, &document) {
            // Whose the payment is would change as well; what Intuit does then is not documented.
            return Err(Reason::business("what is paid cannot become another customer's")
                .at("CustomerRef")
                .into());
        }
        let balance = amount(&document, "TotalAmt") - paid;
        if balance < Decimal::ZERO {
            return Err(Reason::business("the total is less than what is paid already")
                .at("TotalAmt")
                .into());
        }
        document.insert("Balance".into(), money(balance));
        currency::home_amounts(&mut document);
        customer::owe(company, text(old, &["CustomerRef", "value"]), -amount(old, "Balance"));
        customer::owe(company, text(&document, &["CustomerRef", "value"]), balance);
    }
    // What only the service writes.
    for name in ["LinkedTxn", "DeliveryInfo"] {
        document.extend(old.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    customer::keep_address_ids(old, &mut document);
    // The service's own numbers are not lost by a full update (not documented).
    if let Some(number) = old.get("DocNumber").filter(|_| !number::people_give_them(company)) {
        fill(&mut document, json!({"DocNumber": number}));
    }
    Ok(company.replace(kind.entity(), text(old, &["Id"]), document, moment.now))
}

/// The document a body means, checked and completed, without a number of the service's.
fn written(
    kind: Kind,
    company: &Company,
    body: &Object,
    old: Option<&Object>,
    moment: Moment,
) -> Result<Object, Fault> {
    offered(kind, company)?;
    required(kind, body)?;
    let mut document = fields::read(kind.fields(), body, company, moment.horizon)?;
    let day = create::dated(company, &mut document, moment)?;
    currency::settle(company, &mut document, day)?;
    plan::tracked(company, &document)?;
    sendable(&document)?;
    number::check(company, kind, &document, old.map_or("", |old| text(old, &["Id"])), moment)?;
    line::number(&mut document, old);
    let total = line::settle(company, &mut document)?;
    if kind == Kind::Invoice && total.is_zero() && company.switches.zero_invoices == ZeroInvoices::Refused {
        return Err(Reason::business("the transaction amount must be greater than 0").at("TotalAmt").into());
    }
    fill(&mut document, json!({"TotalAmt": money(total)}));
    match kind {
        Kind::Invoice => complete_invoice(company, &mut document, day, total),
        Kind::Estimate => fill(&mut document, json!({"TxnStatus": "Pending", "LinkedTxn": []})),
        Kind::SalesReceipt => {
            lists::deposit(company, &mut document)?;
            fill(&mut document, json!({"Balance": 0}));
        }
    }
    currency::home_amounts(&mut document);
    complete(company, &mut document);
    Ok(document)
}

/// Tax that came back as it was read is computed anew; sent otherwise, it is the caller's.
pub(super) fn forget_computed_tax(old: &Object, wanted: &mut Object) {
    let tax = |document: &Object| document.get("TxnTaxDetail").cloned().unwrap_or_default();
    if say_the_same(&tax(wanted), &tax(old))
        && let Some(Value::Object(tax)) = wanted.get_mut("TxnTaxDetail")
    {
        tax.retain(|name, _| name == "TxnTaxCodeRef");
        if tax.is_empty() {
            wanted.remove("TxnTaxDetail");
        }
    }
}

fn same_customer(one: &Object, other: &Object) -> bool {
    text(one, &["CustomerRef", "value"]) == text(other, &["CustomerRef", "value"])
}

fn amount(document: &Object, name: &str) -> Decimal {
    document.get(name).and_then(decimal).unwrap_or_default()
}

impl Kind {
    /// All three.
    pub(super) const ALL: [Kind; 3] = [Kind::Invoice, Kind::Estimate, Kind::SalesReceipt];

    /// The one of this name, if it is one.
    pub(super) fn named(entity: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.entity() == entity)
    }

    /// Its name as an entity.
    pub(super) fn entity(self) -> &'static str {
        match self {
            Kind::Invoice => "Invoice",
            Kind::Estimate => "Estimate",
            Kind::SalesReceipt => "SalesReceipt",
        }
    }

    /// The fields of its body.
    pub(super) fn fields(self) -> &'static [Field] {
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
    plan::refuse(company.switches.estimates_off, detail)
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
    let due = lists::due(company, invoice, day);
    fill(
        invoice,
        json!({
            "DueDate": due, "Balance": money(total), "LinkedTxn": [], "AllowIPNPayment": false,
            "AllowOnlinePayment": false, "AllowOnlineCreditCardPayment": false, "AllowOnlineACHPayment": false,
        }),
    );
}

/// Adds what the service adds to all three.
fn complete(company: &Company, document: &mut Object) {
    if let Some(customer) = company.row("Customer", text(document, &["CustomerRef", "value"])) {
        for name in ["BillAddr", "ShipAddr"] {
            if let Some(address) = customer.get(name) {
                fill(document, json!({name: address}));
            }
        }
    }
    custom::complete(company, document);
    fill(
        document,
        json!({"ApplyTaxAfterDiscount": false, "PrintStatus": "NeedToPrint", "EmailStatus": "NotSet"}),
    );
    // What waits to be sent has no time yet (recorded).
    if text(document, &["EmailStatus"]) == "NeedToSend" {
        fill(document, json!({"DeliveryInfo": {"DeliveryType": "Email"}}));
    }
}
