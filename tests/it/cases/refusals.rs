//! Everything that either vendor is known to answer in place of what was asked for, and what the workflow is told then: a row
//! for each code of quickbooks.md §4.2, refusing a document, and for each status of hubspot.md §8, in place of the record.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::SignedDuration;
use local::stack::Vendor;
use serde_json::{Value, json};

use super::bench::Bench;
use super::case::{Case, DEAL};
use crate::support::skipped;

/// QuickBooks' codes, the status each comes with, and the code that the workflow is shown in the end. Refusals go on for as
/// long as anybody asks; what is to be tried again (`NONE`) happens once.
#[rustfmt::skip]
const QUICKBOOKS: &[(&[u32], u16, &str)] = &[
    (&[100, 110, 120], 400, "CONNECTION_EXPIRED"),
    (&[100, 110, 120, 3200], 401, "NONE"), // a fresh token is bought, and taken
    (&[3100], 400, "CONNECTION_EXPIRED"),
    (&[3100], 403, "NONE"), // no proof of anything: it is looked for, and made
    (&[3202], 400, "CONNECTION_EXPIRED"),
    (&[140, 6190], 400, "COMPANY_READ_ONLY"),
    (&[130, 150, 600, 4002, 10_000], 400, "NONE"),
    (&[3001], 429, "NONE"),
    (&[10_000], 500, "NONE"),
    (&[610, 2500], 400, "QUICKBOOKS_REFUSED"),
    (&[6250], 400, "CUSTOMER_INACTIVE"),
    (&[2200, 2210, 6420], 400, "CONTACT_INCOMPLETE"),
    (&[2220], 400, "CURRENCY_MISMATCH"),
    (&[2280, 6100, 6160, 6170, 6230, 6470], 400, "TAX_UNMAPPED"),
    (&[5020, 5030], 400, "FEATURE_OFF"),
    (&[6140], 400, "DUPLICATE_NUMBER"),
    (&[6200, 6210], 400, "PERIOD_CLOSED"),
    // A figure, a text, an account, a stock, a custom field: the sentence says which.
    (&[2080, 2090, 2100, 2110, 2140, 2150, 2160, 2240, 2290, 6070, 6520], 400, "QUICKBOOKS_REFUSED"),
    (&[2040, 2050, 2180], 400, "QUICKBOOKS_REFUSED"),
    (&[6430, 6460], 400, "QUICKBOOKS_REFUSED"),
    (&[6270], 400, "QUICKBOOKS_REFUSED"),
    (&[3000], 400, "QUICKBOOKS_REFUSED"),
    // No person could have done otherwise, or only the books know: the sentence has the number.
    (&[500, 620, 630, 700, 800, 900, 1000, 1010, 1020, 1040, 1050], 400, "QUICKBOOKS_REFUSED"),
    (&[2000, 2010, 2020, 2030, 2060, 2070, 2120, 2130, 2170, 2190, 2230, 2250, 2600], 400, "QUICKBOOKS_REFUSED"),
    (&[4000, 4001, 5000, 5010, 6000, 6080, 6090, 6130, 6150, 6180, 6240, 6310], 400, "QUICKBOOKS_REFUSED"),
    (&[6440, 6450, 6480, 6530, 6540, 10_100, 10_200], 400, "QUICKBOOKS_REFUSED"),
];

/// HubSpot's statuses with their category, and the code that the workflow is shown in the end.
const HUBSPOT: &[(u16, &str, &str)] = &[
    (400, "VALIDATION_ERROR", "INTERNAL"),
    (401, "EXPIRED_AUTHENTICATION", "CONNECTION_EXPIRED"),
    (403, "MISSING_SCOPES", "PERMISSION_MISSING"), // and none is named
    (403, "", "PERMISSION_MISSING"),
    (404, "OBJECT_NOT_FOUND", "RECORD_NOT_FOUND"),
    (409, "CONFLICT", "INTERNAL"),
    (414, "", "INTERNAL"),
    (423, "", "NONE"),
    (429, "RATE_LIMITS", "NONE"),
    (477, "", "NONE"),
    (500, "", "NONE"),
    (502, "", "NONE"),
    (503, "", "NONE"),
    (504, "", "NONE"),
    (521, "", "NONE"),
    (522, "", "NONE"),
    (523, "", "NONE"),
    (524, "", "NONE"),
    (525, "", "NONE"),
    (526, "", "NONE"),
];

/// One answer in place of what was asked for.
struct Row {
    what: String,
    vendor: Vendor,
    fault: Value,
    expected: &'static str,
}

