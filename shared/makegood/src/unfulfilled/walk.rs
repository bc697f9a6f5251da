//! One step along all rows of a kind, in the order of time.

use super::{Kind, Rule};
use crate::db::Connection;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How many rows one step walks: two range scans of some hundred pages.
pub(super) const STEP: i64 = 5_000;

/// How far a writer's clock may be ahead. The rules (payments.sql and the others) have the same.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

/// Where a walk is: everything up to and including this row was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// When the row was paid, bought, allocated or verified.
    pub at: DateTime<Utc>,
    /// Its key, which tells rows of the same moment apart.
    pub key: String,
}

impl Place {
    /// Before every row of the kind from this moment on.
    #[must_use]
    pub fn before(kind: Kind, at: DateTime<Utc>) -> Self {
        let key = match kind {
            Kind::Payment | Kind::Purchase | Kind::Allocation => "00000000-0000-0000-0000-000000000000",
            Kind::Intent => "-1",
        };
        Self {
            at,
            key: key.to_owned(),
        }
    }

    /// After every row whose time a right clock can have written by now. What comes after it says nothing about its age.
    pub(super) fn ahead(kind: Kind, now: DateTime<Utc>) -> Self {
        Self::before(kind, now + AHEAD)
    }

    /// Before every row of the kind.
    #[must_use]
    pub fn beginning(kind: Kind) -> Self {
        Self::before(kind, DateTime::UNIX_EPOCH)
    }
}

/// What a step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// How many rows it walked.
    pub(super) walked: i64,
    /// Where it came to; none at the end.
    pub(super) last: Option<Place>,
    /// The ids about which the rule must decide.
    pub(super) candidates: Vec<String>,
}

struct Row {
    walked: i64,
    at: Option<DateTime<Utc>>,
    key: Option<String>,
    candidates: Vec<String>,
}

/// Walks the next rows after this place and before this moment.
pub(super) async fn step(
    connection: &mut Connection,
    kind: Kind,
    after: &Place,
    until: DateTime<Utc>,
    rule: &Rule,
) -> Result<Step, sqlx::Error> {
    let (at, key) = (after.at, after.key.as_str());
    let row = match kind {
        Kind::Payment => {
            sqlx::query_file_as!(Row, "src/unfulfilled/payments_step.sql", at, key, until, STEP)
                .fetch_one(connection)
                .await?
        }
        Kind::Purchase => {
            sqlx::query_file_as!(Row, "src/unfulfilled/purchases_step.sql", at, key, until, STEP)
                .fetch_one(connection)
                .await?
        }
        Kind::Allocation => {
            sqlx::query_file_as!(
                Row,
                "src/unfulfilled/allocations_step.sql",
                at,
                key,
                until,
                STEP,
                rule.today
            )
            .fetch_one(connection)
            .await?
        }
        Kind::Intent => {
            sqlx::query_file_as!(Row, "src/unfulfilled/intents_step.sql", at, key, until, STEP)
                .fetch_one(connection)
                .await?
        }
    };
    Ok(Step {
        walked: row.walked,
        last: row.at.zip(row.key).map(|(at, key)| Place { at, key }),
        candidates: row.candidates,
    })
}
