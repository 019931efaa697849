//! Random statements of QuickBooks' query language, over HTTP: nothing makes the stand-in fail, whatever is wrong with a
//! statement has the code quickbooks.md §3.4 gives it, and what is right is answered as a naive reading of §3.1 has it.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

#[path = "queries/company.rs"]
mod company;
#[path = "queries/language.rs"]
mod language;
#[path = "queries/mutation.rs"]
mod mutation;
#[path = "queries/naive.rs"]
mod naive;

use company::{Books, Plan};
use language::Statement;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use serde_json::Value;

/// Runs a property; a failure shows the smallest input found and the statement.
#[track_caller]
fn check<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    match TestRunner::new(config).run(&strategy, property) {
        Ok(()) => {}
        Err(TestError::Fail(why, input)) => panic!("{input:?}\n{why}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// `"200"` with a well-formed answer, or the code of a well-formed fault.
fn verdict(shown: &str, (status, answer): (u16, Value)) -> Result<String, TestCaseError> {
    let wrong = || TestCaseError::fail(format!("{shown}\nis answered {status} {answer}"));
    if status == 200 {
        let response = answer["QueryResponse"].as_object().ok_or_else(wrong)?;
        let one_list = response.values().filter(|value| value.is_array()).count() <= 1;
        let known = response.iter().all(|(name, value)| match name.as_str() {
            "startPosition" | "maxResults" | "totalCount" => value.is_u64(),
            _ => value.as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_object)),
        });
        return if one_list && known && answer["time"].is_string() { Ok("200".into()) } else { Err(wrong()) };
    }
    let fault = &answer["Fault"];
    let told = fault["type"] == "ValidationFault" && fault["Error"][0]["Detail"].is_string();
    match fault["Error"][0]["code"].as_str().filter(|_| told && status == 400) {
        Some(code) => Ok(code.to_owned()),
        None => Err(wrong()),
    }
}

#[test]
fn what_a_statement_finds_is_what_a_naive_reading_of_the_books_finds() {
    let strategy = (any::<Plan>(), prop::collection::vec(any::<Statement>(), 40));
    check(30, strategy, |(plan, statements)| {
        let books = Books::new(&plan);
        let rows = books.rows();
        for statement in statements {
            let statement = statement.resolved(&rows);
            let text = statement.text();
            let (status, answer) = books.query(text.as_bytes(), statement.is_posted());
            prop_assert_eq!(status, 200, "{}\n{}", text, answer);
            prop_assert_eq!(&answer["QueryResponse"], &naive::answer(&rows, &statement), "{}", text);
        }
        Ok(())
    });
}

#[test]
fn a_statement_that_can_be_read_but_makes_no_sense_is_4001() {
    let books = Books::new(&Plan::small());
    let rows = books.rows();
    check(300, (any::<Statement>(), mutation::senseless()), |(statement, nonsense)| {
        let text = nonsense(statement.resolved(&rows)).text();
        let code = verdict(&text, books.query(text.as_bytes(), statement.is_posted()))?;
        prop_assert_eq!(code, "4001", "{}", text);
        Ok(())
    });
}

#[test]
fn a_statement_the_language_has_no_grammar_for_is_4000() {
    let books = Books::new(&Plan::small());
    let rows = books.rows();
    check(300, (any::<Statement>(), mutation::unreadable()), |(statement, damage)| {
        let text = damage(statement.resolved(&rows).text());
        let code = verdict(&text, books.query(text.as_bytes(), statement.is_posted()))?;
        prop_assert_eq!(code, "4000", "{}", text);
        Ok(())
    });
}

#[test]
fn no_mutation_of_a_statement_gets_anything_but_rows_4000_or_4001() {
    let books = Books::new(&Plan::small());
    let rows = books.rows();
    check(1500, (any::<Statement>(), mutation::some()), |(statement, mutations)| {
        let text = mutation::applied(statement.resolved(&rows).text(), &mutations);
        // A longer one does not fit into a URL.
        let is_posted = statement.is_posted() || text.len() > 10_000;
        let code = verdict(&text, books.query(text.as_bytes(), is_posted))?;
        prop_assert!(["200", "4000", "4001"].contains(&code.as_str()), "{code}: {text}");
        Ok(())
    });
    assert!(books.all_calls_are_expected());
}

#[test]
fn bytes_that_are_no_text_are_500_as_documented() {
    let books = Books::new(&Plan::small());
    check(200, prop::collection::vec(any::<u8>(), 0..60), |bytes| {
        let shown = String::from_utf8_lossy(&bytes);
        let code = verdict(&shown, books.query(&bytes, true))?;
        match std::str::from_utf8(&bytes) {
            Ok(_) => prop_assert!(["4000", "4001"].contains(&code.as_str()), "{code}: {shown:?}"),
            Err(_) => prop_assert_eq!(code, "500", "{:?}", bytes),
        }
        Ok(())
    });
}

#[test]
fn very_long_and_very_deep_statements_are_answered_too() {
    let books = Books::new(&Plan::small());
    let many = |part: &str, join: &str| vec![part; 5_000].join(join);
    let cases = [
        ("200", format!("select * from Customer where {}", many("Active = true", " and "))),
        ("200", format!("select * from Customer where DisplayName in ({})", many("'a'", ","))),
        ("200", format!("select * from Customer where DisplayName = '{}'", many(r"\'\\é", ""))),
        ("200", format!("select * from Customer where DisplayName like '{}'", many("%a", ""))),
        ("200", format!("select * from Customer orderby {}", many("DisplayName desc", ", "))),
        ("200", format!("select {} from Customer", many("Id", ","))),
        ("200", format!("select * {} from Customer", " ".repeat(20_000))),
        ("4000", format!("select * from Customer where {}", "(".repeat(20_000))),
        ("4000", format!("select * from Customer where DisplayName = {}", "'".repeat(20_001))),
        ("4000", format!("select * from Customer where DisplayName = '{}", "\\".repeat(20_000))),
        ("4000", format!("select * from Customer maxresults {}", "9".repeat(20_000))),
        ("4001", format!("select * from {}", "C".repeat(20_000))),
        ("4001", format!("select * from Customer where {} = '1'", many("Id", "."))),
    ];
    for (expected, text) in cases {
        let shown: String = text.chars().take(60).collect();
        assert_eq!(verdict(&shown, books.query(text.as_bytes(), true)).unwrap(), expected, "{shown}");
    }
}
