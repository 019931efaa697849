//! One portal, one company, their limits, and what came of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use store::budget::{Budget, Taken};
use store::record::{Key, Record, State};
use tokio::time::Instant;

use crate::limits::Limit;
use crate::register::Register;

/// The portal.
pub(crate) const PORTAL: PortalId = PortalId(1);

/// The answers of a vendor take so long.
const LATENCY: Duration = Duration::from_millis(400);

/// Everything the attempts share.
pub(crate) struct World {
    began: Instant,
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
    refused: usize,
    /// Request id and document.
    books: HashMap<String, usize>,
    heard: HashMap<Key, String>,
    chance: u64,
}

pub(crate) fn key(nth: usize) -> Key {
    Key::execution(PORTAL, format!("ap-1-{nth}-3-0"))
}

pub(crate) fn realm() -> RealmId {
    RealmId::try_from("9130350000000001".to_owned()).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let minute = Duration::from_secs(60);
        let shared = Shared {
            register: Register::default(),
            buckets: HashMap::new(),
            hubspot: Limit::new(110, Duration::from_secs(10)),
            quickbooks_minute: Limit::new(500, minute),
            quickbooks_second: Limit::new(10, Duration::from_secs(1)),
            batches: Limit::new(40, minute),
            at_once: 0,
            refused: 0,
            books: HashMap::new(),
            heard: HashMap::new(),
            chance: 0,
        };
        Self { began: Instant::now(), state: Mutex::new(shared) }
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

    /// Takes calls from a bucket, as `Store::take` does.
    pub(crate) fn take(&self, budget: &Budget, calls: u32, patience: SignedDuration) -> Taken {
        let now = self.now();
        let mut shared = self.lock();
        let full_at = shared.buckets.get(budget).copied().unwrap_or(now);
        let (taken, moved) = budget.rate().take(full_at, calls, now, patience);
        shared.buckets.insert(budget.clone(), moved);
        taken
    }

    /// A call to HubSpot; false when a limit refuses it.
    pub(crate) async fn call_hubspot(&self) -> bool {
        let through = self.lock().hubspot.enter();
        tokio::time::sleep(LATENCY).await;
        self.note(through)
    }

    /// A call to QuickBooks; false when a limit refuses it.
    pub(crate) async fn call_quickbooks(&self, batch: bool) -> bool {
        let through = {
            let shared = &mut *self.lock();
            shared.at_once += 1;
            let [minute, second] =
                [&mut shared.quickbooks_minute, &mut shared.quickbooks_second].map(Limit::enter);
            let batch = !batch || shared.batches.enter();
            minute && second && batch && shared.at_once <= 10
        };
        tokio::time::sleep(LATENCY).await;
        self.lock().at_once -= 1;
        self.note(through)
    }

    fn note(&self, through: bool) -> bool {
        self.lock().refused += usize::from(!through);
        through
    }

    /// Creates a document, and each time another: request ids are not honoured here.
    pub(crate) fn create(&self, request_id: &str) -> usize {
        let mut shared = self.lock();
        let made = shared.books.len() + 1;
        let already = shared.books.insert(request_id.to_owned(), made);
        assert_eq!(already, None, "sent twice");
        made
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

    pub(crate) fn made(&self) -> usize {
        self.lock().books.len()
    }

    pub(crate) fn refused(&self) -> usize {
        self.lock().refused
    }

    pub(crate) fn unheard(&self, keys: &[Key]) -> usize {
        let shared = self.lock();
        keys.iter().filter(|key| !shared.heard.contains_key(key)).count()
    }

    /// What the tightest limit allows.
    pub(crate) fn least_time(&self) -> Duration {
        let shared = self.lock();
        let limits = [&shared.hubspot, &shared.quickbooks_minute, &shared.quickbooks_second, &shared.batches];
        limits.into_iter().map(Limit::least_time).max().unwrap()
    }

    pub(crate) fn report(&self, took: Duration) -> String {
        let least = self.least_time();
        let shared = self.lock();
        format!(
            "burst: {} documents, {} calls to HubSpot, {} to QuickBooks of which {} batches, {} refused; {:.1} min of virtual \
             time, {:.2} times what the tightest limit allows",
            shared.books.len(),
            shared.hubspot.total,
            shared.quickbooks_minute.total,
            shared.batches.total,
            shared.refused,
            took.as_secs_f64() / 60.0,
            took.as_secs_f64() / least.as_secs_f64(),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap()
    }
}
