//! One line of a sale: which article, how many, at what price.
//!
//! What is sold is kept apart from the figures, so that an item can be looked for even when the price is missing.

use crate::date;
use crate::hubspot::{LineItem, LineItemProperties, RecordId};
use crate::money;
use crate::problem::{Figure, LineFault, LineLabel, NumberFault, keep};
use crate::sale::RecordRef;
use crate::text::{cut, writable_line, writable_lines};
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
            billed: None,
        };
        let figures =
            Figures { quantity: Decimal::ONE, price: amount, discount: None, gross: amount, amount };
        Self { article, figures }
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
    /// How often it is billed, in a word: its figures are those of one period. None when it is billed once.
    pub billed: Option<String>,
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
    /// Price per unit before discount. Of a tiered price, what one unit comes to.
    pub price: Decimal,
    /// None when nothing is taken off.
    pub discount: Option<Discount>,
    /// What the line would cost without its discount, with two decimals; never less than its amount.
    pub gross: Decimal,
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
    let LineItemProperties { name, description, hs_sku, hs_product_id, recurringbillingfrequency, .. } =
        &line.properties;
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
        billed: recurringbillingfrequency.as_deref().and_then(billed),
    }
}

/// `decimals` are those of the currency.
pub(crate) fn figures(line: &LineItemProperties, decimals: u32) -> Result<Figures, Vec<LineFault>> {
    let mut faults = Vec::new();
    let tiered = is_tiered(line);
    let quantity = keep(quantity(line), &mut faults);
    // What one unit costs is not what `price` says then (hubspot.md §6.5).
    let price = match tiered {
        true => Some(Decimal::ZERO),
        false => keep(required(Figure::Price, line.price.as_deref()), &mut faults),
    };
    let discount = keep(discount(line), &mut faults);
    let stated = match tiered {
        true => keep(required(Figure::Amount, line.amount.as_deref()).map(Some), &mut faults),
        false => keep(number(Figure::Amount, line.amount.as_deref()), &mut faults),
    };
    let before = keep(number(Figure::Amount, line.hs_pre_discount_amount.as_deref()), &mut faults);
    let (Some(quantity), Some(price), Some(discount), Some(stated), Some(before)) =
        (quantity, price, discount, stated, before)
    else {
        return Err(faults);
    };
    let one = |fault| vec![fault];
    let amount = match stated {
        Some(amount) => money::round_to(amount, decimals),
        None => net(quantity, price, discount, decimals).map_err(one)?,
    };
    let gross = match (discount, before) {
        (None, _) => amount,
        (Some(_), Some(before)) => money::round_to(before, decimals),
        // Without its discount a tiered line's price is not known.
        (Some(_), None) if tiered => amount,
        (Some(_), None) => net(quantity, price, None, decimals).map_err(one)?,
    };
    let gross = gross.max(amount);
    let price = if tiered { unit(gross, quantity) } else { price };
    Ok(Figures { quantity, price, discount, gross, amount })
}

/// Whether the price of a unit depends on how many there are.
fn is_tiered(line: &LineItemProperties) -> bool {
    let model = line.hs_pricing_model.as_deref().map(|model| model.trim().to_ascii_lowercase());
    model.is_some_and(|model| ["volume", "graduated", "stairstep"].contains(&model.as_str()))
}

/// What one of so many units comes to, in the decimals QuickBooks keeps.
fn unit(amount: Decimal, quantity: Decimal) -> Decimal {
    let price = amount.checked_div(quantity).unwrap_or(amount);
    price.round_dp(money::KEPT_DECIMALS).normalize()
}

/// HubSpot's word for a period, for a person; one we do not know is told as it is.
fn billed(frequency: &str) -> Option<String> {
    let word = writable_line(frequency)?.to_lowercase();
    Some(match word.as_str() {
        "biweekly" => "every two weeks".to_owned(),
        "per_six_months" => "every six months".to_owned(),
        "annually" => "yearly".to_owned(),
        "per_two_years" => "every two years".to_owned(),
        "per_three_years" => "every three years".to_owned(),
        _ => cut(&word.replace('_', " "), LONGEST_PERIOD).to_owned(),
    })
}

