//! A portal, its link to HubSpot and the QuickBooks companies linked to it: one query reads them all.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::tz::TimeZone;
use mapping::hubspot::PortalId;
use mapping::money::Currency;
use mapping::quickbooks::{ItemId, RealmId};

use crate::connection::{self, Connection, HUBSPOT, QUICKBOOKS};
use crate::item::{Item, VERSION, number, text};
use crate::tokens::{Grant, Owner};
use crate::{Error, Store};

/// A HubSpot account that installed the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// Its id.
    pub id: PortalId,
    /// Its time zone: the day of a document is a day there.
    pub time_zone: TimeZone,
    /// What the choice `default` means.
    pub default_realm: Option<RealmId>,
    /// Its connection to HubSpot; none after an uninstall.
    pub hubspot: Option<Connection>,
    /// The QuickBooks companies it may use.
    pub companies: Vec<Company>,
}

impl Portal {
    /// The linked company with this realm id.
    pub fn company(&self, realm: &RealmId) -> Option<&Company> {
        self.companies.iter().find(|company| company.realm == *realm)
    }
}

/// A QuickBooks company linked to a portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its realm id.
    pub realm: RealmId,
    /// Its name, for people.
    pub name: String,
    /// Whether it was connected with sandbox keys: it then has another API host.
    pub sandbox: bool,
    /// The currency its books are kept in.
    pub home_currency: Option<Currency>,
    /// The item that stands for fees of a quote.
    pub fee_item: Option<ItemId>,
    /// Its tokens.
    pub connection: Connection,
}

/// A QuickBooks company to link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCompany {
    /// Its realm id.
    pub realm: RealmId,
    /// Its name, for people.
    pub name: String,
    /// Whether it is connected with sandbox keys.
    pub sandbox: bool,
    /// The currency its books are kept in, as its preferences say.
    pub home_currency: Option<Currency>,
}

const PORTAL: &str = "PORTAL";
const LINK: &str = "LINK#";
const SETTINGS: &str = "SETTINGS#";

impl Store {
    /// The portal with its connections, or none if it never installed the app. One strongly consistent query.
    ///
    /// # Errors
    /// [`Error::Unavailable`], or [`Error::Corrupt`] when an item cannot be read.
    pub async fn portal(&self, id: PortalId) -> Result<Option<Portal>, Error> {
        let pages = self
            .dynamodb
            .query()
            .table_name(&self.names.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(partition(id)))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(Error::unavailable("reading the portal"))?;
        let items: Vec<Item<'_>> =
            pages.iter().map(|attributes| Item { what: "the portal", attributes }).collect();
        assemble(id, &items)
    }

