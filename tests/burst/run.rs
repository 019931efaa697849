//! One attempt's effects on this world: a deal with a contact that is looked up, and made a customer where it is new; one line
//! of a product that is remembered; no faults but the vendors' limits.

use std::time::Duration;

use app::attempt::{Attempt, LEASE_MARGIN, PATIENCE, QUIET, SEND_NEEDS, Times, Told, WAIT, back_off};
use app::budget::{self, Turns};
use app::failure::Trouble;
use app::protocol::{self, Change, Effects, End, Event, Made, Outcome, Sighting};
use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::RecordKind;
use mapping::quickbooks::DocumentKind;
use serde_json::json;
use store::budget::{Budget, Taken};
use store::record::{Claim, Claimed, Key, Nonce, Owed, Plan, Record, Transition, Written};
use tokio::time::Instant;

use crate::world::{PORTAL, World, customer_key, realm};

/// What it takes to read the deal, as `app::budget::calls_to_read` says.
pub(crate) const HUBSPOT_CALLS: u32 = 3;

/// What it takes to look for the deal's customer: by address and by name (`app::execution`).
const QUERIES: u32 = 2;

/// How request ids of customers begin.
pub(crate) const CUSTOMER: &str = "hqc";

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

    fn left_to_begin(&self) -> Duration {
        self.begin_until.saturating_duration_since(Instant::now())
    }

    /// `App::spend`, with the patience that it is given.
    async fn spend(&self, budget: &Budget, calls: u32, patience: impl TryInto<SignedDuration>) -> bool {
        let patience = patience.try_into().unwrap_or(SignedDuration::ZERO);
        match self.world.take_at(budget, calls, self.world.now(), patience) {
            Taken::At(turn) => {
                self.world.until(turn).await;
                true
            }
            Taken::NotBefore(_) => false,
        }
    }

    async fn read_deal(&self) -> Result<(), Trouble> {
        let throttled = Trouble::HubSpotThrottled;
        let patience = budget::patience_to_read(self.left_to_begin());
        let calls = budget::calls_to_read(RecordKind::Deal);
        assert_eq!(calls, HUBSPOT_CALLS);
        if !self.spend(&Budget::HubSpot(PORTAL), calls, patience).await {
            return Err(throttled);
        }
        let record = self.world.call_hubspot().await;
        let (contact, lines) = tokio::join!(self.world.call_hubspot(), self.world.call_hubspot());
        if record && contact && lines { Ok(()) } else { Err(throttled) }
    }

    async fn look_up(&self) -> Result<(), Trouble> {
        let patience = SignedDuration::try_from(self.left_to_begin()).unwrap();
        let take = |budget: Budget, calls, at, patience| {
            std::future::ready(Ok(self.world.take_at(&budget, calls, at, patience)))
        };
        let turns = budget::turns_to_ask(&realm(), (QUERIES, 1), (self.world.now(), patience), take).await;
        let ask = |turn, batch| async move {
            self.world.until(turn).await;
            self.world.call_quickbooks(batch).await
        };
        let through = match turns.unwrap() {
            None => false,
            Some(Turns::Batch(turn)) => ask(turn, true).await,
            Some(Turns::Apart { first, others }) => {
                let (first, other) = tokio::join!(ask(first, false), ask(others, false));
                first && other
            }
        };
        if through { Ok(()) } else { Err(Trouble::QuickBooksThrottled) }
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
        if let Some(customer) = customer_key(&self.key)
            && let Err(trouble) = self.customer(customer).await
        {
            return Event::NotPlanned(trouble);
        }
        let Key::Execution { callback_id, .. } = &self.key else { unreachable!("an execution") };
        let request_id = format!("hqd{callback_id}-{}", record.plan_version);
        planned(request_id)
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
        self.create(record).await
    }

    async fn look(&self, _: &Record) -> Sighting {
        unreachable!("nothing is lost here")
    }
}

impl Run<'_> {
    /// Sends the frozen bytes of a document or of a customer.
    async fn create(&self, record: &Record) -> Outcome {
        let throttled = Outcome::NoEffect(Trouble::QuickBooksThrottled);
        if !self.spend(&Budget::QuickBooks(realm()), 1, self.left_to_begin()).await {
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

    /// `app::customer::create`: nobody else needs this one.
    async fn customer(&self, key: Key) -> Result<(), Trouble> {
        let claim = Claim { key, action: None, realm: None, ..self.claim_now() };
        match self.world.register(|register| register.claim(&claim)) {
            Claimed::Ours(record) => {
                match protocol::drive(&Order(self), protocol::next_for_order, record).await {
                    End::Done(_) => Ok(()),
                    End::Later { trouble, .. } => Err(trouble),
                    End::GaveUp(failure) => panic!("nothing is refused here: {failure:?}"),
                }
            }
            Claimed::Done(_) => Ok(()),
            Claimed::Running => Err(Trouble::InProgress),
        }
    }

    fn claim_now(&self) -> Claim {
        Claim {
            action: Some(DocumentKind::Invoice),
            realm: Some(realm()),
            delivered: self.delivered,
            ..Claim::new(self.key.clone(), self.world.now(), self.in_timestamp(self.ends) + LEASE_MARGIN)
        }
    }
}

fn planned(request_id: String) -> Event {
    Event::Planned(Plan {
        realm: realm(),
        request_id,
        body: "{}".to_owned(),
        notes: json!(null),
        emailed: false,
    })
}

/// The effects of a customer that is made.
struct Order<'a>(&'a Run<'a>);

impl Effects for Order<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn in_time(&self) -> bool {
        true
    }

    async fn plan(&self, record: &Record) -> Event {
        let Key::Customer { identity } = &record.key else { unreachable!("a customer") };
        let request_id = format!("{CUSTOMER}{identity}-{}", record.plan_version);
        planned(request_id)
    }

    async fn write(&self, record: &Record, change: &Change) -> Result<Written, store::Error> {
        self.0.write(record, change).await
    }

    async fn send(&self, record: &Record) -> Outcome {
        self.0.create(record).await
    }

    async fn look(&self, _: &Record) -> Sighting {
        unreachable!("nothing is lost here")
    }
}

impl Attempt for Run<'_> {
    async fn claim(&self) -> Result<Claimed, store::Error> {
        let claim = self.claim_now();
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
        let has_turn = self.spend(&Budget::HubSpot(PORTAL), 1, self.left_to_begin()).await;
        if !has_turn || !self.world.call_hubspot().await {
            return Told::NotCalled;
        }
        self.world.called_back(&self.key, record.answer.as_deref().unwrap());
        Told::Heard
    }

    async fn note(&self, record: &Record, what: &Transition) -> Result<Written, store::Error> {
        let now = self.world.now();
        Ok(self.world.register(|register| register.write(record, what, &Nonce::new(), now)))
    }

    async fn take_callback(&self, record: &Record, until: Timestamp) -> Result<bool, store::Error> {
        let now = self.world.now();
        Ok(self.world.register(|register| register.take_callback(record, now, until)))
    }

    async fn postpone(&self, record: &Record, until: Timestamp) -> Result<(), store::Error> {
        self.world.register(|register| register.postpone(&record.key, Some(record), until));
        Ok(())
    }
}
