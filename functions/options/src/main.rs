//! `POST /options/{field}`: the choices of a drop-down in the workflow editor.

use app::{App, options, telemetry};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    // Once per cold start: clients, table and secrets outlive a request.
    let app = &App::from_env().await?;
    // Every outcome is a list for the editor, or a refusal of a request that HubSpot did not sign.
    run(service_fn(|request: Request| options::handle(app, request))).await
}
