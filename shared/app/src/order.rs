//! Creating what an execution needs and QuickBooks does not have, a customer or an item, once: two executions that need the
//! same one meet at its claim, and the second one takes what the first one made (reliability.md §c.5, rulings.md 8).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mapping::quickbooks::{DocumentKind, RealmId};
use mapping::sale::RecordRef;
use quickbooks::fault::{Fault, Meaning};
use quickbooks::query::{Attribute, Entity, Query};
use quickbooks::{Created, RequestId};
use serde::de::DeserializeOwned;
use store::record::{Claim, Claimed, Key, Nonce, Noted, Plan, Record, Transition, Written};

use crate::App;
use crate::clock;
use crate::config::Environment;
use crate::connection::{Company, Stop, unreadable};
use crate::effects::{self, Deadline};
use crate::failure::{Code, Failure, Trouble};
use crate::ids::{self, Op};
use crate::protocol::{self, Change, Effects, End, Event, Made, Outcome, Sighting};

/// How long we wait for another execution that creates the same.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks at its claim.
const PAUSE: Duration = Duration::from_millis(150);

/// What can be ordered: what a customer and an item differ in.
pub(crate) trait Needed: Sync {
    /// It, as QuickBooks has it.
    type Row: DeserializeOwned + Clone + Send + Sync;

    /// What its request ids are for.
    const OP: Op;

    /// What it is asked for as.
    const ENTITY: Entity;

    /// Where its name stands. Names are unique in QuickBooks (6240).
    const NAME: Attribute;

    /// The claim on it.
    fn key(&self, environment: Environment, realm: &RealmId) -> Key;

    /// What to send; with its second name, if it has one, when the first was another's.
    fn draft(&self, taken: bool) -> Draft;

    /// Sends it, once.
    fn create(
        client: quickbooks::Company,
        body: &[u8],
        request_id: &RequestId,
    ) -> impl Future<Output = Result<Created<Self::Row>, quickbooks::Error>> + Send;

    /// What of a row is looked at.
    fn seen(row: &Self::Row) -> Seen;

    /// Whether a row that QuickBooks has by the name of the draft is what we need.
    fn is_it(&self, row: &Self::Row) -> bool;

    /// Whether the row that a claim made is still what it was made for, whatever people have changed in it.
    fn is_still(&self, row: &Self::Row) -> bool;

    /// QuickBooks refused it.
    fn refused(&self, fault: &Fault) -> Failure;

    /// 6240, and none of the rows by this name is what we need. `failure` is what [`Needed::refused`] says of it.
    fn name_taken(&self, name: &str, rows: Vec<Self::Row>, failure: Failure) -> Outcome;
}

/// What is sent.
pub(crate) struct Draft {
    /// The name it has in the body.
    pub(crate) name: String,
    /// The body.
    pub(crate) body: String,
}

/// What is known of a row.
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// The execution that needs something.
#[derive(Clone)]
pub(crate) struct Orderer<'a> {
    pub(crate) app: &'a App,
    pub(crate) company: &'a Company,
    /// The document it makes, and the record that is made of, for sentences.
    pub(crate) kind: DocumentKind,
    pub(crate) of: &'a RecordRef,
    /// Its name.
    pub(crate) name: String,
    pub(crate) deadline: Deadline,
    /// Whether QuickBooks has refused its document, for something that is gone.
    pub(crate) was_refused: bool,
}

/// Something that an execution needs and QuickBooks does not have.
pub(crate) struct Order<'a, N: Needed> {
    by: Orderer<'a>,
    needed: N,
    /// What was made or found, as QuickBooks answered it.
    row: OnceLock<N::Row>,
    /// Somebody else's had the name before we sent anything, and is taken.
    adopted: AtomicBool,
}

/// What came of an order.
pub(crate) struct Supplied<R> {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whether it was created for this execution, now or in an earlier attempt.
    pub(crate) is_ours: bool,
    /// As QuickBooks answered it, if it did.
    pub(crate) row: Option<R>,
}

impl<'a, N: Needed> Order<'a, N> {
    pub(crate) fn new(by: Orderer<'a>, needed: N) -> Self {
        Self { by, needed, row: OnceLock::new(), adopted: AtomicBool::new(false) }
    }

