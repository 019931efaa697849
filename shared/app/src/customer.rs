//! Creating a customer, once: two executions for one new contact meet at the same claim, and the second one takes what the
//! first one made (reliability.md §c.5, rulings.md 8).

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mapping::hubspot::RecordId;
use mapping::quickbooks::{Customer, CustomerId, DocumentKind, NewCustomer, RealmId};
use quickbooks::RequestId;
use quickbooks::fault::Meaning;
use quickbooks::query::{Attribute, Entity, Query};
use store::record::{Claimed, Nonce, Plan, Record, Transition, Written};

use crate::App;
use crate::clock;
use crate::connection::{Company, Stop, unreadable};
use crate::effects::{self, Deadline};
use crate::failure::{Code, Failure, Trouble};
use crate::ids::{self, Op};
use crate::protocol::{self, Change, Effects, End, Event, Made, Outcome, Sighting};

/// How long we wait for another execution that creates the same customer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks at its claim.
const PAUSE: Duration = Duration::from_millis(150);

/// A customer that an execution needs and QuickBooks does not have.
pub(crate) struct Order<'a> {
    pub(crate) app: &'a App,
    pub(crate) company: &'a Company,
    pub(crate) realm: &'a RealmId,
    /// What it is needed for, for sentences.
    pub(crate) kind: DocumentKind,
    pub(crate) new: &'a NewCustomer,
    pub(crate) contact: RecordId,
    pub(crate) contact_name: String,
    pub(crate) deadline: Deadline,
    /// The name of the customer that was made or found.
    pub(crate) name: OnceLock<String>,
}

/// The customer's id and display name, created now or by another execution just before.
pub(crate) async fn create(order: &Order<'_>) -> Result<(CustomerId, String), Stop> {
    let environment = order.app.config.environment;
    let key = ids::customer_key(environment, order.realm, &order.new.primary_email_addr.address);
    let patience = Instant::now() + PATIENCE;
    loop {
        match order.app.store.claim(&effects::claim(key.clone(), &order.deadline)).await? {
            Claimed::Ours(record) => return order.drive(record).await,
            Claimed::Done(record) => {
                if let Some(customer) = order.still_there(&record).await? {
                    return Ok(customer);
                }
            }
            Claimed::Running if Instant::now() < patience => tokio::time::sleep(PAUSE).await,
            Claimed::Running => return Err(Stop::Trouble(Trouble::InProgress)),
        }
    }
}

impl Order<'_> {
    /// The claim keeps the id only; the name is for this execution's answer.
    fn made(&self, customer: Customer) -> Made {
        let made = Made { id: customer.id.to_string(), json: serde_json::Value::Null };
        // One attempt makes one customer.
        let _already_named = self.name.set(customer.display_name);
        made
    }

    async fn drive(&self, record: Box<Record>) -> Result<(CustomerId, String), Stop> {
        match protocol::drive(self, protocol::next_for_customer, record).await {
            End::Done(record) => {
                let id = record.made_id.map(CustomerId).ok_or(Stop::Trouble(Trouble::Internal))?;
                Ok((id, self.name.get().unwrap_or(&self.new.display_name).clone()))
            }
            End::Later { trouble, .. } => Err(Stop::Trouble(trouble)),
            End::GaveUp(failure) => Err(Stop::Failure(failure)),
        }
    }

    /// The look-up did not find the customer we once created for this address: the books may lag, somebody may have
    /// changed its address, or it was made inactive. Only the last proves it gone (a customer is never deleted,
    /// quickbooks.md §2.6), and frees the claim.
    async fn still_there(&self, record: &Record) -> Result<Option<(CustomerId, String)>, Stop> {
        let Some(id) = record.made_id.clone().map(CustomerId) else {
            return Err(Stop::Trouble(Trouble::Internal));
        };
        let query = Query::from(Entity::Customer).equals(Attribute::Id, &id.0).with_inactive();
        match self.customers(query).await?.pop() {
            Some(customer) if customer.active => Ok(Some((id, customer.display_name))),
            None => Ok(Some((id, self.new.display_name.clone()))),
            Some(_) => {
                let forget = Transition::Forget { gone: id };
                self.app.store.write(record, &forget, &Nonce::new(), clock::now()).await?;
                Ok(None)
            }
        }
    }

    async fn customers(&self, query: Query) -> Result<Vec<Customer>, Stop> {
        let rows = self.app.ask(self.company, self.kind, &[query]).await?;
        rows[0].read().map_err(unreadable(self.kind, &self.company.name))
    }

    /// The customer with this display name and our address, if there is one: what an earlier send of ours made, or what
    /// somebody else made meanwhile. Names are unique.
    async fn same(&self, display_name: &str) -> Result<Option<Customer>, Stop> {
        let query = Query::from(Entity::Customer).equals(Attribute::DisplayName, display_name);
        let ours = |customer: &Customer| {
            let address =
                customer.primary_email_addr.as_ref().map(|email| email.address.trim().to_lowercase());
            address == Some(self.new.primary_email_addr.address.trim().to_lowercase())
        };
        Ok(self.customers(query).await?.into_iter().find(ours))
    }

    /// 6240: the name is a customer's, a vendor's or an employee's. Ours after all, or the second form of the name.
    async fn name_taken(&self, display_name: &str, failure: Failure) -> Outcome {
        let own_name = self.new.clone().under_own_name(self.contact).display_name;
        match self.same(display_name).await {
            Ok(Some(customer)) => Outcome::Made(self.made(customer)),
            Ok(None) if display_name == own_name => Outcome::Refused(failure),
            Ok(None) => Outcome::Outdated(failure),
            // Refused for certain, so nothing is lost: the next attempt meets the same refusal and looks again.
            Err(_) => Outcome::NoEffect(Trouble::QuickBooksDown),
        }
    }
}

