//! Civil dates: a document's day is the portal's day, whatever the clock says in Greenwich.

use crate::money;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::prelude::ToPrimitive;
use std::str::FromStr;

/// Days from a document's date until payment is due or an offer ends: 0–3650 (contract.md §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(u16);

/// A text that is not a whole number from 0 to 3650.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number of days is a whole number from 0 to 3650")]
pub struct NotDays;

impl Days {
    const MOST: u16 = 3650;

    /// The number of days.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl FromStr for Days {
    type Err = NotDays;

    /// Reads a workflow input; a HubSpot number may come as `30` or `30.0`.
    fn from_str(text: &str) -> Result<Self, NotDays> {
        let days = money::parse(text).map_err(|_| NotDays)?;
        let whole = days.is_integer().then(|| days.to_u16()).flatten();
        whole.filter(|days| *days <= Self::MOST).map(Self).ok_or(NotDays)
    }
}

/// The day it is in `zone`.
pub fn today(now: Timestamp, zone: &TimeZone) -> Date {
    now.to_zoned_datetime(zone.clone()).date()
}

/// The day payment is due, `days` after `today`; at the end of the calendar, its last day.
pub fn due(today: Date, days: Days) -> Date {
    after(today, days)
}

/// The last day of an offer, `days` after `today`; at the end of the calendar, its last day.
pub fn expires(today: Date, days: Days) -> Date {
    after(today, days)
}

/// The day in a HubSpot property of type *date*: `YYYY-MM-DD`, or an instant as [`of_datetime`] reads it. Midnight UTC is
/// how HubSpot writes a day without a time (hubspot.md §6.6), so it is that day in every zone. None when it is neither.
pub fn of_date(text: &str, zone: &TimeZone) -> Option<Date> {
    let utc = |at: &Timestamp| at.to_zoned_datetime(TimeZone::UTC);
    match instant(text) {
        Some(at) if utc(&at).time() == Time::midnight() => Some(utc(&at).date()),
        Some(at) => Some(today(at, zone)),
        None => text.trim().parse().ok(),
    }
}

/// The day in `zone` of a HubSpot property of type *datetime*: ISO 8601 with an offset, or epoch milliseconds. A bare
/// `YYYY-MM-DD` is that day. None when it is neither.
pub fn of_datetime(text: &str, zone: &TimeZone) -> Option<Date> {
    instant(text).map(|at| today(at, zone)).or_else(|| text.trim().parse().ok())
}

fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    match text.parse::<i64>() {
        Ok(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
        Err(_) => text.parse().ok(),
    }
}

fn after(day: Date, days: Days) -> Date {
    day.saturating_add(Span::new().days(days.0))
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
    fn days_are_whole_and_within_ten_years() {
        let check = |text: &str, expected| assert_eq!(text.parse().map(Days::get), expected, "{text}");
        check("30", Ok(30));
        check("30.0", Ok(30));
        check(" 0 ", Ok(0));
        check("3650", Ok(3650));
        for text in ["3651", "-1", "30.5", "", "thirty", "99999999999"] {
            check(text, Err(NotDays));
        }
    }

    #[test]
    fn an_offer_ends_in_civil_days() {
        assert_eq!(expires(date(2026, 3, 2), "30".parse().unwrap()), date(2026, 4, 1));
    }

    /// The day of a date property and of a datetime property, in Los Angeles and in Auckland.
    #[test]
    fn a_property_is_read_as_the_portals_day() {
        let check = |text: &str, dates: [Option<i8>; 2], datetimes: [Option<i8>; 2]| {
            let zones = ["America/Los_Angeles", "Pacific/Auckland"].map(|zone| TimeZone::get(zone).unwrap());
            let march = |day: Option<i8>| day.map(|day| date(2026, 3, day));
            assert_eq!(zones.each_ref().map(|zone| of_date(text, zone)), dates.map(march), "{text}");
            assert_eq!(zones.each_ref().map(|zone| of_datetime(text, zone)), datetimes.map(march), "{text}");
        };
        let both = |day| [Some(day); 2];
        check("2026-03-12", both(12), both(12));
        check(" 2026-03-12 ", both(12), both(12));
        check("2026-03-12T00:00:00Z", both(12), [Some(11), Some(12)]);
        check("1773273600000", both(12), [Some(11), Some(12)]); // the same midnight
        check("2026-03-12T06:59:59.999Z", [Some(11), Some(12)], [Some(11), Some(12)]);
        check("1773298799999", [Some(11), Some(12)], [Some(11), Some(12)]);
        check("2026-03-12T23:30:00+13:00", both(12), both(12));
        for text in ["", "soon", "2026-13-01", "99999999999999999999", "12/03/2026"] {
            check(text, [None; 2], [None; 2]);
        }
    }
}
