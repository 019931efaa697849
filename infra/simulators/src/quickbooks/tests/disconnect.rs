//! Ends of a grant that somebody wanted: revoked, disconnected inside QuickBooks, replaced by another.

use reqwest::redirect::Policy;

use super::consent::connectable;
use super::*;

impl Books {
    fn revoke_call(&self, client_id: &str) -> RequestBuilder {
        let url = format!("{}/v2/oauth2/tokens/revoke", self.serving.url);
        self.client.post(url).basic_auth(client_id, Some("hush"))
    }

    async fn revoke(&self, client_id: &str, token: &Value) -> (u16, String) {
        told(self.revoke_call(client_id).json(&json!({"token": token}))).await
    }

    async fn disconnect(&self, body: Value) -> (u16, Value) {
        json_of(self.client.post(format!("{}/_sim/disconnect", self.serving.url)).json(&body)).await
    }

    async fn assert_dead(&self, tokens: &Value) {
        assert_eq!(self.opens(&tokens["access_token"]).await, 401);
        let (status, body) = self.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    }

    async fn assert_alive(&self, tokens: &Value) {
        assert_eq!(self.opens(&tokens["access_token"]).await, 200);
    }

    fn ends(&self) -> Vec<Value> {
        let state = self.quickbooks.state();
        state["grants"].as_array().unwrap().iter().map(|grant| grant["ended"].clone()).collect()
    }
}

