//! What a new stack knows: a portal, a QuickBooks company, and a small business between them.
//!
//! Alder Street Coffee Roasters sells beans, machines and training to cafés. Its deals are in HubSpot, its books in
//! QuickBooks; one customer is known there already.

use jiff::{Timestamp, ToSpan};
use mapping::books::Books;
use mapping::hubspot::PortalId;
use mapping::quickbooks::{ItemId, RealmId};
use mapping::settings::Choices;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};
use store::Store;
use store::portal::NewCompany;
use store::tokens::Grant;

use crate::aws;

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
/// A deal of the known customer, paid by a payment link.
pub const PAID_DEAL: u64 = 8_800_000_009;

/// An accepted quote of Harbor Kitchen, with an expiration date, a discount of its own and a fee.
pub const OFFER: u64 = 8_800_500_001;
/// A quote of the known customer that was paid online, and is locked therefore.
pub const PAID_QUOTE: u64 = 8_800_500_002;

/// When both payments were made.
const PAID_AT: &str = "2026-03-02T15:04:05.000Z";

/// Until when [`OFFER`] is offered.
pub const OFFER_EXPIRES: &str = "2099-03-31";
/// What [`OFFER`] comes to: 20 × 14.50 and 249.99, less 10 %, and 25.00 for delivery.
pub const OFFER_TOTAL: &str = "510.99";

/// The people that deals are with: id, names, e-mail address.
const CONTACTS: [(&str, &str, &str, &str); 4] = [
    ("501", "Ana", "Trujillo", "ana@harborkitchen.example"),
    ("502", "Theo", "Brandt", "theo.brandt@brandtandsons.example"),
    ("503", "Hanna", "Lindqvist", "hanna@norrbistro.example"),
    ("504", "O'Brien &", "Søn \"Ltd\"", "sean.o'brien@obrien-son.example"),
];

/// The known customer's, as people type addresses: HubSpot has the same one in lower case.
const KNOWN_ADDRESS: &str = "Hanna@NorrBistro.example";

/// What [`HARBOR`] is called.
const HARBOR_NAME: &str = "Harbor Kitchen – opening order";

/// The name of O'Brien's contact as a customer.
pub const OBRIEN: &str = "O'Brien & Søn \"Ltd\"";

/// HubSpot's access token for the portal.
pub const HUBSPOT_TOKEN: &str = "hubspot-access-token-1";
/// What buys the next one.
pub(crate) const HUBSPOT_REFRESH_TOKEN: &str = "hubspot-refresh-token-1";
/// QuickBooks' access token for the company; whoever changes its books by hand needs it too.
pub const QUICKBOOKS_TOKEN: &str = "quickbooks-access-token-1";
/// What buys the next one.
pub(crate) const QUICKBOOKS_REFRESH_TOKEN: &str = "quickbooks-refresh-token-1";
/// The app's client secret at HubSpot: signs executions.
pub const CLIENT_SECRET: &str = "5f1c9ae0-local-client-secret";

/// The app's client id at HubSpot.
const HUBSPOT_CLIENT_ID: &str = "local-hubspot";
/// The app's client id at Intuit.
const INTUIT_CLIENT_ID: &str = "local-intuit";
/// The app's client secret at Intuit.
const INTUIT_CLIENT_SECRET: &str = "local-intuit-secret";
/// The same for sandbox companies.
const SANDBOX_CLIENT_ID: &str = "local-intuit-sandbox";
const SANDBOX_CLIENT_SECRET: &str = "local-intuit-sandbox-secret";
/// What Intuit signs its webhooks with.
const VERIFIER: &str = "local-verifier";
const SANDBOX_VERIFIER: &str = "local-sandbox-verifier";
const SESSION_KEY: &str = "bG9jYWwtc2Vzc2lvbi1rZXktb2YtMzItYnl0ZXMhISE=";

/// The scopes the portal granted: all required ones (rulings.md 29), and the optional one for payments.
pub const SCOPES: [&str; 9] = [
    "oauth",
    "automation",
    "crm.objects.deals.read",
    "crm.objects.quotes.read",
    "crm.objects.line_items.read",
    "crm.objects.contacts.read",
    "crm.objects.companies.read",
    "crm.objects.products.read",
    "crm.objects.commercepayments.read",
];

/// The app secret (contract §5).
pub fn app_secret() -> Value {
    json!({
        "hubspot": {
            "client_id": HUBSPOT_CLIENT_ID, "client_secret": CLIENT_SECRET, "client_secret_previous": null, "app_id": "1",
        },
        "intuit": {
            "client_id": INTUIT_CLIENT_ID, "client_secret": INTUIT_CLIENT_SECRET, "client_secret_previous": null,
            "webhook_verifier": VERIFIER,
        },
        "intuit_sandbox": {
            "client_id": SANDBOX_CLIENT_ID, "client_secret": SANDBOX_CLIENT_SECRET,
            "webhook_verifier": SANDBOX_VERIFIER,
        },
        "session_key": SESSION_KEY,
    })
}

