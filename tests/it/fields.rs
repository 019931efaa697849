//! What a document says besides its lines: number, memo, terms, class and location.

use jiff::ToSpan;
use local::stack::{Stack, Vendor};
use local::world::HARBOR;
use serde_json::{Value, json};

use crate::support::{
    but, company, created, invoice, portal, refused, rows, settings, stack, the_invoice, today,
};

fn numbers(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["DocNumber"].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn where_people_number_documents_each_gets_a_number_of_its_record() {
    let stack = stack().await;
    let custom = json!({"SalesFormsPrefs": {"CustomTxnNumbers": true}});
    company(&stack, json!({"preferences": custom, "switches": {"warn_duplicate_number": true}})).await;
    let shown = created(&stack, invoice(HARBOR)).await;
    assert_eq!(shown.output("document_number"), format!("HS-{HARBOR}"));
    // The same deal once more: its number is taken.
    let shown = created(&stack, invoice(HARBOR)).await;
    assert_eq!(shown.output("document_number"), format!("HS-{HARBOR}-2"));
    let invoices = rows(&stack, "Invoice");
    assert_eq!(numbers(&invoices), [format!("HS-{HARBOR}"), format!("HS-{HARBOR}-2")]);
    // And again and again, each planned anew once.
    for number in 3..=6 {
        let before = sends(&stack);
        let shown = created(&stack, invoice(HARBOR)).await;
        assert_eq!(shown.output("document_number"), format!("HS-{HARBOR}-{number}"));
        assert_eq!(sends(&stack) - before, 2);
    }
    // An estimate may not have an invoice's number either.
    let shown = created(&stack, but(invoice(HARBOR), json!({"action": "estimate"}))).await;
    assert_eq!(shown.output("document_number"), format!("HS-{HARBOR}-7"));
}

/// How often an invoice was sent.
fn sends(stack: &Stack) -> usize {
    stack.calls(Vendor::QuickBooks).iter().filter(|call| call.path.ends_with("/invoice")).count()
}

#[tokio::test]
async fn a_number_of_the_record_is_used_as_it_stands_or_not_at_all() {
    let stack = stack().await;
    let custom = json!({"SalesFormsPrefs": {"CustomTxnNumbers": true}});
    company(&stack, json!({"preferences": custom, "switches": {"warn_duplicate_number": true}})).await;
    settings(&stack, json!({"document_number": "property po_number"})).await;
    let grinder = |id: &str, number: Value| {
        let deal = json!({
            "id": id, "properties": {"dealname": "Grinder", "po_number": number},
            "associations": {"contacts": ["503"], "line_items": [format!("{id}1")]},
        });
        let line = json!({"id": format!("{id}1"), "properties": {
            "name": "Burr grinder", "hs_sku": "EQ-GR01", "quantity": "1", "price": "249.99", "amount": "249.99",
        }});
        json!({"deals": [deal], "line_items": [line]})
    };
    portal(&stack, grinder("900", json!("PO 7"))).await;
    let shown = created(&stack, invoice(900)).await;
    assert_eq!((shown.output("document_number"), shown.output("warnings")), ("PO 7", ""));
    portal(&stack, grinder("901", json!(null))).await;
    let shown = created(&stack, invoice(901)).await;
    assert_eq!(shown.output("document_number"), "HS-901");
    assert!(shown.output("warnings").contains("“po_number” is blank"), "{}", shown.0);
    portal(&stack, grinder("902", json!("PO 7"))).await;
    let shown = refused(&stack, invoice(902), "DUPLICATE_NUMBER").await;
    assert!(shown.output("errorMessage").contains("the number PO 7"), "{}", shown.0);
}

#[tokio::test]
async fn memo_terms_class_and_location_are_the_settings() {
    let stack = stack().await;
    let tracking =
        json!({"AccountingInfoPrefs": {"ClassTrackingPerTxnLine": true, "TrackDepartments": true}});
    let (class, location) =
        (json!({"Id": "7001", "Name": "Wholesale"}), json!({"Id": "7002", "Name": "Harbor"}));
    company(&stack, json!({"preferences": tracking, "classes": [class], "departments": [location]})).await;
    let chosen = json!({
        "memo": "Thank you for {dealname}", "terms": "9201", "class": "7001", "location": "7002",
        "document_number": "prefix R-",
    });
    settings(&stack, chosen).await;
    let blank = json!({"inputs": {"quickbooks_account": "default"}});
    let shown = created(&stack, but(invoice(HARBOR), blank)).await;
    assert_eq!(shown.output("document_number"), format!("R-{HARBOR}"));
    assert_eq!(shown.output("due_date"), (today() + 15.days()).to_string());
    let made = the_invoice(&stack);
    assert_eq!(made["CustomerMemo"]["value"], "Thank you for Harbor Kitchen – opening order");
    assert_eq!(made["DepartmentRef"]["value"], "7002");
    assert_eq!(made["Line"][0]["SalesItemLineDetail"]["ClassRef"]["value"], "7001");
}

#[tokio::test]
async fn a_document_can_wait_to_be_sent_by_a_person() {
    let stack = stack().await;
    for (action, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        let queue = json!({"quickbooks_account": "default", "email_document": "queue"});
        created(&stack, but(invoice(HARBOR), json!({"action": action, "inputs": queue}))).await;
        let made = rows(&stack, entity).pop().unwrap();
        assert_eq!(
            (&made["EmailStatus"], &made["BillEmail"]["Address"]),
            (&json!("NeedToSend"), &json!("ana@harborkitchen.example"))
        );
    }
}
