//! What has become of a transaction, in a word, as QuickBooks' own lists show it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::super::json::{Object, text};
use super::super::time;
use super::amount;
use crate::page::Tone;

/// The word, and how it looks.
pub(super) fn of(entity: &str, row: &Object, now: Timestamp) -> (Tone, &'static str) {
    if is_voided(row) {
        return (Tone::Bad, "Voided");
    }
    match entity {
        "Invoice" => invoice(row, time::today(now)),
        "Estimate" => estimate(text(row, &["TxnStatus"])),
        "Payment" => payment(row),
        _ => (Tone::Good, "Paid"),
    }
}

/// A voided transaction says so in its note, and comes to nothing (quickbooks.md §8).
fn is_voided(row: &Object) -> bool {
    amount::of(row, "TotalAmt").is_zero() && text(row, &["PrivateNote"]).starts_with("Voided")
}

fn invoice(row: &Object, today: Date) -> (Tone, &'static str) {
    let (total, open) = (amount::of(row, "TotalAmt"), amount::of(row, "Balance"));
    let is_late = text(row, &["DueDate"]).parse::<Date>().is_ok_and(|due| due < today);
    match open {
        open if open.is_zero() => (Tone::Good, "Paid"),
        _ if is_late => (Tone::Bad, "Overdue"),
        open if open < total => (Tone::Waits, "Partly paid"),
        _ => (Tone::Waits, "Open"),
    }
}

fn estimate(status: &str) -> (Tone, &'static str) {
    match status {
        "Accepted" => (Tone::Good, "Accepted"),
        "Closed" => (Tone::Plain, "Closed"),
        "Rejected" => (Tone::Bad, "Rejected"),
        "Converted" => (Tone::Good, "Converted"),
        _ => (Tone::Waits, "Pending"),
    }
}

fn payment(row: &Object) -> (Tone, &'static str) {
    let (total, free) = (amount::of(row, "TotalAmt"), amount::of(row, "UnappliedAmt"));
    match free {
        free if free.is_zero() => (Tone::Good, "Applied"),
        free if free == total => (Tone::Waits, "Unapplied"),
        _ => (Tone::Waits, "Partly applied"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(entity: &str, row: Value, word: &str) {
        let Value::Object(row) = row else { unreachable!() };
        assert_eq!(of(entity, &row, "2026-03-02T20:00:00Z".parse().unwrap()).1, word);
    }

    #[test]
    fn a_transaction_s_status_is_one_word() {
        check("Invoice", json!({"TotalAmt": 9, "Balance": 9, "DueDate": "2026-03-02"}), "Open");
        check("Invoice", json!({"TotalAmt": 9, "Balance": 4, "DueDate": "2026-03-02"}), "Partly paid");
        check("Invoice", json!({"TotalAmt": 9, "Balance": 9, "DueDate": "2026-03-01"}), "Overdue");
        check("Invoice", json!({"TotalAmt": 9, "Balance": 0, "DueDate": "2026-03-01"}), "Paid");
        check("Invoice", json!({"TotalAmt": 0, "Balance": 0, "PrivateNote": "Voided"}), "Voided");
        check("Invoice", json!({"TotalAmt": 9, "Balance": 9, "PrivateNote": "Voided ones"}), "Open");
        check("SalesReceipt", json!({"TotalAmt": 9}), "Paid");
        check("Estimate", json!({"TotalAmt": 9, "TxnStatus": "Accepted"}), "Accepted");
        check("Payment", json!({"TotalAmt": 9, "UnappliedAmt": 9}), "Unapplied");
        check("Payment", json!({"TotalAmt": 9, "UnappliedAmt": 1}), "Partly applied");
        check("Payment", json!({"TotalAmt": 9, "UnappliedAmt": 0}), "Applied");
    }
}
