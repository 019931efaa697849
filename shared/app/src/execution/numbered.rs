//! The number of a document, where we give one, and what to do when another document has it (quickbooks.md §4.4).

use std::collections::BTreeSet;

use mapping::hubspot::Enrolled;
use mapping::lookup::Matched;
use mapping::number::{self, Number, Taken, Unfit};
use mapping::quickbooks::{Document, DocumentId, DocumentKind};
use mapping::settings::{DocumentNumber, Settings};
use quickbooks::query::{Attribute, Entity, Query};
use store::record::Record;

use super::{Execution, PAGE, made};
use crate::connection::{Company, Stop, unreadable};
use crate::failure::{Code, Failure, Trouble};
use crate::protocol::Outcome;

impl Execution<'_> {
    /// The document's number, and a warning when it is not the one the settings ask for. After a number was taken, another
    /// one of the same record; what somebody wrote into the record is not changed.
    pub(super) async fn numbered(
        &self,
        company: &Company,
        record: &Record,
        enrolled: &Enrolled,
        matched: &Matched,
        settings: &Settings,
    ) -> Result<(Number, Option<String>), Stop> {
        let was_taken = record.replanned_for.as_deref() == Some(Code::DuplicateNumber.as_str());
        let of = &matched.sale.record;
        let numbered = |taken: &Taken| number::number(of, &enrolled.properties, settings, taken);
        let (number, unfit) = match numbered(&Taken::default()) {
            (Number::OfProperty(text), _) if was_taken => {
                return Err(Stop::Failure(Failure::number_taken(self.kind, of, &text)));
            }
            (Number::OfRecord(_), _) if was_taken => {
                numbered(&self.taken(company, record, &number::of_record(of, settings)).await?)
            }
            unused => unused,
        };
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

    /// Which of the record's numbers the books have: of any kind of document, as which kinds share numbers is not known
    /// (quickbooks.md §2.3). A record may have many documents, and a plan is made anew twice at most.
    async fn taken(&self, company: &Company, record: &Record, numbers: &[String]) -> Result<Taken, Stop> {
        let kinds = [DocumentKind::Invoice, DocumentKind::Estimate, DocumentKind::SalesReceipt];
        let queries = kinds.map(|kind| {
            Query::from(Entity::from(kind)).is_in(Attribute::DocNumber, numbers).max_results(PAGE)
        });
        let mut in_books = BTreeSet::new();
        for rows in self.app.ask(company, self.kind, &queries).await? {
            let found: Vec<Document> = rows.read().map_err(unreadable(self.kind, &company.name))?;
            in_books.extend(found.into_iter().filter_map(|document| document.doc_number));
        }
        Ok(Taken { refused: usize::try_from(record.plan_version).unwrap_or(usize::MAX), in_books })
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
