//! What is wrong with the enrolled record as a whole, or as far as HubSpot gives it out.

use mapping::hubspot::RecordKind;

use super::{Code, Failure};

impl Failure {
    /// The enrolled record could not be found.
    pub fn record_not_found(kind: RecordKind, id: &str) -> Self {
        let noun = kind.noun();
        Self::new(
            Code::RecordNotFound,
            format!("{noun} {id}"),
            format!(
                "The {noun} {id} was not found in HubSpot. It may have been deleted or merged; restore it, then enroll it again."
            ),
        )
    }

    /// The action was placed on a record it does not work on.
    pub fn record_type_unsupported(object_type: &str) -> Self {
        Self::new(
            Code::RecordTypeUnsupported,
            object_type,
            format!(
                "This action works on deals and quotes, not on {object_type} records. Use it in a deal-based or quote-based \
                 workflow."
            ),
        )
    }

    /// Something that belongs to the record is named by HubSpot and cannot be read, again and again.
    pub fn record_incomplete(kind: RecordKind, id: &str) -> Self {
        let noun = kind.noun();
        Self::new(
            Code::RecordNotFound,
            format!("{noun} {id}"),
            format!(
                "HubSpot does not give out the {noun} {id} whole: one of its contacts or line items may have been deleted. \
                 Check what is associated with it, then enroll it again."
            ),
        )
    }

    /// The document is larger than can be kept until it is sent.
    pub fn too_large(kind: RecordKind, name: &str) -> Self {
        let noun = kind.noun();
        Self::new(
            Code::RecordTooLarge,
            name,
            format!(
                "The line items of the {noun} “{name}” hold more text than fits on one document. Shorten their descriptions \
                 or split the {noun}, then enroll it again."
            ),
        )
    }
}