impl Effects for Order<'_> {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    /// Whoever needs the customer has begun already.
    fn in_time(&self) -> bool {
        true
    }

    async fn plan(&self, record: &Record) -> Event {
        let taken = record.replanned_for.as_deref() == Some(Code::NameTaken.as_str());
        let new = if taken { self.new.clone().under_own_name(self.contact) } else { self.new.clone() };
        let environment = self.app.config.environment;
        let request_id =
            ids::request_id(Op::Customer, environment, self.realm, &record.key, record.plan_version);
        Event::Planned(Plan {
            realm: self.realm.clone(),
            request_id: request_id.as_str().to_owned(),
            body: serde_json::json!(new).to_string(),
            notes: serde_json::json!(new.display_name),
        })
    }

    async fn write(&self, record: &Record, change: &Change) -> Result<Written, store::Error> {
        // A customer's record keeps no answers, and its machine asks for none.
        let Some(transition) = change.transition(record, self.deadline.times(record, change)) else {
            return Err(store::Error::Corrupt { what: "the claim", detail: "state".to_owned() });
        };
        effects::write(&self.app.store, record, &transition, &[], &self.deadline).await
    }

    async fn send(&self, record: &Record) -> Outcome {
        let Some((plan, display_name)) = frozen(record) else { return Outcome::NoEffect(Trouble::Internal) };
        let Ok(request_id) = RequestId::try_from(plan.request_id.clone()) else {
            return Outcome::NoEffect(Trouble::Internal);
        };
        let (body, request_id) = (plan.body.as_bytes(), &request_id);
        let sent = self
            .app
            .send(self.company, |client| async move { client.create_customer(body, request_id).await })
            .await;
        let sent = match sent {
            Ok(sent) => sent,
            Err(Stop::Failure(failure)) => return Outcome::Refused(failure),
            Err(Stop::Trouble(trouble)) => return Outcome::NoEffect(trouble),
        };
        match sent {
            Ok(quickbooks::Created { row: customer, .. }) => {
                tracing::info!(customer.id = %customer.id, "customer created");
                Outcome::Made(self.made(customer))
            }
            Err(quickbooks::Error::Rejected(fault)) => {
                let failure =
                    Failure::customer_refused(self.kind, &self.company.name, &self.contact_name, &fault);
                match fault.meaning() {
                    Meaning::DuplicateName => self.name_taken(&display_name, failure).await,
                    _ => Outcome::Refused(failure),
                }
            }
            Err(other) => Outcome::of_error(&other, &self.company.name),
        }
    }

    async fn look(&self, record: &Record) -> Sighting {
        let Some((_, display_name)) = frozen(record) else { return Sighting::NotSeen(Trouble::Internal) };
        match self.same(&display_name).await {
            Ok(Some(customer)) => Sighting::Found(self.made(customer)),
            Ok(None) => Sighting::Absent,
            Err(Stop::Trouble(trouble)) => Sighting::NotSeen(trouble),
            Err(Stop::Failure(_)) => Sighting::NotSeen(Trouble::OutcomeUnknown),
        }
    }
}

fn frozen(record: &Record) -> Option<(&Plan, String)> {
    let plan = record.plan.as_ref()?;
    Some((plan, plan.notes.as_str()?.to_owned()))
}
