//! The `finalize-order` function.

use finalize_order::{COLUMNS, FinalizeOrder, NAME};
use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::event::EventType;
use makegood::job::Waker;
use makegood::runtime::{self, PublisherConfig};
use makegood::telemetry;
use std::time::Duration;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let publisher = PublisherConfig::read(&mut environment, &[EventType::OrderConfirmed]);
    let timezone = environment.business_timezone();
    let lease_seconds: u32 = environment.parsed("JOB_LEASE_SECONDS", 60, "a number of seconds, 1 or more");
    let waker = Waker::read(&environment, &aws);
    environment.finish()?;
    let function = FinalizeOrder {
        publisher: publisher.open(&aws).await?,
        waker,
        clock: Clock::System,
        timezone,
        worker: format!("{NAME}-{}", Uuid::new_v4()),
        lease: Duration::from_secs(u64::from(lease_seconds.max(1))),
        new_id: Uuid::new_v4,
    };
    let database = function.publisher.database.clone();
    tokio::spawn(async move {
        runtime::report_drift(&database, COLUMNS).await;
    });
    let function = &function;
    runtime::run(move |event, deadline| async move { Ok(function.handle(event, deadline).await) }).await
}
