//! Consents that a browser was sent away for: what for, by whom and from which browser, under the hash of the state that the
//! vendor hands back. Taking one is deleting it, so each is good once.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::item::{Item, VERSION, number, text};
use crate::{Error, Store};

/// A consent that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What for.
    pub what: What,
    /// The hash of what the browser that was sent has in a cookie.
    pub browser: String,
    /// When.
    pub at: Timestamp,
}

/// What a consent is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Signing in with HubSpot, which installs the app where it is not installed.
    SignIn {
        /// The page to go to then, one of ours.
        next: String,
    },
    /// Connecting a QuickBooks company.
    Company {
        /// To which portal.
        portal: PortalId,
        /// By which user of HubSpot.
        user_id: u64,
        /// With sandbox keys.
        sandbox: bool,
        /// Which company it must be, when one is connected again.
        again: Option<RealmId>,
    },
}

/// An answer that comes later is too late.
pub const WAITED_FOR: SignedDuration = SignedDuration::from_mins(10);

impl Asked {
    /// Whether the answer comes too late.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) >= WAITED_FOR
    }
}

const SORT: &str = "CONSENT";
const WHAT: &str = "the consent";

impl Store {
    /// Remembers what a browser is sent away for.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ask_consent(&self, state: &Handle, asked: &Asked) -> Result<(), Error> {
        const DOING: &str = "asking for a consent";
        let ends = asked.at.checked_add(WAITED_FOR).unwrap_or(asked.at);
        self.dynamodb
            .put_item()
            .table_name(&self.names.table)
            .item("pk", text(partition(state)))
            .item("sk", text(SORT))
            .item("v", number(VERSION))
            .item("asked", text(serde_json::to_string(asked).map_err(Error::unavailable(DOING))?))
            .item("ttl", number(ends.as_second()))
            .send()
            .await
            .map_err(Error::unavailable(DOING))?;
        Ok(())
    }

    /// What the state was given out for; nobody gets it again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn take_consent(&self, state: &Handle) -> Result<Option<Asked>, Error> {
        let deleted = self
            .dynamodb
            .delete_item()
            .table_name(&self.names.table)
            .key("pk", text(partition(state)))
            .key("sk", text(SORT))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(Error::unavailable("taking a consent"))?;
        let Some(attributes) = deleted.attributes else { return Ok(None) };
        Item { what: WHAT, attributes: &attributes }.optional_json("asked")
    }
}

fn partition(state: &Handle) -> String {
    format!("O#{}", state.hash())
}
