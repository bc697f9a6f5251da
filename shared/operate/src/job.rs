//! Jobs as the person on call handles them: list, retry, cancel. Each change is one transaction of the caller, with its
//! audit row in it; after the commit the caller wakes the worker ([`makegood::job::Waker`]).

use crate::audit::{self, Act, Action};
use crate::page::{Cursor, Page, PageRequest};
use chrono::{DateTime, Utc};
use makegood::case::CaseKind;
use makegood::db::Connection;
use makegood::job::{JobFailure, JobId, JobType, open_case_of_paid_intent};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use uuid::Uuid;

/// How many more attempts a retried job gets.
const MORE_ATTEMPTS: i32 = 3;

/// Where a job is in its life; see the picture at the top of [`makegood::job`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum JobStatus {
    /// Runnable, now or later.
    Pending,
    /// A worker has it, under a lease.
    Processing,
    /// Done.
    Completed,
    /// Failed for good.
    Failed,
    /// Cancelled by a person.
    Cancelled,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Processing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this wire name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.wire_name() == name)
    }
}

/// A job as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRow {
    /// Which.
    pub id: Uuid,
    /// What it asks for.
    pub job_type: String,
    /// Where it is.
    pub status: JobStatus,
    /// Its parameters; `payment_intent_id` among them.
    pub payload: Value,
    /// The lowest number runs first.
    pub priority: i32,
    /// How often it was tried.
    pub attempts: i32,
    /// How often it is tried.
    pub max_attempts: i32,
    /// What makes it the same job.
    pub idempotency_key: Option<String>,
    /// Which worker has it.
    pub locked_by: Option<String>,
    /// Until when.
    pub locked_until: Option<DateTime<Utc>>,
    /// Not before.
    pub scheduled_for: DateTime<Utc>,
    /// Why it failed the last time.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
    /// When it was done.
    pub completed_at: Option<DateTime<Utc>>,
    /// When it failed for good.
    pub failed_at: Option<DateTime<Utc>>,
}

impl JobRow {
    /// The intent that it is about.
    #[must_use]
    pub fn payment_intent_id(&self) -> Option<&str> {
        self.payload.get("payment_intent_id").and_then(Value::as_str)
    }
}

/// Which jobs to list; all of them by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this status.
    pub status: Option<JobStatus>,
    /// Of this type, by its wire name; types that no worker can run included.
    pub job_type: Option<String>,
    /// About this intent.
    pub payment_intent_id: Option<String>,
}

/// Lists jobs, the newest first. Each page is a walk along one index for each wanted status.
///
/// # Errors
/// Those of the database.
pub async fn list(
    connection: &mut Connection,
    filter: &JobFilter,
    request: &PageRequest,
) -> Result<Page<JobRow>, sqlx::Error> {
    let before = request.after.unwrap_or(Cursor::NEWEST);
    let limit = request.reading();
    let statuses: Vec<String> = JobStatus::ALL
        .into_iter()
        .filter(|status| filter.status.is_none_or(|wanted| wanted == *status))
        .map(|status| status.wire_name().to_owned())
        .collect();
    let rows = match (&filter.payment_intent_id, &filter.job_type) {
        (Some(intent), job_type) => {
            sqlx::query_file_as!(
                JobRow,
                "src/job/of_intent.sql",
                intent,
                &statuses,
                job_type.as_deref(),
                before.at,
                before.id,
                limit
            )
            .fetch_all(connection)
            .await?
        }
        (None, Some(job_type)) => {
            sqlx::query_file_as!(
                JobRow,
                "src/job/of_type.sql",
                job_type,
                &statuses,
                before.at,
                before.id,
                limit
            )
            .fetch_all(connection)
            .await?
        }
        (None, None) => {
            sqlx::query_file_as!(
                JobRow,
                "src/job/of_status.sql",
                &statuses,
                before.at,
                before.id,
                limit
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(request.page(rows, |row| Cursor {
        at: row.created_at,
        id: row.id,
    }))
}

/// One job; none when there is no such.
///
/// # Errors
/// Those of the database.
pub async fn show(connection: &mut Connection, id: JobId) -> Result<Option<JobRow>, sqlx::Error> {
    sqlx::query_as!(
        JobRow,
        r#"SELECT id, job_type, status AS "status: JobStatus", payload, priority, attempts, max_attempts, idempotency_key,
                  locked_by, locked_until, least(scheduled_for, '9999-12-31') AS "scheduled_for!", last_error, created_at,
                  updated_at, completed_at, failed_at
           FROM job_queue WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(connection)
    .await
}

/// Why a job was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobRefusal {
    /// There is no such job.
    #[error("there is no such job; `makegood jobs list` shows them")]
    NotFound,
    /// A worker has it, and finishes it or loses it.
    #[error(
        "{worker} is running it until {until} at the latest; what it does then decides, ask again after that"
    )]
    Running {
        /// Which.
        worker: String,
        /// The end of its lease.
        until: DateTime<Utc>,
    },
    /// It is runnable already.
    #[error(
        "it is pending already, for {scheduled_for}; if no worker takes it, look at the jobs queue and its function"
    )]
    Pending {
        /// When it may run.
        scheduled_for: DateTime<Utc>,
    },
    /// It is done.
    #[error("it is completed; there is nothing left to do")]
    Completed,
    /// It has failed, so there is nothing to cancel.
    #[error("it has failed already and does not run any more; there is nothing to cancel")]
    Failed,
    /// It is cancelled already.
    #[error("it is cancelled already")]
    Cancelled,
}

