//! A contact's customer: the one it is linked to, else the one with its e-mail, else the one with its name, else a new one.
//!
//! Inactive customers never match. QuickBooks renames them (“… (deleted)”), so their names are free again.
//!
//! Why may a contact lack an e-mail or a name at all? It may not when a customer has to be created or told apart; once a
//! customer is certain, nothing is missing.

use crate::hubspot::RecordId;
use crate::lookup::{Answers, LinkedCustomer};
use crate::money::Currency;
use crate::problem::{Lack, Problem};
use crate::quickbooks::{Address, Customer, CustomerId, Email, NewCustomer, Phone, Ref};
use crate::sale::{Buyer, RecordRef};
use crate::text::{cut, fold, length};
use std::collections::BTreeMap;

/// QuickBooks documents 500 characters for a `DisplayName`, its own pages enforce 100 (quickbooks.md §2.6).
const DISPLAY_NAME_LIMIT: usize = 100;

/// The customer of a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one per execution; a box would only be in the way of matching"
)]
pub enum CustomerFound {
    /// It is there.
    Existing {
        /// Its id.
        id: CustomerId,
        /// Its display name.
        name: String,
        /// The step that decided: never [`CustomerMatch::Created`].
        matched: CustomerMatch,
    },
    /// It has to be created.
    Missing(NewCustomer),
}

impl CustomerFound {
    /// The display name it has or will have.
    pub fn name(&self) -> &str {
        match self {
            Self::Existing { name, .. } => name,
            Self::Missing(new) => &new.display_name,
        }
    }

    /// The step that decided.
    pub fn matched(&self) -> CustomerMatch {
        match self {
            Self::Existing { matched, .. } => *matched,
            Self::Missing(_) => CustomerMatch::Created,
        }
    }
}

/// The step that decided on a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerMatch {
    /// Remembered from an earlier execution.
    Link,
    /// The contact's e-mail is the customer's.
    Email,
    /// The contact's name is the customer's, and the customer has no e-mail.
    Name,
    /// None was found.
    Created,
}

impl CustomerMatch {
    /// The value of the output `customer_match` (contract.md §3).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Email => "email",
            Self::Name => "name",
            Self::Created => "created",
        }
    }
}

impl NewCustomer {
    /// The same customer under the name `First Last (HS <contact id>)`, the same at every attempt: for when a vendor,
    /// an employee or another customer has the plain name (6240). Cut in front of the id to fit.
    pub fn under_own_name(mut self, contact: RecordId) -> Self {
        let suffix = format!(" (HS {contact})");
        let plain = self.display_name.strip_suffix(&suffix).unwrap_or(&self.display_name);
        self.display_name = format!("{}{suffix}", cut(plain, DISPLAY_NAME_LIMIT - length(&suffix)));
        self
    }
}

/// The `DisplayName` a buyer's customer has when it is called after the contact: ≤ 100 characters.
pub(crate) fn display_name(buyer: &Buyer) -> Option<String> {
    buyer.full_name().map(|name| cut(&name, DISPLAY_NAME_LIMIT).to_owned())
}

/// The contact whose customer is sought, and what it is sought for.
pub(crate) struct Sought<'a> {
    pub(crate) record: &'a RecordRef,
    pub(crate) buyer: &'a Buyer,
    pub(crate) refused_email: Option<String>,
    pub(crate) currency: Option<&'a Currency>,
}

