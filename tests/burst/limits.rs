//! The vendors' limits, counted as they say.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many in any stretch of so much time.
pub(crate) struct Limit {
    most: usize,
    within: Duration,
    came: VecDeque<Instant>,
    pub(crate) total: usize,
}

impl Limit {
    pub(crate) fn new(most: usize, within: Duration) -> Self {
        Self { most, within, came: VecDeque::new(), total: 0 }
    }

    /// Whether one more is let through.
    pub(crate) fn enter(&mut self) -> bool {
        let now = Instant::now();
        while self.came.front().is_some_and(|first| now - *first >= self.within) {
            self.came.pop_front();
        }
        self.total += 1;
        self.came.push_back(now);
        self.came.len() <= self.most
    }
}
