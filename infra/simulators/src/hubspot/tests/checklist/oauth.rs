//! Refreshing, and access tokens that end.

use super::*;

impl Fixture {
    /// Asks the token endpoint at `path` with this form, whose values need no escapes.
    async fn token(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.http.post(format!("{}{path}", self.serving.url));
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body(body.join("&"));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

fn refresh<'a>(
    client_id: &'a str,
    client_secret: &'a str,
    refresh_token: &'a str,
) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("client_secret", client_secret),
        ("refresh_token", refresh_token),
    ]
}

#[tokio::test]
async fn item_7_a_refresh_gives_a_fresh_token_for_half_an_hour_and_the_same_refresh_token() {
    let fixture = fixture().await;
    let mut seen = Vec::new();
    for path in ["/oauth/2026-03/token", "/oauth/v3/token", "/oauth/v1/token"] {
        let (status, tokens) = fixture.token(path, &refresh("app", "app-secret", "lasting")).await;
        assert_eq!(
            (status, &tokens["expires_in"], &tokens["hub_id"]),
            (200, &json!(1800), &json!(1_000_001))
        );
        assert_eq!(tokens["refresh_token"], "lasting");
        assert_eq!(tokens["scopes"], json!(["crm.objects.deals.read"]));
        seen.push(tokens["access_token"].as_str().unwrap().to_owned());
        assert_eq!(seen.last().unwrap().len(), 512);
    }
    assert!(seen[0] != seen[1] && seen[1] != seen[2]);
    assert_eq!(fixture.get("/_sim/state").await.1["refreshes"], 3);
    assert_eq!(fixture.get_as(&seen[0], DEAL).await.0, 200);
    assert_eq!(fixture.get_as(&seen[0], &format!("{DEAL}?associations=contacts")).await.0, 403);

    fixture.advance(1795).await;
    assert_eq!(fixture.get_as(&seen[0], DEAL).await.0, 200);
    fixture.advance(10).await;
    let (status, body) = fixture.get_as(&seen[0], DEAL).await;
    assert_eq!((status, &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
}

#[tokio::test]
async fn item_7_a_dead_grant_and_wrong_credentials_are_told_apart_by_the_body_only() {
    let fixture = fixture().await;
    for (form, error, status) in [
        (refresh("app", "app-secret", "uninstalled"), "invalid_grant", "BAD_REFRESH_TOKEN"),
        (refresh("app", "app-secret", "another"), "invalid_grant", "BAD_REFRESH_TOKEN"),
        (refresh("another", "app-secret", "lasting"), "invalid_client", "BAD_CLIENT_ID"),
        (refresh("app", "guessed", "lasting"), "invalid_client", "BAD_CLIENT_SECRET"),
    ] {
        let (answered, body) = fixture.token("/oauth/2026-03/token", &form).await;
        assert_eq!((answered, &body["error"], &body["status"]), (400, &json!(error), &json!(status)));
        assert_eq!(body["message"], body["error_description"]);
    }
    assert_eq!(fixture.get("/_sim/state").await.1["refreshes"], 0);
    assert_eq!(fixture.unexpected_calls(), 0);
}

#[tokio::test]
async fn item_7_credentials_in_the_query_another_grant_type_and_json_are_not_simulated() {
    let fixture = fixture().await;
    let form = refresh("app", "app-secret", "lasting");
    assert_eq!(fixture.token("/oauth/v1/token?client_id=app", &form).await.0, 400);
    let mut other = form;
    other[0].1 = "client_credentials";
    assert_eq!(fixture.token("/oauth/2026-03/token", &other).await.0, 400);
    let as_json = json!({ "grant_type": "refresh_token", "refresh_token": "lasting" });
    assert_eq!(fixture.post("/oauth/2026-03/token", &as_json).await.0, 400);
    assert_eq!(fixture.unexpected_calls(), 3);
}
