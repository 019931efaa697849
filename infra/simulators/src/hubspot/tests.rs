//! HubSpot over real HTTP: a served simulator with one seeded portal, and an action under test.

mod checklist;
mod pages;
mod project;
mod random_deals;
mod schema;

use super::*;
use crate::control::{Serving, serve};
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

const SECRET: &str = "11111111-2222-3333-4444-555555555555";
const DEAL: &str = "/crm/objects/2026-03/deals/8800000001";

/// A served HubSpot with one seeded portal.
struct Fixture {
    hubspot: HubSpot,
    serving: Serving,
    http: reqwest::Client,
}

async fn fixture() -> Fixture {
    let options = HubSpotOptions {
        app: Path::new(env!("CARGO_MANIFEST_DIR")).join("../hubspot"),
        action_base_url: None,
        client_secret: SECRET.to_owned(),
    };
    let hubspot = HubSpot::new(options).unwrap();
    let serving = serve(hubspot.router(), 0).await.unwrap();
    let fixture = Fixture { hubspot, serving, http: reqwest::Client::new() };
    assert_eq!(fixture.post("/_sim/seed", &seed()).await, (204, Value::Null));
    fixture
}

fn seed() -> Value {
    let line_item_ids: Vec<String> = (601..751).map(|id| id.to_string()).collect();
    let line_items: Vec<Value> = line_item_ids.iter().map(|id| json!({ "id": id })).collect();
    let all = ["deals", "contacts", "line_items", "companies", "quotes", "products", "commercepayments"]
        .map(|kind| format!("crm.objects.{kind}.read"));
    json!({
        "access_tokens": [
            { "token": "all", "portal_id": 1_000_001, "scopes": all },
            { "token": "deals", "portal_id": 1_000_001, "scopes": ["crm.objects.deals.read"] },
            { "token": "old", "portal_id": 1_000_001, "scopes": [], "expired": true },
            { "token": "other", "portal_id": 1_000_002, "scopes": all },
            { "token": "automation", "portal_id": 1_000_001, "scopes": ["oauth", "automation"] },
            { "token": "other-automation", "portal_id": 1_000_002, "scopes": ["automation"] }
        ],
        "clients": [{ "client_id": "app", "client_secret": "app-secret", "redirect_urls": [
            "http://localhost:4000/connect/hubspot/callback", "https://127.0.0.1/back", "http://app.example/back"
        ] }],
        "grants": [
            { "portal_id": 1_000_001, "refresh_token": "lasting", "scopes": ["crm.objects.deals.read"] },
            { "portal_id": 1_000_001, "refresh_token": "uninstalled", "scopes": [], "revoked": true }
        ],
        "portals": [{ "portal_id": 1_000_001, "objects": {
            "deals": [
                { "id": "8800000001", "properties": { "dealname": "Acme renewal", "own_number": "7" }, "associations": {
                    "contacts": ["502", "501", "501"], "line_items": line_item_ids, "companies": ["701"]
                } },
                { "id": "8800000002", "archived": true }
            ],
            "contacts": [{ "id": "501", "properties": { "email": "ann@acme.example" } }, { "id": "502" }],
            "companies": [{ "id": "701", "properties": { "name": "Acme" } }],
            "quotes": [{ "id": "9900000001", "properties": { "hs_title": "Acme offer" }, "associations": {
                "contacts": ["502", { "id": "501", "type_ids": [69, 1226] }], "deals": ["8800000001"],
                "companies": [{ "id": "701", "type_ids": [71, 1334] }], "line_items": ["601", "602"],
                "discounts": ["801"], "fees": ["811"], "taxes": ["821"], "commerce_payments": ["901"]
            } }],
            "discounts": [{ "id": "801", "properties": { "hs_type": "PERCENT", "hs_value": "10" } }],
            "fees": [{ "id": "811", "properties": { "hs_type": "FIXED", "hs_value": "15" } }],
            "taxes": [{ "id": "821" }],
            "products": [{ "id": "7001", "properties": { "hs_sku": "FEE-1" } }],
            "commerce_payments": [{ "id": "901", "properties": { "hs_latest_status": "succeeded" }, "associations": {
                "quotes": ["9900000001"]
            } }],
            "line_items": line_items
        } }]
    })
}

impl Fixture {
    async fn get_as(&self, token: &str, path: &str) -> (u16, Value) {
        let answer =
            self.http.get(format!("{}{path}", self.serving.url)).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Status and body, null when there is none.
    async fn send_as(&self, method: &str, token: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.serving.url);
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.get_as("all", path).await
    }

    /// Status and body; a body that is no JSON comes as a string, an empty one as null.
    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.serving.url)).bearer_auth("all");
        let answer = request.json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let read = serde_json::from_str(&text).unwrap_or(Value::String(text.clone()));
        (status, if text.is_empty() { Value::Null } else { read })
    }

    fn unexpected_calls(&self) -> usize {
        self.hubspot.control().calls().iter().filter(|call| call.unexpected).count()
    }
}

