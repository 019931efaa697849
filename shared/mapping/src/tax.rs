//! How a document is taxed: by the company's country, and by what was chosen (quickbooks.md §2.5).
//!
//! No tax is ever computed here: QuickBooks does that from the codes, and says what came of it.

use crate::problem::Problem;
use crate::quickbooks::{GlobalTax, TaxCodeId};
use crate::settings::{Settings, Tax};

/// What a document says of tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taxation {
    /// United States, decided by QuickBooks: nothing is said.
    American,
    /// United States: no line is taxed.
    AmericanNone,
    /// Elsewhere: each line has this code, and amounts are net.
    Code(TaxCodeId),
    /// Elsewhere: the document is outside of tax.
    NotApplicable,
}

/// The code of a line in the United States that is not taxed.
const NON: &str = "NON";

impl Taxation {
    /// The code each product line has.
    pub(crate) fn line_code(&self) -> Option<TaxCodeId> {
        match self {
            Self::American | Self::NotApplicable => None,
            Self::AmericanNone => Some(TaxCodeId(NON.to_owned())),
            Self::Code(code) => Some(code.clone()),
        }
    }

    /// What amounts are, outside the United States.
    pub(crate) fn global(&self) -> Option<GlobalTax> {
        match self {
            Self::American | Self::AmericanNone => None,
            Self::Code(_) => Some(GlobalTax::TaxExcluded),
            Self::NotApplicable => Some(GlobalTax::NotApplicable),
        }
    }
}

/// Decides for a record. Outside the United States each line needs a code, and which one is not ours to guess.
pub(crate) fn taxation(record: &str, settings: &Settings) -> Result<Taxation, Problem> {
    let code = settings.choices.default_tax_code.clone();
    match (settings.books.is_american(), settings.choices.tax) {
        (true, Tax::QuickBooks) => Ok(Taxation::American),
        (true, Tax::None) => Ok(Taxation::AmericanNone),
        (false, Tax::None) => Ok(Taxation::NotApplicable),
        (false, Tax::QuickBooks) => {
            code.map(Taxation::Code).ok_or_else(|| Problem::TaxCodeMissing { record: record.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Books;
    use crate::settings::Choices;

    #[test]
    fn the_country_and_the_settings_decide() {
        let check = |country: Option<&str>, tax, code: Option<&str>, expected| {
            let default_tax_code = code.map(|code| TaxCodeId(code.into()));
            let settings = Settings {
                books: Books { country: country.map(str::to_owned), ..Books::default() },
                choices: Choices { tax, default_tax_code, ..Choices::default() },
            };
            assert_eq!(taxation("Harbour kiosk", &settings), expected);
        };
        for us in [Some("US"), None] {
            check(us, Tax::QuickBooks, Some("5"), Ok(Taxation::American));
            check(us, Tax::None, Some("5"), Ok(Taxation::AmericanNone));
        }
        check(Some("GB"), Tax::QuickBooks, Some("5"), Ok(Taxation::Code(TaxCodeId("5".into()))));
        check(Some("GB"), Tax::None, Some("5"), Ok(Taxation::NotApplicable));
        let missing = Problem::TaxCodeMissing { record: "Harbour kiosk".into() };
        check(Some("GB"), Tax::QuickBooks, None, Err(missing));
    }
}
