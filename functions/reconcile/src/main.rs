//! Every minute: ends what deliveries left unfinished, and calls HubSpot back.

use app::{App, reconcile, schedule, telemetry};
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let app = &App::from_env().await?;
    lambda_runtime::run(service_fn(|tick: LambdaEvent<schedule::Tick>| reconcile::handle(app, tick))).await
}
