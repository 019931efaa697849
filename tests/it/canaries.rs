//! No secret, and nothing of people and their business, in what we put out (reliability.md §e.5): texts of chance go through
//! everything the product does, at its most talkative, and are looked for in twelve encodings.
//!
//! | output | may hold |
//! | --- | --- |
//! | logs, with panics and the errors that Lambda is told | none of them |
//! | answers to strangers, to another portal's people, to wrong signatures | none of them |
//! | what is written into the table | what is people's; of secrets a session's form token, worthless without the cookie, and what the request to AWS is signed with |
//! | answers and callbacks to HubSpot | what is people's: they are the portal's own workflow |
//! | pages for the portal's own people | that, and what forms carry: session token and pending connect |

mod hostile;
mod planted;
#[path = "../suite/canaries.rs"]
pub(crate) mod search;
mod tap;

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::SignedDuration;
use local::stack::{Options, Vendor};
use local::world::{PORTAL, REALM};
use reqwest::Url;
use serde_json::{Value, json};

use crate::connect::browser::{Browser, Page};
use crate::connect::{
    CONFIRM, OTHER_PORTAL, OTHER_REALM, SANDBOX_REALM, back_from_hubspot, back_from_intuit, connect,
    seed_others, signed_in,
};
use crate::paid::paid;
use crate::quotes::enroll;
use crate::support::{Checked, Shown, but, run, settled, with};

use planted::{
    AWS_KEY, AWS_SECRET, AWS_TOKEN, Known, OF_CUSTOMER, PAID, PLANTED_DEAL, Planted, Seen, UNKNOWN_ITEM,
    tokens,
};
use search::{Canary, Hit, Search, in_logs};
use tap::Tap;

/// One run: what was planted or given out, what passed, and what we said to whom.
struct Run {
    stack: Checked,
    taps: Vec<Tap>,
    planted: Planted,
    /// What the vendors and we gave out meanwhile.
    given: Vec<Known>,
    /// Pages for the portal's own people.
    own: Vec<(String, String)>,
    /// Answers to HubSpot.
    answers: Vec<String>,
    /// What anybody else was told.
    others: Vec<(String, String)>,
}

/// The secret of an owner, the vendor who takes its tokens, and what these are called: the access token, the refresh token.
type Noted = (&'static str, &'static str, &'static [&'static str]);

const AT_FIRST: [Noted; 4] = [
    ("hubspot", "HubSpot", &["HubSpot's access token", "HubSpot's refresh token"]),
    (REALM, "QuickBooks", &["the company's access token", "the company's refresh token"]),
    (OTHER_REALM, "QuickBooks", &["the second company's access token", "the second company's refresh token"]),
    (SANDBOX_REALM, "QuickBooks", &["the sandbox's access token", "the sandbox's refresh token"]),
];

const RENEWED: [Noted; 2] = [
    ("hubspot", "HubSpot", &["HubSpot's renewed access token"]),
    (REALM, "QuickBooks", &["the company's renewed access token"]),
];

/// In the forms of a page by right.
const CSRF: &str = "the session's form token";
const PENDING: &str = "the handle of a connect";

#[tokio::test]
async fn nothing_secret_and_nothing_of_people_is_told_by_anything_the_product_does() {
    let mut run = Run::start().await;
    run.turn_strangers_away().await;
    let mut browser = run.install().await;
    run.connect_companies(&mut browser).await;
    run.note_tokens(&AT_FIRST).await;
    run.create_documents().await;
    run.fail_in_every_way().await;
    run.renew_tokens().await;
    run.note_tokens(&RENEWED).await;
    run.look_at_every_page(&mut browser).await;
    run.change_settings(&mut browser).await;
    run.look_as_another_portal().await;
    run.lose_a_grant().await;
    run.read_broken_secrets().await;
    run.turn_strangers_away().await;
    run.part(&mut browser).await;
    run.every_canary_went_through_the_code().await;
    run.none_is_told();
}

