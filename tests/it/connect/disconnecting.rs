//! Taking a company away, and forms that are not from a page of ours.

use jiff::SignedDuration;
use local::stack::{Stack, Vendor};
use local::world::{HANNA, PORTAL, REALM};
use serde_json::{Value, json};

use super::browser::{Browser, Page};
use super::{
    CONFIRM, OTHER_PORTAL, bare, companies, confirmation, connect, ends, has_secret, portal, seed_others,
    signed_in,
};
use crate::support::{created, invoice, refused};

const PATH: &str = "/disconnect/quickbooks";

async fn connected(stack: &Stack) -> Browser {
    let mut browser = signed_in(stack, PORTAL).await;
    connect(&mut browser, "/connect/quickbooks", REALM).await;
    browser
}

async fn page(browser: &mut Browser) -> Page {
    browser.go(&format!("{PATH}?realm={REALM}")).await
}

#[tokio::test]
async fn a_disconnect_ends_the_grant_and_leaves_neither_tokens_nor_a_default() {
    let stack = bare().await;
    let mut browser = connected(&stack).await;
    created(&stack, invoice(HANNA)).await;
    let page = page(&mut browser).await;
    let done = browser.submit(&page, PATH, ("", "")).await;
    assert_eq!(done.url.path(), "/console");
    assert_eq!(ends(&stack, REALM), ["revoked"]);
    let portal = portal(&stack, PORTAL).await;
    assert!(portal.companies.is_empty() && portal.default_realm.is_none() && portal.hubspot.is_some());
    assert!(!has_secret(&stack, &format!("quickbooks/{PORTAL}/{REALM}")).await);
    refused(&stack, invoice(HANNA), "NOT_CONNECTED").await;
    // And back again.
    connect(&mut browser, "/connect/quickbooks", REALM).await;
    created(&stack, invoice(HANNA)).await;
}

fn revocations(stack: &Stack) -> usize {
    stack.calls(Vendor::QuickBooks).iter().filter(|call| call.path.ends_with("/tokens/revoke")).count()
}

#[tokio::test]
async fn a_grant_that_intuit_has_refused_for_good_is_not_given_back() {
    let stack = bare().await;
    let mut browser = connected(&stack).await;
    let url = format!("{}/_sim/disconnect", stack.info.quickbooks_url);
    stack.http.post(url).json(&json!({"realm_id": REALM})).send().await.unwrap();
    refused(&stack, invoice(HANNA), "CONNECTION_EXPIRED").await;
    let shown = page(&mut browser).await;
    browser.submit(&shown, PATH, ("", "")).await;
    assert_eq!((companies(&stack, PORTAL).await.len(), revocations(&stack)), (0, 0));
}

#[tokio::test]
async fn tokens_that_were_bought_and_not_committed_end_with_the_grant() {
    let stack = bare().await;
    connected(&stack).await;
    stack.advance_clock(SignedDuration::from_hours(25));
    // A renewal changed the refresh token, and died between journal and commit.
    let name = format!("hsqbo/dev/quickbooks/{PORTAL}/{REALM}");
    let value = stack.secrets.get_secret_value().secret_id(&name).send().await.unwrap();
    let mut stored: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    let keys = &local::world::app_secret()["intuit"];
    let (id, secret) = (keys["client_id"].as_str().unwrap(), keys["client_secret"].as_str());
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", stored["refresh_token"].as_str().unwrap())];
    let url = format!("{}/oauth2/v1/tokens/bearer", stack.info.quickbooks_url);
    let bought = stack.http.post(url).basic_auth(id, secret).form(&refresh).send().await.unwrap();
    let bought: Value = bought.json().await.unwrap();
    assert_ne!(bought["refresh_token"], stored["refresh_token"]);
    stored["refresh_token"] = bought["refresh_token"].clone();
    stored["generation"] = json!(stored["generation"].as_u64().unwrap() + 1);
    let put = stack.secrets.put_secret_value().secret_id(&name).version_stages("AWSPENDING");
    put.secret_string(stored.to_string()).send().await.unwrap();
    let mut browser = signed_in(&stack, PORTAL).await;
    let shown = page(&mut browser).await;
    browser.submit(&shown, PATH, ("", "")).await;
    assert_eq!((ends(&stack, REALM), companies(&stack, PORTAL).await.len()), (vec![json!("revoked")], 0));
}

/// Two grants of one app on one company may live side by side; whether they do at Intuit is not known.
async fn grants_stand_side_by_side(stack: &Stack) {
    let switches = json!({"companies": [{"realm_id": REALM, "switches": {"second_grant": "stands_beside"}}]});
    stack.seed_quickbooks(&switches).await.unwrap();
}

#[tokio::test]
async fn a_grant_is_ended_only_when_nobody_else_links_the_company() {
    let stack = bare().await;
    seed_others(&stack).await;
    grants_stand_side_by_side(&stack).await;
    let mut browser = connected(&stack).await;
    let mut other = signed_in(&stack, OTHER_PORTAL).await;
    connect(&mut other, "/connect/quickbooks", REALM).await;
    let shown = page(&mut browser).await;
    browser.submit(&shown, PATH, ("", "")).await;
    assert_eq!(ends(&stack, REALM), [Value::Null, Value::Null], "the other portal goes on");
    assert!(!has_secret(&stack, &format!("quickbooks/{PORTAL}/{REALM}")).await);
    assert_eq!((companies(&stack, PORTAL).await.len(), companies(&stack, OTHER_PORTAL).await.len()), (0, 1));
    let shown = page(&mut other).await;
    other.submit(&shown, PATH, ("", "")).await;
    assert_eq!(ends(&stack, REALM), [Value::Null, json!("revoked")], "the last one ends its own");
}

