//! A transaction: the only way to begin one.

use super::connection::Connection;
use super::fault::Fault;
use sqlx::AssertSqlSafe;
use std::ops::{Deref, DerefMut};
use tokio::time::Instant;

/// What a transaction sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it. What lock-then-look needs, whatever the database's default is (FACTS).
    ReadCommitted,
    /// One snapshot for all statements, and no writing.
    Snapshot,
}

impl Isolation {
    const fn begin(self) -> &'static str {
        match self {
            Self::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Self::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// A transaction with its limits set on the server, local to it. Dropped without a commit or rollback, its connection is
/// closed, which rolls it back.
#[derive(Debug)]
pub struct Transaction {
    connection: Connection,
}

impl Transaction {
    /// Begins, and tells the server the limits, in one round trip.
    pub(super) async fn begin(mut connection: Connection, isolation: Isolation) -> Result<Self, sqlx::Error> {
        let settings = connection.limits().settings(Instant::now());
        connection.state_mut().in_transaction = true;
        sqlx::raw_sql(AssertSqlSafe(format!("{}; {settings}", isolation.begin())))
            .execute(&mut connection)
            .await?;
        Ok(Self { connection })
    }

    /// As [`Transaction::begin`] at READ COMMITTED, and carries out these statements in the same round trip. When one fails, the
    /// transaction is rolled back and the connection is whole.
    pub(super) async fn begin_with(
        mut connection: Connection,
        statements: &str,
    ) -> Result<Self, sqlx::Error> {
        let begin = Isolation::ReadCommitted.begin();
        let settings = connection.limits().settings(Instant::now());
        connection.state_mut().in_transaction = true;
        let begun = sqlx::raw_sql(AssertSqlSafe(format!("{begin}; {settings}; {statements}")))
            .execute(&mut connection)
            .await;
        let transaction = Self { connection };
        match begun {
            Ok(_) => Ok(transaction),
            Err(error) => {
                // What can't be rolled back is closed, which rolls it back too.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// Commits.
    ///
    /// # Errors
    /// Those of the database. When a statement of this transaction failed before, whether or not its error was passed on:
    /// Postgres answers such a COMMIT with a rollback and calls it done.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        if self.connection.state_mut().failed {
            self.rollback().await?;
            return Err(Fault::CommitOfFailed.into());
        }
        self.end("COMMIT").await
    }

    /// Rolls back, and gives the connection back whole.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(statement).execute(&mut self.connection).await?;
        self.connection.state_mut().in_transaction = false;
        self.connection.state_mut().failed = false;
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// One writing statement that commits by itself, with a limit for its lock waits: that of the role where it has one
/// (`makegood migrate --limit-role`), which costs one round trip, and a transaction of its own otherwise, which costs three.
#[derive(Debug)]
pub struct OneStatement {
    work: Work,
}

#[derive(Debug)]
enum Work {
    Alone(Connection),
    Within(Transaction),
}

impl OneStatement {
    pub(super) async fn begin(connection: Connection) -> Result<Self, sqlx::Error> {
        let work = if connection.has_lock_limit() {
            Work::Alone(connection)
        } else {
            Work::Within(Transaction::begin(connection, Isolation::ReadCommitted).await?)
        };
        Ok(Self { work })
    }

    /// Ends it: what the statement did is committed when this returns `Ok`.
    ///
    /// # Errors
    /// That of the statement, or that of the commit.
    pub async fn end<T>(self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        match (self.work, result) {
            (Work::Alone(_), result) => result,
            (Work::Within(transaction), Ok(done)) => transaction.commit().await.map(|()| done),
            (Work::Within(transaction), Err(error)) => {
                // What can't be rolled back is closed, which rolls it back too.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }
}

impl Deref for OneStatement {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.work {
            Work::Alone(connection) => connection,
            Work::Within(transaction) => transaction,
        }
    }
}

impl DerefMut for OneStatement {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.work {
            Work::Alone(connection) => connection,
            Work::Within(transaction) => transaction,
        }
    }
}
