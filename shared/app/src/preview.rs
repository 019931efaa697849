//! What would be created, for somebody who wants to see it first (rulings.md 36).
//!
//! A preview is planned by the same code as what is created, so that its document is the one that would be sent: with the
//! marker and the day of its own execution, and with [`TO_BE_CREATED`] in place of the id of what would be created before
//! it. It is kept with its execution as the plan that was made, which is never frozen and never sent.
//!
//! What only QuickBooks itself decides is not foreseen: the tax it computes, the number it gives, and what it refuses for
//! reasons of its own, such as a name that a vendor has.

use std::collections::BTreeSet;

use jiff::civil::Date;
use mapping::customer::CustomerFound;
use mapping::item::ItemFound;
use mapping::lookup::Matched;
use mapping::money::Currency;
use mapping::quickbooks::{CustomerId, Draft, ItemId};
use mapping::settings::Settings;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use store::record::Plan;

use crate::answer::Notes;

/// Stands in a previewed document for the id of what would be created first: no id of QuickBooks looks so.
pub const TO_BE_CREATED: &str = "(new)";

/// What is kept beside the document: the notes of its plan.
#[derive(Serialize, Deserialize)]
pub(crate) struct Preview {
    /// What a plan that is frozen has.
    pub(crate) notes: Notes,
    /// An invoice's due date; none when QuickBooks' terms decide.
    pub(crate) due_date: Option<Date>,
    /// The currency of the document, named in it or the company's own.
    pub(crate) currency: Option<Currency>,
    /// The lines in their order, with the items they stand on.
    pub(crate) lines: Vec<Line>,
}

/// A line, and why it stands on its item.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    /// What HubSpot calls it.
    pub(crate) name: String,
    /// How many.
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) quantity: Decimal,
    /// What HubSpot says it comes to.
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) amount: Decimal,
    /// The item's id.
    pub(crate) item: String,
    /// The item's full name, where QuickBooks was asked.
    pub(crate) item_name: Option<String>,
    /// The step that decided.
    pub(crate) matched: String,
}

impl Preview {
    pub(crate) fn new(notes: Notes, draft: &Draft, matched: &Matched, settings: &Settings) -> Self {
        let home_currency = settings.books.home_currency.clone();
        Self {
            due_date: draft.due_date(),
            currency: matched.sale.currency.clone().or(home_currency),
            lines: lines(matched),
            notes,
        }
    }

    /// None when it is the plan of no preview.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        serde_json::from_value(plan.notes.clone()).ok()
    }

    /// The products that would be created, each once.
    pub(crate) fn new_items(&self) -> BTreeSet<&str> {
        let new = self.lines.iter().filter(|line| line.item == TO_BE_CREATED);
        new.filter_map(|line| line.item_name.as_deref()).collect()
    }

    /// The customer that exists already.
    pub(crate) fn customer_id(&self) -> Option<&CustomerId> {
        Some(&self.notes.customer_id).filter(|id| id.0 != TO_BE_CREATED)
    }
}

/// The products, then the fees.
fn lines(matched: &Matched) -> Vec<Line> {
    let products = matched.sale.lines.iter().zip(&matched.items).map(|(line, found)| Line {
        name: line.article.label().to_string(),
        quantity: line.figures.quantity,
        amount: line.figures.amount,
        item: item(found).to_string(),
        item_name: match found {
            ItemFound::Existing(item) => item.name.clone(),
            ItemFound::Missing(new) => Some(new.name.clone()),
        },
        matched: found.existing().map_or("created", |item| item.matched.as_str()).to_owned(),
    });
    let fees = matched.sale.fees.iter().map(|fee| Line {
        name: fee.charge.label.clone(),
        quantity: Decimal::ONE,
        amount: fee.charge.amount,
        item: fee.item.to_string(),
        item_name: None,
        matched: "fee_item".to_owned(),
    });
    products.chain(fees).collect()
}

/// Who the document is for: one that would be created has no id yet.
pub fn customer(found: &CustomerFound) -> (CustomerId, String) {
    match found {
        CustomerFound::Existing { id, name, .. } => (id.clone(), name.clone()),
        CustomerFound::Missing(new) => (CustomerId(TO_BE_CREATED.to_owned()), new.display_name.clone()),
    }
}

/// What a line stands on: an item that would be created has no id yet.
pub fn item(found: &ItemFound) -> ItemId {
    found.existing().map_or_else(|| ItemId(TO_BE_CREATED.to_owned()), |item| item.id.clone())
}
