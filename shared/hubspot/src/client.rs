//! HubSpot's API, and what can be read with it: the enrolled record, in two round trips (hubspot.md §6).

use crate::error::{Cause, Doing, Error};
use crate::reading::Reading;
use mapping::hubspot::{Enrolled, RecordId, RecordKind};
use reqwest::Url;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::time::Duration;

/// For one call, body included.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(4);
/// For all calls of one [`Client::enrolled`] or [`Client::tax_rates`], repeats included.
pub(crate) const TOTAL_LIMIT: Duration = Duration::from_secs(8);

/// HubSpot's API. Made once per cold start; a clone shares the connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: String,
    pub(crate) observer: fn(Called),
}

/// A call that came to its end, for whoever counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// How.
    pub ending: Ending,
    /// After this time.
    pub duration: Duration,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an answer that says something, be it a refusal.
    Answered,
    /// Turned away by a limit.
    Throttled,
    /// Without a usable answer.
    Failed,
}

/// An address that is neither `https` nor, on this machine, `http`; or one with a user, a query or a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("HubSpot's API address must be a plain https URL (http only for this machine)")]
pub struct BadAddress;

/// What is read beside the record, its contact, its line items and a quote's discounts, fees and taxes. Less is fewer calls,
/// and fewer scopes that the portal must have granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The record's payments; they need the optional scope `crm.objects.commercepayments.read` (hubspot.md §7).
    pub payments: bool,
    /// The company that a document is billed to.
    pub company: bool,
    /// Properties of the record, besides those that are always read. One that the portal does not have is left out.
    pub properties: BTreeSet<String>,
}

impl Client {
    /// A client of the API at `base_url`, `https://api.hubapi.com` or a stand-in. `http` must not follow redirects or repeat
    /// requests, and limits connecting; each set of connections loads all root certificates at the cold start, so it is the
    /// one that other vendors are called with.
    ///
    /// # Errors
    /// [`BadAddress`]: nothing that waiting would mend.
    pub fn new(http: reqwest::Client, base_url: &str) -> Result<Self, BadAddress> {
        let base_url = Url::parse(base_url).ok().filter(is_allowed).ok_or(BadAddress)?;
        let base_url = base_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, base_url, observer: |_| {} })
    }

    /// The same, and each call that came to its end is told.
    #[must_use]
    pub fn told_to(self, observer: fn(Called)) -> Self {
        Self { observer, ..self }
    }

    /// Reads the enrolled record, its contact, all of its line items and what else is `wanted`: two round trips, unless
    /// something has more associations than HubSpot puts on a page. The contact is a quote's billing contact, else the
    /// first as HubSpot lists them (hubspot.md §6.3).
    ///
    /// # Errors
    /// [`Error`]. Within 8 s in every case; what takes longer is [`Error::Unavailable`].
    pub async fn enrolled(
        &self,
        token: &SecretString,
        kind: RecordKind,
        id: RecordId,
        wanted: &Wanted,
    ) -> Result<Enrolled, Error> {
        let reading = Reading { client: self, token, kind, id };
        let timed_out = |_| Error::Unavailable { doing: Doing::ReadingRecord(kind), cause: Cause::TimedOut };
        tokio::time::timeout(TOTAL_LIMIT, reading.enrolled(wanted)).await.map_err(timed_out)?
    }
}

