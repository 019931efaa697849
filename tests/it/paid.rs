//! Paid documents: payments found in HubSpot, recorded in QuickBooks, once.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use local::stack::{Stack, Vendor};
use local::world::{HANNA, PORTAL, REALM};
use serde_json::{Value, json};
use store::record::{Key, State};

use crate::quotes::{decimal, enroll, quote};
use crate::support::{
    but, company, created, portal, refused, rows, run, settings, settled, stack, the_invoice,
};

/// A payment of the quote or deal it hangs on.
pub(crate) fn payment(id: &str, changes: Value) -> Value {
    let mut properties = json!({
        "hs_latest_status": "succeeded", "hs_initial_amount": "171.00", "hs_currency_code": "USD",
        "hs_initiated_date": "2026-11-02T15:00:00Z", "hs_reference_number": "ch_3PqX21",
    });
    for (name, value) in changes.as_object().unwrap() {
        properties[name] = value.clone();
    }
    json!({"id": id, "properties": properties})
}

/// A quote that was paid, and its payment.
pub(crate) async fn paid_quote(stack: &Stack, payment: Value) {
    let mut objects = quote("910", json!({"hs_payment_status": "PAID", "hs_payment_date": "2026-11-02"}));
    objects["quotes"][0]["associations"]["commerce_payments"] = json!([payment["id"]]);
    objects["commerce_payments"] = json!([payment]);
    portal(stack, objects).await;
}

pub(crate) fn paid(object_type: &str, id: u64) -> Value {
    let inputs = json!({"inputs": {"quickbooks_account": "default", "due_days": "30", "create_paid": "yes"}});
    but(enroll("invoice", object_type, id), inputs)
}

// product.md §1.5

#[tokio::test]
async fn line_1_5_a_paid_quote_becomes_an_invoice_with_its_payment() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    let shown = created(&stack, paid("QUOTE", 910)).await;
    assert_eq!(
        (shown.output("status"), shown.output("paid_amount"), shown.output("balance")),
        ("paid", "171.00", "0.00")
    );
    let made = rows(&stack, "Payment").pop().unwrap();
    assert_eq!(made["Id"], shown.output("payment_id"));
    assert_eq!((&made["TxnDate"], &made["PaymentRefNum"]), (&json!("2026-11-02"), &json!("ch_3PqX21")));
    assert_eq!(decimal(&the_invoice(&stack)["Balance"]), "0".parse().unwrap());
    assert!(shown.label().contains("171.00"), "{}", shown.label());
}

#[tokio::test]
async fn line_1_5_without_payment_information_it_is_an_ordinary_invoice() {
    let stack = stack().await;
    let shown = created(&stack, paid("DEAL", HANNA)).await;
    assert_eq!((shown.output("status"), shown.output("payment_id")), ("created", ""));
    assert!(rows(&stack, "Payment").is_empty());
}

#[tokio::test]
async fn line_1_5_no_is_no_even_when_it_was_paid() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    let unpaid =
        but(paid("QUOTE", 910), json!({"inputs": {"quickbooks_account": "default", "create_paid": "no"}}));
    created(&stack, unpaid).await;
    assert!(rows(&stack, "Payment").is_empty());
}

#[tokio::test]
async fn line_1_5_sales_receipts_work_for_all_product_types() {
    let stack = stack().await;
    let types = ["Service", "NonInventory", "Inventory"];
    let items: Vec<_> =
        types.iter().map(|kind| json!({"Name": format!("A {kind}"), "Type": kind, "UnitPrice": 5})).collect();
    company(&stack, json!({"items": items})).await;
    let lines: Vec<_> = types
        .iter()
        .zip(9501..)
        .map(|(kind, id)| json!({"id": id.to_string(), "properties": {"name": format!("A {kind}"), "quantity": "1", "price": "5"}}))
        .collect();
    let ids = json!(["9501", "9502", "9503"]);
    let deal = json!({"id": "920", "properties": {"dealname": "All kinds", "deal_currency_code": "USD"},
        "associations": {"contacts": ["503"], "line_items": ids}});
    portal(&stack, json!({"deals": [deal], "line_items": lines})).await;
    let shown = created(&stack, enroll("receipt", "DEAL", 920)).await;
    assert_eq!((shown.output("total"), shown.output("document_type")), ("15.00", "SalesReceipt"));
}

