//! Executions that wait: until they are completed, or until their time is over (hubspot.md §2.2, §2.3, §11.5).

use super::*;

const BLOCKED: &str = "ap-1000001-900000000001-3-0";

fn path(callback_id: &str) -> String {
    format!("/automation/actions/callbacks/2026-03/{callback_id}/complete")
}

/// What the app says when the document is there at last.
fn completion() -> Value {
    json!({ "typedOutputs": {}, "outputFields": {
        "hs_execution_state": "SUCCESS", "status": "created", "errorCode": "NONE", "document_number": "1001",
        "customer_name": "Ann Acme", "total": "1200.50", "currency": "USD"
    } })
}

fn block(more: Value) -> Response {
    let mut fields = json!({ "hs_execution_state": "BLOCK", "status": "accepted" });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    outputs(fields)
}

impl Fixture {
    /// An execution that waits, with what its answer says besides.
    async fn blocked(&self, options: Value, more: Value) -> String {
        let (history, _) = self.run(options, vec![block(more)]).await;
        assert_eq!((&history["state"], &history["label"]), (&json!("BLOCK"), &Value::Null), "{history}");
        history["callback_id"].as_str().unwrap().to_owned()
    }

    async fn complete(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        self.send_as("POST", token, path, Some(body)).await
    }

    async fn execution(&self, callback_id: &str) -> Value {
        let (status, execution) = self.get(&format!("/_sim/executions/{callback_id}")).await;
        assert_eq!(status, 200);
        execution
    }
}

#[tokio::test]
async fn item_5_a_blocked_execution_waits_and_its_completion_brings_outputs_and_sentence() {
    for route in [path(BLOCKED), format!("/automation/v4/actions/callbacks/{BLOCKED}/complete")] {
        let fixture = fixture().await;
        assert_eq!(fixture.blocked(json!({}), json!({})).await, BLOCKED);
        let waiting = fixture.execution(BLOCKED).await;
        assert_eq!((&waiting["state"], &waiting["rule"]), (&json!("BLOCK"), &Value::Null));
        assert_eq!(fixture.complete("automation", &route, &completion()).await, (204, Value::Null));
        let done = fixture.execution(BLOCKED).await;
        assert_eq!((&done["state"], &done["rule"]), (&json!("SUCCESS"), &json!("created")));
        assert_eq!(done["label"], "Invoice 1001 for Ann Acme was created in QuickBooks: 1200.50 USD.");
        assert_eq!((statuses(&done), &done["completions"][0]["status"]), (vec![200], &json!(204)));
        assert_eq!(done["completions"][0]["body"], completion());
        assert_eq!(fixture.get("/_sim/executions").await.1["executions"], json!([done]));
        assert_eq!(fixture.send_as("GET", "all", "/_sim/executions/nobody's", None).await.0, 404);
    }
}

#[tokio::test]
async fn item_5_a_batch_completes_all_or_nothing() {
    for route in
        ["/automation/actions/callbacks/2026-03/complete", "/automation/v4/actions/callbacks/complete"]
    {
        let fixture = fixture().await;
        let first = fixture.blocked(json!({}), json!({})).await;
        let second = fixture.blocked(json!({}), json!({})).await;
        let input = |callback_id: &str| {
            let mut input = completion();
            input["callbackId"] = json!(callback_id);
            input
        };
        for (stray, status) in [("unknown", 404), (first.as_str(), 400)] {
            let batch = json!({ "inputs": [input(&first), input(stray)] });
            assert_eq!(fixture.complete("automation", route, &batch).await.0, status, "{stray}");
            assert_eq!(fixture.execution(&first).await["state"], "BLOCK");
        }
        for bad in [json!({}), json!({ "inputs": [] }), json!({ "inputs": [completion()] })] {
            assert_eq!(fixture.complete("automation", route, &bad).await.0, 400);
        }
        let batch = json!({ "inputs": [input(&first), input(&second)] });
        assert_eq!(fixture.complete("automation", route, &batch).await, (204, Value::Null));
        for id in [&first, &second] {
            assert_eq!(fixture.execution(id).await["state"], "SUCCESS");
        }
        let many: Vec<Value> = (0..101).map(|id| input(&id.to_string())).collect();
        assert_eq!(fixture.complete("automation", route, &json!({ "inputs": many })).await.0, 400);
    }
}

#[tokio::test]
async fn item_5_a_block_ends_when_it_says_and_after_a_week_when_it_says_nothing() {
    for (more, seconds) in [
        (json!({}), 7 * 86_400),
        (json!({ "hs_expiration_duration": "PT6H" }), 6 * 3600),
        (json!({ "hs_expiration_duration": "P1WT1H" }), 7 * 86_400 + 3600),
    ] {
        let fixture = fixture().await;
        fixture.blocked(json!({}), more.clone()).await;
        // A few seconds either way: the clock runs on.
        fixture.post("/_sim/clock", &json!({ "advance_seconds": seconds - 30 })).await;
        assert_eq!(fixture.execution(BLOCKED).await["state"], "BLOCK", "{more}");
        fixture.post("/_sim/clock", &json!({ "advance_seconds": 31 })).await;
        assert_eq!(fixture.execution(BLOCKED).await["state"], "EXPIRED", "{more}");
        assert_eq!(fixture.get("/_sim/state").await.1["executions"][0]["state"], "EXPIRED");
        assert_eq!(fixture.complete("automation", &path(BLOCKED), &completion()).await.0, 400);
        assert_eq!(fixture.execution(BLOCKED).await["completions"][0]["status"], 400);
    }
}

