//! Installing the app, looking at its tokens, and taking it out again (hubspot.md §5, §11.7).

use super::*;
use reqwest::Url;
use std::collections::BTreeMap;

pub(super) const BACK: &str = "http://localhost:4000/connect/hubspot/callback";
const REQUIRED: &str = "oauth automation crm.objects.deals.read crm.objects.quotes.read crm.objects.line_items.read \
    crm.objects.contacts.read crm.objects.companies.read crm.objects.products.read";
const UNINSTALL: &str = "/appinstalls/2026-03/external-install";
const DETAILS: &str = "/account-info/2026-03/details";

/// The query of the consent page, with changes.
pub(super) fn consent<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut pairs = BTreeMap::from([
        ("client_id", "app"),
        ("redirect_uri", BACK),
        ("scope", REQUIRED),
        ("state", "a&b=c d"),
        ("portal_id", "1000001"),
    ]);
    pairs.extend(changes.iter().copied());
    pairs.retain(|_, value| !value.is_empty());
    pairs.into_iter().collect()
}

impl Fixture {
    /// Status, body and where the page sends the person.
    pub(super) async fn authorize(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, String, Option<Url>) {
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let request = browser.get(format!("{}{path}", self.serving.url)).query(pairs);
        let answer = request.send().await.unwrap();
        let back = answer.headers().get("location").map(|url| url.to_str().unwrap().parse().unwrap());
        (answer.status().as_u16(), answer.text().await.unwrap(), back)
    }

    /// The code of an install.
    pub(super) async fn code(&self, changes: &[(&str, &str)]) -> String {
        let (status, page, back) = self.authorize("/oauth/authorize", &consent(changes)).await;
        assert_eq!(status, 302, "{page}");
        query(&back.unwrap())["code"].clone()
    }

    pub(super) async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        let body = Url::parse_with_params("http://localhost/", pairs).unwrap();
        let request = self.http.post(format!("{}{path}", self.serving.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body.query().unwrap().to_owned()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn exchange(&self, code: &str, redirect_uri: &str) -> (u16, Value) {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("client_secret", "app-secret"),
            ("code", code),
            ("redirect_uri", redirect_uri),
        ];
        self.form("/oauth/2026-03/token", &pairs).await
    }

    pub(super) async fn refresh_with(&self, refresh_token: &str) -> (u16, Value) {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", "app"),
            ("client_secret", "app-secret"),
            ("refresh_token", refresh_token),
        ];
        self.form("/oauth/2026-03/token", &pairs).await
    }

    pub(super) async fn about(&self, what: &str, token: &str) -> (u16, Value) {
        let pairs = [("client_id", "app"), ("client_secret", "app-secret"), ("token", token)];
        self.form(&format!("/oauth/2026-03/token/{what}"), &pairs).await
    }
}

pub(super) fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

pub(super) fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

#[tokio::test]
async fn item_7_an_install_goes_from_the_consent_page_to_tokens_that_read() {
    let fixture = fixture().await;
    let optional = [("optional_scope", "tax_rates.read")];
    let (status, _, back) = fixture.authorize("/oauth/authorize", &consent(&optional)).await;
    let back = back.unwrap();
    assert_eq!((status, &query(&back)["state"]), (302, &"a&b=c d".to_owned()));
    assert!(back.as_str().starts_with(BACK));
    let (status, tokens) = fixture.exchange(&query(&back)["code"], BACK).await;
    assert_eq!((status, &tokens["hub_id"], &tokens["expires_in"]), (200, &json!(1_000_001), &json!(1800)));
    assert_eq!(tokens["scopes"].as_array().unwrap().len(), REQUIRED.split(' ').count() + 1);
    assert_eq!(fixture.get_as(text(&tokens, "access_token"), DEAL).await.0, 200);
    let (status, refreshed) = fixture.refresh_with(text(&tokens, "refresh_token")).await;
    assert_eq!((status, &refreshed["refresh_token"]), (200, &tokens["refresh_token"]));
    assert_eq!(fixture.unexpected_calls(), 0);
}

