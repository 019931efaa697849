//! A company's grant, from the consent to its end: where a person consents, the first tokens for a code, new ones for a
//! refresh token, and giving the grant back; all at the endpoints that Intuit's discovery document names (quickbooks.md §5).
//!
//! Intuit replaces the refresh token about once a day, and the old one may die at once (§5.4). So a refresh is sent once and
//! never repeated here, and so is a code: who may refresh, when again, and where the tokens are kept before they are used is the caller's
//! business. Nothing of this module prints a token.

use crate::client::{Client, intuit_tid, is_allowed, read_capped};
use crate::error::Cause;
use jiff::SignedDuration;
use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::time::Instant;

/// Asks for the end of the whole grant beside those of the tokens (quickbooks.md §5.3).
const WITH_HARD_EXPIRY: (&str, &str) = ("x-include-refresh-token-hard-expires-in", "true");

/// Where Intuit's OAuth endpoints are. It changes rarely: to be kept for as long as the process lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Where a person grants access, in a browser.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens become tokens.
    pub token_endpoint: Url,
    /// Where a grant is ended.
    pub revocation_endpoint: Url,
}

/// What Intuit gives for a refresh token.
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    /// Sent with every call.
    #[serde(deserialize_with = "not_empty")]
    pub access_token: SecretString,
    /// How long the access token is accepted from now on; an hour as a rule.
    #[serde(deserialize_with = "seconds")]
    pub expires_in: SignedDuration,
    /// Buys the next pair from now on: the only one to keep, whether or not it is the old one again.
    #[serde(deserialize_with = "not_empty")]
    pub refresh_token: SecretString,
    /// How long the refresh token is accepted from now on if it is not used; about 100 days.
    #[serde(rename = "x_refresh_token_expires_in", deserialize_with = "seconds")]
    pub refresh_expires_in: SignedDuration,
    /// How long the grant lasts from now on whatever is done, as far as Intuit tells: five years at first.
    #[serde(rename = "x_refresh_token_hard_expires_in", default, deserialize_with = "seconds_if_any")]
    pub hard_expires_in: Option<SignedDuration>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The refresh token is not accepted any more: used, expired or revoked. Unless another process was given a newer one
    /// meanwhile, a person has to connect the company again.
    #[error("Intuit no longer accepts the refresh token")]
    Revoked,
    /// Intuit does not accept the app's own credentials or our request, or the address of the discovery document cannot be
    /// used: no company is to blame, and none may lose its connection for it.
    #[error("Intuit does not accept the app's own credentials, or its address is wrong")]
    Misconfigured,
    /// No usable answer. Later, with the same refresh token.
    #[error("asking Intuit for tokens: no usable answer")]
    Unavailable(#[source] Cause),
}

/// Reads the discovery document at `url`, which must be `https` or on this machine, as must be what it names.
///
/// # Errors
/// [`Error::Misconfigured`] for an address that is neither, else [`Error::Unavailable`]. Within 6 s in every case.
pub async fn discover(client: &Client, url: &str) -> Result<Discovery, Error> {
    let url = Url::parse(url).ok().filter(is_allowed).ok_or(Error::Misconfigured)?;
    let request = client.http.get(url).timeout(client.limits.read);
    let (status, body) = send("reading the discovery document", request).await?;
    match status {
        200..=299 => endpoints(&body).ok_or(Error::Unavailable(Cause::Unreadable)),
        _ => Err(Error::Unavailable(Cause::Status(status))),
    }
}

/// What is asked for: a company's books.
pub const SCOPE: &str = "com.intuit.quickbooks.accounting";

/// Where a person is sent to choose a company and consent.
pub fn authorize_url(discovery: &Discovery, client_id: &str, redirect_uri: &str, state: &str) -> String {
    let mut url = discovery.authorization_endpoint.clone();
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("response_type", "code")
        .append_pair("scope", SCOPE)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state);
    url.into()
}

