//! The pages, as a browser gets them.

use super::*;
use crate::control::Fault;

const PORTAL: &str = "/_sim/pages/portals/1000001";
const RECORD: &str = "/_sim/pages/portals/1000001/deals/8800000001";

/// Every kind of page once.
const PAGES: [&str; 8] = [
    "/",
    PORTAL,
    "/_sim/pages/portals/1000001?show=deals",
    RECORD,
    "/_sim/pages/executions/1",
    "/contacts/1000001/record/0-3/8800000001",
    "/_sim/pages/calls",
    "/_sim/pages/faults",
];

impl Fixture {
    /// Status and text of a page; it is asked for without a token, as a browser does.
    async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.serving.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

#[track_caller]
fn has(page: &(u16, String), parts: &[&str]) {
    assert_eq!(page.0, 200, "{}", page.1);
    for part in parts {
        assert!(page.1.contains(part), "{part} is not in {}", page.1);
    }
}

#[tokio::test]
async fn the_pages_show_portals_records_properties_and_associations() {
    let fixture = fixture().await;
    has(&fixture.page("/").await, &["1000001", "1000002", "America/New_York", "invoice"]);
    has(&fixture.page(&format!("{PORTAL}?show=deals")).await, &["Acme renewal", RECORD]);
    let record = fixture.page(RECORD).await;
    has(&record, &["Deal 8800000001", "dealname", "Acme renewal", "own_number"]);
    has(&record, &["/_sim/pages/portals/1000001/contacts/501", "/_sim/pages/portals/1000001/companies/701"]);
    let quote = fixture.page("/_sim/pages/portals/1000001/quotes/9900000001").await;
    has(&quote, &["69, 1226", "/_sim/pages/portals/1000001/commerce_payments/901"]);
    has(&fixture.page("/_sim/pages/portals/1000001/deals/8800000002").await, &["archived"]);
    has(&fixture.page("/contacts/1000001/record/0-3/8800000001").await, &["Acme renewal"]);
    for nothing in
        ["/_sim/pages/portals/9", "/_sim/pages/portals/1000001/deals/9", "/_sim/pages/executions/1"]
    {
        assert_eq!(fixture.page(nothing).await.0, 404, "{nothing}");
    }
}

#[tokio::test]
async fn the_history_shows_an_execution_with_its_sentence_deliveries_and_outputs() {
    let fixture = fixture().await;
    let failing = StatusCode::SERVICE_UNAVAILABLE.into_response();
    fixture.run(json!({}), vec![failing, created()]).await;
    let sentence = "Invoice 1001 for Ann Acme was created in QuickBooks: 1200.50 USD.";
    has(&fixture.page(PORTAL).await, &[sentence, "success", RECORD, "/_sim/pages/executions/1"]);
    let shown = fixture.page("/_sim/pages/executions/1").await;
    has(&shown, &[sentence, ">503<", ">200<", "document_number", "WORKFLOWS", "ap-1000001-900000000001-3-0"]);
    has(&fixture.page(RECORD).await, &[sentence]);
}

#[tokio::test]
async fn a_block_says_when_it_ends_and_that_it_has_ended() {
    let fixture = fixture().await;
    let block =
        json!({ "hs_execution_state": "BLOCK", "hs_expiration_duration": "PT1H", "status": "accepted" });
    fixture.run(json!({}), vec![outputs(block)]).await;
    has(&fixture.page("/_sim/pages/executions/1").await, &[">blocked<", "Block ends"]);
    fixture.post("/_sim/clock", &json!({ "advance_seconds": 3601 })).await;
    has(&fixture.page("/_sim/pages/executions/1").await, &[">block expired<"]);
    has(&fixture.page("/").await, &["(moved +01:00:01)"]);
}

#[tokio::test]
async fn what_people_wrote_is_escaped() {
    let fixture = fixture().await;
    let evil = "<script>alert('x')</script>";
    let deal = json!({ "id": "8800000001", "properties": { "dealname": evil } });
    let seed = json!({ "portals": [{ "portal_id": 1_000_001, "objects": { "deals": [deal] } }] });
    fixture.post("/_sim/seed", &seed).await;
    let answer = json!({ "hs_execution_state": "SUCCESS", "status": "created", "errorCode": "NONE",
        "customer_name": evil, "document_url": "javascript:alert(1)" });
    fixture.run(json!({}), vec![outputs(answer)]).await;
    for path in PAGES {
        let (status, text) = fixture.page(path).await;
        assert_eq!(status, 200, "{path}");
        assert!(!text.contains("<script") && !text.contains("href=\"javascript"), "{path}");
    }
    has(&fixture.page(RECORD).await, &["&lt;script&gt;"]);
}

#[tokio::test]
async fn no_page_shows_a_token_or_secret() {
    let fixture = fixture().await;
    let secrets = ["ACCESS-SECRET", "REFRESH-SECRET", "CLIENT-SECRET"];
    let seed = json!({
        "access_tokens": [{ "token": secrets[0], "portal_id": 1_000_001, "scopes": ["crm.objects.deals.read"] }],
        "clients": [{ "client_id": "own", "client_secret": secrets[2] }],
        "grants": [{ "portal_id": 1_000_001, "refresh_token": secrets[1], "scopes": [] }]
    });
    fixture.post("/_sim/seed", &seed).await;
    fixture.get_as(secrets[0], DEAL).await;
    let form = [("grant_type", "refresh_token"), ("client_id", "own"), ("client_secret", secrets[2])];
    let form = form.into_iter().chain([("refresh_token", secrets[1])]).collect::<Vec<_>>();
    let url = format!("{}/oauth/2026-03/token", fixture.serving.url);
    assert_eq!(fixture.http.post(url).form(&form).send().await.unwrap().status(), 200);
    let legacy = format!("{}/oauth/v1/access-tokens/{}", fixture.serving.url, secrets[0]);
    fixture.http.get(legacy).send().await.unwrap();
    fixture.run(json!({}), vec![created()]).await;
    for path in PAGES.into_iter().chain(["/_sim/calls"]) {
        let (status, text) = fixture.page(path).await;
        assert_eq!(status, 200, "{path}");
        for secret in secrets.into_iter().chain([SECRET]) {
            assert!(!text.contains(secret), "{secret} is on {path}");
        }
    }
}

#[tokio::test]
async fn a_visit_leaves_no_call_and_is_not_disturbed() {
    let fixture = fixture().await;
    fixture.run(json!({}), vec![created()]).await;
    fixture.get(DEAL).await;
    let before = fixture.hubspot.control().calls().len();
    let fault = Fault { status: Some(500), times: 1000, ..Fault::default() };
    fixture.hubspot.control().set_faults(vec![fault]).unwrap();
    for path in PAGES {
        assert_eq!(fixture.page(path).await.0, 200, "{path}");
    }
    assert_eq!(fixture.hubspot.control().calls().len(), before);
}
