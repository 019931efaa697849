//! Amounts: read exactly, rounded as QuickBooks does, and split into quantity and price so that lines add up.
//!
//! Nothing here panics on large numbers: what does not fit in QuickBooks' 15 digits is refused, what does not multiply
//! exactly is sent as one unit.

use crate::problem::NumberFault;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The largest amount QuickBooks takes: 15 digits, two of them decimals (quickbooks.md §2.2).
pub const LARGEST: Decimal = Decimal::from_parts(0xA4C6_7FFF, 0x0003_8D7E, 0, false, 2);

/// The decimals QuickBooks keeps of a quantity or unit price (quickbooks.md §2.2, §2.4).
pub(crate) const KEPT_DECIMALS: u32 = 7;

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(String);

/// A text that is not three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters")]
pub struct NotACurrency;

impl Currency {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The decimals its amounts have (ISO 4217).
    pub fn decimals(&self) -> u32 {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
            | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        let code = text.trim();
        let fits = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        if fits { Ok(Self(code.to_owned())) } else { Err(NotACurrency) }
    }
}

impl TryFrom<String> for Currency {
    type Error = NotACurrency;

    fn try_from(text: String) -> Result<Self, NotACurrency> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is no number for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It is not digits with at most one sign, one decimal point and one exponent.
    #[error("not a decimal number")]
    NotANumber,
    /// It is larger than [`LARGEST`], or has more digits than can be kept exactly.
    #[error("more digits than QuickBooks takes")]
    TooManyDigits,
}

/// Reads a HubSpot number exactly: `12`, `-0.333333`, `.5`, also `1.2E7`. No thousands separators, nothing is rounded.
///
/// # Errors
/// [`NumberError::NotANumber`], or [`NumberError::TooManyDigits`] beyond [`LARGEST`] or 28 decimals.
pub fn parse(text: &str) -> Result<Decimal, NumberError> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().map_err(|_| NumberError::NotANumber)?),
        None => (text, 0),
    };
    let exact = Decimal::from_str_exact(&plain(mantissa)?).ok();
    let value = exact.and_then(|value| shift(value, exponent)).ok_or(NumberError::TooManyDigits)?;
    if value.abs() > LARGEST { Err(NumberError::TooManyDigits) } else { Ok(value.normalize()) }
}

/// Reads a figure that may not be below zero.
pub(crate) fn figure(text: Option<&str>) -> Result<Decimal, NumberFault> {
    let text = text.ok_or(NumberFault::Missing)?;
    match parse(text) {
        Ok(number) if number < Decimal::ZERO => Err(NumberFault::Negative),
        Ok(number) => Ok(number),
        Err(NumberError::NotANumber) => Err(NumberFault::Unreadable(text.to_owned())),
        Err(NumberError::TooManyDigits) => Err(NumberFault::TooLarge),
    }
}

/// To two decimals, a half away from zero: QuickBooks' rounding of `Qty × UnitPrice` (quickbooks.md §2.2). The result
/// always has both decimals: `600.00`.
pub fn round_half_up(amount: Decimal) -> Decimal {
    round_to(amount, CENTS)
}

/// The decimals QuickBooks keeps of an amount (quickbooks.md §2.4).
pub(crate) const CENTS: u32 = 2;

/// To so many decimals, two at most; the result has both all the same.
pub(crate) fn round_to(amount: Decimal, decimals: u32) -> Decimal {
    let mut rounded =
        amount.round_dp_with_strategy(decimals.min(CENTS), RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(CENTS);
    rounded
}

/// Quantity and unit price of a line whose amount is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// At most seven decimals.
    pub qty: Decimal,
    /// At most seven decimals.
    pub unit_price: Decimal,
    /// True when the line is sent as one unit at its amount: the real quantity then belongs in the description.
    pub as_one: bool,
}

/// Chooses quantity and price so that `qty × unit_price`, half up, is `amount`: QuickBooks refuses anything else with
/// 6070. First hit of
///
/// 1. the quantity at HubSpot's list price,
/// 2. the quantity at `amount / quantity`, with as few decimals as do, at most seven,
/// 3. one unit at `amount`.
///
/// Why not only the amount? Tracked inventory needs a quantity (6520), and a price left out is derived by a rule nobody
/// has written down.
pub fn priced(quantity: Decimal, list_price: Decimal, amount: Decimal) -> Priced {
    let qty = quantity.normalize();
    let fits = |price: &Decimal| {
        price.normalize().scale() <= KEPT_DECIMALS
            && *price <= LARGEST
            && qty.checked_mul(*price).is_some_and(|product| round_half_up(product) == amount)
    };
    let price = match qty.scale() <= KEPT_DECIMALS {
        true => Some(list_price).filter(fits).or_else(|| net_prices(qty, amount).find(fits)),
        false => None,
    };
    match price {
        Some(price) => Priced { qty, unit_price: price.normalize(), as_one: false },
        None => Priced { qty: Decimal::ONE, unit_price: amount, as_one: true },
    }
}

/// For a person: at least two decimals, no trailing zeros beyond them.
pub(crate) fn display(price: Decimal) -> Decimal {
    let mut shown = price.normalize();
    shown.rescale(shown.scale().max(2));
    shown
}

fn net_prices(qty: Decimal, amount: Decimal) -> impl Iterator<Item = Decimal> {
    let exact = amount.checked_div(qty);
    (2..=KEPT_DECIMALS).filter_map(move |decimals| {
        exact.map(|price| price.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero))
    })
}

