//! What a machine can check of the rules in the README: who may depend on whom, and that code, template, labels and tables
//! name the same things.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use app::failure::Code;
use cargo_metadata::{DependencyKind, MetadataCommand};
use hubspot::install::{OPTIONAL_SCOPES, REQUIRED_SCOPES};
use local::template::Template;
use serde_json::Value;

use crate::support::skipped;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn template() -> Template {
    Template::read(&root().join("template.yaml")).unwrap()
}

/// Every crate each workspace crate builds on, directly or not.
fn trees() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec().unwrap();
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let resolve = metadata.resolve.as_ref().unwrap();
    let normal: BTreeMap<_, Vec<_>> = resolve
        .nodes
        .iter()
        .map(|node| {
            let is_normal = |dep: &&cargo_metadata::NodeDep| {
                dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
            };
            (&node.id, node.deps.iter().filter(is_normal).map(|dep| &dep.pkg).collect())
        })
        .collect();
    let tree = |id| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![id]);
        while let Some(next) = open.pop() {
            open.extend(normal[next].iter().copied().filter(|dep| seen.insert(names[dep].clone())));
        }
        seen
    };
    metadata.workspace_members.iter().map(|id| (names[id].clone(), tree(id))).collect()
}

#[test]
fn mapping_does_no_io_and_knows_no_clock_of_the_network() {
    let tree = &trees()["mapping"];
    for banned in ["tokio", "reqwest", "hyper", "aws-config", "aws-sdk-dynamodb", "lambda_http", "tracing"] {
        assert!(!tree.contains(banned), "mapping builds on {banned}");
    }
}

#[test]
fn hubspot_quickbooks_and_store_never_mention_each_other() {
    let trees = trees();
    let apart = ["hubspot", "quickbooks", "store"];
    for name in apart {
        for other in apart.iter().chain(&["app"]).filter(|other| **other != name) {
            assert!(!trees[name].contains(*other), "{name} builds on {other}");
        }
        assert!(trees[name].contains("mapping"), "{name} speaks in mapping's models");
    }
}

#[test]
fn no_function_builds_on_a_simulator_or_an_emulator() {
    let trees = trees();
    for function in functions() {
        for banned in ["simulators", "local", "dynoxide-rs", "axum"] {
            assert!(!trees[&function].contains(banned), "{function} builds on {banned}");
        }
    }
}

#[test]
fn only_one_file_asks_the_machine_for_the_time_of_day() {
    let mut asking = BTreeSet::new();
    let mut open = vec![root().join("shared"), root().join("functions")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && ["Timestamp::now(", "Zoned::now(", "SystemTime::now("]
                .iter()
                .any(|call| fs::read_to_string(&path).unwrap().contains(call))
        {
            asking.insert(path.strip_prefix(root()).unwrap().to_owned());
        }
    }
    assert_eq!(asking, BTreeSet::from([PathBuf::from("shared/app/src/clock.rs")]), "all others ask it");
}

#[test]
fn there_is_one_http_stack_and_one_tls_stack() {
    let lock = read("Cargo.lock");
    for name in ["hyper", "rustls", "h2", "http", "reqwest"] {
        let versions = lock.matches(&format!("name = \"{name}\"\n")).count();
        assert_eq!(versions, 1, "{name} is in Cargo.lock {versions} times");
    }
    for legacy in ["openssl", "native-tls"] {
        assert!(!lock.contains(&format!("name = \"{legacy}\"\n")), "{legacy} is in Cargo.lock");
    }
}

