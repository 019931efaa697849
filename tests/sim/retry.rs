//! The execution of a run is a retry that a person asked for, after another one had failed or its payment was refused
//! (rulings.md 13). HubSpot knows nothing of it: only the reconciler goes on with it.

use app::protocol::{Event, Made, PaymentPlan};
use jiff::SignedDuration;
use serde_json::Value;
use store::record::{Claim, Claimed, Nonce, Plan, Record, Transition, Written};
use store::retry::Retried;

use crate::books::Post;
use crate::effects::body_of;
use crate::fault::Call;
use crate::world::{NOBODY, World, timestamp};

/// When the old execution ended, in milliseconds: a day before the run.
const LONG_BEFORE: i64 = -24 * 3_600_000;

/// What is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// An execution that failed: nothing exists.
    Failed,
    /// The refused payment of an invoice that exists.
    Payment,
}

impl World {
    /// The old execution has come to its end, and its retry has begun.
    pub(crate) fn begin_as_retry(&mut self, retry: Retry) {
        let claim = Claim {
            action: Some(self.setup.kind),
            realm: Some(self.realms[0].clone()),
            ..Claim::new(
                self.key.clone(),
                timestamp(LONG_BEFORE),
                timestamp(LONG_BEFORE) + SignedDuration::from_mins(1),
            )
        };
        let Claimed::Ours(mut record) = self.register.claim(&claim) else { unreachable!("a new record") };
        for transition in self.steps_to_the_end(retry) {
            let now = timestamp(LONG_BEFORE);
            let Written::Done(written) = self.register.write(&record, &transition, &Nonce::new(), now) else {
                unreachable!("{} is allowed", transition.doing())
            };
            record = written;
        }
        let Retried::Begun(successor) = self.register.retry(&self.key.clone(), timestamp(0)) else {
            unreachable!("it may be retried")
        };
        self.key = successor;
    }

    fn steps_to_the_end(&mut self, retry: Retry) -> Vec<Transition> {
        let (trouble, answer) = ("PAYMENT_REFUSED".to_owned(), "old".to_owned());
        if retry == Retry::Failed {
            return vec![Transition::Fail { answer, trouble }];
        }
        let (total, body) = body_of((self.portal.deal, self.portal.code));
        let realm = self.realms[0].clone();
        let plan = Plan {
            realm,
            request_id: "hqd-old".into(),
            body: body.clone(),
            notes: Value::from(total),
            emailed: false,
        };
        let (what, pays, request_id) = (Call::Document, None, plan.request_id.clone());
        let post = Post { what, realm: 0, token: 0, request_id, body, pays, total, task: NOBODY };
        self.books.receive(&post, LONG_BEFORE);
        let quiet_until = timestamp(LONG_BEFORE);
        let id = self.books.made[0].id.to_string();
        vec![
            Transition::Freeze(plan.clone()),
            Transition::Intent { quiet_until },
            Transition::Record { id, made: Value::from(total), pay_plan: Some(plan) },
            Transition::PayIntent { quiet_until },
            Transition::PayRefuse { why: trouble.clone(), trouble },
            Transition::Complete { answer },
        ]
    }

    /// The payment alone, over what the books say of the invoice now.
    pub(crate) fn payment_plan(&self, record: &Record, realm: usize) -> Event {
        let id = record.made_id.clone().unwrap_or_default();
        let total = self.books.made.iter().find(|made| made.id.to_string() == id).map(|made| made.post.total);
        let (realm, notes) = (self.realms[realm].clone(), Value::from(total));
        let plan = |request_id: &str, body: String| Plan {
            realm: realm.clone(),
            request_id: request_id.to_owned(),
            body,
            notes: notes.clone(),
            emailed: false,
        };
        Event::PaymentPlanned(Box::new(PaymentPlan {
            plan: plan("hqd-retry", String::new()),
            pay_plan: Some(plan("hqp-retry", format!("pays {id} with {notes}"))),
            made: Made { id, json: notes.clone() },
        }))
    }
}
