//! A whole stack: database, secrets, both vendors, the functions and the gateway, connected and seeded.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use simulators::control::{Call, Clock};
use simulators::hubspot::HubSpot;
use simulators::quickbooks::QuickBooks;
use store::Store;
use tokio::net::TcpListener;

use crate::dynamodb::{self, Dynamodb};
use crate::functions::{self, Profile, Programs};
use crate::gateway::Gateway;
use crate::iam::{Guard, Service};
use crate::lambda::{Failure, Function, Pool};
use crate::schedule::{self, Schedules};
use crate::secrets::Secrets;
use crate::template::{self, Template};
pub use crate::vendors::Vendor;
use crate::vendors::{self, Vendors};
use crate::{aws, paths, task, world};

const ENVIRONMENT: &str = "dev";
const TABLE: &str = "hsqbo-dev";
const APP_SECRET: &str = "hsqbo/dev/app";
const TOKEN_PREFIX: &str = "hsqbo/dev/";

/// What can be chosen about a stack.
#[derive(Clone, Debug)]
pub struct Options {
    /// The gateway's port; 0 takes a free one.
    pub port: u16,
    /// How the functions are compiled.
    pub profile: Profile,
    /// The functions, where somebody has compiled them already.
    pub programs: Option<Programs>,
    /// The most invocations of one function at once.
    pub concurrency: usize,
    /// Replaces the functions' time limits of the template.
    pub function_timeout: Option<Duration>,
    /// Replaces the gateway's time limits of the template.
    pub gateway_timeout: Option<Duration>,
    /// Whether links for people, such as `document_url`, open the simulators' pages instead of the vendors' own.
    pub local_links: bool,
    /// Environment variables of every function; they win over the stack's own.
    pub variables: Vec<(String, String)>,
    /// The app secret (contract §5): both vendors know the app by what stands in it.
    pub app_secret: Value,
    /// Whether [`world`]'s deals, items and customer are there from the start. Portal and company always are.
    pub seeded: bool,
    /// Whether the app is installed in the portal and the company connected from the start; else a browser has to do it.
    pub installed: bool,
    /// Whether the template's schedules run by themselves, by the stack's clock; else [`Stack::tick`] runs them.
    pub scheduled: bool,
    /// Whether an instance of every function is started at once, so that one that cannot start is noticed.
    pub warm: bool,
    /// Told what is being started.
    pub progress: fn(&str),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            profile: Profile::Dev,
            programs: None,
            concurrency: 64,
            function_timeout: None,
            gateway_timeout: None,
            local_links: false,
            variables: Vec::new(),
            app_secret: world::app_secret(),
            seeded: true,
            installed: true,
            scheduled: false,
            warm: false,
            progress: |_| {},
        }
    }
}

