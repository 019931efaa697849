//! Everything the stand-in makes, against Intuit's XSDs: `Books` looks at every other test's answers in passing.

use super::*;

/// The books, or a visible word that there are no XSDs to hold them against.
async fn checkable(test: &str) -> Option<Books> {
    if conformance::beside_the_checkout().unwrap().is_none() {
        conformance::say(&format!("skipped: {test}: Intuit's XSDs are not beside the checkout"));
        return None;
    }
    Some(books().await)
}

impl Books {
    /// Neither what was accepted nor what was answered may be other than the XSDs have it.
    fn conform(&self) {
        let found: Vec<_> = self.quickbooks.nonconforming().iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[tokio::test]
async fn each_kind_of_document_conforms_created_read_changed_sent_and_undone() {
    let Some(books) = checkable("each_kind_of_document").await else { return };
    for kind in ["Invoice", "Estimate", "SalesReceipt"] {
        let path = kind.to_lowercase();
        let mut body = invoice();
        body["CustomerMemo"] = json!({"value": "Thank you."});
        body["BillEmail"] = json!({"Address": "ap@northwind.example"});
        let made = books.create(&path, body).await[kind].take();
        books.read(kind, id(&made)).await;
        let sparse =
            json!({"Id": made["Id"], "SyncToken": made["SyncToken"], "sparse": true, "PrivateNote": "b"});
        let changed = books.create(&path, sparse).await[kind].take();
        let send = books.client.post(books.url(&format!("{path}/{}/send", id(&made)))).bearer_auth("good");
        let send =
            send.header("accept", "application/json").header("content-type", "application/octet-stream");
        let sent = json_of(send).await.1[kind].take();
        assert_ne!(changed["SyncToken"], sent["SyncToken"]);
        let gone = json!({"Id": made["Id"], "SyncToken": sent["SyncToken"]});
        books.create(&format!("{path}?operation=delete"), gone).await;
    }
    books.conform();
}

#[tokio::test]
async fn payments_customers_and_all_that_is_seeded_conform() {
    let Some(books) = checkable("payments_customers").await else { return };
    let made = books.create("invoice", invoice()).await["Invoice"].take();
    let payment = json!({"TotalAmt": 10, "CustomerRef": {"value": "1"}, "PaymentRefNum": "ch_1", "Line": [
        {"Amount": 10, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice"}]}]});
    books.create("payment", payment).await;
    let customer = json!({"DisplayName": "Ana Trujillo (HS 1)", "GivenName": "Ana", "FamilyName": "Trujillo",
        "PrimaryPhone": {"FreeFormNumber": "(510) 555-0142"}, "PrimaryEmailAddr": {"Address": "ana@northwind.example"}});
    books.create("customer", customer).await;
    for entity in [
        "Customer",
        "Vendor",
        "Employee",
        "Item",
        "Account",
        "Term",
        "TaxCode",
        "TaxRate",
        "PaymentMethod",
        "Class",
        "Department",
        "CompanyCurrency",
        "Invoice",
        "Payment",
        "Preferences",
        "CompanyInfo",
    ] {
        let answer = books.query(&format!("select * from {entity}")).await;
        assert!(answer.get("QueryResponse").is_some(), "{entity}: {answer}");
    }
    json_of(books.get("cdc?entities=Customer,Invoice,Payment&changedSince=2020-01-01T00:00:00Z")).await;
    books.query("select nothing").await;
    let batch = json!({"BatchItemRequest": [{"bId": "1", "Query": "select count(*) from Customer"},
        {"bId": "2", "operation": "create", "Customer": {"DisplayName": "Northwind Traders"}}]});
    books.create("batch", batch).await;
    books.conform();
}

#[tokio::test]
async fn what_does_not_conform_is_listed_by_a_route() {
    let Some(books) = checkable("what_does_not_conform").await else { return };
    let listed = json_of(books.client.get(format!("{}/_sim/nonconforming", books.serving.url))).await.1;
    assert_eq!(listed, json!({"checked": true, "nonconforming": []}));
    // The books do not look at it, and for the schema a domain is a text.
    let mut body = invoice();
    body["domain"] = json!(1);
    let made = json_of(books.post("invoice", &body)).await;
    let listed = json_of(books.client.get(format!("{}/_sim/nonconforming", books.serving.url))).await.1;
    assert_eq!((made.0, &listed["nonconforming"][0]["at"]), (200, &json!("domain")), "{listed}");
}
