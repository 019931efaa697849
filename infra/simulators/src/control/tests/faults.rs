//! One test per kind of fault, over real HTTP, and what the plan tells of itself.

use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::Client;
use reqwest::redirect::Policy;

use super::*;

/// Puts these faults in force over HTTP, as a person at the keyboard does.
async fn plan(serving: &Serving, faults: Value) {
    let request = Client::new().post(format!("{}/_sim/faults", serving.url)).json(&json!({"faults": faults}));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
}

async fn shown_plan(serving: &Serving) -> Value {
    serde_json::from_str(&get_text(&format!("{}/_sim/faults", serving.url)).await.1).unwrap()
}

/// The answer to `POST /effect` while this one fault is in force.
async fn answer_to(serving: &Serving, fault: Value) -> reqwest::Response {
    plan(serving, json!([fault])).await;
    post_effect(serving).await.unwrap()
}

/// The status and body a preset makes of `POST /effect`; the effect must not have happened.
async fn preset(fault: Value) -> (u16, Value) {
    let (_, serving) = vendor().await;
    let answer = answer_to(&serving, fault).await;
    assert_eq!(effects(&serving).await, "0");
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A client that takes what comes: no decoding, no following.
fn plain_client() -> Client {
    Client::builder().gzip(false).redirect(Policy::none()).tls_certs_only([]).build().unwrap()
}

async fn plain_post(serving: &Serving) -> reqwest::Response {
    plain_client().post(format!("{}/effect", serving.url)).send().await.unwrap()
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_refusal_has_the_status_and_body_asked_for_and_no_effect() {
    let fault = json!({"path": "/effect", "status": 409, "body": "{\"a\":1}"});
    assert_eq!(preset(fault).await, (409, json!({"a": 1})));
}

#[tokio::test]
async fn a_401_of_quickbooks_is_lower_case_and_names_the_scheme() {
    let (_, serving) = vendor().await;
    let answer = answer_to(&serving, json!({"preset": "quickbooks_401"})).await;
    assert!(header(&answer, "www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(answer.status().as_u16(), 401);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["fault"]["error"][0]["code"], "3200");
}

#[tokio::test]
async fn a_401_of_hubspot_names_its_category() {
    let (status, body) = preset(json!({"preset": "hubspot_401"})).await;
    assert_eq!((status, &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
}

#[tokio::test]
async fn a_403_of_each_vendor_has_its_shape() {
    let (status, body) = preset(json!({"preset": "quickbooks_403"})).await;
    assert_eq!((status, &body["fault"]["error"][0]["code"]), (403, &json!("3100")));
    let (status, body) = preset(json!({"preset": "hubspot_403"})).await;
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert!(body["errors"][0]["context"]["requiredGranularScopes"].is_array());
}

#[tokio::test]
async fn a_429_comes_in_xml_without_retry_after() {
    let (_, serving) = vendor().await;
    let answer = answer_to(&serving, json!({"preset": "quickbooks_429_xml"})).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (429, None));
    assert_eq!(header(&answer, "content-type"), Some("application/xml"));
    assert!(answer.text().await.unwrap().contains("<Fault type=\"SERVICE\"><Error code=\"3001\">"));
    assert_eq!(effects(&serving).await, "0");
}

#[tokio::test]
async fn a_429_comes_in_json_without_retry_after() {
    let (_, serving) = vendor().await;
    let answer = answer_to(&serving, json!({"preset": "quickbooks_429_json"})).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (429, None));
    assert_eq!(answer.json::<Value>().await.unwrap()["fault"]["type"], "SERVICE");
    for (name, policy) in [
        ("hubspot_429", json!("TEN_SECONDLY_ROLLING")),
        ("hubspot_429_daily", json!("DAILY")),
        ("hubspot_429_search", Value::Null),
    ] {
        let (status, body) = preset(json!({"preset": name})).await;
        assert_eq!((status, &body["policyName"]), (429, &policy), "{name}");
    }
}

#[tokio::test]
async fn a_429_can_carry_a_retry_after_in_either_language() {
    let (_, serving) = vendor().await;
    for name in ["quickbooks_429_xml", "quickbooks_429_json", "hubspot_429"] {
        let fault = json!({"preset": name, "headers": {"retry-after": "60"}});
        let answer = answer_to(&serving, fault).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (429, Some("60")), "{name}");
    }
}

#[tokio::test]
async fn hubspots_own_statuses_have_names_too() {
    assert_eq!(preset(json!({"preset": "hubspot_423"})).await.0, 423);
    assert_eq!(preset(json!({"preset": "hubspot_500"})).await.1["status"], "error");
    let (_, serving) = vendor().await;
    let answer = answer_to(&serving, json!({"preset": "hubspot_477"})).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (477, Some("3600")));
}

#[tokio::test]
async fn a_5xx_before_the_effect_prevents_it() {
    let (_, serving) = vendor().await;
    for status in [500, 502, 503, 504] {
        assert_eq!(answer_to(&serving, json!({"status": status})).await.status().as_u16(), status);
    }
    let answer = answer_to(&serving, json!({"preset": "quickbooks_500"})).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["Fault"]["type"], "SystemFault");
    assert_eq!(effects(&serving).await, "0");
}

#[tokio::test]
async fn a_5xx_after_the_effect_hides_it() {
    let (_, serving) = vendor().await;
    for (made, status) in [(1, 500), (2, 502), (3, 503), (4, 504)] {
        let answer = answer_to(&serving, json!({"status": status, "after_effect": true})).await;
        assert_eq!((answer.status().as_u16(), effects(&serving).await), (status, made.to_string()));
    }
}

#[tokio::test]
async fn a_drop_before_the_effect_prevents_it() {
    let (control, serving) = vendor().await;
    plan(&serving, json!([{"method": "POST", "drop": true}])).await;
    assert!(post_effect(&serving).await.unwrap_err().is_request());
    assert_eq!(effects(&serving).await, "0");
    assert_eq!(control.calls()[0].fault.as_deref(), Some("drop"));
}

#[tokio::test]
async fn a_drop_after_the_effect_hides_it() {
    let (control, serving) = vendor().await;
    plan(&serving, json!([{"method": "POST", "drop": true, "after_effect": true}])).await;
    assert!(post_effect(&serving).await.unwrap_err().is_request());
    assert_eq!(effects(&serving).await, "1");
    assert_eq!(control.calls()[0].fault.as_deref(), Some("drop_after_effect"));
}

#[tokio::test]
async fn an_effect_answered_now_lands_when_the_clock_has_gone_on() {
    let (control, serving) = vendor().await;
    let fault = json!({"method": "POST", "status": 504, "effect_after_seconds": 3600});
    assert_eq!(answer_to(&serving, fault).await.status().as_u16(), 504);
    control.advance(SignedDuration::from_secs(1800));
    // Long enough for an effect that lands too early to be seen; when it is not, the test proves less but holds.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(effects(&serving).await, "0");
    assert_eq!(shown_plan(&serving).await["late_effects"][0]["status"], Value::Null);
    let clock = format!("{}/_sim/clock", serving.url);
    Client::new().post(clock).json(&json!({"advance_seconds": 1800})).send().await.unwrap();
    until(async || shown_plan(&serving).await["late_effects"][0]["status"] == 200).await;
    assert_eq!(effects(&serving).await, "1");
    assert_eq!(control.calls()[0].fault.as_deref(), Some("answer_effect_later"));
}

#[tokio::test]
async fn an_effect_whose_call_was_dropped_lands_although_the_plan_was_replaced() {
    let (control, serving) = vendor().await;
    plan(&serving, json!([{"method": "POST", "drop": true, "effect_after_seconds": 3600}])).await;
    assert!(post_effect(&serving).await.unwrap_err().is_request());
    plan(&serving, json!([])).await;
    assert_eq!(effects(&serving).await, "0");
    control.advance(SignedDuration::from_secs(3600));
    until(async || effects(&serving).await == "1").await;
    assert_eq!(control.calls()[0].fault.as_deref(), Some("drop_effect_later"));
}

#[tokio::test]
async fn a_slow_drip_arrives_whole_but_in_pieces() {
    let (control, serving) = vendor().await;
    plan(&serving, json!([{"method": "POST", "drip": {"piece_bytes": 1, "pause_ms": 40}}])).await;
    let begun = Instant::now();
    let mut answer = post_effect(&serving).await.unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        pieces.push(piece);
    }
    assert_eq!(pieces.concat(), b"done");
    assert!(begun.elapsed() >= Duration::from_millis(4 * 40), "one pause before each piece");
    assert!(pieces.len() > 1, "the body came at once");
    assert_eq!(control.calls()[0].fault.as_deref(), Some("altered"));
}

