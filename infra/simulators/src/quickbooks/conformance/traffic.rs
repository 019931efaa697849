//! The schemas held against what goes in and out.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::check::Finding;
use super::schema::Schemas;
use crate::quickbooks::QuickBooks;

/// Something in a body that Intuit's XSDs do not allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nonconforming {
    /// Whose body.
    pub side: Side,
    /// What became of the call, or of the item of a batch.
    pub outcome: Outcome,
    /// The call's.
    pub method: String,
    /// The call's, without the query string.
    pub path: String,
    /// The place in the body, such as `Invoice.Line[0].Amount`.
    pub at: String,
    /// What is wrong there.
    pub rule: String,
}

/// Whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The client's.
    Request,
    /// The simulator's.
    Answer,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered with a success.
    Accepted,
    /// Answered with a fault.
    Refused,
}

impl std::fmt::Display for Nonconforming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Nonconforming { side, outcome, method, path, at, rule } = self;
        let outcome = if *outcome == Outcome::Refused { " (refused)" } else { "" };
        write!(f, "{side:?} of {method} {path}{outcome}: {at} {rule}")
    }
}

/// The schemas of a simulator, and what did not conform to them.
#[derive(Debug)]
pub(in crate::quickbooks) struct Record {
    schemas: Arc<Schemas>,
    found: Mutex<Vec<Nonconforming>>,
}

impl Record {
    /// Nothing found yet.
    pub(in crate::quickbooks) fn new(schemas: Arc<Schemas>) -> Record {
        Record { schemas, found: Mutex::default() }
    }

    /// What was found so far, the same thing once.
    pub(in crate::quickbooks) fn found(&self) -> Vec<Nonconforming> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, call: &Call, side: Side, outcome: Outcome, findings: Vec<Finding>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for Finding { at, rule } in findings {
            let is_known = |known: &Nonconforming| {
                (known.side, known.outcome, &known.at, &known.rule) == (side, outcome, &at, &rule)
            };
            if !found.iter().any(is_known) {
                let (method, path) = (call.method.clone(), call.path.clone());
                found.push(Nonconforming { side, outcome, method, path, at, rule });
            }
        }
    }

    fn look(&self, call: &Call) {
        let answer = call.answered.as_deref().map(serde_json::from_slice::<Value>);
        if let Some(answer) = &answer {
            self.keep(call, Side::Answer, call.outcome, self.answer(answer));
        }
        if call.asked.is_empty() || !is_document(&call.path) {
            return;
        }
        let answer = answer.and_then(Result::ok).unwrap_or_default();
        let findings = match serde_json::from_slice(&call.asked) {
            Ok(body) => self.request(&call.path, &body),
            Err(error) => vec![Finding { at: String::new(), rule: format!("is no JSON: {error}") }],
        };
        let refused = refused_items(&call.asked, &answer);
        let is_refused = |finding: &Finding| refused.iter().any(|item| finding.at.starts_with(item.as_str()));
        let (refused, others) = findings.into_iter().partition(is_refused);
        self.keep(call, Side::Request, Outcome::Refused, refused);
        self.keep(call, Side::Request, call.outcome, others);
    }

    /// What is wrong with an answer that calls itself JSON.
    fn answer(&self, answer: &serde_json::Result<Value>) -> Vec<Finding> {
        match answer {
            // The gateway's own faults are none of the service's documents (quickbooks.md §4.1).
            Ok(answer) if answer.get("fault").is_some() => Vec::new(),
            Ok(answer) => self.schemas.check("IntuitResponse", answer),
            Err(error) => vec![Finding { at: String::new(), rule: format!("is no JSON: {error}") }],
        }
    }

    fn request(&self, path: &str, body: &Value) -> Vec<Finding> {
        let resource = resource(path);
        let entity = self.schemas.entities.iter().find(|(name, _)| name.eq_ignore_ascii_case(resource));
        match (resource, entity) {
            ("batch", _) => self.schemas.check("IntuitBatchRequest", body),
            (_, Some((_, of))) => self.schemas.check(of, body),
            (_, None) => {
                vec![Finding { at: String::new(), rule: format!("no schema knows the entity {resource}") }]
            }
        }
    }
}

/// One call, with both bodies.
struct Call {
    method: String,
    /// Without the query string.
    path: String,
    asked: Vec<u8>,
    outcome: Outcome,
    /// `None` when it is not said to be JSON: answers in XML are made of answers in JSON.
    answered: Option<Vec<u8>>,
}

/// Lets a call through to Intuit's routes and looks at both bodies.
pub(in crate::quickbooks) async fn observed(
    State(quickbooks): State<QuickBooks>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let Some(record) = quickbooks.record.filter(|_| path.starts_with(COMPANY)) else {
        return next.run(request).await;
    };
    let method = request.method().clone();
    let (parts, body) = request.into_parts();
    let Ok(asked) = to_bytes(body, usize::MAX).await else {
        return (StatusCode::BAD_REQUEST, "the request's body broke off").into_response();
    };
    let request = Request::from_parts(parts, Body::from(asked.clone()));
    let (parts, body) = next.run(request).await.into_parts();
    let Ok(answered) = to_bytes(body, usize::MAX).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the answer's body broke off").into_response();
    };
    let is_json = |value: &header::HeaderValue| value.as_bytes().starts_with(b"application/json");
    let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(is_json);
    let outcome = if parts.status.is_success() { Outcome::Accepted } else { Outcome::Refused };
    record.look(&Call {
        method: method.to_string(),
        path,
        asked: asked.to_vec(),
        outcome,
        answered: is_json.then(|| answered.to_vec()),
    });
    Response::from_parts(parts, Body::from(answered))
}

