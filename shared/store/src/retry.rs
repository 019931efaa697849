//! A retry that a person asks for: a new record of the same request (rulings.md 13).
//!
//! One transaction marks the old record and makes the new one, so that a record has one successor at most, and none that was
//! promised is missing. The new one is due at once: the reconciler brings it to its end.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use jiff::Timestamp;

use crate::execution::{due_shard, read};
use crate::item::{VERSION, is_refusal, millis, number, text};
use crate::record::{Key, State};
use crate::{Error, Store};

/// What became of the wish to retry an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is tried again, under this key.
    Begun(Key),
    /// Somebody asked before: this is its retry.
    Before(Key),
    /// There is nothing to retry: it is unfinished, or made what it should, or there is no such execution.
    NotPossible,
}

/// What a retry takes over of the old record: what was asked for, the company, and the document if there is one.
const INHERITED: [&str; 7] = ["action", "realm", "input_hash", "subject", "asked", "buyer", "doc_id"];

impl Store {
    /// Has a failed execution tried again, or the refused payment of one that made its document. `by` says who wants it, by
    /// an id.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it is tried again is not known; asking again tells. [`Error::Corrupt`].
    pub async fn retry(&self, key: &Key, by: &str, now: Timestamp) -> Result<Retried, Error> {
        const DOING: &str = "beginning a retry";
        let (Some(successor), Key::Execution { portal, .. }) = (key.successor(), key) else {
            return Ok(Retried::NotPossible);
        };
        let Some(attributes) = self.attributes(key).await? else { return Ok(Retried::NotPossible) };
        let old = read(key, &attributes)?;
        if !old.may_be_retried() {
            return Ok(if old.retried { Retried::Before(successor) } else { Retried::NotPossible });
        }
        let mark = self.mark(key, now).map_err(Error::unavailable(DOING))?;
        // A document that is there nothing may make again: only its payment is tried.
        let state = if old.made_id.is_some() { State::DocDone } else { State::Claimed };
        let begin = self.beginning(&successor, state, &attributes, now);
        let begin = begin
            .item("activity", text(portal.to_string()))
            .item("retried_by", text(by))
            .build()
            .map_err(Error::unavailable(DOING))?;
        let sent = self
            .dynamodb
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(mark).build())
            .transact_items(TransactWriteItem::builder().put(begin).build())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Retried::Begun(successor)),
            Err(error) if error.as_service_error().is_some_and(is_refusal) => Ok(Retried::Before(successor)),
            Err(error) => Err(Error::unavailable(DOING)(error)),
        }
    }

    fn mark(&self, key: &Key, now: Timestamp) -> Result<Update, BuildError> {
        Update::builder()
            .table_name(&self.names.table)
            .key("pk", text(key.partition()))
            .key("sk", text(key.sort()))
            .update_expression("SET retried_at = :now")
            // As `Record::may_be_retried` has it.
            .condition_expression(
                "attribute_not_exists(retried_at) AND (st = :failed OR (st = :completed AND attribute_exists(pay_refused)))",
            )
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":failed", text(State::Failed.as_str()))
            .expression_attribute_values(":completed", text(State::Completed.as_str()))
            .build()
    }

    fn beginning(
        &self,
        successor: &Key,
        state: State,
        old: &HashMap<String, AttributeValue>,
        now: Timestamp,
    ) -> PutBuilder {
        let inherited = INHERITED.into_iter().filter_map(|name| Some((name, old.get(name)?.clone())));
        let put = Put::builder()
            .table_name(&self.names.table)
            .item("pk", text(successor.partition()))
            .item("sk", text(successor.sort()))
            .item("v", number(VERSION))
            .item("st", text(state.as_str()))
            .item("fence", number(0))
            .item("lease_until", number(0))
            .item("created_at", millis(now))
            .item("due", text(due_shard(successor)))
            .item("next_at", millis(now))
            .condition_expression("attribute_not_exists(pk)");
        inherited.fold(put, |put, (name, value)| put.item(name, value))
    }
}
