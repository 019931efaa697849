//! What hangs on a record (hubspot.md §6.2, §6.3).

use super::*;

#[tokio::test]
async fn item_8_associations_come_once_per_type_and_line_items_under_a_key_with_a_space() {
    let fixture = fixture().await;
    let (_, deal) = fixture.get(&format!("{DEAL}?associations=contacts,0-8,companies,quotes,nonsense")).await;
    let lists = deal["associations"].as_object().unwrap();
    assert_eq!(lists.keys().collect::<Vec<_>>(), ["companies", "contacts", "line items"]);
    assert_eq!(ids(&lists["contacts"]["results"]), ["502", "501", "501"]);
    let companies = json!([
        { "id": "701", "type": "deal_to_company" }, { "id": "701", "type": "deal_to_company_unlabeled" }
    ]);
    assert_eq!(lists["companies"]["results"], companies);
    assert_eq!(lists["contacts"].get("paging"), None);
}

#[tokio::test]
async fn item_8_the_line_items_beyond_a_hundred_are_on_further_pages() {
    let fixture = fixture().await;
    let (_, deal) = fixture.get(&format!("{DEAL}?associations=line_items")).await;
    let list = &deal["associations"]["line items"];
    assert_eq!(ids(&list["results"]).len(), 100);
    let after = list["paging"]["next"]["after"].as_str().unwrap();
    let first = format!("{DEAL}/associations/line_items?limit=30&after={after}");
    let (_, page) = fixture.get(&first).await;
    assert_eq!((ids(&page["results"])[0], ids(&page["results"]).len()), ("701", 30));
    let after = page["paging"]["next"]["after"].as_str().unwrap();
    let legacy = format!("/crm/v4/objects/0-3/8800000001/associations/0-8?limit=500&after={after}");
    let (_, page) = fixture.get(&legacy).await;
    assert_eq!((ids(&page["results"])[0], ids(&page["results"]).len()), ("731", 20));
    assert_eq!(page.get("paging"), None);
}

