//! Installing the app: the consent page and the codes it gives out (hubspot.md §5.1).
//!
//! A person chooses the portal on the page; a test names it, by `portal_id` in the query or by the path HubSpot has for one
//! account, and is sent back at once. `refuse=true` is the person who says no. What stops an install is told on an error
//! page, with 400, and nobody is sent anywhere. PKCE is optional (§5.1); a challenge is one of method S256, the only method
//! RFC 7636 makes a server know, and a code that was asked for without one takes no verifier.

use super::HubSpot;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, html};
use reqwest::Url;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A code that waits to be exchanged.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) portal_id: u64,
    pub(super) scopes: Vec<String>,
    pub(super) expires_at: Timestamp,
    code_challenge: Option<String>,
}

impl Code {
    /// Whether who shows the code is who asked for it, as far as PKCE tells.
    pub(super) fn is_proven_by(&self, verifier: Option<&str>) -> bool {
        match (&self.code_challenge, verifier) {
            (None, None) => true,
            (Some(challenge), Some(verifier)) => {
                (43..=128).contains(&verifier.len())
                    && *challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
            }
            _ => false,
        }
    }
}

/// "Short-lived" is all HubSpot says; a client that exchanges at once never sees the end of a minute.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(1);

/// The routes: for any account, and for a certain one.
pub(super) fn router(hubspot: HubSpot) -> Router {
    Router::new()
        .route("/oauth/authorize", get(authorize))
        .route("/oauth/{portal_id}/authorize", get(authorize_in))
        .with_state(hubspot)
}

#[derive(Debug, Deserialize)]
struct Consent {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    optional_scope: String,
    state: Option<String>,
    portal_id: Option<u64>,
    #[serde(default)]
    refuse: bool,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

async fn authorize(State(hubspot): State<HubSpot>, Query(consent): Query<Consent>) -> Response {
    answer(&hubspot, &consent)
}

async fn authorize_in(
    State(hubspot): State<HubSpot>,
    Path(portal_id): Path<u64>,
    Query(consent): Query<Consent>,
) -> Response {
    answer(&hubspot, &Consent { portal_id: Some(portal_id), ..consent })
}

fn answer(hubspot: &HubSpot, consent: &Consent) -> Response {
    let decided = consent.redirect(hubspot).and_then(|back| match consent.portal_id {
        None => Ok(page(StatusCode::OK, &choices(hubspot, consent))),
        Some(portal_id) => consent.decide(hubspot, portal_id, back),
    });
    decided.unwrap_or_else(|why| {
        let text = html! { h1 { "Authorization failed" } p { (why) } };
        page(StatusCode::BAD_REQUEST, &text)
    })
}

impl Consent {
    /// Where to send the person back, when client, address and scopes are what the app's configuration says.
    fn redirect(&self, hubspot: &HubSpot) -> Result<Url, String> {
        let state = hubspot.state();
        let client = state.clients.get(&self.client_id).ok_or("there is no app with this client_id")?;
        let mut configured = hubspot.auth().redirect_urls.iter().chain(&client.redirect_urls);
        if !configured.any(|url| *url == self.redirect_uri) {
            return Err("redirect_uri is none of the app's redirect URLs".to_owned());
        }
        let url = Url::parse(&self.redirect_uri).map_err(|error| format!("redirect_uri: {error}"))?;
        let is_local = url.host_str() == Some("localhost");
        if url.domain().is_none() || !(is_local || url.scheme() == "https") {
            return Err("redirect_uri must be HTTPS on a domain, or on localhost".to_owned());
        }
        let method = self.code_challenge_method.as_deref();
        if self.code_challenge.is_some() != method.is_some() || method.is_some_and(|method| method != "S256")
        {
            return Err("code_challenge and code_challenge_method=S256 come together".to_owned());
        }
        let problem = hubspot.auth().problem(&words(&self.scope), &words(&self.optional_scope));
        problem.map_or(Ok(url), Err)
    }

    /// Sends the person back from a portal, with a code or with the refusal.
    fn decide(&self, hubspot: &HubSpot, portal_id: u64, mut back: Url) -> Result<Response, String> {
        let now = hubspot.control().now();
        let mut state = hubspot.state();
        let account = state.account(portal_id);
        if !state.knows_portal(portal_id) || account.deleted {
            return Err(format!("there is no account {portal_id}"));
        }
        let scopes = words(&self.scope);
        if let Some(lacking) = scopes.iter().find(|scope| !account.has(scope)) {
            return Err(format!("the account does not have what the scope {lacking} is about"));
        }
        if self.refuse {
            back.query_pairs_mut()
                .append_pair("error", "access_denied")
                .append_pair("error_description", "The user refused to install the app");
        } else {
            let optional = words(&self.optional_scope).into_iter().filter(|scope| account.has(scope));
            let code = Code {
                client_id: self.client_id.clone(),
                redirect_uri: self.redirect_uri.clone(),
                portal_id,
                scopes: scopes.iter().cloned().chain(optional).collect(),
                expires_at: now.checked_add(CODE_LIFETIME).unwrap_or(now),
                code_challenge: self.code_challenge.clone(),
            };
            let name = Uuid::new_v4().to_string();
            back.query_pairs_mut().append_pair("code", &name);
            state.codes.insert(name, code);
        }
        if let Some(echoed) = &self.state {
            back.query_pairs_mut().append_pair("state", echoed);
        }
        Ok((StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response())
    }

    /// The same request, with one more word in its query.
    fn link(&self, portal_id: u64, refuse: bool) -> String {
        let portal_id = portal_id.to_string();
        let mut pairs = vec![
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("optional_scope", &self.optional_scope),
            ("portal_id", &portal_id),
        ];
        let optional = [
            ("state", &self.state),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
        ];
        pairs.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
        pairs.extend(refuse.then_some(("refuse", "true")));
        let query =
            Url::parse_with_params("http://localhost/", pairs).map(|url| url.query().map(str::to_owned));
        format!("?{}", query.ok().flatten().unwrap_or_default())
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// What a person chooses from.
fn choices(hubspot: &HubSpot, consent: &Consent) -> Markup {
    let portals = hubspot.state().known_portals();
    html! {
        h1 { "Choose an account" }
        ul {
            @for portal_id in portals {
                li {
                    (portal_id) ": "
                    a href=(consent.link(portal_id, false)) { "Connect app" } " "
                    a href=(consent.link(portal_id, true)) { "Cancel" }
                }
            }
        }
    }
}

fn page(status: StatusCode, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Simulated HubSpot" } }
            body { (content) }
        }
    };
    (status, Html(page.into_string())).into_response()
}
