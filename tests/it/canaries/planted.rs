//! What is planted into a stack, each with a core of chance, and where each must have been seen: a canary that nobody used
//! proves nothing.

use local::world::{PORTAL, REALM};
use serde_json::{Value, json};
use store::handle::Handle;

use super::search::Canary;

/// A canary, and where it goes through the code.
pub(crate) struct Known {
    pub(crate) canary: Canary,
    pub(crate) text: String,
    pub(crate) seen: Seen,
}

/// Where a canary is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A function sent it there.
    SentTo(&'static str),
    /// A function was answered with it.
    ToldBy(&'static str),
    /// It stands in the environment of a function's process.
    Environment,
    /// A browser was let in with it: the steps that need it went on.
    Shown,
}

impl Known {
    pub(crate) fn new(name: &'static str, text: &str, seen: Seen) -> Self {
        // What vendors put before a token is the same for all of them.
        let fixed = ["eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0..", "RT1-", "AB1", "na1-", "access-"];
        let core = fixed.iter().find_map(|fixed| text.strip_prefix(fixed)).unwrap_or(text);
        // As is how an address of nobody ends.
        let core = core.strip_suffix(".example").unwrap_or(core);
        Self { canary: Canary::random(name, core), text: text.to_owned(), seen }
    }
}

/// The canaries of one run. What vendors and functions give out in it comes to them later.
pub(crate) struct Planted {
    pub(crate) keys: Vec<Known>,
    pub(crate) personal: Vec<Known>,
}

/// What stands on deals, documents and people.
pub(crate) const FIRST_NAME: &str = "the contact's first name";
pub(crate) const LAST_NAME: &str = "the contact's last name";
pub(crate) const EMAIL: &str = "the contact's e-mail address";
pub(crate) const STREET: &str = "the contact's street";
pub(crate) const CITY: &str = "the contact's city";
pub(crate) const PHONE: &str = "the contact's phone number";
pub(crate) const DEAL: &str = "the deal's name";
pub(crate) const LINE: &str = "a line's text";
pub(crate) const AMOUNT: &str = "the amount";
pub(crate) const REFERENCE: &str = "a payment's memo";
pub(crate) const COMPANY: &str = "the company's name";
pub(crate) const LEGAL_NAME: &str = "the company's legal name";
pub(crate) const CUSTOMER: &str = "a customer's name";

pub(crate) const AWS_KEY: &str = "the AWS access key id";
pub(crate) const AWS_SECRET: &str = "the AWS secret key";
pub(crate) const AWS_TOKEN: &str = "the AWS session token";

/// The deal with the planted names; its contact is new to QuickBooks.
pub(crate) const PLANTED_DEAL: u64 = 8_900_000_001;
/// A deal of the planted customer, with a line that is no product of QuickBooks.
pub(crate) const UNKNOWN_ITEM: u64 = 8_900_000_002;
/// A deal of the planted customer.
pub(crate) const OF_CUSTOMER: u64 = 8_900_000_003;
/// A quote that was paid.
pub(crate) const PAID: u64 = 8_900_500_001;

impl Planted {
    pub(crate) fn new() -> Self {
        use Seen::{Environment, SentTo, ToldBy};
        let secrets = ToldBy("Secrets Manager");
        // As secrets are: with what must be escaped in a form.
        let key = |name, seen| Known::new(name, &format!("{}/{}+{}=", chance(8), chance(8), chance(8)), seen);
        let word = |name, seen| Known::new(name, &format!("{}é\"&{}", chance(8), chance(8)), seen);
        let plain = |name, seen| Known::new(name, &chance(16), seen);
        let (books, from_books) = (SentTo("QuickBooks"), ToldBy("QuickBooks"));
        Self {
            keys: vec![
                key(HUBSPOT, SentTo("HubSpot")),
                key("HubSpot's previous client secret", secrets),
                key(INTUIT, books),
                key("Intuit's previous client secret", secrets),
                key("Intuit's webhook verifier", secrets),
                key(SANDBOX, books),
                key("Intuit's webhook verifier for sandboxes", secrets),
                key("the session key", secrets),
                plain(AWS_KEY, SentTo("DynamoDB")),
                key(AWS_SECRET, Environment),
                key(AWS_TOKEN, SentTo("DynamoDB")),
            ],
            personal: vec![
                word(FIRST_NAME, books),
                word(LAST_NAME, books),
                Known::new(EMAIL, &format!("{}@{}.example", chance(12), chance(12)).to_lowercase(), books),
                word(STREET, books),
                word(CITY, books),
                Known::new(PHONE, &format!("{}-{}-{}", digits(3), digits(4), digits(4)), books),
                word(DEAL, ToldBy("HubSpot")),
                word(LINE, books),
                // No time of day ends in 97 seconds, backwards either.
                Known::new(AMOUNT, &format!("{}.97", digits(7)), books),
                plain(REFERENCE, books),
                word(COMPANY, from_books),
                word(LEGAL_NAME, from_books),
                word(CUSTOMER, from_books),
            ],
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        let known = self.keys.iter().chain(&self.personal).find(|known| known.canary.name == name);
        known.map(|known| known.text.as_str()).unwrap_or_else(|| panic!("{name} is not planted"))
    }

    /// The app secret (contract §5).
    pub(crate) fn app_secret(&self) -> Value {
        let text = |name: &str| self.text(name);
        json!({
            "hubspot": {
                "client_id": "canary-hubspot", "client_secret": text(HUBSPOT),
                "client_secret_previous": text("HubSpot's previous client secret"), "app_id": "1",
            },
            "intuit": {
                "client_id": "canary-intuit", "client_secret": text(INTUIT),
                "client_secret_previous": text("Intuit's previous client secret"),
                "webhook_verifier": text("Intuit's webhook verifier"),
            },
            "intuit_sandbox": {
                "client_id": "canary-sandbox", "client_secret": text(SANDBOX),
                "webhook_verifier": text("Intuit's webhook verifier for sandboxes"),
            },
            "session_key": text("the session key"),
        })
    }

    /// Deals, a paid quote and their people, as a seed of the HubSpot simulator.
    pub(crate) fn hubspot(&self) -> Value {
        let text = |name: &str| self.text(name);
        let (amount, address) = (text(AMOUNT), self.address_of_customer());
        let line = |id: &str, name: &str, sku: Option<&str>| {
            json!({"id": id, "properties": {
                "name": name, "hs_sku": sku, "description": text(LINE), "quantity": "1", "price": amount,
                "amount": amount, "hs_position_on_quote": "0", "hs_line_item_currency_code": "USD",
            }})
        };
        let deal = |id: u64, contact: &str, line: &str| {
            json!({"id": id.to_string(),
                "properties": {"dealname": text(DEAL), "amount": amount, "deal_currency_code": "USD"},
                "associations": {"contacts": [contact], "line_items": [line]}})
        };
        let item = ("House blend, 12 oz", Some("COF-HB12"));
        json!({"portals": [{"portal_id": PORTAL.0, "objects": {
            "contacts": [
                {"id": "601", "properties": {
                    "firstname": text(FIRST_NAME), "lastname": text(LAST_NAME), "email": text(EMAIL),
                    "phone": text(PHONE), "address": text(STREET), "city": text(CITY),
                }},
                {"id": "602", "properties": {"firstname": "Any", "lastname": "Body", "email": address}},
            ],
            "deals": [
                deal(PLANTED_DEAL, "601", "60101"), deal(UNKNOWN_ITEM, "602", "60201"), deal(OF_CUSTOMER, "602", "60301"),
            ],
            "quotes": [{"id": PAID.to_string(), "properties": {
                "hs_title": text(DEAL), "hs_currency": "USD", "hs_quote_amount": amount,
                "hs_payment_status": "PAID", "hs_payment_date": "2026-11-02",
            }, "associations": {"contacts": ["602"], "line_items": ["60401"], "commerce_payments": ["60501"]}}],
            "line_items": [
                line("60101", item.0, item.1), line("60201", text(LINE), None), line("60301", item.0, item.1),
                line("60401", item.0, item.1),
            ],
            "commerce_payments": [{"id": "60501", "properties": {
                "hs_latest_status": "succeeded", "hs_initial_amount": amount, "hs_currency_code": "USD",
                "hs_initiated_date": "2026-11-02T15:00:00Z", "hs_reference_number": text(REFERENCE),
            }}],
        }}]})
    }

    /// The company's names and its known customer, as a seed of the QuickBooks simulator.
    pub(crate) fn quickbooks(&self) -> Value {
        let customer = json!({
            "DisplayName": self.text(CUSTOMER), "PrimaryEmailAddr": {"Address": self.address_of_customer()},
        });
        let (name, legal_name) = (self.text(COMPANY), self.text(LEGAL_NAME));
        json!({"companies": [
            {"realm_id": REALM, "name": name, "legal_name": legal_name, "customers": [customer]},
        ]})
    }

    /// Everything, as somebody might send it who means no good.
    pub(crate) fn all(&self) -> String {
        let texts: Vec<_> = self.keys.iter().chain(&self.personal).map(|known| known.text.as_str()).collect();
        texts.join(" ")
    }

    fn address_of_customer(&self) -> String {
        self.text(EMAIL).replace('@', "@other.")
    }
}

const HUBSPOT: &str = "HubSpot's client secret";
const INTUIT: &str = "Intuit's client secret";
const SANDBOX: &str = "Intuit's client secret for sandboxes";

/// So many letters and digits of chance.
fn chance(length: usize) -> String {
    let letters: Vec<_> = (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z').map(char::from).collect();
    let bits = hex::decode(Handle::new().expose()).unwrap();
    bits.into_iter().take(length).map(|bits| letters[usize::from(bits) % letters.len()]).collect()
}

/// So many digits of chance; the first is none that would be dropped.
fn digits(length: usize) -> String {
    let bits = hex::decode(Handle::new().expose()).unwrap();
    bits.into_iter().take(length).map(|bits| char::from(b'1' + bits % 9)).collect()
}

/// Access and refresh token, as a secret holds them.
pub(crate) fn tokens(secret: &str) -> [String; 2] {
    let secret: Value = serde_json::from_str(secret).unwrap();
    ["access_token", "refresh_token"].map(|name| secret[name].as_str().unwrap().to_owned())
}
