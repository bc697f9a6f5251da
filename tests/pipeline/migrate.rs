//! Migrating: from nothing, over the older system's tables, twice, and by several at once.

use makegood::schema::{
    IndexOutcome, MANAGED_INDEXES, MigrationReport, SchemaError, migrate, missing_columns,
};
use makegood_tests::database::TestDatabase;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const LEGACY: &str = include_str!("../fixtures/legacy-schema.sql");
const INCIDENT: &str = include_str!("../fixtures/incident-orders.sql");
const LEGACY_TABLES: [&str; 8] = [
    "courses",
    "students",
    "trainers",
    "payments",
    "student_course_purchases",
    "processed_events",
    "trainer_allocations",
    "tutoring_sessions",
];
fn migrations() -> usize {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "sql"))
        .count()
}

async fn legacy_database() -> TestDatabase {
    let database = TestDatabase::create_empty().await;
    database.run_sql(LEGACY).await;
    database
}

fn options(database: &TestDatabase) -> PgConnectOptions {
    database.direct_url().parse().unwrap()
}

async fn connect(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(&database.direct_url()).await.unwrap()
}

async fn run(database: &TestDatabase) -> Result<MigrationReport, SchemaError> {
    migrate(&options(database), &|_| {}).await
}

/// Every row of these tables as it is, without the columns that Makegood adds.
async fn contents(database: &TestDatabase, tables: &[&str]) -> Vec<(String, i64, String)> {
    let mut conn = connect(database).await;
    let mut contents = Vec::new();
    for table in tables {
        let query = format!(
            "SELECT '{table}', count(*), md5(coalesce(string_agg(document, '|' ORDER BY document), '')) \
             FROM (SELECT (to_jsonb(row) - ARRAY['payment_id', 'ended_at', 'end_reason', 'planned', 'planned_date', 'planned_time'])::text AS document FROM {table} row) rows"
        );
        contents.push(
            sqlx::query_as(AssertSqlSafe(query))
                .fetch_one(&mut conn)
                .await
                .unwrap(),
        );
    }
    contents
}

async fn foreign_keys(database: &TestDatabase) -> i64 {
    database
        .count(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f'
             AND confrelid::regclass::text IN ('students', 'courses', 'trainers')",
        )
        .await
}

#[tokio::test]
async fn an_empty_database_gets_the_whole_schema() {
    let database = TestDatabase::create_empty().await;
    let report = run(&database).await.unwrap();
    assert_eq!((report.applied.len(), report.already_applied), (migrations(), 0));
    assert_eq!(report.indexes.len(), MANAGED_INDEXES.len());
    assert!(
        report
            .indexes
            .iter()
            .all(|index| index.outcome == IndexOutcome::Built),
        "{report:?}"
    );
    assert!(report.is_complete() && report.warnings.is_empty(), "{report:?}");
    assert_eq!(
        database
            .count(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'
             AND tablename <> '_sqlx_migrations'"
            )
            .await,
        39
    );
    assert_eq!(
        database
            .count("SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready)")
            .await,
        0
    );
    database.run_sql(INCIDENT).await;
    assert_eq!(
        database
            .count("SELECT count(*) FROM job_queue WHERE status = 'processing'")
            .await,
        73
    );
    database.drop().await;
}

#[tokio::test]
async fn the_older_systems_rows_and_foreign_keys_survive() {
    let database = legacy_database().await;
    let (before, keys) = (
        contents(&database, &LEGACY_TABLES).await,
        foreign_keys(&database).await,
    );
    assert_eq!((before[3].1, before[4].1, keys), (150, 103, 5));
    run(&database).await.unwrap();
    assert_eq!(contents(&database, &LEGACY_TABLES).await, before);
    assert_eq!(foreign_keys(&database).await, keys);
    assert_eq!(
        database
            .count("SELECT count(*) FROM student_course_purchases WHERE payment_id IS NOT NULL")
            .await,
        0
    );
    database.drop().await;
}

#[tokio::test]
async fn duplicates_leave_one_constraint_out_and_are_told() {
    let database = legacy_database().await;
    let report = run(&database).await.unwrap();
    let forbidden: Vec<_> = report
        .indexes
        .iter()
        .filter(|index| index.outcome == IndexOutcome::Duplicates)
        .collect();
    assert_eq!(forbidden.len(), 1, "{report:?}");
    assert_eq!(forbidden[0].index, "unique_active_purchase");
    let duplicates = forbidden[0].duplicates.as_ref().unwrap();
    assert_eq!(
        (duplicates.groups, duplicates.rows, duplicates.listed.len()),
        (3, 6, 3)
    );
    let [warning] = &report.warnings[..] else {
        panic!("{report:?}")
    };
    for part in [
        "unique_active_purchase",
        "3 keys",
        "makegood ensure-index unique_active_purchase",
    ] {
        assert!(warning.contains(part), "{part} is not in {warning}");
    }
    assert!(!report.is_complete());
    database.drop().await;
}

