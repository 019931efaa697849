//! Connecting a company: the consent page and the codes it gives out (quickbooks.md §5.2).
//!
//! A person chooses the company on the page; a test names it by `realm_id` in the query, and is sent back at once.
//! `refuse=true` is the person who says no. What makes the request none of the app's is told on an error page, with 400,
//! and nobody is sent anywhere; a scope the app may not ask for is told to the app.

use axum::Router;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use reqwest::Url;
use serde::Deserialize;

use super::page;
use crate::control;
use crate::quickbooks::QuickBooks;

/// Where it is.
pub(super) const PATH: &str = "/connect/oauth2";

/// What companies are for; without it there is no `realmId`.
const ACCOUNTING: &str = "com.intuit.quickbooks.accounting";
/// May be asked for beside it.
const PAYMENT: &str = "com.intuit.quickbooks.payment";
/// Signing in with Intuit.
const SIGN_IN: [&str; 5] = ["openid", "profile", "email", "phone", "address"];

/// The routes: asking for the page, and sending its form.
pub(super) fn router(quickbooks: QuickBooks) -> Router {
    Router::new().route(PATH, get(ask).post(decide)).with_state(quickbooks)
}

/// What the app asks for and, once there is one, the person's decision.
#[derive(Debug, Deserialize)]
pub(super) struct Consent {
    #[serde(default)]
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) redirect_uri: String,
    #[serde(default)]
    pub(super) response_type: String,
    #[serde(default)]
    pub(super) scope: String,
    #[serde(default)]
    pub(super) state: String,
    realm_id: Option<String>,
    #[serde(default)]
    refuse: bool,
    code_challenge: Option<String>,
}

async fn ask(
    State(quickbooks): State<QuickBooks>,
    asked: Result<Query<Consent>, QueryRejection>,
) -> Response {
    answer(&quickbooks, asked.map(|Query(consent)| consent).map_err(|error| error.body_text()))
}

async fn decide(
    State(quickbooks): State<QuickBooks>,
    asked: Result<Form<Consent>, FormRejection>,
) -> Response {
    answer(&quickbooks, asked.map(|Form(consent)| consent).map_err(|error| error.body_text()))
}

fn answer(quickbooks: &QuickBooks, asked: Result<Consent, String>) -> Response {
    let answered = asked.and_then(|consent| match consent.unsimulated() {
        Some(what) => Ok(control::unexpected(page::refusal(&format!("{what} is not simulated")))),
        None => consent.answer(quickbooks),
    });
    answered.unwrap_or_else(|why| page::refusal(&why))
}

impl Consent {
    /// What Intuit can do and this stand-in cannot.
    fn unsimulated(&self) -> Option<&'static str> {
        if self.code_challenge.is_some() {
            return Some("PKCE");
        }
        self.scopes().any(|scope| SIGN_IN.contains(&scope)).then_some("signing in with Intuit")
    }

    fn answer(&self, quickbooks: &QuickBooks) -> Result<Response, String> {
        let now = quickbooks.control.now();
        let mut books = quickbooks.books();
        let client =
            books.oauth.clients.get(&self.client_id).ok_or("there is no app with this client_id")?.clone();
        let back = client.redirect(&self.redirect_uri)?;
        if self.response_type != "code" {
            return Err("response_type must be code".to_owned());
        }
        if self.state.is_empty() {
            return Err("state is missing".to_owned());
        }
        if !self.asks_for_accounting() {
            return Ok(self.send(back, &[("error", "invalid_scope")]));
        }
        if self.refuse {
            return Ok(self.send(back, &[("error", "access_denied")]));
        }
        let mut fitting = books.companies.values().filter(|company| client.fits(company));
        let Some(realm_id) = &self.realm_id else { return Ok(page::choice(self, fitting)) };
        let company = fitting.find(|company| company.realm_id == *realm_id);
        let company = company.ok_or("these keys cannot be connected to that company")?.clone();
        let code = books.oauth.new_code(&client, &self.redirect_uri, &company, now);
        Ok(self.send(back, &[("code", &code), ("realmId", realm_id)]))
    }

    fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split_whitespace()
    }

    fn asks_for_accounting(&self) -> bool {
        self.scopes().any(|scope| scope == ACCOUNTING)
            && self.scopes().all(|scope| scope == ACCOUNTING || scope == PAYMENT)
    }

    /// Sends the person back to the app.
    fn send(&self, mut back: Url, pairs: &[(&str, &str)]) -> Response {
        back.query_pairs_mut().extend_pairs(pairs).append_pair("state", &self.state);
        (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
    }
}
