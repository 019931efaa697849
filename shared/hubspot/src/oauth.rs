//! A new access token for a portal, bought with its refresh token (hubspot.md §5.2).
//!
//! Sent once and never repeated here: who may refresh, when again, and where the tokens are kept before they are used is the
//! caller's business. Nothing of this module prints a token.

use crate::call::{VERSION, is_word, read_capped};
use crate::client::Client;
use crate::error::Cause;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::time::{Duration, Instant};

/// For the whole exchange. Longer than that of a read: an answer that is not waited for may have brought a new token.
const LIMIT: Duration = Duration::from_secs(10);

/// What HubSpot gives for a refresh token.
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    /// Sent with every call.
    #[serde(deserialize_with = "not_empty")]
    pub access_token: SecretString,
    /// Buys the next pair from now on. HubSpot may send the old one again, or none: then the old one stays.
    #[serde(default, deserialize_with = "blank_is_none")]
    pub refresh_token: Option<SecretString>,
    /// How long the access token is accepted from now on; 30 minutes as a rule.
    #[serde(deserialize_with = "seconds")]
    pub expires_in: SignedDuration,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The refresh token is not accepted any more, the app was uninstalled, or the portal is gone: a person has to install
    /// the app again. Another process may also have been given a newer token meanwhile.
    #[error("HubSpot no longer accepts the refresh token")]
    Revoked,
    /// HubSpot does not accept the app's own credentials, or our request: no portal is to blame, and none may lose its
    /// connection for it.
    #[error("HubSpot does not accept the app's own credentials")]
    Misconfigured,
    /// No usable answer. Later, with the same refresh token.
    #[error("asking HubSpot for tokens: no usable answer")]
    Unavailable(#[source] Cause),
}

/// Buys new tokens. The app's credentials travel in the body only.
///
/// # Errors
/// [`Error`]. Within 10 s in every case; what takes longer is [`Error::Unavailable`].
pub async fn refresh(
    client: &Client,
    client_id: &str,
    client_secret: &SecretString,
    refresh_token: &SecretString,
) -> Result<Tokens, Error> {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose_secret()),
        ("client_id", client_id),
        ("client_secret", client_secret.expose_secret()),
    ];
    tokens(client, &form, LIMIT).await
}

/// Tokens, for whatever the form shows.
pub(crate) async fn tokens(client: &Client, form: &[(&str, &str)], limit: Duration) -> Result<Tokens, Error> {
    let body = form_call(client, &format!("/oauth/{VERSION}/token"), form, limit).await?;
    serde_json::from_slice(&body).map_err(|error| Error::Unavailable(error.into()))
}

/// Sends a form about tokens; the body of a success.
pub(crate) async fn form_call(
    client: &Client,
    path: &str,
    form: &[(&str, &str)],
    limit: Duration,
) -> Result<Vec<u8>, Error> {
    let started = Instant::now();
    let outcome = exchange(client, path, form, limit).await;
    let duration_ms = started.elapsed().as_millis() as u64;
    match &outcome {
        Ok((status, body)) => {
            let refusal = Refusal::read(body);
            let code = refusal.code();
            tracing::info!(method = "POST", path, status, duration_ms, code, "HubSpot answered");
        }
        Err(cause) => {
            tracing::info!(method = "POST", path, duration_ms, %cause, "HubSpot did not answer");
        }
    }
    let (status, body) = outcome.map_err(Error::Unavailable)?;
    sort(status, body)
}

async fn exchange(
    client: &Client,
    path: &str,
    form: &[(&str, &str)],
    limit: Duration,
) -> Result<(u16, Vec<u8>), Cause> {
    let url = format!("{}{path}", client.base_url);
    let response = client.http.post(url).timeout(limit).form(form).send().await?;
    Ok((response.status().as_u16(), read_capped(response).await?))
}

/// The body of a success, or the error by what the caller does next. Only a refusal that says why may end a connection.
fn sort(status: u16, body: Vec<u8>) -> Result<Vec<u8>, Error> {
    match status {
        200..=299 => Ok(body),
        400 | 401 | 403 => {
            Err(Refusal::read(&body).error().unwrap_or(Error::Unavailable(Cause::Status(status))))
        }
        _ => Err(Error::Unavailable(Cause::Status(status))),
    }
}

