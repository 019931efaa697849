//! Quotes, estimates and sales receipts: the rest of what product.md §1 promises.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;
use local::world::{HARBOR, LETTERING, REALM};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::{but, created, portal, refused, rows, settings, stack, today};

/// A quote with two lines of its own, two contacts of which the second is billed, a discount and an expiration date.
pub(crate) fn quote(id: &str, properties: Value) -> Value {
    let mut all = json!({
        "hs_title": "Autumn offer", "hs_currency": "USD", "hs_expiration_date": "2027-01-31", "hs_quote_amount": "171.00",
    });
    for (name, value) in properties.as_object().unwrap() {
        all[name] = value.clone();
    }
    json!({
        "quotes": [{"id": id, "properties": all, "associations": {
            "contacts": ["502", {"id": "503", "type_ids": [69, 1226]}],
            "line_items": ["9101", "9102"], "discounts": ["9201"],
        }}],
        "line_items": [
            {"id": "9101", "properties": {"name": "Barista training, hour", "hs_sku": "SVC-TR60", "hs_product_id": "7004",
                "quantity": "1", "price": "95", "amount": "95.00", "hs_position_on_quote": "1"}},
            {"id": "9102", "properties": {"name": "Barista training, hour", "hs_sku": "SVC-TR60", "hs_product_id": "7004",
                "quantity": "1", "price": "95", "amount": "95.00", "hs_position_on_quote": "0"}},
        ],
        "discounts": [{"id": "9201", "properties": {"hs_label": "Loyalty", "hs_type": "PERCENT", "hs_value": "10"}}],
    })
}

pub(crate) fn enroll(action: &str, object_type: &str, id: u64) -> Value {
    json!({
        "action": action, "portal_id": local::world::PORTAL.0, "object_type": object_type, "object_id": id,
        "inputs": {"quickbooks_account": "default"},
    })
}

pub(crate) fn decimal(value: &Value) -> Decimal {
    value.to_string().trim_matches('"').parse().unwrap_or_else(|_| panic!("{value} is no amount"))
}

// product.md §1.1

#[tokio::test]
async fn line_1_1_all_three_actions_work_on_deals_and_quotes_and_on_nothing_else() {
    let stack = stack().await;
    portal(&stack, quote("910", json!({}))).await;
    for (action, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        for (object_type, id) in [("DEAL", HARBOR), ("QUOTE", 910)] {
            let shown = created(&stack, enroll(action, object_type, id)).await;
            assert_eq!(shown.output("document_type"), entity);
            let made = rows(&stack, entity).pop().unwrap();
            assert_eq!(made["Id"], shown.output("document_id"));
        }
        assert_eq!(rows(&stack, entity).len(), 2);
        let elsewhere = stack.execute(&enroll(action, "TICKET", HARBOR)).await;
        assert!(elsewhere.is_err_and(|error| error.to_string().contains("not offered")), "{action}");
    }
}

// product.md §1.2, quotes

#[tokio::test]
async fn line_1_2_a_quote_s_billing_contact_comes_first() {
    let stack = stack().await;
    portal(&stack, quote("910", json!({}))).await;
    let shown = created(&stack, enroll("estimate", "QUOTE", 910)).await;
    assert_eq!((shown.output("customer_name"), shown.output("customer_match")), ("Hanna Lindqvist", "email"));
}

// product.md §1.3, every action

#[tokio::test]
async fn line_1_3_an_unmatched_line_stops_every_action() {
    let stack = stack().await;
    for (action, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        let shown = refused(&stack, enroll(action, "DEAL", LETTERING), "ITEM_NOT_FOUND").await;
        assert!(shown.label().contains("Window lettering"), "{}", shown.label());
        assert!(rows(&stack, entity).is_empty());
    }
}

// product.md §1.4, estimates and receipts

