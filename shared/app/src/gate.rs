//! Who may come in: is this request really from HubSpot?

use std::sync::{Arc, Mutex, PoisonError};

use hubspot::signature::{Presented, Refusal, Scheme, verify};
use jiff::{SignedDuration, Timestamp};
use lambda_http::Request;
use secrecy::SecretString;
use store::Store;

use crate::clock;
use crate::config::Config;
use crate::telemetry::{self, Metric, chain};

/// HubSpot's own requests are a few kilobytes (contract §1).
pub(crate) const BODY_LIMIT: usize = 256 * 1024;

/// Between two looks at the app secret because of signatures that do not fit: often enough for a rotation, too seldom for
/// a stranger to run up a bill.
const REREAD_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// Why a request is not taken as HubSpot's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unproven {
    /// Its signature is wrong or missing.
    Wrong,
    /// Signed by HubSpot and outside the time window, or our own secret cannot be read: never a 4xx.
    Later,
}

/// What HubSpot signs with, kept from the cold start on.
pub(crate) struct Gate(Mutex<Secrets>);

#[derive(Clone)]
struct Secrets {
    secrets: Arc<[SecretString]>,
    read_at: Timestamp,
}

impl Gate {
    /// A gate that takes the current and the previous client secret.
    pub(crate) fn new(secrets: Vec<SecretString>) -> Self {
        Self(Mutex::new(Secrets { secrets: secrets.into(), read_at: clock::now() }))
    }

    /// Judges a request by its signature. `path` is the route's own: the URL HubSpot signed is the configured one, never
    /// taken from the request, whose host anybody can choose.
    pub(crate) async fn check(
        &self,
        config: &Config,
        store: &Store,
        path: &str,
        request: &Request,
    ) -> Result<(), Unproven> {
        let uri = match request.uri().query() {
            Some(query) => format!("{}{path}?{query}", config.public_base_url),
            None => format!("{}{path}", config.public_base_url),
        };
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let presented = Presented {
            method: request.method().as_str(),
            uri: &uri,
            body: request.body().as_ref(),
            signature: header("x-hubspot-signature"),
            version: header("x-hubspot-signature-version"),
            signature_v3: header("x-hubspot-signature-v3"),
            timestamp: header("x-hubspot-request-timestamp"),
        };
        let judge = |secrets: &[SecretString]| {
            verify(&presented, secrets, clock::now().as_millisecond(), config.accept_signature_v2)
        };
        let mut verdict = judge(&self.secrets().secrets);
        if verdict == Err(Refusal::Wrong)
            && let Some(fresh) = self.reread(store).await?
        {
            verdict = judge(&fresh.secrets);
        }
        match verdict {
            Ok(scheme) => {
                tracing::debug!(?scheme, "signature verified");
                if scheme == Scheme::V3 {
                    note_skew(presented.timestamp);
                }
                Ok(())
            }
            Err(Refusal::OutsideWindow) => {
                tracing::error!("signed by HubSpot, but not within five minutes of our clock");
                note_skew(presented.timestamp);
                Err(Unproven::Later)
            }
            Err(refusal @ (Refusal::Missing | Refusal::Wrong)) => {
                tracing::warn!(?refusal, "signature refused");
                telemetry::count(Metric::SignatureFailures);
                Err(Unproven::Wrong)
            }
        }
    }

    fn secrets(&self) -> Secrets {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the secrets again if they are not fresh: after a rotation, what does not fit the old one may fit the new one,
    /// and a 401 because of our own stale copy would lose the execution (rulings.md 6). None when they are fresh.
    async fn reread(&self, store: &Store) -> Result<Option<Secrets>, Unproven> {
        let now = clock::now();
        if now.duration_since(self.secrets().read_at) < REREAD_AFTER {
            return Ok(None);
        }
        let secret = store.app_secret().await.map_err(|error| {
            tracing::error!(error = chain(&error), "the app secret could not be read again");
            Unproven::Later
        })?;
        let fresh = Secrets { secrets: secret.hubspot.secrets().into(), read_at: now };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(Some(fresh))
    }
}

/// Tells how far HubSpot's clock is from ours, by the time it has signed.
fn note_skew(timestamp: Option<&str>) {
    let signed_at = timestamp.and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok());
    if let Some(signed_at) = signed_at {
        let skew = clock::now().duration_since(signed_at).unsigned_abs();
        telemetry::measure(&[(Metric::ClockSkew, skew.as_secs())]);
    }
}