#[tokio::test]
async fn a_name_in_the_log_of_a_function_fails_its_test() {
    let stack = crate::support::stack().await;
    std::fs::write(stack.logs.join("invoice.log"), "{\"error\":\"nobody is called TRUJILLO\"}").unwrap();
    let failure = catch_unwind(AssertUnwindSafe(|| drop(stack))).unwrap_err();
    let said = failure.downcast_ref::<String>().unwrap();
    assert_eq!(said, "the log of invoice holds a last name, raw, after “{\"error\":\"nobody is called ”");
}

impl Run {
    /// The real stack with planted keys, at its most talkative, every upstream behind a tap.
    async fn start() -> Self {
        let planted = Planted::new();
        let mut taps = Vec::new();
        for of in ["HubSpot", "QuickBooks", "DynamoDB", "Secrets Manager"] {
            taps.push(Tap::open(of).await);
        }
        let [hubspot, quickbooks, dynamodb, secrets] = &taps[..] else { unreachable!() };
        let variables = [
            ("RUST_LOG", "trace"),
            ("RUST_BACKTRACE", "full"),
            ("AWS_ACCESS_KEY_ID", planted.text(AWS_KEY)),
            ("AWS_SECRET_ACCESS_KEY", planted.text(AWS_SECRET)),
            ("AWS_SESSION_TOKEN", planted.text(AWS_TOKEN)),
            ("HUBSPOT_API_URL", &hubspot.url),
            ("QUICKBOOKS_API_URL", &quickbooks.url),
            ("QUICKBOOKS_SANDBOX_API_URL", &quickbooks.url),
            ("INTUIT_DISCOVERY_URL", &format!("{}/.well-known/openid_configuration", quickbooks.url)),
            ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.url),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let app_secret = planted.app_secret();
        let stack = with(Options { installed: false, variables, app_secret, ..Options::default() }).await;
        let info = &stack.info;
        let urls = [&info.hubspot_url, &info.quickbooks_url, &info.dynamodb_url, &info.secretsmanager_url];
        taps.iter().zip(urls).for_each(|(tap, url)| tap.lead_to(url));
        seed_others(&stack).await;
        stack.seed_hubspot(&planted.hubspot()).await.unwrap();
        stack.seed_quickbooks(&planted.quickbooks()).await.unwrap();
        let (given, own, answers, others) = Default::default();
        Self { stack, taps, planted, given, own, answers, others }
    }

    fn give(&mut self, name: &'static str, text: &str, seen: Seen) {
        self.given.push(Known::new(name, text, seen));
    }

    fn csrf(&self) -> String {
        self.given.iter().find(|known| known.canary.name == CSRF).unwrap().text.clone()
    }

    fn owned(&mut self, page: &Page) {
        self.own.push((page.url.path().to_owned(), page.text.clone()));
    }

    /// Signs in with HubSpot, which installs the app.
    async fn install(&mut self) -> Browser {
        let mut browser = Browser::new(&self.stack);
        let away = browser.open("/connect/hubspot").await;
        let back = back_from_hubspot(&mut browser, &away, PORTAL).await;
        self.give("HubSpot's authorization code", &of_query(&back, "code"), Seen::SentTo("HubSpot"));
        self.give("the state of a sign-in", &of_query(&back, "state"), Seen::Shown);
        let page = browser.open(back.as_str()).await;
        assert_eq!(page.location.as_ref().map(Url::path), Some("/console"), "{}", page.text);
        // Used up by now: whoever shows it again learns nothing.
        let again = Browser::new(&self.stack).go(back.as_str()).await;
        self.others.push(("a used sign-in".to_owned(), again.text));
        for (name, cookie) in
            [("the session's cookie", "__Host-session"), ("the browser's cookie", "__Host-browser")]
        {
            self.give(name, browser.cookie(cookie).unwrap(), Seen::Shown);
        }
        browser
    }

