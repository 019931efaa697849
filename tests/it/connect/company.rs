//! Connecting a company, and connecting it again.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use local::stack::{Options, Vendor};
use local::world::{COMPANY, HANNA, PORTAL, REALM};
use serde_json::{Value, json};

use super::browser::{Browser, Page};
use super::{
    CONFIRM, OTHER_PORTAL, OTHER_REALM, SANDBOX_REALM, assert_nothing_stored, back_from_intuit, bare,
    companies, confirmation, connect, connected_again, ends, exchanges, has_secret, portal, seed_others,
    sign_in, signed_in, table,
};
use crate::support::{self, asked, created, invoice, refused};

const START: &str = "/connect/quickbooks";
const CALLBACK: &str = "/connect/quickbooks/callback";

/// The page where a callback ends is a 400 at an address without code or state, and nothing is stored.
async fn not_taken(browser: &mut Browser, address: &str, told: &str) -> Page {
    let page = browser.go(address).await;
    assert_eq!((page.status, page.told().as_str()), (400, told), "{address}: {}", page.text);
    let bare = page.url.query_pairs().all(|(name, _)| !["code", "state", "realmId"].contains(&&*name));
    assert!(bare, "{}", page.url);
    page
}

/// An address with one parameter changed; `None` leaves it out.
fn with(url: &reqwest::Url, name: &str, value: Option<&str>) -> String {
    let pairs: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs).extend_pairs(value.map(|value| (name, value)));
    url.into()
}

#[tokio::test]
async fn a_company_is_live_when_a_person_has_seen_its_name_and_the_portal_s_and_not_before() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    // The way a person goes: Intuit's page with its form.
    let choice = browser.go(START).await;
    assert!(choice.shows(COMPANY) && choice.shows("Which company?"), "{}", choice.text);
    let page = browser.submit(&choice, "/connect/oauth2", ("realm_id", REALM)).await;
    assert_eq!((page.status, page.url.path()), (200, CONFIRM), "{}", page.text);
    for shown in [COMPANY, "portal-1000001.example", "1000001", "USD", "owner@portal-1000001.example"] {
        assert!(page.shows(shown), "{shown} is missing: {}", page.text);
    }
    assert_eq!(companies(&stack, PORTAL).await, Vec::<String>::new(), "nothing is live yet");
    refused(&stack, invoice(HANNA), "NOT_CONNECTED").await;
    let done = browser.submit(&page, CONFIRM, ("decision", "connect")).await;
    assert_eq!(done.url.path(), "/console");
    let portal = portal(&stack, PORTAL).await;
    let company = &portal.companies[0];
    assert_eq!((company.name.as_str(), company.legal_name.as_deref()), (COMPANY, Some(COMPANY)));
    assert_eq!(company.home_currency, Some("USD".parse().unwrap()));
    assert_eq!((company.country.as_deref(), company.sandbox), (Some("US"), false));
    assert_eq!(company.connected_by.as_deref(), Some("owner@portal-1000001.example"));
    assert!(company.connected_at.is_some());
    assert_eq!(portal.default_realm, Some(company.realm.clone()), "the first company is the default");
    assert!(!table(&stack).await.contains("PENDING"), "nothing waits any more");
    created(&stack, invoice(HANNA)).await;
}

#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_first_and_goes_on() {
    let stack = bare().await;
    let mut browser = Browser::new(&stack);
    let away = browser.open(START).await;
    assert_eq!(away.location.as_ref().unwrap().path(), "/connect/hubspot");
    let away = browser.open(away.location.unwrap().as_str()).await;
    let back = super::back_from_hubspot(&mut browser, &away, PORTAL).await;
    let page = browser.open(back.as_str()).await;
    assert_eq!(page.location.unwrap().path(), START);
    connect(&mut browser, START, REALM).await;
    // A callback without a session opens nothing, though the browser is the same.
    let back = back_from_intuit(&mut browser, START, REALM).await;
    browser.forget("__Host-session");
    not_taken(&mut browser, back.as_str(), "not_asked").await;
}

