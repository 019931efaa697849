//! Every alarm on what the functions count is fed: its failure is brought about on a stack of its own, and the metrics that the
//! alarm of the template selects move, by exactly their names and dimensions, beyond what they are on a quiet day. How many of them
//! make it ring is CloudWatch's arithmetic; where one figure is enough, it is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use app::telemetry::{About, Metric};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::StreamExt;
use jiff::SignedDuration;
use local::stack::{Stack, Vendor};
use local::template::{Alarm, Selected, Template};
use local::world::{HANNA, HARBOR, PORTAL, QUICKBOOKS_TOKEN, REALM};
use mapping::quickbooks::RealmId;
use serde_json::{Value, json};

use crate::support::{Checked, asked, but, company, created, invoice, run, settled, stack};

/// A metric as CloudWatch keeps it: namespace, name, dimensions.
type Series = (String, String, BTreeMap<String, String>);

/// The gateway's log counts it and not the functions (`RefusedActions` in the template; `.ci/expanded.py` says which lines).
const OF_THE_GATEWAY: &str = "RefusedActions";

const OURS: &str = "hsqbo/${Environment}";

fn template() -> Template {
    Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")).unwrap()
}

/// What an alarm selects of our own metrics.
fn ours(alarm: &Alarm) -> Vec<&Selected> {
    let ours = |selected: &&Selected| selected.namespace == OURS && selected.metric != OF_THE_GATEWAY;
    alarm.selected.iter().filter(ours).collect()
}

fn series(selected: &Selected) -> Series {
    let namespace = selected.namespace.replace("${Environment}", "dev");
    (namespace, selected.metric.clone(), selected.dimensions.iter().cloned().collect())
}

fn series_of(about: &About) -> Series {
    let owned = |text: &str| text.to_owned();
    let dimensions = about.dimension.iter().map(|(key, value)| (owned(key), owned(value))).collect();
    (owned("hsqbo/dev"), owned(about.name), dimensions)
}

/// The lines of the functions' logs that CloudWatch makes metrics from.
fn lines(stack: &Stack) -> Vec<Value> {
    let logs = std::fs::read_dir(&stack.logs).unwrap().map(|entry| entry.unwrap().path());
    let read = |log| std::fs::read_to_string(log).unwrap();
    let lines = logs.map(read).flat_map(|log| log.lines().map(str::to_owned).collect::<Vec<_>>());
    let parsed = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    parsed.filter(|line| !line["_aws"].is_null()).collect()
}

/// What was counted: each series with its figures.
fn counted(lines: &[Value]) -> BTreeMap<Series, Vec<u64>> {
    let mut counted: BTreeMap<Series, Vec<u64>> = BTreeMap::new();
    for line in lines {
        assert!(line["_aws"]["Timestamp"].is_u64(), "{line}");
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let keys = directive["Dimensions"][0].as_array().unwrap().iter().map(text);
            let dimensions: BTreeMap<_, _> = keys.map(|key| (key.clone(), text(&line[&key]))).collect();
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = text(&metric["Name"]);
                let figure = line[&name].as_u64().unwrap_or_else(|| panic!("no figure: {line}"));
                let series = (text(&directive["Namespace"]), name, dimensions.clone());
                counted.entry(series).or_default().push(figure);
            }
        }
    }
    counted
}

/// A failure that an alarm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Failure {
    TwoDocuments,
    NothingKnownForHours,
    UnreadableRequests,
    NoTable,
    WrongSignatures,
    ClocksApart,
    GrantEnded,
    TokensNotRenewed,
    SecretGone,
    WrongCredentials,
    GrantNeglected,
    ManyReads,
    QuickBooksLimit,
    QuickBooksSlow,
    HubSpotDown,
}

