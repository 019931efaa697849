//! Roles on one machine: what a function asks of DynamoDB and Secrets Manager is held against its role in `template.yaml`, as
//! IAM does it, and refused when the role does not allow it. So no flow that is tested here fails on AWS for want of a
//! permission, down to the items a role may touch.
//!
//! Only the operations that `store` makes are known; another one is refused by name. A function that is led through
//! [`crate::proxy`] is not held against anything. What of a role was needed is noted ([`crate::grants`]): a role may allow that
//! and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::grants::{Grant, Used};
use crate::task::{self, Task};
use crate::template::{Function, Resource, Statement};

/// Stands before both services; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    url: String,
    _server: Task,
}

/// What is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// The table.
    DynamoDb,
    /// The secrets.
    SecretsManager,
}

struct Guarded {
    roles: HashMap<String, Vec<Statement>>,
    dynamodb_url: String,
    secrets_url: String,
    app_secret: String,
    secret_prefix: String,
    used: Used,
    http: reqwest::Client,
}

/// One kind of thing that a request does, with all that it does it to.
#[derive(Debug, PartialEq, Eq)]
struct Access {
    action: String,
    targets: Vec<Target>,
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// An item, or all those of a partition, by the key they begin with; none when the request does not say.
    Items(Option<String>),
    Index(String),
    Secret(String),
}

impl Guard {
    /// Starts it on a free loopback port, with the roles of these functions.
    pub(crate) async fn start(
        functions: &[Function],
        (dynamodb_url, secrets_url): (&str, &str),
        (app_secret, secret_prefix): (&str, &str),
    ) -> std::io::Result<Self> {
        let (listener, address) = task::listen(0).await?;
        let guarded = Guarded {
            roles: functions.iter().map(|known| (known.logical_id.clone(), known.role.clone())).collect(),
            dynamodb_url: dynamodb_url.to_owned(),
            secrets_url: secrets_url.to_owned(),
            app_secret: app_secret.to_owned(),
            secret_prefix: secret_prefix.to_owned(),
            used: Used::recorded()?,
            // What comes compressed goes on compressed: the SDK checks sums.
            http: reqwest::Client::builder().no_gzip().build().map_err(std::io::Error::other)?,
        };
        let router = Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::max(16 * 1024 * 1024))
            .with_state(Arc::new(guarded));
        Ok(Self { url: format!("http://{address}"), _server: Task::serve(listener, router) })
    }

    /// Where this function finds the service.
    pub(crate) fn endpoint(&self, service: Service, function: &str) -> String {
        let service = match service {
            Service::DynamoDb => "dynamodb",
            Service::SecretsManager => "secretsmanager",
        };
        format!("{}/{service}/{function}", self.url)
    }
}

async fn handle(State(guarded): State<Arc<Guarded>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut path = uri.path().trim_matches('/').split('/');
    let upstream = match path.next() {
        Some("dynamodb") => &guarded.dynamodb_url,
        _ => &guarded.secrets_url,
    };
    let function = path.next().unwrap_or_default();
    let role = guarded.roles.get(function).map(Vec::as_slice).unwrap_or_default();
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let input = serde_json::from_slice(&body).unwrap_or_default();
    match accesses(operation, &input) {
        Ok(wanted) => {
            for access in &wanted {
                match guarded.allowed_by(role, access) {
                    Some(on) => {
                        on.iter().for_each(|on| guarded.used.note(Grant::new(function, &access.action, on)));
                    }
                    None => {
                        return denied(&format!("{function} may not {} {:?}", access.action, access.targets));
                    }
                }
            }
        }
        Err(unknown) => return denied(&format!("{function}: {unknown}")),
    }
    guarded.pass(upstream, headers, body).await
}

impl Guarded {
    /// What of the role allows it, by the names it has among [`crate::grants`]. One statement must allow all of it: a condition
    /// for all keys is judged statement by statement. It is the first that does, so a second one shows as superfluous.
    fn allowed_by(&self, role: &[Statement], access: &Access) -> Option<Vec<String>> {
        let mut of_action = role.iter().filter(|statement| statement.actions.contains(&access.action));
        of_action
            .find_map(|statement| access.targets.iter().map(|target| self.on(statement, target)).collect())
    }