#[tokio::test]
async fn a_callback_without_a_state_of_ours_stores_nothing() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let back = back_from_intuit(&mut browser, START, REALM).await;
    for state in [None, Some(""), Some("x"), Some(&*"0".repeat(64))] {
        not_taken(&mut browser, &with(&back, "state", state), "not_asked").await;
    }
    let state = back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    not_taken(&mut browser, &format!("{back}&state={state}"), "not_asked").await;
    not_taken(&mut browser, CALLBACK, "not_asked").await;
    assert_nothing_stored(&stack).await;
    assert_eq!(exchanges(&stack), 0);
}

#[tokio::test]
async fn a_state_is_good_once_and_a_code_is_exchanged_once() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let back = back_from_intuit(&mut browser, START, REALM).await;
    let page = browser.open(back.as_str()).await;
    assert_eq!(page.location.unwrap().path(), CONFIRM);
    not_taken(&mut browser, back.as_str(), "not_asked").await;
    assert_eq!(exchanges(&stack), 1);
    // The same code with a fresh state.
    let fresh = back_from_intuit(&mut browser, START, REALM).await;
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    not_taken(&mut browser, &with(&fresh, "code", Some(&code)), "code_refused").await;
    assert_eq!((exchanges(&stack), companies(&stack, PORTAL).await.len()), (1, 0));
}

#[tokio::test]
async fn of_a_slow_double_click_one_goes_on() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let back = back_from_intuit(&mut browser, START, REALM).await;
    let mut twin = Browser::new(&stack);
    for name in ["__Host-session", "__Host-browser"] {
        twin.set_cookie(name, browser.cookie(name).unwrap());
    }
    let delay = json!([{"path": "/tokens/bearer", "delay_ms": 300, "times": 2}]);
    stack.faults(Vendor::QuickBooks, &delay).unwrap();
    let (one, other) = tokio::join!(browser.open(back.as_str()), twin.open(back.as_str()));
    let mut paths = [one, other].map(|page| page.location.unwrap().path().to_owned());
    paths.sort();
    assert_eq!(paths, [CALLBACK, CONFIRM]);
    assert_eq!(exchanges(&stack), 1);
}

#[tokio::test]
async fn a_consent_that_took_more_than_ten_minutes_is_too_late() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let back = back_from_intuit(&mut browser, START, REALM).await;
    stack.advance_clock(SignedDuration::from_mins(10));
    not_taken(&mut browser, back.as_str(), "not_asked").await;
    assert_nothing_stored(&stack).await;
}

#[tokio::test]
async fn another_browser_of_the_same_user_opens_nothing() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let mut elsewhere = signed_in(&stack, PORTAL).await;
    let back = back_from_intuit(&mut browser, START, REALM).await;
    not_taken(&mut elsewhere, back.as_str(), "not_asked").await;
    let back = back_from_intuit(&mut browser, START, REALM).await;
    browser.forget("__Host-browser");
    not_taken(&mut browser, back.as_str(), "not_asked").await;
    assert_nothing_stored(&stack).await;
}

#[tokio::test]
async fn a_victim_who_opens_an_attacker_s_link_gives_nothing_away() {
    let stack = bare().await;
    seed_others(&stack).await;
    let mut attacker = signed_in(&stack, OTHER_PORTAL).await;
    let link = attacker.open(START).await.location.unwrap();
    for mut victim in [signed_in(&stack, PORTAL).await, Browser::new(&stack)] {
        let consented = victim.open(&super::choosing(&link, &[("realm_id", REALM)])).await;
        not_taken(&mut victim, consented.location.unwrap().as_str(), "not_asked").await;
    }
    assert_eq!(companies(&stack, OTHER_PORTAL).await, Vec::<String>::new());
    assert_nothing_stored(&stack).await;
    assert_eq!(exchanges(&stack), 0);
}

