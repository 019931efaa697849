//! When HubSpot does not answer (hubspot.md §8).

use super::*;

#[tokio::test]
async fn item_8_the_portal_that_asked_110_times_in_ten_seconds_is_throttled_and_others_are_not() {
    let fixture = fixture().await;
    for _ in 0..110 {
        assert_eq!(fixture.get(DEAL).await.0, 200);
    }
    let (status, body) = fixture.get(DEAL).await;
    assert_eq!((status, &body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    assert_eq!(fixture.get_as("other", DEAL).await.0, 404);
    fixture.post("/_sim/clock", &json!({ "advance_seconds": 10 })).await;
    let answer =
        fixture.http.get(format!("{}{DEAL}", fixture.serving.url)).bearer_auth("all").send().await.unwrap();
    assert_eq!(answer.headers()["x-hubspot-ratelimit-remaining"], "109");
}

#[tokio::test]
async fn item_8_a_fault_plan_answers_423_477_and_502_in_place_of_a_record() {
    let fixture = fixture().await;
    let fault = |status: u16, headers: Value| {
        json!({
            "path": "/deals/", "status": status, "headers": headers, "content_type": "application/json",
            "body": json!({ "status": "error", "message": "not now" }).to_string()
        })
    };
    let plan = json!({ "faults": [
        fault(423, json!({})), fault(477, json!({ "retry-after": "3600" })), fault(502, json!({}))
    ] });
    assert_eq!(fixture.post("/_sim/faults", &plan).await.0, 200);
    for status in [423, 477, 502, 200] {
        assert_eq!(fixture.get(DEAL).await.0, status);
    }
}

#[tokio::test]
async fn item_8_the_429_has_the_documented_body_and_headers() {
    let fixture = fixture().await;
    let url = format!("{}{DEAL}", fixture.serving.url);
    let ask = async || fixture.http.get(&url).bearer_auth("all").send().await.unwrap();
    let first = ask().await;
    for _ in 1..110 {
        ask().await;
    }
    let refused = ask().await;
    for (answer, status, remaining) in [(&first, 200, "109"), (&refused, 429, "0")] {
        let headers = answer.headers();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(headers["x-hubspot-ratelimit-remaining"], remaining);
        assert_eq!(headers["x-hubspot-ratelimit-max"], "110");
        assert_eq!(headers["x-hubspot-ratelimit-interval-milliseconds"], "10000");
        for absent in ["retry-after", "x-hubspot-ratelimit-daily", "x-hubspot-ratelimit-secondly"] {
            assert!(!headers.contains_key(absent), "{absent}");
        }
    }
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["message"], "You have reached your ten_secondly_rolling limit.");
    let fixed = [("status", "error"), ("errorType", "RATE_LIMIT"), ("policyName", "TEN_SECONDLY_ROLLING")];
    for (key, value) in fixed {
        assert_eq!(body[key], value);
    }
    for key in ["correlationId", "requestId", "groupName"] {
        assert!(body[key].is_string(), "{key}");
    }
    assert_eq!(body.get("category"), None);
}

#[tokio::test]
async fn item_8_423_and_477_come_ready_made_with_the_wait_of_a_477_in_seconds() {
    let fixture = fixture().await;
    let plan = json!({ "faults": [{ "preset": "hubspot_423" }, { "preset": "hubspot_477" }] });
    assert_eq!(fixture.post("/_sim/faults", &plan).await.0, 200);
    for (status, retry_after) in [(423, None), (477, Some("3600"))] {
        let request = fixture.http.get(format!("{}{DEAL}", fixture.serving.url)).bearer_auth("all");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let told = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told.as_deref(), retry_after);
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], "error");
    }
}
