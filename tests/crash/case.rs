//! What is enrolled, and what must have come of it.

use app::config::Environment;
use app::ids;
use local::stack::Vendor;
use local::world::{HANNA, PAID_QUOTE, PORTAL};
use serde_json::{Value, json};
use store::retry::Retried;

use crate::bench::{Bench, Books, added, key};

/// The three actions: the name of the function, and what it makes.
pub(crate) const ACTIONS: [(&str, &str); 3] =
    [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")];

/// What an action is met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A deal whose contact QuickBooks does not know.
    NewCustomer,
    /// A deal of a customer that QuickBooks knows.
    KnownCustomer,
    /// A quote that was paid online; the invoice is to be paid too.
    Paid,
    /// A deal of a product that QuickBooks does not have, whose document is e-mailed.
    NewItemMailed,
    /// As the first, and QuickBooks makes the document and answers 503.
    LostReply,
    /// As the third, and QuickBooks answers 503 and makes nothing: it must be sent again.
    NothingMade,
    /// As the third, and QuickBooks refuses the payment; a person has it tried again.
    RefusedPayment,
}

/// An action in a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) action: &'static str,
    entity: &'static str,
    pub(crate) scenario: Scenario,
}

/// One execution of a case, and the books before it.
pub(crate) struct Execution {
    case: Case,
    pub(crate) callback_id: String,
    pub(crate) enrollment: Value,
    before: Books,
}

impl Case {
    pub(crate) fn new((action, entity): (&'static str, &'static str), scenario: Scenario) -> Self {
        Self { action, entity, scenario }
    }

    /// Nothing but an invoice has a payment of its own.
    pub(crate) fn is_possible(self) -> bool {
        self.action == "invoice" || self.scenario != Scenario::RefusedPayment
    }

    fn is_of_new_contact(self) -> bool {
        matches!(self.scenario, Scenario::NewCustomer | Scenario::LostReply)
    }

    fn is_to_be_paid(self) -> bool {
        let is_paid =
            matches!(self.scenario, Scenario::Paid | Scenario::NothingMade | Scenario::RefusedPayment);
        self.action == "invoice" && is_paid
    }

    /// Makes everything ready for one more execution: the serial number is this one's alone.
    pub(crate) async fn prepared(self, bench: &Bench, serial: usize) -> Execution {
        bench.clear().await;
        let (object_type, object_id) = match self.scenario {
            Scenario::KnownCustomer => ("DEAL", HANNA),
            Scenario::Paid | Scenario::NothingMade | Scenario::RefusedPayment => ("QUOTE", PAID_QUOTE),
            Scenario::NewCustomer | Scenario::LostReply => {
                ("DEAL", deal_of_new_contact(bench, serial, 1).await)
            }
            Scenario::NewItemMailed => ("DEAL", deal_of_new_product(bench, serial).await),
        };
        if let Some(faults) = self.faults() {
            bench.stack.faults(Vendor::QuickBooks, &faults).unwrap();
        }
        let callback_id = format!("ap-{PORTAL}-{}-3-0", 800_000_000_000 + serial);
        let mut enrollment =
            enrollment(self.action, object_type, object_id, self.is_to_be_paid(), &callback_id);
        if self.scenario == Scenario::NewItemMailed {
            enrollment["inputs"]["missing_item"] = json!("create");
            enrollment["inputs"]["email_document"] = json!("send");
        }
        Execution { case: self, callback_id, enrollment, before: bench.books() }
    }

    fn faults(self) -> Option<Value> {
        let path = format!("/{}", self.entity.to_lowercase());
        let lost = |after_effect: bool| json!([{"method": "POST", "path": path, "times": 1, "status": 503, "after_effect": after_effect}]);
        match self.scenario {
            Scenario::LostReply => Some(lost(true)),
            Scenario::NothingMade => Some(lost(false)),
            Scenario::RefusedPayment => {
                let gone = json!({"Message": "x", "Detail": "x", "code": "610"});
                let body = json!({"Fault": {"Error": [gone], "type": "ValidationFault"}}).to_string();
                Some(json!([{"method": "POST", "path": "/payment", "times": 1, "status": 400, "body": body,
                    "content_type": "application/json"}]))
            }
            Scenario::NewCustomer | Scenario::KnownCustomer | Scenario::Paid | Scenario::NewItemMailed => {
                None
            }
        }
    }
}

