//! Schools whose older tables are built otherwise, with times without zone or with partitions: they sell as any other does.

use crate::course::{Pipeline, SECRET, Source, webhook};
use makegood::schema::{IndexOutcome, MigrationReport, migrate};
use makegood_tests::course::{Course, Payment};
use makegood_tests::database::TestDatabase;
use makegood_tests::environment::Environment;
use makegood_tests::invariants::{Guarantee, assert_doctor_finds_no_breach, assert_hold};
use serde_json::{Value, json};

/// The older tables that Makegood writes, with the key of each.
const TABLES: [(&str, &str); 5] = [
    ("payments", "id"),
    ("student_course_purchases", "id"),
    ("processed_events", "event_id"),
    ("trainer_allocations", "id"),
    ("tutoring_sessions", "id"),
];
/// Every time of the older tables, as an ORM makes them.
const WITHOUT_ZONE: &str = "DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND data_type = 'timestamp with time zone' LOOP
      EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE timestamp', c.table_name, c.column_name);
    END LOOP; END $$;";
/// One with partitions that takes over the rows of the whole one, as its owner would make it.
const BY_KEY: &str = "ALTER TABLE :table RENAME TO whole;
    CREATE TABLE :table (LIKE whole INCLUDING DEFAULTS, PRIMARY KEY (:key)) PARTITION BY HASH (:key);
    CREATE TABLE :table_0 PARTITION OF :table FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE :table_1 PARTITION OF :table FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO :table SELECT * FROM whole; DROP TABLE whole CASCADE;";
const BY_TIME: &str = "ALTER TABLE :table RENAME TO whole;
    CREATE TABLE :table (LIKE whole INCLUDING DEFAULTS, PRIMARY KEY (:key, created_at)) PARTITION BY RANGE (created_at);
    CREATE TABLE :table_old PARTITION OF :table FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
    CREATE TABLE :table_new PARTITION OF :table FOR VALUES FROM ('2026-01-01') TO (MAXVALUE) PARTITION BY HASH (:key);
    CREATE TABLE :table_new_0 PARTITION OF :table_new FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE :table_new_1 PARTITION OF :table_new FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO :table SELECT * FROM whole; DROP TABLE whole CASCADE;";

/// The older system's tables, empty and changed by this.
async fn older_system(change: &str) -> TestDatabase {
    let database = TestDatabase::create_empty().await;
    database
        .run_sql(include_str!("../fixtures/legacy-schema.sql"))
        .await;
    // The tables of students, courses and trainers are the school's; here they would want a row for each payment.
    database
        .run_sql(
            "DROP TABLE courses, students, trainers CASCADE;
             TRUNCATE payments, student_course_purchases, processed_events, trainer_allocations, tutoring_sessions",
        )
        .await;
    database.run_sql(change).await;
    database
}

/// This statement for each of the tables. An allocation is written by its id, which has to stay unique (`check-database` says so).
fn split(by: &str) -> String {
    let of = |(table, key): &(&str, &str)| {
        let by = if *table == "trainer_allocations" {
            BY_KEY
        } else {
            by
        };
        by.replace(":table", table).replace(":key", key)
    };
    TABLES.iter().map(of).collect()
}

async fn migrated(database: &TestDatabase) -> MigrationReport {
    migrate(&database.direct_url().parse().unwrap(), &|_| {})
        .await
        .unwrap()
}

fn outcomes(report: &MigrationReport, outcome: IndexOutcome) -> Vec<&str> {
    let of = report.indexes.iter().filter(|index| index.outcome == outcome);
    of.map(|index| index.index.as_str()).collect()
}

/// Three payments by webhook, each sent twice and to two environments at once; then every event a second time.
async fn sells(database: TestDatabase) -> Pipeline {
    let pipeline = Pipeline::of(Course::in_database(database).await, Source::Shuffled).await;
    let payments = Payment::several(3);
    for payment in &payments {
        payment.price(&pipeline.course.database).await;
    }
    let requests: Vec<Value> = payments
        .iter()
        .enumerate()
        .flat_map(|(number, payment)| vec![webhook(payment, number, SECRET); 2])
        .collect();
    let (first, second) = tokio::join!(pipeline.receive(&requests), pipeline.receive(&requests));
    assert_eq!((first, second), (vec![200; 6], vec![200; 6]));
    pipeline.make_good().await;
    for (rows, of) in [
        (3, "payments"),
        (3, "student_course_purchases"),
        (3, "trainer_allocations"),
        (21, "tutoring_sessions"),
    ] {
        let count = pipeline
            .course
            .database
            .count(&format!("SELECT count(*) FROM {of}"))
            .await;
        assert_eq!(count, rows, "{of}");
    }
    pipeline
}

/// A payment that another service recorded, at this time of its own clock.
async fn recorded_at(pipeline: &Pipeline, time: &str) {
    let payment = Payment::new();
    payment.price(&pipeline.course.database).await;
    payment.record(&pipeline.course.database).await;
    let sql = format!(
        "UPDATE payments SET confirmed_at = NULL, created_at = {time} WHERE id = '{}'",
        payment.id
    );
    pipeline.course.database.run_sql(&sql).await;
}

/// The payments for which `reconcile` sent an event.
async fn healed(pipeline: &Pipeline) -> u64 {
    let sweep = Environment::start("sweep", &pipeline.course.variables()).await;
    let answer = sweep.invoke(json!({"sweep": "reconcile"})).await.answer();
    answer["course"]["paymentsAnnounced"]
        .as_u64()
        .unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test]
