//! Companies with several currencies: a document is in its customer's, at QuickBooks' rate of the day.

use local::stack::Stack;
use local::world::HANNA;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::{but, company, created, invoice, portal, refused, rows, stack, the_invoice};

async fn has_several_currencies(stack: &Stack, rates: Value) {
    let preferences = json!({"CurrencyPrefs": {"MultiCurrencyEnabled": true}});
    company(stack, json!({"preferences": preferences, "exchange_rates": rates})).await;
}

fn euro() -> Value {
    json!([{"SourceCurrencyCode": "EUR", "Rate": 1.0842, "AsOfDate": "2020-01-01"}])
}

/// A deal in euros, over 240.00, for a contact; paid in full.
async fn deal_in_euros(stack: &Stack, contact: &str) {
    let deal = json!({
        "id": "900", "properties": {"dealname": "Brandt – Paris", "amount": "240.00", "deal_currency_code": "EUR"},
        "associations": {"contacts": [contact], "line_items": ["901"], "commerce_payments": ["9011"]},
    });
    let line = json!({"id": "901", "properties": {
        "name": "Burr grinder", "hs_sku": "EQ-GR01", "quantity": "1", "price": "240", "amount": "240.00",
        "hs_line_item_currency_code": "EUR",
    }});
    let payment = json!({"id": "9011", "properties": {
        "hs_latest_status": "succeeded", "hs_initial_amount": "240.00", "hs_currency_code": "EUR",
        "hs_initiated_date": "2026-02-27T10:00:00Z", "hs_reference_number": "ch_9011",
    }});
    portal(stack, json!({"deals": [deal], "line_items": [line], "commerce_payments": [payment]})).await;
}

fn rate(document: &Value) -> Decimal {
    document["ExchangeRate"].to_string().parse().unwrap()
}

#[tokio::test]
async fn a_document_is_in_the_customer_s_currency_at_quickbooks_rate() {
    let stack = stack().await;
    has_several_currencies(&stack, euro()).await;
    deal_in_euros(&stack, "502").await;
    let paid = json!({"inputs": {"quickbooks_account": "default", "create_paid": "yes"}});
    let shown = created(&stack, but(invoice(900), paid)).await;
    assert_eq!((shown.output("currency"), shown.output("total")), ("EUR", "240.00"));
    assert_eq!((shown.output("paid_amount"), shown.output("balance")), ("240.00", "0.00"));
    let expected: Decimal = "1.0842".parse().unwrap();
    assert_eq!(rate(&the_invoice(&stack)), expected);
    assert_eq!(rate(&rows(&stack, "Payment")[0]), expected);
    let theo = rows(&stack, "Customer").into_iter().find(|row| row["DisplayName"] == "Theo Brandt").unwrap();
    assert_eq!(theo["CurrencyRef"]["value"], "EUR");
}

#[tokio::test]
async fn without_a_rate_or_with_one_currency_nothing_is_created() {
    let stack = stack().await;
    deal_in_euros(&stack, "502").await;
    let shown = refused(&stack, invoice(900), "CURRENCY_MISMATCH").await;
    assert!(shown.output("errorMessage").contains("Switch on Multicurrency"), "{}", shown.0);
    has_several_currencies(&stack, json!([])).await;
    // What it said before was kept, and would refuse the deal: it is asked again.
    let shown = refused(&stack, invoice(900), "EXCHANGE_RATE_MISSING").await;
    assert!(shown.output("errorMessage").contains("no exchange rate"), "{}", shown.0);
    assert_eq!(rows(&stack, "Customer").len(), 1);
}

#[tokio::test]
async fn who_is_billed_in_two_currencies_is_two_customers() {
    let stack = stack().await;
    has_several_currencies(&stack, euro()).await;
    deal_in_euros(&stack, "503").await;
    let in_dollars = created(&stack, invoice(HANNA)).await;
    let shown = refused(&stack, invoice(900), "CURRENCY_MISMATCH").await;
    assert!(shown.output("errorMessage").contains("“Hanna Lindqvist” is kept in USD"), "{}", shown.0);
    let other = json!({
        "DisplayName": "Hanna Lindqvist EUR", "CurrencyRef": {"value": "EUR"},
        "PrimaryEmailAddr": {"Address": "hanna@norrbistro.example"},
    });
    company(&stack, json!({"customers": [other]})).await;
    let shown = created(&stack, invoice(900)).await;
    assert_eq!((shown.output("customer_name"), shown.output("currency")), ("Hanna Lindqvist EUR", "EUR"));
    // The customer remembered last is not hers for dollars.
    let again = created(&stack, invoice(HANNA)).await;
    assert_eq!(again.output("customer_id"), in_dollars.output("customer_id"));
}

#[tokio::test]
async fn a_company_that_has_several_currencies_by_now_is_asked_again() {
    let stack = stack().await;
    created(&stack, invoice(HANNA)).await;
    // What it said is kept for a day; meanwhile a document must name its currency.
    has_several_currencies(&stack, euro()).await;
    let shown = created(&stack, invoice(HANNA)).await;
    assert_eq!((shown.output("status"), shown.output("currency")), ("created", "USD"));
    assert_eq!(rows(&stack, "Invoice").len(), 2);
}