    /// What of a statement's keys or resources covers the target.
    fn on(&self, statement: &Statement, target: &Target) -> Option<String> {
        let resource = statement.resources.iter().find(|resource| self.covers(resource, target))?;
        match (&statement.keys, target) {
            (Some(patterns), Target::Items(Some(key))) => {
                patterns.iter().find(|pattern| fits(pattern, key)).cloned()
            }
            (Some(_), _) => None,
            (None, _) => Some(resource.to_string()),
        }
    }

    fn covers(&self, resource: &Resource, target: &Target) -> bool {
        match (resource, target) {
            (Resource::Table, Target::Items(_)) => true,
            (Resource::Index(allowed), Target::Index(index)) => allowed == index,
            (Resource::AppSecret, Target::Secret(name)) => *name == self.app_secret,
            (Resource::Secrets(begin), Target::Secret(name)) => {
                name.strip_prefix(&self.secret_prefix).is_some_and(|rest| rest.starts_with(begin))
            }
            _ => false,
        }
    }

    async fn pass(&self, upstream: &str, mut headers: HeaderMap, body: Bytes) -> Response {
        for own in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION] {
            headers.remove(own);
        }
        let unreachable =
            |error: reqwest::Error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response();
        let answer = match self.http.post(upstream).headers(headers).body(body).send().await {
            Ok(answer) => answer,
            Err(error) => return unreachable(error),
        };
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        match answer.bytes().await {
            Ok(body) => (status, headers, body).into_response(),
            Err(error) => unreachable(error),
        }
    }
}

/// As IAM's `StringLike`, with a `*` at the end or none.
fn fits(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => key.starts_with(begin),
        None => key == pattern,
    }
}

