//! Payments, and what they do to the invoices they are for.

use super::*;

fn payment(invoice_id: &str, amount: &str, total: &str) -> Value {
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    json!({"TotalAmt": number(total), "CustomerRef": {"value": "1"}, "TxnDate": "2026-03-02",
        "PaymentRefNum": "ch_3PqX21", "PaymentMethodRef": {"value": "9102"}, "PrivateNote": "deal 4821",
        "Line": [{"Amount": number(amount), "LinkedTxn": [{"TxnId": invoice_id, "TxnType": "Invoice"}]}]})
}

#[tokio::test]
async fn a_payment_settles_its_invoice() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let made = books.create("payment", payment("7", "149.97", "149.97")).await["Payment"].clone();
    assert_eq!((made["TotalAmt"].to_string(), &made["UnappliedAmt"]), ("149.97".into(), &json!(0)));
    assert_eq!(made["DepositToAccountRef"]["name"], "Undeposited Funds");
    assert_eq!(made["PaymentMethodRef"], json!({"value": "9102", "name": "Check"}));
    assert_eq!((&made["CurrencyRef"]["value"], made.get("DocNumber")), (&json!("USD"), None));
    let settled = &json_of(books.get("invoice/7")).await.1["Invoice"];
    assert_eq!((&settled["Balance"], &settled["SyncToken"]), (&json!(0), &json!("1")));
    assert_eq!(settled["LinkedTxn"], json!([{"TxnId": id(&made), "TxnType": "Payment"}]));
    assert_eq!(settled["TotalAmt"].to_string(), "149.97");
    assert_eq!(books.company()["Customer"][0]["Balance"], 0);
    assert_eq!(json_of(books.get(&format!("payment/{}", id(&made)))).await.1["Payment"], made);
    let found = books.query("select * from Payment where CustomerRef = '1' and TxnDate = '2026-03-02'").await;
    assert_eq!(found["QueryResponse"]["Payment"][0], made);
}

#[tokio::test]
async fn what_is_not_applied_stays_a_credit_and_parts_add_up() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    books.create("payment", payment("7", "100", "100")).await;
    let rest = &books.create("payment", payment("7", "49.97", "60")).await["Payment"];
    assert_eq!(rest["UnappliedAmt"].to_string(), "10.03");
    let settled = &books.company()["Invoice"][0];
    assert_eq!((&settled["Balance"], &settled["SyncToken"]), (&json!(0), &json!("2")));
    assert_eq!(books.company()["Customer"][0]["Balance"].to_string(), "-10.03");
    let mut unapplied = payment("7", "5", "5");
    unapplied["Line"] = Value::Null;
    let unapplied = &books.create("payment", unapplied).await["Payment"];
    assert_eq!(unapplied["UnappliedAmt"].to_string(), "5.00");
}

#[tokio::test]
async fn each_broken_rule_of_a_payment_has_its_code() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    books.create("estimate", invoice()).await;
    books.seed(json!({"customers": [{"Id": "50", "DisplayName": "Fabrikam"}]}));
    let with = |change: fn(&mut Value)| {
        let mut body = payment("7", "100", "100");
        change(&mut body);
        body
    };
    let cases = [
        ("6000", with(|p| p["TotalAmt"] = Value::Null)),
        ("6000", with(|p| p["TotalAmt"] = json!(0))),
        ("6000", with(|p| p["TotalAmt"] = json!(99))),
        ("6000", with(|p| p["CustomerRef"]["value"] = json!("50"))),
        ("6000", with(|p| p["CurrencyRef"] = json!({"value": "EUR"}))),
        ("6000", with(|p| p["Line"][0]["Amount"] = json!(0))),
        ("6000", payment("7", "149.98", "200")),
        ("6000", with(|p| p["Line"] = json!([p["Line"][0], p["Line"][0]]))),
        ("620", payment("999", "100", "100")),
        ("620", payment("8", "100", "100")),
        ("620", with(|p| p["Line"][0]["LinkedTxn"][0]["TxnType"] = json!("Estimate"))),
        ("2010", with(|p| p["Line"][0]["LinkedTxn"][0]["TxnId"] = json!(7))),
        ("2010", with(|p| p["DocNumber"] = json!("1"))),
        ("2020", with(|p| p["CustomerRef"] = Value::Null)),
        ("2020", with(|p| p["Line"][0]["Amount"] = Value::Null)),
        ("2020", with(|p| p["Line"][0]["LinkedTxn"] = json!([]))),
        ("2050", with(|p| p["PaymentRefNum"] = json!("x".repeat(22)))),
        ("2500", with(|p| p["PaymentMethodRef"] = json!({"value": "1"}))),
        ("610", with(|p| p["CustomerRef"]["value"] = json!("2"))),
        ("6210", with(|p| p["TxnDate"] = json!("2025-12-31"))),
        ("6430", with(|p| p["DepositToAccountRef"] = json!({"value": "9005"}))),
    ];
    for (expected, body) in cases {
        assert_eq!(books.refused("payment", body.clone()).await, expected, "{body}");
    }
}

#[tokio::test]
async fn two_lines_may_pay_one_invoice_up_to_its_balance() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let mut body = payment("7", "100", "149.97");
    let mut second = body["Line"][0].clone();
    second["Amount"] = serde_json::from_str("49.97").unwrap();
    body["Line"].as_array_mut().unwrap().push(second);
    books.create("payment", body).await;
    assert_eq!(books.company()["Invoice"][0]["Balance"], 0);
}

#[tokio::test]
async fn a_payment_is_made_once_per_request_id() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let first = books.create("payment?requestid=p1", payment("7", "100", "100")).await;
    assert_eq!(books.create("payment?requestid=p1", payment("7", "100", "100")).await, first);
    assert_eq!(books.company()["Invoice"][0]["Balance"].to_string(), "49.97");
}

#[tokio::test]
async fn a_payment_does_not_see_an_invoice_of_its_own_batch() {
    let books = books().await;
    books.switch(json!({"batch_order": "asked"}));
    let batch = json!({"BatchItemRequest": [
        {"bId": "owed", "operation": "create", "Invoice": invoice()},
        {"bId": "paid", "operation": "create", "Payment": payment("7", "149.97", "149.97")}]});
    let (_, answer) = json_of(books.post("batch", &batch)).await;
    let items = answer["BatchItemResponse"].as_array().unwrap();
    assert_eq!(items[0]["Invoice"]["Id"], "7", "it was there before it was to be paid");
    assert_eq!(code(items.iter().find(|item| item["bId"] == "paid").unwrap()), "620");
    let (_, answer) = json_of(books.post(
        "batch",
        &json!({"BatchItemRequest": [
        {"bId": "paid", "operation": "create", "Payment": payment("7", "149.97", "149.97")}]}),
    ))
    .await;
    assert_eq!(answer["BatchItemResponse"][0]["Payment"]["UnappliedAmt"], 0);
}
