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
use crate::failure::Trouble;
use crate::protocol::Made;
use crate::telemetry::chain;

/// How often we judge anew because others were listed meanwhile.
const TRIES: usize = 5;

/// Between two of these tries.
const PAUSE: Duration = Duration::from_millis(50);

/// What the record has from earlier executions.
pub(super) enum Earlier {
    /// The newest of its documents that is still in the books.
    Made(Box<Document>),
    /// Whether there is one only a person can find out.
    InReview,
}

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

    /// What earlier executions of the record made. If it is nothing, this execution is listed as the next
    /// that may make one: of two at once, the other then finds it listed, and waits for its end.
    pub(super) async fn existing_or_list(
        &self,
        source: &Source,
        company: &Company,
    ) -> Result<Option<Earlier>, Stop> {
        for _ in 0..TRIES {
            let runs = self.app.store.runs(source).await?;
            if let Some(earlier) = self.earlier_of(&runs, company).await? {
                return Ok(Some(earlier));
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

    async fn earlier_of(&self, runs: &Runs, company: &Company) -> Result<Option<Earlier>, Stop> {
        let mut documents = Vec::new();
        for run in runs.runs.iter().filter(|run| run.key != *self.key) {
            match self.left_by(run).await? {
                Left::Nothing => {}
                Left::Document(id) => documents.push(id),
                Left::Unknown => return Ok(Some(Earlier::InReview)),
            }
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
                return Ok(Some(Earlier::Made(Box::new(newest))));
            }
        }
        Ok(None)
    }

    /// While what an earlier execution made is not known, we wait; what only a person can find out, we do not wait for.
    async fn left_by(&self, run: &Run) -> Result<Left, Stop> {
        if let Some(id) = &run.document {
            return Ok(Left::Document(id.clone()));
        }
        let earlier = self.app.store.record(&run.key).await?;
        match earlier.map(|record| record.state) {
            // Listed, and then never claimed again, or long over: completed ones are noted.
            None | Some(State::Completed | State::Failed | State::Closed) => Ok(Left::Nothing),
            Some(State::NeedsReview) => Ok(Left::Unknown),
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
        let warnings: Vec<String> = self.created_items(record).iter().map(answer::item_created).collect();
        Some(answer::existing(self.kind, realm, &document, &warnings, app_url, &self.key.id()))
    }
}

/// What came of an earlier execution.
enum Left {
    Nothing,
    Document(DocumentId),
    Unknown,
}
