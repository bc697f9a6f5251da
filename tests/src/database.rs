//! A database of its own for each test, copied from the migrated template, reached through PgBouncer.

use crate::link::Link;
use crate::setting;
use makegood::db::Database;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

/// What Postgres logs of a statement that `lock_timeout` ended.
const LOCK_WAIT_ENDED: &str = "canceling statement due to lock timeout";

/// A database that exists for one test. Dropped with [`TestDatabase::drop`]; one that a failed test leaves behind is
/// swept by the next `make test`, and can be looked at until then.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// A copy of the migrated template.
    pub async fn create() -> Self {
        Self::create_from(&setting("MAKEGOOD_TEMPLATE_DATABASE")).await
    }

    /// An empty database.
    pub async fn create_empty() -> Self {
        Self::create_from("template0").await
    }

    /// One that is there already.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }

    async fn create_from(template: &str) -> Self {
        let name = format!("makegood_test_{}", Uuid::new_v4().simple());
        let tablespace = match std::env::var("MAKEGOOD_TEST_TABLESPACE") {
            Ok(tablespace) if !tablespace.is_empty() => format!(" TABLESPACE {tablespace}"),
            _ => String::new(),
        };
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy{tablespace}");
        let mut server = PgConnection::connect(&setting("MAKEGOOD_TEST_DATABASE_URL"))
            .await
            .expect("Postgres answers");
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut server)
            .await
            .expect("the test's database is created");
        Self { name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Straight to Postgres: for migrations, planted data, and looking at the result.
    #[must_use]
    pub fn direct_url(&self) -> String {
        self.url("MAKEGOOD_TEST_DATABASE_URL")
    }

    /// Through PgBouncer in transaction mode: what the functions use.
    #[must_use]
    pub fn pooler_url(&self) -> String {
        self.url("MAKEGOOD_TEST_POOLER_URL")
    }

    fn url(&self, setting_name: &str) -> String {
        let server = setting(setting_name);
        let (base, _) = server.rsplit_once('/').expect("the URL ends with /postgres");
        format!("{base}/{}", self.name)
    }

    /// What a function has: a pool of this size through PgBouncer.
    #[must_use]
    pub fn through_pooler(&self, connections: u32) -> Database {
        Self::pool_to(&self.pooler_url(), connections)
    }

    /// The same behind a link in front of the pooler.
    #[must_use]
    pub fn through_link(&self, link: &Link, connections: u32) -> Database {
        Self::pool_to(&link.through(&self.pooler_url()), connections)
    }

    fn pool_to(url: &str, connections: u32) -> Database {
        let options: PgConnectOptions = url.parse().expect("a URL");
        Database::with_options(options, connections as usize)
    }

    /// A pool straight to Postgres, for planting and looking.
    #[must_use]
    pub fn direct(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(4)
            .connect_lazy(&self.direct_url())
            .expect("a URL")
    }

    async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.direct_url())
            .await
            .expect("the test's database answers")
    }

    /// Runs SQL text of several statements.
    pub async fn run_sql(&self, text: &str) {
        let mut connection = self.connection().await;
        sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
            .execute(&mut connection)
            .await
            .expect("the SQL runs");
    }

    /// The first column of the first row, a bigint.
    pub async fn count(&self, query: &str) -> i64 {
        let mut connection = self.connection().await;
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_one(&mut connection)
            .await
            .expect("the query runs")
    }

    /// The first column of every row, a text.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let mut connection = self.connection().await;
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut connection)
            .await
            .expect("the query runs")
    }

    /// What the server logged about this database at ERROR or above, without the waits for a lock that ended
    /// ([`Self::ended_lock_waits`]): the product tries those again, and a slow machine has some wherever transactions
    /// compete on purpose.
    #[must_use]
    pub fn server_errors(&self) -> Vec<String> {
        let mut errors = self.logged_errors();
        errors.retain(|line| !line.contains(LOCK_WAIT_ENDED));
        errors
    }

    /// The statements that the server ended because they waited for a lock as long as `lock_timeout` lets them.
    #[must_use]
    pub fn ended_lock_waits(&self) -> Vec<String> {
        let mut errors = self.logged_errors();
        errors.retain(|line| line.contains(LOCK_WAIT_ENDED));
        errors
    }

    /// From the next session on the server logs every statement; returns when the sessions that there are have ended.
    pub async fn log_statements(&self) {
        let name = &self.name;
        self.run_sql(&format!(
            "ALTER DATABASE {name} SET log_min_duration_statement = 0"
        ))
        .await;
        self.until_sessions_end().await;
    }

    /// Returns when the sessions that there are have ended; the pooler closes idle ones after two seconds. The next session has the settings
    /// that the database has now.
    pub async fn until_sessions_end(&self) {
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        while self.count(others).await > 0 {}
    }

    /// How often a statement that begins so was carried out since [`Self::log_statements`].
    #[must_use]
    pub fn carried_out(&self, beginning: &str) -> usize {
        let log =
            std::fs::read_to_string(setting("MAKEGOOD_POSTGRES_LOG")).expect("the server's log is readable");
        log.lines()
            .filter(|line| line.contains(&self.name) && line.contains(" execute "))
            .filter(|line| line.contains(&format!(": {beginning}")))
            .count()
    }

    fn logged_errors(&self) -> Vec<String> {
        let log =
            std::fs::read_to_string(setting("MAKEGOOD_POSTGRES_LOG")).expect("the server's log is readable");
        log.lines()
            .filter(|line| line.contains(&self.name))
            .filter(|line| {
                ["ERROR:", "FATAL:", "PANIC:"]
                    .iter()
                    .any(|level| line.contains(level))
            })
            .map(str::to_owned)
            .collect()
    }

    /// Drops it, whoever is connected.
    pub async fn drop(self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let mut server = PgConnection::connect(&setting("MAKEGOOD_TEST_DATABASE_URL"))
            .await
            .expect("Postgres answers");
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut server)
            .await
            .expect("the test's database is dropped");
    }
}
