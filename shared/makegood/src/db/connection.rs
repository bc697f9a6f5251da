//! A connection that knows whether its work has ended. It goes back to the pool only then; otherwise it is closed.
//!
//! sqlx counts a transaction from the moment at which `BEGIN` was answered, so a future that is dropped while it waits
//! leaves a transaction open that no code knows of (sqlx issues 4385 and 4393). Later statements on that connection succeed
//! and are never committed. This type therefore marks a statement before it is sent and unmarks it when it was answered,
//! and a connection with a mark is never used again (docs/decisions/0015).

use super::error::{ErrorClass, classify};
use super::fault::Fault;
use super::limits::Limits;
use super::pool::Pooled;
use super::times;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Either, Execute, Executor, PgConnection, Postgres, SqlStr};
use std::fmt;
use tokio::time::{Instant, timeout_at};

/// A connection to Postgres, borrowed from the environment's pool or opened for one session alone. The only one that there
/// is outside this module.
pub struct Connection {
    link: Option<Link>,
    limits: Limits,
    state: State,
}

enum Link {
    /// Goes back to the pool when its work has ended.
    Pooled(Pooled),
    /// Belongs to its owner alone.
    Direct(Box<PgConnection>),
}

/// What the server may still be doing for this connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    /// A statement was sent, and its whole answer was not read.
    unanswered: bool,
    /// A transaction may be open on the server: set before `BEGIN` is sent, unset when its end was answered.
    pub(super) in_transaction: bool,
    /// A statement of the open transaction failed: the server will answer its COMMIT with a rollback, and call it done.
    pub(super) failed: bool,
    /// An answer said that this connection, or the host behind it, can't be used any more.
    broken: bool,
}

impl State {
    fn is_reusable(self) -> bool {
        !self.unanswered && !self.in_transaction && !self.broken
    }

    /// Notes what an answer means for the connection. Only what the server itself said counts as an answer.
    fn note(&mut self, error: &sqlx::Error) {
        self.failed |= self.in_transaction;
        if !matches!(error, sqlx::Error::Database(_) | sqlx::Error::RowNotFound) {
            return;
        }
        self.unanswered = false;
        self.broken |= classify(error).ends_the_connection();
    }
}

impl Connection {
    pub(super) fn pooled(pooled: Pooled, limits: Limits) -> Self {
        Self {
            link: Some(Link::Pooled(pooled)),
            limits,
            state: State::default(),
        }
    }

    /// A connection that no pool knows: for a session that needs one of its own (schema changes, tools). Closed when dropped.
    #[must_use]
    pub fn direct(connection: PgConnection) -> Self {
        Self {
            link: Some(Link::Direct(Box::new(connection))),
            // Changing a schema takes as long as it takes.
            limits: Limits {
                statement: std::time::Duration::from_secs(7 * 24 * 3_600),
                ..Limits::default()
            },
            state: State::default(),
        }
    }

    /// The same connection with a longer or shorter limit for each of its statements.
    pub fn limit_statements(&mut self, limit: std::time::Duration) {
        self.limits.statement = limit;
    }

    /// Whether the server ends a wait for a lock outside a transaction too.
    pub(super) fn has_lock_limit(&self) -> bool {
        match &self.link {
            Some(Link::Pooled(pooled)) => pooled.has_lock_limit(),
            Some(Link::Direct(_)) | None => false,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// The driver's own connection, for the driver's own tools on a direct connection (the migrator).
    pub(crate) fn driver(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        match &mut self.link {
            Some(Link::Direct(connection)) => Ok(connection),
            Some(Link::Pooled(pooled)) => Ok(pooled.driver()),
            None => Err(Fault::Closed.into()),
        }
    }

    /// The server's version as `server_version_num` counts it (`170004`); 0 when it does not say.
    pub fn server_version(&mut self) -> u32 {
        self.driver()
            .ok()
            .and_then(|driver| driver.server_version_num())
            .unwrap_or_default()
    }

    /// Closes it with a word to the server. A pooled one is closed too.
    pub async fn close(mut self) {
        let end = Instant::now() + self.limits.ping;
        let closing = async {
            match self.link.take() {
                Some(Link::Direct(connection)) => sqlx::Connection::close(*connection).await,
                Some(Link::Pooled(pooled)) => sqlx::Connection::close(pooled.take().into_driver()).await,
                None => Ok(()),
            }
        };
        if let Ok(Err(error)) = timeout_at(end, closing).await {
            tracing::debug!(%error, "the connection did not close cleanly");
        }
    }

    /// The driver's connection and the mark, which is set now: from here on an answer is owed.
    fn ask(&mut self) -> Result<Asking<'_>, sqlx::Error> {
        let end = self.limits.statement_end(Instant::now());
        self.state.unanswered = true;
        let pool = match &self.link {
            Some(Link::Pooled(pooled)) => Some(pooled.suspicion()),
            _ => None,
        };
        let driver = match &mut self.link {
            Some(Link::Direct(connection)) => &mut **connection,
            Some(Link::Pooled(pooled)) => pooled.driver(),
            None => return Err(Fault::Closed.into()),
        };
        Ok(Asking {
            driver,
            state: &mut self.state,
            end,
            limit: self.limits.statement,
            pool,
        })
    }
}

/// One statement on its way.
struct Asking<'c> {
    driver: &'c mut PgConnection,
    state: &'c mut State,
    end: Instant,
    limit: std::time::Duration,
    pool: Option<super::pool::Suspicion>,
}

