//! Log, clock and the plain faults, over real HTTP on a vendor with one effect.

use std::time::Duration;

use tokio::sync::Semaphore;

use super::*;

mod faults;

/// A vendor with one effect: `POST /effect` counts, `GET /effect` tells the count.
async fn vendor() -> (Control, Serving) {
    let control = Control::new();
    let count = Arc::new(Mutex::new(0));
    let seen = count.clone();
    let effect = get(async move || seen.lock().unwrap().to_string()).post(async move || {
        *count.lock().unwrap() += 1;
        "done"
    });
    let serving = serve(control.mount(Router::new().route("/effect", effect)), 0).await.unwrap();
    (control, serving)
}

async fn get_text(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn post_effect(serving: &Serving) -> reqwest::Result<reqwest::Response> {
    reqwest::Client::new().post(format!("{}/effect?a=b%20c", serving.url)).body("hello").send().await
}

async fn effects(serving: &Serving) -> String {
    get_text(&format!("{}/effect", serving.url)).await.1
}

fn fault(set: impl FnOnce(&mut Fault)) -> Fault {
    let mut fault = Fault { method: Some("POST".into()), path: "/eff".into(), ..Fault::default() };
    set(&mut fault);
    fault
}

/// Waits for what must come about, however busy the machine is.
async fn until(holds: impl AsyncFn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < limit, "did not come about in half a minute");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn span(started_us: u64, ended_us: u64) -> Call {
    Call {
        seq: 0,
        method: "GET".into(),
        path: "/".into(),
        query: String::new(),
        started_us,
        ended_us: Some(ended_us),
        status: Some(200),
        fault: None,
        authorization_present: false,
        request_body: String::new(),
        unexpected: false,
    }
}

#[tokio::test]
async fn a_call_is_logged_with_query_body_and_status() {
    let (control, serving) = vendor().await;
    post_effect(&serving).await.unwrap();
    let call = control.calls().remove(0);
    assert_eq!((call.method.as_str(), call.path.as_str(), call.query.as_str()), ("POST", "/effect", "a=b c"));
    assert_eq!((call.request_body.as_str(), call.status, call.unexpected), ("hello", Some(200), false));
    assert!(call.ended_us.unwrap() >= call.started_us);
}

#[tokio::test]
async fn control_routes_are_not_logged_and_the_log_can_be_cleared() {
    let (control, serving) = vendor().await;
    post_effect(&serving).await.unwrap();
    let (_, log) = get_text(&format!("{}/_sim/calls", serving.url)).await;
    assert_eq!(serde_json::from_str::<Value>(&log).unwrap()["calls"].as_array().unwrap().len(), 1);
    reqwest::Client::new().delete(format!("{}/_sim/calls", serving.url)).send().await.unwrap();
    assert!(control.calls().is_empty());
}

#[tokio::test]
async fn an_unknown_route_and_a_wrong_method_say_what_was_asked_and_are_unexpected() {
    let (control, serving) = vendor().await;
    let (status, text) = get_text(&format!("{}/nowhere", serving.url)).await;
    assert_eq!((status, text.contains("GET /nowhere")), (404, true));
    let wrong = reqwest::Client::new().put(format!("{}/effect", serving.url)).send().await.unwrap();
    assert_eq!(wrong.status().as_u16(), 404);
    assert!(control.calls().iter().all(|call| call.unexpected));
}

#[tokio::test]
async fn a_fault_before_the_effect_prevents_it_and_one_after_hides_it() {
    let (control, serving) = vendor().await;
    control.set_faults(vec![fault(|f| f.status = Some(503))]).unwrap();
    assert_eq!(post_effect(&serving).await.unwrap().status().as_u16(), 503);
    assert_eq!(effects(&serving).await, "0");
    let after = fault(|f| (f.status, f.after_effect) = (Some(503), true));
    control.set_faults(vec![after]).unwrap();
    assert_eq!(post_effect(&serving).await.unwrap().status().as_u16(), 503);
    assert_eq!(effects(&serving).await, "1");
    let kinds: Vec<_> = control.calls().into_iter().filter_map(|call| call.fault).collect();
    assert_eq!(kinds, ["answer", "answer_after_effect"]);
}

#[tokio::test]
async fn a_dropped_connection_gives_the_caller_no_answer_at_all() {
    let (control, serving) = vendor().await;
    control.set_faults(vec![fault(|f| (f.drop, f.after_effect) = (true, true))]).unwrap();
    assert!(post_effect(&serving).await.unwrap_err().is_request());
    assert_eq!(effects(&serving).await, "1");
    let call = control.calls().remove(0);
    assert_eq!((call.status, call.ended_us.is_some()), (None, true));
}

#[tokio::test]
async fn faults_skip_strike_and_run_out() {
    let (control, serving) = vendor().await;
    control.set_faults(vec![fault(|f| (f.skip, f.times, f.status) = (1, 2, Some(500)))]).unwrap();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(post_effect(&serving).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 500, 200]);
    let (_, list) = get_text(&format!("{}/_sim/faults", serving.url)).await;
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["faults"][0]["applied"], 2);
}

