//! How often a vendor may be called, kept in the table so that all processes together stay below its limits: one bucket per
//! QuickBooks company and per HubSpot portal (rulings.md 19).
//!
//! A bucket is one moment: when it would be full again. Each call moves it on by an interval; a call that would move it too
//! far ahead of now must wait. In any stretch of time at most `burst` calls more than the rate are let through, so a limit
//! of so many calls in so much time is kept exactly, wherever that time begins.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;

use crate::item::{Item, VERSION, millis, number, text};
use crate::{Error, Store};

/// A bucket further ahead of now than this was moved there by a clock that is wrong: no function that waits for its turn lives
/// longer than five minutes, and what is taken at once fills less. It counts as full, so that such a clock does no lasting harm.
const FARTHEST: SignedDuration = SignedDuration::from_mins(10);

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
    /// From this moment on; it may be now.
    At(Timestamp),
    /// Not in time: not before this moment, and only if nobody else comes first.
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
            // One every 98 ms and 3 at once: 105 in any 10 seconds. A record's calls are taken together and made in two steps, so
            // that some come later than their turn: the rest is for them.
            Self::HubSpot(_) => Rate { interval: SignedDuration::from_millis(98), burst: 3 },
        }
    }

    /// The bucket's `pk` in the table; its `sk` is `BUDGET`.
    pub fn partition(&self) -> String {
        match self {
            Self::QuickBooks(realm) => format!("B#quickbooks#{realm}"),
            Self::QuickBooksBatches(realm) => format!("B#quickbooks-batches#{realm}"),
            Self::HubSpot(portal) => format!("B#hubspot#{portal}"),
        }
    }
}

impl Rate {
    /// What [`Store::take`] does, on a bucket that is full again at `full_at`: when the calls may be made, and the bucket's
    /// new moment if they were taken. More calls at once than the bucket holds are let through when it is full.
    pub fn take(
        &self,
        full_at: Timestamp,
        calls: u32,
        now: Timestamp,
        patience: SignedDuration,
    ) -> (Taken, Timestamp) {
        let full_at = if full_at > plus(now, FARTHEST) { now } else { full_at };
        let start = full_at.max(now);
        let allowed_from = self.allowed_from(start, calls).max(now);
        match allowed_from.duration_since(now) <= patience {
            true => (Taken::At(allowed_from), plus(start, self.times(calls))),
            false => (Taken::NotBefore(allowed_from), full_at),
        }
    }

    fn allowed_from(&self, full_at: Timestamp, calls: u32) -> Timestamp {
        plus(full_at, -self.room(calls))
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
    /// Takes calls from a bucket, all or none, for now or for a moment within `patience`, which is theirs then: nobody asks
    /// again and again, and whoever came first goes first. One conditional write, two when the bucket is in use.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: they may have been taken. [`Error::Corrupt`].
    pub async fn take(
        &self,
        budget: &Budget,
        calls: u32,
        now: Timestamp,
        patience: SignedDuration,
    ) -> Result<Taken, Error> {
        let rate = budget.rate();
        let spend = number(rate.times(calls).as_millis());
        // Most often nobody has called for a while, and the bucket is full.
        let full = "attribute_not_exists(full_at) OR full_at <= :now OR full_at > :farthest";
        let farthest = millis(plus(now, FARTHEST));
        let values = [(":now", millis(now)), (":spend", spend.clone()), (":farthest", farthest)];
        let full_at = match self.move_bucket(budget, ":now + :spend", full, &values).await? {
            Moved::From(_) => return Ok(Taken::At(now)),
            Moved::Not(full_at) => full_at,
        };
        let latest = plus(plus(now, rate.room(calls)), patience);
        if full_at <= latest {
            let used = "full_at > :now AND full_at <= :latest";
            let values = [(":now", millis(now)), (":latest", millis(latest)), (":spend", spend)];
            return Ok(match self.move_bucket(budget, "full_at + :spend", used, &values).await? {
                Moved::From(full_at) => Taken::At(rate.allowed_from(full_at.unwrap_or(now), calls).max(now)),
                Moved::Not(full_at) => Taken::NotBefore(rate.allowed_from(full_at, calls)),
            });
        }
        Ok(Taken::NotBefore(rate.allowed_from(full_at, calls)))
    }

    /// Moves the bucket's moment if the condition holds.
    async fn move_bucket(
        &self,
        budget: &Budget,
        to: &str,
        condition: &str,
        values: &[(&str, AttributeValue)],
    ) -> Result<Moved, Error> {
        let mut update = self
            .dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(budget.partition()))
            .key("sk", text("BUDGET"))
            .update_expression(format!("SET full_at = {to}, v = :v"))
            .condition_expression(condition)
            .expression_attribute_values(":v", number(VERSION))
            .return_values(ReturnValue::UpdatedOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            update = update.expression_attribute_values(*name, value.clone());
        }
        let error = match update.send().await {
            Ok(moved) => {
                let old = moved.attributes.unwrap_or_default();
                return Ok(Moved::From(
                    Item { what: "the budget", attributes: &old }.optional_time("full_at")?,
                ));
            }
            Err(error) => error,
        };
        let refused = match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => refused.item.clone(),
            _ => None,
        };
        let Some(attributes) = refused else {
            return Err(Error::unavailable("taking calls from the budget")(error));
        };
        let item = Item { what: "the budget", attributes: &attributes };
        item.optional_time("full_at")?.map(Moved::Not).ok_or_else(|| Error::corrupt("the budget", "full_at"))
    }
}

