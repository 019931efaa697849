//! The small lists of a company (quickbooks.md §2.10): accounts, payment methods, terms, classes, locations,
//! currencies and tax; and what documents take from them.
//!
//! Every company begins with the rows below. Their ids are fixed and stand outside the company's counter, so that what
//! is seeded and created is numbered from 1 as ever, and no list's id is mistaken for another's:
//!
//! | entity | rows |
//! | --- | --- |
//! | `Account` | 9001 Checking, 9002 Savings, 9003 Undeposited Funds, 9004 Sales of Product Income, 9005 Discounts given |
//! | `PaymentMethod` | 9101 Cash, 9102 Check, 9103 Visa |
//! | `Term` | 9201 Net 15, 9202 Net 30 |
//! | `TaxCode` | `TAX` and `NON`, in US companies only |

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::{Fault, Reason};
use super::fields;
use super::json::{Object, fill, text};
use super::state::Company;

/// The company's default term, Net 30 (recorded).
pub(super) const DEFAULT_TERM: &str = "9202";

/// Where discounts are booked unless a line says otherwise.
pub(super) const DISCOUNT_ACCOUNT: &str = "9005";

/// What money may be deposited to (6430 otherwise).
const DEPOSIT_TYPES: [&str; 2] = ["Bank", "Other Current Asset"];

/// Puts in what every company begins with.
pub(super) fn begin(company: &mut Company, now: Timestamp) {
    for (entity, row) in beginnings() {
        if let Value::Object(mut row) = row {
            add_defaults(entity, &mut row);
            company.keep(entity, row, now);
        }
    }
}

/// Fills in where the money of a payment or sales receipt goes: *Undeposited Funds* unless it says.
///
/// # Errors
/// 6430 for an account that can take no deposit.
pub(super) fn deposit(company: &Company, row: &mut Object) -> Result<(), Fault> {
    let id = text(row, &["DepositToAccountRef", "value"]);
    if id.is_empty() {
        let mut accounts = company.rows("Account").iter();
        let funds = accounts.find(|account| text(account, &["AccountSubType"]) == "UndepositedFunds");
        row.extend(funds.map(|funds| ("DepositToAccountRef".to_owned(), fields::reference_to(funds))));
        return Ok(());
    }
    let kind = company.row("Account", id).map(|account| text(account, &["AccountType"])).unwrap_or_default();
    if DEPOSIT_TYPES.contains(&kind) {
        return Ok(());
    }
    let detail = format!("Deposits go to an account of type Bank or Other Current Asset, not {kind}");
    Err(Reason::new(6430, detail).at("DepositToAccountRef").into())
}

/// Days from an invoice's date until it is due: by its own term, else its customer's, else the company's; by none at once.
pub(super) fn days_due(company: &Company, invoice: &Object) -> i64 {
    let customer = company.row("Customer", text(invoice, &["CustomerRef", "value"]));
    let ids = [
        text(invoice, &["SalesTermRef", "value"]),
        customer.map(|row| text(row, &["SalesTermRef", "value"])).unwrap_or_default(),
        company.preference_text(&["SalesFormsPrefs", "DefaultTerms", "value"]),
    ];
    let term = ids.into_iter().find(|id| !id.is_empty()).and_then(|id| company.row("Term", id));
    term.and_then(|term| term.get("DueDays")).and_then(Value::as_i64).unwrap_or_default()
}

/// The codes only US companies have go, when a company turns out to be none.
pub(super) fn leave_us(company: &mut Company) {
    company.retain("TaxCode", |row| !["TAX", "NON"].contains(&text(row, &["Id"])));
}

/// Adds what the service adds to every row of these lists.
///
/// # Errors
/// What the simulator cannot do without, in words.
pub(super) fn complete(entity: &str, row: &mut Object) -> Result<(), String> {
    let needed = match entity {
        "Account" => Some("AccountType"),
        // A term by the day of the month is not simulated.
        "Term" => Some("DueDays"),
        "CompanyCurrency" => Some("Code"),
        "TaxRate" => Some("RateValue"),
        _ => None,
    };
    if let Some(field) = needed.filter(|field| !row.contains_key(*field)) {
        return Err(format!("a row needs a {field}"));
    }
    add_defaults(entity, row);
    Ok(())
}

fn add_defaults(entity: &str, row: &mut Object) {
    let name = text(row, &["Name"]).to_owned();
    let defaults = match entity {
        "Account" => {
            json!({"Active": true, "FullyQualifiedName": name, "SubAccount": false, "CurrentBalance": 0})
        }
        "Term" => json!({"Active": true, "Type": "STANDARD", "DiscountPercent": 0, "DiscountDays": 0}),
        "Class" => json!({"Active": true, "FullyQualifiedName": name, "SubClass": false}),
        "Department" => json!({"Active": true, "FullyQualifiedName": name, "SubDepartment": false}),
        "CompanyCurrency" | "TaxRate" => json!({"Active": true}),
        "TaxCode" => {
            json!({"Active": true, "Hidden": false, "Taxable": true, "TaxGroup": true, "Description": name,
                "SalesTaxRateList": {"TaxRateDetail": []}, "PurchaseTaxRateList": {"TaxRateDetail": []}})
        }
        _ => json!({"Active": true, "Type": "NON_CREDIT_CARD"}),
    };
    fill(row, defaults);
}

fn beginnings() -> [(&'static str, Value); 12] {
    [
        account("9001", "Checking", "Bank", "Checking", "Asset"),
        account("9002", "Savings", "Bank", "Savings", "Asset"),
        account("9003", "Undeposited Funds", "Other Current Asset", "UndepositedFunds", "Asset"),
        account("9004", "Sales of Product Income", "Income", "SalesOfProductIncome", "Revenue"),
        account(DISCOUNT_ACCOUNT, "Discounts given", "Income", "DiscountsRefundsGiven", "Revenue"),
        payment_method("9101", "Cash", "NON_CREDIT_CARD"),
        payment_method("9102", "Check", "NON_CREDIT_CARD"),
        payment_method("9103", "Visa", "CREDIT_CARD"),
        term("9201", "Net 15", 15),
        term(DEFAULT_TERM, "Net 30", 30),
        pseudo_code("TAX", true),
        pseudo_code("NON", false),
    ]
}

fn account(id: &str, name: &str, kind: &str, sub_kind: &str, class: &str) -> (&'static str, Value) {
    let row = json!({"Id": id, "Name": name, "AccountType": kind, "AccountSubType": sub_kind, "Classification": class});
    ("Account", row)
}

fn payment_method(id: &str, name: &str, kind: &str) -> (&'static str, Value) {
    ("PaymentMethod", json!({"Id": id, "Name": name, "Type": kind}))
}

fn pseudo_code(id: &str, taxable: bool) -> (&'static str, Value) {
    ("TaxCode", json!({"Id": id, "Name": id, "Taxable": taxable, "TaxGroup": false}))
}

fn term(id: &str, name: &str, due_days: i64) -> (&'static str, Value) {
    ("Term", json!({"Id": id, "Name": name, "DueDays": due_days}))
}
