//! Amounts as people read them.

use rust_decimal::Decimal;
use serde_json::Value;

use super::super::json::{Object, decimal, grouped, to_cents};

/// The amount of a field, 0 when it has none.
pub(super) fn of(row: &Object, name: &str) -> Decimal {
    row.get(name).and_then(decimal).unwrap_or_default()
}

/// Two decimals and commas; empty for what is no number.
pub(super) fn shown(value: Option<&Value>) -> String {
    value.and_then(decimal).map(written).unwrap_or_default()
}

/// The same of a number.
pub(super) fn written(amount: Decimal) -> String {
    let mut cents = to_cents(amount);
    cents.rescale(2);
    let sign = if amount < Decimal::ZERO { "−" } else { "" };
    format!("{sign}{}", grouped(cents))
}

/// A price: every decimal it has, and at least two.
pub(super) fn price(value: Option<&Value>) -> String {
    let Some(price) = value.and_then(decimal) else { return String::new() };
    let mut price = price.normalize();
    price.rescale(price.scale().max(2));
    price.to_string()
}

/// A quantity or rate: every decimal it has, and no more.
pub(super) fn plain(value: Option<&Value>) -> String {
    value.and_then(decimal).map(|number| number.normalize().to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_two_decimals_or_more() {
        let shown = |text: &str| price(Some(&serde_json::from_str(text).unwrap()));
        assert_eq!([shown("82"), shown("14.500"), shown("0.1255")], ["82.00", "14.50", "0.1255"]);
    }

    #[test]
    fn amounts_have_two_decimals_and_commas() {
        let shown = |text: &str| written(text.parse().unwrap());
        assert_eq!(
            [shown("0"), shown("949.4"), shown("1234567.891"), shown("-1000")],
            ["0.00", "949.40", "1,234,567.89", "−1,000.00"]
        );
    }
}
