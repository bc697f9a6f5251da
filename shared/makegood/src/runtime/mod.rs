//! What every function does at its start, so that a `main` stays a page.

mod failed;

pub use failed::{Coded, Failed};

use crate::clock::Clock;
use crate::config::{ConfigError, DatabaseConfig, Environment};
use crate::db::{Connection, Database, LoginError, within_invocation};
use crate::delivery::{Consumer, Deadline, Parking, Stage};
use crate::event::EventType;
use crate::outbox::{Publisher, TransportConfig, TransportError};
use crate::{limits, schema, telemetry};
use aws_config::SdkConfig;
use futures::FutureExt;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Why a function can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its environment is not complete.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its database login can't be read.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// What carries its events can't be opened.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// AWS as the environment describes it: region, credentials, endpoint; with limits on everything ([`limits::sdk`]).
pub async fn aws() -> SdkConfig {
    limits::sdk().await
}

/// What a function publishes with, read from the environment.
#[derive(Debug)]
pub struct PublisherConfig {
    /// The database.
    pub database: DatabaseConfig,
    transport: TransportConfig,
}

impl PublisherConfig {
    /// Reads the database's variables, and those of [`TransportConfig::read`].
    pub fn read(environment: &mut Environment, event_types: &[EventType]) -> Self {
        Self {
            database: DatabaseConfig::read(environment),
            transport: TransportConfig::read(environment, event_types),
        }
    }

    /// Opens the database lazily and the transport.
    ///
    /// # Errors
    /// When the database's login can't be read, or the transport refuses its configuration.
    pub async fn open(self, aws: &SdkConfig) -> Result<Publisher, StartError> {
        let database = Database::open(&self.database, aws).await?;
        let transport = self.transport.open(aws)?;
        Ok(Publisher { database, transport })
    }
}

/// The dead-letter queue of this function, from `DEAD_LETTER_QUEUE_URL`.
pub fn parking(environment: &mut Environment, aws: &SdkConfig, function: &str) -> Parking {
    Parking {
        client: limits::queues(aws),
        queue_url: environment.required("DEAD_LETTER_QUEUE_URL"),
        function_name: function.to_owned(),
        function_version: environment
            .optional("AWS_LAMBDA_FUNCTION_VERSION")
            .unwrap_or_else(|| "local".to_owned()),
    }
}

/// How long a start waits for its first connection. Whoever waits for an answer must not wait longer for a database that is away.
const LONGEST_CONNECT: Duration = Duration::from_secs(1);

/// Opens a connection to the database and leaves it in the pool, so that the first request finds it there. A start has a whole core, a
/// request of a small function a part of one, and TLS and the login take most of a first request. What can't be opened within a second is
/// left to the request.
pub async fn connect_first(database: &Database) {
    match tokio::time::timeout(LONGEST_CONNECT, database.acquire()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::info!(%error, "no connection yet; the first request opens it"),
        Err(_) => tracing::info!("no connection within a second; the first request opens it"),
    }
}

/// Compares the columns that a function uses with the live catalogue, and says in the log what is missing. Never stops
/// the start: what can go on without the column goes on.
pub async fn report_drift(database: &Database, columns: &[(&str, &[&str])]) {
    let looked = match database.acquire().await {
        Ok(mut connection) => {
            report_hidden(&mut connection, columns).await;
            schema::missing_columns(&mut connection, columns).await
        }
        Err(error) => Err(error),
    };
    match looked {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => tracing::error!(
            missing = missing.join(", "),
            "columns are missing; run `makegood migrate`"
        ),
        Err(error) => tracing::warn!(%error, "the catalogue can't be compared with the columns in use"),
    }
}

async fn report_hidden(connection: &mut Connection, columns: &[(&str, &[&str])]) {
    match schema::hidden_tables(connection, columns).await {
        Ok(hidden) if hidden.is_empty() => {}
        Ok(hidden) => tracing::error!(
            hidden = hidden.join(", "),
            "row level security hides rows from this role; see `makegood check-database`"
        ),
        Err(error) => tracing::warn!(%error, "it is not known whether rows are hidden from this role"),
    }
}

/// Runs a stage on the Lambda runtime until the environment ends.
///
/// # Errors
/// Those of the runtime.
pub async fn run_stage<S: Stage + 'static>(
    stage: S,
    parking: Option<Parking>,
    aws: &SdkConfig,
    environment: &Environment,
) -> Result<(), Error> {
    let kafka_reads_partial = environment.optional("MSK_PARTIAL_RESPONSES").as_deref() == Some("true");
    let sqs = limits::queues(aws);
    let consumer = Consumer {
        stage,
        sqs,
        parking,
        kafka_reads_partial,
        clock: Clock::System,
    };
    let consumer = &consumer;
    run(move |event, deadline| async move { Ok(consumer.handle(event, deadline).await?) }).await
}

/// Runs any handler of a JSON event on the Lambda runtime, with its deadline, and writes the metrics before each answer.
///
/// Calls out end in time for the answer, and so does the handler: one that is still at work then is dropped, which answers
/// with an error where Lambda would kill the whole environment, its metrics unwritten.
///
/// # Errors
/// Those of the runtime.
pub async fn run<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Value, Deadline) -> F,
    F: Future<Output = Result<Value, Failed>>,
{
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let deadline = Deadline::from_epoch_millis(event.context.deadline, Clock::System.now());
        // Boxed: a stage's future is deep, and layouts nest only so far.
        let answer = in_time(handler(event.payload, deadline).boxed_local(), deadline).await;
        if let Err(failed) = &answer {
            tracing::error!(code = failed.code, error = failed.message, "invocation failed");
        }
        telemetry::flush();
        answer.map_err(Diagnostic::from)
    }))
    .await
}

/// What the handler answers; an error when it panics, or is still at work when the answer is due.
async fn in_time<F>(work: F, deadline: Deadline) -> Result<Value, Failed>
where
    F: Future<Output = Result<Value, Failed>>,
{
    let work = limits::ending_by(deadline.calls_end_by(), work);
    let work = within_invocation(deadline.remaining(), work);
    let work = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout_at(deadline.answer_by(), work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Failed::panicked()),
        Err(_) => Err(Failed::out_of_time()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_uses_its_whole_limit_leaves_time_for_the_answer() {
        let work = async {
            tokio::time::sleep(limits::at_most(Duration::from_secs(600))).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(json!("answered"))
        };
        let answer = in_time(work, Deadline::after(Duration::from_secs(10))).await;
        assert_eq!(answer.unwrap(), json!("answered"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_never_ends_is_stopped() {
        let answer = in_time(std::future::pending(), Deadline::after(Duration::from_secs(10))).await;
        assert_eq!(answer.unwrap_err().code, "out_of_time");
    }
}