/// The record ids of a list: `id` in reads and batches, `toObjectId` on the associations endpoint.
fn ids(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row.get("id").or(row.get("toObjectId")).unwrap().as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_state_can_be_seeded_again_and_a_seed_with_a_mistake_changes_nothing() {
    let fixture = fixture().await;
    let (_, state) = fixture.get("/_sim/state").await;
    let portals = json!({
        "portals": state["portals"], "access_tokens": state["access_tokens"],
        "clients": state["clients"], "grants": state["grants"],
        "accounts": state["accounts"], "switches": state["switches"]
    });
    assert_eq!(fixture.post("/_sim/seed", &portals).await.0, 204);
    assert_eq!(fixture.get("/_sim/state").await.1, state);
    for (record, problem) in [
        (json!({ "id": "1", "properties": { "amount": 5 } }), "expected a string"),
        (json!({ "id": "1", "associations": { "deals": ["2"] } }), "deals 1: no association to deals"),
        (json!({ "id": "one" }), "deals \"one\": ids are digits"),
        (
            json!({ "id": "1", "associations": { "contacts": [{ "id": "501", "type_ids": [69] }] } }),
            "deals 1: no association type 69 to contacts",
        ),
    ] {
        let mistake = json!({ "portals": [{ "portal_id": 1_000_001, "objects": { "deals": [record] } }] });
        let (status, why) = fixture.post("/_sim/seed", &mistake).await;
        assert_eq!((status, why.as_str().unwrap().contains(problem)), (400, true), "{why}");
    }
    assert_eq!(fixture.get("/_sim/state").await.1, state);
}

/// An action under test: answers what it was told to, the last answer for ever, and keeps what it got.
#[derive(Clone, Default)]
struct Receiver {
    answers: Arc<Mutex<VecDeque<Response>>>,
    received: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

async fn receive(Shared(receiver): Shared<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    receiver.received.lock().unwrap().push((headers, text));
    receiver.answers.lock().unwrap().pop_front().unwrap_or_else(created)
}

fn outputs(fields: Value) -> Response {
    json!({ "outputFields": fields }).to_string().into_response()
}

fn created() -> Response {
    outputs(json!({
        "hs_execution_state": "SUCCESS", "status": "created", "errorCode": "NONE", "document_number": "1001",
        "customer_name": "Ann Acme", "total": "1200.50", "currency": "USD"
    }))
}

impl Fixture {
    /// Runs the invoice action on the seeded deal, `options` on top, against a receiver with these answers.
    async fn run(&self, options: Value, answers: Vec<Response>) -> (Value, Vec<(HeaderMap, String)>) {
        let receiver = Receiver { answers: Arc::new(Mutex::new(answers.into())), ..Receiver::default() };
        let router = Router::new().route("/actions/invoice", post(receive)).with_state(receiver.clone());
        let serving = serve(router, 0).await.unwrap();
        self.hubspot.set_action_base_url(serving.url.clone());
        let (status, history) = self.post("/_sim/executions", &enrollment(options)).await;
        assert_eq!(status, 200, "{history}");
        let received = receiver.received.lock().unwrap().clone();
        (history, received)
    }
}

fn enrollment(options: Value) -> Value {
    let mut enrollment = json!({
        "action": "invoice", "portal_id": 1_000_001, "object_type": "DEAL", "object_id": 8_800_000_001_u64,
        "inputs": { "quickbooks_account": "default", "due_days": "30" }
    });
    enrollment.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    enrollment
}

fn statuses(history: &Value) -> Vec<u64> {
    history["deliveries"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn what_the_workflow_editor_refuses_cannot_be_enrolled() {
    let fixture = fixture().await;
    let stopped = enrollment(json!({}));
    assert_eq!(fixture.post("/_sim/executions", &stopped).await.1, "no action_base_url is set: seed one");
    for (options, why) in [
        (json!({ "object_type": "CONTACT" }), "the action is not offered in CONTACT workflows"),
        (json!({ "inputs": {} }), "the input quickbooks_account is required"),
        (json!({ "action": "refund" }), "no action refund"),
        (
            json!({ "inputs": { "quickbooks_account": "default", "create_paid": "no", "payment_method": "3" } }),
            "the input payment_method stays empty unless create_paid is yes",
        ),
    ] {
        assert_eq!(fixture.post("/_sim/executions", &enrollment(options)).await, (400, json!(why)));
    }
    let (history, _) =
        fixture.run(json!({ "any_inputs": true, "inputs": { "mode": "preview" } }), vec![]).await;
    assert_eq!(history["state"], "SUCCESS");
}