/// Why there is no stack, or why it did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `template.yaml` cannot be used.
    #[error(transparent)]
    Template(#[from] template::Error),
    /// The functions cannot be built.
    #[error(transparent)]
    Build(#[from] functions::Error),
    /// The template asks for an environment variable that this stack has no value for.
    #[error("{function} wants the variable {name}, and the local stack has no value for it")]
    Variable {
        /// The function's logical id.
        function: String,
        /// The variable.
        name: String,
    },
    /// A part did not start.
    #[error("{part} did not start")]
    Start {
        /// Which part.
        part: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A function did not start; its log says more.
    #[error("the function {function} did not start; its log is {}", log.display())]
    Function {
        /// Its binary.
        function: String,
        /// The log of all its instances.
        log: PathBuf,
        /// Why.
        #[source]
        source: Failure,
    },
    /// A simulator could not be reached, or answered something else than it should.
    #[error(transparent)]
    Simulator(#[from] vendors::Error),
}

/// Where everything is: the content of `stack.json` (contract §7).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Info {
    /// The gateway.
    pub public_base_url: String,
    /// The HubSpot simulator.
    pub hubspot_url: String,
    /// The QuickBooks simulator.
    pub quickbooks_url: String,
    /// The DynamoDB endpoint.
    pub dynamodb_url: String,
    /// The Secrets Manager endpoint.
    pub secretsmanager_url: String,
    /// The AWS region.
    pub region: String,
    /// The table.
    pub table_name: String,
    /// The secret with the app's own credentials.
    pub app_secret_id: String,
    /// The portal.
    pub portal_id: u64,
    /// The companies there are to begin with.
    pub realm_ids: Vec<String>,
    /// What the HubSpot simulator signs executions with.
    pub hubspot_client_secret: String,
    /// Definition ids of the actions, by name.
    pub actions: BTreeMap<String, u64>,
}

/// A running stack. It shares nothing with others, and ends with its functions' processes when dropped.
pub struct Stack {
    /// Where everything is.
    pub info: Info,
    /// The folder with the functions' logs.
    pub logs: PathBuf,
    /// The table's client.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The secrets' client.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// The product's own view of table and secrets.
    pub store: Store,
    /// A client for the gateway and the simulators.
    pub http: reqwest::Client,
    /// The HubSpot simulator.
    pub hubspot: HubSpot,
    /// The QuickBooks simulator.
    pub quickbooks: QuickBooks,
    vendors: Vendors,
    pools: BTreeMap<String, Arc<Pool>>,
    _servers: (Dynamodb, Secrets, Guard, Gateway, Option<Schedules>),
}

impl Stack {
    /// Builds the functions if need be and starts everything on loopback ports.
    ///
    /// # Errors
    /// Which part did not start, and why.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let template = Template::read(&paths::workspace().join("template.yaml"))?;
        (options.progress)("Building the functions");
        let programs = build(&options, &template).await?;

        (options.progress)("Starting DynamoDB and Secrets Manager");
        let database = Dynamodb::start().await.map_err(did_not_start("DynamoDB"))?;
        let vault = Secrets::start().await.map_err(not_served("Secrets Manager"))?;
        let dynamodb = aws::dynamodb(&database.url);
        let secrets = aws::secrets_manager(&vault.url);
        dynamodb::create_table(&dynamodb, TABLE, &template.table)
            .await
            .map_err(did_not_start("the table"))?;

        (options.progress)("Starting HubSpot and QuickBooks");
        // The gateway's address is needed before the gateway can be started.
        let (listener, address) = task::listen(options.port).await.map_err(not_served("the gateway"))?;
        // A name: HubSpot and Intuit send people back to no address of numbers.
        let public_base_url = format!("http://localhost:{}", address.port());
        let vendors = Vendors::start(&options.app_secret).await.map_err(not_served("a simulator"))?;
        vendors.set_action_base_url(&public_base_url);
        let info = Info {
            public_base_url,
            hubspot_url: vendors.hubspot_url.clone(),
            quickbooks_url: vendors.quickbooks_url.clone(),
            dynamodb_url: database.url.clone(),
            secretsmanager_url: vault.url.clone(),
            region: aws::REGION.to_owned(),
            table_name: TABLE.to_owned(),
            app_secret_id: APP_SECRET.to_owned(),
            portal_id: world::PORTAL.0,
            realm_ids: vec![world::REALM.to_owned()],
            hubspot_client_secret: world::key(&options.app_secret, "hubspot", "client_secret").to_owned(),
            actions: vendors.hubspot.definition_ids(),
        };

        (options.progress)("Starting the functions and the gateway");
        let logs = paths::new_log_folder().map_err(not_served("the log folder"))?;
        let guard =
            Guard::start(&template.functions, (&database.url, &vault.url), (APP_SECRET, TOKEN_PREFIX))
                .await
                .map_err(not_served("the guard of table and secrets"))?;
        let pools = pools(&options, &template, &programs, (&info, &guard), &logs, vendors.clock())?;
        let gateway = start_gateway(
            &options,
            &template,
            listener,
            format!("localhost:{}", address.port()),
            &pools,
            vendors.clock(),
        );
        let schedules =
            options.scheduled.then(|| Schedules::start(&template.schedules, &by_id(&pools), vendors.clock()));
        let stack = Self {
            store: Store::new(dynamodb.clone(), secrets.clone(), names()),
            http: vendors.http.clone(),
            pools: pools.into_iter().map(|(function, pool)| (function.binary.clone(), pool)).collect(),
            _servers: (database, vault, guard, gateway, schedules),
            info,
            logs,
            dynamodb,
            secrets,
            hubspot: vendors.hubspot.clone(),
            quickbooks: vendors.quickbooks.clone(),
            vendors,
        };
        stack.seed(&options).await?;
        if options.warm {
            stack.warm().await?;
        }
        Ok(stack)
    }

    /// Adds access tokens and records to HubSpot (`POST /_sim/seed`).
    ///
    /// # Errors
    /// [`Error::Simulator`] when it refuses the seed.
    pub async fn seed_hubspot(&self, seed: &Value) -> Result<(), Error> {
        Ok(self.vendors.seed_hubspot(seed).await?)
    }

    /// Adds companies, items and customers to QuickBooks, and changes preferences (`POST /_sim/seed`).
    ///
    /// # Errors
    /// [`Error::Simulator`] when it refuses the seed.
    pub async fn seed_quickbooks(&self, seed: &Value) -> Result<(), Error> {
        Ok(self.vendors.seed_quickbooks(seed)?)
    }

    /// Enrolls a record into an action and answers what the workflow's history would show (`POST /_sim/executions`).
    ///
    /// # Errors
    /// [`Error::Simulator`] when HubSpot would not run this at all.
    pub async fn execute(&self, enrollment: &Value) -> Result<Value, Error> {
        Ok(self.vendors.tell(Vendor::HubSpot, "executions", enrollment).await?)
    }

    /// What the workflow's history shows of an execution by now (`GET /_sim/executions/{callback_id}`).
    ///
    /// # Errors
    /// [`Error::Simulator`] when there was none with this callback id.
    pub async fn history(&self, callback_id: &str) -> Result<Value, Error> {
        Ok(self.vendors.read(Vendor::HubSpot, &format!("executions/{callback_id}")).await?)
    }

    /// Opens a drop-down of an action and answers what the workflow editor would show (`POST /_sim/options`).
    ///
    /// # Errors
    /// [`Error::Simulator`] when HubSpot would not ask for this at all.
    pub async fn options(&self, request: &Value) -> Result<Value, Error> {
        Ok(self.vendors.tell(Vendor::HubSpot, "options", request).await?)
    }

    /// Has both vendors refuse the access tokens they gave, as if their time were over: fresh ones must be bought.
    ///
    /// # Errors
    /// [`Error::Simulator`] when a simulator refuses.
    pub async fn expire_access_tokens(&self) -> Result<(), Error> {
        self.seed_hubspot(&world::hubspot_access_expired()).await?;
        self.seed_quickbooks(&world::quickbooks_access_expired()).await
    }

    /// Moves the clock of the whole stack forward, as `POST /_sim/clock` of either vendor does: tokens end, limits are
    /// forgotten, quiet periods pass, what runs too long is killed. Functions compiled for release go by their own clock.
    pub fn advance_clock(&self, by: SignedDuration) -> Timestamp {
        self.vendors.clock().advance(by)
    }

    /// What time it is in the stack.
    pub fn now(&self) -> Timestamp {
        self.vendors.clock().now()
    }

    /// Runs a function that a schedule starts, as EventBridge does when its time has come, and answers what it returned.
    ///
    /// # Errors
    /// [`Failure`], when it did not end, or there is no such function.
    pub async fn tick(&self, binary: &str) -> Result<Value, Failure> {
        let pool =
            self.pools.get(binary).ok_or_else(|| Failure::Init(format!("there is no function {binary}")))?;
        let answer = pool.invoke(schedule::event(self.now()).to_string().into()).await?;
        serde_json::from_slice(&answer).map_err(|error| Failure::Function(error.to_string()))
    }

    /// The books of a company: `Invoice`, `Customer`, `Item` and more, each a list; null if there is no such company.
    pub fn books(&self, realm: &str) -> Value {
        self.vendors.books(realm)
    }

    /// The calls a vendor has had so far, in order of arrival; [`crate::round_trips`] counts how often one had to wait.
    pub fn calls(&self, vendor: Vendor) -> Vec<Call> {
        self.vendors.calls(vendor)
    }

    /// Replaces the disturbances of a vendor: a list of [`crate::Fault`]s as JSON.
    ///
    /// # Errors
    /// [`Error::Simulator`] when they are not faults.
    pub fn faults(&self, vendor: Vendor, faults: &Value) -> Result<(), Error> {
        Ok(self.vendors.faults(vendor, faults)?)
    }

    /// A function's instances, by the name of its binary.
    pub fn function(&self, binary: &str) -> Option<&Arc<Pool>> {
        self.pools.get(binary)
    }

    /// Secrets, what the vendors hold, and the portal with its connections.
    async fn seed(&self, options: &Options) -> Result<(), Error> {
        const PART: &str = "the seed";
        let secret =
            self.secrets.create_secret().name(APP_SECRET).secret_string(options.app_secret.to_string());
        secret.send().await.map_err(|error| did_not_start(PART)(error.into()))?;
        self.vendors.seed(&self.info.public_base_url, &options.app_secret, options.seeded).await?;
        if !options.installed {
            return Ok(());
        }
        self.vendors.seed_grants().await?;
        let fee_item = world::fee_item(&self.books(world::REALM));
        world::connect(&self.store, fee_item).await.map_err(did_not_start(PART))
    }

    async fn warm(&self) -> Result<(), Error> {
        for (binary, pool) in &self.pools {
            let failed =
                |source| Error::Function { function: binary.clone(), log: pool.log().to_owned(), source };
            pool.warm().await.map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.pools.values().for_each(|pool| pool.close());
    }
}

/// How the store is to call things here.
fn names() -> store::Names {
    store::Names {
        table: TABLE.to_owned(),
        app_secret: APP_SECRET.to_owned(),
        token_prefix: TOKEN_PREFIX.to_owned(),
        token_key: None,
    }
}

async fn build(options: &Options, template: &Template) -> Result<Programs, Error> {
    if let Some(programs) = &options.programs {
        return Ok(programs.clone());
    }
    let binaries: Vec<_> = template.functions.iter().map(|function| function.binary.clone()).collect();
    let profile = options.profile;
    let built = tokio::task::spawn_blocking(move || functions::build(profile, &binaries)).await;
    Ok(built.map_err(|error| did_not_start("the build")(error.into()))??)
}

type Pools<'a> = Vec<(&'a template::Function, Arc<Pool>)>;

fn pools<'a>(
    options: &Options,
    template: &'a Template,
    programs: &Programs,
    (info, guard): (&Info, &Guard),
    logs: &Path,
    clock: &Clock,
) -> Result<Pools<'a>, Error> {
    let pool = |declared: &'a template::Function| {
        let function = Function {
            name: declared.logical_id.clone(),
            program: programs.get(&declared.binary).cloned().unwrap_or_default(),
            timeout: options.function_timeout.unwrap_or(declared.timeout),
            memory_mb: declared.memory_mb,
            concurrency: options.concurrency,
            variables: variables(options, declared, info, |service| {
                guard.endpoint(service, &declared.logical_id)
            })?,
            log: logs.join(format!("{}.log", declared.binary)),
            clock: clock.clone(),
        };
        Ok((declared, Arc::new(Pool::new(function))))
    };
    template.functions.iter().map(pool).collect()
}

