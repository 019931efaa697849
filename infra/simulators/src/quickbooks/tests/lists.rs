//! The other entities in the query language, and change data capture.

use super::*;

#[tokio::test]
async fn classes_locations_currencies_and_tax_can_be_queried() {
    let books = books().await;
    books.seed(json!({
        "classes": [{"Id": "50", "Name": "Retail"}, {"Id": "51", "Name": "Old", "Active": false}],
        "departments": [{"Id": "52", "Name": "Oakland"}],
        "currencies": [{"Id": "53", "Code": "EUR"}],
        "tax_rates": [{"Id": "54", "Name": "State", "RateValue": 8}],
        "tax_codes": [{"Id": "55", "Name": "California"}]}));
    for (statement, entity, expected) in [
        ("select * from Class", "Class", vec!["50"]),
        ("select * from Class where Active = false and Name = 'old (deleted)'", "Class", vec!["51"]),
        ("select * from Department where FullyQualifiedName like 'Oak%'", "Department", vec!["52"]),
        ("select * from CompanyCurrency where Code = 'EUR'", "CompanyCurrency", vec!["53"]),
        ("select * from TaxRate where Name in ('State', 'City')", "TaxRate", vec!["54"]),
        ("select * from TaxCode", "TaxCode", vec!["55", "NON", "TAX"]),
        ("select * from Vendor where DisplayName = 'Paper Mill'", "Vendor", vec!["3"]),
        ("select * from Employee orderby FamilyName", "Employee", vec!["4"]),
    ] {
        let answer = books.query(statement).await;
        let rows = answer["QueryResponse"][entity].as_array().cloned().unwrap_or_default();
        assert_eq!(rows.iter().map(id).collect::<Vec<_>>(), expected, "{answer}");
    }
    assert_eq!(books.read("TaxCode", "TAX").await["Name"], "TAX");
    assert_eq!(books.read("Class", "50").await["FullyQualifiedName"], "Retail");
    for statement in
        ["select * from Vendor where PrimaryEmailAddr = 'a@b.example'", "select * from TaxAgency"]
    {
        assert_eq!(code(&books.query(statement).await), "4001");
    }
}

#[tokio::test]
async fn a_document_names_its_class_and_location() {
    let books = books().await;
    books.seed(json!({"preferences": {"AccountingInfoPrefs": {"ClassTrackingPerTxn": true, "TrackDepartments": true}}}));
    books.seed(json!({"classes": [{"Id": "50", "Name": "Retail"}], "departments": [{"Id": "52", "Name": "Oakland"}]}));
    let body = invoice_with(|i| {
        i["ClassRef"] = json!({"value": "50"});
        i["DepartmentRef"] = json!({"value": "52"});
    });
    let made = books.create("invoice", body).await["Invoice"].clone();
    assert_eq!(made["ClassRef"], json!({"value": "50", "name": "Retail"}));
    assert_eq!(made["DepartmentRef"], json!({"value": "52", "name": "Oakland"}));
    assert_eq!(
        books.refused("invoice", invoice_with(|i| i["ClassRef"] = json!({"value": "9"}))).await,
        "2500"
    );
}

#[tokio::test]
async fn changes_are_captured_whole_and_deletions_as_traces() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    books.later(3600).await;
    let since = books.quickbooks.control().now().to_string();
    let asked = async |entities: &str| {
        let request = books.get("cdc").query(&[("entities", entities), ("changedSince", since.as_str())]);
        json_of(request).await.1["CDCResponse"][0]["QueryResponse"].clone()
    };
    assert_eq!(asked("Customer,Invoice").await, json!([{}, {}]));
    books.later(60).await;
    books.create("customer", json!({"Id": "1", "SyncToken": "0", "sparse": true, "Active": false})).await;
    books.create("invoice?operation=delete", json!({"Id": "7", "SyncToken": "0"})).await;
    let parts = asked("Customer,invoice").await;
    assert_eq!(parts[0]["Customer"][0], books.read("Customer", "1").await);
    assert_eq!((&parts[0]["startPosition"], &parts[0]["maxResults"]), (&json!(1), &json!(1)));
    let gone = &parts[1]["Invoice"][0];
    assert_eq!(
        (&gone["Id"], &gone["status"], &gone["domain"]),
        (&json!("7"), &json!("Deleted"), &json!("QBO"))
    );
    assert!(gone["MetaData"]["LastUpdatedTime"].is_string());
}

#[tokio::test]
async fn each_broken_rule_of_change_data_capture_has_its_code() {
    let books = books().await;
    let long_ago = "2020-01-01T00:00:00-08:00";
    for (entities, since, expected) in [
        ("", long_ago, "2020"),
        ("Customer", "", "2020"),
        ("Customer", "yesterday", "2060"),
        ("Customer", long_ago, "2190"),
        ("Customer,TaxCode", &books.quickbooks.control().now().to_string(), "2000"),
        ("Custmoer", &books.quickbooks.control().now().to_string(), "2000"),
    ] {
        let request = books.get("cdc").query(&[("entities", entities), ("changedSince", since)]);
        let (status, answer) = json_of(request).await;
        assert_eq!((status, code(&answer).as_str()), (400, expected), "{entities} {since}");
    }
}