/// The longest word for a period.
const LONGEST_PERIOD: usize = 40;

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
fn net(
    quantity: Decimal,
    price: Decimal,
    discount: Option<Discount>,
    decimals: u32,
) -> Result<Decimal, LineFault> {
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
        Some(net) if net <= money::LARGEST => Ok(money::round_to(net, decimals)),
        _ => Err(LineFault::TooLarge(Figure::Amount)),
    }
}

fn required(figure: Figure, text: Option<&str>) -> Result<Decimal, LineFault> {
    number(figure, text)?.ok_or(LineFault::Missing(figure))
}

/// None where nothing is written.
pub(crate) fn number(figure: Figure, text: Option<&str>) -> Result<Option<Decimal>, LineFault> {
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
        figures(&from_value(over(widget_line(), fields)).unwrap(), 2)
    }

    #[test]
    fn a_tiered_price_is_what_hubspot_makes_of_it() {
        let tiered = |model: &str, fields: Value| {
            let tiered = json!({"hs_pricing_model": model, "price": null, "quantity": "12"});
            read(over(tiered, fields)).map(|line| (line.price.to_string(), line.gross.to_string()))
        };
        let shown = |price: &str, gross: &str| Ok((price.to_owned(), gross.to_owned()));
        for model in ["volume", "graduated", "STAIRSTEP"] {
            assert_eq!(tiered(model, json!({"amount": "100"})), shown("8.3333333", "100.00"));
            // What stands as its price is one of the tiers.
            assert_eq!(tiered(model, json!({"amount": "108", "price": "10"})), shown("9", "108.00"));
            let discounted = json!({"amount": "90", "hs_discount_percentage": "10"});
            assert_eq!(tiered(model, discounted.clone()), shown("7.5", "90.00"));
            let before = json!({"hs_pre_discount_amount": "100"});
            assert_eq!(tiered(model, over(discounted, before)), shown("8.3333333", "100.00"));
            assert_eq!(tiered(model, json!({"amount": null})), Err(vec![LineFault::Missing(Figure::Amount)]));
        }
        assert_eq!(tiered("flat", json!({"amount": "100"})), Err(vec![LineFault::Missing(Figure::Price)]));
    }

    #[test]
    fn a_line_knows_what_it_would_cost_without_its_discount() {
        let check = |fields, expected| assert_eq!(read(fields).unwrap().gross.to_string(), expected);
        check(json!({}), "149.97");
        check(json!({"discount": "5", "amount": "134.97"}), "149.97");
        check(json!({"hs_discount_percentage": "10", "amount": "134.97"}), "149.97");
        let given =
            json!({"hs_discount_percentage": "10", "amount": "134.97", "hs_pre_discount_amount": "150"});
        check(given, "150.00");
        // Less than nothing is never taken off.
        check(json!({"discount": "5", "amount": "160"}), "160.00");
        check(json!({"price": "0.125", "quantity": "1", "discount": "0.1", "amount": "0.03"}), "0.13");
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let read = |fields: Value, decimals| {
            let line = from_value(over(widget_line(), fields)).unwrap();
            figures(&line, decimals).unwrap().amount.to_string()
        };
        let fields = json!({"amount": null, "quantity": "1.5", "price": "33"});
        assert_eq!(read(fields.clone(), 0), "50.00");
        assert_eq!(read(fields, 2), "49.50");
        // QuickBooks keeps two of a dinar's three.
        assert_eq!(read(json!({"amount": "10.125"}), 3), "10.13");
    }

    #[test]
    fn a_period_is_told_in_a_word() {
        let check = |frequency: &str, expected: Option<&str>| {
            assert_eq!(billed(frequency).as_deref(), expected);
        };
        check("monthly", Some("monthly"));
        check("ANNUALLY", Some("yearly"));
        check("per_two_years", Some("every two years"));
        check("per_four_years", Some("per four years"));
        check("🎁", None);
        assert_eq!(billed(&"m".repeat(99)).unwrap().len(), LONGEST_PERIOD);
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
