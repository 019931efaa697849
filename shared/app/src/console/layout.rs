//! What all pages have in common.

use maud::{DOCTYPE, Markup, html};

use crate::session::Session;
use crate::web::{self, Language, Reply};

/// The stylesheet of all pages, served at [`STYLE_PATH`].
pub(crate) const STYLE: &str = include_str!("style.css");
/// Where the stylesheet is.
pub(crate) const STYLE_PATH: &str = "/console/style.css";

/// A page: its title is also its heading.
pub(crate) fn page(language: Language, title: &str, session: Option<&Session>, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – QuickBooks for HubSpot" }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body {
                header {
                    div {
                        a.brand href="/console" { "QuickBooks for HubSpot" }
                        @if let Some(session) = session { (signed_in(language, session)) }
                    }
                }
                main { h1 { (title) } (content) }
            }
        }
    }
}

fn signed_in(language: Language, session: &Session) -> Markup {
    html! {
        span.who { (session.stored.portal_name) " (" (session.portal()) ") · " (session.stored.user) }
        form method="post" action="/console/sign-out" {
            (csrf(session))
            button.plain { (language.of_both("Sign out", "Se déconnecter")) }
        }
    }
}

/// What every form holds: proof that it is from a page that was made for this session.
pub(crate) fn csrf(session: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(session.csrf()); }
}

/// The page for what is not there.
pub(crate) fn not_found(language: Language) -> Reply {
    message(
        404,
        language,
        language.of_both("Not found", "Introuvable"),
        language.of_both("There is no such page.", "Cette page n’existe pas."),
    )
}

/// The page for what we could not do; it can be tried again.
pub(crate) fn unavailable(language: Language) -> Reply {
    message(
        503,
        language,
        language.of_both("That did not work", "Cela n’a pas fonctionné"),
        language.of_both(
            "Something on our side did not answer. Nothing was changed that you cannot see; please try again in a minute.",
            "Un de nos services n’a pas répondu. Rien n’a été modifié à votre insu ; veuillez réessayer dans une minute.",
        ),
    )
}

/// The page for a form that is not from a page of ours, or whose session is over.
pub(crate) fn form_refused(language: Language) -> Reply {
    message(
        403,
        language,
        language.of_both("Please try once more", "Veuillez réessayer"),
        language.of_both(
            "This form was not sent from a page of this session. Open the page again and send it from there.",
            "Ce formulaire ne vient pas d’une page de cette session. Rouvrez la page et renvoyez-le.",
        ),
    )
}

/// A page that says one thing.
pub(crate) fn message(status: u16, language: Language, title: &str, text: &str) -> Reply {
    let back = language.of_both("To the console", "Vers la console");
    let content = html! { p { (text) } p { a href="/console" { (back) } } };
    web::page(status, page(language, title, None, content))
}
