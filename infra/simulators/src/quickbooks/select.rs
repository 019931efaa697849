//! What a query means: which rows, in which order, and its answer (quickbooks.md §3.1, §3.3).

use std::cmp::Ordering;
use std::ops::Bound;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dialect::Dialect;
use super::entities::{self, Attribute, Entity, Kind};
use super::fault::Fault;
use super::json::Object;
use super::ledger::Ledger;
use super::query::{self, Columns, Comparison, Condition, Literal, Order};
use super::state::Company;
use super::table::Sought;
use super::time;
use super::value::{self, Case, Key};

/// Rows answered when the statement sets no limit.
const DEFAULT_ROWS: u64 = 100;

/// Rows of one answer at most.
const MOST_ROWS: u64 = 1000;

/// Runs a statement and answers `{"QueryResponse": …}`.
///
/// # Errors
/// 4000 when it cannot be parsed, 4001 when it makes no sense.
pub(super) fn run(company: &Company, statement: &str, now: Timestamp) -> Result<Value, Fault> {
    let dialect = company.switches.query;
    bounded("characters", statement.chars().count(), dialect.longest_statement)?;
    let statement = query::parse(statement, dialect)?;
    let language = Language { entity: entity(&statement.entity, dialect)?, dialect, now };
    let start = at_least_one(statement.start.unwrap_or(1))?;
    let max = most_rows(at_least_one(statement.max.unwrap_or(DEFAULT_ROWS))?, dialect)?;
    let shown = language.shown_columns(&statement.columns)?;
    let filters = statement.conditions.iter().map(|condition| language.filter(condition));
    let filters: Vec<_> = filters.collect::<Result<_, _>>()?;
    let order = language.order(&statement.order)?;
    // Unasked, capitals come before small letters (recorded).
    let case = if statement.order.is_empty() { Case::Exact } else { dialect.case() };
    let rows = sorted(matching(company.shown(now), language.entity, &filters), &order, case);
    if statement.columns == Columns::Count {
        return Ok(json!({"QueryResponse": {"totalCount": rows.len()}}));
    }
    let page: Vec<_> = rows.into_iter().skip(count(start - 1)).take(count(max)).collect();
    if page.is_empty() {
        return Ok(json!({"QueryResponse": {}}));
    }
    let page: Vec<_> = page.into_iter().map(|row| projected(row, shown.as_deref())).collect();
    let answered = page.len();
    Ok(json!({"QueryResponse": {language.entity.name: page, "startPosition": start, "maxResults": answered}}))
}

fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

fn invalid(why: impl std::fmt::Display) -> Fault {
    Fault::new(4001, format!("QueryValidationError: {why}"))
}

fn bounded(what: &str, given: usize, most: Option<usize>) -> Result<(), Fault> {
    match most.filter(|most| given > *most) {
        Some(most) => Err(invalid(format!("{given} {what} are too many. Max allowed are {most}"))),
        None => Ok(()),
    }
}

fn at_least_one(value: u64) -> Result<u64, Fault> {
    match value {
        0 => Err(invalid("value 0 is too small. Min allowed value is 1")),
        value => Ok(value),
    }
}

fn most_rows(asked: u64, dialect: Dialect) -> Result<u64, Fault> {
    if asked > MOST_ROWS && !dialect.clips_max_results {
        return Err(invalid(format!("value {asked} is too large. Max allowed value is {MOST_ROWS}")));
    }
    Ok(asked.min(MOST_ROWS))
}

fn entity(name: &str, dialect: Dialect) -> Result<&'static Entity, Fault> {
    let known =
        if dialect.any_entity_case { entities::entity_in_any_case(name) } else { entities::entity(name) };
    known.ok_or_else(|| invalid(format!("invalid context declaration: {name}")))
}

/// The rows all filters accept, oldest first: chosen from the fewest an index offers, else from all.
fn matching<'a>(ledger: &'a Ledger, entity: &Entity, filters: &[Filter]) -> Vec<&'a Object> {
    let asks_for_inactive = filters.iter().any(|filter| filter.attribute.0 == "Active");
    let visible = |row: &Object| {
        entity.label.is_none() || asks_for_inactive || row.get("Active") != Some(&Value::Bool(false))
    };
    let offered = |is_exact: bool| {
        let filters = filters.iter().filter(move |filter| filter.is_exact() == is_exact);
        let offers =
            filters.filter_map(|filter| ledger.find(entity.name, filter.attribute.0, &filter.sought()?));
        offers.min_by_key(Vec::len)
    };
    // A range may offer nearly all rows: it is only tried where nothing else narrows.
    let rows = offered(true).or_else(|| offered(false));
    let mut rows = rows.unwrap_or_else(|| ledger.rows(entity.name).iter().collect());
    rows.retain(|row| visible(row) && filters.iter().all(|filter| filter.accepts(row)));
    rows
}

