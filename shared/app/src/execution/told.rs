//! What a person is told of a document that was created all the same.

use mapping::document::{self, Header};
use mapping::lookup::Matched;
use mapping::sale::Sale;
use mapping::settings::Settings;

/// A quote's optional lines that are not billed.
pub(super) fn left_out(sale: &Sale) -> impl Iterator<Item = String> {
    sale.left_out.iter().map(|line| {
        format!("Optional line item “{line}” was not chosen by the buyer, as the quote's amount tells: it is not billed.")
    })
}

/// Texts that QuickBooks does not take whole.
pub(super) fn of_texts(matched: &Matched, settings: &Settings, header: &Header) -> Option<String> {
    let names = document::altered(matched, settings, header);
    let quoted: Vec<String> = names.iter().map(|name| format!("“{name}”")).collect();
    (!quoted.is_empty()).then(|| {
        format!(
            "QuickBooks does not take the texts of {} whole: they were shortened, or lost characters.",
            quoted.join(", ")
        )
    })
}
