//! One document for each execution: deliveries repeated, at once, and disturbed.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use local::stack::{Options, Stack, Vendor};
use local::world::{HANNA, HARBOR, PORTAL, REALM, THEO_FIRST, THEO_SECOND};
use mapping::quickbooks::DocumentKind;
use serde_json::json;
use simulators::control::round_trips;
use store::record::{Claim, Key, State};

use crate::paid::{paid, paid_quote, payment};
use crate::support::{
    asked, but, created, forget_matches, history, invoice, portal, rows, run, settings, settled, stack,
    the_invoice, with,
};

#[tokio::test]
async fn an_execution_delivered_three_times_makes_one_invoice_and_byte_equal_answers() {
    let stack = stack().await;
    let shown = created(&stack, but(invoice(HARBOR), json!({"deliveries": 3}))).await;
    assert_eq!(shown.statuses(), [200, 200, 200]);
    assert!(shown.bodies().windows(2).all(|pair| pair[0] == pair[1]), "{:?}", shown.bodies());
    the_invoice(&stack);
}

#[tokio::test]
async fn a_failure_is_answered_again_byte_for_byte_even_when_it_would_succeed_by_now() {
    let stack = stack().await;
    let enrollment = but(invoice(999), json!({"callback_id": "ap-1000001-1-3-0"}));
    let first = run(&stack, enrollment.clone()).await;
    let deal =
        json!({"id": "999", "properties": {"dealname": "Now there"}, "associations": {"contacts": ["503"]}});
    portal(&stack, json!({"deals": [deal]})).await;
    let second = run(&stack, enrollment).await;
    assert_eq!(first.output("errorCode"), "RECORD_NOT_FOUND");
    assert_eq!(first.bodies(), second.bodies());
}

#[tokio::test]
async fn sixteen_deliveries_at_once_make_one_invoice() {
    let stack = stack().await;
    let shown = created(&stack, but(invoice(HARBOR), json!({"concurrent": 16, "max_attempts": 30}))).await;
    the_invoice(&stack);
    let (waiting, finals): (Vec<_>, Vec<_>) =
        shown.bodies().into_iter().partition(|body| body.contains("BLOCK"));
    assert_eq!(waiting.len() + finals.len(), 16, "each is answered once");
    assert!(!finals.is_empty() && finals.windows(2).all(|pair| pair[0] == pair[1]), "{finals:?}");
    assert_eq!(rows(&stack, "Customer").len(), 2, "one new customer");
}

#[tokio::test]
async fn two_deals_at_once_for_one_new_contact_make_one_customer() {
    let stack = stack().await;
    let (first, second) = tokio::join!(
        created(&stack, but(invoice(THEO_FIRST), json!({"max_attempts": 30}))),
        created(&stack, but(invoice(THEO_SECOND), json!({"max_attempts": 30}))),
    );
    assert_eq!(first.output("customer_id"), second.output("customer_id"));
    assert_eq!(rows(&stack, "Customer").len(), 2, "the known one and one new one");
    assert_eq!(rows(&stack, "Invoice").len(), 2);
}

#[tokio::test]
async fn an_invoice_whose_reply_was_lost_is_found_by_its_marker() {
    for fault in [
        json!({"method": "POST", "path": "/invoice", "times": 1, "drop": true, "after_effect": true}),
        json!({"method": "POST", "path": "/invoice", "times": 1, "status": 503, "after_effect": true}),
        json!({"method": "POST", "path": "/invoice", "times": 1, "status": 200, "body": "<html>", "after_effect": true}),
    ] {
        let stack = stack().await;
        stack.faults(Vendor::QuickBooks, &json!([fault])).unwrap();
        let shown = created(&stack, invoice(HARBOR)).await;
        assert_eq!(shown.states(), ["BLOCK"], "{fault}");
        let made = the_invoice(&stack);
        assert_eq!(made["Id"], shown.output("document_id"));
        let posts = stack
            .calls(Vendor::QuickBooks)
            .into_iter()
            .filter(|call| call.path.ends_with("/invoice"))
            .count();
        assert_eq!(posts, 1, "it was found, not sent again");
    }
}

