//! What a run has done, and whether it was right: H1 to H9 and H11 of reliability.md §e.4 (H5, one customer or item per identity,
//! is [`crate::orders`]'; H10, tokens, is not this machine's), that nobody waits for a callback that never comes, and, as H13,
//! that a document is e-mailed once at most, and that the answer says so only if it was.

use jiff::Timestamp;
use store::record::{Nonce, Plan, Record, State};

use crate::books::{Made, Post};
use crate::fault::Call;
use crate::world::World;

/// After the last fault everything ends within so many rounds beside those of the quiet period (H9).
const ROUNDS: u32 = 3;

/// How a preview ends.
const ANSWERING: &str = "answering without making anything";

/// A write that took place.
#[derive(Clone, Debug)]
pub(crate) struct Wrote {
    pub(crate) task: usize,
    /// When, by the writer's clock.
    pub(crate) by_clock: Timestamp,
    /// The fence it carried.
    pub(crate) fence: u64,
    pub(crate) doing: &'static str,
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) fence_before: u64,
    pub(crate) quiet_before: Option<Timestamp>,
}

/// What HubSpot is called back with while the record has no answer.
pub(crate) const EARLY: &str = "NEEDS_REVIEW";

/// What HubSpot was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// This.
    Stored(String),
    /// Wait: we call back.
    Wait,
    /// Deliver again.
    Again,
}

/// All of a run that the checks need.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) wrong: Vec<String>,
    pub(crate) writes: Vec<Wrote>,
    /// The plan frozen last.
    pub(crate) plan: Option<Plan>,
    pub(crate) pay_plan: Option<Plan>,
    pub(crate) last_write: Option<Nonce>,
    /// Sends: when, what, and by which intent (its index in `writes`).
    pub(crate) posts: Vec<(i64, Call, usize)>,
    /// How many sends of an attempt were turned away with 401, which earns another.
    pub(crate) turned_away: Vec<usize>,
    pub(crate) answers: Vec<Answered>,
    /// HubSpot waits for a callback.
    pub(crate) waits: bool,
    /// The callback that HubSpot took.
    pub(crate) heard: Option<String>,
    /// The callback was promised by a clock that is behind for minutes.
    pub(crate) promised_by_a_late_clock: bool,
    /// The debt was settled after HubSpot's time was over.
    pub(crate) given_up: bool,
    /// The customers or items that deals got.
    pub(crate) orders: Vec<String>,
    pub(crate) calm_rounds: u32,
    /// A person removed a marker, or the outage was too long for a machine.
    pub(crate) person_meddled: bool,
    /// The table was restored.
    pub(crate) restored: bool,
    /// The execution only shows what it would make.
    pub(crate) previews: bool,
    /// The execution retries the payment of a document that exists.
    pub(crate) retries_payment: bool,
    /// What HubSpot was told before that.
    pub(crate) before: Vec<String>,
    /// A promise was made and is not in the restored table.
    pub(crate) promise_forgotten: bool,
    /// A look within a quiet period has found nothing.
    pub(crate) not_seen: bool,
    /// The fence in force.
    pub(crate) fence: u64,
}

impl History {
    pub(crate) fn claimed(&mut self, fence: u64) {
        if fence <= self.fence {
            self.wrong.push("H6: a claim did not raise the fence".into());
        }
        self.fence = fence;
    }

    /// H6: each change is a step of the reference machine, under the fence in force. H8: an intent follows another one only
    /// after its quiet period.
    pub(crate) fn wrote(&mut self, wrote: Wrote) -> Result<(), String> {
        let Wrote { doing, from, to, fence, fence_before, .. } = wrote;
        let settles = matches!(doing, "telling HubSpot early" | "settling the callback");
        let intends = doing.starts_with("writing the");
        let quiet = wrote.quiet_before.is_none_or(|quiet| quiet < wrote.by_clock);
        self.writes.push(wrote);
        if !settles && fence != fence_before {
            return Err(format!("H6: {doing} under fence {fence}, in force is {fence_before}"));
        }
        let alone = self.retries_payment && is_step_of_a_payment(doing, from, to);
        let shown = self.previews && (doing, from, to) == (ANSWERING, State::Claimed, State::Completed);
        let step = shown
            || alone
            || is_step(doing, from, to)
            || self.restored && is_step_after_a_restore(doing, from, to);
        if !step {
            return Err(format!("H6: {doing} led from {} to {}", from.as_str(), to.as_str()));
        }
        if intends && !quiet {
            return Err(format!("H8: {doing} within a quiet period"));
        }
        Ok(())
    }

