//! The entities that can be created, each by its own module.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Fault;
use super::json::Object;
use super::state::Company;
use super::{customer, invoice};

/// When a create happens, and how far it sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    /// The highest `Id` a reference may name.
    pub(super) horizon: u64,
}

type Create = fn(&mut Company, &Object, Moment) -> Result<Object, Fault>;

/// How to create an entity, by its name as in a batch; `None` when this simulator does not.
pub(super) fn maker(entity: &str) -> Option<(&'static str, Create)> {
    match entity {
        "Customer" => Some(("Customer", customer::create)),
        "Invoice" => Some(("Invoice", invoice::create)),
        _ => None,
    }
}

/// Creates one entity and answers `{"<Entity>": …}`.
///
/// # Errors
/// The entity's own faults; 500 for an update, which is a body with an `Id`.
pub(super) fn create(
    company: &mut Company,
    entity: &str,
    body: &Object,
    moment: Moment,
) -> Result<Value, Fault> {
    let Some((name, make)) = maker(entity) else {
        return Err(Fault::unsimulated(&format!("create {entity}")));
    };
    if body.contains_key("Id") {
        return Err(Fault::unsimulated(&format!("update {entity}")));
    }
    let created = make(company, body, moment)?;
    Ok(json!({name: created}))
}
