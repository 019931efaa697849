//! The log: one JSON object a line. Ids are fields; tokens, bodies, names and addresses never appear, at any level.

use tracing::Level;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::prelude::*;

/// Libraries whose debug output holds URLs, headers or bodies: never below `warn`, whatever `RUST_LOG` says.
const CLAMPED: &[&str] = &["aws_", "h2", "hyper", "lambda_", "reqwest", "rustls", "tower"];

/// Starts the log of a function. The level comes from `RUST_LOG` (default `info`).
pub fn init() {
    let wanted = wanted(std::env::var("RUST_LOG").ok().as_deref());
    let unclamped = filter_fn(|event| may_be_told(event.target(), event.level()));
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);
    // A second call, in a test process, keeps the first log.
    let _already_set =
        tracing_subscriber::registry().with(layer.with_filter(wanted.and(unclamped))).try_init();
}

/// An error and what caused it, as one line. Errors of the client crates hold no bodies, tokens or names; the SDK's debug
/// forms do, so only what errors say of themselves is told.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn wanted(variable: Option<&str>) -> Targets {
    variable
        .and_then(|wanted| wanted.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(Level::INFO))
}

fn may_be_told(target: &str, level: &Level) -> bool {
    *level <= Level::WARN || !CLAMPED.iter().any(|clamped| target.starts_with(clamped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_libraries_never_tell_what_they_carry() {
        for target in
            ["hyper::proto::h1", "hyper_util::client", "aws_smithy_runtime::client", "lambda_http", "rustls"]
        {
            assert!(!may_be_told(target, &Level::INFO) && !may_be_told(target, &Level::TRACE), "{target}");
            assert!(may_be_told(target, &Level::WARN), "{target}");
        }
        assert!(may_be_told("app::action", &Level::DEBUG));
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_info() {
        for variable in [None, Some("app=loud")] {
            let wanted = wanted(variable);
            assert!(wanted.would_enable("app::action", &Level::INFO), "{variable:?}");
            assert!(!wanted.would_enable("app::action", &Level::DEBUG), "{variable:?}");
        }
        assert!(super::wanted(Some("app=debug")).would_enable("app::action", &Level::DEBUG));
    }
}
