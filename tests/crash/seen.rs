//! The checks themselves: what must never happen is done by hand to an execution whose document exists, and they see it. And
//! request ids, where they are honoured, make up even for that: they are derived, not drawn (rulings.md 9).

use crate::bench::{Bench, RequestIds};
use crate::case::{ACTIONS, Case, Execution, Scenario};
use crate::points::settled_well;

/// What is thrown away.
#[derive(Clone, Copy, Debug)]
enum Lost {
    Record,
    Plan,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_thrown_away_after_its_send_is_seen() {
    check(Lost::Record).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_thrown_away_after_its_send_is_seen() {
    check(Lost::Plan).await;
}

async fn check(lost: Lost) {
    for request_ids in RequestIds::BOTH {
        let bench = Bench::start(request_ids).await;
        let execution = Case::new(ACTIONS[0], Scenario::LostReply).prepared(&bench, 1).await;
        let shown = bench.stack.execute(&execution.enrollment).await.unwrap();
        assert_eq!(shown["state"], "BLOCK", "the document was made, and nobody knows");
        throw_away(&bench, &execution, lost).await;
        let end = settled_well(&bench, &execution).await;
        match request_ids {
            RequestIds::Honoured => drop(end.unwrap_or_else(|why| panic!("{lost:?}: {why}"))),
            RequestIds::Ignored => {
                let why = end.expect_err("it was made twice");
                assert!(why.starts_with("2 documents"), "{lost:?}: {why}");
            }
        }
    }
}

async fn throw_away(bench: &Bench, execution: &Execution, lost: Lost) {
    match lost {
        Lost::Record => {
            bench.forget(&execution.callback_id).await;
            bench.stack.execute(&execution.enrollment).await.unwrap();
        }
        Lost::Plan => bench.unplan(&execution.callback_id).await,
    }
}
