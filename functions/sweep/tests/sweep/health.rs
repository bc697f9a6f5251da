//! What the console's plots stand on: what waits is kept each minute, and what each sweep did.

use crate::bench::Bench;
use makegood::clock::Clock;
use makegood_tests::database::TestDatabase;
use operate::health::{Health, LatencyPoint, Range, history, last_runs, latest_runs};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

fn moment(text: &str) -> Clock {
    Clock::Fixed(text.parse().unwrap())
}

async fn at(database: TestDatabase, text: &str) -> Bench {
    let mut bench = Bench::over(database).await;
    bench.sweep.clock = moment(text);
    bench
}

async fn health(bench: &Bench, range: Range) -> Health {
    let mut connection = bench.sweep.publisher.database.acquire().await.unwrap();
    history(&mut connection, range, bench.sweep.clock.now())
        .await
        .unwrap()
}

/// The last two values of this line.
fn latest(health: &Health, name: &str) -> Vec<Option<i64>> {
    let lines = health.throughput.iter().chain(&health.gauges);
    let line = lines.into_iter().find(|series| series.name == name).unwrap();
    let values: Vec<_> = line.points.iter().map(|point| point.value).collect();
    values[values.len() - 2..].to_vec()
}

#[tokio::test]
async fn what_waits_is_kept_once_a_minute_and_the_worst_of_a_quarter_hour_is_shown() {
    // GIVEN three parked dead letters and a payment without purchase at 12:00, and one dead letter less at 12:05
    let bench = at(TestDatabase::create().await, "2031-06-02T12:00:10Z").await;
    bench
        .database
        .run_sql(
            "INSERT INTO dead_letters (source, message_id, failure_reason) SELECT 'q', n::text, 'x' FROM generate_series(1, 3) n;
             INSERT INTO payments (student_id, amount_cents, status, metadata, confirmed_at)
             VALUES (gen_random_uuid(), 1, 'succeeded', jsonb_build_object('courseId', gen_random_uuid()), '2031-06-02T11:50:10Z');
             INSERT INTO payment_cases (kind, subject) VALUES ('refund_due', 'pi_x')",
        )
        .await;
    let first = bench.run("health").await;
    assert_eq!(
        (
            &first["parked"],
            &first["paidUnfulfilled"],
            &first["paidUnfulfilledOldestSeconds"],
            &first["casesOpen"]
        ),
        (&json!(3), &json!(1), &json!(600), &json!(1))
    );
    let rows = bench.database.count("SELECT count(*) FROM health_samples").await;
    // WHEN it runs again within the minute THEN nothing is kept twice
    bench.run("health").await;
    assert_eq!(
        bench.database.count("SELECT count(*) FROM health_samples").await,
        rows
    );
    bench
        .database
        .run_sql("DELETE FROM dead_letters WHERE message_id = '1'")
        .await;
    let bench = at(bench.database, "2031-06-02T12:05:10Z").await;
    bench.run("health").await;
    // THEN the quarter of an hour shows the worst of it, and the one before, which was not sampled, shows nothing
    let shown = health(&bench, Range::Day).await;
    assert_eq!(latest(&shown, "parked"), [None, Some(3)]);
    assert_eq!(shown.now.parked, 2);
    bench.database.drop().await;
}

#[tokio::test]
async fn samples_buckets_and_runs_of_over_fourteen_days_ago_are_deleted_and_no_others() {
    let bench = at(TestDatabase::create().await, "2031-06-15T12:00:00Z").await;
    bench
        .database
        .run_sql(
            "INSERT INTO health_samples VALUES ('2031-06-01T11:59:00Z', 'parked', 1), ('2031-06-01T12:00:00Z', 'parked', 2);
             INSERT INTO sweep_runs (sweep, started_at, millis, done)
             VALUES ('outbox', '2031-06-01T11:59:00Z', 1, '{}'), ('outbox', '2031-06-01T12:00:00Z', 1, '{}');
             INSERT INTO health_buckets (step_seconds, at, name, count)
             VALUES (900, '2031-06-01T11:45:00Z', 'orders', 1), (900, '2031-06-01T12:00:00Z', 'orders', 1)",
        )
        .await;
    let done = bench.run("health").await;
    assert_eq!(done["deleted"], 3);
    let left = "SELECT (SELECT count(*) FROM health_samples WHERE at < '2031-06-05')
                     + (SELECT count(*) FROM health_buckets WHERE at < '2031-06-05')
                     + (SELECT count(*) FROM sweep_runs WHERE started_at < '2031-06-05')";
    assert_eq!(bench.database.count(left).await, 3);
    bench.database.drop().await;
}

