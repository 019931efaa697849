//! Every setting of a company: its name, its values, what holds while nobody chose.
//!
//! One table names them all: the file, the stored form and the differences a person is shown are read off it.

use serde_json::Value;

use super::Why;
use crate::quickbooks::{ItemId, TaxCodeId};

/// What people choose for a company; what QuickBooks says of it is not among it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The item a quote's own fees are put on.
    pub fee_item: Option<ItemId>,
    /// The item for what has none of its own.
    pub default_item: Option<ItemId>,
    /// What to do with a deal that has no lines.
    pub no_line_items: NoLineItems,
    /// What to do when a record's amount is not what its lines come to.
    pub totals: Totals,
    /// Who decides on tax.
    pub tax: Tax,
    /// Outside the United States: the tax code of every line.
    pub default_tax_code: Option<TaxCodeId>,
    /// Outside the United States: what HubSpot's amounts are.
    pub amounts: Amounts,
}

/// Declares a setting that is one of a few words; the first holds while nobody chose.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident = $first_word:literal, $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            const WORDS: &[&str] = &[$first_word, $($word),*];

            /// Its word in a file.
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)*
                }
            }

            fn read(value: &Value) -> Result<Self, Why> {
                match value.as_str() {
                    Some($first_word) => Ok(Self::$first),
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err(Why::NotOneOf { words: Self::WORDS }),
                }
            }
        }
    };
}

words! {
    /// What to do with a deal that has no lines.
    NoLineItems {
        /// Create nothing.
        Refuse = "refuse",
        /// Put the deal's amount on one line, with the default item.
        DealAmount = "deal_amount",
    }
}

words! {
    /// What to do when a record's own amount is not what its lines come to.
    Totals {
        /// Create the document, and say so.
        Warn = "warn",
        /// Create nothing.
        Refuse = "refuse",
    }
}

words! {
    /// Who decides on tax.
    Tax {
        /// QuickBooks: by the company's sales tax, or by the default tax code.
        QuickBooks = "quickbooks",
        /// Nobody: documents are not taxed.
        None = "none",
    }
}

words! {
    /// What HubSpot's amounts are where each line has a tax code.
    Amounts {
        /// Net: tax comes on top.
        Net = "net",
        /// Gross: they hold the tax of the default tax code.
        Gross = "gross",
    }
}

/// One setting.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// As text; none when nothing is chosen.
    get: fn(&Choices) -> Option<String>,
    set: fn(&mut Choices, &Value) -> Result<(), Why>,
}

impl Field {
    pub(super) fn get(&self, choices: &Choices) -> Option<String> {
        (self.get)(choices)
    }

    pub(super) fn set(&self, choices: &mut Choices, value: &Value) -> Result<(), Why> {
        (self.set)(choices, value)
    }
}

/// All settings, in the order of a file.
pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "fee_item",
        get: |choices| choices.fee_item.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.fee_item = id.map(ItemId)),
    },
    Field {
        name: "default_item",
        get: |choices| choices.default_item.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.default_item = id.map(ItemId)),
    },
    Field {
        name: "no_line_items",
        get: |choices| Some(choices.no_line_items.as_str().to_owned()),
        set: |choices, value| NoLineItems::read(value).map(|word| choices.no_line_items = word),
    },
    Field {
        name: "totals",
        get: |choices| Some(choices.totals.as_str().to_owned()),
        set: |choices, value| Totals::read(value).map(|totals| choices.totals = totals),
    },
    Field {
        name: "tax",
        get: |choices| Some(choices.tax.as_str().to_owned()),
        set: |choices, value| Tax::read(value).map(|tax| choices.tax = tax),
    },
    Field {
        name: "default_tax_code",
        get: |choices| choices.default_tax_code.as_ref().map(ToString::to_string),
        set: |choices, value| id(value).map(|id| choices.default_tax_code = id.map(TaxCodeId)),
    },
    Field {
        name: "amounts",
        get: |choices| Some(choices.amounts.as_str().to_owned()),
        set: |choices, value| Amounts::read(value).map(|amounts| choices.amounts = amounts),
    },
];

/// The most digits of an id in QuickBooks.
const ID_DIGITS: usize = 20;

fn id(value: &Value) -> Result<Option<String>, Why> {
    let is_id =
        |text: &&str| (1..=ID_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match value {
        Value::Null => Ok(None),
        value => value.as_str().filter(is_id).map(|id| Some(id.to_owned())).ok_or(Why::NotAnId),
    }
}

impl Choices {
    /// The tax code whose rate has to be known: gross amounts are split by it.
    pub fn tax_code_to_know(&self) -> Option<&TaxCodeId> {
        self.default_tax_code
            .as_ref()
            .filter(|_| (self.tax, self.amounts) == (Tax::QuickBooks, Amounts::Gross))
    }

    /// Each setting by its name and as text, for what keeps them; none where nothing is chosen, or what holds anyway.
    pub fn stored(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let unchosen = Self::default();
        FIELDS.iter().map(move |field| {
            (field.name, field.get(self).filter(|value| Some(value) != field.get(&unchosen).as_ref()))
        })
    }

    /// The settings that were [`Choices::stored`], each asked for by its name.
    ///
    /// # Errors
    /// The name of one whose value this release does not know: it was chosen in a later one, and guessing would bill.
    pub fn from_stored(kept: impl Fn(&str) -> Option<String>) -> Result<Self, &'static str> {
        let mut choices = Self::default();
        for field in FIELDS {
            if let Some(text) = kept(field.name) {
                field.set(&mut choices, &Value::String(text)).map_err(|_| field.name)?;
            }
        }
        Ok(choices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again_and_what_holds_anyway_is_not_stored() {
        let chosen =
            Choices { fee_item: Some(ItemId("31".into())), totals: Totals::Refuse, ..Choices::default() };
        for (choices, count) in [(Choices::default(), 0), (chosen, 2)] {
            let stored: Vec<_> = choices.stored().filter_map(|(name, text)| Some((name, text?))).collect();
            assert_eq!(stored.len(), count, "{stored:?}");
            let kept = |name: &str| Some(stored.iter().find(|(stored, _)| *stored == name)?.1.clone());
            assert_eq!(Choices::from_stored(kept), Ok(choices));
        }
    }

    #[test]
    fn a_word_of_a_later_release_is_not_guessed_at() {
        let kept = |name: &str| (name == "totals").then(|| "ask".to_owned());
        assert_eq!(Choices::from_stored(kept), Err("totals"));
    }
}
