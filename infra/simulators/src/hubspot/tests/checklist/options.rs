//! Drop-downs of the workflow editor.

use super::*;

const REALM: &str = "9130350000000001";

fn checking() -> Value {
    json!({ "options": [{ "label": "Checking", "value": "35", "description": "" }], "searchable": true })
}

impl Fixture {
    /// Opens the invoice's payment method, `options` on top, against an `optionsUrl` that answers this.
    async fn open(&self, options: Value, answer: impl IntoResponse) -> (Value, Vec<(HeaderMap, String)>) {
        let receiver = Receiver {
            answers: Arc::new(Mutex::new([answer.into_response()].into())),
            ..Receiver::default()
        };
        let router = Router::new().route("/options/{field}", post(receive)).with_state(receiver.clone());
        let serving = serve(router, 0).await.unwrap();
        self.hubspot.set_action_base_url(serving.url.clone());
        let (status, shown) = self.post("/_sim/options", &opening(options)).await;
        assert_eq!(status, 200, "{shown}");
        let received = receiver.received.lock().unwrap().clone();
        (shown, received)
    }
}

fn opening(options: Value) -> Value {
    let mut opening = json!({
        "action": "invoice", "field": "payment_method", "portal_id": 1_000_001,
        "inputs": { "quickbooks_account": REALM, "due_days": "30" }
    });
    opening.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    opening
}

#[tokio::test]
async fn item_6_a_fetch_has_the_documented_body_with_the_controlling_inputs_and_is_signed() {
    let fixture = fixture().await;
    let (shown, received) = fixture.open(json!({}), axum::Json(checking())).await;
    let (headers, body) = &received[0];
    assert_eq!(
        body,
        concat!(
            r#"{"origin":{"portalId":1000001,"actionDefinitionId":77000002,"actionDefinitionVersion":4},"#,
            r#""objectTypeId":"0-3","inputFieldName":"payment_method","inputFields":{"quickbooks_account":"#,
            r#"{"type":"STATIC_VALUE","value":"9130350000000001"}}}"#,
        )
    );
    let base = fixture.hubspot.state().action_base_url.clone().unwrap();
    let url = format!("{base}/options/payment_method");
    let timestamp_ms = headers["x-hubspot-request-timestamp"].to_str().unwrap().parse().unwrap();
    assert_eq!(headers["x-hubspot-signature"], signature::v2(SECRET, "POST", &url, body.as_bytes()));
    let v3 = signature::v3(SECRET, "POST", &url, body.as_bytes(), timestamp_ms);
    assert_eq!(headers["x-hubspot-signature-v3"], v3);
    assert_eq!(
        (&shown["status"], &shown["searchable"], &shown["after"]),
        (&json!(200), &json!(true), &json!(null))
    );
    assert_eq!((&shown["options"], &shown["problems"]), (&checking()["options"], &json!([])));

    let quote = json!({ "object_type_id": "0-14", "field": "quickbooks_account", "signature": "none" });
    let (_, received) = fixture.open(quote, axum::Json(checking())).await;
    let body: Value = serde_json::from_str(&received[0].1).unwrap();
    assert_eq!((&body["objectTypeId"], &body["inputFields"]), (&json!("0-14"), &json!({})));
    assert!(!received[0].0.contains_key("x-hubspot-signature"));
}

#[tokio::test]
async fn item_6_a_search_is_a_problem_until_the_field_s_last_answer_was_searchable() {
    let fixture = fixture().await;
    let search = || json!({ "q": "check" });
    let too_early = json!(["q is sent only after an answer that was searchable"]);
    let (shown, received) = fixture.open(search(), axum::Json(checking())).await;
    assert_eq!(shown["problems"], too_early);
    assert_eq!(read(&received[0].1)["fetchOptions"], json!({ "q": "check" }));

    let closed = axum::Json(json!({ "options": [] }));
    assert_eq!(fixture.open(search(), closed).await.0["problems"], json!([]));
    assert_eq!(fixture.open(search(), axum::Json(checking())).await.0["problems"], too_early);
    let other_field = json!({ "q": "check", "field": "deposit_account" });
    assert_eq!(fixture.open(other_field, axum::Json(checking())).await.0["problems"], too_early);
}

