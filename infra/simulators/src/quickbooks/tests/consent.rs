//! Connecting a company: the authorize page, its codes, and which keys open what.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::redirect::Policy;

use super::*;

const BACK: &str = "https://app.example/callback";
const LOCAL: &str = "http://localhost:4000/callback";
const SANDBOX: &str = "9341450000000003";
const ACCOUNTING: &str = "com.intuit.quickbooks.accounting";

/// Two companies and a sandbox; an app with production keys, another one, and the first one's development keys.
pub(super) async fn connectable() -> Books {
    let books = books().await;
    let addresses = [BACK, LOCAL, "http://app.example/callback", "https://127.0.0.1/callback"];
    let keys = |client_id: &str| {
        json!({"client_id": client_id, "client_secret": "hush", "redirect_uris": addresses,
            "disconnect_url": "https://app.example/gone?from=intuit"})
    };
    let mut development = keys("app-development");
    development["environment"] = json!("development");
    let sandbox = json!({"realm_id": SANDBOX, "name": "Sandbox & Co", "sandbox": true});
    let seed =
        json!({"companies": [sandbox], "clients": [keys("app"), keys("another"), development.clone()]});
    books.quickbooks.seed(seed).unwrap();
    books
}

/// What the app asks for, with changes; an empty value is left out.
fn asked<'a>(changes: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, &'a str> {
    let mut pairs = BTreeMap::from([
        ("client_id", "app"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", ACCOUNTING),
        ("state", "a&b=c \"d\""),
    ]);
    pairs.extend(changes.iter().copied());
    pairs.retain(|_, value| !value.is_empty());
    pairs
}

fn query(back: &Url) -> BTreeMap<String, String> {
    back.query_pairs().into_owned().collect()
}

/// Status, page and where the browser is sent.
async fn browse(request: RequestBuilder) -> (u16, String, Option<Url>) {
    let answer = request.send().await.unwrap();
    let back = answer.headers().get("location").map(|url| url.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), answer.text().await.unwrap(), back)
}

fn encoded(pairs: &BTreeMap<&str, &str>) -> String {
    Url::parse_with_params("http://localhost/", pairs).unwrap().query().unwrap().to_owned()
}

impl Books {
    fn browser(&self) -> Client {
        Client::builder().redirect(Policy::none()).build().unwrap()
    }

    fn authorize_url(&self) -> String {
        format!("{}/connect/oauth2", self.serving.url)
    }

    async fn consent_page(&self, changes: &[(&str, &str)]) -> (u16, String, Option<Url>) {
        let url = format!("{}?{}", self.authorize_url(), encoded(&asked(changes)));
        browse(self.browser().get(url)).await
    }

