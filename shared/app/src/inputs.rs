//! What the workflow builder chose in the action, read into types (contract §3).

use std::collections::BTreeMap;

use mapping::date::Days;
use mapping::document::Emailing;
use mapping::item::MissingItem;
use mapping::quickbooks::{AccountId, DocumentKind, PaymentMethodId};

use crate::failure::Failure;

/// The value of a choice that only explains why there are none (`options`): refused when the action runs.
pub(crate) const NO_CHOICE: &str = "none";

/// What to do when the record already has a document of this kind in this company from us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum IfRepeated {
    /// Make another one.
    #[default]
    Create,
    /// Fail, and name the existing one.
    Refuse,
    /// Answer with the existing one.
    Return,
}

/// Whether the action does what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It creates.
    #[default]
    Create,
    /// It shows what it would create, and why.
    Preview,
}

impl Mode {
    /// None for a word that is neither.
    pub(crate) fn of(inputs: &BTreeMap<String, String>) -> Option<Self> {
        match inputs.get("mode").map(String::as_str) {
            None | Some("create") => Some(Self::Create),
            Some("preview") => Some(Self::Preview),
            Some(_) => None,
        }
    }
}

/// The inputs of an action; the company is chosen apart. An input that another action has is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inputs {
    /// Invoices: days until payment is due.
    pub(crate) due_days: Option<Days>,
    /// Estimates: days until the offer ends.
    pub(crate) expires_days: Option<Days>,
    /// Invoices: whether what was paid in HubSpot is recorded as their payment.
    pub(crate) create_paid: bool,
    /// How it was paid.
    pub(crate) payment_method: Option<PaymentMethodId>,
    /// Where the money goes.
    pub(crate) deposit_account: Option<AccountId>,
    /// What to do with a line that no item fits.
    pub(crate) missing_item: MissingItem,
    /// Whether the document is to be e-mailed.
    pub(crate) emailing: Emailing,
    /// What to do when the record has such a document.
    pub(crate) if_repeated: IfRepeated,
    /// Whether the document is created or only shown.
    pub(crate) mode: Mode,
}

impl Inputs {
    /// Reads the inputs that this kind of document has.
    pub(crate) fn read(kind: DocumentKind, inputs: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let of = |name, kinds: &[DocumentKind]| {
            inputs.get(name).map(String::as_str).filter(|_| kinds.contains(&kind))
        };
        let days = |name, kinds| -> Result<Option<Days>, Failure> {
            let days = of(name, kinds).map(str::parse).transpose();
            days.map_err(|_| Failure::input_invalid(name, "a whole number from 0 to 3650"))
        };
        let paid_kinds = [DocumentKind::Invoice, DocumentKind::SalesReceipt];
        Ok(Self {
            due_days: days("due_days", &[DocumentKind::Invoice])?,
            expires_days: days("expires_days", &[DocumentKind::Estimate])?,
            create_paid: match of("create_paid", &[DocumentKind::Invoice]) {
                None | Some("no") => false,
                Some("yes") => true,
                Some(_) => return Err(Failure::input_invalid("create_paid", "yes or no")),
            },
            payment_method: chosen("payment_method", of("payment_method", &paid_kinds))?.map(PaymentMethodId),
            deposit_account: chosen("deposit_account", of("deposit_account", &paid_kinds))?.map(AccountId),
            missing_item: match inputs.get("missing_item").map(String::as_str) {
                None | Some("refuse") => MissingItem::Refuse,
                Some("default_item") => MissingItem::DefaultItem,
                Some("create") => MissingItem::Create,
                Some(_) => {
                    return Err(Failure::input_invalid("missing_item", "refuse, default_item or create"));
                }
            },
            emailing: match inputs.get("email_document").map(String::as_str) {
                None | Some("no") => Emailing::No,
                Some("queue") => Emailing::Queue,
                Some("send") => Emailing::Send,
                Some(_) => return Err(Failure::input_invalid("email_document", "no, queue or send")),
            },
            if_repeated: match inputs.get("if_repeated").map(String::as_str) {
                None | Some("create") => IfRepeated::Create,
                Some("refuse") => IfRepeated::Refuse,
                Some("return") => IfRepeated::Return,
                Some(_) => return Err(Failure::input_invalid("if_repeated", "create, refuse or return")),
            },
            mode: Mode::of(inputs).ok_or_else(|| Failure::input_invalid("mode", "create or preview"))?,
        })
    }
}

/// An id that a drop-down offered.
fn chosen(name: &str, id: Option<&str>) -> Result<Option<String>, Failure> {
    let plain = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let fits = |id: &str| id.len() <= 40 && id != NO_CHOICE && plain(id);
    match id {
        Some(id) if !fits(id) => Err(Failure::input_invalid(name, "one of the choices of its list")),
        id => Ok(id.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: DocumentKind, inputs: &[(&str, &str)]) -> Result<Inputs, Failure> {
        Inputs::read(
            kind,
            &inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn each_action_reads_its_own_inputs() {
        let all =
            [("due_days", "30"), ("expires_days", "14"), ("create_paid", "yes"), ("deposit_account", "35")];
        let invoice = read(DocumentKind::Invoice, &all).unwrap();
        assert!(invoice.due_days.is_some() && invoice.expires_days.is_none() && invoice.create_paid);
        assert_eq!(invoice.deposit_account, Some(AccountId("35".into())));
        let estimate = read(DocumentKind::Estimate, &all).unwrap();
        assert!(estimate.due_days.is_none() && estimate.expires_days.is_some() && !estimate.create_paid);
        assert_eq!(estimate.deposit_account, None);
    }

    #[test]
    fn an_input_that_cannot_be_used_is_named() {
        for (name, value) in [
            ("due_days", "soon"),
            ("due_days", "3651"),
            ("create_paid", "maybe"),
            ("if_repeated", "skip"),
            ("mode", "dry run"),
            ("missing_item", "guess"),
            ("email_document", "yes"),
            ("payment_method", "1' or '1"),
            ("payment_method", NO_CHOICE),
            ("deposit_account", "35/.."),
        ] {
            let failure = read(DocumentKind::Invoice, &[(name, value)]).unwrap_err();
            assert_eq!(failure.subject, name, "{value}");
        }
    }
}
