//! Every single crash, every pair of crashes of two attempts, and every pair of faults of one execution.

use app::action::DocumentKind;

use crate::books::RequestIds;
use crate::fault::{Call, Fault, Faults};
use crate::proof::Proof;
use crate::retry::Retry;
use crate::run::{Run, run};
use crate::setup::{Happening, Setup};

/// A document that is made.
type Document = (DocumentKind, bool, bool);

/// One document of each kind, and one with a payment; whether it is paid, and whether it is e-mailed.
const DOCUMENTS: [Document; 4] = [
    (DocumentKind::Invoice, true, true),
    (DocumentKind::Invoice, false, false),
    (DocumentKind::Estimate, false, true),
    (DocumentKind::SalesReceipt, false, false),
];

/// What QuickBooks makes of request ids at its best and at its worst.
const REQUEST_IDS: [RequestIds; 2] = [RequestIds::Honoured, RequestIds::Ignored];

/// A delivery, HubSpot's repetition of it, and rounds from half a minute on: nothing by chance.
pub(crate) fn scripted(kind: DocumentKind, paid: bool, request_ids: RequestIds, faults: Faults) -> Setup {
    Setup {
        seed: 0,
        kind,
        paid,
        mailed: false,
        request_ids,
        lag: 0,
        workflow: true,
        may_block: true,
        agenda: vec![(61_000, Happening::Delivery), (0, Happening::Delivery)],
        first_round: 30_000,
        books_down: None,
        hubspot_down: None,
        faults,
        rough: false,
        clocks_differ: false,
        redelivers: false,
        restored: None,
        restores: false,
        preview: false,
        retry: None,
        mutant: None,
        trace: false,
    }
}

/// The same of one of the [`DOCUMENTS`].
fn scripted_of((kind, paid, mailed): Document, request_ids: RequestIds, faults: Faults) -> Setup {
    Setup { mailed, ..scripted(kind, paid, request_ids, faults) }
}

/// Each call of a run dies in each of four ways, and then all goes on.
pub(crate) fn single_crashes(proof: &mut Proof) {
    let mut runs = 0;
    for document in DOCUMENTS {
        for request_ids in REQUEST_IDS {
            let calls = run(scripted_of(document, request_ids, Faults::none())).made_calls;
            for (number, (call, _)) in calls.iter().enumerate() {
                for death in deaths(*call) {
                    check(proof, document, request_ids, vec![(number, death)]);
                    runs += 1;
                }
            }
        }
    }
    println!(
        "single crashes: {runs} runs, every call of 4 documents, dying in 4 ways, and with the effect still to come"
    );
}

/// After each crash each call of another attempt dies too.
pub(crate) fn double_crashes(proof: &mut Proof) {
    let mut runs = 0;
    for document in DOCUMENTS {
        for request_ids in REQUEST_IDS {
            runs += pairs(proof, (document, request_ids), deaths, |first, second| first != second);
        }
    }
    println!("double crashes: {runs} runs, every ordered pair over two attempts");
}

/// A retry, of a document and of a payment alone: every call meets everything that can befall it.
pub(crate) fn retries(proof: &mut Proof) {
    let mut runs = 0;
    for (retry, paid) in [(Retry::Failed, false), (Retry::Failed, true), (Retry::Payment, true)] {
        for request_ids in REQUEST_IDS {
            let setup = |faults| Setup {
                agenda: Vec::new(),
                retry: Some(retry),
                ..scripted(DocumentKind::Invoice, paid, request_ids, faults)
            };
            for (number, (call, _)) in run(setup(Faults::none())).made_calls.iter().enumerate() {
                for fault in faults(*call) {
                    let run = run(setup(Faults::At(vec![(number, fault)])));
                    proof
                        .saw(&run, || format!("{retry:?}, paid {paid}, {request_ids:?}, {number} {fault:?}"));
                    runs += 1;
                }
            }
        }
    }
    println!("retries: {runs} runs, every call of a retried document and of a retried payment, every fault");
}

/// Every ordered pair of a call of a preview and what befalls it: whatever happens, nothing is sent.
pub(crate) fn previews(proof: &mut Proof) {
    let setup = |document, faults: Vec<(usize, Fault)>| Setup {
        preview: true,
        ..scripted_of(document, RequestIds::Ignored, Faults::At(faults))
    };
    let mut runs = 0;
    let mut check = |document: Document, faults: Vec<(usize, Fault)>| {
        let run = run(setup(document, faults.clone()));
        proof.saw(&run, || format!("preview of {document:?}, {faults:?}"));
        runs += 1;
        run.made_calls
    };
    for document in DOCUMENTS.into_iter().filter(|(_, paid, _)| !paid) {
        for (first, (call, _)) in check(document, Vec::new()).iter().enumerate() {
            for fault in faults(*call) {
                let after = check(document, vec![(first, fault)]);
                for (second, (call, _)) in after.iter().enumerate().skip(first + 1) {
                    for another in faults(*call) {
                        check(document, vec![(first, fault), (second, another)]);
                    }
                }
            }
        }
    }
    println!("previews: {runs} runs, every ordered pair of (call, fault); none sends anything");
}

/// Every ordered pair of a call and what befalls it.
pub(crate) fn fault_pairs(proof: &mut Proof) {
    let mut runs = 0;
    for document in DOCUMENTS {
        for request_ids in REQUEST_IDS {
            runs += pairs(proof, (document, request_ids), faults, |_, _| true);
        }
    }
    println!("fault pairs: {runs} runs, every ordered pair of (call, fault) of an execution");
}

/// The ways in which a process dies at a call.
fn deaths(call: Call) -> Vec<Fault> {
    faults(call).into_iter().filter(|fault| fault.kills()).collect()
}

/// All that befalls a call.
fn faults(call: Call) -> Vec<Fault> {
    Fault::DEATHS.into_iter().chain(call.faults().iter().copied()).collect()
}

/// All pairs of such faults, where the attempts of the two calls are as asked for.
fn pairs(
    proof: &mut Proof,
    (document, request_ids): (Document, RequestIds),
    faults: fn(Call) -> Vec<Fault>,
    attempts: fn(usize, usize) -> bool,
) -> usize {
    let mut runs = 0;
    let calm = run(scripted_of(document, request_ids, Faults::none())).made_calls;
    for (first, (call, attempt)) in calm.iter().enumerate() {
        for fault in faults(*call) {
            let after = check(proof, document, request_ids, vec![(first, fault)]).made_calls;
            runs += 1;
            for (second, (call, other)) in after.iter().enumerate().skip(first + 1) {
                if !attempts(*attempt, *other) {
                    continue;
                }
                for another in faults(*call) {
                    check(proof, document, request_ids, vec![(first, fault), (second, another)]);
                    runs += 1;
                }
            }
        }
    }
    runs
}

fn check(proof: &mut Proof, document: Document, request_ids: RequestIds, faults: Vec<(usize, Fault)>) -> Run {
    let (kind, paid, mailed) = document;
    let name = || format!("{kind:?}, paid {paid}, mailed {mailed}, {request_ids:?}, {faults:?}");
    let run = run(scripted_of(document, request_ids, Faults::At(faults.clone())));
    proof.saw(&run, name);
    run
}
