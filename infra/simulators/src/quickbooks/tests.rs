//! The stand-in as a client sees it, over HTTP: first what all calls share, customers and invoices.

mod changes;
mod checklist;
mod clients;
mod conforming;
mod consent;
mod currencies;
mod disconnect;
mod inside;
mod links;
mod lists;
mod numbers;
mod oauth;
mod pages;
mod payments;
mod queries;
mod recorded;
mod requests;
mod roster;
mod sales;
mod switched;
mod taxes;
mod traffic;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::QuickBooks;
use super::conformance::{self, Side};
use crate::control::{Fault, Serving, serve};

const REALM: &str = "9341450000000001";

struct Books {
    quickbooks: QuickBooks,
    serving: Serving,
    client: Client,
}

/// A stand-in whose answers are held against Intuit's XSDs, where they stand beside the checkout.
fn checked() -> QuickBooks {
    match conformance::beside_the_checkout().unwrap() {
        Some(schemas) => QuickBooks::new().checked(schemas),
        None => QuickBooks::new(),
    }
}

/// Only the answers count: what is sent here is often wrong on purpose.
impl Drop for Books {
    fn drop(&mut self) {
        let mut found = self.quickbooks.nonconforming();
        found.retain(|found| found.side == Side::Answer);
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        // A test that fails already says why.
        assert!(
            found.is_empty() || std::thread::panicking(),
            "not as Intuit's XSDs have it:\n{}",
            found.join("\n")
        );
    }
}

/// Northwind (Id 1), an inactive customer (2), a vendor (3), an employee (4), a widget (5) and an inactive item (6).
async fn books() -> Books {
    let quickbooks = checked();
    let seed = json!({"companies": [
        {"realm_id": REALM, "name": "Contoso", "access_tokens": ["good"],
         "preferences": {"AccountingInfoPrefs": {"BookCloseDate": "2025-12-31"}},
         "customers": [
            {"DisplayName": "Northwind Traders", "PrimaryEmailAddr": {"Address": "ap@northwind.example"},
             "BillAddr": {"Line1": "12 Harbour Rd", "City": "Oakland"}},
            {"DisplayName": "Gone Ltd", "Active": false}],
         "vendors": [{"DisplayName": "Paper Mill"}],
         "employees": [{"DisplayName": "Emily Platt"}],
         "items": [{"Name": "Widget", "Sku": "WID-1"}, {"Name": "Old", "Sku": "OLD-1", "Active": false}]},
        {"realm_id": "2", "access_tokens": ["other", {"token": "ended", "expires_at": "2020-01-01T00:00:00Z"}]}
    ]});
    quickbooks.seed(seed).unwrap();
    let serving = serve(quickbooks.router(), 0).await.unwrap();
    Books { quickbooks, serving, client: Client::new() }
}

