//! The grammar of QuickBooks' query language (quickbooks.md §3.1), and nothing it does not have: no OR, no `ORDER BY`
//! in two words, no doubled quotes, no bare numbers. What it means is decided in `select`.

use winnow::ascii::{Caseless, dec_uint, multispace0, multispace1};
use winnow::combinator::{alt, cut_err, delimited, fail, not, opt, preceded, repeat, separated, terminated};
use winnow::error::{ContextError, ParseError};
use winnow::prelude::*;
use winnow::token::{none_of, one_of, take_while};

use super::dialect::Dialect;
use super::fault::Fault;

/// One statement, names as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) columns: Columns,
    pub(super) entity: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) order: Vec<Order>,
    /// Counted from 1.
    pub(super) start: Option<u64>,
    pub(super) max: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Columns {
    All,
    /// All of them, and some once more: python-quickbooks asks for `*, Sku`.
    AllAnd(Vec<String>),
    Count,
    Named(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) attribute: String,
    pub(super) comparison: Comparison,
    /// One value, or several with `Comparison::In`.
    pub(super) values: Vec<Literal>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comparison {
    Equal,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Like,
    In,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// In quotes, escapes resolved.
    Text(String),
    Flag(bool),
    CurrentDate,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub(super) attribute: String,
    pub(super) descending: bool,
}

/// Reads a statement.
///
/// # Errors
/// 4000 with the place where reading stopped.
pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Statement, Fault> {
    let mut statement = |input: &mut &str| statement(input, dialect);
    statement.parse(text).map_err(|error: ParseError<_, _>| {
        let rest = &text[error.offset()..];
        let word: String = rest.trim_start().chars().take_while(|c| !c.is_whitespace()).collect();
        let before = &text[..text.len() - rest.trim_start().len()];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let keyword = KEYWORDS.iter().find(|keyword| keyword.eq_ignore_ascii_case(&word));
        let found = match keyword {
            Some(keyword) => format!("\"{keyword}\" \"{word} "),
            None if word.is_empty() => "\"<EOF>\" \"".to_owned(),
            None => format!("\"{word}\" \""),
        };
        Fault::new(
            4000,
            format!("QueryParserError: Encountered \" {found}\"\" at line {line}, column {column}."),
        )
    })
}

const KEYWORDS: [&str; 14] = [
    "select",
    "from",
    "where",
    "and",
    "in",
    "like",
    "orderby",
    "asc",
    "desc",
    "startposition",
    "maxresults",
    "true",
    "false",
    "null",
];

enum Page {
    Start(u64),
    Max(u64),
}

fn statement(input: &mut &str, dialect: Dialect) -> ModalResult<Statement> {
    let columns = preceded((multispace0, keyword("select"), multispace1), columns).parse_next(input)?;
    let entity = preceded((multispace1, keyword("from"), multispace1), identifier).parse_next(input)?;
    let conditions = clause(keyword("where"), conditions).parse_next(input)?;
    let order = clause(|input: &mut &str| order_by(input, dialect), orders).parse_next(input)?;
    let (start, max) = paging(input)?;
    multispace0.parse_next(input)?;
    Ok(Statement { columns, entity, conditions, order, start, max })
}

/// A part that may be left out as a whole, but not broken off after its keyword.
fn clause<'i, T: Default>(
    word: impl ModalParser<&'i str, (), ContextError>,
    body: impl ModalParser<&'i str, T, ContextError>,
) -> impl ModalParser<&'i str, T, ContextError> {
    opt(preceded((multispace1, word, multispace1), cut_err(body))).map(Option::unwrap_or_default)
}

fn order_by(input: &mut &str, dialect: Dialect) -> ModalResult<()> {
    if !dialect.order_by_in_two_words {
        return keyword("orderby").parse_next(input);
    }
    alt((keyword("orderby"), (keyword("order"), multispace1, keyword("by")).void())).parse_next(input)
}

fn columns(input: &mut &str) -> ModalResult<Columns> {
    let count =
        (keyword("count"), multispace0, '(', multispace0, '*', multispace0, ')').value(Columns::Count);
    let named = separated(1.., identifier, comma).map(Columns::Named);
    let all_and = preceded(('*', comma), separated(1.., identifier, comma)).map(Columns::AllAnd);
    alt((all_and, '*'.value(Columns::All), count, named)).parse_next(input)
}

