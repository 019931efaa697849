//! The rows of one entity, and indexes over what queries and checks for duplicates look them up by: ten thousand documents
//! are found as quickly as a hundred.
//!
//! An index narrows down and does not decide: it forgets case and surrounding space, so whoever asks compares again.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::entities::{self, Attribute, Kind};
use super::json::{Object, text};
use super::value::{self, Case, Key};

/// Rows in the order they were kept in.
#[derive(Clone, Debug)]
pub(super) struct Table {
    rows: Vec<Object>,
    indexes: Vec<Index>,
    /// The row that was handed out to be changed last. It stands in no index until the table is written to again.
    loose: Option<usize>,
}

/// Where each value of an attribute is found: positions, rising.
#[derive(Clone, Debug)]
struct Index {
    attribute: Attribute,
    positions: BTreeMap<Option<Key>, Vec<usize>>,
}

/// What is looked for in an attribute.
#[derive(Clone, Debug)]
pub(super) enum Sought {
    OneOf(Vec<Option<Key>>),
    Within(Bound<Key>, Bound<Key>),
}

impl Table {
    /// No rows yet.
    pub(super) fn new(entity: &str) -> Table {
        let attributes = entities::entity(entity).into_iter().flat_map(|entity| entity.attributes());
        let attributes = attributes.filter(|(_, kind)| !matches!(kind, Kind::Flag | Kind::Number));
        let indexes = attributes.map(|attribute| Index { attribute, positions: BTreeMap::new() }).collect();
        Table { rows: Vec::new(), indexes, loose: None }
    }

    /// All of them.
    pub(super) fn rows(&self) -> &[Object] {
        &self.rows
    }

    /// The rows that may have what is sought, and perhaps others; `None` when no index tells.
    pub(super) fn find(&self, attribute: &str, sought: &Sought) -> Option<Vec<&Object>> {
        Some(self.positions(attribute, sought)?.into_iter().map(|position| &self.rows[position]).collect())
    }

    /// One row by its `Id`.
    pub(super) fn row(&self, id: &str) -> Option<&Object> {
        self.position(id).map(|position| &self.rows[position])
    }

    /// The same, to change anything but its `Id`.
    pub(super) fn row_mut(&mut self, id: &str) -> Option<&mut Object> {
        self.settle();
        let position = self.position(id)?;
        self.unlist(position);
        self.loose = Some(position);
        self.rows.get_mut(position)
    }

    /// Keeps another row.
    pub(super) fn push(&mut self, row: Object) {
        self.settle();
        self.rows.push(row);
        self.list(self.rows.len() - 1);
    }

    /// Takes a row out.
    pub(super) fn remove(&mut self, id: &str) -> Option<Object> {
        self.settle();
        let gone = self.position(id)?;
        self.unlist(gone);
        let later = self.indexes.iter_mut().flat_map(|index| index.positions.values_mut()).flatten();
        later.filter(|position| **position > gone).for_each(|position| *position -= 1);
        Some(self.rows.remove(gone))
    }

    /// Keeps only the rows that `keeps` says.
    pub(super) fn retain(&mut self, keeps: impl FnMut(&Object) -> bool) {
        self.rows.retain(keeps);
        self.loose = None;
        self.indexes.iter_mut().for_each(|index| index.positions.clear());
        (0..self.rows.len()).for_each(|position| self.list(position));
    }

    fn position(&self, id: &str) -> Option<usize> {
        let sought = Sought::OneOf(vec![value::of_text(id, Kind::Id, Case::Exact)]);
        let mut positions = self.positions("Id", &sought)?.into_iter();
        positions.find(|position| text(&self.rows[*position], &["Id"]) == id)
    }

