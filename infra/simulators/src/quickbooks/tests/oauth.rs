//! Refreshing tokens: what a grant gives, when its refresh token changes, and when it ends by itself.

use super::*;

const REFRESH_TOKEN: &str = "consent-1";
const DAY: i64 = 86_400;

async fn granted() -> Books {
    let books = books().await;
    let seed = json!({"clients": [{"client_id": "app", "client_secret": "hush"}],
        "grants": [{"realm_id": REALM, "refresh_token": REFRESH_TOKEN}]});
    books.quickbooks.seed(seed).unwrap();
    books
}

/// A grant whose refresh token was just changed, and the new one.
async fn rotated(rotated_token: &str) -> (Books, String) {
    let books = granted().await;
    books.switch(json!({"rotated_token": rotated_token}));
    books.later(DAY).await;
    let (_, tokens) = books.refresh(REFRESH_TOKEN).await;
    let new = tokens["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(new, REFRESH_TOKEN);
    (books, new)
}

fn dead() -> (u16, Value) {
    (400, json!({"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"}))
}

impl Books {
    /// The token call in the making, with a body.
    pub(super) fn token_call(&self, body: String) -> RequestBuilder {
        let url = format!("{}/oauth2/v1/tokens/bearer", self.serving.url);
        let request = self.client.post(url).basic_auth("app", Some("hush")).body(body);
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(super) async fn refresh(&self, refresh_token: &str) -> (u16, Value) {
        let body = format!("grant_type=refresh_token&refresh_token={refresh_token}");
        json_of(self.token_call(body)).await
    }

    /// The status of a call with this access token.
    pub(super) async fn opens(&self, access_token: &Value) -> u16 {
        let request = self.client.get(self.url("preferences")).header("accept", "application/json");
        json_of(request.bearer_auth(access_token.as_str().unwrap())).await.0
    }

    pub(super) fn grant(&self) -> Value {
        self.quickbooks.state()["grants"][0].clone()
    }
}

#[tokio::test]
async fn discovery_names_endpoints_on_this_server() {
    let books = granted().await;
    for name in ["openid_configuration", "openid_sandbox_configuration", "openid_configuration/"] {
        let url = format!("{}/.well-known/{name}", books.serving.url);
        let (status, document) = json_of(books.client.get(url)).await;
        assert_eq!(status, 200);
        let endpoints = [
            ("authorization_endpoint", "/connect/oauth2"),
            ("token_endpoint", "/oauth2/v1/tokens/bearer"),
            ("revocation_endpoint", "/v2/oauth2/tokens/revoke"),
            ("userinfo_endpoint", "/v1/openid_connect/userinfo"),
            ("issuer", "/op/v1"),
            ("jwks_uri", "/op/v1/jwks"),
        ];
        for (endpoint, path) in endpoints {
            assert_eq!(document[endpoint], json!(format!("{}{path}", books.serving.url)), "{name}");
        }
    }
}

#[tokio::test]
async fn a_refresh_gives_an_access_token_for_an_hour() {
    let books = granted().await;
    let (status, tokens) = books.refresh(REFRESH_TOKEN).await;
    assert_eq!((status, &tokens["token_type"], &tokens["expires_in"]), (200, &json!("bearer"), &json!(3600)));
    assert_eq!(
        (&tokens["refresh_token"], books.grant()["refreshed"].as_u64()),
        (&json!(REFRESH_TOKEN), Some(1))
    );
    assert_eq!(tokens["x_refresh_token_expires_in"], 8_726_400);
    assert_eq!((tokens.get("x_refresh_token_hard_expires_in"), tokens.get("id_token")), (None, None));
    books.later(3590).await;
    assert_eq!(books.opens(&tokens["access_token"]).await, 200);
    books.later(10).await;
    assert_eq!(books.opens(&tokens["access_token"]).await, 401);
    let paths: Vec<_> = books.quickbooks.control().calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths.iter().filter(|path| path.ends_with("/tokens/bearer")).count(), 1);
}

#[tokio::test]
async fn a_refresh_ends_the_access_tokens_before_it_unless_the_switch_lets_them_live() {
    for (switches, expected) in [(json!({}), 401), (json!({"earlier_access_tokens": "live"}), 200)] {
        let books = granted().await;
        books.switch(switches);
        let (_, first) = books.refresh(REFRESH_TOKEN).await;
        let (_, second) = books.refresh(REFRESH_TOKEN).await;
        assert_eq!(books.opens(&first["access_token"]).await, expected);
        assert_eq!(books.opens(&second["access_token"]).await, 200);
        assert_eq!(books.opens(&json!("good")).await, 200, "a seeded one is no grant's");
    }
}

#[tokio::test]
async fn item_1_a_wrong_or_ended_token_is_told_in_lower_case_with_a_challenge() {
    let books = books().await;
    for token in ["wrong", "ended"] {
        let request = books.client.get(books.url("preferences")).bearer_auth(token);
        let answer = request.header("accept", "application/json").send().await.unwrap();
        let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert_eq!(answer.status(), 401);
        assert_eq!(challenge, "Bearer realm=\"Intuit\", error=\"invalid_token\"");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(body["fault"]["error"][0]["code"], "3200");
        assert!(body.get("Fault").is_none(), "{body}");
    }
}

#[tokio::test]
async fn item_1_a_token_of_another_realm_is_403_and_3100() {
    let books = books().await;
    let request = books.client.get(books.url("preferences")).bearer_auth("other");
    let (status, body) = json_of(request.header("accept", "application/json")).await;
    assert_eq!((status, &body["fault"]["error"][0]["code"]), (403, &json!("3100")));
}

#[tokio::test]
async fn item_1_a_refresh_token_stays_the_same_for_24_hours_and_then_changes() {
    let books = granted().await;
    books.later(DAY - 60).await;
    assert_eq!(books.refresh(REFRESH_TOKEN).await.1["refresh_token"], REFRESH_TOKEN);
    books.later(60).await;
    let (_, tokens) = books.refresh(REFRESH_TOKEN).await;
    let new = tokens["refresh_token"].as_str().unwrap();
    assert_ne!(new, REFRESH_TOKEN);
    assert_eq!(books.refresh(new).await.1["refresh_token"], new);
    let grant = books.grant();
    assert_eq!((&grant["refresh_token"], &grant["refreshed"]), (&json!(new), &json!(3)));
}

#[tokio::test]
async fn item_1_the_old_refresh_token_dies_at_once() {
    let (books, new) = rotated("dies").await;
    assert_eq!(books.refresh(REFRESH_TOKEN).await, dead());
    assert_eq!(books.refresh(&new).await.0, 200, "the grant is none the worse");
}

#[tokio::test]
async fn item_1_by_a_switch_the_old_refresh_token_lives_24_hours_and_buys_the_new_one() {
    let (books, new) = rotated("lives_a_day").await;
    books.later(DAY - 60).await;
    let (status, tokens) = books.refresh(REFRESH_TOKEN).await;
    assert_eq!((status, &tokens["refresh_token"]), (200, &json!(new)));
    assert_eq!(books.opens(&tokens["access_token"]).await, 200);
    books.later(60).await;
    assert_eq!(books.refresh(REFRESH_TOKEN).await, dead());
    assert_eq!(books.refresh(&new).await.0, 200);
}

#[tokio::test]
async fn by_that_switch_only_the_refresh_token_just_before_lives() {
    let (books, new) = rotated("lives_a_day").await;
    books.later(DAY).await;
    assert_ne!(books.refresh(&new).await.1["refresh_token"], json!(new));
    assert_eq!(books.refresh(REFRESH_TOKEN).await, dead());
    assert_eq!(books.refresh(&new).await.0, 200);
}

#[tokio::test]
async fn item_1_by_a_switch_the_use_of_the_old_refresh_token_kills_the_grant() {
    let (books, new) = rotated("kills_grant").await;
    let (_, tokens) = books.refresh(&new).await;
    assert_eq!(books.refresh(REFRESH_TOKEN).await, dead());
    assert_eq!(books.refresh(&new).await, dead());
    assert_eq!(
        (books.opens(&tokens["access_token"]).await, &books.grant()["ended"]),
        (401, &json!("reused"))
    );
}

#[tokio::test]
async fn a_grant_dies_unused_after_a_hundred_days_and_used_after_five_years() {
    const HUNDRED_DAYS: i64 = 100 * DAY;
    const AN_HOUR: i64 = 3600;
    let books = granted().await;
    let mut token = json!(REFRESH_TOKEN);
    let mut refreshes = 0;
    loop {
        books.later(HUNDRED_DAYS - AN_HOUR).await;
        let (status, tokens) = books.refresh(token.as_str().unwrap()).await;
        if status == 400 {
            break;
        }
        token = tokens["refresh_token"].clone();
        refreshes += 1;
    }
    assert_eq!(refreshes, 18, "of 1825 days");
    let books = granted().await;
    books.later(HUNDRED_DAYS).await;
    assert_eq!(books.refresh(REFRESH_TOKEN).await, dead());
}

#[tokio::test]
async fn the_end_of_the_grant_is_told_to_who_asks() {
    let books = granted().await;
    let body = format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}");
    let call = books.token_call(body).header("x-include-refresh-token-hard-expires-in", "true");
    let left = json_of(call).await.1["x_refresh_token_hard_expires_in"].as_i64().unwrap();
    assert_eq!(left / DAY, 5 * 365 - 1);
}

