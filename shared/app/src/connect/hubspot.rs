//! Installing and signing in, which are one thing at HubSpot, and uninstalling.

use hubspot::install;
use mapping::hubspot::PortalId;
use secrecy::SecretString;
use store::consent::What;
use store::portal::Facts;
use store::tokens::{Grant, Keys, Owner};

use super::told::Told;
use super::{Visit, disconnect, state};
use crate::App;
use crate::clock;
use crate::session::Person;
use crate::web::{self, Fields, Reply};

const CALLBACK: &str = "/connect/hubspot/callback";
const CONSOLE: &str = "/console";

/// Where signing in may lead; nowhere else, or we would send people wherever a link says.
const PAGES: [&str; 4] = [CONSOLE, "/connect/quickbooks", "/reconnect/quickbooks", "/disconnect/quickbooks"];

/// `GET /connect/hubspot`: to HubSpot's consent page.
pub(super) async fn start(visit: &Visit<'_>) -> Result<Reply, Told> {
    let query = Fields::of_query(visit.request);
    let next = query.one("next").filter(|next| is_ours(next)).unwrap_or(CONSOLE).to_owned();
    let config = &visit.app.config;
    state::ask(visit, What::SignIn { next }, |state| {
        let client_id = &visit.app.vendors.keys.hubspot.client_id;
        let back = visit.address(CALLBACK);
        install::authorize_url(&config.hubspot_authorize_url, client_id, &back, state)
    })
    .await
}

fn is_ours(next: &str) -> bool {
    let path = next.split('?').next().unwrap_or_default();
    let visible = next.bytes().all(|b| b.is_ascii_graphic()) && !next.contains('\\');
    visible
        && PAGES
            .iter()
            .any(|page| path == *page || path.strip_prefix(page).is_some_and(|rest| rest.starts_with('/')))
}

/// `GET /connect/hubspot/callback`: stores what HubSpot grants, under the portal that HubSpot names. Whoever began here is
/// signed in; whoever began in HubSpot's marketplace is not, for nothing says that it was he who wanted this.
pub(super) async fn callback(visit: &Visit<'_>) -> Result<Reply, Told> {
    let query = Fields::of_query(visit.request);
    if query.has("told") {
        return Err(Told::NotAsked);
    }
    let next = match query.has("state") {
        false => None,
        true => match state::taken(visit, &query).await? {
            What::SignIn { next } => Some(next),
            What::Company { .. } => return Err(Told::NotAsked),
        },
    };
    if query.has("error") {
        return Err(Told::Declined);
    }
    let code = query.one("code").ok_or(Told::NotAsked)?;
    let person = install(visit, code).await?;
    match next {
        None => Err(Told::Installed),
        Some(next) => Ok(visit.app.sign_in(visit.request, person, web::redirect(&next)).await?),
    }
}

/// Exchanges the code and stores portal and tokens; who that was.
async fn install(visit: &Visit<'_>, code: &str) -> Result<Person, Told> {
    let app = visit.app;
    let (client, Keys { client_id, client_secret, .. }) = (&app.vendors.hubspot, &app.vendors.keys.hubspot);
    let back = visit.address(CALLBACK);
    let tokens = install::exchange(client, client_id, client_secret, code, &back).await?;
    let tokens = tokens.ok_or(Told::CodeRefused)?;
    let installer = install::introspect(client, client_id, client_secret, &tokens.access_token).await?;
    let installer = installer.ok_or(Told::CodeRefused)?;
    let account = client.account_info(&tokens.access_token).await?;
    let refresh_token = tokens.refresh_token.filter(|_| account.portal_id == installer.portal);
    let refresh_token = refresh_token.ok_or_else(|| {
        tracing::error!("HubSpot named two accounts, or gave no refresh token");
        Told::Unavailable
    })?;
    let grant = Grant {
        generation: 1,
        access_token: tokens.access_token,
        access_expires_at: clock::now() + tokens.expires_in,
        refresh_token,
        refresh_expires_at: None,
        hard_expires_at: None,
        scopes: installer.scopes,
    };
    let facts = Facts {
        time_zone: &account.time_zone,
        currency: account.company_currency.as_ref(),
        domain: &installer.domain,
    };
    app.store.note_installed(installer.portal, facts).await?;
    app.store.connect_hubspot(installer.portal, &grant).await?;
    tracing::info!(portal.id = %installer.portal, "installed");
    Ok(Person {
        portal: installer.portal,
        portal_name: installer.domain,
        user_id: installer.user_id,
        user: installer.user,
    })
}

/// `POST /connect/hubspot/uninstall`: everything of the portal stops, here and at both vendors. HubSpot never tells us of an
/// uninstall in its own settings (hubspot.md §9.1): there, the next refresh is refused, and the connection ends with it.
pub(super) async fn uninstall(visit: &Visit<'_>) -> Result<Reply, Told> {
    let (app, form) = (visit.app, Fields::of_form(visit.request));
    let id = visit.sent_by(&form).await?.portal();
    if let Some(portal) = app.store.portal(id).await? {
        // The companies first: their grants are found by the portal's links.
        for company in &portal.companies {
            disconnect::end(app, id, company).await?;
        }
        if let Some(connection) = &portal.hubspot {
            match app.store.grant(&Owner::HubSpot(id), connection).await {
                Ok(grant) => take_out(visit, id, &grant).await?,
                Err(store::Error::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    app.store.disconnect_hubspot(id).await?;
    app.store.close_sessions(id).await?;
    tracing::info!(portal.id = %id, "uninstalled");
    Ok(App::without_session(web::see_other(&Told::Uninstalled.address(CALLBACK))))
}

/// Takes the app out of the account and ends its refresh token. An access token that is no longer taken is bought anew; if
/// there is none to be had, the app is out already.
async fn take_out(visit: &Visit<'_>, id: PortalId, grant: &Grant) -> Result<(), Told> {
    let client = &visit.app.vendors.hubspot;
    let Keys { client_id, client_secret, .. } = &visit.app.vendors.keys.hubspot;
    let refused = match out(client, &grant.access_token).await? {
        true => None,
        false => {
            Some(::hubspot::oauth::refresh(client, client_id, client_secret, &grant.refresh_token).await)
        }
    };
    match refused {
        None | Some(Err(::hubspot::oauth::Error::Revoked)) => {}
        Some(Err(error)) => return Err(error.into()),
        Some(Ok(renewed)) => {
            let gone = !out(client, &renewed.access_token).await?;
            tracing::info!(portal.id = %id, gone, "uninstalled with a new token");
        }
    }
    Ok(install::revoke(client, client_id, client_secret, &grant.refresh_token).await?)
}

/// Whether the token was good for it.
async fn out(client: &::hubspot::Client, token: &SecretString) -> Result<bool, Told> {
    match client.uninstall(token).await {
        Ok(()) => Ok(true),
        Err(::hubspot::Error::Unauthorized) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_pages_of_ours_only() {
        for next in ["/console", "/console/companies?a=b", "/reconnect/quickbooks?realm=1"] {
            assert!(is_ours(next), "{next}");
        }
        for next in [
            "",
            "https://evil.example",
            "//evil.example",
            "/consolevil",
            "/connect/hubspot",
            "/console\r\nx: y",
            "/console/\\evil",
            "/actions/invoice",
        ] {
            assert!(!is_ours(next), "{next}");
        }
    }
}
