//! Statements of QuickBooks' query language (quickbooks.md §3), built from known names and escaped values.
//!
//! Nothing a customer wrote gets into a statement except as a quoted value: entities and attributes are enums.

use jiff::Timestamp;
use mapping::quickbooks::DocumentKind;
use std::fmt::{self, Display, Write};

/// What can be asked for, as QuickBooks spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// Customers; inactive ones only with [`Query::with_inactive`].
    Customer,
    /// Products and services; inactive ones only with [`Query::with_inactive`].
    Item,
    /// Invoices.
    Invoice,
    /// Estimates.
    Estimate,
    /// Sales receipts.
    SalesReceipt,
    /// Payments of invoices.
    Payment,
    /// Ledger accounts; inactive ones only with [`Query::with_inactive`].
    Account,
    /// Ways of paying; inactive ones only with [`Query::with_inactive`].
    PaymentMethod,
    /// Terms of payment; inactive ones only with [`Query::with_inactive`].
    Term,
    /// The company's preferences: one row.
    Preferences,
    /// What the company says of itself: one row.
    CompanyInfo,
    /// Tax codes; inactive ones only with [`Query::with_inactive`].
    TaxCode,
    /// Tax rates; inactive ones only with [`Query::with_inactive`].
    TaxRate,
}

impl Entity {
    /// QuickBooks' name, the key of the rows in an answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Item => "Item",
            Self::Invoice => DocumentKind::Invoice.entity(),
            Self::Estimate => DocumentKind::Estimate.entity(),
            Self::SalesReceipt => DocumentKind::SalesReceipt.entity(),
            Self::Payment => "Payment",
            Self::Account => "Account",
            Self::PaymentMethod => "PaymentMethod",
            Self::Term => "Term",
            Self::Preferences => "Preferences",
            Self::CompanyInfo => "CompanyInfo",
            Self::TaxCode => "TaxCode",
            Self::TaxRate => "TaxRate",
        }
    }
}

impl From<DocumentKind> for Entity {
    fn from(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::Invoice => Self::Invoice,
            DocumentKind::Estimate => Self::Estimate,
            DocumentKind::SalesReceipt => Self::SalesReceipt,
        }
    }
}

/// What can be filtered on (quickbooks.md §3.4). Not every entity has every attribute: QuickBooks refuses a wrong one with
/// 4001.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// The id; `=` and `IN` only.
    Id,
    /// A customer's name.
    DisplayName,
    /// The company a customer is or belongs to.
    CompanyName,
    /// A customer's e-mail, compared by its address.
    PrimaryEmailAddr,
    /// An item's name.
    Name,
    /// An item's stock keeping unit.
    Sku,
    /// An account's type, such as `Bank`.
    AccountType,
    /// The customer of a document or payment, by id.
    CustomerRef,
    /// A document's number.
    DocNumber,
    /// A document's posting date, `YYYY-MM-DD`.
    TxnDate,
    /// When the row was made.
    CreateTime,
    /// When the row was last changed.
    LastUpdatedTime,
}

impl Attribute {
    fn name(self) -> &'static str {
        match self {
            Self::Id => "Id",
            Self::DisplayName => "DisplayName",
            Self::CompanyName => "CompanyName",
            Self::PrimaryEmailAddr => "PrimaryEmailAddr",
            Self::Name => "Name",
            Self::Sku => "Sku",
            Self::AccountType => "AccountType",
            Self::CustomerRef => "CustomerRef",
            Self::DocNumber => "DocNumber",
            Self::TxnDate => "TxnDate",
            Self::CreateTime => "MetaData.CreateTime",
            Self::LastUpdatedTime => "MetaData.LastUpdatedTime",
        }
    }
}

/// QuickBooks' largest page (quickbooks.md §3).
pub const PAGE: u16 = 1000;

/// The most values that one statement lists: what public code is known to use (quickbooks.md §3.1).
pub const MOST_VALUES: usize = 30;

/// The most bytes of a statement that lists values. How many a body may have is not known; an address has 4 kB (quickbooks.md §3.1).
const MOST_BYTES: usize = 4_000;

/// One statement. Conditions are joined by `AND`: the language has no `OR`.
///
/// ```
/// # use quickbooks::query::{Attribute, Entity, Query};
/// let query = Query::from(Entity::Customer).equals(Attribute::DisplayName, "O'Brien").max_results(10);
/// assert_eq!(query.statement(), r"select * from Customer where DisplayName = 'O\'Brien' maxresults 10");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Query {
    entity: Entity,
    conditions: Vec<String>,
    newest_first: bool,
    start_position: Option<u32>,
    max_results: Option<u16>,
}

/// The entity only: conditions hold names and mail addresses.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("entity", &self.entity).finish_non_exhaustive()
    }
}

