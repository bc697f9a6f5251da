//! A dead letter that was sent back and fails once more is the same dead letter: it carried its mark all the way round.

use crate::operator::{Operator, purchase_created};
use chrono::Utc;
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::delivery::{Deadline, Failure, Parking, ReplayMark, Trigger};
use makegood_tests::queues::TestQueue;
use makegood_tests::recorder::Recorded;
use operate::audit::Act;
use operate::dead_letter::{DeadLetterId, Destinations, Edit, MOST_GENERATIONS, Replay, Replayer};
use park_dead_letters::ParkDeadLetters;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

pub const DEAD_LETTER_QUEUE: &str = "created-cache-dlq";

impl Operator {
    pub async fn replay(&self, id: DeadLetterId, forced: bool) -> Replay {
        let act = Act::new("asha", "once more").unwrap();
        self.replayer()
            .await
            .replay(id, None, forced, &act)
            .await
            .unwrap()
    }

    /// What was sent last.
    pub fn last_sent(&self) -> Recorded {
        self.queues.recorded().pop().expect("something was sent")
    }

    /// The message arrives at its function, which parks it; gives back what is in the dead-letter queue then.
    async fn function_parks(&self, message: &Recorded) -> Recorded {
        let (_, deliveries) = Trigger::decode(json!({"Records": [message.record("m")]})).unwrap();
        let parking = Parking {
            client: self.queues.client().await,
            queue_url: self.queues.queue_url(DEAD_LETTER_QUEUE),
            function_name: "allocate-trainer".to_owned(),
            function_version: "1".to_owned(),
        };
        let failure = Failure::retry("still_away", "the admin service is still away");
        let parked = parking.park(&deliveries[0], None, &failure, 5, Utc::now()).await;
        parked.unwrap();
        self.last_sent()
    }

    /// A message of the dead-letter queue is filed.
    pub async fn file(&self, message: &Recorded) {
        let filing = ParkDeadLetters {
            database: self.database.through_pooler(1),
            clock: Clock::System,
        };
        let event = json!({"Records": [message.record(&Uuid::new_v4().to_string())]});
        let answer = filing
            .handle(event, Deadline::after(Duration::from_secs(20)))
            .await;
        assert_eq!(answer.unwrap(), json!({"batchItemFailures": []}));
    }

    pub async fn only_dead_letter(&self) -> Value {
        self.row("SELECT id, status, replay_count, claimed_until, error_code, attempts, raw, document, replayed_at FROM dead_letters")
            .await
    }
}

#[tokio::test]
async fn a_dead_letter_that_keeps_coming_back_is_one_dead_letter_and_is_refused_after_five_times() {
    // GIVEN a dead letter whose cause is not fixed
    let operator = Operator::open().await;
    let raw = purchase_created().to_string();
    let id = operator.dead_letter("created-cache", &raw).await;
    for generation in 1..=MOST_GENERATIONS {
        // WHEN it is replayed, fails and is filed
        let outcome = operator.replay(id, false).await;
        let queue = "created-cache".to_owned();
        assert_eq!(outcome, Replay::Sent { queue, generation });
        let parked = operator.function_parks(&operator.last_sent()).await;
        operator.file(&parked).await;

        // THEN it is the same dead letter, parked, with why it failed this time and each time before
        let dead_letter = operator.only_dead_letter().await;
        assert_eq!(dead_letter["id"], id.to_string());
        assert_eq!(
            (&dead_letter["status"], &dead_letter["replay_count"]),
            (&json!("parked"), &json!(generation))
        );
        assert_eq!(
            (&dead_letter["error_code"], &dead_letter["attempts"]),
            (&json!("still_away"), &json!(5))
        );
        let before = dead_letter["document"]["previousFailures"].as_array().unwrap();
        assert_eq!(before.len(), usize::try_from(generation).unwrap());
        assert_eq!(before[0]["errorCode"], "admin_unavailable");
        assert_eq!(dead_letter["raw"], raw);
    }

    // WHEN it is replayed a sixth time
    let sent = operator.queues.recorded().len();
    let name = id.to_string();
    let refused = operator
        .run(&["dead-letters", "replay", &name, "--reason", "r"])
        .await;

    // THEN it is refused, unless the operator insists, and that is on the record
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused
            .output
            .contains("replayed 5 times and came back each time"),
        "{refused:?}"
    );
    assert_eq!(operator.queues.recorded().len(), sent);
    operator
        .run(&[
            "dead-letters",
            "replay",
            &name,
            "--force",
            "--reason",
            "trainer added",
        ])
        .await
        .succeeded();
    let forced = "SELECT count(*) FROM audit_log WHERE details @> '{\"forced\": true, \"generation\": 6}'";
    assert_eq!(operator.count(forced).await, 1);
    operator.close().await;
}

