//! An invoice, estimate, sales receipt or payment as people read it: whom it is for, its lines, and what it comes to.

use maud::{Markup, html};
use rust_decimal::Decimal;
use serde_json::Value;

use super::super::json::{Object, at, decimal, text};
use super::super::state::Company;
use super::lists::{currency, customer_link};
use super::record::address;
use super::{amount, title};
use crate::page::{facts, link, notes, number, plain, table, text as texts};

/// Everything of the document.
pub(super) fn content(company: &Company, entity: &str, row: &Object) -> Markup {
    html! {
        (head(company, row))
        @if entity == "Payment" { (paid(company, row)) } @else { (lines(company, row)) (taxes(company, row)) }
        (linked(company, row))
        (delivery(row))
    }
}

fn head(company: &Company, row: &Object) -> Markup {
    let own = |path: &[&str]| plain(text(row, path));
    let named = |field: &str, entity: &str| plain(reference(company, row.get(field), entity));
    facts([
        ("Customer", customer_link(company, row)),
        ("Date", own(&["TxnDate"])),
        ("Due", own(&["DueDate"])),
        ("Expires", own(&["ExpirationDate"])),
        ("Terms", named("SalesTermRef", "Term")),
        ("Currency", plain(currency(company, row))),
        ("Exchange rate", plain(amount::plain(row.get("ExchangeRate")))),
        ("Payment method", named("PaymentMethodRef", "PaymentMethod")),
        ("Reference", own(&["PaymentRefNum"])),
        ("Deposited to", named("DepositToAccountRef", "Account")),
        ("Class", named("ClassRef", "Class")),
        ("Location", named("DepartmentRef", "Department")),
        ("Billing address", address(row.get("BillAddr"))),
        ("Shipping address", address(row.get("ShipAddr"))),
    ])
}

/// The name behind a reference: the one it carries, else that of the row it points at.
fn reference(company: &Company, reference: Option<&Value>, entity: &str) -> String {
    let Some(Value::Object(reference)) = reference else { return String::new() };
    match (text(reference, &["name"]), text(reference, &["value"])) {
        ("", id) => company.row(entity, id).map_or(id, super::name).to_owned(),
        (name, _) => name.to_owned(),
    }
}

