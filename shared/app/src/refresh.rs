//! Keeps QuickBooks grants alive: every fifteen minutes the tokens of companies in use are renewed before they end, so that
//! executions hardly ever have to, and those of the others once a week, for an unused refresh token ends after a hundred days
//! (reliability.md §d.3).
//!
//! A portal that uninstalled the app is left alone: its grants end by themselves.
//!
//! How much of Intuit's quota is used is told here too, as the rest that can wait a quarter of an hour.
//!
//! HubSpot's are renewed on use: its refresh tokens do not end, and each renewal makes a version of a secret (rulings.md 22).

use std::convert::Infallible;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use lambda_http::LambdaEvent;
use mapping::hubspot::PortalId;
use serde::Serialize;
use store::connection::{Connection, LOOKED_AT_BEFORE, Status};
use store::portal::Portal;
use store::tokens::Owner;
use tracing::Instrument;

use crate::App;
use crate::clock;
use crate::connection::Stop;
use crate::effects::{Deadline, later};
use crate::grant::Wanted;
use crate::schedule::{self, Tick, fairly};
use crate::telemetry::{self, Metric, chain};

/// How many are renewed at once: Intuit's token endpoint is one for all companies.
const AT_ONCE: usize = 8;

/// How many are read from each shard of the index in a run: keys only.
const AT_MOST: usize = 2_000;

/// A company that was used in this time has its tokens kept fresh: one that is used once a day always.
const IN_USE: SignedDuration = SignedDuration::from_hours(36);

/// After the end of the access token an unused company is left alone for so long: its tokens are then not a week old.
const LEFT_ALONE: SignedDuration = SignedDuration::from_hours(6 * 24 + 12);

/// What cannot be renewed now comes again after this, behind the others.
const PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// From when on it is told that a grant ends whatever is done.
const TOLD_BEFORE: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Tokens bought longer ago than this are forty days from the end of their grant.
const TOO_OLD: SignedDuration = SignedDuration::from_hours(60 * 24);

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Intuit's access tokens live so long.
const ACCESS_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// What one run did, for its log and for tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Connections whose tokens are good, renewed by this run or by somebody else.
    pub renewed: u32,
    /// Connections that need nothing yet.
    pub left: u32,
    /// Connections that a person must make again.
    pub ended: u32,
    /// Connections that could not be renewed now: see the log.
    pub failed: u32,
}

/// What a connection needs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Renewal,
    NothingBefore(Timestamp),
}

enum Done {
    Renewed,
    Left,
    Ended,
}

/// One run.
///
/// # Errors
/// None: what could not be done is due again.
pub async fn handle(app: &App, event: LambdaEvent<Tick>) -> Result<Summary, Infallible> {
    let deadline = schedule::begin(&event);
    let ((), summary) = tokio::join!(app.tell_metered(), run(app, deadline));
    tracing::info!(summary.renewed, summary.left, summary.ended, summary.failed, "grants kept alive");
    Ok(summary)
}

/// Takes up what is due, until the time is over. What is left then is due in the next run, and before all others.
async fn run(app: &App, deadline: Deadline) -> Summary {
    let mut summary = Summary::default();
    let due = match app.store.renewals_due(clock::now(), AT_MOST).await {
        Ok(due) => fairly(due, |owner| owner.portal().0),
        Err(error) => {
            tracing::error!(error = chain(&error), "what is due could not be read");
            return summary;
        }
    };
    let begun = futures::stream::iter(due).take_while(|_| std::future::ready(deadline.allows_a_purchase()));
    let mut ends = begun.map(|owner| look_at(app, owner, deadline)).buffer_unordered(AT_ONCE);
    while let Some(end) = ends.next().await {
        match end {
            Some(Done::Renewed) => summary.renewed += 1,
            Some(Done::Left) => summary.left += 1,
            Some(Done::Ended) => summary.ended += 1,
            None => summary.failed += 1,
        }
    }
    summary
}

