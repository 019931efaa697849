//! The app project in `infra/hubspot`: three actions that say the same in seven languages.

use super::*;
use crate::hubspot::definition::load;
use crate::hubspot::switches::EmptyConditions;
use std::fs;
use std::path::PathBuf;

const ACTIONS: [&str; 3] = ["estimate", "invoice", "receipt"];
const LOCALES: [&str; 7] = ["de", "en", "es", "fr", "ja", "nl", "pt-br"];

/// The failures, in the order the rules ask for them.
const CODES: [&str; 39] = [
    "NOT_CONNECTED",
    "CONNECTION_EXPIRED",
    "COMPANY_NOT_LINKED",
    "COMPANY_READ_ONLY",
    "RECORD_NOT_FOUND",
    "RECORD_TYPE_UNSUPPORTED",
    "INPUT_INVALID",
    "NO_CONTACT",
    "NO_COMPANY",
    "CONTACT_INCOMPLETE",
    "CUSTOMER_AMBIGUOUS",
    "CUSTOMER_INACTIVE",
    "NAME_TAKEN",
    "NO_LINE_ITEMS",
    "LINE_INVALID",
    "ADJUSTMENT_INVALID",
    "PAYMENT_INVALID",
    "RECORD_TOO_LARGE",
    "ITEM_NOT_FOUND",
    "ITEM_AMBIGUOUS",
    "ITEM_INACTIVE",
    "SETTING_MISSING",
    "TAX_UNMAPPED",
    "CURRENCY_MISMATCH",
    "EXCHANGE_RATE_MISSING",
    "TOTAL_MISMATCH",
    "PERIOD_CLOSED",
    "DUPLICATE_NUMBER",
    "FEATURE_OFF",
    "ALREADY_CREATED",
    "PAYMENT_REFUSED",
    "NOT_PAID",
    "PERMISSION_MISSING",
    "QUICKBOOKS_REFUSED",
    "THROTTLED",
    "UPSTREAM_DOWN",
    "IN_PROGRESS",
    "NEEDS_REVIEW",
    "INTERNAL",
];

pub(super) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hubspot")
}

fn config(action: &str) -> Value {
    let path = project().join(format!("src/app/workflow-actions/{action}-hsmeta.json"));
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    file["config"].clone()
}

/// Names of inputs or outputs, as one line.
fn names(fields: &Value) -> String {
    let fields = fields.as_array().unwrap().iter();
    fields.map(|field| field["typeDefinition"]["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// Every text of a locale by where it stands, e.g. `/executionRules/created`.
fn texts(labels: &Value) -> BTreeMap<String, String> {
    fn collect(value: &Value, place: &str, texts: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    collect(value, &format!("{place}/{key}"), texts);
                }
            }
            text => drop(texts.insert(place.to_owned(), text.as_str().unwrap().to_owned())),
        }
    }
    let mut found = BTreeMap::new();
    collect(labels, "", &mut found);
    found
}

/// The outputs a text shows, each once.
fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split("{{").skip(1).map(|piece| piece.split_once("}}").unwrap().0.trim()).collect()
}

#[test]
fn the_three_actions_are_for_deals_and_quotes_and_are_called_at_their_routes() {
    let actions = load(&project()).unwrap();
    assert_eq!(actions.keys().collect::<Vec<_>>(), ACTIONS);
    let mut uids = BTreeSet::new();
    for action in ACTIONS {
        let config = config(action);
        assert_eq!(config["actionUrl"], format!("https://api.example.com/actions/{action}"));
        assert_eq!(config["objectTypes"], json!(["DEAL", "QUOTE"]));
        let path = project().join(format!("src/app/workflow-actions/{action}-hsmeta.json"));
        let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        uids.insert(file["uid"].as_str().unwrap().to_owned());
    }
    assert_eq!(uids.len(), ACTIONS.len());
}

#[test]
fn each_action_has_the_inputs_that_work_and_the_outputs_it_can_give() {
    for (action, inputs, lacks) in [
        ("invoice", "quickbooks_account due_days create_paid payment_method deposit_account", ""),
        ("estimate", "quickbooks_account expires_days", "due_date balance payment_id paid_amount"),
        ("receipt", "quickbooks_account payment_method deposit_account", "due_date payment_id paid_amount"),
    ] {
        let config = config(action);
        let of_all = "missing_item email_document if_repeated mode";
        assert_eq!(names(&config["inputFields"]), format!("{inputs} {of_all}"));
        let outputs = "status errorCode errorMessage error_subject document_type document_id document_number \
                       document_url document_date due_date currency subtotal tax total balance customer_id \
                       customer_name customer_match payment_id paid_amount warnings execution_id preview_url";
        let can_have = outputs.split(' ').filter(|name| !lacks.split(' ').any(|lacking| lacking == *name));
        assert_eq!(names(&config["outputFields"]), can_have.collect::<Vec<_>>().join(" "), "{action}");
    }
}

