//! One line of a sale: which article, how many, at what price.
//!
//! What is sold is kept apart from the figures, so that an item can be looked for even when the price is missing.

use crate::date;
use crate::hubspot::{LineItem, LineItemProperties, RecordId};
use crate::money;
use crate::problem::{Figure, LineFault, LineLabel, NumberFault, keep};
use crate::sale::RecordRef;
use crate::text::{writable_line, writable_lines};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

/// A line that can be billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleLine {
    /// What is sold.
    pub article: Article,
    /// How many, and for how much.
    pub figures: Figures,
}

impl SaleLine {
    /// A whole deal as one line: its name, once, over this amount.
    pub(crate) fn over(record: &RecordRef, amount: Decimal) -> Self {
        let article = Article {
            line_id: record.id,
            number: 1,
            name: writable_line(&record.name),
            description: None,
            sku: None,
            product_id: None,
            begins: None,
        };
        Self { article, figures: Figures { quantity: Decimal::ONE, price: amount, discount: None, amount } }
    }
}

/// What a line sells, as HubSpot knows it, in texts that QuickBooks takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// The line item; the deal, when that is billed as one line.
    pub line_id: RecordId,
    /// Place among the lines, from 1.
    pub number: usize,
    /// Name, on one line.
    pub name: Option<String>,
    /// A longer text, its lines kept; not cut to any length.
    pub description: Option<String>,
    /// Stock keeping unit, on one line.
    pub sku: Option<String>,
    /// The HubSpot product; none for a custom line.
    pub product_id: Option<String>,
    /// The first day it is billed for.
    pub begins: Option<Date>,
}

impl Article {
    /// How a person finds the line.
    pub fn label(&self) -> LineLabel {
        LineLabel { number: self.number, name: self.name.clone().or_else(|| self.sku.clone()) }
    }
}

/// The figures of a line, none of them negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Units, more than zero.
    pub quantity: Decimal,
    /// Price per unit before discount.
    pub price: Decimal,
    /// None when nothing is taken off.
    pub discount: Option<Discount>,
    /// What the line costs after discount, with two decimals.
    pub amount: Decimal,
}

/// A line's discount, as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    /// Of the line's total: `10` is 10 %.
    Percent(Decimal),
    /// An amount of money per unit.
    PerUnit(Decimal),
}

pub(crate) fn article(number: usize, line: &LineItem) -> Article {
    let LineItemProperties { name, description, hs_sku, hs_product_id, .. } = &line.properties;
    let begins = line.properties.hs_recurring_billing_start_date.as_deref();
    Article {
        line_id: line.id,
        number,
        name: name.as_deref().and_then(writable_line),
        description: description.as_deref().and_then(writable_lines),
        sku: hs_sku.as_deref().and_then(writable_line),
        product_id: hs_product_id.as_deref().and_then(writable_line),
        // HubSpot keeps a day without a time as midnight UTC.
        begins: begins.and_then(|text| date::of_date(text, &TimeZone::UTC)),
    }
}

pub(crate) fn figures(line: &LineItemProperties) -> Result<Figures, Vec<LineFault>> {
    let mut faults = Vec::new();
    let quantity = keep(quantity(line), &mut faults);
    let price = keep(required(Figure::Price, line.price.as_deref()), &mut faults);
    let discount = keep(discount(line), &mut faults);
    let stated = keep(number(Figure::Amount, line.amount.as_deref()), &mut faults);
    let (Some(quantity), Some(price), Some(discount), Some(stated)) = (quantity, price, discount, stated)
    else {
        return Err(faults);
    };
    let amount = match stated {
        // HubSpot's own figure knows tiered prices, which `price` does not (hubspot.md §6.5).
        Some(amount) => money::round_half_up(amount),
        None => net(quantity, price, discount).map_err(|fault| vec![fault])?,
    };
    Ok(Figures { quantity, price, discount, amount })
}

fn quantity(line: &LineItemProperties) -> Result<Decimal, LineFault> {
    let quantity = required(Figure::Quantity, line.quantity.as_deref())?;
    if quantity.is_zero() { Err(LineFault::ZeroQuantity) } else { Ok(quantity) }
}

/// HubSpot keeps a percentage or an amount, not both; should both stand there, the percentage counts.
fn discount(line: &LineItemProperties) -> Result<Option<Discount>, LineFault> {
    let given = |text: &Option<String>| {
        Ok(number(Figure::Discount, text.as_deref())?.filter(|discount| !discount.is_zero()))
    };
    let (percent, per_unit) = (given(&line.hs_discount_percentage)?, given(&line.discount)?);
    Ok(percent.map(Discount::Percent).or(per_unit.map(Discount::PerUnit)))
}

