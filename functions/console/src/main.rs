//! `GET /health`, `GET` and `POST /console/…`: the web pages a portal's people use.

use app::{App, console, telemetry};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    // Once per cold start: clients, table and secrets outlive a request.
    let app = &App::from_env().await?;
    // Every outcome is a page: `handle` cannot fail.
    run(service_fn(|request: Request| console::handle(app, request))).await
}