fn rows() -> Vec<Row> {
    let of_quickbooks = QUICKBOOKS.iter().flat_map(|(codes, status, expected)| {
        codes.iter().map(move |code| Row {
            what: format!("QuickBooks {code} with {status}"),
            vendor: Vendor::QuickBooks,
            fault: fault(*status, &refusal(*code), expected),
            expected,
        })
    });
    let of_hubspot = HUBSPOT.iter().map(|(status, category, expected)| Row {
        what: format!("HubSpot {status} {category}").trim_end().to_owned(),
        vendor: Vendor::HubSpot,
        fault: fault(
            *status,
            &json!({"status": "error", "message": UPSTREAM, "category": category}),
            expected,
        ),
        expected,
    });
    of_quickbooks.chain(of_hubspot).collect()
}

/// What either vendor says, and nobody is to be shown.
const UPSTREAM: &str = "the vendor's own words";

fn refusal(code: u32) -> Value {
    let error =
        json!({"Message": UPSTREAM, "Detail": UPSTREAM, "code": code.to_string(), "element": UPSTREAM});
    json!({"Fault": {"Error": [error], "type": "ValidationFault"}, "time": "2032-02-28T03:30:00.000-08:00"})
}

fn fault(status: u16, body: &Value, expected: &str) -> Value {
    let times = if expected == "NONE" { 1 } else { u32::MAX };
    json!({"status": status, "content_type": "application/json", "body": body.to_string(), "times": times})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_vendor_answers_the_workflow_is_told_in_our_words() {
    let case = Case::read("about = 'Refused.'").unwrap();
    let bench = Bench::at(case.at).await;
    let rows = rows();
    let mut faults = [Vec::new(), Vec::new()];
    let mut places = Vec::new();
    for (row, number) in rows.iter().zip(1..) {
        let place = bench.place(&case, "invoice", number).unwrap();
        place.install().await.unwrap();
        // Each has a deal of its own id: HubSpot's paths name no portal.
        let deal = DEAL + number;
        place.seed(&case.objects_as(deal, "USD")).await.unwrap();
        let mut fault = row.fault.clone();
        let (of, path) = match row.vendor {
            Vendor::QuickBooks => (0, format!("{}/invoice", place.realm())),
            Vendor::HubSpot => (1, format!("/deals/{deal}")),
        };
        fault["path"] = json!(path);
        faults[of].push(fault);
        places.push((row, place, deal));
    }
    bench.disturb(&faults).unwrap();
    let mut waiting = Vec::new();
    for (row, place, deal) in &places {
        waiting.push((row, place.enroll_deal("invoice", *deal).await.unwrap()));
    }
    // Until the last of them has given up: before the six hours are over that HubSpot waits.
    for _ in 0..70 {
        bench.pass(SignedDuration::from_mins(5)).await.unwrap();
    }
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for (row, history) in waiting {
        let shown = bench.history(&history).await;
        let (code, message) = (shown.output("errorCode"), shown.output("errorMessage"));
        assert_eq!(code, row.expected, "{}: {}", row.what, shown.0);
        assert!(!shown.0["outputs"].to_string().contains(UPSTREAM), "{}: {message}", row.what);
        assert!(!shown.label().is_empty(), "{}", row.what);
        let sentence = format!("{code}\n    {}", without_number(message));
        match told.iter_mut().find(|(same, _)| *same == sentence) {
            Some((_, answers)) => answers.push(row.what.clone()),
            None => told.push((sentence, vec![row.what.clone()])),
        }
    }
    let told = told.iter().fold(String::new(), |mut text, (sentence, answers)| {
        writeln!(text, "{sentence}\n    after {}", answers.join(", ")).unwrap();
        text
    });
    insta::assert_snapshot!(told);
}

/// Sentences that differ in QuickBooks' number only are one.
fn without_number(message: &str) -> String {
    match message.split_once("QuickBooks error ") {
        Some((before, after)) => {
            format!("{before}QuickBooks error …{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => message.to_owned(),
    }
}

/// Where the notes stand beside the checkout, their table is this one's.
#[test]
fn no_code_of_the_notes_is_forgotten() {
    let notes = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/quickbooks.md");
    let Ok(notes) = std::fs::read_to_string(&notes) else {
        skipped("the notes are not beside the checkout, so the codes are not held against theirs");
        return;
    };
    let (_, table) = notes.split_once("### 4.2 Code table").unwrap();
    let (table, _) = table.split_once("\n### ").unwrap();
    let first_cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split('|').next());
    let numbers = first_cells.flat_map(|cell| cell.split('/')).filter_map(|code| code.trim().parse().ok());
    let noted: BTreeSet<u32> = numbers.collect();
    assert!(noted.len() > 90, "{noted:?}");
    let known: BTreeSet<u32> = QUICKBOOKS.iter().flat_map(|(codes, ..)| codes.iter().copied()).collect();
    assert_eq!(noted.difference(&known).collect::<Vec<_>>(), Vec::<&u32>::new(), "no row has these");
    assert_eq!(
        known.difference(&noted).collect::<Vec<_>>(),
        Vec::<&u32>::new(),
        "the notes do not know these"
    );
}
