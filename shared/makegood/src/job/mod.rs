//! Jobs: imperative rows that say what is still to be done, each run by one worker at a time under a lease.
//!
//! ```text
//!   enqueue
//!      │          acquire: attempts + 1, locked_by, locked_until
//!      ▼                            │
//!   pending ────────────────────────┴──────▶ processing ── complete_job_if_owned ─────────────▶ completed
//!    │   ▲                                    │   │
//!    │   ├── return_jobs_of: the time is up ──┤   │
//!    │   ├── fail_job_if_owned: later ────────┤   ├── fail_job_if_owned: permanent, or no attempts left ─▶ failed
//!    │   ├── rescue_expired_jobs: lease over ─┘   └── rescue_expired_jobs: lease over, no attempts left ───▶ failed
//!    │   └── retry_failed_job: by a person, with more attempts ◀── failed, cancelled
//!    └── cancel_pending_job: by a person ──▶ cancelled
//! ```
//!
//! Only a job's own fault uses up an attempt ([`crate::cause::Cause`], docs/decisions/0030). What failed for another cause is
//! spared: `max_attempts` grows with `attempts`. That is bounded, since a record that kills its worker looks like an outage; a
//! job that failed beyond the bound runs again by itself with growing pauses ([`requeue_healable`]). A job that ended without
//! doing its work goes back to pending once by itself ([`requeue_ended_job_once`]); after that it is a person's.
//!
//! Leaving `processing` always carries the guard `(id, attempts, locked_by)`. `attempts` never goes down, so a guard that
//! was true once and then false is never true again: who lost the lease can only be told so.
//! Leases and schedules are measured with the database's clock, which all workers share.

mod acquire;
mod enqueue;
mod finish;
mod heal;
mod requeue;
mod rescue;
mod wake;

pub use acquire::{MOST_JOBS_A_CLAIM, acquire_job, acquire_next_jobs};
pub use enqueue::enqueue;
pub use finish::{complete_job_if_owned, fail_job_if_owned, return_jobs_of};
pub use heal::{complete_failed_job, open_case_of_paid_intent, spare_lost_workers};
pub use requeue::{requeue_ended_job_once, requeue_healable};
pub use rescue::{
    Rescue, RescuedJob, list_expired, list_untaken, rescue_expired_jobs, rescue_expired_jobs_except,
    rescue_job_if_expired,
};
pub use wake::Waker;

use crate::cause::Cause;
use crate::db::classify;
use crate::delivery::{Disposition, Failure};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// A row of `job_queue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub Uuid);

impl JobId {
    /// As the audit log names it.
    #[must_use]
    pub fn subject(self) -> String {
        format!("job:{}", self.0)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobType {
    /// Make the order of a paid intent. Payload `{payment_intent_id, provider}`.
    FinalizeOrder,
    /// Free the stock of an intent that will not be paid. Payload `{payment_intent_id, status?}`.
    HandlePaymentFailure,
    /// Record that a refund is due. Payload `{payment_intent_id, reason?}`.
    ProcessRefund,
}

impl JobType {
    /// Every type.
    pub const ALL: [Self; 3] = [
        Self::FinalizeOrder,
        Self::HandlePaymentFailure,
        Self::ProcessRefund,
    ];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::FinalizeOrder => "finalize_order",
            Self::HandlePaymentFailure => "handle_payment_failure",
            Self::ProcessRefund => "process_refund",
        }
    }

    /// The type of this wire name; none when no worker of this version can run it.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|job_type| job_type.wire_name() == name)
    }
}

/// A job to write.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What it asks for.
    pub job_type: JobType,
    /// Its parameters.
    pub payload: Value,
    /// The lowest number runs first.
    pub priority: i32,
    /// The same key is the same job, whatever became of it.
    pub idempotency_key: String,
    /// Not before; at once when none.
    pub scheduled_for: Option<DateTime<Utc>>,
}

/// What [`enqueue`] found or wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The job of this key.
    pub id: JobId,
    /// Whether it was written now.
    pub is_new: bool,
}

/// The guard of a claimed job: who holds it, and which attempt it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// Which attempt, from 1.
    pub attempts: i32,
    /// The worker.
    pub locked_by: String,
}

/// A job that this worker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What proves it.
    pub lease: Lease,
    /// As the column has it; see [`JobType::from_wire_name`].
    pub job_type: String,
    /// Its parameters.
    pub payload: Value,
    /// After this many attempts it fails for good.
    pub max_attempts: i32,
}

/// Whether the owner could still finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Completion {
    /// It is completed.
    Completed,
    /// The lease had been taken away: nothing was changed, and nothing of the work may be kept.
    LostRace,
}

/// Why a job failed this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// Stable, for filters.
    pub code: &'static str,
    /// For a person. No personal data.
    pub reason: String,
    /// Whether it would fail every time.
    pub is_permanent: bool,
    /// Who is to blame: only the job's own fault uses up an attempt.
    pub cause: Cause,
}

impl JobFailure {
    /// A failure that may pass.
    #[must_use]
    pub fn passing(code: &'static str, reason: impl Into<String>, cause: Cause) -> Self {
        Self {
            code,
            reason: reason.into(),
            is_permanent: false,
            cause,
        }
    }

    /// A failure that will never pass by itself: the job's own fault.
    #[must_use]
    pub fn permanent(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            is_permanent: true,
            cause: Cause::OwnFault,
        }
    }
}

impl fmt::Display for JobFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.reason)
    }
}

impl From<sqlx::Error> for JobFailure {
    fn from(error: sqlx::Error) -> Self {
        let cause = Cause::from(classify(&error));
        let failure = Failure::from(error);
        Self {
            code: failure.code,
            is_permanent: failure.disposition == Disposition::Park,
            reason: failure.reason,
            cause,
        }
    }
}

/// What became of a job that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum FailedJob {
    /// It runs again after this long.
    Requeued {
        /// From now, by the database's clock.
        delay: Duration,
    },
    /// It has failed for good.
    ForGood,
    /// The lease had been taken away: nothing was changed.
    LostRace,
}
