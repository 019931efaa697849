//! How often and when an execution is delivered (hubspot.md §2.4, §11.1–§11.3).

use super::*;
use jiff::Timestamp;

/// Minutes from each attempt to the next, as far as the clock beside it lets one tell.
fn waits_min(history: &Value) -> Vec<i64> {
    let at = |attempt: &Value| attempt["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let times: Vec<Timestamp> = history["deliveries"].as_array().unwrap().iter().map(at).collect();
    times.windows(2).map(|pair| (pair[1].duration_since(pair[0]).as_secs()) / 60).collect()
}

#[tokio::test]
async fn item_2_retries_wait_a_minute_at_first_eight_hours_at_most_and_end_after_three_days() {
    let fixture = fixture().await;
    let answers = (0..50).map(|_| unavailable()).collect();
    let (history, received) = fixture.run(json!({ "virtual_time": true }), answers).await;
    let eight_hours = 480;
    let expected = [&[1, 2, 4, 8, 16, 32, 64, 128, 256][..], &[eight_hours; 7]].concat();
    assert_eq!((waits_min(&history), &history["state"]), (expected, &json!("FAILED")));
    assert!(received.iter().all(|(_, body)| *body == received[0].1));
    let answers = (0..12).map(|_| unavailable()).collect();
    let (history, received) = fixture.run(json!({ "virtual_time": true }), answers).await;
    assert_eq!((received.len(), &history["state"]), (13, &json!("SUCCESS")));
}

#[tokio::test]
async fn item_3_deliveries_at_once_wait_together() {
    let fixture = fixture().await;
    let before = fixture.hubspot.control().now();
    let answers = (0..9).map(|_| unavailable()).collect();
    let options = json!({ "virtual_time": true, "concurrent": 3 });
    let (history, received) = fixture.run(options, answers).await;
    assert_eq!((received.len(), &history["state"]), (12, &json!("SUCCESS")));
    // One, two and four minutes, for all three.
    let passed = fixture.hubspot.control().now().duration_since(before).as_secs();
    assert!((420..480).contains(&passed), "{passed} s");
}

#[tokio::test]
async fn item_2_tokens_end_while_an_execution_is_tried_again_in_virtual_time() {
    let fixture = fixture().await;
    let form = "grant_type=refresh_token&client_id=app&client_secret=app-secret&refresh_token=lasting";
    let request = fixture.http.post(format!("{}/oauth/2026-03/token", fixture.serving.url));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let tokens: Value = request.send().await.unwrap().json().await.unwrap();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(fixture.get_as(token, DEAL).await.0, 200);
    fixture.run(json!({ "virtual_time": true }), (0..5).map(|_| unavailable()).collect()).await;
    assert_eq!(fixture.get_as(token, DEAL).await.1["category"], "EXPIRED_AUTHENTICATION");
}

#[tokio::test]
async fn item_2_retry_after_is_milliseconds_unless_switched_to_seconds() {
    let fixture = fixture().await;
    let throttled = || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7200000")]).into_response();
    let (history, _) = fixture.run(json!({ "virtual_time": true }), vec![throttled()]).await;
    assert_eq!((waits_min(&history), &history["state"]), (vec![120], &json!("SUCCESS")));
    let seconds = json!({ "switches": { "retry_after": "seconds" } });
    assert_eq!(fixture.post("/_sim/seed", &seconds).await.0, 204);
    let throttled = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7200")]).into_response();
    let (history, _) = fixture.run(json!({ "virtual_time": true }), vec![throttled]).await;
    assert_eq!((waits_min(&history), &history["state"]), (vec![120], &json!("SUCCESS")));
}

#[tokio::test]
async fn item_2_a_retry_after_beyond_three_days_is_never_tried_again() {
    let fixture = fixture().await;
    let throttled = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "259200001")]).into_response();
    let (history, received) = fixture.run(json!({ "virtual_time": true }), vec![throttled]).await;
    assert_eq!((received.len(), &history["state"]), (1, &json!("FAILED")));
}

#[tokio::test]
async fn item_2_the_patience_of_each_documented_guess_is_said_in_a_header() {
    let fixture = fixture().await;
    for timeout_ms in [10_000, 20_000, 30_000] {
        let (_, received) = fixture.run(json!({ "timeout_ms": timeout_ms }), vec![]).await;
        assert_eq!(received[0].0["x-hubspot-timeout-millis"], timeout_ms.to_string());
    }
}

