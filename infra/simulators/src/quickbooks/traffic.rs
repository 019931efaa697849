//! How much a company is asked: the throttles of quickbooks.md §6.1 and the metering of §6.2, by the simulator's clock.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fault::Fault;
use super::switches::{Limits, Switches};
use super::time;

/// The calls of one company.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    /// When the calls of the last minute were let in, and whether each was a batch.
    recent: VecDeque<(Timestamp, bool)>,
    now_running: usize,
    /// Calls that bring data in: free.
    core: u64,
    /// Calls that get data out, by month (`2026-03`): metered.
    core_plus: BTreeMap<String, u64>,
    throttled: u64,
    blocked: u64,
}

impl Traffic {
    /// Lets a call in, which must [`leave`](Traffic::leave) again.
    ///
    /// # Errors
    /// 429 when a limit is reached, or the month's quota.
    pub(super) fn enter(
        &mut self,
        switches: &Switches,
        batch: bool,
        is_over_quota: bool,
        now: Timestamp,
    ) -> Result<(), Fault> {
        // Far in the future is what a clock that was set back leaves; it is forgotten like what is long ago.
        self.recent.retain(|(at, _)| now.duration_since(*at).abs() < SignedDuration::from_mins(1));
        if switches.limits.is_some_and(|limits| self.is_over(limits, batch, now)) {
            self.throttled += 1;
            return Err(Fault::throttled("The request limit was reached. Try again later"));
        }
        // That the block looks like a throttle is a field report.
        if is_over_quota {
            self.blocked += 1;
            return Err(Fault::throttled("The app has used up its CorePlus calls of this month"));
        }
        self.recent.push_back((now, batch));
        self.now_running += 1;
        Ok(())
    }

    /// A call that was let in is over.
    pub(super) fn leave(&mut self) {
        self.now_running -= 1;
    }

    /// Counts what a call did: only success counts.
    pub(super) fn count(&mut self, core: u64, core_plus: u64, now: Timestamp) {
        self.core += core;
        *self.core_plus.entry(month(now)).or_default() += core_plus;
    }

    /// The counts, for `GET /_sim/state`.
    pub(super) fn snapshot(&self) -> Value {
        json!({"core": self.core, "core_plus": self.core_plus.values().sum::<u64>(),
            "core_plus_by_month": self.core_plus, "running": self.now_running, "throttled": self.throttled,
            "blocked": self.blocked})
    }

    fn is_over(&self, limits: Limits, batch: bool, now: Timestamp) -> bool {
        let second = SignedDuration::from_secs(1);
        let in_second = self.recent.iter().filter(|(at, _)| now.duration_since(*at).abs() < second).count();
        let batches = self.recent.iter().filter(|(_, batch)| *batch).count();
        self.recent.len() >= limits.per_minute
            || limits.per_second.is_some_and(|most| in_second >= most)
            || self.now_running >= limits.at_once
            || (batch && batches >= limits.batches_per_minute)
    }
}

/// The metered calls of each app by month: the quota is of all its companies together. Calls with a token that no app is
/// known to hold are one app's. Sandboxes are not metered.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(BTreeMap<(Option<String>, String), u64>);

impl Meter {
    /// Counts what a call of an app did.
    pub(super) fn count(&mut self, client: Option<&str>, core_plus: u64, now: Timestamp) {
        *self.0.entry((client.map(str::to_owned), month(now))).or_default() += core_plus;
    }

    /// Whether the app has used up so many calls of the month.
    pub(super) fn has_used(&self, client: Option<&str>, quota: u64, now: Timestamp) -> bool {
        let used = self.0.get(&(client.map(str::to_owned), month(now)));
        used.copied().unwrap_or_default() >= quota
    }
}

fn month(now: Timestamp) -> String {
    time::today(now).strftime("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_772_471_730_000 + milliseconds).unwrap()
    }

    fn limited() -> Switches {
        let limits = Limits { per_second: Some(10), ..Limits::default() };
        Switches { limits: Some(limits), ..Switches::default() }
    }

    /// How many of these calls, one every so many milliseconds, are let in.
    fn let_in(calls: i64, every_ms: i64, batch: bool, leaves: bool) -> usize {
        let mut traffic = Traffic::default();
        let enters = (0..calls).filter(|n| {
            let entered = traffic.enter(&limited(), batch, false, at(n * every_ms)).is_ok();
            if entered && leaves {
                traffic.leave();
            }
            entered
        });
        enters.count()
    }

    #[test]
    fn five_hundred_calls_a_minute_are_let_in() {
        assert_eq!(let_in(550, 105, false, true), 500);
    }

    #[test]
    fn ten_calls_a_second_are_let_in() {
        assert_eq!(let_in(20, 10, false, true), 10);
    }

    #[test]
    fn ten_calls_at_once_are_let_in() {
        assert_eq!(let_in(20, 1000, false, false), 10);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_throttle_for_ever() {
        let mut traffic = Traffic::default();
        let limits = Limits { per_minute: 1, per_second: Some(1), ..Limits::default() };
        let switches = Switches { limits: Some(limits), ..Switches::default() };
        let mut lets_in = |hours: i64| {
            let entered = traffic.enter(&switches, false, false, at(hours * 3_600_000)).is_ok();
            if entered {
                traffic.leave();
            }
            entered
        };
        assert_eq!([lets_in(2), lets_in(2), lets_in(0), lets_in(0)], [true, false, true, false]);
    }

    #[test]
    fn forty_batches_a_minute_are_let_in() {
        assert_eq!(let_in(50, 1000, true, true), 40);
    }
}
