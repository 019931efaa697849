//! One case: a file that says what differs from an ordinary deal in an ordinary company, and what is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use mapping::hubspot::{
    AdjustmentProperties, CompanyProperties, ContactProperties, DealProperties, LineItemProperties,
    PaymentProperties, QuoteProperties,
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use simulators::hubspot::random_deals::{Properties, priced};

pub(super) const DEAL: u64 = 8_800_000_001;
const QUOTE: u64 = 9_900_000_001;

/// A file of the table. README.md beside the cases says what each key means; one that nobody knows is an error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it shows, as a sentence.
    pub(super) about: String,
    /// Which actions the record is enrolled in, each with a portal and a company of its own.
    #[serde(default = "all_actions")]
    pub(super) actions: Vec<String>,
    /// The company, as a file of `companies/` has it.
    #[serde(default = "american")]
    pub(super) books: String,
    /// The moment of the enrollment.
    #[serde(default = "ordinary_moment")]
    pub(super) at: Timestamp,
    /// The case is about a workflow that has to wait for its answer, which takes a stack of its own.
    #[serde(default)]
    pub(super) waits: bool,
    /// Where the portal is.
    #[serde(default = "new_york")]
    pub(super) time_zone: String,
    /// Of the record, its lines and payments, where they do not say; the company's own unless this says otherwise.
    currency: Option<String>,
    /// Of the portal; blank where an earlier release installed the app, which did not ask.
    portal_currency: Option<String>,
    deal: Option<Properties>,
    quote: Option<Properties>,
    contact: Option<Vec<Properties>>,
    #[serde(default)]
    company: Vec<Properties>,
    line: Option<Vec<Properties>>,
    /// How many lines there are: those given, over and over.
    line_count: Option<usize>,
    #[serde(default)]
    discount: Vec<Properties>,
    #[serde(default)]
    fee: Vec<Properties>,
    #[serde(default)]
    tax: Vec<Properties>,
    #[serde(default)]
    payment: Vec<Properties>,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) settings: Map<String, Value>,
    /// Settings that the console is given besides, and does not take.
    #[serde(default)]
    pub(super) refused_settings: Map<String, Value>,
    /// HubSpot's library of tax rates, as a seed of the simulator.
    #[serde(default)]
    pub(super) tax_rate: Vec<Value>,
    /// What the company has besides, as a seed of the simulator.
    #[serde(default)]
    pub(super) quickbooks: Map<String, Value>,
    #[serde(default)]
    pub(super) connection: Connection,
    #[serde(default)]
    pub(super) faults: Faults,
    /// What happens afterwards, each ending with the same record enrolled again.
    #[serde(default)]
    pub(super) then: Vec<Change>,
}

/// How portal, app and company are connected.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Connection {
    /// Scopes that the portal did not grant.
    pub(super) without_scopes: Vec<String>,
    /// Optional ones that it did.
    pub(super) with_scopes: Vec<String>,
    pub(super) hubspot: Grant,
    pub(super) quickbooks: Grant,
    /// The portal has the company, and none is the default.
    pub(super) no_default: bool,
    /// What the workflow says the record is, where that is not what it is.
    pub(super) object_type: Option<String>,
    /// Passes inputs that the workflow editor would refuse.
    pub(super) any_inputs: bool,
    /// The record is gone by the time it is read.
    pub(super) record_gone: bool,
}

/// What became of a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Grant {
    #[default]
    Good,
    /// There never was one.
    None,
    /// The vendor refuses it.
    Ended,
}

/// Disturbances of the vendors' answers, as `POST /_sim/faults` takes them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Faults {
    pub(super) hubspot: Vec<Value>,
    pub(super) quickbooks: Vec<Value>,
}

/// What changed before the record is enrolled again.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Change {
    /// Minutes that pass, with a run of the reconciler each.
    pub(super) minutes: u32,
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) settings: Map<String, Value>,
    pub(super) quickbooks: Map<String, Value>,
    pub(super) faults: Option<Faults>,
    deal: Option<Properties>,
    line: Option<Vec<Properties>>,
}

