//! Intuit's metered reads: what an execution costs at most and, with what is remembered, not at all; and that they are counted
//! as the simulator of QuickBooks counts them.

use local::stack::{Options, Stack, Vendor};
use local::world::{HANNA, HARBOR, OFFER, PAID_DEAL, PAID_QUOTE, PORTAL, REALM};
use mapping::quickbooks::RealmId;
use serde_json::{Value, json};
use store::record::{Key, Record};

use crate::console::Browser;
use crate::quotes::enroll;
use crate::support::{but, company, created, invoice, portal, rows, run, settings, settled, stack, with};

fn realm() -> RealmId {
    REALM.to_owned().try_into().unwrap()
}

/// How many metered reads the company has answered.
fn answered(stack: &Stack) -> u64 {
    stack.books(REALM)["calls"]["core_plus"].as_u64().unwrap()
}

/// How many we have counted for the company this month.
async fn counted(stack: &Stack) -> u64 {
    stack.store.reads_of(&realm(), stack.now()).await.unwrap()
}

async fn record(stack: &Stack, execution_id: &str) -> Record {
    stack.store.record(&Key::of_id(PORTAL, execution_id).unwrap()).await.unwrap().expect("a record")
}

/// Runs an execution, and how many metered reads it took: by the simulator, by its record and by the company's month.
async fn cost(stack: &Stack, enrollment: Value) -> u64 {
    let (before, known) = (answered(stack), counted(stack).await);
    let shown = created(stack, enrollment.clone()).await;
    let cost = answered(stack) - before;
    assert_eq!(record(stack, shown.output("execution_id")).await.metered, cost, "{enrollment}");
    assert_eq!(counted(stack).await - known, cost, "{enrollment}");
    cost
}

fn all_three(object_type: &str, id: u64) -> [Value; 3] {
    ["invoice", "estimate", "receipt"].map(|action| enroll(action, object_type, id))
}

#[tokio::test]
async fn an_execution_takes_eight_metered_reads_at_most_and_none_with_what_is_remembered() {
    let enrollments = [("DEAL", HARBOR), ("DEAL", HANNA), ("DEAL", PAID_DEAL), ("QUOTE", OFFER)]
        .into_iter()
        .flat_map(|(object_type, id)| all_three(object_type, id))
        .chain([("DEAL", PAID_DEAL), ("QUOTE", PAID_QUOTE)].map(|(of, id)| paid(of, id)));
    for enrollment in enrollments {
        let stack = stack().await;
        settings(&stack, json!({"fee_item": rows(&stack, "Item")[0]["Id"]})).await;
        let cold = cost(&stack, enrollment.clone()).await;
        assert!((3..=8).contains(&cold), "{cold} for {enrollment}");
        assert_eq!(cost(&stack, enrollment.clone()).await, 0, "{enrollment}");
        let mut preview = enrollment.clone();
        preview["inputs"]["mode"] = json!("preview");
        assert_eq!(cost(&stack, preview).await, 0, "{enrollment}");
    }
}

#[tokio::test]
async fn a_line_that_is_no_product_of_hubspot_s_is_looked_for_once_a_day() {
    let stack = stack().await;
    let deal = json!({"id": "900", "properties": {"dealname": "Custom lines", "deal_currency_code": "USD"},
        "associations": {"contacts": ["503"], "line_items": ["901", "902"]}});
    let line = |id: &str, sku: &str, name: &str| {
        json!({"id": id, "properties": {
        "name": name, "hs_sku": sku, "quantity": "1", "price": "5", "amount": "5.00"}})
    };
    let lines = [line("901", "EQ-GR01", "A grinder"), line("902", "", "Barista training, hour")];
    portal(&stack, json!({"deals": [deal], "line_items": lines})).await;
    assert!(cost(&stack, invoice(900)).await > 0);
    let first = rows(&stack, "Invoice").pop().unwrap();
    assert_eq!(cost(&stack, invoice(900)).await, 0);
    assert_eq!(rows(&stack, "Invoice").pop().unwrap()["Line"], first["Line"]);
    // Another item has the SKU by then.
    stack.advance_clock(jiff::SignedDuration::from_hours(23));
    assert_eq!(cost(&stack, invoice(900)).await, 0, "used again, and not made younger");
    let item = &first["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"];
    let other = json!({"Name": "Another grinder", "Sku": "EQ-GR01", "Type": "Service"});
    company(&stack, json!({"items": [{"Id": item, "Sku": "EQ-GR00"}, other]})).await;
    stack.advance_clock(jiff::SignedDuration::from_hours(2));
    assert!(cost(&stack, invoice(900)).await > 0);
    let last = rows(&stack, "Invoice").pop().unwrap();
    assert_ne!(&last["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"], item);
}

