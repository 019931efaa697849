//! Which records hang on a record, and by which association types (hubspot.md §6.2, §6.3).
//!
//! The endpoint and an embedded list tell different things. The endpoint has a record once, with the id and label of each
//! type. An embedded list has a row per type, with nothing but a name; HubSpot documents the names of few types, so here
//! all types of a pair but a deal's companies share one: who must know a quote's billing contact asks the endpoint.

use super::object_type::ObjectType;
use super::switches::{AssociationOrder, Switches, ToObjectId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A record's associations as they are seeded, in the order HubSpot returns them.
pub(super) type Associations = BTreeMap<ObjectType, Vec<Association>>;

/// One associated record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Association {
    /// Has the type a pair has without a label; named a second time, it has a label of the portal's own as well.
    Plain(String),
    /// Has the types named.
    Typed(Typed),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    id: String,
    type_ids: Vec<u32>,
}

const DEAL_TO_PRIMARY_COMPANY: u32 = 5;
const DEAL_TO_COMPANY: u32 = 341;
/// A label the portal's people made; any pair may have it.
const OWN_LABEL: u32 = 28;

/// Association types HubSpot defines, of the pairs that can be seeded (hubspot.md §6.3). The first is a plain id's.
fn defined_types(from: ObjectType, to: ObjectType) -> &'static [u32] {
    use ObjectType::{
        CommercePayments, Companies, Contacts, Deals, Discounts, Fees, LineItems, Quotes, Taxes,
    };
    match (from, to) {
        (Deals, Contacts) => &[3],
        (Deals, Companies) => &[DEAL_TO_COMPANY, DEAL_TO_PRIMARY_COMPANY],
        (Deals, LineItems) => &[19],
        (Deals, Quotes) => &[63],
        (Deals, CommercePayments) => &[392],
        // Any contact, the billing contact, a signer.
        (Quotes, Contacts) => &[69, 1226, 702],
        // Any company, the billing company.
        (Quotes, Companies) => &[71, 1334],
        (Quotes, Deals) => &[64],
        (Quotes, LineItems) => &[67],
        (Quotes, Discounts) => &[362],
        (Quotes, Fees) => &[364],
        (Quotes, Taxes) => &[366],
        (Quotes, CommercePayments) => &[398],
        (LineItems, Deals) => &[20],
        (LineItems, Quotes) => &[68],
        (LineItems, Discounts) => &[368],
        (CommercePayments, Deals) => &[391],
        (CommercePayments, Quotes) => &[397],
        (CommercePayments, Contacts) => &[387],
        (CommercePayments, Companies) => &[389],
        (CommercePayments, LineItems) => &[395],
        _ => &[],
    }
}

/// Whether HubSpot has a type for such a pair.
pub(super) fn are_possible(from: ObjectType, to: ObjectType) -> bool {
    !defined_types(from, to).is_empty()
}

impl Association {
    /// The associated record.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Plain(id) => id,
            Self::Typed(typed) => &typed.id,
        }
    }
}

/// What HubSpot has no association type for, in words.
pub(super) fn problem(kind: ObjectType, associations: &Associations) -> Option<String> {
    associations.iter().find_map(|(to, list)| {
        let defined = defined_types(kind, *to);
        if defined.is_empty() {
            return Some(format!("no association to {}", to.name()));
        }
        list.iter().find_map(|association| match association {
            Association::Plain(_) => None,
            Association::Typed(Typed { id, type_ids }) if type_ids.is_empty() => {
                Some(format!("{id} of {} has no type_ids", to.name()))
            }
            Association::Typed(Typed { type_ids, .. }) => {
                let stray = type_ids.iter().find(|id| **id != OWN_LABEL && !defined.contains(id))?;
                Some(format!("no association type {stray} to {}", to.name()))
            }
        })
    })
}

/// One row of an association: a record, once per association type.
struct Row<'a> {
    id: &'a str,
    type_id: u32,
}

impl Row<'_> {
    /// The type as the associations endpoint has it.
    fn association_type(&self) -> Value {
        let (category, label) = match self.type_id {
            OWN_LABEL => ("USER_DEFINED", Some("Billing contact")),
            DEAL_TO_PRIMARY_COMPANY => ("HUBSPOT_DEFINED", Some("Primary")),
            _ => ("HUBSPOT_DEFINED", None),
        };
        json!({ "category": category, "typeId": self.type_id, "label": label })
    }

    /// The row as an embedded list has it.
    fn embedded(&self, kind: ObjectType, to: ObjectType) -> Value {
        let suffix = if self.type_id == DEAL_TO_COMPANY { "_unlabeled" } else { "" };
        json!({ "id": self.id, "type": format!("{}_to_{}{suffix}", kind.singular(), to.singular()) })
    }
}

