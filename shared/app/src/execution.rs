//! The effects of an execution: reading the record and planning its document, sending it, looking for it in the books.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use mapping::customer::CustomerFound;
use mapping::date::{self, DueDays};
use mapping::document::{self, Header};
use mapping::hubspot::RecordKind;
use mapping::lookup::{Answers, LinkedCustomer, Links, Matched, Wanted};
use mapping::quickbooks::{Customer, CustomerId, Document, DocumentKind, Item, ItemId, RealmId};
use mapping::sale::{self, Reading};
use quickbooks::fault::Meaning;
use quickbooks::query::{Attribute, Entity, Query};
use quickbooks::{RequestId, Rows};
use store::matches::Matches;
use store::portal::Portal;
use store::record::{Plan, Record, Transition, Written};

use crate::answer::{self, Notes};
use crate::connection::{Company, Stop, hubspot_stop, read_stop};
use crate::effects::{self, Deadline, later};
use crate::failure::{Failure, Trouble};
use crate::ids::{self, MARKER, Op};
use crate::protocol::{Change, Effects, Event, Made, Outcome, Sighting};
use crate::telemetry::chain;
use crate::{App, customer};

/// How far before the first send the books are searched: QuickBooks' clock is not ours.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(10);

/// QuickBooks' largest page.
const PAGE: u16 = 1000;

/// The most values in one `IN (…)`: what public code is known to use (quickbooks.md §3.1).
const VALUES_AT_ONCE: usize = 30;

/// One execution under way: what HubSpot asked for, and by when.
pub(crate) struct Execution<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: &'a hubspot::workflow::Execution,
    pub(crate) portal: Option<&'a Portal>,
    pub(crate) kind: DocumentKind,
    /// The company asked for, or why there is none. A record that already has one keeps it.
    pub(crate) realm: Result<RealmId, Failure>,
    pub(crate) deadline: Deadline,
}

impl Effects for Execution<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn plan(&self, record: &Record) -> Event {
        self.make_plan(record).await.map_or_else(Event::from, Event::Planned)
    }

    async fn write(&self, record: &Record, change: &Change) -> Result<Written, store::Error> {
        let Some(transition) = self.transition(record, change) else {
            return Err(store::Error::Corrupt { what: "the record", detail: "plan or document".to_owned() });
        };
        effects::write(&self.app.store, record, &transition, &self.deadline).await
    }

    async fn send(&self, record: &Record) -> Outcome {
        let Some((plan, notes)) = frozen(record) else { return Outcome::NoEffect(Trouble::StoreDown) };
        let Ok(request_id) = RequestId::try_from(plan.request_id.clone()) else {
            return Outcome::NoEffect(Trouble::StoreDown);
        };
        let company = match self.app.company(self.portal, &plan.realm).await {
            Ok(company) => company,
            Err(Stop::Failure(failure)) => return Outcome::Refused(failure),
            Err(Stop::Trouble(trouble)) => return Outcome::NoEffect(trouble),
        };
        if !self.deadline.allows_a_send() {
            return Outcome::NoEffect(Trouble::OutOfTime);
        }
        // What was matched is remembered while QuickBooks works: it costs no time of its own.
        let (sent, ()) = tokio::join!(
            company.client.create_document(self.kind, plan.body.as_bytes(), &request_id),
            self.remember(&plan.realm, &notes),
        );
        match sent {
            Ok(document) => {
                tracing::info!(document.id = %document.id, "created");
                made(&document)
            }
            Err(error) => self.not_created(&error, &company.name),
        }
    }

    async fn look(&self, record: &Record) -> Sighting {
        let Some((plan, notes)) = frozen(record) else { return Sighting::NotSeen(Trouble::StoreDown) };
        match self.sent_before(record, &plan.realm, &notes).await {
            Ok(documents) => self.sighting(&documents, &notes),
            Err(Stop::Trouble(trouble)) => Sighting::NotSeen(trouble),
            // The connection is gone: what was sent stays unknown until the same company is connected again.
            Err(Stop::Failure(_)) => Sighting::NotSeen(Trouble::OutcomeUnknown),
        }
    }
}

