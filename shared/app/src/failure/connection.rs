//! What is missing between the portal, the app and the QuickBooks company.

use super::{Code, Failure};

impl Failure {
    /// The portal has no company to create documents in.
    pub fn not_connected() -> Self {
        Self::new(
            Code::NotConnected,
            "QuickBooks",
            "HubSpot is not connected to a QuickBooks company. Connect one in the app's settings, then enroll the record \
             again.",
        )
    }

    /// The action names the default company, and none is the default.
    pub fn no_default_company() -> Self {
        Self::new(
            Code::NotConnected,
            "QuickBooks",
            "No QuickBooks company is the default. Choose a company in the workflow's action, or a default in the app's settings, \
             then enroll the record again.",
        )
    }

    /// The grant for the company is refused.
    pub fn connection_expired(realm_name: &str) -> Self {
        Self::new(
            Code::ConnectionExpired,
            realm_name,
            format!(
                "The connection to “{realm_name}” has ended. Connect it again in the app's settings, then enroll the record \
                 again."
            ),
        )
    }

    /// The portal's own grant is refused.
    pub fn hubspot_connection_expired() -> Self {
        Self::new(
            Code::ConnectionExpired,
            "HubSpot",
            "The app's connection to HubSpot has ended. Install the app again in HubSpot, then enroll the record again.",
        )
    }

    /// The chosen company is not one of the portal's.
    pub fn company_not_linked(realm: &str) -> Self {
        Self::new(
            Code::CompanyNotLinked,
            realm,
            format!(
                "The QuickBooks company {realm} is not connected to this HubSpot account. Choose a connected company in the \
                 workflow's action, then enroll the record again."
            ),
        )
    }

    /// The app was not granted what reading the record takes.
    pub fn permission_missing(scopes: &[String]) -> Self {
        let scopes = scopes.join(", ");
        Self::new(
            Code::PermissionMissing,
            scopes.clone(),
            format!(
                "The app lacks a permission in HubSpot ({scopes}). Install it again and grant it, then enroll the record again."
            ),
        )
    }
}
