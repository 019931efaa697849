//! Sessions: how long they last, and that each sign-in is a new one.

use jiff::SignedDuration;
use local::world::{COMPANY, HANNA, HUBSPOT_TOKEN, PORTAL, REALM};

use super::browser::Browser;
use super::{CONFIRM, OTHER_REALM, bare, companies, confirmation, seed_others, sign_in, signed_in};
use crate::support::{invoice, refused, stack};

const START: &str = "/connect/quickbooks";

/// Whether the browser's session is still good: else it is sent to sign in.
async fn is_signed_in(browser: &mut Browser) -> bool {
    match browser.open(START).await.location.unwrap().path() {
        "/connect/oauth2" => true,
        "/connect/hubspot" => false,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_session_ends_when_nobody_used_it_for_eight_hours() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    for _ in 0..3 {
        stack.advance_clock(SignedDuration::from_mins(8 * 60 - 1));
        assert!(is_signed_in(&mut browser).await);
    }
    stack.advance_clock(SignedDuration::from_hours(8));
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn each_sign_in_is_a_new_session_and_ends_the_one_before() {
    let stack = bare().await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let first = browser.cookie("__Host-session").unwrap().to_owned();
    sign_in(&mut browser, PORTAL).await;
    assert_ne!(browser.cookie("__Host-session"), Some(first.as_str()));
    assert!(is_signed_in(&mut browser).await);
    browser.set_cookie("__Host-session", &first);
    assert!(!is_signed_in(&mut browser).await, "whoever had the old cookie has nothing");
    // One that somebody made up is no session, and is not taken over at sign-in.
    let made_up = "a".repeat(64);
    let mut browser = Browser::new(&stack);
    browser.set_cookie("__Host-session", &made_up);
    assert!(!is_signed_in(&mut browser).await);
    sign_in(&mut browser, PORTAL).await;
    assert_ne!(browser.cookie("__Host-session"), Some(made_up.as_str()));
}

#[tokio::test]
async fn after_an_uninstall_in_hubspot_s_settings_a_session_is_good_for_looking_and_taking_away() {
    let stack = stack().await;
    seed_others(&stack).await;
    let mut browser = signed_in(&stack, PORTAL).await;
    let waiting = confirmation(&mut browser, START, OTHER_REALM).await;
    let url = format!("{}/appinstalls/v3/external-install", stack.info.hubspot_url);
    let gone = stack.http.delete(url).bearer_auth(HUBSPOT_TOKEN).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    // HubSpot tells nobody; the next execution finds it out.
    refused(&stack, invoice(HANNA), "CONNECTION_EXPIRED").await;
    let shown = browser.go("/console").await;
    assert!(shown.shows("HubSpot no longer accepts") && shown.shows(COMPANY), "{}", shown.text);
    let company = browser.go(&format!("/console/company/{REALM}")).await;
    let action = format!("/console/company/{REALM}/name");
    let mut fields = company.fields_of(&action);
    fields.push(("name".to_owned(), "Renamed".to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let refused = browser.post(&action, &fields).await;
    assert_eq!(refused.location.unwrap().path(), "/console");
    assert_eq!(super::portal(&stack, PORTAL).await.companies[0].name, COMPANY);
    let told = browser.submit(&waiting, CONFIRM, ("decision", "connect")).await;
    assert_eq!((told.status, told.link("Install again").path()), (403, "/connect/hubspot"), "{}", told.text);
    assert!(!is_signed_in(&mut browser).await, "to connect is to install again");
    let page = browser.go(&format!("/disconnect/quickbooks?realm={REALM}")).await;
    browser.submit(&page, "/disconnect/quickbooks", ("", "")).await;
    assert_eq!(companies(&stack, PORTAL).await, Vec::<String>::new());
}
