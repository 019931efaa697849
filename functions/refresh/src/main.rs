//! Every fifteen minutes: renews QuickBooks tokens before they end, and keeps unused grants alive.

use app::{App, refresh, schedule, telemetry};
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let app = &App::from_env().await?;
    lambda_runtime::run(service_fn(|tick: LambdaEvent<schedule::Tick>| refresh::handle(app, tick))).await
}
