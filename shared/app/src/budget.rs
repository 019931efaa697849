//! Staying below the vendors' limits: every call to a company or a portal is taken from its bucket first, and one that must
//! wait waits here as long as its caller can.

use std::time::Duration;

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
        loop {
            let now = clock::now();
            let Taken::NotBefore(moment) = self.store.take(budget, calls, now).await? else { return Ok(()) };
            let wait = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
            if wait > deadline.left_to_begin() {
                tracing::info!(?budget, "the vendor's limit leaves nothing for this attempt");
                return Err(Stop::Trouble(throttled(budget)));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes calls if they are there now.
    pub(crate) async fn spend_now(&self, budget: &Budget, calls: u32) -> Result<bool, Stop> {
        Ok(self.store.take(budget, calls, clock::now()).await? == Taken::Yes)
    }
}

fn throttled(budget: &Budget) -> Trouble {
    match budget {
        Budget::QuickBooks(_) | Budget::QuickBooksBatches(_) => Trouble::QuickBooksThrottled,
        Budget::HubSpot(_) => Trouble::HubSpotThrottled,
    }
}
