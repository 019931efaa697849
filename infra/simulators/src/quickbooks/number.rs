//! Document numbers (quickbooks.md §2.3): given out by the company, or by people, who may not use one twice.

use serde_json::Value;

use super::create::Moment;
use super::fault::{Fault, Reason};
use super::json::{Object, text};
use super::sales::Kind;
use super::state::Company;
use super::switches::{DuplicateNumber, NumberFamily};

/// 6140 for a number another document has, but only where people number documents themselves and want to be warned.
pub(super) fn check(
    company: &Company,
    kind: Kind,
    document: &Object,
    id: &str,
    moment: Moment,
) -> Result<(), Fault> {
    let number = text(document, &["DocNumber"]);
    let watched = people_give_them(company) && company.switches.warn_duplicate_number;
    if number.is_empty() || !watched || moment.any_number {
        return Ok(());
    }
    let family = match company.switches.number_family {
        NumberFamily::SalesDocuments => Kind::ALL.to_vec(),
        NumberFamily::Type => vec![kind],
    };
    for kind in family {
        let numbered = company.rows_like(kind.entity(), "DocNumber", number).into_iter();
        let mut others = numbered.filter(|row| text(row, &["Id"]) != id);
        if let Some(holder) = others.find(|row| text(row, &["DocNumber"]) == number) {
            return Err(duplicate(company.switches.duplicate_number, number, kind, text(holder, &["Id"])));
        }
    }
    Ok(())
}

/// Gives a document a number of its own unless it has one; with numbers given by people, one without has none.
///
/// # Errors
/// 6000 when there is no next one.
pub(super) fn give(company: &mut Company, kind: Kind, document: &mut Object) -> Result<(), Fault> {
    if !people_give_them(company) && !document.contains_key("DocNumber") {
        let next = company.take_number(kind.entity());
        let number = next.ok_or_else(|| Reason::business("there is no next document number"))?;
        document.insert("DocNumber".into(), Value::String(number));
    }
    Ok(())
}

/// Whether `CustomTxnNumbers` is on.
pub(super) fn people_give_them(company: &Company) -> bool {
    company.prefers(&["SalesFormsPrefs", "CustomTxnNumbers"])
}

/// The end of the Detail names the document in both languages.
fn duplicate(form: DuplicateNumber, number: &str, kind: Kind, id: &str) -> Fault {
    let (said, why, kind) = match (form, kind) {
        (DuplicateNumber::Sentence, Kind::Invoice) => (None, ENGLISH, "Invoice"),
        (DuplicateNumber::Sentence, Kind::Estimate) => (None, ENGLISH, "Estimate"),
        (DuplicateNumber::Sentence, Kind::SalesReceipt) => (None, ENGLISH, "Sales Receipt"),
        (DuplicateNumber::Localised, Kind::Invoice) => (Some(FRENCH_MESSAGE), FRENCH, "Facture"),
        (DuplicateNumber::Localised, Kind::Estimate) => (Some(FRENCH_MESSAGE), FRENCH, "Devis"),
        (DuplicateNumber::Localised, Kind::SalesReceipt) => (Some(FRENCH_MESSAGE), FRENCH, "Reçu de vente"),
    };
    let link = if said.is_some() { "est affecté à" } else { "is assigned to" };
    let reason = Reason::new(6140, format!("{why} DocNumber={number} {link} TxnType={kind} with TxnId={id}"));
    match said {
        Some(message) => reason.at("").saying(message).into(),
        None => reason.at("").into(),
    }
}

const ENGLISH: &str = "Duplicate Document Number Error : This number has already been used.";

const FRENCH: &str = "Erreur de numéro de document en double : ce numéro est déjà utilisé.";

const FRENCH_MESSAGE: &str = "Erreur de numéro de document en double";
