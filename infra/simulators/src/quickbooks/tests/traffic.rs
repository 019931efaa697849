//! Throttles and metering.

use super::*;

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn too_many_calls_a_minute_are_a_429_in_xml_until_the_minute_is_over() {
    let books = books().await;
    books.switch(json!({"limits": {"per_minute": 3, "per_second": 100}}));
    for _ in 0..3 {
        assert_eq!(status(books.get("preferences")).await, 200);
    }
    let answer = books.post("invoice", &invoice()).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (429, "application/xml")
    );
    assert!(answer.headers().get("retry-after").is_none());
    let text = answer.text().await.unwrap();
    assert!(text.contains("<Fault type=\"SERVICE\"><Error code=\"3001\">"), "{text}");
    assert!(text.contains("message=ThrottleExceeded; errorCode=003001; statusCode=429"), "{text}");
    assert_eq!((books.count("Invoice"), &books.company()["calls"]["throttled"]), (0, &json!(1)));
    books.later(61).await;
    assert_eq!(status(books.post("invoice", &invoice())).await, 200);
}

#[tokio::test]
async fn batches_have_a_limit_of_their_own() {
    let books = books().await;
    books.switch(json!({"limits": {"batches_per_minute": 1, "per_second": 100}}));
    let batch = json!({"BatchItemRequest": [{"bId": "q", "Query": "select * from Item"}]});
    assert_eq!(status(books.post("batch", &batch)).await, 200);
    assert_eq!(status(books.post("batch", &batch)).await, 429);
    assert_eq!(status(books.get("preferences")).await, 200);
}

#[tokio::test]
async fn nothing_is_throttled_without_limits() {
    let books = books().await;
    books.switch(json!({"limits": null}));
    let batch = json!({"BatchItemRequest": [{"bId": "q", "Query": "select * from Item"}]});
    for _ in 0..60 {
        assert_eq!(status(books.post("batch", &batch)).await, 200);
    }
}
