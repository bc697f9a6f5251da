//! The `order-status` function.

use lambda_runtime::Error;
use makegood::config::{DatabaseConfig, Environment};
use makegood::db::Database;
use makegood::throttle::Throttle;
use makegood::{runtime, telemetry};
use order_status::{COLUMNS, NAME, OrderStatus, REQUESTS_PER_MINUTE};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let mut environment = Environment::of_process();
    let database = DatabaseConfig::read(&mut environment);
    let limit = Throttle::read(
        &mut environment,
        "STATUS_REQUESTS_PER_MINUTE",
        NAME,
        REQUESTS_PER_MINUTE,
    );
    environment.finish()?;
    let aws = runtime::aws().await;
    let database = Database::open(&database, &aws).await?;
    let function = OrderStatus {
        throttle: limit,
        ..OrderStatus::of(database.clone())
    };
    runtime::connect_first(&database).await;
    // Beside the first request, not before it: a look at the catalogue must not lengthen a cold start.
    tokio::spawn(async move { runtime::report_drift(&database, COLUMNS).await });
    let function = &function;
    runtime::run(move |event, deadline| async move { Ok(function.handle(event, deadline).await?) }).await
}
