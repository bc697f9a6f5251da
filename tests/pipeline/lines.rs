//! Every line that a function writes is one JSON object in which each key stands once, and an invocation that fails says why
//! under a code that stays the same.

use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::queues::sqs_event;
use makegood_tests::strict::object_with_each_key_once;
use serde_json::json;

/// Panics unless every line is an object with each key once, and every log line has the keys that filters go by.
fn assert_strict(environment: &Environment) -> usize {
    let lines = environment.lines();
    for line in &lines {
        let object = object_with_each_key_once(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        if object.contains_key("_aws") {
            continue;
        }
        for key in ["timestamp", "level", "function", "message"] {
            assert!(object.contains_key(key), "{key} is missing: {line}");
        }
    }
    lines.len()
}

#[tokio::test]
async fn every_line_of_a_run_is_an_object_with_each_key_once() {
    let course = Course::create().await;
    let away = [("REDIS_URL", "redis://127.0.0.1:1".to_owned())];
    // GIVEN payments, repeats, a message that is parked, sweeps that find something, a cache that is away
    let payment = Payment::new();
    payment.record(&course.database).await;
    let bodies = [
        payment.event().to_string(),
        payment.event().to_string(),
        "no JSON".to_owned(),
    ];
    let purchases = Environment::start("create-purchase", &course.variables()).await;
    for _ in 0..2 {
        let _ = purchases
            .invoke(sqs_event("purchase-confirmed", &bodies))
            .await
            .answer();
    }
    let cache = Environment::start("invalidate-cache", &course.variables_with(&away)).await;
    let _ = cache
        .invoke(course.cache_invalidation.receive_event(1).await)
        .await
        .answer();
    let sweep = course.environment_of("sweep").await;
    for name in [
        "outbox",
        "reconcile",
        "reservations",
        "stale-jobs",
        "health",
        "no such sweep",
    ] {
        sweep.invoke(json!({"sweep": name})).await;
    }
    // THEN each line of all of them is read without doubt
    let mut lines = 0;
    for environment in [purchases, cache, sweep] {
        environment.kill().await;
        lines += assert_strict(&environment);
    }
    assert!(lines > 15, "there was something to read: {lines}");
    course.database.drop().await;
}

#[tokio::test]
async fn an_invocation_that_fails_says_why_under_a_code_of_ours() {
    let course = Course::create().await;
    let sweep = course.environment_of("sweep").await;
    let code = |outcome: Outcome| match outcome {
        Outcome::FunctionError(error) => error["errorType"].as_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        code(sweep.invoke(json!({"sweep": "none"})).await),
        "unknown_sweep"
    );
    course
        .database
        .run_sql("ALTER TABLE outbox RENAME TO outbox_away")
        .await;
    assert_eq!(
        code(sweep.invoke(json!({"sweep": "outbox"})).await),
        "database_schema_drift"
    );
    let purchases = course.environment_of("create-purchase").await;
    assert_eq!(
        code(purchases.invoke(json!({"Records": 1})).await),
        "event_unreadable"
    );
    let door = course.environment_of("order-status").await;
    assert_eq!(code(door.invoke(json!([])).await), "request_unreadable");
    course.database.drop().await;
}
