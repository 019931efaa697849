//! QuickBooks, and the messages to it: what is sent, taken, answered, lost, and what lands when its sender is gone.

use crate::check::Check;
use crate::machine::Happened;
use store::record::State;

use crate::mutant::Mutant;
use crate::state::{Answer, Attempt, Doing, Post, Quiet, STRAYS, World};
use crate::step::Step;
use crate::world::{Semantics, Steps};

impl Steps {
    pub(crate) fn send(&mut self, world: &World, slot: usize, attempt: &Attempt) {
        self.then(world, slot, Happened::NoEffect, Step::NotSent);
        let Some(mut plan) = attempt.seen.plan else { return };
        let frozen = world.record.and_then(|record| record.plan).unwrap_or(plan);
        match self.mutant {
            Some(Mutant::DealReadAnew) => plan.deal = world.deal,
            Some(Mutant::CompanyChosenAnew) => plan.company = world.company,
            _ => {}
        }
        let others = world.attempts.iter().enumerate().filter(|(other, _)| *other != slot);
        let another = others.flat_map(|(_, other)| other).any(|other| matches!(other.doing, Doing::Await(_)));
        let foreign_quiet = world.record.is_some_and(|record| record.quiet == Quiet::Running);
        let broken = [
            (another || world.strays != [None; STRAYS], Check::AnotherSendAlive),
            (attempt.seen.told && attempt.seen.state == State::Sent, Check::SentAfterTold),
            (foreign_quiet && !attempt.quiet_is_its, Check::AnotherSendAlive),
            (!attempt.intends, Check::NoIntent),
            (plan != frozen, Check::NotTheFrozenBytes),
        ];
        let doing = Doing::Await(plan.company);
        let after = world.with(slot, Attempt { doing, intends: false, ..*attempt });
        let mut broken = broken.into_iter().filter_map(|(is, check)| is.then_some(check)).peekable();
        if broken.peek().is_none() {
            self.emit(&after, Step::Send, None);
        }
        for check in broken {
            self.emit(&after, Step::Send, Some(check));
        }
    }

    pub(crate) fn post(&self, attempt: &Attempt, company: u8) -> Post {
        let plan_version = attempt.seen.plan_version;
        let id = match self.mutant {
            Some(Mutant::LikePowertools | Mutant::FreshRequestId) => Post::FRESH,
            Some(Mutant::RequestIdKeptOverReplan) => 0,
            _ => plan_version,
        };
        Post { pays: attempt.pays(), company, id, plan_version }
    }

    pub(crate) fn wait(&mut self, world: &World, slot: usize, attempt: &Attempt, company: u8) {
        let post = self.post(attempt, company);
        let (mut landed, answer, broken) = self.land(world, post);
        landed.attempts[slot] = Some(Attempt { doing: Doing::Receive(answer), ..*attempt });
        self.emit(&landed, Step::Land, broken);
        let Some(world) = self.fault(world) else { return };
        let mut stray = world;
        stray.stray(post);
        self.then(&stray, slot, Happened::Unknown, Step::NoReply);
        self.then(&world, slot, Happened::NoEffect, Step::Throttled);
        // A token that expired: renewed, and the same request again, before its sender does anything else.
        self.emit(&world, Step::Unauthorized, None);
        if self.answered(&world, post).is_none() {
            let outdated = (!post.pays).then_some((Answer::Outdated, Step::Outdate));
            for (answer, step) in [Some((Answer::Refused, Step::Refuse)), outdated].into_iter().flatten() {
                let mut world = world;
                self.answer(&mut world, post, answer);
                world.attempts[slot] = Some(Attempt { doing: Doing::Receive(answer), ..*attempt });
                self.emit(&world, step, None);
            }
        }
    }

    pub(crate) fn receive(&mut self, world: &World, slot: usize, answer: Answer) {
        let happened = match answer {
            Answer::Made => Happened::Made,
            Answer::Refused => Happened::Refused,
            Answer::Outdated => Happened::Outdated,
        };
        self.then(world, slot, happened, Step::arrived(answer));
        if let Some(world) = self.fault(world) {
            self.then(&world, slot, Happened::Unknown, Step::ReplyLost);
        }
    }

    /// The first answer that QuickBooks remembers for the id.
    fn answered(&self, world: &World, post: Post) -> Option<Answer> {
        let remembers = self.semantics != Semantics::Ignored && post.id != Post::FRESH;
        remembers.then(|| world.answers[post.place()]).flatten()
    }

    fn answer(&self, world: &mut World, post: Post, answer: Answer) {
        let remembers = match self.semantics {
            Semantics::Honoured | Semantics::Blind => true,
            Semantics::Forgetful => answer == Answer::Made,
            Semantics::Ignored => false,
        };
        if remembers && post.id != Post::FRESH {
            world.answers[post.place()] = Some(answer);
        }
    }

    /// QuickBooks takes a POST.
    fn land(&self, world: &World, post: Post) -> (World, Answer, Option<Check>) {
        if let Some(answer) = self.answered(world, post) {
            let other = post.id != post.plan_version;
            return (*world, answer, other.then_some(Check::AnswerOfOtherBytes));
        }
        let mut world = *world;
        let twice = if post.pays { world.payment } else { world.document.is_some() };
        let elsewhere = world.record.is_some_and(|record| record.realm != post.company);
        match post.pays {
            true => world.payment = true,
            false => world.document = world.document.or(Some(post.company)),
        }
        self.answer(&mut world, post, Answer::Made);
        let broken = if twice { Some(Check::Duplicate) } else { elsewhere.then_some(Check::AnotherCompany) };
        (world, Answer::Made, broken)
    }

    pub(crate) fn strays(&mut self, world: &World) {
        for (place, stray) in world.strays.iter().enumerate() {
            let Some(post) = *stray else { continue };
            let mut gone = *world;
            gone.strays[place] = None;
            self.emit(&gone, Step::StrayVanishes, None);
            let (world, _, broken) = self.land(&gone, post);
            self.emit(&world, Step::StrayLands, broken);
        }
    }
}

impl Post {
    /// A request id that was never used before.
    const FRESH: u8 = 3;

    /// Where its answer is remembered.
    fn place(self) -> usize {
        let company = usize::from(self.company);
        if self.pays { 6 + company } else { company * 3 + usize::from(self.id) }
    }
}
