//! The number of a document, where we give one, and what to do when another document has it (quickbooks.md §4.4).

use mapping::hubspot::Enrolled;
use mapping::lookup::Matched;
use mapping::number::{self, Number, Unfit};
use mapping::quickbooks::DocumentId;
use mapping::settings::{DocumentNumber, Settings};
use store::record::Record;

use super::{Execution, made};
use crate::connection::{Company, Stop};
use crate::failure::{Code, Failure, Trouble};
use crate::protocol::Outcome;

impl Execution<'_> {
    /// The document's number, and a warning when it is not the one the settings ask for. After a number was taken, another
    /// one of the same record; what somebody wrote into the record is not changed.
    pub(super) fn numbered(
        &self,
        record: &Record,
        company: &Company,
        enrolled: &Enrolled,
        matched: &Matched,
        settings: &Settings,
    ) -> Result<(Number, Option<String>), Stop> {
        let was_taken = record.replanned_for.as_deref() == Some(Code::DuplicateNumber.as_str());
        let taken = if was_taken { record.plan_version } else { 0 };
        let of = &matched.sale.record;
        let (number, unfit) = number::number(of, &enrolled.properties, settings, taken);
        if let (Number::OfProperty(text), true) = (&number, was_taken) {
            return Err(Stop::Failure(Failure::number_taken(self.kind, &company.name, of, text)));
        }
        let property = match &settings.choices.document_number {
            DocumentNumber::Property(name) => name.as_str(),
            DocumentNumber::QuickBooks | DocumentNumber::Prefix(_) => "",
        };
        let (noun, what) = (of.kind.noun(), self.kind.noun());
        let warning = unfit.map(|unfit| {
            let why = match unfit {
                Unfit::Blank => "is blank",
                Unfit::TooLong => "is longer than 21 characters",
            };
            format!("The {noun}'s property “{property}” {why}: the {what} was numbered without it.")
        });
        Ok((number, warning))
    }

    /// 6140: another document has the number. Ours after all, or one more number.
    pub(super) async fn number_taken(
        &self,
        company: &Company,
        other: Option<DocumentId>,
        failure: Failure,
    ) -> Outcome {
        let Some(other) = other else { return Outcome::Outdated(failure) };
        match self.document(company, &other).await {
            Ok(Some(document)) if self.is_ours(&document) => Outcome::Made(made(&document)),
            Ok(_) => Outcome::Outdated(failure),
            // Refused for certain, so nothing is lost: the next attempt meets the same refusal and looks again.
            Err(_) => Outcome::NoEffect(Trouble::QuickBooksDown),
        }
    }
}
