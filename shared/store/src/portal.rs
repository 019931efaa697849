//! A portal, its link to HubSpot and the QuickBooks companies linked to it: one query reads them all.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mapping::books::Books;
use mapping::hubspot::PortalId;
use mapping::money::Currency;
use mapping::quickbooks::RealmId;
use mapping::settings::Choices;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::connection::{self, Connection, HUBSPOT, QUICKBOOKS, Status};
use crate::installation::linked;
use crate::item::{Item, VERSION, millis, number, text, unless_refused};
use crate::tokens::{Grant, Owner};
use crate::{Error, Store};

/// A HubSpot account that installed the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// Its id.
    pub id: PortalId,
    /// Its domain, by which people know it; none if the portal never said.
    pub domain: Option<String>,
    /// Its time zone: the day of a document is a day there.
    pub time_zone: TimeZone,
    /// Its own currency: that of amounts that name none. None in what an earlier release stored, until somebody signs in.
    pub currency: Option<Currency>,
    /// What the choice `default` means: one of the companies.
    pub default_realm: Option<RealmId>,
    /// Its connection to HubSpot; none after an uninstall.
    pub hubspot: Option<Connection>,
    /// The QuickBooks companies it may use.
    pub companies: Vec<Company>,
}

impl Portal {
    /// Whether HubSpot still accepts the app, as far as we know.
    pub fn is_installed(&self) -> bool {
        self.hubspot.as_ref().is_some_and(|hubspot| hubspot.status == Status::Ok)
    }

    /// The linked company with this realm id.
    pub fn company(&self, realm: &RealmId) -> Option<&Company> {
        self.companies.iter().find(|company| company.realm == *realm)
    }
}

/// What HubSpot says of a portal each time somebody installs the app or signs in.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its time zone, an IANA name.
    pub time_zone: &'a str,
    /// Its own currency, if it says one.
    pub currency: Option<&'a Currency>,
    /// Its domain.
    pub domain: &'a str,
}

/// A QuickBooks company linked to a portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its realm id.
    pub realm: RealmId,
    /// Its name, for people.
    pub name: String,
    /// Its name in law, where that is another one.
    pub legal_name: Option<String>,
    /// Its country, such as `US`.
    pub country: Option<String>,
    /// Whether it was connected with sandbox keys: it then has another API host.
    pub sandbox: bool,
    /// The currency its books are kept in.
    pub home_currency: Option<Currency>,
    /// Who connected it last, by the e-mail address of the HubSpot user.
    pub connected_by: Option<String>,
    /// When it was connected last.
    pub connected_at: Option<Timestamp>,
    /// What people chose for it.
    pub choices: Choices,
    /// How it keeps its books, and when QuickBooks said so; none when it was not asked yet.
    pub books: Option<(Books, Timestamp)>,
    /// The exchange rates that QuickBooks said last, by currency.
    pub rates: BTreeMap<String, Rate>,
    /// How often its settings were saved: whoever saves them says which he saw.
    pub settings_revision: u64,
    /// Its tokens.
    pub connection: Connection,
}

/// An exchange rate as QuickBooks said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// The day it is of.
    pub day: Date,
    /// Units of the home currency for one of the other.
    #[serde(with = "rust_decimal::serde::str")]
    pub rate: Decimal,
    /// When it was said.
    pub read_at: Timestamp,
}

/// A QuickBooks company to link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCompany {
    /// Its realm id.
    pub realm: RealmId,
    /// Its name, for people. One that is linked already keeps the name it has.
    pub name: String,
    /// Its name in law, where that is another one.
    pub legal_name: Option<String>,
    /// Whether it is connected with sandbox keys.
    pub sandbox: bool,
    /// How it keeps its books, as far as it said that by [`NewCompany::connected_at`].
    #[serde(default)]
    pub books: Books,
    /// Who connects it, by the e-mail address of the HubSpot user.
    pub connected_by: Option<String>,
    /// When it is connected.
    pub connected_at: Option<Timestamp>,
}

/// When what is known of a company's books was read, once it is doubted.
pub const DOUBTED: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) const PORTAL: &str = "PORTAL";
pub(crate) const LINK: &str = "LINK#";
pub(crate) const SETTINGS: &str = "SETTINGS#";
const BOOKS: &str = "BOOKS#";

const KEEPING: &str = "keeping the preferences";

/// What the names of a company's exchange rates begin with, among what is known of its books.
const RATE: &str = "rate_";

impl NewCompany {
    /// Its books, and when it said so, if it said all that documents depend on.
    pub(crate) fn books_to_keep(&self) -> Option<(&Books, Timestamp)> {
        self.connected_at.filter(|_| !self.books.are_incomplete()).map(|at| (&self.books, at))
    }
}

impl Store {
    /// The portal with its connections, or none if it never installed the app. One strongly consistent query.
    ///
    /// # Errors
    /// [`Error::Unavailable`], or [`Error::Corrupt`] when an item cannot be read.
    pub async fn portal(&self, id: PortalId) -> Result<Option<Portal>, Error> {
        let pages = self.items_of(&partition(id), "reading the portal").await?;
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
        self.connect(&Owner::HubSpot(id), grant, None).await
    }

