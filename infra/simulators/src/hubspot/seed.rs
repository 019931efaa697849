//! Filling the simulator and looking into it.

use super::HubSpot;
use super::account::Account;
use super::oauth::{AccessToken, Client, Grant};
use super::object_type::ObjectType;
use super::random_deals::RandomDeals;
use super::records::Record;
use super::switches::Switches;
use super::tax_rates::TaxRate;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Body of `POST /_sim/seed`; everything is optional and added to what is there.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Seed {
    switches: Option<Switches>,
    action_base_url: Option<String>,
    access_tokens: Vec<AccessToken>,
    clients: Vec<Client>,
    accounts: Vec<Account>,
    grants: Vec<Grant>,
    portals: Vec<Portal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Portal {
    portal_id: u64,
    #[serde(default)]
    objects: BTreeMap<ObjectType, Vec<Record>>,
    /// The library of tax rates, as a whole.
    tax_rates: Option<Vec<TaxRate>>,
    /// Deals that nobody wants to write down.
    random_deals: Option<RandomDeals>,
}

/// `POST /_sim/seed`: all of it, or 400 and nothing.
pub(super) async fn plant(State(hubspot): State<HubSpot>, body: String) -> Response {
    match serde_json::from_str::<Seed>(&body).map_err(|error| error.to_string()).and_then(checked) {
        Ok(seed) => {
            add(&hubspot, seed);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

/// `GET /_sim/state`.
pub(super) async fn show(State(hubspot): State<HubSpot>) -> Json<Value> {
    let definition_ids = hubspot.definition_ids();
    let state = hubspot.current_state();
    let portals: Vec<Value> =
        state.portals.iter().map(|(id, objects)| json!({ "portal_id": id, "objects": objects, "tax_rates": state.tax_rates.get(id) })).collect();
    Json(json!({
        "switches": state.switches,
        "action_base_url": state.action_base_url,
        "actions": definition_ids,
        "access_tokens": state.access_tokens.values().collect::<Vec<_>>(),
        "clients": state.clients.values().collect::<Vec<_>>(),
        "accounts": state.accounts.values().collect::<Vec<_>>(),
        "grants": state.grants.values().collect::<Vec<_>>(),
        "refreshes": state.refreshes,
        "portals": portals,
        "executions": state.executions,
    }))
}

fn checked(mut seed: Seed) -> Result<Seed, String> {
    seed.portals.iter_mut().try_for_each(Portal::draw)?;
    let records = seed.portals.iter().flat_map(|portal| &portal.objects);
    let mut problems =
        records.flat_map(|(kind, records)| records.iter().filter_map(|record| record.problem(*kind)));
    problems.next().map_or(Ok(()), Err)?;
    seed.accounts.iter().find_map(Account::problem).map_or(Ok(()), Err)?;
    seed.switches.as_ref().and_then(Switches::problem).map_or(Ok(()), Err)?;
    Ok(seed)
}

impl Portal {
    /// Puts the deals that are to be drawn among the records.
    fn draw(&mut self) -> Result<(), String> {
        let Some(wanted) = self.random_deals.take() else { return Ok(()) };
        wanted.problem().map_or(Ok(()), Err)?;
        let drawn: BTreeMap<ObjectType, Vec<Record>> =
            serde_json::from_value(wanted.objects()).map_err(|error| error.to_string())?;
        for (kind, records) in drawn {
            self.objects.entry(kind).or_default().extend(records);
        }
        Ok(())
    }
}

fn add(hubspot: &HubSpot, seed: Seed) {
    let now = hubspot.control().now();
    let mut state = hubspot.state();
    if let Some(switches) = seed.switches {
        state.switches = switches;
    }
    if seed.action_base_url.is_some() {
        state.action_base_url = seed.action_base_url;
    }
    for token in seed.access_tokens {
        state.access_tokens.insert(token.token.clone(), token);
    }
    for client in seed.clients {
        state.clients.insert(client.client_id.clone(), client);
    }
    for account in seed.accounts {
        state.accounts.insert(account.portal_id, account);
    }
    for grant in seed.grants {
        state.grants.insert(grant.refresh_token.clone(), grant);
    }
    for portal in seed.portals {
        if let Some(tax_rates) = portal.tax_rates {
            state.tax_rates.insert(portal.portal_id, tax_rates);
        }
        let records = state.portals.entry(portal.portal_id).or_default();
        for (kind, seeded) in portal.objects {
            seeded.into_iter().for_each(|record| records.put(kind, record, now));
        }
    }
}
