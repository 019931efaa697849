//! Connections that do not die: crowds at an ended token, days without a person, and a company that is connected again.

use std::sync::Arc;

use app::App;
use app::config::Config;
use app::failure::Trouble;
use jiff::{SignedDuration, Timestamp};
use local::stack::{Stack, Vendor};
use local::world::{COMPANY, HANNA, HARBOR, PORTAL, REALM, REFILL};
use mapping::books::Books;
use mapping::quickbooks::RealmId;
use serde_json::{Value, json};
use store::connection::Status;
use store::portal::NewCompany;
use store::tokens::{Grant, Owner};
use store::{Names, Store};
use tokio::sync::Mutex;

use crate::console::Browser;
use crate::support::{
    asked, company, created, history, invoice, refused, rows, run, settled, stack, the_invoice,
};

/// What the simulator calls the three semantics of reliability.md §d.6.
const ROTATIONS: [&str; 3] = ["lives_a_day", "dies", "kills_grant"];

const CALLERS: usize = 200;

/// So many processes, each with a memory of its own.
const PROCESSES: usize = 20;

/// Refresh tokens change a day after they last did.
const A_DAY: SignedDuration = SignedDuration::from_hours(25);

/// Apps in this process go by one clock: the tests that have some take turns.
static IN_THIS_PROCESS: Mutex<()> = Mutex::const_new(());

fn full() -> bool {
    std::env::var("PROOF").is_ok_and(|proof| proof == "full")
}

fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn realm(id: &str) -> RealmId {
    id.to_owned().try_into().unwrap()
}

fn owner() -> Owner {
    Owner::QuickBooks(PORTAL, realm(REALM))
}

/// The app of a process of its own, over the stack's table, secrets and vendors.
async fn process(stack: &Stack) -> App {
    let info = &stack.info;
    let config = Config::read(|name| {
        Some(match name {
            "ENVIRONMENT" => "dev".to_owned(),
            "PUBLIC_BASE_URL" => info.public_base_url.clone(),
            "TABLE_NAME" => info.table_name.clone(),
            "APP_SECRET_ID" => info.app_secret_id.clone(),
            "HUBSPOT_API_URL" => info.hubspot_url.clone(),
            "QUICKBOOKS_API_URL" | "QUICKBOOKS_SANDBOX_API_URL" => info.quickbooks_url.clone(),
            "INTUIT_DISCOVERY_URL" => format!("{}/.well-known/openid_configuration", info.quickbooks_url),
            _ => return None,
        })
    });
    let names = Names {
        table: info.table_name.clone(),
        app_secret: info.app_secret_id.clone(),
        token_prefix: "hsqbo/dev/".to_owned(),
        token_key: None,
    };
    let store = Store::new(stack.dynamodb.clone(), stack.secrets.clone(), names);
    App::over(config.unwrap(), store).await.unwrap()
}

/// The grants at Intuit that live, with how often each was refreshed.
fn refreshed(stack: &Stack) -> u64 {
    let state = stack.quickbooks.state();
    let grants = state["grants"].as_array().unwrap();
    grants.iter().map(|grant| grant["refreshed"].as_u64().unwrap()).sum()
}

fn refresh_token(stack: &Stack) -> String {
    stack.quickbooks.state()["grants"][0]["refresh_token"].as_str().unwrap().to_owned()
}

