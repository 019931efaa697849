//! The workflow actions of an app project, read from its `*-hsmeta.json` files (hubspot.md §1.1, §1.2), and the rules by
//! which HubSpot chooses the sentence of a workflow's history.
//!
//! A project is refused here for what HubSpot would only show later as an empty history: a rule without its label, or a
//! label that names an output the action does not have.

use super::object_type::ObjectType;
use super::switches::EmptyConditions;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

/// One custom workflow action, as far as running it needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    pub(super) action_url: String,
    /// Upper-case object type names of the workflows that may hold the action.
    object_types: Vec<String>,
    #[serde(default)]
    pub(super) object_request_options: Option<ObjectRequestOptions>,
    input_fields: Vec<Field>,
    #[serde(default)]
    input_field_dependencies: Vec<Dependency>,
    output_fields: Vec<Field>,
    execution_rules: Vec<Rule>,
    /// Texts by locale.
    labels: BTreeMap<String, Labels>,
}

/// Which properties of the enrolled record HubSpot puts into the request.
#[derive(Debug, Deserialize)]
pub(super) struct ObjectRequestOptions {
    pub(super) properties: Vec<String>,
}

/// An input or output of an action.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    type_definition: TypeDefinition,
    #[serde(default)]
    is_required: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeDefinition {
    name: String,
    /// The choices of a drop-down that always has the same.
    #[serde(default)]
    options: Vec<Choice>,
    /// Where the choices of any other drop-down are fetched.
    options_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    value: String,
}

/// Inputs the editor keeps shut until another has a value, or a certain one.
#[derive(Debug, Deserialize)]
#[serde(tag = "dependencyType", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
enum Dependency {
    SingleField {
        controlling_field_name: String,
        dependent_field_names: Vec<String>,
    },
    ConditionalSingleField {
        controlling_field_name: String,
        controlling_field_value: String,
        dependent_field_names: Vec<String>,
    },
}

