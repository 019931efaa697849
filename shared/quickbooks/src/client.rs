//! QuickBooks' API, and one company of it over HTTP: look-ups and creates (quickbooks.md §1).
//!
//! A write is sent exactly once per call, with the bytes and the request id it is given: neither this crate nor the HTTP
//! library repeats it. (The library may move a request to another connection when the first closed before a byte of it was
//! written: nobody has seen that request.) Looking up first in the same attempt also warms the connection the write uses.

use crate::error::{Answer, Cause, Effect, Error, by_fault, sort};
use crate::fault::{Fault, Meaning};
use crate::meter::Meter;
use crate::query::{Entity, Query};
use crate::request_id::RequestId;
use jiff::civil::Date;
use mapping::money::Currency;
use mapping::quickbooks::{Customer, Document, DocumentId, DocumentKind, Item, Payment, RealmId};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response, Url};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

/// Pins the behaviour should a newer one appear; lower ones are ignored (quickbooks.md §1.2).
const MINOR_VERSION: &str = "75";
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Of a body, after decompression, in bytes.
const BODY_CAP: usize = 2_000_000;
/// Items of a batch: the lowest of the limits Intuit's current pages name (quickbooks.md §1.6).
pub const BATCH: usize = 30;

/// How long one call may take, body included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) read: Duration,
    pub(crate) write: Duration,
    pub(crate) refresh: Duration,
    pub(crate) exchange: Duration,
}

/// A write is given long: an answer cut off costs a quiet period (reliability.md c.3), and Intuit allows itself 120 s. So is
/// a refresh: an answer cut off may have brought the only token that is still good (d.3). Behind an exchange stands a browser,
/// for which the gateway waits thirty seconds in all; whoever gets no answer begins again.
const LIMITS: Limits = Limits {
    read: Duration::from_secs(6),
    write: Duration::from_secs(25),
    refresh: Duration::from_secs(20),
    exchange: Duration::from_secs(8),
};

/// QuickBooks' API. Made once per cold start; a clone shares the connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    base_url: String,
    pub(crate) limits: Limits,
    observer: fn(Called),
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

/// Why a [`Client`] cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Neither `https` nor, on this machine, `http`; or with a user, a query or a fragment.
    #[error("QuickBooks' API address must be a plain https URL (http only for this machine)")]
    Address,
    /// The HTTP library could not start.
    #[error("setting up the connection to QuickBooks")]
    Http(#[source] reqwest::Error),
}

impl Client {
    /// A client of the API at `base_url`: Intuit's production or sandbox host, or a stand-in.
    ///
    /// # Errors
    /// [`SetupError`]: nothing that waiting would mend.
    pub fn new(base_url: &str) -> Result<Self, SetupError> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("hubspot-quickbooks/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .gzip(true)
            // The token goes to the configured host only, on a connection of ours, and every send is ours and counted.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .build()
            .map_err(SetupError::Http)?;
        Self { http, base_url: String::new(), limits: LIMITS, observer: |_| {} }.at(base_url)
    }

    /// The same for another address, over the same connections: each set of its own loads all root certificates at the cold
    /// start.
    ///
    /// # Errors
    /// [`SetupError::Address`].
    pub fn at(&self, base_url: &str) -> Result<Self, SetupError> {
        let base_url = Url::parse(base_url).ok().filter(is_allowed).ok_or(SetupError::Address)?;
        Ok(Self { base_url: base_url.as_str().trim_end_matches('/').to_owned(), ..self.clone() })
    }

    /// The same, and each call that came to its end is told.
    #[must_use]
    pub fn told_to(self, observer: fn(Called)) -> Self {
        Self { observer, ..self }
    }

    /// The connections: no redirects, no repeats, limits per call.
    pub fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// The company `realm`, with the access token granted for it: the two always travel together.
    pub fn company(&self, realm: RealmId, token: SecretString) -> Company {
        Company { client: self.clone(), realm, token, meter: Meter::default() }
    }
}