impl JobRefusal {
    fn of(job: &JobRow) -> Self {
        match job.status {
            JobStatus::Processing => Self::Running {
                worker: job.locked_by.clone().unwrap_or_default(),
                until: job.locked_until.unwrap_or(job.updated_at),
            },
            JobStatus::Pending => Self::Pending {
                scheduled_for: job.scheduled_for,
            },
            JobStatus::Completed => Self::Completed,
            JobStatus::Failed => Self::Failed,
            JobStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// What became of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Retry {
    /// It is runnable now; wake the worker after the commit.
    Runnable {
        /// How often it is tried in all.
        max_attempts: i32,
    },
    /// Nothing was changed.
    Refused(JobRefusal),
}

/// What became of a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Cancellation {
    /// It is cancelled.
    Cancelled {
        /// Whether the buyer has paid and gets no order by it, so that a case was opened.
        opened_case: bool,
    },
    /// Nothing was changed.
    Refused(JobRefusal),
}

/// Makes a failed or cancelled job runnable at once, with three more attempts. `max_attempts` is raised and `attempts` left
/// alone: an attempt's number is part of the guard and never comes twice. Locks the job's row.
///
/// # Errors
/// Those of the database.
pub async fn retry_failed_job(
    connection: &mut Connection,
    id: JobId,
    act: &Act,
) -> Result<Retry, sqlx::Error> {
    let retried = sqlx::query!(
        "UPDATE job_queue j
         SET status = 'pending', scheduled_for = now(), failed_at = NULL, updated_at = now(), max_attempts = j.attempts + $2
         FROM (SELECT id, status, last_error FROM job_queue WHERE id = $1 FOR UPDATE) before
         WHERE j.id = before.id AND j.status IN ('failed', 'cancelled')
         RETURNING j.attempts, j.max_attempts, before.status, before.last_error",
        id.0,
        MORE_ATTEMPTS,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = retried else {
        return Ok(Retry::Refused(why_not(connection, id).await?));
    };
    let details = json!({"was": row.status, "lastError": row.last_error, "attempts": row.attempts,
                         "maxAttempts": row.max_attempts});
    audit::record(connection, act, Action::RetryJob, &id.subject(), &details).await?;
    Ok(Retry::Runnable {
        max_attempts: row.max_attempts,
    })
}

/// Cancels a job that is pending. A paid intent whose order will not be made by it gets an `unfulfillable` case in the same
/// transaction: cancelling must not make a paid order vanish (G5). Locks the job's row.
///
/// # Errors
/// Those of the database.
pub async fn cancel_pending_job(
    connection: &mut Connection,
    id: JobId,
    act: &Act,
) -> Result<Cancellation, sqlx::Error> {
    let cancelled = sqlx::query!(
        "UPDATE job_queue SET status = 'cancelled', updated_at = now()
         WHERE id = $1 AND status = 'pending'
         RETURNING job_type, payload ->> 'payment_intent_id' AS payment_intent_id",
        id.0,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = cancelled else {
        return Ok(Cancellation::Refused(why_not(connection, id).await?));
    };
    let opened_case = match row.payment_intent_id {
        Some(intent) if row.job_type == JobType::FinalizeOrder.wire_name() => {
            let reason = format!("cancelled by {}: {}", act.actor.as_str(), act.reason.as_str());
            let failure = JobFailure::permanent("job_cancelled", reason);
            open_case_of_paid_intent(connection, CaseKind::Unfulfillable, &intent, id, &failure).await?
        }
        Some(_) | None => false,
    };
    let details = json!({"jobType": row.job_type, "openedCase": opened_case});
    audit::record(connection, act, Action::CancelJob, &id.subject(), &details).await?;
    Ok(Cancellation::Cancelled { opened_case })
}

async fn why_not(connection: &mut Connection, id: JobId) -> Result<JobRefusal, sqlx::Error> {
    let job = show(connection, id).await?;
    Ok(job.as_ref().map_or(JobRefusal::NotFound, JobRefusal::of))
}

impl fmt::Display for JobStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.wire_name())
    }
}
