//! What a person sees while connecting a company.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::authorize::{Consent, PATH};
use crate::quickbooks::json::text;
use crate::quickbooks::state::Company;

/// The companies to choose from. A person sends the form to where the page is, with all that the app asked for.
pub(super) fn choice<'a>(consent: &Consent, companies: impl Iterator<Item = &'a Company>) -> Response {
    let asked = [
        ("client_id", &consent.client_id),
        ("redirect_uri", &consent.redirect_uri),
        ("response_type", &consent.response_type),
        ("scope", &consent.scope),
        ("state", &consent.state),
    ];
    let form = html! {
        h1 { "Connect " (consent.client_id) " to QuickBooks" }
        form method="post" action=(PATH) {
            @for (name, value) in asked { input type="hidden" name=(name) value=(value); }
            fieldset {
                legend { "Which company?" }
                @for company in companies {
                    p { label {
                        input type="radio" name="realm_id" value=(company.realm_id) required;
                        " " (name(company)) " (" (company.realm_id) ")"
                    } }
                }
            }
            p {
                button { "Connect" } " "
                button name="refuse" value="true" formnovalidate { "Cancel" }
            }
        }
    };
    page(StatusCode::OK, form)
}

/// Why nobody is sent anywhere.
pub(super) fn refusal(why: &str) -> Response {
    let text = html! {
        h1 { "Sorry, the app cannot be connected" }
        p { (why) }
    };
    page(StatusCode::BAD_REQUEST, text)
}

fn page(status: StatusCode, content: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Simulated Intuit" } }
            body { (content) }
        }
    };
    (status, Html(page.into_string())).into_response()
}

fn name(company: &Company) -> &str {
    company.rows("CompanyInfo").first().map(|info| text(info, &["CompanyName"])).unwrap_or_default()
}