#[tokio::test]
async fn a_state_of_one_portal_is_nothing_in_a_session_of_another() {
    let stack = bare().await;
    seed_others(&stack).await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let back = back_from_intuit(&mut browser, START, REALM).await;
    // The same browser, signed in to the other portal meanwhile.
    sign_in(&mut browser, OTHER_PORTAL).await;
    not_taken(&mut browser, back.as_str(), "not_asked").await;
    // And what waits for its confirmation is nothing there either.
    sign_in(&mut browser, PORTAL).await;
    let page = confirmation(&mut browser, START, REALM).await;
    let pending = page.fields_of(CONFIRM).into_iter().find(|(name, _)| name == "pending").unwrap().1;
    sign_in(&mut browser, OTHER_PORTAL).await;
    let not_theirs = browser.go(page.url.as_str()).await;
    assert_eq!((not_theirs.status, not_theirs.shows(COMPANY)), (400, false), "{}", not_theirs.text);
    let own = browser.go(&format!("/disconnect/quickbooks?realm={REALM}")).await;
    assert!(!own.shows(COMPANY), "another portal's company: {}", own.text);
    let csrf = csrf_of(&mut browser).await;
    let fields = [("csrf", csrf.as_str()), ("pending", &pending), ("decision", "connect")];
    let page = browser.post(CONFIRM, &fields).await;
    assert_eq!(page.status, 400, "{}", page.text);
    assert_eq!(companies(&stack, OTHER_PORTAL).await.len() + companies(&stack, PORTAL).await.len(), 0);
}

/// The token of this browser's session, from a page of a company that waits.
async fn csrf_of(browser: &mut Browser) -> String {
    let page = confirmation(browser, START, OTHER_REALM).await;
    page.fields_of(CONFIRM).into_iter().find(|(name, _)| name == "csrf").unwrap().1
}

#[tokio::test]
async fn a_realm_is_taken_only_when_it_answers_to_the_new_token() {
    let stack = bare().await;
    seed_others(&stack).await;
    let mut browser = signed_in(&stack, PORTAL).await;
    for realm in [None, Some(OTHER_REALM), Some(""), Some("../1"), Some("91303500000000O1"), Some("1")] {
        let back = back_from_intuit(&mut browser, START, REALM).await;
        not_taken(&mut browser, &with(&back, "realmId", realm), "not_this_company").await;
    }
    let back = back_from_intuit(&mut browser, START, REALM).await;
    not_taken(&mut browser, &format!("{back}&realmId={OTHER_REALM}"), "not_this_company").await;
    assert_nothing_stored(&stack).await;
    connect(&mut browser, START, REALM).await;
}

#[tokio::test]
async fn whoever_says_no_at_intuit_is_told_so_and_nothing_is_stored() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let away = browser.open(START).await.location.unwrap();
    let page = browser.go(&super::choosing(&away, &[("refuse", "true")])).await;
    assert_eq!((page.status, page.told().as_str()), (200, "declined"), "{}", page.text);
    assert_nothing_stored(&stack).await;
    // In French, to whoever reads it.
    browser.headers.push(("accept-language", "fr-FR,fr;q=0.9,en;q=0.5".to_owned()));
    let page = browser.go(page.url.as_str()).await;
    assert!(page.shows("<html lang=\"fr\">") && page.shows("Rien n’a été connecté"), "{}", page.text);
}

#[tokio::test]
async fn people_are_sent_back_to_the_configured_address_whatever_host_they_came_by() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    browser.headers.push(("x-forwarded-host", "evil.example".to_owned()));
    browser.headers.push(("host", "evil.example".to_owned()));
    let away = browser.open(START).await.location.unwrap();
    let back = away.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    assert_eq!(back, format!("{}{CALLBACK}", stack.info.public_base_url));
    // Intuit sends nobody anywhere else.
    let elsewhere = with(&away, "redirect_uri", Some("https://evil.example/callback"));
    let page = browser.open(&super::choosing(&elsewhere.parse().unwrap(), &[("realm_id", REALM)])).await;
    assert_eq!((page.status, page.location), (400, None));
}