impl Connection {
    pub(super) fn is_ordinary(&self) -> bool {
        self.hubspot == Grant::Good && self.quickbooks == Grant::Good
    }
}

impl Faults {
    pub(super) fn is_empty(&self) -> bool {
        self.hubspot.is_empty() && self.quickbooks.is_empty()
    }
}

fn all_actions() -> Vec<String> {
    ["invoice", "estimate", "receipt"].map(str::to_owned).into()
}

fn american() -> String {
    "us".to_owned()
}

fn new_york() -> String {
    "America/New_York".to_owned()
}

/// In a leap year, at an hour when it is the 28th of February in most of the world and the 29th where days begin.
fn ordinary_moment() -> Timestamp {
    Timestamp::constant(1_961_580_600, 0)
}

/// The inputs that an action has.
pub(super) fn offered(action: &str) -> Result<Vec<String>, String> {
    let file = local::paths::workspace()
        .join(format!("infra/hubspot/src/app/workflow-actions/{action}-hsmeta.json"));
    let definition = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let definition: Value = serde_json::from_slice(&definition).map_err(|error| error.to_string())?;
    let fields = definition["config"]["inputFields"].as_array().cloned().unwrap_or_default();
    Ok(fields
        .iter()
        .filter_map(|field| field["typeDefinition"]["name"].as_str().map(str::to_owned))
        .collect())
}

/// Where the table is.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases")
}

/// All cases, by their names: `amounts/a-discount`.
pub(super) fn all() -> Result<BTreeMap<String, Case>, String> {
    let mut cases = BTreeMap::new();
    let folders = files(&folder()).into_iter().filter(|path| path.is_dir() && !path.ends_with("companies"));
    for file in folders.flat_map(|folder| files(&folder)) {
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = file.strip_prefix(folder()).unwrap_or(&file).with_extension("");
        let name = name.to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{name}: {error}"))?;
        let case = Case::read(&text).map_err(|why| format!("{name}.toml: {why}"))?;
        cases.insert(name, case);
    }
    Ok(cases)
}

/// What is in a folder, by name.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files
}