fn all_lines(row: &Object) -> &[Value] {
    row.get("Line").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn lines(company: &Company, row: &Object) -> Markup {
    html! {
        div.scroll.lines role="region" aria-label="Lines" tabindex="0" {
            table {
                caption { "Lines" }
                thead {
                    tr {
                        th scope="col" { "#" } th scope="col" { "Item and description" }
                        th.number scope="col" { "Quantity" } th.number scope="col" { "Rate" }
                        th scope="col" { "Tax" } th.number scope="col" { "Amount" }
                    }
                }
                tbody { @for line in all_lines(row) { (sold(company, line)) } }
            }
        }
        // By themselves, so that they are in sight also where the lines have to be scrolled.
        div.totals { table { caption.hidden { "Totals" } tbody { (totals(row)) } } }
    }
}

/// A line of goods or text; subtotal and discount stand among the totals.
fn sold(company: &Company, line: &Value) -> Markup {
    let detail = &line["SalesItemLineDetail"];
    if matches!(line["DetailType"].as_str(), Some("SubTotalLineDetail" | "DiscountLineDetail")) {
        return Markup::default();
    }
    html! {
        tr {
            th scope="row" { (line["LineNum"].to_string()) }
            td {
                (item(company, &detail["ItemRef"]))
                div.written { (line["Description"].as_str().unwrap_or_default()) }
                @if let Some(day) = detail["ServiceDate"].as_str() { div.faint { "on " (day) } }
            }
            td.number { (amount::plain(detail.get("Qty"))) }
            td.number { (amount::price(detail.get("UnitPrice"))) }
            td { (detail["TaxCodeRef"]["value"].as_str().unwrap_or_default()) }
            td.number { (amount::shown(line.get("Amount"))) }
        }
    }
}

fn item(company: &Company, item: &Value) -> Markup {
    let Some(id) = item["value"].as_str() else { return Markup::default() };
    let name = reference(company, Some(item), "Item");
    match company.row("Item", id) {
        Some(_) => link(&super::address(&company.realm_id, "Item", id), &name),
        None => plain(name),
    }
}

fn totals(row: &Object) -> Markup {
    let tax = at(row, &["TxnTaxDetail", "TotalTax"]);
    html! {
        @for line in all_lines(row) {
            @match line["DetailType"].as_str() {
                Some("SubTotalLineDetail") => (total("Subtotal", &amount::shown(line.get("Amount")), "")),
                Some("DiscountLineDetail") => (total(&discount(line), &minus(line), "")),
                _ => {}
            }
        }
        @if tax.is_some() { (total("Tax", &amount::shown(tax), "")) }
        (total("Total", &amount::shown(row.get("TotalAmt")), "total"))
        @if row.contains_key("Balance") { (total("Balance due", &amount::shown(row.get("Balance")), "total")) }
    }
}

fn total(name: &str, amount: &str, class: &str) -> Markup {
    html! { tr class=(class) { th scope="row" { (name) } td.number { (amount) } } }
}

fn discount(line: &Value) -> String {
    match amount::plain(line["DiscountLineDetail"].get("DiscountPercent")) {
        percent if percent.is_empty() => "Discount".to_owned(),
        percent => format!("Discount {percent} %"),
    }
}

fn minus(line: &Value) -> String {
    amount::written(-line.get("Amount").and_then(decimal).unwrap_or(Decimal::ZERO))
}

fn taxes(company: &Company, row: &Object) -> Markup {
    let lines = at(row, &["TxnTaxDetail", "TaxLine"]).and_then(Value::as_array);
    let rows: Vec<_> = lines.into_iter().flatten().map(|line| tax(company, line)).collect();
    let columns = [texts("Rate"), number("Percent"), number("On"), number("Tax")];
    html! { @if !rows.is_empty() { (table("Tax", &columns, &rows)) } }
}

fn tax(company: &Company, line: &Value) -> Vec<Markup> {
    let detail = &line["TaxLineDetail"];
    vec![
        plain(reference(company, detail.get("TaxRateRef"), "TaxRate")),
        plain(amount::plain(detail.get("TaxPercent"))),
        plain(amount::shown(detail.get("NetAmountTaxable"))),
        plain(amount::shown(line.get("Amount"))),
    ]
}

/// What a payment paid.
fn paid(company: &Company, row: &Object) -> Markup {
    let rows: Vec<_> = all_lines(row)
        .iter()
        .map(|line| vec![to(company, &line["LinkedTxn"][0]), plain(amount::shown(line.get("Amount")))])
        .collect();
    html! {
        (facts([
            ("Total", plain(amount::shown(row.get("TotalAmt")))),
            ("Not applied", plain(amount::shown(row.get("UnappliedAmt")))),
        ]))
        (table("Applied to", &[texts("Document"), number("Amount")], &rows))
    }
}

/// Payments and whatever else QuickBooks links to the document.
fn linked(company: &Company, row: &Object) -> Markup {
    let links = row.get("LinkedTxn").and_then(Value::as_array);
    let rows: Vec<_> = links
        .into_iter()
        .flatten()
        .map(|link| {
            vec![
                to(company, link),
                plain(amount::shown(target(company, link).and_then(|to| to.get("TotalAmt")))),
            ]
        })
        .collect();
    html! { @if !rows.is_empty() { (table("Linked", &[texts("Document"), number("Its total")], &rows)) } }
}

fn target<'a>(company: &'a Company, link: &Value) -> Option<&'a Object> {
    company.row(link["TxnType"].as_str()?, link["TxnId"].as_str()?)
}

fn to(company: &Company, linked: &Value) -> Markup {
    let (entity, id) =
        (linked["TxnType"].as_str().unwrap_or_default(), linked["TxnId"].as_str().unwrap_or_default());
    match target(company, linked) {
        Some(row) => link(&super::address(&company.realm_id, entity, id), &title(entity, row)),
        None => plain(format!("{entity} {id}")),
    }
}

fn delivery(row: &Object) -> Markup {
    let own = |path: &[&str]| plain(text(row, path));
    html! {
        h2 { "Notes and delivery" }
        (notes([
            ("Message to the customer", own(&["CustomerMemo", "value"])),
            ("Private note", own(&["PrivateNote"])),
        ]))
        (facts([
            ("E-mail to", own(&["BillEmail", "Address"])),
            ("E-mail status", own(&["EmailStatus"])),
            ("Sent", own(&["DeliveryInfo", "DeliveryTime"])),
            ("Print status", own(&["PrintStatus"])),
        ]))
    }
}
