//! What we remember of earlier matches: which customer a contact or company became, which item a product became. Only an economy:
//! a match that is wrong by now is found out by QuickBooks (610, 2500), and the next plan asks instead of remembering.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use mapping::hubspot::PortalId;
use mapping::lookup::LinkedCustomer;
use mapping::quickbooks::{CustomerId, ItemId, RealmId};
use mapping::sale::BuyerId;

use crate::item::{Item, VERSION, number, text};
use crate::{Error, Store};

/// Matches of one portal with one company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// The customer a contact or company became.
    pub customer: Option<LinkedCustomer>,
    /// The item each HubSpot product became.
    pub items: HashMap<String, ItemId>,
}

/// DynamoDB's own limits of one batch.
const READ_AT_ONCE: usize = 100;
const WRITE_AT_ONCE: usize = 25;

impl Store {
    /// What is remembered of this buyer and these products. What cannot be read at once counts as not remembered.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn matches(
        &self,
        portal: PortalId,
        realm: &RealmId,
        buyer: Option<BuyerId>,
        products: &[String],
    ) -> Result<Matches, Error> {
        let sorts: Vec<String> =
            buyer.map(buyer_sort).into_iter().chain(products.iter().map(|id| product_sort(id))).collect();
        let mut found = Matches::default();
        for sorts in sorts.chunks(READ_AT_ONCE) {
            for attributes in self.matched_items(portal, realm, sorts).await? {
                let item = Item { what: "a match", attributes: &attributes };
                let id = item.text("id")?;
                match item.text("sk")?.split_once('#') {
                    Some(("CONTACT" | "COMPANY", _)) => {
                        let currency = item.optional_text("currency").and_then(|code| code.parse().ok());
                        let (id, name) = (CustomerId(id), item.text("name")?);
                        found.customer = Some(LinkedCustomer { id, name, currency });
                    }
                    Some(("PRODUCT", product)) => {
                        found.items.insert(product.to_owned(), ItemId(id));
                    }
                    _ => return Err(Error::corrupt("a match", "sk")),
                }
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
    ) -> Result<(), Error> {
        let pk = partition(portal, realm);
        let customer = matches.customer.iter().map(|LinkedCustomer { id, name, currency }| {
            let mut item = HashMap::from([
                ("sk".to_owned(), text(buyer_sort(buyer))),
                ("id".to_owned(), text(&id.0)),
                ("name".to_owned(), text(name)),
            ]);
            item.extend(currency.iter().map(|code| ("currency".to_owned(), text(code.as_str()))));
            item
        });
        let items = matches.items.iter().map(|(product, id)| {
            HashMap::from([("sk".to_owned(), text(product_sort(product))), ("id".to_owned(), text(&id.0))])
        });
        let mut writes = Vec::new();
        for mut item in customer.chain(items) {
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

    async fn matched_items(
        &self,
        portal: PortalId,
        realm: &RealmId,
        sorts: &[String],
    ) -> Result<Vec<HashMap<String, AttributeValue>>, Error> {
        let pk = partition(portal, realm);
        let keys = sorts
            .iter()
            .map(|sort| HashMap::from([("pk".to_owned(), text(&pk)), ("sk".to_owned(), text(sort))]))
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

fn partition(portal: PortalId, realm: &RealmId) -> String {
    format!("M#{portal}#{realm}")
}

fn buyer_sort(buyer: BuyerId) -> String {
    match buyer {
        BuyerId::Contact(contact) => format!("CONTACT#{contact}"),
        BuyerId::Company(company) => format!("COMPANY#{company}"),
    }
}

fn product_sort(product: &str) -> String {
    format!("PRODUCT#{product}")
}
