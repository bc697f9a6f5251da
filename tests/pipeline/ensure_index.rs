//! `ensure-index` on indexes that are absent, valid, unfinished, another session's, and forbidden by
//! duplicates.

use makegood::schema::{
    IndexOutcome, IndexReport, IndexState, SchemaError, UNIQUE_ACTIVE_PURCHASE, UNIQUE_INDEXES,
    UNIQUE_SESSION_SLOT, ensure_index, index_state,
};
use makegood_tests::database::TestDatabase;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

const DROP: &str = "DROP INDEX IF EXISTS unique_active_purchase";
pub const BUILD: &str = "CREATE UNIQUE INDEX CONCURRENTLY unique_active_purchase
    ON student_course_purchases (student_id, course_id) WHERE is_active";
const TWO_ACTIVE: &str = "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
    SELECT md5('student')::uuid, md5('course')::uuid, 10 FROM generate_series(1, 2)";
const ONE_INACTIVE: &str = "UPDATE student_course_purchases SET is_active = false
    WHERE ctid = (SELECT min(ctid) FROM student_course_purchases)";

/// A migrated database without the index.
pub async fn without_index() -> TestDatabase {
    let database = TestDatabase::create().await;
    database.run_sql(DROP).await;
    database
}

pub fn options(database: &TestDatabase) -> PgConnectOptions {
    database.direct_url().parse().unwrap()
}

pub async fn connect(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(&database.direct_url()).await.unwrap()
}

pub async fn ensure(database: &TestDatabase) -> IndexReport {
    ensure_index(&options(database), &UNIQUE_ACTIVE_PURCHASE, &|_| {})
        .await
        .unwrap()
}

pub async fn state(database: &TestDatabase) -> IndexState {
    let mut conn = makegood::db::Connection::direct(connect(database).await);
    let state = index_state(&mut conn, &UNIQUE_ACTIVE_PURCHASE).await.unwrap();
    conn.close().await;
    state
}

fn valid(name: &str) -> IndexState {
    IndexState::Valid {
        name: name.to_owned(),
    }
}

/// What a build over duplicates leaves behind: really invalid, made as it happens.
async fn plant_unfinished(database: &TestDatabase) {
    database.run_sql(TWO_ACTIVE).await;
    let mut conn = connect(database).await;
    let error = sqlx::raw_sql(BUILD).execute(&mut conn).await.unwrap_err();
    assert_eq!(
        error.as_database_error().unwrap().code().as_deref(),
        Some("23505")
    );
    conn.close().await.unwrap();
}