    /// Three companies, one of them a sandbox; the first one slowly.
    async fn connect_companies(&mut self, browser: &mut Browser) {
        let back = back_from_intuit(browser, "/connect/quickbooks", REALM).await;
        self.give("Intuit's authorization code", &of_query(&back, "code"), Seen::SentTo("QuickBooks"));
        self.give("the state of a connect", &of_query(&back, "state"), Seen::Shown);
        let page = browser.go(back.as_str()).await;
        assert_eq!((page.status, page.url.path()), (200, CONFIRM), "{}", page.text);
        self.owned(&page);
        for (name, field) in [(CSRF, "csrf"), (PENDING, "pending")] {
            let fields = page.fields_of(CONFIRM);
            let (_, value) = fields.iter().find(|(name, _)| name == field).unwrap();
            self.give(name, value, Seen::Shown);
        }
        let again = Browser::new(&self.stack).go(page.url.as_str()).await;
        self.others.push(("somebody else's connect".to_owned(), again.text));
        let done = browser.submit(&page, CONFIRM, ("decision", "connect")).await;
        self.owned(&done);
        connect(browser, "/connect/quickbooks", OTHER_REALM).await;
        connect(browser, "/connect/quickbooks?sandbox=1", SANDBOX_REALM).await;
    }

    /// The tokens in force, of which some secrets are noted.
    async fn note_tokens(&mut self, noted: &[Noted]) {
        for (of, vendor, names) in noted {
            let secret = self.token_secret(of).await;
            for (name, text) in names.iter().zip(tokens(&secret)) {
                self.give(name, &text, Seen::SentTo(vendor));
            }
        }
    }

    async fn token_secret(&self, of: &str) -> String {
        let value = self.stack.secrets.get_secret_value().secret_id(secret_id(of)).send().await.unwrap();
        value.secret_string.unwrap()
    }

    /// All three actions with success, a payment, and the drop-downs.
    async fn create_documents(&mut self) {
        for enrollment in [
            enroll("invoice", "DEAL", PLANTED_DEAL),
            enroll("estimate", "DEAL", OF_CUSTOMER),
            enroll("receipt", "DEAL", OF_CUSTOMER),
            paid("QUOTE", PAID),
            of_company("invoice", OF_CUSTOMER, REALM),
        ] {
            let shown = settled(&self.stack, run(&self.stack, enrollment).await).await;
            assert_eq!(shown.state(), "SUCCESS", "{}", shown.0);
            self.answers.push(shown.0.to_string());
        }
        for field in ["quickbooks_account", "payment_method", "deposit_account"] {
            let asked = json!({"action": "receipt", "portal_id": PORTAL.0, "object_type_id": "0-3", "field": field,
                "inputs": {"quickbooks_account": REALM}});
            self.answers.push(self.stack.options(&asked).await.unwrap().to_string());
        }
    }

    /// Each class of failure, with answers that quote what they were sent.
    async fn fail_in_every_way(&mut self) {
        let mut waiting = Vec::new();
        for (vendor, fault) in hostile::faults(&self.planted.all()) {
            self.stack.faults(vendor, &json!([fault])).unwrap();
            waiting.push(run(&self.stack, enroll("invoice", "DEAL", OF_CUSTOMER)).await);
            self.stack.faults(vendor, &json!([])).unwrap();
        }
        waiting.push(run(&self.stack, enroll("invoice", "DEAL", UNKNOWN_ITEM)).await);
        waiting.push(run(&self.stack, enroll("invoice", "DEAL", 999)).await);
        waiting.push(run(&self.stack, of_company("invoice", OF_CUSTOMER, "9130350000009999")).await);
        let blocked = waiting.iter().filter(|shown| shown.state() == "BLOCK").count();
        assert!(blocked > 4, "the reconciler has work: {blocked}");
        let mut codes = std::collections::BTreeSet::new();
        for shown in waiting {
            let shown = self.ended(shown).await;
            codes.insert(shown.output("errorCode").to_owned());
            self.answers.push(shown.0.to_string());
        }
        let missing: Vec<_> = ["NONE", "ITEM_NOT_FOUND", "RECORD_NOT_FOUND", "COMPANY_NOT_LINKED"]
            .into_iter()
            .filter(|code| !codes.contains(*code))
            .collect();
        assert!(missing.is_empty(), "{missing:?} did not happen: {codes:?}");
    }

