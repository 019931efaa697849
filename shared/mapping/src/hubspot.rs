//! What we read from HubSpot: the enrolled record and what hangs on it, with only the properties we use.
//!
//! HubSpot sends every property as a string or `null`, and the same property may be missing, `null` or blank: all three
//! are [`None`] here. Nothing is parsed further: [`crate::sale`] does that, so that all problems of a record are told at once.

use crate::money::Currency;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// One HubSpot account: the tenant of everything we store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PortalId(pub u64);

impl fmt::Display for PortalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a HubSpot record (deal, contact, line item, …): a 64-bit number, sent as a string by the CRM API and as a
/// number by the workflow engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RecordId(pub u64);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RecordId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(RecordId)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl serde::de::Visitor<'_> for Either {
            type Value = RecordId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record id, as a number or a string of digits")
            }
            fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<RecordId, E> {
                Ok(RecordId(id))
            }
            fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<RecordId, E> {
                id.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The kinds of record our actions can be placed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A deal, object type `0-3`.
    Deal,
    /// A quote, object type `0-14`.
    Quote,
}

impl RecordKind {
    /// Reads `object.objectType` of an execution request: the upper-case name or the type id (hubspot.md §2.1).
    pub fn from_object_type(text: &str) -> Option<Self> {
        match text {
            "DEAL" | "0-3" => Some(Self::Deal),
            "QUOTE" | "0-14" => Some(Self::Quote),
            _ => None,
        }
    }

    /// HubSpot's object type id, as links to a record need it.
    pub fn type_id(self) -> &'static str {
        match self {
            Self::Deal => "0-3",
            Self::Quote => "0-14",
        }
    }

    /// The word for a person: “deal” or “quote”.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Deal => "deal",
            Self::Quote => "quote",
        }
    }
}

/// The enrolled record with everything read beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The deal or quote itself.
    pub record: Record,
    /// The contact the document is made for: a quote's billing contact, else the first as HubSpot returns them.
    pub contact: Option<Contact>,
    /// Where a HubSpot company is billed: the primary one alone (of a quote, its billing company), else all there are. None
    /// where the contact is billed.
    pub companies: Option<Vec<Company>>,
    /// The record's line items, each once, in no particular order.
    pub line_items: Vec<LineItem>,
    /// A quote's own discounts; a deal has none.
    pub discounts: Vec<Adjustment>,
    /// A quote's own fees; a deal has none.
    pub fees: Vec<Adjustment>,
    /// A quote's own taxes: its amount may hold them, whoever decides on tax. A deal has none.
    pub taxes: Vec<Adjustment>,
    /// The record's payments; none when they were not asked for.
    pub payments: Vec<Payment>,
    /// Properties of the record that were asked for by name, those that are not blank.
    pub properties: BTreeMap<String, String>,
    /// The portal's own currency: that of amounts that name none. None as long as HubSpot has not said it.
    pub portal_currency: Option<Currency>,
}

/// A record an action can be run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A deal.
    Deal(Deal),
    /// A quote.
    Quote(Quote),
}

/// A deal (`0-3`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// Its record id.
    pub id: RecordId,
    /// Its properties.
    pub properties: DealProperties,
}

/// The properties of a deal we read. Field names are HubSpot's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DealProperties {
    /// The deal's name.
    #[serde(deserialize_with = "blank_is_none")]
    pub dealname: Option<String>,
    /// The deal's amount, a decimal number.
    #[serde(deserialize_with = "blank_is_none")]
    pub amount: Option<String>,
    /// ISO 4217 code; filled in portals with several currencies only.
    #[serde(deserialize_with = "blank_is_none")]
    pub deal_currency_code: Option<String>,
}

impl DealProperties {
    /// The names to ask HubSpot for.
    pub const NAMES: &[&str] = &["dealname", "amount", "deal_currency_code"];
}

/// A quote (`0-14`). Its line items are clones of the deal's, with ids of their own (hubspot.md §6.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its record id.
    pub id: RecordId,
    /// Its properties.
    pub properties: QuoteProperties,
}

/// The properties of a quote we read. Field names are HubSpot's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct QuoteProperties {
    /// The quote's title.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_title: Option<String>,
    /// The quote's amount, a decimal number.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_quote_amount: Option<String>,
    /// ISO 4217 code.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_currency: Option<String>,
    /// Until when it is offered: `YYYY-MM-DD` or epoch milliseconds.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_expiration_date: Option<String>,
    /// `PENDING`, `PROCESSING`, `PAID`; none when payments are not switched on.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_payment_status: Option<String>,
    /// When it was paid.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_payment_date: Option<String>,
}

