//! What EventBridge starts a function with.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use lambda_http::LambdaEvent;
use serde::Deserialize;
use serde_json::Value;

use crate::clock;
use crate::effects::Deadline;

/// What EventBridge sends. Any JSON is taken: of one that is refused, Lambda's runtime would tell the text in the log.
#[derive(Debug, Deserialize)]
#[serde(from = "Value")]
pub struct Tick {
    /// When it fell due.
    time: Option<Timestamp>,
}

impl From<Value> for Tick {
    fn from(event: Value) -> Self {
        Self { time: event["time"].as_str().and_then(|time| time.parse().ok()) }
    }
}

/// Goes by the event's time, in a debug build, and answers until when this invocation may work.
pub(crate) fn begin(event: &LambdaEvent<Tick>) -> Deadline {
    if let Some(time) = event.payload.time {
        clock::follow_time(time);
    }
    let ends =
        i64::try_from(event.context.deadline).ok().and_then(|end| Timestamp::from_millisecond(end).ok());
    Deadline::at(ends.unwrap_or_else(clock::now), None)
}

/// In turns by portal, so that one portal's thousand do not keep another's one waiting.
pub(crate) fn fairly<T>(all: Vec<T>, portal: impl Fn(&T) -> u64) -> Vec<T> {
    let mut by_portal: BTreeMap<u64, VecDeque<T>> = BTreeMap::new();
    for one in all {
        by_portal.entry(portal(&one)).or_default().push_back(one);
    }
    let mut fair = Vec::new();
    while !by_portal.is_empty() {
        fair.extend(by_portal.values_mut().filter_map(VecDeque::pop_front));
        by_portal.retain(|_, waiting| !waiting.is_empty());
    }
    fair
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_whatever_comes_and_has_a_time_where_one_can_be_read() {
        let time = |event| serde_json::from_str::<Tick>(event).unwrap().time;
        assert_eq!(time(r#"{"time": "2026-03-02T17:15:00Z"}"#), "2026-03-02T17:15:00Z".parse().ok());
        for odd in [r#""text""#, "{}", "[]", "null", "7", r#"{"time": "soon"}"#, r#"{"time": [1]}"#] {
            assert_eq!(time(odd), None, "{odd}");
        }
    }

    #[test]
    fn portals_take_turns() {
        let many = vec![(1, 'a'), (1, 'b'), (1, 'c'), (2, 'd'), (3, 'e'), (3, 'f')];
        let fair = [(1, 'a'), (2, 'd'), (3, 'e'), (1, 'b'), (3, 'f'), (1, 'c')];
        assert_eq!(fairly(many, |(portal, _)| *portal), fair);
    }
}
