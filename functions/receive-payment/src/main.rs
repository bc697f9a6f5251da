//! The `receive-payment` function.

use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::{Environment, SecretSource};
use makegood::db::secret_text;
use makegood::event::EventType;
use makegood::payment::returned::PartialRefund;
use makegood::runtime::{self, PublisherConfig};
use makegood::telemetry;
use receive_payment::signature::{Keys, OWN_SECRET_BYTES, WEBHOOK_SECRET_BYTES};
use receive_payment::{ANSWER_WITHIN, COLUMNS, NAME, ReceivePayment};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let mut environment = Environment::of_process();
    let publisher = PublisherConfig::read(
        &mut environment,
        &[EventType::PurchaseConfirmed, EventType::PurchaseEnded],
    );
    let razorpay = SecretSource::read(&mut environment, "RAZORPAY_WEBHOOK_SECRET");
    let confirmation = SecretSource::read(&mut environment, "CONFIRMATION_SECRET");
    let trusts_notes = environment.is_yes("TRUST_WEBHOOK_NOTES");
    let partial_refund = environment.parsed("PARTIAL_REFUND", PartialRefund::Keep, "keep, case or prorate");
    let timezone = environment.business_timezone();
    environment.finish()?;
    let aws = runtime::aws().await;
    let function = ReceivePayment {
        publisher: publisher.open(&aws).await?,
        razorpay: Keys::read(
            "RAZORPAY_WEBHOOK_SECRET",
            &secret_text(&razorpay, &aws).await?,
            WEBHOOK_SECRET_BYTES,
        )?,
        confirmation: Keys::read(
            "CONFIRMATION_SECRET",
            &secret_text(&confirmation, &aws).await?,
            OWN_SECRET_BYTES,
        )?,
        clock: Clock::System,
        trusts_notes,
        partial_refund,
        timezone,
        answer_within: ANSWER_WITHIN,
    };
    // Beside the first request, not before it: a look at the catalogue must not lengthen a cold start.
    let database = function.publisher.database.clone();
    tokio::spawn(async move {
        runtime::report_drift(&database, COLUMNS).await;
    });
    let function = &function;
    runtime::run(move |event, _| async move { Ok(function.handle(event).await?) }).await
}
