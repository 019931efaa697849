//! What a query means: which rows, in which order, and its answer (quickbooks.md §3.1, §3.3).

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::entities::{self, Attribute, Entity, Kind};
use super::fault::Fault;
use super::json::{Object, at, decimal};
use super::query::{self, Columns, Comparison, Condition, Literal, Order, Statement};
use super::state::Company;
use super::time;

/// Rows answered when the statement sets no limit.
const DEFAULT_ROWS: u64 = 100;

/// Asking for more is not refused but clipped; which of the two Intuit does is not documented.
const MOST_ROWS: u64 = 1000;

/// Runs a statement and answers `{"QueryResponse": …}`.
///
/// # Errors
/// 4000 when it cannot be parsed, 4001 when it makes no sense.
pub(super) fn run(company: &Company, statement: &str, now: Timestamp) -> Result<Value, Fault> {
    let statement = query::parse(statement)?;
    let Some(entity) = entities::entity(&statement.entity) else {
        return Err(invalid(format!("invalid context declaration: {}", statement.entity)));
    };
    let start = at_least_one(statement.start.unwrap_or(1))?;
    let max = at_least_one(statement.max.unwrap_or(DEFAULT_ROWS))?.min(MOST_ROWS);
    let shown = shown_columns(entity, &statement.columns)?;
    let mut rows = matching(company, entity, &statement, now)?;
    sort(&mut rows, entity, &statement.order)?;
    if statement.columns == Columns::Count {
        return Ok(json!({"QueryResponse": {"totalCount": rows.len()}}));
    }
    let page: Vec<_> = rows.into_iter().skip(count(start - 1)).take(count(max)).collect();
    if page.is_empty() {
        return Ok(json!({"QueryResponse": {}}));
    }
    let page: Vec<_> = page.into_iter().map(|row| projected(row, shown.as_deref())).collect();
    let answered = page.len();
    Ok(json!({"QueryResponse": {entity.name: page, "startPosition": start, "maxResults": answered}}))
}

fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

fn invalid(why: impl std::fmt::Display) -> Fault {
    Fault::new(4001, format!("QueryValidationError: {why}"))
}

fn at_least_one(value: u64) -> Result<u64, Fault> {
    match value {
        0 => Err(invalid("value 0 is too small. Min allowed value is 1")),
        value => Ok(value),
    }
}

fn attribute(entity: &Entity, name: &str) -> Result<Attribute, Fault> {
    entity.attribute(name).ok_or_else(|| invalid(format!("property '{name}' is not queryable")))
}

fn matching<'a>(
    company: &'a Company,
    entity: &Entity,
    statement: &Statement,
    now: Timestamp,
) -> Result<Vec<&'a Object>, Fault> {
    let filters = statement.conditions.iter().map(|condition| Filter::new(entity, condition, now));
    let filters: Vec<_> = filters.collect::<Result<_, _>>()?;
    let asks_for_inactive = filters.iter().any(|filter| filter.attribute.0 == "Active");
    let visible = |row: &Object| {
        entity.label.is_none() || asks_for_inactive || row.get("Active") != Some(&Value::Bool(false))
    };
    let rows = company.rows(entity.name).iter();
    Ok(rows.filter(|row| visible(row) && filters.iter().all(|filter| filter.accepts(row))).collect())
}

fn sort(rows: &mut [&Object], entity: &Entity, order: &[Order]) -> Result<(), Fault> {
    let asked: Vec<_> = order
        .iter()
        .map(|order| Ok((attribute(entity, &order.attribute)?, order.descending)))
        .collect::<Result<_, Fault>>()?;
    let label = entity.label.map(|label| ((label, Kind::Text), false));
    let keys: Vec<_> = if asked.is_empty() { label.into_iter().collect() } else { asked };
    rows.sort_by(|a, b| {
        keys.iter().fold(Ordering::Equal, |so_far, (attribute, descending)| {
            let next = row_value(a, *attribute).cmp(&row_value(b, *attribute));
            so_far.then(if *descending { next.reverse() } else { next })
        })
    });
    Ok(())
}

/// `None` shows everything.
fn shown_columns(entity: &Entity, columns: &Columns) -> Result<Option<Vec<&'static str>>, Fault> {
    let Columns::Named(names) = columns else { return Ok(None) };
    let names = names.iter().map(|name| Ok(attribute(entity, name)?.0));
    names.collect::<Result<_, _>>().map(Some)
}