    /// Connects a company, or connects it again: its tokens, then, all at once, the connection that names them and the link
    /// from the portal. The grant's generation does not count: it follows the one that stands. That the tokens are this
    /// company's was proven before.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it is connected is not known.
    pub async fn connect_quickbooks(
        &self,
        id: PortalId,
        company: &NewCompany,
        grant: &Grant,
    ) -> Result<(), Error> {
        self.connect(&Owner::QuickBooks(id, company.realm.clone()), grant, Some(company)).await
    }

    /// The link from a portal to a company.
    pub(crate) fn link(&self, id: PortalId, company: &NewCompany) -> UpdateItemFluentBuilder {
        let texts = [
            (":legal_name", "legal_name", company.legal_name.clone()),
            (":country", "country", company.books.country.clone()),
            (
                ":home_currency",
                "home_currency",
                company.books.home_currency.as_ref().map(ToString::to_string),
            ),
            (":connected_by", "connected_by", company.connected_by.clone()),
        ];
        let mut set = "SET v = :v, #name = if_not_exists(#name, :name), sandbox = :sandbox".to_owned();
        let mut update = self
            .dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(partition(id)))
            .key("sk", text(format!("{LINK}{}", company.realm)))
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":v", number(VERSION))
            .expression_attribute_values(":name", text(&company.name))
            .expression_attribute_values(":sandbox", AttributeValue::Bool(company.sandbox));
        for (placeholder, attribute, value) in texts {
            if let Some(value) = value {
                set += &format!(", {attribute} = {placeholder}");
                update = update.expression_attribute_values(placeholder, text(value));
            }
        }
        if let Some(at) = company.connected_at {
            set += ", connected_at = :connected_at";
            update = update.expression_attribute_values(":connected_at", millis(at));
        }
        update.update_expression(set)
    }

    /// Takes a portal's connection to HubSpot away, and its tokens. Again, it does nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: something of it may be left; to be called again.
    pub async fn disconnect_hubspot(&self, id: PortalId) -> Result<(), Error> {
        let owner = Owner::HubSpot(id);
        self.delete_tokens(&owner).await?;
        let delete = self.dynamodb.delete_item().table_name(&self.names.table);
        let delete = delete.key("pk", text(owner.partition())).key("sk", text(owner.connection_sort()));
        delete.send().await.map_err(Error::unavailable("taking the connection away")).map(drop)
    }

    /// Deletes a company's tokens, then, all at once, the connection and the link: whatever fails, the company is there as
    /// long as anything of it is, to be taken away again. Its settings stay. Again, it does nothing. Ending the grant at Intuit
    /// is the caller's business (rulings.md 23).
    ///
    /// # Errors
    /// [`Error::Unavailable`]: something of it may be left; to be called again.
    pub async fn disconnect_quickbooks(&self, id: PortalId, realm: &RealmId) -> Result<(), Error> {
        const DOING: &str = "taking the company away";
        let owner = Owner::QuickBooks(id, realm.clone());
        self.delete_tokens(&owner).await?;
        let (own, linked) = (partition(id), linked(realm));
        let gone = [
            (&own, owner.connection_sort()),
            (&own, format!("{LINK}{realm}")),
            (&own, format!("{BOOKS}{realm}")),
            (&linked, partition(id)),
        ];
        let deletes = gone.into_iter().map(|(partition, sort)| self.deletion(partition, &sort));
        let deletes = deletes.collect::<Result<Vec<_>, _>>().map_err(Error::unavailable(DOING))?;
        let delete = self.dynamodb.transact_write_items().set_transact_items(Some(deletes));
        delete.send().await.map_err(Error::unavailable(DOING)).map(drop)
    }

    fn deletion(&self, partition: &str, sort: &str) -> Result<TransactWriteItem, BuildError> {
        let delete = Delete::builder().table_name(&self.names.table);
        let delete = delete.key("pk", text(partition)).key("sk", text(sort)).build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Keeps how a company keeps its books, as QuickBooks said it at `read_at`; with `seen`, if what is kept is still of then.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn keep_books(
        &self,
        id: PortalId,
        realm: &RealmId,
        books: &Books,
        read_at: Timestamp,
        seen: Option<Timestamp>,
    ) -> Result<(), Error> {
        let mut keep = self.kept_books(id, realm, books, read_at)?;
        if let Some(seen) = seen {
            keep = keep.condition_expression("read_at = :seen");
            keep = keep.expression_attribute_values(":seen", millis(seen));
        }
        unless_refused(keep, KEEPING).await.map(drop)
    }

    /// The write of what is known of a company's books.
    pub(crate) fn kept_books(
        &self,
        id: PortalId,
        realm: &RealmId,
        books: &Books,
        read_at: Timestamp,
    ) -> Result<UpdateItemFluentBuilder, Error> {
        let books = serde_json::to_string(books).map_err(Error::unavailable(KEEPING))?;
        Ok(self
            .update_of_books(id, realm)
            .update_expression("SET v = :v, books = :books, read_at = :read_at")
            .expression_attribute_values(":v", number(VERSION))
            .expression_attribute_values(":books", text(books))
            .expression_attribute_values(":read_at", millis(read_at)))
    }

    fn update_of_books(&self, id: PortalId, realm: &RealmId) -> UpdateItemFluentBuilder {
        let update = self.dynamodb.update_item().table_name(&self.names.table);
        update.key("pk", text(partition(id))).key("sk", text(format!("{BOOKS}{realm}")))
    }

    /// Has the next execution ask how a company keeps its books, whatever is kept of that; nothing when nothing is.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn doubt_books(&self, id: PortalId, realm: &RealmId) -> Result<(), Error> {
        let update = self
            .update_of_books(id, realm)
            .update_expression("SET read_at = :long_ago")
            .condition_expression("attribute_exists(books)")
            .expression_attribute_values(":long_ago", millis(DOUBTED));
        unless_refused(update, "doubting the preferences").await.map(drop)
    }

    /// Keeps an exchange rate of a company, with what is known of its books; nothing when nothing is.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn keep_rate(
        &self,
        id: PortalId,
        realm: &RealmId,
        currency: &Currency,
        rate: &Rate,
    ) -> Result<(), Error> {
        const DOING: &str = "keeping an exchange rate";
        let rate = serde_json::to_string(rate).map_err(Error::unavailable(DOING))?;
        let update = self
            .update_of_books(id, realm)
            .update_expression("SET #rate = :rate")
            // An earlier release reads no books without what is known of them.
            .condition_expression("attribute_exists(books)")
            .expression_attribute_names("#rate", format!("{RATE}{currency}"))
            .expression_attribute_values(":rate", text(rate));
        unless_refused(update, DOING).await.map(drop)
    }

    /// Gives a company its first choices, whatever was chosen before; people choose by `save_choices`.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn put_choices(&self, id: PortalId, realm: &RealmId, choices: &Choices) -> Result<(), Error> {
        let mut put = self.put(id, &format!("{SETTINGS}{realm}"));
        for (name, value) in choices.stored().filter_map(|(name, value)| Some((name, value?))) {
            put = put.item(name, text(value));
        }
        put.send().await.map_err(Error::unavailable("saving the settings")).map(drop)
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

