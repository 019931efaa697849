//! The books of one company: rows per entity, what was deleted of them, and counters.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::entities::{ENTITIES, Kind};
use super::json::{Object, at, fill, merge, text};
use super::ledger::{Ledger, Past};
use super::requests::Requests;
use super::switches::Switches;
use super::table::Sought;
use super::traffic::Traffic;
use super::value::{self, Case};
use super::{lists, time};

/// The company a realm id stands for.
#[derive(Clone, Debug)]
pub(super) struct Company {
    pub(super) realm_id: String,
    /// A sandbox is open to development keys, any other company to production keys (quickbooks.md §1.1).
    pub(super) sandbox: bool,
    /// Access tokens, and when each ends if it does.
    pub(super) tokens: BTreeMap<String, Option<Timestamp>>,
    pub(super) switches: Switches,
    pub(super) requests: Requests,
    pub(super) traffic: Traffic,
    ledger: Ledger,
    past: Past,
    /// One counter for all entities (quickbooks.md §12.3).
    last_id: u64,
    last_address_id: u64,
    /// The next document number per entity.
    numbers: BTreeMap<String, u64>,
}

const FIRST_NUMBER: u64 = 1001;

/// Both `Preferences` and `CompanyInfo` are one row.
const SETTINGS_ID: &str = "1";

impl Company {
    /// The books of a US company that keeps no sales tax, with nothing but the lists every company begins with.
    pub(super) fn new(realm_id: &str, now: Timestamp) -> Company {
        let mut company = Company {
            realm_id: realm_id.to_owned(),
            sandbox: false,
            tokens: BTreeMap::new(),
            switches: Switches::default(),
            requests: Requests::default(),
            traffic: Traffic::default(),
            ledger: Ledger::default(),
            past: Past::default(),
            last_id: 0,
            last_address_id: 0,
            numbers: BTreeMap::new(),
        };
        company.put_settings("Preferences", default_preferences(), now);
        let info = json!({"CompanyName": realm_id, "LegalName": realm_id, "Country": "US",
            "SupportedLanguages": "en", "FiscalYearStartMonth": "January", "NameValue": []});
        company.put_settings("CompanyInfo", info, now);
        lists::begin(&mut company, now);
        company
    }

    fn put_settings(&mut self, entity: &'static str, settings: Value, now: Timestamp) {
        let Value::Object(mut row) = settings else { return };
        fill(&mut row, json!({"Id": SETTINGS_ID}));
        fill(&mut row, bookkeeping(now));
        self.ledger.table_mut(entity).push(row);
    }

    /// Keeps what the books are before a write, as far as a switch has queries lag behind.
    pub(super) fn remember(&mut self, now: Timestamp) {
        let lag = self.lag();
        if lag.is_positive() {
            self.past.remember(&self.ledger, now, lag);
        }
    }

    /// The books as queries and change data capture see them.
    pub(super) fn shown(&self, now: Timestamp) -> &Ledger {
        self.past.shown(now, self.lag()).unwrap_or(&self.ledger)
    }

    fn lag(&self) -> SignedDuration {
        SignedDuration::from_secs(self.switches.query_lag_seconds.into())
    }

    /// Every row of an entity, oldest first.
    pub(super) fn rows(&self, entity: &str) -> &[Object] {
        self.ledger.rows(entity)
    }

    /// The rows that may have this text there, and perhaps others, oldest first: compare again.
    pub(super) fn rows_like(&self, entity: &str, attribute: &str, text: &str) -> Vec<&Object> {
        let sought = Sought::OneOf(vec![value::of_text(text, Kind::Text, Case::Folded)]);
        self.ledger.find(entity, attribute, &sought).unwrap_or_else(|| self.rows(entity).iter().collect())
    }

    /// One row by its `Id`.
    pub(super) fn row(&self, entity: &str, id: &str) -> Option<&Object> {
        self.ledger.table(entity)?.row(id)
    }

    /// The same, to change anything but its `Id`.
    pub(super) fn row_mut(&mut self, entity: &str, id: &str) -> Option<&mut Object> {
        self.ledger.known_table_mut(entity)?.row_mut(id)
    }

