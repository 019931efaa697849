//! The event a function gets: an HTTP request in payload format 2.0.
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>)

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, COOKIE, USER_AGENT};
use axum::http::request::Parts;
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Match;
use crate::aws;
use crate::lambda::trace_root;

/// Where a request came from and came in.
pub(super) struct Origin<'a> {
    pub(super) request_id: &'a str,
    pub(super) caller: SocketAddr,
    pub(super) domain: &'a str,
    pub(super) now: Timestamp,
}

/// A path as routes are matched on it and functions see it: `rawPath` of an HTTP API is decoded, its name notwithstanding.
pub(super) fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The whole event.
pub(super) fn build(from: &Origin<'_>, found: &Match<'_>, head: &Parts, path: &str, body: &[u8]) -> Value {
    let query = head.uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": found.route.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(from, &head.headers),
        "requestContext": context(from, found, head, path),
        "isBase64Encoded": false,
    });
    let cookies = cookies(&head.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = json!(query_parameters(query));
    }
    if !found.parameters.is_empty() {
        let parameters: BTreeMap<_, _> = found.parameters.iter().cloned().collect();
        event["pathParameters"] = json!(parameters);
    }
    match std::str::from_utf8(body) {
        Ok("") => {}
        Ok(text) if is_text(&head.headers) => event["body"] = json!(text),
        _ => {
            event["body"] = json!(BASE64_STANDARD.encode(body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event
}

fn context(from: &Origin<'_>, found: &Match<'_>, head: &Parts, path: &str) -> Value {
    let now = from.now;
    json!({
        "accountId": aws::ACCOUNT,
        "apiId": "local",
        "domainName": from.domain,
        "domainPrefix": "local",
        "http": {
            "method": head.method.as_str(),
            "path": path,
            "protocol": format!("{:?}", head.version),
            "sourceIp": from.caller.ip().to_string(),
            "userAgent": joined(&head.headers, USER_AGENT.as_str()),
        },
        "requestId": from.request_id,
        "routeKey": found.route.key,
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "timeEpoch": now.as_millisecond(),
    })
}

/// Header names in lower case, repeated ones joined by commas, cookies apart, and what API Gateway adds.
fn headers(from: &Origin<'_>, headers: &HeaderMap) -> BTreeMap<String, String> {
    let port = from.domain.rsplit_once(':').map_or("80", |(_, port)| port);
    let added = [
        ("x-amzn-trace-id", trace_root()),
        ("x-forwarded-for", from.caller.ip().to_string()),
        ("x-forwarded-port", port.to_owned()),
        ("x-forwarded-proto", "http".to_owned()),
    ];
    let own = headers
        .keys()
        .filter(|name| *name != COOKIE)
        .map(|name| (name.to_string(), joined(headers, name.as_str())));
    own.chain(added.map(|(name, value)| (name.to_owned(), value))).collect()
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let text: Vec<_> = headers.get_all(COOKIE).iter().map(|value| lossy(value.as_bytes())).collect();
    text.iter()
        .flat_map(|line| line.split("; "))
        .filter(|cookie| !cookie.is_empty())
        .map(str::to_owned)
        .collect()
}

fn joined(headers: &HeaderMap, name: &str) -> String {
    headers.get_all(name).iter().map(|value| lossy(value.as_bytes())).collect::<Vec<_>>().join(",")
}

/// Decoded, and repeated names joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(&value.replace('+', " "));
        parameters
            .entry(decoded(&name.replace('+', " ")))
            .and_modify(|values| *values = format!("{values},{value}"))
            .or_insert(value);
    }
    parameters
}

/// API Gateway hands on these as text, and everything else in base64: forms too.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(|value| lossy(value.as_bytes()).to_ascii_lowercase());
    let essence = content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&essence)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Request;

    use super::*;
    use crate::template::Route;

    fn event(request: axum::http::request::Builder, body: &[u8]) -> Value {
        let (head, ()) = request.body(()).unwrap().into_parts();
        let (method, path) = ("POST".to_owned(), "/options/{field}".to_owned());
        let key = "POST /options/{field}".to_owned();
        let route = Route { key, method, path, function: String::new(), timeout: Duration::ZERO };
        let found = Match { route: &route, parameters: vec![("field".to_owned(), "tax code".to_owned())] };
        let caller = "127.0.0.1:4000".parse().unwrap();
        let from = Origin { request_id: "id-1", caller, domain: "127.0.0.1:8080", now: Timestamp::now() };
        build(&from, &found, &head, &decoded(head.uri.path()), body)
    }

    #[test]
    fn a_request_is_told_as_api_gateway_tells_it() {
        let request = Request::post("/options/tax%20code?a=1&b=x%2By+z&a=2")
            .header("Content-Type", "application/json; charset=utf-8")
            .header("User-Agent", "HubSpot Connect 2.0")
            .header("X-Many", "one")
            .header("X-Many", "two")
            .header("Cookie", "session=1; theme=dark");
        let mut event = event(request, "{\"naïve\":true}".as_bytes());
        let context = event["requestContext"].take();
        assert!(event["headers"]["x-amzn-trace-id"].take().as_str().unwrap().starts_with("Root=1-"));
        let expected = json!({
            "version": "2.0",
            "routeKey": "POST /options/{field}",
            "rawPath": "/options/tax code",
            "rawQueryString": "a=1&b=x%2By+z&a=2",
            "queryStringParameters": {"a": "1,2", "b": "x+y z"},
            "pathParameters": {"field": "tax code"},
            "cookies": ["session=1", "theme=dark"],
            "headers": {
                "content-type": "application/json; charset=utf-8", "user-agent": "HubSpot Connect 2.0",
                "x-amzn-trace-id": null, "x-forwarded-for": "127.0.0.1", "x-forwarded-port": "8080",
                "x-forwarded-proto": "http", "x-many": "one,two",
            },
            "requestContext": null,
            "body": "{\"naïve\":true}",
            "isBase64Encoded": false,
        });
        assert_eq!(event, expected);
        assert_eq!(context["http"]["method"], "POST");
        assert_eq!(context["http"]["protocol"], "HTTP/1.1");
        assert_eq!(context["stage"], "$default");
        assert!(context["timeEpoch"].as_i64().unwrap() > 1_700_000_000_000, "in milliseconds: {context}");
        assert!(context["time"].as_str().unwrap().ends_with(" +0000"), "{context}");
    }

    #[test]
    fn a_body_that_is_not_declared_as_text_comes_in_base64() {
        for content_type in ["application/x-www-form-urlencoded", "application/octet-stream", "image/png"] {
            let event = event(Request::post("/options/a").header("content-type", content_type), b"a=1");
            assert_eq!(
                (&event["body"], &event["isBase64Encoded"]),
                (&json!("YT0x"), &json!(true)),
                "{content_type}"
            );
        }
        let broken = event(Request::post("/options/a").header("content-type", "text/plain"), &[255, 254]);
        assert_eq!((&broken["body"], &broken["isBase64Encoded"]), (&json!("//4="), &json!(true)));
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let event = event(Request::post("/options/a"), b"");
        for key in ["body", "cookies", "queryStringParameters"] {
            assert!(event.get(key).is_none(), "{key}");
        }
    }
}
