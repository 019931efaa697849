//! The answer a workflow sees: built from the record alone, so that every attempt would build the same, and kept byte for
//! byte (contract §3).

use hubspot::workflow::{ExecutionState, Reply};
use jiff::civil::Date;
use mapping::hubspot::RecordId;
use mapping::money::Currency;
use mapping::payment::{self, Booking, Paid};
use mapping::quickbooks::{CustomerId, Document, DocumentKind, RealmId};
use mapping::sale::BuyerId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::attempt::WAIT_ISO;
use crate::failure::{Code, Failure};
use crate::preview::Preview;

/// What the answer needs and QuickBooks does not say; frozen with the plan.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// The name of the deal or quote, or its id when it has none.
    #[serde(default)]
    pub(crate) record: String,
    /// The contact the document was made for; none when only its payment is planned, or when a company is billed.
    pub(crate) contact: Option<RecordId>,
    /// The HubSpot company the document was made for.
    #[serde(default)]
    pub(crate) company: Option<RecordId>,
    /// The customer.
    pub(crate) customer_id: CustomerId,
    /// Its display name.
    pub(crate) customer_name: String,
    /// The currency of the document; none when neither record nor company names one.
    #[serde(default)]
    pub(crate) currency: Option<Currency>,
    /// The step of the customer chain that decided.
    pub(crate) customer_match: String,
    /// Which item each HubSpot product became: product id, item id.
    pub(crate) items: Vec<(String, String)>,
    /// The names of the items that were created for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) created_items: Vec<String>,
    /// What the lines add up to, for the release before this one: answers have [`Self::total`].
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) subtotal: Decimal,
    /// What the document comes to before tax, discounts and fees carried.
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) total: Decimal,
    /// What it comes to with its tax, where HubSpot says so.
    #[serde(default, with = "rust_decimal::serde::str_option")]
    pub(crate) expected: Option<Decimal>,
    /// The record's own amount, where it holds the tax that HubSpot shows.
    #[serde(default, with = "rust_decimal::serde::str_option")]
    pub(crate) amount_with_tax: Option<Decimal>,
    /// The document's date.
    pub(crate) date: Date,
    /// What was paid in HubSpot, when the document is to say so.
    pub(crate) paid: Option<Paid>,
    /// How the document's payment is booked, when one is to follow.
    pub(crate) booking: Option<Booking>,
    /// What was odd and did not stop the document.
    pub(crate) warnings: Vec<String>,
}

impl Notes {
    /// Whose customer is remembered, if anybody's.
    pub(crate) fn buyer(&self) -> Option<BuyerId> {
        self.company.map(BuyerId::Company).or(self.contact.map(BuyerId::Contact))
    }
}

/// A document that was created, and what became of its payment.
pub(crate) struct Created<'a> {
    pub(crate) kind: DocumentKind,
    pub(crate) realm: &'a RealmId,
    pub(crate) notes: &'a Notes,
    pub(crate) document: &'a Document,
    pub(crate) payment: Payment<'a>,
    pub(crate) mailing: Mailing,
    /// Where links to documents point.
    pub(crate) app_url: &'a str,
    pub(crate) execution_id: &'a str,
}

/// What became of a document's payment.
pub(crate) enum Payment<'a> {
    /// None was to be made.
    None,
    /// It was made.
    Made {
        /// Its id.
        id: &'a str,
        /// Its amount.
        amount: Decimal,
    },
    /// QuickBooks refused it, for this reason; the document stands.
    Refused(&'a str),
}

/// What became of the one try to have a document e-mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mailing {
    /// It was not to be, or could not be, which was told when it was planned.
    NotAsked,
    /// It was.
    Sent,
    /// QuickBooks did not.
    Failed,
    /// Nobody knows.
    Unclear,
    /// It was not tried: it would have asked for money that was paid.
    PaymentRefused,
    /// It was not tried: a person was told to look, or HubSpot had stopped waiting.
    TooLate,
}

impl Mailing {
    /// What a person must know of it.
    fn warning(self, kind: DocumentKind) -> Option<String> {
        let what = kind.noun();
        match self {
            Self::NotAsked | Self::Sent => None,
            Self::Failed => Some(format!("The {what} could not be e-mailed. Send it from QuickBooks.")),
            Self::Unclear => Some(format!(
                "The {what} may have been e-mailed. See in QuickBooks whether it was before you send it."
            )),
            Self::PaymentRefused => Some(format!(
                "The {what} was not e-mailed, as its payment was refused. Send it from QuickBooks once it is paid."
            )),
            Self::TooLate => {
                Some(format!("The {what} could not be e-mailed in time. Send it from QuickBooks."))
            }
        }
    }
}

