//! What a scenario can require, and what is wrong when it is not so.

use jiff::ToSpan;

use super::seen::{Delivery, History, Seen};

/// A requirement.
pub(super) enum Expect {
    /// So many documents and customers came into the books, no more and no fewer.
    NewInBooks { invoices: usize, customers: usize },
    /// Every new invoice is for this customer.
    BilledTo(&'static str),
    /// Every new invoice has so many lines.
    Lines(usize),
    /// The new invoices' totals, in order.
    Totals(&'static [&'static str]),
    /// Every new invoice is due so many days after its date.
    DueInDays(i64),
    /// The sentence in every history contains these.
    Says(&'static [&'static str]),
    /// The statuses of all deliveries.
    Deliveries(&'static [u16]),
    /// All deliveries were answered with the same bytes.
    SameAnswers,
    /// Neither vendor was called.
    NoCalls,
}

impl Expect {
    /// What is wrong, if anything.
    pub(super) fn problem(&self, seen: &Seen) -> Option<String> {
        let invoices = &seen.new.invoices;
        match self {
            Self::NewInBooks { invoices, customers } => {
                let expected = (*invoices, *customers);
                let found = (seen.new.invoices.len(), seen.new.customers.len());
                let (documents, people) = found;
                (found != expected).then(|| format!("{documents} new invoices and {people} new customers"))
            }
            Self::BilledTo(name) => {
                let other = invoices.iter().find(|invoice| invoice.customer() != *name)?;
                Some(format!("billed to {}, not {name}", other.customer()))
            }
            Self::Lines(count) => {
                let other = invoices.iter().find(|invoice| invoice.lines() != *count)?;
                Some(format!("{} lines instead of {count}", other.lines()))
            }
            Self::Totals(totals) => {
                let found: Vec<_> =
                    invoices.iter().map(|invoice| format!("{:.2}", invoice.total_amt)).collect();
                (found != *totals)
                    .then(|| format!("totals {} instead of {}", found.join(", "), totals.join(", ")))
            }
            Self::DueInDays(days) => {
                let due = |date: jiff::civil::Date| date.checked_add(days.days()).ok();
                let other = invoices.iter().find(|invoice| invoice.due_date != due(invoice.txn_date))?;
                Some(format!("due {} instead of {days} days after {}", date(other.due_date), other.txn_date))
            }
            Self::Says(parts) => seen.histories.iter().find_map(|history| unsaid(history, parts)),
            Self::Deliveries(statuses) => {
                let found: Vec<_> =
                    deliveries(seen).map(|delivery| delivery.status.unwrap_or_default()).collect();
                (found != *statuses).then(|| format!("answered with {found:?}"))
            }
            Self::SameAnswers => {
                let mut bodies: Vec<_> = deliveries(seen).map(|delivery| &delivery.body).collect();
                bodies.dedup();
                (bodies.len() != 1).then(|| "the answers differ".to_owned())
            }
            Self::NoCalls => {
                (seen.calls > 0).then(|| format!("{} calls to HubSpot or QuickBooks", seen.calls))
            }
        }
    }
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