/// None when it could not be worked on.
async fn look_at(app: &App, owner: Owner, deadline: Deadline) -> Option<Done> {
    let Owner::QuickBooks(portal, realm) = &owner else { return Some(Done::Left) };
    let span = tracing::info_span!("connection", portal.id = %portal, realm.id = realm.as_str());
    let looked = async {
        match kept_alive(app, *portal, &owner, deadline).await {
            Ok(done) => Some(done),
            Err(stop) => {
                tracing::warn!(trouble = stop.as_str(), "the tokens could not be renewed");
                leave(app, &owner, PAUSE).await;
                None
            }
        }
    };
    looked.instrument(span).await
}

async fn kept_alive(app: &App, portal: PortalId, owner: &Owner, deadline: Deadline) -> Result<Done, Stop> {
    let known = app.store.portal(portal).await?;
    let Owner::QuickBooks(_, realm) = owner else { return Ok(Done::Left) };
    let Some(company) = known.as_ref().and_then(|portal| portal.company(realm)) else {
        // The index lags: it may have been disconnected. One that is connected to nothing would else be due for ever.
        leave(app, owner, DAY).await;
        return Ok(Done::Ended);
    };
    let (connection, now) = (&company.connection, clock::now());
    if connection.status == Status::ReauthRequired {
        return Ok(Done::Ended);
    }
    if let Some(days_left) = days_to_tell(connection, now) {
        tracing::warn!(days_left, "the grant ends whatever is done: a person must connect the company again");
        telemetry::count(Metric::GrantsAtRisk);
    }
    if let Need::NothingBefore(next_at) = need(connection, now) {
        app.store.look_later(owner, connection, next_at).await?;
        return Ok(Done::Left);
    }
    if !is_installed(app, known.as_ref(), connection, deadline).await? {
        // Whoever installs it again within the hundred days finds everything as it was.
        tracing::warn!("the app was uninstalled: the grant is left to end by itself");
        app.store.look_later(owner, connection, later(now, DAY)).await?;
        return Ok(Done::Left);
    }
    if is_neglected(connection, now) {
        tracing::warn!("the tokens should have been renewed long ago");
        telemetry::count(Metric::GrantsAtRisk);
    }
    let wanted = Wanted {
        fresh_for: LOOKED_AT_BEFORE,
        ..Wanted::for_a_call(owner, app.needed_intuit_keys(company.sandbox)?, &deadline)
    };
    Ok(if app.grant(wanted, connection).await?.is_some() { Done::Renewed } else { Done::Ended })
}

/// HubSpot tells nobody of an uninstall but by refusing the next renewal of its own tokens (hubspot.md §9.1). Executions find
/// that out at once; for a company that is not in use it is asked here, once a week.
async fn is_installed(
    app: &App,
    portal: Option<&Portal>,
    connection: &Connection,
    deadline: Deadline,
) -> Result<bool, Stop> {
    let is_known_to_be = portal.and_then(|portal| portal.hubspot.as_ref()).map(|hubspot| hubspot.status);
    match is_known_to_be {
        Some(Status::Ok) if is_in_use(connection, clock::now()) => Ok(true),
        Some(Status::Ok) => match app.account(portal, deadline).await {
            Ok(_) => Ok(true),
            Err(Stop::Failure(_)) => Ok(false),
            Err(trouble) => Err(trouble),
        },
        Some(Status::ReauthRequired) | None => Ok(false),
    }
}

/// It is due again after a while, behind the others.
async fn leave(app: &App, owner: &Owner, pause: SignedDuration) {
    let left = async {
        match app.store.connection(owner).await? {
            Some(connection) => app.store.look_later(owner, &connection, later(clock::now(), pause)).await,
            None => Ok(()),
        }
    };
    if let Err(error) = left.await {
        tracing::warn!(error = chain(&error), "the connection could not be left for later");
    }
}

fn need(connection: &Connection, now: Timestamp) -> Need {
    // Written by every commit; without it nothing is known.
    let Some(ends) = connection.access_expires_at else { return Need::Renewal };
    let due =
        if is_in_use(connection, now) { later(ends, -LOOKED_AT_BEFORE) } else { later(ends, LEFT_ALONE) };
    if due <= now { Need::Renewal } else { Need::NothingBefore(due) }
}

