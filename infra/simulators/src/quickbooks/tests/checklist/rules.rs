//! Items 5 and 6: each rule has its code, and documents their numbers.

use super::super::*;

fn line_with(change: impl FnOnce(&mut Value)) -> Value {
    invoice_with(|i| change(&mut i["Line"][0]))
}

fn detail(answer: &Value) -> &str {
    answer["Fault"]["Error"][0]["Detail"].as_str().unwrap()
}

/// Of GB, with a code of 20 % (Id 71).
async fn abroad() -> Books {
    let books = books().await;
    books.seed(json!({"country": "GB", "tax_rates": [{"Id": "60", "Name": "VAT", "RateValue": 20}],
        "tax_codes": [{"Id": "71", "Name": "S", "SalesTaxRateList": {"TaxRateDetail": [{"TaxRateRef": {"value": "60"}}]}}]}));
    books
}

#[tokio::test]
async fn item_5_an_unknown_field_is_2010_and_a_missing_line_2020() {
    let books = books().await;
    assert_eq!(books.refused("invoice", invoice_with(|i| i["Frobnicate"] = json!(1))).await, "2010");
    assert_eq!(books.refused("invoice", line_with(|l| l["Colour"] = json!("blue"))).await, "2010");
    let (_, answer) = json_of(books.post("invoice", &invoice_with(|i| i["Line"] = Value::Null))).await;
    assert_eq!(
        (code(&answer), detail(&answer)),
        ("2020".into(), "Required parameter Line is missing in the request")
    );
    assert_eq!(answer["Fault"]["Error"][0]["element"], "Line");
}

#[tokio::test]
async fn item_5_a_bad_id_is_2030() {
    let books = books().await;
    let (_, answer) = json_of(books.get("invoice/1.5")).await;
    assert_eq!(
        (code(&answer), detail(&answer)),
        ("2030".into(), "Id should be a valid number. Supplied value:1.5")
    );
}

#[tokio::test]
async fn item_5_a_missing_reference_is_2500_and_an_inactive_one_610() {
    let books = books().await;
    for (expected, body) in [
        ("2500", invoice_with(|i| i["CustomerRef"]["value"] = json!("999"))),
        ("2500", line_with(|l| l["SalesItemLineDetail"]["ItemRef"]["value"] = json!("999"))),
        ("610", invoice_with(|i| i["CustomerRef"]["value"] = json!("2"))),
        ("610", line_with(|l| l["SalesItemLineDetail"]["ItemRef"]["value"] = json!("6"))),
    ] {
        assert_eq!(books.refused("invoice", body.clone()).await, expected, "{body}");
    }
}

#[tokio::test]
async fn item_5_a_number_of_more_than_21_characters_is_2050() {
    let books = books().await;
    books.create("invoice", invoice_with(|i| i["DocNumber"] = json!("x".repeat(21)))).await;
    let long = invoice_with(|i| i["DocNumber"] = json!("x".repeat(24)));
    let (_, answer) = json_of(books.post("invoice", &long)).await;
    assert_eq!(code(&answer), "2050");
    assert!(detail(&answer).ends_with("Min:0 Max:21 supported. Supplied length:24"), "{answer}");
}

#[tokio::test]
async fn item_5_an_amount_that_is_not_quantity_times_price_half_up_is_6070() {
    let books = books().await;
    let body = |amount: &str| {
        line_with(|l| {
            l["Amount"] = exact(amount);
            l["SalesItemLineDetail"]["Qty"] = exact("14.50");
            l["SalesItemLineDetail"]["UnitPrice"] = exact("128.350");
        })
    };
    books.create("invoice", body("1861.08")).await;
    let (_, answer) = json_of(books.post("invoice", &body("1861.07"))).await;
    assert_eq!(code(&answer), "6070");
    assert_eq!(detail(&answer), "Amount is not equal to UnitPrice * Qty. Supplied value:1,861.07");
    books.switch(json!({"amount_tolerance": exact("0.01")}));
    books.create("invoice", body("1861.07")).await;
}

#[tokio::test]
async fn item_5_prices_lose_what_they_have_beyond_the_kept_decimals_before_6070_is_checked() {
    let books = books().await;
    let body = |amount: &str| {
        line_with(|l| {
            l["Amount"] = exact(amount);
            l["SalesItemLineDetail"]["Qty"] = json!(1_000_000);
            l["SalesItemLineDetail"]["UnitPrice"] = exact("0.12345675");
        })
    };
    assert_eq!(books.refused("invoice", body("123456.75")).await, "6070");
    let made = books.create("invoice", body("123456.80")).await["Invoice"].clone();
    assert_eq!(made["Line"][0]["SalesItemLineDetail"]["UnitPrice"].to_string(), "0.1234568");
    books.switch(json!({"kept_decimals": 10}));
    books.create("invoice", body("123456.75")).await;
}