#[tokio::test]
async fn products_cost_one_read_for_each_thirty_of_them() {
    let stack = stack().await;
    // Customer and preferences are known from then on.
    cost(&stack, invoice(HANNA)).await;
    let sku = |id: u64, number: u64| format!("P-{id}-{number}");
    for (id, count, reads) in [(900, 1, 1), (901, 30, 1), (902, 31, 2), (903, 61, 3)] {
        let items: Vec<Value> =
            (0..count).map(|number| json!({"Name": sku(id, number), "Sku": sku(id, number)})).collect();
        company(&stack, json!({"items": items})).await;
        let lines: Vec<Value> = (0..count).map(|number| json!({"hs_sku": sku(id, number)})).collect();
        crate::items::deal(&stack, id, &lines).await;
        assert_eq!(cost(&stack, invoice(id)).await, reads, "{count} products");
    }
}

/// A company in the United Kingdom with sterling at home, gross amounts, and one rate; and a deal in euro that names no customer
/// nor product that was met before, paid by a method that the settings do not name.
async fn sells_gross_to_paris(stack: &Stack) {
    let rate = json!({"Id": "3", "Name": "20% S", "RateValue": 20});
    let detail = json!({"TaxRateDetail": [{"TaxRateRef": {"value": "3"}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}]});
    let code = json!({"Id": "5", "Name": "20.0% S", "SalesTaxRateList": detail});
    let changes = json!({
        "country": "GB", "tax_rates": [rate], "tax_codes": [code],
        "preferences": {"CurrencyPrefs": {"MultiCurrencyEnabled": true}},
        "exchange_rates": [{"SourceCurrencyCode": "EUR", "Rate": 1.0842, "AsOfDate": "2020-01-01"}],
        "payment_methods": [{"Id": "9199", "Name": "Credit card", "Type": "CREDIT_CARD"}],
    });
    company(stack, changes).await;
    settings(stack, json!({"default_tax_code": "5", "amounts": "gross"})).await;
    let deal = json!({"id": "900", "properties": {"dealname": "Paris", "deal_currency_code": "EUR"},
        "associations": {"contacts": ["502"], "line_items": ["901"], "commerce_payments": ["902"]}});
    let line = json!({"id": "901", "properties": {"name": "Burr grinder", "hs_sku": "EQ-GR01", "hs_product_id": "7009",
        "quantity": "1", "price": "240", "amount": "240.00"}});
    portal(stack, json!({"deals": [deal], "line_items": [line], "commerce_payments": [payment_by("card")]}))
        .await;
}

fn payment_by(method: &str) -> Value {
    json!({"id": "902", "properties": {"hs_latest_status": "succeeded", "hs_initial_amount": "240.00",
        "hs_currency_code": "EUR", "hs_payment_method_type": method}})
}

fn paid(of: &str, id: u64) -> Value {
    but(enroll("invoice", of, id), json!({"inputs": {"quickbooks_account": "default", "create_paid": "yes"}}))
}

fn method_of_the_last_payment(stack: &Stack) -> Value {
    rows(stack, "Payment").pop().unwrap()["PaymentMethodRef"]["value"].clone()
}

fn tax_of_the_last_invoice(stack: &Stack) -> String {
    rows(stack, "Invoice").pop().unwrap()["TxnTaxDetail"]["TotalTax"].to_string()
}

