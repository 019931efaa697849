//! What a company has: the features of its plan, those it switched on, and a subscription that is paid for
//! (quickbooks.md §2.1, §4.2, §9).

use axum::http::StatusCode;
use serde_json::Value;

use super::fault::{Fault, Reason};
use super::json::{Object, at};
use super::state::Company;
use super::switches::{Plan, Subscription, SwitchedOff};

/// 6190 for a write once the subscription has ended.
pub(super) fn may_write(company: &Company) -> Result<(), Fault> {
    let fault = || -> Fault { Reason::new(6190, "The subscription of this company has ended").at("").into() };
    match company.switches.subscription {
        Subscription::Paid => Ok(()),
        Subscription::Ended => Err(fault()),
        Subscription::EndedForbidden => Err(fault().with_status(StatusCode::FORBIDDEN)),
    }
}

/// 5030 for what only the Plus and Advanced plans have: inventory (§2.7), and classes and locations, as Intuit sells them.
pub(super) fn needs_plus(company: &Company, what: &str) -> Result<(), Fault> {
    match company.switches.plan {
        Plan::Plus => Ok(()),
        Plan::Essentials | Plan::SimpleStart => Err(unsupported(what)),
    }
}

/// 5030 for what only Simple Start lacks: other currencies, as Intuit sells it.
pub(super) fn needs_essentials(company: &Company, what: &str) -> Result<(), Fault> {
    match company.switches.plan {
        Plan::Plus | Plan::Essentials => Ok(()),
        Plan::SimpleStart => Err(unsupported(what)),
    }
}

fn unsupported(what: &str) -> Fault {
    Fault::new(5030, format!("{what} is not part of this company's plan"))
}

/// Classes and locations may only be named where the company follows them (§2.1).
pub(super) fn tracked(company: &Company, document: &Object) -> Result<(), Fault> {
    let lines = document.get("Line").and_then(Value::as_array).into_iter().flatten();
    let by_line = lines.filter_map(Value::as_object);
    let details = ["SalesItemLineDetail", "DiscountLineDetail"];
    let on_a_line =
        by_line.clone().any(|line| details.iter().any(|detail| at(line, &[*detail, "ClassRef"]).is_some()));
    let uses = [
        ("ClassTrackingPerTxn", document.contains_key("ClassRef")),
        ("ClassTrackingPerTxnLine", on_a_line),
        ("TrackDepartments", document.contains_key("DepartmentRef")),
    ];
    for (preference, _) in uses.into_iter().filter(|(_, used)| *used) {
        needs_plus(company, "Tracking by class or location")?;
        if !company.prefers(&["AccountingInfoPrefs", preference]) {
            refuse(
                company.switches.tracking_off,
                &format!("{preference} is switched off in this company's settings"),
            )?;
        }
    }
    Ok(())
}

/// What use of a feature gets that is switched off.
pub(super) fn refuse(how: SwitchedOff, detail: &str) -> Result<(), Fault> {
    match how {
        SwitchedOff::PermissionDenied => Err(Fault::new(5020, detail)),
        SwitchedOff::NotSupported => Err(Fault::new(5030, detail)),
        SwitchedOff::Allowed => Ok(()),
    }
}
