//! Installing the app and signing in with HubSpot.

use jiff::SignedDuration;
use local::stack::Vendor;
use local::world::{HANNA, PORTAL, REALM, TIME_ZONE};
use mapping::money::Currency;
use serde_json::json;

use super::browser::Browser;
use super::{OTHER_PORTAL, back_from_hubspot, bare, connect, seed_others, sign_in, signed_in, table};
use crate::support::{created, invoice, stack};

#[tokio::test]
async fn an_install_begun_here_stores_the_portal_and_signs_its_owner_in() {
    let stack = bare().await;
    let mut browser = Browser::new(&stack);
    // The way a person goes: HubSpot's page, and its button.
    let consent = browser.go("/connect/hubspot").await;
    assert!(consent.shows("Choose an account"), "{}", consent.text);
    let back = browser.open(consent.link("Connect app").as_str()).await.location.unwrap();
    let page = browser.open(back.as_str()).await;
    assert_eq!((page.status, page.location.unwrap().path()), (302, "/console"), "no page where the code is");
    assert!(browser.cookie("__Host-session").is_some());
    let portal = super::portal(&stack, PORTAL).await;
    assert_eq!(portal.time_zone.iana_name(), Some(TIME_ZONE));
    assert_eq!(portal.currency.as_ref().map(Currency::as_str), Some("USD"));
    assert_eq!(portal.domain.as_deref(), Some("portal-1000001.example"));
    assert!(portal.hubspot.is_some() && portal.companies.is_empty() && portal.default_realm.is_none());
}

#[tokio::test]
async fn a_start_in_the_marketplace_stores_tokens_under_the_portal_that_hubspot_names_and_signs_nobody_in() {
    let stack = bare().await;
    seed_others(&stack).await;
    let mut browser = Browser::new(&stack);
    let away = browser.open("/connect/hubspot").await;
    let back = back_from_hubspot(&mut browser, &away, PORTAL).await;
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    // HubSpot's marketplace sends no state; whatever else the address says is nobody's word.
    let others = format!("hub_id={OTHER_PORTAL}&portalId={OTHER_PORTAL}&userId=1");
    let page = browser.go(&format!("/connect/hubspot/callback?code={code}&{others}")).await;
    assert_eq!((page.status, page.told().as_str()), (200, "installed"), "{}", page.text);
    assert_eq!(page.link("Sign in with HubSpot").path(), "/connect/hubspot");
    assert_eq!(browser.cookie("__Host-session"), None, "nobody is signed in");
    let portal = super::portal(&stack, PORTAL).await;
    assert!(portal.hubspot.is_some() && portal.companies.is_empty(), "no link");
    assert!(stack.store.portal(OTHER_PORTAL).await.unwrap().is_none());
}

#[tokio::test]
async fn signing_in_again_notes_time_zone_and_currency_anew() {
    let stack = stack().await;
    let of = async || {
        let portal = super::portal(&stack, PORTAL).await;
        let currency = portal.currency.map(|currency| currency.to_string());
        (portal.time_zone.iana_name().unwrap_or_default().to_owned(), currency)
    };
    // As an earlier release stored it.
    assert_eq!(of().await, (TIME_ZONE.to_owned(), None));
    let account = json!({"portal_id": PORTAL.0, "time_zone": "Europe/Zurich", "company_currency": "CHF"});
    stack.seed_hubspot(&json!({"accounts": [account]})).await.unwrap();
    signed_in(&stack, PORTAL).await;
    assert_eq!(of().await, ("Europe/Zurich".to_owned(), Some("CHF".to_owned())));
}

#[tokio::test]
async fn signing_in_again_leaves_companies_default_and_workflows_as_they_are() {
    let stack = stack().await;
    let before = super::portal(&stack, PORTAL).await;
    for _ in 0..2 {
        signed_in(&stack, PORTAL).await;
    }
    let after = super::portal(&stack, PORTAL).await;
    assert_eq!((before.companies, before.default_realm), (after.companies, after.default_realm));
    assert!(after.hubspot.unwrap().generation > before.hubspot.unwrap().generation);
    created(&stack, invoice(HANNA)).await;
}

