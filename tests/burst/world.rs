//! One portal, one company, their limits, and what came of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use app::budget::TURNED_AWAY;
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use store::budget::{Budget, Taken};
use store::record::{Key, Record, State};
use tokio::time::Instant;

use crate::limits::Limit;
use crate::register::Register;
use crate::run::{CUSTOMER, HUBSPOT_CALLS};

/// The portal.
pub(crate) const PORTAL: PortalId = PortalId(1);

/// Every so many-th contact is new to the company: its customer must be made first.
const ONE_NEW_IN: usize = 5;

/// So many calls to one company may be under way (quickbooks.md §6.1).
const AT_ONCE: usize = 10;

/// How long a vendor's answers take, in milliseconds: mostly, and one in twenty.
#[derive(Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) mostly: (u64, u64),
    pub(crate) at_times: (u64, u64),
}

/// What calls were needed at the least, were nothing ever asked in vain.
struct Needed {
    hubspot: usize,
    /// To one company, batches of questions apart.
    quickbooks: usize,
    /// Pairs of questions, each one batch or two calls.
    look_ups: usize,
}

/// Everything the attempts share.
pub(crate) struct World {
    began: Instant,
    hubspot: Latency,
    quickbooks: Latency,
    state: Mutex<Shared>,
}

struct Shared {
    register: Register,
    buckets: HashMap<Budget, Timestamp>,
    hubspot: Limit,
    quickbooks_minute: Limit,
    quickbooks_second: Limit,
    batches: Limit,
    at_once: usize,
    at_once_refused: usize,
    refused: usize,
    /// Request id, and document or customer.
    books: HashMap<String, usize>,
    customers: usize,
    /// Of those that are heard: how many had to be called back.
    callbacks: usize,
    heard: HashMap<Key, String>,
    chance: u64,
}

pub(crate) fn key(nth: usize) -> Key {
    Key::execution(PORTAL, format!("ap-1-{nth}-3-0"))
}

impl Shared {
    /// Whether a call is let in by all limits.
    fn enter_quickbooks(&mut self, batch: bool) -> bool {
        let [minute, second] = [&mut self.quickbooks_minute, &mut self.quickbooks_second].map(Limit::enter);
        let batch = !batch || self.batches.enter();
        let at_once = self.at_once < AT_ONCE;
        self.at_once_refused += usize::from(!at_once);
        let through = minute && second && batch && at_once;
        self.at_once += usize::from(through);
        through
    }
}

/// The claim on the contact's customer; none when the company knows it.
pub(crate) fn customer_key(key: &Key) -> Option<Key> {
    let Key::Execution { callback_id, .. } = key else { return None };
    let nth: usize = callback_id.split('-').nth(2)?.parse().ok()?;
    nth.is_multiple_of(ONE_NEW_IN).then(|| Key::Customer { identity: format!("{nth:064}") })
}

pub(crate) fn realm() -> RealmId {
    RealmId::try_from("9130350000000001".to_owned()).unwrap()
}

