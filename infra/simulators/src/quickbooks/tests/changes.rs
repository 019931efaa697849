//! Updates, deletes, voids and sends, each read afterwards.

use super::*;

fn paid(invoice_id: &str, amount: &str) -> Value {
    json!({"TotalAmt": exact(amount), "CustomerRef": {"value": "1"}, "Line": [
        {"Amount": exact(amount), "LinkedTxn": [{"TxnId": invoice_id, "TxnType": "Invoice"}]}]})
}

fn owed(books: &Books) -> String {
    books.company()["Customer"][0]["Balance"].to_string()
}

impl Books {
    async fn made(&self) -> Value {
        self.create("invoice", invoice()).await["Invoice"].clone()
    }

    async fn send(&self, path: &str) -> (u16, Value) {
        let request =
            self.client.post(self.url(path)).bearer_auth("good").header("accept", "application/json");
        json_of(request.header("content-type", "application/octet-stream")).await
    }
}

#[tokio::test]
async fn a_sparse_update_changes_what_it_names_and_lines_only_as_a_whole() {
    let books = books().await;
    let made = books.made().await;
    let note = json!({"Id": id(&made), "SyncToken": "0", "sparse": true, "PrivateNote": "mended"});
    let changed = books.create("invoice", note).await["Invoice"].clone();
    assert_eq!((&changed["PrivateNote"], &changed["SyncToken"]), (&json!("mended"), &json!("1")));
    for same in ["Line", "TotalAmt", "DocNumber", "DueDate", "BillAddr", "CustomerRef", "sparse"] {
        assert_eq!(changed[same], made[same], "{same}");
    }
    assert_eq!(books.read("Invoice", id(&made)).await, changed);
    let line = json!({"DetailType": "SalesItemLineDetail", "Amount": exact("10.00"),
        "SalesItemLineDetail": {"ItemRef": {"value": "5"}}});
    let lines = json!({"Id": id(&made), "SyncToken": "1", "sparse": true, "Line": [line]});
    let changed = books.create("invoice", lines).await["Invoice"].clone();
    assert_eq!((changed["TotalAmt"].to_string(), owed(&books)), ("10.00".into(), "10.00".into()));
    assert_eq!(changed["Line"].as_array().unwrap().len(), 2);
    // A line without an Id is a new line.
    assert_eq!(changed["Line"][0]["Id"], "3");
}

#[tokio::test]
async fn a_full_update_takes_away_what_it_leaves_out() {
    let books = books().await;
    let made = books.made().await;
    let mut body = made.clone();
    body.as_object_mut().unwrap().remove("PrivateNote");
    body["Line"][0]["Description"] = json!("Widget, red");
    let changed = books.create("invoice?operation=update", body).await["Invoice"].clone();
    assert_eq!((changed.get("PrivateNote"), &changed["DocNumber"]), (None, &made["DocNumber"]));
    assert_eq!(changed["Line"][0]["Description"], "Widget, red");
    assert_eq!(
        (&changed["Line"][0]["Id"], &changed["MetaData"]["CreateTime"]),
        (&json!("1"), &made["MetaData"]["CreateTime"])
    );
    assert_eq!((owed(&books), &books.read("Invoice", id(&made)).await), ("149.97".into(), &changed));
}

#[tokio::test]
async fn each_broken_rule_of_an_update_has_its_code() {
    let books = books().await;
    let made = books.made().await;
    let body = |change: fn(&mut Value)| {
        let mut body = json!({"Id": "7", "SyncToken": "0", "sparse": true});
        change(&mut body);
        body
    };
    assert_eq!(id(&made), "7");
    let cases = [
        ("5010", body(|b| b["SyncToken"] = json!("1"))),
        ("2020", body(|b| drop(b.as_object_mut().unwrap().remove("SyncToken")))),
        ("610", body(|b| b["Id"] = json!("99"))),
        ("2030", body(|b| b["Id"] = json!("seven"))),
        ("2010", body(|b| b["Colour"] = json!("blue"))),
        ("2010", body(|b| b["LinkedTxn"] = json!([{"TxnId": "1", "TxnType": "Estimate"}]))),
        ("6420", body(|b| b["EmailStatus"] = json!("NeedToSend"))),
        ("6210", body(|b| b["TxnDate"] = json!("2025-01-01"))),
        ("2020", body(|b| b["sparse"] = json!(false))),
        ("2020", body(|b| b["Line"] = json!([]))),
    ];
    for (expected, body) in cases {
        assert_eq!(books.refused("invoice", body.clone()).await, expected, "{body}");
    }
    books.create("payment", paid("7", "100.00")).await;
    let less = json!({"DetailType": "SalesItemLineDetail", "Amount": 50, "SalesItemLineDetail": {"ItemRef": {"value": "5"}}});
    let body = json!({"Id": "7", "SyncToken": "1", "sparse": true, "Line": [less]});
    assert_eq!(books.refused("invoice", body).await, "6000");
}

