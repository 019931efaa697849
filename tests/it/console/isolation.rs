//! Nothing of another portal, whatever a signed-in person of one asks for (reliability.md §f, T4): 50 portals, a session in
//! each, and every session's person asks for pages, lists, forms and files of every portal. With `PROOF=full` each of them
//! tries all of every portal; without, two of every other portal, another two with each, and all of his own.

use futures::StreamExt;
use local::stack::Stack;
use mapping::books::Books;
use mapping::hubspot::PortalId;
use mapping::quickbooks::{DocumentKind, RealmId};
use serde_json::json;
use store::portal::NewCompany;
use store::record::{Claim, Claimed, Key, Nonce, Transition, Written};
use store::tokens::Grant;

use super::Browser;
use crate::support::stack;

const PORTALS: u64 = 50;

/// All portals have an execution of this id: the same id is another's in each.
const SHARED: &str = "ap-shared";

fn portal(number: u64) -> PortalId {
    PortalId(5_000_000 + number)
}

fn realm(number: u64) -> RealmId {
    RealmId::try_from(format!("91303599{number:08}")).unwrap()
}

/// Stands in everything a portal has, and in nothing of another.
fn canary(number: u64) -> String {
    format!("canary-{number:02}-of-its-portal")
}

fn own_execution(number: u64) -> String {
    format!("ap-own-{number:02}")
}

fn grant(stack: &Stack) -> Grant {
    Grant {
        generation: 1,
        access_token: "never used".to_owned().into(),
        access_expires_at: stack.now() + jiff::SignedDuration::from_hours(24 * 30),
        refresh_token: "never used".to_owned().into(),
        refresh_expires_at: None,
        hard_expires_at: None,
        scopes: Vec::new(),
    }
}

async fn install(stack: &Stack, number: u64) {
    let (id, realm) = (portal(number), realm(number));
    stack.store.save_portal(id, "UTC", Some(&realm)).await.unwrap();
    stack.store.connect_hubspot(id, &grant(stack)).await.unwrap();
    let company = NewCompany {
        realm: realm.clone(),
        name: canary(number),
        legal_name: None,
        sandbox: false,
        books: Books::default(),
        connected_by: None,
        connected_at: None,
    };
    stack.store.connect_quickbooks(id, &company, &grant(stack)).await.unwrap();
    for callback_id in [SHARED.to_owned(), own_execution(number)] {
        fail(stack, id, &realm, &callback_id, &canary(number)).await;
    }
}

/// An execution that failed, and says the canary.
async fn fail(stack: &Stack, portal: PortalId, realm: &RealmId, callback_id: &str, canary: &str) {
    let key = Key::execution(portal, callback_id);
    let asked = json!({"object_type": "DEAL", "object_id": 1, "inputs": {"note": canary}, "source": null});
    let claim = Claim {
        action: Some(DocumentKind::Invoice),
        realm: Some(realm.clone()),
        request: Some(asked.to_string()),
        ..Claim::new(key, stack.now(), stack.now())
    };
    let Claimed::Ours(record) = stack.store.claim(&claim).await.unwrap() else { panic!("not ours") };
    let answer =
        json!({"outputFields": {"status": "failed", "errorCode": "NO_CONTACT", "errorMessage": canary}});
    let failed = Transition::Fail { answer: answer.to_string(), trouble: "NO_CONTACT".to_owned() };
    let written = stack.store.write(&record, &failed, &Nonce::new(), stack.now()).await.unwrap();
    assert!(matches!(written, Written::Done(_)));
}

/// The fields of a form.
type Form = Vec<(&'static str, String)>;

/// What there is to ask for of a portal: a page or a file, or a form with these fields.
fn asked_for(theirs: u64) -> Vec<(String, Option<Form>)> {
    let company = |rest: &str| format!("/console/company/{}{rest}", realm(theirs));
    let file = || ("text", r#"{"version": 1, "fee_item": "666"}"#.to_owned());
    vec![
        (company(""), None),
        (company("/settings"), None),
        (company("/settings.json"), None),
        (company("/disconnect"), None),
        (format!("/console/execution?id={}", own_execution(theirs)), None),
        (company("/name"), Some(vec![("name", "stolen".to_owned())])),
        (company("/default"), Some(vec![])),
        (company("/settings/check"), Some(vec![file()])),
        (company("/settings"), Some(vec![file(), ("revision", "0".to_owned())])),
        ("/console/retry".to_owned(), Some(vec![("id", own_execution(theirs))])),
    ]
}

/// What a person of portal `mine` gets of portal `theirs`: of his own the pages, of another's nothing.
async fn cross(browser: &Browser<'_>, mine: u64, theirs: u64) {
    let own = mine == theirs;
    let all = own || std::env::var("PROOF").is_ok_and(|proof| proof == "full");
    for (at, (path, fields)) in asked_for(theirs).into_iter().enumerate() {
        let chosen = all || (at as u64 + mine + theirs).is_multiple_of(5);
        let seen = match fields {
            _ if !chosen => continue,
            Some(_) if own => continue,
            Some(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                browser.post(&path, &fields).await
            }
            None => browser.get(&path).await,
        };
        assert_eq!(seen.status, if own { 200 } else { 404 }, "{mine} asks for {path}");
        let shows = seen.body.contains(&canary(theirs));
        assert_eq!(shows, own && !path.ends_with(".json"), "{mine} asks for {path}");
    }
}

/// What needs no other portal's name to be asked for holds one's own only.
async fn look_around(stack: &Stack, browser: &Browser<'_>, mine: u64) {
    let place =
        format!("/console/activity?from={}.{}", i64::MAX / 2_000_000, own_execution((mine + 1) % PORTALS));
    let options = json!({"action": "invoice", "field": "quickbooks_account", "portal_id": portal(mine).0, "inputs": {}});
    for (what, shown) in [
        ("companies", browser.get("/console").await.body),
        ("activity", browser.get("/console/activity").await.body),
        ("a place in the list", browser.get(&place).await.body),
        ("the shared id", browser.get(&format!("/console/execution?id={SHARED}")).await.body),
        ("options", stack.options(&options).await.unwrap().to_string()),
    ] {
        let canaries: Vec<u64> = (0..PORTALS).filter(|other| shown.contains(&canary(*other))).collect();
        assert!(canaries.iter().all(|seen| *seen == mine), "{what} of {mine} shows {canaries:?}");
        assert!(
            what == "a place in the list" || canaries == [mine],
            "{what} of {mine} shows its own: {shown}"
        );
    }
}

#[tokio::test]
async fn fifty_sessions_see_and_change_nothing_of_forty_nine_other_portals() {
    let stack = stack().await;
    futures::stream::iter(0..PORTALS).for_each_concurrent(8, |number| install(&stack, number)).await;
    let before =
        futures::future::join_all((0..PORTALS).map(|number| stack.store.portal(portal(number)))).await;
    let before: Vec<_> = before.into_iter().map(Result::unwrap).collect();
    futures::stream::iter(0..PORTALS)
        .for_each_concurrent(8, |mine| {
            let stack = &stack;
            async move {
                let browser = Browser::signed_in(stack, portal(mine)).await;
                look_around(stack, &browser, mine).await;
                for theirs in 0..PORTALS {
                    cross(&browser, mine, theirs).await;
                }
            }
        })
        .await;
    for (number, before) in (0..PORTALS).zip(before) {
        assert_eq!(stack.store.portal(portal(number)).await.unwrap(), before, "portal {number} is as it was");
    }
}
