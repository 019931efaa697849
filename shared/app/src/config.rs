//! Every environment variable, read once at the cold start; a missing or malformed one stops it with its name.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use reqwest::Url;

/// What Intuit's free tier allows (quickbooks.md §6.2).
const METERED_QUOTA: u64 = 500_000;

/// What the environment says (the README's table).
#[derive(Clone, Debug)]
pub struct Config {
    /// `ENVIRONMENT`: part of request ids and secret names.
    pub environment: Environment,
    /// `PUBLIC_BASE_URL`: what HubSpot and browsers call, no trailing slash. Signatures are judged on it, never on `Host`.
    pub public_base_url: String,
    /// `TABLE_NAME`: the DynamoDB table.
    pub table_name: String,
    /// `APP_SECRET_ID`: the secret with the app's own credentials.
    pub app_secret_id: String,
    /// `TOKEN_SECRET_PREFIX`: what the names of token secrets begin with.
    pub token_secret_prefix: String,
    /// `KMS_KEY_ID`: the key that new token secrets are encrypted with; none for AWS's own.
    pub kms_key_id: Option<String>,
    /// `HUBSPOT_API_URL`.
    pub hubspot_api_url: String,
    /// `HUBSPOT_AUTHORIZE_URL`: where a person installs the app or signs in.
    pub hubspot_authorize_url: String,
    /// `QUICKBOOKS_API_URL`.
    pub quickbooks_api_url: String,
    /// `QUICKBOOKS_SANDBOX_API_URL`, for companies connected with sandbox keys.
    pub quickbooks_sandbox_api_url: String,
    /// `INTUIT_DISCOVERY_URL`: where Intuit says what its token endpoint is.
    pub intuit_discovery_url: String,
    /// `QUICKBOOKS_APP_URL`: where links to documents point.
    pub quickbooks_app_url: String,
    /// `HUBSPOT_APP_URL`: where links to records point.
    pub hubspot_app_url: String,
    /// `ACCEPT_SIGNATURE_V2`: accept HubSpot's v2 signature when no v3 is sent.
    pub accept_signature_v2: bool,
    /// `SAFE_MODE_SINCE`: after a restore, the moment the table was restored to (rulings.md 17).
    pub safe_mode_since: Option<Timestamp>,
    /// `ACTIONS_PAUSED`: the kill switch; action routes answer 503.
    pub actions_paused: bool,
    /// `METERED_QUOTA`: how many metered reads a month Intuit allows the workspace.
    pub metered_quota: u64,
}

/// Where this runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// `dev`.
    Dev,
    /// `staging`.
    Staging,
    /// `prod`.
    Prod,
}

impl Environment {
    /// The word in the environment variable, request ids and secret names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A variable that stops the cold start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Required, and not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// Set to something it cannot be.
    #[error("{0} must be {1}")]
    Malformed(&'static str, &'static str),
}

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn from_env() -> Result<Self, Error> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the variables from wherever they are.
    ///
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn read(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, Error> {
        let variable = |name| variable(name).filter(|value| !value.trim().is_empty());
        let required = |name| variable(name).ok_or(Error::Missing(name));
        let url = |name, default: &str| base_url(name, variable(name).unwrap_or_else(|| default.to_owned()));
        let switch = |name, default| match variable(name).as_deref() {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(Error::Malformed(name, "`true` or `false`")),
        };
        let environment = match required("ENVIRONMENT")?.as_str() {
            "dev" => Environment::Dev,
            "staging" => Environment::Staging,
            "prod" => Environment::Prod,
            _ => return Err(Error::Malformed("ENVIRONMENT", "`dev`, `staging` or `prod`")),
        };
        Ok(Self {
            environment,
            public_base_url: base_url("PUBLIC_BASE_URL", required("PUBLIC_BASE_URL")?)?,
            table_name: required("TABLE_NAME")?,
            app_secret_id: required("APP_SECRET_ID")?,
            token_secret_prefix: variable("TOKEN_SECRET_PREFIX")
                .unwrap_or_else(|| format!("hsqbo/{environment}/")),
            kms_key_id: variable("KMS_KEY_ID"),
            hubspot_api_url: url("HUBSPOT_API_URL", "https://api.hubapi.com")?,
            hubspot_authorize_url: url("HUBSPOT_AUTHORIZE_URL", "https://app.hubspot.com/oauth/authorize")?,
            quickbooks_api_url: url("QUICKBOOKS_API_URL", "https://quickbooks.api.intuit.com")?,
            quickbooks_sandbox_api_url: url(
                "QUICKBOOKS_SANDBOX_API_URL",
                "https://sandbox-quickbooks.api.intuit.com",
            )?,
            intuit_discovery_url: url(
                "INTUIT_DISCOVERY_URL",
                "https://developer.api.intuit.com/.well-known/openid_configuration",
            )?,
            quickbooks_app_url: url("QUICKBOOKS_APP_URL", "https://app.qbo.intuit.com")?,
            hubspot_app_url: url("HUBSPOT_APP_URL", "https://app.hubspot.com")?,
            accept_signature_v2: switch("ACCEPT_SIGNATURE_V2", true)?,
            safe_mode_since: variable("SAFE_MODE_SINCE")
                .map(|time| {
                    time.parse()
                        .map_err(|_| Error::Malformed("SAFE_MODE_SINCE", "a time like 2026-03-02T09:15:30Z"))
                })
                .transpose()?,
            actions_paused: switch("ACTIONS_PAUSED", false)?,
            metered_quota: variable("METERED_QUOTA").map_or(Ok(METERED_QUOTA), |quota| {
                let quota = quota.trim().parse().ok().filter(|quota| *quota > 0);
                quota.ok_or(Error::Malformed("METERED_QUOTA", "a whole number above 0"))
            })?,
        })
    }
}

