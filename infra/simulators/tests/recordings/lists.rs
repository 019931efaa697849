//! Reading and writing customers, vendors, employees, items, accounts and preferences; and the discovery document.

use serde_json::{Value, json};

use crate::compare::Rule;
use crate::entered;
use crate::library::Library;
use crate::replay::Replay;

const CUSTOMERS: &str = "qbo_api-recordings/all_customers_2.json";

const VENDORS: &str = "qbo_api-recordings/get_inactive_vendors.json";

const EMPLOYEES: &str = "qbo_api-recordings/all_employees_including_active_2.json";

/// Whatever is asked, of a company with all the customers that were recorded.
pub(crate) fn customers(library: &Library, file: &str) -> Replay {
    of_rows(library, file, "customers", "Customer", &library.rows(CUSTOMERS, "Customer"))
}

/// The one customer that was found among others, as that customer was then.
pub(crate) fn customer_found(library: &Library, file: &str) -> Replay {
    customers(library, file)
        .seeded(json!({"customers": entered::rows("Customer", &library.rows(file, "Customer"))}))
}

/// Whatever is asked, of a company with all the vendors that were recorded.
pub(crate) fn vendors(library: &Library, file: &str) -> Replay {
    of_rows(library, file, "vendors", "Vendor", &library.rows(VENDORS, "Vendor"))
}

/// Whatever is asked, of a company with all the employees that were recorded.
pub(crate) fn employees(library: &Library, file: &str) -> Replay {
    of_rows(library, file, "employees", "Employee", &library.rows(EMPLOYEES, "Employee"))
}

fn of_rows(library: &Library, file: &str, list: &str, entity: &str, rows: &[Value]) -> Replay {
    Replay::recorded(library, file).seeded(json!({list: entered::rows(entity, rows)}))
}

/// A customer of a company with a tax code of its own for new customers.
pub(crate) fn customer_created(library: &Library, file: &str) -> Replay {
    let made = &library.answer(file)["Customer"];
    let id = made["Id"].as_str().unwrap();
    Replay::recorded(library, file).seeded(taxing(&made["DefaultTaxCodeRef"])).next_id(id)
}

/// One that is read, and updated as a whole.
pub(crate) fn customer_updated(library: &Library, file: &str) -> Replay {
    let before = &library.answer("qbo_api-recordings/update_customer_1.json")["Customer"];
    Replay::recorded(library, file)
        .seeded(taxing(&before["DefaultTaxCodeRef"]))
        .seeded(json!({"customers": [entered::row("Customer", before)]}))
}

/// Sales tax by hand, with this code for those who have none of their own.
fn taxing(code: &Value) -> Value {
    json!({
        "preferences": {"TaxPrefs": {"UsingSalesTax": true, "TaxGroupCodeRef": code}},
        "tax_rates": [{"Id": "3", "Name": "State", "RateValue": 8}],
        "tax_codes": [{"Id": code["value"], "Name": "State",
            "SalesTaxRateList": {"TaxRateDetail": [{"TaxRateRef": {"value": "3"}}]}}],
    })
}

/// An account that is inactive already, and made so again.
pub(crate) fn account(library: &Library, file: &str) -> Replay {
    let before = &library.answer("qbo_api-recordings/deactivate_account_1.json")["Account"];
    Replay::recorded(library, file).seeded(json!({"accounts": [entered::row("Account", before)]}))
}

/// All items, of a company with those that were answered.
pub(crate) fn items(library: &Library, file: &str) -> Replay {
    let rows = entered::rows("Item", &library.rows(file, "Item"));
    Replay::asked(library, file, 200, "GET", "query?query=SELECT%20*%20FROM%20Item", Value::Null)
        .seeded(json!({"items": rows}))
}

/// One item by its `Id`.
pub(crate) fn item(library: &Library, file: &str) -> Replay {
    let item = &library.answer(file)["Item"];
    let target = format!("item/{}", item["Id"].as_str().unwrap());
    Replay::asked(library, file, 200, "GET", &target, Value::Null)
        .seeded(json!({"items": [entered::row("Item", item)]}))
}

/// Where everything else is found, before there is any company.
pub(crate) fn discovery(library: &Library, file: &str) -> Replay {
    let target = "/.well-known/openid_configuration";
    Replay::asked(library, file, 200, "GET", target, Value::Null).loosely(&[
        ("issuer", Rule::UrlPath),
        ("*_endpoint", Rule::UrlPath),
        ("jwks_uri", Rule::UrlPath),
    ])
}

/// The settings people change; those nobody changed, the simulator has of its own, whatever their values.
pub(crate) fn preferences(library: &Library, file: &str) -> Replay {
    let read = library.answer(file)["Preferences"].clone();
    let changed = json!({
        "SalesFormsPrefs": {"CustomField": read["SalesFormsPrefs"]["CustomField"],
            "DefaultCustomerMessage": read["SalesFormsPrefs"]["DefaultCustomerMessage"]},
        "VendorAndPurchasesPrefs": {"POCustomField": read["VendorAndPurchasesPrefs"]["POCustomField"]},
        "TaxPrefs": read["TaxPrefs"],
        "OtherPrefs": read["OtherPrefs"],
        "SyncToken": read["SyncToken"],
    });
    Replay::asked(library, file, 200, "GET", "preferences", Value::Null)
        .seeded(json!({"preferences": changed}))
        .loosely(&[("Preferences.*", Rule::Type)])
}
