//! The tax HubSpot shows: of a line, by a rate of the portal's library; of a whole quote, after its discounts and fees.
//!
//! HubSpot says what a line's tax comes to: by its rate (`hs_tax_amount`), or automatically, by the buyer's address
//! (`hs_auto_tax_amount`); only where it does not, its percentage of the line's net price is taken. A quote's own taxes are
//! percentages of what stands after discounts and fees, side by side, not one on the other.
//!
//! Which of the two figures does HubSpot mean? It does not document that (hubspot.md §6.5). A line is taxed one way or the other,
//! and the figure of the other way is blank or 0: both are reckoned by HubSpot, from a rate that nobody chose or for a portal that
//! does not tax automatically. So it is the one that is not 0, and of two the rate's, which a person chose. A rate of 0 % beside an
//! automatic tax stands for that same nothing: taken for a rate, it would make the line zero-rated.

use crate::adjustment::{Applied, Value, value};
use crate::hubspot::{Adjustment, Enrolled, LineItemProperties};
use crate::line::number;
use crate::money;
use crate::problem::{Figure, LineFault, Problem, keep};
use crate::sale::in_order;
use crate::text::writable_line;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The tax of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineTax {
    /// The id of its rate in HubSpot's library of taxes.
    pub rate_id: Option<String>,
    /// That rate: `20` is 20 %.
    pub percent: Option<Decimal>,
    /// What it comes to, in cents, where HubSpot says so.
    pub amount: Option<Decimal>,
}

impl LineTax {
    /// Whether HubSpot says nothing of tax: no rate, and nothing to pay.
    pub(crate) fn is_none(&self) -> bool {
        self.rate_id.is_none() && self.percent.is_none() && self.amount.is_none_or(|tax| tax.is_zero())
    }

    /// Whether there is tax to pay. A rate of which nothing else is known is taken for one.
    pub(crate) fn is_taxed(&self) -> bool {
        match (self.amount, self.percent) {
            (Some(amount), _) if !amount.is_zero() => true,
            (_, Some(percent)) => !percent.is_zero(),
            (Some(_), None) => false,
            (None, None) => self.rate_id.is_some(),
        }
    }

    /// The rate for a person: `20 %`, else by its id; none of what HubSpot reckons without one.
    pub(crate) fn rate(&self) -> Option<String> {
        match (self.percent, &self.rate_id) {
            (Some(percent), _) => Some(format!("{} %", percent.normalize())),
            (None, id) => id.as_ref().map(|id| format!("rate {id}")),
        }
    }

    /// What is to be paid on an amount.
    pub(crate) fn on(&self, amount: Decimal, decimals: u32) -> Option<Decimal> {
        let computed = || Some(share(amount, self.percent?, decimals));
        if self.is_none() { Some(Decimal::ZERO) } else { self.amount.or_else(computed) }
    }
}

/// The taxes of a whole quote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuoteTaxes {
    /// Each of them, in HubSpot's order.
    pub applied: Vec<Applied>,
    /// What they come to in percent; none when one of them is a fixed amount, which no tax code stands for.
    pub percent: Option<Decimal>,
    /// What is wrong with them: it counts only where HubSpot decides on tax.
    pub(crate) problems: Vec<Problem>,
}

impl QuoteTaxes {
    /// What they come to; none where one cannot be read.
    pub(crate) fn amount(&self) -> Option<Decimal> {
        self.problems.is_empty().then(|| self.applied.iter().map(|tax| tax.amount).sum())
    }

    /// Whether they come to anything.
    pub(crate) fn are_due(&self) -> bool {
        self.applied.iter().any(|tax| !tax.amount.is_zero())
    }