#[tokio::test]
async fn a_company_that_is_cancelled_or_left_waiting_leaves_no_tokens() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let page = confirmation(&mut browser, START, REALM).await;
    let told = browser.submit(&page, CONFIRM, ("decision", "cancel")).await;
    assert_eq!((told.status, told.told().as_str()), (200, "cancelled"));
    assert_eq!(ends(&stack, REALM), ["revoked"]);
    assert_nothing_stored(&stack).await;
    // Left: too late after ten minutes, and gone with the next connect.
    let page = confirmation(&mut browser, START, REALM).await;
    stack.advance_clock(SignedDuration::from_mins(10));
    let late = browser.submit(&page, CONFIRM, ("decision", "connect")).await;
    assert_eq!((late.status, companies(&stack, PORTAL).await.len()), (400, 0), "{}", late.text);
    // Somebody may have confirmed it at the last moment, and be at it still.
    browser.open(START).await;
    assert!(table(&stack).await.contains("PENDING"));
    stack.advance_clock(SignedDuration::from_mins(2));
    browser.open(START).await;
    assert_eq!(ends(&stack, REALM), ["revoked", "revoked"]);
    assert_nothing_stored(&stack).await;
}

#[tokio::test]
async fn what_others_left_waiting_keeps_nobody_from_connecting() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    confirmation(&mut browser, START, REALM).await;
    stack.advance_clock(SignedDuration::from_mins(12));
    // One that cannot be read, before it in the table; and an Intuit that takes its time.
    let text = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
    let put = stack.dynamodb.put_item().table_name(&stack.info.table_name).item("pk", text("PENDING"));
    put.item("sk", text("0")).item("pending", text("{}")).send().await.unwrap();
    let slow = json!([{"path": "/tokens/revoke", "delay_ms": 20_000}]);
    stack.faults(Vendor::QuickBooks, &slow).unwrap();
    let started = std::time::Instant::now();
    let away = browser.open(START).await;
    assert_eq!(away.location.unwrap().path(), "/connect/oauth2");
    assert!(started.elapsed() < std::time::Duration::from_secs(15), "{:?}", started.elapsed());
    stack.faults(Vendor::QuickBooks, &json!([])).unwrap();
    browser.open(START).await;
    assert_eq!(ends(&stack, REALM), ["revoked"]);
    assert_eq!(table(&stack).await.matches("PENDING").count(), 1, "the unreadable one is left for a person");
}

#[tokio::test]
async fn a_company_that_is_being_cancelled_is_not_confirmed_any_more() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let page = confirmation(&mut browser, START, REALM).await;
    let mut tab = Browser::new(&stack);
    tab.set_cookie("__Host-session", browser.cookie("__Host-session").unwrap());
    stack.faults(Vendor::QuickBooks, &json!([{"path": "/tokens/revoke", "delay_ms": 1500}])).unwrap();
    let meanwhile = async {
        asked(&stack, Vendor::QuickBooks, "/tokens/revoke").await;
        tab.submit(&page, CONFIRM, ("decision", "connect")).await
    };
    let (cancelled, confirmed) =
        tokio::join!(browser.submit(&page, CONFIRM, ("decision", "cancel")), meanwhile);
    assert_eq!((cancelled.told().as_str(), confirmed.status), ("cancelled", 400), "{}", confirmed.text);
    assert_eq!(ends(&stack, REALM), ["revoked"]);
    assert_nothing_stored(&stack).await;
}

