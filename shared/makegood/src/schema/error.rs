//! What can go wrong while the schema is changed, and what to do next.

use std::time::Duration;

/// Why the schema could not be changed. Duplicates in the data are no error: they are in the report.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// No connection after several attempts.
    #[error(
        "no connection to the database after {attempts} attempts: {source}; check the address and the login"
    )]
    Connect {
        /// How often it was tried.
        attempts: usize,
        /// What the last attempt said.
        source: sqlx::Error,
    },
    /// Another migrate or ensure-index holds the schema lock.
    #[error(
        "another migrate or ensure-index has been at work for {} s (process {holder}); \
         wait for it, then run again",
        waited.as_secs()
    )]
    Busy {
        /// How long we waited.
        waited: Duration,
        /// Its server process, or `unknown`.
        holder: String,
    },
    /// A table stayed locked by another session.
    #[error(
        "{table} was locked by others for {} s (process {holder}); end that statement or wait, then run again",
        waited.as_secs()
    )]
    TableBusy {
        /// The table.
        table: String,
        /// How long we waited.
        waited: Duration,
        /// Its server process, or `unknown`.
        holder: String,
    },
    /// A migration failed.
    #[error("a migration failed: {0}; nothing of it was kept, fix the cause and run migrate again")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The index's table is not there.
    #[error("table {table} of index {index} is missing; run `makegood migrate`")]
    TableMissing {
        /// The index.
        index: String,
        /// Its table.
        table: String,
    },
    /// Both names that the index could get are taken.
    #[error(
        "the names {index} and {index}_makegood are both taken by something else; look at them with \
         `\\d {index}` and rename what is not needed"
    )]
    NamesTaken {
        /// The index.
        index: String,
    },
    /// The build ended without a valid index, again and again.
    #[error(
        "index {index} is still not valid after {attempts} attempts; run `makegood ensure-index {index}` again"
    )]
    StillInvalid {
        /// The index.
        index: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// Anything else that the database said.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
}

/// The SQLSTATE of an error, if the server sent one.
pub(super) fn sql_state(error: &sqlx::Error) -> Option<String> {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .map(|code| code.into_owned())
}

/// 55P03: `lock_timeout` struck.
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";
/// 23505: a concurrent build met duplicates.
pub(super) const UNIQUE_VIOLATION: &str = "23505";
/// 42P07: the name has been taken since we looked.
pub(super) const DUPLICATE_NAME: &str = "42P07";