#[tokio::test]
async fn a_truncated_body_is_shorter_than_announced_and_the_connection_ends() {
    let (_, serving) = vendor().await;
    for (truncate_to, announced, sent) in [(2, 4, "do"), (0, 4, ""), (9, 5, "done")] {
        let mut answer = answer_to(&serving, json!({"method": "POST", "truncate_to": truncate_to})).await;
        assert_eq!((answer.status().as_u16(), answer.content_length()), (200, Some(announced)));
        let mut got = Vec::new();
        let error = loop {
            match answer.chunk().await {
                Ok(Some(piece)) => got.extend(piece),
                Ok(None) => panic!("the body was taken for whole"),
                Err(error) => break error,
            }
        };
        assert_eq!(got, sent.as_bytes(), "{error}");
    }
    assert_eq!(effects(&serving).await, "3");
}

#[tokio::test]
async fn a_wrong_content_type_stands_over_the_vendors_own_answer() {
    let (_, serving) = vendor().await;
    let answer = answer_to(&serving, json!({"method": "POST", "content_type": "image/png"})).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, Some("image/png")));
    assert_eq!(answer.text().await.unwrap(), "done");
    assert_eq!(effects(&serving).await, "1");
}

#[tokio::test]
async fn an_html_page_comes_with_200_or_the_status_given() {
    let (_, serving) = vendor().await;
    for (fault, status) in
        [(json!({"preset": "html_page"}), 200), (json!({"preset": "html_page", "status": 502}), 502)]
    {
        let answer = answer_to(&serving, fault).await;
        assert_eq!(answer.status().as_u16(), status);
        assert!(header(&answer, "content-type").unwrap().starts_with("text/html"));
        assert!(answer.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    }
    assert_eq!(effects(&serving).await, "0");
}

#[tokio::test]
async fn a_gzipped_answer_says_so_and_can_be_read() {
    let (_, serving) = vendor().await;
    plan(&serving, json!([{"method": "POST", "times": 2, "gzip": true}])).await;
    let answer = plain_post(&serving).await;
    assert_eq!(header(&answer, "content-encoding"), Some("gzip"));
    let bytes = answer.bytes().await.unwrap();
    let mut text = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "done");
    assert_eq!(post_effect(&serving).await.unwrap().text().await.unwrap(), "done", "decoded by the client");
}

