//! A stack whose functions reach their upstreams through proxies that can stop everything, and what one execution left in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use local::lambda::Pool;
use local::proxy::{Moment, Proxies, Request};
use local::stack::{Options, Stack, Vendor};
use local::world::{PORTAL, REALM};
use mapping::quickbooks::AccountId;
use mapping::settings::Choices;
use serde_json::{Value, json};
use store::record::Key;

/// What may be made in the books.
const ENTITIES: [&str; 6] = ["Invoice", "Estimate", "SalesReceipt", "Payment", "Customer", "Item"];

/// The account that new products are booked to: every simulated company has it.
const INCOME: &str = "9004";

/// Between two runs of the reconciler: every other one is spared.
const STEP: SignedDuration = SignedDuration::from_mins(2);

const TOLD_WITHIN: Duration = Duration::from_millis(200);

/// What QuickBooks makes of a request id it has seen: nobody promises either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestIds {
    /// The first answer again.
    Honoured,
    /// A second effect.
    Ignored,
}

impl RequestIds {
    pub(crate) const BOTH: [Self; 2] = [Self::Honoured, Self::Ignored];
}

/// A stack and its proxies.
pub(crate) struct Bench {
    pub(crate) stack: Stack,
    proxies: Proxies,
}

/// Where a process is killed.
pub(crate) type Point = (Request, Moment);

/// The rows of the books by entity.
pub(crate) type Books = BTreeMap<&'static str, Vec<Value>>;

