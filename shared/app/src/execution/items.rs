//! The items of a document: those that are there, and those the action creates where it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use futures::StreamExt;
use mapping::item::{self, ItemFound, ItemMatch, MissingItem};
use mapping::lookup::Matched;
use mapping::quickbooks::{Item, ItemId, NewItem};
use mapping::tax::Taxable;
use store::record::{Record, State};

use super::{Execution, frozen_notes};
use crate::answer;
use crate::connection::{Company, Stop};
use crate::failure::{Failure, Trouble};
use crate::ids;
use crate::item::Wanted;
use crate::order::{Order, Orderer, Supplied};
use crate::protocol::Effects;

/// QuickBooks answers ten calls of a company at once, and other executions need some (quickbooks.md §6.1).
const ORDERED_AT_ONCE: usize = 4;

impl Execution<'_> {
    /// Each line's item, created where it is missing, side by side: each product is a claim of its own (`crate::order`), so a
    /// batch, which has one request id, is none of the ways. What is not done in time, a later attempt goes on with: it finds
    /// what was created.
    pub(super) async fn items(
        &self,
        company: &Company,
        record: &Record,
        matched: &Matched,
        missing_item: MissingItem,
        taxable: &mut Taxable,
    ) -> Result<Vec<ItemId>, Stop> {
        if missing_item == MissingItem::Create {
            self.note_created(self.created_before(company, record, matched).await?);
        }
        let of = &matched.sale.record;
        let mut missing = BTreeMap::new();
        for (line, found) in matched.sale.lines.iter().zip(&matched.items) {
            if let ItemFound::Missing(new) = found {
                let wanted = || Wanted { new, line: line.article.label(), record: of.kind };
                missing.entry(new.name.as_str()).or_insert_with(wanted);
            }
        }
        let by = self.orderer(company, record, of);
        let mut orders = Vec::new();
        for wanted in missing.into_values() {
            orders.push(self.order_item(by.clone(), wanted));
        }
        // All of them end, whatever becomes of one: what was created is told.
        let ended: Vec<_> = futures::stream::iter(orders).buffered(ORDERED_AT_ONCE).collect().await;
        let (mut ids, mut stops) = (BTreeMap::new(), Vec::new());
        for (new, ordered) in ended {
            match ordered {
                Ok(Supplied { id, name, is_ours, row }) => {
                    self.note_created(is_ours.then_some(name));
                    taxable.items.extend(row.map(|row| (row.id, row.taxable.unwrap_or_default())));
                    ids.insert(new.name.as_str(), ItemId(id));
                }
                Err(stop) => stops.push(stop),
            }
        }
        // What is not known yet comes before what a person must mend: the sentence then tells all that was created.
        stops.sort_by_key(|stop| matches!(stop, Stop::Failure(_)));
        let id_of = |found: &ItemFound| match found {
            ItemFound::Existing(item) => Some(item.id.clone()),
            ItemFound::Missing(new) => ids.get(new.name.as_str()).cloned(),
        };
        match stops.into_iter().next() {
            Some(stop) => Err(stop),
            None => {
                matched.items.iter().map(id_of).collect::<Option<_>>().ok_or(Stop::Trouble(Trouble::Internal))
            }
        }
    }

    fn note_created(&self, names: impl IntoIterator<Item = String>) {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// The names of the items that were created for this execution so far, whatever became of the plan they were for.
    pub(super) fn created_items(&self, record: &Record) -> BTreeSet<String> {
        let mut names = self.created.lock().unwrap_or_else(PoisonError::into_inner).clone();
        names.extend(record.created_items.iter().cloned());
        // Before a record kept them itself, only its plan did.
        names.extend(frozen_notes(record).into_iter().flat_map(|notes| notes.created_items));
        names
    }

    /// Those of them that the record does not have yet.
    pub(super) fn unwritten_items(&self, record: &Record) -> Vec<String> {
        let names = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().filter(|name| !record.created_items.contains(name)).cloned().collect()
    }

    /// The failure, told with what was created before it: nothing is created silently.
    pub(super) fn told_with_items(&self, record: &Record, failure: Failure) -> Failure {
        failure.besides(self.created_items(record).iter().map(answer::item_created))
    }

    async fn order_item<'n>(
        &self,
        by: Orderer<'_>,
        wanted: Wanted<'n>,
    ) -> (&'n NewItem, Result<Supplied<Item>, Stop>) {
        let new = wanted.new;
        if !self.in_time() {
            return (new, Err(Stop::Trouble(Trouble::OutOfTime)));
        }
        (new, Order::new(by, wanted).create().await)
    }

    /// What earlier attempts of this execution created and perhaps died before they wrote it down: the look-up finds it like
    /// any other item.
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
