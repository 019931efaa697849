//! What `template.yaml` declares, as far as a local stack needs it: functions, routes, the table.
//!
//! The template is the only place where a route or a key is written down; nothing here repeats one. Whatever the reader
//! needs and cannot find is an error that names the resource and the line.

mod alarms;
mod role;
mod yaml;

use std::path::Path;
use std::time::Duration;

use saphyr::{LoadableYamlNode, MarkedYaml};

pub use self::alarms::{Alarm, Selected};
pub use self::role::{Resource, Statement};
use self::yaml::Node;

/// The parts of a template that a local stack is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Every `AWS::Serverless::Function`.
    pub functions: Vec<Function>,
    /// Every `AWS::ApiGatewayV2::Route`.
    pub routes: Vec<Route>,
    /// Every `AWS::Events::Rule` with a rate.
    pub schedules: Vec<Schedule>,
    /// The one `AWS::DynamoDB::Table`.
    pub table: Table,
    /// Every alarm.
    pub alarms: Vec<Alarm>,
}

/// A Lambda function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its logical id in the template.
    pub logical_id: String,
    /// The binary it runs: also the package, and the folder under `functions/`.
    pub binary: String,
    /// After this long Lambda kills an invocation.
    pub timeout: Duration,
    /// Its memory, in MiB.
    pub memory_mb: u64,
    /// The names of its environment variables, in the template's order.
    pub variables: Vec<String>,
    /// What its role allows of table and secrets.
    pub role: Vec<Statement>,
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// As the template has it, `POST /actions/invoice`.
    pub key: String,
    /// The HTTP method, or `ANY`.
    pub method: String,
    /// The path, with `{name}` for one segment and `{name+}` for the rest.
    pub path: String,
    /// The logical id of the function behind it.
    pub function: String,
    /// After this long the gateway gives up.
    pub timeout: Duration,
}

/// A rule that starts a function again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The logical id of the function.
    pub function: String,
    /// As the template has it, `rate(1 minute)`.
    pub rate: String,
    /// From one start to the next.
    pub every: Duration,
}

/// The table's keys and indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Attributes that take part in a key: name and DynamoDB type letter.
    pub attributes: Vec<(String, String)>,
    /// The table's own key.
    pub key: Key,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute that holds the second an item expires at.
    pub ttl: Option<String>,
}

/// A key: one attribute, or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The partition key.
    pub hash: String,
    /// The sort key.
    pub range: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Key,
    /// `ALL` or `KEYS_ONLY`.
    pub projection: String,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not YAML.
    #[error("template.yaml is not YAML")]
    NotYaml(#[source] saphyr::ScanError),
    /// Something is missing or not as expected.
    #[error("template.yaml, line {line}: {place}: {problem}")]
    Unexpected {
        /// Where, counted from 1.
        line: usize,
        /// The keys that lead there, joined by dots.
        place: String,
        /// What is wrong.
        problem: String,
    },
}

impl Template {
    /// Reads a template file.
    ///
    /// # Errors
    /// Every case of [`Error`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Unreadable { path: path.display().to_string(), source })?;
        Self::parse(&text)
    }

    /// Reads a template's text.
    ///
    /// # Errors
    /// [`Error::NotYaml`] and [`Error::Unexpected`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let documents = MarkedYaml::load_from_str(text).map_err(Error::NotYaml)?;
        let Some(document) = documents.first() else {
            return Err(Error::Unexpected {
                line: 1,
                place: "the file".to_owned(),
                problem: "is empty".to_owned(),
            });
        };
        let root = Node::root(document);
        let resources = root.get("Resources")?;
        let functions = of_type(&resources, "AWS::Serverless::Function")?
            .iter()
            .map(|resource| read_function(&root, resource))
            .collect::<Result<Vec<_>, _>>()?;
        let routes = of_type(&resources, "AWS::ApiGatewayV2::Route")?
            .iter()
            .map(|route| read_route(&resources, &functions, route))
            .collect::<Result<Vec<_>, _>>()?;
        let schedules = of_type(&resources, "AWS::Events::Rule")?
            .iter()
            .map(|rule| read_schedule(&functions, rule))
            .collect::<Result<Vec<_>, _>>()?;
        let (table, alarms) = (read_table(&resources)?, alarms::read(&resources)?);
        Ok(Self { functions, routes, schedules, table, alarms })
    }

    /// The function with this logical id.
    pub fn function(&self, logical_id: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.logical_id == logical_id)
    }
}

