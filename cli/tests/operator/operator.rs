//! An operator for one test: its database, queues that remember, and the command.

use makegood::config::Environment;
use makegood::db::Connection;
use makegood_tests::database::TestDatabase;
use makegood_tests::recorder::Recorder;
use operate::dead_letter::{DeadLetterId, Destinations, Replayer};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::process::Stdio;
use tokio::process::{Child, Command};
use uuid::Uuid;

pub struct Operator {
    pub database: TestDatabase,
    pub queues: Recorder,
}

/// How the command ended.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub output: String,
    pub errors: String,
}

impl Answer {
    /// The JSON on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl Operator {
    pub async fn open() -> Self {
        Self {
            database: TestDatabase::create().await,
            queues: Recorder::start().await,
        }
    }

    /// The queues of this deployment, as the environment names them.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let url = |name: &str| self.queues.queue_url(name);
        vec![
            ("QUEUE_URL_PURCHASE_CONFIRMED", url("purchase-confirmed")),
            (
                "QUEUE_URL_PURCHASE_CREATED",
                format!("{},{}", url("created-allocation"), url("created-cache")),
            ),
            ("JOBS_QUEUE_URL", url("jobs")),
        ]
    }

    /// The command, ready to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_makegood"));
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables())
            .env("DATABASE_URL", self.database.pooler_url())
            .env("AWS_ENDPOINT_URL", self.queues.endpoint())
            // Nothing answers there: the queues would count the question of who calls.
            .env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "000000000000")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("USER", "asha")
            .env("SINGLE_OPERATOR", "yes")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("the command starts")
    }

    pub async fn run(&self, arguments: &[&str]) -> Answer {
        let output = self.start(arguments).wait_with_output().await.unwrap();
        Answer {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The shared code that the command and the console stand on.
    pub async fn replayer(&self) -> Replayer {
        let variables = self.variables();
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        Replayer {
            database: self.database.through_pooler(2),
            sqs: self.queues.client().await,
            destinations: Destinations::read(&Environment::of(&variables)),
            single_operator: true,
        }
    }

    /// A parked dead letter of this queue with this body.
    pub async fn dead_letter(&self, source: &str, raw: &str) -> DeadLetterId {
        let id = Uuid::new_v4();
        let mut connection = self.connect().await;
        sqlx::query(
            "INSERT INTO dead_letters (id, source, message_id, failure_reason, error_code, raw, document, attempts)
             VALUES ($1, $2, $3, 'the admin service was away', 'admin_unavailable', $4, '{\"functionVersion\": \"7\"}', 3)",
        )
        .bind(id)
        .bind(source)
        .bind(id.to_string())
        .bind(raw)
        .execute(&mut connection)
        .await
        .unwrap();
        DeadLetterId(id)
    }

    pub async fn connect(&self) -> Connection {
        Connection::direct(PgConnection::connect(&self.database.direct_url()).await.unwrap())
    }

    pub async fn sql(&self, text: &str) {
        self.database.run_sql(text).await;
    }

    pub async fn count(&self, query: &str) -> i64 {
        self.database.count(query).await
    }

    /// The rows of a query, each as JSON.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let query = format!("SELECT to_jsonb(found) FROM ({query}) found");
        sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut self.connect().await)
            .await
            .unwrap()
    }

    /// The one row of a query.
    pub async fn row(&self, query: &str) -> Value {
        let mut rows = self.rows(query).await;
        assert_eq!(rows.len(), 1, "{query}");
        rows.remove(0)
    }

    pub async fn close(self) {
        self.database.drop().await;
    }
}

pub fn purchase_created() -> Value {
    json!({"type": "PURCHASE_CREATED", "purchaseId": Uuid::new_v4(), "studentId": Uuid::new_v4(), "courseId": Uuid::new_v4(),
           "purchaseTier": 30, "metadata": {}})
}
