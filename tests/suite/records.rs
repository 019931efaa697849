//! Every conditional write of a record: each allowed transition, each refused one, and our own write whose reply was lost.
//! Whoever includes this says on what it runs: `Backing`, with the methods of [`store::Store`] behind its field `store`.

use jiff::{SignedDuration, Timestamp};
use mapping::hubspot::PortalId;
use mapping::quickbooks::{DocumentKind, RealmId};
use serde_json::json;
use store::record::{Claim, Claimed, Key, Mail, Nonce, Owed, Plan, Record, State, Transition, Written};
use store::retry::Retried;

use super::Backing;

/// A moment after the beginning of every test.
const NOON: &str = "2026-03-02T12:00:00Z";

const REALM: &str = "9341450000000001";

struct Table {
    backing: Backing,
    key: Key,
    now: Timestamp,
}

impl Table {
    async fn new() -> Self {
        Self::for_key(Key::execution(PortalId(1), "ap-1-2-3-0")).await
    }

    async fn for_key(key: Key) -> Self {
        let backing = Backing::start().await;
        Self { backing, key, now: "2026-03-02T09:15:30Z".parse().unwrap() }
    }

    fn claim(&self) -> Claim {
        Claim {
            action: Some(DocumentKind::Invoice),
            realm: Some(realm(REALM)),
            input_hash: Some("hash".into()),
            subject: Some("DEAL 1".into()),
            request: Some("{}".into()),
            ..Claim::new(self.key.clone(), self.now, self.now + SignedDuration::from_secs(65))
        }
    }

    async fn claimed(&self) -> Record {
        match self.backing.store.claim(&self.claim()).await.unwrap() {
            Claimed::Ours(record) => *record,
            other => panic!("not ours: {other:?}"),
        }
    }

    async fn write(&self, record: &Record, transition: Transition) -> Written {
        self.backing.store.write(record, &transition, &Nonce::new(), self.now).await.unwrap()
    }

    async fn done(&self, record: &Record, transition: Transition) -> Record {
        match self.write(record, transition.clone()).await {
            Written::Done(record) => *record,
            Written::Refused => panic!("refused: {transition:?}"),
        }
    }

    async fn retry(&self, key: &Key) -> Retried {
        self.backing.store.retry(key, "42", self.now).await.unwrap()
    }

    /// A record brought to a state by the writes that lead there.
    async fn in_state(&self, state: State) -> Record {
        let mut record = self.claimed().await;
        let path: &[Transition] = match state {
            State::Claimed => &[],
            State::Planned => &[freeze()],
            State::Sent => &[freeze(), self.intent()],
            State::DocDone => &[freeze(), self.intent(), recorded()],
            State::Completed => &[freeze(), self.intent(), recorded(), completed()],
            State::Failed => &[failed()],
            State::NeedsReview => &[freeze(), self.intent(), review()],
            State::PaySent => &[freeze(), self.intent(), recorded_to_be_paid(), self.pay_intent()],
            State::Closed => unreachable!("no write leads there yet"),
        };
        for transition in path {
            record = self.done(&record, transition.clone()).await;
        }
        assert_eq!(record.state, state);
        record
    }

    fn intent(&self) -> Transition {
        Transition::Intent { quiet_until: self.now + SignedDuration::from_mins(4) }
    }

    fn pay_intent(&self) -> Transition {
        Transition::PayIntent { quiet_until: self.now + SignedDuration::from_mins(4) }
    }

    async fn stored(&self) -> Record {
        self.backing.store.record(&self.key).await.unwrap().expect("a record")
    }
}

fn realm(id: &str) -> RealmId {
    RealmId::try_from(id.to_owned()).unwrap()
}

