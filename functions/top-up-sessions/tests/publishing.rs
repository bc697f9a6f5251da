//! Filling windows goes before publishing: a transport that hangs costs half of the time at most.
#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "../../schedule-sessions/tests/school/mod.rs"]
mod school;

use aws_sdk_sqs::config::Builder;
use chrono_tz::Tz;
use makegood::delivery::Deadline;
use makegood::outbox::{SqsTransport, Transport};
use makegood::school_days::TeachingDays;
use makegood_tests::queues;
use school::{School, THURSDAY_EVENING};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use top_up_sessions::{Input, TopUp};

#[tokio::test]
async fn a_transport_that_hangs_does_not_stop_the_refill() {
    // GIVEN an SQS that takes connections and never answers
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let client =
        aws_sdk_sqs::Client::from_conf(Builder::from(&queues::aws().await).endpoint_url(&address).build());
    let routes = HashMap::from([(
        "sessions-generated".to_owned(),
        vec![format!("{address}/0/queue")],
    )]);
    let mut school = School::at(THURSDAY_EVENING).await;
    school.transport = Transport::Sqs(SqsTransport::new(client, routes));
    // GIVEN three pages of empty windows
    school
        .database
        .run_sql(
            "INSERT INTO trainer_allocations (student_id, trainer_id, course_id, requested_by, status)
             SELECT md5('s' || n)::uuid, md5('t')::uuid, md5('c')::uuid, md5('s' || n)::uuid, 'approved'
             FROM generate_series(1, 2500) n",
        )
        .await;
    // WHEN
    let top_up = TopUp {
        publisher: school.publisher(2),
        clock: school.clock,
        timezone: Tz::Asia__Kolkata,
        teaching_days: TeachingDays::default(),
        clash_rules: school.clash_rules.clone(),
    };
    let allowed = Duration::from_secs(12);
    let started = Instant::now();
    let report = top_up
        .run(Input::default(), Deadline::after(allowed))
        .await
        .unwrap();
    // THEN all windows are full in time, and every event waits for the sweep
    assert!(
        report.finished && started.elapsed() < allowed,
        "{report:?} after {:?}",
        started.elapsed()
    );
    assert_eq!(report.sessions, 17_500);
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            .await,
        2_500
    );
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.database.drop().await;
}