/// Tokens travel to this address: encrypted, or not off this machine.
pub(crate) fn is_allowed(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

/// What a create made, and Intuit's id of the call: support asks for it.
#[derive(Clone, Debug)]
pub struct Created<T> {
    /// The row, as QuickBooks has it.
    pub row: T,
    /// Intuit's id of the call; none where it did not say.
    pub intuit_tid: Option<String>,
}

/// One company's books.
#[derive(Clone, Debug)]
pub struct Company {
    client: Client,
    realm: RealmId,
    token: SecretString,
    meter: Meter,
}

impl Company {
    /// The same books, with metered reads counted by `meter`.
    pub fn metered_by(mut self, meter: &Meter) -> Self {
        self.meter = meter.clone();
        self
    }

    /// What counts its metered reads.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Asks `queries`, in one round trip for up to 30 of them; the answers are in the order of the queries.
    ///
    /// # Errors
    /// [`Error`]; the refusal of one query is the error of all. [`Error::Unknown`] means: unavailable, try later.
    pub async fn query(&self, queries: &[Query]) -> Result<Vec<Rows>, Error> {
        if let [query] = queries {
            return Ok(vec![self.query_one(query).await?]);
        }
        let mut rows = Vec::with_capacity(queries.len());
        for batch in queries.chunks(BATCH) {
            rows.extend(self.query_batch(batch).await?);
        }
        Ok(rows)
    }

    /// Asks each of `queries` by itself, side by side; the answers are in the order of the queries.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn query_apart(&self, queries: &[Query]) -> Result<Vec<Rows>, Error> {
        futures::future::try_join_all(queries.iter().map(|query| self.query_one(query))).await
    }

    /// How many units of the home currency one of `currency` is worth on a day; none when QuickBooks knows no rate.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn exchange_rate(&self, currency: &Currency, day: Date) -> Result<Option<Decimal>, Error> {
        // Neither needs escaping: three capital letters, and digits with hyphens.
        let path = format!("exchangerate?sourcecurrencycode={currency}&asofdate={day}");
        match self.get::<Exchanged>(&path).await {
            Ok(answer) => Ok(answer.exchange_rate.rate.filter(|rate| *rate > Decimal::ZERO)),
            Err(Error::Rejected(fault)) if fault.meaning() == Meaning::ObjectGone => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a document from frozen bytes, sent as they are.
    ///
    /// # Errors
    /// [`Error`]: only some of its variants prove that there is no document. A success without an id is
    /// [`Error::Unknown`].
    pub async fn create_document(
        &self,
        kind: DocumentKind,
        body: &[u8],
        request_id: &RequestId,
    ) -> Result<Created<Document>, Error> {
        let path = kind.entity().to_ascii_lowercase();
        let made: Created<Document> = self.create(&path, kind.entity(), body, request_id).await?;
        if is_id(&made.row.id.0) { Ok(made) } else { Err(Error::unreadable()) }
    }

    /// Creates a customer from frozen bytes, sent as they are.
    ///
    /// # Errors
    /// As [`Self::create_document`].
    pub async fn create_customer(
        &self,
        body: &[u8],
        request_id: &RequestId,
    ) -> Result<Created<Customer>, Error> {
        let made: Created<Customer> = self.create("customer", "Customer", body, request_id).await?;
        if is_id(&made.row.id.0) { Ok(made) } else { Err(Error::unreadable()) }
    }

    /// Creates an item from frozen bytes, sent as they are.
    ///
    /// # Errors
    /// As [`Self::create_document`].
    pub async fn create_item(&self, body: &[u8], request_id: &RequestId) -> Result<Created<Item>, Error> {
        let made: Created<Item> = self.create("item", "Item", body, request_id).await?;
        if is_id(&made.row.id.0) { Ok(made) } else { Err(Error::unreadable()) }
    }

    /// Creates a payment from frozen bytes, sent as they are.
    ///
    /// # Errors
    /// As [`Self::create_document`].
    pub async fn create_payment(
        &self,
        body: &[u8],
        request_id: &RequestId,
    ) -> Result<Created<Payment>, Error> {
        let made: Created<Payment> = self.create("payment", "Payment", body, request_id).await?;
        if is_id(&made.row.id.0) { Ok(made) } else { Err(Error::unreadable()) }
    }

    /// Has a document e-mailed to the address on it; Intuit's id of the call. No request id makes a second call harmless:
    /// nothing says that this one honours them.
    ///
    /// # Errors
    /// As [`Self::create_document`]: only some of its variants prove that nothing was mailed.
    pub async fn send_document(&self, kind: DocumentKind, id: &DocumentId) -> Result<Option<String>, Error> {
        if !is_id(&id.0) {
            return Err(Error::unreadable());
        }
        let path = format!("{}/{id}/send", kind.entity().to_ascii_lowercase());
        let (content_type, body) = ("application/octet-stream", Vec::new());
        let sent: Created<Document> = self.post(&path, kind.entity(), content_type, body, None).await?;
        Ok(sent.intuit_tid)
    }

    async fn create<T: DeserializeOwned>(
        &self,
        path: &str,
        entity: &str,
        body: &[u8],
        request_id: &RequestId,
    ) -> Result<Created<T>, Error> {
        self.post(path, entity, "application/json", body.to_vec(), Some(request_id)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        entity: &str,
        content_type: &'static str,
        body: Vec<u8>,
        request_id: Option<&RequestId>,
    ) -> Result<Created<T>, Error> {
        let path = self.path(path);
        let call = Call { effect: Effect::Write, method: Method::POST, path, request_id, content_type, body };
        let (answer, intuit_tid) = self.send(call).await?;
        let members: BTreeMap<String, Box<RawValue>> = read(&answer)?;
        let row = read(members.get(entity).ok_or_else(Error::unreadable)?.get().as_bytes())?;
        Ok(Created { row, intuit_tid })
    }

    async fn query_one(&self, query: &Query) -> Result<Rows, Error> {
        // As a body, not in the URL: no limit of length, and names stay out of everybody's access logs.
        let body = query.statement().into_bytes();
        let (answer, _) = self.send(self.reading("query", "application/text", body)).await?;
        self.meter.count(1);
        let answer: QueryAnswer = read(&answer)?;
        Ok(Rows { entity: query.entity(), response: answer.query_response })
    }

    async fn query_batch(&self, queries: &[Query]) -> Result<Vec<Rows>, Error> {
        let items: Vec<_> = queries
            .iter()
            .enumerate()
            .map(|(number, query)| json!({"bId": number.to_string(), "Query": query.statement()}))
            .collect();
        let body = json!({"BatchItemRequest": items}).to_string().into_bytes();
        let (answer, _) = self.send(self.reading("batch", "application/json", body)).await?;
        let answer: BatchAnswer = read(&answer)?;
        // By bId: the order of the answers is not that of the questions (quickbooks.md §1.6).
        let answered: Vec<_> = answer.items.iter().map(|item| batch_item(item)).collect();
        self.meter.count(answered.iter().filter(|item| item.is_ok()).count());
        let mut found = HashMap::new();
        for item in answered {
            let read = item?;
            found.insert(read.b_id, read.query_response);
        }
        let rows = queries.iter().enumerate().map(|(number, query)| {
            let response = found.remove(&number.to_string()).flatten()?;
            Some(Rows { entity: query.entity(), response })
        });
        rows.collect::<Option<_>>().ok_or_else(Error::unreadable)
    }

    fn reading(&self, path: &str, content_type: &'static str, body: Vec<u8>) -> Call<'static> {
        let (path, method) = (self.path(path), Method::POST);
        Call { effect: Effect::Read, method, path, request_id: None, content_type, body }
    }

    /// Reads the one thing at `path`, which is not a query.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let call = self.reading(path, "application/json", Vec::new());
        let (answer, _) = self.send(Call { method: Method::GET, ..call }).await?;
        self.meter.count(1);
        read(&answer)
    }

    /// Which company.
    pub(crate) fn realm(&self) -> &RealmId {
        &self.realm
    }

    fn path(&self, rest: &str) -> String {
        format!("/v3/company/{}/{rest}", self.realm)
    }

    /// The body of a success, and Intuit's id of the call; a refusal's is with the refusal.
    async fn send(&self, call: Call<'_>) -> Result<(Vec<u8>, Option<String>), Error> {
        let (started, effect) = (Instant::now(), call.effect);
        let (method, path) = (call.method.clone(), call.path.clone());
        let outcome = self.exchange(call).await;
        let duration = started.elapsed();
        let duration_ms = duration.as_millis() as u64;
        match &outcome {
            Ok(Answer { status, intuit_tid, .. }) => {
                let intuit_tid = intuit_tid.as_deref();
                tracing::info!(%method, path, status, duration_ms, intuit_tid, "QuickBooks answered");
            }
            Err(error) => {
                tracing::info!(%method, path, duration_ms, %error, "QuickBooks did not answer");
            }
        }
        let answered = outcome.and_then(|answer| {
            let intuit_tid = answer.intuit_tid.clone();
            Ok((sort(effect, answer)?, intuit_tid))
        });
        (self.client.observer)(Called { ending: ending(answered.as_ref().err()), duration });
        answered
    }

    /// Queries are POSTs too.
    async fn exchange(&self, call: Call<'_>) -> Result<Answer, Error> {
        let Client { http, base_url, limits, .. } = &self.client;
        let limit = match call.effect {
            Effect::Read => limits.read,
            Effect::Write => limits.write,
        };
        let request_id = call.request_id.map(|id| ("requestid", id.as_str()));
        let response = http
            .request(call.method, format!("{base_url}{}", call.path))
            .query(&[("minorversion", MINOR_VERSION)])
            .query(&request_id.as_slice())
            .timeout(limit)
            .bearer_auth(self.token.expose_secret())
            // Without it the service answers in XML (quickbooks.md §1.3).
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, call.content_type)
            .body(call.body)
            .send()
            .await
            .map_err(Error::without_answer)?;
        let (status, intuit_tid) = (response.status().as_u16(), intuit_tid(response.headers()));
        Ok(Answer { status, intuit_tid, body: read_capped(response).await })
    }
}

fn ending(error: Option<&Error>) -> Ending {
    match error {
        Some(Error::Throttled) => Ending::Throttled,
        Some(Error::NotSent(_) | Error::Unknown(_)) => Ending::Failed,
        None | Some(Error::Unauthorized | Error::Forbidden(_) | Error::Rejected(_)) => Ending::Answered,
    }
}

/// Written with an underscore in the documentation, seen with a hyphen (quickbooks.md §1.3).
pub(crate) fn intuit_tid(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("intuit_tid").or_else(|| headers.get("intuit-tid"))?;
    value.to_str().ok().map(str::to_owned)
}

pub(crate) async fn read_capped(mut response: Response) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY_CAP {
            return Err(Cause::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn batch_item(item: &RawValue) -> Result<BatchItem, Error> {
    match Fault::find(item.get().as_bytes(), None) {
        Some(fault) => Err(by_fault(Effect::Read, 200, fault)),
        None => read(item.get().as_bytes()),
    }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|_| Error::unreadable())
}

fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

struct Call<'a> {
    effect: Effect,
    method: Method,
    path: String,
    request_id: Option<&'a RequestId>,
    content_type: &'static str,
    body: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Exchanged {
    exchange_rate: ExchangeRate,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExchangeRate {
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    rate: Option<Decimal>,
}

#[derive(Deserialize)]
struct QueryAnswer {
    #[serde(rename = "QueryResponse")]
    query_response: Box<RawValue>,
}

#[derive(Deserialize)]
struct BatchAnswer {
    #[serde(rename = "BatchItemResponse")]
    items: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct BatchItem {
    #[serde(rename = "bId")]
    b_id: String,
    #[serde(rename = "QueryResponse")]
    query_response: Option<Box<RawValue>>,
}

/// The rows one query found.
#[derive(Clone)]
pub struct Rows {
    entity: Entity,
    response: Box<RawValue>,
}

/// The entity only: rows are the customer's.
impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("entity", &self.entity).finish_non_exhaustive()
    }
}

impl Rows {
    /// The rows as the type the query's entity has; none found is an empty list.
    ///
    /// # Errors
    /// [`Error::Unknown`], when a row is not of this type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let members: BTreeMap<String, Box<RawValue>> = read(self.response.get().as_bytes())?;
        // Nothing found: QuickBooks leaves the key out (quickbooks.md §3.3).
        members.get(self.entity.name()).map_or(Ok(Vec::new()), |rows| read(rows.get().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Meaning;
    use crate::query::Attribute;
    use crate::test_server::{Answer as Served, Server, answer};
    use mapping::quickbooks::{Account, CustomerId, Item, PaymentMethod, PaymentSeen};
    use serde_json::Value;
    use std::error::Error as _;

    const INVOICE: &str = include_str!("../../../tests/fixtures/quickbooks/invoice_created.json");
    const CUSTOMER: &str = include_str!("../../../tests/fixtures/quickbooks/customer_created.json");
    const PAYMENT: &str = include_str!("../../../tests/fixtures/quickbooks/payment_created.json");
    const SMALL_LISTS: &str = include_str!("../../../tests/fixtures/quickbooks/batch_of_small_lists.json");
    const BATCH_ANSWER: &str = include_str!("../../../tests/fixtures/quickbooks/batch_out_of_order.json");
    const BATCH_FAULT: &str = include_str!("../../../tests/fixtures/quickbooks/batch_with_a_fault.json");
    const NOTHING_FOUND: &str = include_str!("../../../tests/fixtures/quickbooks/query_nothing_found.json");
    const THROTTLED: &str = include_str!("../../../tests/fixtures/quickbooks/fault_throttled.xml");
    const FROZEN: &[u8] = br#"{ "TxnDate": "2026-03-02",  "Line": [] }"#;

    fn company_at(url: &str) -> Company {
        Client::new(url)
            .unwrap()
            .company("9341450000000001".to_owned().try_into().unwrap(), "a-secret-token".into())
    }

    fn impatient(url: &str) -> Company {
        let mut company = company_at(url);
        company.client.limits =
            Limits { read: Duration::from_millis(300), write: Duration::from_millis(300), ..LIMITS };
        company
    }

    fn request_id() -> RequestId {
        "hqd00112233445566778899".to_owned().try_into().unwrap()
    }

    async fn create(company: &Company) -> Result<Document, Error> {
        company.create_document(DocumentKind::Invoice, FROZEN, &request_id()).await.map(|made| made.row)
    }

    fn two_queries() -> [Query; 2] {
        [
            Query::from(Entity::Customer).equals(Attribute::DisplayName, r#"O'Brien & Søn "Ltd""#),
            Query::from(Entity::Item).is_in(Attribute::Sku, ["WID-1"]),
        ]
    }

    /// What a create that is answered so means; it is sent once in every case.
    async fn check(served: impl Fn() -> Served + Send + Sync + 'static, expected: &str) {
        let server = Server::start(move |_| served()).await;
        let error = create(&impatient(&server.url)).await.unwrap_err();
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        assert_eq!(format!("{error}{cause}"), expected);
        // Time for a second send, were there one.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(server.seen().len(), 1, "sends");
    }

    fn raw(bytes: impl Into<Vec<u8>>) -> Served {
        Served { delay: Duration::ZERO, bytes: bytes.into() }
    }

    #[tokio::test]
    async fn a_document_is_created_from_the_frozen_bytes_under_its_request_id() {
        let server = Server::start(|_| answer(200, "intuit_tid: 1-abc\r\n", INVOICE)).await;
        let invoice = create(&company_at(&server.url)).await.unwrap();
        assert_eq!((invoice.id.0.as_str(), invoice.doc_number.as_deref()), ("412", Some("1088")));
        assert_eq!(
            (invoice.total_amt.to_string(), invoice.balance.map(|b| b.to_string())),
            ("674.97".into(), Some("674.97".into()))
        );
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.body.as_bytes(), FROZEN);
        let path =
            "POST /v3/company/9341450000000001/invoice?minorversion=75&requestid=hqd00112233445566778899";
        assert_eq!(seen.line, path);
        for header in [
            "authorization: bearer a-secret-token",
            "accept: application/json",
            "accept-encoding: gzip",
            "content-type: application/json",
            "user-agent: hubspot-quickbooks/",
        ] {
            assert!(seen.headers.contains(header), "{header} in {}", seen.headers);
        }
    }

    #[tokio::test]
    async fn each_kind_of_document_has_its_path() {
        let server = Server::start(|seen| {
            let (entity, body) = match seen.line.split(['/', '?']).nth(4) {
                Some("estimate") => ("Estimate", r#"{"Id": "1", "TotalAmt": 0}"#),
                Some("salesreceipt") => ("SalesReceipt", r#"{"Id": "2", "TotalAmt": 10.00, "Balance": 0}"#),
                other => panic!("{other:?}"),
            };
            answer(200, "", format!(r#"{{"{entity}": {body}, "time": "2026-03-02T09:15:30.512-08:00"}}"#))
        })
        .await;
        for (kind, id) in [(DocumentKind::Estimate, "1"), (DocumentKind::SalesReceipt, "2")] {
            let document =
                company_at(&server.url).create_document(kind, FROZEN, &request_id()).await.unwrap().row;
            assert_eq!(document.id.0, id);
        }
    }

    #[tokio::test]
    async fn a_customer_is_created_likewise() {
        let server = Server::start(|_| answer(200, "", CUSTOMER)).await;
        let customer = company_at(&server.url).create_customer(b"{}", &request_id()).await.unwrap().row;
        assert_eq!(
            (customer.id, customer.display_name.as_str()),
            (CustomerId("58".into()), r#"O'Brien & Søn "Ltd""#)
        );
        assert!(server.seen()[0].line.starts_with("POST /v3/company/9341450000000001/customer?"));
    }

    #[tokio::test]
    async fn a_payment_is_created_likewise() {
        let server = Server::start(|_| answer(200, "", PAYMENT)).await;
        let payment = company_at(&server.url).create_payment(FROZEN, &request_id()).await.unwrap().row;
        assert_eq!((payment.id.0.as_str(), payment.total_amt.to_string()), ("413", "674.97".into()));
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.body.as_bytes(), FROZEN);
        let path =
            "POST /v3/company/9341450000000001/payment?minorversion=75&requestid=hqd00112233445566778899";
        assert_eq!(seen.line, path);
    }

    #[tokio::test]
    async fn an_item_is_created_likewise() {
        let body = r#"{"Item": {"Id": "21", "Name": "Widget", "Type": "NonInventory"}}"#;
        let server = Server::start(move |_| answer(200, "", body)).await;
        let item = company_at(&server.url).create_item(FROZEN, &request_id()).await.unwrap().row;
        assert_eq!((item.id.0.as_str(), item.name.as_str()), ("21", "Widget"));
        assert!(server.seen()[0].line.starts_with("POST /v3/company/9341450000000001/item?"));
    }

    #[tokio::test]
    async fn a_document_is_mailed_by_a_call_without_a_body_that_is_sent_once() {
        let server = Server::start(|_| answer(200, "intuit_tid: 1-abc\r\n", INVOICE)).await;
        let id = DocumentId("412".into());
        let company = company_at(&server.url);
        let sent = company.send_document(DocumentKind::Invoice, &id).await.unwrap();
        assert_eq!(sent.as_deref(), Some("1-abc"));
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.line, "POST /v3/company/9341450000000001/invoice/412/send?minorversion=75");
        assert!(seen.body.is_empty() && seen.headers.contains("content-type: application/octet-stream"));
        for (status, body) in [(503, ""), (200, "{}"), (200, "<html>")] {
            let server = Server::start(move |_| answer(status, "", body)).await;
            let error = company_at(&server.url).send_document(DocumentKind::Invoice, &id).await.unwrap_err();
            assert!(matches!(error, Error::Unknown(_)), "{status} {body} {error:?}");
            assert_eq!(server.seen().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_success_without_a_payment_and_its_id_is_unknown_and_sent_once() {
        for body in [
            "{}",
            r#"{"Payment": {"TotalAmt": 1}}"#,
            r#"{"Payment": {"Id": "x", "TotalAmt": 1}}"#,
            r#"{"Invoice": {"Id": "1", "TotalAmt": 1}}"#,
        ] {
            let server = Server::start(move |_| answer(200, "", body)).await;
            let error = company_at(&server.url).create_payment(FROZEN, &request_id()).await.unwrap_err();
            assert!(matches!(error, Error::Unknown(Cause::Unreadable)), "{body} {error:?}");
            assert_eq!(server.seen().len(), 1);
        }
    }

    #[tokio::test]
    async fn accounts_payment_methods_and_payments_are_read() {
        let server = Server::start(|_| answer(200, "", SMALL_LISTS)).await;
        let queries = [Entity::Account, Entity::PaymentMethod, Entity::Payment].map(Query::from);
        let rows = company_at(&server.url).query(&queries).await.unwrap();
        let accounts = rows[0].read::<Account>().unwrap();
        let shown: Vec<_> = accounts
            .iter()
            .map(|account| (account.id.0.as_str(), account.name.as_str(), account.account_type.as_str()))
            .collect();
        assert_eq!(shown, [("35", "Checking", "Bank"), ("4", "Undeposited Funds", "Other Current Asset")]);
        assert_eq!(accounts[0].fully_qualified_name.as_deref(), Some("Operating:Checking"));
        assert!(accounts.iter().all(|account| account.active));
        let methods = rows[1].read::<PaymentMethod>().unwrap();
        assert_eq!((methods[0].id.0.as_str(), methods[0].name.as_str()), ("2", "Check"));
        let payments = rows[2].read::<PaymentSeen>().unwrap();
        assert_eq!(payments[0].private_note.as_deref(), Some("HubSpot deal 4821"));
        assert_eq!(payments[0].total_amt.to_string(), "674.97");
        let linked: Vec<_> = payments[0].line.iter().flat_map(|line| &line.linked_txn).collect();
        let linked: Vec<_> =
            linked.iter().map(|txn| (txn.txn_id.0.as_str(), txn.txn_type.as_str())).collect();
        assert_eq!(linked, [("412", "Invoice"), ("398", "CreditMemo")]);
        assert_eq!(payments[1].line, [], "money on account settles nothing");
    }

    #[tokio::test]
    async fn several_queries_are_one_batch_matched_by_their_id() {
        let server = Server::start(|_| answer(200, "", BATCH_ANSWER)).await;
        let rows = company_at(&server.url).query(&two_queries()).await.unwrap();
        let (customers, items) = (rows[0].read::<Customer>().unwrap(), rows[1].read::<Item>().unwrap());
        assert_eq!((customers.len(), customers[0].id.0.as_str()), (1, "58"));
        assert_eq!((items.len(), items[0].name.as_str()), (1, "Widget"));
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.line, "POST /v3/company/9341450000000001/batch?minorversion=75");
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(
            body["BatchItemRequest"][0],
            json!({"bId": "0", "Query": r#"select * from Customer where DisplayName = 'O\'Brien & Søn "Ltd"'"#})
        );
    }

    #[tokio::test]
    async fn one_query_is_sent_as_text() {
        let server = Server::start(|_| answer(200, "", NOTHING_FOUND)).await;
        let rows = company_at(&server.url).query(&two_queries()[..1]).await.unwrap();
        assert_eq!(rows[0].read::<Customer>().unwrap(), []);
        let [seen] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
        assert_eq!(seen.line, "POST /v3/company/9341450000000001/query?minorversion=75");
        assert_eq!(seen.body, two_queries()[0].statement());
        assert!(seen.headers.contains("content-type: application/text"), "{}", seen.headers);
    }

    #[tokio::test]
    async fn more_than_thirty_queries_are_several_batches() {
        let server = Server::start(|seen| {
            let request: Value = serde_json::from_str(&seen.body).unwrap();
            let items = request["BatchItemRequest"].as_array().unwrap();
            let item = |item: &Value| {
                let id = item["Query"].as_str().unwrap().split('\'').nth(1).unwrap();
                json!({"bId": item["bId"], "QueryResponse": {"Customer": [{"Id": id}]}})
            };
            answer(
                200,
                "",
                json!({"BatchItemResponse": items.iter().rev().map(item).collect::<Vec<_>>()}).to_string(),
            )
        })
        .await;
        let ids: Vec<String> = (1..=61).map(|id: u32| id.to_string()).collect();
        let query = |id: &String| Query::from(Entity::Customer).equals(Attribute::Id, id);
        let rows = company_at(&server.url).query(&ids.iter().map(query).collect::<Vec<_>>()).await.unwrap();
        let found: Vec<String> = rows
            .iter()
            .flat_map(|rows| rows.read::<Customer>().unwrap())
            .map(|customer| customer.id.0)
            .collect();
        assert_eq!(found, ids);
        assert_eq!(server.seen().len(), 3);
    }

    #[tokio::test]
    async fn no_query_is_no_call() {
        assert!(company_at("http://127.0.0.1:1").query(&[]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_fault_of_one_query_is_an_error() {
        let server = Server::start(|_| answer(200, "", BATCH_FAULT)).await;
        let Err(Error::Rejected(fault)) = company_at(&server.url).query(&two_queries()).await else {
            panic!()
        };
        assert_eq!((fault.codes().as_str(), fault.meaning()), ("4001", Meaning::Other));
    }

    #[tokio::test]
    async fn an_answer_without_one_of_the_queries_is_unknown() {
        for body in [
            r#"{"BatchItemResponse": [{"bId": "0", "QueryResponse": {}}]}"#,
            r#"{"BatchItemResponse": [{"bId": "0", "QueryResponse": {}}, {"bId": "1"}]}"#,
            r#"{"BatchItemResponse": []}"#,
            "{}",
        ] {
            let server = Server::start(move |_| answer(200, "", body)).await;
            let error = company_at(&server.url).query(&two_queries()).await.unwrap_err();
            assert!(matches!(error, Error::Unknown(Cause::Unreadable)), "{body} {error:?}");
        }
    }

    #[tokio::test]
    async fn a_success_without_a_document_and_its_id_is_unknown() {
        for body in [
            "",
            "{}",
            "<html>",
            r#"{"Invoice": {"TotalAmt": 1}}"#,
            r#"{"Invoice": {"Id": "", "TotalAmt": 1}}"#,
            r#"{"Invoice": {"Id": "../1", "TotalAmt": 1}}"#,
            r#"{"Invoice": {"Id": "123456789012345678901", "TotalAmt": 1}}"#,
            r#"{"Estimate": {"Id": "1", "TotalAmt": 1}}"#,
            r#"{"Invoice": {"Id": "1", "TotalAmt": 1}} x"#,
        ] {
            check(
                move || answer(200, "", body),
                "QuickBooks gave no clear answer: the answer cannot be read",
            )
            .await;
        }
    }

    #[tokio::test]
    async fn a_create_without_an_answer_is_unknown_and_sent_once() {
        let broken = "QuickBooks gave no clear answer: the connection broke";
        let late = "QuickBooks gave no clear answer: no complete answer in time";
        check(|| Served { delay: Duration::from_secs(30), bytes: Vec::new() }, late).await;
        check(|| raw(""), broken).await;
        check(|| raw("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n"), broken).await;
        check(|| raw("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"Invoice\": {\"Id\""), broken).await;
        check(|| raw("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope"), broken)
            .await;
        check(|| raw("SSH-2.0-OpenSSH\r\n\r\n"), broken).await;
        check(
            || answer(200, "", " ".repeat(3_000_000)),
            "QuickBooks gave no clear answer: the answer is too large",
        )
        .await;
    }

    #[tokio::test]
    async fn a_create_with_an_unclear_status_is_unknown_and_sent_once() {
        check(|| answer(503, "", "<html>"), "QuickBooks gave no clear answer: HTTP status 503").await;
        check(|| answer(500, "", ""), "QuickBooks gave no clear answer: HTTP status 500").await;
        let elsewhere = "location: http://127.0.0.1:1/\r\n";
        check(move || answer(302, elsewhere, ""), "QuickBooks gave no clear answer: HTTP status 302").await;
        check(move || answer(307, elsewhere, ""), "QuickBooks gave no clear answer: HTTP status 307").await;
    }

    #[tokio::test]
    async fn refusals_that_prove_no_effect_are_told_apart_and_sent_once() {
        check(|| answer(429, "retry-after: 60\r\n", THROTTLED), "QuickBooks is throttling").await;
        check(|| answer(401, "", ""), "QuickBooks refused the access token").await;
    }

    #[tokio::test]
    async fn nobody_listening_and_a_failed_tls_handshake_are_not_sent() {
        let server = Server::start(|_| raw("this is not TLS")).await;
        for url in ["http://127.0.0.1:1", &server.url.replace("http:", "https:")] {
            let error = create(&company_at(url)).await.unwrap_err();
            let Error::NotSent(cause) = &error else { panic!("{url} {error:?}") };
            assert!(!format!("{error} {cause} {cause:?}").contains("/v3/"), "{cause:?}");
        }
    }

    #[tokio::test]
    async fn the_id_of_the_call_is_kept_in_both_spellings() {
        for header in ["intuit_tid: 1-abc\r\n", "Intuit-Tid: 1-abc\r\n"] {
            let fault = r#"{"Fault": {"Error": [{"code": "2020"}]}}"#;
            let server = Server::start(move |_| answer(400, header, fault)).await;
            let Err(Error::Rejected(fault)) = create(&company_at(&server.url)).await else { panic!() };
            assert_eq!(fault.intuit_tid.as_deref(), Some("1-abc"));
        }
    }

    #[test]
    fn nothing_printed_holds_the_token() {
        let company = company_at("https://quickbooks.api.intuit.com");
        assert!(!format!("{company:?}").contains("a-secret-token"));
    }

    #[test]
    fn tokens_go_to_https_or_to_this_machine_only() {
        for url in [
            "https://quickbooks.api.intuit.com",
            "http://127.0.0.1:4000/",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            assert!(Client::new(url).is_ok(), "{url}");
        }
        for url in [
            "http://quickbooks.api.intuit.com",
            "http://10.0.0.1",
            "ftp://localhost",
            "",
            "https://u@h/",
            "https://h/?q",
        ] {
            assert!(matches!(Client::new(url), Err(SetupError::Address)), "{url}");
        }
    }
}
