//! Installing the app, signing in, connecting QuickBooks companies and taking all of it away again, in a browser.
//!
//! Nobody is let into somebody else's books by a link: a consent is good once, for ten minutes, for the portal, the user and
//! the browser that asked for it; a company is taken at its word only when it answers to the new token; and a person has
//! seen its name and the portal's before the link is live. What comes back with a code in its address is answered with a
//! redirect, whatever happened: no page ever stands at an address that opens something.

mod disconnect;
mod hubspot;
mod pages;
mod quickbooks;
mod state;
mod told;

use std::convert::Infallible;

use lambda_http::{Request, Response};

use crate::App;
use crate::clock;
use crate::console::layout;
use crate::gate::BODY_LIMIT;
use crate::session::Session;
use crate::web::{self, Fields, Language, Reply};

use self::told::Told;

/// One request of a browser.
struct Visit<'a> {
    app: &'a App,
    request: &'a Request,
    language: Language,
}

/// Answers a browser. It cannot fail: whatever happens is a page or a redirect.
///
/// # Errors
/// None.
pub async fn handle(app: &App, request: Request) -> Result<Response<String>, Infallible> {
    clock::follow(&request);
    let visit = Visit { app, request: &request, language: Language::of(&request) };
    let reply = visit.answer().await.unwrap_or_else(|told| pages::told(&visit, told));
    tracing::info!(route = web::route(&request), status = reply.status().as_u16(), "answered");
    Ok(reply)
}

impl Visit<'_> {
    async fn answer(&self) -> Result<Reply, Told> {
        if self.request.body().len() > BODY_LIMIT {
            return Ok(web::answer(413, "text/plain; charset=utf-8", String::new()));
        }
        match web::route(self.request) {
            "GET /connect/hubspot" => hubspot::start(self).await,
            "GET /connect/hubspot/callback" => {
                Ok(self.without_code("/connect/hubspot/callback", hubspot::callback(self).await))
            }
            "POST /connect/hubspot/uninstall" => hubspot::uninstall(self).await,
            "GET /connect/quickbooks" => quickbooks::start(self).await,
            "GET /reconnect/quickbooks" => quickbooks::reconnect(self).await,
            "GET /connect/quickbooks/callback" => {
                Ok(self.without_code("/connect/quickbooks/callback", quickbooks::callback(self).await))
            }
            "GET /connect/quickbooks/confirm" => quickbooks::confirm(self).await,
            "POST /connect/quickbooks/confirm" => quickbooks::confirmed(self).await,
            "GET /disconnect/quickbooks" => disconnect::landing(self).await,
            "POST /disconnect/quickbooks" => disconnect::disconnect(self).await,
            _ => Ok(layout::not_found(self.language)),
        }
    }

    /// What is told after a callback has an address of its own, at the same path.
    fn without_code(&self, path: &str, answered: Result<Reply, Told>) -> Reply {
        match Fields::of_query(self.request).one("told").and_then(Told::read) {
            Some(told) => pages::told(self, told),
            None => answered.unwrap_or_else(|told| web::redirect(&told.address(path))),
        }
    }

    /// Whoever is signed in; else the way to sign in, and to come back to `next`.
    async fn signed_in(&self, next: &str) -> Result<Result<Session, Reply>, Told> {
        Ok(self.app.session(self.request).await?.ok_or_else(|| crate::session::to_sign_in(next)))
    }

    /// The same for whoever wants more than to look and to take away: where the app is not installed any more, signing in
    /// installs it again.
    async fn at_home(&self, next: &str) -> Result<Result<Session, Reply>, Told> {
        let signed_in = self.signed_in(next).await?;
        let Ok(session) = &signed_in else { return Ok(signed_in) };
        match self.is_installed(session).await? {
            true => Ok(signed_in),
            false => Ok(Err(crate::session::to_sign_in(next))),
        }
    }

    /// Whether the app is in the session's portal. HubSpot tells nobody when it is taken out there, so no session ends by that.
    async fn is_installed(&self, session: &Session) -> Result<bool, Told> {
        Ok(self.app.store.portal(session.portal()).await?.is_some_and(|portal| portal.is_installed()))
    }

    /// Whoever sent this form, from a page of ours.
    async fn sent_by(&self, form: &Fields) -> Result<Session, Told> {
        self.app.session_of_form(self.request, form).await?.ok_or(Told::FormRefused)
    }

    /// This address of ours, as vendors know it.
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.app.config.public_base_url)
    }
}
