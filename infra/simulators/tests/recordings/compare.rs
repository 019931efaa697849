//! Two JSON bodies side by side: every difference, with its path.

use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value};

/// One place where the bodies differ.
#[derive(Debug)]
pub(crate) struct Difference {
    /// As in `QueryResponse.Customer[3].BillAddr.City`; `status` and `content type` for what is around the body.
    pub(crate) path: String,
    pub(crate) what: String,
}

/// How texts and numbers at a path are compared that request and seed do not determine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// The same JSON type.
    Type,
    /// The same text up to and with the first mark, and from the last second mark on.
    Around(&'static str, &'static str),
    /// The same path of an address, on whatever host.
    UrlPath,
}

/// A rule for the paths a pattern matches, as [`matches`] has it.
pub(crate) type Loose = (&'static str, Rule);

impl Difference {
    /// Between two values that ought to be the same.
    pub(crate) fn new(path: &str, recorded: impl Display, simulated: impl Display) -> Difference {
        Difference { path: path.to_owned(), what: format!("recorded {recorded}, the simulator {simulated}") }
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Every difference between two bodies: fields one of them lacks, types, lengths of lists, texts and numbers to the digit.
/// Of moments only the form is compared.
pub(crate) fn differences(recorded: &Value, simulated: &Value, loose: &[Loose]) -> Vec<Difference> {
    let mut comparison = Comparison { loose, found: Vec::new() };
    comparison.values("", recorded, simulated);
    comparison.found
}

/// Whether a pattern means a path: `[]` stands for any index, a star at either end for anything.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let path: String = path.split('[').map(after_index).collect::<Vec<_>>().join("[");
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => path.ends_with(end),
        (_, Some(start)) => path.starts_with(start),
        _ => path == pattern,
    }
}

fn after_index(part: &str) -> &str {
    part.find(']').map_or(part, |end| &part[end..])
}

struct Comparison<'a> {
    loose: &'a [Loose],
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn values(&mut self, path: &str, recorded: &Value, simulated: &Value) {
        match (recorded, simulated) {
            (Value::Object(recorded), Value::Object(simulated)) => self.objects(path, recorded, simulated),
            (Value::Array(recorded), Value::Array(simulated)) => self.lists(path, recorded, simulated),
            _ if self.agree(path, recorded, simulated) => {}
            _ => self.found.push(Difference::new(path, recorded, simulated)),
        }
    }

    fn objects(&mut self, path: &str, recorded: &Map<String, Value>, simulated: &Map<String, Value>) {
        let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        for (name, value) in recorded {
            match simulated.get(name) {
                Some(other) => self.values(&inner(name), value, other),
                None => self.found.push(Difference::new(&inner(name), value, "lacks it")),
            }
        }
        let invented = simulated.iter().filter(|(name, _)| !recorded.contains_key(*name));
        self.found.extend(
            invented.map(|(name, value)| {
                Difference::new(&inner(name), "nothing", format_args!("invents {value}"))
            }),
        );
    }

    fn lists(&mut self, path: &str, recorded: &[Value], simulated: &[Value]) {
        if recorded.len() != simulated.len() {
            let entries = |list: &[Value]| format!("{} entries", list.len());
            self.found.push(Difference::new(path, entries(recorded), entries(simulated)));
        }
        for (index, (recorded, simulated)) in recorded.iter().zip(simulated).enumerate() {
            self.values(&format!("{path}[{index}]"), recorded, simulated);
        }
    }

    fn agree(&self, path: &str, recorded: &Value, simulated: &Value) -> bool {
        let same_type = std::mem::discriminant(recorded) == std::mem::discriminant(simulated);
        match self.loose.iter().find(|(pattern, _)| matches(pattern, path)) {
            Some((_, Rule::Type)) => same_type,
            Some((_, Rule::Around(start, end))) => {
                around(recorded, start, end) == around(simulated, start, end)
            }
            Some((_, Rule::UrlPath)) => {
                url_path(recorded).is_some() && url_path(recorded) == url_path(simulated)
            }
            None if is_moment(path) => same_type && form(recorded) == form(simulated),
            None => recorded == simulated,
        }
    }
}

fn is_moment(path: &str) -> bool {
    ["time", "CreateTime", "LastUpdatedTime"].contains(&path.rsplit('.').next().unwrap_or(path))
}

/// The value with every digit the same.
fn form(value: &Value) -> String {
    value.to_string().chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

/// What stands before and behind the part that differs.
fn around<'a>(value: &'a Value, start: &str, end: &str) -> Option<(&'a str, &'a str)> {
    let text = value.as_str()?;
    let start = text.find(start)? + start.len();
    let end = if end.is_empty() { text.len() } else { text.rfind(end)? };
    Some((&text[..start], &text[end..]))
}

fn url_path(value: &Value) -> Option<&str> {
    let (_, address) = value.as_str()?.split_once("://")?;
    address.split_once('/').map(|(_, path)| path)
}

#[test]
fn each_kind_of_difference_is_found_at_its_path() {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let recorded = parsed(r#"{"a": {"b": [1.00, {"c": "x"}], "gone": null}, "time": "2020-01-01"}"#);
    let simulated = parsed(r#"{"a": {"b": [1.0, {"c": 7}, 3]}, "new": true, "time": "2026-11-23"}"#);
    let paths = |loose: &[Loose]| -> Vec<_> {
        differences(&recorded, &simulated, loose).into_iter().map(|found| found.path).collect()
    };
    assert_eq!(paths(&[]), ["a.b", "a.b[0]", "a.b[1].c", "a.gone", "new"]);
    assert_eq!(paths(&[("a.b[]", Rule::Type)]), ["a.b", "a.b[1].c", "a.gone", "new"]);
    assert!(differences(&recorded, &recorded, &[]).is_empty());
}

#[test]
fn what_surrounds_a_loose_part_is_still_compared() {
    let differ = |a: &str, b: &str| {
        !differences(&Value::from(a), &Value::from(b), &[("", Rule::Around("by ", ", late"))]).is_empty()
    };
    assert!(!differ("done by Ann, late", "done by Bob, late"));
    assert!(differ("done by Ann, late", "gone by Bob, late"));
    assert!(differ("done by Ann, late", "done by Bob, later"));
    assert!(matches("*.BillAddr.Id", "Invoice.Line[12].BillAddr.Id") && matches("a[].b", "a[12].b"));
}
