//! The `schedule-sessions` function.
//! Reads its environment, opens the database, runs the stage.

use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::delivery::Stage;
use makegood::event::EventType;
use makegood::{runtime, telemetry};
use schedule_sessions::{COLUMNS, ScheduleSessions};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(ScheduleSessions::NAME);
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let published = [EventType::SessionsGenerated, EventType::SessionsRescheduled];
    let publisher = runtime::PublisherConfig::read(&mut environment, &published);
    let timezone = environment.business_timezone();
    let teaching_days = environment.business_weekdays();
    let clash_rules = environment.clash_rules();
    let parking = runtime::parking(&mut environment, &aws, ScheduleSessions::NAME);
    environment.finish()?;
    let publisher = publisher.open(&aws).await?;
    let database = publisher.database.clone();
    tokio::spawn(async move { runtime::report_drift(&database, COLUMNS).await });
    let stage = ScheduleSessions {
        publisher,
        clock: Clock::System,
        timezone,
        teaching_days,
        clash_rules,
    };
    runtime::run_stage(stage, Some(parking), &aws, &environment).await
}
