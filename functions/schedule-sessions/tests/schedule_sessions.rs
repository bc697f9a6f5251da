//! What `schedule-sessions` promises, on a real database behind the pooler.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod school;

use makegood::delivery::{Consumer, Deadline, Disposition, Stage};
use makegood::event::SessionsGenerated;
use makegood_tests::queues::{kafka_event, sqs_event};
use school::{NEXT_SEVEN, School, THURSDAY_EVENING, id, records};
use serde_json::json;
use std::time::Duration;

fn a_while() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

/// Hands one batch with an event for each of these allocations to the stage; all must be done.
async fn schedule(school: &School, allocations: &[u32], start: &str) {
    let bodies = school.allocated(allocations.iter().copied(), start).await;
    let results = school
        .scheduler()
        .process(&records(&bodies), a_while())
        .await
        .expect("the batch is done");
    assert_eq!(results, vec![Ok(()); allocations.len()]);
}

async fn end(school: School) {
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.database.drop().await;
}

#[tokio::test]
async fn nothing_is_planned_beyond_the_end_of_the_purchase() {
    // GIVEN a purchase that ends with Tuesday, one that ended yesterday, one that was ended by hand, one that was renewed since, and one
    // that ends at infinity
    let school = School::at(THURSDAY_EVENING).await;
    for n in 1..=5 {
        school.allocation(n, json!({"sessionCount": 20})).await;
        school.purchase(n, 20, json!({})).await;
    }
    school
        .database
        .run_sql(
            "UPDATE student_course_purchases SET expiry_date = '2026-01-13T18:29:59Z' WHERE payment_id = md5('payment1')::uuid;
             UPDATE student_course_purchases SET expiry_date = '2026-01-07T18:29:59Z' WHERE payment_id = md5('payment2')::uuid;
             UPDATE student_course_purchases SET expiry_date = 'infinity' WHERE payment_id = md5('payment5')::uuid;
             UPDATE student_course_purchases SET is_active = false WHERE payment_id IN (md5('payment3')::uuid, md5('payment4')::uuid);
             INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
             VALUES (md5('student4')::uuid, md5('course')::uuid, 20)",
        )
        .await;
    // WHEN
    let bodies = school.allocated([1, 2, 3, 4, 5], "2026-01-05").await;
    let results = school
        .scheduler()
        .process(&records(&bodies), a_while())
        .await
        .expect("the batch is done");
    // THEN what has ended gets none, and is acknowledged
    assert_eq!(
        (&results[0], &results[1], &results[3]),
        (&Ok(()), &Ok(()), &Ok(()))
    );
    assert_eq!(results[4], Ok(()));
    let ended = results[2].as_ref().unwrap_err();
    assert_eq!(
        (ended.code, ended.disposition),
        ("purchase_ended", Disposition::Acknowledge)
    );
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN[..3]);
    assert_eq!(school.days(2, "scheduled").await, Vec::<String>::new());
    assert_eq!(school.days(3, "scheduled").await, Vec::<String>::new());
    assert_eq!(school.days(4, "scheduled").await, NEXT_SEVEN);
    assert_eq!(school.days(5, "scheduled").await, NEXT_SEVEN);
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM processed_events")
            .await,
        5
    );
    end(school).await;
}

#[tokio::test]
async fn an_event_from_before_an_extension_or_a_refund_plans_by_the_row() {
    // GIVEN sessions bought, some added or all but three taken since, and the event from before
    for (bought, now, changes, sessions) in [
        (3, 7, "purchase_extensions", 4),
        (20, 3, "purchase_reductions", 17),
    ] {
        let school = School::at(THURSDAY_EVENING).await;
        school.allocation(1, json!({"sessionCount": bought})).await;
        school.purchase(1, bought, json!({})).await;
        let bodies = school.allocated([1], "2026-01-05").await;
        school
            .database
            .run_sql(&format!(
                "UPDATE student_course_purchases SET purchase_tier = {now};
                 UPDATE trainer_allocations SET metadata = '{{\"sessionCount\": {now}}}';
                 INSERT INTO {changes} (payment_id, purchase_id, sessions)
                 SELECT gen_random_uuid(), id, {sessions} FROM student_course_purchases",
            ))
            .await;
        // WHEN
        let results = school
            .scheduler()
            .process(&records(&bodies), a_while())
            .await
            .expect("the batch is done");
        // THEN
        assert_eq!(results, [Ok(())], "{changes}");
        let days = school.days(1, "scheduled").await;
        assert_eq!(days, NEXT_SEVEN[..now.min(7)], "{changes}");
        end(school).await;
    }
}

