//! The conditional writes behind [`crate::record`]: claim, and each transition with its exact condition
//! (reliability.md §c.3, rulings.md 12).

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::item::{Item, VERSION, millis, number, text, unless_refused};
use crate::matches::{buyer_of, buyer_sort};
use crate::record::{
    Claim, Claimed, Key, Mail, Nonce, Noted, Owed, Plan, REPLANS, Record, State, Transition, Written,
};
use crate::{Error, Store};

/// Terminal records are kept this long (reliability.md §c.7).
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// A preview is kept as long as anybody looks at it, for it holds names: done twice, nothing is made twice.
const PREVIEW_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// In safe mode nothing is sent for the first time before this much time has passed since the claim: the longest time limit
/// of a function that may still work on the old table, 5 minutes, 3 in which what it sends may take effect, and 2 to spare.
const SAFE_MODE_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// A promise to HubSpot that was made so long before a new one still stands for it.
const PROMISE_RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(5);

/// Unfinished records are spread over this many partitions of the index `due`.
const DUE_SHARDS: u8 = 4;

/// Attributes whose names are DynamoDB's own words: expressions must use an alias.
const RESERVED: [&str; 3] = ["#action", "#plan", "#ttl"];

impl Store {
    /// Takes the record, or says who has it or how it ended. One conditional write.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether the record is ours is not known; a later claim finds out. [`Error::Corrupt`].
    pub async fn claim(&self, claim: &Claim) -> Result<Claimed, Error> {
        let free = match claim.key {
            Key::Execution { .. } => UNFINISHED,
            Key::Customer { .. } | Key::Item { .. } => "st IN (:CLAIMED, :PLANNED, :SENT)",
        };
        // What is taken up by itself may have been given back for later since it was found due.
        let is_due = if claim.delivered { "" } else { " AND next_at <= :now" };
        let is_due = if matches!(claim.key, Key::Execution { .. }) { is_due } else { "" };
        let condition = format!("attribute_not_exists(pk) OR ({free} AND lease_until < :now{is_due})");
        let mut write = Write::to(&claim.key, &claim.nonce);
        write
            .set("v = :v", [(":v", number(VERSION))])
            .set("lease_owner = :nonce", [(":nonce", text(claim.nonce.to_string()))])
            .set("lease_until = :until", [(":until", millis(claim.lease_until))])
            .set("fence = if_not_exists(fence, :zero) + :one", [(":zero", number(0)), (":one", number(1))])
            .set("st = if_not_exists(st, :CLAIMED)", [])
            .set("created_at = if_not_exists(created_at, :now)", [(":now", millis(claim.now))]);
        if claim.delivered {
            write.set("deliveries = if_not_exists(deliveries, :zero) + :one", []);
        }
        if let Key::Execution { portal, .. } = claim.key {
            write
                .set("due = :due", [(":due", text(due_shard(&claim.key)))])
                .set("next_at = :until", [])
                .set_once("activity", Some(text(portal.to_string())));
        }
        if let Some(since) = claim.safe_since {
            write.set_once("safe_since", Some(millis(since)));
            write.set_once("safe_until", Some(millis(safe_until(claim.now))));
        }
        write.states(&condition);
        write.set_once("#action", claim.action.map(|kind| text(kind.entity())));
        write.set_once("realm", claim.realm.as_ref().map(|realm| text(realm.as_str())));
        write.set_once("input_hash", claim.input_hash.clone().map(text));
        write.set_once("subject", claim.subject.clone().map(text));
        write.set_once("asked", claim.request.clone().map(text));
        match self.run(write, condition, "claiming the record").await? {
            Ran::Done(record) => Ok(Claimed::Ours(record)),
            // The reply to our own write was lost, and the SDK sent it again.
            Ran::Refused(record) if record.lease_owner.as_ref() == Some(&claim.nonce) => {
                Ok(Claimed::Ours(record))
            }
            Ran::Refused(record) if is_done(&record) => Ok(Claimed::Done(record)),
            Ran::Refused(_) => Ok(Claimed::Running),
        }
    }

