//! What is wrong with the action as it stands in the workflow.

use super::{Code, Failure};

impl Failure {
    /// A list depends on the company, and none is chosen yet.
    pub fn no_company_chosen() -> Self {
        Self::new(
            Code::InputInvalid,
            "quickbooks_account",
            "Choose the QuickBooks company first, from its list.",
        )
    }

    /// An input of the action cannot be used.
    pub fn input_invalid(input: &str, must_be: &str) -> Self {
        Self::new(
            Code::InputInvalid,
            input,
            format!(
                "The action's input “{input}” must be {must_be}. Correct it in the workflow's action, then enroll the record again."
            ),
        )
    }
}