/// The first tokens for a code. None: Intuit does not take the code; it was used, its time is over, or it is not ours.
///
/// # Errors
/// [`Error`]. Within 8 s in every case. [`Error::Revoked`] is none of them.
pub async fn exchange(
    client: &Client,
    discovery: &Discovery,
    client_id: &str,
    client_secret: &SecretString,
    code: &str,
    redirect_uri: &str,
) -> Result<Option<Tokens>, Error> {
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
    let request = asking(client, discovery, client_id, client_secret).timeout(client.limits.exchange);
    let request = request.form(&form);
    match sort(send("exchanging a code", request).await?) {
        Ok(tokens) => Ok(Some(tokens)),
        Err(Error::Revoked) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends the grant that a token is of. One that has ended already is as good; of such a token Intuit says 400, often without a
/// word why (intuit/oauth-jsclient, issues 18 and 71).
///
/// # Errors
/// [`Error`], except [`Error::Revoked`].
pub async fn revoke(
    client: &Client,
    discovery: &Discovery,
    client_id: &str,
    client_secret: &SecretString,
    token: &SecretString,
) -> Result<(), Error> {
    let request = client
        .http
        .post(discovery.revocation_endpoint.clone())
        .timeout(client.limits.read)
        .basic_auth(client_id, Some(client_secret.expose_secret()))
        .json(&serde_json::json!({"token": token.expose_secret()}));
    let (status, body) = send("revoking a grant", request).await?;
    match (status, refused(status, &body)) {
        (200..=299, _) | (_, Error::Revoked) | (400, Error::Unavailable(_)) => Ok(()),
        (_, error) => Err(error),
    }
}

/// Buys new tokens, with the connections of any client: the grant says for which company they are.
///
/// # Errors
/// [`Error`]. Within 20 s in every case; what takes longer is [`Error::Unavailable`].
pub async fn refresh(
    client: &Client,
    discovery: &Discovery,
    client_id: &str,
    client_secret: &SecretString,
    refresh_token: &SecretString,
) -> Result<Tokens, Error> {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
    let request = asking(client, discovery, client_id, client_secret).form(&form);
    sort(send("refreshing the tokens", request).await?)
}

/// A request to the token endpoint, as yet without its form.
fn asking(
    client: &Client,
    discovery: &Discovery,
    client_id: &str,
    client_secret: &SecretString,
) -> RequestBuilder {
    let (name, value) = WITH_HARD_EXPIRY;
    client
        .http
        .post(discovery.token_endpoint.clone())
        .timeout(client.limits.refresh)
        .basic_auth(client_id, Some(client_secret.expose_secret()))
        .header(name, value)
}

async fn send(doing: &'static str, request: RequestBuilder) -> Result<(u16, Vec<u8>), Error> {
    let started = Instant::now();
    let outcome = answered(request).await;
    let duration_ms = started.elapsed().as_millis() as u64;
    match outcome {
        Ok((status, intuit_tid, body)) => {
            let code = refusal(&body);
            tracing::info!(doing, status, duration_ms, intuit_tid, code, "Intuit answered");
            Ok((status, body))
        }
        Err(cause) => {
            tracing::info!(doing, duration_ms, %cause, "Intuit did not answer");
            Err(Error::Unavailable(cause))
        }
    }
}

async fn answered(request: RequestBuilder) -> Result<(u16, Option<String>, Vec<u8>), Cause> {
    let response = request.header(ACCEPT, "application/json").send().await?;
    let (status, intuit_tid) = (response.status().as_u16(), intuit_tid(response.headers()));
    Ok((status, intuit_tid, read_capped(response).await?))
}

fn endpoints(body: &[u8]) -> Option<Discovery> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let endpoint = |key: &str| Url::parse(document[key].as_str()?).ok().filter(is_allowed);
    Some(Discovery {
        authorization_endpoint: endpoint("authorization_endpoint")?,
        token_endpoint: endpoint("token_endpoint")?,
        revocation_endpoint: endpoint("revocation_endpoint")?,
    })
}

/// The tokens of a success, or the error by what the caller does next. Only a refusal that says why may end a connection
/// (quickbooks.md §5.5).
fn sort((status, body): (u16, Vec<u8>)) -> Result<Tokens, Error> {
    match status {
        200..=299 => serde_json::from_slice(&body).map_err(|_| Error::Unavailable(Cause::Unreadable)),
        _ => Err(refused(status, &body)),
    }
}

fn refused(status: u16, body: &[u8]) -> Error {
    match (status, refusal(body).as_deref()) {
        (400 | 401, Some("invalid_grant")) if blames_the_keys(body) => Error::Misconfigured,
        (400 | 401, Some("invalid_grant")) => Error::Revoked,
        (
            400 | 401,
            Some("invalid_client" | "invalid_request" | "unauthorized_client" | "unsupported_grant_type"),
        ) => Error::Misconfigured,
        _ => Error::Unavailable(Cause::Status(status)),
    }
}

/// Whether Intuit says that the token is another app's: with the right keys it is as good as ever. It calls that
/// `invalid_grant` too, "Incorrect Token type or clientID" (quickbooks.md §5.5).
fn blames_the_keys(body: &[u8]) -> bool {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let said = body.as_ref().and_then(|body| body["error_description"].as_str()).unwrap_or_default();
    said.to_ascii_lowercase().contains("clientid")
}

/// The `error` of RFC 6749, if the body has one that is fit for the log.
fn refusal(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = body["error"].as_str()?;
    let is_word = code.len() <= 50 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_word.then(|| code.to_owned())
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let token = SecretString::deserialize(deserializer)?;
    let usable = !token.expose_secret().is_empty();
    if usable { Ok(token) } else { Err(serde::de::Error::custom("an empty token")) }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let seconds = in_seconds(&Value::deserialize(deserializer)?);
    seconds.ok_or_else(|| serde::de::Error::custom("not a number of seconds"))
}

fn seconds_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SignedDuration>, D::Error> {
    Ok(in_seconds(&Value::deserialize(deserializer)?))
}

/// A number, or one in a string (quickbooks.md §5.3). What is too large for a life is cut, not refused: the tokens beside it
/// are worth more.
fn in_seconds(value: &Value) -> Option<SignedDuration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Some(SignedDuration::from_secs(seconds.min(u32::MAX.into()).cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Answer as Served, Server, answer};
    use std::error::Error as _;
    use std::time::Duration;

    const DISCOVERY: &str = include_str!("../../../tests/fixtures/quickbooks/discovery.json");
    const TOKENS: &str = include_str!("../../../tests/fixtures/quickbooks/tokens.json");
    const REFUSED: &str = include_str!("../../../tests/fixtures/quickbooks/tokens_refused.json");
    const OTHER_KEYS: &str =
        r#"{"error_description":"Incorrect Token type or clientID","error":"invalid_grant"}"#;

    fn client() -> Client {
        Client::new("https://quickbooks.api.intuit.com").unwrap()
    }

    fn discovery(base: &str) -> Discovery {
        let at = |path: &str| Url::parse(&format!("{base}{path}")).unwrap();
        Discovery {
            authorization_endpoint: at("/authorize"),
            token_endpoint: at("/tokens"),
            revocation_endpoint: at("/revoke"),
        }
    }

    async fn refreshed_by(client: &Client, base: &str) -> Result<Tokens, Error> {
        let secret = "a-secret-of-the-app".into();
        refresh(client, &discovery(base), "client-id", &secret, &"old+secret".into()).await
    }

    async fn refreshed(base: &str) -> Result<Tokens, Error> {
        refreshed_by(&client(), base).await
    }

    fn sort(status: u16, body: &[u8]) -> Result<Tokens, Error> {
        super::sort((status, body.to_vec()))
    }

    #[test]
    fn a_person_is_sent_to_the_endpoint_of_the_discovery_document() {
        let discovery = discovery("https://appcenter.example");
        let url = authorize_url(&discovery, "client-id", "https://a.example/cb", "state");
        let expected = "https://appcenter.example/authorize?client_id=client-id&response_type=code&scope=com.intuit.quickbooks.accounting&redirect_uri=https%3A%2F%2Fa.example%2Fcb&state=state";
        assert_eq!(url, expected);
    }

    #[tokio::test]
    async fn a_code_buys_the_first_tokens_and_is_sent_once() {
        for (status, body, expected) in [
            (200, TOKENS, Some(true)),
            (400, REFUSED, Some(false)),
            (503, "{}", None),
            (401, r#"{"error": "invalid_client"}"#, None),
            (400, OTHER_KEYS, None),
        ] {
            let server = Server::start(move |_| answer(status, "", body)).await;
            let (discovery, secret) = (discovery(&server.url), "a-secret-of-the-app".into());
            let bought =
                exchange(&client(), &discovery, "client-id", &secret, "a/code", "https://a.example/cb").await;
            assert_eq!(bought.map(|tokens| tokens.is_some()).ok(), expected, "{status} {body}");
            let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
            assert_eq!(seen.line, "POST /tokens");
            assert_eq!(
                seen.body,
                "grant_type=authorization_code&code=a%2Fcode&redirect_uri=https%3A%2F%2Fa.example%2Fcb"
            );
        }
    }

    #[tokio::test]
    async fn a_grant_is_given_back_and_one_that_has_ended_is_as_good() {
        for (status, body, good) in [
            (200, "", true),
            (400, REFUSED, true),
            (400, "", true),
            (400, "<html>", true),
            (400, OTHER_KEYS, false),
            (400, r#"{"error": "invalid_request"}"#, false),
            (401, r#"{"error": "invalid_client"}"#, false),
            (401, "", false),
            (404, "", false),
            (429, "", false),
            (503, "", false),
        ] {
            let server = Server::start(move |_| answer(status, "", body)).await;
            let secret = "a-secret-of-the-app".into();
            let revoked = revoke(&client(), &discovery(&server.url), "client-id", &secret, &"t".into()).await;
            assert_eq!(revoked.is_ok(), good, "{status} {body}");
            assert_eq!(server.seen()[0].line, "POST /revoke");
            assert_eq!(server.seen()[0].body, r#"{"token":"t"}"#);
        }
    }

    fn told(error: &Error) -> String {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    fn name<T>(outcome: &Result<T, Error>) -> &'static str {
        match outcome {
            Ok(_) => "success",
            Err(Error::Revoked) => "revoked",
            Err(Error::Misconfigured) => "misconfigured",
            Err(Error::Unavailable(_)) => "unavailable",
        }
    }

    #[tokio::test]
    async fn the_endpoints_are_read_from_the_discovery_document() {
        let server = Server::start(|_| answer(200, "", DISCOVERY)).await;
        let url = format!("{}/.well-known/openid_configuration", server.url);
        let discovery = discover(&client(), &url).await.unwrap();
        let token_endpoint = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer";
        assert_eq!(discovery.token_endpoint.as_str(), token_endpoint);
        assert_eq!(discovery.authorization_endpoint.as_str(), "https://appcenter.intuit.com/connect/oauth2");
        let revocation_endpoint = "https://developer.api.intuit.com/v2/oauth2/tokens/revoke";
        assert_eq!(discovery.revocation_endpoint.as_str(), revocation_endpoint);
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.line, "GET /.well-known/openid_configuration");
        assert!(!seen.headers.contains("authorization"), "{}", seen.headers);
    }

    #[test]
    fn endpoints_are_encrypted_or_on_this_machine() {
        let with = |endpoint: &str| {
            let mut document: Value = serde_json::from_str(DISCOVERY).unwrap();
            document["token_endpoint"] = endpoint.into();
            endpoints(document.to_string().as_bytes())
        };
        for endpoint in ["https://oauth.example/t", "http://127.0.0.1:4010/t", "http://localhost/t"] {
            assert!(with(endpoint).is_some(), "{endpoint}");
        }
        for endpoint in
            ["http://oauth.example/t", "http://10.0.0.1/t", "/t", "", "https://u:p@oauth.example/t"]
        {
            assert!(with(endpoint).is_none(), "{endpoint}");
        }
    }

    #[tokio::test]
    async fn a_document_that_cannot_be_used_is_unavailable_and_a_wrong_address_is_ours() {
        for (status, body) in [(200, "{}"), (200, "<html>"), (404, DISCOVERY), (302, DISCOVERY), (503, "")] {
            let server =
                Server::start(move |_| answer(status, "location: http://127.0.0.1:1/\r\n", body)).await;
            assert_eq!(name(&discover(&client(), &server.url).await), "unavailable", "{status} {body}");
            assert_eq!(server.seen().len(), 1);
        }
        for url in ["", "developer.intuit.com", "http://developer.intuit.com/.well-known/x"] {
            assert_eq!(name(&discover(&client(), url).await), "misconfigured", "{url}");
        }
    }

    #[tokio::test]
    async fn a_refresh_token_buys_a_new_pair() {
        let server = Server::start(|_| answer(200, "intuit_tid: 1-abc\r\n", TOKENS)).await;
        let tokens = refreshed(&server.url).await.unwrap();
        assert_eq!(tokens.access_token.expose_secret(), "new-secret-access");
        assert_eq!(tokens.refresh_token.expose_secret(), "new-secret-refresh");
        let hours = |duration: SignedDuration| duration.as_hours();
        assert_eq!((hours(tokens.expires_in), hours(tokens.refresh_expires_in)), (1, 101 * 24));
        assert_eq!(tokens.hard_expires_in.map(hours), Some(5 * 365 * 24));
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.line, "POST /tokens");
        assert_eq!(seen.body, "grant_type=refresh_token&refresh_token=old%2Bsecret");
        for header in [
            // client-id:a-secret-of-the-app; this server's notes are in lower case.
            &format!("authorization: basic {}", "Y2xpZW50LWlkOmEtc2VjcmV0LW9mLXRoZS1hcHA=".to_lowercase()),
            "accept: application/json",
            "content-type: application/x-www-form-urlencoded",
            "x-include-refresh-token-hard-expires-in: true",
        ] {
            assert!(seen.headers.contains(header), "{header} in {}", seen.headers);
        }
    }

    #[test]
    fn numbers_may_be_text_and_the_end_of_the_grant_untold() {
        for (hard, expected) in [
            ("", None),
            (r#", "x_refresh_token_hard_expires_in": null"#, None),
            (r#", "x_refresh_token_hard_expires_in": "unknown""#, None),
            (r#", "x_refresh_token_hard_expires_in": "157680000""#, Some(157_680_000)),
            (r#", "x_refresh_token_hard_expires_in": 18446744073709551615"#, Some(u32::MAX.into())),
        ] {
            let body = format!(
                r#"{{"access_token": "a", "refresh_token": "r", "expires_in": "3600", "x_refresh_token_expires_in": "8726400"{hard}}}"#
            );
            let tokens = sort(200, body.as_bytes()).unwrap();
            assert_eq!((tokens.expires_in.as_secs(), tokens.refresh_expires_in.as_secs()), (3600, 8_726_400));
            assert_eq!(tokens.hard_expires_in.map(|duration| duration.as_secs()), expected, "{hard}");
        }
    }

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        assert_eq!(name(&sort(status, body.as_bytes())), expected, "{status} {body}");
    }

    #[test]
    fn every_refusal_is_sorted_by_what_to_do_next() {
        check(400, REFUSED, "revoked");
        check(400, r#"{"error": "invalid_grant"}"#, "revoked");
        check(401, r#"{"error": "invalid_client"}"#, "misconfigured");
        for code in ["invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type"] {
            check(400, &format!(r#"{{"error": "{code}"}}"#), "misconfigured");
        }
    }

    #[test]
    fn what_says_nothing_about_the_token_ends_no_connection() {
        for status in [302, 403, 404, 408, 429, 500, 502, 503, 504] {
            check(status, REFUSED, "unavailable");
        }
        for body in ["", "<html>", "{}", r#"{"error": "server_error"}"#, r#"{"error": ["invalid_grant"]}"#] {
            check(400, body, "unavailable");
            check(401, body, "unavailable");
        }
        for body in [
            "",
            "{}",
            // node-quickbooks #171 took this for tokens.
            REFUSED,
            r#"{"access_token": "a", "refresh_token": "", "expires_in": 1, "x_refresh_token_expires_in": 1}"#,
            r#"{"access_token": "", "refresh_token": "r", "expires_in": 1, "x_refresh_token_expires_in": 1}"#,
            r#"{"access_token": "a", "refresh_token": "r", "expires_in": -1, "x_refresh_token_expires_in": 1}"#,
        ] {
            check(200, body, "unavailable");
        }
    }

    #[tokio::test]
    async fn a_refresh_is_sent_once_whatever_happens() {
        for status in [302, 400, 429, 500, 503] {
            let elsewhere = "location: http://127.0.0.1:1/\r\n";
            let server = Server::start(move |_| answer(status, elsewhere, "{}")).await;
            assert_eq!(name(&refreshed(&server.url).await), "unavailable", "{status}");
            assert_eq!(server.seen().len(), 1, "{status}");
        }
        let server = Server::start(|_| Served { delay: Duration::ZERO, bytes: Vec::new() }).await;
        let error = refreshed(&server.url).await.unwrap_err();
        assert_eq!(told(&error), "asking Intuit for tokens: no usable answer: the connection broke");
        assert_eq!(server.seen().len(), 1);
    }

    #[tokio::test]
    async fn a_slow_answer_is_given_up() {
        let slow = Duration::from_secs(30);
        let server = Server::start(move |_| Served { delay: slow, ..answer(200, "", TOKENS) }).await;
        let mut client = client();
        client.limits.refresh = Duration::from_millis(200);
        let error = refreshed_by(&client, &server.url).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(Cause::TimedOut)), "{error:?}");
    }

    #[tokio::test]
    async fn nothing_printed_holds_a_secret() {
        let tokens = sort(200, TOKENS.as_bytes()).unwrap();
        assert!(!format!("{tokens:?}").contains("new-secret"), "{tokens:?}");
        let error = refreshed("http://127.0.0.1:1").await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(Cause::NotConnected(_))), "{error:?}");
        let whole = format!("{} {error:?}", told(&error));
        assert!(!whole.contains("secret") && !whole.contains("/tokens"), "{whole}");
        let error = sort(200, br#"{"access_token": 12, "refresh_token": "new-secret"}"#).unwrap_err();
        assert!(!format!("{} {error:?}", told(&error)).contains("new-secret"));
    }
}