#[tokio::test]
async fn sandbox_and_production_companies_stand_side_by_side() {
    let stack = bare().await;
    seed_others(&stack).await;
    let mut browser = signed_in(&stack, PORTAL).await;
    connect(&mut browser, START, REALM).await;
    let page = confirmation(&mut browser, "/connect/quickbooks?sandbox=1", SANDBOX_REALM).await;
    assert!(page.shows("sandbox"), "{}", page.text);
    browser.submit(&page, CONFIRM, ("decision", "connect")).await;
    let portal = portal(&stack, PORTAL).await;
    let sandboxes: Vec<_> =
        portal.companies.iter().map(|company| (company.realm.as_str(), company.sandbox)).collect();
    assert_eq!(sandboxes, [(SANDBOX_REALM, true), (REALM, false)]);
    assert_eq!(portal.default_realm.unwrap().as_str(), REALM, "the first stays the default");
    created(&stack, invoice(HANNA)).await;
    // Neither keys open the other kind.
    let away = browser.open("/connect/quickbooks?sandbox=1").await.location.unwrap();
    let page = browser.open(&super::choosing(&away, &[("realm_id", REALM)])).await;
    assert_eq!(page.status, 400, "{}", page.text);
}

#[tokio::test]
async fn without_production_keys_every_button_leads_to_sandbox_companies_and_no_other_is_taken() {
    let mut app_secret = local::world::app_secret();
    // As the template makes it: nobody has entered any.
    app_secret["intuit"] = json!({"client_id": "", "client_secret": "", "client_secret_previous": null});
    let stack = support::with(Options { installed: false, app_secret, ..Options::default() }).await;
    seed_others(&stack).await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let page = browser.go("/console").await;
    assert!(page.shows("Connect to QuickBooks") && !page.shows("sandbox"), "{}", page.text);
    let away = browser.open(START).await.location.unwrap();
    let page = browser.open(&super::choosing(&away, &[("realm_id", REALM)])).await;
    assert_eq!(page.status, 400, "{}", page.text);
    connect(&mut browser, START, SANDBOX_REALM).await;
    assert!(portal(&stack, PORTAL).await.companies[0].sandbox);
    connected_again(&mut browser, &format!("/reconnect/quickbooks?realm={SANDBOX_REALM}"), SANDBOX_REALM)
        .await;
}

#[tokio::test]
async fn token_secrets_have_the_tags_of_their_stack() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    connect(&mut browser, START, REALM).await;
    for name in [format!("hubspot/{PORTAL}"), format!("quickbooks/{PORTAL}/{REALM}")] {
        let described = stack.secrets.describe_secret().secret_id(format!("hsqbo/dev/{name}")).send().await;
        let tags = described.unwrap().tags.unwrap_or_default();
        let tags: HashMap<_, _> = tags.iter().filter_map(|tag| tag.key().zip(tag.value())).collect();
        assert_eq!(tags, HashMap::from([("app", "hsqbo"), ("environment", "dev")]), "{name}");
    }
}

#[tokio::test]
async fn connecting_again_takes_the_same_company_only() {
    let stack = bare().await;
    seed_others(&stack).await;
    let mut browser = signed_in(&stack, PORTAL).await;
    connect(&mut browser, START, REALM).await;
    let before = portal(&stack, PORTAL).await;
    let again = format!("/reconnect/quickbooks?realm={REALM}");
    let back = back_from_intuit(&mut browser, &again, OTHER_REALM).await;
    let page = not_taken(&mut browser, back.as_str(), "other_company").await;
    assert!(page.shows("connect the other one as a new company"), "{}", page.text);
    assert_eq!(portal(&stack, PORTAL).await, before);
    assert_eq!(exchanges(&stack), 1, "its code is not even exchanged");
    // The address may lie: the other company's token does not open this one.
    let back = back_from_intuit(&mut browser, &again, OTHER_REALM).await;
    not_taken(&mut browser, &with(&back, "realmId", Some(REALM)), "not_this_company").await;
    assert_eq!(portal(&stack, PORTAL).await, before);
    connected_again(&mut browser, &again, REALM).await;
    let after = portal(&stack, PORTAL).await;
    assert!(after.companies[0].connection.generation > before.companies[0].connection.generation);
    created(&stack, invoice(HANNA)).await;
    // What is not connected cannot be connected again.
    let page = browser.open(&format!("/reconnect/quickbooks?realm={OTHER_REALM}")).await;
    assert_eq!(page.status, 400, "{}", page.text);
}