async fn told(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn either_token_revokes_the_grant() {
    for kind in ["refresh_token", "access_token"] {
        let books = connectable().await;
        let tokens = books.connect("app").await;
        assert_eq!(books.revoke("app", &tokens[kind]).await, (200, String::new()), "{kind}");
        books.assert_dead(&tokens).await;
        assert_eq!(books.ends(), [json!("revoked")]);
    }
}

#[tokio::test]
async fn a_revocation_may_be_a_form() {
    let books = connectable().await;
    let tokens = books.connect("app").await;
    let body = format!("token={}", tokens["refresh_token"].as_str().unwrap());
    let call =
        books.revoke_call("app").header("content-type", "application/x-www-form-urlencoded").body(body);
    assert_eq!(told(call).await.0, 200);
    books.assert_dead(&tokens).await;
}

#[tokio::test]
async fn each_bad_revocation_has_its_error_and_ends_nothing() {
    let books = connectable().await;
    let tokens = books.connect("app").await;
    let body = json!({"token": tokens["refresh_token"]});
    let url = format!("{}/v2/oauth2/tokens/revoke", books.serving.url);
    let cases = [
        (401, "invalid_client", books.client.post(&url).json(&body)),
        (401, "invalid_client", books.revoke_call("nobody").json(&body)),
        (400, "invalid_grant", books.revoke_call("another").json(&body)),
        (400, "invalid_grant", books.revoke_call("app").json(&json!({"token": "unknown"}))),
        (400, "invalid_request", books.revoke_call("app").json(&json!({"refresh_token": "x"}))),
        (400, "invalid_request", books.revoke_call("app").body("token")),
    ];
    for (status, error, call) in cases {
        let (answered, body) = json_of(call).await;
        assert_eq!((answered, &body["error"]), (status, &json!(error)));
    }
    books.assert_alive(&tokens).await;
    books.revoke("app", &tokens["access_token"]).await;
    let gone = books.revoke("app", &tokens["refresh_token"]).await;
    assert_eq!(gone, (400, String::new()), "it is gone already, and nobody says so");
    books.switch(json!({"ended_grant": "invalid_grant"}));
    let (status, body) = books.revoke("app", &tokens["refresh_token"]).await;
    assert!(status == 400 && body.contains("invalid_grant"), "{status} {body}");
}

#[tokio::test]
async fn an_access_token_that_ended_revokes_nothing() {
    let books = connectable().await;
    let tokens = books.connect("app").await;
    books.later(3600).await;
    assert_eq!(books.revoke("app", &tokens["access_token"]).await.0, 400);
    assert_eq!(books.refresh(tokens["refresh_token"].as_str().unwrap()).await.0, 200);
}

#[tokio::test]
async fn a_person_disconnects_the_app_inside_quickbooks_and_lands_on_its_page() {
    let books = connectable().await;
    let (tokens, other) = (books.connect("app").await, books.connect("another").await);
    let (status, told) = books.disconnect(json!({"realm_id": REALM, "client_id": "app"})).await;
    let landing = format!("https://app.example/gone?from=intuit&realmId={REALM}");
    assert_eq!((status, told), (200, json!({"ended": 1, "disconnect_url": landing})));
    books.assert_dead(&tokens).await;
    books.assert_alive(&other).await;
    assert_eq!(books.ends(), [json!("disconnected"), Value::Null]);
}

#[tokio::test]
async fn without_an_app_all_are_disconnected_and_seeded_tokens_with_them() {
    let books = connectable().await;
    let (tokens, other) = (books.connect("app").await, books.connect("another").await);
    assert_eq!(books.disconnect(json!({"realm_id": REALM})).await.1["ended"], 2);
    for access_token in [&tokens["access_token"], &other["access_token"], &json!("good")] {
        assert_eq!(books.opens(access_token).await, 401);
    }
    let other_company = books.client.get(format!("{}/v3/company/2/preferences", books.serving.url));
    let other_company = other_company.bearer_auth("other").header("accept", "application/json");
    assert_eq!(json_of(other_company).await.0, 200);
    assert!(books.quickbooks.control().calls().iter().all(|call| !call.path.starts_with("/_sim")));
}

#[tokio::test]
async fn a_button_that_disconnects_sends_the_browser_to_the_app() {
    let books = connectable().await;
    let tokens = books.connect("app").await;
    let browser = Client::builder().redirect(Policy::none()).build().unwrap();
    let button = |body: String| {
        let request = browser.post(format!("{}/_sim/disconnect", books.serving.url)).body(body);
        request.header("content-type", "application/x-www-form-urlencoded")
    };
    let answer = button(format!("realm_id={REALM}&client_id=app")).send().await.unwrap();
    let landing = format!("https://app.example/gone?from=intuit&realmId={REALM}");
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"].to_str().unwrap(), landing);
    books.assert_dead(&tokens).await;
    assert_eq!(button("realm_id=404".to_owned()).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn connecting_the_company_again_ends_the_grant_before_unless_the_switch_lets_it_stand() {
    let books = connectable().await;
    let first = books.connect("app").await;
    let another = books.connect("another").await;
    let second = books.connect("app").await;
    books.assert_dead(&first).await;
    books.assert_alive(&another).await;
    books.assert_alive(&second).await;
    assert_eq!(books.ends(), [json!("replaced"), Value::Null, Value::Null]);

    let books = connectable().await;
    books.switch(json!({"second_grant": "stands_beside"}));
    let (first, second) = (books.connect("app").await, books.connect("app").await);
    books.assert_alive(&first).await;
    books.revoke("app", &second["refresh_token"]).await;
    books.assert_alive(&first).await;
    books.assert_dead(&second).await;
}

#[tokio::test]
async fn after_a_disconnect_the_company_can_be_connected_again() {
    let books = connectable().await;
    let first = books.connect("app").await;
    books.disconnect(json!({"realm_id": REALM})).await;
    let second = books.connect("app").await;
    books.assert_dead(&first).await;
    books.assert_alive(&second).await;
}

#[tokio::test]
async fn a_refresh_token_buys_nothing_with_the_keys_of_another_app() {
    let books = connectable().await;
    let tokens = books.connect("another").await;
    let (status, body) = books.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    let why = json!({"error": "invalid_grant", "error_description": "Incorrect Token type or clientID"});
    assert_eq!((status, body), (400, why));
    books.assert_alive(&tokens).await;
}

#[tokio::test]
async fn a_seeded_grant_is_revoked_by_its_seeded_access_token_too() {
    let books = connectable().await;
    let grant = json!({"realm_id": REALM, "refresh_token": "consent-1", "client_id": "app"});
    books.quickbooks.seed(json!({"grants": [grant]})).unwrap();
    assert_eq!(books.revoke("another", &json!("good")).await.0, 400);
    assert_eq!(books.revoke("app", &json!("good")).await.0, 200);
    books.assert_dead(&json!({"access_token": "good", "refresh_token": "consent-1"})).await;
}
