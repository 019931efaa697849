//! The effects of an execution: reading the record and planning its document, sending it, looking for it in the books.

mod books;
mod chosen;
mod items;
mod mail;
mod numbered;
mod payment;
mod repeated;
mod tally;
mod taxes;
mod told;
mod unsaid;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mapping::books::Books;
use mapping::customer::CustomerFound;
use mapping::date;
use mapping::document::{self, Emailing};
use mapping::hubspot::{Enrolled, PortalId, RecordId, RecordKind};
use mapping::item::{self, ItemFound, ItemMatch};
use mapping::lookup::{Answers, LinkedCustomer, Links, Matched};
use mapping::number::Number;
use mapping::payment::Paid;
use mapping::problem::Problem;
use mapping::quickbooks::{Customer, CustomerId, Document, DocumentKind, Item, ItemId, RealmId};
use mapping::sale::{self, AmountDiffers, BuyerId, Reading, RecordRef};
use mapping::settings::{Bill, Settings};
use mapping::tax::{CustomerTax, Taxable};
use quickbooks::fault::Meaning;
use quickbooks::query::{Attribute, Entity, PAGE, Query};
use quickbooks::{Meter, RequestId, Rows};
use store::budget::Budget;
use store::matches::Matches;
use store::portal::Portal;
use store::record::{Key, Noted, Plan, Record, State, Transition, Written};

use crate::answer::{self, Created, Notes, Payment};
use crate::budget;
use crate::clock;
use crate::connection::{Account, Company, Stop, hubspot_stop, unreadable};
use crate::effects::{self, Deadline, later};
use crate::failure::{Code, Failure, Trouble};
use crate::ids::{self, MARKER, Op};
use crate::inputs::{IfRepeated, Inputs, Mode};
use crate::order::{Order, Orderer};
use crate::preview::{self, Preview};
use crate::protocol::{Change, Effects, Event, Made, Outcome, Sighting};
use crate::telemetry::chain;
use crate::{App, console, customer};

use books::{Asking, Needed};
use repeated::Earlier;
use told::{left_out, of_texts};

/// How far before the first send the books are searched: QuickBooks' clock is not ours.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(10);

/// As long as an id of QuickBooks can be: it stands for one that is not known yet.
const LONGEST_ID: &str = "99999999999999999999";

/// The largest body that is frozen, in bytes. A DynamoDB item holds 400 KB, and the record needs some for notes and document.
const BODY_LIMIT: usize = 256 * 1024;

/// One execution under way: what HubSpot asked for, and by when.
pub(crate) struct Execution<'a> {
    pub(crate) app: &'a App,
    pub(crate) key: &'a Key,
    pub(crate) request: &'a hubspot::workflow::Execution,
    pub(crate) portal: Option<&'a Portal>,
    pub(crate) kind: DocumentKind,
    /// The company asked for, or why there is none. A record that already has one keeps it.
    pub(crate) realm: Result<RealmId, Failure>,
    pub(crate) deadline: Deadline,
    /// Whether this attempt has noted its document in the indexes.
    pub(crate) noted: AtomicBool,
    /// Intuit's ids of the calls that this attempt has not written down yet.
    pub(crate) calls: Mutex<Vec<String>>,
    /// The names of the items that this attempt created, or found that an earlier one had.
    pub(crate) created: Mutex<BTreeSet<String>>,
    /// Metered reads that are not written down yet.
    pub(crate) meter: Meter,
}

impl Effects for Execution<'_> {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn in_time(&self) -> bool {
        // The kill switch: what HubSpot waits for is told all the same.
        !self.app.config.actions_paused && self.deadline.allows_a_beginning()
    }

    async fn plan(&self, record: &Record) -> Event {
        let planned = match record.is_payment_to_plan() {
            true => self.plan_payment(record).await,
            false => self.make_plan(record).await,
        };
        planned.unwrap_or_else(|stop| match stop {
            Stop::Failure(failure) if self.is_preview() => Event::NotPreviewed(failure),
            stop => Event::from(stop),
        })
    }

    async fn write(&self, record: &Record, change: &Change) -> Result<Written, store::Error> {
        let reads = self.meter.take();
        // The company's month is counted beside the write, which takes as long.
        let (written, ()) =
            tokio::join!(self.written(record, change, reads), self.count_reads(record, reads));
        tally::count(record, change, &written);
        written
    }

    async fn send(&self, record: &Record) -> Outcome {
        let sent = match record.state {
            State::PaySent => self.send_payment(record).await,
            _ => self.send_document(record).await,
        };
        sent.unwrap_or_else(|stop| match stop {
            // The document exists: its payment waits until the same company is connected again (rulings.md 14).
            Stop::Failure(_) if record.state == State::PaySent => Outcome::NoEffect(Trouble::Disconnected),
            Stop::Failure(failure) => Outcome::Refused(failure),
            Stop::Trouble(trouble) => Outcome::NoEffect(trouble),
        })
    }

    async fn mail(&self, record: &Record) -> Outcome {
        self.mail_document(record).await.unwrap_or_else(|stop| match stop {
            Stop::Failure(failure) => Outcome::Refused(failure),
            Stop::Trouble(trouble) => Outcome::NoEffect(trouble),
        })
    }

    async fn look(&self, record: &Record) -> Sighting {
        let seen = match record.state {
            State::DocDone | State::PaySent => self.look_for_payment(record).await,
            _ => self.look_for_document(record).await,
        };
        seen.unwrap_or_else(|stop| match stop {
            Stop::Trouble(trouble) => Sighting::NotSeen(trouble),
            // The connection is gone: what was sent stays unknown until the same company is connected again.
            Stop::Failure(_) => Sighting::NotSeen(Trouble::OutcomeUnknown),
        })
    }
}

