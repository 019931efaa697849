//! A deal becomes an invoice: what product.md §1 promises, line by line, and the money, names and sentences around it.

use jiff::ToSpan;
use jiff::civil::Date;
use local::stack::{Stack, Vendor};
use local::world::{
    HANNA, HARBOR, LETTERING, OBRIEN, OBRIEN_FIRST, OBRIEN_SECOND, REALM, REFILL, THEO_FIRST, THEO_SECOND,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::{
    but, company, created, forget_matches, half_done_deal, invoice, portal, refused, rows, run, settings,
    stack, the_invoice, today,
};

fn amount(value: &Value) -> Decimal {
    value.to_string().trim_matches('"').parse().unwrap_or_else(|_| panic!("{value} is no amount"))
}

// product.md §1.2

#[tokio::test]
async fn line_1_2_first_name_last_name_and_email_match_a_customer() {
    let stack = stack().await;
    // Two customers share the address; the names decide.
    let twin = json!({
        "DisplayName": "Norr Bistro (office)", "GivenName": "Office", "FamilyName": "Norr",
        "PrimaryEmailAddr": {"Address": "hanna@norrbistro.example"},
    });
    company(&stack, json!({"customers": [twin]})).await;
    let shown = created(&stack, invoice(HANNA)).await;
    assert_eq!(shown.output("customer_name"), "Hanna Lindqvist");
    assert_eq!(shown.output("customer_match"), "email");
    assert_eq!(rows(&stack, "Customer").len(), 2);
}

#[tokio::test]
async fn line_1_2_no_match_creates_a_customer_once() {
    let stack = stack().await;
    let first = created(&stack, invoice(THEO_FIRST)).await;
    assert_eq!((first.output("customer_name"), first.output("customer_match")), ("Theo Brandt", "created"));
    let second = created(&stack, invoice(THEO_SECOND)).await;
    assert_eq!(second.output("customer_id"), first.output("customer_id"));
    assert_eq!(second.output("customer_match"), "link");
    let theos =
        rows(&stack, "Customer").into_iter().filter(|customer| customer["DisplayName"] == "Theo Brandt");
    let theos: Vec<_> = theos.collect();
    assert_eq!(theos.len(), 1);
    assert_eq!(theos[0]["PrimaryEmailAddr"]["Address"], "theo.brandt@brandtandsons.example");
    assert_eq!((&theos[0]["GivenName"], &theos[0]["FamilyName"]), (&json!("Theo"), &json!("Brandt")));
}

#[tokio::test]
async fn line_1_2_of_several_contacts_the_first_is_used() {
    let stack = stack().await;
    let deal = json!({
        "id": "900", "properties": {"dealname": "Two contacts", "deal_currency_code": "USD"},
        // HubSpot repeats a contact for each label it carries.
        "associations": {"contacts": ["503", "503", "502"], "line_items": ["901"]},
    });
    let line = json!({"id": "901", "properties": {
        "name": "Burr grinder", "hs_sku": "EQ-GR01", "quantity": "1", "price": "249.99", "amount": "249.99",
    }});
    portal(&stack, json!({"deals": [deal], "line_items": [line]})).await;
    let shown = created(&stack, invoice(900)).await;
    assert_eq!(shown.output("customer_name"), "Hanna Lindqvist");
}

// product.md §1.3

#[tokio::test]
async fn line_1_3_each_line_item_is_matched_to_a_product() {
    let stack = stack().await;
    let shown = created(&stack, invoice(HARBOR)).await;
    let invoice = the_invoice(&stack);
    let lines: Vec<_> = invoice["Line"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["DetailType"] == "SalesItemLineDetail")
        .map(|line| {
            let detail = &line["SalesItemLineDetail"];
            (
                detail["ItemRef"]["name"].as_str().unwrap().to_owned(),
                amount(&detail["Qty"]),
                amount(&line["Amount"]),
            )
        })
        .collect();
    let expected = [
        ("House blend, 12 oz", "24", "348.00"),
        ("Espresso blend, 5 lb", "3", "221.40"),
        ("Barista training, hour", "4", "380.00"),
    ];
    let expected =
        expected.map(|(name, qty, sum)| (name.to_owned(), qty.parse().unwrap(), sum.parse().unwrap()));
    assert_eq!(lines, expected);
    assert_eq!(amount(&invoice["TotalAmt"]), "949.40".parse().unwrap());
    assert_eq!(
        (shown.output("subtotal"), shown.output("tax"), shown.output("total")),
        ("949.40", "0.00", "949.40")
    );
    assert_eq!(shown.output("warnings"), "");
}

#[tokio::test]
async fn line_1_3_without_a_product_for_every_line_nothing_is_created() {
    let stack = stack().await;
    let shown = refused(&stack, invoice(LETTERING), "ITEM_NOT_FOUND").await;
    assert_eq!(shown.output("error_subject"), "Window lettering");
    let message = shown.output("errorMessage");
    assert!(
        message.contains("“Window lettering”") && message.contains("Create the product in QuickBooks"),
        "{message}"
    );
    assert!(shown.label().contains("Window lettering"), "{}", shown.label());
    assert!(shown.0["labels"]["fr"].as_str().unwrap().contains("Window lettering"));
}

// product.md §1.4, invoices

#[tokio::test]
async fn line_1_4_the_account_is_chosen_and_days_set_the_due_date() {
    let stack = stack().await;
    let inputs =
        |account: &str, days: &str| json!({"inputs": {"quickbooks_account": account, "due_days": days}});
    for (account, days, due) in [("default", "30", 30), (REALM, "0", 0), (REALM, "14.0", 14)] {
        let shown = created(&stack, but(invoice(REFILL), inputs(account, days))).await;
        let due = today() + i64::from(due).days();
        assert_eq!(shown.output("document_date"), today().to_string());
        assert_eq!(shown.output("due_date"), due.to_string());
        let made = rows(&stack, "Invoice").pop().unwrap();
        assert_eq!(made["DueDate"], due.to_string());
    }
    // Blank leaves it to QuickBooks: here 30 days, the company's terms.
    let shown = created(&stack, but(invoice(REFILL), inputs(REALM, ""))).await;
    assert_eq!(shown.output("due_date"), (today() + 30.days()).to_string());
}

#[tokio::test]
async fn line_1_4_an_account_that_is_not_connected_creates_nothing() {
    let stack = stack().await;
    let chosen = |account: &str| but(invoice(HARBOR), json!({"inputs": {"quickbooks_account": account}}));
    refused(&stack, chosen("42"), "COMPANY_NOT_LINKED").await;
    refused(&stack, chosen("not a company"), "INPUT_INVALID").await;
    assert!(stack.calls(local::stack::Vendor::QuickBooks).is_empty());
}

// What the bookkeeper finds

#[tokio::test]
async fn the_invoice_says_where_it_came_from_and_whom_to_mail() {
    let stack = stack().await;
    let shown = created(&stack, invoice(HARBOR)).await;
    let made = the_invoice(&stack);
    let note = made["PrivateNote"].as_str().unwrap();
    assert!(note.contains("https://app.hubspot.com/contacts/1000001/record/0-3/8800000001"), "{note}");
    assert!(note.contains("[hs "), "{note}");
    assert_eq!(made["BillEmail"]["Address"], "ana@harborkitchen.example");
    let url = format!(
        "https://app.qbo.intuit.com/app/invoice?txnId={}&companyId={REALM}",
        made["Id"].as_str().unwrap()
    );
    assert_eq!(shown.output("document_url"), url);
    assert!(shown.label().contains(shown.output("document_number")), "{}", shown.label());
}

#[tokio::test]
async fn a_hard_name_is_created_and_found_again() {
    let stack = stack().await;
    let first = created(&stack, invoice(OBRIEN_FIRST)).await;
    assert_eq!((first.output("customer_name"), first.output("customer_match")), (OBRIEN, "created"));
    // Not remembered, but looked up: the name is in a query now.
    forget_matches(&stack).await;
    let second = created(&stack, invoice(OBRIEN_SECOND)).await;
    assert_eq!(second.output("customer_match"), "email");
    assert_eq!(second.output("customer_id"), first.output("customer_id"));
}

#[tokio::test]
async fn a_name_that_a_vendor_has_becomes_the_contact_s_own_name() {
    let stack = stack().await;
    company(&stack, json!({"vendors": [{"DisplayName": "Theo Brandt"}]})).await;
    let shown = created(&stack, invoice(THEO_FIRST)).await;
    assert_eq!(shown.output("customer_name"), "Theo Brandt (HS 502)");
}

#[tokio::test]
async fn a_name_taken_in_both_forms_is_told() {
    let stack = stack().await;
    let vendors = json!([{"DisplayName": "Theo Brandt"}, {"DisplayName": "Theo Brandt (HS 502)"}]);
    company(&stack, json!({"vendors": vendors})).await;
    let shown = refused(&stack, invoice(THEO_FIRST), "NAME_TAKEN").await;
    assert_eq!(shown.output("error_subject"), "Theo Brandt");
    // Nobody is locked out: once a name is free, the next execution has it.
    let vendor =
        rows(&stack, "Vendor").into_iter().find(|row| row["DisplayName"] == "Theo Brandt (HS 502)").unwrap();
    company(&stack, json!({"vendors": [{"Id": vendor["Id"], "DisplayName": "Somebody else"}]})).await;
    let shown = created(&stack, invoice(THEO_FIRST)).await;
    assert_eq!(shown.output("customer_name"), "Theo Brandt (HS 502)");
}

#[tokio::test]
async fn a_remembered_customer_that_is_gone_is_looked_for_again() {
    let stack = stack().await;
    let first = created(&stack, invoice(THEO_FIRST)).await;
    let id = first.output("customer_id").to_owned();
    company(&stack, json!({"customers": [{"Id": id, "Active": false}]})).await;
    let second = created(&stack, invoice(THEO_SECOND)).await;
    assert_ne!(second.output("customer_id"), id);
    assert_eq!(second.output("customer_match"), "created");
    let third = created(&stack, invoice(THEO_SECOND)).await;
    assert_eq!(third.output("customer_id"), second.output("customer_id"));
}

// What the workflow builder reads

#[tokio::test]
async fn everything_wrong_with_a_deal_is_told_at_once() {
    let stack = stack().await;
    half_done_deal(&stack).await;
    let shown = run(&stack, invoice(900)).await;
    let message = shown.output("errorMessage");
    for told in [
        "“Nomail” has no e-mail address",
        "“Setup fee” has no price",
        "“Unknown thing” matches no QuickBooks product",
    ] {
        assert!(message.contains(told), "{message}");
    }
    assert!(rows(&stack, "Invoice").is_empty());
}

#[tokio::test]
async fn what_cannot_become_an_invoice_is_refused_with_its_code() {
    let stack = stack().await;
    let deals = json!([
        {"id": "910", "properties": {"dealname": "Nobody"}, "associations": {"line_items": ["100"]}},
        {"id": "911", "properties": {"dealname": "Nothing"}, "associations": {"contacts": ["503"]}},
        {"id": "912", "properties": {"dealname": "Euros", "deal_currency_code": "EUR"},
         "associations": {"contacts": ["503"], "line_items": ["913"]}},
    ]);
    let line =
        json!({"id": "913", "properties": {"name": "Burr grinder", "quantity": "1", "price": "249.99"}});
    portal(&stack, json!({"deals": deals, "line_items": [line]})).await;
    for (enrollment, code) in [
        (invoice(910), "NO_CONTACT"),
        (invoice(911), "NO_LINE_ITEMS"),
        (invoice(912), "CURRENCY_MISMATCH"),
        (invoice(999), "RECORD_NOT_FOUND"),
        (
            but(invoice(HARBOR), json!({"inputs": {"quickbooks_account": "default", "due_days": "soon"}})),
            "INPUT_INVALID",
        ),
    ] {
        let shown = refused(&stack, enrollment, code).await;
        assert!(!shown.label().is_empty(), "{code} has no label");
        assert!(!shown.output("error_subject").is_empty(), "{code} has no subject");
    }
}

fn item_id(stack: &Stack, name: &str) -> Value {
    rows(stack, "Item").into_iter().find(|item| item["Name"] == name).unwrap()["Id"].take()
}

fn lines(document: &Value) -> Vec<(String, Decimal)> {
    let lines = document["Line"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["DetailType"] == "SalesItemLineDetail");
    let item = |line: &Value| line["SalesItemLineDetail"]["ItemRef"]["name"].as_str().unwrap().to_owned();
    lines.map(|line| (item(line), amount(&line["Amount"]))).collect()
}

#[tokio::test]
async fn a_line_that_is_no_product_stands_on_the_default_product_where_the_action_says_so() {
    let stack = stack().await;
    let default = json!({"inputs": {"quickbooks_account": "default", "missing_item": "default_item"}});
    let enrollment = || but(invoice(LETTERING), default.clone());
    let shown = refused(&stack, enrollment(), "SETTING_MISSING").await;
    assert!(shown.output("errorMessage").contains("there is no default product"), "{}", shown.0);
    settings(&stack, json!({"default_item": item_id(&stack, "Barista training, hour")})).await;
    let shown = created(&stack, enrollment()).await;
    let warning =
        "Line item “Window lettering” matches no QuickBooks product: it stands on the default product.";
    assert_eq!(shown.output("warnings"), warning);
    assert_eq!(lines(&the_invoice(&stack))[1].0, "Barista training, hour");
    // Once there is such a product, it is found.
    company(&stack, json!({"items": [{"Name": "Window lettering"}]})).await;
    let shown = created(&stack, enrollment()).await;
    assert_eq!(shown.output("warnings"), "");
    assert_eq!(lines(rows(&stack, "Invoice").last().unwrap())[1].0, "Window lettering");
}

#[tokio::test]
async fn a_deal_without_lines_is_billed_by_its_amount_where_the_settings_say_so() {
    let stack = stack().await;
    let deal = json!({"id": "900", "properties": {"dealname": "Retainer", "amount": "1200.5"}, "associations": {"contacts": ["503"]}});
    portal(&stack, json!({"deals": [deal]})).await;
    refused(&stack, invoice(900), "NO_LINE_ITEMS").await;
    let default_item = item_id(&stack, "Barista training, hour");
    settings(&stack, json!({"no_line_items": "deal_amount", "default_item": default_item})).await;
    let shown = created(&stack, invoice(900)).await;
    assert_eq!((shown.output("total"), shown.output("warnings")), ("1200.50", ""));
    let made = the_invoice(&stack);
    assert_eq!(lines(&made), [("Barista training, hour".to_owned(), "1200.5".parse().unwrap())]);
    assert_eq!(made["Line"][0]["Description"], "Retainer");
}

#[tokio::test]
async fn an_amount_that_differs_is_told_or_refused_as_the_settings_say() {
    let stack = stack().await;
    let deal = json!({
        "id": "900", "properties": {"dealname": "Grinder", "amount": "250"},
        "associations": {"contacts": ["503"], "line_items": ["901"]},
    });
    let line = json!({"id": "901", "properties": {
        "name": "Burr grinder", "hs_sku": "EQ-GR01", "quantity": "1", "price": "249.99", "amount": "249.99",
    }});
    portal(&stack, json!({"deals": [deal], "line_items": [line]})).await;
    let shown = created(&stack, invoice(900)).await;
    assert_eq!(shown.output("warnings"), "The deal's amount is 250.00, its line items come to 249.99.");
    settings(&stack, json!({"totals": "refuse"})).await;
    let shown = refused(&stack, invoice(900), "TOTAL_MISMATCH").await;
    let message = shown.output("errorMessage");
    assert!(message.contains("has the amount 250.00, but its line items come to 249.99"), "{message}");
    assert_eq!(shown.output("error_subject"), "Grinder");
    assert!(shown.label().contains("Grinder"), "{}", shown.label());
}

#[tokio::test]
async fn closed_books_are_named() {
    let stack = stack().await;
    let close = json!({"preferences": {"AccountingInfoPrefs": {"BookCloseDate": "2999-12-31"}}});
    company(&stack, close).await;
    let shown = refused(&stack, invoice(HARBOR), "PERIOD_CLOSED").await;
    assert!(shown.output("errorMessage").contains("are closed up to 2999-12-31"), "{}", shown.0);
    let calls = stack.calls(Vendor::QuickBooks);
    assert!(
        calls.iter().all(|call| call.method == "GET" || call.path.ends_with("/batch")),
        "nothing is begun"
    );
    // They are asked again before anything is refused for what is remembered of them.
    company(&stack, json!({"preferences": {"AccountingInfoPrefs": {"BookCloseDate": "2025-12-31"}}})).await;
    created(&stack, but(invoice(HARBOR), json!({"callback_id": "ap-1000001-900000000002-3-0"}))).await;
}

#[tokio::test]
async fn the_answer_is_what_the_contract_says() {
    let stack = stack().await;
    let shown =
        created(&stack, but(invoice(HARBOR), json!({"callback_id": "ap-1000001-900000000001-3-0"}))).await;
    let mut outputs = shown.0["outputs"].clone();
    for date in ["document_date", "due_date"] {
        assert!(outputs[date].as_str().unwrap().parse::<Date>().is_ok());
        outputs[date] = json!("[date]");
    }
    insta::assert_json_snapshot!(outputs);
}
