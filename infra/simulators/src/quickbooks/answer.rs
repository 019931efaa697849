//! From a call to its answer: who may ask, whether it was asked before, and Intuit's envelope (quickbooks.md §1, §1.5).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::fault::Fault;
use super::requests::{Outcome, Request};
use super::state::Company;
use super::switches::{InProgress, RequestIdAlphabet, RequestIds};
use super::traffic::Meter;
use super::{Books, QuickBooks, time, xml};
use crate::control;

impl QuickBooks {
    /// Lets the call in, does the work unless its request id has been answered already, and writes the answer.
    pub(super) async fn answer(
        &self,
        call: &Call,
        scope: &str,
        work: impl FnOnce(&mut Company, Timestamp) -> Result<Value, Fault>,
    ) -> Response {
        match self.outcome(call, scope, work).await {
            Ok(body) if call.accepts_json() => {
                ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
            }
            Ok(body) => {
                let answer = xml::of_json(&body);
                ([(header::CONTENT_TYPE, "application/xml;charset=UTF-8")], answer).into_response()
            }
            Err((fault, at)) => refusal(&fault, call.accepts_json(), at),
        }
    }

    async fn outcome(
        &self,
        call: &Call,
        scope: &str,
        work: impl FnOnce(&mut Company, Timestamp) -> Result<Value, Fault>,
    ) -> Outcome {
        let body = [call.path.as_bytes(), &call.body].join(&b' ');
        let request = call.request_id().map(|id| Request { id, scope, body: &body });
        let mut turn = self.turn(call, request, true, work);
        loop {
            match turn {
                Turn::Done(outcome) => return outcome,
                Turn::Wait(work) => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                    turn = self.turn(call, request, false, work);
                }
                Turn::Work(until, work) => {
                    self.control.sleep_until(until).await;
                    return self.late_turn(call, request, work);
                }
            }
        }
    }

    /// The call comes in, or looks again; what takes no time is done in the same turn.
    fn turn<Work: FnOnce(&mut Company, Timestamp) -> Result<Value, Fault>>(
        &self,
        call: &Call,
        request: Option<Request<'_>>,
        first: bool,
        work: Work,
    ) -> Turn<Work> {
        let now = self.control.now();
        let mut books = self.books();
        let entered = if first { entered(&mut books, call, now) } else { desk(&mut books, call) };
        let desk = match entered {
            Ok(desk) => desk,
            Err(fault) => return Turn::Done(Err((fault, now))),
        };
        let company = &mut *desk.company;
        if let Some(request) = request {
            if first {
                company.requests.sight(request.id);
            }
            if let Some(outcome) = repeated(company, request, now) {
                let Some(outcome) = outcome else { return Turn::Wait(work) };
                company.traffic.leave();
                return Turn::Done(outcome);
            }
        }
        if company.switches.handling_ms == 0 {
            return Turn::Done(once(desk, call, request, work, now));
        }
        if let Some(request) = request {
            company.requests.start(request);
        }
        Turn::Work(time::after_ms(now, company.switches.handling_ms), work)
    }

    /// The work itself, after its time.
    fn late_turn(
        &self,
        call: &Call,
        request: Option<Request<'_>>,
        work: impl FnOnce(&mut Company, Timestamp) -> Result<Value, Fault>,
    ) -> Outcome {
        let now = self.control.now();
        let mut books = self.books();
        let desk = desk(&mut books, call).map_err(|fault| (fault, now))?;
        if let Some(request) = request {
            desk.company.requests.stop(request);
        }
        once(desk, call, request, work, now)
    }
}

/// What a request id that was seen before gets: the outcome, `None` inside when it has to wait; `None` for new work.
fn repeated(company: &Company, request: Request<'_>, now: Timestamp) -> Option<Option<Outcome>> {
    let switches = &company.switches;
    if matches!(switches.request_ids, RequestIds::Ignore) {
        return None;
    }
    if company.requests.is_running(request) {
        return Some(match switches.in_progress {
            InProgress::DuplicateId => Some(Err((Fault::duplicate_request(request.id, switches), now))),
            InProgress::Wait => None,
        });
    }
    company.requests.recall(request, switches, now).map(Some)
}

/// Where a call is worked on: its company, and what its app is metered by.
struct Desk<'a> {
    company: &'a mut Company,
    meter: &'a mut Meter,
    /// The app, if the token is known to be one's.
    client: Option<&'a str>,
}

fn desk<'a>(books: &'a mut Books, call: &Call) -> Result<Desk<'a>, Fault> {
    let Books { companies, oauth, meter } = books;
    let company = companies.get_mut(&call.realm).ok_or_else(Fault::unauthorized)?;
    let client = call.bearer().and_then(|token| oauth.client_of(token));
    Ok(Desk { company, meter, client })
}