impl Query {
    /// All rows of `entity`: only active ones, and a hundred at most, unless said otherwise.
    pub fn from(entity: Entity) -> Self {
        Self { entity, conditions: Vec::new(), newest_first: false, start_position: None, max_results: None }
    }

    /// Rows whose `attribute` is `text`. Whether case matters is not documented reliably: compare again.
    pub fn equals(self, attribute: Attribute, text: &str) -> Self {
        self.with(format!("{} = {}", attribute.name(), Literal(text)))
    }

    /// Rows whose `attribute` is one of `values`; QuickBooks refuses an empty list (4000).
    pub fn is_in<V: AsRef<str>>(self, attribute: Attribute, values: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<String> =
            values.into_iter().map(|value| Literal(value.as_ref()).to_string()).collect();
        self.with(format!("{} in ({})", attribute.name(), values.join(", ")))
    }

    /// The same for any number of values: as many statements as it takes, none for none.
    pub fn each_in<V: AsRef<str>>(
        &self,
        attribute: Attribute,
        values: impl IntoIterator<Item = V>,
    ) -> Vec<Self> {
        let of = |listed: &[V]| self.clone().is_in(attribute, listed);
        let mut queries = Vec::new();
        let mut listed = Vec::new();
        for value in values {
            listed.push(value);
            let is_full = listed.len() > MOST_VALUES || of(&listed).statement().len() > MOST_BYTES;
            if is_full && listed.len() > 1 {
                let next = listed.split_off(listed.len() - 1);
                queries.push(of(&listed));
                listed = next;
            }
        }
        queries.extend((!listed.is_empty()).then(|| of(&listed)));
        queries
    }

    /// Rows whose `attribute`, a time, is not before `instant`, whose fraction of a second is dropped.
    pub fn since(self, attribute: Attribute, instant: Timestamp) -> Self {
        self.with(format!("{} >= '{}'", attribute.name(), instant.strftime("%Y-%m-%dT%H:%M:%SZ")))
    }

    /// Inactive rows too; their name ends with ` (deleted)` (quickbooks.md §2.6).
    pub fn with_inactive(self) -> Self {
        self.with("Active in (true, false)".into())
    }

    /// The latest created first. Without it the order is not to be relied on.
    pub fn order_by_newest(self) -> Self {
        Self { newest_first: true, ..self }
    }

    /// At most `count` rows, 1–1000; 100 unless said.
    pub fn max_results(self, count: u16) -> Self {
        Self { max_results: Some(count), ..self }
    }

    /// From the row at `position` on; the first is 1 (0 is refused with 4001).
    pub fn start_position(self, position: u32) -> Self {
        Self { start_position: Some(position), ..self }
    }

    /// What is asked for.
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// The statement as it is sent.
    pub fn statement(&self) -> String {
        let mut statement = format!("select * from {}", self.entity.name());
        let conditions = self.conditions.join(" and ");
        if !conditions.is_empty() {
            statement += &format!(" where {conditions}");
        }
        if self.newest_first {
            statement += " orderby MetaData.CreateTime desc";
        }
        if let Some(position) = self.start_position {
            statement += &format!(" startposition {position}");
        }
        if let Some(count) = self.max_results {
            statement += &format!(" maxresults {count}");
        }
        statement
    }

    fn with(mut self, condition: String) -> Self {
        self.conditions.push(condition);
        self
    }
}

/// A quoted value: quote and backslash are escaped by a backslash. A doubled quote would end the value.
struct Literal<'a>(&'a str);

