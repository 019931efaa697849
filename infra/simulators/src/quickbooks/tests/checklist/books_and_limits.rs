//! Items 9 and 13: throttling, outages, and what is metered.

use super::super::*;

async fn status(request: RequestBuilder) -> Option<u16> {
    request.send().await.ok().map(|answer| answer.status().as_u16())
}

impl Books {
    async fn plan(&self, faults: Value) {
        let plan =
            self.client.post(format!("{}/_sim/faults", self.serving.url)).json(&json!({"faults": faults}));
        assert_eq!(status(plan).await, Some(200));
    }

    fn metered(&self) -> (u64, u64) {
        let calls = self.company()["calls"].clone();
        (calls["core"].as_u64().unwrap(), calls["core_plus"].as_u64().unwrap())
    }
}

#[tokio::test]
async fn item_9_a_429_comes_in_xml_on_a_seeded_schedule() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let books = books().await;
        books.plan(json!([{"preset": "quickbooks_429_xml", "probability": exact("0.3"), "seed": seed, "times": 1000}])).await;
        let mut throttled = Vec::new();
        for at in 0..40 {
            let answer = books.get("preferences").send().await.unwrap();
            if answer.status().as_u16() == 429 {
                throttled.push(at);
                assert_eq!(answer.headers()["content-type"], "application/xml");
                assert!(answer.headers().get("retry-after").is_none());
                let text = answer.text().await.unwrap();
                assert!(text.contains("<Fault type=\"SERVICE\"><Error code=\"3001\">"), "{text}");
                assert!(
                    text.contains("message=ThrottleExceeded; errorCode=003001; statusCode=429"),
                    "{text}"
                );
            }
        }
        runs.push(throttled);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!((5..20).contains(&runs[0].len()), "{runs:?}");
}

#[tokio::test]
async fn item_9_an_outage_before_the_commit_changes_nothing_and_one_after_it_is_what_request_ids_are_for() {
    for outage in [500, 503, 504] {
        let books = books().await;
        books.plan(json!([{"path": "/invoice", "status": outage}, {"path": "/invoice", "status": outage, "after_effect": true}])).await;
        let send = async || status(books.post("invoice?requestid=r1", &invoice())).await;
        assert_eq!((send().await, books.count("Invoice")), (Some(outage), 0));
        assert_eq!((send().await, books.count("Invoice")), (Some(outage), 1));
        assert_eq!((send().await, books.count("Invoice")), (Some(200), 1));
    }
}

#[tokio::test]
async fn item_9_a_connection_dropped_after_the_commit_leaves_the_document() {
    let books = books().await;
    books.plan(json!([{"path": "/invoice", "drop": true, "after_effect": true}])).await;
    assert_eq!(status(books.post("invoice?requestid=r1", &invoice())).await, None);
    assert_eq!(books.count("Invoice"), 1);
    let (_, answer) = json_of(books.post("invoice?requestid=r1", &invoice())).await;
    assert_eq!((id(&answer["Invoice"]), books.count("Invoice")), ("7", 1));
}

#[tokio::test]
async fn item_9_five_hundred_calls_and_forty_batches_a_minute_are_let_in_by_default() {
    let books = books().await;
    let batch = json!({"BatchItemRequest": [{"bId": "q", "Query": "select * from Item"}]});
    for _ in 0..40 {
        assert_eq!(status(books.post("batch", &batch)).await, Some(200));
    }
    let answer = books.post("batch", &batch).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (429, "application/xml")
    );
    for _ in 40..500 {
        assert_eq!(status(books.get("preferences")).await, Some(200));
    }
    assert_eq!(status(books.post("invoice", &invoice())).await, Some(429));
    assert_eq!(books.count("Invoice"), 0);
    books.later(60).await;
    assert_eq!(status(books.post("invoice", &invoice())).await, Some(200));
    assert_eq!(status(books.post("batch", &batch)).await, Some(200));
}

