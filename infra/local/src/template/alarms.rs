//! The alarms: what each looks at, and who is told by which condition. Nothing of them runs on one machine; tests compare them
//! with what the functions count.

use super::yaml::Node;
use super::{Error, of_type};

/// An `AWS::CloudWatch::Alarm` or `CompositeAlarm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What its name has behind `hsqbo-${Environment}-`.
    pub name: String,
    /// The heading of the runbook that its description links to.
    pub link: String,
    /// The condition of the template under which it is there.
    pub condition: String,
    /// The metrics it looks at; a composite alarm has none.
    pub selected: Vec<Selected>,
    /// Beyond what it goes off, where that is a whole number.
    pub threshold: Option<u64>,
}

/// A metric that an alarm looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// `AWS/Lambda`, or `hsqbo/${Environment}` for our own.
    pub namespace: String,
    /// Its name.
    pub metric: String,
    /// Its dimensions: name and value.
    pub dimensions: Vec<(String, String)>,
    /// What is made of its figures: `Sum`, `SampleCount`, `p95`.
    pub statistic: String,
}

const NAME: &str = "hsqbo-${Environment}-";
const LINK: &str = "${RunbookUrl}#";

/// All alarms of the template.
pub(super) fn read(resources: &Node<'_>) -> Result<Vec<Alarm>, Error> {
    let mut alarms = Vec::new();
    for kind in ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"] {
        for resource in of_type(resources, kind)? {
            alarms.push(alarm(&resource)?);
        }
    }
    Ok(alarms)
}

fn alarm(resource: &Node<'_>) -> Result<Alarm, Error> {
    let properties = resource.get("Properties")?;
    let (name, description) = (properties.get("AlarmName")?, properties.get("AlarmDescription")?);
    let named = name.text()?.strip_prefix(NAME);
    let link = description.text()?.split_once(LINK).map(|(_, link)| link);
    Ok(Alarm {
        name: named.ok_or_else(|| name.unexpected(format!("does not begin with {NAME}")))?.to_owned(),
        link: link.ok_or_else(|| description.unexpected("has no link to the runbook"))?.to_owned(),
        condition: resource.get("Condition")?.text()?.to_owned(),
        selected: all_selected(&properties)?,
        threshold: properties.find("Threshold").and_then(|threshold| threshold.number().ok()),
    })
}

fn all_selected(properties: &Node<'_>) -> Result<Vec<Selected>, Error> {
    if properties.find("MetricName").is_some() {
        let statistic = properties.find("ExtendedStatistic");
        return Ok(vec![selected(properties, &statistic.map_or_else(|| properties.get("Statistic"), Ok)?)?]);
    }
    let Some(queries) = properties.find("Metrics") else { return Ok(Vec::new()) };
    let queries = queries.items()?;
    let stats = queries.iter().filter_map(|query| query.find("MetricStat"));
    stats.map(|stat| selected(&stat.get("Metric")?, &stat.get("Stat")?)).collect()
}

fn selected(metric: &Node<'_>, statistic: &Node<'_>) -> Result<Selected, Error> {
    let dimensions = metric.find("Dimensions").map(|dimensions| dimensions.items()).transpose()?;
    let dimension =
        |node: &Node<'_>| Ok((node.get("Name")?.text()?.to_owned(), node.get("Value")?.text()?.to_owned()));
    Ok(Selected {
        namespace: metric.get("Namespace")?.text()?.to_owned(),
        metric: metric.get("MetricName")?.text()?.to_owned(),
        dimensions: dimensions.unwrap_or_default().iter().map(dimension).collect::<Result<_, Error>>()?,
        statistic: statistic.text()?.to_owned(),
    })
}
