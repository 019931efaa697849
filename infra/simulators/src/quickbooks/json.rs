//! Amounts and texts inside JSON, as QuickBooks writes them (quickbooks.md §1.4).

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Number, Value};

/// One entity or a part of it.
pub(super) type Object = Map<String, Value>;

/// The exact decimal a JSON number stands for.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    let Value::Number(number) = value else { return None };
    let text = number.to_string();
    text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
}

/// An amount: two decimals, zero as a bare `0`.
pub(super) fn money(amount: Decimal) -> Value {
    if amount.is_zero() {
        return Value::from(0);
    }
    let mut cents = to_cents(amount);
    cents.rescale(2);
    number(cents)
}

/// A quantity or price: no trailing zeros.
pub(super) fn plain(amount: Decimal) -> Value {
    number(amount.normalize())
}

/// Half-up, the rounding of quickbooks.md §2.2.
pub(super) fn to_cents(amount: Decimal) -> Decimal {
    half_up(amount, 2)
}

/// Half-up to so many decimals.
pub(super) fn half_up(number: Decimal, decimals: u32) -> Decimal {
    number.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

/// The digits of a number with commas between thousands, without its sign.
pub(super) fn grouped(number: Decimal) -> String {
    let text = number.abs().to_string();
    let whole = text.find('.').unwrap_or(text.len());
    let mut grouped = String::new();
    for (place, digit) in text.char_indices() {
        if place > 0 && place < whole && (whole - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Null or an empty text, which Intuit takes for null.
pub(super) fn is_absent(value: &Value) -> bool {
    value.is_null() || value == ""
}

/// The text at a path of field names, `""` when there is none.
pub(super) fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The value at a path of field names.
pub(super) fn at<'a>(object: &'a Object, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(object.get(*first)?, |value, name| value.get(name))
}

/// Lays `patch` over `target`: objects field by field, `null` removes, anything else replaces.
pub(super) fn merge(target: &mut Object, patch: Object) {
    for (name, value) in patch {
        match (target.get_mut(&name), value) {
            (_, Value::Null) => {
                target.remove(&name);
            }
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                target.insert(name, value);
            }
        }
    }
}

/// Null, empty, zero or false, or made of nothing else.
pub(super) fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(_) => decimal(value).is_some_and(|number| number.is_zero()),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.values().all(says_nothing),
    }
}

/// Whether both say the same: parts that say nothing may be there or not.
pub(super) fn say_the_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let part = |object: &Object, name: &str| object.get(name).cloned().unwrap_or_default();
            one.keys().chain(other.keys()).all(|name| say_the_same(&part(one, name), &part(other, name)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| say_the_same(one, other))
        }
        _ => one == other || (says_nothing(one) && says_nothing(other)),
    }
}

/// Adds what `object` lacks.
pub(super) fn fill(object: &mut Object, defaults: Value) {
    let Value::Object(defaults) = defaults else { return };
    for (name, value) in defaults {
        object.entry(name).or_insert(value);
    }
}

fn number(amount: Decimal) -> Value {
    let number: Number = amount.to_string().parse().expect("a decimal is written as a JSON number");
    Value::Number(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_keep_two_decimals_and_zero_is_bare() {
        let written = |text: &str| money(text.parse().unwrap()).to_string();
        assert_eq!([written("1200.1"), written("0.00"), written("1861.075")], ["1200.10", "0", "1861.08"]);
    }

    #[test]
    fn prices_lose_trailing_zeros_only() {
        assert_eq!(plain("75.00".parse().unwrap()).to_string(), "75");
        assert_eq!(plain("4.50".parse().unwrap()).to_string(), "4.5");
    }

    #[test]
    fn a_number_is_read_exactly() {
        let read = |text: &str| decimal(&serde_json::from_str(text).unwrap()).unwrap().to_string();
        assert_eq!([read("1200.10"), read("1e2")], ["1200.10", "100"]);
    }

    #[test]
    fn merging_goes_into_objects_and_null_removes() {
        let Value::Object(mut target) = json!({"a": {"b": 1, "c": 2}, "d": 3}) else { unreachable!() };
        let Value::Object(patch) = json!({"a": {"c": 4}, "d": null}) else { unreachable!() };
        merge(&mut target, patch);
        assert_eq!(Value::Object(target), json!({"a": {"b": 1, "c": 4}}));
    }
}
