//! Companies that tax otherwise: outside the United States each line has a code, and a company may change its ways.

use local::stack::{Stack, Vendor};
use local::world::{HARBOR, HUBSPOT_TOKEN, PORTAL, SCOPES};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::quotes::enroll;
use crate::support::{
    Shown, but, company, created, invoice, portal, refused, rows, settings, stack, the_invoice,
};

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

/// A deal of a grinder for 240.00 and an hour of training for 95.00, each with what HubSpot says of its tax.
pub(crate) async fn deal_with_tax(stack: &Stack, grinder: Value, training: Value) {
    let deal = json!({
        "id": "920", "properties": {"dealname": "Brandt – grinder"},
        "associations": {"contacts": ["502"], "line_items": ["921", "922"]},
    });
    let line = |id: &str, name: &str, sku: &str, product: &str, price: &str, tax: Value| {
        let figures = json!({"name": name, "hs_sku": sku, "hs_product_id": product, "quantity": "1", "price": price, "amount": price,
            "hs_position_on_quote": id});
        json!({"id": id, "properties": but(figures, tax)})
    };
    let lines = [
        line("921", "Burr grinder", "EQ-GR01", "7003", "240.00", grinder),
        line("922", "Barista training, hour", "SVC-TR60", "7004", "95.00", training),
    ];
    portal(stack, json!({"deals": [deal], "line_items": lines})).await;
}

/// Sales tax of the company, of which the items are taxed.
pub(crate) async fn keeps_sales_tax(stack: &Stack, prefs: Value) {
    let items = rows(stack, "Item");
    let taxable =
        |item: &Value| json!({"Id": item["Id"], "Name": item["Name"], "Taxable": item["Sku"] == "EQ-GR01"});
    let items: Vec<Value> = items.iter().map(taxable).collect();
    let rate = json!({"Id": "60", "Name": "State", "RateValue": 8});
    let rates =
        json!({"TaxRateDetail": [{"TaxRateRef": {"value": "60"}, "TaxTypeApplicable": "TaxOnAmount"}]});
    let codes =
        ["71", "72"].map(|id| json!({"Id": id, "Name": format!("State {id}"), "SalesTaxRateList": rates}));
    let changes =
        json!({"preferences": {"TaxPrefs": prefs}, "items": items, "tax_rates": [rate], "tax_codes": codes});
    company(stack, changes).await;
}

fn automated() -> Value {
    json!({"UsingSalesTax": true, "PartnerTaxEnabled": true})
}

pub(crate) fn by_hand() -> Value {
    json!({"UsingSalesTax": true, "TaxGroupCodeRef": {"value": "71"}})
}

/// The deal as each of the three documents: tax, total, warnings, and the codes of its lines, which all of them share.
async fn as_each_document(stack: &Stack) -> (String, String, String, Vec<String>) {
    let mut shown = Vec::new();
    for (action, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        let execution = created(stack, enroll(action, "DEAL", 920)).await;
        let made = rows(stack, entity).pop().unwrap();
        let output = |name: &str| execution.output(name).to_owned();
        let warnings = ["invoice", "estimate", "sales receipt"];
        let warnings = warnings.iter().fold(output("warnings"), |text, noun| text.replace(noun, "document"));
        shown.push((output("tax"), output("total"), warnings, codes(&made)));
    }
    assert_eq!((&shown[0], &shown[0]), (&shown[1], &shown[2]));
    shown.remove(0)
}

fn expected(tax: &str, total: &str, codes: &[&str]) -> (String, String, String, Vec<String>) {
    (tax.to_owned(), total.to_owned(), String::new(), codes.iter().map(|code| (*code).to_owned()).collect())
}

fn rate(percent: &str) -> Value {
    json!({"hs_tax_rate": percent})
}

