//! Sending to the simulated QuickBooks, and what comes of it.

use app::failure::{Code, Trouble};
use app::protocol::{Made, Outcome};
use quickbooks::Error;
use quickbooks::error::Cause;
use serde_json::Value;
use store::record::Record;

use crate::attempt::{Sim, failure, send_needs};
use crate::books::{Post, Said};
use crate::effects::body_of;
use crate::fault::{Call, Fault};
use crate::mutant::Mutant;
use crate::rare::Rare;
use crate::world::World;

/// QuickBooks' client gives up after this, in milliseconds.
const CLIENT_LIMIT: i64 = 25_000;

/// What the company is called in sentences.
const COMPANY: &str = "the company";

impl Sim<'_> {
    /// Sends the frozen bytes. No outcome is a proof that nothing was sent.
    pub(crate) async fn send_to_books(
        &self,
        record: &Record,
        paying: bool,
    ) -> Result<Outcome, Option<Trouble>> {
        let (mut post, realm) = self.request(record, paying).ok_or(Some(Trouble::Internal))?;
        post.token = self.connection(realm).await?;
        self.in_time_to_send()?;
        let mut said = self.post_renewing(record, &post).await?;
        let at_once =
            self.lock().is(Mutant::ReplayAtOnceIgnored) || self.lock().is(Mutant::ReplayAtOnceHonoured);
        if at_once && said.is_err_and(is_unclear) {
            said = self.post(record, &post).await;
        }
        Ok(self.outcome(said, post.total))
    }

    /// Has what was made e-mailed. No outcome is a proof that it was not.
    pub(crate) async fn mail_from_books(&self, record: &Record) -> Result<Outcome, Option<Trouble>> {
        let mut post = self.mail_request(record).ok_or(Some(Trouble::Internal))?;
        post.token = self.connection(post.realm).await?;
        self.in_time_to_send()?;
        let said = self.post_renewing(record, &post).await?;
        match self.outcome(said, post.total) {
            Outcome::Unknown if self.lock().is(Mutant::UnclearMailSent) => {
                Ok(Outcome::Made(Made { id: String::new(), json: Value::Null }))
            }
            outcome => Ok(outcome),
        }
    }

    /// It has no request id: asked for twice, it is mailed twice.
    fn mail_request(&self, record: &Record) -> Option<Post> {
        let plan = record.plan.as_ref()?;
        let mut world = self.lock();
        let realm = world.realms.iter().position(|realm| *realm == plan.realm)?;
        let request_id = format!("none-{}", world.chance.number());
        let pays = Some(record.made_id.as_ref()?.parse().ok()?);
        let (what, body) = (Call::Mail, String::new());
        Some(Post { what, realm, token: realm, request_id, body, pays, total: 0, task: self.task })
    }

    fn was_turned_away(&self) {
        let mut world = self.lock();
        if !world.tasks[self.task].before_restore {
            world.history.was_turned_away();
        }
    }

    fn in_time_to_send(&self) -> Result<(), Option<Trouble>> {
        let in_time = self.lives_until - self.lock().now >= send_needs();
        if in_time { Ok(()) } else { Err(Some(Trouble::OutOfTime)) }
    }

    /// What is sent: the frozen plan.
    fn request(&self, record: &Record, paying: bool) -> Option<(Post, usize)> {
        let plan = if paying { record.pay_plan.as_ref() } else { record.plan.as_ref() }?;
        let mut world = self.lock();
        let mut realm = world.realms.iter().position(|realm| *realm == plan.realm)?;
        let (mut body, mut request_id) = (plan.body.clone(), plan.request_id.clone());
        let mut total = plan.notes.as_u64()?;
        if world.is(Mutant::PlanNotFrozen) && !paying {
            realm = world.portal.default_realm;
            (total, body) = body_of((world.portal.deal, world.portal.code));
        }
        if world.is(Mutant::FreshRequestId) {
            request_id = format!("fresh-{}", world.chance.number());
        }
        let what = if paying { Call::Payment } else { Call::Document };
        let pays = record.made_id.as_ref().filter(|_| paying).and_then(|id| id.parse().ok());
        Some((Post { what, realm, token: realm, request_id, body, pays, total, task: self.task }, realm))
    }

    /// One POST, and once more with new tokens where the old ones were refused: a 401 is a proof of no effect.
    async fn post_renewing(
        &self,
        record: &Record,
        post: &Post,
    ) -> Result<Result<u64, Fault>, Option<Trouble>> {
        let said = self.post(record, post).await;
        if said != Err(Fault::Unauthorized) {
            return Ok(said);
        }
        self.was_turned_away();
        self.renew().await?;
        self.in_time_to_send()?;
        let said = self.post(record, post).await;
        if said == Err(Fault::Unauthorized) {
            self.was_turned_away();
            return Err(None);
        }
        self.lock().hit(Rare::Renewed);
        Ok(said)
    }

    /// One POST.
    async fn post(&self, record: &Record, post: &Post) -> Result<u64, Fault> {
        let fault = self.call(post.what).await;
        let leaves = |world: &mut World| world.leaves(record.fence, post);
        match fault {
            None | Some(Fault::Stall | Fault::DiesWithReply) => {
                let said = {
                    let mut world = self.lock();
                    leaves(&mut world);
                    world.receive(post)
                };
                self.reply(
                    fault,
                    match said {
                        Said::Made(id) => Ok(id),
                        Said::InProgress => Err(Fault::ServerBefore),
                        Said::NameTaken => Err(Fault::NameTaken),
                    },
                )
                .await
            }
            Some(Fault::NotConnected) => self.reply(None, Err(Fault::NotConnected)).await,
            Some(fault) => {
                leaves(&mut self.lock());
                self.lock().meets(post, fault);
                if fault.kills() {
                    return self.die().await;
                }
                if matches!(fault, Fault::Unavailable | Fault::ReplyLost | Fault::Late) {
                    self.time_out().await;
                }
                self.reply(None, Err(fault)).await
            }
        }
    }

    /// The connection breaks, or nothing comes until the client gives up.
    async fn time_out(&self) {
        let span = {
            let mut world = self.lock();
            if world.setup.rough { world.chance.span(CLIENT_LIMIT) } else { CLIENT_LIMIT }
        };
        self.pause(span).await;
    }

    fn outcome(&self, said: Result<u64, Fault>, total: u64) -> Outcome {
        let unknown = |status| {
            let cause = Cause::Status(status);
            Outcome::of_error(&Error::Unknown(cause), COMPANY)
        };
        let world = self.lock();
        match said {
            Ok(id) => Outcome::Made(Made { id: id.to_string(), json: Value::from(total) }),
            Err(fault) if world.is(Mutant::ReplanUnclear) && is_unclear(fault) => {
                Outcome::Outdated(failure(Code::QuickBooksRefused))
            }
            Err(Fault::ServerBefore | Fault::ServerAfter | Fault::ServerLate) => match world.setup.mutant {
                Some(Mutant::ServerErrorNotDone) => Outcome::NoEffect(Trouble::QuickBooksDown),
                Some(Mutant::ServerErrorFailed) => Outcome::Refused(failure(Code::QuickBooksRefused)),
                _ => unknown(503),
            },
            Err(Fault::Throttled) => Outcome::of_error(&Error::Throttled, COMPANY),
            Err(Fault::NotConnected) => Outcome::NoEffect(Trouble::QuickBooksDown),
            Err(Fault::Refused) => Outcome::Refused(failure(Code::QuickBooksRefused)),
            Err(Fault::NameTaken) => Outcome::Refused(failure(Code::NameTaken)),
            Err(Fault::Outdated) => Outcome::Outdated(failure(Code::QuickBooksRefused)),
            Err(Fault::Forbidden) => Outcome::of_error(&Error::Forbidden(None), COMPANY),
            Err(Fault::Unreadable) => {
                let unreadable = Error::Unknown(Cause::Unreadable);
                Outcome::of_error(&unreadable, COMPANY)
            }
            Err(_) => {
                let timed_out = Error::Unknown(Cause::TimedOut);
                Outcome::of_error(&timed_out, COMPANY)
            }
        }
    }
}

/// Whether nobody can say if this had an effect.
fn is_unclear(fault: Fault) -> bool {
    use Fault::{Forbidden, Late, ReplyLost, ServerAfter, ServerBefore, ServerLate, Unavailable, Unreadable};
    matches!(
        fault,
        Forbidden | Late | ReplyLost | ServerAfter | ServerBefore | ServerLate | Unavailable | Unreadable
    )
}