    async fn ended(&self, shown: Shown) -> Shown {
        match shown.state() {
            "BLOCK" => settled(&self.stack, shown).await,
            _ => shown,
        }
    }

    /// Access tokens end; what is bought next is refused, garbled and lost first.
    async fn renew_tokens(&mut self) {
        self.stack.advance_clock(SignedDuration::from_hours(2));
        for (vendor, faults) in hostile::token_faults(&self.planted.all()) {
            self.stack.faults(vendor, &faults).unwrap();
        }
        let enrollment = enroll("invoice", "DEAL", OF_CUSTOMER);
        let shown = run(&self.stack, but(enrollment, json!({"max_attempts": 8}))).await;
        let shown = self.ended(shown).await;
        assert_eq!(shown.state(), "SUCCESS", "{}", shown.0);
        self.answers.push(shown.0.to_string());
        for realm in [OTHER_REALM, SANDBOX_REALM] {
            let shown = run(&self.stack, of_company("invoice", OF_CUSTOMER, realm)).await;
            self.answers.push(self.ended(shown).await.0.to_string());
        }
        self.stack.tick("refresh").await.unwrap();
    }

    /// Every page of the console, and what stands on the way, in both languages.
    async fn look_at_every_page(&mut self, browser: &mut Browser) {
        let pages = self.pages();
        for language in ["en", "fr"] {
            browser.headers = vec![("accept-language", language.to_owned())];
            for path in &pages {
                let page = browser.open(path).await;
                assert_eq!(page.status, 200, "{path}: {}", page.text);
                self.owned(&page);
            }
        }
        browser.headers.clear();
        let company = self.own.iter().find(|(path, _)| path.ends_with(REALM));
        assert!(company.is_some_and(|(_, page)| page.contains("<form")), "somebody looked at a company");
    }

    fn pages(&self) -> Vec<String> {
        let company = format!("/console/company/{REALM}");
        let executions = self.answers.iter().filter_map(|answer| {
            let answer: Value = serde_json::from_str(answer).unwrap();
            Some(format!("/console/execution?id={}", answer["outputs"]["execution_id"].as_str()?))
        });
        let fixed = ["/console", "/console/activity", "/console/activity?state=failed"].map(str::to_owned);
        let of_company =
            ["", "/disconnect", "/settings", "/settings.json"].map(|rest| format!("{company}{rest}"));
        let landing = "/disconnect/quickbooks".to_owned();
        fixed.into_iter().chain(of_company).chain([landing]).chain(executions).collect()
    }

    /// A file of settings is exported, spoilt, checked, and imported; a failed execution is retried.
    async fn change_settings(&mut self, browser: &mut Browser) {
        let csrf = self.csrf();
        let company = format!("/console/company/{REALM}");
        let file = browser.open(&format!("{company}/settings.json")).await.text;
        let spoilt = json!({"version": 1, "fee_item": self.planted.all(), "colour": 1}).to_string();
        let name = self.planted.text(planted::COMPANY).to_owned();
        for (path, fields) in [
            ("/settings/check", vec![("text", spoilt.as_str())]),
            ("/settings/check", vec![("text", file.as_str())]),
            ("/settings", vec![("text", spoilt.as_str()), ("revision", "0")]),
            ("/settings", vec![("text", file.as_str()), ("revision", "0")]),
            ("/name", vec![("name", name.as_str())]),
            ("/default", vec![]),
        ] {
            let fields: Vec<_> = fields.into_iter().chain([("csrf", csrf.as_str())]).collect();
            let page = browser.post(&format!("{company}{path}"), &fields).await;
            assert!(page.status < 500, "{path}: {}", page.text);
            // What was typed stands there again, for whoever typed it.
            if !fields.iter().any(|(_, value)| *value == spoilt) {
                self.owned(&page);
            }
        }
        let failed = self.answers.iter().find(|answer| answer.contains("ITEM_NOT_FOUND")).unwrap();
        let failed: Value = serde_json::from_str(failed).unwrap();
        let id = failed["outputs"]["execution_id"].as_str().unwrap();
        let page = browser.post("/console/retry", &[("id", id), ("csrf", &csrf)]).await;
        assert_eq!(page.status, 303, "{}", page.text);
        self.stack.tick("reconcile").await.unwrap();
    }