    /// Makes one change to a record we hold. `id` is this write's own: whoever repeats a write whose outcome is not known
    /// passes the same one, and it is known again. `now` is the moment the conditions are judged by.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it took place is not known. [`Error::Corrupt`].
    pub async fn write(
        &self,
        held: &Record,
        transition: &Transition,
        id: &Nonce,
        now: Timestamp,
    ) -> Result<Written, Error> {
        self.write_noting(held, transition, &Noted::default(), id, now).await
    }

    /// The same, and notes what led to the change.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_noting(
        &self,
        held: &Record,
        transition: &Transition,
        noted: &Noted<'_>,
        id: &Nonce,
        now: Timestamp,
    ) -> Result<Written, Error> {
        let ran = self.write_once(held, transition, noted, id, now).await?;
        let ran = match ran {
            // A promise to call back was made or kept since: the final write says what becomes of it.
            Ran::Refused(current) if transition.is_final() && promised_since(held, &current) => {
                self.write_once(&current, transition, noted, id, now).await?
            }
            ran => ran,
        };
        match ran {
            Ran::Done(record) => Ok(Written::Done(record)),
            Ran::Refused(record) => {
                let (write, state) = (transition.doing(), record.state.as_str());
                tracing::info!(write, state, "write refused: not ours any more");
                Ok(Written::Refused)
            }
        }
    }

    async fn write_once(
        &self,
        held: &Record,
        transition: &Transition,
        &Noted { calls, created_items, metered, buyer }: &Noted<'_>,
        id: &Nonce,
        now: Timestamp,
    ) -> Result<Ran, Error> {
        let mut write = match transition {
            // Nobody need hold the record for it, and whoever does takes no notice.
            Transition::Tell | Transition::Settle => Write::beside(&held.key),
            _ => Write::to(&held.key, id),
        };
        let list = |texts: &[String]| AttributeValue::L(texts.iter().map(text).collect());
        if !calls.is_empty() {
            let append = "tids = list_append(if_not_exists(tids, :no_tids), :tids)";
            write.set(append, [(":no_tids", list(&[])), (":tids", list(calls))]);
        }
        if !created_items.is_empty() && !transition.is_final() {
            let append = "items_made = list_append(if_not_exists(items_made, :no_items), :items_made)";
            write.set(append, [(":no_items", list(&[])), (":items_made", list(created_items))]);
        }
        if metered > 0 {
            let add = "metered = if_not_exists(metered, :none) + :metered";
            write.set(add, [(":none", number(0)), (":metered", number(metered))]);
        }
        if let Some(buyer) = buyer {
            write.set("buyer = :buyer", [(":buyer", text(buyer_sort(buyer)))]);
        }
        let condition = describe(&mut write, held, transition, now);
        self.run(write, condition, transition.doing()).await
    }

    /// Writes down that HubSpot will be called back, before it is told so; it waits until `until`. Nobody need hold the
    /// record for this.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: nothing may be promised. [`Error::Corrupt`].
    pub async fn owe_callback(&self, key: &Key, until: Timestamp) -> Result<Owed, Error> {
        let mut write = Write::beside(key);
        write
            .set("callback_due = :until", [(":until", millis(until))])
            .set("due = :due", [(":due", text(due_shard(key)))])
            .set("next_at = if_not_exists(next_at, :until)", [])
            .value(":soon", millis(until.checked_sub(PROMISE_RENEWED_AFTER).unwrap_or(until)));
        let none_stands = "(attribute_not_exists(callback_due) OR callback_due < :soon)";
        let condition = format!("attribute_exists(pk) AND {UNFINISHED} AND {none_stands}");
        write.states(&condition);
        Ok(match self.run(write, condition, "promising to call back").await? {
            Ran::Done(_) => Owed::Yes,
            Ran::Refused(record) if record.state.is_terminal() => Owed::Done(record),
            Ran::Refused(_) => Owed::Yes,
        })
    }

    /// Takes a callback that is due: whoever else finds it due leaves it alone until `until`. False: somebody has taken it, or
    /// the record is not as it was read.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: it may have been taken.
    pub async fn take_callback(
        &self,
        read: &Record,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let taking = self
            .dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(read.key.partition()))
            .key("sk", text(read.key.sort()))
            .update_expression("SET next_at = :until")
            .condition_expression("fence = :fence AND st = :was AND next_at <= :now")
            .expression_attribute_values(":fence", number(read.fence))
            .expression_attribute_values(":was", text(read.state.as_str()))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":until", millis(until));
        unless_refused(taking, "taking a callback").await
    }

    /// Leaves due work for later, unless somebody has taken it up since it was read; with no record, whatever it is.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: it stays due.
    pub async fn postpone(&self, key: &Key, read: Option<&Record>, until: Timestamp) -> Result<(), Error> {
        let mut update = self
            .dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(key.partition()))
            .key("sk", text(key.sort()))
            .update_expression("SET next_at = :until")
            .condition_expression("attribute_exists(due)")
            .expression_attribute_values(":until", millis(until));
        if let Some(record) = read {
            update = update
                .condition_expression("attribute_exists(due) AND fence = :fence AND st = :was")
                .expression_attribute_values(":fence", number(record.fence))
                .expression_attribute_values(":was", text(record.state.as_str()));
        }
        unless_refused(update, "postponing due work").await.map(drop)
    }

    /// The executions that somebody should go on with, or call back about: the longest due first, all of them up to
    /// `limit` of each shard. The index may lag: read the record before acting on it.
    ///
    /// # Errors
    /// [`Error::Unavailable`], when no shard can be read.
    pub async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Key>, Error> {
        self.due_in((0..DUE_SHARDS).map(|shard| format!("D#{shard}")), now, limit, Key::of_execution).await
    }

    /// The record as it stands, read strongly consistently; none if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn record(&self, key: &Key) -> Result<Option<Record>, Error> {
        let attributes = self.attributes(key).await?;
        attributes.map(|attributes| read(key, &attributes)).transpose()
    }

    /// All that is stored of a record.
    pub(crate) async fn attributes(
        &self,
        key: &Key,
    ) -> Result<Option<HashMap<String, AttributeValue>>, Error> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.names.table)
            .key("pk", text(key.partition()))
            .key("sk", text(key.sort()))
            .consistent_read(true)
            .send()
            .await
            .map_err(Error::unavailable("reading the record"))?;
        Ok(answer.item)
    }

    /// Sends one conditional update. A refusal that finds this write's own id on the item is the second copy of a write
    /// whose reply was lost: it took place.
    async fn run(&self, write: Write, condition: String, doing: &'static str) -> Result<Ran, Error> {
        let key = write.key.clone();
        let nonce = write.nonce.clone();
        let sent =
            write.update(self.dynamodb.update_item().table_name(&self.names.table), condition).send().await;
        match sent {
            Ok(done) => {
                let attributes =
                    done.attributes.ok_or_else(|| Error::corrupt("the record", "no attributes"))?;
                Ok(Ran::Done(Box::new(read(&key, &attributes)?)))
            }
            Err(error) => {
                let refused = match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(refused)) => refused.item.clone(),
                    _ => None,
                };
                let Some(attributes) = refused else { return Err(Error::unavailable(doing)(error)) };
                let record = Box::new(read(&key, &attributes)?);
                let ours = attributes.get("w") == Some(&text(nonce.to_string()));
                Ok(if ours { Ran::Done(record) } else { Ran::Refused(record) })
            }
        }
    }
}