    /// Keeps a new row under its `Id`, or the next free one, and answers it as kept.
    pub(super) fn insert(&mut self, entity: &'static str, mut row: Object, now: Timestamp) -> Object {
        match text(&row, &["Id"]).parse::<u64>() {
            Ok(chosen) => self.last_id = self.last_id.max(chosen),
            Err(_) => {
                self.last_id += 1;
                while self.row(entity, &self.last_id.to_string()).is_some() {
                    self.last_id += 1;
                }
                row.insert("Id".into(), json!(self.last_id.to_string()));
            }
        }
        self.keep(entity, row, now)
    }

    /// Keeps a new row under the `Id` it has, unseen by the counter, and answers it as kept.
    pub(super) fn keep(&mut self, entity: &'static str, mut row: Object, now: Timestamp) -> Object {
        fill(&mut row, bookkeeping(now));
        self.ledger.table_mut(entity).push(row.clone());
        row
    }

    /// Changes a row as a save does: its `SyncToken` goes up by one (quickbooks.md §1.4).
    pub(super) fn change(
        &mut self,
        entity: &str,
        id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Object),
    ) {
        self.touch(entity, id, now, |row| {
            change(row);
            let saves = text(row, &["SyncToken"]).parse::<u64>().unwrap_or_default() + 1;
            row.insert("SyncToken".into(), json!(saves.to_string()));
        });
    }

    /// Changes a row as a consequence of another's save: later than before, under the same `SyncToken`.
    pub(super) fn touch(&mut self, entity: &str, id: &str, now: Timestamp, change: impl FnOnce(&mut Object)) {
        let Some(row) = self.row_mut(entity, id) else { return };
        change(row);
        if let Some(Value::Object(times)) = row.get_mut("MetaData") {
            times.insert("LastUpdatedTime".into(), json!(time::stamp(now)));
        }
    }

    /// Saves another version of a row under its `Id` and answers it as kept.
    pub(super) fn replace(&mut self, entity: &str, id: &str, mut row: Object, now: Timestamp) -> Object {
        self.number_addresses(&mut row);
        self.change(entity, id, now, |old| {
            for name in ["Id", "SyncToken", "MetaData", "domain"] {
                row.extend(old.get(name).map(|value| (name.to_owned(), value.clone())));
            }
            row.insert("sparse".into(), json!(false));
            *old = row;
        });
        self.row(entity, id).cloned().unwrap_or_default()
    }

    /// Takes a row out, leaves its trace for change data capture, and answers that.
    pub(super) fn remove(&mut self, entity: &'static str, id: &str, now: Timestamp) -> Object {
        let mut trace = Object::new();
        if let Some(row) = self.ledger.table_mut(entity).remove(id) {
            trace.extend(row.into_iter().filter(|(name, _)| name == "MetaData"));
        }
        fill(&mut trace, json!({"Id": id, "status": "Deleted", "domain": "QBO", "MetaData": {}}));
        trace["MetaData"]["LastUpdatedTime"] = json!(time::stamp(now));
        self.ledger.bury(entity, trace.clone());
        trace
    }

    /// The traces of an entity's deleted rows.
    pub(super) fn deleted(&self, entity: &str) -> impl Iterator<Item = &Object> {
        self.ledger.deleted(entity)
    }

    /// Keeps only the rows of an entity that `keeps` says.
    pub(super) fn retain(&mut self, entity: &str, keeps: impl FnMut(&Object) -> bool) {
        if let Some(table) = self.ledger.known_table_mut(entity) {
            table.retain(keeps);
        }
    }

    /// Gives an address the row brought itself an `Id` of its own.
    pub(super) fn number_addresses(&mut self, row: &mut Object) {
        for name in ["BillAddr", "ShipAddr"] {
            let Some(Value::Object(address)) = row.get_mut(name) else { continue };
            if !address.contains_key("Id") {
                self.last_address_id += 1;
                address.insert("Id".into(), json!(self.last_address_id.to_string()));
            }
        }
    }

    /// The highest `Id` given out so far.
    pub(super) fn last_id(&self) -> u64 {
        self.last_id
    }

    /// A value of `Preferences`.
    pub(super) fn preference(&self, path: &[&str]) -> Option<&Value> {
        at(self.rows("Preferences").first()?, path)
    }

    /// A text of `Preferences`, `""` when unset.
    pub(super) fn preference_text(&self, path: &[&str]) -> &str {
        self.preference(path).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a preference is switched on.
    pub(super) fn prefers(&self, path: &[&str]) -> bool {
        self.preference(path).and_then(Value::as_bool).unwrap_or_default()
    }

    /// Lays changes over the single row of `Preferences` or `CompanyInfo`.
    pub(super) fn change_settings(&mut self, entity: &str, patch: Object) {
        if let Some(row) = self.row_mut(entity, SETTINGS_ID) {
            merge(row, patch);
        }
    }

    /// `US` or another country, as `CompanyInfo` tells it.
    pub(super) fn country(&self) -> &str {
        self.rows("CompanyInfo").first().map(|row| text(row, &["Country"])).unwrap_or_default()
    }

    /// The next number of a document, which is then used up; `None` after the last there is.
    pub(super) fn take_number(&mut self, entity: &str) -> Option<String> {
        let next = self.numbers.entry(entity.to_owned()).or_insert(FIRST_NUMBER);
        let taken = *next;
        *next = taken.checked_add(1)?;
        Some(taken.to_string())
    }

    /// Says which number the next document of an entity gets.
    pub(super) fn set_next_number(&mut self, entity: String, number: u64) {
        self.numbers.insert(entity, number);
    }

    /// Everything there is, for `GET /_sim/state`. Tokens are told by their number only.
    pub(super) fn snapshot(&self) -> Value {
        let info = self.rows("CompanyInfo").first();
        let mut all = json!({
            "realm_id": self.realm_id,
            "sandbox": self.sandbox,
            "name": info.map(|row| text(row, &["CompanyName"])),
            "country": self.country(),
            "preferences": self.rows("Preferences").first(),
            "numbers": self.numbers,
            "access_tokens": self.tokens.len(),
            "requests": self.requests.snapshot(),
            "calls": self.traffic.snapshot(),
        });
        for entity in ENTITIES.iter().filter(|entity| !matches!(entity.name, "Preferences" | "CompanyInfo")) {
            all[entity.name] = json!(self.rows(entity.name));
        }
        all
    }
}

