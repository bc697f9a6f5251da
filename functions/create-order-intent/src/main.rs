//! The `create-order-intent` function.

use chrono::TimeDelta;
use create_order_intent::limits::Limits;
use create_order_intent::{COLUMNS, CreateOrderIntent, NAME, PRICE_GRACE};
use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::{DatabaseConfig, Environment};
use makegood::db::Database;
use makegood::gateway::GatewaysConfig;
use makegood::{runtime, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let mut environment = Environment::of_process();
    let database = DatabaseConfig::read(&mut environment);
    let gateways = GatewaysConfig::read(&mut environment);
    let limits = Limits::read(&mut environment);
    let minutes = u16::try_from(PRICE_GRACE.num_minutes()).unwrap_or_default();
    let price_grace: u16 = environment.parsed("PRICE_GRACE_MINUTES", minutes, "a whole number of minutes");
    environment.finish()?;
    let aws = runtime::aws().await;
    let function = CreateOrderIntent {
        database: Database::open(&database, &aws).await?,
        gateways: gateways.open(&aws).await?,
        limits,
        price_grace: TimeDelta::minutes(i64::from(price_grace)),
        clock: Clock::System,
    };
    runtime::connect_first(&function.database).await;
    // Beside the first request, not before it: a look at the catalogue must not lengthen a cold start.
    let database = function.database.clone();
    tokio::spawn(async move {
        runtime::report_drift(&database, COLUMNS).await;
    });
    let function = &function;
    runtime::run(move |event, _| async move { Ok(function.handle(event).await?) }).await
}
