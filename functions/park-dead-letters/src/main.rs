//! The `park-dead-letters` function.
//! Reads the dead-letter queues, where messages expire, and files them in `dead_letters`, where they don't.

use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::{DatabaseConfig, Environment};
use makegood::db::Database;
use makegood::{runtime, telemetry};
use park_dead_letters::{COLUMNS, ParkDeadLetters};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(ParkDeadLetters::NAME);
    let mut environment = Environment::of_process();
    let config = DatabaseConfig::read(&mut environment);
    environment.finish()?;
    let database = Database::open(&config, &runtime::aws().await).await?;
    runtime::report_drift(&database, COLUMNS).await;
    let handler = &ParkDeadLetters {
        database,
        clock: Clock::System,
    };
    runtime::run(move |event, deadline| async move { Ok(handler.handle(event, deadline).await?) }).await
}
