//! Deals drawn from a seed, over HTTP as any client reads them.

use super::*;
use crate::hubspot::random_deals::{Deal, RandomDeals};
use rust_decimal::Decimal;

fn wanted() -> RandomDeals {
    let tax_percents = ["20", "7.5"].map(|percent| percent.parse().unwrap()).to_vec();
    // As many as may be read one by one within HubSpot's limit.
    RandomDeals { count: 12, seed: 7, currency: "EUR".to_owned(), tax_percents, ..RandomDeals::default() }
}

async fn plant(fixture: &Fixture, wanted: Value) -> (u16, Value) {
    let seed = json!({"portals": [{"portal_id": 1_000_001, "random_deals": wanted}]});
    fixture.post("/_sim/seed", &seed).await
}

async fn read(fixture: &Fixture, path: &str) -> Value {
    fixture.get(&format!("/crm/objects/2026-03/{path}")).await.1
}

#[tokio::test]
async fn who_had_deals_drawn_reads_them_and_knows_them() {
    let fixture = fixture().await;
    assert_eq!(plant(&fixture, json!(wanted())).await, (204, Value::Null));
    for Deal { id, contact, amount, lines } in wanted().drawn() {
        let deal = read(&fixture, &format!("deals/{id}?properties=amount,deal_currency_code")).await;
        assert_eq!(deal["properties"]["deal_currency_code"], "EUR", "{deal}");
        assert_eq!(deal["properties"]["amount"], amount.to_string(), "{deal}");
        let contact = read(&fixture, &format!("contacts/{contact}?properties=email")).await;
        assert!(contact["properties"]["email"].is_string(), "{contact}");
        let mut sum = Decimal::ZERO;
        for (line_id, line) in (id * 100..).zip(&lines) {
            let names = line.keys().map(String::as_str).collect::<Vec<_>>().join(",");
            let read = read(&fixture, &format!("line_items/{line_id}?properties={names}")).await;
            for (name, value) in line {
                assert_eq!(read["properties"][name], *value, "{name} of {read}");
            }
            let figure = |name: &str| line[name].parse::<Decimal>().unwrap();
            let tax = figure("amount") * figure("hs_tax_rate") / Decimal::ONE_HUNDRED;
            assert!((figure("hs_tax_amount") - tax).abs() <= Decimal::new(5, 3), "{line:?}");
            sum += figure("amount");
        }
        assert_eq!(sum, amount);
    }
    let of = |seed: u64| format!("{:?}", RandomDeals { seed, ..wanted() }.drawn());
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}

#[tokio::test]
async fn what_cannot_be_drawn_is_refused_and_says_why() {
    let fixture = fixture().await;
    for (wish, why) in [
        (json!({"count": 100_001}), "random_deals: 100000 at once are the most, not 100001"),
        (json!({"products": []}), "random_deals: nothing is sold: name products"),
        (json!({"tax_percents": ["101"]}), "random_deals: tax_percents are from 0 to 100"),
    ] {
        assert_eq!(plant(&fixture, wish).await, (400, json!(why)));
    }
    assert_eq!(plant(&fixture, json!({"number": 5})).await.0, 400);
}