impl Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('\'')?;
        for c in self.0.chars() {
            if matches!(c, '\'' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('\'')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(query: Query, expected: &str) {
        assert_eq!(query.statement(), expected);
    }

    #[test]
    fn statements_are_spelled_as_quickbooks_wants_them() {
        check(Query::from(Entity::Preferences), "select * from Preferences");
        check(
            Query::from(Entity::Customer)
                .equals(Attribute::PrimaryEmailAddr, "ap@northwind.example")
                .max_results(10),
            "select * from Customer where PrimaryEmailAddr = 'ap@northwind.example' maxresults 10",
        );
        check(
            Query::from(Entity::Item)
                .is_in(Attribute::Sku, ["WID-1", "WID-2"])
                .with_inactive()
                .max_results(1000),
            "select * from Item where Sku in ('WID-1', 'WID-2') and Active in (true, false) maxresults 1000",
        );
        let since = "2026-03-02T17:15:30.999Z".parse().unwrap();
        check(
            Query::from(DocumentKind::Invoice.into())
                .equals(Attribute::CustomerRef, "58")
                .since(Attribute::CreateTime, since)
                .order_by_newest()
                .start_position(101)
                .max_results(100),
            "select * from Invoice where CustomerRef = '58' and MetaData.CreateTime >= '2026-03-02T17:15:30Z' \
             orderby MetaData.CreateTime desc startposition 101 maxresults 100",
        );
    }

    #[test]
    fn many_values_and_long_ones_are_asked_for_in_several_statements() {
        let asked = |values: &[String]| {
            let queries = Query::from(Entity::Item).with_inactive().each_in(Attribute::Name, values);
            let listed = queries.iter().map(|query| {
                let statement = query.statement();
                assert!(statement.len() <= MOST_BYTES, "{statement}");
                let list =
                    statement.strip_prefix("select * from Item where Active in (true, false) and Name in (");
                read_literals(list.unwrap().strip_suffix(')').unwrap())
            });
            let listed: Vec<Vec<String>> = listed.collect();
            assert_eq!(listed.concat(), values);
            listed.iter().map(Vec::len).collect::<Vec<_>>()
        };
        let named = |count: usize, text: &str| -> Vec<String> {
            (0..count).map(|number| format!("{text}{number:02}")).collect()
        };
        assert!(asked(&[]).is_empty());
        assert_eq!(asked(&named(30, "Widget ")), [30]);
        assert_eq!(asked(&named(61, "Widget ")), [30, 30, 1]);
        assert_eq!(asked(&named(30, &"x".repeat(98))), [30]);
        // A character has three bytes here, and an escaped one two.
        assert_eq!(asked(&named(30, &"灯".repeat(98))), [13, 13, 4]);
        assert_eq!(asked(&named(30, &"'".repeat(98))), [19, 11]);
        // One that is too long by itself is asked for all the same.
        let alone =
            Query::from(Entity::Item).each_in(Attribute::Name, ["灯".repeat(2_000), "Widget".to_owned()]);
        assert_eq!(alone.len(), 2);
    }

    #[test]
    fn small_lists_and_payments_are_asked_for_likewise() {
        check(
            Query::from(Entity::Account)
                .is_in(Attribute::AccountType, ["Bank", "Other Current Asset"])
                .max_results(1000),
            "select * from Account where AccountType in ('Bank', 'Other Current Asset') maxresults 1000",
        );
        check(
            Query::from(Entity::PaymentMethod).max_results(1000),
            "select * from PaymentMethod maxresults 1000",
        );
        check(Query::from(Entity::Term), "select * from Term");
        check(
            Query::from(Entity::Payment)
                .equals(Attribute::CustomerRef, "58")
                .since(Attribute::CreateTime, "2026-03-02T17:15:30Z".parse().unwrap())
                .order_by_newest(),
            "select * from Payment where CustomerRef = '58' and MetaData.CreateTime >= '2026-03-02T17:15:30Z' \
             orderby MetaData.CreateTime desc",
        );
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_and_never_doubled() {
        let by_name = |name| Query::from(Entity::Customer).equals(Attribute::DisplayName, name);
        check(
            by_name(r#"O'Brien & Søn "Ltd""#),
            r#"select * from Customer where DisplayName = 'O\'Brien & Søn "Ltd"'"#,
        );
        check(by_name(r"\"), r"select * from Customer where DisplayName = '\\'");
        check(by_name(r"\' or"), r"select * from Customer where DisplayName = '\\\' or'");
    }

    #[test]
    fn debug_shows_no_values() {
        let query = Query::from(Entity::Customer).equals(Attribute::DisplayName, "O'Brien");
        assert_eq!(format!("{query:?}"), "Query { entity: Customer, .. }");
    }

    proptest! {
        #[test]
        fn any_text_survives_as_one_value(text in any::<String>()) {
            let statement = Query::from(Entity::Customer).equals(Attribute::DisplayName, &text).statement();
            let literals = statement.strip_prefix("select * from Customer where DisplayName = ").unwrap();
            prop_assert_eq!(read_literals(literals), vec![text]);
        }

        #[test]
        fn any_texts_survive_as_a_list(texts in proptest::collection::vec("[a'\\\\, ()%\n]*", 1..5)) {
            let statement = Query::from(Entity::Item).is_in(Attribute::Name, &texts).statement();
            let list = statement.strip_prefix("select * from Item where Name in (").unwrap();
            prop_assert_eq!(read_literals(list.strip_suffix(')').unwrap()), texts);
        }
    }

    /// Values separated by a comma and a space, read as QuickBooks reads them; panics on anything else between them.
    fn read_literals(mut text: &str) -> Vec<String> {
        let mut values = Vec::new();
        loop {
            let (value, rest) = read_literal(text.strip_prefix('\'').unwrap());
            values.push(value);
            if rest.is_empty() {
                return values;
            }
            text = rest.strip_prefix(", ").unwrap();
        }
    }

    fn read_literal(text: &str) -> (String, &str) {
        let mut value = String::new();
        let mut chars = text.chars();
        loop {
            match chars.next().unwrap() {
                '\'' => return (value, chars.as_str()),
                '\\' => value.push(chars.next().unwrap()),
                c => value.push(c),
            }
        }
    }
}
