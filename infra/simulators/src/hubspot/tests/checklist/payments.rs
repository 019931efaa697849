//! Payments and what they do to a quote (hubspot.md §7).

use super::*;

const QUOTE: &str = "/crm/objects/2026-03/quotes/9900000002";

impl Fixture {
    /// A portal with a published quote that can be paid.
    async fn selling() -> Self {
        let fixture = fixture().await;
        let quote = json!({ "id": "9900000002", "properties": {
            "hs_status": "APPROVAL_NOT_NEEDED", "hs_payment_enabled": "true"
        } });
        fixture
            .seeded(json!({ "portals": [{ "portal_id": 1_000_001, "objects": { "quotes": [quote] } }] }))
            .await;
        fixture
    }

    async fn begin(&self, more: Value) -> (u16, Value) {
        let mut body = json!({ "portal_id": 1_000_001, "amount": "120.10" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/_sim/payments", &body).await
    }

    async fn begun(&self, more: Value) -> String {
        let (status, begun) = self.begin(more).await;
        assert_eq!(status, 200, "{begun}");
        begun["payment_id"].as_str().unwrap().to_owned()
    }

    async fn event(&self, id: &str, event: &str, amount: Value) -> u16 {
        let body = json!({ "portal_id": 1_000_001, "event": event, "amount": amount });
        self.post(&format!("/_sim/payments/{id}"), &body).await.0
    }

    /// Whether and when the quote is paid.
    async fn payment_of_quote(&self) -> (Value, bool) {
        let (_, quote) = self.get(&format!("{QUOTE}?properties=hs_payment_status,hs_payment_date")).await;
        let properties = &quote["properties"];
        (properties["hs_payment_status"].clone(), properties["hs_payment_date"].is_string())
    }

    /// Status, refunds and what is left.
    async fn payment(&self, id: &str) -> [Value; 3] {
        let names = ["hs_latest_status", "hs_refunds_amount", "hs_net_amount"];
        let path = format!("/crm/objects/2026-03/0-101/{id}?properties={}", names.join(","));
        let (_, payment) = self.get(&path).await;
        names.map(|name| payment["properties"][name].clone())
    }
}

#[tokio::test]
async fn item_9_a_bank_debit_takes_a_quote_from_pending_over_processing_to_paid() {
    let fixture = Fixture::selling().await;
    assert_eq!(fixture.payment_of_quote().await, (json!("PENDING"), false));
    let id = fixture.begun(json!({ "quote_id": "9900000002", "method": "ach" })).await;
    assert_eq!(fixture.payment_of_quote().await, (json!("PROCESSING"), false));
    assert_eq!(fixture.payment(&id).await, [json!("processing"), json!("0"), json!("120.10")]);
    assert_eq!(fixture.event(&id, "succeed", Value::Null).await, 204);
    assert_eq!(fixture.payment_of_quote().await, (json!("PAID"), true));
    assert_eq!(fixture.payment(&id).await[0], "succeeded");
    let (_, page) = fixture.get(&format!("{QUOTE}/associations/commerce_payments")).await;
    assert_eq!(
        (ids(&page["results"]), &page["results"][0]["associationTypes"][0]["typeId"]),
        (vec![&*id], &json!(398))
    );
}

#[tokio::test]
async fn item_9_a_quote_whose_payment_fails_waits_for_another_and_a_paid_one_takes_none() {
    let fixture = Fixture::selling().await;
    let first = fixture.begun(json!({ "quote_id": "9900000002", "method": "ach" })).await;
    assert_eq!(fixture.begin(json!({ "quote_id": "9900000002" })).await.0, 400);
    assert_eq!(fixture.event(&first, "fail", Value::Null).await, 204);
    assert_eq!(fixture.payment_of_quote().await, (json!("PENDING"), false));
    let second = fixture.begun(json!({ "quote_id": "9900000002" })).await;
    // A card is not in flight for days.
    assert_eq!(fixture.payment_of_quote().await, (json!("PENDING"), false));
    assert_eq!(fixture.event(&second, "succeed", Value::Null).await, 204);
    assert_eq!(fixture.payment_of_quote().await, (json!("PAID"), true));
    let (status, why) = fixture.begin(json!({ "quote_id": "9900000002" })).await;
    assert_eq!((status, why), (400, json!("the quote does not wait for a payment")));
}

#[tokio::test]
async fn item_9_a_payment_is_given_back_in_parts_and_never_beyond_what_came_in() {
    let fixture = Fixture::selling().await;
    let id = fixture.begun(json!({ "quote_id": "9900000002" })).await;
    assert_eq!(fixture.event(&id, "refund", json!("1")).await, 400);
    fixture.event(&id, "succeed", Value::Null).await;
    assert_eq!(fixture.event(&id, "refund", json!("20.10")).await, 204);
    assert_eq!(fixture.payment(&id).await, [json!("partially_refunded"), json!("20.10"), json!("100.00")]);
    for amount in ["100.01", "0", "-1"] {
        assert_eq!(fixture.event(&id, "refund", json!(amount)).await, 400, "{amount}");
    }
    assert_eq!(fixture.payment(&id).await[1], "20.10");
    assert_eq!(fixture.event(&id, "refund", Value::Null).await, 204);
    assert_eq!(fixture.payment(&id).await, [json!("refunded"), json!("120.10"), json!("0.00")]);
    assert_eq!(fixture.event(&id, "refund", json!("1")).await, 400);
    assert_eq!(fixture.event(&id, "succeed", Value::Null).await, 400);
    // HubSpot documents no status of a quote for that.
    assert_eq!(fixture.payment_of_quote().await.0, "PAID");
}

#[tokio::test]
async fn item_9_a_payment_may_hang_on_a_deal_or_on_a_contact_without_a_deal() {
    let fixture = Fixture::selling().await;
    let id = fixture.begun(json!({ "deal_id": "8800000001" })).await;
    let (_, deal) = fixture.get(&format!("{DEAL}?associations=commerce_payments")).await;
    assert_eq!(ids(&deal["associations"]["commerce_payments"]["results"]), [&*id]);
    let id = fixture.begun(json!({ "contact_id": "501" })).await;
    let payment = format!("/crm/objects/2026-03/commerce_payments/{id}?associations=deals,quotes,contacts");
    let (_, payment) = fixture.get(&payment).await;
    let lists = payment["associations"].as_object().unwrap();
    assert_eq!(lists.keys().collect::<Vec<_>>(), ["contacts"]);
    assert_eq!(fixture.begin(json!({ "deal_id": "5" })).await, (400, json!("there is no deals 5")));
    assert_eq!(fixture.begin(json!({ "amount": "0" })).await.0, 400);
    assert_eq!(fixture.event("5", "succeed", Value::Null).await, 400);
}

#[tokio::test]
async fn item_9_a_payment_in_a_portal_nobody_has_is_refused_and_makes_none() {
    let fixture = Fixture::selling().await;
    let before = fixture.get("/_sim/state").await;
    let stranger = json!({ "portal_id": 1_000_099 });
    assert_eq!(fixture.begin(stranger).await, (400, json!("there is no such portal")));
    assert_eq!(fixture.get("/_sim/state").await, before);
}
