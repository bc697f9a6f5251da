//! What `schedule-sessions` does with what can't have sessions, or can't be written.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod school;

use makegood::clock::Clock;
use makegood::delivery::{Consumer, Deadline, Disposition, Parking, Stage};
use makegood_tests::queues::{TestQueue, sqs_event};
use school::{School, THURSDAY_EVENING, id, records};
use serde_json::{Value, json};
use std::time::Duration;

fn a_while() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

#[tokio::test]
async fn what_can_not_have_sessions_says_why_and_its_neighbours_are_done() {
    let school = School::at(THURSDAY_EVENING).await;
    for n in 1..=6 {
        school.allocation(n, json!({})).await;
    }
    school
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET status = 'pending' WHERE id = '{}';
        UPDATE trainer_allocations SET status = 'cancelled' WHERE id = '{}';
        UPDATE trainer_allocations SET trainer_id = NULL WHERE id = '{}';
        UPDATE trainer_allocations SET course_id = NULL WHERE id = '{}'",
            id(2),
            id(3),
            id(4),
            id(5)
        ))
        .await;
    let bodies = school.allocated(1..=7, "2026-01-05").await;
    let results = school
        .scheduler()
        .process(&records(&bodies), a_while())
        .await
        .unwrap();
    let judged: Vec<_> = results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .err()
                .map(|failure| (failure.code, failure.disposition))
        })
        .collect();
    assert_eq!(
        judged,
        [
            None,
            Some(("allocation_pending", Disposition::Retry)),
            Some(("allocation_ended", Disposition::Acknowledge)),
            Some(("allocation_incomplete", Disposition::Retry)),
            Some(("allocation_incomplete", Disposition::Retry)),
            None,
            Some(("allocation_missing", Disposition::Retry)),
        ]
    );
    assert!(
        results[6]
            .as_ref()
            .unwrap_err()
            .reason
            .contains(&id(7).to_string())
    );
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM tutoring_sessions")
            .await,
        14
    );
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM processed_events")
            .await,
        3,
        "only what is done is marked"
    );
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.database.drop().await;
}

#[tokio::test]
async fn a_record_that_can_not_be_written_stands_alone() {
    let school = School::at(THURSDAY_EVENING).await;
    for n in 1..=5 {
        school.allocation(n, json!({})).await;
    }
    // GIVEN the database refuses the third
    school
        .database
        .run_sql(&format!(
            "ALTER TABLE tutoring_sessions ADD CONSTRAINT not_the_third CHECK (allocation_id <> '{}')",
            id(3)
        ))
        .await;
    let bodies = school.allocated(1..=5, "2026-01-05").await;
    let queue = TestQueue::create("dead-letters").await;
    let parking = Parking {
        client: queue.client.clone(),
        queue_url: queue.url.clone(),
        function_name: "schedule-sessions".to_owned(),
        function_version: "1".to_owned(),
    };
    let consumer = Consumer {
        stage: school.scheduler(),
        sqs: queue.client.clone(),
        parking: Some(parking),
        kafka_reads_partial: false,
        clock: Clock::System,
    };
    // WHEN
    let answer = consumer
        .handle(sqs_event("trainer-allocated", &bodies), a_while())
        .await
        .unwrap();
    // THEN it is parked, with its reason, and the others have their sessions
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let dead_letters = queue.drain().await;
    let dead_letter: Value = serde_json::from_str(&dead_letters[0]).unwrap();
    assert_eq!(
        (dead_letters.len(), dead_letter["errorCode"].as_str()),
        (1, Some("database_bad_data"))
    );
    assert_eq!(dead_letter["originalEvent"]["allocationId"], json!(id(3)));
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM tutoring_sessions")
            .await,
        28
    );
    school.database.drop().await;
}

#[tokio::test]
async fn sessions_mark_and_outbox_event_are_one_fact() {
    let school = School::at(THURSDAY_EVENING).await;
    school.allocation(1, json!({})).await;
    let event = school.allocated([1], "2026-01-05").await;
    for refuses in ["outbox", "processed_events"] {
        // GIVEN one of the three can't be written
        school
            .database
            .run_sql(&format!(
                "ALTER TABLE {refuses} ADD CONSTRAINT nothing CHECK (event_id IS NULL)"
            ))
            .await;
        let outcome = school.scheduler().process(&records(&event), a_while()).await;
        // THEN none of them is there
        assert_eq!(outcome.unwrap_err().code, "database_bad_data");
        let rows = "SELECT (SELECT count(*) FROM tutoring_sessions) + (SELECT count(*) FROM outbox) + (SELECT count(*) FROM processed_events)";
        assert_eq!(school.database.count(rows).await, 0, "with {refuses} refusing");
        school
            .database
            .run_sql(&format!("ALTER TABLE {refuses} DROP CONSTRAINT nothing"))
            .await;
    }
    school.database.drop().await;
}