/// The company, if the call may come in and is not one too many.
fn entered<'a>(books: &'a mut Books, call: &Call, now: Timestamp) -> Result<Desk<'a>, Fault> {
    admitted(&books.companies, call, now)?;
    let desk = desk(books, call)?;
    let Desk { company, meter, client } = &desk;
    let is_metered = !company.sandbox && call.is_metered(company);
    let quota = company.switches.quota.filter(|_| is_metered);
    let is_over_quota = quota.is_some_and(|quota| meter.has_used(*client, quota, now));
    desk.company.traffic.enter(&desk.company.switches, call.is_batch(), is_over_quota, now)?;
    Ok(desk)
}

/// Whether the token opens the company and the call is one that can be answered.
fn admitted(books: &BTreeMap<String, Company>, call: &Call, now: Timestamp) -> Result<(), Fault> {
    let token = call.bearer().ok_or_else(|| Fault::unauthenticated(3202, "EmptyField", "No bearer token"))?;
    let mut grants =
        books.values().filter_map(|company| Some((&company.realm_id, company.tokens.get(token)?)));
    let valid = |ends: &Option<Timestamp>| ends.is_none_or(|ends| now < ends);
    let realms: Vec<_> =
        grants.by_ref().filter(|(_, ends)| valid(ends)).map(|(realm_id, _)| realm_id.clone()).collect();
    if realms.is_empty() {
        // Intuit repeats the token (recorded): a client that logs details logs secrets.
        let detail = format!("Token expired: {token}");
        return Err(Fault::unauthenticated(3200, "AuthenticationFailed", &detail));
    }
    if !realms.contains(&call.realm) {
        return Err(Fault::unauthorized());
    }
    let company = books.get(&call.realm).ok_or_else(Fault::unauthorized)?;
    check_request_id(call, company.switches.request_id_alphabet)
}

/// 2130 for a request id that is too long or has a character the switch does not allow (quickbooks.md §1.5).
fn check_request_id(call: &Call, alphabet: RequestIdAlphabet) -> Result<(), Fault> {
    let Some(id) = call.request_id() else { return Ok(()) };
    let longest = if call.is_batch() { 36 } else { 50 };
    let hyphens = alphabet == RequestIdAlphabet::WithHyphens;
    if id.len() <= longest && id.chars().all(|c| c.is_ascii_alphanumeric() || (hyphens && c == '-')) {
        return Ok(());
    }
    let allowed = if hyphens { "letters, digits and hyphens" } else { "letters and digits" };
    let detail = format!("requestid has at most {longest} {allowed}. Supplied value:{id}");
    Err(Fault::new(2130, detail))
}

/// Does the work, counts it, and keeps its answer under the request id: the same id again gets that answer.
fn once(
    desk: Desk<'_>,
    call: &Call,
    request: Option<Request<'_>>,
    work: impl FnOnce(&mut Company, Timestamp) -> Result<Value, Fault>,
    now: Timestamp,
) -> Outcome {
    let Desk { company, meter, client } = desk;
    company.traffic.leave();
    let worked = work(company, now).map(|mut answer| {
        answer["time"] = json!(time::envelope(now));
        answer
    });
    if let Ok(answer) = &worked {
        let (core, core_plus) = call.counts(company, answer);
        // A sandbox is not metered (§6.2).
        let core_plus = if company.sandbox { 0 } else { core_plus };
        company.traffic.count(core, core_plus, now);
        meter.count(client, core_plus, now);
    }
    let keeps = company.switches.cache_faults || worked.as_ref().is_ok_and(|answer| !holds_fault(answer));
    let outcome = worked.map(|answer| answer.to_string().into_bytes()).map_err(|fault| (fault, now));
    if let Some(request) = request.filter(|_| keeps) {
        company.requests.keep(request, outcome.clone(), now);
    }
    outcome
}

/// A batch with a refused item is not kept as a whole; its other items are, each by itself.
fn holds_fault(answer: &Value) -> bool {
    answer["BatchItemResponse"]
        .as_array()
        .is_some_and(|items| items.iter().any(|item| item.get("Fault").is_some()))
}

fn refusal(fault: &Fault, json: bool, now: Timestamp) -> Response {
    let (content_type, body) = if json && !fault.always_xml {
        ("application/json", fault.json(now).to_string())
    } else {
        ("application/xml", fault.xml(now))
    };
    let mut response = (fault.status, [(header::CONTENT_TYPE, content_type)], body).into_response();
    if fault.status == StatusCode::UNAUTHORIZED {
        let challenge = "Bearer realm=\"Intuit\", error=\"invalid_token\"";
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(challenge));
    }
    if fault.unsimulated { control::unexpected(response) } else { response }
}

/// How far a call got in one turn at the books.
enum Turn<Work> {
    Done(Outcome),
    /// The same request is being worked on; ask again.
    Wait(Work),
    /// It is this call's, and takes until then.
    Work(Timestamp, Work),
}

/// How often a call that waits for the first answer looks for it.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(5);
