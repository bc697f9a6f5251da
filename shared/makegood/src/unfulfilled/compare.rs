//! The full comparison: all history of every kind, a step at a time, resumable. Where it is stands in `sweep_runs`.

use super::{Kind, Place, Rule, find, put_on_list, walk};
use crate::db::Connection;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a comparison is, and what it found. Kept as the `done` of its sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// When it began: what was paid later is the frequent reconcile's.
    pub began_at: DateTime<Utc>,
    /// When it had seen everything; none while it goes on.
    pub completed_at: Option<DateTime<Utc>>,
    /// What it is walking; see [`Kind::wire_name`].
    pub kind: String,
    /// Where in it.
    pub place: Place,
    /// Rows walked so far, of all kinds.
    pub walked: i64,
    /// How many there are, as the planner estimates.
    pub of_about: i64,
    /// Those that are unfulfilled, by this comparison.
    pub found: i64,
    /// Those of them that were not known before.
    pub listed: u64,
}

impl Comparison {
    /// One that has not looked at anything yet.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(connection: &mut Connection, now: DateTime<Utc>) -> Result<Self, sqlx::Error> {
        let of_about = sqlx::query_scalar!(
            r#"SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint AS "rows!" FROM pg_class
               WHERE oid IN ('payments'::regclass, 'student_course_purchases'::regclass, 'trainer_allocations'::regclass,
                             'payment_gateway_verifications'::regclass)"#
        )
        .fetch_one(connection)
        .await?;
        let first = Kind::Payment;
        Ok(Self {
            began_at: now,
            completed_at: None,
            kind: first.wire_name().to_owned(),
            place: Place::beginning(first),
            walked: 0,
            of_about,
            found: 0,
            listed: 0,
        })
    }

    fn next_kind(&self) -> Option<Kind> {
        let position = Kind::ALL.iter().position(|kind| kind.wire_name() == self.kind)?;
        Kind::ALL.get(position + 1).copied()
    }
}

/// Takes the next step: walks some thousand rows and puts those that are unfulfilled on the list. Belongs into a transaction of its own.
/// False when nothing is left: then it is completed.
///
/// # Errors
/// Those of the database; the comparison is then where it was.
pub async fn compare_step(
    connection: &mut Connection,
    comparison: &mut Comparison,
    rule: &Rule,
) -> Result<bool, sqlx::Error> {
    let Some(kind) = Kind::from_wire_name(&comparison.kind) else {
        comparison.completed_at = Some(rule.now);
        return Ok(false);
    };
    let step = walk::step(
        &mut *connection,
        kind,
        &comparison.place,
        comparison.began_at,
        rule,
    )
    .await?;
    let Some(last) = step.last else {
        match comparison.next_kind() {
            Some(next) => {
                comparison.kind = next.wire_name().to_owned();
                comparison.place = Place::beginning(next);
            }
            None => comparison.completed_at = Some(rule.now),
        }
        return Ok(comparison.completed_at.is_none());
    };
    let found = find(&mut *connection, kind, &step.candidates, rule).await?;
    comparison.listed += put_on_list(connection, kind, &found).await?;
    comparison.found += i64::try_from(found.len()).unwrap_or(i64::MAX);
    comparison.walked += step.walked;
    comparison.place = last;
    Ok(true)
}

/// The comparison as its sweep's last run that ended well left it; none when it never ran, or not in the last fourteen days.
///
/// # Errors
/// Those of the database.
pub async fn last_comparison(
    connection: &mut Connection,
    sweep: &str,
) -> Result<Option<Comparison>, sqlx::Error> {
    let done = sqlx::query_scalar!(
        r#"SELECT done AS "done!" FROM sweep_runs WHERE sweep = $1 AND done IS NOT NULL ORDER BY id DESC LIMIT 1"#,
        sweep,
    )
    .fetch_optional(connection)
    .await?;
    // What an older version wrote may not be readable: then it begins anew.
    Ok(done.and_then(|done| serde_json::from_value(done).ok()))
}
