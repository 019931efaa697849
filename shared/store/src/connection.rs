//! The connection item: which version of a token secret is in force, who may renew it, and when somebody should.
//!
//! One item per secret (rulings.md 20). `{generation, version_id}` moves only by the conditional writes of this file:
//!
//! - [`Store::lease`] takes the right to renew, for a while, and raises the fence;
//! - [`Store::commit`] lets the connection name the next version, if generation and fence are still the holder's;
//! - [`Store::require_reauth`] ends a grant under the same condition, so that nobody can end one that was renewed meanwhile;
//! - whoever connects again ([`Store::connect_quickbooks`]) asks only for the generation: a person's consent beats a lease.
//!   In the same transaction stands the company's link, so that there is no connection that nobody can see or take away.
//!
//! What a caller should do with all that is decided in `app::renewal`. QuickBooks connections also stand in the index `due`,
//! in shards of their own: when the schedule should look at them. HubSpot's are renewed on use (rulings.md 22).

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;

use crate::item::{Item, VERSION, is_conflict, is_refusal, millis, number, text};
use crate::portal::NewCompany;
use crate::record::Nonce;
use crate::tokens::{Grant, Owner};
use crate::{Error, Store};

/// QuickBooks connections are spread over this many partitions of the index `due`.
const SHARDS: u64 = 4;

/// Between two notes that a company was used.
pub const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The schedule first looks at new tokens this long before the access token ends.
pub const LOOKED_AT_BEFORE: SignedDuration = SignedDuration::from_mins(25);

/// How often whoever connects tries again because tokens were renewed in between.
const TRIES: usize = 5;

/// Which version of a token secret is in force. Readers fetch exactly that version, so no cache can be stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Rises by one with every new pair of tokens.
    pub generation: u64,
    /// The version of the token secret that holds them.
    pub version_id: String,
    /// Whether the vendor still accepts the grant.
    pub status: Status,
    /// When the access token ends.
    pub access_expires_at: Option<Timestamp>,
    /// When the grant ends if nobody renews it before: for people, who see how long it lasts.
    pub refresh_expires_at: Option<Timestamp>,
    /// When the grant ends whatever is done.
    pub hard_expires_at: Option<Timestamp>,
    /// When the company was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
    /// When the vendor refused an access token of this generation that had only just been bought.
    pub refused_at: Option<Timestamp>,
}

/// What is known of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In use.
    Ok,
    /// Refused for good: a person must connect again.
    ReauthRequired,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::ReauthRequired => "REAUTH_REQUIRED",
        }
    }
}

/// The right to renew, as taken: every later write carries its generation and fence.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The connection when the lease was taken.
    pub connection: Connection,
    fence: u64,
}

/// What became of a wish for the lease.
#[derive(Clone, Debug)]
pub enum Leased {
    /// It is the caller's.
    Ours(Lease),
    /// Somebody else has it, or the connection is not what the caller thought: as it stands, if it still exists.
    Not(Option<Connection>),
}

impl Owner {
    pub(crate) fn partition(&self) -> String {
        format!("P#{}", self.portal())
    }

    pub(crate) fn connection_sort(&self) -> String {
        match self {
            Self::HubSpot(_) => HUBSPOT.to_owned(),
            Self::QuickBooks(_, realm) => format!("{QUICKBOOKS}{realm}"),
        }
    }

    /// The owner of a connection item in the index; HubSpot's are never there.
    fn of_item(partition: &str, sort: &str) -> Option<Self> {
        let portal = partition.strip_prefix("P#")?.parse().ok()?;
        let realm = sort.strip_prefix(QUICKBOOKS)?.to_owned();
        Some(Self::QuickBooks(PortalId(portal), RealmId::try_from(realm).ok()?))
    }

    /// Where it stands in the index `due`, if the schedule keeps it alive.
    fn shard(&self) -> Option<String> {
        match self {
            Self::HubSpot(_) => None,
            Self::QuickBooks(PortalId(portal), realm) => {
                let mixed = realm.as_str().bytes().fold(*portal, |sum, byte| sum.wrapping_add(byte.into()));
                Some(shard(mixed % SHARDS))
            }
        }
    }
}

fn shard(number: u64) -> String {
    format!("R#{number}")
}

pub(crate) const HUBSPOT: &str = "CONNECTION#hubspot";
pub(crate) const QUICKBOOKS: &str = "CONNECTION#quickbooks#";

