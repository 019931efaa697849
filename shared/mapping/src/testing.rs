//! The deal and the quote the tests vary: “Harbour kiosk”, billed to Ana Trujillo.

use crate::books::Books;
use crate::hubspot::{
    Adjustment, AdjustmentProperties, Company, Contact, Deal, Enrolled, LineItem, Payment, PaymentProperties,
    Quote, Record, RecordId,
};
use crate::item::MissingItem;
use crate::lookup::{Answers, Links, Matched};
use crate::problem::Problem;
use crate::quickbooks::{Customer, Item, ItemId};
use crate::sale;
use crate::settings::{Choices, Settings};
use serde_json::{Value, from_value, json};
use std::collections::BTreeMap;

/// A deal with the given lines, numbered from 601.
pub(crate) fn deal(lines: impl IntoIterator<Item = Value>) -> Enrolled {
    let deal = json!({"dealname": "Harbour kiosk", "amount": "134.97"});
    let contact = json!({"firstname": "Ana", "lastname": "Trujillo", "email": "ana@harbour.example"});
    let line_items = (601..)
        .zip(lines)
        .map(|(id, properties)| LineItem { id: RecordId(id), properties: from_value(properties).unwrap() });
    Enrolled {
        record: Record::Deal(Deal { id: RecordId(4821), properties: from_value(deal).unwrap() }),
        contact: Some(contact_with(contact)),
        companies: None,
        line_items: line_items.collect(),
        discounts: Vec::new(),
        fees: Vec::new(),
        taxes: Vec::new(),
        payments: Vec::new(),
        properties: BTreeMap::new(),
        portal_currency: None,
    }
}

/// A quote with the given lines and nothing else.
pub(crate) fn quote(lines: impl IntoIterator<Item = Value>) -> Enrolled {
    quote_with(json!({"hs_title": "Harbour kiosk", "hs_quote_amount": "134.97"}), deal(lines))
}

/// What is enrolled, as a quote with the given properties.
pub(crate) fn quote_with(properties: Value, enrolled: Enrolled) -> Enrolled {
    let quote = Quote { id: RecordId(7701), properties: from_value(properties).unwrap() };
    Enrolled { record: Record::Quote(quote), ..enrolled }
}

/// The record with discounts, numbered from 801, and fees, numbered from 901.
pub(crate) fn adjusted(enrolled: Enrolled, discounts: &[Value], fees: &[Value]) -> Enrolled {
    Enrolled { discounts: numbered(801, discounts), fees: numbered(901, fees), ..enrolled }
}

/// The quote with taxes of its own, numbered from 951.
pub(crate) fn taxed(enrolled: Enrolled, taxes: &[Value]) -> Enrolled {
    Enrolled { taxes: numbered(951, taxes), ..enrolled }
}

fn numbered(from: u64, all: &[Value]) -> Vec<Adjustment> {
    let read = |value: &Value| from_value::<AdjustmentProperties>(value.clone()).unwrap();
    (from..).zip(all).map(|(id, one)| Adjustment { id: RecordId(id), properties: read(one) }).collect()
}

/// The properties of a discount or fee.
pub(crate) fn adjustment(label: &str, kind: &str, value: &str) -> Value {
    json!({"hs_label": label, "hs_type": kind, "hs_value": value})
}

/// The record with payments, numbered from 9001.
pub(crate) fn with_payments(enrolled: Enrolled, payments: &[Value]) -> Enrolled {
    let read = |value: &Value| from_value::<PaymentProperties>(value.clone()).unwrap();
    let payments =
        (9001..).zip(payments).map(|(id, one)| Payment { id: RecordId(id), properties: read(one) }).collect();
    Enrolled { payments, ..enrolled }
}

/// The contact 501 with the given properties.
pub(crate) fn contact_with(properties: Value) -> Contact {
    Contact { id: RecordId(501), properties: from_value(properties).unwrap() }
}

/// The companies with the given properties, numbered from 701.
pub(crate) fn companies(all: &[Value]) -> Option<Vec<Company>> {
    let read = |value: &Value| from_value(value.clone()).unwrap();
    let numbered = (701..).zip(all);
    Some(numbered.map(|(id, one)| Company { id: RecordId(id), properties: read(one) }).collect())
}

/// A line nothing is wrong with; QuickBooks' item for it is [`widget`].
pub(crate) fn widget_line() -> Value {
    json!({"name": "Widget", "hs_sku": "WID-1", "quantity": "3", "price": "49.99", "amount": "149.97"})
}

/// The first value with the second's fields laid over it.
pub(crate) fn over(mut base: Value, fields: Value) -> Value {
    if let (Some(base), Value::Object(fields)) = (base.as_object_mut(), fields) {
        base.extend(fields);
    }
    base
}

/// The item with id 21.
pub(crate) fn widget() -> Item {
    item(json!({"Id": "21", "Name": "Widget", "Sku": "WID-1", "Type": "NonInventory"}))
}

/// An item as QuickBooks answers it.
pub(crate) fn item(value: Value) -> Item {
    from_value(value).unwrap()
}

/// A customer as QuickBooks answers it.
pub(crate) fn customer(value: Value) -> Customer {
    from_value(value).unwrap()
}

/// A company that keeps its books in dollars and puts fees on item 31.
pub(crate) fn settings() -> Settings {
    let choices = Choices { fee_item: Some(ItemId("31".into())), ..Choices::default() };
    Settings { books: Books { home_currency: Some("USD".parse().unwrap()), ..Books::default() }, choices }
}

/// The record in the company of [`settings`], which has [`widget`] and no customer.
pub(crate) fn settled(enrolled: &Enrolled) -> Result<Matched, Vec<Problem>> {
    let answers = Answers { items: vec![widget()], ..Answers::default() };
    sale::read(enrolled).settle(&Links::default(), &answers, &settings(), MissingItem::Refuse)
}
