//! Staying below the vendors' limits: every call to a company or a portal is taken from its bucket first, and one that must
//! wait waits here as long as its caller can.

use std::time::Duration;

use jiff::SignedDuration;
use store::budget::{Budget, Taken};

use crate::App;
use crate::clock;
use crate::connection::Stop;
use crate::effects::Deadline;
use crate::failure::Trouble;

impl App {
    /// Takes calls, waiting for them if need be.
    ///
    /// # Errors
    /// [`Stop::Trouble`]: they may not be made in this attempt.
    pub(crate) async fn spend(&self, budget: &Budget, calls: u32, deadline: &Deadline) -> Result<(), Stop> {
        let (now, patience) = (clock::now(), deadline.left_to_begin());
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        match self.store.take(budget, calls, now, patience).await? {
            Taken::At(moment) => {
                tokio::time::sleep(Duration::try_from(moment.duration_since(now)).unwrap_or_default()).await;
                Ok(())
            }
            Taken::NotBefore(_) => {
                tracing::info!(?budget, "the vendor's limit leaves nothing for this attempt");
                Err(Stop::Trouble(throttled(budget)))
            }
        }
    }

    /// Takes calls if they are there now.
    pub(crate) async fn spend_now(&self, budget: &Budget, calls: u32) -> Result<bool, Stop> {
        let taken = self.store.take(budget, calls, clock::now(), SignedDuration::ZERO).await?;
        Ok(matches!(taken, Taken::At(_)))
    }
}

fn throttled(budget: &Budget) -> Trouble {
    match budget {
        Budget::QuickBooks(_) | Budget::QuickBooksBatches(_) => Trouble::QuickBooksThrottled,
        Budget::HubSpot(_) => Trouble::HubSpotThrottled,
    }
}