    /// Creates it, or takes what another execution has created just before.
    pub(crate) async fn create(&self) -> Result<Supplied<N::Row>, Stop> {
        let key = self.needed.key(self.by.app.config.environment, self.by.company.realm());
        let patience = Instant::now() + PATIENCE;
        loop {
            let claim = effects::claim(key.clone(), &self.by.deadline);
            let claim = Claim { request: Some(self.by.name.clone()), ..claim };
            match self.by.app.store.claim(&claim).await? {
                Claimed::Ours(record) => return self.drive(record).await,
                Claimed::Done(record) => {
                    if let Some(supplied) = self.still_there(&record).await? {
                        return Ok(supplied);
                    }
                }
                Claimed::Running if Instant::now() < patience => tokio::time::sleep(PAUSE).await,
                Claimed::Running => return Err(Stop::Trouble(Trouble::InProgress)),
            }
        }
    }

    /// The claim keeps the id only; the name is for this execution's answer.
    fn made(&self, row: N::Row) -> Made {
        let Seen { id, .. } = N::seen(&row);
        // One attempt makes one.
        let _already_there = self.row.set(row);
        Made { id, json: serde_json::Value::Null }
    }

    async fn drive(&self, record: Box<Record>) -> Result<Supplied<N::Row>, Stop> {
        match protocol::drive(self, protocol::next_for_order, record).await {
            End::Done(record) => {
                let id = record.made_id.ok_or(Stop::Trouble(Trouble::Internal))?;
                Ok(self.supplied(id, !self.adopted.load(Ordering::Relaxed), self.row.get().cloned()))
            }
            // That is about the claim: the execution's own record is still ours, and is given back.
            End::Later { trouble: Trouble::TakenOver, .. } => Err(Stop::Trouble(Trouble::InProgress)),
            End::Later { trouble: Trouble::Unwritten, .. } => Err(Stop::Trouble(Trouble::StoreDown)),
            End::Later { trouble, .. } => Err(Stop::Trouble(trouble)),
            End::GaveUp(failure) => Err(Stop::Failure(failure)),
        }
    }

    fn supplied(&self, id: String, is_ours: bool, row: Option<N::Row>) -> Supplied<N::Row> {
        let name = row.as_ref().map(|row| N::seen(row).name);
        Supplied { id, name: name.unwrap_or_else(|| self.needed.draft(false).name), is_ours, row }
    }

    /// The look-up did not find what we once created: the books may lag, or somebody has changed what it is found by. It is gone
    /// (rulings.md 8) once it is inactive or another's by now; and, once QuickBooks has refused a document that may have named
    /// it, where its id means nothing, as it was merged into another one (quickbooks.md §2.6).
    async fn still_there(&self, record: &Record) -> Result<Option<Supplied<N::Row>>, Stop> {
        let id = record.made_id.clone().ok_or(Stop::Trouble(Trouble::Internal))?;
        let is_ours = record.request.as_ref() == Some(&self.by.name);
        let query = Query::from(N::ENTITY).equals(Attribute::Id, &id).with_inactive();
        let row = self.rows(query).await?.pop();
        if row.as_ref().map_or(!self.by.was_refused, |row| self.needed.is_still(row)) {
            return Ok(Some(self.supplied(id, is_ours, row)));
        }
        let forget = Transition::Forget { gone: id };
        self.by.app.store.write(record, &forget, &Nonce::new(), clock::now()).await?;
        Ok(None)
    }

    async fn rows(&self, query: Query) -> Result<Vec<N::Row>, Stop> {
        let rows = self.by.app.ask(self.by.company, self.by.kind, &[query]).await?;
        rows[0].read().map_err(unreadable(self.by.kind, &self.by.company.name))
    }

    /// What we need by this name, if it is there: what an earlier send of ours made, or what somebody else made meanwhile.
    async fn same(&self, name: &str) -> Result<Option<N::Row>, Stop> {
        let rows = self.rows(Query::from(N::ENTITY).equals(N::NAME, name)).await?;
        Ok(rows.into_iter().find(|row| self.needed.is_it(row)))
    }