#[tokio::test]
async fn a_portal_that_is_about_to_link_the_company_counts_as_one_that_does() {
    let stack = bare().await;
    seed_others(&stack).await;
    grants_stand_side_by_side(&stack).await;
    let mut browser = connected(&stack).await;
    let mut other = signed_in(&stack, OTHER_PORTAL).await;
    let waiting = confirmation(&mut other, "/connect/quickbooks", REALM).await;
    let shown = page(&mut browser).await;
    browser.submit(&shown, PATH, ("", "")).await;
    assert_eq!(ends(&stack, REALM), [Value::Null, Value::Null], "it may be the grant of the other, too");
    other.submit(&waiting, CONFIRM, ("decision", "connect")).await;
    assert_eq!((companies(&stack, PORTAL).await.len(), companies(&stack, OTHER_PORTAL).await.len()), (0, 1));
    // One that cancels leaves the other's alone in the same way.
    let waiting = confirmation(&mut browser, "/connect/quickbooks", REALM).await;
    browser.submit(&waiting, CONFIRM, ("decision", "cancel")).await;
    assert_eq!(ends(&stack, REALM), [Value::Null, Value::Null, Value::Null]);
}

#[tokio::test]
async fn intuit_out_of_reach_leaves_the_company_as_it_is_until_it_is_tried_again() {
    let stack = bare().await;
    let mut browser = connected(&stack).await;
    let shown = page(&mut browser).await;
    stack
        .faults(Vendor::QuickBooks, &json!([{"path": "/tokens/revoke", "status": 503, "times": 1}]))
        .unwrap();
    let told = browser.submit(&shown, PATH, ("", "")).await;
    assert_eq!((told.status, companies(&stack, PORTAL).await.len()), (503, 1), "{}", told.text);
    browser.submit(&shown, PATH, ("", "")).await;
    assert_eq!((ends(&stack, REALM), companies(&stack, PORTAL).await.len()), (vec![json!("revoked")], 0));
}

#[tokio::test]
async fn a_company_that_was_disconnected_inside_quickbooks_is_taken_away_all_the_same() {
    let stack = bare().await;
    let mut browser = connected(&stack).await;
    let told = stack.http.post(format!("{}/_sim/disconnect", stack.info.quickbooks_url));
    let told: Value = told.json(&json!({"realm_id": REALM})).send().await.unwrap().json().await.unwrap();
    // Intuit opens the landing page in the person's browser; that alone changes nothing.
    let landing = told["disconnect_url"].as_str().unwrap();
    let stranger = Browser::new(&stack).go(landing).await;
    assert_eq!(stranger.status, 200);
    assert!(stranger.shows("Nothing was changed") && !stranger.shows("<form"), "{}", stranger.text);
    let shown = browser.go(landing).await;
    assert_eq!(companies(&stack, PORTAL).await.len(), 1);
    // Intuit answers a revocation of what has ended with 400 and not a word.
    browser.submit(&shown, PATH, ("", "")).await;
    assert_eq!((companies(&stack, PORTAL).await.len(), revocations(&stack)), (0, 1));
}

#[tokio::test]
async fn a_form_that_is_not_from_a_page_of_this_session_changes_nothing() {
    let stack = bare().await;
    let mut browser = connected(&stack).await;
    let csrf = page(&mut browser).await.fields_of(PATH)[0].1.clone();
    let mut other = signed_in(&stack, PORTAL).await;
    let of_other = page(&mut other).await.fields_of(PATH)[0].1.clone();
    for path in [PATH, "/connect/quickbooks/confirm", "/connect/hubspot/uninstall"] {
        for token in [None, Some(""), Some("x"), Some(of_other.as_str())] {
            let fields: Vec<_> =
                [("realm", REALM)].into_iter().chain(token.map(|token| ("csrf", token))).collect();
            let told = browser.post(path, &fields).await;
            assert_eq!(told.status, 403, "{path} {token:?}: {}", told.text);
        }
        let stranger = Browser::new(&stack).post(path, &[("realm", REALM), ("csrf", &csrf)]).await;
        assert_eq!(stranger.status, 403, "{path}");
        // The right token from another site: a page that stole it all the same.
        for header in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            browser.headers = vec![(header.0, header.1.to_owned())];
            let told = browser.post(path, &[("realm", REALM), ("csrf", &csrf)]).await;
            assert_eq!(told.status, 403, "{path} {header:?}");
        }
        browser.headers.clear();
    }
    assert_eq!((companies(&stack, PORTAL).await.len(), ends(&stack, REALM)), (1, vec![Value::Null]));
    let told = browser.post(PATH, &[("realm", REALM), ("csrf", &csrf)]).await;
    assert_eq!(told.status, 303, "{}", told.text);
}

#[tokio::test]
async fn a_company_of_another_portal_cannot_be_taken_away() {
    let stack = bare().await;
    seed_others(&stack).await;
    connected(&stack).await;
    let mut other = signed_in(&stack, OTHER_PORTAL).await;
    connect(&mut other, "/connect/quickbooks", super::OTHER_REALM).await;
    let shown = other.go(&format!("{PATH}?realm={}", super::OTHER_REALM)).await;
    let csrf = &shown.fields_of(PATH)[0].1;
    let told = other.post(PATH, &[("realm", REALM), ("csrf", csrf)]).await;
    assert_eq!((told.status, companies(&stack, PORTAL).await.len()), (400, 1), "{}", told.text);
}
