//! A record that makes the stage panic is parked alone, wherever it panics and whichever source delivers it.

use makegood::clock::Clock;
use makegood::delivery::{Consumer, DeadLetter, Deadline, Failure, Parking, Record, Stage};
use makegood::event::{Envelope, EventError};
use makegood_tests::queues::{TestQueue, kafka_event};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

/// A stage that does what a body says: `read:…` panics while it is read, `process:…` while the batch is processed.
#[derive(Default)]
struct Fragile {
    done: Mutex<BTreeSet<String>>,
}

struct Told {
    body: String,
    envelope: Envelope,
}

impl Stage for Fragile {
    const NAME: &'static str = "fragile";
    const MAX_ATTEMPTS: u32 = 3;
    type Input = Told;

    fn read(&self, payload: &str) -> Result<Told, EventError> {
        assert!(!payload.starts_with("read:"), "{payload} can't be read");
        let envelope = Envelope::read(None, payload, "correlation");
        Ok(Told {
            body: payload.to_owned(),
            envelope,
        })
    }

    fn envelope<'a>(&self, input: &'a Told) -> &'a Envelope {
        &input.envelope
    }

    async fn process(
        &self,
        records: &[Record<Told>],
        _: Deadline,
    ) -> Result<Vec<Result<(), Failure>>, Failure> {
        // Everything or nothing, as a transaction would have it.
        for record in records {
            assert!(
                !record.input.body.starts_with("process:"),
                "{} can't be done",
                record.input.body
            );
        }
        self.done
            .lock()
            .unwrap()
            .extend(records.iter().map(|record| record.input.body.clone()));
        Ok(records.iter().map(|_| Ok(())).collect())
    }
}

struct Panicky {
    consumer: Consumer<Fragile>,
    dead_letters: TestQueue,
}

async fn consumer() -> Panicky {
    let dead_letters = TestQueue::create("dead-letters").await;
    let parking = Parking {
        client: dead_letters.client.clone(),
        queue_url: dead_letters.url.clone(),
        function_name: "fragile".to_owned(),
        function_version: "7".to_owned(),
    };
    let sqs = dead_letters.client.clone();
    let stage = Fragile::default();
    let consumer = Consumer {
        stage,
        sqs,
        parking: Some(parking),
        kafka_reads_partial: false,
        clock: Clock::System,
    };
    Panicky {
        consumer,
        dead_letters,
    }
}

/// Bodies of a batch in which two records panic, neither at its edge.
fn bodies() -> Vec<String> {
    (0..13)
        .map(|number| match number {
            4 => "process:4".to_owned(),
            9 => "read:9".to_owned(),
            number => format!("fine:{number}"),
        })
        .collect()
}

impl Panicky {
    /// The whole batch is acknowledged, eleven are done, and two are parked with the panic's own words.
    async fn assert_only_the_guilty_are_parked(&self, answer: Value) {
        assert_eq!(answer, json!({"batchItemFailures": []}));
        let fine: BTreeSet<String> = bodies()
            .into_iter()
            .filter(|body| body.starts_with("fine"))
            .collect();
        assert_eq!(*self.consumer.stage.done.lock().unwrap(), fine);
        let mut dead_letters: Vec<DeadLetter> = self
            .dead_letters
            .drain()
            .await
            .iter()
            .map(|body| serde_json::from_str(body).unwrap())
            .collect();
        dead_letters.sort_by(|one, other| one.raw.cmp(&other.raw));
        let told: Vec<_> = dead_letters
            .iter()
            .map(|dead_letter| {
                (
                    dead_letter.raw.as_deref().unwrap(),
                    dead_letter.failure_reason.as_str(),
                    dead_letter.event_id.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (
                    "process:4",
                    "the handler panicked: process:4 can't be done",
                    Some("process:4")
                ),
                ("read:9", "the handler panicked: read:9 can't be read", None),
            ]
        );
        for dead_letter in &dead_letters {
            assert_eq!(
                (
                    dead_letter.error_code.as_str(),
                    dead_letter.permanent,
                    dead_letter.attempts
                ),
                ("panic", true, 1)
            );
            assert_eq!(
                (
                    dead_letter.function_name.as_str(),
                    dead_letter.function_version.as_str()
                ),
                ("fragile", "7")
            );
        }
    }
}

#[tokio::test]
async fn an_sqs_message_that_makes_the_stage_panic_is_parked_alone() {
    let panicky = consumer().await;
    let queue = TestQueue::create("source").await;
    for body in bodies() {
        queue.send(body).await;
    }
    let event = queue.receive_event(20).await;
    let answer = panicky
        .consumer
        .handle(event, Deadline::after(Duration::from_secs(20)))
        .await
        .unwrap();
    panicky.assert_only_the_guilty_are_parked(answer).await;
}

#[tokio::test]
async fn a_kafka_record_that_makes_the_stage_panic_is_parked_alone() {
    let panicky = consumer().await;
    let values: Vec<Option<String>> = bodies().into_iter().map(Some).collect();
    let event = kafka_event("source", &values);
    let answer = panicky
        .consumer
        .handle(event, Deadline::after(Duration::from_secs(20)))
        .await
        .unwrap();
    panicky.assert_only_the_guilty_are_parked(answer).await;
}

#[tokio::test]
async fn a_kafka_record_that_can_not_be_done_in_time_is_returned_as_its_source_reads_it() {
    // GIVEN no time at all, and a stage that waits for ever
    struct Waiting;
    impl Stage for Waiting {
        const NAME: &'static str = "waiting";
        const MAX_ATTEMPTS: u32 = 1;
        type Input = Envelope;
        fn read(&self, payload: &str) -> Result<Envelope, EventError> {
            Ok(Envelope::read(None, payload, "correlation"))
        }
        fn envelope<'a>(&self, input: &'a Envelope) -> &'a Envelope {
            input
        }
        async fn process(
            &self,
            _: &[Record<Envelope>],
            _: Deadline,
        ) -> Result<Vec<Result<(), Failure>>, Failure> {
            std::future::pending().await
        }
    }
    let Panicky {
        consumer,
        dead_letters,
    } = consumer().await;
    let event = kafka_event("source", &[Some("a".to_owned()), Some("b".to_owned())]);
    for kafka_reads_partial in [true, false] {
        let Consumer {
            sqs, parking, clock, ..
        } = &consumer;
        let waiting = Consumer {
            stage: Waiting,
            sqs: sqs.clone(),
            parking: parking.clone(),
            kafka_reads_partial,
            clock: *clock,
        };
        // WHEN two records are delivered
        let answer = waiting
            .handle(event.clone(), Deadline::after(Duration::ZERO))
            .await;
        // THEN both come again, each by its place where that is read, else with the whole batch
        if kafka_reads_partial {
            let named = |offset| json!({"itemIdentifier": {"partition": "source-0", "offset": offset}});
            assert_eq!(
                answer.unwrap(),
                json!({"batchItemFailures": [named(0), named(1)]})
            );
        } else {
            assert_eq!(
                answer.unwrap_err().to_string(),
                "2 records are returned with their batch"
            );
        }
    }
    // AND nothing is parked, though this was the last attempt: nothing has failed
    assert!(dead_letters.drain().await.is_empty());
}