    /// H7: there is a stored intent of this attempt for this send, and no send yet that used it.
    pub(crate) fn posted(&mut self, fence: u64, post: &Post, at: i64) -> Result<(), String> {
        let intent = match post.what {
            Call::Payment => "writing the payment's intent",
            Call::Mail => "marking the mail as tried",
            _ => "writing the intent",
        };
        let ours = |wrote: &Wrote| wrote.task == post.task && wrote.fence == fence && wrote.doing == intent;
        let Some(index) = self.writes.iter().rposition(ours) else {
            return Err("H7: sent without a stored intent".into());
        };
        let used = self.posts.iter().filter(|(_, what, by)| *what == post.what && *by == index).count();
        let away = self.turned_away.iter().filter(|by| **by == index).count();
        self.posts.push((at, post.what, index));
        if used > away { Err("H7: two sends by one intent".into()) } else { Ok(()) }
    }

    /// The last send was turned away with 401.
    pub(crate) fn was_turned_away(&mut self) {
        let by = self.posts.last().map(|(_, _, by)| *by);
        self.turned_away.extend(by);
    }
}

/// The reference machine.
fn is_step(doing: &str, from: State, to: State) -> bool {
    use State::{Claimed, Completed, DocDone, Failed, NeedsReview, PaySent, Planned, Sent};
    match doing {
        "freezing the plan" => (from, to) == (Claimed, Planned),
        "writing the intent" => matches!((from, to), (Planned | Sent, Sent)),
        "taking the intent back" => (from, to) == (Sent, Planned),
        "throwing the plan away" => (from, to) == (Sent, Claimed),
        "recording the document" => (from, to) == (Sent, DocDone),
        "writing the payment's intent" => matches!((from, to), (DocDone | PaySent, PaySent)),
        "taking the payment's intent back" | "recording that the payment was refused" => {
            (from, to) == (PaySent, DocDone)
        }
        "recording the payment" => (from, to) == (PaySent, PaySent),
        "marking the mail as tried" | "taking the mail's mark back" | "recording what became of the mail" => {
            from == to && matches!(from, DocDone | PaySent)
        }
        "completing the record" => matches!((from, to), (DocDone | PaySent, Completed)),
        "failing the record" => matches!((from, to), (Claimed | Planned | Sent, Failed)),
        "putting the record up for review" => {
            matches!((from, to), (Sent | DocDone | PaySent, NeedsReview))
        }
        "releasing the record" => from == to && !from.is_terminal(),
        "telling HubSpot early" | "settling the callback" => from == to,
        _ => false,
    }
}

/// What else the reference machine does when what was sent is forgotten (rulings.md 17).
fn is_step_after_a_restore(doing: &str, from: State, to: State) -> bool {
    use State::{Claimed, DocDone, NeedsReview, PaySent, Planned};
    match doing {
        "recording the document" => (from, to) == (Planned, DocDone),
        "recording the payment" => (from, to) == (DocDone, PaySent),
        "putting the record up for review" => matches!((from, to), (Claimed | Planned, NeedsReview)),
        _ => false,
    }
}

/// What else it does when it retries a payment alone: plan it, or fail before it has.
fn is_step_of_a_payment(doing: &str, from: State, to: State) -> bool {
    match doing {
        "planning the payment alone" => (from, to) == (State::DocDone, State::DocDone),
        "failing the record" => (from, to) == (State::DocDone, State::Failed),
        _ => false,
    }
}

/// What is wrong with a run that has come to its end.
pub(crate) fn check(world: &World) -> Vec<String> {
    let mut wrong = world.history.wrong.clone();
    let Some(record) = world.record() else {
        wrong.push("H9: there is no record".into());
        return wrong;
    };
    wrong.extend(check_end(world, record));
    wrong.extend(check_effects(world, record));
    wrong.extend(check_answers(world, record));
    wrong
}

/// H9, and the review of only what a machine cannot know.
fn check_end(world: &World, record: &Record) -> Vec<String> {
    let mut wrong = Vec::new();
    let history = &world.history;
    if !record.state.is_terminal() {
        wrong.push(format!("H9: it stays {}", record.state.as_str()));
    }
    let expires = world.register.ttl(&world.key).is_some();
    if expires != matches!(record.state, State::Completed | State::Failed) {
        wrong.push("H6: only what is completed or failed expires".into());
    }
    if record.callback_due.is_some() {
        wrong.push("H9: the callback stays owed".into());
    }
    if history.calm_rounds > ROUNDS {
        wrong.push(format!("H9: it took {} rounds after the last fault", history.calm_rounds));
    }
    if record.state == State::NeedsReview && !history.person_meddled {
        wrong.push("H9: a person must look, and a machine could have known".into());
    }
    wrong
}

