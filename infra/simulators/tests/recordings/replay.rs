//! One recorded exchange, and the company it is replayed on.

use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::control::{Serving, serve};
use simulators::quickbooks::QuickBooks;
use simulators::quickbooks::conformance::{self, Outcome, Side};

use crate::compare::{self, Difference, Loose};
use crate::library::Library;

const REALM: &str = "9130350000000001";

/// What the recordings have in place of the realm id.
const ANY_REALM: &str = "-COMPANY_ID-";

const TOKEN: &str = "lasting";

/// A token that ended long ago.
pub(crate) const ENDED: &str = "ended";

/// What to ask of which company, and what was answered.
pub(crate) struct Replay {
    before: Vec<Step>,
    /// When the question is asked.
    at: Timestamp,
    method: String,
    /// The path below the company, or from the root with a slash in front, with its query.
    target: String,
    token: &'static str,
    body: Value,
    status: u16,
    content_type: Option<String>,
    answer: Value,
    loose: Vec<Loose>,
}

/// What happened in the company before.
enum Step {
    Seed(Value),
    /// Somebody wrote something, successfully, at that time.
    Write(Timestamp, String, Value),
}

impl Replay {
    /// A recorded request with its answer, at the time it was made.
    pub(crate) fn recorded(library: &Library, file: &str) -> Replay {
        let recording = library.json(file);
        let (request, response) = (&recording["request"], &recording["response"]);
        let replay = Replay::asked(
            library,
            file,
            response["status"].as_u64().unwrap().try_into().unwrap(),
            request["method"].as_str().unwrap(),
            &below_company(request["uri"].as_str().unwrap()),
            request["body"].clone(),
        );
        let at = jiff::fmt::rfc2822::parse(recording["recorded_at"].as_str().unwrap()).unwrap().timestamp();
        let content_type = response["headers"]["Content-Type"].as_str().map(str::to_owned);
        Replay { at, content_type, ..replay }
    }

    /// A recorded answer, and the request it must have been given to.
    pub(crate) fn asked(
        library: &Library,
        file: &str,
        status: u16,
        method: &str,
        target: &str,
        body: Value,
    ) -> Replay {
        let answer = library.answer(file).to_string().replace(ANY_REALM, REALM);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let at = answer["time"].as_str().and_then(|time| time.parse().ok()).unwrap_or_else(Timestamp::now);
        Replay {
            before: Vec::new(),
            at,
            method: method.to_owned(),
            target: target.to_owned(),
            token: TOKEN,
            body,
            status,
            content_type: None,
            answer,
            loose: Vec::new(),
        }
    }

    /// The company has this as well; the parts of a seed that belong to one company.
    pub(crate) fn seeded(mut self, company: Value) -> Replay {
        self.before.push(Step::Seed(company));
        self
    }

    /// The next row made gets this `Id`: the one before it is taken.
    pub(crate) fn next_id(self, id: &str) -> Replay {
        let last = id.parse::<u64>().unwrap() - 1;
        self.seeded(json!({"vendors": [{"Id": last.to_string(), "DisplayName": format!("Number {last}")}]}))
    }

    /// Somebody wrote this before.
    pub(crate) fn written(mut self, at: &Value, target: &str, body: Value) -> Replay {
        self.before.push(Step::Write(at.as_str().unwrap().parse().unwrap(), target.to_owned(), body));
        self
    }

    /// Asked with another token.
    pub(crate) fn with_token(self, token: &'static str) -> Replay {
        Replay { token, ..self }
    }

    /// Asked at another time, something else.
    pub(crate) fn asked_at(self, at: &str, target: &str) -> Replay {
        Replay { at: at.parse().unwrap(), target: target.to_owned(), ..self }
    }

    /// What neither request nor seed determines.
    pub(crate) fn loosely(mut self, loose: &[Loose]) -> Replay {
        self.loose.extend(loose);
        self
    }

    /// Method and path, for people.
    pub(crate) fn request(&self) -> String {
        format!("{} {}", self.method, self.target.replace("%20", " "))
    }

    /// Makes the company, asks, and compares.
    pub(crate) async fn differences(&self) -> Vec<Difference> {
        let quickbooks = match conformance::beside_the_checkout().unwrap() {
            Some(schemas) => QuickBooks::new().checked(schemas),
            None => QuickBooks::new(),
        };
        let company = Company { serving: serve(quickbooks.router(), 0).await.unwrap(), quickbooks };
        company
            .seed(json!({"access_tokens": [TOKEN, {"token": ENDED, "expires_at": "2015-01-01T00:00:00Z"}]}));
        for step in &self.before {
            match step {
                Step::Seed(seed) => company.seed(seed.clone()),
                Step::Write(at, target, body) => {
                    let (status, _, answer) = company.ask(*at, "POST", target, TOKEN, body).await;
                    assert_eq!(status, 200, "{target} {body}: {answer}");
                }
            }
        }
        let (status, content_type, answer) =
            company.ask(self.at, &self.method, &self.target, self.token, &self.body).await;
        // What was asked and refused was wrong when it was recorded.
        let mut nonconforming = company.quickbooks.nonconforming();
        nonconforming.retain(|found| found.side == Side::Answer || found.outcome == Outcome::Accepted);
        let nonconforming: Vec<_> = nonconforming.iter().map(ToString::to_string).collect();
        assert!(nonconforming.is_empty(), "{}: {}", self.request(), nonconforming.join("\n"));
        let mut found = compare::differences(&self.answer, &answer, &self.loose);
        if status != self.status {
            found.push(Difference::new("status", self.status, status));
        }
        let recorded = self.content_type.as_deref().unwrap_or(&content_type);
        if !content_type.eq_ignore_ascii_case(recorded) {
            found.push(Difference::new("content type", recorded, &content_type));
        }
        found
    }
}

struct Company {
    quickbooks: QuickBooks,
    serving: Serving,
}

impl Company {
    fn seed(&self, mut company: Value) {
        company["realm_id"] = json!(REALM);
        self.quickbooks.seed(json!({"companies": [company]})).unwrap();
    }

    /// Status, content type and body.
    async fn ask(
        &self,
        at: Timestamp,
        method: &str,
        target: &str,
        token: &str,
        body: &Value,
    ) -> (u16, String, Value) {
        self.quickbooks.control().clock().set(at);
        let company = if target.starts_with('/') { String::new() } else { format!("/v3/company/{REALM}/") };
        let url = format!("{}{company}{target}", self.serving.url);
        let request = reqwest::Client::new().request(method.parse().unwrap(), url).bearer_auth(token);
        let request = request
            .header("accept", "application/json")
            .header("content-type", "application/json;charset=UTF-8");
        let request = if method == "POST" { request.body(body.to_string()) } else { request };
        let response = request.send().await.unwrap();
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, content_type, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

/// The recordings name the company in one of two ways, or leave it out.
fn below_company(uri: &str) -> String {
    let (_, path) = uri.split_once("/v3/").unwrap();
    path.trim_start_matches("company/").trim_start_matches(ANY_REALM).trim_start_matches('/').to_owned()
}