impl Execution<'_> {
    async fn written(&self, record: &Record, change: &Change, metered: u64) -> Result<Written, store::Error> {
        let Some(transition) = self.transition(record, change) else {
            return Err(store::Error::Corrupt { what: "the record", detail: "plan or document".to_owned() });
        };
        let noted = Noted {
            calls: &self.noted_calls(),
            created_items: &self.unwritten_items(record),
            metered,
            buyer: match change {
                Change::Freeze(plan) => notes_of(plan).and_then(|notes| notes.buyer()),
                Change::Preview(plan) => Preview::of(plan).and_then(|preview| preview.notes.buyer()),
                _ => None,
            },
        };
        let writing = effects::write(&self.app.store, record, &transition, &noted, &self.deadline);
        match change {
            // At once with the record: before the end it is made sure of.
            Change::Record(made) if matches!(record.state, State::Planned | State::Sent) => {
                let (written, noted) = tokio::join!(writing, self.note_document(record, &made.id));
                self.noted.store(noted.is_ok(), Ordering::Relaxed);
                written
            }
            Change::Complete if !self.noted.load(Ordering::Relaxed) => {
                self.note_document(record, record.made_id.as_deref().unwrap_or_default()).await?;
                writing.await
            }
            _ => writing.await,
        }
    }
}

