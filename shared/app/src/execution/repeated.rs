//! What happens when the record already has a document of this kind in this company from us (rulings.md 16).

use std::collections::HashMap;
use std::time::Duration;

use mapping::hubspot::RecordKind;
use mapping::quickbooks::{Document, DocumentId, RealmId};
use quickbooks::query::{Attribute, Entity, MOST_VALUES, Query};
use store::record::{Record, State};
use store::repeats::{Listed, Run, Runs, Source};

use super::{Execution, frozen};
use crate::answer;
use crate::clock;
use crate::connection::{Company, Stop, unreadable};
use crate::failure::{Failure, Trouble};
use crate::protocol::Made;
use crate::telemetry::chain;

/// How often we judge anew because others were listed meanwhile.
const TRIES: usize = 5;

/// Between two of these tries.
const PAUSE: Duration = Duration::from_millis(50);

impl Execution<'_> {
    pub(super) fn source(&self, realm: &RealmId, kind: RecordKind) -> Source {
        Source {
            portal: self.request.portal_id,
            realm: realm.clone(),
            document: self.kind,
            kind,
            id: self.request.object_id,
        }
    }

    /// Lists this execution under its record, whatever others do. A preview is not listed: nothing comes of it (rulings.md 16).
    pub(super) async fn list(&self, source: &Source) -> Result<(), Stop> {
        if self.is_preview() {
            return Ok(());
        }
        for _ in 0..TRIES {
            match self.app.store.list_run(source, self.key, None, clock::now()).await? {
                Listed::Yes => return Ok(()),
                Listed::Changed => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(Stop::Trouble(Trouble::StoreDown))
    }

    /// The newest document of the record that is still in the books. If there is none, this execution is listed as the next
    /// that may make one: of two at once, the other then finds it listed, and waits for its end.
    pub(super) async fn existing_or_list(
        &self,
        source: &Source,
        company: &Company,
    ) -> Result<Option<Document>, Stop> {
        for _ in 0..TRIES {
            let runs = self.app.store.runs(source).await?;
            if let Some(document) = self.existing_of(&runs, company).await? {
                return Ok(Some(document));
            }
            if self.is_preview() {
                return Ok(None);
            }
            match self.app.store.list_run(source, self.key, Some(&runs), clock::now()).await? {
                Listed::Yes => return Ok(None),
                Listed::Changed => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(Stop::Trouble(Trouble::InProgress))
    }

    async fn existing_of(&self, runs: &Runs, company: &Company) -> Result<Option<Document>, Stop> {
        let mut documents = Vec::new();
        for run in runs.runs.iter().filter(|run| run.key != *self.key) {
            documents.extend(self.document_of(run).await?);
        }
        // A retried payment names its invoice again.
        documents.dedup();
        for some in documents.chunks(MOST_VALUES) {
            let ids: Vec<&String> = some.iter().map(|id| &id.0).collect();
            let query = Query::from(Entity::from(self.kind)).is_in(Attribute::Id, &ids);
            let rows = self.app.ask(company, self.kind, &[query]).await?;
            let found: Vec<Document> = rows[0].read().map_err(unreadable(self.kind, &company.name))?;
            let mut found: HashMap<DocumentId, Document> = found
                .into_iter()
                .filter(|document| !document.is_voided())
                .map(|document| (document.id.clone(), document))
                .collect();
            if let Some(newest) = some.iter().find_map(|id| found.remove(id)) {
                return Ok(Some(newest));
            }
        }
        Ok(None)
    }

    /// The document that an earlier execution made; none when it made none. While that is not known, we wait; what only a
    /// person can find out, we do not wait for.
    async fn document_of(&self, run: &Run) -> Result<Option<DocumentId>, Stop> {
        if run.document.is_some() {
            return Ok(run.document.clone());
        }
        let earlier = self.app.store.record(&run.key).await?;
        match earlier.map(|record| record.state) {
            // Listed, and then never claimed again, or long over: completed ones are noted.
            None | Some(State::Completed | State::Failed | State::Closed) => Ok(None),
            Some(State::NeedsReview) => Err(Stop::Failure(Failure::earlier_in_review(self.kind))),
            Some(State::Claimed | State::Planned | State::Sent | State::DocDone | State::PaySent) => {
                Err(Stop::Trouble(Trouble::InProgress))
            }
        }
    }

    /// Notes the document in the indexes; without it, the execution does not end.
    pub(super) async fn note_document(&self, record: &Record, id: &str) -> Result<(), store::Error> {
        let Ok((plan, _)) = frozen(record) else {
            return Err(store::Error::Corrupt { what: "the record", detail: "plan".to_owned() });
        };
        // What was asked for can be read no more: of which record it is, nobody knows, and it ends all the same.
        let Ok(kind) = self.record_kind() else { return Ok(()) };
        // A payment alone: its invoice is noted, as the document of the execution that made it.
        if plan.body.is_empty() {
            return Ok(());
        }
        let (source, document) = (self.source(&plan.realm, kind), DocumentId(id.to_owned()));
        let noted = self.app.store.note_document(&source, self.key, &document, clock::now()).await;
        if let Err(error) = &noted {
            tracing::warn!(error = chain(error), "the document could not be noted");
        }
        noted
    }

    /// The answer that names a document which was there; none when it cannot be read.
    pub(super) fn existing(&self, record: &Record, made: &Made) -> Option<String> {
        let document: Document = serde_json::from_value(made.json.clone()).ok()?;
        let realm = record.realm.as_ref().or(self.realm.as_ref().ok())?;
        let app_url = &self.app.config.quickbooks_app_url;
        Some(answer::existing(self.kind, realm, &document, app_url, &self.key.id()))
    }
}
