//! How many of Intuit's metered reads each company has had in a month (rulings.md 31).
//!
//! The quota is the workspace's, for all companies together, so a month is one partition with an item per company: its sum is
//! one query. A month is Intuit's, which tells time in US Pacific (quickbooks.md §1.4); when exactly its own count begins anew,
//! it does not say.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mapping::quickbooks::RealmId;

use crate::item::{Item, VERSION, number, text};
use crate::{Error, Store};

/// A month's counts are kept so long after the last read.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

const WHAT: &str = "the count of metered reads";

impl Store {
    /// Adds to the company's reads of this month. One write without a condition: none is lost to another.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: they may have been added.
    pub async fn count_reads(&self, realm: &RealmId, reads: u64, now: Timestamp) -> Result<(), Error> {
        let kept_until = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        self.dynamodb
            .update_item()
            .table_name(&self.names.table)
            .key("pk", text(partition(now)))
            .key("sk", text(realm.as_str()))
            .update_expression("SET v = :v, #ttl = :ttl ADD n :reads")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":v", number(VERSION))
            .expression_attribute_values(":ttl", number(kept_until.as_second()))
            .expression_attribute_values(":reads", number(reads))
            .send()
            .await
            .map_err(Error::unavailable("counting metered reads"))?;
        Ok(())
    }

    /// How many reads a company has had this month.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn reads_of(&self, realm: &RealmId, now: Timestamp) -> Result<u64, Error> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.names.table)
            .key("pk", text(partition(now)))
            .key("sk", text(realm.as_str()))
            .send()
            .await
            .map_err(Error::unavailable("reading metered reads"))?;
        let Some(attributes) = answer.item else { return Ok(0) };
        Item { what: WHAT, attributes: &attributes }.number("n")
    }

    /// How many reads all companies together have had this month.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn reads(&self, now: Timestamp) -> Result<u64, Error> {
        let items = self.items_of(&partition(now), "reading metered reads").await?;
        let counts = items.iter().map(|attributes| Item { what: WHAT, attributes }.number::<u64>("n"));
        counts.sum()
    }
}

fn partition(now: Timestamp) -> String {
    let zone = TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC);
    format!("B#metered#{}", zone.to_datetime(now).strftime("%Y-%m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_intuit_s() {
        for (now, expected) in
            [("2026-03-01T07:59:59Z", "B#metered#2026-02"), ("2026-03-01T08:00:00Z", "B#metered#2026-03")]
        {
            assert_eq!(partition(now.parse().unwrap()), expected);
        }
    }
}
