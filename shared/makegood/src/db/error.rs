//! What a database error means for the work at hand; the one place where SQLSTATEs are read.

use super::fault::{self, Fault};
use crate::disposition::Disposition;

/// What kind of failure it is, closed: each kind has one answer to "what now".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The link, the pool, or the server itself; later is better.
    Unavailable,
    /// 28xxx: the login is refused; after a rotation the secret must be fetched again.
    LoginRefused,
    /// 40001, 40P01: lost to a concurrent transaction, which has to be begun anew.
    Contention,
    /// 55P03, 57014: a statement waited too long, most often for another transaction's lock on one row.
    Blocked,
    /// 25P02, or a commit after a failed statement: an aborted transaction was used. A defect: the connection is closed.
    Aborted,
    /// 42P10: no unique index matches the `ON CONFLICT` clause.
    NoArbiter,
    /// 23505: another writer's row is there already.
    UniqueViolation,
    /// 22xxx, 54xxx and the other 23xxx: this row can't be written, now or later. Or it can't be read: it holds a time without end.
    BadData,
    /// 42xxx: the schema is not the one that this program was built for. 23502: it has a column that must have a value, and no statement
    /// of ours fills it; what ours fill, they never fill with null.
    SchemaDrift,
    /// 0A000, 26000: what the connection remembers of a statement is not true any more. The connection is closed.
    StaleStatement,
    /// Anything else.
    Other,
}

/// The states with a meaning of their own. What is not here goes by its first two characters ([`CLASSES`]).
const STATES: &[(&str, ErrorClass)] = &[
    // "cached plan must not change result type": a column was changed under a prepared statement. Postgres gives the same state
    // to features that it lacks, which no statement of ours asks for.
    ("0A000", ErrorClass::StaleStatement),
    ("23502", ErrorClass::SchemaDrift),
    ("23505", ErrorClass::UniqueViolation),
    // A failover's old writer, or a standby, on a link that stayed open.
    ("25006", ErrorClass::Unavailable),
    ("25P02", ErrorClass::Aborted),
    // The server ended a transaction that said nothing for too long, or took too long (PostgreSQL 17): with it the session.
    ("25P03", ErrorClass::Unavailable),
    ("25P04", ErrorClass::Unavailable),
    // A prepared statement that the pooler's server connection does not have, or has under another text.
    ("26000", ErrorClass::StaleStatement),
    ("42P05", ErrorClass::StaleStatement),
    ("40001", ErrorClass::Contention),
    ("40P01", ErrorClass::Contention),
    // It is not known whether the statement was carried out.
    ("40003", ErrorClass::Unavailable),
    ("42P10", ErrorClass::NoArbiter),
    ("55P03", ErrorClass::Blocked),
    ("57014", ErrorClass::Blocked),
    // The database was dropped, or is not there yet. Connecting again finds out.
    ("3D000", ErrorClass::Unavailable),
    // Object in use, and out of a configured limit: passing states of the server.
    ("55006", ErrorClass::Unavailable),
    ("55000", ErrorClass::Other),
];

/// The classes of states (their first two characters).
const CLASSES: &[(&str, ErrorClass)] = &[
    ("08", ErrorClass::Unavailable),
    ("22", ErrorClass::BadData),
    ("23", ErrorClass::BadData),
    ("28", ErrorClass::LoginRefused),
    ("40", ErrorClass::Contention),
    ("42", ErrorClass::SchemaDrift),
    ("53", ErrorClass::Unavailable),
    // A value that no page or index row can hold: the same whenever it is tried.
    ("54", ErrorClass::BadData),
    ("57", ErrorClass::Unavailable),
    ("58", ErrorClass::Unavailable),
    ("XX", ErrorClass::Unavailable),
];

/// Classifies by SQLSTATE, never by message or index name (`REINDEX CONCURRENTLY` reports `…_ccnew`, FACTS).
#[must_use]
pub fn classify(error: &sqlx::Error) -> ErrorClass {
    if let Some(fault) = fault::of(error) {
        return match fault {
            Fault::CommitOfFailed => ErrorClass::Aborted,
            Fault::TimeOutOfRange(_) => ErrorClass::BadData,
            Fault::StatementLimit(_) | Fault::ConnectLimit(_) | Fault::NoneFree(_) | Fault::Closed => {
                ErrorClass::Unavailable
            }
        };
    }
    match error {
        sqlx::Error::Database(database) => database
            .code()
            .map_or(ErrorClass::Other, |code| classify_state(&code)),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => ErrorClass::Unavailable,
        sqlx::Error::ColumnNotFound(_) | sqlx::Error::ColumnDecode { .. } => ErrorClass::SchemaDrift,
        _ => ErrorClass::Other,
    }
}

