//! How the company keeps its books, and the exchange rates of a day: asked for by an execution that needs them, and kept for
//! those after it. What is read so is metered (`crate::metered`). What is kept, and until when:
//!
//! - Preferences, and the rates of tax codes: a day, beginning when the company is connected; and until they would refuse a record,
//!   or QuickBooks refuses a document, which may rest on what is no longer so. Where it refuses a document or a payment for good,
//!   as the books are closed or something that the payment names is gone, the next execution asks, and so does who tries the
//!   payment again. A code that is not there, or whose rates do not add up, is asked for again after an hour.
//! - Payment methods, where a payment's is found by its name: as long as the name is among them and QuickBooks does not refuse what
//!   they are in; they are asked for again beside the preferences, where that is not the ninth read, and where the name is not
//!   among them and they are older than a day.
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
use mapping::payment::method_called;
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
use crate::protocol::Effects;
use crate::telemetry::chain;

/// For so long what QuickBooks said is taken to hold.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// For so long an exchange rate is.
const RATE_KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// So many metered reads an ordinary execution takes at most.
const MOST_READS: usize = 8;

/// What an execution needs of the books.
pub(super) struct Needed<'a> {
    /// HubSpot's word for a payment method that is to be found by its name.
    pub(super) method: Option<&'a str>,
    /// Whether an exchange rate is needed, which may have to be asked for, too.
    pub(super) is_foreign: bool,
    pub(super) now: Timestamp,
}

/// Whether a plan may rest on what is kept.
pub(super) fn are_known(company: &Company, record: &Record, reading: &Reading, needed: &Needed<'_>) -> bool {
    let now = needed.now;
    let is_fresh = |read_at| is_within(KEPT_FOR, read_at, now);
    let Settings { books, choices } = &company.settings;
    let was_refused = record.plan_version > 0 || reading.is_refused_by(&company.settings);
    // A person may mend a code whose rates do not add up.
    let is_recent = |read_at| is_within(RATE_KEPT_FOR, read_at, now);
    let is_asked = |code: &TaxCodeId| {
        books.unsummed_tax_codes.contains(&code.0) && company.books_read_at.is_some_and(is_recent)
    };
    let unknown = |code: &&TaxCodeId| !books.tax_percents.contains_key(&code.0) && !is_asked(code);
    // One that is not among them may have been added since.
    let is_unknown = needed.method.is_some_and(|word| method_called(word, books).is_none());
    let lacks_methods = is_unknown && !books.payment_methods_read_at.is_some_and(is_fresh);
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

/// A question for how the company keeps its books.
pub(super) struct Asking<'a> {
    company: &'a Company,
    record: &'a Record,
    /// Whether for its payment methods, too.
    methods: bool,
    now: Timestamp,
}

impl<'a> Asking<'a> {
    /// For what is needed, beside so many other reads.
    pub(super) fn beside(
        others: usize,
        needed: &Needed<'_>,
        company: &'a Company,
        record: &'a Record,
    ) -> Self {
        let now = needed.now;
        let asking = Self { company, record, methods: false, now };
        let reads = others + asking.queries().len() + usize::from(needed.is_foreign);
        let read_at = company.settings.books.payment_methods_read_at.filter(|_| !asking.is_doubted());
        let is_enough = |read_at| is_within(KEPT_FOR, read_at, now) || reads >= MOST_READS;
        Self { methods: needed.method.is_some() && !read_at.is_some_and(is_enough), ..asking }
    }

    /// One or two metered reads, one more for payment methods, and two more or so where the rates of tax codes have to be known.
    pub(super) fn queries(&self) -> Vec<Query> {
        let Settings { books, choices } = &self.company.settings;
        let mut queries = vec![Query::from(Entity::Preferences)];
        queries.extend(self.asks_for_country().then(|| Query::from(Entity::CompanyInfo)));
        queries.extend(self.methods.then(|| Query::from(Entity::PaymentMethod).max_results(PAGE)));
        // Only elsewhere are amounts split by the rates of their codes.
        let split = books.country.as_deref() != Some("US");
        let codes = choices.tax_codes_to_know().into_iter().filter(|_| split).map(|code| &code.0);
        let codes = Query::from(Entity::TaxCode).each_in(Attribute::Id, codes);
        let rates = (!codes.is_empty()).then(|| Query::from(Entity::TaxRate).max_results(PAGE));
        queries.extend(codes.into_iter().chain(rates));
        queries
    }