impl QuoteProperties {
    /// The names to ask HubSpot for.
    pub const NAMES: &[&str] = &[
        "hs_title",
        "hs_quote_amount",
        "hs_currency",
        "hs_expiration_date",
        "hs_payment_status",
        "hs_payment_date",
    ];
}

/// A discount (`0-84`), fee (`0-85`) or tax (`0-86`) of a whole quote (hubspot.md §6.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// Its record id.
    pub id: RecordId,
    /// Its properties.
    pub properties: AdjustmentProperties,
}

/// The properties of a discount, fee or tax we read. Field names are HubSpot's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AdjustmentProperties {
    /// What it is called.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_label: Option<String>,
    /// `PERCENT` or `FIXED`.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_type: Option<String>,
    /// A decimal number; a percentage is 0–100.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_value: Option<String>,
    /// Place among its kind.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_sort_order: Option<String>,
}

impl AdjustmentProperties {
    /// The names to ask HubSpot for.
    pub const NAMES: &[&str] = &["hs_label", "hs_type", "hs_value", "hs_sort_order"];
}

/// A payment (`0-101`) that came in through HubSpot (hubspot.md §7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its record id.
    pub id: RecordId,
    /// Its properties.
    pub properties: PaymentProperties,
}

/// The properties of a payment we read. Field names are HubSpot's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PaymentProperties {
    /// `succeeded`, `partially_refunded`, `processing`, …
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_latest_status: Option<String>,
    /// The amount charged.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_initial_amount: Option<String>,
    /// What was paid back.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_refunds_amount: Option<String>,
    /// ISO 4217 code.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_currency_code: Option<String>,
    /// When it was made: ISO 8601 or epoch milliseconds.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_initiated_date: Option<String>,
    /// The processor's reference.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_reference_number: Option<String>,
    /// `card`, `ach`, `check`, …
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_payment_method_type: Option<String>,
    /// Whom it is shipped to, if anything is.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_shipping_ship_to_name: Option<String>,
    /// Where to: street and number.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_shipping_address_line_1: Option<String>,
    /// Floor, suite and the like.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_shipping_address_line_2: Option<String>,
    /// City.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_shipping_address_city: Option<String>,
    /// State or region.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_shipping_address_state: Option<String>,
    /// Postal code.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_shipping_address_zip: Option<String>,
    /// Country.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_shipping_address_country: Option<String>,
}

impl PaymentProperties {
    /// The names to ask HubSpot for.
    pub const NAMES: &[&str] = &[
        "hs_latest_status",
        "hs_initial_amount",
        "hs_refunds_amount",
        "hs_currency_code",
        "hs_initiated_date",
        "hs_reference_number",
        "hs_payment_method_type",
        "hs_shipping_ship_to_name",
        "hs_shipping_address_line_1",
        "hs_shipping_address_line_2",
        "hs_shipping_address_city",
        "hs_shipping_address_state",
        "hs_shipping_address_zip",
        "hs_shipping_address_country",
    ];
}

/// A contact (`0-1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its record id.
    pub id: RecordId,
    /// Its properties.
    pub properties: ContactProperties,
}

/// The properties of a contact we read. Field names are HubSpot's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ContactProperties {
    /// Given name.
    #[serde(deserialize_with = "blank_is_none")]
    pub firstname: Option<String>,
    /// Family name.
    #[serde(deserialize_with = "blank_is_none")]
    pub lastname: Option<String>,
    /// E-mail address: unique among the portal's contacts.
    #[serde(deserialize_with = "blank_is_none")]
    pub email: Option<String>,
    /// Phone number, free form.
    #[serde(deserialize_with = "blank_is_none")]
    pub phone: Option<String>,
    /// Street and number.
    #[serde(deserialize_with = "blank_is_none")]
    pub address: Option<String>,
    /// City.
    #[serde(deserialize_with = "blank_is_none")]
    pub city: Option<String>,
    /// State or region.
    #[serde(deserialize_with = "blank_is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(deserialize_with = "blank_is_none")]
    pub zip: Option<String>,
    /// Country, free form.
    #[serde(deserialize_with = "blank_is_none")]
    pub country: Option<String>,
}

impl ContactProperties {
    /// The names to ask HubSpot for.
    pub const NAMES: &[&str] =
        &["firstname", "lastname", "email", "phone", "address", "city", "state", "zip", "country"];
}

/// A company (`0-2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its record id.
    pub id: RecordId,
    /// Its properties.
    pub properties: CompanyProperties,
}

