//! An app as Intuit knows it: its keys, whom they open, and where people may be sent back to (quickbooks.md §1.1, §5).

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use serde::Deserialize;

use super::Oauth;
use crate::quickbooks::state::Company;

/// One pair of keys.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::quickbooks) struct Client {
    pub(super) client_id: String,
    client_secret: String,
    #[serde(default)]
    environment: Environment,
    /// Where the authorize page may send people; it compares letter by letter.
    #[serde(default)]
    redirect_uris: Vec<String>,
    /// Lets production keys send people to this machine, which Intuit never does.
    #[serde(default)]
    localhost_redirects: bool,
    /// The landing page for people who disconnected the app inside QuickBooks.
    pub(super) disconnect_url: Option<String>,
}

impl fmt::Debug for Client {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Which companies keys are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Environment {
    /// Sandbox companies only.
    Development,
    /// Real companies only.
    #[default]
    Production,
}

impl Client {
    /// Whether these keys are for companies of this kind.
    pub(super) fn fits(&self, company: &Company) -> bool {
        (self.environment == Environment::Development) == company.sandbox
    }

    /// The address to send a person back to.
    ///
    /// # Errors
    /// Why it is none of this app's, for the error page (quickbooks.md §5.2).
    pub(super) fn redirect(&self, redirect_uri: &str) -> Result<Url, String> {
        if !self.redirect_uris.iter().any(|registered| registered == redirect_uri) {
            return Err("redirect_uri is none of the app's redirect URIs".to_owned());
        }
        let url = Url::parse(redirect_uri).map_err(|error| format!("redirect_uri: {error}"))?;
        let may_be_local = self.environment == Environment::Development || self.localhost_redirects;
        let is_good = match url.domain() {
            Some("localhost") => may_be_local,
            Some(_) => url.scheme() == "https",
            None => false,
        };
        let rule = "redirect_uri must be HTTPS on a domain, or with development keys on localhost";
        if is_good { Ok(url) } else { Err(rule.to_owned()) }
    }
}

impl Oauth {
    /// The app that calls, by Basic authentication only (§5.3); the secret in the body, which the discovery document
    /// lists too, is not simulated.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Option<Client> {
        let basic = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let pair = BASE64_STANDARD.decode(basic.strip_prefix("Basic ")?).ok()?;
        let pair = String::from_utf8(pair).ok()?;
        let (id, secret) = pair.split_once(':')?;
        self.clients.get(id).filter(|client| client.client_secret == secret).cloned()
    }
}