impl Transition {
    /// What the write does, for logs.
    pub fn doing(&self) -> &'static str {
        match self {
            Self::Freeze(_) => "freezing the plan",
            Self::Intent { .. } => "writing the intent",
            Self::Unsend { .. } => "taking the intent back",
            Self::Replan { .. } => "throwing the plan away",
            Self::Record { .. } => "recording the document",
            Self::PayIntent { .. } => "writing the payment's intent",
            Self::PayUnsend { .. } => "taking the payment's intent back",
            Self::PayRecord { .. } => "recording the payment",
            Self::PayRefuse { .. } => "recording that the payment was refused",
            Self::MailIntent => "marking the mail as tried",
            Self::MailUnsend { .. } => "taking the mail's mark back",
            Self::MailRecord { .. } => "recording what became of the mail",
            Self::PlanPayment { .. } => "planning the payment alone",
            Self::Complete { .. } => "completing the record",
            Self::Answer { .. } => "answering without making anything",
            Self::Fail { .. } => "failing the record",
            Self::Review { .. } => "putting the record up for review",
            Self::Release { .. } => "releasing the record",
            Self::Tell => "telling HubSpot early",
            Self::Settle => "settling the callback",
            Self::Forget { .. } => "forgetting what is gone",
        }
    }
}

enum Ran {
    Done(Box<Record>),
    /// The condition did not hold for this record.
    Refused(Box<Record>),
}

