//! Writing to what can be written: create, sparse and full update, delete, void (quickbooks.md §1.1, §1.4).

use serde_json::{Value, json};

use super::create::{self, Moment};
use super::fault::{Fault, Reason};
use super::fields::{self, CUSTOMER, Field, PAYMENT, Shape};
use super::json::{Object, say_the_same, text};
use super::sales::{self, Kind};
use super::state::Company;
use super::switches::PaymentVoid;
use super::{customer, payment, plan, roster, undo};

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    Create,
    Update,
    Delete,
    Void,
}

impl Operation {
    /// What `operation=` asks for; a body with an `Id` makes an update of a create.
    pub(super) fn named(entity: &str, name: &str, payment_void: PaymentVoid) -> Result<Operation, Fault> {
        match (name, entity) {
            ("void", "Payment") if payment_void == PaymentVoid::OperationVoid => Ok(Operation::Void),
            ("void", "Payment") => Err(not_a_void("operation=void")),
            ("" | "create", _) => Ok(Operation::Create),
            ("update", _) => Ok(Operation::Update),
            ("delete", _) => Ok(Operation::Delete),
            // Others are voided by `include=void`; that this form of theirs is refused is our expectation.
            ("void", "Invoice") => Ok(Operation::Void),
            _ => Err(Fault::unsimulated(&format!("operation={name} on {entity}"))),
        }
    }

    /// The same as `include=void` in the URL of an update.
    pub(super) fn included_void(entity: &str, payment_void: PaymentVoid) -> Result<Operation, Fault> {
        if entity == "Payment" && payment_void == PaymentVoid::OperationVoid {
            return Err(not_a_void("operation=update&include=void"));
        }
        Operation::void(entity)
    }

    /// Void as an option of an update.
    pub(super) fn void(entity: &str) -> Result<Operation, Fault> {
        match entity {
            "Invoice" | "SalesReceipt" | "Payment" => Ok(Operation::Void),
            _ => Err(Fault::unsimulated(&format!("void of {entity}"))),
        }
    }
}

fn not_a_void(form: &str) -> Fault {
    Fault::new(500, format!("Operation {form} of Payment is not supported"))
}

/// Whether [`run`] would not answer that this is not simulated.
pub(super) fn is_simulated(entity: &str, operation: Operation, body: &Object) -> bool {
    match effective(operation, body) {
        Operation::Create => create::can_make(entity),
        Operation::Update => fields_of(entity).is_some(),
        Operation::Delete => undo::transaction(entity).is_some(),
        Operation::Void => Operation::void(entity).is_ok(),
    }
}

/// 2010 for fields of a new row that are Intuit's and not simulated: a batch is not begun then.
pub(super) fn only_simulated(entity: &str, body: &Object) -> Result<(), Fault> {
    // A row that is there comes back with all that was made of it; and what a new invoice comes from is simulated.
    let is_new = !body.contains_key("Id");
    let fields = fields_of(entity).filter(|_| is_new).unwrap_or_default();
    let body: Object = body.iter().filter(|(name, _)| *name != "LinkedTxn").map(owned).collect();
    fields::simulated(entity, fields, &body)
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// Does it and answers `{"<Entity>": …}`.
///
/// # Errors
/// 6190, the entity's own faults; for all but creates 610, 2020, 2030, 5010 as [`current`] finds them, and 6210.
pub(super) fn run(
    company: &mut Company,
    entity: &str,
    operation: Operation,
    body: &Object,
    moment: Moment,
) -> Result<Value, Fault> {
    plan::may_write(company)?;
    company.remember(moment.now);
    let written = match effective(operation, body) {
        Operation::Create => create::create(company, entity, body, moment),
        Operation::Update => update(company, entity, body, moment),
        Operation::Delete => undo::delete(company, entity, body, moment),
        Operation::Void => undo::void(company, entity, body, moment),
    }?;
    Ok(json!({entity: written}))
}

fn effective(operation: Operation, body: &Object) -> Operation {
    match operation {
        Operation::Create if body.contains_key("Id") => Operation::Update,
        operation => operation,
    }
}

/// The row a body names, as it is now.
///
/// # Errors
/// 2020 without `Id` or `SyncToken`, 2030, 610, 5010 when the row was saved since it was read.
pub(super) fn current(company: &Company, entity: &str, body: &Object, horizon: u64) -> Result<Object, Fault> {
    for name in ["Id", "SyncToken"] {
        if text(body, &[name]).is_empty() {
            return Err(Reason::missing(name).into());
        }
    }
    let id = text(body, &["Id"]);
    numeric(id)?;
    let visible = create::sees(entity, id, horizon);
    let row = company.row(entity, id).filter(|_| visible).ok_or_else(Reason::gone)?;
    if text(row, &["SyncToken"]) != text(body, &["SyncToken"]) {
        let detail = "Stale Object Error : You and Jo Other were working on this at the same time. \
                      Jo Other finished before you did, so your work was not saved.";
        return Err(Reason::new(5010, detail).at("").into());
    }
    Ok(row.clone())
}

/// 2030 for an `Id` that is no number.
pub(super) fn numeric(id: &str) -> Result<u64, Fault> {
    id.parse::<u64>().map_err(|_| {
        Reason::new(2030, format!("Id should be a valid number. Supplied value:{id}")).at("Id").into()
    })
}

/// A full update has only what the body has; a sparse one lays it over what is there, lists and objects as a whole.
fn update(company: &mut Company, entity: &str, body: &Object, moment: Moment) -> Result<Object, Fault> {
    let fields = fields_of(entity).ok_or_else(|| Fault::unsimulated(&format!("update {entity}")))?;
    let old = current(company, entity, body, moment.horizon)?;
    let mut body = without_echoes(body, &old, fields);
    sales::forget_computed_tax(&old, &mut body);
    fields::known(entity, fields, &body)?;
    let wanted = if body.get("sparse") == Some(&Value::Bool(true)) {
        let mut wanted = old.clone();
        wanted.extend(body);
        wanted
    } else {
        body
    };
    match Kind::named(entity) {
        Some(kind) => sales::update(kind, company, &old, &wanted, moment),
        None if entity == "Customer" => customer::update(company, &old, &wanted, moment),
        None if entity == "Payment" => payment::update(company, &old, &wanted, moment),
        None => roster::update(company, entity, &old, &wanted, moment),
    }
}

fn fields_of(entity: &str) -> Option<&'static [Field]> {
    match Kind::named(entity) {
        Some(kind) => Some(kind.fields()),
        None if entity == "Customer" => Some(CUSTOMER),
        None if entity == "Payment" => Some(PAYMENT),
        None => roster::fields_of(entity),
    }
}

/// Clients send back the whole row they read: what no table knows is dropped as long as it came back unchanged.
fn without_echoes(body: &Object, old: &Object, fields: &[Field]) -> Object {
    let means = |name: &str, value: &Value| {
        let shape = fields.iter().find(|(field, _)| *field == name).map(|(_, shape)| shape);
        let same = || old.get(name).is_some_and(|old| say_the_same(old, value));
        !matches!(shape, None | Some(Shape::NotSimulated)) || !same()
    };
    let kept = body.iter().filter(|(name, value)| means(name, value) || *name == "sparse");
    kept.map(owned).collect()
}
