//! The `allocate-trainer` function.

use allocate_trainer::{AdminService, AllocateTrainer, Breaker, COLUMNS};
use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::delivery::Stage;
use makegood::event::EventType;
use makegood::runtime::{self, PublisherConfig};
use makegood::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(AllocateTrainer::NAME);
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let publisher = PublisherConfig::read(&mut environment, &[EventType::TrainerAllocated]);
    let parking = runtime::parking(&mut environment, &aws, AllocateTrainer::NAME);
    let timezone = environment.business_timezone();
    let teaching_days = environment.business_weekdays();
    let service_url = AdminService::read_url(&mut environment);
    environment.finish()?;
    let stage = AllocateTrainer {
        publisher: publisher.open(&aws).await?,
        service: AdminService::at(&service_url, AdminService::TIMEOUT)?,
        breaker: Breaker::default(),
        clock: Clock::System,
        timezone,
        teaching_days,
    };
    let database = stage.publisher.database.clone();
    tokio::spawn(async move { runtime::report_drift(&database, COLUMNS).await });
    runtime::run_stage(stage, Some(parking), &aws, &environment).await
}