fn conditions(input: &mut &str) -> ModalResult<Vec<Condition>> {
    separated(1.., condition, (multispace1, keyword("and"), multispace1)).parse_next(input)
}

fn condition(input: &mut &str) -> ModalResult<Condition> {
    let attribute = terminated(identifier, multispace0).parse_next(input)?;
    let (comparison, values) = cut_err(alt((membership, single))).parse_next(input)?;
    Ok(Condition { attribute, comparison, values })
}

fn membership(input: &mut &str) -> ModalResult<(Comparison, Vec<Literal>)> {
    let values = delimited(('(', multispace0), separated(1.., literal, comma), (multispace0, ')'));
    preceded((keyword("in"), multispace0), values).map(|values| (Comparison::In, values)).parse_next(input)
}

fn single(input: &mut &str) -> ModalResult<(Comparison, Vec<Literal>)> {
    (comparison, preceded(multispace0, literal))
        .map(|(comparison, value)| (comparison, vec![value]))
        .parse_next(input)
}

fn comparison(input: &mut &str) -> ModalResult<Comparison> {
    alt((
        "<=".value(Comparison::AtMost),
        ">=".value(Comparison::AtLeast),
        "<".value(Comparison::Less),
        ">".value(Comparison::Greater),
        "=".value(Comparison::Equal),
        keyword("like").value(Comparison::Like),
    ))
    .parse_next(input)
}

fn literal(input: &mut &str) -> ModalResult<Literal> {
    alt((
        quoted.map(Literal::Text),
        keyword("true").value(Literal::Flag(true)),
        keyword("false").value(Literal::Flag(false)),
        keyword("current_date").value(Literal::CurrentDate),
    ))
    .parse_next(input)
}

/// Only the quote and the backslash are escaped, each with a backslash.
fn quoted(input: &mut &str) -> ModalResult<String> {
    let character = alt((none_of(['\\', '\'']), preceded('\\', one_of(['\\', '\'']))));
    delimited('\'', repeat(0.., character), '\'').parse_next(input)
}

fn orders(input: &mut &str) -> ModalResult<Vec<Order>> {
    separated(1.., order, comma).parse_next(input)
}

fn order(input: &mut &str) -> ModalResult<Order> {
    let direction = alt((keyword("asc").value(false), keyword("desc").value(true)));
    (identifier, opt(preceded(multispace1, direction)))
        .map(|(attribute, descending)| Order { attribute, descending: descending.unwrap_or(false) })
        .parse_next(input)
}

/// `STARTPOSITION` and `MAXRESULTS`, in either order, each at most once.
fn paging(input: &mut &str) -> ModalResult<(Option<u64>, Option<u64>)> {
    let (mut start, mut max) = (None, None);
    for _ in 0..2 {
        match opt(preceded(multispace1, page)).parse_next(input)? {
            Some(Page::Start(position)) if start.is_none() => start = Some(position),
            Some(Page::Max(count)) if max.is_none() => max = Some(count),
            Some(_) => return fail.parse_next(input),
            None => break,
        }
    }
    Ok((start, max))
}

fn page(input: &mut &str) -> ModalResult<Page> {
    let start = preceded((keyword("startposition"), multispace1), cut_err(dec_uint)).map(Page::Start);
    let max = preceded((keyword("maxresults"), multispace1), cut_err(dec_uint)).map(Page::Max);
    alt((start, max)).parse_next(input)
}

fn comma(input: &mut &str) -> ModalResult<()> {
    (multispace0, ',', multispace0).void().parse_next(input)
}

fn identifier(input: &mut &str) -> ModalResult<String> {
    let word = (one_of(|c: char| c.is_ascii_alphabetic()), take_while(0.., |c| in_word(c) || c == '.'));
    word.take()
        .verify(|word: &str| !KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word)))
        .map(str::to_owned)
        .parse_next(input)
}

