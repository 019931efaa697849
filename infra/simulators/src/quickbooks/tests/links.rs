//! An estimate that becomes an invoice.

use super::*;

fn from_estimate(id: &str) -> Value {
    invoice_with(|i| i["LinkedTxn"] = json!([{"TxnId": id, "TxnType": "Estimate"}]))
}

impl Books {
    async fn estimate(&self) -> Value {
        self.create("estimate", invoice()).await["Estimate"].clone()
    }
}

#[tokio::test]
async fn an_estimate_is_closed_by_its_invoice() {
    let books = books().await;
    let estimate = books.estimate().await;
    let made = books.create("invoice", from_estimate(id(&estimate))).await["Invoice"].clone();
    assert_eq!(made["LinkedTxn"], json!([{"TxnId": estimate["Id"], "TxnType": "Estimate"}]));
    let closed = books.read("Estimate", id(&estimate)).await;
    assert_eq!((&closed["TxnStatus"], &closed["SyncToken"]), (&json!("Closed"), &json!("0")));
    assert_eq!(closed["LinkedTxn"], json!([{"TxnId": made["Id"], "TxnType": "Invoice"}]));
    assert_eq!(books.read("Invoice", id(&made)).await, made);
}

#[tokio::test]
async fn each_broken_rule_of_the_link_has_its_code() {
    let books = books().await;
    let estimate = books.estimate().await;
    let linked = |links: Value| invoice_with(|i| i["LinkedTxn"] = links);
    let link = json!({"TxnId": estimate["Id"], "TxnType": "Estimate"});
    books.create("customer", json!({"DisplayName": "Fabrikam"})).await;
    let mut others = from_estimate(id(&estimate));
    others["CustomerRef"]["value"] = json!("8");
    for (expected, body) in [
        ("620", from_estimate("99")),
        ("620", linked(json!([{"TxnId": estimate["Id"], "TxnType": "Invoice"}]))),
        ("620", linked(json!([link, link]))),
        ("2010", linked(json!([{"TxnId": 7, "TxnType": "Estimate"}]))),
        ("2010", linked(json!(["7"]))),
        ("6000", others),
    ] {
        assert_eq!(books.refused("invoice", body.clone()).await, expected, "{body}");
    }
    books.switch(json!({"batch_order": "asked"}));
    let batch = json!({"BatchItemRequest": [{"bId": "e", "operation": "create", "Estimate": invoice()},
        {"bId": "i", "operation": "create", "Invoice": from_estimate("9")}]});
    let answer = books.create("batch", batch).await;
    assert_eq!(
        answer["BatchItemResponse"][0]["Estimate"]["Id"], "9",
        "it was there before it was to be invoiced"
    );
    let refused =
        answer["BatchItemResponse"].as_array().unwrap().iter().find(|item| item["bId"] == "i").unwrap();
    assert_eq!(code(refused), "620");
    books.create("invoice", from_estimate(id(&estimate))).await;
    assert_eq!(books.refused("invoice", from_estimate(id(&estimate))).await, "620");
}

#[tokio::test]
async fn an_invoice_that_is_taken_back_opens_its_estimate_again() {
    for operation in ["delete", "void"] {
        let books = books().await;
        let estimate = books.estimate().await;
        let made = books.create("invoice", from_estimate(id(&estimate))).await["Invoice"].clone();
        let row = json!({"Id": made["Id"], "SyncToken": "0"});
        books.create(&format!("invoice?operation={operation}"), row).await;
        let open = books.read("Estimate", id(&estimate)).await;
        assert_eq!((&open["TxnStatus"], &open["LinkedTxn"]), (&json!("Pending"), &json!([])), "{operation}");
        books.create("invoice", from_estimate(id(&estimate))).await;
    }
}

#[tokio::test]
async fn an_invoice_outlives_its_estimate() {
    let books = books().await;
    let estimate = books.estimate().await;
    let made = books.create("invoice", from_estimate(id(&estimate))).await["Invoice"].clone();
    let row = json!({"Id": estimate["Id"], "SyncToken": "0"});
    let gone = books.create("estimate?operation=delete", row).await["Estimate"].clone();
    assert_eq!(gone, json!({"Id": estimate["Id"], "status": "Deleted", "domain": "QBO"}));
    let left = books.read("Invoice", id(&made)).await;
    assert_eq!(left["LinkedTxn"], json!([]));
}
