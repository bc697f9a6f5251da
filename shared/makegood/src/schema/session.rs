//! The one connection on which the schema is changed, holding the lock that lets one session do so at a time.

use super::SchemaError;
use crate::db::Connection;
use backon::{ExponentialBuilder, Retryable};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use std::time::{Duration, Instant};

/// `makegood` in ASCII: the key of the session-level advisory lock. sqlx's migrator would take its own and
/// wait for it inside a statement, for whose snapshot a concurrent index build waits in turn: a deadlock
/// (FACTS).
const SCHEMA_LOCK: i64 = 0x6d61_6b65_676f_6f64;
const CONNECT_ATTEMPTS: usize = 3;
/// The first version with `transaction_timeout`: PostgreSQL 17.
pub const HAS_TRANSACTION_TIMEOUT: u32 = 170_000;
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A direct connection that holds the schema lock until it is closed or dropped.
pub(super) struct SchemaSession {
    pub(super) conn: Connection,
    pub(super) options: PgConnectOptions,
    /// How long to wait for others, each time.
    pub(super) patience: Duration,
}

impl SchemaSession {
    /// Connects and waits for the schema lock. It waits between statements, never inside one, so that
    /// no concurrent index build has to wait for us.
    pub(super) async fn open(options: &PgConnectOptions, patience: Duration) -> Result<Self, SchemaError> {
        let options = options.clone().application_name("makegood-schema");
        let conn = Connection::direct(connect(&options).await?);
        let mut session = Self {
            conn,
            options,
            patience,
        };
        session.disarm().await?;
        session.take_lock().await?;
        Ok(session)
    }

    /// Turns off the limits that the role or the database sets: a build takes as long as it takes, and a lock that
    /// `CREATE INDEX CONCURRENTLY` waits for in vain would leave an invalid index behind. A transaction's own limit can't be
    /// lengthened once it has begun, so it is turned off before.
    async fn disarm(&mut self) -> Result<(), sqlx::Error> {
        for limit in [
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
        ] {
            self.set(limit, Duration::ZERO).await?;
        }
        if self.server_version() >= HAS_TRANSACTION_TIMEOUT {
            self.set("transaction_timeout", Duration::ZERO).await?;
        }
        Ok(())
    }

    /// The server's version as `server_version_num` counts it; 0 when it does not say.
    pub(super) fn server_version(&mut self) -> u32 {
        self.conn.server_version()
    }

    /// Sets a timeout of this session. Session state is right here, and nowhere else: the connection is ours
    /// alone.
    pub(super) async fn set(&mut self, name: &str, value: Duration) -> Result<(), sqlx::Error> {
        let statement = format!("SET {name} = {}", value.as_millis());
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Ends the session, and with it the lock.
    pub(super) async fn close(self) {
        self.conn.close().await;
    }

    /// Waits until no other session builds, reindexes or vacuums this table: an unfinished index may be its
    /// build in progress. Autovacuum is not waited for; it gives way by itself.
    pub(super) async fn wait_for_builders(&mut self, table: &str) -> Result<(), SchemaError> {
        let started = Instant::now();
        while let Some(holder) = self.builder_of(table).await? {
            if started.elapsed() >= self.patience {
                return Err(SchemaError::TableBusy {
                    table: table.to_owned(),
                    waited: self.patience,
                    holder: holder.to_string(),
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    async fn builder_of(&mut self, table: &str) -> Result<Option<i32>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT lock.pid AS "pid!" FROM pg_locks lock LEFT JOIN pg_stat_activity activity USING (pid)
               WHERE lock.locktype = 'relation' AND lock.granted AND lock.mode = 'ShareUpdateExclusiveLock'
                 AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND lock.relation = to_regclass($1::text)
                 AND lock.pid <> pg_backend_pid() AND activity.backend_type IS DISTINCT FROM 'autovacuum worker'
               LIMIT 1"#,
            table
        )
        .fetch_optional(&mut self.conn)
        .await
    }

    async fn take_lock(&mut self) -> Result<(), SchemaError> {
        let started = Instant::now();
        while !self.try_lock().await? {
            if started.elapsed() >= self.patience {
                let holder = self
                    .lock_holder()
                    .await?
                    .map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
                return Err(SchemaError::Busy {
                    waited: self.patience,
                    holder,
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    async fn try_lock(&mut self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "locked!""#, SCHEMA_LOCK)
            .fetch_one(&mut self.conn)
            .await
    }

    async fn lock_holder(&mut self) -> Result<Option<i32>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT pid AS "pid!" FROM pg_locks
               WHERE locktype = 'advisory' AND granted AND objsubid = 1
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND (classid::bigint << 32 | objid::bigint) = $1"#,
            SCHEMA_LOCK
        )
        .fetch_optional(&mut self.conn)
        .await
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, SchemaError> {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_times(CONNECT_ATTEMPTS - 1);
    (|| options.connect())
        .retry(backoff)
        .notify(|error, delay| tracing::warn!(%error, ?delay, "no connection to the database; trying again"))
        .await
        .map_err(|source| SchemaError::Connect {
            attempts: CONNECT_ATTEMPTS,
            source,
        })
}
