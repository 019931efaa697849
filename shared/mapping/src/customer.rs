//! A contact's customer: the one it is linked to, else the one with its e-mail, else the one with its name, else a new one.
//! A company's: the one it is linked to, else the one with its name, as its own or as that of its company, else a new one.
//!
//! Inactive customers never match. QuickBooks renames them (“… (deleted)”), so their names are free again.
//!
//! Why may a contact lack an e-mail or a name at all? It may not when a customer has to be created or told apart; once a
//! customer is certain, nothing is missing.

use crate::hubspot::RecordId;
use crate::lookup::{Answers, LinkedCustomer};
use crate::money::Currency;
use crate::problem::{Lack, Problem};
use crate::quickbooks::{Address, Customer, CustomerId, Email, NewCustomer, Phone, Ref, WebAddress};
use crate::sale::{self, Buyer, BuyerId, RecordRef};
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

    /// Whether the display name of one to be created is the buyer's, cut: each of its parts may fit, and not all of them.
    pub(crate) fn is_name_cut(&self, buyer: &Buyer) -> bool {
        match self {
            Self::Existing { .. } => false,
            Self::Missing(new) => buyer.full_name().is_some_and(|name| !new.display_name.starts_with(&name)),
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
    /// The contact's name is the customer's, and the customer has no e-mail; or the company's name is.
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
    /// an employee or another customer has the plain name (6240). Cut in front of the id to fit. A company's likewise.
    pub fn under_own_name(mut self, buyer: RecordId) -> Self {
        let suffix = format!(" (HS {buyer})");
        let plain = self.display_name.strip_suffix(&suffix).unwrap_or(&self.display_name);
        self.display_name = format!("{}{suffix}", cut(plain, DISPLAY_NAME_LIMIT - length(&suffix)));
        self
    }
}

/// The `DisplayName` a buyer's customer has when it is called after the contact or company: ≤ 100 characters.
pub(crate) fn display_name(buyer: &Buyer) -> Option<String> {
    buyer.full_name().map(|name| cut(&name, DISPLAY_NAME_LIMIT).to_owned())
}

/// The contact or company whose customer is sought, and what it is sought for.
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
        match self.buyer.id {
            BuyerId::Contact(contact) => self.of_contact(contact, &known),
            BuyerId::Company(_) => match self.by_company_name(&known)? {
                Some(customer) => self.existing(customer, CustomerMatch::Name),
                None => Ok(CustomerFound::Missing(self.new_customer()?)),
            },
        }
    }

    fn of_contact(&self, contact: RecordId, known: &[&Customer]) -> Result<CustomerFound, Problem> {
        if let Some(customer) = self.by_email(known)? {
            return self.existing(customer, CustomerMatch::Email);
        }
        match self.by_name(known) {
            Some(customer) if emails(customer).next().is_none() => {
                self.existing(customer, CustomerMatch::Name)
            }
            Some(_) => Ok(CustomerFound::Missing(self.new_customer()?.under_own_name(contact))),
            None => Ok(CustomerFound::Missing(self.new_customer()?)),
        }
    }

    fn by_email<'c>(&self, known: &[&'c Customer]) -> Result<Option<&'c Customer>, Problem> {
        let Some(email) = self.buyer.email.as_deref().map(fold) else { return Ok(None) };
        let same_email: Vec<_> =
            known.iter().copied().filter(|c| emails(c).any(|other| other == email)).collect();
        // Who is billed in several currencies is a customer for each.
        let same_email = those_that_fit(same_email, |c| self.is_in_currency(c));
        let same_names = those_that_fit(same_email, |c| self.is_person(c));
        // Jobs have the address, and often the names, of the customer they belong to (quickbooks.md §3.4).
        only(&same_names, |c| !c.job)
            .map_err(|candidates| Problem::CustomerAmbiguous { contact: self.label(), candidates })
    }

    /// The names of customers that belong together often are one company's: its own customer has it as `DisplayName`, or is
    /// no job of another one.
    fn by_company_name<'c>(&self, known: &[&'c Customer]) -> Result<Option<&'c Customer>, Problem> {
        let (own, name) = (folded(&display_name(self.buyer)), folded(&self.buyer.company_name));
        let is_its_own = |c: &Customer| fold(&c.display_name) == own;
        let namesakes = known.iter().copied().filter(|c| is_its_own(c) || folded(&c.company_name) == name);
        let namesakes = those_that_fit(namesakes.collect(), |c| self.is_in_currency(c));
        let namesakes = those_that_fit(namesakes, |c| !c.job);
        only(&namesakes, is_its_own)
            .map_err(|candidates| Problem::CompanyAmbiguous { company: self.label(), candidates })
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
        // The address of a company's contact is that person's: the next document may be another's.
        let email = self.buyer.email.clone().filter(|_| self.buyer.company_name.is_none());
        let Some(display_name) = display_name(self.buyer) else { return Err(self.incomplete(self.lacks())) };
        if email.is_none() && self.buyer.company_name.is_none() {
            return Err(self.incomplete(self.lacks()));
        }
        let Buyer { first_name, last_name, company_name, phone, website, address, .. } = self.buyer;
        Ok(NewCustomer {
            display_name,
            given_name: first_name.clone(),
            family_name: last_name.clone(),
            company_name: company_name.clone(),
            primary_email_addr: email.map(|address| Email { address }),
            web_addr: website.clone().map(|uri| WebAddress { uri }),
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

/// Those that fit, or all when none does.
fn those_that_fit(all: Vec<&Customer>, fits: impl Fn(&Customer) -> bool) -> Vec<&Customer> {
    let fitting: Vec<_> = all.iter().copied().filter(|customer| fits(customer)).collect();
    if fitting.is_empty() { all } else { fitting }
}

/// The only one, or the only one that is preferred; else the names of all.
fn only<'c>(
    all: &[&'c Customer],
    is_preferred: impl Fn(&Customer) -> bool,
) -> Result<Option<&'c Customer>, Vec<String>> {
    let preferred: Vec<_> = all.iter().copied().filter(|customer| is_preferred(customer)).collect();
    match (all, preferred.as_slice()) {
        ([], _) => Ok(None),
        ([only], _) | (_, [only]) => Ok(Some(only)),
        (several, _) => Err(several.iter().map(|customer| customer.display_name.clone()).collect()),
    }
}

/// Each active customer once.
fn active(answers: &Answers) -> Vec<&Customer> {
    let all = answers.customers_by_email.iter().chain(&answers.customers_by_name);
    let by_id: BTreeMap<&CustomerId, &Customer> = all.map(|customer| (&customer.id, customer)).collect();
    by_id.into_values().filter(|customer| customer.active).collect()
}

/// The addresses of a customer; some companies keep several in one field (quickbooks.md §2.6).
fn emails(customer: &Customer) -> impl Iterator<Item = String> {
    let field = customer.primary_email_addr.as_ref().map_or("", |email| &email.address);
    sale::emails(field).map(fold)
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
    use crate::settings::Settings;
    use crate::testing::{
        companies, contact_with, customer, deal, over, settings, settled, widget, widget_line,
    };
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
    fn an_address_is_the_same_as_a_person_would_say() {
        let check = |of_contact: &str, of_customer: &str, expected: &str| {
            check(
                over(ana(), json!({"email": of_contact})),
                &[known("58", "Harbour", of_customer)],
                expected,
            );
        };
        check("Ana@Harbour.Example", "ana@harbour.example", "email 58");
        check("ana+qb@harbour.example", "ANA+QB@harbour.example", "email 58");
        // Whose mail ends up in the same box is for the mail server to know.
        check("ana+qb@harbour.example", "ana@harbour.example", "created Ana Trujillo");
        check("\u{200B}ana@harbour.example\u{FEFF}", "ana@harbour.example", "email 58");
        check("ana@harbour.example; office@harbour.example", "ana@harbour.example", "email 58");
        check(
            " ,ana@harbour.example,office@harbour.example",
            "office@harbour.example",
            "created Ana Trujillo",
        );
        check("ana@harbour.example", "office@harbour.example; ana@harbour.example", "email 58");
        check("o'brien&søn%100\\@harbour.example", "O'Brien&Søn%100\\@harbour.example", "email 58");
    }

    #[test]
    fn of_several_addresses_of_a_contact_the_first_is_used() {
        let read = |email: &str| {
            let contact = contact_with(over(ana(), json!({"email": email})));
            let reading = sale::read(&Enrolled { contact: Some(contact), ..deal([]) });
            let buyer = reading.buyer.unwrap();
            (buyer.email, buyer.has_more_emails)
        };
        let ana = || Some("ana@harbour.example".to_owned());
        assert_eq!(read("ana@harbour.example"), (ana(), false));
        assert_eq!(read("ana@harbour.example;"), (ana(), false));
        assert_eq!(read("ana@harbour.example; eva@harbour.example"), (ana(), true));
        // Which of them is meant is not guessed when the first cannot be used.
        assert_eq!(read("ana, eva@harbour.example"), (None, false));
    }

    #[test]
    fn a_name_is_the_same_as_a_person_would_say() {
        let check = |first: &str, last: &str, of_customer: &str, expected: &str| {
            let contact = over(ana(), json!({"firstname": first, "lastname": last}));
            check(contact, &[json!({"Id": "58", "DisplayName": of_customer})], expected);
        };
        check(" ANA ", "\ttrujillo\n", "Ana Trujillo", "name 58");
        check("Ame\u{301}lie", "Du\u{AD}pont", "Am\u{e9}lie Dupont", "name 58");
        check("Am\u{e9}lie", "Dupont", "Ame\u{301}lie Dupont", "name 58");
        check("\u{202B}דנה", "לוי\u{202C}", "דנה לוי", "name 58");
        check("محمد", "الفاسي", "محمد الفاسي", "name 58");
        check("\"Ana\" & 100%", "O'Hara + Søn\\", "\"ANA\" & 100% O'Hara + Søn\\", "name 58");
        check("Amelie", "Dupont", "Am\u{e9}lie Dupont", "created Amelie Dupont");
        check(" \u{200B} ", "Trujillo", "Trujillo", "name 58");
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
    fn of_several_customers_with_one_e_mail_and_no_namesake_or_several_the_one_that_is_no_job_is_used() {
        let named = |id, given: &str| {
            let names = json!({"GivenName": given, "FamilyName": "Trujillo"});
            over(known(id, &format!("Customer {id}"), "ana@harbour.example"), names)
        };
        let job = |id, given| over(named(id, given), json!({"Job": true}));
        check(ana(), &[named("58", "Ana"), job("59", "Ana"), job("60", "Ana")], "email 58");
        check(ana(), &[job("58", "Eva"), named("59", "Eva")], "email 59");
        check(ana(), &[named("58", "Eva"), job("59", "Ana")], "email 59");
        check(ana(), &[job("58", "Eva")], "email 58");
        let ambiguous = "[CustomerAmbiguous { contact: \"Ana Trujillo\", candidates: [\"Customer 58\", \"Customer 59\"] }]";
        check(ana(), &[job("58", "Ana"), job("59", "Ana"), named("60", "Eva")], ambiguous);
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

    fn northwind() -> Value {
        json!({
            "name": "Northwind: Traders", "domain": "northwind.example", "phone": "(510) 555-0142",
            "address": "12 Harbour Rd", "address2": "Floor 3", "city": "Oakland", "state": "CA", "zip": "94607",
            "country": "United States"
        })
    }

    /// The record's contact and these companies, where the company is billed.
    fn billed(contact: Option<Value>, all: &[Value], customers: &[Value]) -> Result<Matched, Vec<Problem>> {
        let contact = contact.map(contact_with);
        let enrolled = Enrolled { contact, companies: companies(all), ..deal([widget_line()]) };
        let customers = customers.iter().cloned().map(customer).collect();
        let answers = Answers { customers_by_name: customers, items: vec![widget()], ..Answers::default() };
        sale::read(&enrolled).settle(&Links::default(), &answers, &settings(), MissingItem::Refuse)
    }

    #[test]
    fn a_company_is_its_customer_by_either_of_its_names() {
        let check = |customers: &[Value], expected: &str| {
            let found = billed(Some(ana()), &[northwind()], customers).map(|matched| matched.customer);
            let found = match found {
                Ok(CustomerFound::Existing { id, matched, .. }) => format!("{} {id}", matched.as_str()),
                Ok(CustomerFound::Missing(new)) => format!("created {}", new.display_name),
                Err(problems) => format!("{problems:?}"),
            };
            assert_eq!(found, expected);
        };
        let of_company = |id: &str, name: &str| json!({"Id": id, "DisplayName": name, "CompanyName": "northwind: traders"});
        // The contact's own customer is not the company's.
        check(&[known("58", "Ana Trujillo", "ana@harbour.example")], "created Northwind Traders");
        check(&[known("58", "NORTHWIND  traders", "books@northwind.example")], "name 58");
        check(&[of_company("58", "Northwind (Oakland)")], "name 58");
        check(&[of_company("58", "Northwind (Oakland)"), of_company("59", "Northwind Traders")], "name 59");
        // Jobs have the company's name too.
        let job = over(of_company("60", "Kiosk"), json!({"Job": true}));
        check(&[job.clone(), of_company("59", "Northwind (Oakland)")], "name 59");
        check(std::slice::from_ref(&job), "name 60");
        let ambiguous =
            "[CompanyAmbiguous { company: \"Northwind Traders\", candidates: [\"East\", \"West\"] }]";
        check(&[of_company("58", "East"), of_company("59", "West"), job], ambiguous);
        check(&[over(of_company("58", "East"), json!({"Active": false}))], "created Northwind Traders");
    }

    #[test]
    fn a_companys_customer_has_its_own_data_and_the_document_its_contacts_address() {
        let matched = billed(Some(ana()), &[northwind()], &[]).unwrap();
        assert_eq!(matched.sale.buyer.email.as_deref(), Some("ana@harbour.example"));
        let CustomerFound::Missing(new) = matched.customer else { panic!("there is no customer yet") };
        insta::assert_snapshot!(serde_json::to_string_pretty(&new).unwrap());
        assert_eq!(new.under_own_name(RecordId(701)).display_name, "Northwind Traders (HS 701)");
        // Nobody has to be its contact, and a domain that is none is left out.
        let plain = json!({"name": "Acme", "domain": "acme"});
        let matched = billed(None, &[plain], &[]).unwrap();
        assert_eq!((matched.sale.buyer.email, matched.sale.buyer.website), (None, None));
    }

    #[test]
    fn a_company_that_is_not_certain_is_not_billed() {
        let found = |all: &[Value]| billed(Some(ana()), all, &[]).unwrap_err();
        let record = || "Harbour kiosk".to_owned();
        assert_eq!(found(&[]), [Problem::NoCompany { record: record(), companies: vec![] }]);
        let companies = vec!["East".to_owned(), "702".to_owned()];
        let several = Problem::NoCompany { record: record(), companies };
        assert_eq!(several.subject(), "Harbour kiosk");
        assert_eq!(found(&[json!({"name": "East"}), json!({})]), [several]);
        for name in [json!(null), json!(" : "), json!("🎁")] {
            let nameless = Problem::CompanyNameless { record: record(), company: "701".into() };
            assert_eq!(found(&[json!({"name": name})]), [nameless]);
        }
        let lacks = vec![Lack::UsableEmail("nonsense".into())];
        let refused = Problem::ContactIncomplete { contact: "Ana Trujillo".into(), lacks };
        let nonsense = over(ana(), json!({"email": "nonsense"}));
        assert_eq!(billed(Some(nonsense), &[northwind()], &[]).unwrap_err(), [refused]);
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
