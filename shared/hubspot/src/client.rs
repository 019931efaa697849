//! Reading the enrolled record from HubSpot's CRM API, in two round trips (hubspot.md §6).
//!
//! HubSpot's oddities are read here and nowhere else: an association is listed once per *type* of association, the key of
//! the line items has three spellings, ids are strings or numbers, a batch may leave records out. A record that cannot be
//! read whole is an error: a document with a line too few is worse than none.

use crate::error::{Cause, Doing, Error};
use mapping::hubspot::{
    Contact, ContactProperties, Deal, DealProperties, Enrolled, LineItem, LineItemProperties, Quote,
    QuoteProperties, Record, RecordId, RecordKind,
};
use reqwest::{Method, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

/// The API's version, part of every path (hubspot.md §0).
const VERSION: &str = "2026-03";

const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// For one call, body included.
const CALL_LIMIT: Duration = Duration::from_secs(4);
/// For all calls of one [`Client::enrolled`], repeats included.
const TOTAL_LIMIT: Duration = Duration::from_secs(8);
/// Before the one repeat.
const PAUSE: Duration = Duration::from_millis(200);
/// Of a body, after decompression, in bytes.
const BODY_CAP: usize = 2_000_000;
/// Of a batch read (hubspot.md §6.4).
const BATCH: usize = 100;
/// Of the associations endpoint (hubspot.md §6.3).
const PAGE: &str = "500";

const CONTACTS: &[&str] = &["contacts", "0-1"];
const LINE_ITEMS: &[&str] = &["line items", "line_items", "0-8"];

/// HubSpot's API. Made once per cold start; a clone shares the connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
}

/// Why a [`Client`] cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Neither `https` nor, on this machine, `http`; or with a user, a query or a fragment.
    #[error("HubSpot's API address must be a plain https URL (http only for this machine)")]
    Address,
    /// The HTTP library could not start.
    #[error("setting up the connection to HubSpot")]
    Http(#[source] reqwest::Error),
}

impl Client {
    /// A client of the API at `base_url`, `https://api.hubapi.com` or a stand-in.
    ///
    /// # Errors
    /// [`SetupError`]: nothing that waiting would mend.
    pub fn new(base_url: &str) -> Result<Self, SetupError> {
        let base_url = Url::parse(base_url).ok().filter(is_allowed).ok_or(SetupError::Address)?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("hubspot-quickbooks/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .timeout(CALL_LIMIT)
            .gzip(true)
            // The token goes to the configured host only, on a connection of ours, and repeats are counted here.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .build()
            .map_err(SetupError::Http)?;
        Ok(Self { http, base_url: base_url.as_str().trim_end_matches('/').to_owned() })
    }

    /// Reads the enrolled record, its first contact and all of its line items: two round trips, unless there are more line
    /// items than HubSpot embeds. The first contact is the first as HubSpot lists them (hubspot.md §6.3).
    ///
    /// # Errors
    /// [`Error`]. Within 8 s in every case; what takes longer is [`Error::Unavailable`].
    pub async fn enrolled(
        &self,
        token: &SecretString,
        kind: RecordKind,
        id: RecordId,
    ) -> Result<Enrolled, Error> {
        let reading = Reading { client: self, token };
        let timed_out = |_| Error::Unavailable { doing: Doing::ReadingRecord, cause: Cause::TimedOut };
        tokio::time::timeout(TOTAL_LIMIT, reading.enrolled(kind, id)).await.map_err(timed_out)?
    }
}

/// Tokens travel to this address: encrypted, or not off this machine.
fn is_allowed(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

/// May the call be made again? Once, if it only reads, and only when a moment's wait can help: a time-out has used up its
/// time, 423 wants two seconds, 429 and 477 want longer (hubspot.md §8). `attempt` counts from 1.
fn may_retry(method: &Method, path: &str, outcome: &Outcome, attempt: u32) -> bool {
    // A batch read is a POST, but has no effect.
    let reads = *method == Method::GET || (*method == Method::POST && path.ends_with("/batch/read"));
    let passing = match outcome {
        Ok(answer) => (500..=599).contains(&answer.status),
        Err(cause) => matches!(cause, Cause::NotConnected(_) | Cause::Broken(_)),
    };
    reads && passing && attempt < 2
}

type Outcome = Result<Answer, Cause>;

/// One [`Client::enrolled`]: the portal's token stays with its calls.
struct Reading<'a> {
    client: &'a Client,
    token: &'a SecretString,
}

impl Reading<'_> {
    async fn enrolled(&self, kind: RecordKind, id: RecordId) -> Result<Enrolled, Error> {
        let (record, associations) = self.record(kind, id).await?;
        let first_contact = ids_of(&associations, CONTACTS).first().copied();
        let line_items = async {
            let ids = self.line_item_ids(kind, id, &associations).await?;
            self.line_items(&ids).await
        };
        let (contact, line_items) = tokio::try_join!(self.contact(first_contact), line_items)?;
        Ok(Enrolled { record, contact, line_items })
    }