/// An `https` URL without a trailing slash. Plain `http` is accepted for loopback hosts only: a token must never travel
/// unencrypted because of a typing error.
fn base_url(name: &'static str, value: String) -> Result<String, Error> {
    let malformed = || Error::Malformed(name, "an https URL without query (http only for loopback hosts)");
    let url = Url::parse(&value).map_err(|_| malformed())?;
    let encrypted = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if encrypted && bare && url.host_str().is_some() {
        Ok(value.trim_end_matches('/').to_owned())
    } else {
        Err(malformed())
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&'static str, &'static str)]) -> Result<Config, Error> {
        let base = [
            ("ENVIRONMENT", "dev"),
            ("PUBLIC_BASE_URL", "https://api.example.com/"),
            ("TABLE_NAME", "hsqbo-dev"),
            ("APP_SECRET_ID", "hsqbo/dev/app"),
        ];
        Config::read(|name| {
            let value = changes.iter().chain(&base).find(|(key, _)| *key == name).map(|(_, value)| *value);
            value.map(str::to_owned)
        })
    }

    #[test]
    fn defaults_are_the_vendors_own_addresses() {
        let config = read(&[]).unwrap();
        assert_eq!(config.public_base_url, "https://api.example.com");
        assert_eq!(config.token_secret_prefix, "hsqbo/dev/");
        assert_eq!(config.hubspot_api_url, "https://api.hubapi.com");
        assert!(config.accept_signature_v2);
        assert!(!config.actions_paused);
        assert_eq!(config.metered_quota, 500_000);
        assert_eq!(read(&[("METERED_QUOTA", "750000")]).unwrap().metered_quota, 750_000);
    }

    #[test]
    fn a_missing_or_malformed_variable_is_named() {
        for name in ["ENVIRONMENT", "PUBLIC_BASE_URL", "TABLE_NAME", "APP_SECRET_ID"] {
            assert_eq!(read(&[(name, "")]).unwrap_err(), Error::Missing(name));
        }
        for (name, value) in [
            ("ENVIRONMENT", "production"),
            ("ACTIONS_PAUSED", "yes"),
            ("METERED_QUOTA", "0"),
            ("METERED_QUOTA", "half a million"),
            ("PUBLIC_BASE_URL", "api.example.com"),
            ("QUICKBOOKS_API_URL", "http://quickbooks.api.intuit.com"),
            ("HUBSPOT_API_URL", "https://user:secret@api.hubapi.com"),
            ("HUBSPOT_API_URL", "http://127.0.0.1.example.com"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(matches!(error, Error::Malformed(named, _) if named == name), "{name}={value}: {error}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for url in ["http://127.0.0.1:4000", "http://localhost:4000", "http://[::1]:4000"] {
            assert_eq!(base_url("HUBSPOT_API_URL", url.to_owned()).unwrap(), url);
        }
    }
}
