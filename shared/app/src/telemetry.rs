//! The log: one JSON object a line. Ids are fields; tokens, bodies, names and addresses never appear, at any level. What is
//! counted ([`Metric`]) stands in lines of its own.

mod metric;

use std::panic::PanicHookInfo;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::prelude::*;

pub use metric::{About, Ending, Metric, Vendor};
pub(crate) use metric::{begin, count, made_in, measure};

/// Whose events may be told below `warn`, whatever `RUST_LOG` says: ours. Those of libraries hold URLs, headers and bodies.
const OURS: &[&str] = &["app", "hubspot", "mapping", "quickbooks", "store"];

/// Starts the log of a function. The level comes from `RUST_LOG` (default `info`).
pub fn init() {
    // The default prints the panic's text, and that of a slice or an `expect` quotes what it was about.
    std::panic::set_hook(Box::new(panicked));
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

/// A call to HubSpot came to its end.
pub(crate) fn hubspot_called(call: hubspot::Called) {
    use hubspot::Ending::{Failed, Throttled};
    called(Vendor::HubSpot, call.duration, call.ending == Throttled, call.ending == Failed);
}

/// A call to QuickBooks came to its end.
pub(crate) fn quickbooks_called(call: quickbooks::Called) {
    use quickbooks::Ending::{Failed, Throttled};
    called(Vendor::QuickBooks, call.duration, call.ending == Throttled, call.ending == Failed);
}

fn called(vendor: Vendor, duration: Duration, is_throttled: bool, has_failed: bool) {
    measure(&[
        (Metric::CallTime(vendor), millis(duration)),
        (Metric::CallThrottled(vendor), is_throttled.into()),
        (Metric::CallFailed(vendor), has_failed.into()),
    ]);
}

/// A duration as it is told.
pub(crate) fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
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
    let krate = target.split("::").next().unwrap_or_default();
    *level <= Level::WARN || OURS.contains(&krate)
}

/// Tells where a panic began, and nothing of what it says.
fn panicked(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(place, "panicked");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn transport_libraries_never_tell_what_they_carry() {
        for target in [
            "hyper::proto::h1",
            "hyper_util::client",
            "aws_smithy_runtime::client",
            "lambda_http",
            "rustls",
            "mio::poll",
            "application",
            "log",
        ] {
            assert!(!may_be_told(target, &Level::INFO) && !may_be_told(target, &Level::TRACE), "{target}");
            assert!(may_be_told(target, &Level::WARN), "{target}");
        }
        for target in ["app", "app::action", "store::tokens", "hubspot::call", "quickbooks::client"] {
            assert!(may_be_told(target, &Level::TRACE), "{target}");
        }
    }

    /// What is written while `work` runs, as [`init`] would write it.
    fn written(work: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Log(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Log {
            fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(text);
                Ok(text.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let log = Log::default();
        let writer = log.clone();
        let layer = tracing_subscriber::fmt::layer().json().with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_panic_is_told_by_its_place_and_not_by_its_text() {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(panicked));
        let name = "Zoé".to_owned();
        let log = written(|| {
            let cut = std::panic::catch_unwind(|| name[..3].len());
            assert!(cut.is_err(), "é is two bytes");
        });
        std::panic::set_hook(before);
        assert!(log.contains("panicked") && log.contains("telemetry.rs"), "{log}");
        assert!(!log.contains("Zo"), "{log}");
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
