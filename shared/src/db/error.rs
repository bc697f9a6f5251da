//! What a database error means for the work at hand; the one place where SQLSTATEs are read.

use crate::delivery::{Disposition, Failure};

/// What kind of failure it is, closed: each kind has one answer to "what now".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The link, the pool, or the server itself; later is better.
    Unavailable,
    /// 28xxx: the login is refused; after a rotation the secret must be fetched again.
    LoginRefused,
    /// 40001, 40P01, 55P03: lost to a concurrent transaction.
    Contention,
    /// 25P02: a statement reached an aborted transaction. A defect: the connection is discarded.
    Aborted,
    /// 42P10: no unique index matches the `ON CONFLICT` clause.
    NoArbiter,
    /// 23505: somebody else's row is there already.
    UniqueViolation,
    /// 22xxx and the other 23xxx: this row can't be written, now or later.
    BadData,
    /// 42xxx: the schema is not the one that this program was built for.
    SchemaDrift,
    /// Anything else.
    Other,
}

/// Classifies by SQLSTATE, never by message or index name (`REINDEX CONCURRENTLY` reports `…_ccnew`, FACTS).
#[must_use]
pub fn classify(error: &sqlx::Error) -> ErrorClass {
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

fn classify_state(state: &str) -> ErrorClass {
    match state {
        "25P02" => ErrorClass::Aborted,
        "42P10" => ErrorClass::NoArbiter,
        "23505" => ErrorClass::UniqueViolation,
        "40001" | "40P01" | "55P03" => ErrorClass::Contention,
        _ => match state.get(..2) {
            Some("28") => ErrorClass::LoginRefused,
            Some("22" | "23") => ErrorClass::BadData,
            Some("42") => ErrorClass::SchemaDrift,
            Some("08" | "53" | "57" | "58" | "XX") => ErrorClass::Unavailable,
            _ => ErrorClass::Other,
        },
    }
}

impl ErrorClass {
    /// A stable code for dead letters, logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unavailable => "database_unavailable",
            Self::LoginRefused => "database_login_refused",
            Self::Contention => "database_contention",
            Self::Aborted => "database_transaction_aborted",
            Self::NoArbiter => "database_no_arbiter_index",
            Self::UniqueViolation => "database_unique_violation",
            Self::BadData => "database_bad_data",
            Self::SchemaDrift => "database_schema_drift",
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
            | Self::Aborted
            | Self::NoArbiter
            | Self::UniqueViolation
            | Self::SchemaDrift
            | Self::Other => Disposition::Retry,
        }
    }

    /// Whether the database as a whole is away for us: a failover takes a minute or two.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        match self {
            Self::Unavailable | Self::LoginRefused => true,
            Self::BadData
            | Self::UniqueViolation
            | Self::Contention
            | Self::Aborted
            | Self::NoArbiter
            | Self::SchemaDrift
            | Self::Other => false,
        }
    }

    /// Whether one record of the batch can be to blame, so that splitting the batch finds it.
    #[must_use]
    pub const fn may_be_one_record(self) -> bool {
        match self {
            Self::BadData | Self::UniqueViolation | Self::Other => true,
            Self::Unavailable
            | Self::LoginRefused
            | Self::Contention
            | Self::Aborted
            | Self::NoArbiter
            | Self::SchemaDrift => false,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let class = classify(&error);
        let failure = match class.disposition() {
            Disposition::Park => Self::park(class.code(), describe(&error)),
            Disposition::Retry | Disposition::Acknowledge => Self::retry(class.code(), describe(&error)),
        };
        if class.is_outage() {
            failure.of_outage()
        } else if class.may_be_one_record() {
            failure
        } else {
            failure.of_whole_batch()
        }
    }
}

/// The message without the row's values, which may be personal data.
fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => {
            let state = database.code().unwrap_or_default();
            let constraint = database
                .constraint()
                .map(|name| format!(" ({name})"))
                .unwrap_or_default();
            format!("{} [{state}]{constraint}", database.message())
        }
        other => other.to_string(),
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
            ("22P02", ErrorClass::BadData),
            ("40P01", ErrorClass::Contention),
            ("28P01", ErrorClass::LoginRefused),
            ("57P01", ErrorClass::Unavailable),
            ("42703", ErrorClass::SchemaDrift),
        ] {
            assert_eq!(classify_state(state), class, "{state}");
        }
    }
}