    async fn record(&self, kind: RecordKind, id: RecordId) -> Result<(Record, Associations), Error> {
        Ok(match kind {
            RecordKind::Deal => {
                let row: Row<DealProperties> = self.record_row(kind, id, DealProperties::NAMES).await?;
                (Record::Deal(Deal { id: row.id, properties: row.properties }), row.associations)
            }
            RecordKind::Quote => {
                let row: Row<QuoteProperties> = self.record_row(kind, id, QuoteProperties::NAMES).await?;
                (Record::Quote(Quote { id: row.id, properties: row.properties }), row.associations)
            }
        })
    }

    async fn record_row<P: DeserializeOwned>(
        &self,
        kind: RecordKind,
        id: RecordId,
        properties: &[&str],
    ) -> Result<Row<P>, Error> {
        let query = [("properties", properties.join(",")), ("associations", "contacts,line_items".into())];
        self.get(Doing::ReadingRecord, format!("{}/{id}", path_name(kind)), query.into()).await
    }

    /// The ids embedded in the record or, when there are more of them, those of the associations endpoint from its start:
    /// nothing says that a cursor of the one is understood by the other, and a wrong guess would lose lines.
    async fn line_item_ids(
        &self,
        kind: RecordKind,
        id: RecordId,
        associations: &Associations,
    ) -> Result<Vec<RecordId>, Error> {
        let embedded = ids_of(associations, LINE_ITEMS);
        if !lists(associations, LINE_ITEMS).any(|list| list.after().is_some()) {
            return Ok(embedded);
        }
        let path = format!("{}/{id}/associations/line_items", path_name(kind));
        let mut ids = embedded;
        let mut after: Option<String> = None;
        loop {
            let limit = ("limit", PAGE.to_owned());
            let query = std::iter::once(limit).chain(after.map(|after| ("after", after))).collect();
            let page: Page<AssociationRow> = self.get(Doing::ListingLineItems, path.clone(), query).await?;
            ids.extend(page.results.iter().map(|row| row.to_object_id));
            // Only the cursor: a link would send the token wherever it points.
            after = page.after().map(str::to_owned);
            if after.is_none() {
                return Ok(each_once(ids));
            }
        }
    }

    async fn contact(&self, id: Option<RecordId>) -> Result<Option<Contact>, Error> {
        let Some(id) = id else { return Ok(None) };
        let query = vec![("properties", ContactProperties::NAMES.join(","))];
        let row: Row<ContactProperties> =
            self.get(Doing::ReadingContact, format!("contacts/{id}"), query).await?;
        Ok(Some(Contact { id: row.id, properties: row.properties }))
    }

    async fn line_items(&self, ids: &[RecordId]) -> Result<Vec<LineItem>, Error> {
        let batches = ids.chunks(BATCH).map(|batch| self.line_item_batch(batch));
        Ok(futures::future::try_join_all(batches).await?.concat())
    }

