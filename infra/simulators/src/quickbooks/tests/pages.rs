//! The pages, as a browser gets them.

use super::*;

impl Books {
    /// Status and text of a page; it is asked for without a token, as a browser does.
    async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.serving.url)).send().await.unwrap();
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

const COMPANY: &str = "/_sim/pages/companies/9341450000000001";

/// Every kind of page once.
const PAGES: [&str; 7] = [
    "/",
    COMPANY,
    "/_sim/pages/companies/9341450000000001?show=Customer",
    "/_sim/pages/companies/9341450000000001/Customer/1",
    "/app/invoice?txnId=7&companyId=9341450000000001",
    "/_sim/pages/calls",
    "/_sim/pages/faults",
];

#[tokio::test]
async fn the_pages_show_companies_documents_customers_and_items() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    has(&books.page("/").await, &["Contoso", REALM]);
    let link = format!("{COMPANY}/Invoice/7");
    has(&books.page(COMPANY).await, &["Invoice 1001", &link, "Northwind Traders", "149.97", "CorePlus"]);
    let customers = books.page(&format!("{COMPANY}?show=Customer")).await;
    has(&customers, &["ap@northwind.example", "Gone Ltd", "inactive"]);
    has(&books.page(&format!("{COMPANY}?show=Item")).await, &["Widget", "WID-1"]);
    has(&books.page(&format!("{COMPANY}/Item/5")).await, &["WID-1", "As the API answers it"]);
}

#[tokio::test]
async fn the_address_people_are_sent_to_opens_the_document_with_lines_totals_and_payments() {
    let books = books().await;
    let mut body = invoice();
    body["CustomerMemo"] = json!({"value": "Thank you & see you"});
    body["PrivateNote"] = json!("deal 4821");
    let made = books.create("invoice", body).await["Invoice"].clone();
    let payment = json!({"TotalAmt": 100, "CustomerRef": {"value": "1"},
        "Line": [{"Amount": 100, "LinkedTxn": [{"TxnId": id(&made), "TxnType": "Invoice"}]}]});
    let payment = books.create("payment", payment).await["Payment"].clone();
    let address = format!("/app/invoice?txnId={}&companyId={REALM}", id(&made));
    let shown = books.page(&address).await;
    let link = format!("{COMPANY}/Payment/{}", id(&payment));
    let parts = [
        "Invoice 1001",
        "Widget",
        "49.99",
        "149.97",
        "Balance due",
        "49.97",
        "Thank you &amp; see you",
        "deal 4821",
    ];
    has(&shown, &parts);
    has(&shown, &[&link, "NeedToPrint", "Northwind Traders"]);
    has(&books.page(&link).await, &["Applied to", "Invoice 1001", "100.00"]);
    let payment = format!("/app/recvpayment?txnId={}", id(&payment));
    has(&books.page(&payment).await, &["Applied to"]);
}

#[tokio::test]
async fn an_id_of_several_companies_is_a_choice_and_one_of_none_is_not_there() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    has(&books.page("/app/invoice?txnId=7").await, &["<h1>Invoice 1001"]);
    let items = json!([{"Id": "5", "Name": "Widget"}]);
    let seed = json!({"companies": [{"realm_id": "2", "customers": [{"Id": "1", "DisplayName": "Fabrikam"}],
        "items": items, "name": "Tailspin"}]});
    books.quickbooks.seed(seed).unwrap();
    let elsewhere = format!("{}/v3/company/2/invoice", books.serving.url);
    for _ in 0..3 {
        let sent = books.client.post(&elsewhere).bearer_auth("other").header("accept", "application/json");
        let (status, answer) = json_of(sent.json(&invoice())).await;
        assert_eq!(status, 200, "{answer}");
    }
    let choice = books.page("/app/invoice?txnId=7").await;
    has(&choice, &["Which company?", "Contoso", "Tailspin"]);
    assert_eq!(books.page("/app/invoice?txnId=7&companyId=3").await.0, 404);
    assert_eq!(books.page("/app/invoice?txnId=99").await.0, 404);
    assert_eq!(books.page("/_sim/pages/companies/3").await.0, 404);
    assert_eq!(books.page(&format!("{COMPANY}/Invoice/99")).await.0, 404);
}

#[tokio::test]
async fn a_voided_document_says_so_and_a_deleted_one_was_deleted() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let second = books.create("invoice", invoice()).await["Invoice"].clone();
    books.create("invoice?operation=void", json!({"Id": "7", "SyncToken": "0"})).await;
    books.create("invoice?operation=delete", json!({"Id": id(&second), "SyncToken": "0"})).await;
    has(&books.page("/app/invoice?txnId=7").await, &["Voided"]);
    let (status, text) = books.page(&format!("{COMPANY}/Invoice/{}", id(&second))).await;
    assert_eq!((status, text.contains("was deleted")), (404, true));
}

