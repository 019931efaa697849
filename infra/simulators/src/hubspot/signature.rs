//! Signs a request the way HubSpot does (hubspot.md §4): v2 is what the documentation promises for workflow actions,
//! v3 is added for OAuth apps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Which signatures a request carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Signing {
    #[default]
    Both,
    V2,
    V3,
    /// Both, made with another secret.
    Wrong,
    None,
}

/// What signing a request adds to it.
pub(super) struct Signed {
    pub(super) headers: Vec<(&'static str, String)>,
    /// The signature that counts: v3, else v2, else empty.
    pub(super) signature: String,
}

/// Signs a POST of `body` to `url`, said to be sent at `timestamp_ms`.
pub(super) fn sign(signing: Signing, secret: &str, url: &str, body: &[u8], timestamp_ms: i64) -> Signed {
    let secret = if signing == Signing::Wrong { "another app's secret" } else { secret };
    let mut signed = Signed { headers: Vec::new(), signature: String::new() };
    if !matches!(signing, Signing::None | Signing::V3) {
        signed.signature = v2(secret, "POST", url, body);
        signed.headers.push(("X-HubSpot-Signature", signed.signature.clone()));
        signed.headers.push(("X-HubSpot-Signature-Version", "v2".to_owned()));
    }
    if !matches!(signing, Signing::None | Signing::V2) {
        signed.signature = v3(secret, "POST", url, body, timestamp_ms);
        signed.headers.push(("X-HubSpot-Signature-v3", signed.signature.clone()));
        signed.headers.push(("X-HubSpot-Request-Timestamp", timestamp_ms.to_string()));
    }
    signed
}

/// The value of `X-HubSpot-Signature` under version `v2`: lower-case hex of SHA-256 over secret, method, URI and body.
/// The URI is taken as it is called, escapes and all.
pub(super) fn v2(secret: &str, method: &str, uri: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [secret.as_bytes(), method.as_bytes(), uri.as_bytes(), body] {
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// The value of `X-HubSpot-Signature-v3`: base64 of HMAC-SHA-256 over method, URI, body and timestamp, where the URI has
/// HubSpot's twelve escapes decoded and no other.
pub(super) fn v3(secret: &str, method: &str, uri: &str, body: &[u8], timestamp_ms: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    let (uri, timestamp) = (decoded(uri), timestamp_ms.to_string());
    for part in [method.as_bytes(), uri.as_bytes(), body, timestamp.as_bytes()] {
        mac.update(part);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The escapes that v3 decodes (hubspot.md §4); `%25` is not among them, so one pass per escape cannot make a new one.
const ESCAPES: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

fn decoded(uri: &str) -> String {
    ESCAPES.iter().fold(uri.to_owned(), |uri, (escape, plain)| uri.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The escapes are those of hubspot.md §4, row 9; the rest is our own, and its signatures were made with another tool.
    const SECRET: &str = "11111111-2222-3333-4444-555555555555";
    const TIMESTAMP_MS: i64 = 1_760_000_000_000;
    const EXECUTION: &str =
        r#"{"callbackId":"ap-7-1-3-0","origin":{"portalId":7},"inputFields":{"note":"naïve"}}"#;
    const ESCAPED_URI: &str =
        "https://api.example.com/hubspot/options?field=income%20account&src=a%40b.com%2Fx%3Ay";
    const NOTE: &str = r#"{"note":"café ☕"}"#;

    #[track_caller]
    fn check(uri: &str, body: &str, v2_expected: &str, v3_expected: &str) {
        assert_eq!(v2(SECRET, "POST", uri, body.as_bytes()), v2_expected);
        assert_eq!(v3(SECRET, "POST", uri, body.as_bytes(), TIMESTAMP_MS), v3_expected);
    }

    #[test]
    fn an_execution_is_signed_in_both_ways() {
        check(
            "https://actions.acme.example/invoice",
            EXECUTION,
            "9cac15fd03ed1164e136239c51d11bb4c9ea767e542ad72b4b66d8d4827452a0",
            "dmoASfeAv6vf4jepICWzbCX9YAI33LHsnDWMp5dZv20=",
        );
    }

    #[test]
    fn v2_signs_the_raw_uri_and_v3_the_decoded_one_as_in_row_9() {
        check(
            ESCAPED_URI,
            NOTE,
            "c837bb4f7e7e07bb2ac08111d1157347c9efed0090a2ad05f3ef73217f4210cc",
            "c9upjACmpAsR05Wg5gmp5CARsJ6R0kaJcNsFicH2aMY=",
        );
    }
}