/// A record's own side of its associations.
pub(super) struct Side<'a> {
    pub(super) kind: ObjectType,
    pub(super) id: &'a str,
    pub(super) associations: &'a Associations,
}

impl Side<'_> {
    fn rows(&self, to: ObjectType, switches: &Switches) -> Vec<Row<'_>> {
        let list = self.associations.get(&to).map(Vec::as_slice).unwrap_or_default();
        let mut rows = Vec::new();
        for (place, association) in list.iter().enumerate() {
            let type_ids = match association {
                Association::Typed(typed) => typed.type_ids.clone(),
                Association::Plain(id) => self.plain_types(to, id, &list[..place]),
            };
            rows.extend(type_ids.into_iter().map(|type_id| Row { id: association.id(), type_id }));
        }
        if switches.association_order == AssociationOrder::Reversed {
            rows.reverse();
        }
        rows
    }

    fn plain_types(&self, to: ObjectType, id: &str, before: &[Association]) -> Vec<u32> {
        if before.iter().any(|association| association.id() == id) {
            return vec![OWN_LABEL];
        }
        let unlabeled = defined_types(self.kind, to)[0];
        let is_first_company = unlabeled == DEAL_TO_COMPANY && before.is_empty();
        if is_first_company { vec![DEAL_TO_PRIMARY_COMPANY, unlabeled] } else { vec![unlabeled] }
    }

    /// The lists a read embeds, by their keys; types without records are left out. HubSpot documents no figure for how long
    /// such a list is before the reader is sent to the associations endpoint (hubspot.md §6.2).
    pub(super) fn embedded(&self, wanted: &[ObjectType], switches: &Switches) -> Map<String, Value> {
        let mut lists = Map::new();
        for to in wanted {
            let rows = self.rows(*to, switches);
            if rows.is_empty() {
                continue;
            }
            let shown = &rows[..switches.embedded_page.min(rows.len())];
            let results: Vec<Value> = shown.iter().map(|row| row.embedded(self.kind, *to)).collect();
            let mut list = json!({ "results": results });
            if let (true, Some(last)) = (rows.len() > shown.len(), shown.last()) {
                list["paging"] = self.paging(*to, last.id);
            }
            let is_line_items = *to == ObjectType::LineItems;
            let key = if is_line_items { switches.line_items_key.name() } else { to.name() };
            lists.insert(key.to_owned(), list);
        }
        lists
    }

    /// One page of the associations endpoint: every record once, with all its association types; `None` when `after` names
    /// none of them.
    pub(super) fn page(
        &self,
        to: ObjectType,
        limit: usize,
        after: Option<&str>,
        switches: &Switches,
    ) -> Option<Value> {
        let rows = self.rows(to, switches);
        let mut grouped: Vec<(&str, Vec<Value>)> = Vec::new();
        for row in &rows {
            match grouped.iter_mut().find(|(id, _)| *id == row.id) {
                Some((_, types)) => types.push(row.association_type()),
                None => grouped.push((row.id, vec![row.association_type()])),
            }
        }
        let start = match after {
            Some(after) => grouped.iter().position(|(id, _)| *id == after)? + 1,
            None => 0,
        };
        let rest = &grouped[start..];
        let page = &rest[..limit.min(rest.len())];
        let written = |id: &str| match (switches.to_object_id, id.parse::<u64>()) {
            (ToObjectId::Number, Ok(number)) => json!(number),
            _ => json!(id),
        };
        let results: Vec<Value> = page
            .iter()
            .map(|(id, types)| json!({ "toObjectId": written(id), "associationTypes": types }))
            .collect();
        let mut answer = json!({ "results": results });
        if let (true, Some((last, _))) = (rest.len() > page.len(), page.last()) {
            answer["paging"] = self.paging(to, last);
        }
        Some(answer)
    }

    /// `link` points at HubSpot itself, as it does there: whoever follows it instead of `after` leaves the simulator.
    fn paging(&self, to: ObjectType, last: &str) -> Value {
        let after = STANDARD.encode(last);
        let list = format!("{}/{}/associations/{}", self.kind.name(), self.id, to.name());
        let link = format!("https://api.hubapi.com/crm/objects/2026-03/{list}?after={after}");
        json!({ "next": { "after": after, "link": link } })
    }
}

/// The record id behind an `after` cursor; `None` if it is none of ours.
pub(super) fn cursor(after: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(after).ok()?).ok()
}
