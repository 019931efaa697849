//! The console in the hands of a browser: the real binary behind the gateway, its pages and forms.

pub(crate) mod isolation;

use jiff::SignedDuration;
use local::stack::Stack;
use local::world::{self, PORTAL, REALM};
use mapping::hubspot::{PortalId, RecordId};
use mapping::sale::BuyerId;
use reqwest::header::{ACCEPT_LANGUAGE, COOKIE, LOCATION};
use serde_json::json;
use store::handle::Handle;
use store::record::Key;
use store::session::Session;

use crate::support::{self, created, invoice, refused, rows, stack};

/// Somebody who is signed in.
pub(crate) struct Browser<'a> {
    stack: &'a Stack,
    http: reqwest::Client,
    cookie: String,
    csrf: String,
}

/// What came back.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl<'a> Browser<'a> {
    pub(crate) async fn signed_in(stack: &'a Stack, portal: PortalId) -> Self {
        let (handle, csrf, now) = (Handle::new(), Handle::new(), stack.now());
        let session = Session {
            portal,
            portal_name: format!("portal-{portal}.example"),
            user_id: 7,
            user: format!("person@portal-{portal}.example"),
            csrf: csrf.clone(),
            created_at: now,
            last_seen_at: now,
        };
        stack.store.open_session(&handle, &session).await.unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let cookie = format!("__Host-session={}", handle.expose());
        Self { stack, http, cookie, csrf: csrf.expose().to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        Self::seen(self.http.get(self.url(path)).header(COOKIE, &self.cookie)).await
    }

    pub(crate) async fn get_in_french(&self, path: &str) -> Seen {
        let request = self.http.get(self.url(path)).header(COOKIE, &self.cookie);
        Self::seen(request.header(ACCEPT_LANGUAGE, "fr-CA,fr;q=0.9,en;q=0.5")).await
    }

    /// Sends a form of a page made for this session.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", self.csrf.as_str())]).collect();
        self.post_bare(path, &fields).await
    }

    async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let request = self.http.post(self.url(path)).header(COOKIE, &self.cookie);
        let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let form = "application/x-www-form-urlencoded";
        Self::seen(request.header("content-type", form).body(body.join("&"))).await
    }

    /// Chooses a file in the settings' form and sends it.
    async fn upload(&self, path: &str, text: &str, file: &str) -> Seen {
        let part = |disposition: &str, content: &str| {
            format!("--edge\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
        };
        let body = [
            part("name=\"csrf\"", &self.csrf),
            part("name=\"text\"", text),
            part("name=\"file\"; filename=\"settings.json\"\r\nContent-Type: application/json", file),
            "--edge--\r\n".to_owned(),
        ]
        .concat();
        let request = self.http.post(self.url(path)).header(COOKIE, &self.cookie);
        Self::seen(request.header("content-type", "multipart/form-data; boundary=edge").body(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stack.info.public_base_url)
    }

    async fn seen(request: reqwest::RequestBuilder) -> Seen {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let location = headers.get(LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        Seen { status, location, headers, body: answer.text().await.unwrap() }
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn company(rest: &str) -> String {
    format!("/console/company/{REALM}{rest}")
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_sign_in_and_health_is_for_everybody() {
    let stack = stack().await;
    let nobody = Browser { cookie: String::new(), ..Browser::signed_in(&stack, PORTAL).await };
    for path in
        ["/console", "/console/activity?state=failed", &company(""), "/console/execution?id=x", "/console/x"]
    {
        let seen = nobody.get(path).await;
        assert_eq!(seen.status, 302, "{path}");
        assert!(seen.location.starts_with("/connect/hubspot?next=%2Fconsole"), "{path}: {}", seen.location);
    }
    // A form is not sent on to HubSpot: `form-action` holds for redirects too, and the browser would just stand still.
    let refused = nobody.post(&company("/name"), &[("name", "x")]).await;
    assert_eq!((refused.status, refused.location.as_str()), (403, ""), "{}", refused.body);
    assert!(refused.body.contains("href=\"/console\""), "{}", refused.body);
    let of_no_portal = Browser::signed_in(&stack, PortalId(77)).await;
    assert_eq!(of_no_portal.post(&company("/name"), &[("name", "x")]).await.status, 403);
    let health = nobody.get("/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(health.body, r#"{"environment":"dev","version":"0.0.0"}"#);
}

#[tokio::test]
async fn a_default_that_is_no_company_of_the_portal_is_none() {
    let stack = stack().await;
    let gone = "9130350000000404".to_owned().try_into().unwrap();
    stack.store.save_portal(PORTAL, world::TIME_ZONE, Some(&gone)).await.unwrap();
    assert_eq!(stack.store.portal(PORTAL).await.unwrap().unwrap().default_realm, None);
    refused(&stack, invoice(world::HANNA), "NOT_CONNECTED").await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    assert!(browser.get("/console").await.body.contains("No company is the default."));
}

#[tokio::test]
async fn every_page_is_ours_alone_and_speaks_the_reader_s_language() {
    let stack = stack().await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    let shown = created(&stack, invoice(world::HARBOR)).await;
    let execution = format!("/console/execution?id={}", shown.output("execution_id"));
    for path in [
        "/console",
        "/console/activity",
        "/console/uninstall",
        &execution,
        &company(""),
        &company("/settings"),
        &company("/disconnect"),
    ] {
        let english = browser.get(path).await;
        assert_eq!(english.status, 200, "{path}");
        let header = |name: &str| english.headers[name].to_str().unwrap().to_owned();
        assert!(
            header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"),
            "{path}"
        );
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(!english.body.contains("<script") && !english.body.contains(" style="), "{path}");
        assert!(english.body.contains("<html lang=\"en\">") && english.body.contains("Sign out"), "{path}");
        let french = browser.get_in_french(path).await;
        assert!(
            french.body.contains("<html lang=\"fr\">") && french.body.contains("Se déconnecter"),
            "{path}"
        );
    }
    assert_eq!(browser.get("/console/style.css").await.headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(browser.get("/console/nothing").await.status, 404);
    assert_eq!(browser.get("/console/company/1").await.status, 404);
    assert_eq!(browser.get("/console/execution?id=unheard-of").await.status, 404);
    assert_eq!(browser.get("/console/activity?from=nowhere").await.status, 404);
}

#[tokio::test]
async fn the_activity_says_which_record_what_came_of_it_and_why() {
    let stack = stack().await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    assert!(browser.get("/console/activity").await.body.contains("Nothing here yet"));
    let made = created(&stack, invoice(world::HARBOR)).await;
    let failed = refused(&stack, invoice(world::LETTERING), "ITEM_NOT_FOUND").await;

    let list = browser.get("/console/activity").await.body;
    let (first, second) = (list.find("Product missing").unwrap(), list.find("Invoice 1001").unwrap());
    assert!(first < second, "the newest first");
    assert!(list.contains("949.40\u{a0}USD") && list.contains(&format!("Deal {}", world::HARBOR)), "{list}");
    let only_failed = browser.get("/console/activity?state=failed").await.body;
    assert!(only_failed.contains("Product missing") && !only_failed.contains("Invoice 1001"));
    let none = browser.get("/console/activity?state=review").await.body;
    assert!(none.contains("No execution is in this state."));

    let page = browser.get(&format!("/console/execution?id={}", failed.output("execution_id"))).await.body;
    assert!(page.contains("Window lettering") && page.contains("Create the product in QuickBooks"), "{page}");
    assert!(page.contains("55000001"), "the workflow: {page}");
    let page = browser.get(&format!("/console/execution?id={}", made.output("execution_id"))).await.body;
    let record =
        stack.store.record(&Key::execution(PORTAL, made.output("execution_id"))).await.unwrap().unwrap();
    let [tid] = &record.intuit_tids[..] else { panic!("{:?}", record.intuit_tids) };
    assert!(tid.starts_with("1-") && page.contains(tid), "{page}");
    // Whose it is outlives the plan, which held names.
    assert_eq!((&record.plan, record.buyer), (&None, Some(BuyerId::Contact(RecordId(501)))));
    assert!(page.contains(&format!("/contacts/{PORTAL}/record/0-1/501\"")), "{page}");
    assert!(page.contains(&made.output("document_url").replace('&', "&amp;")), "{page}");
    let note = support::the_invoice(&stack)["PrivateNote"].as_str().unwrap().to_owned();
    let marker = &note[note.find("[hs ").unwrap()..][..25];
    assert!(page.contains(marker), "the marker {marker}: {page}");
}

#[tokio::test]
async fn a_failed_execution_is_retried_once_and_both_know_of_each_other() {
    let stack = stack().await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    let failed = refused(&stack, invoice(world::LETTERING), "ITEM_NOT_FOUND").await;
    let id = failed.output("execution_id").to_owned();
    let page = format!("/console/execution?id={id}");
    assert!(browser.get(&page).await.body.contains("action=\"/console/retry\""));
    let line = json!({"id": "501", "properties": {"name": "Delivery", "hs_sku": "SVC-DLV", "quantity": "1",
        "price": "14.50", "amount": "14.50", "hs_line_item_currency_code": "USD"}});
    support::portal(&stack, json!({"line_items": [line]})).await;

    let retried = browser.post("/console/retry", &[("id", &id)]).await;
    assert_eq!(
        (retried.status, retried.location),
        (303, format!("/console/execution?id={id}%7E1&told=retried"))
    );
    let again = browser.post("/console/retry", &[("id", &id)]).await;
    assert_eq!(again.location, format!("/console/execution?id={id}%7E1&told=retried-before"));
    stack.advance_clock(SignedDuration::from_mins(1));
    stack.tick("reconcile").await.unwrap();

    let successor = browser.get(&format!("/console/execution?id={id}%7E1")).await.body;
    assert!(successor.contains("Invoice 1001") && successor.contains(&format!("?id={id}\"")), "{successor}");
    let old = browser.get(&page).await.body;
    assert!(old.contains(&format!("?id={id}%7E1\"")) && !old.contains("action=\"/console/retry\""), "{old}");
    assert_eq!(rows(&stack, "Invoice").len(), 1);
    let done = browser.post("/console/retry", &[("id", &format!("{id}~1"))]).await;
    assert_eq!(done.location, format!("/console/execution?id={id}%7E1&told=not-retried"));
    assert_eq!(browser.post("/console/retry", &[("id", "unheard-of")]).await.status, 404);
}

#[tokio::test]
async fn a_company_is_renamed_and_made_the_default() {
    let stack = stack().await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    stack.store.save_portal(PORTAL, world::TIME_ZONE, None).await.unwrap();
    assert!(browser.get("/console").await.body.contains("No company is the default."));
    let chosen = browser.post(&company("/default"), &[]).await;
    assert_eq!((chosen.status, chosen.location), (303, company("?told=default")));
    let renamed = browser.post(&company("/name"), &[("name", "  Ours & <theirs>  ")]).await;
    assert_eq!((renamed.status, renamed.location), (303, company("?told=renamed")));
    let page = browser.get(&company("?told=renamed")).await.body;
    assert!(
        page.contains("Ours &amp; &lt;theirs&gt;") && page.contains("The company has a new name here."),
        "{page}"
    );
    let portal = stack.store.portal(PORTAL).await.unwrap().unwrap();
    assert_eq!(portal.companies[0].name, "Ours & <theirs>");
    assert_eq!(portal.default_realm.as_ref(), Some(&portal.companies[0].realm));

    for name in ["", "   ", "two\nlines", &"x".repeat(101)] {
        let refused = browser.post(&company("/name"), &[("name", name)]).await;
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.body.contains("A name has 1 to 100 characters"), "{name}");
    }
    // The lists of the workflow editor show the new name.
    let options = stack
        .options(
            &json!({"action": "invoice", "field": "quickbooks_account", "portal_id": PORTAL.0, "inputs": {}}),
        )
        .await
        .unwrap();
    assert!(options.to_string().contains("Ours & <theirs>"), "{options}");
}

#[tokio::test]
async fn a_form_that_is_not_of_this_session_changes_nothing() {
    let stack = stack().await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    let other = Browser::signed_in(&stack, PORTAL).await;
    let before = stack.store.portal(PORTAL).await.unwrap();
    for fields in [vec![("name", "x")], vec![("name", "x"), ("csrf", other.csrf.as_str())]] {
        assert_eq!(browser.post_bare(&company("/name"), &fields).await.status, 403);
    }
    let foreign = browser.http.post(browser.url(&company("/name"))).header(COOKIE, &browser.cookie);
    let foreign = foreign.header("origin", "https://evil.example").header("sec-fetch-site", "cross-site");
    let form = "application/x-www-form-urlencoded";
    let foreign = foreign.header("content-type", form).body(format!("name=x&csrf={}", browser.csrf));
    assert_eq!(Browser::seen(foreign).await.status, 403);
    assert_eq!(stack.store.portal(PORTAL).await.unwrap(), before);
}

#[tokio::test]
async fn settings_are_exported_changed_compared_and_saved() {
    let stack = stack().await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    let fee_item =
        stack.store.portal(PORTAL).await.unwrap().unwrap().companies[0].choices.fee_item.clone().unwrap().0;
    let file = browser.get(&company("/settings.json")).await;
    assert_eq!(
        file.headers["content-disposition"],
        format!("attachment; filename=\"settings-{REALM}.json\"")
    );
    assert!(
        file.body.starts_with(&format!("{{\n  \"version\": 1,\n  \"fee_item\": \"{fee_item}\",\n")),
        "{}",
        file.body
    );

    let changed = file.body.replace(&fee_item, "77");
    let compared = browser.upload(&company("/settings/check"), "not looked at", &changed).await;
    assert_eq!(compared.status, 200);
    assert!(
        compared.body.contains(&format!("<del>{fee_item}</del>")) && compared.body.contains("<ins>77</ins>")
    );
    let saved = browser.post(&company("/settings"), &[("text", &changed), ("revision", "0")]).await;
    assert_eq!((saved.status, saved.location), (303, company("?told=settings")));
    assert_eq!(browser.get(&company("/settings.json")).await.body, changed);

    // What the file does not change is not offered to be saved.
    let same = browser.post(&company("/settings/check"), &[("text", &changed)]).await;
    assert!(same.body.contains("Nothing would change") && !same.body.contains("Save these settings"));
}

#[tokio::test]
async fn a_wrong_file_says_which_field_and_why_and_is_not_lost() {
    let stack = stack().await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    let wrong = r#"{"version": 1, "fee_item": 31, "colour": "blue & green"}"#;
    for seen in [
        browser.post(&company("/settings/check"), &[("text", wrong)]).await,
        browser.upload(&company("/settings/check"), "{}", wrong).await,
        browser.post(&company("/settings"), &[("text", wrong), ("revision", "0")]).await,
    ] {
        assert_eq!(seen.status, 422);
        assert!(
            seen.body.contains("<code>fee_item</code> must be an ID of QuickBooks in quotes"),
            "{}",
            seen.body
        );
        assert!(seen.body.contains("<code>colour</code> is no setting. There are: version, fee_item, "));
        assert!(seen.body.contains("blue &amp; green"), "what was typed is still there");
    }
    let edited = browser.post(&company("/settings/edit"), &[("text", wrong)]).await;
    assert!(edited.body.contains("blue &amp; green"));
}

#[tokio::test]
async fn two_people_do_not_overwrite_each_other_s_settings_unseen() {
    let stack = stack().await;
    let (one, other) = (Browser::signed_in(&stack, PORTAL).await, Browser::signed_in(&stack, PORTAL).await);
    let file = |item: &str| format!(r#"{{"version": 1, "fee_item": "{item}"}}"#);
    let first = one.post(&company("/settings"), &[("text", &file("1")), ("revision", "0")]).await;
    assert_eq!(first.status, 303);
    let second = other.post(&company("/settings"), &[("text", &file("2")), ("revision", "0")]).await;
    assert_eq!(second.status, 409);
    assert!(second.body.contains("Somebody else saved settings"), "{}", second.body);
    assert!(second.body.contains("<del>1</del>") && second.body.contains("<ins>2</ins>"), "{}", second.body);
    // The page shows what is chosen now, and saves over that.
    assert!(second.body.contains(r#"name="revision" value="1""#), "{}", second.body);
    let again = other.post(&company("/settings"), &[("text", &file("2")), ("revision", "1")]).await;
    assert_eq!(again.status, 303);
    assert!(one.get(&company("/settings.json")).await.body.contains("\"2\""));
}

#[tokio::test]
async fn the_list_goes_on_page_by_page_and_nothing_is_shown_twice_or_left_out() {
    let stack = stack().await;
    let browser = Browser::signed_in(&stack, PORTAL).await;
    for _ in 0..27 {
        stack.execute(&invoice(world::LETTERING)).await.unwrap();
        stack.execute(&invoice(world::REFILL)).await.unwrap();
    }
    assert_eq!(rows(&stack, "Invoice").len(), 27);
    for (state, expected) in [("", 54), ("failed", 27), ("done", 27), ("working", 0)] {
        let mut path = format!("/console/activity?state={state}");
        let mut shown = Vec::new();
        for _page in 0..10 {
            let page = browser.get(&path).await.body;
            shown.extend(
                page.split("/console/execution?id=")
                    .skip(1)
                    .map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
            let Some((_, rest)) = page.split_once(r#"rel="next" href=""#) else { break };
            path = rest.split('"').next().unwrap().replace("&amp;", "&");
        }
        let mut unique = shown.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((shown.len(), unique.len()), (expected, expected), "{state}");
    }
}
