//! One execution as people ask about it: when, which record, which document, what came of it and why. Read from its record
//! alone.

use std::collections::BTreeMap;

use hubspot::workflow;
use mapping::hubspot::{PortalId, RecordKind};
use mapping::quickbooks::DocumentKind;
use mapping::sale::BuyerId;
use maud::{Markup, html};
use serde::Deserialize;
use store::portal::Portal;
use store::record::{Record, State};

use super::layout::{Tone, badge, link_out};
use super::text::{Texts, fill, texts};
use crate::clock;
use crate::config::Config;
use crate::delivery;
use crate::execution::record_url;
use crate::web::Language;

/// What came of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Working,
    Created,
    Existing,
    Preview,
    Paid,
    PartlyPaid,
    Failed,
    Review,
    Closed,
}

impl Standing {
    pub(super) fn badge(self, language: Language) -> Markup {
        let texts = texts(language);
        let (tone, word) = match self {
            Self::Working => (Tone::Plain, texts.working),
            Self::Created => (Tone::Good, texts.created),
            Self::Existing => (Tone::Plain, texts.existing),
            Self::Preview => (Tone::Plain, texts.preview),
            Self::Paid => (Tone::Good, texts.paid),
            Self::PartlyPaid => (Tone::Waits, texts.partly_paid),
            Self::Failed => (Tone::Bad, texts.failed),
            Self::Review => (Tone::Waits, texts.review),
            Self::Closed => (Tone::Plain, texts.closed),
        };
        badge(tone, word)
    }
}

/// A record, and what of it had to be read first.
pub(super) struct Summary<'a> {
    pub(super) record: &'a Record,
    pub(super) outputs: BTreeMap<String, String>,
    /// What HubSpot asked for, where the record still says it.
    pub(super) asked: Option<workflow::Execution>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "outputFields")]
    outputs: BTreeMap<String, String>,
}

impl<'a> Summary<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let answer = record.answer.as_deref().and_then(|answer| serde_json::from_str::<Answer>(answer).ok());
        let asked =
            delivery::asked_before(record, clock::now()).filter(|asked| !asked.object_type.is_empty());
        Self { record, outputs: answer.map(|answer| answer.outputs).unwrap_or_default(), asked }
    }

    /// The execution's id within its portal.
    pub(super) fn id(&self) -> String {
        self.record.key.id()
    }

    pub(super) fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn standing(&self) -> Standing {
        match self.record.state {
            State::Claimed | State::Planned | State::Sent | State::DocDone | State::PaySent => {
                Standing::Working
            }
            State::Completed => match self.output("status") {
                Some("existing") => Standing::Existing,
                Some("preview") => Standing::Preview,
                Some("paid") => Standing::Paid,
                Some("partly_paid") => Standing::PartlyPaid,
                _ => Standing::Created,
            },
            State::Failed => Standing::Failed,
            State::NeedsReview => Standing::Review,
            State::Closed => Standing::Closed,
        }
    }

    /// The failure's code, if it is one.
    pub(super) fn code(&self) -> Option<&str> {
        self.output("errorCode").filter(|code| *code != "NONE")
    }

    /// What the action makes.
    pub(super) fn document(&self, texts: &'static Texts) -> &'static str {
        match self.record.action {
            Some(DocumentKind::Invoice) => texts.invoice,
            Some(DocumentKind::Estimate) => texts.estimate,
            Some(DocumentKind::SalesReceipt) => texts.sales_receipt,
            None => texts.execution,
        }
    }

    /// The document with its number, as far as there is one.
    pub(super) fn title(&self, texts: &'static Texts) -> String {
        let number = self.output("document_number").or(self.output("document_id"));
        number.map_or(self.document(texts).to_owned(), |number| format!("{} {number}", self.document(texts)))
    }

    /// The deal or quote, with its page in HubSpot.
    pub(super) fn enrolled(&self, portal: PortalId, config: &Config, language: Language) -> Markup {
        let texts = texts(language);
        let Some(asked) = &self.asked else { return Markup::default() };
        let id = asked.object_id.to_string();
        match RecordKind::from_object_type(&asked.object_type) {
            Some(kind) => {
                let name = match kind {
                    RecordKind::Deal => texts.deal,
                    RecordKind::Quote => texts.quote,
                };
                let address = record_url(&config.hubspot_app_url, portal, kind.type_id(), asked.object_id);
                link_out(&address, &fill(name, &[("id", &id)]))
            }
            None => html! { (asked.object_type) " " (id) },
        }
    }

    /// Whose document it is in HubSpot, as a link.
    pub(super) fn billed(&self, portal: PortalId, config: &Config, language: Language) -> Markup {
        let texts = texts(language);
        let (type_id, name, id) = match self.record.buyer {
            None => return Markup::default(),
            Some(BuyerId::Contact(id)) => ("0-1", texts.contact, id),
            Some(BuyerId::Company(id)) => ("0-2", texts.hubspot_company, id),
        };
        let address = record_url(&config.hubspot_app_url, portal, type_id, id);
        link_out(&address, &fill(name, &[("id", &id.to_string())]))
    }

    /// The company's name, which the portal may no longer know.
    pub(super) fn company(&self, portal: &Portal, texts: &Texts) -> String {
        let Some(realm) = &self.record.realm else { return String::new() };
        let linked = portal.company(realm).map(|company| company.name.clone());
        linked.unwrap_or_else(|| fill(texts.unknown_company, &[("realm", realm.as_str())]))
    }
}