#[tokio::test]
async fn whoever_says_no_at_hubspot_is_told_so_and_nothing_is_stored() {
    let stack = bare().await;
    let mut browser = Browser::new(&stack);
    let consent = browser.go("/connect/hubspot").await;
    let page = browser.go(consent.link("Cancel").as_str()).await;
    assert_eq!((page.status, page.told().as_str()), (200, "declined"));
    assert_eq!(browser.cookie("__Host-session"), None);
    assert!(stack.store.portal(PORTAL).await.unwrap().is_none());
}

#[tokio::test]
async fn a_sign_in_is_good_once_for_ten_minutes_in_the_browser_that_began_it() {
    let stack = bare().await;
    let refused = async |browser: &mut Browser, address: &str| {
        let page = browser.go(address).await;
        assert_eq!((page.status, page.told().as_str()), (400, "not_asked"), "{address}: {}", page.text);
        assert!(page.url.query_pairs().all(|(name, _)| name != "code" && name != "state"));
    };
    let begun = async |browser: &mut Browser| {
        let away = browser.open("/connect/hubspot").await;
        back_from_hubspot(browser, &away, PORTAL).await
    };
    let mut browser = Browser::new(&stack);
    // A state that nobody gave out.
    let callback = "/connect/hubspot/callback";
    refused(&mut browser, &format!("{callback}?code=x&state={}", "0".repeat(64))).await;
    refused(&mut browser, &format!("{callback}?code=x&state=")).await;
    refused(&mut browser, callback).await;
    // Another browser: somebody was sent the link of a sign-in that an attacker began.
    let back = begun(&mut browser).await;
    refused(&mut Browser::new(&stack), back.as_str()).await;
    // Which has used it up.
    refused(&mut browser, back.as_str()).await;
    // Too late.
    let back = begun(&mut browser).await;
    stack.advance_clock(SignedDuration::from_mins(10));
    refused(&mut browser, back.as_str()).await;
    assert!(stack.store.portal(PORTAL).await.unwrap().is_none(), "nothing is stored");
    assert_eq!(browser.cookie("__Host-session"), None);
    // Twice.
    let back = begun(&mut browser).await;
    assert_eq!(browser.open(back.as_str()).await.location.unwrap().path(), "/console");
    refused(&mut browser, back.as_str()).await;
}

#[tokio::test]
async fn a_code_that_hubspot_does_not_take_stores_nothing() {
    let stack = bare().await;
    let mut browser = Browser::new(&stack);
    let page = browser.go("/connect/hubspot/callback?code=made-up").await;
    assert_eq!((page.status, page.told().as_str()), (400, "code_refused"), "{}", page.text);
    assert!(stack.store.portal(PORTAL).await.unwrap().is_none());
}

#[tokio::test]
async fn hubspot_out_of_reach_is_told_as_such() {
    let stack = bare().await;
    stack
        .faults(Vendor::HubSpot, &json!([{"path": "/oauth/2026-03/token", "status": 503, "times": 1}]))
        .unwrap_or_else(|error| panic!("{error}"));
    let mut browser = Browser::new(&stack);
    let page = sign_in(&mut browser, PORTAL).await;
    let page = browser.follow(page).await;
    assert_eq!((page.status, page.told().as_str()), (503, "unavailable"), "{}", page.text);
    signed_in(&stack, PORTAL).await;
}

#[tokio::test]
async fn signing_in_leads_on_to_a_page_of_ours_and_nowhere_else() {
    let stack = bare().await;
    for (next, expected) in [
        ("/connect/quickbooks", "/connect/quickbooks"),
        ("https://evil.example/", "/console"),
        ("//evil.example/", "/console"),
        ("/\\evil.example", "/console"),
    ] {
        let mut browser = Browser::new(&stack);
        let mut start =
            reqwest::Url::parse(&stack.info.public_base_url).unwrap().join("/connect/hubspot").unwrap();
        start.query_pairs_mut().append_pair("next", next);
        let away = browser.open(start.as_str()).await;
        let back = back_from_hubspot(&mut browser, &away, PORTAL).await;
        let location = browser.open(back.as_str()).await.location.unwrap();
        assert_eq!((location.path(), location.host_str()), (expected, Some("localhost")), "{next}");
    }
}

