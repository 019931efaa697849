//! Sessions of the console: who is signed in, in which portal. The browser has the handle, the table its hash.
//!
//! A second item per session stands under the portal, so that all of a portal's sessions can be ended.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;

use crate::handle::Handle;
use crate::item::{Item, VERSION, millis, number, text, unless_refused};
use crate::{Error, Store};

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The portal, as HubSpot named it: nothing of another one is ever shown.
    pub portal: PortalId,
    /// What people call the portal: its domain.
    pub portal_name: String,
    /// The HubSpot user.
    pub user_id: u64,
    /// The user's e-mail address, for people.
    pub user: String,
    /// Stands in every form: who sends one without it was not on our page.
    pub csrf: Handle,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When the session was used, to about a minute.
    pub last_seen_at: Timestamp,
}

/// After so long without a request a session is over.
pub const IDLE: SignedDuration = SignedDuration::from_hours(8);

const SORT: &str = "SESSION";
const WHAT: &str = "the session";

impl Store {
    /// Begins a session.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it exists is not known.
    pub async fn open_session(&self, handle: &Handle, session: &Session) -> Result<(), Error> {
        let doing = "opening a session";
        let hash = handle.hash();
        let ends = ends(session.last_seen_at);
        // First what finds it: a session that nobody could end must not be.
        self.dynamodb
            .put_item()
            .table_name(&self.names.table)
            .item("pk", text(of_portal(session.portal)))
            .item("sk", text(&hash))
            .item("v", number(VERSION))
            // Beyond the end of a session that is used for a month.
            .item("ttl", number(ends.as_second() + SignedDuration::from_hours(31 * 24).as_secs()))
            .send()
            .await
            .map_err(Error::unavailable(doing))?;
        self.dynamodb
            .put_item()
            .table_name(&self.names.table)
            .item("pk", text(partition(&hash)))
            .item("sk", text(SORT))
            .item("v", number(VERSION))
            .item("portal", number(session.portal))
            .item("portal_name", text(&session.portal_name))
            .item("user_id", number(session.user_id))
            .item("user", text(&session.user))
            .item("csrf", text(session.csrf.expose()))
            .item("created_at", millis(session.created_at))
            .item("last_seen_at", millis(session.last_seen_at))
            .item("ttl", number(ends.as_second()))
            .send()
            .await
            .map_err(Error::unavailable(doing))?;
        Ok(())
    }

    /// The session, if there is one and it is not over.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn session(&self, handle: &Handle, now: Timestamp) -> Result<Option<Session>, Error> {
        let found = self
            .dynamodb
            .get_item()
            .table_name(&self.names.table)
            .key("pk", text(partition(&handle.hash())))
            .key("sk", text(SORT))
            .consistent_read(true)
            .send()
            .await
            .map_err(Error::unavailable("reading a session"))?;
        let Some(attributes) = found.item else { return Ok(None) };
        let session = read(&Item { what: WHAT, attributes: &attributes })?;
        let lives = now < ends(session.last_seen_at) && now < longest(session.created_at);
        Ok(lives.then_some(session))
    }

    /// Notes that a session is in use; one that was ended meanwhile stays ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn touch_session(&self, handle: &Handle, now: Timestamp) -> Result<(), Error> {
        let touch = self
            .dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(partition(&handle.hash())))
            .key("sk", text(SORT))
            .update_expression("SET last_seen_at = :now, #ttl = :ttl")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":ttl", number(ends(now).as_second()));
        unless_refused(touch, "touching a session").await.map(drop)
    }

    /// Ends a session, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn close_session(&self, handle: &Handle) -> Result<(), Error> {
        let hash = handle.hash();
        let portal = self.delete_session(&hash).await?;
        if let Some(portal) = portal {
            self.forget_session(portal, &hash).await?;
        }
        Ok(())
    }

    /// Ends all sessions of a portal.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: some may have ended.
    pub async fn close_sessions(&self, portal: PortalId) -> Result<(), Error> {
        let open = self.items_of(&of_portal(portal), "reading the portal's sessions").await?;
        for attributes in &open {
            let hash = Item { what: WHAT, attributes }.text("sk")?;
            self.delete_session(&hash).await?;
            self.forget_session(portal, &hash).await?;
        }
        Ok(())
    }

    /// Whose it was.
    async fn delete_session(&self, hash: &str) -> Result<Option<PortalId>, Error> {
        let deleted = self
            .dynamodb
            .delete_item()
            .table_name(&self.names.table)
            .key("pk", text(partition(hash)))
            .key("sk", text(SORT))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(Error::unavailable("closing a session"))?;
        let Some(attributes) = deleted.attributes else { return Ok(None) };
        Item { what: WHAT, attributes: &attributes }.number("portal").map(PortalId).map(Some)
    }

    async fn forget_session(&self, portal: PortalId, hash: &str) -> Result<(), Error> {
        self.dynamodb
            .delete_item()
            .table_name(&self.names.table)
            .key("pk", text(of_portal(portal)))
            .key("sk", AttributeValue::S(hash.to_owned()))
            .send()
            .await
            .map_err(Error::unavailable("closing a session"))?;
        Ok(())
    }
}

fn partition(hash: &str) -> String {
    format!("S#{hash}")
}

fn of_portal(portal: PortalId) -> String {
    format!("SP#{portal}")
}

fn ends(last_seen_at: Timestamp) -> Timestamp {
    last_seen_at.checked_add(IDLE).unwrap_or(Timestamp::MAX)
}

/// A session that is used all the time ends all the same, before the item that finds it does.
fn longest(created_at: Timestamp) -> Timestamp {
    created_at.checked_add(SignedDuration::from_hours(30 * 24)).unwrap_or(Timestamp::MAX)
}

fn read(item: &Item<'_>) -> Result<Session, Error> {
    let time = |name| item.optional_time(name)?.ok_or_else(|| Error::corrupt(WHAT, name));
    Ok(Session {
        portal: PortalId(item.number("portal")?),
        portal_name: item.text("portal_name")?,
        user_id: item.number("user_id")?,
        user: item.text("user")?,
        csrf: Handle::read(&item.text("csrf")?).ok_or_else(|| Error::corrupt(WHAT, "csrf"))?,
        created_at: time("created_at")?,
        last_seen_at: time("last_seen_at")?,
    })
}