#[tokio::test]
async fn item_1_the_token_endpoint_takes_basic_authentication_only_and_each_bad_call_has_its_error() {
    let books = granted().await;
    let good = format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}");
    let call = |body: &str| books.token_call(body.to_owned());
    let url = format!("{}/oauth2/v1/tokens/bearer", books.serving.url);
    let bare = |body: String| {
        let request = books.client.post(&url).body(body);
        request.header("content-type", "application/x-www-form-urlencoded")
    };
    let json = json!({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN});
    let cases = [
        (401, "invalid_client", bare(good.clone())),
        (401, "invalid_client", bare(format!("{good}&client_id=app&client_secret=hush"))),
        (401, "invalid_client", bare(good.clone()).basic_auth("app", Some("louder"))),
        (401, "invalid_client", bare(good).basic_auth("nobody", Some("hush"))),
        (400, "invalid_request", books.client.post(&url).basic_auth("app", Some("hush")).json(&json)),
        (400, "invalid_request", call("")),
        (400, "invalid_request", call("grant_type=refresh_token")),
        (400, "invalid_request", call("grant_type=authorization_code&code=x")),
        (400, "invalid_grant", call("grant_type=refresh_token&refresh_token=unknown")),
        (400, "invalid_grant", call("grant_type=authorization_code&code=x&redirect_uri=y")),
        (400, "unsupported_grant_type", call("grant_type=password&username=x&password=y")),
    ];
    for (status, error, call) in cases {
        let (answered, body) = json_of(call).await;
        assert_eq!((answered, &body["error"]), (status, &json!(error)));
    }
    assert_eq!(books.grant()["refreshed"].as_u64(), Some(0));
}

