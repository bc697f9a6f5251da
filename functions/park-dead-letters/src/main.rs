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
    // Beside the start: an unreachable database must not hold it up.
    let catalogue = database.clone();
    tokio::spawn(async move { runtime::report_drift(&catalogue, COLUMNS).await });
    let handler = &ParkDeadLetters {
        database,
        clock: Clock::System,
    };
    runtime::run(move |event, deadline| async move { Ok(handler.handle(event, deadline).await?) }).await
}
