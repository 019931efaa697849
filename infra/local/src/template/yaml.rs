//! A place in a YAML document, which knows how it was reached, so that an error can say where.

use saphyr::{MarkedYaml, YamlData};

use super::Error;

/// A value and the keys that lead to it.
#[derive(Clone)]
pub(super) struct Node<'a> {
    place: Vec<String>,
    yaml: &'a MarkedYaml<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn root(yaml: &'a MarkedYaml<'a>) -> Self {
        Self { place: Vec::new(), yaml }
    }

    /// The last key on the way here.
    pub(super) fn name(&self) -> &str {
        self.place.last().map_or("", String::as_str)
    }

    /// The value under a key, if there is one.
    pub(super) fn find(&self, key: &str) -> Option<Self> {
        self.data().as_mapping_get(key).map(|yaml| self.step(key.to_owned(), yaml))
    }

    /// The value some keys further on, if there is one.
    pub(super) fn path(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self.clone(), |node, key| node.find(key))
    }

    /// The value under a key that must be there.
    pub(super) fn get(&self, key: &str) -> Result<Self, Error> {
        self.find(key).ok_or_else(|| self.unexpected(format!("has no {key}")))
    }

    /// The values of a mapping.
    pub(super) fn children(&self) -> Result<Vec<Self>, Error> {
        let mapping = self.data().as_mapping().ok_or_else(|| self.unexpected("is not a mapping"))?;
        Ok(mapping
            .iter()
            .map(|(key, yaml)| self.step(key.data.as_str().unwrap_or_default().to_owned(), yaml))
            .collect())
    }

    /// The values of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, Error> {
        let list = self.data().as_sequence().ok_or_else(|| self.unexpected("is not a list"))?;
        Ok(list.iter().enumerate().map(|(at, yaml)| self.step(at.to_string(), yaml)).collect())
    }

    /// A text; of `!Ref X`, `!Sub X` and `!GetAtt X` the X, of `!If` its last value.
    pub(super) fn text(&self) -> Result<&'a str, Error> {
        self.data().as_str().ok_or_else(|| self.unexpected("is not a text"))
    }

    /// A whole number.
    pub(super) fn number(&self) -> Result<u64, Error> {
        let number = self.data().as_integer().and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| self.unexpected("is not a whole number"))
    }

    pub(super) fn unexpected(&self, problem: impl Into<String>) -> Error {
        let place = if self.place.is_empty() { "the file".to_owned() } else { self.place.join(".") };
        Error::Unexpected { line: self.yaml.span.start.line(), place, problem: problem.into() }
    }

    fn step(&self, key: String, yaml: &'a MarkedYaml<'a>) -> Self {
        let place = self.place.iter().cloned().chain([key]).collect();
        Self { place, yaml }
    }

    /// The value without its short tag. What a condition of the template decides is off on one machine: no key of one's own,
    /// no limits, no canary.
    fn data(&self) -> &'a YamlData<'a, MarkedYaml<'a>> {
        untagged(&self.yaml.data)
    }
}

fn untagged<'a>(data: &'a YamlData<'a, MarkedYaml<'a>>) -> &'a YamlData<'a, MarkedYaml<'a>> {
    match data {
        YamlData::Tagged(tag, inner) => match inner.data.as_sequence() {
            Some(choices) if tag.suffix == "If" && choices.len() == 3 => untagged(&choices[2].data),
            _ => &inner.data,
        },
        data => data,
    }
}