#[tokio::test]
async fn a_later_run_builds_what_duplicates_forbade() {
    let database = legacy_database().await;
    run(&database).await.unwrap();
    database
        .run_sql(
            "UPDATE student_course_purchases SET is_active = false WHERE id IN
               (SELECT id FROM (SELECT id, row_number() OVER
                                   (PARTITION BY student_id, course_id ORDER BY created_at) AS nth
                                FROM student_course_purchases WHERE is_active) numbered WHERE nth > 1)",
        )
        .await;
    let report = run(&database).await.unwrap();
    assert!(report.is_complete() && report.warnings.is_empty(), "{report:?}");
    assert_eq!(report.indexes[0].outcome, IndexOutcome::Built);
    database.drop().await;
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let database = legacy_database().await;
    run(&database).await.unwrap();
    let objects = "SELECT sum(oid::bigint)::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let (rows, before) = (
        contents(&database, &LEGACY_TABLES).await,
        database.count(objects).await,
    );
    let report = run(&database).await.unwrap();
    assert_eq!((report.applied.len(), report.already_applied), (0, migrations()));
    assert!(
        report
            .indexes
            .iter()
            .all(|index| index.outcome != IndexOutcome::Built),
        "{report:?}"
    );
    assert_eq!(database.count(objects).await, before);
    assert_eq!(contents(&database, &LEGACY_TABLES).await, rows);
    database.drop().await;
}

async fn four_at_once(database: TestDatabase, rows_of: &[&str], indexes: usize) {
    let before = contents(&database, rows_of).await;
    let (first, second, third, fourth) =
        tokio::join!(run(&database), run(&database), run(&database), run(&database));
    let reports = [first.unwrap(), second.unwrap(), third.unwrap(), fourth.unwrap()];
    assert_eq!(
        reports.iter().map(|report| report.applied.len()).sum::<usize>(),
        migrations()
    );
    let built = reports
        .iter()
        .flat_map(|report| &report.indexes)
        .filter(|index| index.outcome == IndexOutcome::Built);
    let mut built: Vec<_> = built.map(|index| index.index.as_str()).collect();
    built.sort_unstable();
    assert_eq!(built.len(), indexes, "an index was not built once: {reports:?}");
    built.dedup();
    assert_eq!(built.len(), indexes, "an index was built twice: {reports:?}");
    assert_eq!(
        database
            .count("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
            .await,
        0
    );
    assert_eq!(database.server_errors(), Vec::<String>::new());
    assert_eq!(contents(&database, rows_of).await, before);
    database.drop().await;
}

#[tokio::test]
async fn several_at_once_migrate_an_empty_database_once() {
    four_at_once(TestDatabase::create_empty().await, &[], MANAGED_INDEXES.len()).await;
}

#[tokio::test]
async fn several_at_once_migrate_the_older_system_once() {
    // One is forbidden by duplicates, one was there.
    four_at_once(legacy_database().await, &LEGACY_TABLES, MANAGED_INDEXES.len() - 2).await;
}

/// A statement that waits for ACCESS EXCLUSIVE makes every sale queue behind it: the migration must stop
/// and come back.
#[tokio::test]
async fn a_migration_that_waits_in_vain_lets_sales_pass_and_tries_again() {
    let database = legacy_database().await;
    let mut reader = connect(&database).await;
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT FROM student_course_purchases")
        .execute(&mut *reading)
        .await
        .unwrap();
    let migrating = tokio::spawn({
        let database = database.clone();
        async move { run(&database).await }
    });
    let waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted \
                   AND relation = 'student_course_purchases'::regclass";
    until(&database, waiting, 1).await;
    until(&database, waiting, 0).await;
    assert!(!migrating.is_finished(), "it failed instead of trying again");
    reading.rollback().await.unwrap();
    assert_eq!(migrating.await.unwrap().unwrap().applied.len(), migrations());
    database.drop().await;
}

async fn until(database: &TestDatabase, query: &str, wanted: i64) {
    let look = async {
        while database.count(query).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), look)
        .await
        .expect("it comes to this");
}

