//! Answers that end a connection: the next use has another one, at once.

use super::{backend, direct, run, run_on, short};
use makegood::db::{Connection, Database, ErrorClass, Isolation, classify};
use makegood_tests::database::TestDatabase;
use makegood_tests::own_postgres::OwnPostgres;
use makegood_tests::setting;
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection};

/// What new sessions of this database are from now on.
async fn make_read_only(database: &TestDatabase, is_read_only: bool) {
    let name = database.name();
    let state = if is_read_only { "on" } else { "off" };
    let change = format!("ALTER DATABASE {name} SET default_transaction_read_only = {state}");
    // From another database: a session of this one could not write it.
    let mut server = PgConnection::connect(&setting("MAKEGOOD_TEST_DATABASE_URL"))
        .await
        .unwrap();
    server.execute(AssertSqlSafe(change)).await.unwrap();
}

/// As after a failover: the sessions that were open lead to a host that does not take writes any more, and new ones do not.
#[tokio::test]
async fn a_host_that_turned_read_only_is_left_by_all_connections_and_the_next_statement_works() {
    let database = TestDatabase::create().await;
    database.run_sql("CREATE TABLE notes (text text NOT NULL)").await;
    make_read_only(&database, true).await;
    let pool = direct(&database, 2, short());
    let (one, other) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop((one, other));
    make_read_only(&database, false).await;

    let refused = run(&pool, "INSERT INTO notes VALUES ('lost')").await.unwrap_err();
    assert_eq!(
        refused.as_database_error().unwrap().code().as_deref(),
        Some("25006")
    );
    assert_eq!(classify(&refused), ErrorClass::Unavailable);
    for _ in 0..3 {
        run(&pool, "INSERT INTO notes VALUES ('kept')").await.unwrap();
    }
    assert_eq!(database.count("SELECT count(*) FROM notes").await, 3);
    database.drop().await;
}

#[tokio::test]
async fn a_transaction_on_a_read_only_host_ends_its_connection() {
    let database = TestDatabase::create().await;
    database.run_sql("CREATE TABLE notes (text text NOT NULL)").await;
    make_read_only(&database, true).await;
    let pool = direct(&database, 1, short());
    let mut transaction = pool.begin().await.unwrap();
    make_read_only(&database, false).await;
    let refused = run_on(&mut transaction, "INSERT INTO notes VALUES ('lost')").await;
    assert_eq!(classify(&refused.unwrap_err()), ErrorClass::Unavailable);
    transaction.rollback().await.unwrap();
    assert_eq!(
        (pool.idle(), pool.in_use()),
        (0, 0),
        "rolled back, and closed all the same"
    );
    let mut transaction = pool.begin().await.unwrap();
    run_on(&mut transaction, "INSERT INTO notes VALUES ('kept')")
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.count("SELECT count(*) FROM notes").await, 1);
    database.drop().await;
}

/// A statement that the driver keeps prepared.
async fn read_amount(connection: &mut Connection) -> Result<Option<sqlx::postgres::PgRow>, sqlx::Error> {
    sqlx::query("SELECT * FROM prices WHERE id = $1")
        .bind(1)
        .fetch_optional(connection)
        .await
}

#[tokio::test]
async fn a_column_changed_under_a_prepared_statement_costs_one_failure() {
    let database = TestDatabase::create().await;
    database
        .run_sql("CREATE TABLE prices (id integer, amount integer); INSERT INTO prices VALUES (1, 100)")
        .await;
    let pool = direct(&database, 1, short());
    let before = backend(&pool).await;
    read_amount(&mut pool.acquire().await.unwrap()).await.unwrap();
    database
        .run_sql("ALTER TABLE prices ALTER COLUMN amount TYPE bigint")
        .await;
    let stale = read_amount(&mut pool.acquire().await.unwrap()).await.unwrap_err();
    assert_eq!(classify(&stale), ErrorClass::StaleStatement, "{stale}");
    read_amount(&mut pool.acquire().await.unwrap()).await.unwrap();
    assert_ne!(backend(&pool).await, before);
    database.drop().await;
}

/// PgBouncer prepares the statements of its clients on its own connections to the server, so a stale one outlives the client that met it.
#[tokio::test]
async fn behind_pgbouncer_a_changed_column_fails_new_clients_too_until_an_operator_types_reconnect() {
    let server = OwnPostgres::start_behind_pgbouncer();
    server
        .run_sql("CREATE TABLE prices (id integer, amount integer); INSERT INTO prices VALUES (1, 100)")
        .await;
    server.set_password("reader", "secret").await;
    let url = format!(
        "postgres://reader:secret@{}/makegood?sslmode=require",
        server.endpoint()
    );
    let read = async || {
        let pool = Database::with_options(url.parse().unwrap(), 1);
        let mut connection = pool.acquire().await.unwrap();
        let read = read_amount(&mut connection).await;
        // An error and a first row come before the server is ready; when the client goes before that, PgBouncer closes its own connection.
        run_on(&mut connection, "SELECT 1").await.unwrap();
        read
    };
    read().await.unwrap();
    server
        .run_sql("ALTER TABLE prices ALTER COLUMN amount TYPE bigint")
        .await;
    for _ in 0..3 {
        let stale = read().await.unwrap_err();
        assert_eq!(classify(&stale), ErrorClass::StaleStatement, "{stale}");
    }
    server.type_to_pgbouncer("RECONNECT makegood").await;
    for _ in 0..3 {
        read().await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_the_server_ended_costs_one_failure() {
    let database = TestDatabase::create().await;
    let pool = direct(&database, 1, short());
    let mut connection = pool.acquire().await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    database
        .run_sql(&format!("SELECT pg_terminate_backend({pid}, 5000)"))
        .await;
    let ended = run_on(&mut connection, "SELECT 1").await.unwrap_err();
    assert_eq!(classify(&ended), ErrorClass::Unavailable, "{ended}");
    drop(connection);
    run(&pool, "SELECT 1").await.unwrap();
    database.drop().await;
}

#[tokio::test]
async fn a_snapshot_sees_one_state_and_writes_nothing() {
    let database = TestDatabase::create().await;
    database.run_sql("CREATE TABLE notes (text text NOT NULL)").await;
    let pool = direct(&database, 2, short());
    let mut snapshot = pool.begin_as(Isolation::Snapshot).await.unwrap();
    let count = "SELECT count(*) FROM notes";
    let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();
    run(&pool, "INSERT INTO notes VALUES ('later')").await.unwrap();
    let again: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();
    assert_eq!((seen, again), (0, 0));
    let refused = snapshot
        .execute(AssertSqlSafe("INSERT INTO notes VALUES ('no')".to_owned()))
        .await;
    assert!(refused.is_err());
    database.drop().await;
}
