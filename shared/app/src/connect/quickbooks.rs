//! Connecting a company, or connecting it again: the way to Intuit, the way back, and the page that asks whether this is
//! really the company.

use std::time::{Duration, Instant};

use ::quickbooks::error::{Cause, Error};
use ::quickbooks::oauth::{self, Tokens};
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use store::consent::What;
use store::handle::Handle;
use store::pending::{Decision, Pending};
use store::portal::NewCompany;
use store::tokens::{Grant, Keys};

use super::told::Told;
use super::{Visit, disconnect, pages, state};
use crate::App;
use crate::clock;
use crate::session::Session;
use crate::telemetry::chain;
use crate::web::{self, Fields, Reply};

const START: &str = "/connect/quickbooks";
const CALLBACK: &str = "/connect/quickbooks/callback";
const CONFIRM: &str = "/connect/quickbooks/confirm";
const RECONNECT: &str = "/reconnect/quickbooks";

/// Whoever connects a company waits no longer for what others left.
const SWEPT_WITHIN: Duration = Duration::from_secs(3);

/// The gateway waits for thirty seconds.
const ANSWERED_WITHIN: Duration = Duration::from_secs(27);

/// Until then a company is asked a second time; its reads, the last two side by side, take twelve seconds at most.
const ASKED_AGAIN_WITHIN: Duration = Duration::from_secs(8);

/// `GET /connect/quickbooks`: to Intuit's page, where a person chooses the company; with `sandbox=1`, and where there are no keys
/// for others, among sandbox companies.
pub(super) async fn start(visit: &Visit<'_>) -> Result<Reply, Told> {
    let sandbox = Fields::of_query(visit.request).one("sandbox") == Some("1");
    let query: &[_] = if sandbox { &[("sandbox", "1")] } else { &[] };
    let session = match visit.at_home(&web::path(START, query)).await? {
        Ok(session) => session,
        Err(sign_in) => return Ok(sign_in),
    };
    if tokio::time::timeout(SWEPT_WITHIN, forget_unconfirmed(visit.app)).await.is_err() {
        tracing::warn!("unconfirmed companies are left for whoever connects next");
    }
    ask(visit, &session, sandbox || visit.app.vendors.is_sandbox(), None).await
}

/// `GET /reconnect/quickbooks`: the same for a company that is connected. Intuit sends people here without a session, too.
pub(super) async fn reconnect(visit: &Visit<'_>) -> Result<Reply, Told> {
    let query = Fields::of_query(visit.request);
    let Some(realm) = query.one("realm").or_else(|| query.one("realmId")) else {
        return Ok(web::redirect("/console"));
    };
    let realm = RealmId::try_from(realm.to_owned()).map_err(|_| Told::NotLinked)?;
    let session = match visit.at_home(&web::path(RECONNECT, &[("realm", realm.as_str())])).await? {
        Ok(session) => session,
        Err(sign_in) => return Ok(sign_in),
    };
    let portal = visit.app.store.portal(session.portal()).await?;
    let company = portal.as_ref().and_then(|portal| portal.company(&realm)).ok_or(Told::NotLinked)?;
    ask(visit, &session, company.sandbox, Some(realm)).await
}

async fn ask(
    visit: &Visit<'_>,
    session: &Session,
    sandbox: bool,
    again: Option<RealmId>,
) -> Result<Reply, Told> {
    let client_id = &visit.app.intuit_keys(sandbox).ok_or(Told::NoKeys)?.client_id;
    let discovery = visit.app.vendors.discovery().await?;
    let (portal, user_id) = (session.portal(), session.stored.user_id);
    state::ask(visit, What::Company { portal, user_id, sandbox, again }, |state| {
        oauth::authorize_url(&discovery, client_id, &visit.address(CALLBACK), state)
    })
    .await
}

/// `GET /connect/quickbooks/callback`: buys the tokens. They may have ended those that the portal had, so a company that it
/// links gets them at once: same portal, same company, nothing new to confirm. Any other waits for its confirmation.
pub(super) async fn callback(visit: &Visit<'_>) -> Result<Reply, Told> {
    let begun = Instant::now();
    let query = Fields::of_query(visit.request);
    if query.has("told") {
        return Err(Told::NotAsked);
    }
    let What::Company { portal, user_id, sandbox, again } = state::taken(visit, &query).await? else {
        return Err(Told::NotAsked);
    };
    let session = visit.app.session(visit.request).await?;
    let session = session.filter(|session| is_of(session, portal, user_id)).ok_or(Told::NotAsked)?;
    if !visit.is_installed(&session).await? {
        return Err(Told::NotInstalled);
    }
    match query.one("error") {
        Some("access_denied") => return Err(Told::Declined),
        _ if query.has("error") => {
            tracing::error!("Intuit did not accept what we asked for");
            return Err(Told::Unavailable);
        }
        _ => {}
    }
    let realm = query.one("realmId").and_then(|id| RealmId::try_from(id.to_owned()).ok());
    let realm = realm.ok_or(Told::NotThisCompany)?;
    if again.is_some_and(|again| again != realm) {
        return Err(Told::OtherCompany);
    }
    let tokens = exchange(visit, query.one("code").ok_or(Told::NotAsked)?, sandbox).await?;
    let bought = Bought { realm, sandbox, tokens, handle: Handle::new(), begun };
    let kept = keep(visit.app, &session, &bought).await;
    if let Err(Told::Unavailable) = kept {
        give_back(visit.app, &bought).await;
    }
    kept
}

