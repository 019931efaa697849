//! `/connect/…`, `/reconnect/…` and `/disconnect/…`: installing the app and connecting QuickBooks companies, in a browser.

use app::{App, connect, telemetry};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    // Once per cold start: clients, table and secrets outlive a request.
    let app = &App::from_env().await?;
    // Every outcome is a page or a redirect.
    run(service_fn(|request: Request| connect::handle(app, request))).await
}
