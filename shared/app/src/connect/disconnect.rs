//! Taking a company away from a portal.

use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use quickbooks::oauth;
use store::connection::Status;
use store::pending::Pending;
use store::portal::Company;
use store::tokens::{Grant, Journal, Keys, Owner};

use super::told::Told;
use super::{Visit, pages};
use crate::App;
use crate::clock;
use crate::console;
use crate::web::{self, Fields, Reply};

/// `GET /disconnect/quickbooks`: where Intuit sends whoever took the app's rights away inside QuickBooks. It changes nothing;
/// whoever is signed in is asked whether to take the company away here, too.
pub(super) async fn landing(visit: &Visit<'_>) -> Result<Reply, Told> {
    let query = Fields::of_query(visit.request);
    let realm = query.one("realm").or_else(|| query.one("realmId"));
    let realm = realm.and_then(|id| RealmId::try_from(id.to_owned()).ok());
    let Some(session) = visit.app.session(visit.request).await? else { return Ok(pages::landing(visit)) };
    let portal = visit.app.store.portal(session.portal()).await?;
    let company = realm.as_ref().and_then(|realm| portal.as_ref()?.company(realm));
    Ok(match company {
        Some(company) => web::redirect(&console::disconnect_address(&company.realm)),
        None => pages::landing(visit),
    })
}

/// `POST /disconnect/quickbooks`: ends the grant, and deletes tokens and link.
pub(super) async fn disconnect(visit: &Visit<'_>) -> Result<Reply, Told> {
    let (app, form) = (visit.app, Fields::of_form(visit.request));
    let id = visit.sent_by(&form).await?.portal();
    let realm = form.one("realm").and_then(|id| RealmId::try_from(id.to_owned()).ok());
    let portal = app.store.portal(id).await?;
    let company = realm.and_then(|realm| portal.as_ref()?.company(&realm)).ok_or(Told::NotLinked)?;
    end(app, id, company).await?;
    Ok(web::see_other("/console"))
}

/// Ends the grant unless another portal uses it (rulings.md 23), then forgets the company: what fails in between leaves the
/// company in the list, and is done again by whoever tries again.
pub(super) async fn end(app: &App, id: PortalId, company: &Company) -> Result<(), Told> {
    let owner = Owner::QuickBooks(id, company.realm.clone());
    // A grant that Intuit has refused for good has ended: there is nothing to give back.
    let lives = company.connection.status == Status::Ok;
    if lives && !is_shared(app, &company.realm, Some(id), None).await? {
        match app.store.grant(&owner, &company.connection).await {
            Ok(grant) => {
                end_what_was_bought(app, &owner, company).await?;
                revoke(app, company.sandbox, &grant).await?;
            }
            Err(store::Error::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    app.store.drop_default(id, &company.realm).await?;
    app.store.disconnect_quickbooks(id, &company.realm).await?;
    // Once more: somebody may have made it the default as long as it was linked.
    app.store.drop_default(id, &company.realm).await?;
    tracing::info!(portal.id = %id, realm.id = %company.realm, "company disconnected");
    Ok(())
}

/// Tokens of the same grant that a renewal bought and did not commit: where they killed the older ones, they alone end it.
async fn end_what_was_bought(app: &App, owner: &Owner, company: &Company) -> Result<(), Told> {
    match app.store.journal(owner, &company.connection).await {
        Ok(Journal::Stored(newer, _) | Journal::InMemory(newer)) => {
            revoke(app, company.sandbox, &newer).await
        }
        Ok(Journal::Empty) | Err(store::Error::Missing { .. } | store::Error::Corrupt { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the grant may be somebody else's too, for at Intuit a company's grants to one app may be one (rulings.md 23): a
/// portal other than this one links the company, or is about to, with tokens under another hash than this one. Who is about to
/// is looked for first: he links it before he waits no more.
pub(super) async fn is_shared(
    app: &App,
    realm: &RealmId,
    portal: Option<PortalId>,
    hash: Option<&str>,
) -> Result<bool, Told> {
    let (waiting, now) = (app.store.pending_companies().await?, clock::now());
    let is_about_to = |(other, pending): &(String, Pending)| {
        let is_own = portal == Some(pending.portal) || hash == Some(other.as_str());
        *pending.realm() == *realm && !is_own && !pending.is_forgotten(now)
    };
    Ok(waiting.iter().any(is_about_to) || app.store.is_linked(realm, portal).await?)
}

/// Gives a grant back to Intuit. Without keys nobody can, and nobody can use it either: it ends by itself.
pub(super) async fn revoke(app: &App, sandbox: bool, grant: &Grant) -> Result<(), Told> {
    let Some(Keys { client_id, client_secret, .. }) = app.intuit_keys(sandbox) else {
        tracing::error!(
            sandbox,
            "there are no keys for companies of this kind: the grant is left to end by itself"
        );
        return Ok(());
    };
    let discovery = app.vendors.discovery().await?;
    let client = &app.vendors.quickbooks;
    Ok(oauth::revoke(client, &discovery, client_id, client_secret, &grant.refresh_token).await?)
}