/// Only digits with at most one sign and point, without zeros that would count as digits.
fn plain(mantissa: &str) -> Result<String, NumberError> {
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || whole.len() + decimals.len() == 0 {
        return Err(NumberError::NotANumber);
    }
    let whole = whole.trim_start_matches('0');
    Ok(match decimals.trim_end_matches('0') {
        "" => format!("{sign}0{whole}"),
        decimals => format!("{sign}0{whole}.{decimals}"),
    })
}

/// `value × 10^exponent`, or nothing when it does not fit.
fn shift(value: Decimal, exponent: i32) -> Option<Decimal> {
    let scale = i32::try_from(value.scale()).ok()?.checked_sub(exponent)?;
    let (mantissa, scale) = match u32::try_from(scale) {
        Ok(scale) => (value.mantissa(), scale),
        Err(_) => (value.mantissa().checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?, 0),
    };
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_is_read_exactly_or_refused() {
        use NumberError::{NotANumber, TooManyDigits};
        let check = |text, expected: Result<&str, NumberError>| {
            assert_eq!(parse(text).map(|n| n.to_string()), expected.map(str::to_owned), "{text}");
        };
        check("1200.10", Ok("1200.1"));
        check(" 30.0 ", Ok("30"));
        check("-0.333333", Ok("-0.333333"));
        check("+5", Ok("5"));
        check(".5", Ok("0.5"));
        check("5.", Ok("5"));
        check(".000", Ok("0"));
        check("-.0", Ok("0"));
        check("00012", Ok("12"));
        check("1.2E7", Ok("12000000"));
        check("25e-3", Ok("0.025"));
        check("0.3333333333333333", Ok("0.3333333333333333"));
        check("1.00000000000000000000000000000000000000", Ok("1"));
        check("9999999999999.99", Ok("9999999999999.99"));
        check("10000000000000", Err(TooManyDigits));
        check("99999999999999999999999999999999999999", Err(TooManyDigits));
        check("0.00000000000000000000000000001", Err(TooManyDigits));
        check("1e999999999", Err(TooManyDigits));
        check("1e-2147483648", Err(TooManyDigits));
        check("1e99999999999999999999", Err(NotANumber));
        for text in ["", ".", "-", "1,200", "1_000", "1.2.3", "--1", "1e", "e5", "NaN", "12 EUR", "0x1F", "١"]
        {
            check(text, Err(NotANumber));
        }
    }

    #[test]
    fn a_half_cent_is_rounded_up() {
        let check = |amount, expected| assert_eq!(round_half_up(decimal(amount)).to_string(), expected);
        check("1861.075", "1861.08"); // the field case of quickbooks.md §2.2
        check("2.004999", "2.00");
        check("600", "600.00");
        check("0.005", "0.01");
    }

    #[test]
    fn quantity_and_price_multiply_to_the_amount() {
        let check = |quantity, list, amount, expected: &str| {
            let Priced { qty, unit_price, as_one } =
                priced(decimal(quantity), decimal(list), decimal(amount));
            assert_eq!((format!("{qty} × {unit_price}"), as_one), (expected.to_owned(), false));
        };
        check("3", "49.99", "149.97", "3 × 49.99");
        check("3.00", "0.333333", "1.00", "3 × 0.333333");
        check("3", "49.99", "134.97", "3 × 44.99"); // 10 % off
        check("3", "5", "10.00", "3 × 3.333");
        check("14.5", "128.350", "1861.08", "14.5 × 128.35");
        check("90000", "0.12", "10000.01", "90000 × 0.1111112");
        check("2", "0", "0.00", "2 × 0");
    }

    #[test]
    fn what_does_not_multiply_is_one_unit() {
        let check = |quantity, list, amount: &str| {
            let expected = Priced { qty: Decimal::ONE, unit_price: decimal(amount), as_one: true };
            assert_eq!(priced(decimal(quantity), decimal(list), decimal(amount)), expected);
        };
        check("700000000", "1", "100000000.01"); // seven decimals of price are too few
        check("0.3333333333333333", "3", "1.00"); // nor does QuickBooks keep sixteen decimals of quantity
        check("0.0000001", "1", "9999999999999.99"); // a price beyond fifteen digits
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in "\\PC*", number in "[-+]?[0-9]{0,40}\\.?[0-9]{0,40}([eE][-+]?[0-9]{1,12})?") {
            let _ = (parse(&text), parse(&number), text.parse::<Currency>());
        }

        #[test]
        fn a_number_that_was_written_is_read_again(mantissa in -999_999_999_999_999_i64..=999_999_999_999_999, scale in 2_u32..=15) {
            let number = Decimal::new(mantissa, scale);
            prop_assert_eq!(parse(&number.to_string()), Ok(number));
        }

        #[test]
        fn any_amount_can_be_sent(
            (quantity, q_scale) in (1_i64..=999_999_999_999_999, 2_u32..=18),
            (price, p_scale) in (0_i64..=999_999_999_999_999, 2_u32..=18),
            cents in 0_i64..=999_999_999_999_999,
        ) {
            let amount = Decimal::new(cents, 2);
            let Priced { qty, unit_price, as_one } =
                priced(Decimal::new(quantity, q_scale), Decimal::new(price, p_scale), amount);
            prop_assert_eq!(round_half_up(qty * unit_price), amount);
            prop_assert!(qty.scale() <= KEPT_DECIMALS && unit_price.scale() <= KEPT_DECIMALS && unit_price <= LARGEST);
            prop_assert!(as_one || qty == Decimal::new(quantity, q_scale));
        }
    }
}
