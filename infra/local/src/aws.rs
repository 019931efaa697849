//! The AWS account that a local stack pretends to be.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;

/// The region of everything.
pub const REGION: &str = "us-east-1";

/// The account id in every ARN.
pub const ACCOUNT: &str = "123456789012";

// Nothing checks signatures here; the SDK only refuses to send unsigned requests.
pub(crate) const ACCESS_KEY: &str = "local";
pub(crate) const SECRET_KEY: &str = "local";
pub(crate) const SESSION_TOKEN: &str = "local";

/// The SDK's configuration for a pair of endpoints, independent of this process' own environment and files.
///
/// Each service has its own endpoint, and the SDK takes such pairs from a profile: so it gets one, written here.
#[expect(deprecated, reason = "the new path is in a crate of its own, which nothing else here needs")]
pub async fn config(dynamodb_url: &str, secretsmanager_url: &str) -> SdkConfig {
    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
    let profile = format!(
        "[profile local]\nservices = local\n[services local]\ndynamodb =\n  endpoint_url = {dynamodb_url}\n\
         secrets_manager =\n  endpoint_url = {secretsmanager_url}\n"
    );
    aws_config::defaults(BehaviorVersion::latest())
        .profile_files(ProfileFiles::builder().with_contents(ProfileFileKind::Config, profile).build())
        .profile_name("local")
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new(
            ACCESS_KEY,
            SECRET_KEY,
            Some(SESSION_TOKEN.to_owned()),
            None,
            "local",
        ))
        .load()
        .await
}
