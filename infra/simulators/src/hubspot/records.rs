//! What the fake CRM holds: records with string properties (hubspot.md §6).

use super::associations::{self, Association, Associations, Side};
use super::object_type::ObjectType;
use super::quote::{self, Properties};
use super::switches::Switches;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A record as it is seeded; seeding the same id again replaces it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) id: String,
    /// Strings or null, nothing else: HubSpot knows no other value.
    #[serde(default)]
    pub(super) properties: Properties,
    #[serde(default)]
    associations: Associations,
    /// An archived record answers 404.
    #[serde(default)]
    archived: bool,
}

/// The records of one portal; written as they are seeded, a list per type.
#[derive(Clone, Debug, Default)]
pub(super) struct Records(BTreeMap<ObjectType, BTreeMap<String, Record>>);

/// Ids of records the simulator makes are counted up from here.
const FIRST_OWN_ID: u64 = 9_000_000_001;

impl Record {
    /// A record that nothing hangs on yet.
    pub(super) fn new(id: &str, properties: Properties) -> Self {
        Self { id: id.to_owned(), properties, associations: Associations::new(), archived: false }
    }

    /// Ids of the records of that type that hang on it, each once.
    pub(super) fn associated(&self, to: ObjectType) -> BTreeSet<String> {
        let list = self.associations.get(&to).into_iter().flatten();
        list.map(|association| association.id().to_owned()).collect()
    }

    /// What keeps the record from being seeded under a type: an id that is no number, an association HubSpot has not.
    pub(super) fn problem(&self, kind: ObjectType) -> Option<String> {
        if self.id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(format!("{} {:?}: ids are digits", kind.name(), self.id));
        }
        let problem = associations::problem(kind, &self.associations)?;
        Some(format!("{} {}: {problem}", kind.name(), self.id))
    }

    /// The record's side of its associations.
    pub(super) fn side(&self, kind: ObjectType) -> Side<'_> {
        Side { kind, id: &self.id, associations: &self.associations }
    }
}

impl Serialize for Records {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_map(self.0.iter().map(|(kind, records)| (kind, records.values().collect::<Vec<_>>())))
    }
}

impl Records {
    /// Puts a record in place of any earlier one with its id, dated `now` unless it brings its own dates.
    pub(super) fn put(&mut self, kind: ObjectType, mut record: Record, now: Timestamp) {
        for name in kind.date_properties() {
            record.properties.entry(name.to_owned()).or_insert_with(|| Some(format!("{now:.3}")));
        }
        if kind == ObjectType::Quotes {
            quote::settle(&mut record.properties);
        }
        record.properties.insert("hs_object_id".to_owned(), Some(record.id.clone()));
        self.0.entry(kind).or_default().insert(record.id.clone(), record);
    }

    /// The record, unless it is missing or archived.
    pub(super) fn get(&self, kind: ObjectType, id: &str) -> Option<&Record> {
        self.0.get(&kind)?.get(id).filter(|record| !record.archived)
    }

    /// Every record of a type, archived ones too, by id.
    pub(super) fn all(&self, kind: ObjectType) -> impl Iterator<Item = &Record> {
        self.0.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// The types there are records of, with how many.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (ObjectType, usize)> {
        self.0.iter().map(|(kind, records)| (*kind, records.len()))
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, kind: ObjectType, id: &str) -> Option<&mut Record> {
        self.0.get_mut(&kind)?.get_mut(id).filter(|record| !record.archived)
    }

    /// An id no record of the type has.
    pub(super) fn unused_id(&self, kind: ObjectType) -> String {
        let taken = |id: &u64| self.0.get(&kind).is_some_and(|records| records.contains_key(&id.to_string()));
        (FIRST_OWN_ID..).find(|id| !taken(id)).unwrap_or_default().to_string()
    }

    /// Associates two records with each other, as far as HubSpot has a type for it.
    pub(super) fn link(&mut self, one: (ObjectType, &str), other: (ObjectType, &str)) {
        for ((from, id), (to, to_id)) in [(one, other), (other, one)] {
            if !associations::are_possible(from, to) {
                continue;
            }
            if let Some(record) = self.get_mut(from, id) {
                record.associations.entry(to).or_default().push(Association::Plain(to_id.to_owned()));
            }
        }
    }

    /// The record as a read answers it: the asked-for properties and the default ones.
    pub(super) fn view(
        &self,
        kind: ObjectType,
        record: &Record,
        asked: &[String],
        embed: &[ObjectType],
        switches: &Switches,
    ) -> Value {
        let [created, updated] = kind.date_properties();
        let default = [created, updated, "hs_object_id"];
        let known = asked.iter().map(String::as_str).filter(|name| self.knows(kind, name));
        let properties: Map<String, Value> = default
            .into_iter()
            .chain(known)
            .map(|name| (name.to_owned(), json!(record.properties.get(name).cloned().flatten())))
            .collect();
        let mut view = json!({
            "id": record.id,
            "createdAt": properties[created],
            "updatedAt": properties[updated],
            "archived": false,
            "properties": properties,
        });
        let lists = record.side(kind).embedded(embed, switches);
        if !lists.is_empty() {
            view["associations"] = Value::Object(lists);
        }
        view
    }

    /// A property exists when every portal has it, or when a record of the type was seeded with it.
    pub(super) fn knows(&self, kind: ObjectType, property: &str) -> bool {
        let seeded = || self.0.get(&kind).into_iter().flat_map(BTreeMap::values);
        kind.has_standard_property(property)
            || seeded().any(|record| record.properties.contains_key(property))
    }
}