/// Intuit's routes about a company.
const COMPANY: &str = "/v3/company/";

/// What a path is about: the part behind the company.
fn resource(path: &str) -> &str {
    path.split('/').nth(4).unwrap_or_default()
}

/// Whether a body sent there is JSON: statements are text.
fn is_document(path: &str) -> bool {
    resource(path) != "query"
}

/// The paths of the items of a batch which were answered with a fault.
fn refused_items(asked: &[u8], answer: &Value) -> Vec<String> {
    let body = serde_json::from_slice::<Value>(asked).unwrap_or_default();
    let (Some(items), Some(answers)) =
        (body["BatchItemRequest"].as_array(), answer["BatchItemResponse"].as_array())
    else {
        return Vec::new();
    };
    let is_refused = |item: &Value| {
        answers.iter().any(|answer| answer["bId"] == item["bId"] && answer.get("Fault").is_some())
    };
    let refused = items.iter().enumerate().filter(|(_, item)| is_refused(item));
    refused.map(|(index, _)| format!("BatchItemRequest[{index}]")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
        targetNamespace="http://schema.intuit.com/finance/v3">
      <xs:element name="Bill" type="Bill" substitutionGroup="IntuitObject"/>
      <xs:complexType name="Bill"><xs:sequence><xs:element name="Note" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType>
      <xs:complexType name="Fault"><xs:sequence><xs:element name="Error" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType>
      <xs:complexType name="Item"><xs:sequence><xs:choice>
        <xs:element ref="IntuitObject"/><xs:element name="Fault" type="Fault"/></xs:choice></xs:sequence>
        <xs:attribute name="bId" type="xs:string"/></xs:complexType>
      <xs:complexType name="IntuitBatchRequest"><xs:sequence>
        <xs:element name="BatchItemRequest" type="Item" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
      <xs:complexType name="IntuitResponse"><xs:sequence><xs:choice>
        <xs:element ref="IntuitObject"/><xs:element name="Fault" type="Fault"/>
        <xs:element name="BatchItemResponse" type="Item" maxOccurs="unbounded"/></xs:choice></xs:sequence></xs:complexType>
    </xs:schema>"#;

    /// What is remembered of one call, made twice.
    fn seen(path: &str, asked: &str, outcome: Outcome, answered: &str) -> Vec<String> {
        let record = Record::new(Arc::new(Schemas::parse(&[SCHEMA.to_owned()]).unwrap()));
        let call = Call {
            method: "POST".into(),
            path: format!("/v3/company/1/{path}"),
            asked: asked.into(),
            outcome,
            answered: (!answered.starts_with('<')).then(|| answered.into()),
        };
        for _twice in 0..2 {
            record.look(&call);
        }
        record.found().iter().map(ToString::to_string).collect()
    }

    const BODY: &str = r#"{"Note":1}"#;
    const WRONG: &str = "Request of POST /v3/company/1/bill: Note 1 is no xs:string";
    const WRONG_AND_REFUSED: &str = "Request of POST /v3/company/1/bill (refused): Note 1 is no xs:string";

    #[test]
    fn every_body_and_every_answer_is_looked_at_and_the_same_thing_is_told_once() {
        let accepted = |path, asked, answered| seen(path, asked, Outcome::Accepted, answered);
        assert_eq!(accepted("bill", r#"{"Note":"a"}"#, r#"{"Bill":{"Note":"a"}}"#), [""; 0]);
        assert_eq!(
            accepted("bill", BODY, r#"{"Bill":{"Notes":"a"}}"#),
            ["Answer of POST /v3/company/1/bill: Bill.Notes is no member of Bill", WRONG]
        );
        let unknown = accepted("vase", "{}", r#"{"Bill":{}}"#);
        assert_eq!(unknown, ["Request of POST /v3/company/1/vase:  no schema knows the entity vase"]);
        assert_eq!(accepted("query", "select * from Bill", r#"{"Bill":{}}"#), [""; 0]);
        assert_eq!(accepted("bill", BODY, "<IntuitResponse/>"), [WRONG]);
    }

    #[test]
    fn a_refused_body_is_looked_at_too_and_told_apart() {
        let faults = [
            r#"{"Fault":{"Error":"no"}}"#,
            r#"{"fault":{"error":[]}}"#,
            "<IntuitResponse><Fault/></IntuitResponse>",
        ];
        for fault in faults {
            assert_eq!(seen("bill", BODY, Outcome::Refused, fault), [WRONG_AND_REFUSED]);
        }
    }

    #[test]
    fn an_answer_that_calls_itself_json_and_is_none_is_told() {
        let told = seen("bill", "", Outcome::Refused, "{");
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("Answer of POST /v3/company/1/bill (refused):  is no JSON: "),
            "{told:?}"
        );
    }

    #[test]
    fn of_a_batch_each_item_has_an_outcome_of_its_own() {
        let asked = r#"{"BatchItemRequest":[{"bId":"1","Bill":{"Note":1}},{"bId":"2","Bill":{"Note":2}}]}"#;
        let answered = r#"{"BatchItemResponse":[{"bId":"2","Bill":{}},{"bId":"1","Fault":{"Error":"no"}}]}"#;
        let expected = [
            "Request of POST /v3/company/1/batch (refused): BatchItemRequest[0].Bill.Note 1 is no xs:string",
            "Request of POST /v3/company/1/batch: BatchItemRequest[1].Bill.Note 2 is no xs:string",
        ];
        assert_eq!(seen("batch", asked, Outcome::Accepted, answered), expected);
    }
}
