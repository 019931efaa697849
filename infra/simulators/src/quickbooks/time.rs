//! QuickBooks tells time in US Pacific, whatever the company's own zone (quickbooks.md §1.4).

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

/// As in `MetaData`: `2026-03-02T09:15:30-08:00`.
pub(super) fn stamp(now: Timestamp) -> String {
    pacific(now).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// As in an envelope's `time`: the same with milliseconds.
pub(super) fn envelope(now: Timestamp) -> String {
    pacific(now).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// The day a document gets that names none.
pub(super) fn today(now: Timestamp) -> Date {
    pacific(now).date()
}

/// The moment meant by a time without an offset.
pub(super) fn of_service(local: DateTime) -> Option<Timestamp> {
    local.to_zoned_datetime(zone()).ok().map(|zoned| zoned.timestamp())
}

/// So many milliseconds later.
pub(super) fn after_ms(now: Timestamp, milliseconds: u64) -> Timestamp {
    let wait = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn pacific(now: Timestamp) -> ZonedDateTime {
    now.to_zoned_datetime(zone())
}

fn zone() -> TimeZone {
    TimeZone::get("America/Los_Angeles").expect("the time zone database is bundled")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn winter_and_summer_have_their_own_offset() {
        let winter: Timestamp = "2026-03-02T17:15:30.512Z".parse().unwrap();
        assert_eq!(stamp(winter), "2026-03-02T09:15:30-08:00");
        assert_eq!(envelope(winter), "2026-03-02T09:15:30.512-08:00");
        assert_eq!(stamp("2026-07-02T05:00:00Z".parse().unwrap()), "2026-07-01T22:00:00-07:00");
    }

    #[test]
    fn the_day_is_the_pacific_one() {
        assert_eq!(today("2026-03-02T03:00:00Z".parse().unwrap()).to_string(), "2026-03-01");
    }
}