#[tokio::test]
async fn line_1_4_estimate_and_receipt_choose_the_account() {
    let stack = stack().await;
    for action in ["estimate", "receipt"] {
        let chosen = |account: &str| {
            but(enroll(action, "DEAL", HARBOR), json!({"inputs": {"quickbooks_account": account}}))
        };
        created(&stack, chosen(REALM)).await;
        refused(&stack, chosen("42"), "COMPANY_NOT_LINKED").await;
    }
}

#[tokio::test]
async fn an_estimate_of_a_quote_carries_its_discount_and_ends_when_the_quote_does() {
    let stack = stack().await;
    portal(&stack, quote("910", json!({}))).await;
    let shown = created(&stack, enroll("estimate", "QUOTE", 910)).await;
    let made = rows(&stack, "Estimate").pop().unwrap();
    assert_eq!((&made["ExpirationDate"], &made["TxnStatus"]), (&json!("2027-01-31"), &json!("Pending")));
    assert_eq!(decimal(&made["TotalAmt"]), "171.00".parse().unwrap());
    assert_eq!(
        (shown.output("subtotal"), shown.output("total"), shown.output("balance")),
        ("171.00", "171.00", "")
    );
    assert_eq!(shown.output("warnings"), "");
    let discount = made["Line"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["DetailType"] == "DiscountLineDetail")
        .unwrap();
    assert_eq!(decimal(&discount["Amount"]), "19.00".parse().unwrap());
}

#[tokio::test]
async fn days_of_the_action_win_over_the_quote_s_expiration_date() {
    let stack = stack().await;
    portal(&stack, quote("910", json!({}))).await;
    let inputs = json!({"inputs": {"quickbooks_account": "default", "expires_days": "7"}});
    created(&stack, but(enroll("estimate", "QUOTE", 910), inputs)).await;
    let made = rows(&stack, "Estimate").pop().unwrap();
    let expires: Date = made["ExpirationDate"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires, today().checked_add(jiff::Span::new().days(7)).unwrap());
}

#[tokio::test]
async fn a_quote_s_fee_needs_an_item_and_is_billed_on_it() {
    let stack = stack().await;
    let mut objects = quote("910", json!({"hs_quote_amount": "181.00"}));
    objects["quotes"][0]["associations"]["fees"] = json!(["9301"]);
    objects["fees"] =
        json!([{"id": "9301", "properties": {"hs_label": "Delivery", "hs_type": "FIXED", "hs_value": "10"}}]);
    portal(&stack, objects).await;
    let unchosen = stack.dynamodb.delete_item().table_name(&stack.info.table_name);
    let (pk, sk) = (format!("P#{}", local::world::PORTAL), format!("SETTINGS#{REALM}"));
    unchosen.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk)).send().await.unwrap();
    let shown = refused(&stack, enroll("invoice", "QUOTE", 910), "SETTING_MISSING").await;
    assert!(shown.output("errorMessage").contains("Delivery"), "{}", shown.0);

    let item = rows(&stack, "Item").into_iter().find(|item| item["Sku"] == "SVC-TR60").unwrap();
    settings(&stack, json!({"fee_item": item["Id"]})).await;
    let shown = created(&stack, enroll("invoice", "QUOTE", 910)).await;
    assert_eq!((shown.output("total"), shown.output("warnings")), ("181.00", ""));
}

#[tokio::test]
async fn a_locked_or_accepted_quote_is_read_like_any_other() {
    let stack = stack().await;
    portal(&stack, quote("910", json!({"hs_locked": "true", "hs_status": "APPROVED"}))).await;
    created(&stack, enroll("invoice", "QUOTE", 910)).await;
}

#[tokio::test]
async fn a_foreign_currency_is_refused_before_anything_is_created() {
    let stack = stack().await;
    portal(&stack, quote("910", json!({"hs_currency": "EUR"}))).await;
    refused(&stack, enroll("invoice", "QUOTE", 910), "CURRENCY_MISMATCH").await;
    assert_eq!(rows(&stack, "Customer").len(), 1);
}