/// When which label is shown.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) label_name: String,
    conditions: BTreeMap<String, Accepted>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Accepted {
    One(String),
    AnyOf(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labels {
    #[serde(default)]
    action_card_content: String,
    #[serde(default)]
    input_field_labels: BTreeMap<String, String>,
    #[serde(default)]
    input_field_descriptions: BTreeMap<String, String>,
    /// Field, value, text.
    #[serde(default)]
    input_field_option_labels: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    output_field_labels: BTreeMap<String, String>,
    #[serde(default)]
    execution_rules: BTreeMap<String, String>,
}

/// Outputs HubSpot itself understands; no action declares them (hubspot.md §2.2).
const IMPLICIT_OUTPUTS: [&str; 2] = ["hs_execution_state", "hs_expiration_duration"];

/// Reads every action of the project at `project`, by name: the file's name before `-hsmeta.json`.
pub(super) fn load(project: &Path) -> io::Result<BTreeMap<String, Action>> {
    let folder = project.join("src/app/workflow-actions");
    let at =
        |path: &Path, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let mut actions = BTreeMap::new();
    for entry in fs::read_dir(&folder).map_err(|error| at(&folder, &error))? {
        let path = entry?.path();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(name) = file_name.strip_suffix("-hsmeta.json") else { continue };
        let text = fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        let action = parse(&text).map_err(|error| at(&path, &error))?;
        actions.insert(name.to_owned(), action);
    }
    Ok(actions)
}

impl Action {
    /// The first rule whose every condition the outputs meet; outputs a rule does not name are ignored. Whether a rule
    /// without conditions is met by all outputs or by none, HubSpot leaves open (hubspot.md §13).
    pub(super) fn rule(&self, outputs: &BTreeMap<String, String>, empty: EmptyConditions) -> Option<&Rule> {
        self.execution_rules.iter().find(|rule| rule.fits(outputs, empty))
    }

    /// The sentence of a rule in every locale, its placeholders replaced; an output that is missing leaves nothing.
    pub(super) fn sentences(
        &self,
        rule: &Rule,
        outputs: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        self.labels
            .iter()
            .map(|(locale, labels)| {
                (locale.clone(), interpolate(&labels.execution_rules[&rule.label_name], outputs))
            })
            .collect()
    }

    /// Whether the action declares the output, or HubSpot knows it anyway.
    pub(super) fn has_output(&self, name: &str) -> bool {
        IMPLICIT_OUTPUTS.contains(&name) || self.output_fields.iter().any(|field| field.name() == name)
    }

    /// Whether the action declares the input.
    pub(super) fn has_input(&self, name: &str) -> bool {
        self.input(name).is_some()
    }

    /// The inputs the action declares.
    pub(super) fn input_names(&self) -> impl Iterator<Item = &str> {
        self.input_fields.iter().map(Field::name)
    }

    fn input(&self, name: &str) -> Option<&Field> {
        self.input_fields.iter().find(|field| field.name() == name)
    }

    /// Whether workflows on such records may hold the action.
    pub(super) fn is_offered_for(&self, kind: ObjectType) -> bool {
        self.object_types.iter().any(|name| ObjectType::from_workflow(name) == Some(kind))
    }

    /// Where the choices of an input are fetched, or why they are not.
    pub(super) fn options_url(&self, name: &str) -> Result<&str, String> {
        let field = self.input(name).ok_or_else(|| format!("the action has no input {name}"))?;
        let url = field.type_definition.options_url.as_deref();
        url.ok_or_else(|| format!("the input {name} fetches no options"))
    }

    /// The inputs whose values an option fetch of this one can rely on.
    pub(super) fn controlling(&self, name: &str) -> BTreeSet<&str> {
        let dependencies = self.input_field_dependencies.iter();
        dependencies
            .filter(|dependency| dependency.dependents().iter().any(|dependent| dependent == name))
            .map(Dependency::controlling)
            .collect()
    }

    /// What the workflow editor would refuse about the inputs: a field the action lacks, a required one left empty, a
    /// choice that is not offered, a value in a field that is shut.
    pub(super) fn input_problem(&self, inputs: &BTreeMap<String, Option<String>>) -> Option<String> {
        let value = |name: &str| inputs.get(name)?.as_deref().filter(|text| !text.is_empty());
        if let Some(unknown) = inputs.keys().find(|name| !self.has_input(name)) {
            return Some(format!("the action has no input {unknown}"));
        }
        let missing = |field: &&Field| field.is_required && value(field.name()).is_none();
        if let Some(missing) = self.input_fields.iter().find(missing) {
            return Some(format!("the input {} is required", missing.name()));
        }
        let not_offered = |field: &Field| {
            let value = value(field.name()).filter(|value| !field.offers(value))?;
            Some(format!("the input {} does not offer {value}", field.name()))
        };
        let shut = |dependency: &Dependency| {
            let closed = dependency.closed_by(value(dependency.controlling()))?;
            let filled = dependency.dependents().iter().find(|name| value(name).is_some())?;
            Some(format!("the input {filled} stays empty unless {closed}"))
        };
        self.input_fields
            .iter()
            .find_map(not_offered)
            .or_else(|| self.input_field_dependencies.iter().find_map(shut))
    }
}

impl Field {
    fn name(&self) -> &str {
        &self.type_definition.name
    }

    /// Whether a value can be chosen; a field without fixed choices takes any.
    fn offers(&self, value: &str) -> bool {
        let options = &self.type_definition.options;
        options.is_empty() || options.iter().any(|option| option.value == value)
    }
}

impl Dependency {
    fn controlling(&self) -> &str {
        match self {
            Self::SingleField { controlling_field_name, .. }
            | Self::ConditionalSingleField { controlling_field_name, .. } => controlling_field_name,
        }
    }

    fn dependents(&self) -> &[String] {
        match self {
            Self::SingleField { dependent_field_names, .. }
            | Self::ConditionalSingleField { dependent_field_names, .. } => dependent_field_names,
        }
    }

    /// What would open the dependent inputs, when the controlling one's value does not.
    fn closed_by(&self, value: Option<&str>) -> Option<String> {
        let controlling = self.controlling();
        match self {
            Self::SingleField { .. } => value.is_none().then(|| format!("{controlling} is filled in")),
            Self::ConditionalSingleField { controlling_field_value: opening, .. } => {
                (value != Some(opening)).then(|| format!("{controlling} is {opening}"))
            }
        }
    }
}

impl Rule {
    fn fits(&self, outputs: &BTreeMap<String, String>, empty: EmptyConditions) -> bool {
        let may_fit = empty == EmptyConditions::FitEverything || !self.conditions.is_empty();
        may_fit
            && self
                .conditions
                .iter()
                .all(|(name, accepted)| outputs.get(name).is_some_and(|value| accepted.contains(value)))
    }
}

impl Accepted {
    fn contains(&self, value: &str) -> bool {
        match self {
            Self::One(accepted) => accepted == value,
            Self::AnyOf(accepted) => accepted.iter().any(|accepted| accepted == value),
        }
    }
}

fn parse(text: &str) -> Result<Action, String> {
    #[derive(Deserialize)]
    struct Component {
        r#type: String,
        config: Action,
    }
    let component: Component = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if component.r#type != "workflow-action" {
        return Err(format!("a {} is no workflow action", component.r#type));
    }
    component.config.checked()
}

impl Action {
    fn checked(self) -> Result<Self, String> {
        if !self.labels.contains_key("en") {
            return Err("labels in en are mandatory".to_owned());
        }
        for rule in &self.execution_rules {
            if let Some(output) = rule.conditions.keys().find(|name| !self.has_output(name)) {
                return Err(format!("rule {} asks for {output}, which is no output", rule.label_name));
            }
        }
        for dependency in &self.input_field_dependencies {
            self.check_dependency(dependency)?;
        }
        for (locale, labels) in &self.labels {
            self.check_labels(labels).map_err(|problem| format!("labels in {locale}: {problem}"))?;
        }
        Ok(self)
    }

    fn check_dependency(&self, dependency: &Dependency) -> Result<(), String> {
        let controlling = dependency.controlling();
        let mut names = dependency.dependents().iter().map(String::as_str).chain([controlling]);
        if let Some(stray) = names.find(|name| !self.has_input(name)) {
            return Err(format!("a dependency names {stray}, which is no input"));
        }
        match (dependency, self.input(controlling)) {
            (Dependency::ConditionalSingleField { controlling_field_value: value, .. }, Some(field))
                if !field.offers(value) =>
            {
                Err(format!("a dependency waits for {controlling} to be {value}, which is not offered"))
            }
            _ => Ok(()),
        }
    }

    fn check_labels(&self, labels: &Labels) -> Result<(), String> {
        let names = |fields: &[Field]| fields.iter().map(|field| field.name().to_owned()).collect::<Vec<_>>();
        same_keys("inputFieldLabels", &names(&self.input_fields), &labels.input_field_labels)?;
        same_keys("inputFieldDescriptions", &names(&self.input_fields), &labels.input_field_descriptions)?;
        self.check_option_labels(labels)?;
        same_keys("outputFieldLabels", &names(&self.output_fields), &labels.output_field_labels)?;
        let rules: Vec<String> = self.execution_rules.iter().map(|rule| rule.label_name.clone()).collect();
        same_keys("executionRules", &rules, &labels.execution_rules)?;
        for (rule, text) in &labels.execution_rules {
            if let Some(name) = placeholders(text).find(|name| !self.has_output(name)) {
                return Err(format!("{rule} shows {name}, which is no output"));
            }
        }
        match placeholders(&labels.action_card_content).find(|name| !self.has_input(name)) {
            Some(name) => Err(format!("actionCardContent shows {name}, which is no input")),
            None => Ok(()),
        }
    }

    fn check_option_labels(&self, labels: &Labels) -> Result<(), String> {
        let given = &labels.input_field_option_labels;
        let none = BTreeMap::new();
        for field in &self.input_fields {
            let values: Vec<String> =
                field.type_definition.options.iter().map(|option| option.value.clone()).collect();
            let what = format!("inputFieldOptionLabels of {}", field.name());
            same_keys(&what, &values, given.get(field.name()).unwrap_or(&none))?;
        }
        match given.keys().find(|name| !self.has_input(name)) {
            Some(stray) => Err(format!("inputFieldOptionLabels has {stray}, which is no input")),
            None => Ok(()),
        }
    }
}

fn same_keys(what: &str, wanted: &[String], labels: &BTreeMap<String, String>) -> Result<(), String> {
    if let Some(missing) = wanted.iter().find(|name| labels.get(*name).is_none_or(String::is_empty)) {
        return Err(format!("{what} lacks {missing}"));
    }
    match labels.keys().find(|name| !wanted.contains(name)) {
        Some(stray) => Err(format!("{what} has {stray}, which nothing uses")),
        None => Ok(()),
    }
}

/// Text and placeholder names of a label, in turn: even places are text, odd ones are names.
fn pieces(label: &str) -> impl Iterator<Item = &str> {
    label.split("{{").enumerate().flat_map(|(place, piece)| match piece.split_once("}}") {
        Some((name, text)) if place > 0 => [name.trim(), text],
        _ => ["", piece],
    })
}

fn placeholders(label: &str) -> impl Iterator<Item = &str> {
    pieces(label).step_by(2).filter(|name| !name.is_empty())
}

fn interpolate(label: &str, outputs: &BTreeMap<String, String>) -> String {
    pieces(label)
        .enumerate()
        .map(|(place, piece)| match place % 2 {
            0 => outputs.get(piece).map_or("", String::as_str),
            _ => piece,
        })
        .collect()
}

#[cfg(test)]
mod tests;