#[tokio::test]
async fn the_function_answers_with_the_report() {
    let database = TestDatabase::create_empty().await;
    let answer = migrate::handle(&options(&database), serde_json::json!({}))
        .await
        .unwrap();
    assert_eq!(answer["applied"][0]["description"], "course pipeline");
    assert_eq!(answer["indexes"][0]["outcome"], "built");
    database.drop().await;
}

#[tokio::test]
async fn missing_tables_and_columns_are_named_precisely() {
    let database = legacy_database().await;
    let mut conn = makegood::db::Connection::direct(connect(&database).await);
    let wanted: [(&str, &[&str]); 3] = [
        ("student_course_purchases", &["id", "payment_id", "student_id"]),
        ("outbox", &["id", "event_id"]),
        ("payments", &["id"]),
    ];
    let missing = missing_columns(&mut conn, &wanted).await.unwrap();
    assert_eq!(missing, ["student_course_purchases.payment_id", "outbox"]);
    run(&database).await.unwrap();
    assert!(missing_columns(&mut conn, &wanted).await.unwrap().is_empty());
    conn.close().await;
    database.drop().await;
}

/// Limits that would end every build, and a lock wait that leaves invalid indexes behind.
/// A transaction can turn off its own limit only once it has begun, so that one is long enough for a second round trip.
async fn set_short_limits(database: &TestDatabase) {
    database
        .run_sql(&format!(
            "ALTER DATABASE {name} SET statement_timeout = '1ms'; ALTER DATABASE {name} SET lock_timeout = '1ms';
             ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '1ms';
             DO $$ BEGIN IF current_setting('server_version_num')::integer >= 170000
                         THEN ALTER DATABASE {name} SET transaction_timeout = '500ms'; END IF; END $$",
            name = database.name()
        ))
        .await;
}

#[tokio::test]
async fn the_limits_of_the_role_stop_neither_a_migration_nor_the_doctor() {
    let database = TestDatabase::create_empty().await;
    set_short_limits(&database).await;
    // WHEN it is migrated THEN everything is built
    let report = makegood::schema::migrate(&options(&database), &|_| {})
        .await
        .unwrap();
    assert!(report.is_complete(), "{report:?}");
    // AND the doctor can look
    makegood_tests::invariants::assert_doctor_finds_no_breach(&database).await;
    database.drop().await;
}

#[tokio::test]
async fn the_limits_of_the_role_stop_no_build_of_an_index() {
    let database = TestDatabase::create().await;
    database.run_sql("DROP INDEX unique_active_purchase").await;
    set_short_limits(&database).await;
    let index = &makegood::schema::UNIQUE_ACTIVE_PURCHASE;
    let built = makegood::schema::ensure_index(&options(&database), index, &|_| {}).await;
    assert_eq!(built.unwrap().outcome, IndexOutcome::Built);
    database.drop().await;
}

#[tokio::test]
async fn the_limits_of_a_role_are_set_in_this_database_for_sessions_after_it() {
    let database = TestDatabase::create().await;
    // WHEN its limits are asked for twice
    for _ in 0..2 {
        let answer = migrate::handle(&options(&database), serde_json::json!({"limitRole": "self"}))
            .await
            .unwrap();
        assert!(
            answer["limits"]
                .as_array()
                .is_some_and(|limits| limits.len() >= 3),
            "{answer}"
        );
    }
    // THEN a session of this database has them, one of another does not
    let shown = |url: String| async move {
        let mut session = PgConnection::connect(&url).await.unwrap();
        let limits: Vec<String> = sqlx::query_scalar(
            "SELECT current_setting(name) FROM pg_settings
             WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
             ORDER BY name",
        )
        .fetch_all(&mut session)
        .await
        .unwrap();
        limits
    };
    // The fourth is there from PostgreSQL 17 on.
    let limits = shown(database.direct_url()).await;
    assert_eq!(limits, ["15s", "2s", "1min", "2min"][..limits.len()]);
    let other = TestDatabase::create().await;
    assert_eq!(
        shown(other.direct_url()).await,
        ["0", "0", "0", "0"][..limits.len()]
    );
    other.drop().await;
    // AND a role that is not there is named
    let unknown = makegood::schema::limit_role(&options(&database), "no such role").await;
    let reason = unknown.unwrap_err().to_string();
    assert!(reason.contains("no such role"), "{reason}");
    database.drop().await;
}
