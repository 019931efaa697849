//! The discounts and fees of a whole quote, before its taxes: first the discounts, then the fees, each in the order HubSpot shows them, and a
//! percentage always of what stands so far (hubspot.md §6.5).
//!
//! Why is each rounded by itself? A person reads them one below the other, and every one of them is an amount of money.

use crate::hubspot::{Adjustment, AdjustmentProperties, Enrolled};
use crate::money;
use crate::problem::{AdjustmentFault, NumberFault, Problem, keep};
use crate::quickbooks::ItemId;
use crate::sale::in_order;
use crate::text::writable_line;
use rust_decimal::Decimal;

/// What one discount takes off, or one fee adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What it is called, on one line.
    pub label: String,
    /// Two decimals, more than zero.
    pub amount: Decimal,
}

/// A fee with the item it is put on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// The fee.
    pub charge: Applied,
    /// The item of the settings.
    pub item: ItemId,
}

/// The discounts and fees of a record as far as they can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adjustments {
    pub(crate) discounts: Vec<Applied>,
    pub(crate) fees: Vec<Applied>,
    /// What stands after them; none where something cannot be read.
    pub(crate) standing: Option<Decimal>,
}

/// Applies them to what the lines add up to. Without a subtotal, as some line cannot be read, what is wrong with them by
/// themselves is still told.
pub(crate) fn apply(
    enrolled: &Enrolled,
    subtotal: Option<Decimal>,
    decimals: u32,
    problems: &mut Vec<Problem>,
) -> Adjustments {
    let mut standing = subtotal;
    let mut all = |adjustments, direction| applied(adjustments, direction, decimals, &mut standing, problems);
    let (discounts, fees) = (all(&enrolled.discounts, Direction::Off), all(&enrolled.fees, Direction::On));
    Adjustments { discounts, fees, standing }
}

#[derive(Clone, Copy)]
enum Direction {
    Off,
    On,
}

/// What one comes to.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    Percent(Decimal),
    Fixed(Decimal),
}

/// Moves `standing` along; where it goes is unknown once something cannot be read.
fn applied(
    adjustments: &[Adjustment],
    direction: Direction,
    decimals: u32,
    standing: &mut Option<Decimal>,
    problems: &mut Vec<Problem>,
) -> Vec<Applied> {
    let ordered = in_order(adjustments, |one| one.id, |one| one.properties.hs_sort_order.as_deref());
    let mut applied = Vec::new();
    for properties in ordered.into_iter().map(|one| &one.properties) {
        let label = label(properties, direction);
        let invalid = |fault| Problem::AdjustmentInvalid { label: label.clone(), fault };
        let value = keep(value(properties).map_err(invalid), problems);
        let step = value.zip(*standing).map(|(value, before)| step(direction, value, before, decimals));
        let step = step.and_then(|step| keep(step.map_err(invalid), problems));
        *standing = step.map(|(_, after)| after);
        if let Some((amount, _)) = step.filter(|(amount, _)| !amount.is_zero()) {
            applied.push(Applied { label, amount });
        }
    }
    applied
}

/// The amount, and what stands after it.
fn step(
    direction: Direction,
    value: Value,
    before: Decimal,
    decimals: u32,
) -> Result<(Decimal, Decimal), AdjustmentFault> {
    let too_large = AdjustmentFault::Value(NumberFault::TooLarge);
    let exact = match value {
        Value::Fixed(amount) => Some(amount),
        Value::Percent(percent) => {
            before.checked_mul(percent).and_then(|product| product.checked_div(Decimal::ONE_HUNDRED))
        }
    };
    let exact = exact.filter(|amount| *amount <= money::LARGEST).ok_or(too_large)?;
    let amount = money::round_to(exact, decimals);
    match direction {
        Direction::Off if amount > before => Err(AdjustmentFault::MoreThanSubtotal),
        Direction::Off => Ok((amount, before - amount)),
        Direction::On => Ok((amount, before + amount)),
    }
}

pub(crate) fn value(properties: &AdjustmentProperties) -> Result<Value, AdjustmentFault> {
    let value = money::figure(properties.hs_value.as_deref()).map_err(AdjustmentFault::Value)?;
    match properties.hs_type.as_deref().map(str::trim) {
        Some("PERCENT") => Ok(Value::Percent(value)),
        Some("FIXED") => Ok(Value::Fixed(value)),
        other => Err(AdjustmentFault::Kind(other.map(str::to_owned))),
    }
}