/// After a restore, what was sent and forgotten takes no effect any more.
const SAFE: &str = "(attribute_not_exists(safe_until) OR safe_until < :now)";

/// The document exists, and so does its payment, if one is to.
const SETTLED: &str =
    "((st = :DOC_DONE AND attribute_not_exists(pay_plan)) OR (st = :PAY_SENT AND attribute_exists(pay_id)))";

/// What the record knows may be less than what was done.
const RESTORED: &str = "attribute_exists(safe_since)";

/// The states in which a machine still has something to do.
const UNFINISHED: &str = "st IN (:CLAIMED, :PLANNED, :SENT, :DOC_DONE, :PAY_SENT)";

/// Whether a final write was refused only because of what HubSpot was promised meanwhile, or no longer waits for.
fn promised_since(held: &Record, current: &Record) -> bool {
    held.fence == current.fence
        && held.state == current.state
        && held.callback_due.is_some() != current.callback_due.is_some()
}

/// After a restore, what was sent shortly before it may still take effect (rulings.md 17).
fn safe_until(now: Timestamp) -> Timestamp {
    now.checked_add(SAFE_MODE_WAIT).unwrap_or(Timestamp::MAX)
}

fn is_done(record: &Record) -> bool {
    match record.key {
        Key::Execution { .. } => record.state.is_terminal(),
        Key::Customer { .. } | Key::Item { .. } => record.state == State::DocDone,
    }
}

