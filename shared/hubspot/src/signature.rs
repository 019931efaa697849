//! Is this request really from HubSpot? Pure: what was presented, our secrets and the time go in, a verdict comes out.
//!
//! Why is v2 accepted at all? It is what HubSpot documents for workflow actions (hubspot.md §4, rulings.md 6). It has no
//! timestamp, so it is looked at only when there is no v3. And it is a plain SHA-256 over the secret and the request:
//! whoever holds one valid request can lengthen its body and still present a valid hash. The added bytes begin with
//! SHA-256's padding, 0x80, which no JSON text can go on with, so **the body must be parsed strictly**:
//! [`crate::workflow::Execution::parse`] refuses trailing bytes and invalid UTF-8.
//!
//! Why is the URI an argument? Neither scheme separates the parts it signs, so a byte moved from the end of the URI to the
//! start of the body keeps the signature. With the URI configured, not taken from the request, there is nothing to move.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How far a v3 timestamp may be from our clock, either way, in milliseconds: HubSpot's five minutes.
pub const TOLERANCE_MS: i64 = 300_000;

/// What a request presents: everything its signature can depend on.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// Upper case, as on the request line.
    pub method: &'a str,
    /// The public URI HubSpot was configured with, raw query included; never rebuilt from `Host`.
    pub uri: &'a str,
    /// The bytes as received.
    pub body: &'a [u8],
    /// `X-HubSpot-Signature`.
    pub signature: Option<&'a str>,
    /// `X-HubSpot-Signature-Version`.
    pub version: Option<&'a str>,
    /// `X-HubSpot-Signature-v3`.
    pub signature_v3: Option<&'a str>,
    /// `X-HubSpot-Request-Timestamp`, milliseconds since 1970.
    pub timestamp: Option<&'a str>,
}

/// Which rule a request was verified by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// SHA-256 over secret, method, URI and body; no protection against replay.
    V2,
    /// HMAC-SHA-256 over method, URI, body and timestamp.
    V3,
}

/// Why a request is not accepted. Only [`Refusal::OutsideWindow`] says that it came from HubSpot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature, or a v3 signature without its timestamp.
    #[error("the request is not signed")]
    Missing,
    /// Not made with one of our secrets, malformed, or of a kind we do not accept.
    #[error("the signature is wrong")]
    Wrong,
    /// A valid v3 signature whose timestamp is further than [`TOLERANCE_MS`] from `now`: replayed, or a clock is wrong.
    #[error("the signature is valid, its timestamp is not")]
    OutsideWindow,
}

/// Verifies a request by `secrets`, the current one and perhaps the previous one; an empty secret never matches. `now_ms`
/// is our clock in milliseconds since 1970. v1 is never accepted, v2 only with `accept_v2`.
///
/// # Errors
/// See [`Refusal`].
pub fn verify(
    presented: &Presented<'_>,
    secrets: &[SecretString],
    now_ms: i64,
    accept_v2: bool,
) -> Result<Scheme, Refusal> {
    match (presented.signature_v3, presented.signature) {
        (Some(signature), _) => verify_v3(presented, signature, secrets, now_ms),
        (None, Some(signature)) if accept_v2 && presented.version == Some("v2") => {
            verify_v2(presented, signature, secrets)
        }
        (None, Some(_)) => Err(Refusal::Wrong),
        (None, None) => Err(Refusal::Missing),
    }
}

fn verify_v3(
    presented: &Presented<'_>,
    signature: &str,
    secrets: &[SecretString],
    now_ms: i64,
) -> Result<Scheme, Refusal> {
    let timestamp = presented.timestamp.ok_or(Refusal::Missing)?;
    let sent_ms = milliseconds(timestamp).ok_or(Refusal::Wrong)?;
    let signature = STANDARD.decode(signature).map_err(|_| Refusal::Wrong)?;
    let uri = decode_listed_escapes(presented.uri);
    let parts = [presented.method.as_bytes(), uri.as_bytes(), presented.body, timestamp.as_bytes()];
    if !any_secret(secrets, |secret| mac_matches(secret, &parts, &signature)) {
        return Err(Refusal::Wrong);
    }
    if now_ms.abs_diff(sent_ms) > TOLERANCE_MS.unsigned_abs() {
        return Err(Refusal::OutsideWindow);
    }
    Ok(Scheme::V3)
}

