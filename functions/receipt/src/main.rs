//! `POST /actions/receipt`: turns the enrolled deal or quote into a QuickBooks sales receipt.

use app::action::{self, DocumentKind};
use app::{App, telemetry};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    // Once per cold start: clients, table and secrets outlive a request.
    let app = &App::from_env().await?;
    // Every outcome, failure included, is an answer for HubSpot: `handle` cannot fail.
    run(service_fn(|request: Request| action::handle(app, DocumentKind::SalesReceipt, request))).await
}
