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
    /// The client's, accepted by the simulator.
    Request,
    /// The simulator's.
    Answer,
}

impl std::fmt::Display for Nonconforming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Nonconforming { side, method, path, at, rule } = self;
        write!(f, "{side:?} of {method} {path}: {at} {rule}")
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

    fn keep(&self, side: Side, method: &str, path: &str, findings: Vec<Finding>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for Finding { at, rule } in findings {
            let is_known = |known: &Nonconforming| known.side == side && known.at == at && known.rule == rule;
            if !found.iter().any(is_known) {
                let (method, path) = (method.to_owned(), path.to_owned());
                found.push(Nonconforming { side, method, path, at, rule });
            }
        }
    }

    fn look(&self, method: &str, path: &str, asked: &[u8], answered: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Value>(answered) else { return };
        // The gateway's own faults are none of the service's documents (quickbooks.md §4.1).
        if answer.get("fault").is_some() {
            return;
        }
        self.keep(Side::Answer, method, path, self.schemas.check("IntuitResponse", &answer));
        if answer.get("Fault").is_some() || asked.is_empty() || !is_document(path) {
            return;
        }
        let mut findings = match serde_json::from_slice(asked) {
            Ok(body) => self.request(path, &body),
            Err(error) => vec![Finding { at: String::new(), rule: format!("is no JSON: {error}") }],
        };
        let refused = refused_items(asked, &answer);
        findings.retain(|finding| !refused.iter().any(|item| finding.at.starts_with(item.as_str())));
        self.keep(Side::Request, method, path, findings);
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
    if parts.headers.get(header::CONTENT_TYPE).is_some_and(is_json) {
        record.look(method.as_str(), &path, &asked, &answered);
    }
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

    /// What is remembered of one call.
    fn seen(path: &str, asked: &str, answered: &str) -> Vec<String> {
        let record = Record::new(Arc::new(Schemas::parse(&[SCHEMA.to_owned()]).unwrap()));
        for _twice in 0..2 {
            record.look("POST", &format!("/v3/company/1/{path}"), asked.as_bytes(), answered.as_bytes());
        }
        record.found().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_accepted_body_and_every_answer_are_looked_at_and_the_same_thing_is_told_once() {
        assert_eq!(seen("bill", r#"{"Note":"a"}"#, r#"{"Bill":{"Note":"a"}}"#), [""; 0]);
        assert_eq!(
            seen("bill", r#"{"Note":1}"#, r#"{"Bill":{"Notes":"a"}}"#),
            [
                "Answer of POST /v3/company/1/bill: Bill.Notes is no member of Bill",
                "Request of POST /v3/company/1/bill: Note 1 is no xs:string"
            ]
        );
        let unknown = seen("vase", "{}", r#"{"Bill":{}}"#);
        assert_eq!(unknown, ["Request of POST /v3/company/1/vase:  no schema knows the entity vase"]);
    }

    #[test]
    fn a_refused_body_is_not_looked_at_nor_is_what_the_gateway_says() {
        assert_eq!(seen("bill", r#"{"Note":1}"#, r#"{"Fault":{"Error":"no"}}"#), [""; 0]);
        assert_eq!(seen("bill", r#"{"Note":1}"#, r#"{"fault":{"error":[]}}"#), [""; 0]);
        assert_eq!(seen("query", "select * from Bill", r#"{"Bill":{}}"#), [""; 0]);
    }

    #[test]
    fn of_a_batch_each_accepted_item_is_looked_at() {
        let asked = r#"{"BatchItemRequest":[{"bId":"1","Bill":{"Note":1}},{"bId":"2","Bill":{"Note":2}}]}"#;
        let answered = r#"{"BatchItemResponse":[{"bId":"2","Bill":{}},{"bId":"1","Fault":{"Error":"no"}}]}"#;
        let expected = "Request of POST /v3/company/1/batch: BatchItemRequest[1].Bill.Note 2 is no xs:string";
        assert_eq!(seen("batch", asked, answered), [expected]);
    }
}