#[tokio::test]
async fn a_sales_receipt_says_when_how_and_where_it_was_paid() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    let (method, account) = (id_of(&stack, "PaymentMethod", "Visa"), id_of(&stack, "Account", "Checking"));
    let inputs = json!({"inputs": {"quickbooks_account": "default", "payment_method": method, "deposit_account": account}});
    created(&stack, but(enroll("receipt", "QUOTE", 910), inputs)).await;
    let made = rows(&stack, "SalesReceipt").pop().unwrap();
    assert_eq!(made["PaymentMethodRef"]["value"], method);
    assert_eq!(made["DepositToAccountRef"]["value"], account);
    assert_eq!((&made["TxnDate"], &made["PaymentRefNum"]), (&json!("2026-11-02"), &json!("ch_3PqX21")));
}

#[tokio::test]
async fn taxable_lines_may_be_paid() {
    let stack = stack().await;
    let tax = json!({"TaxPrefs": {"UsingSalesTax": true, "PartnerTaxEnabled": true}});
    company(&stack, json!({"preferences": tax})).await;
    let item = rows(&stack, "Item").into_iter().find(|item| item["Sku"] == "SVC-TR60").unwrap();
    company(&stack, json!({"items": [{"Id": item["Id"], "Taxable": true}]})).await;
    // 171.00 and 8 % of it.
    paid_quote(&stack, payment("9401", json!({"hs_initial_amount": "184.68"}))).await;
    let shown = created(&stack, paid("QUOTE", 910)).await;
    assert_eq!((shown.output("tax"), shown.output("total")), ("13.68", "184.68"));
    assert_eq!(
        (shown.output("paid_amount"), shown.output("balance"), shown.output("warnings")),
        ("184.68", "0.00", "")
    );
}

#[tokio::test]
async fn what_is_paid_is_the_smaller_of_payment_and_balance_and_a_difference_is_told() {
    for (amount, refunds, expected, balance) in [
        ("100.00", None, "100.00", "71.00"),
        ("500.00", None, "171.00", "0.00"),
        ("200.00", Some("50.00"), "150.00", "21.00"),
    ] {
        let stack = stack().await;
        let status = if refunds.is_some() { "partially_refunded" } else { "succeeded" };
        let changes =
            json!({"hs_initial_amount": amount, "hs_refunds_amount": refunds, "hs_latest_status": status});
        paid_quote(&stack, payment("9401", changes)).await;
        let shown = created(&stack, paid("QUOTE", 910)).await;
        assert_eq!((shown.output("paid_amount"), shown.output("balance")), (expected, balance), "{amount}");
        assert!(shown.output("warnings").contains("171.00"), "{}", shown.output("warnings"));
    }
}

