//! The `verify-payment` function.

use lambda_runtime::Error;
use makegood::clock::Clock;
use makegood::config::{DatabaseConfig, Environment};
use makegood::db::Database;
use makegood::gateway::GatewaysConfig;
use makegood::job::Waker;
use makegood::throttle::Throttle;
use makegood::verification::Verifier;
use makegood::{runtime, telemetry};
use verify_payment::{COLUMNS, NAME, REQUESTS_PER_MINUTE, VerifyPayment};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let database = DatabaseConfig::read(&mut environment);
    let gateways = GatewaysConfig::read(&mut environment);
    environment.required("JOBS_QUEUE_URL");
    let waker = Waker::read(&environment, &aws);
    let limit = Throttle::read(
        &mut environment,
        "VERIFY_REQUESTS_PER_MINUTE",
        NAME,
        REQUESTS_PER_MINUTE,
    );
    environment.finish()?;
    let function = VerifyPayment {
        verifier: Verifier {
            database: Database::open(&database, &aws).await?,
            gateways: gateways.open(&aws).await?,
            waker,
            clock: Clock::System,
        },
        throttle: limit,
    };
    runtime::connect_first(&function.verifier.database).await;
    // Beside the first request, not before it: a look at the catalogue must not lengthen a cold start.
    let database = function.verifier.database.clone();
    tokio::spawn(async move {
        runtime::report_drift(&database, COLUMNS).await;
    });
    let function = &function;
    runtime::run(move |event, deadline| async move { Ok(function.handle(event, deadline).await?) }).await
}