/// Planning: nothing is sent.
impl Execution<'_> {
    /// The company, its reads counted as this execution's.
    async fn company(&self, realm: &RealmId) -> Result<Company, Stop> {
        Ok(self.app.company(self.portal, realm, self.deadline).await?.metered_by(&self.meter))
    }

    async fn count_reads(&self, record: &Record, reads: u64) {
        if let Some(realm) = record.realm.as_ref().or(self.realm.as_ref().ok()) {
            self.app.count_reads(realm, reads).await;
        }
    }

    /// Whether nothing is to be created.
    fn is_preview(&self) -> bool {
        Mode::of(&self.request.inputs) == Some(Mode::Preview)
    }

    async fn make_plan(&self, record: &Record) -> Result<Event, Stop> {
        let realm = match &record.realm {
            Some(realm) => realm.clone(),
            None => self.realm.clone().map_err(Stop::Failure)?,
        };
        let inputs = Inputs::read(self.kind, &self.request.inputs).map_err(Stop::Failure)?;
        let kind = self.record_kind().map_err(Stop::Failure)?;
        let company = self.company(&realm).await?;
        let source = self.source(&realm, kind);
        let enrolled = match inputs.if_repeated {
            IfRepeated::Create => {
                let (listed, enrolled) =
                    tokio::join!(self.list(&source), self.enrolled(&company, record, kind, &inputs));
                listed?;
                enrolled?
            }
            if_repeated => match self.existing_or_list(&source, &company).await? {
                Some(Earlier::Made(document)) if if_repeated == IfRepeated::Return => {
                    return Ok(Event::Exists(made(&document)));
                }
                Some(earlier) => {
                    let of = self.named(record, kind).await;
                    return Err(Stop::Failure(match earlier {
                        Earlier::Made(document) => Failure::already_created(self.kind, &of, &document),
                        Earlier::InReview => Failure::earlier_in_review(self.kind, &of),
                    }));
                }
                None => self.enrolled(&company, record, kind, &inputs).await?,
            },
        };
        let reading = sale::read(&enrolled).in_books(&company.settings.books, &enrolled);
        // A plan that was refused may have rested on what we remembered: the next one asks.
        let links =
            if record.plan_version == 0 { self.links(&realm, &reading).await? } else { Links::default() };
        let links = reading.fitting(links, &company.settings.books);
        let word = mapping::payment::named_method(&enrolled, &company.settings.choices);
        let needed = Needed {
            method: word.as_deref().filter(|_| inputs.payment_method.is_none()),
            is_foreign: reading.is_foreign(&company.settings.books),
            now: self.now(),
        };
        let remembered = books::are_known(&company, record, &reading, &needed);
        let stale = (!remembered).then_some(&needed);
        let (answers, settings) = self.look_up(&company, record, &reading, &links, stale).await?;
        let answers = self.told(&company, record, answers, &reading.untold(&links, &settings)).await?;
        let reading = self.with_rates(reading.in_books(&settings.books, &enrolled), &settings).await?;
        let paid = self.paid(&enrolled, &inputs, &settings);
        let (matched, paid) = match (reading.settle(&links, &answers, &settings, inputs.missing_item), paid) {
            (Ok(matched), Ok(paid)) => (matched, paid),
            (matched, paid) => {
                let problems: Vec<Problem> = matched.err().into_iter().chain(paid.err()).flatten().collect();
                return Err(Stop::Failure(Failure::problems(kind, &problems).in_company(&company.name)));
            }
        };
        // Once: a rate is of the document's day, and midnight may be near.
        let today = date::today(self.now(), &self.zone());
        let day = document::posting_date(self.kind, today, paid.as_ref());
        let closed =
            |books: &Books| document::closed(self.kind, &matched.sale.record.name, day, paid.as_ref(), books);
        let problem = match closed(&settings.books) {
            // A person may have opened them since.
            Some(_) if remembered => closed(&self.settings_anew(&company, record, false).await?.books),
            problem => problem,
        };
        if let Some(problem) = problem {
            // Nothing is begun for what would be refused (quickbooks.md §4.4).
            return Err(Stop::Failure(Failure::problems(kind, &[problem]).in_company(&company.name)));
        }
        let (number, unfit) = self.numbered(&company, record, &enrolled, &matched, &settings).await?;
        let exchange_rate = self.exchange_rate(&company, record, &settings.books, &matched, day).await?;
        let header = document::Header {
            number,
            exchange_rate,
            ..self.header(kind, &enrolled, &inputs, paid.clone(), &settings, today)
        };
        let write = |customer: &CustomerId, items: &[ItemId]| {
            let draft = document::write(self.kind, &matched, customer, items, &settings, &header);
            let body = serde_json::json!(draft).to_string();
            // As the record keeps it, with every quotation mark escaped.
            if serde_json::json!(body).to_string().len() > BODY_LIMIT {
                return Err(Stop::Failure(Failure::too_large(kind, &matched.sale.record.name)));
            }
            Ok((body, draft))
        };
        // From here on something may be created, and only for a document that will not be too large.
        write(&CustomerId(LONGEST_ID.to_owned()), &vec![ItemId(LONGEST_ID.to_owned()); matched.items.len()])?;
        let mut taxable = answers.taxable(&matched);
        let (items, (customer_id, customer_name)) = match inputs.mode {
            Mode::Create => {
                let items = self.items(&company, record, &matched, inputs.missing_item, &mut taxable).await?;
                (items, self.customer(&company, record, &matched, &mut taxable).await?)
            }
            // Nothing is created: what would be has no id yet.
            Mode::Preview => {
                (matched.items.iter().map(preview::item).collect(), preview::customer(&matched.customer))
            }
        };
        self.keep_taxable(&realm, &settings, &taxable).await;
        let (body, draft) = write(&customer_id, &items)?;
        let notes = Notes {
            record: matched.sale.record.name.clone(),
            contact: match matched.sale.buyer.id {
                BuyerId::Contact(contact) => Some(contact),
                BuyerId::Company(_) => None,
            },
            company: match matched.sale.buyer.id {
                BuyerId::Contact(_) => None,
                BuyerId::Company(company) => Some(company),
            },
            customer_id,
            customer_name,
            currency: matched.sale.currency.clone(),
            customer_match: matched.customer.matched().as_str().to_owned(),
            items: matched_products(&matched, &items),
            created_items: self.created_items(record).into_iter().collect(),
            subtotal: matched.subtotal(),
            total: matched.total(),
            expected: matched.expected(),
            amount_with_tax: matched.sale.amount_with_tax(),
            date: draft.form().txn_date,
            paid: paid.clone(),
            booking: inputs
                .create_paid
                .then(|| self.booking(header.today, &inputs, paid.as_ref(), &settings)),
            warnings: warnings(kind, &matched)
                .into_iter()
                .chain(unfit)
                .chain(self.unsent(&inputs, &matched))
                .chain(self.of_payments(&enrolled, &inputs))
                .chain(of_texts(
                    document::altered(&matched, &settings, &header)
                        .into_iter()
                        .chain(mapping::payment::altered(&enrolled, paid.as_ref())),
                ))
                .chain(unsaid::warnings(self.kind, kind, &matched, &settings, &header))
                .collect(),
        };
        let request_id = self.request_id(Op::Document, &realm, record);
        let emailed = inputs.emailing == Emailing::Send && matched.sale.buyer.email.is_some();
        let plan = |notes| Plan { request_id, realm, body, notes, emailed };
        Ok(match inputs.mode {
            Mode::Create => Event::Planned(plan(serde_json::json!(notes))),
            Mode::Preview => {
                let preview = Preview::new(notes, &draft, &matched, &settings);
                Event::Previewed(plan(serde_json::json!(preview)))
            }
        })
    }

    fn record_kind(&self) -> Result<RecordKind, Failure> {
        let object_type = self.request.object_type.as_str();
        RecordKind::from_object_type(object_type).ok_or_else(|| Failure::record_type_unsupported(object_type))
    }

    /// The record as HubSpot has it, with its payments when the document is to say that it was paid.
    async fn enrolled(
        &self,
        company: &Company,
        record: &Record,
        kind: RecordKind,
        inputs: &Inputs,
    ) -> Result<Enrolled, Stop> {
        let account = self.app.account(self.portal, self.deadline).await?;
        // A sales receipt is better with its payment, and works without the permission to read one.
        let payments =
            self.says_how_it_was_paid(inputs) && (inputs.create_paid || account.may_read_payments());
        let choices = &company.settings.choices;
        let bill_company = choices.bill == Bill::Company;
        let wanted = hubspot::Wanted { payments, company: bill_company, properties: choices.properties() };
        self.read(account, record, kind, &wanted).await
    }

    async fn read(
        &self,
        account: Account,
        record: &Record,
        kind: RecordKind,
        wanted: &hubspot::Wanted,
    ) -> Result<Enrolled, Stop> {
        let id = self.request.object_id;
        let of_company = if wanted.company { budget::CALLS_TO_READ_A_COMPANY } else { 0 };
        let calls = budget::calls_to_read(kind) + u32::from(wanted.payments) + of_company;
        let patience = budget::patience_to_read(self.deadline.left_to_begin());
        self.app.spend(&Budget::HubSpot(self.request.portal_id), calls, patience).await?;
        let client = &self.app.vendors.hubspot;
        let read = |token| async move { client.enrolled(&token, kind, id, wanted).await };
        let enrolled =
            self.app.call_hubspot(account, read).await?.map_err(|error| {
                hubspot_stop(kind, id, self.now().duration_since(record.created_at), &error)
            })?;
        Ok(Enrolled { portal_currency: self.portal.and_then(|portal| portal.currency.clone()), ..enrolled })
    }

    /// The record by its name: whoever is told of an earlier run sees which it is. Without an answer, by its id.
    async fn named(&self, record: &Record, kind: RecordKind) -> RecordRef {
        let read = async {
            let account = self.app.account(self.portal, self.deadline).await?;
            self.read(account, record, kind, &hubspot::Wanted::default()).await
        };
        match read.await {
            Ok(enrolled) => sale::record_ref(&enrolled.record),
            Err(_) => self.of(kind, ""),
        }
    }

    fn header(
        &self,
        kind: RecordKind,
        enrolled: &Enrolled,
        inputs: &Inputs,
        paid: Option<Paid>,
        settings: &Settings,
        today: Date,
    ) -> document::Header {
        let zone = self.zone();
        let payment_method = payment::paid_by(inputs, paid.as_ref(), settings);
        let ship_date = settings.choices.ship_date.as_ref().and_then(|name| enrolled.properties.get(name));
        document::Header {
            today,
            due_days: inputs.due_days,
            number: Number::OfQuickBooks,
            emailing: inputs.emailing,
            properties: enrolled.properties.clone(),
            exchange_rate: None,
            expires: document::expiration(&enrolled.record, inputs.expires_days, today, &zone),
            paid: paid.filter(|_| self.kind == DocumentKind::SalesReceipt),
            payment_method,
            ship_to: mapping::payment::ship_to(enrolled),
            ship_date: ship_date.and_then(|text| date::of_date(text, &zone)),
            deposit_account: inputs.deposit_account.clone(),
            marker: self.marker(),
            record_url: self.record_url(kind),
        }
    }

    /// What cannot be sent, or marked to be, is told.
    fn unsent(&self, inputs: &Inputs, matched: &Matched) -> Option<String> {
        let buyer = &matched.sale.buyer;
        let so = match inputs.emailing {
            Emailing::No => return None,
            Emailing::Queue => "does not wait to be sent",
            Emailing::Send => "was not e-mailed",
        };
        let (what, label) = (self.kind.noun(), buyer.label());
        let unsent = buyer.email.is_none();
        unsent.then(|| format!("There is no e-mail address for “{label}”: the {what} {so}."))
    }

    fn zone(&self) -> TimeZone {
        self.portal.map_or(TimeZone::UTC, |portal| portal.time_zone.clone())
    }

    fn marker(&self) -> String {
        ids::marker(self.app.config.environment, self.key)
    }

    /// Whether a document has this execution's marker.
    fn is_ours(&self, document: &Document) -> bool {
        document.private_note.as_ref().is_some_and(|note| note.contains(&self.marker()))
    }

    fn request_id(&self, op: Op, realm: &RealmId, record: &Record) -> String {
        let environment = self.app.config.environment;
        ids::request_id(op, environment, realm, &record.key, record.plan_version).as_str().to_owned()
    }

    fn record_url(&self, kind: RecordKind) -> String {
        let id = self.request.object_id;
        record_url(&self.app.config.hubspot_app_url, self.request.portal_id, kind.type_id(), id)
    }

    async fn links(&self, realm: &RealmId, reading: &Reading) -> Result<Links, Stop> {
        let lines: Vec<String> = reading.known_lines().into_iter().collect();
        let buyer = reading.buyer_id();
        let matches =
            self.app.store.matches(self.request.portal_id, realm, buyer, &lines, self.now()).await?;
        Ok(Links { customer: matches.customer, items: matches.items.into_iter().collect() })
    }

    /// Asks for customers and items in one round trip; and, where what is kept of them is stale for what is needed, how the company
    /// keeps its books.
    async fn look_up(
        &self,
        company: &Company,
        record: &Record,
        reading: &Reading,
        links: &Links,
        stale: Option<&Needed<'_>>,
    ) -> Result<(Answers, Settings), Stop> {
        let wanted = reading.wanted(links);
        let customers =
            |attribute| move |text: &String| Query::from(Entity::Customer).equals(attribute, text);
        let mut queries: Vec<Query> =
            wanted.emails.iter().map(customers(Attribute::PrimaryEmailAddr)).collect();
        let by_email = queries.len();
        queries.extend(wanted.display_names.iter().map(customers(Attribute::DisplayName)));
        queries.extend(wanted.company_names.iter().map(customers(Attribute::CompanyName)));
        let by_name = queries.len();
        for (attribute, values) in [(Attribute::Sku, &wanted.skus), (Attribute::Name, &wanted.item_names)] {
            // Inactive items are asked for to be named as such.
            let items = Query::from(Entity::Item).with_inactive().max_results(PAGE);
            queries.extend(items.each_in(attribute, values));
        }
        let by_item = queries.len();
        let asking = stale.map(|needed| Asking::beside(by_item, needed, company, record));
        queries.extend(asking.iter().flat_map(Asking::queries));
        let rows = self.app.ask(company, self.kind, &queries).await?;
        let settings = match asking {
            None => company.settings.clone(),
            Some(asking) => self.read_books(&asking, &rows[by_item..]).await?,
        };
        let read = |rows: &[Rows]| -> Result<Vec<Customer>, quickbooks::Error> {
            Ok(rows.iter().map(Rows::read).collect::<Result<Vec<_>, _>>()?.concat())
        };
        let answers = || {
            // A product may answer to its SKU and to its name.
            let mut items = BTreeMap::new();
            for rows in &rows[by_name..by_item] {
                items.extend(rows.read::<Item>()?.into_iter().map(|item| (item.id.clone(), item)));
            }
            Ok(Answers {
                customers_by_email: read(&rows[..by_email])?,
                customers_by_name: read(&rows[by_email..by_name])?,
                items: items.into_values().collect(),
                ..Answers::default()
            })
        };
        let answers = answers().map_err(unreadable(self.kind, &company.name))?;
        Ok((answers, settings))
    }

    fn orderer<'e>(&'e self, company: &'e Company, record: &Record, of: &'e RecordRef) -> Orderer<'e> {
        let (app, kind, deadline) = (self.app, self.kind, self.deadline);
        Orderer { app, company, kind, of, name: self.name(), deadline, was_refused: is_gone(record) }
    }

    async fn customer(
        &self,
        company: &Company,
        record: &Record,
        matched: &Matched,
        taxable: &mut Taxable,
    ) -> Result<(CustomerId, String), Stop> {
        match &matched.customer {
            CustomerFound::Existing { id, name, .. } => Ok((id.clone(), name.clone())),
            CustomerFound::Missing(new) => {
                let wanted = customer::Wanted { new, buyer: &matched.sale.buyer };
                let by = self.orderer(company, record, &matched.sale.record);
                let made = Order::new(by, wanted).create().await?;
                taxable.customers.extend(made.row.map(|row| (row.id.clone(), CustomerTax::of(&row))));
                Ok((CustomerId(made.id), made.name))
            }
        }
    }
}