#[tokio::test]
async fn item_5_a_block_with_no_readable_duration_fails_and_says_why() {
    let fixture = fixture().await;
    let (history, _) = fixture.run(json!({}), vec![block(json!({ "hs_expiration_duration": "6 h" }))]).await;
    let problem = "6 h is no ISO 8601 duration a block can have";
    assert_eq!((&history["state"], &history["problems"]), (&json!("FAILED"), &json!([problem])));
}

#[tokio::test]
async fn item_5_a_completion_needs_a_live_token_with_the_scope_automation() {
    let fixture = fixture().await;
    fixture.blocked(json!({}), json!({})).await;
    for (token, status, category) in [
        ("nobody", 401, "INVALID_AUTHENTICATION"),
        ("old", 401, "EXPIRED_AUTHENTICATION"),
        ("all", 403, "MISSING_SCOPES"),
    ] {
        let (answered, body) = fixture.complete(token, &path(BLOCKED), &completion()).await;
        assert_eq!((answered, &body["category"]), (status, &json!(category)));
    }
    let (_, body) = fixture.complete("all", &path(BLOCKED), &completion()).await;
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["automation"]));
    assert_eq!(fixture.execution(BLOCKED).await["state"], "BLOCK");
}

#[tokio::test]
async fn item_5_unknown_foreign_completed_and_unblocked_ids_are_answered_as_their_switches_say() {
    let fixture = fixture().await;
    fixture.blocked(json!({}), json!({})).await;
    let (history, _) = fixture.run(json!({ "callback_id": "settled" }), vec![]).await;
    assert_eq!(history["state"], "SUCCESS");
    let failed = vec![StatusCode::BAD_REQUEST.into_response()];
    fixture.run(json!({ "callback_id": "failed" }), failed).await;
    let tries = [
        ("automation", "unknown", 404, "OBJECT_NOT_FOUND"),
        ("other-automation", BLOCKED, 404, "OBJECT_NOT_FOUND"),
        ("automation", "settled", 400, "VALIDATION_ERROR"),
        ("automation", "failed", 400, "VALIDATION_ERROR"),
    ];
    for (token, id, status, category) in tries {
        let (answered, body) = fixture.complete(token, &path(id), &completion()).await;
        assert_eq!((answered, &body["category"]), (status, &json!(category)), "{id}");
    }
    fixture
        .switch(json!({
            "callback_unknown": 410, "callback_foreign": 403, "callback_completed": 204, "callback_not_blocked": 409
        }))
        .await;
    for ((token, id, ..), status) in tries.iter().zip([410, 403, 204, 409]) {
        assert_eq!(fixture.complete(token, &path(id), &completion()).await.0, status, "{id}");
    }
    assert_eq!(fixture.execution(BLOCKED).await["state"], "BLOCK");
    let stray = json!({ "switches": { "callback_unknown": 500 } });
    let why = "a completion cannot be answered 500: 204 or a 4xx";
    assert_eq!(fixture.post("/_sim/seed", &stray).await, (400, json!(why)));
}

#[tokio::test]
async fn item_5_the_same_callback_id_in_two_portals_is_two_executions() {
    let fixture = fixture().await;
    let id = "0b6c1f5e-0000-4000-8000-000000000001";
    fixture.blocked(json!({ "callback_id": id }), json!({})).await;
    fixture.blocked(json!({ "callback_id": id, "portal_id": 1_000_002 }), json!({})).await;
    assert_eq!(fixture.complete("other-automation", &path(id), &completion()).await.0, 204);
    for (portal_id, state) in [(1_000_001, "BLOCK"), (1_000_002, "SUCCESS")] {
        let (_, execution) = fixture.get(&format!("/_sim/executions/{id}?portal_id={portal_id}")).await;
        assert_eq!(execution["state"], state);
    }
}

