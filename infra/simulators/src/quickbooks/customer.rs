//! Creating and changing customers (quickbooks.md §2.6), and the rule that a name belongs to one customer, vendor or
//! employee.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::create::Moment;
use super::currency;
use super::fault::{Fault, Reason};
use super::fields::{self, CUSTOMER};
use super::inactive::retire;
use super::json::{Object, at, decimal, fill, money, text};
use super::state::Company;
use super::switches::DuplicateName;

/// The entities among which a `DisplayName` is unique.
pub(super) const NAMED: [&str; 3] = ["Customer", "Vendor", "Employee"];

/// Creates one and answers it as kept.
///
/// # Errors
/// 700, 2010, what the table of fields refuses, 6000, 6080, 6180, 6240.
pub(super) fn create(company: &mut Company, body: &Object, moment: Moment) -> Result<Object, Fault> {
    fields::known("Customer", CUSTOMER, body)?;
    let mut customer = fields::read(CUSTOMER, body, company, moment.horizon)?;
    currency::permitted(company, &customer)?;
    name(company, &mut customer)?;
    family(company, &customer)?;
    unique(company, &customer)?;
    complete(company, &mut customer);
    tax_by_default(company, &mut customer);
    company.number_addresses(&mut customer);
    Ok(company.insert("Customer", customer, moment.now))
}

/// Saves a customer whose body is `wanted` from now on, and answers it as kept.
///
/// # Errors
/// The same, and 6000 for another currency, which a customer has for ever.
pub(super) fn update(
    company: &mut Company,
    old: &Object,
    wanted: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    let mut customer = fields::read(CUSTOMER, wanted, company, moment.horizon)?;
    let currency = text(&customer, &["CurrencyRef", "value"]);
    if !currency.is_empty() && currency != text(old, &["CurrencyRef", "value"]) {
        return Err(Reason::business("a customer's currency cannot be changed").at("CurrencyRef").into());
    }
    name(company, &mut customer)?;
    for name in ["Id", "CurrencyRef", "Balance", "BalanceWithJobs"] {
        customer.extend(old.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    customer.entry("Active").or_insert(Value::Bool(true));
    retire("Customer", &mut customer);
    family(company, &customer)?;
    // An inactive one gave its name away: its second one need not be its alone.
    if customer.get("Active") == Some(&Value::Bool(true)) {
        unique(company, &customer)?;
    }
    complete(company, &mut customer);
    tax_by_default(company, &mut customer);
    keep_address_ids(old, &mut customer);
    Ok(company.replace("Customer", text(old, &["Id"]), customer, moment.now))
}

/// An address that is changed keeps its `Id`.
pub(super) fn keep_address_ids(old: &Object, new: &mut Object) {
    for name in ["BillAddr", "ShipAddr"] {
        if let (Some(id), Some(Value::Object(address))) = (at(old, &[name, "Id"]), new.get_mut(name)) {
            address.entry("Id").or_insert(id.clone());
        }
    }
}

/// 6240 when another customer, vendor or employee has the row's name.
pub(super) fn unique(company: &Company, row: &Object) -> Result<(), Fault> {
    let own = text(row, &["Id"]);
    match holders(company, text(row, &["DisplayName"])).find(|holder| text(holder, &["Id"]) != own) {
        Some(holder) => Err(duplicate(company, text(holder, &["Id"]))),
        None => Ok(()),
    }
}

/// Adds what the service adds to every customer.
pub(super) fn complete(company: &Company, customer: &mut Object) {
    let display_name = text(customer, &["DisplayName"]).to_owned();
    let parent = company.row("Customer", text(customer, &["ParentRef", "value"]));
    let full_name = match parent {
        Some(parent) => format!("{}:{display_name}", text(parent, &["FullyQualifiedName"])),
        None => display_name.clone(),
    };
    if let Some(parent) = parent {
        let above = parent.get("Level").and_then(Value::as_u64).unwrap_or_default();
        customer.insert("Level".into(), json!(above + 1));
    }
    let code = Some(text(customer, &["CurrencyRef", "value"])).filter(|code| !code.is_empty());
    let currency = currency::named(code.unwrap_or(currency::home(company)));
    customer.insert("CurrencyRef".into(), currency);
    customer.insert("FullyQualifiedName".into(), json!(full_name));
    fill(
        customer,
        json!({"Active": true, "Taxable": true, "Job": false, "BillWithParent": false, "Balance": 0,
            "BalanceWithJobs": 0, "PreferredDeliveryMethod": "Print", "PrintOnCheckName": display_name}),
    );
}

/// Who has no tax code of his own gets the company's, where it taxes its sales (recorded).
fn tax_by_default(company: &Company, customer: &mut Object) {
    let code = company.preference_text(&["TaxPrefs", "TaxGroupCodeRef", "value"]);
    if company.prefers(&["TaxPrefs", "UsingSalesTax"]) && !code.is_empty() {
        fill(customer, json!({"DefaultTaxCodeRef": {"value": code}}));
    }
}

/// The customers, vendors and employees with this name, whatever its case. An inactive one holds its name with
/// " (deleted)".
pub(super) fn holders<'a>(company: &'a Company, name: &str) -> impl Iterator<Item = &'a Object> {
    let folded = |name: &str| name.trim().to_lowercase();
    let wanted = folded(name);
    let rows = NAMED.iter().flat_map(|entity| company.rows_like(entity, "DisplayName", name));
    rows.filter(move |row| folded(text(row, &["DisplayName"])) == wanted)
}

