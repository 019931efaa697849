//! Estimates and sales receipts, and what the three sales documents share: terms, discounts, tax.

use super::*;

fn receipt() -> Value {
    let mut receipt = invoice();
    receipt["PaymentMethodRef"] = json!({"value": "9103"});
    receipt["PaymentRefNum"] = json!("ch_3PqX21");
    receipt
}

/// An invoice with one more line, for a discount.
fn discounted(line: Value) -> Value {
    let mut detail = line;
    let amount = detail.as_object_mut().unwrap().remove("Amount").unwrap_or_default();
    let line = json!({"DetailType": "DiscountLineDetail", "Description": "Loyal", "Amount": amount, "DiscountLineDetail": detail});
    invoice_with(|i| i["Line"].as_array_mut().unwrap().push(line))
}

#[tokio::test]
async fn an_estimate_is_pending_and_nobody_owes_it() {
    let books = books().await;
    let body = invoice_with(|i| i["ExpirationDate"] = json!("2026-03-31"));
    let made = books.create("estimate", body).await["Estimate"].clone();
    assert_eq!(
        (&made["TxnStatus"], &made["ExpirationDate"], &made["LinkedTxn"]),
        (&json!("Pending"), &json!("2026-03-31"), &json!([]))
    );
    assert_eq!((made["TotalAmt"].to_string(), made.get("Balance")), ("149.97".into(), None));
    assert_eq!((made.get("DueDate"), &made["DocNumber"]), (None, &json!("1001")));
    assert_eq!(books.company()["Customer"][0]["Balance"], 0);
    assert_eq!(json_of(books.get(&format!("estimate/{}", id(&made)))).await.1["Estimate"], made);
    let found = books.query("select * from Estimate where ExpirationDate <= '2026-03-31'").await;
    assert_eq!(found["QueryResponse"]["Estimate"][0], made);
}

#[tokio::test]
async fn estimates_that_are_switched_off_are_refused_as_the_switch_says() {
    let books = books().await;
    books.seed(json!({"preferences": {"SalesFormsPrefs": {"AllowEstimates": false}}}));
    assert_eq!(books.refused("estimate", invoice()).await, "5020");
    books.seed(json!({"switches": {"estimates_off": "not_supported"}}));
    assert_eq!(books.refused("estimate", invoice()).await, "5030");
    books.create("invoice", invoice()).await;
    books.seed(json!({"switches": {"estimates_off": "allowed"}}));
    books.create("estimate", invoice()).await;
}

#[tokio::test]
async fn a_sales_receipt_is_paid_at_once() {
    let books = books().await;
    let made = books.create("salesreceipt", receipt()).await["SalesReceipt"].clone();
    assert_eq!((made["TotalAmt"].to_string(), &made["Balance"]), ("149.97".into(), &json!(0)));
    assert_eq!(made["PaymentMethodRef"], json!({"value": "9103", "name": "Visa"}));
    assert_eq!(made["DepositToAccountRef"], json!({"value": "9003", "name": "Undeposited Funds"}));
    assert_eq!((&made["PaymentRefNum"], made.get("DueDate")), (&json!("ch_3PqX21"), None));
    assert_eq!(books.company()["Customer"][0]["Balance"], 0);
    assert_eq!(json_of(books.get(&format!("salesreceipt/{}", id(&made)))).await.1["SalesReceipt"], made);
    let found = books.query("select * from SalesReceipt where CustomerRef = '1'").await;
    assert_eq!(found["QueryResponse"]["maxResults"], 1);
}

#[tokio::test]
async fn a_sales_receipt_may_name_an_account_and_no_customer() {
    let books = books().await;
    let mut body = receipt();
    body["DepositToAccountRef"] = json!({"value": "9001"});
    body["CustomerRef"] = Value::Null;
    let made = &books.create("salesreceipt", body).await["SalesReceipt"];
    assert_eq!(made["DepositToAccountRef"]["name"], "Checking");
    assert_eq!(made["CurrencyRef"]["value"], "USD");
}

