//! `cargo run -p local -- smoke`: `template.yaml` is deployed by SAM's own command line into an emulated AWS, changed there and
//! deleted. An execution that HubSpot signed makes an invoice through the deployed HTTP API, before and after the change; one
//! signed by somebody else makes none.
//!
//! What the local stack cannot show is shown here: that CloudFormation accepts the template, that SAM expands it, that a
//! function finds its table and secrets by what the stack hands it, that a second deployment changes a running stack, that
//! the packaged program starts as `bootstrap`, that a schedule starts it, and that a deletion leaves what it must and no more.
//!
//! The emulator is ministack; it comes from PyPI into `target/smoke`, SAM into `target/tools`. Both are pinned, and everything
//! listens on loopback. Where pip reaches no index, the smoke says so and is skipped. Debug builds are deployed, as they are:
//! what `sam build` would make of the release profile takes minutes and is not what is in question.
//!
//! # Where the emulator differs from AWS, and what is checked instead
//!
//! - It runs the program on this machine, whatever `Architectures` says, with all of this machine's memory: size and speed are
//!   `measure`'s business.
//! - It does not check who may do what: the local stack does, and `local::grants` holds each role against what was used.
//! - It ignores the TTL, the encryption and the point-in-time recovery of a table it creates, and has no composite alarms, no
//!   alarms over several metrics and no CodeDeploy: `.ci/expanded.py` looks those up in the template as SAM expands it.
//! - It serves the API under a path of its own port and not under the address in the output `ApiUrl`. So the template is
//!   deployed twice: first without `PublicBaseUrl`, to see that the functions then take `ApiUrl` for their own address; then
//!   with the emulator's address, which is what the simulated HubSpot calls and signs.
//! - A secret's `Ref` is its name; on AWS it is the ARN. `GetSecretValue` takes either.
//! - Throttling, concurrency limits and the 30 seconds of an integration are not like AWS's: the tests on the local stack
//!   cover time limits.

mod account;
mod deployment;
mod emulator;
mod tools;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use local::template::{Schedule, Template};
use local::{Profile, Vendor, Vendors, aws, functions, paths, world};
use serde_json::{Value, json};
use store::{Names, Store};

use self::account::Account;
use self::deployment::{Deployment, Outputs};
use self::emulator::Emulator;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Everything but building and installing. On two busy cores it takes less than two, one of them to wait for a schedule.
const PATIENCE: Duration = Duration::from_mins(5);

/// The API's own log.
const ACCESS_LOGS: &str = "/aws/vendedlogs/hsqbo/dev/access";

/// Changes the running stack into what production is, as far as the emulator has it.
const PRODUCTION: [(&str, &str); 5] = [
    ("ActionConcurrency", "5"),
    ("AlarmEmail", "pager@example.com"),
    ("Alarms", "true"),
    ("CustomerKey", "true"),
    ("Release", "1790000000smoke"),
];

/// What a deleted stack leaves behind (`infra/setup.md`, *Taking it down*): records, tokens, and what they are encrypted with.
const OUTLIVE: [&str; 3] = ["keys", "secrets", "tables"];

