//! Reading, changing and voiding documents, which were made through the API before.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::compare::Rule;
use crate::entered;
use crate::library::Library;
use crate::replay::Replay;

const INVOICE: &str = "qbo_api-recordings/void_invoice_1.json";

const RECEIPT: &str = "qbo_api-recordings/update_sales_receipt_1.json";

const CUSTOMERS: &str = "qbo_api-recordings/all_customers_2.json";

const PREFERENCES: &str = "exquickbooks/preferences_update_preferences.json";

/// The sample company: sales tax by hand, the recorded custom field on its forms, money at first in an account of that number.
fn sample_company(library: &Library) -> Value {
    let preferences = &library.answer(PREFERENCES)["Preferences"];
    json!({
        "preferences": {
            "TaxPrefs": {"UsingSalesTax": true},
            "SalesFormsPrefs": {"CustomField": preferences["SalesFormsPrefs"]["CustomField"]},
        },
        "accounts": [
            {"Id": "9003", "Name": "Petty Cash", "AccountType": "Bank", "AccountSubType": "CashOnHand"},
            {"Id": "4", "Name": "Undeposited Funds", "AccountType": "Other Current Asset",
                "AccountSubType": "UndepositedFunds", "Classification": "Asset"}],
        "tax_rates": [{"Id": "3", "Name": "State", "RateValue": 8}],
        "tax_codes": [{"Id": "2", "Name": "State",
            "SalesTaxRateList": {"TaxRateDetail": [{"TaxRateRef": {"value": "3"}}]}}],
    })
}

/// An invoice that was made and then is read, or voided.
pub(crate) fn invoice(library: &Library, file: &str) -> Replay {
    let invoice = &library.answer(INVOICE)["Invoice"];
    let mut body = entered::document(invoice);
    let next = number(&without(&mut body, "DocNumber"));
    let customers = customers_of(library, &[invoice]);
    Replay::recorded(library, file)
        .seeded(sample_company(library))
        .seeded(json!({"customers": customers, "items": entered::items_of(std::slice::from_ref(invoice)),
            "numbers": {"Invoice": next}}))
        .next_id(invoice["Id"].as_str().unwrap())
        .written(&invoice["MetaData"]["CreateTime"], "invoice", body)
}

/// A sales receipt whose line was written anew four times, and once more.
pub(crate) fn receipt(library: &Library, file: &str) -> Replay {
    let receipt = &library.answer(RECEIPT)["SalesReceipt"];
    let mut body = entered::document(receipt);
    let next = number(&without(&mut body, "DocNumber"));
    let (created, changed) = (&receipt["MetaData"]["CreateTime"], &receipt["MetaData"]["LastUpdatedTime"]);
    let mut replay = Replay::recorded(library, file)
        .seeded(sample_company(library))
        .seeded(json!({"items": entered::items_of(std::slice::from_ref(receipt)),
            "numbers": {"SalesReceipt": next}}))
        .next_id(receipt["Id"].as_str().unwrap())
        .written(created, "salesreceipt", body.clone());
    for save in 0..saves(receipt) {
        let mut change = body.clone();
        change["Id"] = receipt["Id"].clone();
        change["SyncToken"] = json!(save.to_string());
        replay = replay.written(changed, "salesreceipt", change);
    }
    replay
}

/// A sales receipt to nobody, from a company that keeps no sales tax and has an item two categories deep.
pub(crate) fn receipt_created(library: &Library, file: &str) -> Replay {
    let receipt = &library.answer(file)["SalesReceipt"];
    let body = receipt_body(receipt);
    until_receipt(library, Replay::asked(library, file, 200, "POST", "salesreceipt", body), receipt)
}

/// The same one, voided.
pub(crate) fn receipt_voided(library: &Library, file: &str) -> Replay {
    let made = &library.answer("exquickbooks/sales_receipt_create_sales_receipt.json")["SalesReceipt"];
    let void = json!({"Id": made["Id"], "SyncToken": made["SyncToken"], "sparse": true});
    let target = "salesreceipt?operation=update&include=void";
    until_receipt(library, Replay::asked(library, file, 200, "POST", target, void), made).written(
        &made["MetaData"]["CreateTime"],
        "salesreceipt",
        receipt_body(made),
    )
}

fn receipt_body(receipt: &Value) -> Value {
    let mut body = entered::document(receipt);
    for given in ["DocNumber", "TxnDate", "EmailStatus", "DepositToAccountRef"] {
        body.as_object_mut().unwrap().remove(given);
    }
    body
}