fn plan(realm_id: &str) -> Plan {
    let (request_id, body) = ("hqd0".into(), r#"{"Line":[]}"#.into());
    Plan { realm: realm(realm_id), request_id, body, notes: json!({"customer": "58"}), emailed: false }
}

fn freeze() -> Transition {
    Transition::Freeze(plan(REALM))
}

fn unsend() -> Transition {
    Transition::Unsend { trouble: "QUICKBOOKS_THROTTLED".into() }
}

fn replan() -> Transition {
    Transition::Replan { trouble: "QUICKBOOKS_REFUSED".into() }
}

fn recorded() -> Transition {
    Transition::Record { id: "412".into(), made: json!({"Id": "412"}), pay_plan: None }
}

fn recorded_to_be_paid() -> Transition {
    Transition::Record { id: "412".into(), made: json!({"Id": "412"}), pay_plan: Some(plan(REALM)) }
}

fn paid() -> Transition {
    Transition::PayRecord { id: "413".into() }
}

fn pay_unsend() -> Transition {
    Transition::PayUnsend { trouble: "QUICKBOOKS_THROTTLED".into() }
}

fn pay_refuse() -> Transition {
    Transition::PayRefuse { trouble: "PERIOD_CLOSED".into(), why: "The books are closed.".into() }
}

fn mail_unsend() -> Transition {
    Transition::MailUnsend { trouble: "QUICKBOOKS_THROTTLED".into() }
}

fn mailed() -> Transition {
    Transition::MailRecord { mail: Mail::Sent }
}

fn completed() -> Transition {
    Transition::Complete { answer: r#"{"outputFields":{}}"#.into() }
}

fn existing() -> Transition {
    Transition::Answer { answer: r#"{"outputFields":{}}"#.into(), outcome: "existing", preview: None }
}

fn previewed() -> Transition {
    let answer = r#"{"outputFields":{}}"#.into();
    Transition::Answer { answer, outcome: "preview", preview: Some(plan(REALM)) }
}

fn payment_planned() -> Transition {
    Transition::PlanPayment { plan: plan(REALM), made: json!({"Id": "412"}), pay_plan: Some(plan(REALM)) }
}

fn failed() -> Transition {
    Transition::Fail { answer: "{}".into(), trouble: "NO_CONTACT".into() }
}

fn review() -> Transition {
    Transition::Review { answer: "{}".into(), trouble: "NEEDS_REVIEW".into() }
}

fn release() -> Transition {
    release_until(NOON)
}

fn release_until(next_at: &str) -> Transition {
    Transition::Release {
        trouble: "HUBSPOT_DOWN".into(),
        own_mistake: false,
        next_at: next_at.parse().unwrap(),
    }
}

fn forget() -> Transition {
    Transition::Forget { gone: "412".into() }
}

#[tokio::test]
async fn each_transition_is_allowed_from_its_states_and_refused_from_all_others() {
    use State::{Claimed, Completed, DocDone, Failed, NeedsReview, PaySent, Planned, Sent};
    let now: Timestamp = "2026-03-02T09:15:30Z".parse().unwrap();
    let quiet_until = now + SignedDuration::from_mins(4);
    let rules: [(Transition, &[State], State); 19] = [
        (freeze(), &[Claimed], Planned),
        // Within the quiet period of an earlier send there is no second one.
        (Transition::Intent { quiet_until }, &[Planned], Sent),
        (unsend(), &[Sent], Planned),
        (replan(), &[Sent], Claimed),
        (recorded(), &[Sent], DocDone),
        (completed(), &[DocDone], Completed),
        (existing(), &[Claimed], Completed),
        (previewed(), &[Claimed], Completed),
        (failed(), &[Claimed, Planned, Sent], Failed),
        // Its document has a plan already: the payment is not planned alone.
        (payment_planned(), &[], DocDone),
        (review(), &[Sent, DocDone, PaySent], NeedsReview),
        // Nothing is to be paid in this DOC_DONE.
        (Transition::PayIntent { quiet_until }, &[], PaySent),
        (pay_unsend(), &[PaySent], DocDone),
        (paid(), &[PaySent], PaySent),
        (pay_refuse(), &[PaySent], DocDone),
        (forget(), &[DocDone], Claimed),
        // In this PAY_SENT the payment is unknown.
        (Transition::MailIntent, &[DocDone], DocDone),
        // No mail was tried.
        (mail_unsend(), &[], DocDone),
        (mailed(), &[], DocDone),
    ];
    for from in [Claimed, Planned, Sent, DocDone, PaySent, Completed, Failed, NeedsReview] {
        for (transition, allowed, to) in &rules {
            let table = Table::new().await;
            let record = table.in_state(from).await;
            let written = table.write(&record, transition.clone()).await;
            let case = format!("{} from {}", transition.doing(), from.as_str());
            match written {
                Written::Done(record) => {
                    assert!(allowed.contains(&from), "{case} was allowed");
                    assert_eq!(record.state, *to, "{case}");
                }
                Written::Refused => {
                    assert!(!allowed.contains(&from), "{case} was refused");
                    assert_eq!(table.stored().await, record, "{case} changed the record");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_older_holder_is_refused_every_write() {
    for from in [State::Claimed, State::Planned, State::Sent, State::DocDone, State::PaySent] {
        let document = [freeze(), unsend(), replan(), recorded(), completed(), failed(), review(), release()];
        let others = [pay_unsend(), paid(), pay_refuse(), Transition::MailIntent, mail_unsend(), mailed()];
        for transition in document.into_iter().chain(others) {
            let mut table = Table::new().await;
            let older = table.in_state(from).await;
            table.now += SignedDuration::from_secs(66);
            let newer = table.claimed().await;
            assert_eq!((newer.state, newer.fence), (from, older.fence + 1));
            let written = table.write(&older, transition.clone()).await;
            assert!(matches!(written, Written::Refused), "{} in {}", transition.doing(), from.as_str());
            for intent in [table.intent(), table.pay_intent()] {
                let written = table.write(&older, intent).await;
                assert!(matches!(written, Written::Refused), "an intent in {}", from.as_str());
            }
            assert_eq!(table.stored().await, newer);
        }
    }
}

#[tokio::test]
async fn a_held_record_is_running_until_its_lease_ends_or_it_is_released() {
    let mut table = Table::new().await;
    let first = table.claimed().await;
    assert!(matches!(table.backing.store.claim(&table.claim()).await.unwrap(), Claimed::Running));
    table.done(&first, release()).await;
    let second = table.claimed().await;
    assert_eq!((second.fence, second.deliveries), (2, 2));
    table.now += SignedDuration::from_secs(66);
    assert_eq!(table.claimed().await.fence, 3);
}

#[tokio::test]
async fn a_release_changes_no_state_and_does_nothing_to_what_is_done() {
    for state in [State::Claimed, State::Planned, State::Sent, State::DocDone, State::PaySent] {
        let table = Table::new().await;
        let held = table.in_state(state).await;
        let released = table.done(&held, release()).await;
        assert_eq!(
            (released.state, released.plan, released.quiet_until),
            (state, held.plan, held.quiet_until)
        );
        assert_eq!(table.claimed().await.fence, held.fence + 1, "{}", state.as_str());
    }
    for state in [State::Completed, State::Failed, State::NeedsReview] {
        let table = Table::new().await;
        let done = table.in_state(state).await;
        assert!(matches!(table.write(&done, release()).await, Written::Refused), "{}", state.as_str());
        assert_eq!(table.stored().await, done);
    }
}

#[tokio::test]
async fn a_payment_is_sent_again_only_after_the_quiet_period() {
    let mut table = Table::new().await;
    let sent = table.in_state(State::PaySent).await;
    table.now = sent.quiet_until.unwrap();
    assert!(matches!(table.write(&sent, table.pay_intent()).await, Written::Refused));
    table.now += SignedDuration::from_millis(1);
    let again = table.done(&sent, table.pay_intent()).await;
    assert_eq!(
        (again.state, again.pay_plan),
        (State::PaySent, sent.pay_plan),
        "the same bytes under the same request id"
    );
}

#[tokio::test]
async fn of_many_claims_at_once_one_wins() {
    let table = Table::new().await;
    let claims: Vec<Claim> = (0..32).map(|_| table.claim()).collect();
    let outcomes =
        futures::future::join_all(claims.iter().map(|claim| table.backing.store.claim(claim))).await;
    let won = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Claimed::Ours(_)))).count();
    let lost = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Claimed::Running))).count();
    assert_eq!((won, lost), (1, 31));
}

#[tokio::test]
async fn a_terminal_record_answers_with_what_it_keeps_and_loses_its_plan() {
    for state in [State::Completed, State::Failed, State::NeedsReview] {
        let mut table = Table::new().await;
        table.in_state(state).await;
        table.now += SignedDuration::from_hours(24 * 3);
        let Claimed::Done(record) = table.backing.store.claim(&table.claim()).await.unwrap() else {
            panic!("{} was claimed", state.as_str());
        };
        assert!(record.answer.is_some());
        assert_eq!(record.plan.is_some(), state == State::NeedsReview, "{}", state.as_str());
        assert_eq!(record.made, None, "{}", state.as_str());
    }
}

#[tokio::test]
async fn only_terminal_records_expire_and_those_after_400_days() {
    for state in [State::Claimed, State::Planned, State::Sent, State::DocDone, State::NeedsReview] {
        let table = Table::new().await;
        table.in_state(state).await;
        assert_eq!(table.backing.attribute(&table.key, "ttl").await, None, "{}", state.as_str());
    }
    for state in [State::Completed, State::Failed] {
        let table = Table::new().await;
        table.in_state(state).await;
        let ttl = (table.now + SignedDuration::from_hours(400 * 24)).as_second().to_string();
        assert_eq!(table.backing.attribute(&table.key, "ttl").await, Some(ttl), "{}", state.as_str());
        assert_eq!(table.backing.attribute(&table.key, "next_at").await, None, "{}", state.as_str());
    }
}

#[tokio::test]
async fn what_would_be_sent_is_kept_with_a_preview_for_30_days() {
    let table = Table::new().await;
    let claimed = table.claimed().await;
    let done = table.done(&claimed, previewed()).await;
    assert_eq!((done.preview, done.plan, done.sends), (Some(plan(REALM)), None, 0));
    let ttl = (table.now + SignedDuration::from_hours(30 * 24)).as_second().to_string();
    assert_eq!(table.backing.attribute(&table.key, "ttl").await, Some(ttl));
}

#[tokio::test]
async fn the_company_of_the_first_claim_is_kept_and_no_other_can_be_planned_for() {
    let mut table = Table::new().await;
    let first = table.claimed().await;
    table.now += SignedDuration::from_secs(66);
    let other = Claim { realm: Some(realm("42")), action: Some(DocumentKind::Estimate), ..table.claim() };
    let Claimed::Ours(second) = table.backing.store.claim(&other).await.unwrap() else { panic!("not ours") };
    assert_eq!(
        (&second.realm, second.action, &second.input_hash),
        (&first.realm, first.action, &first.input_hash)
    );
    let written = table.write(&second, Transition::Freeze(plan("42"))).await;
    assert!(matches!(written, Written::Refused));
}

#[tokio::test]
async fn a_send_is_repeated_only_after_the_quiet_period() {
    let mut table = Table::new().await;
    let sent = table.in_state(State::Sent).await;
    table.now = sent.quiet_until.unwrap();
    assert!(matches!(table.write(&sent, table.intent()).await, Written::Refused));
    table.now += SignedDuration::from_millis(1);
    let again = table.done(&sent, table.intent()).await;
    assert_eq!((again.sends, again.first_sent_at), (2, sent.first_sent_at));
    assert_eq!(again.plan, sent.plan, "the same bytes under the same request id");
}

#[tokio::test]
async fn a_document_is_complete_only_when_its_payment_is_made_or_refused() {
    let table = Table::new().await;
    let sent = table.in_state(State::PaySent).await;
    assert!(matches!(table.write(&sent, completed()).await, Written::Refused), "the payment is unknown");
    let due = table.done(&sent, pay_unsend()).await;
    assert!(
        matches!(table.write(&due, completed()).await, Written::Refused),
        "the payment is still to be sent"
    );
    let sent = table.done(&due, table.pay_intent()).await;
    assert!(
        matches!(table.write(&sent, table.pay_intent()).await, Written::Refused),
        "within the quiet period"
    );
    let made = table.done(&sent, paid()).await;
    assert_eq!((made.state, made.pay_id.as_deref()), (State::PaySent, Some("413")));
    for again in [paid(), table.pay_intent(), pay_unsend(), pay_refuse()] {
        assert!(matches!(table.write(&made, again.clone()).await, Written::Refused), "{}", again.doing());
    }
    assert_eq!(table.done(&made, completed()).await.state, State::Completed);

    let table = Table::new().await;
    let sent = table.in_state(State::PaySent).await;
    let refused = table.done(&sent, pay_refuse()).await;
    assert_eq!(
        (refused.state, refused.pay_refused.as_deref()),
        (State::DocDone, Some("The books are closed."))
    );
    assert_eq!(refused.trouble.as_deref(), Some("PERIOD_CLOSED"));
    assert!(
        matches!(table.write(&refused, table.pay_intent()).await, Written::Refused),
        "it is not sent again"
    );
    assert_eq!(table.done(&refused, completed()).await.state, State::Completed);
}

#[tokio::test]
async fn a_mail_is_tried_once_and_again_only_when_it_is_proven_not_to_have_left() {
    let table = Table::new().await;
    let made = table.in_state(State::DocDone).await;
    let tried = table.done(&made, Transition::MailIntent).await;
    assert_eq!((tried.state, tried.mail), (State::DocDone, Some(Mail::Tried)));
    assert!(matches!(table.write(&tried, Transition::MailIntent).await, Written::Refused), "it was tried");
    let untried = table.done(&tried, mail_unsend()).await;
    assert_eq!((untried.mail, untried.trouble.as_deref()), (None, Some("QUICKBOOKS_THROTTLED")));
    let tried = table.done(&untried, Transition::MailIntent).await;
    let mailed_once = table.done(&tried, mailed()).await;
    for again in [Transition::MailIntent, mail_unsend(), mailed()] {
        let written = table.write(&mailed_once, again.clone()).await;
        assert!(matches!(written, Written::Refused), "{}", again.doing());
    }
    let done = table.done(&mailed_once, completed()).await;
    assert_eq!((done.state, done.mail), (State::Completed, Some(Mail::Sent)));

    // Whoever was told to look may have mailed it.
    let table = Table::new().await;
    let made = table.in_state(State::DocDone).await;
    table.backing.store.owe_callback(&made.key, table.now + SignedDuration::from_hours(6)).await.unwrap();
    let told = table.done(&made, Transition::Tell).await;
    assert!(matches!(table.write(&told, Transition::MailIntent).await, Written::Refused));

    // Its payment comes first.
    let table = Table::new().await;
    let sent = table.in_state(State::PaySent).await;
    assert!(matches!(table.write(&sent, Transition::MailIntent).await, Written::Refused));
    let paid = table.done(&sent, paid()).await;
    assert_eq!(table.done(&paid, Transition::MailIntent).await.mail, Some(Mail::Tried));
}

#[tokio::test]
async fn a_plan_is_thrown_away_twice_at_the_most() {
    let table = Table::new().await;
    let mut record = table.in_state(State::Sent).await;
    for version in 1..=2 {
        record = table.done(&record, replan()).await;
        assert_eq!((record.state, record.plan_version, &record.plan), (State::Claimed, version, &None));
        record = table.done(&record, freeze()).await;
        record = table.done(&record, table.intent()).await;
    }
    assert!(matches!(table.write(&record, replan()).await, Written::Refused));
}

#[tokio::test]
async fn a_customer_or_item_once_made_is_done_for_everyone_until_it_is_proven_gone() {
    let identity = || "0".repeat(64);
    for key in [Key::Customer { identity: identity() }, Key::Item { identity: identity() }] {
        let mut table = Table::for_key(key).await;
        let made = table.in_state(State::DocDone).await;
        table.now += SignedDuration::from_hours(1);
        let Claimed::Done(found) = table.backing.store.claim(&table.claim()).await.unwrap() else {
            panic!("claimed again")
        };
        assert_eq!(found.made_id.as_deref(), Some("412"));
        let other = Transition::Forget { gone: "7".into() };
        assert!(matches!(table.write(&made, other).await, Written::Refused), "another one is gone");
        table.done(&found, forget()).await;
        let again = table.claimed().await;
        assert_eq!((again.state, again.plan_version, again.made_id), (State::Claimed, 1, None));
    }
}

#[tokio::test]
async fn our_own_write_is_known_again_when_its_reply_was_lost() {
    let mut table = Table::new().await;
    table.backing.be_lossy().await;

    table.backing.lose_the_next_reply();
    let mut record = table.claimed().await;
    assert_eq!(table.backing.lost(), 1, "the claim took place, and its reply was lost");
    for transition in [freeze(), table.intent(), recorded(), completed()] {
        let before = table.backing.lost();
        table.backing.lose_the_next_reply();
        record = table.done(&record, transition).await;
        assert_eq!(table.backing.lost(), before + 1);
    }
    assert_eq!((record.fence, record.sends, record.deliveries), (1, 1, 1), "each took place once");
}

#[tokio::test]
async fn a_promised_callback_keeps_what_is_done_due_until_it_is_settled() {
    for (state, end) in [(State::Claimed, failed()), (State::DocDone, completed()), (State::Sent, review())] {
        let mut table = Table::new().await;
        let held = table.in_state(state).await;
        let until = table.now + SignedDuration::from_hours(6);
        assert!(matches!(table.backing.store.owe_callback(&table.key, until).await.unwrap(), Owed::Yes));
        // A second delivery promises the same: the first promise stands.
        let later = until + SignedDuration::from_hours(1);
        assert!(matches!(table.backing.store.owe_callback(&table.key, later).await.unwrap(), Owed::Yes));
        // Its holder knows nothing of it, and its end is written all the same.
        table.now += SignedDuration::from_secs(1);
        let done = table.done(&held, end).await;
        assert_eq!((done.state.is_terminal(), done.callback_due), (true, Some(until)), "{}", state.as_str());
        assert_eq!(table.backing.store.due(table.now, 10).await.unwrap(), [table.key.clone()]);
        let settled = table.done(&done, Transition::Settle).await;
        assert_eq!((settled.callback_due, &settled.answer), (None, &done.answer));
        assert_eq!(table.backing.store.due(table.now, 10).await.unwrap(), []);
        assert!(matches!(table.write(&settled, Transition::Settle).await, Written::Refused));
    }
}

#[tokio::test]
async fn nobody_is_promised_a_callback_about_what_is_done() {
    for state in [State::Completed, State::Failed, State::NeedsReview] {
        let table = Table::new().await;
        let done = table.in_state(state).await;
        let until = table.now + SignedDuration::from_hours(6);
        let Owed::Done(found) = table.backing.store.owe_callback(&table.key, until).await.unwrap() else {
            panic!("promised in {}", state.as_str());
        };
        assert_eq!((found.answer, found.callback_due), (done.answer, None));
    }
}

#[tokio::test]
async fn a_settled_callback_leaves_what_is_unfinished_due() {
    let table = Table::new().await;
    let held = table.in_state(State::Sent).await;
    table.backing.store.owe_callback(&table.key, table.now).await.unwrap();
    let released = table.done(&held, release()).await;
    let settled = table.done(&released, Transition::Settle).await;
    assert_eq!((settled.state, settled.callback_due, settled.told_at), (State::Sent, None, None));
    assert_eq!(table.backing.store.due(NOON.parse().unwrap(), 10).await.unwrap(), [table.key]);
}

#[tokio::test]
async fn what_hubspot_is_told_early_is_written_down_before_unless_somebody_took_the_record_up() {
    let mut table = Table::new().await;
    let held = table.in_state(State::Sent).await;
    assert!(matches!(table.write(&held, Transition::Tell).await, Written::Refused), "nothing was promised");
    table.backing.store.owe_callback(&table.key, table.now + SignedDuration::from_hours(6)).await.unwrap();
    let told = table.done(&held, Transition::Tell).await;
    assert_eq!((told.state, told.told_at), (State::Sent, Some(table.now)));
    let first = table.now;
    table.now += SignedDuration::from_mins(1);
    assert_eq!(table.done(&told, Transition::Tell).await.told_at, Some(first), "once");
    table.now += SignedDuration::from_mins(1);
    table.claimed().await;
    assert!(matches!(table.write(&told, Transition::Tell).await, Written::Refused), "taken up");
    assert!(matches!(table.write(&told, Transition::Settle).await, Written::Refused), "taken up");
}

#[tokio::test]
async fn what_is_unfinished_is_due_when_its_lease_ends_or_when_whoever_gave_it_back_says() {
    let mut table = Table::new().await;
    let held = table.claimed().await;
    assert_eq!(table.backing.store.due(table.now, 10).await.unwrap(), []);
    table.now += SignedDuration::from_secs(66);
    assert_eq!(table.backing.store.due(table.now, 10).await.unwrap(), [table.key.clone()]);
    table.done(&held, release()).await;
    assert_eq!(table.backing.store.due(table.now, 10).await.unwrap(), []);
    assert_eq!(table.backing.store.due(NOON.parse().unwrap(), 10).await.unwrap(), [table.key.clone()]);
    // A customer is nobody's work: whoever needs it goes on with it.
    let mut customer = Table::for_key(Key::Customer { identity: "0".repeat(64) }).await;
    customer.claimed().await;
    customer.now += SignedDuration::from_hours(24);
    assert_eq!(customer.backing.store.due(customer.now, 10).await.unwrap(), []);
}

#[tokio::test]
async fn the_longest_due_come_first_under_whatever_callback_id() {
    let mut table = Table::new().await;
    let mut expected = Vec::new();
    for (minute, id) in
        ["ap-1-2-3-0", "a#b", "50%~/ c", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"].iter().enumerate()
    {
        table.key = Key::execution(PortalId(1), *id);
        let held = table.claimed().await;
        table.done(&held, release_until(&format!("2026-03-02T11:0{}:00Z", 9 - minute))).await;
        expected.insert(0, table.key.clone());
    }
    assert_eq!(table.backing.store.due(NOON.parse().unwrap(), 10).await.unwrap(), expected);
}

#[tokio::test]
async fn only_hubspot_s_deliveries_and_our_own_mistakes_are_counted() {
    let table = Table::new().await;
    let held = table.claimed().await;
    let mistake = Transition::Release { trouble: "INTERNAL".into(), own_mistake: true, next_at: table.now };
    table.done(&held, mistake).await;
    let by_schedule = Claim { delivered: false, ..table.claim() };
    let Claimed::Ours(again) = table.backing.store.claim(&by_schedule).await.unwrap() else {
        panic!("not ours")
    };
    assert_eq!((again.fence, again.deliveries, again.own_mistakes), (2, 1, 1));
}

#[tokio::test]
async fn in_safe_mode_nothing_is_sent_for_ten_minutes_and_what_is_found_is_recorded() {
    let mut table = Table::new().await;
    let restored_to = table.now - SignedDuration::from_hours(1);
    let safe = Claim { safe_since: Some(restored_to), ..table.claim() };
    let Claimed::Ours(claimed) = table.backing.store.claim(&safe).await.unwrap() else { panic!("not ours") };
    assert_eq!(claimed.safe_since, Some(restored_to));
    let planned = table.done(&claimed, freeze()).await;
    table.now += SignedDuration::from_mins(10);
    assert!(matches!(table.write(&planned, table.intent()).await, Written::Refused));
    table.now += SignedDuration::from_millis(1);
    assert_eq!(table.done(&planned, table.intent()).await.state, State::Sent);

    // Found, document and payment, before anything was sent by this record.
    let safe = |table: &Table| Claim { safe_since: Some(restored_to), ..table.claim() };
    let table = Table::new().await;
    let Claimed::Ours(claimed) = table.backing.store.claim(&safe(&table)).await.unwrap() else {
        panic!("not ours")
    };
    let planned = table.done(&claimed, freeze()).await;
    let found = table.done(&planned, recorded_to_be_paid()).await;
    let paid = table.done(&found, paid()).await;
    assert_eq!((paid.state, paid.sends, paid.pay_id.as_deref()), (State::PaySent, 0, Some("413")));
    assert_eq!(table.done(&paid, completed()).await.state, State::Completed);

    // A restored record may have been sent after its quiet period too, in the time that is forgotten.
    let mut table = Table::new().await;
    let sent = table.in_state(State::Sent).await;
    table.now = sent.quiet_until.unwrap() + SignedDuration::from_hours(1);
    let Claimed::Ours(again) = table.backing.store.claim(&safe(&table)).await.unwrap() else {
        panic!("not ours")
    };
    assert!(matches!(table.write(&again, table.intent()).await, Written::Refused));
    table.now += SignedDuration::from_mins(10) + SignedDuration::from_millis(1);
    assert_eq!(table.done(&again, table.intent()).await.sends, 2);

    // What cannot be judged goes to a person, from wherever the record stands.
    for plan in [false, true] {
        let table = Table::new().await;
        let Claimed::Ours(mut held) = table.backing.store.claim(&safe(&table)).await.unwrap() else {
            panic!("not ours")
        };
        if plan {
            *held = table.done(&held, freeze()).await;
        }
        assert_eq!(table.done(&held, review()).await.state, State::NeedsReview);
    }
}

#[tokio::test]
async fn what_is_taken_up_by_itself_is_left_alone_until_it_is_due() {
    let mut table = Table::new().await;
    let held = table.claimed().await;
    table.done(&held, release()).await;
    let by_schedule = |table: &Table| Claim { delivered: false, ..table.claim() };
    assert!(matches!(table.backing.store.claim(&by_schedule(&table)).await.unwrap(), Claimed::Running));
    table.now = NOON.parse().unwrap();
    assert!(matches!(table.backing.store.claim(&by_schedule(&table)).await.unwrap(), Claimed::Ours(_)));
}

#[tokio::test]
async fn due_work_can_be_left_for_later_unless_somebody_took_it_up() {
    let mut table = Table::new().await;
    let held = table.claimed().await;
    let noon: Timestamp = NOON.parse().unwrap();
    table.backing.store.postpone(&table.key, Some(&held), noon).await.unwrap();
    table.now += SignedDuration::from_mins(30);
    assert_eq!(table.backing.store.due(table.now, 10).await.unwrap(), []);
    assert_eq!(table.backing.store.due(noon, 10).await.unwrap(), [table.key.clone()]);
    table.claimed().await;
    let later = noon + SignedDuration::from_hours(1);
    table.backing.store.postpone(&table.key, Some(&held), later).await.unwrap();
    assert_eq!(table.backing.store.due(noon, 10).await.unwrap(), [table.key.clone()], "taken up since");
    table.backing.store.postpone(&table.key, None, later).await.unwrap();
    assert_eq!(table.backing.store.due(noon, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_callback_that_is_due_is_one_caller_s_for_a_while() {
    let mut table = Table::new().await;
    let held = table.in_state(State::Sent).await;
    table.backing.store.owe_callback(&table.key, table.now + SignedDuration::from_hours(6)).await.unwrap();
    let done = table.done(&held, recorded()).await;
    let done = table.done(&done, completed()).await;
    let until = table.now + SignedDuration::from_mins(1);
    assert!(table.backing.store.take_callback(&done, table.now, until).await.unwrap());
    assert!(!table.backing.store.take_callback(&done, table.now, until).await.unwrap(), "it is another's");
    assert_eq!(table.backing.store.due(table.now, 10).await.unwrap(), []);
    table.now = until;
    assert!(!table.backing.store.take_callback(&held, table.now, until).await.unwrap(), "not as it was read");
    assert!(table.backing.store.take_callback(&done, table.now, until).await.unwrap(), "it was not called");
    // Nobody waits: there is nothing to take.
    table.done(&done, Transition::Settle).await;
    assert!(!table.backing.store.take_callback(&done, table.now, until).await.unwrap());
}

#[tokio::test]
async fn an_old_promise_is_renewed_and_settled_only_as_it_was_read() {
    let table = Table::new().await;
    let held = table.in_state(State::Sent).await;
    let until = table.now + SignedDuration::from_hours(6);
    table.backing.store.owe_callback(&table.key, until).await.unwrap();
    let read = table.stored().await;
    let renewed = until + SignedDuration::from_hours(5) + SignedDuration::from_millis(1);
    table.backing.store.owe_callback(&table.key, renewed).await.unwrap();
    assert_eq!(table.stored().await.callback_due, Some(renewed));
    assert!(matches!(table.write(&read, Transition::Settle).await, Written::Refused), "not this promise");
    table.done(&table.stored().await, Transition::Settle).await;
    // The holder takes no notice of either.
    assert_eq!(table.done(&held, recorded()).await.state, State::DocDone);
}

#[tokio::test]
async fn what_failed_is_retried_once_as_a_record_of_its_own() {
    let mut table = Table::new().await;
    let old = table.in_state(State::Failed).await;
    table.now += SignedDuration::from_hours(24);
    let successor = old.key.successor().unwrap();
    assert_eq!(table.retry(&old.key).await, Retried::Begun(successor.clone()));
    assert_eq!(table.retry(&old.key).await, Retried::Before(successor.clone()));
    assert_eq!(table.stored().await, Record { retried: true, ..old.clone() }, "it only learns of it");
    // It is due at once, for the old company and what was asked for, and starts from nothing.
    assert_eq!(table.backing.store.due(table.now, 10).await.unwrap(), std::slice::from_ref(&successor));
    let by_schedule =
        Claim { key: successor.clone(), delivered: false, realm: None, action: None, ..table.claim() };
    let Claimed::Ours(new) = table.backing.store.claim(&by_schedule).await.unwrap() else {
        panic!("not ours")
    };
    assert_eq!((new.state, new.fence, new.deliveries), (State::Claimed, 1, 0));
    assert_eq!((&new.realm, new.action, &new.request), (&old.realm, old.action, &old.request));
    assert_eq!((new.created_at, new.retried), (table.now, false));
    // Its own failure may be retried again.
    table.done(&new, failed()).await;
    assert_eq!(table.retry(&successor).await, Retried::Begun(successor.successor().unwrap()));
}

#[tokio::test]
async fn a_refused_payment_is_retried_for_the_document_that_exists_and_no_other_is_ever_sent() {
    let table = Table::new().await;
    let sent = table.in_state(State::PaySent).await;
    let refused = table.done(&sent, pay_refuse()).await;
    let old = table.done(&refused, completed()).await;
    let Retried::Begun(key) = table.retry(&old.key).await else { panic!("no retry") };
    let Claimed::Ours(held) = table
        .backing
        .store
        .claim(&Claim { key: key.clone(), delivered: false, ..table.claim() })
        .await
        .unwrap()
    else {
        panic!("not ours")
    };
    assert_eq!((held.state, held.made_id.as_deref()), (State::DocDone, Some("412")));
    assert!(held.is_payment_to_plan());
    for other in [freeze(), table.intent(), table.pay_intent(), replan(), recorded(), existing()] {
        assert!(matches!(table.write(&held, other.clone()).await, Written::Refused), "{}", other.doing());
    }
    let planned = table.done(&held, payment_planned()).await;
    assert!(matches!(table.write(&planned, payment_planned()).await, Written::Refused), "once");
    assert!(matches!(table.write(&planned, failed()).await, Written::Refused), "it has a document");
    let sent = table.done(&planned, table.pay_intent()).await;
    let made = table.done(&sent, paid()).await;
    let done = table.done(&made, completed()).await;
    assert_eq!(
        (done.state, done.made_id, done.pay_id),
        (State::Completed, Some("412".into()), Some("413".into()))
    );
}

#[tokio::test]
async fn a_payment_that_cannot_be_planned_again_fails_and_the_document_stays() {
    let table = Table::new().await;
    let sent = table.in_state(State::PaySent).await;
    let refused = table.done(&sent, pay_refuse()).await;
    let old = table.done(&refused, completed()).await;
    let Retried::Begun(key) = table.retry(&old.key).await else { panic!("no retry") };
    let Claimed::Ours(held) =
        table.backing.store.claim(&Claim { key, delivered: false, ..table.claim() }).await.unwrap()
    else {
        panic!("not ours")
    };
    let failed = table.done(&held, failed()).await;
    assert_eq!((failed.state, failed.made_id.as_deref()), (State::Failed, Some("412")));
    // And its retry is again one of the payment only.
    let Retried::Begun(again) = table.retry(&failed.key).await else { panic!("no retry") };
    let again = table.backing.store.record(&again).await.unwrap().unwrap();
    assert_eq!((again.state, again.made_id.as_deref()), (State::DocDone, Some("412")));
}

#[tokio::test]
async fn nothing_else_is_retried() {
    for state in [
        State::Claimed,
        State::Planned,
        State::Sent,
        State::DocDone,
        State::PaySent,
        State::Completed,
        State::NeedsReview,
    ] {
        let table = Table::new().await;
        let record = table.in_state(state).await;
        let retried = table.retry(&record.key).await;
        assert_eq!(retried, Retried::NotPossible, "{}", state.as_str());
        assert_eq!(table.stored().await, record);
    }
    let table = Table::new().await;
    let retried = table.retry(&table.key).await;
    assert_eq!(retried, Retried::NotPossible, "there is no such execution");
}