/// reliability.md §e.2, row 10. All callers stand at an ended token; the refresh token changes each time.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_callers_at_an_ended_token_one_buys_and_nobody_is_disconnected() {
    let _turn = IN_THIS_PROCESS.lock().await;
    let rotations = if full() { 100 } else { 3 };
    let stack = stack().await;
    stack.advance_clock(SignedDuration::from_hours(24 * 31));
    let mut processes = Vec::new();
    for _process in 0..PROCESSES {
        processes.push(Arc::new(process(&stack).await));
    }
    for rotation in ROTATIONS {
        // A purchase takes its time, so that all others come while it is under way.
        company(&stack, json!({"switches": {"rotated_token": rotation, "handling_ms": 50}})).await;
        let (started, mut waited_in_vain) = (std::time::Instant::now(), 0);
        for round in 0..rotations {
            let (before, old) = (refreshed(&stack), refresh_token(&stack));
            let now = stack.advance_clock(A_DAY);
            app::clock::follow_time(now);
            let callers: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    let process = processes[caller % PROCESSES].clone();
                    let until = now + SignedDuration::from_mins(2);
                    tokio::spawn(async move { process.grant_in_force(&owner(), until).await })
                })
                .collect();
            let mut generations = std::collections::BTreeSet::new();
            for caller in callers {
                match caller.await.unwrap() {
                    Ok(Some(grant)) => drop(generations.insert(grant.generation)),
                    Err(Trouble::TokensBusy) => waited_in_vain += 1,
                    other => panic!("{rotation}, round {round}: {:?}", other.map(|grant| grant.is_some())),
                }
            }
            assert_eq!(refreshed(&stack) - before, 1, "{rotation}, round {round}");
            assert_eq!(generations.len(), 1, "{rotation}, round {round}: {generations:?}");
            assert_ne!(refresh_token(&stack), old, "it was a rotation");
        }
        let connection = stack.store.connection(&owner()).await.unwrap().unwrap();
        assert_eq!(connection.status, Status::Ok);
        say(&format!(
            "tokens, {rotation}: {rotations} rotations, {CALLERS} callers each: one purchase each, 0 disconnected, \
             {waited_in_vain} calls told to come later; {:.0?}",
            started.elapsed()
        ));
    }
}

/// A company that nobody uses, beside the world's.
const IDLE: &str = "9130350000000077";

/// Connected now, with an access token that has ended.
async fn connect(stack: &Stack, id: &str, name: &str, refresh_token: &str) {
    connect_kind(stack, id, name, refresh_token, false).await;
}

async fn connect_kind(stack: &Stack, id: &str, name: &str, refresh_token: &str, sandbox: bool) {
    let seed = json!({"companies": [{"realm_id": id, "name": name, "sandbox": sandbox}],
        "grants": [{"realm_id": id, "refresh_token": refresh_token}]});
    stack.seed_quickbooks(&seed).await.unwrap();
    let company = NewCompany {
        realm: realm(id),
        name: name.to_owned(),
        legal_name: None,
        sandbox,
        books: Books { home_currency: Some("USD".parse().unwrap()), ..Books::default() },
        connected_by: None,
        connected_at: None,
    };
    let grant = Grant {
        generation: 1,
        access_token: "ended".to_owned().into(),
        access_expires_at: stack.now(),
        refresh_token: refresh_token.to_owned().into(),
        refresh_expires_at: None,
        hard_expires_at: None,
        scopes: Vec::new(),
    };
    stack.store.connect_quickbooks(PORTAL, &company, &grant).await.unwrap();
}

fn purchases(stack: &Stack) -> usize {
    let calls = stack.calls(Vendor::QuickBooks);
    calls.iter().filter(|call| call.path.ends_with("/tokens/bearer")).count()
}

/// The schedule runs as often as the template says with `PROOF=full`, else every hour.
#[tokio::test]
async fn for_forty_days_a_company_used_once_a_day_and_an_unused_one_stay_connected() {
    let every = SignedDuration::from_mins(if full() { 15 } else { 60 });
    let stack = stack().await;
    company(&stack, json!({"switches": {"rotated_token": "kills_grant"}})).await;
    connect(&stack, IDLE, "Idle Ltd", "idle-consent").await;
    // Until the tokens of the seed have ended.
    stack.advance_clock(SignedDuration::from_hours(24 * 31));
    let mut bought_by_actions = 0;
    let started = stack.now();
    for day in 1..=40 {
        let tomorrow = started + SignedDuration::from_hours(24 * day);
        while stack.now() < tomorrow {
            stack.advance_clock(every);
            let summary = stack.tick("refresh").await.unwrap();
            assert_eq!((&summary["failed"], &summary["ended"]), (&json!(0), &json!(0)), "day {day}");
        }
        let before = purchases(&stack);
        created(&stack, invoice(HANNA)).await;
        bought_by_actions += purchases(&stack) - before;
    }
    assert_eq!(rows(&stack, "Invoice").len(), 40);
    let state = stack.quickbooks.state();
    for (id, at_least, at_most) in [(REALM, 40, 40 * 41), (IDLE, 6, 15)] {
        let connection =
            stack.store.connection(&Owner::QuickBooks(PORTAL, realm(id))).await.unwrap().unwrap();
        assert_eq!(connection.status, Status::Ok, "{id}");
        let grants = state["grants"].as_array().unwrap();
        let grant = grants.iter().find(|grant| grant["realm_id"] == id).unwrap();
        let refreshed = grant["refreshed"].as_u64().unwrap();
        assert!(grant["ended"].is_null() && (at_least..=at_most).contains(&refreshed), "{grant}");
        say(&format!("tokens, 40 days: {id} refreshed {refreshed} times"));
    }
    assert!(
        bought_by_actions <= 1,
        "after the first use the schedule does it, not {bought_by_actions} actions"
    );
}

