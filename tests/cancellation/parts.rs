//! What several scenes are made of.

use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::db::Database;
use makegood::delivery::{Consumer, Deadline, Parking, Stage};
use makegood::event::EventType;
use makegood::gateway::{Gateways, GatewaysConfig, Razorpay, RazorpayConfig};
use makegood::outbox::{Publisher, Transport};
use makegood::refund::PartialRefund;
use makegood::school_days::TeachingDays;
use makegood_local::gateway::GatewayStub;
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::{TestQueue, aws, sqs_event, transport};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeSet;
use std::time::Duration;
use sweep::{Pipelines, Sweep};

/// Time enough for anything.
pub const MINUTE: Duration = Duration::from_secs(60);

pub fn deadline() -> Deadline {
    Deadline::after(MINUTE)
}

/// A database, the way out for some events, and where is parked.
pub struct Parts {
    pub database: TestDatabase,
    pub transport: Transport,
    pub parked: TestQueue,
}

impl Parts {
    pub async fn with(event_types: &[EventType]) -> Self {
        Self::over(TestDatabase::create().await, event_types).await
    }

    pub async fn over(database: TestDatabase, event_types: &[EventType]) -> Self {
        let (transport, _) = transport(event_types).await;
        Self {
            database,
            transport,
            parked: TestQueue::create("parked").await,
        }
    }

    pub fn publisher(&self, database: Database) -> Publisher {
        Publisher {
            database,
            transport: self.transport.clone(),
        }
    }

    /// The stage as its `main` runs it.
    pub fn consumer<S: Stage>(&self, stage: S) -> Consumer<S> {
        let parking = Parking {
            client: self.parked.client.clone(),
            queue_url: self.parked.url.clone(),
            function_name: S::NAME.to_owned(),
            function_version: "test".to_owned(),
        };
        Consumer {
            stage,
            sqs: self.parked.client.clone(),
            parking: Some(parking),
            kafka_reads_partial: false,
            clock: Clock::System,
        }
    }

    /// No sender owns an event in the outbox any more.
    pub async fn outbox_leases_run_out(&self) {
        self.database
            .run_sql("UPDATE outbox SET claimed_until = now() - interval '1 second'")
            .await;
    }

    /// The outbox sweep, once the leases are over.
    pub async fn sweep_outbox(&self) {
        self.outbox_leases_run_out().await;
        self.sweep("outbox").await;
    }

    /// A sweep in an environment of its own.
    pub async fn sweep(&self, name: &str) -> Value {
        let database = self.database.through_pooler(2);
        let sweep = Sweep {
            publisher: self.publisher(database.clone()),
            pipelines: Pipelines::Both,
            gateways: None,
            refund_question_days: 45,
            retention: sweep::Retention::default(),
            razorpay: None,
            stripe: None,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            waker: None,
            clock: Clock::System,
            timezone: chrono_tz::Asia::Kolkata,
            teaching_days: TeachingDays::default(),
        };
        let done = sweep.handle(&json!({"sweep": name}), deadline()).await;
        database.close();
        done.expect("the sweep runs")
    }

    /// The first column of every row, a text.
    pub async fn texts(&self, query: &str) -> BTreeSet<String> {
        texts(&self.database, query).await
    }
}

/// The first column of every row, a text.
pub async fn texts(database: &TestDatabase, query: &str) -> BTreeSet<String> {
    let mut connection = PgConnection::connect(&database.direct_url())
        .await
        .expect("the test's database answers");
    let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_all(&mut connection)
        .await
        .expect("the query runs");
    rows.into_iter().collect()
}

/// Delivers one message of this queue; an error when it stays in the queue.
pub async fn deliver<S: Stage>(consumer: &Consumer<S>, queue: &str, body: &Value) -> Result<(), String> {
    let event = sqs_event(queue, &[body.to_string()]);
    let answer = consumer.handle(event, deadline()).await;
    acknowledged(&answer.map_err(|error| error.to_string())?)
}

/// Whether a batch was acknowledged as a whole.
pub fn acknowledged(answer: &Value) -> Result<(), String> {
    if answer["batchItemFailures"] == json!([]) {
        Ok(())
    } else {
        Err(answer.to_string())
    }
}

/// Whether an HTTP response has this status.
pub fn has_status(answer: &Value, status: u64) -> Result<(), String> {
    if answer["statusCode"] == status {
        Ok(())
    } else {
        Err(answer.to_string())
    }
}

/// The gateways as a function is configured with them.
pub async fn gateways(gateway: &GatewayStub) -> Gateways {
    let variables = gateway.variables("https://shop.test/paid");
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut environment = Environment::of(&variables);
    let config = GatewaysConfig::read(&mut environment);
    environment.finish().expect("all variables");
    config.open(&aws().await).await.expect("gateways")
}

pub async fn razorpay(gateway: &GatewayStub) -> Razorpay {
    let variables = gateway.razorpay_variables();
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let config = RazorpayConfig::read_if_any(&mut Environment::of(&variables)).expect("a key");
    config.open(&aws().await).await.expect("Razorpay")
}