/// An alarm that is not here fails the test.
fn failure_of(alarm: &str) -> Failure {
    match alarm {
        "the-promise-is-broken" | "executions-need-review" | "many-executions-need-review" => {
            Failure::TwoDocuments
        }
        burning if burning.starts_with("the-objective-burns-") => Failure::TwoDocuments,
        "outcomes-stay-unknown" | "outcomes-stay-unknown-for-hours" | "quickbooks-fails" => {
            Failure::NothingKnownForHours
        }
        "our-own-failures" | "canary-has-own-failures" => Failure::UnreadableRequests,
        "the-reconciler-is-silent" => Failure::NoTable,
        "signatures-do-not-fit" | "actions-are-refused-all-day" | "canary-refuses-signatures" => {
            Failure::WrongSignatures
        }
        "clocks-differ" => Failure::ClocksApart,
        "intuit-ends-grants" => Failure::GrantEnded,
        "renewals-fail" => Failure::TokensNotRenewed,
        "tokens-are-in-memory-only" => Failure::SecretGone,
        "our-credentials-are-refused" => Failure::WrongCredentials,
        "grants-are-about-to-end" => Failure::GrantNeglected,
        "metered-reads-run-out" => Failure::ManyReads,
        "quickbooks-turns-us-away" => Failure::QuickBooksLimit,
        "quickbooks-is-slow" => Failure::QuickBooksSlow,
        "hubspot-fails" => Failure::HubSpotDown,
        other => panic!("no failure is known that the alarm {other} is for: add one"),
    }
}

#[tokio::test]
async fn each_alarm_on_our_own_metrics_is_fed_by_the_failure_it_is_for() {
    let quiet = counted(&a_quiet_day().await);
    let mut alarms: BTreeMap<Failure, Vec<Alarm>> = BTreeMap::new();
    for alarm in template().alarms.into_iter().filter(|alarm| !ours(alarm).is_empty()) {
        alarms.entry(failure_of(&alarm.name)).or_default().push(alarm);
    }
    let days = futures::stream::iter(alarms)
        .map(|(failure, alarms)| async move { (alarms, failure, counted(&a_day_with(failure).await)) });
    let mut days = days.buffer_unordered(3);
    while let Some((alarms, failure, counted)) = days.next().await {
        for alarm in alarms {
            for selected in ours(&alarm) {
                let series = series(selected);
                let highest = |counted: &BTreeMap<Series, Vec<u64>>| {
                    counted.get(&series).into_iter().flatten().max().copied()
                };
                match failure {
                    Failure::NoTable => assert!(
                        highest(&quiet).is_some() && highest(&counted).is_none(),
                        "{} rings when {series:?} is not counted",
                        alarm.name
                    ),
                    // How many there were, for a share: on any day.
                    _ if selected.statistic == "SampleCount" => {
                        assert!(quiet.contains_key(&series) || counted.contains_key(&series), "{series:?}");
                    }
                    // One figure that is high enough, and it rings.
                    _ if ["Maximum", "p50", "p95"].contains(&selected.statistic.as_str()) => {
                        assert!(highest(&quiet) <= alarm.threshold, "{}: on a quiet day", alarm.name);
                        assert!(highest(&counted) > alarm.threshold, "{}: {series:?}", alarm.name);
                    }
                    _ => assert!(
                        highest(&counted).unwrap_or_default() > highest(&quiet).unwrap_or_default(),
                        "{}: {series:?} did not move: {:?}",
                        alarm.name,
                        counted.keys()
                    ),
                }
            }
        }
    }
}

async fn a_quiet_day() -> Vec<Value> {
    let stack = stack().await;
    created(&stack, invoice(HARBOR)).await;
    stack.tick("reconcile").await.unwrap();
    stack.tick("refresh").await.unwrap();
    lines(&stack)
}

