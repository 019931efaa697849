//! `requestid`, in every reading of what Intuit leaves open.

use super::*;

async fn text(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

impl Books {
    fn once(&self, body: &Value) -> RequestBuilder {
        self.post("invoice?requestid=r1", body)
    }
}

#[tokio::test]
async fn a_request_id_is_honoured_byte_for_byte_however_late() {
    let books = books().await;
    let first = text(books.once(&invoice())).await;
    books.later(10 * 24 * 3600).await;
    assert_eq!(text(books.once(&invoice())).await, first);
    assert_eq!(books.count("Invoice"), 1);
}

#[tokio::test]
async fn a_request_id_is_ignored_by_the_switch() {
    let books = books().await;
    books.switch(json!({"request_ids": "ignore"}));
    for count in [1, 2] {
        text(books.once(&invoice())).await;
        assert_eq!(books.count("Invoice"), count);
    }
    let batch = json!({"BatchItemRequest": [{"bId": "a", "operation": "create", "Invoice": invoice()}]});
    for count in [3, 4] {
        text(books.post("batch?requestid=b1", &batch)).await;
        assert_eq!(books.count("Invoice"), count);
    }
}

#[tokio::test]
async fn a_request_id_is_forgotten_after_the_seconds_of_the_switch() {
    let books = books().await;
    books.switch(json!({"request_ids": {"forget_after": 3600}}));
    text(books.once(&invoice())).await;
    books.later(3000).await;
    text(books.once(&invoice())).await;
    assert_eq!(books.count("Invoice"), 1);
    books.later(601).await;
    text(books.once(&invoice())).await;
    assert_eq!(books.count("Invoice"), 2);
}

#[tokio::test]
async fn a_refusal_is_remembered_under_its_request_id_only_by_the_switch() {
    let books = books().await;
    let broken = invoice_with(|i| i["Line"] = json!([]));
    for (caches, expected) in [(false, 200), (true, 400)] {
        books.switch(json!({"cache_faults": caches}));
        let path = format!("invoice?requestid=caches{caches}");
        let (status, first) = text(books.post(&path, &broken)).await;
        assert_eq!(status, 400);
        let (status, second) = text(books.post(&path, &invoice())).await;
        assert_eq!((status, second == first), (expected, caches));
    }
    let batch =
        |body: Value| json!({"BatchItemRequest": [{"bId": "a", "operation": "create", "Invoice": body}]});
    let first = text(books.post("batch?requestid=b1", &batch(broken))).await;
    assert_eq!(text(books.post("batch?requestid=b1", &batch(invoice()))).await, first);
}

#[tokio::test]
async fn another_body_under_a_known_request_id_is_lost_or_refused_as_the_switch_says() {
    let books = books().await;
    let other = invoice_with(|i| i["PrivateNote"] = json!("another deal"));
    let first = text(books.once(&invoice())).await;
    assert_eq!(text(books.once(&other)).await, first);
    books.switch(json!({"other_body": "duplicate_id"}));
    assert_eq!(code(&json_of(books.once(&other)).await.1), "600");
    assert_eq!(text(books.once(&invoice())).await, first);
    assert_eq!(books.count("Invoice"), 1);
}

#[tokio::test]
async fn a_request_id_in_progress_is_a_600_and_then_answered_as_the_first_was() {
    let books = books().await;
    books.switch(json!({"handling_ms": 3_600_000}));
    let second = async {
        books.until("/requests/r1/seen", 1).await;
        assert_eq!(books.count("Invoice"), 0);
        let second = json_of(books.once(&invoice())).await;
        books.later(3601).await;
        second
    };
    let body = invoice();
    let (first, second) = tokio::join!(text(books.once(&body)), second);
    assert_eq!((second.0, code(&second.1).as_str()), (400, "600"));
    assert_eq!(first.0, 200);
    assert_eq!(text(books.once(&invoice())).await, first);
    assert_eq!(books.count("Invoice"), 1);
}

#[tokio::test]
async fn a_request_id_in_progress_waits_for_the_first_answer_by_the_switch() {
    let books = books().await;
    books.switch(json!({"handling_ms": 3_600_000, "in_progress": "wait"}));
    let body = invoice();
    let clock = async {
        books.until("/requests/r1/seen", 2).await;
        books.later(3601).await;
    };
    let (first, second, ()) = tokio::join!(text(books.once(&body)), text(books.once(&body)), clock);
    assert_eq!(first, second);
    assert_eq!((first.0, books.count("Invoice")), (200, 1));
}
