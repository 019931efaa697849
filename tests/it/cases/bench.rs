//! Portals and companies by the hundred on shared stacks: each run of a case has one of each to itself.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use local::stack::{Options, Vendor};
use local::world::SCOPES;
use mapping::books::Books;
use mapping::hubspot::PortalId;
use mapping::quickbooks::RealmId;
use serde_json::{Map, Value, json};
use simulators::control::Call;
use simulators::hubspot::random_deals::RandomDeals;
use store::portal::{Facts, NewCompany};
use store::record::Key;
use tokio::sync::Mutex;

use super::case::{Case, Change, Faults, Grant, folder, offered};
use super::preview::Previewed;
use super::told::{Told, Wait, is_write};
use crate::console::Browser;
use crate::support::{self, Checked, Shown};

/// A stack on which nothing is installed yet, at the moment of its cases. Who lets time pass there does so alone: functions have
/// their time limits by the same clock, and the reconciler would not survive the minutes of several at once.
pub(super) struct Bench(Checked, Mutex<()>);

impl Bench {
    pub(super) async fn at(moment: jiff::Timestamp) -> Self {
        let options = Options { seeded: false, installed: false, ..Options::default() };
        let stack = support::with(options).await;
        stack.advance_clock(moment.duration_since(stack.now()));
        Self(stack, Mutex::new(()))
    }

    /// Runs one action of a case in a portal and a company that nobody else has.
    pub(super) async fn run(&self, case: &Case, action: &str, number: u64) -> Result<String, String> {
        let place = self.place(case, action, number)?;
        place.install().await?;
        place.disturb(&case.faults)?;
        let mut told = Vec::new();
        if !case.refused_settings.is_empty() {
            told.push(place.refused_settings().await?);
        }
        told.push(place.enroll(&case.inputs).await?);
        for change in &case.then {
            place.change(change).await?;
            let mut inputs = case.inputs.clone();
            inputs.extend(change.inputs.clone());
            told.push(place.enroll(&inputs).await?);
        }
        Ok(told.join("\nthen\n"))
    }

    /// Disturbs QuickBooks and HubSpot, in this order.
    pub(super) fn disturb(&self, faults: &[Vec<Value>; 2]) -> Result<(), String> {
        self.0.faults(Vendor::QuickBooks, &json!(faults[0])).map_err(text)?;
        self.0.faults(Vendor::HubSpot, &json!(faults[1])).map_err(text)
    }

    /// Lets time pass, with a run of the reconciler at its end.
    pub(super) async fn pass(&self, time: SignedDuration) -> Result<(), String> {
        pass(&self.0, &self.1, time).await
    }

    /// What became of an execution by now.
    pub(super) async fn history(&self, first: &Value) -> Shown {
        support::history(&self.0, first["callback_id"].as_str().unwrap_or_default()).await
    }

    /// A portal and a company of this number.
    pub(super) fn place<'a>(
        &'a self,
        case: &'a Case,
        action: &'a str,
        number: u64,
    ) -> Result<Place<'a>, String> {
        Ok(Place { stack: &self.0, passing: &self.1, case, action, number, home: home(case)? })
    }
}

/// What came of an enrollment.
pub(super) struct Ended {
    pub(super) shown: Shown,
    wait: Wait,
    /// What the company was asked.
    pub(super) calls: Vec<Call>,
}

/// Where one action of a case runs.
pub(super) struct Place<'a> {
    stack: &'a Checked,
    passing: &'a Mutex<()>,
    case: &'a Case,
    action: &'a str,
    number: u64,
    /// The company's currency.
    home: String,
}

