//! A database that another team changes while the functions run: the next minute says so, with the cause and its cure.

use makegood::event::EventType;
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::queues::TestQueue;
use makegood_tests::setting;
use serde_json::{Value, json};

/// The built binary over this database.
async fn sweep_over(database: &TestDatabase) -> Environment {
    let queue = TestQueue::create("any").await;
    let mut variables = Variables::from([("DATABASE_URL".to_owned(), database.pooler_url())]);
    for event_type in EventType::ALL {
        let topic = event_type.topic().to_uppercase().replace('-', "_");
        variables.insert(format!("QUEUE_URL_{topic}"), queue.url.clone());
    }
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        variables.insert(name.to_owned(), setting(name));
    }
    Environment::start("sweep", &variables).await
}

/// The faults that a run of `health` logs, and the gauge that it sends.
async fn faults(environment: &Environment) -> (Vec<Value>, Vec<Value>) {
    let before = environment.lines().len();
    environment.invoke(json!({"sweep": "health"})).await;
    let lines = environment.lines().split_off(before);
    let lines: Vec<Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let gauges = lines
        .iter()
        .filter_map(|line| line.get("DatabaseFaults").cloned());
    let faults = lines.iter().filter(|line| line.get("cure").is_some());
    (faults.cloned().collect(), gauges.collect())
}

#[tokio::test]
async fn a_column_that_another_team_changes_is_named_with_its_cure_within_a_minute() {
    let database = TestDatabase::create().await;
    let environment = sweep_over(&database).await;
    assert_eq!(faults(&environment).await, (vec![], vec![json!(0.0)]));
    for (change, code, at) in [
        (
            "ALTER TABLE student_course_purchases ADD COLUMN channel text NOT NULL",
            "column-without-default",
            "student_course_purchases.channel",
        ),
        (
            "ALTER TABLE trainer_allocations ALTER COLUMN updated_at TYPE timestamp USING updated_at AT TIME ZONE 'UTC'",
            "time-without-zone",
            "trainer_allocations.updated_at",
        ),
        // What the run reads after that is an error, and the fault is named all the same.
        (
            "ALTER TABLE dead_letters RENAME COLUMN status TO state",
            "column-missing",
            "dead_letters.status",
        ),
    ] {
        database.run_sql(change).await;
        let (found, gauges) = faults(&environment).await;
        assert_eq!(gauges, [json!(1.0)], "{change}");
        assert_eq!(found.len(), 1, "{found:?}");
        let fault = &found[0];
        assert_eq!(
            (&fault["code"], &fault["at"]),
            (&json!(code), &json!(at)),
            "{fault}"
        );
        assert_eq!(fault["level"], "ERROR", "{fault}");
        let cure = fault["cure"].as_str().unwrap();
        if cure.starts_with("ALTER") {
            database.run_sql(cure).await;
            assert_eq!(faults(&environment).await.1, [json!(0.0)], "{cure}");
        }
    }
    drop(environment);
    database.drop().await;
}
