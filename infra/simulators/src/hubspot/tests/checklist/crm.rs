//! Records, one by one and in batches (hubspot.md §6).

use super::*;

#[tokio::test]
async fn item_8_a_read_answers_null_for_unset_nothing_for_unknown_and_dates_unasked() {
    let fixture = fixture().await;
    let (status, deal) = fixture.get(&format!("{DEAL}?properties=dealname,amount,own_number,nonsense")).await;
    let mut properties = deal["properties"].as_object().unwrap().clone();
    assert!(properties.remove("createdate").unwrap().as_str().unwrap().ends_with('Z'));
    assert_eq!(properties.remove("hs_lastmodifieddate").unwrap(), deal["updatedAt"]);
    let expected = json!({
        "dealname": "Acme renewal", "amount": null, "own_number": "7", "hs_object_id": "8800000001"
    });
    assert_eq!((status, Value::Object(properties)), (200, expected));
    assert_eq!(deal.get("associations"), None);
}

#[tokio::test]
async fn item_8_a_missing_or_archived_record_and_one_of_another_portal_are_404() {
    let fixture = fixture().await;
    let tries = [("all", "8800000009"), ("all", "8800000002"), ("other", "8800000001")];
    for (token, id) in tries {
        let (status, body) = fixture.get_as(token, &format!("/crm/v3/objects/deals/{id}")).await;
        assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    }
}

#[tokio::test]
async fn item_8_bearer_and_scopes_are_checked_and_the_missing_scope_is_named() {
    let fixture = fixture().await;
    let tries = [("nobody", 401, "INVALID_AUTHENTICATION"), ("old", 401, "EXPIRED_AUTHENTICATION")];
    for (token, status, category) in tries {
        let (answered, body) = fixture.get_as(token, DEAL).await;
        assert_eq!((answered, &body["category"]), (status, &json!(category)));
    }
    assert_eq!(fixture.get_as("deals", DEAL).await.0, 200);
    let (status, body) = fixture.get_as("deals", &format!("{DEAL}?associations=contacts")).await;
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.read"]));
}

#[tokio::test]
async fn item_8_a_batch_comes_in_reverse_and_names_the_missing_ids_with_207() {
    let fixture = fixture().await;
    let batch = json!({ "inputs": [{ "id": "502" }, { "id": "501" }], "properties": ["email"] });
    let (status, body) =
        fixture.post("/crm/objects/2026-03/contacts/batch/read?archived=false", &batch).await;
    assert_eq!((status, ids(&body["results"])), (200, vec!["501", "502"]));
    assert_eq!(body["results"][0]["properties"]["email"], "ann@acme.example");
    assert_eq!(body["results"][1]["properties"]["email"], Value::Null);
    let batch = json!({ "inputs": [{ "id": "501" }, { "id": "599" }], "propertiesWithHistory": [] });
    let (status, body) = fixture.post("/crm/v3/objects/0-1/batch/read", &batch).await;
    assert_eq!((status, ids(&body["results"]), &body["numErrors"]), (207, vec!["501"], &json!(1)));
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["599"]));
}

#[tokio::test]
async fn item_8_what_a_batch_cannot_do_is_refused() {
    let fixture = fixture().await;
    let path = "/crm/objects/2026-03/line_items/batch/read";
    let inputs: Vec<Value> = (601..702).map(|id| json!({ "id": id.to_string() })).collect();
    assert_eq!(fixture.post(path, &json!({ "inputs": inputs })).await.0, 400);
    assert_eq!(fixture.post(path, &json!({ "inputs": inputs[..100] })).await.0, 200);
    assert_eq!(fixture.unexpected_calls(), 0);
    let with_associations = json!({ "inputs": [{ "id": "601" }], "associations": ["deals"] });
    assert_eq!(fixture.post(path, &with_associations).await.0, 400);
    assert_eq!(fixture.unexpected_calls(), 1);
}

#[tokio::test]
async fn item_8_properties_are_strings_or_null_and_nothing_else_can_be_seeded() {
    let fixture = fixture().await;
    let (_, deal) = fixture.get(&format!("{DEAL}?properties=amount,dealname,hs_is_closed_won")).await;
    let properties = deal["properties"].as_object().unwrap();
    assert!(properties.values().all(|value| value.is_string() || value.is_null()), "{properties:?}");
    for value in [json!(5), json!(true), json!(["a"])] {
        let deal = json!({ "id": "1", "properties": { "amount": value } });
        let seed = json!({ "portals": [{ "portal_id": 1_000_001, "objects": { "deals": [deal] } }] });
        assert_eq!(fixture.post("/_sim/seed", &seed).await.0, 400);
    }
}

#[tokio::test]
async fn item_8_every_call_answers_on_its_dated_path_and_on_its_legacy_one() {
    let fixture = fixture().await;
    for path in ["/crm/objects/2026-03/deals/8800000001", "/crm/v3/objects/deals/8800000001"] {
        assert_eq!(fixture.get(path).await.0, 200, "{path}");
    }
    for path in ["/crm/objects/2026-03", "/crm/v4/objects"] {
        let path = format!("{path}/deals/8800000001/associations/contacts");
        assert_eq!(fixture.get(&path).await.0, 200, "{path}");
    }
    let inputs = |id: &str| json!({ "inputs": [{ "id": id }] });
    for path in ["/crm/objects/2026-03/contacts/batch/read", "/crm/v3/objects/contacts/batch/read"] {
        assert_eq!(fixture.post(path, &inputs("501")).await.0, 200, "{path}");
    }
    for path in ["/crm/associations/2026-03", "/crm/v4/associations"] {
        let path = format!("{path}/deals/contacts/batch/read");
        assert_eq!(fixture.post(&path, &inputs("8800000001")).await.0, 200, "{path}");
    }
    assert_eq!(fixture.unexpected_calls(), 0);
    assert_eq!(
        fixture
            .http
            .get(format!("{}/crm/objects/2025-09/deals/1", fixture.serving.url))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(fixture.unexpected_calls(), 1);
}

#[tokio::test]
async fn item_8_what_the_scope_e_commerce_is_worth_is_a_switch() {
    let fixture = fixture().await;
    let token =
        |name: &str, scopes: &[&str]| json!({ "token": name, "portal_id": 1_000_001, "scopes": scopes });
    let scopes = ["crm.objects.quotes.read", "e-commerce"];
    let tokens = [token("own", &scopes[..1]), token("shop", &scopes[1..]), token("both", &scopes)];
    fixture.seeded(json!({ "access_tokens": tokens })).await;
    let quote = "/crm/objects/2026-03/quotes/9900000001";
    for (switch, own, shop) in
        [("no_substitute", 200, 403), ("substitute", 200, 200), ("needed_too", 403, 403)]
    {
        fixture.switch(json!({ "e_commerce": switch })).await;
        for (name, status) in [("own", own), ("shop", shop), ("both", 200)] {
            assert_eq!(fixture.get_as(name, quote).await.0, status, "{switch}: {name}");
        }
    }
    assert_eq!(fixture.get_as("shop", DEAL).await.0, 403);
}