#[tokio::test]
async fn automated_sales_tax_is_quickbooks_or_hubspot_s_to_the_cent() {
    let stack = stack().await;
    keeps_sales_tax(&stack, automated()).await;
    let uneven = json!({"hs_tax_rate": "8.875", "hs_tax_amount": "21.31"});
    deal_with_tax(&stack, uneven, json!({})).await;
    assert_eq!(as_each_document(&stack).await, expected("19.20", "354.20", &["TAX", "NON"]));
    settings(&stack, json!({"tax": "hubspot", "totals": "refuse"})).await;
    assert_eq!(as_each_document(&stack).await, expected("21.31", "356.31", &["TAX", "NON"]));
    deal_with_tax(&stack, json!({"hs_auto_tax_amount": "20.11"}), rate("0")).await;
    assert_eq!(as_each_document(&stack).await, expected("20.11", "355.11", &["TAX", "NON"]));
    deal_with_tax(&stack, json!({}), json!({})).await;
    assert_eq!(as_each_document(&stack).await, expected("0.00", "335.00", &["NON", "NON"]));
}

#[tokio::test]
async fn without_sales_tax_nothing_is_taxed_and_hubspot_s_tax_is_told() {
    let stack = stack().await;
    deal_with_tax(&stack, rate("8"), json!({})).await;
    assert_eq!(as_each_document(&stack).await.1, "335.00");
    settings(&stack, json!({"tax": "hubspot"})).await;
    let shown = refused(&stack, enroll("invoice", "DEAL", 920), "TAX_UNMAPPED").await;
    assert!(shown.output("errorMessage").contains("keeps no sales tax"), "{}", shown.0);
    deal_with_tax(&stack, json!({}), json!({})).await;
    assert_eq!(as_each_document(&stack).await.1, "335.00");
}

#[tokio::test]
async fn sales_tax_by_hand_is_what_items_and_company_say_on_warm_caches_too() {
    let stack = stack().await;
    keeps_sales_tax(&stack, by_hand()).await;
    deal_with_tax(&stack, json!({}), json!({})).await;
    for _warm in [false, true] {
        assert_eq!(as_each_document(&stack).await, expected("19.20", "354.20", &["TAX", "NON"]));
    }
    assert_eq!(rows(&stack, "Invoice").pop().unwrap()["TxnTaxDetail"]["TxnTaxCodeRef"]["value"], "71");
    let elsewhere = json!({"DisplayName": "Theo Brandt", "DefaultTaxCodeRef": {"value": "72"}});
    company(&stack, json!({"customers": [elsewhere]})).await;
    stack.advance_clock(jiff::SignedDuration::from_mins(61));
    created(&stack, enroll("invoice", "DEAL", 920)).await;
    assert_eq!(rows(&stack, "Invoice").pop().unwrap()["TxnTaxDetail"]["TxnTaxCodeRef"]["value"], "72");
}

#[tokio::test]
async fn sales_tax_by_hand_has_one_code_for_hubspot_s_rates() {
    let stack = stack().await;
    keeps_sales_tax(&stack, by_hand()).await;
    settings(&stack, json!({"tax": "hubspot", "tax_codes": {"8": "72", "9": "71"}})).await;
    deal_with_tax(&stack, rate("8"), rate("8.0")).await;
    assert_eq!(as_each_document(&stack).await, expected("26.80", "361.80", &["TAX", "TAX"]));
    assert_eq!(rows(&stack, "Invoice").pop().unwrap()["TxnTaxDetail"]["TxnTaxCodeRef"]["value"], "72");
    deal_with_tax(&stack, rate("8"), rate("9")).await;
    let shown = refused(&stack, enroll("invoice", "DEAL", 920), "TAX_UNMAPPED").await;
    assert!(shown.output("errorMessage").contains("(71, 72)"), "{}", shown.0);
}

/// A company in the United Kingdom with rates of 20 %, 5 % and none: codes 5, 6 and 7.
async fn has_british_codes(stack: &Stack) {
    let rate =
        |id: &str, percent: u32| json!({"Id": id, "Name": format!("{percent}% S"), "RateValue": percent});
    let code = |id: &str, rate: &str| {
        let rates =
            json!({"TaxRateDetail": [{"TaxRateRef": {"value": rate}, "TaxTypeApplicable": "TaxOnAmount"}]});
        json!({"Id": id, "Name": format!("Code {id}"), "SalesTaxRateList": rates})
    };
    let changes = json!({
        "country": "GB", "tax_rates": [rate("3", 20), rate("4", 5), rate("2", 0)],
        "tax_codes": [code("5", "3"), code("6", "4"), code("7", "2")],
    });
    company(stack, changes).await;
}