    /// What they are called.
    pub(crate) fn label(&self) -> String {
        self.applied.iter().map(|tax| tax.label.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Reads a line's.
pub(crate) fn read(line: &LineItemProperties, decimals: u32) -> Result<LineTax, LineFault> {
    let percent = number(Figure::TaxRate, line.hs_tax_rate.as_deref())?;
    let by_rate = number(Figure::Tax, line.hs_tax_amount.as_deref())?;
    let automatic = number(Figure::Tax, line.hs_auto_tax_amount.as_deref())?.filter(|tax| !tax.is_zero());
    let is_automatic = automatic.is_some() && by_rate.is_none_or(|tax| tax.is_zero());
    let amount = if is_automatic { automatic } else { by_rate };
    let is_of_rate = !(is_automatic && percent.is_some_and(|percent| percent.is_zero()));
    let rate_id = line.hs_tax_rate_group_id.as_deref().and_then(writable_line);
    Ok(LineTax {
        rate_id: rate_id.filter(|_| is_of_rate),
        percent: percent.filter(|_| is_of_rate),
        amount: amount.map(|tax| money::round_to(tax, decimals)),
    })
}

/// Reads a quote's own, on what stands after its discounts and fees.
pub(crate) fn of_quote(enrolled: &Enrolled, standing: Option<Decimal>, decimals: u32) -> QuoteTaxes {
    let ordered = in_order(&enrolled.taxes, |one| one.id, |one| one.properties.hs_sort_order.as_deref());
    let mut taxes = QuoteTaxes { percent: Some(Decimal::ZERO), ..QuoteTaxes::default() };
    for tax in ordered {
        let label = label(tax);
        let invalid = |fault| Problem::AdjustmentInvalid { label: label.clone(), fault };
        let Some(value) = keep(value(&tax.properties).map_err(invalid), &mut taxes.problems) else {
            continue;
        };
        let amount = match value {
            Value::Fixed(amount) => {
                taxes.percent = taxes.percent.filter(|_| amount.is_zero());
                money::round_to(amount, decimals)
            }
            Value::Percent(percent) => {
                taxes.percent = taxes.percent.map(|sum| sum + percent);
                standing.map_or(Decimal::ZERO, |standing| share(standing, percent, decimals))
            }
        };
        // A rate of 0 % is one, with a code of its own outside of the United States; a fixed amount of nothing is no tax.
        if !amount.is_zero() || matches!(value, Value::Percent(_)) {
            taxes.applied.push(Applied { label, amount });
        }
    }
    taxes
}

/// A rate in percent: `20` is 20 %.
pub type Percent = Decimal;

/// What a rate of HubSpot's library of taxes is, by its id.
pub type Library = BTreeMap<String, Percent>;

fn label(tax: &Adjustment) -> String {
    tax.properties.hs_label.as_deref().and_then(writable_line).unwrap_or_else(|| "Tax".to_owned())
}

/// Percentages are read up to [`money::LARGEST`]: of the largest amount that is more than can be told, and is cut off there.
fn share(amount: Decimal, percent: Decimal, decimals: u32) -> Decimal {
    let exact = amount.checked_mul(percent).and_then(|tax| tax.checked_div(Decimal::ONE_HUNDRED));
    money::round_to(exact.unwrap_or(money::LARGEST).min(money::LARGEST), decimals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{adjustment, over, quote, taxed, widget_line};
    use serde_json::{Value as Json, from_value, json};

    fn line(fields: Json) -> LineTax {
        read(&from_value(over(widget_line(), fields)).unwrap(), 2).unwrap()
    }

    #[test]
    fn hubspot_s_own_figure_comes_before_its_percentage() {
        let check = |fields, expected: Option<&str>| {
            let on = line(fields).on("149.97".parse().unwrap(), 2);
            assert_eq!(on.map(|tax| tax.to_string()).as_deref(), expected);
        };
        check(json!({}), Some("0"));
        check(json!({"hs_tax_rate": "20"}), Some("29.99"));
        check(json!({"hs_tax_rate": "20", "hs_tax_amount": "29.994"}), Some("29.99"));
        check(json!({"hs_tax_rate_group_id": "4711", "hs_tax_amount": "30"}), Some("30.00"));
        check(json!({"hs_tax_rate_group_id": "4711"}), None);
        check(json!({"hs_auto_tax_amount": "12.3"}), Some("12.30"));
    }

    #[test]
    fn of_a_rate_and_an_automatic_tax_the_one_counts_that_is_not_nothing() {
        let check = |fields, amount: Option<&str>, shown: Option<&str>| {
            let tax = line(fields);
            let found = tax.amount.map(|amount| amount.to_string());
            assert_eq!((found.as_deref(), tax.rate().as_deref()), (amount, shown), "{tax:?}");
        };
        let both = |rate: &str, by_rate: &str, automatic: &str| {
            let of_rate =
                json!({"hs_tax_rate_group_id": "4711", "hs_tax_rate": rate, "hs_tax_amount": by_rate});
            over(of_rate, json!({"hs_auto_tax_amount": automatic}))
        };
        check(json!({"hs_tax_amount": "0", "hs_auto_tax_amount": "12.3"}), Some("12.30"), None);
        check(both("0", "0", "12.3"), Some("12.30"), None);
        check(both("", "0", "12.3"), Some("12.30"), Some("rate 4711"));
        check(both("20", "0", "12.3"), Some("12.30"), Some("20 %"));
        check(both("20", "29.99", "12.3"), Some("29.99"), Some("20 %"));
        check(both("20", "29.99", "0"), Some("29.99"), Some("20 %"));
        check(both("0", "0", "0"), Some("0.00"), Some("0 %"));
        check(both("20", "", "0"), None, Some("20 %"));
    }

    #[test]
    fn a_line_is_taxed_where_there_is_something_to_pay() {
        let check = |fields, is_none, is_taxed| {
            let tax = line(fields);
            assert_eq!((tax.is_none(), tax.is_taxed()), (is_none, is_taxed), "{tax:?}");
        };
        check(json!({}), true, false);
        check(json!({"hs_tax_amount": "0"}), true, false);
        check(json!({"hs_tax_rate": "0"}), false, false);
        check(json!({"hs_tax_rate": "7.5"}), false, true);
        // Nothing costs nothing, and is taxed all the same.
        check(json!({"hs_tax_rate": "7.5", "hs_tax_amount": "0"}), false, true);
        check(json!({"hs_tax_rate_group_id": "4711"}), false, true);
        check(json!({"hs_tax_rate_group_id": "4711", "hs_tax_amount": "0"}), false, false);
        check(json!({"hs_auto_tax_amount": "1"}), false, true);
    }

    #[test]
    fn a_tax_that_is_no_number_is_a_fault_of_the_line() {
        let fault = |fields| read(&from_value(over(widget_line(), fields)).unwrap(), 2).unwrap_err();
        assert_eq!(
            fault(json!({"hs_tax_rate": "20 %"})),
            LineFault::Unreadable(Figure::TaxRate, "20 %".into())
        );
        assert_eq!(fault(json!({"hs_tax_amount": "-1"})), LineFault::Negative(Figure::Tax));
    }

    #[test]
    fn a_quote_s_taxes_stand_side_by_side_on_what_is_left() {
        let taxes = |all: &[Json]| {
            let enrolled = taxed(quote([widget_line()]), all);
            let taxes = of_quote(&enrolled, Some(Decimal::ONE_HUNDRED), 2);
            let shown = taxes.applied.iter().map(|tax| format!("{} {}", tax.label, tax.amount));
            (
                shown.collect::<Vec<_>>(),
                taxes.percent.map(|percent| percent.to_string()),
                taxes.problems.len(),
            )
        };
        let (gst, qst) = (adjustment("GST", "PERCENT", "5"), adjustment("QST", "PERCENT", "9.975"));
        let labels = ["GST 5.00", "QST 9.98"].map(str::to_owned).to_vec();
        assert_eq!(taxes(&[gst.clone(), qst]), (labels, Some("14.975".to_owned()), 0));
        let eco = adjustment("Eco", "FIXED", "1.5");
        assert_eq!(taxes(&[gst, eco]), (vec!["GST 5.00".to_owned(), "Eco 1.50".to_owned()], None, 0));
        assert_eq!(taxes(&[adjustment("GST", "PERCENT", "five")]).2, 1);
        assert_eq!(taxes(&[]), (vec![], Some("0".to_owned()), 0));
    }
}