    /// Somebody of another portal asks for everything of this one.
    async fn look_as_another_portal(&mut self) {
        let mut other = signed_in(&self.stack, OTHER_PORTAL).await;
        for path in self.pages() {
            let page = other.open(&path).await;
            self.others.push((format!("{path} for another portal"), page.text));
        }
    }

    /// A person takes the app's rights away inside QuickBooks: the next renewal is refused, twice.
    async fn lose_a_grant(&mut self) {
        let url = format!("{}/_sim/disconnect", self.stack.info.quickbooks_url);
        self.stack.http.post(url).json(&json!({"realm_id": OTHER_REALM})).send().await.unwrap();
        self.stack.advance_clock(SignedDuration::from_hours(2));
        let shown = run(&self.stack, of_company("invoice", OF_CUSTOMER, OTHER_REALM)).await;
        let shown = self.ended(shown).await;
        assert_eq!(shown.output("errorCode"), "CONNECTION_EXPIRED", "{}", shown.0);
        let ended = Search::new([Canary::whole("the end", "the vendor ended the grant")]);
        assert!(!in_logs(&self.stack, &ended).is_empty(), "it was refused for good");
        self.answers.push(shown.0.to_string());
    }

    /// What a person could do to the secrets by hand.
    async fn read_broken_secrets(&mut self) {
        let whole = self.planted.app_secret();
        let keys = whole["hubspot"].to_string();
        for broken in
            [json!({"hubspot": keys}).to_string(), self.planted.all(), format!("{{\"hubspot\": {keys}")]
        {
            let put = self.stack.secrets.put_secret_value().secret_id(&self.stack.info.app_secret_id);
            put.secret_string(broken).send().await.unwrap();
            let refused = self.stack.function("estimate").unwrap().cold_start().await.unwrap_err();
            self.others.push(("a function that does not start".to_owned(), refused.to_string()));
        }
        let put = self.stack.secrets.put_secret_value().secret_id(&self.stack.info.app_secret_id);
        put.secret_string(whole.to_string()).send().await.unwrap();
        // A journal that nobody wrote.
        let journal =
            self.token_secret(SANDBOX_REALM).await.replace("\"access_token\":", "\"access_token\":[],\"x\":");
        let put = self.stack.secrets.put_secret_value().secret_id(secret_id(SANDBOX_REALM));
        put.version_stages("AWSPENDING").secret_string(journal).send().await.unwrap();
        self.stack.advance_clock(SignedDuration::from_hours(2));
        let enrollment = but(of_company("invoice", OF_CUSTOMER, SANDBOX_REALM), json!({"max_attempts": 2}));
        self.answers.push(run(&self.stack, enrollment).await.0.to_string());
    }

    /// Disconnects, and uninstalls.
    async fn part(&mut self, browser: &mut Browser) {
        let csrf = self.csrf();
        let gone = browser.post("/disconnect/quickbooks", &[("realm", REALM), ("csrf", &csrf)]).await;
        assert_eq!(gone.status, 303, "{}", gone.text);
        let page = browser.post("/connect/hubspot/uninstall", &[("csrf", &csrf)]).await;
        let page = browser.follow(page).await;
        assert_eq!(page.told(), "uninstalled", "{}", page.text);
        self.others.push(("the page after an uninstall".to_owned(), page.text));
        let shown = run(&self.stack, enroll("invoice", "DEAL", OF_CUSTOMER)).await;
        self.answers.push(shown.0.to_string());
    }

