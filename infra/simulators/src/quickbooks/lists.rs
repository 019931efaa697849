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

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::currency;
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

/// When an invoice of a day is due: by its own term, else its customer's, else the company's; by none at once.
pub(super) fn due(company: &Company, invoice: &Object, day: Date) -> Date {
    let customer = company.row("Customer", text(invoice, &["CustomerRef", "value"]));
    let ids = [
        text(invoice, &["SalesTermRef", "value"]),
        customer.map(|row| text(row, &["SalesTermRef", "value"])).unwrap_or_default(),
        company.preference_text(&["SalesFormsPrefs", "DefaultTerms", "value"]),
    ];
    let term = ids.into_iter().find(|id| !id.is_empty()).and_then(|id| company.row("Term", id));
    let number = |name: &str| term.and_then(|term| term.get(name)).and_then(Value::as_i64);
    match number("DayOfMonthDue") {
        Some(day_of_month) => due_on(day, day_of_month, number("DueNextMonthDays").unwrap_or_default()),
        None => later(day, number("DueDays").unwrap_or_default()),
    }
}

/// On the next such day of a month, or a month later if that is within so many days (§2.10). A month that has no such
/// day ends sooner.
fn due_on(day: Date, day_of_month: i64, next_month_days: i64) -> Date {
    let of_month = |month: Date| later(month.first_of_month(), day_of_month - 1).min(month.last_of_month());
    let next_month = |date: Date| date.last_of_month().tomorrow().unwrap_or(date);
    let this = of_month(day);
    let next = if this >= day { this } else { of_month(next_month(day)) };
    let soon = next_month_days > 0 && next <= later(day, next_month_days);
    if soon { of_month(next_month(next)) } else { next }
}

fn later(day: Date, days: i64) -> Date {
    day.saturating_add(Span::new().days(days.clamp(0, MOST_DAYS)))
}

/// More days than any term has.
const MOST_DAYS: i64 = 36_500;

/// Whether it is one of the rows every company begins with.
pub(super) fn is_beginning(entity: &str, id: &str) -> bool {
    let ids = match entity {
        "Account" => "9001"..="9005",
        "PaymentMethod" => "9101"..="9103",
        "Term" => "9201"..="9202",
        _ => return false,
    };
    id.len() == 4 && ids.contains(&id)
}

/// What an account of a type is on the balance sheet or the profit and loss statement.
pub(super) fn classification(account_type: &str) -> &'static str {
    match account_type {
        "Income" | "Other Income" => "Revenue",
        "Expense" | "Other Expense" | "Cost of Goods Sold" => "Expense",
        "Equity" => "Equity",
        "Accounts Payable" | "Credit Card" | "Other Current Liability" | "Long Term Liability" => "Liability",
        _ => "Asset",
    }
}

/// Accounts that name no currency are kept in the company's own.
pub(super) fn in_home_currency(company: &mut Company) {
    let home = currency::named(currency::home(company));
    let unnamed = company.rows("Account").iter().filter(|account| !account.contains_key("CurrencyRef"));
    let ids: Vec<_> = unnamed.map(|account| text(account, &["Id"]).to_owned()).collect();
    for id in ids {
        if let Some(account) = company.row_mut("Account", &id) {
            account.insert("CurrencyRef".into(), home.clone());
        }
    }
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
        "Term" if !row.contains_key("DayOfMonthDue") => Some("DueDays"),
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

/// The defaults of a row of these lists.
pub(super) fn add_defaults(entity: &str, row: &mut Object) {
    let name = text(row, &["Name"]).to_owned();
    let defaults = match entity {
        "Account" => {
            json!({"Active": true, "FullyQualifiedName": name, "SubAccount": false, "CurrentBalance": 0,
                "CurrentBalanceWithSubAccounts": 0})
        }
        // Days after the document and days of the month exclude each other.
        "Term" if row.contains_key("DayOfMonthDue") => {
            json!({"Active": true, "Type": "DATE_DRIVEN", "DiscountPercent": 0})
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
