//! The payment of an invoice: what was paid, the payment that follows its document, sending and looking for it; and, when
//! only the payment was refused, planning it alone.

use jiff::civil::Date;
use mapping::date;
use mapping::hubspot::{self, Enrolled};
use mapping::payment::{self, Booking, Paid, Standing};
use mapping::problem::Problem;
use mapping::quickbooks::{Document, DocumentId, DocumentKind, PaymentMethodId, PaymentSeen, RealmId};
use mapping::sale;
use mapping::settings::Settings;
use quickbooks::fault::Meaning;
use quickbooks::query::{Attribute, Entity, Query};
use rust_decimal::Decimal;
use store::record::{Plan, Record};

use super::{Execution, each_once, frozen, made, tally, told};
use crate::answer::{self, Notes};
use crate::connection::{Company, Stop, unreadable};
use crate::failure::{Failure, Trouble};
use crate::ids::{MARKER, Op};
use crate::inputs::Inputs;
use crate::protocol::Effects;
use crate::protocol::{Event, Made, Outcome, PaymentPlan, Sighting};

/// Planning.
impl Execution<'_> {
    pub(super) fn paid(
        &self,
        enrolled: &Enrolled,
        inputs: &Inputs,
        settings: &Settings,
    ) -> Result<Option<Paid>, Vec<Problem>> {
        match self.kind {
            DocumentKind::SalesReceipt => payment::paid_at_once(enrolled, &self.zone(), settings),
            _ if inputs.create_paid => payment::paid(enrolled, &self.zone(), settings),
            DocumentKind::Invoice | DocumentKind::Estimate => Ok(None),
        }
    }

    /// Payments that the document does not count.
    pub(super) fn of_payments(&self, enrolled: &Enrolled, inputs: &Inputs) -> Option<String> {
        let payments = payment::uncounted(enrolled);
        let is_due = |quote| matches!(Standing::of(quote), Standing::Awaited | Standing::UnderWay);
        let is_awaited = matches!(&enrolled.record, hubspot::Record::Quote(quote) if is_due(quote));
        let is_told = self.says_how_it_was_paid(inputs) && (!payments.is_empty() || is_awaited);
        is_told.then(|| told::of_payments(&enrolled.record, &payments))
    }

    /// Whether the document is a sales receipt, or an invoice that is to be paid.
    pub(super) fn says_how_it_was_paid(&self, inputs: &Inputs) -> bool {
        inputs.create_paid || self.kind == DocumentKind::SalesReceipt
    }

    pub(super) fn booking(
        &self,
        today: Date,
        inputs: &Inputs,
        paid: Option<&Paid>,
        settings: &Settings,
    ) -> Booking {
        Booking {
            today,
            payment_method: paid_by(inputs, paid, settings),
            deposit_account: inputs.deposit_account.clone(),
            marker: self.marker(),
        }
    }

    /// The payment that follows the document, if one does: QuickBooks' balance limits it, so it can be written only now.
    pub(super) fn pay_plan(&self, record: &Record, made: &Made) -> Option<Option<Plan>> {
        let (plan, notes) = frozen(record).ok()?;
        let document: Document = serde_json::from_value(made.json.clone()).ok()?;
        Some(self.payment_of(&document, &plan.realm, &notes, record))
    }

    fn payment_of(
        &self,
        document: &Document,
        realm: &RealmId,
        notes: &Notes,
        record: &Record,
    ) -> Option<Plan> {
        let (paid, booking) = (notes.paid.as_ref()?, notes.booking.as_ref()?);
        let new = payment::write(paid, document, &notes.customer_id, booking)?;
        Some(Plan {
            request_id: self.request_id(Op::Payment, realm, record),
            realm: realm.clone(),
            notes: serde_json::json!(new.total_amt),
            body: serde_json::json!(new).to_string(),
            emailed: false,
        })
    }

    /// A retry of a refused payment: what HubSpot received by now, at most what QuickBooks says is owed by now.
    pub(super) async fn plan_payment(&self, record: &Record) -> Result<Event, Stop> {
        let (Some(realm), Some(id)) = (&record.realm, &record.made_id) else {
            return Err(Stop::Trouble(Trouble::Internal));
        };
        let inputs = Inputs::read(self.kind, &self.request.inputs).map_err(Stop::Failure)?;
        let kind = self.record_kind().map_err(Stop::Failure)?;
        let company = self.company(realm).await?;
        let (enrolled, settings) = tokio::try_join!(
            self.enrolled(&company, record, kind, &inputs),
            self.settings_anew(&company, record, true)
        )?;
        let paid = self.paid(&enrolled, &inputs, &settings);
        let paid = paid.map_err(|problems| Stop::Failure(Failure::problems(kind, &problems)))?;
        let document = self.document(&company, &DocumentId(id.clone())).await?;
        let customer = document.as_ref().and_then(|document| document.customer_ref.clone());
        let (Some(document), Some(customer)) = (document, customer) else {
            return Err(Stop::Failure(Failure::document_gone(self.kind, id)));
        };
        let today = date::today(self.now(), &self.zone());
        let warnings = self.of_payments(&enrolled, &inputs).into_iter();
        let warnings =
            warnings.chain(told::of_texts(payment::altered(&enrolled, paid.as_ref()).into_iter())).collect();
        let booking = self.booking(today, &inputs, paid.as_ref(), &settings);
        let total = document.total_amt - answer::tax(&document);
        let notes = Notes {
            record: sale::record_ref(&enrolled.record).name,
            contact: None,
            company: None,
            customer_id: customer.value,
            customer_name: customer.name.unwrap_or_default(),
            currency: None,
            customer_match: String::new(),
            items: Vec::new(),
            created_items: Vec::new(),
            subtotal: total,
            total,
            expected: None,
            amount_with_tax: None,
            date: document.txn_date.unwrap_or(today),
            paid,
            booking: Some(booking),
            warnings,
        };
        Ok(Event::PaymentPlanned(Box::new(PaymentPlan {
            pay_plan: self.payment_of(&document, realm, &notes, record),
            made: made(&document),
            plan: Plan {
                realm: realm.clone(),
                request_id: self.request_id(Op::Document, realm, record),
                body: String::new(),
                notes: serde_json::json!(notes),
                // The invoice was, or a person was told that it was not.
                emailed: false,
            },
        })))
    }

    /// The document as it stands; none when it was deleted or voided.
    pub(super) async fn document(
        &self,
        company: &Company,
        id: &DocumentId,
    ) -> Result<Option<Document>, Stop> {
        let query = Query::from(Entity::from(self.kind)).equals(Attribute::Id, &id.0);
        let rows = self.app.ask(company, self.kind, &[query]).await?;
        let found: Vec<Document> = rows[0].read().map_err(unreadable(self.kind, &company.name))?;
        Ok(found.into_iter().find(|document| !document.is_voided()))
    }
}

