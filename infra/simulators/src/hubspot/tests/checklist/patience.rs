//! How long HubSpot waits, for an answer and until the next attempt, and on whose clock (hubspot.md §2.4).

use super::*;
use jiff::Timestamp;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Counts the requests whose connection was closed while they were worked on.
struct Closed(Arc<AtomicUsize>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn sent_at(history: &Value, place: usize) -> Timestamp {
    history["deliveries"][place]["at"].as_str().unwrap().parse().unwrap()
}

async fn until(holds: impl AsyncFn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < limit, "did not come about in half a minute");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn item_2_the_connection_is_closed_after_10_20_or_30_seconds_and_the_same_callback_id_comes_again() {
    for patience_s in [10, 20, 30] {
        let fixture = fixture().await;
        let (closed, bodies) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counter, seen) = (closed.clone(), bodies.clone());
        let _serving = fixture
            .serve_invoice(post(async move |body: String| {
                let is_first = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(body);
                    seen.len() == 1
                };
                if is_first {
                    let _closed = Closed(counter);
                    std::future::pending::<()>().await;
                }
                created()
            }))
            .await;
        let options =
            json!({ "timeout_ms": patience_s * 1000, "real_timeout_ms": 100, "virtual_time": true });
        let (_, history) = fixture.post("/_sim/executions", &enrollment(options)).await;
        assert_eq!(
            (&history["deliveries"][0]["error"], &history["state"]),
            (&json!("timed out"), &json!("SUCCESS"))
        );
        until(async || closed.load(Ordering::SeqCst) == 1).await;
        // The patience, and the first minute of back-off.
        let waited = sent_at(&history, 1).duration_since(sent_at(&history, 0)).as_secs();
        assert!((patience_s + 60..patience_s + 70).contains(&waited), "{waited} s");
        let bodies = bodies.lock().unwrap().clone();
        assert_eq!((bodies.len(), &bodies[0]), (2, &bodies[1]));
    }
}

#[tokio::test]
async fn item_2_without_a_word_the_patience_is_the_shortest_ever_seen_and_a_switch_changes_it() {
    let fixture = fixture().await;
    assert_eq!(fixture.run(json!({}), vec![]).await.1[0].0["x-hubspot-timeout-millis"], "10000");
    fixture.switch(json!({ "patience_ms": 30_000 })).await;
    assert_eq!(fixture.run(json!({}), vec![]).await.1[0].0["x-hubspot-timeout-millis"], "30000");
}

#[tokio::test]
async fn item_2_three_days_of_retries_pass_on_the_simulators_clock_alone() {
    let fixture = fixture().await;
    let _serving = fixture.serve_invoice(post(async || unavailable())).await;
    let before = fixture.hubspot.control().now();
    let (_, history) = fixture.post("/_sim/executions", &enrollment(json!({ "virtual_time": true }))).await;
    let passed = fixture.hubspot.control().now().duration_since(before).as_hours();
    assert_eq!((statuses(&history).len(), &history["state"]), (17, &json!("FAILED")));
    assert!((60..72).contains(&passed), "{passed} h");
    let waits: Vec<_> =
        (1..17).map(|place| sent_at(&history, place).duration_since(sent_at(&history, place - 1))).collect();
    let minutes: Vec<_> = waits.iter().map(|wait| wait.as_mins()).collect();
    let doubled = [1, 2, 4, 8, 16, 32, 64, 128, 256];
    assert_eq!((&minutes[..9], &minutes[9..]), (&doubled[..], &[480; 7][..]));
}

#[tokio::test]
async fn item_2_a_moved_clock_lets_the_back_off_pass_at_once() {
    let fixture = fixture().await;
    let count = Arc::new(AtomicUsize::new(0));
    let seen = count.clone();
    let _serving =
        fixture
            .serve_invoice(post(async move || {
                if seen.fetch_add(1, Ordering::SeqCst) < 2 { unavailable() } else { created() }
            }))
            .await;
    let options = enrollment(json!({ "clock_time": true }));
    let run = fixture.post("/_sim/executions", &options);
    let noted = async || {
        let (_, list) = fixture.get("/_sim/executions").await;
        list["executions"][0]["deliveries"].as_array().map_or(0, Vec::len)
    };
    let move_clock = async {
        until(async || noted().await == 1).await;
        fixture.advance(30).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(count.load(Ordering::SeqCst), 1, "half a minute is not enough");
        fixture.advance(30).await;
        until(async || noted().await == 2).await;
        fixture.advance(120).await;
    };
    let ((_, history), ()) = tokio::join!(run, move_clock);
    assert_eq!((statuses(&history), &history["state"]), (vec![503, 503, 200], &json!("SUCCESS")));
}

#[tokio::test]
async fn item_2_who_is_still_waiting_when_three_days_are_over_has_failed() {
    let fixture = fixture().await;
    let _serving = fixture.serve_invoice(post(async || unavailable())).await;
    let options = enrollment(json!({ "clock_time": true }));
    let run = fixture.post("/_sim/executions", &options);
    let move_clock = async {
        until(async || {
            let (_, list) = fixture.get("/_sim/executions").await;
            list["executions"][0]["deliveries"].as_array().is_some_and(|sent| sent.len() == 1)
        })
        .await;
        fixture.advance(4 * 86_400).await;
    };
    let ((_, history), ()) = tokio::join!(run, move_clock);
    assert_eq!((statuses(&history).len(), &history["state"]), (2, &json!("FAILED")));
}

#[tokio::test]
async fn item_2_who_asks_to_be_called_again_at_once_is_not_called_for_ever() {
    let fixture = fixture().await;
    let throttled = || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response();
    let _serving = fixture.serve_invoice(post(async move || throttled())).await;
    let (_, history) = fixture.post("/_sim/executions", &enrollment(json!({ "virtual_time": true }))).await;
    assert_eq!((statuses(&history).len(), &history["state"]), (300, &json!("FAILED")));
}

#[tokio::test]
async fn item_2_a_retry_after_is_shortened_like_every_other_wait() {
    let fixture = fixture().await;
    let throttled = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120000")]).into_response();
    let started = Instant::now();
    let (history, _) = fixture.run(json!({}), vec![throttled]).await;
    assert_eq!(statuses(&history), [429, 200]);
    let took = started.elapsed();
    assert!((Duration::from_millis(100)..Duration::from_secs(60)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn item_2_one_clock_is_asked_for_at_a_time() {
    let fixture = fixture().await;
    let _serving = fixture.serve_invoice(post(async || created())).await;
    let both = enrollment(json!({ "virtual_time": true, "clock_time": true }));
    assert_eq!(fixture.post("/_sim/executions", &both).await.0, 400);
}
