//! What exists already, and what cannot be proven: a person has to look before the record is enrolled again.

use mapping::hubspot::RecordKind;
use mapping::quickbooks::{Document, DocumentKind};

use super::{Code, Failure};

impl Failure {
    /// The record has such a document, and the action is told to refuse a second one.
    pub fn already_created(record: RecordKind, id: &str, what: DocumentKind, document: &Document) -> Self {
        let number = document.doc_number.as_ref().unwrap_or(&document.id.0);
        let (noun, what) = (record.noun(), what.noun());
        Self::new(
            Code::AlreadyCreated,
            format!("{noun} {id}"),
            format!(
                "The {noun} {id} already has the {what} {number} in QuickBooks, and the action is set to refuse another one. Void or \
                 delete that {what}, or change the action's setting, then enroll the {noun} again."
            ),
        )
    }

    /// Whether the record has such a document only a person can find out.
    pub fn earlier_in_review(what: DocumentKind) -> Self {
        let what = what.noun();
        Self::new(
            Code::InProgress,
            "QuickBooks",
            format!(
                "Whether an earlier run of this record made its {what} is not known: that waits for a person's decision. Look at it \
                 in the app's activity, then enroll the record again."
            ),
        )
    }

    /// The document whose payment was to be tried again is not there any more.
    pub fn document_gone(what: DocumentKind, id: &str) -> Self {
        let what = what.noun();
        Self::new(
            Code::PaymentRefused,
            id,
            format!(
                "The {what} {id} whose payment was to be tried again was deleted or voided in QuickBooks. Enroll the record again \
                 to create a new one."
            ),
        )
    }

    /// More than one payment of ours is on the document, or none can be told from others.
    pub fn payment_needs_review(what: DocumentKind, number: &str) -> Self {
        let what = what.noun();
        Self::new(
            Code::NeedsReview,
            number,
            format!(
                "The {what} {number} was created. It cannot be proven how often its payment was, so nothing more was sent. Check \
                 the {what}'s payments in QuickBooks; do not enroll the record again."
            ),
        )
    }

    /// The document is there, and its payment is not yet.
    pub fn payment_pending(what: DocumentKind, number: &str) -> Self {
        let what = what.noun();
        Self::new(
            Code::NeedsReview,
            number,
            format!(
                "The {what} {number} was created; its payment could not be recorded in time and is still tried. Check the {what}'s \
                 payments in QuickBooks; do not enroll the record again."
            ),
        )
    }

    /// Books and record disagree in a way a person must judge.
    pub fn needs_review(what: DocumentKind, realm_name: &str) -> Self {
        let what = what.noun();
        Self::new(
            Code::NeedsReview,
            realm_name,
            format!(
                "It cannot be proven whether the {what} was created in “{realm_name}”, so nothing more was sent. Look for it \
                 in QuickBooks before you enroll the record again."
            ),
        )
    }
}
