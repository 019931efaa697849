//! What happened in a portal, for its people: executions by time, the newest first. It only reads.
//!
//! Why is a place in the list a time and a callback id, and not the key that DynamoDB gives out? It comes back from a
//! browser: the portal is put to it here, so that no place can lie in another portal's list.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use mapping::hubspot::PortalId;

use crate::execution::read;
use crate::item::{Item, millis, text};
use crate::record::{Key, Record, State};
use crate::{Error, Store};

/// A search for rare states gives up after so many pages of the index, a megabyte each, and says where it stopped.
const PAGES_AT_ONCE: usize = 8;

/// A part of a portal's activity.
#[derive(Debug)]
pub struct Activity {
    /// The executions, the newest first.
    pub records: Vec<Record>,
    /// Where the next part begins; none when this is the last. A part may be short and have a next one all the same.
    pub next: Option<Place>,
}

/// A place in a portal's activity: behind this execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    created_at: Timestamp,
    id: String,
}

/// As it stands in an address: `1772442930000.ap-1000001-77-3-0`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at.as_millisecond(), self.id)
    }
}

/// What an address says is no place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the list")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (created_at, id) = text.split_once('.').ok_or(NoPlace)?;
        let created_at = created_at.parse().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        // Of whatever portal: only the id is kept.
        let key = Key::of_id(PortalId(0), id);
        created_at.zip(key).map(|(created_at, key)| Self { created_at, id: key.id() }).ok_or(NoPlace)
    }
}

impl Store {
    /// At most `limit` executions of the portal behind `place`, those in one of `states`; all states when none is named. The
    /// index may lag behind the records.
    ///
    /// # Errors
    /// [`Error::Unavailable`]. A record that cannot be read is left out and logged: the others are shown.
    pub async fn activity(
        &self,
        portal: PortalId,
        states: &[State],
        place: Option<&Place>,
        limit: usize,
    ) -> Result<Activity, Error> {
        let mut records: Vec<Record> = Vec::new();
        let mut next = place.cloned();
        for _page in 0..PAGES_AT_ONCE {
            let page = self.activity_page(portal, states, next.as_ref(), limit + 1).await?;
            records.extend(page.records);
            next = page.next;
            if next.is_none() || records.len() > limit {
                break;
            }
        }
        if records.len() > limit {
            records.truncate(limit);
            next = records.last().and_then(Place::behind);
        }
        Ok(Activity { records, next })
    }

    async fn activity_page(
        &self,
        portal: PortalId,
        states: &[State],
        place: Option<&Place>,
        limit: usize,
    ) -> Result<Activity, Error> {
        let mut query = self
            .dynamodb
            .query()
            .table_name(&self.names.table)
            .index_name("activity")
            .key_condition_expression("activity = :portal")
            .expression_attribute_values(":portal", text(portal.to_string()))
            .scan_index_forward(false)
            .set_exclusive_start_key(place.and_then(|place| place.start_key(portal)));
        if states.is_empty() {
            query = query.limit(i32::try_from(limit).unwrap_or(i32::MAX));
        } else {
            // What is filtered out counts for a limit: the index's own page of a megabyte is the limit then.
            query = query.filter_expression(format!("st IN ({})", names(states).join(", ")));
            for (name, state) in names(states).into_iter().zip(states) {
                query = query.expression_attribute_values(name, text(state.as_str()));
            }
        }
        let page = query.send().await.map_err(Error::unavailable("reading the activity"))?;
        let next = page.last_evaluated_key().and_then(Place::read);
        Ok(Activity { records: page.items().iter().filter_map(execution).collect(), next })
    }
}

impl Place {
    /// Behind this record; none for one that is no execution.
    pub fn behind(record: &Record) -> Option<Self> {
        let execution = matches!(record.key, Key::Execution { .. });
        execution.then(|| Self { created_at: record.created_at, id: record.key.id() })
    }

    /// None for a place that no list has.
    fn start_key(&self, portal: PortalId) -> Option<HashMap<String, AttributeValue>> {
        let key = Key::of_id(portal, &self.id)?;
        let attributes = [
            ("pk", text(key.partition())),
            ("sk", text(key.sort())),
            ("activity", text(portal.to_string())),
            ("created_at", millis(self.created_at)),
        ];
        Some(attributes.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn read(attributes: &HashMap<String, AttributeValue>) -> Option<Self> {
        let item = Item { what: "the activity", attributes };
        Some(Self { created_at: item.optional_time("created_at").ok()??, id: key(&item)?.id() })
    }
}

fn key(item: &Item<'_>) -> Option<Key> {
    Key::of_execution(&item.text("pk").ok()?, &item.text("sk").ok()?)
}

fn execution(attributes: &HashMap<String, AttributeValue>) -> Option<Record> {
    let item = Item { what: "the activity", attributes };
    let record = read(&key(&item)?, attributes);
    record.inspect_err(|error| tracing::error!(%error, "an execution is left out of the activity")).ok()
}

fn names(states: &[State]) -> Vec<String> {
    states.iter().map(|state| format!(":{}", state.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_an_address_as_it_was() {
        for id in ["ap-1000001-77-3-0", "ap-1000001-77-3-0~2", "with.dots.and%20%7E%20signs", "1"] {
            let place = Place { created_at: Timestamp::UNIX_EPOCH, id: id.to_owned() };
            assert_eq!(place.to_string().parse(), Ok(place), "{id}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["", "1", ".", "x.y", "1.", "99999999999999999999.x", "P#1.x", "1.x~0"] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }

    #[test]
    fn a_place_lies_in_the_list_of_the_portal_that_asks() {
        let place: Place = "0.E#2#ap".parse().unwrap();
        let key = place.start_key(PortalId(1)).unwrap();
        assert_eq!(key["activity"], text("1"));
        assert_eq!(key["pk"], text("E#1#E%232%23ap"));
    }
}
