//! One attempt's effects on this world: a deal with a contact that is looked up and known, one line, no faults.

use std::time::Duration;

use app::attempt::{Attempt, LEASE_MARGIN, PATIENCE, QUIET, SEND_NEEDS, Times, Told, WAIT, back_off};
use app::failure::Trouble;
use app::protocol::{Change, Effects, Event, Made, Outcome, Sighting};
use jiff::{SignedDuration, Timestamp};
use mapping::quickbooks::DocumentKind;
use serde_json::json;
use store::budget::{Budget, Taken};
use store::record::{Claim, Claimed, Key, Nonce, Owed, Plan, Record, Transition, Written};
use tokio::time::Instant;

use crate::world::{PORTAL, World, realm};

/// What it takes to read the deal, and to look for its customer (`app::execution`).
const HUBSPOT_CALLS: u32 = 3;
const QUERIES: u32 = 2;

/// One attempt.
pub(crate) struct Run<'a> {
    world: &'a World,
    key: Key,
    delivered: bool,
    ends: Instant,
    begin_until: Instant,
}

impl<'a> Run<'a> {
    pub(crate) fn delivered(world: &'a World, key: &Key, limit: Duration) -> Self {
        let now = Instant::now();
        Self { world, key: key.clone(), delivered: true, ends: now + limit, begin_until: now + PATIENCE }
    }

    pub(crate) fn scheduled(world: &'a World, key: &Key, ends: Instant) -> Self {
        Self { world, key: key.clone(), delivered: false, ends, begin_until: ends - SEND_NEEDS * 2 }
    }

    /// Whether a run of the reconciler that ends then still takes something up.
    pub(crate) fn can_begin(ends: Instant) -> bool {
        Instant::now() < ends - SEND_NEEDS * 2
    }

    /// `App::spend`.
    async fn spend(&self, budget: &Budget, calls: u32) -> bool {
        let patience = self.begin_until.saturating_duration_since(Instant::now());
        let now = self.world.now();
        match self.world.take(budget, calls, SignedDuration::try_from(patience).unwrap()) {
            Taken::At(moment) => {
                tokio::time::sleep(Duration::try_from(moment.duration_since(now)).unwrap()).await;
                true
            }
            Taken::NotBefore(_) => false,
        }
    }

    async fn read_deal(&self) -> Result<(), Trouble> {
        let throttled = Trouble::HubSpotThrottled;
        if !self.spend(&Budget::HubSpot(PORTAL), HUBSPOT_CALLS).await {
            return Err(throttled);
        }
        let record = self.world.call_hubspot().await;
        let (contact, lines) = tokio::join!(self.world.call_hubspot(), self.world.call_hubspot());
        if record && contact && lines { Ok(()) } else { Err(throttled) }
    }

    async fn look_up(&self) -> Result<(), Trouble> {
        let throttled = Trouble::QuickBooksThrottled;
        let batches = Budget::QuickBooksBatches(realm());
        let batch = matches!(self.world.take(&batches, 1, SignedDuration::ZERO), Taken::At(_));
        let calls = if batch { 1 } else { QUERIES };
        if !self.spend(&Budget::QuickBooks(realm()), calls).await {
            return Err(throttled);
        }
        let asked = futures::future::join_all((0..calls).map(|_| self.world.call_quickbooks(batch))).await;
        if asked.into_iter().all(|through| through) { Ok(()) } else { Err(throttled) }
    }

    fn in_timestamp(&self, at: Instant) -> Timestamp {
        let left = at.saturating_duration_since(Instant::now());
        self.world.now() + SignedDuration::try_from(left).unwrap()
    }

    fn answer(record: &Record) -> String {
        let id = record.made_id.as_deref().unwrap_or_default();
        json!({"outputFields": {"hs_execution_state": "SUCCESS", "document_id": id}}).to_string()
    }
}