    /// In the order of `ids`: that of the answer is not documented.
    async fn line_item_batch(&self, ids: &[RecordId]) -> Result<Vec<LineItem>, Error> {
        let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id.to_string()})).collect();
        // The published API description demands `propertiesWithHistory`.
        let body =
            json!({"inputs": inputs, "properties": LineItemProperties::NAMES, "propertiesWithHistory": []});
        let doing = Doing::ReadingLineItems;
        let call = Call {
            method: Method::POST,
            path: objects("line_items/batch/read"),
            query: vec![("archived", "false".into())],
            body: Some(body),
        };
        let read: Page<Row<LineItemProperties>> = self.read(doing, &call).await?;
        let mut found: HashMap<RecordId, LineItemProperties> =
            read.results.into_iter().map(|row| (row.id, row.properties)).collect();
        let line_items = ids.iter().map(|&id| Some(LineItem { id, properties: found.remove(&id)? }));
        line_items.collect::<Option<_>>().ok_or(Error::Unavailable { doing, cause: Cause::Incomplete })
    }

    async fn get<T: DeserializeOwned>(
        &self,
        doing: Doing,
        path: String,
        query: Vec<(&'static str, String)>,
    ) -> Result<T, Error> {
        self.read(doing, &Call { method: Method::GET, path: objects(&path), query, body: None }).await
    }

    async fn read<T: DeserializeOwned>(&self, doing: Doing, call: &Call) -> Result<T, Error> {
        let mut outcome = self.send(call).await;
        let mut attempt = 1;
        while may_retry(&call.method, &call.path, &outcome, attempt) {
            tokio::time::sleep(PAUSE).await;
            outcome = self.send(call).await;
            attempt += 1;
        }
        let unavailable = |cause| Error::Unavailable { doing, cause };
        let body = sort(doing, outcome.map_err(unavailable)?)?;
        serde_json::from_slice(&body).map_err(|error| unavailable(error.into()))
    }

    async fn send(&self, call: &Call) -> Outcome {
        let started = Instant::now();
        let outcome = self.exchange(call).await;
        let (method, path) = (call.method.as_str(), call.path.as_str());
        let duration_ms = started.elapsed().as_millis() as u64;
        match &outcome {
            Ok(Answer { status, problem, .. }) => {
                let correlation_id = problem.correlation_id.as_deref();
                tracing::info!(method, path, status, duration_ms, correlation_id, "HubSpot answered");
            }
            Err(cause) => tracing::info!(method, path, duration_ms, %cause, "HubSpot did not answer"),
        }
        outcome
    }

    async fn exchange(&self, call: &Call) -> Outcome {
        let Client { http, base_url } = self.client;
        let mut request = http
            .request(call.method.clone(), format!("{base_url}{}", call.path))
            .query(&call.query)
            .bearer_auth(self.token.expose_secret());
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let body = read_capped(response).await?;
        let problem = if status < 300 { Problem::default() } else { Problem::read(&body) };
        Ok(Answer { status, body, problem })
    }
}