#[tokio::test]
async fn estimates_and_sales_receipts_are_updated_too() {
    let books = books().await;
    for (path, entity) in [("estimate", "Estimate"), ("salesreceipt", "SalesReceipt")] {
        let made = books.create(path, invoice()).await[entity].clone();
        let body = json!({"Id": id(&made), "SyncToken": "0", "sparse": true, "PrivateNote": "mended"});
        let changed = books.create(path, body).await[entity].clone();
        assert_eq!((&changed["PrivateNote"], &changed["SyncToken"]), (&json!("mended"), &json!("1")));
        assert_eq!(books.read(entity, id(&made)).await, changed);
    }
}

#[tokio::test]
async fn a_customer_is_updated_and_keeps_currency_balance_and_addresses() {
    let books = books().await;
    books.made().await;
    let body = json!({"Id": "1", "SyncToken": "0", "sparse": true, "Notes": "big",
        "BillAddr": {"Line1": "1 Pier"}});
    let changed = books.create("customer", body).await["Customer"].clone();
    assert_eq!((&changed["DisplayName"], &changed["Notes"]), (&json!("Northwind Traders"), &json!("big")));
    assert_eq!(
        (changed["BillAddr"]["Id"].as_str(), &changed["BillAddr"]["Line1"]),
        (Some("1"), &json!("1 Pier"))
    );
    assert_eq!(changed["Balance"].to_string(), "149.97");
    assert_eq!(books.read("Customer", "1").await, changed);
    let update = |part: Value| {
        let mut body = json!({"Id": "1", "SyncToken": "1", "sparse": true});
        body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        body
    };
    assert_eq!(books.refused("customer", update(json!({"DisplayName": "paper mill"}))).await, "6240");
    assert_eq!(books.refused("customer", update(json!({"CurrencyRef": {"value": "EUR"}}))).await, "6000");
    assert_eq!(books.refused("customer?operation=delete", update(json!({}))).await, "500");
}

#[tokio::test]
async fn an_inactive_row_is_renamed_and_leaves_default_queries() {
    let books = books().await;
    let off = |id: &str| json!({"Id": id, "SyncToken": "0", "sparse": true, "Active": false});
    let changed = books.create("customer", off("1")).await;
    assert_eq!(changed["Customer"]["DisplayName"], "Northwind Traders (deleted)");
    assert_eq!(books.names("select * from Customer").await, Vec::<String>::new());
    books.create("customer", json!({"DisplayName": "Northwind Traders"})).await;
    assert_eq!(books.create("vendor", off("3")).await["Vendor"]["DisplayName"], "Paper Mill (deleted)");
    assert_eq!(books.create("employee", off("4")).await["Employee"]["DisplayName"], "Emily Platt (deleted)");
    let item = books.create("item", off("5")).await["Item"].clone();
    assert_eq!((&item["Name"], &item["Sku"]), (&json!("Widget (deleted)"), &json!("WID-1")));
    let account = json!({"Id": "9002", "SyncToken": "0", "sparse": true, "Active": false});
    assert_eq!(books.create("account", account).await["Account"]["FullyQualifiedName"], "Savings (deleted)");
    assert_eq!(books.refused("invoice", invoice()).await, "610");
    assert_eq!(
        books
            .refused("term", json!({"Id": "9201", "SyncToken": "0", "sparse": true, "Name": "NET 30"}))
            .await,
        "6240"
    );
}

#[tokio::test]
async fn a_deleted_transaction_is_gone_and_what_it_did_is_undone() {
    let books = books().await;
    let made = books.made().await;
    let payment = books.create("payment", paid("7", "100.00")).await["Payment"].clone();
    let stale = json!({"Id": "7", "SyncToken": "0"});
    assert_eq!(books.refused("invoice?operation=delete", stale).await, "5010");
    let gone = books.create("payment?operation=delete", json!({"Id": id(&payment), "SyncToken": "0"})).await;
    assert_eq!((&gone["Payment"]["status"], &gone["Payment"]["Id"]), (&json!("Deleted"), &json!("8")));
    let again = books.read("Invoice", "7").await;
    assert_eq!((&again["Balance"], &again["LinkedTxn"]), (&made["TotalAmt"], &json!([])));
    assert_eq!(owed(&books), "149.97");
    books.create("invoice?operation=delete", json!({"Id": "7", "SyncToken": again["SyncToken"]})).await;
    assert_eq!(code(&json_of(books.get("invoice/7")).await.1), "610");
    assert_eq!((books.count("Invoice"), owed(&books)), (0, "0".into()));
}