#[tokio::test]
async fn the_mark_comes_through_a_real_queue_beside_the_body_as_it_was() {
    // GIVEN a dead letter of a queue of the real SQS API
    let operator = Operator::open().await;
    let queue = TestQueue::create("created-cache").await;
    let name = queue.url.rsplit('/').next().unwrap();
    let raw = purchase_created().to_string();
    let id = operator.dead_letter(name, &raw).await;
    let replayer = Replayer {
        database: operator.database.through_pooler(1),
        sqs: queue.client.clone(),
        destinations: Destinations::read(&Environment::of(&[("QUEUE_URL_PURCHASE_CREATED", &queue.url)])),
        single_operator: false,
    };

    // WHEN it is replayed
    let act = Act::new("asha", "once more").unwrap();
    let outcome = replayer.replay(id, None, false, &act).await.unwrap();
    assert!(matches!(outcome, Replay::Sent { .. }), "{outcome:?}");

    // THEN its function receives the body byte for byte, and the mark with it
    let (_, deliveries) = Trigger::decode(queue.receive_event(1).await).unwrap();
    assert_eq!(deliveries[0].payload, Some(raw));
    let mark = ReplayMark {
        dead_letter_id: id.0,
        generation: 1,
    };
    assert_eq!(deliveries[0].replay, Some(mark));
    operator.close().await;
}

#[tokio::test]
async fn a_replayed_message_that_sqs_moves_by_itself_is_the_same_dead_letter() {
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await;
    let _ = operator.replay(id, false).await;
    let mut moved = operator.last_sent();
    moved.queue = DEAD_LETTER_QUEUE.to_owned();
    operator.file(&moved).await;
    let dead_letter = operator.only_dead_letter().await;
    assert_eq!(
        (&dead_letter["status"], &dead_letter["replay_count"]),
        (&json!("parked"), &json!(1))
    );
    assert_eq!(dead_letter["error_code"], "moved_by_sqs");
    operator.close().await;
}

