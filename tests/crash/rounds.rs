//! Crowds: many deliveries of one execution at once, and many deals of one new contact.

use std::collections::HashSet;

use jiff::SignedDuration;
use local::stack::Vendor;
use serde_json::{Value, json};

use crate::bench::{Bench, RequestIds, added};
use crate::case::{ACTIONS, Case, Scenario, deal_of_new_contact, enrollment, nothing_unexpected};
use crate::points::settled_well;
use crate::{full, say};

const DELIVERIES_AT_ONCE: usize = 64;

const DEALS_AT_ONCE: usize = 25;

/// rulings.md 26.
#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_deliveries_at_once_make_one_document_round_after_round() {
    let (started, rounds) = (std::time::Instant::now(), if full() { 100 } else { 20 });
    let mut counts = Counts::default();
    for request_ids in RequestIds::BOTH {
        let bench = Bench::start(request_ids).await;
        for round in 0..rounds / 2 {
            crowd(&bench, round, &mut counts).await;
        }
    }
    let Counts { finals, blocks, callbacks } = counts;
    say(&format!(
        "{rounds} rounds of {DELIVERIES_AT_ONCE} deliveries at once, half of them with request ids ignored: one document each; \
         {finals} equal answers, {blocks} BLOCK, {callbacks} equal callbacks; {:.0?}",
        started.elapsed()
    ));
}

#[derive(Default)]
struct Counts {
    finals: usize,
    blocks: usize,
    callbacks: usize,
}

/// One round.
async fn crowd(bench: &Bench, round: usize, counts: &mut Counts) {
    let mut execution = Case::new(ACTIONS[0], Scenario::NewCustomer).prepared(bench, round).await;
    execution.enrollment["concurrent"] = json!(DELIVERIES_AT_ONCE);
    bench.stack.execute(&execution.enrollment).await.unwrap();
    let shown = match settled_well(bench, &execution).await {
        Ok(shown) => shown,
        Err(why) => panic!("round {round}: {why}\n{}", bench.trace(&execution.callback_id).await),
    };
    let (waits, answers) = answers(&shown);
    let called_back = callback_bodies(bench);
    assert_eq!(waits + answers.len(), DELIVERIES_AT_ONCE, "each is answered once, with 200: {shown:#}");
    // HubSpot refuses it when it has the answer already, and hears it again for some minutes.
    assert_eq!(called_back.is_empty(), waits == 0, "those who were told to wait are called back");
    // A completion has one member more than an answer; up to there it is the same bytes.
    let completion =
        |answer: &String| format!("{},\"typedOutputs\":{{}}}}", answer.strip_suffix('}').unwrap());
    let told: HashSet<String> = answers.iter().map(completion).chain(called_back.iter().cloned()).collect();
    assert_eq!(told.len(), 1, "all are told the same: {told:#?}");
    counts.finals += answers.len();
    counts.blocks += waits;
    counts.callbacks += called_back.len();
}

/// How many were told to wait, and what the others were answered.
fn answers(shown: &Value) -> (usize, Vec<String>) {
    let deliveries = shown["deliveries"].as_array().unwrap();
    let answered = deliveries.iter().filter(|delivery| delivery["status"] == 200);
    let bodies = answered.map(|delivery| delivery["body"].as_str().unwrap().to_owned());
    let (waits, answers): (Vec<_>, Vec<_>) = bodies.partition(|body| {
        let body: Value = serde_json::from_str(body).unwrap();
        body["outputFields"]["hs_execution_state"] == "BLOCK"
    });
    (waits.len(), answers)
}

fn callback_bodies(bench: &Bench) -> Vec<String> {
    let calls = bench.stack.calls(Vendor::HubSpot).into_iter();
    calls.filter(|call| call.path.ends_with("/complete")).map(|call| call.request_body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_deals_of_one_new_contact_make_one_customer() {
    let (started, deals) = (std::time::Instant::now(), if full() { 500 } else { 100 });
    let bench = Bench::start(RequestIds::Honoured).await;
    bench.clear().await;
    let before = bench.books();
    let first = deal_of_new_contact(&bench, 1, deals).await;
    let all: Vec<_> = (0..deals).map(|deal| format!("ap-1000001-{}-3-0", 700_000_000_000 + deal)).collect();
    let (stack, mut blocked) = (&bench.stack, 0);
    for (batch, callback_ids) in all.chunks(DEALS_AT_ONCE).enumerate() {
        let execute =
            callback_ids.iter().zip(first + (batch * DEALS_AT_ONCE) as u64..).map(|(callback_id, deal)| {
                let enrollment = enrollment("invoice", "DEAL", deal, false, callback_id);
                async move { stack.execute(&enrollment).await.unwrap() }
            });
        let shown = futures::future::join_all(execute).await;
        blocked += shown.iter().filter(|shown| shown["state"] == "BLOCK").count();
        bench.stack.advance_clock(SignedDuration::from_mins(1));
    }
    let mut documents = HashSet::new();
    for callback_id in &all {
        let shown = bench.settled(callback_id).await.unwrap();
        assert_eq!(shown["state"], "SUCCESS", "{shown:#}");
        documents.insert(shown["outputs"]["document_id"].as_str().unwrap().to_owned());
    }
    let made = added(&before, bench.books());
    assert_eq!((made["Customer"].len(), made["Invoice"].len(), documents.len()), (1, deals, deals));
    assert!(made["Invoice"].iter().all(|invoice| {
        documents.contains(invoice["Id"].as_str().unwrap())
            && invoice["CustomerRef"]["value"] == made["Customer"][0]["Id"]
    }));
    nothing_unexpected(&bench).unwrap();
    let throttled =
        bench.stack.calls(Vendor::QuickBooks).iter().filter(|call| call.status == Some(429)).count();
    say(&format!(
        "{deals} deals of one new contact, {DEALS_AT_ONCE} at a time: one customer, {deals} invoices; {blocked} were \
         answered BLOCK and ended by the reconciler, {throttled} calls met QuickBooks' limits; {:.0?}",
        started.elapsed()
    ));
}
