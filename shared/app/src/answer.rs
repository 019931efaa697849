//! The answer a workflow sees: built from the record alone, so that every attempt would build the same, and kept byte for
//! byte (contract §3).

use hubspot::workflow::{ExecutionState, Reply};
use mapping::quickbooks::{Document, DocumentKind, RealmId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What the answer needs and QuickBooks does not say; frozen with the plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// The contact the document was made for.
    pub(crate) contact: mapping::hubspot::RecordId,
    /// The customer.
    pub(crate) customer_id: mapping::quickbooks::CustomerId,
    /// Its display name.
    pub(crate) customer_name: String,
    /// The step of the customer chain that decided.
    pub(crate) customer_match: String,
    /// Which item each HubSpot product became: product id, item id.
    pub(crate) items: Vec<(String, String)>,
    /// What the lines add up to.
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) subtotal: Decimal,
}

/// The success of a document that was created.
pub(crate) fn created(
    kind: DocumentKind,
    realm: &RealmId,
    app_url: &str,
    notes: &Notes,
    document: &Document,
    execution_id: &str,
) -> String {
    let tax = document.txn_tax_detail.as_ref().and_then(|detail| detail.total_tax).unwrap_or_default();
    let path = kind.entity().to_lowercase();
    let url = format!("{app_url}/app/{path}?txnId={}&companyId={realm}", document.id);
    let mut outputs = vec![
        ("status", "created".to_owned()),
        ("errorCode", "NONE".to_owned()),
        ("document_type", kind.entity().to_owned()),
        ("document_id", document.id.to_string()),
        ("document_number", document.doc_number.clone().unwrap_or_default()),
        ("document_url", url),
        ("document_date", text(document.txn_date)),
        ("due_date", text(document.due_date)),
        (
            "currency",
            document.currency_ref.as_ref().map(|currency| currency.value.clone()).unwrap_or_default(),
        ),
        ("subtotal", money(notes.subtotal)),
        ("tax", money(tax)),
        ("total", money(document.total_amt)),
        ("balance", document.balance.map(money).unwrap_or_default()),
        ("customer_id", notes.customer_id.to_string()),
        ("customer_name", notes.customer_name.clone()),
        ("customer_match", notes.customer_match.clone()),
    ];
    outputs.retain(|(_, value)| !value.is_empty());
    if let Some(warning) = total_warning(kind, notes.subtotal, tax, document) {
        outputs.push(("warnings", warning));
    }
    outputs.push(("execution_id", execution_id.to_owned()));
    to_text(&Reply { state: ExecutionState::Success, outputs })
}

/// A failure a person must mend.
pub(crate) fn failed(failure: &Failure, execution_id: &str) -> String {
    to_text(&Reply {
        state: ExecutionState::FailContinue,
        outputs: vec![
            ("status", "failed".to_owned()),
            ("errorCode", failure.code.as_str().to_owned()),
            ("errorMessage", failure.message.clone()),
            ("error_subject", failure.subject.clone()),
            ("execution_id", execution_id.to_owned()),
        ],
    })
}

/// The books decide what was billed; when they differ from what we sent, a person should know.
fn total_warning(kind: DocumentKind, subtotal: Decimal, tax: Decimal, document: &Document) -> Option<String> {
    let expected = subtotal + tax;
    (expected != document.total_amt).then(|| {
        format!(
            "The {} totals {} in QuickBooks; its lines and tax add up to {}.",
            kind.noun(),
            money(document.total_amt),
            money(expected)
        )
    })
}

fn to_text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.to_bytes()).into_owned()
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn money(amount: Decimal) -> String {
    format!("{amount:.2}")
}