#[tokio::test]
async fn a_send_that_may_have_had_an_effect_is_repeated_only_after_the_quiet_period() {
    for fault in [
        json!({"method": "POST", "path": "/invoice", "times": 1, "drop": true}),
        json!({"method": "POST", "path": "/invoice", "times": 1, "status": 500}),
        json!({"method": "POST", "path": "/invoice", "times": 1, "status": 403}),
    ] {
        let stack = stack().await;
        stack.faults(Vendor::QuickBooks, &json!([fault])).unwrap();
        let callback_id = "ap-1000001-1-3-0";
        let shown = run(&stack, but(invoice(HARBOR), json!({"callback_id": callback_id}))).await;
        assert_eq!(shown.states(), ["BLOCK"], "{fault}");
        for _minute in 0..3 {
            stack.advance_clock(SignedDuration::from_mins(1));
            stack.tick("reconcile").await.unwrap();
        }
        let key = Key::execution(PORTAL, callback_id);
        let record = stack.store.record(&key).await.unwrap().unwrap();
        assert_eq!((record.state, record.sends), (State::Sent, 1), "{fault}");
        assert!(rows(&stack, "Invoice").is_empty());

        let shown = settled(&stack, shown).await;
        assert_eq!(
            (shown.state(), shown.output("document_id")),
            ("SUCCESS", the_invoice(&stack)["Id"].as_str().unwrap())
        );
        let posts: Vec<_> = stack
            .calls(Vendor::QuickBooks)
            .into_iter()
            .filter(|call| call.path.ends_with("/invoice"))
            .collect();
        assert_eq!(posts.len(), 2, "{fault}");
        assert_eq!(
            (&posts[0].query, &posts[0].request_body),
            (&posts[1].query, &posts[1].request_body),
            "same id, same bytes"
        );
    }
}

#[tokio::test]
async fn a_throttled_send_is_taken_back_and_sent_again_without_a_quiet_period() {
    let stack = stack().await;
    let throttled = json!({"method": "POST", "path": "/invoice", "times": 2, "status": 429,
        "content_type": "application/xml",
        "body": "<IntuitResponse><Fault type=\"SERVICE\"><Error code=\"3001\"><Message>x</Message></Error></Fault></IntuitResponse>"});
    stack.faults(Vendor::QuickBooks, &json!([throttled])).unwrap();
    let shown = created(&stack, invoice(HANNA)).await;
    assert_eq!(shown.states(), ["BLOCK"]);
    the_invoice(&stack);
}

#[tokio::test]
async fn a_vendor_that_is_down_costs_a_retry_and_nothing_else() {
    let stack = stack().await;
    for (vendor, path) in [(Vendor::HubSpot, "/deals/"), (Vendor::QuickBooks, "/batch")] {
        stack.faults(vendor, &json!([{"path": path, "times": 2, "status": 502}])).unwrap();
        let shown = created(&stack, invoice(HANNA)).await;
        assert_eq!(*shown.statuses().last().unwrap(), 200);
        // Nothing is remembered of Hanna for the second vendor's turn.
        stack.faults(vendor, &json!([])).unwrap();
        forget_matches(&stack).await;
    }
    assert_eq!(rows(&stack, "Invoice").len(), 2);
    assert_eq!(rows(&stack, "Customer").len(), 1);
}

#[tokio::test]
async fn whoever_cannot_be_called_back_is_asked_to_deliver_again() {
    let agent = json!({"source": "AGENTS"});
    for (without_scope, change) in [(false, agent), (true, json!({}))] {
        let stack = stack().await;
        if without_scope {
            forbid_callbacks(&stack).await;
        }
        let lost =
            json!([{"method": "POST", "path": "/invoice", "times": 1, "drop": true, "after_effect": true}]);
        stack.faults(Vendor::QuickBooks, &lost).unwrap();
        let shown = created(&stack, but(invoice(HARBOR), change)).await;
        assert_eq!(shown.statuses(), [503, 200]);
        the_invoice(&stack);
    }
}