    /// Adds a portal, or changes its time zone (an IANA name) and default company.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn save_portal(
        &self,
        id: PortalId,
        time_zone: &str,
        default_realm: Option<&RealmId>,
    ) -> Result<(), Error> {
        let mut put = self.put(id, PORTAL).item("time_zone", text(time_zone));
        if let Some(realm) = default_realm {
            put = put.item("default_realm", text(realm.as_str()));
        }
        put.send().await.map_err(Error::unavailable("saving the portal"))?;
        Ok(())
    }

    /// Connects a portal to HubSpot, or connects it again: its tokens, and the connection that names them. The grant's
    /// generation does not count: it follows the one that stands.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it is connected is not known.
    pub async fn connect_hubspot(&self, id: PortalId, grant: &Grant) -> Result<(), Error> {
        self.connect(&Owner::HubSpot(id), grant).await
    }

    /// Connects a company, or connects it again: its tokens, the connection that names them, and the link from the portal.
    /// The grant's generation does not count: it follows the one that stands. That the tokens are this company's was proven
    /// before.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it is connected is not known.
    pub async fn connect_quickbooks(
        &self,
        id: PortalId,
        company: &NewCompany,
        grant: &Grant,
    ) -> Result<(), Error> {
        self.connect(&Owner::QuickBooks(id, company.realm.clone()), grant).await?;
        let mut put = self
            .put(id, &format!("{LINK}{}", company.realm))
            .item("name", text(&company.name))
            .item("sandbox", AttributeValue::Bool(company.sandbox));
        if let Some(currency) = &company.home_currency {
            put = put.item("home_currency", text(currency.as_str()));
        }
        put.send().await.map_err(Error::unavailable("linking the company"))?;
        Ok(())
    }

    /// Takes a portal's connection to HubSpot away, and its tokens. Again, it does nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: something of it may be left; to be called again.
    pub async fn disconnect_hubspot(&self, id: PortalId) -> Result<(), Error> {
        self.disconnect(&Owner::HubSpot(id)).await
    }

    /// Takes the link to a company away, then the connection, then its tokens; its settings stay. Again, it does nothing.
    /// Ending the grant at Intuit is the caller's business (rulings.md 23).
    ///
    /// # Errors
    /// [`Error::Unavailable`]: something of it may be left; to be called again.
    pub async fn disconnect_quickbooks(&self, id: PortalId, realm: &RealmId) -> Result<(), Error> {
        self.delete(id, &format!("{LINK}{realm}"), "taking the link away").await?;
        self.disconnect(&Owner::QuickBooks(id, realm.clone())).await
    }

    async fn disconnect(&self, owner: &Owner) -> Result<(), Error> {
        self.delete(owner.portal(), &owner.connection_sort(), "taking the connection away").await?;
        self.delete_tokens(owner).await
    }

    async fn delete(&self, id: PortalId, sort: &str, doing: &'static str) -> Result<(), Error> {
        let delete = self.dynamodb.delete_item().table_name(&self.names.table);
        let delete = delete.key("pk", text(partition(id))).key("sk", text(sort));
        delete.send().await.map_err(Error::unavailable(doing)).map(drop)
    }

    /// Chooses the item that stands for the fees of a quote.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn save_fee_item(&self, id: PortalId, realm: &RealmId, item: &ItemId) -> Result<(), Error> {
        self.put(id, &format!("{SETTINGS}{realm}"))
            .item("fee_item", text(&item.0))
            .send()
            .await
            .map_err(Error::unavailable("saving the settings"))?;
        Ok(())
    }

    fn put(
        &self,
        id: PortalId,
        sort: &str,
    ) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
        self.dynamodb
            .put_item()
            .table_name(&self.names.table)
            .item("pk", text(partition(id)))
            .item("sk", text(sort))
            .item("v", number(VERSION))
    }
}

fn partition(id: PortalId) -> String {
    format!("P#{id}")
}

fn assemble(id: PortalId, items: &[Item<'_>]) -> Result<Option<Portal>, Error> {
    let named = |sort: &str| items.iter().find(|item| item.optional_text("sk").as_deref() == Some(sort));
    let Some(portal) = named(PORTAL) else { return Ok(None) };
    let settings = |realm: &str| named(&format!("{SETTINGS}{realm}"));
    let mut companies = Vec::new();
    for link in items {
        let sort = link.text("sk")?;
        let Some(realm) = sort.strip_prefix(LINK) else { continue };
        // A link without its connection is a connect that did not finish: not a company yet.
        let Some(connection) = named(&format!("{QUICKBOOKS}{realm}")) else { continue };
        companies.push(Company {
            realm: realm_id(realm.to_owned())?,
            name: link.text("name")?,
            sandbox: link.attributes.get("sandbox") == Some(&AttributeValue::Bool(true)),
            home_currency: link
                .optional_text("home_currency")
                .map(|code| code.parse().map_err(|_| Error::corrupt("the portal", "home_currency")))
                .transpose()?,
            fee_item: settings(realm).and_then(|item| item.optional_text("fee_item")).map(ItemId),
            connection: connection::read(connection.attributes)?,
        });
    }
    Ok(Some(Portal {
        id,
        time_zone: TimeZone::get(&portal.text("time_zone")?)
            .map_err(|_| Error::corrupt("the portal", "time_zone"))?,
        default_realm: portal.optional_text("default_realm").map(realm_id).transpose()?,
        hubspot: named(HUBSPOT).map(|item| connection::read(item.attributes)).transpose()?,
        companies,
    }))
}

fn realm_id(text: String) -> Result<RealmId, Error> {
    RealmId::try_from(text).map_err(|_| Error::corrupt("the portal", "realm"))
}
