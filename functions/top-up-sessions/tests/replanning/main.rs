//! What becomes of sessions that were planned when their trainer, time, first day or calendar is changed: they are moved once, nothing is
//! planned twice, and what a person moved stays.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod changes;
mod closed;
mod leaving;
#[path = "../../../schedule-sessions/tests/school/mod.rs"]
mod school;
mod two_courses;

use chrono_tz::Tz;
use makegood::delivery::{Deadline, Stage};
use makegood::event::{Event, SessionsRescheduled};
use school::{NEXT_SEVEN, School, THURSDAY_EVENING, id, records};
use serde_json::json;
use std::time::Duration;
use top_up_sessions::{Input, Report, TopUp};

const NONE: Vec<String> = Vec::new();

async fn top_up(school: &School) -> Report {
    let top_up = TopUp {
        publisher: school.publisher(2),
        clock: school.clock,
        timezone: Tz::Asia__Kolkata,
        teaching_days: school.teaching_days,
        clash_rules: school.clash_rules.clone(),
    };
    let report = top_up
        .run(Input::default(), Deadline::after(Duration::from_secs(60)))
        .await
        .expect("the database answers");
    assert_eq!(report.failed, 0);
    report
}

async fn schedule(school: &School, allocation: u32) {
    let bodies = school.allocated([allocation], "2026-01-05").await;
    let results = school
        .scheduler()
        .process(&records(&bodies), Deadline::after(Duration::from_secs(30)))
        .await
        .expect("the batch is done");
    assert_eq!(results, [Ok(())]);
}

/// A school with a purchase of this many sessions and its allocation 1, whose window is planned.
async fn planned(tier: u32) -> School {
    let school = School::at(THURSDAY_EVENING).await;
    school.purchase(1, tier, json!({})).await;
    school.allocation(1, json!({"sessionCount": tier})).await;
    schedule(&school, 1).await;
    school
}

/// Allocation 1 is cancelled, and allocation 2 stands for the same student, with another trainer.
async fn another_trainer(school: &School, metadata: &serde_json::Value) {
    school
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET status = 'cancelled' WHERE id = '{}';
             INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
             SELECT '{}', student_id, md5('trainer2')::uuid, course_id, requested_by, 'approved', '{metadata}'
             FROM trainer_allocations WHERE id = '{}'",
            id(1),
            id(2),
            id(1),
        ))
        .await;
}

/// The events about moved sessions, in the order in which they were written.
async fn told(school: &School) -> Vec<SessionsRescheduled> {
    let payloads = school
        .texts("SELECT payload::text FROM outbox WHERE event_type = 'SESSIONS_RESCHEDULED' ORDER BY id")
        .await;
    let read = |payload: &String| match Event::parse(payload).expect("an event") {
        Event::SessionsRescheduled(event) => event,
        other => panic!("{other:?}"),
    };
    payloads.iter().map(read).collect()
}

async fn end(school: School) {
    assert_eq!(school.database.server_errors(), NONE);
    school.database.drop().await;
}
