//! The `receive-payment` function.

use aws_config::SdkConfig;
use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::{Environment, SecretSource};
use makegood::db::secret_text;
use makegood::event::EventType;
use makegood::payment::returned::PartialRefund;
use makegood::runtime::{self, PublisherConfig};
use makegood::secret::Rotating;
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
        razorpay: keys("RAZORPAY_WEBHOOK_SECRET", &razorpay, &aws, WEBHOOK_SECRET_BYTES).await?,
        confirmation: keys("CONFIRMATION_SECRET", &confirmation, &aws, OWN_SECRET_BYTES).await?,
        clock: Clock::System,
        trusts_notes,
        partial_refund,
        timezone,
        answer_within: ANSWER_WITHIN,
    };
    runtime::connect_first(&function.publisher.database).await;
    // Beside the first request, not before it: a look at the catalogue must not lengthen a cold start.
    let database = function.publisher.database.clone();
    tokio::spawn(async move {
        runtime::report_drift(&database, COLUMNS).await;
    });
    let function = &function;
    runtime::run(move |event, _| async move { Ok(function.handle(event).await?) }).await
}

/// The keys of a sender, read again when a signature fits none of them.
async fn keys(
    name: &'static str,
    source: &SecretSource,
    aws: &SdkConfig,
    least: usize,
) -> Result<Rotating<Keys>, Error> {
    let text = secret_text(source, aws).await?;
    let keys = Keys::read(name, &text, least)?;
    let make = move |text: &str| Keys::read(name, text, least).map_err(|error| error.to_string());
    Ok(Rotating::read_from(name, source, aws, (text, keys), make))
}