/// A key of the app secret; empty if it is not there.
pub(crate) fn key<'a>(app_secret: &'a Value, of: &str, name: &str) -> &'a str {
    app_secret[of][name].as_str().unwrap_or_default()
}

/// What may stand in no log and on no page, by what it is: the stack's keys and the tokens of the connected portal.
pub fn secrets() -> Vec<(&'static str, &'static str)> {
    vec![
        ("HubSpot's client secret", CLIENT_SECRET),
        ("Intuit's client secret", INTUIT_CLIENT_SECRET),
        ("Intuit's client secret for sandboxes", SANDBOX_CLIENT_SECRET),
        ("Intuit's webhook verifier", VERIFIER),
        ("Intuit's webhook verifier for sandboxes", SANDBOX_VERIFIER),
        ("the session key", SESSION_KEY),
        ("HubSpot's access token", HUBSPOT_TOKEN),
        ("HubSpot's refresh token", HUBSPOT_REFRESH_TOKEN),
        ("QuickBooks' access token", QUICKBOOKS_TOKEN),
        ("QuickBooks' refresh token", QUICKBOOKS_REFRESH_TOKEN),
        ("the AWS secret key", aws::SECRET_KEY),
        ("the AWS session token", aws::SESSION_TOKEN),
    ]
}

/// What may stand in no log, by what it is: the portal's people and their business.
pub fn personal() -> Vec<(&'static str, &'static str)> {
    let people = CONTACTS.iter().flat_map(|(_, first, last, email)| {
        // A first name of three letters stands in many a word.
        [("a first name", *first), ("a last name", *last), ("an e-mail address", *email)]
            .into_iter()
            .filter(|(_, text)| text.len() > 3)
    });
    let business = [
        ("the company's name", COMPANY),
        ("a customer's name", OBRIEN),
        ("a customer's e-mail address", KNOWN_ADDRESS),
        ("a deal's name", HARBOR_NAME),
        ("a line's text", HOUSE_BLEND.name),
    ];
    people.chain(business).collect()
}

/// Stores the portal as an install and a connect would have, with the item that stands for fees, if one was chosen.
///
/// # Errors
/// What the store said.
pub async fn connect(
    store: &Store,
    fee_item: Option<ItemId>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let realm = RealmId::try_from(REALM.to_owned())?;
    let scopes: Vec<_> = SCOPES.map(str::to_owned).into();
    store.save_portal(PORTAL, TIME_ZONE, Some(&realm)).await?;
    store.connect_hubspot(PORTAL, &grant(HUBSPOT_TOKEN, HUBSPOT_REFRESH_TOKEN, scopes)).await?;
    let accounting = vec!["com.intuit.quickbooks.accounting".to_owned()];
    let company = NewCompany {
        realm: realm.clone(),
        name: COMPANY.to_owned(),
        legal_name: None,
        sandbox: false,
        books: Books { home_currency: Some("USD".parse()?), ..Books::default() },
        connected_by: None,
        connected_at: None,
    };
    let grant = grant(QUICKBOOKS_TOKEN, QUICKBOOKS_REFRESH_TOKEN, accounting);
    store.connect_quickbooks(PORTAL, &company, &grant).await?;
    if let Some(item) = fee_item {
        let choices = Choices { fee_item: Some(item), ..Choices::default() };
        store.put_choices(PORTAL, &realm, &choices).await?;
    }
    Ok(())
}

/// The item for fees among a company's books.
pub fn fee_item(books: &Value) -> Option<ItemId> {
    let items = books["Item"].as_array()?;
    let found = items.iter().find(|item| item["Name"] == DELIVERY.name)?;
    Some(ItemId(found["Id"].as_str()?.to_owned()))
}

/// Tokens that outlive any run.
fn grant(access_token: &str, refresh_token: &str, scopes: Vec<String>) -> Grant {
    let later = Timestamp::now() + (24 * 30).hours();
    Grant {
        generation: 1,
        access_token: access_token.to_owned().into(),
        access_expires_at: later,
        refresh_token: refresh_token.to_owned().into(),
        refresh_expires_at: Some(later),
        hard_expires_at: None,
        scopes,
    }
}

