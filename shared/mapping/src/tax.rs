//! How a document is taxed: by the company's country, and by what was chosen (quickbooks.md §2.5).
//!
//! No tax is ever computed here: QuickBooks does that from the codes, and says what came of it. Only amounts that hold tax
//! are split, as QuickBooks takes them in two.

use crate::money;
use crate::problem::Problem;
use crate::quickbooks::{GlobalTax, TaxCodeId};
use crate::settings::{Amounts, Settings, Tax};
use rust_decimal::Decimal;

/// What a document says of tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taxation {
    /// United States, decided by QuickBooks: nothing is said.
    American,
    /// United States: no line is taxed.
    AmericanNone,
    /// Elsewhere: each line has this code, and amounts are net.
    Code(TaxCodeId),
    /// Elsewhere: each line has this code, and amounts hold the tax of so many percent.
    Inclusive(TaxCodeId, Decimal),
    /// Elsewhere: the document is outside of tax.
    NotApplicable,
}

/// The code of a line in the United States that is not taxed.
const NON: &str = "NON";

impl Taxation {
    /// Whether it is certain before QuickBooks says so that there is no tax on the document.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::AmericanNone | Self::NotApplicable)
    }

    /// The code each product line has.
    pub(crate) fn line_code(&self) -> Option<TaxCodeId> {
        match self {
            Self::American | Self::NotApplicable => None,
            Self::AmericanNone => Some(TaxCodeId(NON.to_owned())),
            Self::Code(code) | Self::Inclusive(code, _) => Some(code.clone()),
        }
    }

    /// What amounts are, outside the United States.
    pub(crate) fn global(&self) -> Option<GlobalTax> {
        match self {
            Self::American | Self::AmericanNone => None,
            Self::Code(_) => Some(GlobalTax::TaxExcluded),
            Self::Inclusive(..) => Some(GlobalTax::TaxInclusive),
            Self::NotApplicable => Some(GlobalTax::NotApplicable),
        }
    }

    /// What is left of an amount of HubSpot's without tax, in cents: QuickBooks' `Amount` is net in any case.
    pub(crate) fn net(&self, amount: Decimal) -> Decimal {
        match self {
            Self::Inclusive(_, percent) => {
                let whole = Decimal::ONE_HUNDRED;
                money::round_half_up(amount * whole / (whole + percent))
            }
            _ => amount,
        }
    }

    /// What a line comes to with its tax, where amounts hold it.
    pub(crate) fn gross(&self, amount: Decimal) -> Option<Decimal> {
        matches!(self, Self::Inclusive(..)).then_some(amount)
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
            let code = code.ok_or_else(|| Problem::TaxCodeMissing { record: record.to_owned() })?;
            by_code(record, code, settings)
        }
    }
}

fn by_code(record: &str, code: TaxCodeId, settings: &Settings) -> Result<Taxation, Problem> {
    match (settings.choices.amounts, settings.books.tax_percents.get(&code.0)) {
        (Amounts::Net, _) => Ok(Taxation::Code(code)),
        (Amounts::Gross, Some(percent)) => Ok(Taxation::Inclusive(code, *percent)),
        (Amounts::Gross, None) => Err(Problem::TaxRateUnknown { record: record.to_owned(), code: code.0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Books;
    use crate::settings::Choices;
    use proptest::prelude::*;

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

    #[test]
    fn gross_amounts_need_the_rate_of_the_code() {
        let check = |percents: &[(&str, u32)], expected| {
            let tax_percents = percents.iter().map(|(code, percent)| ((*code).to_owned(), (*percent).into()));
            let settings = Settings {
                books: Books {
                    country: Some("GB".into()),
                    tax_percents: tax_percents.collect(),
                    ..Books::default()
                },
                choices: Choices {
                    default_tax_code: Some(TaxCodeId("5".into())),
                    amounts: Amounts::Gross,
                    ..Choices::default()
                },
            };
            assert_eq!(taxation("Harbour kiosk", &settings), expected);
        };
        check(&[("5", 20)], Ok(Taxation::Inclusive(TaxCodeId("5".into()), Decimal::from(20))));
        check(
            &[("6", 20)],
            Err(Problem::TaxRateUnknown { record: "Harbour kiosk".into(), code: "5".into() }),
        );
    }

    proptest! {
        /// As the simulator has it: a gross amount is its net one with tax, to a cent.
        #[test]
        fn a_gross_amount_is_its_net_one_with_tax(cents in 0..=99_999_999_999_999_i64, rate in 0..=10_000_i64) {
            let (gross, percent) = (Decimal::new(cents, 2), Decimal::new(rate, 2));
            let net = Taxation::Inclusive(TaxCodeId("5".into()), percent).net(gross);
            let again = net + money::round_half_up(net * percent / Decimal::ONE_HUNDRED);
            prop_assert!((again - gross).abs() <= Decimal::new(1, 2), "{} of {}", net, gross);
            prop_assert!(net.scale() == 2 && net <= gross);
        }
    }
}