#[tokio::test]
async fn item_7_a_person_chooses_the_portal_on_the_page_or_says_no() {
    let fixture = fixture().await;
    let (status, page, back) = fixture.authorize("/oauth/authorize", &consent(&[("portal_id", "")])).await;
    assert_eq!((status, back), (200, None));
    for portal_id in ["1000001", "1000002"] {
        assert!(page.contains(&format!("portal_id={portal_id}&amp;")), "{page}");
    }
    let link = page.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let (status, _, back) = fixture.authorize(&format!("/oauth/authorize{link}"), &[]).await;
    assert_eq!((status, query(&back.unwrap()).contains_key("code")), (302, true));
    let in_path = consent(&[("portal_id", "")]);
    assert_eq!(fixture.authorize("/oauth/1000002/authorize", &in_path).await.0, 302);
    let (_, _, back) = fixture.authorize("/oauth/authorize", &consent(&[("refuse", "true")])).await;
    let answer = query(&back.unwrap());
    assert_eq!((answer["error"].as_str(), answer.contains_key("code")), ("access_denied", false));
    assert_eq!(answer["state"], "a&b=c d");
}

#[tokio::test]
async fn item_7_what_stops_an_install_is_told_on_a_page_and_nobody_is_sent_back() {
    let fixture = fixture().await;
    let without_automation = REQUIRED.replace("automation ", "");
    let with_optional = format!("{REQUIRED} tax_rates.read");
    for (change, why) in [
        (("client_id", "nobody"), "there is no app"),
        (("redirect_uri", "https://elsewhere.example/"), "none of the app's"),
        (("redirect_uri", "https://127.0.0.1/back"), "must be HTTPS on a domain"),
        (("redirect_uri", "http://app.example/back"), "must be HTTPS on a domain"),
        (("scope", &without_automation), "requires the scope automation"),
        (("scope", &with_optional), "tax_rates.read is no required scope"),
        (("optional_scope", "content"), "content is no optional scope"),
        (("portal_id", "5"), "there is no account 5"),
    ] {
        let (status, page, back) = fixture.authorize("/oauth/authorize", &consent(&[change])).await;
        assert_eq!((status, back, page.contains(why)), (400, None, true), "{page}");
    }
}

#[tokio::test]
async fn item_7_optional_scopes_the_portal_lacks_are_dropped_and_a_required_one_stops_the_install() {
    let fixture = fixture().await;
    let payments = "crm.objects.commercepayments.read";
    fixture.seeded(json!({ "accounts": [{ "portal_id": 1_000_001, "lacks_scopes": [payments] }] })).await;
    let asked = format!("{payments} tax_rates.read");
    let code = fixture.code(&[("optional_scope", &asked)]).await;
    let (_, tokens) = fixture.exchange(&code, BACK).await;
    let scopes: Vec<&str> =
        tokens["scopes"].as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect();
    assert!(scopes.contains(&"tax_rates.read") && !scopes.contains(&payments));
    fixture.seeded(json!({ "accounts": [{ "portal_id": 1_000_001, "lacks_scopes": ["automation"] }] })).await;
    let (status, page, _) = fixture.authorize("/oauth/authorize", &consent(&[])).await;
    assert_eq!((status, page.contains("the scope automation")), (400, true));
}