/// The asked fields and the few system fields that come along unasked.
fn projected(row: &Object, shown: Option<&[&str]>) -> Object {
    let Some(shown) = shown else { return row.clone() };
    let top_level = shown.iter().map(|name| name.split('.').next().unwrap_or(name));
    let names = top_level.chain(["Id", "domain", "sparse"]);
    names.filter_map(|name| Some((name.to_owned(), row.get(name)?.clone()))).collect()
}

/// A value to compare; text is lower-cased, for QuickBooks compares values without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Text(String),
    Flag(bool),
    Number(Decimal),
    Date(Date),
    Instant(Timestamp),
}

struct Filter {
    attribute: Attribute,
    comparison: Comparison,
    /// `None` is null, written as one space.
    keys: Vec<Option<Key>>,
}

impl Filter {
    fn new(entity: &Entity, condition: &Condition, now: Timestamp) -> Result<Filter, Fault> {
        let attribute = attribute(entity, &condition.attribute)?;
        let comparison = condition.comparison;
        if !allowed(attribute.1, comparison) {
            return Err(invalid(format!(
                "operator {comparison:?} is not supported for property '{}'",
                attribute.0
            )));
        }
        let keys = condition.values.iter().map(|literal| literal_value(attribute, literal, now));
        Ok(Filter { attribute, comparison, keys: keys.collect::<Result<_, _>>()? })
    }

    fn accepts(&self, row: &Object) -> bool {
        let value = row_value(row, self.attribute);
        self.keys.iter().any(|key| self.compares(value.as_ref(), key.as_ref()))
    }

    fn compares(&self, value: Option<&Key>, key: Option<&Key>) -> bool {
        if matches!(self.comparison, Comparison::Equal | Comparison::In) {
            return value == key;
        }
        let (Some(value), Some(key)) = (value, key) else { return false };
        match self.comparison {
            Comparison::Less => value < key,
            Comparison::Greater => value > key,
            Comparison::AtMost => value <= key,
            Comparison::AtLeast => value >= key,
            Comparison::Like => is_like(value, key),
            Comparison::Equal | Comparison::In => value == key,
        }
    }
}

fn allowed(kind: Kind, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal | Comparison::In => true,
        Comparison::Like => matches!(kind, Kind::Text | Kind::Email),
        _ => !matches!(kind, Kind::Id | Kind::Flag | Kind::Reference | Kind::Email),
    }
}

fn literal_value(attribute: Attribute, literal: &Literal, now: Timestamp) -> Result<Option<Key>, Fault> {
    let (name, kind) = attribute;
    let key = match (literal, kind) {
        (Literal::Text(text), _) if text == " " => return Ok(None),
        (Literal::Text(text), Kind::Id | Kind::Text | Kind::Email | Kind::Reference) => {
            Some(Key::Text(text.to_lowercase()))
        }
        (Literal::Text(text), Kind::Number) => text.parse().ok().map(Key::Number),
        (Literal::Text(text), Kind::Date) => text.parse().ok().map(Key::Date),
        (Literal::Text(text), Kind::Instant) => instant(text).map(Key::Instant),
        (Literal::Flag(flag), Kind::Flag) => Some(Key::Flag(*flag)),
        (Literal::CurrentDate, Kind::Date) => Some(Key::Date(time::today(now))),
        _ => None,
    };
    key.map(Some).ok_or_else(|| invalid(format!("value of property '{name}' has the wrong type")))
}

fn row_value(row: &Object, (name, kind): Attribute) -> Option<Key> {
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
        Kind::Date => value.as_str()?.parse().ok().map(Key::Date),
        Kind::Instant => instant(value.as_str()?).map(Key::Instant),
        Kind::Id | Kind::Text | Kind::Email | Kind::Reference => {
            Some(Key::Text(value.as_str()?.to_lowercase()))
        }
    }
}

/// With an offset, or a bare day.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
}

/// `%` stands for any text, also none; there is no other wildcard.
fn is_like(value: &Key, pattern: &Key) -> bool {
    let (Key::Text(value), Key::Text(pattern)) = (value, pattern) else { return false };
    let Some((head, tail)) = pattern.split_once('%') else { return value == pattern };
    let Some(mut rest) = value.strip_prefix(head) else { return false };
    let mut parts: Vec<_> = tail.split('%').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(found) = rest.find(part) else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_one_wildcard() {
        let like = |value: &str, pattern: &str| is_like(&Key::Text(value.into()), &Key::Text(pattern.into()));
        assert!(like("northwind traders", "north%"));
        assert!(like("northwind traders", "%traders"));
        assert!(like("northwind traders", "n%wind%s"));
        assert!(like("northwind", "northwind"));
        assert!(!like("northwind", "north"));
        assert!(!like("northwind", "nor_hwind"));
        assert!(!like("ab", "ab%b"));
    }
}
