//! What a quote's status does to the rest of it: a published quote is locked and waits for its payment (hubspot.md §6.6, §7).

use super::switches::LockedQuote;
use std::collections::BTreeMap;

/// A record's properties.
pub(super) type Properties = BTreeMap<String, Option<String>>;

const PUBLISHED: [&str; 2] = ["APPROVAL_NOT_NEEDED", "APPROVED"];
/// The statuses a published quote can go back to, to be changed.
const UNLOCKING: [&str; 3] = ["DRAFT", "PENDING_APPROVAL", "REJECTED"];

/// The property, unless it is empty.
pub(super) fn text<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    properties.get(name)?.as_deref().filter(|text| !text.is_empty())
}

/// Draws the consequences of the quote's status; what a published quote brings along stays.
pub(super) fn settle(properties: &mut Properties) {
    let is_published = text(properties, "hs_status").is_some_and(|status| PUBLISHED.contains(&status));
    if !is_published {
        return;
    }
    let waits = text(properties, "hs_payment_enabled") == Some("true");
    fill(properties, "hs_locked", "true");
    if waits {
        fill(properties, "hs_payment_status", "PENDING");
    }
}

fn fill(properties: &mut Properties, name: &str, value: &str) {
    if text(properties, name).is_none() {
        properties.insert(name.to_owned(), Some(value.to_owned()));
    }
}

/// Why these changes cannot be made to a quote. A locked one takes nothing but a status that unlocks it, alone; whether it
/// takes properties of the portal's own as well is a switch.
pub(super) fn refusal(
    properties: &Properties,
    changes: &Properties,
    is_own: impl Fn(&str) -> bool,
    switch: LockedQuote,
) -> Option<String> {
    if text(properties, "hs_locked") != Some("true") {
        return None;
    }
    let unlocks = text(changes, "hs_status").is_some_and(|status| UNLOCKING.contains(&status));
    let all_own = switch == LockedQuote::TakesOwnProperties && changes.keys().all(|name| is_own(name));
    if (unlocks && changes.len() == 1) || all_own {
        return None;
    }
    Some("the quote is published and locked: its status has to go back first".to_owned())
}

/// Makes changes that were not refused.
pub(super) fn change(properties: &mut Properties, changes: Properties) {
    if text(&changes, "hs_status").is_some_and(|status| UNLOCKING.contains(&status)) {
        properties.insert("hs_locked".to_owned(), Some("false".to_owned()));
    } else if changes.contains_key("hs_status") {
        properties.remove("hs_locked");
    }
    properties.extend(changes);
    settle(properties);
}