fn sorted<'a>(rows: Vec<&'a Object>, order: &[(Attribute, bool)], case: Case) -> Vec<&'a Object> {
    let keys = |row: &Object| -> Vec<_> {
        order.iter().map(|(attribute, _)| value::of_row(row, *attribute, case)).collect()
    };
    let mut keyed: Vec<_> = rows.into_iter().map(|row| (keys(row), row)).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let each = order.iter().zip(a.iter().zip(b));
        each.fold(Ordering::Equal, |so_far, ((_, descending), (a, b))| {
            so_far.then_with(|| if *descending { b.cmp(a) } else { a.cmp(b) })
        })
    });
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// What the names and values of a statement mean.
struct Language {
    entity: &'static Entity,
    dialect: Dialect,
    now: Timestamp,
}

impl Language {
    fn attribute(&self, name: &str) -> Result<Attribute, Fault> {
        let doubtful = || self.entity.doubtful_attribute(name).filter(|_| self.dialect.doubtful_attributes);
        let attribute = self.entity.attribute(name).or_else(doubtful);
        attribute.ok_or_else(|| invalid(format!("property '{name}' is not queryable")))
    }

    /// `None` shows everything.
    fn shown_columns(&self, columns: &Columns) -> Result<Option<Vec<&'static str>>, Fault> {
        let (Columns::Named(names) | Columns::AllAnd(names)) = columns else { return Ok(None) };
        let names = names.iter().map(|name| Ok(self.attribute(name)?.0));
        let names = names.collect::<Result<_, Fault>>()?;
        Ok(Some(names).filter(|_| matches!(columns, Columns::Named(_))))
    }

    /// What to sort by, and whether downwards. Unasked, lists come by name (recorded) and all else by `Id` (documented).
    fn order(&self, asked: &[Order]) -> Result<Vec<(Attribute, bool)>, Fault> {
        if asked.is_empty() {
            let own = self.entity.label.map_or(("Id", Kind::Id), |label| (label, Kind::Text));
            return Ok(vec![(own, false)]);
        }
        asked.iter().map(|order| Ok((self.attribute(&order.attribute)?, order.descending))).collect()
    }

    fn filter(&self, condition: &Condition) -> Result<Filter, Fault> {
        let attribute = self.attribute(&condition.attribute)?;
        let comparison = condition.comparison;
        if !self.allows(attribute.1, comparison) {
            return Err(invalid(format!(
                "operator {comparison:?} is not supported for property '{}'",
                attribute.0
            )));
        }
        bounded("values", condition.values.len(), self.dialect.most_values)?;
        let keys = condition.values.iter().map(|literal| self.literal(attribute, literal));
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Filter { attribute, comparison, keys, case: self.dialect.case() })
    }

    fn allows(&self, kind: Kind, comparison: Comparison) -> bool {
        match comparison {
            Comparison::Equal | Comparison::In => true,
            Comparison::Like => kind == Kind::Text || (kind == Kind::Email && self.dialect.email_like),
            _ => !matches!(kind, Kind::Id | Kind::Flag | Kind::Reference | Kind::Email),
        }
    }

    fn literal(&self, (name, kind): Attribute, literal: &Literal) -> Result<Option<Key>, Fault> {
        let key = match (literal, kind) {
            (Literal::Text(text), _) if text == " " => return Ok(None),
            (Literal::Text(text), _) => value::of_text(text, kind, self.dialect.case()),
            (Literal::Flag(flag), Kind::Flag) => Some(Key::Flag(*flag)),
            (Literal::CurrentDate, Kind::Date) => Some(Key::Date(time::today(self.now))),
            _ => None,
        };
        key.map(Some).ok_or_else(|| invalid(format!("value of property '{name}' has the wrong type")))
    }
}

/// The asked fields and the few system fields that come along unasked.
fn projected(row: &Object, shown: Option<&[&str]>) -> Object {
    let Some(shown) = shown else { return row.clone() };
    let top_level = shown.iter().map(|name| name.split('.').next().unwrap_or(name));
    let names = top_level.chain(["Id", "domain", "sparse"]);
    names.filter_map(|name| Some((name.to_owned(), row.get(name)?.clone()))).collect()
}

struct Filter {
    attribute: Attribute,
    comparison: Comparison,
    /// `None` is null, written as one space.
    keys: Vec<Option<Key>>,
    case: Case,
}

impl Filter {
    fn is_exact(&self) -> bool {
        matches!(self.comparison, Comparison::Equal | Comparison::In)
    }

    /// The same for an index, unless none can tell.
    fn sought(&self) -> Option<Sought> {
        if self.is_exact() {
            return Some(Sought::OneOf(self.keys.clone()));
        }
        let key = self.keys.first()?.clone()?;
        match self.comparison {
            Comparison::Less => Some(Sought::Within(Bound::Unbounded, Bound::Excluded(key))),
            Comparison::AtMost => Some(Sought::Within(Bound::Unbounded, Bound::Included(key))),
            Comparison::Greater => Some(Sought::Within(Bound::Excluded(key), Bound::Unbounded)),
            Comparison::AtLeast => Some(Sought::Within(Bound::Included(key), Bound::Unbounded)),
            Comparison::Like | Comparison::Equal | Comparison::In => None,
        }
    }

    fn accepts(&self, row: &Object) -> bool {
        let value = value::of_row(row, self.attribute, self.case);
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
