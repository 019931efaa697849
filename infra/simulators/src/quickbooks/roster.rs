//! Creating and changing vendors, employees, items and the small lists (quickbooks.md §2.7, §2.10).

use serde_json::{Value, json};

use super::create::Moment;
use super::customer::{self, NAMED};
use super::fault::{Fault, Reason};
use super::fields::{self, Field};
use super::inactive::{label, retire};
use super::json::{Object, at, decimal, fill, say_the_same, text};
use super::list_fields::{ACCOUNT, CLASS, DEPARTMENT, EMPLOYEE, ITEM, PAYMENT_METHOD, TERM, VENDOR};
use super::state::Company;
use super::switches::OmittedItemType;
use super::{currency, lists, plan};

/// What the body of such a row may hold; `None` for other entities.
pub(super) fn fields_of(entity: &str) -> Option<&'static [Field]> {
    match entity {
        "Vendor" => Some(VENDOR),
        "Employee" => Some(EMPLOYEE),
        "Item" => Some(ITEM),
        "Account" => Some(ACCOUNT),
        "PaymentMethod" => Some(PAYMENT_METHOD),
        "Term" => Some(TERM),
        "Class" => Some(CLASS),
        "Department" => Some(DEPARTMENT),
        _ => None,
    }
}

/// Creates one and answers it as kept.
///
/// # Errors
/// 2010, 2020, 5030, 6000, 6080, 6240, 6430, and what the table of fields refuses.
pub(super) fn create(
    company: &mut Company,
    entity: &'static str,
    body: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    let table = fields_of(entity).unwrap_or_default();
    fields::known(entity, table, body)?;
    let mut row = fields::read(table, body, company, moment.horizon)?;
    if NAMED.contains(&entity) {
        customer::name(company, &mut row)?;
        currency::permitted(company, &row)?;
    }
    required(company, entity, &row)?;
    sound(company, entity, &row)?;
    complete(company, entity, &mut row);
    retire(entity, &mut row);
    unique(company, entity, &row)?;
    company.number_addresses(&mut row);
    Ok(company.insert(entity, row, moment.now))
}

/// Changes one and answers it as kept. What of the table `wanted` lacks is gone afterwards, other fields stay, and so
/// does what makes a row the kind of thing it is.
///
/// # Errors
/// 2020 without a name, 2240, 5030, 6000 for another type, 6240, 6430, and what the table of fields refuses.
pub(super) fn update(
    company: &mut Company,
    entity: &str,
    old: &Object,
    wanted: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    let table = fields_of(entity).unwrap_or_default();
    let is_new = |name: &str, value: &Value| old.get(name).is_none_or(|old| !say_the_same(old, value));
    let changes = wanted.iter().filter(|(name, value)| is_new(name, value));
    let changes = changes.map(|(name, value)| (name.clone(), value.clone())).collect();
    let changes = fields::read(table, &changes, company, moment.horizon)?;
    if FIXED.iter().any(|name| changes.contains_key(*name) && old.contains_key(*name)) {
        return Err(Reason::business("the type of what is in use cannot be changed").into());
    }
    let mut row = old.clone();
    row.retain(|name, _| {
        let stays = FIXED.contains(&name.as_str()) || name == "FullyQualifiedName";
        stays || wanted.contains_key(name) || !table.iter().any(|(field, _)| field == name)
    });
    row.extend(changes);
    row.retain(|name, _| !wanted.get(name).is_some_and(Value::is_null));
    let label = label(entity);
    if text(&row, &[label]).is_empty() {
        return Err(Reason::missing(label).into());
    }
    row.entry("Active").or_insert(Value::Bool(true));
    if row.contains_key("FullyQualifiedName") {
        row.insert("FullyQualifiedName".into(), json!(full_name(old, label, text(&row, &[label]))));
    }
    retire(entity, &mut row);
    // What changes nothing is no save (recorded).
    if row == *old {
        return Ok(row);
    }
    sound(company, entity, &row)?;
    unique(company, entity, &row)?;
    let id = text(old, &["Id"]);
    Ok(company.replace(entity, id, row, moment.now))
}

/// What stays as it was made.
const FIXED: [&str; 4] = ["Type", "AccountType", "CurrencyRef", "ParentRef"];

fn required(company: &Company, entity: &str, row: &Object) -> Result<(), Fault> {
    let stocked: &[&str] = match text(row, &["Type"]) {
        "Inventory" => {
            &["AssetAccountRef", "ExpenseAccountRef", "InvStartDate", "QtyOnHand", "TrackQtyOnHand"]
        }
        _ => &[],
    };
    let is_category = text(row, &["Type"]) == "Category";
    let guesses_type = company.switches.omitted_item_type == OmittedItemType::Service;
    let own: &[&str] = match entity {
        "Item" if is_category => &["Type"],
        "Item" if guesses_type => &["IncomeAccountRef"],
        "Item" => &["Type", "IncomeAccountRef"],
        "Account" => &["AccountType"],
        "Term" if !row.contains_key("DayOfMonthDue") => &["DueDays"],
        _ => &[],
    };
    let label = label(entity);
    let needed = std::iter::once(&label).chain(own).chain(stocked);
    let missing: Vec<_> =
        needed.filter(|name| !row.contains_key(**name)).map(|name| Reason::missing(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Fault::validation(missing)) }
}

