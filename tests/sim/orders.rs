//! Many deals for one new contact, or for one new product: each needs the customer or item, and the books get one (H5). Their
//! machine (`app::protocol::next_for_order`) under the same faults, with the loop of `app::order` around it.

use std::sync::Mutex;

use app::attempt::LEASE_MARGIN;
use app::failure::{Code, Trouble};
use app::protocol::{self, Change, Effects, End, Event, Made, Outcome, Sighting};
use jiff::Timestamp;
use serde_json::Value;
use simulators::chance::Chance;
use store::record::{Claim, Claimed, Key, Plan, Record, Written};

use crate::attempt::{Sim, failure};
use crate::books::{Post, RequestIds};
use crate::exhaustive::scripted;
use crate::fault::{Call, Fault, Faults};
use crate::proof::Proof;
use crate::run::{Run, Running, live, lock};
use crate::setup::{Happening, Setup};
use crate::table::{Request, Stored};
use crate::world::{NOBODY, World, timestamp};

/// How many deals for one contact.
const DEALS: usize = 500;

/// How many such crowds.
const CROWDS: u64 = 40;

/// How long one deal waits for another's order, and between two looks, in milliseconds (`app::order`).
const PATIENCE: i64 = 2_000;
const PAUSE: i64 = 150;

/// The name of what is ordered, and a customer's second one.
const NAME: &str = "Ana Trujillo";
const OWN_NAME: &str = "Ana Trujillo (HS 7)";

/// What all deals of a crowd need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    /// A customer.
    Customer,
    /// A customer whose name is a vendor's.
    Namesake,
    /// An item.
    Item,
    /// An item that a person creates too, after all have looked and before any is sent.
    ItemOfAPerson,
}

impl Needed {
    const ALL: [Self; 4] = [Self::Customer, Self::Namesake, Self::Item, Self::ItemOfAPerson];

    fn key(self) -> Key {
        let identity = "0".repeat(64);
        match self {
            Self::Customer | Self::Namesake => Key::Customer { identity },
            Self::Item | Self::ItemOfAPerson => Key::Item { identity },
        }
    }
}

/// Crowds of deals, for each of what they may need in turns.
pub(crate) fn crowds(proof: &mut Proof) {
    for seed in 0..CROWDS {
        let mut chance = Chance::new(seed);
        let request_ids = chance.pick(&[RequestIds::Honoured, RequestIds::Ignored, RequestIds::InProgress]);
        let mut setup = scripted(app::action::DocumentKind::Invoice, false, request_ids, Faults::none());
        setup.seed = seed;
        setup.rough = true;
        setup.clocks_differ = chance.one_in(2);
        setup.faults = Faults::Chance { left: 30, one_in: 12, favourite: None };
        setup.agenda = (0..DEALS).map(|_| (chance.span(30_000), Happening::Delivery)).collect();
        setup.agenda.sort_by_key(|(at, _)| -at);
        let needed = Needed::ALL[seed as usize % Needed::ALL.len()];
        let run = order(setup, needed);
        proof.saw(&run, || format!("{DEALS} deals for one {needed:?}, seed {seed}"));
    }
    println!(
        "orders: {CROWDS} crowds of {DEALS} deals for one new contact or product, one customer or item each"
    );
}

/// One customer under one or two faults, and another deal a minute later.
pub(crate) fn one(request_ids: RequestIds, script: &[(Call, Fault)]) -> Run {
    let faults = Faults::Next(script.to_vec());
    order(scripted(app::action::DocumentKind::Invoice, false, request_ids, faults), Needed::Customer)
}

/// Runs until each deal has its customer or item.
fn order(setup: Setup, needed: Needed) -> Run {
    let deals = setup.agenda.len();
    let mut world = World::new(setup);
    world.key = needed.key();
    world.books.names = Some(Vec::new());
    match needed {
        Needed::Namesake => world.books.names = Some(vec![NAME.to_owned()]),
        Needed::ItemOfAPerson => world.a_person_creates(NAME),
        Needed::Customer | Needed::Item => {}
    }
    let (world, endless) = live(world, |world, task| -> Running<'_> { Box::pin(deal(world, task)) });
    let mut wrong = world.history.wrong.clone();
    let made: Vec<String> = world.books.made.iter().map(|made| made.id.to_string()).collect();
    if made.len() != 1 {
        wrong.push(format!("H5: {} of it", made.len()));
    }
    let orders = &world.history.orders;
    if endless || orders.len() < deals || orders.iter().any(|order| Some(order) != made.first()) {
        wrong.push(format!("H5: {} of {deals} deals have what they need", orders.len()));
    }
    Run::of(world, wrong)
}

/// One delivery of one deal, as far as its customer or item; HubSpot delivers again what has none.
async fn deal(world: &Mutex<World>, task: usize) {
    let order = Order { sim: Sim::new(world, task) };
    let made = order.create().await;
    let mut world = lock(world);
    match made {
        Some(id) => world.history.orders.push(id),
        None => world.deliver_again(task),
    }
}

impl World {
    /// A person creates it by hand, under the same name.
    fn a_person_creates(&mut self, name: &str) {
        let post = Post {
            what: Call::Document,
            realm: 0,
            token: 0,
            request_id: "by hand".into(),
            body: name.to_owned(),
            pays: None,
            total: 0,
            task: NOBODY,
        };
        self.books.receive(&post, 0);
    }

    /// A delivery comes to nothing: another one follows.
    pub(crate) fn deliver_again(&mut self, task: usize) {
        self.note(|| format!("{task}: comes to nothing"));
        let at = self.now + 30_000 + self.chance.span(60_000);
        let agenda = &mut self.setup.agenda;
        let place = agenda.partition_point(|(other, _)| *other > at);
        agenda.insert(place, (at, Happening::Delivery));
    }
}

struct Order<'a> {
    sim: Sim<'a>,
}