#[tokio::test]
async fn a_huge_body_has_the_bytes_asked_for_behind_the_vendors_own() {
    let (_, serving) = vendor().await;
    let answer = answer_to(&serving, json!({"method": "POST", "pad_to_bytes": 3_000_000})).await;
    assert_eq!(answer.content_length(), Some(3_000_000));
    let text = answer.text().await.unwrap();
    assert_eq!((text.len(), text.trim_end()), (3_000_000, "done"));
}

#[tokio::test]
async fn a_huge_gzipped_body_is_small_on_the_wire() {
    let (_, serving) = vendor().await;
    plan(&serving, json!([{"method": "POST", "times": 2, "pad_to_bytes": 3_000_000, "gzip": true}])).await;
    assert!(plain_post(&serving).await.bytes().await.unwrap().len() < 30_000);
    assert_eq!(post_effect(&serving).await.unwrap().bytes().await.unwrap().len(), 3_000_000);
}

#[tokio::test]
async fn a_redirect_names_another_address_and_has_no_effect() {
    let (_, serving) = vendor().await;
    let elsewhere = format!("{}/elsewhere", serving.url);
    for (fault, status) in
        [(json!({"redirect": elsewhere}), 302), (json!({"redirect": elsewhere, "status": 307}), 307)]
    {
        plan(&serving, json!([fault])).await;
        let answer = plain_post(&serving).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "location")), (status, Some(&*elsewhere)));
    }
    assert_eq!(effects(&serving).await, "0");
}

#[tokio::test]
async fn a_fault_is_for_its_method_and_part_of_the_path_alone() {
    let (_, serving) = vendor().await;
    let faults = json!([{"method": "PUT", "status": 500}, {"path": "/other", "status": 501},
        {"method": "post", "path": "fect", "status": 502}]);
    plan(&serving, faults).await;
    assert_eq!(effects(&serving).await, "0");
    assert_eq!(post_effect(&serving).await.unwrap().status().as_u16(), 502);
}

