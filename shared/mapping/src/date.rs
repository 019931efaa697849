//! Civil dates: a document's day is the portal's day, whatever the clock says in Greenwich.

use crate::money;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::prelude::ToPrimitive;
use std::str::FromStr;

/// Days from a document's date until payment is due: 0–3650 (contract.md §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueDays(u16);

/// A text that is not a whole number from 0 to 3650.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number of days is a whole number from 0 to 3650")]
pub struct NotDueDays;

impl DueDays {
    const MOST: u16 = 3650;

    /// The number of days.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl FromStr for DueDays {
    type Err = NotDueDays;

    /// Reads a workflow input; a HubSpot number may come as `30` or `30.0`.
    fn from_str(text: &str) -> Result<Self, NotDueDays> {
        let days = money::parse(text).map_err(|_| NotDueDays)?;
        let whole = days.is_integer().then(|| days.to_u16()).flatten();
        whole.filter(|days| *days <= Self::MOST).map(Self).ok_or(NotDueDays)
    }
}

/// The day it is in `zone`.
pub fn today(now: Timestamp, zone: &TimeZone) -> Date {
    now.to_zoned_datetime(zone.clone()).date()
}

/// The day `days` after `today`; at the end of the calendar, its last day.
pub fn due(today: Date, days: DueDays) -> Date {
    today.saturating_add(Span::new().days(days.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn today_is_the_portals_day() {
        let check = |zone, expected| {
            let now: Timestamp = "2026-03-01T03:30:00Z".parse().unwrap();
            assert_eq!(today(now, &TimeZone::get(zone).unwrap()), expected);
        };
        check("UTC", date(2026, 3, 1));
        check("America/Los_Angeles", date(2026, 2, 28));
        check("Pacific/Auckland", date(2026, 3, 1));
    }

    #[test]
    fn payment_is_due_in_civil_days() {
        let check = |from, days: &str, expected| assert_eq!(due(from, days.parse().unwrap()), expected);
        check(date(2026, 3, 2), "30", date(2026, 4, 1));
        check(date(2026, 3, 2), "0", date(2026, 3, 2));
        check(date(2028, 2, 28), "1", date(2028, 2, 29));
        check(Date::MAX, "3650", Date::MAX);
    }

    #[test]
    fn due_days_are_whole_and_within_ten_years() {
        let check = |text: &str, expected| assert_eq!(text.parse().map(DueDays::get), expected, "{text}");
        check("30", Ok(30));
        check("30.0", Ok(30));
        check(" 0 ", Ok(0));
        check("3650", Ok(3650));
        for text in ["3651", "-1", "30.5", "", "thirty", "99999999999"] {
            check(text, Err(NotDueDays));
        }
    }
}