    fn known(&self) -> impl Iterator<Item = &Known> {
        self.planted.keys.iter().chain(&self.planted.personal).chain(&self.given)
    }

    fn secrets(&self, besides: &[&str]) -> Search {
        let secrets = self.planted.keys.iter().chain(&self.given);
        let wanted = secrets.filter(|known| !besides.contains(&known.canary.name.as_str()));
        Search::new(wanted.map(|known| known.canary.clone()))
    }

    async fn every_canary_went_through_the_code(&self) {
        let secrets = self.planted.keys.len() + self.given.len();
        assert!(secrets >= 24 && self.planted.personal.len() >= 12, "{secrets}");
        let texts: std::collections::BTreeSet<_> = self.known().map(|known| &known.text).collect();
        assert_eq!(texts.len(), self.known().count(), "each is another one: tokens were renewed");
        let environment = self.environment().await;
        for known in self.known() {
            let search = Search::new([known.canary.clone()]);
            let passed = match known.seen {
                Seen::SentTo(of) => self.tap(of).sent(),
                Seen::ToldBy(of) => self.tap(of).answered(),
                Seen::Environment if environment.is_none() => continue,
                Seen::Environment => environment.clone().unwrap_or_default(),
                Seen::Shown => continue,
            };
            let name = &known.canary.name;
            assert!(!search.hits("", &passed).is_empty(), "{name} was not seen: {:?}", known.seen);
        }
    }

    /// The environment of a function's process, where the system shows it.
    async fn environment(&self) -> Option<Vec<u8>> {
        let started = self.stack.function("receipt").unwrap().cold_start().await.unwrap();
        std::fs::read(format!("/proc/{}/environ", started.pid)).ok()
    }

    fn none_is_told(&self) {
        let hits: Vec<_> = self.hits().iter().map(ToString::to_string).collect();
        assert!(hits.is_empty(), "{} hits:\n{}", hits.len(), hits.join("\n"));
        let panics = in_logs(&self.stack, &Search::new([Canary::whole("a panic", "panicked")]));
        assert!(panics.is_empty(), "{panics:?}");
        let log = std::fs::read_to_string(self.stack.function("invoice").unwrap().log()).unwrap();
        assert!(log.contains("\"level\":\"DEBUG\""), "it was at its most talkative");
    }

    /// What stands where it may not, as the table above says.
    fn hits(&self) -> Vec<Hit> {
        let all = Search::new(self.known().map(|known| known.canary.clone()));
        let mut hits = in_logs(&self.stack, &all);
        hits.extend(self.others.iter().flat_map(|(to, text)| all.hits(to, text.as_bytes())));
        let secrets = self.secrets(&[]);
        let calls = self.stack.calls(Vendor::HubSpot).into_iter();
        let callbacks = calls.filter(|call| call.path.contains("/callbacks/")).map(|call| call.request_body);
        let answers = self.answers.iter().cloned().chain(callbacks);
        hits.extend(answers.flat_map(|answer| secrets.hits("an answer to HubSpot", answer.as_bytes())));
        let not_in_forms = self.secrets(&[CSRF, PENDING]);
        hits.extend(self.own.iter().flat_map(|(path, page)| not_in_forms.hits(path, page.as_bytes())));
        let not_in_table = self.secrets(&[CSRF, AWS_KEY, AWS_TOKEN]);
        hits.extend(not_in_table.hits("the table", &self.tap("DynamoDB").sent()));
        hits
    }

    fn tap(&self, of: &str) -> &Tap {
        self.taps.iter().find(|tap| tap.of == of).unwrap()
    }
}

fn secret_id(of: &str) -> String {
    match of {
        "hubspot" => format!("hsqbo/dev/hubspot/{PORTAL}"),
        realm => format!("hsqbo/dev/quickbooks/{PORTAL}/{realm}"),
    }
}

fn of_query(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

fn of_company(action: &str, deal: u64, realm: &str) -> Value {
    but(enroll(action, "DEAL", deal), json!({"inputs": {"quickbooks_account": realm}}))
}