/// Sending. An early `Err` is a proof that nothing was sent.
impl Execution<'_> {
    async fn send_document(&self, record: &Record) -> Result<Outcome, Stop> {
        let (plan, notes) = frozen(record)?;
        let (company, request_id) = self.ready_to_send(plan).await?;
        let body = plan.body.as_bytes();
        // What was matched is remembered while QuickBooks works, and given up when QuickBooks is faster: nothing comes
        // between a document and its record.
        let remembering = async {
            self.remember(&plan.realm, &notes).await;
            std::future::pending().await
        };
        let (kind, request_id) = (self.kind, &request_id);
        let creating = self
            .app
            .send(&company, |client| async move { client.create_document(kind, body, request_id).await });
        let sent = tokio::select! {
            sent = creating => sent,
            sent = remembering => sent,
        };
        Ok(match sent? {
            Ok(quickbooks::Created { row: document, intuit_tid }) => {
                self.note_call(intuit_tid);
                tracing::info!(document.id = %document.id, "created");
                Outcome::Made(made(&document))
            }
            Err(quickbooks::Error::Rejected(fault)) => {
                self.note_call(fault.intuit_tid.clone());
                tracing::warn!(%fault, "QuickBooks refused the document");
                let of = self.of(self.record_kind().map_err(Stop::Failure)?, &notes.record);
                let chosen = chosen::chosen(&plan.body, &company.settings.choices, &self.request.inputs);
                let failure = Failure::document_refused(
                    self.kind,
                    &of,
                    &company.name,
                    &notes.customer_name,
                    &chosen,
                    &fault,
                );
                match fault.meaning() {
                    Meaning::DuplicateNumber(other) => self.number_taken(&company, other, failure).await,
                    // Or the company is taxed otherwise by now, or has several currencies.
                    Meaning::ObjectGone | Meaning::CustomerGone | Meaning::TaxCode | Meaning::Currency => {
                        Outcome::Outdated(failure)
                    }
                    Meaning::PeriodClosed => {
                        self.doubt_books(&plan.realm).await;
                        Outcome::Refused(failure)
                    }
                    _ => Outcome::Refused(failure),
                }
            }
            Err(error) => Outcome::of_error(&error, &company.name),
        })
    }

    /// Intuit's id of a call that was to make something stands in the next write: support asks for it.
    fn note_call(&self, intuit_tid: Option<String>) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).extend(intuit_tid);
    }

    fn noted_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn ready_to_send(&self, plan: &Plan) -> Result<(Company, RequestId), Stop> {
        let internal = |_| Stop::Trouble(Trouble::Internal);
        let request_id = RequestId::try_from(plan.request_id.clone()).map_err(internal)?;
        let company = self.company(&plan.realm).await?;
        Ok((company, request_id))
    }

    /// Best effort: what is not remembered is asked again.
    async fn remember(&self, realm: &RealmId, notes: &Notes) {
        let Some(buyer) = notes.buyer() else { return };
        let matches = Matches {
            customer: Some(LinkedCustomer {
                id: notes.customer_id.clone(),
                name: notes.customer_name.clone(),
                currency: notes.currency.clone(),
            }),
            items: notes
                .items
                .iter()
                .map(|(product, item)| (product.clone(), ItemId(item.clone())))
                .collect(),
        };
        let portal = self.request.portal_id;
        let remembered = self.app.store.remember(portal, realm, buyer, &matches, self.now()).await;
        if let Err(error) = remembered {
            tracing::warn!(error = chain(&error), "matches could not be remembered");
        }
    }
}

