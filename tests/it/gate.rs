//! Who may call an action, and what is never told: signatures, sizes, routes, and the log.

use hmac::{Hmac, KeyInit, Mac};
use local::stack::{Options, Stack, Vendor};
use local::world::{HARBOR, THEO_FIRST};
use serde_json::json;

use crate::support::{but, created, invoice, run, stack, with};

async fn nobody_was_called(stack: &Stack) {
    for vendor in [Vendor::HubSpot, Vendor::QuickBooks] {
        assert!(stack.calls(vendor).is_empty());
    }
    let items = stack.dynamodb.scan().table_name(&stack.info.table_name).send().await.unwrap();
    let executions = items.items().iter().filter(|item| item["pk"].as_s().unwrap().starts_with("E#")).count();
    assert_eq!(executions, 0, "nothing is stored");
}

#[tokio::test]
async fn a_wrong_or_missing_signature_is_401_with_no_detail_and_no_call_to_anyone() {
    let stack = stack().await;
    for signature in ["wrong", "none"] {
        let shown = run(&stack, but(invoice(HARBOR), json!({"signature": signature}))).await;
        assert_eq!((shown.statuses(), shown.bodies()), (vec![401], vec![""]), "{signature}");
    }
    nobody_was_called(&stack).await;
}

#[tokio::test]
async fn either_signature_of_hubspot_is_enough() {
    let stack = stack().await;
    for signature in ["v2", "v3", "both"] {
        created(&stack, but(invoice(THEO_FIRST), json!({"signature": signature}))).await;
    }
}

#[tokio::test]
async fn v2_can_be_switched_off() {
    let variables = vec![("ACCEPT_SIGNATURE_V2".to_owned(), "false".to_owned())];
    let stack = with(Options { variables, ..Options::default() }).await;
    let shown = run(&stack, but(invoice(HARBOR), json!({"signature": "v2"}))).await;
    assert_eq!(shown.statuses(), [401]);
    created(&stack, but(invoice(HARBOR), json!({"signature": "v3"}))).await;
}

#[tokio::test]
async fn a_valid_signature_outside_five_minutes_is_never_a_4xx() {
    let stack = stack().await;
    for offset_ms in [-310_000, 310_000] {
        let late = json!({"signature": "v3", "timestamp_offset_ms": offset_ms, "max_attempts": 1});
        let shown = run(&stack, but(invoice(HARBOR), late)).await;
        assert_eq!(shown.statuses(), [503], "{offset_ms}");
    }
    nobody_was_called(&stack).await;
}

#[tokio::test]
async fn a_signed_body_that_cannot_be_read_is_503_and_a_huge_one_413() {
    let stack = stack().await;
    for (body, status) in [
        ("{}".to_owned(), 503),
        (r#"{"callbackId":"a","origin":{"portalId":1},"object":{}} trailing"#.to_owned(), 503),
        ("x".repeat(256 * 1024 + 1), 413),
    ] {
        assert_eq!(post(&stack, &body).await.status(), status, "{} bytes", body.len());
    }
    nobody_was_called(&stack).await;
}

#[tokio::test]
async fn a_record_that_is_neither_deal_nor_quote_is_told_and_not_looked_for() {
    let stack = stack().await;
    let body = json!({"callbackId": "ap-1-2-3-0", "origin": {"portalId": 1_000_001},
        "object": {"objectId": 7, "objectType": "TICKET"}, "inputFields": {"quickbooks_account": "default"}});
    let answer = post(&stack, &body.to_string()).await;
    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["outputFields"]["errorCode"], "RECORD_TYPE_UNSUPPORTED");
    assert!(stack.calls(Vendor::HubSpot).is_empty());
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_are_404() {
    let stack = stack().await;
    let url = |path: &str| format!("{}{path}", stack.info.public_base_url);
    for path in ["/", "/actions", "/actions/invoice/", "/actions/Invoice", "/actions/nothing"] {
        assert_eq!(stack.http.post(url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(stack.http.get(url("/actions/invoice")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn paused_actions_answer_503_and_touch_nothing() {
    let variables = vec![("ACTIONS_PAUSED".to_owned(), "true".to_owned())];
    let stack = with(Options { variables, ..Options::default() }).await;
    let shown = run(&stack, but(invoice(HARBOR), json!({"max_attempts": 2}))).await;
    assert_eq!(shown.statuses(), [503, 503]);
    nobody_was_called(&stack).await;
}

#[tokio::test]
async fn a_portal_that_never_installed_the_app_is_told_to_connect() {
    let stack = stack().await;
    let shown = run(&stack, but(invoice(HARBOR), json!({"portal_id": 4_711}))).await;
    assert_eq!(shown.output("errorCode"), "NOT_CONNECTED", "{}", shown.0);
}

#[tokio::test]
async fn the_log_tells_ids_and_never_a_token_a_name_or_a_sum() {
    let variables = vec![("RUST_LOG".to_owned(), "trace".to_owned())];
    let stack = with(Options { variables, ..Options::default() }).await;
    let trouble = json!([
        {"method": "POST", "path": "/batch", "times": 1, "status": 500, "body": "Theo Brandt"},
        {"method": "POST", "path": "/invoice", "times": 1, "drop": true, "after_effect": true},
    ]);
    stack.faults(Vendor::QuickBooks, &trouble).unwrap();
    created(&stack, but(invoice(THEO_FIRST), json!({"callback_id": "ap-1000001-77-3-0"}))).await;
    run(&stack, but(invoice(HARBOR), json!({"signature": "wrong"}))).await;
    let log = std::fs::read_to_string(stack.function("invoice").unwrap().log()).unwrap();
    assert!(log.contains("ap-1000001-77-3-0") && log.contains("intuit_tid"), "ids are told: {log}");
    let secret = stack.info.hubspot_client_secret.as_str();
    let never = [
        secret,
        "hubspot-access-token",
        "quickbooks-access-token",
        "Theo",
        "Brandt",
        "brandtandsons",
        "Bearer",
    ];
    for word in never {
        assert!(!log.contains(word), "the log holds {word}");
    }
}

/// A body signed as HubSpot signs (v3).
pub(crate) async fn post(stack: &Stack, body: &str) -> reqwest::Response {
    let url = format!("{}/actions/invoice", stack.info.public_base_url);
    let timestamp = jiff::Timestamp::now().as_millisecond().to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(stack.info.hubspot_client_secret.as_bytes()).unwrap();
    mac.update(format!("POST{url}{body}{timestamp}").as_bytes());
    let signature = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, mac.finalize().into_bytes());
    let request = stack.http.post(url).header("content-type", "application/json").body(body.to_owned());
    let request =
        request.header("x-hubspot-signature-v3", signature).header("x-hubspot-request-timestamp", timestamp);
    request.send().await.unwrap()
}
