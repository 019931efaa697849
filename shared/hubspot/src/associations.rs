//! What hangs on a record, as HubSpot lists it: embedded in the record (hubspot.md §6.2) or by the associations endpoint
//! (§6.3).

use crate::error::Associated;
use mapping::hubspot::RecordId;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

/// Quote → billing contact, among the types HubSpot defines (hubspot.md §6.3). A portal's own types are numbered apart.
const BILLING_CONTACT: (&str, u32) = ("HUBSPOT_DEFINED", 1226);

/// Deal → primary company, quote → billing company.
const BILLED_COMPANY: [(&str, u32); 2] = [("HUBSPOT_DEFINED", 5), ("HUBSPOT_DEFINED", 1334)];

impl Associated {
    /// The name in paths and in the `associations` of a query (hubspot.md §6.1).
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Companies => "companies",
            Self::LineItems => "line_items",
            Self::Discounts => "discounts",
            Self::Fees => "fees",
            Self::Taxes => "taxes",
            Self::Payments => "commerce_payments",
        }
    }

    /// What the list can be called inside a record: line items have been seen with a space, and type ids stand for names
    /// elsewhere.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Contacts => &["contacts", "0-1"],
            Self::Companies => &["companies", "0-2"],
            Self::LineItems => &["line items", "line_items", "0-8"],
            Self::Discounts => &["discounts", "0-84"],
            Self::Fees => &["fees", "0-85"],
            Self::Taxes => &["taxes", "0-86"],
            Self::Payments => &["commerce_payments", "commerce payments", "payments", "0-101"],
        }
    }
}

/// The lists inside a record.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Embedded(BTreeMap<String, Page<EmbeddedRow>>);

impl Embedded {
    /// The ids on the embedded page, each once, as HubSpot lists them.
    pub(crate) fn ids(&self, what: Associated) -> Vec<RecordId> {
        each_once(self.lists(what).flat_map(|list| &list.results).map(|row| row.id))
    }

    /// Are there further pages?
    pub(crate) fn has_more(&self, what: Associated) -> bool {
        self.lists(what).any(|list| list.after().is_some())
    }

    fn lists(&self, what: Associated) -> impl Iterator<Item = &Page<EmbeddedRow>> {
        what.keys().iter().filter_map(|&key| self.0.get(key))
    }
}

#[derive(Deserialize)]
struct EmbeddedRow {
    id: RecordId,
}

/// One row of the associations endpoint.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    pub(crate) to_object_id: RecordId,
    #[serde(default)]
    association_types: Vec<AssociationType>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssociationType {
    category: String,
    type_id: u32,
}

impl Listed {
    fn is_one_of(&self, types: &[(&str, u32)]) -> bool {
        self.association_types.iter().any(|kind| types.contains(&(kind.category.as_str(), kind.type_id)))
    }
}

/// Who pays for a quote: its billing contact, else the first as HubSpot lists them.
pub(crate) fn billed(contacts: &[Listed]) -> Option<RecordId> {
    let billing = contacts.iter().find(|listed| listed.is_one_of(&[BILLING_CONTACT]));
    billing.or(contacts.first()).map(|listed| listed.to_object_id)
}

/// Which company pays: a deal's primary one or a quote's billing one; else all there are.
pub(crate) fn billed_companies(companies: &[Listed]) -> Vec<RecordId> {
    match companies.iter().find(|listed| listed.is_one_of(&BILLED_COMPANY)) {
        Some(billed) => vec![billed.to_object_id],
        None => each_once(companies.iter().map(|listed| listed.to_object_id)),
    }
}

/// One row per association type means the same id several times (hubspot.md §6.2).
pub(crate) fn each_once(ids: impl IntoIterator<Item = RecordId>) -> Vec<RecordId> {
    let mut seen = HashSet::new();
    ids.into_iter().filter(|&id| seen.insert(id)).collect()
}

/// A part of a list.
#[derive(Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) results: Vec<T>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    after: String,
}

impl<T> Page<T> {
    /// The cursor of the next page. HubSpot sends a link too, but following it would send the token wherever it points.
    pub(crate) fn after(&self) -> Option<&str> {
        Some(&self.paging.as_ref()?.next.as_ref()?.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(rows: Value, expected: Option<u64>) {
        let rows: Vec<Listed> = serde_json::from_value(rows).unwrap();
        assert_eq!(billed(&rows), expected.map(RecordId));
    }

    #[test]
    fn the_billing_contact_is_billed_else_the_first_listed() {
        let row = |id: &str, types: &[(&str, u32)]| {
            let types: Vec<Value> = types
                .iter()
                .map(|(category, id)| json!({"category": category, "typeId": id, "label": null}))
                .collect();
            json!({"toObjectId": id, "associationTypes": types})
        };
        let plain = ("HUBSPOT_DEFINED", 69);
        check(json!([row("501", &[plain]), row("502", &[plain, BILLING_CONTACT])]), Some(502));
        check(json!([row("501", &[plain]), row("502", &[("HUBSPOT_DEFINED", 702)])]), Some(501));
        check(json!([row("501", &[plain]), row("502", &[("USER_DEFINED", 1226)])]), Some(501));
        check(json!([{"toObjectId": 501}]), Some(501));
        check(json!([]), None);
    }

    #[test]
    fn the_primary_or_billing_company_is_billed_else_a_person_must_choose() {
        let check = |rows: Value, expected: &[u64]| {
            let rows: Vec<Listed> = serde_json::from_value(rows).unwrap();
            let ids: Vec<u64> = billed_companies(&rows).into_iter().map(|id| id.0).collect();
            assert_eq!(ids, expected);
        };
        let row = |id: &str, types: &[u32]| {
            let types = types.iter().map(|id| json!({"category": "HUBSPOT_DEFINED", "typeId": id}));
            json!({"toObjectId": id, "associationTypes": types.collect::<Vec<_>>()})
        };
        check(json!([row("701", &[341]), row("702", &[5, 341])]), &[702]);
        check(json!([row("701", &[71]), row("702", &[71, 1334])]), &[702]);
        check(json!([row("701", &[341]), row("702", &[341]), row("701", &[341])]), &[701, 702]);
        check(json!([row("701", &[341])]), &[701]);
        check(json!([]), &[]);
    }

    #[test]
    fn a_list_is_found_under_each_of_its_names() {
        for what in [
            Associated::Contacts,
            Associated::Companies,
            Associated::LineItems,
            Associated::Discounts,
            Associated::Fees,
            Associated::Payments,
        ] {
            for key in what.keys() {
                let embedded: Embedded =
                    serde_json::from_value(json!({*key: {"results": [{"id": "7"}]}})).unwrap();
                assert_eq!(embedded.ids(what), [RecordId(7)], "{key}");
            }
            assert!(what.keys().contains(&what.path()));
        }
    }
}
