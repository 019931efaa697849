//! The items of a document: those that are there, and those the action creates where it is told to.

use std::collections::{BTreeMap, BTreeSet};

use mapping::item::{self, ItemFound, ItemMatch, MissingItem};
use mapping::lookup::Matched;
use mapping::quickbooks::ItemId;
use mapping::sale::RecordRef;
use store::record::{Record, State};

use super::Execution;
use crate::answer;
use crate::connection::{Company, Stop};
use crate::failure::Trouble;
use crate::ids;
use crate::item::Wanted;
use crate::order::{Order, Supplied};
use crate::preview;
use crate::protocol::Effects;

/// What the lines of a document stand on.
#[derive(Default)]
pub(super) struct Items {
    /// One per line.
    pub(super) ids: Vec<ItemId>,
    /// The names of those that this execution created.
    pub(super) created: BTreeSet<String>,
}

impl Items {
    /// In a preview nothing is created: what would be has no id yet.
    pub(super) fn shown(matched: &Matched) -> Self {
        Self { ids: matched.items.iter().map(preview::item).collect(), created: BTreeSet::new() }
    }

    /// The same stop, told with what was created before it: nothing is created silently.
    pub(super) fn told(&self, stop: Stop) -> Stop {
        match stop {
            Stop::Failure(failure) => {
                Stop::Failure(failure.besides(self.created.iter().map(answer::item_created)))
            }
            trouble => trouble,
        }
    }
}

impl Execution<'_> {
    /// Each line's item, created where it is missing, one after another. What is not done in time, a later attempt goes on
    /// with: it finds what was created.
    pub(super) async fn items(
        &self,
        company: &Company,
        record: &Record,
        matched: &Matched,
        missing_item: MissingItem,
    ) -> Result<Items, Stop> {
        let created = match missing_item {
            MissingItem::Create => self.created_before(company, record, matched).await?,
            MissingItem::Refuse | MissingItem::DefaultItem => BTreeSet::new(),
        };
        let mut items = Items { ids: Vec::new(), created };
        let mut new: BTreeMap<&str, ItemId> = BTreeMap::new();
        for (line, found) in matched.sale.lines.iter().zip(&matched.items) {
            let id = match found {
                ItemFound::Existing(item) => item.id.clone(),
                ItemFound::Missing(item) => match new.get(item.name.as_str()) {
                    Some(id) => id.clone(),
                    None => {
                        let of = &matched.sale.record;
                        let wanted = Wanted { new: item, line: line.article.label(), record: of.kind };
                        let made = self.order_item(company, of, wanted).await;
                        let made = made.map_err(|stop| items.told(stop))?;
                        items.created.extend(made.is_ours.then_some(made.name));
                        new.entry(&item.name).or_insert(ItemId(made.id)).clone()
                    }
                },
            };
            items.ids.push(id);
        }
        Ok(items)
    }

    async fn order_item(
        &self,
        company: &Company,
        of: &RecordRef,
        wanted: Wanted<'_>,
    ) -> Result<Supplied, Stop> {
        if !self.in_time() {
            return Err(Stop::Trouble(Trouble::OutOfTime));
        }
        Order::new(self.app, company, (self.kind, of), wanted, self.name(), self.deadline).create().await
    }

    /// What earlier attempts of this execution created: the look-up finds it like any other item.
    async fn created_before(
        &self,
        company: &Company,
        record: &Record,
        matched: &Matched,
    ) -> Result<BTreeSet<String>, Stop> {
        let mut created = BTreeSet::new();
        if record.fence <= 1 && record.plan_version == 0 {
            return Ok(created);
        }
        let lines = matched.sale.lines.iter().zip(&matched.items);
        let found =
            lines.filter(|(_, item)| item.existing().is_some_and(|item| item.matched != ItemMatch::Default));
        let names: BTreeSet<String> =
            found.filter_map(|(line, _)| item::name_to_create(&line.article)).collect();
        for name in names {
            let key = ids::item_key(self.app.config.environment, company.realm(), &name);
            let claim = self.app.store.record(&key).await?;
            // Its reply may have been lost: what was sent then is what the look-up found.
            let was_sent = |claim: &Record| matches!(claim.state, State::Sent | State::DocDone);
            let is_ours = |claim: &Record| was_sent(claim) && claim.request == Some(self.name());
            created.extend(claim.filter(is_ours).map(|_| name));
        }
        Ok(created)
    }

    /// The execution as a claim names it: portals share the claims of a company.
    pub(super) fn name(&self) -> String {
        format!("{}#{}", self.request.portal_id, self.key.id())
    }
}
