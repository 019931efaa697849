//! The language as the tests read quickbooks.md §3, in a table of their own: statements, and how they are written down.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use super::company::Rows;

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Id,
    Text,
    Email,
    Reference,
    Flag,
    Number,
    Date,
    Instant,
}

use Kind::{Date, Email, Flag, Id, Instant, Number, Reference, Text};

pub(super) type Attribute = (&'static str, Kind);

/// An entity, the attribute its rows are ordered by unasked, and what else it can be asked by.
pub(super) type Entity = (&'static str, Option<&'static str>, &'static [Attribute]);

const PERSON: &[Attribute] =
    &[("DisplayName", Text), ("GivenName", Text), ("FamilyName", Text), ("PrintOnCheckName", Text)];
const NESTED: &[Attribute] = &[("Name", Text), ("FullyQualifiedName", Text)];
const SALE: &[Attribute] =
    &[("DocNumber", Text), ("TxnDate", Date), ("CustomerRef", Reference), ("TotalAmt", Number)];

pub(super) const ENTITIES: [Entity; 18] = [
    (
        "Customer",
        Some("FullyQualifiedName"),
        &[
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
    ),
    ("Vendor", Some("DisplayName"), PERSON),
    ("Employee", Some("DisplayName"), PERSON),
    ("Item", Some("FullyQualifiedName"), &[("Name", Text), ("Sku", Text), ("Type", Text)]),
    (
        "Account",
        Some("FullyQualifiedName"),
        &[("Name", Text), ("AccountType", Text), ("AccountSubType", Text), ("Classification", Text)],
    ),
    ("Term", Some("Name"), &[("Name", Text), ("Type", Text)]),
    ("TaxCode", Some("Name"), &[("Name", Text), ("Description", Text)]),
    ("TaxRate", Some("Name"), &[("Name", Text)]),
    ("PaymentMethod", Some("Name"), &[("Name", Text), ("Type", Text)]),
    ("Class", Some("FullyQualifiedName"), NESTED),
    ("Department", Some("FullyQualifiedName"), NESTED),
    ("CompanyCurrency", Some("Name"), &[("Name", Text), ("Code", Text)]),
    (
        "Invoice",
        None,
        &[
            ("DocNumber", Text),
            ("TxnDate", Date),
            ("DueDate", Date),
            ("CustomerRef", Reference),
            ("SalesTermRef", Reference),
            ("Balance", Number),
            ("TotalAmt", Number),
        ],
    ),
    ("Estimate", None, SALE),
    ("SalesReceipt", None, SALE),
    ("Payment", None, &[("TxnDate", Date), ("CustomerRef", Reference), ("TotalAmt", Number)]),
    ("Preferences", None, &[]),
    ("CompanyInfo", None, &[]),
];

const EVERYWHERE: [Attribute; 3] =
    [("Id", Id), ("MetaData.CreateTime", Instant), ("MetaData.LastUpdatedTime", Instant)];

/// A statement, whose values may still have to be taken from the books.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) entity: Entity,
    pub(super) columns: Columns,
    pub(super) conditions: Vec<Condition>,
    pub(super) order: Vec<(Attribute, Option<bool>)>,
    pub(super) start: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) style: Style,
}

#[derive(Clone, Debug)]
pub(super) enum Columns {
    All,
    Count,
    Named(Vec<Attribute>),
}

#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) attribute: Attribute,
    pub(super) comparison: &'static str,
    pub(super) values: Vec<Written>,
}

