//! Tokens that ended, and the drop-downs of the workflow editor.

use jiff::SignedDuration;
use local::stack::Vendor;
use local::world::{COMPANY, HANNA, HARBOR, PORTAL, REALM};
use serde_json::{Value, json};

use crate::support::{created, invoice, rows, stack};

#[tokio::test]
async fn tokens_that_the_vendors_no_longer_take_are_renewed_and_the_action_goes_on() {
    let stack = stack().await;
    created(&stack, invoice(HANNA)).await;
    // Our clock says that they are good for long, the vendors say otherwise.
    stack.expire_access_tokens().await.unwrap();
    let shown = created(&stack, invoice(HARBOR)).await;
    assert_eq!(shown.statuses(), [200], "within one delivery");
    assert_eq!(rows(&stack, "Invoice").len(), 2);
    // Stored: another process goes on with the new ones.
    assert_eq!(stack.function("invoice").unwrap().kill_all().await, 1);
    let before = refreshes(&stack);
    created(&stack, invoice(HANNA)).await;
    assert_eq!(refreshes(&stack), before, "nobody had to renew again");
}

#[tokio::test]
async fn tokens_whose_time_is_over_are_renewed_before_a_vendor_refuses_them() {
    let stack = stack().await;
    stack.advance_clock(SignedDuration::from_hours(24 * 60));
    created(&stack, invoice(HANNA)).await;
    stack.advance_clock(SignedDuration::from_hours(2));
    created(&stack, invoice(HARBOR)).await;
    assert_eq!(refreshes(&stack), 4, "each vendor's, each time");
    let refused: Vec<_> = [Vendor::HubSpot, Vendor::QuickBooks]
        .into_iter()
        .flat_map(|vendor| stack.calls(vendor))
        .filter(|call| call.status == Some(401))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

fn refreshes(stack: &local::stack::Stack) -> usize {
    let is_refresh = |path: &str| path.contains("/tokens/bearer") || path.contains("/oauth/");
    [Vendor::HubSpot, Vendor::QuickBooks]
        .into_iter()
        .flat_map(|vendor| stack.calls(vendor))
        .filter(|call| is_refresh(&call.path))
        .count()
}

async fn options(stack: &local::stack::Stack, request: Value) -> Value {
    let mut all = json!({"action": "invoice", "portal_id": PORTAL.0, "object_type_id": "0-3"});
    for (name, value) in request.as_object().unwrap() {
        all[name] = value.clone();
    }
    let answer = stack.options(&all).await.unwrap_or_else(|error| panic!("{error}"));
    let problems = answer["problems"].as_array().map_or(0, Vec::len);
    assert_eq!(problems, 0, "{answer}");
    answer
}

fn labels(answer: &Value) -> Vec<&str> {
    answer["options"].as_array().unwrap().iter().map(|option| option["label"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_companies_of_the_portal_are_offered_the_default_first() {
    let stack = stack().await;
    let answer = options(&stack, json!({"field": "quickbooks_account"})).await;
    assert_eq!(labels(&answer), [&format!("Default company ({COMPANY})"), COMPANY]);
    assert_eq!(answer["options"][0]["value"], "default");
    assert_eq!(answer["options"][1]["value"], REALM);
}

#[tokio::test]
async fn a_portal_without_a_company_reads_why_in_the_list() {
    let stack = stack().await;
    let answer = options(&stack, json!({"field": "quickbooks_account", "portal_id": 4_711})).await;
    assert_eq!(labels(&answer).len(), 1);
    assert!(labels(&answer)[0].contains("not connected"), "{answer}");
}

#[tokio::test]
async fn payment_methods_and_deposit_accounts_come_from_the_chosen_company() {
    let stack = stack().await;
    let inputs = json!({"quickbooks_account": REALM});
    let methods = options(&stack, json!({"field": "payment_method", "inputs": inputs})).await;
    assert!(labels(&methods).contains(&"Visa"), "{methods}");
    let accounts = options(&stack, json!({"field": "deposit_account", "inputs": inputs})).await;
    assert!(
        labels(&accounts).contains(&"Checking") && labels(&accounts).contains(&"Undeposited Funds"),
        "{accounts}"
    );
    assert!(!labels(&accounts).contains(&"Discounts given"), "income accounts take no deposits: {accounts}");
    let found = options(&stack, json!({"field": "deposit_account", "inputs": inputs, "q": "check"})).await;
    assert_eq!(labels(&found), ["Checking"]);
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page() {
    let stack = stack().await;
    let accounts: Vec<_> =
        (0..150).map(|at| json!({"Name": format!("Till {at:03}"), "AccountType": "Bank"})).collect();
    crate::support::company(&stack, json!({"accounts": accounts})).await;
    let inputs = json!({"quickbooks_account": REALM});
    let first = options(&stack, json!({"field": "deposit_account", "inputs": inputs})).await;
    let second =
        options(&stack, json!({"field": "deposit_account", "inputs": inputs, "after": first["after"]})).await;
    let tills =
        [&first, &second].into_iter().flat_map(labels).filter(|label| label.starts_with("Till")).count();
    assert_eq!((labels(&first).len(), tills), (100, 150));
    assert!(second["after"].is_null(), "{second}");
}

#[tokio::test]
async fn nobody_but_hubspot_may_ask() {
    let stack = stack().await;
    let request = json!({"action": "invoice", "portal_id": PORTAL.0, "field": "quickbooks_account", "signature": "wrong"});
    assert_eq!(stack.options(&request).await.unwrap()["status"], 401);
    let url = format!("{}/options/anything", stack.info.public_base_url);
    assert_eq!(stack.http.post(url).send().await.unwrap().status(), 404);
}