/// The update and the condition of one transition.
fn describe(write: &mut Write, held: &Record, transition: &Transition, now: Timestamp) -> String {
    write.value(":fence", number(held.fence));
    let held_by_us = "fence = :fence AND lease_owner = :nonce";
    let owner = held.lease_owner.as_ref().map(Nonce::to_string).unwrap_or_default();
    let condition = match transition {
        Transition::Freeze(plan) => {
            write.state(State::Planned).set_plan(plan);
            format!("{held_by_us} AND st = :CLAIMED AND attribute_not_exists(#plan) AND {}", same_realm(held))
        }
        Transition::Intent { quiet_until } => {
            write
                .state(State::Sent)
                .set(
                    "sends = if_not_exists(sends, :zero) + :one",
                    [(":zero", number(0)), (":one", number(1))],
                )
                .set("first_sent_at = if_not_exists(first_sent_at, :now)", [(":now", millis(now))])
                .set("quiet_until = :quiet", [(":quiet", millis(*quiet_until))]);
            format!("{held_by_us} AND {SAFE} AND (st = :PLANNED OR (st = :SENT AND quiet_until < :now))")
        }
        Transition::Unsend { trouble } => {
            write.state(State::Planned).trouble(trouble).remove("quiet_until");
            format!("{held_by_us} AND st = :SENT")
        }
        Transition::Replan { trouble } => {
            write
                .state(State::Claimed)
                .trouble(trouble)
                .set(
                    "plan_v = if_not_exists(plan_v, :zero) + :one",
                    [(":zero", number(0)), (":one", number(1))],
                )
                .set("old_plan_hash = plan_hash", [])
                .set("replanned_for = :trouble", [])
                .remove("#plan, plan_hash, rid, quiet_until");
            let twice = "(attribute_not_exists(plan_v) OR plan_v < :replans)";
            match held.key {
                Key::Execution { .. } => {
                    write.value(":replans", number(REPLANS));
                    format!("{held_by_us} AND st = :SENT AND {twice}")
                }
                Key::Customer { .. } | Key::Item { .. } => format!("{held_by_us} AND st = :SENT"),
            }
        }
        Transition::Record { id, made, pay_plan } => {
            write.state(State::DocDone).set("doc_id = :id", [(":id", text(id))]).remove("err_class");
            match held.key {
                Key::Execution { .. } => {
                    write.set("doc = :doc", [(":doc", text(made.to_string()))]).remove("quiet_until");
                    write.set_pay_plan(pay_plan.as_ref());
                }
                Key::Customer { .. } | Key::Item { .. } => {
                    write.remove("#plan, plan_hash, rid, quiet_until, lease_owner, lease_until");
                }
            }
            format!("fence = :fence AND (st = :SENT OR (st = :PLANNED AND {RESTORED}))")
        }
        Transition::PayIntent { quiet_until } => {
            write
                .state(State::PaySent)
                .set(
                    "pay_sends = if_not_exists(pay_sends, :zero) + :one",
                    [(":zero", number(0)), (":one", number(1))],
                )
                .set("pay_first_sent_at = if_not_exists(pay_first_sent_at, :now)", [(":now", millis(now))])
                .set("quiet_until = :quiet", [(":quiet", millis(*quiet_until))]);
            format!(
                "{held_by_us} AND attribute_exists(pay_plan) AND attribute_not_exists(pay_id) \
                 AND {SAFE} AND (st = :DOC_DONE OR (st = :PAY_SENT AND quiet_until < :now))"
            )
        }
        Transition::PayUnsend { trouble } => {
            write.state(State::DocDone).trouble(trouble).remove("quiet_until");
            format!("{held_by_us} AND st = :PAY_SENT AND attribute_not_exists(pay_id)")
        }
        Transition::PayRecord { id } => {
            write
                .state(State::PaySent)
                .set("pay_id = :id", [(":id", text(id))])
                .remove("err_class, quiet_until");
            format!(
                "fence = :fence AND attribute_exists(pay_plan) AND attribute_not_exists(pay_id) \
                 AND (st = :PAY_SENT OR (st = :DOC_DONE AND {RESTORED}))"
            )
        }
        Transition::PayRefuse { trouble, why } => {
            write.state(State::DocDone).trouble(trouble).set("pay_refused = :why", [(":why", text(why))]);
            write.remove("pay_plan, quiet_until");
            format!("{held_by_us} AND st = :PAY_SENT AND attribute_not_exists(pay_id)")
        }
        Transition::MailIntent => {
            write.mail(Mail::Tried);
            let untold = "attribute_not_exists(mail) AND attribute_not_exists(told_at)";
            format!("{held_by_us} AND attribute_exists(#plan) AND {untold} AND {SETTLED}")
        }
        Transition::MailUnsend { trouble } => {
            write.trouble(trouble).remove("mail");
            write.value(":tried", text(Mail::Tried.as_str()));
            format!("{held_by_us} AND mail = :tried AND {SETTLED}")
        }
        Transition::MailRecord { mail } => {
            write.mail(*mail);
            write.value(":tried", text(Mail::Tried.as_str()));
            format!("fence = :fence AND mail = :tried AND {SETTLED}")
        }
        Transition::Complete { answer } => {
            write
                .end(State::Completed, answer, now)
                .set("outcome = :outcome", [(":outcome", text("created"))]);
            format!("fence = :fence AND {SETTLED} AND {}", write.keep_promise(held, now))
        }
        Transition::PlanPayment { plan, made, pay_plan } => {
            write.set_plan(plan);
            write.set("doc = :doc", [(":doc", text(made.to_string()))]);
            write.set_pay_plan(pay_plan.as_ref());
            let realm = same_realm(held);
            format!("{held_by_us} AND st = :DOC_DONE AND attribute_not_exists(#plan) AND {realm}")
        }
        Transition::Answer { answer, outcome, preview } => {
            write
                .end(State::Completed, answer, now)
                .set("outcome = :outcome", [(":outcome", text(*outcome))]);
            if let Some(plan) = preview {
                let plan = serde_json::json!(plan).to_string();
                write.set("preview = :preview", [(":preview", text(plan))]).keep_for(PREVIEW_KEPT, now);
            }
            format!("{held_by_us} AND st = :CLAIMED AND {}", write.keep_promise(held, now))
        }
        Transition::Fail { answer, trouble } => {
            write.end(State::Failed, answer, now).trouble(trouble);
            let promise = write.keep_promise(held, now);
            let unsent =
                "(st IN (:CLAIMED, :PLANNED, :SENT) OR (st = :DOC_DONE AND attribute_not_exists(#plan)))";
            format!("{held_by_us} AND {unsent} AND {promise}")
        }
        Transition::Review { answer, trouble } => {
            // The plan stays, and so does the record: a person needs both.
            write
                .state(State::NeedsReview)
                .trouble(trouble)
                .set("answer = :answer", [(":answer", text(answer))]);
            write.remove("lease_owner, lease_until");
            let promise = write.keep_promise(held, now);
            let restored = format!("(st IN (:CLAIMED, :PLANNED) AND {RESTORED})");
            format!("{held_by_us} AND (st IN (:SENT, :DOC_DONE, :PAY_SENT) OR {restored}) AND {promise}")
        }
        Transition::Release { trouble, own_mistake, next_at } => {
            write.trouble(trouble).set("lease_until = :zero", [(":zero", number(0))]);
            if matches!(held.key, Key::Execution { .. }) {
                write.set("next_at = :next", [(":next", millis(*next_at))]);
            }
            if *own_mistake {
                write.set("own_mistakes = if_not_exists(own_mistakes, :zero) + :one", [(":one", number(1))]);
            }
            format!("{held_by_us} AND {UNFINISHED}")
        }
        Transition::Tell => {
            write.set("told_at = if_not_exists(told_at, :now)", [(":now", millis(now))]);
            write.value(":was", text(held.state.as_str()));
            "fence = :fence AND st = :was AND attribute_exists(callback_due)".to_owned()
        }
        Transition::Settle => {
            write.remove("callback_due");
            if held.state.is_terminal() {
                write.remove("due, next_at");
            }
            let due = held.callback_due.map(millis).unwrap_or(AttributeValue::Null(true));
            write.value(":was", text(held.state.as_str())).value(":due", due);
            "fence = :fence AND st = :was AND callback_due = :due".to_owned()
        }
        Transition::Forget { gone } => {
            write
                .state(State::Claimed)
                .set(
                    "plan_v = if_not_exists(plan_v, :zero) + :one",
                    [(":zero", number(0)), (":one", number(1))],
                )
                .set("lease_until = :zero", [])
                .remove("doc_id, replanned_for, first_sent_at, sends, asked");
            write.value(":gone", text(gone));
            "fence = :fence AND st = :DOC_DONE AND doc_id = :gone".to_owned()
        }
    };
    if condition.contains(":nonce") {
        write.value(":nonce", text(owner));
    }
    if condition.contains(":now") || write.set.iter().any(|assignment| assignment.contains(":now")) {
        write.value(":now", millis(now));
    }
    write.states(&condition);
    condition
}

