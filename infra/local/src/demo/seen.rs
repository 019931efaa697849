//! What can be seen after a scenario: HubSpot's history, and what is new in the books.

use std::collections::BTreeSet;

use jiff::civil::Date;
use local::{Stack, Vendor, world};
use rust_decimal::Decimal;
use serde::Deserialize;

/// Everything a scenario left behind.
pub(super) struct Seen {
    /// One per enrollment.
    pub(super) histories: Vec<History>,
    /// What came into the books.
    pub(super) new: Books,
    /// Calls to both vendors.
    pub(super) calls: usize,
}

/// What HubSpot's history shows of an execution.
#[derive(Deserialize)]
pub(super) struct History {
    pub(super) state: String,
    /// The sentence, if the action's rules have one for the answer.
    pub(super) label: Option<String>,
    pub(super) deliveries: Vec<Delivery>,
}

/// One request to the action and its answer.
#[derive(Deserialize)]
pub(super) struct Delivery {
    /// None when nothing came back.
    pub(super) status: Option<u16>,
    pub(super) body: String,
}

/// The part of a company's books that the demo is about.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Books {
    #[serde(rename = "Invoice")]
    pub(super) invoices: Vec<Invoice>,
    #[serde(rename = "Customer")]
    pub(super) customers: Vec<Customer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Invoice {
    id: String,
    pub(super) doc_number: Option<String>,
    customer_ref: CustomerRef,
    line: Vec<Line>,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub(super) total_amt: Decimal,
    pub(super) txn_date: Date,
    pub(super) due_date: Option<Date>,
}

#[derive(Deserialize)]
struct CustomerRef {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    detail_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Customer {
    id: String,
    pub(super) display_name: String,
    primary_email_addr: Option<Email>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Email {
    address: String,
}

impl Invoice {
    pub(super) fn customer(&self) -> &str {
        &self.customer_ref.name
    }

    /// Lines with something sold on them: QuickBooks adds a subtotal line of its own.
    pub(super) fn lines(&self) -> usize {
        self.line.iter().filter(|line| line.detail_type == "SalesItemLineDetail").count()
    }
}

impl Customer {
    pub(super) fn email(&self) -> &str {
        self.primary_email_addr.as_ref().map_or("", |email| &email.address)
    }
}

impl Books {
    /// The books as they are now.
    pub(super) fn read(stack: &Stack) -> serde_json::Result<Self> {
        serde_json::from_value(stack.books(world::REALM))
    }
}

/// How things were before a scenario.
pub(super) struct Before {
    invoices: BTreeSet<String>,
    customers: BTreeSet<String>,
    calls: usize,
}

impl Before {
    pub(super) fn now(stack: &Stack) -> serde_json::Result<Self> {
        let books = Books::read(stack)?;
        Ok(Self {
            invoices: books.invoices.into_iter().map(|invoice| invoice.id).collect(),
            customers: books.customers.into_iter().map(|customer| customer.id).collect(),
            calls: calls(stack),
        })
    }

    /// What has become of it.
    pub(super) fn then(&self, stack: &Stack, histories: Vec<History>) -> serde_json::Result<Seen> {
        let mut new = Books::read(stack)?;
        new.invoices.retain(|invoice| !self.invoices.contains(&invoice.id));
        new.customers.retain(|customer| !self.customers.contains(&customer.id));
        Ok(Seen { histories, new, calls: calls(stack) - self.calls })
    }
}

fn calls(stack: &Stack) -> usize {
    stack.calls(Vendor::HubSpot).len() + stack.calls(Vendor::QuickBooks).len()
}
