//! What a HubSpot deal is, what a QuickBooks document is, and how one becomes the other. No I/O, no clock: today's date is
//! an argument, and whoever calls does the one look-up in the middle.
//!
//! 1. [`sale::read`]: the enrolled record into a [`sale::Reading`].
//! 2. [`sale::Reading::wanted`] says what to ask QuickBooks; [`sale::Reading::settle`] takes the answers and gives a
//!    [`lookup::Matched`] sale, or every [`problem::Problem`] of record and look-up at once.
//! 3. [`document::write`]: the matched sale into the invoice, estimate or sales receipt to create.
//!
//! What was paid is read beside it by [`payment::paid`], and written by [`payment::write`] once an invoice exists.
//!
//! ```
//! use mapping::{document, hubspot, item, lookup, quickbooks, sale, settings};
//! use serde_json::{from_value, json};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let enrolled = hubspot::Enrolled {
//!     record: hubspot::Record::Deal(hubspot::Deal {
//!         id: hubspot::RecordId(4821),
//!         properties: from_value(json!({"dealname": "Harbour kiosk", "amount": "134.97"}))?,
//!     }),
//!     contact: Some(hubspot::Contact {
//!         id: hubspot::RecordId(501),
//!         properties: from_value(json!({"firstname": "Ana", "lastname": "Trujillo", "email": "ana@harbour.example"}))?,
//!     }),
//!     companies: None,
//!     line_items: vec![hubspot::LineItem {
//!         id: hubspot::RecordId(601),
//!         properties: from_value(json!({
//!             "name": "Widget", "hs_sku": "WID-1", "quantity": "3", "price": "49.99",
//!             "hs_discount_percentage": "10", "amount": "134.97"
//!         }))?,
//!     }],
//!     discounts: vec![],
//!     fees: vec![],
//!     taxes: vec![],
//!     payments: vec![],
//!     properties: Default::default(),
//!     portal_currency: None,
//! };
//!
//! // Read, and see what has to be asked: nothing is remembered of this contact and product yet.
//! let reading = sale::read(&enrolled);
//! let links = lookup::Links::default();
//! let wanted = reading.wanted(&links);
//! assert!(wanted.emails.contains("ana@harbour.example") && wanted.skus.contains("WID-1"));
//!
//! // QuickBooks has the item and does not know the customer.
//! let answers = lookup::Answers {
//!     items: vec![from_value(json!({"Id": "21", "Name": "Widget", "Sku": "wid-1", "Type": "NonInventory"}))?],
//!     ..Default::default()
//! };
//! let settings = settings::Settings::default();
//! let matched = reading.settle(&links, &answers, &settings, item::MissingItem::Refuse).expect("nothing is wrong with this deal");
//! assert_eq!(matched.customer.matched().as_str(), "created");
//! assert_eq!(matched.customer.name(), "Ana Trujillo");
//!
//! // Once the customer is created, the invoice can be written.
//! let customer = quickbooks::CustomerId("58".into());
//! let header = document::Header {
//!     today: "2026-03-02".parse()?,
//!     due_days: Some("30".parse()?),
//!     exchange_rate: None,
//!     number: mapping::number::Number::OfQuickBooks,
//!     emailing: Default::default(),
//!     properties: Default::default(),
//!     expires: None,
//!     paid: None,
//!     payment_method: None,
//!     deposit_account: None,
//!     ship_to: None,
//!     ship_date: None,
//!     marker: "[hs 0123456789abcdef0123]".into(),
//!     record_url: "https://app.hubspot.com/contacts/1/record/0-3/4821".into(),
//! };
//! let items: Vec<_> = matched.items.iter().filter_map(|item| Some(item.existing()?.id.clone())).collect();
//! let draft = document::write(quickbooks::DocumentKind::Invoice, &matched, &customer, &items, &settings, &header);
//! let written = serde_json::to_value(&draft)?;
//! assert_eq!(written["DueDate"], "2026-04-01");
//! assert_eq!(
//!     written["Line"],
//!     json!([{
//!         "DetailType": "SalesItemLineDetail",
//!         "Amount": serde_json::from_str::<serde_json::Number>("134.97")?,
//!         "Description": "Widget\nDiscount 10 %",
//!         "SalesItemLineDetail": {
//!             "ItemRef": {"value": "21"},
//!             "Qty": 3,
//!             "UnitPrice": serde_json::from_str::<serde_json::Number>("44.99")?
//!         }
//!     }])
//! );
//! # Ok(())
//! # }
//! ```

pub mod adjustment;
pub mod books;
pub mod custom;
pub mod customer;
pub mod date;
pub mod document;
pub mod hubspot;
pub mod item;
pub mod line;
pub mod lookup;
pub mod money;
pub mod number;
mod optional;
pub mod payment;
pub mod problem;
pub mod quickbooks;
pub mod rate;
pub mod sale;
pub mod settings;
pub mod tax;
pub mod template;
#[cfg(test)]
mod testing;
mod text;
