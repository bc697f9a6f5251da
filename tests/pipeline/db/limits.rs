//! Nothing about the database takes longer than its limit.

use super::{backend, direct, run, run_on, short};
use makegood::db::{ErrorClass, Limits, classify, describe, within_invocation};
use makegood_tests::database::TestDatabase;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_wait_for_a_lock_in_a_transaction_ends_as_blocked() {
    let database = TestDatabase::create().await;
    database
        .run_sql("CREATE TABLE notes (id integer); INSERT INTO notes VALUES (1)")
        .await;
    let mut holder = PgConnection::connect(&database.direct_url()).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT * FROM notes FOR UPDATE")
        .execute(&mut holder)
        .await
        .unwrap();
    let pool = database.through_pooler(1);
    let mut transaction = pool.begin().await.unwrap();
    let started = Instant::now();
    let blocked = run_on(&mut transaction, "UPDATE notes SET id = 2")
        .await
        .unwrap_err();
    let elapsed = started.elapsed();
    assert_eq!(classify(&blocked), ErrorClass::Blocked, "{blocked}");
    assert!(
        elapsed < Limits::default().lock + SLACK,
        "it waited for {elapsed:?}"
    );
    // It says where the row lies, so that a person finds its key.
    let said = describe(&blocked);
    assert!(
        said.ends_with(r#"[55P03], while updating tuple (0,1) in relation "notes""#),
        "{said}"
    );
    transaction.rollback().await.unwrap();
    assert_eq!((pool.idle(), pool.in_use()), (1, 0), "the connection is whole");
    database.drop().await;
}

#[tokio::test]
async fn the_limits_of_a_transaction_stay_in_it() {
    let database = TestDatabase::create().await;
    let pool = direct(&database, 1, Limits::default());
    let read = "SELECT concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'),
                                 current_setting('idle_in_transaction_session_timeout'))";
    let mut transaction = pool.begin().await.unwrap();
    let inside: String = sqlx::query_scalar(read)
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
    assert_eq!(inside, "19500ms 2s 10s");
    transaction.commit().await.unwrap();
    let outside: String = sqlx::query_scalar(read)
        .fetch_one(&mut pool.acquire().await.unwrap())
        .await
        .unwrap();
    assert_eq!(outside, "0 0 0");
    database.drop().await;
}

#[tokio::test]
async fn a_statement_over_the_clients_limit_ends_in_time_and_its_connection_is_not_used_again() {
    let database = TestDatabase::create().await;
    let limits = Limits {
        statement: Duration::from_millis(500),
        ..short()
    };
    let pool = direct(&database, 1, limits);
    let before = backend(&pool).await;
    let started = Instant::now();
    let late = run(&pool, "SELECT pg_sleep(20)").await.unwrap_err();
    let elapsed = started.elapsed();
    assert_eq!(classify(&late), ErrorClass::Unavailable);
    assert!(late.to_string().contains("did not answer a statement"), "{late}");
    assert!(elapsed < limits.statement + SLACK, "it took {elapsed:?}");
    assert_eq!((pool.idle(), pool.in_use()), (0, 0));
    assert_ne!(backend(&pool).await, before);
    database.drop().await;
}

#[tokio::test]
async fn a_transactions_statement_is_ended_by_the_server_a_little_earlier() {
    let database = TestDatabase::create().await;
    let pool = direct(&database, 1, short());
    let before = backend(&pool).await;
    let mut transaction = pool.begin().await.unwrap();
    let late = run_on(&mut transaction, "SELECT pg_sleep(20)").await.unwrap_err();
    assert_eq!(classify(&late), ErrorClass::Blocked, "{late}");
    transaction.rollback().await.unwrap();
    assert_eq!(
        backend(&pool).await,
        before,
        "the server answered, so the connection is whole"
    );
    database.drop().await;
}

#[tokio::test]
async fn no_statement_outlives_its_invocation() {
    let database = TestDatabase::create().await;
    let pool = direct(&database, 1, Limits::default());
    backend(&pool).await;
    let started = Instant::now();
    let late = within_invocation(Duration::from_secs(1), run(&pool, "SELECT pg_sleep(20)")).await;
    assert_eq!(classify(&late.unwrap_err()), ErrorClass::Unavailable);
    assert!(
        started.elapsed() < Duration::from_secs(1) + SLACK,
        "{:?}",
        started.elapsed()
    );
    database.drop().await;
}
