//! `makegood::db` on a real server: what becomes of a connection, and what is said when there is none.

mod abandoned;
mod answers;
mod limits;
mod refusals;
mod states;
mod times;
mod vanished;

use makegood::db::{Connection, Database, Limits};
use makegood_tests::database::TestDatabase;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Error, Executor};
use std::time::Duration;

/// Limits that a test can wait for.
fn short() -> Limits {
    Limits {
        connect: Duration::from_secs(1),
        acquire: Duration::from_secs(3),
        statement: Duration::from_secs(2),
        ..Limits::default()
    }
}

fn options(url: &str) -> PgConnectOptions {
    url.parse().expect("a URL")
}

/// Straight to the server: a connection is a session there.
fn direct(database: &TestDatabase, size: usize, limits: Limits) -> Database {
    Database::with_limits(options(&database.direct_url()), size, limits)
}

/// The server's process behind the next connection.
async fn backend(pool: &Database) -> i32 {
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .expect("the server answers")
}

/// A statement that commits by itself, on any connection of the pool.
async fn run(pool: &Database, sql: &'static str) -> Result<(), Error> {
    run_on(&mut pool.acquire().await?, sql).await
}

async fn run_on(connection: &mut Connection, sql: &'static str) -> Result<(), Error> {
    connection.execute(sql).await.map(|_| ())
}