/// Looking for what an earlier send may have made. The marker itself cannot be searched for, so the customer's documents or
/// payments from shortly before the first send on are read.
impl Execution<'_> {
    async fn look_for_document(&self, record: &Record) -> Result<Sighting, Stop> {
        let (plan, notes) = frozen(record)?;
        let documents: Vec<Document> =
            self.since(record, Entity::from(self.kind), &plan.realm, &notes).await?;
        let documents = each_once(documents, |document| document.id.to_string());
        let marker = self.marker();
        let marked = |document: &Document, mark: &str| {
            document.private_note.as_ref().is_some_and(|note| note.contains(mark))
        };
        // Somebody may have removed the marker: the same customer, day and sum is for a person to judge. So is what was voided,
        // which has no sum any more and perhaps no marker: whoever did it may not want another one, nor hear of a success.
        let suspect = |other: &&Document| {
            let is_sum = other.total_amt - answer::tax(other) == notes.total
                || notes.expected == Some(other.total_amt)
                || other.is_voided();
            !marked(other, MARKER)
                && other.customer_ref.as_ref().is_some_and(|customer| customer.value == notes.customer_id)
                && other.txn_date == Some(notes.date)
                && is_sum
        };
        let ours: Vec<&Document> = documents.iter().filter(|document| marked(document, &marker)).collect();
        Ok(match ours.as_slice() {
            [document] if document.is_voided() => Sighting::Suspect,
            [document] => Sighting::Found(made(document)),
            [] if documents.iter().any(|other| suspect(&other)) => Sighting::Suspect,
            [] => Sighting::Absent,
            _ => tally::several(),
        })
    }

    async fn since<T: serde::de::DeserializeOwned>(
        &self,
        record: &Record,
        entity: Entity,
        realm: &RealmId,
        notes: &Notes,
    ) -> Result<Vec<T>, Stop> {
        let company = self.company(realm).await?;
        let sent = record.first_sent_at.unwrap_or(record.created_at);
        let since = later(record.safe_since.map_or(sent, |restored| restored.min(sent)), -LOOK_BACK);
        let mut found: Vec<T> = Vec::new();
        loop {
            let start = u32::try_from(found.len()).unwrap_or(u32::MAX).saturating_add(1);
            let query = Query::from(entity);
            // What was made before a restore may have been planned otherwise.
            let query = match record.safe_since {
                Some(_) => query,
                None => query.equals(Attribute::CustomerRef, &notes.customer_id.0),
            };
            let query = query
                .since(Attribute::CreateTime, since)
                .order_by_newest()
                .start_position(start)
                .max_results(PAGE);
            let rows = self.app.ask(&company, self.kind, &[query]).await?;
            let page: Vec<T> = rows[0].read().map_err(unreadable(self.kind, &company.name))?;
            let last = page.len() < usize::from(PAGE);
            found.extend(page);
            if last {
                return Ok(found);
            }
        }
    }
}

