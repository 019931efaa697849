//! Time as a simulator tells it: the real one, moved. It goes on by itself; whoever waits for a moment is woken when the
//! clock is moved to it or past it. Both simulators, and whatever else is to live by their time, may share one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

/// Clones share the time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    offset: Mutex<SignedDuration>,
    moved: Notify,
}

impl Clock {
    /// The real time, moved.
    pub fn now(&self) -> Timestamp {
        moved(*self.0.offset.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Moves on, or back with a negative duration, and says what time it is then.
    pub fn advance(&self, by: SignedDuration) -> Timestamp {
        self.change(|offset| offset.saturating_add(by))
    }

    /// Makes it this time now, and says so.
    pub fn set(&self, now: Timestamp) -> Timestamp {
        self.change(|_| now.duration_since(Timestamp::now()))
    }

    /// Returns when it is `due` or later; at once when it is already.
    pub async fn sleep_until(&self, due: Timestamp) {
        loop {
            // Asked for before the time is read: a move in between is not missed.
            let woken = self.0.moved.notified();
            let Ok(left) = Duration::try_from(due.duration_since(self.now())) else { return };
            if left.is_zero() {
                return;
            }
            // However it ended, the loop looks at the clock again.
            tokio::time::timeout(left, woken).await.ok();
        }
    }

    fn change(&self, change: impl FnOnce(SignedDuration) -> SignedDuration) -> Timestamp {
        let now = {
            let mut offset = self.0.offset.lock().unwrap_or_else(PoisonError::into_inner);
            *offset = bounded(change(*offset));
            moved(*offset)
        };
        self.0.moved.notify_waiters();
        now
    }
}

/// Stops at either end of what is told as a time: a vendor that adds an hour to it must not run out of calendar.
fn bounded(offset: SignedDuration) -> SignedDuration {
    let real = Timestamp::now();
    let [earliest, latest] = [0, 221_845_392_000].map(|seconds| {
        // 1970 and 9000, in seconds since the former.
        Timestamp::from_second(seconds).unwrap_or(real).duration_since(real)
    });
    offset.clamp(earliest, latest)
}

fn moved(offset: SignedDuration) -> Timestamp {
    let now = Timestamp::now();
    now.checked_add(offset).unwrap_or(now)
}
