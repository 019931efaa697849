//! A portal's live connection to HubSpot and to one QuickBooks company, or the reason why there is none; and what each
//! error of the two vendors means for an execution.

use mapping::hubspot::{RecordId, RecordKind};
use mapping::quickbooks::{DocumentKind, RealmId};
use secrecy::SecretString;
use store::portal::{Portal, Status};
use store::tokens::Owner;

use crate::App;
use crate::failure::{Failure, Trouble};
use crate::protocol::Event;
use crate::telemetry::chain;

/// Why an attempt cannot go on.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// A person must mend something.
    Failure(Failure),
    /// Later.
    Trouble(Trouble),
}

impl From<Stop> for Event {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failure(failure) => Self::NotPossible(failure),
            Stop::Trouble(trouble) => Self::NotPlanned(trouble),
        }
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        tracing::error!(error = chain(&error), "the store failed");
        Self::Trouble(Trouble::StoreDown)
    }
}

/// One QuickBooks company, ready to be called.
pub(crate) struct Company {
    /// Its name, for sentences.
    pub(crate) name: String,
    /// The client, which holds realm and token together.
    pub(crate) client: quickbooks::Company,
}

impl App {
    /// The company with its token. Its grant is read by the version that the connection names.
    pub(crate) async fn company(&self, portal: Option<&Portal>, realm: &RealmId) -> Result<Company, Stop> {
        let portal = portal.ok_or_else(|| Stop::Failure(Failure::not_connected()))?;
        let company = portal
            .company(realm)
            .ok_or_else(|| Stop::Failure(Failure::company_not_linked(realm.as_str())))?;
        if company.connection.status == Status::ReauthRequired {
            return Err(Stop::Failure(Failure::connection_expired(&company.name)));
        }
        let owner = Owner::QuickBooks(portal.id, realm.clone());
        let grant = self.store.grant(&owner, &company.connection.version_id).await?;
        let client = if company.sandbox { &self.quickbooks_sandbox } else { &self.quickbooks };
        Ok(Company { name: company.name.clone(), client: client.company(realm.clone(), grant.access_token) })
    }

    /// The portal's token for HubSpot.
    pub(crate) async fn hubspot_token(&self, portal: Option<&Portal>) -> Result<SecretString, Stop> {
        let expired = || Stop::Failure(Failure::hubspot_connection_expired());
        let portal = portal.ok_or_else(|| Stop::Failure(Failure::not_connected()))?;
        let connection = portal.hubspot.as_ref().ok_or_else(expired)?;
        if connection.status == Status::ReauthRequired {
            return Err(expired());
        }
        Ok(self.store.grant(&Owner::HubSpot(portal.id), &connection.version_id).await?.access_token)
    }
}

/// What an error of HubSpot means for an execution that reads a record.
pub(crate) fn hubspot_stop(kind: RecordKind, id: RecordId, error: &hubspot::Error) -> Stop {
    tracing::warn!(error = chain(error), "the record could not be read");
    let id = id.to_string();
    match error {
        hubspot::Error::NotFound => Stop::Failure(Failure::record_not_found(kind, &id)),
        hubspot::Error::Unauthorized => Stop::Failure(Failure::hubspot_connection_expired()),
        hubspot::Error::MissingScopes(scopes) => Stop::Failure(Failure::permission_missing(scopes)),
        hubspot::Error::Refused { .. } => Stop::Failure(Failure::record_unreadable(kind, &id)),
        hubspot::Error::RateLimited => Stop::Trouble(Trouble::HubSpotThrottled),
        hubspot::Error::Unavailable { .. } => Stop::Trouble(Trouble::HubSpotDown),
    }
}

/// What an error of QuickBooks means when we only read: nothing was sent, so nothing is unknown.
pub(crate) fn read_stop(what: DocumentKind, company: &str, error: &quickbooks::Error) -> Stop {
    tracing::warn!(error = chain(error), "QuickBooks could not be read");
    match error {
        quickbooks::Error::Unauthorized | quickbooks::Error::Forbidden(_) => {
            Stop::Failure(Failure::connection_expired(company))
        }
        quickbooks::Error::Rejected(fault) => Stop::Failure(Failure::refused(what, company, fault)),
        quickbooks::Error::Throttled => Stop::Trouble(Trouble::QuickBooksThrottled),
        quickbooks::Error::NotSent(_) | quickbooks::Error::Unknown(_) => {
            Stop::Trouble(Trouble::QuickBooksDown)
        }
    }
}