#[tokio::test]
async fn item_5_a_completion_hubspot_could_not_use_is_refused_and_changes_nothing() {
    let fixture = fixture().await;
    fixture.blocked(json!({}), json!({})).await;
    let with = |change: fn(&mut Value)| {
        let mut body = completion();
        change(&mut body);
        body
    };
    for (body, message) in [
        (with(|body| body["outputFields"]["total"] = json!(12)), "output total is not a string"),
        (with(|body| body["outputFields"]["totl"] = json!("12")), "the action has no output totl"),
        (with(|body| body["outputFields"] = json!([])), "outputFields is of the wrong type"),
        (with(|body| body["typedOutputs"] = json!(null)), "typedOutputs is of the wrong type"),
        (with(|body| body["outputs"] = json!({})), "a completion has no outputs"),
        (json!({ "typedOutputs": {} }), "outputFields is required"),
        (json!({ "outputFields": completion()["outputFields"] }), "typedOutputs is required"),
        (json!([]), "Invalid input JSON"),
    ] {
        let (status, refused) = fixture.complete("automation", &path(BLOCKED), &body).await;
        assert_eq!((status, &refused["message"]), (400, &json!(message)));
    }
    for state in ["BLOCK", "ASYNC", "DONE"] {
        let body = json!({ "typedOutputs": {}, "outputFields": { "hs_execution_state": state } });
        assert_eq!(fixture.complete("automation", &path(BLOCKED), &body).await.0, 400);
    }
    assert_eq!(fixture.execution(BLOCKED).await["state"], "BLOCK");
    fixture.switch(json!({ "typed_outputs": "optional" })).await;
    let bare = json!({ "outputFields": {
        "hs_execution_state": "FAIL_CONTINUE", "status": "failed", "errorCode": "ITEM_NOT_FOUND", "error_subject": "“Fee”"
    } });
    assert_eq!(fixture.complete("automation", &path(BLOCKED), &bare).await.0, 204);
    assert_eq!(fixture.execution(BLOCKED).await["rule"], "ITEM_NOT_FOUND");
}

#[tokio::test]
async fn item_5_an_execution_that_is_still_being_sent_can_be_seen_and_not_completed() {
    let fixture = fixture().await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let closed = gate.clone();
    let slow = post(async move || {
        drop(closed.acquire().await.unwrap());
        block(json!({}))
    });
    let serving = serve(Router::new().route("/actions/invoice", slow), 0).await.unwrap();
    fixture.hubspot.set_action_base_url(serving.url.clone());
    let body = enrollment(json!({}));
    let run = fixture.post("/_sim/executions", &body);
    let look = async {
        let shown = format!("/_sim/executions/{BLOCKED}");
        while fixture.send_as("GET", "all", &shown, None).await.0 == 404 {}
        assert_eq!(fixture.execution(BLOCKED).await["state"], "RUNNING");
        assert_eq!(fixture.complete("automation", &path(BLOCKED), &completion()).await.0, 400);
        gate.add_permits(1);
    };
    let ((_, history), ()) = tokio::join!(run, look);
    assert_eq!(history["state"], "BLOCK");
}

#[tokio::test]
async fn item_5_async_cannot_be_used_until_it_is_switched_on() {
    let fixture = fixture().await;
    let answer = || outputs(json!({ "hs_execution_state": "ASYNC", "status": "accepted" }));
    let (history, _) = fixture.run(json!({}), vec![answer()]).await;
    let problem = "nobody says what ASYNC does";
    assert_eq!((&history["state"], &history["problems"]), (&json!("FAILED"), &json!([problem])));
    fixture.switch(json!({ "async": "accepted" })).await;
    assert_eq!(fixture.run(json!({}), vec![answer()]).await.0["state"], "ASYNC");
}

#[tokio::test]
async fn item_5_hs_default_expiration_is_no_name_for_the_expiry_until_it_is_switched_on() {
    let fixture = fixture().await;
    let six_hours = json!({ "hs_default_expiration": "PT6H" });
    let (history, _) = fixture.run(json!({}), vec![block(six_hours.clone())]).await;
    assert_eq!(history["problems"], json!(["the action has no output hs_default_expiration"]));
    fixture.switch(json!({ "default_expiration": "honoured" })).await;
    let id = fixture.blocked(json!({}), six_hours).await;
    fixture.advance(6 * 3600 - 60).await;
    assert_eq!(fixture.execution(&id).await["state"], "BLOCK");
    fixture.advance(61).await;
    assert_eq!(fixture.execution(&id).await["state"], "EXPIRED");
}

#[tokio::test]
async fn item_2_by_a_switch_each_retry_has_a_callback_id_of_its_own_and_completes_the_execution() {
    for (switch, ids) in [("same", 1), ("new", 3)] {
        let fixture = fixture().await;
        fixture.switch(json!({ "retry_callback_id": switch })).await;
        let (history, received) =
            fixture.run(json!({}), vec![unavailable(), unavailable(), block(json!({}))]).await;
        assert_eq!(history["state"], "BLOCK");
        let mut bodies: Vec<Value> = received.iter().map(|(_, body)| read(body)).collect();
        let sent: Vec<String> =
            bodies.iter_mut().map(|body| body["callbackId"].take().as_str().unwrap().to_owned()).collect();
        assert_eq!((sent.len(), sent.iter().collect::<BTreeSet<_>>().len()), (3, ids), "{sent:?}");
        assert!(bodies.iter().all(|body| *body == bodies[0]), "nothing else is another");
        assert_eq!(fixture.complete("other-automation", &path(&sent[2]), &completion()).await.0, 404);
        assert_eq!(fixture.complete("automation", &path(&sent[2]), &completion()).await.0, 204);
        assert_eq!(fixture.execution(&sent[0]).await["state"], "SUCCESS");
        assert_eq!(fixture.get("/_sim/executions").await.1["executions"].as_array().unwrap().len(), 1);
    }
}