async fn taxed_by_hubspot(stack: &Stack, more: Value) {
    let codes = json!({"tax": "hubspot", "default_tax_code": "7", "tax_codes": {"20": "5", "5": "6", "id 4711": "6"}});
    settings(stack, but(codes, more)).await;
}

#[tokio::test]
async fn elsewhere_each_line_has_the_code_of_its_rate_in_hubspot() {
    let stack = stack().await;
    has_british_codes(&stack).await;
    taxed_by_hubspot(&stack, json!({"totals": "refuse"})).await;
    deal_with_tax(&stack, rate("20"), rate("5")).await;
    assert_eq!(as_each_document(&stack).await, expected("52.75", "387.75", &["5", "6"]));
    deal_with_tax(&stack, json!({"hs_tax_rate_group_id": "4711", "hs_tax_rate": "20"}), json!({})).await;
    assert_eq!(as_each_document(&stack).await.3, ["6", "7"]);
    deal_with_tax(&stack, rate("19"), rate("5")).await;
    for action in ["invoice", "estimate", "receipt"] {
        let shown = refused(&stack, enroll(action, "DEAL", 920), "TAX_UNMAPPED").await;
        let message = shown.output("errorMessage");
        assert!(message.contains("“Burr grinder”") && message.contains("19 %"), "{message}");
        assert!(shown.label().contains("Burr grinder"), "{}", shown.label());
    }
}

#[tokio::test]
async fn gross_amounts_are_split_by_the_code_of_each_line() {
    let stack = stack().await;
    has_british_codes(&stack).await;
    taxed_by_hubspot(&stack, json!({"amounts": "gross"})).await;
    deal_with_tax(&stack, rate("20"), rate("5")).await;
    // 240.00 holds 40.00 of tax, 95.00 holds 4.52.
    assert_eq!(as_each_document(&stack).await, expected("44.52", "335.00", &["5", "6"]));
}

#[tokio::test]
async fn what_quickbooks_makes_of_hubspot_s_rates_is_told_where_it_differs() {
    let stack = stack().await;
    has_british_codes(&stack).await;
    taxed_by_hubspot(&stack, json!({})).await;
    // HubSpot rounds line by line, and QuickBooks the sum.
    deal_with_tax(&stack, json!({"hs_tax_rate": "20", "hs_tax_amount": "48.01"}), rate("5")).await;
    let (_, total, warnings, _) = as_each_document(&stack).await;
    assert_eq!(total, "387.75");
    assert!(warnings.contains("387.75") && warnings.contains("387.76"), "{warnings}");
}

/// A quote of 171.00 with this percentage of tax on the whole.
async fn quote_with_tax(stack: &Stack, percent: &str) {
    let mut objects = crate::quotes::quote("910", json!({"hs_quote_amount": "205.20"}));
    objects["quotes"][0]["associations"]["taxes"] = json!(["9401"]);
    objects["taxes"] =
        json!([{"id": "9401", "properties": {"hs_label": "VAT", "hs_type": "PERCENT", "hs_value": percent}}]);
    portal(stack, objects).await;
}

#[tokio::test]
async fn a_quote_s_own_taxes_that_the_document_will_not_have_are_told_of_its_amount() {
    let stack = stack().await;
    settings(&stack, json!({"totals": "refuse"})).await;
    quote_with_tax(&stack, "20").await;
    let shown = refused(&stack, enroll("invoice", "QUOTE", 910), "TOTAL_MISMATCH").await;
    assert!(shown.output("errorMessage").contains("205.20, of which 34.20 is tax"), "{}", shown.0);
    settings(&stack, json!({"totals": "warn"})).await;
    let shown = created(&stack, enroll("invoice", "QUOTE", 910)).await;
    assert_eq!(shown.output("total"), "171.00");
    assert!(shown.output("warnings").contains("205.20, of which 34.20 is tax"), "{}", shown.0);
    // What cannot be read says nothing of the amount, and stops nothing.
    quote_with_tax(&stack, "a fifth").await;
    let shown = created(&stack, enroll("invoice", "QUOTE", 910)).await;
    assert!(shown.output("warnings").contains("205.20"), "{}", shown.0);
    settings(&stack, json!({"tax": "hubspot"})).await;
    let shown = refused(&stack, enroll("invoice", "QUOTE", 910), "ADJUSTMENT_INVALID").await;
    assert!(shown.output("errorMessage").contains("VAT"), "{}", shown.0);
}

