//! The demo's output: plain tables that fit a terminal of 110 columns.

use std::io::IsTerminal;

use comfy_table::presets::{UTF8_BORDERS_ONLY, UTF8_HORIZONTAL_ONLY};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, TableStyle, Width};

use super::seen::{Books, History, Invoice, Seen};

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

/// Documents, then customers.
pub(super) fn books(books: &Books) -> String {
    let mut documents = table(UTF8_BORDERS_ONLY, &["Invoice", "Customer", "Lines", "Total", "Date", "Due"]);
    for invoice in &books.invoices {
        documents.add_row([
            Cell::new(number(invoice)),
            Cell::new(invoice.customer()),
            Cell::new(invoice.lines()).set_alignment(CellAlignment::Right),
            Cell::new(format!("{:.2}", invoice.total_amt)).set_alignment(CellAlignment::Right),
            Cell::new(invoice.txn_date),
            Cell::new(due(invoice)),
        ]);
    }
    let mut customers = table(UTF8_BORDERS_ONLY, &["Customer", "E-mail", "Invoices"]);
    for customer in &books.customers {
        let billed =
            books.invoices.iter().filter(|invoice| invoice.customer() == customer.display_name).count();
        customers.add_row([
            Cell::new(&customer.display_name),
            Cell::new(customer.email()),
            Cell::new(billed).set_alignment(CellAlignment::Right),
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
    let invoices = new.invoices.iter().map(|invoice| {
        let lines = match invoice.lines() {
            1 => "1 line".to_owned(),
            lines => format!("{lines} lines"),
        };
        format!("invoice {}: {lines}, {:.2}, due {}", number(invoice), invoice.total_amt, due(invoice))
    });
    let all: Vec<_> = customers.chain(invoices).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("\n") }
}

fn number(invoice: &Invoice) -> &str {
    invoice.doc_number.as_deref().unwrap_or("–")
}

fn due(invoice: &Invoice) -> String {
    invoice.due_date.map_or("–".to_owned(), |date| date.to_string())
}
