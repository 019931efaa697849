//! What the emulated account holds: each service is asked by itself, whatever CloudFormation says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::Result;

/// Names, by what they are names of.
pub(super) type Held = BTreeMap<&'static str, BTreeSet<String>>;

/// Where services are asked.
pub(super) struct Account {
    pub(super) http: reqwest::Client,
    /// The emulated AWS.
    pub(super) url: String,
}

/// How a service is asked for all it has of a kind, and where in its answer the names are.
enum Listing {
    /// An operation of a JSON protocol: its list, and the name in an element of it.
    Operation(&'static str, &'static str, &'static str),
    /// A path of a REST protocol; the rest as above.
    Path(&'static str, &'static str, &'static str),
    /// An action of the query protocol: the XML element around a name.
    Action(&'static str, &'static str),
}
use Listing::{Action, Operation, Path};

/// All that `template.yaml` makes and that has a name of its own in the account. SAM's bucket for uploads is not among it: that
/// one belongs to SAM, and outlives all stacks.
const KINDS: [(&str, Listing); 13] = [
    ("alarms", Operation("GraniteServiceVersion20100801.DescribeAlarms", "MetricAlarms", "/AlarmName")),
    ("aliases of keys", Operation("TrentService.ListAliases", "Aliases", "/AliasName")),
    ("APIs", Path("/v2/apis", "items", "/name")),
    (
        "dashboards",
        Operation("GraniteServiceVersion20100801.ListDashboards", "DashboardEntries", "/DashboardName"),
    ),
    ("functions", Path("/2015-03-31/functions", "Functions", "/FunctionName")),
    (KEYS, Operation("TrentService.ListKeys", "Keys", "/KeyId")),
    ("log groups", Operation("Logs_20140328.DescribeLogGroups", "logGroups", "/logGroupName")),
    ("metric filters", Operation("Logs_20140328.DescribeMetricFilters", "metricFilters", "/filterName")),
    ("roles", Action("ListRoles", "RoleName")),
    ("rules", Operation("AWSEvents.ListRules", "Rules", "/Name")),
    ("secrets", Operation("secretsmanager.ListSecrets", "SecretList", "/Name")),
    ("tables", Operation("DynamoDB_20120810.ListTables", "TableNames", "")),
    ("topics", Action("ListTopics", "TopicArn")),
];
const KEYS: &str = "keys";

/// What the answers call the rest of a list.
const MORE: [&str; 4] = ["LastEvaluatedTableName", "NextMarker", "NextToken", "nextToken"];

/// A schedule of a minute, and the start of a function.
const STARTED: Duration = Duration::from_secs(90);

impl Account {
    /// Everything, of every kind.
    pub(super) async fn held(&self) -> Result<Held> {
        let mut held = Held::new();
        for (kind, listing) in KINDS {
            let mut names = self.names(&listing).await?;
            if kind == KEYS {
                names = self.usable(names).await?;
            }
            held.insert(kind, names);
        }
        Ok(held)
    }

    /// What is started when: `rate(1 minute) starts ReconcileFunction`, with the name in the template.
    pub(super) async fn schedules(&self, stack: &str) -> Result<BTreeSet<String>> {
        let rules = self.ask("AWSEvents.ListRules", &json!({})).await?;
        let mut schedules = BTreeSet::new();
        for rule in list(&rules, "Rules")?.iter().filter(|rule| rule["State"] == "ENABLED") {
            let targets = self.ask("AWSEvents.ListTargetsByRule", &json!({"Rule": rule["Name"]})).await?;
            for target in list(&targets, "Targets")? {
                let arn = target["Arn"].as_str().unwrap_or_default();
                let function = arn
                    .split_once(&format!(":function:{stack}-"))
                    .and_then(|(_, name)| name.split('-').next());
                let rate = rule["ScheduleExpression"].as_str().unwrap_or_default();
                schedules.insert(format!("{rate} starts {}", function.unwrap_or(arn)));
            }
        }
        Ok(schedules)
    }

    /// The environment of each deployed function, by its name.
    pub(super) async fn environments(&self) -> Result<BTreeMap<String, Value>> {
        let functions = self.get("/2015-03-31/functions").await?;
        let environments = list(&functions, "Functions")?.iter().map(|function| {
            let name = function["FunctionName"].as_str().unwrap_or_default();
            (name.to_owned(), function["Environment"]["Variables"].clone())
        });
        Ok(environments.collect())
    }

    /// Log groups whose events are kept for ever.
    pub(super) async fn endless_logs(&self) -> Result<Vec<String>> {
        let groups = self.ask("Logs_20140328.DescribeLogGroups", &json!({})).await?;
        let endless = list(&groups, "logGroups")?.iter().filter(|group| !group["retentionInDays"].is_u64());
        Ok(endless.map(|group| group["logGroupName"].to_string()).collect())
    }

    /// What a function has logged.
    pub(super) async fn log(&self, group: &str) -> Result<Vec<String>> {
        let events = self.ask("Logs_20140328.FilterLogEvents", &json!({"logGroupName": group})).await?;
        // The first page will do.
        let events = events["events"].as_array().ok_or_else(|| format!("no events in {events}"))?;
        let lines = events.iter().filter_map(|event| event["message"].as_str());
        Ok(lines.map(str::to_owned).collect())
    }

    /// Waits until a function that only its schedule starts has logged something.
    pub(super) async fn expect_started(&self, group: &str) -> Result<()> {
        let logged = async {
            while self.log(group).await?.is_empty() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        };
        let waited = tokio::time::timeout(STARTED, logged).await;
        waited
            .unwrap_or_else(|_| Err(format!("{group}: its schedule did not start it in {STARTED:?}").into()))
    }

    async fn names(&self, listing: &Listing) -> Result<BTreeSet<String>> {
        let (answer, of, name) = match listing {
            Operation(operation, of, name) => (self.ask(operation, &json!({})).await?, of, name),
            Path(path, of, name) => (self.get(path).await?, of, name),
            Action(action, element) => return self.names_in_xml(action, element).await,
        };
        let names = list(&answer, of)?.iter().map(|element| element.pointer(name).and_then(Value::as_str));
        let names: Option<_> = names.map(|name| name.map(str::to_owned)).collect();
        names.ok_or_else(|| format!("{of} without {name}: {answer}").into())
    }

    async fn names_in_xml(&self, action: &str, element: &str) -> Result<BTreeSet<String>> {
        let asked = self.http.post(&self.url).header("content-type", "application/x-www-form-urlencoded");
        let answer = asked.body(format!("Action={action}")).send().await?.error_for_status()?.text().await?;
        let opening = format!("<{element}>");
        let names = answer.split(&opening).skip(1).filter_map(|rest| rest.split('<').next());
        Ok(names.map(str::to_owned).collect())
    }

    /// Without the keys that wait for their deletion: they are still listed.
    async fn usable(&self, keys: BTreeSet<String>) -> Result<BTreeSet<String>> {
        let mut usable = BTreeSet::new();
        for key in keys {
            let told = self.ask("TrentService.DescribeKey", &json!({"KeyId": key})).await?;
            if told["KeyMetadata"]["KeyState"] == "Enabled" {
                usable.insert(key);
            }
        }
        Ok(usable)
    }

    async fn ask(&self, operation: &str, request: &Value) -> Result<Value> {
        let asked = self
            .http
            .post(&self.url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", operation)
            .body(request.to_string());
        let answer = asked.send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }
}

/// The whole list of this name.
fn list<'a>(answer: &'a Value, name: &str) -> Result<&'a [Value]> {
    if let Some(more) =
        MORE.iter().find(|more| answer[**more].as_str().is_some_and(|token| !token.is_empty()))
    {
        return Err(format!("{name}: there are more than came ({more})").into());
    }
    Ok(answer[name].as_array().ok_or_else(|| format!("no {name} in {answer}"))?)
}