/// The body of a refusal: `error` as RFC 6749 has it, and HubSpot's older `status`.
struct Refusal {
    error: Option<String>,
    status: Option<String>,
}

impl Refusal {
    fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let word = |key: &str| body[key].as_str().filter(|text| is_word(text)).map(str::to_owned);
        Self { error: word("error"), status: word("status") }
    }

    fn code(&self) -> Option<&str> {
        self.error.as_deref().or(self.status.as_deref())
    }

    fn error(&self) -> Option<Error> {
        [&self.error, &self.status].into_iter().flatten().find_map(|code| by_code(code))
    }
}

fn by_code(code: &str) -> Option<Error> {
    match code {
        "invalid_grant" | "access_denied" | "BAD_REFRESH_TOKEN" | "BAD_HUB" | "BAD_AUTH_CODE" => {
            Some(Error::Revoked)
        }
        "invalid_client"
        | "unauthorized_client"
        | "invalid_request"
        | "unsupported_grant_type"
        | "BAD_REDIRECT_URI"
        | "BAD_CLIENT_ID"
        | "BAD_CLIENT_SECRET" => Some(Error::Misconfigured),
        _ => None,
    }
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let token = SecretString::deserialize(deserializer)?;
    let usable = !token.expose_secret().is_empty();
    if usable { Ok(token) } else { Err(serde::de::Error::custom("an empty token")) }
}

fn blank_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let token = Option::<SecretString>::deserialize(deserializer)?;
    Ok(token.filter(|token| !token.expose_secret().is_empty()))
}

