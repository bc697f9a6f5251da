//! `park-dead-letters`: a message a delivery.

use crate::driver::{Scene, cut_everywhere};
use crate::parts::{Parts, acknowledged, deadline};
use makegood::clock::Clock;
use makegood::db::Database;
use makegood_tests::database::TestDatabase;
use makegood_tests::queues::sqs_event;
use park_dead_letters::ParkDeadLetters;
use serde_json::json;
use std::collections::BTreeSet;

struct DeadLetters(Parts);

impl Scene for DeadLetters {
    type Environment = ParkDeadLetters;
    type Delivery = String;

    fn name(&self) -> String {
        "park-dead-letters".to_owned()
    }

    // A connection and one statement.
    fn least_cut_points(&self) -> usize {
        3
    }

    fn database(&self) -> &TestDatabase {
        &self.0.database
    }

    async fn plant(&self, number: u32) -> String {
        format!("message-{number}")
    }

    async fn open(&self, database: Database) -> ParkDeadLetters {
        ParkDeadLetters {
            database,
            clock: Clock::System,
        }
    }

    async fn deliver(&self, environment: &ParkDeadLetters, id: &String) -> Result<(), String> {
        let mut event = sqs_event("purchase-confirmed-dlq", &["moved here by SQS".to_owned()]);
        event["Records"][0]["messageId"] = json!(id);
        let answer = environment.handle(event, deadline()).await;
        acknowledged(&answer.map_err(|error| error.to_string())?)
    }

    fn key(&self, id: &String) -> String {
        id.clone()
    }

    async fn done(&self) -> BTreeSet<String> {
        self.0.texts("SELECT message_id FROM dead_letters").await
    }
}

#[tokio::test]
async fn a_dead_letter_cut_anywhere_loses_no_later_one() {
    cut_everywhere(&DeadLetters(Parts::with(&[]).await), 1).await;
}