/// What the HubSpot simulator must know before anybody may install the app: the portal, the app, and where it sends people
/// back to.
pub(crate) fn hubspot_app(public_base_url: &str, app_secret: &Value) -> Value {
    let back = format!("{public_base_url}/connect/hubspot/callback");
    let key = |name| key(app_secret, "hubspot", name);
    json!({
        "clients": [{"client_id": key("client_id"), "client_secret": key("client_secret"), "redirect_urls": [back]}],
        "accounts": [{"portal_id": PORTAL.0, "time_zone": TIME_ZONE}],
    })
}

/// What the QuickBooks simulator must know before anybody may connect a company: the company, the app with keys for it and
/// keys for sandbox companies, and where it sends people back to.
pub(crate) fn quickbooks_app(public_base_url: &str, app_secret: &Value) -> Value {
    let keys = |of: &str, environment: &str| {
        let key = |name| key(app_secret, of, name);
        json!({
            "client_id": key("client_id"), "client_secret": key("client_secret"), "environment": environment,
            "redirect_uris": [format!("{public_base_url}/connect/quickbooks/callback")],
            "localhost_redirects": true,
            "disconnect_url": format!("{public_base_url}/disconnect/quickbooks"),
        })
    };
    json!({
        "clients": [
            keys("intuit", "production"),
            keys("intuit_sandbox", "development"),
        ],
        "companies": [{"realm_id": REALM, "name": COMPANY}],
    })
}

/// What the HubSpot simulator must know of an install: the portal's grant and its access token.
pub(crate) fn hubspot_access() -> Value {
    json!({
        "grants": [{"portal_id": PORTAL.0, "refresh_token": HUBSPOT_REFRESH_TOKEN, "scopes": SCOPES}],
        "access_tokens": [{"token": HUBSPOT_TOKEN, "portal_id": PORTAL.0, "scopes": SCOPES}],
    })
}

/// What the QuickBooks simulator must know of a connect: the company's grant and its access token.
pub(crate) fn quickbooks_access() -> Value {
    json!({
        "companies": [{"realm_id": REALM, "access_tokens": [QUICKBOOKS_TOKEN]}],
        "grants": [{"realm_id": REALM, "refresh_token": QUICKBOOKS_REFRESH_TOKEN}],
    })
}

/// As [`hubspot_access`], with an access token that has ended.
pub(crate) fn hubspot_access_expired() -> Value {
    json!({"access_tokens": [{"token": HUBSPOT_TOKEN, "portal_id": PORTAL.0, "scopes": SCOPES, "expired": true}]})
}

/// As [`quickbooks_access`], with an access token that has ended.
pub(crate) fn quickbooks_access_expired() -> Value {
    let token = json!({"token": QUICKBOOKS_TOKEN, "expires_at": Timestamp::UNIX_EPOCH});
    json!({"companies": [{"realm_id": REALM, "access_tokens": [token]}]})
}

/// The portal's deals, quotes, contacts, lines and payments, as a seed of the HubSpot simulator.
pub fn hubspot() -> Value {
    let contacts = CONTACTS.map(|(id, first, last, email)| contact(id, first, last, email));
    let opening_order = [HOUSE_BLEND.times("24"), ESPRESSO.times("3").less("10"), TRAINING.times("4")];
    let lettering = Line { name: "Window lettering", sku: None, product: None, ..HOUSE_BLEND };
    let deals = [
        deal(HARBOR, HARBOR_NAME, "501", &opening_order),
        deal(THEO_FIRST, "Brandt & Sons – trial box", "502", &[HOUSE_BLEND.times("6")]),
        deal(THEO_SECOND, "Brandt & Sons – grinder", "502", &[GRINDER.times("1")]),
        deal(HANNA, "Norr Bistro – weekly beans", "503", &[ESPRESSO.times("2")]),
        deal(LETTERING, "Norr Bistro – new branch", "503", &[HOUSE_BLEND.times("12"), lettering.times("1")]),
        deal(REFILL, "Norr Bistro – refill", "503", &[HOUSE_BLEND.times("10")]),
        deal(OBRIEN_FIRST, "O'Brien – beans", "504", &[HOUSE_BLEND.times("8")]),
        deal(OBRIEN_SECOND, "O'Brien – training", "504", &[TRAINING.times("2")]),
    ];
    let quotes = [
        offer(quote(
            OFFER,
            "Harbor Kitchen – autumn offer",
            "501",
            &[HOUSE_BLEND.times("20"), GRINDER.times("1")],
        )),
        quote(PAID_QUOTE, "Norr Bistro – espresso month", "503", &[ESPRESSO.times("2")])
            .paid_by("9001")
            .set("hs_status", "APPROVED")
            .set("hs_locked", "true")
            .set("hs_payment_enabled", "true")
            .set("hs_payment_status", "PAID")
            .set("hs_payment_date", PAID_AT),
    ];
    let paid_deal =
        deal(PAID_DEAL, "Norr Bistro – web order", "503", &[HOUSE_BLEND.times("4")]).paid_by("9002");
    let deals: Vec<_> = deals.into_iter().chain([paid_deal]).collect();
    let records = || deals.iter().chain(&quotes);
    json!({"portals": [{"portal_id": PORTAL.0, "objects": {
        "contacts": contacts,
        "deals": deals.iter().map(|deal| &deal.record).collect::<Vec<_>>(),
        "quotes": quotes.iter().map(|quote| &quote.record).collect::<Vec<_>>(),
        "line_items": records().flat_map(|record| &record.lines).collect::<Vec<_>>(),
        "commerce_payments": records().flat_map(|record| &record.payment).collect::<Vec<_>>(),
        "discounts": [adjustment("9101", "Autumn discount", "PERCENT", "10")],
        "fees": [adjustment("9201", DELIVERY.name, "FIXED", DELIVERY.price)],
    }}]})
}