#[tokio::test]
async fn a_void_empties_an_invoice_and_releases_its_payment() {
    let books = books().await;
    books.made().await;
    books.create("payment", paid("7", "100.00")).await;
    let voided =
        books.create("invoice?operation=void", json!({"Id": "7", "SyncToken": "1"})).await["Invoice"].clone();
    assert_eq!(
        (&voided["TotalAmt"], &voided["Balance"], &voided["SyncToken"]),
        (&json!(0), &json!(0), &json!("2"))
    );
    assert_eq!((&voided["PrivateNote"], &voided["DocNumber"]), (&json!("Voided"), &json!("1001")));
    assert_eq!(
        (&voided["Line"][0]["Amount"], &voided["Line"][0]["SalesItemLineDetail"]["Qty"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(books.read("Invoice", "7").await, voided);
    let payment = books.read("Payment", "8").await;
    assert_eq!((&payment["Line"], payment["UnappliedAmt"].to_string()), (&json!([]), "100.00".into()));
    assert_eq!(owed(&books), "-100.00");
}

#[tokio::test]
async fn a_sales_receipt_is_voided_by_include() {
    let books = books().await;
    let made = books.create("salesreceipt", invoice()).await["SalesReceipt"].clone();
    let body = json!({"Id": id(&made), "SyncToken": "0", "sparse": true});
    assert_eq!(books.refused("salesreceipt?operation=void", body.clone()).await, "500");
    let voided =
        books.create("salesreceipt?operation=update&include=void", body).await["SalesReceipt"].clone();
    assert_eq!((&voided["TotalAmt"], &voided["PrivateNote"]), (&json!(0), &json!("Voided")));
    assert_eq!(books.read("SalesReceipt", id(&made)).await, voided);
}

#[tokio::test]
async fn a_batch_updates_voids_and_deletes() {
    let books = books().await;
    for _ in 0..2 {
        books.made().await;
    }
    let answer = books.create("batch", json!({"BatchItemRequest": [
        {"bId": "u", "operation": "update", "Customer": {"Id": "1", "SyncToken": "0", "sparse": true, "Notes": "x"}},
        {"bId": "v", "operation": "update", "optionsData": "void", "Invoice": {"Id": "7", "SyncToken": "0", "sparse": true}},
        {"bId": "d", "operation": "delete", "Invoice": {"Id": "8", "SyncToken": "0"}},
        {"bId": "s", "operation": "delete", "Invoice": {"Id": "7", "SyncToken": "9"}}]})).await;
    let item = |id: &str| {
        answer["BatchItemResponse"].as_array().unwrap().iter().find(|item| item["bId"] == id).unwrap().clone()
    };
    assert_eq!(
        (&item("u")["Customer"]["SyncToken"], &item("v")["Invoice"]["TotalAmt"]),
        (&json!("1"), &json!(0))
    );
    assert_eq!((&item("d")["Invoice"]["status"], code(&item("s"))), (&json!("Deleted"), "5010".into()));
}

#[tokio::test]
async fn a_sent_document_says_when_it_was_sent() {
    let books = books().await;
    for (path, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("salesreceipt", "SalesReceipt")]
    {
        let made = books.create(path, invoice()).await[entity].clone();
        let (status, answer) =
            books.send(&format!("{path}/{}/send?sendTo=ap@northwind.example", id(&made))).await;
        let sent = &answer[entity];
        assert_eq!(
            (status, &sent["EmailStatus"], &sent["SyncToken"]),
            (200, &json!("EmailSent"), &json!("1"))
        );
        assert_eq!(sent["DeliveryInfo"]["DeliveryType"], "Email");
        assert!(sent["DeliveryInfo"]["DeliveryTime"].is_string());
        assert_eq!(sent["BillEmail"]["Address"], "ap@northwind.example");
        assert_eq!(&books.read(entity, id(&made)).await, sent);
        assert_eq!(books.send(&format!("{path}/{}/send", id(&made))).await.0, 200);
    }
}

#[tokio::test]
async fn nobody_to_send_to_is_a_6420() {
    let books = books().await;
    books.made().await;
    for (path, expected) in [
        ("invoice/7/send", "6420"),
        ("invoice/7/send?sendTo=nobody", "2210"),
        ("invoice/99/send?sendTo=a@b.example", "610"),
        ("invoice/x/send?sendTo=a@b.example", "2030"),
    ] {
        let (status, answer) = books.send(path).await;
        assert_eq!((status, code(&answer).as_str()), (400, expected), "{path}");
    }
    assert_eq!(code(&json_of(books.post("invoice/7/send", &json!({}))).await.1), "1050");
    assert_eq!(books.read("Invoice", "7").await["EmailStatus"], "NotSet");
}

#[tokio::test]
async fn what_lies_in_closed_books_stays_as_it_is() {
    let books = books().await;
    books.made().await;
    books.seed(json!({"preferences": {"AccountingInfoPrefs": {"BookCloseDate": "2026-03-02"}}}));
    let moved = json!({"Id": "7", "SyncToken": "0", "sparse": true, "TxnDate": "2026-03-03"});
    for path in ["invoice", "invoice?operation=void", "invoice?operation=delete"] {
        assert_eq!(books.refused(path, moved.clone()).await, "6210", "{path}");
    }
}

#[tokio::test]
async fn a_document_moves_to_another_customer_and_so_does_what_is_owed() {
    let books = books().await;
    books.made().await;
    books.create("customer", json!({"DisplayName": "Fabrikam"})).await;
    let moved = json!({"Id": "7", "SyncToken": "0", "sparse": true, "CustomerRef": {"value": "8"}});
    books.create("invoice", moved).await;
    assert_eq!(owed(&books), "0");
    assert_eq!(books.read("Customer", "8").await["Balance"].to_string(), "149.97");
}
