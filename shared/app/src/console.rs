//! The console: the web pages a portal's people use, to see that their companies are healthy and what their workflows did.
//!
//! The portal comes from the session and from nowhere else: no address, field or place in a list names one. Each page is a
//! pure function from what was read to markup; what is changed here is a choice of the portal's people, or a retry, and
//! answers with a redirect, so that nothing happens twice.

mod activity;
mod companies;
mod company;
mod execution;
pub(crate) mod layout;
mod preview;
mod settings;
mod summary;
mod text;
mod upload;

use std::convert::Infallible;

use jiff::Timestamp;
use lambda_http::{Request, Response};
use mapping::quickbooks::RealmId;
use maud::Markup;
use store::portal::{Company, Portal};

use crate::App;
use crate::clock;
use crate::gate::BODY_LIMIT;
use crate::session::{self, Session};
use crate::telemetry::chain;
use crate::web::{self, Fields, Language, Reply};
use layout::{Page, Room, Tone};

pub(crate) use activity::address as execution_address;
use text::{Texts, texts};

/// What this release is called: what the build says, or else the crate's version.
const VERSION: &str = match option_env!("APP_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Answers a browser. It cannot fail: whatever happens is a page.
///
/// # Errors
/// None.
pub async fn handle(app: &App, request: Request) -> Result<Response<String>, Infallible> {
    clock::follow(&request);
    let started = std::time::Instant::now();
    let reply = answer(app, &request).await;
    let (status, duration_ms) = (reply.status().as_u16(), started.elapsed().as_millis() as u64);
    tracing::info!(route = web::route(&request), status, duration_ms, "answered");
    Ok(reply)
}

async fn answer(app: &App, request: &Request) -> Reply {
    let language = Language::of(request);
    if request.body().as_ref().len() > BODY_LIMIT {
        return layout::too_large(language);
    }
    let path: Vec<&str> = request.uri().path().split('/').skip(1).collect();
    let answered = match (request.method().as_str(), path.as_slice()) {
        ("GET", ["health"]) => return health(app),
        ("GET", ["console", "style.css"]) => return web::stylesheet(layout::STYLE),
        ("POST", ["console", "sign-out"]) => app
            .sign_out(request)
            .await
            .map(|signed_out| signed_out.unwrap_or_else(|| layout::form_refused(language))),
        ("GET", ["console", room @ ..]) => look(app, request, language, room).await,
        ("POST", ["console", room @ ..]) => change(app, request, language, room).await,
        _ => return layout::not_found(language),
    };
    answered.unwrap_or_else(|error| {
        tracing::error!(error = chain(&error), "a page could not be made");
        layout::unavailable(language)
    })
}

/// `GET /health`: anyone may ask, and learns nothing more.
fn health(app: &App) -> Reply {
    let health = serde_json::json!({"version": VERSION, "environment": app.config.environment.as_str()});
    web::answer(200, "application/json", health.to_string())
}

/// Where a person is asked whether to disconnect a company.
pub(crate) fn disconnect_address(realm: &RealmId) -> String {
    format!("{}/disconnect", companies::address(realm))
}

/// One signed-in person's visit: whose pages these are, and what they are written in.
struct Visit<'a> {
    app: &'a App,
    language: Language,
    session: Session,
    portal: Portal,
    now: Timestamp,
}

async fn look(
    app: &App,
    request: &Request,
    language: Language,
    room: &[&str],
) -> Result<Reply, store::Error> {
    let here = request.uri().path_and_query().map_or("/console", |here| here.as_str());
    let Some(session) = app.session(request).await? else { return Ok(session::to_sign_in(here)) };
    let Some(visit) = Visit::new(app, language, session).await? else {
        return Ok(session::to_sign_in("/console"));
    };
    let query = Fields::of_query(request);
    match room {
        [] | [""] => Ok(visit.companies(&query)),
        ["uninstall"] => Ok(visit.ask_to_uninstall()),
        ["activity"] => visit.activity(&query).await,
        ["execution"] => visit.execution(&query).await,
        ["company", realm, rest @ ..] => {
            let Some(company) = visit.company(realm) else { return Ok(layout::not_found(language)) };
            match rest {
                [] => visit.show_company(company, &query).await,
                ["disconnect"] => Ok(visit.ask_to_disconnect(company)),
                ["settings"] => Ok(visit.settings(company)),
                ["settings.json"] => Ok(settings::export(company)),
                _ => Ok(layout::not_found(language)),
            }
        }
        _ => Ok(layout::not_found(language)),
    }
}

async fn change(
    app: &App,
    request: &Request,
    language: Language,
    room: &[&str],
) -> Result<Reply, store::Error> {
    // Whoever has no session is shown the way to sign in: a redirect of a form to HubSpot is one that browsers do not follow.
    let form = upload::fields(request).await;
    let Some(session) = app.session_of_form(request, &form).await? else {
        return Ok(layout::form_refused(language));
    };
    let Some(visit) = Visit::new(app, language, session).await? else {
        return Ok(layout::form_refused(language));
    };
    // An uninstall in HubSpot's own settings ends no session: such people may look, take away, and install again, which the
    // page says.
    if !visit.portal.is_installed() {
        return Ok(web::see_other("/console"));
    }
    match room {
        ["retry"] => visit.retry(&form).await,
        ["company", realm, what @ ..] => {
            let Some(company) = visit.company(realm) else { return Ok(layout::not_found(language)) };
            match what {
                ["name"] => visit.rename(company, &form).await,
                ["default"] => visit.choose_default(company).await,
                ["settings", "edit"] => Ok(visit.edit_settings(company, &form)),
                ["settings", "check"] => Ok(visit.check_settings(company, &form)),
                ["settings"] => visit.save_settings(company, &form).await,
                _ => Ok(layout::not_found(language)),
            }
        }
        _ => Ok(layout::not_found(language)),
    }
}

impl<'a> Visit<'a> {
    /// None when the portal is gone: the app was uninstalled since.
    async fn new(app: &'a App, language: Language, session: Session) -> Result<Option<Self>, store::Error> {
        let portal = app.store.portal(session.portal()).await?;
        Ok(portal.map(|portal| Self { app, language, session, portal, now: clock::now() }))
    }

    fn texts(&self) -> &'static Texts {
        texts(self.language)
    }

    /// A company of this portal.
    fn company(&self, realm: &str) -> Option<&Company> {
        self.portal.companies.iter().find(|company| company.realm.as_str() == realm)
    }

    fn page<'p>(&'p self, room: Room, title: &'p str, content: Markup) -> Page<'p> {
        let session = Some(&self.session);
        Page { session, room: Some(room), ..Page::new(self.language, title, content) }
    }

    /// What an address says was just done.
    fn notice(&self, query: &Fields) -> Markup {
        let texts = self.texts();
        let (tone, told) = match query.one("told") {
            Some("renamed") => (Tone::Good, texts.done_renamed),
            Some("default") => (Tone::Good, texts.done_default),
            Some("settings") => (Tone::Good, texts.done_settings),
            Some("retried") => (Tone::Good, texts.done_retried),
            Some("retried-before") => (Tone::Plain, texts.done_retried_before),
            Some("not-retried") => (Tone::Waits, texts.retry_refused),
            Some("connected") => (Tone::Good, texts.done_connected),
            Some("disconnected") => (Tone::Good, texts.done_disconnected),
            Some("overtaken") => (Tone::Waits, texts.overtaken),
            _ => return Markup::default(),
        };
        layout::notice(tone, told)
    }
}