/// The error in words for a log or a record, without the row's values, which may be personal data. A wait for a row's lock says where
/// the row lies ("while locking tuple (0,5) in relation \"inventory\""); `SELECT … WHERE ctid = '(0,5)'` shows its key, until the row
/// is written again.
///
/// ```
/// assert_eq!(makegood::db::describe(&sqlx::Error::PoolClosed), sqlx::Error::PoolClosed.to_string());
/// ```
#[must_use]
pub fn describe(error: &sqlx::Error) -> String {
    let sqlx::Error::Database(database) = error else {
        return error.to_string();
    };
    let state = database.code().unwrap_or_default();
    let constraint = database
        .constraint()
        .map(|name| format!(" ({name})"))
        .unwrap_or_default();
    let waited = waited_for(error)
        .map(|what| format!(", {what}"))
        .unwrap_or_default();
    format!("{} [{state}]{constraint}{waited}", database.message())
}

/// For which row a statement waited, in the server's words. Only of a wait: other contexts may hold values.
fn waited_for(error: &sqlx::Error) -> Option<&str> {
    if classify(error) != ErrorClass::Blocked {
        return None;
    }
    let database = error.as_database_error()?;
    let context = database
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?
        .r#where()?;
    context.lines().find(|line| line.starts_with("while "))
}

/// Whether this is a pooler's own refusal of a new connection. PgBouncer says 08P01 to a wrong password ("SASL authentication
/// failed") and to a server that is away alike; only the login's secret tells which it is.
pub(super) fn is_of_pooler(error: &sqlx::Error) -> bool {
    const OF_POOLER: &str = "08P01";
    let code = error.as_database_error().and_then(|database| database.code());
    code.is_some_and(|code| code == OF_POOLER)
}

fn classify_state(state: &str) -> ErrorClass {
    let find = |table: &[(&str, ErrorClass)], key: &str| {
        table
            .iter()
            .find_map(|(known, class)| (*known == key).then_some(*class))
    };
    find(STATES, state)
        .or_else(|| find(CLASSES, state.get(..2)?))
        .unwrap_or(ErrorClass::Other)
}

impl ErrorClass {
    /// A stable code for dead letters, logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unavailable => "database_unavailable",
            Self::LoginRefused => "database_login_refused",
            Self::Contention => "database_contention",
            Self::Blocked => "database_blocked",
            Self::Aborted => "database_transaction_aborted",
            Self::NoArbiter => "database_no_arbiter_index",
            Self::UniqueViolation => "database_unique_violation",
            Self::BadData => "database_bad_data",
            Self::SchemaDrift => "database_schema_drift",
            Self::StaleStatement => "database_stale_statement",
            Self::Other => "database_error",
        }
    }

    /// What to do with the record that met it.
    #[must_use]
    pub const fn disposition(self) -> Disposition {
        match self {
            Self::BadData => Disposition::Park,
            Self::Unavailable
            | Self::LoginRefused
            | Self::Contention
            | Self::Blocked
            | Self::Aborted
            | Self::NoArbiter
            | Self::UniqueViolation
            | Self::SchemaDrift
            | Self::StaleStatement
            | Self::Other => Disposition::Retry,
        }
    }

    /// Whether the connection that said so is of no more use: it ended, leads to the wrong host, or remembers what is not true.
    #[must_use]
    pub const fn ends_the_connection(self) -> bool {
        match self {
            Self::Unavailable | Self::LoginRefused | Self::Aborted | Self::StaleStatement => true,
            Self::BadData
            | Self::UniqueViolation
            | Self::Contention
            | Self::Blocked
            | Self::NoArbiter
            | Self::SchemaDrift
            | Self::Other => false,
        }
    }

    /// Whether one record of the batch can be to blame, so that splitting the batch finds it.
    #[must_use]
    pub const fn may_be_one_record(self) -> bool {
        match self {
            Self::BadData | Self::UniqueViolation | Self::Blocked | Self::Other => true,
            Self::Unavailable
            | Self::LoginRefused
            | Self::Contention
            | Self::Aborted
            | Self::NoArbiter
            | Self::SchemaDrift
            | Self::StaleStatement => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_that_the_purchase_path_depends_on_has_its_class() {
        for (state, class) in [
            ("42P10", ErrorClass::NoArbiter),
            ("25P02", ErrorClass::Aborted),
            ("23505", ErrorClass::UniqueViolation),
            ("23514", ErrorClass::BadData),
            ("23502", ErrorClass::SchemaDrift),
            ("22P02", ErrorClass::BadData),
            ("40P01", ErrorClass::Contention),
            ("28P01", ErrorClass::LoginRefused),
            ("57P01", ErrorClass::Unavailable),
            ("42703", ErrorClass::SchemaDrift),
            ("25006", ErrorClass::Unavailable),
            ("25P03", ErrorClass::Unavailable),
            ("25P04", ErrorClass::Unavailable),
            ("40003", ErrorClass::Unavailable),
            ("55P03", ErrorClass::Blocked),
            ("57014", ErrorClass::Blocked),
            ("54000", ErrorClass::BadData),
            ("0A000", ErrorClass::StaleStatement),
            ("ZZ123", ErrorClass::Other),
            ("", ErrorClass::Other),
        ] {
            assert_eq!(classify_state(state), class, "{state}");
        }
    }
}
