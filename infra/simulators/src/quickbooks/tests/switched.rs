//! Points the notes leave open about documents and payments: the default and the other values of their switches.

use super::*;

/// The books without a look at Intuit's XSDs, which do not have what is tried.
async fn unchecked() -> Books {
    let books = books().await;
    let quickbooks = QuickBooks::new();
    let company = json!({"realm_id": REALM, "access_tokens": ["good"],
        "customers": [{"Id": "1", "DisplayName": "Northwind Traders"}], "items": [{"Id": "5", "Name": "Widget"}]});
    quickbooks.seed(json!({"companies": [company]})).unwrap();
    let serving = serve(quickbooks.router(), 0).await.unwrap();
    Books { quickbooks, serving, client: books.client.clone() }
}

#[tokio::test]
async fn a_converted_estimate_is_refused_or_kept_as_the_switch_says() {
    let books = unchecked().await;
    let converted = invoice_with(|i| i["TxnStatus"] = json!("Converted"));
    assert_eq!(books.refused("estimate", converted.clone()).await, "2170");
    books.switch(json!({"converted_status": "accepted"}));
    let made = books.create("estimate", converted).await["Estimate"].clone();
    assert_eq!(made["TxnStatus"], "Converted");
    let from = invoice_with(|i| i["LinkedTxn"] = json!([{"TxnId": made["Id"], "TxnType": "Estimate"}]));
    assert_eq!(books.refused("invoice", from).await, "620");
}

#[tokio::test]
async fn an_invoice_of_nothing_is_allowed_or_refused_as_the_switch_says() {
    let books = books().await;
    let free = invoice_with(|i| {
        i["Line"][0]["Amount"] = json!(0);
        i["Line"][0]["SalesItemLineDetail"]["Qty"] = json!(0);
    });
    let made = books.create("invoice", free.clone()).await["Invoice"].clone();
    assert_eq!(made["TotalAmt"], 0);
    books.switch(json!({"zero_invoices": "refused"}));
    assert_eq!(books.refused("invoice", free.clone()).await, "6000");
    books.create("salesreceipt", free).await;
}

#[tokio::test]
async fn a_payment_is_voided_by_the_url_of_the_switch() {
    let (included, operation) = ("payment?operation=update&include=void", "payment?operation=void");
    for (switch, good, bad) in
        [("update_include_void", included, operation), ("operation_void", operation, included)]
    {
        let books = books().await;
        books.switch(json!({"payment_void": switch}));
        let paid = json!({"TotalAmt": 5, "CustomerRef": {"value": "1"}});
        let made = books.create("payment", paid).await["Payment"].clone();
        let row = json!({"Id": made["Id"], "SyncToken": "0", "sparse": true});
        assert_eq!(books.refused(bad, row.clone()).await, "500");
        assert_eq!(books.create(good, row).await["Payment"]["TotalAmt"], 0);
    }
}