#[tokio::test]
async fn a_hubspot_token_is_renewed_on_use_and_else_once_a_week_to_find_out_whether_we_are_installed() {
    let stack = stack().await;
    stack.advance_clock(SignedDuration::from_hours(24 * 60));
    stack.tick("refresh").await.unwrap();
    let of_hubspot = |stack: &Stack| {
        stack.calls(Vendor::HubSpot).iter().filter(|call| call.path.contains("/oauth/")).count()
    };
    assert_eq!((of_hubspot(&stack), purchases(&stack)), (1, 1));
    created(&stack, invoice(HANNA)).await;
    stack.advance_clock(SignedDuration::from_hours(2));
    stack.tick("refresh").await.unwrap();
    assert_eq!(
        (of_hubspot(&stack), purchases(&stack)),
        (1, 2),
        "the company is in use, and its alone is renewed"
    );
    created(&stack, invoice(HANNA)).await;
    assert_eq!((of_hubspot(&stack), purchases(&stack)), (2, 2));
}

#[tokio::test]
async fn the_grants_of_a_portal_that_uninstalled_the_app_are_left_to_end_and_live_on_when_it_is_back() {
    let stack = stack().await;
    let url = format!("{}/appinstalls/v3/external-install", stack.info.hubspot_url);
    let gone = stack.http.delete(url).bearer_auth(local::world::HUBSPOT_TOKEN).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    // Until the tokens of the seed have ended.
    stack.advance_clock(SignedDuration::from_hours(24 * 60));
    for _day in 0..3 {
        let summary = stack.tick("refresh").await.unwrap();
        assert_eq!((&summary["renewed"], &summary["failed"]), (&json!(0), &json!(0)), "{summary}");
        stack.advance_clock(SignedDuration::from_hours(25));
    }
    assert_eq!(purchases(&stack), 0);
    let portal = stack.store.portal(PORTAL).await.unwrap().unwrap();
    assert_eq!(portal.hubspot.unwrap().status, Status::ReauthRequired);
    assert_eq!(portal.companies[0].connection.status, Status::Ok);
    // It is installed again.
    let grant = json!({"portal_id": PORTAL.0, "refresh_token": "installed-again", "scopes": ["oauth"]});
    stack.seed_hubspot(&json!({"grants": [grant]})).await.unwrap();
    let again = Grant {
        generation: 1,
        access_token: "ended".to_owned().into(),
        access_expires_at: stack.now(),
        refresh_token: "installed-again".to_owned().into(),
        refresh_expires_at: None,
        hard_expires_at: None,
        scopes: Vec::new(),
    };
    stack.store.connect_hubspot(PORTAL, &again).await.unwrap();
    let summary = stack.tick("refresh").await.unwrap();
    assert_eq!((&summary["renewed"], purchases(&stack)), (&json!(1), 1), "{summary}");
}

