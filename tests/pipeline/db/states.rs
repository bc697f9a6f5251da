//! Every state of the table in `shared/makegood/src/db/error.rs`, as the server itself says it: its class, and whether the connection that
//! said it is used again.

use super::{backend, direct, run, run_on, short};
use makegood::db::{Database, ErrorClass, classify};
use makegood_tests::database::TestDatabase;
use sqlx::Error;
use std::time::Duration;

const SCHEMA: &str = "
    CREATE TABLE goods (id integer PRIMARY KEY, name text NOT NULL, pieces integer CHECK (pieces >= 0), price smallint);
    CREATE TABLE parts (good integer REFERENCES goods);
    CREATE INDEX ON goods (name);
    CREATE SEQUENCE numbers;
    INSERT INTO goods VALUES (1, 'cup', 1, 1), (2, 'pot', 1, 1)";

/// One statement that commits by itself, and what the server says to it.
const STATEMENTS: &[(&str, ErrorClass, &str)] = &[
    ("22P02", ErrorClass::BadData, "SELECT 'one'::integer"),
    ("22003", ErrorClass::BadData, "UPDATE goods SET price = 100000"),
    ("22012", ErrorClass::BadData, "SELECT 1 / (pieces - 1) FROM goods"),
    (
        "23502",
        ErrorClass::SchemaDrift,
        "INSERT INTO goods (id) VALUES (3)",
    ),
    ("23503", ErrorClass::BadData, "INSERT INTO parts VALUES (99)"),
    (
        "23505",
        ErrorClass::UniqueViolation,
        "INSERT INTO goods VALUES (1, 'cup')",
    ),
    ("23514", ErrorClass::BadData, "UPDATE goods SET pieces = -1"),
    ("42601", ErrorClass::SchemaDrift, "SELEC 1"),
    ("42703", ErrorClass::SchemaDrift, "SELECT colour FROM goods"),
    ("42P01", ErrorClass::SchemaDrift, "SELECT * FROM services"),
    (
        "42P10",
        ErrorClass::NoArbiter,
        "INSERT INTO goods VALUES (3, 'jug') ON CONFLICT (price) DO NOTHING",
    ),
    // Random text does not compress: too long for a page of the index.
    (
        "54000",
        ErrorClass::BadData,
        "INSERT INTO goods SELECT 3, string_agg(md5(n::text), '') FROM generate_series(1, 400) n",
    ),
    ("55000", ErrorClass::Other, "SELECT currval('numbers')"),
    (
        "57014",
        ErrorClass::Blocked,
        "SET statement_timeout = 50; SELECT pg_sleep(5)",
    ),
    (
        "57P01",
        ErrorClass::Unavailable,
        "SELECT pg_terminate_backend(pg_backend_pid())",
    ),
    (
        "58P01",
        ErrorClass::Unavailable,
        "SELECT pg_read_file('no_such_file')",
    ),
    (
        "42P05",
        ErrorClass::StaleStatement,
        "PREPARE twice AS SELECT 1; PREPARE twice AS SELECT 1",
    ),
    ("26000", ErrorClass::StaleStatement, "EXECUTE no_such_statement"),
    (
        "0A000",
        ErrorClass::StaleStatement,
        "SELECT 1 UNION SELECT 1 FOR UPDATE",
    ),
    // What no single statement brings about is raised as the server would.
    (
        "08006",
        ErrorClass::Unavailable,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '08006'; END$$",
    ),
    (
        "25P04",
        ErrorClass::Unavailable,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '25P04'; END$$",
    ),
    (
        "28P01",
        ErrorClass::LoginRefused,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '28P01'; END$$",
    ),
    (
        "40002",
        ErrorClass::Contention,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '40002'; END$$",
    ),
    (
        "40003",
        ErrorClass::Unavailable,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '40003'; END$$",
    ),
    (
        "53100",
        ErrorClass::Unavailable,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '53100'; END$$",
    ),
    (
        "55006",
        ErrorClass::Unavailable,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '55006'; END$$",
    ),
    (
        "57P03",
        ErrorClass::Unavailable,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '57P03'; END$$",
    ),
    (
        "3D000",
        ErrorClass::Unavailable,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = '3D000'; END$$",
    ),
    (
        "XX001",
        ErrorClass::Unavailable,
        "DO $$BEGIN RAISE 'x' USING ERRCODE = 'XX001'; END$$",
    ),
    ("P0001", ErrorClass::Other, "DO $$BEGIN RAISE 'x'; END$$"),
];

fn state(error: &Error) -> String {
    let database = error.as_database_error().and_then(|error| error.code());
    database.unwrap_or_default().into_owned()
}

/// The connection goes on exactly when the class says that it can.
async fn assert_fate(pool: &Database, before: i32, expected: (&str, ErrorClass), error: &Error) {
    let (known, class) = expected;
    assert_eq!(
        (state(error).as_str(), classify(error)),
        (known, class),
        "{error}"
    );
    assert_eq!(pool.in_use(), 0, "{known}");
    let is_used_again = backend(pool).await == before;
    assert_eq!(is_used_again, !class.ends_the_connection(), "{known}: {error}");
}

#[tokio::test]
async fn each_state_has_its_class_and_the_connection_its_fate() {
    let database = TestDatabase::create().await;
    database.run_sql(SCHEMA).await;
    for (known, class, sql) in STATEMENTS {
        let pool = direct(&database, 1, short());
        let before = backend(&pool).await;
        let error = run(&pool, sql).await.expect_err(sql);
        assert_fate(&pool, before, (known, *class), &error).await;
        pool.close();
    }
    database.drop().await;
}