#[tokio::test]
async fn uninstalling_stops_everything_of_the_portal_and_nothing_of_another() {
    let stack = bare().await;
    seed_others(&stack).await;
    let mut browser = signed_in(&stack, PORTAL).await;
    connect(&mut browser, "/connect/quickbooks", REALM).await;
    let mut other = signed_in(&stack, OTHER_PORTAL).await;
    connect(&mut other, "/connect/quickbooks", super::OTHER_REALM).await;
    let mut second = signed_in(&stack, PORTAL).await;
    // Its form stands on a page of the console; the token is the session's own.
    let page = browser.go(&format!("/disconnect/quickbooks?realm={REALM}")).await;
    let csrf = page.fields_of("/disconnect/quickbooks")[0].1.clone();
    let page = browser.post("/connect/hubspot/uninstall", &[("csrf", &csrf)]).await;
    let page = browser.follow(page).await;
    assert_eq!((page.status, page.told().as_str()), (200, "uninstalled"), "{}", page.text);
    let portal = super::portal(&stack, PORTAL).await;
    assert!(portal.hubspot.is_none() && portal.companies.is_empty() && portal.default_realm.is_none());
    assert_eq!(super::ends(&stack, REALM), ["revoked"]);
    for secret in [format!("hubspot/{PORTAL}"), format!("quickbooks/{PORTAL}/{REALM}")] {
        assert!(!super::has_secret(&stack, &secret).await, "{secret}");
    }
    // All of its sessions, in every browser; none of another portal's.
    for browser in [&mut browser, &mut second] {
        assert_eq!(browser.open("/connect/quickbooks").await.location.unwrap().path(), "/connect/hubspot");
    }
    assert_eq!(other.open("/connect/quickbooks").await.location.unwrap().path(), "/connect/oauth2");
    assert!(super::portal(&stack, OTHER_PORTAL).await.hubspot.is_some());
    assert_eq!(super::ends(&stack, super::OTHER_REALM), [serde_json::Value::Null]);
    let uninstalls = stack.calls(Vendor::HubSpot);
    let uninstalls = uninstalls.iter().filter(|call| call.path.contains("external-install")).count();
    assert_eq!(uninstalls, 1);
}

#[tokio::test]
async fn no_token_stands_in_the_table_or_the_logs_and_no_code_state_or_address_does() {
    let variables = vec![("RUST_LOG".to_owned(), "trace".to_owned())];
    let stack =
        crate::support::with(local::stack::Options { installed: false, variables, ..Default::default() })
            .await;
    let mut browser = Browser::new(&stack);
    let away = browser.open("/connect/hubspot").await;
    let back = back_from_hubspot(&mut browser, &away, PORTAL).await;
    browser.open(back.as_str()).await;
    let back_again = super::back_from_intuit(&mut browser, "/connect/quickbooks", REALM).await;
    let page = browser.go(back_again.as_str()).await;
    assert_eq!(page.url.path(), super::CONFIRM);
    let hubspot = stack.http.get(format!("{}/_sim/state", stack.info.hubspot_url)).send().await.unwrap();
    let hubspot: serde_json::Value = hubspot.json().await.unwrap();
    let quickbooks = stack.quickbooks.state();
    let mut secrets: Vec<String> = Vec::new();
    for url in [&back, &back_again] {
        let is_secret = |name: &str| name == "code" || name == "state";
        secrets.extend(
            url.query_pairs().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.into_owned()),
        );
    }
    for cookie in ["__Host-session", "__Host-browser"] {
        secrets.push(browser.cookie(cookie).unwrap().to_owned());
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    secrets.extend(hubspot["grants"].as_array().unwrap().iter().map(|grant| text(&grant["refresh_token"])));
    secrets.extend(hubspot["access_tokens"].as_array().unwrap().iter().map(|token| text(&token["token"])));
    secrets
        .extend(quickbooks["grants"].as_array().unwrap().iter().map(|grant| text(&grant["refresh_token"])));
    assert_eq!(secrets.len(), 4 + 2 + 3, "{secrets:?}");
    let log = std::fs::read_to_string(stack.function("connect").unwrap().log()).unwrap();
    let table = table(&stack).await;
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "the log holds {secret}");
        assert!(!table.contains(secret.as_str()), "the table holds {secret}");
    }
    assert!(log.contains("answered") && !log.contains("owner@portal"), "nor whose address it is");
}