/// Tokens are given out, and none is taken: a person's rights ended, or Intuit has a bad day.
#[tokio::test]
async fn a_company_that_takes_no_token_costs_one_purchase_and_can_be_connected_again() {
    let stack = stack().await;
    stack.advance_clock(SignedDuration::from_hours(24 * 40));
    created(&stack, invoice(HANNA)).await;
    let before = purchases(&stack);
    let none = json!([{"path": "/v3/company/", "preset": "quickbooks_401", "times": 1000}]);
    stack.faults(Vendor::QuickBooks, &none).unwrap();
    for deal in [HANNA, HARBOR, REFILL] {
        refused(&stack, invoice(deal), "CONNECTION_EXPIRED").await;
    }
    assert_eq!(purchases(&stack) - before, 1);
    let noted = stack.store.connection(&owner()).await.unwrap().unwrap();
    assert!(noted.status == Status::Ok && noted.refused_at.is_some(), "{noted:?}");
    let console = Browser::signed_in(&stack, PORTAL).await;
    assert!(console.get("/console").await.body.contains("Connect again"));
    // Once tokens are taken again, everything goes on, and the next renewal clears the note.
    stack.faults(Vendor::QuickBooks, &json!([])).unwrap();
    created(&stack, invoice(HANNA)).await;
    stack.advance_clock(SignedDuration::from_mins(40));
    assert_eq!(stack.tick("refresh").await.unwrap()["renewed"], 1);
    assert_eq!(stack.store.connection(&owner()).await.unwrap().unwrap().refused_at, None);
    assert!(!console.get("/console").await.body.contains("Connect again"));
}

