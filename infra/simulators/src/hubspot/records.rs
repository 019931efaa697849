//! What the fake CRM holds: records with string properties, and the associations between them (hubspot.md §6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A kind of record, with its path name and type id (hubspot.md §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ObjectType {
    Companies,
    Contacts,
    Deals,
    LineItems,
    Quotes,
}

/// A record as it is seeded; seeding the same id again replaces it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) id: String,
    /// Strings or null, nothing else: HubSpot knows no other value.
    #[serde(default)]
    pub(super) properties: BTreeMap<String, Option<String>>,
    /// Ids in the order HubSpot returns them; an id named twice stands for two association types.
    #[serde(default)]
    associations: BTreeMap<ObjectType, Vec<String>>,
    /// An archived record answers 404.
    #[serde(default)]
    archived: bool,
}

/// The records of one portal; written as they are seeded, a list per type.
#[derive(Clone, Debug, Default)]
pub(super) struct Records(BTreeMap<ObjectType, BTreeMap<String, Record>>);

/// Associations a read embeds before it sends the reader to the associations endpoint. HubSpot documents no figure
/// (hubspot.md §6.2); this one makes long lists page.
const EMBEDDED_PAGE: usize = 100;

impl ObjectType {
    pub(super) const ALL: [Self; 5] =
        [Self::Companies, Self::Contacts, Self::Deals, Self::LineItems, Self::Quotes];

    /// Reads a path segment or an `associations` name: the plural name or the type id.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text || kind.type_id() == text)
    }

    /// Reads `object.objectType` of the workflow engine.
    pub(super) fn from_workflow(text: &str) -> Option<Self> {
        match text {
            "DEAL" => Some(Self::Deals),
            "QUOTE" => Some(Self::Quotes),
            "CONTACT" => Some(Self::Contacts),
            "COMPANY" => Some(Self::Companies),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts",
            Self::Deals => "deals",
            Self::LineItems => "line_items",
            Self::Quotes => "quotes",
        }
    }

    fn type_id(self) -> &'static str {
        match self {
            Self::Companies => "0-2",
            Self::Contacts => "0-1",
            Self::Deals => "0-3",
            Self::LineItems => "0-8",
            Self::Quotes => "0-14",
        }
    }

    fn singular(self) -> &'static str {
        match self {
            Self::Companies => "company",
            Self::Contacts => "contact",
            Self::Deals => "deal",
            Self::LineItems => "line_item",
            Self::Quotes => "quote",
        }
    }

    /// The key of an embedded list: line items are asked for with an underscore and answered with a space.
    fn embedded_key(self) -> &'static str {
        if self == Self::LineItems { "line items" } else { self.name() }
    }

    /// The scope that reading such a record takes (hubspot.md §5.5).
    pub(super) fn read_scope(self) -> String {
        format!("crm.objects.{}.read", self.name())
    }

    /// Names of the creation and modification date, which come unasked.
    fn date_properties(self) -> [&'static str; 2] {
        match self {
            Self::Contacts => ["createdate", "lastmodifieddate"],
            Self::Quotes => ["hs_createdate", "hs_lastmodifieddate"],
            Self::Companies | Self::Deals | Self::LineItems => ["createdate", "hs_lastmodifieddate"],
        }
    }

    /// Properties every portal has (hubspot.md §6.5): `null` when unset, where a name outside the list and never seeded
    /// is dropped without a word.
    fn standard_properties(self) -> &'static str {
        match self {
            Self::Companies => "name domain phone address address2 city state zip country",
            Self::Contacts => {
                "firstname lastname email phone mobilephone company jobtitle address city state zip country \
                 hs_additional_emails"
            }
            Self::Deals => {
                "dealname amount deal_currency_code closedate dealstage pipeline hs_is_closed_won hubspot_owner_id \
                 description"
            }
            Self::LineItems => {
                "name description hs_sku hs_product_id quantity price discount hs_discount_percentage \
                 hs_pre_discount_amount hs_total_discount amount hs_tax_rate_group_id hs_tax_rate hs_tax_label \
                 hs_tax_category hs_tax_amount hs_auto_tax_amount hs_post_tax_amount tax hs_line_item_currency_code \
                 recurringbillingfrequency hs_recurring_billing_period hs_recurring_billing_start_date \
                 hs_recurring_billing_end_date hs_position_on_quote hs_pricing_model hs_tier_ranges hs_tier_prices \
                 hs_is_optional"
            }
            Self::Quotes => {
                "hs_title hs_quote_number hs_status hs_quote_amount hs_quote_total_preference hs_currency \
                 hs_expiration_date hs_language hs_locale hs_timezone hs_terms hs_comments hs_quote_link hs_locked \
                 hs_template_type hs_payment_enabled hs_payment_type hs_payment_status hs_payment_date \
                 hs_net_payment_terms"
            }
        }
    }
}