impl Store {
    /// The connection as it stands, read strongly consistently; none if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn connection(&self, owner: &Owner) -> Result<Option<Connection>, Error> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.names.table)
            .key("pk", text(owner.partition()))
            .key("sk", text(owner.connection_sort()))
            .consistent_read(true)
            .send()
            .await
            .map_err(Error::unavailable("reading the connection"))?;
        answer.item.map(|attributes| read(&attributes)).transpose()
    }

    /// Takes the right to renew until `until`, if the connection is still what the caller has seen and nobody has it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn lease(
        &self,
        owner: &Owner,
        seen: &Connection,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Leased, Error> {
        let nonce = Nonce::new().to_string();
        let update = self
            .update(owner)
            .update_expression(
                "SET lease_owner = :nonce, lease_until = :until, lease_fence = if_not_exists(lease_fence, :zero) + :one",
            )
            .condition_expression(
                "generation = :generation AND #status = :ok AND (attribute_not_exists(lease_until) OR lease_until < :now)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":nonce", text(&nonce))
            .expression_attribute_values(":until", millis(until))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":generation", number(seen.generation))
            .expression_attribute_values(":ok", text(Status::Ok.as_str()))
            .expression_attribute_values(":now", millis(now));
        let attributes = match ran(update.send().await, "taking the lease")? {
            Ran::Done(attributes) => attributes,
            // Our own write, whose reply was lost.
            Ran::Refused(attributes) if attributes.get("lease_owner") == Some(&text(&nonce)) => attributes,
            Ran::Refused(attributes) if attributes.is_empty() => return Ok(Leased::Not(None)),
            Ran::Refused(attributes) => return Ok(Leased::Not(Some(read(&attributes)?))),
        };
        let fence = Item { what: WHAT, attributes: &attributes }.number("lease_fence")?;
        Ok(Leased::Ours(Lease { connection: read(&attributes)?, fence }))
    }

    /// Gives the lease back unused.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: it ends by itself.
    pub async fn release(&self, owner: &Owner, lease: &Lease) -> Result<(), Error> {
        let update = self.held(owner, lease).update_expression("REMOVE lease_owner, lease_until");
        let update = update.condition_expression(HELD);
        ran(update.send().await, "giving the lease back").map(drop)
    }

    /// Lets the connection name the version that holds this grant, and gives the lease back. False when somebody else has
    /// renewed or taken over meanwhile: the connection is theirs.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it took place is not known.
    pub async fn commit(
        &self,
        owner: &Owner,
        lease: &Lease,
        grant: &Grant,
        version_id: &str,
    ) -> Result<bool, Error> {
        let update = moved(self.held(owner, lease), owner, grant, version_id).condition_expression(HELD);
        Ok(ran(update.send().await, "committing renewed tokens")?.names(version_id))
    }

    /// Writes down that a person must connect again. False when somebody else has renewed or taken over meanwhile.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it took place is not known.
    pub async fn require_reauth(&self, owner: &Owner, lease: &Lease) -> Result<bool, Error> {
        let update = self
            .held(owner, lease)
            .update_expression("SET #status = :ended REMOVE lease_owner, lease_until, due, next_at")
            .condition_expression(HELD)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":ended", text(Status::ReauthRequired.as_str()));
        Ok(matches!(ran(update.send().await, "ending the connection")?, Ran::Done(_)))
    }

    /// Notes that the company is used, once an hour; the schedule, which may have left it alone for days, looks at its tokens
    /// before they end.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: the schedule may take the company for unused.
    pub async fn note_use(&self, owner: &Owner, seen: &Connection, now: Timestamp) -> Result<(), Error> {
        let hour_ago = now.checked_sub(NOTED_EVERY).unwrap_or(now);
        let update = self
            .update(owner)
            .update_expression("SET last_used_at = :now, next_at = :next_at")
            .condition_expression(
                "attribute_exists(due) AND (attribute_not_exists(last_used_at) OR last_used_at < :hour_ago)",
            )
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":next_at", millis(looked_at(seen.access_expires_at.unwrap_or(now))))
            .expression_attribute_values(":hour_ago", millis(hour_ago));
        ran(update.send().await, "noting the use").map(drop)
    }

    /// Notes that the vendor refused an access token of this generation as soon as it was bought; the next renewal clears the
    /// note.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whoever comes next may find it out anew.
    pub async fn note_refused(&self, owner: &Owner, generation: u64, now: Timestamp) -> Result<(), Error> {
        let update = self
            .update(owner)
            .update_expression("SET refused_at = :now")
            .condition_expression("generation = :generation")
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":generation", number(generation));
        ran(update.send().await, "noting a refusal").map(drop)
    }

    /// The QuickBooks connections that the schedule should look at now, the longest due first, up to `limit` of each shard.
    /// The index may lag: read the connection before acting on it.
    ///
    /// # Errors
    /// [`Error::Unavailable`], when no shard can be read.
    pub async fn renewals_due(&self, now: Timestamp, limit: usize) -> Result<Vec<Owner>, Error> {
        self.due_in((0..SHARDS).map(shard), now, limit, Owner::of_item).await
    }

    /// Leaves a connection for later, unless its tokens were renewed since it was read.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: it stays due.
    pub async fn look_later(
        &self,
        owner: &Owner,
        seen: &Connection,
        next_at: Timestamp,
    ) -> Result<(), Error> {
        let update = self
            .update(owner)
            .update_expression("SET next_at = :next_at")
            .condition_expression("generation = :generation AND attribute_exists(due)")
            .expression_attribute_values(":next_at", millis(next_at))
            .expression_attribute_values(":generation", number(seen.generation));
        ran(update.send().await, "leaving the connection for later").map(drop)
    }

    /// Stores the tokens of a consent, and lets the connection name them: the first ones, or those of a reconnect, which
    /// follow the generation that stands, clear the journal and end whatever lease there is.
    /// With the tokens of a company, its link.
    pub(crate) async fn connect(
        &self,
        owner: &Owner,
        consent: &Grant,
        company: Option<&NewCompany>,
    ) -> Result<(), Error> {
        for _try in 0..TRIES {
            let before = self.connection(owner).await?;
            let generation =
                before.as_ref().map_or(first_generation(consent), |before| before.generation + 1);
            let grant = Grant { generation, ..consent.clone() };
            // The label leaves whatever stood in the journal.
            let version_id = match &before {
                None => self.create_tokens(owner, &grant).await?,
                Some(_) => self.put_tokens(owner, &grant).await?,
            };
            let consented = self.consented(owner, before.as_ref(), &grant, &version_id);
            let done = match company {
                None => ran(consented.send().await, "saving the connection")?.names(&version_id),
                Some(company) => self.linked(owner.portal(), company, &consented).await?,
            };
            if !done {
                continue;
            }
            self.make_current(owner, &version_id).await;
            let replaced = before.map(|before| before.version_id);
            self.tokens.put(owner, &grant, &version_id, replaced);
            return Ok(());
        }
        Err(Error::unavailable("connecting")(std::io::Error::other("tokens are renewed again and again")))
    }

    /// Names the tokens of a consent, if the connection is still what it was.
    fn consented(
        &self,
        owner: &Owner,
        before: Option<&Connection>,
        grant: &Grant,
        version_id: &str,
    ) -> UpdateItemFluentBuilder {
        let update = moved(self.update(owner), owner, grant, version_id);
        match before {
            None => update.condition_expression("attribute_not_exists(pk)"),
            Some(before) => update
                .condition_expression("generation = :before")
                .expression_attribute_values(":before", number(before.generation)),
        }
    }

    /// The same together with the company's link. False when the connection is no longer what it was, or is being written.
    async fn linked(
        &self,
        id: PortalId,
        company: &NewCompany,
        consented: &UpdateItemFluentBuilder,
    ) -> Result<bool, Error> {
        const DOING: &str = "linking the company";
        let note = self.link_note(&company.realm, id).map_err(Error::unavailable(DOING))?;
        let mut link = self
            .dynamodb
            .transact_write_items()
            .transact_items(part(consented).map_err(Error::unavailable(DOING))?)
            .transact_items(part(&self.link(id, company)).map_err(Error::unavailable(DOING))?)
            .transact_items(TransactWriteItem::builder().put(note).build());
        if let Some((books, read_at)) = company.books_to_keep() {
            let keep = self.kept_books(id, &company.realm, books, read_at)?;
            link = link.transact_items(part(&keep).map_err(Error::unavailable(DOING))?);
        }
        match link.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(|error| is_refusal(error) || is_conflict(error)) =>
            {
                Ok(false)
            }
            Err(error) => Err(Error::unavailable(DOING)(error)),
        }
    }

    fn update(&self, owner: &Owner) -> UpdateItemFluentBuilder {
        self.dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(owner.partition()))
            .key("sk", text(owner.connection_sort()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    fn held(&self, owner: &Owner, lease: &Lease) -> UpdateItemFluentBuilder {
        self.update(owner)
            .expression_attribute_values(":held", number(lease.connection.generation))
            .expression_attribute_values(":fence", number(lease.fence))
    }
}

/// A connection that was removed and made again must not meet what a process still holds of the one before: generations
/// begin with a time, and nobody renews every second.
fn first_generation(consent: &Grant) -> u64 {
    u64::try_from(consent.access_expires_at.as_second()).unwrap_or(1)
}

const WHAT: &str = "the connection";

/// The lease's holder, and nobody since.
const HELD: &str = "generation = :held AND lease_fence = :fence";

/// Names a version, and everything that the item tells of its tokens.
fn moved(
    update: UpdateItemFluentBuilder,
    owner: &Owner,
    grant: &Grant,
    version_id: &str,
) -> UpdateItemFluentBuilder {
    let mut set = "SET v = :v, generation = :generation, version_id = :version, #status = :ok, access_expires_at = :access"
        .to_owned();
    let mut remove = " REMOVE lease_owner, lease_until, refused_at".to_owned();
    let mut update = update
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":v", number(VERSION))
        .expression_attribute_values(":generation", number(grant.generation))
        .expression_attribute_values(":version", text(version_id))
        .expression_attribute_values(":ok", text(Status::Ok.as_str()))
        .expression_attribute_values(":access", millis(grant.access_expires_at));
    for (name, value, end) in [
        ("refresh_expires_at", ":refresh", grant.refresh_expires_at),
        ("hard_expires_at", ":hard", grant.hard_expires_at),
    ] {
        match end {
            Some(end) => {
                set += &format!(", {name} = {value}");
                update = update.expression_attribute_values(value, millis(end));
            }
            None => remove += &format!(", {name}"),
        }
    }
    if let Some(shard) = owner.shard() {
        set += ", due = :due, next_at = :next_at";
        update = update
            .expression_attribute_values(":due", text(shard))
            .expression_attribute_values(":next_at", millis(looked_at(grant.access_expires_at)));
    }
    update.update_expression(set + &remove)
}

