//! What the binaries write for CloudWatch is true: a gauge by the run that measured it, every value of a histogram, and
//! alarms on silence that ring when a sweep is silent or fails, whatever other sweeps share its environment.

use crate::alarm::{Alarm, Minutes};
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::queues::sqs_event;
use serde_json::{Value, json};

/// One invocation: how it ended, and the documents that it wrote.
#[derive(Debug)]
struct Run {
    outcome: Outcome,
    documents: Vec<Value>,
}

/// Runs these sweeps in one environment, one after the other. Every line is written by the run that was under way, since a
/// run writes its documents before it answers.
async fn sweeps(environment: &Environment, names: &[&str]) -> Vec<Run> {
    let mut runs = Vec::new();
    for name in names {
        let before = environment.lines().len();
        let outcome = environment.invoke(json!({"sweep": name})).await;
        // The reader of its output may lag behind the answer; the next line that it writes is after all of this run's.
        let mark = environment
            .invoke(json!({"sweep": format!("no sweep after {name} {before}")}))
            .await;
        assert!(matches!(mark, Outcome::FunctionError(_)), "{mark:?}");
        environment.line(&format!("no sweep after {name} {before}")).await;
        let written = environment.lines().split_off(before);
        runs.push(Run {
            outcome,
            documents: documents(&written),
        });
    }
    runs
}

fn documents(lines: &[String]) -> Vec<Value> {
    let read = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    read.filter(|document| document.get("_aws").is_some()).collect()
}

/// The runs, by number, that wrote this metric.
fn writers(runs: &[Run], metric: &str) -> Vec<usize> {
    let writes = |run: &Run| {
        run.documents
            .iter()
            .any(|document| document.get(metric).is_some())
    };
    (0..runs.len()).filter(|index| writes(&runs[*index])).collect()
}

#[tokio::test]
async fn a_gauge_is_written_by_the_run_that_measured_it_and_by_no_other() {
    let course = Course::create().await;
    let environment = course.environment_of("sweep").await;
    let names = [
        "outbox",
        "reservations",
        "reconcile",
        "stale-jobs",
        "health",
        "outbox",
    ];
    let runs = sweeps(&environment, &names).await;
    for run in &runs {
        assert!(matches!(run.outcome, Outcome::Answered(_)), "{run:?}");
    }
    assert_eq!(writers(&runs, "OutboxBacklog"), [0, 5]);
    assert_eq!(writers(&runs, "OutboxOldestSeconds"), [0, 5]);
    assert_eq!(writers(&runs, "PaidUnfulfilled"), [2]);
    assert_eq!(writers(&runs, "AllocationsPending"), [2]);
    assert_eq!(writers(&runs, "SweepRuns"), [0, 1, 2, 3, 4, 5]);
    course.database.drop().await;
}