#[tokio::test]
async fn item_5_a_tax_code_other_than_tax_and_non_is_6100_in_the_us() {
    let books = books().await;
    let coded = |tax: &'static str| {
        line_with(move |l| l["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": tax}))
    };
    assert_eq!(books.refused("invoice", coded("5")).await, "6100");
    books.create("invoice", coded("TAX")).await;
}

#[tokio::test]
async fn item_5_a_line_without_a_tax_code_is_6000_elsewhere_and_misplaced_tax_6170() {
    let books = abroad().await;
    let (_, answer) = json_of(books.post("invoice", &invoice())).await;
    assert_eq!(code(&answer), "6000");
    assert!(detail(&answer).contains("Make sure all your transactions have a VAT rate before you save."));
    let untaxed = invoice_with(|i| {
        i["GlobalTaxCalculation"] = json!("NotApplicable");
        i["TxnTaxDetail"] = json!({"TotalTax": 1});
    });
    assert_eq!(books.refused("invoice", untaxed).await, "6170");
}

#[tokio::test]
async fn item_5_a_name_is_6240_across_customers_vendors_and_employees_in_three_forms_and_another_language() {
    let books = books().await;
    for path in ["customer", "vendor", "employee"] {
        for name in ["NORTHWIND traders", "Paper Mill", "emily platt"] {
            assert_eq!(books.refused(path, json!({"DisplayName": name})).await, "6240", "{path} {name}");
        }
    }
    for (form, expected) in [
        (
            "sentence",
            "The name supplied already exists. : Another customer, vendor or employee is already using this name. Please use a different name.",
        ),
        ("null", "The name supplied already exists. : null"),
        ("id", "The name supplied already exists. : Id=3"),
        ("localised", "Le nom fourni existe déjà. : Id=3"),
    ] {
        books.switch(json!({"duplicate_name": form}));
        let (_, answer) = json_of(books.post("customer", &json!({"DisplayName": "Paper Mill"}))).await;
        assert_eq!((code(&answer).as_str(), detail(&answer)), ("6240", expected));
    }
}

#[tokio::test]
async fn item_5_a_number_used_twice_is_6140_with_the_document_only_with_custom_numbers_and_the_warning() {
    for (custom, warns, refused) in [(true, true, true), (true, false, false), (false, true, false)] {
        let books = books().await;
        books.seed(json!({"preferences": {"SalesFormsPrefs": {"CustomTxnNumbers": custom}},
            "switches": {"warn_duplicate_number": warns}}));
        let numbered = invoice_with(|i| i["DocNumber"] = json!("HS-1"));
        let first = books.create("invoice", numbered.clone()).await["Invoice"].clone();
        let (status, answer) = json_of(books.post("invoice", &numbered)).await;
        assert_eq!(status == 400, refused, "{answer}");
        if refused {
            let end = format!("DocNumber=HS-1 is assigned to TxnType=Invoice with TxnId={}", id(&first));
            assert!(code(&answer) == "6140" && detail(&answer).ends_with(&end), "{answer}");
            books.create("invoice?include=allowduplicatedocnum", numbered).await;
        }
    }
}

#[tokio::test]
async fn item_5_without_a_subscription_every_write_is_6190_and_reads_go_on() {
    for (switch, expected) in [("ended", 400), ("ended_forbidden", 403)] {
        let books = books().await;
        let made = books.create("invoice", invoice()).await["Invoice"].clone();
        books.switch(json!({"subscription": switch}));
        let before = books.company()["Invoice"].clone();
        let row = json!({"Id": id(&made), "SyncToken": "0", "sparse": true, "PrivateNote": "x"});
        for path in ["invoice", "invoice?operation=void", "invoice?operation=delete"] {
            let (status, answer) = json_of(books.post(path, &row)).await;
            assert_eq!((status, code(&answer).as_str()), (expected, "6190"), "{path}");
        }
        let (status, answer) = json_of(books.post("customer", &json!({"DisplayName": "New"}))).await;
        assert_eq!((status, code(&answer).as_str()), (expected, "6190"));
        let batch = json!({"BatchItemRequest": [{"bId": "c", "operation": "create", "Customer": {"DisplayName": "New"}}]});
        let answer = books.create("batch", batch).await;
        assert_eq!(code(&answer["BatchItemResponse"][0]), "6190");
        assert_eq!((&books.company()["Invoice"], books.read("Invoice", id(&made)).await), (&before, made));
    }
}

