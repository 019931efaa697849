//! The sparse index of work that is due: unfinished executions in some shards, QuickBooks connections in others, so that
//! whoever takes up the one never sees the other.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::item::{Item, millis, text};
use crate::{Error, Store};

impl Store {
    /// What is due in these shards, the longest due first, up to `limit` of each; `key` reads `pk` and `sk`, and whatever it
    /// does not know is left out.
    pub(crate) async fn due_in<K>(
        &self,
        shards: impl Iterator<Item = String>,
        now: Timestamp,
        limit: usize,
        key: fn(&str, &str) -> Option<K>,
    ) -> Result<Vec<K>, Error> {
        let shards = shards.map(|shard| self.due_in_shard(shard, now, limit, key));
        let (mut due, mut unread) = (Vec::new(), None);
        for shard in futures::future::join_all(shards).await {
            match shard {
                Ok(keys) => due.extend(keys),
                Err(error) => unread = Some(error),
            }
        }
        if let Some(error) = unread.filter(|_| due.is_empty()) {
            return Err(error);
        }
        due.sort_by_key(|(next_at, _)| *next_at);
        Ok(due.into_iter().map(|(_, key)| key).collect())
    }

    async fn due_in_shard<K>(
        &self,
        shard: String,
        now: Timestamp,
        limit: usize,
        key: fn(&str, &str) -> Option<K>,
    ) -> Result<Vec<(i64, K)>, Error> {
        let mut pages = self
            .dynamodb
            .query()
            .table_name(&self.names.table)
            .index_name("due")
            .key_condition_expression("due = :due AND next_at <= :now")
            .expression_attribute_values(":due", text(shard))
            .expression_attribute_values(":now", millis(now))
            .into_paginator()
            .items()
            .send();
        let read = |attributes: &HashMap<String, AttributeValue>| {
            let item = Item { what: "due work", attributes };
            let key = key(&item.text("pk").ok()?, &item.text("sk").ok()?)?;
            Some((item.number("next_at").ok()?, key))
        };
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(row) = pages.next().await
        {
            due.extend(read(&row.map_err(Error::unavailable("reading what is due"))?));
        }
        Ok(due)
    }
}
