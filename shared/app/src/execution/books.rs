//! How the company keeps its books, and the exchange rates of a day: asked for by an execution that needs them, and kept for
//! those after it. What is read so is metered (`crate::metered`). What is kept, and until when:
//!
//! - Preferences, the rates of tax codes and, where a payment's method is found by its name, the payment methods: a day, beginning
//!   when the company is connected; and until they would refuse a record, or QuickBooks refuses a document, which may rest on what
//!   is no longer so. Where it refuses a document or a payment for good, as the books are closed or something that the payment
//!   names is gone, the next execution asks, and so does who tries the payment again.
//!   A code whose rates do not add up is asked for again after an hour. Payment methods that are known hold for another day where
//!   asking for them would be the ninth read.
//! - The country: until QuickBooks refuses a document.
//! - An exchange rate: for the day it is of, for an hour, as a person may enter another one; and until QuickBooks refuses a
//!   document.
//! - Which customer a contact became, and which item a product: until QuickBooks refuses a document. Which item a line became
//!   that is no product of HubSpot's: a day besides, as its SKU or name may be another item's by then (`store::matches`).
//! - Whom and what is taxed, where sales tax is kept by hand and QuickBooks decides on it: an hour, as QuickBooks does not refuse
//!   what is taxed as its customer or items were before; and until QuickBooks refuses a document.
//! - Terms, accounts, classes, locations and tax codes themselves: nothing, as settings and inputs name them by their ids.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use mapping::books::Books;
use mapping::lookup::Matched;
use mapping::money::Currency;
use mapping::quickbooks::{CompanyInfo, Preferences, RealmId, TaxCode, TaxCodeId, TaxRate};
use mapping::sale::{Reading, RecordRef};
use mapping::settings::Settings;
use quickbooks::Rows;
use quickbooks::query::{Attribute, Entity, Query};
use rust_decimal::Decimal;
use store::portal::{DOUBTED, Rate};
use store::record::Record;

use super::{Execution, PAGE};
use crate::clock;
use crate::connection::{Company, Stop, unreadable};
use crate::failure::{Failure, Trouble};
use crate::telemetry::chain;

/// For so long what QuickBooks said is taken to hold.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// For so long an exchange rate is.
const RATE_KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// So many metered reads an ordinary execution takes at most.
const MOST_READS: usize = 8;

/// What becomes of the payment methods that are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Methods {
    /// They are asked for.
    Asked,
    /// They grow older.
    Kept,
    /// They hold for another day: to ask for them would be one read too many.
    Prolonged,
}

/// Whether a plan may rest on what is kept; `named`, whether a payment method is to be found by its name.
pub(super) fn are_known(
    company: &Company,
    record: &Record,
    reading: &Reading,
    named: bool,
    now: Timestamp,
) -> bool {
    let is_fresh = |read_at| is_within(KEPT_FOR, read_at, now);
    let Settings { books, choices } = &company.settings;
    let was_refused = record.plan_version > 0 || reading.is_refused_by(&company.settings);
    // A person may mend a code whose rates do not add up.
    let is_recent = |read_at| is_within(RATE_KEPT_FOR, read_at, now);
    let is_asked = |code: &TaxCodeId| {
        books.unsummed_tax_codes.contains(&code.0) && company.books_read_at.is_some_and(is_recent)
    };
    let unknown = |code: &&TaxCodeId| !books.tax_percents.contains_key(&code.0) && !is_asked(code);
    let lacks_methods = named && !books.payment_methods_read_at.is_some_and(is_fresh);
    let lacks_rate = !books.is_american() && choices.tax_codes_to_know().iter().any(unknown);
    !was_refused
        && !lacks_rate
        && !lacks_methods
        && !books.are_incomplete()
        && company.books_read_at.is_some_and(is_fresh)
}

/// A clock may have been ahead.
fn is_within(span: SignedDuration, read_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(read_at).abs() < span
}

/// A company's country is for ever, and known since it was connected; but whoever is refused looks at everything.
fn asks_for_country(company: &Company, record: &Record) -> bool {
    record.plan_version > 0 || company.settings.books.country.is_none()
}

/// Whether QuickBooks has refused something that may rest on what is kept.
fn are_doubted(company: &Company, record: &Record) -> bool {
    record.plan_version > 0 || company.books_read_at == Some(DOUBTED)
}

/// How to treat the payment methods beside so many other reads.
pub(super) fn methods(
    company: &Company,
    record: &Record,
    named: bool,
    reads: usize,
    now: Timestamp,
) -> Methods {
    let books = &company.settings.books;
    let is_fresh = books.payment_methods_read_at.is_some_and(|read_at| is_within(KEPT_FOR, read_at, now));
    let is_doubted = are_doubted(company, record);
    if !named || is_fresh && !is_doubted {
        return Methods::Kept;
    }
    let are_enough = reads >= MOST_READS && books.payment_methods_read_at.is_some() && !is_doubted;
    if are_enough { Methods::Prolonged } else { Methods::Asked }
}