impl Execution {
    /// As a person does who sees that only the payment was refused.
    pub(crate) async fn retry(&self, bench: &Bench) {
        let retried = bench.stack.store.retry(&key(&self.callback_id), "7", bench.stack.now()).await.unwrap();
        assert!(matches!(retried, Retried::Begun(_)), "{retried:?}");
    }

    /// What was told in the end: of a retry, which no workflow waits for, by its record.
    pub(crate) async fn told(&self, bench: &Bench, shown: Value) -> Value {
        if self.case.scenario != Scenario::RefusedPayment {
            return shown;
        }
        let successor = key(&self.callback_id).successor().unwrap();
        let record = bench.stack.store.record(&successor).await.unwrap();
        let answer = record.and_then(|record| record.answer).unwrap_or_default();
        let outputs = serde_json::from_str::<Value>(&answer).unwrap_or_default()["outputFields"].take();
        json!({"state": outputs["hs_execution_state"], "outputs": outputs})
    }

    /// Exactly one document with our marker, one payment where one is due, one customer for the contact; the workflow's
    /// history shows it, and nobody was asked for anything the simulators do not know.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) async fn verify(&self, bench: &Bench, shown: &Value) -> Result<(), String> {
        let Self { case, callback_id, before, .. } = self;
        let (shown, outputs) = (&shown["state"], &shown["outputs"]);
        if shown != "SUCCESS" || outputs["errorCode"] != "NONE" {
            return Err(format!("the history shows {shown}, {}", outputs["errorCode"]));
        }
        let after = bench.books();
        let address =
            |row: &Value| row["PrimaryEmailAddr"]["Address"].as_str().unwrap_or_default().to_lowercase();
        let mut made = added(before, after.clone());
        let documents = made.remove(case.entity).unwrap_or_default();
        let [document] = &documents[..] else {
            return Err(format!("{} documents: {documents:#?}", documents.len()));
        };
        let marker = ids::marker(Environment::Dev, &key(callback_id));
        if !document["PrivateNote"].as_str().is_some_and(|note| note.contains(&marker)) {
            return Err(format!("no marker {marker}: {document:#}"));
        }
        let record = bench.stack.store.record(&key(callback_id)).await.unwrap().unwrap();
        if document["Id"] != outputs["document_id"] || record.made_id.as_deref() != document["Id"].as_str() {
            return Err(format!("the document is {}, told was {}", document["Id"], outputs["document_id"]));
        }
        let customer = after["Customer"].iter().find(|row| row["Id"] == document["CustomerRef"]["value"]);
        let customer = customer.ok_or("the document is of no customer")?;
        let namesakes = after["Customer"].iter().filter(|row| address(row) == address(customer)).count();
        let new_customers = made.remove("Customer").unwrap_or_default().len();
        if (new_customers, namesakes) != (usize::from(case.is_of_new_contact()), 1) {
            return Err(format!("{new_customers} new customers, {namesakes} of this address"));
        }
        let payments = made.remove("Payment").unwrap_or_default();
        let paid = payments.iter().filter(|payment| payment["Id"] == outputs["payment_id"]).count();
        if (payments.len(), paid) != (usize::from(case.is_to_be_paid()), usize::from(case.is_to_be_paid())) {
            return Err(format!("payments: {payments:#?}"));
        }
        if case.scenario == Scenario::NewItemMailed {
            self.verify_item(&made.remove("Item").unwrap_or_default(), document, outputs)?;
            verify_mail(bench, document, outputs)?;
        }
        if made.values().any(|rows| !rows.is_empty()) {
            return Err(format!("and beside: {made:#?}"));
        }
        nothing_unexpected(bench)
    }
}

impl Execution {
    /// # Errors
    /// More or less than one new product, or not the one that is billed and told of.
    fn verify_item(&self, items: &[Value], document: &Value, outputs: &Value) -> Result<(), String> {
        let [item] = items else { return Err(format!("{} products: {items:#?}", items.len())) };
        let billed = &document["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"];
        let told =
            format!("Product “{}” was created in QuickBooks.", item["Name"].as_str().unwrap_or_default());
        let is_told = outputs["warnings"].as_str().is_some_and(|warnings| warnings.contains(&told));
        if *billed != item["Id"] || !is_told {
            return Err(format!("billed is {billed}, told {is_told}: {item:#}"));
        }
        Ok(())
    }
}

