//! What a statement finds, by the plainest reading of quickbooks.md §3.1 over all rows there are.

use std::cmp::Ordering;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::company::{Rows, TODAY};
use super::language::{Attribute, Columns, Condition, Kind, Statement, Written};

/// The value of `QueryResponse`.
pub(super) fn answer(rows: &Rows, statement: &Statement) -> Value {
    let (entity, label, _) = statement.entity;
    let asks_for_inactive = statement.conditions.iter().any(|condition| condition.attribute.0 == "Active");
    let mut found: Vec<&Value> = rows[entity].iter().collect();
    found.retain(|row| label.is_none() || asks_for_inactive || row["Active"] != json!(false));
    found.retain(|row| statement.conditions.iter().all(|condition| holds(row, condition)));
    if matches!(statement.columns, Columns::Count) {
        return json!({"totalCount": found.len()});
    }
    // Unasked, lists come by name, capitals before small letters (recorded), and all else by its number.
    match label.filter(|_| statement.order.is_empty()) {
        Some(label) => found.sort_by_key(|row| row[label].as_str()),
        None if statement.order.is_empty() => found.sort_by(|a, b| compared(&a["Id"], &b["Id"], Kind::Id)),
        None => found.sort_by(|a, b| ordered(a, b, &statement.order)),
    }
    let (start, max) = (statement.start.unwrap_or(1), statement.max.unwrap_or(100));
    let page =
        found.into_iter().skip(usize::try_from(start - 1).unwrap()).take(usize::try_from(max).unwrap());
    let page: Vec<Value> = page.map(|row| shown(row, &statement.columns)).collect();
    if page.is_empty() {
        return json!({});
    }
    json!({"startPosition": start, "maxResults": page.len(), entity: page})
}

fn ordered(a: &Value, b: &Value, order: &[(Attribute, Option<bool>)]) -> Ordering {
    let each = order.iter().map(|((name, kind), descending)| {
        let order = compared(raw(a, name, *kind), raw(b, name, *kind), *kind);
        if *descending == Some(true) { order.reverse() } else { order }
    });
    each.fold(Ordering::Equal, Ordering::then)
}

/// What the row has there, null when it has nothing.
pub(super) fn raw<'a>(row: &'a Value, name: &str, kind: Kind) -> &'a Value {
    let value = name.split('.').fold(row, |value, name| &value[name]);
    match kind {
        Kind::Email => &value["Address"],
        Kind::Reference => &value["value"],
        _ => value,
    }
}

/// A number as JSON has it: `01` is one in a query, and none there.
fn number(text: &str) -> Value {
    let number: rust_decimal::Decimal = text.parse().unwrap();
    serde_json::from_str(&number.to_string()).unwrap()
}

fn holds(row: &Value, condition: &Condition) -> bool {
    let (name, kind) = condition.attribute;
    let value = raw(row, name, kind);
    condition.values.iter().any(|written| {
        let sought = match written {
            Written::Quoted(text) if text == " " => Value::Null,
            Written::Quoted(text) if kind == Kind::Number => number(text),
            Written::Quoted(text) => json!(text),
            Written::Bare("CURRENT_DATE") => json!(TODAY),
            Written::Bare(flag) => json!(*flag == "true"),
            Written::FromRow(..) => unreachable!("values are resolved"),
        };
        if matches!(condition.comparison, "=" | "in") {
            return compared(value, &sought, kind).is_eq();
        }
        if value.is_null() || sought.is_null() {
            return false;
        }
        let order = compared(value, &sought, kind);
        match condition.comparison {
            "<" => order.is_lt(),
            ">" => order.is_gt(),
            "<=" => order.is_le(),
            ">=" => order.is_ge(),
            _ => is_like(&letters(value), &letters(&sought)),
        }
    })
}

fn letters(value: &Value) -> Vec<char> {
    value.as_str().unwrap().to_lowercase().chars().collect()
}

fn is_like(text: &[char], pattern: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|skipped| is_like(&text[skipped..], rest)),
        Some((letter, rest)) => text.first() == Some(letter) && is_like(&text[1..], rest),
    }
}

/// Null comes first.
fn compared(a: &Value, b: &Value, kind: Kind) -> Ordering {
    if a.is_null() || b.is_null() {
        return b.is_null().cmp(&a.is_null());
    }
    let decimal = |value: &Value| value.to_string().parse::<Decimal>().unwrap();
    let moment = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap_or(u64::MAX);
    match kind {
        Kind::Flag => a.as_bool().cmp(&b.as_bool()),
        Kind::Number => decimal(a).cmp(&decimal(b)),
        Kind::Instant => moment(a).cmp(&moment(b)),
        Kind::Id => number(a).cmp(&number(b)).then_with(|| a.as_str().cmp(&b.as_str())),
        Kind::Text | Kind::Email | Kind::Reference | Kind::Date => letters(a).cmp(&letters(b)),
    }
}

/// `Id`, `domain` and `sparse` come along unasked.
fn shown(row: &Value, columns: &Columns) -> Value {
    let Columns::Named(names) = columns else { return row.clone() };
    let top_level = |(name, _): &Attribute| name.split('.').next().unwrap();
    let names = names.iter().map(top_level).chain(["Id", "domain", "sparse"]);
    let fields = names.filter_map(|name| Some((name.to_owned(), row.get(name)?.clone())));
    Value::Object(fields.collect::<Map<_, _>>())
}