pub(crate) fn partition(id: PortalId) -> String {
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
            legal_name: link.optional_text("legal_name"),
            country: link.optional_text("country"),
            sandbox: link.attributes.get("sandbox") == Some(&AttributeValue::Bool(true)),
            home_currency: currency(link, "home_currency")?,
            connected_by: link.optional_text("connected_by"),
            connected_at: link.optional_time("connected_at")?,
            choices: Choices::from_stored(|name| settings(realm)?.optional_text(name))
                .map_err(|name| Error::corrupt("the settings", name))?,
            books: named(&format!("{BOOKS}{realm}")).map(read_books).transpose()?,
            rates: named(&format!("{BOOKS}{realm}")).map(read_rates).unwrap_or_default(),
            settings_revision: settings(realm)
                .map(|item| item.optional_number("revision"))
                .transpose()?
                .flatten()
                .unwrap_or(0),
            connection: connection::read(connection.attributes)?,
        });
    }
    let default_realm = portal.optional_text("default_realm").map(realm_id).transpose()?;
    Ok(Some(Portal {
        id,
        domain: portal.optional_text("domain").filter(|domain| !domain.is_empty()),
        time_zone: TimeZone::get(&portal.text("time_zone")?)
            .map_err(|_| Error::corrupt("the portal", "time_zone"))?,
        currency: currency(portal, "currency")?,
        // Chosen while the company was taken away: nothing means it.
        default_realm: default_realm.filter(|realm| companies.iter().any(|company| company.realm == *realm)),
        hubspot: named(HUBSPOT).map(|item| connection::read(item.attributes)).transpose()?,
        companies,
    }))
}

fn currency(item: &Item<'_>, name: &str) -> Result<Option<Currency>, Error> {
    let code = item.optional_text(name);
    code.map(|code| code.parse().map_err(|_| Error::corrupt(item.what, name))).transpose()
}

fn read_books(item: &Item<'_>) -> Result<(Books, Timestamp), Error> {
    let books = item.optional_json("books")?.ok_or_else(|| Error::corrupt(item.what, "books"))?;
    let read_at = item.optional_time("read_at")?.ok_or_else(|| Error::corrupt(item.what, "read_at"))?;
    Ok((books, read_at))
}

/// One that cannot be read is asked for anew.
fn read_rates(item: &Item<'_>) -> BTreeMap<String, Rate> {
    let rates = item.attributes.keys().filter_map(|name| {
        let currency = name.strip_prefix(RATE)?;
        Some((currency.to_owned(), item.optional_json(name).ok()??))
    });
    rates.collect()
}

fn realm_id(text: String) -> Result<RealmId, Error> {
    RealmId::try_from(text).map_err(|_| Error::corrupt("the portal", "realm"))
}
