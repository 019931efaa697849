//! The query language point by point (quickbooks.md §3); `tests/queries.rs` of the crate tries it on random statements.

use super::*;

impl Books {
    /// The code a statement is refused with, `"200"` when it is answered.
    async fn verdict(&self, statement: &str) -> String {
        let (status, answer) = json_of(self.get("query").query(&[("query", statement)])).await;
        if status == 200 { "200".to_owned() } else { code(&answer) }
    }

    async fn ids(&self, entity: &str, clauses: &str) -> Vec<String> {
        let answer = self.query(&format!("select * from {entity} {clauses}")).await;
        let Some(rows) = answer["QueryResponse"][entity].as_array() else { return Vec::new() };
        rows.iter().map(|row| id(row).to_owned()).collect()
    }
}

#[tokio::test]
async fn ids_are_ordered_as_numbers() {
    let books = books().await;
    for name in ["a", "b", "c", "d", "e"] {
        books.create("customer", json!({"DisplayName": name})).await;
    }
    let newest = books.ids("Customer", "orderby Id desc maxresults 3").await;
    assert_eq!(newest, ["11", "10", "9"]);
}

#[tokio::test]
async fn documents_come_by_id_and_lists_by_name_unless_asked_otherwise() {
    let books = books().await;
    for day in ["2026-03-05", "2026-03-03", "2026-03-04"] {
        books.create("invoice", invoice_with(|i| i["TxnDate"] = json!(day))).await;
    }
    assert_eq!(books.ids("Invoice", "").await, ["7", "8", "9"]);
    assert_eq!(books.ids("Invoice", "orderby TxnDate").await, ["8", "9", "7"]);
    assert_eq!(books.ids("Invoice", "where TxnDate > '2026-03-03' orderby TxnDate desc").await, ["7", "9"]);
    assert_eq!(books.ids("Account", "maxresults 2").await, ["9001", "9005"]);
    assert_eq!(books.ids("Term", "orderby Name desc").await, ["9202", "9201"]);
}

#[tokio::test]
async fn every_entity_of_the_language_can_be_asked_for_and_counted() {
    let books = books().await;
    let named = [
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
    ];
    let others = ["Invoice", "Estimate", "SalesReceipt", "Payment", "Preferences", "CompanyInfo"];
    for entity in named.iter().chain(&others) {
        let counted = books.query(&format!("select count(*) from {entity}")).await;
        assert!(counted["QueryResponse"]["totalCount"].is_u64(), "{entity}: {counted}");
        assert_eq!(books.verdict(&format!("select * from {entity} where Id = '1'")).await, "200", "{entity}");
    }
    for entity in named {
        assert_eq!(
            books.verdict(&format!("select * from {entity} where Active = true")).await,
            "200",
            "{entity}"
        );
    }
    for entity in others {
        let statement = format!("select * from {entity} where Active = true");
        assert_eq!(books.verdict(&statement).await, "4001", "{entity}");
    }
}

#[tokio::test]
async fn pages_have_one_to_a_thousand_rows() {
    let books = books().await;
    for (count, expected) in [("0", "4001"), ("1", "200"), ("1000", "200"), ("1001", "4001"), ("-1", "4000")]
    {
        assert_eq!(
            books.verdict(&format!("select * from Item maxresults {count}")).await,
            expected,
            "{count}"
        );
    }
    for (start, expected) in [("0", "4001"), ("1", "200"), ("18446744073709551615", "200"), ("1.5", "4000")] {
        assert_eq!(
            books.verdict(&format!("select * from Item startposition {start}")).await,
            expected,
            "{start}"
        );
    }
    books.switch(json!({"query": {"clips_max_results": true}}));
    assert_eq!(books.verdict("select * from Item maxresults 1001").await, "200");
}

