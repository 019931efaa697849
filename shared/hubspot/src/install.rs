//! Installing the app, and taking it out again: where a person consents, the first tokens for a code, who that was and in
//! which account (hubspot.md §5).
//!
//! A code is exchanged once and the call is never repeated. Who installed is what HubSpot says of the new token; what stands
//! in the address the browser came by proves nothing.

use std::time::Duration;

use jiff::tz::TimeZone;
use mapping::hubspot::PortalId;
use mapping::money::Currency;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::call::{Call, VERSION};
use crate::client::Client;
use crate::error::{self, Doing};
use crate::oauth::{Error, Tokens, form_call, tokens};

/// What the app cannot do without (rulings.md 29). The same list stands in the app project: HubSpot stops an install that
/// asks for less.
pub const REQUIRED_SCOPES: &str = "oauth automation crm.objects.deals.read crm.objects.quotes.read \
     crm.objects.line_items.read crm.objects.contacts.read crm.objects.companies.read crm.objects.products.read";

/// What it can do without; HubSpot leaves out what an account does not have.
pub const OPTIONAL_SCOPES: &str =
    "crm.objects.commercepayments.read crm.objects.deals.write crm.schemas.deals.write tax_rates.read";

/// For a call about a token. A browser stands behind two of them and a read, and the gateway waits thirty seconds in all.
const LIMIT: Duration = Duration::from_secs(8);

/// All but what a query holds as it is: HubSpot wants spaces as `%20` (§5.1).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a person is sent to consent.
pub fn authorize_url(base: &str, client_id: &str, redirect_uri: &str, state: &str) -> String {
    let pairs = [
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("scope", REQUIRED_SCOPES),
        ("optional_scope", OPTIONAL_SCOPES),
        ("state", state),
    ];
    let pairs = pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPED)));
    format!("{base}?{}", pairs.join("&"))
}

/// The first tokens for a code. None: HubSpot does not take the code; it was used, its time is over, or it is not ours.
///
/// # Errors
/// [`Error`]. Within 8 s in every case. [`Error::Revoked`] is none of them.
pub async fn exchange(
    client: &Client,
    client_id: &str,
    client_secret: &SecretString,
    code: &str,
    redirect_uri: &str,
) -> Result<Option<Tokens>, Error> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("client_id", client_id),
        ("client_secret", client_secret.expose_secret()),
    ];
    match tokens(client, &form, LIMIT).await {
        Ok(tokens) => Ok(Some(tokens)),
        Err(Error::Revoked) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Who consented, as HubSpot says of the token.
#[derive(Clone, Debug, Deserialize)]
pub struct Installer {
    /// The account.
    #[serde(rename = "hub_id")]
    pub portal: PortalId,
    /// The account's own domain.
    #[serde(rename = "hub_domain", default)]
    pub domain: String,
    /// The user.
    pub user_id: u64,
    /// The user's e-mail address.
    #[serde(default)]
    pub user: String,
    /// What was granted.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The app the token is for.
    client_id: String,
}

/// Asks whose an access token is. None: it is good for nothing, or another app's.
///
/// # Errors
/// [`Error`].
pub async fn introspect(
    client: &Client,
    client_id: &str,
    client_secret: &SecretString,
    access_token: &SecretString,
) -> Result<Option<Installer>, Error> {
    #[derive(Deserialize)]
    struct State {
        active: bool,
    }
    let form = about(client_id, client_secret, access_token, "access_token");
    let body = form_call(client, &format!("/oauth/{VERSION}/token/introspect"), &form, LIMIT).await?;
    let unreadable = |error: serde_json::Error| Error::Unavailable(error.into());
    if !serde_json::from_slice::<State>(&body).map_err(unreadable)?.active {
        return Ok(None);
    }
    let installer: Installer = serde_json::from_slice(&body).map_err(unreadable)?;
    Ok((installer.client_id == client_id).then_some(installer))
}

/// Ends a refresh token. One that has ended already is as good.
///
/// # Errors
/// [`Error`], except [`Error::Revoked`].
pub async fn revoke(
    client: &Client,
    client_id: &str,
    client_secret: &SecretString,
    refresh_token: &SecretString,
) -> Result<(), Error> {
    let form = about(client_id, client_secret, refresh_token, "refresh_token");
    match form_call(client, &format!("/oauth/{VERSION}/token/revoke"), &form, LIMIT).await {
        Ok(_) | Err(Error::Revoked) => Ok(()),
        Err(error) => Err(error),
    }
}

fn about<'a>(
    client_id: &'a str,
    client_secret: &'a SecretString,
    token: &'a SecretString,
    hint: &'a str,
) -> [(&'a str, &'a str); 4] {
    [
        ("client_id", client_id),
        ("client_secret", client_secret.expose_secret()),
        ("token", token.expose_secret()),
        ("token_type_hint", hint),
    ]
}

/// The facts of an account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountInfo {
    /// Which account.
    pub portal_id: PortalId,
    /// Its time zone, an IANA name that we know.
    #[serde(deserialize_with = "known_zone")]
    pub time_zone: String,
    /// Its own currency: that of amounts that name none. What is no currency to us is none.
    #[serde(default, deserialize_with = "known_currency")]
    pub company_currency: Option<Currency>,
}

fn known_zone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = TimeZone::get(&name).is_ok();
    if known { Ok(name) } else { Err(serde::de::Error::custom("no time zone we know")) }
}

fn known_currency<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Currency>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|code| code.parse().ok()))
}

