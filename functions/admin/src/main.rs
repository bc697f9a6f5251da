//! The `admin` function.

use admin::{Admin, COLUMNS, NAME, Settings};
use lambda_runtime::Error;
use makegood::config::Environment;
use makegood::{runtime, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let mut environment = Environment::of_process();
    let settings = Settings::read(&mut environment);
    environment.finish()?;
    let aws = runtime::aws().await;
    let admin = Admin::open(settings, &aws).await?;
    let database = admin.database.clone();
    runtime::connect_first(&database).await;
    // Beside the first request, not before it: a look at the catalogue must not lengthen a cold start.
    tokio::spawn(async move { runtime::report_drift(&database, COLUMNS).await });
    let admin = &admin;
    runtime::run(move |event, deadline| async move { Ok(admin.handle(event, deadline).await?) }).await
}