/// Association type ids HubSpot defines, of the pairs that can be seeded (hubspot.md §6.3). A deal's company has two:
/// the primary one and the unlabeled one, which come as two rows.
fn association_type_id(from: ObjectType, to: ObjectType) -> Option<u32> {
    use ObjectType::{Companies, Contacts, Deals, LineItems, Quotes};
    match (from, to) {
        (Deals, Contacts) => Some(3),
        (Deals, Companies) => Some(341),
        (Deals, LineItems) => Some(19),
        (Deals, Quotes) => Some(63),
        (Quotes, Contacts) => Some(69),
        (Quotes, Companies) => Some(71),
        (Quotes, Deals) => Some(64),
        (Quotes, LineItems) => Some(67),
        (LineItems, Deals) => Some(20),
        (LineItems, Quotes) => Some(68),
        _ => None,
    }
}

const DEAL_TO_PRIMARY_COMPANY: u32 = 5;

/// One row of an association: a record, once per association type.
struct Row {
    id: String,
    /// The type's name as an embedded list has it.
    name: String,
    /// The type as the associations endpoint has it.
    association_type: Value,
}

impl Record {
    /// What keeps the record from being seeded under a type: an id that is no number, an association HubSpot has not.
    pub(super) fn problem(&self, kind: ObjectType) -> Option<String> {
        if self.id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(format!("{} {:?}: ids are digits", kind.name(), self.id));
        }
        let stray = self.associations.keys().find(|to| association_type_id(kind, **to).is_none())?;
        Some(format!("{} {}: no association to {}", kind.name(), self.id, stray.name()))
    }

    fn rows(&self, kind: ObjectType, to: ObjectType) -> Vec<Row> {
        let ids = self.associations.get(&to).map(Vec::as_slice).unwrap_or_default();
        let type_id = association_type_id(kind, to).unwrap_or_default();
        let name = format!("{}_to_{}", kind.singular(), to.singular());
        let defined =
            |type_id: u32| json!({ "category": "HUBSPOT_DEFINED", "typeId": type_id, "label": null });
        let mut rows = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            let row = |name: String, association_type| Row { id: id.clone(), name, association_type };
            if (kind, to) == (ObjectType::Deals, ObjectType::Companies) {
                if place == 0 {
                    rows.push(row(name.clone(), primary_company()));
                }
                rows.push(row(format!("{name}_unlabeled"), defined(type_id)));
            } else if ids[..place].contains(id) {
                let label = json!({ "category": "USER_DEFINED", "typeId": 28, "label": "Billing contact" });
                rows.push(row(name.clone(), label));
            } else {
                rows.push(row(name.clone(), defined(type_id)));
            }
        }
        rows
    }

    fn embedded(&self, kind: ObjectType, wanted: &[ObjectType]) -> Map<String, Value> {
        let mut lists = Map::new();
        for to in wanted {
            let rows = self.rows(kind, *to);
            if rows.is_empty() {
                continue;
            }
            let results: Vec<Value> = rows
                .iter()
                .take(EMBEDDED_PAGE)
                .map(|row| json!({ "id": row.id, "type": row.name }))
                .collect();
            let mut list = json!({ "results": results });
            if rows.len() > EMBEDDED_PAGE {
                list["paging"] = self.paging(kind, *to, &rows[EMBEDDED_PAGE - 1].id);
            }
            lists.insert(to.embedded_key().to_owned(), list);
        }
        lists
    }

    /// One page of the associations endpoint: every record once, with all its association types.
    pub(super) fn association_page(
        &self,
        kind: ObjectType,
        to: ObjectType,
        limit: usize,
        after: Option<&str>,
    ) -> Value {
        let mut grouped: Vec<(String, Vec<Value>)> = Vec::new();
        for row in self.rows(kind, to) {
            match grouped.iter_mut().find(|(id, _)| *id == row.id) {
                Some((_, types)) => types.push(row.association_type),
                None => grouped.push((row.id, vec![row.association_type])),
            }
        }
        let start = after
            .and_then(|after| grouped.iter().position(|(id, _)| id == after))
            .map_or(0, |place| place + 1);
        let rest = &grouped[start..];
        let page = &rest[..limit.min(rest.len())];
        let results: Vec<Value> =
            page.iter().map(|(id, types)| json!({ "toObjectId": id, "associationTypes": types })).collect();
        let mut answer = json!({ "results": results });
        if let (true, Some((last, _))) = (rest.len() > page.len(), page.last()) {
            answer["paging"] = self.paging(kind, to, last);
        }
        answer
    }

    /// `link` points at HubSpot itself, as it does there: whoever follows it instead of `after` leaves the simulator.
    fn paging(&self, kind: ObjectType, to: ObjectType, last: &str) -> Value {
        let after = STANDARD.encode(last);
        let list = format!("{}/{}/associations/{}", kind.name(), self.id, to.name());
        let link = format!("https://api.hubapi.com/crm/objects/2026-03/{list}?after={after}");
        json!({ "next": { "after": after, "link": link } })
    }
}

