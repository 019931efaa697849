//! What goes wrong, by Intuit's codes (quickbooks.md §4), in the three shapes it is told in.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::switches::Switches;
use super::time;
use super::xml::escaped;

/// One refusal, with every reason found.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    origin: Origin,
    reasons: Vec<Reason>,
    /// The request is sound, but this simulator does not do it.
    pub(super) unsimulated: bool,
    /// Told in XML even to those who asked for JSON.
    pub(super) always_xml: bool,
}

/// One reason. `message` is the code's own words; tests and clients branch on `code` alone.
#[derive(Clone, Debug)]
pub(super) struct Reason {
    code: u16,
    message: String,
    detail: String,
    element: Option<String>,
}

/// Who refuses decides the shape of the JSON: the gateway writes its own, in lower case (§4.1).
#[derive(Clone, Copy, Debug)]
enum Origin {
    Service,
    Gateway(&'static str),
}

impl Reason {
    /// A reason with the message that belongs to its code.
    pub(super) fn new(code: u16, detail: impl Into<String>) -> Reason {
        Reason { code, message: message(code).to_owned(), detail: detail.into(), element: None }
    }

    /// Names the field at fault, as a path.
    pub(super) fn at(mut self, element: impl Into<String>) -> Reason {
        self.element = Some(element.into());
        self
    }

    /// Says the message in the company's language instead.
    pub(super) fn saying(mut self, message: &str) -> Reason {
        self.message = message.to_owned();
        self
    }

    /// 2020: a field that must be there is not.
    pub(super) fn missing(path: &str) -> Reason {
        Reason::new(2020, format!("Required parameter {path} is missing in the request")).at(path)
    }

    /// 6000: a rule of the books, told in the detail only.
    pub(super) fn business(why: &str) -> Reason {
        Reason::new(6000, format!("Business Validation Error: {why}"))
    }

    /// 610: the row is inactive, or there is none with the `Id` asked for.
    pub(super) fn gone() -> Reason {
        let detail = "Object Not Found : Something you're trying to use has been made inactive. \
                      Check the fields with accounts, customers, items, vendors or employees.";
        Reason::new(610, detail).at("")
    }

    fn json(&self) -> Value {
        let mut json = json!({"Message": self.message, "Detail": self.detail, "code": self.code.to_string()});
        if let Some(element) = &self.element {
            json["element"] = json!(element);
        }
        json
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Fault {
        Fault::validation(vec![reason])
    }
}

impl Fault {
    /// HTTP 400 with these reasons.
    pub(super) fn validation(reasons: Vec<Reason>) -> Fault {
        Fault {
            status: StatusCode::BAD_REQUEST,
            origin: Origin::Service,
            reasons,
            unsimulated: false,
            always_xml: false,
        }
    }

    /// HTTP 400 with one reason.
    pub(super) fn new(code: u16, detail: impl Into<String>) -> Fault {
        Reason::new(code, detail).into()
    }

    /// Code 500 for what Intuit can do and this simulator cannot; its call is logged as unexpected.
    pub(super) fn unsimulated(what: &str) -> Fault {
        Fault { unsimulated: true, ..Fault::new(500, format!("Operation {what} is not simulated")) }
    }

    /// 2010 for a field that Intuit knows and this simulator does not; its call is logged as unexpected.
    pub(super) fn unsimulated_field(entity: &str, name: &str) -> Fault {
        let detail = format!("Property Name:{entity}.{name} is a property of Intuit's that is not simulated");
        Fault { unsimulated: true, ..Fault::new(2010, detail) }
    }

    /// Code 500 for a path that leads nowhere, in Intuit's words; its call is logged as unexpected, for what Intuit has
    /// there this simulator may lack.
    pub(super) fn no_such_path(path: &str) -> Fault {
        let detail = format!(
            "Operation Could not find resource for relative : {path} of full path: {path} is not supported."
        );
        Fault { unsimulated: true, ..Fault::new(500, detail) }
    }

    /// The same with another HTTP status.
    pub(super) fn with_status(self, status: StatusCode) -> Fault {
        Fault { status, ..self }
    }

    /// 401: no token, or one nobody holds (any more).
    pub(super) fn unauthenticated(code: u16, name: &str, detail: &str) -> Fault {
        Fault::gateway(StatusCode::UNAUTHORIZED, "AUTHENTICATION", code, name, detail)
    }

    /// 403: a good token, for another company.
    pub(super) fn unauthorized() -> Fault {
        let detail = "The token was not issued for this company";
        Fault::gateway(StatusCode::FORBIDDEN, "AUTHORIZATION", 3100, "AuthorizationFailed", detail)
    }

    /// 429, in XML whatever was asked for (§4.1, §12.9).
    pub(super) fn throttled(detail: &str) -> Fault {
        let fault =
            Fault::gateway(StatusCode::TOO_MANY_REQUESTS, "SERVICE", 3001, "ThrottleExceeded", detail);
        Fault { always_xml: true, ..fault }
    }

    /// 600: the request id is another request's, or its first request is not done yet.
    pub(super) fn duplicate_request(id: &str, switches: &Switches) -> Fault {
        let detail = format!("Duplicate Request ID : the request {id} already exists");
        Fault::new(600, detail).with_status(switches.duplicate_request_status.code())
    }

    fn gateway(status: StatusCode, kind: &'static str, code: u16, name: &str, detail: &str) -> Fault {
        let message = format!("message={name}; errorCode={code:06}; statusCode={}", status.as_u16());
        let reason = Reason::new(code, detail).saying(&message);
        Fault { status, origin: Origin::Gateway(kind), ..Fault::from(reason) }
    }

