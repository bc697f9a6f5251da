//! A database that can't be had is reported as what it is, within the limit.

use super::{options, short};
use makegood::db::{Database, ErrorClass, classify};
use makegood_tests::database::TestDatabase;
use makegood_tests::setting;
use sqlx::postgres::PgConnectOptions;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use uuid::Uuid;

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(3);

/// The error of a pool of one with these options, and how long it took.
async fn refusal(options: PgConnectOptions) -> (sqlx::Error, Duration) {
    let pool = Database::with_limits(options, 1, short());
    let started = Instant::now();
    let error = pool.acquire().await.map(|_| ()).expect_err("it can't be had");
    let elapsed = started.elapsed();
    assert!(elapsed < short().acquire + SLACK, "it took {elapsed:?}: {error}");
    assert!(
        !matches!(error, sqlx::Error::PoolTimedOut),
        "that says nothing: {error}"
    );
    assert_eq!(pool.in_use(), 0, "no permit is kept");
    (error, elapsed)
}

fn state(error: &sqlx::Error) -> String {
    let database = error.as_database_error().and_then(|error| error.code());
    database.unwrap_or_default().into_owned()
}

#[tokio::test]
async fn a_closed_port_is_a_refused_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (error, _) = refusal(PgConnectOptions::new().host("127.0.0.1").port(port)).await;
    assert!(matches!(error, sqlx::Error::Io(_)), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(classify(&error), ErrorClass::Unavailable);
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_did_not_accept_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (error, _) = refusal(PgConnectOptions::new().host("127.0.0.1").port(port)).await;
    assert!(
        error.to_string().contains("did not accept a connection"),
        "{error}"
    );
    assert_eq!(classify(&error), ErrorClass::Unavailable);
    drop(listener);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named() {
    let name = format!("missing_{}", Uuid::new_v4().simple());
    let (error, _) = refusal(options(&setting("MAKEGOOD_TEST_DATABASE_URL")).database(&name)).await;
    assert_eq!(state(&error), "3D000", "{error}");
    assert!(error.to_string().contains(&name), "{error}");
    // The pooler says it in its own words.
    let (error, _) = refusal(options(&setting("MAKEGOOD_TEST_POOLER_URL")).database(&name)).await;
    assert_eq!(classify(&error), ErrorClass::Unavailable, "{error}");
    assert!(error.as_database_error().is_some(), "{error:?}");
}

#[tokio::test]
async fn a_role_that_is_not_there_is_a_refused_login_at_once() {
    let name = format!("unknown_{}", Uuid::new_v4().simple());
    let (error, elapsed) = refusal(options(&setting("MAKEGOOD_TEST_DATABASE_URL")).username(&name)).await;
    assert_eq!(classify(&error), ErrorClass::LoginRefused, "{error}");
    assert!(elapsed < short().acquire, "it was tried again for {elapsed:?}");
}

#[tokio::test]
async fn a_full_server_says_that_it_is_full() {
    let database = TestDatabase::create().await;
    let role = format!("crowd_{}", Uuid::new_v4().simple());
    database
        .run_sql(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0"))
        .await;
    let (error, _) = refusal(options(&database.direct_url()).username(&role)).await;
    assert_eq!(state(&error), "53300", "{error}");
    assert_eq!(classify(&error), ErrorClass::Unavailable);
    database.run_sql(&format!("DROP ROLE {role}")).await;
    database.drop().await;
}

#[tokio::test]
async fn connections_that_all_stay_in_use_are_said_to_be_in_use() {
    let database = TestDatabase::create().await;
    let pool = Database::with_limits(options(&database.pooler_url()), 1, short());
    let held = pool.acquire().await.unwrap();
    let started = Instant::now();
    let error = pool.acquire().await.map(|_| ()).unwrap_err();
    assert!(started.elapsed() < short().acquire + SLACK);
    assert!(
        error
            .to_string()
            .contains("no connection of this environment became free"),
        "{error}"
    );
    drop(held);
    pool.acquire().await.unwrap();
    database.drop().await;
}