async fn a_school_with_times_without_zone_sells() {
    let database = older_system(WITHOUT_ZONE).await;
    let report = migrated(&database).await;
    assert!(report.is_complete() && report.warnings.is_empty(), "{report:?}");
    sells(database).await.end(3).await;
}

#[tokio::test]
async fn a_payment_that_a_clock_in_another_zone_dated_is_found_at_once() {
    let database = older_system(WITHOUT_ZONE).await;
    migrated(&database).await;
    let pipeline = Pipeline::of(Course::in_database(database).await, Source::Sqs).await;
    // Ahead of UTC, as in Nepal, India and on the last island; behind it; a year mistyped by a hundred. Ten minutes are no zone.
    for zone in [
        "Asia/Kathmandu",
        "Asia/Kolkata",
        "Pacific/Kiritimati",
        "America/New_York",
        "Pacific/Niue",
    ] {
        recorded_at(&pipeline, &format!("now() AT TIME ZONE '{zone}'")).await;
    }
    recorded_at(&pipeline, "now() AT TIME ZONE 'UTC' + interval '100 years'").await;
    recorded_at(&pipeline, "now() AT TIME ZONE 'UTC' + interval '5 minutes'").await;
    assert_eq!(healed(&pipeline).await, 6);
    pipeline.course.sweep_outbox().await;
    pipeline.make_good().await;
    let purchases = "SELECT count(*) FROM student_course_purchases";
    assert_eq!(pipeline.course.database.count(purchases).await, 6);
    pipeline.course.database.drop().await;
}

#[tokio::test]
async fn a_school_with_partitioned_tables_sells() {
    for by in [BY_KEY, BY_TIME] {
        // GIVEN such tables WHEN they are migrated THEN what can't be unique is named, and all else is built
        let database = older_system(&split(by)).await;
        let report = migrated(&database).await;
        let left_out = [
            "unique_active_purchase",
            "unique_active_allocation",
            "unique_session_slot",
            "unique_provider_payment",
            "idx_processed_events_idempotency",
        ];
        assert_eq!(
            outcomes(&report, IndexOutcome::Partitioned),
            left_out,
            "{report:?}"
        );
        assert_eq!(report.warnings.len(), left_out.len(), "{report:?}");
        assert!(
            report.warnings[3].contains("payments is partitioned by"),
            "{report:?}"
        );
        let invalid = "SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready)";
        assert_eq!(database.count(invalid).await, 0);
        // AND a second run builds nothing
        let again = migrated(&database).await;
        assert_eq!(outcomes(&again, IndexOutcome::Built), Vec::<&str>::new());
        assert_eq!(again.warnings, report.warnings);
        // AND it sells, whoever is at it at the same time
        let pipeline = sells(database).await;
        if by == BY_KEY {
            pipeline.end(3).await;
        } else {
            // Where its key is not unique by itself, a mark of an event can be there twice, which says nothing else than once.
            let once = Guarantee::ALL
                .into_iter()
                .filter(|promised| *promised != Guarantee::NoDuplicates);
            assert_hold(&pipeline.course.database, &once.collect::<Vec<_>>()).await;
            assert_doctor_finds_no_breach(&pipeline.course.database).await;
            pipeline.course.database.drop().await;
        }
    }
}

#[tokio::test]
async fn an_index_that_a_migration_left_unfinished_on_partitions_is_finished() {
    let database = older_system(&split(BY_TIME)).await;
    migrated(&database).await;
    // GIVEN the table's own index without those of its partitions, and one of them unfinished
    database
        .run_sql(
            "DROP INDEX idx_purchases_payment;
             CREATE INDEX idx_purchases_payment ON ONLY student_course_purchases (payment_id) WHERE payment_id IS NOT NULL",
        )
        .await;
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready)";
    assert_eq!(database.count(invalid).await, 1);
    // WHEN it is migrated again THEN it is whole
    migrated(&database).await;
    assert_eq!(database.count(invalid).await, 0);
    let leaves = "SELECT count(*) FROM pg_indexes WHERE tablename LIKE 'student_course_purchases%' AND indexdef LIKE '%(payment_id) WHERE (payment_id IS NOT NULL)'";
    assert_eq!(database.count(leaves).await, 5);
    database.drop().await;
}

#[tokio::test]
async fn a_unique_index_that_names_the_partition_key_is_built_and_its_duplicates_are_told() {
    let marks = BY_KEY
        .replace(":table", "processed_events")
        .replace("PRIMARY KEY (:key)", "PRIMARY KEY (event_id, correlation_id)")
        .replace(":key", "correlation_id");
    let database = older_system(&marks).await;
    let mark = |event: &str| {
        format!(
            "INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
             VALUES ('{event}', 'PURCHASE_CONFIRMED', md5('a payment')::uuid, '{{}}', 'test')"
        )
    };
    database
        .run_sql(&format!("{}; {}", mark("one"), mark("two")))
        .await;
    let report = migrated(&database).await;
    assert_eq!(
        outcomes(&report, IndexOutcome::Duplicates),
        ["idx_processed_events_idempotency"]
    );
    assert!(
        report.warnings[0].contains("1 keys of processed_events have more than one row"),
        "{report:?}"
    );
    database
        .run_sql("DELETE FROM processed_events WHERE event_id = 'two'")
        .await;
    let report = migrated(&database).await;
    assert_eq!(
        outcomes(&report, IndexOutcome::Built),
        ["idx_processed_events_idempotency"]
    );
    let again = mark("three").replace(
        "'test')",
        "'test') ON CONFLICT (correlation_id, event_type) DO NOTHING",
    );
    database.run_sql(&again).await;
    assert_eq!(database.count("SELECT count(*) FROM processed_events").await, 1);
    database.drop().await;
}
