//! What a company says of itself (quickbooks.md §2.9). That it answers proves that a token is for this company.

use mapping::money::Currency;
use serde::Deserialize;

use crate::client::Company;
use crate::error::Error;

/// A company's own facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its name in law, where that is another one.
    pub legal_name: Option<String>,
    /// Its country, such as `US`.
    pub country: Option<String>,
    /// The currency its books are kept in.
    pub home_currency: Option<Currency>,
}

impl Company {
    /// Reads the company's facts: its information first, so that a token that is not for this company reads nothing else.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] and [`Error::Forbidden`]: the token is not for this company.
    pub async fn about(&self) -> Result<About, Error> {
        let Informed { info } = self.get(&format!("companyinfo/{}", self.realm())).await?;
        let Preferred { preferences } = self.get("preferences").await?;
        let home = preferences.currency.and_then(|currency| currency.home).map(|home| home.value);
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Ok(About {
            legal_name: given(info.legal_name),
            country: given(info.country),
            name: info.name,
            home_currency: home.and_then(|code| code.parse().ok()),
        })
    }
}

#[derive(Deserialize)]
struct Informed {
    #[serde(rename = "CompanyInfo")]
    info: CompanyInfo,
}

#[derive(Deserialize)]
struct CompanyInfo {
    #[serde(rename = "CompanyName")]
    name: String,
    #[serde(rename = "LegalName")]
    legal_name: Option<String>,
    #[serde(rename = "Country")]
    country: Option<String>,
}

#[derive(Deserialize)]
struct Preferred {
    #[serde(rename = "Preferences")]
    preferences: Preferences,
}

#[derive(Deserialize)]
struct Preferences {
    #[serde(rename = "CurrencyPrefs")]
    currency: Option<CurrencyPrefs>,
}

#[derive(Deserialize)]
struct CurrencyPrefs {
    #[serde(rename = "HomeCurrency")]
    home: Option<HomeCurrency>,
}

#[derive(Deserialize)]
struct HomeCurrency {
    value: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::test_server::{Server, answer};

    async fn about(url: &str) -> Result<About, Error> {
        let realm = "9341450000000001".to_owned().try_into().unwrap();
        Client::new(url).unwrap().company(realm, "a-secret-token".into()).about().await
    }

    #[tokio::test]
    async fn a_company_says_its_names_country_and_currency() {
        let server = Server::start(|seen| {
            let info = r#"{"CompanyInfo": {"CompanyName": "Demo", "LegalName": "Demo Ltd", "Country": "CA", "Id": "1"}}"#;
            let preferences = r#"{"Preferences": {"CurrencyPrefs": {"MultiCurrencyEnabled": false, "HomeCurrency": {"value": "CAD"}}}}"#;
            answer(200, "", if seen.line.contains("/companyinfo/") { info } else { preferences })
        })
        .await;
        let about = about(&server.url).await.unwrap();
        assert_eq!((about.name.as_str(), about.legal_name.as_deref()), ("Demo", Some("Demo Ltd")));
        assert_eq!(about.home_currency, Some("CAD".parse().unwrap()));
        let lines: Vec<_> = server.seen().into_iter().map(|seen| seen.line).collect();
        let company = "GET /v3/company/9341450000000001";
        assert_eq!(
            lines,
            [
                format!("{company}/companyinfo/9341450000000001?minorversion=75"),
                format!("{company}/preferences?minorversion=75")
            ]
        );
    }

    #[tokio::test]
    async fn a_token_for_another_company_reads_nothing() {
        for (status, body) in [(401, ""), (403, "")] {
            let server = Server::start(move |_| answer(status, "", body)).await;
            let error = about(&server.url).await.unwrap_err();
            assert!(matches!(error, Error::Unauthorized | Error::Forbidden(_)), "{error:?}");
            assert_eq!(server.seen().len(), 1);
        }
    }
}
