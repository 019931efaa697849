//! How often a vendor may be called, kept in the table so that all processes together stay below its limits: one bucket per
//! QuickBooks company and per HubSpot portal (rulings.md 19).
//!
//! A bucket is one moment: when it would be full again. Each call moves it on by an interval; a call that would move it too
//! far ahead of now must wait. In any stretch of time at most `burst` calls more than the rate are let through, so a limit
//! of so many calls in so much time is kept exactly, wherever that time begins.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;

use crate::item::{Item, VERSION, millis, number, text};
use crate::{Error, Store};

/// Whose limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    /// Calls to one company: 500 a minute and 10 a second, shared with all other apps (quickbooks.md §6.1).
    QuickBooks(RealmId),
    /// Batches to one company: 40 a minute (quickbooks.md §6.1).
    QuickBooksBatches(RealmId),
    /// Calls to one portal: 110 in 10 seconds (hubspot.md §8).
    HubSpot(PortalId),
}

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// From one call to the next, in the long run.
    pub interval: SignedDuration,
    /// How many calls may come at once.
    pub burst: u32,
}

/// Whether calls may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Now.
    Yes,
    /// Not before this moment, and only if nobody else comes first.
    NotBefore(Timestamp),
}

impl Budget {
    /// The rate that keeps the vendor's limits.
    pub fn rate(&self) -> Rate {
        match self {
            // 8 a second and 2 at once: 10 in any second, 482 in any minute.
            Self::QuickBooks(_) => Rate { interval: SignedDuration::from_millis(125), burst: 2 },
            // 2 at once and one every 1.6 s: 39.5 in any minute.
            Self::QuickBooksBatches(_) => Rate { interval: SignedDuration::from_millis(1600), burst: 2 },
            // 10 a second and 10 at once: 110 in any 10 seconds.
            Self::HubSpot(_) => Rate { interval: SignedDuration::from_millis(100), burst: 10 },
        }
    }

    fn partition(&self) -> String {
        match self {
            Self::QuickBooks(realm) => format!("B#quickbooks#{realm}"),
            Self::QuickBooksBatches(realm) => format!("B#quickbooks-batches#{realm}"),
            Self::HubSpot(portal) => format!("B#hubspot#{portal}"),
        }
    }
}

impl Rate {
    /// What becomes of a bucket that is full again at `full_at` when so many calls are wanted now: its new moment, or when to
    /// ask again. More calls at once than the bucket holds are let through when it is full.
    ///
    /// # Errors
    /// The moment from which on it would be allowed.
    pub fn take(&self, full_at: Timestamp, calls: u32, now: Timestamp) -> Result<Timestamp, Timestamp> {
        let start = full_at.max(now);
        let allowed_from = plus(start, -self.room(calls));
        if now < allowed_from { Err(allowed_from) } else { Ok(plus(start, self.times(calls))) }
    }

    /// How far ahead of now the bucket may be for so many calls to be let through.
    fn room(&self, calls: u32) -> SignedDuration {
        self.times(self.burst.saturating_sub(calls))
    }

    fn times(&self, calls: u32) -> SignedDuration {
        self.interval.saturating_mul(i32::try_from(calls).unwrap_or(i32::MAX))
    }
}

impl Store {
    /// Takes calls from a bucket, all or none. One conditional write, two when the bucket is in use.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: they may have been taken. [`Error::Corrupt`].
    pub async fn take(&self, budget: &Budget, calls: u32, now: Timestamp) -> Result<Taken, Error> {
        let rate = budget.rate();
        let spend = number(rate.times(calls).as_millis());
        // Most often nobody has called for a while, and the bucket is full.
        let full = "attribute_not_exists(full_at) OR full_at <= :now";
        let Some(full_at) = self
            .move_bucket(budget, ":now + :spend", full, &[(":now", millis(now)), (":spend", spend.clone())])
            .await?
        else {
            return Ok(Taken::Yes);
        };
        let latest = plus(now, rate.room(calls));
        if full_at <= latest {
            let used = "full_at > :now AND full_at <= :latest";
            let values = [(":now", millis(now)), (":latest", millis(latest)), (":spend", spend)];
            match self.move_bucket(budget, "full_at + :spend", used, &values).await? {
                None => return Ok(Taken::Yes),
                Some(moved) => return Ok(Taken::NotBefore(wait(rate, moved, calls, now))),
            }
        }
        Ok(Taken::NotBefore(wait(rate, full_at, calls, now)))
    }