fn of_type<'a>(resources: &Node<'a>, wanted: &str) -> Result<Vec<Node<'a>>, Error> {
    let mut found = Vec::new();
    for resource in resources.children()? {
        if resource.get("Type")?.text()? == wanted {
            found.push(resource);
        }
    }
    Ok(found)
}

fn read_function(root: &Node<'_>, resource: &Node<'_>) -> Result<Function, Error> {
    let properties = resource.get("Properties")?;
    let globals = root.path(&["Globals", "Function"]);
    let own_or_global =
        |key: &str| match (properties.find(key), globals.as_ref().and_then(|node| node.find(key))) {
            (Some(own), _) => Ok(own),
            (None, Some(global)) => Ok(global),
            (None, None) => Err(properties.unexpected(format!("has no {key}, and neither have Globals"))),
        };
    let binary = resource.get("Metadata")?.get("BuildProperties")?.get("Binary")?;
    Ok(Function {
        logical_id: resource.name().to_owned(),
        binary: binary.text()?.to_owned(),
        timeout: Duration::from_secs(own_or_global("Timeout")?.number()?),
        memory_mb: own_or_global("MemorySize")?.number()?,
        variables: variables(&globals, &properties)?,
        role: role::read(&properties)?,
    })
}

/// SAM merges the variables of Globals with a function's own.
fn variables(globals: &Option<Node<'_>>, properties: &Node<'_>) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for source in globals.iter().chain([properties]) {
        let Some(variables) = source.path(&["Environment", "Variables"]) else { continue };
        for variable in variables.children()? {
            if !names.iter().any(|name| name == variable.name()) {
                names.push(variable.name().to_owned());
            }
        }
    }
    Ok(names)
}

fn read_route(resources: &Node<'_>, functions: &[Function], route: &Node<'_>) -> Result<Route, Error> {
    let properties = route.get("Properties")?;
    let key_node = properties.get("RouteKey")?;
    let key = key_node.text()?;
    let Some((method, path)) = key.split_once(' ') else {
        return Err(key_node.unexpected(format!("“{key}” is not a method and a path")));
    };
    let target = properties.get("Target")?;
    let integration = integration(resources, &target)?;
    let format = integration.get("PayloadFormatVersion")?;
    if format.text()? != "2.0" {
        return Err(format.unexpected("only payload format 2.0 is spoken here"));
    }
    let uri = integration.get("IntegrationUri")?;
    let function = uri.text()?.trim_end_matches(".Arn");
    if !functions.iter().any(|known| known.logical_id == function) {
        return Err(uri.unexpected(format!("“{function}” is not a function of this template")));
    }
    Ok(Route {
        key: key.to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        function: function.to_owned(),
        timeout: Duration::from_millis(integration.get("TimeoutInMillis")?.number()?),
    })
}

/// The integration that `integrations/${InvoiceIntegration}` points at.
fn integration<'a>(resources: &Node<'a>, target: &Node<'_>) -> Result<Node<'a>, Error> {
    let text = target.text()?;
    let name = text.strip_prefix("integrations/${").and_then(|rest| rest.strip_suffix('}'));
    match name.and_then(|name| resources.find(name)) {
        Some(integration) => integration.get("Properties"),
        None => Err(target.unexpected(format!("“{text}” is not integrations/${{name of an integration}}"))),
    }
}

