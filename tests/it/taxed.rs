//! Companies that tax otherwise: outside the United States each line has a code, and a company may change its ways.

use local::stack::Stack;
use local::world::HARBOR;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::{but, company, created, invoice, refused, rows, settings, stack, the_invoice};

/// A company in the United Kingdom, with a rate of 20 %.
async fn moves_to_britain(stack: &Stack) {
    let rate = json!({"Id": "3", "Name": "20% S", "RateValue": 20});
    let rates = json!({"TaxRateDetail": [{"TaxRateRef": {"value": "3"}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}]});
    let code = json!({"Id": "5", "Name": "20.0% S", "SalesTaxRateList": rates});
    company(stack, json!({"country": "GB", "tax_rates": [rate], "tax_codes": [code]})).await;
}

fn codes(document: &Value) -> Vec<String> {
    let lines = document["Line"].as_array().unwrap().iter();
    let code = |line: &Value| line["SalesItemLineDetail"]["TaxCodeRef"]["value"].as_str().map(str::to_owned);
    lines.filter_map(code).collect()
}

#[tokio::test]
async fn outside_the_united_states_every_line_has_the_code_of_the_settings() {
    let stack = stack().await;
    moves_to_britain(&stack).await;
    let shown = refused(&stack, invoice(HARBOR), "TAX_UNMAPPED").await;
    let message = shown.output("errorMessage");
    assert!(message.contains("“default_tax_code”"), "{message}");
    assert!(shown.label().contains("Harbor Kitchen"), "{}", shown.label());
    settings(&stack, json!({"default_tax_code": "5"})).await;
    for (action, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        let inputs = json!({"action": action, "inputs": {"quickbooks_account": "default"}});
        let shown = created(&stack, but(invoice(HARBOR), inputs)).await;
        let sums = (shown.output("subtotal"), shown.output("tax"), shown.output("total"));
        assert_eq!(sums, ("949.40", "189.88", "1139.28"), "{action}");
        assert_eq!(shown.output("warnings"), "");
        let made = rows(&stack, entity).pop().unwrap();
        assert_eq!(codes(&made), ["5", "5", "5"]);
        assert_eq!(made["GlobalTaxCalculation"], "TaxExcluded");
    }
}

#[tokio::test]
async fn amounts_that_hold_tax_are_split_and_come_to_hubspot_s_sum() {
    let stack = stack().await;
    moves_to_britain(&stack).await;
    settings(&stack, json!({"default_tax_code": "5", "amounts": "gross", "totals": "refuse"})).await;
    for _warm in [false, true] {
        let shown = created(&stack, invoice(HARBOR)).await;
        let sums = (shown.output("subtotal"), shown.output("tax"), shown.output("total"));
        assert_eq!(sums, ("791.17", "158.23", "949.40"));
        assert_eq!(shown.output("warnings"), "");
    }
    let made = rows(&stack, "Invoice").pop().unwrap();
    assert_eq!(made["GlobalTaxCalculation"], "TaxInclusive");
    let gross = &made["Line"][0]["SalesItemLineDetail"]["TaxInclusiveAmt"];
    assert_eq!(gross.to_string().parse::<Decimal>().unwrap(), Decimal::from(348));
    settings(&stack, json!({"default_tax_code": "77"})).await;
    let shown = refused(&stack, invoice(HARBOR), "TAX_UNMAPPED").await;
    assert!(shown.output("errorMessage").contains("tax code 77"), "{}", shown.0);
}

#[tokio::test]
async fn without_tax_a_document_is_outside_of_it_everywhere() {
    let stack = stack().await;
    settings(&stack, json!({"tax": "none"})).await;
    let taxed = json!({"TaxPrefs": {"UsingSalesTax": true, "PartnerTaxEnabled": true}});
    let item = json!({"Name": "House blend, 12 oz", "Taxable": true});
    company(&stack, json!({"preferences": taxed, "items": [item]})).await;
    let shown = created(&stack, invoice(HARBOR)).await;
    assert_eq!((shown.output("tax"), shown.output("total")), ("0.00", "949.40"));
    assert_eq!(codes(&the_invoice(&stack)), ["NON", "NON", "NON"]);
}

#[tokio::test]
async fn a_company_that_is_taxed_otherwise_by_now_is_asked_again() {
    let stack = stack().await;
    created(&stack, invoice(HARBOR)).await;
    // What it said is kept for a day; meanwhile it is another company.
    moves_to_britain(&stack).await;
    settings(&stack, json!({"default_tax_code": "5"})).await;
    let shown = created(&stack, invoice(HARBOR)).await;
    assert_eq!((shown.output("tax"), shown.output("total")), ("189.88", "1139.28"));
    assert_eq!(rows(&stack, "Invoice").len(), 2);
    settings(&stack, json!({"tax": "none"})).await;
    let shown = created(&stack, invoice(HARBOR)).await;
    assert_eq!((shown.output("tax"), shown.output("total")), ("0.00", "949.40"));
}

#[tokio::test]
async fn a_tax_code_that_is_gone_is_told() {
    let stack = stack().await;
    moves_to_britain(&stack).await;
    settings(&stack, json!({"default_tax_code": "77"})).await;
    refused(&stack, invoice(HARBOR), "TAX_UNMAPPED").await;
}
