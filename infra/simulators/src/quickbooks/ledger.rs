//! The rows of a company, and how they looked before: what queries see while they lag behind (reliability.md §h,
//! experiment 7).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::json::Object;
use super::table::{Sought, Table};

/// Rows per entity, and what was deleted of them. Copies share the tables that none of them writes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    tables: BTreeMap<&'static str, Arc<Table>>,
    /// What is left of deleted rows, for change data capture.
    deleted: Vec<(&'static str, Object)>,
}

impl Ledger {
    /// The rows of an entity, if there ever were any.
    pub(super) fn table(&self, entity: &str) -> Option<&Table> {
        self.tables.get(entity).map(Arc::as_ref)
    }

    /// The same, to change them.
    pub(super) fn table_mut(&mut self, entity: &'static str) -> &mut Table {
        Arc::make_mut(self.tables.entry(entity).or_insert_with(|| Arc::new(Table::new(entity))))
    }

    /// The same, if there ever were any.
    pub(super) fn known_table_mut(&mut self, entity: &str) -> Option<&mut Table> {
        self.tables.get_mut(entity).map(Arc::make_mut)
    }

    /// Every row of an entity, oldest first.
    pub(super) fn rows(&self, entity: &str) -> &[Object] {
        self.table(entity).map(Table::rows).unwrap_or_default()
    }

    /// The rows that may have what is sought, oldest first, without a look at all of them; `None` when that cannot be.
    pub(super) fn find(&self, entity: &str, attribute: &str, sought: &Sought) -> Option<Vec<&Object>> {
        self.table(entity)?.find(attribute, sought)
    }

    /// Keeps the trace of a deleted row.
    pub(super) fn bury(&mut self, entity: &'static str, trace: Object) {
        self.deleted.push((entity, trace));
    }

    /// The traces of an entity's deleted rows.
    pub(super) fn deleted(&self, entity: &str) -> impl Iterator<Item = &Object> {
        self.deleted.iter().filter(move |(of, _)| *of == entity).map(|(_, trace)| trace)
    }
}

/// How the books looked before each write of the last while, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Past(VecDeque<(Timestamp, Arc<Ledger>)>);

impl Past {
    /// Keeps what the books are before a write, for so long.
    pub(super) fn remember(&mut self, ledger: &Ledger, now: Timestamp, lag: SignedDuration) {
        self.0.retain(|(written, _)| is_recent(*written, now, lag));
        // The items of a batch are one write.
        if self.0.back().is_none_or(|(written, _)| *written != now) {
            self.0.push_back((now, Arc::new(ledger.clone())));
        }
    }

    /// The books before the first write that is not so long ago; `None` when there was none.
    pub(super) fn shown(&self, now: Timestamp, lag: SignedDuration) -> Option<&Ledger> {
        self.0.iter().find(|(written, _)| is_recent(*written, now, lag)).map(|(_, ledger)| ledger.as_ref())
    }
}

/// Far in the future is what a clock that was set back leaves.
fn is_recent(written: Timestamp, now: Timestamp, lag: SignedDuration) -> bool {
    now.duration_since(written).abs() < lag
}
