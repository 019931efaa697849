//! Item 7: the query language. The whole grammar is proved beside this list.

use super::super::*;

async fn names(books: &Books, clauses: &str) -> Vec<String> {
    books.names(&format!("select * from Customer {clauses}")).await
}

#[tokio::test]
async fn item_7_only_active_rows_are_answered_by_default() {
    let books = books().await;
    assert_eq!(names(&books, "").await, ["Northwind Traders"]);
    assert_eq!(names(&books, "where Active = false").await, ["Gone Ltd (deleted)"]);
    assert_eq!(names(&books, "where Active in (true, false)").await.len(), 2);
}

#[tokio::test]
async fn item_7_a_hundred_rows_are_answered_by_default_and_a_thousand_at_most() {
    let books = books().await;
    let many: Vec<_> = (0..1100).map(|n| json!({"DisplayName": format!("C{n:04}")})).collect();
    books.seed(json!({"customers": many}));
    assert_eq!(names(&books, "").await.len(), 100);
    assert_eq!(names(&books, "maxresults 1000").await.len(), 1000);
    assert_eq!(names(&books, "startposition 1101").await, ["Northwind Traders"]);
}

#[tokio::test]
async fn item_7_start_position_0_and_unknown_properties_are_4001_and_syntax_is_4000() {
    let books = books().await;
    let refused = async |statement: &str| {
        let answer = books.query(statement).await;
        (code(&answer), answer["Fault"]["Error"][0]["Detail"].as_str().unwrap().to_owned())
    };
    let (zero, detail) = refused("select * from Customer startposition 0").await;
    assert_eq!(zero, "4001");
    assert!(detail.contains("value 0 is too small. Min allowed value is 1"), "{detail}");
    assert_eq!(refused("select * from Customer where Colour = 'blue'").await.0, "4001");
    assert_eq!(refused("select * from Custmoer").await.0, "4001");
    assert_eq!(refused("select * from Customer where").await.0, "4000");
    let bare = books.query("selekt").await;
    assert_eq!(bare["Fault"]["Error"][0].get("element"), None);
}

#[tokio::test]
async fn item_7_quotes_are_escaped_by_a_backslash_and_never_doubled() {
    let books = books().await;
    books.create("customer", json!({"DisplayName": "O'Brien and Sons"})).await;
    assert_eq!(names(&books, r"where DisplayName = 'O\'Brien and Sons'").await, ["O'Brien and Sons"]);
    assert_eq!(
        code(&books.query("select * from Customer where DisplayName = 'O''Brien and Sons'").await),
        "4000"
    );
}

#[tokio::test]
async fn item_7_rows_come_by_name_unless_ordered() {
    let books = books().await;
    for name in ["Zeta", "alpha", "Beta"] {
        books.create("customer", json!({"DisplayName": name})).await;
    }
    // Capitals come first (recorded).
    assert_eq!(names(&books, "").await, ["Beta", "Northwind Traders", "Zeta", "alpha"]);
    assert_eq!(names(&books, "orderby DisplayName desc maxresults 2").await, ["Zeta", "Northwind Traders"]);
}

#[tokio::test]
async fn queries_lag_behind_what_is_read_by_id_as_the_switch_says() {
    let books = books().await;
    let made = books.create("customer", json!({"DisplayName": "Fabrikam"})).await["Customer"].clone();
    books.later(60).await;
    assert_eq!(names(&books, "").await, ["Fabrikam", "Northwind Traders"], "by default at once");
    books.switch(json!({"query_lag_seconds": 30}));
    let renamed = json!({"Id": id(&made), "SyncToken": "0", "sparse": true, "DisplayName": "Tailspin"});
    books.create("customer", renamed).await;
    let new = books.create("customer", json!({"DisplayName": "Contoso"})).await["Customer"].clone();
    let batch = json!({"BatchItemRequest": [{"bId": "q", "Query": "select * from Customer"}]});
    let yesterday = books.quickbooks.control().now() - jiff::SignedDuration::from_hours(24);
    let since = format!("cdc?entities=Customer&changedSince={yesterday}");
    let seen = async || {
        let batched = books.create("batch", batch.clone()).await["BatchItemResponse"][0].take();
        let batched = batched["QueryResponse"]["Customer"].as_array().unwrap().len();
        let changed = json_of(books.get(&since)).await.1["CDCResponse"][0]["QueryResponse"][0].take();
        (names(&books, "").await.join(", "), batched, changed["Customer"].as_array().unwrap().len())
    };
    assert_eq!(books.read("Customer", id(&new)).await, new);
    assert_eq!(books.read("Customer", id(&made)).await["DisplayName"], "Tailspin");
    assert_eq!(seen().await, ("Fabrikam, Northwind Traders".into(), 2, 3));
    books.later(29).await;
    assert_eq!(seen().await, ("Fabrikam, Northwind Traders".into(), 2, 3));
    books.later(2).await;
    assert_eq!(seen().await, ("Contoso, Northwind Traders, Tailspin".into(), 3, 4));
}
