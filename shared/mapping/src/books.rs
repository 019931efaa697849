//! How a company keeps its books, as QuickBooks says: what a document must look like there.

use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::quickbooks::{CompanyInfo, Preferences};

/// What documents depend on. It can be kept for a while: people change it rarely, and QuickBooks refuses what it no longer
/// allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Books {
    /// Such as `US`, which has a sales tax of its own kind; none when QuickBooks does not say.
    pub country: Option<String>,
    /// The currency they are kept in; none when it is not known.
    pub home_currency: Option<Currency>,
    /// Whether customers and documents can be in other currencies.
    pub several_currencies: bool,
}

impl Books {
    /// Whether lines are taxed as in the United States: `TAX` or `NON`, or nothing said. What names no country is taken for
    /// American: a company elsewhere then refuses the document, for want of a tax code.
    pub fn is_american(&self) -> bool {
        self.country.as_deref().is_none_or(|country| country == "US")
    }

    /// The currency, where it is certain that it is not the home currency.
    pub fn foreign<'a>(&self, currency: Option<&'a Currency>) -> Option<&'a Currency> {
        currency.filter(|currency| self.home_currency.as_ref().is_some_and(|home| home != *currency))
    }

    /// Reads them off the company's preferences and its information.
    pub fn read(preferences: &Preferences, info: &CompanyInfo) -> Self {
        let currency = preferences.currency_prefs.as_ref();
        Self {
            country: info
                .country
                .clone()
                .map(|country| country.trim().to_owned())
                .filter(|text| !text.is_empty()),
            home_currency: currency
                .and_then(|prefs| prefs.home_currency.as_ref())
                .and_then(|home| home.value.parse().ok()),
            several_currencies: currency.and_then(|prefs| prefs.multi_currency_enabled).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn they_are_read_as_far_as_quickbooks_says() {
        let check = |preferences, info, expected| {
            let (preferences, info) = (from_value(preferences).unwrap(), from_value(info).unwrap());
            assert_eq!(Books::read(&preferences, &info), expected);
        };
        let sterling =
            json!({"CurrencyPrefs": {"MultiCurrencyEnabled": true, "HomeCurrency": {"value": "GBP"}}});
        let british = Books {
            country: Some("GB".into()),
            home_currency: Some("GBP".parse().unwrap()),
            several_currencies: true,
        };
        check(sterling, json!({"CompanyName": "Harbour Ltd", "Country": "GB"}), british);
        check(json!({}), json!({"Country": " "}), Books::default());
        check(json!({"CurrencyPrefs": {}}), json!({}), Books::default());
    }

    #[test]
    fn what_an_earlier_release_kept_can_be_read() {
        assert_eq!(serde_json::from_str::<Books>("{}").unwrap(), Books::default());
        let books = Books {
            country: Some("GB".into()),
            home_currency: Some("GBP".parse().unwrap()),
            several_currencies: true,
        };
        let again = serde_json::from_str(&serde_json::to_string(&books).unwrap()).unwrap();
        assert_eq!(books, again);
    }
}