#[tokio::test]
async fn a_quote_s_own_taxes_are_one_code_on_everything() {
    let stack = stack().await;
    has_british_codes(&stack).await;
    taxed_by_hubspot(&stack, json!({"totals": "refuse"})).await;
    quote_with_tax(&stack, "20").await;
    let shown = created(&stack, enroll("invoice", "QUOTE", 910)).await;
    assert_eq!(
        (shown.output("tax"), shown.output("total"), shown.output("warnings")),
        ("34.20", "205.20", "")
    );
    assert_eq!(codes(&the_invoice(&stack)), ["5", "5"]);
}

#[tokio::test]
async fn the_library_of_rates_takes_its_permission_only_where_it_is_needed() {
    let stack = stack().await;
    has_british_codes(&stack).await;
    taxed_by_hubspot(&stack, json!({})).await;
    let library = json!([{"id": "4712", "percentageRate": 20, "name": "Standard"}]);
    let seed = json!({"portals": [{"portal_id": PORTAL.0, "tax_rates": library}]});
    stack.seed_hubspot(&seed).await.unwrap_or_else(|error| panic!("{error}"));
    // Its id is mapped, and what it comes to is said.
    let mapped = json!({"hs_tax_rate_group_id": "4711", "hs_tax_amount": "12.00"});
    deal_with_tax(&stack, mapped, json!({})).await;
    created(&stack, enroll("invoice", "DEAL", 920)).await;
    deal_with_tax(&stack, json!({"hs_tax_rate_group_id": "4712"}), json!({})).await;
    let shown = refused(&stack, enroll("invoice", "DEAL", 920), "PERMISSION_MISSING").await;
    assert!(shown.output("errorMessage").contains("tax_rates.read"), "{}", shown.0);
    let scopes = [&SCOPES[..], &["tax_rates.read"]].concat();
    let token = json!({"token": HUBSPOT_TOKEN, "portal_id": PORTAL.0, "scopes": scopes});
    let seed = json!({"access_tokens": [token]});
    stack.seed_hubspot(&seed).await.unwrap_or_else(|error| panic!("{error}"));
    let shown = created(&stack, enroll("invoice", "DEAL", 920)).await;
    assert_eq!((shown.output("tax"), shown.output("warnings")), ("48.00", ""));
}

/// How often an invoice, estimate or sales receipt was sent.
fn sends(stack: &Stack, entity: &str) -> usize {
    let path = format!("/{}", entity.to_lowercase());
    let calls = stack.calls(Vendor::QuickBooks);
    calls.iter().filter(|call| call.method == "POST" && call.path.ends_with(&path)).count()
}

#[tokio::test]
async fn a_company_that_changed_its_ways_is_asked_once_more_and_its_document_sent_once_more() {
    for (action, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("receipt", "SalesReceipt")] {
        let stack = stack().await;
        let sent = async |code: &str| -> (Shown, usize) {
            let before = sends(&stack, entity);
            let shown = match code {
                "NONE" => created(&stack, enroll(action, "DEAL", HARBOR)).await,
                code => refused(&stack, enroll(action, "DEAL", HARBOR), code).await,
            };
            (shown, sends(&stack, entity) - before)
        };
        settings(&stack, json!({"default_tax_code": "5"})).await;
        assert_eq!(sent("NONE").await.1, 1);
        // 6000: a line without a tax code.
        moves_to_britain(&stack).await;
        let (shown, count) = sent("NONE").await;
        assert_eq!((shown.output("tax"), count), ("189.88", 2), "{action}");
        // 6100: a tax code that is none in the United States.
        company(&stack, json!({"country": "US"})).await;
        let (shown, count) = sent("NONE").await;
        assert_eq!((shown.output("tax"), count), ("0.00", 2), "{action}");
        // And where asking again does not help, it ends.
        moves_to_britain(&stack).await;
        settings(&stack, json!({"default_tax_code": "77"})).await;
        let (_, count) = sent("TAX_UNMAPPED").await;
        assert!(count <= 3, "{action}: sent {count} times");
    }
}
