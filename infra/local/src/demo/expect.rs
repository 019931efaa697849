//! What a scenario can require, and what is wrong when it is not so.

use jiff::ToSpan;
use rust_decimal::Decimal;

use super::seen::{Books, Delivery, Document, History, Kind, Seen};

/// A requirement.
pub(super) enum Expect {
    /// So much came into the books, no more and no less.
    NewInBooks(Count),
    /// Every new document is for this customer.
    BilledTo(&'static str),
    /// Every new document has so many lines.
    Lines(usize),
    /// The new documents' totals, in order.
    Totals(&'static [&'static str]),
    /// Every new invoice is due so many days after its date.
    DueInDays(i64),
    /// Every new estimate expires on this day.
    ExpiresOn(&'static str),
    /// The new payments' amounts are these, together, and nothing is left to pay of the new invoices.
    Paid(&'static str),
    /// The sentence in every history contains these.
    Says(&'static [&'static str]),
    /// The statuses of all deliveries.
    Deliveries(&'static [u16]),
    /// All deliveries that were answered for good were answered with the same bytes.
    SameAnswers,
    /// A vendor was called at a path that begins like each of these.
    Called(&'static [&'static str]),
    /// Neither vendor was called.
    NoCalls,
}

/// How many of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) invoices: usize,
    pub(super) estimates: usize,
    pub(super) receipts: usize,
    pub(super) payments: usize,
    pub(super) customers: usize,
}

impl Count {
    pub(super) const NOTHING: Self =
        Self { invoices: 0, estimates: 0, receipts: 0, payments: 0, customers: 0 };

    fn of(books: &Books) -> Self {
        let count = |kind| books.of_kind(kind).count();
        Self {
            invoices: count(Kind::Invoice),
            estimates: count(Kind::Estimate),
            receipts: count(Kind::Receipt),
            payments: books.payments.len(),
            customers: books.customers.len(),
        }
    }
}

impl Expect {
    /// What is wrong, if anything.
    pub(super) fn problem(&self, seen: &Seen) -> Option<String> {
        let documents = &seen.new.documents;
        match self {
            Self::NewInBooks(expected) => {
                let found = Count::of(&seen.new);
                (found != *expected).then(|| format!("new in the books: {found:?}"))
            }
            Self::BilledTo(name) => {
                let other = documents.iter().find(|document| document.customer() != *name)?;
                Some(format!("billed to {}, not {name}", other.customer()))
            }
            Self::Lines(count) => {
                let other = documents.iter().find(|document| document.lines() != *count)?;
                Some(format!("{} lines instead of {count}", other.lines()))
            }
            Self::Totals(totals) => {
                let found: Vec<_> = documents.iter().map(Document::total).collect();
                (found != *totals)
                    .then(|| format!("totals {} instead of {}", found.join(", "), totals.join(", ")))
            }
            Self::DueInDays(days) => {
                let due = |date: jiff::civil::Date| date.checked_add(days.days()).ok();
                let mut invoices = seen.new.of_kind(Kind::Invoice);
                let other = invoices.find(|invoice| invoice.due_date != due(invoice.txn_date))?;
                Some(format!("due {} instead of {days} days after {}", date(other.due_date), other.txn_date))
            }
            Self::ExpiresOn(day) => {
                let mut estimates = seen.new.of_kind(Kind::Estimate);
                let other = estimates.find(|estimate| date(estimate.expiration_date) != *day)?;
                Some(format!("expires {} instead of {day}", date(other.expiration_date)))
            }
            Self::Paid(amount) => paid(&seen.new, amount),
            Self::Says(parts) => seen.histories.iter().find_map(|history| unsaid(history, parts)),
            Self::Deliveries(statuses) => {
                let found: Vec<_> =
                    deliveries(seen).map(|delivery| delivery.status.unwrap_or_default()).collect();
                (found != *statuses).then(|| format!("answered with {found:?}"))
            }
            Self::SameAnswers => {
                let answered = deliveries(seen).filter(|delivery| delivery.is_final());
                let mut bodies: Vec<_> = answered.map(|delivery| &delivery.body).collect();
                bodies.dedup();
                (bodies.len() != 1).then(|| "the answers differ".to_owned())
            }
            Self::Called(paths) => {
                let missing =
                    paths.iter().find(|path| !seen.calls.iter().any(|called| called.starts_with(*path)))?;
                Some(format!("nobody called {missing}"))
            }
            Self::NoCalls => {
                (!seen.calls.is_empty()).then(|| format!("called HubSpot or QuickBooks: {:?}", seen.calls))
            }
        }
    }
}

fn paid(new: &Books, amount: &str) -> Option<String> {
    let paid: Decimal = new.payments.iter().map(|payment| payment.total_amt).sum();
    let open: Decimal = new.of_kind(Kind::Invoice).filter_map(|invoice| invoice.balance).sum();
    (format!("{paid:.2}") != amount || !open.is_zero())
        .then(|| format!("{paid} paid instead of {amount}, {open} left to pay"))
}

fn unsaid(history: &History, parts: &[&str]) -> Option<String> {
    let sentence = history.label.as_deref().unwrap_or_default();
    let missing = parts.iter().find(|part| !sentence.contains(**part))?;
    Some(format!("the sentence does not say “{missing}”"))
}

fn deliveries(seen: &Seen) -> impl Iterator<Item = &Delivery> {
    seen.histories.iter().flat_map(|history| &history.deliveries)
}

fn date(date: Option<jiff::civil::Date>) -> String {
    date.map_or("never".to_owned(), |date| date.to_string())
}
