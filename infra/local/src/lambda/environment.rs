//! The environment variables that Lambda gives every function.
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>, reserved and unreserved variables.)

use std::net::SocketAddr;

use super::Function;
use crate::aws;

/// Passed on from this process when set: what a person debugging or measuring a function needs.
const PASSED_ON: [&str; 5] =
    ["LLVM_PROFILE_FILE", "RUST_BACKTRACE", "RUST_LOG", "SSL_CERT_DIR", "SSL_CERT_FILE"];

/// All variables of one instance. Nothing else is inherited: a function must not find a developer's own credentials.
pub(super) fn variables(function: &Function, runtime_api: SocketAddr) -> Vec<(String, String)> {
    let root = function.program.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    let lambda = [
        ("AWS_ACCESS_KEY_ID", aws::ACCESS_KEY.to_owned()),
        ("AWS_DEFAULT_REGION", aws::REGION.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_REGION", aws::REGION.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", aws::SECRET_KEY.to_owned()),
        ("AWS_SESSION_TOKEN", aws::SESSION_TOKEN.to_owned()),
        ("LAMBDA_RUNTIME_DIR", root.clone()),
        ("LAMBDA_TASK_ROOT", root),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
    ];
    let passed_on = PASSED_ON.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let lambda = lambda.into_iter().map(|(name, value)| (name.to_owned(), value));
    lambda.chain(passed_on).chain(function.variables.iter().cloned()).collect()
}