fn functions() -> BTreeSet<String> {
    let folders = fs::read_dir(root().join("functions")).unwrap();
    folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn each_folder_of_functions_is_a_function_of_the_template_and_something_starts_it() {
    let template = template();
    let deployed: BTreeSet<_> = template.functions.iter().map(|function| function.binary.clone()).collect();
    assert_eq!(deployed, functions());
    for function in &template.functions {
        let routed = template.routes.iter().any(|route| route.function == function.logical_id);
        let scheduled = template.schedules.iter().any(|schedule| schedule.function == function.logical_id);
        assert!(routed || scheduled, "nothing starts {}", function.binary);
        for required in ["ENVIRONMENT", "PUBLIC_BASE_URL", "TABLE_NAME", "APP_SECRET_ID"] {
            assert!(
                function.variables.iter().any(|name| name == required),
                "{} lacks {required}",
                function.binary
            );
        }
    }
}

#[test]
fn no_function_holds_logic() {
    for function in functions() {
        let main = read(&format!("functions/{function}/src/main.rs"));
        assert!(!main.contains("if ") && !main.contains("match "), "{function} decides something");
    }
}

fn actions() -> BTreeMap<String, Value> {
    let folder = root().join("infra/hubspot/src/app/workflow-actions");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| {
            let name =
                path.file_name().unwrap().to_str().unwrap().trim_end_matches("-hsmeta.json").to_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

#[test]
fn each_failure_code_has_a_rule_and_a_label_in_every_language_of_every_action() {
    for (action, file) in actions() {
        let config = &file["config"];
        let rules = config["executionRules"].as_array().unwrap();
        for code in Code::ALL.map(Code::as_str) {
            let names = |rule: &&Value| {
                let wanted = &rule["conditions"]["errorCode"];
                wanted == code
                    || wanted.as_array().is_some_and(|codes| codes.iter().any(|wanted| wanted == code))
            };
            let rule = rules.iter().find(names).unwrap_or_else(|| panic!("{action} has no rule for {code}"));
            for (language, labels) in config["labels"].as_object().unwrap() {
                let label = &labels["executionRules"][rule["labelName"].as_str().unwrap()];
                assert!(
                    label.as_str().is_some_and(|label| !label.is_empty()),
                    "{action}: {code} in {language}"
                );
            }
        }
    }
}

#[test]
fn the_readme_names_every_failure_code_every_variable_and_every_crate() {
    let readme = read("README.md");
    for code in Code::ALL.map(Code::as_str) {
        assert!(readme.contains(&format!("| `{code}` |")), "the README's table lacks {code}");
    }
    let config = read("shared/app/src/config.rs");
    let variables = config.split('"').filter(|text| {
        text.len() > 7
            && text.contains('_')
            && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b == b'2')
    });
    for variable in variables {
        assert!(readme.contains(&format!("`{variable}`")), "the README's table lacks {variable}");
    }
    for folder in ["functions", "shared", "infra"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let entry = entry.unwrap();
            if !entry.path().is_dir() {
                continue;
            }
            let name = entry.file_name().into_string().unwrap();
            assert!(readme.contains(&format!("{name}/")), "the README's code map lacks {folder}/{name}");
        }
    }
}

#[test]
fn the_readme_s_test_and_demo_commands_are_the_ones_ci_runs() {
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    for (shown, run) in [
        ("cargo run -p local -- demo", "cargo run --locked -p local -- demo"),
        ("cargo test --workspace", "cargo test --workspace --locked"),
    ] {
        assert!(readme.contains(shown), "the README lacks {shown}");
        assert!(ci.contains(run), ".ci/run lacks {run}");
    }
}

#[test]
fn each_input_and_output_of_the_actions_is_read_and_written_by_the_code() {
    let names = |fields: &Value| -> BTreeSet<String> {
        let fields = fields.as_array().unwrap().iter();
        fields.map(|field| field["typeDefinition"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let (reader, chooser) = (read("shared/app/src/inputs.rs"), read("shared/app/src/delivery.rs"));
    let writer = read("shared/app/src/answer.rs");
    // That nothing else is written, the simulator checks: an output it does not know fails the run.
    let quoted = |name: &str| format!("\"{name}\"");
    for (action, file) in actions() {
        for input in names(&file["config"]["inputFields"]) {
            let known = reader.contains(&quoted(&input)) || chooser.contains(&quoted(&input));
            assert!(known, "{action}: the code does not read {input}");
        }
        for output in names(&file["config"]["outputFields"]) {
            assert!(writer.contains(&quoted(&output)), "{action}: the code does not write {output}");
        }
    }
}

#[test]
fn every_action_speaks_hubspot_s_seven_languages_in_full() {
    fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value.as_object() {
            Some(members) => {
                members.iter().for_each(|(name, value)| keys(value, &format!("{path}/{name}"), found))
            }
            None => {
                assert!(value.as_str().is_some_and(|text| !text.trim().is_empty()), "{path} is empty");
                found.insert(path.to_owned());
            }
        }
    }
    for (action, file) in actions() {
        let labels = file["config"]["labels"].as_object().unwrap();
        let languages: BTreeSet<&str> = labels.keys().map(String::as_str).collect();
        assert_eq!(languages, BTreeSet::from(["de", "en", "es", "fr", "ja", "nl", "pt-br"]), "{action}");
        let all = |language: &str| {
            let mut found = BTreeSet::new();
            keys(&labels[language], "", &mut found);
            found
        };
        let english = all("en");
        for language in languages {
            assert_eq!(all(language), english, "{action} in {language}");
        }
        let inputs = file["config"]["inputFields"].as_array().unwrap();
        for input in inputs {
            let name = input["typeDefinition"]["name"].as_str().unwrap();
            assert!(english.contains(&format!("/inputFieldLabels/{name}")), "{action}: {name} has no label");
        }
    }
}

#[test]
fn the_scopes_that_an_install_asks_for_are_those_of_the_project_and_the_listing_explains_each() {
    let app: Value = serde_json::from_str(&read("infra/hubspot/src/app/app-hsmeta.json")).unwrap();
    let listing = read("infra/listing.md");
    let (_, table) = listing.split_once("| scope | what for |").unwrap();
    let explained: BTreeSet<&str> = table
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let mut all = BTreeSet::new();
    for (kind, asked) in [("requiredScopes", REQUIRED_SCOPES), ("optionalScopes", OPTIONAL_SCOPES)] {
        let scopes = app["config"]["auth"][kind].as_array().unwrap().iter();
        let scopes: BTreeSet<&str> = scopes.map(|scope| scope.as_str().unwrap()).collect();
        assert_eq!(scopes, asked.split_whitespace().collect(), "{kind}");
        all.extend(scopes);
    }
    assert_eq!(explained, all, "the table in listing.md");
}

/// What a heading is called in a link to it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn each_alarm_has_its_entry_in_the_runbook_and_each_entry_its_alarm() {
    let (alarms, runbook) = (template().alarms, read("infra/RUNBOOK.md"));
    // The two spans of an objective, and their composite, have one entry.
    let linked: BTreeSet<String> = alarms.iter().map(|alarm| alarm.link.clone()).collect();
    let entries: Vec<String> =
        part(&runbook, "Alarms").lines().filter_map(|line| line.strip_prefix("### ")).map(anchor).collect();
    assert_eq!(linked, entries.iter().cloned().collect());
    assert_eq!(linked.len(), entries.len(), "a heading is there twice");
}

/// A page's part under a heading of the second level.
fn part<'a>(page: &'a str, heading: &str) -> &'a str {
    let rest = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}")).1;
    rest.split("\n## ").next().unwrap_or_default()
}