/// What a consent has bought, and nobody has yet.
struct Bought {
    realm: RealmId,
    sandbox: bool,
    tokens: Tokens,
    /// Under this it waits to be confirmed, if it has to.
    handle: Handle,
    /// Since when the browser waits.
    begun: Instant,
}

/// Keeps the new tokens; where the browser goes on.
async fn keep(app: &App, session: &Session, bought: &Bought) -> Result<Reply, Told> {
    let (company, id) = (proven(app, session, bought).await?, session.portal());
    let (portal, grant) = (app.store.portal(id).await?, grant(&bought.tokens));
    if portal.is_some_and(|portal| portal.company(&bought.realm).is_some()) {
        app.store.connect_quickbooks(id, &company, &grant).await?;
        tracing::info!(portal.id = %id, realm.id = %bought.realm, "company connected again");
        return Ok(web::redirect(&web::path("/console", &[("told", "connected")])));
    }
    let user_id = session.stored.user_id;
    let pending = Pending { portal: id, user_id, company, at: clock::now() };
    app.store.put_pending(&bought.handle, &pending, &grant).await?;
    Ok(web::redirect(&web::path(CONFIRM, &[("pending", bought.handle.expose())])))
}

/// Nobody gets these tokens: their grant is ended, as far as there is time, unless it may be somebody's.
async fn give_back(app: &App, bought: &Bought) {
    let given = async {
        if !disconnect::is_shared(app, &bought.realm, None, Some(&bought.handle.hash())).await? {
            disconnect::revoke(app, bought.sandbox, &grant(&bought.tokens)).await?;
        }
        Ok::<_, Told>(())
    };
    let left = ANSWERED_WITHIN.saturating_sub(bought.begun.elapsed());
    let given = tokio::time::timeout(left, given).await;
    if !matches!(given, Ok(Ok(()))) {
        tracing::warn!("a grant that nobody has was not given back: it ends by itself");
    }
}

fn is_of(session: &Session, portal: PortalId, user_id: u64) -> bool {
    session.portal() == portal && session.stored.user_id == user_id
}

async fn exchange(visit: &Visit<'_>, code: &str, sandbox: bool) -> Result<Tokens, Told> {
    let app = visit.app;
    let discovery = app.vendors.discovery().await?;
    let Keys { client_id, client_secret, .. } = app.intuit_keys(sandbox).ok_or(Told::NoKeys)?;
    let (client, back) = (&app.vendors.quickbooks, visit.address(CALLBACK));
    let tokens = oauth::exchange(client, &discovery, client_id, client_secret, code, &back).await?;
    tokens.ok_or(Told::CodeRefused)
}

/// The company, as it says itself to the new token: the realm in the address proves nothing.
async fn proven(app: &App, session: &Session, bought: &Bought) -> Result<NewCompany, Told> {
    let Bought { realm, sandbox, tokens, begun, .. } = bought;
    let company = app.quickbooks(*sandbox).company(realm.clone(), tokens.access_token.clone());
    let now = clock::now();
    let mut asked = company.about(now).await;
    if let Err(Error::NotSent(_) | Error::Throttled | Error::Unknown(_)) = asked
        && begun.elapsed() < ASKED_AGAIN_WITHIN
    {
        // The tokens are bought, and may have ended others: they are worth a second question.
        asked = company.about(now).await;
    }
    if !sandbox {
        app.count_reads(realm, company.meter().take()).await;
    }
    let about = asked.map_err(|error| {
        tracing::warn!(error = chain(&error), "the company did not answer to its new token");
        match error {
            Error::Unauthorized | Error::Forbidden(_) | Error::Rejected(_) => Told::NotThisCompany,
            Error::Unknown(Cause::Status(400..=499) | Cause::Fault { .. }) => Told::NotThisCompany,
            Error::NotSent(_) | Error::Throttled | Error::Unknown(_) => Told::Unavailable,
        }
    })?;
    Ok(NewCompany {
        realm: realm.clone(),
        name: about.name,
        legal_name: about.legal_name,
        sandbox: *sandbox,
        books: about.books,
        connected_by: Some(session.stored.user.clone()),
        connected_at: Some(now),
    })
}

