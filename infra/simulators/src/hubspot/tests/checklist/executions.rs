//! What is sent (hubspot.md §2.1).

use super::*;
use uuid::Uuid;

#[tokio::test]
async fn item_1_an_execution_has_the_documented_body_and_headers_and_both_signatures() {
    let fixture = fixture().await;
    let (history, received) = fixture.run(json!({}), vec![]).await;
    let (headers, body) = &received[0];
    assert_eq!(
        body,
        concat!(
            r#"{"callbackId":"ap-1000001-900000000001-3-0","origin":{"portalId":1000001,"userId":null,"#,
            r#""actionDefinitionId":77000002,"actionDefinitionVersion":4,"actionExecutionIndexIdentifier":"#,
            r#"{"enrollmentId":900000000001,"actionExecutionIndex":0},"extensionDefinitionVersionId":4,"#,
            r#""extensionDefinitionId":77000002},"context":{"workflowId":55000001,"actionId":3,"#,
            r#""actionExecutionIndexIdentifier":{"enrollmentId":900000000001,"actionExecutionIndex":0},"#,
            r#""source":"WORKFLOWS"},"object":{"objectId":8800000001,"objectType":"DEAL"},"fields":"#,
            r#"{"due_days":"30","quickbooks_account":"default"},"inputFields":{"due_days":"30","#,
            r#""quickbooks_account":"default"},"typedInputs":{"due_days":{"value":"30","type":"STRING"},"#,
            r#""quickbooks_account":{"value":"default","type":"STRING"}}}"#,
        )
    );
    let url = format!("{}/actions/invoice", fixture.hubspot.state().action_base_url.clone().unwrap());
    let timestamp_ms = headers["x-hubspot-request-timestamp"].to_str().unwrap().parse().unwrap();
    assert_eq!(headers["x-hubspot-signature"], signature::v2(SECRET, "POST", &url, body.as_bytes()));
    assert_eq!(headers["x-hubspot-signature-version"], "v2");
    let v3 = signature::v3(SECRET, "POST", &url, body.as_bytes(), timestamp_ms);
    assert_eq!(headers["x-hubspot-signature-v3"], v3);
    assert_eq!(headers["x-hubspot-timeout-millis"], "10000");
    assert_eq!(headers["content-type"], "application/json");

    assert_eq!((&history["state"], &history["rule"]), (&json!("SUCCESS"), &json!("created")));
    assert_eq!(history["label"], "Invoice 1001 for Ann Acme was created in QuickBooks: 1200.50 USD.");
    let french = "La facture 1001 pour Ann Acme a été créée dans QuickBooks\u{a0}: 1200.50\u{a0}USD.";
    assert_eq!(history["labels"]["fr"], french);
    let (_, state) = fixture.get("/_sim/state").await;
    assert_eq!(state["executions"][0]["callback_id"], history["callback_id"]);
    assert_eq!(state["executions"][0]["request_body"], body.as_str());
}

#[tokio::test]
async fn item_1_v3_signature_typed_inputs_and_execution_index_can_be_left_out() {
    let fixture = fixture().await;
    for (signing, v2, v3) in
        [("v2", true, false), ("v3", false, true), ("none", false, false), ("wrong", true, true)]
    {
        let (_, received) = fixture.run(json!({ "signature": signing }), vec![]).await;
        let (headers, _) = &received[0];
        let has = |name| headers.contains_key(name);
        assert_eq!((has("x-hubspot-signature"), has("x-hubspot-signature-v3")), (v2, v3), "{signing}");
        assert_eq!(has("x-hubspot-request-timestamp"), v3, "{signing}");
    }
    let spoiled = json!({ "signature": "wrong" });
    let (_, received) = fixture.run(spoiled, vec![]).await;
    let url = format!("{}/actions/invoice", fixture.hubspot.state().action_base_url.clone().unwrap());
    let right = signature::v2(SECRET, "POST", &url, received[0].1.as_bytes());
    assert_ne!(received[0].0["x-hubspot-signature"], right);

    let bare = json!({ "drop_typed_inputs": true, "drop_execution_index": true });
    let (_, received) = fixture.run(bare, vec![]).await;
    assert!(!received[0].1.contains("typedInputs") && !received[0].1.contains("IndexIdentifier"));
}

