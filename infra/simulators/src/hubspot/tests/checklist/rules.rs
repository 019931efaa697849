//! What a workflow's history says of an answer (hubspot.md §1.1, §2.2).

use super::*;

#[tokio::test]
async fn item_4_a_business_failure_shows_the_sentence_of_its_rule_with_the_names_in_it() {
    let fixture = fixture().await;
    let refused = outputs(json!({
        "hs_execution_state": "FAIL_CONTINUE", "status": "failed", "errorCode": "ITEM_NOT_FOUND", "error_subject": "“Setup fee”"
    }));
    let (history, _) = fixture.run(json!({}), vec![refused]).await;
    assert_eq!((&history["state"], &history["rule"]), (&json!("FAIL_CONTINUE"), &json!("ITEM_NOT_FOUND")));
    assert!(history["label"].as_str().unwrap().starts_with("No QuickBooks product matches “Setup fee”. "));
}

#[tokio::test]
async fn item_4_an_answer_that_cannot_be_used_has_no_sentence_and_says_why() {
    let fixture = fixture().await;
    for (answer, problem) in [
        ("Created".into_response(), "the answer is not JSON: expected value at line 1 column 1"),
        ("{}".into_response(), "the answer has no outputFields"),
        (outputs(json!({ "total": 12 })), "output total is not a string"),
        (outputs(json!({ "totl": "12" })), "the action has no output totl"),
        (outputs(json!({ "hs_execution_state": "DONE" })), "DONE is no hs_execution_state"),
    ] {
        let (history, _) = fixture.run(json!({}), vec![answer]).await;
        assert_eq!((&history["state"], &history["problems"]), (&json!("FAILED"), &json!([problem])));
    }
}

#[tokio::test]
async fn item_4_of_several_rules_that_fit_the_first_is_shown() {
    let fixture = fixture().await;
    let answer = |state: &str, status: &str, code: &str| {
        outputs(json!({ "hs_execution_state": state, "status": status, "errorCode": code }))
    };
    // The rule of the code fits as well.
    let (history, _) =
        fixture.run(json!({}), vec![answer("SUCCESS", "partly_paid", "PAYMENT_REFUSED")]).await;
    assert_eq!(history["rule"], "partly_paid");
    // The last rule fits every failure.
    let (history, _) = fixture.run(json!({}), vec![answer("FAIL_CONTINUE", "failed", "NO_CONTACT")]).await;
    assert_eq!(history["rule"], "NO_CONTACT");
    let (history, _) = fixture.run(json!({}), vec![answer("FAIL_CONTINUE", "failed", "ADDED_LATER")]).await;
    assert_eq!(history["rule"], "failed");
}

#[tokio::test]
async fn item_4_the_outputs_of_a_4xx_choose_a_sentence_only_when_switched_so() {
    let fixture = fixture().await;
    let refused = || {
        let answer = outputs(json!({ "status": "failed", "errorCode": "NO_CONTACT" }));
        (StatusCode::BAD_REQUEST, answer).into_response()
    };
    let (history, _) = fixture.run(json!({}), vec![refused()]).await;
    assert_eq!((&history["state"], &history["rule"]), (&json!("FAILED"), &Value::Null));
    fixture.switch(json!({ "rules_on_4xx": "evaluated" })).await;
    let (history, _) = fixture.run(json!({}), vec![refused()]).await;
    assert_eq!((&history["state"], &history["rule"]), (&json!("FAILED"), &json!("NO_CONTACT")));
}

#[tokio::test]
async fn item_4_a_block_in_the_body_of_a_4xx_blocks_only_when_switched_so() {
    let fixture = fixture().await;
    let answer = || {
        let fields = json!({ "hs_execution_state": "BLOCK", "hs_expiration_duration": "PT15M" });
        (StatusCode::CONFLICT, outputs(fields)).into_response()
    };
    let (history, _) = fixture.run(json!({}), vec![answer()]).await;
    assert_eq!((&history["state"], history.get("blocked_until")), (&json!("FAILED"), None));
    fixture.switch(json!({ "block_in_4xx": "blocks" })).await;
    let (history, _) = fixture.run(json!({}), vec![answer()]).await;
    assert_eq!((&history["state"], history["blocked_until"].is_string()), (&json!("BLOCK"), true));
}