#[tokio::test]
async fn gross_amounts_in_another_currency_paid_by_a_method_of_some_name_take_eight_too() {
    let stack = stack().await;
    sells_gross_to_paris(&stack).await;
    let mut browser = crate::connect::signed_in(&stack, PORTAL).await;
    let again = format!("/reconnect/quickbooks?realm={REALM}");
    crate::connect::connected_again(&mut browser, &again, REALM).await;
    // What was said at connecting holds: what is asked are the codes' rates, customer, item, and the day's rate.
    assert_eq!(cost(&stack, paid("DEAL", 900)).await, 8);
    assert_eq!(method_of_the_last_payment(&stack), "9199");
    let all = || all_three("DEAL", 900).into_iter().chain([paid("DEAL", 900)]);
    for enrollment in all() {
        assert_eq!(cost(&stack, enrollment.clone()).await, 0, "{enrollment}");
    }
    // Everything is old, but what is known of payment methods holds where asking would be the ninth read, however often.
    company(&stack, json!({"payment_methods": [{"Id": "9200", "Name": "Card"}]})).await;
    for _day in 0..2 {
        stack.advance_clock(jiff::SignedDuration::from_hours(25));
        crate::support::forget_matches(&stack).await;
        assert_eq!(cost(&stack, paid("DEAL", 900)).await, 8);
        assert_eq!(method_of_the_last_payment(&stack), "9199");
        for enrollment in all() {
            assert_eq!(cost(&stack, enrollment.clone()).await, 0, "{enrollment}");
        }
    }
    // One that is not among them is asked for as soon as that is no ninth read, and found.
    company(&stack, json!({"payment_methods": [{"Id": "9201", "Name": "Wire transfer"}]})).await;
    portal(&stack, json!({"commerce_payments": [payment_by("wire_transfer")]})).await;
    stack.advance_clock(jiff::SignedDuration::from_hours(25));
    crate::support::forget_matches(&stack).await;
    assert_eq!(cost(&stack, paid("DEAL", 900)).await, 8);
    assert_eq!(method_of_the_last_payment(&stack), json!(null));
    assert_eq!(cost(&stack, paid("DEAL", 900)).await, 4, "preferences, methods, code, rates");
    assert_eq!(method_of_the_last_payment(&stack), "9201");
    assert_eq!(cost(&stack, paid("DEAL", 900)).await, 0);
    // A method that the action or the settings name is not looked for.
    stack.advance_clock(jiff::SignedDuration::from_hours(25));
    settings(&stack, json!({"payment_methods": {"wire_transfer": "9200"}})).await;
    assert_eq!(cost(&stack, paid("DEAL", 900)).await, 4, "preferences, code, rates, the day's rate");
    assert_eq!(method_of_the_last_payment(&stack), "9200");
}

#[tokio::test]
async fn a_tax_code_that_is_gone_is_asked_for_once_an_hour() {
    let stack = stack().await;
    sells_gross_to_paris(&stack).await;
    settings(&stack, json!({"tax": "hubspot", "tax_codes": {"20": "5", "7": "77"}})).await;
    cost(&stack, invoice(900)).await;
    assert_eq!(cost(&stack, invoice(900)).await, 0);
    stack.advance_clock(jiff::SignedDuration::from_mins(59));
    assert_eq!(cost(&stack, invoice(900)).await, 0);
    stack.advance_clock(jiff::SignedDuration::from_mins(2));
    assert_eq!(cost(&stack, invoice(900)).await, 4, "preferences, codes, rates, the day's rate");
}

#[tokio::test]
async fn a_day_s_exchange_rate_holds_for_an_hour() {
    let stack = stack().await;
    sells_gross_to_paris(&stack).await;
    cost(&stack, invoice(900)).await;
    assert_eq!(cost(&stack, invoice(900)).await, 0);
    // A person may have entered another one by then.
    stack.advance_clock(jiff::SignedDuration::from_mins(61));
    let rates = json!([{"SourceCurrencyCode": "EUR", "Rate": 1.1, "AsOfDate": "2020-01-02"}]);
    company(&stack, json!({"exchange_rates": rates})).await;
    assert_eq!(cost(&stack, invoice(900)).await, 1);
    assert_eq!(rows(&stack, "Invoice").last().unwrap()["ExchangeRate"], json!(1.1));
}