fn verify_v2(
    presented: &Presented<'_>,
    signature: &str,
    secrets: &[SecretString],
) -> Result<Scheme, Refusal> {
    let parts = [presented.method.as_bytes(), presented.uri.as_bytes(), presented.body];
    if any_secret(secrets, |secret| hash_matches(secret, &parts, signature)) {
        Ok(Scheme::V2)
    } else {
        Err(Refusal::Wrong)
    }
}

/// Tries every secret, also after a match: the time taken does not tell which one is in use.
fn any_secret(secrets: &[SecretString], matches: impl Fn(&[u8]) -> bool) -> bool {
    secrets
        .iter()
        .map(|secret| secret.expose_secret().as_bytes())
        .filter(|secret| !secret.is_empty())
        .fold(false, |found, secret| matches(secret) | found)
}

fn mac_matches(secret: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(signature).is_ok()
}

fn hash_matches(secret: &[u8], parts: &[&[u8]], signature: &str) -> bool {
    let mut hash = Sha256::new_with_prefix(secret);
    parts.iter().for_each(|part| hash.update(part));
    hex::encode(hash.finalize()).as_bytes().ct_eq(signature.as_bytes()).into()
}

/// Exactly 13 digits. Body and timestamp are joined without a separator: a freer form would let a byte move between them.
fn milliseconds(timestamp: &str) -> Option<i64> {
    let fits = timestamp.len() == 13 && timestamp.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| timestamp.parse().ok()).flatten()
}

/// v3 signs the URI with these escapes decoded and all others (`%20`, `%26`, `%25`, …) as they are.
fn decode_listed_escapes(uri: &str) -> String {
    let mut decoded = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        decoded.push_str(before);
        match escape.get(..3).and_then(listed_escape) {
            Some(plain) => {
                decoded.push(plain);
                rest = &escape[3..];
            }
            None => {
                decoded.push('%');
                rest = &escape[1..];
            }
        }
    }
    decoded + rest
}