#[tokio::test]
async fn item_5_closed_books_are_6210_for_what_is_made_changed_voided_deleted_and_paid() {
    let books = books().await;
    for (day, open) in [("2025-12-31", false), ("2026-01-01", true)] {
        let (status, answer) =
            json_of(books.post("invoice", &invoice_with(|i| i["TxnDate"] = json!(day)))).await;
        assert_eq!((status == 200, open || code(&answer) == "6210"), (open, true), "{day}");
    }
    let paid = json!({"TotalAmt": 5, "CustomerRef": {"value": "1"}, "TxnDate": "2026-03-02"});
    let paid = books.create("payment", paid).await["Payment"].clone();
    books.seed(json!({"preferences": {"AccountingInfoPrefs": {"BookCloseDate": "2026-03-31"}}}));
    for (path, id) in [
        ("invoice", "7"),
        ("invoice?operation=void", "7"),
        ("invoice?operation=delete", "7"),
        ("payment", id(&paid)),
        ("payment?operation=update&include=void", id(&paid)),
        ("payment?operation=delete", id(&paid)),
    ] {
        let row = json!({"Id": id, "SyncToken": "0", "sparse": true, "TxnDate": "2026-04-01"});
        assert_eq!(books.refused(path, row).await, "6210", "{path}");
    }
}

#[tokio::test]
async fn item_5_stock_is_sold_by_quantity_and_not_before_there_was_any() {
    let books = books().await;
    books.seed(json!({"items": [{"Id": "5", "Type": "Inventory", "InvStartDate": "2026-03-03"}]}));
    assert_eq!(books.refused("invoice", invoice()).await, "6270");
    books.create("invoice", invoice_with(|i| i["TxnDate"] = json!("2026-03-03"))).await;
    let uncounted = line_with(|l| drop(l["SalesItemLineDetail"].as_object_mut().unwrap().remove("Qty")));
    assert_eq!(books.refused("invoice", uncounted).await, "6520");
}

#[tokio::test]
async fn item_5_a_document_to_be_sent_without_an_address_is_6420() {
    let books = books().await;
    let unsent = invoice_with(|i| i["EmailStatus"] = json!("NeedToSend"));
    assert_eq!(books.refused("invoice", unsent).await, "6420");
    let sent = invoice_with(|i| {
        i["EmailStatus"] = json!("NeedToSend");
        i["BillEmail"] = json!({"Address": "ap@northwind.example"});
    });
    assert_eq!(books.create("invoice", sent).await["Invoice"]["EmailStatus"], "NeedToSend");
}

#[tokio::test]
async fn item_5_a_discount_of_nothing_is_6090() {
    let books = books().await;
    let discount = json!({"DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": true}});
    let body = invoice_with(|i| i["Line"].as_array_mut().unwrap().push(discount));
    assert_eq!(books.refused("invoice", body).await, "6090");
}

#[tokio::test]
async fn item_5_a_negative_line_is_2290_or_subtracted_as_the_switch_says_and_a_negative_total_never() {
    let books = books().await;
    let with = |amount: &str| {
        let line = json!({"DetailType": "SalesItemLineDetail", "Amount": exact(amount), "SalesItemLineDetail": {"ItemRef": {"value": "5"}}});
        invoice_with(|i| i["Line"].as_array_mut().unwrap().push(line))
    };
    assert_eq!(books.refused("invoice", with("-49.97")).await, "2290");
    books.switch(json!({"negative_lines": "accepted"}));
    let made = books.create("invoice", with("-49.97")).await["Invoice"].clone();
    assert_eq!(made["TotalAmt"].to_string(), "100.00");
    assert_eq!(books.refused("invoice", with("-149.98")).await, "6000");
}