/// Runs these in one transaction, all but the last as they should; gives back what the last one met.
async fn in_transaction(pool: &Database, statements: &[&'static str]) -> Error {
    let mut transaction = pool.begin().await.unwrap();
    let (last, first) = statements.split_last().unwrap();
    for statement in first {
        run_on(&mut transaction, statement).await.unwrap();
    }
    let error = run_on(&mut transaction, last).await.expect_err(last);
    // A connection that the server ended can't be told to roll back.
    let rolled_back = transaction.rollback().await;
    assert!(
        rolled_back.is_ok() || classify(&error) == ErrorClass::Unavailable,
        "{rolled_back:?}"
    );
    error
}

#[tokio::test]
async fn what_only_a_transaction_can_meet_has_its_class_too() {
    let database = TestDatabase::create().await;
    database.run_sql(SCHEMA).await;
    let pool = direct(&database, 1, short());

    let before = backend(&pool).await;
    let read_only: &[&str] = &["SET TRANSACTION READ ONLY", "UPDATE goods SET pieces = 2"];
    let error = in_transaction(&pool, read_only).await;
    assert_fate(&pool, before, ("25006", ErrorClass::Unavailable), &error).await;

    let before = backend(&pool).await;
    let mut transaction = pool.begin().await.unwrap();
    run_on(&mut transaction, "SELECT 1 / 0").await.unwrap_err();
    let error = run_on(&mut transaction, "SELECT 1").await.unwrap_err();
    transaction.rollback().await.unwrap();
    assert_fate(&pool, before, ("25P02", ErrorClass::Aborted), &error).await;

    let before = backend(&pool).await;
    let mut transaction = pool.begin().await.unwrap();
    run_on(
        &mut transaction,
        "SET LOCAL idle_in_transaction_session_timeout = 50",
    )
    .await
    .unwrap();
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {before}");
    while database.count(&gone).await > 0 {}
    let error = run_on(&mut transaction, "SELECT 1").await.unwrap_err();
    drop(transaction);
    assert_fate(&pool, before, ("25P03", ErrorClass::Unavailable), &error).await;
    database.drop().await;
}

#[tokio::test]
async fn what_two_transactions_do_to_each_other_has_its_class_too() {
    let database = TestDatabase::create().await;
    database.run_sql(SCHEMA).await;
    let (pool, others) = (direct(&database, 1, short()), direct(&database, 1, short()));

    // Changed since the snapshot was taken.
    let before = backend(&pool).await;
    let mut transaction = pool.begin().await.unwrap();
    for statement in [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SELECT * FROM goods",
    ] {
        run_on(&mut transaction, statement).await.unwrap();
    }
    run(&others, "UPDATE goods SET pieces = 5 WHERE id = 1")
        .await
        .unwrap();
    let error = run_on(&mut transaction, "UPDATE goods SET pieces = 6 WHERE id = 1").await;
    transaction.rollback().await.unwrap();
    assert_fate(
        &pool,
        before,
        ("40001", ErrorClass::Contention),
        &error.unwrap_err(),
    )
    .await;

    // Locked by another session.
    let before = backend(&pool).await;
    let mut holder = others.begin().await.unwrap();
    run_on(&mut holder, "UPDATE goods SET pieces = 7 WHERE id = 2")
        .await
        .unwrap();
    let error = in_transaction(&pool, &["SELECT * FROM goods WHERE id = 2 FOR UPDATE NOWAIT"]).await;
    assert_fate(&pool, before, ("55P03", ErrorClass::Blocked), &error).await;

    // Each waits for the other. The server looks for that after a second, before a wait for a lock is over.
    let before = backend(&pool).await;
    let mut transaction = pool.begin().await.unwrap();
    run_on(&mut transaction, "UPDATE goods SET pieces = 8 WHERE id = 1")
        .await
        .unwrap();
    let waiting = run_on(&mut transaction, "UPDATE goods SET pieces = 8 WHERE id = 2");
    let crossing = async {
        // So that it is the first of both whose wait is looked at.
        tokio::time::sleep(Duration::from_millis(300)).await;
        run_on(&mut holder, "UPDATE goods SET pieces = 7 WHERE id = 1").await
    };
    let (first, second) = tokio::join!(waiting, crossing);
    let error = first.expect_err("the first to have waited for a second");
    second.expect("the other goes on");
    transaction.rollback().await.unwrap();
    holder.rollback().await.unwrap();
    assert_fate(&pool, before, ("40P01", ErrorClass::Contention), &error).await;
    database.drop().await;
}

#[tokio::test]
async fn a_refused_rows_values_stay_out_of_the_servers_log() {
    let database = TestDatabase::create().await;
    database.run_sql(SCHEMA).await;
    let pool = direct(&database, 1, short());
    let address = format!("{} Rose Lane", uuid::Uuid::new_v4());
    let mut transaction = pool.begin().await.unwrap();
    let refused = sqlx::query("INSERT INTO goods (id, name, pieces) VALUES (7, $1, -1)")
        .bind(&address)
        .execute(&mut *transaction)
        .await
        .unwrap_err();
    transaction.rollback().await.unwrap();
    assert_eq!(state(&refused), "23514");
    assert_eq!(
        database.server_errors().len(),
        1,
        "the server notes that it refused"
    );
    let log = std::fs::read_to_string(std::env::var("MAKEGOOD_POSTGRES_LOG").unwrap()).unwrap();
    assert!(!log.contains(&address), "the server's log keeps an address");
    database.drop().await;
}
