//! Quotes and what hangs on them, and payments.

use super::*;

const QUOTE: &str = "/crm/objects/2026-03/quotes/9900000001";

#[tokio::test]
async fn item_8_the_endpoint_tells_the_billing_contact_by_its_type_and_an_embedded_list_does_not() {
    let fixture = fixture().await;
    let (_, page) = fixture.get(&format!("{QUOTE}/associations/contacts")).await;
    let defined = |type_id: u32| json!({ "category": "HUBSPOT_DEFINED", "typeId": type_id, "label": null });
    let expected = json!([
        { "toObjectId": "502", "associationTypes": [defined(69)] },
        { "toObjectId": "501", "associationTypes": [defined(69), defined(1226)] }
    ]);
    assert_eq!(page["results"], expected);
    let (_, quote) = fixture.get(&format!("{QUOTE}?associations=contacts")).await;
    let row = |id: &str| json!({ "id": id, "type": "quote_to_contact" });
    assert_eq!(quote["associations"]["contacts"]["results"], json!([row("502"), row("501"), row("501")]));
}

#[tokio::test]
async fn item_8_all_that_hangs_on_a_quote_is_embedded_by_name_and_read_in_batches() {
    let fixture = fixture().await;
    let wanted = "discounts,0-85,taxes,commerce_payments,deals,line_items,companies";
    let (_, quote) = fixture.get(&format!("{QUOTE}?associations={wanted}")).await;
    let lists = quote["associations"].as_object().unwrap();
    let keys = ["commerce_payments", "companies", "deals", "discounts", "fees", "line items", "taxes"];
    assert_eq!(lists.keys().collect::<Vec<_>>(), keys);
    assert_eq!(lists["discounts"]["results"], json!([{ "id": "801", "type": "quote_to_discount" }]));
    assert_eq!(ids(&lists["companies"]["results"]), ["701", "701"]);
    for (kind, id, name, value) in [
        ("discounts", "801", "hs_value", json!("10")),
        ("0-85", "811", "hs_type", json!("FIXED")),
        ("taxes", "821", "hs_label", json!(null)),
        ("commerce_payments", "901", "hs_latest_status", json!("succeeded")),
        ("0-7", "7001", "hs_sku", json!("FEE-1")),
    ] {
        let batch = json!({ "inputs": [{ "id": id }], "properties": [name] });
        let (status, body) = fixture.post(&format!("/crm/objects/2026-03/{kind}/batch/read"), &batch).await;
        assert_eq!((status, &body["results"][0]["properties"][name]), (200, &value), "{kind}");
    }
    assert_eq!(fixture.unexpected_calls(), 0);
}

#[tokio::test]
async fn item_8_discounts_and_fees_are_read_with_the_quote_s_scope_and_payments_with_their_own() {
    let fixture = fixture().await;
    let scopes = ["crm.objects.quotes.read"];
    let token = json!({ "access_tokens": [{ "token": "quotes", "portal_id": 1_000_001, "scopes": scopes }] });
    fixture.post("/_sim/seed", &token).await;
    assert_eq!(fixture.get_as("quotes", &format!("{QUOTE}?associations=discounts,fees,taxes")).await.0, 200);
    let (status, body) = fixture.get_as("quotes", &format!("{QUOTE}?associations=commerce_payments")).await;
    let missing = &body["errors"][0]["context"]["requiredGranularScopes"];
    assert_eq!((status, missing), (403, &json!(["crm.objects.commercepayments.read"])));
}

#[tokio::test]
async fn item_1_a_quote_is_enrolled_under_its_name_or_its_type_id() {
    let fixture = fixture().await;
    for object_type in ["QUOTE", "0-14"] {
        let quote = json!({ "object_type": object_type, "object_id": 9_900_000_001_u64 });
        let (history, received) = fixture.run(quote, vec![]).await;
        let body: Value = serde_json::from_str(&received[0].1).unwrap();
        assert_eq!(body["object"], json!({ "objectId": 9_900_000_001_u64, "objectType": object_type }));
        assert_eq!(history["state"], "SUCCESS");
    }
}
