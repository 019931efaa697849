//! Who is signed in. The cookie holds 256 random bits and nothing else; what they stand for is in the table.
//!
//! Whoever has no session signs in with HubSpot, and comes back to where he wanted to go.

use jiff::SignedDuration;
use lambda_http::Request;
use mapping::hubspot::PortalId;
use store::handle::Handle;

use crate::App;
use crate::clock;
use crate::web::{self, Cookie, Fields, Reply};

const COOKIE: Cookie = Cookie("__Host-session");

/// So often at most is noted that a session is in use.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A session, in the hands of the browser that has its handle.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) stored: store::session::Session,
    handle: Handle,
}

/// Who signs in, as HubSpot says.
pub(crate) struct Person {
    pub(crate) portal: PortalId,
    pub(crate) portal_name: String,
    pub(crate) user_id: u64,
    pub(crate) user: String,
}

impl Session {
    /// The portal: everything that is shown or changed is its own.
    pub(crate) fn portal(&self) -> PortalId {
        self.stored.portal
    }

    /// What stands in the field `csrf` of each form.
    pub(crate) fn csrf(&self) -> &str {
        self.stored.csrf.expose()
    }
}

impl App {
    /// The session of whoever sends this request, if there is one.
    pub(crate) async fn session(&self, request: &Request) -> Result<Option<Session>, store::Error> {
        let Some(handle) = web::cookie(request, COOKIE).and_then(Handle::read) else { return Ok(None) };
        let now = clock::now();
        let Some(stored) = self.store.session(&handle, now).await? else { return Ok(None) };
        if now.duration_since(stored.last_seen_at) >= NOTE_EVERY {
            self.store.touch_session(&handle, now).await?;
        }
        Ok(Some(Session { stored, handle }))
    }

    /// The session of whoever sends this form, if the form comes from a page of ours that was made for this session.
    pub(crate) async fn session_of_form(
        &self,
        request: &Request,
        form: &Fields,
    ) -> Result<Option<Session>, store::Error> {
        if !web::is_from_our_page(&self.config, request) {
            tracing::warn!("a form came from another site");
            return Ok(None);
        }
        let session = self.session(request).await?;
        Ok(session.filter(|session| form.one("csrf").is_some_and(|shown| session.stored.csrf.is(shown))))
    }

    /// Signs somebody in: a new session, whatever the browser had before.
    pub(crate) async fn sign_in(
        &self,
        request: &Request,
        person: Person,
        reply: Reply,
    ) -> Result<Reply, store::Error> {
        if let Some(old) = web::cookie(request, COOKIE).and_then(Handle::read) {
            self.store.close_session(&old).await?;
        }
        let (handle, now) = (Handle::new(), clock::now());
        let session = store::session::Session {
            portal: person.portal,
            portal_name: person.portal_name,
            user_id: person.user_id,
            user: person.user,
            csrf: Handle::new(),
            created_at: now,
            last_seen_at: now,
        };
        self.store.open_session(&handle, &session).await?;
        // It ends with the browser, or when nobody used it for long: we judge that, not the browser.
        Ok(web::with_cookie(reply, COOKIE, handle.expose(), None))
    }

    /// The same answer to a browser whose session was ended.
    pub(crate) fn without_session(reply: Reply) -> Reply {
        web::without_cookie(reply, COOKIE)
    }

    /// `POST /console/sign-out`: ends the session, if the form is from a page of ours.
    pub(crate) async fn sign_out(&self, request: &Request) -> Result<Option<Reply>, store::Error> {
        let Some(session) = self.session_of_form(request, &Fields::of_form(request)).await? else {
            return Ok(None);
        };
        self.store.close_session(&session.handle).await?;
        let told = web::see_other("/connect/hubspot/callback?told=signed_out");
        Ok(Some(Self::without_session(told)))
    }
}

/// Sends somebody without a session to sign in, and back to `next` afterwards.
pub(crate) fn to_sign_in(next: &str) -> Reply {
    web::redirect(&web::path("/connect/hubspot", &[("next", next)]))
}
