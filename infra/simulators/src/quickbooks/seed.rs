//! `POST /_sim/seed`: companies as a test needs them, from partial QuickBooks JSON.
//!
//! Seeding a company again adds to it: a row is laid over the one with the same `Id`, or else the same name.
//! A client seeded again is what the new seed says; a grant whose refresh token is known stays as it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::customer::NAMED;
use super::fields::{self, CUSTOMER};
use super::inactive::{label, retire};
use super::json::{Object, fill, merge, text};
use super::state::Company;
use super::switches::Switches;
use super::{Books, currency, customer, lists, oauth};

/// The body of a seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seed {
    #[serde(default)]
    companies: Vec<CompanySeed>,
    #[serde(default)]
    clients: Vec<oauth::Client>,
    #[serde(default)]
    grants: Vec<oauth::GrantSeed>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanySeed {
    realm_id: String,
    name: Option<String>,
    /// Where it is not the name.
    legal_name: Option<String>,
    country: Option<String>,
    sandbox: Option<bool>,
    #[serde(default)]
    access_tokens: Vec<TokenSeed>,
    #[serde(default)]
    preferences: Object,
    #[serde(default)]
    customers: Vec<Object>,
    #[serde(default)]
    vendors: Vec<Object>,
    #[serde(default)]
    employees: Vec<Object>,
    #[serde(default)]
    items: Vec<Object>,
    #[serde(default)]
    accounts: Vec<Object>,
    #[serde(default)]
    payment_methods: Vec<Object>,
    #[serde(default)]
    terms: Vec<Object>,
    #[serde(default)]
    classes: Vec<Object>,
    #[serde(default)]
    departments: Vec<Object>,
    #[serde(default)]
    currencies: Vec<Object>,
    #[serde(default)]
    tax_rates: Vec<Object>,
    #[serde(default)]
    tax_codes: Vec<Object>,
    #[serde(default)]
    exchange_rates: Vec<Object>,
    /// The next document number per entity.
    #[serde(default)]
    numbers: BTreeMap<String, u64>,
    switches: Option<Switches>,
}

/// A token, for ever or until a time of the simulator's clock.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum TokenSeed {
    Lasting(String),
    Ending { token: String, expires_at: Timestamp },
}

/// Puts the seed into the books and answers the realm ids it named. Nothing changes when it is refused.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn apply(books: &mut Books, seed: Seed, now: Timestamp) -> Result<Vec<String>, String> {
    let mut changed = books.clone();
    let mut realm_ids = Vec::new();
    for company_seed in seed.companies {
        let realm_id = company_seed.realm_id.clone();
        let company =
            changed.companies.entry(realm_id.clone()).or_insert_with(|| Company::new(&realm_id, now));
        fill_company(company, company_seed, now).map_err(|why| format!("company {realm_id}: {why}"))?;
        realm_ids.push(realm_id);
    }
    for client in seed.clients {
        changed.oauth.add_client(client);
    }
    for grant in seed.grants {
        changed.oauth.seed_grant(&changed.companies, grant, now)?;
    }
    *books = changed;
    Ok(realm_ids)
}

fn fill_company(company: &mut Company, seed: CompanySeed, now: Timestamp) -> Result<(), String> {
    if let Some(name) = seed.name {
        company.change_settings("CompanyInfo", object(json!({"CompanyName": name, "LegalName": name})));
    }
    if let Some(legal_name) = seed.legal_name {
        company.change_settings("CompanyInfo", object(json!({"LegalName": legal_name})));
    }
    if let Some(country) = seed.country {
        if country != "US" {
            lists::leave_us(company);
        }
        company.change_settings("CompanyInfo", object(json!({"Country": country})));
    }
    company.sandbox = seed.sandbox.unwrap_or(company.sandbox);
    company.change_settings("Preferences", seed.preferences);
    for name in ["AutoApplyCredit", "AutoApplyPayments"] {
        if company.prefers(&["SalesFormsPrefs", name]) {
            return Err(format!("{name} is not simulated: no payment is ever applied by itself"));
        }
    }
    company.tokens.extend(seed.access_tokens.into_iter().map(|token| match token {
        TokenSeed::Lasting(token) => (token, None),
        TokenSeed::Ending { token, expires_at } => (token, Some(expires_at)),
    }));
    company.switches = seed.switches.unwrap_or(company.switches);
    for (entity, number) in seed.numbers {
        company.set_next_number(entity, number);
    }
    let lists = [
        ("Customer", seed.customers),
        ("Vendor", seed.vendors),
        ("Employee", seed.employees),
        ("Item", seed.items),
        ("Account", seed.accounts),
        ("PaymentMethod", seed.payment_methods),
        ("Term", seed.terms),
        ("Class", seed.classes),
        ("Department", seed.departments),
        ("CompanyCurrency", seed.currencies),
        ("TaxRate", seed.tax_rates),
        ("TaxCode", seed.tax_codes),
    ];
    for (entity, rows) in lists {
        for row in rows {
            put(company, entity, row, now).map_err(|why| format!("{entity}: {why}"))?;
        }
    }
    lists::in_home_currency(company);
    seed.exchange_rates.into_iter().try_for_each(|row| put_rate(company, row, now))
}

