//! The demo: things that happen between a HubSpot workflow and a QuickBooks company, each with what must come of it.

mod expect;
mod report;
mod seen;

use std::process::ExitCode;

use jiff::SignedDuration;
use local::{Stack, Vendor, world};
use serde_json::{Value, json};

use self::expect::Count;
use self::expect::Expect::{
    self, BilledTo, Called, Deliveries, DueInDays, ExpiresOn, Lines, NewInBooks, NoCalls, Paid, SameAnswers,
    Says, Totals,
};
use self::seen::{Books, Seen};

/// A scenario that HubSpot waits for longer than this has failed.
const LONGEST_WAIT_MINUTES: usize = 30;

/// One thing that happens, and what must come of it.
struct Scenario {
    title: &'static str,
    before: Before,
    enrollments: Vec<Enrollment>,
    expected: Vec<Expect>,
}

/// What is changed first.
#[derive(Default)]
enum Before {
    #[default]
    Nothing,
    /// Laid over the company.
    Company(Value),
    /// Both vendors stop accepting the access tokens they gave.
    TokensExpire,
    /// QuickBooks fails like this.
    QuickBooksFails(Value),
}

/// A record enrolled into an action.
struct Enrollment {
    action: &'static str,
    object_type: &'static str,
    object_id: u64,
    inputs: Value,
    deliveries: u32,
    concurrent: u32,
    signature: &'static str,
}

fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            title: "A deal with a contact and three lines",
            before: Before::Nothing,
            enrollments: vec![invoice(world::HARBOR)],
            expected: vec![
                NewInBooks(Count { invoices: 1, customers: 1, ..Count::NOTHING }),
                BilledTo("Ana Trujillo"),
                Lines(3),
                Totals(&["949.40"]),
                DueInDays(30),
                Says(&["was created in QuickBooks"]),
            ],
        },
        Scenario {
            title: "A new contact with two deals",
            before: Before::Nothing,
            enrollments: vec![invoice(world::THEO_FIRST), invoice(world::THEO_SECOND)],
            expected: vec![
                NewInBooks(Count { invoices: 2, customers: 1, ..Count::NOTHING }),
                BilledTo("Theo Brandt"),
                Totals(&["87.00", "249.99"]),
            ],
        },
        Scenario {
            title: "A contact that QuickBooks knows",
            before: Before::Nothing,
            enrollments: vec![invoice(world::HANNA)],
            expected: vec![
                NewInBooks(Count { invoices: 1, ..Count::NOTHING }),
                BilledTo("Hanna Lindqvist"),
                Totals(&["164.00"]),
            ],
        },
        Scenario {
            title: "A line that is no product of QuickBooks",
            before: Before::Nothing,
            enrollments: vec![invoice(world::LETTERING)],
            expected: vec![
                NewInBooks(Count::NOTHING),
                Says(&["Window lettering", "Add the product in QuickBooks", "or change the line item"]),
            ],
        },
        Scenario {
            title: "That line in an estimate and a receipt",
            before: Before::Nothing,
            enrollments: vec![deal("estimate", world::LETTERING), deal("receipt", world::LETTERING)],
            expected: vec![
                NewInBooks(Count::NOTHING),
                Says(&["Window lettering", "Add the product in QuickBooks"]),
            ],
        },
        Scenario {
            title: "The same execution, delivered three times",
            before: Before::Nothing,
            enrollments: vec![Enrollment { deliveries: 3, ..invoice(world::REFILL) }],
            expected: vec![
                NewInBooks(Count { invoices: 1, ..Count::NOTHING }),
                Deliveries(&[200, 200, 200]),
                SameAnswers,
                Totals(&["145.00"]),
            ],
        },
        Scenario {
            title: "A name that is hard to quote, twice",
            before: Before::Nothing,
            enrollments: vec![invoice(world::OBRIEN_FIRST), invoice(world::OBRIEN_SECOND)],
            expected: vec![
                NewInBooks(Count { invoices: 2, customers: 1, ..Count::NOTHING }),
                BilledTo(world::OBRIEN),
            ],
        },
        Scenario {
            title: "A request not signed by HubSpot",
            before: Before::Nothing,
            enrollments: vec![Enrollment { signature: "wrong", ..invoice(world::HARBOR) }],
            expected: vec![NewInBooks(Count::NOTHING), Deliveries(&[401]), NoCalls],
        },
        Scenario {
            title: "An accepted quote",
            before: Before::Nothing,
            enrollments: vec![Enrollment { object_type: "QUOTE", ..deal("estimate", world::OFFER) }],
            expected: vec![
                NewInBooks(Count { estimates: 1, ..Count::NOTHING }),
                BilledTo("Ana Trujillo"),
                Lines(3),
                Totals(&[world::OFFER_TOTAL]),
                ExpiresOn(world::OFFER_EXPIRES),
            ],
        },
        Scenario {
            title: "A deal that is paid",
            before: Before::Nothing,
            enrollments: vec![deal("receipt", world::PAID_DEAL)],
            expected: vec![
                NewInBooks(Count { receipts: 1, ..Count::NOTHING }),
                BilledTo("Hanna Lindqvist"),
                Totals(&["58.00"]),
            ],
        },
        Scenario {
            title: "A quote that is paid, and a paid invoice wanted",
            before: Before::Nothing,
            enrollments: vec![Enrollment {
                object_type: "QUOTE",
                inputs: json!({"quickbooks_account": world::REALM, "due_days": "30", "create_paid": "yes"}),
                ..invoice(world::PAID_QUOTE)
            }],
            expected: vec![
                NewInBooks(Count { invoices: 1, payments: 1, ..Count::NOTHING }),
                BilledTo("Hanna Lindqvist"),
                Totals(&["164.00"]),
                Paid("164.00"),
            ],
        },
        Scenario {
            title: "Access tokens that have expired",
            before: Before::TokensExpire,
            enrollments: vec![invoice(world::HANNA)],
            expected: vec![
                NewInBooks(Count { invoices: 1, ..Count::NOTHING }),
                Totals(&["164.00"]),
                Called(&["/oauth/2026-03/token", "/oauth2/v1/tokens/bearer"]),
            ],
        },
        Scenario {
            title: "The same execution, twice at once",
            before: Before::Nothing,
            enrollments: vec![Enrollment { concurrent: 2, ..invoice(world::REFILL) }],
            expected: vec![
                NewInBooks(Count { invoices: 1, ..Count::NOTHING }),
                SameAnswers,
                Totals(&["145.00"]),
            ],
        },
        Scenario {
            title: "QuickBooks makes an invoice, and its answer is lost",
            before: Before::QuickBooksFails(
                json!({"method": "POST", "path": "/invoice", "times": 1, "drop": true, "after_effect": true}),
            ),
            enrollments: vec![invoice(world::REFILL)],
            expected: vec![
                NewInBooks(Count { invoices: 1, ..Count::NOTHING }),
                Totals(&["145.00"]),
                // Told to wait, and called back when the invoice was found.
                Deliveries(&[200]),
                Called(&["/automation/actions/callbacks/"]),
                Says(&["was created in QuickBooks"]),
            ],
        },
        Scenario {
            title: "Books that are closed",
            before: Before::Company(
                json!({"preferences": {"AccountingInfoPrefs": {"BookCloseDate": "2999-12-31"}}}),
            ),
            enrollments: vec![invoice(world::HANNA)],
            expected: vec![
                NewInBooks(Count::NOTHING),
                Says(&[world::COMPANY, "are closed", "Change the closing date"]),
            ],
        },
    ]
}

