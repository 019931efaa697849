//! E-mailing a document that exists: QuickBooks does it, to the address on the document.

use mapping::quickbooks::DocumentId;
use store::record::{Mail, Record};

use super::Execution;
use crate::answer::Mailing;
use crate::connection::Stop;
use crate::failure::{Failure, Trouble};
use crate::protocol::{Made, Outcome};

impl Execution<'_> {
    pub(super) async fn mail_document(&self, record: &Record) -> Result<Outcome, Stop> {
        let plan = record.plan.as_ref().ok_or(Stop::Trouble(Trouble::Internal))?;
        let id = DocumentId(record.made_id.clone().ok_or(Stop::Trouble(Trouble::Internal))?);
        let company = self.company(&plan.realm).await?;
        let (kind, id) = (self.kind, &id);
        let sent =
            self.app.send(&company, |client| async move { client.send_document(kind, id).await }).await?;
        Ok(match sent {
            Ok(intuit_tid) => {
                self.note_call(intuit_tid);
                tracing::info!(document.id = %id, "e-mailed");
                Outcome::Made(Made { id: id.to_string(), json: serde_json::Value::Null })
            }
            Err(quickbooks::Error::Rejected(fault)) => {
                self.note_call(fault.intuit_tid.clone());
                tracing::warn!(%fault, "QuickBooks refused to e-mail the document");
                Outcome::Refused(Failure::refused(kind, self.about(record).as_ref(), &company.name, &fault))
            }
            Err(error) => Outcome::of_error(&error, &company.name),
        })
    }
}

/// What the answer says of the mail, by what the record knows.
pub(super) fn mailing(record: &Record) -> Mailing {
    let wanted = record.plan.as_ref().is_some_and(|plan| plan.emailed);
    match record.mail {
        _ if !wanted => Mailing::NotAsked,
        Some(Mail::Sent) => Mailing::Sent,
        Some(Mail::Failed) => Mailing::Failed,
        Some(Mail::Tried) => Mailing::Unclear,
        None if record.safe_since.is_some() => Mailing::Unclear,
        None if record.pay_refused.is_some() => Mailing::PaymentRefused,
        None => Mailing::TooLate,
    }
}