async fn a_day_with(failure: Failure) -> Vec<Value> {
    let stack = stack().await;
    match failure {
        Failure::TwoDocuments => two_documents(&stack).await,
        Failure::NothingKnownForHours => nothing_known_for_hours(&stack).await,
        Failure::UnreadableRequests => {
            assert_eq!(crate::gate::post(&stack, "{").await.status(), 503);
        }
        Failure::NoTable => {
            stack.dynamodb.delete_table().table_name(&stack.info.table_name).send().await.unwrap();
            stack.tick("reconcile").await.unwrap();
        }
        Failure::WrongSignatures => {
            let shown = run(&stack, but(invoice(HARBOR), json!({"signature": "wrong"}))).await;
            assert_eq!(shown.statuses(), [401]);
        }
        Failure::ClocksApart => {
            let apart = json!({"signature": "v3", "timestamp_offset_ms": -120_000});
            created(&stack, but(invoice(HARBOR), apart)).await;
        }
        Failure::GrantEnded => {
            let url = format!("{}/_sim/disconnect", stack.info.quickbooks_url);
            let gone = stack.http.post(url).json(&json!({"realm_id": REALM})).send().await.unwrap();
            assert_eq!(gone.status(), 200);
            a_renewal_is_due(&stack).await;
        }
        Failure::TokensNotRenewed => {
            let down = json!([{"method": "POST", "path": "/tokens/bearer", "status": 503}]);
            stack.faults(Vendor::QuickBooks, &down).unwrap();
            a_renewal_is_due(&stack).await;
        }
        Failure::SecretGone => secret_gone(&stack).await,
        Failure::WrongCredentials => {
            let mut wrong = local::world::app_secret();
            wrong["intuit"]["client_secret"] = json!("not it");
            let put = stack.secrets.put_secret_value().secret_id(&stack.info.app_secret_id);
            put.secret_string(wrong.to_string()).send().await.unwrap();
            a_renewal_is_due(&stack).await;
        }
        Failure::GrantNeglected => {
            stack.advance_clock(SignedDuration::from_hours(24 * 95));
            stack.tick("refresh").await.unwrap();
        }
        Failure::ManyReads => {
            let realm: RealmId = REALM.to_owned().try_into().unwrap();
            stack.store.count_reads(&realm, 450_000, stack.now()).await.unwrap();
            stack.tick("refresh").await.unwrap();
        }
        Failure::QuickBooksLimit => {
            let limit = json!([{"path": "/company/", "times": 1, "status": 429}]);
            stack.faults(Vendor::QuickBooks, &limit).unwrap();
            created(&stack, invoice(HARBOR)).await;
        }
        Failure::QuickBooksSlow => {
            let slow = json!([{"method": "POST", "path": "/invoice", "times": 1, "delay_ms": 8200}]);
            stack.faults(Vendor::QuickBooks, &slow).unwrap();
            created(&stack, invoice(HARBOR)).await;
        }
        Failure::HubSpotDown => {
            for status in [502, 429] {
                let down = json!([{"path": "/deals/", "times": 1, "status": status}]);
                stack.faults(Vendor::HubSpot, &down).unwrap();
                created(&stack, invoice(HANNA)).await;
            }
        }
    }
    lines(&stack)
}

/// The company's tokens have ended, and nobody uses them.
async fn a_renewal_is_due(stack: &Checked) {
    stack.advance_clock(SignedDuration::from_hours(24 * 40));
    stack.tick("refresh").await.unwrap();
}

/// The answer of a create is lost, and QuickBooks has made two of it.
async fn two_documents(stack: &Checked) {
    company(stack, json!({"switches": {"request_ids": "ignore"}})).await;
    let lost =
        json!([{"method": "POST", "path": "/invoice", "times": 1, "drop": true, "after_effect": true}]);
    stack.faults(Vendor::QuickBooks, &lost).unwrap();
    let shown = run(stack, invoice(HARBOR)).await;
    assert_eq!(shown.state(), "BLOCK");
    let calls = stack.calls(Vendor::QuickBooks);
    let sent = calls.iter().find(|call| call.path.ends_with("/invoice")).unwrap();
    let again = stack.http.post(format!("{}{}", stack.info.quickbooks_url, sent.path));
    let again = again.bearer_auth(QUICKBOOKS_TOKEN).header("accept", "application/json");
    let again = again.header("content-type", "application/json").body(sent.request_body.clone());
    assert_eq!(again.send().await.unwrap().status(), 200);
    assert_eq!(settled(stack, shown).await.output("errorCode"), "NEEDS_REVIEW");
}

