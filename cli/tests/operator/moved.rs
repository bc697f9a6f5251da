//! Whoever moves a message, in any order: Makegood's replay, SQS by itself, a person with "Start DLQ redrive", a late copy.

use crate::again::DEAD_LETTER_QUEUE;
use crate::operator::{Operator, purchase_created};
use makegood::clock::Clock;
use makegood::delivery::{Consumer, Deadline, Failure, Parking, Record, Stage};
use makegood::event::{Envelope, EventError, PurchaseCreated};
use makegood_tests::recorder::Recorded;
use operate::dead_letter::{DeadLetterId, Replay};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// The function's queue.
const QUEUE: &str = "created-cache";

/// A stage whose service is away for as long as the test lasts.
struct Away;

impl Stage for Away {
    const NAME: &'static str = "allocate-trainer";
    const MAX_ATTEMPTS: u32 = 1;
    type Input = PurchaseCreated;

    fn read(&self, payload: &str) -> Result<PurchaseCreated, EventError> {
        PurchaseCreated::parse(payload)
    }

    fn envelope<'a>(&self, input: &'a PurchaseCreated) -> &'a Envelope {
        &input.envelope
    }

    async fn process(
        &self,
        records: &[Record<PurchaseCreated>],
        _: Deadline,
    ) -> Result<Vec<Result<(), Failure>>, Failure> {
        let away = || Err(Failure::retry("still_away", "the admin service is still away"));
        Ok(records.iter().map(|_| away()).collect())
    }
}

/// The messages of the two queues.
struct Queues {
    consumer: Consumer<Away>,
    /// In the function's queue.
    waiting: Vec<Recorded>,
    /// In its dead-letter queue.
    dead: Vec<Recorded>,
}

impl Queues {
    /// Empty ones, with the function between them.
    async fn of(operator: &Operator) -> Self {
        let client = operator.queues.client().await;
        let parking = Parking {
            client: client.clone(),
            queue_url: operator.queues.queue_url(DEAD_LETTER_QUEUE),
            function_name: Away::NAME.to_owned(),
            function_version: "1".to_owned(),
        };
        Self {
            consumer: Consumer {
                stage: Away,
                sqs: client,
                parking: Some(parking),
                kafka_reads_partial: true,
                clock: Clock::System,
            },
            waiting: Vec::new(),
            dead: Vec::new(),
        }
    }

    /// The function takes a message, fails, and parks it.
    async fn fail(&mut self, operator: &Operator, message: &Recorded) {
        let event = json!({"Records": [message.record(&Uuid::new_v4().to_string())]});
        let deadline = Deadline::after(Duration::from_secs(20));
        let answer = self.consumer.handle(event, deadline).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
        self.dead.push(operator.last_sent());
    }

    async fn step(&mut self, operator: &Operator, random: &mut StdRng, id: DeadLetterId) {
        let one_of = |messages: &[Recorded], random: &mut StdRng| {
            (!messages.is_empty()).then(|| random.random_range(0..messages.len()))
        };
        match random.random_range(0..6) {
            0 => {
                // What is on its way, or was taken back, is refused.
                if let Replay::Sent { .. } = operator.replay(id, true).await {
                    self.waiting.push(operator.last_sent());
                }
            }
            1 => {
                if let Some(at) = one_of(&self.waiting, random) {
                    let message = self.waiting.remove(at);
                    self.fail(operator, &message).await;
                }
            }
            // The function ended without an answer each time: SQS moves the message as it is.
            2 => {
                if let Some(at) = one_of(&self.waiting, random) {
                    let mut message = self.waiting.remove(at);
                    message.queue = DEAD_LETTER_QUEUE.to_owned();
                    self.dead.push(message);
                }
            }
            // A person moves a message back, which keeps body and attributes and gets another id.
            3 => {
                if let Some(at) = one_of(&self.dead, random) {
                    let mut message = self.dead.remove(at);
                    message.queue = QUEUE.to_owned();
                    self.waiting.push(message);
                }
            }
            4 => {
                if let Some(at) = one_of(&self.dead, random) {
                    let message = self.dead.remove(at);
                    operator.file(&message).await;
                }
            }
            _ => {
                if let Some(at) = one_of(&self.dead, random) {
                    self.dead.push(self.dead[at].clone());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_dead_letter_stays_one_and_is_never_lost_whoever_moves_its_message_in_any_order() {
    for seed in 1..=12 {
        // GIVEN a dead letter, and a cause that is not fixed
        let operator = Operator::open().await;
        let raw = purchase_created().to_string();
        let id = operator.dead_letter(QUEUE, &raw).await;
        let mut queues = Queues::of(&operator).await;
        let mut random = StdRng::seed_from_u64(seed);
        // WHEN its message is moved about, and in the end each copy fails and is filed
        for _ in 0..24 {
            queues.step(&operator, &mut random, id).await;
        }
        while let Some(message) = queues.waiting.pop() {
            queues.fail(&operator, &message).await;
        }
        while let Some(message) = queues.dead.pop() {
            operator.file(&message).await;
        }
        // THEN it is the one dead letter, it waits for a person, and its body is what it was
        let dead_letter = operator.only_dead_letter().await;
        assert_eq!(
            (&dead_letter["id"], &dead_letter["status"], &dead_letter["raw"]),
            (&json!(id.to_string()), &json!("parked"), &json!(raw)),
            "seed {seed}: {dead_letter}"
        );
        operator.close().await;
    }
}

#[tokio::test]
async fn a_message_that_was_never_filed_is_one_dead_letter_with_its_body_however_often_it_was_moved_back() {
    for times in 0..6 {
        let operator = Operator::open().await;
        let raw = purchase_created().to_string();
        let mut queues = Queues::of(&operator).await;
        let first = Recorded {
            queue: QUEUE.to_owned(),
            body: raw.clone(),
            attributes: json!({}),
        };
        queues.fail(&operator, &first).await;
        for _ in 0..times {
            let message = queues.dead.pop().unwrap();
            queues.fail(&operator, &message).await;
        }
        operator.file(&queues.dead.pop().unwrap()).await;
        let dead_letter = operator.only_dead_letter().await;
        assert_eq!(
            (&dead_letter["raw"], &dead_letter["error_code"]),
            (&json!(raw), &json!("still_away")),
            "{times}"
        );
        operator.close().await;
    }
}