fn primary_company() -> Value {
    json!({ "category": "HUBSPOT_DEFINED", "typeId": DEAL_TO_PRIMARY_COMPANY, "label": "Primary" })
}

/// The record id behind an `after` cursor; `None` if it is none of ours.
pub(super) fn cursor(after: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(after).ok()?).ok()
}

impl Serialize for Records {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_map(self.0.iter().map(|(kind, records)| (kind, records.values().collect::<Vec<_>>())))
    }
}

impl Records {
    /// Puts a record in place of any earlier one with its id, dated `now` unless it brings its own dates.
    pub(super) fn put(&mut self, kind: ObjectType, mut record: Record, now: Timestamp) {
        for name in kind.date_properties() {
            record.properties.entry(name.to_owned()).or_insert_with(|| Some(format!("{now:.3}")));
        }
        record.properties.insert("hs_object_id".to_owned(), Some(record.id.clone()));
        self.0.entry(kind).or_default().insert(record.id.clone(), record);
    }

    /// The record, unless it is missing or archived.
    pub(super) fn get(&self, kind: ObjectType, id: &str) -> Option<&Record> {
        self.0.get(&kind)?.get(id).filter(|record| !record.archived)
    }

    /// The record as a read answers it: the asked-for properties and the default ones.
    pub(super) fn view(
        &self,
        kind: ObjectType,
        record: &Record,
        asked: &[String],
        embed: &[ObjectType],
    ) -> Value {
        let [created, updated] = kind.date_properties();
        let default = [created, updated, "hs_object_id"];
        let known = asked.iter().map(String::as_str).filter(|name| self.knows(kind, name));
        let properties: Map<String, Value> = default
            .into_iter()
            .chain(known)
            .map(|name| (name.to_owned(), json!(record.properties.get(name).cloned().flatten())))
            .collect();
        let mut view = json!({
            "id": record.id,
            "createdAt": properties[created],
            "updatedAt": properties[updated],
            "archived": false,
            "properties": properties,
        });
        let lists = record.embedded(kind, embed);
        if !lists.is_empty() {
            view["associations"] = Value::Object(lists);
        }
        view
    }

    /// A property exists when every portal has it, or when a record of the type was seeded with it.
    fn knows(&self, kind: ObjectType, property: &str) -> bool {
        let seeded = || self.0.get(&kind).into_iter().flat_map(BTreeMap::values);
        kind.standard_properties().split(' ').any(|name| name == property)
            || seeded().any(|record| record.properties.contains_key(property))
    }
}