#[tokio::test]
async fn sales_tax_by_hand_asks_whom_and_what_is_taxed_once_an_hour() {
    let stack = stack().await;
    crate::taxed::keeps_sales_tax(&stack, crate::taxed::by_hand()).await;
    crate::taxed::deal_with_tax(&stack, json!({}), json!({})).await;
    let items = rows(&stack, "Item");
    settings(&stack, json!({"fee_item": items[0]["Id"], "default_item": items[1]["Id"]})).await;
    let all = [(invoice(920), 7), (paid("DEAL", PAID_DEAL), 4), (enroll("invoice", "QUOTE", OFFER), 2)];
    for (enrollment, reads) in all {
        assert_eq!(cost(&stack, enrollment.clone()).await, reads, "{enrollment}");
        assert_eq!(cost(&stack, enrollment.clone()).await, 0, "{enrollment}");
    }
    for enrollment in all_three("DEAL", 920) {
        assert_eq!(cost(&stack, enrollment.clone()).await, 0, "{enrollment}");
    }
    assert_eq!(tax_of_the_last_invoice(&stack), "19.20");
    // Whoever becomes exempt is so within the hour: using what is remembered makes it no younger.
    stack.advance_clock(jiff::SignedDuration::from_mins(50));
    assert_eq!(cost(&stack, invoice(920)).await, 0);
    let exempt = json!({"customers": [{"DisplayName": "Theo Brandt", "Taxable": false}]});
    company(&stack, exempt).await;
    stack.advance_clock(jiff::SignedDuration::from_mins(11));
    assert_eq!(cost(&stack, invoice(920)).await, 2, "customer and items");
    assert_eq!(tax_of_the_last_invoice(&stack), "0");
    for enrollment in all_three("DEAL", 920) {
        assert_eq!(cost(&stack, enrollment.clone()).await, 0, "{enrollment}");
    }
}

/// The tax code of the last invoice, and how many of its lines are taxed.
fn taxed(stack: &Stack) -> (Value, usize) {
    let invoice = rows(stack, "Invoice").pop().unwrap();
    let lines = invoice["Line"].as_array().unwrap().iter();
    let taxed = lines.filter(|line| line["SalesItemLineDetail"]["TaxCodeRef"]["value"] == "TAX").count();
    (invoice["TxnTaxDetail"]["TxnTaxCodeRef"]["value"].clone(), taxed)
}

#[tokio::test]
async fn of_what_an_execution_creates_it_is_known_what_is_taxed() {
    let stack = stack().await;
    crate::taxed::keeps_sales_tax(&stack, crate::taxed::by_hand()).await;
    let income =
        rows(&stack, "Account").into_iter().find(|account| account["AccountType"] == "Income").unwrap();
    settings(&stack, json!({"income_account": income["Id"], "default_tax_code": "72"})).await;
    let deal = json!({"id": "900", "properties": {"dealname": "First order", "deal_currency_code": "USD"},
        "associations": {"contacts": ["905"], "line_items": ["901"]}});
    let contact = json!({"id": "905", "properties": {"firstname": "Ines", "lastname": "Okafor", "email": "ines@okafor.example"}});
    let line = json!({"id": "901", "properties": {"name": "Never sold before", "hs_sku": "NEW-1", "quantity": "1",
        "price": "50", "amount": "50.00"}});
    portal(&stack, json!({"deals": [deal], "contacts": [contact], "line_items": [line]})).await;
    let creating =
        but(invoice(900), json!({"inputs": {"quickbooks_account": "default", "missing_item": "create"}}));
    assert_eq!(cost(&stack, creating.clone()).await, 6, "preferences, country, customer, product");
    // QuickBooks gave the customer the company's code, 71: nobody chose that.
    assert_eq!(taxed(&stack), (json!("72"), 1));
    assert_eq!(cost(&stack, creating.clone()).await, 0);
    assert_eq!(taxed(&stack), (json!("72"), 1));
    stack.advance_clock(jiff::SignedDuration::from_mins(61));
    assert_eq!(cost(&stack, creating).await, 2);
    assert_eq!(taxed(&stack), (json!("72"), 1));
}

