//! The conditional writes of a record, on what the simulation runs on (rulings.md 25).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use store::Error;
use store::record::{Claim, Claimed, Key, Nonce, Owed, Record, Transition, Written};
use store::retry::Retried;

#[path = "../sim/register.rs"]
mod register;
#[expect(clippy::duplicate_mod, reason = "one suite, two things it runs on")]
#[path = "../suite/records.rs"]
mod suite;

struct Backing {
    store: Store,
}

impl Backing {
    #[expect(clippy::unused_async, reason = "the other one waits")]
    async fn start() -> Self {
        Self { store: Store::default() }
    }

    #[expect(clippy::unused_async, reason = "the other one waits")]
    async fn be_lossy(&mut self) {}

    fn lose_the_next_reply(&self) {
        self.store.lose.store(true, Ordering::Relaxed);
    }

    fn lost(&self) -> u64 {
        self.store.lost.load(Ordering::Relaxed)
    }

    #[expect(clippy::unused_async, reason = "the other one waits")]
    async fn attribute(&self, key: &Key, name: &str) -> Option<String> {
        let register = self.store.register.lock().unwrap();
        match name {
            "ttl" => register.ttl(key).map(|ttl| ttl.as_second().to_string()),
            _ => register.next_at(key).map(|next_at| next_at.as_millisecond().to_string()),
        }
    }
}

/// The register as the real store shows itself. A reply that is lost is asked for once more, as the SDK does.
#[derive(Default)]
struct Store {
    register: Mutex<register::Register>,
    lose: AtomicBool,
    lost: AtomicU64,
}

#[expect(clippy::unused_async, reason = "the other one waits")]
impl Store {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Error> {
        Ok(self.send(|register| register.claim(claim)))
    }

    async fn write(
        &self,
        held: &Record,
        transition: &Transition,
        id: &Nonce,
        now: Timestamp,
    ) -> Result<Written, Error> {
        Ok(self.send(|register| register.write(held, transition, id, now)))
    }

    async fn take_callback(&self, read: &Record, now: Timestamp, until: Timestamp) -> Result<bool, Error> {
        Ok(self.register.lock().unwrap().take_callback(read, now, until))
    }

    async fn postpone(&self, key: &Key, read: Option<&Record>, until: Timestamp) -> Result<(), store::Error> {
        self.register.lock().unwrap().postpone(key, read, until);
        Ok(())
    }

    async fn owe_callback(&self, key: &Key, until: Timestamp) -> Result<Owed, Error> {
        self.send(|register| register.owe_callback(key, until)).ok_or(Error::Missing { what: "record" })
    }

    async fn retry(&self, key: &Key, _: &str, now: Timestamp) -> Result<Retried, Error> {
        Ok(self.register.lock().unwrap().retry(key, now))
    }

    async fn due(&self, now: Timestamp, _: u16) -> Result<Vec<Key>, Error> {
        Ok(self.register.lock().unwrap().due(now))
    }

    async fn record(&self, key: &Key) -> Result<Option<Record>, Error> {
        Ok(self.register.lock().unwrap().record(key).cloned())
    }

    fn send<T>(&self, ask: impl Fn(&mut register::Register) -> T) -> T {
        let mut register = self.register.lock().unwrap();
        if self.lose.swap(false, Ordering::Relaxed) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            ask(&mut register);
        }
        ask(&mut register)
    }
}