/// What is left of a statement once it was sent: where its end is noted.
struct Asked<'c> {
    state: &'c mut State,
    end: Instant,
    limit: std::time::Duration,
    pool: Option<super::pool::Suspicion>,
}

impl<'c> Asking<'c> {
    fn split(self) -> (&'c mut PgConnection, Asked<'c>) {
        let asked = Asked {
            state: self.state,
            end: self.end,
            limit: self.limit,
            pool: self.pool,
        };
        (self.driver, asked)
    }
}

impl Asked<'_> {
    fn answered(&mut self) {
        self.state.unanswered = false;
    }

    fn failed(&mut self, error: sqlx::Error) -> sqlx::Error {
        self.state.note(&error);
        // What one connection has just found out about its host, the others need not find out one by one.
        if classify(&error) == ErrorClass::Unavailable
            && let Some(pool) = &self.pool
        {
            pool.suspect();
        }
        error
    }

    /// Waits for the answer, no longer than the statement may take.
    async fn wait<T>(
        &mut self,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let answer = match timeout_at(self.end, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::StatementLimit(self.limit).into()),
        };
        answer.map_err(|error| self.failed(error))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(Link::Pooled(pooled)) = self.link.take()
            && !self.state.is_reusable()
        {
            if self.state.unanswered {
                pooled.suspicion().doubt();
            }
            // Closing the socket ends the transaction on the server. A word of farewell could wait for a peer that is gone.
            drop(pooled.take());
        }
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Self::Database>,
    {
        let asking = match self.ask() {
            Ok(asking) => asking,
            Err(error) => return futures::stream::once(async move { Err(error) }).boxed(),
        };
        let (driver, asked) = asking.split();
        let answers = driver.fetch_many(query);
        futures::stream::unfold(Some((answers, asked)), |asking| async move {
            let (mut answers, mut asked) = asking?;
            match asked.wait(async { answers.next().await.transpose() }).await {
                Ok(Some(answer)) => match answer.as_ref().right().map_or(Ok(()), times::check) {
                    Ok(()) => Some((Ok(answer), Some((answers, asked)))),
                    Err(fault) => Some((Err(asked.failed(fault.into())), None)),
                },
                Ok(None) => {
                    asked.answered();
                    None
                }
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Self::Database>,
    {
        let asking = self.ask();
        Box::pin(async move {
            let (driver, mut asked) = asking?.split();
            let answer = asked.wait(driver.fetch_optional(query)).await?;
            asked.answered();
            answer.as_ref().map_or(Ok(()), times::check)?;
            Ok(answer)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        let asking = self.ask();
        Box::pin(async move {
            let (driver, mut asked) = asking?.split();
            let answer = asked.wait(driver.prepare_with(sql, parameters)).await?;
            asked.answered();
            Ok(answer)
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Self::Database>, sqlx::Error>>
    where
        'c: 'e,
    {
        let asking = self.ask();
        Box::pin(async move {
            let (driver, mut asked) = asking?.split();
            let answer = asked.wait(driver.describe(sql)).await?;
            asked.answered();
            Ok(answer)
        })
    }
}
