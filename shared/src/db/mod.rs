//! The database: one lazily connected pool an environment, and what its errors mean.

mod error;
mod login;

pub use error::{ErrorClass, classify};
pub use login::{LoginError, secret_text};

use crate::config::DatabaseConfig;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// A pool that connects on first use, and fetches its login again when it stops working (after a rotation).
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
    login: login::Login,
    renewals: Arc<Renewals>,
}

/// How often the login was fetched again, and whose turn it is to do so.
#[derive(Debug, Default)]
struct Renewals {
    done: AtomicU64,
    turn: Mutex<()>,
}

impl Database {
    /// How long a caller waits for a connection; below the shortest function timeout.
    const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
    /// A link that was used within this time is taken without asking whether it lives.
    const TRUSTED_IDLE: Duration = Duration::from_secs(10);

    /// A pool for this configuration. Connects nothing yet, so that an unreachable database does not fail the start.
    ///
    /// # Errors
    /// When the login is in a secret that can't be read.
    pub async fn open(config: &DatabaseConfig, aws: &aws_config::SdkConfig) -> Result<Self, LoginError> {
        let login = login::Login::of(config, aws);
        let options = login.fetch().await?;
        let pool = PgPoolOptions::new()
            .max_connections(config.pool_size)
            .acquire_timeout(Self::ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            // A frozen environment may thaw with links that the proxy closed long ago. Asking costs a round trip, so only
            // links that idled are asked; one that is dead is replaced before a payment meets it.
            .before_acquire(|connection, link| {
                Box::pin(
                    async move { Ok(link.idle_for < Self::TRUSTED_IDLE || connection.ping().await.is_ok()) },
                )
            })
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            login,
            renewals: Arc::default(),
        })
    }

    /// This very pool, for tests and tools.
    #[must_use]
    pub fn of_pool(pool: PgPool) -> Self {
        Self {
            pool,
            login: login::Login::Fixed,
            renewals: Arc::default(),
        }
    }

    /// The pool itself.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection, released on every path when it is dropped.
    ///
    /// # Errors
    /// When none is free or the database can't be reached. A refused login is fetched again once, however many meet it.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let renewals_before = self.renewals.done.load(Ordering::Acquire);
        match self.pool.acquire().await {
            Err(error) if classify(&error) == ErrorClass::LoginRefused => {
                self.renew_login(renewals_before, error).await?;
                self.pool.acquire().await
            }
            other => other,
        }
    }

    /// A transaction, rolled back when it is dropped without a commit.
    ///
    /// # Errors
    /// As [`Database::acquire`].
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let connection = self.acquire().await?;
        Transaction::begin(connection, None).await
    }

    async fn renew_login(&self, renewals_before: u64, refused: sqlx::Error) -> Result<(), sqlx::Error> {
        if !self.login.can_renew() {
            return Err(refused);
        }
        let _turn = self.renewals.turn.lock().await;
        if self.renewals.done.load(Ordering::Acquire) != renewals_before {
            // Somebody else fetched it since; that login is yet to be tried.
            return Ok(());
        }
        tracing::warn!("the database refused the login; fetching the secret again");
        match self.login.fetch().await {
            Ok(options) => {
                self.pool.set_connect_options(options);
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
