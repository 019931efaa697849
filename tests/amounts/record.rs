//! Deals and quotes of chance, as HubSpot has their properties: sound ones, whose figures HubSpot could have reckoned, sound
//! ones of people and products that nobody knows, and any.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::company::{self, KNOWN_EMAIL, KNOWN_SKU};
use simulators::chance::Chance;

/// A record and what hangs on it.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) is_quote: bool,
    pub(crate) record: Value,
    pub(crate) contact: Value,
    /// Whom the settings may bill in the contact's place.
    pub(crate) company: Value,
    pub(crate) lines: Vec<Value>,
    /// Of a quote, as fees and taxes are.
    pub(crate) discounts: Vec<Value>,
    pub(crate) fees: Vec<Value>,
    pub(crate) taxes: Vec<Value>,
    pub(crate) payments: Vec<Value>,
}

/// What its texts for settings are kept in.
pub(crate) const ORDER: &str = "order";

/// A record nothing is wrong with, of the customer and the product that the company knows; its rates are those of the settings.
pub(crate) fn sound(chance: &mut Chance, company: &company::Company) -> Drawn {
    let decimals = company.currency.decimals;
    let named = !company.may_name_no_currency() || chance.one_in(2);
    let code = named.then_some(company.currency.code);
    let mut lines: Vec<Value> = (0..=chance.below(4)).map(|_| sound_line(chance, decimals)).collect();
    for line in lines.iter_mut().filter(|_| chance.one_in(2)) {
        line["hs_line_item_currency_code"] = json!(code);
    }
    let is_quote = chance.one_in(2);
    let adjustments = |chance: &mut Chance, kinds: &[&str]| -> Vec<Value> {
        let count = if is_quote { chance.below(3) } else { 0 };
        (0..count).map(|_| adjustment(chance, kinds)).collect()
    };
    // Percentages only: a fixed sum could be more than there is.
    let discounts = adjustments(chance, &["PERCENT"]);
    let fees = adjustments(chance, &["PERCENT", "FIXED"]);
    let record = if is_quote {
        json!({"hs_title": format!("Kiosk {}", text(chance)), "hs_currency": code, ORDER: text(chance),
            "hs_payment_status": chance.pick(&[None, Some("PAID")]),
            "hs_quote_amount": number(chance, 99_999, decimals).to_string(),
            "hs_expiration_date": chance.pick(&[None, Some("2036-03-31")])})
    } else {
        json!({"dealname": format!("Kiosk {}", text(chance)), "deal_currency_code": code, ORDER: text(chance)})
    };
    let payments = (0..chance.below(3)).map(|_| payment(chance, code, decimals)).collect();
    let contact = json!({"firstname": format!("Ana {}", text(chance)), "lastname": text(chance), "email": KNOWN_EMAIL,
        "phone": text(chance), "address": text(chance), "city": text(chance), "state": text(chance),
        "zip": text(chance), "country": text(chance)});
    let company = json!({"name": format!("Harbour {}", text(chance)), "domain": chance.pick(&["harbour.example", "no host", ""]),
        "phone": text(chance), "address": text(chance), "address2": text(chance), "city": text(chance),
        "state": text(chance), "zip": text(chance), "country": text(chance)});
    Drawn { is_quote, record, contact, company, lines, discounts, fees, taxes: Vec::new(), payments }
}

/// A sound record of somebody and something else; there may be nothing left of the names once they are written.
pub(crate) fn unknown(chance: &mut Chance, company: &company::Company) -> Drawn {
    let mut drawn = sound(chance, company);
    drawn.contact["firstname"] = json!(text(chance));
    drawn.contact["email"] =
        json!(chance.pick(&["theo@kiosk.example", "o'brien+x@a-b.example", "t@x.example;u@x.example"]));
    drawn.company["name"] = json!(text(chance));
    for line in &mut drawn.lines {
        line["name"] = json!(text(chance));
        line["hs_sku"] = json!(text(chance));
    }
    drawn
}

