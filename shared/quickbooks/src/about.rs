//! What a company says of itself (quickbooks.md §2.9). That it answers proves that a token is for this company.

use jiff::Timestamp;
use mapping::books::Books;
use mapping::quickbooks::Preferences;
use serde::Deserialize;

use crate::client::Company;
use crate::error::Error;
use crate::query::{Entity, PAGE, Query};

/// A company's own facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its name in law, where that is another one.
    pub legal_name: Option<String>,
    /// How it keeps its books, with its payment methods if it said them.
    pub books: Books,
}

impl Company {
    /// Reads the company's facts: its information first, so that a token that is not for this company reads nothing else.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] and [`Error::Forbidden`]: the token is not for this company.
    pub async fn about(&self, now: Timestamp) -> Result<About, Error> {
        let Informed { info } = self.get(&format!("companyinfo/{}", self.realm())).await?;
        let methods = [Query::from(Entity::PaymentMethod).max_results(PAGE)];
        let (preferred, methods) = futures::future::join(self.get("preferences"), self.query(&methods)).await;
        let Preferred { preferences } = preferred?;
        let books = Books::read(&preferences, &mapping::quickbooks::CompanyInfo { country: info.country });
        // Whoever needs them asks again.
        let methods = methods.ok().and_then(|rows| rows.first()?.read().ok());
        Ok(About {
            legal_name: info.legal_name.filter(|name| !name.trim().is_empty()),
            name: info.name,
            books: match methods {
                Some(methods) => books.with_payment_methods(methods, now),
                None => books,
            },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::test_server::{Server, answer};
    use mapping::quickbooks::PaymentMethodId;

    async fn about(url: &str) -> Result<About, Error> {
        let realm = "9341450000000001".to_owned().try_into().unwrap();
        Client::new(url).unwrap().company(realm, "a-secret-token".into()).about(Timestamp::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn a_company_says_its_names_and_how_it_keeps_its_books() {
        let check = async |status, methods: &'static str, expected: Option<&str>| {
            let server = Server::start(move |seen| {
                let info = r#"{"CompanyInfo": {"CompanyName": "Demo", "LegalName": " ", "Country": "CA", "Id": "1"}}"#;
                let preferences = r#"{"Preferences": {"CurrencyPrefs": {"MultiCurrencyEnabled": true, "HomeCurrency": {"value": "CAD"}}}}"#;
                match seen.line.split(['?', ' ']).nth(1).and_then(|path| path.rsplit('/').next()) {
                    Some("9341450000000001") => answer(200, "", info),
                    Some("preferences") => answer(200, "", preferences),
                    _ => answer(status, "", methods),
                }
            })
            .await;
            let About { name, legal_name, books } = about(&server.url).await.unwrap();
            assert_eq!((name.as_str(), legal_name), ("Demo", None));
            assert_eq!((books.country.as_deref(), books.several_currencies), (Some("CA"), true));
            assert_eq!(books.home_currency, Some("CAD".parse().unwrap()));
            let methods = expected.map(|name| [(name.to_owned(), PaymentMethodId("4".into()))].into());
            assert_eq!(books.payment_methods, methods);
            assert_eq!(books.payment_methods_read_at, expected.map(|_| Timestamp::UNIX_EPOCH));
            let asked: Vec<_> = server.seen().into_iter().map(|seen| seen.line).collect();
            assert!(asked.len() == 3 && asked[0].contains("/companyinfo/9341450000000001?"), "{asked:?}");
        };
        let visa = r#"{"QueryResponse": {"PaymentMethod": [{"Id": "4", "Name": "Visa"}]}}"#;
        check(200, visa, Some("Visa")).await;
        check(503, "", None).await;
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
