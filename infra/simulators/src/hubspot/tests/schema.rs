//! The app project in `infra/hubspot`, file by file, against JSON schemas of what HubSpot's documentation says of such files
//! (hubspot.md §1). Of keys it does not name, HubSpot's own `hs project validate` judges; here they are refused.

use super::project::project;
use super::*;
use boon::{Compiler, Schemas};
use std::fs;
use std::path::PathBuf;

/// What is wrong with it by the schema, if anything.
fn wrong(schema: &str, file: &Value) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hubspot/tests/schema").join(schema);
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let index = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    schemas.validate(file, index).err().map(|error| format!("{error:#}"))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Every file of the project, with the schema it must fit.
fn files() -> Vec<(PathBuf, &'static str)> {
    let actions = fs::read_dir(project().join("src/app/workflow-actions")).unwrap();
    let actions = actions.map(|entry| (entry.unwrap().path(), "workflow-action.json"));
    let others = [
        (project().join("hsproject.json"), "hsproject.json"),
        (project().join("src/app/app-hsmeta.json"), "app.json"),
    ];
    others.into_iter().chain(actions).collect()
}

#[test]
fn every_file_of_the_project_is_as_its_schema_says_and_there_are_no_others() {
    let files = files();
    for (path, schema) in &files {
        assert_eq!(wrong(schema, &read(path)), None, "{}", path.display());
    }
    let (mut found, mut open) = (Vec::new(), vec![project()]);
    while let Some(path) = open.pop() {
        match path.is_dir() {
            true => open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())),
            false => found.push(path),
        }
    }
    let mut known: Vec<_> = files.into_iter().map(|(path, _)| path).collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
    for path in found.iter().filter(|path| !path.ends_with("hsproject.json")) {
        assert!(path.to_str().unwrap().ends_with("-hsmeta.json"), "HubSpot would not see {}", path.display());
    }
}

#[test]
fn a_uid_names_one_component_of_the_project() {
    let components = files().into_iter().filter(|(_, schema)| *schema != "hsproject.json");
    let uids: Vec<String> =
        components.map(|(path, _)| read(&path)["uid"].as_str().unwrap().to_owned()).collect();
    assert_eq!(uids.iter().collect::<BTreeSet<_>>().len(), uids.len(), "{uids:?}");
}

#[test]
fn every_address_is_below_the_one_that_stands_for_ours() {
    for (path, _) in files() {
        let text = fs::read_to_string(&path).unwrap();
        let ours = ["https://api.example.com", "https://example.com/docs", "https://example.com/support"];
        for address in text.split('"').filter(|text| text.contains("://")) {
            let known =
                ours.iter().any(|ours| address == *ours || address.starts_with(&format!("{}/", ours)));
            assert!(known, "{}: {address} would stay in every environment", path.display());
        }
    }
}

#[test]
fn what_hubspot_s_documentation_excludes_is_refused() {
    let refused = |file: &str, schema: &str, pointer: &str, value: Value| {
        let mut changed = read(&project().join(file));
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match changed.pointer_mut(parent).unwrap() {
            Value::Object(fields) if value.is_null() => drop(fields.remove(name).unwrap()),
            Value::Object(fields) => drop(fields.insert(name.to_owned(), value)),
            other => *other.pointer_mut(&format!("/{name}")).unwrap() = value,
        }
        assert!(wrong(schema, &changed).is_some(), "{file}: {pointer}");
    };
    let project = |pointer, value| refused("hsproject.json", "hsproject.json", pointer, value);
    project("/platformVersion", json!("2025.1"));
    project("/srcDir", Value::Null);

    let app = |pointer, value| refused("src/app/app-hsmeta.json", "app.json", pointer, value);
    app("/uid", json!("x".repeat(65)));
    app("/config/auth/type", json!("static"));
    app("/config/auth/redirectUrls/0", json!("http://api.example.com/connect/hubspot/callback"));
    app("/config/auth/requiredScopes", json!(["automation"]));
    app("/config/auth/optionalScopes", json!(["tax_rates.read", "tax_rates.read"]));
    app("/config/permittedUrls/fetch/0", json!("https://api.example.com/"));
    app("/config/support", Value::Null);
    app("/config/logo", json!("logo.png"));

    let invoice = "src/app/workflow-actions/invoice-hsmeta.json";
    let action =
        |pointer: &str, value| refused(invoice, "workflow-action.json", &format!("/config{pointer}"), value);
    action("/actionUrl", json!("http://api.example.com/actions/invoice"));
    action("/published", json!(true));
    action("/isPublished", Value::Null);
    action("/supportedClients", json!([{"client": "AGENTS"}]));
    action("/objectTypes/0", json!("deal"));
    action("/inputFields/0/supportedValueTypes", json!(["FIELD_DATA"]));
    action("/inputFields/0/typeDefinition/options", Value::Null);
    action("/inputFields/0/typeDefinition/optionsUrl", Value::Null);
    action("/inputFields/1/typeDefinition/fieldType", json!("select"));
    action("/inputFields/2/typeDefinition/options/0/label", Value::Null);
    action("/inputFieldDependencies/0/controllingFieldValue", Value::Null);
    action("/inputFieldDependencies/1/controllingFieldValue", json!("yes"));
    action("/outputFields/0/typeDefinition/name", json!("two words"));
    action("/executionRules/0/conditions", json!({}));
    action("/labels/en", Value::Null);
    action("/labels/it", json!({}));
    action("/labels/fr/actionName", json!(" "));
    action("/labels/de/inputFieldDescriptions", Value::Null);
}
