//! What can be seen after a scenario: HubSpot's history, and what is new in the books.

use std::collections::BTreeSet;

use jiff::civil::Date;
use local::{Stack, Vendor, world};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Everything a scenario left behind.
pub(super) struct Seen {
    /// One per enrollment.
    pub(super) histories: Vec<History>,
    /// What came into the books.
    pub(super) new: Books,
    /// The paths that HubSpot, then QuickBooks was called at.
    pub(super) calls: Vec<String>,
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

impl Delivery {
    /// Whether it was answered, and not with a promise to call back.
    pub(super) fn is_final(&self) -> bool {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        self.status == Some(200) && body["outputFields"]["hs_execution_state"] != "BLOCK"
    }
}

/// The part of a company's books that the demo is about.
pub(super) struct Books {
    /// Invoices, then estimates, then sales receipts, each in order of creation.
    pub(super) documents: Vec<Document>,
    pub(super) payments: Vec<Payment>,
    pub(super) customers: Vec<Customer>,
}

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invoice,
    Estimate,
    Receipt,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Invoice, Self::Estimate, Self::Receipt];

    /// For people.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Estimate => "estimate",
            Self::Receipt => "receipt",
        }
    }

    /// For QuickBooks.
    fn entity(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::Estimate => "Estimate",
            Self::Receipt => "SalesReceipt",
        }
    }
}

/// An invoice, estimate or sales receipt.
pub(super) struct Document {
    pub(super) kind: Kind,
    fields: Fields,
}

impl std::ops::Deref for Document {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.fields
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Fields {
    id: String,
    pub(super) doc_number: Option<String>,
    customer_ref: CustomerRef,
    line: Vec<Line>,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub(super) total_amt: Decimal,
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    pub(super) balance: Option<Decimal>,
    pub(super) txn_date: Date,
    pub(super) due_date: Option<Date>,
    pub(super) expiration_date: Option<Date>,
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

/// Money that came in for an invoice.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Payment {
    id: String,
    customer_ref: CustomerRef,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub(super) total_amt: Decimal,
    pub(super) txn_date: Date,
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

impl Document {
    pub(super) fn customer(&self) -> &str {
        &self.customer_ref.name
    }

    pub(super) fn total(&self) -> String {
        format!("{:.2}", self.total_amt)
    }

    /// Lines with something sold on them: QuickBooks adds a subtotal line of its own.
    pub(super) fn lines(&self) -> usize {
        self.line.iter().filter(|line| line.detail_type == "SalesItemLineDetail").count()
    }

    /// Ids are unique per kind only.
    fn key(&self) -> (&'static str, String) {
        (self.kind.entity(), self.id.clone())
    }
}

impl Payment {
    pub(super) fn customer(&self) -> &str {
        &self.customer_ref.name
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
        let mut books = stack.books(world::REALM);
        let mut documents = Vec::new();
        for kind in Kind::ALL {
            let fields: Vec<Fields> = list(&mut books, kind.entity())?;
            documents.extend(fields.into_iter().map(|fields| Document { kind, fields }));
        }
        Ok(Self {
            documents,
            payments: list(&mut books, "Payment")?,
            customers: list(&mut books, "Customer")?,
        })
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.kind == kind)
    }
}

/// A list of the books; one that is not there is empty.
fn list<T: DeserializeOwned>(books: &mut Value, entity: &str) -> serde_json::Result<Vec<T>> {
    let list: Option<Vec<T>> = serde_json::from_value(books[entity].take())?;
    Ok(list.unwrap_or_default())
}

const VENDORS: [Vendor; 2] = [Vendor::HubSpot, Vendor::QuickBooks];

/// How things were before a scenario.
pub(super) struct Before {
    documents: BTreeSet<(&'static str, String)>,
    payments: BTreeSet<String>,
    customers: BTreeSet<String>,
    calls: [usize; 2],
}

impl Before {
    pub(super) fn now(stack: &Stack) -> serde_json::Result<Self> {
        let books = Books::read(stack)?;
        Ok(Self {
            documents: books.documents.iter().map(Document::key).collect(),
            payments: books.payments.into_iter().map(|payment| payment.id).collect(),
            customers: books.customers.into_iter().map(|customer| customer.id).collect(),
            calls: VENDORS.map(|vendor| stack.calls(vendor).len()),
        })
    }

    /// What has become of it.
    pub(super) fn then(&self, stack: &Stack, histories: Vec<History>) -> serde_json::Result<Seen> {
        let mut new = Books::read(stack)?;
        new.documents.retain(|document| !self.documents.contains(&document.key()));
        new.payments.retain(|payment| !self.payments.contains(&payment.id));
        new.customers.retain(|customer| !self.customers.contains(&customer.id));
        let calls = VENDORS.into_iter().zip(self.calls);
        let calls = calls.flat_map(|(vendor, known)| stack.calls(vendor).into_iter().skip(known));
        Ok(Seen { histories, new, calls: calls.map(|call| call.path).collect() })
    }
}