#[tokio::test]
async fn who_was_refused_asks_what_is_taxed_whatever_is_remembered() {
    let stack = stack().await;
    crate::taxed::keeps_sales_tax(&stack, crate::taxed::by_hand()).await;
    let grinder = rows(&stack, "Item").into_iter().find(|item| item["Sku"] == "EQ-GR01").unwrap();
    settings(&stack, json!({"no_line_items": "deal_amount", "default_item": grinder["Id"]})).await;
    let deal = json!({"id": "900", "properties": {"dealname": "A grinder", "deal_currency_code": "USD", "amount": "240"},
        "associations": {"contacts": ["502"], "line_items": []}});
    portal(&stack, json!({"deals": [deal]})).await;
    cost(&stack, invoice(900)).await;
    assert_eq!(taxed(&stack).1, 1);
    // The item is taxed no more, and the customer that is remembered was made inactive.
    let customer = rows(&stack, "Invoice").pop().unwrap()["CustomerRef"]["value"].clone();
    let gone = json!({"items": [{"Id": grinder["Id"], "Name": grinder["Name"], "Taxable": false}],
        "customers": [{"Id": customer, "Active": false}]});
    company(&stack, gone).await;
    let other = json!({"DisplayName": "T. Brandt", "PrimaryEmailAddr": {"Address": "theo.brandt@brandtandsons.example"}});
    company(&stack, json!({"customers": [other]})).await;
    assert!(cost(&stack, invoice(900)).await > 0);
    assert_eq!(taxed(&stack).1, 0);
}

#[tokio::test]
async fn what_fails_what_a_person_looks_at_and_what_a_drop_down_reads_is_counted_too() {
    let stack = stack().await;
    let shown = settled(&stack, run(&stack, invoice(local::world::LETTERING)).await).await;
    assert_eq!(shown.output("errorCode"), "ITEM_NOT_FOUND");
    assert_eq!(record(&stack, shown.output("execution_id")).await.metered, answered(&stack));
    let asked = json!({
        "portal_id": PORTAL.0, "action": "invoice", "field": "payment_method",
        "inputs": {"quickbooks_account": "default", "create_paid": "yes"},
    });
    stack.options(&asked).await.unwrap();
    // A refused call costs nothing.
    let refused = json!([{"path": "/query", "times": 1, "status": 503}]);
    stack.faults(Vendor::QuickBooks, &refused).unwrap();
    stack.options(&asked).await.unwrap();
    assert_eq!(counted(&stack).await, answered(&stack));
}

#[tokio::test]
async fn of_many_at_once_no_read_is_lost_to_another() {
    let stack = stack().await;
    let now = stack.now();
    let realm = realm();
    futures::future::join_all((1..=40).map(|reads| stack.store.count_reads(&realm, reads, now)))
        .await
        .into_iter()
        .for_each(Result::unwrap);
    let other = "42".to_owned().try_into().unwrap();
    stack.store.count_reads(&other, 5, now).await.unwrap();
    assert_eq!(
        (stack.store.reads_of(&realm, now).await.unwrap(), stack.store.reads(now).await.unwrap()),
        (820, 825)
    );
    // The next month begins at nothing.
    let later = now + jiff::SignedDuration::from_hours(24 * 31);
    assert_eq!(stack.store.reads(later).await.unwrap(), 0);
}

#[tokio::test]
async fn the_console_shows_the_reads_of_a_company_and_of_an_execution() {
    let stack = stack().await;
    let shown = created(&stack, invoice(HARBOR)).await;
    let reads = counted(&stack).await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    let page = browser.get(&format!("/console/company/{REALM}")).await.body;
    assert!(page.contains("Reads this month") && page.contains(&format!("<p>{reads}</p>")), "{page}");
    let page = browser.get(&format!("/console/execution?id={}", shown.output("execution_id"))).await.body;
    assert!(page.contains(&format!("<dt>Metered reads of QuickBooks</dt><dd>{reads}</dd>")), "{page}");
}

#[tokio::test]
async fn the_refresher_warns_once_the_workspace_has_used_80_percent_of_its_quota() {
    let quota = vec![("METERED_QUOTA".to_owned(), "100".to_owned())];
    let stack = with(Options { variables: quota, ..Options::default() }).await;
    let told = |level: &str| {
        let log = std::fs::read_to_string(stack.logs.join("refresh.log")).unwrap_or_default();
        log.lines().filter(|line| line.contains("metered.used") && line.contains(level)).count()
    };
    stack.store.count_reads(&realm(), 79, stack.now()).await.unwrap();
    stack.tick("refresh").await.unwrap();
    assert_eq!((told("INFO"), told("WARN")), (1, 0));
    stack.store.count_reads(&"42".to_owned().try_into().unwrap(), 1, stack.now()).await.unwrap();
    stack.tick("refresh").await.unwrap();
    assert_eq!((told("INFO"), told("WARN")), (1, 1));
}