#[tokio::test]
async fn an_allocated_trainer_becomes_seven_sessions_one_mark_and_one_outbox_event() {
    // GIVEN two allocations, one published by SQS and one by Kafka
    let (school, queue) = School::at(THURSDAY_EVENING).await.with_queue().await;
    for n in [1, 2] {
        school
            .allocation(n, json!({"timeSlot": "5:30 PM", "sessionCount": 20}))
            .await;
    }
    let consumer = Consumer {
        stage: school.scheduler(),
        sqs: queue.client.clone(),
        parking: None,
        kafka_reads_partial: false,
        clock: school.clock,
    };
    // WHEN both are delivered
    let bodies = school.allocated([1, 2], "2026-01-05").await;
    for event in [
        sqs_event("trainer-allocated", &bodies[..1]),
        kafka_event("trainer-allocated", &[Some(bodies[1].clone())]),
    ] {
        let answer = consumer.handle(event, a_while()).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    // THEN each has its seven sessions at its slot, of the row's people
    for n in [1, 2] {
        assert_eq!(school.days(n, "scheduled").await, NEXT_SEVEN);
    }
    let faithful =
        "SELECT count(*) FROM tutoring_sessions s JOIN trainer_allocations a ON a.id = s.allocation_id
        WHERE s.scheduled_time = '5:30 PM' AND s.duration = 40 AND s.student_id = a.student_id
          AND s.trainer_id = a.trainer_id AND s.course_id = a.course_id";
    assert_eq!(school.database.count(faithful).await, 14);
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM processed_events WHERE event_type = 'TRAINER_ALLOCATED'")
            .await,
        2
    );
    // THEN one event an allocation went out, and says what is there
    let bodies = queue.drain().await;
    assert_eq!(bodies.len(), 2);
    for body in bodies {
        let event = SessionsGenerated::parse(&body).unwrap();
        let n = if event.allocation_id.0 == id(1) { 1_u32 } else { 2 };
        let sessions = format!(
            "SELECT id::text FROM tutoring_sessions WHERE allocation_id = '{}' ORDER BY scheduled_date",
            id(n)
        );
        let ids: Vec<String> = event.session_ids.iter().map(ToString::to_string).collect();
        assert_eq!(ids, school.texts(&sessions).await);
        assert_eq!(
            event.envelope.event_id,
            format!("sessions-generated-{}-2026-01-09-2026-01-19", id(n))
        );
        assert_eq!(event.envelope.correlation().0.as_u128(), u128::from(n) << 64);
        assert_eq!(
            (event.session_count, event.start_date.to_string()),
            (7, "2026-01-09".to_owned())
        );
    }
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            .await,
        0
    );
    end(school).await;
}

#[tokio::test]
async fn a_redelivered_allocation_adds_nothing() {
    let school = School::at(THURSDAY_EVENING).await;
    school.allocation(1, json!({})).await;
    // GIVEN an event delivered twice in one batch WHEN the batch comes three times
    for _ in 0..3 {
        schedule(&school, &[1, 1], "2026-01-05").await;
    }
    // THEN
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    assert_eq!(school.database.count("SELECT count(*) FROM outbox").await, 1);
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM processed_events")
            .await,
        1
    );
    end(school).await;
}

#[tokio::test]
async fn a_window_that_lost_sessions_is_filled_again_by_a_replay() {
    let school = School::at(THURSDAY_EVENING).await;
    school.allocation(1, json!({})).await;
    schedule(&school, &[1], "2026-01-05").await;
    school
        .database
        .run_sql("UPDATE tutoring_sessions SET status = 'cancelled' WHERE scheduled_date = '2026-01-13'")
        .await;
    schedule(&school, &[1], "2026-01-05").await;
    let scheduled = school.days(1, "scheduled").await;
    assert_eq!(
        (scheduled.len(), scheduled.last().unwrap().as_str()),
        (7, "2026-01-20")
    );
    assert_eq!(school.days(1, "cancelled").await, ["2026-01-13"]);
    assert_eq!(school.database.count("SELECT count(*) FROM outbox").await, 2);
    end(school).await;
}

