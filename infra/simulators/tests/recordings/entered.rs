//! From an answer back to what people must have entered: without what the service adds by itself, so that the simulator
//! has to add it by itself.

use serde_json::{Map, Value, json};

/// What the service writes into every row.
const WRITTEN: [&str; 7] =
    ["domain", "sparse", "MetaData", "FullyQualifiedName", "CurrencyRef", "Level", "TrackQtyOnHand"];

/// What marks an inactive row's name.
const RETIRED: &str = " (deleted)";

/// A list's row as a seed names it. `Id` and `SyncToken` stay: they are how old the company is.
pub(crate) fn row(entity: &str, answered: &Value) -> Value {
    let mut row = answered.as_object().unwrap().clone();
    row.retain(|name, value| !WRITTEN.contains(&name.as_str()) && defaults(entity).get(name) != Some(value));
    if row.get("PrintOnCheckName") == row.get("DisplayName") {
        row.remove("PrintOnCheckName");
    }
    for name in ["DisplayName", "Name"] {
        if let Some(Value::String(text)) = row.get_mut(name) {
            *text = text.trim_end_matches(RETIRED).to_owned();
        }
    }
    Value::Object(row)
}

/// All of them.
pub(crate) fn rows(entity: &str, answered: &[Value]) -> Value {
    answered.iter().map(|answered| row(entity, answered)).collect()
}

/// What the service gives a row of which nobody says otherwise.
fn defaults(entity: &str) -> Value {
    match entity {
        "Customer" => {
            json!({"SyncToken": "0", "Active": true, "Taxable": true, "Job": false, "BillWithParent": false,
                "Balance": 0, "BalanceWithJobs": 0, "PreferredDeliveryMethod": "Print"})
        }
        "Vendor" => json!({"SyncToken": "0", "Active": true, "Balance": 0, "Vendor1099": false}),
        "Employee" => json!({"Active": true, "BillableTime": false}),
        "Item" => {
            json!({"SyncToken": "0", "Active": true, "Taxable": false, "UnitPrice": 0, "PurchaseCost": 0})
        }
        _ => {
            json!({"Active": true, "SubAccount": false, "CurrentBalance": 0, "CurrentBalanceWithSubAccounts": 0})
        }
    }
}

/// A document as it must have been sent.
pub(crate) fn document(answered: &Value) -> Value {
    let sent = [
        "TxnDate",
        "DocNumber",
        "CustomerRef",
        "CustomerMemo",
        "BillEmail",
        "BillAddr",
        "EmailStatus",
        "TxnStatus",
        "LinkedTxn",
        "DepositToAccountRef",
    ];
    let mut body = picked(answered, &sent);
    if let Some(Value::Object(address)) = body.get_mut("BillAddr") {
        address.retain(|name, _| name.starts_with("Line"));
        // An address the customer has is the customer's.
        if address.len() < 2 {
            body.remove("BillAddr");
        }
    }
    body.insert("Line".into(), lines(answered).iter().map(line).collect());
    let tax = picked(&answered["TxnTaxDetail"], &["TxnTaxCodeRef"]);
    if !tax.is_empty() {
        body.insert("TxnTaxDetail".into(), Value::Object(tax));
    }
    Value::Object(body)
}

/// The lines somebody wrote.
pub(crate) fn lines(document: &Value) -> Vec<&Value> {
    let lines = document["Line"].as_array().unwrap().iter();
    lines.filter(|line| line["DetailType"] == "SalesItemLineDetail").collect()
}

fn line(answered: &&Value) -> Value {
    Value::Object(picked(answered, &["Description", "Amount", "DetailType", "SalesItemLineDetail"]))
}

fn picked(object: &Value, names: &[&str]) -> Map<String, Value> {
    let value = |name: &&str| object.get(*name).map(|value| ((*name).to_owned(), value.clone()));
    names.iter().filter_map(value).collect()
}

/// The items a document names, as a seed does. What else they are, the document does not tell.
pub(crate) fn items_of(documents: &[Value]) -> Value {
    let references = documents.iter().flat_map(lines).map(|line| &line["SalesItemLineDetail"]["ItemRef"]);
    let item = |reference: &Value| {
        let full_name = reference["name"].as_str().unwrap();
        let name = full_name.rsplit(':').next();
        json!({"Id": reference["value"], "Name": name, "FullyQualifiedName": full_name})
    };
    references.map(item).collect()
}