/// What the plan and the accounts behind it must be like.
fn sound(company: &Company, entity: &str, row: &Object) -> Result<(), Fault> {
    match entity {
        "Class" | "Department" => plan::needs_plus(company, "Tracking by class or location")?,
        "Item" if text(row, &["Type"]) == "Inventory" => plan::needs_plus(company, "Inventory")?,
        _ => {}
    }
    let whole =
        |name: &str| row.get(name).and_then(decimal).is_none_or(|days| (0..=999).contains(&days_of(days)));
    if let Some(name) = ["DueDays", "DayOfMonthDue", "DueNextMonthDays"].into_iter().find(|name| !whole(name))
    {
        return Err(Reason::new(2240, format!("{name} is a whole number from 0 to 999")).at(name).into());
    }
    let account = company.row("Account", text(row, &["IncomeAccountRef", "value"]));
    if account.is_some_and(|account| text(account, &["AccountType"]) != "Income") {
        let detail = "What an item brings in goes to an account of type Income";
        return Err(Reason::new(6430, detail).at("IncomeAccountRef").into());
    }
    Ok(())
}

/// Minus one for what is no whole number of days.
fn days_of(days: rust_decimal::Decimal) -> i64 {
    let days = days.normalize();
    if days.scale() > 0 { -1 } else { i64::try_from(days).unwrap_or(-1) }
}

/// Adds what the service adds.
fn complete(company: &Company, entity: &str, row: &mut Object) {
    match entity {
        "Vendor" => {
            let code = text(row, &["CurrencyRef", "value"]).to_owned();
            let code = if code.is_empty() { currency::home(company).to_owned() } else { code };
            row.insert("CurrencyRef".into(), currency::named(&code));
            let name = text(row, &["DisplayName"]).to_owned();
            fill(row, json!({"Active": true, "PrintOnCheckName": name, "Balance": 0, "Vendor1099": false}));
        }
        "Employee" => {
            let name = text(row, &["DisplayName"]).to_owned();
            fill(row, json!({"Active": true, "PrintOnCheckName": name, "BillableTime": false}));
        }
        "Item" => {
            let tracks = text(row, &["Type"]) == "Inventory";
            fill(
                row,
                json!({"Active": true, "Type": "Service", "Taxable": false, "UnitPrice": 0, "PurchaseCost": 0,
                    "TrackQtyOnHand": tracks}),
            );
            nest(company, entity, row, "SubItem");
        }
        "Class" => nest(company, entity, row, "SubClass"),
        "Department" => nest(company, entity, row, "SubDepartment"),
        "Account" => {
            let class = lists::classification(text(row, &["AccountType"]));
            fill(
                row,
                json!({"Classification": class, "CurrencyRef": currency::named(currency::home(company))}),
            );
        }
        _ => {}
    }
    if !["Vendor", "Employee", "Item"].contains(&entity) {
        lists::add_defaults(entity, row);
    }
}

/// The name with its parents' before it; a row with a parent says that it has one.
fn nest(company: &Company, entity: &str, row: &mut Object, nested: &str) {
    let name = text(row, &["Name"]).to_owned();
    let parent = company.row(entity, text(row, &["ParentRef", "value"]));
    let full_name = match parent {
        Some(parent) => format!("{}:{name}", text(parent, &["FullyQualifiedName"])),
        None => name,
    };
    // Items without a parent do not say so (recorded); classes and locations do.
    if parent.is_some() || entity != "Item" {
        row.insert(nested.to_owned(), json!(parent.is_some()));
    }
    row.insert("FullyQualifiedName".into(), json!(full_name));
}

/// The old one's parents, and the new name.
fn full_name(old: &Object, label: &str, name: &str) -> String {
    let parents = text(old, &["FullyQualifiedName"]).strip_suffix(text(old, &[label]));
    format!("{}{name}", parents.unwrap_or_default())
}

/// 6240 for a name another has. An inactive row gave its own away, and its second one need not be its alone.
fn unique(company: &Company, entity: &str, row: &Object) -> Result<(), Fault> {
    if at(row, &["Active"]) == Some(&Value::Bool(false)) {
        return Ok(());
    }
    if NAMED.contains(&entity) {
        return customer::unique(company, row);
    }
    let key = if row.contains_key("FullyQualifiedName") { "FullyQualifiedName" } else { "Name" };
    let folded = |row: &Object| text(row, &[key]).to_lowercase();
    let namesakes = company.rows_like(entity, key, text(row, &[key])).into_iter();
    let mut others = namesakes.filter(|other| text(other, &["Id"]) != text(row, &["Id"]));
    match others.find(|other| folded(other) == folded(row)) {
        Some(holder) => Err(customer::duplicate(company, text(holder, &["Id"]))),
        None => Ok(()),
    }
}