#[tokio::test]
async fn intuit_s_reconnect_address_signs_in_first_and_goes_on() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    connect(&mut browser, START, REALM).await;
    let mut browser = Browser::new(&stack);
    let away = browser.open(&format!("/reconnect/quickbooks?realmId={REALM}")).await.location.unwrap();
    let away = browser.open(away.as_str()).await;
    let back = super::back_from_hubspot(&mut browser, &away, PORTAL).await;
    let next = browser.open(back.as_str()).await.location.unwrap();
    assert_eq!((next.path(), next.query()), ("/reconnect/quickbooks", Some(&*format!("realm={REALM}"))));
    connected_again(&mut browser, next.as_str(), REALM).await;
    assert!(has_secret(&stack, &format!("quickbooks/{PORTAL}/{REALM}")).await);
}

#[tokio::test]
async fn quickbooks_out_of_reach_is_told_as_such_and_stores_nothing() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let fails = |path, times| {
        stack.faults(Vendor::QuickBooks, &json!([{"path": path, "status": 503, "times": times}])).unwrap();
    };
    for (path, times) in [("/tokens/bearer", 1), ("/companyinfo/", 2), ("/preferences", 2)] {
        let back = back_from_intuit(&mut browser, START, REALM).await;
        fails(path, times);
        let page = browser.go(back.as_str()).await;
        assert_eq!((page.status, page.told().as_str()), (503, "unavailable"), "{path}: {}", page.text);
        assert_nothing_stored(&stack).await;
    }
    assert_eq!(ends(&stack, REALM), ["revoked", "revoked"], "what was bought is given back");
    // Once is nothing: the company is asked again.
    fails("/companyinfo/", 1);
    connect(&mut browser, START, REALM).await;
    assert!(ends(&stack, REALM).last().unwrap().is_null());
}

#[tokio::test]
async fn a_company_that_is_linked_has_its_new_tokens_before_anybody_can_leave_them() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    connect(&mut browser, START, REALM).await;
    // By whatever way: the new grant has ended the old one.
    for start in [START.to_owned(), format!("/reconnect/quickbooks?realm={REALM}")] {
        let page = connected_again(&mut browser, &start, REALM).await;
        assert!(page.shows("The company is connected."), "{}", page.text);
        created(&stack, invoice(HANNA)).await;
    }
    assert_eq!(ends(&stack, REALM), [json!("replaced"), json!("replaced"), Value::Null]);
    assert!(!table(&stack).await.contains("PENDING"), "there is nothing to confirm");
}

#[tokio::test]
async fn tokens_are_encrypted_with_the_key_that_the_function_is_given_from_their_first_moment_on() {
    const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    for (variable, expected) in [(KEY, Some(KEY)), ("", None)] {
        let variables = vec![("KMS_KEY_ID".to_owned(), variable.to_owned())];
        let stack = crate::support::with(Options { installed: false, variables, ..Options::default() }).await;
        let key_of = async |name: String| {
            let described = stack.secrets.describe_secret().secret_id(name).send().await.unwrap();
            described.kms_key_id
        };
        let mut browser = signed_in(&stack, PORTAL).await;
        confirmation(&mut browser, START, REALM).await;
        let items = stack.dynamodb.scan().table_name(&stack.info.table_name).send().await.unwrap();
        let is_waiting = |item: &&HashMap<String, AttributeValue>| item["pk"].as_s().unwrap() == "PENDING";
        let hash = items.items().iter().find(is_waiting).expect("a company waits")["sk"].as_s().unwrap();
        assert_eq!(key_of(format!("hsqbo/dev/pending/{hash}")).await.as_deref(), expected);
        connect(&mut browser, START, REALM).await;
        for name in [format!("hubspot/{PORTAL}"), format!("quickbooks/{PORTAL}/{REALM}")] {
            assert_eq!(key_of(format!("hsqbo/dev/{name}")).await.as_deref(), expected, "{name}");
        }
    }
}