#[tokio::test]
async fn each_run_of_a_sweep_is_kept_with_what_it_did_or_why_it_stopped() {
    let bench = Bench::fresh().await;
    bench.run("outbox").await;
    bench.run("reservations").await;
    let again = bench.run("outbox").await;
    // WHEN a sweep meets a database that lacks what it needs
    bench
        .database
        .run_sql("ALTER TABLE inventory_reservations RENAME TO elsewhere")
        .await;
    let deadline = makegood::delivery::Deadline::after(Duration::from_secs(10));
    let failed = bench
        .sweep
        .handle(&json!({"sweep": "reservations"}), deadline)
        .await;
    assert!(failed.is_err());
    // THEN the last run of each is there, newest first in the list, the failed one with its reason
    let mut connection = bench.sweep.publisher.database.acquire().await.unwrap();
    let latest = latest_runs(&mut connection).await.unwrap();
    let told: Vec<_> = latest
        .iter()
        .map(|run| (run.sweep.as_str(), run.done.is_some(), run.error.is_some()))
        .collect();
    assert_eq!(told, [("outbox", true, false), ("reservations", false, true)]);
    assert_eq!(latest[0].done.as_ref(), Some(&again));
    assert!(
        latest[1]
            .error
            .as_ref()
            .unwrap()
            .contains("inventory_reservations")
    );
    let all = last_runs(&mut connection, None, None, 10).await.unwrap();
    let names: Vec<_> = all.iter().map(|run| run.sweep.as_str()).collect();
    assert_eq!(names, ["reservations", "outbox", "reservations", "outbox"]);
    let older = last_runs(&mut connection, Some("outbox"), Some(all[1].id), 10)
        .await
        .unwrap();
    assert_eq!(older.iter().map(|run| run.id).collect::<Vec<_>>(), [all[3].id]);
    drop(connection);
    bench.database.drop().await;
}

#[tokio::test]
async fn throughput_and_durations_are_those_of_the_rows() {
    // GIVEN three payments in this quarter of an hour, made good after 1, 2 and 10 seconds, and an order after 3
    let bench = at(TestDatabase::create().await, "2031-06-02T12:14:00Z").await;
    for seconds in [1, 2, 10] {
        let (payment, student, course) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
        bench
            .database
            .run_sql(&format!(
                "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
                 VALUES ('{payment}', '{student}', 1, 'succeeded', '{{}}', '2031-06-02T12:01:00Z');
                 INSERT INTO student_course_purchases (student_id, course_id, payment_id, purchase_tier, created_at)
                 VALUES ('{student}', '{course}', '{payment}', 30, timestamptz '2031-06-02T12:01:00Z' + interval '{seconds} s')"
            ))
            .await;
    }
    bench
        .database
        .run_sql(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items)
             VALUES ('pi_1', gen_random_uuid(), 'esewa', 1, '[]');
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, verified_at)
             VALUES ('esewa', 'x', 'pi_1', 'success', '2031-06-02T11:59:59Z');
             INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents, created_at)
             VALUES ('ORD-1', gen_random_uuid(), 'pi_1', 'esewa', 1, 1, '2031-06-02T12:00:02Z')",
        )
        .await;
    // THEN day and week show them in their last bucket
    for range in [Range::Day, Range::Week] {
        let shown = health(&bench, range).await;
        assert_eq!(latest(&shown, "payments"), [Some(0), Some(3)]);
        assert_eq!(latest(&shown, "purchases"), [Some(0), Some(3)]);
        assert_eq!(latest(&shown, "orders"), [Some(0), Some(1)]);
        let last = |name: &str| -> LatencyPoint {
            let way = shown.latency.iter().find(|way| way.name == name).unwrap();
            *way.points.last().unwrap()
        };
        let course = last("payment_to_purchase");
        assert_eq!(
            (course.p50_millis, course.p95_millis),
            (Some(2_000), Some(10_000))
        );
        let shop = last("payment_to_order");
        assert_eq!((shop.p50_millis, shop.p95_millis), (Some(3_000), Some(3_000)));
    }
    bench.database.drop().await;
}

/// Purchases over the last week, some of them in the same minute, with and without payment; a payment without its purchase, and
/// orders.
const A_BUSY_WEEK: &str = "
    INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
    SELECT md5('payment' || n)::uuid, md5('student' || n)::uuid, 1, 'succeeded', '{}',
           timestamptz '2031-06-09T12:00:00Z' - n * interval '17 minutes'
    FROM generate_series(1, 600) n;
    INSERT INTO student_course_purchases (student_id, course_id, payment_id, purchase_tier, created_at)
    SELECT md5('student' || n)::uuid, md5('course')::uuid, CASE WHEN n % 7 > 0 THEN md5('payment' || n)::uuid END, 30,
           timestamptz '2031-06-09T12:00:00Z' - n * interval '17 minutes' + n % 50 * interval '70 milliseconds'
    FROM generate_series(1, 600) n;
    INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items)
    SELECT 'pi_' || n, gen_random_uuid(), 'esewa', 1, '[]' FROM generate_series(1, 200) n;
    INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, verified_at)
    SELECT 'esewa', 'txn-' || n, 'pi_' || n, 'success', timestamptz '2031-06-09T12:00:00Z' - n * interval '49 minutes'
    FROM generate_series(1, 200) n;
    INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents, created_at)
    SELECT 'ORD-' || n, gen_random_uuid(), 'pi_' || n, 'esewa', 1, 1,
           timestamptz '2031-06-09T12:00:00Z' - n * interval '49 minutes' + n % 9 * interval '300 milliseconds'
    FROM generate_series(1, 200) n;";

