//! A JSON value against a type.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::{Map, Number, Value};

use super::schema::{Field, Object, Particle, Schemas, Type};

/// One thing that is not as the schema says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The path of the value, such as `Line[0].Amount`; empty for the body itself.
    pub at: String,
    /// What is wrong with it.
    pub rule: String,
}

impl Schemas {
    /// Everything in `value` that is not as the type says; order aside. A type that is nowhere is a finding itself.
    pub fn check(&self, of: &str, value: &Value) -> Vec<Finding> {
        let mut walk = Walk { schemas: self, findings: Vec::new() };
        walk.value("", of, value, None);
        walk.findings
    }
}

struct Walk<'a> {
    schemas: &'a Schemas,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    fn found(&mut self, at: &str, rule: impl Into<String>) {
        self.findings.push(Finding { at: at.to_owned(), rule: rule.into() });
    }

    fn value(&mut self, at: &str, of: &str, value: &Value, longest: Option<usize>) {
        if of.starts_with("xs:") {
            return self.primitive(at, of, value, longest);
        }
        match self.schemas.types.get(of) {
            Some(Type::Simple { base, values }) => self.simple(at, of, base, values, value, longest),
            Some(Type::Object(object)) => match value {
                Value::Object(members) => self.object(at, of, object, members, longest),
                _ => self.found(at, format!("is not an object of type {of}")),
            },
            None => self.found(at, format!("no schema defines the type {of}")),
        }
    }

    fn primitive(&mut self, at: &str, of: &str, value: &Value, longest: Option<usize>) {
        let fits = match (of, value) {
            ("xs:anyType", _) => true,
            ("xs:string" | "xs:anyURI", Value::String(text)) => {
                self.length(at, text, longest);
                true
            }
            ("xs:boolean", Value::Bool(_)) => true,
            ("xs:decimal", Value::Number(number)) => is_plain(number),
            ("xs:int", Value::Number(number)) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
            ("xs:long" | "xs:integer", Value::Number(number)) => number.as_i64().is_some(),
            ("xs:positiveInteger", Value::Number(number)) => number.as_u64().is_some_and(|n| n > 0),
            ("xs:date", Value::String(text)) => is_date(text),
            ("xs:dateTime", Value::String(text)) => is_time(text),
            _ => false,
        };
        if !fits {
            self.found(at, format!("{value} is no {of}"));
        }
    }

    fn length(&mut self, at: &str, text: &str, longest: Option<usize>) {
        let count = text.chars().count();
        if let Some(longest) = longest.filter(|longest| count > *longest) {
            self.found(at, format!("has {count} characters, at most {longest}"));
        }
    }

    fn simple(
        &mut self,
        at: &str,
        of: &str,
        base: &str,
        values: &[String],
        value: &Value,
        longest: Option<usize>,
    ) {
        self.value(at, base, value, longest);
        let is_one = |text: &str| values.is_empty() || values.iter().any(|allowed| allowed == text);
        if let Some(text) = value.as_str().filter(|text| !is_one(text)) {
            self.found(at, format!("{text:?} is none of {of}"));
        }
    }

    fn object(
        &mut self,
        at: &str,
        of: &str,
        object: &'a Object,
        members: &Map<String, Value>,
        longest: Option<usize>,
    ) {
        let particles = self.particles(object);
        let fields: BTreeMap<&str, &Field> = particles
            .iter()
            .flat_map(|particle| particle.fields())
            .map(|field| (field.name.as_str(), field))
            .collect();
        let is_open = particles.iter().any(|particle| particle.is_open());
        for (name, value) in members {
            let at = join(at, name);
            match (fields.get(name.as_str()), &object.value) {
                (Some(field), _) => self.field(&at, field, value),
                (None, Some(base)) if name == "value" => self.value(&at, base, value, longest),
                _ if is_open => {}
                _ => self.found(&at, format!("is no member of {of}")),
            }
        }
        if object.value.is_some() && !members.contains_key("value") {
            self.found(&join(at, "value"), "is missing");
        }
        particles.iter().for_each(|particle| self.presence(at, particle, members));
    }

    /// A type's own members and those of what it extends.
    fn particles(&self, object: &'a Object) -> Vec<&'a Particle> {
        let mut particles: Vec<_> = object.members.iter().collect();
        let base = object.extends.as_ref().and_then(|base| self.schemas.types.get(base));
        if let Some(Type::Object(base)) = base {
            particles.extend(self.particles(base));
        }
        particles
    }

    fn field(&mut self, at: &str, field: &Field, value: &Value) {
        match (field.many, value) {
            (true, Value::Array(values)) => {
                if field.required && values.is_empty() {
                    self.found(at, "is empty");
                }
                for (index, value) in values.iter().enumerate() {
                    self.value(&format!("{at}[{index}]"), &field.of, value, field.longest);
                }
            }
            (true, _) => self.found(at, "is not a list"),
            (false, _) => self.value(at, &field.of, value, field.longest),
        }
    }

    /// Whether everything that must be there is, and of alternatives only one.
    fn presence(&mut self, at: &str, particle: &Particle, members: &Map<String, Value>) {
        match particle {
            Particle::Field(field) if field.required && !members.contains_key(&field.name) => {
                self.found(&join(at, &field.name), "is missing");
            }
            Particle::All { required, of } if *required || particle.is_present(members) => {
                of.iter().for_each(|part| self.presence(at, part, members));
            }
            Particle::OneOf { required, of } => {
                let present: Vec<_> = of.iter().filter(|part| part.is_present(members)).collect();
                match present[..] {
                    [] if *required && !of.iter().any(Particle::may_be_absent) => {
                        self.found(at, format!("has none of {}", names(of.iter())));
                    }
                    [] => {}
                    [one] => self.presence(at, one, members),
                    _ => self.found(at, format!("has more than one of {}", names(present.into_iter()))),
                }
            }
            _ => {}
        }
    }
}

