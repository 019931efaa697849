//! One simulator on one port: `cargo run -p simulators -- quickbooks --port 8091`. It serves until stopped.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use clap::{Parser, Subcommand};
use simulators::control::serve;
use simulators::hubspot::{HubSpot, HubSpotOptions};
use simulators::quickbooks::QuickBooks;
use simulators::quickbooks::conformance::Schemas;

/// A stateful stand-in for a vendor, on 127.0.0.1.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    vendor: Vendor,
}

#[derive(Subcommand)]
enum Vendor {
    /// The CRM and the workflow engine.
    Hubspot {
        /// 0 takes any free port.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// The app project: the folder with hsproject.json; this workspace's own when it is left out.
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../hubspot"), hide_default_value = true)]
        app: PathBuf,
        /// Where the actions run, e.g. http://127.0.0.1:3000; without it none can be executed.
        #[arg(long)]
        action_base_url: Option<String>,
        /// Signs executions.
        #[arg(long, default_value = "simulated-client-secret")]
        client_secret: String,
    },
    /// The QuickBooks Online Accounting API.
    Quickbooks {
        /// 0 takes any free port.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// A folder with Intuit's XSDs; GET /_sim/nonconforming then lists what does not conform to them.
        #[arg(long)]
        xsd: Option<PathBuf>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    match Arguments::parse().vendor {
        Vendor::Hubspot { port, app, action_base_url, client_secret } => {
            let hubspot = HubSpot::new(HubSpotOptions { app, action_base_url, client_secret })?;
            run(hubspot.router(), port, HUBSPOT_SEED).await
        }
        Vendor::Quickbooks { port, xsd } => {
            let quickbooks = match xsd {
                Some(folder) => QuickBooks::new().checked(Arc::new(Schemas::read(&folder)?)),
                None => QuickBooks::new(),
            };
            run(quickbooks.router(), port, QUICKBOOKS_SEED).await
        }
    }
}

const HUBSPOT_SEED: &str = r#"'{"access_tokens":[{"token":"t","portal_id":1,"scopes":["crm.objects.deals.read"]}],"portals":[{"portal_id":1,"random_deals":{"count":100}}]}'"#;

const QUICKBOOKS_SEED: &str =
    r#"'{"companies":[{"realm_id":"1","access_tokens":["t"],"customers":[{"DisplayName":"Northwind"}]}]}'"#;

async fn run(router: Router, port: u16, seed: &str) -> io::Result<()> {
    let serving = serve(router, port).await?;
    println!("{}", serving.url);
    println!("look at it: open {}/ in a browser", serving.url);
    println!("seed it: POST {}/_sim/seed with {seed}", serving.url);
    pending().await
}
