//! What is counted: each event is one line of the log in CloudWatch's embedded metric format, which Lambda's log becomes
//! metrics from, without a call.
//!
//! Why no crate for it? There is one, `metrics_cloudwatch_embedded` over the facade `metrics`. It gathers what was counted and
//! writes it when an invocation ends, so a killed one counts nothing, and takes any name and any label. Here a kill loses
//! nothing, and what may be counted is one closed table, which tests compare with the alarms and the dashboard of the template.
//!
//! A metric costs by its dimensions: their values are few and ours. No portal, company or person is one.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::OnceLock;

use mapping::quickbooks::RealmId;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::config::Environment;

/// The namespace of this process; none until [`begin`], so that what runs in a test counts nothing.
static NAMESPACE: OnceLock<String> = OnceLock::new();

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Executions that came to their end.
    Ended(Ending),
    /// Of an execution that came to its end, whether we did not keep what the objective promises: 0 or 1.
    Missed,
    /// From the first delivery of an execution to its end.
    TimeToEnd,
    /// Attempts that our own trouble ended.
    OwnFailures,
    /// How long HubSpot waited for an answer.
    AnswerTime,
    /// Documents made; the line says in which company.
    Documents,
    /// What must never be was seen.
    Violations,
    /// Writes that another attempt was faster with.
    WritesLost,
    /// Requests without a signature of HubSpot.
    SignatureFailures,
    /// How far HubSpot's clock is from ours.
    ClockSkew,
    /// Executions that were due when a run of the reconciler began.
    Backlog,
    /// How long ago the oldest was sent of those that a run could not find out.
    UnresolvedAge,
    /// Companies whose grant Intuit ended.
    GrantsEnded,
    /// Of a renewal of tokens, whether it failed in passing: 0 or 1.
    RenewalFailed,
    /// Tokens that were bought and could not be written down.
    TokensUnpersisted,
    /// Renewals for which the app's own credentials were not accepted.
    KeysRefused,
    /// Grants that end soon, or that nothing keeps alive.
    GrantsAtRisk,
    /// How much of Intuit's quota of metered reads this month has used, in percent.
    MeteredShare,
    /// How long a vendor took to answer.
    CallTime(Vendor),
    /// Of a call, whether a limit turned it away: 0 or 1.
    CallThrottled(Vendor),
    /// Of a call, whether there was no usable answer: 0 or 1.
    CallFailed(Vendor),
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What was asked for exists.
    Made,
    /// A failure that a person at the customer's must mend, and we said so.
    Refused,
    /// Failed by us.
    Ours,
    /// Failed because a vendor did not answer for hours.
    Vendors,
    /// It could not be proven.
    Review,
}