impl Place<'_> {
    fn portal(&self) -> PortalId {
        PortalId(2_000_000 + self.number)
    }

    pub(super) fn realm(&self) -> String {
        format!("91303577{:08}", self.number)
    }

    /// Seeds both vendors, and stores what an install and a connect would have.
    pub(super) async fn install(&self) -> Result<(), String> {
        let Self { stack, case, .. } = self;
        let (portal, realm) = (self.portal(), self.realm());
        stack.seed_hubspot(&self.hubspot()).await.map_err(text)?;
        let mut company = books(case)?;
        company.insert("realm_id".to_owned(), json!(realm));
        let access = json!([self.token("qbo-access")]);
        company.insert("access_tokens".to_owned(), access);
        let grants = match case.connection.quickbooks {
            Grant::Good => json!([{"realm_id": realm, "refresh_token": self.token("qbo-refresh")}]),
            Grant::None | Grant::Ended => json!([]),
        };
        let name = company.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        stack.seed_quickbooks(&json!({"companies": [company], "grants": grants})).await.map_err(text)?;
        let mut more = case.quickbooks.clone();
        if !more.is_empty() {
            more.insert("realm_id".to_owned(), json!(realm));
            stack.seed_quickbooks(&json!({"companies": [more]})).await.map_err(text)?;
        }
        self.connect(portal, &realm, name).await.map_err(|error| error.to_string())?;
        self.choose(&case.settings).await;
        Ok(())
    }

    fn hubspot(&self) -> Value {
        let (portal, connection) = (self.portal(), &self.case.connection);
        let objects = self.case.objects(&self.home);
        let library = &self.case.tax_rate;
        let mut account = json!({"portal_id": portal.0, "time_zone": self.case.time_zone});
        if let Some(currency) = self.case.portal_currency(&self.home) {
            account["company_currency"] = json!(currency);
        }
        let mut seed = json!({
            "accounts": [account],
            "portals": [{"portal_id": portal.0, "objects": objects, "tax_rates": library}],
        });
        if connection.hubspot == Grant::Good {
            let scopes = self.scopes();
            seed["grants"] =
                json!([{"portal_id": portal.0, "refresh_token": self.token("hs-refresh"), "scopes": scopes}]);
            seed["access_tokens"] =
                json!([{"token": self.token("hs-access"), "portal_id": portal.0, "scopes": scopes}]);
        }
        seed
    }

    fn scopes(&self) -> Vec<String> {
        let connection = &self.case.connection;
        let granted = |scope: &&str| !connection.without_scopes.iter().any(|without| without == scope);
        let usual = SCOPES.iter().copied().filter(granted).map(str::to_owned);
        usual.chain(connection.with_scopes.iter().cloned()).collect()
    }

    async fn connect(
        &self,
        portal: PortalId,
        realm: &str,
        name: String,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let (store, connection) = (&self.stack.store, &self.case.connection);
        let realm = RealmId::try_from(realm.to_owned())?;
        let connected = connection.quickbooks != Grant::None;
        let default = (connected && !connection.no_default).then_some(&realm);
        store.save_portal(portal, &self.case.time_zone, default).await?;
        let currency = self.case.portal_currency(&self.home).map(str::parse).transpose()?;
        let (time_zone, domain) = (self.case.time_zone.as_str(), format!("portal-{portal}.example"));
        let facts = Facts { time_zone, currency: currency.as_ref(), domain: &domain };
        store.note_installed(portal, facts).await?;
        if connection.hubspot != Grant::None {
            store.connect_hubspot(portal, &self.grant("hs", self.scopes())).await?;
        }
        if connected {
            let company = NewCompany {
                realm,
                name,
                legal_name: None,
                sandbox: false,
                books: Books { home_currency: Some(self.home.parse()?), ..Books::default() },
                connected_by: None,
                connected_at: None,
            };
            let accounting = vec!["com.intuit.quickbooks.accounting".to_owned()];
            store.connect_quickbooks(portal, &company, &self.grant("qbo", accounting)).await?;
        }
        Ok(())
    }

    /// Good for a month, unless the case says that it ended: then it has to be renewed, and cannot.
    fn grant(&self, vendor: &str, scopes: Vec<String>) -> store::tokens::Grant {
        let connection = &self.case.connection;
        let state = if vendor == "hs" { connection.hubspot } else { connection.quickbooks };
        let month = self.stack.now() + SignedDuration::from_hours(24 * 30);
        let ended = self.stack.now() - SignedDuration::from_hours(1);
        store::tokens::Grant {
            generation: 1,
            access_token: self.token(&format!("{vendor}-access")).into(),
            access_expires_at: if state == Grant::Good { month } else { ended },
            refresh_token: self.token(&format!("{vendor}-refresh")).into(),
            refresh_expires_at: Some(month),
            hard_expires_at: None,
            scopes,
        }
    }

    fn token(&self, what: &str) -> String {
        format!("{what}-{}", self.number)
    }

    /// Saves settings, as a file that is imported does.
    async fn choose(&self, settings: &Map<String, Value>) {
        if !settings.is_empty() {
            support::settings_of(self.stack, self.portal(), Value::Object(settings.clone())).await;
        }
    }

    /// What the console says to whoever wants to save settings that it does not take.
    async fn refused_settings(&self) -> Result<String, String> {
        let mut settings = self.case.refused_settings.clone();
        settings.insert("version".to_owned(), json!(mapping::settings::FILE_VERSION));
        let browser = Browser::signed_in(self.stack, self.portal()).await;
        let page = format!("/console/company/{}/settings", self.realm());
        let seen = browser.post(&page, &[("text", &Value::Object(settings).to_string())]).await;
        let wrong = seen.body.split_once("<ul id=\"wrong\">").and_then(|(_, rest)| rest.split_once("</ul>"));
        match wrong {
            Some((wrong, _)) if seen.status == 422 => Ok(told_of_settings(wrong)),
            _ => Err(format!("the console took the settings, or does not say why not: {}", seen.status)),
        }
    }

    async fn change(&self, change: &Change) -> Result<(), String> {
        self.seed(&self.case.changed(change, &self.home)).await?;
        let mut company = change.quickbooks.clone();
        if !company.is_empty() {
            company.insert("realm_id".to_owned(), json!(self.realm()));
            self.stack.seed_quickbooks(&json!({"companies": [company]})).await.map_err(text)?;
        }
        self.choose(&change.settings).await;
        if let Some(faults) = &change.faults {
            self.disturb(faults)?;
        }
        for _minute in 0..change.minutes {
            pass(self.stack, self.passing, SignedDuration::from_mins(1)).await?;
        }
        Ok(())
    }

    /// Adds records to the portal.
    pub(super) async fn seed(&self, objects: &Value) -> Result<(), String> {
        let seed = json!({"portals": [{"portal_id": self.portal().0, "objects": objects}]});
        self.stack.seed_hubspot(&seed).await.map_err(text)
    }

    /// Adds deals of chance to the portal.
    pub(super) async fn seed_deals(&self, wanted: &RandomDeals) -> Result<(), String> {
        let seed = json!({"portals": [{"portal_id": self.portal().0, "random_deals": wanted}]});
        self.stack.seed_hubspot(&seed).await.map_err(text)
    }

    /// Enrolls one of them; its history.
    pub(super) async fn enroll_deal(&self, action: &str, id: u64) -> Result<Value, String> {
        let enrollment = json!({
            "action": action, "portal_id": self.portal().0, "object_type": "DEAL", "object_id": id,
            "inputs": {"quickbooks_account": "default"},
        });
        self.stack.execute(&enrollment).await.map_err(text)
    }

    /// The same, and waits for its end.
    pub(super) async fn settle_deal(&self, action: &str, id: u64) -> Result<Value, String> {
        let first = self.enroll_deal(action, id).await?;
        Ok(self.settled(Shown(first)).await?.0)
    }

    /// Asks QuickBooks, as any other app of the company would.
    pub(super) async fn query(&self, statement: &str) -> Result<Vec<Value>, String> {
        let url = format!("{}/v3/company/{}/query", self.stack.info.quickbooks_url, self.realm());
        let request =
            self.stack.http.get(url).query(&[("query", statement)]).bearer_auth(self.token("qbo-access"));
        let answer = request.header("accept", "application/json").send().await.map_err(text)?;
        let mut answer: Value = serde_json::from_str(&answer.text().await.map_err(text)?).map_err(text)?;
        let found = answer["QueryResponse"].as_object_mut().ok_or("no rows")?;
        let rows = found.values_mut().find_map(|value| value.as_array_mut().map(std::mem::take));
        Ok(rows.unwrap_or_default())
    }

    /// Only on a stack that nobody else uses.
    fn disturb(&self, faults: &Faults) -> Result<(), String> {
        for (vendor, faults) in [(Vendor::HubSpot, &faults.hubspot), (Vendor::QuickBooks, &faults.quickbooks)]
        {
            if !self.case.is_alone() {
                continue;
            }
            self.stack.faults(vendor, &json!(faults)).map_err(text)?;
        }
        Ok(())
    }

    /// Enrolls the record, and tells what came of it.
    async fn enroll(&self, inputs: &BTreeMap<String, String>) -> Result<String, String> {
        let case = self.case;
        let enrollment = self.enrollment(self.action, (case.object_type(), case.object_id()), inputs)?;
        let Ended { shown, wait, calls } = self.previewed_and_run(&enrollment).await?;
        // On a busy machine any execution may have to wait: only where a case is about that is it told.
        let told = Told { shown: &shown, wait: Some(wait).filter(|_| case.waits), calls: &calls };
        Ok(told.text(self.portal(), &self.realm()))
    }

    /// An enrollment of a record, with those of the inputs that the action has.
    pub(super) fn enrollment(
        &self,
        action: &str,
        (object_type, object_id): (&str, u64),
        inputs: &BTreeMap<String, String>,
    ) -> Result<Value, String> {
        let connection = &self.case.connection;
        let mut given = json!({"quickbooks_account": "default"});
        let offered = offered(action)?;
        for (name, value) in inputs.iter().filter(|(name, _)| connection.any_inputs || offered.contains(name))
        {
            given[name] = json!(value.replace("<realm>", &self.realm()));
        }
        Ok(json!({
            "action": action, "portal_id": self.portal().0, "object_type": object_type, "object_id": object_id,
            "inputs": given, "any_inputs": connection.any_inputs, "any_object_type": connection.object_type.is_some(),
        }))
    }

    /// Previews an enrollment, then runs it, and holds one against the other.
    pub(super) async fn previewed_and_run(&self, enrollment: &Value) -> Result<Ended, String> {
        let previewed = self.preview(enrollment).await?;
        let seen = self.calls().len();
        let first = Shown(self.stack.execute(enrollment).await.map_err(text)?);
        let wait = Wait { statuses: first.statuses(), blocked: first.state() == "BLOCK" };
        let shown = self.settled(first).await?;
        let calls = self.calls().split_off(seen);
        previewed.compare(&shown, &calls)?;
        Ok(Ended { shown, wait, calls })
    }

    /// What a preview of the same says. Where a vendor is disturbed, the preview would have the disturbance.
    async fn preview(&self, enrollment: &Value) -> Result<Previewed, String> {
        if self.case.is_alone() {
            return Ok(Previewed::Not);
        }
        let mut enrollment = enrollment.clone();
        enrollment["inputs"]["mode"] = json!("preview");
        let seen = self.calls().len();
        let first = Shown(self.stack.execute(&enrollment).await.map_err(text)?);
        let shown = self.settled(first).await?;
        if self.calls().split_off(seen).iter().any(is_write) {
            return Err("the preview wrote something".to_owned());
        }
        if shown.output("status") != "preview" {
            return Ok(Previewed::Answer(
                shown.output("errorCode").to_owned(),
                shown.output("errorMessage").to_owned(),
            ));
        }
        let key =
            Key::of_id(self.portal(), shown.output("execution_id")).ok_or("the preview has no execution")?;
        let record = self.stack.store.record(&key).await.map_err(text)?;
        let plan = record.and_then(|record| record.preview).ok_or("the preview is not kept")?;
        let document = serde_json::from_str(&plan.body).map_err(text)?;
        Ok(Previewed::Document(document, shown))
    }

    /// Lets minutes pass, each with its run of the reconciler, until HubSpot no longer waits; after half an hour more of them
    /// at a time.
    async fn settled(&self, mut shown: Shown) -> Result<Shown, String> {
        for round in 0..120 {
            if shown.state() != "BLOCK" {
                return Ok(shown);
            }
            let minutes = if round < 30 { 1 } else { 5 };
            pass(self.stack, self.passing, SignedDuration::from_mins(minutes)).await?;
            shown = support::history(self.stack, shown.0["callback_id"].as_str().unwrap_or_default()).await;
        }
        Err(format!("HubSpot waits still: {}", shown.0))
    }

    /// What this company was asked so far.
    fn calls(&self) -> Vec<Call> {
        let path = format!("/v3/company/{}/", self.realm());
        self.stack.quickbooks.control().calls_to(&path)
    }
}