/// What every row carries besides its own fields.
fn bookkeeping(now: Timestamp) -> Value {
    let stamp = time::stamp(now);
    json!({"SyncToken": "0", "domain": "QBO", "sparse": false,
        "MetaData": {"CreateTime": stamp, "LastUpdatedTime": stamp}})
}

/// The mail a document goes out with.
fn message(document: &str) -> Value {
    json!({"Subject": format!("{document} from us"), "Message": format!("{document} attached.")})
}

fn default_preferences() -> Value {
    json!({
        "AccountingInfoPrefs": {"ClassTrackingPerTxn": false, "ClassTrackingPerTxnLine": false,
            "TrackDepartments": false, "CustomerTerminology": "Customers"},
        "ProductAndServicesPrefs": {"ForSales": true, "ForPurchase": true, "QuantityWithPriceAndRate": true,
            "QuantityOnHand": true},
        "EmailMessagesPrefs": {"InvoiceMessage": message("Invoice"), "EstimateMessage": message("Estimate"),
            "SalesReceiptMessage": message("Sales receipt"), "StatementMessage": message("Statement")},
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": false, "BillableExpenseTracking": false,
            "POCustomField": []},
        "TimeTrackingPrefs": {"UseServices": false, "BillCustomers": false, "ShowBillRateToAll": false,
            "WorkWeekStartDate": "Monday", "MarkTimeEntriesBillable": false},
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": false},
        "SalesFormsPrefs": {"CustomTxnNumbers": false, "AllowDeposit": false, "AllowDiscount": true,
            "DefaultDiscountAccount": lists::DISCOUNT_ACCOUNT, "DefaultTerms": {"value": lists::DEFAULT_TERM},
            "AllowEstimates": true, "AllowServiceDate": false, "AllowShipping": false,
            "ETransactionPaymentEnabled": false, "ETransactionEnabledStatus": "NotApplicable",
            "ETransactionAttachPDF": false, "IPNSupportEnabled": false, "UsingPriceLevels": false,
            "UsingProgressInvoicing": false, "AutoApplyCredit": false,
            "AutoApplyPayments": false, "CustomField": []},
        "TaxPrefs": {"UsingSalesTax": false},
        "CurrencyPrefs": {"MultiCurrencyEnabled": false, "HomeCurrency": {"value": "USD"}},
        "OtherPrefs": {"NameValue": []},
    })
}
