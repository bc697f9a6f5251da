//! The database: one lazily connected pool an environment, and what its errors mean.
//!
//! The one way to a connection. Nothing outside this module holds a pooled connection or begins a transaction by itself, and what
//! is given out goes back to the pool only when its work has ended (docs/decisions/0015).

mod authority;
mod connection;
mod error;
mod fault;
mod limits;
mod login;
mod pool;
mod times;
mod transaction;

pub use authority::of_region as authorities_of_rds;
pub use connection::Connection;
pub use error::{ErrorClass, classify, describe};
pub use limits::{Limits, within_invocation};
pub use login::{LoginError, secret_text};
pub use transaction::{Isolation, OneStatement, Transaction};

use crate::config::DatabaseConfig;
use error::is_of_pooler;
use pool::Until;
use sqlx::postgres::PgConnectOptions;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Connections that are opened on first use; their login is fetched again when it stops working (after a rotation).
#[derive(Debug, Clone)]
pub struct Database {
    pool: pool::Pool,
    login: login::Login,
    renewals: Arc<Renewals>,
}

/// How often the login was fetched again, and whose turn it is to do so.
#[derive(Debug, Default)]
struct Renewals {
    done: AtomicU64,
    turn: Mutex<()>,
    /// When the secret was last read because a pooler refused a connection.
    for_pooler: SyncMutex<Option<Instant>>,
}

impl Renewals {
    /// Whether a pooler's refusal is a reason to read the secret, which it is once in a while.
    fn are_due_for_pooler(&self) -> bool {
        let last = *self.for_pooler.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_none_or(|last| last.elapsed() >= crate::limits::SECRET_LEFT_ALONE)
    }

    fn note_for_pooler(&self) {
        *self.for_pooler.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

impl Database {
    /// Connections for this configuration. Connects nothing yet, so that an unreachable database does not fail the start.
    ///
    /// # Errors
    /// When the login is in a secret that can't be read.
    pub async fn open(config: &DatabaseConfig, aws: &aws_config::SdkConfig) -> Result<Self, LoginError> {
        let login = login::Login::of(config, aws);
        let options = login.fetch().await?;
        Ok(Self {
            pool: pool::Pool::new(options, config.pool_size as usize, Limits::default()),
            login,
            renewals: Arc::default(),
        })
    }

    /// At most `size` connections with these options, for tests and tools.
    #[must_use]
    pub fn with_options(options: PgConnectOptions, size: usize) -> Self {
        Self::with_limits(options, size, Limits::default())
    }

    /// As [`Database::with_options`], with other limits.
    #[must_use]
    pub fn with_limits(options: PgConnectOptions, size: usize, limits: Limits) -> Self {
        Self {
            pool: pool::Pool::new(options.extra_float_digits(None), size, limits),
            login: login::Login::Fixed,
            renewals: Arc::default(),
        }
    }

    /// How to connect, for a session that needs a connection of its own.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.pool.options()
    }

    /// The most connections that are open at once.
    #[must_use]
    pub fn size(&self) -> usize {
        self.pool.max_size()
    }

    /// How many connections are open and unused.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.pool.idle()
    }

    /// How many connections are in use.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.pool.in_use()
    }

    /// How long things may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.pool.limits()
    }

    /// Closes every connection that is not in use, and gives out no more.
    pub fn close(&self) {
        self.pool.close();
    }

    /// A connection for statements that commit by themselves. It goes back to the pool when it is dropped and every statement
    /// was answered, and is closed otherwise.
    ///
    /// # Errors
    /// When none is free or the database can't be reached. A refused login is fetched again once, however many meet it; a
    /// pooler's refusal, which may be one, once in five seconds.
    pub async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        let renewals_before = self.renewals.done.load(Ordering::Acquire);
        let until = if self.login.can_renew() && self.renewals.are_due_for_pooler() {
            Until::PoolerRefuses
        } else {
            Until::Limit
        };
        let pooled = match self.pool.get(until).await {
            Err(error) if self.may_be_login(&error, until) => {
                if is_of_pooler(&error) {
                    self.renewals.note_for_pooler();
                }
                self.renew_login(renewals_before, error).await?;
                self.pool.get(Until::Limit).await
            }
            other => other,
        }?;
        Ok(Connection::pooled(pooled, self.pool.limits()))
    }

    fn may_be_login(&self, error: &sqlx::Error, until: Until) -> bool {
        let is_refused = self.login.can_renew() && classify(error) == ErrorClass::LoginRefused;
        is_refused || (until == Until::PoolerRefuses && is_of_pooler(error))
    }

    /// For one writing statement that commits by itself and may wait for a lock.
    ///
    /// # Errors
    /// As [`Database::acquire`].
    pub async fn one_statement(&self) -> Result<OneStatement, sqlx::Error> {
        OneStatement::begin(self.acquire().await?).await
    }

    /// A transaction at READ COMMITTED with its time limits set on the server. Rolled back, and its connection closed, when it
    /// is dropped without a commit or rollback.
    ///
    /// # Errors
    /// As [`Database::acquire`].
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        self.begin_as(Isolation::ReadCommitted).await
    }

    /// As [`Database::begin`], and carries out these statements in the same round trip: locks, each taken with a snapshot of its own.
    /// They are sent as text, unprepared, so they may hold numbers and UUIDs, and no text that came from outside.
    ///
    /// # Errors
    /// As [`Database::acquire`], and those of the statements, after which nothing is left open.
    pub async fn begin_and_lock(&self, statements: &str) -> Result<Transaction, sqlx::Error> {
        Transaction::begin_with(self.acquire().await?, statements).await
    }

    /// As [`Database::begin`], at another isolation level.
    ///
    /// # Errors
    /// As [`Database::acquire`].
    pub async fn begin_as(&self, isolation: Isolation) -> Result<Transaction, sqlx::Error> {
        Transaction::begin(self.acquire().await?, isolation).await
    }

    /// Reads the secret, unless another task has done so since. When it can't be read, what was refused is the error.
    async fn renew_login(&self, renewals_before: u64, refused: sqlx::Error) -> Result<(), sqlx::Error> {
        let _turn = self.renewals.turn.lock().await;
        if self.renewals.done.load(Ordering::Acquire) != renewals_before {
            // Another task fetched it since; that login is yet to be tried.
            return Ok(());
        }
        tracing::warn!("the database, or its pooler, refused the login; fetching the secret again");
        match self.login.fetch().await {
            Ok(options) => {
                self.pool.set_options(options);
                self.renewals.done.fetch_add(1, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the secret can't be read again");
                Err(refused)
            }
        }
    }
}
