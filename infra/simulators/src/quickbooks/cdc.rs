//! Change data capture: what was created, changed or deleted since a moment (quickbooks.md §7).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::entities::{self, Entity};
use super::fault::{Fault, Reason};
use super::json::{Object, text};
use super::ledger::Ledger;
use super::state::Company;
use super::value::instant;

/// How far back one may look.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Objects in one answer, all entities together.
const MOST_OBJECTS: usize = 1000;

/// What cannot be followed: the pseudo and settings entities, and tax.
const LEFT_OUT: [&str; 5] = ["TaxCode", "TaxRate", "ExchangeRate", "Preferences", "CompanyInfo"];

/// Answers `{"CDCResponse": …}` with one part per entity, in the order asked for.
///
/// # Errors
/// 2020 without entities or moment, 2000, 2060, and 2190 for a moment too long ago; the last code is our expectation.
pub(super) fn run(company: &Company, entities: &str, since: &str, now: Timestamp) -> Result<Value, Fault> {
    for (name, given) in [("entities", entities), ("changedSince", since)] {
        if given.is_empty() {
            return Err(Reason::missing(name).into());
        }
    }
    // A plus sign that was not encoded arrives as a space.
    let moment =
        instant(since).ok_or_else(|| Fault::new(2060, format!("changedSince cannot be read: {since}")))?;
    if now.duration_since(moment) > LOOK_BACK {
        return Err(Fault::new(2190, "changedSince is at most 30 days ago"));
    }
    let mut room = MOST_OBJECTS;
    let mut parts = Vec::new();
    for name in entities.split(',') {
        let entity = followed(name.trim())?;
        let mut rows: Vec<_> = changed(company.shown(now), entity, moment).collect();
        // The longest unchanged first (recorded).
        rows.sort_by_key(|row| changed_at(row));
        rows.truncate(room);
        room -= rows.len();
        parts.push(part(entity, &rows));
    }
    Ok(json!({"CDCResponse": [{"QueryResponse": parts}]}))
}

/// Names are taken in any case (recorded).
fn followed(name: &str) -> Result<&'static Entity, Fault> {
    let known = entities::ENTITIES.iter().find(|entity| entity.name.eq_ignore_ascii_case(name));
    known
        .filter(|entity| !LEFT_OUT.contains(&entity.name))
        .ok_or_else(|| Fault::new(2000, format!("Changes of {name} cannot be asked for")))
}

/// Inactive rows too.
fn changed<'a>(
    ledger: &'a Ledger,
    entity: &'static Entity,
    since: Timestamp,
) -> impl Iterator<Item = &'a Object> {
    let all = ledger.rows(entity.name).iter().chain(ledger.deleted(entity.name));
    all.filter(move |row| changed_at(row).is_some_and(|at| at >= since))
}

fn changed_at(row: &Object) -> Option<Timestamp> {
    text(row, &["MetaData", "LastUpdatedTime"]).parse().ok()
}

fn part(entity: &Entity, rows: &[&Object]) -> Value {
    if rows.is_empty() {
        return json!({});
    }
    json!({entity.name: rows, "startPosition": 1, "maxResults": rows.len()})
}