async fn read_capped(mut response: Response) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY_CAP {
            return Err(Cause::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The body of a success, or the error by what the caller does next. A 207 passes here: whether a record is missing is
/// seen from the records.
fn sort(doing: Doing, answer: Answer) -> Result<Vec<u8>, Error> {
    let Answer { status, body, problem } = answer;
    match status {
        200..=299 => Ok(body),
        401 => Err(Error::Unauthorized),
        403 if problem.is_missing_scopes() => Err(Error::MissingScopes(problem.missing_scopes())),
        // Whatever else is gone was there a moment ago: the next attempt sees the associations without it.
        404 if doing == Doing::ReadingRecord => Err(Error::NotFound),
        404 => Err(Error::Unavailable { doing, cause: Cause::Incomplete }),
        429 => Err(Error::RateLimited),
        408 | 423 | 477 => Err(Error::Unavailable { doing, cause: Cause::Status(status) }),
        400..=499 => Err(Error::Refused { doing, status, category: problem.category() }),
        _ => Err(Error::Unavailable { doing, cause: Cause::Status(status) }),
    }
}

struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
    problem: Problem,
}

/// HubSpot's standard error body, of which every part may be missing (hubspot.md §8).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Problem {
    category: Option<String>,
    correlation_id: Option<String>,
    context: ProblemContext,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProblemContext {
    missing_scopes: Vec<String>,
}

impl Problem {
    fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    fn is_missing_scopes(&self) -> bool {
        self.category.as_deref() == Some("MISSING_SCOPES")
    }

    /// Words only, as this ends up in sentences and logs.
    fn category(self) -> Option<String> {
        self.category.filter(|category| is_word(category))
    }

    fn missing_scopes(self) -> Vec<String> {
        self.context.missing_scopes.into_iter().filter(|scope| is_word(scope)).collect()
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

type Associations = BTreeMap<String, Page<EmbeddedRow>>;

#[derive(Deserialize)]
struct Row<P> {
    id: RecordId,
    properties: P,
    #[serde(default)]
    associations: Associations,
}

#[derive(Deserialize)]
struct EmbeddedRow {
    id: RecordId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssociationRow {
    to_object_id: RecordId,
}

#[derive(Deserialize)]
struct Page<T> {
    results: Vec<T>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    after: String,
}

impl<T> Page<T> {
    fn after(&self) -> Option<&str> {
        Some(&self.paging.as_ref()?.next.as_ref()?.after)
    }
}

fn lists<'a>(
    associations: &'a Associations,
    keys: &'a [&str],
) -> impl Iterator<Item = &'a Page<EmbeddedRow>> {
    keys.iter().filter_map(|&key| associations.get(key))
}

fn ids_of(associations: &Associations, keys: &[&str]) -> Vec<RecordId> {
    each_once(lists(associations, keys).flat_map(|list| &list.results).map(|row| row.id))
}

/// One row per association type means the same id several times (hubspot.md §6.2).
fn each_once(ids: impl IntoIterator<Item = RecordId>) -> Vec<RecordId> {
    let mut seen = HashSet::new();
    ids.into_iter().filter(|&id| seen.insert(id)).collect()
}

fn path_name(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Deal => "deals",
        RecordKind::Quote => "quotes",
    }
}

fn objects(rest: &str) -> String {
    format!("/crm/objects/{VERSION}/{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Answer as Served, Seen, Server, answer};
    use std::error::Error as _;
    use std::sync::atomic::{AtomicU32, Ordering};

    const DEAL: &str = include_str!("../../../tests/fixtures/hubspot/deal_with_duplicate_rows.json");
    const DEAL_PAGED: &str = include_str!("../../../tests/fixtures/hubspot/deal_with_a_further_page.json");
    const QUOTE: &str = include_str!("../../../tests/fixtures/hubspot/quote_without_contact.json");
    const CONTACT: &str = include_str!("../../../tests/fixtures/hubspot/contact.json");
    const FIRST_PAGE: &str = include_str!("../../../tests/fixtures/hubspot/associations_first_page.json");
    const LAST_PAGE: &str = include_str!("../../../tests/fixtures/hubspot/associations_last_page.json");
    const ONE_MISSING: &str = include_str!("../../../tests/fixtures/hubspot/line_items_one_missing.json");
    const MISSING_SCOPES: &str =
        include_str!("../../../tests/fixtures/hubspot/refused_for_missing_scopes.json");
    const INVALID: &str = include_str!("../../../tests/fixtures/hubspot/refused_as_invalid.json");
    const RATE_LIMIT: &str = include_str!("../../../tests/fixtures/hubspot/refused_by_the_rate_limit.json");

    /// A portal with one record and one contact; every line item that is asked for exists and comes in reverse order.
    fn portal(seen: &Seen, record: &str) -> Served {
        let (path, query) = seen.line.split_once('?').unwrap();
        match path {
            "GET /crm/objects/2026-03/deals/8800000001" | "GET /crm/objects/2026-03/quotes/9900000001" => {
                answer(200, "", record)
            }
            "GET /crm/objects/2026-03/contacts/502" => answer(200, "", CONTACT),
            "GET /crm/objects/2026-03/deals/8800000001/associations/line_items" => match query {
                "limit=500" => answer(200, "", FIRST_PAGE),
                "limit=500&after=NjAy%2B%2F%3D" => answer(200, "", LAST_PAGE),
                other => panic!("page {other}"),
            },
            "POST /crm/objects/2026-03/line_items/batch/read" => answer(200, "", batch(&seen.body)),
            other => panic!("nobody should ask for {other}"),
        }
    }

    fn batch(body: &str) -> String {
        let body: Value = serde_json::from_str(body).unwrap();
        let inputs = body["inputs"].as_array().unwrap();
        assert!(inputs.len() <= 100, "{} inputs", inputs.len());
        let row = |input: &Value| json!({"id": input["id"], "properties": {"name": format!("Line {}", input["id"]), "price": null}});
        json!({"status": "COMPLETE", "results": inputs.iter().rev().map(row).collect::<Vec<_>>()}).to_string()
    }

    async fn enrolled(server: &Server, kind: RecordKind, id: u64) -> Result<Enrolled, Error> {
        Client::new(&server.url).unwrap().enrolled(&"a-secret-token".into(), kind, RecordId(id)).await
    }

    async fn deal(server: &Server) -> Result<Enrolled, Error> {
        enrolled(server, RecordKind::Deal, 8_800_000_001).await
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
        assert_eq!(read.line_items[0].properties.name.as_deref(), Some("Line \"602\""));
        let seen = server.seen();
        assert_eq!(seen.len(), 3);
        assert!(seen[0].line.starts_with("GET /crm/objects/2026-03/deals/"), "{:?}", seen[0]);
        assert!(seen.iter().all(|call| call.headers.contains("authorization: bearer a-secret-token")));
    }

    #[tokio::test]
    async fn a_quote_is_read_likewise_and_may_have_no_contact() {
        let server = Server::start(|seen| portal(seen, QUOTE)).await;
        let read = enrolled(&server, RecordKind::Quote, 9_900_000_001).await.unwrap();
        let Record::Quote(quote) = &read.record else { panic!("{:?}", read.record) };
        assert_eq!(quote.properties.hs_currency.as_deref(), Some("EUR"));
        assert_eq!((read.contact.is_none(), line_ids(&read)), (true, vec![601]));
        assert_eq!(server.seen().len(), 2);
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
        let expected =
            matches!(error, Error::Unavailable { doing: Doing::ReadingLineItems, cause: Cause::Incomplete });
        assert!(expected, "{error:?}");
    }

    #[tokio::test]
    async fn a_contact_that_vanished_is_an_error() {
        let server = Server::start(|seen| match seen.line.contains("/contacts/") {
            true => answer(404, "", "{}"),
            false => portal(seen, DEAL),
        })
        .await;
        assert!(matches!(deal(&server).await, Err(Error::Unavailable { doing: Doing::ReadingContact, .. })));
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
        check(403, "<html>", "reading the enrolled record: HubSpot answered 403", 1);
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

    #[test]
    fn a_read_may_be_repeated_once_when_a_moment_can_help() {
        let status = |status| Ok(Answer { status, body: Vec::new(), problem: Problem::default() });
        let batch_read = objects("line_items/batch/read");
        for (method, path, outcome, attempt, expected) in [
            (Method::GET, "/", status(503), 1, true),
            (Method::GET, "/", status(500), 1, true),
            (Method::GET, "/", status(524), 1, true),
            (Method::POST, batch_read.as_str(), status(502), 1, true),
            (Method::GET, "/", status(503), 2, false),
            (Method::POST, "/", status(503), 1, false),
            (Method::PATCH, batch_read.as_str(), status(503), 1, false),
            (Method::GET, "/", status(200), 1, false),
            (Method::GET, "/", status(401), 1, false),
            (Method::GET, "/", status(404), 1, false),
            (Method::GET, "/", status(423), 1, false),
            (Method::GET, "/", status(429), 1, false),
            (Method::GET, "/", status(477), 1, false),
            (Method::GET, "/", Err(Cause::TimedOut), 1, false),
            (Method::GET, "/", Err(Cause::TooLarge), 1, false),
        ] {
            assert_eq!(may_retry(&method, path, &outcome, attempt), expected, "{method} {path} {attempt}");
        }
    }

    #[tokio::test]
    async fn a_passing_failure_is_not_seen() {
        let calls = AtomicU32::new(0);
        let server = Server::start(move |seen| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Served { delay: Duration::ZERO, bytes: Vec::new() },
            _ => portal(seen, QUOTE),
        })
        .await;
        assert!(enrolled(&server, RecordKind::Quote, 9_900_000_001).await.is_ok());
        assert_eq!(server.seen().len(), 3);
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
        let client = Client::new("http://127.0.0.1:1").unwrap();
        let error = client.enrolled(&"t".into(), RecordKind::Deal, RecordId(1)).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { cause: Cause::NotConnected(_), .. }), "{error:?}");
        let whole = format!("{error} {} {error:?}", error.source().unwrap());
        assert!(!whole.contains("/crm/"), "{whole}");
    }

    #[test]
    fn tokens_go_to_https_or_to_this_machine_only() {
        for url in
            ["https://api.hubapi.com", "http://127.0.0.1:4000/", "http://localhost:1", "http://[::1]:1"]
        {
            assert!(Client::new(url).is_ok(), "{url}");
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
            assert!(matches!(Client::new(url), Err(SetupError::Address)), "{url}");
        }
    }
}