#[tokio::test]
async fn item_8_the_associations_endpoint_names_a_record_once_with_all_its_types() {
    let fixture = fixture().await;
    let (_, page) = fixture.get(&format!("{DEAL}/associations/contacts")).await;
    assert_eq!(ids(&page["results"]), ["502", "501"]);
    assert_eq!(page["results"][1]["associationTypes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn item_8_the_associations_beyond_five_hundred_are_on_a_second_page_each_once() {
    let fixture = fixture().await;
    // Every contact twice: a label of the portal's own makes a second row, not a second record.
    let twice: Vec<String> = (1..=620).chain(1..=620).map(|id| id.to_string()).collect();
    let deal = json!({ "id": "8800000003", "associations": { "contacts": twice } });
    let seed = json!({ "portals": [{ "portal_id": 1_000_001, "objects": { "deals": [deal] } }] });
    assert_eq!(fixture.post("/_sim/seed", &seed).await.0, 204);
    let list = "/crm/objects/2026-03/deals/8800000003/associations/contacts";
    let (_, first) = fixture.get(list).await;
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    let (_, second) = fixture.get(&format!("{list}?after={after}")).await;
    assert_eq!((ids(&first["results"]).len(), ids(&second["results"]).len()), (500, 120));
    assert_eq!((ids(&second["results"])[0], second.get("paging")), ("501", None));
    assert_eq!(second["results"][0]["associationTypes"].as_array().unwrap().len(), 2);
    assert_eq!(fixture.get(&format!("{list}?limit=501")).await.0, 400);
}

#[tokio::test]
async fn item_8_the_key_of_the_line_items_the_embedded_page_and_the_type_of_an_id_are_switches() {
    let fixture = fixture().await;
    for key in ["line items", "line_items", "0-8"] {
        fixture.switch(json!({ "line_items_key": key, "embedded_page": 7, "to_object_id": "number" })).await;
        let (_, deal) = fixture.get(&format!("{DEAL}?associations=line_items")).await;
        let lists = deal["associations"].as_object().unwrap();
        assert_eq!(lists.keys().collect::<Vec<_>>(), [key]);
        assert_eq!(ids(&lists[key]["results"]).len(), 7);
        assert!(lists[key]["paging"]["next"]["after"].is_string());
    }
    let (_, page) = fixture.get(&format!("{DEAL}/associations/contacts")).await;
    assert_eq!(page["results"][0]["toObjectId"], json!(502));
    let nothing = json!({ "switches": { "embedded_page": 0 } });
    assert_eq!(fixture.post("/_sim/seed", &nothing).await.0, 400);
}

#[tokio::test]
async fn item_8_a_batch_of_associations_pages_and_names_those_without_any_with_207() {
    let fixture = fixture().await;
    let many: Vec<String> = (1..=620).map(|id| id.to_string()).collect();
    let deals = json!([{ "id": "8800000003", "associations": { "contacts": many } }, { "id": "8800000004" }]);
    fixture.seeded(json!({ "portals": [{ "portal_id": 1_000_001, "objects": { "deals": deals } }] })).await;
    let dated = "/crm/associations/2026-03/deals/contacts/batch/read";
    let both = json!({ "inputs": [{ "id": "8800000001" }, { "id": "8800000003" }] });
    let (status, body) = fixture.post(dated, &both).await;
    assert_eq!((status, body.get("errors")), (200, None));
    let [many, two] = [0, 1].map(|place| &body["results"][place]);
    assert_eq!((&many["from"]["id"], ids(&many["to"]).len()), (&json!("8800000003"), 500));
    assert_eq!((&two["from"]["id"], ids(&two["to"])), (&json!("8800000001"), vec!["502", "501"]));
    assert_eq!(two.get("paging"), None);
    let after = &many["paging"]["next"]["after"];
    let rest = json!({ "inputs": [{ "id": "8800000003", "after": after }] });
    let (_, body) = fixture.post("/crm/v4/associations/0-3/0-1/batch/read", &rest).await;
    assert_eq!(ids(&body["results"][0]["to"]).len(), 120);

    let strays = json!({ "inputs": [{ "id": "8800000001" }, { "id": "8800000004" }, { "id": "5" }] });
    let (status, body) = fixture.post(dated, &strays).await;
    assert_eq!((status, &body["numErrors"]), (207, &json!(2)));
    assert_eq!(body["results"].as_array().unwrap().len(), 1);
    assert_eq!(body["errors"][0]["context"]["fromObjectId"], json!(["5"]));
    for bad in [json!({ "inputs": [] }), json!({ "inputs": [{ "id": "8800000001", "after": "?" }] })] {
        assert_eq!(fixture.post(dated, &bad).await.0, 400);
    }
    let too_many: Vec<Value> = (0..1001).map(|id| json!({ "id": id.to_string() })).collect();
    assert_eq!(fixture.post(dated, &json!({ "inputs": too_many })).await.0, 400);
    assert_eq!(fixture.send_as("POST", "deals", dated, Some(&both)).await.0, 403);
}

#[tokio::test]
async fn item_8_a_cursor_that_names_no_record_of_the_list_is_refused_and_does_not_start_over() {
    let fixture = fixture().await;
    // Both are well formed; no contact of the deal has such an id.
    for after in ["NDA0", "NjAx"] {
        let list = format!("{DEAL}/associations/contacts?after={after}");
        assert_eq!(fixture.get(&list).await.0, 400, "{after}");
        let batch = json!({ "inputs": [{ "id": "8800000001", "after": after }] });
        let route = "/crm/associations/2026-03/deals/contacts/batch/read";
        assert_eq!(fixture.post(route, &batch).await.0, 400, "{after}");
    }
}

#[tokio::test]
async fn item_8_the_order_of_associations_is_a_switch() {
    let fixture = fixture().await;
    let list = format!("{DEAL}/associations/contacts");
    for (order, expected) in [("as_made", ["502", "501"]), ("reversed", ["501", "502"])] {
        fixture.switch(json!({ "association_order": order })).await;
        assert_eq!(ids(&fixture.get(&list).await.1["results"]), expected);
        let (_, deal) = fixture.get(&format!("{DEAL}?associations=contacts")).await;
        assert_eq!(ids(&deal["associations"]["contacts"]["results"])[0], expected[0]);
    }
}
