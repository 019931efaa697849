//! Ending a grant: the app gives it back, or a person takes it back inside QuickBooks (quickbooks.md §5.6).
//!
//! `POST /_sim/disconnect` is that person. Intuit then sends their browser to the app's disconnect URL and tells the app
//! nothing else; so a form is answered with a redirect there, and JSON with what it would be.

use axum::extract::{Form, FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Refusal;
use super::client::Client;
use super::grant::{End, Grant};
use crate::quickbooks::switches::EndedGrant;
use crate::quickbooks::{Books, QuickBooks};

/// Where it is.
pub(super) const PATH: &str = "/v2/oauth2/tokens/revoke";

/// The route.
pub(super) fn router(quickbooks: QuickBooks) -> Router {
    Router::new().route(PATH, post(revoke)).with_state(quickbooks)
}

/// The control route.
pub(super) fn control_router(quickbooks: QuickBooks) -> Router {
    Router::new().route("/_sim/disconnect", post(disconnect)).with_state(quickbooks)
}

#[derive(Deserialize)]
struct Revoked {
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disconnected {
    realm_id: String,
    /// One app; all of them without it.
    client_id: Option<String>,
}

async fn revoke(State(quickbooks): State<QuickBooks>, headers: HeaderMap, request: Request) -> Response {
    let asked = body::<Revoked>(request).await;
    let now = quickbooks.control.now();
    let books = &mut quickbooks.books();
    let Some(client) = books.oauth.caller(&headers) else { return Refusal::Client.into_response() };
    let Some(asked) = asked else { return Refusal::Request.into_response() };
    match give_back(books, &client, &asked.token, now) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn disconnect(State(quickbooks): State<QuickBooks>, headers: HeaderMap, request: Request) -> Response {
    let bad = |why: &str| (StatusCode::BAD_REQUEST, why.to_owned()).into_response();
    let Some(asked) = body::<Disconnected>(request).await else { return bad("which company?") };
    let now = quickbooks.control.now();
    let Some((ended, landing)) = take_back(&mut quickbooks.books(), &asked, now) else {
        return bad("there is no such company");
    };
    if is_json(&headers) {
        return Json(json!({"ended": ended, "disconnect_url": landing})).into_response();
    }
    Redirect::to(landing.as_deref().unwrap_or("/")).into_response()
}

/// Ends the grant that gave out the token, of either kind, if it is still good.
fn give_back(books: &mut Books, client: &Client, token: &str, now: Timestamp) -> Result<(), Refusal> {
    let Books { companies, oauth, .. } = books;
    let opens = |grant: &Grant| {
        let ends = companies.get(&grant.realm_id).and_then(|company| company.tokens.get(token));
        ends.is_some_and(|ends| ends.is_none_or(|ends| now < ends))
    };
    // A seeded access token is no grant's: it stands for any of its company.
    let is_seeded = !oauth.grants.iter().any(|grant| grant.gave(token));
    let is_meant = |grant: &Grant| {
        let switches = companies.get(&grant.realm_id).map(|company| company.switches);
        let takes = switches.is_some_and(|switches| grant.takes(token, switches.rotated_token, now));
        takes || (grant.is_alive(now) && opens(grant) && (is_seeded || grant.gave(token)))
    };
    let Some(at) = oauth.grants.iter().position(is_meant) else {
        let ended = oauth.grants.iter().find(|grant| grant.gave(token));
        let company = ended.and_then(|grant| companies.get(&grant.realm_id));
        let is_wordless = company.is_some_and(|company| company.switches.ended_grant == EndedGrant::Wordless);
        return Err(if is_wordless { Refusal::Wordless } else { Refusal::Token });
    };
    if !oauth.grants[at].is_of(client) {
        return Err(Refusal::OtherClient);
    }
    oauth.end(companies, at, End::Revoked, now);
    Ok(())
}

/// How many grants ended, and where the person is sent; `None` if there is no such company.
fn take_back(books: &mut Books, asked: &Disconnected, now: Timestamp) -> Option<(usize, Option<String>)> {
    let Books { companies, oauth, .. } = books;
    let company = companies.get(&asked.realm_id)?;
    let is_meant = |client: &&Client| asked.client_id.as_ref().is_none_or(|id| *id == client.client_id);
    let clients: Vec<_> =
        oauth.clients.values().filter(is_meant).filter(|client| client.fits(company)).cloned().collect();
    let landing = clients.iter().find_map(|client| client.disconnect_url.as_deref());
    let landing = landing.and_then(|url| Url::parse_with_params(url, [("realmId", &asked.realm_id)]).ok());
    let is_theirs = |grant: &Grant| {
        let theirs = clients.iter().any(|client| grant.is_of(client));
        grant.realm_id == asked.realm_id && grant.is_alive(now) && theirs
    };
    let ended: Vec<_> = (0..oauth.grants.len()).filter(|at| is_theirs(&oauth.grants[*at])).collect();
    ended.iter().for_each(|at| oauth.end(companies, *at, End::Disconnected, now));
    oauth.close_ungranted(companies.get_mut(&asked.realm_id)?, now);
    Some((ended.len(), landing.map(String::from)))
}

/// The body, which may be JSON or a form.
async fn body<T: DeserializeOwned>(request: Request) -> Option<T> {
    if is_json(request.headers()) {
        return Json::from_request(request, &()).await.ok().map(|Json(body)| body);
    }
    Form::from_request(request, &()).await.ok().map(|Form(body)| body)
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|given| given.starts_with("application/json"))
}