#[tokio::test]
async fn a_dead_letter_that_fails_before_its_sender_could_mark_it_counts_once() {
    // GIVEN a sender that is killed after sending
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await;
    operator.queues.fall_silent_after(0);
    let mut victim = operator.start(&["dead-letters", "replay", &id.to_string(), "--reason", "r"]);
    operator.queues.reached(1).await;
    victim.kill().await.unwrap();
    operator.queues.answer_again();
    let dead_letter = operator.only_dead_letter().await;
    assert_eq!(
        (&dead_letter["status"], &dead_letter["replay_count"]),
        (&json!("parked"), &json!(0))
    );
    assert!(dead_letter["claimed_until"].is_string());

    // WHEN what it sent fails and is filed, twice, since queues deliver more than once
    let parked = operator.function_parks(&operator.last_sent()).await;
    operator.file(&parked).await;
    operator.file(&parked).await;

    // THEN it is parked in its first generation, free, and known to have been sent
    let dead_letter = operator.only_dead_letter().await;
    assert_eq!(
        (&dead_letter["status"], &dead_letter["replay_count"]),
        (&json!("parked"), &json!(1))
    );
    assert_eq!(
        dead_letter["document"]["previousFailures"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(dead_letter["claimed_until"].is_null() && dead_letter["replayed_at"].is_string());
    operator.close().await;
}

/// A replay whose queue takes the message and answers only its second try, and what happens between the two. Gives back how it ended.
async fn replay_around(operator: &Operator, id: DeadLetterId, between: impl AsyncFnOnce()) -> Option<i32> {
    operator.queues.fall_silent_after(0);
    let sender = operator.start(&["dead-letters", "replay", &id.to_string(), "--reason", "r"]);
    operator.queues.reached(1).await;
    operator.queues.answer_again();
    between().await;
    sender.wait_with_output().await.unwrap().status.code()
}

#[tokio::test]
async fn a_sender_marks_the_generation_that_it_sent_and_no_later_one() {
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await;
    // WHEN what was sent fails and is filed before its sender hears that it was sent
    let ended = replay_around(&operator, id, async || {
        let parked = operator.function_parks(&operator.last_sent()).await;
        operator.file(&parked).await;
    })
    .await;
    assert_eq!(ended, Some(0), "it was sent");
    // THEN it is parked, and not on its way
    let dead_letter = operator.only_dead_letter().await;
    assert_eq!(
        (&dead_letter["status"], &dead_letter["replay_count"]),
        (&json!("parked"), &json!(1))
    );
    operator.close().await;
}

#[tokio::test]
async fn a_sender_does_not_take_back_what_a_person_discarded_meanwhile() {
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await;
    let discard = "UPDATE dead_letters SET status = 'discarded', claimed_until = NULL";
    let ended = replay_around(&operator, id, async || operator.sql(discard).await).await;
    assert_eq!(ended, Some(0), "it was sent");
    assert_eq!(operator.only_dead_letter().await["status"], "discarded");
    operator.close().await;
}

#[tokio::test]
async fn a_sender_whose_claim_ended_does_not_free_the_claim_of_the_next() {
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await;
    let claim = "UPDATE dead_letters SET claimed_until = now() + interval '1 hour'";
    let ended = replay_around(&operator, id, async || {
        operator.queues.refuse(true);
        operator.sql(claim).await;
    })
    .await;
    assert_eq!(ended, Some(1), "it was not sent");
    assert!(operator.only_dead_letter().await["claimed_until"].is_string());
    operator.close().await;
}

#[tokio::test]
async fn a_late_copy_of_an_earlier_generation_changes_nothing() {
    // GIVEN a dead letter in its second generation, on its way
    let operator = Operator::open().await;
    let id = operator
        .dead_letter("created-cache", &purchase_created().to_string())
        .await;
    let _ = operator.replay(id, false).await;
    let first = operator.last_sent();
    let parked = operator.function_parks(&first).await;
    operator.file(&parked).await;
    let _ = operator.replay(id, false).await;

    // WHEN a copy of the first fails only now
    let late = operator.function_parks(&first).await;
    operator.file(&late).await;

    // THEN it stays on its way; and once discarded, no copy brings it back
    let dead_letter = operator.only_dead_letter().await;
    assert_eq!(
        (&dead_letter["status"], &dead_letter["replay_count"]),
        (&json!("replayed"), &json!(2))
    );
    operator.sql("UPDATE dead_letters SET status = 'discarded'").await;
    let mut third = first;
    third.attributes["makegoodReplay"]["stringValue"] = json!(format!("{id}:3"));
    let parked = operator.function_parks(&third).await;
    operator.file(&parked).await;
    assert_eq!(operator.only_dead_letter().await["status"], "discarded");
    operator.close().await;
}

#[tokio::test]
async fn a_marked_message_with_another_body_is_a_dead_letter_of_its_own() {
    // GIVEN a dead letter that was sent, came back, and was edited and sent again
    let operator = Operator::open().await;
    let (raw, fixed) = (purchase_created().to_string(), purchase_created().to_string());
    let id = operator.dead_letter("created-cache", &raw).await;
    let _ = operator.replay(id, false).await;
    let first = operator.last_sent();
    let parked = operator.function_parks(&first).await;
    operator.file(&parked).await;
    let act = Act::new("asha", "fixed").unwrap();
    let edit = Edit { body: fixed.clone() };
    let _ = operator
        .replayer()
        .await
        .replay(id, Some(&edit), false, &act)
        .await
        .unwrap();

    // WHEN a copy with the old body fails once more
    let late = operator.function_parks(&first).await;
    operator.file(&late).await;

    // THEN nothing was written over
    let bodies = operator
        .rows("SELECT raw FROM dead_letters ORDER BY parked_at")
        .await;
    let bodies: Vec<&str> = bodies.iter().map(|row| row["raw"].as_str().unwrap()).collect();
    assert_eq!(bodies, [fixed, raw]);

    // AND one that names the generation that is on its way leaves it there
    let mut forged = first;
    forged.attributes["makegoodReplay"]["stringValue"] = json!(format!("{id}:2"));
    let parked = operator.function_parks(&forged).await;
    operator.file(&parked).await;
    let on_its_way = format!("SELECT count(*) FROM dead_letters WHERE id = '{id}' AND status = 'replayed'");
    assert_eq!(operator.count(&on_its_way).await, 1);
    operator.close().await;
}
