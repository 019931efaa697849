//! Manual tax of US companies, and tax elsewhere.

use super::*;

/// Rates 60 (8.25 %), 61 (1 %) and 62 (20 %); codes 70 (the first two), 71 (the last) and 72 (none).
fn codes() -> Value {
    let code = |id: &str, name: &str, rates: &[&str]| {
        let rates: Vec<_> = rates.iter().map(|rate| json!({"TaxRateRef": {"value": rate}})).collect();
        json!({"Id": id, "Name": name, "SalesTaxRateList": {"TaxRateDetail": rates}})
    };
    json!({
        "tax_rates": [{"Id": "60", "Name": "State", "RateValue": exact("8.25")}, {"Id": "61", "Name": "City", "RateValue": 1},
            {"Id": "62", "Name": "VAT", "RateValue": 20}],
        "tax_codes": [code("70", "California", &["60", "61"]), code("71", "Standard", &["62"]), code("72", "Empty", &[])]})
}

fn line(amount: &str, code: &str) -> Value {
    json!({"DetailType": "SalesItemLineDetail", "Amount": exact(amount),
        "SalesItemLineDetail": {"ItemRef": {"value": "5"}, "TaxCodeRef": {"value": code}}})
}

fn sold(lines: &[Value], change: impl FnOnce(&mut Value)) -> Value {
    invoice_with(|i| {
        i["Line"] = json!(lines);
        change(i);
    })
}

async fn manual() -> Books {
    let books = books().await;
    books.seed(codes());
    books.seed(json!({"preferences": {"TaxPrefs": {"UsingSalesTax": true}}}));
    books
}

async fn abroad() -> Books {
    let books = books().await;
    books.seed(codes());
    books.seed(json!({"country": "GB"}));
    books
}

async fn made(books: &Books, body: Value) -> Value {
    books.create("invoice", body).await["Invoice"].clone()
}

#[tokio::test]
async fn manual_tax_is_the_rates_of_the_documents_code_on_the_taxed_lines() {
    let books = manual().await;
    let lines = [line("0.10", "TAX"), line("0.10", "TAX"), line("5.00", "NON")];
    let taxed = |i: &mut Value| i["TxnTaxDetail"] = json!({"TxnTaxCodeRef": {"value": "70"}, "TotalTax": 9});
    let invoice = made(&books, sold(&lines, taxed)).await;
    let tax = &invoice["TxnTaxDetail"];
    // 8.25 % of 0.20 is 0.0165, 1 % is 0.002.
    assert_eq!(
        (tax["TotalTax"].to_string(), invoice["TotalAmt"].to_string()),
        ("0.02".into(), "5.22".into())
    );
    assert_eq!(tax["TxnTaxCodeRef"]["value"], "70");
    assert_eq!(
        tax["TaxLine"][0]["TaxLineDetail"],
        exact(
            r#"{"TaxRateRef": {"value": "60"}, "PercentBased": true, "TaxPercent": 8.25, "NetAmountTaxable": 0.20}"#
        )
    );
    // Half-up: 8.25 % of 2.00 is 0.165.
    let invoice = made(&books, sold(&[line("2.00", "TAX")], taxed)).await;
    assert_eq!(invoice["TxnTaxDetail"]["TaxLine"][0]["Amount"].to_string(), "0.17");
    assert_eq!(invoice["TotalAmt"].to_string(), "2.19");
}

#[tokio::test]
async fn manual_tax_needs_a_code_with_rates_and_a_customer_who_pays_it() {
    let books = manual().await;
    let with = |code: &'static str| {
        sold(&[line("2.00", "TAX")], move |i| i["TxnTaxDetail"] = json!({"TxnTaxCodeRef": {"value": code}}))
    };
    assert_eq!(books.refused("invoice", with("99")).await, "2500");
    assert_eq!(books.refused("invoice", with("72")).await, "6470");
    assert_eq!(made(&books, sold(&[line("2.00", "TAX")], |_| {})).await["TotalAmt"].to_string(), "2.00");
    books.seed(json!({"customers": [{"Id": "1", "Taxable": false}]}));
    assert_eq!(made(&books, with("70")).await["TotalAmt"].to_string(), "2.00");
}

#[tokio::test]
async fn an_update_computes_the_tax_again() {
    let books = manual().await;
    let taxed = |i: &mut Value| i["TxnTaxDetail"] = json!({"TxnTaxCodeRef": {"value": "70"}});
    let mut invoice = made(&books, sold(&[line("2.00", "TAX")], taxed)).await;
    invoice["Line"][0]["Amount"] = exact("4.00");
    let changed = made(&books, invoice).await;
    assert_eq!(changed["TxnTaxDetail"]["TotalTax"].to_string(), "0.37");
    assert_eq!(changed["TotalAmt"].to_string(), "4.37");
}

#[tokio::test]
async fn abroad_each_line_has_a_code_and_each_rate_is_rounded_on_its_sum() {
    let books = abroad().await;
    let lines = [line("0.12", "71"), line("0.11", "71"), line("10.00", "70")];
    let invoice = made(&books, sold(&lines, |i| i["GlobalTaxCalculation"] = json!("TaxExcluded"))).await;
    let amounts: Vec<_> = invoice["TxnTaxDetail"]["TaxLine"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["Amount"].to_string())
        .collect();
    // 20 % of 0.23 is 0.046; 8.25 % of 10.00 is 0.825.
    assert_eq!(amounts, ["0.83", "0.10", "0.05"]);
    assert_eq!(invoice["TotalAmt"].to_string(), "11.21");
    let implied = made(&books, sold(&[line("10.00", "71")], |_| {})).await;
    assert_eq!(
        (&implied["GlobalTaxCalculation"], implied["TotalAmt"].to_string()),
        (&json!("TaxExcluded"), "12.00".into())
    );
}

#[tokio::test]
async fn a_discount_abroad_comes_off_before_tax() {
    let books = abroad().await;
    let discount = json!({"DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": true, "DiscountPercent": 10}});
    let invoice = made(&books, sold(&[line("10.00", "71"), discount], |_| {})).await;
    assert_eq!(
        (invoice["TxnTaxDetail"]["TotalTax"].to_string(), invoice["TotalAmt"].to_string()),
        ("1.80".into(), "10.80".into())
    );
}

#[tokio::test]
async fn each_broken_rule_of_tax_abroad_has_its_code() {
    let books = abroad().await;
    let not_applicable = |i: &mut Value| i["GlobalTaxCalculation"] = json!("NotApplicable");
    for (expected, body) in [
        ("6000", invoice()),
        ("2500", sold(&[line("2.00", "99")], |_| {})),
        ("2500", sold(&[line("2.00", "TAX")], |_| {})),
        ("6470", sold(&[line("2.00", "72")], |_| {})),
        (
            "6170",
            sold(&[line("2.00", "71")], |i| {
                not_applicable(i);
                i["TxnTaxDetail"] = json!({"TotalTax": 0});
            }),
        ),
    ] {
        assert_eq!(books.refused("invoice", body.clone()).await, expected, "{body}");
    }
    assert_eq!(made(&books, invoice_with(not_applicable)).await["TotalAmt"].to_string(), "149.97");
}