fn listed_escape(escape: &str) -> Option<char> {
    Some(match escape {
        "%3A" => ':',
        "%2F" => '/',
        "%3F" => '?',
        "%40" => '@',
        "%21" => '!',
        "%24" => '$',
        "%27" => '\'',
        "%28" => '(',
        "%29" => ')',
        "%2A" => '*',
        "%2C" => ',',
        "%3B" => ';',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vectors of hubspot.md §4, by row. Rows 1–7 are those of HubSpot's SDK tests.
    const SDK_SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    const OUR_SECRET: &str = "11111111-2222-3333-4444-555555555555";
    const WEBHOOK: &str = "https://www.example.com/webhook_uri";
    const ACTION: &str = "https://api.example.com/hubspot/actions/invoice";
    const OPTIONS: &str =
        "https://api.example.com/hubspot/options?field=income%20account&src=a%40b.com%2Fx%3Ay";
    const SINGLE_QUOTED: &[u8] = b"{'example_field':'example_value'}";
    const NOTE: &str = r#"{"note":"café ☕"}"#;
    const EXECUTION: &[u8] = br#"{"callbackId":"ap-1000001-900000000001-3-0","origin":{"portalId":1000001,"userId":null,"actionDefinitionId":77000001,"actionDefinitionVersion":4,"actionExecutionIndexIdentifier":{"enrollmentId":900000000001,"actionExecutionIndex":0},"extensionDefinitionVersionId":4,"extensionDefinitionId":77000001},"context":{"workflowId":55000001,"actionId":3,"actionExecutionIndexIdentifier":{"enrollmentId":900000000001,"actionExecutionIndex":0},"source":"WORKFLOWS"},"object":{"objectId":8800000001,"objectType":"DEAL"},"fields":{"due_days":"30"},"inputFields":{"due_days":"30"},"typedInputs":{"due_days":{"value":"30","type":"STRING"}}}"#;
    const EXECUTION_V2: &str = "67127e48f762dfe9e73bb5191326ddb3db323cf4eefd09208239190f6faabd3e";
    const EXECUTION_V3: &str = "NJWERyx87BZPEU9ISm9l5tCOwb9xPOMtF14c8xsuSWo=";
    const SENT_AT: &str = "1760000000000";
    const NOW_MS: i64 = 1_760_000_000_000;

    fn v2<'a>(method: &'a str, uri: &'a str, body: &'a [u8], signature: &'a str) -> Presented<'a> {
        let (signature, version) = (Some(signature), Some("v2"));
        Presented { method, uri, body, signature, version, signature_v3: None, timestamp: None }
    }

    fn v3<'a>(uri: &'a str, body: &'a [u8], signature: &'a str, timestamp: &'a str) -> Presented<'a> {
        let (signature_v3, timestamp) = (Some(signature), Some(timestamp));
        Presented { method: "POST", uri, body, signature: None, version: None, signature_v3, timestamp }
    }

    fn execution_v3() -> Presented<'static> {
        v3(ACTION, EXECUTION, EXECUTION_V3, SENT_AT)
    }

    #[track_caller]
    fn check(presented: Presented<'_>, secret: &str, now_ms: i64, expected: Result<Scheme, Refusal>) {
        assert_eq!(verify(&presented, &[secret.into()], now_ms, true), expected);
    }

    #[test]
    fn the_published_vectors_verify() {
        let row2 = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e";
        let row3 = "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900";
        let row5 = "4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383";
        let row6 = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=";
        let row7 = "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=";
        check(v2("GET", WEBHOOK, b"", row2), SDK_SECRET, 0, Ok(Scheme::V2));
        check(
            v2("POST", WEBHOOK, br#"{"example_field":"example_value"}"#, row3),
            SDK_SECRET,
            0,
            Ok(Scheme::V2),
        );
        check(v2("POST", WEBHOOK, SINGLE_QUOTED, row5), SDK_SECRET, 0, Ok(Scheme::V2));
        let (sent6, sent7) = ("1693657560000", "1700000300000");
        check(v3(WEBHOOK, SINGLE_QUOTED, row6, sent6), SDK_SECRET, 1_693_657_560_000, Ok(Scheme::V3));
        check(v3(WEBHOOK, SINGLE_QUOTED, row7, sent7), SDK_SECRET, 1_700_000_300_000, Ok(Scheme::V3));
        assert_eq!(EXECUTION.len(), 626);
        check(v2("POST", ACTION, EXECUTION, EXECUTION_V2), OUR_SECRET, 0, Ok(Scheme::V2));
        check(execution_v3(), OUR_SECRET, NOW_MS, Ok(Scheme::V3));
        let row9_v2 = "c837bb4f7e7e07bb2ac08111d1157347c9efed0090a2ad05f3ef73217f4210cc";
        let row9_v3 = "c9upjACmpAsR05Wg5gmp5CARsJ6R0kaJcNsFicH2aMY=";
        check(v2("POST", OPTIONS, NOTE.as_bytes(), row9_v2), OUR_SECRET, 0, Ok(Scheme::V2));
        check(v3(OPTIONS, NOTE.as_bytes(), row9_v3, SENT_AT), OUR_SECRET, NOW_MS, Ok(Scheme::V3));
    }

    #[test]
    fn v1_is_refused_whatever_version_it_claims() {
        let row1 = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de";
        let row4 = "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750";
        let event: &[u8] = br#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;
        for (body, signature) in [(event, row1), (SINGLE_QUOTED, row4)] {
            for version in [Some("v1"), Some("v2"), Some("v9"), None] {
                let presented = Presented { version, ..v2("POST", WEBHOOK, body, signature) };
                check(presented, SDK_SECRET, 0, Err(Refusal::Wrong));
            }
            // The vector itself is sound: it is v2 without method and URI, which every request has.
            check(v2("", "", body, signature), SDK_SECRET, 0, Ok(Scheme::V2));
        }
    }

    #[test]
    fn v3_over_the_raw_uri_is_refused() {
        let over_raw = "qid/3Wo4Ui7j2n75hbhCfSnemA48voL3GnhABXpzx74=";
        check(v3(OPTIONS, NOTE.as_bytes(), over_raw, SENT_AT), OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
    }

    #[test]
    fn only_the_listed_escapes_are_decoded_and_only_once() {
        let listed = "%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B";
        assert_eq!(decode_listed_escapes(listed), ":/?@!$'()*,;");
        for kept in ["%20%26%25%3D%2B", "%3a%2f", "%253A", "%", "%3", "a%é", "%%3"] {
            assert_eq!(decode_listed_escapes(kept), kept);
        }
        assert_eq!(decode_listed_escapes("%%3A"), "%:");
    }

    #[test]
    fn any_flipped_bit_is_refused() {
        let uri_bits = flips(ACTION.as_bytes()).filter_map(|bytes| String::from_utf8(bytes).ok());
        for uri in uri_bits {
            check(Presented { uri: &uri, ..execution_v3() }, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
            check(v2("POST", &uri, EXECUTION, EXECUTION_V2), OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        }
        for body in flips(EXECUTION) {
            check(Presented { body: &body, ..execution_v3() }, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
            check(v2("POST", ACTION, &body, EXECUTION_V2), OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        }
        for method in flips(b"POST").filter_map(|bytes| String::from_utf8(bytes).ok()) {
            check(Presented { method: &method, ..execution_v3() }, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
            check(v2(&method, ACTION, EXECUTION, EXECUTION_V2), OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        }
        for timestamp in flips(SENT_AT.as_bytes()).filter_map(|bytes| String::from_utf8(bytes).ok()) {
            let presented = Presented { timestamp: Some(&timestamp), ..execution_v3() };
            check(presented, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        }
        for signature in flips(EXECUTION_V3.as_bytes()).filter_map(|bytes| String::from_utf8(bytes).ok()) {
            let presented = Presented { signature_v3: Some(&signature), ..execution_v3() };
            check(presented, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        }
        for signature in flips(EXECUTION_V2.as_bytes()).filter_map(|bytes| String::from_utf8(bytes).ok()) {
            check(v2("POST", ACTION, EXECUTION, &signature), OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        }
    }

    #[test]
    fn other_spellings_of_a_signature_are_refused() {
        let url_safe = EXECUTION_V3.replace('+', "-").replace('/', "_");
        let without_padding = EXECUTION_V3.trim_end_matches('=').to_owned();
        let spaced = [format!(" {EXECUTION_V3}"), format!("{EXECUTION_V3}\n"), format!("{EXECUTION_V3}=")];
        let row6 = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=".replace('+', "-").replace('/', "_");
        check(
            v3(WEBHOOK, SINGLE_QUOTED, &row6, "1693657560000"),
            SDK_SECRET,
            1_693_657_560_000,
            Err(Refusal::Wrong),
        );
        for variant in spaced.into_iter().chain([without_padding, String::new(), "é".into()]) {
            let presented = Presented { signature_v3: Some(&variant), ..execution_v3() };
            check(presented, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        }
        assert_eq!(url_safe, EXECUTION_V3, "row 8 has neither + nor /: row 6 is the one that tells");
        check(
            v2("POST", ACTION, EXECUTION, &EXECUTION_V2.to_uppercase()),
            OUR_SECRET,
            0,
            Err(Refusal::Wrong),
        );
    }

    #[test]
    fn bytes_cannot_move_between_body_and_timestamp() {
        let longer = [EXECUTION, b"1"].concat();
        let shorter_time = Presented { body: &longer, timestamp: Some(&SENT_AT[1..]), ..execution_v3() };
        check(shorter_time, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
    }

    #[test]
    fn the_window_is_five_minutes_either_way_to_the_millisecond() {
        for (now_ms, expected) in [
            (NOW_MS - TOLERANCE_MS, Ok(Scheme::V3)),
            (NOW_MS + TOLERANCE_MS, Ok(Scheme::V3)),
            (NOW_MS - TOLERANCE_MS - 1, Err(Refusal::OutsideWindow)),
            (NOW_MS + TOLERANCE_MS + 1, Err(Refusal::OutsideWindow)),
            (i64::MIN, Err(Refusal::OutsideWindow)),
        ] {
            check(execution_v3(), OUR_SECRET, now_ms, expected);
        }
    }

    #[test]
    fn outside_the_window_is_only_said_of_a_valid_signature() {
        let presented = Presented { body: b"{}", ..execution_v3() };
        check(presented, OUR_SECRET, 0, Err(Refusal::Wrong));
    }

    #[test]
    fn malformed_timestamps_are_refused() {
        for timestamp in
            ["", "0", "1760000000", "-760000000000", "17600000000000", "NaN", "١٧٦٠٠٠٠٠٠", " 1760000000000"]
        {
            let presented = Presented { timestamp: Some(timestamp), ..execution_v3() };
            check(presented, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        }
        check(Presented { timestamp: None, ..execution_v3() }, OUR_SECRET, NOW_MS, Err(Refusal::Missing));
    }

    #[test]
    fn v3_is_judged_alone_when_present() {
        let both = Presented { signature_v3: Some("AAAA"), ..v2("POST", ACTION, EXECUTION, EXECUTION_V2) };
        check(Presented { timestamp: Some(SENT_AT), ..both }, OUR_SECRET, NOW_MS, Err(Refusal::Wrong));
        check(both, OUR_SECRET, NOW_MS, Err(Refusal::Missing));
    }

    #[test]
    fn v2_is_refused_when_it_is_switched_off() {
        let presented = v2("POST", ACTION, EXECUTION, EXECUTION_V2);
        assert_eq!(verify(&presented, &[OUR_SECRET.into()], 0, false), Err(Refusal::Wrong));
    }

    #[test]
    fn the_previous_secret_still_verifies_and_an_empty_one_never_does() {
        let secrets = |texts: &[&str]| texts.iter().map(|&text| text.into()).collect::<Vec<SecretString>>();
        let current_and_previous = secrets(&["new", OUR_SECRET]);
        assert_eq!(verify(&execution_v3(), &current_and_previous, NOW_MS, false), Ok(Scheme::V3));
        let unkeyed = hex::encode(Sha256::digest([b"POST", ACTION.as_bytes(), b"{}"].concat()));
        let forged = v2("POST", ACTION, b"{}", &unkeyed);
        assert_eq!(verify(&forged, &secrets(&[""]), 0, true), Err(Refusal::Wrong));
        assert_eq!(verify(&execution_v3(), &[], NOW_MS, true), Err(Refusal::Wrong));
    }

    #[test]
    fn an_unsigned_request_is_missing_a_signature() {
        let presented = Presented { signature: None, ..v2("POST", ACTION, EXECUTION, "") };
        check(presented, OUR_SECRET, NOW_MS, Err(Refusal::Missing));
    }

    /// Every single-bit change of `bytes`.
    fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        (0..bytes.len() * 8).map(|bit| {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        })
    }
}