fn until_receipt(library: &Library, replay: Replay, receipt: &Value) -> Replay {
    let mut company = sample_company(library);
    company["preferences"] = json!({});
    company["items"] = entered::items_of(std::slice::from_ref(receipt));
    company["numbers"] = json!({"SalesReceipt": number(&receipt["DocNumber"])});
    replay.seeded(company).next_id(receipt["Id"].as_str().unwrap())
}

/// Estimates that were made, some of them into invoices.
pub(crate) fn changes(library: &Library, file: &str) -> Replay {
    let answer = library.answer(file);
    let estimates = answer["CDCResponse"][0]["QueryResponse"][0]["Estimate"].as_array().unwrap();
    let replay = Replay::recorded(library, file)
        .seeded(sample_company(library))
        .seeded(json!({"customers": customers_of(library, &estimates.iter().collect::<Vec<_>>()),
            "items": entered::items_of(estimates)}))
        // Its own address, which the service numbers.
        .loosely(&[("*Estimate[].BillAddr.Id", Rule::Type)]);
    // Ids rise, so that everything is made in their order, whenever it was.
    let mut happened: BTreeMap<u64, Happening> = BTreeMap::new();
    for estimate in estimates {
        happened.insert(number(&estimate["Id"]), Box::new(move |replay| made(replay, estimate)));
        if let Some(invoice) = estimate["LinkedTxn"].get(0) {
            happened.insert(number(&invoice["TxnId"]), Box::new(move |replay| billed(replay, estimate)));
        }
    }
    let replay = happened.into_values().fold(replay, |replay, happening| happening(replay));
    estimates.iter().fold(replay, saved)
}

type Happening<'a> = Box<dyn Fn(Replay) -> Replay + 'a>;

/// The same question, with a moment that is not too long ago.
pub(crate) fn changes_of_a_month(library: &Library, file: &str) -> Replay {
    changes(library, file)
        .asked_at("2015-10-20T12:00:00Z", "cdc?changedSince=2015-10-01T09:00:00-07:00&entities=estimate")
}

fn made(replay: Replay, estimate: &Value) -> Replay {
    let mut body = entered::document(estimate);
    let fields = body.as_object_mut().unwrap();
    fields.remove("LinkedTxn");
    if estimate["LinkedTxn"].is_array() {
        fields.remove("TxnStatus");
    }
    replay.next_id(estimate["Id"].as_str().unwrap()).written(
        &estimate["MetaData"]["CreateTime"],
        "estimate",
        body,
    )
}

/// The invoice an estimate became.
fn billed(replay: Replay, estimate: &Value) -> Replay {
    let mut invoice = entered::document(estimate);
    let fields = invoice.as_object_mut().unwrap();
    fields.retain(|name, _| ["CustomerRef", "Line"].contains(&name.as_str()));
    fields.insert("LinkedTxn".into(), json!([{"TxnId": estimate["Id"], "TxnType": "Estimate"}]));
    replay.next_id(estimate["LinkedTxn"][0]["TxnId"].as_str().unwrap()).written(
        &estimate["MetaData"]["LastUpdatedTime"],
        "invoice",
        invoice,
    )
}

/// An estimate that was saved again and again, at last within the month that is asked for.
fn saved(replay: Replay, estimate: &Value) -> Replay {
    (0..saves(estimate)).fold(replay, |replay, save| {
        let change = json!({"Id": estimate["Id"], "SyncToken": save.to_string(), "sparse": true,
            "TxnDate": estimate["TxnDate"]});
        replay.written(&json!("2015-10-10T12:00:00Z"), "estimate", change)
    })
}

/// The customers of these documents as they were then: whose document is taxed was not exempt.
fn customers_of(library: &Library, documents: &[&Value]) -> Value {
    let rows = library.rows(CUSTOMERS, "Customer");
    let entered = rows.iter().filter_map(|row| {
        let document = documents.iter().find(|document| document["CustomerRef"]["value"] == row["Id"])?;
        let mut customer = entered::row("Customer", row);
        if document["TxnTaxDetail"]["TaxLine"].is_array() {
            customer["Taxable"] = json!(true);
        }
        Some(customer)
    });
    entered.collect()
}

/// Takes a member away.
fn without(body: &mut Value, member: &str) -> Value {
    body.as_object_mut().unwrap().remove(member).unwrap()
}

/// How often a row was saved after it was made.
fn saves(row: &Value) -> u64 {
    number(&row["SyncToken"])
}

/// A number that is written as a text.
fn number(text: &Value) -> u64 {
    text.as_str().unwrap().parse().unwrap()
}