#[tokio::test]
async fn an_absent_index_is_built_and_enforces() {
    let database = without_index().await;
    assert_eq!(state(&database).await, IndexState::Absent);
    assert_eq!(ensure(&database).await.outcome, IndexOutcome::Built);
    assert_eq!(state(&database).await, valid("unique_active_purchase"));
    let mut conn = connect(&database).await;
    let error = sqlx::raw_sql(TWO_ACTIVE).execute(&mut conn).await.unwrap_err();
    assert_eq!(
        error.as_database_error().unwrap().constraint(),
        Some("unique_active_purchase")
    );
    conn.close().await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn a_valid_index_is_left_alone_whatever_its_name() {
    let database = without_index().await;
    database
        .run_sql(
            "CREATE UNIQUE INDEX of_the_school ON student_course_purchases (course_id, student_id) INCLUDE (id)
             WHERE is_active = true",
        )
        .await;
    for _ in 0..2 {
        let report = ensure(&database).await;
        assert_eq!(
            (report.outcome, report.serving.as_deref()),
            (IndexOutcome::AlreadyValid, Some("of_the_school"))
        );
    }
    assert_eq!(
        database
            .count("SELECT count(*) FROM pg_class WHERE relname LIKE 'unique_active_purchase%'")
            .await,
        0
    );
    database.drop().await;
}

#[tokio::test]
async fn every_constraint_of_a_migrated_database_is_there_already() {
    let database = TestDatabase::create().await;
    for spec in &UNIQUE_INDEXES {
        let report = ensure_index(&options(&database), spec, &|_| {}).await.unwrap();
        assert_eq!(report.outcome, IndexOutcome::AlreadyValid, "{report:?}");
    }
    database.drop().await;
}

#[tokio::test]
async fn an_unfinished_index_is_dropped_and_built_again() {
    let database = without_index().await;
    plant_unfinished(&database).await;
    assert_eq!(
        state(&database).await,
        IndexState::Invalid {
            name: "unique_active_purchase".to_owned()
        }
    );
    database.run_sql(ONE_INACTIVE).await;
    let report = ensure(&database).await;
    assert_eq!(report.outcome, IndexOutcome::Rebuilt);
    assert_eq!(report.dropped_invalid, ["unique_active_purchase"]);
    assert_eq!(state(&database).await, valid("unique_active_purchase"));
    database.drop().await;
}

#[tokio::test]
async fn duplicates_are_listed_and_nothing_unfinished_stays() {
    let database = without_index().await;
    plant_unfinished(&database).await;
    let report = ensure(&database).await;
    assert_eq!(
        (report.outcome, report.serving.as_deref()),
        (IndexOutcome::Duplicates, None)
    );
    let duplicates = report.duplicates.clone().unwrap();
    assert_eq!((duplicates.groups, duplicates.rows), (1, 2));
    assert_eq!(duplicates.listed[0].ids.len(), 2);
    assert!(
        duplicates.listed[0].key[0].starts_with("student_id="),
        "{duplicates:?}"
    );
    assert!(report.warnings()[0].contains("`makegood ensure-index unique_active_purchase`"));
    assert_eq!(state(&database).await, IndexState::Absent);
    database.drop().await;
}

#[tokio::test]
async fn many_duplicates_are_counted_and_the_worst_listed() {
    let database = without_index().await;
    database
        .run_sql(
            "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
             SELECT md5('student' || n)::uuid, md5('course')::uuid, 10
             FROM generate_series(1, 50) n, generate_series(1, 1 + n)",
        )
        .await;
    let duplicates = ensure(&database).await.duplicates.unwrap();
    assert_eq!(
        (duplicates.groups, duplicates.rows, duplicates.listed.len()),
        (50, 1325, 20)
    );
    assert_eq!(
        (duplicates.listed[0].rows, duplicates.listed[0].ids.len()),
        (51, 10)
    );
    database.drop().await;
}

/// Each has the name and does not do the work; none may be lost, for a person made it.
#[tokio::test]
async fn a_wrongly_defined_index_stays_and_the_right_one_is_built_beside_it() {
    for (kind, definition) in [
        ("INDEX", "(student_id, course_id) WHERE is_active"),
        ("UNIQUE INDEX", "(student_id, course_id)"),
        ("UNIQUE INDEX", "(student_id, course_id) WHERE is_active IS TRUE"),
        ("UNIQUE INDEX", "(student_id, course_id) WHERE NOT is_active"),
        ("UNIQUE INDEX", "(student_id) WHERE is_active"),
        ("UNIQUE INDEX", "(student_id, (course_id::text)) WHERE is_active"),
        ("UNIQUE INDEX", "(student_id, course_id, id) WHERE is_active"),
        (
            "UNIQUE INDEX",
            "(student_id, course_id) NULLS NOT DISTINCT WHERE is_active",
        ),
    ] {
        let wrong = format!("CREATE {kind} unique_active_purchase ON student_course_purchases {definition}");
        let database = without_index().await;
        database.run_sql(&wrong).await;
        assert!(
            matches!(state(&database).await, IndexState::WrongDefinition { .. }),
            "{wrong}"
        );
        let report = ensure(&database).await;
        assert_eq!(report.outcome, IndexOutcome::Built, "{wrong}");
        assert_eq!(report.wrongly_defined[0].name, "unique_active_purchase");
        assert!(
            report.warnings()[0].contains("DROP INDEX CONCURRENTLY unique_active_purchase"),
            "{report:?}"
        );
        assert_eq!(state(&database).await, valid("unique_active_purchase_makegood"));
        assert_eq!(ensure(&database).await.outcome, IndexOutcome::AlreadyValid);
        assert_eq!(
            database
                .count("SELECT count(*) FROM pg_class WHERE relname = 'unique_active_purchase'")
                .await,
            1
        );
        database.drop().await;
    }
}

#[tokio::test]
async fn a_name_that_is_no_index_at_all_is_left_alone_too() {
    let database = without_index().await;
    database
        .run_sql("CREATE TABLE unique_active_purchase (); CREATE TABLE unique_active_purchase_makegood ()")
        .await;
    let error = ensure_index(&options(&database), &UNIQUE_ACTIVE_PURCHASE, &|_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, SchemaError::NamesTaken { .. }), "{error}");
    database
        .run_sql("DROP TABLE unique_active_purchase_makegood")
        .await;
    assert_eq!(
        ensure(&database).await.serving.as_deref(),
        Some("unique_active_purchase_makegood")
    );
    database.drop().await;
}

/// Postgres refuses a deferrable constraint as an arbiter.
#[tokio::test]
async fn a_deferrable_constraint_does_not_count() {
    let database = TestDatabase::create().await;
    database
        .run_sql(
            "DROP INDEX unique_session_slot; ALTER TABLE tutoring_sessions
             ADD CONSTRAINT slot UNIQUE (allocation_id, scheduled_date, scheduled_time) DEFERRABLE",
        )
        .await;
    let mut conn = makegood::db::Connection::direct(connect(&database).await);
    assert_eq!(
        index_state(&mut conn, &UNIQUE_SESSION_SLOT).await.unwrap(),
        IndexState::Absent
    );
    conn.close().await;
    database.drop().await;
}

#[tokio::test]
async fn without_its_table_the_next_step_is_migrate() {
    let database = TestDatabase::create_empty().await;
    let error = ensure_index(&options(&database), &UNIQUE_ACTIVE_PURCHASE, &|_| {})
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`makegood migrate`"), "{error}");
    database.drop().await;
}
