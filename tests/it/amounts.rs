//! What lines come to: discounts, optional lines, periods, tiers, texts that do not fit, and currencies without cents.

use local::stack::Stack;
use serde_json::{Value, json};

use crate::quotes::{decimal, enroll};
use crate::support::{but, company, created, portal, refused, rows, settings, stack};

const TRAINING: &str = "Barista training, hour";

fn line(id: &str, fields: Value) -> Value {
    let training = json!({"name": TRAINING, "hs_sku": "SVC-TR60", "quantity": "1", "price": "95", "hs_position_on_quote": id});
    json!({"id": id, "properties": but(training, fields)})
}

async fn has(stack: &Stack, kind: &str, properties: Value, lines: &[Value]) {
    let ids: Vec<&Value> = lines.iter().map(|line| &line["id"]).collect();
    let record = json!({"id": "930", "properties": properties, "associations": {"contacts": ["503"], "line_items": ids}});
    portal(stack, json!({kind: [record], "line_items": lines})).await;
}

async fn has_deal(stack: &Stack, amount: &str, lines: &[Value]) {
    has(stack, "deals", json!({"dealname": "Norr Bistro – training", "amount": amount}), lines).await;
}

async fn has_quote(stack: &Stack, amount: &str, lines: &[Value]) {
    let properties = json!({"hs_title": "Training offer", "hs_currency": "USD", "hs_quote_amount": amount});
    has(stack, "quotes", properties, lines).await;
}

/// The lines of the last one: amount and description.
fn lines(stack: &Stack, entity: &str) -> Vec<String> {
    let made = rows(stack, entity).pop().unwrap();
    let shown = |line: &Value| {
        let text = line["Description"].as_str().unwrap_or("-").replace('\n', " / ");
        format!("{} {text}", decimal(&line["Amount"]).normalize())
    };
    let lines = made["Line"].as_array().unwrap().iter();
    lines.filter(|line| line["DetailType"] != "SubTotalLineDetail").map(shown).collect()
}