impl Execution<'_> {
    async fn make_plan(&self, record: &Record) -> Result<Plan, Stop> {
        let realm = match &record.realm {
            Some(realm) => realm.clone(),
            None => self.realm.clone().map_err(Stop::Failure)?,
        };
        let due_days = self.due_days().map_err(Stop::Failure)?;
        let (kind, id) = (self.record_kind().map_err(Stop::Failure)?, self.request.object_id);
        let (company, token) =
            tokio::try_join!(self.app.company(self.portal, &realm), self.app.hubspot_token(self.portal))?;
        let enrolled = self.app.hubspot.enrolled(&token, kind, id).await;
        let reading = sale::read(&enrolled.map_err(|error| hubspot_stop(kind, id, &error))?);
        // A plan that was refused may have rested on what we remembered: the next one asks.
        let links =
            if record.plan_version == 0 { self.links(&realm, &reading).await? } else { Links::default() };
        let answers = self.look_up(&company, &reading.wanted(&links)).await?;
        let matched = reading
            .settle(&links, &answers)
            .map_err(|problems| Stop::Failure(Failure::problems(kind, &problems)))?;
        let (customer_id, customer_name) = self.customer(&company, &realm, &matched).await?;
        let header = Header {
            today: self.today(),
            due_days,
            marker: ids::marker(
                self.app.config.environment,
                self.request.portal_id,
                self.request.callback_id.as_str(),
            ),
            record_url: self.record_url(kind),
        };
        let body = document::invoice(&matched, &customer_id, &header);
        Ok(Plan {
            request_id: ids::request_id(
                Op::Document,
                self.app.config.environment,
                &realm,
                &record.key,
                record.plan_version,
            )
            .as_str()
            .to_owned(),
            realm,
            body: serde_json::json!(body).to_string(),
            notes: serde_json::json!(notes(&matched, customer_id, customer_name)),
        })
    }

    fn due_days(&self) -> Result<Option<DueDays>, Failure> {
        let Some(text) = self.request.inputs.get("due_days") else { return Ok(None) };
        let days =
            text.parse().map_err(|_| Failure::input_invalid("due_days", "a whole number from 0 to 3650"))?;
        Ok(Some(days))
    }

    /// Quotes are read like deals, but are not offered before their discounts and fees are carried too.
    fn record_kind(&self) -> Result<RecordKind, Failure> {
        let object_type = self.request.object_type.as_str();
        match RecordKind::from_object_type(object_type) {
            Some(RecordKind::Deal) => Ok(RecordKind::Deal),
            Some(RecordKind::Quote) | None => Err(Failure::record_type_unsupported(object_type)),
        }
    }

    fn today(&self) -> jiff::civil::Date {
        let zone = self.portal.map_or(jiff::tz::TimeZone::UTC, |portal| portal.time_zone.clone());
        date::today(self.now(), &zone)
    }

    fn record_url(&self, kind: RecordKind) -> String {
        let (base, portal) = (&self.app.config.hubspot_app_url, self.request.portal_id);
        format!("{base}/contacts/{portal}/record/{}/{}", kind.type_id(), self.request.object_id)
    }

    async fn links(&self, realm: &RealmId, reading: &Reading) -> Result<Links, Stop> {
        let products: Vec<String> = reading.product_ids().into_iter().map(str::to_owned).collect();
        let matches =
            self.app.store.matches(self.request.portal_id, realm, reading.contact_id(), &products).await?;
        Ok(Links {
            customer: matches.customer.map(|(id, name)| LinkedCustomer { id, name }),
            items: matches.items.into_iter().collect(),
        })
    }

    /// Asks for customers and items in one round trip.
    async fn look_up(&self, company: &Company, wanted: &Wanted) -> Result<Answers, Stop> {
        let by_email = wanted
            .emails
            .iter()
            .map(|email| Query::from(Entity::Customer).equals(Attribute::PrimaryEmailAddr, email));
        let by_name = wanted
            .display_names
            .iter()
            .map(|name| Query::from(Entity::Customer).equals(Attribute::DisplayName, name));
        // Inactive items are asked for to be named as such.
        let among = |attribute, values: &std::collections::BTreeSet<String>| {
            let values: Vec<&String> = values.iter().collect();
            let chunks = values.chunks(VALUES_AT_ONCE).map(|values| {
                Query::from(Entity::Item).is_in(attribute, values).with_inactive().max_results(PAGE)
            });
            chunks.collect::<Vec<_>>()
        };
        let mut queries: Vec<Query> = by_email.collect();
        let emails = queries.len();
        queries.extend(by_name);
        let customers = queries.len();
        queries.extend(among(Attribute::Sku, &wanted.skus));
        queries.extend(among(Attribute::Name, &wanted.item_names));
        let rows = company
            .client
            .query(&queries)
            .await
            .map_err(|error| read_stop(self.kind, &company.name, &error))?;
        let read = |rows: &[Rows]| -> Result<Vec<Customer>, quickbooks::Error> {
            Ok(rows.iter().map(Rows::read).collect::<Result<Vec<_>, _>>()?.concat())
        };
        let answers = || -> Result<Answers, quickbooks::Error> {
            let mut items: Vec<Item> = Vec::new();
            for rows in &rows[customers..] {
                // A product may answer to its SKU and to its name.
                let new = rows
                    .read::<Item>()?
                    .into_iter()
                    .filter(|item| !items.iter().any(|known| known.id == item.id));
                items.extend(new.collect::<Vec<_>>());
            }
            Ok(Answers {
                customers_by_email: read(&rows[..emails])?,
                customers_by_name: read(&rows[emails..customers])?,
                items,
            })
        };
        answers().map_err(|error| read_stop(self.kind, &company.name, &error))
    }

    async fn customer(
        &self,
        company: &Company,
        realm: &RealmId,
        matched: &Matched,
    ) -> Result<(CustomerId, String), Stop> {
        match &matched.customer {
            CustomerFound::Existing { id, name, .. } => Ok((id.clone(), name.clone())),
            CustomerFound::Missing(new) => {
                let order = customer::Order {
                    app: self.app,
                    company,
                    realm,
                    kind: self.kind,
                    new,
                    contact: matched.sale.buyer.contact_id,
                    contact_name: matched.sale.buyer.label(),
                    deadline: self.deadline,
                };
                customer::create(&order).await
            }
        }
    }

    /// Best effort: what is not remembered is asked again.
    async fn remember(&self, realm: &RealmId, notes: &Notes) {
        let matches = Matches {
            customer: Some((notes.customer_id.clone(), notes.customer_name.clone())),
            items: notes
                .items
                .iter()
                .map(|(product, item)| (product.clone(), ItemId(item.clone())))
                .collect(),
        };
        if let Err(error) =
            self.app.store.remember(self.request.portal_id, realm, notes.contact, &matches).await
        {
            tracing::warn!(error = chain(&error), "matches could not be remembered");
        }
    }

    fn not_created(&self, error: &quickbooks::Error, company: &str) -> Outcome {
        tracing::warn!(error = chain(error), "QuickBooks did not create the document");
        match error {
            quickbooks::Error::Rejected(fault) => {
                let failure = Failure::refused(self.kind, company, fault);
                match fault.meaning() {
                    Meaning::ObjectGone => Outcome::Outdated(failure),
                    _ => Outcome::Refused(failure),
                }
            }
            other => effects::send_outcome(other, company),
        }
    }

    /// The customer's documents from shortly before the first send on: the marker itself cannot be searched for.
    async fn sent_before(
        &self,
        record: &Record,
        realm: &RealmId,
        notes: &Notes,
    ) -> Result<Vec<Document>, Stop> {
        let company = self.app.company(self.portal, realm).await?;
        let since = later(record.first_sent_at.unwrap_or(record.created_at), -LOOK_BACK);
        let mut documents: Vec<Document> = Vec::new();
        loop {
            let start = u32::try_from(documents.len()).unwrap_or(u32::MAX).saturating_add(1);
            let query = Query::from(Entity::from(self.kind))
                .equals(Attribute::CustomerRef, &notes.customer_id.0)
                .since(Attribute::CreateTime, since)
                .order_by_newest()
                .start_position(start)
                .max_results(PAGE);
            let rows = company.client.query(&[query]).await;
            let page: Result<Vec<Document>, _> = rows.and_then(|rows| rows[0].read());
            let page = page.map_err(|error| read_stop(self.kind, &company.name, &error))?;
            let last = page.len() < usize::from(PAGE);
            documents.extend(page);
            if last {
                return Ok(documents);
            }
        }
    }

    fn sighting(&self, documents: &[Document], notes: &Notes) -> Sighting {
        let marker = ids::marker(
            self.app.config.environment,
            self.request.portal_id,
            self.request.callback_id.as_str(),
        );
        let note = |document: &Document| document.private_note.clone().unwrap_or_default();
        let ours: Vec<&Document> =
            documents.iter().filter(|document| note(document).contains(&marker)).collect();
        match ours.as_slice() {
            [document] => match made(document) {
                Outcome::Made(made) => Sighting::Found(made),
                _ => Sighting::Unclear,
            },
            // Somebody may have removed the marker: the same customer and sum in the same minutes is for a person to judge.
            [] if documents
                .iter()
                .any(|other| !note(other).contains(MARKER) && net(other) == notes.subtotal) =>
            {
                Sighting::Unclear
            }
            [] => Sighting::Absent,
            _ => Sighting::Unclear,
        }
    }

    /// None when the record lacks what its answer is built from.
    fn transition(&self, record: &Record, change: &Change) -> Option<Transition> {
        let fail = |failure: &Failure| {
            let answer = answer::failed(failure, self.request.callback_id.as_str());
            (answer, failure.code.as_str().to_owned())
        };
        match change {
            Change::Complete => Some(Transition::Complete { answer: self.completed(record)? }),
            Change::Fail(failure) => {
                let (answer, trouble) = fail(failure);
                Some(Transition::Fail { answer, trouble })
            }
            Change::Review => {
                let (answer, trouble) = fail(&Failure::needs_review(self.kind, &self.company_name(record)));
                Some(Transition::Review { answer, trouble })
            }
            other => effects::transition(other, &self.deadline),
        }
    }

    fn completed(&self, record: &Record) -> Option<String> {
        let (plan, notes) = frozen(record)?;
        let document: Document = serde_json::from_value(record.made.clone()?).ok()?;
        let url = &self.app.config.quickbooks_app_url;
        let id = self.request.callback_id.as_str();
        Some(answer::created(self.kind, &plan.realm, url, &notes, &document, id))
    }

    fn company_name(&self, record: &Record) -> String {
        let company = record.realm.as_ref().and_then(|realm| self.portal?.company(realm));
        company.map(|company| company.name.clone()).unwrap_or_default()
    }
}

fn notes(matched: &Matched, customer_id: CustomerId, customer_name: String) -> Notes {
    let products = matched.sale.lines.iter().map(|line| line.article.product_id.clone());
    let items: HashMap<String, String> = products
        .zip(&matched.items)
        .filter_map(|(product, item)| Some((product?, item.id.to_string())))
        .collect();
    let mut items: Vec<(String, String)> = items.into_iter().collect();
    items.sort();
    Notes {
        contact: matched.sale.buyer.contact_id,
        customer_id,
        customer_name,
        customer_match: matched.customer.matched().as_str().to_owned(),
        items,
        subtotal: matched.sale.subtotal(),
    }
}

fn frozen(record: &Record) -> Option<(&Plan, Notes)> {
    let plan = record.plan.as_ref()?;
    let notes = serde_json::from_value(plan.notes.clone()).ok()?;
    Some((plan, notes))
}

fn made(document: &Document) -> Outcome {
    Outcome::Made(Made { id: document.id.to_string(), json: serde_json::json!(document) })
}

fn net(document: &Document) -> rust_decimal::Decimal {
    let tax = document.txn_tax_detail.as_ref().and_then(|detail| detail.total_tax).unwrap_or_default();
    document.total_amt - tax
}
