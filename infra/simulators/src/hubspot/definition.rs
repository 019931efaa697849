//! The workflow actions of an app project, read from its `*-hsmeta.json` files (hubspot.md §1.1, §1.2), and the rules by
//! which HubSpot chooses the sentence of a workflow's history.
//!
//! A project is refused here for what HubSpot would only show later as an empty history: a rule without its label, or a
//! label that names an output the action does not have.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// One custom workflow action, as far as running it needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    pub(super) action_url: String,
    /// Upper-case object type names of the workflows that may hold the action.
    pub(super) object_types: Vec<String>,
    #[serde(default)]
    pub(super) object_request_options: Option<ObjectRequestOptions>,
    pub(super) input_fields: Vec<Field>,
    pub(super) output_fields: Vec<Field>,
    pub(super) execution_rules: Vec<Rule>,
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
pub(super) struct Field {
    type_definition: TypeDefinition,
    #[serde(default)]
    pub(super) is_required: bool,
}

#[derive(Debug, Deserialize)]
struct TypeDefinition {
    name: String,
}

/// When which label is shown. A rule without conditions fits every answer.
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
    /// The first rule whose every condition the outputs meet; outputs a rule does not name are ignored.
    pub(super) fn rule(&self, outputs: &BTreeMap<String, String>) -> Option<&Rule> {
        self.execution_rules.iter().find(|rule| rule.fits(outputs))
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

    fn has_input(&self, name: &str) -> bool {
        self.input_fields.iter().any(|field| field.name() == name)
    }

    /// What the workflow editor would refuse about the inputs: a field the action lacks, a required one left empty.
    pub(super) fn input_problem(&self, inputs: &BTreeMap<String, Option<String>>) -> Option<String> {
        let filled = |name| {
            inputs.get(name).is_some_and(|value| value.as_deref().is_some_and(|text| !text.is_empty()))
        };
        if let Some(unknown) = inputs.keys().find(|name| !self.has_input(name)) {
            return Some(format!("the action has no input {unknown}"));
        }
        let missing = self.input_fields.iter().find(|field| field.is_required && !filled(field.name()))?;
        Some(format!("the input {} is required", missing.name()))
    }
}

impl Field {
    pub(super) fn name(&self) -> &str {
        &self.type_definition.name
    }
}

impl Rule {
    fn fits(&self, outputs: &BTreeMap<String, String>) -> bool {
        self.conditions
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
        for (locale, labels) in &self.labels {
            self.check_labels(labels).map_err(|problem| format!("labels in {locale}: {problem}"))?;
        }
        Ok(self)
    }