fn read_schedule(functions: &[Function], rule: &Node<'_>) -> Result<Schedule, Error> {
    let properties = rule.get("Properties")?;
    let rate = properties.get("ScheduleExpression")?;
    let text = rate.text()?;
    let words = text
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'))
        .and_then(|rate| rate.split_once(' '));
    let every = words.and_then(|(count, unit)| {
        let seconds = match unit.trim_end_matches('s') {
            "minute" => 60,
            "hour" => 60 * 60,
            "day" => 24 * 60 * 60,
            _ => return None,
        };
        Some(Duration::from_secs(count.parse::<u64>().ok()?.checked_mul(seconds)?))
    });
    let every =
        every.ok_or_else(|| rate.unexpected(format!("“{text}” is not rate(n minutes, hours or days)")))?;
    let targets = properties.get("Targets")?;
    let items = targets.items()?;
    let [target] = items.as_slice() else { return Err(targets.unexpected("is not one target")) };
    let arn = target.get("Arn")?;
    let function = arn.text()?.trim_end_matches(".Arn");
    if !functions.iter().any(|known| known.logical_id == function) {
        return Err(arn.unexpected(format!("“{function}” is not a function of this template")));
    }
    Ok(Schedule { function: function.to_owned(), rate: text.to_owned(), every })
}

fn read_table(resources: &Node<'_>) -> Result<Table, Error> {
    let tables = of_type(resources, "AWS::DynamoDB::Table")?;
    let [table] = tables.as_slice() else {
        return Err(resources.unexpected(format!("{} tables where one is expected", tables.len())));
    };
    let properties = table.get("Properties")?;
    let attributes = properties.get("AttributeDefinitions")?.items()?;
    let indexes = properties.find("GlobalSecondaryIndexes").map(|indexes| indexes.items()).transpose()?;
    Ok(Table {
        attributes: attributes.iter().map(attribute).collect::<Result<_, _>>()?,
        key: key(&properties)?,
        indexes: indexes.unwrap_or_default().iter().map(index).collect::<Result<_, _>>()?,
        ttl: properties
            .path(&["TimeToLiveSpecification", "AttributeName"])
            .map(|name| name.text().map(str::to_owned))
            .transpose()?,
    })
}

fn attribute(node: &Node<'_>) -> Result<(String, String), Error> {
    Ok((node.get("AttributeName")?.text()?.to_owned(), node.get("AttributeType")?.text()?.to_owned()))
}

fn index(node: &Node<'_>) -> Result<Index, Error> {
    Ok(Index {
        name: node.get("IndexName")?.text()?.to_owned(),
        key: key(node)?,
        projection: node.get("Projection")?.get("ProjectionType")?.text()?.to_owned(),
    })
}

