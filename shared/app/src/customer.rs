//! A customer that is created: one for each address of a company.

use mapping::hubspot::RecordId;
use mapping::quickbooks::{Customer, NewCustomer, RealmId};
use quickbooks::fault::Fault;
use quickbooks::query::{Attribute, Entity};
use quickbooks::{Created, RequestId};
use store::record::Key;

use crate::config::Environment;
use crate::failure::Failure;
use crate::ids::{self, Op};
use crate::order::{Draft, Needed, Seen};
use crate::protocol::Outcome;

/// A customer that an execution needs.
pub(crate) struct Wanted<'a> {
    pub(crate) new: &'a NewCustomer,
    pub(crate) contact: RecordId,
    pub(crate) contact_name: String,
}

impl Wanted<'_> {
    fn address(&self) -> &str {
        &self.new.primary_email_addr.address
    }
}

impl Needed for Wanted<'_> {
    type Row = Customer;

    const OP: Op = Op::Customer;
    const ENTITY: Entity = Entity::Customer;
    const NAME: Attribute = Attribute::DisplayName;

    fn key(&self, environment: Environment, realm: &RealmId) -> Key {
        ids::customer_key(environment, realm, self.address())
    }

    fn draft(&self, taken: bool) -> Draft {
        let new = self.new.clone();
        let new = if taken { new.under_own_name(self.contact) } else { new };
        Draft { body: serde_json::json!(new).to_string(), name: new.display_name }
    }

    async fn create(
        client: quickbooks::Company,
        body: &[u8],
        request_id: &RequestId,
    ) -> Result<Created<Customer>, quickbooks::Error> {
        client.create_customer(body, request_id).await
    }

    fn seen(row: Customer) -> Seen {
        Seen { id: row.id.0, name: row.display_name, active: row.active }
    }

    fn is_it(&self, row: &Customer) -> bool {
        let address = row.primary_email_addr.as_ref().map(|email| email.address.trim().to_lowercase());
        address == Some(self.address().trim().to_lowercase())
    }

    fn refused(&self, fault: &Fault) -> Failure {
        Failure::customer_refused(&self.contact_name, fault)
    }

    /// Another customer has it, a vendor or an employee: then it is the second form of the name.
    fn name_taken(&self, name: &str, _: Vec<Customer>, failure: Failure) -> Outcome {
        match name == self.draft(true).name {
            true => Outcome::Refused(failure),
            false => Outcome::Outdated(failure),
        }
    }
}