/// As HubSpot calculates it: a percentage is taken off the line's total, not off the unit price (hubspot.md §6.5).
fn net(quantity: Decimal, price: Decimal, discount: Option<Discount>) -> Result<Decimal, LineFault> {
    let gross = quantity.checked_mul(price);
    let off = match discount {
        None => Some(Decimal::ZERO),
        Some(Discount::PerUnit(discount)) => quantity.checked_mul(discount),
        Some(Discount::Percent(percent)) => gross
            .and_then(|gross| gross.checked_mul(percent))
            .and_then(|total| total.checked_div(Decimal::ONE_HUNDRED)),
    };
    let net = gross.zip(off).and_then(|(gross, off)| gross.checked_sub(off));
    match net {
        Some(net) if net < Decimal::ZERO => Err(LineFault::Negative(Figure::Amount)),
        Some(net) if net <= money::LARGEST => Ok(money::round_half_up(net)),
        _ => Err(LineFault::TooLarge(Figure::Amount)),
    }
}

fn required(figure: Figure, text: Option<&str>) -> Result<Decimal, LineFault> {
    number(figure, text)?.ok_or(LineFault::Missing(figure))
}

fn number(figure: Figure, text: Option<&str>) -> Result<Option<Decimal>, LineFault> {
    match money::figure(text) {
        Ok(number) => Ok(Some(number)),
        Err(NumberFault::Missing) => Ok(None),
        Err(NumberFault::Negative) => Err(LineFault::Negative(figure)),
        Err(NumberFault::Unreadable(text)) => Err(LineFault::Unreadable(figure, text)),
        Err(NumberFault::TooLarge) => Err(LineFault::TooLarge(figure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{over, widget_line};
    use serde_json::{Value, from_value, json};

    fn read(fields: Value) -> Result<Figures, Vec<LineFault>> {
        figures(&from_value(over(widget_line(), fields)).unwrap())
    }

    #[test]
    fn the_amount_is_hubspots_or_calculated_as_hubspot_does() {
        let check = |fields, expected| assert_eq!(read(fields).unwrap().amount.to_string(), expected);
        check(json!({"amount": "120.5"}), "120.50");
        check(json!({"amount": "0.333333"}), "0.33");
        check(json!({"amount": null}), "149.97");
        check(json!({"amount": null, "hs_discount_percentage": "10"}), "134.97"); // 134.973
        check(json!({"amount": null, "hs_discount_percentage": "100"}), "0.00");
        check(json!({"amount": null, "discount": "5"}), "134.97");
        check(json!({"amount": null, "discount": "5", "hs_discount_percentage": "0"}), "134.97");
        check(json!({"amount": null, "quantity": "0.333333", "price": "0.333333"}), "0.11");
        check(json!({"price": "0", "amount": "0"}), "0.00");
    }

    #[test]
    fn each_figure_that_cannot_be_billed_is_named() {
        use Figure::{Amount, Discount, Price, Quantity};
        use LineFault::{Missing, Negative, TooLarge, Unreadable, ZeroQuantity};
        let check = |fields, expected: &[LineFault]| assert_eq!(read(fields).unwrap_err(), expected);
        check(json!({"price": null}), &[Missing(Price)]);
        check(json!({"price": "  "}), &[Missing(Price)]);
        check(json!({"quantity": null, "price": null}), &[Missing(Quantity), Missing(Price)]);
        check(json!({"quantity": "0"}), &[ZeroQuantity]);
        check(json!({"quantity": "-1"}), &[Negative(Quantity)]);
        check(json!({"price": "12 EUR"}), &[Unreadable(Price, "12 EUR".into())]);
        check(json!({"amount": "-3"}), &[Negative(Amount)]);
        check(json!({"discount": "-3"}), &[Negative(Discount)]);
        check(json!({"amount": null, "discount": "50"}), &[Negative(Amount)]);
        check(json!({"amount": null, "hs_discount_percentage": "101"}), &[Negative(Amount)]);
        check(json!({"amount": null, "quantity": "9999999999999", "price": "10"}), &[TooLarge(Amount)]);
        check(
            json!({"amount": null, "quantity": "9999999999999.99", "price": "9999999999999.99"}),
            &[TooLarge(Amount)],
        );
        check(json!({"price": "1e40"}), &[TooLarge(Price)]);
    }
}