    fn check_labels(&self, labels: &Labels) -> Result<(), String> {
        let names = |fields: &[Field]| fields.iter().map(|field| field.name().to_owned()).collect::<Vec<_>>();
        same_keys("inputFieldLabels", &names(&self.input_fields), &labels.input_field_labels)?;
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
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn action() -> Value {
        json!({ "type": "workflow-action", "config": {
            "actionUrl": "https://api.example.com/actions/x",
            "objectTypes": ["DEAL"],
            "inputFields": [{ "typeDefinition": { "name": "days", "options": [] }, "isRequired": true }],
            "outputFields": [{ "typeDefinition": { "name": "code" } }, { "typeDefinition": { "name": "number" } }],
            "executionRules": [
                { "labelName": "made", "conditions": { "code": "NONE" } },
                { "labelName": "refused", "conditions": { "code": ["A", "B"] } },
                { "labelName": "rest", "conditions": {} }
            ],
            "labels": { "en": {
                "actionName": "X",
                "actionCardContent": "In {{days}} days",
                "inputFieldLabels": { "days": "Days" },
                "outputFieldLabels": { "code": "Code", "number": "Number" },
                "executionRules": { "made": "Made {{ number }}.", "refused": "{{number}} and {{ number }}", "rest": "Else." }
            } }
        } })
    }

    fn outputs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn check_rule(given: &[(&str, &str)], rule: &str, sentence: &str) {
        let action = parse(&action().to_string()).unwrap();
        let outputs = outputs(given);
        let found = action.rule(&outputs).unwrap();
        assert_eq!(found.label_name, rule);
        assert_eq!(action.sentences(found, &outputs)["en"], sentence);
    }

    #[test]
    fn the_first_rule_that_fits_gives_the_sentence() {
        check_rule(&[("code", "NONE"), ("number", "7")], "made", "Made 7.");
        check_rule(&[("code", "B"), ("number", "7")], "refused", "7 and 7");
        check_rule(&[("code", "C")], "rest", "Else.");
        check_rule(&[], "rest", "Else.");
    }

    #[test]
    fn a_missing_output_leaves_nothing_in_the_sentence() {
        check_rule(&[("code", "NONE")], "made", "Made .");
    }

    #[track_caller]
    fn check_refused(pointer: &str, value: Value, problem: &str) {
        let mut changed = action();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_eq!(parse(&changed.to_string()).unwrap_err(), problem);
    }

    #[test]
    fn a_project_is_refused_for_what_nobody_would_see_until_later() {
        let en = "/config/labels/en";
        check_refused(
            &format!("{en}/executionRules/made"),
            json!("Made {{ nmber }}."),
            "labels in en: made shows nmber, which is no output",
        );
        check_refused(
            &format!("{en}/executionRules"),
            json!({ "made": "M", "rest": "R" }),
            "labels in en: executionRules lacks refused",
        );
        check_refused(
            &format!("{en}/inputFieldLabels"),
            json!({ "days": "Days", "weeks": "Weeks" }),
            "labels in en: inputFieldLabels has weeks, which nothing uses",
        );
        check_refused(
            &format!("{en}/actionCardContent"),
            json!("{{ number }}"),
            "labels in en: actionCardContent shows number, which is no input",
        );
        check_refused(
            "/config/executionRules/0/conditions",
            json!({ "cod": "NONE" }),
            "rule made asks for cod, which is no output",
        );
    }

    #[test]
    fn the_editor_refuses_unknown_inputs_and_an_empty_required_one() {
        let action = parse(&action().to_string()).unwrap();
        let problem = |inputs: Value| action.input_problem(&serde_json::from_value(inputs).unwrap());
        assert_eq!(problem(json!({ "days": "3" })), None);
        assert_eq!(problem(json!({ "days": "" })).unwrap(), "the input days is required");
        assert_eq!(problem(json!({})).unwrap(), "the input days is required");
        assert_eq!(problem(json!({ "days": "3", "weeks": "1" })).unwrap(), "the action has no input weeks");
    }

    #[test]
    fn every_rule_of_our_app_has_a_label_in_each_locale_and_every_placeholder_is_known() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hubspot");
        let actions = load(&project).unwrap();
        let invoice = &actions["invoice"];
        assert_eq!(invoice.labels.keys().collect::<Vec<_>>(), ["en", "fr"]);
        for rule in &invoice.execution_rules {
            let sentences = invoice.sentences(rule, &BTreeMap::new());
            assert!(sentences.values().all(|sentence| !sentence.is_empty()), "{}", rule.label_name);
        }
    }

    #[test]
    fn every_failure_of_our_app_has_a_rule_of_its_own_and_the_rest_a_last_one() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hubspot");
        let invoice = &load(&project).unwrap()["invoice"];
        for rule in &invoice.execution_rules {
            let code = rule.label_name.as_str();
            let failed = outputs(&[("status", "failed"), ("errorCode", code)]);
            if code != "created" {
                assert_eq!(invoice.rule(&failed).unwrap().label_name, code);
            }
        }
        let unheard_of = outputs(&[("status", "failed"), ("errorCode", "ADDED_LATER")]);
        assert_eq!(invoice.rule(&unheard_of).unwrap().label_name, "failed");
        let created = outputs(&[("status", "created"), ("errorCode", "NONE")]);
        assert_eq!(invoice.rule(&created).unwrap().label_name, "created");
        assert_eq!(invoice.rule(&outputs(&[("status", "accepted")])).map(|rule| &rule.label_name), None);
    }
}