    /// 6240: what has the name may be what we need. Of a first send it is somebody else's; of a later one it may be what an
    /// earlier one made.
    async fn name_taken(&self, record: &Record, name: &str, failure: Failure) -> Outcome {
        // An inactive one can have it too, if it was not renamed.
        let query = Query::from(N::ENTITY).equals(N::NAME, name).with_inactive();
        let Ok(mut rows) = self.rows(query).await else {
            // Refused for certain, so nothing is lost: the next attempt meets the same refusal and looks again.
            return Outcome::NoEffect(Trouble::QuickBooksDown);
        };
        match rows.iter().position(|row| self.needed.is_it(row)) {
            Some(at) => {
                self.adopted.store(record.sends <= 1, Ordering::Relaxed);
                Outcome::Made(self.made(rows.swap_remove(at)))
            }
            None => self.needed.name_taken(name, rows, failure),
        }
    }

    async fn refused(&self, record: &Record, name: &str, fault: &Fault) -> Outcome {
        match fault.meaning() {
            // That is about the company, whatever was sent.
            Meaning::Access | Meaning::ReadOnly | Meaning::FeatureOff | Meaning::Currency => {
                Outcome::Refused(Failure::refused(
                    self.by.kind,
                    Some(self.by.of),
                    &self.by.company.name,
                    fault,
                ))
            }
            Meaning::DuplicateName => self.name_taken(record, name, self.needed.refused(fault)).await,
            _ => Outcome::Refused(self.needed.refused(fault)),
        }
    }
}

impl<N: Needed> Effects for Order<'_, N> {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    /// Whoever needs it has begun already.
    fn in_time(&self) -> bool {
        true
    }

    async fn plan(&self, record: &Record) -> Event {
        let taken = record.replanned_for.as_deref() == Some(Code::NameTaken.as_str());
        let Draft { name, body } = self.needed.draft(taken);
        let (environment, realm) = (self.by.app.config.environment, self.by.company.realm());
        let request_id = ids::request_id(N::OP, environment, realm, &record.key, record.plan_version);
        Event::Planned(Plan {
            realm: realm.clone(),
            request_id: request_id.as_str().to_owned(),
            body,
            notes: serde_json::json!(name),
            emailed: false,
        })
    }

    async fn write(&self, record: &Record, change: &Change) -> Result<Written, store::Error> {
        // A claim keeps no answers, and its machine asks for none.
        let Some(transition) = change.transition(record, self.by.deadline.times(record, change)) else {
            return Err(store::Error::Corrupt { what: "the claim", detail: "state".to_owned() });
        };
        effects::write(&self.by.app.store, record, &transition, &Noted::default(), &self.by.deadline).await
    }

    async fn send(&self, record: &Record) -> Outcome {
        let Some((plan, name)) = frozen(record) else { return Outcome::NoEffect(Trouble::Internal) };
        let Ok(request_id) = RequestId::try_from(plan.request_id.clone()) else {
            return Outcome::NoEffect(Trouble::Internal);
        };
        let (body, request_id) = (plan.body.as_bytes(), &request_id);
        let sent = self.by.app.send(self.by.company, |client| N::create(client, body, request_id)).await;
        match sent {
            Ok(Ok(Created { row, .. })) => {
                let made = self.made(row);
                tracing::info!(entity = N::ENTITY.name(), id = made.id, "created");
                Outcome::Made(made)
            }
            Ok(Err(quickbooks::Error::Rejected(fault))) => self.refused(record, &name, &fault).await,
            Ok(Err(other)) => Outcome::of_error(&other, &self.by.company.name),
            Err(Stop::Failure(failure)) => Outcome::Refused(failure),
            Err(Stop::Trouble(trouble)) => Outcome::NoEffect(trouble),
        }
    }

    async fn look(&self, record: &Record) -> Sighting {
        let Some((_, name)) = frozen(record) else { return Sighting::NotSeen(Trouble::Internal) };
        match self.same(&name).await {
            Ok(Some(row)) => Sighting::Found(self.made(row)),
            Ok(None) => Sighting::Absent,
            Err(Stop::Trouble(trouble)) => Sighting::NotSeen(trouble),
            Err(Stop::Failure(_)) => Sighting::NotSeen(Trouble::OutcomeUnknown),
        }
    }
}

/// The plan, and the name in it.
fn frozen(record: &Record) -> Option<(&Plan, String)> {
    let plan = record.plan.as_ref()?;
    Some((plan, plan.notes.as_str()?.to_owned()))
}
