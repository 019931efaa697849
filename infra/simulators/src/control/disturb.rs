//! Carries a fault out on one call: the order of effect, wait and answer.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::fault::Fault;
use super::shape::{dropped, reshaped};
use super::{Control, Unexpected, unexpected};

/// Answers a call in the way of the fault that struck it.
pub(super) async fn disturbed(
    control: &Control,
    seq: u64,
    fault: Fault,
    request: Request,
    next: Next,
) -> Response {
    // Begins where it is awaited: what the effect takes is no part of it.
    let pause = async { tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await };
    let own = if fault.effect_after_seconds.is_some() {
        land_later(control, seq, &fault, request, next);
        pause.await;
        None
    } else if fault.after_effect {
        let own = next.run(request).await;
        pause.await;
        Some(own)
    } else {
        pause.await;
        if fault.drop || fault.replaces() { None } else { Some(next.run(request).await) }
    };
    // Hidden from the caller, but still wrong to have asked for.
    let was_unexpected = own.as_ref().is_some_and(|own| own.extensions().get::<Unexpected>().is_some());
    let response = answer(control, &fault, own).await;
    if was_unexpected { unexpected(response) } else { response }
}

/// What the caller gets, given the vendor's own answer where there is one.
async fn answer(control: &Control, fault: &Fault, own: Option<Response>) -> Response {
    if fault.drop {
        return dropped();
    }
    // What no answer can carry was refused when the plan was set.
    let replacement = fault.replacement(control.now()).ok().flatten();
    let mut response = replacement.or(own).unwrap_or_default();
    fault.relabel(&mut response).ok();
    reshaped(fault, response).await
}

/// Promises the effect, and keeps the promise even when the plan is replaced meanwhile.
fn land_later(control: &Control, seq: u64, fault: &Fault, request: Request, next: Next) {
    let after = SignedDuration::from_secs(fault.effect_after_seconds.unwrap_or_default().into());
    let due = control.now().checked_add(after).unwrap_or(Timestamp::MAX);
    control.lock().plan.promise(seq, due);
    let control = control.clone();
    tokio::spawn(async move {
        control.sleep_until(due).await;
        // A task of its own: a handler that panics has landed too.
        let landed = tokio::spawn(next.run(request)).await;
        control.landed(seq, landed.ok().as_ref());
    });
}
