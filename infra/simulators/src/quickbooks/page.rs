//! Pages to look into the books: companies at `/`, their lists, each record, and every document where the product's
//! `document_url` points. What they share with HubSpot's is in [`crate::page`].

mod amount;
mod document;
mod lists;
mod record;
mod status;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::QuickBooks;
use super::entities::ENTITIES;
use super::json::{Object, text as text_at};
use super::state::Company;
use crate::page::{Column, Page, Site, calls, link, missing, number, plain, table, text};

/// The pages; none of them is a call to Intuit.
pub(super) fn router(quickbooks: &QuickBooks) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/_sim/pages/companies/{realm}", get(lists::show))
        .route("/_sim/pages/companies/{realm}/{entity}/{id}", get(show))
        .route("/app/{kind}", get(open))
        .with_state(quickbooks.clone())
        .merge(calls::router(Site::QuickBooks, quickbooks.control()))
}

/// What has an amount and a customer, as the menus call it.
const TRANSACTIONS: [(&str, &str); 4] = [
    ("Invoice", "Invoices"),
    ("Estimate", "Estimates"),
    ("SalesReceipt", "Sales receipts"),
    ("Payment", "Payments"),
];

/// Every list a company's page can show, and what it is called there.
fn shown_lists() -> impl Iterator<Item = (&'static str, &'static str)> {
    TRANSACTIONS.into_iter().chain([("Customer", "Customers"), ("Item", "Items")])
}

fn address(realm_id: &str, entity: &str, id: &str) -> String {
    format!("{}/{entity}/{id}", company_address(realm_id))
}

fn company_address(realm_id: &str) -> String {
    format!("/_sim/pages/companies/{realm_id}")
}

/// What a row is called where people see it: a transaction by its number, anything else by its name.
fn title(entity: &str, row: &Object) -> String {
    match text_at(row, &["DocNumber"]) {
        "" if is_transaction(entity) => format!("{} {}", singular(entity), text_at(row, &["Id"])),
        "" => name(row).to_owned(),
        number => format!("{} {number}", singular(entity)),
    }
}

