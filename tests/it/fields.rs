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
    let shown = created(&stack, but(invoice(HARBOR), json!({"action": "estimate", "inputs": plain()}))).await;
    assert_eq!(shown.output("document_number"), format!("HS-{HARBOR}-7"));
}

/// What every action takes.
fn plain() -> Value {
    json!({"quickbooks_account": "default"})
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

/// Own fields of the company's documents: two in use, and one that is not any more.
fn own_fields() -> Value {
    let of = |name: &str, value: Value| {
        let mut pref = value;
        pref["Name"] = json!(format!("SalesFormsPrefs.{name}"));
        json!({"CustomField": [pref]})
    };
    json!({"SalesFormsPrefs": {"CustomField": [
        of("UseSalesCustom1", json!({"Type": "BooleanType", "BooleanValue": true})),
        of("SalesCustomName1", json!({"Type": "StringType", "StringValue": "PO #"})),
        of("UseSalesCustom2", json!({"Type": "BooleanType", "BooleanValue": true})),
        of("SalesCustomName2", json!({"Type": "StringType", "StringValue": "Crew"})),
        of("UseSalesCustom3", json!({"Type": "BooleanType", "BooleanValue": false})),
        of("SalesCustomName3", json!({"Type": "StringType", "StringValue": "Region"})),
    ]}})
}

/// A deal over a subscription that begins in May, with an order number.
fn subscription(number: &str) -> Value {
    let properties =
        json!({"dealname": "Beans by the month", "po_number": number, "closedate": "2026-05-04T12:00:00Z"});
    let line = json!({
        "name": "Burr grinder", "hs_sku": "EQ-GR01", "quantity": "1", "price": "249.99", "amount": "249.99",
        "hs_recurring_billing_start_date": "2026-05-01",
    });
    json!({
        "deals": [{"id": "900", "properties": properties, "associations": {"contacts": ["503"], "line_items": ["9001"]}}],
        "line_items": [{"id": "9001", "properties": line}],
    })
}

#[tokio::test]
async fn own_fields_copies_online_payment_and_dates_are_the_settings() {
    let stack = stack().await;
    let mut preferences = own_fields();
    for shown in ["AllowServiceDate", "AllowShipping", "ETransactionPaymentEnabled"] {
        preferences["SalesFormsPrefs"][shown] = json!(true);
    }
    company(&stack, json!({"preferences": preferences})).await;
    let chosen = json!({
        "custom_fields": {"po #": "{po_number}", "Crew": "{nobody}"}, "cc": "books@alder.example", "bcc": "archive@alder.example",
        "card_payment": "yes", "bank_payment": "no", "service_dates": "billing_start", "ship_date": "closedate",
    });
    settings(&stack, chosen).await;
    portal(&stack, subscription("PO 4711")).await;
    let shown = created(&stack, invoice(900)).await;
    assert_eq!(shown.output("warnings"), "");
    let made = the_invoice(&stack);
    let fields = made["CustomField"].as_array().unwrap();
    let texts: Vec<_> = fields.iter().map(|field| (&field["Name"], &field["StringValue"])).collect();
    assert_eq!(texts, [(&json!("PO #"), &json!("PO 4711")), (&json!("Crew"), &json!(null))]);
    assert_eq!(made["BillEmailCc"]["Address"], "books@alder.example");
    assert_eq!(made["BillEmailBcc"]["Address"], "archive@alder.example");
    assert_eq!(
        (&made["AllowOnlineCreditCardPayment"], &made["AllowOnlineACHPayment"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(made["ShipDate"], "2026-05-04");
    assert_eq!(made["Line"][0]["SalesItemLineDetail"]["ServiceDate"], "2026-05-01");
    for (action, entity) in [("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        created(&stack, but(invoice(900), json!({"action": action, "inputs": plain()}))).await;
        let made = rows(&stack, entity).pop().unwrap();
        assert_eq!(
            (&made["CustomField"][0]["StringValue"], &made["ShipDate"]),
            (&json!("PO 4711"), &json!("2026-05-04"))
        );
    }
}

#[tokio::test]
async fn what_the_company_has_no_place_for_is_left_out_and_told() {
    let stack = stack().await;
    company(&stack, json!({"preferences": own_fields(), "classes": [{"Id": "7001", "Name": "Wholesale"}]}))
        .await;
    let chosen = json!({
        "custom_fields": {"PO #": "Order {po_number}", "Region": "West"}, "ship_date": "po_number", "class": "7001", "location": "7002",
    });
    settings(&stack, chosen).await;
    portal(&stack, subscription("4711, for the second half of the year")).await;
    let shown = created(&stack, invoice(900)).await;
    for told in [
        "does not track classes",
        "does not track locations",
        "no custom field “Region”",
        "The custom field “PO #” holds 31 characters",
        "“po_number” is no date",
    ] {
        assert!(shown.output("warnings").contains(told), "{told}: {}", shown.output("warnings"));
    }
    let made = the_invoice(&stack);
    assert_eq!(made["CustomField"][0]["StringValue"], "Order 4711, for the second half");
    assert_eq!(
        (&made["ClassRef"], &made["DepartmentRef"], &made["ShipDate"]),
        (&json!(null), &json!(null), &json!(null))
    );
}