fn key(node: &Node<'_>) -> Result<Key, Error> {
    let schema = node.get("KeySchema")?;
    let (mut hash, mut range) = (None, None);
    for part in schema.items()? {
        let name = part.get("AttributeName")?.text()?.to_owned();
        let role = part.get("KeyType")?;
        match role.text()? {
            "HASH" => hash = Some(name),
            "RANGE" => range = Some(name),
            other => return Err(role.unexpected(format!("“{other}” is neither HASH nor RANGE"))),
        }
    }
    match hash {
        Some(hash) => Ok(Key { hash, range }),
        None => Err(schema.unexpected("has no HASH key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = include_str!("../../../template.yaml");

    fn refused(template: &str) -> String {
        Template::parse(template).unwrap_err().to_string()
    }

    #[test]
    fn the_real_template_routes_invoices_to_the_invoice_binary() {
        let template = Template::parse(REAL).unwrap();
        let route = template.routes.iter().find(|route| route.key == "POST /actions/invoice").unwrap();
        assert_eq!((route.method.as_str(), route.path.as_str()), ("POST", "/actions/invoice"));
        assert_eq!(route.timeout, Duration::from_secs(30));
        let function = template.function(&route.function).unwrap();
        assert_eq!((function.binary.as_str(), function.memory_mb), ("invoice", 256));
        assert!(function.timeout > route.timeout, "an execution must outlive the gateway's patience");
    }

    #[test]
    fn the_real_template_starts_the_reconciler_every_minute_and_the_refresh_every_quarter_of_an_hour() {
        let template = Template::parse(REAL).unwrap();
        let schedules = template.schedules.iter().map(|schedule| {
            (template.function(&schedule.function).unwrap().binary.as_str(), schedule.every.as_secs())
        });
        assert_eq!(schedules.collect::<Vec<_>>(), [("reconcile", 60), ("refresh", 900)]);
        let odd = REAL.replace("rate(1 minute)", "cron(0 * * * ? *)");
        assert!(refused(&odd).contains("is not rate("), "{}", refused(&odd));
    }

    #[test]
    fn every_function_gets_the_variables_that_have_no_default() {
        for function in Template::parse(REAL).unwrap().functions {
            for name in ["ENVIRONMENT", "PUBLIC_BASE_URL", "TABLE_NAME", "APP_SECRET_ID"] {
                assert!(
                    function.variables.iter().any(|set| set == name),
                    "{} lacks {name}",
                    function.logical_id
                );
            }
        }
    }

    #[test]
    fn the_real_table_has_its_key_two_indexes_and_a_ttl() {
        let table = Template::parse(REAL).unwrap().table;
        assert_eq!(table.key, Key { hash: "pk".to_owned(), range: Some("sk".to_owned()) });
        let indexes: Vec<_> =
            table.indexes.iter().map(|index| (index.name.as_str(), index.key.hash.as_str())).collect();
        assert_eq!(indexes, [("due", "due"), ("activity", "activity")]);
        assert!(table.attributes.contains(&("next_at".to_owned(), "N".to_owned())));
        assert_eq!(table.ttl.as_deref(), Some("ttl"));
    }

    #[test]
    fn the_real_alarms_say_what_they_look_at() {
        let alarms = Template::parse(REAL).unwrap().alarms;
        let of = |name: &str| alarms.iter().find(|alarm| alarm.name == name).unwrap();
        let slow = of("quickbooks-is-slow");
        assert_eq!((slow.link.as_str(), slow.condition.as_str()), ("quickbooks-is-slow", "HasAlarms"));
        let [selected] = slow.selected.as_slice() else { panic!("{slow:?}") };
        assert_eq!(
            (selected.namespace.as_str(), selected.metric.as_str()),
            ("hsqbo/${Environment}", "CallTime")
        );
        assert_eq!(selected.dimensions, [("vendor".to_owned(), "quickbooks".to_owned())]);
        assert_eq!(selected.statistic, "p95");
        assert_eq!(of("the-table-is-throttled").selected.len(), 4);
        assert_eq!((of("outage").condition.as_str(), of("outage").selected.len()), ("HasComposites", 0));
    }

    #[test]
    fn of_a_condition_the_last_value_holds_here() {
        let chosen = REAL
            .replace("      Timeout: 300\n", "      Timeout: !If [HasCanary, 5, !If [IsLimited, 6, 300]]\n");
        assert_ne!(chosen, REAL);
        assert_eq!(Template::parse(&chosen).unwrap(), Template::parse(REAL).unwrap());
    }

    #[test]
    fn a_missing_property_is_named_with_resource_and_line() {
        let message = refused(
            "Resources:\n  Form:\n    Type: AWS::Serverless::Function\n    Properties: {Timeout: 3}\n",
        );
        assert_eq!(message, "template.yaml, line 3: Resources.Form: has no Metadata");
    }

    #[test]
    fn a_route_to_a_function_that_is_not_there_is_refused() {
        let broken = REAL.replace("!GetAtt InvoiceFunction.Arn]", "!GetAtt Nobody.Arn]");
        let message = refused(&broken);
        assert!(
            message.ends_with("IntegrationUri: “Nobody” is not a function of this template"),
            "{message}"
        );
    }

    #[test]
    fn text_that_is_not_yaml_is_refused() {
        assert_eq!(refused("Resources: ["), "template.yaml is not YAML");
    }
}
