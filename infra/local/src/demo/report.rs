//! The demo's output: plain tables that fit a terminal of 110 columns.

use std::io::IsTerminal;

use comfy_table::presets::{UTF8_BORDERS_ONLY, UTF8_HORIZONTAL_ONLY};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, TableStyle, Width};

use super::seen::{Books, Document, History, Kind, Payment, Seen};

/// A scenario that has run.
pub(super) struct Outcome {
    pub(super) title: &'static str,
    pub(super) seen: Seen,
    /// What was not as it must be.
    pub(super) problems: Vec<String>,
}

const WIDTH: u16 = 110;

/// One row per scenario.
pub(super) fn scenarios(outcomes: &[Outcome]) -> Table {
    let mut table = table(
        UTF8_HORIZONTAL_ONLY,
        &["", "Enrolled", "HubSpot's history shows", "New in the books", "Expected"],
    );
    let widths = [4, 24, 36, 32, 10].map(|width| ColumnConstraint::Absolute(Width::Fixed(width)));
    table.set_constraints(widths);
    for (number, outcome) in (1..).zip(outcomes) {
        table.add_row([
            format!("{number}"),
            outcome.title.to_owned(),
            history(&outcome.seen.histories),
            news(&outcome.seen.new),
            if outcome.problems.is_empty() { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    table
}

/// Documents and payments, then customers.
pub(super) fn books(books: &Books) -> String {
    let header = ["Document", "Customer", "Lines", "Total", "Open", "Date", "Due or expires"];
    let mut documents = table(UTF8_BORDERS_ONLY, &header);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    for document in &books.documents {
        documents.add_row([
            Cell::new(name(document)),
            Cell::new(document.customer()),
            right(document.lines().to_string()),
            right(document.total()),
            right(open(document)),
            Cell::new(document.txn_date),
            Cell::new(last_day(document).map_or("–".to_owned(), |(_, date)| date)),
        ]);
    }
    for payment in &books.payments {
        documents.add_row([
            Cell::new("payment"),
            Cell::new(payment.customer()),
            right("–".to_owned()),
            right(amount(payment)),
            right("–".to_owned()),
            Cell::new(payment.txn_date),
            Cell::new("–"),
        ]);
    }
    let mut customers = table(UTF8_BORDERS_ONLY, &["Customer", "E-mail", "Documents"]);
    for customer in &books.customers {
        let named = books.documents.iter().filter(|document| document.customer() == customer.display_name);
        customers.add_row([
            Cell::new(&customer.display_name),
            Cell::new(customer.email()),
            right(named.count().to_string()),
        ]);
    }
    format!("{documents}\n{customers}")
}

/// What was not as it must be, a line each; then the verdict, coloured where somebody looks at it.
pub(super) fn verdict(outcomes: &[Outcome]) -> String {
    let mut lines = Vec::new();
    for (number, outcome) in (1..).zip(outcomes) {
        lines.extend(outcome.problems.iter().map(|problem| format!("{number} {}: {problem}", outcome.title)));
    }
    lines.push(last_line(outcomes));
    lines.join("\n")
}

fn last_line(outcomes: &[Outcome]) -> String {
    let good = outcomes.iter().filter(|outcome| outcome.problems.is_empty()).count();
    let (text, colour) = match outcomes.len() - good {
        0 => (format!("All {good} scenarios went as expected."), "32"),
        bad => (format!("{bad} of {} scenarios did not go as expected.", outcomes.len()), "31"),
    };
    match std::io::stdout().is_terminal() {
        true => format!("\x1b[1;{colour}m{text}\x1b[0m"),
        false => text,
    }
}

fn table(style: TableStyle, header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(style)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header.to_vec());
    table
}

fn history(histories: &[History]) -> String {
    let lines: Vec<_> = histories.iter().map(sentence).collect();
    lines.join("\n")
}

fn sentence(history: &History) -> String {
    let times = match history.deliveries.len() {
        1 => String::new(),
        times => format!(" Answered {times} times."),
    };
    match (&history.label, history.deliveries.last()) {
        (Some(label), _) => format!("{label}{times}"),
        (None, Some(delivery)) => {
            let status = delivery.status.map_or("no answer".to_owned(), |status| format!("HTTP {status}"));
            format!("{}: {status}.{times}", history.state)
        }
        (None, None) => history.state.clone(),
    }
}

fn news(new: &Books) -> String {
    let customers = new.customers.iter().map(|customer| format!("customer {}", customer.display_name));
    let documents = new.documents.iter().map(|document| {
        let lines = match document.lines() {
            1 => "1 line".to_owned(),
            lines => format!("{lines} lines"),
        };
        let end = last_day(document).map_or(String::new(), |(what, date)| format!(", {what} {date}"));
        format!("{}: {lines}, {}{end}", name(document), document.total())
    });
    let payments = new.payments.iter().map(|payment| format!("payment {}", amount(payment)));
    let all: Vec<_> = customers.chain(documents).chain(payments).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("\n") }
}

fn name(document: &Document) -> String {
    format!("{} {}", document.kind.noun(), document.doc_number.as_deref().unwrap_or("–"))
}

/// What is left to pay; an estimate is never paid.
fn open(document: &Document) -> String {
    let balance = document.balance.filter(|_| document.kind != Kind::Estimate);
    balance.map_or("–".to_owned(), |balance| format!("{balance:.2}"))
}

/// Until when an invoice is to be paid, or an estimate to be accepted.
fn last_day(document: &Document) -> Option<(&'static str, String)> {
    let due = document.due_date.map(|date| ("due", date.to_string()));
    let expires = document.expiration_date.map(|date| ("expires", date.to_string()));
    match document.kind {
        Kind::Invoice => due,
        Kind::Estimate => expires,
        Kind::Receipt => None,
    }
}

fn amount(payment: &Payment) -> String {
    format!("{:.2}", payment.total_amt)
}