/// The same write as part of a transaction.
fn part(update: &UpdateItemFluentBuilder) -> Result<TransactWriteItem, BuildError> {
    let update = Update::builder()
        .set_table_name(update.get_table_name().clone())
        .set_key(update.get_key().clone())
        .set_update_expression(update.get_update_expression().clone())
        .set_condition_expression(update.get_condition_expression().clone())
        .set_expression_attribute_names(update.get_expression_attribute_names().clone())
        .set_expression_attribute_values(update.get_expression_attribute_values().clone())
        .build()?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// When the schedule first looks at tokens whose access token ends then.
fn looked_at(access_expires_at: Timestamp) -> Timestamp {
    access_expires_at.checked_sub(LOOKED_AT_BEFORE).unwrap_or(access_expires_at)
}

enum Ran {
    Done(HashMap<String, AttributeValue>),
    /// The condition did not hold for this item; empty if there is none.
    Refused(HashMap<String, AttributeValue>),
}

impl Ran {
    /// Whether the item names this version by this write; its reply may have been lost, and it was then sent again.
    fn names(&self, version_id: &str) -> bool {
        let (Self::Done(attributes) | Self::Refused(attributes)) = self;
        attributes.get("version_id") == Some(&text(version_id))
    }
}

fn ran<R: std::fmt::Debug + Send + Sync + 'static>(
    sent: Result<aws_sdk_dynamodb::operation::update_item::UpdateItemOutput, SdkError<UpdateItemError, R>>,
    doing: &'static str,
) -> Result<Ran, Error> {
    match sent {
        Ok(done) => Ok(Ran::Done(done.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Ran::Refused(refused.item.clone().unwrap_or_default()))
            }
            _ => Err(Error::unavailable(doing)(error)),
        },
    }
}

