//! The items of a document: those that are there, and those the action creates where it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use mapping::item::{self, ItemFound, ItemMatch, MissingItem};
use mapping::lookup::Matched;
use mapping::quickbooks::ItemId;
use mapping::sale::RecordRef;
use mapping::tax::Taxable;
use store::record::{Record, State};

use super::{Execution, frozen_notes};
use crate::answer;
use crate::connection::{Company, Stop};
use crate::failure::{Failure, Trouble};
use crate::ids;
use crate::item::Wanted;
use crate::order::{Order, Supplied};
use crate::protocol::Effects;

impl Execution<'_> {
    /// Each line's item, created where it is missing, one after another. What is not done in time, a later attempt goes on
    /// with: it finds what was created.
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
        let mut ids = Vec::new();
        let mut new: BTreeMap<&str, ItemId> = BTreeMap::new();
        for (line, found) in matched.sale.lines.iter().zip(&matched.items) {
            let id = match found {
                ItemFound::Existing(item) => item.id.clone(),
                ItemFound::Missing(item) => match new.get(item.name.as_str()) {
                    Some(id) => id.clone(),
                    None => {
                        let of = &matched.sale.record;
                        let wanted = Wanted { new: item, line: line.article.label(), record: of.kind };
                        let made = self.order_item(company, of, wanted).await?;
                        let id = ItemId(made.id);
                        if made.is_ours {
                            self.note_created([made.name]);
                            taxable.items.insert(id.clone(), item.taxable.unwrap_or_default());
                        }
                        new.entry(&item.name).or_insert(id).clone()
                    }
                },
            };
            ids.push(id);
        }
        Ok(ids)
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

    async fn order_item(
        &self,
        company: &Company,
        of: &RecordRef,
        wanted: Wanted<'_>,
    ) -> Result<Supplied, Stop> {
        if !self.in_time() {
            return Err(Stop::Trouble(Trouble::OutOfTime));
        }
        Order::new(self.app, company, self.kind, of, wanted, self.name(), self.deadline).create().await
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