impl Client {
    /// Reads the facts of the account that the token is of (§5.3).
    ///
    /// # Errors
    /// [`error::Error`].
    pub async fn account_info(&self, token: &SecretString) -> Result<AccountInfo, error::Error> {
        let path = format!("/account-info/{VERSION}/details");
        let call = Call { method: Method::GET, path, query: Vec::new(), body: None };
        self.read(token, Doing::ReadingAccount, &call).await
    }

    /// Takes the app out of the account that the token is of (§5.4); HubSpot writes to its admins. An app that is out already
    /// has no token that is taken: [`error::Error::Unauthorized`].
    ///
    /// # Errors
    /// [`error::Error`].
    pub async fn uninstall(&self, token: &SecretString) -> Result<(), error::Error> {
        let path = format!("/appinstalls/{VERSION}/external-install");
        let call = Call { method: Method::DELETE, path, query: Vec::new(), body: None };
        self.perform(token, Doing::Uninstalling, &call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{self, Server, answer};

    const TOKENS: &str = include_str!("../../../tests/fixtures/hubspot/tokens.json");
    const REFUSED: &str = r#"{"error": "invalid_grant", "status": "BAD_AUTH_CODE"}"#;

    fn client(url: &str) -> Client {
        Client::new(test_server::http(), url).unwrap()
    }

    #[test]
    fn a_person_is_asked_for_every_scope_and_spaces_are_percent_encoded() {
        let url = authorize_url("https://app.hubspot.com/oauth/authorize", "id", "https://a.example/cb", "s");
        assert!(url.starts_with("https://app.hubspot.com/oauth/authorize?client_id=id&redirect_uri=https%3A%2F%2Fa.example%2Fcb&scope=oauth%20automation%20crm.objects.deals.read%20"), "{url}");
        assert!(
            url.contains("&optional_scope=crm.objects.commercepayments.read%20") && url.ends_with("&state=s"),
            "{url}"
        );
    }

    #[tokio::test]
    async fn a_code_buys_the_first_tokens_and_is_sent_once() {
        let server = Server::start(|_| answer(200, "", TOKENS)).await;
        let (id, secret) = ("client-id", "client&secret".into());
        let bought = exchange(&client(&server.url), id, &secret, "a/code", "https://a.example/cb").await;
        assert_eq!(bought.unwrap().unwrap().access_token.expose_secret(), "new-secret-access");
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.line, "POST /oauth/2026-03/token");
        let form = "grant_type=authorization_code&code=a%2Fcode&redirect_uri=https%3A%2F%2Fa.example%2Fcb&client_id=client-id&client_secret=client%26secret";
        assert_eq!(seen.body, form);
    }

    #[tokio::test]
    async fn a_code_that_is_refused_is_no_error_of_ours() {
        for (status, body, refused) in [
            (400, REFUSED, true),
            (400, r#"{"status": "BAD_AUTH_CODE"}"#, true),
            (503, "", false),
            (400, r#"{"error": "invalid_client"}"#, false),
        ] {
            let server = Server::start(move |_| answer(status, "", body)).await;
            let bought =
                exchange(&client(&server.url), "id", &"s".into(), "code", "https://a.example/cb").await;
            assert_eq!(matches!(bought, Ok(None)), refused, "{status} {body}");
            assert_eq!(server.seen().len(), 1, "{status} {body}");
        }
    }

    async fn introspected(body: &'static str) -> Result<Option<Installer>, Error> {
        let server = Server::start(move |_| answer(200, "", body)).await;
        introspect(&client(&server.url), "id", &"s".into(), &"t".into()).await
    }

    #[tokio::test]
    async fn hubspot_says_whose_a_token_is() {
        let whole = r#"{"active": true, "hub_id": 1000001, "hub_domain": "acme.example", "user": "o@acme.example", "user_id": 42, "client_id": "id", "scopes": ["oauth"]}"#;
        let installer = introspected(whole).await.unwrap().unwrap();
        assert_eq!((installer.portal, installer.user_id), (PortalId(1_000_001), 42));
        assert!(introspected(r#"{"active": false}"#).await.unwrap().is_none());
        let of_another = r#"{"active": true, "hub_id": 1, "user_id": 42, "client_id": "other"}"#;
        assert!(introspected(of_another).await.unwrap().is_none());
        for unreadable in [
            "",
            "{}",
            r#"{"active": true}"#,
            r#"{"active": true, "hub_id": "x", "user_id": 1, "client_id": "id"}"#,
        ] {
            assert!(introspected(unreadable).await.is_err(), "{unreadable}");
        }
    }

    #[tokio::test]
    async fn an_account_has_a_time_zone_that_we_know() {
        for (zone, known) in [("Europe/Paris", true), ("Mars/Olympus", false)] {
            let body = format!(r#"{{"portalId": 7, "timeZone": "{zone}", "uiDomain": "app.hubspot.com"}}"#);
            let server = Server::start(move |_| answer(200, "", &body)).await;
            let info = client(&server.url).account_info(&"t".into()).await;
            assert_eq!(info.map(|info| info.time_zone).ok().as_deref() == Some(zone), known, "{zone}");
        }
    }

    #[tokio::test]
    async fn an_account_may_have_a_currency() {
        for (currency, expected) in [(r#""EUR""#, Some("EUR")), (r#""Euro""#, None), ("null", None)] {
            let body = format!(r#"{{"portalId": 7, "timeZone": "UTC", "companyCurrency": {currency}}}"#);
            let server = Server::start(move |_| answer(200, "", &body)).await;
            let info = client(&server.url).account_info(&"t".into()).await.unwrap();
            assert_eq!(info.company_currency.as_ref().map(Currency::as_str), expected, "{currency}");
        }
    }
}
