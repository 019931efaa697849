//! Refreshing tokens.

use super::*;

const REFRESH_TOKEN: &str = "consent-1";

async fn granted() -> Books {
    let books = books().await;
    let seed = json!({"clients": [{"client_id": "app", "client_secret": "hush"}],
        "grants": [{"realm_id": REALM, "refresh_token": REFRESH_TOKEN}]});
    books.quickbooks.seed(seed).unwrap();
    books
}

impl Books {
    /// The token call in the making, with a body.
    fn token_call(&self, body: String) -> RequestBuilder {
        let url = format!("{}/oauth2/v1/tokens/bearer", self.serving.url);
        let request = self.client.post(url).basic_auth("app", Some("hush")).body(body);
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    async fn refresh(&self, refresh_token: &str) -> (u16, Value) {
        let body = format!("grant_type=refresh_token&refresh_token={refresh_token}");
        json_of(self.token_call(body)).await
    }

    async fn advance(&self, seconds: i64) {
        let url = format!("{}/_sim/clock", self.serving.url);
        self.client.post(url).json(&json!({"advance_seconds": seconds})).send().await.unwrap();
    }

    /// The status of a call with this access token.
    async fn opens(&self, access_token: &Value) -> u16 {
        let request = self.client.get(self.url("preferences")).header("accept", "application/json");
        json_of(request.bearer_auth(access_token.as_str().unwrap())).await.0
    }

    fn grant(&self) -> Value {
        self.quickbooks.state()["grants"][0].clone()
    }
}

#[tokio::test]
async fn discovery_names_endpoints_on_this_server() {
    let books = granted().await;
    let url = format!("{}/.well-known/openid_configuration", books.serving.url);
    let (status, document) = json_of(books.client.get(url)).await;
    let endpoint = format!("{}/oauth2/v1/tokens/bearer", books.serving.url);
    assert_eq!((status, document["token_endpoint"].as_str()), (200, Some(endpoint.as_str())));
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
    assert_eq!(tokens.get("x_refresh_token_hard_expires_in"), None);
    let (_, later) = books.refresh(REFRESH_TOKEN).await;
    assert_ne!(later["access_token"], tokens["access_token"]);
    for tokens in [&tokens, &later] {
        assert_eq!(books.opens(&tokens["access_token"]).await, 200);
    }
    books.advance(3600).await;
    assert_eq!(books.opens(&later["access_token"]).await, 401);
    let paths: Vec<_> = books.quickbooks.control().calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths.iter().filter(|path| path.ends_with("/tokens/bearer")).count(), 2);
}

#[tokio::test]
async fn a_day_after_the_last_change_the_refresh_token_changes_and_the_old_one_is_dead() {
    let books = granted().await;
    books.advance(23 * 3600).await;
    assert_eq!(books.refresh(REFRESH_TOKEN).await.1["refresh_token"], REFRESH_TOKEN);
    books.advance(3600).await;
    let (_, tokens) = books.refresh(REFRESH_TOKEN).await;
    let new = tokens["refresh_token"].as_str().unwrap();
    assert_ne!(new, REFRESH_TOKEN);
    let dead = json!({"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"});
    assert_eq!(books.refresh(REFRESH_TOKEN).await, (400, dead));
    assert_eq!(books.refresh(new).await.1["refresh_token"], new);
    let grant = books.grant();
    assert_eq!((&grant["refresh_token"], &grant["refreshed"]), (&json!(new), &json!(3)));
}

#[tokio::test]
async fn a_grant_dies_unused_after_a_hundred_days_and_used_after_five_years() {
    const HUNDRED_DAYS: i64 = 100 * 86_400;
    let books = granted().await;
    let mut token = json!(REFRESH_TOKEN);
    let mut refreshes = 0;
    loop {
        books.advance(HUNDRED_DAYS).await;
        let (status, tokens) = books.refresh(token.as_str().unwrap()).await;
        if status == 400 {
            break;
        }
        token = tokens["refresh_token"].clone();
        refreshes += 1;
    }
    assert_eq!(refreshes, 18, "of 1825 days");
    let books = granted().await;
    books.advance(HUNDRED_DAYS + 86_400).await;
    assert_eq!(books.refresh(REFRESH_TOKEN).await.0, 400);
}

#[tokio::test]
async fn the_end_of_the_grant_is_told_to_who_asks() {
    let books = granted().await;
    let body = format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}");
    let call = books.token_call(body).header("x-include-refresh-token-hard-expires-in", "true");
    let left = json_of(call).await.1["x_refresh_token_hard_expires_in"].as_i64().unwrap();
    assert_eq!(left / 86_400, 5 * 365 - 1);
}

#[tokio::test]
async fn each_bad_token_call_has_its_error() {
    let books = granted().await;
    let good = format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}");
    let call = |body: &str| books.token_call(body.to_owned());
    let bare = books.client.post(format!("{}/oauth2/v1/tokens/bearer", books.serving.url));
    let cases = [
        (401, "invalid_client", bare.body(good.clone())),
        (400, "invalid_request", call("")),
        (400, "invalid_request", call("grant_type=refresh_token")),
        (400, "invalid_grant", call("grant_type=refresh_token&refresh_token=unknown")),
        (400, "unsupported_grant_type", call("grant_type=authorization_code&code=x")),
    ];
    for (status, error, call) in cases {
        let (answered, body) = json_of(call).await;
        assert_eq!((answered, &body["error"]), (status, &json!(error)));
    }
    let wrong = books.client.post(format!("{}/oauth2/v1/tokens/bearer", books.serving.url));
    let (status, _) = json_of(wrong.basic_auth("app", Some("louder")).body(good)).await;
    assert_eq!((status, books.grant()["refreshed"].as_u64()), (401, Some(0)));
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