/// As if the app had been installed without the scope that calling back needs.
async fn forbid_callbacks(stack: &Stack) {
    let id = format!("hsqbo/dev/hubspot/{PORTAL}");
    let kept = stack.secrets.get_secret_value().secret_id(&id).send().await.unwrap();
    let mut secret: serde_json::Value = serde_json::from_str(kept.secret_string().unwrap()).unwrap();
    secret["scopes"].as_array_mut().unwrap().retain(|scope| scope != "automation");
    // Under the same version id: the connection names it.
    stack.secrets.delete_secret().secret_id(&id).force_delete_without_recovery(true).send().await.unwrap();
    let version = kept.version_id().unwrap();
    let create = stack.secrets.create_secret().name(&id).client_request_token(version);
    create.secret_string(secret.to_string()).send().await.unwrap();
}

#[tokio::test]
async fn a_vendor_that_is_down_for_hours_costs_nothing_when_it_is_back() {
    let stack = stack().await;
    stack.faults(Vendor::QuickBooks, &json!([{"path": "/", "times": 100_000, "status": 503}])).unwrap();
    let shown = run(&stack, invoice(HARBOR)).await;
    assert_eq!(shown.states(), ["BLOCK"]);
    for _quarter in 0..12 {
        stack.advance_clock(SignedDuration::from_mins(15));
        stack.tick("reconcile").await.unwrap();
    }
    stack.faults(Vendor::QuickBooks, &json!([])).unwrap();
    let shown = settled(&stack, shown).await;
    assert_eq!(
        (shown.state(), shown.output("document_id")),
        ("SUCCESS", the_invoice(&stack)["Id"].as_str().unwrap())
    );
}

#[tokio::test]
async fn before_hubspot_stops_waiting_it_is_told_how_things_stand_and_nothing_is_sent_any_more() {
    let down = json!({"path": "/", "times": 100_000, "status": 503});
    let lost = |after_effect| json!({"path": "/invoice", "method": "POST", "times": 1, "drop": true, "after_effect": after_effect});
    for (fault, code, end) in [
        (down.clone(), "UPSTREAM_DOWN", State::Failed),
        (lost(false), "NEEDS_REVIEW", State::Failed),
        (lost(true), "NEEDS_REVIEW", State::Completed),
    ] {
        let stack = stack().await;
        stack.faults(Vendor::QuickBooks, &json!([fault])).unwrap();
        let callback_id = "ap-1000001-1-3-0";
        let shown = run(&stack, but(invoice(HARBOR), json!({"callback_id": callback_id}))).await;
        assert_eq!(shown.states(), ["BLOCK"]);
        // Whether it was made or not, the books cannot be read since.
        stack.faults(Vendor::QuickBooks, &json!([down])).unwrap();
        stack.advance_clock(SignedDuration::from_mins(5 * 60 + 41));
        stack.tick("reconcile").await.unwrap();
        let shown = history(&stack, callback_id).await;
        assert_eq!((shown.state(), shown.output("errorCode")), ("FAIL_CONTINUE", code), "{}", shown.0);
        assert_eq!(stored(&stack, callback_id).await.callback_due, None);
        // What exists is found all the same, and its end is kept; what does not is not sent again.
        stack.faults(Vendor::QuickBooks, &json!([])).unwrap();
        for _quarter in 0..2 {
            stack.advance_clock(SignedDuration::from_mins(16));
            stack.tick("reconcile").await.unwrap();
        }
        let made = usize::from(end == State::Completed);
        assert_eq!((stored(&stack, callback_id).await.state, rows(&stack, "Invoice").len()), (end, made));
    }
}

