//! The process that renews a company's tokens is killed at each request it makes. Nothing is lost but what nobody can keep:
//! tokens that the vendor gave out and that never came to the journal (reliability.md §d.5); and then a person is asked to
//! connect again, and nothing else is the worse for it.

use jiff::{SignedDuration, Timestamp};
use local::proxy::Moment;
use local::world::{HANNA, PORTAL, REALM};
use mapping::quickbooks::RealmId;
use serde_json::json;
use store::connection::Status;
use store::tokens::{Grant, Owner};

use crate::bench::{Bench, Point, RequestIds};
use crate::case::enrollment;
use crate::companies::company;
use crate::{full, say};

/// What the simulator calls the three semantics of §d.6.
const ROTATIONS: [&str; 3] = ["lives_a_day", "dies", "kills_grant"];

/// Until an unused company's tokens are due for renewal, and changed by it.
const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

const LEASE_OVER: SignedDuration = SignedDuration::from_mins(16);

const TOKEN_CALL: &str = "QuickBooks POST /oauth2/v1/tokens/bearer";
const JOURNAL: &str = "Secrets Manager PutSecretValue";

/// Without `PROOF=full`, every so many-th point of the two milder semantics.
const MILDER_SHARE: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_renewal_is_killed_only_what_never_came_to_the_journal_is_lost() {
    let bench = Bench::start(RequestIds::Honoured).await;
    let (mut runs, mut lost, mut missed) = (0, 0, 0);
    for rotation in ROTATIONS {
        let switches = json!({"rotated_token": rotation});
        let seed = json!({"companies": [{"realm_id": REALM, "switches": switches}]});
        bench.stack.seed_quickbooks(&seed).await.unwrap();
        let share = if full() || rotation == "kills_grant" { 1 } else { MILDER_SHARE };
        let points = points(&bench).await;
        say(&format!("refresh, {rotation}: {} points", points.len()));
        for point in points.into_iter().step_by(share) {
            connect_again(&bench, runs).await;
            let (_, reached) = bench.killed("refresh", &point, due_renewal(&bench)).await;
            let is_lost = is_unavoidable(rotation, &point) && reached;
            after(&bench, is_lost, &format!("{rotation} at {point:?}")).await;
            (runs, lost, missed) = (runs + 1, lost + usize::from(is_lost), missed + usize::from(!reached));
        }
    }
    say(&format!(
        "    … {runs} kills, {missed} never came to theirs; {lost} lost what nobody could keep, nothing else"
    ));
    assert!(missed * 10 <= runs, "too many were not killed");
}

/// Whether the tokens were given out and never came to the journal, and the old refresh token is worth nothing.
fn is_unavoidable(rotation: &str, (request, moment): &Point) -> bool {
    let given =
        request.what == TOKEN_CALL && matches!(moment, Moment::AfterTheEffect | Moment::AfterTheReply);
    let unwritten = request.what == JOURNAL && matches!(moment, Moment::BeforeSending | Moment::AfterSending);
    rotation != "lives_a_day" && (given || unwritten)
}

async fn points(bench: &Bench) -> Vec<Point> {
    connect_again(bench, 1_000_000).await;
    let ((), requests) = bench.watched("refresh", due_renewal(bench)).await;
    let names: Vec<_> = requests.iter().map(|request| request.what.as_str()).collect();
    assert!(names.contains(&TOKEN_CALL) && names.contains(&JOURNAL), "{names:?}");
    requests.into_iter().flat_map(|request| Moment::ALL.map(|moment| (request.clone(), moment))).collect()
}

/// A run of the schedule. What it says is looked at afterwards.
async fn due_renewal(bench: &Bench) {
    let _ = bench.stack.tick("refresh").await;
}

/// Time goes on: the next run of the schedule mends what there is to mend, and an action is run.
async fn after(bench: &Bench, is_lost: bool, what: &str) {
    bench.stack.advance_clock(LEASE_OVER);
    bench.stack.tick("refresh").await.unwrap();
    bench.stack.advance_clock(LEASE_OVER);
    bench.stack.tick("refresh").await.unwrap();
    let connection = bench.stack.store.connection(&owner()).await.unwrap().unwrap();
    let expected = if is_lost { Status::ReauthRequired } else { Status::Ok };
    assert_eq!(connection.status, expected, "{what}");
    if is_lost {
        return;
    }
    let callback_id = format!("ap-{PORTAL}-{}-3-0", 900_000_000_000 + bench.stack.now().as_second());
    let enrolled = enrollment("invoice", "DEAL", HANNA, false, &callback_id);
    let shown = bench.stack.execute(&enrolled).await.unwrap();
    assert_eq!(shown["state"], "SUCCESS", "{what}: {shown:#}");
}

/// The company is connected, anew where it was connected before, with tokens that are due for renewal, and a refresh token
/// that will change.
async fn connect_again(bench: &Bench, number: usize) {
    let refresh_token = format!("consent-{number}-{}", bench.stack.now().as_second());
    let seed = json!({"grants": [{"realm_id": REALM, "refresh_token": refresh_token}]});
    bench.stack.seed_quickbooks(&seed).await.unwrap();
    let company = company();
    let ended: Timestamp = bench.stack.now();
    let grant = Grant {
        generation: 1,
        access_token: "ended".to_owned().into(),
        access_expires_at: ended,
        refresh_token: refresh_token.into(),
        refresh_expires_at: None,
        hard_expires_at: None,
        scopes: Vec::new(),
    };
    let store = &bench.stack.store;
    store.connect_quickbooks(PORTAL, &company, &grant).await.unwrap();
    bench.stack.advance_clock(A_WEEK);
    // In use, or HubSpot would be asked first whether the app is still installed.
    let connection = store.connection(&owner()).await.unwrap().unwrap();
    store.note_use(&owner(), &connection, bench.stack.now()).await.unwrap();
}

fn owner() -> Owner {
    Owner::QuickBooks(PORTAL, realm())
}

fn realm() -> RealmId {
    REALM.to_owned().try_into().unwrap()
}
