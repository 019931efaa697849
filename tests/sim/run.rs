//! Runs one setup to its end: an executor of one thread that always goes on with whoever is next in simulated time.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use app::attempt::{self, Reply};
use app::protocol::Effects;
use store::record::State;

use crate::attempt::{ACTION_LIMIT, ROUND_LIMIT, Sim};
use crate::fault::{Call, Faults};
use crate::history::{self, Answered};
use crate::rare::Rare;
use crate::setup::{Happening, Setup};
use crate::world::{Task, World, timestamp};

/// Between two rounds of the reconciler, in milliseconds.
const MINUTE: i64 = 60_000;

/// The gateway gives up after this, in milliseconds, and HubSpot never gets the answer.
const GATEWAY_LIMIT: i64 = 30_000;

/// A process may be killed so much after its time limit, in milliseconds (reliability.md §c.3).
const KILLED_WITHIN: i64 = 700;

/// A run with more steps has no end.
const STEPS: usize = 2_000_000;

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) wrong: Vec<String>,
    pub(crate) rare: Vec<Rare>,
    pub(crate) calls: usize,
    pub(crate) state: Option<State>,
    /// The calls of the whole run, by number.
    pub(crate) trace: Vec<String>,
    /// Each call's kind and the attempt that made it.
    pub(crate) made_calls: Vec<(Call, usize)>,
    /// The numbers of the calls that met a fault, and how many faults of the script never happened.
    pub(crate) met: Vec<usize>,
    pub(crate) unmet: usize,
    /// How often a plan was frozen.
    pub(crate) plans: usize,
    /// What deliveries were answered.
    pub(crate) answers: Vec<Answered>,
    /// How often the document was sent, and the payment.
    pub(crate) sends: (usize, usize),
}

/// An attempt under way.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Who is next.
enum Step {
    Poll(usize),
    Delivery,
    Round { forced: bool },
}

/// Runs an execution.
pub(crate) fn run(setup: Setup) -> Run {
    let (world, endless) = live(World::new(setup), |world, task| Box::pin(deliver(world, task)));
    let mut wrong = history::check(&world);
    if endless {
        wrong.push("H9: it never ends".into());
    }
    Run::of(world, wrong)
}

/// Lets a world live until nothing happens any more, with what a delivery is; the world, and whether it would never end.
pub(crate) fn live(
    world: World,
    delivery: impl for<'a> Fn(&'a Mutex<World>, usize) -> Running<'a>,
) -> (World, bool) {
    let world = Mutex::new(world);
    let mut running: Vec<Option<Running<'_>>> = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    let mut next_round = lock(&world).setup.first_round;
    let mut endless = true;
    for _ in 0..STEPS {
        let Some(step) = lock(&world).next_step(&mut next_round) else {
            endless = false;
            break;
        };
        let index = match step {
            Step::Poll(index) => index,
            Step::Delivery => {
                let task = lock(&world).begin_task(true, ACTION_LIMIT);
                running.push(Some(delivery(&world, task)));
                task
            }
            Step::Round { forced } => {
                let task = lock(&world).begin_task(false, ROUND_LIMIT);
                running.push(Some(Box::pin(round(&world, task, forced))));
                task
            }
        };
        let alive = lock(&world).tasks[index].alive;
        let ended = match &mut running[index] {
            Some(future) if alive => future.as_mut().poll(&mut context) != Poll::Pending,
            _ => true,
        };
        if ended || !lock(&world).tasks[index].alive {
            running[index] = None;
            lock(&world).tasks[index].alive = false;
        }
    }
    drop(running);
    (world.into_inner().unwrap_or_else(PoisonError::into_inner), endless)
}

impl Run {
    /// What a world that has come to its end tells.
    pub(crate) fn of(world: World, wrong: Vec<String>) -> Self {
        let sends = |what| world.history.posts.iter().filter(|(_, sent, _)| *sent == what).count();
        let frozen = world.history.writes.iter().filter(|wrote| wrote.doing == "freezing the plan").count();
        Self {
            wrong,
            calls: world.calls,
            state: world.record().map(|record| record.state),
            sends: (sends(Call::Document), sends(Call::Payment)),
            answers: world.history.answers,
            rare: world.rare,
            trace: world.trace,
            made_calls: world.made_calls,
            met: world.met,
            unmet: world.setup.faults.unmet(),
            plans: frozen,
        }
    }
}

pub(crate) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn deliver(world: &Mutex<World>, task: usize) {
    let sim = Sim::new(world, task);
    let reply = attempt::deliver(&sim).await;
    let mut world = lock(world);
    let now = world.now;
    let began = world.tasks[task].began;
    let answer = match reply {
        Reply::Stored(record) => Answered::Stored(record.answer.unwrap_or_default()),
        Reply::Wait => Answered::Wait,
        Reply::Again(_) => Answered::Again,
    };
    if now - began > GATEWAY_LIMIT {
        world.hit(Rare::AnsweredTooLate);
        world.deliver_again_later();
    } else {
        world.answered(task, answer);
    }
}