/// What was asked for is kept as JSON; this one's cannot be read, as if another version had written it.
#[tokio::test]
async fn hubspot_is_told_in_time_also_of_what_cannot_be_read_any_more() {
    for (after_send, state, code) in [(false, "FAIL_CONTINUE", "UPSTREAM_DOWN"), (true, "SUCCESS", "NONE")] {
        let stack = stack().await;
        let lost =
            json!([{"method": "POST", "path": "/invoice", "times": 1, "drop": true, "after_effect": true}]);
        let down = json!([{"path": "/", "times": 100_000, "status": 503}]);
        stack.faults(Vendor::QuickBooks, if after_send { &lost } else { &down }).unwrap();
        let enrollment = but(invoice(HARBOR), json!({"callback_id": "ap-1000001-1-3-0"}));
        assert_eq!(run(&stack, enrollment).await.states(), ["BLOCK"]);
        let update = stack.dynamodb.update_item().table_name(&stack.info.table_name);
        let update = update
            .key("pk", AttributeValue::S(format!("E#{PORTAL}#ap-1000001-1-3-0")))
            .key("sk", AttributeValue::S("EXECUTION".to_owned()))
            .update_expression("SET asked = :nonsense")
            .expression_attribute_values(":nonsense", AttributeValue::S("{".to_owned()));
        update.send().await.unwrap();
        stack.faults(Vendor::QuickBooks, &json!([])).unwrap();
        stack.advance_clock(SignedDuration::from_mins(5 * 60));
        for _tenth in 0..10 {
            stack.tick("reconcile").await.unwrap();
            stack.advance_clock(SignedDuration::from_mins(6));
        }
        let shown = history(&stack, "ap-1000001-1-3-0").await;
        assert_eq!((shown.state(), shown.output("errorCode")), (state, code), "{}", shown.0);
    }
}

#[tokio::test]
async fn after_a_restore_the_books_are_searched_before_anything_is_sent() {
    let since = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let variables = vec![("SAFE_MODE_SINCE".to_owned(), since)];
    let stack = with(Options { variables, ..Options::default() }).await;
    let callback_id = "ap-1000001-1-3-0";
    let enrollment = but(invoice(HARBOR), json!({"callback_id": callback_id}));
    let first = created(&stack, enrollment.clone()).await;
    assert_eq!(first.states(), ["BLOCK"], "nobody knows yet whether it was sent before the restore");
    forget(&stack, callback_id).await;
    // requestid is forgotten too: the look alone must find it.
    stack
        .seed_quickbooks(&json!({"companies": [{"realm_id": REALM, "switches": {"request_ids": "ignore"}}]}))
        .await
        .unwrap();
    let shown = run(&stack, enrollment).await;
    let record = stack.store.record(&Key::execution(PORTAL, callback_id)).await;
    assert_eq!(record.unwrap().unwrap().sends, 0);
    settled(&stack, shown).await;
    // The callback of the first life settled the simulator's history, so what counts is the record.
    pass(&stack, 15).await;
    let record = stored(&stack, callback_id).await;
    assert_eq!((record.state, record.sends, record.callback_due), (State::Completed, 0, None));
    assert_eq!(record.made_id.as_deref(), Some(first.output("document_id")));
    the_invoice(&stack);
}