/// What a change writes down.
impl Execution<'_> {
    /// None when the record lacks what is to be written.
    fn transition(&self, record: &Record, change: &Change) -> Option<Transition> {
        let fail = |failure: &Failure| {
            let failure = self.told_with_items(record, failure.clone());
            (answer::failed(&failure, &self.key.id()), failure.code.as_str().to_owned())
        };
        match change {
            Change::Complete => Some(Transition::Complete { answer: self.completed(record)? }),
            Change::Exists(made) => {
                let answer = self.existing(record, made)?;
                Some(Transition::Answer { answer, outcome: "existing", preview: None })
            }
            Change::Preview(plan) => {
                let answer = self.previewed(plan)?;
                Some(Transition::Answer { answer, outcome: "preview", preview: Some(plan.clone()) })
            }
            Change::Record(made) if matches!(record.state, State::Planned | State::Sent) => {
                Some(Transition::Record {
                    id: made.id.clone(),
                    made: made.json.clone(),
                    pay_plan: self.pay_plan(record, made)?,
                })
            }
            Change::Fail(failure) => {
                let (answer, trouble) = fail(failure);
                Some(Transition::Fail { answer, trouble })
            }
            Change::Review => {
                let (answer, trouble) = fail(&self.needs_review(record));
                Some(Transition::Review { answer, trouble })
            }
            other => other.transition(record, self.deadline.times(record, other)),
        }
    }

    fn completed(&self, record: &Record) -> Option<String> {
        let (plan, notes) = frozen(record).ok()?;
        let document: Document = serde_json::from_value(record.made.clone()?).ok()?;
        let payment = match (&record.pay_id, &record.pay_plan) {
            (Some(id), Some(plan)) => Payment::Made { id, amount: payment::amount_of(plan).ok()? },
            _ => record.pay_refused.as_deref().map_or(Payment::None, Payment::Refused),
        };
        let created = Created {
            kind: self.kind,
            realm: &plan.realm,
            notes: &notes,
            document: &document,
            payment,
            mailing: mail::mailing(record),
            app_url: &self.app.config.quickbooks_app_url,
            execution_id: &self.key.id(),
        };
        Some(created.answer())
    }

    /// The answer that tells what would be created; none when the plan is none for a preview.
    fn previewed(&self, plan: &Plan) -> Option<String> {
        let preview = Preview::of(plan)?;
        let url = format!("{}{}", self.app.config.public_base_url, console::execution_address(self.key));
        Some(answer::preview(self.kind, &preview, &url, &self.key.id()))
    }

    fn needs_review(&self, record: &Record) -> Failure {
        let of = self.about(record);
        let of = of.as_ref();
        match record.state {
            State::DocDone => Failure::payment_pending(self.kind, of, &Self::number(record)),
            State::PaySent => Failure::payment_needs_review(self.kind, of, &Self::number(record)),
            _ => {
                let company = record.realm.as_ref().and_then(|realm| self.portal?.company(realm));
                Failure::needs_review(self.kind, of, company.map_or("QuickBooks", |company| &company.name))
            }
        }
    }

    /// The deal or quote as far as a frozen plan names it; none when what was asked for can be read no more.
    fn about(&self, record: &Record) -> Option<RecordRef> {
        let name = frozen_notes(record).map(|notes| notes.record).unwrap_or_default();
        self.record_kind().ok().map(|kind| self.of(kind, &name))
    }

    fn of(&self, kind: RecordKind, name: &str) -> RecordRef {
        let id = self.request.object_id;
        // What was frozen by an earlier release has no name.
        let name = if name.is_empty() { id.to_string() } else { name.to_owned() };
        RecordRef { kind, id, name }
    }

    /// What HubSpot is told when its wait ends before the execution does.
    pub(crate) fn not_known_yet(&self, record: &Record) -> Failure {
        let failure = match record.state {
            State::PaySent => {
                Failure::payment_pending(self.kind, self.about(record).as_ref(), &Self::number(record))
            }
            _ => self.needs_review(record),
        };
        self.told_with_items(record, failure)
    }

    /// The document's number, or its id where it has none.
    fn number(record: &Record) -> String {
        let document = record.made.clone().and_then(|made| serde_json::from_value::<Document>(made).ok());
        let number = document.and_then(|document| document.doc_number).or_else(|| record.made_id.clone());
        number.unwrap_or_default()
    }
}