/// A send without an answer, and then nothing can be asked any more.
async fn nothing_known_for_hours(stack: &Checked) {
    let down = json!([{"method": "POST", "path": "/invoice", "times": 1, "drop": true},
        {"path": "/query", "times": 100_000, "status": 503}]);
    stack.faults(Vendor::QuickBooks, &down).unwrap();
    assert_eq!(run(stack, invoice(HARBOR)).await.state(), "BLOCK");
    for _quarter in 0..10 {
        stack.advance_clock(SignedDuration::from_mins(16));
        stack.tick("reconcile").await.unwrap();
    }
}

/// While new tokens are bought, the secret they are to be written into vanishes.
async fn secret_gone(stack: &Checked) {
    company(stack, json!({"switches": {"handling_ms": 2000}})).await;
    stack.advance_clock(SignedDuration::from_hours(24 * 40));
    let vanish = async {
        asked(stack, Vendor::QuickBooks, "/tokens/bearer").await;
        let name = format!("hsqbo/dev/quickbooks/{PORTAL}/{REALM}");
        let gone = stack.secrets.delete_secret().secret_id(name).force_delete_without_recovery(true);
        gone.send().await.unwrap();
    };
    let (ticked, ()) = tokio::join!(stack.tick("refresh"), vanish);
    ticked.unwrap();
}

fn violations(stack: &Stack) -> u64 {
    lines(stack).iter().filter_map(|line| line["Violations"].as_u64()).sum()
}

const CALLBACK: &str = "ap-1000001-1-3-0";

/// Changes the record of [`CALLBACK`] behind the program's back.
async fn tamper(stack: &Stack, attribute: &str, value: AttributeValue) {
    let update = stack.dynamodb.update_item().table_name(&stack.info.table_name);
    update
        .key("pk", AttributeValue::S(format!("E#{PORTAL}#{CALLBACK}")))
        .key("sk", AttributeValue::S("EXECUTION".to_owned()))
        .update_expression("SET #changed = :value")
        .expression_attribute_names("#changed", attribute)
        .expression_attribute_values(":value", value)
        .send()
        .await
        .unwrap();
}

/// Two documents are in the test of all alarms.
#[tokio::test]
async fn foreign_tokens_a_fence_that_went_back_and_a_success_without_a_document_are_violations() {
    let enrollment = but(invoice(HARBOR), json!({"callback_id": CALLBACK}));

    let without_id = stack().await;
    created(&without_id, enrollment.clone()).await;
    assert_eq!(violations(&without_id), 0);
    let answer = r#"{"outputFields":{"hs_execution_state":"SUCCESS","status":"created"}}"#;
    tamper(&without_id, "answer", AttributeValue::S(answer.to_owned())).await;
    run(&without_id, enrollment.clone()).await;
    assert_eq!(violations(&without_id), 1);

    let went_back = stack().await;
    let slow = json!([{"method": "POST", "path": "/invoice", "times": 1, "delay_ms": 1500}]);
    went_back.faults(Vendor::QuickBooks, &slow).unwrap();
    let meddling = async {
        asked(&went_back, Vendor::QuickBooks, "/invoice").await;
        tamper(&went_back, "fence", AttributeValue::N("0".to_owned())).await;
    };
    tokio::join!(run(&went_back, enrollment), meddling);
    assert!(violations(&went_back) > 0);

    let foreign = stack().await;
    let name = format!("hsqbo/dev/quickbooks/{PORTAL}/{REALM}");
    let value = foreign.secrets.get_secret_value().secret_id(&name).send().await.unwrap();
    let mut stored: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    stored["realm_id"] = json!("9130350000000077");
    let put = foreign.secrets.put_secret_value().secret_id(&name).version_stages("AWSPENDING");
    put.secret_string(stored.to_string()).send().await.unwrap();
    a_renewal_is_due(&foreign).await;
    assert_eq!(violations(&foreign), 1);
}

