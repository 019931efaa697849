//! What installing the app, connecting a company and taking either away changes about a portal, besides tokens; and which
//! portals link a company, for a grant is ended at Intuit only when nobody else uses it (rulings.md 23).

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::Put;
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;

use crate::item::{Item, VERSION, number, text, unless_refused};
use crate::portal::{Facts, PORTAL, partition};
use crate::{Error, Store};

impl Store {
    /// Adds a portal, or notes its facts anew; its companies, default and settings stay.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn note_installed(&self, id: PortalId, facts: Facts<'_>) -> Result<(), Error> {
        let mut set = "SET v = :v, time_zone = :zone, #domain = :domain".to_owned();
        let mut update = self
            .update_portal(id)
            .expression_attribute_names("#domain", "domain")
            .expression_attribute_values(":v", number(VERSION))
            .expression_attribute_values(":zone", text(facts.time_zone))
            .expression_attribute_values(":domain", text(facts.domain));
        // What HubSpot said once stays, should it not say it again.
        if let Some(currency) = facts.currency {
            set += ", currency = :currency";
            update = update.expression_attribute_values(":currency", text(currency.as_str()));
        }
        update.update_expression(set).send().await.map_err(Error::unavailable("adding the portal")).map(drop)
    }

    /// Makes this company the default, if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn make_default_if_none(&self, id: PortalId, realm: &RealmId) -> Result<(), Error> {
        let update = self
            .update_portal(id)
            .update_expression("SET default_realm = :realm")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(default_realm)")
            .expression_attribute_values(":realm", text(realm.as_str()));
        unless_refused(update, "choosing the default company").await.map(drop)
    }

    /// Leaves the portal without a default, if it was this company.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn drop_default(&self, id: PortalId, realm: &RealmId) -> Result<(), Error> {
        let update = self
            .update_portal(id)
            .update_expression("REMOVE default_realm")
            .condition_expression("default_realm = :realm")
            .expression_attribute_values(":realm", text(realm.as_str()));
        unless_refused(update, "dropping the default company").await.map(drop)
    }

    /// Whether a portal links the company, other than this one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn is_linked(&self, realm: &RealmId, besides: Option<PortalId>) -> Result<bool, Error> {
        let links = self
            .dynamodb
            .query()
            .table_name(&self.names.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(linked(realm)))
            .consistent_read(true)
            // Its own, and one of somebody else: more cannot change the answer.
            .limit(2)
            .send()
            .await
            .map_err(Error::unavailable("reading who links the company"))?;
        let own = besides.map(partition);
        let sorts = links.items().iter().map(|attributes| Item { what: "the link", attributes }.text("sk"));
        Ok(sorts.collect::<Result<Vec<_>, _>>()?.into_iter().any(|sort| own.as_ref() != Some(&sort)))
    }

    /// The note that the portal links the company.
    pub(crate) fn link_note(&self, realm: &RealmId, id: PortalId) -> Result<Put, BuildError> {
        let put = Put::builder().table_name(&self.names.table);
        put.item("pk", text(linked(realm))).item("sk", text(partition(id))).item("v", number(VERSION)).build()
    }

    fn update_portal(&self, id: PortalId) -> UpdateItemFluentBuilder {
        let update = self.dynamodb.update_item().table_name(&self.names.table);
        update.key("pk", text(partition(id))).key("sk", text(PORTAL))
    }
}

/// Where the notes stand of who links the company.
pub(crate) fn linked(realm: &RealmId) -> String {
    format!("Q#{realm}")
}
