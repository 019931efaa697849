//! Companies whose tokens we have and that nobody has confirmed yet. Until a person has seen which company it is and to
//! which portal it goes, its tokens wait in a secret of their own and open nothing.
//!
//! The item is written before the secret and deleted after it, so that no secret is left that nobody finds. Whoever acts on a
//! person's decision writes it there first: of two that differ one is acted on.

use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use serde::{Deserialize, Serialize};

use crate::consent::WAITED_FOR;
use crate::handle::Handle;
use crate::item::{Item, VERSION, number, text, unless_refused};
use crate::portal::NewCompany;
use crate::tokens::{self, Grant, Owner};
use crate::{Error, Store};

/// A company that waits to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The portal it would be linked to.
    pub portal: PortalId,
    /// The HubSpot user who connects it.
    pub user_id: u64,
    /// The company.
    pub company: NewCompany,
    /// Since when it waits.
    pub at: Timestamp,
}

impl Pending {
    /// Whether nobody confirmed it in time.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) >= WAITED_FOR
    }

    /// Whether nobody is confirming it any more, either: whoever did so at the last moment has long ended.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) >= WAITED_FOR + CONFIRMED_WITHIN
    }

    /// Whose the tokens would be.
    pub fn owner(&self) -> Owner {
        Owner::QuickBooks(self.portal, self.company.realm.clone())
    }

    /// The company's realm id.
    pub fn realm(&self) -> &RealmId {
        &self.company.realm
    }
}

/// What a person says of a company that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is the right one.
    Connect,
    /// It is not, or shall not be connected.
    Cancel,
}

impl Decision {
    fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Cancel => "cancel",
        }
    }
}

/// No confirmation takes so long: a function that answers browsers is killed after half of it.
const CONFIRMED_WITHIN: SignedDuration = SignedDuration::from_mins(2);

const PARTITION: &str = "PENDING";
const WHAT: &str = "the unconfirmed company";

impl Store {
    /// Lets a company wait for its confirmation under this handle.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: it may wait, and be found by [`Self::pending_companies`].
    pub async fn put_pending(&self, handle: &Handle, pending: &Pending, grant: &Grant) -> Result<(), Error> {
        const DOING: &str = "keeping an unconfirmed company";
        self.dynamodb
            .put_item()
            .table_name(&self.names.table)
            .item("pk", text(PARTITION))
            .item("sk", text(handle.hash()))
            .item("v", number(VERSION))
            .item("pending", text(serde_json::to_string(pending).map_err(Error::unavailable(DOING))?))
            .send()
            .await
            .map_err(Error::unavailable(DOING))?;
        let json = tokens::to_json(&pending.owner(), grant).map_err(Error::unavailable(DOING))?;
        let create = self.secrets.create_secret().name(self.pending_secret(&handle.hash()));
        let create = create.set_kms_key_id(self.names.token_key.clone()).set_tags(self.names.tags());
        create.secret_string(json).send().await.map_err(Error::unavailable(DOING))?;
        Ok(())
    }

    /// The company that waits under this handle.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn pending(&self, handle: &Handle) -> Result<Option<Pending>, Error> {
        let found = self
            .dynamodb
            .get_item()
            .table_name(&self.names.table)
            .key("pk", text(PARTITION))
            .key("sk", text(handle.hash()))
            .consistent_read(true)
            .send()
            .await
            .map_err(Error::unavailable("reading an unconfirmed company"))?;
        let Some(attributes) = found.item else { return Ok(None) };
        Item { what: WHAT, attributes: &attributes }.optional_json("pending")
    }

    /// All companies that wait, by the hashes of their handles; there are never many. One that cannot be read is left out, and
    /// told in the log: it may not stand in everybody's way.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn pending_companies(&self) -> Result<Vec<(String, Pending)>, Error> {
        let found = self.items_of(PARTITION, "reading the unconfirmed companies").await?;
        let read = |attributes| {
            let item = Item { what: WHAT, attributes };
            let pending = item.optional_json("pending")?.ok_or_else(|| Error::corrupt(WHAT, "pending"))?;
            Ok((item.text("sk")?, pending))
        };
        let readable = |read: Result<_, Error>| {
            read.inspect_err(|error| tracing::error!(%error, "left alone: a person must look")).ok()
        };
        Ok(found.iter().map(read).filter_map(readable).collect())
    }

    /// Lets one decision on a company that waits be acted on, as often as need be, and no other. False: it waits no more, or
    /// the other decision was first.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: to be called again.
    pub async fn decide_pending(&self, hash: &str, decision: Decision) -> Result<bool, Error> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(PARTITION))
            .key("sk", text(hash))
            .update_expression("SET decision = :decision")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(decision) OR decision = :decision)",
            )
            .expression_attribute_values(":decision", text(decision.as_str()));
        unless_refused(update, "deciding on an unconfirmed company").await
    }

    /// The tokens of a company that waits; none if they are gone.
    ///
    /// # Errors
    /// [`Error::Unavailable`], or [`Error::Misplaced`] when they are of another company.
    pub async fn pending_grant(&self, hash: &str, pending: &Pending) -> Result<Option<Grant>, Error> {
        let read = self.secrets.get_secret_value().secret_id(self.pending_secret(hash)).send().await;
        match read {
            Ok(value) => {
                let json = value.secret_string.ok_or_else(|| Error::corrupt(WHAT, "no text"))?;
                tokens::read(&pending.owner(), &json.into()).map(Some)
            }
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_resource_not_found_exception() => Ok(None),
                _ => Err(Error::unavailable("reading the tokens of an unconfirmed company")(error)),
            },
        }
    }

    /// Forgets a company that waited, and the tokens that waited with it. Again, it does nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: something of it may be left; to be called again.
    pub async fn drop_pending(&self, hash: &str) -> Result<(), Error> {
        const DOING: &str = "forgetting an unconfirmed company";
        let deleted = self
            .secrets
            .delete_secret()
            .secret_id(self.pending_secret(hash))
            .force_delete_without_recovery(true)
            .send()
            .await;
        if let Err(error) = deleted
            && !error.as_service_error().is_some_and(|refused| refused.is_resource_not_found_exception())
        {
            return Err(Error::unavailable(DOING)(error));
        }
        let delete = self.dynamodb.delete_item().table_name(&self.names.table);
        let delete = delete.key("pk", text(PARTITION)).key("sk", text(hash));
        delete.send().await.map_err(Error::unavailable(DOING)).map(drop)
    }

    fn pending_secret(&self, hash: &str) -> String {
        format!("{}pending/{hash}", self.names.token_prefix)
    }
}