#[tokio::test]
async fn a_refused_payment_leaves_the_invoice_and_is_told_once() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    let fault = json!({"Fault": {"Error": [{"Message": "x", "Detail": "x", "code": "6000"}], "type": "ValidationFault"}});
    let refusal = json!([{"method": "POST", "path": "/payment", "times": 5, "status": 400, "body": fault.to_string(),
        "content_type": "application/json"}]);
    stack.faults(Vendor::QuickBooks, &refusal).unwrap();
    let shown = run(&stack, but(paid("QUOTE", 910), json!({"deliveries": 2}))).await;
    assert_eq!((shown.state(), shown.output("status")), ("SUCCESS", "partly_paid"), "{}", shown.0);
    assert_eq!(shown.output("errorCode"), "PAYMENT_REFUSED");
    assert_eq!(shown.output("document_id"), the_invoice(&stack)["Id"]);
    assert_eq!(posts(&stack, "/payment"), 1);
    assert!(shown.bodies().windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_disturbed_payment_is_tried_again_alone() {
    for (fault, sends) in [
        (json!({"status": 429}), 2),
        // Made, and its reply lost: found, not sent again.
        (json!({"drop": true, "after_effect": true}), 1),
        (json!({"status": 503, "after_effect": true}), 1),
    ] {
        let stack = stack().await;
        paid_quote(&stack, payment("9401", json!({}))).await;
        let fault = but(fault, json!({"method": "POST", "path": "/payment", "times": 1}));
        stack.faults(Vendor::QuickBooks, &json!([fault])).unwrap();
        let shown = created(&stack, paid("QUOTE", 910)).await;
        assert_eq!((shown.states(), shown.output("status")), (vec!["BLOCK".to_owned()], "paid"), "{fault}");
        assert_eq!(
            (rows(&stack, "Payment").len(), posts(&stack, "/invoice"), posts(&stack, "/payment")),
            (1, 1, sends),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_right_now_delays_a_payment_and_does_not_lose_it() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    let faults = json!([
        {"method": "POST", "path": "/payment", "times": 1, "status": 401},
        {"path": "/tokens/bearer", "times": 1, "status": 503},
    ]);
    stack.faults(Vendor::QuickBooks, &faults).unwrap();
    let shown = created(&stack, paid("QUOTE", 910)).await;
    assert_eq!((shown.states(), shown.output("status")), (vec!["BLOCK".to_owned()], "paid"));
    assert_eq!((rows(&stack, "Payment").len(), posts(&stack, "/invoice")), (1, 1));
}

#[tokio::test]
async fn a_company_disconnected_after_the_invoice_keeps_its_payment_waiting() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    stack
        .faults(
            Vendor::QuickBooks,
            &json!([{"method": "POST", "path": "/payment", "times": 1, "status": 429}]),
        )
        .unwrap();
    let shown = run(&stack, paid("QUOTE", 910)).await;
    set_status(&stack, "REAUTH_REQUIRED").await;
    for _quarter in 0..3 {
        stack.advance_clock(SignedDuration::from_mins(15));
        stack.tick("reconcile").await.unwrap();
    }
    assert_eq!(rows(&stack, "Payment").len(), 0);
    set_status(&stack, "OK").await;
    let shown = settled(&stack, shown).await;
    assert_eq!(
        (shown.output("status"), rows(&stack, "Payment").len(), posts(&stack, "/invoice")),
        ("paid", 1, 1)
    );
}

#[tokio::test]
async fn a_payment_that_may_be_ours_without_its_marker_is_for_a_person_to_judge() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    let lost =
        json!([{"method": "POST", "path": "/payment", "times": 1, "drop": true, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let shown = run(&stack, paid("QUOTE", 910)).await;
    let made = rows(&stack, "Payment")[0].clone();
    let mut changed = made.clone();
    changed["PrivateNote"] = json!("paid, Ana");
    changed["sparse"] = json!(true);
    let url = format!("{}/v3/company/{REALM}/payment", stack.info.quickbooks_url);
    let token = local::world::QUICKBOOKS_TOKEN;
    let kept = stack.http.post(url).bearer_auth(token).header("accept", "application/json").json(&changed);
    let kept = kept.send().await.unwrap();
    assert_eq!(kept.status(), 200, "{}", kept.text().await.unwrap());
    let shown = settled(&stack, shown).await;
    assert_eq!((shown.state(), shown.output("errorCode")), ("FAIL_CONTINUE", "NEEDS_REVIEW"));
    assert_eq!(rows(&stack, "Payment").len(), 1, "nothing was sent again");
}

#[tokio::test]
async fn a_receipt_over_more_than_was_paid_says_so() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({"hs_initial_amount": "50.00"}))).await;
    let shown = created(&stack, enroll("receipt", "QUOTE", 910)).await;
    let warnings = shown.output("warnings");
    assert!(warnings.contains("50.00") && warnings.contains("171.00"), "{warnings}");
}

/// A deal over 171.00 of a known customer, with payments of these properties.
async fn paid_deal(stack: &Stack, payments: &[Value]) {
    let payments: Vec<Value> =
        (9401..).zip(payments).map(|(id, changes)| payment(&id.to_string(), changes.clone())).collect();
    let ids: Vec<_> = payments.iter().map(|payment| payment["id"].clone()).collect();
    let line = json!({"name": "Barista training, hour", "hs_sku": "SVC-TR60", "quantity": "1.8", "price": "95", "amount": "171.00"});
    let deal = json!({
        "id": "930", "properties": {"dealname": "Training", "deal_currency_code": "USD"},
        "associations": {"contacts": ["503"], "line_items": ["9301"], "commerce_payments": ids},
    });
    let lines = [json!({"id": "9301", "properties": line})];
    portal(stack, json!({"deals": [deal], "line_items": lines, "commerce_payments": payments})).await;
}

#[tokio::test]
async fn a_deals_payments_that_succeeded_are_one_payment_less_what_was_paid_back() {
    let stack = stack().await;
    let of = |status: &str, amount: &str, refunds: Option<&str>| json!({"hs_latest_status": status, "hs_initial_amount": amount, "hs_refunds_amount": refunds});
    let payments = [
        of("succeeded", "100.00", None),
        of("partially_refunded", "60.00", Some("10.00")),
        of("disputed_won", "5.00", None),
        of("refunded", "70.00", Some("70.00")),
        of("failed", "30.00", None),
        of("processing", "30.00", None),
    ];
    paid_deal(&stack, &payments).await;
    let shown = created(&stack, paid("DEAL", 930)).await;
    assert_eq!(
        (shown.output("status"), shown.output("paid_amount"), shown.output("balance")),
        ("paid", "155.00", "16.00")
    );
    let warnings = shown.output("warnings");
    assert!(warnings.contains("155.00") && warnings.contains("171.00"), "{warnings}");
    // Several payments have no reference of their own.
    assert_eq!(rows(&stack, "Payment")[0]["PaymentRefNum"], json!(null));
}

#[tokio::test]
async fn what_was_paid_back_whole_was_not_paid() {
    let stack = stack().await;
    paid_deal(&stack, &[json!({"hs_latest_status": "refunded", "hs_refunds_amount": "171.00"})]).await;
    let shown = created(&stack, paid("DEAL", 930)).await;
    assert_eq!((shown.output("status"), shown.output("balance")), ("created", "171.00"));
    assert!(rows(&stack, "Payment").is_empty());
}

#[tokio::test]
async fn a_payment_in_another_currency_creates_nothing_and_is_named() {
    let stack = stack().await;
    paid_deal(&stack, &[json!({"hs_currency_code": "EUR"})]).await;
    let shown = refused(&stack, paid("DEAL", 930), "PAYMENT_INVALID").await;
    assert_eq!(shown.output("error_subject"), "ch_3PqX21");
    // Without its payment the invoice is one like others.
    let unpaid = json!({"inputs": {"quickbooks_account": "default", "create_paid": "no"}});
    created(&stack, but(paid("DEAL", 930), unpaid)).await;
}

#[tokio::test]
async fn how_it_was_paid_is_the_actions_else_the_settings_else_the_method_of_that_name() {
    let stack = stack().await;
    company(
        &stack,
        json!({"payment_methods": [{"Id": "9199", "Name": "credit card", "Type": "CREDIT_CARD"}]}),
    )
    .await;
    let method = |stack: &Stack| rows(stack, "Payment").pop().unwrap()["PaymentMethodRef"]["value"].clone();
    paid_deal(&stack, &[json!({"hs_payment_method_type": "check"})]).await;
    created(&stack, paid("DEAL", 930)).await;
    assert_eq!(method(&stack), id_of(&stack, "PaymentMethod", "Check"));
    paid_deal(&stack, &[json!({"hs_payment_method_type": "card"})]).await;
    created(&stack, paid("DEAL", 930)).await;
    assert_eq!(method(&stack), "9199");
    created(&stack, enroll("receipt", "DEAL", 930)).await;
    assert_eq!(rows(&stack, "SalesReceipt")[0]["PaymentMethodRef"]["value"], "9199");
    let visa = id_of(&stack, "PaymentMethod", "Visa");
    settings(&stack, json!({"payment_methods": {"card": visa}})).await;
    created(&stack, paid("DEAL", 930)).await;
    assert_eq!(method(&stack), visa);
    let cash = id_of(&stack, "PaymentMethod", "Cash");
    let inputs = json!({"quickbooks_account": "default", "create_paid": "yes", "payment_method": cash});
    created(&stack, but(paid("DEAL", 930), json!({"inputs": inputs}))).await;
    assert_eq!(method(&stack), cash);
    // Two ways of paying are none.
    paid_deal(&stack, &[json!({"hs_payment_method_type": "card"}), json!({"hs_payment_method_type": "ach"})])
        .await;
    created(&stack, paid("DEAL", 930)).await;
    assert_eq!(method(&stack), json!(null));
}

#[tokio::test]
async fn what_is_shipped_goes_where_the_payment_says() {
    let stack = stack().await;
    let address = json!({
        "hs_shipping_ship_to_name": "Norr Bistro", "hs_shipping_address_line_1": "4 Quay St", "hs_shipping_address_city": "Oakland",
        "hs_shipping_address_state": "CA", "hs_shipping_address_zip": "94607",
    });
    paid_deal(&stack, &[address]).await;
    created(&stack, paid("DEAL", 930)).await;
    let to = &the_invoice(&stack)["ShipAddr"];
    assert_eq!(
        (&to["Line1"], &to["Line2"], &to["City"]),
        (&json!("Norr Bistro"), &json!("4 Quay St"), &json!("Oakland"))
    );
}

async fn set_status(stack: &Stack, status: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let update = stack.dynamodb.update_item().table_name(&stack.info.table_name);
    update
        .key("pk", text(&format!("P#{PORTAL}")))
        .key("sk", text(&format!("CONNECTION#quickbooks#{REALM}")))
        .update_expression("SET #status = :status")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":status", text(status))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_payment_that_may_have_been_made_waits_for_the_quiet_period() {
    let stack = stack().await;
    paid_quote(&stack, payment("9401", json!({}))).await;
    stack
        .faults(
            Vendor::QuickBooks,
            &json!([{"method": "POST", "path": "/payment", "times": 1, "drop": true}]),
        )
        .unwrap();
    let callback_id = "ap-1000001-1-3-0";
    let shown = run(&stack, but(paid("QUOTE", 910), json!({"callback_id": callback_id}))).await;
    stack.advance_clock(SignedDuration::from_mins(2));
    stack.tick("reconcile").await.unwrap();
    let key = Key::execution(PORTAL, callback_id);
    assert_eq!(stack.store.record(&key).await.unwrap().unwrap().state, State::PaySent);
    assert_eq!(settled(&stack, shown).await.output("status"), "paid");
    assert_eq!(
        (rows(&stack, "Payment").len(), posts(&stack, "/invoice"), posts(&stack, "/payment")),
        (1, 1, 2)
    );
}

fn posts(stack: &Stack, path: &str) -> usize {
    stack.calls(Vendor::QuickBooks).iter().filter(|call| call.path.ends_with(path)).count()
}

fn id_of(stack: &Stack, entity: &str, name: &str) -> Value {
    rows(stack, entity).into_iter().find(|row| row["Name"] == name).unwrap()["Id"].clone()
}