impl Case {
    /// Reads a file, and refuses what could only be a mistake.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let case: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let ends_well = case.about.trim_end().ends_with(['.', '?', '!']);
        if !ends_well {
            return Err("“about” is a sentence".to_owned());
        }
        if case.deal.is_some() && case.quote.is_some() {
            return Err("a record is a deal or a quote".to_owned());
        }
        case.check_actions()?;
        case.check_record()?;
        case.check_names()?;
        Ok(case)
    }

    /// Without an action nothing would run, and nobody would notice. An input that no action has would be given to none.
    fn check_actions(&self) -> Result<(), String> {
        let known = all_actions();
        let mut given = BTreeSet::new();
        let mut inputs = BTreeSet::new();
        for action in &self.actions {
            if !known.contains(action) {
                return Err(format!("there is no action “{action}”"));
            }
            if !given.insert(action) {
                return Err(format!("“actions” has “{action}” twice"));
            }
            inputs.extend(offered(action)?);
        }
        if given.is_empty() {
            return Err("“actions” has none: nothing would run".to_owned());
        }
        let mut named = self.inputs.keys().chain(self.then.iter().flat_map(|change| change.inputs.keys()));
        match named.find(|name| !self.connection.any_inputs && !inputs.contains(*name)) {
            Some(name) => Err(format!("none of its actions has the input “{name}”")),
            None => Ok(()),
        }
    }

    /// What only one kind of record has would be left out of the other.
    fn check_record(&self) -> Result<(), String> {
        if self.quote.is_some() {
            let changes_deal = self.then.iter().any(|change| change.deal.is_some());
            return if changes_deal { Err("no deal is there to change".to_owned()) } else { Ok(()) };
        }
        let of_quote = [&self.discount, &self.fee, &self.tax];
        match of_quote.iter().all(|adjustments| adjustments.is_empty()) {
            true => Ok(()),
            false => Err("only a quote has discounts, fees and taxes of its own".to_owned()),
        }
    }

    /// A property that the app never asks for would change nothing: it is misspelt.
    fn check_names(&self) -> Result<(), String> {
        let record = if self.quote.is_some() { QuoteProperties::NAMES } else { DealProperties::NAMES };
        let records = self
            .deal
            .iter()
            .chain(&self.quote)
            .chain(self.then.iter().filter_map(|change| change.deal.as_ref()));
        let named = |text: &str| self.settings.values().any(|setting| setting.to_string().contains(text));
        for properties in records {
            check("record", properties, |name| record.contains(&name) || named(name))?;
        }
        let lines =
            self.line.iter().chain(self.then.iter().filter_map(|change| change.line.as_ref())).flatten();
        let of = |names: &'static [&'static str]| move |name: &str| names.contains(&name);
        for line in lines {
            check("line", line, of(LineItemProperties::NAMES))?;
        }
        for contact in self.contact.iter().flatten() {
            check("contact", contact, |name| name == BILLING || ContactProperties::NAMES.contains(&name))?;
        }
        for company in &self.company {
            check("company", company, |name| name == BILLING || CompanyProperties::NAMES.contains(&name))?;
        }
        for adjustment in self.discount.iter().chain(&self.fee).chain(&self.tax) {
            check("discount, fee or tax", adjustment, of(AdjustmentProperties::NAMES))?;
        }
        self.payment.iter().try_for_each(|payment| check("payment", payment, of(PaymentProperties::NAMES)))
    }

    /// `DEAL` or `QUOTE`.
    pub(super) fn object_type(&self) -> &str {
        let own = if self.quote.is_some() { "QUOTE" } else { "DEAL" };
        self.connection.object_type.as_deref().unwrap_or(own)
    }

    pub(super) fn object_id(&self) -> u64 {
        if self.quote.is_some() { QUOTE } else { DEAL }
    }

    /// The portal's own currency, the company's unless the case says otherwise.
    pub(super) fn portal_currency<'a>(&'a self, home: &'a str) -> Option<&'a str> {
        Some(self.portal_currency.as_deref().unwrap_or(home)).filter(|currency| !currency.is_empty())
    }

    /// The record and what hangs on it, as a seed of the HubSpot simulator; `home` is the company's currency.
    pub(super) fn objects(&self, home: &str) -> Value {
        self.objects_with(self.deal.as_ref(), self.line.as_deref(), home)
    }

    /// The same under another id.
    pub(super) fn objects_as(&self, id: u64, home: &str) -> Value {
        let mut objects = self.objects(home);
        objects["deals"][0]["id"] = json!(id.to_string());
        objects
    }

    /// The same after a change.
    pub(super) fn changed(&self, change: &Change, home: &str) -> Value {
        let deal = change.deal.as_ref().or(self.deal.as_ref());
        self.objects_with(deal, change.line.as_deref().or(self.line.as_deref()), home)
    }

    fn objects_with(&self, deal: Option<&Properties>, lines: Option<&[Properties]>, home: &str) -> Value {
        let currency = self.currency.as_deref().unwrap_or(home);
        let contacts = self.contact.clone().unwrap_or_else(|| vec![ana()]);
        let given = lines.map_or_else(|| vec![widgets()], <[_]>::to_vec);
        let count = self.line_count.unwrap_or(given.len());
        let lines = (0..).zip(given.into_iter().cycle().take(count));
        let lines: Vec<_> = lines.map(|(at, line)| priced(line, at, currency)).collect();
        let total: Decimal =
            lines.iter().filter_map(|line| line.get("amount")?.parse::<Decimal>().ok()).sum();
        let payments: Vec<_> = self.payment.iter().map(|payment| paid(payment, total, currency)).collect();
        let record = match &self.quote {
            Some(quote) => {
                let defaults = [
                    ("hs_title", "Acme renewal".to_owned()),
                    ("hs_quote_amount", total.to_string()),
                    ("hs_currency", currency.to_owned()),
                ];
                with_defaults(quote, defaults)
            }
            None => {
                let defaults = [
                    ("dealname", "Acme renewal".to_owned()),
                    ("amount", total.to_string()),
                    ("deal_currency_code", currency.to_owned()),
                ];
                with_defaults(deal.unwrap_or(&Properties::new()), defaults)
            }
        };
        let mut associations = json!({
            "contacts": billed(501, &contacts, [69, 1226]),
            "companies": billed(401, &self.company, if self.quote.is_some() { [71, 1334] } else { [341, 5] }),
            "line_items": ids(601, lines.len()),
            "commerce_payments": ids(901, payments.len()),
        });
        if self.quote.is_some() {
            associations["discounts"] = json!(ids(701, self.discount.len()));
            associations["fees"] = json!(ids(801, self.fee.len()));
            associations["taxes"] = json!(ids(851, self.tax.len()));
        }
        let mut seeded = json!({"id": self.object_id().to_string(), "properties": nulls(&record), "associations": associations});
        seeded["archived"] = json!(self.connection.record_gone);
        let plural = if self.quote.is_some() { "quotes" } else { "deals" };
        json!({
            plural: [seeded],
            "companies": records(401, &self.company),
            "contacts": records(501, &contacts),
            "line_items": records(601, &lines),
            "discounts": records(701, &self.discount),
            "fees": records(801, &self.fee),
            "taxes": records(851, &self.tax),
            "commerce_payments": records(901, &payments),
        })
    }
}

