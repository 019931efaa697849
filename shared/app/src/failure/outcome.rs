//! What exists already, and what cannot be proven: a person has to look before the record is enrolled again.

use mapping::quickbooks::{Document, DocumentKind};
use mapping::sale::RecordRef;

use super::{Code, Failure, called, document_of, noun, subject};

impl Failure {
    /// The record has such a document, and the action is told to refuse a second one.
    pub fn already_created(what: DocumentKind, of: &RecordRef, document: &Document) -> Self {
        let number = document.doc_number.as_ref().unwrap_or(&document.id.0);
        let (noun, what, called) = (of.kind.noun(), what.noun(), called(of));
        Self::new(
            Code::AlreadyCreated,
            subject(of),
            format!(
                "The {called} already has the {what} {number} in QuickBooks, and the action is set to refuse another one. Void or \
                 delete that {what}, or change the action's setting, then enroll the {noun} again."
            ),
        )
    }

    /// Whether the record has such a document only a person can find out.
    pub fn earlier_in_review(what: DocumentKind, of: &RecordRef) -> Self {
        let (noun, what, called) = (of.kind.noun(), what.noun(), called(of));
        Self::new(
            Code::InProgress,
            subject(of),
            format!(
                "Whether an earlier run of the {called} made its {what} is not known: that waits for a person's decision. Look at it \
                 in the app's activity. If it made none, set the action to create another one, then enroll the {noun} again."
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
    pub fn payment_needs_review(what: DocumentKind, of: Option<&RecordRef>, number: &str) -> Self {
        let (noun, what, numbered) = (noun(of), what.noun(), numbered(what, of, number));
        Self::new(
            Code::NeedsReview,
            of.map_or_else(|| number.to_owned(), subject),
            format!(
                "The {numbered} was created. It cannot be proven how often its payment was, so nothing more was sent. Check \
                 the {what}'s payments in QuickBooks; do not enroll the {noun} again."
            ),
        )
    }

    /// The document is there, and its payment is not yet.
    pub fn payment_pending(what: DocumentKind, of: Option<&RecordRef>, number: &str) -> Self {
        let (noun, what, numbered) = (noun(of), what.noun(), numbered(what, of, number));
        Self::new(
            Code::NeedsReview,
            of.map_or_else(|| number.to_owned(), subject),
            format!(
                "The {numbered} was created; its payment could not be recorded in time and is still tried. Check the {what}'s \
                 payments in QuickBooks; do not enroll the {noun} again."
            ),
        )
    }

    /// Books and record disagree in a way a person must judge.
    pub fn needs_review(what: DocumentKind, of: Option<&RecordRef>, realm_name: &str) -> Self {
        let (noun, document) = (noun(of), document_of(what, of));
        Self::new(
            Code::NeedsReview,
            of.map_or_else(|| realm_name.to_owned(), subject),
            format!(
                "It cannot be proven whether the {document} was created in “{realm_name}”, so nothing more was sent. Look for it \
                 in QuickBooks before you enroll the {noun} again."
            ),
        )
    }
}

/// A document that exists, and whose it is.
fn numbered(what: DocumentKind, of: Option<&RecordRef>, number: &str) -> String {
    let what = what.noun();
    of.map_or_else(|| format!("{what} {number}"), |of| format!("{what} {number} of the {}", called(of)))
}
