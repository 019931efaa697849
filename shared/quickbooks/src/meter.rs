//! Counts what Intuit meters: answers that get data out of the books. Each question of a batch counts as one; what brings
//! data in, or is refused, does not count (quickbooks.md §6.2).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many metered reads were answered. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    pub(crate) fn count(&self, reads: usize) {
        self.0.fetch_add(reads as u64, Ordering::Relaxed);
    }

    /// How many there were since this was last asked.
    pub fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}
