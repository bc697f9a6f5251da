//! Writes a job, once for each idempotency key.

use super::{Enqueued, JobId, NewJob};
use crate::db::Connection;

/// Writes the job unless one of its key is there, whatever its status; gives back which, and whether it is new. Belongs
/// into the transaction of the change that asks for it.
///
/// # Errors
/// Those of the database. Under READ COMMITTED only: the row that a concurrent writer won with must be seen.
pub async fn enqueue(connection: &mut Connection, job: &NewJob) -> Result<Enqueued, sqlx::Error> {
    let written = sqlx::query_scalar!(
        "INSERT INTO job_queue (job_type, payload, priority, idempotency_key, scheduled_for)
         VALUES ($1, $2, $3, $4, coalesce($5, now()))
         ON CONFLICT (idempotency_key) DO NOTHING
         RETURNING id",
        job.job_type.wire_name(),
        job.payload,
        job.priority,
        job.idempotency_key,
        job.scheduled_for,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(id) = written {
        return Ok(Enqueued {
            id: JobId(id),
            is_new: true,
        });
    }
    // A statement of its own: its snapshot is younger than the conflict.
    let id = sqlx::query_scalar!(
        "SELECT id FROM job_queue WHERE idempotency_key = $1",
        job.idempotency_key
    )
    .fetch_one(connection)
    .await?;
    Ok(Enqueued {
        id: JobId(id),
        is_new: false,
    })
}
