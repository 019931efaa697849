//! The deal the tests vary: “Harbour kiosk”, billed to Ana Trujillo.

use crate::hubspot::{Contact, Deal, Enrolled, LineItem, Record, RecordId};
use crate::quickbooks::{Customer, Item};
use serde_json::{Value, from_value, json};

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
        line_items: line_items.collect(),
    }
}

/// The contact 501 with the given properties.
pub(crate) fn contact_with(properties: Value) -> Contact {
    Contact { id: RecordId(501), properties: from_value(properties).unwrap() }
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