#[tokio::test]
async fn a_fault_can_answer_any_body_and_headers() {
    let (_, serving) = vendor().await;
    let faults = json!({"faults": [{"path": "/effect", "status": 429, "body": "<slow/>",
        "content_type": "application/xml", "headers": {"retry-after": "60"}}]});
    let client = reqwest::Client::new();
    client.post(format!("{}/_sim/faults", serving.url)).json(&faults).send().await.unwrap();
    let answer = post_effect(&serving).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/xml");
    assert_eq!(answer.headers()["retry-after"], "60");
    assert_eq!(answer.text().await.unwrap(), "<slow/>");
}

#[tokio::test]
async fn a_fault_no_answer_can_carry_is_refused() {
    let (control, _serving) = vendor().await;
    assert!(control.set_faults(vec![fault(|f| f.status = Some(99))]).is_err());
}

#[tokio::test]
async fn an_effect_happens_even_when_the_caller_has_given_up() {
    let (control, gate) = (Control::new(), Arc::new(Semaphore::new(0)));
    let closed = gate.clone();
    let effect = post(async move || closed.acquire().await.map(drop).is_ok().to_string());
    let serving = serve(control.mount(Router::new().route("/effect", effect)), 0).await.unwrap();
    let url = format!("{}/effect", serving.url);
    let caller = tokio::spawn(async move { reqwest::Client::new().post(url).send().await });
    until(async || control.calls().len() == 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    // Long enough for the server to notice that nobody listens; when it is not, the test proves less but holds.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(control.calls()[0].ended_us, None);
    gate.add_permits(1);
    until(async || control.calls()[0].status == Some(200)).await;
}

#[tokio::test]
async fn the_clock_can_be_advanced_and_set() {
    let (control, serving) = vendor().await;
    let clock = format!("{}/_sim/clock", serving.url);
    let client = reqwest::Client::new();
    let before = control.now();
    client.post(&clock).json(&json!({"advance_seconds": 3600})).send().await.unwrap();
    assert!(control.now().duration_since(before).as_secs() >= 3600);
    client.post(&clock).json(&json!({"now": "2026-03-02T17:15:30Z"})).send().await.unwrap();
    assert!(control.now().to_string().starts_with("2026-03-02T17:15:3"));
}

#[tokio::test]
async fn the_clock_stops_short_of_the_end_of_the_calendar() {
    let (control, serving) = vendor().await;
    let clock = format!("{}/_sim/clock", serving.url);
    for (seconds, year) in [(i64::MAX, "9000-"), (i64::MIN, "1970-"), (60, "1970-")] {
        let body = json!({"advance_seconds": seconds});
        let answer = reqwest::Client::new().post(&clock).json(&body).send().await.unwrap();
        let told: Value = answer.json().await.unwrap();
        assert!(told["now"].as_str().unwrap().starts_with(year), "{told}");
        assert!(control.now().to_string().starts_with(year));
    }
}

#[tokio::test]
async fn a_simulator_that_fails_says_so_in_the_log() {
    let control = Control::new();
    let broken = get(async || -> &'static str { panic!("a mistake of ours") });
    let serving = serve(control.mount(Router::new().route("/broken", broken)), 0).await.unwrap();
    assert_eq!(get_text(&format!("{}/broken", serving.url)).await.0, 500);
    let call = control.calls().remove(0);
    assert_eq!((call.status, call.unexpected, call.ended_us.is_some()), (Some(500), true, true));
}

#[tokio::test]
async fn a_dropped_server_takes_no_more_calls() {
    let (_, serving) = vendor().await;
    let url = format!("{}/effect", serving.url);
    drop(serving);
    until(async || reqwest::get(&url).await.is_err()).await;
}

#[test]
fn overlapping_calls_are_one_round_trip() {
    let calls = [span(0, 10), span(5, 20), span(15, 18), span(30, 40), span(41, 50)];
    assert_eq!(round_trips(&calls), 3);
    assert_eq!(round_trips(&[]), 0);
}
