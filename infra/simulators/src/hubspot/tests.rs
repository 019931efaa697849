//! The CRM's traps and the workflow engine, over real HTTP.

mod blocks;
mod deliveries;
mod install;
mod oauth;
mod options;
mod project;
mod quotes;

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
async fn a_read_answers_null_for_unset_nothing_for_unknown_and_dates_unasked() {
    let fixture = fixture().await;
    let (status, deal) = fixture.get(&format!("{DEAL}?properties=dealname,amount,own_number,nonsense")).await;
    let mut properties = deal["properties"].as_object().unwrap().clone();
    assert!(properties.remove("createdate").unwrap().as_str().unwrap().ends_with('Z'));
    assert_eq!(properties.remove("hs_lastmodifieddate").unwrap(), deal["updatedAt"]);
    let expected = json!({
        "dealname": "Acme renewal", "amount": null, "own_number": "7", "hs_object_id": "8800000001"
    });
    assert_eq!((status, Value::Object(properties)), (200, expected));
    assert_eq!(deal.get("associations"), None);
}

#[tokio::test]
async fn associations_come_once_per_type_and_line_items_under_a_key_with_a_space() {
    let fixture = fixture().await;
    let (_, deal) = fixture.get(&format!("{DEAL}?associations=contacts,0-8,companies,quotes,nonsense")).await;
    let lists = deal["associations"].as_object().unwrap();
    assert_eq!(lists.keys().collect::<Vec<_>>(), ["companies", "contacts", "line items"]);
    assert_eq!(ids(&lists["contacts"]["results"]), ["502", "501", "501"]);
    let companies = json!([
        { "id": "701", "type": "deal_to_company" }, { "id": "701", "type": "deal_to_company_unlabeled" }
    ]);
    assert_eq!(lists["companies"]["results"], companies);
    assert_eq!(lists["contacts"].get("paging"), None);
}

#[tokio::test]
async fn the_line_items_beyond_a_hundred_are_on_further_pages() {
    let fixture = fixture().await;
    let (_, deal) = fixture.get(&format!("{DEAL}?associations=line_items")).await;
    let list = &deal["associations"]["line items"];
    assert_eq!(ids(&list["results"]).len(), 100);
    let after = list["paging"]["next"]["after"].as_str().unwrap();
    let first = format!("{DEAL}/associations/line_items?limit=30&after={after}");
    let (_, page) = fixture.get(&first).await;
    assert_eq!((ids(&page["results"])[0], ids(&page["results"]).len()), ("701", 30));
    let after = page["paging"]["next"]["after"].as_str().unwrap();
    let legacy = format!("/crm/v4/objects/0-3/8800000001/associations/0-8?limit=500&after={after}");
    let (_, page) = fixture.get(&legacy).await;
    assert_eq!((ids(&page["results"])[0], ids(&page["results"]).len()), ("731", 20));
    assert_eq!(page.get("paging"), None);
}

#[tokio::test]
async fn the_associations_endpoint_names_a_record_once_with_all_its_types() {
    let fixture = fixture().await;
    let (_, page) = fixture.get(&format!("{DEAL}/associations/contacts")).await;
    assert_eq!(ids(&page["results"]), ["502", "501"]);
    assert_eq!(page["results"][1]["associationTypes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_missing_or_archived_record_and_one_of_another_portal_are_not_found() {
    let fixture = fixture().await;
    let tries = [("all", "8800000009"), ("all", "8800000002"), ("other", "8800000001")];
    for (token, id) in tries {
        let (status, body) = fixture.get_as(token, &format!("/crm/v3/objects/deals/{id}")).await;
        assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    }
}

#[tokio::test]
async fn bearer_and_scopes_are_checked_and_the_missing_scope_is_named() {
    let fixture = fixture().await;
    let tries = [("nobody", 401, "INVALID_AUTHENTICATION"), ("old", 401, "EXPIRED_AUTHENTICATION")];
    for (token, status, category) in tries {
        let (answered, body) = fixture.get_as(token, DEAL).await;
        assert_eq!((answered, &body["category"]), (status, &json!(category)));
    }
    assert_eq!(fixture.get_as("deals", DEAL).await.0, 200);
    let (status, body) = fixture.get_as("deals", &format!("{DEAL}?associations=contacts")).await;
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.read"]));
}

#[tokio::test]
async fn a_batch_comes_in_reverse_and_names_the_missing_ids_with_207() {
    let fixture = fixture().await;
    let batch = json!({ "inputs": [{ "id": "502" }, { "id": "501" }], "properties": ["email"] });
    let (status, body) =
        fixture.post("/crm/objects/2026-03/contacts/batch/read?archived=false", &batch).await;
    assert_eq!((status, ids(&body["results"])), (200, vec!["501", "502"]));
    assert_eq!(body["results"][0]["properties"]["email"], "ann@acme.example");
    assert_eq!(body["results"][1]["properties"]["email"], Value::Null);
    let batch = json!({ "inputs": [{ "id": "501" }, { "id": "599" }], "propertiesWithHistory": [] });
    let (status, body) = fixture.post("/crm/v3/objects/0-1/batch/read", &batch).await;
    assert_eq!((status, ids(&body["results"]), &body["numErrors"]), (207, vec!["501"], &json!(1)));
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["599"]));
}

