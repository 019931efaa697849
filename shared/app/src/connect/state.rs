//! Sending a browser away for a consent, and knowing it again when it comes back.

use std::time::Duration;

use store::consent::{Asked, What};
use store::handle::Handle;

use super::Visit;
use super::told::Told;
use crate::clock;
use crate::web::{self, Cookie, Fields, Reply};

/// The browser that asked; a link that somebody else was sent does not bring it along.
const BROWSER: Cookie = Cookie("__Host-browser");

/// Longer than a consent is waited for, so that what is too late is told by us.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// Sends the browser to `address` of the state, and remembers what for.
pub(super) async fn ask(
    visit: &Visit<'_>,
    what: What,
    address: impl FnOnce(&str) -> String,
) -> Result<Reply, Told> {
    // One for all tabs: a second connect leaves the first as it is.
    let known = web::cookie(visit.request, BROWSER).and_then(Handle::read);
    let browser = known.unwrap_or_else(Handle::new);
    let state = Handle::new();
    let asked = Asked { what, browser: browser.hash(), at: clock::now() };
    visit.app.store.ask_consent(&state, &asked).await?;
    let reply = web::redirect(&address(state.expose()));
    Ok(web::with_cookie(reply, BROWSER, browser.expose(), Some(KEPT)))
}

/// What this browser asked for with the state it comes back with. Whoever shows a state has used it up.
pub(super) async fn taken(visit: &Visit<'_>, query: &Fields) -> Result<What, Told> {
    let refused = |why: &'static str| {
        tracing::warn!(why, "a consent was not taken");
        Told::NotAsked
    };
    let state = query.one("state").and_then(Handle::read).ok_or_else(|| refused("no state"))?;
    let asked = visit.app.store.take_consent(&state).await?.ok_or_else(|| refused("unknown or used"))?;
    if asked.is_over(clock::now()) {
        return Err(refused("too late"));
    }
    let browser = web::cookie(visit.request, BROWSER).and_then(Handle::read);
    match browser.is_some_and(|browser| browser.hash() == asked.browser) {
        true => Ok(asked.what),
        false => Err(refused("another browser")),
    }
}