#[tokio::test]
async fn what_is_doubtful_in_the_language_is_refused_until_it_is_switched_on() {
    let books = books().await;
    let cases = [
        ("4001", "any_entity_case", "select * from customer"),
        ("4000", "order_by_in_two_words", "select * from Customer order by DisplayName"),
        ("4001", "email_like", "select * from Customer where PrimaryEmailAddr like '%@northwind.example'"),
        (
            "4001",
            "doubtful_attributes",
            "select * from Customer where PrimaryEmailAddr.Address = 'a@b.example'",
        ),
        ("4001", "doubtful_attributes", "select * from Customer where Job = false"),
        (
            "4001",
            "doubtful_attributes",
            "select * from Item where FullyQualifiedName = 'Widget' orderby UnitPrice",
        ),
        ("4001", "doubtful_attributes", "select * from Payment where PaymentRefNum = '1'"),
    ];
    for (expected, switch, statement) in cases {
        books.switch(json!({}));
        assert_eq!(books.verdict(statement).await, expected, "{statement}");
        books.switch(json!({"query": {switch: true}}));
        assert_eq!(books.verdict(statement).await, "200", "{statement}");
    }
    let long = "select * from Item where Sku in ('1','2','3')";
    for limit in ["most_values", "longest_statement"] {
        books.switch(json!({"query": {limit: 2}}));
        assert_eq!(books.verdict(long).await, "4001", "{limit}");
    }
}

#[tokio::test]
async fn case_counts_in_values_only_where_switched_on() {
    let books = books().await;
    let shouted = "where DisplayName = 'NORTHWIND TRADERS'";
    assert_eq!(books.ids("Customer", shouted).await, ["1"]);
    books.switch(json!({"query": {"exact_case": true}}));
    assert_eq!(books.ids("Customer", shouted).await, [""; 0]);
    assert_eq!(books.ids("Customer", "where displayname = 'Northwind Traders'").await, ["1"]);
}

#[tokio::test]
async fn what_was_changed_is_found_as_it_is_now() {
    let books = books().await;
    let made = books.create("invoice", invoice_with(|i| i["DocNumber"] = json!("HS-1"))).await;
    let row = &made["Invoice"];
    let body = json!({"Id": row["Id"], "SyncToken": row["SyncToken"], "sparse": true, "DocNumber": "HS-2"});
    let changed = books.create("invoice", body).await;
    assert_eq!(books.ids("Invoice", "where DocNumber = 'HS-1'").await, [""; 0]);
    assert_eq!(books.ids("Invoice", "where DocNumber = 'HS-2' and CustomerRef = '1'").await, ["7"]);
    let gone = json!({"Id": "7", "SyncToken": changed["Invoice"]["SyncToken"]});
    books.create("invoice?operation=delete", gone).await;
    assert_eq!(books.ids("Invoice", "where DocNumber = 'HS-2'").await, [""; 0]);
    let retired = json!({"Id": "1", "SyncToken": "0", "sparse": true, "Active": false});
    books.create("customer", retired).await;
    assert_eq!(books.ids("Customer", "where DisplayName = 'Northwind Traders'").await, [""; 0]);
    let name = "where Active = false and DisplayName = 'northwind traders (deleted)'";
    assert_eq!(books.ids("Customer", name).await, ["1"]);
}

#[tokio::test]
async fn a_time_without_an_offset_is_the_service_s_own() {
    let books = books().await;
    books.seed(json!({"customers": [{"DisplayName": "Timed", "MetaData":
        {"CreateTime": "2026-03-02T09:00:00-08:00", "LastUpdatedTime": "2026-03-02T09:00:00-08:00"}}]}));
    let timed = async |condition: &str| {
        books
            .ids("Customer", &format!("where DisplayName = 'Timed' and MetaData.CreateTime {condition}"))
            .await
            .len()
    };
    let cases = [
        ("= '2026-03-02T17:00:00Z'", 1),
        ("= '2026-03-02T09:00:00'", 1),
        ("< '2026-03-03'", 1),
        ("< '2026-03-02'", 0),
        (">= '2026-03-02T18:00:00+01:00'", 1),
    ];
    for (condition, expected) in cases {
        assert_eq!(timed(condition).await, expected, "{condition}");
    }
}