    /// A company's country is for ever, and known since it was connected; but whoever is refused looks at everything.
    fn asks_for_country(&self) -> bool {
        self.record.plan_version > 0 || self.company.settings.books.country.is_none()
    }

    /// Whether QuickBooks has refused something that may rest on what is kept.
    fn is_doubted(&self) -> bool {
        self.record.plan_version > 0 || self.company.books_read_at == Some(DOUBTED)
    }
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
        methods: bool,
    ) -> Result<Settings, Stop> {
        let asking = Asking { company, record, methods, now: self.now() };
        let rows = self.app.ask(company, self.kind, &asking.queries()).await?;
        self.read_books(&asking, &rows).await
    }

    /// Best effort: what is not doubted holds for a day at most.
    pub(super) async fn doubt_books(&self, realm: &RealmId) {
        if let Err(error) = self.app.store.doubt_books(self.request.portal_id, realm).await {
            tracing::warn!(error = chain(&error), "the company's preferences could not be doubted");
        }
    }

    /// The settings with the books as QuickBooks answers, which are kept for the next execution.
    pub(super) async fn read_books(&self, asking: &Asking<'_>, rows: &[Rows]) -> Result<Settings, Stop> {
        let &Asking { company, now, .. } = asking;
        let unreadable = || unreadable(self.kind, &company.name);
        let (infos, rest) = rows.split_at(1 + usize::from(asking.asks_for_country()));
        // A company always has both.
        let down = || Stop::Trouble(Trouble::QuickBooksDown);
        let preferences: Vec<Preferences> = infos[0].read().map_err(unreadable())?;
        let info = match &infos[1..] {
            [info] => {
                info.read::<CompanyInfo>().map_err(unreadable())?.into_iter().next().ok_or_else(down)?
            }
            _ => CompanyInfo { country: company.settings.books.country.clone() },
        };
        let (methods, taxes) = rest.split_at(usize::from(asking.methods));
        let mut books = Books::read(preferences.first().ok_or_else(down)?, &info);
        let known = &company.settings.books;
        let carried = methods.is_empty() && !asking.is_doubted();
        if let [methods] = methods {
            books = books.with_payment_methods(methods.read().map_err(unreadable())?, now);
        } else if carried {
            books.payment_methods.clone_from(&known.payment_methods);
            books.payment_methods_read_at = known.payment_methods_read_at;
        }
        if let [codes @ .., rates] = taxes {
            let codes: Vec<Vec<TaxCode>> =
                codes.iter().map(Rows::read).collect::<Result<_, _>>().map_err(unreadable())?;
            let rates: Vec<TaxRate> = rates.read().map_err(unreadable())?;
            books = books.with_tax_codes(&codes.concat(), &rates);
            // What is not there has no rate, as long as nobody brings it back.
            let asked = company.settings.choices.tax_codes_to_know().into_iter();
            let missing = asked.filter(|code| !books.tax_percents.contains_key(&code.0));
            let missing: Vec<String> = missing.map(|code| code.0.clone()).collect();
            books.unsummed_tax_codes.extend(missing);
        }
        let (portal, realm) = (self.request.portal_id, company.realm());
        // Whoever carries payment methods over may not take back a doubt that somebody had of them meanwhile.
        let seen = company.books_read_at.filter(|_| carried);
        let kept = self.app.store.keep_books(portal, realm, &books, now, seen).await;
        if let Err(error) = kept {
            tracing::warn!(error = chain(&error), "the company's preferences could not be kept");
        }
        Ok(Settings { books, choices: company.settings.choices.clone() })
    }
}