#[tokio::test]
async fn a_new_customer_whose_reply_was_lost_is_found_and_not_made_twice() {
    let stack = stack().await;
    let lost =
        json!([{"method": "POST", "path": "/customer", "times": 1, "drop": true, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let shown = created(&stack, invoice(THEO_FIRST)).await;
    assert_eq!(shown.states(), ["BLOCK"]);
    assert_eq!(rows(&stack, "Customer").len(), 2);
    the_invoice(&stack);
}

#[tokio::test]
async fn a_function_killed_while_it_sends_leaves_one_invoice() {
    let stack =
        with(Options { function_timeout: Some(std::time::Duration::from_secs(60)), ..Options::default() })
            .await;
    let slow = json!([{"method": "POST", "path": "/invoice", "times": 1, "delay_ms": 1500}]);
    stack.faults(Vendor::QuickBooks, &slow).unwrap();
    let callback_id = "ap-1000001-1-3-0";
    let enrollment = but(invoice(HARBOR), json!({"callback_id": callback_id, "max_attempts": 1}));
    let killer = async {
        asked(&stack, Vendor::QuickBooks, "/invoice").await;
        stack.function("invoice").unwrap().kill_all().await
    };
    let (shown, killed) = tokio::join!(run(&stack, enrollment.clone()), killer);
    assert_eq!((killed, shown.state()), (1, "FAILED"), "{}", shown.0);
    while stack.calls(Vendor::QuickBooks).iter().any(|call| call.ended_us.is_none()) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    stack.advance_clock(QUIET);
    let shown = created(&stack, enrollment).await;
    assert_eq!(shown.output("document_id"), the_invoice(&stack)["Id"]);
}

#[tokio::test]
async fn cold_caches_cost_two_round_trips_to_each_vendor_and_one_more_for_a_new_customer() {
    let stack = stack().await;
    // Slow enough that calls sent together are seen together.
    for vendor in [Vendor::HubSpot, Vendor::QuickBooks] {
        stack.faults(vendor, &json!([{"path": "/", "times": 1000, "delay_ms": 150}])).unwrap();
    }
    for (deal, quickbooks, why) in [
        (HANNA, 2, "look-ups in one, create in one"),
        (HANNA, 1, "warm: everything is remembered"),
        (THEO_FIRST, 3, "and the customer is created"),
    ] {
        let counts = || [Vendor::HubSpot, Vendor::QuickBooks].map(|vendor| stack.calls(vendor).len());
        let before = counts();
        created(&stack, invoice(deal)).await;
        let trips = |vendor, skip: usize| round_trips(&stack.calls(vendor)[skip..]);
        assert_eq!(trips(Vendor::HubSpot, before[0]), 2, "HubSpot: {why}");
        assert_eq!(trips(Vendor::QuickBooks, before[1]), quickbooks, "QuickBooks: {why}");
    }
}

#[tokio::test]
async fn the_new_products_of_a_deal_cost_one_round_trip_together() {
    let stack = stack().await;
    let income =
        rows(&stack, "Account").into_iter().find(|account| account["AccountType"] == "Income").unwrap();
    settings(&stack, json!({"income_account": income["Id"]})).await;
    created(&stack, invoice(HANNA)).await;
    let ids: Vec<String> = (901..905).map(|id| id.to_string()).collect();
    let line = |id: &String| {
        let name = format!("Never sold before {id}");
        json!({"id": id, "properties": {"name": name, "quantity": "1", "price": "5", "amount": "5.00"}})
    };
    let lines: Vec<_> = ids.iter().map(line).collect();
    let deal = json!({"id": "900", "properties": {"dealname": "All new", "deal_currency_code": "USD"},
        "associations": {"contacts": ["503"], "line_items": ids}});
    portal(&stack, json!({"deals": [deal], "line_items": lines})).await;
    stack.faults(Vendor::QuickBooks, &json!([{"path": "/", "times": 1000, "delay_ms": 500}])).unwrap();
    let before = stack.calls(Vendor::QuickBooks).len();
    let creating = json!({"inputs": {"quickbooks_account": "default", "missing_item": "create"}});
    created(&stack, but(invoice(900), creating)).await;
    let calls = &stack.calls(Vendor::QuickBooks)[before..];
    assert_eq!(calls.iter().filter(|call| call.path.ends_with("/item")).count(), 4);
    assert_eq!(round_trips(calls), 3, "look-ups, products, document");
}

/// Until every lease has ended and no earlier send can still take effect.
pub(crate) const QUIET: SignedDuration = SignedDuration::from_mins(5);

#[tokio::test]
async fn after_a_restore_a_payment_is_looked_for_too_and_made_once() {
    for made_before in [true, false] {
        let since = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let variables = vec![("SAFE_MODE_SINCE".to_owned(), since)];
        let stack = with(Options { variables, ..Options::default() }).await;
        paid_quote(&stack, payment("9401", json!({}))).await;
        let callback_id = "ap-1000001-1-3-0";
        let enrollment = but(paid("QUOTE", 910), json!({"callback_id": callback_id}));
        if made_before {
            created(&stack, enrollment.clone()).await;
            forget(&stack, callback_id).await;
            let ignored = json!({"realm_id": REALM, "switches": {"request_ids": "ignore"}});
            stack.seed_quickbooks(&json!({"companies": [ignored]})).await.unwrap();
        }
        run(&stack, enrollment).await;
        pass(&stack, 30).await;
        let record = stored(&stack, callback_id).await;
        assert_eq!(record.state, State::Completed);
        assert_eq!((rows(&stack, "Invoice").len(), rows(&stack, "Payment").len()), (1, 1), "{made_before}");
    }
}

#[tokio::test]
async fn after_a_restore_what_cannot_be_planned_goes_to_a_person_and_is_not_called_a_failure() {
    let since = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let variables = vec![("SAFE_MODE_SINCE".to_owned(), since)];
    let stack = with(Options { variables, ..Options::default() }).await;
    let shown = run(&stack, but(invoice(999), json!({"callback_id": "ap-1000001-1-3-0"}))).await;
    assert_eq!(shown.output("errorCode"), "NEEDS_REVIEW", "{}", shown.0);
    assert_eq!(stored(&stack, "ap-1000001-1-3-0").await.state, State::NeedsReview);
}

#[tokio::test]
async fn a_function_killed_before_it_could_promise_is_ended_without_another_delivery() {
    let stack = stack().await;
    let slow = json!([{"method": "POST", "path": "/invoice", "times": 1, "delay_ms": 1500}]);
    stack.faults(Vendor::QuickBooks, &slow).unwrap();
    let callback_id = "ap-1000001-1-3-0";
    let enrollment = but(invoice(HARBOR), json!({"callback_id": callback_id, "max_attempts": 1}));
    let killer = async {
        asked(&stack, Vendor::QuickBooks, "/invoice").await;
        stack.function("invoice").unwrap().kill_all().await
    };
    let (_shown, killed) = tokio::join!(run(&stack, enrollment), killer);
    assert_eq!(killed, 1);
    while stack.calls(Vendor::QuickBooks).iter().any(|call| call.ended_us.is_none()) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    pass(&stack, 30).await;
    let record = stored(&stack, callback_id).await;
    assert_eq!((record.state, record.deliveries), (State::Completed, 1));
    assert_eq!(record.made_id.as_deref(), the_invoice(&stack)["Id"].as_str());
}

#[tokio::test]
async fn a_callback_that_hubspot_does_not_hear_is_repeated_and_byte_equal_to_the_answer() {
    let stack = stack().await;
    let lost =
        json!([{"method": "POST", "path": "/invoice", "times": 1, "drop": true, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let deaf = json!([{"path": "/automation/actions/callbacks", "times": 3, "status": 502}]);
    stack.faults(Vendor::HubSpot, &deaf).unwrap();
    let callback_id = "ap-1000001-1-3-0";
    let shown = run(&stack, but(invoice(HARBOR), json!({"callback_id": callback_id}))).await;
    let shown = settled(&stack, shown).await;
    assert_eq!(shown.state(), "SUCCESS");
    let callbacks: Vec<_> =
        stack.calls(Vendor::HubSpot).into_iter().filter(|call| call.path.contains("/callbacks/")).collect();
    let statuses: Vec<_> = callbacks.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(502), Some(502), Some(502), Some(204)]);
    let answer = stored(&stack, callback_id).await.answer.unwrap();
    let expected = format!("{},\"typedOutputs\":{{}}}}", answer.strip_suffix('}').unwrap());
    assert!(callbacks.iter().all(|call| call.request_body == expected), "{callbacks:?}");
}

#[tokio::test]
async fn a_record_that_nobody_can_resume_stands_in_no_one_s_way() {
    let stack = stack().await;
    let down = json!([{"path": "/", "times": 100_000, "status": 503}]);
    stack.faults(Vendor::QuickBooks, &down).unwrap();
    let odd = "ap-1000001-1-3-0";
    run(&stack, but(invoice(HANNA), json!({"callback_id": odd}))).await;
    let fine = run(&stack, invoice(HARBOR)).await;
    // What it asked for is lost, and its promise with it.
    let update = stack.dynamodb.update_item().table_name(&stack.info.table_name);
    update
        .key("pk", AttributeValue::S(format!("E#{PORTAL}#{odd}")))
        .key("sk", AttributeValue::S("EXECUTION".into()))
        .update_expression("REMOVE asked, callback_due")
        .send()
        .await
        .unwrap();
    stack.faults(Vendor::QuickBooks, &json!([])).unwrap();
    assert_eq!(settled(&stack, fine).await.state(), "SUCCESS");
    let key = Key::execution(PORTAL, odd);
    assert!(!stack.store.due(stack.now(), 10).await.unwrap().contains(&key), "left for later");
    assert_eq!(stored(&stack, odd).await.state, State::Claimed);
}

#[tokio::test]
async fn the_kill_switch_sends_nothing_and_keeps_every_promise() {
    let variables = vec![("ACTIONS_PAUSED".to_owned(), "true".to_owned())];
    let stack = with(Options { variables, ..Options::default() }).await;
    let refused = run(&stack, but(invoice(HANNA), json!({"max_attempts": 1}))).await;
    assert_eq!(refused.statuses(), [503]);
    // Promised before the switch was thrown.
    let callback_id = "ap-1000001-1-3-0";
    let key = Key::execution(PORTAL, callback_id);
    let asked = json!({"object_type": "DEAL", "object_id": HARBOR, "inputs": {}, "source": "WORKFLOWS"});
    let claim = Claim {
        action: Some(DocumentKind::Invoice),
        realm: Some(REALM.to_owned().try_into().unwrap()),
        request: Some(asked.to_string()),
        ..Claim::new(key.clone(), stack.now(), stack.now() + SignedDuration::from_secs(65))
    };
    stack.store.claim(&claim).await.unwrap();
    stack.store.owe_callback(&key, stack.now() + SignedDuration::from_hours(6)).await.unwrap();
    for _quarter in 0..23 {
        stack.advance_clock(SignedDuration::from_mins(15));
        stack.tick("reconcile").await.unwrap();
    }
    assert_eq!(stored(&stack, callback_id).await.state, State::Failed);
    let told =
        stack.calls(Vendor::HubSpot).into_iter().filter(|call| call.path.contains(callback_id)).count();
    assert!(told > 0, "HubSpot was told");
    assert_eq!(stack.calls(Vendor::QuickBooks).len(), 0, "nothing was asked or sent");
}

/// Lets minutes pass, each with its run of the reconciler.
async fn pass(stack: &Stack, minutes: u32) {
    for _minute in 0..minutes {
        stack.advance_clock(SignedDuration::from_mins(1));
        stack.tick("reconcile").await.unwrap();
    }
}

async fn stored(stack: &Stack, callback_id: &str) -> store::record::Record {
    let key = Key::execution(PORTAL, callback_id);
    stack.store.record(&key).await.unwrap().unwrap()
}

/// As if the table had been restored to a moment before the execution: its record is gone, and what it made is not.
async fn forget(stack: &Stack, callback_id: &str) {
    let delete = stack.dynamodb.delete_item().table_name(&stack.info.table_name);
    let (pk, sk) = (format!("E#{PORTAL}#{callback_id}"), "EXECUTION".to_owned());
    delete.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk)).send().await.unwrap();
}
