//! What a new stack knows: a portal, a QuickBooks company, and a small business between them.
//!
//! Alder Street Coffee Roasters sells beans, machines and training to cafés. Its deals are in HubSpot, its books in
//! QuickBooks; one customer is known there already.

use mapping::hubspot::PortalId;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

/// The HubSpot portal.
pub const PORTAL: PortalId = PortalId(1_000_001);

/// Where its people are: the day of a document is a day there.
pub const TIME_ZONE: &str = "America/New_York";

/// The QuickBooks company's realm id.
pub const REALM: &str = "9130350000000001";

/// The QuickBooks company's name.
pub const COMPANY: &str = "Alder Street Coffee Roasters";

/// A deal of three lines, one with a discount, with a contact QuickBooks does not know.
pub const HARBOR: u64 = 8_800_000_001;
/// The first deal of another new contact.
pub const THEO_FIRST: u64 = 8_800_000_002;
/// That contact's second deal.
pub const THEO_SECOND: u64 = 8_800_000_003;
/// A deal of the customer that QuickBooks knows.
pub const HANNA: u64 = 8_800_000_004;
/// A deal whose second line is no product of QuickBooks.
pub const LETTERING: u64 = 8_800_000_005;
/// Another deal of the known customer.
pub const REFILL: u64 = 8_800_000_006;
/// The first deal of a contact whose name and address are hard to quote.
pub const OBRIEN_FIRST: u64 = 8_800_000_007;
/// That contact's second deal.
pub const OBRIEN_SECOND: u64 = 8_800_000_008;

/// The name of that contact as a customer.
pub const OBRIEN: &str = "O'Brien & Søn \"Ltd\"";

/// HubSpot's access token for the portal.
pub(crate) const HUBSPOT_TOKEN: &str = "hubspot-access-token-1";
/// QuickBooks' access token for the company.
pub(crate) const QUICKBOOKS_TOKEN: &str = "quickbooks-access-token-1";
/// The app's client secret at HubSpot: signs executions.
pub(crate) const CLIENT_SECRET: &str = "5f1c9ae0-local-client-secret";

/// The scopes the portal granted: all required ones (rulings.md 29).
pub(crate) const SCOPES: [&str; 8] = [
    "oauth",
    "automation",
    "crm.objects.deals.read",
    "crm.objects.quotes.read",
    "crm.objects.line_items.read",
    "crm.objects.contacts.read",
    "crm.objects.companies.read",
    "crm.objects.products.read",
];

/// The app secret (contract §5).
pub(crate) fn app_secret() -> Value {
    json!({
        "hubspot": {
            "client_id": "local-hubspot", "client_secret": CLIENT_SECRET, "client_secret_previous": null, "app_id": "1",
        },
        "intuit": {
            "client_id": "local-intuit", "client_secret": "local-intuit-secret", "client_secret_previous": null,
            "webhook_verifier": "local-verifier",
        },
        "session_key": "bG9jYWwtc2Vzc2lvbi1rZXktb2YtMzItYnl0ZXMhISE=",
    })
}

/// What the HubSpot simulator must know before anybody may read: the portal's access token.
pub(crate) fn hubspot_access() -> Value {
    json!({"access_tokens": [{"token": HUBSPOT_TOKEN, "portal_id": PORTAL.0, "scopes": SCOPES}]})
}

/// What the QuickBooks simulator must know before anybody may read: the company and its access token.
pub(crate) fn quickbooks_access() -> Value {
    json!({"companies": [{"realm_id": REALM, "name": COMPANY, "access_tokens": [QUICKBOOKS_TOKEN]}]})
}

/// The portal's deals, contacts and lines, as a seed of the HubSpot simulator.
pub fn hubspot() -> Value {
    let contacts = [
        contact("501", "Ana", "Trujillo", "ana@harborkitchen.example"),
        contact("502", "Theo", "Brandt", "theo.brandt@brandtandsons.example"),
        contact("503", "Hanna", "Lindqvist", "hanna@norrbistro.example"),
        contact("504", "O'Brien &", "Søn \"Ltd\"", "sean.o'brien@obrien-son.example"),
    ];
    let opening_order = [HOUSE_BLEND.times("24"), ESPRESSO.times("3").less("10"), TRAINING.times("4")];
    let lettering = Line { name: "Window lettering", sku: None, product: None, ..HOUSE_BLEND };
    let deals = [
        deal(HARBOR, "Harbor Kitchen – opening order", "501", &opening_order),
        deal(THEO_FIRST, "Brandt & Sons – trial box", "502", &[HOUSE_BLEND.times("6")]),
        deal(THEO_SECOND, "Brandt & Sons – grinder", "502", &[GRINDER.times("1")]),
        deal(HANNA, "Norr Bistro – weekly beans", "503", &[ESPRESSO.times("2")]),
        deal(LETTERING, "Norr Bistro – new branch", "503", &[HOUSE_BLEND.times("12"), lettering.times("1")]),
        deal(REFILL, "Norr Bistro – refill", "503", &[HOUSE_BLEND.times("10")]),
        deal(OBRIEN_FIRST, "O'Brien – beans", "504", &[HOUSE_BLEND.times("8")]),
        deal(OBRIEN_SECOND, "O'Brien – training", "504", &[TRAINING.times("2")]),
    ];
    let (deals, lines): (Vec<_>, Vec<_>) = deals.into_iter().unzip();
    let lines: Vec<_> = lines.into_iter().flatten().collect();
    let objects = json!({"contacts": contacts, "deals": deals, "line_items": lines});
    json!({"portals": [{"portal_id": PORTAL.0, "objects": objects}]})
}

