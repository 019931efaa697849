//! Items 10 and 11: payments, and rows made inactive.

use super::super::*;

/// A payment by Northwind of so much, so much of it for an invoice.
fn payment(invoice_id: &str, amount: &str, total: &str) -> Value {
    json!({"TotalAmt": exact(total), "CustomerRef": {"value": "1"}, "TxnDate": "2026-03-02",
        "Line": [{"Amount": exact(amount), "LinkedTxn": [{"TxnId": invoice_id, "TxnType": "Invoice"}]}]})
}

impl Books {
    /// What an invoice still comes to, and how often it was saved.
    async fn open(&self, id: &str) -> (String, String) {
        let invoice = self.read("Invoice", id).await;
        (invoice["Balance"].to_string(), invoice["SyncToken"].as_str().unwrap().to_owned())
    }

    fn owed_by(&self, customer: usize) -> String {
        self.company()["Customer"][customer]["Balance"].to_string()
    }

    async fn changed(&self, path: &str, row: &Value, part: Value) -> Value {
        let mut body = json!({"Id": row["Id"], "SyncToken": row["SyncToken"], "sparse": true});
        body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        self.create(path, body).await["Payment"].clone()
    }
}

#[tokio::test]
async fn item_10_a_payment_lowers_the_balance_is_linked_and_saves_the_invoice() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let made = books.create("payment", payment("7", "100.00", "120.00")).await["Payment"].clone();
    assert_eq!(made["UnappliedAmt"].to_string(), "20.00");
    let invoice = books.read("Invoice", "7").await;
    assert_eq!((invoice["Balance"].to_string(), &invoice["SyncToken"]), ("49.97".into(), &json!("1")));
    assert_eq!(invoice["LinkedTxn"], json!([{"TxnId": made["Id"], "TxnType": "Payment"}]));
    assert_eq!((invoice["TotalAmt"].to_string(), books.owed_by(0)), ("149.97".into(), "29.97".into()));
}

#[tokio::test]
async fn item_10_another_customer_and_more_than_is_owed_are_6000() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    books.create("customer", json!({"DisplayName": "Fabrikam"})).await;
    let mut others = payment("7", "100", "100");
    others["CustomerRef"]["value"] = json!("8");
    assert_eq!(books.refused("payment", others).await, "6000");
    assert_eq!(books.refused("payment", payment("7", "149.98", "200")).await, "6000");
    assert_eq!(books.refused("payment", payment("99", "1", "1")).await, "620");
}

#[tokio::test]
async fn item_10_a_parent_pays_for_a_child_that_is_billed_with_it() {
    let books = books().await;
    books.create("customer", json!({"DisplayName": "Job", "Job": true, "ParentRef": {"value": "1"}})).await;
    books.create("invoice", invoice_with(|i| i["CustomerRef"]["value"] = json!("7"))).await;
    assert_eq!(books.refused("payment", payment("8", "100", "100")).await, "6000");
    books
        .create("customer", json!({"Id": "7", "SyncToken": "0", "sparse": true, "BillWithParent": true}))
        .await;
    books.create("payment", payment("8", "100", "100")).await;
    assert_eq!(books.open("8").await.0, "49.97");
}

#[tokio::test]
async fn item_10_a_payment_that_is_changed_owes_again_what_it_does_not_pay_any_more() {
    let books = books().await;
    for _ in 0..2 {
        books.create("invoice", invoice()).await;
    }
    let made = books.create("payment", payment("7", "100.00", "100.00")).await["Payment"].clone();
    // A note leaves the invoices alone.
    let noted = books.changed("payment", &made, json!({"PrivateNote": "by cheque"})).await;
    assert_eq!((&noted["PrivateNote"], &noted["Line"]), (&json!("by cheque"), &made["Line"]));
    assert_eq!(books.open("7").await, ("49.97".into(), "1".into()));
    // Up to what was owed before this payment.
    let more = books.changed("payment", &noted, payment("7", "149.97", "149.97")).await;
    assert_eq!((books.open("7").await.0, books.owed_by(0)), ("0".into(), "149.97".into()));
    let moved = books.changed("payment", &more, payment("8", "149.97", "149.97")).await;
    assert_eq!((books.open("7").await.0, books.open("8").await.0), ("149.97".into(), "0".into()));
    assert_eq!(books.read("Invoice", "7").await["LinkedTxn"], json!([]));
    assert_eq!(books.read("Payment", id(&moved)).await, moved);
}

