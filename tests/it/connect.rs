//! Installing, connecting and disconnecting, as a browser does it: the real function through the local gateway, and both
//! vendors' consent pages. Each row about OAuth of the security test plan is a test here (reliability.md §e.3).

pub(crate) mod browser;
mod company;
mod disconnecting;
mod install;
mod sessions;

use local::stack::{Options, Stack};
use local::world::{PORTAL, REALM};
use mapping::hubspot::PortalId;
use reqwest::Url;
use serde_json::{Value, json};

use crate::support::{Checked, with};
use browser::{Browser, Page};

/// A stack with nothing installed.
async fn bare() -> Checked {
    with(Options { installed: false, ..Options::default() }).await
}

/// The address of a vendor's consent page, with the person's choice made.
fn choosing(location: &Url, choice: &[(&str, &str)]) -> String {
    let mut url = location.clone();
    url.query_pairs_mut().extend_pairs(choice);
    url.into()
}

/// Signs in, as the owner of the portal.
pub(crate) async fn signed_in(stack: &Stack, portal: PortalId) -> Browser {
    let mut browser = Browser::new(stack);
    let page = sign_in(&mut browser, portal).await;
    assert_eq!(page.location.unwrap().path(), "/console");
    browser
}

/// Goes through HubSpot's consent; the answer to HubSpot's redirect.
async fn sign_in(browser: &mut Browser, portal: PortalId) -> Page {
    let away = browser.open("/connect/hubspot").await;
    let back = back_from_hubspot(browser, &away, portal).await;
    browser.open(back.as_str()).await
}

pub(crate) async fn back_from_hubspot(browser: &mut Browser, away: &Page, portal: PortalId) -> Url {
    let consent = choosing(away.location.as_ref().unwrap(), &[("portal_id", &portal.to_string())]);
    let page = browser.open(&consent).await;
    page.location.unwrap_or_else(|| panic!("{}", page.text))
}

/// Where Intuit sends the browser after somebody chose the company there.
pub(crate) async fn back_from_intuit(browser: &mut Browser, start: &str, realm: &str) -> Url {
    let away = browser.open(start).await;
    let location = away.location.unwrap_or_else(|| panic!("{}", away.text));
    let page = browser.open(&choosing(&location, &[("realm_id", realm)])).await;
    page.location.unwrap_or_else(|| panic!("{}", page.text))
}

/// The page that asks whether it is the right company.
async fn confirmation(browser: &mut Browser, start: &str, realm: &str) -> Page {
    let back = back_from_intuit(browser, start, realm).await;
    let page = browser.go(back.as_str()).await;
    assert_eq!((page.status, page.url.path()), (200, CONFIRM), "{}", page.text);
    page
}

pub(crate) const CONFIRM: &str = "/connect/quickbooks/confirm";

/// Connects a company, all the way.
pub(crate) async fn connect(browser: &mut Browser, start: &str, realm: &str) {
    let page = confirmation(browser, start, realm).await;
    let fields = page.fields_of(CONFIRM);
    let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("decision", "connect"));
    let done = browser.post(CONFIRM, &fields).await;
    assert_eq!(done.location.map(|url| url.path().to_owned()), Some("/console".to_owned()), "{}", done.text);
}

/// Connects a company that is connected: the page at which that ends.
pub(crate) async fn connected_again(browser: &mut Browser, start: &str, realm: &str) -> Page {
    let back = back_from_intuit(browser, start, realm).await;
    let page = browser.go(back.as_str()).await;
    assert_eq!((page.status, page.url.path(), page.told().as_str()), (200, "/console", "connected"));
    page
}

async fn portal(stack: &Stack, id: PortalId) -> store::portal::Portal {
    stack.store.portal(id).await.unwrap().unwrap()
}

/// The realm ids of the companies that a portal may use.
async fn companies(stack: &Stack, id: PortalId) -> Vec<String> {
    let portal = stack.store.portal(id).await.unwrap();
    portal.into_iter().flat_map(|portal| portal.companies).map(|company| company.realm.to_string()).collect()
}

/// A second portal, with the same app, and a second company.
pub(crate) const OTHER_PORTAL: PortalId = PortalId(2_000_002);
pub(crate) const OTHER_REALM: &str = "9130350000000002";
pub(crate) const SANDBOX_REALM: &str = "4620816365000003";

pub(crate) async fn seed_others(stack: &Stack) {
    stack.seed_hubspot(&json!({"accounts": [{"portal_id": OTHER_PORTAL.0}]})).await.unwrap();
    let companies = json!({"companies": [
        {"realm_id": OTHER_REALM, "name": "Beech Street Bakers"},
        {"realm_id": SANDBOX_REALM, "name": "Sandbox Company_US_1", "sandbox": true},
    ]});
    stack.seed_quickbooks(&companies).await.unwrap();
}

/// The grants that Intuit knows for a company, and why each ended.
fn ends(stack: &Stack, realm: &str) -> Vec<Value> {
    let state = stack.quickbooks.state();
    let grants = state["grants"].as_array().cloned().unwrap_or_default();
    grants.iter().filter(|grant| grant["realm_id"] == realm).map(|grant| grant["ended"].clone()).collect()
}

/// How often Intuit gave out tokens for a code.
fn exchanges(stack: &Stack) -> usize {
    let calls = stack.calls(local::stack::Vendor::QuickBooks);
    calls.iter().filter(|call| call.path.contains("/tokens/bearer") && call.status == Some(200)).count()
}

/// Whether a secret is there.
async fn has_secret(stack: &Stack, name: &str) -> bool {
    stack.secrets.get_secret_value().secret_id(format!("hsqbo/dev/{name}")).send().await.is_ok()
}

/// The table, as text: no token may stand in it.
async fn table(stack: &Stack) -> String {
    let items = stack.dynamodb.scan().table_name(&stack.info.table_name).send().await.unwrap();
    format!("{:?}", items.items())
}

/// Nothing of a company is there: no link, and nothing that waits for a confirmation.
async fn assert_nothing_stored(stack: &Stack) {
    assert_eq!(companies(stack, PORTAL).await, Vec::<String>::new());
    assert!(!table(stack).await.contains("PENDING"), "nothing waits");
    assert!(!has_secret(stack, &format!("quickbooks/{PORTAL}/{REALM}")).await);
}
