//! Codes: what the authorize page gives out, once, for the token endpoint (quickbooks.md §5.2).

use jiff::{SignedDuration, Timestamp};

use super::client::Client;
use super::{Oauth, Refusal};
use crate::quickbooks::state::Company;

/// A code that waits to be exchanged.
#[derive(Clone, Debug)]
pub(super) struct Code {
    client_id: String,
    redirect_uri: String,
    pub(super) realm_id: String,
    expires_at: Timestamp,
}

impl Oauth {
    /// A new code for this app and company, good at this address only.
    pub(super) fn new_code(
        &mut self,
        client: &Client,
        redirect_uri: &str,
        company: &Company,
        now: Timestamp,
    ) -> String {
        let code = Code {
            client_id: client.client_id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            realm_id: company.realm_id.clone(),
            expires_at: super::later(now, SignedDuration::from_secs(company.switches.code_seconds.into())),
        };
        // As long as Intuit's are.
        let name = super::new_token("AB1", 50);
        self.codes.insert(name.clone(), code);
        name
    }

    /// Takes a code out. Whoever shows one has used it up, also with the wrong keys or address.
    pub(super) fn take_code(
        &mut self,
        name: &str,
        client: &Client,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<Code, Refusal> {
        let code = self.codes.remove(name).ok_or(Refusal::Token)?;
        if code.client_id != client.client_id {
            return Err(Refusal::OtherClient);
        }
        let is_good = now < code.expires_at && code.redirect_uri == redirect_uri;
        if is_good { Ok(code) } else { Err(Refusal::Token) }
    }
}