fn denied(why: &str) -> Response {
    let answer = json!({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": why});
    eprintln!("refused as IAM would: {why}");
    let kind = [(HeaderName::from_static("content-type"), "application/x-amz-json-1.0")];
    (StatusCode::BAD_REQUEST, kind, answer.to_string()).into_response()
}

/// Everything a request does, by IAM's names; a batch or transaction does several things.
fn accesses(operation: &str, input: &Value) -> Result<Vec<Access>, String> {
    let (service, operation) = operation.rsplit_once('.').unwrap_or_default();
    if service == "secretsmanager" {
        let name = input["SecretId"].as_str().or(input["Name"].as_str()).unwrap_or_default();
        // Whoever makes a secret with tags must be allowed to tag it.
        let tagged = (!list(&input["Tags"]).is_empty()).then_some("TagResource");
        let access = |operation: &str| Access {
            action: format!("secretsmanager:{operation}"),
            targets: vec![Target::Secret(name.to_owned())],
        };
        return Ok([operation].into_iter().chain(tagged).map(access).collect());
    }
    let items = |keys: Vec<Option<String>>| -> Vec<Access> {
        let targets = keys.into_iter().map(Target::Items).collect();
        vec![Access { action: format!("dynamodb:{operation}"), targets }]
    };
    match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => Ok(items(vec![partition(&input["Key"])])),
        "PutItem" => Ok(items(vec![partition(&input["Item"])])),
        "Query" => match input["IndexName"].as_str() {
            Some(index) => Ok(vec![Access {
                action: "dynamodb:Query".to_owned(),
                targets: vec![Target::Index(index.to_owned())],
            }]),
            None => Ok(items(vec![queried(input)])),
        },
        "BatchGetItem" => Ok(items(batched(input).flat_map(|of_table| keys_of(&of_table["Keys"])).collect())),
        "BatchWriteItem" => Ok(items(batched(input).flat_map(written).collect())),
        "TransactWriteItems" => Ok(transacted(list(&input["TransactItems"]))),
        other => Err(format!("{other} is not known here")),
    }
}

fn partition(key: &Value) -> Option<String> {
    key["pk"]["S"].as_str().map(str::to_owned)
}

/// The partition of a query, whose condition says `pk = :name`.
fn queried(input: &Value) -> Option<String> {
    let (_, rest) = input["KeyConditionExpression"].as_str()?.split_once("pk = ")?;
    let name = rest.split_whitespace().next()?;
    input["ExpressionAttributeValues"][name]["S"].as_str().map(str::to_owned)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn batched(input: &Value) -> impl Iterator<Item = &Value> {
    input["RequestItems"].as_object().into_iter().flat_map(|tables| tables.values())
}

fn keys_of(keys: &Value) -> Vec<Option<String>> {
    list(keys).iter().map(partition).collect()
}

fn written(of_table: &Value) -> Vec<Option<String>> {
    let key = |write: &Value| match write.get("PutRequest") {
        Some(put) => partition(&put["Item"]),
        None => partition(&write["DeleteRequest"]["Key"]),
    };
    list(of_table).iter().map(key).collect()
}

/// What IAM calls the parts of a transaction: each kind needs the permission of its name.
fn transacted(parts: &[Value]) -> Vec<Access> {
    let kinds = [
        ("ConditionCheck", "dynamodb:ConditionCheckItem", "Key"),
        ("Delete", "dynamodb:DeleteItem", "Key"),
        ("Put", "dynamodb:PutItem", "Item"),
        ("Update", "dynamodb:UpdateItem", "Key"),
    ];
    let of_kind = |(kind, action, key): (&str, &str, &str)| {
        let of_kind = parts.iter().filter_map(|part| part.get(kind));
        let targets: Vec<_> = of_kind.map(|part| Target::Items(partition(&part[key]))).collect();
        (!targets.is_empty()).then(|| Access { action: action.to_owned(), targets })
    };
    kinds.into_iter().filter_map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    const REAL: &str = include_str!("../../../template.yaml");

    fn guarded() -> Guarded {
        let functions = Template::parse(REAL).unwrap().functions;
        Guarded {
            roles: functions.into_iter().map(|known| (known.logical_id, known.role)).collect(),
            dynamodb_url: String::new(),
            secrets_url: String::new(),
            app_secret: "hsqbo/dev/app".to_owned(),
            secret_prefix: "hsqbo/dev/".to_owned(),
            used: Used::default(),
            http: reqwest::Client::new(),
        }
    }

    fn allowed(function: &str, operation: &str, input: Value) -> bool {
        let guarded = guarded();
        let wanted = accesses(operation, &input).unwrap();
        !wanted.is_empty()
            && wanted.iter().all(|access| guarded.allowed_by(&guarded.roles[function], access).is_some())
    }

    #[test]
    fn an_action_reads_executions_and_no_sessions() {
        let get = |pk: &str| json!({"Key": {"pk": {"S": pk}, "sk": {"S": "X"}}});
        assert!(allowed("InvoiceFunction", "DynamoDB_20120810.GetItem", get("E#1#a")));
        let sessions =
            [("S#abc", "GetItem"), ("SP#1", "DeleteItem"), ("O#abc", "DeleteItem"), ("PENDING", "GetItem")];
        for (pk, operation) in sessions {
            let operation = format!("DynamoDB_20120810.{operation}");
            assert!(!allowed("InvoiceFunction", &operation, get(pk)), "{pk}");
            assert!(allowed("ConnectFunction", &operation, get(pk)), "{pk}");
        }
        assert!(!allowed("InvoiceFunction", "DynamoDB_20120810.DeleteItem", get("E#1#a")));
        assert!(!allowed("RefreshFunction", "DynamoDB_20120810.GetItem", get("E#1#a")));
    }

    #[test]
    fn every_item_of_a_batch_and_every_part_of_a_transaction_counts() {
        let put = |pk: &str| json!({"PutRequest": {"Item": {"pk": {"S": pk}}}});
        let batch = |pk| json!({"RequestItems": {"t": [put("R#1"), put(pk)]}});
        assert!(allowed("InvoiceFunction", "DynamoDB_20120810.BatchWriteItem", batch("D#1")));
        assert!(!allowed("InvoiceFunction", "DynamoDB_20120810.BatchWriteItem", batch("S#1")));
        let update = json!({"Update": {"Key": {"pk": {"S": "R#1"}}}});
        let transaction = |part: Value| json!({"TransactItems": [update, part]});
        let operation = "DynamoDB_20120810.TransactWriteItems";
        assert!(allowed("InvoiceFunction", operation, transaction(update.clone())));
        let put = json!({"Put": {"Item": {"pk": {"S": "R#1"}}}});
        assert!(!allowed("InvoiceFunction", operation, transaction(put)), "no role of an action has PutItem");
    }

    /// IAM does not put a permission together from two statements.
    #[test]
    fn one_statement_must_allow_all_items_of_a_batch() {
        let statement = |keys: &[&str]| Statement {
            actions: vec!["dynamodb:BatchWriteItem".to_owned()],
            resources: vec![Resource::Table],
            keys: Some(keys.iter().map(|key| (*key).to_owned()).collect()),
        };
        let put = |pk: &str| json!({"PutRequest": {"Item": {"pk": {"S": pk}}}});
        let batch = json!({"RequestItems": {"t": [put("R#1"), put("D#1")]}});
        let wanted = accesses("DynamoDB_20120810.BatchWriteItem", &batch).unwrap();
        let allowed_by = |role: &[Statement]| guarded().allowed_by(role, &wanted[0]);
        assert_eq!(allowed_by(&[statement(&["D#*"]), statement(&["R#*"])]), None);
        let both = [statement(&["D#*"]), statement(&["D#*", "R#*"])];
        assert_eq!(allowed_by(&both), Some(vec!["R#*".to_owned(), "D#*".to_owned()]));
    }

    #[test]
    fn nobody_who_answers_browsers_deletes_an_execution_or_writes_over_a_portal() {
        let key = |pk: &str| json!({"Key": {"pk": {"S": pk}, "sk": {"S": "X"}}});
        let item = |pk: &str| json!({"Item": {"pk": {"S": pk}, "sk": {"S": "X"}}});
        let (delete, put) = ("DynamoDB_20120810.DeleteItem", "DynamoDB_20120810.PutItem");
        for (function, deleted, kept) in [
            ("ConsoleFunction", &["S#a", "SP#1"][..], &["E#1#a", "P#1"][..]),
            ("ConnectFunction", &["O#a", "P#1", "PENDING", "Q#1", "S#a", "SP#1"], &["E#1#a"]),
        ] {
            assert!(deleted.iter().all(|pk| allowed(function, delete, key(pk))), "{function}");
            assert!(!kept.iter().any(|pk| allowed(function, delete, key(pk))), "{function}");
        }
        assert!(allowed("ConsoleFunction", put, item("E#1#a~1")));
        assert!(!["P#1", "S#a"].iter().any(|pk| allowed("ConsoleFunction", put, item(pk))));
        assert!(allowed("ConnectFunction", put, item("Q#1")));
        assert!(!allowed("ConnectFunction", put, item("P#1")));
    }

    #[test]
    fn an_index_is_for_those_who_look_for_what_is_due() {
        let due = json!({"IndexName": "due", "KeyConditionExpression": "due = :due"});
        assert!(allowed("ReconcileFunction", "DynamoDB_20120810.Query", due.clone()));
        assert!(!allowed("InvoiceFunction", "DynamoDB_20120810.Query", due));
        let runs = json!({"KeyConditionExpression": "pk = :pk AND sk > :sk",
            "ExpressionAttributeValues": {":pk": {"S": "R#1"}, ":sk": {"S": ""}}});
        assert!(allowed("InvoiceFunction", "DynamoDB_20120810.Query", runs.clone()));
        assert!(!allowed("OptionsFunction", "DynamoDB_20120810.Query", runs));
    }

    #[test]
    fn token_secrets_are_made_by_connect_alone_and_app_credentials_written_by_nobody() {
        let secret = |name: &str| json!({"SecretId": name});
        let made = json!({"Name": "hsqbo/dev/quickbooks/1/2", "Tags": [{"Key": "app", "Value": "hsqbo"}]});
        let names = accesses("secretsmanager.CreateSecret", &made).unwrap();
        let names: Vec<_> = names.iter().map(|access| access.action.as_str()).collect();
        assert_eq!(names, ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]);
        assert!(allowed("ConnectFunction", "secretsmanager.CreateSecret", made.clone()));
        assert!(!allowed("InvoiceFunction", "secretsmanager.CreateSecret", made));
        for function in guarded().roles.keys() {
            assert!(
                allowed(function, "secretsmanager.GetSecretValue", secret("hsqbo/dev/app")),
                "{function}"
            );
            assert!(
                !allowed(function, "secretsmanager.PutSecretValue", secret("hsqbo/dev/app")),
                "{function}"
            );
            let others = secret("hsqbo/prod/quickbooks/1/2");
            assert!(!allowed(function, "secretsmanager.GetSecretValue", others), "{function}");
        }
    }

    #[test]
    fn an_operation_nobody_knows_is_refused_by_name() {
        assert_eq!(accesses("DynamoDB_20120810.Scan", &json!({})), Err("Scan is not known here".to_owned()));
    }
}