/// Tokens travel to this address: encrypted, or not off this machine.
fn is_allowed(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Associated;
    use crate::test_server::{self, Answer as Served, Seen, Server, answer};
    use mapping::hubspot::Record;
    use serde_json::{Value, json};
    use std::error::Error as _;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    const DEAL: &str = include_str!("../../../tests/fixtures/hubspot/deal_with_duplicate_rows.json");
    const DEAL_PAGED: &str = include_str!("../../../tests/fixtures/hubspot/deal_with_a_further_page.json");
    const QUOTE: &str = include_str!("../../../tests/fixtures/hubspot/quote_without_contact.json");
    const WHOLE_QUOTE: &str = include_str!("../../../tests/fixtures/hubspot/quote_with_everything.json");
    const BILLING_CONTACT: &str =
        include_str!("../../../tests/fixtures/hubspot/associations_with_a_billing_contact.json");
    const NO_ASSOCIATIONS: &str = r#"{"results": []}"#;
    const CONTACT: &str = include_str!("../../../tests/fixtures/hubspot/contact.json");
    const FIRST_PAGE: &str = include_str!("../../../tests/fixtures/hubspot/associations_first_page.json");
    const LAST_PAGE: &str = include_str!("../../../tests/fixtures/hubspot/associations_last_page.json");
    const ONE_MISSING: &str = include_str!("../../../tests/fixtures/hubspot/line_items_one_missing.json");
    const MISSING_SCOPES: &str =
        include_str!("../../../tests/fixtures/hubspot/refused_for_missing_scopes.json");
    const INVALID: &str = include_str!("../../../tests/fixtures/hubspot/refused_as_invalid.json");
    const NO_PAYMENTS_SCOPE: &str =
        include_str!("../../../tests/fixtures/hubspot/refused_for_the_payments_scope.json");
    const RATE_LIMIT: &str = include_str!("../../../tests/fixtures/hubspot/refused_by_the_rate_limit.json");

    /// A portal with one record and one contact; everything else that is asked for in a batch exists and comes in reverse
    /// order.
    fn portal(seen: &Seen, record: &str) -> Served {
        let (path, query) = seen.line.split_once('?').unwrap();
        match path {
            "GET /crm/objects/2026-03/deals/8800000001" | "GET /crm/objects/2026-03/quotes/9900000001" => {
                answer(200, "", record)
            }
            "GET /crm/objects/2026-03/contacts/502" => answer(200, "", CONTACT),
            "GET /crm/objects/2026-03/quotes/9900000001/associations/contacts" => {
                answer(200, "", NO_ASSOCIATIONS)
            }
            "GET /crm/objects/2026-03/deals/8800000001/associations/line_items"
            | "GET /crm/objects/2026-03/deals/8800000001/associations/commerce_payments" => match query {
                "limit=500" => answer(200, "", FIRST_PAGE),
                "limit=500&after=NjAy%2B%2F%3D" => answer(200, "", LAST_PAGE),
                other => panic!("page {other}"),
            },
            other => match other.strip_prefix("POST /crm/objects/2026-03/") {
                Some("line_items/batch/read") => answer(200, "", batch(&seen.body, "name")),
                Some("discounts/batch/read" | "fees/batch/read" | "taxes/batch/read") => {
                    answer(200, "", batch(&seen.body, "hs_label"))
                }
                Some("commerce_payments/batch/read") => {
                    answer(200, "", batch(&seen.body, "hs_reference_number"))
                }
                _ => panic!("nobody should ask for {other}"),
            },
        }
    }

    /// Rows that are called after their ids, in the property `naming`.
    fn batch(body: &str, naming: &str) -> String {
        let body: Value = serde_json::from_str(body).unwrap();
        assert!(body["properties"].as_array().unwrap().contains(&naming.into()), "{body}");
        let inputs = body["inputs"].as_array().unwrap();
        assert!(inputs.len() <= 100, "{} inputs", inputs.len());
        let row = |input: &Value| {
            let name = format!("No. {}", input["id"].as_str().unwrap());
            json!({"id": input["id"], "properties": {naming: name, "price": null}})
        };
        json!({"status": "COMPLETE", "results": inputs.iter().rev().map(row).collect::<Vec<_>>()}).to_string()
    }

    async fn enrolled(server: &Server, kind: RecordKind, id: u64, payments: bool) -> Result<Enrolled, Error> {
        let client = Client::new(test_server::http(), &server.url).unwrap();
        client
            .enrolled(&"a-secret-token".into(), kind, RecordId(id), &Wanted { payments, ..Wanted::default() })
            .await
    }

    async fn quote(server: &Server, payments: bool) -> Result<Enrolled, Error> {
        enrolled(server, RecordKind::Quote, 9_900_000_001, payments).await
    }

    async fn deal(server: &Server) -> Result<Enrolled, Error> {
        enrolled(server, RecordKind::Deal, 8_800_000_001, false).await
    }

    fn line_ids(enrolled: &Enrolled) -> Vec<u64> {
        enrolled.line_items.iter().map(|line| line.id.0).collect()
    }

    #[tokio::test]
    async fn a_deal_comes_with_its_first_contact_and_each_line_item_once() {
        let server = Server::start(|seen| portal(seen, DEAL)).await;
        let read = deal(&server).await.unwrap();
        let Record::Deal(deal) = &read.record else { panic!("{:?}", read.record) };
        assert_eq!(deal.properties.dealname.as_deref(), Some("Acme renewal"));
        assert_eq!(deal.properties.deal_currency_code, None);
        let contact = read.contact.as_ref().unwrap();
        assert_eq!(contact.id, RecordId(502));
        assert_eq!(contact.properties.lastname.as_deref(), Some("O'Brien & Søn \"Ltd\""));
        assert_eq!((&contact.properties.phone, &contact.properties.address), (&None, &None));
        assert_eq!(line_ids(&read), [602, 601]);
        assert_eq!(read.line_items[0].properties.name.as_deref(), Some("No. 602"));
        let seen = server.seen();
        assert_eq!(seen.len(), 3);
        assert!(seen[0].line.starts_with("GET /crm/objects/2026-03/deals/"), "{:?}", seen[0]);
        assert!(seen.iter().all(|call| call.headers.contains("authorization: bearer a-secret-token")));
    }

    #[tokio::test]
    async fn a_quote_is_read_likewise_and_may_have_no_contact() {
        let server = Server::start(|seen| portal(seen, QUOTE)).await;
        let read = quote(&server, false).await.unwrap();
        let Record::Quote(quote) = &read.record else { panic!("{:?}", read.record) };
        assert_eq!(quote.properties.hs_currency.as_deref(), Some("EUR"));
        assert_eq!((read.contact.is_none(), line_ids(&read)), (true, vec![601]));
        assert_eq!((read.discounts, read.fees, read.payments), (vec![], vec![], vec![]));
        assert_eq!(server.seen().len(), 3);
    }

    /// The whole quote, with its contacts as the associations endpoint lists them.
    fn whole_quote(seen: &Seen, contacts: &str) -> Served {
        match seen.line.contains("/associations/contacts?") {
            true => answer(200, "", contacts),
            false => portal(seen, WHOLE_QUOTE),
        }
    }

    #[tokio::test]
    async fn a_quote_comes_with_billing_contact_discounts_fees_and_payments() {
        let server = Server::start(|seen| whole_quote(seen, BILLING_CONTACT)).await;
        let read = quote(&server, true).await.unwrap();
        let Record::Quote(quote) = &read.record else { panic!("{:?}", read.record) };
        assert_eq!(quote.properties.hs_payment_status.as_deref(), Some("PAID"));
        assert_eq!(read.contact.as_ref().unwrap().id, RecordId(502));
        assert_eq!(line_ids(&read), [601, 602]);
        let labels = |list: &[mapping::hubspot::Adjustment]| -> Vec<String> {
            list.iter().map(|one| one.properties.hs_label.clone().unwrap()).collect()
        };
        assert_eq!(labels(&read.discounts), ["No. 841", "No. 842"]);
        assert_eq!(labels(&read.fees), ["No. 851"]);
        let [payment] = &read.payments[..] else { panic!("{:?}", read.payments) };
        assert_eq!(payment.id, RecordId(1011));
        assert_eq!(payment.properties.hs_reference_number.as_deref(), Some("No. 1011"));
        let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
        assert_eq!(lines.len(), 7, "{lines:?}");
        // The first round trip is these two, in either order.
        assert!(lines[..2].iter().any(|line| {
            line.ends_with(
                "&associations=contacts%2Cline_items%2Cdiscounts%2Cfees%2Ctaxes%2Ccommerce_payments",
            )
        }));
        let listing = "GET /crm/objects/2026-03/quotes/9900000001/associations/contacts?limit=500";
        assert!(lines[..2].iter().any(|line| line == listing), "{lines:?}");
    }

    #[tokio::test]
    async fn payments_are_asked_for_only_when_they_are_wanted() {
        let server = Server::start(|seen| portal(seen, DEAL)).await;
        for (payments, expected) in
            [(false, "contacts%2Cline_items"), (true, "contacts%2Cline_items%2Ccommerce_payments")]
        {
            let before = server.seen().len();
            enrolled(&server, RecordKind::Deal, 8_800_000_001, payments).await.unwrap();
            let line = &server.seen()[before].line;
            assert!(line.ends_with(&format!("&associations={expected}")), "{line}");
        }
    }

    #[tokio::test]
    async fn the_company_is_read_in_the_same_two_round_trips_where_it_is_billed() {
        let listed = json!({"results": [
            {"toObjectId": 701, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 341, "label": null}]},
            {"toObjectId": "702", "associationTypes": [
                {"category": "HUBSPOT_DEFINED", "typeId": 341, "label": null},
                {"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"},
            ]},
        ]})
        .to_string();
        let server = Server::start(move |seen| match seen.line.split_whitespace().nth(1).unwrap() {
            "/crm/objects/2026-03/deals/8800000001/associations/companies?limit=500" => {
                answer(200, "", listed.clone())
            }
            path if path.starts_with("/crm/objects/2026-03/companies/batch/read") => {
                answer(200, "", batch(&seen.body, "name"))
            }
            _ => portal(seen, DEAL),
        })
        .await;
        let client = Client::new(test_server::http(), &server.url).unwrap();
        let read = |company| {
            let wanted = Wanted { company, ..Wanted::default() };
            let client = client.clone();
            async move { client.enrolled(&"t".into(), RecordKind::Deal, RecordId(8_800_000_001), &wanted).await }
        };
        let companies = read(true).await.unwrap().companies.unwrap();
        let [company] = companies.as_slice() else { panic!("{companies:?}") };
        assert_eq!((company.id, company.properties.name.as_deref()), (RecordId(702), Some("No. 702")));
        let calls = server.seen();
        assert_eq!(calls.len(), 5);
        assert!(calls[..2].iter().any(|call| call.line.contains("/associations/companies")), "{calls:?}");
        assert_eq!(read(false).await.unwrap().companies, None);
        assert_eq!(server.seen().len(), 8);
    }

    #[tokio::test]
    async fn the_billing_contact_is_looked_for_on_every_page() {
        let first = r#"{"results": [{"toObjectId": 501}], "paging": {"next": {"after": "5/1"}}}"#;
        let server = Server::start(move |seen| match seen.line.ends_with("contacts?limit=500") {
            true => answer(200, "", first),
            false => whole_quote(seen, BILLING_CONTACT),
        })
        .await;
        assert_eq!(quote(&server, false).await.unwrap().contact.unwrap().id, RecordId(502));
        let after = "/associations/contacts?limit=500&after=5%2F1";
        assert!(server.seen().iter().any(|seen| seen.line.ends_with(after)), "{:?}", server.seen());
    }

    #[tokio::test]
    async fn without_a_billing_contact_the_first_one_listed_is_used() {
        let listed = r#"{"results": [{"toObjectId": 502}, {"toObjectId": 501}]}"#;
        let server = Server::start(move |seen| whole_quote(seen, listed)).await;
        assert_eq!(quote(&server, false).await.unwrap().contact.unwrap().id, RecordId(502));
    }

    #[tokio::test]
    async fn a_quote_that_is_gone_is_told_as_such() {
        // The answer about the contacts comes first, and says less.
        let server = Server::start(|seen| {
            let delay = Duration::from_millis(if seen.line.contains("/associations/") { 0 } else { 100 });
            Served { delay, ..answer(404, "", "{}") }
        })
        .await;
        assert!(matches!(quote(&server, false).await, Err(Error::NotFound)));
    }

    #[tokio::test]
    async fn further_pages_of_payments_are_read_too() {
        let record = r#"{"id": "8800000001", "properties": {}, "associations": {"0-101":
            {"results": [{"id": "601"}], "paging": {"next": {"after": "NjAx"}}}}}"#;
        let server = Server::start(|seen| portal(seen, record)).await;
        let read = enrolled(&server, RecordKind::Deal, 8_800_000_001, true).await.unwrap();
        assert_eq!(read.payments.iter().map(|payment| payment.id.0).collect::<Vec<_>>(), [601, 602, 603]);
    }

    #[tokio::test]
    async fn a_payment_that_cannot_be_read_is_an_error() {
        let server = Server::start(|seen| match seen.line.contains("commerce_payments/batch") {
            true => answer(207, "", r#"{"status": "COMPLETE", "results": []}"#),
            false => portal(seen, WHOLE_QUOTE),
        })
        .await;
        let error = quote(&server, true).await.unwrap_err();
        let doing = Doing::Reading(Associated::Payments);
        let expected =
            matches!(error, Error::Unavailable { doing: d, cause: Cause::Incomplete } if d == doing);
        assert!(expected, "{error:?}");
    }

    #[tokio::test]
    async fn the_scope_that_payments_lack_reaches_the_caller() {
        for refused in ["GET /crm/objects/2026-03/quotes/9900000001?", "commerce_payments/batch/read"] {
            let server = Server::start(move |seen| match seen.line.contains(refused) {
                true => answer(403, "", NO_PAYMENTS_SCOPE),
                false => portal(seen, WHOLE_QUOTE),
            })
            .await;
            let error = quote(&server, true).await.unwrap_err();
            let Error::MissingScopes(scopes) = error else { panic!("{error:?}") };
            assert_eq!(scopes, ["crm.objects.commercepayments.read"], "{refused}");
        }
    }

    #[tokio::test]
    async fn further_pages_of_line_items_are_read_by_their_cursor() {
        let server = Server::start(|seen| portal(seen, DEAL_PAGED)).await;
        assert_eq!(line_ids(&deal(&server).await.unwrap()), [601, 602, 603]);
        assert_eq!(server.seen().len(), 4);
    }

    #[tokio::test]
    async fn more_than_a_hundred_line_items_are_read_in_several_calls() {
        let ids: Vec<u64> = (1..=250).collect();
        let rows: Vec<Value> = ids.iter().map(|id| json!({"id": id.to_string()})).collect();
        let record =
            json!({"id": "8800000001", "properties": {}, "associations": {"line_items": {"results": rows}}})
                .to_string();
        let server = Server::start(move |seen| portal(seen, &record)).await;
        assert_eq!(line_ids(&deal(&server).await.unwrap()), ids);
        assert_eq!(server.seen().len(), 4);
    }

    #[tokio::test]
    async fn a_line_item_that_cannot_be_read_is_an_error() {
        let server = Server::start(|seen| match seen.line.contains("batch/read") {
            true => answer(207, "", ONE_MISSING),
            false => portal(seen, DEAL),
        })
        .await;
        let error = deal(&server).await.unwrap_err();
        let expected = matches!(
            error,
            Error::Unavailable { doing: Doing::Reading(Associated::LineItems), cause: Cause::Incomplete }
        );
        assert!(expected, "{error:?}");
    }

    #[tokio::test]
    async fn a_contact_that_vanished_is_an_error() {
        let server = Server::start(|seen| match seen.line.contains("/contacts/") {
            true => answer(404, "", "{}"),
            false => portal(seen, DEAL),
        })
        .await;
        assert!(matches!(
            deal(&server).await,
            Err(Error::Unavailable { doing: Doing::Reading(Associated::Contacts), .. })
        ));
    }

    /// What a record call that is answered so means, and how often it is made.
    #[track_caller]
    fn check(status: u16, body: &'static str, expected: &str, calls: usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let headers = "location: http://169.254.169.254/latest/meta-data\r\n";
            let server = Server::start(move |_| answer(status, headers, body)).await;
            let error = deal(&server).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(server.seen().len(), calls, "calls");
        });
    }

    #[test]
    fn every_refusal_is_sorted_by_what_to_do_next() {
        let unavailable = "reading the enrolled record: no usable answer from HubSpot";
        check(401, "{}", "HubSpot refused the access token", 1);
        check(
            403,
            MISSING_SCOPES,
            "HubSpot wants scopes the portal has not granted: crm.objects.line_items.read crm.objects.contacts.read",
            1,
        );
        check(403, "<html>", "HubSpot wants scopes the portal has not granted: crm.objects.deals.read", 1);
        check(404, "{}", "reading the enrolled record: HubSpot does not have it", 1);
        check(429, RATE_LIMIT, "HubSpot's rate limit is reached", 1);
        check(400, INVALID, "reading the enrolled record: HubSpot answered 400 VALIDATION_ERROR", 1);
        check(414, "", "reading the enrolled record: HubSpot answered 414", 1);
        check(423, "{}", unavailable, 1);
        check(477, "{}", unavailable, 1);
        for status in [500, 502, 503, 504, 524] {
            check(status, "{}", unavailable, 2);
        }
        check(302, "", unavailable, 1);
        check(200, "<html>", unavailable, 1);
        check(200, r#"{"id": "8800000001"}"#, unavailable, 1);
        check(200, "", unavailable, 1);
    }

    #[tokio::test]
    async fn a_passing_failure_is_not_seen() {
        let calls = AtomicU32::new(0);
        let server = Server::start(move |seen| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Served { delay: Duration::ZERO, bytes: Vec::new() },
            _ => portal(seen, QUOTE),
        })
        .await;
        assert!(quote(&server, false).await.is_ok());
        assert_eq!(server.seen().len(), 4);
    }

    #[tokio::test]
    async fn a_body_of_three_megabytes_is_not_read_to_its_end() {
        let server = Server::start(|_| answer(200, "", " ".repeat(3_000_000))).await;
        let error = deal(&server).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { cause: Cause::TooLarge, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_slow_answer_is_given_up() {
        let slow = Duration::from_secs(30);
        let server = Server::start(move |seen| Served { delay: slow, ..portal(seen, DEAL) }).await;
        let started = Instant::now();
        let error = deal(&server).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { cause: Cause::TimedOut, .. }), "{error:?}");
        assert!(started.elapsed() < TOTAL_LIMIT);
        assert_eq!(server.seen().len(), 1);
    }

    #[tokio::test]
    async fn nobody_listening_is_unavailable_and_names_no_address() {
        let client = Client::new(test_server::http(), "http://127.0.0.1:1").unwrap();
        let error = client
            .enrolled(&"t".into(), RecordKind::Deal, RecordId(1), &Wanted::default())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Unavailable { cause: Cause::NotConnected(_), .. }), "{error:?}");
        let whole = format!("{error} {} {error:?}", error.source().unwrap());
        assert!(!whole.contains("/crm/"), "{whole}");
    }

    #[test]
    fn tokens_go_to_https_or_to_this_machine_only() {
        for url in
            ["https://api.hubapi.com", "http://127.0.0.1:4000/", "http://localhost:1", "http://[::1]:1"]
        {
            assert!(Client::new(test_server::http(), url).is_ok(), "{url}");
        }
        for url in [
            "http://api.hubapi.com",
            "http://10.0.0.1",
            "ftp://localhost",
            "localhost",
            "",
            "https://u@h/",
            "https://h/?q",
        ] {
            assert!(matches!(Client::new(test_server::http(), url), Err(BadAddress)), "{url}");
        }
    }
}
