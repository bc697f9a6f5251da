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

const RAZORPAY: &str = "RAZORPAY_WEBHOOK_SECRET";
const STRIPE: &str = "STRIPE_WEBHOOK_SECRET";

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let mut environment = Environment::of_process();
    let publisher = PublisherConfig::read(
        &mut environment,
        &[EventType::PurchaseConfirmed, EventType::PurchaseEnded],
    );
    let razorpay = SecretSource::read_if_given(&mut environment, RAZORPAY);
    let stripe = SecretSource::read_if_given(&mut environment, STRIPE);
    if razorpay.is_none() && stripe.is_none() {
        environment.note(format!("{RAZORPAY} and {STRIPE} are missing (or {RAZORPAY}_ARN, {STRIPE}_ARN); a course needs one of them"));
    }
    let confirmation = SecretSource::read(&mut environment, "CONFIRMATION_SECRET");
    let trusts_notes = environment.is_yes("TRUST_WEBHOOK_NOTES");
    let partial_refund = environment.parsed("PARTIAL_REFUND", PartialRefund::Keep, "keep, case or prorate");
    let timezone = environment.business_timezone();
    let place = environment.place();
    environment.finish()?;
    let aws = runtime::aws().await;
    let function = ReceivePayment {
        publisher: publisher.open(&aws).await?,
        razorpay: keys_if_any(RAZORPAY, razorpay, &aws).await?,
        stripe: keys_if_any(STRIPE, stripe, &aws).await?,
        place,
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

/// As [`keys`] of a webhook; none where it is not configured.
async fn keys_if_any(
    name: &'static str,
    source: Option<SecretSource>,
    aws: &SdkConfig,
) -> Result<Rotating<Keys>, Error> {
    match source {
        Some(source) => keys(name, &source, aws, WEBHOOK_SECRET_BYTES).await,
        None => Ok(Rotating::fixed(Keys::none())),
    }
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
