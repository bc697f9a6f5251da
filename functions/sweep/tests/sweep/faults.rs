//! A database that another team changes while the functions run: the next minute says so, with the cause and its cure.

use crate::bench::start_binary;
use makegood_tests::database::TestDatabase;
use serde_json::{Value, json};

/// The faults that a run of `health` logs, and the gauge that it sends. The process ends first, so that all it wrote is read.
async fn faults(database: &TestDatabase) -> (Vec<Value>, Value) {
    let environment = start_binary(&database.pooler_url()).await;
    environment.invoke(json!({"sweep": "health"})).await;
    let metrics = environment.line("\"DatabaseFaults\"").await;
    environment.kill().await;
    let metrics: Value = serde_json::from_str(&metrics).unwrap();
    let lines = environment.lines();
    let lines = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let faults = lines.filter(|line| line.get("cure").is_some()).collect();
    (faults, metrics["DatabaseFaults"].clone())
}

#[tokio::test]
async fn a_column_that_another_team_changes_is_named_with_its_cure_within_a_minute() {
    let database = TestDatabase::create().await;
    assert_eq!(faults(&database).await, (vec![], json!(0.0)));
    for (change, code, at) in [
        (
            "ALTER TABLE student_course_purchases ADD COLUMN channel text NOT NULL",
            "column-without-default",
            "student_course_purchases.channel",
        ),
        (
            "ALTER TABLE trainer_allocations ALTER COLUMN metadata TYPE json",
            "json-not-jsonb",
            "trainer_allocations.metadata",
        ),
        // What the run reads after that is an error, and the fault is named all the same.
        (
            "ALTER TABLE dead_letters RENAME COLUMN status TO state",
            "column-missing",
            "dead_letters.status",
        ),
    ] {
        database.run_sql(change).await;
        let (found, gauge) = faults(&database).await;
        assert_eq!(gauge, json!(1.0), "{change}");
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
            assert_eq!(faults(&database).await.1, json!(0.0), "{cure}");
        }
    }
    database.drop().await;
}