impl Order<'_> {
    async fn create(&self) -> Option<String> {
        let patience = self.sim.lock().now + PATIENCE;
        loop {
            let claim = Request::Claim(self.claim());
            match self.sim.store(Call::Claim, claim).await {
                Ok(Stored::Claimed(Claimed::Ours(record))) => {
                    return match protocol::drive(self, protocol::next_for_order, record).await {
                        End::Done(record) => record.made_id,
                        End::Later { .. } | End::GaveUp(_) => None,
                    };
                }
                Ok(Stored::Claimed(Claimed::Done(record))) => return record.made_id,
                Ok(_) if self.sim.lock().now < patience => self.sim.pause(PAUSE).await,
                Ok(_) | Err(_) => return None,
            }
        }
    }

    fn claim(&self) -> Claim {
        let lease_until = timestamp(self.sim.ends) + LEASE_MARGIN;
        let key = self.sim.lock().key.clone();
        Claim::new(key, self.now(), lease_until)
    }

    /// What has this name, if it is what we need.
    async fn same(&self, name: &str) -> Result<Option<Made>, Option<Trouble>> {
        let made = |world: &mut World| {
            let mut shown = world.books.shown(Call::Document, 0, i64::MIN, world.now);
            let ours = shown.find(|made| made.post.body == name);
            ours.map(|made| Made { id: made.id.to_string(), json: Value::Null })
        };
        self.sim.query(Call::Look, made).await
    }

    fn is_of_an_item(&self) -> bool {
        matches!(self.sim.lock().key, Key::Item { .. })
    }

    /// 6240: what we need after all, or a customer's second name.
    async fn name_taken(&self, name: &str) -> Outcome {
        match self.same(name).await {
            Ok(Some(made)) => Outcome::Made(made),
            Ok(None) if name == OWN_NAME || self.is_of_an_item() => {
                Outcome::Refused(failure(Code::NameTaken))
            }
            Ok(None) => Outcome::Outdated(failure(Code::NameTaken)),
            Err(_) => Outcome::NoEffect(Trouble::QuickBooksDown),
        }
    }
}

fn name_of(record: &Record) -> &str {
    record.plan.as_ref().map_or(NAME, |plan| plan.body.as_str())
}

impl Effects for Order<'_> {
    fn now(&self) -> Timestamp {
        self.sim.now()
    }

    fn in_time(&self) -> bool {
        true
    }

    async fn plan(&self, record: &Record) -> Event {
        let taken = record.replanned_for.as_deref() == Some(Code::NameTaken.as_str());
        let realm = self.sim.lock().realms[0].clone();
        Event::Planned(Plan {
            realm,
            request_id: format!("hqc-{}", record.plan_version),
            body: if taken { OWN_NAME } else { NAME }.to_owned(),
            notes: Value::from(0),
            emailed: false,
        })
    }

    async fn write(&self, record: &Record, change: &Change) -> Result<Written, store::Error> {
        self.sim.write(record, change).await
    }

    async fn send(&self, record: &Record) -> Outcome {
        match self.sim.send_to_books(record, false).await {
            Ok(Outcome::Refused(failure)) if failure.code == Code::NameTaken => {
                self.name_taken(name_of(record)).await
            }
            Ok(outcome) => outcome,
            Err(Some(trouble)) => Outcome::NoEffect(trouble),
            Err(None) => Outcome::Refused(failure(Code::ConnectionExpired)),
        }
    }

    async fn look(&self, record: &Record) -> Sighting {
        match self.same(name_of(record)).await {
            Ok(Some(made)) => {
                self.sim.lock().hit(crate::rare::Rare::Adopted);
                Sighting::Found(made)
            }
            Ok(None) => Sighting::Absent,
            Err(stop) => Sighting::NotSeen(stop.unwrap_or(Trouble::OutcomeUnknown)),
        }
    }
}
