//! The `sweep` function.

use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::event::EventType;
use makegood::runtime::{self, PublisherConfig};
use makegood::telemetry;
use sweep::{COLUMNS, Sweep};

/// Everything that may wait in the outbox.
const PUBLISHED: [EventType; 4] = [
    EventType::PurchaseConfirmed,
    EventType::PurchaseCreated,
    EventType::TrainerAllocated,
    EventType::SessionsGenerated,
];

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(Sweep::NAME);
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let publisher = PublisherConfig::read(&mut environment, &PUBLISHED);
    let timezone = environment.business_timezone();
    environment.finish()?;
    let sweep = Sweep {
        publisher: publisher.open(&aws).await?,
        clock: Clock::System,
        timezone,
    };
    let database = sweep.publisher.database.clone();
    tokio::spawn(async move { runtime::report_drift(&database, COLUMNS).await });
    let sweep = &sweep;
    runtime::run(move |event, deadline| async move { Ok(sweep.handle(&event, deadline).await?) }).await
}
