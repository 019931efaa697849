//! QuickBooks and HubSpot as the world sees them: what arrives there, and what they make of it.

use store::record::Plan;

use crate::books::{FIRST_ID, Flight, Made, Post, Said};
use crate::fault::{Call, Fault};
use crate::history::{Answered, EARLY};
use crate::rare::Rare;
use crate::setup::Restored;
use crate::world::{NOBODY, World};

/// A request that QuickBooks accepted takes effect within this time, or not at all, and is then shown (A3, A4).
pub(crate) const EFFECT_WITHIN: i64 = 120_000;

impl World {
    /// A request to create something leaves; what must be true of it is checked now.
    pub(crate) fn leaves(&mut self, fence: u64, post: &Post) {
        if post.token != post.realm {
            self.wrong("H11: a token of one company is used for another");
        }
        if self.tasks[post.task].before_restore {
            // It works on what it knows; that two do not meet is the books' to show.
            return;
        }
        if post.what == Call::Document && self.is_given_up_by_hubspot() {
            self.wrong("H12: sent after HubSpot had given up");
        }
        if post.what == Call::Mail {
            self.mail_leaves(post);
        } else {
            self.frozen_leaves(post);
        }
        let flies = |flight: &Flight| flight.post.what == post.what && flight.post.task != NOBODY;
        if self.books.flights.iter().any(flies) {
            self.wrong("H8: sent while an earlier send may still take effect");
        }
        if let Err(wrong) = self.history.posted(fence, post, self.now) {
            self.wrong(&wrong);
        }
    }

    fn mail_leaves(&mut self, post: &Post) {
        let is_it = |made: &Made| Some(made.id) == post.pays && made.post.realm == post.realm;
        if !self.books.made.iter().any(|made| made.post.what == Call::Document && is_it(made)) {
            self.wrong("H13: e-mailed what is not there");
        }
    }

    fn frozen_leaves(&mut self, post: &Post) {
        let frozen: Option<&Plan> = match post.what {
            Call::Payment => self.history.pay_plan.as_ref(),
            _ => self.history.plan.as_ref(),
        };
        let same = frozen.is_some_and(|plan| {
            plan.body == post.body
                && plan.request_id == post.request_id
                && plan.realm == self.realms[post.realm]
        });
        if !same {
            self.wrong("H2: what is sent is not what was frozen");
        }
    }

    /// A request to create something takes effect now.
    pub(crate) fn receive(&mut self, post: &Post) -> Said {
        let said = self.books.receive(post, self.now);
        self.note(|| format!("{}:   QuickBooks: {said:?}", post.task));
        said
    }

    /// A request to create something has left, and meets a fault.
    pub(crate) fn meets(&mut self, post: &Post, fault: Fault) {
        match fault {
            Fault::ReplyLost | Fault::ServerAfter | Fault::Unreadable | Fault::DiesAfterEffect => {
                self.receive(post);
            }
            Fault::Late | Fault::ServerLate | Fault::DiesBeforeEffect => self.accept(post.clone()),
            _ => {}
        }
    }

    /// A request to create something takes effect later, but within the time it may.
    fn accept(&mut self, post: Post) {
        let most = EFFECT_WITHIN - self.setup.lag;
        let at = self.now + if self.setup.rough { 1 + self.chance.span(most) } else { most };
        self.trouble_until(at);
        self.books.accept(post, at);
    }

    /// HubSpot gets an answer to a delivery.
    pub(crate) fn answered(&mut self, task: usize, answer: Answered) {
        self.note(|| format!("{task}: answers {answer:?}"));
        let before_restore = self.tasks[task].before_restore;
        // Promised on the old table: nobody knows of it any more.
        self.history.promise_forgotten |= before_restore && answer == Answered::Wait;
        if answer == Answered::Again {
            self.deliver_again_later();
        } else {
            self.retries.is_over = true;
        }
        if answer == Answered::Wait {
            if self.history.answers.contains(&answer) {
                self.hit(Rare::TwoBlocked);
            }
            // An execution that was called back about is over.
            if self.history.heard.is_none() && self.history.before.is_empty() {
                self.history.waits = true;
            }
        }
        match answer {
            Answered::Stored(answer) if before_restore => self.history.before.push(answer),
            answer => self.history.answers.push(answer),
        }
    }

    /// HubSpot is called back: whether it takes it, which it does only while it waits.
    pub(crate) fn hears(&mut self, answer: Option<String>) -> bool {
        let words = answer.clone().unwrap_or_else(|| EARLY.to_owned());
        if self.history.waits {
            if answer.is_none() {
                self.hit(Rare::EarlyReview);
            }
            self.note(|| format!("  HubSpot hears {words}"));
            self.history.waits = false;
            self.history.heard = Some(words);
            return true;
        }
        self.note(|| format!("  HubSpot refuses {words}"));
        let over = self.history.heard.is_some();
        self.hit(if over { Rare::CalledBackTwice } else { Rare::CallbackOvertook });
        false
    }

    /// What was sent before the restore, with the ids and the marker that it would get again.
    pub(crate) fn remember_only_in_the_books(&mut self, Restored { landing, paid }: Restored) {
        let document = Post {
            what: Call::Document,
            realm: 0,
            token: 0,
            request_id: "hqd-0".into(),
            body: "made before the restore".into(),
            pays: None,
            total: 100,
            task: NOBODY,
        };
        match landing {
            Some(at) => self.books.accept(document, at),
            None => {
                let payment = Post {
                    what: Call::Payment,
                    request_id: "hqp-0".into(),
                    pays: Some(FIRST_ID),
                    ..document.clone()
                };
                self.books.receive(&document, 0);
                if paid {
                    self.books.receive(&payment, 0);
                }
            }
        }
    }
}
