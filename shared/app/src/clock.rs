//! The time, as every part of this crate asks for it.
//!
//! A function compiled for release goes by the machine's clock. A debug build, which only tests and the local stack run,
//! goes by the time its events carry: the local stack's clock can be moved, and with it quiet periods, leases and tokens
//! pass in milliseconds.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};

/// How far the events' time is ahead of the machine's, in milliseconds.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// What an event's way here may take. More than that is a moved clock.
const ON_THE_WAY: SignedDuration = SignedDuration::from_secs(30);

/// Now.
pub(crate) fn now() -> Timestamp {
    let ahead = SignedDuration::from_millis(AHEAD.load(Ordering::Relaxed));
    let now = Timestamp::now();
    now.checked_add(ahead).unwrap_or(now)
}

/// Goes by the time of this request from now on, in a debug build.
pub(crate) fn follow(request: &Request) {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else { return };
    if let Ok(arrived) = Timestamp::from_millisecond(context.time_epoch) {
        follow_time(arrived);
    }
}

/// How long ago API Gateway got this request: a cold start may lie between.
pub(crate) fn under_way(request: &Request) -> Duration {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return Duration::ZERO;
    };
    let arrived = Timestamp::from_millisecond(context.time_epoch).ok();
    let time = arrived
        .map(|arrived| now().duration_since(arrived))
        .filter(|time| !cfg!(debug_assertions) || *time <= ON_THE_WAY);
    time.and_then(|time| Duration::try_from(time).ok()).unwrap_or_default()
}

/// Goes by this time from now on, in a debug build.
pub fn follow_time(arrived: Timestamp) {
    if !cfg!(debug_assertions) {
        return;
    }
    let ahead = arrived.duration_since(Timestamp::now());
    let moved = if ahead.abs() > ON_THE_WAY { ahead } else { SignedDuration::ZERO };
    AHEAD.store(i64::try_from(moved.as_millis()).unwrap_or_default(), Ordering::Relaxed);
}
