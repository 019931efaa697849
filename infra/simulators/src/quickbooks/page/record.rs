//! The page of one row: a document as it is printed, anything else by its main facts; below it, the row as the API has it.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::super::json::{Object, text};
use super::super::state::Company;
use super::lists::activity;
use super::{amount, company_address, company_name, document, is_transaction, shown_lists, status, title};
use crate::page::{Page, Site, badge, facts, plain, unfold};

/// A page that only has to be shown; it owns its parts.
pub(super) struct Shown {
    title: String,
    badge: Markup,
    trail: Vec<(String, String)>,
    content: Markup,
}

impl Shown {
    /// The whole answer.
    pub(super) fn show(self, control: &crate::control::Control) -> axum::response::Response {
        let Shown { title, badge, trail, content } = self;
        Page { site: Site::QuickBooks, title: &title, badge, trail: &trail, content }.show(control)
    }
}

/// The page of a row.
pub(super) fn page(company: &Company, entity: &str, row: &Object, now: Timestamp) -> Shown {
    let (badge, content) = if is_transaction(entity) {
        let (tone, word) = status::of(entity, row, now);
        (badge(tone, word), document::content(company, entity, row))
    } else {
        (activity(row), main_facts(row))
    };
    Shown {
        title: title(entity, row),
        badge,
        trail: trail(company, entity),
        content: html! { (content) (bookkeeping(row)) (unfold("As the API answers it", &json!(row).to_string())) },
    }
}

/// What the row is part of: its list stands there only where the company's page has it.
fn trail(company: &Company, entity: &str) -> Vec<(String, String)> {
    let company_page = company_address(&company.realm_id);
    let list = shown_lists().find(|(name, _)| *name == entity);
    let list = list.map(|(_, label)| (format!("{company_page}?show={entity}"), label.to_owned()));
    let above = [("/".to_owned(), "Companies".to_owned()), (company_page, company_name(company).to_owned())];
    above.into_iter().chain(list).collect()
}

fn main_facts(row: &Object) -> Markup {
    let own = |path: &[&str]| plain(text(row, path));
    facts([
        ("Display name", own(&["DisplayName"])),
        ("Given name", own(&["GivenName"])),
        ("Family name", own(&["FamilyName"])),
        ("Company", own(&["CompanyName"])),
        ("E-mail", own(&["PrimaryEmailAddr", "Address"])),
        ("Balance", plain(amount::shown(row.get("Balance")))),
        ("SKU", own(&["Sku"])),
        ("Type", own(&["Type"])),
        ("Price", plain(amount::price(row.get("UnitPrice")))),
        ("Description", own(&["Description"])),
        ("Currency", own(&["CurrencyRef", "value"])),
        ("Billing address", address(row.get("BillAddr"))),
    ])
}

/// When a row was made and changed, and how often.
fn bookkeeping(row: &Object) -> Markup {
    html! {
        h2 { "Record" }
        (facts([
            ("Id", plain(text(row, &["Id"]))),
            ("Sync token", plain(text(row, &["SyncToken"]))),
            ("Created", plain(text(row, &["MetaData", "CreateTime"]))),
            ("Last changed", plain(text(row, &["MetaData", "LastUpdatedTime"]))),
        ]))
    }
}

/// An address, a line each.
pub(super) fn address(address: Option<&Value>) -> Markup {
    let part = |name: &str| address.and_then(|address| address[name].as_str()).unwrap_or_default();
    let town = [part("City"), part("CountrySubDivisionCode"), part("PostalCode")].join(" ");
    let lines = [part("Line1"), part("Line2"), part("Line3"), town.trim(), part("Country")];
    let shown = lines.iter().filter(|line| !line.is_empty());
    html! { @for line in shown { div { (line) } } }
}
