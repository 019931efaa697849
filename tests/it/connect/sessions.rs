//! Sessions: how long they last, and that each sign-in is a new one.

use jiff::SignedDuration;
use local::world::PORTAL;

use super::browser::Browser;
use super::{bare, sign_in, signed_in};

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
