//! HubSpot delivers again what it was answered 5xx or nothing about: after about a minute, then with growing gaps of at most
//! 8 hours, for at most 3 days (hubspot.md §2.4); then its workflow shows a failure.

use jiff::SignedDuration;

use crate::rare::Rare;
use crate::setup::Happening;
use crate::world::{World, timestamp};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// The longest gap between two, and how long there are any.
const LONGEST_GAP: i64 = 8 * HOUR;
const FOR: i64 = 72 * HOUR;

/// HubSpot's three days begin with its first delivery, ours with the first that could be claimed. Later than this, they are
/// too far apart to be known.
const TAKEN_UP_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// How far HubSpot is with one execution.
#[derive(Default)]
pub(crate) struct Retries {
    /// Its first delivery.
    began: Option<i64>,
    tries: u32,
    /// The next one is under way already.
    waiting: bool,
    /// It was told to wait, or the end.
    pub(crate) is_over: bool,
    /// It delivers no more, and its workflow says that the action failed.
    gave_up: bool,
}

impl Retries {
    pub(crate) fn delivered(&mut self, now: i64) {
        self.began.get_or_insert(now);
    }
}

impl World {
    /// A delivery was answered 5xx, or not at all.
    pub(crate) fn deliver_again_later(&mut self) {
        let retries = &self.retries;
        if !self.setup.redelivers
            || !self.setup.workflow
            || retries.is_over
            || retries.waiting
            || retries.gave_up
        {
            return;
        }
        let gap = (MINUTE << retries.tries.min(10)).min(LONGEST_GAP);
        let at = self.now + gap / 2 + self.chance.span(gap / 2);
        let began = self.retries.began.unwrap_or(self.now);
        if at - began > FOR {
            self.retries.gave_up = true;
            self.hit(Rare::GaveUp);
            return;
        }
        self.retries.tries += 1;
        self.retries.waiting = true;
        let agenda = &mut self.setup.agenda;
        let place = agenda.partition_point(|(other, _)| *other > at);
        agenda.insert(place, (at, Happening::Redelivery));
    }

    /// HubSpot delivers again, unless it was answered meanwhile; whether it does.
    pub(crate) fn redelivers(&mut self) -> bool {
        self.retries.waiting = false;
        if !self.retries.is_over {
            self.hit(Rare::Redelivered);
        }
        !self.retries.is_over
    }

    /// Whether HubSpot's workflow shows a failure.
    pub(crate) fn is_given_up_by_hubspot(&self) -> bool {
        let first = timestamp(self.retries.began.unwrap_or_default());
        let known =
            self.record().is_some_and(|record| record.created_at.duration_since(first) <= TAKEN_UP_WITHIN);
        self.retries.gave_up && known
    }
}
