//! What we remember of earlier matches: which customer a contact or company became, which item a product became. Only an economy:
//! a match that is wrong by now is found out by QuickBooks (610, 2500), and the next plan asks instead of remembering. That
//! another item has a custom line's SKU or name by now QuickBooks cannot find out: such a match is kept for a day.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::{PortalId, RecordId};
use mapping::item::is_custom;
use mapping::lookup::LinkedCustomer;
use mapping::quickbooks::{CustomerId, ItemId, RealmId};
use mapping::sale::BuyerId;
use sha2::{Digest, Sha256};

use crate::item::{Item, VERSION, millis, number, text};
use crate::{Error, Store};

/// Matches of one portal with one company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// The customer a contact or company became.
    pub customer: Option<LinkedCustomer>,
    /// The item each line became, by what it is known as: a HubSpot product or a custom line.
    pub items: HashMap<String, ItemId>,
}

/// For so long the match of a custom line holds.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// DynamoDB's own limits of one batch.
const READ_AT_ONCE: usize = 100;
const WRITE_AT_ONCE: usize = 25;

impl Store {
    /// What is remembered of this buyer and these lines. What cannot be read at once counts as not remembered.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn matches(
        &self,
        portal: PortalId,
        realm: &RealmId,
        buyer: Option<BuyerId>,
        lines: &[String],
        now: Timestamp,
    ) -> Result<Matches, Error> {
        let lines: HashMap<String, &String> = lines.iter().map(|line| (line_sort(line), line)).collect();
        let sorts: Vec<String> = buyer.map(buyer_sort).into_iter().chain(lines.keys().cloned()).collect();
        let mut found = Matches::default();
        for attributes in self.recalled(portal, realm, &sorts).await? {
            let item = Item { what: "a match", attributes: &attributes };
            let id = item.text("id")?;
            match lines.get(&item.text("sk")?) {
                None => {
                    let currency = item.optional_text("currency").and_then(|code| code.parse().ok());
                    let (id, name) = (CustomerId(id), item.text("name")?);
                    found.customer = Some(LinkedCustomer { id, name, currency });
                }
                Some(line) if holds(&item, now)? => {
                    found.items.insert((*line).clone(), ItemId(id));
                }
                Some(_) => {}
            }
        }
        Ok(found)
    }

    /// Remembers matches, the newest over older ones.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; some may be remembered then.
    pub async fn remember(
        &self,
        portal: PortalId,
        realm: &RealmId,
        buyer: BuyerId,
        matches: &Matches,
        now: Timestamp,
    ) -> Result<(), Error> {
        let customer = matches.customer.iter().map(|LinkedCustomer { id, name, currency }| {
            let mut item = HashMap::from([
                ("sk".to_owned(), text(buyer_sort(buyer))),
                ("id".to_owned(), text(&id.0)),
                ("name".to_owned(), text(name)),
            ]);
            item.extend(currency.iter().map(|code| ("currency".to_owned(), text(code.as_str()))));
            item
        });
        let until = now.checked_add(KEPT).unwrap_or(now);
        let items = matches.items.iter().map(|(line, id)| {
            let sort = text(line_sort(line));
            let mut item = HashMap::from([("sk".to_owned(), sort), ("id".to_owned(), text(&id.0))]);
            if is_custom(line) {
                item.extend(held_until(until));
            }
            item
        });
        self.put_remembered(portal, realm, customer.chain(items)).await
    }

    /// Writes items of what is remembered, each with its sort key.
    pub(crate) async fn put_remembered(
        &self,
        portal: PortalId,
        realm: &RealmId,
        items: impl Iterator<Item = HashMap<String, AttributeValue>>,
    ) -> Result<(), Error> {
        let pk = partition(portal, realm);
        let mut writes = Vec::new();
        for mut item in items {
            item.insert("pk".to_owned(), text(&pk));
            item.insert("v".to_owned(), number(VERSION));
            let put = PutRequest::builder()
                .set_item(Some(item))
                .build()
                .map_err(Error::unavailable("remembering matches"))?;
            writes.push(WriteRequest::builder().put_request(put).build());
        }
        for writes in writes.chunks(WRITE_AT_ONCE) {
            self.dynamodb
                .batch_write_item()
                .request_items(&self.names.table, writes.to_vec())
                .send()
                .await
                .map_err(Error::unavailable("remembering matches"))?;
        }
        Ok(())
    }

    /// What is remembered under these sort keys, as far as it can be read at once.
    pub(crate) async fn recalled(
        &self,
        portal: PortalId,
        realm: &RealmId,
        sorts: &[String],
    ) -> Result<Vec<HashMap<String, AttributeValue>>, Error> {
        let pk = partition(portal, realm);
        let mut recalled = Vec::new();
        for sorts in sorts.chunks(READ_AT_ONCE) {
            recalled.extend(self.recalled_at_once(&pk, sorts).await?);
        }
        Ok(recalled)
    }

    async fn recalled_at_once(
        &self,
        pk: &str,
        sorts: &[String],
    ) -> Result<Vec<HashMap<String, AttributeValue>>, Error> {
        let keys = sorts
            .iter()
            .map(|sort| HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sort))]))
            .collect();
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .build()
            .map_err(Error::unavailable("recalling matches"))?;
        let answer = self
            .dynamodb
            .batch_get_item()
            .request_items(&self.names.table, wanted)
            .send()
            .await
            .map_err(Error::unavailable("recalling matches"))?;
        Ok(answer.responses.unwrap_or_default().remove(&self.names.table).unwrap_or_default())
    }
}

/// Whether it is not too old to be used.
pub(crate) fn holds(item: &Item<'_>, now: Timestamp) -> Result<bool, Error> {
    Ok(item.optional_time("until")?.is_none_or(|until| now < until))
}

/// The attributes of what is too old from then on.
pub(crate) fn held_until(until: Timestamp) -> [(String, AttributeValue); 2] {
    [("until".to_owned(), millis(until)), ("ttl".to_owned(), number(until.as_second()))]
}

fn partition(portal: PortalId, realm: &RealmId) -> String {
    format!("M#{portal}#{realm}")
}

pub(crate) fn buyer_sort(buyer: BuyerId) -> String {
    match buyer {
        BuyerId::Contact(contact) => format!("CONTACT#{contact}"),
        BuyerId::Company(company) => format!("COMPANY#{company}"),
    }
}

/// Who that was, written so.
pub(crate) fn buyer_of(text: &str) -> Option<BuyerId> {
    let (kind, id) = text.split_once('#')?;
    let id = RecordId(id.parse().ok()?);
    match kind {
        "CONTACT" => Some(BuyerId::Contact(id)),
        "COMPANY" => Some(BuyerId::Company(id)),
        _ => None,
    }
}

/// Names are as long as people make them: of a custom line only the hash is a key.
fn line_sort(known_as: &str) -> String {
    match is_custom(known_as) {
        true => format!("LINE#{}", hex::encode(Sha256::digest(known_as))),
        false => format!("PRODUCT#{known_as}"),
    }
}