/// The alarms of reliability.md, g.2, by their first words there; beside the checkout they are compared.
#[test]
fn each_alarm_that_was_asked_for_is_built_or_struck_with_a_reason() {
    let (alarms, runbook) = (template().alarms, read("infra/RUNBOOK.md"));
    let names: BTreeSet<&str> = alarms.iter().map(|alarm| alarm.name.as_str()).collect();
    let table = part(&runbook, "Alarms that were asked for");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
        .skip(1)
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let mut built = BTreeSet::new();
    for row in &rows {
        let [asked, answer] = row.as_slice() else { panic!("{row:?}") };
        let named: Vec<&str> =
            answer.split('`').skip(1).step_by(2).filter(|name| names.contains(name)).collect();
        assert_eq!(named.is_empty(), asked.starts_with("~~"), "built, or struck: {row:?}");
        built.extend(named);
    }
    let missing: Vec<_> = names.difference(&built).collect();
    assert!(missing.is_empty(), "the table lacks {missing:?}");
    let Ok(reference) = fs::read_to_string(root().join("../shared/reference/reliability.md")) else {
        return skipped(
            "the notes are not beside the checkout, so the table of alarms is not held against theirs",
        );
    };
    let asked = reference.split("### g.2 Alarms\n").nth(1).unwrap().split("\n### ").next().unwrap();
    let asked = asked.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Alarm |"));
    for name in asked.map(|line| line.trim_start_matches("| ").split(" | ").next().unwrap()) {
        let is_there = rows.iter().any(|row| name.starts_with(row[0].trim_matches('~')));
        assert!(is_there, "the table lacks “{name}”");
    }
}

/// All Rust of a folder.
fn sources(folder: &str) -> String {
    let (mut sources, mut open) = (String::new(), vec![root().join(folder)]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources += &fs::read_to_string(&path).unwrap();
        }
    }
    sources
}

#[test]
fn the_files_constants_and_parameters_that_the_pages_for_operators_name_are_there() {
    let (sources, template) = (sources("shared"), read("template.yaml"));
    let is_there = |name: &str| {
        let only = |allowed: fn(char) -> bool| name.chars().all(allowed);
        if ["infra/", "shared/", "tests/"].iter().any(|folder| name.starts_with(folder)) {
            return !only(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c)) || root().join(name).exists();
        }
        if name.contains('_') && only(|c| c.is_ascii_uppercase() || c == '_') {
            return sources.contains(name);
        }
        match name.split_once('=') {
            Some((parameter, _))
                if name.starts_with(|c: char| c.is_ascii_uppercase())
                    && parameter.chars().all(|c| c.is_ascii_alphanumeric()) =>
            {
                template.contains(&format!("\n  {parameter}:\n"))
            }
            _ => true,
        }
    };
    for page in ["RUNBOOK", "first-hour", "listing", "setup"] {
        let text = read(&format!("infra/{page}.md"));
        for name in text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
            assert!(is_there(name), "{page}.md names {name}");
        }
    }
}