/// The properties of a company we read. Field names are HubSpot's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CompanyProperties {
    /// Its name.
    #[serde(deserialize_with = "blank_is_none")]
    pub name: Option<String>,
    /// Its website's host.
    #[serde(deserialize_with = "blank_is_none")]
    pub domain: Option<String>,
    /// Phone number, free form.
    #[serde(deserialize_with = "blank_is_none")]
    pub phone: Option<String>,
    /// Street and number.
    #[serde(deserialize_with = "blank_is_none")]
    pub address: Option<String>,
    /// Floor, suite and the like.
    #[serde(deserialize_with = "blank_is_none")]
    pub address2: Option<String>,
    /// City.
    #[serde(deserialize_with = "blank_is_none")]
    pub city: Option<String>,
    /// State or region.
    #[serde(deserialize_with = "blank_is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(deserialize_with = "blank_is_none")]
    pub zip: Option<String>,
    /// Country, free form.
    #[serde(deserialize_with = "blank_is_none")]
    pub country: Option<String>,
}

impl CompanyProperties {
    /// The names to ask HubSpot for.
    pub const NAMES: &[&str] =
        &["name", "domain", "phone", "address", "address2", "city", "state", "zip", "country"];
}

/// A line item (`0-8`) of one deal or quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineItem {
    /// Its record id.
    pub id: RecordId,
    /// Its properties.
    pub properties: LineItemProperties,
}

/// The properties of a line item we read (hubspot.md §6.5). Field names are HubSpot's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LineItemProperties {
    /// What is sold.
    #[serde(deserialize_with = "blank_is_none")]
    pub name: Option<String>,
    /// A longer text.
    #[serde(deserialize_with = "blank_is_none")]
    pub description: Option<String>,
    /// The stock keeping unit: the natural key of a product.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_sku: Option<String>,
    /// The HubSpot product the line came from; none for a custom line.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_product_id: Option<String>,
    /// Units, decimals possible.
    #[serde(deserialize_with = "blank_is_none")]
    pub quantity: Option<String>,
    /// Unit price before discount, up to six decimals.
    #[serde(deserialize_with = "blank_is_none")]
    pub price: Option<String>,
    /// Discount per unit, as an amount.
    #[serde(deserialize_with = "blank_is_none")]
    pub discount: Option<String>,
    /// Discount as a percentage: `10` is 10 %.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_discount_percentage: Option<String>,
    /// Net price of the line as HubSpot calculates it: quantity × price − discount.
    #[serde(deserialize_with = "blank_is_none")]
    pub amount: Option<String>,
    /// What it would cost without its discount.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_pre_discount_amount: Option<String>,
    /// `volume`, `graduated`, `stairstep`: the price depends on the quantity, and `price` says little.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_pricing_model: Option<String>,
    /// `monthly`, `annually`, …; none for what is billed once.
    #[serde(deserialize_with = "blank_is_none")]
    pub recurringbillingfrequency: Option<String>,
    /// `true` on a quote: the buyer may leave the line out.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_is_optional: Option<String>,
    /// The id of its rate in the portal's library of taxes.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_tax_rate_group_id: Option<String>,
    /// That rate: `20` is 20 %.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_tax_rate: Option<String>,
    /// What that rate comes to.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_tax_amount: Option<String>,
    /// The tax HubSpot reckoned by itself, without a rate of the library.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_auto_tax_amount: Option<String>,
    /// ISO 4217 code.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_line_item_currency_code: Option<String>,
    /// Place among the lines, from 0.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_position_on_quote: Option<String>,
    /// The first day it is billed for: `YYYY-MM-DD` or epoch milliseconds.
    #[serde(deserialize_with = "blank_is_none")]
    pub hs_recurring_billing_start_date: Option<String>,
}

impl LineItemProperties {
    /// The names to ask HubSpot for.
    pub const NAMES: &[&str] = &[
        "name",
        "description",
        "hs_sku",
        "hs_product_id",
        "quantity",
        "price",
        "discount",
        "hs_discount_percentage",
        "amount",
        "hs_pre_discount_amount",
        "hs_pricing_model",
        "recurringbillingfrequency",
        "hs_is_optional",
        "hs_tax_rate_group_id",
        "hs_tax_rate",
        "hs_tax_amount",
        "hs_auto_tax_amount",
        "hs_line_item_currency_code",
        "hs_position_on_quote",
        "hs_recurring_billing_start_date",
    ];
}

fn blank_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty()))
}
