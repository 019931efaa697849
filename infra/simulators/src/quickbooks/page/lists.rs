//! A company's page: its documents, newest first, its customers and its items, a hundred at a time.

use std::cmp::Reverse;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::super::QuickBooks;
use super::super::json::{Object, at, text as text_at};
use super::super::state::Company;
use super::{
    TRANSACTIONS, address, amount, company_name, gone, home_currency, name, shown_lists, singular, status,
    title,
};
use crate::page::{
    Column, Page, Paging, Site, Tone, Visit, badge, facts, link, number, plain, table, tabs, text,
};

/// The page of one company.
pub(super) async fn show(
    State(quickbooks): State<QuickBooks>,
    Path(realm): Path<String>,
    Query(visit): Query<Visit>,
) -> Response {
    let books = quickbooks.books();
    let Some(company) = books.companies.get(&realm) else {
        return gone(&quickbooks, &format!("There is no company {realm}."));
    };
    let content = html! {
        (about(company))
        (choices(company, &visit.show))
        (list(company, &visit, quickbooks.control().now()))
    };
    let page = Page {
        site: Site::QuickBooks,
        title: company_name(company),
        badge: Markup::default(),
        trail: &[("/".to_owned(), "Companies".to_owned())],
        content,
    };
    page.show(quickbooks.control())
}

fn about(company: &Company) -> Markup {
    let calls = company.traffic.snapshot();
    let by_month = calls["core_plus_by_month"].as_object().into_iter().flatten();
    let months: Vec<_> = by_month.map(|(month, count)| format!("{month}: {count}")).collect();
    let refused = |name: &str| calls[name].as_u64().filter(|count| *count > 0).map(|count| count.to_string());
    facts([
        ("Realm id", plain(&company.realm_id)),
        ("Country", plain(company.country())),
        ("Home currency", plain(home_currency(company))),
        ("Books closed up to", plain(company.preference_text(&["AccountingInfoPrefs", "BookCloseDate"]))),
        ("Core calls (free)", plain(calls["core"].to_string())),
        ("CorePlus calls (metered)", plain(calls["core_plus"].to_string())),
        ("CorePlus by month", plain(months.join(", "))),
        ("Throttled calls", plain(refused("throttled").unwrap_or_default())),
        ("Calls over the quota", plain(refused("blocked").unwrap_or_default())),
    ])
}

fn choices(company: &Company, shown: &str) -> Markup {
    let address = |show: &str| format!("?show={show}");
    let tab = |entity: &str, label: &str| {
        (label.to_owned(), company.rows(entity).len(), address(entity), shown == entity)
    };
    let count: usize = TRANSACTIONS.iter().map(|(entity, _)| company.rows(entity).len()).sum();
    let mut choices = vec![("All documents".to_owned(), count, address(""), shown.is_empty())];
    choices.extend(shown_lists().map(|(entity, label)| tab(entity, label)));
    tabs("Lists", &choices)
}

fn list(company: &Company, visit: &Visit, now: Timestamp) -> Markup {
    let show = visit.show.as_str();
    let (caption, columns, paging, rows): (&str, _, _, Vec<_>) = match show {
        "Customer" | "Item" => {
            let all = company.rows(show);
            let paging = Paging::new(visit, all.len());
            let row = if show == "Customer" { customer } else { item };
            let rows = all[paging.rows()].iter().map(|one| row(company, one)).collect();
            let (caption, columns) =
                if show == "Customer" { ("Customers", CUSTOMERS) } else { ("Items", ITEMS) };
            (caption, columns, paging, rows)
        }
        _ => {
            let all = documents(company, show);
            let paging = Paging::new(visit, all.len());
            let shown = &all[paging.rows()];
            let rows = shown.iter().map(|(entity, row)| document(company, entity, row, now)).collect();
            ("Documents, newest first", DOCUMENTS, paging, rows)
        }
    };
    html! { (paging.links(show)) (table(caption, columns, &rows)) (paging.links(show)) }
}

/// Of one kind, or of every kind when `show` names none.
fn documents<'a>(company: &'a Company, show: &str) -> Vec<(&'static str, &'a Object)> {
    let kinds =
        TRANSACTIONS.iter().map(|(entity, _)| *entity).filter(|entity| show.is_empty() || *entity == show);
    let mut all: Vec<_> =
        kinds.flat_map(|entity| company.rows(entity).iter().map(move |row| (entity, row))).collect();
    all.sort_by_cached_key(|(_, row)| Reverse(text_at(row, &["Id"]).parse::<u64>().unwrap_or_default()));
    all
}

const DOCUMENTS: &[Column] = &[
    text("Document"),
    text("Date"),
    text("Customer"),
    number("Total"),
    number("Balance"),
    number("Tax"),
    text("Currency"),
    text("Status"),
    number("Id"),
];

fn document(company: &Company, entity: &str, row: &Object, now: Timestamp) -> Vec<Markup> {
    let id = text_at(row, &["Id"]);
    let (tone, word) = status::of(entity, row, now);
    let tax = at(row, &["TxnTaxDetail", "TotalTax"]);
    vec![
        link(&address(&company.realm_id, entity, id), &title(entity, row)),
        html! { span.whole { (text_at(row, &["TxnDate"])) } },
        customer_link(company, row),
        plain(amount::shown(row.get("TotalAmt"))),
        plain(amount::shown(row.get("Balance"))),
        plain(amount::shown(tax)),
        plain(currency(company, row)),
        badge(tone, word),
        plain(id),
    ]
}

/// The customer of a document.
pub(super) fn customer_link(company: &Company, row: &Object) -> Markup {
    let id = text_at(row, &["CustomerRef", "value"]);
    let known = company.row("Customer", id).map(|customer| text_at(customer, &["DisplayName"]));
    match known {
        Some(name) => link(&address(&company.realm_id, "Customer", id), name),
        None => plain(text_at(row, &["CustomerRef", "name"])),
    }
}

/// The currency of a document.
pub(super) fn currency<'a>(company: &'a Company, row: &'a Object) -> &'a str {
    match text_at(row, &["CurrencyRef", "value"]) {
        "" => home_currency(company),
        own => own,
    }
}

const CUSTOMERS: &[Column] =
    &[text("Customer"), text("E-mail"), text("Company"), number("Balance"), text("State"), number("Id")];

fn customer(company: &Company, row: &Object) -> Vec<Markup> {
    let id = text_at(row, &["Id"]);
    vec![
        link(&address(&company.realm_id, "Customer", id), name(row)),
        plain(text_at(row, &["PrimaryEmailAddr", "Address"])),
        plain(text_at(row, &["CompanyName"])),
        plain(amount::shown(row.get("Balance"))),
        activity(row),
        plain(id),
    ]
}

const ITEMS: &[Column] =
    &[text("Item"), text("SKU"), text("Type"), number("Price"), text("State"), number("Id")];

fn item(company: &Company, row: &Object) -> Vec<Markup> {
    let id = text_at(row, &["Id"]);
    vec![
        link(&address(&company.realm_id, "Item", id), name(row)),
        plain(text_at(row, &["Sku"])),
        plain(singular(text_at(row, &["Type"]))),
        plain(amount::price(row.get("UnitPrice"))),
        activity(row),
        plain(id),
    ]
}

/// Whether a row of a list is in use.
pub(super) fn activity(row: &Object) -> Markup {
    match row.get("Active") {
        Some(Value::Bool(false)) => badge(Tone::Plain, "inactive"),
        _ => Markup::default(),
    }
}
