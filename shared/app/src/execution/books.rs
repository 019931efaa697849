//! How the company keeps its books: asked for in the look-up of an execution, kept for a day, and asked for anew when
//! it or QuickBooks refuses a document: that may rest on what is no longer so.

use jiff::{SignedDuration, Timestamp};
use mapping::books::Books;
use mapping::date;
use mapping::document;
use mapping::lookup::Matched;
use mapping::payment::Paid;
use mapping::quickbooks::{CompanyInfo, PaymentMethod, Preferences, TaxCode, TaxCodeId, TaxRate};
use mapping::sale::{Reading, RecordRef};
use mapping::settings::Settings;
use quickbooks::Rows;
use quickbooks::query::{Attribute, Entity, Query};
use rust_decimal::Decimal;
use store::record::Record;

use super::{Execution, PAGE, VALUES_AT_ONCE};
use crate::clock;
use crate::connection::{Company, Stop, unreadable};
use crate::failure::{Failure, Trouble};
use crate::telemetry::chain;

/// For so long what QuickBooks said is taken to hold.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Whether a plan may rest on what is kept.
pub(super) fn are_known(company: &Company, record: &Record, reading: &Reading, now: Timestamp) -> bool {
    let is_fresh = |read_at: Timestamp| now.duration_since(read_at).abs() < KEPT_FOR;
    let Settings { books, choices } = &company.settings;
    let was_refused = record.plan_version > 0 || reading.is_refused_by(books);
    let unknown = |code: &&TaxCodeId| !books.tax_percents.contains_key(&code.0);
    let lacks_rate = !books.is_american() && choices.tax_codes_to_know().iter().any(unknown);
    !was_refused && !lacks_rate && !books.lack_sales_tax() && company.books_read_at.is_some_and(is_fresh)
}

/// What to ask: three metered reads, and two more or so where the rates of tax codes have to be known.
pub(super) fn queries(company: &Company) -> Vec<Query> {
    let mut queries = Vec::from([Entity::Preferences, Entity::CompanyInfo].map(Query::from));
    queries.push(Query::from(Entity::PaymentMethod).max_results(PAGE));
    let codes: Vec<&String> =
        company.settings.choices.tax_codes_to_know().into_iter().map(|code| &code.0).collect();
    if !codes.is_empty() {
        let some = |codes: &[&String]| Query::from(Entity::TaxCode).is_in(Attribute::Id, codes);
        queries.extend(codes.chunks(VALUES_AT_ONCE).map(some));
        queries.push(Query::from(Entity::TaxRate).max_results(PAGE));
    }
    queries
}

impl Execution<'_> {
    /// QuickBooks' rate on the document's day, of a document that is not in the home currency.
    pub(super) async fn exchange_rate(
        &self,
        company: &Company,
        books: &Books,
        matched: &Matched,
        paid: Option<&Paid>,
    ) -> Result<Option<Decimal>, Stop> {
        let sale = &matched.sale;
        let Some(currency) = books.foreign(sale.currency.as_ref()) else { return Ok(None) };
        let day = document::posting_date(self.kind, date::today(clock::now(), &self.zone()), paid);
        match self.app.exchange_rate(company, self.kind, currency, day).await? {
            Some(rate) => Ok(Some(rate)),
            None => {
                let RecordRef { kind, name, .. } = &sale.record;
                Err(Stop::Failure(Failure::no_exchange_rate(*kind, name, currency, day)))
            }
        }
    }

    /// The settings with the books as QuickBooks says now, which are kept for the next execution.
    pub(super) async fn read_books(&self, company: &Company, rows: &[Rows]) -> Result<Settings, Stop> {
        let unreadable = || unreadable(self.kind, &company.name);
        let [preferences, info, methods, taxes @ ..] = rows else { return Ok(company.settings.clone()) };
        let preferences: Vec<Preferences> = preferences.read().map_err(unreadable())?;
        let info: Vec<CompanyInfo> = info.read().map_err(unreadable())?;
        let (Some(preferences), Some(info)) = (preferences.first(), info.first()) else {
            // A company always has both.
            return Err(Stop::Trouble(Trouble::QuickBooksDown));
        };
        let methods: Vec<PaymentMethod> = methods.read().map_err(unreadable())?;
        let mut books = Books::read(preferences, info).with_payment_methods(methods);
        if let [codes @ .., rates] = taxes {
            let codes: Vec<Vec<TaxCode>> =
                codes.iter().map(Rows::read).collect::<Result<_, _>>().map_err(unreadable())?;
            let rates: Vec<TaxRate> = rates.read().map_err(unreadable())?;
            books = books.with_tax_codes(&codes.concat(), &rates);
        }
        let (portal, realm) = (self.request.portal_id, company.realm());
        let kept = self.app.store.keep_books(portal, realm, &books, clock::now()).await;
        if let Err(error) = kept {
            tracing::warn!(error = chain(&error), "the company's preferences could not be kept");
        }
        Ok(Settings { books, choices: company.settings.choices.clone() })
    }
}