#[tokio::test]
async fn item_5_what_a_plan_or_a_preference_lacks_is_5020_or_5030() {
    let books = books().await;
    books.seed(json!({"classes": [{"Id": "40", "Name": "Retail"}]}));
    let classed = invoice_with(|i| i["ClassRef"] = json!({"value": "40"}));
    assert_eq!(books.refused("invoice", classed.clone()).await, "5020");
    books.switch(json!({"tracking_off": "allowed"}));
    books.create("invoice", classed.clone()).await;
    for plan in ["essentials", "simple_start"] {
        books.switch(json!({"plan": plan, "tracking_off": "allowed"}));
        assert_eq!(books.refused("invoice", classed.clone()).await, "5030", "{plan}");
        assert_eq!(books.refused("class", json!({"Name": "Wholesale"})).await, "5030", "{plan}");
    }
    books.seed(json!({"preferences": {"CurrencyPrefs": {"MultiCurrencyEnabled": true}}}));
    let foreign = json!({"DisplayName": "Søn", "CurrencyRef": {"value": "EUR"}});
    assert_eq!(books.refused("customer", foreign.clone()).await, "5030");
    books.switch(json!({"plan": "essentials"}));
    books.create("customer", foreign).await;
    books.seed(json!({"preferences": {"SalesFormsPrefs": {"AllowDiscount": false}}}));
    let discount = json!({"DetailType": "DiscountLineDetail", "Amount": 5, "DiscountLineDetail": {}});
    let body = invoice_with(|i| {
        i["CurrencyRef"] = json!({"value": "USD"});
        i["Line"].as_array_mut().unwrap().push(discount);
    });
    assert_eq!(books.refused("invoice", body.clone()).await, "5020");
    books.switch(json!({"discounts_off": "allowed"}));
    books.create("invoice", body).await;
}

#[tokio::test]
async fn item_5_figures_beyond_all_measure_are_refused_and_break_nothing() {
    let books = books().await;
    books.seed(json!({"preferences": {"CurrencyPrefs": {"MultiCurrencyEnabled": true}},
        "customers": [{"Id": "20", "DisplayName": "Søn", "CurrencyRef": {"value": "EUR"}}]}));
    let huge = "9999999999999.99";
    let line = |amount: &str| json!({"DetailType": "SalesItemLineDetail", "Amount": exact(amount), "SalesItemLineDetail": {"ItemRef": {"value": "5"}}});
    let body = |rate: &str, lines: Vec<Value>| json!({"CustomerRef": {"value": "20"}, "CurrencyRef": {"value": "EUR"}, "ExchangeRate": exact(rate), "Line": lines});
    assert_eq!(books.refused("invoice", body("1e28", vec![line("149.97")])).await, "6000");
    assert_eq!(books.refused("invoice", body("1", vec![line(huge); 200])).await, "2140");
    books.create("invoice", body("1000000000", vec![line(huge)])).await;
    let price = line_with(|l| l["SalesItemLineDetail"]["UnitPrice"] = exact("79228162514264337593543950335"));
    let price = {
        let mut price = price;
        price["CurrencyRef"] = json!({"value": "USD"});
        price
    };
    assert_eq!(books.refused("invoice", price).await, "6070");
    let negative = json!({"Name": "Never", "DueDays": -1});
    assert_eq!(books.refused("term", negative).await, "2240");
}

#[tokio::test]
async fn item_6_without_custom_numbers_the_next_integer_is_given_as_a_text() {
    let books = books().await;
    books.seed(json!({"numbers": {"Invoice": 1088}}));
    for expected in ["1088", "1089"] {
        assert_eq!(books.create("invoice", invoice()).await["Invoice"]["DocNumber"], expected);
    }
    // A number that is given is kept, also one in use, and uses up none.
    let given = invoice_with(|i| i["DocNumber"] = json!("1088"));
    assert_eq!(books.create("invoice", given).await["Invoice"]["DocNumber"], "1088");
    assert_eq!(books.create("invoice", invoice()).await["Invoice"]["DocNumber"], "1090");
    let refused = invoice_with(|i| i["Line"] = json!([]));
    books.refused("invoice", refused).await;
    assert_eq!(books.create("invoice", invoice()).await["Invoice"]["DocNumber"], "1091");
}

#[tokio::test]
async fn item_6_with_custom_numbers_a_document_without_one_has_none() {
    let books = books().await;
    books.seed(json!({"preferences": {"SalesFormsPrefs": {"CustomTxnNumbers": true}}}));
    for (path, entity) in [("invoice", "Invoice"), ("estimate", "Estimate"), ("salesreceipt", "SalesReceipt")]
    {
        assert_eq!(books.create(path, invoice()).await[entity].get("DocNumber"), None);
    }
}