impl World {
    pub(crate) fn new(hubspot: Latency, quickbooks: Latency) -> Self {
        let minute = Duration::from_secs(60);
        let shared = Shared {
            register: Register::default(),
            buckets: HashMap::new(),
            hubspot: Limit::new(110, Duration::from_secs(10)),
            quickbooks_minute: Limit::new(500, minute),
            quickbooks_second: Limit::new(10, Duration::from_secs(1)),
            batches: Limit::new(40, minute),
            at_once: 0,
            at_once_refused: 0,
            refused: 0,
            books: HashMap::new(),
            customers: 0,
            callbacks: 0,
            heard: HashMap::new(),
            chance: 0,
        };
        Self { began: Instant::now(), hubspot, quickbooks, state: Mutex::new(shared) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let epoch: Timestamp = "2026-03-02T09:15:30Z".parse().unwrap();
        let millis = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        epoch + SignedDuration::from_millis(millis)
    }

    /// A number that is different each time.
    pub(crate) fn chance(&self) -> u64 {
        let mut shared = self.lock();
        shared.chance =
            shared.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        shared.chance >> 16
    }

    pub(crate) fn register<T>(&self, ask: impl FnOnce(&mut Register) -> T) -> T {
        ask(&mut self.lock().register)
    }

    async fn answer_comes(&self, latency: Latency) {
        let (least, most) = match self.chance() % 20 {
            0 => latency.at_times,
            _ => latency.mostly,
        };
        tokio::time::sleep(Duration::from_millis(least + self.chance() % (most - least))).await;
    }

    /// Takes calls from a bucket by its real rule, which `it/budgets` compares with the table's.
    pub(crate) fn take_at(
        &self,
        budget: &Budget,
        calls: u32,
        at: Timestamp,
        patience: SignedDuration,
    ) -> Taken {
        let mut shared = self.lock();
        let full_at = shared.buckets.get(budget).copied().unwrap_or(at);
        let (taken, moved) = budget.rate().take(full_at, calls, at, patience);
        shared.buckets.insert(budget.clone(), moved);
        taken
    }

    /// Sleeps until somebody's turn.
    pub(crate) async fn until(&self, turn: Timestamp) {
        let left = Duration::try_from(turn.duration_since(self.now())).unwrap_or_default();
        tokio::time::sleep(left).await;
    }

    /// A call to HubSpot; false when a limit refuses it.
    pub(crate) async fn call_hubspot(&self) -> bool {
        let through = self.lock().hubspot.enter();
        self.answer_comes(self.hubspot).await;
        self.note(through)
    }

    /// A call to QuickBooks; false when a limit refuses it, at once.
    pub(crate) async fn call_quickbooks(&self, batch: bool) -> bool {
        let through = self.lock().enter_quickbooks(batch);
        if through {
            self.answer_comes(self.quickbooks).await;
            self.lock().at_once -= 1;
        } else {
            // `App::slow_down`.
            let patience = SignedDuration::from_mins(5);
            self.take_at(&Budget::QuickBooks(realm()), TURNED_AWAY, self.now(), patience);
        }
        self.note(through)
    }

    fn note(&self, through: bool) -> bool {
        self.lock().refused += usize::from(!through);
        through
    }

    /// Creates a document or a customer, and each time another: request ids are not honoured here.
    pub(crate) fn create(&self, request_id: &str) -> usize {
        let mut shared = self.lock();
        let made = shared.books.len() + 1;
        let already = shared.books.insert(request_id.to_owned(), made);
        assert_eq!(already, None, "sent twice");
        shared.customers += usize::from(request_id.starts_with(CUSTOMER));
        made
    }

    /// HubSpot has an answer by callback.
    pub(crate) fn called_back(&self, key: &Key, answer: &str) {
        let mut shared = self.lock();
        shared.callbacks += usize::from(!shared.heard.contains_key(key));
        drop(shared);
        self.hear(key, answer);
    }

    /// HubSpot has an answer.
    pub(crate) fn hear(&self, key: &Key, answer: &str) {
        let before = self.lock().heard.insert(key.clone(), answer.to_owned());
        assert!(before.is_none_or(|before| before == answer), "two answers");
    }

    pub(crate) fn due(&self) -> Vec<Key> {
        let now = self.now();
        self.register(|register| register.due(now))
    }

    pub(crate) fn record(&self, key: &Key) -> Option<Record> {
        self.register(|register| register.record(key).cloned())
    }

    pub(crate) fn state(&self, key: &Key) -> Option<State> {
        self.register(|register| register.record(key).map(|record| record.state))
    }

    /// Whether every execution is done, and no callback is owed.
    pub(crate) fn is_over(&self, keys: &[Key]) -> bool {
        let over = |record: &Record| record.state.is_terminal() && record.callback_due.is_none();
        let shared = self.lock();
        keys.iter().all(|key| shared.register.record(key).is_some_and(over))
    }

    /// How many documents there are, and how many customers were made.
    pub(crate) fn made(&self) -> (usize, usize) {
        let shared = self.lock();
        (shared.books.len() - shared.customers, shared.customers)
    }

    pub(crate) fn refused(&self) -> usize {
        self.lock().refused
    }

    pub(crate) fn unheard(&self, keys: &[Key]) -> usize {
        let shared = self.lock();
        keys.iter().filter(|key| !shared.heard.contains_key(key)).count()
    }

    /// The least time that the calls which were needed take by the tightest limit. Look-ups go as batches as far as there
    /// are any, 40 a minute, and else as two calls of 500 a minute: so both together let through 540 a minute.
    pub(crate) fn least_time(&self) -> Duration {
        let Needed { hubspot, quickbooks, look_ups } = self.needed();
        let times = |calls: usize, a_minute: usize| Duration::from_secs(60) * count(calls) / count(a_minute);
        let as_calls = times(quickbooks + 2 * look_ups, 540);
        let as_batches = times(quickbooks + look_ups, 500);
        times(hubspot, 660).max(as_calls).max(as_batches)
    }

    fn needed(&self) -> Needed {
        let (documents, customers) = self.made();
        Needed {
            hubspot: documents * calls(HUBSPOT_CALLS) + self.lock().callbacks,
            quickbooks: documents + customers,
            look_ups: documents,
        }
    }

    pub(crate) fn report(&self, took: Duration) -> String {
        let (least, needed, (documents, customers)) = (self.least_time(), self.needed(), self.made());
        let shared = self.lock();
        format!(
            "burst: {documents} documents, {customers} new customers; {} calls to HubSpot ({} needed), {} to QuickBooks of \
             which {} batches; {} refused, {} of them because ten were under way; {:.1} min of virtual time, {:.3} times what the tightest limit allows for the calls \
             that were needed",
            shared.hubspot.total,
            needed.hubspot,
            shared.quickbooks_minute.total,
            shared.batches.total,
            shared.refused,
            shared.at_once_refused,
            took.as_secs_f64() / 60.0,
            took.as_secs_f64() / least.as_secs_f64(),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}

fn calls(number: u32) -> usize {
    usize::try_from(number).unwrap()
}