/// An execution's company was fixed by its claim; a customer's or item's claim has the company in its key.
fn same_realm(held: &Record) -> &'static str {
    match held.key {
        Key::Execution { .. } => "realm = :realm",
        Key::Customer { .. } | Key::Item { .. } => "(attribute_not_exists(realm) OR realm = :realm)",
    }
}

pub(crate) fn due_shard(key: &Key) -> String {
    let first = Sha256::digest(key.partition())[0];
    format!("D#{}", first % DUE_SHARDS)
}

/// An update expression under construction.
struct Write {
    key: Key,
    nonce: Nonce,
    set: Vec<String>,
    remove: Vec<&'static str>,
    values: HashMap<String, AttributeValue>,
}

impl Write {
    fn to(key: &Key, nonce: &Nonce) -> Self {
        let mut write = Self {
            key: key.clone(),
            nonce: nonce.clone(),
            set: Vec::new(),
            remove: Vec::new(),
            values: HashMap::new(),
        };
        write.set("w = :w", [(":w", text(nonce.to_string()))]);
        write
    }

    /// A write that whoever holds the record takes no notice of: it leaves the id of the holder's last write alone.
    fn beside(key: &Key) -> Self {
        let mut write = Self::to(key, &Nonce::new());
        write.set.clear();
        write.values.clear();
        write
    }

