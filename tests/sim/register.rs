//! The records of executions and customers, without a table: the conditions of `store::execution`, in plain Rust. It passes
//! the same suite as the embedded DynamoDB (`suite/records.rs`), so what the simulation proves on it holds for the table.

use jiff::{SignedDuration, Timestamp};
use store::record::{
    Claim, Claimed, Key, Mail, Nonce, Owed, Plan, REPLANS, Record, State, Transition, Written,
};
use store::retry::Retried;

/// Terminal records are kept this long (reliability.md §c.7).
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Previews are kept this long.
const PREVIEW_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// In safe mode nothing is sent for the first time before this much time has passed since the claim.
const SAFE_MODE_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// A promise to HubSpot that was made so long before a new one still stands for it.
const PROMISE_RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(5);

/// All records.
#[derive(Clone, Default)]
pub(crate) struct Register {
    items: Vec<Item>,
}

/// One record, with what is stored beside what [`Record`] shows.
#[derive(Clone)]
struct Item {
    record: Record,
    lease_until: Option<Timestamp>,
    /// When it is due; none when it is nobody's work.
    next_at: Option<Timestamp>,
    /// When it expires.
    ttl: Option<Timestamp>,
    /// The id of its holder's last write.
    write: Nonce,
}

impl Register {
    /// `Store::claim`.
    pub(crate) fn claim(&mut self, claim: &Claim) -> Claimed {
        let Some(item) = self.items.iter_mut().find(|item| item.record.key == claim.key) else {
            let mut item = Item::new(claim);
            item.take(claim);
            let record = Box::new(item.record.clone());
            self.items.push(item);
            return Claimed::Ours(record);
        };
        let free = match claim.key {
            Key::Execution { .. } => !item.record.state.is_terminal(),
            Key::Customer { .. } | Key::Item { .. } => {
                matches!(item.record.state, State::Claimed | State::Planned | State::Sent)
            }
        };
        let execution = matches!(claim.key, Key::Execution { .. });
        let is_due =
            claim.delivered || !execution || item.next_at.is_some_and(|next_at| next_at <= claim.now);
        if free && is_due && item.lease_until.is_some_and(|lease_until| lease_until < claim.now) {
            item.take(claim);
            return Claimed::Ours(Box::new(item.record.clone()));
        }
        let record = Box::new(item.record.clone());
        if item.write == claim.nonce || record.lease_owner.as_ref() == Some(&claim.nonce) {
            return Claimed::Ours(record);
        }
        let done = match claim.key {
            Key::Execution { .. } => record.state.is_terminal(),
            Key::Customer { .. } | Key::Item { .. } => record.state == State::DocDone,
        };
        if done { Claimed::Done(record) } else { Claimed::Running }
    }

    /// `Store::write`.
    pub(crate) fn write(
        &mut self,
        held: &Record,
        transition: &Transition,
        id: &Nonce,
        now: Timestamp,
    ) -> Written {
        let Some(item) = self.items.iter_mut().find(|item| item.record.key == held.key) else {
            return Written::Refused;
        };
        if item.write_once(held, transition, id, now) {
            return Written::Done(Box::new(item.record.clone()));
        }
        if transition.is_final() && promised_since(held, &item.record) {
            let current = item.record.clone();
            if item.write_once(&current, transition, id, now) {
                return Written::Done(Box::new(item.record.clone()));
            }
        }
        Written::Refused
    }

    /// `Store::owe_callback`; none where the table would not say.
    pub(crate) fn owe_callback(&mut self, key: &Key, until: Timestamp) -> Option<Owed> {
        let item = self.items.iter_mut().find(|item| &item.record.key == key)?;
        if item.record.state.is_terminal() {
            return Some(Owed::Done(Box::new(item.record.clone())));
        }
        if item.record.callback_due.is_none_or(|due| due < until - PROMISE_RENEWED_AFTER) {
            item.record.callback_due = Some(until);
            item.next_at.get_or_insert(until);
        }
        Some(Owed::Yes)
    }

    /// `Store::take_callback`.
    pub(crate) fn take_callback(&mut self, read: &Record, now: Timestamp, until: Timestamp) -> bool {
        let Some(item) = self.items.iter_mut().find(|item| item.record.key == read.key) else { return false };
        let unchanged = (read.fence, read.state) == (item.record.fence, item.record.state);
        let is_taken = unchanged && item.next_at.is_some_and(|next_at| next_at <= now);
        if is_taken {
            item.next_at = Some(until);
        }
        is_taken
    }