#[derive(Clone, Debug)]
pub(super) enum Written {
    /// In quotes, escapes still to be made.
    Quoted(String),
    Bare(&'static str),
    /// What some row has there, twisted a little.
    FromRow(Index, Twist),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Twist {
    None,
    Shouted,
    Head,
    Tail,
    Middle,
    Ends,
}

/// How it is written down, which means nothing.
#[derive(Clone, Debug)]
pub(super) struct Style {
    case: fn(&str) -> String,
    gap: &'static str,
    is_tight: bool,
    is_max_first: bool,
    is_posted: bool,
}

impl Arbitrary for Statement {
    type Parameters = ();
    type Strategy = BoxedStrategy<Statement>;

    fn arbitrary_with(_: ()) -> BoxedStrategy<Statement> {
        select(ENTITIES.to_vec()).prop_flat_map(of).boxed()
    }
}

fn of(entity: Entity) -> impl Strategy<Value = Statement> {
    let attribute = || select(attributes(entity));
    let columns = prop_oneof![
        4 => Just(Columns::All),
        1 => Just(Columns::Count),
        1 => prop::collection::vec(attribute(), 1..4).prop_map(Columns::Named),
    ];
    let conditions = prop::collection::vec(attribute().prop_flat_map(condition), 0..4);
    let order = prop::collection::vec((attribute(), any::<Option<bool>>()), 0..3);
    let start = prop::option::weighted(0.3, 1_u64..6);
    let max = prop::option::weighted(0.3, prop_oneof![1_u64..6, Just(1000)]);
    (columns, conditions, order, start, max, style()).prop_map(
        move |(columns, conditions, order, start, max, style)| Statement {
            entity,
            columns,
            conditions,
            order,
            start,
            max,
            style,
        },
    )
}

pub(super) fn attributes((_, label, own): Entity) -> Vec<Attribute> {
    let active = label.map(|_| ("Active", Flag));
    own.iter().copied().chain(EVERYWHERE).chain(active).collect()
}

fn condition((name, kind): Attribute) -> impl Strategy<Value = Condition> {
    let comparisons = match kind {
        Text => vec!["=", "in", "like", "<", ">", "<=", ">="],
        Number | Date | Instant => vec!["=", "in", "<", ">", "<=", ">="],
        Id | Email | Reference | Flag => vec!["=", "in"],
    };
    select(comparisons).prop_flat_map(move |comparison| {
        let values =
            prop::collection::vec(value(kind, comparison), 1..if comparison == "in" { 4 } else { 2 });
        values.prop_map(move |values| Condition { attribute: (name, kind), comparison, values })
    })
}

fn value(kind: Kind, comparison: &str) -> BoxedStrategy<Written> {
    let twists = match (kind, comparison) {
        (_, "like") => vec![Twist::Head, Twist::Tail, Twist::Middle, Twist::Ends, Twist::None],
        (Text | Email, _) => vec![Twist::None, Twist::Shouted],
        _ => vec![Twist::None],
    };
    let from_row = (any::<Index>(), select(twists)).prop_map(|(index, twist)| Written::FromRow(index, twist));
    let made_up = match kind {
        Text | Email => "[a-cA-C'\\\\%é東 ]{0,4}".prop_map(Written::Quoted).boxed(),
        Id | Reference => "[0-9]{1,3}".prop_map(Written::Quoted).boxed(),
        Flag => return select(vec![Written::Bare("true"), Written::Bare("false")]).boxed(),
        Number => "-?[0-9]{1,3}(\\.[0-9]{1,2})?".prop_map(Written::Quoted).boxed(),
        Date => prop_oneof![
            "20(26-03-0[1-9]|30-01-15)".prop_map(Written::Quoted),
            Just(Written::Bare("CURRENT_DATE"))
        ]
        .boxed(),
        Instant => {
            "2030-01-1[4-6]T(0[0-9]|1[0-9]):00:00(Z|-08:00|\\+05:30)".prop_map(Written::Quoted).boxed()
        }
    };
    prop_oneof![4 => from_row, 2 => made_up, 1 => Just(Written::Quoted(" ".into()))].boxed()
}

fn style() -> impl Strategy<Value = Style> {
    let cases: Vec<fn(&str) -> String> = vec![str::to_lowercase, str::to_uppercase, |word| {
        word.chars().enumerate().map(|(i, c)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect()
    }];
    (select(cases), select(vec![" ", "  ", "\n", "\t "]), any::<[bool; 3]>()).prop_map(
        |(case, gap, [is_tight, is_max_first, is_posted])| Style {
            case,
            gap,
            is_tight,
            is_max_first,
            is_posted,
        },
    )
}

impl Statement {
    /// Whether it is sent as the body of a POST.
    pub(super) fn is_posted(&self) -> bool {
        self.style.is_posted
    }

    /// The same with every value written out.
    pub(super) fn resolved(&self, rows: &Rows) -> Statement {
        let mut resolved = self.clone();
        for condition in &mut resolved.conditions {
            let attribute = condition.attribute;
            for value in &mut condition.values {
                if let Written::FromRow(index, twist) = value {
                    *value = Written::Quoted(twisted(&taken(rows, self.entity, attribute, *index), *twist));
                }
            }
        }
        resolved
    }

    pub(super) fn text(&self) -> String {
        let word = |word: &str| (self.style.case)(word);
        let gap = self.style.gap;
        let comma = if self.style.is_tight { ",".to_owned() } else { format!(" ,{gap}") };
        let columns = match &self.columns {
            Columns::All => "*".to_owned(),
            Columns::Count if self.style.is_tight => word("count(*)"),
            Columns::Count => word("count ( * )"),
            Columns::Named(names) => {
                names.iter().map(|(name, _)| word(name)).collect::<Vec<_>>().join(&comma)
            }
        };
        let mut parts = vec![word("select"), columns, word("from"), self.entity.0.to_owned()];
        for (number, condition) in self.conditions.iter().enumerate() {
            parts.push(word(if number == 0 { "where" } else { "and" }));
            parts.push(self.condition(condition, &comma));
        }
        if !self.order.is_empty() {
            let order = self.order.iter().map(|((name, _), descending)| match descending {
                None => word(name),
                Some(descending) => {
                    format!("{}{gap}{}", word(name), word(if *descending { "desc" } else { "asc" }))
                }
            });
            parts.extend([word("orderby"), order.collect::<Vec<_>>().join(&comma)]);
        }
        let start = self.start.map(|start| format!("{}{gap}{start}", word("startposition")));
        let max = self.max.map(|max| format!("{}{gap}{max}", word("maxresults")));
        let paging = if self.style.is_max_first { [max, start] } else { [start, max] };
        parts.extend(paging.into_iter().flatten());
        parts.join(gap)
    }

    fn condition(&self, condition: &Condition, comma: &str) -> String {
        let word = |word: &str| (self.style.case)(word);
        let name = word(condition.attribute.0);
        let values: Vec<_> = condition
            .values
            .iter()
            .map(|value| match value {
                Written::Quoted(text) => format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'")),
                Written::Bare(bare) => word(bare),
                Written::FromRow(..) => unreachable!("values are resolved before they are written"),
            })
            .collect();
        match condition.comparison {
            "in" if self.style.is_tight => format!("{name} {}({})", word("in"), values.join(comma)),
            "in" => format!("{name} {} ( {} )", word("in"), values.join(comma)),
            "like" => format!("{name} {} {}", word("like"), values[0]),
            symbol if self.style.is_tight => format!("{name}{symbol}{}", values[0]),
            symbol => format!("{name} {symbol} {}", values[0]),
        }
    }
}

/// The text some row has in the attribute; null as one space.
fn taken(rows: &Rows, entity: Entity, (name, kind): Attribute, index: Index) -> String {
    let rows = &rows[entity.0];
    let value = if rows.is_empty() { &Value::Null } else { super::naive::raw(index.get(rows), name, kind) };
    match value {
        Value::String(text) => text.clone(),
        Value::Null => " ".to_owned(),
        other => other.to_string(),
    }
}

fn twisted(text: &str, twist: Twist) -> String {
    let letters: Vec<char> = text.chars().collect();
    let (head, tail) = letters.split_at(letters.len() / 2);
    let (head, tail) = (String::from_iter(head), String::from_iter(tail));
    match twist {
        Twist::None => text.to_owned(),
        Twist::Shouted => text.to_uppercase(),
        Twist::Head => format!("{head}%"),
        Twist::Tail => format!("%{tail}"),
        Twist::Middle => format!("%{}%", tail.chars().take(1).collect::<String>()),
        Twist::Ends => {
            let (first, last) = (letters.first(), letters.last());
            format!("{}%{}", first.copied().unwrap_or('x'), last.copied().unwrap_or('x'))
        }
    }
}
