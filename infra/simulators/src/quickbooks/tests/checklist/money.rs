//! Items 12 and 14: tax and currencies.

use super::super::*;

fn line(amount: &str, code: &str) -> Value {
    json!({"DetailType": "SalesItemLineDetail", "Amount": exact(amount),
        "SalesItemLineDetail": {"ItemRef": {"value": "5"}, "TaxCodeRef": {"value": code}}})
}

fn sold(lines: Vec<Value>, part: Value) -> Value {
    invoice_with(|i| {
        i["Line"] = Value::Array(lines);
        i.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    })
}

/// Rates 60 (8.25 %), 61 (1 %) and 62 (13 %); codes 70 (the first two) and 71 (the last).
async fn taxed(part: Value) -> Books {
    let books = books().await;
    let code = |id: &str, rates: &[&str]| {
        let rates: Vec<_> = rates.iter().map(|rate| json!({"TaxRateRef": {"value": rate}})).collect();
        json!({"Id": id, "Name": id, "SalesTaxRateList": {"TaxRateDetail": rates}})
    };
    books.seed(json!({
        "tax_rates": [{"Id": "60", "Name": "State", "RateValue": exact("8.25")}, {"Id": "61", "Name": "City", "RateValue": 1},
            {"Id": "62", "Name": "HST", "RateValue": 13}],
        "tax_codes": [code("70", &["60", "61"]), code("71", &["62"])]}));
    books.seed(part);
    books
}

async fn automated() -> Books {
    taxed(json!({"preferences": {"TaxPrefs": {"UsingSalesTax": true, "PartnerTaxEnabled": true}}})).await
}

async fn tax_of(books: &Books, body: Value) -> (String, String) {
    let made = books.create("invoice", body).await["Invoice"].clone();
    (made["TxnTaxDetail"]["TotalTax"].to_string(), made["TotalAmt"].to_string())
}