fn is_in_use(connection: &Connection, now: Timestamp) -> bool {
    connection.last_used_at.is_some_and(|used| now.duration_since(used) < IN_USE)
}

/// Whether runs before this one have failed to keep it alive.
fn is_neglected(connection: &Connection, now: Timestamp) -> bool {
    connection.access_expires_at.is_some_and(|ends| {
        let bought = later(ends, -ACCESS_LIFE);
        now.duration_since(bought) > TOO_OLD || (is_in_use(connection, now) && ends <= now)
    })
}

/// The days that are left of a grant that ends soon whatever is done. Once for each day: whoever looked before, when the
/// tokens that stand were bought, has told the days before.
fn days_to_tell(connection: &Connection, now: Timestamp) -> Option<i64> {
    let ends = connection.hard_expires_at.filter(|ends| ends.duration_since(now) <= TOLD_BEFORE)?;
    let days = |from: Timestamp| ends.duration_since(from).as_hours().div_euclid(DAY.as_hours());
    let bought = connection.access_expires_at.map(|ends| later(ends, -ACCESS_LIFE));
    Some(days(now)).filter(|left| bought.is_none_or(|bought| days(bought) != *left))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    /// Tokens bought at `START`, for an hour.
    fn connection(last_used_at: Option<Timestamp>) -> Connection {
        Connection {
            generation: 1,
            version_id: "v".to_owned(),
            status: Status::Ok,
            access_expires_at: Some(START + HOUR),
            refresh_expires_at: None,
            hard_expires_at: None,
            last_used_at,
            refused_at: None,
        }
    }

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn the_tokens_of_a_company_in_use_are_renewed_before_they_end() {
        let used = connection(Some(START));
        let due = START + SignedDuration::from_mins(35);
        assert_eq!(need(&used, START + SignedDuration::from_mins(34)), Need::NothingBefore(due));
        assert_eq!(need(&used, due), Need::Renewal);
        let long_ago = connection(Some(START - IN_USE));
        assert!(matches!(need(&long_ago, due), Need::NothingBefore(_)));
    }

    #[test]
    fn those_of_an_unused_company_are_renewed_within_a_week() {
        let idle = connection(None);
        let week = START + SignedDuration::from_hours(7 * 24);
        let Need::NothingBefore(due) = need(&idle, START + HOUR) else { panic!("it was just bought") };
        assert!(due + HOUR < week && due > START + SignedDuration::from_hours(6 * 24));
        assert_eq!(need(&idle, due), Need::Renewal);
    }

    #[test]
    fn tokens_that_ended_in_use_or_are_two_months_old_were_neglected() {
        let used = connection(Some(START));
        assert!(!is_neglected(&used, START + SignedDuration::from_mins(59)));
        assert!(is_neglected(&used, START + HOUR));
        let idle = connection(None);
        assert!(!is_neglected(&idle, START + TOO_OLD));
        assert!(is_neglected(&idle, START + TOO_OLD + HOUR));
    }

    #[test]
    fn the_end_of_a_grant_is_told_from_sixty_days_before_once_a_day() {
        let ends = |days: i64| Connection {
            hard_expires_at: Some(START + SignedDuration::from_hours(24 * days)),
            ..connection(None)
        };
        let minutes = |minutes| START + SignedDuration::from_mins(minutes);
        assert_eq!(days_to_tell(&ends(61), minutes(30)), None, "it is too early");
        assert_eq!(days_to_tell(&ends(60), minutes(30)), Some(59));
        assert_eq!(days_to_tell(&ends(60), minutes(45)), Some(59), "the tokens are the same");
        let renewed = Connection { access_expires_at: Some(minutes(90)), ..ends(60) };
        assert_eq!(days_to_tell(&renewed, minutes(65)), None, "told that day, before they were bought");
        assert_eq!(days_to_tell(&connection(None), minutes(30)), None, "nobody knows its end");
    }
}