/// Whose answer it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// HubSpot's CRM and automation API.
    HubSpot,
    /// QuickBooks' API.
    QuickBooks,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// Its unit there.
    pub unit: &'static str,
    /// Its one dimension and the value, where it has one.
    pub dimension: Option<(&'static str, &'static str)>,
    /// The alarms it feeds, by the ends of their names; the dashboard shows all.
    pub feeds: &'static [&'static str],
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::Ended(Ending::Made),
        Self::Ended(Ending::Refused),
        Self::Ended(Ending::Ours),
        Self::Ended(Ending::Vendors),
        Self::Ended(Ending::Review),
        Self::Missed,
        Self::TimeToEnd,
        Self::OwnFailures,
        Self::AnswerTime,
        Self::Documents,
        Self::Violations,
        Self::WritesLost,
        Self::SignatureFailures,
        Self::ClockSkew,
        Self::Backlog,
        Self::UnresolvedAge,
        Self::GrantsEnded,
        Self::RenewalFailed,
        Self::TokensUnpersisted,
        Self::KeysRefused,
        Self::GrantsAtRisk,
        Self::MeteredShare,
        Self::CallTime(Vendor::HubSpot),
        Self::CallTime(Vendor::QuickBooks),
        Self::CallThrottled(Vendor::HubSpot),
        Self::CallThrottled(Vendor::QuickBooks),
        Self::CallFailed(Vendor::HubSpot),
        Self::CallFailed(Vendor::QuickBooks),
    ];

    /// The table.
    pub fn about(self) -> About {
        use Unit::{Count, Milliseconds, None, Percent, Seconds};
        match self {
            Self::Ended(ending @ Ending::Review) => {
                ending.row("Ended", Count, &["executions-need-review", "many-executions-need-review"])
            }
            Self::Ended(ending) => ending.row("Ended", Count, &[]),
            Self::Missed => row("Missed", None, OBJECTIVE),
            Self::TimeToEnd => row("TimeToEnd", Milliseconds, &[]),
            Self::OwnFailures => row("OwnFailures", Count, &["our-own-failures", "canary-has-own-failures"]),
            Self::AnswerTime => row("AnswerTime", Milliseconds, &[]),
            Self::Documents => row("Documents", Count, &["documents-in-bulk"]),
            Self::Violations => row("Violations", Count, &["the-promise-is-broken"]),
            Self::WritesLost => row("WritesLost", Count, &[]),
            Self::SignatureFailures => row("SignatureFailures", Count, SIGNATURES),
            Self::ClockSkew => row("ClockSkew", Seconds, &["clocks-differ"]),
            Self::Backlog => row("Backlog", Count, &["the-reconciler-is-silent"]),
            Self::UnresolvedAge => {
                row("UnresolvedAge", Seconds, &["outcomes-stay-unknown", "outcomes-stay-unknown-for-hours"])
            }
            Self::GrantsEnded => row("GrantsEnded", Count, &["intuit-ends-grants"]),
            Self::RenewalFailed => row("RenewalFailed", None, &["renewals-fail"]),
            Self::TokensUnpersisted => row("TokensUnpersisted", Count, &["tokens-are-in-memory-only"]),
            Self::KeysRefused => row("KeysRefused", Count, &["our-credentials-are-refused"]),
            Self::GrantsAtRisk => row("GrantsAtRisk", Count, &["grants-are-about-to-end"]),
            Self::MeteredShare => row("MeteredShare", Percent, &["metered-reads-run-out"]),
            Self::CallTime(Vendor::QuickBooks) => {
                Vendor::QuickBooks.row("CallTime", Milliseconds, &["quickbooks-is-slow"])
            }
            Self::CallTime(vendor) => vendor.row("CallTime", Milliseconds, &[]),
            Self::CallThrottled(Vendor::QuickBooks) => {
                Vendor::QuickBooks.row("CallThrottled", None, &["quickbooks-turns-us-away"])
            }
            Self::CallThrottled(vendor) => vendor.row("CallThrottled", None, &["hubspot-fails"]),
            Self::CallFailed(Vendor::QuickBooks) => {
                Vendor::QuickBooks.row("CallFailed", None, &["quickbooks-fails"])
            }
            Self::CallFailed(vendor) => vendor.row("CallFailed", None, &["hubspot-fails"]),
        }
    }
}

/// The objective is watched over six spans; and where few executions end, our own failures are.
const OBJECTIVE: &[&str] = &[
    "our-own-failures",
    "the-objective-burns-1h",
    "the-objective-burns-5m",
    "the-objective-burns-6h",
    "the-objective-burns-30m",
    "the-objective-burns-3d",
    "the-objective-burns-2h",
];

/// Over five minutes, over a day, and over the first minutes of a new version.
const SIGNATURES: &[&str] =
    &["signatures-do-not-fit", "actions-are-refused-all-day", "canary-refuses-signatures"];

/// CloudWatch's units, as far as they are used.
#[derive(Clone, Copy)]
enum Unit {
    Count,
    Milliseconds,
    None,
    Percent,
    Seconds,
}