pub(crate) fn read(attributes: &HashMap<String, AttributeValue>) -> Result<Connection, Error> {
    let item = Item { what: WHAT, attributes };
    let status = match item.text("status")?.as_str() {
        "OK" => Status::Ok,
        _ => Status::ReauthRequired,
    };
    Ok(Connection {
        generation: item.number("generation")?,
        version_id: item.text("version_id")?,
        status,
        access_expires_at: item.optional_time("access_expires_at")?,
        refresh_expires_at: item.optional_time("refresh_expires_at")?,
        hard_expires_at: item.optional_time("hard_expires_at")?,
        last_used_at: item.optional_time("last_used_at")?,
        refused_at: item.optional_time("refused_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_s_connection_is_found_again_by_its_keys_and_hubspot_s_is_never_due() {
        let owner = Owner::QuickBooks(PortalId(7), RealmId::try_from("9130".to_owned()).unwrap());
        assert_eq!(Owner::of_item(&owner.partition(), &owner.connection_sort()), Some(owner.clone()));
        assert!(owner.shard().is_some_and(|shard| shard.starts_with("R#")));
        let hubspot = Owner::HubSpot(PortalId(7));
        assert_eq!(Owner::of_item(&hubspot.partition(), &hubspot.connection_sort()), None);
        assert_eq!(hubspot.shard(), None);
    }
}