/// Where people see a record of HubSpot.
pub(crate) fn record_url(app_url: &str, portal: PortalId, type_id: &str, id: RecordId) -> String {
    format!("{app_url}/contacts/{portal}/record/{type_id}/{id}")
}

/// Which item each HubSpot product and custom line became, once. What stands on the default item only for now became none,
/// and what is remembered of a custom line is not made younger by being used.
fn matched_products(matched: &Matched, ids: &[ItemId]) -> Vec<(String, String)> {
    let lines = matched.sale.lines.iter().map(|line| item::known_as(&line.article));
    let items: BTreeMap<String, String> = lines
        .zip(matched.items.iter().zip(ids))
        .filter(|(_, (item, _))| !is_default(item))
        .filter_map(|(line, (item, id))| Some((line.filter(|line| is_news(line, item))?, id.to_string())))
        .collect();
    items.into_iter().collect()
}

fn is_news(line: &str, item: &ItemFound) -> bool {
    let linked = item.existing().is_some_and(|item| item.matched == ItemMatch::Link);
    !(linked && item::is_custom(line))
}

fn is_default(item: &ItemFound) -> bool {
    item.existing().is_some_and(|item| item.matched == ItemMatch::Default)
}

fn warnings(kind: RecordKind, matched: &Matched) -> Vec<String> {
    let (differs, noun) = (matched.sale.amount_differs(&matched.tax), kind.noun());
    let warning = differs.map(|AmountDiffers { amount, comes_to, held }| {
        // Some currencies have three decimals, of which QuickBooks keeps two.
        let comes_to = answer::money(comes_to);
        match held {
            None => format!("The {noun}'s amount is {amount}, its line items come to {comes_to}."),
            Some(tax) => {
                format!("The {noun}'s amount is {amount}, of which {tax} is tax; the document comes to {comes_to}.")
            }
        }
    });
    let lines = matched.sale.lines.iter().zip(&matched.items);
    // A deal billed by its amount has no product that could fit.
    let unmatched =
        lines.filter(|(line, item)| is_default(item) && line.article.line_id != matched.sale.record.id);
    let unmatched = unmatched.map(|(line, _)| {
        let line = line.article.label();
        format!("Line item “{line}” matches no QuickBooks product: it stands on the default product.")
    });
    warning.into_iter().chain(unmatched).chain(left_out(&matched.sale)).collect()
}

