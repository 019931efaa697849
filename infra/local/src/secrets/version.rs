//! The versions of one secret, and how labels move between them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::vault::Refusal;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// What a version holds: text, or bytes in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Text(String),
    Bytes(String),
}

impl Content {
    /// Written into an answer under the key AWS uses for it.
    pub(super) fn write(&self, answer: &mut Value) {
        match self {
            Self::Text(text) => answer["SecretString"] = json!(text),
            Self::Bytes(base64) => answer["SecretBinary"] = json!(base64),
        }
    }
}

#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) content: Content,
    pub(super) stages: BTreeSet<String>,
    pub(super) created: Timestamp,
}

/// All versions, oldest first. A label is on one of them at most.
#[derive(Debug, Default)]
pub(super) struct Versions(Vec<Version>);

impl Versions {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Version> {
        self.0.iter()
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Version> {
        self.0.iter().find(|version| version.id == id)
    }

    pub(super) fn by_stage(&self, stage: &str) -> Option<&Version> {
        self.0.iter().find(|version| version.stages.contains(stage))
    }

    /// Adds a version and puts labels on it. The first one is current whatever it is asked to be.
    pub(super) fn add(&mut self, id: &str, content: Content, stages: &[String]) {
        let first = self.0.is_empty();
        self.0.push(Version {
            id: id.to_owned(),
            content,
            stages: BTreeSet::new(),
            created: Timestamp::now(),
        });
        for stage in stages {
            self.attach(stage, id);
        }
        if first {
            self.attach(CURRENT, id);
        }
    }

    /// Moves a label: a compare-and-swap, because `from` must hold it.
    pub(super) fn shift(&mut self, stage: &str, from: Option<&str>, to: Option<&str>) -> Result<(), Refusal> {
        if let Some(to) = to.filter(|to| self.by_id(to).is_none()) {
            return Err(Refusal::not_found(format!("the version {to}")));
        }
        let holder = self.by_stage(stage).map(|version| version.id.clone());
        match (holder, from, to) {
            (Some(holder), None, Some(to)) if holder == to => Ok(()),
            (Some(holder), None, _) => Err(Refusal::parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version \
                 {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            ))),
            (holder, Some(from), _) if holder.as_deref() != Some(from) => {
                Err(Refusal::parameter(format!("Staging label {stage} is not attached to version {from}.")))
            }
            (_, _, None) if stage == CURRENT => Err(Refusal::parameter(
                "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
            )),
            (_, _, Some(to)) => {
                self.attach(stage, to);
                Ok(())
            }
            (_, _, None) => {
                self.detach(stage);
                Ok(())
            }
        }
    }

    /// Puts a label on a version, off any other. Where current leaves, previous comes.
    fn attach(&mut self, stage: &str, id: &str) {
        let left = self.detach(stage);
        if let Some(version) = self.0.iter_mut().find(|version| version.id == id) {
            version.stages.insert(stage.to_owned());
        }
        if let Some(left) = left.filter(|left| stage == CURRENT && left != id) {
            self.attach(PREVIOUS, &left);
        }
    }

    fn detach(&mut self, stage: &str) -> Option<String> {
        let holder = self.0.iter_mut().find(|version| version.stages.contains(stage))?;
        holder.stages.remove(stage);
        Some(holder.id.clone())
    }
}
