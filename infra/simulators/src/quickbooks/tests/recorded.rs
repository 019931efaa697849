//! What the recordings of real companies show (quickbooks.md §10), told once more for those who do not have them.

use super::*;

#[tokio::test]
async fn custom_fields_in_use_stand_on_every_document() {
    let books = books().await;
    let setting = |name: &str, kind: &str, value: Value| json!({"Name": format!("SalesFormsPrefs.{name}"), "Type": format!("{kind}Type"), format!("{kind}Value"): value});
    books.seed(json!({"preferences": {"SalesFormsPrefs": {"CustomField": [
        {"CustomField": [setting("UseSalesCustom1", "Boolean", json!(true)), setting("UseSalesCustom2", "Boolean", json!(true)),
            setting("UseSalesCustom3", "Boolean", json!(false))]},
        {"CustomField": [setting("SalesCustomName1", "String", json!("Crew")), setting("SalesCustomName2", "String", json!("PO")),
            setting("SalesCustomName3", "String", json!("Unused"))]}]}}}));
    let sent = invoice_with(|i| {
        i["CustomField"] = json!([{"DefinitionId": "2", "Type": "StringType", "StringValue": "4711"}])
    });
    let made = books.create("invoice", sent).await;
    let expected = json!([{"DefinitionId": "1", "Name": "Crew", "Type": "StringType"},
        {"DefinitionId": "2", "Name": "PO", "Type": "StringType", "StringValue": "4711"}]);
    assert_eq!(made["Invoice"]["CustomField"], expected);
}

#[tokio::test]
async fn a_document_that_waits_to_be_sent_says_how() {
    let books = books().await;
    let waiting = invoice_with(|i| {
        i["EmailStatus"] = json!("NeedToSend");
        i["BillEmail"] = json!({"Address": "ap@northwind.example"});
    });
    let made = books.create("invoice", waiting).await;
    assert_eq!(made["Invoice"]["DeliveryInfo"], json!({"DeliveryType": "Email"}));
}

#[tokio::test]
async fn a_save_that_changes_nothing_of_a_list_is_none() {
    let books = books().await;
    let same = json!({"Id": "6", "SyncToken": "0", "sparse": true, "Name": "Old (deleted)", "Active": false});
    let saved = books.create("item", same).await["Item"].clone();
    assert_eq!((&saved["SyncToken"], &saved["Name"]), (&json!("0"), &json!("Old (deleted)")));
}

#[tokio::test]
async fn a_new_customer_gets_the_company_s_tax_code_and_a_nested_one_a_level() {
    let books = books().await;
    books.seed(
        json!({"preferences": {"TaxPrefs": {"UsingSalesTax": true, "TaxGroupCodeRef": {"value": "2"}}}}),
    );
    let body = json!({"DisplayName": "Site", "ParentRef": {"value": "1"}, "Job": true});
    let made = books.create("customer", body).await["Customer"].clone();
    assert_eq!((&made["DefaultTaxCodeRef"], &made["Level"]), (&json!({"value": "2"}), &json!(1)));
}

#[tokio::test]
async fn a_malformed_id_is_refused_without_a_time_and_a_path_to_nowhere_by_the_service() {
    let books = books().await;
    let (status, malformed) = json_of(books.get("customer/1.5")).await;
    assert_eq!((status, code(&malformed), malformed.get("time")), (400, "2030".into(), None));
    let (status, nowhere) = json_of(books.get("customer/1/5")).await;
    assert_eq!((status, code(&nowhere), nowhere["time"].is_string()), (400, "500".into(), true));
    let calls = books.quickbooks.control().calls();
    assert_eq!((calls[0].unexpected, calls[1].unexpected), (false, true));
}

#[tokio::test]
async fn a_token_that_is_refused_is_repeated() {
    let books = books().await;
    let refused =
        books.client.get(books.url("preferences")).bearer_auth("mine").header("accept", "application/json");
    let (_, body) = json_of(refused).await;
    assert_eq!(body["fault"]["error"][0]["detail"], "Token expired: mine");
}

#[tokio::test]
async fn change_data_capture_tells_the_oldest_change_first() {
    let books = books().await;
    for name in ["First", "Second"] {
        books.create("customer", json!({"DisplayName": name})).await;
    }
    books.later(60).await;
    books.create("customer", json!({"Id": "7", "SyncToken": "0", "sparse": true, "Notes": "again"})).await;
    let now = books.quickbooks.control().now();
    let an_hour_ago = now.checked_sub(jiff::SignedDuration::from_hours(1)).unwrap();
    let (_, answer) = json_of(books.get(&format!("cdc?entities=Customer&changedSince={an_hour_ago}"))).await;
    let rows = answer["CDCResponse"][0]["QueryResponse"][0]["Customer"].as_array().unwrap();
    assert_eq!(rows.last().unwrap()["DisplayName"], "First");
}