#[tokio::test]
async fn a_grant_seeded_again_stays_and_one_of_no_company_is_refused() {
    let books = granted().await;
    books.refresh(REFRESH_TOKEN).await;
    let grant = |realm: &str| json!({"grants": [{"realm_id": realm, "refresh_token": REFRESH_TOKEN}]});
    books.quickbooks.seed(grant(REALM)).unwrap();
    assert_eq!(books.grant()["refreshed"], 1);
    assert!(books.quickbooks.seed(grant("404")).unwrap_err().contains("404"));
}

#[tokio::test]
async fn tokens_are_as_long_as_intuits() {
    let books = granted().await;
    let (_, tokens) = books.refresh(REFRESH_TOKEN).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!((access.len(), access.starts_with("eyJ")), (1024, true));
    books.later(DAY).await;
    let (_, tokens) = books.refresh(REFRESH_TOKEN).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(refresh.len(), 512);
    assert_ne!(tokens["access_token"], access);
    assert_eq!((books.refresh(refresh).await.0, refresh.contains(['+', '/', '='])), (200, false));
}

#[tokio::test]
async fn the_second_of_two_refreshes_at_the_same_time_gets_what_the_switch_says() {
    for (switch, expected) in [("invalid_grant", 400), ("same_tokens", 200)] {
        let books = granted().await;
        books.switch(json!({"handling_ms": 3_600_000, "concurrent_refreshes": switch}));
        let asked = |books: &Books| {
            let body = format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}");
            tokio::spawn(json_of(books.token_call(body)))
        };
        let calls = [asked(&books), asked(&books)];
        // Both have come in, and where one is refused at once, that one is answered.
        let answered = if switch == "invalid_grant" { 1 } else { 0 };
        loop {
            let seen = books.quickbooks.control().calls();
            let done = seen.iter().filter(|call| call.ended_us.is_some()).count();
            if (seen.len(), done) == (2, answered) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        // A call is in the log a moment before its turn comes.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert_eq!(books.grant()["refreshed"], 0);
        books.later(3601).await;
        let [first, second] = calls;
        let mut answers = [first.await.unwrap(), second.await.unwrap()];
        answers.sort_by_key(|(status, _)| *status);
        let [good, other] = answers;
        assert_eq!((good.0, other.0, books.grant()["refreshed"].as_u64()), (200, expected, Some(1)));
        assert_eq!(good.1 == other.1, switch == "same_tokens");
        books.switch(json!({}));
        assert_eq!(books.opens(&good.1["access_token"]).await, 200, "the grant is none the worse");
    }
}