/// The variables that the template sets, so that one it forgets is missed here too; then those that only a stack on one
/// machine needs.
fn variables(
    options: &Options,
    function: &template::Function,
    info: &Info,
    endpoint: impl Fn(Service) -> String,
) -> Result<Vec<(String, String)>, Error> {
    let discovery_url = vendors::discovery_url(&info.quickbooks_url);
    // Whoever debugs a function has this process's level.
    let log_level = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    let value = |name: &str| match name {
        "ENVIRONMENT" => Some(ENVIRONMENT),
        "PUBLIC_BASE_URL" => Some(info.public_base_url.as_str()),
        "TABLE_NAME" => Some(TABLE),
        "APP_SECRET_ID" => Some(APP_SECRET),
        "ACTIONS_PAUSED" => Some("false"),
        "SAFE_MODE_SINCE" | "METERED_QUOTA" | "KMS_KEY_ID" | "RELEASE" => Some(""),
        "ACCEPT_SIGNATURE_V2" => Some("true"),
        "HUBSPOT_API_URL" => Some(info.hubspot_url.as_str()),
        "QUICKBOOKS_API_URL" | "QUICKBOOKS_SANDBOX_API_URL" => Some(info.quickbooks_url.as_str()),
        "INTUIT_DISCOVERY_URL" => Some(discovery_url.as_str()),
        "RUST_LOG" => Some(log_level.as_str()),
        _ => None,
    };
    let declared = function.variables.iter().map(|name| match value(name) {
        Some(value) => Ok((name.clone(), value.to_owned())),
        None => Err(Error::Variable { function: function.logical_id.clone(), name: name.clone() }),
    });
    let mut variables = declared.collect::<Result<Vec<_>, _>>()?;
    let addresses = [
        ("HUBSPOT_AUTHORIZE_URL", format!("{}/oauth/authorize", info.hubspot_url)),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint(Service::DynamoDb)),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint(Service::SecretsManager)),
    ];
    variables.extend(addresses.map(|(name, url)| (name.to_owned(), url)));
    if options.local_links {
        let links = [("HUBSPOT_APP_URL", &info.hubspot_url), ("QUICKBOOKS_APP_URL", &info.quickbooks_url)];
        variables.extend(links.map(|(name, url)| (name.to_owned(), url.clone())));
    }
    variables.extend(options.variables.iter().cloned());
    Ok(variables)
}

