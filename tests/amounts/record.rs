//! Deals and quotes of chance: sound ones, whose figures HubSpot could have reckoned, and any.

use jiff::civil::date;
use mapping::document::{Emailing, Header};
use mapping::hubspot::{Adjustment, Contact, Deal, Enrolled, LineItem, Quote, Record, RecordId};
use mapping::number::Number;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, from_value, json};
use simulators::chance::Chance;

/// A record nothing is wrong with; its rates are those of the settings.
pub(crate) fn sound(chance: &mut Chance) -> Enrolled {
    let lines: Vec<Value> = (0..=chance.below(4)).map(|_| sound_line(chance)).collect();
    let is_quote = chance.one_in(2);
    let adjustments = |chance: &mut Chance, kinds: &[&str]| -> Vec<Value> {
        let count = if is_quote { chance.below(3) } else { 0 };
        (0..count).map(|_| adjustment(chance, kinds)).collect()
    };
    // Percentages only: a fixed sum could be more than there is.
    let discounts = adjustments(chance, &["PERCENT"]);
    let fees = adjustments(chance, &["PERCENT", "FIXED"]);
    enrolled(is_quote, contact(chance), lines, [discounts, fees, Vec::new()])
}

/// A sound record with anything in some of its properties.
pub(crate) fn any(chance: &mut Chance) -> Enrolled {
    let lines: Vec<Value> = (0..chance.below(4)).map(|_| any_line(chance)).collect();
    let adjustments = |chance: &mut Chance| -> Vec<Value> {
        let count = if chance.one_in(3) { chance.below(3) } else { 0 };
        (0..count).map(|_| any_adjustment(chance)).collect()
    };
    let all = [adjustments(chance), adjustments(chance), adjustments(chance)];
    let mut contact = contact(chance);
    if chance.one_in(4) {
        contact["email"] =
            json!(chance.pick(&["", "ana", "🎁@x.example", "ana@harbour.example, b@c.example"]));
    }
    enrolled(chance.one_in(2), contact, lines, all)
}

pub(crate) fn header(chance: &mut Chance) -> Header {
    let properties = [("order".to_owned(), text(chance))];
    Header {
        today: date(2026, 3, 2),
        due_days: chance.one_in(2).then(|| "30".parse().unwrap()),
        number: chance.pick(&[Number::OfQuickBooks, Number::OfRecord("HS-4821".into())]),
        emailing: chance.pick(&[Emailing::No, Emailing::Queue]),
        properties: properties.into(),
        exchange_rate: None,
        expires: chance.one_in(2).then(|| date(2026, 3, 31)),
        paid: None,
        payment_method: None,
        deposit_account: None,
        ship_to: None,
        ship_date: None,
        marker: "[hs 0123456789abcdef0123]".into(),
        record_url: format!(
            "https://app.hubspot.com/contacts/1/record/0-3/{}",
            "4".repeat(usize::try_from(chance.below(30)).unwrap())
        ),
    }
}

fn enrolled(
    is_quote: bool,
    contact: Value,
    lines: Vec<Value>,
    [discounts, fees, taxes]: [Vec<Value>; 3],
) -> Enrolled {
    let deal = || {
        Record::Deal(Deal {
            id: RecordId(4821),
            properties: from_value(json!({"dealname": "Kiosk"})).unwrap(),
        })
    };
    let quote = || {
        Record::Quote(Quote {
            id: RecordId(7701),
            properties: from_value(json!({"hs_title": "Kiosk"})).unwrap(),
        })
    };
    let numbered = |all: Vec<Value>| -> Vec<Adjustment> {
        let read = |(id, one)| Adjustment { id: RecordId(id), properties: from_value(one).unwrap() };
        (1..).zip(all).map(read).collect()
    };
    let line_items = (601..).zip(lines);
    let line_items = line_items
        .map(|(id, properties)| LineItem { id: RecordId(id), properties: from_value(properties).unwrap() });
    Enrolled {
        record: if is_quote { quote() } else { deal() },
        contact: Some(Contact { id: RecordId(501), properties: from_value(contact).unwrap() }),
        companies: None,
        line_items: line_items.collect(),
        discounts: numbered(discounts),
        fees: numbered(fees),
        taxes: numbered(taxes),
        payments: Vec::new(),
        properties: Default::default(),
        portal_currency: None,
    }
}