#[tokio::test]
async fn what_is_kept_of_a_week_is_what_its_rows_say() {
    // GIVEN what the rows of a busy week say, before anything of it is kept
    let bench = at(TestDatabase::create().await, "2031-06-09T12:07:00Z").await;
    bench.database.run_sql(A_BUSY_WEEK).await;
    let (day, week) = (
        health(&bench, Range::Day).await,
        health(&bench, Range::Week).await,
    );
    assert!(latest(&week, "purchases")[0] > Some(5), "{week:?}");
    // WHEN the sweep has kept all of it, a day of it a run
    let mut runs = 0;
    while bench.run("health").await["buckets"] != 0 {
        runs += 1;
    }
    assert_eq!(runs, 8, "seven days and what is counted again");
    // THEN the plots are the same, and they are without the rows of all buckets that are over
    let plots = |health: Health| (health.throughput, health.latency);
    for deleted in ["", "TRUNCATE payments, student_course_purchases, orders CASCADE"] {
        bench.database.run_sql(deleted).await;
        assert_eq!(plots(health(&bench, Range::Day).await), plots(day.clone()));
        assert_eq!(plots(health(&bench, Range::Week).await), plots(week.clone()));
    }
    bench.database.drop().await;
}

/// Payments in the quarter of an hour at noon, as they are kept.
const KEPT_AT_NOON: &str = "SELECT sum(count)::bigint FROM health_buckets
    WHERE name = 'payments' AND step_seconds = 900 AND at = '2031-06-02T12:00:00Z'";

/// A payment of 12:05, told now.
const PAID_AT_FIVE_PAST: &str = "
    INSERT INTO payments (student_id, amount_cents, status, metadata, confirmed_at)
    VALUES (gen_random_uuid(), 1, 'succeeded', '{}', '2031-06-02T12:05:00Z')";

async fn run_until_all_is_kept(database: TestDatabase, text: &str) -> Bench {
    let bench = at(database, text).await;
    while bench.run("health").await["buckets"] != 0 {}
    bench
}

#[tokio::test]
async fn a_bucket_is_kept_two_minutes_after_its_end_and_again_when_a_payment_was_told_late() {
    let database = TestDatabase::create().await;
    database.run_sql(PAID_AT_FIVE_PAST).await;
    // WHEN it ended less than two minutes ago THEN it is counted from the rows
    let bench = run_until_all_is_kept(database, "2031-06-02T12:16:59Z").await;
    let noon = "SELECT count(*) FROM health_buckets WHERE at = '2031-06-02T12:00:00Z'";
    assert_eq!(bench.database.count(noon).await, 0);
    assert_eq!(
        latest(&health(&bench, Range::Day).await, "payments"),
        [Some(1), Some(0)]
    );
    let bench = run_until_all_is_kept(bench.database, "2031-06-02T12:17:00Z").await;
    assert_eq!(bench.database.count(KEPT_AT_NOON).await, 1);
    // WHEN the webhook of another payment comes an hour late THEN the next bucket's run counts it
    let bench = run_until_all_is_kept(bench.database, "2031-06-02T13:02:00Z").await;
    bench.database.run_sql(PAID_AT_FIVE_PAST).await;
    let bench = run_until_all_is_kept(bench.database, "2031-06-02T13:17:00Z").await;
    assert_eq!(bench.database.count(KEPT_AT_NOON).await, 2);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_look_takes_unfulfilled_payments_from_a_sample_of_the_last_two_minutes_and_counts_them_otherwise() {
    // GIVEN a payment without purchase, sampled at noon, and made good a moment later
    let bench = at(TestDatabase::create().await, "2031-06-02T12:00:00Z").await;
    bench
        .database
        .run_sql(
            "INSERT INTO payments (student_id, amount_cents, status, metadata, confirmed_at)
             VALUES (gen_random_uuid(), 1, 'succeeded', jsonb_build_object('courseId', gen_random_uuid()), '2031-06-02T11:50:00Z')",
        )
        .await;
    bench.run("health").await;
    bench
        .database
        .run_sql(
            "INSERT INTO student_course_purchases (student_id, course_id, payment_id, purchase_tier)
             SELECT student_id, gen_random_uuid(), id, 30 FROM payments",
        )
        .await;
    for (moment, told) in [
        ("2031-06-02T12:01:59Z", (1, 600)),
        ("2031-06-02T12:02:00Z", (0, 0)),
    ] {
        let bench = at(bench.database.clone(), moment).await;
        let now = health(&bench, Range::Day).await.now;
        assert_eq!((now.paid_unfulfilled, now.paid_unfulfilled_oldest_seconds), told);
    }
    bench.database.drop().await;
}