/// H1, H2 and H4: at most one document and one payment, in the right company, as the record's end says.
fn check_effects(world: &World, record: &Record) -> Vec<String> {
    let mut wrong = Vec::new();
    let made = |what: Call| world.books.made.iter().filter(move |made| made.post.what == what);
    let documents: Vec<&Made> = made(Call::Document).collect();
    let payments: Vec<&Made> = made(Call::Payment).collect();
    if documents.len() > 1 {
        wrong.push(format!("H1: {} documents", documents.len()));
    }
    if payments.len() > 1 {
        wrong.push(format!("H4: {} payments", payments.len()));
    }
    let History { retries_payment, previews, .. } = world.history;
    if previews && !world.history.posts.is_empty() {
        wrong.push("H1: a preview has sent something".into());
    }
    let mails = made(Call::Mail).count();
    if mails > 1 {
        wrong.push(format!("H13: {mails} mails"));
    }
    match record.state {
        State::Completed if previews => {}
        State::Completed if documents.len() != 1 => wrong.push("H1: completed without a document".into()),
        State::Failed if retries_payment && !payments.is_empty() => {
            wrong.push("H4: failed, and there is a payment".into());
        }
        State::Failed if !retries_payment && !documents.is_empty() => {
            wrong.push("H1: failed, and there is a document".into());
        }
        _ => {}
    }
    for document in &documents {
        if Some(&world.realms[document.post.realm]) != record.realm.as_ref() {
            wrong.push("H2: the document is in another company".into());
        }
    }
    for payment in payments {
        let pays = documents.iter().find(|document| Some(document.id) == payment.post.pays);
        if pays.is_none_or(|document| document.post.total != payment.post.total) {
            wrong.push("H4: the payment is not the document's".into());
        }
    }
    wrong
}

/// H3: one answer for all, true of the books; and a callback for everyone who was told to wait.
fn check_answers(world: &World, record: &Record) -> Vec<String> {
    let mut wrong = Vec::new();
    let history = &world.history;
    let answer = record.answer.as_deref().unwrap_or_default();
    for answered in &history.answers {
        if let Answered::Stored(other) = answered
            && other != answer
        {
            wrong.push(format!("H3: answered {other}, the record keeps {answer}"));
        }
    }
    // A restored table may have forgotten what became of the mail.
    let heard_so = |heard: &str| match history.restored {
        true => without_mail(heard) == without_mail(answer),
        false => heard == answer,
    };
    if let Some(heard) = history.heard.as_ref().filter(|heard| *heard != EARLY && !heard_so(heard)) {
        wrong.push(format!("H3: called back with {heard}, the record keeps {answer}"));
    }
    let known = !history.promised_by_a_late_clock && !history.promise_forgotten;
    if history.waits && !history.given_up && known {
        wrong.push("HubSpot waits for a callback that never comes".into());
    }
    for told in
        history.before.iter().filter(|told| record.state != State::NeedsReview && !is_outdone(told, answer))
    {
        wrong.push(format!("H3: told {told} before the restore, the record keeps {answer}"));
    }
    let (of_books, mail) = answer.split_once(MAIL).unwrap_or((answer, ""));
    if record.state == State::Completed && !history.previews && of_books != expected(world) {
        wrong.push(format!("H3: the answer {answer} is not what is in the books"));
    }
    let is_mailed = world.books.made.iter().any(|made| made.post.what == Call::Mail);
    let is_true = match mail {
        "sent" => is_mailed,
        "unclear" => true,
        _ => !is_mailed,
    };
    if record.state == State::Completed && !is_true {
        wrong.push(format!("H13: answered {answer}, and mailed is {is_mailed}"));
    }
    wrong
}

/// Whether an answer agrees with one that was given before a restore. That a document or a payment was refused is forgotten,
/// and it may be made after all.
fn is_outdone(told: &str, answer: &str) -> bool {
    let (told, answer) = (without_mail(told), without_mail(answer));
    let refused = told.strip_suffix(" 0").map(|document| format!("{document} "));
    !told.starts_with("SUCCESS")
        || told == answer
        || refused.is_some_and(|document| answer.starts_with(&document))
}

/// The answer that is true of the books.
fn expected(world: &World) -> String {
    let id = |what: Call| {
        let made = world.books.made.iter().find(|made| made.post.what == what);
        made.map_or(0, |made| made.id)
    };
    answer_of(id(Call::Document), id(Call::Payment))
}

/// An answer as far as it is of what is in the books.
fn without_mail(answer: &str) -> &str {
    answer.split(MAIL).next().unwrap_or_default()
}

/// What stands before the word for what became of the mail.
pub(crate) const MAIL: &str = ", mail ";

/// The answer about a document and its payment; 0 for none.
pub(crate) fn answer_of(document: u64, payment: u64) -> String {
    format!("SUCCESS {document} {payment}")
}