#[tokio::test]
async fn item_6_the_next_page_is_asked_for_with_the_cursor_of_the_last_answer_and_no_other() {
    let fixture = fixture().await;
    let page = |after: &str| axum::Json(json!({ "options": [], "after": after, "searchable": true }));
    let scroll = |after: &str| json!({ "after": after });
    let stray = json!(["after is sent only as the last answer gave it"]);
    assert_eq!(fixture.open(scroll("100"), page("100")).await.0["problems"], stray);
    let (shown, received) = fixture.open(scroll("100"), page("200")).await;
    assert_eq!((&shown["problems"], &shown["after"]), (&json!([]), &json!("200")));
    assert_eq!(read(&received[0].1)["fetchOptions"], json!({ "after": "100" }));
    assert_eq!(fixture.open(scroll("100"), page("300")).await.0["problems"], stray);
    let both = json!({ "q": "check", "after": "300" });
    let (shown, received) = fixture.open(both.clone(), axum::Json(checking())).await;
    assert_eq!((&shown["problems"], &read(&received[0].1)["fetchOptions"]), (&json!([]), &both));
}

#[tokio::test]
async fn item_6_an_input_may_be_a_property_and_keys_that_were_only_observed_may_come_along() {
    let fixture = fixture().await;
    let property = json!({ "quickbooks_account": { "property_name": "company_of_deal" } });
    let options = json!({ "inputs": property, "null_fetch_options": true, "observed_keys": true });
    let (shown, received) = fixture.open(options, axum::Json(checking())).await;
    assert_eq!(shown["problems"], json!([]));
    let body = read(&received[0].1);
    let input = json!({ "type": "OBJECT_PROPERTY", "propertyName": "company_of_deal" });
    assert_eq!(body["inputFields"], json!({ "quickbooks_account": input }));
    assert_eq!(body.get("fetchOptions"), Some(&Value::Null));
    assert_eq!((&body["portalId"], &body["extensionDefinitionVersion"]), (&json!(1_000_001), &json!(4)));
}

#[tokio::test]
async fn item_6_the_workflows_record_type_is_its_id_for_deals_and_for_quotes() {
    let fixture = fixture().await;
    for id in ["0-3", "0-14"] {
        let (_, received) = fixture.open(json!({ "object_type_id": id }), axum::Json(checking())).await;
        assert_eq!(read(&received[0].1)["objectTypeId"], id);
    }
}

#[tokio::test]
async fn item_6_an_answer_no_drop_down_could_show_says_why() {
    let fixture = fixture().await;
    let option = |value: Value, label: &str| json!({ "value": value, "label": label });
    for (answer, problem) in [
        (json!([]), "the answer is no object"),
        (json!({}), "the answer has no options"),
        (json!({ "options": null }), "options is no list"),
        (json!({ "options": [], "after": 100 }), "after is not a string"),
        (json!({ "options": [], "searchable": "yes" }), "searchable is neither true nor false"),
        (json!({ "options": [], "total": 0 }), "total is not known to HubSpot"),
        (json!({ "options": ["Checking"] }), "option 0: it is no object"),
        (json!({ "options": [option(json!(35), "Checking")] }), "option 0: the value is not a string"),
        (json!({ "options": [option(json!("35"), " ")] }), "option 0: the label is empty or not a string"),
        (
            json!({ "options": [option(json!("35"), "Checking"), option(json!("35"), "Savings")] }),
            "option 1: the value 35 is there already",
        ),
    ] {
        let (shown, _) = fixture.open(json!({}), axum::Json(answer)).await;
        assert_eq!(shown["problems"], json!([problem]));
    }
    let (shown, _) = fixture.open(json!({}), StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(
        (&shown["status"], &shown["problems"][0]),
        (&json!(503), &json!("503: the drop-down does not load"))
    );
    let (shown, _) = fixture.open(json!({}), "none").await;
    assert!(shown["problems"][0].as_str().unwrap().starts_with("the answer is not JSON"));
}

#[tokio::test]
async fn item_6_a_drop_down_the_editor_has_not_cannot_be_opened() {
    let fixture = fixture().await;
    let stopped = opening(json!({}));
    assert_eq!(fixture.post("/_sim/options", &stopped).await.1, "no action_base_url is set: seed one");
    for (options, why) in [
        (json!({ "action": "refund" }), "no action refund"),
        (json!({ "object_type_id": "0-1" }), "the action is not offered in 0-1 workflows"),
        (json!({ "field": "due_days" }), "the input due_days fetches no options"),
        (json!({ "field": "memo" }), "the action has no input memo"),
        (json!({ "inputs": { "colour": "red" } }), "the action has no input colour"),
    ] {
        assert_eq!(fixture.post("/_sim/options", &opening(options)).await, (400, json!(why)));
    }
}