    /// `Store::retry`.
    pub(crate) fn retry(&mut self, key: &Key, now: Timestamp) -> Retried {
        let Some(successor) = key.successor() else { return Retried::NotPossible };
        let Some(old) = self.items.iter_mut().find(|item| &item.record.key == key) else {
            return Retried::NotPossible;
        };
        if !old.record.may_be_retried() {
            return if old.record.retried { Retried::Before(successor) } else { Retried::NotPossible };
        }
        old.record.retried = true;
        let pays = old.record.made_id.is_some();
        let record = Record {
            key: successor.clone(),
            state: if pays { State::DocDone } else { State::Claimed },
            made_id: old.record.made_id.clone(),
            action: old.record.action,
            realm: old.record.realm.clone(),
            input_hash: old.record.input_hash.clone(),
            request: old.record.request.clone(),
            ..blank(&successor, now)
        };
        let (lease_until, next_at) = (Some(Timestamp::UNIX_EPOCH), Some(now));
        self.items.push(Item { record, lease_until, next_at, ttl: None, write: Nonce::new() });
        Retried::Begun(successor)
    }

    /// `Store::postpone`.
    pub(crate) fn postpone(&mut self, key: &Key, read: Option<&Record>, until: Timestamp) {
        let Some(item) = self.items.iter_mut().find(|item| &item.record.key == key) else { return };
        let unchanged =
            read.is_none_or(|read| (read.fence, read.state) == (item.record.fence, item.record.state));
        if unchanged && item.next_at.is_some() {
            item.next_at = Some(until);
        }
    }

    /// `Store::due`.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<Key> {
        let mut due: Vec<_> = self.items.iter().filter_map(|item| Some((item.next_at?, item))).collect();
        due.retain(|(next_at, _)| *next_at <= now);
        due.sort_by_key(|(next_at, _)| *next_at);
        due.into_iter().map(|(_, item)| item.record.key.clone()).collect()
    }

    /// `Store::record`.
    pub(crate) fn record(&self, key: &Key) -> Option<&Record> {
        self.items.iter().map(|item| &item.record).find(|record| &record.key == key)
    }

    /// When a record is due; none when it is nobody's work.
    pub(crate) fn next_at(&self, key: &Key) -> Option<Timestamp> {
        self.items.iter().find(|item| &item.record.key == key)?.next_at
    }

    /// When a record expires.
    pub(crate) fn ttl(&self, key: &Key) -> Option<Timestamp> {
        self.items.iter().find(|item| &item.record.key == key)?.ttl
    }
}

/// Whether a final write was refused only because of what HubSpot was promised meanwhile, or no longer waits for.
pub(crate) fn promised_since(held: &Record, current: &Record) -> bool {
    held.fence == current.fence
        && held.state == current.state
        && held.callback_due.is_some() != current.callback_due.is_some()
}

impl Item {
    fn new(claim: &Claim) -> Self {
        let record = blank(&claim.key, claim.now);
        Self { record, lease_until: None, next_at: None, ttl: None, write: claim.nonce.clone() }
    }

    fn take(&mut self, claim: &Claim) {
        let record = &mut self.record;
        record.lease_owner = Some(claim.nonce.clone());
        record.fence += 1;
        record.deliveries += u64::from(claim.delivered);
        record.action = record.action.or(claim.action);
        set_once(&mut record.realm, &claim.realm);
        set_once(&mut record.input_hash, &claim.input_hash);
        set_once(&mut record.request, &claim.request);
        if let Some(since) = claim.safe_since {
            record.safe_until.get_or_insert(claim.now + SAFE_MODE_WAIT);
            record.safe_since.get_or_insert(since);
        }
        self.lease_until = Some(claim.lease_until);
        if matches!(claim.key, Key::Execution { .. }) {
            self.next_at = Some(claim.lease_until);
        }
        self.write = claim.nonce.clone();
    }

    /// One conditional update; true also when this very write took place before.
    fn write_once(&mut self, held: &Record, transition: &Transition, id: &Nonce, now: Timestamp) -> bool {
        if !self.allows(held, transition, now) {
            return self.write == *id;
        }
        if !matches!(transition, Transition::Tell | Transition::Settle) {
            self.write = id.clone();
        }
        self.change(held, transition, now);
        true
    }