fn keyword<'i>(word: &'static str) -> impl ModalParser<&'i str, (), ContextError> {
    terminated(Caseless(word), not(one_of(in_word))).void()
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Statement, Fault> {
        super::parse(text, Dialect::default())
    }

    fn value_of(statement: &str) -> String {
        match parse(statement).unwrap().conditions.remove(0).values.remove(0) {
            Literal::Text(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    #[test]
    fn every_clause_is_read_whatever_the_case_of_its_keywords() {
        let read = parse(
            "SeLeCt * fRoM Item wHeRe Sku In ('a' , 'b') And Active IN (true,false) OrderBy Name Desc,Id MaxResults 10 StartPosition 3",
        );
        let read = read.unwrap();
        assert_eq!((read.columns, read.entity.as_str()), (Columns::All, "Item"));
        assert_eq!(read.conditions[0].values, [Literal::Text("a".into()), Literal::Text("b".into())]);
        assert_eq!(read.conditions[1].values, [Literal::Flag(true), Literal::Flag(false)]);
        let order = |attribute: &str, descending| Order { attribute: attribute.into(), descending };
        assert_eq!(read.order, [order("Name", true), order("Id", false)]);
        assert_eq!((read.start, read.max), (Some(3), Some(10)));
    }

    #[test]
    fn columns_may_be_a_count_or_names() {
        assert_eq!(parse("select count(*) from Customer").unwrap().columns, Columns::Count);
        let named = Columns::Named(vec!["Id".into(), "MetaData.CreateTime".into()]);
        assert_eq!(parse("select Id, MetaData.CreateTime from Customer").unwrap().columns, named);
        let all_and = Columns::AllAnd(vec!["Sku".into()]);
        assert_eq!(parse("select *, Sku from Item").unwrap().columns, all_and);
    }

    #[test]
    fn each_comparison_is_read() {
        let cases = [
            ("=", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            (" LIKE ", Comparison::Like),
        ];
        for (written, meant) in cases {
            let read = parse(&format!("select * from Invoice where TxnDate{written}'2026-03-02'")).unwrap();
            assert_eq!(read.conditions[0].comparison, meant, "{written}");
        }
    }

    #[test]
    fn escapes_and_non_ascii_text_are_read() {
        let cases = [
            (r"'O\'Brien and Sons'", "O'Brien and Sons"),
            (r"'back\\slash'", r"back\slash"),
            (r"'O\'Brien & Søn \\ “Ltd”'", r"O'Brien & Søn \ “Ltd”"),
            ("'東京 100%'", "東京 100%"),
            ("''", ""),
            ("' '", " "),
        ];
        for (written, meant) in cases {
            assert_eq!(value_of(&format!("select * from Customer where DisplayName = {written}")), meant);
        }
    }

    #[test]
    fn what_the_language_lacks_is_refused() {
        let cases = [
            "",
            "select",
            "select * from",
            "select * from where Active = true",
            "select * from Customer where",
            "select * from Customer where DisplayName = 'O''Brien'",
            "select * from Customer where DisplayName = 'O'Brien'",
            r"select * from Customer where DisplayName = 'a\b'",
            "select * from Customer where DisplayName = 'open",
            "select * from Customer where DisplayName = \"x\"",
            "select * from Customer where DisplayName != 'x'",
            "select * from Customer where Id = 5",
            "select * from Customer where (Active = true)",
            "select * from Customer where Active = true or Active = false",
            "select * from Customer where Sku in ()",
            "select * from Customer order by DisplayName",
            "select * from Customer maxresults ten",
            "select * from Customer maxresults 1 maxresults 2",
            "select * from Customer maxresults 1 orderby Id",
            "select * from Customer; drop",
            "select * from Customer, Item",
        ];
        for case in cases {
            assert!(parse(case).is_err(), "{case}");
        }
    }

    #[test]
    fn a_refusal_names_the_place() {
        let fault = parse("select * from Customer\nwhere Active ! true").unwrap_err();
        let detail = fault.item()["Fault"]["Error"][0]["Detail"].to_string();
        assert!(detail.contains("line 2, column 14"), "{detail}");
    }

    proptest! {
        #[test]
        fn any_text_survives_the_client_s_escaping_and_this_parser(text in any::<String>(), other in any::<String>()) {
            use ::quickbooks::query::{Attribute, Entity, Query};
            let query = Query::from(Entity::Customer).equals(Attribute::DisplayName, &text).with_inactive();
            prop_assert_eq!(value_of(&query.statement()), text.clone());
            let several = Query::from(Entity::Item).is_in(Attribute::Sku, [&text, &other]).statement();
            let read = parse(&several).unwrap().conditions.remove(0).values;
            prop_assert_eq!(read, [Literal::Text(text), Literal::Text(other)]);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            parse(&text).ok();
            parse(&format!("select * from Customer where {text}")).ok();
        }
    }
}