impl Created<'_> {
    /// The success, whole or partial.
    pub(crate) fn answer(&self) -> String {
        let Self { kind, realm, notes, document, .. } = self;
        let (status, code) = match self.payment {
            Payment::None => ("created", "NONE"),
            Payment::Made { .. } => ("paid", "NONE"),
            Payment::Refused(_) => ("partly_paid", Code::PaymentRefused.as_str()),
        };
        let mut outputs = vec![("status", status.to_owned()), ("errorCode", code.to_owned())];
        outputs.extend(of_document(*kind, realm, document, self.app_url));
        outputs.extend([
            ("balance", self.balance().map(money).unwrap_or_default()),
            ("customer_id", notes.customer_id.to_string()),
            ("customer_name", notes.customer_name.clone()),
            ("customer_match", notes.customer_match.clone()),
        ]);
        match self.payment {
            Payment::None => {}
            Payment::Made { id, amount } => {
                outputs.extend([("payment_id", id.to_owned()), ("paid_amount", money(amount))]);
            }
            Payment::Refused(why) => {
                let failure = Failure::payment_refused(*kind, document, why);
                outputs.extend([("errorMessage", failure.message), ("error_subject", failure.subject)]);
            }
        }
        outputs.retain(|(_, value)| !value.is_empty());
        let warnings = self.warnings();
        if !warnings.is_empty() {
            outputs.push(("warnings", warnings.join(" | ")));
        }
        outputs.push(("execution_id", self.execution_id.to_owned()));
        to_text(&Reply { state: ExecutionState::Success, outputs })
    }

    /// What is owed now: QuickBooks said so before the payment.
    fn balance(&self) -> Option<Decimal> {
        let before = owed(self.kind, self.document)?;
        match self.payment {
            Payment::Made { amount, .. } => Some(before - amount),
            Payment::None | Payment::Refused(_) => Some(before),
        }
    }

    fn warnings(&self) -> Vec<String> {
        let created = self.notes.created_items.iter().map(item_created);
        let mut warnings: Vec<String> = created.chain(self.notes.warnings.iter().cloned()).collect();
        // The books decide what was billed; when they differ from what was sold, a person should know.
        let total = self.document.total_amt;
        let (noun, added) = (self.kind.noun(), self.notes.total + tax(self.document));
        // What was known before it was created is told already.
        let in_hubspot = self.notes.expected.or(self.notes.amount_with_tax);
        let differs = match in_hubspot {
            Some(expected) if expected != total => {
                Some(format!("with its tax, it comes to {} in HubSpot", money(expected)))
            }
            None if added != total => Some(format!("its lines and tax add up to {}", money(added))),
            Some(_) | None => None,
        };
        let total = money(total);
        warnings
            .extend(differs.map(|differs| format!("The {noun} totals {total} in QuickBooks; {differs}.")));
        let paid = self.notes.paid.as_ref();
        if let Some((paid, asked)) = paid.and_then(|paid| payment::differs(paid, self.kind, self.document)) {
            let (paid, asked, noun) = (money(paid), money(asked), self.kind.noun());
            warnings.push(format!(
                "HubSpot's payments come to {paid}, the {noun} in QuickBooks asks for {asked}."
            ));
        }
        warnings.extend(self.mailing.warning(self.kind));
        warnings
    }
}

/// Never silently: where the action creates a product, its outputs say so.
pub(crate) fn item_created(name: impl AsRef<str>) -> String {
    format!("Product “{}” was created in QuickBooks.", name.as_ref())
}

/// The record has such a document already: that one, as it stands, and what was created before that was seen.
pub(crate) fn existing(
    kind: DocumentKind,
    realm: &RealmId,
    document: &Document,
    warnings: &[String],
    app_url: &str,
    execution_id: &str,
) -> String {
    let customer = document.customer_ref.clone();
    let mut outputs = vec![("status", "existing".to_owned()), ("errorCode", "NONE".to_owned())];
    outputs.extend(of_document(kind, realm, document, app_url));
    outputs.extend([
        ("balance", owed(kind, document).map(money).unwrap_or_default()),
        ("customer_id", text(customer.as_ref().map(|customer| &customer.value))),
        ("customer_name", customer.and_then(|customer| customer.name).unwrap_or_default()),
        ("warnings", warnings.join(" | ")),
    ]);
    outputs.retain(|(_, value)| !value.is_empty());
    outputs.push(("execution_id", execution_id.to_owned()));
    to_text(&Reply { state: ExecutionState::Success, outputs })
}