async fn pass(stack: &Checked, passing: &Mutex<()>, time: SignedDuration) -> Result<(), String> {
    let _alone = passing.lock().await;
    stack.advance_clock(time);
    stack.tick("reconcile").await.map(drop).map_err(|failure| format!("{failure:?}"))
}

impl Case {
    /// Whether it disturbs a vendor or lets time pass, and so needs a stack of its own.
    pub(super) fn is_alone(&self) -> bool {
        let later = |change: &Change| change.minutes > 0 || change.faults.is_some();
        self.waits || !self.faults.is_empty() || !self.connection.is_ordinary() || self.then.iter().any(later)
    }
}

/// The list of a page, as lines of text.
fn told_of_settings(list: &str) -> String {
    let plain =
        [("<code>", ""), ("</code>", ""), ("<li>", "  "), ("</li>", "\n"), ("&quot;", "\""), ("&amp;", "&")];
    plain.iter().fold(format!("not saved:\n{list}"), |text, (from, to)| text.replace(from, to))
}

/// The company's own file, and what all of them sell.
fn books(case: &Case) -> Result<Map<String, Value>, String> {
    let mut company = file("catalogue")?;
    for (name, value) in file(&case.books)? {
        match company.get_mut(&name).and_then(Value::as_array_mut) {
            Some(rows) => rows.extend(value.as_array().cloned().unwrap_or_default()),
            None => drop(company.insert(name, value)),
        }
    }
    Ok(company)
}

fn file(company: &str) -> Result<Map<String, Value>, String> {
    let file = folder().join("companies").join(company).with_extension("toml");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn home(case: &Case) -> Result<String, String> {
    let of = |company: &Map<String, Value>| {
        let home = company.get("preferences")?.pointer("/CurrencyPrefs/HomeCurrency/value")?;
        home.as_str().map(str::to_owned)
    };
    Ok(of(&case.quickbooks).or(of(&books(case)?)).unwrap_or_else(|| "USD".to_owned()))
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