fn check(what: &str, properties: &Properties, known: impl Fn(&str) -> bool) -> Result<(), String> {
    match properties.keys().find(|name| !known(name)) {
        Some(name) => Err(format!("the app reads no property “{name}” of a {what}, and no setting names it")),
        None => Ok(()),
    }
}

/// Marks a contact or company as the one that is billed; no property.
const BILLING: &str = "billing";

fn ana() -> Properties {
    let properties = [("firstname", "Ana"), ("lastname", "Trujillo"), ("email", "ana@acme.example")];
    properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn widgets() -> Properties {
    let properties = [("name", "Widget"), ("hs_sku", "WID-1"), ("quantity", "3"), ("price", "49.99")];
    properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn with_defaults<const N: usize>(properties: &Properties, defaults: [(&str, String); N]) -> Properties {
    let mut record = properties.clone();
    for (name, value) in defaults {
        record.entry(name.to_owned()).or_insert(value);
    }
    record
}

fn paid(payment: &Properties, total: Decimal, currency: &str) -> Properties {
    let defaults = [
        ("hs_latest_status", "succeeded".to_owned()),
        ("hs_initial_amount", total.to_string()),
        ("hs_currency_code", currency.to_owned()),
        ("hs_initiated_date", "2032-02-27T15:04:05.000Z".to_owned()),
        ("hs_reference_number", "ch_3PqX21".to_owned()),
    ];
    with_defaults(payment, defaults)
}

/// Associations: whom the record is billed to has a type of its own (hubspot.md §6.3), as billing contact or company of a
/// quote, or as the primary company of a deal.
fn billed(first: usize, all: &[Properties], [ordinary, billing]: [u32; 2]) -> Vec<Value> {
    let association = |(at, properties): (usize, &Properties)| {
        let id = (first + at).to_string();
        match properties.get(BILLING).map(String::as_str) {
            Some("yes") => json!({"id": id, "type_ids": [ordinary, billing]}),
            Some(_) => json!({"id": id, "type_ids": [ordinary]}),
            None => json!(id),
        }
    };
    all.iter().enumerate().map(association).collect()
}

fn ids(first: usize, count: usize) -> Vec<String> {
    (first..first + count).map(|id| id.to_string()).collect()
}

fn records(first: usize, all: &[Properties]) -> Vec<Value> {
    let record = |(at, properties): (usize, &Properties)| json!({"id": (first + at).to_string(), "properties": nulls(properties)});
    all.iter().enumerate().map(record).collect()
}

/// HubSpot has null where a property is blank.
fn nulls(properties: &Properties) -> Value {
    let value = |text: &String| if text.is_empty() { Value::Null } else { json!(text) };
    let kept = properties.iter().filter(|(name, _)| *name != BILLING);
    Value::Object(kept.map(|(name, text)| (name.clone(), value(text))).collect())
}