#[tokio::test]
async fn a_seed_disturbs_the_same_calls_every_time() {
    let client = plain_client();
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let (_, serving) = vendor().await;
        let url = format!("{}/effect", serving.url);
        let fault = json!({"method": "POST", "probability": 0.5, "seed": seed, "times": 100, "status": 500});
        plan(&serving, json!([fault])).await;
        let mut statuses = Vec::new();
        for _ in 0..24 {
            // Other calls do not shift what falls on these.
            client.get(&url).send().await.unwrap();
            statuses.push(client.post(&url).send().await.unwrap().status().as_u16());
        }
        assert!(statuses.contains(&200) && statuses.contains(&500), "{statuses:?}");
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn the_plan_shows_what_each_fault_did_and_to_which_calls() {
    let (control, serving) = vendor().await;
    let probability = json!(0.25);
    plan(
        &serving,
        json!([{"method": "POST", "skip": 1, "times": 2, "status": 500},
        {"path": "/never", "status": 500, "probability": probability}]),
    )
    .await;
    for _ in 0..4 {
        post_effect(&serving).await.unwrap();
        effects(&serving).await;
    }
    let shown = shown_plan(&serving).await;
    let [first, second] = [&shown["faults"][0], &shown["faults"][1]];
    assert_eq!((&first["seen"], &first["applied"]), (&json!(4), &json!(2)));
    let disturbed: Vec<_> =
        control.calls().iter().filter(|call| call.fault.is_some()).map(|call| call.seq).collect();
    assert_eq!((first["applied_to"].clone(), disturbed), (json!([2, 4]), vec![2, 4]));
    assert_eq!((&second["seen"], &second["applied_to"]), (&json!(0), &json!([])));
    assert_eq!(second["probability"], probability);
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_refused_and_the_plan_stays() {
    let (_, serving) = vendor().await;
    plan(&serving, json!([{"path": "/kept", "status": 500}])).await;
    for fault in [
        json!({"probability": 1.1, "status": 500}),
        json!({"probability": -0.1, "status": 500}),
        json!({"effect_after_seconds": 5}),
        json!({"effect_after_seconds": 5, "status": 500, "after_effect": true}),
        json!({"drop": true, "gzip": true}),
        json!({"drip": {"piece_bytes": 0, "pause_ms": 1}}),
        json!({"pad_to_bytes": MAX_PADDED_BYTES + 1}),
        json!({"redirect": "a\nb"}),
        json!({"headers": {"a b": "c"}}),
    ] {
        let faults = json!({"faults": [fault]});
        let request = Client::new().post(format!("{}/_sim/faults", serving.url)).json(&faults);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 400, "{fault}");
    }
    assert_eq!(shown_plan(&serving).await["faults"][0]["path"], "/kept");
}

#[tokio::test]
async fn every_example_of_the_table_is_accepted() {
    let (_, serving) = vendor().await;
    let table = include_str!("../../control.rs").lines().filter(|line| line.starts_with("//! | "));
    let examples = table.filter_map(|line| line.split_once(" | `{")?.1.strip_suffix("` |"));
    let mut count = 0;
    for example in examples.filter(|example| !example.contains("_sim") && !example.contains('…')) {
        let fault: Value = serde_json::from_str(&format!("{{{example}")).expect(example);
        plan(&serving, json!([fault])).await;
        count += 1;
    }
    assert_eq!(count, 22);
}

#[tokio::test]
async fn a_wrong_call_stays_unexpected_behind_a_fault() {
    let (control, serving) = vendor().await;
    plan(&serving, json!([{"status": 503, "after_effect": true}])).await;
    assert_eq!(get_text(&format!("{}/nowhere", serving.url)).await.0, 503);
    assert!(control.calls()[0].unexpected);
    plan(&serving, json!([{"status": 503, "effect_after_seconds": 0}])).await;
    get_text(&format!("{}/nowhere", serving.url)).await;
    until(async || control.calls()[1].unexpected).await;
}

#[tokio::test]
async fn moving_the_clock_wakes_who_waits_for_a_time_and_nobody_else() {
    let (control, serving) = vendor().await;
    let wait = |seconds| {
        let (control, due) = (control.clone(), control.now() + SignedDuration::from_secs(seconds));
        tokio::spawn(async move { control.sleep_until(due).await })
    };
    let (soon, late) = (wait(3600), wait(7200));
    let clock = format!("{}/_sim/clock", serving.url);
    Client::new().post(clock).json(&json!({"advance_seconds": 3600})).send().await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), soon).await.unwrap().unwrap();
    assert!(!late.is_finished());
    control.advance(SignedDuration::from_secs(3600));
    tokio::time::timeout(Duration::from_secs(30), late).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_time_that_has_come_is_not_waited_for() {
    let control = Control::new();
    let waiting = control.sleep_until(control.now());
    tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap();
}