/// What became of a bucket's moment.
enum Moved {
    /// It was moved from here; a new bucket from nowhere.
    From(Option<Timestamp>),
    /// The condition does not hold for where it is.
    Not(Timestamp),
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
            let (taken, moved) = rate.take(full_at, calls, now, SignedDuration::from_secs(8));
            let Taken::At(moment) = taken else { panic!("it fills in less") };
            (full_at, now) = (moved, moment);
            came.extend((0..calls).map(|_| now.as_millisecond() - at(0).as_millisecond()));
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
    fn a_clock_that_is_wrong_stops_nobody_for_long() {
        let rate = Rate { interval: SignedDuration::from_millis(100), burst: 2 };
        let (mut now, day) = (at(0), SignedDuration::from_hours(24));
        let (_, poisoned) = rate.take(at(0), 1, now + day, SignedDuration::ZERO);
        assert_eq!(rate.take(poisoned, 1, now, SignedDuration::ZERO), (Taken::At(now), at(100)));
        // One that is less wrong is waited for, and no longer than that.
        let (_, ahead) =
            rate.take(at(0), 1, now + FARTHEST - SignedDuration::from_secs(1), SignedDuration::ZERO);
        assert!(matches!(rate.take(ahead, 1, now, SignedDuration::ZERO).0, Taken::NotBefore(_)));
        now += FARTHEST;
        assert_eq!(rate.take(ahead, 1, now, SignedDuration::ZERO).0, Taken::At(now));
    }

    #[test]
    fn more_calls_than_the_bucket_holds_wait_until_it_is_full() {
        let rate = Rate { interval: SignedDuration::from_millis(100), burst: 2 };
        let (now, never) = (SignedDuration::ZERO, SignedDuration::from_millis(399));
        assert_eq!(rate.take(at(0), 5, at(0), now), (Taken::At(at(0)), at(500)));
        assert_eq!(rate.take(at(500), 5, at(100), never), (Taken::NotBefore(at(500)), at(500)));
        assert_eq!(rate.take(at(500), 1, at(100), now), (Taken::NotBefore(at(400)), at(500)));
        // Within its patience it has its own moment, and the next one comes after it.
        let patient = SignedDuration::from_millis(300);
        assert_eq!(rate.take(at(500), 1, at(100), patient), (Taken::At(at(400)), at(600)));
        assert_eq!(rate.take(at(600), 1, at(200), patient), (Taken::At(at(500)), at(700)));
    }
}
