//! The log: one JSON object a line. Ids are fields; tokens, bodies, names and addresses never appear, at any level.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Libraries whose debug output holds URLs, headers or bodies: never below `warn`, whatever `RUST_LOG` says.
const CLAMPED: &[&str] =
    &["aws_config", "aws_runtime", "aws_sdk_dynamodb", "aws_sdk_secretsmanager", "aws_smithy_http_client",
      "aws_smithy_runtime", "aws_smithy_runtime_api", "h2", "hyper", "hyper_util", "lambda_http", "lambda_runtime",
      "lambda_runtime_api_client", "reqwest", "rustls", "tower"];

/// Starts the log of a function. The level comes from `RUST_LOG` (default `info`).
pub fn init() {
    let filter = filter(std::env::var("RUST_LOG").ok().as_deref());
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    // A second call, in a test process, keeps the first log.
    let _already_set = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}

fn filter(wanted: Option<&str>) -> Targets {
    let targets: Targets = wanted
        .and_then(|wanted| wanted.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let clamped = CLAMPED.iter().filter(|target| targets.would_enable(target, &Level::INFO));
    let limits: Vec<_> = clamped.map(|target| (*target, LevelFilter::WARN)).collect();
    targets.with_targets(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_libraries_never_tell_what_they_carry() {
        for wanted in [None, Some("trace"), Some("hyper=trace,debug"), Some("not a filter")] {
            let filter = filter(wanted);
            assert!(!filter.would_enable("hyper::proto::h1", &Level::INFO), "{wanted:?}");
            assert!(!filter.would_enable("aws_smithy_runtime::client", &Level::DEBUG), "{wanted:?}");
            assert!(filter.would_enable("app::action", &Level::INFO), "{wanted:?}");
        }
    }
}