/// What would be created. QuickBooks has not been asked for anything that only a document in its books has.
pub(crate) fn preview(kind: DocumentKind, preview: &Preview, url: &str, execution_id: &str) -> String {
    let Preview { notes, due_date, currency, .. } = preview;
    // Who knows the tax says what it comes to with it.
    let total = notes.expected.unwrap_or(notes.total);
    let balance = match kind {
        DocumentKind::Invoice => money(total),
        DocumentKind::Estimate => String::new(),
        DocumentKind::SalesReceipt => money(Decimal::ZERO),
    };
    let mut outputs = vec![
        ("status", "preview".to_owned()),
        ("errorCode", "NONE".to_owned()),
        ("document_date", notes.date.to_string()),
        ("due_date", text(*due_date)),
        ("currency", text(currency.as_ref())),
        ("subtotal", money(notes.total)),
        ("tax", text(notes.expected.map(|total| money(total - notes.total)))),
        ("total", money(total)),
        ("balance", balance),
        ("customer_id", text(preview.customer_id())),
        ("customer_name", notes.customer_name.clone()),
        ("customer_match", notes.customer_match.clone()),
    ];
    let untold = notes.expected.is_none().then(|| {
        let noun = kind.noun();
        format!("QuickBooks computes tax, if any, when it creates the {noun}: the total here is without it.")
    });
    let items = preview.new_items().into_iter().map(|name| format!("The product “{name}” would be created."));
    let warnings: Vec<String> = items.chain(notes.warnings.iter().cloned()).chain(untold).collect();
    outputs.push(("warnings", warnings.join(" | ")));
    outputs.retain(|(_, value)| !value.is_empty());
    outputs.extend([("execution_id", execution_id.to_owned()), ("preview_url", url.to_owned())]);
    to_text(&Reply { state: ExecutionState::Success, outputs })
}

/// What QuickBooks itself says of a document.
fn of_document(
    kind: DocumentKind,
    realm: &RealmId,
    document: &Document,
    app_url: &str,
) -> [(&'static str, String); 10] {
    let path = kind.entity().to_lowercase();
    let currency = document.currency_ref.as_ref().map(|currency| &currency.value);
    [
        ("document_type", kind.entity().to_owned()),
        ("document_id", document.id.to_string()),
        ("document_number", document.doc_number.clone().unwrap_or_default()),
        ("document_url", format!("{app_url}/app/{path}?txnId={}&companyId={realm}", document.id)),
        ("document_date", text(document.txn_date)),
        ("due_date", text(document.due_date.filter(|_| kind == DocumentKind::Invoice))),
        ("currency", text(currency)),
        ("subtotal", money(document.total_amt - tax(document))),
        ("tax", money(tax(document))),
        ("total", money(document.total_amt)),
    ]
}

/// What is owed on a document; nothing ever is on an estimate.
fn owed(kind: DocumentKind, document: &Document) -> Option<Decimal> {
    document.balance.filter(|_| kind != DocumentKind::Estimate)
}

/// We go on by ourselves, and call HubSpot back.
pub(crate) fn accepted(execution_id: &str) -> String {
    to_text(&Reply {
        state: ExecutionState::Block,
        outputs: vec![
            ("hs_expiration_duration", WAIT_ISO.to_owned()),
            ("status", "accepted".to_owned()),
            ("errorCode", "NONE".to_owned()),
            ("execution_id", execution_id.to_owned()),
        ],
    })
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

/// Whether an answer says that there is a document and does not name it: never, unless something went wrong that we do not know.
pub(crate) fn lacks_its_document(answer: &str) -> bool {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    let output = |name: &str| answer["outputFields"][name].as_str().unwrap_or_default();
    output("hs_execution_state") == "SUCCESS"
        && output("status") != "preview"
        && output("document_id").is_empty()
}

/// The tax QuickBooks computed.
pub(crate) fn tax(document: &Document) -> Decimal {
    document.txn_tax_detail.as_ref().and_then(|detail| detail.total_tax).unwrap_or_default()
}

fn to_text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.to_bytes()).into_owned()
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// An amount with two decimals.
pub(crate) fn money(amount: Decimal) -> String {
    format!("{amount:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_names_its_document_unless_it_is_a_preview() {
        let lacks = |outputs: serde_json::Value| {
            lacks_its_document(&serde_json::json!({ "outputFields": outputs }).to_string())
        };
        let success = |status: &str, id: &str| {
            lacks(serde_json::json!({"hs_execution_state": "SUCCESS", "status": status, "document_id": id}))
        };
        assert!(success("created", "") && !success("created", "411") && !success("preview", ""));
        assert!(!lacks(serde_json::json!({"hs_execution_state": "FAIL_CONTINUE", "status": "failed"})));
    }
}
