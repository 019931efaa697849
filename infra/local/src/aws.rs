//! The AWS account that a local stack pretends to be, and clients for it. Nothing here looks at this process' environment
//! or files: a developer's own account is out of reach.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

/// The region of everything.
pub const REGION: &str = "us-east-1";

/// The account id in every ARN.
pub const ACCOUNT: &str = "123456789012";

// Nothing checks signatures here; the SDK only refuses to send unsigned requests.
/// The id of the key that requests are signed with.
pub const ACCESS_KEY: &str = "local";
/// The secret of that key: told apart from every other word, so that a log can be searched for it.
pub const SECRET_KEY: &str = "local-aws-secret-key";
pub(crate) const SESSION_TOKEN: &str = "local-aws-session-token";

/// A DynamoDB client for this endpoint.
pub fn dynamodb(url: &str) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&config(url))
}

/// A Secrets Manager client for this endpoint.
pub fn secrets_manager(url: &str) -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(&config(url))
}

fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, Some(SESSION_TOKEN.to_owned()), None, "local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .build()
}