    fn positions(&self, attribute: &str, sought: &Sought) -> Option<Vec<usize>> {
        let index = self.indexes.iter().find(|index| index.attribute.0 == attribute)?;
        let mut found = index.find(sought)?;
        found.extend(self.loose);
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    fn settle(&mut self) {
        if let Some(position) = self.loose.take() {
            self.list(position);
        }
    }

    fn list(&mut self, position: usize) {
        for index in &mut self.indexes {
            let key = indexed(value::of_row(&self.rows[position], index.attribute, Case::Folded));
            let listed = index.positions.entry(key).or_default();
            if let Err(place) = listed.binary_search(&position) {
                listed.insert(place, position);
            }
        }
    }

    fn unlist(&mut self, position: usize) {
        for index in &mut self.indexes {
            let key = indexed(value::of_row(&self.rows[position], index.attribute, Case::Folded));
            let Some(listed) = index.positions.get_mut(&key) else { continue };
            if let Ok(place) = listed.binary_search(&position) {
                listed.remove(place);
            }
            if listed.is_empty() {
                index.positions.remove(&key);
            }
        }
    }
}

impl Index {
    fn find(&self, sought: &Sought) -> Option<Vec<usize>> {
        let positions = match sought {
            Sought::OneOf(keys) => {
                let keys = keys.iter().cloned().map(indexed);
                keys.filter_map(|key| self.positions.get(&key)).flatten().copied().collect()
            }
            // Texts are not in the order of a query here, for the space around them is gone.
            Sought::Within(..) if !matches!(self.attribute.1, Kind::Date | Kind::Instant) => return None,
            Sought::Within(from, to) => {
                let from = match from {
                    Bound::Unbounded => Bound::Excluded(None),
                    bound => bound.clone().map(Some),
                };
                let range = (from, to.clone().map(Some));
                self.positions.range(range).flat_map(|(_, positions)| positions).copied().collect()
            }
        };
        Some(positions)
    }
}

fn indexed(key: Option<Key>) -> Option<Key> {
    match key {
        Some(Key::Text(text)) => Some(Key::Text(text.trim().to_lowercase())),
        key => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn customer(id: u8, name: &str) -> Object {
        let row = json!({"Id": id.to_string(), "DisplayName": name,
            "MetaData": {"CreateTime": format!("2026-03-{:02}T00:00:00Z", id % 28 + 1)}});
        serde_json::from_value(row).unwrap()
    }

    fn ids(rows: &[&Object]) -> Vec<String> {
        rows.iter().map(|row| text(row, &["Id"]).to_owned()).collect()
    }

    fn named(table: &Table, name: &str) -> Vec<String> {
        let sought = Sought::OneOf(vec![value::of_text(name, Kind::Text, Case::Folded)]);
        ids(&table.find("DisplayName", &sought).unwrap())
    }

    #[test]
    fn a_row_is_found_by_what_it_was_changed_to() {
        let mut table = Table::new("Customer");
        for (id, name) in [(1, "Ana"), (2, "Ben"), (3, " ANA ")] {
            table.push(customer(id, name));
        }
        assert_eq!(named(&table, "ana"), ["1", "3"]);
        table.row_mut("1").unwrap().insert("DisplayName".into(), json!("Cleo"));
        assert_eq!(named(&table, "cleo"), ["1"]);
        table.push(customer(4, "Ben"));
        assert_eq!((named(&table, "Cleo"), named(&table, "ana")), (vec!["1".into()], vec!["3".into()]));
        table.remove("2");
        assert_eq!((named(&table, "ben"), table.row("2")), (vec!["4".into()], None));
    }

    proptest! {
        /// Whatever was done to the table, its indexes find what looking at every row finds.
        #[test]
        fn indexes_find_what_a_walk_over_all_rows_finds(
            steps in prop::collection::vec((0_u8..5, 0_u8..12, "[abAB ]{0,2}"), 0..40),
        ) {
            let mut table = Table::new("Customer");
            for (step, id, name) in steps {
                let known = table.row(&id.to_string()).is_some();
                match step {
                    0 | 1 if !known => table.push(customer(id, &name)),
                    0..=2 => {
                        let row = table.row_mut(&id.to_string());
                        row.map(|row| row.insert("DisplayName".into(), json!(name)));
                    }
                    3 => { table.remove(&id.to_string()); }
                    _ => table.retain(|row| text(row, &["DisplayName"]) != name),
                }
            }
            for name in ["", "a", "b", "ab", "ba", "aa", "bb"] {
                let walk = table.rows().iter();
                let walk = walk.filter(|row| text(row, &["DisplayName"]).trim().to_lowercase() == name);
                let found = named(&table, name);
                let missed: Vec<_> = ids(&walk.collect::<Vec<_>>());
                prop_assert!(missed.iter().all(|id| found.contains(id)), "{name}: {found:?} {missed:?}");
                prop_assert!(found.len() <= missed.len() + 1);
            }
            for id in (0..12).map(|id: u8| id.to_string()) {
                let walk = table.rows().iter().find(|row| text(row, &["Id"]) == id);
                prop_assert_eq!(table.row(&id), walk);
            }
            let from = value::instant("2026-03-05").map(Key::Instant);
            let sought = Sought::Within(Bound::Included(from.clone().unwrap()), Bound::Unbounded);
            let found = ids(&table.find("MetaData.CreateTime", &sought).unwrap());
            let time = ("MetaData.CreateTime", Kind::Instant);
            let walk = table.rows().iter().filter(|row| value::of_row(row, time, Case::Folded) >= from);
            prop_assert!(ids(&walk.collect::<Vec<_>>()).iter().all(|id| found.contains(id)));
        }
    }
}