#[tokio::test]
async fn each_broken_rule_of_the_other_two_documents_has_its_code() {
    let books = books().await;
    books.seed(json!({"accounts": [{"Id": "9002", "Active": false}]}));
    let with = |name: &str, value: Value| {
        let mut body = receipt();
        body[name] = value;
        body
    };
    let mut counter = invoice();
    counter["CustomerRef"] = Value::Null;
    let account = |id: &str| with("DepositToAccountRef", json!({"value": id}));
    let cases = [
        ("2020", "estimate", counter),
        ("2010", "estimate", receipt()),
        ("2170", "estimate", invoice_with(|i| i["TxnStatus"] = json!("Sent"))),
        ("2060", "estimate", invoice_with(|i| i["ExpirationDate"] = json!("March"))),
        ("6210", "estimate", invoice_with(|i| i["TxnDate"] = json!("2025-12-31"))),
        ("2010", "salesreceipt", with("DueDate", json!("2026-03-31"))),
        ("2020", "salesreceipt", with("Line", json!([]))),
        ("2050", "salesreceipt", with("PaymentRefNum", json!("x".repeat(22)))),
        ("2500", "salesreceipt", with("PaymentMethodRef", json!({"value": "9001"}))),
        ("2500", "salesreceipt", account("1")),
        ("610", "salesreceipt", account("9002")),
        ("6430", "salesreceipt", account("9004")),
        ("6000", "salesreceipt", with("CurrencyRef", json!({"value": "EUR"}))),
    ];
    for (expected, path, body) in cases {
        assert_eq!(books.refused(path, body.clone()).await, expected, "{path} {body}");
    }
}

#[tokio::test]
async fn a_bundle_is_no_item_of_a_product_line() {
    let books = books().await;
    books.seed(json!({"items": [{"Id": "20", "Name": "Starter kit", "Type": "Group"}]}));
    let kit = invoice_with(|i| i["Line"][0]["SalesItemLineDetail"]["ItemRef"] = json!({"value": "20"}));
    assert_eq!(books.refused("invoice", kit).await, "6000");
}

#[tokio::test]
async fn an_invoice_is_due_by_its_own_term_its_customers_or_the_companys() {
    let books = books().await;
    let due = async |body: Value| books.create("invoice", body).await["Invoice"]["DueDate"].clone();
    let by_term = |id: &str| invoice_with(|i| i["SalesTermRef"] = json!({"value": id}));
    assert_eq!(due(by_term("9201")).await, "2026-03-17");
    assert_eq!(due(invoice()).await, "2026-04-01");
    books.seed(json!({"terms": [{"Id": "77", "Name": "Net 60", "DueDays": 60}],
        "customers": [{"Id": "1", "SalesTermRef": {"value": "77"}}]}));
    assert_eq!(due(invoice()).await, "2026-05-01");
    assert_eq!(due(by_term("9202")).await, "2026-04-01");
    let mut both = by_term("9201");
    both["DueDate"] = json!("2026-03-20");
    assert_eq!(due(both).await, "2026-03-20");
    assert_eq!(books.refused("invoice", by_term("1")).await, "2500");
}

#[tokio::test]
async fn a_discount_is_subtracted_after_the_subtotal() {
    let books = books().await;
    let cases = [
        (json!({"PercentBased": true, "DiscountPercent": 10}), "15.00", "134.97"),
        (json!({"PercentBased": true, "DiscountPercent": exact("8.5")}), "12.75", "137.22"),
        (json!({"PercentBased": true, "DiscountPercent": 10, "Amount": 15}), "15.00", "134.97"),
        (json!({"PercentBased": false, "Amount": exact("9.97")}), "9.97", "140.00"),
        (json!({"Amount": exact("149.97")}), "149.97", "0"),
    ];
    for (line, amount, total) in cases {
        let made = books.create("invoice", discounted(line.clone())).await["Invoice"].clone();
        let discount = &made["Line"][3];
        assert_eq!(made["Line"][2]["Amount"].to_string(), "149.97");
        assert_eq!((discount["Amount"].to_string().as_str(), discount.get("Id")), (amount, None), "{line}");
        assert_eq!(made["TotalAmt"].to_string(), total, "{line}");
        assert_eq!(made["Balance"], made["TotalAmt"]);
        assert_eq!(discount["Description"], "Loyal");
        let account = json!({"value": "9005", "name": "Discounts given"});
        assert_eq!(discount["DiscountLineDetail"]["DiscountAccountRef"], account);
    }
}

