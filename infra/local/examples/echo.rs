//! A function for the tests of the gateway and the Runtime API: reports what it sees of itself, and misbehaves when asked.

use std::collections::HashMap;
use std::time::Duration;

use lambda_http::{Body, Error, Request, RequestExt, Response, lambda_runtime, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("ECHO_INIT").is_ok_and(|wish| wish == "fail") {
        return Err("no init, as asked".into());
    }
    run(service_fn(handle)).await
}

async fn handle(request: Request) -> Result<Response<Body>, Error> {
    let todo: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    if let Some(millis) = todo["sleep_ms"].as_u64() {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    if todo["crash"] == true {
        std::process::abort();
    }
    if todo["fail"] == true {
        return Err("failed, as asked".into());
    }
    assert!(todo["panic"] != true, "panicked, as asked");
    let status = todo["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    let response = Response::builder().status(status).header("set-cookie", "a=1").header("set-cookie", "b=2");
    let answer = match todo["binary"] == true {
        // What lambda_http makes of a body depends on this header: anything but text goes out in base64.
        true => response.header("content-type", "image/png").body(Body::Binary(vec![0, 159, 146, 150])),
        false => {
            response.header("content-type", "application/json").body(report(&request).to_string().into())
        }
    };
    Ok(answer?)
}

fn report(request: &Request) -> Value {
    let context: lambda_runtime::Context = request.lambda_context();
    let headers: HashMap<_, _> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    json!({
        "pid": std::process::id(),
        "request_id": context.request_id,
        "arn": context.invoked_function_arn,
        "trace_id": context.xray_trace_id,
        "remaining_ms": i64::try_from(context.deadline).unwrap_or(i64::MAX) - jiff::Timestamp::now().as_millisecond(),
        "environment": std::env::vars().collect::<HashMap<_, _>>(),
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": request.uri().query(),
        "headers": headers,
        "body": String::from_utf8_lossy(request.body()),
    })
}