impl Sought<'_> {
    /// The chain of product.md §3.
    pub(crate) fn find(
        &self,
        link: Option<&LinkedCustomer>,
        answers: &Answers,
    ) -> Result<CustomerFound, Problem> {
        if let Some(LinkedCustomer { id, name, .. }) = link {
            // The address would be refused on the document too (2210).
            let lacks = self.refused_email.iter().cloned().map(Lack::UsableEmail).collect::<Vec<_>>();
            let known =
                CustomerFound::Existing { id: id.clone(), name: name.clone(), matched: CustomerMatch::Link };
            return if lacks.is_empty() { Ok(known) } else { Err(self.incomplete(lacks)) };
        }
        if self.refused_email.is_some() {
            return Err(self.incomplete(self.lacks()));
        }
        let known = active(answers);
        if let Some(customer) = self.by_email(&known)? {
            return self.existing(customer, CustomerMatch::Email);
        }
        match self.by_name(&known) {
            Some(customer) if emails(customer).next().is_none() => {
                self.existing(customer, CustomerMatch::Name)
            }
            Some(_) => Ok(CustomerFound::Missing(self.new_customer()?.under_own_name(self.buyer.contact_id))),
            None => Ok(CustomerFound::Missing(self.new_customer()?)),
        }
    }

    fn by_email<'c>(&self, known: &[&'c Customer]) -> Result<Option<&'c Customer>, Problem> {
        let Some(email) = self.buyer.email.as_deref().map(fold) else { return Ok(None) };
        let same_email: Vec<_> =
            known.iter().copied().filter(|c| emails(c).any(|other| other == email)).collect();
        // Who is billed in several currencies is a customer for each.
        let in_currency: Vec<_> = same_email.iter().copied().filter(|c| self.is_in_currency(c)).collect();
        let same_email = if in_currency.is_empty() { same_email } else { in_currency };
        let same_person: Vec<_> = same_email.iter().copied().filter(|c| self.is_person(c)).collect();
        match (same_email.as_slice(), same_person.as_slice()) {
            ([], _) => Ok(None),
            ([only], _) | (_, [only]) => Ok(Some(only)),
            (several, _) => Err(Problem::CustomerAmbiguous {
                contact: self.label(),
                candidates: several.iter().map(|customer| customer.display_name.clone()).collect(),
            }),
        }
    }

    fn is_person(&self, customer: &Customer) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| folded(a) == folded(b);
        same(&self.buyer.first_name, &customer.given_name)
            && same(&self.buyer.last_name, &customer.family_name)
    }

    fn is_in_currency(&self, customer: &Customer) -> bool {
        match (self.currency, &customer.currency_ref) {
            (Some(currency), Some(of_customer)) => currency.as_str() == of_customer.value,
            _ => true,
        }
    }

    /// Display names are unique (6240), so there is one at most.
    fn by_name<'c>(&self, known: &[&'c Customer]) -> Option<&'c Customer> {
        let name = fold(&display_name(self.buyer)?);
        known.iter().copied().find(|customer| fold(&customer.display_name) == name)
    }

    fn existing(&self, customer: &Customer, matched: CustomerMatch) -> Result<CustomerFound, Problem> {
        let Customer { id, display_name, currency_ref, .. } = customer;
        match (self.currency, currency_ref) {
            (Some(currency), Some(of_customer)) if !self.is_in_currency(customer) => {
                Err(Problem::CurrencyMismatch {
                    record: self.record.name.clone(),
                    currency: currency.clone(),
                    customer: display_name.clone(),
                    customer_currency: of_customer.value.clone(),
                })
            }
            _ => Ok(CustomerFound::Existing { id: id.clone(), name: display_name.clone(), matched }),
        }
    }

    fn new_customer(&self) -> Result<NewCustomer, Problem> {
        let (Some(display_name), Some(email)) = (display_name(self.buyer), &self.buyer.email) else {
            return Err(self.incomplete(self.lacks()));
        };
        let Buyer { first_name, last_name, phone, address, .. } = self.buyer;
        Ok(NewCustomer {
            display_name,
            given_name: first_name.clone(),
            family_name: last_name.clone(),
            primary_email_addr: Email { address: email.clone() },
            primary_phone: phone.clone().map(|free_form_number| Phone { free_form_number }),
            bill_addr: Some(address.clone()).filter(|address| *address != Address::default()),
            currency_ref: self.currency.map(|currency| Ref::to(currency.to_string())),
        })
    }

    /// What creating a customer would lack.
    fn lacks(&self) -> Vec<Lack> {
        let email = match (&self.buyer.email, &self.refused_email) {
            (Some(_), _) => None,
            (None, Some(refused)) => Some(Lack::UsableEmail(refused.clone())),
            (None, None) => Some(Lack::Email),
        };
        let name = self.buyer.full_name().is_none().then_some(Lack::Name);
        email.into_iter().chain(name).collect()
    }

    fn incomplete(&self, lacks: Vec<Lack>) -> Problem {
        Problem::ContactIncomplete { contact: self.label(), lacks }
    }

    /// A refused address still tells a person which contact is meant.
    fn label(&self) -> String {
        let by_refused_email = self.refused_email.clone().filter(|_| self.buyer.full_name().is_none());
        by_refused_email.unwrap_or_else(|| self.buyer.label())
    }
}

/// Each active customer once.
fn active(answers: &Answers) -> Vec<&Customer> {
    let all = answers.customers_by_email.iter().chain(&answers.customers_by_name);
    let by_id: BTreeMap<&CustomerId, &Customer> = all.map(|customer| (&customer.id, customer)).collect();
    by_id.into_values().filter(|customer| customer.active).collect()
}

/// The addresses of a customer; some companies keep several in one field, separated by commas (quickbooks.md §2.6).
fn emails(customer: &Customer) -> impl Iterator<Item = String> {
    let field = customer.primary_email_addr.as_ref().map_or("", |email| &email.address);
    field.split(',').map(fold).filter(|email| !email.is_empty())
}

