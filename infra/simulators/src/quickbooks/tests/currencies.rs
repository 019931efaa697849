//! Several currencies: whose they are, and what they come to at home.

use super::*;

/// A customer in euros (Id 20), one in dollars (1), and a rate of the first of March.
async fn world() -> Books {
    let books = books().await;
    books.seed(json!({
        "preferences": {"CurrencyPrefs": {"MultiCurrencyEnabled": true}},
        "currencies": [{"Id": "10", "Code": "EUR"}, {"Id": "11", "Code": "GBP", "Active": false}],
        "customers": [{"Id": "20", "DisplayName": "Søn", "CurrencyRef": {"value": "EUR"}}],
        "exchange_rates": [{"SourceCurrencyCode": "EUR", "Rate": exact("1.0842"), "AsOfDate": "2026-03-01"},
            {"SourceCurrencyCode": "EUR", "Rate": exact("1.2"), "AsOfDate": "2026-03-09"}]}));
    books
}

fn foreign(change: impl FnOnce(&mut Value)) -> Value {
    invoice_with(|i| {
        i["CustomerRef"]["value"] = json!("20");
        i["CurrencyRef"] = json!({"value": "EUR"});
        change(i);
    })
}

#[tokio::test]
async fn each_broken_rule_of_currencies_has_its_code() {
    let books = world().await;
    for body in [
        invoice(),
        invoice_with(|i| i["CurrencyRef"] = json!({"value": "EUR"})),
        foreign(|i| i["CurrencyRef"] = json!({"value": "USD"})),
        foreign(|i| i["CurrencyRef"] = json!({"value": "GBP"})),
        foreign(|i| i["ExchangeRate"] = json!(0)),
        invoice_with(|i| (i["CurrencyRef"], i["ExchangeRate"]) = (json!({"value": "USD"}), json!(2))),
    ] {
        assert_eq!(books.refused("invoice", body.clone()).await, "6000", "{body}");
    }
    let inactive = json!({"DisplayName": "x", "CurrencyRef": {"value": "GBP"}});
    assert_eq!(books.refused("customer", inactive).await, "6000");
}

#[tokio::test]
async fn a_foreign_document_has_the_rate_it_names_and_home_amounts_rounded_half_up() {
    let books = world().await;
    let made =
        books.create("invoice", foreign(|i| i["ExchangeRate"] = exact("1.0842"))).await["Invoice"].clone();
    let home = |row: &Value| (row["HomeTotalAmt"].to_string(), row["HomeBalance"].to_string());
    // 149.97 × 1.0842 = 162.597474
    assert_eq!(home(&made), ("162.60".into(), "162.60".into()));
    assert_eq!(
        (made["TotalAmt"].to_string(), made["ExchangeRate"].to_string()),
        ("149.97".into(), "1.0842".into())
    );
    assert_eq!(made["CurrencyRef"], json!({"value": "EUR", "name": "Euro"}));
    books.create("payment", json!({"TotalAmt": exact("100.00"), "CustomerRef": {"value": "20"}, "CurrencyRef": {"value": "EUR"},
        "ExchangeRate": exact("1.0842"), "Line": [{"Amount": exact("100.00"), "LinkedTxn": [{"TxnId": id(&made), "TxnType": "Invoice"}]}]})).await;
    // 49.97 × 1.0842 = 54.177474
    assert_eq!(home(&books.read("Invoice", id(&made)).await), ("162.60".into(), "54.18".into()));
    let at_home = invoice_with(|i| i["CurrencyRef"] = json!({"value": "USD"}));
    assert_eq!(books.create("invoice", at_home).await["Invoice"]["ExchangeRate"], 1);
}

#[tokio::test]
async fn a_rate_left_out_is_one_or_looked_up_as_the_switch_says() {
    let books = world().await;
    let rate = async || books.create("invoice", foreign(|_| {})).await["Invoice"]["ExchangeRate"].to_string();
    assert_eq!(rate().await, "1");
    books.switch(json!({"omitted_rate": "looked_up"}));
    assert_eq!(rate().await, "1.0842");
}

#[tokio::test]
async fn exchange_rates_are_read_and_queried() {
    let books = world().await;
    let read = async |query: &str| json_of(books.get(&format!("exchangerate?{query}"))).await.1;
    let march = read("sourcecurrencycode=EUR&asofdate=2026-03-05").await["ExchangeRate"].clone();
    assert_eq!((march["Rate"].to_string(), &march["AsOfDate"]), ("1.0842".into(), &json!("2026-03-05")));
    assert_eq!((&march["SourceCurrencyCode"], &march["TargetCurrencyCode"]), (&json!("EUR"), &json!("USD")));
    assert_eq!(code(&read("sourcecurrencycode=EUR&asofdate=2026-02-28").await), "610");
    assert_eq!(code(&read("asofdate=2026-03-05").await), "2020");
    assert_eq!(code(&read("sourcecurrencycode=EUR&asofdate=today").await), "2060");
    let statement =
        "select * from ExchangeRate where SourceCurrencyCode in ('EUR') and AsOfDate = '2026-03-09'";
    assert_eq!(books.query(statement).await["QueryResponse"]["ExchangeRate"][0]["Rate"].to_string(), "1.2");
    books.seed(json!({"preferences": {"CurrencyPrefs": {"MultiCurrencyEnabled": false}}}));
    assert_eq!(code(&read("sourcecurrencycode=EUR").await), "5030");
}

#[tokio::test]
async fn with_one_currency_a_document_has_no_rate() {
    let books = books().await;
    let made =
        books.create("invoice", invoice_with(|i| i["ExchangeRate"] = json!(1))).await["Invoice"].clone();
    assert_eq!((made.get("ExchangeRate"), made.get("HomeTotalAmt")), (None, None));
    assert_eq!(books.refused("invoice", invoice_with(|i| i["ExchangeRate"] = exact("1.1"))).await, "6000");
}
