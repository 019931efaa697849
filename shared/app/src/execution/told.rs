//! What a person is told of a document that was created all the same.

use mapping::hubspot::Record;
use mapping::payment::{self, Uncounted};
use mapping::sale::Sale;

use crate::failure::uncounted;

/// A quote's optional lines that are not billed.
pub(super) fn left_out(sale: &Sale) -> impl Iterator<Item = String> {
    sale.left_out.iter().map(|line| {
        format!("Optional line item “{line}” was not chosen by the buyer, as the quote's amount tells: it is not billed.")
    })
}

/// Payments of HubSpot that do not count.
pub(super) fn of_payments(record: &Record, payments: &[Uncounted]) -> String {
    let payments = uncounted(payments);
    match record {
        Record::Quote(quote) if !payment::is_paid(quote) && payments.is_empty() => {
            "HubSpot does not say that the quote is paid.".to_owned()
        }
        Record::Quote(quote) if !payment::is_paid(quote) => {
            format!(
                "HubSpot does not say that the quote is paid, so that its payments do not count: {payments}."
            )
        }
        _ => format!("HubSpot's payments that do not count as money received: {payments}."),
    }
}

/// Texts that QuickBooks does not take whole, by the names of what they are of.
pub(super) fn of_texts(names: impl Iterator<Item = String>) -> Option<String> {
    let quoted: Vec<String> = names.map(|name| format!("“{name}”")).collect();
    (!quoted.is_empty()).then(|| {
        format!(
            "QuickBooks does not take the texts of {} whole: they were shortened, or lost characters.",
            quoted.join(", ")
        )
    })
}