#[tokio::test]
async fn the_alarms_on_silence_ring_when_a_sweep_fails_or_stops_and_not_while_it_runs() {
    const SILENT_FROM: usize = 30;
    const LAST: usize = 59;
    let course = Course::create().await;
    let (one, two) = (
        course.environment_of("sweep").await,
        course.environment_of("sweep").await,
    );
    let sound = sweeps(&one, &["outbox", "reconcile", "reservations", "health"]).await;
    let beside = sweeps(&two, &["reservations"]).await;
    course
        .database
        .run_sql("ALTER TABLE outbox RENAME TO outbox_away")
        .await;
    let broken = sweeps(&one, &["outbox", "reservations", "health"]).await;
    assert!(
        matches!(broken[0].outcome, Outcome::FunctionError(_)),
        "{broken:?}"
    );
    assert!(matches!(broken[1].outcome, Outcome::Answered(_)), "{broken:?}");
    course
        .database
        .run_sql("ALTER TABLE outbox_away RENAME TO outbox")
        .await;

    // An hour: in its second half the outbox sweep fails each minute, and reconcile is not scheduled any more.
    let minutes: Minutes = (0..=LAST)
        .map(|minute| {
            let mut written = beside[0].documents.clone();
            let (runs, every_five) = if minute < SILENT_FROM {
                (&sound, minute % 5 == 0)
            } else {
                (&broken, false)
            };
            for (run, of_reconcile) in runs.iter().zip([false, minute < SILENT_FROM, false, false]) {
                if !of_reconcile || every_five {
                    written.extend(run.documents.clone());
                }
            }
            written
        })
        .collect();
    for (alarm, minutes_late) in [("SweepSilentAlarm", 5), ("ReconcileSilentAlarm", 15)] {
        let rings = Alarm::of_template(alarm);
        let quiet = (15..SILENT_FROM).filter(|minute| rings.rings_at(&minutes, *minute));
        assert_eq!(
            quiet.collect::<Vec<_>>(),
            Vec::<usize>::new(),
            "{alarm} rings while all is well"
        );
        let first = (SILENT_FROM..=LAST).find(|minute| rings.rings_at(&minutes, *minute));
        let first = first.unwrap_or_else(|| panic!("{alarm} never rings"));
        assert!(
            first < SILENT_FROM + minutes_late,
            "{alarm} rings at minute {first}"
        );
        let later: Vec<usize> = (first..=LAST)
            .filter(|minute| !rings.rings_at(&minutes, *minute))
            .collect();
        assert_eq!(
            later,
            Vec::<usize>::new(),
            "{alarm} stops ringing although nothing is well"
        );
    }
    course.database.drop().await;
}

#[tokio::test]
async fn an_old_measurement_rings_no_alarm_once_a_later_run_measured_better() {
    let course = Course::create().await;
    let environment = course.environment_of("sweep").await;
    let waiting = "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, created_at, claimed_until)
                   VALUES ('e', 'ANY', 'any', '{}', gen_random_uuid(), now() - interval '1 hour', now() + interval '1 hour')";
    course.database.run_sql(waiting).await;
    let stuck = sweeps(&environment, &["outbox", "reservations"]).await;
    course
        .database
        .run_sql("UPDATE outbox SET published_at = now()")
        .await;
    let mut after = sweeps(&environment, &["outbox", "reservations"]).await;
    let alarm = Alarm::of_template("OutboxStuckAlarm");
    let minutes: Minutes = stuck
        .into_iter()
        .chain(after.drain(..))
        .map(|run| run.documents)
        .collect();
    let rings: Vec<bool> = (0..4).map(|minute| alarm.rings_at(&minutes, minute)).collect();
    assert_eq!(
        rings,
        [true, false, false, false],
        "only what was measured in a minute counts for it"
    );
    course.database.drop().await;
}

#[tokio::test]
async fn each_of_three_hundred_latencies_of_one_batch_arrives() {
    const PAYMENTS: usize = 300;
    let course = Course::create().await;
    let environment = course.environment_of("create-purchase").await;
    let payments = Payment::several(PAYMENTS);
    Payment::record_all(&payments, &course.database).await;
    let bodies: Vec<String> = payments
        .iter()
        .map(|payment| payment.event().to_string())
        .collect();
    let answer = environment
        .invoke(sqs_event("purchase-confirmed", &bodies))
        .await
        .answer();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    environment.kill().await;
    let lines = environment.lines();
    let written = documents(&lines);
    let of_metric =
        |name: &str| -> Vec<&Value> { written.iter().filter_map(|document| document.get(name)).collect() };
    let latencies: Vec<&Vec<Value>> = of_metric("PaymentToPurchaseMillis")
        .into_iter()
        .filter_map(Value::as_array)
        .collect();
    assert!(
        latencies.iter().all(|values| values.len() <= 100),
        "CloudWatch reads a hundred a document"
    );
    assert_eq!(
        latencies.iter().map(|values| values.len()).sum::<usize>(),
        PAYMENTS
    );
    assert_eq!(of_metric("PurchasesCreated"), [&json!(PAYMENTS)], "counted once");
    let refused: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("\"level\":\"ERROR\""))
        .collect();
    assert_eq!(refused, Vec::<&String>::new());
    course.database.drop().await;
}
