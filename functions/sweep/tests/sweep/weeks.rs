//! The days of the week on which a school teaches, as `reconcile` and the doctor look at them.

use crate::bench::Bench;
use chrono::{Datelike, TimeDelta};
use makegood::clock::Clock;
use operate::doctor::{self, Guarantee, Scope};
use uuid::Uuid;

#[tokio::test]
async fn a_day_that_is_left_for_a_session_is_a_teaching_day_and_so_is_the_end_date() {
    // GIVEN an allocation of two sessions without any, whose purchase leaves tomorrow alone for one
    let tomorrow = Clock::System.today(chrono_tz::Asia::Kolkata).succ_opt().unwrap();
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let (its_own, others): (Vec<&str>, Vec<&str>) = names
        .iter()
        .partition(|name| name.parse() == Ok(tomorrow.weekday()));
    let mut bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    bench.purchase(student, course, None, "1 day").await;
    let allocation = bench.allocation(student, course).await;
    let next_week = tomorrow + TimeDelta::days(7);
    bench
        .database
        .run_sql(&format!(
            "UPDATE student_course_purchases SET expiry_date = (date '{tomorrow}' + time '23:59:59') AT TIME ZONE 'Asia/Kolkata';
             UPDATE trainer_allocations SET metadata = metadata || '{{\"sessionCount\": 2}}';
             INSERT INTO session_blackout_dates VALUES ('{next_week}')"
        ))
        .await;
    // WHEN the school does not teach on that day of the week THEN nothing is missing, as doctor says too
    bench.sweep.teaching_days = others.join(",").parse().unwrap();
    assert_eq!(bench.reconcile().await["allocationsAnnounced"], 0);
    assert_eq!(missing(&bench).await, 0);
    // WHEN it teaches on no other THEN its event goes out, with the second open day of that week as the end, not the blackout day
    bench.sweep.teaching_days = its_own.join(",").parse().unwrap();
    assert_eq!(missing(&bench).await, 1);
    assert_eq!(bench.reconcile().await["allocationsAnnounced"], 1);
    let bodies = bench.queues["trainer-allocated"].drain().await;
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let event: serde_json::Value = serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!(event["allocationId"], serde_json::json!(allocation));
    let end = tomorrow + TimeDelta::days(14);
    assert_eq!(event["endDate"], serde_json::json!(end));
    bench.database.drop().await;
}

/// How many allocations lack sessions, as doctor counts them.
async fn missing(bench: &Bench) -> i64 {
    let scope = Scope {
        only: [Guarantee::G3].into(),
        now: Clock::System.now(),
        timezone: bench.sweep.timezone,
        teaching_days: bench.sweep.teaching_days,
        single_operator: false,
    };
    let report = doctor::check(&bench.sweep.publisher.database, &scope)
        .await
        .unwrap();
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.code == "sessions-missing")
        .map(|finding| finding.count)
        .sum()
}
