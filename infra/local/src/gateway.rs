//! The HTTP API in front of the functions: API Gateway's routing, payload format 2.0 and patience.
//!
//! It gives up after the integration's time limit, as the real one does, while the invocation runs on: a function must not
//! rely on somebody still waiting.

mod event;
mod reply;
mod routes;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use simulators::control::Clock;
use tokio::net::TcpListener;
use uuid::Uuid;

use self::routes::{Match, Routes};
use crate::lambda::{Failure, Pool};
use crate::task::Task;
use crate::template::Route;

/// API Gateway's limit for a request body.
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>)
const LARGEST_BODY_BYTES: usize = 10 * 1024 * 1024;

/// A running gateway; it stops when dropped.
#[derive(Debug)]
pub struct Gateway {
    _server: Task,
}

struct Front {
    routes: Routes,
    pools: HashMap<String, Arc<Pool>>,
    domain: String,
    clock: Clock,
}

impl Gateway {
    /// Serves these routes on a listener, with the pools by the logical ids of their functions. The clock's time is the time
    /// of their events.
    pub fn start(
        listener: TcpListener,
        domain: String,
        routes: &[Route],
        pools: HashMap<String, Arc<Pool>>,
        clock: Clock,
    ) -> Self {
        let front = Front { routes: Routes::new(routes), pools, domain, clock };
        let router = Router::new().fallback(handle).with_state(Arc::new(front));
        Self { _server: Task::serve(listener, router) }
    }
}

async fn handle(
    State(front): State<Arc<Front>>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let mut response = front.answer(&request_id, caller, request).await;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("apigw-requestid", value);
    }
    response
}