#[tokio::test]
async fn item_12_automated_tax_is_a_fixed_rate_on_taxed_lines_whatever_code_is_sent() {
    let books = automated().await;
    let lines = vec![line("10.00", "TAX"), line("5.00", "NON")];
    let code = json!({"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "71"}}});
    assert_eq!(tax_of(&books, sold(lines.clone(), code)).await, ("0.80".into(), "15.80".into()));
    books.switch(json!({"tax_percent": 10}));
    assert_eq!(tax_of(&books, sold(lines, json!({}))).await, ("1.00".into(), "16.00".into()));
}

#[tokio::test]
async fn item_12_automated_tax_honours_a_total_that_is_sent() {
    let books = automated().await;
    let total = |tax: &str| json!({"TxnTaxDetail": {"TotalTax": exact(tax)}});
    let lines = || vec![line("10.00", "TAX")];
    assert_eq!(tax_of(&books, sold(lines(), total("1.23"))).await, ("1.23".into(), "11.23".into()));
    assert_eq!(books.refused("invoice", sold(lines(), total("-1.23"))).await, "2290");
}

#[tokio::test]
async fn item_12_manual_tax_is_the_rate_of_the_documents_code_and_ignores_a_total() {
    let books = taxed(json!({"preferences": {"TaxPrefs": {"UsingSalesTax": true}}})).await;
    let coded =
        |tax: Value| sold(vec![line("2.00", "TAX"), line("5.00", "NON")], json!({"TxnTaxDetail": tax}));
    // 8.25 % of 2.00 is 0.165, half-up 0.17; 1 % is 0.02.
    let code = json!({"TxnTaxCodeRef": {"value": "70"}, "TotalTax": 9});
    assert_eq!(tax_of(&books, coded(code)).await, ("0.19".into(), "7.19".into()));
    assert_eq!(tax_of(&books, coded(json!({"TotalTax": 9}))).await.1, "7.00");
}

#[tokio::test]
async fn item_12_tax_elsewhere_is_per_rate_on_the_sum_of_its_lines() {
    let books = taxed(json!({"country": "CA"})).await;
    // 13 % of 0.08 is 0.0104; line by line it would be 0.
    let lines = vec![line("0.03", "71"), line("0.05", "71")];
    assert_eq!(tax_of(&books, sold(lines, json!({}))).await, ("0.01".into(), "0.09".into()));
}

#[tokio::test]
async fn item_12_amounts_that_include_tax_fix_the_gross_total() {
    let books = taxed(json!({"country": "CA"})).await;
    let mut bundle = line("10.61", "71");
    bundle["SalesItemLineDetail"]["TaxInclusiveAmt"] = exact("12.00");
    let discount = json!({"DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": true, "DiscountPercent": 20}});
    let body = sold(vec![bundle, discount], json!({"GlobalTaxCalculation": "TaxInclusive"}));
    let made = books.create("invoice", body.clone()).await["Invoice"].clone();
    // Recorded: 13 % of 8.49 is 1.10, but 9.60 was agreed on.
    assert_eq!(made["Line"][1]["Amount"].to_string(), "10.61");
    assert_eq!(made["Line"][2]["Amount"].to_string(), "2.12");
    let tax = &made["TxnTaxDetail"];
    assert_eq!(tax["TaxLine"][0]["TaxLineDetail"]["NetAmountTaxable"].to_string(), "8.49");
    assert_eq!((tax["TotalTax"].to_string(), made["TotalAmt"].to_string()), ("1.11".into(), "9.60".into()));
    books.switch(json!({"inclusive_tax": "on_net"}));
    assert_eq!(tax_of(&books, body).await, ("1.10".into(), "9.59".into()));
}

#[tokio::test]
async fn item_12_a_gross_amount_is_computed_checked_and_has_its_place() {
    let books = taxed(json!({"country": "CA"})).await;
    let inclusive = |gross: Option<&str>, calculation: &str| {
        let mut line = line("10.00", "71");
        if let Some(gross) = gross {
            line["SalesItemLineDetail"]["TaxInclusiveAmt"] = exact(gross);
        }
        sold(vec![line], json!({"GlobalTaxCalculation": calculation}))
    };
    let made = books.create("invoice", inclusive(None, "TaxInclusive")).await["Invoice"].clone();
    assert_eq!(made["Line"][0]["SalesItemLineDetail"]["TaxInclusiveAmt"].to_string(), "11.30");
    assert_eq!(
        (made["Line"][0]["Amount"].to_string(), made["TotalAmt"].to_string()),
        ("10.00".into(), "11.30".into())
    );
    // Who takes the gross amount for the net one is told so.
    assert_eq!(books.refused("invoice", inclusive(Some("10.00"), "TaxInclusive")).await, "6000");
    assert_eq!(books.refused("invoice", inclusive(Some("11.30"), "TaxExcluded")).await, "6000");
    // Several rates still come out at the gross amount: 8.25 % and 1 % of 1.00 are 0.08 and 0.01.
    let mut cents = line("1.00", "70");
    cents["SalesItemLineDetail"]["TaxInclusiveAmt"] = exact("1.10");
    let body = sold(vec![cents], json!({"GlobalTaxCalculation": "TaxInclusive"}));
    assert_eq!(tax_of(&books, body).await, ("0.10".into(), "1.10".into()));
}

#[tokio::test]
async fn item_12_what_is_in_yen_has_no_hundredths() {
    let books =
        taxed(json!({"country": "JP", "preferences": {"CurrencyPrefs": {"HomeCurrency": {"value": "JPY"}}}}))
            .await;
    books.seed(json!({"customers": [{"Id": "20", "DisplayName": "Søn", "CurrencyRef": {"value": "JPY"}}]}));
    let inclusive = |net: &str, gross: &str| {
        let mut line = line(net, "71");
        line["SalesItemLineDetail"]["TaxInclusiveAmt"] = exact(gross);
        sold(vec![line], json!({"GlobalTaxCalculation": "TaxInclusive", "CustomerRef": {"value": "20"}}))
    };
    // 13 % of 909 is 118.17, of which a yen's fraction is nobody's.
    assert_eq!(tax_of(&books, inclusive("909", "1027")).await, ("118.00".into(), "1027.00".into()));
    assert_eq!(books.refused("invoice", inclusive("909", "1029")).await, "6000");
    assert_eq!(books.refused("invoice", inclusive("908.85", "1027")).await, "6000");
    books.switch(json!({"amount_decimals": "two"}));
    assert_eq!(tax_of(&books, inclusive("908.85", "1027")).await, ("118.15".into(), "1027.00".into()));
}

#[tokio::test]
async fn item_14_with_several_currencies_one_that_is_missing_or_not_the_customers_is_6000() {
    let books = books().await;
    books.seed(json!({"preferences": {"CurrencyPrefs": {"MultiCurrencyEnabled": true}},
        "customers": [{"Id": "20", "DisplayName": "Søn", "CurrencyRef": {"value": "EUR"}}]}));
    let with = |customer: &str, currency: Value| {
        invoice_with(|i| {
            i["CustomerRef"]["value"] = json!(customer);
            i["CurrencyRef"] = currency;
        })
    };
    for (customer, currency) in [
        ("1", Value::Null),
        ("20", Value::Null),
        ("1", json!({"value": "EUR"})),
        ("20", json!({"value": "USD"})),
    ] {
        for path in ["invoice", "estimate", "salesreceipt"] {
            assert_eq!(
                books.refused(path, with(customer, currency.clone())).await,
                "6000",
                "{path} {customer} {currency}"
            );
        }
    }
    books.create("invoice", with("1", json!({"value": "USD"}))).await;
    let made = books.create("invoice", with("20", json!({"value": "EUR"}))).await["Invoice"].clone();
    assert_eq!(made["CurrencyRef"], json!({"value": "EUR", "name": "Euro"}));
}