/// The company's items and its one customer, as a seed of the QuickBooks simulator.
pub fn quickbooks() -> Value {
    let items = [HOUSE_BLEND, ESPRESSO, GRINDER].map(|line| item(&line, "NonInventory"));
    let items: Vec<_> = items.into_iter().chain([item(&TRAINING, "Service")]).collect();
    // As people type addresses: HubSpot has the same one in lower case.
    let customer = json!({
        "DisplayName": "Hanna Lindqvist", "GivenName": "Hanna", "FamilyName": "Lindqvist",
        "PrimaryEmailAddr": {"Address": "Hanna@NorrBistro.example"},
    });
    json!({"companies": [{"realm_id": REALM, "items": items, "customers": [customer]}]})
}

/// A line of a deal, and the item behind it.
#[derive(Clone, Copy)]
struct Line {
    name: &'static str,
    sku: Option<&'static str>,
    /// The HubSpot product; none for a line written by hand.
    product: Option<&'static str>,
    price: &'static str,
    quantity: &'static str,
    discount_percent: Option<&'static str>,
}

const HOUSE_BLEND: Line = product("7001", "House blend, 12 oz", "COF-HB12", "14.50");
const ESPRESSO: Line = product("7002", "Espresso blend, 5 lb", "COF-ES80", "82.00");
const GRINDER: Line = product("7003", "Burr grinder", "EQ-GR01", "249.99");
const TRAINING: Line = product("7004", "Barista training, hour", "SVC-TR60", "95.00");

const fn product(id: &'static str, name: &'static str, sku: &'static str, price: &'static str) -> Line {
    Line { name, sku: Some(sku), product: Some(id), price, quantity: "1", discount_percent: None }
}

impl Line {
    fn times(self, quantity: &'static str) -> Self {
        Self { quantity, ..self }
    }

    fn less(self, percent: &'static str) -> Self {
        Self { discount_percent: Some(percent), ..self }
    }

    /// Quantity times price less discount, to the cent: what HubSpot computes.
    fn amount(&self) -> Decimal {
        let number = |text: &str| text.parse::<Decimal>().unwrap_or_default();
        let kept = Decimal::ONE_HUNDRED - number(self.discount_percent.unwrap_or("0"));
        let amount = number(self.quantity) * number(self.price) * kept / Decimal::ONE_HUNDRED;
        amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }

    fn record(&self, id: &str, position: usize) -> Value {
        json!({"id": id, "properties": {
            "name": self.name, "hs_sku": self.sku, "hs_product_id": self.product, "quantity": self.quantity, "price": self.price,
            "hs_discount_percentage": self.discount_percent, "amount": self.amount().to_string(),
            "hs_position_on_quote": position.to_string(), "hs_line_item_currency_code": "USD",
        }})
    }
}

fn contact(id: &str, first: &str, last: &str, email: &str) -> Value {
    json!({"id": id, "properties": {"firstname": first, "lastname": last, "email": email}})
}

/// A deal and its lines.
fn deal(id: u64, name: &str, contact: &str, lines: &[Line]) -> (Value, Vec<Value>) {
    let line_id = |at: usize| format!("{}{at:02}", id % 1_000_000);
    let ids: Vec<_> = (0..lines.len()).map(line_id).collect();
    let amount: Decimal = lines.iter().map(Line::amount).sum();
    let properties = json!({"dealname": name, "amount": amount.to_string(), "deal_currency_code": "USD"});
    let deal = json!({
        "id": id.to_string(), "properties": properties, "associations": {"contacts": [contact], "line_items": ids},
    });
    (deal, lines.iter().zip(&ids).enumerate().map(|(at, (line, id))| line.record(id, at)).collect())
}

fn item(line: &Line, kind: &str) -> Value {
    let price: Value = serde_json::from_str(line.price).unwrap_or_default();
    json!({"Name": line.name, "Sku": line.sku, "Type": kind, "UnitPrice": price})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_what_hubspot_would_compute() {
        assert_eq!(ESPRESSO.times("3").less("10").amount().to_string(), "221.40");
        let world = hubspot();
        let harbor = &world["portals"][0]["objects"]["deals"][0];
        assert_eq!(harbor["properties"]["amount"], "949.40");
        assert_eq!(harbor["associations"]["line_items"].as_array().unwrap().len(), 3);
    }
}