#[tokio::test]
async fn what_a_batch_cannot_do_is_refused() {
    let fixture = fixture().await;
    let path = "/crm/objects/2026-03/line_items/batch/read";
    let inputs: Vec<Value> = (601..702).map(|id| json!({ "id": id.to_string() })).collect();
    assert_eq!(fixture.post(path, &json!({ "inputs": inputs })).await.0, 400);
    assert_eq!(fixture.post(path, &json!({ "inputs": inputs[..100] })).await.0, 200);
    assert_eq!(fixture.unexpected_calls(), 0);
    let with_associations = json!({ "inputs": [{ "id": "601" }], "associations": ["deals"] });
    assert_eq!(fixture.post(path, &with_associations).await.0, 400);
    assert_eq!(fixture.unexpected_calls(), 1);
}

#[tokio::test]
async fn the_portal_that_asked_110_times_in_ten_seconds_is_throttled_and_others_are_not() {
    let fixture = fixture().await;
    for _ in 0..110 {
        assert_eq!(fixture.get(DEAL).await.0, 200);
    }
    let (status, body) = fixture.get(DEAL).await;
    assert_eq!((status, &body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    assert_eq!(fixture.get_as("other", DEAL).await.0, 404);
    fixture.post("/_sim/clock", &json!({ "advance_seconds": 10 })).await;
    let answer =
        fixture.http.get(format!("{}{DEAL}", fixture.serving.url)).bearer_auth("all").send().await.unwrap();
    assert_eq!(answer.headers()["x-hubspot-ratelimit-remaining"], "109");
}

#[tokio::test]
async fn a_fault_plan_answers_423_477_and_502_in_place_of_a_record() {
    let fixture = fixture().await;
    let fault = |status: u16, headers: Value| {
        json!({
            "path": "/deals/", "status": status, "headers": headers, "content_type": "application/json",
            "body": json!({ "status": "error", "message": "not now" }).to_string()
        })
    };
    let plan = json!({ "faults": [
        fault(423, json!({})), fault(477, json!({ "retry-after": "3600" })), fault(502, json!({}))
    ] });
    assert_eq!(fixture.post("/_sim/faults", &plan).await.0, 200);
    for status in [423, 477, 502, 200] {
        assert_eq!(fixture.get(DEAL).await.0, status);
    }
}

#[tokio::test]
async fn the_associations_beyond_five_hundred_are_on_a_second_page_each_once() {
    let fixture = fixture().await;
    // Every contact twice: a label of the portal's own makes a second row, not a second record.
    let twice: Vec<String> = (1..=620).chain(1..=620).map(|id| id.to_string()).collect();
    let deal = json!({ "id": "8800000003", "associations": { "contacts": twice } });
    let seed = json!({ "portals": [{ "portal_id": 1_000_001, "objects": { "deals": [deal] } }] });
    assert_eq!(fixture.post("/_sim/seed", &seed).await.0, 204);
    let list = "/crm/objects/2026-03/deals/8800000003/associations/contacts";
    let (_, first) = fixture.get(list).await;
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    let (_, second) = fixture.get(&format!("{list}?after={after}")).await;
    assert_eq!((ids(&first["results"]).len(), ids(&second["results"]).len()), (500, 120));
    assert_eq!((ids(&second["results"])[0], second.get("paging")), ("501", None));
    assert_eq!(second["results"][0]["associationTypes"].as_array().unwrap().len(), 2);
    assert_eq!(fixture.get(&format!("{list}?limit=501")).await.0, 400);
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
async fn an_execution_has_the_documented_body_and_headers_and_the_sentence_of_its_rule() {
    let fixture = fixture().await;
    let (history, received) = fixture.run(json!({}), vec![]).await;
    let (headers, body) = &received[0];
    assert_eq!(
        body,
        concat!(
            r#"{"callbackId":"ap-1000001-900000000001-3-0","origin":{"portalId":1000001,"userId":null,"#,
            r#""actionDefinitionId":77000002,"actionDefinitionVersion":4,"actionExecutionIndexIdentifier":"#,
            r#"{"enrollmentId":900000000001,"actionExecutionIndex":0},"extensionDefinitionVersionId":4,"#,
            r#""extensionDefinitionId":77000002},"context":{"workflowId":55000001,"actionId":3,"#,
            r#""actionExecutionIndexIdentifier":{"enrollmentId":900000000001,"actionExecutionIndex":0},"#,
            r#""source":"WORKFLOWS"},"object":{"objectId":8800000001,"objectType":"DEAL"},"fields":"#,
            r#"{"due_days":"30","quickbooks_account":"default"},"inputFields":{"due_days":"30","#,
            r#""quickbooks_account":"default"},"typedInputs":{"due_days":{"value":"30","type":"STRING"},"#,
            r#""quickbooks_account":{"value":"default","type":"STRING"}}}"#,
        )
    );
    let url = format!("{}/actions/invoice", fixture.hubspot.state().action_base_url.clone().unwrap());
    let timestamp_ms = headers["x-hubspot-request-timestamp"].to_str().unwrap().parse().unwrap();
    assert_eq!(headers["x-hubspot-signature"], signature::v2(SECRET, "POST", &url, body.as_bytes()));
    assert_eq!(headers["x-hubspot-signature-version"], "v2");
    let v3 = signature::v3(SECRET, "POST", &url, body.as_bytes(), timestamp_ms);
    assert_eq!(headers["x-hubspot-signature-v3"], v3);
    assert_eq!(headers["x-hubspot-timeout-millis"], "20000");
    assert_eq!(headers["content-type"], "application/json");

    assert_eq!((&history["state"], &history["rule"]), (&json!("SUCCESS"), &json!("created")));
    assert_eq!(history["label"], "Invoice 1001 for Ann Acme was created in QuickBooks: 1200.50 USD.");
    let french = "La facture 1001 pour Ann Acme a été créée dans QuickBooks\u{a0}: 1200.50\u{a0}USD.";
    assert_eq!(history["labels"]["fr"], french);
    let (_, state) = fixture.get("/_sim/state").await;
    assert_eq!(state["executions"][0]["callback_id"], history["callback_id"]);
    assert_eq!(state["executions"][0]["request_body"], body.as_str());
}

#[tokio::test]
async fn a_5xx_and_a_429_are_tried_again_with_the_same_body_and_a_fresh_signature() {
    let fixture = fixture().await;
    let unavailable = || StatusCode::SERVICE_UNAVAILABLE.into_response();
    let throttled = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "5")]).into_response();
    let (history, received) = fixture.run(json!({}), vec![unavailable(), throttled]).await;
    assert_eq!((statuses(&history), &history["state"]), (vec![503, 429, 200], &json!("SUCCESS")));
    assert!(received.iter().all(|(_, body)| *body == received[0].1));
    let timestamp = |place: usize| received[place].0["x-hubspot-request-timestamp"].clone();
    assert_ne!(timestamp(0), timestamp(1));

    let (history, _) = fixture.run(json!({ "max_attempts": 2 }), vec![unavailable(), unavailable()]).await;
    assert_eq!((statuses(&history), &history["state"]), (vec![503, 503], &json!("FAILED")));
    assert_eq!((&history["rule"], &history["label"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_4xx_is_final() {
    let fixture = fixture().await;
    let (history, _) = fixture.run(json!({}), vec![StatusCode::BAD_REQUEST.into_response()]).await;
    assert_eq!((statuses(&history), &history["state"]), (vec![400], &json!("FAILED")));
}

#[tokio::test]
async fn silence_is_tried_again_until_the_attempts_run_out() {
    let fixture = fixture().await;
    let slow = post(async || tokio::time::sleep(Duration::from_secs(5)).await);
    let serving = serve(Router::new().route("/actions/invoice", slow), 0).await.unwrap();
    fixture.hubspot.set_action_base_url(serving.url.clone());
    let options = enrollment(json!({ "timeout_ms": 50, "max_attempts": 2 }));
    let (_, history) = fixture.post("/_sim/executions", &options).await;
    assert_eq!(history["state"], "FAILED");
    let errors: Vec<&Value> =
        history["deliveries"].as_array().unwrap().iter().map(|one| &one["error"]).collect();
    assert_eq!(errors, ["timed out", "timed out"]);
}

#[tokio::test]
async fn deliveries_in_a_row_and_at_once_are_the_same_execution() {
    let fixture = fixture().await;
    let blocked = outputs(
        json!({ "hs_execution_state": "BLOCK", "hs_expiration_duration": "PT6H", "status": "accepted" }),
    );
    let (history, received) = fixture.run(json!({ "deliveries": 2, "concurrent": 3 }), vec![blocked]).await;
    assert_eq!((received.len(), &history["state"]), (6, &json!("SUCCESS")));
    assert!(received.iter().all(|(_, body)| *body == received[0].1));
    let given = json!({ "callback_id": history["callback_id"] });
    let (_, again) = fixture.run(given, vec![]).await;
    assert_eq!(again[0].1, received[0].1);
    let (_, other) = fixture.run(json!({}), vec![]).await;
    assert_ne!(other[0].1, received[0].1);
}

#[tokio::test]
async fn a_business_failure_shows_its_sentence_with_the_names_in_it() {
    let fixture = fixture().await;
    let refused = outputs(json!({
        "hs_execution_state": "FAIL_CONTINUE", "status": "failed", "errorCode": "ITEM_NOT_FOUND", "error_subject": "“Setup fee”"
    }));
    let (history, _) = fixture.run(json!({}), vec![refused]).await;
    assert_eq!((&history["state"], &history["rule"]), (&json!("FAIL_CONTINUE"), &json!("ITEM_NOT_FOUND")));
    assert!(history["label"].as_str().unwrap().starts_with("No QuickBooks product matches “Setup fee”. "));
}

#[tokio::test]
async fn an_answer_hubspot_could_not_use_fails_and_says_why() {
    let fixture = fixture().await;
    for (answer, problem) in [
        ("Created".into_response(), "the answer is not JSON: expected value at line 1 column 1"),
        ("{}".into_response(), "the answer has no outputFields"),
        (outputs(json!({ "total": 12 })), "output total is not a string"),
        (outputs(json!({ "totl": "12" })), "the action has no output totl"),
        (outputs(json!({ "hs_execution_state": "DONE" })), "DONE is no hs_execution_state"),
    ] {
        let (history, _) = fixture.run(json!({}), vec![answer]).await;
        assert_eq!((&history["state"], &history["problems"]), (&json!("FAILED"), &json!([problem])));
    }
}

#[tokio::test]
async fn signatures_and_optional_parts_can_be_left_out_or_spoiled() {
    let fixture = fixture().await;
    for (signing, v2, v3) in
        [("v2", true, false), ("v3", false, true), ("none", false, false), ("wrong", true, true)]
    {
        let (_, received) = fixture.run(json!({ "signature": signing }), vec![]).await;
        let (headers, _) = &received[0];
        let has = |name| headers.contains_key(name);
        assert_eq!((has("x-hubspot-signature"), has("x-hubspot-signature-v3")), (v2, v3), "{signing}");
        assert_eq!(has("x-hubspot-request-timestamp"), v3, "{signing}");
    }
    let spoiled = json!({ "signature": "wrong" });
    let (_, received) = fixture.run(spoiled, vec![]).await;
    let url = format!("{}/actions/invoice", fixture.hubspot.state().action_base_url.clone().unwrap());
    let right = signature::v2(SECRET, "POST", &url, received[0].1.as_bytes());
    assert_ne!(received[0].0["x-hubspot-signature"], right);

    let bare = json!({ "drop_typed_inputs": true, "drop_execution_index": true });
    let (_, received) = fixture.run(bare, vec![]).await;
    assert!(!received[0].1.contains("typedInputs") && !received[0].1.contains("IndexIdentifier"));
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