#[tokio::test]
async fn item_10_a_full_update_without_lines_unlinks_all() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let made = books.create("payment", payment("7", "100.00", "100.00")).await["Payment"].clone();
    let body = json!({"Id": made["Id"], "SyncToken": "0", "TotalAmt": exact("100.00"), "CustomerRef": {"value": "1"},
        "TxnDate": "2026-03-02"});
    let bare = books.create("payment", body).await["Payment"].clone();
    assert_eq!((&bare["Line"], bare["UnappliedAmt"].to_string()), (&json!([]), "100.00".into()));
    assert_eq!((books.open("7").await.0, books.owed_by(0)), ("149.97".into(), "49.97".into()));
}

#[tokio::test]
async fn item_10_a_refused_change_of_a_payment_changes_nothing() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    let made = books.create("payment", payment("7", "100.00", "100.00")).await["Payment"].clone();
    let with = |part: Value| {
        let mut body = json!({"Id": made["Id"], "SyncToken": "0", "sparse": true});
        body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        body
    };
    for (expected, body) in [
        ("6000", with(payment("7", "149.98", "200.00"))),
        ("6000", with(json!({"TotalAmt": 99}))),
        ("620", with(payment("99", "1.00", "100.00"))),
        ("5010", with(json!({"SyncToken": "1"}))),
        ("6210", with(json!({"TxnDate": "2025-01-01"}))),
        ("2010", with(json!({"Colour": "blue"}))),
    ] {
        assert_eq!(books.refused("payment", body.clone()).await, expected, "{body}");
    }
}

#[tokio::test]
async fn item_10_a_payment_voided_or_deleted_is_owed_again() {
    for path in ["payment?operation=update&include=void", "payment?operation=delete"] {
        let books = books().await;
        books.create("invoice", invoice()).await;
        let made = books.create("payment", payment("7", "100.00", "120.00")).await["Payment"].clone();
        books.create(path, json!({"Id": made["Id"], "SyncToken": "0", "sparse": true})).await;
        assert_eq!((books.open("7").await.0, books.owed_by(0)), ("149.97".into(), "149.97".into()), "{path}");
        assert_eq!(books.read("Invoice", "7").await["LinkedTxn"], json!([]));
    }
}

#[tokio::test]
async fn item_10_what_is_paid_stays_its_customers() {
    let books = books().await;
    books.create("invoice", invoice()).await;
    books.create("customer", json!({"DisplayName": "Fabrikam"})).await;
    books.create("payment", payment("7", "100.00", "100.00")).await;
    let moved = json!({"Id": "7", "SyncToken": "1", "sparse": true, "CustomerRef": {"value": "8"}});
    assert_eq!(books.refused("invoice", moved).await, "6000");
}

#[tokio::test]
async fn item_11_an_inactive_row_is_called_deleted_and_leaves_default_queries() {
    let books = books().await;
    for (path, entity, id, name) in [
        ("customer", "Customer", "1", "DisplayName"),
        ("vendor", "Vendor", "3", "DisplayName"),
        ("employee", "Employee", "4", "DisplayName"),
        ("item", "Item", "5", "Name"),
        ("paymentmethod", "PaymentMethod", "9101", "Name"),
    ] {
        let before = books.read(entity, id).await;
        let body = json!({"Id": id, "SyncToken": "0", "sparse": true, "Active": false});
        let row = books.create(path, body).await[entity].clone();
        assert_eq!(row[name].as_str().unwrap(), format!("{} (deleted)", before[name].as_str().unwrap()));
        let found = async |clause: &str| {
            let answer = books.query(&format!("select * from {entity} {clause}")).await;
            answer["QueryResponse"][entity]
                .as_array()
                .is_some_and(|rows| rows.iter().any(|row| row["Id"] == id))
        };
        assert!(!found("").await && found("where Active in (true, false)").await, "{entity}");
    }
}

#[tokio::test]
async fn item_11_a_name_given_up_can_be_used_again_and_given_up_again() {
    let books = books().await;
    let off = |id: &str| json!({"Id": id, "SyncToken": "0", "sparse": true, "Active": false});
    books.create("customer", off("1")).await;
    let next =
        books.create("customer", json!({"DisplayName": "Northwind Traders"})).await["Customer"].clone();
    books.create("customer", off(id(&next))).await;
    books.create("vendor", json!({"DisplayName": "Northwind Traders"})).await;
}
