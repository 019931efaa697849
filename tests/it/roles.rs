//! What a function needs of its role, and no other flow here has it do: CI holds what all of them used against what
//! `template.yaml` allows (`local::grants`). The three actions are one program, and elsewhere it is mostly the invoice that is run.

use jiff::SignedDuration;
use local::stack::Vendor;
use local::world::{HANNA, LETTERING, PORTAL, REALM, REFILL, THEO_FIRST};
use serde_json::{Value, json};

use crate::connect::browser::Browser;
use crate::connect::signed_in;
use crate::items::deal;
use crate::support::{but, created, history, run, settings, settled, stack, with};

/// The first who buys tokens of QuickBooks waits for them, so that the next one finds the right to buy taken; for less than the next
/// one waits, which is 1.5 to 3 seconds.
fn slow_renewal() -> Value {
    json!({"method": "POST", "path": "/tokens/bearer", "times": 1, "delay_ms": 1000})
}

#[tokio::test]
async fn every_action_and_the_reconciler_renew_tokens_make_customers_and_products_and_ask_after_an_earlier_run()
 {
    for (action, path) in [("estimate", "/estimate"), ("invoice", "/invoice"), ("receipt", "/salesreceipt")] {
        let stack = stack().await;
        // Every simulated company has this income account.
        settings(&stack, json!({"income_account": "9004"})).await;
        let enrolled = |deal: u64, if_repeated: &str| -> Value {
            let inputs = json!({
                "quickbooks_account": "default", "missing_item": "create", "if_repeated": if_repeated,
            });
            json!({
                "action": action, "portal_id": PORTAL.0, "object_type": "DEAL", "object_id": deal,
                "inputs": inputs,
            })
        };
        stack.faults(Vendor::QuickBooks, &json!([slow_renewal()])).unwrap();
        stack.expire_access_tokens().await.unwrap();
        tokio::join!(created(&stack, enrolled(HANNA, "create")), created(&stack, enrolled(REFILL, "create")));
        let calls = stack.calls(Vendor::QuickBooks);
        let purchases = calls.iter().filter(|call| call.path.ends_with("/tokens/bearer")).count();
        assert_eq!(purchases, 1, "{action}: the second one found the right to buy taken");

        let lost = |path: &str, after_effect: bool| -> Value {
            json!({"method": "POST", "path": path, "times": 1, "status": 503, "after_effect": after_effect})
        };
        // Where nobody can be called back HubSpot delivers again, and the action finds what it has made.
        deal(&stack, 900, &[json!({"name": "Fitting"})]).await;
        stack.faults(Vendor::QuickBooks, &json!([lost("/item", true)])).unwrap();
        let again = created(&stack, but(enrolled(900, "create"), json!({"source": "AGENTS"}))).await;
        assert_eq!(again.statuses().first(), Some(&503), "{action}");

        stack.faults(Vendor::QuickBooks, &json!([lost(path, true), lost("/item", false)])).unwrap();
        let first = run(&stack, enrolled(THEO_FIRST, "refuse")).await;
        let second = run(&stack, enrolled(THEO_FIRST, "return")).await;
        let product = run(&stack, enrolled(LETTERING, "create")).await;
        let states = [&first, &second, &product].map(|shown| shown.state());
        assert_eq!(states, ["BLOCK"; 3], "{action}");
        // What was bought just now has ended by then.
        stack.advance_clock(SignedDuration::from_mins(90));
        let first = settled(&stack, first).await;
        assert_eq!(first.output("status"), "created", "{action}");
        for (shown, status) in [(second, "existing"), (product, "created")] {
            let shown = history(&stack, shown.0["callback_id"].as_str().unwrap()).await;
            assert_eq!(settled(&stack, shown).await.output("status"), status, "{action}");
        }
    }
}

#[tokio::test]
async fn of_two_drop_downs_at_once_one_renews_the_company_s_tokens_and_both_are_filled() {
    let stack = stack().await;
    stack.faults(Vendor::QuickBooks, &json!([slow_renewal()])).unwrap();
    stack.expire_access_tokens().await.unwrap();
    let opened = async |field: &str| {
        let request = json!({
            "action": "invoice", "portal_id": PORTAL.0, "object_type_id": "0-3",
            "field": field, "inputs": {"quickbooks_account": REALM},
        });
        stack.options(&request).await.unwrap()
    };
    let (methods, accounts) = tokio::join!(opened("payment_method"), opened("deposit_account"));
    for (answer, label) in [(methods, "Cash"), (accounts, "Undeposited Funds")] {
        let choices = answer["options"].as_array().unwrap();
        assert!(choices.iter().any(|choice| choice["label"] == label), "{answer}");
    }
}

#[tokio::test]
async fn whoever_signs_out_has_to_sign_in_again() {
    let stack = with(local::Options { installed: false, ..local::Options::default() }).await;
    let mut browser: Browser = signed_in(&stack, PORTAL).await;
    let page = browser.go("/console").await;
    assert_eq!(page.status, 200, "{}", page.text);
    browser.submit(&page, "/console/sign-out", ("", "")).await;
    let away = browser.open("/console").await;
    assert_eq!(away.location.unwrap().path(), "/connect/hubspot");
}
