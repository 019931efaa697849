//! What the flows have in common: a stack of their own, an enrollment, and the books afterwards.

use std::io::Write;
use std::time::Duration;

use jiff::SignedDuration;
use local::stack::{Options, Stack, Vendor};
use local::world::{PORTAL, REALM};
use mapping::hubspot::PortalId;
use serde_json::{Value, json};

/// A stack whose QuickBooks may not have seen or sent anything that Intuit's XSDs do not allow, and whose functions may not
/// have told a secret or a name in their logs: that fails the test when the stack is dropped. Without the XSDs beside the
/// checkout no body is looked at.
pub(crate) struct Checked(Stack);

impl std::ops::Deref for Checked {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.0
    }
}

impl std::ops::DerefMut for Checked {
    fn deref_mut(&mut self) -> &mut Stack {
        &mut self.0
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        // A test that fails already says why.
        if std::thread::panicking() {
            return;
        }
        let found: Vec<_> = self.0.quickbooks.nonconforming().iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "not as Intuit's XSDs have it:\n{}", found.join("\n"));
        let told = crate::canaries::search::told(&self.0);
        assert!(told.is_empty(), "{}", told.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
}

/// A stack with the world of the demo.
pub(crate) async fn stack() -> Checked {
    with(Options::default()).await
}

pub(crate) async fn with(options: Options) -> Checked {
    Checked(Stack::start(options).await.unwrap_or_else(|error| panic!("{error}")))
}

/// The portal's day.
pub(crate) fn today() -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::get(local::world::TIME_ZONE).unwrap();
    zone.to_datetime(jiff::Timestamp::now()).date()
}

/// A deal enrolled into *Create QuickBooks invoice*, due in 30 days.
pub(crate) fn invoice(deal: u64) -> Value {
    json!({
        "action": "invoice", "portal_id": PORTAL.0, "object_type": "DEAL", "object_id": deal,
        "inputs": {"quickbooks_account": "default", "due_days": "30"},
    })
}

/// The deal 900, with everything wrong that a deal can have wrong at once.
pub(crate) async fn half_done_deal(stack: &Stack) {
    let deal = json!({
        "id": "900", "properties": {"dealname": "Half done"},
        "associations": {"contacts": ["905"], "line_items": ["901", "902"]},
    });
    let lines = json!([
        {"id": "901", "properties": {"name": "Setup fee", "hs_sku": "EQ-GR01", "quantity": "1"}},
        {"id": "902", "properties": {"name": "Unknown thing", "quantity": "1", "price": "5"}},
    ]);
    let contact = json!({"id": "905", "properties": {"firstname": "Nomail"}});
    portal(stack, json!({"deals": [deal], "line_items": lines, "contacts": [contact]})).await;
}

/// The same enrollment with more or other members.
pub(crate) fn but(mut enrollment: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        enrollment[name] = value.clone();
    }
    enrollment
}

/// What the workflow's history shows in the end.
pub(crate) struct Shown(pub(crate) Value);

impl Shown {
    pub(crate) fn state(&self) -> &str {
        self.0["state"].as_str().unwrap_or_default()
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        self.0["outputs"][name].as_str().unwrap_or_default()
    }

    pub(crate) fn label(&self) -> &str {
        self.0["label"].as_str().unwrap_or_default()
    }

    pub(crate) fn statuses(&self) -> Vec<u64> {
        self.deliveries().iter().map(|delivery| delivery["status"].as_u64().unwrap_or_default()).collect()
    }

    /// What HubSpot was told to do, per delivery.
    pub(crate) fn states(&self) -> Vec<String> {
        let state = |body: &str| {
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            body["outputFields"]["hs_execution_state"].as_str().unwrap_or_default().to_owned()
        };
        self.bodies().into_iter().map(state).collect()
    }

    pub(crate) fn bodies(&self) -> Vec<&str> {
        self.deliveries().iter().map(|delivery| delivery["body"].as_str().unwrap_or_default()).collect()
    }