/// What to ask: one or two metered reads, and two more or so where the rates of tax codes have to be known.
pub(super) fn queries(company: &Company, record: &Record, methods: Methods) -> Vec<Query> {
    let mut queries = vec![Query::from(Entity::Preferences)];
    queries.extend(asks_for_country(company, record).then(|| Query::from(Entity::CompanyInfo)));
    let asked = methods == Methods::Asked;
    queries.extend(asked.then(|| Query::from(Entity::PaymentMethod).max_results(PAGE)));
    let Settings { books, choices } = &company.settings;
    // Only elsewhere are amounts split by the rates of their codes.
    let split = books.country.as_deref() != Some("US");
    let codes = choices.tax_codes_to_know().into_iter().filter(|_| split).map(|code| &code.0);
    let codes = Query::from(Entity::TaxCode).each_in(Attribute::Id, codes);
    let rates = (!codes.is_empty()).then(|| Query::from(Entity::TaxRate).max_results(PAGE));
    queries.extend(codes.into_iter().chain(rates));
    queries
}

impl Execution<'_> {
    /// QuickBooks' rate on this day, the document's, of a document that is not in the home currency.
    pub(super) async fn exchange_rate(
        &self,
        company: &Company,
        record: &Record,
        books: &Books,
        matched: &Matched,
        day: Date,
    ) -> Result<Option<Decimal>, Stop> {
        let sale = &matched.sale;
        let Some(currency) = books.foreign(sale.currency.as_ref()) else { return Ok(None) };
        let fits = |kept: &&Rate| kept.day == day && is_within(RATE_KEPT_FOR, kept.read_at, clock::now());
        let kept = company.rates.get(currency.as_str()).filter(fits).filter(|_| record.plan_version == 0);
        if let Some(kept) = kept {
            return Ok(Some(kept.rate));
        }
        match self.app.exchange_rate(company, self.kind, currency, day).await? {
            Some(rate) => {
                self.keep_rate(company, currency, Rate { day, rate, read_at: clock::now() }).await;
                Ok(Some(rate))
            }
            None => {
                let RecordRef { kind, name, .. } = &sale.record;
                Err(Stop::Failure(Failure::no_exchange_rate(*kind, name, currency, day)))
            }
        }
    }

    async fn keep_rate(&self, company: &Company, currency: &Currency, rate: Rate) {
        let kept = self.app.store.keep_rate(self.request.portal_id, company.realm(), currency, &rate).await;
        if let Err(error) = kept {
            tracing::warn!(error = chain(&error), "an exchange rate could not be kept");
        }
    }

    /// The settings with the books as QuickBooks says now: what was refused may have rested on what is kept of them.
    pub(super) async fn settings_anew(
        &self,
        company: &Company,
        record: &Record,
        methods: Methods,
    ) -> Result<Settings, Stop> {
        let rows = self.app.ask(company, self.kind, &queries(company, record, methods)).await?;
        self.read_books(company, record, methods, &rows).await
    }

    /// Best effort: what is not doubted holds for a day at most.
    pub(super) async fn doubt_books(&self, realm: &RealmId) {
        if let Err(error) = self.app.store.doubt_books(self.request.portal_id, realm).await {
            tracing::warn!(error = chain(&error), "the company's preferences could not be doubted");
        }
    }

    /// The settings with the books as QuickBooks says now, which are kept for the next execution.
    pub(super) async fn read_books(
        &self,
        company: &Company,
        record: &Record,
        methods: Methods,
        rows: &[Rows],
    ) -> Result<Settings, Stop> {
        let unreadable = || unreadable(self.kind, &company.name);
        let (infos, rest) = rows.split_at(1 + usize::from(asks_for_country(company, record)));
        // A company always has both.
        let down = || Stop::Trouble(Trouble::QuickBooksDown);
        let preferences: Vec<Preferences> = infos[0].read().map_err(unreadable())?;
        let info = match &infos[1..] {
            [info] => {
                info.read::<CompanyInfo>().map_err(unreadable())?.into_iter().next().ok_or_else(down)?
            }
            _ => CompanyInfo { country: company.settings.books.country.clone() },
        };
        let (asked, taxes) = rest.split_at(usize::from(methods == Methods::Asked));
        let (mut books, now) = (Books::read(preferences.first().ok_or_else(down)?, &info), clock::now());
        if let [methods] = asked {
            books = books.with_payment_methods(methods.read().map_err(unreadable())?, now);
        } else if !are_doubted(company, record) {
            let Books { payment_methods, payment_methods_read_at: read_at, .. } = &company.settings.books;
            books.payment_methods.clone_from(payment_methods);
            books.payment_methods_read_at = if methods == Methods::Prolonged { Some(now) } else { *read_at };
        }
        if let [codes @ .., rates] = taxes {
            let codes: Vec<Vec<TaxCode>> =
                codes.iter().map(Rows::read).collect::<Result<_, _>>().map_err(unreadable())?;
            let rates: Vec<TaxRate> = rates.read().map_err(unreadable())?;
            books = books.with_tax_codes(&codes.concat(), &rates);
        }
        let (portal, realm) = (self.request.portal_id, company.realm());
        let kept = self.app.store.keep_books(portal, realm, &books, now).await;
        if let Err(error) = kept {
            tracing::warn!(error = chain(&error), "the company's preferences could not be kept");
        }
        Ok(Settings { books, choices: company.settings.choices.clone() })
    }
}
