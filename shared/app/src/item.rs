//! An item that is created: one for each name of a company.

use mapping::hubspot::RecordKind;
use mapping::item;
use mapping::problem::{LineLabel, Problem};
use mapping::quickbooks::{Item, NewItem, RealmId};
use quickbooks::fault::Fault;
use quickbooks::query::{Attribute, Entity};
use quickbooks::{Created, RequestId};
use store::record::Key;

use crate::config::Environment;
use crate::failure::Failure;
use crate::ids::{self, Op};
use crate::order::{Draft, Needed, Seen};
use crate::protocol::Outcome;

/// An item that an execution needs.
pub(crate) struct Wanted<'a> {
    pub(crate) new: &'a NewItem,
    /// The first line it is for.
    pub(crate) line: LineLabel,
    /// What the line is of.
    pub(crate) record: RecordKind,
}

impl Needed for Wanted<'_> {
    type Row = Item;

    const OP: Op = Op::Item;
    const ENTITY: Entity = Entity::Item;
    const NAME: Attribute = Attribute::Name;

    fn key(&self, environment: Environment, realm: &RealmId) -> Key {
        ids::item_key(environment, realm, &self.new.name)
    }

    /// An item has no second name: who finds the first taken takes that item.
    fn draft(&self, _: bool) -> Draft {
        Draft { body: serde_json::json!(self.new).to_string(), name: self.new.name.clone() }
    }

    async fn create(
        client: quickbooks::Company,
        body: &[u8],
        request_id: &RequestId,
    ) -> Result<Created<Item>, quickbooks::Error> {
        client.create_item(body, request_id).await
    }

    fn seen(row: &Item) -> Seen {
        Seen { id: row.id.0.clone(), name: row.name.clone() }
    }

    fn is_it(&self, row: &Item) -> bool {
        item::is_namesake(row, &self.new.name) && item::reason_against(row).is_none()
    }

    /// It may stand in another category by now.
    fn is_still(&self, row: &Item) -> bool {
        row.name.to_lowercase() == self.new.name.to_lowercase() && item::reason_against(row).is_none()
    }

    fn refused(&self, fault: &Fault) -> Failure {
        Failure::item_refused(&self.new.name, fault)
    }

    /// By a category or a bundle, which cannot be sold.
    fn name_taken(&self, name: &str, rows: Vec<Item>, failure: Failure) -> Outcome {
        let holder = rows.into_iter().find(|row| item::is_namesake(row, name));
        let unusable = holder.and_then(|row| Some((item::reason_against(&row)?, row.name)));
        Outcome::Refused(unusable.map_or(failure, |(reason, item)| {
            let problem = Problem::ItemUnusable { line: self.line.clone(), item, reason };
            Failure::problems(self.record, &[problem])
        }))
    }
}
