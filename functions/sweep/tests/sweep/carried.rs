//! What is sent can be carried: every character, and what no queue takes is parked and holds up no other.

use crate::bench::Bench;
use makegood_tests::sink::StrictSink;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The sweeps over an SQS that refuses what AWS refuses.
async fn strict() -> (Bench, StrictSink) {
    let (mut bench, sink) = (Bench::fresh().await, StrictSink::start().await);
    bench.sweep.publisher.transport = sink.transport("purchase-confirmed").await;
    (bench, sink)
}

async fn leave(bench: &Bench, texts: &[String]) {
    let events: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
    sqlx::query(
        "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id)
         SELECT 'event-' || n, 'PURCHASE_CONFIRMED', 'purchase-confirmed', payload, gen_random_uuid()
         FROM unnest($1::jsonb[]) WITH ORDINALITY AS e (payload, n)",
    )
    .bind(events)
    .execute(&bench.database.direct())
    .await
    .unwrap();
}

fn texts(sink: &StrictSink) -> BTreeSet<String> {
    let text = |body: String| serde_json::from_str::<Value>(&body).unwrap()["text"].clone();
    let texts = sink.bodies().into_iter().map(text);
    texts.map(|text| text.as_str().unwrap().to_owned()).collect()
}

async fn pauses_are_over(bench: &Bench) {
    bench
        .database
        .run_sql("UPDATE outbox SET claimed_until = NULL")
        .await;
}

#[tokio::test]
async fn every_character_that_a_row_can_hold_is_sent_at_the_first_attempt_and_read_back() {
    // GIVEN every Unicode scalar but NUL, which Postgres stores nowhere
    let (bench, sink) = strict().await;
    let all: Vec<char> = (char::MIN..=char::MAX).skip(1).collect();
    let sent: Vec<String> = all.chunks(4_096).map(|some| some.iter().collect()).collect();
    leave(&bench, &sent).await;
    // WHEN published to a queue that refuses what AWS refuses
    let done = bench.run("outbox").await;
    // THEN nothing is refused, and the reader sees what was written
    assert_eq!((&done["failed"], &done["backlog"]), (&json!(0), &json!(0)));
    assert_eq!(texts(&sink), sent.into_iter().collect());
    bench.database.drop().await;
}

#[tokio::test]
async fn what_no_queue_takes_is_parked_at_the_third_attempt_and_holds_up_no_other() {
    for (refused, why) in [
        ("x".repeat(1_048_576), "1048587 bytes"),
        (StrictSink::POISON.to_owned(), "InvalidMessageContents"),
    ] {
        // GIVEN an event that is refused for what is in it, among others
        let (bench, sink) = strict().await;
        let neighbours: Vec<String> = (0..25).map(|n| format!("neighbour {n}")).collect();
        let all = [
            &neighbours[..12],
            std::slice::from_ref(&refused),
            &neighbours[12..],
        ]
        .concat();
        leave(&bench, &all).await;
        for attempt in 1..=3 {
            // WHEN the sweep runs THEN all others are sent by its first run
            let done = bench.run("outbox").await;
            let published = if attempt == 1 { 25 } else { 0 };
            assert_eq!(done["published"], json!(published), "{why}, attempt {attempt}");
            assert_eq!(texts(&sink), neighbours.iter().cloned().collect());
            pauses_are_over(&bench).await;
        }
        // THEN a person has it, with the reason and all of its payload, and no sweep tries it again
        assert_eq!(bench.run("outbox").await["failed"], json!(0), "{why}");
        let pool = bench.database.direct();
        let parked: (String, String, String, i32, bool, String) = sqlx::query_as(
            "SELECT source, event_id, failure_reason, attempts, permanent, raw::jsonb ->> 'text' FROM dead_letters",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(
            (parked.0.as_str(), parked.1.as_str(), parked.3, parked.4),
            ("purchase-confirmed", "event-13", 3, true)
        );
        assert!(parked.2.contains(why), "{}", parked.2);
        assert_eq!(parked.5, refused);
        bench.database.drop().await;
    }
}
