//! The demo: eight things that happen between a HubSpot workflow and a QuickBooks company, each with what must come of it.

mod expect;
mod report;
mod seen;

use std::process::ExitCode;

use local::{Stack, world};
use serde_json::{Value, json};

use self::expect::Expect::{
    self, BilledTo, Deliveries, DueInDays, Lines, NewInBooks, NoCalls, SameAnswers, Says, Totals,
};
use self::seen::{Books, Seen};

/// One thing that happens, and what must come of it.
struct Scenario {
    title: &'static str,
    /// Laid over the company first, if anything.
    company: Option<Value>,
    enrollments: Vec<Enrollment>,
    expected: Vec<Expect>,
}

/// A deal enrolled into the invoice action.
struct Enrollment {
    deal: u64,
    deliveries: u32,
    signature: &'static str,
}

fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            title: "A deal with a contact and three lines",
            company: None,
            enrollments: vec![deal(world::HARBOR)],
            expected: vec![
                NewInBooks { invoices: 1, customers: 1 },
                BilledTo("Ana Trujillo"),
                Lines(3),
                Totals(&["949.40"]),
                DueInDays(30),
                Says(&["was created in QuickBooks"]),
            ],
        },
        Scenario {
            title: "A new contact with two deals",
            company: None,
            enrollments: vec![deal(world::THEO_FIRST), deal(world::THEO_SECOND)],
            expected: vec![
                NewInBooks { invoices: 2, customers: 1 },
                BilledTo("Theo Brandt"),
                Totals(&["87.00", "249.99"]),
            ],
        },
        Scenario {
            title: "A contact that QuickBooks knows",
            company: None,
            enrollments: vec![deal(world::HANNA)],
            expected: vec![
                NewInBooks { invoices: 1, customers: 0 },
                BilledTo("Hanna Lindqvist"),
                Totals(&["164.00"]),
            ],
        },
        Scenario {
            title: "A line that is no product of QuickBooks",
            company: None,
            enrollments: vec![deal(world::LETTERING)],
            expected: vec![
                NewInBooks { invoices: 0, customers: 0 },
                Says(&["Window lettering", "Add the product in QuickBooks", "or change the line item"]),
            ],
        },
        Scenario {
            title: "The same execution, delivered three times",
            company: None,
            enrollments: vec![Enrollment { deliveries: 3, ..deal(world::REFILL) }],
            expected: vec![
                NewInBooks { invoices: 1, customers: 0 },
                Deliveries(&[200, 200, 200]),
                SameAnswers,
                Totals(&["145.00"]),
            ],
        },
        Scenario {
            title: "A name that is hard to quote, twice",
            company: None,
            enrollments: vec![deal(world::OBRIEN_FIRST), deal(world::OBRIEN_SECOND)],
            expected: vec![NewInBooks { invoices: 2, customers: 1 }, BilledTo(world::OBRIEN)],
        },
        Scenario {
            title: "A request not signed by HubSpot",
            company: None,
            enrollments: vec![Enrollment { signature: "wrong", ..deal(world::HARBOR) }],
            expected: vec![NewInBooks { invoices: 0, customers: 0 }, Deliveries(&[401]), NoCalls],
        },
        Scenario {
            title: "Books that are closed",
            company: Some(json!({"preferences": {"AccountingInfoPrefs": {"BookCloseDate": "2999-12-31"}}})),
            enrollments: vec![deal(world::HANNA)],
            expected: vec![
                NewInBooks { invoices: 0, customers: 0 },
                Says(&[world::COMPANY, "are closed", "Change the closing date"]),
            ],
        },
    ]
}

fn deal(deal: u64) -> Enrollment {
    Enrollment { deal, deliveries: 1, signature: "both" }
}

/// Runs every scenario on one stack, prints what happened and the resulting books; a failure if anything was not as it
/// must be.
pub(crate) async fn run(stack: &Stack) -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    let mut outcomes = Vec::new();
    for scenario in scenarios() {
        eprintln!("Running: {} …", scenario.title);
        let seen = play(stack, &scenario).await?;
        let problems: Vec<_> =
            scenario.expected.iter().filter_map(|expected| expected.problem(&seen)).collect();
        outcomes.push(report::Outcome { title: scenario.title, seen, problems });
    }
    let as_expected = outcomes.iter().all(|outcome| outcome.problems.is_empty());
    println!("\n{}", report::scenarios(&outcomes));
    println!("\nThe books of {}\n{}", world::COMPANY, report::books(&Books::read(stack)?));
    println!("\n{}", report::verdict(&outcomes));
    if !as_expected {
        println!("The functions' logs are in {}", stack.logs.display());
    }
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn play(stack: &Stack, scenario: &Scenario) -> Result<Seen, Box<dyn std::error::Error + Send + Sync>> {
    if let Some(change) = &scenario.company {
        let mut company = change.clone();
        company["realm_id"] = json!(world::REALM);
        stack.seed_quickbooks(&json!({"companies": [company]})).await?;
    }
    let before = seen::Before::now(stack)?;
    let mut histories = Vec::new();
    for enrollment in &scenario.enrollments {
        let history = stack.execute(&enrollment.request()).await?;
        histories.push(serde_json::from_value(history)?);
    }
    Ok(before.then(stack, histories)?)
}

impl Enrollment {
    fn request(&self) -> Value {
        json!({
            "action": "invoice",
            "portal_id": world::PORTAL.0,
            "object_type": "DEAL",
            "object_id": self.deal,
            "inputs": {"quickbooks_account": world::REALM, "due_days": "30"},
            "deliveries": self.deliveries,
            "signature": self.signature,
        })
    }
}