#[tokio::test]
async fn item_9_ten_calls_at_once_are_let_in_by_default() {
    let books = books().await;
    books.switch(json!({"handling_ms": 3_600_000}));
    let calls: Vec<_> = (0..12).map(|_| tokio::spawn(status(books.get("preferences")))).collect();
    books.until("/calls/running", 10).await;
    books.until("/calls/throttled", 2).await;
    books.later(3601).await;
    books.switch(json!({}));
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [vec![200; 10], vec![429; 2]].concat());
    assert_eq!(status(books.get("preferences")).await, Some(200));
}

#[tokio::test]
async fn item_13_reads_and_queries_are_core_plus_and_writes_are_core() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    books.create("payment", json!({"TotalAmt": 5, "CustomerRef": {"value": "1"}})).await;
    assert_eq!(books.metered(), (2, 0));
    books.query("select * from Item").await;
    books.read("Invoice", "7").await;
    for path in ["preferences", "cdc?entities=Item&changedSince=2100-01-01T00:00:00Z"] {
        assert_eq!(status(books.get(path)).await, Some(200), "{path}");
    }
    assert_eq!(books.metered(), (2, 4));
    let query = |id: &str| json!({"bId": id, "Query": "select * from Item"});
    let made = json!({"bId": "c", "operation": "create", "Customer": {"DisplayName": "Fabrikam"}});
    books.create("batch", json!({"BatchItemRequest": [query("a"), query("b"), made]})).await;
    assert_eq!(books.metered(), (3, 6));
    books.query("select * from Nothing").await;
    assert_eq!(books.metered(), (3, 6));
}

#[tokio::test]
async fn item_13_a_set_quota_blocks_reads_with_429_until_the_next_month_and_never_writes() {
    let books = books().await;
    books.switch(json!({"quota": 2}));
    for expected in [200, 200, 429] {
        assert_eq!(status(books.get("preferences")).await, Some(expected));
    }
    assert_eq!(status(books.post("invoice", &invoice())).await, Some(200));
    books.later(32 * 24 * 3600).await;
    assert_eq!(status(books.get("preferences")).await, Some(200));
}

#[tokio::test]
async fn item_13_the_quota_is_of_all_companies_of_an_app_together() {
    let books = books().await;
    let seed = json!({"companies": [{"realm_id": REALM, "switches": {"quota": 2}}, {"realm_id": "2", "switches": {"quota": 2}}],
        "clients": [{"client_id": "app", "client_secret": "hush"}, {"client_id": "another", "client_secret": "hush"}],
        "grants": [{"realm_id": REALM, "refresh_token": "a", "client_id": "app"},
            {"realm_id": "2", "refresh_token": "b", "client_id": "app"},
            {"realm_id": "2", "refresh_token": "c", "client_id": "another"}]});
    books.quickbooks.seed(seed).unwrap();
    let access = async |client: &str, refresh_token: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let call = books.client.post(format!("{}/oauth2/v1/tokens/bearer", books.serving.url)).form(&form);
        let tokens = json_of(call.basic_auth(client, Some("hush"))).await.1;
        tokens["access_token"].as_str().unwrap().to_owned()
    };
    let read = async |realm: &str, token: &str| {
        let url = format!("{}/v3/company/{realm}/preferences", books.serving.url);
        status(books.client.get(url).bearer_auth(token)).await
    };
    let (here, there, others) =
        (access("app", "a").await, access("app", "b").await, access("another", "c").await);
    assert_eq!((read(REALM, &here).await, read("2", &there).await), (Some(200), Some(200)));
    assert_eq!((read(REALM, &here).await, read("2", &there).await), (Some(429), Some(429)));
    assert_eq!(read("2", &others).await, Some(200), "another app has a quota of its own");
    assert_eq!(read(REALM, "good").await, Some(200), "and so have tokens that are no app's");
}

#[tokio::test]
async fn item_13_a_sandbox_is_not_metered() {
    let books = books().await;
    books.seed(json!({"sandbox": true, "switches": {"quota": 1}}));
    for _ in 0..3 {
        assert_eq!(status(books.get("preferences")).await, Some(200));
    }
    assert_eq!(books.metered(), (0, 0));
}