impl Front {
    async fn answer(&self, request_id: &str, caller: SocketAddr, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let path = event::decoded(head.uri.path());
        let Some(found) = self.routes.find(head.method.as_str(), &path) else {
            return refusal(StatusCode::NOT_FOUND, "Not Found");
        };
        let Some(pool) = self.pools.get(&found.route.function) else {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        };
        let Ok(body) = to_bytes(body, LARGEST_BODY_BYTES).await else {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let from = event::Origin { request_id, caller, domain: &self.domain, now: self.clock.now() };
        let event = event::build(&from, &found, &head, &path, &body);
        // A task of its own: it runs on when the patience below, or the caller's, is over.
        let invocation = tokio::spawn({
            let (pool, event) = (pool.clone(), event.to_string().into());
            async move { pool.invoke(event).await }
        });
        match tokio::time::timeout(found.route.timeout, invocation).await {
            Err(_) | Ok(Ok(Err(Failure::Throttled))) => {
                refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Ok(Ok(Ok(answer))) => reply::decode(&answer)
                .unwrap_or_else(|| refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
            Ok(Ok(Err(_)) | Err(_)) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    }
}

/// An answer of the gateway itself.
fn refusal(status: StatusCode, message: &str) -> Response {
    let body = Body::from(format!(r#"{{"message":"{message}"}}"#));
    (status, [("content-type", "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::lambda::{Function, tests::echo};
    use crate::task::listen;

    struct Running {
        _gateway: Gateway,
        pool: Arc<Pool>,
        url: String,
        http: reqwest::Client,
    }

    async fn start(timeout: Duration, change: impl FnOnce(&mut Function)) -> Running {
        let pool = Arc::new(echo(change));
        let route = |key: &str| {
            let (method, path) = key.split_once(' ').unwrap();
            let (key, method, path) = (key.to_owned(), method.to_owned(), path.to_owned());
            Route { key, method, path, function: "Echo".to_owned(), timeout }
        };
        let routes = [route("POST /actions/{kind}"), route("GET /console/{rest+}")];
        let (listener, address) = listen(0).await.unwrap();
        let pools = HashMap::from([("Echo".to_owned(), pool.clone())]);
        let gateway = Gateway::start(listener, address.to_string(), &routes, pools, Clock::default());
        Running { _gateway: gateway, pool, url: format!("http://{address}"), http: reqwest::Client::new() }
    }

    impl Running {
        async fn post(&self, path: &str, body: Value) -> reqwest::Response {
            self.http.post(format!("{}{path}", self.url)).json(&body).send().await.unwrap()
        }
    }

    const PATIENT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_request_reaches_the_real_runtime_and_its_answer_comes_back() {
        let stack = start(PATIENT, |_| {}).await;
        let answer = stack.post("/actions/invoice?a=1&b=%20", json!({"status": 201})).await;
        assert_eq!(answer.status(), 201);
        let cookies: Vec<_> =
            answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert!(answer.headers().contains_key("apigw-requestid"));
        let seen: Value = answer.json().await.unwrap();
        assert_eq!(seen["method"], "POST");
        assert_eq!(seen["path"], "/actions/invoice");
        assert_eq!(seen["query"], "a=1&b=%20");
        assert_eq!(seen["body"], r#"{"status":201}"#);
        assert_eq!(seen["headers"]["x-forwarded-for"], "127.0.0.1");
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_unchanged() {
        let stack = start(PATIENT, |_| {}).await;
        let post = stack
            .http
            .post(format!("{}/actions/x", stack.url))
            .header("content-type", "application/octet-stream");
        let answer = post.body(br#"{"binary":true}"#.to_vec()).send().await.unwrap();
        assert_eq!(answer.bytes().await.unwrap().as_ref(), [0, 159, 146, 150]);
    }

    #[tokio::test]
    async fn unknown_paths_and_wrong_methods_are_not_found() {
        let stack = start(PATIENT, |_| {}).await;
        for (method, path) in
            [("POST", "/actions"), ("GET", "/actions/invoice"), ("POST", "/console/x"), ("GET", "/")]
        {
            let request = stack.http.request(method.parse().unwrap(), format!("{}{path}", stack.url));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 404, "{method} {path}");
            assert_eq!(answer.text().await.unwrap(), r#"{"message":"Not Found"}"#);
        }
        assert_eq!(stack.pool.cold_starts(), 0);
    }

    #[tokio::test]
    async fn a_failed_function_is_an_internal_error() {
        let stack = start(PATIENT, |_| {}).await;
        for todo in [json!({"fail": true}), json!({"crash": true})] {
            let answer = stack.post("/actions/x", todo).await;
            assert_eq!(answer.status(), 500);
            assert_eq!(answer.text().await.unwrap(), r#"{"message":"Internal Server Error"}"#);
        }
    }

    #[tokio::test]
    async fn the_gateway_gives_up_while_the_invocation_runs_on() {
        // More than a cold start takes on a busy machine, and less than the invocation.
        let stack = start(Duration::from_secs(3), |_| {}).await;
        assert_eq!(stack.post("/actions/x", json!({})).await.status(), 200);
        let answer = stack.post("/actions/x", json!({"sleep_ms": 5_000})).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.text().await.unwrap(), r#"{"message":"Service Unavailable"}"#);
        // The instance still works on it: the next request needs another one. Later both are idle.
        assert_eq!(stack.post("/actions/x", json!({})).await.status(), 200);
        assert_eq!(stack.pool.cold_starts(), 2);
        let log = || std::fs::read_to_string(stack.pool.log()).unwrap().matches("answered").count();
        for _ in 0..100 {
            if log() == 3 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the abandoned invocation did not finish");
    }

    #[tokio::test]
    async fn too_many_requests_at_once_are_unavailable() {
        let stack = start(PATIENT, |function| function.concurrency = 1).await;
        let slow = stack.post("/actions/x", json!({"sleep_ms": 500}));
        let fast = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            stack.post("/actions/x", json!({})).await
        };
        let (slow, fast) = tokio::join!(slow, fast);
        assert_eq!((slow.status().as_u16(), fast.status().as_u16()), (200, 503));
    }
}