    /// Sends the page's form.
    async fn decide(&self, changes: &[(&str, &str)]) -> (u16, String, Option<Url>) {
        let request = self.browser().post(self.authorize_url()).body(encoded(&asked(changes)));
        browse(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    async fn code(&self, changes: &[(&str, &str)]) -> String {
        let (status, page, back) = self.decide(changes).await;
        assert_eq!(status, 302, "{page}");
        query(&back.unwrap())["code"].clone()
    }

    async fn exchange(&self, client_id: &str, code: &str, redirect_uri: &str) -> (u16, Value) {
        let pairs = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
        ]);
        let url = format!("{}/oauth2/v1/tokens/bearer", self.serving.url);
        let request = self.client.post(url).basic_auth(client_id, Some("hush")).body(encoded(&pairs));
        json_of(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// The tokens of a new connection of the app with [`REALM`].
    pub(super) async fn connect(&self, client_id: &str) -> Value {
        let code = self.code(&[("client_id", client_id), ("realm_id", REALM)]).await;
        let (status, tokens) = self.exchange(client_id, &code, BACK).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }
}

#[tokio::test]
async fn a_connection_goes_from_the_page_to_tokens_that_open_exactly_that_company() {
    let books = connectable().await;
    let (status, page, back) = books.consent_page(&[]).await;
    assert_eq!((status, back), (200, None));
    assert!(page.contains("name=\"state\" value=\"a&amp;b=c &quot;d&quot;\""), "{page}");
    let (status, _, back) = books.decide(&[("realm_id", REALM)]).await;
    let back = back.unwrap();
    let sent = query(&back);
    assert!(back.as_str().starts_with(BACK), "{back}");
    assert_eq!((status, sent["realmId"].as_str(), sent["state"].as_str()), (302, REALM, "a&b=c \"d\""));
    let (status, tokens) = books.exchange("app", &sent["code"], BACK).await;
    assert_eq!((status, &tokens["token_type"], &tokens["expires_in"]), (200, &json!("bearer"), &json!(3600)));
    assert_eq!((&tokens["x_refresh_token_expires_in"], tokens.get("id_token")), (&json!(8_726_400), None));
    assert_eq!(books.opens(&tokens["access_token"]).await, 200);
    let other = books.client.get(format!("{}/v3/company/2/preferences", books.serving.url));
    let token = tokens["access_token"].as_str().unwrap();
    let (status, fault) = json_of(other.bearer_auth(token).header("accept", "application/json")).await;
    assert_eq!((status, &fault["fault"]["error"][0]["code"]), (403, &json!("3100")));
    let (status, refreshed) = books.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!((status, &refreshed["refresh_token"]), (200, &tokens["refresh_token"]));
    assert!(books.quickbooks.control().calls().iter().all(|call| !call.unexpected));
}

#[tokio::test]
async fn a_test_names_the_company_in_the_query_and_is_sent_back_at_once() {
    let books = connectable().await;
    let (status, _, back) = books.consent_page(&[("realm_id", REALM)]).await;
    assert_eq!((status, query(&back.unwrap())["realmId"].as_str()), (302, REALM));
}

#[tokio::test]
async fn a_person_who_says_no_is_sent_back_with_access_denied_and_the_state() {
    let books = connectable().await;
    let said = |back: Option<Url>| back.unwrap().query().unwrap().to_owned();
    let (status, _, back) = books.decide(&[("refuse", "true"), ("realm_id", REALM)]).await;
    assert_eq!((status, said(back).as_str()), (302, "error=access_denied&state=a%26b%3Dc+%22d%22"));
    let (status, _, back) = books.consent_page(&[("refuse", "true")]).await;
    assert_eq!((status, said(back).starts_with("error=access_denied")), (302, true));
}

#[tokio::test]
async fn a_form_without_a_company_shows_the_page_again() {
    let books = connectable().await;
    let (status, page, back) = books.decide(&[]).await;
    assert_eq!((status, page.contains("type=\"radio\""), back), (200, true, None));
}

#[tokio::test]
async fn the_page_lists_real_companies_for_production_keys_and_sandboxes_for_development_keys() {
    let books = connectable().await;
    let (_, production, _) = books.consent_page(&[]).await;
    let keys = [("client_id", "app-development"), ("redirect_uri", LOCAL)];
    let (_, development, _) = books.consent_page(&keys).await;
    let lists =
        |page: &str, realm_id: &str| page.contains(&format!("name=\"realm_id\" value=\"{realm_id}\""));
    assert_eq!([REALM, "2", SANDBOX].map(|realm_id| lists(&production, realm_id)), [true, true, false]);
    assert_eq!([REALM, "2", SANDBOX].map(|realm_id| lists(&development, realm_id)), [false, false, true]);
    assert!(development.contains("Sandbox &amp; Co"), "{development}");
}

#[tokio::test]
async fn keys_connect_no_company_of_the_other_environment() {
    let books = connectable().await;
    let (status, page, back) = books.decide(&[("realm_id", SANDBOX)]).await;
    assert_eq!((status, back), (400, None), "{page}");
    let keys = [("client_id", "app-development"), ("realm_id", REALM)];
    assert_eq!(books.decide(&keys).await.0, 400);
    let keys = [("client_id", "app-development"), ("redirect_uri", LOCAL), ("realm_id", SANDBOX)];
    let code = books.code(&keys).await;
    let (status, tokens) = books.exchange("app-development", &code, LOCAL).await;
    assert_eq!((status, books.opens(&tokens["access_token"]).await), (200, 403), "of the real company");
    let sandbox = books.client.get(format!("{}/v3/company/{SANDBOX}/preferences", books.serving.url));
    let sandbox = sandbox.bearer_auth(tokens["access_token"].as_str().unwrap());
    assert_eq!(json_of(sandbox.header("accept", "application/json")).await.0, 200);
    let wrong = books.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(wrong, (401, json!({"error": "invalid_client"})), "production keys for a sandbox");
    let unfit =
        json!({"grants": [{"realm_id": REALM, "refresh_token": "x", "client_id": "app-development"}]});
    assert!(books.quickbooks.seed(unfit).unwrap_err().contains("no keys"));
}

#[tokio::test]
async fn wrong_parameters_are_told_to_the_person_and_nobody_is_sent_anywhere() {
    let books = connectable().await;
    let cases = [
        [("client_id", "nobody")],
        [("client_id", "")],
        [("redirect_uri", "https://app.example/callback/")],
        [("redirect_uri", "https://evil.example/callback")],
        [("redirect_uri", "")],
        [("redirect_uri", LOCAL)],
        [("redirect_uri", "http://app.example/callback")],
        [("redirect_uri", "https://127.0.0.1/callback")],
        [("response_type", "token")],
        [("response_type", "")],
        [("state", "")],
        [("realm_id", "404")],
    ];
    for change in cases {
        for (status, page, back) in [books.consent_page(&change).await, books.decide(&change).await] {
            assert_eq!((status, back), (400, None), "{change:?} {page}");
        }
    }
    let twice = format!("{}?{}&state=again", books.authorize_url(), encoded(&asked(&[])));
    assert_eq!(browse(books.browser().get(twice)).await.0, 400);
}

#[tokio::test]
async fn only_a_client_seeded_so_sends_people_to_this_machine_with_production_keys() {
    let books = connectable().await;
    let client = json!({"client_id": "local", "client_secret": "hush", "redirect_uris": [LOCAL],
        "localhost_redirects": true});
    books.quickbooks.seed(json!({"clients": [client]})).unwrap();
    let changes = [("client_id", "local"), ("redirect_uri", LOCAL), ("realm_id", REALM)];
    let code = books.code(&changes).await;
    assert_eq!(books.exchange("local", &code, LOCAL).await.0, 200);
}

#[tokio::test]
async fn a_scope_that_is_none_is_told_to_the_app() {
    let books = connectable().await;
    let unknown = format!("{ACCOUNTING} com.example.everything");
    for scope in ["", "com.intuit.quickbooks.payment", &unknown] {
        let (status, _, back) = books.decide(&[("scope", scope), ("realm_id", REALM)]).await;
        assert_eq!((status, query(&back.unwrap())["error"].as_str()), (302, "invalid_scope"), "{scope}");
    }
    let both = format!("{ACCOUNTING} com.intuit.quickbooks.payment");
    books.code(&[("scope", &both), ("realm_id", REALM)]).await;
}

#[tokio::test]
async fn what_is_not_simulated_is_refused_and_logged_as_unexpected() {
    let books = connectable().await;
    let openid = format!("{ACCOUNTING} openid");
    for change in [[("scope", openid.as_str())], [("code_challenge", "x")]] {
        let (status, page, _) = books.consent_page(&change).await;
        assert_eq!((status, page.contains("not simulated")), (400, true));
    }
    assert!(books.quickbooks.control().calls().iter().all(|call| call.unexpected));
}

#[tokio::test]
async fn a_code_is_good_once() {
    let books = connectable().await;
    let code = books.code(&[("realm_id", REALM)]).await;
    let (_, tokens) = books.exchange("app", &code, BACK).await;
    let used = json!({"error": "invalid_grant", "error_description": "Token invalid"});
    assert_eq!(books.exchange("app", &code, BACK).await, (400, used));
    assert_eq!(books.opens(&tokens["access_token"]).await, 200, "the first exchange stands");
}

#[tokio::test]
async fn a_code_waits_five_minutes_or_as_long_as_the_switch_says() {
    for (switches, life) in [(json!({}), 300), (json!({"code_seconds": 600}), 600)] {
        let books = connectable().await;
        books.switch(switches);
        for (waited, expected) in [(life - 10, 200), (life, 400)] {
            let code = books.code(&[("realm_id", REALM)]).await;
            books.later(waited).await;
            assert_eq!(books.exchange("app", &code, BACK).await.0, expected, "{waited} of {life} s");
        }
    }
}

#[tokio::test]
async fn a_code_is_bound_to_its_address_and_client_and_used_up_by_a_wrong_try() {
    let books = connectable().await;
    for (client_id, redirect_uri, why) in [
        ("app", LOCAL, "Token invalid"),
        ("another", BACK, "Incorrect Token type or clientID"),
        ("app-development", BACK, "Incorrect Token type or clientID"),
    ] {
        let code = books.code(&[("realm_id", REALM)]).await;
        let (status, body) = books.exchange(client_id, &code, redirect_uri).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
        assert_eq!(body["error_description"], why);
        assert_eq!(books.exchange("app", &code, BACK).await.0, 400);
    }
}
