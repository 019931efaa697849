//! Which entities can be queried, and by what (quickbooks.md §3.4). Another entity is another row of [`ENTITIES`].
//!
//! Attributes the notes doubt are known apart: a client that leans on them shall notice here.

/// One entity as the query language knows it.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) name: &'static str,
    /// What its rows are ordered by. Entities with a label can be inactive; inactive rows are left out unless asked for.
    pub(super) label: Option<&'static str>,
    attributes: &'static [Attribute],
}

pub(super) type Attribute = (&'static str, Kind);

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// `=` and `IN` only.
    Id,
    Text,
    /// An object, compared by its `Address`.
    Email,
    /// A reference, compared by its `value`.
    Reference,
    Flag,
    Number,
    Date,
    Instant,
}

use Kind::{Date, Email, Flag, Id, Instant, Number, Reference, Text};

pub(super) const ENTITIES: &[Entity] = &[
    Entity {
        name: "Customer",
        label: Some("FullyQualifiedName"),
        attributes: &[
            ("DisplayName", Text),
            ("GivenName", Text),
            ("MiddleName", Text),
            ("FamilyName", Text),
            ("CompanyName", Text),
            ("FullyQualifiedName", Text),
            ("PrintOnCheckName", Text),
            ("PrimaryEmailAddr", Email),
            ("Balance", Number),
        ],
    },
    Entity { name: "Vendor", label: Some("DisplayName"), attributes: PERSON },
    Entity { name: "Employee", label: Some("DisplayName"), attributes: PERSON },
    Entity {
        name: "Item",
        label: Some("FullyQualifiedName"),
        attributes: &[("Name", Text), ("Sku", Text), ("Type", Text)],
    },
    Entity {
        name: "Invoice",
        label: None,
        attributes: &[
            ("DocNumber", Text),
            ("TxnDate", Date),
            ("DueDate", Date),
            ("CustomerRef", Reference),
            ("SalesTermRef", Reference),
            ("ProjectRef", Reference),
            ("Balance", Number),
            ("TotalAmt", Number),
        ],
    },
    Entity {
        name: "Estimate",
        label: None,
        attributes: &[
            ("DocNumber", Text),
            ("TxnDate", Date),
            ("ExpirationDate", Date),
            ("DueDate", Date),
            ("CustomerRef", Reference),
            ("TotalAmt", Number),
        ],
    },
    Entity {
        name: "SalesReceipt",
        label: None,
        attributes: &[
            ("DocNumber", Text),
            ("TxnDate", Date),
            ("CustomerRef", Reference),
            ("TotalAmt", Number),
        ],
    },
    Entity {
        name: "Payment",
        label: None,
        attributes: &[("TxnDate", Date), ("CustomerRef", Reference), ("TotalAmt", Number)],
    },
    Entity {
        name: "Account",
        label: Some("FullyQualifiedName"),
        attributes: &[
            ("Name", Text),
            ("FullyQualifiedName", Text),
            ("AccountType", Text),
            ("AccountSubType", Text),
            ("Classification", Text),
        ],
    },
    Entity { name: "PaymentMethod", label: Some("Name"), attributes: &[("Name", Text), ("Type", Text)] },
    Entity { name: "Term", label: Some("Name"), attributes: &[("Name", Text), ("Type", Text)] },
    Entity { name: "Class", label: Some("FullyQualifiedName"), attributes: NESTED },
    Entity { name: "Department", label: Some("FullyQualifiedName"), attributes: NESTED },
    Entity { name: "CompanyCurrency", label: Some("Name"), attributes: &[("Name", Text), ("Code", Text)] },
    Entity { name: "TaxCode", label: Some("Name"), attributes: &[("Name", Text), ("Description", Text)] },
    Entity { name: "TaxRate", label: Some("Name"), attributes: &[("Name", Text)] },
    Entity {
        name: "ExchangeRate",
        label: None,
        attributes: &[("SourceCurrencyCode", Text), ("AsOfDate", Date)],
    },
    Entity { name: "Preferences", label: None, attributes: &[] },
    Entity { name: "CompanyInfo", label: None, attributes: &[] },
];

const PERSON: &[Attribute] =
    &[("DisplayName", Text), ("GivenName", Text), ("FamilyName", Text), ("PrintOnCheckName", Text)];

const NESTED: &[Attribute] = &[("Name", Text), ("FullyQualifiedName", Text)];

const EVERYWHERE: &[Attribute] =
    &[("Id", Id), ("MetaData.CreateTime", Instant), ("MetaData.LastUpdatedTime", Instant)];

const NAMED: &[Attribute] = &[("Active", Flag)];

/// Disputed or not confirmed (§3.4, §13.8).
const DOUBTFUL: &[(&str, &[Attribute])] = &[
    ("Customer", &[("Job", Flag), ("ParentRef", Reference), ("PrimaryEmailAddr.Address", Text)]),
    ("Item", &[("FullyQualifiedName", Text), ("Description", Text), ("UnitPrice", Number)]),
    ("Payment", &[("PaymentRefNum", Text)]),
];

/// The entity of this name, in exactly this spelling (§3.1: the case of entity names is disputed).
pub(super) fn entity(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().find(|entity| entity.name == name)
}

/// The same, in any case.
pub(super) fn entity_in_any_case(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().find(|entity| entity.name.eq_ignore_ascii_case(name))
}

impl Entity {
    /// Whatever can be queried for certain.
    pub(super) fn attributes(&self) -> impl Iterator<Item = Attribute> {
        let named = if self.label.is_some() { NAMED } else { &[] };
        self.attributes.iter().chain(EVERYWHERE).chain(named).copied()
    }

    /// One of them by its name in any case.
    pub(super) fn attribute(&self, name: &str) -> Option<Attribute> {
        self.attributes().find(|(attribute, _)| attribute.eq_ignore_ascii_case(name))
    }

    /// One that perhaps can be queried, perhaps not.
    pub(super) fn doubtful_attribute(&self, name: &str) -> Option<Attribute> {
        let (_, attributes) = DOUBTFUL.iter().find(|(entity, _)| *entity == self.name)?;
        attributes.iter().find(|(attribute, _)| attribute.eq_ignore_ascii_case(name)).copied()
    }
}