#[tokio::test]
async fn cancelled_completed_and_blacked_out_days_are_passed_over() {
    let school = School::at(THURSDAY_EVENING).await;
    school.allocation(1, json!({})).await;
    school
        .sessions(
            1,
            &[
                ("2026-01-07", "completed"),
                ("2026-01-09", "cancelled"),
                ("2026-01-12", "completed"),
            ],
        )
        .await;
    school.database.run_sql("INSERT INTO session_blackout_dates VALUES ('2026-01-14', 'Pongal'), ('2026-01-17', 'a Saturday')").await;
    schedule(&school, &[1], "2026-01-05").await;
    assert_eq!(
        school.days(1, "scheduled").await,
        [
            "2026-01-13",
            "2026-01-15",
            "2026-01-16",
            "2026-01-19",
            "2026-01-20",
            "2026-01-21",
            "2026-01-22"
        ]
    );
    end(school).await;
}

#[tokio::test]
async fn no_more_sessions_than_were_bought_and_a_cancelled_one_is_still_owed() {
    let school = School::at(THURSDAY_EVENING).await;
    // GIVEN ten bought: seven held or disputed or under way, one cancelled
    school.allocation(1, json!({"sessionCount": 10})).await;
    school
        .sessions(
            1,
            &[
                ("2025-12-29", "completed"),
                ("2025-12-30", "disputed"),
                ("2025-12-31", "pending_confirmation"),
                ("2026-01-01", "pending_verification"),
                ("2026-01-02", "completed"),
                ("2026-01-05", "cancelled"),
                ("2026-01-06", "completed"),
                ("2026-01-08", "in_progress"),
            ],
        )
        .await;
    // GIVEN one that has used up all
    school.allocation(2, json!({"sessionCount": "1"})).await;
    school.sessions(2, &[("2026-01-07", "completed")]).await;
    // WHEN
    schedule(&school, &[1, 2], "2025-12-29").await;
    // THEN
    assert_eq!(
        school.days(1, "scheduled").await,
        ["2026-01-09", "2026-01-12", "2026-01-13"]
    );
    assert_eq!(school.days(2, "scheduled").await, Vec::<String>::new());
    assert_eq!(school.database.count("SELECT count(*) FROM outbox").await, 1);
    end(school).await;
}

#[tokio::test]
async fn count_slot_and_start_come_from_the_allocation_then_the_purchase() {
    let school = School::at(THURSDAY_EVENING).await;
    let bought = json!({"timeSlot": "7:00 AM", "schedule": {"startDate": "2026-03-02"}});
    // GIVEN the allocation says it all
    school
        .allocation(
            1,
            json!({"sessionCount": 2, "timeSlot": "17:30", "startDate": "2026-02-02"}),
        )
        .await;
    school.purchase(1, 10, bought.clone()).await;
    // GIVEN only the purchase does
    school.allocation(2, json!({})).await;
    school.purchase(2, 10, bought).await;
    school
        .sessions(
            2,
            &[
                ("2026-01-05", "completed"),
                ("2026-01-06", "completed"),
                ("2026-01-07", "completed"),
                ("2026-01-08", "completed"),
            ],
        )
        .await;
    // GIVEN neither does, and the metadata is no object
    school.allocation(3, json!("late")).await;
    // WHEN the events say 19 January
    schedule(&school, &[1, 2, 3], "2026-01-19").await;
    // THEN
    let lines = |n| {
        format!(
            "SELECT scheduled_date || ' ' || scheduled_time FROM tutoring_sessions
        WHERE allocation_id = '{}' AND status = 'scheduled' ORDER BY 1",
            id(n)
        )
    };
    assert_eq!(
        school.texts(&lines(1)).await,
        ["2026-02-02 5:30 PM", "2026-02-03 5:30 PM"]
    );
    let second = school.texts(&lines(2)).await;
    assert_eq!(
        (second.len(), second[0].as_str()),
        (6, "2026-01-19 7:00 AM"),
        "ten bought, four held"
    );
    let third = school.texts(&lines(3)).await;
    assert_eq!((third.len(), third[0].as_str()), (7, "2026-01-19 4:00 PM"));
    end(school).await;
}

#[tokio::test]
async fn the_day_is_the_schools_where_it_differs_from_utcs() {
    // GIVEN Thursday 20:00 UTC, which is Friday 01:30 in Kolkata
    let school = School::at("2026-01-08T20:00:00Z").await;
    school.allocation(1, json!({})).await;
    school.allocation(2, json!({"timeSlot": "1:00 AM"})).await;
    schedule(&school, &[1, 2], "2026-01-01").await;
    // THEN Friday is today: its afternoon is ahead, its first hour is not, and Thursday is past
    assert_eq!(school.days(1, "scheduled").await[0], "2026-01-09");
    assert_eq!(school.days(2, "scheduled").await[0], "2026-01-12");
    end(school).await;
}