/// The payment method that the action names, else what the settings or the company call HubSpot's.
pub(super) fn paid_by(inputs: &Inputs, paid: Option<&Paid>, settings: &Settings) -> Option<PaymentMethodId> {
    inputs.payment_method.clone().or_else(|| paid?.method_of(settings))
}

/// Sending and looking, by the rules of the document's.
impl Execution<'_> {
    pub(super) async fn send_payment(&self, record: &Record) -> Result<Outcome, Stop> {
        let plan = record.pay_plan.as_ref().ok_or(Stop::Trouble(Trouble::Internal))?;
        let (company, request_id) = self.ready_to_send(plan).await?;
        let (body, request_id) = (plan.body.as_bytes(), &request_id);
        let sent = self
            .app
            .send(&company, |client| async move { client.create_payment(body, request_id).await })
            .await?;
        Ok(match sent {
            Ok(quickbooks::Created { row: payment, intuit_tid }) => {
                self.note_call(intuit_tid);
                tracing::info!(payment.id = %payment.id, "payment created");
                Outcome::Made(Made { id: payment.id.to_string(), json: serde_json::Value::Null })
            }
            Err(quickbooks::Error::Rejected(fault)) => {
                self.note_call(fault.intuit_tid.clone());
                tracing::warn!(%fault, "QuickBooks refused the payment");
                if matches!(fault.meaning(), Meaning::ObjectGone | Meaning::PeriodClosed) {
                    self.doubt_books(&plan.realm).await;
                }
                Outcome::Refused(Failure::of_payment(
                    self.kind,
                    self.about(record).as_ref(),
                    &company.name,
                    &fault,
                ))
            }
            Err(error) => Outcome::of_error(&error, &company.name),
        })
    }

    pub(super) async fn look_for_payment(&self, record: &Record) -> Result<Sighting, Stop> {
        let (plan, notes) = frozen(record)?;
        let document = record.made_id.as_deref().unwrap_or_default();
        let payments: Vec<PaymentSeen> = self.since(record, Entity::Payment, &plan.realm, &notes).await?;
        let payments = each_once(payments, |payment| payment.id.to_string());
        let marker = self.marker();
        let has = |payment: &PaymentSeen, mark: &str| {
            payment.private_note.as_ref().is_some_and(|note| note.contains(mark))
        };
        let linked = |payment: &&PaymentSeen| {
            payment.line.iter().flat_map(|line| &line.linked_txn).any(|linked| linked.txn_id.0 == document)
        };
        let ours: Vec<_> = payments.iter().filter(linked).filter(|payment| has(payment, &marker)).collect();
        // Somebody may have removed the marker, or booked the same money by hand: a person must judge.
        let amount = record.pay_plan.as_ref().and_then(|plan| amount_of(plan).ok());
        let suspect = |payment: &PaymentSeen| !has(payment, MARKER) && Some(payment.total_amt) == amount;
        Ok(match ours.as_slice() {
            [] if payments.iter().filter(linked).any(suspect) => Sighting::Suspect,
            [] => Sighting::Absent,
            [payment] => Sighting::Found(Made { id: payment.id.to_string(), json: serde_json::Value::Null }),
            _ => tally::several(),
        })
    }
}

/// What a payment's plan keeps for the answer.
pub(super) fn amount_of(plan: &Plan) -> Result<Decimal, serde_json::Error> {
    serde_json::from_value(plan.notes.clone())
}
