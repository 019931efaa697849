//! Reading an action, and what a project is refused for.

use super::*;
use serde_json::{Value, json};

fn action() -> Value {
    json!({ "type": "workflow-action", "config": {
        "actionUrl": "https://api.example.com/actions/x",
        "objectTypes": ["DEAL"],
        "inputFields": [
            { "typeDefinition": { "name": "days", "options": [] }, "isRequired": true },
            { "typeDefinition": { "name": "paid", "options": [
                { "value": "yes", "label": "Yes" }, { "value": "no", "label": "No" }
            ] } },
            { "typeDefinition": { "name": "method", "options": [], "optionsUrl": "https://api.example.com/o" } }
        ],
        "inputFieldDependencies": [
            { "dependencyType": "CONDITIONAL_SINGLE_FIELD", "controllingFieldName": "paid",
              "controllingFieldValue": "yes", "dependentFieldNames": ["method"] },
            { "dependencyType": "SINGLE_FIELD", "controllingFieldName": "days", "dependentFieldNames": ["method"] }
        ],
        "outputFields": [{ "typeDefinition": { "name": "code" } }, { "typeDefinition": { "name": "number" } }],
        "executionRules": [
            { "labelName": "made", "conditions": { "code": "NONE" } },
            { "labelName": "refused", "conditions": { "code": ["A", "B"] } },
            { "labelName": "rest", "conditions": {} }
        ],
        "labels": { "en": {
            "actionName": "X",
            "actionCardContent": "In {{days}} days",
            "inputFieldLabels": { "days": "Days", "paid": "Paid", "method": "Method" },
            "inputFieldDescriptions": { "days": "Days.", "paid": "Paid.", "method": "Method." },
            "inputFieldOptionLabels": { "paid": { "yes": "Yes", "no": "No" } },
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
    let found = action.rule(&outputs, EmptyConditions::FitEverything).unwrap();
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
fn a_rule_without_conditions_fits_nothing_unless_it_is_to_fit_everything() {
    let action = parse(&action().to_string()).unwrap();
    for code in ["NONE", "C"] {
        let rule = action.rule(&outputs(&[("code", code)]), EmptyConditions::FitNothing);
        assert_eq!(rule.map(|rule| rule.label_name.as_str()), (code == "NONE").then_some("made"));
    }
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
        json!({ "days": "Days", "paid": "Paid", "method": "Method", "weeks": "Weeks" }),
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
    check_refused(
        &format!("{en}/inputFieldOptionLabels"),
        json!({ "paid": { "yes": "Yes" } }),
        "labels in en: inputFieldOptionLabels of paid lacks no",
    );
    check_refused(
        "/config/inputFieldDependencies/0/dependentFieldNames",
        json!(["metod"]),
        "a dependency names metod, which is no input",
    );
    check_refused(
        "/config/inputFieldDependencies/0/controllingFieldValue",
        json!("maybe"),
        "a dependency waits for paid to be maybe, which is not offered",
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
    let maybe = json!({ "days": "3", "paid": "maybe" });
    assert_eq!(problem(maybe).unwrap(), "the input paid does not offer maybe");
}

#[test]
fn the_editor_refuses_a_value_in_a_field_that_is_shut() {
    let action = parse(&action().to_string()).unwrap();
    let problem = |inputs: Value| action.input_problem(&serde_json::from_value(inputs).unwrap());
    assert_eq!(problem(json!({ "days": "3", "paid": "yes", "method": "1" })), None);
    assert_eq!(problem(json!({ "days": "3", "paid": "no", "method": "" })), None);
    let shut = "the input method stays empty unless paid is yes";
    assert_eq!(problem(json!({ "days": "3", "paid": "no", "method": "1" })).unwrap(), shut);
    assert_eq!(problem(json!({ "days": "3", "method": "1" })).unwrap(), shut);
}

#[test]
fn an_input_knows_where_its_options_are_and_what_controls_them() {
    let action = parse(&action().to_string()).unwrap();
    assert_eq!(action.options_url("method").unwrap(), "https://api.example.com/o");
    assert_eq!(action.options_url("days").unwrap_err(), "the input days fetches no options");
    assert_eq!(action.controlling("method"), BTreeSet::from(["days", "paid"]));
    assert_eq!(action.controlling("days"), BTreeSet::new());
}
