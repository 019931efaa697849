//! The token endpoint, for a code and for a refresh (quickbooks.md §5.3).

use std::collections::BTreeMap;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Refusal;
use super::client::Client;
use crate::quickbooks::answer::LOOK_AGAIN;
use crate::quickbooks::switches::{ConcurrentRefreshes, ForeignKeys};
use crate::quickbooks::{Books, QuickBooks, time};

/// Where it is.
pub(super) const PATH: &str = "/oauth2/v1/tokens/bearer";

/// Who asks to be told when the grant ends whatever is done.
const WITH_HARD_EXPIRY: &str = "x-include-refresh-token-hard-expires-in";

/// The body, or why it is none.
type Asked = Result<Form<BTreeMap<String, String>>, FormRejection>;

/// The route.
pub(super) fn router(quickbooks: QuickBooks) -> Router {
    Router::new().route(PATH, post(token)).with_state(quickbooks)
}

async fn token(State(quickbooks): State<QuickBooks>, headers: HeaderMap, form: Asked) -> Response {
    let answered = tokens(&quickbooks, &headers, form).await;
    let answer = answered.map_or_else(IntoResponse::into_response, |tokens| Json(tokens).into_response());
    ([(header::CACHE_CONTROL, "no-cache, no-store")], answer).into_response()
}

/// How far a call got in one turn at the books.
enum Turn {
    Done(Value),
    /// It takes until then.
    Work(Timestamp),
    /// The grant is being refreshed already.
    Wait,
}

/// What the next turn of a call is.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    ComesIn,
    WasWorkedOn,
    Waited,
}

async fn tokens(quickbooks: &QuickBooks, headers: &HeaderMap, form: Asked) -> Result<Value, Refusal> {
    let mut phase = Phase::ComesIn;
    loop {
        let now = quickbooks.control.now();
        let turn = turn(&mut quickbooks.books(), headers, &form, phase, now)?;
        match turn {
            Turn::Done(tokens) => return Ok(tokens),
            Turn::Work(until) => {
                quickbooks.control.sleep_until(until).await;
                phase = Phase::WasWorkedOn;
            }
            Turn::Wait => {
                tokio::time::sleep(LOOK_AGAIN).await;
                phase = Phase::Waited;
            }
        }
    }
}

fn turn(
    books: &mut Books,
    headers: &HeaderMap,
    form: &Asked,
    phase: Phase,
    now: Timestamp,
) -> Result<Turn, Refusal> {
    let client = books.oauth.caller(headers).ok_or(Refusal::Client)?;
    let Form(form) = form.as_ref().map_err(|_| Refusal::Request)?;
    let field = |name: &str| form.get(name).filter(|value| !value.is_empty()).ok_or(Refusal::Request);
    match field("grant_type")?.as_str() {
        "authorization_code" => {
            exchange(books, &client, field("code")?, field("redirect_uri")?, now).map(Turn::Done)
        }
        "refresh_token" => {
            let tells_end = headers.get(WITH_HARD_EXPIRY).is_some_and(|value| value == "true");
            refresh(books, &client, field("refresh_token")?, tells_end, phase, now)
        }
        _ => Err(Refusal::GrantType),
    }
}

/// The first tokens for a code.
fn exchange(
    books: &mut Books,
    client: &Client,
    code: &str,
    redirect_uri: &str,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let Books { companies, oauth, .. } = books;
    let code = oauth.take_code(code, client, redirect_uri, now)?;
    oauth.connect(companies, client, &code.realm_id, now)
}

/// Fresh tokens, once the caller, what it shows and the grant are in order.
fn refresh(
    books: &mut Books,
    client: &Client,
    shown: &str,
    tells_end: bool,
    phase: Phase,
    now: Timestamp,
) -> Result<Turn, Refusal> {
    let Books { companies, oauth, .. } = books;
    let at = oauth.grants.iter().position(|grant| grant.gave(shown)).ok_or(Refusal::RefreshToken)?;
    let grant = &mut oauth.grants[at];
    let company = companies.get_mut(&grant.realm_id).ok_or(Refusal::RefreshToken)?;
    if !client.fits(company) {
        return Err(match company.switches.foreign_keys {
            ForeignKeys::InvalidClient => Refusal::Client,
            ForeignKeys::InvalidGrant => Refusal::OtherClient,
        });
    }
    if !grant.is_of(client) {
        return Err(Refusal::OtherClient);
    }
    let is_busy = grant.being_refreshed && phase != Phase::WasWorkedOn;
    match (phase, company.switches.concurrent_refreshes) {
        (Phase::Waited, _) if !is_busy => return grant.same_tokens(now).map(Turn::Done),
        (_, ConcurrentRefreshes::SameTokens) if is_busy => return Ok(Turn::Wait),
        _ if is_busy => return Err(Refusal::RefreshToken),
        _ => grant.being_refreshed = false,
    }
    if !grant.takes(shown, company.switches.rotated_token, now) {
        oauth.punish_reuse(companies, at, shown, now);
        return Err(Refusal::RefreshToken);
    }
    if phase == Phase::ComesIn && company.switches.handling_ms > 0 {
        grant.being_refreshed = true;
        return Ok(Turn::Work(time::after_ms(now, company.switches.handling_ms)));
    }
    let mut tokens = grant.refresh(client, company, now);
    if tells_end {
        tokens["x_refresh_token_hard_expires_in"] = json!(grant.hard_expires_in_s(now));
    }
    Ok(Turn::Done(tokens))
}
