//! Which executions a HubSpot record has had, per company and kind of document, and which document belongs to which execution:
//! what `if_repeated` asks for (rulings.md 16).
//!
//! An execution is listed under its record before it plans, and so before anything of it can exist; what became of it, its own
//! record says. The list has a version. Whoever may only go on when there is no earlier document is listed only if the version is still the
//! one it judged by: of two at once, one wins. Why not in one transaction with the frozen plan? Being listed earlier says less
//! ("may become a document"), which is the safe side, and costs no second write to the record.
//!
//! A document is noted in both indexes before its execution is completed, and so before its record can expire.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, TransactWriteItem, Update, WriteRequest};
use jiff::Timestamp;
use mapping::hubspot::{PortalId, RecordId, RecordKind};
use mapping::quickbooks::{DocumentId, DocumentKind, RealmId};

use crate::item::{Item, VERSION, is_conflict, is_refusal, millis, number, text};
use crate::record::Key;
use crate::{Error, Store};

/// A HubSpot record as the source of one kind of document in one company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Whose record.
    pub portal: PortalId,
    /// The company.
    pub realm: RealmId,
    /// What is made of it.
    pub document: DocumentKind,
    /// Deal or quote.
    pub kind: RecordKind,
    /// Which one.
    pub id: RecordId,
}

/// The executions of a record, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// Rises with every execution that is listed.
    pub version: u64,
    /// The executions.
    pub runs: Vec<Run>,
}

/// One execution of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which.
    pub key: Key,
    /// When it was listed.
    pub listed_at: Timestamp,
    /// The document it made, once that is noted.
    pub document: Option<DocumentId>,
}

/// What became of the wish to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It is listed.
    Yes,
    /// Others were listed meanwhile: judge anew.
    Changed,
}

const HEAD: &str = "HEAD";
const RUN: &str = "RUN#";
const NOTING: &str = "noting a document";

impl Source {
    fn partition(&self) -> String {
        let Self { portal, realm, document, kind, id } = self;
        format!("R#{portal}#{realm}#{}#{}#{id}", document.entity(), kind.noun())
    }
}

impl Store {
    /// The executions of a record, read strongly consistently.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn runs(&self, source: &Source) -> Result<Runs, Error> {
        const WHAT: &str = "the record's executions";
        let items = self.items_of(&source.partition(), "reading the record's executions").await?;
        let mut found = Runs::default();
        for attributes in &items {
            let item = Item { what: WHAT, attributes };
            let sort = item.text("sk")?;
            match sort.strip_prefix(RUN) {
                None => found.version = item.number("n")?,
                Some(id) => found.runs.push(Run {
                    key: Key::of_id(source.portal, id).ok_or_else(|| Error::corrupt(WHAT, "sk"))?,
                    listed_at: item
                        .optional_time("created_at")?
                        .ok_or_else(|| Error::corrupt(WHAT, "created_at"))?,
                    document: item.optional_text("document").map(DocumentId),
                }),
            }
        }
        found.runs.sort_by_key(|run| std::cmp::Reverse(run.listed_at));
        Ok(found)
    }

    /// Lists an execution under its record; with `seen`, only if nobody was listed since those were read. Listing it again
    /// changes nothing but the version.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it is listed is not known.
    pub async fn list_run(
        &self,
        source: &Source,
        key: &Key,
        seen: Option<&Runs>,
        now: Timestamp,
    ) -> Result<Listed, Error> {
        const DOING: &str = "listing the execution";
        let update = |sort: String| {
            Update::builder()
                .table_name(&self.names.table)
                .key("pk", text(source.partition()))
                .key("sk", text(sort))
                .expression_attribute_values(":v", number(VERSION))
        };
        let head = update(HEAD.to_owned())
            .update_expression("SET v = :v, n = if_not_exists(n, :zero) + :one")
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1));
        let head = match seen {
            None => head,
            Some(Runs { version: 0, .. }) => head.condition_expression("attribute_not_exists(n)"),
            Some(Runs { version, .. }) => {
                head.condition_expression("n = :seen").expression_attribute_values(":seen", number(version))
            }
        };
        let run = update(format!("{RUN}{}", key.id()))
            .update_expression("SET v = :v, created_at = if_not_exists(created_at, :now)")
            .expression_attribute_values(":now", millis(now));
        let sent = self
            .dynamodb
            .transact_write_items()
            .transact_items(write(head.build().map_err(Error::unavailable(DOING))?))
            .transact_items(write(run.build().map_err(Error::unavailable(DOING))?))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Listed::Yes),
            Err(error)
                if error.as_service_error().is_some_and(|error| is_refusal(error) || is_conflict(error)) =>
            {
                Ok(Listed::Changed)
            }
            Err(error) => Err(Error::unavailable(DOING)(error)),
        }
    }

    /// Notes the document that an execution made, under its record and under the document's own id.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: it may be noted in part; noting it again is harmless.
    pub async fn note_document(
        &self,
        source: &Source,
        key: &Key,
        document: &DocumentId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let run = [
            ("pk", text(source.partition())),
            ("sk", text(format!("{RUN}{}", key.id()))),
            ("v", number(VERSION)),
            ("created_at", millis(now)),
            ("document", text(&document.0)),
        ];
        let of_document = [
            ("pk", text(format!("D#{}#{}#{document}", source.realm, source.document.entity()))),
            ("sk", text("DOCUMENT")),
            ("v", number(VERSION)),
            ("portal", text(source.portal.to_string())),
            ("execution", text(key.id())),
        ];
        let sent = self
            .dynamodb
            .batch_write_item()
            .request_items(&self.names.table, vec![put(run)?, put(of_document)?])
            .send()
            .await
            .map_err(Error::unavailable(NOTING))?;
        match sent.unprocessed_items.unwrap_or_default().is_empty() {
            true => Ok(()),
            false => Err(Error::unavailable(NOTING)(Unprocessed)),
        }
    }
}

/// DynamoDB had no room for all of a batch.
#[derive(Debug, thiserror::Error)]
#[error("throttled in part")]
struct Unprocessed;

fn write(update: Update) -> TransactWriteItem {
    TransactWriteItem::builder().update(update).build()
}

fn put<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Result<WriteRequest, Error> {
    let item: HashMap<_, _> = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let put = PutRequest::builder().set_item(Some(item)).build().map_err(Error::unavailable(NOTING))?;
    Ok(WriteRequest::builder().put_request(put).build())
}
