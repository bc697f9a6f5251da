//! The environment's connections: opened when needed, checked when they idled, and thrown away together when one of them
//! finds that the host behind them has changed.

use super::error::{ErrorClass, classify, is_of_pooler};
use super::fault::{self, Fault};
use super::limits::Limits;
use deadpool::managed::{self, Metrics, Object, RecycleError, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, Row as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// The first pause between two attempts to connect; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// The connections of one environment.
#[derive(Clone)]
pub(super) struct Pool {
    connections: managed::Pool<Opener>,
    limits: Limits,
}

/// Opens connections, and says whether an idle one can be used.
pub(super) struct Opener {
    options: RwLock<PgConnectOptions>,
    limits: Limits,
    suspicion: Suspicion,
}

/// What one connection's owner has found out about the host behind all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Suspicion(Arc<Found>);

#[derive(Debug, Default)]
struct Found {
    /// How often the host was found to be gone, or to be another.
    gone: AtomicU64,
    /// How often a statement was left without an answer.
    silent: AtomicU64,
}

impl Suspicion {
    /// From now on no connection that is open today is handed out again.
    pub(super) fn suspect(&self) {
        self.0.gone.fetch_add(1, Ordering::AcqRel);
    }

    /// From now on each connection that is open today is asked whether it lives before it is handed out again.
    pub(super) fn doubt(&self) {
        self.0.silent.fetch_add(1, Ordering::AcqRel);
    }

    fn found(&self) -> (u64, u64) {
        (
            self.0.gone.load(Ordering::Acquire),
            self.0.silent.load(Ordering::Acquire),
        )
    }
}

/// The driver's connection, and what had been found out when it was opened or last asked.
pub(super) struct Opened {
    driver: PgConnection,
    gone: u64,
    silent: u64,
    /// Whether the server itself ends a wait for a lock of a statement outside a transaction.
    has_lock_limit: bool,
}

impl Opened {
    pub(super) fn into_driver(self) -> PgConnection {
        self.driver
    }
}

/// A connection of the pool while it is lent.
pub(super) struct Pooled {
    object: Object<Opener>,
    suspicion: Suspicion,
}

impl Pooled {
    pub(super) fn driver(&mut self) -> &mut PgConnection {
        &mut self.object.driver
    }

    /// Whether the role, or the database, sets a `lock_timeout` of its own.
    pub(super) fn has_lock_limit(&self) -> bool {
        self.object.has_lock_limit
    }

    pub(super) fn suspicion(&self) -> Suspicion {
        self.suspicion.clone()
    }

    /// Takes it out of the pool, which may then open another.
    pub(super) fn take(self) -> Opened {
        Object::take(self.object)
    }
}

/// How long a connection is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until the limit, whatever a pooler says.
    Limit,
    /// Until a pooler refuses one, since the login may be the reason.
    PoolerRefuses,
}

impl Pool {
    /// Connects nothing yet.
    pub(super) fn new(options: PgConnectOptions, size: usize, limits: Limits) -> Self {
        let opener = Opener {
            options: RwLock::new(options),
            limits,
            suspicion: Suspicion::default(),
        };
        let config = managed::PoolConfig::new(size.max(1));
        let connections = managed::Pool::builder(opener).config(config).build();
        Self {
            // Only a pool with timeouts of its own and no runtime can't be built; this one has none.
            connections: connections
                .unwrap_or_else(|_| unreachable!("a pool without timeouts needs no runtime")),
            limits,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn max_size(&self) -> usize {
        self.connections.status().max_size
    }

    pub(super) fn idle(&self) -> usize {
        self.connections.status().available
    }

    pub(super) fn in_use(&self) -> usize {
        let status = self.connections.status();
        status.size.saturating_sub(status.available)
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        self.connections
            .manager()
            .options
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_options(&self, options: PgConnectOptions) {
        *self
            .connections
            .manager()
            .options
            .write()
            .unwrap_or_else(PoisonError::into_inner) = options;
    }

    pub(super) fn close(&self) {
        self.connections.close();
    }

    /// A connection, within [`Limits::acquire`]. While the server can't be reached it is tried again, and when the time is
    /// over the reason is what the caller is told, not that there was no connection.
    pub(super) async fn get(&self, until: Until) -> Result<Pooled, sqlx::Error> {
        let end = Instant::now() + self.limits.acquire;
        let mut pause = FIRST_PAUSE;
        let mut reason: Option<sqlx::Error> = None;
        loop {
            let error = match timeout_at(end, self.connections.get()).await {
                Ok(Ok(object)) => {
                    let suspicion = self.connections.manager().suspicion.clone();
                    return Ok(Pooled { object, suspicion });
                }
                Ok(Err(managed::PoolError::Backend(error))) => error,
                Ok(Err(managed::PoolError::Closed)) => return Err(Fault::Closed.into()),
                Ok(Err(_)) | Err(_) => {
                    return Err(reason.unwrap_or_else(|| Fault::NoneFree(self.limits.acquire).into()));
                }
            };
            // A login that is refused is no better in a moment.
            let is_doubtful = until == Until::PoolerRefuses && is_of_pooler(&error);
            if is_doubtful || classify(&error) != ErrorClass::Unavailable {
                return Err(error);
            }
            let error = more_telling(reason, error);
            if Instant::now() + pause >= end {
                return Err(error);
            }
            reason = Some(error);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The last reason, unless it is only that a limit was reached: what the server said before says more.
fn more_telling(earlier: Option<sqlx::Error>, last: sqlx::Error) -> sqlx::Error {
    match earlier {
        Some(earlier) if fault::of(&last).is_some() => earlier,
        _ => last,
    }
}

impl managed::Manager for Opener {
    type Type = Opened;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Opened, sqlx::Error> {
        let (gone, silent) = self.suspicion.found();
        let options = self
            .options
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let connecting = async {
            let mut driver = PgConnection::connect_with(&options).await?;
            // A simple query: no pooler keeps anything of it.
            let limit = sqlx::raw_sql("SHOW lock_timeout").fetch_one(&mut driver).await?;
            let limit: String = limit.try_get(0)?;
            Ok(Opened {
                driver,
                gone,
                silent,
                has_lock_limit: limit != "0",
            })
        };
        match timeout(self.limits.connect, connecting).await {
            Ok(opened) => opened,
            Err(_) => Err(Fault::ConnectLimit(self.limits.connect).into()),
        }
    }

    async fn recycle(&self, opened: &mut Opened, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        let (gone, silent) = self.suspicion.found();
        if opened.gone != gone {
            return Err(RecycleError::message("its host is not trusted any more"));
        }
        if opened.silent == silent && metrics.last_used() < Limits::TRUSTED_IDLE {
            return Ok(());
        }
        match timeout(self.limits.ping, opened.driver.ping()).await {
            Ok(Ok(())) => {
                opened.silent = silent;
                Ok(())
            }
            Ok(Err(error)) => {
                self.suspicion.suspect();
                Err(RecycleError::Backend(error))
            }
            Err(_) => {
                self.suspicion.suspect();
                Err(RecycleError::message("it did not answer a ping"))
            }
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pool")
            .field("status", &self.connections.status())
            .finish_non_exhaustive()
    }
}
