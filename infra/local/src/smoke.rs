//! `cargo run -p local -- smoke`: `template.yaml` is deployed by SAM's own command line into an emulated AWS, and one execution
//! that HubSpot signed makes one invoice through the deployed HTTP API; one signed by somebody else makes none.
//!
//! What the local stack cannot show is shown here: that CloudFormation accepts the template, that SAM expands it, that a
//! function finds its table and secrets by what the stack hands it, that a second deployment changes a running stack, and that
//! the packaged program starts as `bootstrap`.
//!
//! The emulator is ministack, both tools are pinned and come from PyPI into `target/smoke`, and everything listens on loopback.
//! Where pip cannot install them, the smoke says so and is skipped. Debug builds are deployed, as they are: what `sam build`
//! would make of the release profile takes minutes and is not what is in question.
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

mod deployment;
mod emulator;
mod tools;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use local::template::Template;
use local::{Profile, Vendor, Vendors, aws, functions, paths, world};
use serde_json::{Value, json};
use store::{Names, Store};

use self::deployment::{Deployment, Outputs};
use self::emulator::Emulator;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Everything but building and installing. On two busy cores it takes less than a minute.
const PATIENCE: Duration = Duration::from_mins(5);

/// Deploys, executes and compares; a failure says what was not as it must be. Nothing is left running.
pub(crate) async fn run() -> Result<ExitCode> {
    let folder = paths::smoke();
    eprintln!("Installing ministack and the SAM command line …");
    let tools = match tools::install(&folder).await {
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
    let deployment = Deployment { sam: tools.sam, package, home, log: logs.join("sam.log"), url };
    let outcome = tokio::time::timeout(PATIENCE, deploy_and_execute(&deployment, &vendors)).await;
    deployment.keep_function_logs(&vendors.http, &template, &logs).await;
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

/// The sentence of the workflow's history.
async fn deploy_and_execute(deployment: &Deployment, vendors: &Vendors) -> Result<String> {
    eprintln!("Deploying with the template's defaults …");
    let mut parameters = vec![
        ("Environment", "dev".to_owned()),
        ("HubSpotApiUrl", vendors.hubspot_url.clone()),
        ("QuickBooksApiUrl", vendors.quickbooks_url.clone()),
        ("IntuitDiscoveryUrl", vendors.discovery_url()),
    ];
    deployment.deploy(&parameters).await?;
    let outputs = deployment.outputs().await?;
    deployment.expect_public_base_url(&vendors.http, &outputs.api_url).await?;

    eprintln!("Filling the app secret, and storing a portal as a connect would …");
    fill(&deployment.url, &outputs, vendors).await?;

    let url = outputs.local_api_url(&deployment.url)?;
    eprintln!("Deploying with {url} as the public address …");
    parameters.push(("PublicBaseUrl", url.clone()));
    deployment.deploy(&parameters).await?;
    deployment.expect_public_base_url(&vendors.http, &url).await?;

    eprintln!("Executing …");
    vendors.set_action_base_url(&url);
    let refused = enroll(vendors, "wrong").await?;
    expect("the answer to a wrong signature", &refused["deliveries"][0]["status"], &json!(401))?;
    expect("the invoices after it", &invoices(vendors), &json!([]))?;
    let history = enroll(vendors, "both").await?;
    if history["state"] != "SUCCESS" {
        return Err(format!("the execution did not succeed: {history:#}").into());
    }
    expect("the invoices' totals", &invoices(vendors), &json!(["949.40"]))?;
    deploy_as_prod(deployment, vendors, &parameters).await?;
    Ok(history["label"].as_str().unwrap_or_default().to_owned())
}

/// Changes the running stack into what production is, as far as the emulator has it, and deletes it.
async fn deploy_as_prod(
    deployment: &Deployment,
    vendors: &Vendors,
    parameters: &[(&'static str, String)],
) -> Result<()> {
    eprintln!("Deploying with alarms, limits, a release and a key of its own …");
    let mut parameters = parameters.to_vec();
    for (name, value) in [
        ("ActionConcurrency", "5"),
        ("AlarmEmail", "pager@example.com"),
        ("Alarms", "true"),
        ("CustomerKey", "true"),
        ("DeletionProtection", "false"),
        ("Release", "1790000000smoke"),
    ] {
        parameters.push((name, value.to_owned()));
    }
    deployment.deploy(&parameters).await?;
    let template = Template::read(&paths::workspace().join("template.yaml"))?;
    let alarms = template.alarms.into_iter().filter(|alarm| alarm.condition != "HasComposites");
    let wanted: Vec<String> = alarms.map(|alarm| format!("hsqbo-dev-{}", alarm.name)).collect();
    let missing: Vec<_> = {
        let found = deployment.alarms(&vendors.http).await?;
        wanted.into_iter().filter(|name| !found.contains(name)).collect()
    };
    expect("alarms that are missing", &json!(missing), &json!([]))?;
    eprintln!("Deleting …");
    deployment.delete().await
}

/// The app's credentials into the secret that the stack made, and the portal into its table.
async fn fill(url: &str, outputs: &Outputs, vendors: &Vendors) -> Result<()> {
    let secrets = aws::secrets_manager(url);
    let credentials = world::app_secret().to_string();
    secrets.put_secret_value().secret_id(&outputs.app_secret_id).secret_string(credentials).send().await?;
    let names = Names {
        table: outputs.table_name.clone(),
        app_secret: outputs.app_secret_id.clone(),
        token_prefix: "hsqbo/dev/".to_owned(),
        token_key: None,
    };
    let store = Store::new(aws::dynamodb(url), secrets, names);
    world::connect(&store, world::fee_item(&vendors.books(world::REALM))).await
}

async fn enroll(vendors: &Vendors, signature: &str) -> Result<Value> {
    let enrollment = json!({
        "action": "invoice", "portal_id": world::PORTAL.0, "object_type": "DEAL", "object_id": world::HARBOR,
        "inputs": {"quickbooks_account": "default", "due_days": "30"}, "signature": signature,
    });
    Ok(vendors.tell(Vendor::HubSpot, "executions", &enrollment).await?)
}

/// The totals of all invoices in the books.
fn invoices(vendors: &Vendors) -> Value {
    let books = vendors.books(world::REALM);
    let invoices = books["Invoice"].as_array().map(Vec::as_slice).unwrap_or_default();
    invoices.iter().map(|invoice| invoice["TotalAmt"].to_string()).collect()
}

fn expect(what: &str, found: &Value, wanted: &Value) -> Result<()> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found} instead of {wanted}").into()) }
}

/// A program's path, for a message.
fn shown(program: &Path) -> String {
    program.display().to_string()
}