/// The customer owes that much more, or less after a payment.
pub(super) fn owe(company: &mut Company, customer_id: &str, more: Decimal) {
    let Some(row) = company.row_mut("Customer", customer_id) else { return };
    for name in ["Balance", "BalanceWithJobs"] {
        let owed = row.get(name).and_then(decimal).unwrap_or_default();
        row.insert(name.to_owned(), money(owed + more));
    }
}

/// Customers nest in five levels (6180), and none is its own parent or its child's (700).
fn family(company: &Company, customer: &Object) -> Result<(), Fault> {
    let own = text(customer, &["Id"]);
    let mut parent = text(customer, &["ParentRef", "value"]);
    for _ in 1..MOST_LEVELS {
        match company.row("Customer", parent) {
            None => return Ok(()),
            Some(row) if text(row, &["Id"]) == own => {
                return Err(Reason::new(700, "A customer cannot be its own parent").at("ParentRef").into());
            }
            Some(row) => parent = text(row, &["ParentRef", "value"]),
        }
    }
    if company.row("Customer", parent).is_none() {
        return Ok(());
    }
    Err(Reason::new(6180, "Customers have at most five levels, the topmost included").at("ParentRef").into())
}

const MOST_LEVELS: usize = 5;

/// A customer, vendor or employee without a `DisplayName` is called by the parts of its name.
///
/// # Errors
/// 6080 without any, 2050 when they come to too much.
pub(super) fn name(company: &Company, customer: &mut Object) -> Result<(), Fault> {
    if at(customer, &["DisplayName"]).is_some() {
        return Ok(());
    }
    let parts = ["Title", "GivenName", "MiddleName", "FamilyName", "Suffix"];
    let parts: Vec<_> =
        parts.iter().map(|part| text(customer, &[part])).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        let detail =
            "At least one of Title, GivenName, MiddleName, FamilyName, Suffix or DisplayName must be given";
        return Err(Fault::new(6080, detail));
    }
    let (name, longest) = (parts.join(" "), company.switches.display_name_length);
    let length = name.chars().count();
    if length > longest {
        let detail = format!("The name is too long. Min:0 Max:{longest} supported. Supplied length:{length}");
        return Err(Reason::new(2050, detail).at("DisplayName").into());
    }
    customer.insert("DisplayName".into(), Value::String(name));
    Ok(())
}

/// 6240 as the company's switch has it told.
pub(super) fn duplicate(company: &Company, holder_id: &str) -> Fault {
    let form = company.switches.duplicate_name;
    let english = "The name supplied already exists. : ";
    let detail = match form {
        DuplicateName::Sentence => format!(
            "{english}Another customer, vendor or employee is already using this name. Please use a different name."
        ),
        DuplicateName::Null => format!("{english}null"),
        DuplicateName::Id => format!("{english}Id={holder_id}"),
        DuplicateName::Localised => format!("Le nom fourni existe déjà. : Id={holder_id}"),
    };
    let reason = Reason::new(6240, detail).at("");
    match form {
        DuplicateName::Localised => reason.saying("Erreur : ce nom existe déjà").into(),
        _ => reason.into(),
    }
}
