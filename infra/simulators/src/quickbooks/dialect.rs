//! What the notes leave open about the query language (quickbooks.md §3.1, §3.4, §13.8): one switch each. Left out, the
//! language is as narrow as it may be.

use serde::Deserialize;

use super::value::Case;

/// Which language the company's queries are read in.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Dialect {
    /// Texts are compared with regard to case, unlike the docs say.
    pub(super) exact_case: bool,
    /// The entity may be written in any case, like everything else.
    pub(super) any_entity_case: bool,
    /// `MAXRESULTS` above 1,000 means 1,000; else it is refused, for the caller would take a part for all.
    pub(super) clips_max_results: bool,
    /// `ORDER BY` is understood like `ORDERBY`.
    pub(super) order_by_in_two_words: bool,
    /// `LIKE` works on e-mail addresses.
    pub(super) email_like: bool,
    /// Attributes the notes doubt can be queried, `PrimaryEmailAddr.Address` among them.
    pub(super) doubtful_attributes: bool,
    /// Values `IN` may list; any number by default. That more are refused with 4001 is our expectation.
    pub(super) most_values: Option<usize>,
    /// Characters of a statement; any number by default. That longer ones are refused with 4001 is our expectation.
    pub(super) longest_statement: Option<usize>,
}

impl Dialect {
    /// How texts are compared.
    pub(super) fn case(self) -> Case {
        if self.exact_case { Case::Exact } else { Case::Folded }
    }
}
