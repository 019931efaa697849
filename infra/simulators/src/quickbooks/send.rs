//! E-mailing a document: `POST /{entity}/{id}/send` (quickbooks.md §1.1, §2.1). Nothing is mailed; the books say it was.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::{Fault, Reason};
use super::fields;
use super::json::{Object, at};
use super::sales::Kind;
use super::state::Company;
use super::{change, plan, time};

/// Marks a document as sent and answers `{"<Entity>": …}`. A recipient that is named becomes the document's `BillEmail`.
///
/// # Errors
/// 6190, 2030, 610, 2210, and 6420 when nobody is named here or there.
pub(super) fn run(
    company: &mut Company,
    kind: Kind,
    id: &str,
    recipient: Option<&str>,
    now: Timestamp,
) -> Result<Value, Fault> {
    plan::may_write(company)?;
    company.remember(now);
    change::numeric(id)?;
    let mut row = company.row(kind.entity(), id).cloned().ok_or_else(Reason::gone)?;
    if let Some(recipient) = recipient {
        row.insert("BillEmail".into(), address(company, recipient)?);
    }
    if at(&row, &["BillEmail", "Address"]).is_none() {
        return Err(Reason::new(6420, "BillEmail is needed to send the document").at("BillEmail").into());
    }
    row.insert("EmailStatus".into(), json!("EmailSent"));
    let delivery = json!({"DeliveryType": "Email", "DeliveryTime": time::stamp(now)});
    row.insert("DeliveryInfo".into(), delivery);
    let sent = company.replace(kind.entity(), id, row, now);
    Ok(json!({kind.entity(): sent}))
}

fn address(company: &Company, recipient: &str) -> Result<Value, Fault> {
    let given = Object::from_iter([("BillEmail".to_owned(), json!({"Address": recipient}))]);
    let read = fields::read(fields::RECIPIENT, &given, company, u64::MAX)?;
    Ok(read.get("BillEmail").cloned().unwrap_or_default())
}
