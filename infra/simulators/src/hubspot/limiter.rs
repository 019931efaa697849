//! HubSpot's burst limit: 110 requests in any 10 seconds per installing account (hubspot.md §8).

use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

pub(super) const MAX: usize = 110;
pub(super) const INTERVAL: SignedDuration = SignedDuration::from_secs(10);

/// The requests of one portal in the last interval.
#[derive(Debug, Default)]
pub(super) struct Limiter(VecDeque<Timestamp>);

impl Limiter {
    /// Counts a request and says how many more are allowed, or `None` when this one is too many. Refused requests do
    /// not count.
    pub(super) fn admit(&mut self, now: Timestamp) -> Option<usize> {
        // A request that was overtaken finds entries a little in the future, and they count. Those far in the future are
        // what a clock that was set back leaves; they are forgotten like old ones.
        self.0.retain(|at| now.duration_since(*at).abs() < INTERVAL);
        if self.0.len() == MAX {
            return None;
        }
        self.0.push_back(now);
        Some(MAX - self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_after_110_waits_until_the_first_is_ten_seconds_old() {
        let mut limiter = Limiter::default();
        let start = Timestamp::UNIX_EPOCH;
        let at = |ms| start + SignedDuration::from_millis(ms);
        for used in 1..=MAX {
            assert_eq!(limiter.admit(at(0)), Some(MAX - used));
        }
        assert_eq!(limiter.admit(at(9_999)), None);
        assert_eq!(limiter.admit(at(10_000)), Some(MAX - 1));
    }
    #[test]
    fn a_request_that_was_overtaken_forgets_none_that_came_first() {
        let mut limiter = Limiter::default();
        let at = |ms| Timestamp::UNIX_EPOCH + SignedDuration::from_millis(ms);
        assert_eq!([at(50_005), at(50_004)].map(|now| limiter.admit(now)), [Some(MAX - 1), Some(MAX - 2)]);
        // A clock that was set back.
        assert_eq!(limiter.admit(at(0)), Some(MAX - 1));
    }
}