    fn allows(&self, held: &Record, transition: &Transition, now: Timestamp) -> bool {
        use State::{Claimed, DocDone, PaySent, Planned, Sent};
        let record = &self.record;
        let state = record.state;
        let fence = record.fence == held.fence;
        let ours = fence && record.lease_owner.is_some() && record.lease_owner == held.lease_owner;
        let promise = record.callback_due.is_some() == held.callback_due.is_some();
        let execution = matches!(held.key, Key::Execution { .. });
        let over = record.quiet_until.is_some_and(|quiet_until| quiet_until < now);
        let safe = record.safe_until.is_none_or(|safe_until| safe_until < now);
        let restored = record.safe_since.is_some();
        let settled = match state {
            DocDone => record.pay_plan.is_none(),
            PaySent => record.pay_id.is_some(),
            _ => false,
        };
        match transition {
            Transition::Freeze(plan) => {
                let same = record.realm.as_ref().map_or(!execution, |realm| *realm == plan.realm);
                ours && state == Claimed && record.plan.is_none() && same
            }
            Transition::Intent { .. } => ours && safe && (state == Planned || (state == Sent && over)),
            Transition::Unsend { .. } => ours && state == Sent,
            Transition::Replan { .. } => {
                ours && state == Sent && (!execution || record.plan_version < REPLANS)
            }
            Transition::Record { .. } => fence && (state == Sent || (state == Planned && restored)),
            Transition::PayIntent { .. } => {
                let state = safe && (state == DocDone || (state == PaySent && over));
                ours && record.pay_plan.is_some() && record.pay_id.is_none() && state
            }
            Transition::PayUnsend { .. } | Transition::PayRefuse { .. } => {
                ours && state == PaySent && record.pay_id.is_none()
            }
            Transition::PayRecord { .. } => {
                let state = state == PaySent || (state == DocDone && restored);
                fence && record.pay_plan.is_some() && record.pay_id.is_none() && state
            }
            Transition::Complete { .. } => fence && settled && promise,
            Transition::MailIntent => {
                let untried = record.mail.is_none() && record.told_at.is_none();
                ours && settled && record.plan.is_some() && untried
            }
            Transition::MailUnsend { .. } => ours && settled && record.mail == Some(Mail::Tried),
            Transition::MailRecord { .. } => fence && settled && record.mail == Some(Mail::Tried),
            Transition::PlanPayment { plan, .. } => {
                let same = record.realm.as_ref() == Some(&plan.realm);
                ours && record.is_payment_to_plan() && same
            }
            Transition::Answer { .. } => ours && state == Claimed && promise,
            Transition::Fail { .. } => {
                let unsent = matches!(state, Claimed | Planned | Sent) || record.is_payment_to_plan();
                ours && unsent && promise
            }
            Transition::Review { .. } => {
                let state = matches!(state, Sent | DocDone | PaySent)
                    || (restored && matches!(state, Claimed | Planned));
                ours && state && promise
            }
            Transition::Release { .. } => ours && !state.is_terminal(),
            Transition::Tell => fence && state == held.state && record.callback_due.is_some(),
            Transition::Settle => {
                let promise = record.callback_due.is_some() && record.callback_due == held.callback_due;
                fence && promise && state == held.state
            }
            Transition::Forget { gone } => fence && state == DocDone && record.made_id.as_ref() == Some(gone),
        }
    }