impl Effects for Run<'_> {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn in_time(&self) -> bool {
        Instant::now() < self.begin_until
    }

    async fn plan(&self, record: &Record) -> Event {
        if let Err(trouble) = self.read_deal().await {
            return Event::NotPlanned(trouble);
        }
        if let Err(trouble) = self.look_up().await {
            return Event::NotPlanned(trouble);
        }
        let Key::Execution { callback_id, .. } = &self.key else { unreachable!("an execution") };
        let request_id = format!("hqd{callback_id}-{}", record.plan_version);
        Event::Planned(Plan { realm: realm(), request_id, body: "{}".to_owned(), notes: json!(null) })
    }

    async fn write(&self, record: &Record, change: &Change) -> Result<Written, store::Error> {
        let now = self.world.now();
        let next_at = match change {
            Change::Release(trouble) if !self.delivered => {
                now + back_off(record, trouble, self.world.chance())
            }
            _ => now,
        };
        let times = Times { quiet_until: self.in_timestamp(self.ends) + QUIET, next_at };
        let transition = match change {
            Change::Complete => Transition::Complete { answer: Self::answer(record) },
            Change::Fail(failure) => Transition::Fail {
                answer: failure.message.clone(),
                trouble: failure.code.as_str().to_owned(),
            },
            Change::Review => {
                Transition::Review { answer: "{}".to_owned(), trouble: "NEEDS_REVIEW".to_owned() }
            }
            other => other.transition(record, times).unwrap(),
        };
        Ok(self.world.register(|register| register.write(record, &transition, &Nonce::new(), now)))
    }

    async fn send(&self, record: &Record) -> Outcome {
        let throttled = Outcome::NoEffect(Trouble::QuickBooksThrottled);
        if !self.spend(&Budget::QuickBooks(realm()), 1).await {
            return throttled;
        }
        if self.ends.saturating_duration_since(Instant::now()) < SEND_NEEDS {
            return Outcome::NoEffect(Trouble::OutOfTime);
        }
        if !self.world.call_quickbooks(false).await {
            return throttled;
        }
        let made = self.world.create(&record.plan.as_ref().unwrap().request_id);
        Outcome::Made(Made { id: made.to_string(), json: json!(null) })
    }

    async fn look(&self, _: &Record) -> Sighting {
        unreachable!("nothing is lost here")
    }
}

impl Attempt for Run<'_> {
    async fn claim(&self) -> Result<Claimed, store::Error> {
        let claim = Claim {
            key: self.key.clone(),
            action: Some(DocumentKind::Invoice),
            realm: Some(realm()),
            input_hash: None,
            subject: None,
            request: None,
            delivered: self.delivered,
            safe_since: None,
            nonce: Nonce::new(),
            now: self.world.now(),
            lease_until: self.in_timestamp(self.ends) + LEASE_MARGIN,
        };
        Ok(self.world.register(|register| register.claim(&claim)))
    }

    async fn may_block(&self) -> bool {
        true
    }

    async fn promise(&self) -> Result<Owed, store::Error> {
        let until = self.world.now() + WAIT;
        Ok(self.world.register(|register| register.owe_callback(&self.key, until)).unwrap())
    }

    fn is_from_a_workflow(&self) -> bool {
        true
    }

    async fn call_back(&self, record: &Record) -> Told {
        if !self.spend(&Budget::HubSpot(PORTAL), 1).await || !self.world.call_hubspot().await {
            return Told::NotHeard;
        }
        self.world.hear(&self.key, record.answer.as_deref().unwrap());
        Told::Heard
    }

    async fn note(&self, record: &Record, what: &Transition) -> Result<Written, store::Error> {
        let now = self.world.now();
        Ok(self.world.register(|register| register.write(record, what, &Nonce::new(), now)))
    }

    async fn postpone(&self, record: &Record, until: Timestamp) -> Result<(), store::Error> {
        self.world.register(|register| register.postpone(&record.key, Some(record), until));
        Ok(())
    }
}
