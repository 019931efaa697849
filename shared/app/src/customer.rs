//! A customer that is created: one for each address, and for each name of a HubSpot company that is billed.

use mapping::quickbooks::{Customer, NewCustomer, RealmId};
use mapping::sale::{self, Buyer};
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
    pub(crate) buyer: &'a Buyer,
}

impl Needed for Wanted<'_> {
    type Row = Customer;

    const OP: Op = Op::Customer;
    const ENTITY: Entity = Entity::Customer;
    const NAME: Attribute = Attribute::DisplayName;

    fn key(&self, environment: Environment, realm: &RealmId) -> Key {
        match &self.new.primary_email_addr {
            Some(email) => ids::customer_key(environment, realm, &email.address),
            None => ids::company_key(environment, realm, &self.new.display_name),
        }
    }

    fn draft(&self, taken: bool) -> Draft {
        let new = self.new.clone();
        let new = if taken { new.under_own_name(self.buyer.id.record()) } else { new };
        Draft { body: serde_json::json!(new).to_string(), name: new.display_name }
    }

    async fn create(
        client: quickbooks::Company,
        body: &[u8],
        request_id: &RequestId,
    ) -> Result<Created<Customer>, quickbooks::Error> {
        client.create_customer(body, request_id).await
    }

    fn seen(row: &Customer) -> Seen {
        Seen { id: row.id.0.clone(), name: row.display_name.clone() }
    }

    fn is_it(&self, row: &Customer) -> bool {
        row.active && self.has_its_address(row)
    }

    /// Its address may have been corrected, or its name: not both, which makes it another person's.
    fn is_still(&self, row: &Customer) -> bool {
        let named = |given: &Option<String>, family: &Option<String>| [given, family].map(folded_name);
        let is_namesake =
            named(&row.given_name, &row.family_name) == named(&self.new.given_name, &self.new.family_name);
        row.active && (self.has_its_address(row) || is_namesake)
    }

    fn refused(&self, fault: &Fault) -> Failure {
        Failure::customer_refused(&self.buyer.label(), fault)
    }

    /// Another customer has it, a vendor or an employee: then it is the second form of the name. The same person's customer
    /// may be inactive: whether it is to come back is for people to say.
    fn name_taken(&self, name: &str, rows: Vec<Customer>, failure: Failure) -> Outcome {
        let inactive = rows.iter().find(|row| !row.active && self.has_its_address(row));
        if let Some(row) = inactive {
            return Outcome::Refused(Failure::customer_inactive(&self.buyer.label(), &row.display_name));
        }
        match name == self.draft(true).name {
            true => Outcome::Refused(failure),
            false => Outcome::Outdated(failure),
        }
    }
}

impl Wanted<'_> {
    /// A company has nothing but its name.
    fn has_its_address(&self, row: &Customer) -> bool {
        let Some(ours) = self.new.primary_email_addr.as_ref().map(|email| folded(&email.address)) else {
            return true;
        };
        let theirs = row.primary_email_addr.as_ref().map_or("", |email| &email.address);
        sale::emails(theirs).any(|email| folded(email) == ours)
    }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn folded_name(name: &Option<String>) -> String {
    name.as_deref().map(folded).unwrap_or_default()
}
