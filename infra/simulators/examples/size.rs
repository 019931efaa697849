//! `cargo run -p simulators --example size`: whether a company of 10,000 documents and 2,000 customers answers about as
//! quickly as one of 100 and 20.
//!
//! Both are asked in turns over HTTP, so that whatever else the machine does hits both, and the median of what the
//! stand-in's own call log says is taken: from the arrival of a call to its answer. Only ratios mean anything, so a debug
//! build will do. Ends with a failure if one of them is above the bar.

use std::error::Error;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use quickbooks::query::{Attribute, Entity, Query};
use reqwest::Client;
use serde_json::{Value, json};
use simulators::control::{Serving, serve};
use simulators::quickbooks::QuickBooks;

const SMALL: Size = Size { documents: 100, customers: 20 };
const LARGE: Size = Size { documents: 10_000, customers: 2_000 };

/// The large company may take so many hundredths of the small one's time.
const BAR_PERCENT: u64 = 300;

/// How often each is asked.
const ROUNDS: usize = 300;

const ITEMS: usize = 50;

/// Items of a batch.
const BATCH: usize = 30;

const REALM: &str = "9341450000000001";

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone, Copy)]
struct Size {
    documents: usize,
    customers: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Failure> {
    eprintln!("Entering {} and {} documents …", SMALL.documents, LARGE.documents);
    let (small, large) = (Company::of(SMALL).await?, Company::of(LARGE).await?);
    println!("{:<40}{:>12}{:>12}{:>8}", "median, µs", "small", "large", "ratio");
    let mut passes = true;
    for ask in [Ask::LookUp, Ask::FindAgain, Ask::Create] {
        let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            of_small.push(small.time(ask, round).await?);
            of_large.push(large.time(ask, round).await?);
        }
        let (of_small, of_large) = (median(of_small), median(of_large));
        let percent = of_large * 100 / of_small.max(1);
        passes &= percent <= BAR_PERCENT;
        let ratio = format!("{}.{:02}×", percent / 100, percent % 100);
        println!("{:<40}{of_small:>12}{of_large:>12}{ratio:>8}", ask.name());
    }
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times[times.len() / 2]
}

/// What an execution asks of QuickBooks.
#[derive(Clone, Copy)]
enum Ask {
    /// Customer by address and by name, products by number and by name: one batch.
    LookUp,
    /// What was created for a customer since a moment, after an unclear answer.
    FindAgain,
    /// An invoice under a number of its own, in a company that is warned of numbers used twice.
    Create,
}

impl Ask {
    fn name(self) -> &'static str {
        match self {
            Ask::LookUp => "look-up batch",
            Ask::FindAgain => "a customer's invoices since a moment",
            Ask::Create => "create an invoice",
        }
    }
}

struct Company {
    size: Size,
    quickbooks: QuickBooks,
    serving: Serving,
    client: Client,
}

impl Company {
    async fn of(size: Size) -> Result<Company, Failure> {
        let quickbooks = QuickBooks::new();
        quickbooks.seed(json!({"companies": [{
            "realm_id": REALM, "access_tokens": ["good"],
            "preferences": {"SalesFormsPrefs": {"CustomTxnNumbers": true}},
            "switches": {"warn_duplicate_number": true, "limits": null, "quota": null},
            "customers": (0..size.customers).map(customer).collect::<Vec<_>>(),
            "items": (0..ITEMS).map(|number| json!({"Name": format!("Product {number}"), "Sku": format!("P-{number}")}))
                .collect::<Vec<_>>(),
        }]}))?;
        let serving = serve(quickbooks.router(), 0).await?;
        let company = Company { size, quickbooks, serving, client: Client::new() };
        let numbers: Vec<_> = (0..size.documents).collect();
        for numbers in numbers.chunks(BATCH) {
            company.enter(numbers).await?;
            company.quickbooks.control().advance(SignedDuration::from_mins(10));
        }
        Ok(company)
    }