    fn value(&mut self, name: &str, value: AttributeValue) -> &mut Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    fn set<const N: usize>(&mut self, assignment: &str, values: [(&str, AttributeValue); N]) -> &mut Self {
        self.set.push(assignment.to_owned());
        for (name, value) in values {
            self.value(name, value);
        }
        self
    }

    /// Sets the attribute if the item does not have it yet.
    fn set_once(&mut self, attribute: &str, value: Option<AttributeValue>) {
        if let Some(value) = value {
            let name = format!(":{}", attribute.trim_start_matches('#'));
            self.set.push(format!("{attribute} = if_not_exists({attribute}, {name})"));
            self.value(&name, value);
        }
    }

    fn state(&mut self, state: State) -> &mut Self {
        self.set("st = :st", [(":st", text(state.as_str()))])
    }

    fn mail(&mut self, mail: Mail) -> &mut Self {
        self.set("mail = :mail", [(":mail", text(mail.as_str()))])
    }

    fn trouble(&mut self, trouble: &str) -> &mut Self {
        self.set("err_class = :trouble", [(":trouble", text(trouble))])
    }

    fn set_plan(&mut self, plan: &Plan) {
        self.set("#plan = :plan", [(":plan", text(serde_json::json!(plan).to_string()))])
            .set("plan_hash = :hash", [(":hash", text(hex::encode(Sha256::digest(&plan.body))))])
            .set("rid = :rid", [(":rid", text(&plan.request_id))])
            .value(":realm", text(plan.realm.as_str()));
    }

    fn set_pay_plan(&mut self, plan: Option<&Plan>) {
        if let Some(plan) = plan {
            let plan = serde_json::json!(plan).to_string();
            self.set("pay_plan = :pay_plan", [(":pay_plan", text(plan))]);
        }
    }

    fn remove(&mut self, attributes: &'static str) -> &mut Self {
        self.remove.push(attributes);
        self
    }

    /// A terminal state: the answer stays, plan and document leave with their personal data (rulings.md 18), and the key is
    /// kept long enough.
    fn end(&mut self, state: State, answer: &str, now: Timestamp) -> &mut Self {
        self.keep_for(KEPT, now)
            .state(state)
            .set("answer = :answer", [(":answer", text(answer))])
            .set("#ttl = :ttl", [])
            .remove("#plan, pay_plan, doc, items_made, quiet_until, lease_owner, lease_until")
    }

    /// How long a record that ends is kept.
    fn keep_for(&mut self, span: SignedDuration, now: Timestamp) -> &mut Self {
        let until = now.checked_add(span).unwrap_or(Timestamp::MAX);
        self.value(":ttl", number(until.as_second()))
    }