/// The reconciler's round, about this one execution. `forced`: the index lags and still shows it.
async fn round(world: &Mutex<World>, task: usize, forced: bool) {
    let sim = Sim::new(world, task);
    let now = sim.now();
    let due = sim.ask(Call::Due, |world| world.table(task).due(now)).await;
    let Ok(due) = due else { return };
    if due.is_empty() && !forced {
        return;
    }
    let Ok(Some(record)) = sim.ask(Call::Record, |world| world.stored(task)).await else { return };
    if sim.in_time() {
        // An error leaves it due.
        let _stays_due = attempt::resume(&sim, Box::new(record)).await;
    }
}

impl World {
    fn begin_task(&mut self, delivers: bool, limit: i64) -> usize {
        let task = self.tasks.len();
        let skew = self.skew();
        if skew != 0 {
            self.note(|| format!("{task}: its clock is off by {skew} ms"));
        }
        let ends = self.now + limit;
        self.tasks.push(Task {
            wakes: self.now,
            alive: true,
            delivers,
            ends,
            began: self.now,
            skew,
            holds: false,
            before_restore: false,
        });
        if delivers {
            self.retries.delivered(self.now);
        }
        self.note(|| format!("{task}: {} begins", if delivers { "delivery" } else { "round" }));
        task
    }

    /// Goes on in time to whatever is next; none when nothing will ever happen again.
    fn next_step(&mut self, next_round: &mut i64) -> Option<Step> {
        loop {
            let task = self.next_task();
            let landing = self.books.next_landing().unwrap_or(i64::MAX);
            let late = self.late.iter().map(|(at, ..)| *at).min().unwrap_or(i64::MAX);
            let agenda = self.setup.agenda.last().map_or(i64::MAX, |(at, _)| *at);
            let round = self.round_at(*next_round);
            let at = task.map_or(i64::MAX, |(at, _)| at).min(landing).min(late).min(agenda).min(round);
            if at == i64::MAX {
                return self.deliver_at_last();
            }
            self.now = self.now.max(at);
            if landing == at {
                self.land();
            } else if late == at {
                self.land_write();
            } else if agenda == at {
                match self.setup.agenda.pop().map(|(_, happening)| happening) {
                    Some(Happening::Delivery) => return Some(Step::Delivery),
                    Some(Happening::Redelivery) if self.redelivers() => return Some(Step::Delivery),
                    Some(Happening::Round) => return Some(Step::Round { forced: true }),
                    Some(other) => self.happen(other),
                    None => {}
                }
            } else if round == at {
                *next_round = round + MINUTE;
                return Some(Step::Round { forced: false });
            } else if let Some((_, index)) = task {
                if self.tasks[index].ends + KILLED_WITHIN <= self.now {
                    self.hit(Rare::Killed);
                    self.kill(index);
                }
                return Some(Step::Poll(index));
            }
        }
    }

    /// The attempt that wakes first, of several any; the moment at which it wakes or is killed.
    fn next_task(&mut self) -> Option<(i64, usize)> {
        let wakes = |task: &Task| task.wakes.min(task.ends + KILLED_WITHIN);
        let alive = || self.tasks.iter().enumerate().filter(|(_, task)| task.alive);
        let at = alive().map(|(_, task)| wakes(task)).min()?;
        let first: Vec<usize> =
            alive().filter(|(_, task)| wakes(task) == at).map(|(index, _)| index).collect();
        let index = if first.len() == 1 { first[0] } else { self.chance.pick(&first) };
        Some((at, index))
    }

    /// The first round from then on that finds something due.
    fn round_at(&self, next_round: i64) -> i64 {
        let Some(due) = self.register.next_at(&self.key) else { return i64::MAX };
        let due = i64::try_from(due.duration_since(timestamp(0)).as_millis()).unwrap_or(i64::MAX);
        let after = (due.max(self.now) - next_round).max(0);
        next_round + (after + MINUTE - 1) / MINUTE * MINUTE
    }

    fn land(&mut self) {
        self.note(|| "an earlier request takes effect".into());
        if let Some(sender) = self.books.land(self.now)
            && self.tasks.get(sender).is_some_and(|task| !task.alive)
        {
            self.hit(Rare::EffectAfterDeath);
        }
    }

    fn land_write(&mut self) {
        let due = self.late.iter().position(|(at, ..)| *at <= self.now);
        if let Some(index) = due {
            let (_, task, request) = self.late.swap_remove(index);
            self.note(|| format!("{task}: an earlier write lands"));
            self.store(task, &request);
        }
    }

    /// HubSpot delivers again what nobody took note of.
    fn deliver_at_last(&mut self) -> Option<Step> {
        if self.record().is_some() {
            return None;
        }
        self.setup.faults = Faults::none();
        Some(Step::Delivery)
    }
}
