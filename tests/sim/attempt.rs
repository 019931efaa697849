//! One attempt in the simulated world, and the calls it makes: each is under way for some time, in which others go on, and
//! may meet a fault. To die is never to go on again.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll};

use app::attempt::{PATIENCE, SEND_NEEDS};
use app::failure::{Code, Failure, Trouble};
use jiff::SignedDuration;
use store::record::Record;

use crate::fault::{Call, Fault};
use crate::table::{Request, Stored};
use crate::world::{Portal, World};

/// Lambda's time limits, in milliseconds (`template.yaml`): an action's, and the reconciler's.
pub(crate) const ACTION_LIMIT: i64 = 60_000;
pub(crate) const ROUND_LIMIT: i64 = 300_000;

/// One attempt under way.
pub(crate) struct Sim<'a> {
    world: &'a Mutex<World>,
    pub(crate) task: usize,
    /// HubSpot asked for it, and waits.
    pub(crate) delivers: bool,
    /// The portal as this attempt read it when it began.
    pub(crate) portal: Portal,
    /// Safe mode, as its configuration says.
    pub(crate) safe_since: Option<i64>,
    /// When its process ends, as the platform says it.
    pub(crate) ends: i64,
    /// When it believes it ends, by its monotonic clock.
    pub(crate) lives_until: i64,
    pub(crate) begin_until: i64,
}

impl<'a> Sim<'a> {
    pub(crate) fn new(world: &'a Mutex<World>, task: usize) -> Self {
        let locked = world.lock().unwrap();
        let known = locked.tasks[task].clone();
        let left = (known.ends - (locked.now + known.skew)).max(0);
        let lives_until = locked.now + left;
        let patience = millis(SignedDuration::try_from(PATIENCE).unwrap());
        let begin_for = if known.delivers { patience } else { left - 2 * send_needs() };
        Self {
            world,
            task,
            delivers: known.delivers,
            portal: locked.portal.clone(),
            safe_since: locked.safe_since,
            ends: known.ends,
            lives_until,
            begin_until: locked.now + begin_for.max(0),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    async fn until(&self, at: i64) {
        Until { sim: self, at }.await;
    }

    pub(crate) async fn pause(&self, span: i64) {
        let at = self.lock().now + span;
        self.until(at).await;
    }

    pub(crate) async fn die<T>(&self) -> T {
        self.lock().kill(self.task);
        pending().await
    }

    /// A call leaves; what befalls it.
    pub(crate) async fn call(&self, call: Call) -> Option<Fault> {
        let (at, fault) = self.lock().begin(self.task, call);
        self.until(at).await;
        if fault == Some(Fault::DiesBefore) {
            return self.die().await;
        }
        fault
    }

    /// The reply is under way, after its effect.
    pub(crate) async fn reply<T>(&self, fault: Option<Fault>, reply: T) -> T {
        let under_way = self.lock().latency();
        self.pause(under_way).await;
        if fault == Some(Fault::DiesWithReply) { self.die().await } else { reply }
    }

    /// A call that only asks; the fault that kept it from an answer.
    pub(crate) async fn ask<T: Send>(
        &self,
        call: Call,
        answer: impl FnOnce(&mut World) -> T + Send,
    ) -> Result<T, Fault> {
        let fault = self.call(call).await;
        match fault {
            None | Some(Fault::Stall | Fault::DiesWithReply) => {
                let answer = answer(&mut self.lock());
                Ok(self.reply(fault, answer).await)
            }
            Some(fault) if fault.kills() => self.die().await,
            Some(other) => self.reply(None, Err(other)).await,
        }
    }

    /// A conditional write.
    pub(crate) async fn store(&self, call: Call, request: Request) -> Result<Stored, store::Error> {
        let fault = self.call(call).await;
        match fault {
            None | Some(Fault::Stall | Fault::DiesWithReply) => {
                let stored = self.lock().store(self.task, &request);
                Ok(self.reply(fault, stored).await)
            }
            Some(Fault::SentTwice) => {
                self.lock().store(self.task, &request);
                self.reply(None, ()).await;
                let stored = self.lock().store(self.task, &request);
                Ok(self.reply(None, stored).await)
            }
            Some(Fault::ReplyLost | Fault::DiesAfterEffect) => {
                self.lock().store(self.task, &request);
                self.unavailable(fault).await
            }
            Some(Fault::Late | Fault::DiesBeforeEffect) => {
                self.lock().land_later(self.task, request);
                self.unavailable(fault).await
            }
            _ => self.unavailable(fault).await,
        }
    }

    async fn unavailable<T>(&self, fault: Option<Fault>) -> Result<T, store::Error> {
        if fault.is_some_and(Fault::kills) {
            return self.die().await;
        }
        self.reply(None, ()).await;
        Err(store::Error::Unavailable { doing: "writing", cause: "a fault".into() })
    }

    /// The company's connection, as far as this attempt can see: none, and whether that is for good.
    pub(crate) async fn connection(&self, realm: usize) -> Result<usize, Option<Trouble>> {
        if !self.portal.linked[realm] {
            return Err(None);
        }
        self.ask(Call::Connection, |_| realm).await.map_err(|_| Some(Trouble::StoreDown))
    }

    /// Whether a token that was refused could be renewed.
    pub(crate) async fn renew(&self) -> Result<(), Option<Trouble>> {
        match self.ask(Call::Renew, |_| ()).await {
            Ok(()) => Ok(()),
            Err(Fault::Refused) => Err(None),
            Err(_) => Err(Some(Trouble::QuickBooksDown)),
        }
    }

    /// Asks QuickBooks, once more when the token was refused.
    pub(crate) async fn query<T: Send>(
        &self,
        call: Call,
        answer: impl Fn(&mut World) -> T + Send + Sync,
    ) -> Result<T, Option<Trouble>> {
        let mut asked = self.ask(call, &answer).await;
        if let Err(Fault::Unauthorized) = asked {
            self.renew().await?;
            asked = self.ask(call, &answer).await;
        }
        match asked {
            Ok(answer) => Ok(answer),
            Err(Fault::Unauthorized) => Err(None),
            Err(Fault::Throttled) => Err(Some(Trouble::QuickBooksThrottled)),
            Err(_) => Err(Some(Trouble::QuickBooksDown)),
        }
    }

    pub(crate) fn realm_of(&self, record: &Record) -> usize {
        let locked = self.lock();
        let known =
            record.realm.as_ref().and_then(|realm| locked.realms.iter().position(|known| known == realm));
        known.unwrap_or(self.portal.default_realm)
    }
}

pub(crate) fn millis(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap()
}

pub(crate) fn send_needs() -> i64 {
    i64::try_from(SEND_NEEDS.as_millis()).unwrap()
}

/// A failure that a person must mend; its words are of no account here.
pub(crate) fn failure(code: Code) -> Failure {
    Failure { code, message: String::new(), subject: String::new() }
}

/// Waits for a moment of the world's clock.
struct Until<'a> {
    sim: &'a Sim<'a>,
    at: i64,
}

impl Future for Until<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut world = self.sim.lock();
        if world.now >= self.at {
            return Poll::Ready(());
        }
        world.tasks[self.sim.task].wakes = self.at;
        Poll::Pending
    }
}