/// A deal enrolled into the invoice action, due in 30 days.
fn invoice(id: u64) -> Enrollment {
    Enrollment {
        inputs: json!({"quickbooks_account": world::REALM, "due_days": "30"}),
        ..deal("invoice", id)
    }
}

/// A deal enrolled into an action, with nothing but the company chosen.
fn deal(action: &'static str, id: u64) -> Enrollment {
    Enrollment {
        action,
        object_type: "DEAL",
        object_id: id,
        inputs: json!({"quickbooks_account": world::REALM}),
        deliveries: 1,
        concurrent: 1,
        signature: "both",
    }
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
    let nonconforming = stack.quickbooks.nonconforming();
    nonconforming.iter().for_each(|found| println!("Not as Intuit's XSDs have it: {found}"));
    if !as_expected {
        println!("The functions' logs are in {}", stack.logs.display());
    }
    Ok(if as_expected && nonconforming.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn play(stack: &Stack, scenario: &Scenario) -> Result<Seen, Box<dyn std::error::Error + Send + Sync>> {
    scenario.before.happen(stack).await?;
    let before = seen::Before::now(stack)?;
    let mut histories = Vec::new();
    for enrollment in &scenario.enrollments {
        let history = stack.execute(&enrollment.request()).await?;
        histories.push(serde_json::from_value(settled(stack, history).await?)?);
    }
    Ok(before.then(stack, histories)?)
}

/// Lets minutes pass, each with its run of the reconciler, until HubSpot no longer waits.
async fn settled(
    stack: &Stack,
    mut history: Value,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    for _minute in 0..LONGEST_WAIT_MINUTES {
        if history["state"] != "BLOCK" {
            break;
        }
        stack.advance_clock(SignedDuration::from_mins(1));
        stack.tick("reconcile").await?;
        history = stack.history(history["callback_id"].as_str().unwrap_or_default()).await?;
    }
    Ok(history)
}

impl Before {
    async fn happen(&self, stack: &Stack) -> Result<(), local::Error> {
        match self {
            Self::Nothing => Ok(()),
            Self::Company(change) => {
                let mut company = change.clone();
                company["realm_id"] = json!(world::REALM);
                stack.seed_quickbooks(&json!({"companies": [company]})).await
            }
            Self::TokensExpire => stack.expire_access_tokens().await,
            Self::QuickBooksFails(fault) => stack.faults(Vendor::QuickBooks, &json!([fault])),
        }
    }
}

impl Enrollment {
    fn request(&self) -> Value {
        json!({
            "action": self.action,
            "portal_id": world::PORTAL.0,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "inputs": self.inputs,
            "deliveries": self.deliveries,
            "concurrent": self.concurrent,
            "signature": self.signature,
        })
    }
}
