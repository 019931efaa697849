//! Reading and writing the attributes of a table item.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::{Error, Store};

/// The version every item carries, so that a later release knows what it reads.
pub(crate) const VERSION: u64 = 1;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Times stand in the table as milliseconds, so that conditions can compare them.
pub(crate) fn millis(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

impl Store {
    /// All items of a partition, read strongly consistently.
    pub(crate) async fn items_of(
        &self,
        partition: &str,
        doing: &'static str,
    ) -> Result<Vec<HashMap<String, AttributeValue>>, Error> {
        self.dynamodb
            .query()
            .table_name(&self.names.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(partition))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(Error::unavailable(doing))
    }
}

/// Sends a write whose condition says whether there is anything to do; false when there was not.
pub(crate) async fn unless_refused(
    update: UpdateItemFluentBuilder,
    doing: &'static str,
) -> Result<bool, Error> {
    match update.send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(refused) if refused.is_conditional_check_failed_exception() => Ok(false),
            _ => Err(Error::unavailable(doing)(error)),
        },
    }
}

/// Whether a condition of the transaction did not hold.
pub(crate) fn is_refusal(error: &TransactWriteItemsError) -> bool {
    is_cancelled_for(error, "ConditionalCheckFailed")
}

/// Whether the transaction met another one on the same item: nothing of it was written.
pub(crate) fn is_conflict(error: &TransactWriteItemsError) -> bool {
    is_cancelled_for(error, "TransactionConflict")
}

fn is_cancelled_for(error: &TransactWriteItemsError, code: &str) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return false };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some(code))
}

/// An item as read, which says what it is when an attribute is missing.
pub(crate) struct Item<'a> {
    pub(crate) what: &'static str,
    pub(crate) attributes: &'a HashMap<String, AttributeValue>,
}

impl Item<'_> {
    pub(crate) fn optional_text(&self, name: &str) -> Option<String> {
        self.attributes.get(name).and_then(|value| value.as_s().ok()).cloned()
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, Error> {
        self.optional_text(name).ok_or_else(|| Error::corrupt(self.what, name))
    }

    /// A list of texts; empty without the attribute.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.attributes.get(name).and_then(|value| value.as_l().ok());
        list.into_iter().flatten().filter_map(|value| value.as_s().ok()).cloned().collect()
    }

    pub(crate) fn optional_number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, Error> {
        let Some(value) = self.attributes.get(name) else { return Ok(None) };
        let parsed = value.as_n().ok().and_then(|digits| digits.parse().ok());
        parsed.map(Some).ok_or_else(|| Error::corrupt(self.what, name))
    }

    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str) -> Result<N, Error> {
        self.optional_number(name)?.ok_or_else(|| Error::corrupt(self.what, name))
    }

    pub(crate) fn optional_time(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        let Some(millis) = self.optional_number(name)? else { return Ok(None) };
        Timestamp::from_millisecond(millis).map(Some).map_err(|_| Error::corrupt(self.what, name))
    }

    /// An attribute that holds JSON, or one word of an enumeration.
    pub(crate) fn optional_json<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Error> {
        let Some(json) = self.optional_text(name) else { return Ok(None) };
        serde_json::from_str(&json).map(Some).map_err(|_| Error::corrupt(self.what, name))
    }
}
