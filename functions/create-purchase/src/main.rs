//! The `create-purchase` function.

use create_purchase::{COLUMNS, CreatePurchase};
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::event::EventType;
use makegood::purchase::{IndexGuard, Purchases, SecondPayment};
use makegood::refund::PartialRefund;
use makegood::{runtime, telemetry};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start("create-purchase");
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let published = [EventType::PurchaseCreated, EventType::PurchaseEnded];
    let publisher = runtime::PublisherConfig::read(&mut environment, &published);
    let parking = runtime::parking(&mut environment, &aws, "create-purchase");
    let timezone = environment.business_timezone();
    let second_payment = environment.parsed("SECOND_PAYMENT", SecondPayment::Surplus, "surplus or extend");
    let partial_refund = environment.parsed("PARTIAL_REFUND", PartialRefund::Keep, "keep, case or prorate");
    environment.finish()?;
    let publisher = publisher.open(&aws).await?;
    let guard = IndexGuard::default();
    // Asked at the start, beside it: an unreachable catalogue does not stop a sale.
    let (early, database) = (guard.clone(), publisher.database.clone());
    tokio::spawn(async move {
        early.is_enforced(&database).await;
        runtime::report_drift(&database, COLUMNS).await;
    });
    let purchases = Purchases {
        database: publisher.database.clone(),
        guard,
        clock: Clock::System,
        timezone,
        second_payment,
        prorates: partial_refund == PartialRefund::Prorate,
    };
    runtime::run_stage(
        CreatePurchase { purchases, publisher },
        Some(parking),
        &aws,
        &environment,
    )
    .await
}
