//! The process that connects a company, or takes one away, is killed at each request it makes. Whoever sends the form again
//! gets it done; and there is never a connection that no page shows, nor a link without one.

use local::proxy::Moment;
use local::world::{COMPANY, PORTAL, REALM};
use mapping::books::Books;
use mapping::quickbooks::RealmId;
use reqwest::header::COOKIE;
use serde_json::json;
use store::handle::Handle;
use store::pending::Pending;
use store::portal::NewCompany;
use store::session::Session;
use store::tokens::Grant;

use crate::bench::{Bench, Point, RequestIds};
use crate::say;

const DISCONNECT: &str = "/disconnect/quickbooks";
const CONFIRM: &str = "/connect/quickbooks/confirm";

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_disconnect_is_killed_it_can_be_done_again_and_leaves_nothing() {
    let bench = Bench::start(RequestIds::Honoured).await;
    let person = Person::signed_in(&bench).await;
    let mut runs = 0;
    for point in points(&bench, person.disconnects()).await {
        bench.stack.store.connect_quickbooks(PORTAL, &company(), &grant(&bench, runs).await).await.unwrap();
        bench.stack.store.make_default_if_none(PORTAL, &realm()).await.unwrap();
        let (_, reached) = bench.killed("connect", &point, person.disconnects()).await;
        assert!(reached, "{point:?}");
        let again = person.disconnects().await;
        // It was done already, and only the answer was lost.
        assert!(again == 303 || again == 400, "{point:?}: {again}");
        assert_eq!(left(&bench).await, Vec::<String>::new(), "{point:?}");
        let portal = bench.stack.store.portal(PORTAL).await.unwrap().unwrap();
        assert!(portal.companies.is_empty() && portal.default_realm.is_none(), "{point:?}");
        let grants = bench.stack.quickbooks.state()["grants"].clone();
        let alive = grants.as_array().unwrap().iter().filter(|grant| grant["ended"].is_null()).count();
        assert_eq!(alive, 0, "{point:?}: {grants:#}");
        runs += 1;
    }
    say(&format!("    … {runs} kills of a disconnect: each was done again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_connect_is_killed_a_company_is_there_whole_or_not_at_all() {
    let bench = Bench::start(RequestIds::Honoured).await;
    let person = Person::signed_in(&bench).await;
    person.disconnects().await;
    let first = pending(&bench, 1_000_000).await;
    let points = points(&bench, person.confirms(&first)).await;
    let (mut runs, mut whole) = (0, 0);
    for point in points {
        person.disconnects().await;
        let handle = pending(&bench, runs).await;
        let (_, reached) = bench.killed("connect", &point, person.confirms(&handle)).await;
        assert!(reached, "{point:?}");
        let left = left(&bench).await;
        let parts = ["CONNECTION#", "LINK#", "Q#"].map(|part| left.iter().any(|item| item.contains(part)));
        let is_whole = parts == [true; 3];
        assert!(is_whole || parts == [false; 3], "{point:?}: {left:?}");
        whole += usize::from(is_whole);
        let again = person.confirms(&handle).await;
        assert!(again == 303 || is_whole && again == 400, "{point:?}: {again}");
        let portal = bench.stack.store.portal(PORTAL).await.unwrap().unwrap();
        assert_eq!(portal.companies.len(), 1, "{point:?}");
        runs += 1;
    }
    say(&format!("    … {runs} kills of a connect, {whole} after it took place: each was done again"));
    assert!(whole > 0 && whole < runs);
}

/// Every moment of every request that the function makes for this.
async fn points(bench: &Bench, doing: impl Future<Output = u16>) -> Vec<Point> {
    let (status, requests) = bench.watched("connect", doing).await;
    assert_eq!(status, 303);
    requests.into_iter().flat_map(|request| Moment::ALL.map(|moment| (request.clone(), moment))).collect()
}

/// What is left of the company in the table, and its secret.
async fn left(bench: &Bench) -> Vec<String> {
    let items = bench.stack.dynamodb.scan().table_name(&bench.stack.info.table_name).send().await.unwrap();
    let place = |name: &str, item: &std::collections::HashMap<String, _>| {
        let value: &aws_sdk_dynamodb::types::AttributeValue = &item[name];
        value.as_s().unwrap().clone()
    };
    let places = items.items().iter().map(|item| format!("{} {}", place("pk", item), place("sk", item)));
    let (own, linked) = (format!("P#{PORTAL} "), format!("Q#{REALM} "));
    let is_of_it = |place: &String| {
        place.starts_with(&linked)
            || place.starts_with(&own) && place.ends_with(REALM) && !place.contains("SETTINGS#")
    };
    let mut left: Vec<_> = places.filter(is_of_it).collect();
    let secret = format!("hsqbo/dev/quickbooks/{PORTAL}/{REALM}");
    if bench.stack.secrets.get_secret_value().secret_id(&secret).send().await.is_ok() {
        left.push(secret);
    }
    left
}

/// Somebody of the portal, in front of the console.
struct Person {
    http: reqwest::Client,
    address: String,
    cookie: String,
    csrf: String,
}

const USER: u64 = 7;

impl Person {
    async fn signed_in(bench: &Bench) -> Self {
        let (handle, csrf, now) = (Handle::new(), Handle::new(), bench.stack.now());
        let session = Session {
            portal: PORTAL,
            portal_name: "portal.example".to_owned(),
            user_id: USER,
            user: "person@portal.example".to_owned(),
            csrf: csrf.clone(),
            created_at: now,
            last_seen_at: now,
        };
        bench.stack.store.open_session(&handle, &session).await.unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self {
            http,
            address: bench.stack.info.public_base_url.clone(),
            cookie: format!("__Host-session={}", handle.expose()),
            csrf: csrf.expose().to_owned(),
        }
    }

    async fn disconnects(&self) -> u16 {
        self.sends(DISCONNECT, &[("realm", REALM)]).await
    }

    async fn confirms(&self, handle: &Handle) -> u16 {
        self.sends(CONFIRM, &[("pending", handle.expose()), ("decision", "connect")]).await
    }

    /// The status of what comes back.
    async fn sends(&self, path: &str, fields: &[(&str, &str)]) -> u16 {
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", self.csrf.as_str())]).collect();
        let request = self.http.post(format!("{}{path}", self.address)).header(COOKIE, &self.cookie);
        request.form(&fields).send().await.unwrap().status().as_u16()
    }
}

/// A company that waits to be confirmed, with tokens that Intuit takes.
async fn pending(bench: &Bench, number: usize) -> Handle {
    let (handle, at) = (Handle::new(), bench.stack.now());
    let pending = Pending { portal: PORTAL, user_id: USER, company: company(), at };
    bench.stack.store.put_pending(&handle, &pending, &grant(bench, number).await).await.unwrap();
    handle
}

async fn grant(bench: &Bench, number: usize) -> Grant {
    let refresh_token = format!("consent-{number}");
    let seed = json!({"grants": [{"realm_id": REALM, "refresh_token": refresh_token}]});
    bench.stack.seed_quickbooks(&seed).await.unwrap();
    Grant {
        generation: 1,
        access_token: "of that consent".to_owned().into(),
        access_expires_at: bench.stack.now(),
        refresh_token: refresh_token.into(),
        refresh_expires_at: None,
        hard_expires_at: None,
        scopes: Vec::new(),
    }
}

/// The company of the demo, as a consent tells of it.
pub(crate) fn company() -> NewCompany {
    NewCompany {
        realm: realm(),
        name: COMPANY.to_owned(),
        legal_name: None,
        sandbox: false,
        books: Books { home_currency: Some("USD".parse().unwrap()), ..Books::default() },
        connected_by: None,
        connected_at: None,
    }
}

fn realm() -> RealmId {
    REALM.to_owned().try_into().unwrap()
}
