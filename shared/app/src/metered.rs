//! Intuit's metered reads: beyond the month's quota it blocks every company of the workspace until the next month
//! (quickbooks.md §6.2), so they are counted, and told of in time.
//!
//! Reads are counted where they are answered ([`quickbooks::Meter`]) and added to the company's month beside the next write of
//! whoever asked. What a process reads that dies before that write is not counted; sandbox companies are not metered.

use mapping::quickbooks::RealmId;
use quickbooks::Meter;

use crate::App;
use crate::clock;
use crate::connection::Company;
use crate::telemetry::{self, Metric, chain};

/// From so many percent of the quota on it is told.
const TOLD_FROM_PERCENT: u64 = 80;

/// The workspace's metered reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metered {
    /// This month's so far, of all companies.
    pub used: u64,
    /// How many Intuit allows.
    pub quota: u64,
}

impl Metered {
    /// Whether so much is used that somebody should know.
    pub fn is_to_be_told(&self) -> bool {
        self.percent() >= TOLD_FROM_PERCENT
    }

    /// How much of the quota is used, in whole percent.
    pub fn percent(&self) -> u64 {
        let percent = u128::from(self.used) * 100 / u128::from(self.quota.max(1));
        u64::try_from(percent).unwrap_or(u64::MAX)
    }
}

impl Company {
    /// The same company, its reads counted by this meter, where Intuit counts them.
    pub(crate) fn metered_by(mut self, meter: &Meter) -> Self {
        if !self.sandbox {
            self.client = self.client.metered_by(meter);
        }
        self
    }
}

impl App {
    /// The workspace's metered reads of this month.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn metered(&self) -> Result<Metered, store::Error> {
        let used = self.store.reads(clock::now()).await?;
        Ok(Metered { used, quota: self.config.metered_quota })
    }

    /// Adds reads to a company's month. Best effort: the quota is far, and nobody waits for this.
    pub(crate) async fn count_reads(&self, realm: &RealmId, reads: u64) {
        if reads == 0 {
            return;
        }
        if let Err(error) = self.store.count_reads(realm, reads, clock::now()).await {
            tracing::warn!(reads, error = chain(&error), "metered reads could not be counted");
        }
    }

    /// Tells how much of the quota is used: as a warning once it is much.
    pub(crate) async fn tell_metered(&self) {
        let metered = self.metered().await;
        if let Ok(metered) = &metered {
            telemetry::measure(&[(Metric::MeteredShare, metered.percent())]);
        }
        match metered {
            Ok(metered @ Metered { used, quota }) if metered.is_to_be_told() => {
                tracing::warn!(
                    metered.used = used,
                    metered.quota = quota,
                    "Intuit's metered reads of this month come near the quota"
                );
            }
            Ok(Metered { used, quota }) => {
                tracing::info!(metered.used = used, metered.quota = quota, "metered reads of this month");
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "the metered reads of this month could not be read");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_from_80_percent_of_the_quota_on() {
        let told = |used, quota| Metered { used, quota }.is_to_be_told();
        assert!(!told(399_999, 500_000) && told(400_000, 500_000) && told(u64::MAX, u64::MAX));
        assert!(!told(0, 1) && told(1, 1));
    }
}
