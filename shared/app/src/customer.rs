//! Creating a customer, once: two executions for one new contact meet at the same claim, and the second one takes what the
//! first one made (reliability.md §c.5, rulings.md 8).

use std::time::{Duration, Instant};

use jiff::Timestamp;
use mapping::hubspot::RecordId;
use mapping::quickbooks::{Customer, CustomerId, DocumentKind, NewCustomer, RealmId};
use quickbooks::RequestId;
use quickbooks::fault::Meaning;
use quickbooks::query::{Attribute, Entity, Query};
use store::record::{Claimed, Plan, Record, Transition, Written};

use crate::App;
use crate::connection::{Company, Stop, read_stop};
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
    async fn drive(&self, record: Box<Record>) -> Result<(CustomerId, String), Stop> {
        match protocol::drive(self, protocol::next_for_customer, record).await {
            End::Done(record) => created(&record).ok_or(Stop::Trouble(Trouble::StoreDown)),
            End::Later(trouble) => Err(Stop::Trouble(trouble)),
            End::GaveUp(failure) => Err(Stop::Failure(failure)),
        }
    }

    /// The look-up did not find the customer we once created for this address: it is inactive, merged away, or somebody
    /// changed its address. Only the last is still a customer; otherwise the claim is freed.
    async fn still_there(&self, record: &Record) -> Result<Option<(CustomerId, String)>, Stop> {
        let Some((id, _)) = created(record) else { return Err(Stop::Trouble(Trouble::StoreDown)) };
        let query = Query::from(Entity::Customer).equals(Attribute::Id, &id.0).with_inactive();
        let customer = self.customers(query).await?.into_iter().find(|customer| customer.active);
        if let Some(customer) = customer {
            return Ok(Some((customer.id, customer.display_name)));
        }
        let forget = Transition::Forget { gone: id };
        self.app.store.write(record, &forget, Timestamp::now()).await?;
        Ok(None)
    }

    async fn customers(&self, query: Query) -> Result<Vec<Customer>, Stop> {
        let rows = self.company.client.query(&[query]).await;
        let customers = rows.and_then(|rows| rows[0].read());
        customers.map_err(|error| read_stop(self.kind, &self.company.name, &error))
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
            Ok(Some(customer)) => Outcome::Made(made(&customer)),
            Ok(None) if display_name == own_name => Outcome::Refused(failure),
            Ok(None) => Outcome::Outdated(failure),
            // Refused for certain, so nothing is lost: the next attempt meets the same refusal and looks again.
            Err(_) => Outcome::NoEffect(Trouble::QuickBooksDown),
        }
    }
}

impl Effects for Order<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn plan(&self, record: &Record) -> Event {
        let taken = record.trouble.as_deref() == Some(Code::NameTaken.as_str());
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
        let Some(transition) = effects::transition(change, &self.deadline) else {
            return Err(store::Error::Corrupt { what: "the claim", detail: "state".to_owned() });
        };
        effects::write(&self.app.store, record, &transition, &self.deadline).await
    }

    async fn send(&self, record: &Record) -> Outcome {
        let Some((plan, display_name)) = frozen(record) else { return Outcome::NoEffect(Trouble::StoreDown) };
        let Ok(request_id) = RequestId::try_from(plan.request_id.clone()) else {
            return Outcome::NoEffect(Trouble::StoreDown);
        };
        if !self.deadline.allows_a_send() {
            return Outcome::NoEffect(Trouble::OutOfTime);
        }
        match self.company.client.create_customer(plan.body.as_bytes(), &request_id).await {
            Ok(customer) => {
                tracing::info!(customer.id = %customer.id, "customer created");
                Outcome::Made(made(&customer))
            }
            Err(quickbooks::Error::Rejected(fault)) => {
                let failure = Failure::customer_refused(&self.contact_name, &fault);
                match fault.meaning() {
                    Meaning::DuplicateName => self.name_taken(&display_name, failure).await,
                    _ => Outcome::Refused(failure),
                }
            }
            Err(other) => effects::send_outcome(&other, &self.company.name),
        }
    }

    async fn look(&self, record: &Record) -> Sighting {
        let Some((_, display_name)) = frozen(record) else { return Sighting::NotSeen(Trouble::StoreDown) };
        match self.same(&display_name).await {
            Ok(Some(customer)) => Sighting::Found(made(&customer)),
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

fn made(customer: &Customer) -> Made {
    Made { id: customer.id.to_string(), json: serde_json::json!(customer.display_name) }
}

fn created(record: &Record) -> Option<(CustomerId, String)> {
    let id = record.made_id.clone()?;
    Some((CustomerId(id), record.made.as_ref()?.as_str()?.to_owned()))
}
