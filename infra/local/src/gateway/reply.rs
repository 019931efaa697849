//! The HTTP response that a function's answer stands for, by the rules of payload format 2.0.
//!
//! `multiValueHeaders` belongs to format 1.0 and is ignored, as API Gateway ignores it: several cookies go into `cookies`.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: Value,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The response; none when the answer does not make one.
pub(super) fn decode(answer: &[u8]) -> Option<Response> {
    let json: Value = serde_json::from_slice(answer).ok()?;
    // Without a status the whole answer is the body.
    if json.get("statusCode").is_none() {
        return Some(
            (StatusCode::OK, [("content-type", "application/json")], answer.to_vec()).into_response(),
        );
    }
    let answer: Answer = serde_json::from_value(json).ok()?;
    let body = match (answer.body, answer.is_base64_encoded) {
        (Some(body), true) => BASE64_STANDARD.decode(body).ok()?,
        (Some(body), false) => body.into_bytes(),
        (None, _) => Vec::new(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status(&answer.status_code)?;
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in answer.headers.unwrap_or_default() {
        headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(plain(&value)).ok()?);
    }
    for cookie in answer.cookies.unwrap_or_default() {
        headers.append("set-cookie", HeaderValue::try_from(cookie).ok()?);
    }
    Some(response)
}

/// A number, or a text with one in it.
fn status(value: &Value) -> Option<StatusCode> {
    StatusCode::from_u16(plain(value).parse().ok()?).ok()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn decoded(answer: Value) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let response = decode(answer.to_string().as_bytes()).unwrap();
        let (head, body) = response.into_parts();
        let headers = head.headers.iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        (head.status.as_u16(), headers, axum::body::to_bytes(body, 1_000).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn status_headers_cookies_and_body_are_taken_over() {
        let (status, headers, body) = decoded(json!({
            "statusCode": 201, "headers": {"Content-Type": "text/html", "X-A": "1,2", "X-N": 7}, "multiValueHeaders": {},
            "cookies": ["a=1; Secure", "b=2"], "body": "<p>", "isBase64Encoded": false,
        }))
        .await;
        let expected = [
            ("content-type", "text/html"),
            ("x-a", "1,2"),
            ("x-n", "7"),
            ("set-cookie", "a=1; Secure"),
            ("set-cookie", "b=2"),
        ];
        assert_eq!((status, body), (201, b"<p>".to_vec()));
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[tokio::test]
    async fn base64_is_decoded() {
        let (status, _, body) =
            decoded(json!({"statusCode": "200", "body": "AJ+Slg==", "isBase64Encoded": true})).await;
        assert_eq!((status, body), (200, vec![0, 159, 146, 150]));
    }

    #[tokio::test]
    async fn an_answer_without_a_status_is_itself_the_body() {
        let (status, headers, body) = decoded(json!({"hello": 1})).await;
        assert_eq!((status, body), (200, br#"{"hello":1}"#.to_vec()));
        assert_eq!(headers, [("content-type".to_owned(), "application/json".to_owned())]);
    }

    #[test]
    fn an_answer_that_cannot_be_sent_is_none() {
        assert!(decode(b"not json").is_none());
        assert!(decode(json!({"statusCode": 7}).to_string().as_bytes()).is_none());
        assert!(decode(json!({"statusCode": 200, "headers": {"a b": "c"}}).to_string().as_bytes()).is_none());
    }
}
