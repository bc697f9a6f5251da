//! The `top-up-sessions` function.
//! Reads its environment, opens the database, refills windows.

use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::event::EventType;
use makegood::{runtime, telemetry};
use serde_json::json;
use top_up_sessions::{COLUMNS, Input, NAME, TopUp};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let published = [EventType::SessionsGenerated, EventType::SessionsRescheduled];
    let publisher = runtime::PublisherConfig::read(&mut environment, &published);
    let timezone = environment.business_timezone();
    let teaching_days = environment.business_weekdays();
    let clash_rules = environment.clash_rules();
    environment.finish()?;
    let publisher = publisher.open(&aws).await?;
    let database = publisher.database.clone();
    tokio::spawn(async move { runtime::report_drift(&database, COLUMNS).await });
    let top_up = TopUp {
        publisher,
        clock: Clock::System,
        timezone,
        teaching_days,
        clash_rules,
    };
    let top_up = &top_up;
    runtime::run(move |event, deadline| async move {
        Ok(json!(top_up.run(Input::read(&event)?, deadline).await?))
    })
    .await
}