#[tokio::test]
async fn what_was_sent_before_a_disconnect_is_found_once_the_company_is_connected_again() {
    let stack = stack().await;
    let lost =
        json!([{"method": "POST", "path": "/invoice", "times": 1, "status": 503, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let shown = run(&stack, invoice(HARBOR)).await;
    assert_eq!(shown.state(), "BLOCK");
    let url = format!("{}/_sim/disconnect", stack.info.quickbooks_url);
    let gone = stack.http.post(url).json(&json!({"realm_id": REALM})).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    stack.advance_clock(SignedDuration::from_mins(5));
    stack.tick("reconcile").await.unwrap();
    let connection = stack.store.connection(&owner()).await.unwrap().unwrap();
    assert_eq!(connection.status, Status::ReauthRequired, "a 401, and two refusals five seconds apart");
    connect(&stack, REALM, COMPANY, "second-consent").await;
    let again = stack.store.connection(&owner()).await.unwrap().unwrap();
    assert_eq!((again.status, again.generation), (Status::Ok, connection.generation + 1));
    let callback_id = shown.0["callback_id"].as_str().unwrap().to_owned();
    stack.advance_clock(SignedDuration::from_mins(61));
    stack.tick("reconcile").await.unwrap();
    let shown = history(&stack, &callback_id).await;
    let shown = settled(&stack, shown).await;
    assert_eq!((shown.state(), shown.output("errorCode")), ("SUCCESS", "NONE"), "{}", shown.0);
    assert_eq!(the_invoice(&stack)["Id"], shown.0["outputs"]["document_id"]);
}

#[tokio::test]
async fn no_answer_from_the_token_endpoint_clears_nothing_and_nobody_asks_again_while_the_lease_lasts() {
    let stack = stack().await;
    // The last fault loses a reply: the old refresh token is all that is left then.
    company(&stack, json!({"switches": {"rotated_token": "lives_a_day"}})).await;
    stack.advance_clock(SignedDuration::from_hours(24 * 38));
    for fault in
        [json!({"status": 503}), json!({"status": 429}), json!({"drop": true}), json!({"truncate_to": 20})]
    {
        let mut faults = json!([{"method": "POST", "path": "/tokens/bearer"}]);
        fault.as_object().unwrap().iter().for_each(|(name, value)| faults[0][name] = value.clone());
        stack.faults(Vendor::QuickBooks, &faults).unwrap();
        let before = purchases(&stack);
        // Each makes what is due wait a quarter of an hour; the lease is over by then.
        stack.advance_clock(SignedDuration::from_mins(20));
        for run in 0..2 {
            let summary = stack.tick("refresh").await.unwrap();
            assert_eq!(summary["failed"], if run == 0 { 1 } else { 0 }, "{fault}: {summary}");
        }
        assert_eq!(purchases(&stack) - before, 1, "{fault}");
        let connection = stack.store.connection(&owner()).await.unwrap().unwrap();
        assert_eq!(connection.status, Status::Ok, "{fault}");
    }
    stack.faults(Vendor::QuickBooks, &json!([])).unwrap();
    stack.advance_clock(SignedDuration::from_mins(20));
    created(&stack, invoice(HANNA)).await;
}

/// reliability.md §d.3, 5: the only copy is in the process that bought.
#[tokio::test]
async fn tokens_that_could_not_be_written_down_stay_in_memory_and_are_written_at_the_next_use() {
    let _turn = IN_THIS_PROCESS.lock().await;
    let stack = stack().await;
    company(&stack, json!({"switches": {"rotated_token": "kills_grant", "handling_ms": 500}})).await;
    let now = stack.advance_clock(SignedDuration::from_hours(24 * 40));
    app::clock::follow_time(now);
    let app = process(&stack).await;
    let grant = async |now: Timestamp| {
        app.grant_in_force(&owner(), now + SignedDuration::from_mins(2)).await.map(|grant| grant.is_some())
    };
    let name = format!("hsqbo/dev/quickbooks/{PORTAL}/{REALM}");
    let secret = stack.secrets.get_secret_value().secret_id(&name).send().await.unwrap();
    let before = stack.store.connection(&owner()).await.unwrap().unwrap();
    // While the purchase is under way, the secret is out of reach.
    let vanish = async {
        asked(&stack, Vendor::QuickBooks, "/tokens/bearer").await;
        let gone = stack.secrets.delete_secret().secret_id(&name).force_delete_without_recovery(true);
        gone.send().await.unwrap();
    };
    let (first, ()) = futures::future::join(grant(now), vanish).await;
    assert_eq!(first, Err(Trouble::StoreDown));
    let again = stack.secrets.create_secret().name(&name).secret_string(secret.secret_string().unwrap());
    again.client_request_token(&before.version_id).send().await.unwrap();
    let now = stack.advance_clock(SignedDuration::from_mins(1));
    app::clock::follow_time(now);
    assert_eq!(grant(now).await, Ok(true));
    let connection = stack.store.connection(&owner()).await.unwrap().unwrap();
    assert_eq!(
        (connection.generation, purchases(&stack)),
        (before.generation + 1, 1),
        "nothing was bought again"
    );
    let other = process(&stack).await;
    let until = now + SignedDuration::from_mins(2);
    assert!(other.grant_in_force(&owner(), until).await.unwrap().is_some(), "others read it");
    assert_eq!(purchases(&stack), 1);
}

/// Another app secret, from the next start of a function on.
async fn change_app_secret(stack: &Stack, change: impl FnOnce(&mut Value)) {
    let mut secret = local::world::app_secret();
    change(&mut secret);
    let put = stack.secrets.put_secret_value().secret_id(&stack.info.app_secret_id);
    put.secret_string(secret.to_string()).send().await.unwrap();
    stack.function("refresh").unwrap().kill_all().await;
}

#[tokio::test]
async fn good_keys_of_another_app_end_nobody_s_connection() {
    let stack = stack().await;
    stack.advance_clock(SignedDuration::from_hours(24 * 40));
    // The grant is our app's from its first renewal on.
    assert_eq!(stack.tick("refresh").await.unwrap()["renewed"], 1);
    let another = json!({"client_id": "another-app", "client_secret": "its own"});
    stack.seed_quickbooks(&json!({"clients": [another]})).await.unwrap();
    change_app_secret(&stack, |secret| {
        secret["intuit"]["client_id"] = another["client_id"].clone();
        secret["intuit"]["client_secret"] = another["client_secret"].clone();
    })
    .await;
    stack.advance_clock(SignedDuration::from_hours(24 * 8));
    let summary = stack.tick("refresh").await.unwrap();
    assert_eq!((&summary["failed"], &summary["ended"]), (&json!(1), &json!(0)), "{summary}");
    assert_eq!(stack.store.connection(&owner()).await.unwrap().unwrap().status, Status::Ok);
    change_app_secret(&stack, |_| {}).await;
    stack.advance_clock(SignedDuration::from_mins(20));
    assert_eq!(
        stack.tick("refresh").await.unwrap()["renewed"],
        1,
        "with the right keys it is as good as ever"
    );
}

#[tokio::test]
async fn sandbox_companies_wait_for_their_keys_and_are_not_shown_to_intuit_with_others() {
    let stack = stack().await;
    connect_kind(&stack, IDLE, "Sandbox Company_US_1", "sandbox-consent", true).await;
    let harsh = json!({"realm_id": IDLE, "switches": {"foreign_keys": "invalid_grant"}});
    stack.seed_quickbooks(&json!({"companies": [harsh]})).await.unwrap();
    change_app_secret(&stack, |secret| secret["intuit_sandbox"] = Value::Null).await;
    stack.advance_clock(SignedDuration::from_hours(24 * 40));
    let summary = stack.tick("refresh").await.unwrap();
    assert_eq!((&summary["failed"], &summary["renewed"]), (&json!(1), &json!(1)), "{summary}");
    let sandbox = Owner::QuickBooks(PORTAL, realm(IDLE));
    assert_eq!(stack.store.connection(&sandbox).await.unwrap().unwrap().status, Status::Ok);
    change_app_secret(&stack, |_| {}).await;
    stack.advance_clock(SignedDuration::from_mins(20));
    assert_eq!(stack.tick("refresh").await.unwrap()["renewed"], 1);
}

#[tokio::test]
async fn wrong_credentials_of_ours_end_nobody_s_connection() {
    let stack = stack().await;
    change_app_secret(&stack, |secret| secret["intuit"]["client_secret"] = json!("not it")).await;
    stack.advance_clock(SignedDuration::from_hours(24 * 40));
    let summary = stack.tick("refresh").await.unwrap();
    assert_eq!(summary["failed"], 1, "{summary}");
    let connection = stack.store.connection(&owner()).await.unwrap().unwrap();
    assert_eq!(connection.status, Status::Ok);
}

#[tokio::test]
async fn a_token_secret_of_another_company_is_refused() {
    let stack = stack().await;
    let name = format!("hsqbo/dev/quickbooks/{PORTAL}/{REALM}");
    let value = stack.secrets.get_secret_value().secret_id(&name).send().await.unwrap();
    let mut stored: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    stored["realm_id"] = json!(IDLE);
    stored["generation"] = json!(stored["generation"].as_u64().unwrap() + 1);
    let put = stack.secrets.put_secret_value().secret_id(&name).version_stages("AWSPENDING");
    put.secret_string(stored.to_string()).send().await.unwrap();
    stack.advance_clock(SignedDuration::from_hours(24 * 40));
    let summary = stack.tick("refresh").await.unwrap();
    assert_eq!(summary["failed"], 1, "{summary}");
    assert_eq!(purchases(&stack), 0);
}

#[tokio::test]
async fn a_company_that_is_disconnected_leaves_no_token_and_can_be_connected_again() {
    let stack = stack().await;
    let name = format!("hsqbo/dev/quickbooks/{PORTAL}/{REALM}");
    for consent in ["second", "third"] {
        stack.store.disconnect_quickbooks(PORTAL, &realm(REALM)).await.unwrap();
        stack.store.disconnect_quickbooks(PORTAL, &realm(REALM)).await.unwrap();
        assert!(stack.store.connection(&owner()).await.unwrap().is_none());
        assert!(stack.store.portal(PORTAL).await.unwrap().unwrap().companies.is_empty());
        assert!(stack.secrets.get_secret_value().secret_id(&name).send().await.is_err());
        let due = stack.store.renewals_due(Timestamp::MAX, 10).await.unwrap();
        assert!(due.is_empty(), "{due:?}");
        connect(&stack, REALM, COMPANY, consent).await;
    }
    created(&stack, invoice(HANNA)).await;
}

#[tokio::test]
async fn who_connects_again_clears_what_a_renewal_has_left() {
    let stack = stack().await;
    let name = format!("hsqbo/dev/quickbooks/{PORTAL}/{REALM}");
    let value = stack.secrets.get_secret_value().secret_id(&name).send().await.unwrap();
    let mut stored: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    stored["refresh_token"] = json!("of a grant that is no more");
    stored["generation"] = json!(stored["generation"].as_u64().unwrap() + 1);
    let put = stack.secrets.put_secret_value().secret_id(&name).version_stages("AWSPENDING");
    put.secret_string(stored.to_string()).send().await.unwrap();
    connect(&stack, REALM, COMPANY, "second-consent").await;
    stack.advance_clock(SignedDuration::from_hours(24 * 7));
    let summary = stack.tick("refresh").await.unwrap();
    assert_eq!((&summary["renewed"], purchases(&stack)), (&json!(1), 1), "{summary}");
}