/// Nobody who was killed or crowded told a secret or a name in a log.
impl Drop for Bench {
    fn drop(&mut self) {
        // A test that fails already says why.
        if std::thread::panicking() {
            return;
        }
        let told = crate::canaries::told(&self.stack);
        assert!(told.is_empty(), "{}", told.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
}

impl Bench {
    pub(crate) async fn start(request_ids: RequestIds) -> Self {
        let proxies = Proxies::open().await.unwrap();
        let mut variables = proxies.variables();
        // Reading this machine's root certificates is most of a start, and nothing here speaks TLS.
        let roots = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nobody.pem");
        variables.push(("SSL_CERT_FILE".to_owned(), roots.to_owned()));
        // Intuit's discovery document names its endpoints as it was addressed: purchases of tokens pass the proxy too.
        let intuit = variables.iter().find(|(name, _)| name == "QUICKBOOKS_API_URL").unwrap().1.clone();
        let discovery = format!("{intuit}/.well-known/openid_configuration");
        variables.push(("INTUIT_DISCOVERY_URL".to_owned(), discovery));
        let options = Options { variables, ..Options::default() };
        let stack = Stack::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        proxies.lead_to(&stack.info).unwrap();
        let switches = match request_ids {
            RequestIds::Honoured => json!({"request_ids": "honour"}),
            RequestIds::Ignored => json!({"request_ids": "ignore"}),
        };
        let seed = json!({"companies": [{"realm_id": REALM, "switches": switches}]});
        stack.seed_quickbooks(&seed).await.unwrap();
        let portal = stack.store.portal(PORTAL).await.unwrap().unwrap();
        let company = &portal.companies[0];
        let choices = Choices { income_account: Some(AccountId(INCOME.into())), ..company.choices.clone() };
        let revision = company.settings_revision;
        stack.store.save_choices(PORTAL, &company.realm, &choices, revision).await.unwrap();
        Self { stack, proxies }
    }

    pub(crate) fn pool(&self, function: &str) -> Arc<Pool> {
        self.stack.function(function).unwrap().clone()
    }

    /// As if nobody had ever asked: nothing is remembered of contacts and products, all limits are far, no call is noted and
    /// nothing is disturbed.
    pub(crate) async fn clear(&self) {
        let table = &self.stack.info.table_name;
        let items = self.stack.dynamodb.scan().table_name(table).send().await.unwrap();
        for item in items.items() {
            if item["pk"].as_s().unwrap().starts_with("M#") {
                let delete = self.stack.dynamodb.delete_item().table_name(table);
                delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
            }
        }
        self.stack.advance_clock(SignedDuration::from_mins(1));
        for (vendor, url) in [
            (Vendor::HubSpot, &self.stack.info.hubspot_url),
            (Vendor::QuickBooks, &self.stack.info.quickbooks_url),
        ] {
            self.stack.http.delete(format!("{url}/_sim/calls")).send().await.unwrap();
            self.stack.faults(vendor, &json!([])).unwrap();
        }
    }

    /// Does something for which this function must start, and says which requests it made.
    pub(crate) async fn watched<T>(
        &self,
        function: &str,
        doing: impl Future<Output = T>,
    ) -> (T, Vec<Request>) {
        self.pool(function).kill_all().await;
        self.proxies.forget();
        (doing.await, self.proxies.requests())
    }

    /// Does something for which this function must start, and kills it at this point. False: it never came to that.
    pub(crate) async fn killed<T>(
        &self,
        function: &str,
        (request, moment): &Point,
        doing: impl Future<Output = T>,
    ) -> (T, bool) {
        let pool = self.pool(function);
        pool.kill_all().await;
        self.proxies.forget();
        let mut stopped = self.proxies.stop_at(request.clone(), *moment);
        tokio::pin!(doing);
        let early = tokio::select! {
            biased;
            _ = &mut stopped => None,
            done = &mut doing => Some(done),
        };
        // That the last reply has passed may be told only after what came of it.
        let reached = early.is_none() || tokio::time::timeout(TOLD_WITHIN, stopped).await.is_ok();
        pool.kill_all().await;
        self.proxies.go_on();
        let done = match early {
            Some(done) => done,
            None => doing.await,
        };
        (done, reached)
    }

    /// Lets time pass, with runs of the reconciler, until nobody waits for this execution and nothing is due.
    ///
    /// # Errors
    /// That never comes.
    pub(crate) async fn settled(&self, callback_id: &str) -> Result<Value, String> {
        let key = key(callback_id);
        for _step in 0..30 {
            let shown = self.history(callback_id).await;
            let record = self.stack.store.record(&key).await.unwrap();
            let is_done =
                record.is_some_and(|record| record.state.is_terminal() && record.callback_due.is_none());
            let ages = self.stack.now() + SignedDuration::from_hours(400);
            if shown["state"] != "BLOCK"
                && is_done
                && self.stack.store.due(ages, 100).await.unwrap().is_empty()
            {
                return Ok(shown);
            }
            self.stack.advance_clock(STEP);
            self.stack.tick("reconcile").await.map_err(|failure| format!("reconcile: {failure}"))?;
        }
        Err("it is still not done, or due, after an hour".to_owned())
    }

    /// Deletes the record of an execution.
    pub(crate) async fn forget(&self, callback_id: &str) {
        let (pk, sk) = place(callback_id);
        let delete = self.stack.dynamodb.delete_item().table_name(&self.stack.info.table_name);
        delete.key("pk", pk).key("sk", sk).send().await.unwrap();
    }

    /// Takes an execution back to before its plan, whatever came of it.
    pub(crate) async fn unplan(&self, callback_id: &str) {
        let (pk, sk) = place(callback_id);
        let update = self.stack.dynamodb.update_item().table_name(&self.stack.info.table_name);
        let update = update
            .key("pk", pk)
            .key("sk", sk)
            .update_expression("SET st = :claimed REMOVE #plan, plan_hash, rid, quiet_until")
            .expression_attribute_names("#plan", "plan")
            .expression_attribute_values(":claimed", AttributeValue::S("CLAIMED".to_owned()));
        update.send().await.unwrap();
    }

    /// What the workflow's history shows.
    pub(crate) async fn history(&self, callback_id: &str) -> Value {
        let url = format!("{}/_sim/executions/{callback_id}", self.stack.info.hubspot_url);
        self.stack.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) fn books(&self) -> Books {
        let mut books = self.stack.books(REALM);
        let rows = |rows: Value| if let Value::Array(rows) = rows { rows } else { Vec::new() };
        ENTITIES.map(|entity| (entity, rows(books[entity].take()))).into()
    }

    /// All that is known of an execution, for whoever must find out what went wrong.
    pub(crate) async fn trace(&self, callback_id: &str) -> String {
        let record = self.stack.store.record(&key(callback_id)).await;
        let calls = [Vendor::HubSpot, Vendor::QuickBooks].map(|vendor| {
            let calls = self.stack.calls(vendor).into_iter();
            calls
                .map(|call| format!("{vendor} {} {} {:?}", call.method, call.path, call.status))
                .collect::<Vec<_>>()
        });
        let requests: Vec<_> = self.proxies.requests().into_iter().map(|request| request.what).collect();
        format!(
            "record {record:?}\nhistory {:#}\ncalls {:#?}\nrequests since {requests:#?}\nlogs {}",
            self.history(callback_id).await,
            calls.concat(),
            self.stack.logs.display()
        )
    }
}

fn place(callback_id: &str) -> (AttributeValue, AttributeValue) {
    (AttributeValue::S(format!("E#{PORTAL}#{callback_id}")), AttributeValue::S("EXECUTION".to_owned()))
}

pub(crate) fn key(callback_id: &str) -> Key {
    Key::execution(PORTAL, callback_id)
}

/// What the books have now that they did not have then.
pub(crate) fn added(before: &Books, after: Books) -> Books {
    let mut added = after;
    for (entity, rows) in &mut added {
        rows.retain(|row| before[entity].iter().all(|old| old["Id"] != row["Id"]));
    }
    added
}
