//! Creating customers (quickbooks.md §2.6), and the rule that a name belongs to one customer, vendor or employee.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::create::Moment;
use super::currency;
use super::fault::{Fault, Reason};
use super::fields::{self, CUSTOMER};
use super::json::{Object, at, decimal, fill, money, text};
use super::state::{Company, DuplicateName};

/// The entities among which a `DisplayName` is unique.
pub(super) const NAMED: [&str; 3] = ["Customer", "Vendor", "Employee"];

/// Creates one and answers it as kept.
///
/// # Errors
/// 2010, what the table of fields refuses, 6000, 6080, 6240.
pub(super) fn create(company: &mut Company, body: &Object, moment: Moment) -> Result<Object, Fault> {
    fields::known("Customer", CUSTOMER, body)?;
    let mut customer = fields::read(CUSTOMER, body, company, moment.horizon)?;
    currency::permitted(company, &customer)?;
    name(&mut customer)?;
    if let Some(holder) = holder(company, text(&customer, &["DisplayName"])) {
        return Err(duplicate(company.switches.duplicate_name, text(holder, &["Id"])));
    }
    complete(company, &mut customer);
    company.number_addresses(&mut customer);
    Ok(company.insert("Customer", customer, moment.now))
}

/// Adds what the service adds to every customer.
pub(super) fn complete(company: &Company, customer: &mut Object) {
    let display_name = text(customer, &["DisplayName"]).to_owned();
    let parent = company.row("Customer", text(customer, &["ParentRef", "value"]));
    let full_name = match parent {
        Some(parent) => format!("{}:{display_name}", text(parent, &["FullyQualifiedName"])),
        None => display_name.clone(),
    };
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

/// The customer, vendor or employee with this name, whatever its case. An inactive one holds its name with " (deleted)".
pub(super) fn holder<'a>(company: &'a Company, name: &str) -> Option<&'a Object> {
    let folded = |name: &str| name.trim().to_lowercase();
    let wanted = folded(name);
    let mut rows = NAMED.iter().flat_map(|entity| company.rows(entity));
    rows.find(|row| folded(text(row, &["DisplayName"])) == wanted)
}

/// The customer owes that much more, or less after a payment.
pub(super) fn owe(company: &mut Company, customer_id: &str, more: Decimal) {
    let Some(row) = company.row_mut("Customer", customer_id) else { return };
    for name in ["Balance", "BalanceWithJobs"] {
        let owed = row.get(name).and_then(decimal).unwrap_or_default();
        row.insert(name.to_owned(), money(owed + more));
    }
}

/// A customer without a `DisplayName` is called by the parts of its name.
fn name(customer: &mut Object) -> Result<(), Fault> {
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
    let name = Value::String(parts.join(" "));
    customer.insert("DisplayName".into(), name);
    Ok(())
}

fn duplicate(form: DuplicateName, holder_id: &str) -> Fault {
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