    fn change(&mut self, held: &Record, transition: &Transition, now: Timestamp) {
        let record = &mut self.record;
        match transition {
            Transition::Freeze(plan) => freeze(record, plan),
            Transition::Intent { quiet_until } => {
                record.state = State::Sent;
                record.sends += 1;
                record.first_sent_at.get_or_insert(now);
                record.quiet_until = Some(*quiet_until);
            }
            Transition::Unsend { trouble } => unsend(record, State::Planned, trouble),
            Transition::PayUnsend { trouble } => unsend(record, State::DocDone, trouble),
            Transition::Replan { trouble } => {
                unsend(record, State::Claimed, trouble);
                record.plan_version += 1;
                record.replanned_for = Some(trouble.clone());
                record.plan = None;
            }
            Transition::Record { id, made, pay_plan } => self.recorded(id, made, pay_plan.as_ref()),
            Transition::PayIntent { quiet_until } => {
                record.state = State::PaySent;
                record.pay_first_sent_at.get_or_insert(now);
                record.quiet_until = Some(*quiet_until);
            }
            Transition::PayRecord { id } => {
                record.state = State::PaySent;
                record.pay_id = Some(id.clone());
                (record.trouble, record.quiet_until) = (None, None);
            }
            Transition::PayRefuse { trouble, why } => {
                unsend(record, State::DocDone, trouble);
                record.pay_refused = Some(why.clone());
                record.pay_plan = None;
            }
            Transition::MailIntent => record.mail = Some(Mail::Tried),
            Transition::MailUnsend { trouble } => {
                record.mail = None;
                record.trouble = Some(trouble.clone());
            }
            Transition::MailRecord { mail } => record.mail = Some(*mail),
            Transition::PlanPayment { plan, made, pay_plan } => {
                record.plan = Some(plan.clone());
                record.made = Some(made.clone());
                record.pay_plan.clone_from(pay_plan);
            }
            Transition::Complete { answer } => self.end(held, State::Completed, answer, now),
            Transition::Answer { answer, preview, .. } => {
                self.end(held, State::Completed, answer, now);
                if preview.is_some() {
                    self.record.preview.clone_from(preview);
                    self.ttl = Some(now + PREVIEW_KEPT);
                }
            }
            Transition::Fail { answer, trouble } => {
                record.trouble = Some(trouble.clone());
                self.end(held, State::Failed, answer, now);
            }
            Transition::Review { answer, trouble } => {
                record.trouble = Some(trouble.clone());
                self.terminal(held, State::NeedsReview, answer, now);
            }
            Transition::Release { trouble, own_mistake, next_at } => {
                record.trouble = Some(trouble.clone());
                record.own_mistakes += u64::from(*own_mistake);
                self.lease_until = Some(Timestamp::UNIX_EPOCH);
                if matches!(record.key, Key::Execution { .. }) {
                    self.next_at = Some(*next_at);
                }
            }
            Transition::Tell => {
                record.told_at.get_or_insert(now);
            }
            Transition::Settle => {
                record.callback_due = None;
                if held.state.is_terminal() {
                    self.next_at = None;
                }
            }
            Transition::Forget { .. } => {
                record.state = State::Claimed;
                record.plan_version += 1;
                (record.made_id, record.replanned_for, record.first_sent_at) = (None, None, None);
                (record.sends, record.request) = (0, None);
                self.lease_until = Some(Timestamp::UNIX_EPOCH);
            }
        }
    }

    fn recorded(&mut self, id: &str, made: &serde_json::Value, pay_plan: Option<&Plan>) {
        let record = &mut self.record;
        record.state = State::DocDone;
        record.made_id = Some(id.to_owned());
        (record.trouble, record.quiet_until) = (None, None);
        match record.key {
            Key::Execution { .. } => {
                record.made = Some(made.clone());
                if let Some(plan) = pay_plan {
                    record.pay_plan = Some(plan.clone());
                }
            }
            Key::Customer { .. } | Key::Item { .. } => {
                (record.plan, record.lease_owner) = (None, None);
                self.lease_until = None;
            }
        }
    }

    /// A terminal state that needs no plan any more.
    fn end(&mut self, held: &Record, state: State, answer: &str, now: Timestamp) {
        self.terminal(held, state, answer, now);
        let record = &mut self.record;
        (record.plan, record.pay_plan, record.made, record.quiet_until) = (None, None, None, None);
        self.ttl = Some(now + KEPT);
    }

    fn terminal(&mut self, held: &Record, state: State, answer: &str, now: Timestamp) {
        self.record.state = state;
        self.record.answer = Some(answer.to_owned());
        self.record.lease_owner = None;
        self.lease_until = None;
        // While HubSpot waits for a callback, the record stays due.
        self.next_at = held.callback_due.map(|_| now);
    }
}

fn blank(key: &Key, now: Timestamp) -> Record {
    Record {
        key: key.clone(),
        state: State::Claimed,
        action: None,
        realm: None,
        fence: 0,
        lease_owner: None,
        deliveries: 0,
        input_hash: None,
        plan: None,
        plan_version: 0,
        sends: 0,
        first_sent_at: None,
        pay_first_sent_at: None,
        quiet_until: None,
        made_id: None,
        made: None,
        pay_plan: None,
        pay_id: None,
        pay_refused: None,
        mail: None,
        answer: None,
        preview: None,
        trouble: None,
        replanned_for: None,
        request: None,
        callback_due: None,
        told_at: None,
        safe_since: None,
        safe_until: None,
        own_mistakes: 0,
        intuit_tids: Vec::new(),
        created_items: Vec::new(),
        buyer: None,
        metered: 0,
        retried: false,
        created_at: now,
    }
}

fn freeze(record: &mut Record, plan: &Plan) {
    record.state = State::Planned;
    record.plan = Some(plan.clone());
}

fn unsend(record: &mut Record, state: State, trouble: &str) {
    record.state = state;
    record.trouble = Some(trouble.to_owned());
    record.quiet_until = None;
}

fn set_once<T: Clone>(place: &mut Option<T>, value: &Option<T>) {
    if place.is_none() {
        place.clone_from(value);
    }
}
