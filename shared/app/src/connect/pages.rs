//! The pages between us and the vendors.

use maud::{Markup, html};
use store::handle::Handle;
use store::pending::Pending;

use super::Visit;
use super::told::Told;
use crate::console::layout;
use crate::session::Session;
use crate::web::{self, Reply};

/// What there is to tell, and where to go on.
pub(super) fn told(visit: &Visit<'_>, told: Told) -> Reply {
    let (title, text) = told.text(visit.language);
    let (address, label) = match told {
        Told::Installed | Told::SignedOut => {
            ("/connect/hubspot", visit.language.of_both("Sign in with HubSpot", "Se connecter avec HubSpot"))
        }
        Told::Uninstalled | Told::NotInstalled => {
            ("/connect/hubspot", visit.language.of_both("Install again", "Installer à nouveau"))
        }
        _ => ("/console", visit.language.of_both("To the console", "Vers la console")),
    };
    let content = html! { p { (text) } p { a.button href=(address) { (label) } } };
    page(visit, told.status(), title, None, content)
}

/// Which company, and to which portal: nothing is live before a person has seen both.
pub(super) fn confirm(visit: &Visit<'_>, session: &Session, handle: &Handle, pending: &Pending) -> Reply {
    let say = |english, french| visit.language.of_both(english, french);
    let company = &pending.company;
    let content = html! {
        p {
            (say(
                "Workflows of this HubSpot account will create documents in the books of this company. Confirm only if both are yours.",
                "Les workflows de ce compte HubSpot créeront des documents dans les livres de cette entreprise. Confirmez seulement si les deux sont à vous.",
            ))
        }
        dl {
            dt { (say("QuickBooks company", "Entreprise QuickBooks")) }
            dd {
                (company.legal_name.as_deref().unwrap_or(&company.name))
                @if company.sandbox { " (" (say("sandbox", "test")) ")" }
            }
            @if company.legal_name.as_ref().is_some_and(|legal| *legal != company.name) {
                dt { (say("Known as", "Nom d’usage")) }
                dd { (company.name) }
            }
            @if let Some(country) = &company.books.country {
                dt { (say("Country", "Pays")) }
                dd { (country) }
            }
            @if let Some(currency) = &company.books.home_currency {
                dt { (say("Home currency", "Devise")) }
                dd { (currency) }
            }
            dt { (say("HubSpot account", "Compte HubSpot")) }
            dd { (session.stored.portal_name) " (" (session.portal()) ")" }
            dt { (say("Connected by", "Connectée par")) }
            dd { (session.stored.user) }
        }
        form method="post" action="/connect/quickbooks/confirm" {
            (layout::csrf(session))
            input type="hidden" name="pending" value=(handle.expose());
            div.choices {
                button name="decision" value="connect" { (say("Connect this company", "Connecter cette entreprise")) }
                button.plain name="decision" value="cancel" { (say("Cancel", "Annuler")) }
            }
        }
    };
    page(
        visit,
        200,
        say("Is this the right company?", "Est-ce la bonne entreprise ?"),
        Some(session),
        content,
    )
}

/// Intuit's landing page for whoever is not signed in, or has nothing to do with the company.
pub(super) fn landing(visit: &Visit<'_>) -> Reply {
    let say = |english, french| visit.language.of_both(english, french);
    let content = html! {
        p {
            (say(
                "If you disconnected the app inside QuickBooks, workflows can no longer create documents there. Nothing was changed on this side.",
                "Si vous avez déconnecté l’application dans QuickBooks, les workflows ne peuvent plus y créer de documents. Rien n’a été modifié de notre côté.",
            ))
        }
        p { a.button href="/console" { (say("To the console", "Vers la console")) } }
    };
    page(visit, 200, say("QuickBooks is disconnected", "QuickBooks est déconnecté"), None, content)
}

fn page(visit: &Visit<'_>, status: u16, title: &str, session: Option<&Session>, content: Markup) -> Reply {
    web::page(status, layout::page(visit.language, title, session, content))
}
