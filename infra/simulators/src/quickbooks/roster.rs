//! Changing vendors, employees, items and the small lists, as far as names, prices and `Active` go.

use serde_json::{Value, json};

use super::create::Moment;
use super::customer::{self, NAMED};
use super::fault::{Fault, Reason};
use super::fields::{self, Field, LISTED, LISTED_ITEM, PERSON};
use super::inactive::{label, retire};
use super::json::{Object, text};
use super::state::Company;

/// What of such a row can be changed; `None` for other entities.
pub(super) fn fields_of(entity: &str) -> Option<&'static [Field]> {
    match entity {
        "Vendor" | "Employee" => Some(PERSON),
        "Item" => Some(LISTED_ITEM),
        "Account" | "PaymentMethod" | "Term" | "Class" | "Department" => Some(LISTED),
        _ => None,
    }
}

/// Changes one and answers it as kept. What of the table `wanted` lacks is gone afterwards, other fields stay.
///
/// # Errors
/// 2020 without a name, 6240, and what the table of fields refuses.
pub(super) fn update(
    company: &mut Company,
    entity: &str,
    old: &Object,
    wanted: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    let table = fields_of(entity).unwrap_or_default();
    let kept = fields::read(table, wanted, company, moment.horizon)?;
    let label = label(entity);
    if text(&kept, &[label]).is_empty() {
        return Err(Reason::missing(label).into());
    }
    let mut row = old.clone();
    row.retain(|name, _| !table.iter().any(|(field, _)| field == name));
    row.extend(kept);
    row.entry("Active").or_insert(Value::Bool(true));
    if row.contains_key("FullyQualifiedName") {
        row.insert("FullyQualifiedName".into(), json!(full_name(old, label, text(&row, &[label]))));
    }
    retire(entity, &mut row);
    unique(company, entity, &row)?;
    let id = text(old, &["Id"]);
    Ok(company.replace(entity, id, row, moment.now))
}

/// The old one's parents, and the new name.
fn full_name(old: &Object, label: &str, name: &str) -> String {
    let parents = text(old, &["FullyQualifiedName"]).strip_suffix(text(old, &[label]));
    format!("{}{name}", parents.unwrap_or_default())
}

fn unique(company: &Company, entity: &str, row: &Object) -> Result<(), Fault> {
    if NAMED.contains(&entity) {
        return customer::unique(company, row);
    }
    let key = if row.contains_key("FullyQualifiedName") { "FullyQualifiedName" } else { "Name" };
    let folded = |row: &Object| text(row, &[key]).to_lowercase();
    let mut others = company.rows(entity).iter().filter(|other| other["Id"] != row["Id"]);
    match others.find(|other| folded(other) == folded(row)) {
        Some(holder) => Err(customer::duplicate(company, text(holder, &["Id"]))),
        None => Ok(()),
    }
}