/// Deploys, executes and compares; a failure says what was not as it must be. Nothing is left running.
pub(crate) async fn run() -> Result<ExitCode> {
    let folder = paths::smoke();
    eprintln!("Installing ministack and the SAM command line …");
    let tools = match tools::install(&folder).await? {
        Ok(tools) => tools,
        Err(reason) => {
            println!("skipped: {reason}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let logs = fresh(folder.join("logs"))?;
    eprintln!("Building the functions …");
    let template = Template::read(&paths::workspace().join("template.yaml"))?;
    let binaries: Vec<_> = template.functions.iter().map(|function| function.binary.clone()).collect();
    let programs = tokio::task::spawn_blocking(move || functions::build(Profile::Dev, &binaries)).await??;
    let package = fresh(folder.join("package"))?;
    deployment::package(&package, &programs)?;

    let vendors = Vendors::start(&world::app_secret()).await?;
    // Nobody installs or connects here: where people are sent back to does not matter.
    vendors.seed("https://api.example.com", &world::app_secret(), true).await?;
    vendors.seed_grants().await?;
    let home = fresh(folder.join("home"))?;
    let emulator = Emulator::start(&tools.ministack, &home, &logs).await?;
    let url = emulator.url.clone();
    let account = Account { http: vendors.http.clone(), url: url.clone() };
    let deployment = Deployment { sam: tools.sam, package, home, log: logs.join("sam.log"), url };
    let smoke = Smoke { template, vendors, account, deployment };
    let outcome = tokio::time::timeout(PATIENCE, smoke.whole_life()).await;
    smoke.keep_function_logs(&logs).await;
    emulator.stop().await;
    match outcome {
        Ok(Ok(sentence)) => {
            println!("{sentence}");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Err(error)) => Err(format!("{error}\nThe logs are in {}", logs.display()).into()),
        Err(_) => Err(format!("not done after {PATIENCE:?}\nThe logs are in {}", logs.display()).into()),
    }
}

/// The folder, empty.
fn fresh(folder: PathBuf) -> std::io::Result<PathBuf> {
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// What is deployed, where to, and whom it calls.
struct Smoke {
    template: Template,
    vendors: Vendors,
    account: Account,
    deployment: Deployment,
}

impl Smoke {
    /// From the first deployment to the last deletion: what came of it, in words.
    async fn whole_life(&self) -> Result<String> {
        eprintln!("Deploying with the template's defaults …");
        let mut parameters = vec![
            ("Environment", "dev".to_owned()),
            ("HubSpotApiUrl", self.vendors.hubspot_url.clone()),
            ("QuickBooksApiUrl", self.vendors.quickbooks_url.clone()),
            ("IntuitDiscoveryUrl", self.vendors.discovery_url()),
        ];
        self.deployment.deploy(&parameters).await?;
        let outputs = self.deployment.outputs().await?;
        self.expect_public_base_url(&outputs.api_url).await?;
        self.expect_made(&outputs).await?;

        eprintln!("Filling the app secret, and storing a portal as a connect would …");
        self.fill(&outputs).await?;

        let url = outputs.local_api_url(&self.deployment.url)?;
        eprintln!("Deploying with {url} as the public address …");
        parameters.push(("PublicBaseUrl", url.clone()));
        self.deployment.deploy(&parameters).await?;
        self.expect_public_base_url(&url).await?;
        self.vendors.set_action_base_url(&url);
        let first = self.execute().await?;

        eprintln!("Deploying with alarms, limits, a release and a key of its own, as in production …");
        parameters.extend(PRODUCTION.map(|(name, value)| (name, value.to_owned())));
        self.deployment.deploy(&parameters).await?;
        let second = self.execute().await?;
        self.account.expect_started(&logs_of("reconcile")).await?;
        let kept = self.delete().await?;
        Ok(format!("{first}\nAfter the update: {second}\nAfter the deletion there is still: {kept}"))
    }

    /// Looks at the environment of every deployed function.
    async fn expect_public_base_url(&self, wanted: &str) -> Result<()> {
        let environments = self.account.environments().await?;
        expect("functions", &json!(environments.len()), &json!(self.template.functions.len()))?;
        for (function, variables) in environments {
            expect(&format!("{function}'s public address"), &variables["PUBLIC_BASE_URL"], &json!(wanted))?;
        }
        Ok(())
    }

    /// Table, secret, schedules and logs are there as the template has them.
    async fn expect_made(&self, outputs: &Outputs) -> Result<()> {
        let held = self.account.held().await?;
        expect("tables", &json!(held["tables"]), &json!([outputs.table_name]))?;
        expect("secrets", &json!(held["secrets"]), &json!([outputs.app_secret_id]))?;
        let schedules: BTreeSet<_> = self.template.schedules.iter().map(starts).collect();
        expect("schedules", &json!(self.account.schedules(deployment::STACK).await?), &json!(schedules))?;
        expect("log groups", &json!(held["log groups"]), &json!(self.log_groups()))?;
        expect("logs that never end", &json!(self.account.endless_logs().await?), &json!([]))
    }

    fn log_groups(&self) -> BTreeSet<String> {
        let functions = self.template.functions.iter().map(|function| logs_of(&function.binary));
        functions.chain([ACCESS_LOGS.to_owned()]).collect()
    }

    /// The app's credentials into the secret that the stack made, and the portal into its table.
    async fn fill(&self, outputs: &Outputs) -> Result<()> {
        let secrets = aws::secrets_manager(&self.deployment.url);
        let credentials = world::app_secret().to_string();
        secrets
            .put_secret_value()
            .secret_id(&outputs.app_secret_id)
            .secret_string(credentials)
            .send()
            .await?;
        let names = Names {
            table: outputs.table_name.clone(),
            app_secret: outputs.app_secret_id.clone(),
            token_prefix: "hsqbo/dev/".to_owned(),
            token_key: None,
        };
        let store = Store::new(aws::dynamodb(&self.deployment.url), secrets, names);
        world::connect(&store, world::fee_item(&self.vendors.books(world::REALM))).await
    }

    /// What somebody else signed makes no invoice; what HubSpot signed makes one. The sentence of the workflow's history.
    async fn execute(&self) -> Result<String> {
        eprintln!("Executing …");
        let mut wanted = self.invoices();
        let refused = self.enroll("wrong").await?;
        expect("the answer to a wrong signature", &refused["deliveries"][0]["status"], &json!(401))?;
        expect("the invoices after it", &json!(self.invoices()), &json!(wanted))?;
        let history = self.enroll("both").await?;
        if history["state"] != "SUCCESS" {
            return Err(format!("the execution did not succeed: {history:#}").into());
        }
        wanted.push("949.40".to_owned());
        expect("the invoices' totals", &json!(self.invoices()), &json!(wanted))?;
        Ok(history["label"].as_str().unwrap_or_default().to_owned())
    }

    async fn enroll(&self, signature: &str) -> Result<Value> {
        let enrollment = json!({
            "action": "invoice", "portal_id": world::PORTAL.0, "object_type": "DEAL", "object_id": world::HARBOR,
            "inputs": {"quickbooks_account": "default", "due_days": "30"}, "signature": signature,
        });
        Ok(self.vendors.tell(Vendor::HubSpot, "executions", &enrollment).await?)
    }

    /// The totals of all invoices in the books.
    fn invoices(&self) -> Vec<String> {
        let books = self.vendors.books(world::REALM);
        let invoices = books["Invoice"].as_array().map(Vec::as_slice).unwrap_or_default();
        invoices.iter().map(|invoice| invoice["TotalAmt"].to_string()).collect()
    }

    /// Deletes the stack that stands as in production. Something of every kind was there; of it nothing is left but what is
    /// kept on purpose, and of that all: what is kept, in words.
    async fn delete(&self) -> Result<String> {
        let mut held = self.account.held().await?;
        let none: Vec<_> = held.iter().filter(|(_, names)| names.is_empty()).map(|(kind, _)| kind).collect();
        expect("kinds of which there is nothing before the deletion", &json!(none), &json!([]))?;
        expect("log groups", &json!(held["log groups"]), &json!(self.log_groups()))?;
        // Which the emulator does not have, and which only a canary has.
        let absent = ["HasComposites", "HasCanary"];
        let alarms = self.template.alarms.iter().filter(|alarm| !absent.contains(&alarm.condition.as_str()));
        let alarms: BTreeSet<_> =
            alarms.map(|alarm| format!("{}-{}", deployment::STACK, alarm.name)).collect();
        expect("alarms", &json!(held["alarms"]), &json!(alarms))?;

        eprintln!("Deleting …");
        self.deployment.delete().await?;
        for (kind, names) in &mut held {
            if !OUTLIVE.contains(kind) {
                names.clear();
            }
        }
        expect("what is left", &json!(self.account.held().await?), &json!(held))?;
        let kept = OUTLIVE
            .map(|kind| format!("{kind} {}", held[kind].iter().cloned().collect::<Vec<_>>().join(", ")));
        Ok(kept.join("; "))
    }

    /// Copies the functions' logs into the folder, as far as there are any.
    async fn keep_function_logs(&self, folder: &Path) {
        for function in &self.template.functions {
            let lines = self.account.log(&logs_of(&function.binary)).await.unwrap_or_default();
            let _ = std::fs::write(folder.join(format!("{}.log", function.binary)), lines.join("\n"));
        }
    }
}

fn starts(schedule: &Schedule) -> String {
    format!("{} starts {}", schedule.rate, schedule.function)
}

fn logs_of(function: &str) -> String {
    format!("/hsqbo/dev/{function}")
}

fn expect(what: &str, found: &Value, wanted: &Value) -> Result<()> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found} instead of {wanted}").into()) }
}

/// A program's path, for a message.
fn shown(program: &Path) -> String {
    program.display().to_string()
}
