//! The `migrate` function.
//! Its DATABASE_URL, or its DATABASE_PROXY_ENDPOINT, is the database itself: it holds a session lock.

use makegood::config::{DatabaseConfig, Environment};
use makegood::db::Database;
use makegood::{runtime, telemetry};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start("migrate");
    let aws = runtime::aws().await;
    let mut environment = Environment::of_process();
    let config = DatabaseConfig::read(&mut environment);
    environment.finish()?;
    let config = &config;
    let aws = &aws;
    runtime::run(move |payload, _deadline| async move {
        // Opened for each invocation: migrations are rare, and the login may have been rotated in between.
        let database = Database::open(config, aws).await?;
        Ok(migrate::handle(&database.options(), payload).await?)
    })
    .await
}