/// # Errors
/// More than one mail, or one that is told otherwise.
fn verify_mail(bench: &Bench, document: &Value, outputs: &Value) -> Result<(), String> {
    let calls = bench.stack.calls(Vendor::QuickBooks).into_iter();
    let mails = calls.filter(|call| call.path.ends_with("/send")).count();
    let is_sent = document["EmailStatus"] == "EmailSent";
    let warnings = outputs["warnings"].as_str().unwrap_or_default();
    let is_unclear = warnings.contains("may have been e-mailed");
    let is_told = is_unclear || (is_sent && !warnings.contains("e-mailed"));
    if mails > 1 || is_sent != (mails == 1) || !is_told {
        return Err(format!("{mails} mails, sent {is_sent}, told: {warnings}"));
    }
    Ok(())
}

/// # Errors
/// The calls that nobody simulates.
pub(crate) fn nothing_unexpected(bench: &Bench) -> Result<(), String> {
    let calls = [Vendor::HubSpot, Vendor::QuickBooks].map(|vendor| bench.stack.calls(vendor)).concat();
    let unexpected: Vec<_> = calls.into_iter().filter(|call| call.unexpected).collect();
    if unexpected.is_empty() { Ok(()) } else { Err(format!("unexpected calls: {unexpected:#?}")) }
}

/// A record enrolled into an action.
pub(crate) fn enrollment(
    action: &str,
    object_type: &str,
    object_id: u64,
    paid: bool,
    callback_id: &str,
) -> Value {
    let mut inputs = json!({"quickbooks_account": "default"});
    if action == "invoice" {
        inputs["due_days"] = json!("30");
        inputs["create_paid"] = json!(if paid { "yes" } else { "no" });
    }
    json!({"action": action, "portal_id": PORTAL.0, "object_type": object_type, "object_id": object_id,
        "inputs": inputs, "callback_id": callback_id})
}

/// Seeds a contact that nobody knows yet, with so many deals; the id of the first, which the others follow.
pub(crate) async fn deal_of_new_contact(bench: &Bench, serial: usize, deals: usize) -> u64 {
    let contact = (50_000_000 + serial).to_string();
    let first = 8_900_000_000 + u64::try_from(serial * 1000).unwrap();
    let properties = json!({"firstname": "Vera", "lastname": format!("Holm {serial}"),
        "email": format!("vera.{serial}@holm.example")});
    let deal = |id: u64| {
        // The lines of the opening order of the demo.
        json!({"id": id.to_string(), "properties": {"dealname": format!("Order {id}"), "amount": "949.40",
            "deal_currency_code": "USD"},
            "associations": {"contacts": [contact], "line_items": ["100", "101", "102"]}})
    };
    let deals: Vec<_> = (first..).take(deals).map(deal).collect();
    let seed = json!({"portals": [{"portal_id": PORTAL.0, "objects": {
        "contacts": [{"id": contact, "properties": properties}], "deals": deals}}]});
    bench.stack.seed_hubspot(&seed).await.unwrap();
    first
}

/// Seeds a deal of a customer that QuickBooks knows, for something nobody has sold before; its id.
async fn deal_of_new_product(bench: &Bench, serial: usize) -> u64 {
    let (deal, line) = (8_700_000_000 + u64::try_from(serial).unwrap(), (60_000_000 + serial).to_string());
    let properties =
        json!({"name": format!("Lamp {serial}"), "quantity": "2", "price": "40", "amount": "80"});
    let seed = json!({"portals": [{"portal_id": PORTAL.0, "objects": {
        "line_items": [{"id": line, "properties": properties}],
        "deals": [{"id": deal.to_string(), "properties": {"dealname": format!("Lamps {serial}"), "amount": "80",
            "deal_currency_code": "USD"}, "associations": {"contacts": ["503"], "line_items": [line]}}]}}]});
    bench.stack.seed_hubspot(&seed).await.unwrap();
    deal
}
