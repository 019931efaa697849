//! What goes wrong inside the stand-in itself.

use super::*;

#[tokio::test]
async fn a_panic_is_logged_as_unexpected_and_is_no_outage_of_intuits() {
    let books = books().await;
    // No company has so many rows: the counter of ids overflows.
    books.seed(json!({"vendors": [{"Id": u64::MAX.to_string(), "DisplayName": "The last"}]}));
    let answer = books.post("customer", &json!({"DisplayName": "One more"})).send().await.unwrap();
    let call = books.quickbooks.control().calls().last().unwrap().clone();
    assert_eq!((answer.status().as_u16(), call.status, call.unexpected), (500, Some(500), true));
    assert!(answer.text().await.unwrap().contains("the simulator failed"));
    assert_eq!(books.names("select * from Customer").await, ["Northwind Traders"], "it goes on");
}

#[tokio::test]
async fn after_the_last_document_number_there_is_a_fault() {
    let books = books().await;
    books.seed(json!({"numbers": {"Invoice": u64::MAX}}));
    assert_eq!(books.refused("invoice", invoice()).await, "6000");
}

#[tokio::test]
async fn a_url_of_more_than_8192_bytes_is_a_414() {
    let books = books().await;
    let padded = |bytes: usize| format!("preferences?padding={}", "x".repeat(bytes));
    let status = async |path: String| books.get(&path).send().await.unwrap().status().as_u16();
    assert_eq!((status(padded(8000)).await, status(padded(8192)).await), (200, 414));
}

#[tokio::test]
async fn a_seed_whose_effect_is_not_simulated_is_refused() {
    let books = books().await;
    for name in ["AutoApplyCredit", "AutoApplyPayments"] {
        let seed = |on: bool| json!({"companies": [{"realm_id": REALM, "preferences": {"SalesFormsPrefs": {name: on}}}]});
        assert!(books.quickbooks.seed(seed(true)).unwrap_err().contains(name));
        books.quickbooks.seed(seed(false)).unwrap();
    }
}