/// The company's items and its one customer, as a seed of the QuickBooks simulator.
pub fn quickbooks() -> Value {
    let items = [HOUSE_BLEND, ESPRESSO, GRINDER].map(|line| item(&line, "NonInventory"));
    let services = [TRAINING, DELIVERY].map(|line| item(&line, "Service"));
    let items: Vec<_> = items.into_iter().chain(services).collect();
    let customer = json!({
        "DisplayName": "Hanna Lindqvist", "GivenName": "Hanna", "FamilyName": "Lindqvist",
        "PrimaryEmailAddr": {"Address": KNOWN_ADDRESS},
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
const DELIVERY: Line = product("7005", "Delivery", "SVC-DLV", "25.00");
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

/// A deal or quote, and what hangs on it.
struct Sale {
    record: Value,
    lines: Vec<Value>,
    payment: Option<Value>,
    total: Decimal,
}

impl Sale {
    fn new(id: u64, contact: &str, lines: &[Line]) -> Self {
        let line_id = |at: usize| format!("{}{at:02}", id % 1_000_000);
        let ids: Vec<_> = (0..lines.len()).map(line_id).collect();
        let associations = json!({"contacts": [contact], "line_items": ids});
        Self {
            record: json!({"id": id.to_string(), "properties": {}, "associations": associations}),
            lines: lines.iter().zip(&ids).enumerate().map(|(at, (line, id))| line.record(id, at)).collect(),
            payment: None,
            total: lines.iter().map(Line::amount).sum(),
        }
    }

    fn set(mut self, property: &str, value: &str) -> Self {
        self.record["properties"][property] = json!(value);
        self
    }

    /// With a payment over all of it.
    fn paid_by(mut self, payment: &str) -> Self {
        self.record["associations"]["commerce_payments"] = json!([payment]);
        self.payment = Some(json!({"id": payment, "properties": {
            "hs_latest_status": "succeeded", "hs_initial_amount": self.total.to_string(), "hs_currency_code": "USD",
            "hs_initiated_date": PAID_AT, "hs_reference_number": format!("ch_{payment}"),
        }}));
        self
    }
}

fn deal(id: u64, name: &str, contact: &str, lines: &[Line]) -> Sale {
    let sale = Sale::new(id, contact, lines);
    let amount = sale.total.to_string();
    sale.set("dealname", name).set("amount", &amount).set("deal_currency_code", "USD")
}

fn quote(id: u64, title: &str, contact: &str, lines: &[Line]) -> Sale {
    let sale = Sale::new(id, contact, lines);
    let amount = sale.total.to_string();
    sale.set("hs_title", title).set("hs_quote_amount", &amount).set("hs_currency", "USD")
}

fn offer(sale: Sale) -> Sale {
    let mut sale = sale.set("hs_status", "ACCEPTED").set("hs_expiration_date", OFFER_EXPIRES);
    sale.record["associations"]["discounts"] = json!(["9101"]);
    sale.record["associations"]["fees"] = json!(["9201"]);
    sale.set("hs_quote_amount", OFFER_TOTAL)
}

/// A discount or fee of a whole quote.
fn adjustment(id: &str, label: &str, kind: &str, value: &str) -> Value {
    json!({"id": id, "properties": {"hs_label": label, "hs_type": kind, "hs_value": value, "hs_sort_order": "0"}})
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

    #[test]
    fn the_offer_s_total_is_its_lines_less_the_discount_plus_the_fee() {
        let lines = HOUSE_BLEND.times("20").amount() + GRINDER.amount();
        let discounted = lines * "0.9".parse::<Decimal>().unwrap();
        let total =
            discounted.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero) + DELIVERY.amount();
        assert_eq!(total.to_string(), OFFER_TOTAL);
    }
}