#[tokio::test]
async fn each_broken_rule_of_a_discount_has_its_code() {
    let books = books().await;
    let mut twice = discounted(json!({"Amount": 5}));
    let second = twice["Line"][2].clone();
    twice["Line"].as_array_mut().unwrap().push(second);
    let cases = [
        ("6000", twice),
        ("6000", discounted(json!({"Amount": exact("149.98")}))),
        ("6000", discounted(json!({"PercentBased": true, "DiscountPercent": 101}))),
        ("6000", discounted(json!({"PercentBased": true, "DiscountPercent": 10, "Amount": 14}))),
        ("6000", discounted(json!({"PercentBased": false, "DiscountPercent": 10, "Amount": 14}))),
        ("6090", discounted(json!({}))),
        ("6090", discounted(json!({"PercentBased": true}))),
        ("6090", discounted(json!({"PercentBased": true, "Amount": 5}))),
        ("6090", discounted(json!({"DiscountPercent": 10}))),
        ("2150", discounted(json!({"PercentBased": true, "DiscountPercent": -1}))),
        ("2290", discounted(json!({"Amount": -5}))),
        ("2500", discounted(json!({"Amount": 5, "DiscountAccountRef": {"value": "86"}}))),
        ("2010", discounted(json!({"Amount": 5, "DiscountRate": 3}))),
    ];
    for (expected, body) in cases {
        assert_eq!(books.refused("estimate", body.clone()).await, expected, "{body}");
    }
    books.seed(json!({"preferences": {"SalesFormsPrefs": {"AllowDiscount": false}}}));
    assert_eq!(books.refused("invoice", discounted(json!({"Amount": 5}))).await, "5020");
}

const AUTOMATED: &str = r#"{"preferences": {"TaxPrefs": {"UsingSalesTax": true, "PartnerTaxEnabled": true}},
    "items": [{"Name": "Lamp", "Id": "30", "Taxable": true}]}"#;

/// Two lines of 10.61: a widget, which is not taxable, and a lamp, which is.
fn widget_and_lamp(change: impl FnOnce(&mut Value)) -> Value {
    let line = |item: &str| json!({"DetailType": "SalesItemLineDetail", "Amount": exact("10.61"), "SalesItemLineDetail": {"ItemRef": {"value": item}}});
    let mut body = json!({"CustomerRef": {"value": "1"}, "Line": [line("5"), line("30")]});
    change(&mut body);
    body
}

