//! A student who was erased does not come back: every event that is delivered again is acknowledged, and no sweep makes anything.

use makegood_local::admin::{self, AdminService};
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::Outcome;
use makegood_tests::invariants::assert_doctor_finds_no_breach;
use makegood_tests::queues::sqs_event;
use operate::audit::Act;
use operate::privacy::{Erasing, Erasure, Person, erase};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// The stages in their order.
const STAGES: [&str; 3] = ["create-purchase", "allocate-trainer", "schedule-sessions"];

async fn erase_student(course: &Course, student: Uuid) -> Erasure {
    let database = course.database.through_pooler(2);
    let act = Act::new("asha", "request 4711").unwrap();
    let erasing = Erasing {
        database: &database,
        act: &act,
        also_open: true,
        now: chrono::Utc::now(),
        timezone: chrono_tz::Asia::Kolkata,
    };
    let erasure = erase(&erasing, Person::Student(student), false)
        .await
        .unwrap()
        .unwrap();
    database.close();
    erasure
}

async fn rows(course: &Course) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in [
        "payments",
        "student_course_purchases",
        "trainer_allocations",
        "tutoring_sessions",
        "outbox",
        "payment_cases",
    ] {
        counts.push(
            course
                .database
                .count(&format!("SELECT count(*) FROM {table}"))
                .await,
        );
    }
    counts
}

#[tokio::test]
async fn events_that_come_again_for_an_erased_student_are_acknowledged_and_make_nothing() {
    // GIVEN a course that was bought, with trainer and sessions
    let service = Arc::new(AdminService::with_trainer_count(5));
    let (admin_url, _) = admin::spawn(Arc::clone(&service)).await.unwrap();
    let mut course = Course::create().await;
    course.admin_url = admin_url;
    let payment = Payment::new();
    payment.record(&course.database).await;
    course.purchase_confirmed.send(&payment.event().to_string()).await;
    for stage in STAGES {
        course.run(stage).await;
    }
    let mut events: Vec<(&str, Value)> = vec![("create-purchase", payment.event())];
    for (stage, event_type) in [
        ("allocate-trainer", "PURCHASE_CREATED"),
        ("schedule-sessions", "TRAINER_ALLOCATED"),
    ] {
        let payload = format!("SELECT payload FROM outbox WHERE event_type = '{event_type}'");
        let payload: Value = sqlx::query_scalar(sqlx::AssertSqlSafe(payload))
            .fetch_one(&course.database.direct())
            .await
            .unwrap();
        events.push((stage, payload));
    }
    // WHEN the student is erased: the course ends, its event is published, and the next run finishes
    let first = erase_student(&course, payment.student_id).await;
    assert_eq!(first.left.len(), 1, "{first:?}");
    course.outbox_leases_run_out().await;
    assert_eq!(course.sweep_outbox().await, 1);
    let last = erase_student(&course, payment.student_id).await;
    assert_eq!(last.left, [], "{last:?}");
    assert_doctor_finds_no_breach(&course.database).await;
    let before = rows(&course).await;
    let asked = service.report().calls;
    // THEN every event that is delivered again is acknowledged
    for (stage, event) in &events {
        assert!(event.to_string().contains(&payment.student_id.to_string()));
        let environment = course.environment_of(stage).await;
        let mut invocation = sqs_event("queue", &[event.to_string()]);
        invocation["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!("9");
        let Outcome::Answered(answer) = environment.invoke(invocation).await else {
            panic!("{stage} died");
        };
        assert_eq!(answer["batchItemFailures"], json!([]), "{stage}");
    }
    assert_eq!(course.dead_letters.drain().await, Vec::<String>::new());
    // AND neither they nor the sweeps make or ask for anything
    for sweep in ["reconcile", "compare", "outbox"] {
        let done = course
            .environment_of("sweep")
            .await
            .invoke(json!({ "sweep": sweep }))
            .await;
        assert!(matches!(done, Outcome::Answered(_)), "{sweep}");
    }
    assert_eq!(rows(&course).await, before);
    assert_eq!(service.report().calls, asked);
    assert_doctor_finds_no_breach(&course.database).await;
    course.database.drop().await;
}

#[tokio::test]
async fn an_event_of_an_erased_student_whose_payment_is_not_here_makes_nothing_either() {
    let course = Course::create().await;
    let payment = Payment::new();
    payment.record(&course.database).await;
    course
        .database
        .run_sql("UPDATE payments SET status = 'failed'")
        .await;
    erase_student(&course, payment.student_id).await;
    let environment = course.environment_of("create-purchase").await;
    let unknown = Payment {
        id: Uuid::new_v4(),
        ..payment
    };
    let mut invocation = sqs_event("queue", &[unknown.event().to_string()]);
    invocation["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!("9");
    let answer = environment.invoke(invocation).await.answer();
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(course.dead_letters.drain().await, Vec::<String>::new());
    assert_eq!(
        course.database.count("SELECT count(*) FROM payment_cases").await,
        0
    );
    assert_eq!(
        course
            .database
            .count("SELECT count(*) FROM student_course_purchases")
            .await,
        0
    );
    course.database.drop().await;
}

#[tokio::test]
async fn a_student_who_is_erased_between_any_two_stages_gets_nothing_more_and_nothing_is_parked() {
    for cut in 0..=STAGES.len() {
        // GIVEN a payment that has come so far
        let service = Arc::new(AdminService::with_trainer_count(5));
        let (admin_url, _) = admin::spawn(Arc::clone(&service)).await.unwrap();
        let mut course = Course::create().await;
        course.admin_url = admin_url;
        let payment = Payment::new();
        payment.record(&course.database).await;
        course.purchase_confirmed.send(&payment.event().to_string()).await;
        for stage in &STAGES[..cut] {
            course.run(stage).await;
        }
        // WHEN the student is erased, and what is on its way arrives
        erase_student(&course, payment.student_id).await;
        for stage in STAGES {
            course.outbox_leases_run_out().await;
            course.sweep_outbox().await;
            course.run(stage).await;
        }
        // THEN the next run finishes, whatever the sweeps did meanwhile
        for sweep in ["reconcile", "compare", "outbox"] {
            let environment = course.environment_of("sweep").await;
            let done = environment.invoke(json!({ "sweep": sweep })).await;
            assert!(matches!(done, Outcome::Answered(_)), "{cut} {sweep}");
        }
        course.outbox_leases_run_out().await;
        course.sweep_outbox().await;
        let last = erase_student(&course, payment.student_id).await;
        assert_eq!(last.left, [], "{cut}: {last:?}");
        for what in [
            "student_course_purchases WHERE is_active",
            "tutoring_sessions WHERE status = 'scheduled'",
            "trainer_allocations WHERE status IN ('pending', 'approved', 'active')",
        ] {
            let left = course
                .database
                .count(&format!("SELECT count(*) FROM {what}"))
                .await;
            assert_eq!(left, 0, "{cut}: {what}");
        }
        assert_eq!(course.dead_letters.drain().await, Vec::<String>::new(), "{cut}");
        assert_doctor_finds_no_breach(&course.database).await;
        assert_eq!(course.database.server_errors(), Vec::<String>::new(), "{cut}");
        course.database.drop().await;
    }
}