fn folded(text: &Option<String>) -> String {
    text.as_deref().map(fold).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hubspot::Enrolled;
    use crate::item::MissingItem;
    use crate::lookup::{Links, Matched};
    use crate::sale;
    use crate::settings::Settings;
    use crate::testing::{contact_with, customer, deal, over, settled, widget, widget_line};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn ana() -> Value {
        json!({"firstname": "Ana", "lastname": "Trujillo", "email": "ana@harbour.example"})
    }

    fn settle(contact: Value, links: Links, customers: &[Value]) -> Result<Matched, Vec<Problem>> {
        let enrolled = Enrolled { contact: Some(contact_with(contact)), ..deal([widget_line()]) };
        // Both answers hold all of them: what fits is decided here, not by what was asked.
        let customers: Vec<Customer> = customers.iter().cloned().map(customer).collect();
        let answers = Answers {
            customers_by_email: customers.clone(),
            customers_by_name: customers,
            items: vec![widget()],
            ..Answers::default()
        };
        sale::read(&enrolled).settle(&links, &answers, &Settings::default(), MissingItem::Refuse)
    }

    /// `expected`: `<match> <id>`, `created <display name>`, or the problem's debug form.
    fn check(contact: Value, customers: &[Value], expected: &str) {
        let found = match settle(contact, Links::default(), customers).map(|matched| matched.customer) {
            Ok(CustomerFound::Existing { id, matched, .. }) => format!("{} {id}", matched.as_str()),
            Ok(CustomerFound::Missing(new)) => format!("created {}", new.display_name),
            Err(problems) => format!("{problems:?}"),
        };
        assert_eq!(found, expected);
    }

    fn known(id: &str, name: &str, email: &str) -> Value {
        json!({"Id": id, "DisplayName": name, "PrimaryEmailAddr": {"Address": email}})
    }

    #[test]
    fn the_customer_with_the_contacts_e_mail_is_used() {
        check(ana(), &[known("58", "Harbour Ltd", "Ana@Harbour.example ")], "email 58");
        check(
            ana(),
            &[known("58", "Harbour Ltd", "office@harbour.example, ana@harbour.example")],
            "email 58",
        );
        check(
            ana(),
            &[known("58", "Ana Trujillo", ""), known("59", "Harbour", "ana@harbour.example")],
            "email 59",
        );
        let nameless = json!({"email": "ana@harbour.example"});
        check(nameless, &[known("58", "Harbour Ltd", "ana@harbour.example")], "email 58");
    }

    #[test]
    fn of_several_customers_with_one_e_mail_the_namesake_is_used() {
        let named = |id, given: &str, family: &str| {
            let names = json!({"GivenName": given, "FamilyName": family});
            over(known(id, &format!("Customer {id}"), "ana@harbour.example"), names)
        };
        check(ana(), &[named("58", "Ana", "Soto"), named("59", "ANA", "Trujillo")], "email 59");
        let ambiguous = "[CustomerAmbiguous { contact: \"Ana Trujillo\", candidates: [\"Customer 58\", \"Customer 59\"] }]";
        check(ana(), &[named("58", "Ana", "Soto"), named("59", "Eva", "Trujillo")], ambiguous);
        check(ana(), &[named("58", "Ana", "Trujillo"), named("59", "Ana", "Trujillo")], ambiguous);
    }

    #[test]
    fn a_customer_of_the_same_name_without_e_mail_is_used() {
        check(ana(), &[json!({"Id": "58", "DisplayName": "ana  trujillo"})], "name 58");
        check(json!({"firstname": "Ana"}), &[json!({"Id": "58", "DisplayName": "Ana"})], "name 58");
    }

    #[test]
    fn a_name_taken_by_someone_elses_customer_is_told_apart_by_the_contact() {
        check(ana(), &[known("58", "Ana Trujillo", "other@example.com")], "created Ana Trujillo (HS 501)");
        let crowded = known("58", &"å".repeat(100), "other@example.com");
        let long = over(ana(), json!({"firstname": "å".repeat(140), "lastname": null}));
        check(long, &[crowded], &format!("created {} (HS 501)", "å".repeat(91)));
    }

    #[test]
    fn an_unknown_contact_becomes_a_new_customer() {
        check(ana(), &[], "created Ana Trujillo");
        check(over(ana(), json!({"firstname": null})), &[], "created Trujillo");
        check(
            over(ana(), json!({"firstname": "O'Brien & Søn: \"Ltd\""})),
            &[],
            "created O'Brien & Søn \"Ltd\" Trujillo",
        );
        let inactive = over(known("58", "Ana Trujillo", "ana@harbour.example"), json!({"Active": false}));
        check(ana(), &[inactive], "created Ana Trujillo");
    }

    #[test]
    fn a_contact_that_cannot_become_a_customer_says_what_it_lacks() {
        let lacks = |contact: &str, lacks: &str| {
            format!("[ContactIncomplete {{ contact: {contact:?}, lacks: [{lacks}] }}]")
        };
        check(json!({"firstname": "Ana"}), &[], &lacks("Ana", "Email"));
        check(json!({"email": "ana@harbour.example"}), &[], &lacks("ana@harbour.example", "Name"));
        check(json!({"firstname": ":", "lastname": " "}), &[], &lacks("501", "Email, Name"));
        check(
            over(ana(), json!({"firstname": "🎁", "lastname": null})),
            &[],
            &lacks("ana@harbour.example", "Name"),
        );
        check(
            json!({"firstname": "Ana"}),
            &[known("58", "Ana", "other@example.com")],
            &lacks("Ana", "Email"),
        );
        check(
            over(ana(), json!({"email": "ana at harbour"})),
            &[],
            &lacks("Ana Trujillo", "UsableEmail(\"ana at harbour\")"),
        );
        check(json!({"email": "@ @"}), &[], &lacks("@ @", "UsableEmail(\"@ @\"), Name"));
        let long = format!("{}@harbour.example", "a".repeat(85));
        check(
            over(ana(), json!({"email": long})),
            &[],
            &lacks("Ana Trujillo", &format!("UsableEmail({long:?})")),
        );
    }

    #[test]
    fn a_linked_customer_needs_no_look_up_and_no_complete_contact() {
        let linked = |contact| {
            let customer =
                LinkedCustomer { id: CustomerId("58".into()), name: "Harbour Ltd".into(), currency: None };
            let links = Links { customer: Some(customer), ..Links::default() };
            settle(contact, links, &[known("59", "Ana Trujillo", "ana@harbour.example")])
        };
        let found = linked(json!({"firstname": "Ana"})).unwrap().customer;
        assert_eq!((found.name(), found.matched()), ("Harbour Ltd", CustomerMatch::Link));
        let lacks = vec![Lack::UsableEmail("nonsense".into())];
        let refused = Problem::ContactIncomplete { contact: "nonsense".into(), lacks };
        assert_eq!(linked(json!({"email": "nonsense"})).unwrap_err(), [refused]);
    }

    #[test]
    fn a_customer_in_another_currency_is_not_billed() {
        let line = over(widget_line(), json!({"hs_line_item_currency_code": "EUR"}));
        let settle = |of_customer| {
            let euro =
                over(known("58", "Harbour Ltd", "ana@harbour.example"), json!({"CurrencyRef": of_customer}));
            let answers = Answers {
                customers_by_email: vec![customer(euro)],
                items: vec![widget()],
                ..Answers::default()
            };
            sale::read(&deal([line.clone()])).settle(
                &Links::default(),
                &answers,
                &Settings::default(),
                MissingItem::Refuse,
            )
        };
        assert!(settle(json!({"value": "EUR"})).is_ok());
        assert!(settle(json!(null)).is_ok());
        let mismatch = Problem::CurrencyMismatch {
            record: "Harbour kiosk".into(),
            currency: "EUR".parse().unwrap(),
            customer: "Harbour Ltd".into(),
            customer_currency: "USD".into(),
        };
        assert_eq!(settle(json!({"value": "USD"})).unwrap_err(), [mismatch]);
    }

    #[test]
    fn a_new_customer_carries_what_hubspot_knows() {
        let contact = over(
            ana(),
            json!({"phone": "(510) 555-0142", "address": "12 Harbour Rd", "city": "Oakland", "state": "CA",
                   "zip": "94607", "country": "United States"}),
        );
        let line = over(widget_line(), json!({"hs_line_item_currency_code": "USD"}));
        let enrolled = Enrolled { contact: Some(contact_with(contact)), ..deal([line]) };
        let matched = settled(&enrolled).unwrap();
        let CustomerFound::Missing(new) = matched.customer else { panic!("there is no customer yet") };
        insta::assert_snapshot!(serde_json::to_string_pretty(&new).unwrap());
    }

    proptest! {
        #[test]
        fn a_display_name_always_fits(first in "\\PC*|.*", last in "\\PC*|(?s:.){0,200}", id: u64) {
            let contact = json!({"firstname": first, "lastname": last, "email": "ana@harbour.example"});
            // A contact of nothing but forbidden characters has no name.
            let Ok(Matched { customer: CustomerFound::Missing(new), .. }) = settle(contact, Links::default(), &[]) else {
                return Ok(());
            };
            let own = new.clone().under_own_name(RecordId(id));
            let suffix = format!(" (HS {id})");
            prop_assert!(own.display_name.ends_with(&suffix));
            prop_assert_eq!(own.clone().under_own_name(RecordId(id)), own.clone());
            for name in [new.display_name, own.display_name] {
                prop_assert!(name.chars().count() <= 100 && !name.trim().is_empty());
                prop_assert!(!name.contains([':', '\t', '\n', '\r']) && name.chars().all(|c| c.len_utf16() == 1), "{:?}", name);
            }
        }
    }
}