#[tokio::test]
async fn item_2_who_is_silent_beyond_the_patience_gets_the_same_execution_again() {
    let fixture = fixture().await;
    let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let slow_once = post(async move || {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        created()
    });
    let serving = serve(Router::new().route("/actions/invoice", slow_once), 0).await.unwrap();
    fixture.hubspot.set_action_base_url(serving.url.clone());
    let options = enrollment(json!({ "timeout_ms": 200, "virtual_time": true }));
    let (_, history) = fixture.post("/_sim/executions", &options).await;
    assert_eq!(
        (&history["state"], &history["deliveries"][0]["error"]),
        (&json!("SUCCESS"), &json!("timed out"))
    );
}

#[tokio::test]
async fn item_3_later_deliveries_of_an_execution_stand_in_the_same_history() {
    let fixture = fixture().await;
    let answers = vec![unavailable()];
    let (first, _) = fixture.run(json!({ "max_attempts": 1 }), answers).await;
    assert_eq!(first["state"], "FAILED");
    let again = json!({ "callback_id": first["callback_id"] });
    fixture.run(again, vec![]).await;
    let (_, list) = fixture.get("/_sim/executions").await;
    assert_eq!(list["executions"].as_array().unwrap().len(), 1);
    assert_eq!(
        (statuses(&list["executions"][0]), &list["executions"][0]["state"]),
        (vec![503, 200], &json!("SUCCESS"))
    );
}

#[tokio::test]
async fn item_2_a_5xx_and_a_429_are_tried_again_with_the_same_body_and_a_fresh_signature() {
    let fixture = fixture().await;
    let throttled = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "5")]).into_response();
    let (history, received) = fixture.run(json!({}), vec![unavailable(), throttled]).await;
    assert_eq!((statuses(&history), &history["state"]), (vec![503, 429, 200], &json!("SUCCESS")));
    assert!(received.iter().all(|(_, body)| *body == received[0].1));
    let timestamp = |place: usize| received[place].0["x-hubspot-request-timestamp"].clone();
    assert_ne!(timestamp(0), timestamp(1));

    let (history, _) = fixture.run(json!({ "max_attempts": 2 }), vec![unavailable(), unavailable()]).await;
    assert_eq!((statuses(&history), &history["state"]), (vec![503, 503], &json!("FAILED")));
    assert_eq!((&history["rule"], &history["label"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn item_2_any_other_4xx_is_final() {
    let fixture = fixture().await;
    for status in [400, 401, 403, 404, 408, 409, 422] {
        let answer = StatusCode::from_u16(status).unwrap().into_response();
        let (history, _) = fixture.run(json!({}), vec![answer]).await;
        assert_eq!((statuses(&history), &history["state"]), (vec![u64::from(status)], &json!("FAILED")));
    }
}

#[tokio::test]
async fn item_2_silence_is_tried_again_until_the_attempts_run_out() {
    let fixture = fixture().await;
    let slow = post(async || tokio::time::sleep(Duration::from_secs(5)).await);
    let serving = serve(Router::new().route("/actions/invoice", slow), 0).await.unwrap();
    fixture.hubspot.set_action_base_url(serving.url.clone());
    let options = enrollment(json!({ "timeout_ms": 50, "max_attempts": 2 }));
    let (_, history) = fixture.post("/_sim/executions", &options).await;
    assert_eq!(history["state"], "FAILED");
    let errors: Vec<&Value> =
        history["deliveries"].as_array().unwrap().iter().map(|one| &one["error"]).collect();
    assert_eq!(errors, ["timed out", "timed out"]);
}

#[tokio::test]
async fn item_3_deliveries_in_a_row_and_at_once_are_the_same_execution() {
    let fixture = fixture().await;
    let blocked = outputs(
        json!({ "hs_execution_state": "BLOCK", "hs_expiration_duration": "PT6H", "status": "accepted" }),
    );
    let (history, received) = fixture.run(json!({ "deliveries": 2, "concurrent": 3 }), vec![blocked]).await;
    assert_eq!((received.len(), &history["state"]), (6, &json!("SUCCESS")));
    assert!(received.iter().all(|(_, body)| *body == received[0].1));
    let given = json!({ "callback_id": history["callback_id"] });
    let (_, again) = fixture.run(given, vec![]).await;
    assert_eq!(again[0].1, received[0].1);
    let (_, other) = fixture.run(json!({}), vec![]).await;
    assert_ne!(other[0].1, received[0].1);
}