/// A number, or one in a string. What is too large for a life is cut, not refused: the tokens beside it are worth more.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let seconds = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    let seconds = seconds.ok_or_else(|| serde::de::Error::custom("not a number of seconds"))?;
    Ok(SignedDuration::from_secs(seconds.min(u32::MAX.into()).cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{self, Answer as Served, Server, answer};
    use std::error::Error as _;

    const TOKENS: &str = include_str!("../../../tests/fixtures/hubspot/tokens.json");
    const UNINSTALLED: &str =
        include_str!("../../../tests/fixtures/hubspot/tokens_refused_after_uninstall.json");

    async fn refreshed(url: &str) -> Result<Tokens, Error> {
        let client = Client::new(test_server::http(), url).unwrap();
        refresh(&client, "client-id", &"client&secret".into(), &"old-secret-refresh".into()).await
    }

    fn sort(status: u16, body: &[u8]) -> Result<Tokens, Error> {
        let body = super::sort(status, body.to_vec())?;
        serde_json::from_slice(&body).map_err(|error| Error::Unavailable(error.into()))
    }

    fn told(error: &Error) -> String {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    fn name(outcome: &Result<Tokens, Error>) -> &'static str {
        match outcome {
            Ok(_) => "tokens",
            Err(Error::Revoked) => "revoked",
            Err(Error::Misconfigured) => "misconfigured",
            Err(Error::Unavailable(_)) => "unavailable",
        }
    }

    #[tokio::test]
    async fn a_refresh_token_buys_new_tokens() {
        let server = Server::start(|_| answer(200, "", TOKENS)).await;
        let tokens = refreshed(&server.url).await.unwrap();
        assert_eq!(tokens.access_token.expose_secret(), "new-secret-access");
        assert_eq!(tokens.refresh_token.unwrap().expose_secret(), "na1-new-secret-refresh");
        assert_eq!(tokens.expires_in, SignedDuration::from_mins(30));
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.line, "POST /oauth/2026-03/token");
        assert!(seen.headers.contains("content-type: application/x-www-form-urlencoded"), "{}", seen.headers);
        let form = "grant_type=refresh_token&refresh_token=old-secret-refresh&client_id=client-id&client_secret=client%26secret";
        assert_eq!(seen.body, form);
    }

    #[test]
    fn the_refresh_token_may_stay_the_same_and_numbers_may_be_text() {
        for (body, expected) in [
            (r#"{"access_token": "a", "expires_in": 1800}"#, 1800),
            (r#"{"access_token": "a", "refresh_token": null, "expires_in": "1800"}"#, 1800),
            (r#"{"access_token": "a", "refresh_token": "", "expires_in": 1800}"#, 1800),
            (r#"{"access_token": "a", "expires_in": 18446744073709551615}"#, u32::MAX.into()),
        ] {
            let tokens = sort(200, body.as_bytes()).unwrap();
            assert!(tokens.refresh_token.is_none(), "{body}");
            assert_eq!(tokens.expires_in.as_secs(), expected, "{body}");
        }
    }

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        assert_eq!(name(&sort(status, body.as_bytes())), expected, "{status} {body}");
    }

    #[test]
    fn every_refusal_is_sorted_by_what_to_do_next() {
        check(400, UNINSTALLED, "revoked");
        check(400, r#"{"status": "BAD_REFRESH_TOKEN", "message": "x"}"#, "revoked");
        check(400, r#"{"error": "access_denied", "status": "BAD_HUB"}"#, "revoked");
        check(403, r#"{"status": "BAD_HUB"}"#, "revoked");
        check(401, r#"{"error": "invalid_client", "status": "BAD_CLIENT_SECRET"}"#, "misconfigured");
        check(400, r#"{"status": "BAD_CLIENT_ID"}"#, "misconfigured");
        check(400, r#"{"error": "invalid_request"}"#, "misconfigured");
        // The standardised name decides.
        check(400, r#"{"error": "invalid_client", "status": "BAD_REFRESH_TOKEN"}"#, "misconfigured");
    }

    #[test]
    fn what_says_nothing_about_the_token_ends_no_connection() {
        for status in [302, 404, 408, 423, 429, 477, 500, 502, 503, 504] {
            check(status, UNINSTALLED, "unavailable");
        }
        for body in
            ["", "<html>", "{}", r#"{"error": "server_error"}"#, r#"{"error": {"x": "invalid_grant"}}"#]
        {
            check(400, body, "unavailable");
            check(401, body, "unavailable");
            check(403, body, "unavailable");
        }
        for body in [
            "",
            "{}",
            UNINSTALLED,
            r#"{"access_token": "", "expires_in": 1800}"#,
            r#"{"access_token": "a"}"#,
            r#"{"access_token": "a", "expires_in": -1}"#,
        ] {
            check(200, body, "unavailable");
        }
    }

    #[tokio::test]
    async fn a_refresh_is_sent_once_whatever_happens() {
        for status in [400, 429, 500, 503] {
            let server = Server::start(move |_| answer(status, "", "{}")).await;
            assert_eq!(name(&refreshed(&server.url).await), "unavailable", "{status}");
            assert_eq!(server.seen().len(), 1, "{status}");
        }
        let server = Server::start(|_| Served { delay: Duration::ZERO, bytes: Vec::new() }).await;
        let error = refreshed(&server.url).await.unwrap_err();
        assert_eq!(told(&error), "asking HubSpot for tokens: no usable answer: the connection broke");
        assert_eq!(server.seen().len(), 1);
    }

    #[tokio::test]
    async fn a_slow_answer_is_given_up() {
        let slow = Duration::from_secs(30);
        let server = Server::start(move |_| Served { delay: slow, ..answer(200, "", TOKENS) }).await;
        let client = Client::new(test_server::http(), &server.url).unwrap();
        let error = super::tokens(&client, &[], Duration::from_millis(200)).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(Cause::TimedOut)), "{error:?}");
    }

    #[tokio::test]
    async fn the_limit_of_a_refresh_is_longer_than_that_of_a_read() {
        // A read is given four seconds.
        let slow = Duration::from_millis(4500);
        let server = Server::start(move |_| Served { delay: slow, ..answer(200, "", TOKENS) }).await;
        assert_eq!(name(&refreshed(&server.url).await), "tokens");
    }

    #[tokio::test]
    async fn nothing_printed_holds_a_secret() {
        let tokens = sort(200, TOKENS.as_bytes()).unwrap();
        assert!(!format!("{tokens:?}").contains("new-secret"), "{tokens:?}");
        let error = refreshed("http://127.0.0.1:1").await.unwrap_err();
        let whole = format!("{} {error:?}", told(&error));
        assert!(!whole.contains("secret") && !whole.contains("/oauth/"), "{whole}");
        let error = sort(200, br#"{"access_token": 12, "refresh_token": "new-secret"}"#).unwrap_err();
        assert!(!format!("{} {error:?}", told(&error)).contains("new-secret"));
    }
}