fn name(row: &Object) -> &str {
    let names = ["FullyQualifiedName", "DisplayName", "Name", "Id"].map(|field| text_at(row, &[field]));
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

fn is_transaction(entity: &str) -> bool {
    TRANSACTIONS.iter().any(|(name, _)| *name == entity)
}

fn singular(entity: &str) -> &str {
    if entity == "SalesReceipt" { "Sales receipt" } else { entity }
}

async fn home(State(quickbooks): State<QuickBooks>) -> Response {
    let books = quickbooks.books();
    let rows: Vec<_> = books.companies.values().map(company_row).collect();
    let content = html! {
        @if rows.is_empty() {
            p { "There is no company yet: seed one." }
            pre { "POST /_sim/seed  {\"companies\": [{\"realm_id\": \"1\", \"name\": \"Northwind\"}]}" }
        } @else {
            (table("Companies", COMPANIES, &rows))
            p.faint {
                "Core calls bring data in and are free; CorePlus calls get data out and are metered. "
                "Everything as JSON: " a href="/_sim/state" { "/_sim/state" } "."
            }
        }
    };
    let page = Page {
        site: Site::QuickBooks,
        title: "What QuickBooks holds",
        badge: Markup::default(),
        trail: &[],
        content,
    };
    page.show(quickbooks.control())
}

const COMPANIES: &[Column] = &[
    text("Company"),
    text("Realm id"),
    text("Country"),
    text("Currency"),
    number("Documents"),
    number("Customers"),
    number("Items"),
    number("Core calls"),
    number("CorePlus calls"),
];

fn company_row(company: &Company) -> Vec<Markup> {
    let calls = company.traffic.snapshot();
    let documents: usize = TRANSACTIONS.iter().map(|(entity, _)| company.rows(entity).len()).sum();
    let count = |count: usize| plain(count.to_string());
    vec![
        link(&company_address(&company.realm_id), company_name(company)),
        plain(&company.realm_id),
        plain(company.country()),
        plain(home_currency(company)),
        count(documents),
        count(company.rows("Customer").len()),
        count(company.rows("Item").len()),
        plain(calls["core"].to_string()),
        plain(calls["core_plus"].to_string()),
    ]
}

fn company_name(company: &Company) -> &str {
    company.rows("CompanyInfo").first().map(|row| text_at(row, &["CompanyName"])).unwrap_or_default()
}

fn home_currency(company: &Company) -> &str {
    company.preference_text(&["CurrencyPrefs", "HomeCurrency", "value"])
}

async fn show(
    State(quickbooks): State<QuickBooks>,
    Path((realm, entity, id)): Path<(String, String, String)>,
) -> Response {
    let books = quickbooks.books();
    match books.companies.get(&realm) {
        Some(company) => show_row(&quickbooks, company, &entity, &id),
        None => gone(&quickbooks, &format!("There is no company {realm}.")),
    }
}

fn show_row(quickbooks: &QuickBooks, company: &Company, entity: &str, id: &str) -> Response {
    let known = ENTITIES.iter().map(|known| known.name).find(|known| known.eq_ignore_ascii_case(entity));
    let Some(entity) = known else {
        return gone(quickbooks, &format!("{entity} is nothing QuickBooks keeps."));
    };
    let control = quickbooks.control();
    if let Some(row) = company.row(entity, id) {
        return record::page(company, entity, row, control.now()).show(control);
    }
    let was_deleted = company.deleted(entity).any(|trace| text_at(trace, &["Id"]) == id);
    let why = if was_deleted { "was deleted" } else { "does not exist" };
    gone(quickbooks, &format!("{} {id} {why} in {}.", singular(entity), company_name(company)))
}

fn gone(quickbooks: &QuickBooks, why: &str) -> Response {
    missing(Site::QuickBooks, quickbooks.control(), why)
}

/// The query of QuickBooks' own addresses.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    txn_id: String,
    /// Which company; QuickBooks itself takes the one that is signed in to.
    company_id: Option<String>,
}

/// `/app/invoice?txnId=…&companyId=…`: where people open a document. Ids are a company's own, so that without a company
/// several may be meant.
async fn open(
    State(quickbooks): State<QuickBooks>,
    Path(kind): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let entity = if kind == "recvpayment" { "Payment" } else { &kind };
    let id = &wanted.txn_id;
    let books = quickbooks.books();
    if let Some(realm_id) = &wanted.company_id {
        return match books.companies.get(realm_id) {
            Some(company) => show_row(&quickbooks, company, entity, id),
            None => gone(&quickbooks, &format!("There is no company {realm_id}.")),
        };
    }
    let known = TRANSACTIONS.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(entity));
    let meant: Vec<_> = books
        .companies
        .values()
        .filter_map(|company| Some((company, known?, company.row(known?, id)?)))
        .collect();
    match meant.as_slice() {
        [] => gone(&quickbooks, &format!("No company has {entity} {id}.")),
        [(company, entity, _)] => show_row(&quickbooks, company, entity, id),
        several => choice(&quickbooks, several),
    }
}

fn choice(quickbooks: &QuickBooks, several: &[(&Company, &str, &Object)]) -> Response {
    let content = html! {
        p { "Several companies have a document with this Id, and the address names none of them:" }
        ul {
            @for (company, entity, row) in several {
                li {
                    a href=(address(&company.realm_id, entity, text_at(row, &["Id"]))) {
                        (title(entity, row)) " of " (company_name(company))
                    }
                }
            }
        }
    };
    let page = Page {
        site: Site::QuickBooks,
        title: "Which company?",
        badge: Markup::default(),
        trail: &[],
        content,
    };
    page.show(quickbooks.control())
}