    fn deliveries(&self) -> &[Value] {
        self.0["deliveries"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// Runs an enrollment; nobody may have been asked for something the simulators do not know.
pub(crate) async fn run(stack: &Stack, enrollment: Value) -> Shown {
    let shown = stack.execute(&enrollment).await.unwrap_or_else(|error| panic!("{error}"));
    for vendor in [Vendor::HubSpot, Vendor::QuickBooks] {
        let unexpected: Vec<_> = stack.calls(vendor).into_iter().filter(|call| call.unexpected).collect();
        assert!(unexpected.is_empty(), "unexpected calls: {unexpected:?}");
    }
    Shown(shown)
}

/// Lets minutes pass, each with its run of the reconciler, until HubSpot no longer waits.
pub(crate) async fn settled(stack: &Stack, mut shown: Shown) -> Shown {
    for _minute in 0..90 {
        if shown.state() != "BLOCK" {
            return shown;
        }
        stack.advance_clock(SignedDuration::from_mins(1));
        stack.tick("reconcile").await.unwrap_or_else(|error| panic!("{error}"));
        shown = history(stack, shown.0["callback_id"].as_str().unwrap()).await;
    }
    panic!("HubSpot waits still: {}", shown.0);
}

/// Until the vendor is asked for something whose path ends so.
pub(crate) async fn asked(stack: &Stack, vendor: Vendor, path: &str) {
    for _look in 0..3_000 {
        if stack.calls(vendor).iter().any(|call| call.path.ends_with(path)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody asked {vendor} for {path} in half a minute");
}

/// Says that a test has nothing to look at here: not by a print macro, whose output is not shown of a test that passes.
pub(crate) fn skipped(why: &str) {
    writeln!(std::io::stderr().lock(), "skipped: {why}").unwrap();
}

/// What the workflow's history shows now.
pub(crate) async fn history(stack: &Stack, callback_id: &str) -> Shown {
    Shown(stack.history(callback_id).await.unwrap_or_else(|error| panic!("{error}")))
}

/// Runs an enrollment that succeeds, at once or in the end.
pub(crate) async fn created(stack: &Stack, enrollment: Value) -> Shown {
    let shown = run(stack, enrollment).await;
    let shown = settled(stack, shown).await;
    assert_eq!((shown.state(), shown.output("errorCode")), ("SUCCESS", "NONE"), "{}", shown.0);
    shown
}

/// Runs an enrollment that a person must mend; nothing may have been made.
pub(crate) async fn refused(stack: &Stack, enrollment: Value, code: &str) -> Shown {
    let before = rows(stack, "Invoice").len();
    let shown = settled(stack, run(stack, enrollment).await).await;
    assert_eq!((shown.state(), shown.output("errorCode")), ("FAIL_CONTINUE", code), "{}", shown.0);
    assert_eq!(rows(stack, "Invoice").len(), before, "{}", shown.0);
    shown
}

/// The rows of an entity in the books.
pub(crate) fn rows(stack: &Stack, entity: &str) -> Vec<Value> {
    stack.books(REALM)[entity].as_array().cloned().unwrap_or_default()
}

/// The only invoice in the books.
pub(crate) fn the_invoice(stack: &Stack) -> Value {
    let invoices = rows(stack, "Invoice");
    assert_eq!(invoices.len(), 1, "{invoices:?}");
    invoices[0].clone()
}

/// Changes or adds records of the portal.
pub(crate) async fn portal(stack: &Stack, objects: Value) {
    let seed = json!({"portals": [{"portal_id": PORTAL.0, "objects": objects}]});
    stack.seed_hubspot(&seed).await.unwrap_or_else(|error| panic!("{error}"));
}

/// Changes or adds rows and preferences of the company.
pub(crate) async fn company(stack: &Stack, mut changes: Value) {
    changes["realm_id"] = json!(REALM);
    stack.seed_quickbooks(&json!({"companies": [changes]})).await.unwrap_or_else(|error| panic!("{error}"));
}

/// Changes settings of the company, as a file that is imported does.
pub(crate) async fn settings(stack: &Stack, changes: Value) {
    settings_of(stack, PORTAL, changes).await;
}

/// The same for a portal's first company.
pub(crate) async fn settings_of(stack: &Stack, id: PortalId, mut changes: Value) {
    changes["version"] = json!(mapping::settings::FILE_VERSION);
    let portal = stack.store.portal(id).await.unwrap().unwrap();
    let company = &portal.companies[0];
    let choices = company.choices.changed_by(&changes.to_string()).unwrap();
    let saved = stack.store.save_choices(id, &company.realm, &choices, company.settings_revision).await;
    assert_eq!(saved.unwrap(), store::choice::Chosen::Yes);
}

/// Forgets which customer and item each record became.
pub(crate) async fn forget_matches(stack: &Stack) {
    let items = stack.dynamodb.scan().table_name(&stack.info.table_name).send().await.unwrap();
    for item in items.items() {
        if item["pk"].as_s().unwrap().starts_with("M#") {
            let delete = stack.dynamodb.delete_item().table_name(&stack.info.table_name);
            delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
        }
    }
}