#[tokio::test]
async fn discounts_of_lines_are_netted_or_one_line_and_the_total_stays() {
    let stack = stack().await;
    let discounted = json!({"quantity": "3", "hs_discount_percentage": "12.5", "amount": "249.38"});
    let of_unit = json!({"price": "95.333333", "discount": "5.333333", "amount": "90.00"});
    has_deal(&stack, "339.38", &[line("931", discounted), line("932", of_unit)]).await;
    for (discounts, expected) in [
        (
            "net",
            [
                "249.38 Barista training, hour / Discount 12.5 %",
                "90 Barista training, hour / Discount 5.333333 per unit",
            ]
            .as_slice(),
        ),
        (
            "document",
            [
                "285 Barista training, hour",
                "95.33 Barista training, hour",
                "40.95 Barista training, hour: 35.62 / Barista training, hour: 5.33",
            ]
            .as_slice(),
        ),
    ] {
        settings(&stack, json!({"discounts": discounts, "totals": "refuse"})).await;
        for (action, entity) in
            [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")]
        {
            let shown = created(&stack, enroll(action, "DEAL", 930)).await;
            assert_eq!((shown.output("total"), shown.output("warnings")), ("339.38", ""), "{action}");
            assert_eq!(lines(&stack, entity), expected, "{action}");
        }
    }
}

#[tokio::test]
async fn of_optional_lines_those_are_billed_that_the_quote_s_amount_holds() {
    let stack = stack().await;
    let optional = |id: &str, name: &str, price: &str| {
        line(id, json!({"price": price, "amount": price, "description": name, "hs_is_optional": "true"}))
    };
    let offered = [
        line("931", json!({"amount": "95"})),
        optional("932", "Second hour", "80"),
        optional("933", "Third hour", "70"),
    ];
    has_quote(&stack, "165.00", &offered).await;
    let shown = created(&stack, enroll("estimate", "QUOTE", 930)).await;
    assert_eq!(lines(&stack, "Estimate"), ["95 Barista training, hour", "70 Third hour"]);
    let warnings = shown.output("warnings");
    assert!(warnings.contains("was not chosen by the buyer") && !warnings.contains(" | "), "{warnings}");
    has_quote(&stack, "100.00", &offered).await;
    let shown = refused(&stack, enroll("invoice", "QUOTE", 930), "LINE_INVALID").await;
    assert!(shown.output("errorMessage").contains("optional line items"), "{}", shown.0);
}

#[tokio::test]
async fn a_period_is_billed_once_and_a_tiered_price_is_hubspot_s() {
    let stack = stack().await;
    let monthly = json!({"recurringbillingfrequency": "monthly", "hs_recurring_billing_period": "P12M", "amount": "95"});
    let tiered = json!({"hs_pricing_model": "graduated", "price": "95", "quantity": "7", "amount": "600.00"});
    let free = json!({"price": "0", "amount": "0", "description": "Tasting"});
    has_deal(&stack, "695.00", &[line("931", monthly), line("932", tiered), line("933", free)]).await;
    let shown = created(&stack, enroll("invoice", "DEAL", 930)).await;
    assert_eq!((shown.output("total"), shown.output("warnings")), ("695.00", ""));
    let expected = [
        "95 Barista training, hour / One billing period (monthly)",
        "600 Barista training, hour",
        "0 Tasting",
    ];
    assert_eq!(lines(&stack, "Invoice"), expected);
}

#[tokio::test]
async fn a_line_below_zero_or_of_nothing_stops_before_anything_is_sent() {
    let stack = stack().await;
    for (fields, what) in [
        (json!({"amount": "-5"}), "below zero"),
        (json!({"price": "-5"}), "below zero"),
        (json!({"quantity": "0"}), "quantity of zero"),
    ] {
        has_deal(&stack, "90", &[line("931", json!({"amount": "95"})), line("932", fields)]).await;
        let shown = refused(&stack, enroll("invoice", "DEAL", 930), "LINE_INVALID").await;
        assert!(shown.output("errorMessage").contains(what), "{}", shown.0);
    }
}

#[tokio::test]
async fn texts_that_do_not_fit_are_cut_and_that_is_said() {
    let stack = stack().await;
    let long = json!({"amount": "95", "description": format!("Long 🎉 {}", "x".repeat(5000))});
    has_deal(&stack, "95", &[line("931", long)]).await;
    let shown = created(&stack, enroll("invoice", "DEAL", 930)).await;
    let warnings = shown.output("warnings");
    assert!(warnings.contains("does not take the texts of “Barista training, hour” whole"), "{warnings}");
    let made = rows(&stack, "Invoice").pop().unwrap();
    assert_eq!(made["Line"][0]["Description"].as_str().unwrap().chars().count(), 4000);
}

#[tokio::test]
async fn currencies_without_cents_and_with_three_decimals_are_billed_as_near_as_quickbooks_keeps() {
    let stack = stack().await;
    let rates =
        ["JPY", "KWD"].map(|code| json!({"SourceCurrencyCode": code, "Rate": 2, "AsOfDate": "2020-01-01"}));
    let preferences = json!({"CurrencyPrefs": {"MultiCurrencyEnabled": true}});
    company(&stack, json!({"preferences": preferences, "exchange_rates": rates})).await;
    let in_currency = async |contact: &str, currency: &str, amount: &str, lines: &[Value]| {
        let ids: Vec<&Value> = lines.iter().map(|line| &line["id"]).collect();
        let properties = json!({"dealname": "Abroad", "amount": amount, "deal_currency_code": currency});
        let deal = json!({"id": "930", "properties": properties, "associations": {"contacts": [contact], "line_items": ids}});
        portal(&stack, json!({"deals": [deal], "line_items": lines})).await;
        let shown = created(&stack, enroll("invoice", "DEAL", 930)).await;
        (shown.output("total").to_owned(), shown.output("warnings").to_owned())
    };
    // Half a yen there is not.
    let yen = json!({"quantity": "1.5", "price": "33", "amount": null});
    let (total, warnings) = in_currency("501", "JPY", "50", &[line("931", yen)]).await;
    assert_eq!((total.as_str(), warnings.as_str()), ("50.00", ""));
    let dinars = json!({"price": "10.125", "amount": "10.125"});
    let (total, warnings) = in_currency("502", "KWD", "10.125", &[line("931", dinars)]).await;
    assert_eq!(total, "10.13");
    assert!(warnings.contains("10.125") && warnings.contains("10.13"), "{warnings}");
}
