//! The entities that can be created, each by its own module, and what their creates have in common.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;

use super::fault::{Fault, Reason};
use super::json::{Object, text};
use super::sales::{self, Kind};
use super::state::Company;
use super::{customer, lists, payment, roster, time};

/// When a create happens, and how far it sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    /// The highest `Id` a reference may name.
    pub(super) horizon: u64,
    /// Whether a document's number may be another's too (§2.3).
    pub(super) any_number: bool,
}

type Create = fn(&mut Company, &Object, Moment) -> Result<Object, Fault>;

/// How to create each entity, by its name as in a batch. Its route is the name in lower case.
const MAKERS: &[(&str, Create)] = &[
    ("Customer", customer::create),
    ("Invoice", |company, body, moment| sales::create(Kind::Invoice, company, body, moment)),
    ("Estimate", |company, body, moment| sales::create(Kind::Estimate, company, body, moment)),
    ("SalesReceipt", |company, body, moment| sales::create(Kind::SalesReceipt, company, body, moment)),
    ("Payment", payment::create),
    ("Vendor", |company, body, moment| roster::create(company, "Vendor", body, moment)),
    ("Employee", |company, body, moment| roster::create(company, "Employee", body, moment)),
    ("Item", |company, body, moment| roster::create(company, "Item", body, moment)),
    ("Account", |company, body, moment| roster::create(company, "Account", body, moment)),
    ("PaymentMethod", |company, body, moment| roster::create(company, "PaymentMethod", body, moment)),
    ("Term", |company, body, moment| roster::create(company, "Term", body, moment)),
    ("Class", |company, body, moment| roster::create(company, "Class", body, moment)),
    ("Department", |company, body, moment| roster::create(company, "Department", body, moment)),
];

/// The entities that can be created, and so read and changed as well.
pub(super) fn makeable() -> impl Iterator<Item = &'static str> {
    MAKERS.iter().map(|(name, _)| *name)
}

/// Whether this simulator can create such an entity.
pub(super) fn can_make(entity: &str) -> bool {
    makeable().any(|name| name == entity)
}

/// Whether a row of this `Id` may be seen up to a horizon. What no call made is always seen.
pub(super) fn sees(entity: &str, id: &str, horizon: u64) -> bool {
    let made_before = || id.parse::<u64>().is_ok_and(|number| number <= horizon);
    !can_make(entity) || lists::is_beginning(entity, id) || made_before()
}

/// Creates one entity and answers it as kept.
///
/// # Errors
/// The entity's own faults; 500 for what no call can create here.
pub(super) fn create(
    company: &mut Company,
    entity: &str,
    body: &Object,
    moment: Moment,
) -> Result<Object, Fault> {
    let maker = MAKERS.iter().find(|(name, _)| *name == entity);
    let (_, make) = maker.ok_or_else(|| Fault::unsimulated(&format!("create {entity}")))?;
    make(company, body, moment)
}

/// The day of a document or payment, today unless it says; filled in.
///
/// # Errors
/// 6210 when the books are closed up to that day or a later one.
pub(super) fn dated(company: &Company, row: &mut Object, moment: Moment) -> Result<Date, Fault> {
    let given = text(row, &["TxnDate"]).parse::<Date>().ok();
    let day = given.unwrap_or_else(|| time::today(moment.now));
    open(company, day)?;
    row.insert("TxnDate".into(), json!(day));
    Ok(day)
}

/// 6210 when the books are closed up to that day or a later one.
pub(super) fn open(company: &Company, day: Date) -> Result<(), Fault> {
    let closed = company.preference_text(&["AccountingInfoPrefs", "BookCloseDate"]);
    if closed.parse::<Date>().is_ok_and(|closed| day <= closed) {
        let detail = format!("The books are closed up to {closed} and a password is needed to change them");
        return Err(Reason::new(6210, detail).at("").into());
    }
    Ok(())
}