fn start_gateway(
    options: &Options,
    template: &Template,
    listener: TcpListener,
    domain: String,
    pools: &Pools<'_>,
    clock: &Clock,
) -> Gateway {
    let mut routes = template.routes.clone();
    for route in &mut routes {
        route.timeout = options.gateway_timeout.unwrap_or(route.timeout);
    }
    Gateway::start(listener, domain, &routes, by_id(pools), clock.clone())
}

fn by_id(pools: &Pools<'_>) -> HashMap<String, Arc<Pool>> {
    pools.iter().map(|(function, pool)| (function.logical_id.clone(), pool.clone())).collect()
}

fn did_not_start(part: &'static str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> Error {
    move |source| Error::Start { part, source }
}

fn not_served(part: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Start { part, source: source.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Isolation is what lets every test have a stack of its own.
    #[tokio::test]
    async fn twenty_stacks_live_side_by_side_in_one_process() {
        let mut stacks = Vec::new();
        for _ in 0..20 {
            stacks.push(Stack::start(Options::default()).await.unwrap());
        }
        let only_here =
            json!({"companies": [{"realm_id": world::REALM, "customers": [{"DisplayName": "Only here"}]}]});
        stacks[7].seed_quickbooks(&only_here).await.unwrap();
        let customers =
            stacks.iter().map(|stack| stack.books(world::REALM)["Customer"].as_array().unwrap().len());
        assert_eq!(customers.enumerate().filter(|(_, count)| *count == 2).collect::<Vec<_>>(), [(7, 2)]);
        for stack in &stacks {
            assert!(stack.store.portal(world::PORTAL).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn a_function_that_cannot_start_is_named_with_its_log() {
        let wrong = ("ENVIRONMENT".to_owned(), "the moon".to_owned());
        let options = Options { warm: true, variables: vec![wrong], ..Options::default() };
        let Err(Error::Function { function, log, .. }) = Stack::start(options).await else {
            panic!("it started")
        };
        assert_eq!(function, "connect", "the first by name");
        let log = std::fs::read_to_string(log).unwrap();
        assert!(log.contains("ENVIRONMENT"), "{log}");
    }

    #[tokio::test]
    async fn with_local_links_the_document_and_its_deal_open_on_the_simulators() {
        let stack = Stack::start(Options { local_links: true, ..Options::default() }).await.unwrap();
        let deal = json!({"action": "invoice", "portal_id": world::PORTAL.0, "object_type": "DEAL",
            "object_id": world::HARBOR, "inputs": {"quickbooks_account": "default"}});
        let history = stack.execute(&deal).await.unwrap();
        let open = async |address: &str| stack.http.get(address).send().await.unwrap().text().await.unwrap();
        let document = open(history["outputs"]["document_url"].as_str().unwrap()).await;
        assert!(document.contains("<h1>Invoice 1001") && document.contains("949.40"), "{document}");
        let books = stack.books(world::REALM);
        let note = books["Invoice"][0]["PrivateNote"].as_str().unwrap();
        let record = open(note.split_whitespace().find(|word| word.starts_with("http")).unwrap()).await;
        assert!(record.contains(&format!("<h1>Deal {}", world::HARBOR)), "{note}: {record}");
        assert_eq!(stack.quickbooks.nonconforming(), [], "Intuit's XSDs, where they are beside the checkout");
    }

    #[test]
    fn a_variable_of_the_template_that_the_stack_does_not_know_is_named() {
        let function = template::Function {
            logical_id: "InvoiceFunction".to_owned(),
            binary: "invoice".to_owned(),
            timeout: Duration::ZERO,
            memory_mb: 128,
            variables: vec!["TABLE_NAME".to_owned(), "MOON_PHASE".to_owned()],
            role: Vec::new(),
        };
        let url = String::new;
        let info = Info {
            public_base_url: url(),
            hubspot_url: url(),
            quickbooks_url: url(),
            dynamodb_url: url(),
            secretsmanager_url: url(),
            region: url(),
            table_name: url(),
            app_secret_id: url(),
            portal_id: 1,
            realm_ids: Vec::new(),
            hubspot_client_secret: url(),
            actions: BTreeMap::new(),
        };
        let error = variables(&Options::default(), &function, &info, |_| url()).unwrap_err().to_string();
        assert_eq!(
            error,
            "InvoiceFunction wants the variable MOON_PHASE, and the local stack has no value for it"
        );
    }
}