    /// The body with `Accept: application/json`.
    pub(super) fn json(&self, now: Timestamp) -> Value {
        match self.origin {
            Origin::Service => {
                let mut body = self.item();
                // A malformed id is refused before there is a time to tell (recorded).
                if self.reasons.iter().all(|reason| reason.code != 2030) {
                    body["time"] = json!(time::envelope(now));
                }
                body
            }
            Origin::Gateway(kind) => self.gateway_json(kind, now),
        }
    }

    /// The part a batch item carries.
    pub(super) fn item(&self) -> Value {
        let reasons: Vec<_> = self.reasons.iter().map(Reason::json).collect();
        json!({"Fault": {"Error": reasons, "type": self.kind()}})
    }

    /// The body without `Accept: application/json`.
    pub(super) fn xml(&self, now: Timestamp) -> String {
        let errors: String = self.reasons.iter().map(xml_reason).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
             <IntuitResponse time=\"{}\" xmlns=\"http://schema.intuit.com/finance/v3\">\
             <Fault type=\"{}\">{errors}</Fault></IntuitResponse>",
            time::envelope(now),
            self.kind(),
        )
    }

    fn kind(&self) -> &'static str {
        match self.origin {
            Origin::Service => "ValidationFault",
            Origin::Gateway(kind) => kind,
        }
    }

    fn gateway_json(&self, kind: &str, now: Timestamp) -> Value {
        let errors: Vec<_> = self
            .reasons
            .iter()
            .map(|reason| {
                json!({"message": reason.message, "detail": reason.detail, "code": reason.code.to_string(), "element": null})
            })
            .collect();
        json!({
            "warnings": null, "intuitObject": null, "fault": {"error": errors, "type": kind}, "report": null,
            "queryResponse": null, "batchItemResponse": [], "attachableResponse": [], "syncErrorResponse": null,
            "requestId": null, "time": now.as_millisecond(), "status": null, "cdcresponse": []
        })
    }
}

fn xml_reason(reason: &Reason) -> String {
    let element =
        reason.element.as_ref().map(|path| format!(" element=\"{}\"", escaped(path))).unwrap_or_default();
    format!(
        "<Error code=\"{}\"{element}><Message>{}</Message><Detail>{}</Detail></Error>",
        reason.code,
        escaped(&reason.message),
        escaped(&reason.detail),
    )
}

/// The `Message` of each code this simulator uses (§4.2).
fn message(code: u16) -> &'static str {
    match code {
        500 => "Unsupported Operation",
        600 => "Duplicate Request ID",
        610 => "Object Not Found",
        620 => "Txn ID Cannot Be Linked",
        700 => "Parent Reference Invalid",
        1040 => "Batch size exceeds allowed limit",
        1050 => "Invalid Content Type",
        2000 => "Invalid or unsupported object name",
        2010 => "Request has invalid or unsupported property",
        2020 => "Required param missing, need to supply the required value for the API",
        2030 => "Invalid ID",
        2040 => "Invalid String",
        2050 => "Invalid String Length",
        2060 => "Invalid Date Format",
        2130 => "Invalid Request Id Format",
        2140 => "Invalid Amount",
        2150 => "Invalid Percent",
        2170 => "Invalid Enumeration",
        2190 => "Invalid Date Range",
        2210 => "Invalid Email Address Format",
        2240 => "Invalid Number Range",
        2290 => "NegativeAmount",
        2500 => "Invalid Reference Id",
        4000 => "Error parsing query",
        4001 => "Invalid query",
        5010 => "Stale Object Error",
        5020 => "Permission Denied Error",
        5030 => "Feature Not Supported Error",
        6000 => "A business validation error has occurred while processing your request",
        6070 => "Amount calculation incorrect in the request",
        6080 => "No Name Provided",
        6090 => "Discount Line missing required info",
        6100 => "Invalid Line TaxCode in the request",
        6140 => "Duplicate Document Number Error",
        6170 => "Invalid TxnTaxDetail",
        6180 => "Sub Level Limit",
        6190 => "Invalid Company Status",
        6210 => "Account Period Closed",
        6240 => "Duplicate Name Exists Error",
        6270 => "Inventory transaction before item start date",
        6420 => "E-mail address required",
        6430 => "Invalid account type",
        6470 => "Tax is not allowed or has no rate",
        6520 => "Missing inventory quantity",
        10100 => "Result set too big",
        _ => "An application error has occurred while processing your request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-03-02T20:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_service_fault_has_capitals_and_a_string_code() {
        let json = Fault::from(Reason::missing("Line")).json(noon());
        assert_eq!(json["Fault"]["Error"][0]["code"], "2020");
        assert_eq!(json["Fault"]["Error"][0]["element"], "Line");
        assert_eq!(json["Fault"]["type"], "ValidationFault");
    }

    #[test]
    fn the_gateway_writes_lower_case() {
        let json = Fault::unauthorized().json(noon());
        assert_eq!(
            json["fault"]["error"][0]["message"],
            "message=AuthorizationFailed; errorCode=003100; statusCode=403"
        );
        assert!(json.get("Fault").is_none());
    }

    #[test]
    fn xml_is_escaped() {
        let xml = Fault::new(2040, "a < b & \"c\"").xml(noon());
        assert!(xml.contains("<Error code=\"2040\"><Message>Invalid String</Message>"));
        assert!(xml.contains("a &lt; b &amp; &quot;c&quot;"));
    }
}
