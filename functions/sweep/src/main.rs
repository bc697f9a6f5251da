//! The `sweep` function.

use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::gateway::{GatewaysConfig, RazorpayConfig, StripeConfig};
use makegood::job::Waker;
use makegood::refund::PartialRefund;
use makegood::runtime::{self, PublisherConfig};
use makegood::telemetry;
use sweep::{COLUMNS, Pipelines, Retention, Sweep};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start(Sweep::NAME);
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let pipelines = environment.parsed("PIPELINES", Pipelines::Both, Pipelines::EXPECTED);
    let publisher = PublisherConfig::read(&mut environment, &pipelines.published());
    let waker = Waker::read(&environment, &aws);
    let gateways = GatewaysConfig::read_if_any(&mut environment);
    let razorpay = RazorpayConfig::read_if_any(&mut environment);
    let stripe = StripeConfig::read_if_any(&mut environment);
    let refund_question_days =
        environment.parsed("REFUND_QUESTION_DAYS", 45, "a whole number of days, 0 for never");
    let trusts_notes = environment.is_yes("TRUST_WEBHOOK_NOTES");
    let partial_refund = environment.parsed("PARTIAL_REFUND", PartialRefund::Keep, "keep, case or prorate");
    let retention = Retention::read(&mut environment);
    let timezone = environment.business_timezone();
    let teaching_days = environment.business_weekdays();
    environment.finish()?;
    let sweep = Sweep {
        publisher: publisher.open(&aws).await?,
        pipelines,
        gateways: match gateways {
            Some(gateways) => Some(gateways.open(&aws).await?),
            None => None,
        },
        refund_question_days,
        razorpay: match razorpay {
            Some(razorpay) => Some(razorpay.open(&aws).await?),
            None => None,
        },
        stripe: match stripe {
            Some(stripe) => Some(stripe.open(&aws).await?),
            None => None,
        },
        trusts_notes,
        partial_refund,
        retention,
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
