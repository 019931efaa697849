//! What tax depends on beside the record and its look-up: asked only where it is needed.

use mapping::lookup::{Answers, Untold};
use mapping::quickbooks::{Customer, Item, RealmId};
use mapping::sale::Reading;
use mapping::settings::Settings;
use mapping::tax::Taxable;
use quickbooks::query::{Attribute, Entity, Query};
use store::budget::Budget;
use store::record::Record;

use super::{Execution, PAGE};
use crate::budget;
use crate::connection::{Company, Stop, hubspot_stop, unreadable};
use crate::protocol::Effects;
use crate::telemetry::chain;

impl Execution<'_> {
    /// The answers with what of the customer and items was known by its id only: for a company that keeps sales tax by hand
    /// another round trip, and metered reads, unless it is remembered.
    pub(super) async fn told(
        &self,
        company: &Company,
        record: &Record,
        mut answers: Answers,
        untold: &Untold,
    ) -> Result<Answers, Stop> {
        // Whoever was refused asks.
        if record.plan_version == 0 {
            let (portal, realm) = (self.request.portal_id, company.realm());
            answers.taxable = self.app.store.taxable(portal, realm, untold, self.now()).await?;
        }
        let untold = untold.besides(&answers.taxable);
        let of = |entity| Query::from(entity).with_inactive().max_results(PAGE);
        let (customer, items) = (untold.customer.iter().map(|id| &id.0), untold.items.iter().map(|id| &id.0));
        let mut queries = of(Entity::Customer).each_in(Attribute::Id, customer);
        let by_customer = queries.len();
        queries.extend(of(Entity::Item).each_in(Attribute::Id, items));
        if queries.is_empty() {
            return Ok(answers);
        }
        let rows = self.app.ask(company, self.kind, &queries).await?;
        let unreadable = || unreadable(self.kind, &company.name);
        for rows in &rows[..by_customer] {
            answers.customers_by_id.extend(rows.read::<Customer>().map_err(unreadable())?);
        }
        for rows in &rows[by_customer..] {
            answers.items_by_id.extend(rows.read::<Item>().map_err(unreadable())?);
        }
        Ok(answers)
    }

    /// Best effort: what is not remembered is asked again.
    pub(super) async fn keep_taxable(&self, realm: &RealmId, settings: &Settings, taxable: &Taxable) {
        if !settings.items_say_what_is_taxed() {
            return;
        }
        let kept = self.app.store.keep_taxable(self.request.portal_id, realm, taxable, self.now()).await;
        if let Err(error) = kept {
            tracing::warn!(error = chain(&error), "whom and what is taxed could not be kept");
        }
    }

    /// The record with the rates of HubSpot's library, where a line names its rate by the id alone. It needs an optional
    /// permission (rulings.md 29).
    pub(super) async fn with_rates(&self, reading: Reading, settings: &Settings) -> Result<Reading, Stop> {
        if !reading.needs_library(settings) {
            return Ok(reading);
        }
        let account = self.app.account(self.portal, self.deadline).await?;
        let patience = budget::patience_to_read(self.deadline.left_to_begin());
        self.app.spend(&Budget::HubSpot(self.request.portal_id), 1, patience).await?;
        let client = &self.app.vendors.hubspot;
        let read = |token| async move { client.tax_rates(&token).await };
        let library = self.app.call_hubspot(account, read).await?;
        let kind = self.record_kind().map_err(Stop::Failure)?;
        let stop = |error| hubspot_stop(kind, self.request.object_id, Default::default(), &error);
        Ok(reading.with_rates(&library.map_err(stop)?))
    }
}
