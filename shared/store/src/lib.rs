//! What we remember, in one DynamoDB table and Secrets Manager: portals and their companies, OAuth tokens, sessions of the
//! console, executions (the idempotency records), claims on customers we create, and which customer or item a HubSpot record
//! became.
//!
//! It decides nothing: each change of a record is a [`record::Transition`] with its exact condition, chosen elsewhere. No
//! token ever stands in the table.
//!
//! Why a concrete struct over the AWS SDK, and no trait? On one machine the SDK is pointed at an embedded DynamoDB and
//! Secrets Manager, so tests and production run the same code over the same wire.

pub mod activity;
pub mod budget;
pub mod choice;
pub mod connection;
pub mod consent;
mod due;
pub mod execution;
pub mod handle;
mod installation;
mod item;
pub mod matches;
pub mod metered;
pub mod pending;
pub mod portal;
pub mod record;
pub mod repeats;
pub mod retry;
pub mod session;
mod taxable;
pub mod tokens;

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::types::Tag;

/// The table and the secrets, shared by all requests of a process.
#[derive(Clone, Debug)]
pub struct Store {
    dynamodb: aws_sdk_dynamodb::Client,
    secrets: aws_sdk_secretsmanager::Client,
    names: Names,
    tokens: tokens::Cache,
}

/// What the table and the secrets are called in this environment.
#[derive(Clone, Debug)]
pub struct Names {
    /// The DynamoDB table.
    pub table: String,
    /// The secret with the app's own credentials.
    pub app_secret: String,
    /// What the names of token secrets begin with; ends in `/`.
    pub token_prefix: String,
    /// The KMS key that new token secrets are encrypted with; none for AWS's own.
    pub token_key: Option<String>,
}

impl Names {
    /// What bills and searches find the token secrets by: the tags that the stack has too (infra/samconfig.toml). They are the
    /// two parts of the prefix; one that is otherwise has none.
    fn tags(&self) -> Option<Vec<Tag>> {
        let (app, environment) = self.token_prefix.trim_end_matches('/').split_once('/')?;
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        Some(vec![tag("app", app), tag("environment", environment)])
    }
}

impl Store {
    /// A store over the SDK's clients.
    pub fn new(
        dynamodb: aws_sdk_dynamodb::Client,
        secrets: aws_sdk_secretsmanager::Client,
        names: Names,
    ) -> Self {
        Self { dynamodb, secrets, names, tokens: tokens::Cache::default() }
    }

    /// The store of a function: region, credentials and endpoints from the environment, and time limits, for the SDK sets
    /// none of its own on reading (reliability.md a.7).
    pub async fn from_env(names: Names) -> Self {
        let limits = TimeoutConfig::builder()
            .connect_timeout(Duration::from_millis(500))
            .operation_attempt_timeout(Duration::from_millis(800))
            .operation_timeout(Duration::from_secs(2))
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest()).timeout_config(limits).load().await;
        Self::new(aws_sdk_dynamodb::Client::new(&config), aws_sdk_secretsmanager::Client::new(&config), names)
    }
}

/// Why the store could not do something; each variant is one thing for the caller to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Throttled, out of reach, refused: whether a write took place is not known. Try again later.
    #[error("{doing} failed")]
    Unavailable {
        /// What we were doing.
        doing: &'static str,
        /// What the SDK said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is stored is not what we write. Never overwritten; a person must look.
    #[error("{what} in the store cannot be read: {detail}")]
    Corrupt {
        /// Which item or secret.
        what: &'static str,
        /// Which attribute.
        detail: String,
    },
    /// What is stored for one portal or company names another: never used, and a person must look at once.
    #[error("{what} in the store name another portal or company")]
    Misplaced {
        /// Which secret.
        what: &'static str,
    },
    /// The secret does not exist, or has no such version.
    #[error("there is no {what}")]
    Missing {
        /// Which secret.
        what: &'static str,
    },
}

impl Error {
    fn unavailable<E: std::error::Error + Send + Sync + 'static>(
        doing: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |cause| Self::Unavailable { doing, cause: Box::new(cause) }
    }

    fn corrupt(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Corrupt { what, detail: detail.into() }
    }
}
