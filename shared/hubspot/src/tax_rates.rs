//! The portal's library of tax rates (hubspot.md §6.5): read only where a line names its rate by the id alone.

use mapping::money;
use mapping::rate::{Library, Percent};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::associations::Page;
use crate::call::{Call, VERSION};
use crate::client::{Client, TOTAL_LIMIT};
use crate::error::{Cause, Doing, Error};

/// One rate, inactive ones too: what was sold with it keeps it. Whether these are texts or numbers is not written down.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rate {
    id: Value,
    /// `20` is 20 %.
    percentage_rate: Option<Value>,
}

impl Client {
    /// What each rate of the portal's library is.
    ///
    /// # Errors
    /// [`Error`]; [`Error::MissingScopes`] without the optional scope `tax_rates.read`. Within 8 s in every case.
    pub async fn tax_rates(&self, token: &SecretString) -> Result<Library, Error> {
        let timed_out = |_| Error::Unavailable { doing: Doing::ReadingTaxRates, cause: Cause::TimedOut };
        tokio::time::timeout(TOTAL_LIMIT, self.library(token)).await.map_err(timed_out)?
    }

    async fn library(&self, token: &SecretString) -> Result<Library, Error> {
        let mut library = Library::new();
        let mut after: Option<String> = None;
        loop {
            let call = Call {
                method: reqwest::Method::GET,
                path: format!("/tax-rates/{VERSION}/tax-rates"),
                query: after.map(|after| ("after", after)).into_iter().collect(),
                body: None,
            };
            let page: Page<Rate> = self.read(token, Doing::ReadingTaxRates, &call).await?;
            after = page.after().map(str::to_owned);
            library.extend(page.results.into_iter().filter_map(Rate::known));
            if after.is_none() {
                return Ok(library);
            }
        }
    }
}

impl Rate {
    fn known(self) -> Option<(String, Percent)> {
        let percent = money::parse(&text(&self.percentage_rate?)).ok()?;
        Some((text(&self.id), percent)).filter(|(_, percent)| !percent.is_sign_negative())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{self, Server, answer};

    async fn read(status: u16, body: &'static str, next: &'static str) -> Result<Library, Error> {
        let server = Server::start(move |seen| match seen.line.as_str() {
            "GET /tax-rates/2026-03/tax-rates" => answer(status, "", body),
            "GET /tax-rates/2026-03/tax-rates?after=2" => answer(200, "", next),
            other => panic!("nobody should ask for {other}"),
        })
        .await;
        Client::new(test_server::http(), &server.url).unwrap().tax_rates(&"a-secret-token".into()).await
    }

    #[tokio::test]
    async fn every_rate_is_known_by_its_id() {
        let first = r#"{"results": [{"id": "4711", "percentageRate": 8.875, "label": "NY", "active": true},
            {"id": 4712, "percentageRate": "20.0", "active": false}], "paging": {"next": {"after": "2"}}}"#;
        let next = r#"{"results": [{"id": "4713"}, {"id": "4714", "percentageRate": -1}]}"#;
        let expected = [("4711", "8.875"), ("4712", "20")];
        let expected = expected.map(|(id, percent)| (id.to_owned(), percent.parse().unwrap()));
        assert_eq!(read(200, first, next).await.unwrap(), expected.into());
    }

    #[tokio::test]
    async fn without_its_scope_the_library_names_it() {
        let refused = r#"{"category": "MISSING_SCOPES"}"#;
        let error = read(403, refused, "").await.unwrap_err();
        let Error::MissingScopes(scopes) = error else { panic!("{error:?}") };
        assert_eq!(scopes, ["tax_rates.read"]);
    }
}
