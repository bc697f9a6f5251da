//! What this module itself finds wrong, in the driver's error type, so that callers have one.

use std::time::Duration;

/// A failure that neither the server nor the driver reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The server did not answer in time. The connection is closed.
    #[error("the database did not answer a statement within {0:?}; the connection is closed")]
    StatementLimit(Duration),
    /// Connecting took too long.
    #[error("the database did not accept a connection within {0:?}")]
    ConnectLimit(Duration),
    /// Every connection of this environment stayed in use.
    #[error("no connection of this environment became free within {0:?}")]
    NoneFree(Duration),
    /// A statement of the transaction had failed before, so that its commit would have written nothing.
    #[error("a statement of this transaction failed before its commit; nothing was written")]
    CommitOfFailed,
    /// A column of a row that was read holds a time that no clock can show.
    #[error(
        "the column {0} holds infinity, or a time after the year 262142; give it a time within them, or NULL where it means \"never\""
    )]
    TimeOutOfRange(String),
    /// The connection, or the pool, was closed.
    #[error("the connection to the database is closed")]
    Closed,
}

impl From<Fault> for sqlx::Error {
    fn from(fault: Fault) -> Self {
        Self::AnyDriverError(Box::new(fault))
    }
}

/// The fault inside an error of the driver's type, if it is one of ours.
pub(super) fn of(error: &sqlx::Error) -> Option<&Fault> {
    match error {
        sqlx::Error::AnyDriverError(inner) => inner.downcast_ref::<Fault>(),
        _ => None,
    }
}