#[tokio::test]
async fn item_5_a_taxable_document_has_at_most_750_lines() {
    let books = books().await;
    let lines = |count: usize, code: &str| {
        let line = json!({"DetailType": "SalesItemLineDetail", "Amount": 1,
            "SalesItemLineDetail": {"ItemRef": {"value": "5"}, "TaxCodeRef": {"value": code}}});
        invoice_with(|i| i["Line"] = json!(vec![line; count]))
    };
    books.create("invoice", lines(751, "TAX")).await;
    books.seed(json!({"preferences": {"TaxPrefs": {"UsingSalesTax": true, "PartnerTaxEnabled": true}}}));
    books.create("invoice", lines(750, "TAX")).await;
    books.create("invoice", lines(751, "NON")).await;
    assert_eq!(books.refused("invoice", lines(751, "TAX")).await, "6000");
}

#[tokio::test]
async fn item_5_an_empty_text_is_a_missing_value() {
    let books = books().await;
    let line = |change: fn(&mut Value)| invoice_with(|i| change(&mut i["Line"][0]));
    for body in [
        line(|l| l["Amount"] = json!("")),
        line(|l| l["DetailType"] = json!("")),
        line(|l| l["SalesItemLineDetail"]["ItemRef"]["value"] = json!("")),
    ] {
        assert_eq!(books.refused("invoice", body.clone()).await, "2020", "{body}");
    }
    let paid = json!({"TotalAmt": 5, "CustomerRef": {"value": "1"},
        "Line": [{"Amount": "", "LinkedTxn": [{"TxnId": "7", "TxnType": "Invoice"}]}]});
    assert_eq!(books.refused("payment", paid).await, "2020");
    let unpaid = json!({"TotalAmt": "", "CustomerRef": {"value": "1"}});
    assert_eq!(books.refused("payment", unpaid).await, "6000");
}

#[tokio::test]
async fn item_5_a_field_of_intuits_that_is_not_simulated_is_told_from_one_nobody_knows() {
    let books = books().await;
    let tax_line = json!({"Amount": 1, "DetailType": "TaxLineDetail"});
    let group = json!({"DetailType": "GroupLineDetail", "GroupLineDetail": {"GroupItemRef": {"value": "5"}}});
    for (name, body) in [
        ("Deposit", invoice_with(|i| i["Deposit"] = json!(5))),
        ("ShipMethodRef", invoice_with(|i| i["ShipMethodRef"] = json!({"value": "UPS"}))),
        ("ShipFromAddr", invoice_with(|i| i["ShipFromAddr"] = json!({"Line1": "1 Quay"}))),
        ("ProjectRef", invoice_with(|i| i["ProjectRef"] = json!({"value": "1"}))),
        ("GroupLineDetail", invoice_with(|i| i["Line"] = json!([group]))),
        ("TaxLine", invoice_with(|i| i["TxnTaxDetail"] = json!({"TaxLine": [tax_line]}))),
    ] {
        let (_, answer) = json_of(books.post("invoice", &body)).await;
        assert_eq!(code(&answer), "2010");
        assert!(detail(&answer).contains(name) && detail(&answer).contains("not simulated"), "{answer}");
        assert!(books.quickbooks.control().calls().last().unwrap().unexpected, "{name}");
    }
    books.refused("invoice", invoice_with(|i| i["Frobnicate"] = json!(1))).await;
    assert!(!books.quickbooks.control().calls().last().unwrap().unexpected);
    assert_eq!(books.count("Invoice"), 0);
    let nothing = invoice_with(|i| {
        i["Deposit"] = json!(0);
        i["TxnTaxDetail"] = json!({"TaxLine": []});
    });
    books.create("invoice", nothing).await;
}

#[tokio::test]
async fn item_5_another_tax_than_computed_is_not_simulated_abroad() {
    let books = abroad().await;
    let taxed = |tax: &str| {
        line_with(|i| {
            i["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": "71"});
            i["told"] = exact(tax);
        })
    };
    let body = |tax: &str| {
        let mut body = taxed(tax);
        let told = body["Line"][0].as_object_mut().unwrap().remove("told").unwrap();
        body["TxnTaxDetail"] = json!({"TotalTax": told});
        body
    };
    let made = books.create("invoice", body("0")).await["Invoice"].clone();
    let computed = made["TxnTaxDetail"]["TotalTax"].to_string();
    assert_ne!(computed, "0");
    books.create("invoice", body(&computed)).await;
    assert_eq!(books.refused("invoice", body("1.23")).await, "2010");
    assert!(books.quickbooks.control().calls().last().unwrap().unexpected);
    // What was computed comes back with the whole document.
    let mut whole = made.clone();
    whole["PrivateNote"] = json!("changed");
    books.create("invoice", whole).await;
}
