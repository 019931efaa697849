//! Answers that quote what they were sent, and requests of whoever means no good: all of them full of canaries.

use local::stack::Vendor;
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::Run;

/// Each class of failure of either vendor, for one create.
pub(super) fn faults(text: &str) -> Vec<(Vendor, Value)> {
    let (books, hubspot) = (Vendor::QuickBooks, Vendor::HubSpot);
    let html = format!("<html><title>{text}</title>");
    let fault = |code: &str| {
        let error = json!({"Message": text, "Detail": text, "code": code, "element": text});
        json!({"Fault": {"Error": [error], "type": text}, "time": text}).to_string()
    };
    let problem = |category: &str| {
        json!({"status": "error", "message": text, "category": category, "correlationId": text,
            "context": {"missingScopes": [text]}, "errors": [{"message": text}]})
        .to_string()
    };
    let unreadable = json!({"Invoice": {"Id": text, "TotalAmt": text, "DocNumber": [text]}}).to_string();
    let on_create = [
        json!({"status": 400, "content_type": "application/json", "body": fault("2020")}),
        json!({"status": 400, "content_type": "application/json", "body": fault("6140")}),
        json!({"status": 400, "content_type": "application/json", "body": fault(text)}),
        json!({"status": 401, "body": fault("3200")}),
        json!({"status": 403, "body": html}),
        json!({"status": 429, "body": html}),
        json!({"status": 503, "body": html, "after_effect": true}),
        json!({"status": 500, "body": fault("10000")}),
        json!({"drop": true, "after_effect": true}),
        json!({"drop": true}),
        json!({"status": 200, "body": unreadable, "after_effect": true}),
        json!({"status": 200, "body": text, "after_effect": true}),
        json!({"truncate_to": 60}),
        json!({"redirect": format!("/elsewhere?{}", escaped(text)), "status": 307}),
        json!({"delay_ms": 9_000}),
    ];
    let on_reading = [
        json!({"status": 400, "content_type": "application/json", "body": problem("VALIDATION_ERROR")}),
        json!({"status": 401, "body": problem("EXPIRED_AUTHENTICATION")}),
        json!({"status": 403, "content_type": "application/json", "body": problem("MISSING_SCOPES")}),
        json!({"status": 404, "body": problem(text)}),
        json!({"status": 429, "body": problem("RATE_LIMITS")}),
        json!({"status": 502, "body": html}),
        json!({"status": 200, "body": json!({"id": text, "properties": {"dealname": [text]}}).to_string()}),
        json!({"drop": true}),
    ];
    let on_create = on_create.into_iter().map(|fault| (books, of("POST", "/invoice", fault)));
    on_create.chain(on_reading.into_iter().map(|fault| (hubspot, of("GET", "/deals/", fault)))).collect()
}

/// The same for whoever buys tokens, one after the other.
pub(super) fn token_faults(text: &str) -> [(Vendor, Value); 2] {
    let refusal =
        |error: &str| json!({"error": error, "error_description": text, "status": text, "message": text});
    let tokens = json!({"access_token": [text], "refresh_token": text, "expires_in": text});
    let answers = [
        json!({"status": 503, "body": text}),
        json!({"status": 200, "content_type": "application/json", "body": tokens.to_string()}),
        json!({"status": 400, "content_type": "application/json", "body": refusal("invalid_request").to_string()}),
        json!({"status": 400, "content_type": "application/json", "body": refusal(text).to_string()}),
    ];
    let of_each =
        |path: &str| answers.clone().map(|fault| of("POST", path, fault)).into_iter().collect::<Value>();
    [(Vendor::HubSpot, of_each("/oauth/2026-03/token")), (Vendor::QuickBooks, of_each("/tokens/bearer"))]
}

fn of(method: &str, path: &str, mut fault: Value) -> Value {
    fault["method"] = json!(method);
    fault["path"] = json!(path);
    fault["times"] = json!(1);
    fault
}

fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const ROUTES: [(&str, &str); 21] = [
    ("POST", "/actions/invoice"),
    ("POST", "/actions/estimate"),
    ("POST", "/actions/receipt"),
    ("POST", "/options/quickbooks_account"),
    ("POST", "/options/{}"),
    ("GET", "/connect/hubspot"),
    ("GET", "/connect/hubspot/callback"),
    ("POST", "/connect/hubspot/uninstall"),
    ("GET", "/connect/quickbooks"),
    ("GET", "/connect/quickbooks/callback"),
    ("GET", "/connect/quickbooks/confirm"),
    ("POST", "/connect/quickbooks/confirm"),
    ("GET", "/reconnect/quickbooks"),
    ("GET", "/disconnect/quickbooks"),
    ("POST", "/disconnect/quickbooks"),
    ("GET", "/console"),
    ("GET", "/console/{}"),
    ("GET", "/console/execution"),
    ("POST", "/console/company/{}/settings"),
    ("POST", "/console/retry"),
    ("GET", "/health"),
];

impl Run {
    /// Every route, with canaries wherever a request has room for them; then the functions themselves, with events that no
    /// gateway makes.
    pub(super) async fn turn_strangers_away(&mut self) {
        let text = self.everything();
        for (method, path) in ROUTES {
            self.ask(method, path, &text).await;
        }
        for function in ["invoice", "options", "connect", "console", "reconcile", "refresh"] {
            for event in events(&text) {
                let told = format!("{:?}", self.stack.function(function).unwrap().invoke(event.into()).await);
                self.others.push((format!("an odd event to {function}"), told));
            }
        }
        for body in [
            text.clone(),
            format!("{{\"callbackId\": \"{text}"),
            format!("{{\"callbackId\": {{}}, \"origin\": \"{text}\"}}"),
        ] {
            let told = self.signed(&body).await;
            self.others.push(("a signed body that cannot be read".to_owned(), told));
        }
    }

    fn everything(&self) -> String {
        let given: Vec<_> = self.given.iter().map(|known| known.text.as_str()).collect();
        format!("{} {}", self.planted.all(), given.join(" ")).replace('"', "'")
    }

    async fn ask(&mut self, method: &str, path: &str, text: &str) {
        let word = escaped(text);
        // An address may not be as long as a body.
        let short = &word[..word.len().min(600)];
        let names = ["code", "state", "realmId", "realm", "next", "pending", "told", "id", "error"];
        let query = names.map(|name| format!("{name}={short}")).join("&");
        let url = format!("{}{}?{query}", self.stack.info.public_base_url, path.replace("{}", short));
        let ascii: String = text.chars().filter(char::is_ascii).take(4_000).collect();
        // Whoever goes on to sign in has where he came from kept for him, as he typed it.
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build();
        let request = http.unwrap().request(method.parse::<Method>().unwrap(), url);
        let request = request
            .header("authorization", format!("Bearer {ascii}"))
            .header("cookie", format!("__Host-session={ascii}; __Host-browser={ascii}"))
            .header("x-hubspot-signature", &ascii)
            .header("x-hubspot-signature-v3", &ascii)
            .header("x-hubspot-request-timestamp", &ascii)
            .header("user-agent", &ascii)
            .header("content-type", "application/x-www-form-urlencoded");
        let answer =
            request.body(format!("csrf={word}&pending={word}&text={word}&{text}")).send().await.unwrap();
        let told = format!("{} {}", answer.status(), answer.text().await.unwrap());
        self.others.push((format!("{method} {path} for a stranger"), told));
    }

    async fn signed(&self, body: &str) -> String {
        let answer = crate::gate::post(&self.stack, body).await;
        format!("{} {}", answer.status(), answer.text().await.unwrap())
    }
}

/// A route is the gateway's own word: it stands in the template.
const ROUTE: &str = "GET /connect/quickbooks/callback";

/// Not JSON, JSON of another kind, and requests that are none.
fn events(text: &str) -> Vec<String> {
    let http = json!({"method": text, "path": text, "protocol": text, "sourceIp": text, "userAgent": text});
    let request = |is_base64: Value, body: &str| {
        json!({
            "version": "2.0", "routeKey": ROUTE, "rawPath": text, "rawQueryString": text, "headers": {"cookie": text},
            "cookies": [text], "requestContext": {"http": http, "stage": text, "timeEpoch": 0, "routeKey": ROUTE},
            "body": body, "isBase64Encoded": is_base64,
        })
        .to_string()
    };
    vec![
        text.to_owned(),
        format!("{{\"detail\": \"{text}"),
        json!(text).to_string(),
        json!({"version": "2.0", "requestContext": text}).to_string(),
        json!({"source": text, "detail": {"text": text}, "time": text}).to_string(),
        request(json!(true), text),
        request(json!(text), text),
        request(json!(false), text),
    ]
}