#[tokio::test]
async fn automated_tax_is_added_to_taxable_lines() {
    let books = books().await;
    books.seed(exact(AUTOMATED));
    let code = |line: usize, code: &'static str| {
        move |body: &mut Value| {
            body["Line"][line]["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": code});
        }
    };
    let discount = |after: bool| {
        move |body: &mut Value| {
            body["ApplyTaxAfterDiscount"] = json!(after);
            body["Line"].as_array_mut().unwrap().push(
                json!({"DetailType": "DiscountLineDetail", "Amount": exact("10.61"), "DiscountLineDetail": {}}),
            );
        }
    };
    let cases = [
        // 8 % of 10.61 is 0.8488.
        (widget_and_lamp(|_| {}), "0.85", "22.07"),
        // 8 % of 21.22 is 1.6976.
        (widget_and_lamp(code(0, "TAX")), "1.70", "22.92"),
        (widget_and_lamp(code(1, "NON")), "0", "21.22"),
        (widget_and_lamp(|b| b["TxnTaxDetail"] = json!({"TotalTax": exact("1.23")})), "1.23", "22.45"),
        (widget_and_lamp(discount(false)), "0.85", "11.46"),
        // Half of everything is off: 8 % of 5.305.
        (widget_and_lamp(discount(true)), "0.42", "11.03"),
    ];
    for (body, tax, total) in cases {
        let made = books.create("invoice", body.clone()).await["Invoice"].clone();
        assert_eq!(made["TxnTaxDetail"]["TotalTax"].to_string(), tax, "{body}");
        assert_eq!((made["TotalAmt"].to_string().as_str(), &made["Balance"]), (total, &made["TotalAmt"]));
        let made = &books.create("salesreceipt", body).await["SalesReceipt"];
        assert_eq!(made["TotalAmt"].to_string(), total);
    }
    let filled = books.create("estimate", widget_and_lamp(|_| {})).await["Estimate"].clone();
    let code = |line: usize| filled["Line"][line]["SalesItemLineDetail"]["TaxCodeRef"]["value"].clone();
    assert_eq!([code(0), code(1)], ["NON", "TAX"]);
}

#[tokio::test]
async fn tax_is_rounded_on_the_sum_by_the_rate_of_the_switch() {
    let books = books().await;
    books.seed(exact(AUTOMATED));
    books.seed(json!({"switches": {"tax_percent": exact("10.25")}}));
    let lamp = json!({"DetailType": "SalesItemLineDetail", "Amount": exact("0.20"), "SalesItemLineDetail": {"ItemRef": {"value": "30"}}});
    // Each line's 0.0205 would be 0.02; together they are 0.0615.
    let body = json!({"CustomerRef": {"value": "1"}, "Line": [lamp, lamp, lamp]});
    let made = &books.create("invoice", body).await["Invoice"];
    assert_eq!(made["TotalAmt"].to_string(), "0.66");
}

#[tokio::test]
async fn no_tax_is_added_for_exempt_customers_and_in_companies_that_did_not_set_it_up() {
    let books = books().await;
    books.seed(exact(AUTOMATED));
    let total = async || {
        let body =
            widget_and_lamp(|b| b["Line"][1]["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": "TAX"}));
        books.create("invoice", body).await["Invoice"]["TotalAmt"].to_string()
    };
    assert_eq!(total().await, "22.07");
    books.seed(json!({"customers": [{"Id": "1", "Taxable": false}]}));
    assert_eq!(total().await, "21.22");
    books.seed(json!({"customers": [{"Id": "1", "Taxable": true}],
        "preferences": {"TaxPrefs": {"PartnerTaxEnabled": false}}}));
    assert_eq!(total().await, "21.22");
}

#[tokio::test]
async fn the_small_lists_can_be_queried_and_added_to() {
    let books = books().await;
    books.seed(
        json!({"accounts": [{"Name": "Stripe", "AccountType": "Bank"}, {"Id": "9002", "Active": false}],
        "payment_methods": [{"Name": "Wire"}]}),
    );
    let names = async |entity: &str, clauses: &str| {
        let answer = books.query(&format!("select * from {entity} {clauses}")).await;
        let rows = answer["QueryResponse"][entity].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["Name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let deposit = "where AccountType in ('Bank', 'Other Current Asset') and Active = true";
    assert_eq!(names("Account", deposit).await, ["Checking", "Stripe", "Undeposited Funds"]);
    assert_eq!(names("Account", "where Active = false").await, ["Savings (deleted)"]);
    assert_eq!(names("Account", "where AccountSubType = 'UndepositedFunds'").await, ["Undeposited Funds"]);
    assert_eq!(names("PaymentMethod", "").await, ["Cash", "Check", "Visa", "Wire"]);
    assert_eq!(names("PaymentMethod", "where Type = 'CREDIT_CARD'").await, ["Visa"]);
    assert_eq!(names("Term", "where Id = '9202'").await, ["Net 30"]);
    // What every company begins with leaves the counter alone.
    assert_eq!(id(&books.company()["Account"][5]), "7");
}
