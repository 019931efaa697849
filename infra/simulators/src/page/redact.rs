//! What calls carried and neither a page nor `GET /_sim/calls` shows: tokens, codes and secrets.
//!
//! Both vendors give tokens out, renew and end them under paths with `oauth` or `token` in them. Of such calls neither
//! query nor body is shown, and no part of the path behind `…-tokens`, where HubSpot's legacy routes have the token itself.

use crate::control::Call;

/// A call without them, for who asks over HTTP.
pub(crate) fn call(call: &Call) -> Call {
    Call { path: path(call), query: query(call), request_body: body(call).to_owned(), ..call.clone() }
}

/// A call's path.
pub(super) fn path(call: &Call) -> String {
    let mut hidden = false;
    let parts = call.path.split('/').map(|part| {
        let shown = if hidden && !part.is_empty() { HIDDEN } else { part };
        hidden |= part.to_ascii_lowercase().ends_with("-tokens");
        shown
    });
    parts.collect::<Vec<_>>().join("/")
}

/// A call's query.
pub(super) fn query(call: &Call) -> String {
    if is_private(call) && !call.query.is_empty() {
        return HIDDEN.to_owned();
    }
    let pairs = call.query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A call's body.
pub(super) fn body(call: &Call) -> &str {
    if is_private(call) && !call.request_body.is_empty() { HIDDEN } else { &call.request_body }
}

const HIDDEN: &str = "[not shown]";

fn is_private(call: &Call) -> bool {
    let path = call.path.to_ascii_lowercase();
    path.contains("oauth") || path.contains("token")
}

/// Whether a client could have put a credential under this name where none belongs.
fn is_secret(name: &str) -> bool {
    ["access_token", "refresh_token", "client_secret", "hapikey"]
        .contains(&name.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn call(path: &str, query: &str, body: &str) -> Call {
        let call = json!({"seq": 0, "method": "POST", "path": path, "query": query, "started_us": 0, "ended_us": null,
            "status": null, "fault": null, "authorization_present": false, "request_body": body, "unexpected": false});
        from_value(call).unwrap()
    }

    #[test]
    fn of_calls_about_tokens_neither_query_nor_body_is_shown() {
        for path in
            ["/oauth/v1/token", "/oauth2/v1/tokens/bearer", "/v2/oauth2/tokens/revoke", "/OAuth/authorize"]
        {
            let call = call(path, "code=secret", "refresh_token=secret");
            assert_eq!((query(&call).as_str(), body(&call)), (HIDDEN, HIDDEN));
        }
        let call = call("/oauth/v1/access-tokens/secret", "", "secret");
        let shown = serde_json::to_string(&super::call(&call)).unwrap();
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(super::path(&call), "/oauth/v1/access-tokens/[not shown]");
    }

    #[test]
    fn of_other_calls_only_a_credential_in_the_query_is_hidden() {
        let call =
            call("/v3/company/1/invoice", "access_token=secret&minorversion=75", r#"{"SyncToken":"0"}"#);
        assert_eq!(query(&call), "access_token=[not shown]&minorversion=75");
        assert_eq!((path(&call).as_str(), body(&call)), ("/v3/company/1/invoice", r#"{"SyncToken":"0"}"#));
    }
}