/// What is made while pages are read moves all others on, so that the last of one page is also the first of the next.
fn each_once<T>(rows: Vec<T>, id: impl Fn(&T) -> String) -> Vec<T> {
    let mut seen = HashSet::new();
    rows.into_iter().filter(|row| seen.insert(id(row))).collect()
}

/// Whether QuickBooks refused the execution's document for something that is gone: the plan is made anew.
fn is_gone(record: &Record) -> bool {
    let codes = [Code::CustomerInactive, Code::QuickBooksRefused];
    codes.iter().any(|code| record.replanned_for.as_deref() == Some(code.as_str()))
}

fn frozen_notes(record: &Record) -> Option<Notes> {
    notes_of(record.plan.as_ref()?)
}

fn notes_of(plan: &Plan) -> Option<Notes> {
    serde_json::from_value(plan.notes.clone()).ok()
}

fn frozen(record: &Record) -> Result<(&Plan, Notes), Stop> {
    record.plan.as_ref().zip(frozen_notes(record)).ok_or_else(|| {
        tracing::error!("the record's frozen plan cannot be read");
        Stop::Trouble(Trouble::Internal)
    })
}

fn made(document: &Document) -> Made {
    Made { id: document.id.to_string(), json: serde_json::json!(document) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_on_two_pages_is_one_document() {
        let pages = vec!["412", "411", "411", "410"];
        assert_eq!(each_once(pages, |id| (*id).to_owned()), ["412", "411", "410"]);
    }
}
