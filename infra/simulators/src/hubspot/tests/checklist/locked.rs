//! Writing back, and quotes that are published (hubspot.md §6.6).

use super::*;

const QUOTE: &str = "/crm/objects/2026-03/quotes/9900000001";
const WRITE: [&str; 3] =
    ["crm.objects.deals.write", "crm.objects.quotes.write", "crm.objects.commercepayments.write"];

impl Fixture {
    async fn writing() -> Self {
        let fixture = fixture().await;
        let token = json!({ "token": "write", "portal_id": 1_000_001, "scopes": WRITE });
        fixture.seeded(json!({ "access_tokens": [token] })).await;
        fixture
    }

    async fn write(&self, path: &str, properties: Value) -> (u16, Value) {
        self.send_as("PATCH", "write", path, Some(&json!({ "properties": properties }))).await
    }

    async fn quote(&self) -> Value {
        let names = "hs_title,hs_status,hs_locked,hs_payment_status";
        self.get(&format!("{QUOTE}?properties={names}")).await.1["properties"].clone()
    }
}

#[tokio::test]
async fn item_8_a_write_changes_the_named_properties_alone_on_the_dated_and_the_v3_path() {
    let fixture = Fixture::writing().await;
    let (status, deal) = fixture.write(DEAL, json!({ "own_number": "8" })).await;
    assert_eq!((status, &deal["properties"]["own_number"]), (200, &json!("8")));
    let (status, _) = fixture.write("/crm/v3/objects/0-3/8800000001", json!({ "amount": "12.50" })).await;
    assert_eq!(status, 200);
    let (_, deal) = fixture.get(&format!("{DEAL}?properties=own_number,amount,dealname")).await;
    let properties = &deal["properties"];
    assert_eq!((&properties["own_number"], &properties["amount"]), (&json!("8"), &json!("12.50")));
    assert_eq!(properties["dealname"], "Acme renewal");
    assert_eq!(fixture.write("/crm/v3/objects/deals/8800000002", json!({ "amount": "1" })).await.0, 404);
    assert_eq!(fixture.send_as("PATCH", "all", DEAL, Some(&json!({ "properties": {} }))).await.0, 403);
}

#[tokio::test]
async fn item_8_a_write_with_an_unknown_property_is_refused_and_changes_nothing() {
    let fixture = Fixture::writing().await;
    let (status, refused) = fixture.write(DEAL, json!({ "amount": "5", "nonsense": "1" })).await;
    assert_eq!((status, &refused["category"]), (400, &json!("VALIDATION_ERROR")));
    let error = &refused["errors"][0];
    assert_eq!((&error["code"], &error["in"]), (&json!("PROPERTY_DOESNT_EXIST"), &json!("nonsense")));
    for properties in [json!({ "amount": 5 }), json!({ "hs_object_id": "1" }), json!({ "createdate": "1" })] {
        assert_eq!(fixture.write(DEAL, properties).await.0, 400);
    }
    let (_, deal) = fixture.get(&format!("{DEAL}?properties=amount")).await;
    assert_eq!(deal["properties"]["amount"], Value::Null);
    let payment = "/crm/objects/2026-03/commerce_payments/901";
    assert_eq!(fixture.write(payment, json!({ "hs_latest_status": "succeeded" })).await.0, 400);
}

#[tokio::test]
async fn item_8_a_published_quote_is_locked_until_its_status_goes_back() {
    let fixture = Fixture::writing().await;
    assert_eq!(fixture.write(QUOTE, json!({ "hs_title": "First" })).await.0, 200);
    assert_eq!(fixture.write(QUOTE, json!({ "hs_status": "APPROVAL_NOT_NEEDED" })).await.0, 200);
    assert_eq!(fixture.quote().await["hs_locked"], "true");
    for refused in [
        json!({ "hs_title": "Second" }),
        json!({ "hs_title": "Second", "hs_status": "DRAFT" }),
        json!({ "hs_status": "APPROVED" }),
        json!({ "hs_locked": "false" }),
    ] {
        let (status, body) = fixture.write(QUOTE, refused).await;
        assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    }
    assert_eq!(fixture.quote().await["hs_title"], "First");
    assert_eq!(fixture.write(QUOTE, json!({ "hs_status": "DRAFT" })).await.0, 200);
    assert_eq!(fixture.write(QUOTE, json!({ "hs_title": "Second" })).await.0, 200);
    let quote = fixture.quote().await;
    assert_eq!((&quote["hs_title"], &quote["hs_locked"]), (&json!("Second"), &json!("false")));
}

#[tokio::test]
async fn item_8_a_locked_quote_takes_the_portals_own_properties_only_when_switched_so() {
    let fixture = Fixture::writing().await;
    let quote = json!({ "id": "9900000001", "properties": { "hs_status": "APPROVED", "own_number": null } });
    fixture
        .seeded(json!({ "portals": [{ "portal_id": 1_000_001, "objects": { "quotes": [quote] } }] }))
        .await;
    assert_eq!(fixture.write(QUOTE, json!({ "own_number": "1001" })).await.0, 400);
    fixture.switch(json!({ "locked_quote": "takes_own_properties" })).await;
    assert_eq!(fixture.write(QUOTE, json!({ "own_number": "1001" })).await.0, 200);
    assert_eq!(fixture.write(QUOTE, json!({ "own_number": "1002", "hs_title": "x" })).await.0, 400);
}

#[tokio::test]
async fn item_8_a_standard_property_that_holds_numbers_or_dates_takes_nothing_else() {
    let fixture = Fixture::writing().await;
    let before = fixture.get("/_sim/state").await;
    for (name, wrong) in [("amount", "abc"), ("amount", "1,200.50"), ("closedate", "next week")] {
        let (status, refused) = fixture.write(DEAL, json!({ name: wrong, "own_number": "8" })).await;
        assert_eq!((status, &refused["category"]), (400, &json!("VALIDATION_ERROR")), "{name} {wrong}");
    }
    assert_eq!(fixture.write(QUOTE, json!({ "hs_expiration_date": "soon" })).await.0, 400);
    assert_eq!(fixture.get("/_sim/state").await, before);
    let good = json!({ "amount": "1200.50", "closedate": "2026-03-31T00:00:00Z", "description": "abc", "own_number": "x" });
    for properties in [good, json!({ "amount": "", "closedate": "1774915200000" }), json!({ "amount": null })]
    {
        assert_eq!(fixture.write(DEAL, properties.clone()).await.0, 200, "{properties}");
    }
}