#[tokio::test]
async fn what_is_counted_on_a_quiet_day_is_in_the_table_and_names_no_portal_and_no_company_but_where_a_rule_counts()
 {
    let lines = a_quiet_day().await;
    let table: BTreeSet<Series> = Metric::ALL.iter().map(|metric| series_of(&metric.about())).collect();
    for series in counted(&lines).into_keys() {
        assert!(table.contains(&series), "{series:?}");
    }
    for line in lines {
        let text = line.to_string();
        assert!(!text.contains(&PORTAL.to_string()), "{text}");
        assert_eq!(text.contains(REALM), !line["Documents"].is_null(), "{text}");
    }
}

/// What is counted per company is counted by a rule over the log, which CloudWatch runs: here, by the same rule's words.
#[tokio::test]
async fn the_rule_behind_the_alarm_on_bulk_counts_documents_by_company() {
    let template =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")).unwrap();
    let body = template.split("RuleBody: !Sub |\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let rule: Value = serde_json::from_str(body).unwrap();
    for function in ["Invoice", "Estimate", "Receipt", "Reconcile"] {
        let group = json!(format!("${{{function}Logs}}"));
        assert!(rule["LogGroupNames"].as_array().unwrap().contains(&group), "{function}");
    }
    let member = |path: &Value| path.as_str().unwrap().strip_prefix("$.").unwrap().to_owned();
    let (key, value) = (member(&rule["Contribution"]["Keys"][0]), member(&rule["Contribution"]["ValueOf"]));
    assert_eq!(member(&rule["Contribution"]["Filters"][0]["Match"]), value);
    let mut by_company: BTreeMap<String, u64> = BTreeMap::new();
    for line in a_quiet_day().await {
        if let Some(documents) = line[&value].as_u64() {
            *by_company.entry(line[&key].as_str().unwrap().to_owned()).or_default() += documents;
        }
    }
    assert_eq!(by_company, BTreeMap::from([(REALM.to_owned(), 1)]));
}

/// By a rule over the log, and not by a metric.
const BY_A_RULE: &str = "documents-in-bulk";

#[test]
fn each_metric_feeds_the_alarms_it_says_and_each_stands_on_the_dashboard() {
    let mut selecting: BTreeMap<Series, BTreeSet<String>> = BTreeMap::new();
    let alarms = template().alarms;
    for alarm in &alarms {
        for selected in ours(alarm) {
            selecting.entry(series(selected)).or_default().insert(alarm.name.clone());
        }
    }
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")).unwrap();
    let dashboard = text.split("DashboardBody: ").nth(1).unwrap();
    for about in Metric::ALL.map(Metric::about) {
        let said: BTreeSet<String> = about.feeds.iter().map(|alarm| (*alarm).to_owned()).collect();
        assert!(said.iter().all(|name| alarms.iter().any(|alarm| alarm.name == *name)), "{about:?}");
        let said: BTreeSet<String> = said.into_iter().filter(|name| name != BY_A_RULE).collect();
        assert_eq!(selecting.remove(&series_of(&about)).unwrap_or_default(), said, "{about:?}");
        let dimension =
            about.dimension.map(|(key, value)| format!(", \"{key}\", \"{value}\"")).unwrap_or_default();
        let shown = format!("[\"{OURS}\", \"{}\"{dimension}, {{", about.name);
        assert!(dashboard.contains(&shown), "the dashboard lacks {shown}");
    }
    assert!(selecting.is_empty(), "nobody counts {selecting:?}");
}