/// A sound record with anything in some of its properties.
pub(crate) fn any(chance: &mut Chance, company: &company::Company) -> Drawn {
    let mut drawn = if chance.one_in(4) { unknown(chance, company) } else { sound(chance, company) };
    drawn.lines.truncate(usize::try_from(chance.below(5)).unwrap());
    drawn.lines.iter_mut().for_each(|line| spoil(chance, line));
    let adjustments = |chance: &mut Chance| -> Vec<Value> {
        let count = if chance.one_in(3) { chance.below(3) } else { 0 };
        (0..count).map(|_| any_adjustment(chance)).collect()
    };
    drawn.discounts = adjustments(chance);
    drawn.fees = adjustments(chance);
    drawn.taxes = adjustments(chance);
    if chance.one_in(4) {
        drawn.contact["email"] =
            json!(chance.pick(&["", "ana", "🎁@x.example", "ana@harbour.example, b@c.example"]));
    }
    for payment in &mut drawn.payments {
        if chance.one_in(3) {
            payment[chance.pick(&["hs_initial_amount", "hs_refunds_amount", "hs_latest_status"])] =
                json!(figure(chance));
        }
    }
    drawn
}

/// As HubSpot reckons: the discount off the line's total, half-up, and tax on what is left.
fn sound_line(chance: &mut Chance, decimals: u32) -> Value {
    let quantity = match chance.below(3) {
        0 => whole(chance, 99),
        1 => number(chance, 9_999, 3),
        _ => number(chance, 3_000_000, 6),
    };
    let price = match chance.below(4) {
        0 => Decimal::ZERO,
        1 => number(chance, 999_999_999, 6),
        _ => number(chance, 99_999, decimals),
    };
    let before = quantity * price;
    let percent = number(chance, 10_000, 2);
    let per_unit = price * Decimal::from(chance.below(101)) / Decimal::ONE_HUNDRED;
    let (off, discount) = match chance.below(3) {
        0 => (Decimal::ZERO, json!({})),
        1 => {
            (before * percent / Decimal::ONE_HUNDRED, json!({"hs_discount_percentage": percent.to_string()}))
        }
        _ => (quantity * per_unit, json!({"discount": per_unit.to_string()})),
    };
    let amount = half_up(before - off, decimals);
    let rate = chance.pick(&["", "20", "7.0", "8.875", "0"]);
    let tax =
        rate.parse::<Decimal>().ok().map(|rate| half_up(amount * rate / Decimal::ONE_HUNDRED, decimals));
    let mut line = json!({
        "name": format!("Kettle {}", text(chance)), "description": text(chance), "hs_sku": KNOWN_SKU,
        "hs_product_id": chance.pick(&[None, None, Some("7001"), Some("7002")]),
        "quantity": quantity.to_string(), "price": price.to_string(), "hs_tax_rate": rate,
        "amount": chance.one_in(2).then(|| amount.to_string()),
        "hs_tax_amount": tax.filter(|_| chance.one_in(2)).map(|tax| tax.to_string()),
        "recurringbillingfrequency": chance.pick(&[None, Some("monthly"), Some("per_six_months")]),
        "hs_recurring_billing_start_date": chance.pick(&[None, Some("2026-04-01")]),
        "hs_position_on_quote": chance.below(5).to_string(),
    });
    for (name, value) in discount.as_object().unwrap() {
        line[name] = value.clone();
    }
    line
}

fn spoil(chance: &mut Chance, line: &mut Value) {
    let figures = [
        "quantity",
        "price",
        "discount",
        "amount",
        "hs_discount_percentage",
        "hs_pre_discount_amount",
        "hs_tax_rate",
        "hs_tax_amount",
        "hs_auto_tax_amount",
        "hs_position_on_quote",
    ];
    for _ in 0..chance.below(3) {
        line[chance.pick(&figures)] = json!(figure(chance));
    }
    let words: [(&str, &[&str]); 5] = [
        ("hs_sku", &["", "NEW", "ket-1 "]),
        ("hs_pricing_model", &["flat", "volume", "graduated"]),
        ("hs_is_optional", &["true", "false"]),
        ("hs_tax_rate_group_id", &["4711", "4712"]),
        ("hs_line_item_currency_code", &["EUR", "euro"]),
    ];
    for (name, words) in words {
        if chance.one_in(6) {
            line[name] = json!(chance.pick(words));
        }
    }
}

