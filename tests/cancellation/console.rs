//! The console's changes: a dead letter sent back, a job run again, a case resolved.

use crate::driver::{Scene, cut_everywhere};
use crate::parts::{Parts, deadline};
use admin::{Admin, Settings};
use aws_config::SdkConfig;
use makegood::config::Environment;
use makegood::db::Database;
use makegood::event::EventType;
use makegood_local::identity::{CONSOLE_CLIENT_ID, Issuer, Who};
use makegood_tests::course::Payment;
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::{TestQueue, aws};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const HOST: &str = "console.example";
const SECRET: &str = "a secret of the tests, long enough";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Replay,
    Retry,
    Resolve,
}

struct Console {
    change: Change,
    parts: Parts,
    queue: TestQueue,
    issuer: Issuer,
    aws: SdkConfig,
    cookie: String,
    csrf: String,
}

impl Console {
    async fn making(change: Change) -> Self {
        let issuer = Issuer::spawn().await.expect("the issuer listens");
        let mut console = Self {
            change,
            parts: Parts::with(&[EventType::PurchaseConfirmed]).await,
            queue: TestQueue::create("purchase-confirmed").await,
            cookie: format!("__Host-makegood={}", issuer.token(Who::Operator)),
            issuer,
            aws: aws().await,
            csrf: String::new(),
        };
        console.csrf = console.read_csrf().await;
        console
    }

    /// What this session's forms carry.
    async fn read_csrf(&self) -> String {
        let database = self.parts.database.through_pooler(1);
        let admin = self.open(database.clone()).await;
        let shown = admin
            .handle(self.request("GET", "/admin/jobs"), deadline())
            .await
            .expect("a page");
        database.close();
        let body = shown["body"].as_str().expect("a body");
        let (_, rest) = body
            .split_once("name=\"csrf\" value=\"")
            .expect("the page has a form");
        rest.split('"').next().expect("a value").to_owned()
    }

    fn request(&self, method: &str, path: &str) -> Value {
        json!({"version": "2.0", "routeKey": format!("{method} /admin/{{proxy+}}"), "rawPath": path, "rawQueryString": "",
               "headers": {"host": HOST, "origin": format!("https://{HOST}"), "sec-fetch-site": "same-origin",
                           "content-type": "application/x-www-form-urlencoded"},
               "cookies": [self.cookie], "isBase64Encoded": false,
               "requestContext": {"stage": "$default", "domainName": HOST, "http": {"method": method, "path": path}}})
    }

    fn insert(&self, row: &Payment) -> String {
        let id = row.id;
        match self.change {
            Change::Replay => {
                let source = self.queue.url.rsplit('/').next().unwrap_or_default();
                format!(
                    "INSERT INTO dead_letters (id, source, message_id, failure_reason, error_code, raw)
                     VALUES ('{id}', '{source}', '{id}', 'the database was away', 'database_unavailable', '{}');",
                    row.event()
                )
            }
            Change::Retry => format!(
                "INSERT INTO job_queue (id, job_type, payload, status, attempts, last_error, failed_at)
                 VALUES ('{id}', 'process_refund', '{{}}', 'failed', 3, 'out of stock', now());"
            ),
            Change::Resolve => format!(
                "INSERT INTO payment_cases (id, kind, subject, amount_cents, currency)
                 VALUES ('{id}', 'surplus_payment', 'payment:{id}', 499900, 'INR');"
            ),
        }
    }
}

impl Scene for Console {
    type Environment = Admin;
    /// A row to change, whose id is the payment's.
    type Delivery = Payment;

    fn name(&self) -> String {
        format!("admin {:?}", self.change)
    }

    fn database(&self) -> &TestDatabase {
        &self.parts.database
    }

    async fn plant(&self, _: u32) -> Payment {
        let row = Payment::new();
        self.database().run_sql(&self.insert(&row)).await;
        row
    }

    async fn open(&self, database: Database) -> Admin {
        let url = self.parts.database.pooler_url();
        let mut environment = Environment::of(&[
            ("DATABASE_URL", url.as_str()),
            ("OIDC_ISSUER", self.issuer.url.as_str()),
            ("OIDC_CLIENT_ID", CONSOLE_CLIENT_ID),
            ("CONSOLE_SECRET", SECRET),
            ("QUEUE_URL_PURCHASE_CONFIRMED", self.queue.url.as_str()),
        ]);
        let settings = Settings::read(&mut environment);
        environment.finish().expect("the environment is complete");
        let mut admin = Admin::open(settings, &self.aws).await.expect("the console opens");
        admin.database = database.clone();
        admin.replayer.database = database;
        admin
    }

    async fn deliver(&self, environment: &Admin, row: &Payment) -> Result<(), String> {
        let (id, body) = (row.id, row.event().to_string());
        let path = match self.change {
            Change::Replay => format!("/admin/dead-letters/{id}/replay"),
            Change::Retry => format!("/admin/jobs/{id}/retry"),
            Change::Resolve => format!("/admin/cases/{id}/resolve"),
        };
        let mut fields = vec![("csrf", self.csrf.as_str()), ("reason", "the cause is gone")];
        if self.change == Change::Replay {
            fields.push(("body", body.as_str()));
        }
        let form = reqwest::Url::parse_with_params("http://form/", fields).expect("fields");
        let mut request = self.request("POST", &path);
        request["body"] = json!(form.query().unwrap_or_default());
        let answer = environment.handle(request, deadline()).await;
        let answer = answer.map_err(|error| error.to_string())?;
        // A change that was made before is refused as such; whether it is there, the database says.
        match (self.change, answer["statusCode"].as_u64()) {
            (_, Some(303)) | (Change::Replay, Some(422)) => Ok(()),
            _ => Err(answer.to_string()),
        }
    }

    fn key(&self, row: &Payment) -> String {
        row.id.to_string()
    }

    /// A change counts with its record.
    async fn done(&self) -> BTreeSet<String> {
        let (table, changed) = match self.change {
            Change::Replay => ("dead_letters", "status = 'replayed' AND replay_count = 1"),
            Change::Retry => ("job_queue", "status IN ('pending', 'completed')"),
            Change::Resolve => ("payment_cases", "status = 'resolved'"),
        };
        self.parts
            .texts(&format!(
                "SELECT t.id::text FROM {table} t WHERE {changed} AND EXISTS (SELECT FROM audit_log a WHERE a.subject LIKE '%' || t.id)"
            ))
            .await
    }

    async fn leases_run_out(&self) {
        self.database()
            .run_sql("UPDATE dead_letters SET claimed_until = now() - interval '1 second' WHERE claimed_until IS NOT NULL")
            .await;
    }

    async fn settle(&self) {
        // This test has no worker that takes them.
        self.database()
            .run_sql(
                "UPDATE job_queue SET status = 'completed', completed_at = now() WHERE status = 'pending'",
            )
            .await;
    }
}

#[tokio::test]
async fn a_replay_cut_anywhere_loses_no_later_change() {
    cut_everywhere(&Console::making(Change::Replay).await, 1).await;
}

#[tokio::test]
async fn a_retry_cut_anywhere_loses_no_later_change() {
    cut_everywhere(&Console::making(Change::Retry).await, 1).await;
}

#[tokio::test]
async fn a_resolution_cut_anywhere_loses_no_later_change() {
    cut_everywhere(&Console::making(Change::Resolve).await, 1).await;
}
