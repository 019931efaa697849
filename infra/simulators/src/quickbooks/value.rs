//! Values of rows as queries compare them (quickbooks.md §3.1).

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::entities::{Attribute, Kind};
use super::json::{Object, at, decimal};
use super::time;

/// A value to compare with others of its attribute. Null is no key at all and comes first in every order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// By its number; the few ids that are none come last.
    Id(u64, String),
    Text(String),
    Flag(bool),
    Number(Decimal),
    Date(Date),
    Instant(Timestamp),
}

/// Whether two texts that differ in case only are equal: by the docs they are, some integrations report otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Case {
    Folded,
    Exact,
}

/// What a row has in an attribute.
pub(super) fn of_row(row: &Object, (name, kind): Attribute, case: Case) -> Option<Key> {
    let mut path: Vec<_> = name.split('.').collect();
    match kind {
        Kind::Email => path.push("Address"),
        Kind::Reference => path.push("value"),
        _ => {}
    }
    let value = at(row, &path)?;
    match kind {
        Kind::Flag => value.as_bool().map(Key::Flag),
        Kind::Number => decimal(value).map(Key::Number),
        _ => of_text(value.as_str()?, kind, case),
    }
}

/// What a text stands for in an attribute of this kind; `None` when it cannot stand there.
pub(super) fn of_text(text: &str, kind: Kind, case: Case) -> Option<Key> {
    match kind {
        Kind::Id => Some(Key::Id(text.parse().unwrap_or(u64::MAX), text.to_owned())),
        Kind::Text | Kind::Email | Kind::Reference => Some(Key::Text(match case {
            Case::Folded => text.to_lowercase(),
            Case::Exact => text.to_owned(),
        })),
        Kind::Flag => None,
        Kind::Number => text.parse().ok().map(Key::Number),
        Kind::Date => text.parse().ok().map(Key::Date),
        Kind::Instant => instant(text).map(Key::Instant),
    }
}

/// With an offset, else in the service's own time; a bare day is its midnight.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| time::of_service(text.parse().ok()?))
}