impl Books {
    fn url(&self, path: &str) -> String {
        format!("{}/v3/company/{REALM}/{path}", self.serving.url)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path)).bearer_auth("good").header("accept", "application/json")
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let request =
            self.client.post(self.url(path)).bearer_auth("good").header("accept", "application/json");
        request.json(body)
    }

    async fn query(&self, statement: &str) -> Value {
        json_of(self.get("query").query(&[("query", statement)])).await.1
    }

    async fn names(&self, statement: &str) -> Vec<String> {
        let answer = self.query(statement).await;
        let Some(rows) = answer["QueryResponse"]["Customer"].as_array() else { return Vec::new() };
        rows.iter().map(|row| row["DisplayName"].as_str().unwrap().to_owned()).collect()
    }

    async fn create(&self, path: &str, body: Value) -> Value {
        let (status, answer) = json_of(self.post(path, &body)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The code a create is refused with; nothing may have been kept.
    async fn refused(&self, path: &str, body: Value) -> String {
        let before = self.company();
        let (status, answer) = json_of(self.post(path, &body)).await;
        assert_eq!(status, 400, "{answer}");
        assert_eq!(self.company(), before);
        code(&answer)
    }

    fn company(&self) -> Value {
        let state = self.quickbooks.state();
        state["companies"]
            .as_array()
            .unwrap()
            .iter()
            .find(|company| company["realm_id"] == REALM)
            .unwrap()
            .clone()
    }

    fn count(&self, entity: &str) -> usize {
        self.company()[entity].as_array().unwrap().len()
    }

    /// The row as a read of its own answers it.
    async fn read(&self, entity: &str, id: &str) -> Value {
        let (status, mut answer) = json_of(self.get(&format!("{}/{id}", entity.to_lowercase()))).await;
        assert_eq!(status, 200, "{answer}");
        answer[entity].take()
    }

    async fn later(&self, seconds: i64) {
        let clock = format!("{}/_sim/clock", self.serving.url);
        self.client.post(clock).json(&json!({"advance_seconds": seconds})).send().await.unwrap();
    }

    /// Returns once this part of the company's state is that number; a minute is never.
    async fn until(&self, pointer: &str, wanted: u64) {
        for _ in 0..12_000 {
            let found = self.company().pointer(pointer).cloned().unwrap_or_default();
            let number = found.as_u64().or_else(|| found.as_str()?.parse().ok());
            if number == Some(wanted) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{pointer} never became {wanted}");
    }

    fn switch(&self, switches: Value) {
        self.seed(json!({"switches": switches}));
    }

    fn seed(&self, part: Value) {
        let mut company = part;
        company["realm_id"] = json!(REALM);
        self.quickbooks.seed(json!({"companies": [company]})).unwrap();
    }
}

async fn json_of(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

fn id(row: &Value) -> &str {
    row["Id"].as_str().unwrap()
}

fn code(answer: &Value) -> String {
    answer["Fault"]["Error"][0]["code"].as_str().unwrap().to_owned()
}

fn exact(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn invoice() -> Value {
    json!({"CustomerRef": {"value": "1"}, "TxnDate": "2026-03-02", "PrivateNote": "deal 4821", "Line": [
        {"DetailType": "SalesItemLineDetail", "Amount": 149.97, "Description": "Widget, blue",
         "SalesItemLineDetail": {"ItemRef": {"value": "5"}, "Qty": 3, "UnitPrice": 49.99}},
        {"DetailType": "DescriptionOnly", "Description": "Thank you"}]})
}

fn invoice_with(change: impl FnOnce(&mut Value)) -> Value {
    let mut invoice = invoice();
    change(&mut invoice);
    invoice
}

#[tokio::test]
async fn an_invoice_is_completed_as_intuit_completes_it() {
    let books = books().await;
    let answer = books.create("invoice", invoice()).await;
    let made = &answer["Invoice"];
    assert_eq!(
        (&made["Id"], &made["SyncToken"], &made["DocNumber"]),
        (&json!("7"), &json!("0"), &json!("1001"))
    );
    assert_eq!(
        (made["TotalAmt"].to_string(), made["Balance"].to_string()),
        ("149.97".into(), "149.97".into())
    );
    assert_eq!(
        (&made["DueDate"], &made["domain"], &made["sparse"]),
        (&json!("2026-04-01"), &json!("QBO"), &json!(false))
    );
    assert_eq!(made["CurrencyRef"], json!({"value": "USD", "name": "United States Dollar"}));
    assert_eq!(made["CustomerRef"], json!({"value": "1", "name": "Northwind Traders"}));
    assert_eq!(made["BillAddr"]["Line1"], "12 Harbour Rd");
    assert_eq!((&made["PrintStatus"], &made["EmailStatus"]), (&json!("NeedToPrint"), &json!("NotSet")));
    assert_eq!(made.get("TxnTaxDetail"), None, "a company without sales tax does not mention it (recorded)");
    let created = made["MetaData"]["CreateTime"].as_str().unwrap();
    assert!(created.ends_with("-08:00") || created.ends_with("-07:00"), "{created}");
    let lines = made["Line"].as_array().unwrap();
    assert_eq!(lines[0]["SalesItemLineDetail"]["TaxCodeRef"]["value"], "NON");
    assert_eq!(lines[0]["SalesItemLineDetail"]["ItemRef"], json!({"value": "5", "name": "Widget"}));
    assert_eq!(
        lines[2],
        json!({"Amount": lines[0]["Amount"], "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})
    );
    let read = json_of(books.get("invoice/7")).await.1;
    assert_eq!(&read["Invoice"], made);
    assert_eq!(books.company()["Customer"][0]["Balance"].to_string(), "149.97");
}

#[tokio::test]
async fn amounts_stay_exact() {
    let books = books().await;
    let body = r#"{"CustomerRef":{"value":"1"},"Line":[
        {"DetailType":"SalesItemLineDetail","Amount":1861.08,"SalesItemLineDetail":{"ItemRef":{"value":"5"},"Qty":14.50,"UnitPrice":128.350}},
        {"DetailType":"SalesItemLineDetail","Amount":1200.10,"SalesItemLineDetail":{"ItemRef":{"value":"5"}}}]}"#;
    let request = books.post("invoice", &json!({})).body(body);
    let (_, answer) = json_of(request).await;
    assert_eq!(answer["Invoice"]["TotalAmt"].to_string(), "3061.18");
    assert_eq!(answer["Invoice"]["Line"][1]["Amount"].to_string(), "1200.10");
    assert_eq!(answer["Invoice"]["Line"][0]["SalesItemLineDetail"]["UnitPrice"].to_string(), "128.35");
}

#[tokio::test]
async fn each_broken_rule_of_an_invoice_has_its_code() {
    let books = books().await;
    let line = |change: fn(&mut Value)| invoice_with(|invoice| change(&mut invoice["Line"][0]));
    let cases = [
        ("2010", invoice_with(|i| i["Frobnicate"] = json!(1))),
        ("2010", line(|l| l["SalesItemLineDetail"]["Colour"] = json!("blue"))),
        ("2010", invoice_with(|i| i["Line"] = json!(["no object"]))),
        ("2020", invoice_with(|i| i["Line"] = json!([]))),
        ("2020", invoice_with(|i| i["CustomerRef"] = Value::Null)),
        ("2020", line(|l| l["DetailType"] = Value::Null)),
        ("2020", line(|l| l["Amount"] = Value::Null)),
        ("2020", line(|l| l["SalesItemLineDetail"]["ItemRef"] = Value::Null)),
        ("2500", invoice_with(|i| i["CustomerRef"]["value"] = json!("999"))),
        ("2500", line(|l| l["SalesItemLineDetail"]["ItemRef"]["value"] = json!("999"))),
        ("610", invoice_with(|i| i["CustomerRef"]["value"] = json!("2"))),
        ("610", line(|l| l["SalesItemLineDetail"]["ItemRef"]["value"] = json!("6"))),
        ("2050", invoice_with(|i| i["DocNumber"] = json!("x".repeat(22)))),
        ("2050", invoice_with(|i| i["PrivateNote"] = json!("é".repeat(4001)))),
        ("2060", invoice_with(|i| i["TxnDate"] = json!("02/03/2026"))),
        ("2060", invoice_with(|i| i["DueDate"] = json!("2026-02-30"))),
        ("2140", line(|l| l["Amount"] = serde_json::from_str("149.975").unwrap())),
        ("2170", invoice_with(|i| i["EmailStatus"] = json!("Sent"))),
        ("2210", invoice_with(|i| i["BillEmail"] = json!({"Address": "nobody"}))),
        ("2020", line(|l| l["DetailType"] = json!("DiscountLineDetail"))),
        ("6000", invoice_with(|i| i["CurrencyRef"] = json!({"value": "EUR"}))),
        ("6070", line(|l| l["Amount"] = serde_json::from_str("149.98").unwrap())),
        ("6100", line(|l| l["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": "5"}))),
        ("6210", invoice_with(|i| i["TxnDate"] = json!("2025-12-31"))),
        ("6420", invoice_with(|i| i["EmailStatus"] = json!("NeedToSend"))),
    ];
    for (expected, body) in cases {
        assert_eq!(books.refused("invoice", body.clone()).await, expected, "{body}");
    }
    let (_, answer) = json_of(books.post("invoice", &line(|l| l["Amount"] = json!(1861)))).await;
    let detail = "Amount is not equal to UnitPrice * Qty. Supplied value:1,861";
    assert_eq!(answer["Fault"]["Error"][0]["Detail"], detail);
    assert_eq!(answer["Fault"]["Error"][0]["element"], "Line.Amount");
}

#[tokio::test]
async fn the_day_after_the_books_closed_is_open() {
    let books = books().await;
    books.create("invoice", invoice_with(|i| i["TxnDate"] = json!("2026-01-01"))).await;
}

#[tokio::test]
async fn each_broken_rule_of_a_customer_has_its_code() {
    let books = books().await;
    let cases = [
        ("2010", json!({"Displayname": "x"})),
        ("2040", json!({"DisplayName": "a:b"})),
        ("2040", json!({"GivenName": "a\tb"})),
        ("2040", json!({"DisplayName": "party 🎉"})),
        ("2050", json!({"DisplayName": "x".repeat(101)})),
        ("2210", json!({"DisplayName": "x", "PrimaryEmailAddr": {"Address": "a b@c.example"}})),
        ("6000", json!({"DisplayName": "x", "CurrencyRef": {"value": "EUR"}})),
        ("6080", json!({"Notes": "nameless"})),
        ("6240", json!({"DisplayName": "NORTHWIND traders"})),
        ("6240", json!({"DisplayName": "paper mill"})),
        ("6240", json!({"DisplayName": "Emily Platt"})),
    ];
    for (expected, body) in cases {
        assert_eq!(books.refused("customer", body.clone()).await, expected, "{body}");
    }
}

#[tokio::test]
async fn a_customer_is_completed_and_an_inactive_name_is_free() {
    let books = books().await;
    let answer = books.create("customer", json!({"GivenName": "Ana", "FamilyName": "Trujillo"})).await;
    assert_eq!(answer["Customer"]["DisplayName"], "Ana Trujillo");
    assert_eq!(answer["Customer"]["PrintOnCheckName"], "Ana Trujillo");
    assert_eq!((&answer["Customer"]["Active"], &answer["Customer"]["Id"]), (&json!(true), &json!("7")));
    books.create("customer", json!({"DisplayName": "Gone Ltd"})).await;
}

#[tokio::test]
async fn documents_are_numbered_unless_people_number_them() {
    let books = books().await;
    books.seed(json!({"numbers": {"Invoice": 1088}}));
    let number = |answer: &Value| answer["Invoice"].get("DocNumber").cloned();
    assert_eq!(number(&books.create("invoice", invoice()).await), Some(json!("1088")));
    assert_eq!(number(&books.create("invoice", invoice()).await), Some(json!("1089")));
    let given = invoice_with(|i| i["DocNumber"] = json!("HS-1"));
    assert_eq!(number(&books.create("invoice", given).await), Some(json!("HS-1")));
    books.seed(json!({"preferences": {"SalesFormsPrefs": {"CustomTxnNumbers": true}}}));
    assert_eq!(number(&books.create("invoice", invoice()).await), None);
    assert_eq!(books.company()["numbers"]["Invoice"], 1090);
}

#[tokio::test]
async fn names_with_quotes_and_letters_of_all_kinds_are_found() {
    let books = books().await;
    let name = r#"O'Brien & Søn \ "Ltd""#;
    books.create("customer", json!({"DisplayName": name})).await;
    let statement = r#"select * from Customer where DisplayName = 'o\'brien & SØN \\ "Ltd"'"#;
    assert_eq!(books.names(statement).await, [name]);
    let posted =
        books.client.post(books.url("query")).bearer_auth("good").header("accept", "application/json");
    let (_, answer) = json_of(posted.header("content-type", "application/text").body(statement)).await;
    assert_eq!(answer["QueryResponse"]["maxResults"], 1);
}

#[tokio::test]
async fn queries_choose_order_and_page_rows() {
    let books = books().await;
    for name in ["Zeta", "alpha", "Beta"] {
        books.create("customer", json!({"DisplayName": name})).await;
    }
    let cases: [(&str, &[&str]); 9] = [
        ("", &["Beta", "Northwind Traders", "Zeta", "alpha"]),
        ("where Active = false", &["Gone Ltd (deleted)"]),
        ("where Active in (true, false) and Id in ('1','2')", &["Gone Ltd (deleted)", "Northwind Traders"]),
        ("where PrimaryEmailAddr = 'AP@northwind.example'", &["Northwind Traders"]),
        ("where PrimaryEmailAddr = ' ' and displayname like '%ETA'", &["Beta", "Zeta"]),
        ("where DisplayName > 'b' and DisplayName <= 'northwind traders'", &["Beta", "Northwind Traders"]),
        ("orderby DisplayName desc startposition 2 maxresults 2", &["Northwind Traders", "Beta"]),
        ("startposition 5", &[]),
        ("where MetaData.CreateTime < '2001-01-01T00:00:00-08:00'", &[]),
    ];
    for (clauses, expected) in cases {
        assert_eq!(books.names(&format!("select * from Customer {clauses}")).await, expected, "{clauses}");
    }
}

#[tokio::test]
async fn envelopes_are_intuits() {
    let books = books().await;
    let page = books.query("select DisplayName from Customer maxresults 1").await;
    assert_eq!(
        (&page["QueryResponse"]["startPosition"], &page["QueryResponse"]["maxResults"]),
        (&json!(1), &json!(1))
    );
    let row = json!({"DisplayName": "Northwind Traders", "Id": "1", "domain": "QBO", "sparse": false});
    assert_eq!(page["QueryResponse"]["Customer"][0], row);
    assert_eq!(books.query("select * from Invoice").await["QueryResponse"], json!({}));
    let count = books.query("select count(*) from Customer where Active in (true,false)").await;
    assert_eq!(count["QueryResponse"], json!({"totalCount": 2}));
    let preferences = books.query("select * from Preferences").await;
    let closed = &preferences["QueryResponse"]["Preferences"][0]["AccountingInfoPrefs"]["BookCloseDate"];
    assert_eq!(closed, "2025-12-31");
    assert_eq!(
        json_of(books.get("preferences")).await.1["Preferences"],
        preferences["QueryResponse"]["Preferences"][0]
    );
    let company = json_of(books.get(&format!("companyinfo/{REALM}"))).await.1;
    assert_eq!(
        (&company["CompanyInfo"]["CompanyName"], &company["CompanyInfo"]["Country"]),
        (&json!("Contoso"), &json!("US"))
    );
}

#[tokio::test]
async fn invoices_are_found_by_what_is_filterable_only() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let found = async |clause: &str| {
        let answer = books.query(&format!("select * from Invoice where {clause}")).await;
        answer["QueryResponse"]["Invoice"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(
        found("CustomerRef = '1' and TxnDate = '2026-03-02' orderby MetaData.CreateTime desc").await,
        1
    );
    assert_eq!(found("TotalAmt >= '149.97' and DocNumber = '1001'").await, 1);
    assert_eq!(found("TxnDate > '2026-03-02'").await, 0);
}

#[tokio::test]
async fn senseless_queries_are_4001_and_unreadable_ones_4000() {
    let books = books().await;
    let cases = [
        ("4001", "select * from Custmoer"),
        ("4001", "select * from customer"),
        ("4001", "select * from Customer where Colour = 'blue'"),
        ("4001", "select Colour from Customer"),
        ("4001", "select * from Customer orderby Colour"),
        ("4001", "select * from Invoice where PrivateNote = 'deal 4821'"),
        ("4001", "select * from Vendor where PrimaryEmailAddr = 'a@b.example'"),
        ("4001", "select * from Customer where PrimaryEmailAddr.Address = 'a@b.example'"),
        ("4001", "select * from Customer where Id > '1'"),
        ("4001", "select * from Customer where Active = 'true'"),
        ("4001", "select * from Customer where Balance = 'much'"),
        ("4001", "select * from Customer startposition 0"),
        ("4001", "select * from Customer maxresults 0"),
        ("4000", "select * from Customer where DisplayName = 'O''Brien'"),
        ("4000", "selekt * from Customer"),
        ("4000", ""),
    ];
    for (expected, statement) in cases {
        assert_eq!(code(&books.query(statement).await), expected, "{statement}");
    }
}

#[tokio::test]
async fn a_request_id_seen_before_gets_the_same_bytes_and_does_nothing() {
    let books = books().await;
    let text = async |body: Value| {
        books.post("invoice?requestid=hq1", &body).send().await.unwrap().text().await.unwrap()
    };
    let first = text(invoice()).await;
    assert_eq!(text(invoice()).await, first);
    assert_eq!(text(invoice_with(|i| i["PrivateNote"] = json!("another"))).await, first);
    assert_eq!(books.count("Invoice"), 1);
    assert_eq!(books.company()["requests"]["hq1"], json!({"seen": 3, "stored": true}));
}

#[tokio::test]
async fn a_refusal_does_not_use_up_its_request_id() {
    let books = books().await;
    let (status, _) =
        json_of(books.post("customer?requestid=c1", &json!({"DisplayName": "Paper Mill"}))).await;
    assert_eq!(status, 400);
    books.create("customer?requestid=c1", json!({"DisplayName": "Paper Mill (2)"})).await;
}

#[tokio::test]
async fn request_ids_have_a_length_and_an_alphabet() {
    let books = books().await;
    let (long, bad, longer) = ("a".repeat(51), "a_b", "a".repeat(37));
    for (path, id) in [("customer", long.as_str()), ("customer", bad), ("batch", &longer)] {
        let (_, answer) = json_of(books.post(&format!("{path}?requestid={id}"), &json!({}))).await;
        assert_eq!(code(&answer), "2130", "{path} {id}");
    }
}

#[tokio::test]
async fn a_batch_answers_each_item_by_its_id_in_another_order() {
    let books = books().await;
    let batch = json!({"BatchItemRequest": [
        {"bId": "new", "operation": "create", "Customer": {"DisplayName": "Contoso Ltd"}},
        {"bId": "taken", "operation": "create", "Customer": {"DisplayName": "Paper Mill"}},
        {"bId": "find", "Query": "select * from Customer where DisplayName = 'Contoso Ltd'"},
        {"bId": "early", "operation": "create", "Invoice": invoice_with(|i| i["CustomerRef"]["value"] = json!("7"))},
        {"bId": "broken", "Query": "select"}]});
    let (status, answer) = json_of(books.post("batch", &batch)).await;
    assert_eq!(status, 200);
    let items = answer["BatchItemResponse"].as_array().unwrap();
    let item = |id: &str| items.iter().find(|item| item["bId"] == id).unwrap();
    let codes: Vec<_> = ["broken", "early", "taken"].iter().map(|id| code(item(id))).collect();
    assert_eq!(codes, ["4000", "2500", "6240"]);
    assert_eq!(item("find")["QueryResponse"], json!({}));
    assert_eq!(item("new")["Customer"]["Id"], "7");
}

#[tokio::test]
async fn a_batch_is_replayed_by_request_id_and_item_id() {
    let books = books().await;
    let batch = |id: &str| {
        json!({"BatchItemRequest": [
        {"bId": id, "operation": "create", "Invoice": invoice()}, {"bId": "q", "Query": "select * from Invoice"}]})
    };
    let text = async |id: &str| {
        books.post("batch?requestid=b1", &batch(id)).send().await.unwrap().text().await.unwrap()
    };
    let first = text("i1").await;
    assert_eq!(text("i1").await, first);
    assert_eq!(books.count("Invoice"), 1);
    text("i2").await;
    assert_eq!(books.count("Invoice"), 2);
    let item: Value = serde_json::from_str(&text("i1").await).unwrap();
    assert_eq!(item["BatchItemResponse"][1]["Invoice"]["Id"], "7");
    assert_eq!(books.count("Invoice"), 2);
}

#[tokio::test]
async fn a_batch_has_limits() {
    let books = books().await;
    let items: Vec<_> =
        (0..31).map(|n| json!({"bId": n.to_string(), "Query": "select * from Item"})).collect();
    assert_eq!(books.refused("batch", json!({"BatchItemRequest": items})).await, "1040");
    assert_eq!(books.refused("batch", json!({"BatchItemRequest": [{"Query": "select"}]})).await, "2020");
    let long = json!({"BatchItemRequest": [{"bId": "12345678901", "Query": "select * from Item"}]});
    let (_, answer) = json_of(books.post("batch?requestid=b", &long)).await;
    assert_eq!(code(&answer), "2130");
}

#[tokio::test]
async fn tokens_open_their_own_company_only() {
    let books = books().await;
    let ask = |token: &str| {
        books.client.get(books.url("preferences")).bearer_auth(token).header("accept", "application/json")
    };
    for token in ["unknown", "ended"] {
        let answer = ask(token).send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"Intuit\", error=\"invalid_token\"");
        assert_eq!(answer.status().as_u16(), 401);
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(body["fault"]["error"][0]["code"], "3200");
    }
    let (status, body) = json_of(ask("other")).await;
    assert_eq!((status, &body["fault"]["error"][0]["code"]), (403, &json!("3100")));
    let (status, _) =
        json_of(books.client.get(books.url("preferences")).header("accept", "application/json")).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn bodies_of_another_type_or_encoding_are_refused() {
    let books = books().await;
    let post = |path: &str, content_type: &str, body: &'static [u8]| {
        let request =
            books.client.post(books.url(path)).bearer_auth("good").header("accept", "application/json");
        json_of(request.header("content-type", content_type).body(body))
    };
    assert_eq!(code(&post("query", "application/json", b"select * from Item").await.1), "1050");
    assert_eq!(code(&post("customer", "text/plain", b"{}").await.1), "1050");
    assert_eq!(code(&post("customer", "application/json", b"{\"DisplayName\":\"\xff\"}").await.1), "500");
    assert_eq!(code(&post("customer", "application/json", b"{").await.1), "2010");
}

#[tokio::test]
async fn reading_what_is_not_there_is_a_400() {
    let books = books().await;
    for (path, expected) in [("invoice/999", "610"), ("invoice/1.5", "2030"), ("companyinfo/2", "610")] {
        let (status, answer) = json_of(books.get(path)).await;
        assert_eq!((status, code(&answer).as_str()), (400, expected), "{path}");
    }
}

#[tokio::test]
async fn what_intuit_can_do_and_this_cannot_is_refused_and_unexpected() {
    let books = books().await;
    assert_eq!(books.refused("estimate?operation=void", json!({"Id": "1", "SyncToken": "0"})).await, "500");
    assert_eq!(books.refused("invoice?include=invoiceLink", invoice()).await, "500");
    assert!(books.quickbooks.control().calls().iter().all(|call| call.unexpected));
}

#[tokio::test]
async fn seeding_again_adds_and_changes_but_never_doubles() {
    let books = books().await;
    books.seed(json!({"customers": [
        {"DisplayName": "northwind traders", "Notes": "old friend"}, {"DisplayName": "Gone Ltd", "Active": false},
        {"Id": "58", "DisplayName": "Fabrikam"}]}));
    let customers = books.company()["Customer"].clone();
    assert_eq!(customers.as_array().unwrap().len(), 3);
    assert_eq!((&customers[0]["Notes"], &customers[0]["Id"]), (&json!("old friend"), &json!("1")));
    let next = books.create("customer", json!({"DisplayName": "After"})).await;
    assert_eq!(next["Customer"]["Id"], "59");
    assert_eq!(books.company()["preferences"]["AccountingInfoPrefs"]["BookCloseDate"], "2025-12-31");
}

#[tokio::test]
async fn a_seed_that_breaks_the_books_is_refused_and_changes_nothing() {
    let books = books().await;
    let before = books.company();
    for customers in [
        json!([{"DisplayName": "New"}, {"DisplayName": "paper mill"}]),
        json!([{"Displayname": "x"}]),
        json!([{}]),
    ] {
        let seed = json!({"companies": [{"realm_id": REALM, "customers": customers}]});
        let answer =
            books.client.post(format!("{}/_sim/seed", books.serving.url)).json(&seed).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400);
    }
    assert_eq!(books.company(), before);
}
