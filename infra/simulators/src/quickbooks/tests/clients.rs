//! What published clients send and we do not: whole objects, empty parts included. `tests/clients` runs the real ones.

use super::*;

async fn changed(books: &Books, path: &str, body: Value) -> Value {
    let mut answer = books.create(path, body).await;
    let (_, entity) = answer.as_object_mut().unwrap().iter_mut().find(|(name, _)| *name != "time").unwrap();
    entity.take()
}

#[tokio::test]
async fn parts_that_are_not_simulated_may_come_along_empty() {
    let books = books().await;
    let mut body = invoice();
    for (name, value) in [
        ("Deposit", json!(0)),
        ("TrackingNum", json!("")),
        ("FreeFormAddress", json!(false)),
        ("LinkedTxn", json!([])),
        ("AllowIPNPayment", json!(true)),
    ] {
        body[name] = value;
    }
    body["Line"][0]["SalesItemLineDetail"]["TaxInclusiveAmt"] = json!(0);
    let made = changed(&books, "invoice", body).await;
    assert_eq!((made.get("Deposit"), &made["AllowIPNPayment"]), (None, &json!(false)));
    for (name, value) in
        [("Deposit", json!(5)), ("TrackingNum", json!("1Z")), ("FreeFormAddress", json!(true))]
    {
        let mut body = invoice();
        body[name] = value;
        assert_eq!(books.refused("invoice", body).await, "2010", "{name}");
    }
}

#[tokio::test]
async fn what_was_read_may_come_back_with_empty_parts_added() {
    let books = books().await;
    let made = changed(&books, "invoice", invoice()).await;
    let payment = json!({"TotalAmt": 10, "CustomerRef": {"value": "1"}, "Line": [
        {"Amount": 10, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice", "TxnLineId": 1}]}]});
    books.create("payment", payment).await;
    let mut body = books.read("Invoice", made["Id"].as_str().unwrap()).await;
    body["LinkedTxn"][0]["TxnLineId"] = json!(0);
    body["TxnTaxDetail"]["TaxLine"] = json!([]);
    body["PrivateNote"] = json!("seen");
    let again = changed(&books, "invoice", body.clone()).await;
    assert_eq!((&again["PrivateNote"], &again["Balance"]), (&json!("seen"), &body["Balance"]));
    assert_eq!(again["LinkedTxn"].as_array().unwrap().len(), 1);
    body["SyncToken"] = again["SyncToken"].clone();
    body["LinkedTxn"][0]["TxnId"] = json!("999");
    assert_eq!(books.refused("invoice", body).await, "2010");
}

#[tokio::test]
async fn amounts_written_as_texts_are_refused_unless_the_switch_lets_them_be_read() {
    let books = books().await;
    let mut body = invoice();
    body["Line"][0]["Amount"] = json!(body["Line"][0]["Amount"].to_string());
    assert_eq!(books.refused("invoice", body.clone()).await, "2010");
    books.switch(json!({"quoted_numbers": "read"}));
    let made = changed(&books, "invoice", body.clone()).await;
    assert!(made["TotalAmt"].is_number());
    body["Line"][0]["Amount"] = json!("ten");
    assert_eq!(books.refused("invoice", body).await, "2010");
}

#[tokio::test]
async fn a_voided_payment_stays_empty_and_its_invoice_is_owed_again() {
    let books = books().await;
    let made = changed(&books, "invoice", invoice()).await;
    let payment = json!({"TotalAmt": 10, "CustomerRef": {"value": "1"}, "Line": [
        {"Amount": 10, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice"}]}]});
    let payment = changed(&books, "payment", payment).await;
    let body = json!({"Id": payment["Id"], "SyncToken": payment["SyncToken"], "sparse": true});
    let voided = changed(&books, "payment?operation=update&include=void", body).await;
    assert_eq!((&voided["TotalAmt"], &voided["UnappliedAmt"]), (&json!(0), &json!(0)));
    assert_eq!((&voided["Line"], &voided["PrivateNote"]), (&json!([]), &json!("Voided")));
    assert_eq!(books.read("Payment", payment["Id"].as_str().unwrap()).await, voided);
    let invoice = books.read("Invoice", made["Id"].as_str().unwrap()).await;
    assert_eq!((&invoice["Balance"], &invoice["LinkedTxn"]), (&made["Balance"], &json!([])));
    assert_eq!(books.company()["Customer"][0]["Balance"], made["Balance"]);
}

#[tokio::test]
async fn a_time_without_an_offset_is_the_service_s_own() {
    let books = books().await;
    let at = |since: &str| format!("cdc?entities=Customer&changedSince={since}");
    let now =
        jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::get("America/Los_Angeles").unwrap());
    let local = |minutes: i64| {
        let then = &now + jiff::SignedDuration::from_mins(minutes);
        then.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    let found = async |since: String| json_of(books.get(&at(&since))).await.1["CDCResponse"][0].clone();
    assert!(found(local(-5)).await["QueryResponse"][0]["Customer"].is_array());
    assert!(found(local(5)).await["QueryResponse"][0].get("Customer").is_none());
}