#[tokio::test]
async fn what_people_wrote_is_escaped() {
    let books = books().await;
    let evil = "<script>alert('x')</script>";
    books.seed(json!({"name": evil, "customers": [{"Id": "1", "DisplayName": evil}]}));
    let mut body = invoice();
    body["PrivateNote"] = json!(evil);
    books.create("invoice", body).await;
    for path in PAGES {
        let (status, text) = books.page(path).await;
        assert_eq!((status, text.contains("<script")), (200, false), "{path}");
    }
    has(&books.page("/").await, &["&lt;script&gt;"]);
}

#[tokio::test]
async fn no_page_shows_a_token_or_secret() {
    let books = books().await;
    let secrets = ["ACCESS-SECRET", "REFRESH-SECRET", "CLIENT-SECRET"];
    books.seed(json!({"access_tokens": [secrets[0]]}));
    let seed = json!({"clients": [{"client_id": "app", "client_secret": secrets[2]}],
        "grants": [{"realm_id": REALM, "refresh_token": secrets[1]}]});
    books.quickbooks.seed(seed).unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", secrets[1])];
    let token = format!("{}/oauth2/v1/tokens/bearer", books.serving.url);
    let answer =
        books.client.post(token).basic_auth("app", Some(secrets[2])).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let fresh = answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    books.create("invoice", invoice()).await;
    let stray = format!("{}/v3/company/{REALM}/query?access_token={}", books.serving.url, secrets[0]);
    books.client.get(stray).send().await.unwrap();
    for path in PAGES {
        let (status, text) = books.page(path).await;
        assert_eq!(status, 200, "{path}");
        for secret in secrets.iter().copied().chain([fresh.as_str()]) {
            assert!(!text.contains(secret), "{secret} is on {path}");
        }
    }
    has(&books.page("/_sim/pages/calls").await, &["/oauth2/v1/tokens/bearer", "[not shown]"]);
}

#[tokio::test]
async fn a_visit_leaves_no_call_counts_for_nothing_and_is_not_disturbed() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let before = (books.quickbooks.control().calls().len(), books.company()["calls"].clone());
    let fault = Fault { status: Some(500), times: 1000, ..Fault::default() };
    books.quickbooks.control().set_faults(vec![fault]).unwrap();
    books.switch(json!({"limits": {"per_minute": 0}}));
    for path in PAGES {
        assert_eq!(books.page(path).await.0, 200, "{path}");
    }
    let after = (books.quickbooks.control().calls().len(), books.company()["calls"].clone());
    assert_eq!(before, after);
    let (_, plan) = books.page("/_sim/pages/faults").await;
    assert!(plan.contains("status: <code>500</code>"), "{plan}");
    // A browser that knows its icon does not ask for one.
    assert!(plan.contains(r#"rel="icon" href="data:,""#), "{plan}");
}

#[tokio::test]
async fn the_calls_are_shown_newest_first_with_body_status_and_fault() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let fault = Fault { drop: true, ..Fault::default() };
    books.quickbooks.control().set_faults(vec![fault]).unwrap();
    books.get("query").query(&[("query", "select * from Item")]).send().await.unwrap_err();
    books.get("nowhere").send().await.unwrap();
    let shown = books.page("/_sim/pages/calls").await;
    has(&shown, &["query=select * from Item", "dropped", "unexpected", "<details>", "SalesItemLineDetail"]);
    let at = |part: &str| shown.1.find(part).unwrap();
    assert!(at("/nowhere") < at("/query") && at("/query") < at("/invoice"));
}

#[tokio::test]
async fn a_long_list_is_shown_a_hundred_at_a_time() {
    let books = books().await;
    let customers: Vec<_> = (0..250).map(|n| json!({"DisplayName": format!("Customer {n}")})).collect();
    books.seed(json!({"customers": customers}));
    let shown = books.page(&format!("{COMPANY}?show=Customer&page=3")).await;
    has(&shown, &["201–252 of 252", "?show=Customer&amp;page=2", "Customer 249"]);
    assert_eq!(shown.1.matches("<th scope=\"row\"").count(), 52);
}

#[tokio::test]
async fn a_record_names_a_list_above_it_only_where_there_is_one() {
    let books = books().await;
    books.create("class", json!({"Name": "North"})).await;
    books.create("salesreceipt", invoice()).await;
    let class = books.page(&format!("{COMPANY}/Class/7")).await;
    has(&class, &["North"]);
    assert!(!class.1.contains("Classs") && !class.1.contains("?show="), "{}", class.1);
    has(&books.page(&format!("{COMPANY}/SalesReceipt/8")).await, &["?show=SalesReceipt", "Sales receipts"]);
    has(&books.page(&format!("{COMPANY}/Item/5")).await, &["?show=Item\">Items"]);
}