#[tokio::test]
async fn item_7_a_code_is_used_once_within_a_minute_by_its_client_with_its_address() {
    let fixture = fixture().await;
    let code = fixture.code(&[]).await;
    assert_eq!(fixture.exchange(&code, BACK).await.0, 200);
    let used = fixture.exchange(&code, BACK).await;
    assert_eq!((used.0, &used.1["status"]), (400, &json!("BAD_AUTH_CODE")));
    let code = fixture.code(&[]).await;
    let (status, refused) = fixture.exchange(&code, "http://localhost:4000/").await;
    assert_eq!((status, &refused["status"]), (400, &json!("BAD_REDIRECT_URI")));
    assert_eq!(fixture.exchange(&code, BACK).await.0, 400);
    let code = fixture.code(&[]).await;
    fixture.post("/_sim/clock", &json!({ "advance_seconds": 61 })).await;
    let late = fixture.exchange(&code, BACK).await;
    assert_eq!((late.0, &late.1["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn item_7_a_refresh_token_is_rotated_when_switched_on_and_the_old_one_is_dead() {
    let fixture = fixture().await;
    fixture.seeded(json!({ "switches": { "refresh_token": "rotated" } })).await;
    let (_, tokens) = fixture.refresh_with("lasting").await;
    assert_ne!(tokens["refresh_token"], "lasting");
    assert_eq!(fixture.refresh_with("lasting").await.1["status"], "BAD_REFRESH_TOKEN");
    assert_eq!(fixture.refresh_with(text(&tokens, "refresh_token")).await.0, 200);
}

#[tokio::test]
async fn item_7_introspection_tells_whose_a_token_is_and_how_long_it_lives() {
    let fixture = fixture().await;
    let code = fixture.code(&[]).await;
    let (_, tokens) = fixture.exchange(&code, BACK).await;
    let (status, about) = fixture.about("introspect", text(&tokens, "access_token")).await;
    assert_eq!((status, &about["active"], &about["hub_id"]), (200, &json!(true), &json!(1_000_001)));
    assert_eq!((&about["token_use"], &about["scopes"]), (&json!("access_token"), &tokens["scopes"]));
    assert!((1790..=1800).contains(&about["expires_in"].as_i64().unwrap()));
    let (_, about) = fixture.about("introspect", text(&tokens, "refresh_token")).await;
    assert_eq!((&about["active"], &about["token_use"]), (&json!(true), &json!("refresh_token")));
    for dead in ["old", "uninstalled", "nobody's"] {
        assert_eq!(fixture.about("introspect", dead).await, (200, json!({ "active": false })));
    }
    let wrong = [("client_id", "app"), ("client_secret", "guessed"), ("token", "all")];
    let (status, refused) = fixture.form("/oauth/v3/token/introspect", &wrong).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_client")));
}

#[tokio::test]
async fn item_7_a_revoke_ends_the_refresh_token_and_the_issued_access_token_lives_on() {
    let fixture = fixture().await;
    let (_, tokens) = fixture.refresh_with("lasting").await;
    assert_eq!(fixture.about("revoke", "lasting").await, (200, Value::Null));
    assert_eq!(fixture.refresh_with("lasting").await.1["error"], "invalid_grant");
    assert_eq!(fixture.about("introspect", "lasting").await.1, json!({ "active": false }));
    assert_eq!(fixture.get_as(text(&tokens, "access_token"), DEAL).await.0, 200);
    assert_eq!(fixture.about("revoke", "nobody's").await.0, 200);
}

#[tokio::test]
async fn item_7_an_uninstall_needs_the_scope_oauth_and_ends_all_tokens_of_the_portal() {
    let fixture = fixture().await;
    assert_eq!(fixture.send_as("DELETE", "all", UNINSTALL, None).await.0, 403);
    assert_eq!(fixture.send_as("DELETE", "automation", UNINSTALL, None).await, (204, Value::Null));
    assert_eq!(fixture.refresh_with("lasting").await.1["error"], "invalid_grant");
    assert_eq!(fixture.get(DEAL).await.0, 401);
    assert_eq!(fixture.get_as("other", DEAL).await.0, 404);
}

#[tokio::test]
async fn item_7_after_an_uninstall_issued_access_tokens_live_on_when_switched_so() {
    let fixture = fixture().await;
    fixture.seeded(json!({ "switches": { "uninstalled_access_token": "lives" } })).await;
    let path = "/appinstalls/v3/external-install";
    assert_eq!(fixture.send_as("DELETE", "automation", path, None).await.0, 204);
    assert_eq!(fixture.refresh_with("lasting").await.1["error"], "invalid_grant");
    assert_eq!(fixture.get(DEAL).await.0, 200);
}

#[tokio::test]
async fn item_7_the_account_tells_its_time_zone_and_currency() {
    let fixture = fixture().await;
    assert_eq!(fixture.get(DETAILS).await.0, 403);
    let (status, details) = fixture.get_as("automation", DETAILS).await;
    assert_eq!((status, &details["portalId"]), (200, &json!(1_000_001)));
    assert_eq!((text(&details, "timeZone"), text(&details, "companyCurrency")), ("America/New_York", "USD"));
    fixture
        .seeded(json!({ "accounts": [{
            "portal_id": 1_000_001, "time_zone": "Asia/Kolkata", "company_currency": "INR"
        }] }))
        .await;
    let (_, details) = fixture.get_as("automation", DETAILS).await;
    assert_eq!((text(&details, "timeZone"), text(&details, "companyCurrency")), ("Asia/Kolkata", "INR"));
    assert_eq!(text(&details, "utcOffset"), "+05:30");
    let nowhere = json!({ "accounts": [{ "portal_id": 1, "time_zone": "Mars/Olympus" }] });
    let why = json!("account 1: no time zone Mars/Olympus");
    assert_eq!(fixture.post("/_sim/seed", &nowhere).await, (400, why));
}