fn grant(tokens: &Tokens) -> Grant {
    let now = clock::now();
    Grant {
        generation: 1,
        access_token: tokens.access_token.clone(),
        access_expires_at: now + tokens.expires_in,
        refresh_token: tokens.refresh_token.clone(),
        refresh_expires_at: Some(now + tokens.refresh_expires_in),
        hard_expires_at: tokens.hard_expires_in.map(|left| now + left),
        scopes: vec![oauth::SCOPE.to_owned()],
    }
}

/// `GET /connect/quickbooks/confirm`: which company, and to which portal.
pub(super) async fn confirm(visit: &Visit<'_>) -> Result<Reply, Told> {
    let query = Fields::of_query(visit.request);
    let session = match visit.signed_in("/console").await? {
        Ok(session) => session,
        Err(sign_in) => return Ok(sign_in),
    };
    let (handle, pending) = waiting(visit, &session, &query).await?;
    Ok(pages::confirm(visit, &session, &handle, &pending))
}

/// `POST /connect/quickbooks/confirm`: makes the link live, or forgets it.
pub(super) async fn confirmed(visit: &Visit<'_>) -> Result<Reply, Told> {
    let (app, form) = (visit.app, Fields::of_form(visit.request));
    let session = visit.sent_by(&form).await?;
    let (handle, pending) = waiting(visit, &session, &form).await?;
    let decision = match form.one("decision") {
        Some("connect") => Decision::Connect,
        _ => Decision::Cancel,
    };
    if decision == Decision::Connect && !visit.is_installed(&session).await? {
        return Err(Told::NotInstalled);
    }
    if !app.store.decide_pending(&handle.hash(), decision).await? {
        return Err(Told::TooLate);
    }
    if decision == Decision::Cancel {
        drop_unconfirmed(app, &handle.hash(), &pending).await?;
        return Ok(web::see_other(&Told::Cancelled.address(CALLBACK)));
    }
    let grant = app.store.pending_grant(&handle.hash(), &pending).await?.ok_or(Told::TooLate)?;
    app.store.connect_quickbooks(pending.portal, &pending.company, &grant).await?;
    app.store.make_default_if_none(pending.portal, pending.realm()).await?;
    tracing::info!(portal.id = %pending.portal, realm.id = %pending.realm(), "company connected");
    // The link is live; what is left of the waiting goes with the next connect.
    if let Err(error) = app.store.drop_pending(&handle.hash()).await {
        tracing::warn!(error = chain(&error), "a confirmed company still waits");
    }
    Ok(web::see_other("/console"))
}

/// What waits under the handle that the browser shows, for this person in this portal.
async fn waiting(visit: &Visit<'_>, session: &Session, shown: &Fields) -> Result<(Handle, Pending), Told> {
    let handle = shown.one("pending").and_then(Handle::read).ok_or(Told::TooLate)?;
    let pending = visit.app.store.pending(&handle).await?;
    let good =
        |pending: &Pending| is_of(session, pending.portal, pending.user_id) && !pending.is_over(clock::now());
    let pending = pending.filter(good).ok_or(Told::TooLate)?;
    Ok((handle, pending))
}

/// Forgets every company that nobody confirmed or can be confirming, and its tokens. Whoever connects next does it; that it
/// fails is no reason to keep him from connecting.
async fn forget_unconfirmed(app: &App) {
    let waiting = match app.store.pending_companies().await {
        Ok(waiting) => waiting,
        Err(error) => {
            tracing::warn!(error = chain(&error), "unconfirmed companies could not be read");
            return;
        }
    };
    for (hash, pending) in waiting.iter().filter(|(_, pending)| pending.is_forgotten(clock::now())) {
        match drop_unconfirmed(app, hash, pending).await {
            Ok(()) => tracing::info!(portal.id = %pending.portal, "an unconfirmed company was forgotten"),
            Err(_) => tracing::warn!("an unconfirmed company could not be forgotten"),
        }
    }
}

/// Gives the grant back, unless it may be somebody else's.
async fn drop_unconfirmed(app: &App, hash: &str, pending: &Pending) -> Result<(), Told> {
    if !disconnect::is_shared(app, pending.realm(), None, Some(hash)).await?
        && let Some(grant) = app.store.pending_grant(hash, pending).await?
    {
        disconnect::revoke(app, pending.company.sandbox, &grant).await?;
    }
    Ok(app.store.drop_pending(hash).await?)
}
