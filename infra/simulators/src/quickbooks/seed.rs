//! `POST /_sim/seed`: companies as a test needs them, from partial QuickBooks JSON.
//!
//! Seeding a company again adds to it: a row is laid over the one with the same `Id`, or else the same name.
//! A client seeded again gets the new secret; a grant whose refresh token is known stays as it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::customer::NAMED;
use super::fields::{self, CUSTOMER};
use super::json::{Object, fill, merge, text};
use super::state::{Company, Switches};
use super::{Books, customer, lists};

/// The body of a seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seed {
    #[serde(default)]
    companies: Vec<CompanySeed>,
    #[serde(default)]
    clients: Vec<ClientSeed>,
    #[serde(default)]
    grants: Vec<GrantSeed>,
}

/// An app that may refresh tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientSeed {
    client_id: String,
    client_secret: String,
}

/// A company's consent, given when it is seeded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantSeed {
    realm_id: String,
    refresh_token: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanySeed {
    realm_id: String,
    name: Option<String>,
    country: Option<String>,
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
        changed.oauth.add_client(client.client_id, client.client_secret);
    }
    for grant in seed.grants {
        if !changed.companies.contains_key(&grant.realm_id) {
            return Err(format!("a grant of {}, which is no company", grant.realm_id));
        }
        changed.oauth.add_grant(grant.realm_id, grant.refresh_token, now);
    }
    *books = changed;
    Ok(realm_ids)
}

fn fill_company(company: &mut Company, seed: CompanySeed, now: Timestamp) -> Result<(), String> {
    if let Some(name) = seed.name {
        company.change_settings("CompanyInfo", object(json!({"CompanyName": name, "LegalName": name})));
    }
    if let Some(country) = seed.country {
        company.change_settings("CompanyInfo", object(json!({"Country": country})));
    }
    company.change_settings("Preferences", seed.preferences);
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
    ];
    for (entity, rows) in lists {
        for row in rows {
            put(company, entity, row, now).map_err(|why| format!("{entity}: {why}"))?;
        }
    }
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
    if text(&row, &[label(entity)]).is_empty() {
        return Err(format!("a row needs a {}", label(entity)));
    }
    retire(entity, &mut row);
    let holder = customer::holder(company, text(&row, &["DisplayName"]));
    if let Some(holder) = holder.filter(|_| NAMED.contains(&entity)) {
        return Err(format!("{} is taken by Id {}", row["DisplayName"], text(holder, &["Id"])));
    }
    match entity {
        "Customer" => customer::complete(company, &mut row),
        "Item" => complete_item(company, &mut row),
        "Account" | "PaymentMethod" | "Term" => lists::complete(entity, &mut row)?,
        _ => {
            let name = text(&row, &["DisplayName"]).to_owned();
            fill(&mut row, json!({"Active": true, "PrintOnCheckName": name}));
        }
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
        let found = company.rows(entity).iter().find(|row| folded(row) == folded(&named))?;
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
}

/// Making a row inactive frees its name (quickbooks.md §2.6).
fn retire(entity: &str, row: &mut Object) {
    const SUFFIX: &str = " (deleted)";
    if row.get("Active") != Some(&Value::Bool(false)) {
        return;
    }
    for name in [label(entity), "FullyQualifiedName"] {
        if let Some(Value::String(name)) = row.get_mut(name)
            && !name.ends_with(SUFFIX)
        {
            name.push_str(SUFFIX);
        }
    }
}

fn label(entity: &str) -> &'static str {
    if NAMED.contains(&entity) { "DisplayName" } else { "Name" }
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