    async fn enter(&self, numbers: &[usize]) -> Result<(), Failure> {
        let items = numbers.iter().map(|number| {
            let kind = ["Invoice", "Estimate", "SalesReceipt"][number % 3];
            let document = self.document(*number, &format!("N-{number}"));
            json!({"bId": number.to_string(), "operation": "create", kind: document})
        });
        let answer = self.post("batch", &json!({"BatchItemRequest": items.collect::<Vec<_>>()})).await?;
        let refused = answer["BatchItemResponse"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|item| item.get("Fault").is_some());
        refused.map_or(Ok(()), |item| Err(item.to_string().into()))
    }

    fn document(&self, number: usize, name: &str) -> Value {
        let customer = (number % self.size.customers + 1).to_string();
        let item = (self.size.customers + number % ITEMS + 1).to_string();
        json!({"CustomerRef": {"value": customer}, "DocNumber": name, "TxnDate": format!("2026-03-{:02}", number % 28 + 1),
            "Line": [{"DetailType": "SalesItemLineDetail", "Amount": 100, "SalesItemLineDetail": {"ItemRef": {"value": item}}}]})
    }

    /// Asks and answers how long that took, in microseconds.
    async fn time(&self, ask: Ask, round: usize) -> Result<u64, Failure> {
        let number = round * 7;
        match ask {
            Ask::LookUp => self.post("batch", &self.look_up(number)).await?,
            Ask::FindAgain => self.post("batch", &batch(&[self.find_again(number)])).await?,
            Ask::Create => self.post("invoice", &self.document(number, &format!("R-{round}"))).await?,
        };
        let calls = self.quickbooks.control().calls();
        self.forget_calls().await?;
        let call = calls.last().ok_or("the call is not in the log")?;
        Ok(call.ended_us.ok_or("the call has not ended")? - call.started_us)
    }

    /// As an execution asks for a deal with three lines (`shared/app/src/execution.rs`).
    fn look_up(&self, number: usize) -> Value {
        let numbers = [number % ITEMS, (number + 1) % ITEMS, (number + 2) % ITEMS];
        let customer = customer(number % self.size.customers);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let customers =
            |attribute, value: &Value| Query::from(Entity::Customer).equals(attribute, &text(value));
        let items = |attribute, values: [String; 3]| {
            Query::from(Entity::Item).is_in(attribute, values).with_inactive().max_results(1000)
        };
        batch(&[
            customers(Attribute::PrimaryEmailAddr, &customer["PrimaryEmailAddr"]["Address"]),
            customers(Attribute::DisplayName, &customer["DisplayName"]),
            items(Attribute::Sku, numbers.map(|number| format!("P-{number}"))),
            items(Attribute::Name, numbers.map(|number| format!("Product {number}"))),
        ])
    }

    fn find_again(&self, number: usize) -> Query {
        let customer = (number % self.size.customers + 1).to_string();
        Query::from(Entity::Invoice)
            .equals(Attribute::CustomerRef, &customer)
            .since(Attribute::CreateTime, Timestamp::UNIX_EPOCH)
            .order_by_newest()
            .start_position(1)
            .max_results(1000)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let url = format!("{}/v3/company/{REALM}/{path}", self.serving.url);
        let request = self.client.post(url).bearer_auth("good").header("accept", "application/json");
        let text = request.json(body).send().await?.error_for_status()?.text().await?;
        Ok(serde_json::from_str(&text)?)
    }

    async fn forget_calls(&self) -> Result<(), Failure> {
        self.client.delete(format!("{}/_sim/calls", self.serving.url)).send().await?;
        Ok(())
    }
}

fn customer(number: usize) -> Value {
    let name = format!("Customer {number}");
    json!({"DisplayName": name, "PrimaryEmailAddr": {"Address": format!("customer{number}@harbour.example")}})
}

fn batch(queries: &[Query]) -> Value {
    let items = queries.iter().enumerate();
    let items = items.map(|(number, query)| json!({"bId": number.to_string(), "Query": query.statement()}));
    json!({"BatchItemRequest": items.collect::<Vec<_>>()})
}