#[tokio::test]
async fn item_1_a_callback_id_may_be_a_uuid() {
    let fixture = fixture().await;
    let id = "0b6c1f5e-0000-4000-8000-000000000002";
    let (history, received) = fixture.run(json!({ "callback_id": id }), vec![]).await;
    let body: Value = serde_json::from_str(&received[0].1).unwrap();
    assert_eq!((&history["callback_id"], &body["callbackId"]), (&json!(id), &json!(id)));
}

#[tokio::test]
async fn item_1_who_runs_the_action_is_named_and_only_a_workflow_has_a_place_in_it() {
    let fixture = fixture().await;
    for source in ["AGENTS", "COPILOT", "STANDALONE"] {
        let (_, received) = fixture.run(json!({ "source": source }), vec![]).await;
        let body = read(&received[0].1);
        assert_eq!(body["context"], json!({ "source": source }));
        assert_eq!(body["origin"].get("actionExecutionIndexIdentifier"), None);
    }
}

#[tokio::test]
async fn item_1_a_test_run_has_a_uuid_version_0_and_null_for_its_place() {
    let fixture = fixture().await;
    let (_, received) = fixture.run(json!({ "source": "TEST" }), vec![]).await;
    let body = read(&received[0].1);
    assert!(Uuid::parse_str(body["callbackId"].as_str().unwrap()).is_ok());
    assert_eq!(body["origin"]["actionDefinitionVersion"], 0);
    for part in ["origin", "context"] {
        assert_eq!(body[part].get("actionExecutionIndexIdentifier"), Some(&Value::Null));
    }
    let (_, received) = fixture.run(json!({ "uuid_callback_id": true }), vec![]).await;
    let body = read(&received[0].1);
    assert!(Uuid::parse_str(body["callbackId"].as_str().unwrap()).is_ok());
    assert_eq!(body["origin"]["actionDefinitionVersion"], 4);
}

#[tokio::test]
async fn item_1_inputs_left_empty_are_missing_null_or_blank_as_switched() {
    let fixture = fixture().await;
    for (switch, expected) in [("as_given", None), ("null", Some(Value::Null)), ("blank", Some(json!("")))] {
        fixture.switch(json!({ "empty_inputs": switch })).await;
        let (_, received) = fixture.run(json!({}), vec![]).await;
        let body = read(&received[0].1);
        for part in ["inputFields", "fields"] {
            assert_eq!(body[part].get("payment_method"), expected.as_ref(), "{switch}");
            assert_eq!(body[part]["due_days"], "30");
        }
        assert_eq!(body["typedInputs"].get("payment_method").map(|typed| &typed["value"]), expected.as_ref());
    }
}

#[tokio::test]
async fn item_1_the_signed_time_is_the_simulators_and_can_be_off_it() {
    let fixture = fixture().await;
    fixture.advance(86_400).await;
    let signed_ms = |headers: &HeaderMap| -> i64 {
        headers["x-hubspot-request-timestamp"].to_str().unwrap().parse().unwrap()
    };
    let now_ms = fixture.hubspot.control().now().as_millisecond();
    for offset_ms in [0, -300_001] {
        let (_, received) = fixture.run(json!({ "timestamp_offset_ms": offset_ms }), vec![]).await;
        let off_ms = signed_ms(&received[0].0) - now_ms - offset_ms;
        assert!((0..30_000).contains(&off_ms), "{off_ms} ms");
    }
    let (_, received) = fixture.run(json!({ "timestamp_offset_ms": i64::MAX }), vec![]).await;
    assert_eq!(signed_ms(&received[0].0), i64::MAX);
}

#[tokio::test]
async fn item_1_an_id_that_was_given_is_never_generated_again() {
    let fixture = fixture().await;
    let given = "ap-1000001-900000000002-3-0";
    fixture.run(json!({ "callback_id": given }), vec![]).await;
    let (history, _) = fixture.run(json!({}), vec![]).await;
    assert_ne!(history["callback_id"], given);
}
