//! The `sweep` function.

use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::event::EventType;
use makegood::gateway::{GatewaysConfig, RazorpayConfig};
use makegood::job::Waker;
use makegood::refund::PartialRefund;
use makegood::runtime::{self, PublisherConfig};
use makegood::telemetry;
use sweep::{COLUMNS, Sweep};

/// Only a shop has the queue of these; a school goes without.
const OF_SHOPS: [EventType; 2] = [EventType::OrderConfirmed, EventType::OrderRefunded];
const QUEUE_OF_SHOPS: &str = "QUEUE_URL_ORDER_CONFIRMED";

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(Sweep::NAME);
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let is_shop = environment.optional(QUEUE_OF_SHOPS).is_some();
    let mut published = EventType::ALL.to_vec();
    published.retain(|event_type| is_shop || !OF_SHOPS.contains(event_type));
    let publisher = PublisherConfig::read(&mut environment, &published);
    let waker = Waker::read(&environment, &aws);
    let gateways = GatewaysConfig::read_if_any(&mut environment);
    let razorpay = RazorpayConfig::read_if_any(&mut environment);
    let refund_question_days =
        environment.parsed("REFUND_QUESTION_DAYS", 45, "a whole number of days, 0 for never");
    let trusts_notes = environment.is_yes("TRUST_WEBHOOK_NOTES");
    let partial_refund = environment.parsed("PARTIAL_REFUND", PartialRefund::Keep, "keep, case or prorate");
    let timezone = environment.business_timezone();
    let teaching_days = environment.business_weekdays();
    environment.finish()?;
    let sweep = Sweep {
        publisher: publisher.open(&aws).await?,
        gateways: match gateways {
            Some(gateways) => Some(gateways.open(&aws).await?),
            None => None,
        },
        refund_question_days,
        razorpay: match razorpay {
            Some(razorpay) => Some(razorpay.open(&aws).await?),
            None => None,
        },
        trusts_notes,
        partial_refund,
        waker,
        clock: Clock::System,
        timezone,
        teaching_days,
    };
    let database = sweep.publisher.database.clone();
    tokio::spawn(async move {
        runtime::report_drift(&database, COLUMNS).await;
    });
    let sweep = &sweep;
    runtime::run(move |event, deadline| async move { Ok(sweep.handle(&event, deadline).await?) }).await
}
