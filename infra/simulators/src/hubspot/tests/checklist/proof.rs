//! Proof of who asked for a code, and portals that are gone (hubspot.md §5.1, §5.2).

use super::install::{BACK, consent, query};
use super::*;

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Fixture {
    async fn prove(&self, code: &str, verifier: Option<&str>) -> (u16, Value) {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("client_secret", "app-secret"),
            ("code", code),
            ("redirect_uri", BACK),
        ];
        pairs.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        self.form("/oauth/2026-03/token", &pairs).await
    }
}

#[tokio::test]
async fn item_7_a_code_with_a_challenge_is_exchanged_with_its_verifier_alone() {
    let fixture = fixture().await;
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let code = fixture.code(&challenge).await;
    assert_eq!(fixture.prove(&code, Some(VERIFIER)).await.0, 200);
    let wrong = VERIFIER.replace('d', "e");
    for verifier in [None, Some(wrong.as_str()), Some("short")] {
        let code = fixture.code(&challenge).await;
        let (status, refused) = fixture.prove(&code, verifier).await;
        assert_eq!((status, &refused["status"]), (400, &json!("BAD_CODE_VERIFIER")));
        assert_eq!(refused["error"], "invalid_grant");
        assert_eq!(fixture.prove(&code, Some(VERIFIER)).await.1["status"], "BAD_AUTH_CODE");
    }
    let code = fixture.code(&[]).await;
    assert_eq!(fixture.prove(&code, Some(VERIFIER)).await.1["status"], "BAD_CODE_VERIFIER");
    assert_eq!(fixture.unexpected_calls(), 0);
}

#[tokio::test]
async fn item_7_a_challenge_is_of_method_s256_and_outlives_the_choice_of_the_portal() {
    let fixture = fixture().await;
    for method in ["", "plain"] {
        let changes = [("code_challenge", CHALLENGE), ("code_challenge_method", method)];
        assert_eq!(fixture.authorize("/oauth/authorize", &consent(&changes)).await.0, 400, "{method:?}");
    }
    let changes = [("portal_id", ""), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let (_, page, _) = fixture.authorize("/oauth/authorize", &consent(&changes)).await;
    let link = page.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let (_, _, back) = fixture.authorize(&format!("/oauth/authorize{link}"), &[]).await;
    let code = query(&back.unwrap())["code"].clone();
    assert_eq!(fixture.prove(&code, None).await.1["status"], "BAD_CODE_VERIFIER");
}

#[tokio::test]
async fn item_7_of_a_deleted_portal_no_token_works_and_none_is_given_out() {
    let fixture = fixture().await;
    let code = fixture.code(&[]).await;
    fixture.seeded(json!({ "accounts": [{ "portal_id": 1_000_001, "deleted": true }] })).await;
    for (status, refused) in [fixture.refresh_with("lasting").await, fixture.prove(&code, None).await] {
        let told = (&refused["error"], &refused["status"]);
        assert_eq!((status, told), (400, (&json!("access_denied"), &json!("BAD_HUB"))));
    }
    assert_eq!(fixture.get(DEAL).await.0, 401);
    assert_eq!(fixture.get_as("other", DEAL).await.0, 404);
    for token in ["all", "lasting"] {
        assert_eq!(fixture.about("introspect", token).await.1, json!({ "active": false }));
    }
    let (status, page, _) = fixture.authorize("/oauth/authorize", &consent(&[])).await;
    assert_eq!((status, page.contains("there is no account 1000001")), (400, true));
}