fn contact(chance: &mut Chance) -> Value {
    json!({"firstname": format!("Ana {}", text(chance)), "lastname": text(chance), "email": "ana@harbour.example",
        "phone": text(chance), "address": text(chance), "city": text(chance), "zip": text(chance)})
}

/// As HubSpot reckons: the discount off the line's total, half-up, and tax on what is left.
fn sound_line(chance: &mut Chance) -> Value {
    let quantity = match chance.below(3) {
        0 => whole(chance, 99),
        1 => decimals(chance, 9_999, 3),
        _ => decimals(chance, 3_000_000, 6),
    };
    let price = match chance.below(4) {
        0 => Decimal::ZERO,
        1 => decimals(chance, 999_999_999, 6),
        _ => decimals(chance, 99_999, 2),
    };
    let before = quantity * price;
    let percent = decimals(chance, 10_000, 2);
    let per_unit = price * Decimal::from(chance.below(101)) / Decimal::ONE_HUNDRED;
    let (off, discount) = match chance.below(3) {
        0 => (Decimal::ZERO, json!({})),
        1 => {
            (before * percent / Decimal::ONE_HUNDRED, json!({"hs_discount_percentage": percent.to_string()}))
        }
        _ => (quantity * per_unit, json!({"discount": per_unit.to_string()})),
    };
    let amount = cents(before - off);
    let rate = chance.pick(&["", "20", "7.0", "8.875", "0"]);
    let tax = rate.parse::<Decimal>().ok().map(|rate| cents(amount * rate / Decimal::ONE_HUNDRED));
    let mut line = json!({
        "name": format!("Widget {}", text(chance)), "description": text(chance), "hs_sku": "WID-1",
        "quantity": quantity.to_string(), "price": price.to_string(), "hs_tax_rate": rate,
        "amount": chance.one_in(2).then(|| amount.to_string()),
        "hs_tax_amount": tax.filter(|_| chance.one_in(2)).map(|tax| tax.to_string()),
        "recurringbillingfrequency": chance.pick(&[None, Some("monthly"), Some("per_six_months")]),
        "hs_position_on_quote": chance.below(5).to_string(),
    });
    for (name, value) in discount.as_object().unwrap() {
        line[name] = value.clone();
    }
    line
}

fn any_line(chance: &mut Chance) -> Value {
    let mut line = sound_line(chance);
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
    let words: [(&str, &[&str]); 4] = [
        ("hs_sku", &["", "NEW", "wid-1 "]),
        ("hs_pricing_model", &["flat", "volume", "graduated"]),
        ("hs_is_optional", &["true", "false"]),
        ("hs_tax_rate_group_id", &["4711", "4712"]),
    ];
    for (name, words) in words {
        if chance.one_in(6) {
            line[name] = json!(chance.pick(words));
        }
    }
    line
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
    json!({"hs_label": text(chance), "hs_type": chance.pick(kinds), "hs_value": decimals(chance, 10_000, 2).to_string()})
}

/// What people write, and what nobody should.
fn text(chance: &mut Chance) -> String {
    let piece = chance.pick(&[
        "",
        "Blue",
        "naïve façade",
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
    ]);
    // One of hundreds is longer than any field.
    let times = if chance.one_in(200) { 1 + chance.below(3_000) } else { 1 };
    piece.repeat(usize::try_from(times).unwrap_or(1))
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
        _ => decimals(chance, 9_999_999, 4).to_string(),
    }
}

fn whole(chance: &mut Chance, most: u64) -> Decimal {
    Decimal::from(1 + chance.below(most))
}

fn decimals(chance: &mut Chance, most: i64, scale: u32) -> Decimal {
    Decimal::new(1 + i64::try_from(chance.below(most.unsigned_abs())).unwrap_or_default(), scale)
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}