    /// Moves the bucket's moment if the condition holds; else the moment it has.
    async fn move_bucket(
        &self,
        budget: &Budget,
        to: &str,
        condition: &str,
        values: &[(&str, AttributeValue)],
    ) -> Result<Option<Timestamp>, Error> {
        let mut update = self
            .dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(budget.partition()))
            .key("sk", text("BUDGET"))
            .update_expression(format!("SET full_at = {to}, v = :v"))
            .condition_expression(condition)
            .expression_attribute_values(":v", number(VERSION))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            update = update.expression_attribute_values(*name, value.clone());
        }
        let Err(error) = update.send().await else { return Ok(None) };
        let refused = match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => refused.item.clone(),
            _ => None,
        };
        let Some(attributes) = refused else {
            return Err(Error::unavailable("taking calls from the budget")(error));
        };
        let item = Item { what: "the budget", attributes: &attributes };
        item.optional_time("full_at")?.map(Some).ok_or_else(|| Error::corrupt("the budget", "full_at"))
    }
}

fn wait(rate: Rate, full_at: Timestamp, calls: u32, now: Timestamp) -> Timestamp {
    rate.take(full_at, calls, now).err().unwrap_or(now)
}

fn plus(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    /// Lets calls through as early as the bucket allows, for so long: when each came.
    fn eager(rate: Rate, calls: u32, for_ms: i64) -> Vec<i64> {
        let (mut full_at, mut came, mut now) = (at(-1_000_000), Vec::new(), at(0));
        while now < at(for_ms) {
            match rate.take(full_at, calls, now) {
                Ok(moved) => {
                    full_at = moved;
                    came.extend((0..calls).map(|_| now.as_millisecond() - at(0).as_millisecond()));
                }
                Err(allowed_from) => {
                    assert!(allowed_from > now);
                    now = allowed_from;
                }
            }
        }
        came
    }

    /// The most calls in any stretch of so much time.
    fn most_in(came: &[i64], window_ms: i64) -> usize {
        let in_window =
            |first: &i64| came.iter().filter(|at| (*first..first + window_ms).contains(at)).count();
        came.iter().map(in_window).max().unwrap_or(0)
    }

    #[test]
    fn a_bucket_emptied_as_fast_as_it_fills_keeps_each_vendors_limits_and_nearly_reaches_them() {
        let realm = || RealmId::try_from("1".to_owned()).unwrap();
        for (budget, calls, window_ms, limit) in [
            (Budget::QuickBooks(realm()), 1, 1_000, 10),
            (Budget::QuickBooks(realm()), 1, 60_000, 500),
            (Budget::QuickBooks(realm()), 2, 60_000, 500),
            (Budget::QuickBooksBatches(realm()), 1, 60_000, 40),
            (Budget::HubSpot(PortalId(1)), 1, 10_000, 110),
            (Budget::HubSpot(PortalId(1)), 4, 10_000, 110),
        ] {
            let most = most_in(&eager(budget.rate(), calls, 300_000), window_ms);
            assert!(most <= limit, "{budget:?}: {most} in {window_ms} ms");
            assert!(most * 10 >= limit * 9, "{budget:?}: only {most} in {window_ms} ms");
        }
    }

    #[test]
    fn more_calls_than_the_bucket_holds_wait_until_it_is_full() {
        let rate = Rate { interval: SignedDuration::from_millis(100), burst: 2 };
        let after = rate.take(at(0), 5, at(0)).unwrap();
        assert_eq!(after, at(500));
        assert_eq!(rate.take(after, 5, at(100)), Err(at(500)));
        assert_eq!(rate.take(after, 1, at(100)), Err(at(400)));
    }
}
