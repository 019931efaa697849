//! How the company keeps its books: asked for in the look-up of an execution, kept for a day, and asked for anew when
//! QuickBooks refuses a document, for it may have rested on what is no longer so.

use jiff::{SignedDuration, Timestamp};
use mapping::books::Books;
use mapping::quickbooks::{CompanyInfo, Preferences};
use mapping::settings::Settings;
use quickbooks::Rows;
use quickbooks::query::{Entity, Query};
use store::record::Record;

use super::Execution;
use crate::clock;
use crate::connection::{Company, Stop, unreadable};
use crate::failure::Trouble;
use crate::telemetry::chain;

/// For so long what QuickBooks said is taken to hold.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Whether a plan may rest on what is kept.
pub(super) fn are_known(company: &Company, record: &Record, now: Timestamp) -> bool {
    let is_fresh = |read_at: Timestamp| now.duration_since(read_at).abs() < KEPT_FOR;
    record.plan_version == 0 && company.books_read_at.is_some_and(is_fresh)
}

/// What to ask: two metered reads.
pub(super) fn queries() -> [Query; 2] {
    [Entity::Preferences, Entity::CompanyInfo].map(Query::from)
}

impl Execution<'_> {
    /// The settings with the books as QuickBooks says now, which are kept for the next execution.
    pub(super) async fn read_books(&self, company: &Company, rows: &[Rows]) -> Result<Settings, Stop> {
        let unreadable = || unreadable(self.kind, &company.name);
        let [preferences, info] = rows else { return Ok(company.settings.clone()) };
        let preferences: Vec<Preferences> = preferences.read().map_err(unreadable())?;
        let info: Vec<CompanyInfo> = info.read().map_err(unreadable())?;
        let (Some(preferences), Some(info)) = (preferences.first(), info.first()) else {
            // A company always has both.
            return Err(Stop::Trouble(Trouble::QuickBooksDown));
        };
        let books = Books::read(preferences, info);
        let (portal, realm) = (self.request.portal_id, company.realm());
        let kept = self.app.store.keep_books(portal, realm, &books, clock::now()).await;
        if let Err(error) = kept {
            tracing::warn!(error = chain(&error), "the company's preferences could not be kept");
        }
        Ok(Settings { books, choices: company.settings.choices.clone() })
    }
}
