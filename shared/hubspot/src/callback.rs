//! Completing an execution that HubSpot waits for (hubspot.md §2.3). Doing it twice is harmless.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use secrecy::SecretString;

use crate::Client;
use crate::call::{Call, VERSION};
use crate::error::{Doing, Error};
use crate::workflow::CallbackId;

/// All but what a path holds as it is (RFC 3986, unreserved).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How HubSpot took a completion. Either way there is nothing more to tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// The enrolment goes on.
    Taken,
    /// With a 4xx: the id is unknown, completed already or no longer waited for. Which one HubSpot does not say.
    Refused,
}

impl Client {
    /// Completes a blocked execution with the reply that would have been its answer, byte for byte; `typedOutputs` goes
    /// along because the specification asks for it. Needs the scope `automation`.
    ///
    /// # Errors
    /// [`Error`]: HubSpot waits still.
    pub async fn complete(
        &self,
        token: &SecretString,
        callback_id: &CallbackId,
        reply: &str,
    ) -> Result<Completed, Error> {
        let id = utf8_percent_encode(callback_id.as_str(), ESCAPED);
        let call = Call {
            method: Method::POST,
            path: format!("/automation/actions/callbacks/{VERSION}/{id}/complete"),
            query: Vec::new(),
            body: Some(with_typed_outputs(reply)),
        };
        match self.perform(token, Doing::Completing, &call).await {
            Ok(()) => Ok(Completed::Taken),
            Err(Error::NotFound | Error::Refused { .. }) => Ok(Completed::Refused),
            Err(error) => Err(error),
        }
    }
}

fn with_typed_outputs(reply: &str) -> String {
    match reply.strip_suffix('}') {
        Some(open) => format!(r#"{open},"typedOutputs":{{}}}}"#),
        None => reply.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{self, answer};

    const REPLY: &str = r#"{"outputFields":{"hs_execution_state":"SUCCESS","status":"created"}}"#;

    async fn complete(status: u16, body: &'static str) -> (Result<Completed, Error>, test_server::Seen) {
        let server = test_server::Server::start(move |_| answer(status, "", body)).await;
        let client = Client::new(test_server::http(), &server.url).unwrap();
        let id = CallbackId::try_from("ap-1/2 3-0".to_owned()).unwrap();
        let completed = client.complete(&"token".to_owned().into(), &id, REPLY).await;
        let seen = server.seen().remove(0);
        (completed, seen)
    }

    #[tokio::test]
    async fn the_reply_goes_out_as_it_was_kept() {
        let (completed, seen) = complete(204, "").await;
        assert_eq!(completed.unwrap(), Completed::Taken);
        let path = format!("POST /automation/actions/callbacks/{VERSION}/ap-1%2F2%203-0/complete");
        assert_eq!(seen.line, path);
        let outputs = REPLY.strip_suffix('}').unwrap();
        assert_eq!(seen.body, format!(r#"{outputs},"typedOutputs":{{}}}}"#));
    }

    #[tokio::test]
    async fn a_refusal_is_final_and_an_outage_is_not() {
        for status in [400, 404, 409, 410, 422] {
            assert_eq!(complete(status, "{}").await.0.unwrap(), Completed::Refused, "{status}");
        }
        for status in [401, 408, 423, 429, 477, 500, 502, 503] {
            assert!(complete(status, "{}").await.0.is_err(), "{status}");
        }
        for body in [r#"{"category": "MISSING_SCOPES"}"#, "{}"] {
            let (missing, _) = complete(403, body).await;
            assert!(matches!(missing, Err(Error::MissingScopes(_))), "{missing:?}");
        }
    }
}