fn row(name: &'static str, unit: Unit, feeds: &'static [&'static str]) -> About {
    let unit = match unit {
        Unit::Count => "Count",
        Unit::Milliseconds => "Milliseconds",
        Unit::None => "None",
        Unit::Percent => "Percent",
        Unit::Seconds => "Seconds",
    };
    About { name, unit, dimension: None, feeds }
}

impl Ending {
    fn row(self, name: &'static str, unit: Unit, feeds: &'static [&'static str]) -> About {
        let ending = match self {
            Self::Made => "made",
            Self::Refused => "refused",
            Self::Ours => "ours",
            Self::Vendors => "vendors",
            Self::Review => "review",
        };
        About { dimension: Some(("ending", ending)), ..row(name, unit, feeds) }
    }
}

impl Vendor {
    fn row(self, name: &'static str, unit: Unit, feeds: &'static [&'static str]) -> About {
        let vendor = match self {
            Self::HubSpot => "hubspot",
            Self::QuickBooks => "quickbooks",
        };
        About { dimension: Some(("vendor", vendor)), ..row(name, unit, feeds) }
    }
}

/// From now on what happens in this process is counted.
pub(crate) fn begin(environment: Environment) {
    // A second app of a process is of the same environment.
    let _already_set = NAMESPACE.set(format!("hsqbo/{environment}"));
}

/// It happened.
pub(crate) fn count(metric: Metric) {
    measure(&[(metric, 1)]);
}

/// Some figures of one event.
pub(crate) fn measure(figures: &[(Metric, u64)]) {
    told(figures, Map::new());
}

/// A document was made in this company. The line names it, so that the company with the most in an hour can be found
/// (`BulkRule` in the template); it is no dimension.
pub(crate) fn made_in(realm: &RealmId) {
    told(&[(Metric::Documents, 1)], Map::from_iter([("realm".to_owned(), json!(realm))]));
}

fn told(figures: &[(Metric, u64)], beside: Map<String, Value>) {
    let Some(namespace) = NAMESPACE.get() else { return };
    let line = line(namespace, clock::now().as_millisecond(), figures, beside);
    // Whole, in one write: lines of other threads do not come between. There is nobody to tell that it cannot be told.
    let _written = std::io::stdout().lock().write_all(line.as_bytes());
}

/// The metrics of one line; those of one dimension stand together.
fn line(namespace: &str, now_ms: i64, figures: &[(Metric, u64)], beside: Map<String, Value>) -> String {
    let mut line = beside;
    let mut by_dimension: BTreeMap<Option<&str>, Vec<Value>> = BTreeMap::new();
    for (metric, figure) in figures {
        let About { name, unit, dimension, .. } = metric.about();
        line.insert(name.to_owned(), json!(figure));
        line.extend(dimension.map(|(key, value)| (key.to_owned(), json!(value))));
        let key = dimension.map(|(key, _)| key);
        by_dimension.entry(key).or_default().push(json!({"Name": name, "Unit": unit}));
    }
    let directive = |(key, metrics): (Option<&str>, Vec<Value>)| {
        let dimensions: Vec<&str> = key.into_iter().collect();
        json!({"Namespace": namespace, "Dimensions": [dimensions], "Metrics": metrics})
    };
    let directives: Vec<Value> = by_dimension.into_iter().map(directive).collect();
    line.insert("_aws".to_owned(), json!({"Timestamp": now_ms, "CloudWatchMetrics": directives}));
    Value::Object(line).to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_in_the_embedded_metric_format() {
        let figures = [(Metric::Ended(Ending::Made), 1), (Metric::TimeToEnd, 1200), (Metric::Missed, 0)];
        let line = line("hsqbo/dev", 1_790_000_000_000, &figures, Map::new());
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            read,
            json!({
                "_aws": {"Timestamp": 1_790_000_000_000_i64, "CloudWatchMetrics": [
                    {"Namespace": "hsqbo/dev", "Dimensions": [[]], "Metrics": [
                        {"Name": "TimeToEnd", "Unit": "Milliseconds"}, {"Name": "Missed", "Unit": "None"}]},
                    {"Namespace": "hsqbo/dev", "Dimensions": [["ending"]], "Metrics": [{"Name": "Ended", "Unit": "Count"}]},
                ]},
                "ending": "made", "Ended": 1, "TimeToEnd": 1200, "Missed": 0,
            })
        );
    }

    #[test]
    fn each_metric_is_once_in_the_table_and_a_name_has_one_unit_and_one_dimension() {
        for (at, metric) in Metric::ALL.iter().enumerate() {
            let about = metric.about();
            for other in Metric::ALL.iter().skip(at + 1).map(|other| other.about()) {
                assert!((other.name, other.dimension) != (about.name, about.dimension), "{metric:?}");
                if other.name == about.name {
                    let key = |about: &About| about.dimension.map(|(key, _)| key);
                    assert_eq!((other.unit, key(&other)), (about.unit, key(&about)), "{metric:?}");
                }
            }
        }
    }
}