fn label(properties: &AdjustmentProperties, direction: Direction) -> String {
    let unnamed = match direction {
        Direction::Off => "Discount",
        Direction::On => "Fee",
    };
    properties.hs_label.as_deref().and_then(writable_line).unwrap_or_else(|| unnamed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{adjusted, adjustment, over, quote, widget_line};
    use serde_json::{Value, json};
    use std::slice::from_ref;

    /// `expected`: label and amount of each discount, then of each fee.
    fn check(discounts: &[Value], fees: &[Value], expected: &[&str]) {
        let enrolled = adjusted(quote([widget_line()]), discounts, fees);
        let mut problems = Vec::new();
        let Adjustments { discounts, fees, .. } =
            apply(&enrolled, Some("149.97".parse().unwrap()), 2, &mut problems);
        let shown = |sign, all: Vec<Applied>| {
            all.into_iter().map(move |Applied { label, amount }| format!("{label} {sign}{amount}"))
        };
        let found: Vec<String> = shown('-', discounts).chain(shown('+', fees)).collect();
        assert_eq!(found, expected);
        assert_eq!(problems, []);
    }

    fn problems(subtotal: Option<&str>, discounts: &[Value], fees: &[Value]) -> Vec<Problem> {
        let enrolled = adjusted(quote([widget_line()]), discounts, fees);
        let mut problems = Vec::new();
        apply(&enrolled, subtotal.map(|text| text.parse().unwrap()), 2, &mut problems);
        problems
    }

    #[test]
    fn a_percentage_is_of_what_stands_so_far() {
        let fixed = adjustment("Welcome", "FIXED", "49.97");
        let percent = adjustment("Spring", "PERCENT", "10");
        check(&[fixed.clone(), percent.clone()], &[], &["Welcome -49.97", "Spring -10.00"]);
        check(&[percent.clone(), fixed.clone()], &[], &["Spring -15.00", "Welcome -49.97"]); // 14.997
        check(&[fixed], &[percent.clone(), percent], &["Welcome -49.97", "Spring +10.00", "Spring +11.00"]);
    }

    #[test]
    fn they_stand_in_hubspots_order_and_once() {
        let mut discounts = [("b", Some("10")), ("c", None), ("a", Some("2.0"))]
            .map(|(label, place)| over(adjustment(label, "FIXED", "1"), json!({"hs_sort_order": place})));
        check(&discounts, &[], &["a -1.00", "b -1.00", "c -1.00"]);
        discounts.reverse();
        check(&discounts, &[], &["a -1.00", "b -1.00", "c -1.00"]);
        let mut enrolled = adjusted(quote([]), &discounts, &[]);
        enrolled.discounts.extend(enrolled.discounts.clone());
        assert_eq!(apply(&enrolled, Some(Decimal::TEN), 2, &mut Vec::new()).discounts.len(), 3);
    }

    #[test]
    fn what_adds_nothing_is_left_out_and_what_has_no_name_is_called_what_it_is() {
        check(&[adjustment("None", "PERCENT", "0")], &[adjustment("Crumb", "FIXED", "0.004")], &[]);
        let unnamed = json!({"hs_label": "🎁", "hs_type": "FIXED", "hs_value": "0.005"});
        check(from_ref(&unnamed), from_ref(&unnamed), &["Discount -0.01", "Fee +0.01"]);
        check(&[adjustment("All of it", "PERCENT", "100")], &[], &["All of it -149.97"]);
    }

    #[test]
    fn what_cannot_be_reckoned_is_named_by_its_label() {
        use AdjustmentFault::{Kind, MoreThanSubtotal, Value as Figure};
        let invalid = |label: &str, fault| Problem::AdjustmentInvalid { label: label.to_owned(), fault };
        let check = |kind: &str, value: &str, fault: AdjustmentFault| {
            let found = problems(Some("149.97"), &[adjustment("Spring", kind, value)], &[]);
            assert_eq!(found, [invalid("Spring", fault)]);
        };
        check("PERCENT", "ten", Figure(NumberFault::Unreadable("ten".into())));
        check("PERCENT", " ", Figure(NumberFault::Missing));
        check("FIXED", "-1", Figure(NumberFault::Negative));
        check("FIXED", "1e20", Figure(NumberFault::TooLarge));
        check("PERCENT", "9999999999999.99", Figure(NumberFault::TooLarge));
        check("FIXED", "149.98", MoreThanSubtotal);
        check("PERCENT", "100.1", MoreThanSubtotal);
        check("HALF", "1", Kind(Some("HALF".into())));
        check("", "1", Kind(None));
        let (half, rest) = (adjustment("Half", "PERCENT", "50"), adjustment("Rest", "FIXED", "75"));
        assert_eq!(problems(Some("149.97"), &[half, rest], &[]), [invalid("Rest", MoreThanSubtotal)]);
    }

    #[test]
    fn a_faulty_one_does_not_hide_the_others() {
        let faulty = [adjustment("Spring", "FIXED", "ten"), adjustment("Loyal", "FIXED", "999")];
        let fees = [adjustment("Freight", "FIXED", "-3"), adjustment("Express", "PERCENT", "5")];
        for subtotal in [None, Some("149.97")] {
            let found: Vec<String> =
                problems(subtotal, &faulty, &fees).iter().map(Problem::subject).collect();
            assert_eq!(found, ["Spring", "Freight"]);
        }
    }
}
