//! Item 4: `requestid`.

use super::super::*;

const HOUR_MS: u64 = 3_600_000;

async fn text(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

impl Books {
    async fn made_under(&self, request_id: &str, body: &Value) -> (u16, String) {
        text(self.post(&format!("invoice?requestid={request_id}"), body)).await
    }
}

#[tokio::test]
async fn item_4_the_same_id_gets_the_stored_answer_byte_for_byte_and_nothing_is_done() {
    let books = books().await;
    let first = books.made_under("r1", &invoice()).await;
    let before = books.company()["Customer"].clone();
    books.later(3600).await;
    assert_eq!(books.made_under("r1", &invoice()).await, first);
    assert_eq!((books.count("Invoice"), &books.company()["Customer"]), (1, &before));
}

#[tokio::test]
async fn item_4_an_id_belongs_to_its_company() {
    let books = books().await;
    books.made_under("r1", &invoice()).await;
    let elsewhere = books.client.post(format!("{}/v3/company/2/customer?requestid=r1", books.serving.url));
    let elsewhere = elsewhere.bearer_auth("other").header("accept", "application/json");
    let (status, answer) = json_of(elsewhere.json(&json!({"DisplayName": "Elsewhere"}))).await;
    assert_eq!((status, &answer["Customer"]["DisplayName"]), (200, &json!("Elsewhere")));
}

#[tokio::test]
async fn item_4_an_id_is_remembered_for_ever_or_24_hours_as_the_switch_says() {
    for (switch, invoices) in [("honour", 1), ("forget", 2)] {
        let books = books().await;
        if switch == "forget" {
            books.switch(json!({"request_ids": {"forget_after": 24 * 3600}}));
        }
        books.made_under("r1", &invoice()).await;
        books.later(23 * 3600).await;
        books.made_under("r1", &invoice()).await;
        assert_eq!(books.count("Invoice"), 1);
        books.later(2 * 3600).await;
        books.made_under("r1", &invoice()).await;
        assert_eq!(books.count("Invoice"), invoices, "{switch}");
    }
}

#[tokio::test]
async fn item_4_another_body_gets_the_old_answer_or_600_as_the_switch_says() {
    let books = books().await;
    let other = invoice_with(|i| i["PrivateNote"] = json!("another deal"));
    let first = books.made_under("r1", &invoice()).await;
    assert_eq!(books.made_under("r1", &other).await, first);
    books.switch(json!({"other_body": "duplicate_id"}));
    let (status, answer) = json_of(books.post("invoice?requestid=r1", &other)).await;
    assert_eq!((status, code(&answer).as_str(), books.count("Invoice")), (400, "600", 1));
}

#[tokio::test]
async fn item_4_faults_are_not_cached_or_cached_as_the_switch_says() {
    for (caches, status) in [(false, 200), (true, 400)] {
        let books = books().await;
        books.switch(json!({"cache_faults": caches}));
        assert_eq!(books.made_under("r1", &invoice_with(|i| i["Line"] = json!([]))).await.0, 400);
        assert_eq!(books.made_under("r1", &invoice()).await.0, status);
    }
}

#[tokio::test]
async fn item_4_an_id_in_progress_gets_600_or_waits_as_the_switch_says() {
    for (switch, expected) in [("duplicate_id", 400), ("wait", 200)] {
        let books = books().await;
        books.switch(json!({"handling_ms": HOUR_MS, "in_progress": switch}));
        let second = async {
            books.until("/requests/r1/seen", 1).await;
            books.made_under("r1", &invoice()).await
        };
        let clock = async {
            books.until("/requests/r1/seen", 2).await;
            assert_eq!(books.count("Invoice"), 0);
            books.later(3601).await;
        };
        let body = invoice();
        let (first, second, ()) = tokio::join!(books.made_under("r1", &body), second, clock);
        assert_eq!((first.0, second.0, books.count("Invoice")), (200, expected, 1));
        assert_eq!(second.1 == first.1, switch == "wait");
    }
}

#[tokio::test]
async fn item_4_what_was_begun_is_finished_when_the_caller_hangs_up() {
    let books = books().await;
    books.switch(json!({"handling_ms": HOUR_MS}));
    let body = invoice();
    let impatient = tokio::spawn(books.post("invoice?requestid=r1", &body).send());
    books.until("/requests/r1/seen", 1).await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    // The server may take its time to notice; if it has not, it proves less, and nothing wrong.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(books.count("Invoice"), 0);
    books.later(3601).await;
    books.until("/Invoice/0/Id", 7).await;
    assert_eq!(books.made_under("r1", &body).await.0, 200);
    assert_eq!(books.count("Invoice"), 1);
}

#[tokio::test]
async fn item_4_an_id_that_is_too_long_gets_2130() {
    let books = books().await;
    for (path, length, expected) in [
        ("customer", 50, None),
        ("customer", 51, Some("2130")),
        ("batch", 36, None),
        ("batch", 37, Some("2130")),
    ] {
        let body = match path {
            "batch" => json!({"BatchItemRequest": [{"bId": "q", "Query": "select * from Item"}]}),
            _ => json!({"DisplayName": "Fabrikam"}),
        };
        let path = format!("{path}?requestid={}", "a".repeat(length));
        let (_, answer) = json_of(books.post(&path, &body)).await;
        assert_eq!(answer["Fault"]["Error"][0]["code"].as_str(), expected, "{path}");
    }
}

#[tokio::test]
async fn item_4_an_id_with_hyphens_is_taken_or_gets_2130_as_the_switch_says() {
    let books = books().await;
    let path = "customer?requestid=3f0c8a52-6c1e-4f0e-9a51-2b1c6f0f9d11";
    books.create(path, json!({"DisplayName": "Fabrikam"})).await;
    assert_eq!(books.refused("customer?requestid=a_b", json!({"DisplayName": "Contoso"})).await, "2130");
    books.switch(json!({"request_id_alphabet": "letters_and_digits"}));
    assert_eq!(books.refused(path, json!({"DisplayName": "Fabrikam"})).await, "2130");
    books.create("customer?requestid=3f0c8a526c1e", json!({"DisplayName": "Tailspin"})).await;
}

#[tokio::test]
async fn item_4_600_comes_with_the_http_status_of_the_switch() {
    for (switch, expected) in [("bad_request", 400), ("server_error", 500), ("ok", 200)] {
        let books = books().await;
        books.switch(json!({"other_body": "duplicate_id", "duplicate_request_status": switch}));
        books.made_under("r1", &invoice()).await;
        let other = invoice_with(|i| i["PrivateNote"] = json!("another deal"));
        let (status, answer) = json_of(books.post("invoice?requestid=r1", &other)).await;
        assert_eq!((status, code(&answer).as_str()), (expected, "600"));
    }
}