impl Particle {
    fn is_open(&self) -> bool {
        match self {
            Particle::Anything => true,
            Particle::All { of, .. } | Particle::OneOf { of, .. } => of.iter().any(Particle::is_open),
            Particle::Field(_) => false,
        }
    }

    fn is_present(&self, members: &Map<String, Value>) -> bool {
        self.fields().iter().any(|field| members.contains_key(&field.name))
    }

    fn may_be_absent(&self) -> bool {
        match self {
            Particle::Field(field) => !field.required,
            Particle::All { required, of } => !required || of.iter().all(Particle::may_be_absent),
            Particle::OneOf { required, of } => !required || of.iter().any(Particle::may_be_absent),
            Particle::Anything => true,
        }
    }
}

fn names<'a>(particles: impl Iterator<Item = &'a Particle>) -> String {
    let fields = particles.flat_map(Particle::fields).map(|field| field.name.as_str());
    fields.collect::<Vec<_>>().join(", ")
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// A decimal of XML Schema has no exponent, and Intuit wants none in JSON (quickbooks.md §1.4).
fn is_plain(number: &Number) -> bool {
    !number.to_string().contains(['e', 'E'])
}

fn is_date(text: &str) -> bool {
    has_form(text, "####-##-##") && text.len() == 10 && text.parse::<Date>().is_ok()
}

/// With or without an offset: XML Schema leaves that open.
fn is_time(text: &str) -> bool {
    let exists = text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok();
    has_form(text, "####-##-##T##:##:##") && exists
}

/// Whether it begins like the form, where `#` is a digit.
fn has_form(text: &str, form: &str) -> bool {
    let fits =
        |(given, wanted): (u8, u8)| if wanted == b'#' { given.is_ascii_digit() } else { given == wanted };
    text.len() >= form.len() && text.bytes().zip(form.bytes()).all(fits)
}