#[test]
fn drop_downs_are_fetched_by_their_names_and_know_the_chosen_company() {
    let actions = load(&project()).unwrap();
    for (action, field, controlling) in [
        ("estimate", "quickbooks_account", [].as_slice()),
        ("invoice", "quickbooks_account", &[]),
        ("invoice", "payment_method", &["create_paid", "quickbooks_account"]),
        ("invoice", "deposit_account", &["create_paid", "quickbooks_account"]),
        ("receipt", "payment_method", &["quickbooks_account"]),
        ("receipt", "deposit_account", &["quickbooks_account"]),
    ] {
        let url = format!("https://api.example.com/options/{field}");
        assert_eq!(actions[action].options_url(field), Ok(url.as_str()), "{action}");
        assert_eq!(actions[action].controlling(field), controlling.iter().copied().collect(), "{action}");
    }
}

#[test]
fn rules_ask_for_success_first_then_for_every_code_in_order_and_last_for_any_failure() {
    for action in ACTIONS {
        let successes: &[&str] =
            if action == "invoice" { &["created", "paid", "partly_paid"] } else { &["created"] };
        let expected: Vec<&str> =
            successes.iter().copied().chain(["existing", "preview"]).chain(CODES).chain(["failed"]).collect();
        let config = config(action);
        let rules = config["executionRules"].as_array().unwrap().iter();
        let order: Vec<&str> = rules.map(|rule| rule["labelName"].as_str().unwrap()).collect();
        assert_eq!(order, expected, "{action}");
    }
}

#[test]
fn each_answer_is_translated_by_the_rule_made_for_it() {
    let actions = load(&project()).unwrap();
    let check = |action: &str, status: &str, code: &str, expected: Option<&str>| {
        let outputs = [("status", status), ("errorCode", code)];
        let outputs = outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let rule =
            actions[action].rule(&outputs, EmptyConditions::FitNothing).map(|rule| rule.label_name.as_str());
        assert_eq!(rule, expected, "{action}: {status} {code}");
    };
    for action in ACTIONS {
        check(action, "created", "NONE", Some("created"));
        check(action, "existing", "NONE", Some("existing"));
        check(action, "preview", "NONE", Some("preview"));
        check(action, "accepted", "NONE", None);
        check(action, "failed", "ADDED_LATER", Some("failed"));
        for code in CODES {
            check(action, "failed", code, Some(code));
        }
    }
    check("invoice", "paid", "NONE", Some("paid"));
    check("invoice", "partly_paid", "PAYMENT_REFUSED", Some("partly_paid"));
}

#[test]
fn what_is_in_one_language_is_in_all_seven_with_the_same_placeholders() {
    for action in ACTIONS {
        let config = config(action);
        let labels = config["labels"].as_object().unwrap();
        assert!(labels.keys().map(String::as_str).eq(LOCALES), "{action}");
        let english = texts(&labels["en"]);
        for (locale, labels) in labels {
            let translated = texts(labels);
            assert!(translated.keys().eq(english.keys()), "{action} in {locale}");
            for (place, text) in &translated {
                assert!(!text.trim().is_empty(), "{action} in {locale}: {place}");
                assert_eq!(
                    placeholders(text),
                    placeholders(&english[place]),
                    "{action} in {locale}: {place}"
                );
            }
        }
    }
}

/// Whoever reads the history learns which record, line or company it is about (contract §3), in every language: the
/// placeholders are the same in all.
#[test]
fn the_label_of_each_failure_names_what_it_is_about() {
    for action in ACTIONS {
        let english = texts(&config(action)["labels"]["en"]);
        for code in CODES {
            let label = &english[&format!("/executionRules/{code}")];
            assert!(placeholders(label).contains("error_subject"), "{action}: {code}: {label}");
        }
    }
}

#[test]
fn every_sentence_is_translated() {
    // What is spelled alike in two languages, or is a name.
    let alike = ["/appDisplayName", "/inputFieldOptionLabels", "/outputFieldLabels"];
    for action in ACTIONS {
        let labels = &config(action)["labels"];
        let english = texts(&labels["en"]);
        for locale in LOCALES.iter().filter(|locale| **locale != "en") {
            for (place, text) in texts(&labels[locale]) {
                let may_be_alike = alike.iter().any(|start| place.starts_with(start));
                assert!(may_be_alike || text != english[&place], "{action} in {locale}: {place}");
            }
        }
    }
}

#[test]
fn an_amount_and_its_currency_stay_on_one_line_and_french_keeps_its_spaces() {
    for action in ACTIONS {
        let labels = &config(action)["labels"];
        for locale in LOCALES.iter().filter(|locale| **locale != "en") {
            for rule in ["created", "preview"] {
                let label = &texts(&labels[locale])[&format!("/executionRules/{rule}")];
                assert!(label.contains("{{ total }}\u{a0}{{ currency }}"), "{action}: {rule} in {locale}");
            }
        }
        for (place, text) in texts(&labels["fr"]) {
            for sign in [" :", " ;", " ?", " !", "« ", " »", "'"] {
                assert!(!text.contains(sign), "{action}: {place} has {sign:?}");
            }
        }
    }
}

#[test]
fn a_paid_invoice_names_number_customer_total_and_what_was_paid() {
    let labels = config("invoice")["labels"].clone();
    let shown = ["currency", "customer_name", "document_number", "paid_amount", "total"];
    for locale in LOCALES {
        assert_eq!(placeholders(&texts(&labels[locale])["/executionRules/paid"]), shown.into(), "{locale}");
    }
}
