//! Statements made senseless, unreadable, or merely different.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::language::{Attribute, Columns, Condition, Kind, Statement, Written};

/// Makes a statement that can still be read mean nothing.
pub(super) type Nonsense = fn(Statement) -> Statement;

/// Makes a text no statement.
pub(super) type Damage = fn(String) -> String;

pub(super) fn senseless() -> impl Strategy<Value = Nonsense> {
    let all: Vec<Nonsense> = vec![
        |statement| Statement { entity: ("Custmoer", None, &[]), ..statement },
        |statement| Statement { entity: ("customer", None, &[]), ..statement },
        |statement| Statement { start: Some(0), ..statement },
        |statement| Statement { max: Some(0), ..statement },
        |statement| Statement { max: Some(1001), ..statement },
        |statement| Statement { order: vec![(("PrivateNote", Kind::Text), None)], ..statement },
        |statement| Statement { columns: Columns::Named(vec![("Colour", Kind::Text)]), ..statement },
        |statement| also(statement, ("Colour", Kind::Text), "=", "blue"),
        |statement| also(statement, ("PrimaryEmailAddr.Address", Kind::Text), "=", "a@b.example"),
        |statement| also(statement, ("Id", Kind::Id), ">", "1"),
        |statement| also(statement, ("Id", Kind::Id), "like", "1%"),
        |statement| also(statement, ("MetaData.CreateTime", Kind::Instant), ">", "yesterday"),
        |statement| also(statement, ("MetaData.CreateTime", Kind::Instant), "like", "2026%"),
    ];
    select(all)
}

fn also(mut statement: Statement, attribute: Attribute, comparison: &'static str, text: &str) -> Statement {
    statement.conditions.push(Condition {
        attribute,
        comparison,
        values: vec![Written::Quoted(text.into())],
    });
    statement
}

pub(super) fn unreadable() -> impl Strategy<Value = Damage> {
    let all: Vec<Damage> = vec![
        |text| text + ";",
        |text| text + " '",
        |text| text + " or Active = true",
        |text| text + " order by Id",
        |text| text + " group by Id",
        |text| text + " where DisplayName = 'O''Brien'",
        |text| text + " where Balance = 5",
        |text| text + " where Active != true",
        |text| text + " maxresults 1 maxresults 1 startposition 1",
        |text| text + "\u{a0}",
        |text| text + " -- why",
        |text| format!("select {text}"),
        |text| format!("({text})"),
        |text| format!("\u{feff}{text}"),
        |text| text[1..].to_owned(),
        |text| text.replacen('*', "* where", 1) + " from",
        |text| text.split_whitespace().take(3).collect::<Vec<_>>().join(" ") + " '\\x'",
    ];
    select(all)
}

#[derive(Clone, Debug)]
pub(super) enum Mutation {
    Delete(Index, usize),
    Insert(Index, String),
    Repeat(Index, usize, usize),
    Cut(Index),
    SwapWords(Index, Index),
}

pub(super) fn some() -> impl Strategy<Value = Vec<Mutation>> {
    let odd = select(ODD).prop_map(str::to_owned);
    let inserted = prop_oneof![3 => odd, 1 => any::<String>()];
    let mutation = prop_oneof![
        3 => (any::<Index>(), 1_usize..8).prop_map(|(at, length)| Mutation::Delete(at, length)),
        4 => (any::<Index>(), inserted).prop_map(|(at, text)| Mutation::Insert(at, text)),
        1 => (any::<Index>(), 1_usize..20, 1_usize..60).prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        2 => any::<[Index; 2]>().prop_map(|[one, other]| Mutation::SwapWords(one, other)),
    ];
    prop::collection::vec(mutation, 1..4)
}

const ODD: &[&str] = &[
    "'",
    "''",
    "\\",
    "\\'",
    "\\\\",
    "\"",
    "`",
    "’",
    "“",
    "–",
    "%",
    "%27",
    "_",
    "(",
    ")",
    ",",
    ".",
    ";",
    "--",
    "/*",
    "*",
    "=",
    "!=",
    "<>",
    "<=",
    ">",
    "+",
    "&",
    "#",
    "?",
    "\0",
    "\r\n",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{202e}",
    "🎉",
    "İ",
    "ß",
    "Σ",
    " or ",
    " and ",
    " not ",
    " in ",
    " like ",
    " null ",
    " true ",
    "CURRENT_DATE",
    " orderby ",
    " desc ",
    " where ",
    " from ",
    "select ",
    "count(*)",
    " maxresults 0 ",
    " startposition 0 ",
    " maxresults -1 ",
    "99999999999999999999",
    "1e400",
    "' '",
    "' ",
    "in ()",
    "Id",
    "MetaData.",
    ".CreateTime",
];

pub(super) fn applied(text: String, mutations: &[Mutation]) -> String {
    mutations.iter().fold(text, mutated)
}

fn mutated(text: String, mutation: &Mutation) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let place = |at: &Index| at.index(letters.len() + 1);
    match mutation {
        Mutation::Delete(at, length) => {
            let from = place(at);
            letters.drain(from..(from + length).min(letters.len()));
        }
        Mutation::Insert(at, text) => {
            let from = place(at);
            letters.splice(from..from, text.chars());
        }
        Mutation::Repeat(at, length, times) => {
            let from = place(at);
            let piece = letters[from..(from + length).min(letters.len())].repeat(*times);
            letters.splice(from..from, piece);
        }
        Mutation::Cut(at) => letters.truncate(place(at)),
        Mutation::SwapWords(one, other) => return swapped(&text, *one, *other),
    }
    letters.into_iter().collect()
}

fn swapped(text: &str, one: Index, other: Index) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    let (one, other) = (one.index(words.len()), other.index(words.len()));
    words.swap(one, other);
    words.join(" ")
}
