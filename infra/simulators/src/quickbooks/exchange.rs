//! Exchange rates (quickbooks.md §2.10): those that were seeded, each good until the next.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fault::{Fault, Reason};
use super::json::{Object, decimal, text};
use super::state::Company;
use super::{currency, time};

/// Answers `{"ExchangeRate": …}`, as of today unless a day is named.
///
/// # Errors
/// 5030 in a company with one currency, 2020, 2060, and 610 without a rate of that day or before. The first and last
/// codes are our expectation.
pub(super) fn read(company: &Company, code: &str, day: &str, now: Timestamp) -> Result<Value, Fault> {
    if !currency::has_several(company) {
        return Err(Fault::new(5030, "Multicurrency is switched off in this company's settings"));
    }
    if code.is_empty() {
        return Err(Reason::missing("sourcecurrencycode").into());
    }
    let day = if day.is_empty() { Ok(time::today(now)) } else { day.parse() };
    let day = day.map_err(|_| Fault::new(2060, "asofdate is not YYYY-MM-DD"))?;
    let mut row = latest(company, code, day).cloned().ok_or_else(Reason::gone)?;
    row.insert("AsOfDate".into(), json!(day));
    Ok(json!({"ExchangeRate": row}))
}

/// Home-currency units for one unit of a currency on a day.
pub(super) fn rate(company: &Company, code: &str, day: Date) -> Option<Decimal> {
    latest(company, code, day)?.get("Rate").and_then(decimal)
}

fn latest<'a>(company: &'a Company, code: &str, day: Date) -> Option<&'a Object> {
    let of = |row: &Object| text(row, &["AsOfDate"]).parse::<Date>().ok();
    let rows = company.rows("ExchangeRate").iter();
    let until = rows.filter(|row| text(row, &["SourceCurrencyCode"]) == code && of(row) <= Some(day));
    until.max_by_key(|row| of(row))
}