    /// What a final write does about a promised callback, and the condition that the promise stands as we know it: while
    /// it does, the record stays due, now.
    fn keep_promise(&mut self, held: &Record, now: Timestamp) -> &'static str {
        match held.callback_due {
            Some(_) => {
                self.set("next_at = :now", [(":now", millis(now))]);
                "attribute_exists(callback_due)"
            }
            None => {
                self.remove("due, next_at");
                "attribute_not_exists(callback_due)"
            }
        }
    }

    /// Gives a value to each state that the condition or an assignment names.
    fn states(&mut self, condition: &str) {
        let named = format!("{condition} {}", self.set.join(" "));
        for state in State::ALL {
            let name = format!(":{}", state.as_str());
            if named.contains(&name) {
                self.value(&name, text(state.as_str()));
            }
        }
    }

    fn update(self, builder: UpdateItemFluentBuilder, condition: String) -> UpdateItemFluentBuilder {
        let clause = |word: &str, parts: &str| match parts {
            "" => String::new(),
            parts => format!("{word} {parts} "),
        };
        let (set, remove) = (self.set.join(", "), self.remove.join(", "));
        let expression = format!("{}{}", clause("SET", &set), clause("REMOVE", &remove));
        let used =
            RESERVED.iter().filter(|alias| expression.contains(**alias) || condition.contains(**alias));
        let names: HashMap<String, String> =
            used.map(|alias| ((*alias).to_owned(), alias.trim_start_matches('#').to_owned())).collect();
        builder
            .key("pk", text(self.key.partition()))
            .key("sk", text(self.key.sort()))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_names((!names.is_empty()).then_some(names))
            .set_expression_attribute_values(Some(self.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

pub(crate) fn read(key: &Key, attributes: &HashMap<String, AttributeValue>) -> Result<Record, Error> {
    const WHAT: &str = "the record";
    let item = Item { what: WHAT, attributes };
    let state = item.text("st")?;
    Ok(Record {
        key: key.clone(),
        state: State::ALL
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or_else(|| Error::corrupt(WHAT, "st"))?,
        action: item
            .optional_text("action")
            .map(|name| serde_json::from_value(name.into()).map_err(|_| Error::corrupt(WHAT, "action")))
            .transpose()?,
        realm: item
            .optional_text("realm")
            .map(|realm| realm.try_into().map_err(|_| Error::corrupt(WHAT, "realm")))
            .transpose()?,
        fence: item.number("fence")?,
        lease_owner: item.optional_text("lease_owner").map(Nonce::read),
        deliveries: item.optional_number("deliveries")?.unwrap_or(0),
        input_hash: item.optional_text("input_hash"),
        plan: item.optional_json("plan")?,
        plan_version: item.optional_number("plan_v")?.unwrap_or(0),
        sends: item.optional_number("sends")?.unwrap_or(0),
        first_sent_at: item.optional_time("first_sent_at")?,
        pay_first_sent_at: item.optional_time("pay_first_sent_at")?,
        quiet_until: item.optional_time("quiet_until")?,
        made_id: item.optional_text("doc_id"),
        made: item.optional_json("doc")?,
        pay_plan: item.optional_json("pay_plan")?,
        pay_id: item.optional_text("pay_id"),
        pay_refused: item.optional_text("pay_refused"),
        mail: item.optional_text("mail").map(|mail| Mail::read(&mail)),
        answer: item.optional_text("answer"),
        preview: item.optional_json("preview")?,
        trouble: item.optional_text("err_class"),
        replanned_for: item.optional_text("replanned_for"),
        request: item.optional_text("asked"),
        callback_due: item.optional_time("callback_due")?,
        told_at: item.optional_time("told_at")?,
        safe_since: item.optional_time("safe_since")?,
        safe_until: item.optional_time("safe_until")?,
        own_mistakes: item.optional_number("own_mistakes")?.unwrap_or(0),
        intuit_tids: item.texts("tids"),
        created_items: item.texts("items_made"),
        buyer: item.optional_text("buyer").and_then(|buyer| buyer_of(&buyer)),
        metered: item.optional_number("metered")?.unwrap_or(0),
        retried: attributes.contains_key("retried_at"),
        created_at: item.optional_time("created_at")?.ok_or_else(|| Error::corrupt(WHAT, "created_at"))?,
    })
}
