//! The `order-status` function.

use lambda_runtime::Error;
use makegood::config::{DatabaseConfig, Environment};
use makegood::db::Database;
use makegood::{runtime, telemetry};
use order_status::{COLUMNS, NAME, OrderStatus};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let mut environment = Environment::of_process();
    let database = DatabaseConfig::read(&mut environment);
    environment.finish()?;
    let aws = runtime::aws().await;
    let database = Database::open(&database, &aws).await?;
    let function = OrderStatus::of(database.clone());
    // Beside the first request, not before it: a look at the catalogue must not lengthen a cold start.
    tokio::spawn(async move { runtime::report_drift(&database, COLUMNS).await });
    let function = &function;
    runtime::run(move |event, deadline| async move { Ok(function.handle(event, deadline).await?) }).await
}