/// A rate of a day replaces the one known of that day.
fn put_rate(company: &mut Company, mut row: Object, now: Timestamp) -> Result<(), String> {
    for name in ["SourceCurrencyCode", "Rate", "AsOfDate"] {
        if !row.contains_key(name) {
            return Err(format!("ExchangeRate: a row needs a {name}"));
        }
    }
    let key = |row: &Object| (row.get("SourceCurrencyCode").cloned(), row.get("AsOfDate").cloned());
    company.retain("ExchangeRate", |known| key(known) != key(&row));
    fill(&mut row, json!({"TargetCurrencyCode": currency::home(company)}));
    company.keep("ExchangeRate", row, now);
    Ok(())
}

fn put(company: &mut Company, entity: &'static str, row: Object, now: Timestamp) -> Result<(), String> {
    if entity == "Customer" {
        fields::known(entity, CUSTOMER, &row).map_err(|fault| fault.item().to_string())?;
    }
    if let Some(known) = known_row(company, entity, &row) {
        merge(known, row);
        retire(entity, known);
        return Ok(());
    }
    let mut row = row;
    if entity == "CompanyCurrency" {
        let name = currency::named(text(&row, &["Code"]))["name"].take();
        fill(&mut row, json!({"Name": name}));
    }
    if text(&row, &[label(entity)]).is_empty() {
        return Err(format!("a row needs a {}", label(entity)));
    }
    retire(entity, &mut row);
    // Old books have sub-customers that share a name with others (recorded), though no call could make them.
    let is_nested = |row: &Object| row.contains_key("ParentRef");
    let holder = customer::holders(company, text(&row, &["DisplayName"])).find(|holder| !is_nested(holder));
    if let Some(holder) = holder.filter(|_| NAMED.contains(&entity) && !is_nested(&row)) {
        return Err(format!("{} is taken by Id {}", row["DisplayName"], text(holder, &["Id"])));
    }
    match entity {
        "Customer" => customer::complete(company, &mut row),
        "Item" => complete_item(company, &mut row),
        "Vendor" | "Employee" => complete_person(company, entity, &mut row),
        _ => lists::complete(entity, &mut row)?,
    }
    company.number_addresses(&mut row);
    company.insert(entity, row, now);
    Ok(())
}

/// The row a seed means: by `Id` if it has one, else by its name, active or not.
fn known_row<'a>(company: &'a mut Company, entity: &str, row: &Object) -> Option<&'a mut Object> {
    let mut id = text(row, &["Id"]).to_owned();
    if id.is_empty() {
        let mut named = row.clone();
        retire(entity, &mut named);
        if entity == "Item" {
            complete_item(company, &mut named);
        }
        let key = if entity == "Item" { "FullyQualifiedName" } else { label(entity) };
        let folded = |row: &Object| text(row, &[key]).to_lowercase();
        let mut likely = company.rows_like(entity, key, text(&named, &[key])).into_iter();
        let found = likely.find(|row| folded(row) == folded(&named))?;
        id = text(found, &["Id"]).to_owned();
    }
    company.row_mut(entity, &id)
}

fn complete_item(company: &Company, item: &mut Object) {
    let name = text(item, &["Name"]);
    let parent = company.row("Item", text(item, &["ParentRef", "value"]));
    let full_name = match parent {
        Some(parent) => format!("{}:{name}", text(parent, &["FullyQualifiedName"])),
        None => name.to_owned(),
    };
    fill(
        item,
        json!({"Active": true, "FullyQualifiedName": full_name, "Type": "NonInventory", "Taxable": false}),
    );
    let kind = text(item, &["Type"]);
    if kind != "Category" {
        let prices = json!({"UnitPrice": 0, "PurchaseCost": 0, "TrackQtyOnHand": kind == "Inventory"});
        fill(item, prices);
    }
}

fn complete_person(company: &Company, entity: &str, person: &mut Object) {
    let name = text(person, &["DisplayName"]).to_owned();
    fill(person, json!({"Active": true, "PrintOnCheckName": name}));
    if entity == "Vendor" {
        let currency = currency::named(currency::home(company));
        fill(person, json!({"Balance": 0, "Vendor1099": false, "CurrencyRef": currency}));
    } else {
        fill(person, json!({"BillableTime": false}));
    }
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