fn any_adjustment(chance: &mut Chance) -> Value {
    let mut one = adjustment(chance, &["PERCENT", "FIXED"]);
    if chance.one_in(3) {
        let name = chance.pick(&["hs_type", "hs_value", "hs_sort_order"]);
        one[name] = json!(figure(chance));
    }
    one
}

fn adjustment(chance: &mut Chance, kinds: &[&str]) -> Value {
    json!({"hs_label": text(chance), "hs_type": chance.pick(kinds), "hs_value": number(chance, 10_000, 2).to_string()})
}

fn payment(chance: &mut Chance, code: Option<&str>, decimals: u32) -> Value {
    json!({
        "hs_latest_status": chance.pick(&["succeeded", "succeeded", "processing", "partially_refunded"]),
        "hs_initial_amount": number(chance, 99_999, decimals).to_string(), "hs_refunds_amount": chance.pick(&[None, Some("0")]),
        "hs_currency_code": code, "hs_initiated_date": "2026-02-28T03:00:00Z", "hs_reference_number": text(chance),
        "hs_payment_method_type": chance.pick(&["card", "check", "cash", "klarna_pay"]),
        "hs_shipping_ship_to_name": text(chance), "hs_shipping_address_line_1": text(chance),
        "hs_shipping_address_line_2": text(chance), "hs_shipping_address_city": text(chance),
        "hs_shipping_address_state": text(chance), "hs_shipping_address_zip": text(chance),
        "hs_shipping_address_country": text(chance),
    })
}

/// What people write, and what nobody should. One of hundreds is longer than any field, some are about as long as the shorter
/// ones.
pub(crate) fn text(chance: &mut Chance) -> String {
    let pieces: String = (0..=chance.below(2)).map(|_| piece(chance)).collect();
    match chance.below(200) {
        0 => pieces.repeat(usize::try_from(1 + chance.below(3_000)).unwrap()),
        1..20 => {
            let length = usize::try_from(20 + chance.below(90)).unwrap();
            pieces.chars().chain(std::iter::once('x')).cycle().take(length).collect()
        }
        _ => pieces,
    }
}

fn piece(chance: &mut Chance) -> String {
    if chance.one_in(12) {
        let any = |_| {
            char::from_u32(u32::try_from(chance.below(0x11_0000)).unwrap_or_default() >> chance.below(12))
        };
        return (0..8).filter_map(any).collect();
    }
    let piece = chance.pick(&[
        "",
        "Blue",
        "naïve façade",
        "nai\u{308}ve",
        "Ω≈ç√",
        "日本語",
        "🎁",
        "👩🏽‍💻 Ana",
        "a\tb",
        "line\r\nline",
        "O'Brien & Søn",
        "\u{7}",
        "\"quoted\"",
        "50 % off: now",
        ":",
        "Widget",
        "\u{200B}\u{202B}דנה\u{202C}",
        "<b>\\ + ;",
    ]);
    piece.to_owned()
}

/// A number, or not quite.
fn figure(chance: &mut Chance) -> String {
    match chance.below(8) {
        0 => String::new(),
        1 => chance
            .pick(&[
                "-1",
                "1e5",
                "1e-9",
                "1e40",
                "NaN",
                "ten",
                "1,000",
                "9999999999999.99",
                "0.00000000000000000000000000001",
            ])
            .to_owned(),
        2 => "9".repeat(usize::try_from(1 + chance.below(30)).unwrap_or(1)),
        3 => whole(chance, 100).to_string(),
        _ => number(chance, 9_999_999, 4).to_string(),
    }
}

fn whole(chance: &mut Chance, most: u64) -> Decimal {
    Decimal::from(1 + chance.below(most))
}

fn number(chance: &mut Chance, most: i64, scale: u32) -> Decimal {
    Decimal::new(1 + i64::try_from(chance.below(most.unsigned_abs())).unwrap_or_default(), scale)
}

fn half_up(amount: Decimal, decimals: u32) -> Decimal {
    amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}
