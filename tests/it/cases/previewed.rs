//! Records of chance, those of `tests/amounts`, in companies of every kind of tax and currency with settings of chance: each is
//! previewed and then created through the real functions, and what is sent then is what was shown; what would fail fails with
//! the same words. A company and its records come from a number: `PREVIEWED_SEED=7` tries those alone, `PROOF=full` many.

#[path = "../../amounts/company.rs"]
mod company;
#[path = "../../amounts/record.rs"]
mod record;

use std::collections::BTreeMap;
use std::ops::Range;

use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::bench::{Bench, Ended, Place};
use super::case::Case;
use super::told::is_write;
use super::{AT_ONCE, ON_A_STACK};

use company::Company;
use record::Drawn;
use simulators::chance::Chance;

/// Companies and records of each: with `PROOF=full`, and else; more at once a company's budget for look-ups would not last for.
const ALL: (u64, u64) = (2_000, 10);
const SOME: (u64, u64) = (28, 6);

/// How often something came about.
type Tally = BTreeMap<String, u64>;

/// The numbers of the companies to try, and how many records of each.
fn chosen() -> (Range<u64>, u64) {
    if let Ok(one) = std::env::var("PREVIEWED_SEED") {
        let seed = one.parse::<u64>().expect("PREVIEWED_SEED is a number");
        return (seed..seed + 1, ALL.1);
    }
    let full = std::env::var("PROOF").is_ok_and(|proof| proof == "full");
    let (companies, records) = if full { ALL } else { SOME };
    (0..companies, records)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_previewed_is_what_creating_then_sends() {
    let began = std::time::Instant::now();
    let (seeds, records) = chosen();
    let seeds: Vec<u64> = seeds.collect();
    let one_alone = seeds.len() == 1;
    let stacks = seeds.chunks(ON_A_STACK.min(seeds.len().div_ceil(2))).map(<[u64]>::to_vec);
    let on_stack = |seeds| on_one_stack(seeds, records);
    let mut ended = futures::stream::iter(stacks).map(on_stack).buffer_unordered(2);
    let (mut tally, mut different) = (Tally::new(), Vec::new());
    while let Some(companies) = ended.next().await {
        for came in companies {
            match came {
                Ok(of_company) => {
                    of_company.into_iter().for_each(|(what, count)| *tally.entry(what).or_default() += count)
                }
                Err(why) => different.push(why),
            }
        }
    }
    println!("{tally:#?}\nin {:.1?}", began.elapsed());
    assert!(different.is_empty(), "{}", different.join("\n"));
    let often =
        |what: &str, one_in: u64| tally.get(what).is_some_and(|count| count * one_in >= tally["previewed"]);
    let kinds =
        [("invoice", 8), ("estimate", 8), ("salesreceipt", 8), ("customer", 8), ("item", 8), ("payment", 40)];
    let seldom: Vec<_> = kinds.into_iter().filter(|(what, one_in)| !often(what, *one_in)).collect();
    assert!(one_alone || seldom.is_empty(), "seldom: {seldom:?}");
}

async fn on_one_stack(seeds: Vec<u64>, records: u64) -> Vec<Result<Tally, String>> {
    // Soon after midnight of the portals: a day that begins in between is another one.
    let bench = Bench::at("2032-03-01T05:30:00Z".parse().unwrap()).await;
    let run = async |seed: u64| {
        in_one_company(&bench, seed, records).await.map_err(|why| format!("PREVIEWED_SEED={seed}: {why}"))
    };
    futures::stream::iter(seeds).map(run).buffer_unordered(AT_ONCE).collect().await
}

async fn in_one_company(bench: &Bench, seed: u64, records: u64) -> Result<Tally, String> {
    let mut chance = Chance::new(seed);
    let companies = Company::all();
    let company = &companies[usize::try_from(seed).unwrap_or_default() % companies.len()];
    let settings = company.settings(&mut chance);
    let case = json!({"about": "Records of chance.", "quickbooks": company.seed(), "settings": settings});
    let case: Case = serde_json::from_value(case).map_err(|error| error.to_string())?;
    let place = bench.place(&case, "invoice", seed + 1)?;
    place.install().await?;
    // The same records however many there are.
    let mut chances: Vec<_> = (1..=records).map(|id| (id, Chance::new(seed * 1_000 + id))).collect();
    let drawn: Vec<_> = chances.iter_mut().map(|(id, chance)| (*id, drawn(chance, company))).collect();
    place.seed(&objects(&drawn)).await?;
    let mut tally = Tally::new();
    for ((id, record), (_, chance)) in drawn.iter().zip(&mut chances) {
        let ended = run(&place, *id, record, chance).await;
        let ended =
            ended.map_err(|why| format!("{}, record {id}: {why}\n{settings}\n{record:?}", company.name()))?;
        for what in ended.iter().flat_map(came_of) {
            *tally.entry(what).or_default() += 1;
        }
    }
    Ok(tally)
}

fn drawn(chance: &mut Chance, company: &Company) -> Drawn {
    match chance.below(5) {
        0 | 1 => record::sound(chance, company),
        2 | 3 => record::unknown(chance, company),
        _ => record::any(chance, company),
    }
}

/// Enrolls it with inputs of chance, sometimes twice.
async fn run(place: &Place<'_>, id: u64, record: &Drawn, chance: &mut Chance) -> Result<Vec<Ended>, String> {
    let action = chance.pick(&["invoice", "estimate", "receipt"]);
    let choices: [(&str, &[&str]); 8] = [
        ("due_days", &["0", "30", "3650"]),
        ("create_paid", &["yes", "yes", "no"]),
        ("expires_days", &["14"]),
        ("payment_method", &["9101", "9103"]),
        // The last is no account that money can be deposited in.
        ("deposit_account", &["9001", "9002", "9001", "9004"]),
        ("missing_item", &["create", "create", "create", "default_item", "refuse"]),
        ("email_document", &["no", "queue", "send"]),
        ("if_repeated", &["create", "refuse", "return"]),
    ];
    let mut inputs = BTreeMap::new();
    for (name, words) in choices {
        if name == "missing_item" || chance.one_in(2) {
            inputs.insert(name.to_owned(), chance.pick(words).to_owned());
        }
    }
    // As the workflow editor has it: only what is paid says how.
    if action == "invoice" && inputs.get("create_paid").is_none_or(|paid| paid != "yes") {
        inputs.retain(|name, _| name != "payment_method" && name != "deposit_account");
    }
    let of = (if record.is_quote { "QUOTE" } else { "DEAL" }, id);
    let enrollment = place.enrollment(action, of, &inputs)?;
    let mut ended = vec![place.previewed_and_run(&enrollment).await?];
    if chance.one_in(8) {
        ended.push(place.previewed_and_run(&enrollment).await?);
    }
    // Of all that is drawn, QuickBooks alone knows that.
    let is_no_account = inputs.get("deposit_account").is_some_and(|account| account == "9004");
    let refused = |ended: &&Ended| ended.calls.iter().any(is_write) && ended.shown.state() != "SUCCESS";
    match ended.iter().find(refused).filter(|_| !is_no_account) {
        Some(Ended { shown, .. }) => Err(format!("previewed, and refused all the same: {}", shown.0)),
        None => Ok(ended),
    }
}

/// What was created, or why nothing was.
fn came_of(Ended { shown, calls, .. }: &Ended) -> Vec<String> {
    let made = calls.iter().filter(|call| is_write(call) && call.status == Some(200));
    let made = made.map(|call| call.path.rsplit('/').next().unwrap_or_default().to_owned());
    let status = format!("{} {}", shown.output("status"), shown.output("errorCode"));
    ["previewed".to_owned(), status].into_iter().chain(made).collect()
}

/// The records as a seed of the HubSpot simulator. What hangs on one has ids that begin with its own.
fn objects(drawn: &[(u64, Drawn)]) -> Value {
    let mut objects = Map::new();
    let mut add = |kind: &str, one: Value| match objects.entry(kind).or_insert_with(|| json!([])) {
        Value::Array(all) => all.push(one),
        _ => unreachable!(),
    };
    for (id, record) in drawn {
        let hanging: [(&str, &[Value]); 7] = [
            ("contacts", std::slice::from_ref(&record.contact)),
            ("companies", std::slice::from_ref(&record.company)),
            ("line_items", &record.lines),
            ("discounts", &record.discounts),
            ("fees", &record.fees),
            ("taxes", &record.taxes),
            ("commerce_payments", &record.payments),
        ];
        let mut associations = Map::new();
        // A deal has no discounts, fees and taxes of its own.
        let of_record = |kind: &str| record.is_quote || !["discounts", "fees", "taxes"].contains(&kind);
        for (kind, all) in hanging.into_iter().filter(|(kind, _)| of_record(kind)) {
            let ids: Vec<String> = (1..=all.len()).map(|at| (id * 1_000 + at as u64).to_string()).collect();
            for (id, properties) in ids.iter().zip(all) {
                add(kind, json!({"id": id, "properties": properties}));
            }
            associations.insert(kind.to_owned(), json!(ids));
        }
        let kind = if record.is_quote { "quotes" } else { "deals" };
        add(kind, json!({"id": id.to_string(), "properties": record.record, "associations": associations}));
    }
    Value::Object(objects)
}
