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
use crate::quickbooks::{Books, QuickBooks};

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
    let now = quickbooks.control.now();
    let answered = tokens(&mut quickbooks.books(), &headers, form, now);
    let answer = answered.map_or_else(IntoResponse::into_response, |tokens| Json(tokens).into_response());
    ([(header::CACHE_CONTROL, "no-cache, no-store")], answer).into_response()
}

fn tokens(books: &mut Books, headers: &HeaderMap, form: Asked, now: Timestamp) -> Result<Value, Refusal> {
    let client = books.oauth.caller(headers).ok_or(Refusal::Client)?;
    let Form(form) = form.map_err(|_| Refusal::Request)?;
    let field = |name: &str| form.get(name).filter(|value| !value.is_empty()).ok_or(Refusal::Request);
    match field("grant_type")?.as_str() {
        "authorization_code" => exchange(books, &client, field("code")?, field("redirect_uri")?, now),
        "refresh_token" => {
            let tells_end = headers.get(WITH_HARD_EXPIRY).is_some_and(|value| value == "true");
            refresh(books, &client, field("refresh_token")?, tells_end, now)
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
    now: Timestamp,
) -> Result<Value, Refusal> {
    let Books { companies, oauth, .. } = books;
    let at = oauth.grants.iter().position(|grant| grant.gave(shown)).ok_or(Refusal::RefreshToken)?;
    let grant = &mut oauth.grants[at];
    let company = companies.get_mut(&grant.realm_id).ok_or(Refusal::RefreshToken)?;
    // Keys of the other environment are unknown here, as §5.5 has it.
    if !client.fits(company) {
        return Err(Refusal::Client);
    }
    if !grant.is_of(client) {
        return Err(Refusal::OtherClient);
    }
    if !grant.takes(shown, company.switches.rotated_token, now) {
        oauth.punish_reuse(companies, at, shown, now);
        return Err(Refusal::RefreshToken);
    }
    let mut tokens = grant.refresh(client, company, now);
    if tells_end {
        tokens["x_refresh_token_hard_expires_in"] = json!(grant.hard_expires_in_s(now));
    }
    Ok(tokens)
}
